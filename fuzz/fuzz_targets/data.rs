//! Any bytes as data, in every format: the first byte chooses.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use modscope::data::Dataset;

const FORMATS: [&str; 5] = ["safetensors", "npz", "npy", "csv", "jsonl"];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(*first) % FORMATS.len()];
    let name = format!("modscope-fuzz-{}.{format}", std::process::id());
    let path = std::env::temp_dir().join(name);
    if fs::write(&path, bytes).is_ok()
        && let Ok(data) = Dataset::open(&path, None)
    {
        assert!(!data.is_empty(), "data that were read have samples");
    }
});
