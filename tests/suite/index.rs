//! Saved results drawn again from the command line: one, several, and opened.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use assert_cmd::Command;

const RESULT: &str = "tests/suite/data/report.json";

fn modscope() -> Command {
    Command::cargo_bin("modscope").unwrap()
}

#[test]
fn several_results_make_an_index_with_a_page_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("both");
    let arguments = ["report", RESULT, RESULT, "--out", out.to_str().unwrap()];
    let run = modscope().args(arguments).assert().success();
    let told = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(told.starts_with("index: "), "{told}");
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    for folder in ["data", "data-2"] {
        assert!(page.contains(&format!("<a href=\"{folder}/index.html\">")));
        assert!(out.join(folder).join("index.html").is_file());
    }
    // What is there is not replaced unasked.
    modscope().args(arguments).assert().code(2);
    modscope().args(arguments).arg("--force").assert().success();
}

/// As PDF and PNG by builds that can, refused before anything is written by those that cannot.
#[test]
fn figures_in_other_formats_are_written_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("print");
    let words = [
        "report",
        RESULT,
        "--figures",
        "pdf,png",
        "--width",
        "3.25in",
    ];
    let run = modscope().args(words).arg("--out").arg(&out).assert();
    let begins = |file: &str, with: &[u8]| {
        let bytes = fs::read(out.join("figures").join(file)).unwrap();
        bytes.starts_with(with)
    };
    if cfg!(feature = "pdf") {
        run.success();
        assert!(begins("network.pdf", b"%PDF") && begins("network.png", b"\x89PNG"));
    } else {
        let told = String::from_utf8_lossy(&run.code(2).get_output().stderr).into_owned();
        assert!(told.contains("the feature `pdf` is off"), "{told}");
        assert!(!out.exists());
    }
    modscope()
        .args(["report", RESULT, "--figures", "gif"])
        .assert()
        .code(2);
}

#[test]
fn an_index_needs_every_result() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("both");
    let arguments = [
        "report",
        RESULT,
        "Cargo.toml",
        "--out",
        out.to_str().unwrap(),
    ];
    modscope().args(arguments).assert().code(2);
    assert!(!out.exists());
}

/// A program in the place of the desktop's opener, which writes down what it was given.
#[cfg(target_os = "linux")]
#[test]
fn open_hands_the_page_to_the_desktop() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let opener = dir.path().join("xdg-open");
    let note = dir.path().join("opened");
    fs::write(
        &opener,
        format!("#!/bin/sh\necho \"$1\" > {}\n", note.display()),
    )
    .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let out = dir.path().join("page");
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    modscope()
        .args([
            "report",
            RESULT,
            "--open",
            "--quiet",
            "--out",
            out.to_str().unwrap(),
        ])
        .env("PATH", path)
        .assert()
        .success();
    // The opener runs on its own; it is given a while.
    for _ in 0..500 {
        if fs::read_to_string(&note).is_ok_and(|text| text.ends_with('\n')) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let opened = fs::read_to_string(&note).unwrap();
    assert_eq!(
        Path::new(opened.trim()),
        out.join("index.html").canonicalize().unwrap()
    );
}

#[test]
fn a_comparison_is_drawn_again_and_stays_as_it_is() {
    const COMPARISON: &str = "reports/compare-independence/compare.json";
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("again");
    let to = out.to_str().unwrap();
    let mut command = modscope();
    let run = command
        .args(["report", COMPARISON, "--out", to])
        .assert()
        .success();
    let told = String::from_utf8_lossy(&run.get_output().stdout).into_owned();
    assert!(told.contains("report: "), "{told}");
    let text = |path: &Path| fs::read_to_string(path).unwrap();
    assert_eq!(text(&out.join("compare.json")), text(Path::new(COMPARISON)));
    assert!(text(&out.join("index.html")).contains("Comparison"));
    assert!(out.join("tables/compare.md").is_file());
    // An index is over results of single networks.
    let arguments = ["report", RESULT, COMPARISON, "--out", to, "--force"];
    let run = modscope().args(arguments).assert().code(2);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("draw it again by itself"), "{told}");
}

#[test]
fn a_result_in_brief_names_the_files_and_leaves_lines_to_sign() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("brief");
    let brief = |more: &[&str]| {
        let mut command = Command::cargo_bin("modscope").unwrap();
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.args(["report", "tests/suite/data/report.json", "--brief"]);
        command.args(more).assert()
    };
    brief(&["--out", out.to_str().unwrap()]).success();
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let result: serde_json::Value = serde_json::from_str(include_str!("data/report.json")).unwrap();
    let hash = result["checkpoint"]["sha256"].as_str().unwrap();
    for name in ["brief.html", "model-card.md"] {
        assert!(read(name).contains(hash), "{name}");
    }
    assert!(read("brief.html").contains("Signature"));
    assert!(read("model-card.md").starts_with("## Audit of the weights"));
    // What is there is kept, and two results have no page to sign.
    brief(&["--out", out.to_str().unwrap()]).code(2);
    brief(&["tests/suite/data/report.json", "--out", "nowhere"]).code(2);
}
