//! The embedded example: a BIMT network trained on two independent formulas.

use super::args::DataArgs;
use crate::checkpoint::Checkpoint;
use crate::data::{Dataset, Reading};
use crate::{ErrorKind, Result};

/// The network with its data, or with the data that were named.
pub(super) fn open(
    args: &DataArgs,
    split: Option<&str>,
    by: Option<&str>,
) -> Result<(Checkpoint, Dataset)> {
    let checkpoint = Checkpoint::from_bytes(
        "embedded:independence-bimt",
        include_bytes!("../../fixtures/independence-bimt/model.safetensors"),
        Some(include_str!("../../fixtures/independence-bimt/config.json")),
    )?;
    let data = match &args.data {
        Some(path) => {
            let reading = Reading {
                split: split.map(str::to_owned),
                by: by.map(str::to_owned),
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
    if let (Some(by), None) = (by, &data.groups) {
        let used = data.told.used.iter();
        return Err(ErrorKind::NoSuchColumn {
            flag: "--by",
            name: by.to_owned(),
            found: used.map(|array| array.name.clone()).collect(),
        }
        .at(&data.path));
    }
    let data = match args.samples {
        Some(samples) => data.first(samples),
        None => data,
    };
    Ok((checkpoint, data))
}
