//! Writing a checkpoint back, whole or not at all.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;

use super::{Checkpoint, Dtype, IntegerKind};
use crate::{Error, Result};

impl Checkpoint {
    /// Writes a safetensors file with the same tensors, types and metadata. The
    /// file appears whole: it is written beside its place and then moved there.
    ///
    /// # Errors
    /// If the system does not let us write there.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = |source: std::io::Error| Error::Write {
            path: path.to_owned(),
            source,
        };
        let bytes = self
            .to_bytes()
            .map_err(|error| failed(std::io::Error::other(error)))?;
        let part = path.with_extension(format!("{}.part", std::process::id()));
        fs::write(&part, bytes)
            .and_then(|()| fs::rename(&part, path))
            .map_err(|error| {
                let _ = fs::remove_file(&part);
                failed(error)
            })
    }

    /// The bytes of the safetensors file.
    ///
    /// # Errors
    /// If a tensor's shape and bytes disagree.
    pub fn to_bytes(&self) -> std::result::Result<Vec<u8>, safetensors::SafeTensorError> {
        let mut views = Vec::with_capacity(self.tensors.len());
        for (name, tensor) in &self.tensors {
            let view = TensorView::new(dtype(tensor.dtype), tensor.shape.clone(), &tensor.bytes)?;
            views.push((name.clone(), view));
        }
        let metadata: HashMap<String, String> = self.metadata.clone().into_iter().collect();
        safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata))
    }
}

fn dtype(of: Dtype) -> safetensors::Dtype {
    use safetensors::Dtype as Theirs;
    match of {
        Dtype::F64 => Theirs::F64,
        Dtype::F32 => Theirs::F32,
        Dtype::F16 => Theirs::F16,
        Dtype::Bf16 => Theirs::BF16,
        Dtype::Integer(kind) => match kind {
            IntegerKind::I64 => Theirs::I64,
            IntegerKind::I32 => Theirs::I32,
            IntegerKind::I16 => Theirs::I16,
            IntegerKind::I8 => Theirs::I8,
            IntegerKind::U64 => Theirs::U64,
            IntegerKind::U32 => Theirs::U32,
            IntegerKind::U16 => Theirs::U16,
            IntegerKind::U8 => Theirs::U8,
            IntegerKind::Bool => Theirs::BOOL,
        },
    }
}
