//! From an output down: a linear function of outputs and of their changes as one
//! line in the inputs, with the radius that the neurons' lines leave.
//!
//! The forward pass adds up radii as if each were free to do its worst at every
//! reader; here each neuron's error is weighed once, by the signed sum over all
//! its paths to the output, which is what CROWN (Zhang et al. 2018) does for the
//! values of one network, done for value and difference together.

use super::curve::Range;
use super::forward::{Layer, Pass};
use super::pair::{Pair, PairLayer};
use super::relax::{DOZEN, TINY, UP};
use crate::numeric::Lanes;

/// Coefficients on a layer's differences and values.
#[derive(Debug, Clone, Default)]
pub(super) struct Weights {
    /// Per site, on its change.
    pub change: Vec<Lanes>,
    /// Per site, on its value in the original.
    pub value: Vec<Lanes>,
}

/// A line in the inputs: `constant + Σ slope · input ± radius`.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// At the middle of the box.
    pub centre: Lanes,
    /// Per symbol, over half the width of the box.
    pub slopes: Vec<Lanes>,
    /// What the neurons' lines leave.
    pub radius: Lanes,
    /// Per symbol, how much of the radius is owed to its width.
    pub shares: Vec<Lanes>,
    /// Per hidden layer and neuron, what its lines add to the radius.
    pub weighed: Vec<Vec<Lanes>>,
}

/// What of a neuron a line is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// What it reads in the original.
    Value,
    /// By how much more it reads in the pruned.
    Change,
}

/// Room for backward passes.
#[derive(Debug, Clone, Default)]
pub(super) struct Descent {
    at: Weights,
    next: Weights,
    constant: Lanes,
    radius: Lanes,
    slack: Lanes,
    /// The last result.
    pub line: Line,
}

impl Line {
    /// From the least to the greatest the line allows.
    #[inline(always)]
    pub fn range(&self) -> Range {
        let sum = self.slopes.iter().fold(self.radius, |sum, g| sum + g.abs());
        let reach = sum * UP + self.centre.abs() * DOZEN + TINY;
        Range {
            lo: self.centre - reach,
            hi: self.centre + reach,
        }
    }
}

impl Descent {
    /// Coefficients on the outputs, all zero, to be filled in before [`Descent::run`].
    #[inline(always)]
    pub fn start(&mut self, outputs: usize) -> &mut Weights {
        self.at.clear(outputs);
        &mut self.at
    }

    /// Follows the coefficients that [`Descent::start`] gave down to the inputs.
    ///
    /// `shares` asks for the shares of the inputs and of the neurons in the radius.
    #[inline(always)]
    pub fn run(&mut self, pair: &Pair, pass: &Pass, shares: bool) {
        self.run_below(pair, pass, pair.layers.len(), shares);
    }

    /// [`Descent::run`] from what the readers of the uppermost of so many layers read.
    #[inline(always)]
    pub fn run_below(&mut self, pair: &Pair, pass: &Pass, layers: usize, shares: bool) {
        (self.constant, self.radius, self.slack) = (Lanes::ZERO, Lanes::ZERO, Lanes::ZERO);
        self.line.shares.clear();
        self.line.shares.resize(pass.symbols.len(), Lanes::ZERO);
        self.line
            .weighed
            .resize(layers.saturating_sub(1), Vec::new());
        for (index, weights) in pair.layers[..layers].iter().enumerate().rev() {
            if index + 1 < layers {
                self.through_neurons(&pass.layers[index + 1], shares.then_some(index));
            }
            self.through_weights(weights, &pass.layers[index]);
        }
        self.finish(pair, pass);
    }

    /// The line of what a neuron of layer `index` of readers reads in the original, or of how
    /// much more it reads in the pruned; all layers below have their lines.
    #[inline(always)]
    pub fn reading(
        &mut self,
        (pair, pass): (&Pair, &Pass),
        (index, neuron): (usize, usize),
        reading: Reading,
    ) -> &Line {
        let weights = self.start(pass.layers[index + 1].lines.len());
        let side = match reading {
            Reading::Value => &mut weights.value,
            Reading::Change => &mut weights.change,
        };
        side[neuron] = Lanes::splat(1.0);
        self.run_below(pair, pass, index + 1, false);
        &self.line
    }

    /// Coefficients on what readers read become coefficients on what writers write.
    #[inline(always)]
    fn through_weights(&mut self, weights: &PairLayer, below: &Layer) {
        self.next.clear(below.writers());
        // A coefficient that underflows is lost on what may be a large value.
        self.radius += (below.change.magnitude + below.value.magnitude) * TINY;
        for reader in 0..weights.bias.len() {
            let (change, value) = (self.at.change[reader], self.at.value[reader]);
            if change == Lanes::ZERO && value == Lanes::ZERO {
                continue;
            }
            scatter(&mut self.next.change, change, weights.pruned.row(reader));
            scatter(&mut self.next.value, change, weights.change.row(reader));
            scatter(&mut self.next.value, value, weights.original.row(reader));
            let (bias, moved) = (weights.bias[reader], weights.bias_change[reader]);
            self.constant += change * moved + value * bias;
            self.radius += change.abs() * weights.free[reader];
            let changes = below.change.magnitude * weights.pruned.absolute[reader]
                + below.value.magnitude * weights.change.absolute[reader]
                + moved.abs();
            let values = below.value.magnitude * weights.original.absolute[reader] + bias.abs();
            self.slack += change.abs() * changes + value.abs() * values;
        }
        std::mem::swap(&mut self.at, &mut self.next);
    }

    /// Coefficients on what neurons write become coefficients on what they read; what they add to
    /// the radius is kept for a hidden layer's number.
    #[inline(always)]
    fn through_neurons(&mut self, layer: &Layer, shares: Option<usize>) {
        if let Some(index) = shares {
            self.line.weighed[index].clear();
        }
        for (neuron, lines) in layer.lines.iter().enumerate() {
            let (change, value) = (self.at.change[neuron], self.at.value[neuron]);
            let (shift, moved) = (value * lines.shift, change * lines.change_shift);
            let (by_change, by_value) = (change * lines.q, value * lines.alpha);
            let radius = change.abs() * lines.change_gamma + value.abs() * lines.gamma;
            self.constant += shift + moved;
            self.radius += radius + (lines.reach[0] + lines.reach[1]) * TINY;
            self.at.change[neuron] = change * lines.p;
            self.at.value[neuron] = by_change + by_value;
            self.slack += shift.abs()
                + moved.abs()
                + (by_change.abs() + by_value.abs()) * lines.reach[0]
                + self.at.change[neuron].abs() * lines.reach[1];
            if let Some(index) = shares {
                self.line.weighed[index].push(radius);
                self.share(layer, neuron, radius);
            }
        }
    }

    /// Splits what a neuron adds to the radius over the inputs that make its range wide.
    #[inline(always)]
    fn share(&mut self, layer: &Layer, neuron: usize, radius: Lanes) {
        let slopes = layer.read.slopes(neuron);
        let sum = slopes
            .iter()
            .fold(Lanes::splat(TINY), |sum, g| sum + g.abs());
        let each = radius.zip(sum, |r, s| r / s);
        for (share, slope) in self.line.shares.iter_mut().zip(slopes) {
            *share += each * slope.abs();
        }
    }

    /// Coefficients on the inputs become a line over the box; the pruned network
    /// reads the same inputs as the original here.
    #[inline(always)]
    fn finish(&mut self, pair: &Pair, pass: &Pass) {
        let inputs = &pass.layers[0].value;
        self.line.slopes.clear();
        self.line.slopes.resize(pass.symbols.len(), Lanes::ZERO);
        let mut centre = self.constant;
        let mut radius = self.radius;
        for (site, factor) in self.at.value.iter().enumerate() {
            let (mid, width) = inputs.mid_and_radius(site);
            centre += *factor * mid;
            self.slack += factor.abs() * (mid.abs() + width);
            match pass.symbols.binary_search(&site) {
                Ok(symbol) => self.line.slopes[symbol] = *factor * width,
                Err(_) => radius += factor.abs() * width,
            }
        }
        self.line.centre = centre;
        self.line.radius = radius * UP + self.slack * pair.rounding + pass.poison + TINY;
    }
}

impl Weights {
    #[inline(always)]
    fn clear(&mut self, sites: usize) {
        for side in [&mut self.change, &mut self.value] {
            side.clear();
            side.resize(sites, Lanes::ZERO);
        }
    }
}

/// `into += factor · row`
#[inline(always)]
fn scatter(into: &mut [Lanes], factor: Lanes, row: &[(u32, f64)]) {
    for (writer, weight) in row {
        into[*writer as usize] += factor * *weight;
    }
}
