//! A tensor as the file describes it: a view of a storage, to be copied out.

use std::collections::BTreeMap;

use super::Fault;
use crate::checkpoint::{Dtype, IntegerKind, Tensor};

/// A storage that a pickle refers to.
#[derive(Debug, Clone)]
pub(super) struct Storage {
    /// Like `FloatStorage`.
    pub class: String,
    /// Its name in the file.
    pub key: String,
    /// Elements, or bytes where the class has no type.
    pub elements: usize,
}

/// A tensor: element `[i, j, …]` is `storage[offset + i·strides[0] + j·strides[1] + …]`.
#[derive(Debug)]
pub(super) struct View {
    pub storage: Storage,
    /// Like `FloatStorage` or `float32`.
    pub dtype: String,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// The bytes of each storage.
pub(super) type Storages<'b> = BTreeMap<String, &'b [u8]>;

/// Why a view is no tensor.
#[derive(Debug)]
pub(super) enum ViewError {
    Dtype(String),
    Bytes(String),
}

impl ViewError {
    pub fn of_tensor(self, name: &str) -> Fault {
        match self {
            Self::Dtype(dtype) => Fault::Dtype(name.to_owned(), dtype),
            Self::Bytes(detail) => Fault::Tensor(name.to_owned(), detail),
        }
    }
}

impl Storage {
    /// Bytes that the pickle says it has.
    pub fn bytes(&self) -> Option<usize> {
        let size = match self.class.as_str() {
            "UntypedStorage" => 1,
            class => dtype(class)?.size(),
        };
        self.elements.checked_mul(size)
    }
}

impl View {
    /// The tensor, row by row. `room` is what all tensors may yet take.
    pub fn tensor(&self, storages: &Storages<'_>, room: &mut usize) -> Result<Tensor, ViewError> {
        let dtype = dtype(&self.dtype).ok_or_else(|| ViewError::Dtype(self.dtype.clone()))?;
        let bytes = self.storage_bytes(storages)?;
        let (shape, strides, offset) = (&self.shape, &self.strides, self.offset);
        let needed = elements(shape)
            .and_then(|n| n.checked_mul(dtype.size()))
            .ok_or_else(|| {
                let detail = "which is more elements than can be counted";
                ViewError::Bytes(format!("has shape {shape:?}, {detail}"))
            })?;
        *room = room.checked_sub(needed).ok_or_else(|| {
            let detail = "its storages are repeated beyond all measure of the file";
            ViewError::Bytes(format!("of shape {shape:?} is one too many: {detail}"))
        })?;
        let present = bytes.len() / dtype.size();
        if needed > 0 && self.end().is_none_or(|end| end > present) {
            return Err(ViewError::Bytes(format!(
                "has shape {shape:?}, strides {strides:?} and offset {offset}; its storage `{}` \
                 holds {present} elements",
                self.storage.key
            )));
        }
        Ok(Tensor {
            dtype,
            shape: shape.clone(),
            bytes: self.copied(bytes, dtype.size(), needed).into(),
        })
    }

    /// The storage as far as the pickle says it goes.
    fn storage_bytes<'b>(&self, storages: &Storages<'b>) -> Result<&'b [u8], ViewError> {
        let key = &self.storage.key;
        let missing = || ViewError::Bytes(format!("lies in storage `{key}`, which is not there"));
        let bytes = *storages.get(key).ok_or_else(missing)?;
        let declared = self.storage.bytes();
        let declared = declared.ok_or_else(|| ViewError::Dtype(self.storage.class.clone()))?;
        bytes.get(..declared).ok_or_else(|| {
            ViewError::Bytes(format!(
                "lies in storage `{key}` of {declared} bytes; the file has {}",
                bytes.len()
            ))
        })
    }

    /// One more than the last element of the storage that is read.
    fn end(&self) -> Option<usize> {
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps
            .map(|(size, stride)| size.saturating_sub(1).checked_mul(*stride))
            .try_fold(self.offset, |sum, step| sum.checked_add(step?))?;
        last.checked_add(1)
    }

    /// `needed` bytes in row-major order; the view lies within `bytes`.
    fn copied(&self, bytes: &[u8], size: usize, needed: usize) -> Vec<u8> {
        let at = |element: usize, count: usize| {
            let start = element * size;
            bytes.get(start..start + count).unwrap_or_default()
        };
        if needed == 0 {
            return Vec::new();
        }
        if self.is_contiguous() {
            return at(self.offset, needed).to_vec();
        }
        let mut copy = Vec::with_capacity(needed);
        let mut place = vec![0; self.shape.len()];
        while copy.len() < needed {
            let steps = place.iter().zip(&self.strides);
            let element = steps.fold(self.offset, |sum, (i, stride)| sum + i * stride);
            copy.extend_from_slice(at(element, size));
            for (i, limit) in place.iter_mut().zip(&self.shape).rev() {
                *i += 1;
                if *i < *limit {
                    break;
                }
                *i = 0;
            }
        }
        copy
    }

    /// Whether the elements stand in the storage as they are wanted.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        let steps = self.shape.iter().zip(&self.strides).rev();
        for (size, stride) in steps.filter(|(size, _)| **size != 1) {
            if *stride != expected {
                return false;
            }
            expected *= size;
        }
        true
    }
}

/// The product of a shape.
fn elements(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d))
}

/// The type that torch calls by this name, as a class of storages or as a dtype.
fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "DoubleStorage" | "float64" => Dtype::F64,
        "FloatStorage" | "float32" => Dtype::F32,
        "HalfStorage" | "float16" => Dtype::F16,
        "BFloat16Storage" | "bfloat16" => Dtype::Bf16,
        "LongStorage" | "int64" => Dtype::Integer(IntegerKind::I64),
        "IntStorage" | "int32" => Dtype::Integer(IntegerKind::I32),
        "ShortStorage" | "int16" => Dtype::Integer(IntegerKind::I16),
        "CharStorage" | "int8" => Dtype::Integer(IntegerKind::I8),
        "ByteStorage" | "uint8" => Dtype::Integer(IntegerKind::U8),
        "uint16" => Dtype::Integer(IntegerKind::U16),
        "uint32" => Dtype::Integer(IntegerKind::U32),
        "uint64" => Dtype::Integer(IntegerKind::U64),
        "BoolStorage" | "bool" => Dtype::Integer(IntegerKind::Bool),
        _ => return None,
    })
}
