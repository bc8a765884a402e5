//! Convolutional and recurrent networks whose configuration says their structure: each
//! opens with its framework's outputs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::path::Path;

use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::{Architecture, Batch, Layered, Loaded, Network, Options, Ports};
use modscope::numeric::Scalar;

use crate::common::shared;

/// Of the outputs' scale; f32 sums in another order.
const ALLOWED: f64 = 1e-5;

/// The largest difference from the framework's outputs, by their scale.
fn difference<T: Scalar>(model: &Layered<T>, data: &Dataset) -> f64 {
    let ports = Ports::plain(model.input.features(), model.outputs_len());
    let batch = Batch::through(&ports, data).unwrap();
    let theirs = batch.outputs.expect("the framework's outputs");
    let ours = model.outputs(batch.inputs);
    let scale = theirs.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    let pairs = ours.iter().zip(&theirs);
    pairs.fold(0.0, |m, (a, b)| f64::max(m, (a.widen() - b).abs())) / scale
}

fn of_member(folder: &Path) -> f64 {
    let is_weights = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("model.")
    };
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| is_weights(path)).unwrap();
    let checkpoint = Checkpoint::open(&file).unwrap();
    let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    match &loaded.network {
        Network::F32(Architecture::Layered(model)) => difference(model, &data),
        Network::F64(Architecture::Layered(model)) => difference(model, &data),
        _ => panic!("{} is no layered network", folder.display()),
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn convolutions_and_recurrences_give_their_frameworks_outputs() {
    let Some(zoo) = shared("zoo") else {
        return;
    };
    let mut seen = 0;
    for entry in fs::read_dir(zoo).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with("cnn-") || name.starts_with("rnn-") {
            let difference = of_member(&folder);
            println!("{name}: {difference:.1e}");
            assert!(difference <= ALLOWED, "{name}: {difference:e}");
            seen += 1;
        }
    }
    assert!(seen > 0);
}
