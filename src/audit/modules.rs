//! Modules of the pruned network, the independence scan, wiring and lesions.

use ndarray::Array2;

use super::Config;
use super::network::{layered, wiring_places};
use super::subject::Subject;
use crate::graph::wiring_cost;
use crate::metric::Metric;
use crate::model::Mlp;
use crate::modules::lesions::{Ablation, lesions};
use crate::modules::{self, Change, ModulesConfig};
use crate::numeric::Scalar;
use crate::patch::{Engine, Fill, Fills};
use crate::prune::{Reference, apply};
use crate::result::{Assignment, Lesion, Modules, Prune, Wiring};

/// Squared errors are measured output by output up to this many outputs.
const OUTPUTS_APART: usize = 8;

/// The modules of the pruned network and what they do.
pub fn modules<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    prune: &Prune,
    reference: &Reference<Mlp<T>>,
    config: &Config,
) -> Modules {
    let names = subject.sites.names();
    let whole = layered(subject.model);
    let settings = ModulesConfig {
        threshold: prune.threshold,
        seed: config.seed,
        ..config.modules
    };
    let mut found = modules::find(&whole, &names, &settings);
    found.independence = modules::independence(&whole, &names, prune.threshold, |threshold| {
        change_at(subject, reference, threshold, config.prune.biases)
    });
    found.wiring = Some(wiring(subject, pruned));
    let mut all = lesions_of(subject, pruned, &found.partition, "all", config);
    if let Some(part) = &found.without_outputs {
        all.extend(lesions_of(
            subject,
            pruned,
            &part.partition,
            "without-outputs",
            config,
        ));
    }
    found.lesions = all;
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

/// Wiring cost with the λ and l0 of the network's own training, where its
/// configuration names them, else 1 and 0.1, the published method's for regression.
fn wiring<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Wiring {
    let number = |key: &str| {
        subject
            .checkpoint
            .config
            .get(key)
            .and_then(serde_json::Value::as_f64)
    };
    let lambda = number("relocate_weight_factor")
        .or_else(|| number("weight_factor"))
        .unwrap_or(1.0);
    let l0 = number("l0").unwrap_or(0.1);
    Wiring {
        cost: wiring_cost(&layered(pruned), &wiring_places(subject), lambda, l0),
        cost_after_relocation: None,
        lambda,
        l0,
    }
}

/// The lesions of a partition, for every fill that needs no pairs and every metric.
fn lesions_of<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    partition: &[Assignment],
    scope: &str,
    config: &Config,
) -> Vec<Lesion> {
    let groups = groups(subject, partition);
    let metrics = metrics(subject);
    let inputs: &Array2<T> = &subject.batch.inputs;
    let mut all = Vec::new();
    for (fill, fills) in [
        (Fill::Zero, Fills::zero()),
        (Fill::Mean, Fills::mean(&pruned.forward(inputs.clone()))),
    ] {
        let engine = Engine::new(pruned, inputs.clone(), fills);
        let plain: Vec<Metric> = metrics.iter().map(|(_, metric)| metric.clone()).collect();
        let ablations = lesions(&engine, &groups, &plain, config.lesion_samples, config.seed);
        for (module, of_module) in ablations.iter().enumerate() {
            for ((name, _), ablation) in metrics.iter().zip(of_module) {
                all.push(lesion(module, scope, fill, name, ablation));
            }
        }
    }
    all
}

fn lesion(module: usize, scope: &str, fill: Fill, metric: &str, ablation: &Ablation) -> Lesion {
    let (random_mean, random_sd) = ablation.random_mean_and_sd();
    Lesion {
        module,
        scope: scope.to_owned(),
        fill: fill.to_string(),
        metric: metric.to_owned(),
        effect: ablation.effect(),
        metric_full: ablation.full,
        metric_lesioned: ablation.lesioned,
        metric_alone: ablation.alone,
        random_mean,
        random_sd,
        p: ablation.p(),
        samples: ablation.random.len(),
    }
}

/// The sites of each module, by number.
fn groups<T: Scalar>(subject: &Subject<'_, T>, partition: &[Assignment]) -> Vec<Vec<usize>> {
    let names = subject.sites.names();
    let count = partition.iter().map(|a| a.module + 1).max().unwrap_or(0);
    let mut groups = vec![Vec::new(); count];
    for assignment in partition {
        if let Some(site) = names.iter().position(|name| *name == assignment.site) {
            groups[assignment.module].push(site);
        }
    }
    groups
}

/// The metrics that lesions are measured in: accuracy and the loss for classes,
/// the squared error of each output for targets.
fn metrics<T: Scalar>(subject: &Subject<'_, T>) -> Vec<(String, Metric)> {
    let mut all = Vec::new();
    if let Some(classes) = subject.batch.classes.clone() {
        all.push(("accuracy".to_owned(), Metric::Accuracy { classes }));
    }
    if let Some(loss) = &subject.loss {
        all.push(("loss".to_owned(), loss.clone()));
    }
    if !subject.classifies() && subject.outputs.len() <= OUTPUTS_APART {
        let targets = subject.truth().squared_error_targets();
        for (output, (site, _)) in subject.outputs.iter().enumerate() {
            let metric = Metric::Mse {
                targets: targets.clone(),
                output: Some(output),
            };
            all.push((format!("mse of {site}"), metric));
        }
    }
    all
}
