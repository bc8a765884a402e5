//! Would another honest analyst have found the same circuit? Every analysis of a grid of
//! choices that a reviewer would accept, from the few runs that they share.
//!
//! The question is that of multiverse analyses (Steegen et al. 2016). Two analyses that
//! differ in samples or size share all runs; effects sample by sample are the only thing
//! that is computed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::transfer::{Discovered, Scored};
use super::{Config, Journal, ScoredBySample, Stages, audit};
use crate::checkpoint::Checkpoint;
use crate::choice::{ControlKind, Direction, Fill, Method, MetricKind, Sign};
use crate::circuit::strongest_by;
use crate::data::{Dataset, Labels};
use crate::evaluate::certified::{self, Certificate, certified};
use crate::evaluate::multiverse::{
    Analysis, mean_overlap, modal, over_sets, overlap_along, strongest_sets, support,
};
use crate::evaluate::stability::{CORE, POSSIBLE, jaccard};
use crate::model::{Loaded, Role};
use crate::numeric::Rng;
use crate::order;
use crate::patch::EdgeSet;
use crate::result::{
    Along, Analysed, Axes, Certified, CertifiedEdge, CheckpointInfo, Claim, DataInfo, Multiverse,
    Network, Nonsense, OfSize, SCHEMA, Specified, SupportedEdge, Tool, Transfer,
};
use crate::{Error, ErrorKind, Result};

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
    /// Whether edges count by the size of their effect or only where the metric is worse
    /// without them; empty: by size.
    pub signs: Vec<Sign>,
    /// Edges of a circuit; empty: 1, 2, 5, 10 and 20 % of those there are.
    pub sizes: Vec<usize>,
    /// Sets of samples, at least 1.
    pub sample_sets: usize,
    /// Claims whose support is counted: `A->B`, or a site `A`.
    pub claims: Vec<String>,
    /// Whether the same is done with the labels of other samples.
    pub nonsense: bool,
    /// Whether the same is done with the weights of every layer in other places.
    pub shuffled: bool,
    /// Whether circuits of two discoveries are run on each other's samples.
    pub transfer: bool,
    /// The checkpoint, for errors.
    pub checkpoint: PathBuf,
}

/// The names of the axes along which analyses differ, but for their size.
const AXES: [&str; 5] = ["method", "fill", "metric", "selection", "samples"];

/// Shares of the edges that are circuits' sizes unasked.
const SIZES: [f64; 5] = [0.01, 0.02, 0.05, 0.1, 0.2];

/// The stream that labels are permuted from.
const STREAM: u64 = 65;

/// The stream that weights are shuffled from.
const SHUFFLES: u64 = 69;

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
    let arm = |name: &str, checkpoint: &Checkpoint, data: &Dataset| {
        let config = Config {
            journal: config.journal.within(name),
            ..config.clone()
        };
        scores(checkpoint, data, &config, &grid, progress)
    };
    let scored = arm("own", checkpoint, data)?;
    let nulls = [
        nonsense_arm(data, config, &grid, progress, &|other| {
            arm("nonsense", checkpoint, other)
        })?,
        shuffled_arm(checkpoint, config, &grid, progress, &|other| {
            arm("shuffled", other, data)
        })?,
    ];
    let sizes = grid.sizes_of(&scored)?;
    let middle = sizes[sizes.len() / 2];
    let transfers = match grid.transfer {
        true => {
            progress("running circuits on each other's samples");
            transfers(checkpoint, data, config, &grid, (&scored, middle))?
        }
        false => BTreeMap::new(),
    };
    progress("putting the analyses beside each other");
    let answers = analysed(&scored, &nulls, transfers, (&grid, &sizes), config)?;
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
            selections: grid.signs,
            sizes,
            sample_sets: grid.sample_sets,
        },
        answers,
        names: scored.names,
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Every answer's analyses, with what the null arms and the transfers say of it.
fn analysed(
    scored: &AllScored,
    nulls: &[Option<AllScored>; 2],
    mut transfers: BTreeMap<String, Transfer>,
    (grid, sizes): (&Grid, &[usize]),
    config: &Config,
) -> Result<Vec<Analysed>> {
    let of_answer = |(output, matrices): (&String, &Vec<Scored>)| {
        let of = |arm: &Option<AllScored>| {
            let drawn = arm.as_ref()?.answers.get(output)?;
            Some(null(drawn, (grid, sizes, config.seed), matrices))
        };
        let [nonsense, shuffled] = nulls.each_ref().map(of);
        Ok(Analysed {
            nonsense,
            shuffled,
            transfer: transfers.remove(output),
            ..answer(matrices, grid, sizes, config)?
        })
    };
    scored.answers.iter().map(of_answer).collect()
}

/// The same with the labels of other samples, where it was asked for and there are labels.
fn nonsense_arm(
    data: &Dataset,
    config: &Config,
    grid: &Grid,
    progress: &dyn Fn(&str),
    arm: &dyn Fn(&Dataset) -> Result<AllScored>,
) -> Result<Option<AllScored>> {
    let other = nonsense(data, config.seed).filter(|_| grid.nonsense);
    let Some(other) = other else {
        return Ok(None);
    };
    progress("the same with the labels of other samples");
    arm(&other).map(Some)
}

/// The same with the weights in other places, where it was asked for and there are any.
fn shuffled_arm(
    checkpoint: &Checkpoint,
    config: &Config,
    grid: &Grid,
    progress: &dyn Fn(&str),
    arm: &dyn Fn(&Checkpoint) -> Result<AllScored>,
) -> Result<Option<AllScored>> {
    if !grid.shuffled {
        return Ok(None);
    }
    let Some(other) = shuffled(checkpoint, config)? else {
        return Ok(None);
    };
    progress("the same with the weights in other places");
    // Nothing may be left to score: then there is nothing to hold against.
    arm(&other).map_or_else(without_scores, |all| Ok(Some(all)))
}

/// All matrices, by output, and what they are of.
struct AllScored {
    checkpoint: CheckpointInfo,
    data: DataInfo,
    answers: BTreeMap<String, Vec<Scored>>,
    names: BTreeMap<String, String>,
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
        if grid.signs.is_empty() {
            grid.signs = vec![Sign::Absolute];
        }
        grid
    }

    /// The sizes asked for, or shares of the edges there are.
    fn sizes_of(&self, scored: &AllScored) -> Result<Vec<usize>> {
        let first = scored.answers.values().flatten().next();
        let edges = first.map_or(0, |scored| scored.matrix.edges.len());
        if edges == 0 {
            return Err(ErrorKind::NoScores.at(&scored.data.path));
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
            let told_of = |stage: &str| progress(&format!("{fill} fill, {metric}: {stage}"));
            let piece = config.journal.piece(&format!("{fill}/{metric}"), || {
                let config = scoring(config, (*fill, *metric), &grid.methods);
                let outcome = audit(checkpoint, data, &config, &told_of)?;
                Ok(Piece {
                    matrices: outcome.by_sample.into_iter().map(Kept::from).collect(),
                    checkpoint: outcome.result.checkpoint,
                    data: outcome.result.data,
                    names: own_names(&outcome.result.network),
                })
            })?;
            for matrix in piece.matrices {
                let matrix = ScoredBySample::from(matrix);
                let method = grid.methods.iter().position(|of| *of == matrix.method);
                let place = method.unwrap_or(grid.methods.len());
                let of_output = answers.entry(matrix.output.0.clone()).or_default();
                of_output.push(Scored {
                    at: [place, f, m],
                    matrix,
                });
            }
            told.get_or_insert((piece.checkpoint, piece.data, piece.names));
        }
    }
    let told = told.and_then(|(checkpoint, data, names)| Some((checkpoint, data?, names)));
    let Some((checkpoint, data, names)) = told.filter(|_| !answers.is_empty()) else {
        return Err(ErrorKind::NoScores.at(&data.path));
    };
    Ok(AllScored {
        checkpoint,
        data,
        answers,
        names,
    })
}

/// The own names of sites that have one.
fn own_names(network: &Network) -> BTreeMap<String, String> {
    let sites = network.layers.iter().flat_map(|layer| &layer.sites);
    let named = sites.filter(|site| !site.name.is_empty() && site.name != site.site);
    named
        .map(|site| (site.site.clone(), site.name.clone()))
        .collect()
}

/// The settings of a run that scores edges, and does nothing else.
pub(super) fn scoring(
    config: &Config,
    (fill, metric): (Fill, MetricKind),
    methods: &[Method],
) -> Config {
    let mut config = config.clone();
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    config.prune.curve = false;
    config.circuits.methods = methods.to_vec();
    config.circuits.fill = Some(fill);
    config.circuits.metric = Some(metric);
    config.circuits.judge = false;
    config.circuits.nodes = false;
    config.circuits.stability = true;
    config.circuits.keep_samples = true;
    config.circuits.every_fill = false;
    config.circuits.control_draws = 0;
    // All samples take part: sets of them are an axis.
    config.circuits.judge_on = Some(super::JudgeOn::Same);
    config.discover = None;
    // The whole run is a piece.
    config.journal = Journal::default();
    config
}

/// What one run leaves, as a journal keeps it.
#[derive(Serialize, Deserialize)]
struct Piece {
    matrices: Vec<Kept>,
    checkpoint: CheckpointInfo,
    data: Option<DataInfo>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

/// A matrix of effects, as a journal keeps it.
#[derive(Serialize, Deserialize)]
struct Kept {
    method: Method,
    output: (String, String),
    metric: MetricKind,
    edges: Vec<(String, String)>,
    samples: usize,
    /// Row by row.
    effects: Vec<f64>,
}

impl From<ScoredBySample> for Kept {
    fn from(matrix: ScoredBySample) -> Self {
        Self {
            method: matrix.method,
            output: matrix.output,
            metric: matrix.metric,
            edges: matrix.edges,
            samples: matrix.effects.nrows(),
            effects: matrix.effects.iter().copied().collect(),
        }
    }
}

impl From<Kept> for ScoredBySample {
    fn from(kept: Kept) -> Self {
        let shape = (kept.samples, kept.edges.len());
        Self {
            method: kept.method,
            output: kept.output,
            metric: kept.metric,
            effects: Array2::from_shape_vec(shape, kept.effects)
                .unwrap_or_else(|_| unreachable!("a piece is whole or not there")),
            edges: kept.edges,
            measured: None,
        }
    }
}

/// That nothing was scored in a network that is no network is no error.
fn without_scores(error: Error) -> Result<Option<AllScored>> {
    match error.kind {
        ErrorKind::NoScores => Ok(None),
        kind if kind.is_of_scores() => Ok(None),
        kind => Err(kind.at(error.path)),
    }
}

/// The network with the weights of every layer in other places; `None` where no tensor is
/// known to be a layer's weights.
fn shuffled(checkpoint: &Checkpoint, config: &Config) -> Result<Option<Checkpoint>> {
    let loaded = Loaded::from_checkpoint(checkpoint, config.model.clone())?;
    let is_weight = |role: &Role| matches!(role, Role::Weight(_));
    if !loaded.roles.values().any(is_weight) {
        return Ok(None);
    }
    let mut rng = Rng::new(config.seed, SHUFFLES);
    Ok(Some(
        ControlKind::Shuffled.network(checkpoint, &loaded, &mut rng),
    ))
}

/// What circuits of two discoveries do on each other's samples, by answer: under the fill
/// and the metric that the data decide, of `size` edges.
fn transfers(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    grid: &Grid,
    (scored, size): (&AllScored, usize),
) -> Result<BTreeMap<String, Transfer>> {
    let of = |matrices: &Vec<Scored>| Discovered::new(matrices, size, config.seed);
    let all = scored.answers.iter();
    let mut discovered: BTreeMap<&String, Discovered> =
        all.filter_map(|(site, m)| Some((site, of(m)?))).collect();
    let (fill, metric) = (
        config.circuits.fill(data.corrupted.is_some()),
        grid.metrics[0],
    );
    // Any method does, which is asked for nothing but its runs.
    let mut scoring = scoring(config, (fill, metric), &[Method::Eap]);
    let edges = discovered
        .iter()
        .map(|(site, d)| ((*site).clone(), d.edges(&scored.answers[*site][0])));
    scoring.circuits.measure = edges.collect();
    let outcome = audit(checkpoint, data, &scoring, &|_| ())?;
    let mut found = BTreeMap::new();
    for matrix in outcome.by_sample {
        let site = matrix.output.0;
        let (Some(of), Some(measured)) = (discovered.remove(&site), matrix.measured) else {
            continue;
        };
        let samples = of.samples();
        if let Some(t) = of.transferred(&measured) {
            let transfer = Transfer {
                size,
                fill,
                metric,
                samples,
                pairs: t.pairs,
                jaccard: t.jaccard,
                faithfulness: t.faithfulness,
                agreement: t.agreement,
                gap: t.gap,
                same: t.same,
                unlike: t.unlike,
                unlike_same: t.unlike_same,
            };
            found.insert(site, transfer);
        }
    }
    Ok(found)
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

/// What the same analyses say where there is nothing to find; `own` are those of the
/// network and its labels as they are.
fn null(
    matrices: &[Scored],
    (grid, sizes, seed): (&Grid, &[usize], u64),
    own: &[Scored],
) -> Nonsense {
    let by_size = analyses(matrices, grid, sizes, seed);
    let edges = matrices.first().map_or(0, |m| m.matrix.edges.len());
    let overlaps = by_size.iter().map(|all| mean_overlap(all, seed));
    let core = |all: &Vec<Analysis>| {
        let support = support(all, edges);
        support.iter().filter(|share| **share >= CORE).count()
    };
    let with_modal = |(all, own): (&Vec<Analysis>, &Vec<Analysis>)| {
        let modal = modal(own).map_or_else(EdgeSet::new, |(edges, _)| edges);
        let shared = all.iter().map(|analysis| jaccard(&analysis.edges, &modal));
        shared.sum::<f64>() / all.len().max(1) as f64
    };
    let own = analyses(own, grid, sizes, seed);
    let with_modal = by_size.iter().zip(&own).map(with_modal);
    Nonsense {
        jaccard: overlaps.sum::<f64>() / by_size.len() as f64,
        with_own: Some(with_modal.sum::<f64>() / by_size.len() as f64),
        core: by_size.iter().map(core).collect(),
    }
}

/// What the analyses of one answer say.
fn answer(matrices: &[Scored], grid: &Grid, sizes: &[usize], config: &Config) -> Result<Analysed> {
    let first = &matrices[0].matrix;
    let by_size = analyses(matrices, grid, sizes, config.seed);
    let edges = &first.edges;
    let of_size = |(size, all): (&usize, &Vec<Analysis>)| OfSize {
        certified: certificates(&matrices[0], grid, *size, config.seed),
        ..summed(*size, all, edges, config.seed)
    };
    let all: Vec<OfSize> = sizes.iter().zip(&by_size).map(of_size).collect();
    let claims = grid
        .claims
        .iter()
        .map(|claim| claimed(claim, &grid.checkpoint, edges, &by_size));
    Ok(Analysed {
        output: first.output.0.clone(),
        output_name: first.output.1.clone(),
        specifications: by_size.iter().map(Vec::len).sum(),
        scored: matrices.len(),
        edges_total: edges.len(),
        samples: first.effects.nrows(),
        along: along(&by_size),
        nonsense: None,
        shuffled: None,
        transfer: None,
        claims: claims.collect::<Result<_>>()?,
        curve: curve(matrices, grid, sizes, &by_size),
        sizes: all,
    })
}

/// What an effect counts in the choice of edges, of a metric.
fn strength(sign: Sign, metric: MetricKind) -> impl Fn(f64) -> f64 + Sync {
    move |effect| match (sign, metric.direction()) {
        (Sign::Absolute, _) => effect.abs(),
        (Sign::Signed, Direction::HigherIsBetter) => effect,
        (Sign::Signed, Direction::LowerIsBetter) => -effect,
    }
}

/// All analyses, by size: matrices first, then selections, then sets of samples.
fn analyses(matrices: &[Scored], grid: &Grid, sizes: &[usize], seed: u64) -> Vec<Vec<Analysis>> {
    let mut by_size = vec![Vec::new(); sizes.len()];
    for scored in matrices {
        let sets = over_sets(scored.matrix.effects.view(), grid.sample_sets, seed);
        for (selection, sign) in grid.signs.iter().enumerate() {
            let strength = strength(*sign, scored.matrix.metric);
            let found = strongest_sets(sets.view(), sizes, strength);
            for (set, circuits) in found.into_iter().enumerate() {
                for (all, edges) in by_size.iter_mut().zip(circuits) {
                    let [method, fill, metric] = scored.at;
                    all.push(Analysis {
                        at: vec![method, fill, metric, selection, set],
                        edges,
                    });
                }
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
    order::descending(&mut possible, |index| support[*index]);
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
        certified: None,
        edges: possible.iter().map(named).collect(),
    }
}

/// What stays in the circuit, by the first choice along every axis, whatever few samples
/// are deleted or replaced.
fn certificates(scored: &Scored, grid: &Grid, size: usize, seed: u64) -> Option<Certified> {
    let matrix = &scored.matrix;
    let strength = strength(grid.signs[0], matrix.metric);
    let choose = |scores: &[f64]| strongest_by(scores, size, &strength);
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
        fill: grid.fills[scored.at[1]],
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
        return Err(ErrorKind::UnknownClaim {
            claim: claim.to_owned(),
        }
        .at(path));
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
        let choices = matrices
            .iter()
            .flat_map(|m| grid.signs.iter().map(move |sign| (m, *sign)));
        for ((scored, selection), sets) in choices.zip(of_matrix) {
            curve.extend(
                sets.iter()
                    .enumerate()
                    .map(|(samples, analysis)| Specified {
                        method: scored.matrix.method,
                        fill: grid.fills[scored.at[1]],
                        metric: scored.matrix.metric,
                        selection,
                        size: *size,
                        samples,
                        overlap: jaccard(&analysis.edges, &modal),
                    }),
            );
        }
    }
    curve
}
