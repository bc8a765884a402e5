//! Tensors and settings of a checkpoint, with the shape that is expected of them.

use ndarray::{Array1, Array2};
use serde_json::Value;

use crate::checkpoint::{Checkpoint, Tensor};
use crate::model::transformer::Norm;
use crate::numeric::Scalar;
use crate::{Error, Result};

/// A checkpoint whose tensors are wanted by name.
#[derive(Clone, Copy)]
pub(super) struct Tensors<'c> {
    pub checkpoint: &'c Checkpoint,
}

impl<'c> Tensors<'c> {
    pub fn has(self, name: &str) -> bool {
        self.checkpoint.tensors.contains_key(name)
    }

    pub fn tensor(self, name: &str) -> Result<&'c Tensor> {
        let found = self.checkpoint.tensors.get(name);
        found.ok_or_else(|| Error::MissingTensor {
            path: self.checkpoint.path.clone(),
            tensor: name.to_owned(),
        })
    }

    /// The shape of a tensor of two dimensions.
    pub fn shape2(self, name: &str) -> Result<(usize, usize)> {
        let tensor = self.tensor(name)?;
        match tensor.shape.as_slice() {
            &[rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(self.shape_error(name, tensor, "two dimensions are expected, none of them 0")),
        }
    }

    /// The shape of a tensor of three dimensions.
    pub fn shape3(self, name: &str) -> Result<(usize, usize, usize)> {
        let tensor = self.tensor(name)?;
        match tensor.shape.as_slice() {
            &[a, b, c] if a * b * c > 0 => Ok((a, b, c)),
            _ => Err(self.shape_error(
                name,
                tensor,
                "three dimensions are expected, none of them 0",
            )),
        }
    }

    /// The numbers of a tensor of this shape.
    pub fn numbers<T: Scalar>(self, name: &str, shape: &[usize]) -> Result<Vec<T>> {
        let tensor = self.tensor(name)?;
        if tensor.shape != shape {
            return Err(self.shape_error(name, tensor, &format!("{shape:?} is expected")));
        }
        Ok(tensor.to_f64().into_iter().map(T::from_f64).collect())
    }

    pub fn matrix<T: Scalar>(self, name: &str, rows: usize, columns: usize) -> Result<Array2<T>> {
        let values = self.numbers(name, &[rows, columns])?;
        let fault = |_| match self.tensor(name) {
            Ok(tensor) => self.shape_error(name, tensor, "its bytes are of another shape"),
            Err(error) => error,
        };
        Array2::from_shape_vec((rows, columns), values).map_err(fault)
    }

    /// A matrix that stands `[out, in]` in the file, as `[in, out]`.
    pub fn transposed<T: Scalar>(
        self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Array2<T>> {
        let matrix: Array2<T> = self.matrix(name, columns, rows)?;
        Ok(matrix.t().as_standard_layout().into_owned())
    }

    pub fn vector<T: Scalar>(self, name: &str, width: usize) -> Result<Array1<T>> {
        Ok(Array1::from(self.numbers(name, &[width])?))
    }

    /// A vector, or zeros where the file has none.
    pub fn vector_or_zero<T: Scalar>(self, name: &str, width: usize) -> Result<Array1<T>> {
        if self.has(name) {
            self.vector(name, width)
        } else {
            Ok(Array1::zeros(width))
        }
    }

    pub fn norm<T: Scalar>(
        self,
        weight: &str,
        bias: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<Norm<T>> {
        Ok(Norm {
            weight: self.vector(weight, width)?,
            bias: self.vector(bias, width)?,
            epsilon: T::from_f64(epsilon),
        })
    }

    /// A permutation of `width` that is stored as numbers of any type.
    pub fn permutation(self, name: &str, width: usize) -> Result<Vec<usize>> {
        let order = self.tensor(name)?.to_indices().unwrap_or_default();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(0..width) {
            return Ok(order);
        }
        Err(Error::NotAPermutation {
            path: self.checkpoint.path.clone(),
            tensor: name.to_owned(),
            length: width,
            fault: "an entry is missing, repeated or no index".to_owned(),
        })
    }

    /// The number of blocks: the first that has no tensor of this name.
    pub fn blocks(self, name: impl Fn(usize) -> String) -> usize {
        (0..).find(|block| !self.has(&name(*block))).unwrap_or(0)
    }

    pub fn setting(self, key: &str) -> Option<&'c Value> {
        self.checkpoint.config.get(key).filter(|v| !v.is_null())
    }

    pub fn number(self, key: &str) -> Option<f64> {
        self.setting(key).and_then(Value::as_f64)
    }

    pub fn word(self, key: &str) -> Option<&'c str> {
        self.setting(key).and_then(Value::as_str)
    }

    /// Heads into which `width` divides, as `config.json` has them under `key`.
    pub fn heads(self, key: &str, width: usize) -> Result<usize> {
        let heads = self.setting(key).and_then(Value::as_u64);
        match heads.and_then(|h| usize::try_from(h).ok()) {
            Some(heads) if heads > 0 && width.is_multiple_of(heads) => Ok(heads),
            Some(heads) => Err(self.unsupported(key, &heads.to_string())),
            None => Err(Error::ConfigMissing {
                path: self.checkpoint.path.clone(),
                key: key.to_owned(),
            }),
        }
    }

    /// An error for a setting with a value that this tool does not compute.
    pub fn unsupported(self, key: &str, value: &str) -> Error {
        Error::ConfigUnsupported {
            path: self.checkpoint.path.clone(),
            key: key.to_owned(),
            value: value.to_owned(),
        }
    }

    fn shape_error(self, name: &str, tensor: &Tensor, expected: &str) -> Error {
        Error::TensorShape {
            path: self.checkpoint.path.clone(),
            tensor: name.to_owned(),
            shape: tensor.shape.clone(),
            expected: expected.to_owned(),
        }
    }
}
