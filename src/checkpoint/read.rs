//! Opening checkpoint files, and what lies beside them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::disk::{LARGEST_FILE, read_error, sibling, within};
use super::parse::{Parts, parse_shared};
use super::{Bytes, Checkpoint, Content, Foreign, Sum, onnx, shards, torch};
use crate::{Error, ErrorKind, Result};

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
        Self::from_shared(&file, bytes, config.as_deref(), Some(&file))
    }

    /// Reads the bytes of a file that goes by `name`, and the text of its
    /// `config.json`: PyTorch's format for `.pt` and `.pth`, else safetensors.
    ///
    /// # Errors
    /// If the bytes are not what they say they are, or the text is no JSON object.
    pub fn from_bytes(name: &str, bytes: &[u8], config: Option<&str>) -> Result<Self> {
        Self::from_shared(Path::new(name), Bytes::shared(bytes.to_vec()), config, None)
    }

    /// `file` is where it lies, if it is a file: others may lie beside it.
    fn from_shared(
        path: &Path,
        bytes: Bytes,
        config: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Self> {
        if bytes.is_empty() {
            return Err(ErrorKind::EmptyFile.at(path));
        }
        let parts = if extension(path) == ONNX {
            Content::check(path, &bytes, &[])?;
            within(path, bytes.len() as u64, LARGEST_FILE)?;
            onnx::read(path, bytes, file)?
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

/// The ending of ONNX models.
const ONNX: &str = "onnx";
/// The endings of PyTorch's files.
const TORCH: [&str; 4] = ["pt", "pth", "bin", "ckpt"];

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or("")
}

/// Whether a name is that of a checkpoint.
pub fn is_checkpoint(path: &Path) -> bool {
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
        Content::Unknown => ErrorKind::CheckpointFormat.at(path),
        content => content.error(&path),
    }
}

/// That no adapter lies beside a network: which of the two is meant, nobody says.
fn beside(file: &Path) -> Result<()> {
    let adapter = file.with_file_name("adapter_config.json");
    match adapter.is_file() {
        true => Err(ErrorKind::Adapter {
            what: "`adapter_config.json` beside it".to_owned(),
        }
        .at(file)),
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
                return Err(ErrorKind::Json {
                    detail: format!(
                        "`{key}` is {other}; `model_args` in the checkpoint has {value}"
                    ),
                }
                .at(path.with_file_name("config.json")));
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
            return Err(ErrorKind::NoCheckpointInFolder {
                found: several.iter().map(|name| (**name).to_owned()).collect(),
            }
            .at(folder));
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
        several => Err(ErrorKind::NoCheckpointInFolder {
            found: several
                .iter()
                .filter_map(|path| path.file_name())
                .map(|n| n.to_string_lossy().into_owned())
                .collect(),
        }
        .at(folder)),
    }
}

/// Why a folder without a checkpoint is not read: one file in it may hold a network in a
/// form that is known by its content.
fn in_other_form(folder: &Path) -> Result<Error> {
    let listing = fs::read_dir(folder).map_err(|source| read_error(folder, source))?;
    let files = listing.filter_map(|entry| Some(entry.ok()?.path()));
    let errors = files.filter(|path| path.is_file()).map(other_ending);
    let known = errors.filter(|error| {
        matches!(error, Error { kind: ErrorKind::OtherContent { content, .. }, .. }
            if *content != Content::Foreign(Foreign::Json).to_string())
    });
    Ok(match known.collect::<Vec<_>>().pop() {
        Some(error) => error,
        None => ErrorKind::NoCheckpointInFolder { found: Vec::new() }.at(folder),
    })
}

/// A JSON object.
fn object(checkpoint: &Path, text: &str) -> Result<Map<String, Value>> {
    let not_json =
        |detail: String| ErrorKind::Json { detail }.at(checkpoint.with_file_name("config.json"));
    match super::json::value(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(not_json(
            "expected an object like {\"activation\": \"silu\"}".to_owned(),
        )),
        Err(error) => Err(not_json(error.to_string())),
    }
}
