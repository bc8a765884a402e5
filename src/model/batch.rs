//! Data as a model sees them: physical inputs, labels by physical position.
//!
//! Here, once, data meet a model and are checked against it; from here on
//! everything is in the order of the sites and permutations are forgotten.

use ndarray::{Array2, Axis};

use super::Mlp;
use crate::data::{Dataset, Inputs, Labels};
use crate::numeric::Scalar;
use crate::{ErrorKind, Result};

/// A data set in the order of a model's sites.
#[derive(Debug, Clone)]
pub struct Batch<T> {
    /// Physical inputs `[width, samples]`.
    pub inputs: Array2<T>,
    /// The corrupted pair of each sample, of the same shape.
    pub corrupted: Option<Array2<T>>,
    /// Per sample, the physical position of its class.
    pub classes: Option<Vec<usize>>,
    /// `[outputs, samples]`, rows by physical position.
    pub targets: Option<Array2<f64>>,
    /// Per sample, the physical position whose logit counts positive, where the data name it.
    pub answers: Option<Vec<usize>>,
    /// Per sample, the physical position whose logit counts negative, where the data name it.
    pub foils: Option<Vec<usize>>,
    /// The source framework's own outputs `[outputs, samples]`, rows by physical position.
    pub outputs: Option<Array2<f64>>,
}

/// How samples enter a network, and outputs leave it.
#[derive(Debug, Clone)]
pub struct Ports<'m, T> {
    /// `[tokens, d]`, where inputs are tokens: each becomes a row of it.
    pub embedding: Option<&'m Array2<T>>,
    /// Number of folds; the input width is `folds · in_perm.len()`.
    pub folds: usize,
    /// Physical position → feature, within each fold.
    pub in_perm: Vec<usize>,
    /// Physical position → target.
    pub out_perm: Vec<usize>,
}

impl<'m, T> Ports<'m, T> {
    /// Those of an MLP.
    #[must_use]
    pub fn of(model: &'m Mlp<T>) -> Self {
        Self {
            embedding: model.embedding.as_ref(),
            folds: model.folds,
            in_perm: model.in_perm.clone(),
            out_perm: model.out_perm.clone(),
        }
    }

    /// Numbers in, numbers out, all in the order of the data.
    #[must_use]
    pub fn plain(inputs: usize, outputs: usize) -> Self {
        Self {
            embedding: None,
            folds: 1,
            in_perm: (0..inputs).collect(),
            out_perm: (0..outputs).collect(),
        }
    }

    /// Features of the data, in physical order.
    fn order(&self) -> Vec<usize> {
        let fold = self.in_perm.len();
        let place = |q: usize| q / fold * fold + self.in_perm[q % fold];
        (0..self.folds * fold).map(place).collect()
    }

    /// Where each target stands: target → physical position.
    fn position_of_target(&self) -> Vec<usize> {
        let mut position = vec![0; self.out_perm.len()];
        for (place, target) in self.out_perm.iter().enumerate() {
            position[*target] = place;
        }
        position
    }
}

impl<T: Scalar> Batch<T> {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inputs.ncols()
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Checks data against a model and brings them into the order of its sites.
    ///
    /// # Errors
    /// If widths, tokens, classes or targets do not fit the model.
    pub fn new(model: &Mlp<T>, data: &Dataset) -> Result<Self> {
        Self::through(&Ports::of(model), data)
    }

    /// Checks data against the ports of a network and brings them into its order.
    ///
    /// # Errors
    /// If widths, tokens, classes or targets do not fit.
    pub fn through(model: &Ports<'_, T>, data: &Dataset) -> Result<Self> {
        let positions = model.position_of_target();
        data.check_words(positions.len())?;
        let classes = match &data.labels {
            Some(Labels::Classes(classes)) => {
                Some(by_position(data, "labels", classes, &positions)?)
            }
            _ => None,
        };
        let targets = match &data.labels {
            Some(Labels::Targets(targets)) => {
                Some(rows_by_position(model, data, "labels", targets)?)
            }
            _ => None,
        };
        let ids = |name, ids: &Option<Vec<usize>>| {
            ids.as_ref()
                .map(|ids| by_position(data, name, ids, &positions))
                .transpose()
        };
        let outputs = data.outputs.as_ref();
        Ok(Self {
            inputs: physical_inputs(model, data, &data.inputs)?,
            corrupted: data
                .corrupted
                .as_ref()
                .map(|c| physical_inputs(model, data, c))
                .transpose()?,
            classes,
            targets,
            answers: ids("answers", &data.answers)?,
            foils: ids("foils", &data.foils)?,
            outputs: outputs
                .map(|o| rows_by_position(model, data, "outputs", o))
                .transpose()?,
        })
    }
}

/// Inputs `[width, samples]` of numbers or of tokens.
fn physical_inputs<T: Scalar>(
    model: &Ports<'_, T>,
    data: &Dataset,
    inputs: &Inputs,
) -> Result<Array2<T>> {
    let order = model.order();
    let features = match (inputs, model.embedding) {
        (Inputs::Values(values), None) => values.mapv(T::from_f64),
        (Inputs::Tokens(tokens), None) => tokens.mapv(|t| T::from_f64(t as f64)),
        (Inputs::Tokens(tokens), Some(table)) => {
            if tokens.ncols() != model.folds {
                return Err(ErrorKind::TokenCount {
                    found: tokens.ncols(),
                    expected: model.folds,
                }
                .at(&data.path));
            }
            embed(data, tokens, table)?
        }
        (Inputs::Values(_), Some(table)) => {
            return Err(ErrorKind::TokensExpected {
                tokens: table.nrows(),
            }
            .at(&data.path));
        }
    };
    if features.ncols() != order.len() {
        return Err(ErrorKind::InputWidth {
            found: features.ncols(),
            expected: order.len(),
        }
        .at(&data.path));
    }
    Ok(features.t().select(Axis(0), &order))
}

/// The concatenated embeddings of each sample's tokens, `[samples, tokens · d]`.
fn embed<T: Scalar>(
    data: &Dataset,
    tokens: &Array2<usize>,
    table: &Array2<T>,
) -> Result<Array2<T>> {
    for ((sample, _), token) in tokens.indexed_iter() {
        if *token >= table.nrows() {
            return Err(ErrorKind::ClassRange {
                tensor: "tokens".into(),
                sample,
                found: *token,
                limit: table.nrows(),
            }
            .at(&data.path));
        }
    }
    let d = table.ncols();
    let shape = (tokens.nrows(), tokens.ncols() * d);
    Ok(Array2::from_shape_fn(shape, |(sample, column)| {
        table[[tokens[[sample, column / d]], column % d]]
    }))
}

/// Class ids as physical positions; for one output they stay 0 and 1.
fn by_position(
    data: &Dataset,
    tensor: &str,
    classes: &[usize],
    positions: &[usize],
) -> Result<Vec<usize>> {
    // One logit tells class 1 from class 0, neither of which is a position.
    let positions = match positions {
        [_] => &[0, 1],
        several => several,
    };
    let position = |(sample, class): (usize, &usize)| {
        positions.get(*class).copied().ok_or_else(|| {
            ErrorKind::ClassRange {
                tensor: tensor.to_owned(),
                sample,
                found: *class,
                limit: positions.len(),
            }
            .at(&data.path)
        })
    };
    classes.iter().enumerate().map(position).collect()
}

/// `[samples, targets]` as `[outputs, samples]` by physical position.
fn rows_by_position<T: Scalar>(
    model: &Ports<'_, T>,
    data: &Dataset,
    tensor: &str,
    values: &Array2<f64>,
) -> Result<Array2<f64>> {
    if values.ncols() != model.out_perm.len() {
        return Err(ErrorKind::OutputWidth {
            tensor: tensor.to_owned(),
            found: values.ncols(),
            expected: model.out_perm.len(),
        }
        .at(&data.path));
    }
    Ok(values.t().select(Axis(0), &model.out_perm))
}
