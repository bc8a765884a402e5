//! What an audit is given.

use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::model::Loaded;

/// What a network was read from, and what it is run on.
#[derive(Clone, Copy)]
pub struct Files<'a> {
    pub checkpoint: &'a Checkpoint,
    pub loaded: &'a Loaded,
    pub data: &'a Dataset,
}
