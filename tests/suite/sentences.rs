//! The sentences of every kind of result, case by case, as one page to be read aloud.
//!
//! `UPDATE_EXPECT=1 cargo test --test suite sentences` writes `data/sentences.txt` anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// A case, and what is typed: `N` is a network of targets, `M` of classes, `T` a transformer,
/// `P` the first one pruned, `R` a folder of networks trained for a moment.
const CASES: [(&str, &str); 21] = [
    ("everything at once", "audit N"),
    ("of classes", "audit M"),
    (
        "of a transformer",
        "audit T --threshold 0 --edge-weight attribution --null 19",
    ),
    (
        "proved, and modules in every way",
        "modules N --scan --path --hierarchy --shapley --relocate",
    ),
    ("proved", "prune N --certify"),
    ("cut too far", "prune N --threshold 0.5"),
    ("nothing cut", "prune N --threshold 0"),
    (
        "three null models",
        "modules N --null layer-nonzero:99,layer:99,degree:99",
    ),
    ("no null model", "modules N --null layer:0"),
    ("of one size", "circuit N --method exact --top 12"),
    (
        "judged where they were found",
        "circuit N --method exact --judge-on same",
    ),
    (
        "too few samples for an interval",
        "circuit N --method exact --samples 40 --judge-on half",
    ),
    (
        "a metric without intervals",
        "circuit M --method exact --metric accuracy",
    ),
    ("controls searched", "circuit M --method exact --controls"),
    ("a search", "circuit N --method acdc"),
    (
        "a proved circuit",
        "circuit N --method proved --domain box:-1,1 --fill zero",
    ),
    ("two versions", "diff N P --data D"),
    ("an edit", "intervene N --ablate h1.0"),
    ("many analyses", "stability N --sample-sets 3"),
    ("inside a transformer", "lens T"),
    ("a comparison", "compare R --data D"),
];

/// Words of a first screen, without what stands in its pictures, numbers and units as words:
/// of one network, and where sentences are its verdicts.
const FIRST_WORDS: [usize; 2] = [140, 190];

#[test]
fn sentences_case_by_case() {
    let folder = tempfile::tempdir().unwrap();
    let pruned = folder.path().join("pruned.safetensors");
    let prune = "prune fixtures/independence-bimt --threshold 0.05 -o";
    said(&format!("{prune} {}", pruned.display()), folder.path());
    let runs = folder.path().join("runs");
    let train = "train independence --regimes bimt,vanilla --seeds 0..2 --steps 300 --hidden 6,6";
    let mut trainer = Command::cargo_bin("modscope").unwrap();
    trainer.args(train.split(' ')).arg("--quiet").arg("--out");
    trainer.arg(&runs).assert().success();
    let mut page = String::new();
    for (case, typed) in CASES {
        let place = |word: &str| match word {
            "N" => "fixtures/independence-bimt".to_owned(),
            "M" => "fixtures/two_moon-bimt".to_owned(),
            "T" => "fixtures/gpt2".to_owned(),
            "D" => "fixtures/independence-bimt/data.safetensors".to_owned(),
            "P" => pruned.display().to_string(),
            "R" => runs.display().to_string(),
            word => word.to_owned(),
        };
        let words: Vec<String> = typed.split(' ').map(place).collect();
        page.push_str(&format!("## {case}: {typed}\n"));
        page.push_str(&said(&words.join(" "), folder.path()));
        page.push('\n');
    }
    let expected = Path::new("tests/suite/data/sentences.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(expected, &page).unwrap();
    }
    let before = std::fs::read_to_string(expected).unwrap_or_default();
    for (old, new) in before.lines().zip(page.lines()) {
        assert_eq!(
            old,
            new,
            "UPDATE_EXPECT=1 writes {} anew",
            expected.display()
        );
    }
    assert_eq!(before.lines().count(), page.lines().count());
}

/// The sentences of a command, one per line.
fn said(typed: &str, folder: &Path) -> String {
    let mut command = Command::cargo_bin("modscope").unwrap();
    command
        .args(typed.split(' '))
        .args(["--json", "--quiet", "--force", "--out"]);
    let output = command.arg(folder.join("out")).output().unwrap();
    let result: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{typed}: {}", String::from_utf8_lossy(&output.stderr)));
    let page = folder.join("out/index.html");
    if let Ok(page) = std::fs::read_to_string(page) {
        begins_short(typed, &page);
        leads_somewhere(typed, &page);
    }
    let sentences = result["summary"]
        .as_array()
        .unwrap_or_else(|| panic!("{typed}"));
    let line = |said: &Value| {
        let text = |key: &str| said[key].as_str().unwrap().to_owned();
        let (subject, status) = (text("subject"), text("status"));
        format!("{subject} ({status}): {}\n", untimed(&text("sentence")))
    };
    sentences.iter().map(line).collect()
}

/// The first screen of a page: a headline and few words, beside its pictures.
fn begins_short(typed: &str, page: &str) {
    let (_, header) = page.split_once("<header id=\"summary\"").unwrap();
    let (header, _) = header.split_once("</header>").unwrap();
    let mut words = 0;
    let mut pictures = 0;
    for tag in header.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap_or((tag, ""));
        pictures += usize::from(tag.starts_with("svg"));
        pictures -= usize::from(tag.starts_with("/svg"));
        if pictures == 0 {
            words += text.split_whitespace().count();
        }
    }
    println!("{typed}: {words} words");
    assert!(header.contains("<h1"), "{typed}");
    let is_told = ["diff", "stability", "lens"].contains(&typed.split(' ').next().unwrap());
    let most = FIRST_WORDS[usize::from(is_told)];
    assert!(words <= most, "{typed}: {words} words of {most}");
}

/// Every link within a page leads to one place of it.
fn leads_somewhere(typed: &str, page: &str) {
    for target in page.split("href=\"#").skip(1) {
        let id = target.split('"').next().unwrap_or("");
        let places = page.matches(&format!(" id=\"{id}\"")).count();
        assert_eq!(places, 1, "{typed}: #{id}");
    }
}

/// A sentence with `…` in place of how long things took.
fn untimed(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split(' ').collect();
    let is_time = |place: usize| {
        let unit = words
            .get(place + 1)
            .map(|unit| unit.trim_end_matches(['.', ',', ':']));
        words[place].parse::<f64>().is_ok() && matches!(unit, Some("s" | "ms" | "µs"))
    };
    let kept = (0..words.len()).map(|place| if is_time(place) { "…" } else { words[place] });
    kept.collect::<Vec<_>>().join(" ")
}
