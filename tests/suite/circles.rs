//! No circles of files: what a file takes from another by the path to it can be read without
//! reading the file. What it takes through the face of a folder, its `mod.rs`, is not seen.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::layers::source_files;

/// A path of names, from the root of the crate.
type Names = Vec<String>;

/// Every module by its path, with what it takes.
struct House(BTreeMap<Names, Vec<Names>>);

impl House {
    /// Of the texts of modules by their paths.
    fn new(texts: impl IntoIterator<Item = (Names, String)>) -> Self {
        Self(
            texts
                .into_iter()
                .map(|(at, text)| (at, taken(&text)))
                .collect(),
        )
    }

    /// The files that a module takes something from; faces of folders do not count.
    fn used_by<'h>(&'h self, module: &'h Names) -> impl Iterator<Item = &'h Names> {
        let files = self.0[module]
            .iter()
            .filter_map(|path| self.file_of(module, path));
        files.filter(move |other| *other != module && !self.is_face(other))
    }

    /// The module that a path leads to.
    fn file_of(&self, from: &Names, path: &[String]) -> Option<&Names> {
        let (mut at, rest) = self.begin(from, path)?;
        for next in rest {
            at.push(next.clone());
            if !self.0.contains_key(&at) {
                at.pop();
                break;
            }
        }
        self.0.get_key_value(&at).map(|(module, _)| module)
    }

    /// Whether a module has modules within.
    fn is_face(&self, module: &Names) -> bool {
        let within = |other: &Names| other.len() > module.len() && other.starts_with(module);
        self.0.keys().any(within)
    }

    /// Where a path begins, and what is left of it; `None` for other crates.
    fn begin<'p>(&self, from: &Names, path: &'p [String]) -> Option<(Names, &'p [String])> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some((Names::new(), rest)),
            "self" => Some((from.clone(), rest)),
            "super" => {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let above = from.len().checked_sub(ups)?;
                Some((from[..above].to_vec(), &path[ups..]))
            }
            _ => {
                let inner: Names = from.iter().chain([first]).cloned().collect();
                self.0.contains_key(&inner).then_some((inner, rest))
            }
        }
    }

    /// The circles, each as its modules.
    fn circles(&self) -> Vec<Vec<String>> {
        let mut graph = DiGraph::<&Names, ()>::new();
        let places: BTreeMap<&Names, _> = self.0.keys().map(|m| (m, graph.add_node(m))).collect();
        for module in self.0.keys() {
            for used in self.used_by(module) {
                graph.add_edge(places[module], places[used], ());
            }
        }
        let named =
            |files: Vec<NodeIndex>| files.into_iter().map(|at| graph[at].join("::")).collect();
        let groups = tarjan_scc(&graph).into_iter();
        groups.filter(|files| files.len() > 1).map(named).collect()
    }
}

/// The `use`s of a text, tests aside, each down to a single name.
fn taken(text: &str) -> Vec<Names> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.collect::<Vec<_>>().join("\n");
    let mut all = Vec::new();
    for (place, _) in code.match_indices("use ") {
        let line = code[..place].rsplit('\n').next().unwrap_or("").trim();
        if !line.is_empty() && !line.starts_with("pub") {
            continue;
        }
        let statement = code[place + 4..].split(';').next().unwrap_or("");
        let statement: String = statement.split_whitespace().collect::<Vec<_>>().join(" ");
        leaves(&Names::new(), &statement, &mut all);
    }
    all
}

/// The single names of a tree of a `use`.
fn leaves(before: &Names, tree: &str, all: &mut Vec<Names>) {
    let tree = tree.trim();
    let (head, group) = match tree.split_once('{') {
        Some((head, group)) => (head, group.trim_end().strip_suffix('}')),
        None => (tree.split(" as ").next().unwrap_or(tree), None),
    };
    let path: Names = before.iter().cloned().chain(segments(head)).collect();
    match group {
        Some(group) => split_apart(group).for_each(|part| leaves(&path, part, all)),
        None => all.push(path),
    }
}

fn segments(path: &str) -> impl Iterator<Item = String> {
    let names = path
        .split("::")
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(str::to_owned)
}

/// The parts of a group between commas that stand in no inner group.
fn split_apart(group: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = group.split(move |letter| {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        letter == ',' && depth == 0
    });
    parts.filter(|part| !part.trim().is_empty())
}

/// The path of the module that a file under `src` is.
fn module(path: &Path) -> Names {
    let inside = path.with_extension("");
    let mut names: Names = inside
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if names
        .last()
        .is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str()))
    {
        names.pop();
    }
    names
}

#[test]
fn files_form_no_circle() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_read = |path: &&std::path::PathBuf| {
        !path.ends_with("main.rs") && !path.to_string_lossy().contains("tests.rs")
    };
    let files = source_files(&src);
    let texts = files.iter().filter(is_read).map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        (module(path.strip_prefix(&src).unwrap()), text)
    });
    let house = House::new(texts);
    let uses: usize = house
        .0
        .keys()
        .map(|module| house.used_by(module).count())
        .sum();
    assert!(uses > 1000, "{uses} uses were read");
    let circles = house.circles();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn a_circle_is_found() {
    let of = |b: &str| {
        House::new([
            (vec![], String::new()),
            (vec!["a".into()], "mod x;\nmod y;\npub use x::X;".into()),
            (
                vec!["a".into(), "x".into()],
                "use super::y::{Y, Z as _};\nuse std::fs;".into(),
            ),
            (vec!["a".into(), "y".into()], b.to_owned()),
        ])
    };
    for text in [
        "use super::x::X;",
        "use crate::a::x::{X};",
        "use crate::{a::x::{self, X as T}};",
    ] {
        let mut found = of(text).circles();
        found.iter_mut().for_each(|files| files.sort());
        assert_eq!(found, [["a::x", "a::y"]], "{text}");
    }
    let comment = "// use super::x::X;";
    let test = "#[cfg(test)]\nmod tests { use super::x::X; }";
    for text in ["", comment, "use serde::x::X;", "use super::X;", test] {
        assert!(of(text).circles().is_empty(), "{text}");
    }
}
