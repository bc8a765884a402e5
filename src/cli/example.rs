//! The embedded example: a BIMT network trained on two independent formulas.

use super::args::DataArgs;
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::data::{Dataset, Reading};

/// The network with its data, or with the data that were named.
pub(super) fn open(args: &DataArgs, split: Option<&str>) -> Result<(Checkpoint, Dataset)> {
    let checkpoint = Checkpoint::from_bytes(
        "embedded:independence-bimt",
        include_bytes!("../../fixtures/independence-bimt/model.safetensors"),
        Some(include_str!("../../fixtures/independence-bimt/config.json")),
    )?;
    let data = match &args.data {
        Some(path) => {
            let reading = Reading {
                split: split.map(str::to_owned),
                ..args.reading()
            };
            Dataset::read(path, &reading)?
        }
        None => Dataset::from_bytes(
            "embedded:independence-bimt",
            include_bytes!("../../fixtures/independence-bimt/data.safetensors"),
            split,
            None,
        )?,
    };
    let data = match args.samples {
        Some(samples) => data.first(samples),
        None => data,
    };
    Ok((checkpoint, data))
}
