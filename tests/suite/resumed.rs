//! Long searches go on where they were interrupted, and come to the same result.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::sturdy::stripped;

/// Times that a search is interrupted at most.
const TIMES: usize = 3;

fn command(words: &str, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modscope"));
    command
        .args(words.split_whitespace())
        .args(["--quiet", "--threads", "1", "--out"])
        .arg(out)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::null());
    command
}

/// What stands hidden in a folder.
fn hidden(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let is_hidden = |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes()[0] == b'.';
    entries.filter(is_hidden).collect()
}

/// Bytes of all journals there.
fn kept(folder: &Path) -> u64 {
    let journals = hidden(folder);
    let sizes = journals.iter().filter_map(|path| fs::metadata(path).ok());
    sizes.map(|about| about.len()).sum()
}

/// Ends a command by a signal as soon as it has kept more than `before`; whether it was
/// still at work.
fn interrupted(mut child: Child, folder: &Path, before: u64, signal: &str) -> bool {
    while child.try_wait().unwrap().is_none() {
        if kept(folder) > before {
            let id = child.id().to_string();
            Command::new("kill").args([signal, &id]).status().unwrap();
            return child.wait().unwrap().code().is_none_or(|code| code == 130);
        }
        sleep(Duration::from_micros(300));
    }
    false
}

fn result(of: &Path, name: &str) -> Value {
    let text = fs::read(of.join(name)).unwrap();
    stripped(serde_json::from_slice(&text).unwrap())
}

/// Interrupts a command again and again, lets it end, and holds its result against that of
/// one that was left alone.
fn goes_on(words: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole/r"), folder.path().join("parts/r"));
    for out in [&whole, &parts] {
        fs::create_dir(out.parent().unwrap()).unwrap();
    }
    assert!(command(words, &whole).status().unwrap().success());
    let beside = parts.parent().unwrap();
    let mut times = 0;
    for signal in ["-INT", "-KILL", "-TERM"].into_iter().take(TIMES) {
        let child = command(words, &parts).spawn().unwrap();
        if !interrupted(child, beside, kept(beside), signal) {
            break;
        }
        times += 1;
        assert!(!parts.exists(), "nothing half made");
        let left = hidden(beside);
        let journals = left
            .iter()
            .filter(|path| path.extension() == Some("journal".as_ref()));
        assert_eq!(journals.count(), 1, "a journal");
        // Who is killed while a result is written cannot take it away: the next run does.
        let others = usize::from(signal == "-KILL");
        assert!(
            left.len() <= 1 + others,
            "a journal, and nothing else: {left:?}"
        );
    }
    assert!(times > 0, "{words}: it was too fast to be interrupted");
    if !parts.exists() {
        assert!(command(words, &parts).status().unwrap().success());
    }
    assert_eq!(result(&parts, name), result(&whole, name), "{words}");
    assert!(hidden(beside).is_empty(), "{:?}", hidden(beside));
}

#[test]
fn searches_for_circuits_go_on_where_they_were() {
    goes_on(
        "circuit fixtures/independence-bimt --method exact,acdc,mask --mask-steps 50",
        "circuit.json",
    );
}

#[test]
fn a_grid_of_analyses_goes_on_where_it_was() {
    goes_on(
        "stability fixtures/independence-bimt --method exact,eap-ig-activations --top 8 \
         --sample-sets 5",
        "stability.json",
    );
}

#[test]
fn a_comparison_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let good = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/broken/good/bimt");
    let copy = |name: &str| {
        let to = folder.path().join(name);
        fs::create_dir(&to).unwrap();
        fs::copy(good.join("model.safetensors"), to.join("model.safetensors")).unwrap();
        to.display().to_string()
    };
    let (one, other) = (copy("n-l1-s1"), copy("n-bimt-s1"));
    goes_on(
        &format!(
            "compare {one} {other} --data fixtures/broken/good/data.safetensors \
             --null layer:1 --method exact --control-draws 1"
        ),
        "compare.json",
    );
}

/// Another command does not go on where this one was, and journals go when a result comes.
#[test]
fn pieces_are_of_one_command_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("r");
    let words = "circuit fixtures/independence-bimt --method exact,acdc";
    let child = command(words, &out).spawn().unwrap();
    assert!(interrupted(child, folder.path(), 0, "-KILL"));
    let [journal] = &hidden(folder.path())[..] else {
        panic!("one journal");
    };
    let before = fs::read(journal).unwrap();
    assert!(
        command(&format!("{words} --fill zero"), &out)
            .status()
            .unwrap()
            .success()
    );
    assert!(!before.is_empty() && !journal.exists());
}
