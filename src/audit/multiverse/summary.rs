//! What the analyses of one answer say.

use super::analyses::{
    AXES, ByCut, FILL, METHOD, METRIC, ORDER, SAMPLES, SEED, SELECTION, strength,
};
use super::grid::{Cut, Grid};
use super::runs::Scored;
use crate::choice::Selection;
use crate::circuit::strongest_by;
use crate::evaluate::certified::{self, Certificate, certified};
use crate::evaluate::multiverse::{
    Analysis, first_of, mean_overlap, modal, overlap_along, support,
};
use crate::evaluate::stability::{CORE, POSSIBLE, jaccard};
use crate::order;
use crate::patch::EdgeSet;
use crate::result::{
    Along, Analysed, Certified, CertifiedEdge, Claim, Nonsense, OfSize, Specified, SupportedEdge,
};

/// What the analyses of one answer say, before anything is held against them.
pub fn answer(
    matrices: &[Scored],
    by_cut: &ByCut,
    (grid, cuts): (&Grid, &[Cut]),
    seed: u64,
) -> Analysed {
    let first = &matrices[0].matrix;
    let edges = &first.edges;
    let of_cut = |(cut, all): (&Cut, &Vec<Analysis>)| OfSize {
        certified: cut
            .size()
            .and_then(|size| certificates(&matrices[0], grid, size, seed)),
        ..summed(*cut, all, edges, (grid, seed))
    };
    let claims = grid.claims.iter();
    let claims = claims.filter_map(|claim| claimed(claim, edges, by_cut));
    Analysed {
        output: first.output.0.clone(),
        output_name: first.output.1.clone(),
        granularity: None,
        specifications: by_cut.iter().map(Vec::len).sum(),
        scored: matrices.len(),
        edges_total: edges.len(),
        samples: first.effects.nrows(),
        along: along(by_cut),
        nonsense: None,
        shuffled: None,
        transfer: None,
        claims: claims.collect(),
        curve: curve(by_cut, (grid, cuts)),
        sizes: cuts.iter().zip(by_cut).map(of_cut).collect(),
    }
}

/// The size in the middle of those of some analyses; 0 without any.
pub fn median_size(all: &[Analysis]) -> usize {
    let mut sizes: Vec<usize> = all.iter().map(|of| of.edges.count_ones(..)).collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() / 2).copied().unwrap_or(0)
}

fn summed(
    cut: Cut,
    all: &[Analysis],
    edges: &[(String, String)],
    (grid, seed): (&Grid, u64),
) -> OfSize {
    let support = support(all, edges.len());
    let (modal, times) = modal(all).unwrap_or((EdgeSet::new(), 0));
    let mut possible: Vec<usize> = (0..edges.len()).collect();
    possible.retain(|edge| support[*edge] >= POSSIBLE);
    order::descending(&mut possible, |index| support[*index]);
    let named = |edge: &usize| SupportedEdge {
        from: edges[*edge].0.clone(),
        to: edges[*edge].1.clone(),
        share: support[*edge],
        modal: modal.contains(*edge),
    };
    OfSize {
        size: cut.size().unwrap_or_else(|| median_size(all)),
        faithfulness: cut.faithfulness(grid),
        analyses: all.len(),
        jaccard: mean_overlap(all, seed),
        modal_share: times as f64 / all.len().max(1) as f64,
        core: support.iter().filter(|share| **share >= CORE).count(),
        possible: possible.len(),
        certified: None,
        edges: possible.iter().map(named).collect(),
    }
}

/// What stays in the circuit, by the first choice along every axis, whatever few samples
/// are deleted or replaced.
fn certificates(scored: &Scored, grid: &Grid, size: usize, seed: u64) -> Option<Certified> {
    let matrix = &scored.matrix;
    let strength = strength(grid.signs[0], matrix.metric);
    let choose = |scores: &[f64]| match grid.orders[0] {
        Selection::Top => strongest_by(scores, size, &strength),
        Selection::Greedy => {
            let strengths: Vec<f64> = scores.iter().map(|score| strength(*score)).collect();
            first_of(&matrix.graph.greedy(&strengths), size, strengths.len())
        }
    };
    let all = certified(matrix.effects.view(), certified::DRAWS, seed, choose)?;
    let count = |side: Option<bool>| all.iter().filter(|edge| edge.inside == side).count();
    let named = |(edge, found): (usize, &Certificate)| {
        let (from, to) = matrix.edges[edge].clone();
        (found.inside != Some(false)).then_some(CertifiedEdge {
            from,
            to,
            share: found.share,
            interval: found.bounds,
            inside: found.inside,
            deleted: found.deleted,
            replaced: found.replaced,
        })
    };
    let mut edges: Vec<CertifiedEdge> = all.iter().enumerate().filter_map(named).collect();
    order::descending(&mut edges, |one| one.share);
    Some(Certified {
        method: matrix.method,
        fill: grid.fills[scored.under[0]],
        metric: matrix.metric,
        deletion: certified::DELETION,
        draws: certified::DRAWS,
        confidence: 1.0 - certified::ALPHA,
        inside: count(Some(true)),
        outside: count(Some(false)),
        abstained: count(None),
        edges,
    })
}

/// Mean over cuts of what two analyses share that differ along one axis alone.
fn along(by_cut: &[Vec<Analysis>]) -> Vec<Along> {
    let of_axis = |(axis, name): (usize, &&str)| {
        let shared = by_cut.iter().filter_map(|all| overlap_along(all, axis));
        let shared: Vec<f64> = shared.collect();
        (!shared.is_empty()).then(|| Along {
            axis: (*name).to_owned(),
            jaccard: shared.iter().sum::<f64>() / shared.len() as f64,
        })
    };
    AXES.iter().enumerate().filter_map(of_axis).collect()
}

/// How many analyses support a claim; `None` where no edge is meant.
fn claimed(claim: &str, edges: &[(String, String)], by_cut: &[Vec<Analysis>]) -> Option<Claim> {
    let is_of = |(from, to): &(String, String)| match claim.split_once("->") {
        Some((a, b)) => from == a && to == b,
        None => from == claim,
    };
    let meant: Vec<usize> = (0..edges.len())
        .filter(|edge| is_of(&edges[*edge]))
        .collect();
    if meant.is_empty() {
        return None;
    }
    let supports = |analysis: &&Analysis| meant.iter().any(|edge| analysis.edges.contains(*edge));
    let all = by_cut.iter().flatten();
    let (support, number) = (all.clone().filter(supports).count(), all.count());
    Some(Claim {
        claim: claim.to_owned(),
        share: support as f64 / number.max(1) as f64,
    })
}

/// Every analysis with what it shares with the modal circuit of its cut.
fn curve(by_cut: &ByCut, (grid, cuts): (&Grid, &[Cut])) -> Vec<Specified> {
    let mut curve = Vec::new();
    for (cut, all) in cuts.iter().zip(by_cut) {
        let modal = modal(all).map_or_else(EdgeSet::new, |(edges, _)| edges);
        let specified = |of: &Analysis| Specified {
            method: grid.methods[of.at[METHOD]],
            fill: grid.fills[of.at[FILL]],
            metric: grid.metrics[of.at[METRIC]],
            selection: grid.signs[of.at[SELECTION]],
            order: grid.orders[of.at[ORDER]],
            seed: of.at[SEED],
            size: cut.size().unwrap_or_else(|| of.edges.count_ones(..)),
            faithfulness: cut.faithfulness(grid),
            samples: of.at[SAMPLES],
            overlap: jaccard(&of.edges, &modal),
        };
        curve.extend(all.iter().map(specified));
    }
    curve
}

/// What the same analyses say where there is nothing to find; `own` are those of the
/// network and its labels as they are, of as many edges.
pub fn null(by_cut: &ByCut, own: &ByCut, edges: usize, seed: u64) -> Nonsense {
    let overlaps = by_cut.iter().map(|all| mean_overlap(all, seed));
    let core = |all: &Vec<Analysis>| {
        let support = support(all, edges);
        support.iter().filter(|share| **share >= CORE).count()
    };
    let with_modal = |(all, own): (&Vec<Analysis>, &Vec<Analysis>)| {
        let modal = modal(own).map_or_else(EdgeSet::new, |(edges, _)| edges);
        let shared = all.iter().map(|analysis| jaccard(&analysis.edges, &modal));
        shared.sum::<f64>() / all.len().max(1) as f64
    };
    let with_modal = by_cut.iter().zip(own).map(with_modal);
    Nonsense {
        jaccard: overlaps.sum::<f64>() / by_cut.len() as f64,
        with_own: Some(with_modal.sum::<f64>() / by_cut.len() as f64),
        core: by_cut.iter().map(core).collect(),
    }
}
