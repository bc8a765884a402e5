//! Seconds of a transformer's passes alone: `passes FOLDER [DATA]` opens a network and its samples
//! (`data.safetensors` beside it), and prints the median of five forward passes, of five with a
//! backward pass, and of five with one that also tells the gradient at every reader.
//! `benches/whole_models.py` sets PyTorch's beside the first two.
#![allow(clippy::expect_used, reason = "an example may stop")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::model::transformer::Gradients;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::numeric::{Scalar, parallel};
use ndarray::Array2;

/// Asks for the gradient at every reader, or of the stream alone.
struct Asked {
    by_reader: bool,
}

impl<T> Gradients<T> for Asked {
    fn by_reader(&self) -> bool {
        self.by_reader
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
    let run = |asked: Option<bool>| {
        parallel::map(batch.parts(), |part| {
            let trace = model.forward(&part.inputs, &part.answers, part.length());
            if let Some(by_reader) = asked {
                let at = Array2::ones(trace.end.outputs.raw_dim());
                model.backward(&trace, at.view(), &mut Asked { by_reader });
            }
        });
    };
    let kinds = [
        ("forward", None),
        ("and backward", Some(false)),
        ("to every reader", Some(true)),
    ];
    for (name, asked) in kinds {
        let mut seconds = [(); 5].map(|()| {
            let started = Instant::now();
            run(asked);
            started.elapsed().as_secs_f64()
        });
        seconds.sort_by(f64::total_cmp);
        println!("{name:<20} {:.3}", seconds[2]);
    }
}
