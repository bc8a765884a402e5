//! The stages of an audit in their order, written once for every kind of network.

use std::borrow::Cow;
use std::time::Instant;

use super::files::Files;
use super::search::{self, Found, ScoredBySample};
use super::{Config, Outcome, Proved, agreement, describe, findings, memory};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::result::{self, Finding, Modules, NodeAblation, Prune};

/// A network with its data, as the stages ask it.
pub trait Audited {
    /// What is pruned, searched and drawn.
    type Network: Clone;

    /// What the network was read from, and what it is run on.
    fn files(&self) -> Files<'_>;

    /// The network as it was read.
    fn whole(&self) -> &Self::Network;

    /// That outputs are NaN or infinite; of such a network nothing else is said.
    fn not_finite(&self) -> Option<Finding>;

    /// What was recognised in the checkpoint.
    fn checkpoint_info(&self) -> result::CheckpointInfo {
        let files = self.files();
        describe::checkpoint(files.checkpoint, files.loaded)
    }

    /// What it is run on.
    fn data_info(&self) -> result::DataInfo;

    /// Its outputs beside the framework's own.
    fn parity(&self) -> Option<result::Parity>;

    /// Its metric on the data, beside that of knowing nothing.
    fn task(&self) -> Option<result::Task>;

    /// Whether what is asked for can be had of this network.
    ///
    /// # Errors
    /// If it cannot.
    fn allows(&self, config: &Config) -> Result<()>;

    /// What the process is expected to take at its peak, in bytes.
    fn expected_memory(&self, config: &Config) -> u64;

    /// The network without what is below the threshold.
    ///
    /// # Errors
    /// If a module that is written cannot be read back.
    fn prune(&self, config: &Config, progress: &dyn Fn(&str)) -> Result<Pruned<'_, Self::Network>>;

    /// The modules of the pruned network, and what they do.
    ///
    /// # Errors
    /// If an edge weight or a fill was asked for that this network does not have, or
    /// runs take more memory than allowed.
    fn modules(
        &self,
        pruned: &Self::Network,
        prune: Option<&Prune>,
        config: &Config,
    ) -> Result<Modules>;

    /// Gives modules their places, where neurons have some.
    fn arrange(&self, _pruned: &Self::Network, _modules: &mut Modules, _config: &Config) {}

    /// The ablation of every node, and the circuits.
    ///
    /// # Errors
    /// If a fill, a metric or a granularity was asked for that there is not, or runs
    /// take more memory than allowed.
    fn circuits(
        &self,
        pruned: &Self::Network,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)>;

    /// Says of modules what the ablation of single nodes tells besides.
    fn explain(&self, _pruned: &Self::Network, _modules: &mut Modules, _nodes: &[NodeAblation]) {}

    /// Remarks on the network as it is and as it was pruned.
    fn remarks(
        &self,
        pruned: &Self::Network,
        prune: Option<&Prune>,
        config: &Config,
    ) -> Vec<Finding>;

    /// The drawing of the network as it was read, beside this one.
    fn drawn(&self, pruned: &Self::Network) -> result::Network;

    /// Adds the drawing, and the pictures that this kind of network has.
    ///
    /// # Errors
    /// If a circuit that was given is none of this network's.
    fn picture(
        &self,
        pruned: &Self::Network,
        _config: &Config,
        result: &mut result::Audit,
    ) -> Result<()> {
        result.network = self.drawn(pruned);
        Ok(())
    }

    /// The checkpoint with its pruned weights set to zero, in the layout it came in.
    fn written(&self, pruned: &Self::Network) -> Checkpoint;

    /// The checkpoint with its neurons at the places that `modules` found, if any.
    fn relocated(&self, _modules: &Modules) -> Option<Checkpoint> {
        None
    }
}

/// What pruning leaves.
pub struct Pruned<'a, N: Clone> {
    /// The network without what was pruned.
    pub network: Cow<'a, N>,
    /// What pruning did; `None` where nothing was to be pruned.
    pub told: Option<Prune>,
    /// How fast it runs without what is idle.
    pub inference: Option<result::Inference>,
    /// The checkpoint without idle neurons.
    pub compacted: Option<Checkpoint>,
    /// Its modules as networks of their own and their joiner, by path.
    pub modules: Vec<Checkpoint>,
    /// The proof of the certificate, where it was asked for and found.
    pub proof: Option<Proved>,
}

/// Answers what `config.stages` asks.
///
/// # Errors
/// If something was asked for that this network or these data do not have.
pub fn run<S: Audited>(
    subject: &S,
    config: &Config,
    progress: &dyn Fn(&str),
    started: Instant,
) -> Result<Outcome> {
    let mut clock = Clock::new(started);
    let mut result = opened(subject, config);
    if not_finite(subject, &mut result) {
        result.network = subject.drawn(subject.whole());
        result.costs.seconds.total = clock.total();
        result.costs.peak_memory_bytes = memory::peak_bytes();
        return Ok(Outcome::of(result));
    }
    subject.allows(config)?;
    let expected = subject.expected_memory(config);
    memory::Budget::new(config.circuits.max_memory).check(expected, &subject.files().data.path)?;
    progress(&format!(
        "working in about {} MB",
        expected.div_ceil(1_000_000)
    ));
    result.costs.expected_memory_bytes = expected;
    result.task = subject.task();
    result.costs.seconds.load = clock.lap();

    progress("pruning and verifying");
    let pruned = subject.prune(config, progress)?;
    let network = pruned.network.as_ref();
    result.prune = pruned.told;
    result.costs.inference = pruned.inference;
    result.costs.seconds.prune = clock.lap();

    modules(subject, network, config, progress, &mut result)?;
    result.costs.seconds.modules = clock.lap();
    if let Some(modules) = &mut result.modules {
        subject.arrange(network, modules, config);
    }
    result.costs.seconds.relocation = clock.lap();

    let (graphs, by_sample) = circuits(subject, network, config, progress, &mut result)?;
    result.costs.seconds.circuits = clock.lap();
    result.costs.seconds.total = clock.total();
    subject.picture(network, config, &mut result)?;
    result.costs.peak_memory_bytes = memory::peak_bytes();
    Ok(Outcome {
        graphs,
        by_sample,
        pruned: result.prune.is_some().then(|| subject.written(network)),
        compacted: pruned.compacted,
        modules: pruned.modules,
        proof: pruned.proof,
        relocated: result
            .modules
            .as_ref()
            .and_then(|modules| subject.relocated(modules)),
        ..Outcome::of(result)
    })
}

/// What is known before anything is changed.
fn opened<S: Audited>(subject: &S, config: &Config) -> result::Audit {
    result::Audit {
        parity: subject.parity(),
        prompts: subject.files().data.prompts.clone(),
        ..describe::audit(subject.checkpoint_info(), Some(subject.data_info()), config)
    }
}

/// Whether weights or outputs are NaN or infinite, which the result then says.
fn not_finite<S: Audited>(subject: &S, result: &mut result::Audit) -> bool {
    let files = subject.files();
    result.findings = subject.not_finite().into_iter().collect();
    let weights = findings::non_finite(files.checkpoint, files.loaded);
    result.findings.extend(weights);
    !result.findings.is_empty()
}

fn modules<S: Audited>(
    subject: &S,
    network: &S::Network,
    config: &Config,
    progress: &dyn Fn(&str),
    result: &mut result::Audit,
) -> Result<()> {
    if config.stages.modules {
        progress("finding modules");
        result.modules = Some(subject.modules(network, result.prune.as_ref(), config)?);
    }
    Ok(())
}

/// The circuits, and what they say of the modules; the scores of all edges, as means and
/// sample by sample.
fn circuits<S: Audited>(
    subject: &S,
    network: &S::Network,
    config: &Config,
    progress: &dyn Fn(&str),
    result: &mut result::Audit,
) -> Result<(Vec<result::GraphJson>, Vec<ScoredBySample>)> {
    let (nodes, found) = match config.stages.circuits {
        true => subject.circuits(network, config, progress)?,
        false => Default::default(),
    };
    let found = search::gathered(found);
    if let Some(modules) = &mut result.modules {
        modules.agreement = agreement::agreement(modules, &found.circuits);
        subject.explain(network, modules, &nodes);
    }
    let remarks = subject.remarks(network, result.prune.as_ref(), config);
    result.findings = [remarks, found.silent].concat();
    result.nodes = nodes;
    result.circuits = found.circuits;
    Ok((found.graphs, found.each))
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
