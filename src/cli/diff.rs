//! `modscope diff`: what changed from one version of a network to another.

use std::path::PathBuf;

use super::args::{self, Common, DataArgs, ModelArgs};
use super::certify::CertifyArgs;
use super::progress::Progress;
use super::{output, pipeline};
use crate::audit::memory::{self, Budget};
use crate::compare;
use crate::prune::Threshold;
use crate::report;
use crate::result::{DiffLimits, Status, fails};

/// Two versions of one network: what changed
///
/// Decisions (which samples, in both directions), outputs, the task's metric, weights,
/// what pruning leaves, modules and circuits. Without --max-changed and --tolerance
/// nothing is promised, and nothing can fail.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope diff v1 v2 --data held-out.safetensors
  modscope diff v1.safetensors v2.safetensors --data d.npz --max-changed 0 --tolerance 0.01
  modscope diff v1 v2 --data d.npz --certify --domain box:data --equivalence delta-top1
  modscope diff v1 v2 --data d.npz --no-circuits --json | jq .decisions.changed")]
pub(super) struct Args {
    /// The version before: a file, an index of shards, or a folder that holds one
    old: PathBuf,
    /// The version after
    new: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    /// Exit with 1 where more decisions than this changed
    #[arg(long, value_name = "N", help_heading = "Limits")]
    max_changed: Option<usize>,
    /// Exit with 1 where an output moves by more than this
    #[arg(
        long,
        value_name = "X",
        value_parser = args::not_negative,
        allow_negative_numbers = true,
        help_heading = "Limits"
    )]
    tolerance: Option<f64>,
    #[command(flatten)]
    certify: CertifyArgs,
    /// Prune weights with |w| below this: auto for the largest that verifies, for each
    /// version its own [default: auto]
    #[arg(long, value_name = "X", help_heading = "What is compared")]
    threshold: Option<Threshold>,
    /// Leave circuits out
    #[arg(long, help_heading = "What is compared")]
    no_circuits: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let name = format!(
        "diff-{}-{}",
        args::result_name(&args.old),
        args::result_name(&args.new)
    );
    output::check_free(&args.common, &name, false)?;
    let progress = Progress::new(&args.common);
    progress.stage("reading files");
    let budget = Budget::new(args.common.max_memory);
    memory::before_loading(budget, &[&args.old, &args.new])?;
    let (old, new) = (
        args::open_checkpoint(&args.old)?,
        args::open_checkpoint(&args.new)?,
    );
    let data = args::open_data(&args.data, &new)?;
    memory::before_audit(budget, &new, &data)?;
    let mut config = args.config();
    args.certify.apply(&mut config)?;
    let limits = DiffLimits {
        max_changed: args.max_changed,
        tolerance: args.tolerance,
    };
    let stage = |stage: &str| progress.stage(stage);
    let compute = || compare::diff(&old, &new, &data, &config, limits, &stage);
    let mut result = args.common.in_pool(compute)??;
    result.summary = report::diff::words::summary(&result);
    let folder = output::folder(&args.common, &name);
    output::place(&args.common, folder.as_deref(), |dir| {
        report::write_diff(&result, dir, &args.common.figures.print())
    })?;
    progress.finish();
    output::told(&args.common, &result, &result.summary, folder.as_deref())?;
    Ok(match fails(&result.summary) {
        true => Status::Fails,
        false => Status::Holds,
    })
}

impl Args {
    /// Each version is audited for what is compared and no more: no null networks, no
    /// lesions, no judgement of circuits.
    fn config(&self) -> crate::audit::Config {
        let mut config = pipeline::config(&self.common, &self.model);
        config.prune.threshold = self.threshold.unwrap_or(Threshold::Usual);
        config.prune.curve = false;
        config.stages.circuits = !self.no_circuits;
        config.modules.null_samples = 0;
        config.modules.more_nulls.clear();
        config.modules.stability_seeds = 0;
        config.lesion_samples = 0;
        config.circuits.stability = false;
        config.circuits.nodes = false;
        config
    }
}
