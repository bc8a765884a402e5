//! One line about a trained network: what a sweep's table shows.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::cost::places;
use super::parameters::Parameters;
use super::recipe::Recipe;
use super::task::Problem;
use super::trainer::{Measure, THRESHOLD};
use crate::graph::{Layered, wiring_cost};
use crate::model::Sites;
use crate::modules::independence::named_components;
use crate::modules::quality::modularity;
use crate::modules::{LeidenConfig, leiden};
use crate::numeric::Scalar;

/// A trained network in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The task.
    pub task: String,
    /// The regime.
    pub regime: String,
    /// The seed.
    pub seed: u64,
    /// Losses and accuracies at the end.
    pub last: Measure,
    /// Weights in all.
    pub edges_total: usize,
    /// Share of weights of at most 0.01.
    pub sparsity: f64,
    /// Newman's modularity of the weights above 0.01, found by Leiden.
    pub modularity: f64,
    /// Communities that have it.
    pub communities: usize,
    /// Parts of the network that share no weight above 0.01 on a way from an input to an output.
    pub parts: usize,
    /// Σ |w| (distance + l0) over all weights, whatever the regime charged for.
    pub wiring: f64,
    /// Seconds of the training.
    pub seconds: f64,
    /// Largest resident memory of the process so far, in bytes.
    pub peak_memory_bytes: u64,
}

/// The summary of a network; `seconds` and memory are the caller's.
#[must_use]
pub fn summary<T: Scalar>(
    parameters: &Parameters<T>,
    problem: &Problem,
    recipe: &Recipe,
    seed: u64,
    last: Measure,
) -> Summary {
    let network = layered(parameters);
    let kept = network.pruned(THRESHOLD);
    let graph = kept.adjacency();
    let communities = leiden(
        &graph,
        &LeidenConfig {
            seed,
            ..LeidenConfig::default()
        },
    );
    let names = Sites::new(parameters.form.widths.clone()).names();
    let edges_total = network.weights.iter().map(Array2::len).sum::<usize>();
    Summary {
        task: problem.name.clone(),
        regime: recipe.regime.to_string(),
        seed,
        last,
        edges_total,
        sparsity: 1.0 - last.edges as f64 / edges_total as f64,
        modularity: modularity(&graph, &communities, 1.0),
        communities: communities.count,
        parts: named_components(&kept, &names).len(),
        wiring: wiring_cost(
            &network,
            &places(&parameters.form, recipe.space),
            1.0,
            recipe.cost.l0,
        ),
        seconds: 0.0,
        peak_memory_bytes: 0,
    }
}

fn layered<T: Scalar>(parameters: &Parameters<T>) -> Layered {
    let layers = 0..parameters.form.depth();
    Layered::new(
        layers
            .map(|l| parameters.weights(l).mapv(Scalar::widen))
            .collect(),
    )
}

/// Column heads of the table, in the order of [`cells`].
pub const COLUMNS: [&str; 15] = [
    "task",
    "regime",
    "seed",
    "train_loss",
    "test_loss",
    "train_accuracy",
    "test_accuracy",
    "edges",
    "sparsity",
    "modularity",
    "communities",
    "parts",
    "wiring_cost",
    "seconds",
    "peak_mb",
];

/// A row of the table.
#[must_use]
pub fn cells(summary: &Summary) -> [String; 15] {
    let last = &summary.last;
    let share = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.4}"));
    [
        summary.task.clone(),
        summary.regime.clone(),
        summary.seed.to_string(),
        format!("{:.3e}", last.train_loss),
        format!("{:.3e}", last.test_loss),
        share(last.train_accuracy),
        share(last.test_accuracy),
        last.edges.to_string(),
        format!("{:.4}", summary.sparsity),
        format!("{:.3}", summary.modularity),
        summary.communities.to_string(),
        summary.parts.to_string(),
        format!("{:.3}", summary.wiring),
        format!("{:.2}", summary.seconds),
        format!("{:.0}", summary.peak_memory_bytes as f64 / 1e6),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Linear, Mlp};
    use crate::numeric::Activation;
    use crate::train::{Regime, Task, Trainer};
    use ndarray::array;

    /// Two wires that never meet are two parts, two communities, and half of all weights.
    #[test]
    fn two_wires_are_two_parts() {
        let wires = |w: f64| Linear {
            weight: array![[w, 0.001], [0.0, -w]],
            bias: array![0.0, 0.0],
        };
        let mlp = Mlp {
            embedding: None,
            in_perm: vec![0, 1],
            folds: 1,
            layers: vec![wires(1.0), wires(2.0)],
            activation: Activation::Silu.into(),
            out_perm: vec![0, 1],
        };
        let task = Task::TwoMoon;
        let (problem, recipe) = (task.problem(0), task.recipe(Regime::Bimt));
        let parameters = Parameters::from_mlp(&mlp);
        let start = crate::numeric::adamw::Moments::new(parameters.values.len());
        let trainer = Trainer::resumed(
            &problem,
            &recipe,
            0,
            0,
            parameters.clone(),
            start,
            Vec::new(),
        );
        let summary = summary(&parameters, &problem, &recipe, 0, trainer.measure());
        assert_eq!(
            (summary.parts, summary.communities, summary.sparsity),
            (2, 2, 0.5)
        );
        assert!((summary.modularity - 0.5).abs() < 1e-12);
        let small = 2.0 * 0.001 * (0.5 + 0.2);
        assert!((summary.wiring - 6.0 * 0.2 - small).abs() < 1e-12);
    }
}
