//! What the modules say about the task: embeddings, signs, neurons of many purposes, formulas.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, Axis};

use super::subject::Subject;
use super::{surface, units};
use crate::choice::Fill;
use crate::model::Mlp;
use crate::modules::embeddings::{correlation, frequencies, permutation_signs, principal};
use crate::modules::representations::Symmetric;
use crate::modules::{formula, pizza};
use crate::numeric::{Scalar, statistics};
use crate::order;
use crate::result::{
    Addition, Embedding, Formula, Insight, Modules, NodeAblation, Polysemanticity, Represented,
    SignDimension,
};

/// An output with more weights than this has no formula that one could read.
const MOST_WEIGHTS: usize = 40;

/// Modules that are run alone, at most: the largest.
const MOST_ALONE: usize = 12;

/// Permutations of up to so many things are looked for.
const MOST_THINGS: usize = 6;

/// Everything that can be said.
pub fn insight<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    modules: &Modules,
    nodes: &[NodeAblation],
) -> Insight {
    let table = subject.model.embedding.as_ref();
    let table = table.map(|table| table.mapv(Scalar::widen));
    let owners = table.as_ref().map(|_| owners(subject, modules));
    let (embeddings, signs) = match table.as_ref().zip(owners.as_ref()) {
        Some((table, owners)) => (
            embeddings(subject, table, owners),
            signs(subject, table, owners),
        ),
        None => Default::default(),
    };
    let represented = table.as_ref().zip(owners.as_ref());
    let represented = represented.map(|(table, owners)| representations(subject, table, owners));
    Insight {
        embeddings,
        signs,
        representations: represented.unwrap_or_default(),
        polysemanticity: polysemanticity(nodes),
        formulas: formulas(subject, pruned),
        additions: additions(subject, pruned, modules),
        surfaces: surface::surfaces(subject, pruned, modules),
        units: units::units(subject, pruned, modules),
    }
}

/// Clock or pizza: the whole network, then each module with the others' messages zero.
fn additions<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    modules: &Modules,
) -> Vec<Addition> {
    if !task(subject).contains("modular") {
        return Vec::new();
    }
    let wide = pruned.widened();
    let of = modules
        .partition
        .iter()
        .map(|a| (a.site.as_str(), a.module));
    let of: BTreeMap<&str, usize> = of.collect();
    let each = (0..modules.count.min(MOST_ALONE)).filter_map(|module| {
        let is_in = |layer: usize, position: usize| {
            of.get(subject.sites.name(layer, position).as_str()) == Some(&module)
        };
        pizza::addition(&pizza::alone(&wide, is_in), Some(module), 0)
    });
    let whole = pizza::addition(&wide, None, 0);
    whole.into_iter().chain(each).collect()
}

/// The modules of each embedding dimension: its inputs may be in several.
fn owners<T: Scalar>(subject: &Subject<'_, T>, modules: &Modules) -> Vec<BTreeSet<usize>> {
    let fold = subject.model.in_perm.len();
    let mut owners = vec![BTreeSet::new(); fold];
    for assignment in &modules.partition {
        let input = assignment.site.strip_prefix('x');
        if let Some(position) = input.and_then(|q| q.parse::<usize>().ok()) {
            owners[subject.model.in_perm[position % fold]].insert(assignment.module);
        }
    }
    owners
}

/// The whole table, then the dimensions of each module that has several.
fn embeddings<T: Scalar>(
    subject: &Subject<'_, T>,
    table: &Array2<f64>,
    owners: &[BTreeSet<usize>],
) -> Vec<Embedding> {
    let is_cyclic = task(subject).contains("modular");
    let shape = |module: Option<usize>, dimensions: Vec<usize>| {
        let part = table.select(Axis(1), &dimensions);
        let found = principal(part.view());
        Embedding {
            module,
            dimensions,
            variance: found.shares,
            points: found.points,
            frequencies: if is_cyclic {
                frequencies(part.view())
            } else {
                Vec::new()
            },
        }
    };
    let mut all = vec![shape(None, (0..table.ncols()).collect())];
    let modules: BTreeSet<usize> = owners.iter().flatten().copied().collect();
    for module in modules {
        let mine = |d: &usize| owners[*d].contains(&module);
        let dimensions: Vec<usize> = (0..owners.len()).filter(mine).collect();
        if dimensions.len() > 1 {
            all.push(shape(Some(module), dimensions));
        }
    }
    all
}

/// The name of the task, as far as files tell.
fn task<T: Scalar>(subject: &Subject<'_, T>) -> String {
    let config = subject
        .files
        .checkpoint
        .config
        .get("task")
        .and_then(|t| t.as_str());
    let named = config
        .map(str::to_owned)
        .or_else(|| subject.files.data.task.name.clone());
    named.unwrap_or_default()
}

/// How well each dimension follows the sign, where tokens are all permutations in
/// lexicographic order, as the task's name says.
fn signs<T: Scalar>(
    subject: &Subject<'_, T>,
    table: &Array2<f64>,
    owners: &[BTreeSet<usize>],
) -> Vec<SignDimension> {
    let Some(degree) = things_permuted(subject, table) else {
        return Vec::new();
    };
    let signs = permutation_signs(degree);
    let columns: Vec<Vec<f64>> = table.columns().into_iter().map(|c| c.to_vec()).collect();
    let total: f64 = columns.iter().map(|column| spread(column)).sum();
    let dimension = |(dimension, column): (usize, &Vec<f64>)| {
        let module = only(&owners[dimension]);
        let sharers = owners
            .iter()
            .filter(|o| module.is_some_and(|m| o.contains(&m)));
        SignDimension {
            dimension,
            correlation: correlation(column, &signs),
            variance: spread(column) / total,
            module,
            alone: sharers.count() == 1,
        }
    };
    let mut all: Vec<SignDimension> = columns.iter().enumerate().map(dimension).collect();
    order::descending(&mut all, |one| one.correlation.abs());
    all
}

/// How many things are permuted, where tokens are all permutations of them in
/// lexicographic order, as the task's name says.
fn things_permuted<T: Scalar>(subject: &Subject<'_, T>, table: &Array2<f64>) -> Option<usize> {
    let factorial = |n: usize| (1..=n).product::<usize>();
    let degree = (2..=MOST_THINGS).find(|n| factorial(*n) == table.nrows());
    degree.filter(|_| task(subject).contains("permutation"))
}

/// Variance over the tokens.
fn spread(column: &[f64]) -> f64 {
    statistics::population_sd(column).powi(2)
}

/// The one module of a dimension's inputs.
fn only(owners: &BTreeSet<usize>) -> Option<usize> {
    owners.first().copied().filter(|_| owners.len() == 1)
}

/// Every dimension that varies by the irreducible representation that stands out in it,
/// where tokens are permutations.
fn representations<T: Scalar>(
    subject: &Subject<'_, T>,
    table: &Array2<f64>,
    owners: &[BTreeSet<usize>],
) -> Vec<Represented> {
    let Some(degree) = things_permuted(subject, table) else {
        return Vec::new();
    };
    let group = Symmetric::new(degree);
    let columns: Vec<Vec<f64>> = table.columns().into_iter().map(|c| c.to_vec()).collect();
    let total: f64 = columns.iter().map(|column| spread(column)).sum();
    let varying = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| spread(column) > 0.0);
    let mut all: Vec<Represented> = varying
        .map(|(dimension, column)| Represented {
            dimension,
            variance: spread(column) / total,
            module: only(&owners[dimension]),
            ..represented(&group, column)
        })
        .collect();
    let ps: Vec<f64> = all.iter().map(|one| one.p).collect();
    for (one, p_holm) in all.iter_mut().zip(statistics::holm(&ps)) {
        one.p_holm = p_holm;
    }
    all
}

/// The representation whose share is the least likely of noise, with p corrected for all.
fn represented(group: &Symmetric, values: &[f64]) -> Represented {
    let shares = group.shares(values);
    let p = |k: usize| group.p(k, shares[k]);
    let tried = 1..shares.len();
    let best = tried
        .clone()
        .min_by(|a, b| p(*a).total_cmp(&p(*b)))
        .unwrap_or_default();
    let p = (p(best) * tried.len() as f64).min(1.0);
    Represented {
        dimension: 0,
        partition: group.partitions[best].clone(),
        degree: group.dimension(best),
        share: shares[best],
        p,
        p_holm: p,
        variance: 0.0,
        module: None,
    }
}

/// The participation ratio of the effects of every hidden neuron, mean fill where there is one.
fn polysemanticity(nodes: &[NodeAblation]) -> Vec<Polysemanticity> {
    let mean = nodes
        .iter()
        .find(|n| n.fill == Fill::Mean)
        .or(nodes.first());
    let index = |effect: &crate::result::NodeEffect| {
        let sum: f64 = effect.outputs.iter().map(|o| o.effect.abs()).sum();
        let squares: f64 = effect.outputs.iter().map(|o| o.effect.powi(2)).sum();
        (squares > 0.0 && effect.site.starts_with('h')).then(|| Polysemanticity {
            site: effect.site.clone(),
            index: sum * sum / squares,
        })
    };
    let effects = mean.iter().flat_map(|n| &n.effects);
    let mut all: Vec<Polysemanticity> = effects.filter_map(index).collect();
    order::descending(&mut all, |one| one.index);
    all
}

/// The outputs that few weights make, each checked on the samples.
fn formulas<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Vec<Formula> {
    let inputs = subject.batch.inputs.mapv(Scalar::widen);
    let outputs = pruned.outputs(subject.batch.inputs.view());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut names: Vec<String> = (0..inputs.nrows()).map(|q| subject.input_name(q)).collect();
    names
        .iter()
        .for_each(|name| *seen.entry(name.clone()).or_default() += 1);
    // Names that are not their own are no names.
    for (q, name) in names.iter_mut().enumerate() {
        if seen.get(name.as_str()).is_some_and(|n| *n > 1) || name.contains(' ') {
            *name = format!("x{q}");
        }
    }
    let of = |position: usize| {
        let found = formula::Formula::of_output(pruned, position, MOST_WEIGHTS)?;
        let values = found.evaluate(inputs.view());
        let differences = values.iter().zip(outputs.row(position));
        let differences = differences.map(|(a, b)| (a - b.widen()).abs());
        let (output, name) = subject.outputs[position].clone();
        Some(Formula {
            output,
            name,
            text: found.text(&names),
            latex: found.latex(&names),
            max_abs_difference: differences.fold(0.0, f64::max),
        })
    };
    (0..subject.outputs.len()).filter_map(of).collect()
}
