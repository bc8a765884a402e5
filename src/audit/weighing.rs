//! What an edge weighs in the graph of the modules, on the samples and on resamples of them.

use ndarray::{ArrayView1, ArrayView2};

use super::network::layered;
use super::subject::Subject;
use crate::circuit::{Attributable, Attribution, Goal, Path};
use crate::metric::Metric;
use crate::modules::{EdgeWeight, Graph, ModulesConfig, bootstrap, find, find_in};
use crate::numeric::{Rng, Scalar, statistics};
use crate::patch::{Engine, Patchable, PatchableExt as _};
use crate::result::{Assignment, Modules};

/// Runs of the path of integrated gradients.
const STEPS: usize = 5;

/// How often each sample counts: once in the samples as they are, which come first, and
/// as often as it was drawn in every resample.
#[derive(Debug, Clone, PartialEq)]
pub struct Draws(Vec<Vec<f64>>);

impl Draws {
    /// The samples, and the resamples that `config` asks for where weights depend on them.
    pub fn new(samples: usize, weight: EdgeWeight, config: &ModulesConfig) -> Self {
        let resamples = match weight {
            EdgeWeight::Spread | EdgeWeight::Effect => config.resamples,
            EdgeWeight::AbsWeight | EdgeWeight::Attribution => 0,
        };
        let resample = |draw: u64| {
            let mut rng = Rng::new(config.seed, draw);
            let mut counts = vec![0.0; samples];
            (0..samples).for_each(|_| counts[rng.below(samples)] += 1.0);
            counts
        };
        let all = std::iter::once(vec![1.0; samples]);
        Self(all.chain((0..resamples as u64).map(resample)).collect())
    }

    /// By draw, the mean of numbers `(sample, value)`.
    fn means(&self, values: &[(usize, f64)]) -> Vec<f64> {
        let mean = |counts: &Vec<f64>| {
            let (mut sum, mut n) = (0.0, 0.0);
            for (sample, value) in values {
                sum += counts[*sample] * value;
                n += counts[*sample];
            }
            if n > 0.0 { sum / n } else { 0.0 }
        };
        self.0.iter().map(mean).collect()
    }

    /// By draw, the population standard deviation of values of which every sample has
    /// equally many, one after the other.
    pub fn spreads(&self, values: &[f64]) -> Vec<f64> {
        let per_sample = (values.len() / self.0[0].len().max(1)).max(1);
        let with = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let values = values.iter().enumerate();
            let values: Vec<_> = values.map(|(k, x)| (k / per_sample, f(*x))).collect();
            self.means(&values)
        };
        let means = with(&|x| x);
        // About the mean m of all samples: Var = E(x − m)² − (E x − m)².
        let squares = with(&|x| (x - means[0]).powi(2));
        let variances = squares.iter().zip(&means);
        let variances = variances.map(|(square, mean)| square - (mean - means[0]).powi(2));
        variances.map(|variance| variance.max(0.0).sqrt()).collect()
    }
}

/// By draw and edge number, the mean over the goals of |metric − metric with the edge
/// patched|, of `edges`. The fill is the same in every draw.
pub fn by_effect<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    edges: &[usize],
    goals: &[Goal],
    draws: &Draws,
) -> Vec<Vec<f64>> {
    let count = draws.0.len();
    let per_sample = (network.samples() / draws.0[0].len().max(1)).max(1);
    let measure = |outputs: ArrayView2<'_, T>| -> Vec<f64> {
        let of_goal = |goal: &Goal| {
            let value = |row: &usize| (row / per_sample, goal.metric.value(outputs, *row));
            draws.means(&goal.rows.iter().map(value).collect::<Vec<_>>())
        };
        goals.iter().flat_map(of_goal).collect()
    };
    let none = network.edges([]);
    let before = measure(network.outputs(&none).view());
    let after = network.each_edge(&none, edges, measure);
    let mut weights = vec![vec![0.0; network.edge_count()]; count];
    for (edge, after) in edges.iter().zip(after) {
        for (k, (before, after)) in before.iter().zip(after).enumerate() {
            weights[k % count][*edge] += (before - after).abs() / goals.len() as f64;
        }
    }
    weights
}

/// Effects by integrated gradients along the inputs, a first-order estimate, on the
/// samples as they are.
pub fn by_attribution<T: Scalar>(
    network: &dyn Attributable<Number = T>,
    edges: &[usize],
    goals: &[Goal],
) -> Vec<f64> {
    let path = Path::Midpoints;
    let mut weights = vec![0.0; network.edge_count()];
    for goal in goals {
        let metric = goal.metric.select(&goal.rows);
        let scores = network.attribute(&metric, Attribution::IgInputs { steps: STEPS, path });
        for edge in edges {
            weights[*edge] += scores[*edge].abs() / goals.len() as f64;
        }
    }
    weights
}

/// By draw and edge number, |w| times the spread of what the edge's writer writes, which
/// `spreads` tells by draw.
pub fn by_spread<'s>(weights: &[f64], spreads: impl Fn(usize) -> &'s [f64]) -> Vec<Vec<f64>> {
    let draws = if weights.is_empty() {
        0
    } else {
        spreads(0).len()
    };
    let edges = weights.iter().enumerate();
    let of_draw = |draw: usize| {
        edges
            .clone()
            .map(|(edge, w)| w.abs() * spreads(edge)[draw])
            .collect()
    };
    (0..draws).map(of_draw).collect()
}

/// The modules of a network whose edges weigh this by draw and edge number, and the
/// graph that they are parts of.
///
/// Where edges weigh |w|, these are the weights before pruning, so that modules can be
/// followed along the threshold. Per layer: divided by the mean weight of the edges
/// into the same layer.
pub fn graph<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    weights: &[Vec<f64>],
    config: &ModulesConfig,
) -> (Modules, Graph) {
    let is_weight = config.edge_weight.unwrap_or_default() == EdgeWeight::AbsWeight;
    let graphs = weights.iter().map(|weights| {
        let mut graph = Graph::new(network, weights);
        if config.per_layer {
            let threshold = if is_weight { config.threshold } else { 0.0 };
            graph.layered = graph.layered.pruned(threshold);
            graph.layered.weights.iter_mut().for_each(by_mean);
        }
        graph
    });
    let mut graphs: Vec<Graph> = graphs.collect();
    let graph = graphs.remove(0);
    let config = &ModulesConfig {
        dead_aside: network.links().is_empty(),
        ..config.clone()
    };
    let names = graph.names(network);
    let found = match is_weight && !config.per_layer {
        true => find(&graph.layered, &names, config),
        false => find_in(&graph.layered, &names, config),
    };
    let resampled: Vec<_> = graphs.into_iter().map(|graph| graph.layered).collect();
    let bootstrap = bootstrap(&resampled, &found.partition, &names, config);
    (Modules { bootstrap, ..found }, graph)
}

/// Gives every site its module, where several sites are one node.
pub fn by_site<T: Scalar>(found: &mut Modules, graph: &Graph, network: &dyn Patchable<Number = T>) {
    let names = graph.names(network);
    let sites_of = |site: &String| -> Vec<String> {
        let node = names.iter().position(|name| name == site);
        let members = node.map_or(&[][..], |node| &graph.members[node]);
        members
            .iter()
            .map(|member| network.node_name(*member))
            .collect()
    };
    let expand = |partition: &mut Vec<Assignment>| {
        let assigned = partition.iter().flat_map(|a| {
            let module = a.module;
            sites_of(&a.site)
                .into_iter()
                .map(move |site| Assignment { site, module })
        });
        *partition = assigned.collect();
    };
    expand(&mut found.partition);
    found
        .without_outputs
        .iter_mut()
        .for_each(|p| expand(&mut p.partition));
    found
        .hierarchy
        .iter_mut()
        .for_each(|p| expand(&mut p.partition));
    found
        .blocks
        .iter_mut()
        .for_each(|p| expand(&mut p.partition));
    let scanned = found.scan.iter_mut().flat_map(|scan| &mut scan.plateaus);
    scanned.for_each(|p| expand(&mut p.partition));
    found.isolated = found.isolated.iter().flat_map(sites_of).collect();
    for part in &mut found.dead {
        *part = part.iter().flat_map(sites_of).collect();
    }
}

/// Divides a layer's weights by the mean |weight| of its edges.
fn by_mean(weights: &mut ndarray::Array2<f64>) {
    let edges = weights.iter().filter(|w| **w != 0.0);
    let mean = statistics::mean(&edges.map(|w| w.abs()).collect::<Vec<_>>());
    if mean > 0.0 {
        weights.mapv_inplace(|weight| weight / mean);
    }
}

/// What the edges of an MLP weigh, by draw and edge number, as [`graph`] takes it.
///
/// *Spread* is |w| times the population standard deviation of what the writer writes
/// over the samples. *Effect* is |loss − loss with the edge patched| over the samples,
/// *attribution* its first-order estimate; where there are no labels the loss is the
/// squared distance from the network's own outputs.
pub fn weighed<T: Scalar>(
    subject: &Subject<'_, T>,
    engine: &Engine<'_, T>,
    config: &ModulesConfig,
) -> Vec<Vec<f64>> {
    let weights_of = |model| -> Vec<f64> { layered(model).weights.into_iter().flatten().collect() };
    let weight = config.edge_weight.unwrap_or_default();
    let draws = Draws::new(subject.batch.len(), weight, config);
    let edges: Vec<usize> = engine.surviving().ones().collect();
    let goals = || [Goal::of_all(loss(subject), subject.batch.len())];
    match weight {
        EdgeWeight::AbsWeight => vec![weights_of(subject.model)],
        EdgeWeight::Spread => {
            let layers = engine.clean().values.iter();
            let spreads = layers.flat_map(|layer| {
                layer
                    .rows()
                    .into_iter()
                    .map(|row| draws.spreads(&wide(row)))
            });
            let spreads: Vec<Vec<f64>> = spreads.collect();
            by_spread(&weights_of(engine.model()), |edge| {
                &spreads[engine.ends(edge).0]
            })
        }
        EdgeWeight::Effect => by_effect(engine, &edges, &goals(), &draws),
        EdgeWeight::Attribution => vec![by_attribution(engine, &edges, &goals())],
    }
}

/// Numbers as f64.
pub fn wide<T: Scalar>(values: ArrayView1<'_, T>) -> Vec<f64> {
    values.iter().map(|x| x.widen()).collect()
}

fn loss<T: Scalar>(subject: &Subject<'_, T>) -> Metric {
    let own = || Metric::Mse {
        targets: subject.truth().squared_error_targets(),
        output: None,
    };
    subject.loss.clone().unwrap_or_else(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Linear, Mlp};
    use crate::numeric::Activation;
    use crate::patch::Fills;
    use ndarray::array;

    /// Two samples; a resample of the first alone, and one of the second.
    fn draws() -> Draws {
        Draws(vec![vec![1.0, 1.0], vec![2.0, 0.0], vec![0.0, 2.0]])
    }

    /// Two values per sample: 1, 3 and 5, 7; by hand the variances are 5, 1 and 1.
    #[test]
    fn spreads_by_hand() {
        let spreads = draws().spreads(&[1.0, 3.0, 5.0, 7.0]);
        let expected = [5.0_f64.sqrt(), 1.0, 1.0];
        for (spread, expected) in spreads.iter().zip(expected) {
            assert!((spread - expected).abs() < 1e-12, "{spreads:?}");
        }
        let weights = by_spread(&[-2.0], |_| &spreads);
        assert!((weights[1][0] - 2.0).abs() < 1e-12);
    }

    /// y = 2 relu(x0 + 3 x1) at (1, 1) and (2, 0): 8 and 4; without x0's message 6 and 0.
    #[test]
    fn effects_by_hand() {
        let linear = |weight, bias| Linear { weight, bias };
        let model = Mlp {
            embedding: None,
            in_perm: vec![0, 1],
            folds: 1,
            layers: vec![
                linear(array![[1.0, 3.0]], array![0.0]),
                linear(array![[2.0]], array![0.0]),
            ],
            activation: Activation::Relu.into(),
            out_perm: vec![0],
        };
        let engine = Engine::new(&model, array![[1.0, 2.0], [1.0, 0.0]], Fills::zero());
        let goals = [Goal::of_all(Metric::Output { output: 0 }, 2)];
        let weights = by_effect(&engine, &[0, 1], &goals, &draws());
        assert_eq!(weights, [[3.0, 3.0, 0.0], [2.0, 6.0, 0.0], [4.0, 0.0, 0.0]]);
        // relu is linear along both paths from zero: the estimate is exact.
        let estimate = by_attribution(&engine, &[0], &goals);
        assert!((estimate[0] - 3.0).abs() < 1e-12, "{estimate:?}");
    }

    #[test]
    fn samples_are_drawn_where_weights_depend_on_them() {
        let config = ModulesConfig {
            resamples: 3,
            ..ModulesConfig::default()
        };
        let of = |weight| Draws::new(50, weight, &config).0;
        let spread = of(EdgeWeight::Spread);
        assert_eq!((spread.len(), spread[0].clone()), (4, vec![1.0; 50]));
        assert!(
            spread[1..]
                .iter()
                .all(|counts| counts.iter().sum::<f64>() == 50.0)
        );
        assert_ne!(spread[1], spread[2]);
        assert_eq!(of(EdgeWeight::AbsWeight).len(), 1);
    }
}
