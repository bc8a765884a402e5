//! The bytes of a safetensors file → its tensors and metadata.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::{Map, Value};

use super::diagnose::{self, PREFIX};
use super::{Bytes, Dtype, IntegerKind, Sum, Tensor};
use crate::{ErrorKind, Result};

/// What one or several files hold, without what lies beside them.
pub(super) struct Parts {
    pub sha256: Sum,
    /// What a file says of the network's configuration.
    pub config: Map<String, Value>,
    pub tensors: BTreeMap<String, Tensor>,
    pub metadata: BTreeMap<String, String>,
}

/// Tensors by name, and what a header says beside them.
type Parsed = (BTreeMap<String, Tensor>, BTreeMap<String, String>);

/// The named tensors and the metadata of a safetensors file.
pub(crate) fn parse_tensors(path: &Path, bytes: &[u8]) -> Result<Parsed> {
    parse_shared(path, &Bytes::shared(bytes.to_vec()))
}

/// The named tensors and the metadata of a safetensors file, as parts of its bytes.
pub(super) fn parse_shared(path: &Path, bytes: &Bytes) -> Result<Parsed> {
    if bytes.is_empty() {
        return Err(ErrorKind::EmptyFile.at(path));
    }
    let fault = |error| diagnose::fault(path, bytes, &error);
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(fault)?;
    let mut tensors = BTreeMap::new();
    for (name, info) in header.tensors() {
        let dtype = dtype(info.dtype).ok_or_else(|| {
            ErrorKind::TensorDtype {
                tensor: name.clone(),
                dtype: format!("{:?}", info.dtype),
            }
            .at(path)
        })?;
        let (start, end) = info.data_offsets;
        let data = PREFIX + length;
        let found = bytes.part(data + start..data + end);
        let tensor = Tensor {
            dtype,
            shape: info.shape.clone(),
            bytes: found.ok_or_else(|| {
                ErrorKind::TensorBytes {
                    tensor: name.clone(),
                    detail: format!("occupies bytes {start}..{end}, beyond the end of the file"),
                }
                .at(path)
            })?,
        };
        tensors.insert(name, tensor);
    }
    let metadata = header.metadata().clone().unwrap_or_default();
    Ok((tensors, metadata.into_iter().collect()))
}

fn dtype(of: safetensors::Dtype) -> Option<Dtype> {
    use safetensors::Dtype as Theirs;
    Some(match of {
        Theirs::F64 => Dtype::F64,
        Theirs::F32 => Dtype::F32,
        Theirs::F16 => Dtype::F16,
        Theirs::BF16 => Dtype::Bf16,
        Theirs::I64 => Dtype::Integer(IntegerKind::I64),
        Theirs::I32 => Dtype::Integer(IntegerKind::I32),
        Theirs::I16 => Dtype::Integer(IntegerKind::I16),
        Theirs::I8 => Dtype::Integer(IntegerKind::I8),
        Theirs::U64 => Dtype::Integer(IntegerKind::U64),
        Theirs::U32 => Dtype::Integer(IntegerKind::U32),
        Theirs::U16 => Dtype::Integer(IntegerKind::U16),
        Theirs::U8 => Dtype::Integer(IntegerKind::U8),
        Theirs::BOOL => Dtype::Integer(IntegerKind::Bool),
        _ => return None,
    })
}
