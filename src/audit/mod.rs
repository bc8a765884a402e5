//! The whole pipeline as one function: a checkpoint and data in, a result out.
//!
//! Other commands run some of its stages. It decides nothing itself: every
//! number comes from a module above it in the house, under the conventions
//! stated there.

mod ability;
mod agreement;
mod certify;
pub(crate) mod circuits;
pub(crate) mod controls;
mod describe;
mod findings;
mod finite;
mod function;
mod held;
mod insight;
mod layered;
pub mod memory;
mod methods;
mod modules;
mod network;
mod parity;
mod search;
mod strongest;
pub(crate) mod subject;
mod task;
mod transformer;
mod truth;
mod weighing;
mod wiring;
mod written;

use std::borrow::Cow;
use std::time::Instant;

use crate::checkpoint::Checkpoint;
use crate::choice::RelocationMethod;
use crate::data::{Dataset, ReadAt};
use crate::model::{Architecture, Loaded, Mlp, Network, Options};
use crate::modules::ModulesConfig;
use crate::numeric::Scalar;
use crate::prune::{self, Threshold, Tolerance};
use crate::{Result, result};

pub use certify::{CertifyConfig, DomainChoice};
pub use methods::{
    CircuitsConfig, Conventions, Granularity, JudgeOn, Level, Method, Reference, Selection,
};

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
    /// The checkpoint with its pruned weights set to zero, in the layout it came in.
    /// `None` where nothing was pruned.
    pub pruned: Option<Checkpoint>,
    /// The same network without its idle neurons, in the same layout, narrower;
    /// `None` where that was not tried.
    pub compacted: Option<Checkpoint>,
    /// The checkpoint as it was given, with its neurons at their new places; where asked for.
    pub relocated: Option<Checkpoint>,
}

impl Config {
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
    progress("checking the network");
    let loaded = Loaded::from_checkpoint(checkpoint, config.model.clone())?;
    let data = &*fitted(data, &loaded);
    let config = &*fitted_discovery(config, &loaded);
    match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => {
            run(checkpoint, data, &loaded, model, config, progress, started)
        }
        Network::F64(Architecture::Mlp(model)) => {
            run(checkpoint, data, &loaded, model, config, progress, started)
        }
        Network::F32(Architecture::Transformer(model)) => {
            transformer::run(checkpoint, data, &loaded, model, config, progress, started)
        }
        Network::F64(Architecture::Transformer(model)) => {
            transformer::run(checkpoint, data, &loaded, model, config, progress, started)
        }
        Network::F32(Architecture::Layered(model)) => {
            layered::run(checkpoint, data, &loaded, model, config, progress, started)
        }
        Network::F64(Architecture::Layered(model)) => {
            layered::run(checkpoint, data, &loaded, model, config, progress, started)
        }
    }
}

/// Data as this network needs them: labels 0 and 1 are classes where it has one output.
pub(crate) fn fitted<'d>(data: &'d Dataset, loaded: &Loaded) -> Cow<'d, Dataset> {
    let widths = match &loaded.network {
        Network::F32(network) => network.widths(),
        Network::F64(network) => network.widths(),
    };
    data.for_outputs(widths.last().copied().unwrap_or(0))
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

fn run<T: Scalar>(
    checkpoint: &Checkpoint,
    data: &Dataset,
    loaded: &Loaded,
    model: &Mlp<T>,
    config: &Config,
    progress: &dyn Fn(&str),
    started: Instant,
) -> Result<Outcome> {
    if let Some(coarse @ Granularity::Component) = config.circuits.granularity {
        return Err(coarse.refused(&data.path, "an MLP"));
    }
    let subject = Subject::new(checkpoint, data, loaded, model)?;
    let mut clock = Clock::new(started);
    let mut seconds = result::Seconds::default();
    let outputs = subject.final_outputs();
    let parity = subject.truth_of(&outputs).parity(data.told.outputs_dtype);
    let not_finite = finite::not_finite(checkpoint, loaded, &subject.clean);
    if !not_finite.is_empty() {
        let drawn = network::network(&subject, model);
        let (info, data_info) = (subject.checkpoint_info(), subject.data_info());
        let drawn = (drawn, parity);
        return Ok(finite::stopped(
            info,
            (data, data_info),
            drawn,
            not_finite,
            config,
            &clock,
        ));
    }
    seconds.load = clock.lap();

    progress("pruning and verifying");
    let reference = subject.reference(config.prune.tolerance);
    let (pruned, mut prune) = pruning(&subject, &reference, config, progress);
    let (compact, compaction, inference) = written::compaction(&subject, &pruned);
    prune.compaction = Some(compaction);
    seconds.prune = clock.lap();

    progress("finding modules");
    let mut modules = config
        .stages
        .modules
        .then(|| modules::modules(&subject, &pruned, &prune, &reference, config));
    seconds.modules = clock.lap();

    if let Some(modules) = &mut modules {
        modules.wiring = Some(wiring::wiring(
            &subject,
            &pruned,
            config.relocate,
            config.seed,
        ));
        modules.placement = wiring::placement(&subject, modules, config);
    }
    seconds.relocation = clock.lap();

    progress("discovering circuits");
    let (nodes, found) = match config.stages.circuits {
        true => circuits::circuits(&subject, &pruned, config, progress)?,
        false => Default::default(),
    };
    let found = search::gathered(found);
    if let Some(modules) = &mut modules {
        modules.agreement = agreement::agreement(modules, &found.circuits);
        modules.insight = Some(insight::insight(&subject, &pruned, modules, &nodes));
    }
    seconds.circuits = clock.lap();
    seconds.total = clock.total();

    let result = result::Audit {
        task: subject.truth().task(None),
        parity,
        strongest: Some(strongest::of_mlp(&subject, &pruned)),
        findings: [findings::findings(&subject, &pruned, &prune), found.silent].concat(),
        prune: Some(prune),
        modules,
        nodes,
        circuits: found.circuits,
        costs: result::Costs {
            seconds,
            inference: Some(inference),
            peak_memory_bytes: memory::peak_bytes(),
        },
        ..describe::audit(
            subject.checkpoint_info(),
            subject.data_info(),
            network::network(&subject, &pruned),
            config,
        )
    };
    let moved = result.modules.iter().flat_map(|m| &m.wiring);
    let moved = moved.flat_map(|w| &w.relocation).next();
    Ok(Outcome {
        relocated: moved.map(|found| written::relocated(checkpoint, loaded, model, &found.orders)),
        result,
        graphs: found.graphs,
        pruned: Some(written::pruned(checkpoint, loaded, &pruned)),
        compacted: Some(written::compacted(checkpoint, loaded, &compact)),
    })
}

/// Prunes, verifies, and certifies where asked to.
fn pruning<T: Scalar>(
    subject: &Subject<'_, T>,
    reference: &prune::Reference<Mlp<T>>,
    config: &Config,
    progress: &dyn Fn(&str),
) -> (Mlp<T>, result::Prune) {
    let mut settings = config.prune;
    if let (Some(asked), Threshold::Usual | Threshold::Auto) = (&config.certify, settings.threshold)
    {
        progress("looking for the largest threshold that can be certified");
        settings.threshold =
            certify::certified_threshold(subject, reference, settings, asked, config.seed);
    }
    let (pruned, mut prune) =
        prune::prune(subject.model, reference, subject.prune_setting(), settings);
    if let Some(asked) = &config.certify {
        progress("certifying");
        certify::certify(
            subject,
            reference,
            &pruned,
            settings,
            asked,
            config.seed,
            &mut prune,
        );
    }
    (pruned, prune)
}

/// Seconds by stage.
struct Clock {
    started: Instant,
    lap: Instant,
}

impl Clock {
    fn new(started: Instant) -> Self {
        Self {
            started,
            lap: started,
        }
    }

    /// Seconds since the last lap.
    fn lap(&mut self) -> f64 {
        let seconds = self.lap.elapsed().as_secs_f64();
        self.lap = Instant::now();
        seconds
    }

    fn total(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
