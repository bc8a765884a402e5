//! What the hidden neurons of each module do: what they write against what comes in.

use std::collections::BTreeMap;

use super::subject::Subject;
use crate::model::Mlp;
use crate::numeric::{Scalar, statistics};
use crate::order;
use crate::result::{Modules, Unit};

/// Modules whose neurons are told, the largest, and neurons of each.
const MODULES: usize = 6;
const OF_MODULE: usize = 4;

/// Samples of each neuron, at equal ranks of the sum.
const POINTS: usize = 41;

/// Of the largest modules the hidden neurons that write the most: the spread of what they write
/// times the |w| by which it is read.
pub fn units<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>, modules: &Modules) -> Vec<Unit> {
    let of = modules.partition.iter();
    let of: BTreeMap<&str, usize> = of.map(|a| (a.site.as_str(), a.module)).collect();
    let trace = pruned.forward(subject.batch.inputs.clone());
    let mut all: BTreeMap<usize, Vec<(f64, Unit)>> = BTreeMap::new();
    for (hidden, reads) in trace.reads.iter().enumerate() {
        let (written, readers) = (&trace.values[hidden + 1], &pruned.layers[hidden + 1].weight);
        for (position, sums) in reads.rows().into_iter().enumerate() {
            let site = subject.sites.name(hidden + 1, position);
            let Some(module) = of.get(site.as_str()).copied().filter(|m| *m < MODULES) else {
                continue;
            };
            let values: Vec<f64> = written.row(position).iter().map(|v| v.widen()).collect();
            let read = readers.column(position);
            let read: f64 = read.iter().map(|w| w.widen().abs()).sum();
            let spread = statistics::population_sd(&values);
            let sums = sums.iter().map(|sum| sum.widen());
            let mut pairs: Vec<(f64, f64)> = sums.zip(values).collect();
            order::ascending(&mut pairs, |pair| pair.0);
            let (sums, values) = at_equal_ranks(&pairs).unzip();
            let unit = Unit {
                site,
                module,
                sums,
                values,
            };
            all.entry(module).or_default().push((spread * read, unit));
        }
    }
    let strongest = |mut units: Vec<(f64, Unit)>| {
        order::descending(&mut units, |unit| unit.0);
        units.into_iter().take(OF_MODULE).map(|(_, unit)| unit)
    };
    all.into_values().flat_map(strongest).collect()
}

/// The first, the last, and those between in equal steps.
fn at_equal_ranks(pairs: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> + '_ {
    let count = pairs.len().min(POINTS);
    (0..count).map(move |k| pairs[k * (pairs.len() - 1) / (count - 1).max(1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_among_the_points() {
        let pairs: Vec<(f64, f64)> = (0..100).map(|k| (f64::from(k), 0.0)).collect();
        let kept: Vec<f64> = at_equal_ranks(&pairs).map(|pair| pair.0).collect();
        assert_eq!(
            (kept.len(), kept[0], kept[20], kept[40]),
            (41, 0.0, 49.0, 99.0)
        );
        assert_eq!(at_equal_ranks(&pairs[..1]).count(), 1);
        assert_eq!(at_equal_ranks(&[]).count(), 0);
    }
}
