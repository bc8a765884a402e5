//! Seconds of a transformer's passes alone: `passes FOLDER [DATA]` opens a network and its samples
//! (`data.safetensors` beside it), and prints the median of three forward passes, and of three
//! with a backward pass to every reader. `benches/whole_models.py` sets PyTorch's beside them.
#![allow(clippy::expect_used, reason = "an example may stop")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::transformer::Gradients;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::{Scalar, parallel};
use ndarray::Array2;

/// Asks for the gradient at every reader.
struct AtReaders;

impl<T> Gradients<T> for AtReaders {
    fn by_reader(&self) -> bool {
        true
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().expect("a network's folder"));
    let beside = folder.join("data.safetensors");
    let data = words.next().map_or(beside, PathBuf::from);
    let checkpoint = Checkpoint::open(&folder).expect("a checkpoint");
    let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).expect("a network");
    match &loaded.network {
        Network::F32(Architecture::Transformer(model)) => passes(model, &data),
        Network::F64(Architecture::Transformer(model)) => passes(model, &data),
        _ => eprintln!("no transformer"),
    }
}

fn passes<T: Scalar>(model: &Transformer<T>, data: &Path) {
    let data = Dataset::open(data, None).expect("data");
    let batch = Sequences::new(model, &data, None).expect("samples of this network");
    let run = |backward: bool| {
        parallel::map(batch.parts(), |part| {
            let trace = model.forward(&part.inputs, &part.answers, part.length());
            if backward {
                let at = Array2::ones(trace.end.outputs.raw_dim());
                model.backward(&trace, at.view(), &mut AtReaders);
            }
        });
    };
    for (name, backward) in [("forward", false), ("forward and backward", true)] {
        let mut seconds = [0, 1, 2].map(|_| {
            let started = Instant::now();
            run(backward);
            started.elapsed().as_secs_f64()
        });
        seconds.sort_by(f64::total_cmp);
        println!("{name:<20} {:.3}", seconds[1]);
    }
}
