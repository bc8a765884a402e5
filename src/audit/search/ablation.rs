//! What ablating every node of a network does.

use ndarray::ArrayView2;

use crate::circuit::Goal;
use crate::metric::decision;
use crate::numeric::Scalar;
use crate::numeric::statistics::mean;
use crate::patch::{Fill, Patchable, PatchableExt as _};
use crate::result::{NodeAblation, NodeEffect, OutputEffect};

/// The ablation of every node that writes something; `outputs` are the goals' sites.
pub fn ablation<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    goals: &[Goal],
    outputs: &[String],
    fill: Fill,
    fill_reference: Option<String>,
) -> NodeAblation {
    let clean = network.outputs(&network.edges([]));
    let before: Vec<Before> = goals.iter().map(|g| Before::new(g, clean.view())).collect();
    let writers = network.edges_by_writer();
    let moved = network.each_set(&writers, |patched| -> Vec<Moved> {
        let pairs = goals.iter().zip(&before);
        pairs
            .map(|(goal, before)| before.moved(goal, patched))
            .collect()
    });
    let entry = |(node, moved): (usize, Vec<Moved>)| NodeEffect {
        site: network.node_name(node),
        decisions_changed: moved.iter().map(|m| m.decisions_changed).sum(),
        outputs: outputs
            .iter()
            .zip(moved)
            .map(|(output, moved)| OutputEffect {
                output: output.clone(),
                effect: moved.effect,
                mean_abs: Some(moved.mean_abs),
            })
            .collect(),
    };
    NodeAblation {
        fill,
        fill_reference,
        metric: goals.first().map(|goal| goal.metric.kind()),
        effects: moved
            .into_iter()
            .enumerate()
            .filter(|(node, _)| !writers[*node].is_clear())
            .map(entry)
            .collect(),
    }
}

/// What a network does for a goal with nothing patched, sample by sample.
struct Before {
    values: Vec<f64>,
    /// Where the metric is of decisions.
    decisions: Option<Vec<usize>>,
}

/// What ablating a node does to a goal.
struct Moved {
    effect: f64,
    mean_abs: f64,
    decisions_changed: Option<usize>,
}

impl Before {
    /// Of `outputs: [outputs, samples]`.
    pub fn new<T: Scalar>(goal: &Goal, outputs: ArrayView2<'_, T>) -> Self {
        let values = goal.rows.iter().map(|row| goal.metric.value(outputs, *row));
        let decides = goal.metric.kind().is_of_decisions();
        let decision = |row: &usize| decision(outputs.column(*row));
        Self {
            values: values.collect(),
            decisions: decides.then(|| goal.rows.iter().map(decision).collect()),
        }
    }

    pub fn moved<T: Scalar>(&self, goal: &Goal, patched: ArrayView2<'_, T>) -> Moved {
        let after = Self::new(goal, patched);
        let effects = self.values.iter().zip(&after.values).map(|(a, b)| a - b);
        let effects: Vec<f64> = effects.collect();
        let sizes: Vec<f64> = effects.iter().map(|effect| effect.abs()).collect();
        let both = self.decisions.as_ref().zip(after.decisions.as_ref());
        Moved {
            effect: mean(&effects),
            mean_abs: mean(&sizes),
            decisions_changed: both.map(|(a, b)| a.iter().zip(b).filter(|(a, b)| a != b).count()),
        }
    }
}
