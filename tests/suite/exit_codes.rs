//! Every line of `docs/exit-codes.md` ends with the code it names.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;
use std::process::Command;

const TABLE: &str = include_str!("../../docs/exit-codes.md");

/// Command lines and their codes.
fn lines() -> Vec<(String, i32)> {
    let row = |line: &str| {
        let (command, rest) = line.strip_prefix("| `modscope").map_or_else(
            || line.strip_prefix("| `timeout")?.split_once("` | "),
            |rest| rest.split_once("` | "),
        )?;
        let first = if line.starts_with("| `modscope") {
            "modscope"
        } else {
            "timeout"
        };
        let code = rest.split(' ').next()?.parse().ok()?;
        Some((format!("{first}{}", command.replace("\\|", "|")), code))
    };
    TABLE.lines().filter_map(row).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn every_command_line_ends_with_its_code() {
    let lines = lines();
    assert!(lines.len() > 20, "{}", lines.len());
    let folder = tempfile::tempdir().unwrap();
    let huge = "{\"inputs\": [1, 2], \"label\": [1e200]}\n".repeat(6);
    std::fs::write(folder.path().join("huge.jsonl"), huge).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_modscope"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut wrong = Vec::new();
    for (line, code) in lines {
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", &line])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
            .env("T", folder.path())
            .env("PATH", &path)
            .output()
            .unwrap();
        let found = output.status.code();
        if found != Some(code) {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            wrong.push(format!("{line}: {found:?}, not {code}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is left in a folder after an interruption is whole.
#[test]
#[cfg(unix)]
fn an_interrupted_training_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    // A second or more, optimised or not.
    let steps = if cfg!(debug_assertions) {
        4_000
    } else {
        60_000
    };
    let train = |out: &str, wait: Option<u64>| {
        let words = format!("train two_moon --steps {steps} --quiet --threads 1 --out");
        let mut child = Command::new(env!("CARGO_BIN_EXE_modscope"))
            .args(words.split(' '))
            .arg(folder.path().join(out))
            .spawn()
            .unwrap();
        if let Some(wait) = wait {
            std::thread::sleep(std::time::Duration::from_millis(wait));
            let id = child.id().to_string();
            let _ = Command::new("kill").args(["-INT", &id]).status().unwrap();
        }
        child.wait().unwrap().code().unwrap()
    };
    assert_eq!(train("whole", None), 0);
    let mut interrupted = 0;
    for wait in [300, 400, 500] {
        match train("parts", Some(wait)) {
            0 => break,
            code => assert_eq!(code, 130),
        }
        interrupted += 1;
        assert!(!folder.path().join("parts").exists());
        let left = folder
            .path()
            .join("parts.snapshots/interrupted.safetensors");
        assert!(left.is_file());
    }
    assert!(interrupted > 0, "it was too fast to be interrupted");
    if !folder.path().join("parts").exists() {
        assert_eq!(train("parts", None), 0);
    }
    for file in ["model.safetensors", "data.safetensors", "curve.csv"] {
        let read = |of: &str| std::fs::read(folder.path().join(of).join(file)).unwrap();
        assert!(read("whole") == read("parts"), "{file}");
    }
    assert!(!folder.path().join("parts.snapshots").exists());
}
