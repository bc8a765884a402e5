//! Opening checkpoint files, and what lies beside them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{Checkpoint, Dtype, IntegerKind, Tensor, diagnose, shards, torch};
use crate::{Error, Result};

/// Files larger than this are refused: they would not fit in memory beside
/// what is computed from them.
pub(super) const LARGEST_FILE: u64 = 8 << 30;

impl Checkpoint {
    /// Opens a `.safetensors`, `.pt` or `.pth` file, the index of several
    /// (`model.safetensors.index.json`), or the one of these in a folder, with the
    /// `config.json` beside it.
    ///
    /// # Errors
    /// If there is no such file, or it is not what it says it is.
    pub fn open(path: &Path) -> Result<Self> {
        let file = if path.is_dir() {
            in_folder(path)?
        } else {
            path.to_owned()
        };
        let index = file.to_string_lossy().ends_with(shards::ENDING);
        if file.exists() && !is_checkpoint(&file) && !index {
            return Err(Error::CheckpointFormat { path: file });
        }
        let bytes = limited_read(&file)?;
        let config = sibling(&file, "config.json")?;
        if index {
            let read = shards::read(&file, &bytes)?;
            return Self::of_parts(&file, read, config.as_deref());
        }
        Self::from_bytes(&file.display().to_string(), &bytes, config.as_deref())
    }

    /// Reads the bytes of a file that goes by `name`, and the text of its
    /// `config.json`: PyTorch's format for `.pt` and `.pth`, else safetensors.
    ///
    /// # Errors
    /// If the bytes are not what they say they are, or the text is no JSON object.
    pub fn from_bytes(name: &str, bytes: &[u8], config: Option<&str>) -> Result<Self> {
        let path = PathBuf::from(name);
        let (tensors, metadata) = if TORCH.contains(&extension(&path)) {
            (torch::read(&path, bytes)?, BTreeMap::new())
        } else {
            parse_tensors(&path, bytes)?
        };
        let parts = Parts {
            sha256: sha256(bytes),
            tensors,
            metadata,
        };
        Self::of_parts(&path, parts, config)
    }

    fn of_parts(path: &Path, parts: Parts, config: Option<&str>) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            sha256: parts.sha256,
            tensors: parts.tensors,
            metadata: parts.metadata,
            config: config.map_or_else(|| Ok(Map::new()), |text| object(path, text))?,
        })
    }
}

/// What one or several files hold, without what lies beside them.
pub(super) struct Parts {
    pub sha256: String,
    pub tensors: BTreeMap<String, Tensor>,
    pub metadata: BTreeMap<String, String>,
}

/// The endings of PyTorch's files.
const TORCH: [&str; 2] = ["pt", "pth"];

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("")
}

/// Whether a name is that of a checkpoint.
fn is_checkpoint(path: &Path) -> bool {
    extension(path) == "safetensors" || TORCH.contains(&extension(path))
}

/// `model.safetensors` in a folder, its index, or the only checkpoint there.
fn in_folder(folder: &Path) -> Result<PathBuf> {
    for usual in ["model.safetensors", "model.safetensors.index.json"] {
        if folder.join(usual).is_file() {
            return Ok(folder.join(usual));
        }
    }
    let listing = fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
    let mut found: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_checkpoint(path))
        .filter(|path| path.file_name().is_some_and(|n| n != "data.safetensors"))
        .collect();
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        several => Err(Error::NoCheckpointInFolder {
            path: folder.to_owned(),
            found: several
                .iter()
                .filter_map(|path| path.file_name())
                .map(|n| n.to_string_lossy().into_owned())
                .collect(),
        }),
    }
}

/// The named tensors and the metadata of a safetensors file.
pub(crate) fn parse_tensors(
    path: &Path,
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, BTreeMap<String, String>)> {
    if bytes.is_empty() {
        return Err(Error::EmptyFile {
            path: path.to_owned(),
        });
    }
    let fault = |error| diagnose::fault(path, bytes, &error);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(fault)?;
    let file = SafeTensors::deserialize(bytes).map_err(fault)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let dtype = dtype(view.dtype()).ok_or_else(|| Error::TensorDtype {
            path: path.to_owned(),
            tensor: name.to_owned(),
            dtype: format!("{:?}", view.dtype()),
        })?;
        let tensor = Tensor {
            dtype,
            shape: view.shape().to_vec(),
            bytes: view.data().to_vec(),
        };
        tensors.insert(name.to_owned(), tensor);
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

/// The bytes of a file of a size that memory can hold.
pub(crate) fn limited_read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| read_error(path, source);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let too_large = |size| Error::FileTooLarge {
        path: path.to_owned(),
        size,
        limit: LARGEST_FILE,
    };
    if size > LARGEST_FILE {
        return Err(too_large(size));
    }
    let mut bytes = Vec::new();
    // Devices and pipes do not tell their size beforehand.
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The text of a file beside `path`, if there is one.
pub(crate) fn sibling(path: &Path, name: &str) -> Result<Option<String>> {
    let beside = path.with_file_name(name);
    if !beside.is_file() {
        return Ok(None);
    }
    match String::from_utf8(limited_read(&beside)?) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(Error::NotUtf8 {
            path: beside,
            position: error.utf8_error().valid_up_to(),
        }),
    }
}

/// A JSON object.
fn object(checkpoint: &Path, text: &str) -> Result<Map<String, Value>> {
    let not_json = |detail: String| Error::Json {
        path: checkpoint.with_file_name("config.json"),
        detail,
    };
    match super::json::value(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(not_json(
            "expected an object like {\"activation\": \"silu\"}".to_owned(),
        )),
        Err(error) => Err(not_json(error.to_string())),
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}
