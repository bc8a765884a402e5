//! Tells the tests whether the reference networks are there, which are not part of this
//! repository: without them, tests that need them are listed as ignored, with that reason.
//!
//! It looks once; a change of the variable `MODSCOPE_REFERENCES` makes it look again.

use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(references)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MODSCOPE_REFERENCES");
    if Path::new("../shared/checkpoints").is_dir() {
        println!("cargo::rustc-cfg=references");
    }
}
