//! The order of the house: a module uses only those above it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules from the top of the house to the bottom. Those on one line stand
/// side by side and do not use each other.
const HOUSE: &[&[&str]] = &[
    &["error", "escape", "named", "order"],
    &["numeric"],
    &["choice"],
    &["result"],
    &["checkpoint"],
    &["data"],
    &["model"],
    &["metric"],
    &["graph"],
    &["patch"],
    &["prune", "modules", "circuit"],
    &["evaluate"],
    &["audit"],
    &["compare", "train"],
    &["report"],
    &["cli"],
];

/// What a module may use although it stands below more: reports are drawn from
/// results and their vocabulary alone.
const NARROW: &[(&str, &[&str])] = &[("report", &["choice", "error", "escape", "order", "result"])];

fn floor(module: &str) -> Option<usize> {
    HOUSE.iter().position(|modules| modules.contains(&module))
}

pub fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The module that a file under `src` belongs to.
fn module_of(path: &Path, src: &Path) -> String {
    let inside = path.strip_prefix(src).unwrap();
    let first = inside.components().next().unwrap();
    first
        .as_os_str()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules of this crate that a source text names: after `crate::`, and in
/// the braces of `use crate::{...}`. Comments and what tests use do not count.
fn uses(text: &str) -> Vec<String> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            Some(group) => found.extend(top_level_names(group)),
            None => found.push(word(part)),
        }
    }
    found
}

/// The first words of the items in a brace group, up to its end.
fn top_level_names(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (place, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(word(group[start..place].trim()));
                return names;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(word(group[start..place].trim()));
                start = place + 1;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// What a file does that the house does not allow.
fn breaches(module: &str, text: &str) -> Vec<String> {
    let Some(own) = floor(module) else {
        return Vec::new();
    };
    let narrow = NARROW.iter().find(|(name, _)| *name == module);
    uses(text)
        .into_iter()
        .filter(|used| used != module)
        .filter(|used| match (floor(used), narrow) {
            (None, _) => false,
            (Some(_), Some((_, allowed))) => !allowed.contains(&used.as_str()),
            (Some(other), None) => other >= own,
        })
        .collect()
}

#[test]
fn every_module_uses_only_those_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for path in source_files(&src) {
        let module = module_of(&path, &src);
        assert!(
            floor(&module).is_some() || ["lib", "main"].contains(&module.as_str()),
            "`{module}` has no place in the house"
        );
        for used in breaches(&module, &fs::read_to_string(&path).unwrap()) {
            faults.push(format!(
                "{} uses `{used}`",
                path.strip_prefix(&src).unwrap().display()
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_breach_is_found() {
    assert_eq!(breaches("model", "use crate::patch::Engine;"), ["patch"]);
    assert_eq!(
        breaches("prune", "use crate::{Error, circuit::{a, b}, model};"),
        ["circuit"]
    );
    assert_eq!(breaches("report", "let x = crate::model::Mlp;"), ["model"]);
    assert_eq!(
        breaches("audit", "use crate::{model::Mlp, prune, result};"),
        Vec::<String>::new()
    );
    assert_eq!(
        breaches("model", "// crate::patch is below"),
        Vec::<String>::new()
    );
}
