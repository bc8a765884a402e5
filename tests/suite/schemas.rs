//! `docs/schema` holds the JSON Schema of every result, made of the types.
//!
//! `UPDATE_EXPECT=1 cargo test --test suite schemas` writes them anew. That what commands
//! write fits is tested by `python/tests/test_schemas.py`, with a validator of its own.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use modscope::result::schemas;

#[test]
fn schemas_in_docs_are_those_of_the_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    for (name, schema) in schemas() {
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let file = folder.join(format!("{name}.schema.json"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, text).unwrap();
        } else {
            let written = fs::read_to_string(&file).unwrap();
            assert!(written == text, "{} is not up to date", file.display());
        }
    }
}
