//! Tensors that are stored for another kind of computing: quantised, or the changes
//! that an adapter makes to a network that is elsewhere.

use super::{Checkpoint, Dtype, IntegerKind};
use crate::{ErrorKind, Result};

/// Endings of names, and what they show.
const NAMES: [(&str, Kind); 15] = [
    (".qweight", Kind::Quantised("GPTQ or AWQ")),
    (".qzeros", Kind::Quantised("GPTQ or AWQ")),
    (".SCB", Kind::Quantised("bitsandbytes")),
    (".weight_format", Kind::Quantised("bitsandbytes")),
    (".absmax", Kind::Quantised("bitsandbytes")),
    (".quant_map", Kind::Quantised("bitsandbytes")),
    (".weight_scale", Kind::Quantised("weights with a scale")),
    (".weight_scale_inv", Kind::Quantised("weights with a scale")),
    (".weight_packed", Kind::Quantised("compressed-tensors")),
    ("._packed_params", Kind::Quantised("torch.ao")),
    (".lora_A.weight", Kind::Adapter),
    (".lora_B.weight", Kind::Adapter),
    (".lora_A.default.weight", Kind::Adapter),
    (".lora_B.default.weight", Kind::Adapter),
    (".lora_embedding_A", Kind::Adapter),
];

#[derive(Clone, Copy)]
enum Kind {
    Quantised(&'static str),
    Adapter,
}

impl Checkpoint {
    /// That its tensors are a network's own numbers.
    ///
    /// # Errors
    /// If they are quantised or an adapter's.
    pub fn refuse_foreign(&self) -> Result<()> {
        for (name, tensor) in &self.tensors {
            let byte = matches!(
                tensor.dtype,
                Dtype::Integer(IntegerKind::I8 | IntegerKind::U8)
            );
            let known = NAMES.iter().find(|(ending, _)| name.ends_with(ending));
            let kind = match known {
                Some((_, kind)) => Some(*kind),
                None if name.contains(".lora_A.") => Some(Kind::Adapter),
                None if byte && tensor.shape.len() > 1 && name.ends_with("weight") => {
                    Some(Kind::Quantised("8-bit integers"))
                }
                None => None,
            };
            match kind {
                Some(Kind::Quantised(by)) => {
                    return Err(ErrorKind::Quantised {
                        tensor: name.clone(),
                        dtype: tensor.dtype.name(),
                        by,
                    }
                    .at(&self.path));
                }
                Some(Kind::Adapter) => {
                    return Err(ErrorKind::Adapter {
                        what: format!("tensor `{name}`"),
                    }
                    .at(&self.path));
                }
                None => {}
            }
        }
        match self.config.get("quantization_config") {
            Some(value) if !value.is_null() => Err(ErrorKind::Quantised {
                tensor: "quantization_config".to_owned(),
                dtype: "key of config.json",
                by: "a quantising library",
            }
            .at(&self.path)),
            _ => Ok(()),
        }
    }
}
