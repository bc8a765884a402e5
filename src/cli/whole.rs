//! Files and folders that come to be whole or not at all, whatever happens meanwhile.
//!
//! A result is made beside its place, under a name that holds the number of the process,
//! brought to the disk, and moved into its place in one step of the system. That step
//! fails where something is there already; with leave to replace, old and new change
//! places in one step too, so that a process that is killed leaves one of them. What
//! killed processes have left beside a place is restored or removed by the next run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::interrupt::{self, remove};
use crate::{Error, ErrorKind, Result};

/// A result that is made but not in its place yet; dropped, it is gone.
pub(super) struct Staged {
    part: PathBuf,
    target: PathBuf,
    replace: bool,
}

impl Staged {
    /// A folder that `fill` fills.
    pub fn folder(
        target: &Path,
        replace: bool,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Self> {
        Self::new(target, replace, |part| {
            fs::create_dir(part).map_err(failed(part))?;
            fill(part)
        })
    }

    /// A file of these bytes.
    pub fn file(target: &Path, replace: bool, bytes: &[u8]) -> Result<Self> {
        Self::new(target, replace, |part| {
            fs::write(part, bytes).map_err(failed(target))
        })
    }

    fn new(target: &Path, replace: bool, make: impl FnOnce(&Path) -> Result<()>) -> Result<Self> {
        let parent = parent(target);
        fs::create_dir_all(parent).map_err(failed(parent))?;
        recover(target);
        let staged = Self {
            part: beside(target, std::process::id(), PART),
            target: target.to_owned(),
            replace,
        };
        interrupt::made(&staged.part);
        make(&staged.part)?;
        sync(&staged.part).map_err(failed(target))?;
        Ok(staged)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        interrupt::discard(&self.part);
    }
}

/// Makes a folder and moves it into its place.
pub(super) fn folder(
    target: &Path,
    replace: bool,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    place(vec![Staged::folder(target, replace, fill)?])
}

/// Writes a file whole.
pub(super) fn file(target: &Path, replace: bool, bytes: &[u8]) -> Result<()> {
    place(vec![Staged::file(target, replace, bytes)?])
}

/// Moves all of them into their places, or none where one cannot be moved. No
/// interruption comes in between.
pub(super) fn place(all: Vec<Staged>) -> Result<()> {
    let _whole = interrupt::held();
    let mut replaced = Vec::with_capacity(all.len());
    for staged in &all {
        match moved(staged) {
            Ok(was_there) => replaced.push(was_there),
            Err(error) => {
                for (staged, was_there) in all.iter().zip(replaced).rev() {
                    take_back(staged, was_there);
                }
                return Err(error);
            }
        }
    }
    for staged in &all {
        // The move is done; that it outlasts a power cut as well cannot always be had.
        let _ = sync_folder(parent(&staged.target));
    }
    Ok(())
}

/// Moves one into its place, and says whether something else was there.
fn moved(staged: &Staged) -> Result<bool> {
    let Staged {
        part,
        target,
        replace,
    } = staged;
    match rename_new(part, target) {
        Ok(()) => return Ok(false),
        Err(error) if !is_there(&error) => return Err(failed(target)(error)),
        Err(_) if !replace => {
            return Err(ErrorKind::ResultExists.at(target));
        }
        Err(_) => {}
    }
    exchange(part, target)
        .map(|()| true)
        .map_err(failed(target))
}

fn take_back(staged: &Staged, was_there: bool) {
    // Whatever fails here, both versions are on the disk, and the next run cleans up.
    let _ = match was_there {
        true => exchange(&staged.part, &staged.target),
        false => fs::rename(&staged.target, &staged.part),
    };
}

/// Restores what a killed process had taken out of `target`'s place, and removes what
/// such processes left beside it.
pub(super) fn recover(target: &Path) {
    for (path, rest) in all_hidden(target) {
        let Some((process, kind)) = rest.split_once('.') else {
            continue;
        };
        let left_over = process.parse().is_ok_and(|id| !is_at_work(id, &path));
        if left_over && kind == OLD && !target.exists() {
            let _ = fs::rename(path, target);
        } else if left_over && (kind == OLD || kind == PART) {
            remove(&path);
        }
    }
}

/// Endings of what is made and of what makes room for it.
const PART: &str = "part";
const OLD: &str = "old";

/// Whether the process that made a leftover may still be working on it.
fn is_at_work(process: u32, path: &Path) -> bool {
    if process == std::process::id() {
        return interrupt::is_made(path);
    }
    !Path::new("/proc/self").exists() || Path::new("/proc").join(process.to_string()).exists()
}

/// `.name.123.part` beside `name`
fn beside(target: &Path, process: u32, kind: &str) -> PathBuf {
    hidden(target, &format!("{process}.{kind}"))
}

/// `.name.rest` beside `name`
pub(super) fn hidden(target: &Path, rest: &str) -> PathBuf {
    parent(target).join(format!(".{}.{rest}", file_name(target)))
}

/// What stands beside a target under such names: each with its `rest`.
pub(super) fn all_hidden(target: &Path) -> Vec<(PathBuf, String)> {
    let start = format!(".{}.", file_name(target));
    let entries = fs::read_dir(parent(target)).into_iter().flatten().flatten();
    let rest = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        Some((entry.path(), name.strip_prefix(&start)?.to_owned()))
    };
    entries.filter_map(rest).collect()
}

fn file_name(target: &Path) -> String {
    target
        .file_name()
        .map_or_else(|| "result".into(), |n| n.to_string_lossy().into_owned())
}

fn parent(target: &Path) -> &Path {
    let parent = target.parent().filter(|p| !p.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| ErrorKind::Write { source }.at(&path)
}

fn is_there(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty
    )
}

// --- one step of the system ----------------------------------------------------------------

/// Renames to a name that is not taken, in one step.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match linux(from, to, rustix::fs::RenameFlags::NOREPLACE) {
        Err(error) if !can(&error) => {}
        done => return done,
    }
    if from.is_dir() {
        // The system itself refuses to rename a folder to one that holds something.
        return match to.exists() {
            true => Err(io::ErrorKind::AlreadyExists.into()),
            false => fs::rename(from, to),
        };
    }
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Lets two names change what they name, in one step where the system has one.
fn exchange(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    match linux(from, to, rustix::fs::RenameFlags::EXCHANGE) {
        Err(error) if !can(&error) => {}
        done => return done,
    }
    // In three steps: a kill in between leaves the old one as `old`, which the next run
    // puts back.
    let old = beside(to, std::process::id(), OLD);
    fs::rename(to, &old)?;
    fs::rename(from, to).inspect_err(|_| {
        let _ = fs::rename(&old, to);
    })?;
    fs::rename(&old, from)
}

#[cfg(target_os = "linux")]
fn linux(from: &Path, to: &Path, flags: rustix::fs::RenameFlags) -> io::Result<()> {
    use rustix::fs::{CWD, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, flags)?)
}

/// Whether the system and the file system have such a rename at all.
#[cfg(target_os = "linux")]
fn can(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
    )
}

// --- to the disk ---------------------------------------------------------------------------

/// Brings a file, or a folder with all that is in it, to the disk.
fn sync(path: &Path) -> io::Result<()> {
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    list(path, &mut files, &mut folders)?;
    files
        .par_iter()
        .try_for_each(|file| File::open(file)?.sync_all())?;
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

/// Files and folders under a path, folders after what is in them.
fn list(path: &Path, files: &mut Vec<PathBuf>, folders: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        list(&entry?.path(), files, folders)?;
    }
    folders.push(path.to_owned());
    Ok(())
}

/// Names in a folder; not every system lets a folder be opened for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn text(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn write(text: &'static str) -> impl FnOnce(&Path) -> Result<()> {
        move |dir| fs::write(dir.join("a"), text).map_err(failed(dir))
    }

    #[test]
    fn what_is_there_is_replaced_only_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("r");
        folder(&target, false, write("one")).unwrap();
        let refused = folder(&target, false, write("two"));
        assert!(matches!(
            refused,
            Err(Error {
                kind: ErrorKind::ResultExists,
                ..
            })
        ));
        assert_eq!(text(&target.join("a")), "one");
        folder(&target, true, write("two")).unwrap();
        assert_eq!(text(&target.join("a")), "two");
        assert_eq!(names(dir.path()), ["r"]);
    }

    #[test]
    fn of_several_all_or_none_come_to_their_places() {
        let dir = tempfile::tempdir().unwrap();
        let (report, file) = (dir.path().join("r"), dir.path().join("f"));
        let both = |replace| {
            vec![
                Staged::folder(&report, replace, write("new")).unwrap(),
                Staged::file(&file, false, b"new").unwrap(),
            ]
        };
        fs::write(&file, "old").unwrap();
        assert!(place(both(false)).is_err());
        assert_eq!(
            (names(dir.path()), text(&file)),
            (vec!["f".to_owned()], "old".to_owned())
        );
        folder(&report, false, write("old")).unwrap();
        assert!(place(both(true)).is_err());
        assert_eq!(text(&report.join("a")), "old");
        fs::remove_file(&file).unwrap();
        place(both(true)).unwrap();
        assert_eq!(
            (text(&report.join("a")), text(&file)),
            ("new".into(), "new".into())
        );
        assert_eq!(names(dir.path()), ["f", "r"]);
    }

    #[test]
    fn leftovers_of_the_dead_are_restored_or_removed() {
        let dir = tempfile::tempdir().unwrap();
        let dead = u32::MAX - 7;
        let target = dir.path().join("r");
        for kind in [PART, OLD] {
            let left = beside(&target, dead, kind);
            fs::create_dir(&left).unwrap();
            fs::write(left.join("a"), kind).unwrap();
        }
        recover(&target);
        assert_eq!(names(dir.path()), ["r"]);
        assert_eq!(text(&target.join("a")), OLD);
        let alive = beside(&target, 1, PART);
        fs::create_dir(&alive).unwrap();
        recover(&target);
        assert!(alive.exists(), "the first process is alive");
    }

    #[test]
    fn the_portable_ways_do_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "a").unwrap();
        fs::write(&b, "b").unwrap();
        assert!(is_there(&rename_new(&a, &b).unwrap_err()));
        exchange(&a, &b).unwrap();
        assert_eq!((text(&a), text(&b)), ("b".into(), "a".into()));
    }
}
