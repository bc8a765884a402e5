//! The table of families in docs/formats.md is what the code makes:
//! `UPDATE_EXPECT=1 cargo test --test suite formats` writes it anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::Path;

use modscope::model::transformer::families;

/// What stands before and after the table.
const ENDS: [&str; 2] = ["<!-- families -->\n", "<!-- end of families -->"];

fn table() -> String {
    let head = "| `model_type` | class | positions | norms | attention | MLP | head |\n\
                |---|---|---|---|---|---|---|\n";
    let rows: Vec<String> = families().iter().map(|row| format!("{row}\n")).collect();
    format!("{head}{}", rows.concat())
}

#[test]
fn the_table_of_families_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(ENDS[0]).unwrap();
    let (committed, after) = rest.split_once(ENDS[1]).unwrap();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let whole = [before, ENDS[0], &table(), ENDS[1], after].concat();
        return fs::write(path, whole).unwrap();
    }
    assert_eq!(committed, table());
}
