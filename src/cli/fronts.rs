//! The trained networks of a sweep over λ, and which of them no other beats.

use std::path::Path;

use rayon::prelude::*;

use super::{args, pick};
use crate::Result;
use crate::audit::rank::{front, value};
use crate::choice::{Criterion, MetricKind, Regime};
use crate::report;
use crate::result::{Audit, Fronts, OnFronts, SCHEMA, Tool};

/// A network of the sweep, by how it was trained.
pub(super) struct Trained<'n> {
    pub folder: &'n Path,
    pub regime: Regime,
    pub seed: u64,
    pub lambda: f64,
}

/// Audits the networks on their own test samples and marks those on the fronts.
pub(super) fn fronts(task: &str, networks: &[Trained<'_>]) -> Result<Fronts> {
    let audited: Result<Vec<Audit>> = networks
        .par_iter()
        .map(|n| pick::audited(n.folder))
        .collect();
    let audited = audited?;
    let metric = audited
        .iter()
        .find_map(|audit| Some(audit.task.as_ref()?.metric));
    let both = networks.iter().zip(&audited);
    let front = both
        .map(|(network, audit)| told(network, audit, metric))
        .collect();
    let mut fronts = Fronts {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: args::command_words(),
        summary: Vec::new(),
        task: task.to_owned(),
        metric,
        front: marked(front),
    };
    fronts.summary = report::fronts::words::summary(&fronts);
    Ok(fronts)
}

fn told(network: &Trained<'_>, audit: &Audit, metric: Option<MetricKind>) -> OnFronts {
    let task = audit
        .task
        .as_ref()
        .filter(|task| Some(task.metric) == metric);
    OnFronts {
        name: args::result_name(network.folder),
        path: network.folder.display().to_string(),
        regime: network.regime,
        seed: network.seed,
        lambda: network.lambda,
        loss: value(audit, Criterion::Loss),
        value: task.map(|task| task.value),
        edges: audit.prune.as_ref().map(|prune| prune.edges_kept),
        modules: audit.modules.as_ref().map(|modules| modules.count),
        description_length_gained: value(audit, Criterion::DescriptionLengthGained),
        on_front_of_edges: false,
        on_front_of_blocks: false,
    }
}

/// Marks the networks on the fronts, by λ, regime and seed.
fn marked(mut networks: Vec<OnFronts>) -> Vec<OnFronts> {
    networks.sort_by(|a, b| {
        let by_lambda = a.lambda.total_cmp(&b.lambda);
        by_lambda
            .then(a.regime.name().cmp(b.regime.name()))
            .then(a.seed.cmp(&b.seed))
    });
    let edges = on_front(&networks, |n| n.edges.map(|edges| -(edges as f64)));
    let blocks = on_front(&networks, |n| n.description_length_gained);
    for (network, (edges, blocks)) in networks.iter_mut().zip(edges.into_iter().zip(blocks)) {
        (network.on_front_of_edges, network.on_front_of_blocks) = (edges, blocks);
    }
    networks
}

/// By network whether none has a loss as low and as much of a number, and more of one.
fn on_front(networks: &[OnFronts], number: impl Fn(&OnFronts) -> Option<f64>) -> Vec<bool> {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    let goods = |n: &OnFronts| Some(vec![-finite(n.loss)?, finite(number(n))?]);
    front(&networks.iter().map(goods).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_number_is_on_no_front() {
        let network = |lambda: f64, loss: f64, edges: usize, gained: Option<f64>| OnFronts {
            name: String::new(),
            path: String::new(),
            regime: Regime::Bimt,
            seed: 0,
            lambda,
            loss: Some(loss),
            value: None,
            edges: Some(edges),
            modules: None,
            description_length_gained: gained,
            on_front_of_edges: false,
            on_front_of_blocks: false,
        };
        let found = marked(vec![
            network(0.1, 0.5, 10, Some(3.0)),
            network(0.01, 0.1, 40, None),
            network(0.02, 0.2, 40, Some(1.0)),
        ]);
        let marks: Vec<(f64, bool, bool)> = found
            .iter()
            .map(|n| (n.lambda, n.on_front_of_edges, n.on_front_of_blocks))
            .collect();
        assert_eq!(
            marks,
            [(0.01, true, false), (0.02, false, true), (0.1, true, true)]
        );
    }
}
