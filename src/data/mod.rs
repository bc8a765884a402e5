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
mod memory;
mod npz;
mod prompts;
mod select;
mod task;
#[cfg_attr(not(feature = "text"), path = "no_tokenizer.rs")]
mod tokenizer;

pub use task::{Domain, ReadAt, Task, read_box};

use std::path::{Path, PathBuf};

use ndarray::{Array2, s};

use crate::checkpoint::{limited_read, parse_tensors, sha256, sibling};
use crate::result::Prompt;
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
    /// The tokens of each sample as text, where the data are text; else none.
    pub prompts: Vec<Prompt>,
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

    /// The first samples of a data set, at most so many.
    #[must_use]
    pub fn first(self, samples: usize) -> Self {
        let n = samples.min(self.len());
        let rows = |x: Array2<f64>| x.slice_move(s![..n, ..]);
        let ids = |x: Array2<usize>| x.slice_move(s![..n, ..]);
        let inputs = |inputs: Inputs| match inputs {
            Inputs::Values(values) => Inputs::Values(rows(values)),
            Inputs::Tokens(tokens) => Inputs::Tokens(ids(tokens)),
        };
        let some = |list: Vec<usize>| list.into_iter().take(n).collect();
        // A single row of positions is for all samples.
        let positions = |x: Array2<usize>| match x.nrows() {
            1 => x,
            _ => ids(x),
        };
        Self {
            labels: self.labels.map(|labels| match labels {
                Labels::Classes(classes) => Labels::Classes(some(classes)),
                Labels::Targets(targets) => Labels::Targets(rows(targets)),
            }),
            inputs: inputs(self.inputs),
            corrupted: self.corrupted.map(inputs),
            answers: self.answers.map(some),
            foils: self.foils.map(some),
            positions: self.positions.map(positions),
            outputs: self.outputs.map(rows),
            prompts: self.prompts.into_iter().take(n).collect(),
            ..self
        }
    }

    /// The shortest and the longest prompt in tokens, where they differ: then the
    /// rows of shorter ones end in padding.
    #[must_use]
    pub fn prompt_lengths(&self) -> Option<(usize, usize)> {
        let lengths = || self.prompts.iter().map(|prompt| prompt.clean.len());
        let both = lengths().min().zip(lengths().max());
        both.filter(|(shortest, longest)| shortest < longest)
    }

    /// Opens `.safetensors`, `.npz`, `.npy`, `.csv` or `.jsonl`, with the
    /// `task.json` and `config.json` beside it. `split` chooses among names with
    /// a prefix (`train_inputs`, `test_inputs`); without it, `test` if there is one.
    ///
    /// # Errors
    /// If the file is not what its name says, or its parts disagree.
    pub fn open(path: &Path, split: Option<&str>) -> Result<Self> {
        Self::open_with(path, split, None)
    }

    /// Opens data as [`Dataset::open`] does, and prompts as text with the
    /// `tokenizer.json` at `tokenizer`.
    ///
    /// # Errors
    /// If the file is not what its name says, its parts disagree, or a text is not
    /// the tokens it should be.
    pub fn open_with(path: &Path, split: Option<&str>, tokenizer: Option<&Path>) -> Result<Self> {
        let read = reader(path)?;
        let bytes = limited_read(path)?;
        if bytes.is_empty() {
            return Err(Error::EmptyFile {
                path: path.to_owned(),
            });
        }
        let mut arrays = read(path, &bytes, tokenizer)?;
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

/// What makes arrays of a file's bytes, with a tokenizer where there is one.
type Reader = fn(&Path, &[u8], Option<&Path>) -> Result<arrays::NamedArrays>;

/// The reader that a file's name asks for.
fn reader(path: &Path) -> Result<Reader> {
    let extension = path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    Ok(match extension.as_deref() {
        Some("safetensors") => |path, bytes, _| from_safetensors(path, bytes),
        Some("npz") => |path, bytes, _| npz::read(path, bytes),
        Some("npy") => |path, bytes, _| npz::read_one(path, bytes),
        Some("csv") => |path, bytes, _| csv::read(path, bytes),
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
        prompts: Vec::new(),
    })
}
