//! `modscope circuit`: node ablation and circuits alone.

use std::path::{Path, PathBuf};

use super::args::{
    Common, DataArgs, Groups, ModelArgs, PruneArgs, at_least_one, count, not_negative,
};
use super::pipeline::{self, Job};
use super::proof_args::ProofArgs;
use crate::audit::{
    CONTROL_DRAWS, CircuitsConfig, Config, Conventions, Granularity, JudgeOn, Level, Method,
    ProofConfig, Reference, Selection, Stages,
};
use crate::checkpoint::limited_read;
use crate::circuit::{MaskConfig, Sign};
use crate::data::ReadAt;
use crate::metric::MetricKind;
use crate::patch::Fill;
use crate::prune::Threshold;
use crate::report::exports::Export;
use crate::result::Status;
use crate::{ErrorKind, Result};

/// Discover the circuit of every output or class
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope circuit runs/a --data runs/a/data.safetensors --method acdc --metric logit-diff --fill mean
  modscope circuit runs/a --prune-threshold 0 --method exact --top 50
  modscope circuit runs/a --method proved --domain box:-1,1 --fill zero
  modscope circuit runs/a --method proved --radius 0.05 --rest any")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    groups: Groups,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    circuits: CircuitArgs,
    #[command(flatten)]
    proof: ProofArgs,
    /// ACDC's τ, or the least |score| of a circuit from scores, in units of the metric [default: swept]
    #[arg(
        short,
        long,
        value_name = "TAU",
        conflicts_with = "calibrate",
        value_parser = not_negative,
        allow_negative_numbers = true,
        help_heading = "Circuits"
    )]
    threshold: Option<f64>,
    /// Write every circuit with the scores of all edges: json (EAP-IG's graph), graphml, dot, neuronpedia (an attribution graph), mib (MIB's folders); several with commas
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "FORMAT",
        help_heading = "Circuits"
    )]
    export: Vec<Export>,
    /// Ablate every node too: what each does to every answer
    #[arg(long, help_heading = "Circuits")]
    nodes: bool,
    /// Scores and files only: without `--top` or `--threshold` no circuit is chosen, and none is judged
    #[arg(
        long,
        conflicts_with_all = ["curve", "minimality", "within", "every_fill", "calibrate"],
        help_heading = "Circuits"
    )]
    no_judge: bool,
    /// Prune weights with |w| below this first: a number, or `auto`
    #[arg(long, default_value = "0", value_name = "X", help_heading = "Pruning")]
    prune_threshold: Threshold,
}

/// How circuits are found.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Circuits")]
pub(super) struct CircuitArgs {
    /// How circuits are found: exact, acdc, eap, relp, eap-qk, atp-star, eap-ig-inputs, eap-ig-activations, clean-corrupted, screened, ensemble, mask, random; several with commas; or proved, alone: edges go where it is proved that they can
    #[arg(
        long = "method",
        default_value = "exact,acdc",
        value_delimiter = ',',
        value_name = "M"
    )]
    methods: Vec<Method>,
    /// What a circuit must keep [default: logit-diff for classes, mse for targets]
    #[arg(long, value_name = "K")]
    metric: Option<MetricKind>,
    /// What stands in for a patched message: zero, mean, corrupted, resample [default: corrupted where the data have pairs, else mean]
    #[arg(long, value_name = "F")]
    fill: Option<Fill>,
    /// Which effects ACDC heeds: signed (only a worsening) or absolute
    #[arg(long, default_value = "absolute", value_name = "S")]
    sign: Sign,
    /// Number of edges of a circuit from scores [default: the smallest faithful one]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    top: Option<usize>,
    /// How edges are taken from scores: top, or greedy (grown from the outputs backwards)
    #[arg(long, default_value = "top", value_name = "RULE")]
    selection: Selection,
    /// Choose the size of a circuit from scores by its faithfulness on samples that took no part in the ranking, in five folds, not by that on the samples that made it
    #[arg(long, conflicts_with = "top")]
    calibrate: bool,
    /// Keep edges of a circuit from scores that lie on no path from an input to an output
    #[arg(long)]
    keep_unconnected: bool,
    /// Runs of a path of integrated gradients
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = count(1, 10_000))]
    ig_steps: usize,
    /// Where this tool and published code differ: own, or published (the EAP-IG library's paths, the order of ACDC's authors)
    #[arg(long, default_value = "own", value_name = "WHOSE")]
    conventions: Conventions,
    /// Judge circuits from scores at all of MIB's sizes too, CPR and CMD; of ACDC, try every threshold, not only down to the first whose circuit is faithful
    #[arg(long)]
    curve: bool,
    /// Measure minimality: up to 600 edges are removed, of every circuit and of random ones [default: only of MLPs' weights, where that is quick]
    #[arg(long)]
    minimality: bool,
    /// A circuit is faithful when |1 − faithfulness| is at most this
    #[arg(
        long,
        default_value_t = 0.05,
        value_name = "X",
        value_parser = not_negative,
        allow_negative_numbers = true
    )]
    within: f64,
    /// Run every circuit under every fill that the data allow: one that holds under a kind fill alone is told
    #[arg(long)]
    every_fill: bool,
    /// Where a transformer's answers are read: last, all, or positions from 0 with commas [default: as the data say]
    #[arg(long, value_name = "WHERE")]
    read: Option<ReadAt>,
    /// What circuits are made of: edge, or node (a neuron, a head, an MLP, with all edges out of it)
    #[arg(long, default_value = "edge", value_name = "L")]
    level: Level,
    /// How fine a network is taken apart: weight (of linear layers; MLPs and small transformers), neuron (in transformers channels of the residual stream too), component (transformers) [default: weight for MLPs, component for transformers]
    #[arg(long, value_name = "G")]
    granularity: Option<Granularity>,
    /// Tell a transformer's edges apart by the position at which they are read, where samples are aligned, or a recurrent network's by the step
    #[arg(long)]
    positions: bool,
    /// Price of all gates being open, for the method mask: higher gives smaller circuits
    #[arg(long, default_value_t = 0.3, value_name = "X", value_parser = not_negative)]
    mask_price: f64,
    /// Steps of descent of the method mask
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = count(1, 1_000_000))]
    mask_steps: usize,
    /// A known circuit to hold circuits and scores against: EAP-IG's graph JSON, a list of edges, or tracr's truth.json
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// A circuit found elsewhere, to be judged besides: the same formats
    #[arg(long, value_name = "FILE")]
    circuit: Option<PathBuf>,
    /// Give every head keys and values of its own where several share them, as EAP-IG and MIB do
    #[arg(long)]
    ungroup: bool,
    /// Tell a transformer's token and position embedding apart
    #[arg(long)]
    split_input: bool,
    /// Search circuits in controls too: in shuffled weights, in an untrained network and for
    /// permuted labels, two draws each
    #[arg(long)]
    controls: bool,
    /// What circuits are judged on: test (discovered on the data's `train_` samples), half (drawn at random; discovered on the other), or same [default: test where the data have both, else half; the same where there are fewer than 20]
    #[arg(long, value_name = "SET")]
    judge_on: Option<JudgeOn>,
}

impl CircuitArgs {
    pub fn apply(&self, config: &mut Config) -> Result<()> {
        config.read.clone_from(&self.read);
        config.circuits = CircuitsConfig {
            methods: self.methods.clone(),
            metric: self.metric,
            fill: self.fill,
            sign: self.sign,
            threshold: None,
            top: self.top,
            selection: self.selection,
            calibrate: self.calibrate,
            connected: !self.keep_unconnected,
            conventions: self.conventions,
            ig_steps: self.ig_steps,
            scores: false,
            strict: false,
            judge: true,
            minimality: self.minimality,
            stability: true,
            keep_samples: false,
            measure: std::collections::BTreeMap::new(),
            proof: ProofConfig::default(),
            every_fill: self.every_fill,
            fill_seed: None,
            nodes: true,
            controls: true,
            control_draws: match self.controls {
                true => CONTROL_DRAWS,
                false => 0,
            },
            all_intervals: false,
            curve: self.curve,
            whole_sweep: self.curve,
            within: self.within,
            max_memory: config.circuits.max_memory,
            split_input: self.split_input,
            ungroup: self.ungroup,
            judge_on: self.judge_on,
            known: self.known.as_deref().map(reference).transpose()?,
            given: self.circuit.as_deref().map(reference).transpose()?,
            level: self.level,
            granularity: self.granularity,
            positions: self.positions,
            mask: MaskConfig {
                price: self.mask_price,
                steps: self.mask_steps,
                ..MaskConfig::default()
            },
        };
        Ok(())
    }
}

/// A circuit in a file.
fn reference(path: &Path) -> Result<Reference> {
    let bytes = limited_read(path)?;
    let value = serde_json::from_slice(&bytes).map_err(|e| {
        ErrorKind::Json {
            detail: e.to_string(),
        }
        .at(path)
    })?;
    Ok(Reference {
        path: path.to_owned(),
        value,
    })
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = pipeline::config(&args.common, &args.model);
    args.circuits.apply(&mut config)?;
    config.circuits.proof = args.proof.config()?;
    config.circuits.strict = true;
    config.circuits.scores = true;
    config.circuits.threshold = args.threshold;
    config.circuits.judge = !args.no_judge;
    config.circuits.stability = !args.no_judge;
    config.circuits.nodes = args.nodes;
    config.stages = Stages {
        modules: false,
        circuits: true,
    };
    PruneArgs::at(args.prune_threshold).apply(&mut config);
    // Circuits are of one network; what other thresholds would do is not asked.
    config.prune.curve = false;
    pipeline::run(
        &args.common,
        &Job {
            command: "circuit",
            checkpoint: Some(&args.checkpoint),
            data: &args.data,
            by: args.groups.by.as_deref(),
            config,
            write_pruned: None,
            compact: false,
            write_relocated: false,
            over: &[],
            exports: &args.export,
        },
    )
}
