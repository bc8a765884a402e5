//! One network on the bench: its audit, its controls, its circuits under test.

use std::collections::BTreeMap;

use super::numbers::{Source, numbers};
use super::points;
use super::tests_of_circuits::circuits;
use super::{Config, Entry, Part};
use crate::audit::Files;
use crate::audit::audit;
use crate::audit::searched::{exact, searched};
use crate::audit::subject::Subject;
use crate::data::Dataset;
use crate::metric::Metric;
use crate::model::{Loaded, Mlp};
use crate::numeric::Scalar;
use crate::numeric::statistics::bootstrap_interval;
use crate::order;
use crate::prune::{Threshold, apply};
use crate::result::{
    self, Audit, Circuit, ComparedNetwork, FrontPoint, Picture, PlacedLayer, Prune,
};
use crate::{Result, audit::Stages};

/// Edges of a network that are drawn, the strongest.
const DRAWN: usize = 240;

/// Resamples of a bootstrap interval.
const RESAMPLES: usize = 1000;

/// Everything that is measured of a network alone.
pub fn measure<T: Scalar>(
    entry: &Entry,
    data: &Dataset,
    loaded: &Loaded,
    model: &Mlp<T>,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<Part> {
    progress("audit");
    let audited = audit(&entry.checkpoint, data, &config.audit, &|_| ())?.result;
    let equal = at_equal_threshold(entry, data, config)?;
    progress("controls");
    let draws = config.control_draws;
    let controls = searched(&entry.checkpoint, data, loaded, &config.audit, draws)?;
    progress("tests of circuits");
    let subject = Subject::new(
        Files {
            checkpoint: &entry.checkpoint,
            loaded,
            data,
        },
        model,
    )?;
    let threshold = audited.prune.as_ref().map_or(0.0, |p| p.threshold);
    let pruned = apply(model, threshold, config.audit.prune.biases);
    let circuits = circuits(&subject, &pruned, &audited, &controls, config)?;
    let numbers = numbers(&Source {
        audit: &audited,
        equal: equal.as_ref(),
        circuits: &circuits,
        controls: &controls,
        accuracy: accuracy(&subject),
        config,
        training: &entry.checkpoint.config,
    });
    let network = ComparedNetwork {
        name: entry.name.clone(),
        path: audited.checkpoint.path.clone(),
        sha256: audited.checkpoint.sha256.to_string(),
        group: entry.group.clone(),
        seed: entry.seed,
        task: audited.task.clone(),
        values: numbers.values,
        intervals: intervals(&subject, config.audit.seed),
        front: front(&exact(&audited)),
        circuits,
        picture: picture(&audited, threshold),
    };
    Ok(Part {
        network,
        infos: numbers.infos,
        data: subject.data_info(),
        metric: audited.circuits.first().map(|c| c.metric),
        layers: audited.checkpoint.layers.clone(),
        places: places(&audited.network),
    })
}

/// What pruning does at the threshold that is the same for all networks.
fn at_equal_threshold(entry: &Entry, data: &Dataset, config: &Config) -> Result<Option<Prune>> {
    let mut at = config.audit.clone();
    at.prune.threshold = Threshold::At(config.equal_threshold);
    at.certify = None;
    at.stages = Stages {
        modules: false,
        circuits: false,
    };
    Ok(audit(&entry.checkpoint, data, &at, &|_| ())?.result.prune)
}

/// Share of right decisions of the whole network.
fn accuracy<T: Scalar>(subject: &Subject<'_, T>) -> Option<f64> {
    let classes = subject.batch.classes.clone()?;
    Some(Metric::Accuracy { classes }.mean(subject.clean.view()))
}

/// 95 % bootstrap intervals over the samples of the whole network's means, by key.
fn intervals<T: Scalar>(subject: &Subject<'_, T>, seed: u64) -> BTreeMap<String, [f64; 2]> {
    let accuracy = subject.batch.classes.clone();
    let accuracy = accuracy.map(|classes| Metric::Accuracy { classes });
    let means = [
        ("loss", subject.loss.as_ref()),
        ("accuracy", accuracy.as_ref()),
    ];
    let interval = |(key, metric): (&str, Option<&Metric>)| {
        let values = metric?.values(subject.clean.view());
        let resampled = |rows: &[usize]| {
            let sum: f64 = rows.iter().map(|row| values[*row]).sum();
            Some(sum / rows.len() as f64)
        };
        let found = bootstrap_interval(values.len(), RESAMPLES, seed, resampled)?;
        Some((key.to_owned(), found))
    };
    means.into_iter().filter_map(interval).collect()
}

/// Circuits along their size, about ten sizes per factor of ten, means over outputs.
fn front(circuits: &[&Circuit]) -> Vec<FrontPoint> {
    const PER_DECADE: f64 = 10.0;
    let total = circuits.first().map_or(0, |c| c.edges_total);
    let largest = circuits
        .iter()
        .filter_map(|c| c.sweep.last())
        .map(|point| point.edges_kept)
        .max();
    let mut sizes: Vec<usize> = Vec::new();
    for step in 0.. {
        let size = 10_f64.powf(f64::from(step) / PER_DECADE).round() as usize;
        if size >= largest.unwrap_or(0) {
            break;
        }
        sizes.push(size);
    }
    sizes.extend(largest);
    sizes.dedup();
    let point = |edges: usize| {
        let at = |of: fn(&Circuit, &result::SweepPoint) -> Option<f64>| {
            let each = circuits
                .iter()
                .map(|c| points::at_size(c, edges).and_then(|p| of(c, p)));
            points::mean(each)
        };
        FrontPoint {
            edges,
            kept: edges as f64 / total.max(1) as f64,
            gap: at(|circuit, point| points::relative(circuit, point.gap)),
            faithfulness: at(|_, point| point.faithfulness),
        }
    };
    sizes.into_iter().map(point).collect()
}

/// The strongest surviving edges.
fn picture(audit: &Audit, threshold: f64) -> Picture {
    let mut edges: Vec<(usize, usize, usize, f64)> = Vec::new();
    for (layer, weights) in audit.network.weights.iter().enumerate() {
        let width = audit.checkpoint.layers[layer].max(1);
        for (place, weight) in weights.iter().enumerate() {
            match weight {
                Some(w) if w.abs() >= threshold && *w != 0.0 => {
                    edges.push((layer, place % width, place / width, *w));
                }
                _ => {}
            }
        }
    }
    let surviving = edges.len();
    order::descending(&mut edges, |one| one.3.abs());
    edges.truncate(DRAWN);
    // Three digits draw as well as seventeen.
    for edge in &mut edges {
        edge.3 = (edge.3 * 1e3).round() / 1e3;
    }
    Picture { surviving, edges }
}

fn places(network: &result::Network) -> Vec<PlacedLayer> {
    let layer = |layer: &result::Layer| PlacedLayer {
        arrangement: layer.arrangement,
        sites: layer.sites.iter().map(|s| (s.x, s.y)).collect(),
    };
    network.layers.iter().map(layer).collect()
}
