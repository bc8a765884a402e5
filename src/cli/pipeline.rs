//! What the commands that run the pipeline have in common.

use std::path::{Path, PathBuf};

use super::args::{self, Common, DataArgs, ModelArgs};
use super::journal::{self, OnDisk};
use super::output::{self, Finished, Written};
use super::progress::Progress;
use super::{example, over, proof, training};
use crate::audit::memory::{self, Budget};
use crate::audit::{Config, Outcome, Training, audit, over_training};
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::report::exports::Export;
use crate::result::Status;

/// A run of (some stages of) the pipeline.
pub(super) struct Job<'a> {
    /// The subcommand.
    pub command: &'a str,
    /// The checkpoint; the embedded example without one.
    pub checkpoint: Option<&'a Path>,
    pub data: &'a DataArgs,
    /// The column or array that parts the samples.
    pub by: Option<&'a str>,
    pub config: Config,
    /// Where to write the pruned network, if anywhere.
    pub write_pruned: Option<PrunedTo>,
    /// Whether it is written without its idle neurons.
    pub compact: bool,
    /// Whether the relocated network is written into the report's folder.
    pub write_relocated: bool,
    /// Other checkpoints of the training, over which modules are followed.
    pub over: &'a [PathBuf],
    /// Files that are written of every circuit.
    pub exports: &'a [Export],
}

/// Where a pruned network goes.
pub(super) enum PrunedTo {
    /// `pruned.safetensors` in the report's folder.
    Report,
    /// A file of its own.
    File(PathBuf),
}

/// The configuration that every command starts from.
pub(super) fn config(common: &Common, model: &ModelArgs) -> Config {
    let mut config = Config::new(args::command_words());
    config.seed = common.seed;
    config.circuits.max_memory = Some(Budget::new(common.max_memory).limit());
    config.model = model.options();
    config
}

/// A network and its data, for a command with a result of its own.
pub(super) struct Opened {
    /// The name that the result goes by.
    pub name: String,
    pub progress: Progress,
    pub checkpoint: Checkpoint,
    pub data: Dataset,
}

/// Opens what `command` works on, once its result has a place.
pub(super) fn open(
    command: &str,
    common: &Common,
    checkpoint: &Path,
    data: &DataArgs,
) -> anyhow::Result<Opened> {
    let name = format!("{command}-{}", args::result_name(checkpoint));
    output::check_free(common, &name, false)?;
    let progress = Progress::new(common);
    progress.stage("reading files");
    let budget = Budget::new(common.max_memory);
    memory::before_loading(budget, &[checkpoint])?;
    let checkpoint = args::open_checkpoint(checkpoint)?;
    let data = args::open_data(data, &checkpoint)?;
    memory::before_audit(budget, &checkpoint, &data)?;
    Ok(Opened {
        name,
        progress,
        checkpoint,
        data,
    })
}

/// Opens, computes, writes, and says whether all that was to be verified holds.
pub(super) fn run(common: &Common, job: &Job<'_>) -> anyhow::Result<Status> {
    if common.json && common.out.is_none() {
        refuse_without_folder(job)?;
    }
    let name = job
        .checkpoint
        .map_or_else(|| "example".to_owned(), args::result_name);
    // The example's own report can be made again at any time.
    let replace = job.checkpoint.is_none() && common.out.is_none();
    output::check_free(common, &name, replace)?;
    if let Some(PrunedTo::File(path)) = &job.write_pruned {
        output::check_free_file(common, path)?;
    }
    let progress = Progress::new(common);
    progress.stage("reading files");
    let (checkpoint, data, training) = read(common, job)?;
    let mut config = job.config.clone();
    if config.stages.circuits {
        config.discover =
            args::open_discovery(&data, |split| opened(job, split).map(|(_, data)| data))?;
    }
    let folder = output::folder(common, &name);
    let kept = OnDisk::open(
        folder.as_deref(),
        &journal::key(&checkpoint, &data, &config),
    );
    config.journal = kept.journal.clone();
    if let Some(certify) = &mut config.certify {
        certify.log = folder.is_some();
    }
    let compute = || {
        audit(&checkpoint, &data, &config, &|stage| {
            progress.stage(stage);
        })
    };
    let mut outcome = common.in_pool(compute)??;
    if job.command == "circuit" {
        outcome.result.graph = outcome.graphs.first().cloned();
    }
    if let Some(training) = &training {
        let told = &mut outcome.result;
        let follow = || {
            over_training(training, told, &data, &config, &|stage| {
                progress.stage(stage);
            })
        };
        common.in_pool(follow)??;
    }
    if job.checkpoint.is_some() {
        outcome.result.training = training::beside(&checkpoint.path);
    }
    progress.stage("writing the report");
    let written = write(common, job, (&name, replace), &checkpoint, outcome)?;
    kept.done(folder.as_deref());
    progress.finish();
    output::print(common, &written)
}

/// The network and its data, and the training that it is followed over, within the memory
/// that is allowed.
fn read(common: &Common, job: &Job<'_>) -> anyhow::Result<(Checkpoint, Dataset, Option<Training>)> {
    let budget = Budget::new(common.max_memory);
    let over = over::files(job.over)?;
    let named = [job.checkpoint, job.data.data.as_deref()];
    let named = named.into_iter().flatten();
    let named: Vec<&Path> = named.chain(over.iter().map(PathBuf::as_path)).collect();
    memory::before_loading(budget, &named)?;
    let (checkpoint, data) = opened(job, job.data.split.as_deref())?;
    memory::before_audit(budget, &checkpoint, &data)?;
    let path = job.checkpoint.unwrap_or(&checkpoint.path);
    let options = job.config.model.settled(&checkpoint, &data);
    let training = over::training(path, &checkpoint, &over, &options)?;
    Ok((checkpoint, data, training))
}

/// Writes the report of `name`, and the networks and proofs that were asked for.
fn write(
    common: &Common,
    job: &Job<'_>,
    (name, replace): (&str, bool),
    checkpoint: &Checkpoint,
    mut outcome: Outcome,
) -> anyhow::Result<Written> {
    let in_report = matches!(job.write_pruned, Some(PrunedTo::Report));
    let beside = match (in_report, job.compact) {
        (false, _) => proof::Beside::Nothing,
        (true, false) => proof::Beside::Pruned,
        (true, true) => proof::Beside::Compacted,
    };
    let logged = proof::logged(checkpoint, &mut outcome, beside)?;
    let pruned = match job.compact {
        true => outcome.compacted.as_ref(),
        false => outcome.pruned.as_ref(),
    };
    if job.write_pruned.is_some() && pruned.is_none() {
        anyhow::bail!(match job.compact {
            true => "`--compact` is for MLPs: leave it out to write the pruned network",
            false => "nothing was pruned, so there is no network to write: name a `--threshold`",
        });
    }
    let prune = outcome.result.prune.as_ref();
    if job.config.apart && prune.is_none_or(|prune| prune.apart.is_none()) {
        anyhow::bail!(match prune {
            Some(_) => "`--write-modules` is for MLPs: leave it out to prune this network",
            None => "nothing was pruned, so there are no modules to write: name a `--threshold`",
        });
    }
    let in_report = pruned.filter(|_| in_report);
    let relocated = outcome.relocated.as_ref().filter(|_| job.write_relocated);
    let networks = [
        in_report.map(|network| (Path::new("pruned.safetensors"), network)),
        relocated.map(|network| (Path::new("relocated.safetensors"), network)),
    ];
    let modules = outcome.modules.iter();
    let modules = modules.map(|module| (module.path.as_path(), module));
    let configs = outcome.modules.iter().filter_map(config_beside);
    let finished = Finished {
        command: job.command,
        name,
        result: outcome.result,
        networks: networks.into_iter().flatten().chain(modules).collect(),
        files: logged.into_iter().chain(configs).collect(),
        file: match &job.write_pruned {
            Some(PrunedTo::File(path)) => pruned.map(|network| (path.as_path(), network)),
            _ => None,
        },
        graphs: &outcome.graphs,
        exports: job.exports,
        replace,
        print: common.figures.print(),
    };
    Ok(output::write(common, finished)?)
}

/// The `config.json` of a module that is written.
fn config_beside(module: &Checkpoint) -> Option<(PathBuf, Vec<u8>)> {
    let text = serde_json::Value::from(module.config.clone()).to_string();
    let path = module.path.with_file_name("config.json");
    (!module.config.is_empty()).then(|| (path, text.into_bytes()))
}

/// The network and its data: those that were named, or the embedded example.
fn opened(job: &Job<'_>, split: Option<&str>) -> crate::Result<(Checkpoint, Dataset)> {
    Ok(match job.checkpoint {
        Some(path) => {
            let checkpoint = args::open_checkpoint(path)?;
            let data = args::open_split(job.data, &checkpoint, split, job.by)?;
            (checkpoint, data)
        }
        None => example::open(job.data, split, job.by)?,
    })
}

/// Networks are written into the report's folder; without one there is no place for them.
fn refuse_without_folder(job: &Job<'_>) -> anyhow::Result<()> {
    let flags = [
        (
            "--write-pruned",
            matches!(job.write_pruned, Some(PrunedTo::Report)),
        ),
        ("--write-relocated", job.write_relocated),
        ("--write-modules", job.config.apart),
    ];
    match flags.iter().find(|(_, asked)| *asked) {
        Some((flag, _)) => anyhow::bail!(
            "`{flag}` writes into the report's folder, and `--json` makes none; \
             name one with `--out DIR`"
        ),
        None => Ok(()),
    }
}
