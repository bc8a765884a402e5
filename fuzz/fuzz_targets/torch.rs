//! Any bytes as a PyTorch file: an error or tensors that can be written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use modscope::checkpoint::Checkpoint;
use modscope::model::{Loaded, Options};

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = Checkpoint::from_bytes("fuzzed.pt", bytes, None) else {
        return;
    };
    let written = checkpoint.to_bytes().expect("what was read can be written");
    let again = Checkpoint::from_bytes("fuzzed", &written, None).expect("and read again");
    assert_eq!(checkpoint.tensors, again.tensors);
    let _ = Loaded::from_checkpoint(&checkpoint, Options::default());
});
