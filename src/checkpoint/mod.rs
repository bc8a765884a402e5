//! Files → [`Checkpoint`]: named tensors, metadata and the file's SHA-256.
//!
//! A checkpoint is what the file says and nothing more: which tensor means what
//! is decided in `model`. It deliberately does not convert numbers on reading,
//! so that what is written back is what was read, bit for bit, but for what was
//! changed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// The element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single.
    Bf16,
    /// Signed or unsigned integers and booleans, read as `i64`.
    Integer(IntegerKind),
}

/// The integer types a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IntegerKind {
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

/// One tensor: little-endian bytes, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Shape, outermost dimension first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements as they stand in the file.
    pub bytes: Vec<u8>,
}

/// Everything a checkpoint file says.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The path as it was given, or `embedded:NAME`.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// Tensors by name.
    pub tensors: BTreeMap<String, Tensor>,
    /// The header's own metadata.
    pub metadata: BTreeMap<String, String>,
    /// `config.json` beside the file, where there is one.
    pub config: Map<String, Value>,
}

// STUB until the readers land.
impl Dtype {
    #[allow(missing_docs)]
    pub fn name(self) -> &'static str {
        "f32"
    }
}
impl Tensor {
    #[allow(missing_docs)]
    pub fn to_f64(&self) -> Vec<f64> {
        vec![]
    }
    #[allow(missing_docs)]
    pub fn to_indices(&self) -> Option<Vec<usize>> {
        None
    }
    #[allow(missing_docs)]
    pub fn set_zero(&mut self, _: usize) {}
    #[allow(missing_docs)]
    pub fn non_finite(&self) -> (usize, usize) {
        (0, 0)
    }
    #[allow(missing_docs)]
    pub fn len(&self) -> usize {
        0
    }
}
