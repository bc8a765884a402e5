//! Learned masks: which edges a circuit of few edges would keep, found by descent.
//!
//! Every edge has a gate that is open with a learned probability. A gate is
//! drawn from the hard concrete distribution, which is often exactly 0 or 1 and
//! has a gradient in between; an edge carries its gate's share of its message
//! and its fill for the rest. Descent lowers how far the metric is from the full
//! network's, sample by sample, plus a price for every gate that may be open.
//!
//! Sources: Louizos, Welling & Kingma 2018, arXiv 1712.01312 (hard concrete);
//! Cao, Sanh & Rush 2021, arXiv 2104.03514 (subnetwork probing); Bhaskar et al.
//! 2024, arXiv 2406.16778 (Edge Pruning).

mod component;
mod layered;
mod mlp;
mod neuron;
mod weight;

use ndarray::{Array2, ArrayView2};

use crate::metric::Metric;
use crate::numeric::adamw::{self, AdamW, Moments};
use crate::numeric::{Rng, Scalar, parallel, statistics};
use crate::patch::{EdgeSet, Nodes, Parted, Patchable, PatchableExt as _};

/// The hard concrete distribution's temperature and the interval it is stretched to.
const TEMPERATURE: f64 = 2.0 / 3.0;
const LOW: f64 = -0.1;
const HIGH: f64 = 1.1;

/// How masks are learned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MaskConfig {
    /// Steps of descent.
    pub steps: usize,
    /// Adam's step in the logarithm of a gate's odds.
    pub rate: f64,
    /// The price of all gates being open, where 1 is the price of a metric that
    /// is as far from the full network's as with everything patched.
    pub price: f64,
    /// Of the draws.
    pub seed: u64,
}

impl Default for MaskConfig {
    fn default() -> Self {
        Self {
            steps: 300,
            rate: 0.1,
            price: 0.3,
            seed: 0,
        }
    }
}

/// Outputs `[outputs, samples]`, and the samples they are of → a number and its
/// gradient at the outputs.
pub type Loss<'l, T> = dyn Fn(ArrayView2<'_, T>, &[usize]) -> (f64, Array2<T>) + Sync + 'l;

/// Networks whose edges can carry a share of their messages.
pub trait Maskable: Patchable {
    /// Runs with these `shares` by edge number, 1 for the message and 0 for the
    /// fill; `loss` gets outputs `[outputs, samples]`, the samples they are of,
    /// and gives a number with its gradient at the outputs. Returns the sum of
    /// the losses, and its gradient at the shares.
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, Self::Number>) -> (f64, Vec<f64>);
}

/// One share for all edges out of a node.
impl<P: Maskable + ?Sized> Maskable for Nodes<'_, P> {
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, P::Number>) -> (f64, Vec<f64>) {
        let mut of_edges = vec![1.0; self.network().edge_count()];
        for (share, out) in shares.iter().zip(self.out()) {
            out.ones().for_each(|edge| of_edges[edge] = *share);
        }
        let (value, gradient) = self.network().mixed(&of_edges, loss);
        let sum = |out: &EdgeSet| out.ones().map(|edge| gradient[edge]).sum();
        (value, self.out().iter().map(sum).collect())
    }
}

/// The sum of the losses of all parts of a network, and of their gradients; parts run in
/// parallel.
fn over_parts<P: Parted>(
    network: &P,
    of_part: impl Fn(&P::Part) -> (f64, Vec<f64>) + Sync + Send,
) -> (f64, Vec<f64>) {
    let add = |(value, mut total): (f64, Vec<f64>), (more, part): (f64, Vec<f64>)| {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        (value + more, total)
    };
    let parts: Vec<(f64, Vec<f64>)> = parallel::map(network.parts(), of_part);
    parts.into_iter().reduce(add).unwrap_or_default()
}

/// The probability that each edge's gate is open at all, in [0, 1], by edge
/// number, for a circuit that keeps `metric` (over all samples).
#[must_use]
pub fn learned_mask<T: Scalar>(
    network: &dyn Maskable<Number = T>,
    metric: &Metric,
    config: MaskConfig,
) -> Vec<f64> {
    let loss = Distance::new(network, metric);
    let edges = network.edge_count();
    let mut rng = Rng::new(config.seed, 3);
    // Gates begin open: odds of 10 to 1.
    let mut odds = vec![10.0_f64.ln(); edges];
    let (adam, mut moments) = (AdamW::usual(config.rate), Moments::new(edges));
    let free = vec![0.0; edges];
    for step in 1..=config.steps {
        let gates: Vec<Gate> = odds.iter().map(|a| Gate::draw(*a, &mut rng)).collect();
        let shares: Vec<f64> = gates.iter().map(|gate| gate.share).collect();
        let (_, at_shares) = network.mixed(&shares, &|outputs, samples| loss.at(outputs, samples));
        let price = config.price / edges as f64;
        let gradient: Vec<f64> = (odds.iter().zip(&gates).zip(at_shares))
            .map(|((a, gate), g)| g * gate.slope + price * open_slope(*a))
            .collect();
        adamw::update(&mut odds, &mut moments, &gradient, (0.0, &free), adam, step);
    }
    odds.into_iter().map(open).collect()
}

/// How far the metric is from the full network's: squares, in units of how far
/// it is with everything patched.
struct Distance<'m> {
    metric: &'m Metric,
    full: Vec<f64>,
    /// 1 / (samples · mean square with everything patched).
    weight: f64,
}

impl<'m> Distance<'m> {
    fn new<T: Scalar>(network: &dyn Patchable<Number = T>, metric: &'m Metric) -> Self {
        let full = metric.values(network.outputs(&network.edges([])).view());
        let none = metric.values(network.outputs(&network.all()).view());
        let squares: Vec<f64> = full
            .iter()
            .zip(&none)
            .map(|(f, n)| (f - n).powi(2))
            .collect();
        let scale = statistics::mean(&squares);
        let samples = full.len().max(1) as f64;
        Self {
            metric,
            full,
            weight: if scale > 0.0 {
                1.0 / (samples * scale)
            } else {
                0.0
            },
        }
    }

    fn at<T: Scalar>(&self, outputs: ArrayView2<'_, T>, samples: &[usize]) -> (f64, Array2<T>) {
        let metric = self.metric.select(samples);
        let values = metric.values(outputs);
        let off: Vec<f64> = samples
            .iter()
            .zip(&values)
            .map(|(sample, value)| value - self.full[*sample])
            .collect();
        // The metric's gradient is of a mean.
        let mut gradient = metric.gradient(outputs);
        let count = samples.len() as f64;
        for (off, mut column) in off.iter().zip(gradient.columns_mut()) {
            let factor = T::from_f64(2.0 * off * self.weight * count);
            column.mapv_inplace(|slope| slope * factor);
        }
        let loss = off.iter().map(|off| off * off * self.weight).sum();
        (loss, gradient)
    }
}

/// A gate as it was drawn.
struct Gate {
    /// In [0, 1].
    share: f64,
    /// Its derivative by the logarithm of the odds.
    slope: f64,
}

impl Gate {
    fn draw(odds: f64, rng: &mut Rng) -> Self {
        let u = rng.uniform().clamp(1e-6, 1.0 - 1e-6);
        let s = sigmoid(((u / (1.0 - u)).ln() + odds) / TEMPERATURE);
        let stretched = LOW + (HIGH - LOW) * s;
        let inside = (0.0..=1.0).contains(&stretched);
        Self {
            share: stretched.clamp(0.0, 1.0),
            slope: if inside {
                (HIGH - LOW) * s * (1.0 - s) / TEMPERATURE
            } else {
                0.0
            },
        }
    }
}

/// The probability that a gate is not exactly closed.
fn open(odds: f64) -> f64 {
    sigmoid(odds - TEMPERATURE * (-LOW / HIGH).ln())
}

fn open_slope(odds: f64) -> f64 {
    let p = open(odds);
    p * (1.0 - p)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;
    use crate::patch::component::tests::{batch, models, setup};
    use crate::patch::{ComponentEngine, Engine, Fill, Fills, NeuronEngine, WeightEngine};

    /// Shares of 0 and 1 are patching, and gradients are finite differences.
    fn check(network: &dyn Maskable<Number = f64>, metric: &Metric) {
        let loss = |outputs: ArrayView2<'_, f64>, samples: &[usize]| {
            let metric = metric.select(samples);
            let count = samples.len() as f64;
            (
                metric.mean(outputs) * count,
                metric.gradient(outputs) * count,
            )
        };
        let mut rng = Rng::new(5, 0);
        let patched = network.edges((0..network.edge_count()).filter(|_| rng.uniform() < 0.4));
        let shares: Vec<f64> = (0..network.edge_count())
            .map(|edge| f64::from(u8::from(!patched.contains(edge))))
            .collect();
        let total = metric.mean(network.outputs(&patched).view()) * network.samples() as f64;
        assert!((network.mixed(&shares, &loss).0 - total).abs() < 1e-9);

        let shares: Vec<f64> = (0..network.edge_count()).map(|_| rng.uniform()).collect();
        let (_, gradient) = network.mixed(&shares, &loss);
        let scale = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        for edge in (0..network.edge_count()).step_by(1 + network.edge_count() / 20) {
            let shifted = |by: f64| {
                let mut shares = shares.clone();
                shares[edge] += by;
                network.mixed(&shares, &loss).0
            };
            let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            // A difference of totals is off by their rounding over the step.
            let rounding = 4.0 * f64::EPSILON * total.abs() / 1e-5;
            let error = (numeric - gradient[edge]).abs();
            assert!(
                error < 1e-6 * scale + rounding,
                "edge {edge}: {numeric} and {}",
                gradient[edge]
            );
        }
    }

    #[test]
    fn shares_of_zero_and_one_are_patching_and_gradients_are_right() {
        let model = random_mlp(&[3, 5, 4, 2], 1, Activation::Silu, 11);
        let inputs = random_inputs(&model, 6, 12);
        let fills = Fills::corrupted(model.forward(inputs.mapv(f64::cos)));
        let metric = Metric::CrossEntropy {
            classes: vec![0, 1, 1, 0, 1, 0],
        };
        check(&Engine::new(&model, inputs, fills), &metric);
        for (_, model) in models() {
            for positions in [vec![3], vec![1, 2]] {
                let batch = batch(&positions, 1.0);
                let setup = setup(Fill::Corrupted, true);
                let engine = ComponentEngine::new(&model, &batch, setup).unwrap();
                let classes = (0..engine.samples()).map(|r| r % 3).collect();
                let metric = Metric::CrossEntropy { classes };
                check(&engine, &metric);
                check(&engine.at_positions(&batch).unwrap(), &metric);
                let neurons = NeuronEngine::new(&model, &batch, Fill::Corrupted, 0).unwrap();
                check(&neurons, &metric);
                check(&WeightEngine::new(&model, &batch, setup).unwrap(), &metric);
            }
        }
    }

    /// y = 3 x0 + x1 + 0 x2: the first two gates stay open, the third, which
    /// does nothing, closes.
    #[test]
    fn gates_of_edges_that_matter_stay_open() {
        let model = crate::model::Mlp {
            embedding: None,
            in_perm: vec![0, 1, 2],
            folds: 1,
            layers: vec![crate::model::Linear {
                weight: ndarray::array![[3.0, 1.0, 0.0]],
                bias: ndarray::Array1::zeros(1),
            }],
            activation: Activation::Identity.into(),
            out_perm: vec![0],
        };
        let engine = Engine::new(&model, Array2::ones((3, 4)), Fills::zero());
        let metric = Metric::Output { output: 0 };
        let open = learned_mask(&engine, &metric, MaskConfig::default());
        assert!(open[0] > 0.9 && open[2] < 0.1, "{open:?}");
        assert!(open[0] > open[1] && open[1] > open[2], "{open:?}");
    }
}
