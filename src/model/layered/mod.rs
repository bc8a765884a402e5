//! Feed-forward networks as layers over sums of earlier values: convolutional,
//! recurrent, residual and normalised ones.
//!
//! Value 0 is the input; value k + 1 is what layer k writes. A value is held
//! `[features, samples]`; the features of a map of channels stand channel by
//! channel, row by row, so that a convolution is one matrix product. A
//! recurrence is laid out step by step: its steps share their parameters.
//!
//! It deliberately knows no files, and replaces no messages: `patch` hands it
//! the [`Replaced`] weights of a run.

mod backward;
mod forward;
mod load;
mod norm;
mod sites;
#[cfg(test)]
pub(crate) mod tests;
mod window;

pub use backward::AffineVisitor;
pub use forward::{Record, Replaced, Replacement};
pub(in crate::model) use load::{KEYS, dtype, is_layered, load};
pub use norm::FeatureNorm;
pub use sites::{AffineSites, LayeredEdge, LayeredSites};
pub use window::Window;

use ndarray::{Array1, Array2};

use crate::numeric::{Activation, Scalar};

/// A feed-forward network.
#[derive(Debug, Clone, PartialEq)]
pub struct Layered<T> {
    /// Shape of one input.
    pub input: Shape,
    /// In the order of computation; the last writes the outputs.
    pub layers: Vec<Layer<T>>,
    /// The weights, each used by one term or more.
    pub parameters: Vec<Parameter<T>>,
}

/// Channels of maps; a vector has maps of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Channels, or features of a vector.
    pub channels: usize,
    /// Rows of each map.
    pub height: usize,
    /// Columns of each map.
    pub width: usize,
}

/// One operation and the shape of what it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer<T> {
    /// What is computed.
    pub op: Op<T>,
    /// The shape of the result.
    pub shape: Shape,
    /// Its place in a recurrence, where it is of one.
    pub step: Option<Step>,
}

/// The place of a layer in a recurrence that is laid out step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The first layer that computes the same, by number: at all steps it is one.
    pub cell: usize,
    /// The step, from 0 in the order of the sequence.
    pub at: usize,
}

/// What a layer computes of earlier values.
#[derive(Debug, Clone, PartialEq)]
pub enum Op<T> {
    /// Readers, each the sum of the messages of its terms and a bias.
    Affine {
        /// What is read, and through which weights.
        terms: Vec<Term>,
        /// `[channels]`
        bias: Array1<T>,
    },
    /// The sum of values of one shape, such as a residual stream.
    Sum(Vec<usize>),
    /// An element-wise function.
    Activate(usize, Activation),
    /// Every channel times a number plus another: a normalisation by stored statistics.
    Scale {
        /// The value that is read.
        read: usize,
        /// `[channels]`
        weight: Array1<T>,
        /// `[channels]`
        bias: Array1<T>,
    },
    /// Layer normalisation over all features.
    Norm(usize, FeatureNorm<T>),
    /// The largest entry under a window, channel by channel.
    MaxPool(usize, Window),
    /// The mean entry under a window, channel by channel.
    AveragePool(usize, Window),
    /// The entries of maps as a vector, channel by channel.
    Flatten(usize),
    /// The features from one on of a vector, as many as the shape has.
    Slice(usize, usize),
    /// Vectors one behind the other.
    Join(Vec<usize>),
    /// The product of two values, entry by entry.
    Gate(usize, usize),
}

/// One value read by an affine layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The value.
    pub read: usize,
    /// The weights, by number.
    pub parameter: usize,
    /// How maps are read; `None` for vectors.
    pub window: Option<Window>,
}

/// Weights that edges carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter<T> {
    /// `[readers, writers · taps]`: a writer's taps, the entries of its kernel, side by side.
    pub weight: Array2<T>,
    /// Entries of one kernel; 1 of a linear layer.
    pub taps: usize,
    /// Groups of readers and writers that are connected among themselves alone.
    pub groups: usize,
    /// The tensor it was read from.
    pub tensor: String,
    /// The first of its rows there.
    pub first_row: usize,
}

impl Shape {
    /// A vector.
    #[must_use]
    pub fn vector(features: usize) -> Self {
        Self {
            channels: features,
            height: 1,
            width: 1,
        }
    }

    /// Entries of one map.
    #[must_use]
    pub fn positions(self) -> usize {
        self.height * self.width
    }

    /// Entries of all maps.
    #[must_use]
    pub fn features(self) -> usize {
        self.channels * self.positions()
    }
}

impl<T> Parameter<T> {
    /// Writers that each reader is connected to.
    #[must_use]
    pub fn writers(&self) -> usize {
        self.weight.ncols() / self.taps
    }

    /// Readers in each group.
    #[must_use]
    pub fn readers_per_group(&self) -> usize {
        self.weight.nrows() / self.groups
    }
}

impl<T> Op<T> {
    /// The values that are read, in order.
    #[must_use]
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Self::Affine { terms, .. } => terms.iter().map(|term| term.read).collect(),
            Self::Sum(reads) | Self::Join(reads) => reads.clone(),
            Self::Gate(a, b) => vec![*a, *b],
            Self::Activate(read, _)
            | Self::Scale { read, .. }
            | Self::Norm(read, _)
            | Self::MaxPool(read, _)
            | Self::AveragePool(read, _)
            | Self::Flatten(read)
            | Self::Slice(read, _) => vec![*read],
        }
    }
}

impl<T: Scalar> Layered<T> {
    /// The shape of a value.
    #[must_use]
    pub fn shape(&self, value: usize) -> Shape {
        match value {
            0 => self.input,
            later => self.layers[later - 1].shape,
        }
    }

    /// Number of outputs.
    #[must_use]
    pub fn outputs_len(&self) -> usize {
        self.shape(self.layers.len()).features()
    }

    /// The affine layers, by number, with their terms.
    pub fn affine(&self) -> impl DoubleEndedIterator<Item = (usize, &[Term])> {
        let layers = self.layers.iter().enumerate();
        layers.filter_map(|(number, layer)| match &layer.op {
            Op::Affine { terms, .. } => Some((number, terms.as_slice())),
            _ => None,
        })
    }

    /// The terms of an affine layer.
    ///
    /// # Panics
    /// If the layer is another.
    #[must_use]
    pub fn terms(&self, layer: usize) -> &[Term] {
        match &self.layers[layer].op {
            Op::Affine { terms, .. } => terms,
            _ => unreachable!("only affine layers have edges"),
        }
    }

    /// Whether it is a recurrence, laid out step by step.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        self.layers.iter().any(|layer| layer.step.is_some())
    }

    /// Features of the input, readers of every affine layer.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        let readers = self
            .affine()
            .map(|(layer, _)| self.layers[layer].shape.features());
        std::iter::once(self.input.features())
            .chain(readers)
            .collect()
    }

    /// Trained numbers.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        let of_layer = |layer: &Layer<T>| match &layer.op {
            Op::Affine { bias, .. } => bias.len(),
            Op::Scale { weight, .. } => 2 * weight.len(),
            Op::Norm(_, norm) => 2 * norm.weight.len(),
            _ => 0,
        };
        let weights: usize = self.parameters.iter().map(|p| p.weight.len()).sum();
        weights + self.layers.iter().map(of_layer).sum::<usize>()
    }

    /// The activation that stands most often.
    #[must_use]
    pub fn activation(&self) -> Activation {
        let mut found = self.layers.iter().filter_map(|layer| match layer.op {
            Op::Activate(_, activation) => Some(activation),
            _ => None,
        });
        found.next().unwrap_or(Activation::Identity)
    }
}
