//! Writes `reports/gallery` anew: `cargo run --release --example gallery`.
//!
//! Times and memory are left out, so that the same program gives the same files.

use std::fs;
use std::path::Path;

#[path = "../tests/suite/common/gallery.rs"]
mod gallery;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut results = Vec::new();
    for name in gallery::SHOWN {
        results.push((name.to_owned(), gallery::result(name)?));
    }
    let folder = Path::new("reports/gallery");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    modscope::report::write_index(&results, folder, &Default::default())?;
    println!("{}", folder.join("index.html").display());
    Ok(())
}
