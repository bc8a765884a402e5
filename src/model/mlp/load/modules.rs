//! The modules of a chain as frameworks store them, each with what its tensors mean.
//!
//! A module is what stands before `.weight`, `.bias` or their kin. Weights that are
//! stored in parts (pruning masks, weight norm) are put together here.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, Axis};

use crate::checkpoint::{Account, Tensor};
use crate::numeric::Scalar;
use crate::{Error, ErrorKind, Result};

/// How the weight of a linear layer is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// `weight`, `[out, in]`.
    Plain,
    /// The name itself, `[in, out]`, as scikit-learn has it.
    Transposed,
    /// `weight_orig · weight_mask`.
    Masked,
    /// `weight_g · weight_v / |weight_v|`, by these two names.
    Normed(&'static str, &'static str),
}

/// What a module is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A linear layer.
    Linear(Stored),
    /// A batch norm with running statistics.
    BatchNorm,
    /// One vector `weight`, without a bias: a PReLU, or some norm.
    Vector,
    /// Vectors `weight` and `bias`: a norm of a kind that nothing tells.
    Norm,
}

/// The endings of the tensors of a module.
const ENDINGS: [&str; 11] = [
    "weight",
    "bias",
    "weight_orig",
    "weight_mask",
    "bias_orig",
    "bias_mask",
    "weight_g",
    "weight_v",
    "parametrizations.weight.original0",
    "parametrizations.weight.original1",
    "running_mean",
];
const WEIGHT_NORMS: [(&str, &str); 2] = [
    ("weight_g", "weight_v"),
    (
        "parametrizations.weight.original0",
        "parametrizations.weight.original1",
    ),
];

/// A linear layer in numbers, exact.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// The module.
    pub name: String,
    /// `[out, in]`
    pub weight: Weight,
    /// `[out]`, where the module has one.
    pub bias: Option<Array1<f64>>,
    /// Whether file and network hold the same numbers in the same places.
    pub as_stored: bool,
}

impl Layer {
    pub fn outputs(&self) -> usize {
        self.weight.dim().0
    }

    pub fn inputs(&self) -> usize {
        self.weight.dim().1
    }
}

/// The weights of a layer.
#[derive(Debug, Clone)]
pub(super) enum Weight {
    /// A tensor of two dimensions: its numbers are decoded when they are asked for.
    Stored(Tensor),
    /// What several tensors make.
    Made(Array2<f64>),
}

impl Weight {
    /// Outputs and inputs.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::Stored(tensor) => (tensor.shape[0], tensor.shape[1]),
            Self::Made(weight) => weight.dim(),
        }
    }

    /// In the type that is computed with.
    pub fn numbers<T: Scalar>(&self) -> Array2<T> {
        match self {
            Self::Stored(tensor) => decoded(tensor),
            Self::Made(weight) => weight.mapv(T::from_f64),
        }
    }

    /// Laid out row by row.
    fn made_of(weight: Array2<f64>) -> Self {
        Self::Made(weight.as_standard_layout().into_owned())
    }

    /// To fold something in.
    pub fn made(&mut self) -> &mut Array2<f64> {
        if let Self::Stored(_) = self {
            *self = Self::Made(self.numbers());
        }
        match self {
            Self::Made(weight) => weight,
            Self::Stored(_) => unreachable!("it was made above"),
        }
    }
}

/// The name of a tensor of a module; the outermost module has no name.
pub(super) fn of(module: &str, ending: &str) -> String {
    if module.is_empty() {
        ending.to_owned()
    } else {
        format!("{module}.{ending}")
    }
}

/// Every module whose tensors make a kind we know.
pub(super) fn kinds(account: &Account<'_>) -> BTreeMap<String, Kind> {
    let modules = account.names().filter_map(module_of);
    let unique: std::collections::BTreeSet<String> = modules.collect();
    let known = unique
        .into_iter()
        .filter_map(|name| Some((name.clone(), kind(account, &name)?)));
    known.collect()
}

/// The module of a tensor.
fn module_of(tensor: &str) -> Option<String> {
    if is_sklearn(tensor) {
        return Some(tensor.to_owned());
    }
    ENDINGS.iter().find_map(|ending| {
        let module = tensor.strip_suffix(ending)?;
        match module {
            "" => Some(String::new()),
            _ => module.strip_suffix('.').map(str::to_owned),
        }
    })
}

/// `coefs_.0` or `coefs_0`, scikit-learn's weights.
fn is_sklearn(name: &str) -> bool {
    let number = name.strip_prefix("coefs_");
    number.is_some_and(|n| n.trim_start_matches('.').parse::<usize>().is_ok())
}

fn kind(account: &Account<'_>, module: &str) -> Option<Kind> {
    let dimensions = |ending: &str| account.look(&of(module, ending)).map(|t| t.shape.len());
    if is_sklearn(module) && account.has(module) {
        return Some(Kind::Linear(Stored::Transposed));
    }
    if dimensions("running_mean").is_some() {
        return Some(Kind::BatchNorm);
    }
    if dimensions("weight_orig").is_some() && dimensions("weight_mask").is_some() {
        return Some(Kind::Linear(Stored::Masked));
    }
    let normed = WEIGHT_NORMS
        .iter()
        .find(|(size, direction)| dimensions(size).is_some() && dimensions(direction) == Some(2));
    if let Some((size, direction)) = normed {
        return Some(Kind::Linear(Stored::Normed(size, direction)));
    }
    match (dimensions("weight")?, dimensions("bias")) {
        (0 | 1, None) => Some(Kind::Vector),
        (0 | 1, Some(_)) => Some(Kind::Norm),
        _ => Some(Kind::Linear(Stored::Plain)),
    }
}

/// The width that a linear layer reads and the width it writes, from its shape alone.
pub(super) fn widths(
    account: &Account<'_>,
    module: &str,
    stored: Stored,
) -> Option<(usize, usize)> {
    let name = match stored {
        Stored::Plain => of(module, "weight"),
        Stored::Transposed => module.to_owned(),
        Stored::Masked => of(module, "weight_orig"),
        Stored::Normed(_, direction) => of(module, direction),
    };
    match (account.look(&name)?.shape.as_slice(), stored) {
        (&[reads, writes], Stored::Transposed) => Some((reads, writes)),
        (&[writes, reads], _) => Some((reads, writes)),
        _ => None,
    }
}

/// Takes the tensors of linear layer number `number`.
///
/// # Errors
/// If a part is missing, shapes disagree or a width is zero.
pub(super) fn linear(
    account: &Account<'_>,
    module: &str,
    stored: Stored,
    number: usize,
) -> Result<Layer> {
    let what = format!("weights of layer {}", number + 1);
    let take = |ending: &str, what: &str| -> Result<(String, &Tensor)> {
        let name = of(module, ending);
        Ok((name.clone(), account.take(&name, what)?))
    };
    let weight = match stored {
        Stored::Plain => {
            let (name, tensor) = take("weight", &what)?;
            check_matrix(account, &name, tensor)?;
            Weight::Stored(tensor.clone())
        }
        Stored::Transposed => {
            account.tell(format!("`{module}` is stored [in, out] and was transposed"));
            let tensor = account.take(module, &what)?;
            Weight::made_of(matrix(account, module, tensor)?.reversed_axes())
        }
        Stored::Masked => {
            account.tell(format!(
                "`{module}`: its weight is weight_orig · weight_mask"
            ));
            let (name, tensor) = take("weight_orig", &what)?;
            let (mask_name, mask) = take("weight_mask", &format!("mask of {what}"))?;
            same_shape(account, &mask_name, mask, tensor)?;
            Weight::made_of(matrix(account, &name, tensor)? * matrix(account, &mask_name, mask)?)
        }
        Stored::Normed(size, direction) => {
            account.tell(format!(
                "`{module}`: its weight is {size} · {direction} / |{direction}| (weight norm)"
            ));
            let (name, tensor) = take(direction, &what)?;
            let directions = matrix(account, &name, tensor)?;
            let (name, sizes) = take(size, &format!("norms of {what}"))?;
            Weight::made_of(normed(account, &name, sizes, directions)?)
        }
    };
    let (outputs, inputs) = weight.dim();
    if outputs * inputs == 0 {
        return Err(fault(account, module, "a layer needs inputs and outputs"));
    }
    let bias = bias(account, module, stored, number, outputs)?;
    Ok(Layer {
        name: module.to_owned(),
        as_stored: stored == Stored::Plain && !account.has(&of(module, "bias_orig")),
        weight,
        bias,
    })
}

fn bias(
    account: &Account<'_>,
    module: &str,
    stored: Stored,
    number: usize,
    width: usize,
) -> Result<Option<Array1<f64>>> {
    let what = format!("biases of layer {}", number + 1);
    let take = |name: String, what: &str| -> Result<Option<Array1<f64>>> {
        if !account.has(&name) {
            return Ok(None);
        }
        // Masks may be of any type.
        let tensor = match what.starts_with("mask") {
            true => account.take(&name, what)?,
            false => account.take_floats(&name, what)?,
        };
        vector(account, &name, tensor, width).map(Some)
    };
    if stored == Stored::Transposed {
        return take(module.replacen("coefs_", "intercepts_", 1), &what);
    }
    let mask = take(of(module, "bias_mask"), &format!("mask of {what}"))?;
    match (mask, take(of(module, "bias_orig"), &what)?) {
        (Some(mask), Some(bias)) => Ok(Some(mask * bias)),
        (None, None) => take(of(module, "bias"), &what),
        (mask, _) => Err(ErrorKind::MissingTensor {
            tensor: of(
                module,
                if mask.is_some() {
                    "bias_orig"
                } else {
                    "bias_mask"
                },
            ),
        }
        .at(account.checkpoint().path.clone())),
    }
}

/// `sizes · directions / |directions|`, norms taken over what `sizes` has once.
fn normed(
    account: &Account<'_>,
    name: &str,
    sizes: &Tensor,
    directions: Array2<f64>,
) -> Result<Array2<f64>> {
    let (rows, columns) = directions.dim();
    let squares = directions.mapv(|v| v * v);
    let norms = match sizes.shape.as_slice() {
        &[r, 1] if r == rows => squares.sum_axis(Axis(1)).insert_axis(Axis(1)),
        &[1, c] if c == columns => {
            account.tell(format!(
                "`{name}` has one norm for each column, not for each row"
            ));
            squares.sum_axis(Axis(0)).insert_axis(Axis(0))
        }
        [] | [1] => Array2::from_elem((1, 1), squares.sum()),
        _ => {
            let expected = format!("one norm for each of {rows} rows is expected");
            return Err(shape(account, name, sizes, &expected));
        }
    };
    let sizes = Array2::from_shape_vec(norms.raw_dim(), sizes.to_f64())
        .map_err(|_| shape(account, name, sizes, "its bytes are of another shape"))?;
    Ok(directions * (sizes / norms.mapv(f64::sqrt)))
}

/// Refuses a tensor that has not two dimensions, and as many numbers as they say.
fn check_matrix(account: &Account<'_>, name: &str, tensor: &Tensor) -> Result<()> {
    match *tensor.shape {
        [rows, columns] if rows * columns == tensor.len() => Ok(()),
        _ => {
            let expected = match tensor.shape.len() {
                3.. => "convolutions are not computed yet; a linear layer's weight is [out, in]",
                _ => "a linear layer's weight has two dimensions, [out, in]",
            };
            Err(shape(account, name, tensor, expected))
        }
    }
}

/// The numbers of a tensor of two dimensions.
fn matrix(account: &Account<'_>, name: &str, tensor: &Tensor) -> Result<Array2<f64>> {
    check_matrix(account, name, tensor)?;
    Ok(decoded(tensor))
}

/// The numbers of a tensor that was checked.
fn decoded<T: Scalar>(tensor: &Tensor) -> Array2<T> {
    Array2::from_shape_vec((tensor.shape[0], tensor.shape[1]), tensor.numbers())
        .unwrap_or_else(|_| unreachable!("its length was compared with its shape"))
}

/// A vector of a given width.
pub(super) fn vector(
    account: &Account<'_>,
    name: &str,
    tensor: &Tensor,
    width: usize,
) -> Result<Array1<f64>> {
    if tensor.shape == [width] {
        return Ok(Array1::from(tensor.to_f64()));
    }
    let expected = format!("its layer is {width} wide");
    Err(shape(account, name, tensor, &expected))
}

fn same_shape(account: &Account<'_>, name: &str, one: &Tensor, other: &Tensor) -> Result<()> {
    if one.shape == other.shape {
        return Ok(());
    }
    let expected = format!("what it masks has shape {:?}", other.shape);
    Err(shape(account, name, one, &expected))
}

pub(super) fn shape(account: &Account<'_>, name: &str, tensor: &Tensor, expected: &str) -> Error {
    ErrorKind::TensorShape {
        tensor: account.stored(name),
        shape: tensor.shape.clone(),
        expected: expected.to_owned(),
    }
    .at(account.checkpoint().path.clone())
}

/// What a chain of layers cannot be, and why.
pub(super) fn fault(account: &Account<'_>, module: &str, why: &str) -> Error {
    ErrorKind::Chain {
        detail: format!("`{module}`: {why}"),
    }
    .at(account.checkpoint().path.clone())
}
