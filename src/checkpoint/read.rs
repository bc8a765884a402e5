//! Opening checkpoint files, and what lies beside them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::bytes::within;
use super::{
    Bytes, Checkpoint, Content, Dtype, Foreign, IntegerKind, Sum, Tensor, diagnose, onnx, shards,
    torch,
};
use crate::{Error, Result};

/// Bytes of the length of a header.
const PREFIX: usize = 8;
/// Files larger than this are refused: they would not fit in memory beside
/// what is computed from them.
pub(super) const LARGEST_FILE: u64 = 8 << 30;

impl Checkpoint {
    /// Opens a `.safetensors`, `.pt`, `.pth`, `.bin` or `.ckpt` file, the index of several
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
            return Err(other_ending(file));
        }
        beside(&file)?;
        let bytes = Bytes::of_file(&file)?;
        let config = sibling(&file, "config.json")?;
        if index {
            let read = shards::read(&file, &bytes)?;
            return Self::of_parts(&file, read, config.as_deref());
        }
        Self::from_shared(&file, bytes, config.as_deref())
    }

    /// Reads the bytes of a file that goes by `name`, and the text of its
    /// `config.json`: PyTorch's format for `.pt` and `.pth`, else safetensors.
    ///
    /// # Errors
    /// If the bytes are not what they say they are, or the text is no JSON object.
    pub fn from_bytes(name: &str, bytes: &[u8], config: Option<&str>) -> Result<Self> {
        Self::from_shared(Path::new(name), Bytes::shared(bytes.to_vec()), config)
    }

    fn from_shared(path: &Path, bytes: Bytes, config: Option<&str>) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::EmptyFile {
                path: path.to_owned(),
            });
        }
        let parts = if extension(path) == ONNX {
            Content::check(path, &bytes, &[])?;
            within(path, bytes.len() as u64, LARGEST_FILE)?;
            let (tensors, config) = onnx::read(path, &bytes)?;
            Parts {
                tensors,
                config,
                metadata: BTreeMap::new(),
                sha256: Sum::of(bytes),
            }
        } else if TORCH.contains(&extension(path)) {
            Content::check(path, &bytes, &[Content::Zip, Content::Pickle])?;
            within(path, bytes.len() as u64, LARGEST_FILE)?;
            let (tensors, config) = torch::read(path, &bytes)?;
            Parts {
                tensors,
                config,
                metadata: BTreeMap::new(),
                sha256: Sum::of(bytes),
            }
        } else {
            Content::check(path, &bytes, &[Content::Safetensors])?;
            let (tensors, metadata) = parse_shared(path, &bytes)?;
            Parts {
                tensors,
                metadata,
                config: Map::new(),
                sha256: Sum::of(bytes),
            }
        };
        Self::of_parts(path, parts, config)
    }

    fn of_parts(path: &Path, parts: Parts, config: Option<&str>) -> Result<Self> {
        let beside = config.map_or_else(|| Ok(Map::new()), |text| object(path, text))?;
        Ok(Self {
            path: path.to_owned(),
            sha256: parts.sha256,
            tensors: parts.tensors,
            metadata: parts.metadata,
            config: joined(path, beside, parts.config)?,
        })
    }
}

/// What one or several files hold, without what lies beside them.
pub(super) struct Parts {
    pub sha256: Sum,
    /// What a file says of the network's configuration.
    pub config: Map<String, Value>,
    pub tensors: BTreeMap<String, Tensor>,
    pub metadata: BTreeMap<String, String>,
}

/// The ending of ONNX models.
const ONNX: &str = "onnx";
/// The endings of PyTorch's files.
const TORCH: [&str; 4] = ["pt", "pth", "bin", "ckpt"];

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("")
}

/// Whether a name is that of a checkpoint.
fn is_checkpoint(path: &Path) -> bool {
    ["safetensors", ONNX].contains(&extension(path)) || TORCH.contains(&extension(path))
}

/// What trainings keep beside the weights.
const NO_WEIGHTS: [&str; 8] = [
    "data.safetensors",
    "training_args.bin",
    "optimizer.bin",
    "optimizer.pt",
    "scheduler.pt",
    "scheduler.bin",
    "rng_state.pth",
    "scaler.pt",
];

/// The names under which a network's weights are usually kept.
const USUAL: [&str; 3] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
];

/// Why a file whose name does not end as a checkpoint's is not read: its content
/// says more.
fn other_ending(path: PathBuf) -> Error {
    let start = File::open(&path).and_then(|file| {
        let mut start = Vec::new();
        file.take(1 << 10).read_to_end(&mut start).map(|_| start)
    });
    match Content::of(&start.unwrap_or_default()) {
        Content::Unknown => Error::CheckpointFormat { path },
        content => content.error(&path),
    }
}

/// That no adapter lies beside a network: which of the two is meant, nobody says.
fn beside(file: &Path) -> Result<()> {
    let adapter = file.with_file_name("adapter_config.json");
    match adapter.is_file() {
        true => Err(Error::Adapter {
            path: file.to_owned(),
            what: "`adapter_config.json` beside it".to_owned(),
        }),
        false => Ok(()),
    }
}

/// `config.json`, and what the file itself says where that is silent.
fn joined(
    path: &Path,
    mut beside: Map<String, Value>,
    inside: Map<String, Value>,
) -> Result<Map<String, Value>> {
    for (key, value) in inside {
        match beside.get(&key) {
            Some(other) if *other != value => {
                return Err(Error::Json {
                    path: path.with_file_name("config.json"),
                    detail: format!(
                        "`{key}` is {other}; `model_args` in the checkpoint has {value}"
                    ),
                });
            }
            Some(_) => {}
            None => {
                beside.insert(key, value);
            }
        }
    }
    Ok(beside)
}

/// The usual checkpoint in a folder, or the only one there.
fn in_folder(folder: &Path) -> Result<PathBuf> {
    let usual = USUAL.iter().filter(|name| folder.join(name).is_file());
    match usual.collect::<Vec<_>>().as_slice() {
        [] => {}
        [one] => return Ok(folder.join(one)),
        several => {
            return Err(Error::NoCheckpointInFolder {
                path: folder.to_owned(),
                found: several.iter().map(|name| (**name).to_owned()).collect(),
            });
        }
    }
    let listing = fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
    let mut found: Vec<PathBuf> = listing
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_checkpoint(path))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_none_or(|name| !NO_WEIGHTS.contains(&name))
        })
        .collect();
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(in_other_form(folder)?),
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

/// Why a folder without a checkpoint is not read: one file in it may hold a network in a
/// form that is known by its content.
fn in_other_form(folder: &Path) -> Result<Error> {
    let listing = fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
    let files = listing.filter_map(|entry| Some(entry.ok()?.path()));
    let errors = files.filter(|path| path.is_file()).map(other_ending);
    let known = errors.filter(|error| {
        matches!(error, Error::OtherContent { content, .. }
            if *content != Content::Foreign(Foreign::Json).to_string())
    });
    Ok(match known.collect::<Vec<_>>().pop() {
        Some(error) => error,
        None => Error::NoCheckpointInFolder {
            path: folder.to_owned(),
            found: Vec::new(),
        },
    })
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
        return Err(Error::EmptyFile {
            path: path.to_owned(),
        });
    }
    let fault = |error| diagnose::fault(path, bytes, &error);
    let (length, header) = SafeTensors::read_metadata(bytes).map_err(fault)?;
    let mut tensors = BTreeMap::new();
    for (name, info) in header.tensors() {
        let dtype = dtype(info.dtype).ok_or_else(|| Error::TensorDtype {
            path: path.to_owned(),
            tensor: name.clone(),
            dtype: format!("{:?}", info.dtype),
        })?;
        let (start, end) = info.data_offsets;
        let data = PREFIX + length;
        let found = bytes.part(data + start..data + end);
        let tensor = Tensor {
            dtype,
            shape: info.shape.clone(),
            bytes: found.ok_or_else(|| Error::TensorBytes {
                path: path.to_owned(),
                tensor: name.clone(),
                detail: format!("occupies bytes {start}..{end}, beyond the end of the file"),
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
    hexadecimal(&Sha256::digest(bytes))
}

/// Two digits of every byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}
