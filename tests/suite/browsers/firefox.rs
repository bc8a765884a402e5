//! Firefox, by WebDriver BiDi (<https://www.w3.org/TR/webdriver-bidi/>).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::Driver;
use super::wire::{Wire, told};

pub const PROGRAMS: [&str; 2] = ["firefox-esr", "firefox"];

/// Nothing but the page: no first run, no updates, no experiments.
const PREFERENCES: &str = r#"
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("remote.active-protocols", 1);
"#;

/// What is listened to.
const EVENTS: [&str; 3] = [
    "log.entryAdded",
    "network.beforeRequestSent",
    "network.fetchError",
];

/// Code points of keys that are no letters, as WebDriver numbers them.
const KEYS: [(&str, char); 9] = [
    ("Enter", '\u{e007}'),
    ("Escape", '\u{e00c}'),
    ("ArrowLeft", '\u{e012}'),
    ("ArrowUp", '\u{e013}'),
    ("ArrowRight", '\u{e014}'),
    ("ArrowDown", '\u{e015}'),
    ("Home", '\u{e011}'),
    ("End", '\u{e010}'),
    ("Tab", '\u{e004}'),
];

/// A tab.
pub struct Firefox {
    wire: Wire,
    context: Value,
}

impl Firefox {
    /// Starts the program with a tab of this size.
    pub fn start(program: &Path, (width, height): (u32, u32)) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let preferences = profile.path().join("user.js");
        fs::write(preferences, PREFERENCES).expect("the profile is written");
        let mut command = Command::new(program);
        command
            .args(["--headless", "--no-remote", "--remote-debugging-port", "0"])
            .arg("--profile")
            .arg(profile.path())
            .env("HOME", profile.path());
        let mut wire = Wire::start(&mut command, profile, endpoint);
        wire.call("session.new", &json!({"capabilities": {}}), "");
        wire.call("session.subscribe", &json!({ "events": EVENTS }), "");
        let folder = wire.profile.path().join("downloads");
        let allow = json!({"type": "allowed", "destinationFolder": folder});
        let allow = json!({ "downloadBehavior": allow });
        wire.call("browser.setDownloadBehavior", &allow, "");
        let tab = wire.call("browsingContext.create", &json!({"type": "tab"}), "");
        let context = tab["context"].clone();
        let mut firefox = Self { wire, context };
        let size = json!({"viewport": {"width": width, "height": height}});
        firefox.call("browsingContext.setViewport", size);
        firefox
    }

    /// Asks for something of the tab.
    fn call(&mut self, method: &str, mut params: Value) -> Value {
        params["context"] = self.context.clone();
        self.wire.call(method, &params, "")
    }

    fn act(&mut self, device: Value) {
        let ask = json!({ "actions": [device] });
        self.call("input.performActions", ask);
    }

    fn point(&mut self, kind: &str, actions: Value) {
        let parameters = json!({ "pointerType": kind });
        self.act(
            json!({"type": "pointer", "id": kind, "parameters": parameters, "actions": actions}),
        );
    }
}

/// The port that the browser says it listens at.
fn endpoint(profile: &Path) -> Option<(u16, String)> {
    let told: Value = serde_json::from_str(&told(profile, "WebDriverBiDiServer.json")?).ok()?;
    let port = told["ws_port"].as_u64()?;
    Some((port.try_into().ok()?, "/session".to_owned()))
}

/// A value of the page as JSON; what JSON has no word for is null.
fn plain(value: &Value) -> Value {
    let inner = &value["value"];
    let each = inner.as_array().into_iter().flatten();
    match value["type"].as_str() {
        Some("string" | "number" | "boolean") => inner.clone(),
        Some("array") => each.map(plain).collect(),
        Some("object") => {
            let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), plain(&pair[1])));
            Value::Object(each.filter_map(pair).collect())
        }
        _ => Value::Null,
    }
}

/// A movement to a point of the window, in whole pixels.
fn to((x, y): (f64, f64)) -> Value {
    json!({"type": "pointerMove", "x": x.round(), "y": y.round(), "duration": 0})
}

impl Driver for Firefox {
    fn visit(&mut self, address: &str) {
        let ask = json!({"url": address, "wait": "complete"});
        self.call("browsingContext.navigate", ask);
    }

    fn eval(&mut self, expression: &str) -> Value {
        let target = json!({"context": self.context});
        let ask = json!({"expression": expression, "target": target, "awaitPromise": true});
        let answer = self.wire.call("script.evaluate", &ask, "");
        assert_eq!(answer["type"], "success", "{expression}: {answer}");
        plain(&answer["result"])
    }

    fn move_to(&mut self, at: (f64, f64), _is_down: bool) {
        self.point("mouse", json!([to(at)]));
    }

    fn button(&mut self, at: (f64, f64), is_down: bool) {
        let kind = if is_down { "pointerDown" } else { "pointerUp" };
        self.point("mouse", json!([to(at), {"type": kind, "button": 0}]));
    }

    fn tap(&mut self, at: (f64, f64)) {
        let (down, up) = (
            json!({"type": "pointerDown", "button": 0}),
            json!({"type": "pointerUp", "button": 0}),
        );
        self.point("touch", json!([to(at), down, up]));
    }

    fn key(&mut self, key: &str) {
        let named = KEYS.iter().find(|(name, _)| *name == key);
        let value = named.map_or_else(|| key.to_owned(), |(_, code)| code.to_string());
        let actions = ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": value}));
        self.act(json!({"type": "key", "id": "keyboard", "actions": actions}));
    }

    fn complaints(&self) -> Vec<String> {
        let logged = self.wire.events_of("log.entryAdded");
        let logged =
            logged.filter(|e| ["warn", "error"].iter().any(|l| e["params"]["level"] == *l));
        let failed = self.wire.events_of("network.fetchError");
        logged.chain(failed).map(Value::to_string).collect()
    }

    fn requests(&self) -> Vec<String> {
        let asked = self.wire.events_of("network.beforeRequestSent");
        let address = |e: &Value| e["params"]["request"]["url"].as_str().map(str::to_owned);
        asked.filter_map(address).collect()
    }

    fn downloads(&self) -> PathBuf {
        self.wire.profile.path().join("downloads")
    }

    fn screenshot(&mut self, is_whole: bool) -> String {
        let origin = if is_whole { "document" } else { "viewport" };
        let shot = self.call(
            "browsingContext.captureScreenshot",
            json!({ "origin": origin }),
        );
        shot["data"].as_str().expect("a picture").to_owned()
    }

    fn pdf(&mut self) -> String {
        let pdf = self.call("browsingContext.print", json!({}));
        pdf["data"].as_str().expect("a PDF").to_owned()
    }

    fn emulate(&mut self, _medium: &str, _is_dark: bool) -> bool {
        false
    }
}
