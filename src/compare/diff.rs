//! Two versions of one network on the same samples: what is another, and what stayed.
//!
//! It reads the audits of both, their outputs and their tensors, and computes nothing
//! that needs a network. Inputs and outputs are compared by their own names, hidden sites
//! by their places: a version whose neurons were renumbered is another network here.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::audit::{self, Config};
use crate::checkpoint::{Checkpoint, Tensor};
use crate::data::{Dataset, Labels};
use crate::metric::decision;
use crate::numeric::assign;
use crate::prune::Tolerance;
use crate::result::{
    Audit, ChangedCircuit, ChangedDecision, ChangedDecisions, ChangedEdges, ChangedModules,
    ChangedOutput, ChangedPruning, ChangedTensor, Circuit, Diff, DiffLimits, MatchedModules,
    Modules, Versions,
};
use crate::{Error, ErrorKind, Result};

/// Audits both versions and sets them beside each other. `progress` is told the stage
/// that begins.
///
/// # Errors
/// If either is no network this tool knows, the data do not fit it, or the two have
/// other numbers of outputs.
pub fn diff(
    old: &Checkpoint,
    new: &Checkpoint,
    data: &Dataset,
    config: &Config,
    limits: DiffLimits,
    progress: &dyn Fn(&str),
) -> Result<Diff> {
    let outputs = outputs_of(old, new, data, config)?;
    let tolerance = limits
        .tolerance
        .map_or(config.prune.tolerance, Tolerance::Absolute);
    if config.certify.is_some() {
        progress("proving");
    }
    let equivalence = audit::equivalence(old, new, data, config, tolerance)?;
    let (before, after) = audited(old, new, data, config, progress)?;
    let name = |output: usize| data.output_name(output, outputs.old.nrows());
    Ok(Diff {
        schema: after.schema.clone(),
        tool: after.tool.clone(),
        command: config.command.clone(),
        seed: config.seed,
        summary: Vec::new(),
        data: after.data.clone(),
        limits,
        task: Versions {
            old: before.task.clone(),
            new: after.task.clone(),
        },
        decisions: classes(data).map(|labels| {
            let class = |class: usize| data.class_name(class, outputs.old.nrows());
            decisions(&outputs, labels, &class)
        }),
        equivalence,
        outputs: changed_outputs(outputs.old.view(), outputs.new.view(), &name),
        tensors: changed_tensors(&old.tensors, &new.tensors),
        pruned: pruned(&before, &after),
        modules: before
            .modules
            .as_ref()
            .zip(after.modules.as_ref())
            .map(|(old, new)| modules(old, new)),
        circuits: circuits(&before.circuits, &after.circuits),
        checkpoints: Versions {
            old: before.checkpoint,
            new: after.checkpoint,
        },
        network: after.network,
    })
}

/// The outputs of both versions.
fn outputs_of(
    old: &Checkpoint,
    new: &Checkpoint,
    data: &Dataset,
    config: &Config,
) -> Result<Versions<Array2<f64>>> {
    let outputs = Versions {
        old: audit::outputs(old, data, config)?,
        new: audit::outputs(new, data, config)?,
    };
    match outputs.old.nrows() == outputs.new.nrows() {
        true => Ok(outputs),
        false => Err(ErrorKind::NotComparable {
            what: "number of outputs".to_owned(),
            found: outputs.new.nrows().to_string(),
            expected: outputs.old.nrows().to_string(),
        }
        .at(&new.path)),
    }
}

/// The audits of both versions, the old one's inputs and outputs named as the new one's.
fn audited(
    old: &Checkpoint,
    new: &Checkpoint,
    data: &Dataset,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<(Audit, Audit)> {
    // What is certified is not the pruning of each version.
    let config = Config {
        certify: None,
        ..config.clone()
    };
    let one = |version: &str, checkpoint: &Checkpoint| {
        let told = |stage: &str| progress(&format!("{version}: {stage}"));
        Ok::<_, Error>(audit::audit(checkpoint, data, &config, &told)?.result)
    };
    let (mut before, after) = (one("old", old)?, one("new", new)?);
    name_as(&mut before, &after);
    Ok((before, after))
}

/// Gives the inputs and outputs of a version the sites that those of the same names have
/// in another, wherever both name them alike.
fn name_as(old: &mut Audit, new: &Audit) {
    let mut sites: BTreeMap<String, String> = BTreeMap::new();
    let ends = |audit: &Audit| {
        let layers = &audit.network.layers;
        [layers.first().cloned(), layers.last().cloned()]
    };
    for (before, after) in ends(old).into_iter().zip(ends(new)) {
        let (Some(before), Some(after)) = (before, after) else {
            return;
        };
        let by_name: BTreeMap<&String, &String> = after
            .sites
            .iter()
            .map(|site| (&site.name, &site.site))
            .collect();
        let names: BTreeSet<&String> = before.sites.iter().map(|site| &site.name).collect();
        let alike = names.len() == before.sites.len()
            && names.iter().all(|name| by_name.contains_key(*name));
        if alike && by_name.len() == after.sites.len() {
            let renamed = before
                .sites
                .iter()
                .filter_map(|site| Some((site.site.clone(), (*by_name.get(&site.name)?).clone())));
            sites.extend(renamed);
        }
    }
    let rename = |site: &mut String| {
        if let Some(other) = sites.get(site.as_str()) {
            site.clone_from(other);
        }
    };
    for layer in &mut old.network.layers {
        layer
            .sites
            .iter_mut()
            .for_each(|site| rename(&mut site.site));
    }
    for circuit in &mut old.circuits {
        rename(&mut circuit.output);
        for edge in circuit.edges.iter_mut() {
            rename(&mut edge.from);
            rename(&mut edge.to);
        }
    }
    let partition = old.modules.iter_mut().flat_map(|m| &mut m.partition);
    partition.for_each(|assignment| rename(&mut assignment.site));
}

fn classes(data: &Dataset) -> Option<&[usize]> {
    match &data.labels {
        Some(Labels::Classes(classes)) => Some(classes),
        Some(Labels::Targets(_)) | None => None,
    }
}

/// Which samples are decided otherwise; outputs `[outputs, samples]`.
fn decisions(
    outputs: &Versions<Array2<f64>>,
    labels: &[usize],
    class: &dyn Fn(usize) -> String,
) -> ChangedDecisions {
    let decided = |outputs: &Array2<f64>| outputs.columns().into_iter().map(decision).collect();
    let (old, new): (Vec<usize>, Vec<usize>) = (decided(&outputs.old), decided(&outputs.new));
    let pairs = old.iter().zip(&new).zip(labels).enumerate();
    let others: Vec<(usize, usize, usize, usize)> = pairs
        .filter(|(_, ((old, new), _))| old != new)
        .map(|(sample, ((old, new), label))| (sample, *old, *new, *label))
        .collect();
    let number = |is: &dyn Fn(usize, usize, usize) -> bool| {
        let of = others
            .iter()
            .filter(|(_, old, new, label)| is(*old, *new, *label));
        of.count()
    };
    ChangedDecisions {
        samples: labels.len(),
        mended: number(&|_, new, label| new == label),
        broken: number(&|old, _, label| old == label),
        changed: others
            .iter()
            .map(|(sample, old, new, label)| ChangedDecision {
                sample: *sample,
                label: class(*label),
                old: class(*old),
                new: class(*new),
            })
            .collect(),
    }
}

/// The change of each output over the samples; `[outputs, samples]` both.
fn changed_outputs(
    old: ArrayView2<'_, f64>,
    new: ArrayView2<'_, f64>,
    name: &dyn Fn(usize) -> String,
) -> Vec<ChangedOutput> {
    let rows = old.rows().into_iter().zip(new.rows()).enumerate();
    let one = |(output, (old, new)): (usize, (ArrayView1<'_, f64>, ArrayView1<'_, f64>))| {
        let changes: Vec<f64> = old.iter().zip(new).map(|(a, b)| (b - a).abs()).collect();
        let largest = changes.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        let (sample, max_abs_change) =
            largest.map_or((0, 0.0), |(sample, change)| (sample, *change));
        ChangedOutput {
            output,
            name: name(output),
            max_abs_change,
            sample,
            mean_abs_change: changes.iter().sum::<f64>() / changes.len().max(1) as f64,
            sd: old.std(0.0),
        }
    };
    rows.map(one).collect()
}

/// The change of every tensor that either version has.
fn changed_tensors(
    old: &BTreeMap<String, Tensor>,
    new: &BTreeMap<String, Tensor>,
) -> Vec<ChangedTensor> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let one = |name: &&String| {
        let (old, new) = (old.get(*name), new.get(*name));
        let shapes = Versions {
            old: old.map(|t| t.shape.clone()),
            new: new.map(|t| t.shape.clone()),
        };
        let same = old.zip(new).filter(|(a, b)| a.shape == b.shape);
        let change = same.map(|(a, b)| Change::of(&a.to_f64(), &b.to_f64()));
        ChangedTensor {
            tensor: (*name).clone(),
            shapes,
            changed: change.as_ref().map(|c| c.entries),
            max_abs_change: change.as_ref().map(|c| c.largest),
            relative_change: change.and_then(|c| c.relative),
        }
    };
    names.iter().map(one).collect()
}

/// How far two lists of as many numbers are apart.
struct Change {
    entries: usize,
    largest: f64,
    relative: Option<f64>,
}

impl Change {
    fn of(old: &[f64], new: &[f64]) -> Self {
        let steps = || old.iter().zip(new).map(|(a, b)| b - a);
        let square = |sum: f64, x: f64| x.mul_add(x, sum);
        let length = old.iter().copied().fold(0.0, square).sqrt();
        Self {
            entries: steps().filter(|step| *step != 0.0).count(),
            largest: steps().map(f64::abs).fold(0.0, f64::max),
            relative: (length > 0.0).then(|| steps().fold(0.0, square).sqrt() / length),
        }
    }
}

/// What pruning leaves of each, where both have the same sites.
fn pruned(old: &Audit, new: &Audit) -> Option<ChangedPruning> {
    let (before, after) = (old.prune.as_ref()?, new.prune.as_ref()?);
    let has_layers = !old.network.layers.is_empty();
    if !has_layers || old.checkpoint.layers != new.checkpoint.layers {
        return None;
    }
    Some(ChangedPruning {
        thresholds: Versions {
            old: before.threshold,
            new: after.threshold,
        },
        verified: Versions {
            old: before.verified,
            new: after.verified,
        },
        edges: edges(
            &surviving(old, before.threshold),
            &surviving(new, after.threshold),
        ),
    })
}

/// The weights that a threshold leaves, by their ends.
fn surviving(audit: &Audit, threshold: f64) -> BTreeSet<[String; 2]> {
    let network = &audit.network;
    let mut found = BTreeSet::new();
    for (pair, weights) in network.layers.windows(2).zip(&network.weights) {
        let [writers, readers] = pair else { continue };
        for (row, reader) in weights
            .chunks(writers.sites.len().max(1))
            .zip(&readers.sites)
        {
            for (weight, writer) in row.iter().zip(&writers.sites) {
                if weight.is_some_and(|w| w != 0.0 && w.abs() >= threshold) {
                    found.insert([writer.site.clone(), reader.site.clone()]);
                }
            }
        }
    }
    found
}

fn edges(old: &BTreeSet<[String; 2]>, new: &BTreeSet<[String; 2]>) -> ChangedEdges {
    ChangedEdges {
        both: old.intersection(new).count(),
        gained: new.difference(old).cloned().collect(),
        lost: old.difference(new).cloned().collect(),
    }
}

/// Modules one to one, so that they share the most sites.
fn modules(old: &Modules, new: &Modules) -> ChangedModules {
    let of = |m: &Modules| -> BTreeMap<String, usize> {
        let all = m.partition.iter();
        all.map(|a| (a.site.clone(), a.module)).collect()
    };
    let (before, after) = (of(old), of(new));
    let mut shared = Array2::<f64>::zeros((old.count, new.count));
    for (site, module) in &before {
        let both = after.get(site).map(|other| [*module, *other]);
        if let Some(cell) = both.and_then(|both| shared.get_mut(both)) {
            *cell += 1.0;
        }
    }
    let size = |of: &BTreeMap<String, usize>, module| of.values().filter(|m| **m == module).count();
    let matched: Vec<MatchedModules> = one_to_one(&shared)
        .into_iter()
        .filter(|pair| shared[*pair] > 0.0)
        .map(|[one, other]| MatchedModules {
            old: one,
            new: other,
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count"
            )]
            shared: shared[[one, other]] as usize,
            sizes: [size(&before, one), size(&after, other)],
        })
        .collect();
    ChangedModules {
        counts: Versions {
            old: old.count,
            new: new.count,
        },
        modularity: Versions {
            old: old.modularity,
            new: new.modularity,
        },
        sites: before
            .keys()
            .filter(|site| after.contains_key(*site))
            .count(),
        stayed: matched.iter().map(|m| m.shared).sum(),
        matched,
    }
}

/// Rows and columns one to one, so that the scores add up to the most.
fn one_to_one(score: &Array2<f64>) -> Vec<[usize; 2]> {
    match score.nrows() <= score.ncols() {
        true => assign(score.view())
            .into_iter()
            .enumerate()
            .map(|(r, c)| [r, c])
            .collect(),
        false => assign(score.t())
            .into_iter()
            .enumerate()
            .map(|(c, r)| [r, c])
            .collect(),
    }
}

/// The circuits of every answer and method that both have.
fn circuits(old: &[Circuit], new: &[Circuit]) -> Vec<ChangedCircuit> {
    let ends = |c: &Circuit| -> BTreeSet<[String; 2]> {
        let all = c.edges.iter();
        all.map(|e| [e.from.clone(), e.to.clone()]).collect()
    };
    let pair = |after: &Circuit| {
        let same = |c: &&Circuit| c.output == after.output && c.method == after.method;
        let before = old.iter().find(same)?;
        Some(ChangedCircuit {
            output: after.output.clone(),
            name: after.output_name.clone(),
            method: after.method,
            metric: after.metric,
            faithfulness: Versions {
                old: before.faithfulness,
                new: after.faithfulness,
            },
            edges: edges(&ends(before), &ends(after)),
        })
    };
    new.iter().filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Assignment;
    use ndarray::array;

    #[test]
    fn decisions_are_counted_in_both_directions() {
        // Samples 1 and 3 change: 1 was right and is wrong, 3 was wrong and is right.
        let outputs = Versions {
            old: array![[1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0]],
            new: array![[1.0, 0.0, 0.0, 0.2], [0.0, 0.5, 1.0, 0.9]],
        };
        let found = decisions(&outputs, &[0, 0, 1, 1], &|class| format!("c{class}"));
        assert_eq!((found.samples, found.mended, found.broken), (4, 1, 1));
        let samples: Vec<usize> = found.changed.iter().map(|c| c.sample).collect();
        assert_eq!(samples, [1, 3]);
        assert_eq!(
            (found.changed[0].old.as_str(), found.changed[0].new.as_str()),
            ("c0", "c1")
        );
    }

    #[test]
    fn the_largest_change_says_where() {
        let (old, new) = (array![[0.0, 1.0, 2.0]], array![[0.5, 1.0, 0.0]]);
        let found = changed_outputs(old.view(), new.view(), &|_| "sum".to_owned());
        let found = &found[0];
        assert_eq!((found.max_abs_change, found.sample), (2.0, 2));
        assert!((found.mean_abs_change - 2.5 / 3.0).abs() < 1e-15);
        assert!((found.sd - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn a_change_of_weights_is_told_relative_to_what_was() {
        // ‖(0, 0, 1)‖ / ‖(3, 4, 0)‖ = 1/5.
        let change = Change::of(&[3.0, 4.0, 0.0], &[3.0, 4.0, -1.0]);
        assert_eq!((change.entries, change.largest), (1, 1.0));
        assert!(change.relative.is_some_and(|r| (r - 0.2).abs() < 1e-15));
        assert_eq!(Change::of(&[0.0], &[1.0]).relative, None);
    }

    #[test]
    fn tensors_of_one_version_alone_have_no_change() {
        let tensor = |values: &[f64]| Tensor::of_floats(&[values.len()], values);
        let old = BTreeMap::from([
            ("a".to_owned(), tensor(&[1.0])),
            ("b".to_owned(), tensor(&[1.0])),
        ]);
        let new = BTreeMap::from([
            ("b".to_owned(), tensor(&[1.0, 2.0])),
            ("c".to_owned(), tensor(&[1.0])),
        ]);
        let found = changed_tensors(&old, &new);
        let shapes: Vec<_> = found
            .iter()
            .map(|t| {
                (
                    t.tensor.as_str(),
                    t.shapes.old.is_some(),
                    t.shapes.new.is_some(),
                    t.changed,
                )
            })
            .collect();
        assert_eq!(
            shapes,
            [
                ("a", true, false, None),
                ("b", true, true, None),
                ("c", false, true, None)
            ]
        );
    }

    #[test]
    fn ends_are_compared_by_their_names() {
        let json = include_str!("../../tests/suite/data/report.json");
        let new: Audit = serde_json::from_str(json).expect("the fixture is a result");
        let mut old = new.clone();
        // The first two inputs stand in each other's places, with their weights.
        let inputs = &mut old.network.layers[0].sites;
        let (first, second) = (inputs[0].name.clone(), inputs[1].name.clone());
        (inputs[0].name, inputs[1].name) = (second, first);
        for row in old.network.weights[0].chunks_mut(4) {
            row.swap(0, 1);
        }
        name_as(&mut old, &new);
        let kept = edges(&surviving(&old, 0.0015), &surviving(&new, 0.0015));
        assert!(kept.gained.is_empty() && kept.lost.is_empty(), "{kept:?}");
    }

    #[test]
    fn sets_of_edges_are_told_apart() {
        let set = |pairs: &[[&str; 2]]| pairs.iter().map(|p| p.map(str::to_owned)).collect();
        let (old, new) = (
            set(&[["a", "b"], ["b", "c"]]),
            set(&[["b", "c"], ["a", "c"]]),
        );
        let found = edges(&old, &new);
        assert_eq!(found.both, 1);
        assert_eq!(found.gained, [["a".to_owned(), "c".to_owned()]]);
        assert_eq!(found.lost, [["a".to_owned(), "b".to_owned()]]);
    }

    #[test]
    fn modules_are_matched_by_the_sites_they_share() {
        // Old 0 = {a, b}, 1 = {c, d}; new 0 = {c, d, b}, 1 = {a}: b changes its module.
        let with = |partition: &[(&str, usize)]| {
            let json = include_str!("../../tests/suite/data/report.json");
            let audit: Audit = serde_json::from_str(json).expect("the fixture is a result");
            let mut modules = audit.modules.expect("it has modules");
            modules.count = 2;
            modules.partition = partition
                .iter()
                .map(|(site, module)| Assignment {
                    site: (*site).to_owned(),
                    module: *module,
                })
                .collect();
            modules
        };
        let old = with(&[("a", 0), ("b", 0), ("c", 1), ("d", 1)]);
        let new = with(&[("c", 0), ("d", 0), ("b", 0), ("a", 1)]);
        let found = modules(&old, &new);
        let pairs: Vec<_> = found
            .matched
            .iter()
            .map(|m| (m.old, m.new, m.shared))
            .collect();
        assert_eq!(pairs, [(0, 1, 1), (1, 0, 2)]);
        assert_eq!((found.sites, found.stayed), (4, 3));
    }
}
