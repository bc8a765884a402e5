//! How often the 95 % interval of a circuit's faithfulness holds the faithfulness in the
//! population, by metric, fill and number of samples, and how many established circuits are
//! faithful there, as a table.
//!
//! `cargo run --release --example coverage -- ../shared [TRIALS] [METRIC…] [all]`: on samples
//! drawn at random of a box. A trial draws samples, discovers and judges circuits on halves of them as
//! `modscope circuit` does, and judges the same circuits on 40,000 other samples, which stand
//! for the population: many enough that their own error is small beside that of 300. Rows in
//! which intervals are withheld are left out; with `all` they are there, and say how often
//! those held that would have been given. Metrics that are named are measured alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "an example prints, and fails by panicking"
)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use modscope::audit::{CircuitsConfig, Config, JudgeOn, Method, Reference, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::choice::{Fill, MetricKind};
use modscope::data::{Dataset, Labels};
use modscope::evaluate::Judge;
use modscope::metric::Metric;
use modscope::model::{Architecture, Batch, Loaded, Mlp, Network, Options};
use modscope::numeric::Rng;
use modscope::numeric::statistics::mean;
use modscope::patch::{Engine, Fills, Patchable as _, PatchableExt as _};
use modscope::prune::Threshold;
use modscope::result::Circuit;
use ndarray::{Array2, ArrayView2, Axis};
use serde_json::json;

/// Samples that stand for the population.
const POPULATION: usize = 40_000;

/// Samples on either side, per class or in all.
const SAMPLES: [usize; 4] = [10, 30, 100, 300];

/// Edges of a circuit, for sparse and for dense networks: of some sizes nearly faithful, of
/// others not.
const SIZES: [[usize; 3]; 2] = [[8, 12, 24], [24, 60, 150]];

/// Metrics of targets, and of classes.
const METRICS: [&[MetricKind]; 2] = [
    &[MetricKind::Mse, MetricKind::Output],
    &[
        MetricKind::LogitDiff,
        MetricKind::ProbDiff,
        MetricKind::CrossEntropy,
        MetricKind::Kl,
        MetricKind::Accuracy,
        MetricKind::Mse,
    ],
];

/// A network and where its samples come from.
struct Subject {
    checkpoint: Checkpoint,
    model: Mlp<f32>,
    inputs: usize,
    reach: f64,
    classes: usize,
    sizes: [usize; 3],
}

/// The population as an engine reads it: inputs and metric by output, and what fills.
struct Population {
    answers: Vec<(Array2<f32>, Metric)>,
    fills: Fills<f32>,
}

/// What was counted of a row.
#[derive(Default)]
struct Tally {
    circuits: usize,
    held: usize,
    given: usize,
    given_held: usize,
    established: usize,
    faithful: usize,
}

fn main() {
    let mut words = std::env::args().skip(1);
    let shared = PathBuf::from(words.next().unwrap_or_else(|| "../shared".to_owned()));
    let trials = words.next().map_or(60, |n| n.parse().unwrap());
    let asked: Vec<String> = words.collect();
    let withheld_too = asked.iter().any(|word| word == "all");
    let only = |metric: &&MetricKind| {
        let named = |word: &String| MetricKind::each().any(|kind| kind.name() == word);
        !asked.iter().any(named) || asked.iter().any(|word| word == metric.name())
    };
    println!(
        "| metric | of | fill | samples a side | circuits | interval holds the truth | given | of these hold it | established | of these faithful |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let of_targets = subjects("independence", &shared, 4, 1.0, 0);
    let of_classes = subjects("two_moon", &shared, 2, 1.5, 2);
    for (subjects, metrics) in [(of_targets, METRICS[0]), (of_classes, METRICS[1])] {
        for metric in metrics.iter().filter(only) {
            for fill in [Fill::Zero, Fill::Mean] {
                for samples in SAMPLES {
                    if withheld_too || is_given(&subjects, *metric, fill, samples) {
                        row(&subjects, *metric, fill, samples, trials);
                    }
                }
            }
        }
    }
}

/// A sparse and a dense network of a task.
fn subjects(task: &str, shared: &Path, inputs: usize, reach: f64, classes: usize) -> [Subject; 2] {
    let seed = usize::from(classes > 0);
    let folders = [
        Path::new("fixtures").join(format!("{task}-bimt")),
        shared.join(format!("checkpoints/{task}-vanilla-s{seed}")),
    ];
    [0, 1].map(|which| {
        let checkpoint = Checkpoint::open(&folders[which]).unwrap();
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        let Network::F32(Architecture::Mlp(model)) = loaded.network else {
            panic!("these are MLPs in f32");
        };
        Subject {
            checkpoint,
            model,
            inputs,
            reach,
            classes,
            sizes: SIZES[which],
        }
    })
}

/// Whether any circuit of a first trial is given an interval.
fn is_given(subjects: &[Subject], metric: MetricKind, fill: Fill, samples: usize) -> bool {
    subjects.iter().any(|subject| {
        let data = subject.draw(2 * samples * subject.classes.max(1), 0);
        let given = subject.circuits(&data, &settings(metric, fill));
        given.iter().any(|circuit| circuit.interval.is_some())
    })
}

/// Prints one row of the table.
fn row(subjects: &[Subject], metric: MetricKind, fill: Fill, samples: usize, trials: u64) {
    let mut tally = Tally::default();
    for subject in subjects {
        let population = subject.population(metric, fill);
        let per_class = samples * subject.classes.max(1);
        for trial in 0..trials {
            let data = subject.draw(2 * per_class, trial);
            let mut config = settings(metric, fill);
            config.seed = trial;
            config.circuits.top = Some(subject.sizes[trial as usize % subject.sizes.len()]);
            let given = subject.circuits(&data, &config);
            config.circuits.all_intervals = true;
            config.circuits.controls = false;
            let all = subject.circuits(&data, &config);
            for (given, found) in given.iter().zip(&all) {
                let Some(truth) = subject.judged(found, &population) else {
                    continue;
                };
                if trial == 0 {
                    let audited = subject.audited(found, metric, fill).unwrap();
                    assert!((truth - audited).abs() < 1e-6, "{truth} is {audited}");
                }
                tally.count(given, found, truth);
            }
        }
    }
    println!(
        "| {metric} | {} | {fill} | {samples} | {} | {} | {} | {} | {} | {} |",
        match subjects[0].classes {
            0 => "targets",
            _ => "classes",
        },
        tally.circuits,
        share(tally.held, tally.circuits),
        share(tally.given, tally.circuits),
        share(tally.given_held, tally.given),
        tally.established,
        share(tally.faithful, tally.established)
    );
}

fn share(part: usize, whole: usize) -> String {
    match whole {
        0 => "–".to_owned(),
        n => format!("{:.1} %", 100.0 * part as f64 / n as f64),
    }
}

impl Tally {
    /// Counts a circuit with the interval it is given, and with the one that it would be.
    fn count(&mut self, given: &Circuit, found: &Circuit, truth: f64) {
        let Some([low, high]) = found.interval else {
            return;
        };
        let holds = low <= truth && truth <= high;
        self.circuits += 1;
        self.held += usize::from(holds);
        self.given += usize::from(given.interval.is_some());
        self.given_held += usize::from(given.interval.is_some() && holds);
        if given.established == Some(true) {
            self.established += 1;
            self.faithful += usize::from((truth - 1.0).abs() <= 0.05);
        }
    }
}

/// Circuits alone, of the whole network.
fn settings(metric: MetricKind, fill: Fill) -> Config {
    let mut config = Config::new(Vec::new());
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    config.prune.threshold = Threshold::At(0.0);
    config.prune.curve = false;
    config.circuits = CircuitsConfig {
        methods: vec![Method::Exact],
        metric: Some(metric),
        fill: Some(fill),
        judge_on: Some(JudgeOn::Half),
        nodes: false,
        stability: false,
        ..CircuitsConfig::new()
    };
    config
}

impl Subject {
    /// Samples drawn evenly of the box, with the labels of the task.
    fn draw(&self, samples: usize, seed: u64) -> Dataset {
        let mut rng = Rng::new(seed, 7);
        let draw = || self.reach * (2.0 * rng.uniform() - 1.0);
        let inputs = Array2::from_shape_simple_fn((samples, self.inputs), draw);
        let labels = match self.classes {
            0 => Labels::Targets(formulas(&inputs)),
            _ => Labels::Classes(
                inputs
                    .rows()
                    .into_iter()
                    .map(|x| moon(x[0], x[1]))
                    .collect(),
            ),
        };
        Dataset::from_arrays("drawn", inputs, Some(labels)).unwrap()
    }

    fn circuits(&self, data: &Dataset, config: &Config) -> Vec<Circuit> {
        let outcome = audit(&self.checkpoint, data, config, &|_| ()).unwrap();
        outcome.result.circuits
    }

    /// The samples that stand for the population, run for a metric and a fill.
    fn population(&self, metric: MetricKind, fill: Fill) -> Population {
        let data = self.draw(POPULATION, u64::MAX);
        let batch = Batch::new(&self.model, &data).unwrap();
        let trace = self.model.forward(batch.inputs.clone());
        let outputs = trace.values.last().unwrap().view();
        let answers = (0..self.model.out_perm.len()).map(|output| {
            let is_its = |sample: &usize| match &batch.classes {
                Some(classes) => classes[*sample] == output,
                None => true,
            };
            let rows: Vec<usize> = (0..batch.len()).filter(is_its).collect();
            let metric = of_kind(metric, output, &batch, outputs);
            (batch.inputs.select(Axis(1), &rows), metric.select(&rows))
        });
        let fills = match fill {
            Fill::Mean => Fills::mean(&trace),
            _ => Fills::zero(),
        };
        Population {
            answers: answers.collect(),
            fills,
        }
    }

    /// The faithfulness of a circuit in the population; `None` for a circuit without edges.
    fn judged(&self, found: &Circuit, population: &Population) -> Option<f64> {
        if found.edges.is_empty() {
            return None;
        }
        let output: usize = found.output.strip_prefix('y')?.parse().ok()?;
        let (inputs, metric) = &population.answers[output];
        let engine = Engine::new(&self.model, inputs.clone(), population.fills.clone());
        let edges = found.edges.iter().map(|e| (e.from.clone(), e.to.clone()));
        let edges: HashSet<(String, String)> = edges.collect();
        let is_its = |edge: &usize| edges.contains(&engine.edge_names(*edge));
        let circuit = engine.edges((0..engine.edge_count()).filter(is_its));
        let judge = Judge::new(&engine, metric.clone(), engine.all());
        judge.faithfulness(mean(&judge.values(&circuit)))
    }

    /// The same by an audit of the population as a file of samples: what [`Self::judged`]
    /// is held against.
    fn audited(&self, found: &Circuit, metric: MetricKind, fill: Fill) -> Option<f64> {
        let edges = found.edges.iter().map(|e| json!([e.from, e.to]));
        let mut config = settings(metric, fill);
        config.circuits.methods = Vec::new();
        config.circuits.judge_on = Some(JudgeOn::Same);
        config.circuits.controls = false;
        config.circuits.given = Some(Reference {
            path: PathBuf::from("found"),
            value: edges.collect(),
        });
        let all = self.circuits(&self.draw(POPULATION, u64::MAX), &config);
        let same = all.iter().find(|circuit| circuit.output == found.output)?;
        same.faithfulness
    }
}

/// The metric that an audit judges an output by.
fn of_kind(
    kind: MetricKind,
    output: usize,
    batch: &Batch<f32>,
    outputs: ArrayView2<'_, f32>,
) -> Metric {
    let classes = || batch.classes.clone().unwrap();
    match kind {
        MetricKind::LogitDiff => Metric::logit_diff(classes(), outputs),
        MetricKind::ProbDiff => match Metric::logit_diff(classes(), outputs) {
            Metric::LogitDiff { answers, foils } => Metric::ProbDiff { answers, foils },
            other => other,
        },
        MetricKind::Kl => Metric::kl(outputs),
        MetricKind::CrossEntropy => Metric::CrossEntropy { classes: classes() },
        MetricKind::Accuracy => Metric::Accuracy { classes: classes() },
        MetricKind::Mse => match &batch.targets {
            Some(targets) => Metric::Mse {
                targets: targets.clone(),
                output: Some(output),
            },
            None => Metric::mse_onehot(&classes(), outputs.nrows()),
        },
        MetricKind::Output => Metric::Output { output },
    }
}

/// The formulas that the first network was trained on.
fn formulas(inputs: &Array2<f64>) -> Array2<f64> {
    let mut targets = Array2::zeros((inputs.nrows(), 2));
    for (x, mut y) in inputs.rows().into_iter().zip(targets.rows_mut()) {
        y[0] = x[1].powi(2) + (std::f64::consts::PI * x[3]).sin();
        y[1] = (x[0] + x[2]).powi(3);
    }
    targets
}

/// Which of two half circles a point is nearer to.
fn moon(x: f64, y: f64) -> usize {
    let off = |x: f64, y: f64| ((x * x + y * y).sqrt() - 1.0).abs() + y.min(0.0).abs();
    usize::from(off(1.0 - x, 0.5 - y) < off(x, y))
}
