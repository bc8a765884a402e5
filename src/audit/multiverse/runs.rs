//! What one network's analyses are made of: effects sample by sample, and what circuits do.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::audit::methods::Subset;
use crate::audit::search::Measured;
use crate::audit::{Config, Journal, JudgeOn, ScoredBySample, Stages, audit};
use crate::checkpoint::Checkpoint;
use crate::choice::{Fill, Method, MetricKind};
use crate::circuit::EdgeGraph;
use crate::data::Dataset;
use crate::patch::EdgeSet;
use crate::result::{CheckpointInfo, DataInfo, Network};
use crate::{ErrorKind, Result};

/// A network on its samples, with what its analyses are asked for.
pub struct Runs<'r> {
    pub checkpoint: &'r Checkpoint,
    pub data: &'r Dataset,
    pub config: Config,
    pub grid: &'r Grid,
    pub progress: &'r dyn Fn(&str),
}

/// What a circuit is run under: fill, metric and draw of the fill by their numbers.
pub type Under = [usize; 3];

/// One matrix of effects, and where it stands on the axes.
pub struct Scored {
    /// The number of its method.
    pub method: usize,
    pub under: Under,
    pub matrix: ScoredBySample,
}

/// Circuits to run, by the site of their answer.
pub type Circuits = BTreeMap<String, Vec<EdgeSet>>;

/// What they do.
pub type Did = BTreeMap<String, Measured>;

/// All matrices, by output, and what they are of.
pub struct AllScored {
    pub checkpoint: CheckpointInfo,
    pub data: DataInfo,
    pub answers: BTreeMap<String, Vec<Scored>>,
    pub names: BTreeMap<String, String>,
}

impl Runs<'_> {
    /// Effects sample by sample along methods, fills, metrics and draws of fills.
    pub fn scores(&self) -> Result<AllScored> {
        let mut answers: BTreeMap<String, Vec<Scored>> = BTreeMap::new();
        let mut told = None;
        for under in self.unders() {
            let piece = self.scored(under)?;
            for matrix in piece.matrices {
                let matrix = ScoredBySample::from(matrix);
                let methods = &self.grid.methods;
                let method = methods.iter().position(|of| *of == matrix.method);
                let of_output = answers.entry(matrix.output.0.clone()).or_default();
                of_output.push(Scored {
                    method: method.unwrap_or(methods.len()),
                    under,
                    matrix,
                });
            }
            told.get_or_insert((piece.checkpoint, piece.data, piece.names));
        }
        let told = told.and_then(|(checkpoint, data, names)| Some((checkpoint, data?, names)));
        let Some((checkpoint, data, names)) = told.filter(|_| !answers.is_empty()) else {
            return Err(ErrorKind::NoScores.at(&self.data.path));
        };
        Ok(AllScored {
            checkpoint,
            data,
            answers,
            names,
        })
    }

    /// Every fill, metric and draw; of fills that are not drawn the first draw is all.
    fn unders(&self) -> Vec<Under> {
        let grid = self.grid;
        let mut all = Vec::new();
        for (f, fill) in grid.fills.iter().enumerate() {
            let seeds = if fill.is_drawn() { grid.seeds } else { 1 };
            for m in 0..grid.metrics.len() {
                all.extend((0..seeds).map(|seed| [f, m, seed]));
            }
        }
        all
    }

    /// The matrices of all methods under a fill, a metric and a draw.
    fn scored(&self, under: Under) -> Result<Piece> {
        let told = self.told(under);
        self.config.journal.piece(&told, || {
            let config = scoring(&self.config, self.choices(under), &self.grid.methods);
            let config = self.seeded(under, config);
            let progress = |stage: &str| (self.progress)(&format!("{told}: {stage}"));
            let outcome = audit(self.checkpoint, self.data, &config, &progress)?;
            Ok(Piece {
                matrices: outcome.by_sample.into_iter().map(Kept::from).collect(),
                checkpoint: outcome.result.checkpoint,
                data: outcome.result.data,
                names: own_names(&outcome.result.network),
            })
        })
    }

    /// What circuits do, by the site of their answer; `number` tells this from other runs
    /// under the same.
    pub fn measured(&self, under: Under, number: usize, circuits: Circuits) -> Result<Did> {
        let told = format!("{}, circuits run ({number})", self.told(under));
        (self.progress)(&told);
        let config = self.seeded(under, running(&self.config, self.choices(under)));
        self.config
            .journal
            .piece(&told, || self.run(config, circuits))
    }

    /// The same under a fill of its own, by the first metric.
    pub fn measured_by(&self, fill: Fill, circuits: Circuits) -> Result<Did> {
        let under = (fill, self.grid.metrics[0]);
        self.run(running(&self.config, under), circuits)
    }

    /// What circuits do under these settings.
    fn run(&self, mut config: Config, circuits: Circuits) -> Result<Did> {
        let placed = |(site, circuits): (String, Vec<EdgeSet>)| {
            (site, circuits.into_iter().map(Subset::ByPlace).collect())
        };
        config.circuits.measure = circuits.into_iter().map(placed).collect();
        let found = audit(self.checkpoint, self.data, &config, &|_| ())?.by_sample;
        let measured = |matrix: ScoredBySample| Some((matrix.output.0, matrix.measured?));
        Ok(found.into_iter().filter_map(measured).collect())
    }

    /// The fill and the metric.
    fn choices(&self, [fill, metric, _]: Under) -> (Fill, MetricKind) {
        (self.grid.fills[fill], self.grid.metrics[metric])
    }

    /// Settings with the draw of the fill.
    fn seeded(&self, [.., draw]: Under, mut config: Config) -> Config {
        if draw > 0 {
            config.circuits.fill_seed = Some(self.config.seed.wrapping_add(draw as u64));
        }
        config
    }

    fn told(&self, under: Under) -> String {
        let (fill, metric) = self.choices(under);
        match under[2] {
            0 => format!("{fill} fill, {metric}"),
            draw => format!("{fill} fill ({draw}), {metric}"),
        }
    }
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
pub fn scoring(config: &Config, (fill, metric): (Fill, MetricKind), methods: &[Method]) -> Config {
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
    config.circuits.judge_on = Some(JudgeOn::Same);
    config.discover = None;
    // The whole run is a piece.
    config.journal = Journal::default();
    config
}

/// The settings of a run of circuits: any method does, which is asked for nothing but its runs.
pub fn running(config: &Config, under: (Fill, MetricKind)) -> Config {
    scoring(config, under, &[Method::Random])
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
    graph: EdgeGraph,
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
            graph: matrix.graph,
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
            graph: kept.graph,
            measured: None,
        }
    }
}
