//! What Ctrl-C and a request to end do: exit code 130 (143), and nothing half made.
//!
//! A signal belongs to the process, so this is the one place with state of the process.
//! Long work that can be gone on with asks whether it was interrupted and ends itself;
//! everything else ends where it is, after what is half made has been removed.

use std::fs;
#[cfg(unix)]
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
#[cfg(unix)]
use std::time::{Duration, Instant};

/// What is being made, to be removed if the process is ended.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whether an end was asked for.
static ASKED: AtomicBool = AtomicBool::new(false);

/// How many pieces of work end themselves when asked.
static ENDING_THEMSELVES: AtomicUsize = AtomicUsize::new(0);

/// A second request after this long does not wait for work to end itself.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(1);

/// Work that asks for itself whether it was interrupted, while this lives.
pub(super) struct EndsItself(());

impl EndsItself {
    pub fn new() -> Self {
        ENDING_THEMSELVES.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for EndsItself {
    fn drop(&mut self) {
        ENDING_THEMSELVES.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether an end was asked for.
pub(super) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Holds interruptions off while the guard lives.
pub(super) fn held() -> MutexGuard<'static, Vec<PathBuf>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something half made is at this path from now on.
pub(super) fn made(path: &Path) {
    held().push(path.to_owned());
}

/// Whether this process is making what is at this path.
pub(super) fn is_made(path: &Path) -> bool {
    held().iter().any(|made| made == path)
}

/// Removes a file or a folder with all that is in it.
pub(super) fn remove(path: &Path) {
    let is_folder = fs::symlink_metadata(path).is_ok_and(|m| m.is_dir());
    let _ = match is_folder {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    };
}

/// Removes what is at a path, if anything is, and forgets it.
pub(super) fn discard(path: &Path) {
    let mut made = held();
    made.retain(|other| other != path);
    remove(path);
}

/// Waits for signals in a thread of its own.
#[cfg(unix)]
pub(super) fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
        return;
    };
    std::thread::spawn(move || {
        let mut first = None;
        for signal in signals.forever() {
            ASKED.store(true, Ordering::SeqCst);
            let since = first.get_or_insert_with(Instant::now).elapsed();
            // A signal to the process and one to its group are one request.
            if since > PATIENCE || ENDING_THEMSELVES.load(Ordering::SeqCst) == 0 {
                end(signal);
            }
        }
    });
}

/// Other systems end the process; the next run removes what is half made.
#[cfg(not(unix))]
pub(super) fn listen() {}

#[cfg(unix)]
fn end(signal: i32) -> ! {
    let made = held();
    made.iter().for_each(|path| remove(path));
    let _ = writeln!(
        std::io::stderr(),
        "\ninterrupted; nothing half made was left"
    );
    // Shells count codes of signals from 128.
    std::process::exit(128 + signal);
}
