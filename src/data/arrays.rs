//! What every format is read into: named arrays of numbers.

use std::collections::BTreeMap;

use super::classes::Classes;
use super::{Groups, Task, Used};
use crate::checkpoint::{Dtype, Tensor};
use crate::result::Prompt;

/// The contents of a data file.
#[derive(Debug, Clone, Default)]
pub(super) struct NamedArrays {
    pub arrays: BTreeMap<String, NamedArray>,
    pub task: Task,
    /// What the tokens are as text, where they were text.
    pub prompts: Vec<Prompt>,
    /// What each column is used for, where columns are not arrays.
    pub used: Vec<Used>,
    /// What was done that whoever reads the result should know.
    pub notes: Vec<String>,
    /// The subgroup of each sample, where the format has columns.
    pub groups: Option<Groups>,
    /// How many classes were put into the order of the alphabet, for want of another.
    pub alphabetical: Option<usize>,
}

impl NamedArrays {
    /// Adds an array under a name that is its own.
    pub fn add(&mut self, name: &str, array: NamedArray) {
        self.arrays.insert(name.to_owned(), array);
    }

    /// Keeps the names of classes that are words, and tells of their order where
    /// no file gave it.
    pub fn name_classes(&mut self, column: &str, classes: &Classes) {
        if classes.alphabetical {
            self.alphabetical = Some(classes.names.len());
            self.notes.push(format!(
                "the classes of `{column}` are words, numbered in the order of the alphabet ({}); \
                 `output_names` in config.json gives another order",
                shortened(&classes.names)
            ));
        }
        if !classes.names.is_empty() {
            self.task.outputs.clone_from(&classes.names);
        }
    }
}

/// One array, row-major; the first dimension counts samples.
#[derive(Debug, Clone)]
pub(super) struct NamedArray {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
    /// The type of floats in the file, where the file has types.
    pub dtype: Option<Dtype>,
}

/// The kind of number decides what labels and inputs mean.
#[derive(Debug, Clone)]
pub(super) enum Numbers {
    Floats(Vec<f64>),
    Integers(Vec<i64>),
}

impl NamedArray {
    /// Rows of floats, all of the same length.
    pub fn floats(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        Self {
            shape: vec![rows, columns],
            numbers: Numbers::Floats(values),
            dtype: None,
        }
    }

    /// Rows of integers, all of the same length.
    pub fn integers(rows: usize, columns: usize, values: Vec<i64>) -> Self {
        Self {
            shape: vec![rows, columns],
            numbers: Numbers::Integers(values),
            dtype: None,
        }
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Numbers per sample.
    pub fn columns(&self) -> usize {
        // An array without samples may declare any shape.
        self.shape
            .iter()
            .skip(1)
            .fold(1, |product, d| product.saturating_mul(*d))
    }
}

impl From<&Tensor> for NamedArray {
    fn from(tensor: &Tensor) -> Self {
        let numbers = tensor
            .to_i64()
            .map_or_else(|| Numbers::Floats(tensor.to_f64()), Numbers::Integers);
        Self {
            shape: tensor.shape.clone(),
            numbers,
            dtype: Some(tensor.dtype),
        }
    }
}

/// The first few of many names.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let some: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = if names.len() > SHOWN { " …" } else { "" };
    format!("{}{more}", some.join(", "))
}
