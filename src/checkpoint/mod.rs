//! Files → [`Checkpoint`]: named tensors, metadata and the file's SHA-256.
//!
//! A checkpoint is what the file says and nothing more: which tensor means what
//! is decided in `model`. It deliberately does not convert numbers on reading,
//! so that what is written back is what was read, bit for bit, but for what was
//! changed.

mod account;
mod bytes;
mod content;
mod diagnose;
mod disk;
mod foreign;
mod hash;
pub(crate) mod json;
mod memory;
mod onnx;
mod parse;
mod read;
mod settings;
mod shards;
mod tally;
mod tensor;
mod torch;
mod write;

pub use account::{Account, fits};
pub use bytes::{Bytes, Sum};
pub use content::{Content, Foreign};
pub use settings::{KeyRule, Settings, Unknown};
pub use tally::Tally;
pub use tensor::{Dtype, IntegerKind, Tensor};

pub(crate) use disk::{limited_read, sibling};
pub(crate) use hash::sha256;
pub(crate) use memory::file_of;
pub(crate) use parse::parse_tensors;
pub(crate) use read::is_checkpoint;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// Everything a checkpoint file says.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The path as it was given, or `embedded:NAME`.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal. Of a checkpoint in shards: of
    /// what `sha256sum` prints for the index and then each shard by name.
    pub sha256: Sum,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// The header's own metadata.
    pub metadata: BTreeMap<String, String>,
    /// `config.json` beside the file, where there is one.
    pub config: Map<String, Value>,
}
