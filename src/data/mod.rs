//! Files → [`Dataset`]: inputs, targets, pairs and domain.
//!
//! Every format is read into named arrays first, and those are made into a data
//! set in one place. A data set is checked against itself here (equal numbers
//! of rows, finite values, labels that are classes or targets); that it fits a
//! model is checked where both are known. It deliberately knows no models.

mod arrays;
mod assemble;
mod csv;
pub mod idx;
mod jsonl;
mod npz;
mod task;

pub use task::{Domain, ReadAt, Task, read_box};

use std::path::{Path, PathBuf};

use ndarray::Array2;

use crate::checkpoint::{limited_read, parse_tensors, sha256, sibling};
use crate::{Error, Result};

/// What a network is run on.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The path as it was given, or `embedded:NAME`.
    pub path: PathBuf,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// `train`, `test`, or `all` where names carry no split.
    pub split: String,
    /// The samples.
    pub inputs: Inputs,
    /// Shape of one sample in the file, before it was flattened.
    pub input_shape: Vec<usize>,
    /// What they should give.
    pub labels: Option<Labels>,
    /// The pair of each sample, of the same kind and shape as `inputs`.
    pub corrupted: Option<Inputs>,
    /// Per sample, the class whose logit counts positive.
    pub answers: Option<Vec<usize>>,
    /// Per sample, the class whose logit counts negative.
    pub foils: Option<Vec<usize>>,
    /// Where answers are read: `[samples, positions]`, or one row for all samples.
    pub positions: Option<Array2<usize>>,
    /// The source framework's own outputs, `[samples, outputs]`.
    pub outputs: Option<Array2<f64>>,
    /// What the data say of the task.
    pub task: Task,
}

/// The samples of a data set.
#[derive(Debug, Clone, PartialEq)]
pub enum Inputs {
    /// `[samples, features]`; images are flattened row by row.
    Values(Array2<f64>),
    /// `[samples, tokens]`.
    Tokens(Array2<usize>),
}

/// What the samples should give.
#[derive(Debug, Clone, PartialEq)]
pub enum Labels {
    /// A class per sample.
    Classes(Vec<usize>),
    /// `[samples, outputs]`.
    Targets(Array2<f64>),
}

impl Inputs {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Values(values) => values.nrows(),
            Self::Tokens(tokens) => tokens.nrows(),
        }
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are no samples; a data set that was read has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Opens `.safetensors`, `.npz`, `.npy`, `.csv` or `.jsonl`, with the
    /// `task.json` and `config.json` beside it. `split` chooses among names with
    /// a prefix (`train_inputs`, `test_inputs`); without it, `test` if there is one.
    ///
    /// # Errors
    /// If the file is not what its name says, or its parts disagree.
    pub fn open(path: &Path, split: Option<&str>) -> Result<Self> {
        let read = reader(path)?;
        let bytes = limited_read(path)?;
        if bytes.is_empty() {
            return Err(Error::EmptyFile {
                path: path.to_owned(),
            });
        }
        let mut arrays = read(path, &bytes)?;
        if let Some(text) = sibling(path, "task.json")? {
            arrays.task = arrays
                .task
                .or(task::from_json(&path.with_file_name("task.json"), &text)?);
        }
        if let Some(text) = sibling(path, "config.json")? {
            arrays.task = arrays.task.or(task::from_config(&text));
        }
        assemble::assemble(path, sha256(&bytes), arrays, split)
    }

    /// Reads the bytes of a safetensors file that goes by `name`, and the text
    /// of its `task.json`.
    ///
    /// # Errors
    /// If the bytes are not what they say they are, or their parts disagree.
    pub fn from_bytes(
        name: &str,
        bytes: &[u8],
        split: Option<&str>,
        task: Option<&str>,
    ) -> Result<Self> {
        let path = Path::new(name);
        let mut arrays = from_safetensors(path, bytes)?;
        if let Some(text) = task {
            arrays.task = arrays.task.or(task::from_json(path, text)?);
        }
        assemble::assemble(path, sha256(bytes), arrays, split)
    }
}

/// What makes arrays of a file's bytes.
type Reader = fn(&Path, &[u8]) -> Result<arrays::NamedArrays>;

/// The reader that a file's name asks for.
fn reader(path: &Path) -> Result<Reader> {
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    Ok(match extension.as_deref() {
        Some("safetensors") => from_safetensors,
        Some("npz") => npz::read,
        Some("npy") => npz::read_one,
        Some("csv") => csv::read,
        Some("jsonl") => jsonl::read,
        _ => {
            return Err(Error::DataFormat {
                path: path.to_owned(),
            });
        }
    })
}

fn from_safetensors(path: &Path, bytes: &[u8]) -> Result<arrays::NamedArrays> {
    let (tensors, metadata) = parse_tensors(path, bytes)?;
    Ok(arrays::NamedArrays {
        arrays: tensors
            .into_iter()
            .map(|(name, t)| (name, arrays::NamedArray::from(&t)))
            .collect(),
        task: task::from_metadata(path, &metadata)?,
    })
}
