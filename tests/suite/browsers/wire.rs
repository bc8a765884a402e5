//! A browser's process, and questions and answers over its socket.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use super::PATIENCE;

/// A running browser with a profile of its own.
pub struct Wire {
    socket: WebSocket<TcpStream>,
    asked: u64,
    pub events: Vec<Value>,
    child: Child,
    pub profile: tempfile::TempDir,
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Wire {
    /// Starts a browser; `endpoint` finds in its profile the port and path it listens at.
    pub fn start(
        command: &mut Command,
        profile: tempfile::TempDir,
        endpoint: impl Fn(&Path) -> Option<(u16, String)>,
    ) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn();
        let child = child.expect("the browser starts");
        let started = Instant::now();
        let (port, path) = loop {
            if let Some(found) = endpoint(profile.path()) {
                break found;
            }
            assert!(started.elapsed() < PATIENCE, "the browser did not start");
            std::thread::sleep(Duration::from_millis(20));
        };
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the browser listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).expect("the browser answers");
        Self {
            socket,
            asked: 0,
            events: Vec::new(),
            child,
            profile,
        }
    }

    /// Asks for something and waits for its answer; what happens meanwhile is kept.
    pub fn call(&mut self, method: &str, params: &Value, session: &str) -> Value {
        self.asked += 1;
        let mut ask = json!({"id": self.asked, "method": method, "params": params});
        if !session.is_empty() {
            ask["sessionId"] = json!(session);
        }
        let sent = self.socket.send(Message::text(ask.to_string()));
        sent.expect("the browser hears");
        loop {
            let message = self.socket.read().expect("the browser answers in time");
            let text = message.to_text().unwrap_or_default();
            let Ok(answer) = serde_json::from_str::<Value>(text) else {
                continue;
            };
            if answer["id"] == json!(self.asked) {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            if answer["method"].is_string() {
                self.events.push(answer);
            }
        }
    }

    /// Events of a kind so far.
    pub fn events_of(&self, method: &'static str) -> impl Iterator<Item = &Value> {
        let of_kind = move |e: &&Value| e["method"] == method;
        self.events.iter().filter(of_kind)
    }
}

/// The text of a file of the profile, once it is there.
pub fn told(profile: &Path, name: &str) -> Option<String> {
    fs::read_to_string(profile.join(name)).ok()
}
