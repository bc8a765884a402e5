//! The whole pipeline as one function: a checkpoint and data in, a result out.
//!
//! Other commands run some of its stages. It decides nothing itself: every
//! number comes from a module above it in the house, under the conventions
//! stated there.

mod ability;
mod agreement;
mod apart;
mod bounded;
mod certify;
mod channels;
pub(crate) mod circuits;
pub(crate) mod controls;
mod course;
mod describe;
mod equivalence;
mod files;
mod fills;
mod findings;
mod finite;
mod function;
pub mod graph;
mod held;
mod insight;
mod intervene;
mod journal;
mod layered;
mod lens;
pub mod memory;
mod methods;
mod mlp;
mod modules;
mod multiverse;
mod network;
mod outputs;
mod parity;
mod pipeline;
mod proved;
pub mod rank;
mod replay;
mod search;
pub(crate) mod searched;
mod strongest;
mod subgroups;
pub(crate) mod subject;
mod surface;
mod task;
mod transformer;
mod transplant;
mod truth;
mod units;
mod versions;
mod weighing;
mod wiring;
mod written;

use std::borrow::Cow;
use std::time::Instant;

use crate::checkpoint::Checkpoint;
use crate::choice::RelocationMethod;
use crate::data::{Dataset, ReadAt};
use crate::model::{Architecture, Loaded, Network, Options, Readout};
use crate::modules::ModulesConfig;
use crate::numeric::Scalar;
use crate::prune::{self, Threshold, Tolerance};
use crate::{Result, result};

pub use certify::{CertifyConfig, DomainChoice, Proved};
pub use course::{Snapshot, Training, over_training};
pub use intervene::{Plan, Seen, Session, Sweep, WeightEdit, intervene};
pub use journal::Journal;
pub use lens::{LensSettings, lens};
pub use methods::{
    CircuitsConfig, Conventions, Granularity, JudgeOn, Level, Method, ProofConfig, Reference,
    Selection,
};
pub use versions::equivalence;

pub(crate) use files::Files;
pub use multiverse::{Grid, multiverse};
pub use outputs::outputs;
pub use search::ScoredBySample;
pub use searched::CONTROL_DRAWS;
use searched::{beside, searched};
use subject::Subject;

/// Everything a run can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The words of the command line, for the record.
    pub command: Vec<String>,
    /// Seed of every random choice.
    pub seed: u64,
    /// What the files do not say of the model.
    pub model: Options,
    /// Where a transformer's answers are read; `None` as the data say.
    pub read: Option<ReadAt>,
    /// How to prune.
    pub prune: prune::Config,
    /// What to certify, if anything.
    pub certify: Option<CertifyConfig>,
    /// Whether modules are written as networks of their own.
    pub apart: bool,
    /// Which stages to run.
    pub stages: Stages,
    /// How modules are found and tested.
    pub modules: ModulesConfig,
    /// How neurons are swapped for shorter wiring, if at all.
    pub relocate: Option<RelocationMethod>,
    /// Random sets per module and lesion.
    pub lesion_samples: usize,
    /// Whether Shapley values are computed of however many modules; of few they always are.
    pub shapley: bool,
    /// How circuits are found.
    pub circuits: CircuitsConfig,
    /// The samples that circuits are discovered on, where they are not a part of those
    /// of the audit: the data's other split.
    pub discover: Option<Dataset>,
    /// What an interrupted run has found already, and where this one keeps what it finds.
    pub journal: Journal,
}

/// Which parts of a result to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stages {
    /// Modules, null models, lesions, independence.
    pub modules: bool,
    /// Node ablation and circuits.
    pub circuits: bool,
}

/// What a run leaves behind.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The result.
    pub result: result::Audit,
    /// The scores of all edges, one graph for each of the result's circuits.
    pub graphs: Vec<result::GraphJson>,
    /// The effects of edges sample by sample, where `circuits.keep_samples` asks for them.
    pub by_sample: Vec<ScoredBySample>,
    /// The checkpoint with its pruned weights set to zero, in the layout it came in.
    /// `None` where nothing was pruned.
    pub pruned: Option<Checkpoint>,
    /// The same network without its idle neurons, in the same layout, narrower;
    /// `None` where that was not tried.
    pub compacted: Option<Checkpoint>,
    /// Its modules as networks of their own and their joiner, each by its path beside the
    /// result; where asked for.
    pub modules: Vec<Checkpoint>,
    /// The proof of the certificate, where it was asked for and found.
    pub proof: Option<Proved>,
    /// The checkpoint as it was given, with its neurons at their new places; where asked for.
    pub relocated: Option<Checkpoint>,
}

impl Outcome {
    /// A result beside which nothing is written.
    fn of(result: result::Audit) -> Self {
        Self {
            result,
            graphs: Vec::new(),
            by_sample: Vec::new(),
            pruned: None,
            compacted: None,
            modules: Vec::new(),
            proof: None,
            relocated: None,
        }
    }
}

impl Config {
    /// The seed of what the fill `resample` draws in circuits.
    pub(crate) fn fill_seed(&self) -> u64 {
        self.circuits.fill_seed.unwrap_or(self.seed)
    }

    /// What to look for among weights of at least `threshold`.
    pub(crate) fn modules_at(&self, threshold: f64) -> ModulesConfig {
        ModulesConfig {
            threshold,
            seed: self.seed,
            ..self.modules.clone()
        }
    }

    /// The defaults, for a command line that is recorded as `command`.
    #[must_use]
    pub fn new(command: Vec<String>) -> Self {
        Self {
            command,
            seed: 0,
            model: Options::default(),
            read: None,
            prune: prune::Config {
                threshold: Threshold::Usual,
                tolerance: Tolerance::Relative(0.01),
                biases: false,
                curve: true,
            },
            certify: None,
            apart: false,
            stages: Stages {
                modules: true,
                circuits: true,
            },
            modules: ModulesConfig::default(),
            relocate: None,
            lesion_samples: 100,
            shapley: false,
            circuits: CircuitsConfig::new(),
            discover: None,
            journal: Journal::default(),
        }
    }

    /// This, with what a file leaves open read as the framework's outputs show.
    fn settled(&self, checkpoint: &Checkpoint, data: &Dataset) -> Self {
        Self {
            model: self.model.settled(checkpoint, data),
            ..self.clone()
        }
    }
}

/// Opens a network and answers what `config.stages` asks. `progress` is told
/// the stage that begins.
///
/// # Errors
/// If the checkpoint is no network this tool knows, or the data do not fit it.
pub fn audit(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<Outcome> {
    let started = Instant::now();
    let config = &config.settled(checkpoint, data);
    let mut outcome = on_files(checkpoint, data, config, progress, |files| {
        let config = &*fitted_discovery(config, files.loaded);
        let mut outcome = match &files.loaded.network {
            Network::F32(network) => of(files, network, config, progress, started)?,
            Network::F64(network) => of(files, network, config, progress, started)?,
        };
        beside_controls(files, &mut outcome.result.circuits, config, progress)?;
        Ok(outcome)
    })?;
    outcome.result.subgroups = subgroups::subgroups(checkpoint, data, config, &outcome)?;
    if config.circuits.every_fill {
        fills::under_every_fill(checkpoint, data, config, &mut outcome, progress)?;
    }
    Ok(outcome)
}

/// Sets circuits beside those of the same search where there is nothing to find, where that
/// is asked for.
fn beside_controls(
    files: Files<'_>,
    circuits: &mut [result::Circuit],
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<()> {
    let draws = config.circuits.control_draws;
    if draws == 0 || circuits.is_empty() {
        return Ok(());
    }
    progress("searching circuits in controls");
    let controls = searched(files.checkpoint, files.data, files.loaded, config, draws)?;
    for circuit in circuits {
        let beside = controls
            .iter()
            .map(|control| beside(circuit, control, config.circuits.within));
        let beside: Vec<_> = beside.collect();
        circuit.controls.get_or_insert_default().searched = beside;
    }
    Ok(())
}

/// Works on a network that is read, and on the data as it needs them.
fn on_files<R>(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    progress: &dyn Fn(&str),
    work: impl FnOnce(Files<'_>) -> Result<R>,
) -> Result<R> {
    progress("checking the network");
    let loaded = Loaded::from_checkpoint(checkpoint, config.model.clone())?;
    let data = &*fitted(data, &loaded);
    work(Files {
        checkpoint,
        loaded: &loaded,
        data,
    })
}

/// The pipeline of a network of this kind.
fn of<T: Scalar>(
    files: Files<'_>,
    network: &Architecture<T>,
    config: &Config,
    progress: &dyn Fn(&str),
    started: Instant,
) -> Result<Outcome> {
    match network {
        Architecture::Mlp(model) => {
            let subject = Subject::new(files, model)?;
            pipeline::run(&subject, config, progress, started)
        }
        Architecture::Transformer(model) => {
            let subject = transformer::Subject::new(files, model, config.read.as_ref())?;
            pipeline::run(&subject, config, progress, started)
        }
        Architecture::Layered(model) => {
            let subject = layered::Subject::new(files, model)?;
            pipeline::run(&subject, config, progress, started)
        }
    }
}

/// Data as this network needs them: labels 0 and 1 are classes where it has one output.
pub(crate) fn fitted<'d>(data: &'d Dataset, loaded: &Loaded) -> Cow<'d, Dataset> {
    let widths = match &loaded.network {
        Network::F32(network) => network.widths(),
        Network::F64(network) => network.widths(),
    };
    let outputs = widths.last().copied().unwrap_or(0);
    let data = data.for_outputs(outputs);
    let is_probability = outputs == 1 && loaded.readout == Some(Readout::Sigmoid);
    let of_one = is_probability.then(|| data.for_one_probability()).flatten();
    of_one.map_or(data, Cow::Owned)
}

/// The same of the samples that circuits are discovered on.
fn fitted_discovery<'c>(config: &'c Config, loaded: &Loaded) -> Cow<'c, Config> {
    let discover = config.discover.as_ref().map(|other| fitted(other, loaded));
    match discover {
        Some(Cow::Owned(discover)) => Cow::Owned(Config {
            discover: Some(discover),
            ..config.clone()
        }),
        Some(Cow::Borrowed(_)) | None => Cow::Borrowed(config),
    }
}
