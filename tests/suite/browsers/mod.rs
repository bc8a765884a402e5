//! Browsers without a screen, driven by their own protocols: real clicks, keys and drags.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod chromium;
mod firefox;
mod wire;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a browser may take for anything before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser that pages are tested in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Chromium,
    Firefox,
}

impl Kind {
    /// What it is called: as a program, and where its tests must not be skipped.
    fn names(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Chromium => (&chromium::PROGRAMS, "MODSCOPE_BROWSER_TESTS"),
            Self::Firefox => (&firefox::PROGRAMS, "MODSCOPE_FIREFOX_TESTS"),
        }
    }

    /// The program, if one is installed. Its variable, set to `required`, fails without one.
    fn program(self) -> Option<PathBuf> {
        let (names, variable) = self.names();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
            .find(|path| path.is_file());
        let is_required = std::env::var(variable).is_ok_and(|v| v == "required");
        assert!(found.is_some() || !is_required, "no {self:?} is installed");
        if found.is_none() {
            println!("skipped: {self:?} is not installed");
        }
        found
    }
}

/// What every browser can do.
trait Driver {
    /// Goes to an address and waits until it is loaded.
    fn visit(&mut self, address: &str);
    /// The value of an expression in the page, awaited.
    fn eval(&mut self, expression: &str) -> Value;
    /// Moves the mouse, its button up or down.
    fn move_to(&mut self, at: (f64, f64), is_down: bool);
    /// Presses the mouse's button, or lets it go.
    fn button(&mut self, at: (f64, f64), is_down: bool);
    /// Touches a point.
    fn tap(&mut self, at: (f64, f64));
    /// Presses a key; one letter is typed as well.
    fn key(&mut self, key: &str);
    /// What the page complained of so far: errors, warnings, refused requests.
    fn complaints(&self) -> Vec<String>;
    /// Every address that was asked for so far.
    fn requests(&self) -> Vec<String>;
    /// Where files that the page offers go to.
    fn downloads(&self) -> PathBuf;
    /// A picture of the window, or of the whole page, as PNG in base64.
    fn screenshot(&mut self, is_whole: bool) -> String;
    /// The page as a PDF, in base64.
    fn pdf(&mut self) -> String;
    /// Sets the medium and the wish for dark colours; false where the browser cannot.
    fn emulate(&mut self, medium: &str, is_dark: bool) -> bool;
}

/// A page in a browser of its own.
pub struct Page {
    driver: Box<dyn Driver>,
}

impl Page {
    /// Opens a file in a window of this size; `None` where the browser is not installed.
    pub fn open(kind: Kind, page: &Path, size: (u32, u32)) -> Option<Self> {
        let program = kind.program()?;
        let driver: Box<dyn Driver> = match kind {
            Kind::Chromium => Box::new(chromium::Chromium::start(&program, size)),
            Kind::Firefox => Box::new(firefox::Firefox::start(&program, size)),
        };
        let mut opened = Self { driver };
        opened.visit(page);
        Some(opened)
    }

    /// Goes to another file and waits until it is loaded, what it unpacks included.
    pub fn visit(&mut self, page: &Path) {
        self.driver.visit(&format!("file://{}", page.display()));
        for (carried, drawn) in [("view-data", ".view-stage"), ("film-data", ".film svg")] {
            self.wait(drawn, |page| {
                page.eval(&format!(
                    "!document.querySelector('script#{carried}[type=\"application/gzip\"]') || !!document.querySelector('{drawn}')"
                )) == true
            });
        }
    }

    /// The value of an expression in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        self.driver.eval(expression)
    }

    /// The text of the first element that a selector finds.
    pub fn text(&mut self, selector: &str) -> String {
        let found = self.eval(&format!(
            "document.querySelector({selector:?})?.textContent"
        ));
        found.as_str().unwrap_or("").to_owned()
    }

    /// Waits until something is so.
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&mut Self) -> bool) {
        let started = Instant::now();
        while !is_so(self) {
            assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the browser has drawn what was asked for.
    pub fn settle(&mut self) {
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// The middle of an element, scrolled into sight.
    pub fn middle(&mut self, selector: &str) -> (f64, f64) {
        let script = format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        );
        let at = self.eval(&script);
        let part = |k: usize| at[k].as_f64().expect("a place");
        (part(0), part(1))
    }

    /// Moves the mouse to a point.
    pub fn hover(&mut self, at: (f64, f64)) {
        self.driver.move_to(at, false);
        self.settle();
    }

    /// Clicks at a point.
    pub fn click(&mut self, at: (f64, f64)) {
        self.driver.move_to(at, false);
        self.driver.button(at, true);
        self.driver.button(at, false);
        self.settle();
    }

    /// Drags from a point through others; in between `held` runs.
    pub fn drag(&mut self, from: (f64, f64), through: &[(f64, f64)], held: &str) {
        self.driver.move_to(from, false);
        self.driver.button(from, true);
        self.eval(held);
        for at in through {
            self.driver.move_to(*at, true);
        }
        self.driver.button(*through.last().unwrap_or(&from), false);
    }

    /// Touches a point.
    pub fn tap(&mut self, at: (f64, f64)) {
        self.driver.tap(at);
    }

    /// Clicks an element.
    pub fn press(&mut self, selector: &str) {
        let at = self.middle(selector);
        self.click(at);
    }

    /// Presses a key; one letter is typed as well.
    pub fn key(&mut self, key: &str) {
        self.driver.key(key);
        self.settle();
    }

    /// What the page complained of: errors, warnings, refused requests.
    pub fn complaints(&mut self) -> Vec<String> {
        self.settle();
        self.driver.complaints()
    }

    /// Addresses that the page asked for, other than files of its own folder and data it carries.
    pub fn outside_requests(&self, inside: &Path) -> Vec<String> {
        let own = format!("file://{}", inside.display());
        let is_inside = |url: &String| {
            let mut starts = [own.as_str(), "data:", "blob:", "about:"].into_iter();
            starts.any(|start| url.starts_with(start))
        };
        let asked = self.driver.requests();
        asked.into_iter().filter(|url| !is_inside(url)).collect()
    }

    /// A file that the page offered, once it is there: until then the browser keeps its
    /// place with an empty one, which it replaces in one step.
    pub fn download(&mut self, name: &str) -> Vec<u8> {
        let path = self.driver.downloads().join(name);
        self.wait(name, |_| fs::metadata(&path).is_ok_and(|m| m.len() > 0));
        fs::read(&path).expect("the download")
    }

    /// A picture of the window as it is, or of the whole page.
    pub fn screenshot(&mut self, to: &Path, is_whole: bool) {
        let picture = decode(&self.driver.screenshot(is_whole));
        fs::write(to, picture).expect("the picture is written");
    }

    /// The page as a PDF.
    pub fn pdf(&mut self) -> Vec<u8> {
        decode(&self.driver.pdf())
    }

    /// Sets the medium, `screen` or `print`, and the wish for dark colours; false where the
    /// browser cannot.
    pub fn emulate(&mut self, medium: &str, is_dark: bool) -> bool {
        self.driver.emulate(medium, is_dark)
    }
}

/// The bytes of base64.
fn decode(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let chunk = |four: &[u8]| {
        let word =
            four.iter().fold(0u32, |word, d| word << 6 | u32::from(*d)) << (6 * (4 - four.len()));
        word.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(chunk).collect()
}
