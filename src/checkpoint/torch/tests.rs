//! Files that `torch.save` wrote, and pickles made by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use super::*;
use crate::checkpoint::Checkpoint;

fn fixture(name: &str) -> Checkpoint {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/torch");
    Checkpoint::open(&folder.join(name)).unwrap()
}

#[test]
fn every_format_gives_what_safetensors_gives() {
    for (file, same) in [
        ("sequential.pt", "sequential.safetensors"),
        ("sequential-legacy.pt", "sequential.safetensors"),
        ("protocol4.pt", "sequential.safetensors"),
        ("nested.pth", "sequential.safetensors"),
        ("tensors.pt", "tensors.safetensors"),
        ("tensors-legacy.pt", "tensors.safetensors"),
    ] {
        let (ours, expected) = (fixture(file), fixture(same));
        assert!(ours.tensors == expected.tensors, "{file}");
        assert_eq!(ours.config["activation"], "silu", "{file}");
        assert_eq!(ours.sha256.to_string().len(), 64, "{file}");
    }
}

#[test]
fn tensors_are_copied_row_by_row() {
    let tensors = fixture("tensors.pt").tensors;
    let columns = &tensors["columns"];
    assert_eq!(columns.shape, [2, 3]);
    assert_eq!(columns.to_f64(), [7.0, 9.0, 11.0, 13.0, 15.0, 17.0]);
    assert_eq!(tensors["tail"].to_f64(), [4.0, 5.0]);
    assert_eq!(tensors["expanded"].to_f64(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
}

/// What the machine says of a pickle.
fn said(pickle: &[u8]) -> String {
    match machine::run(pickle) {
        Ok((values, _)) => format!("{:?}", values.get(values.root)),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn what_is_foreign_is_named_and_not_called() {
    let foreign = said(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.");
    assert_eq!(foreign, "Foreign(\"os.system\")");
    let protocol4 = said(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
    assert_eq!(protocol4, "Foreign(\"builtins.eval\")");
    let (values, _) = machine::run(b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R.").unwrap();
    assert!(matches!(state::dictionary(&values), Err(Fault::Foreign(name)) if name == "os.system"));
    // A harmless one called with what it does not take.
    assert!(said(b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.").starts_with("Broken"));
}

#[test]
fn integers_have_their_sign_and_width() {
    for (pickle, expected) in [
        (&b"K\xff."[..], "Integer(255)"),
        (b"M\x00\x01.", "Integer(256)"),
        (b"J\xfe\xff\xff\xff.", "Integer(-2)"),
        (b"\x8a\x00.", "Integer(0)"),
        (b"\x8a\x02\x00\x80.", "Integer(-32768)"),
        (b"\x8a\x02\xff\x00.", "Integer(255)"),
        (b"\x8a\x09\0\0\0\0\0\0\0\0\x01.", "Opaque"),
        (b"I-12\n.", "Integer(-12)"),
        (b"I01\n.", "Truth(true)"),
        (b"L7L\n.", "Integer(7)"),
        (b"G\x3f\xf8\0\0\0\0\0\0.", "Float(1.5)"),
        (b"F1.5\n.", "Float(1.5)"),
    ] {
        assert_eq!(said(pickle), expected, "{pickle:?}");
    }
}

#[test]
fn strings_of_python_2_are_texts() {
    for pickle in [
        &b"U\x02ab."[..],
        b"T\x02\0\0\0ab.",
        b"S'ab'\n.",
        b"Vab\n.",
        b"(S'ab'\np1\nlp2\n0g1\n.",
    ] {
        assert_eq!(said(pickle), "Text(\"ab\")", "{pickle:?}");
    }
}

#[test]
fn hostile_pickles_are_refused() {
    for pickle in [
        &b""[..],
        b".",
        b"t.",
        b"(a.",
        b"](s.",
        b"}K\x01(u.",
        b"h\x07.",
        b"X\xff\xff\xff\xffab.",
        b"K\x01Q.",
        b"K\x01K\x02R.",
        b"\x81.",
        b"ios\nsystem\n.",
    ] {
        assert!(said(pickle).starts_with("Broken"), "{pickle:?}");
    }
    assert!(said(&vec![b'N'; MANY]).contains("more than"), "no end");
}

/// More instructions than any pickle may have.
const MANY: usize = 3 << 20;

#[test]
fn a_list_that_holds_itself_ends() {
    // l = []; d = {"l": l, "d": d}; l.append(d)
    let knot = b"}q\0X\x01\0\0\0d\x68\0sX\x01\0\0\0l]h\0as.";
    let (values, length) = machine::run(knot).unwrap();
    assert_eq!(length, knot.len());
    assert!(matches!(state::dictionary(&values), Err(Fault::States(found)) if found.is_empty()));
}
