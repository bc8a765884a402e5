//! What every format is read into: named arrays of numbers.

use std::collections::BTreeMap;

use super::Task;
use crate::checkpoint::Tensor;
use crate::result::Prompt;

/// The contents of a data file.
#[derive(Debug, Clone, Default)]
pub(super) struct NamedArrays {
    pub arrays: BTreeMap<String, NamedArray>,
    pub task: Task,
    /// What the tokens are as text, where they were text.
    pub prompts: Vec<Prompt>,
}

/// One array, row-major; the first dimension counts samples.
#[derive(Debug, Clone)]
pub(super) struct NamedArray {
    pub shape: Vec<usize>,
    pub numbers: Numbers,
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
        }
    }

    /// Rows of integers, all of the same length.
    pub fn integers(rows: usize, columns: usize, values: Vec<i64>) -> Self {
        Self {
            shape: vec![rows, columns],
            numbers: Numbers::Integers(values),
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
        }
    }
}
