//! How few edges a circuit can have of which the same is proved.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::Array2;

use crate::choice::LowerBound;
use crate::model::Mlp;

/// The outputs that must differ between two inputs, given the outputs at both.
type Apart<'a> = dyn Fn(&[f64], &[f64]) -> Vec<usize> + 'a;

/// Differences of outputs below this, relative to their size, are taken for rounding.
const ROUNDING: f64 = 1e-9;

/// No circuit has fewer edges, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub edges: usize,
    pub by: LowerBound,
}

/// Of fixed fills: an output that differs between two inputs which differ in one feature alone
/// asks for a path from that feature to it, so that every layer of weights has an edge, the
/// first one for every such feature and the last one for every such output.
///
/// `apart` gives the outputs that must differ between two inputs with these outputs; samples
/// `[inputs, n]` are paired with others that differ in one feature (the positions of a tuple
/// where the network embeds tokens), or, within `sides`, moved to the ends of one. At least
/// `least_moved` outputs are known to differ.
pub fn by_dependence(
    model: &Mlp<f64>,
    samples: &Array2<f64>,
    sides: Option<&[[f64; 2]]>,
    least_moved: usize,
    apart: &Apart<'_>,
) -> Bound {
    let groups = features(model);
    let (mut read, mut moved) = (0, BTreeSet::new());
    for group in &groups {
        let found = match sides {
            Some(sides) => of_moves(model, samples, group, sides, apart),
            None => of_pairs(model, samples, group, apart),
        };
        read += usize::from(!found.is_empty());
        moved.extend(found);
    }
    if read == 0 {
        // Inputs that differ in whatever they do: some feature is read.
        moved = of_pairs(
            model,
            samples,
            &(0..model.widths()[0]).collect::<Vec<_>>(),
            apart,
        );
        read = usize::from(!moved.is_empty());
    }
    let (depth, moved) = (model.layers.len(), moved.len().max(least_moved));
    let edges = match (read, depth) {
        (0, _) => 0,
        (_, 0 | 1) => read.max(moved),
        _ => read + moved + depth - 2,
    };
    let by = match read {
        0 => LowerBound::Unknown,
        _ => LowerBound::Paths,
    };
    Bound { edges, by }
}

/// Physical inputs that change together: those of a position of tokens, else each alone.
fn features(model: &Mlp<f64>) -> Vec<Vec<usize>> {
    let width = model.widths()[0];
    let fold = model.in_perm.len().max(1);
    let feature = |q: usize| q / fold * fold + model.in_perm[q % fold];
    match &model.embedding {
        None => (0..width).map(|q| vec![q]).collect(),
        Some(table) => (0..width / table.ncols())
            .map(|position| {
                let inputs = 0..width;
                inputs
                    .filter(|q| feature(*q) / table.ncols() == position)
                    .collect()
            })
            .collect(),
    }
}

/// The outputs that must differ as one feature of some samples goes to its ends.
fn of_moves(
    model: &Mlp<f64>,
    samples: &Array2<f64>,
    group: &[usize],
    sides: &[[f64; 2]],
    apart: &Apart<'_>,
) -> BTreeSet<usize> {
    const SAMPLES: usize = 64;
    let step = samples.ncols().div_ceil(SAMPLES).max(1);
    let some: Vec<usize> = (0..samples.ncols()).step_by(step).collect();
    let samples = samples.select(ndarray::Axis(1), &some);
    let moved = [0, 1].map(|end| {
        let mut moved = samples.clone();
        group
            .iter()
            .for_each(|input| moved.row_mut(*input).fill(sides[*input][end]));
        model.outputs(moved.view())
    });
    let of = |s: usize| apart(&moved[0].column(s).to_vec(), &moved[1].column(s).to_vec());
    (0..samples.ncols()).flat_map(of).collect()
}

/// The outputs that must differ between samples that differ in one feature alone.
fn of_pairs(
    model: &Mlp<f64>,
    samples: &Array2<f64>,
    group: &[usize],
    apart: &Apart<'_>,
) -> BTreeSet<usize> {
    let outputs = model.outputs(samples.view());
    let mut first: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for sample in 0..samples.ncols() {
        let others = (0..samples.nrows()).filter(|input| !group.contains(input));
        let key = others
            .map(|input| samples[[input, sample]].to_bits())
            .collect();
        let before = *first.entry(key).or_insert(sample);
        found.extend(apart(
            &outputs.column(before).to_vec(),
            &outputs.column(sample).to_vec(),
        ));
    }
    found
}

/// The largest output, where it is that beyond rounding; of a single one its sign.
pub fn clearly_decided(outputs: &[f64]) -> Option<usize> {
    let size = outputs.iter().fold(1.0_f64, |most, x| most.max(x.abs()));
    if let [only] = outputs {
        return (only.abs() > ROUNDING * size).then(|| usize::from(*only > 0.0));
    }
    let best = (0..outputs.len()).max_by(|a, b| outputs[*a].total_cmp(&outputs[*b]))?;
    let behind = |k: usize| k == best || outputs[k] < outputs[best] - ROUNDING * size;
    (0..outputs.len()).all(behind).then_some(best)
}

/// The softmax of the largest output; of a single one that of its class.
pub fn confidence(outputs: &[f64]) -> f64 {
    let outputs = match outputs {
        [only] => &[*only, 0.0][..],
        all => all,
    };
    let most = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    1.0 / outputs.iter().map(|x| (x - most).exp()).sum::<f64>()
}

/// The tuples of a network's tokens.
pub fn tuples(model: &Mlp<f64>) -> u64 {
    let of = |table: &Array2<f64>| {
        let positions = model.widths()[0] / table.ncols().max(1);
        (table.nrows() as u64).saturating_pow(positions as u32)
    };
    model.embedding.as_ref().map_or(0, of)
}
