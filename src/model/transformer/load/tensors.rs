//! Tensors and settings of a checkpoint, with the shape that is expected of them.

use ndarray::{Array1, Array2};

use crate::checkpoint::{Account, Settings, Tensor};
use crate::model::transformer::Norm;
use crate::numeric::Scalar;
use crate::{Error, Result};

/// A checkpoint whose tensors are wanted by name.
#[derive(Clone, Copy)]
pub(super) struct Tensors<'c> {
    pub account: &'c Account<'c>,
}

impl<'c> Tensors<'c> {
    pub fn has(self, name: &str) -> bool {
        self.account.has(name)
    }

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
        let (weight, bias) = (self.vector(weight, width)?, self.vector(bias, width)?);
        Ok(Norm::layer(weight, bias, epsilon))
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
            path: self.account.checkpoint().path.clone(),
            tensor: name.to_owned(),
            length: width,
            fault: "an entry is missing, repeated or no index".to_owned(),
        })
    }

    /// The number of blocks: one more than the largest number that stands between `before`
    /// and a dot. That none is missing in between, the blocks' own tensors tell.
    pub fn blocks(self, before: &str) -> usize {
        let number = |name: &str| {
            let (number, _) = name.strip_prefix(before)?.split_once('.')?;
            number
                .parse::<usize>()
                .ok()
                .filter(|n| n.to_string() == number)
        };
        let largest = self.account.names().filter_map(number).max();
        // A number beyond the count of tensors leaves a gap in any case.
        largest.map_or(0, |l| 1 + l.min(self.account.names().count()))
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

    /// That a buffer, where it is there, is the causal mask that is computed anyhow:
    /// ones on and below the diagonal, zeros above.
    pub fn causal_mask(self, name: &str) -> Result<()> {
        let Some(tensor) = self.account.look(name) else {
            return Ok(());
        };
        let side = tensor.shape.last().copied().unwrap_or(0);
        let is_mask = |(entry, x): (usize, f64)| (x != 0.0) == (entry % side <= entry / side);
        if tensor.len() != side * side || !tensor.to_f64().into_iter().enumerate().all(is_mask) {
            return Err(self.shape_error(
                name,
                tensor,
                "a causal mask is expected, ones on and below the diagonal",
            ));
        }
        self.account
            .harmless(name, "a causal mask, as it is computed");
        Ok(())
    }

    fn shape_error(self, name: &str, tensor: &Tensor, expected: &str) -> Error {
        Error::TensorShape {
            path: self.account.checkpoint().path.clone(),
            tensor: self.account.stored(name),
            shape: tensor.shape.clone(),
            expected: expected.to_owned(),
        }
    }
}

/// What a tensor is for, from the last words of its name in the framework.
fn what(name: &str) -> &'static str {
    let has = |part: &str| name.contains(part);
    if has("ln") || has("norm") {
        "norm"
    } else if has("wte") || has("embed.") || has("word_embeddings") {
        "token embedding"
    } else if has("wpe") || has("pos_embed") {
        "position embedding"
    } else if has("_perm") {
        "permutation"
    } else if name.ends_with("bias") || has(".b_") {
        "biases of a linear layer"
    } else {
        "weights of a linear layer"
    }
}
