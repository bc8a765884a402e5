//! Which networks are compared, and the regime and seed of each.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::args;
use crate::checkpoint::Checkpoint;
use crate::compare::Entry;
use crate::{ErrorKind, Result};

/// `NAME=GLOB`: a regime and the paths that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grouping {
    name: String,
    pattern: String,
}

impl FromStr for Grouping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, pattern)) if !name.is_empty() && !pattern.is_empty() => Ok(Self {
                name: name.to_owned(),
                pattern: pattern.to_owned(),
            }),
            _ => Err("expected NAME=GLOB, as in sparse='*-l1-*'".to_owned()),
        }
    }
}

/// What is said of a network outside its own files.
struct Said {
    path: PathBuf,
    group: Option<String>,
    seed: Option<u64>,
}

/// The networks that were named, in order.
pub(super) fn entries(
    paths: &[PathBuf],
    manifest: Option<&Path>,
    groups: &[Grouping],
) -> Result<Vec<Entry>> {
    let mut said: Vec<Said> = manifest.map(read_manifest).transpose()?.unwrap_or_default();
    for path in paths {
        said.extend(found(path)?.into_iter().map(|path| Said {
            path,
            group: None,
            seed: None,
        }));
    }
    let mut entries = said
        .into_iter()
        .map(|said| entry(said, groups))
        .collect::<Result<Vec<Entry>>>()?;
    if entries.is_empty() {
        return Err(
            ErrorKind::NothingToCompare.at(manifest.map_or_else(PathBuf::new, Path::to_owned))
        );
    }
    tell_apart(&mut entries);
    Ok(entries)
}

/// A file or a folder with a checkpoint, or the folders in it that hold one.
fn found(path: &Path) -> Result<Vec<PathBuf>> {
    let holds = |folder: &Path| folder.join("model.safetensors").is_file();
    if !path.is_dir() || holds(path) {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |source| ErrorKind::Read { source }.at(path);
    let mut inside: Vec<PathBuf> = fs::read_dir(path)
        .map_err(failed)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|folder| holds(folder))
        .collect();
    inside.sort();
    if inside.is_empty() {
        // A folder with a checkpoint of another name, or the error that says what is missing.
        return Ok(vec![path.to_owned()]);
    }
    Ok(inside)
}

/// How many networks a manifest names.
pub(super) fn named(manifest: &Path) -> Result<usize> {
    read_manifest(manifest).map(|said| said.len())
}

/// Rows of path, group and seed; group and seed may be empty.
fn read_manifest(path: &Path) -> Result<Vec<Said>> {
    let wrong = |error: csv::Error| {
        ErrorKind::Read {
            source: error.into(),
        }
        .at(path)
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(wrong)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut said = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let cell = |place: usize| row.get(place).filter(|text| !text.is_empty());
        if let Some(name) = cell(0) {
            said.push(Said {
                path: folder.join(name),
                group: cell(1).map(str::to_owned),
                seed: cell(2).and_then(|text| text.parse().ok()),
            });
        }
    }
    Ok(said)
}

/// Opens a network and finds its regime and seed: from what was said, its own
/// configuration, or its name.
fn entry(said: Said, groups: &[Grouping]) -> Result<Entry> {
    let checkpoint = Checkpoint::open(&said.path)?;
    let name = args::result_name(&said.path);
    let path = said.path.display().to_string();
    let config = &checkpoint.config;
    let by_flag = groups.iter().find(|g| fits(&g.pattern, &path));
    let (from_name, seed_from_name) = regime_and_seed(&name);
    let group = by_flag
        .map(|g| g.name.clone())
        .or(said.group)
        .or_else(|| Some(config.get("regime")?.as_str()?.to_owned()))
        .or(from_name)
        .unwrap_or_else(|| "all".to_owned());
    let seed = said
        .seed
        .or_else(|| config.get("seed")?.as_u64())
        .or(seed_from_name);
    Ok(Entry {
        name,
        group,
        seed,
        checkpoint,
    })
}

/// The regime and seed in a name like `digits-bimt-s1`.
fn regime_and_seed(name: &str) -> (Option<String>, Option<u64>) {
    let mut words = name.rsplit('-');
    let last = words.next().unwrap_or("");
    let seed = last
        .strip_prefix('s')
        .and_then(|digits| digits.parse().ok());
    match seed {
        Some(_) => (words.next().map(str::to_owned), seed),
        None => (None, None),
    }
}

/// Networks of one name get their paths for names.
fn tell_apart(entries: &mut [Entry]) {
    let names: Vec<String> = entries.iter().map(|e| e.name.clone()).collect();
    for entry in entries {
        if names.iter().filter(|name| **name == entry.name).count() > 1 {
            entry.name = entry.checkpoint.path.display().to_string();
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(place) => rest = &rest[place + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        assert!(fits("*-l1-*", "runs/digits-l1-s1"));
        assert!(fits("runs/*", "runs/"));
        assert!(fits("a*b*c", "aXbYc") && fits("abc", "abc"));
        assert!(!fits("a*b*c", "aXcYb") && !fits("abc", "abcd"));
        assert!(!fits("*-l1-*", "runs/digits-l10-s1"));
    }

    #[test]
    fn names_tell_regime_and_seed() {
        let said = |name| regime_and_seed(name);
        assert_eq!(said("digits-bimt-s1"), (Some("bimt".into()), Some(1)));
        assert_eq!(said("two_moon-l1-s12"), (Some("l1".into()), Some(12)));
        assert_eq!(said("model"), (None, None));
        assert_eq!("=x".parse::<Grouping>().ok(), None);
    }
}
