//! Every analysis of a network: matrices of effects, ranked, over sets of samples, and cut.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::grid::{Cut, Grid};
use super::runs::{Runs, Scored, Under};
use crate::Result;
use crate::choice::{Direction, MetricKind, Selection, Sign};
use crate::evaluate::level::Sought;
use crate::evaluate::multiverse::{Analysis, first_of, over_sets, ranked, sets_of};
use crate::numeric::parallel;
use crate::patch::EdgeSet;

/// The axes along which analyses of one cut differ: their places in [`Analysis::at`].
pub const METHOD: usize = 0;
pub const FILL: usize = 1;
pub const METRIC: usize = 2;
pub const SELECTION: usize = 3;
pub const ORDER: usize = 4;
pub const SEED: usize = 5;
pub const SAMPLES: usize = 6;

/// Their names.
pub const AXES: [&str; 7] = [
    "method",
    "fill",
    "metric",
    "selection",
    "order",
    "seed",
    "samples",
];

/// All analyses of one answer, by what ends their rankings.
pub type ByCut = Vec<Vec<Analysis>>;

/// A ranking that waits for the size of its circuit.
struct Waiting {
    at: Vec<usize>,
    order: Vec<usize>,
}

/// Rankings of an answer under one fill, metric and draw.
type Group = BTreeMap<String, Vec<Waiting>>;

/// The analyses of every answer: matrices first, then selections, orders, draws and sets of
/// samples.
pub fn analyses(
    runs: &Runs<'_>,
    scored: &BTreeMap<String, Vec<Scored>>,
    cuts: &[Cut],
) -> Result<BTreeMap<String, ByCut>> {
    let mut all: BTreeMap<String, ByCut> = BTreeMap::new();
    let mut groups: BTreeMap<Under, Group> = BTreeMap::new();
    for (output, matrices) in scored {
        let by_cut = all.entry(output.clone()).or_default();
        by_cut.resize(cuts.len(), Vec::new());
        for one in matrices {
            let found = rankings(one, runs.grid, runs.config.seed);
            let edges = one.matrix.edges.len();
            for (analyses, cut) in by_cut.iter_mut().zip(cuts) {
                let Cut::Size(size) = cut else { continue };
                let circuit = |of: &Waiting| first_of(&of.order, *size, edges);
                analyses.extend(
                    found
                        .iter()
                        .flat_map(|of| drawn(runs.grid, of, circuit(of))),
                );
            }
            if !runs.grid.levels.is_empty() {
                let group = groups.entry(one.under).or_default();
                group.entry(output.clone()).or_default().extend(found);
            }
        }
    }
    for (under, group) in groups {
        to_levels(runs, scored, (under, group), cuts, &mut all)?;
    }
    Ok(all)
}

/// Of one matrix, the rankings of every selection, order and set of samples.
fn rankings(one: &Scored, grid: &Grid, seed: u64) -> Vec<Waiting> {
    let matrix = &one.matrix;
    let sums = over_sets(sets(one, grid, seed).view(), matrix.effects.view());
    let rows: Vec<(usize, _)> = sums.rows().into_iter().enumerate().collect();
    let [fill, metric, draw] = one.under;
    let mut all = Vec::new();
    for (selection, sign) in grid.signs.iter().enumerate() {
        let strength = strength(*sign, matrix.metric);
        for (order, rule) in grid.orders.iter().enumerate() {
            all.extend(parallel::map(&rows, |(set, row)| {
                let strengths: Vec<f64> = row.iter().map(|effect| strength(*effect)).collect();
                Waiting {
                    at: vec![one.method, fill, metric, selection, order, draw, *set],
                    order: match rule {
                        Selection::Top => ranked(&strengths),
                        Selection::Greedy => matrix.graph.greedy(&strengths),
                    },
                }
            }));
        }
    }
    all
}

/// How often each set has each sample of a matrix.
fn sets(one: &Scored, grid: &Grid, seed: u64) -> Array2<f64> {
    sets_of(one.matrix.effects.nrows(), grid.sample_sets, seed)
}

/// An analysis for every draw that it is of: of a fill that is not drawn, all of them.
fn drawn(grid: &Grid, of: &Waiting, edges: EdgeSet) -> Vec<Analysis> {
    let draws = match grid.fills[of.at[FILL]].is_drawn() {
        true => of.at[SEED]..of.at[SEED] + 1,
        false => 0..grid.seeds,
    };
    let at = |draw| {
        let mut at = of.at.clone();
        at[SEED] = draw;
        at
    };
    draws
        .map(|draw| Analysis {
            at: at(draw),
            edges: edges.clone(),
        })
        .collect()
}

/// The smallest circuits that reach each level, under one fill, metric and draw.
fn to_levels(
    runs: &Runs<'_>,
    scored: &BTreeMap<String, Vec<Scored>>,
    (under, group): (Under, Group),
    cuts: &[Cut],
    all: &mut BTreeMap<String, ByCut>,
) -> Result<()> {
    let levels = &runs.grid.levels;
    let begun = |(output, waiting): (&String, &Vec<Waiting>)| {
        let first = &scored[output][0];
        let ranking = |of: &Waiting| (of.order.clone(), of.at[SAMPLES]);
        let rankings = waiting.iter().map(ranking).collect();
        let sets = sets(first, runs.grid, runs.config.seed);
        let sought = Sought::new(rankings, first.matrix.edges.len(), sets, levels);
        (output.clone(), sought)
    };
    let mut sought: BTreeMap<String, Sought<'_>> = group.iter().map(begun).collect();
    for number in 0.. {
        let next = sought
            .iter_mut()
            .map(|(output, sought)| (output.clone(), sought.ask()));
        let next: BTreeMap<String, Vec<EdgeSet>> =
            next.filter(|(_, circuits)| !circuits.is_empty()).collect();
        if next.is_empty() {
            break;
        }
        for (output, measured) in runs.measured(under, number, next)? {
            if let Some(sought) = sought.get_mut(&output) {
                sought.take(&measured.full, &measured.patched, &measured.circuits);
            }
        }
    }
    for (output, sought) in &sought {
        let (edges, by_cut) = (scored[output][0].matrix.edges.len(), all.get_mut(output));
        let by_cut = by_cut.unwrap_or_else(|| unreachable!("every answer has its analyses"));
        for (waiting, sizes) in group[output].iter().zip(sought.found()) {
            for (analyses, cut) in by_cut.iter_mut().zip(cuts) {
                let Cut::Level(level) = cut else { continue };
                let circuit = sizes[*level].map(|size| first_of(&waiting.order, size, edges));
                let of = circuit.map(|circuit| drawn(runs.grid, waiting, circuit));
                analyses.extend(of.into_iter().flatten());
            }
        }
    }
    Ok(())
}

/// What an effect counts in the choice of edges, of a metric.
pub fn strength(sign: Sign, metric: MetricKind) -> impl Fn(f64) -> f64 + Sync {
    move |effect| match (sign, metric.direction()) {
        (Sign::Absolute, _) => effect.abs(),
        (Sign::Signed, Direction::HigherIsBetter) => effect,
        (Sign::Signed, Direction::LowerIsBetter) => -effect,
    }
}
