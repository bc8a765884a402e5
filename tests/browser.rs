//! A written report in a real browser: it opens without complaint, sorts, fits a phone, prints.
//!
//! Needs Chromium; where there is none, the tests say so and pass.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use modscope::report;
use modscope::result::Audit;

/// How long a browser may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(90);

/// A folder with a report in it, or nothing where no browser is installed.
fn report() -> Option<(PathBuf, tempfile::TempDir)> {
    let Some(browser) = browser() else {
        println!("skipped: chromium is not installed");
        return None;
    };
    let dir = tempfile::tempdir().expect("a temporary folder");
    let audit: Audit =
        serde_json::from_str(include_str!("data/report.json")).expect("the fixture is a result");
    report::write(&audit, "audit", dir.path()).expect("the report is written");
    Some((browser, dir))
}

fn browser() -> Option<PathBuf> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    let candidates = folders
        .iter()
        .flat_map(|folder| names.map(|name| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file())
}

/// Opens a page of the folder without a window and returns what the browser printed.
fn open(browser: &Path, dir: &Path, page: &str, flags: &[&str]) -> Output {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--enable-logging=stderr", "--v=0"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("file://{}", dir.join(page).display()))
        .stdout(fs::File::create(dir.join("stdout")).expect("a file"))
        .stderr(fs::File::create(dir.join("stderr")).expect("a file"))
        .stdin(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the browser can be waited for") {
            break status;
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("the browser can be ended");
            panic!("the browser did not finish");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let read = |name: &str| fs::read(dir.join(name)).expect("the browser's output");
    Output {
        status,
        stdout: read("stdout"),
        stderr: read("stderr"),
    }
}

#[test]
fn the_page_opens_without_complaint_and_its_script_runs() {
    let Some((browser, dir)) = report() else {
        return;
    };
    let output = open(&browser, dir.path(), "index.html", &["--dump-dom"]);
    let (dom, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert_eq!(complaints, Vec::<&str>::new());
    for part in [
        "<section id=\"summary\"",
        "<section id=\"network\"",
        "class=\"bridge\"",
        "<section id=\"circuits\"",
        "does not hold",
    ] {
        assert!(dom.contains(part), "{part} is missing");
    }
    assert!(
        dom.contains("<button type=\"button\">Largest change"),
        "tables cannot be sorted"
    );
}

/// The page with a probe in place of its script, which leaves an answer in the title.
fn probe(dir: &Path, script: &str) {
    let html = fs::read_to_string(dir.join("index.html")).expect("the page");
    let policy = html.find("<meta http-equiv").expect("a policy");
    let end = policy + html[policy..].find('>').expect("its end") + 1;
    let free = format!("{}{}", &html[..policy], &html[end..]);
    let probe = format!(
        "<script>addEventListener('load',()=>{{document.title='answer:'+({script})+';'}})</script></body>"
    );
    fs::write(dir.join("probe.html"), free.replace("</body>", &probe))
        .expect("the probe is written");
}

fn answer(dom: &str) -> &str {
    let start = dom.find("answer:").expect("the probe answers") + "answer:".len();
    dom[start..].split(';').next().unwrap_or("")
}

#[test]
fn nothing_scrolls_sideways_on_a_phone() {
    let Some((browser, dir)) = report() else {
        return;
    };
    probe(
        dir.path(),
        "[innerWidth, document.documentElement.scrollWidth].join(' ')",
    );
    let output = open(
        &browser,
        dir.path(),
        "probe.html",
        &["--window-size=390,844", "--dump-dom"],
    );
    let dom = String::from_utf8_lossy(&output.stdout);
    let widths: Vec<u32> = answer(&dom)
        .split(' ')
        .map(|n| n.parse().expect("a number"))
        .collect();
    assert!(
        widths[1] <= widths[0],
        "{} px wide on {} px",
        widths[1],
        widths[0]
    );
}

#[test]
fn a_click_on_a_title_sorts() {
    let Some((browser, dir)) = report() else {
        return;
    };
    let click = "(()=>{const t=[...document.querySelectorAll('table')].find(t=>t.caption.textContent.startsWith('What pruning'));\
        const first=()=>t.tBodies[0].rows[0].cells[0].textContent;const before=first();\
        t.tHead.rows[0].cells[4].firstElementChild.click();t.tHead.rows[0].cells[4].firstElementChild.click();\
        return before+first()+t.tHead.rows[0].cells[4].getAttribute('aria-sort')})()";
    probe(dir.path(), click);
    let output = open(&browser, dir.path(), "probe.html", &["--dump-dom"]);
    assert_eq!(
        answer(&String::from_utf8_lossy(&output.stdout)),
        "y0y1ascending"
    );
}

#[test]
fn the_page_prints() {
    let Some((browser, dir)) = report() else {
        return;
    };
    let pdf = dir.path().join("page.pdf");
    open(
        &browser,
        dir.path(),
        "index.html",
        &[&format!("--print-to-pdf={}", pdf.display())],
    );
    let bytes = fs::read(&pdf).expect("a PDF was printed");
    assert!(
        bytes.starts_with(b"%PDF") && bytes.len() > 20_000,
        "{} bytes",
        bytes.len()
    );
}
