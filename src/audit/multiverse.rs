//! Would another honest analyst have found the same circuit? Every analysis of a grid of
//! choices that a reviewer would accept, from the few runs that they share.
//!
//! The question is that of multiverse analyses (Steegen et al. 2016). Two analyses that
//! differ in samples or size share all runs; effects sample by sample are the only thing
//! that is computed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Config, ScoredBySample, Stages, audit};
use crate::checkpoint::Checkpoint;
use crate::choice::{Fill, Method, MetricKind};
use crate::data::{Dataset, Labels};
use crate::evaluate::multiverse::{
    Analysis, mean_overlap, modal, over_sets, overlap_along, strongest_sets, support,
};
use crate::evaluate::stability::{CORE, POSSIBLE, jaccard};
use crate::numeric::Rng;
use crate::patch::EdgeSet;
use crate::result::{
    Along, Analysed, Axes, CheckpointInfo, Claim, DataInfo, Multiverse, Nonsense, OfSize, SCHEMA,
    Specified, SupportedEdge, Tool,
};
use crate::{Error, Result};

/// The choices along every axis. Empty where the data decide.
#[derive(Debug, Clone, Default)]
pub struct Grid {
    /// How edges are scored: methods whose scores are means over samples.
    pub methods: Vec<Method>,
    /// What stands in for a patched message; empty: zero, mean and resample, and
    /// corrupted where the data have pairs.
    pub fills: Vec<Fill>,
    /// What a circuit must keep; empty: logit difference and cross-entropy of classes,
    /// the squared error of targets.
    pub metrics: Vec<MetricKind>,
    /// Edges of a circuit; empty: 1, 2, 5, 10 and 20 % of those there are.
    pub sizes: Vec<usize>,
    /// Sets of samples, at least 1.
    pub sample_sets: usize,
    /// Claims whose support is counted: `A->B`, or a site `A`.
    pub claims: Vec<String>,
    /// Whether the same is done with the labels of other samples.
    pub nonsense: bool,
    /// The checkpoint, for errors.
    pub checkpoint: PathBuf,
}

/// The names of the axes along which analyses differ, but for their size.
const AXES: [&str; 4] = ["method", "fill", "metric", "samples"];

/// Shares of the edges that are circuits' sizes unasked.
const SIZES: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.2];

/// The stream that labels are permuted from.
const STREAM: u64 = 65;

/// Runs every analysis of the grid; `progress` is told what is scored.
///
/// # Errors
/// If no method scores any edge, if a method's effects sample by sample are too many, if a
/// claim names a site that there is not, and as [`audit`].
pub fn multiverse(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    grid: &Grid,
    progress: &dyn Fn(&str),
) -> Result<Multiverse> {
    let started = Instant::now();
    let mut grid = grid.settled(data);
    grid.checkpoint.clone_from(&checkpoint.path);
    let scored = scores(checkpoint, data, config, &grid, progress)?;
    let nonsense = match nonsense(data, config.seed).filter(|_| grid.nonsense) {
        Some(other) => {
            progress("the same with the labels of other samples");
            Some(scores(checkpoint, &other, config, &grid, progress)?)
        }
        None => None,
    };
    progress("putting the analyses beside each other");
    let sizes = grid.sizes_of(&scored)?;
    let mut answers = Vec::new();
    for (output, matrices) in &scored.answers {
        let beside = nonsense.as_ref().and_then(|n| n.answers.get(output));
        answers.push(answer(
            matrices,
            beside.map(Vec::as_slice),
            &grid,
            &sizes,
            config,
        )?);
    }
    Ok(Multiverse {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        summary: Vec::new(),
        checkpoint: scored.checkpoint,
        data: scored.data,
        axes: Axes {
            methods: grid.methods,
            fills: grid.fills,
            metrics: grid.metrics,
            sizes,
            sample_sets: grid.sample_sets,
        },
        answers,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// One matrix of effects, and where it stands on the axes.
struct Scored {
    at: [usize; 3],
    matrix: ScoredBySample,
}

/// All matrices, by output, and what they are of.
struct AllScored {
    checkpoint: CheckpointInfo,
    data: DataInfo,
    answers: BTreeMap<String, Vec<Scored>>,
}

impl Grid {
    /// With what the data decide.
    fn settled(&self, data: &Dataset) -> Self {
        let mut grid = self.clone();
        if grid.fills.is_empty() {
            let there = |fill: &Fill| *fill != Fill::Corrupted || data.corrupted.is_some();
            grid.fills = Fill::each().filter(there).collect();
        }
        if grid.metrics.is_empty() {
            grid.metrics = match (&data.labels, &data.answers) {
                (Some(Labels::Targets(_)), _) => vec![MetricKind::Mse],
                (Some(Labels::Classes(_)), _) | (None, Some(_)) => {
                    vec![MetricKind::LogitDiff, MetricKind::CrossEntropy]
                }
                (None, None) => vec![MetricKind::LogitDiff],
            };
        }
        grid
    }

    /// The sizes asked for, or shares of the edges there are.
    fn sizes_of(&self, scored: &AllScored) -> Result<Vec<usize>> {
        let first = scored.answers.values().flatten().next();
        let edges = first.map_or(0, |scored| scored.matrix.edges.len());
        if edges == 0 {
            return Err(Error::NoScores {
                path: scored.data.path.clone().into(),
            });
        }
        let mut sizes = self.sizes.clone();
        if sizes.is_empty() {
            let of = |share: &f64| ((share * edges as f64).round() as usize).max(1);
            sizes = SIZES.iter().map(of).collect();
        }
        sizes.iter_mut().for_each(|size| *size = (*size).min(edges));
        sizes.sort_unstable();
        sizes.dedup();
        Ok(sizes)
    }
}

/// Effects sample by sample along methods, fills and metrics.
fn scores(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    grid: &Grid,
    progress: &dyn Fn(&str),
) -> Result<AllScored> {
    let mut answers: BTreeMap<String, Vec<Scored>> = BTreeMap::new();
    let mut told = None;
    for (f, fill) in grid.fills.iter().enumerate() {
        for (m, metric) in grid.metrics.iter().enumerate() {
            let mut config = config.clone();
            config.stages = Stages {
                modules: false,
                circuits: true,
            };
            config.prune.curve = false;
            config.circuits.methods.clone_from(&grid.methods);
            config.circuits.fill = Some(*fill);
            config.circuits.metric = Some(*metric);
            config.circuits.judge = false;
            config.circuits.nodes = false;
            config.circuits.stability = true;
            config.circuits.keep_samples = true;
            // All samples take part: sets of them are an axis.
            config.circuits.judge_on = Some(super::JudgeOn::Same);
            config.discover = None;
            let outcome = audit(checkpoint, data, &config, &|stage| {
                progress(&format!("{fill} fill, {metric}: {stage}"));
            })?;
            for matrix in outcome.by_sample {
                let method = grid.methods.iter().position(|of| *of == matrix.method);
                let place = method.unwrap_or(grid.methods.len());
                let of_output = answers.entry(matrix.output.0.clone()).or_default();
                of_output.push(Scored {
                    at: [place, f, m],
                    matrix,
                });
            }
            let result = outcome.result;
            told.get_or_insert((result.checkpoint, result.data));
        }
    }
    let told = told.and_then(|(checkpoint, data)| Some((checkpoint, data?)));
    let Some((checkpoint, data)) = told.filter(|_| !answers.is_empty()) else {
        return Err(Error::NoScores {
            path: data.path.clone(),
        });
    };
    Ok(AllScored {
        checkpoint,
        data,
        answers,
    })
}

/// The same inputs with the labels of other samples; `None` without labels.
fn nonsense(data: &Dataset, seed: u64) -> Option<Dataset> {
    let order = Rng::new(seed, STREAM).permutation(data.len());
    let other = data.select(&order);
    data.labels.as_ref()?;
    Some(Dataset {
        labels: other.labels,
        answers: other.answers,
        foils: other.foils,
        ..data.clone()
    })
}

/// What the analyses of one answer say.
fn answer(
    matrices: &[Scored],
    nonsense: Option<&[Scored]>,
    grid: &Grid,
    sizes: &[usize],
    config: &Config,
) -> Result<Analysed> {
    let first = &matrices[0].matrix;
    let by_size = analyses(matrices, grid, sizes, config.seed);
    let edges = &first.edges;
    let of_size = |(size, all): (&usize, &Vec<Analysis>)| summed(*size, all, edges, config.seed);
    let all: Vec<OfSize> = sizes.iter().zip(&by_size).map(of_size).collect();
    let claims = grid
        .claims
        .iter()
        .map(|claim| claimed(claim, &grid.checkpoint, edges, &by_size));
    let beside = nonsense.map(|matrices| {
        let by_size = analyses(matrices, grid, sizes, config.seed);
        let overlaps = by_size.iter().map(|all| mean_overlap(all, config.seed));
        let core = |all: &Vec<Analysis>| {
            let support = support(all, edges.len());
            support.iter().filter(|share| **share >= CORE).count()
        };
        Nonsense {
            jaccard: overlaps.sum::<f64>() / by_size.len() as f64,
            core: by_size.iter().map(core).collect(),
        }
    });
    Ok(Analysed {
        output: first.output.0.clone(),
        output_name: first.output.1.clone(),
        specifications: by_size.iter().map(Vec::len).sum(),
        scored: matrices.len(),
        edges_total: edges.len(),
        samples: first.effects.nrows(),
        along: along(&by_size),
        nonsense: beside,
        claims: claims.collect::<Result<_>>()?,
        curve: curve(matrices, grid, sizes, &by_size),
        sizes: all,
    })
}

/// All analyses, by size: matrices first, then sets of samples.
fn analyses(matrices: &[Scored], grid: &Grid, sizes: &[usize], seed: u64) -> Vec<Vec<Analysis>> {
    let mut by_size = vec![Vec::new(); sizes.len()];
    for scored in matrices {
        let sets = over_sets(scored.matrix.effects.view(), grid.sample_sets, seed);
        for (set, circuits) in strongest_sets(sets.view(), sizes).into_iter().enumerate() {
            for (all, edges) in by_size.iter_mut().zip(circuits) {
                let [method, fill, metric] = scored.at;
                all.push(Analysis {
                    at: vec![method, fill, metric, set],
                    edges,
                });
            }
        }
    }
    by_size
}

fn summed(size: usize, all: &[Analysis], edges: &[(String, String)], seed: u64) -> OfSize {
    let support = support(all, edges.len());
    let (modal, times) = modal(all).unwrap_or((EdgeSet::new(), 0));
    let mut possible: Vec<usize> = (0..edges.len()).collect();
    possible.retain(|edge| support[*edge] >= POSSIBLE);
    possible.sort_by(|a, b| support[*b].total_cmp(&support[*a]));
    let named = |edge: &usize| SupportedEdge {
        from: edges[*edge].0.clone(),
        to: edges[*edge].1.clone(),
        share: support[*edge],
        modal: modal.contains(*edge),
    };
    OfSize {
        size,
        analyses: all.len(),
        jaccard: mean_overlap(all, seed),
        modal_share: times as f64 / all.len().max(1) as f64,
        core: support.iter().filter(|share| **share >= CORE).count(),
        possible: possible.len(),
        edges: possible.iter().map(named).collect(),
    }
}

/// Mean over sizes of what two analyses share that differ along one axis alone.
fn along(by_size: &[Vec<Analysis>]) -> Vec<Along> {
    let of_axis = |(axis, name): (usize, &&str)| {
        let shared = by_size.iter().filter_map(|all| overlap_along(all, axis));
        let shared: Vec<f64> = shared.collect();
        (!shared.is_empty()).then(|| Along {
            axis: (*name).to_owned(),
            jaccard: shared.iter().sum::<f64>() / shared.len() as f64,
        })
    };
    AXES.iter().enumerate().filter_map(of_axis).collect()
}

/// How many analyses support a claim.
fn claimed(
    claim: &str,
    path: &Path,
    edges: &[(String, String)],
    by_size: &[Vec<Analysis>],
) -> Result<Claim> {
    let is_of = |(from, to): &(String, String)| match claim.split_once("->") {
        Some((a, b)) => from == a && to == b,
        None => from == claim,
    };
    let meant: Vec<usize> = (0..edges.len())
        .filter(|edge| is_of(&edges[*edge]))
        .collect();
    if meant.is_empty() {
        return Err(Error::UnknownClaim {
            path: path.to_owned(),
            claim: claim.to_owned(),
        });
    }
    let supports = |analysis: &&Analysis| meant.iter().any(|edge| analysis.edges.contains(*edge));
    let all = by_size.iter().flatten();
    let (support, number) = (all.clone().filter(supports).count(), all.count());
    Ok(Claim {
        claim: claim.to_owned(),
        share: support as f64 / number.max(1) as f64,
    })
}

/// Every analysis with what it shares with the modal circuit of its size.
fn curve(
    matrices: &[Scored],
    grid: &Grid,
    sizes: &[usize],
    by_size: &[Vec<Analysis>],
) -> Vec<Specified> {
    let mut curve = Vec::new();
    for (size, all) in sizes.iter().zip(by_size) {
        let modal = modal(all).map_or_else(EdgeSet::new, |(edges, _)| edges);
        let of_matrix = all.chunks(grid.sample_sets.max(1));
        for (scored, sets) in matrices.iter().zip(of_matrix) {
            curve.extend(
                sets.iter()
                    .enumerate()
                    .map(|(samples, analysis)| Specified {
                        method: scored.matrix.method,
                        fill: grid.fills[scored.at[1]],
                        metric: scored.matrix.metric,
                        size: *size,
                        samples,
                        overlap: jaccard(&analysis.edges, &modal),
                    }),
            );
        }
    }
    curve
}
