//! A headless Chromium driven through its DevTools protocol: real clicks, keys and drags.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// How long a browser may take for anything before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(120);

/// A page in a browser of its own.
pub struct Chrome {
    socket: WebSocket<TcpStream>,
    session: String,
    asked: u64,
    events: Vec<Value>,
    child: Child,
    profile: tempfile::TempDir,
}

impl Drop for Chrome {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser, if one is installed. `MODSCOPE_BROWSER_TESTS=required` fails without one.
pub fn browser() -> Option<PathBuf> {
    let names = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|path| path.is_file());
    let is_required = std::env::var("MODSCOPE_BROWSER_TESTS").is_ok_and(|v| v == "required");
    assert!(found.is_some() || !is_required, "no Chromium is installed");
    if found.is_none() {
        println!("skipped: Chromium is not installed");
    }
    found
}

impl Chrome {
    /// Opens a file in a window of this size and waits until it is loaded.
    pub fn open(browser: &Path, page: &Path, (width, height): (u32, u32)) -> Self {
        let mut chrome = Self::start(browser, (width, height));
        for domain in ["Page", "Runtime", "Log", "Network"] {
            chrome.call(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        chrome.call("Emulation.setDeviceMetricsOverride", size);
        let folder = chrome.profile.path().join("downloads");
        let allow = json!({"behavior": "allow", "downloadPath": folder, "eventsEnabled": false});
        chrome.call("Browser.setDownloadBehavior", allow);
        chrome.visit(page);
        chrome
    }

    /// Goes to another file and waits until it is loaded.
    pub fn visit(&mut self, page: &Path) {
        self.events.retain(|e| e["method"] != "Page.loadEventFired");
        let url = format!("file://{}", page.display());
        self.call("Page.navigate", json!({ "url": url }));
        self.wait("the page to load", |chrome| {
            chrome.eval("1");
            chrome
                .events
                .iter()
                .any(|e| e["method"] == "Page.loadEventFired")
        });
    }

    fn start(browser: &Path, (width, height): (u32, u32)) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let child = Command::new(browser)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            // Hundreds of addresses in a row are what a test asks for, not an attack.
            .arg("--disable-ipc-flooding-protection")
            .args(["--disable-sync", "--disable-quic", "--hide-scrollbars"])
            .arg("--remote-debugging-port=0")
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the browser starts");
        let (port, path) = endpoint(profile.path());
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the browser listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).expect("the browser answers");
        let mut chrome = Self {
            socket,
            session: String::new(),
            asked: 0,
            events: Vec::new(),
            child,
            profile,
        };
        let target = chrome.call("Target.createTarget", json!({"url": "about:blank"}));
        let id = target["targetId"].as_str().expect("a page");
        let attached = chrome.call(
            "Target.attachToTarget",
            json!({"targetId": id, "flatten": true}),
        );
        chrome.session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        chrome
    }

    /// Asks the browser for something and waits for its answer.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut ask = json!({"id": self.asked, "method": method, "params": params});
        if !self.session.is_empty() && !method.starts_with("Browser.") {
            ask["sessionId"] = json!(self.session);
        }
        self.socket
            .send(Message::text(ask.to_string()))
            .expect("the browser hears");
        loop {
            let message = self.socket.read().expect("the browser answers in time");
            let Ok(text) = message.to_text() else {
                continue;
            };
            let Ok(answer) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            if answer["id"] == json!(self.asked) {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            if answer["method"].is_string() {
                self.events.push(answer);
            }
        }
    }

    /// The value of an expression in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        assert!(
            answer["exceptionDetails"].is_null(),
            "{expression}: {}",
            answer["exceptionDetails"]
        );
        answer["result"]["value"].clone()
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

    /// A mouse event.
    pub fn mouse(&mut self, kind: &str, (x, y): (f64, f64), is_down: bool) {
        let button = if kind == "mouseMoved" && !is_down {
            "none"
        } else {
            "left"
        };
        let event = json!({"type": kind, "x": x, "y": y, "button": button, "buttons": i32::from(is_down), "clickCount": 1});
        self.call("Input.dispatchMouseEvent", event);
    }

    /// Moves the mouse to a point.
    pub fn hover(&mut self, at: (f64, f64)) {
        self.mouse("mouseMoved", at, false);
        self.settle();
    }

    /// Clicks at a point.
    pub fn click(&mut self, at: (f64, f64)) {
        self.mouse("mouseMoved", at, false);
        self.mouse("mousePressed", at, true);
        self.mouse("mouseReleased", at, false);
        self.settle();
    }

    /// Clicks an element.
    pub fn press(&mut self, selector: &str) {
        let at = self.middle(selector);
        self.click(at);
    }

    /// Presses a key; one letter is typed as well.
    pub fn key(&mut self, key: &str) {
        let codes = [
            ("Enter", 13),
            ("Escape", 27),
            ("ArrowLeft", 37),
            ("ArrowUp", 38),
            ("ArrowRight", 39),
            ("ArrowDown", 40),
            ("Home", 36),
            ("End", 35),
            ("Tab", 9),
        ];
        let code = codes
            .iter()
            .find(|(name, _)| *name == key)
            .map_or(0, |(_, code)| *code);
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }});
            self.call("Input.dispatchKeyEvent", event);
        }
        self.settle();
    }

    /// What the page complained of: errors, warnings, refused requests.
    pub fn complaints(&mut self) -> Vec<String> {
        self.settle();
        let is_complaint = |e: &&Value| match e["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Network.loadingFailed") => true,
            Some("Runtime.consoleAPICalled") => e["params"]["type"] != "log",
            _ => false,
        };
        self.events
            .iter()
            .filter(is_complaint)
            .map(Value::to_string)
            .collect()
    }

    /// Addresses that the page asked for, other than files of its own folder and data it carries.
    pub fn outside_requests(&self, inside: &Path) -> Vec<String> {
        let own = format!("file://{}", inside.display());
        let address = |e: &Value| {
            e["params"]["request"]["url"]
                .as_str()
                .unwrap_or("")
                .to_owned()
        };
        let asked = self
            .events
            .iter()
            .filter(|e| e["method"] == "Network.requestWillBeSent");
        asked
            .map(address)
            .filter(|url| {
                ![own.as_str(), "data:", "blob:"]
                    .iter()
                    .any(|start| url.starts_with(start))
            })
            .collect()
    }

    /// A file that the page offered, once it is there: until then the browser keeps its
    /// place with an empty one, which it replaces in one step.
    pub fn download(&mut self, name: &str) -> Vec<u8> {
        let path = self.profile.path().join("downloads").join(name);
        self.wait(name, |_| fs::metadata(&path).is_ok_and(|m| m.len() > 0));
        fs::read(&path).expect("the download")
    }

    /// A picture of the window as it is, or of the whole page.
    pub fn screenshot(&mut self, to: &Path, is_whole: bool) {
        let shot = self.call(
            "Page.captureScreenshot",
            json!({"captureBeyondViewport": is_whole}),
        );
        let bytes = decode(shot["data"].as_str().expect("a picture"));
        fs::write(to, bytes).expect("the picture is written");
    }

    /// The page as a PDF.
    pub fn pdf(&mut self) -> Vec<u8> {
        let pdf = self.call("Page.printToPDF", json!({"preferCSSPageSize": true}));
        decode(pdf["data"].as_str().expect("a PDF"))
    }
}

/// The port and path that the browser says it listens at.
fn endpoint(profile: &Path) -> (u16, String) {
    let started = Instant::now();
    loop {
        if let Ok(text) = fs::read_to_string(profile.join("DevToolsActivePort")) {
            let mut lines = text.lines();
            let port = lines.next().and_then(|line| line.parse().ok());
            if let (Some(port), Some(path)) = (port, lines.next()) {
                return (port, path.to_owned());
            }
        }
        assert!(started.elapsed() < PATIENCE, "the browser did not start");
        std::thread::sleep(Duration::from_millis(20));
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
