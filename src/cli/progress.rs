//! Progress on standard error, when it is a terminal.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::args::Common;

/// Tells the stage that runs, and with `-v` how long each took.
pub(super) struct Progress {
    bar: ProgressBar,
    verbose: bool,
    stage: Mutex<Option<(String, Instant)>>,
}

impl Progress {
    pub fn new(common: &Common) -> Self {
        let bar = if common.quiet || common.json {
            ProgressBar::hidden()
        } else {
            ProgressBar::new_spinner()
        };
        bar.enable_steady_tick(Duration::from_millis(100));
        Self {
            bar,
            verbose: common.verbose,
            stage: Mutex::new(None),
        }
    }

    /// A new stage begins.
    pub fn stage(&self, name: &str) {
        self.end_stage();
        self.bar.set_message(name.to_owned());
        if let Ok(mut stage) = self.stage.lock() {
            *stage = Some((name.to_owned(), Instant::now()));
        }
    }

    /// All is done; the line goes away.
    pub fn finish(&self) {
        self.end_stage();
        self.bar.finish_and_clear();
    }

    fn end_stage(&self) {
        let ended = self.stage.lock().ok().and_then(|mut stage| stage.take());
        if let Some((name, since)) = ended.filter(|_| self.verbose) {
            let line = format!("{:>9.3} s  {name}", since.elapsed().as_secs_f64());
            self.bar.suspend(|| super::say(&line));
        }
    }
}
