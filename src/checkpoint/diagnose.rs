//! What exactly is wrong with a safetensors file that does not parse.
//!
//! The parser says what kind of fault it met; a person wants the tensor and
//! both values. They are looked up again in the header, leniently.

use std::path::Path;

use safetensors::SafeTensorError;
use serde_json::{Map, Value};

use crate::{Error, ErrorKind};

/// Bytes of the header's length.
pub(super) const PREFIX: usize = 8;

/// Our error for a fault that the parser met in `bytes`.
pub(super) fn fault(path: &Path, bytes: &[u8], error: &SafeTensorError) -> Error {
    let path = path.to_owned();
    let available = bytes.len().saturating_sub(PREFIX);
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::HeaderTooLarge
        | SafeTensorError::InvalidHeaderLength => ErrorKind::HeaderLength {
            declared: declared(bytes),
            available,
        }
        .at(path),
        SafeTensorError::InvalidHeader(utf8) => ErrorKind::Header {
            detail: format!("byte {} is not UTF-8", PREFIX + utf8.valid_up_to()),
        }
        .at(path),
        SafeTensorError::InvalidHeaderDeserialization(json) => {
            let unknown = header(bytes).and_then(|(header, _)| unknown_dtype(&header));
            let detail = json.to_string();
            match unknown {
                Some((tensor, dtype)) => ErrorKind::TensorDtype { tensor, dtype }.at(path),
                None => ErrorKind::Header { detail }.at(path),
            }
        }
        other => {
            let found = header(bytes).and_then(|(header, data)| faulty_tensor(&header, data));
            match found {
                Some(Fault::Tensor(tensor, detail)) => {
                    ErrorKind::TensorBytes { tensor, detail }.at(path)
                }
                Some(Fault::LeftOver { end, bytes }) => {
                    ErrorKind::BytesLeftOver { end, bytes }.at(path)
                }
                None => ErrorKind::Header {
                    detail: other.to_string(),
                }
                .at(path),
            }
        }
    }
}

/// What a header and the bytes behind it disagree in.
enum Fault {
    /// A tensor, and how.
    Tensor(String, String),
    /// Bytes after the last tensor.
    LeftOver { end: u64, bytes: u64 },
}

/// The first tensor of a number type that no version of the format has.
fn unknown_dtype(header: &Map<String, Value>) -> Option<(String, String)> {
    tensors(header).find_map(|(name, info)| {
        let dtype = info.get("dtype")?;
        let known = serde_json::from_value::<safetensors::Dtype>(dtype.clone()).is_ok();
        (!known).then(|| {
            (
                name.clone(),
                dtype
                    .as_str()
                    .map_or_else(|| dtype.to_string(), str::to_owned),
            )
        })
    })
}

fn tensors(header: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    header.iter().filter(|(name, _)| *name != "__metadata__")
}

/// The length that the file says its header has.
fn declared(bytes: &[u8]) -> Option<u64> {
    bytes
        .first_chunk::<PREFIX>()
        .map(|prefix| u64::from_le_bytes(*prefix))
}

/// The header as JSON, and the number of bytes behind it.
fn header(bytes: &[u8]) -> Option<(Map<String, Value>, u64)> {
    let length = usize::try_from(declared(bytes)?).ok()?;
    let end = PREFIX.checked_add(length)?;
    let header = serde_json::from_slice(bytes.get(PREFIX..end)?).ok()?;
    Some((header, (bytes.len() - end) as u64))
}

/// The first tensor whose shape, type and bytes disagree, and how.
fn faulty_tensor(header: &Map<String, Value>, data: u64) -> Option<Fault> {
    let mut tensors: Vec<_> = tensors(header)
        .filter_map(|(name, info)| Some((name, info, offsets(info)?)))
        .collect();
    tensors.sort_by_key(|(_, _, offsets)| *offsets);
    let mut covered = 0;
    for (name, info, (start, end)) in tensors {
        let fault = if end < start {
            Some(format!(
                "occupies bytes {start}..{end}: it ends before it starts"
            ))
        } else if start != covered {
            Some(format!(
                "occupies bytes {start}..{end}, but the tensor before it ends at {covered}"
            ))
        } else if end > data {
            Some(format!(
                "occupies bytes {start}..{end}, but only {data} follow the header"
            ))
        } else {
            size_fault(info, end - start)
        };
        if let Some(fault) = fault {
            return Some(Fault::Tensor(name.clone(), fault));
        }
        covered = end;
    }
    let rest = data.saturating_sub(covered);
    (rest > 0).then_some(Fault::LeftOver {
        end: covered,
        bytes: rest,
    })
}

fn offsets(info: &Value) -> Option<(u64, u64)> {
    let pair = info.get("data_offsets")?;
    Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?))
}

/// Shape times size of an element against the bytes there are.
fn size_fault(info: &Value, bytes: u64) -> Option<String> {
    let dtype = info.get("dtype")?.as_str()?;
    let bits = match dtype {
        "F64" | "I64" | "U64" | "C64" => 64_u64,
        "F32" | "I32" | "U32" => 32,
        "F16" | "BF16" | "I16" | "U16" => 16,
        "BOOL" | "U8" | "I8" => 8,
        _ => return None,
    };
    let shape: Option<Vec<u64>> = info
        .get("shape")?
        .as_array()?
        .iter()
        .map(Value::as_u64)
        .collect();
    let shape = shape?;
    let elements = shape
        .iter()
        .try_fold(1_u64, |product, d| product.checked_mul(*d));
    match elements.and_then(|n| n.checked_mul(bits / 8)) {
        None => Some(format!(
            "has shape {shape:?}, which is more elements than can be counted"
        )),
        Some(needed) if needed != bytes => Some(format!(
            "has shape {shape:?} of {dtype}, {needed} bytes; the header gives it {bytes}"
        )),
        Some(_) => None,
    }
}
