//! Modules of the pruned network, the independence scan, wiring and lesions.

use super::Config;
use super::circuits::engine;
use super::network::layered;
use super::subject::Subject;
use super::weighing::weighed;
use crate::metric::Metric;
use crate::model::Mlp;
use crate::modules::coalitions::{ORDERS, shares};
use crate::modules::lesions::{Ablation, Measured, lesions};
use crate::modules::{self, Change, EdgeWeight, ModulesConfig};
use crate::numeric::{Scalar, statistics};
use crate::patch::{Engine, Fill};
use crate::prune::{Reference, apply};
use crate::result::{Assignment, Coalitions, Lesion, Modules, Prune, Share, Subset};

/// Outputs and classes are measured one by one up to this many.
const OUTPUTS_APART: usize = 12;

/// Every subset is listed of up to so many modules; of more, shares are computed on request.
const MOST_LISTED: usize = 5;

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
        ..config.modules.clone()
    };
    let mut found = if settings.edge_weight == EdgeWeight::AbsWeight && !settings.per_layer {
        modules::find(&whole, &names, &settings)
    } else {
        modules::find_in(&weighed(subject, pruned, &settings), &names, &settings)
    };
    found.independence = modules::independence(&whole, &names, prune.threshold, |threshold| {
        change_at(subject, reference, threshold, config.prune.biases)
    });
    for (scope, partition) in scopes(&found) {
        let (lesions, coalitions) = function_of(subject, pruned, &partition, scope, config);
        found.lesions.extend(lesions);
        found.coalitions.extend(coalitions);
    }
    found
}

/// The partitions whose modules are ablated.
fn scopes(found: &Modules) -> Vec<(&'static str, Vec<Assignment>)> {
    let mut all = vec![("all", found.partition.clone())];
    if let Some(part) = &found.without_outputs {
        all.push(("without-outputs", part.partition.clone()));
    }
    all
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

/// The lesions and subsets of a partition's modules, for every fill that the data allow.
fn function_of<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    partition: &[Assignment],
    scope: &str,
    config: &Config,
) -> (Vec<Lesion>, Vec<Coalitions>) {
    let groups = groups(subject, partition);
    let metrics = metrics(subject);
    let (mut lesioned, mut together) = (Vec::new(), Vec::new());
    for (fill, _) in Fill::ALL {
        // Pairs may be missing; then that fill says nothing.
        let Ok(engine) = engine(subject, pruned, fill, config.seed) else {
            continue;
        };
        let ablations = lesions(
            &engine,
            &groups,
            &metrics,
            config.lesion_samples,
            config.seed,
        );
        for (k, measured) in metrics.iter().enumerate() {
            let ps: Vec<f64> = ablations.iter().map(|of_module| of_module[k].p()).collect();
            for (module, p_holm) in statistics::holm(&ps).into_iter().enumerate() {
                lesioned.push(Lesion {
                    p_holm: Some(p_holm),
                    ..lesion(module, scope, fill, &measured.name, &ablations[module][k])
                });
            }
        }
        let few = (2..=MOST_LISTED).contains(&groups.len());
        if let Some(main) = metrics.first().filter(|_| few || config.shapley) {
            together.push(coalitions(&engine, &groups, main, scope, fill, config.seed));
        }
    }
    (lesioned, together)
}

/// Every subset of modules, as far as they are few, and each one's share.
fn coalitions<T: Scalar>(
    engine: &Engine<'_, T>,
    groups: &[Vec<usize>],
    measured: &Measured,
    scope: &str,
    fill: Fill,
    seed: u64,
) -> Coalitions {
    let found = shares(engine, groups, measured, seed);
    let share = |module: usize| Share {
        module,
        shapley: found.shapley[module],
        standard_error: found.standard_error.as_ref().map(|errors| errors[module]),
        alone: found.alone[module],
        without: found.without[module],
    };
    let subset = |(mask, value): (usize, &f64)| Subset {
        modules: (0..groups.len()).filter(|k| mask >> k & 1 == 1).collect(),
        value: *value,
    };
    let listed = found.subsets.iter().enumerate();
    Coalitions {
        scope: scope.to_owned(),
        fill: fill.to_string(),
        metric: measured.name.clone(),
        all: found.all,
        none: found.none,
        shares: (0..groups.len()).map(share).collect(),
        orders: found.standard_error.as_ref().map(|_| ORDERS),
        subsets: listed
            .filter(|_| groups.len() <= MOST_LISTED)
            .map(subset)
            .collect(),
    }
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
        p_holm: None,
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

/// The metrics that lesions are measured in: accuracy and the loss for classes, and
/// the accuracy of each class; the loss and the squared error of each output for targets.
fn metrics<T: Scalar>(subject: &Subject<'_, T>) -> Vec<Measured> {
    let whole = |name: String, metric: Metric| Measured {
        name,
        metric,
        rows: None,
    };
    let classes = subject.batch.classes.as_ref();
    let accuracy = classes.map(|classes| Metric::Accuracy {
        classes: classes.clone(),
    });
    let mut all = Vec::new();
    all.extend(
        accuracy
            .clone()
            .map(|metric| whole("accuracy".to_owned(), metric)),
    );
    all.extend(
        subject
            .loss
            .clone()
            .map(|loss| whole("loss".to_owned(), loss)),
    );
    if subject.outputs.len() > OUTPUTS_APART {
        return all;
    }
    for (output, (site, _)) in subject.outputs.iter().enumerate() {
        if let (Some(classes), Some(metric)) = (classes, &accuracy) {
            let is_of = |sample: &usize| classes[*sample] == output;
            let rows: Vec<usize> = (0..classes.len()).filter(is_of).collect();
            if !rows.is_empty() {
                all.push(Measured {
                    rows: Some(rows),
                    ..whole(format!("accuracy of {site}"), metric.clone())
                });
            }
        } else {
            let targets = subject.truth().squared_error_targets();
            let output = Some(output);
            all.push(whole(
                format!("mse of {site}"),
                Metric::Mse { targets, output },
            ));
        }
    }
    all
}
