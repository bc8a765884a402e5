//! The file in which a run keeps its finished pieces until its result is in its place.
//!
//! `.NAME.KEY.journal` beside the result `NAME`; the key is a hash of all that the result
//! depends on. A line is a piece: a checksum, its name, its JSON. Dropped, the file is
//! gone: only a process that was ended from outside leaves it. Where it cannot be written,
//! an interrupted run begins anew, and that is all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{interrupt, whole};
use crate::audit::{Config, Journal};
use crate::checkpoint::{Checkpoint, sha256};
use crate::data::Dataset;
use crate::{ErrorKind, Result};

/// The ending of a journal's name.
const ENDING: &str = "journal";

/// A journal on disk, while this lives.
pub(super) struct OnDisk {
    path: Option<PathBuf>,
    pub journal: Journal,
}

impl OnDisk {
    /// The journal of a run with this key, whose result goes to `target`; nothing is kept
    /// of a run whose result has no place.
    pub fn open(target: Option<&Path>, key: &str) -> Self {
        let Some(target) = target else {
            return Self {
                path: None,
                journal: Journal::default(),
            };
        };
        let path = whole::hidden(target, &format!("{key}.{ENDING}"));
        let found = fs::read_to_string(&path).map_or_else(|_| BTreeMap::new(), |t| pieces(&t));
        let (file, keeper) = (Mutex::new(None), path.clone());
        let keep = move |name: &str, text: &str| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            append(&mut file, &keeper, &line(name, text));
        };
        Self {
            path: Some(path),
            journal: Journal::new(found, keep),
        }
    }

    /// The result is in its place: no journal of another try at it is wanted any more.
    pub fn done(self, target: Option<&Path>) {
        let all = target.map(whole::all_hidden).unwrap_or_default();
        let journals = all.iter().filter(|(_, rest)| rest.ends_with(ENDING));
        journals.for_each(|(path, _)| interrupt::remove(path));
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// The ending of a piece that runs share.
const SHARED: &str = "part";

/// The pieces of a folder that runs on many machines share, a file for each; what this
/// run makes is added, whole or not at all. Pieces within pieces are not kept.
///
/// # Errors
/// If the folder cannot be made or read.
pub(super) fn shared(folder: &Path) -> Result<Journal> {
    let failed = |source| ErrorKind::Write { source }.at(folder);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == SHARED) {
            // A damaged file is no piece: it is made anew.
            found
                .extend(fs::read_to_string(&path).map_or_else(|_| BTreeMap::new(), |t| pieces(&t)));
        }
    }
    let folder = folder.to_owned();
    Ok(Journal::new(found, move |name: &str, text: &str| {
        if !name.contains('/') {
            // Whoever needs the file looks whether it is there.
            let _ = whole::file(&part(&folder, name), true, line(name, text).as_bytes());
        }
    }))
}

/// The file of a shared piece.
pub(super) fn part(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{SHARED}"))
}

/// What an audit's searches depend on: both files, what lies beside them, every setting.
pub(super) fn key(checkpoint: &Checkpoint, data: &Dataset, config: &Config) -> String {
    let mut settings = config.clone();
    // None of these changes what is found; the other split is of the same file.
    settings.command.clear();
    settings.circuits.max_memory = None;
    settings.discover = None;
    hashed(&format!(
        "{} {} {:?} {} {} {:?} {:?} {settings:?}",
        env!("CARGO_PKG_VERSION"),
        checkpoint.sha256,
        checkpoint.config,
        data.sha256,
        data.split,
        data.task,
        data.prompts,
    ))
}

/// Digits of a hash that is short enough for the name of a file.
const DIGITS: usize = 16;

/// A hash of so few digits.
pub(super) fn hashed(text: &str) -> String {
    sha256(text.as_bytes())[..DIGITS].to_owned()
}

fn line(name: &str, text: &str) -> String {
    // Made in one piece of memory: a text may be megabytes.
    let mut line = String::with_capacity(name.len() + text.len() + DIGITS + 4);
    line.push('\n');
    let _ = write!(line, "{:DIGITS$} {name} {text}", "");
    let sum = hashed(&line[DIGITS + 2..]);
    line.replace_range(1..=DIGITS, &sum);
    line.push('\n');
    line
}

/// The pieces that are whole: the last line of a process that was killed may not be.
fn pieces(text: &str) -> BTreeMap<String, String> {
    let piece = |line: &str| {
        let (sum, piece) = line.split_once(' ')?;
        let (name, text) = piece.split_once(' ').filter(|_| hashed(piece) == sum)?;
        Some((name.to_owned(), text.to_owned()))
    };
    text.lines().filter_map(piece).collect()
}

/// Adds a line in one write; the file is made when there is something to keep.
fn append(file: &mut Option<File>, path: &Path, line: &str) {
    if file.is_none() {
        *file = OpenOptions::new().create(true).append(true).open(path).ok();
    }
    if let Some(file) = file {
        let _ = file.write_all(line.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn torn_and_flipped_lines_are_no_pieces() {
        let good = line("a/b", "[1.5]");
        assert_eq!(
            pieces(&good),
            BTreeMap::from([("a/b".into(), "[1.5]".into())])
        );
        assert!(pieces(&good.replace("1.5", "2.5")).is_empty());
        // A torn line is followed by whole ones.
        let torn = format!("{}{good}", &good[..good.len() - 4]);
        assert_eq!(pieces(&torn).len(), 1);
    }

    #[test]
    fn a_journal_that_is_left_is_found_and_one_that_is_dropped_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("r");
        let piece = |on_disk: &OnDisk, value: f64| -> f64 {
            on_disk.journal.piece("x", || Ok(value)).unwrap()
        };
        let first = OnDisk::open(Some(&target), "k");
        assert_eq!(piece(&first, 1.0), 1.0);
        assert_eq!(piece(&OnDisk::open(Some(&target), "other"), 2.0), 2.0);
        // As a kill leaves it.
        std::mem::forget(first);
        let second = OnDisk::open(Some(&target), "k");
        assert_eq!(piece(&second, 3.0), 1.0);
        drop(second);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
