//! Two networks of one shape, laid out for bounding their difference.

use std::ops::Range;

use ndarray::Array2;

use super::Refusal;
use crate::model::Mlp;
use crate::numeric::Activation;

/// Two networks of one shape, side by side.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// The layers, inputs first.
    pub layers: Vec<PairLayer>,
    /// Of every hidden layer the runs of neurons of one activation, each with a relaxation.
    pub activations: Vec<Vec<Run>>,
    /// Width of the inputs.
    pub inputs: usize,
    /// A sum of products over all sites of this network, each product of up to
    /// four rounded factors, is off by less than `rounding` · Σ|products|,
    /// however it is ordered: γₙ of Higham (2002), §3.1, with n = 8 · sites + 32.
    pub rounding: f64,
}

/// Neighbouring neurons of one activation.
pub(super) type Run = (Range<usize>, Activation);

/// One linear layer of both.
#[derive(Debug, Clone)]
pub(super) struct PairLayer {
    /// Weights of the original.
    pub original: Rows,
    /// Weights of the pruned.
    pub pruned: Rows,
    /// Pruned − original.
    pub change: Rows,
    /// Biases of the original.
    pub bias: Vec<f64>,
    /// Pruned − original.
    pub bias_change: Vec<f64>,
    /// How far what each reader of the pruned network reads may lie from that, either way.
    pub free: Vec<f64>,
}

/// The non-zero entries of a matrix, row by row.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    starts: Vec<usize>,
    entries: Vec<(u32, f64)>,
    /// Σ|w| of each row, rounded up.
    pub absolute: Vec<f64>,
}

impl Rows {
    fn new(matrix: &Array2<f64>) -> Self {
        let mut rows = Self {
            starts: vec![0],
            entries: Vec::new(),
            absolute: Vec::new(),
        };
        for row in matrix.rows() {
            let kept = row.iter().enumerate().filter(|(_, w)| **w != 0.0);
            rows.entries.extend(kept.map(|(j, w)| (j as u32, *w)));
            rows.starts.push(rows.entries.len());
            let sum: f64 = row.iter().map(|w| w.abs()).sum();
            rows.absolute
                .push(sum * (1.0 + row.len() as f64 * f64::EPSILON));
        }
        rows
    }

    /// Number of non-zero entries.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// Column and value of the non-zero entries of a row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[row]..self.starts[row + 1]]
    }
}

impl Pair {
    /// Checks that the two can be compared and lays them out.
    ///
    /// # Errors
    /// If their shapes, permutations, embeddings or activations differ, or a number is not finite.
    pub fn new(original: &Mlp<f64>, pruned: &Mlp<f64>) -> Result<Self, Refusal> {
        comparable(original, pruned)?;
        let activations = activations(original)?;
        let sites: usize = original.widths().into_iter().sum();
        let layers = original.layers.iter().zip(&pruned.layers);
        Ok(Self {
            layers: layers
                .map(|(a, b)| PairLayer {
                    original: Rows::new(&a.weight),
                    pruned: Rows::new(&b.weight),
                    change: Rows::new(&(&b.weight - &a.weight)),
                    bias: a.bias.to_vec(),
                    bias_change: (&b.bias - &a.bias).to_vec(),
                    free: vec![0.0; a.bias.len()],
                })
                .collect(),
            activations,
            inputs: original.widths()[0],
            rounding: (4 * sites + 16) as f64 * f64::EPSILON,
        })
    }

    /// One network by itself: only its values are meant, and nothing changes.
    ///
    /// # Errors
    /// If an activation has no relaxation, or a number is not finite.
    pub fn alone(model: &Mlp<f64>) -> Result<Self, Refusal> {
        let mut pair = Self::new(model, model)?;
        for layer in &mut pair.layers {
            layer.pruned = Rows::new(&Array2::zeros((layer.bias.len(), 0)));
        }
        Ok(pair)
    }

    /// The same where readers of the pruned network may read anything up to so much more or
    /// less, `[layers][readers]`; nothing where there are no layers.
    pub fn with_free(mut self, free: &[Vec<f64>]) -> Self {
        for (layer, free) in self.layers.iter_mut().zip(free) {
            layer.free.clone_from(free);
        }
        self
    }

    /// Weights of the original that are not zero.
    pub fn weights(&self) -> usize {
        self.layers
            .iter()
            .map(|layer| layer.original.entries.len())
            .sum()
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.bias.len())
    }
}

/// The activations of every hidden layer, each with a relaxation that is proved.
fn activations(model: &Mlp<f64>) -> Result<Vec<Vec<Run>>, Refusal> {
    let hidden = 0..model.layers.len().saturating_sub(1);
    let runs = |layer: usize| {
        let mut runs: Vec<Run> = Vec::new();
        for neuron in 0..model.layers[layer].bias.len() {
            let activation = model.activation.of(layer, neuron);
            if !is_proved(activation) {
                return Err(Refusal::NoRelaxation { activation });
            }
            match runs.last_mut() {
                Some((neurons, of)) if *of == activation => neurons.end = neuron + 1,
                _ => runs.push((neuron..neuron + 1, activation)),
            }
        }
        Ok(runs)
    };
    hidden.map(runs).collect()
}

fn comparable(original: &Mlp<f64>, pruned: &Mlp<f64>) -> Result<(), Refusal> {
    if original.widths() != pruned.widths() {
        return Err(Refusal::Shapes {
            original: original.widths(),
            pruned: pruned.widths(),
        });
    }
    if original.activation != pruned.activation {
        return Err(Refusal::Activations {
            original: original.activation.clone(),
            pruned: pruned.activation.clone(),
        });
    }
    if (&original.in_perm, &original.out_perm, original.folds)
        != (&pruned.in_perm, &pruned.out_perm, pruned.folds)
    {
        return Err(Refusal::Permutations);
    }
    for (index, model) in [original, pruned].into_iter().enumerate() {
        let finite = |layer: &crate::model::Linear<f64>| {
            layer
                .weight
                .iter()
                .chain(&layer.bias)
                .all(|w| w.is_finite())
        };
        let embedding = model.embedding.iter().flatten().all(|w| w.is_finite());
        if !embedding || !model.layers.iter().all(finite) {
            return Err(Refusal::NotFinite { pruned: index == 1 });
        }
    }
    Ok(())
}

/// How an activation is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bounded {
    /// By lines with a proved error, which the checker of proof logs finds as well.
    Checked,
    /// By lines with a proved error.
    Lines,
    /// Not by itself: it is a sum of others.
    Parts,
}

/// How an activation is bounded.
pub(super) fn bounded(activation: Activation) -> Bounded {
    match activation {
        Activation::Identity
        | Activation::Relu
        | Activation::Silu
        | Activation::Gelu
        | Activation::GeluTanh
        | Activation::Tanh
        | Activation::Sigmoid => Bounded::Checked,
        Activation::SquaredRelu
        | Activation::Softplus
        | Activation::Softsign
        | Activation::Mish => Bounded::Lines,
        Activation::Elu(alpha) if alpha.value() == 1.0 => Bounded::Lines,
        Activation::LeakyRelu(_)
        | Activation::Relu6
        | Activation::Elu(_)
        | Activation::Selu
        | Activation::Hardtanh
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::QuickGelu => Bounded::Parts,
    }
}

/// Whether lines with a proved error are known for an activation.
pub(super) fn is_proved(activation: Activation) -> bool {
    bounded(activation) != Bounded::Parts
}
