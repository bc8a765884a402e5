//! Modules of the pruned network, and the independence scan.

use super::Config;
use super::circuits::engine;
use super::function::{Function, OUTPUTS_APART, function};
use super::network::layered;
use super::subject::Subject;
use super::transplant::transplants;
use super::weighing::{graph, weighed};
use crate::choice::{MetricKind, Unmatched};
use crate::metric::Metric;
use crate::model::Mlp;
use crate::modules::lesions::Measured;
use crate::modules::{self, Change};
use crate::numeric::Scalar;
use crate::patch::{Engine, Fill, Fills, Patchable};
use crate::prune::{Reference, apply};
use crate::result::{Modules, Prune};

/// The modules of the pruned network and what they do.
pub fn modules<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    prune: Option<&Prune>,
    config: &Config,
) -> Modules {
    let threshold = prune.map_or(0.0, |prune| prune.threshold);
    let reference = subject.reference(config.prune.tolerance);
    let settings = config.modules_at(threshold);
    let inputs = subject.batch.inputs.clone();
    let mean = Fills::mean(&pruned.forward(inputs.clone()));
    let network = Engine::new(pruned, inputs, mean);
    let weights = weighed(subject, &network, &settings);
    let (mut found, graph) = graph(&network, &weights, &settings);
    let whole = layered(subject.model);
    let names = subject.sites.names();
    found.independence = modules::independence(&whole, &names, threshold, |threshold| {
        change_at(subject, &reference, threshold, config.prune.biases)
    });
    // Pairs may be missing; then that fill says nothing.
    let engines = Fill::ALL.iter().filter_map(|(fill, _)| {
        let engine = engine(subject, pruned, *fill, config.seed).ok()?;
        let engine: Box<dyn Patchable<Number = T> + '_> = Box::new(engine);
        Some((*fill, engine))
    });
    let measured = Function {
        graph: &graph,
        engines: engines.collect(),
        metrics: metrics(subject),
    };
    function(&mut found, &measured, config);
    // Matching shuffled weights again and again takes as long as it is of no use where
    // everything is joined with everything.
    let few = found.edges <= Unmatched::MOST_EDGES;
    if let Some(main) = measured.metrics.first().filter(|_| few) {
        let settings = (config.prune.tolerance, config.seed);
        found.transplants = transplants(subject, pruned, &found, main, settings);
    }
    found.unmatched = match (found.transplants.is_empty(), few) {
        (false, _) => None,
        (true, true) => Some(Unmatched::Shapes),
        (true, false) => Some(Unmatched::Edges),
    };
    found
}

/// What pruning at a threshold does to the outputs.
fn change_at<T: Scalar>(
    subject: &Subject<'_, T>,
    reference: &Reference<Mlp<T>>,
    threshold: f64,
    biases: bool,
) -> Change {
    let change = reference.change(&apply(subject.model, threshold, biases));
    Change {
        max_abs_change: change.largest(),
        change_over_tolerance: reference.change_over_tolerance(&change),
        loss: subject
            .loss
            .as_ref()
            .map(|loss| loss.mean(change.outputs.view())),
        verified: reference.verifies(&change),
    }
}

/// The metrics that lesions are measured in: accuracy and the loss for classes, and
/// the accuracy of each class; the loss and the squared error of each output for targets.
fn metrics<T: Scalar>(subject: &Subject<'_, T>) -> Vec<Measured> {
    let whole = |name: String, metric: Metric| Measured {
        name,
        metric,
        rows: None,
        output: None,
    };
    let classes = subject.batch.classes.as_ref();
    let accuracy = classes.map(|classes| Metric::Accuracy {
        classes: classes.clone(),
    });
    let mut all = Vec::new();
    all.extend(
        accuracy
            .clone()
            .map(|metric| whole(MetricKind::Accuracy.to_string(), metric)),
    );
    all.extend(
        subject
            .loss
            .clone()
            .map(|loss| whole("loss".to_owned(), loss)),
    );
    if subject.outputs.len() > OUTPUTS_APART || subject.is_one_logit() {
        return all;
    }
    for (output, (site, _)) in subject.outputs.iter().enumerate() {
        if let (Some(classes), Some(metric)) = (classes, &accuracy) {
            let is_of = |sample: &usize| classes[*sample] == output;
            let rows: Vec<usize> = (0..classes.len()).filter(is_of).collect();
            if !rows.is_empty() {
                all.push(Measured {
                    rows: Some(rows),
                    output: Some(site.clone()),
                    ..whole(
                        format!("{} of {site}", MetricKind::Accuracy),
                        metric.clone(),
                    )
                });
            }
        } else {
            let targets = subject.truth().squared_error_targets();
            let metric = Metric::Mse {
                targets,
                output: Some(output),
            };
            all.push(Measured {
                output: Some(site.clone()),
                ..whole(format!("{} of {site}", MetricKind::Mse), metric)
            });
        }
    }
    all
}
