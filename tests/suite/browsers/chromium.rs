//! Chromium, by the DevTools protocol.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Driver;
use super::wire::{Wire, told};

pub const PROGRAMS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    // Hundreds of addresses in a row are what a test asks for, not an attack.
    "--disable-ipc-flooding-protection",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
];

/// Numbers of keys that are no letters.
const KEYS: [(&str, u32); 9] = [
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

/// A tab.
pub struct Chromium {
    wire: Wire,
    session: String,
}

impl Chromium {
    /// Starts the program with a tab of this size.
    pub fn start(program: &Path, (width, height): (u32, u32)) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new(program);
        command
            .args(FLAGS)
            .arg(format!("--window-size={width},{height}"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank");
        let mut wire = Wire::start(&mut command, profile, endpoint);
        let target = wire.call("Target.createTarget", &json!({"url": "about:blank"}), "");
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = wire.call("Target.attachToTarget", &attach, "");
        let session = attached["sessionId"]
            .as_str()
            .expect("a session")
            .to_owned();
        let folder = wire.profile.path().join("downloads");
        let allow = json!({"behavior": "allow", "downloadPath": folder, "eventsEnabled": false});
        wire.call("Browser.setDownloadBehavior", &allow, "");
        let mut chromium = Self { wire, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            chromium.call(&format!("{domain}.enable"), json!({}));
        }
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        chromium.call("Emulation.setDeviceMetricsOverride", size);
        chromium
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.wire.call(method, &params, &self.session)
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64), button: &str, is_down: bool) {
        let event = json!({"type": kind, "x": x, "y": y, "button": button, "buttons": i32::from(is_down), "clickCount": 1});
        self.call("Input.dispatchMouseEvent", event);
    }
}

/// The port and path that the browser says it listens at.
fn endpoint(profile: &Path) -> Option<(u16, String)> {
    let text = told(profile, "DevToolsActivePort")?;
    let (port, path) = text.split_once('\n')?;
    Some((port.parse().ok()?, path.trim().to_owned()))
}

impl Driver for Chromium {
    fn visit(&mut self, address: &str) {
        let events = &mut self.wire.events;
        events.retain(|e| e["method"] != "Page.loadEventFired");
        self.call("Page.navigate", json!({ "url": address }));
        while self.wire.events_of("Page.loadEventFired").next().is_none() {
            self.eval("new Promise((done) => setTimeout(done, 20))");
        }
    }

    fn eval(&mut self, expression: &str) -> Value {
        let ask = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", ask);
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].clone()
    }

    fn move_to(&mut self, at: (f64, f64), is_down: bool) {
        let button = if is_down { "left" } else { "none" };
        self.mouse("mouseMoved", at, button, is_down);
    }

    fn button(&mut self, at: (f64, f64), is_down: bool) {
        let kind = if is_down {
            "mousePressed"
        } else {
            "mouseReleased"
        };
        self.mouse(kind, at, "left", is_down);
    }

    fn tap(&mut self, (x, y): (f64, f64)) {
        let enable = json!({"enabled": true});
        self.call("Emulation.setTouchEmulationEnabled", enable);
        for (kind, points) in [
            ("touchStart", json!([{"x": x, "y": y}])),
            ("touchEnd", json!([])),
        ] {
            let event = json!({"type": kind, "touchPoints": points});
            self.call("Input.dispatchTouchEvent", event);
        }
    }

    fn key(&mut self, key: &str) {
        let code = KEYS.iter().find(|(name, _)| *name == key);
        let code = code.map_or(0, |(_, code)| *code);
        let text = if key.chars().count() == 1 { key } else { "" };
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text});
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    fn complaints(&self) -> Vec<String> {
        let is_complaint = |e: &&Value| match e["method"].as_str() {
            Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Network.loadingFailed") => true,
            Some("Runtime.consoleAPICalled") => e["params"]["type"] != "log",
            _ => false,
        };
        let all = self.wire.events.iter().filter(is_complaint);
        all.map(Value::to_string).collect()
    }

    fn requests(&self) -> Vec<String> {
        let asked = self.wire.events_of("Network.requestWillBeSent");
        let address = |e: &Value| e["params"]["request"]["url"].as_str().map(str::to_owned);
        asked.filter_map(address).collect()
    }

    fn downloads(&self) -> PathBuf {
        self.wire.profile.path().join("downloads")
    }

    fn screenshot(&mut self, is_whole: bool) -> String {
        let ask = json!({"captureBeyondViewport": is_whole});
        let shot = self.call("Page.captureScreenshot", ask);
        shot["data"].as_str().expect("a picture").to_owned()
    }

    fn pdf(&mut self) -> String {
        let pdf = self.call("Page.printToPDF", json!({"preferCSSPageSize": true}));
        pdf["data"].as_str().expect("a PDF").to_owned()
    }

    fn emulate(&mut self, medium: &str, is_dark: bool) -> bool {
        let value = if is_dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": value}]);
        let ask = json!({"media": medium, "features": features});
        self.call("Emulation.setEmulatedMedia", ask);
        true
    }
}
