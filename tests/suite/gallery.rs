//! The committed gallery is what the tool writes now, and says what it finds now.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use modscope::report;
use modscope::result::Audit;

use crate::common::gallery;

const REMEDY: &str = "`cargo run --release --example gallery` writes it anew";

/// Rounding in f32 may differ between kinds of machines.
const ROUNDING: f64 = 1e-5;

/// Every file below a folder by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let inner = files(&path).into_iter();
            found.extend(inner.map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            found.insert(name, fs::read(&path).unwrap());
        }
    }
    found
}

fn committed(name: &str) -> Audit {
    let path = Path::new("reports/gallery").join(name).join("audit.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_gallery_is_what_the_tool_draws_now() {
    let results = gallery::SHOWN.map(|name| (name.to_owned(), committed(name)));
    let dir = tempfile::tempdir().unwrap();
    report::write_index(&results, dir.path(), &Default::default()).unwrap();
    let (now, then) = (files(dir.path()), files(Path::new("reports/gallery")));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&now), names(&then), "{REMEDY}");
    for (name, bytes) in &now {
        assert!(
            then[name] == *bytes,
            "{name} is not what is drawn now; {REMEDY}"
        );
    }
}

#[test]
fn the_gallery_says_what_is_found_now() {
    for name in gallery::SHOWN {
        let (then, now) = (committed(name), gallery::result(name).unwrap());
        let (p, q) = (then.prune.unwrap(), now.prune.unwrap());
        assert_eq!(
            (p.edges_kept, p.verified),
            (q.edges_kept, q.verified),
            "{REMEDY}"
        );
        assert!(
            (p.threshold - q.threshold).abs() <= ROUNDING * q.threshold,
            "{REMEDY}"
        );
        let (m, n) = (then.modules.unwrap(), now.modules.unwrap());
        assert_eq!(m.partition, n.partition, "{REMEDY}");
        assert!((m.modularity - n.modularity).abs() <= ROUNDING, "{REMEDY}");
        let edges = |audit: &[modscope::result::Circuit]| -> Vec<(String, Vec<(String, String)>)> {
            let ends = |c: &modscope::result::Circuit| {
                let mut ends: Vec<_> = c
                    .edges
                    .iter()
                    .map(|e| (e.from.clone(), e.to.clone()))
                    .collect();
                ends.sort();
                (format!("{} {}", c.output, c.method), ends)
            };
            audit.iter().map(ends).collect()
        };
        assert_eq!(edges(&then.circuits), edges(&now.circuits), "{REMEDY}");
    }
}
