//! What modules do: they are ablated one by one and in every combination.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Config;
use crate::choice::{Fill, Scope};
use crate::metric::Metric;
use crate::modules::coalitions::{ORDERS, shares};
use crate::modules::lesions::{Ablation, Measured, all_ablated, lesions};
use crate::modules::selectivity::selectivity;
use crate::modules::{Graph, margins};
use crate::numeric::{Scalar, statistics};
use crate::patch::Patchable;
use crate::result::{
    Assignment, Coalitions, Lesion, Margins, MeanMargins, Modules, Need, Selectivity, Share, Subset,
};

/// Outputs and classes are measured one by one up to this many.
pub const OUTPUTS_APART: usize = 12;

/// Samples that are named for each set of modules needed.
const FIRST: usize = 10;

/// Every subset is listed of up to so many modules; of more, shares are computed on request.
const MOST_LISTED: usize = 5;

/// What is ablated, and what is measured then.
pub struct Function<'f, T> {
    /// The graph that modules are parts of.
    pub graph: &'f Graph,
    /// The network, once for every fill.
    pub engines: Vec<(Fill, Box<dyn Patchable<Number = T> + 'f>)>,
    /// The first is the main one.
    pub metrics: Vec<Measured>,
}

/// Adds what the modules do, in the whole partition and in that without outputs.
pub fn function<T: Scalar>(found: &mut Modules, of: &Function<'_, T>, config: &Config) {
    let mut scopes = vec![(Scope::All, found.partition.clone())];
    if let Some(part) = &found.without_outputs {
        scopes.push((Scope::WithoutOutputs, part.partition.clone()));
    }
    for (scope, partition) in scopes {
        for (fill, engine) in &of.engines {
            let engine = (*fill, engine.as_ref());
            let groups = groups(of.graph, engine.1, &partition);
            let (samples, seed) = (config.lesion_samples, config.seed);
            let ablations = lesions(engine.1, of.graph, &groups, &of.metrics, samples, seed);
            found
                .lesions
                .extend(lesioned(engine.0, of, &ablations, scope));
            found
                .selectivity
                .extend(selective(engine, of, &groups, &ablations, scope));
            let few = (2..=MOST_LISTED).contains(&groups.len());
            if let Some(main) = of.metrics.first().filter(|_| few || config.shapley) {
                let together = coalitions(engine, of.graph, &groups, main, scope, config.seed);
                let classes = classes(&of.metrics).filter(|_| few);
                let margins =
                    classes.map(|of_sample| needed(engine.1, of.graph, &groups, of_sample));
                found.coalitions.push(Coalitions {
                    margins,
                    ..together
                });
            }
        }
    }
}

/// The lesions of a partition's modules with one fill.
fn lesioned<T: Scalar>(
    fill: Fill,
    of: &Function<'_, T>,
    ablations: &[Vec<Ablation>],
    scope: Scope,
) -> Vec<Lesion> {
    let mut all = Vec::new();
    for (k, measured) in of.metrics.iter().enumerate() {
        let ps: Vec<f64> = ablations.iter().map(|of_module| of_module[k].p()).collect();
        for (module, p_holm) in statistics::holm(&ps).into_iter().enumerate() {
            all.push(Lesion {
                p_holm: Some(p_holm),
                ..lesion(module, scope, fill, &measured.name, &ablations[module][k])
            });
        }
    }
    all
}

/// Whether modules serve one output more than others, where outputs are measured apart.
fn selective<T: Scalar>(
    (fill, engine): (Fill, &dyn Patchable<Number = T>),
    of: &Function<'_, T>,
    groups: &[Vec<usize>],
    ablations: &[Vec<Ablation>],
    scope: Scope,
) -> Vec<Selectivity> {
    let apart = of.metrics.iter().enumerate();
    let apart: Vec<(usize, &String)> = apart
        .filter_map(|(k, measured)| Some((k, measured.output.as_ref()?)))
        .collect();
    let together = all_ablated(engine, of.graph, groups, &of.metrics);
    let all: Vec<f64> = apart.iter().map(|(k, _)| together[*k]).collect();
    let kinds = apart.iter().map(|(k, _)| of.metrics[*k].metric.kind());
    let kinds: Vec<_> = kinds.collect();
    let of_module = |(module, ablations): (usize, &Vec<Ablation>)| {
        let mine: Vec<&Ablation> = apart.iter().map(|(k, _)| &ablations[*k]).collect();
        let found = selectivity(&mine, &all, &kinds)?;
        Some(Selectivity {
            module,
            scope,
            fill,
            metric: kinds[0],
            outputs: apart.iter().map(|(_, site)| (*site).clone()).collect(),
            output: apart[found.output].1.clone(),
            effects: found.effects,
            lead: found.lead,
            p: found.p,
            p_holm: found.p,
            samples: mine.iter().map(|a| a.random.len()).min().unwrap_or(0),
        })
    };
    let found = ablations.iter().enumerate().filter_map(of_module);
    let mut found: Vec<Selectivity> = found.collect();
    let ps: Vec<f64> = found.iter().map(|s| s.p).collect();
    for (of_module, p_holm) in found.iter_mut().zip(statistics::holm(&ps)) {
        of_module.p_holm = p_holm;
    }
    found
}

/// Every subset of modules, as far as they are few, and each one's share.
fn coalitions<T: Scalar>(
    (fill, engine): (Fill, &dyn Patchable<Number = T>),
    graph: &Graph,
    groups: &[Vec<usize>],
    measured: &Measured,
    scope: Scope,
    seed: u64,
) -> Coalitions {
    let found = shares(engine, graph, groups, measured, seed);
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
        scope,
        fill,
        metric: measured.name.clone(),
        direction: Some(measured.metric.kind().direction()),
        all: found.all,
        none: found.none,
        shares: (0..groups.len()).map(share).collect(),
        orders: found.standard_error.as_ref().map(|_| ORDERS),
        subsets: listed
            .filter(|_| groups.len() <= MOST_LISTED)
            .map(subset)
            .collect(),
        margins: None,
    }
}

/// The class of every sample, where decisions are measured.
fn classes(metrics: &[Measured]) -> Option<&[usize]> {
    metrics.iter().find_map(|measured| match &measured.metric {
        Metric::Accuracy { classes } if measured.rows.is_none() => Some(classes.as_slice()),
        _ => None,
    })
}

/// Which samples need which of a few modules.
fn needed<T: Scalar>(
    network: &dyn Patchable<Number = T>,
    graph: &Graph,
    groups: &[Vec<usize>],
    classes: &[usize],
) -> Margins {
    let found = margins::margins(network, graph, groups, classes);
    let mut needs: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    let each = found.needs();
    for (sample, modules) in each.iter().enumerate() {
        if let Some(modules) = modules {
            needs.entry(modules.clone()).or_default().push(sample);
        }
    }
    let need = |(modules, samples): (Vec<usize>, Vec<usize>)| Need {
        modules,
        samples: samples.len(),
        first: samples.into_iter().take(FIRST).collect(),
    };
    let mut needs: Vec<Need> = needs.into_iter().map(need).collect();
    needs.sort_by_key(|need| Reverse(need.samples));
    let occurring: BTreeSet<usize> = classes.iter().copied().collect();
    let shown: Vec<usize> = occurring.into_iter().collect();
    let shown = if shown.len() > OUTPUTS_APART {
        Vec::new()
    } else {
        shown
    };
    let subsets = found
        .subsets
        .iter()
        .enumerate()
        .filter(|_| !shown.is_empty());
    let by_class = subsets.map(|(subset, margins)| MeanMargins {
        modules: (0..groups.len()).filter(|k| subset >> k & 1 == 1).collect(),
        margins: shown
            .iter()
            .map(|class| mean_of(margins, classes, *class))
            .collect(),
    });
    Margins {
        additivity: found.additivity(),
        wrong: each.iter().filter(|needs| needs.is_none()).count(),
        needs,
        by_class: by_class.collect(),
        classes: shown,
    }
}

/// The mean over the samples of a class.
fn mean_of(margins: &[f64], classes: &[usize], class: usize) -> f64 {
    let of_class = margins.iter().zip(classes).filter(|(_, of)| **of == class);
    statistics::mean(&of_class.map(|(margin, _)| *margin).collect::<Vec<_>>())
}

fn lesion(module: usize, scope: Scope, fill: Fill, metric: &str, ablation: &Ablation) -> Lesion {
    let (random_mean, random_sd) = ablation.random_mean_and_sd();
    Lesion {
        module,
        scope,
        fill,
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

/// The nodes of each module, by number.
fn groups<T: Scalar>(
    graph: &Graph,
    network: &dyn Patchable<Number = T>,
    partition: &[Assignment],
) -> Vec<Vec<usize>> {
    let names = graph.names(network);
    let count = partition.iter().map(|a| a.module + 1).max().unwrap_or(0);
    let mut groups = vec![Vec::new(); count];
    for assignment in partition {
        if let Some(node) = names.iter().position(|name| *name == assignment.site) {
            groups[assignment.module].push(node);
        }
    }
    groups
}
