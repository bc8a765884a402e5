//! A checkpoint of weights that are in memory: what its file would be.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Map;

use super::{Checkpoint, Tensor};
use crate::{ErrorKind, Result};

impl Checkpoint {
    /// A checkpoint of tensors in memory that goes by `name`, with the text of the
    /// `config.json` that would lie beside its file, where tensors do not say all.
    ///
    /// It is in every respect the checkpoint of the file that it would be written to,
    /// SHA-256 included.
    ///
    /// ```
    /// use modscope::checkpoint::{Checkpoint, Tensor};
    ///
    /// let weight = Tensor::of_floats(&[1, 2], &[0.5_f32, -2.0]);
    /// let checkpoint = Checkpoint::from_tensors("line", [("0.weight", weight)], None)?;
    /// assert_eq!(checkpoint.tensors["0.weight"].to_f64(), [0.5, -2.0]);
    /// # Ok::<(), modscope::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a tensor's shape and bytes disagree, or the text is no JSON object.
    pub fn from_tensors<N: Into<String>>(
        name: &str,
        tensors: impl IntoIterator<Item = (N, Tensor)>,
        config: Option<&str>,
    ) -> Result<Self> {
        let tensors = tensors.into_iter().map(|(name, t)| (name.into(), t));
        let bytes = file_of(name, tensors.collect())?;
        Self::from_bytes(&format!("{name}.safetensors"), &bytes, config)
    }
}

/// The safetensors file of tensors in memory.
pub(crate) fn file_of(name: &str, tensors: BTreeMap<String, Tensor>) -> Result<Vec<u8>> {
    for (tensor, of) in &tensors {
        check(name, tensor, of)?;
    }
    let checkpoint = Checkpoint {
        path: PathBuf::from(name),
        sha256: Default::default(),
        tensors,
        metadata: BTreeMap::new(),
        config: Map::new(),
    };
    checkpoint.to_bytes().map_err(|error| {
        ErrorKind::Header {
            detail: error.to_string(),
        }
        .at(PathBuf::from(name))
    })
}

/// Whether a tensor has as many numbers as its shape says.
fn check(path: &str, tensor: &str, of: &Tensor) -> Result<()> {
    let wanted = of.shape.iter().product::<usize>() * of.dtype.size();
    if of.bytes.len() == wanted {
        return Ok(());
    }
    Err(ErrorKind::TensorShape {
        tensor: tensor.to_owned(),
        shape: of.shape.clone(),
        expected: format!("its numbers are {}", of.bytes.len() / of.dtype.size()),
    }
    .at(PathBuf::from(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_in_memory_are_what_their_file_would_be() {
        let weight = Tensor::of_floats(&[2, 1], &[1.0_f32, 2.0]);
        let checkpoint = Checkpoint::from_tensors("a", [("0.weight", weight)], None).unwrap();
        let bytes = checkpoint.to_bytes().unwrap();
        let read = Checkpoint::from_bytes("a.safetensors", &bytes, None).unwrap();
        assert_eq!(
            (read.sha256.to_string(), &read.tensors),
            (checkpoint.sha256.to_string(), &checkpoint.tensors)
        );
    }

    #[test]
    fn a_shape_of_other_numbers_is_refused() {
        let weight = Tensor::of_floats(&[2, 2], &[1.0_f32, 2.0]);
        let fault = Checkpoint::from_tensors("a", [("0.weight", weight)], None).unwrap_err();
        assert!(fault.to_string().contains("its numbers are 2"), "{fault}");
    }
}
