//! Tensors and settings of a checkpoint, with the shape that is expected of them.

use ndarray::{Array1, Array2};

use crate::checkpoint::{Account, Settings, Tensor};
use crate::numeric::Scalar;
use crate::{Error, ErrorKind, Result};

/// A checkpoint whose tensors are wanted by name.
#[derive(Clone, Copy)]
pub(super) struct Tensors<'c> {
    pub account: &'c Account<'c>,
}

impl<'c> Tensors<'c> {
    pub fn tensor(self, name: &str) -> Result<&'c Tensor> {
        self.account.take(name, what(name))
    }

    /// The configuration.
    pub fn settings(self) -> &'c Settings<'c> {
        self.account.settings()
    }

    /// The shape of a tensor of two dimensions.
    pub fn shape2(self, name: &str) -> Result<(usize, usize)> {
        let tensor = self.tensor(name)?;
        match tensor.shape.as_slice() {
            &[rows, columns] if rows > 0 && columns > 0 => Ok((rows, columns)),
            _ => Err(self.shape_error(name, tensor, "two dimensions are expected, none of them 0")),
        }
    }

    /// The numbers of a tensor of this shape.
    pub fn numbers<T: Scalar>(self, name: &str, shape: &[usize]) -> Result<Vec<T>> {
        let tensor = self.account.take_floats(name, what(name))?;
        if tensor.shape != shape {
            return Err(self.shape_error(name, tensor, &format!("{shape:?} is expected")));
        }
        Ok(tensor.numbers())
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

    /// A permutation of `width` that is stored as numbers of any type.
    pub fn permutation(self, name: &str, width: usize) -> Result<Vec<usize>> {
        let order = self.tensor(name)?.to_indices().unwrap_or_default();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if sorted.into_iter().eq(0..width) {
            return Ok(order);
        }
        Err(ErrorKind::NotAPermutation {
            tensor: name.to_owned(),
            length: width,
            fault: "an entry is missing, repeated or no index".to_owned(),
        }
        .at(self.account.checkpoint().path.clone()))
    }

    /// Heads into which `width` divides, as `config.json` has them under `key`.
    pub fn heads(self, key: &str, width: usize) -> Result<usize> {
        let settings = self.settings();
        match settings.count(key)? {
            Some(heads) if width.is_multiple_of(heads) => Ok(heads),
            Some(heads) => Err(settings.disagrees(
                key,
                &heads.to_string(),
                &format!("the width {width} does not divide into so many"),
            )),
            None => Err(settings.missing(key)),
        }
    }

    fn shape_error(self, name: &str, tensor: &Tensor, expected: &str) -> Error {
        ErrorKind::TensorShape {
            tensor: self.account.stored(name),
            shape: tensor.shape.clone(),
            expected: expected.to_owned(),
        }
        .at(self.account.checkpoint().path.clone())
    }
}

/// What a tensor is for, by its name.
fn what(name: &str) -> &'static str {
    match name {
        "in_perm" | "out_perm" => "permutation",
        _ if name.ends_with("bias") => "biases of a linear layer",
        _ => "weights of a linear layer",
    }
}
