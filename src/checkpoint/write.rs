//! Writing a checkpoint back, whole or not at all.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::TensorView;
use serde_json::{Map, Value, json};

use super::{Checkpoint, Dtype, IntegerKind};
use crate::{ErrorKind, Result};

impl Checkpoint {
    /// Writes one safetensors file with the same tensors, types and metadata,
    /// whatever they were read from. It appears whole: it is written beside its
    /// place and then moved there.
    ///
    /// # Errors
    /// If the name is not that of a safetensors file, or the system does not let us
    /// write there.
    pub fn write(&self, path: &Path) -> Result<()> {
        if path
            .extension()
            .is_none_or(|ending| ending != "safetensors")
        {
            return Err(ErrorKind::WriteFormat.at(path));
        }
        let failed = |source: std::io::Error| ErrorKind::Write { source }.at(path);
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
        let bytes = safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata))?;
        Ok(self.with_sorted_metadata(bytes))
    }

    /// The library writes metadata in a random order; sorted, they are as long,
    /// and the same network gives the same bytes.
    fn with_sorted_metadata(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let header = bytes.first_chunk().map(|n| u64::from_le_bytes(*n) as usize);
        let header = header.and_then(|length| bytes.get_mut(8..8 + length));
        let parsed = header
            .as_deref()
            .and_then(|h| serde_json::from_slice::<Map<String, Value>>(h).ok());
        if let (Some(header), Some(mut parsed)) = (header, parsed) {
            if let Some(metadata) = parsed.get_mut("__metadata__") {
                *metadata = json!(self.metadata);
            }
            let sorted = Value::Object(parsed).to_string();
            if let Some(place) = header.get_mut(..sorted.len()) {
                place.copy_from_slice(sorted.as_bytes());
            }
        }
        bytes
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Tensor;
    use std::collections::BTreeMap;

    #[test]
    fn the_same_content_gives_the_same_bytes() {
        let tensor = Tensor {
            dtype: Dtype::F32,
            shape: vec![1],
            bytes: vec![0, 0, 128, 63].into(),
        };
        let names = ["a", "b", "c \"d\"", "é", "e", "f"];
        let checkpoint = || Checkpoint {
            path: "x".into(),
            sha256: Default::default(),
            tensors: BTreeMap::from([("w".to_owned(), tensor.clone())]),
            metadata: names
                .iter()
                .map(|n| ((*n).to_owned(), format!("<{n}>")))
                .collect(),
            config: Map::new(),
        };
        let bytes = checkpoint().to_bytes().unwrap();
        assert!((0..20).all(|_| checkpoint().to_bytes().unwrap() == bytes));
        let read = Checkpoint::from_bytes("x", &bytes, None).unwrap();
        assert_eq!(
            (read.metadata, read.tensors),
            (checkpoint().metadata, checkpoint().tensors)
        );
    }
}
