//! Files → [`Dataset`]: inputs, targets, pairs and domain.
//!
//! Every format is read into named arrays first, and those are made into a data
//! set in one place. A data set is checked against itself here (equal numbers
//! of rows, finite values, labels that are classes or targets); that it fits a
//! model is checked where both are known. It deliberately knows no models.

mod arrays;
mod assemble;
mod classes;
mod csv;
mod format;
mod groups;
pub mod idx;
mod jsonl;
mod lines;
mod memory;
mod npy;
mod npz;
mod prompts;
mod reading;
mod roles;
mod select;
mod task;
#[cfg_attr(not(feature = "text"), path = "no_tokenizer.rs")]
mod tokenizer;
mod vnnlib;

pub use groups::{Groups, MOST_GROUPS};
pub use reading::{Bos, Reading};
pub use roles::Used;
pub use task::{Domain, ReadAt, Task, names_of, read_box};
pub use vnnlib::Property;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView1, s};

use crate::checkpoint::{Dtype, limited_read, parse_tensors, sha256, sibling};
use crate::choice::LossKind;
use crate::result::Prompt;
use crate::{ErrorKind, Result};
use arrays::Numbers;
use format::Format;

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
    /// The subgroup of each sample, where a column that parts them was named.
    pub groups: Option<Groups>,
    /// What the data say of the task.
    pub task: Task,
    /// The tokens of each sample as text, where the data are text; else none.
    pub prompts: Vec<Prompt>,
    /// How the files were understood.
    pub told: Told,
}

/// How data files were understood, for whoever reads the result.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// What every array or column is used for.
    pub used: Vec<Used>,
    /// What was done that changes what the numbers mean: columns reordered,
    /// classes numbered, prompts given a beginning.
    pub notes: Vec<String>,
    /// How many classes are words in the order of the alphabet, for want of another.
    pub alphabetical: Option<usize>,
    /// The type in which the framework's outputs are stored.
    pub outputs_dtype: Option<Dtype>,
}

/// The name of data that come from standard input.
pub const STANDARD_INPUT: &str = "-";

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

/// The text of every token of a `tokenizer.json`, by id.
///
/// # Errors
/// If it is none.
pub fn vocabulary(path: &Path) -> Result<Vec<String>> {
    tokenizer::Tokenizer::open(path, Bos::Auto)?.0.vocabulary()
}

/// The numbers of a `.npy` file of any shape, row by row.
///
/// # Errors
/// If it is none, or a number is not finite.
pub fn numbers_of(path: &Path) -> Result<Vec<f64>> {
    let wrong = |detail: String| ErrorKind::NumPy { detail }.at(path);
    let array = npy::array(&limited_read(path)?).map_err(wrong)?;
    let numbers: Vec<f64> = match array.numbers {
        Numbers::Floats(numbers) => numbers,
        Numbers::Integers(numbers) => numbers.into_iter().map(|x| x as f64).collect(),
    };
    match numbers.iter().find(|x| !x.is_finite()) {
        Some(x) => Err(wrong(format!("it holds {x}"))),
        None => Ok(numbers),
    }
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

    /// These data as a network of so many outputs needs them: for one output, labels
    /// that are 0 and 1 are the classes of one logit, unless the data say that the
    /// loss is the squared error.
    #[must_use]
    pub fn for_outputs(&self, outputs: usize) -> Cow<'_, Self> {
        let squared = self.task.loss == Some(LossKind::Mse);
        let Some(Labels::Targets(targets)) = &self.labels else {
            return Cow::Borrowed(self);
        };
        let is_binary = targets.iter().all(|t| *t == 0.0 || *t == 1.0);
        if outputs != 1 || targets.ncols() != 1 || !is_binary || squared {
            return Cow::Borrowed(self);
        }
        let mut data = self.clone();
        let classes = targets.iter().map(|t| usize::from(*t == 1.0)).collect();
        data.labels = Some(Labels::Classes(classes));
        let note = "the labels are 0 and 1 and the network has one output, which is read as a logit: \
                    decisions are at 0 (`{\"loss\": \"mse\"}` in a task.json beside the data reads \
                    them as targets)";
        data.told.notes.push(note.to_owned());
        Cow::Owned(data)
    }

    /// These data for a network that gives the probability of class 1 alone: of a
    /// framework's outputs for both classes the second. `None` where the outputs are none
    /// of both, of which the first is one less the second.
    #[must_use]
    pub fn for_one_probability(&self) -> Option<Self> {
        let rest = |row: ArrayView1<'_, f64>| (row[0] + row[1] - 1.0).abs() < 1e-6;
        let of_two = |o: &&Array2<f64>| o.ncols() == 2 && o.rows().into_iter().all(rest);
        let outputs = self.outputs.as_ref().filter(of_two)?;
        let mut data = self.clone();
        data.outputs = Some(outputs.slice(s![.., 1..]).to_owned());
        let note = "`outputs` holds the probabilities of both classes: that of class 1 is compared";
        data.told.notes.push(note.to_owned());
        Some(data)
    }

    /// The own name of an output of a network with so many; of one logit that of class 1.
    #[must_use]
    pub fn output_name(&self, target: usize, outputs: usize) -> String {
        match &self.labels {
            Some(Labels::Classes(_)) if outputs == 1 => self.class_name(1, 1),
            Some(Labels::Classes(_)) => self.class_name(target, outputs),
            _ => {
                let name = self.task.outputs.get(target).cloned();
                name.unwrap_or_else(|| format!("target {target}"))
            }
        }
    }

    /// The own name of a class of a network with so many outputs.
    #[must_use]
    pub fn class_name(&self, class: usize, outputs: usize) -> String {
        let names = &self.task.outputs;
        match (names.as_slice(), outputs, class) {
            // One name for one logit is that of class 1.
            ([one], 1, 0) => format!("not {one}"),
            ([one], 1, _) => one.clone(),
            _ => {
                let name = names.get(class).cloned();
                name.unwrap_or_else(|| format!("class {class}"))
            }
        }
    }

    /// Whether classes that are words without a known order are as many as the
    /// network's: of fewer, which output is which cannot be told.
    ///
    /// # Errors
    /// [`ErrorKind::ClassWords`] with both numbers.
    pub fn check_words(&self, outputs: usize) -> Result<()> {
        // One logit tells two classes apart.
        let classes = outputs.max(2);
        match self.told.alphabetical {
            Some(found) if found != classes => Err(ErrorKind::ClassWords {
                found,
                outputs: classes,
            }
            .at(&self.path)),
            _ => Ok(()),
        }
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
            groups: self.groups.map(|groups| groups.first(n)),
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
        let reading = Reading {
            split: split.map(str::to_owned),
            tokenizer: tokenizer.map(Path::to_owned),
            ..Reading::default()
        };
        Self::read(path, &reading)
    }

    /// Opens data as `reading` says; of [`STANDARD_INPUT`] the content tells the format.
    ///
    /// # Errors
    /// If the file is not what its name says, its parts disagree, or something in
    /// it is not used.
    pub fn read(path: &Path, reading: &Reading) -> Result<Self> {
        let piped = path == Path::new(STANDARD_INPUT);
        let bytes = match piped {
            // Linux's name of standard input; elsewhere it is read by name too.
            true => limited_read(Path::new("/dev/stdin"))?,
            false => limited_read(path)?,
        };
        if bytes.is_empty() {
            return Err(ErrorKind::EmptyFile.at(path));
        }
        let format = match piped {
            true => Format::of_content(&bytes),
            false => Format::of(path, &bytes)?,
        };
        let mut arrays = parsed(path, &bytes, format, reading)?;
        let own = match piped {
            true => Task::default(),
            false => beside(path)?,
        };
        arrays.task = arrays.task.or(own).or(reading.network.clone());
        assemble::assemble(path, sha256(&bytes), arrays, reading)
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
        let reading = Reading {
            split: split.map(str::to_owned),
            ..Reading::default()
        };
        assemble::assemble(path, sha256(bytes), arrays, &reading)
    }
}

/// The arrays of a file's bytes.
fn parsed(
    path: &Path,
    bytes: &[u8],
    format: Format,
    reading: &Reading,
) -> Result<arrays::NamedArrays> {
    let told = reading.targets.first().or(reading.label.as_ref());
    // Lines of JSON have keys of known names alone.
    let by = reading.by.as_ref().filter(|_| format == Format::Jsonl);
    let told = told.or(by);
    if let (Some(column), false) = (told, format == Format::Csv) {
        return Err(ErrorKind::NoColumns {
            column: column.clone(),
        }
        .at(path));
    }
    match format {
        Format::Safetensors => from_safetensors(path, bytes),
        Format::Npz => npz::read(path, bytes),
        Format::Npy => npz::read_one(path, bytes),
        Format::Csv => csv::read(path, bytes, reading),
        Format::Jsonl => jsonl::read(path, bytes, reading),
    }
}

/// What the `task.json` and `config.json` beside the data say.
fn beside(path: &Path) -> Result<Task> {
    let mut task = Task::default();
    if let Some(text) = sibling(path, "task.json")? {
        task = task::from_json(&path.with_file_name("task.json"), &text)?;
    }
    if let Some(text) = sibling(path, "config.json")? {
        task = task.or(task::from_config(
            &path.with_file_name("config.json"),
            &text,
        )?);
    }
    Ok(task)
}

fn from_safetensors(path: &Path, bytes: &[u8]) -> Result<arrays::NamedArrays> {
    let (tensors, metadata) = parse_tensors(path, bytes)?;
    Ok(arrays::NamedArrays {
        arrays: tensors
            .into_iter()
            .map(|(name, t)| (name, arrays::NamedArray::from(&t)))
            .collect(),
        task: task::from_metadata(path, &metadata)?,
        ..arrays::NamedArrays::default()
    })
}
