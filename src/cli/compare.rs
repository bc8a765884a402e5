//! `modscope compare`: any number of checkpoints on the same work.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{self, Common, DataArgs, ModelArgs, ModulesArgs, PruneArgs, count};
use super::certify::CertifyArgs;
use super::circuit::CircuitArgs;
use super::members::{self, Grouping};
use super::{output, whole};
use crate::audit::Level;
use crate::audit::memory::{self, Budget};
use crate::checkpoint::sha256;
use crate::compare::matching::Matching;
use crate::compare::{self, Config, Entry, Part};
use crate::data::Dataset;
use crate::escape::visible;
use crate::result::Comparison;
use crate::result::Status;
use crate::{Error, Result, report};

/// Set checkpoints side by side: regimes over seeds, with controls and tests
///
/// All are audited on the same samples. Regime and seed come from --group, the
/// manifest, config.json, or a folder's name (task-regime-s1).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope compare runs --data held-out.safetensors
  modscope compare a/digits-*-s* --data a/digits-bimt-s1/data.safetensors --out reports/digits
  modscope compare nets/*.safetensors --data d.npz --group sparse='*-l1-*' --group dense='*-plain-*'
  modscope compare --manifest networks.csv --data d.npz --reference bimt")]
pub(super) struct Args {
    /// .safetensors files, folders that hold one, or folders of such folders
    #[arg(required_unless_present = "manifest")]
    checkpoints: Vec<PathBuf>,
    /// A CSV file with columns path, group and seed; paths from its own folder
    #[arg(long, value_name = "FILE", help_heading = "Regimes")]
    manifest: Option<PathBuf>,
    /// A regime and the paths that belong to it (* stands for anything); may be repeated
    #[arg(long = "group", value_name = "NAME=GLOB", help_heading = "Regimes")]
    groups: Vec<Grouping>,
    /// The regime that the others are held against [default: bimt, else the first]
    #[arg(long, value_name = "NAME", help_heading = "Regimes")]
    reference: Option<String>,
    /// Pruning threshold of the equal-threshold numbers
    #[arg(
        long,
        default_value_t = 0.01,
        value_name = "X",
        value_parser = args::not_negative,
        allow_negative_numbers = true,
        help_heading = "Pruning"
    )]
    equal_threshold: f64,
    /// Draws of every control: shuffled, untrained, nonsense
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = count(1, 1000), help_heading = "Circuits")]
    control_draws: usize,
    /// What neurons of two networks are matched by, for what their circuits share:
    /// activations or weights
    #[arg(
        long = "match",
        default_value_t = Matching::Activations,
        value_name = "BY",
        help_heading = "Overlap"
    )]
    matching: Matching,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    prune: PruneArgs,
    #[command(flatten)]
    certify: CertifyArgs,
    #[command(flatten)]
    modules: ModulesArgs,
    #[command(flatten)]
    circuits: CircuitArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut config = config(args)?;
    let budget = Budget::new(args.common.max_memory);
    let named: Vec<&Path> = args.checkpoints.iter().map(PathBuf::as_path).collect();
    memory::before_loading(budget, &named)?;
    let entries = members::entries(&args.checkpoints, args.manifest.as_deref(), &args.groups)?;
    compare::check(&entries, &config)?;
    let beside = &entries[0].checkpoint;
    let data = args::open_data(&args.data, beside)?;
    config.audit.discover =
        args::open_discovery(&data, |split| args::open_split(&args.data, beside, split))?;
    for entry in &entries {
        memory::before_audit(budget, &entry.checkpoint, &data)?;
    }
    let name = match entries[0]
        .checkpoint
        .config
        .get("task")
        .and_then(|t| t.as_str())
    {
        Some(task) => format!("compare-{task}"),
        None => "compare".to_owned(),
    };
    output::check_free(&args.common, &name, false)?;
    let folder = output::folder(&args.common, &name);
    let work = folder.as_deref().map(work_folder);
    let parts = measured(args, &entries, &data, &config, work.as_deref())?;
    let mut result = args
        .common
        .in_pool(|| compare::join(&entries, parts, &data, &config))??;
    result.summary = report::compare::words::summary(&result);
    if let Some(folder) = &folder {
        output::check_replaceable(folder, args.common.force)?;
        whole::folder(folder, args.common.force, |dir| {
            report::write_comparison(&result, dir)
        })?;
        // What was kept for an interruption is part of the result now.
        if let Some(work) = &work {
            let _ = fs::remove_dir_all(work);
        }
    }
    print(&args.common, &result, folder.as_deref())?;
    Ok(Status::Holds)
}

fn config(args: &Args) -> anyhow::Result<Config> {
    let mut config = Config::new(args::command_words());
    config.audit.seed = args.common.seed;
    config.audit.model = args.model.options();
    args.prune.apply(&mut config.audit);
    args.certify.apply(&mut config.audit)?;
    args.modules.apply(&mut config.audit);
    args.circuits.apply(&mut config.audit)?;
    if config.audit.circuits.level == Level::Node {
        anyhow::bail!("circuits of nodes are not compared yet; leave `--level node` out");
    }
    config.equal_threshold = args.equal_threshold;
    config.control_draws = args.control_draws;
    config.matching = args.matching;
    config.reference.clone_from(&args.reference);
    Ok(config)
}

/// Measures every network, or takes what an interrupted run has left of it.
fn measured(
    args: &Args,
    entries: &[Entry],
    data: &Dataset,
    config: &Config,
    work: Option<&Path>,
) -> anyhow::Result<Vec<Part>> {
    let bar = progress(&args.common, entries.len());
    let mut parts = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = visible(&entry.name);
        bar.set_message(name.clone().into_owned());
        let kept = work.map(|w| w.join(format!("{}.json", key(entry, data, config))));
        let part = match kept.as_deref().and_then(read) {
            Some(part) => part,
            None => {
                let step = |step: &str| bar.set_message(format!("{name}: {step}"));
                let part = args
                    .common
                    .in_pool(|| compare::measure(entry, data, config, &step))??;
                if let Some(path) = &kept {
                    keep(&part, path)?;
                }
                part
            }
        };
        parts.push(part);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(parts)
}

/// Where finished networks are kept until all are.
fn work_folder(folder: &Path) -> PathBuf {
    let name = folder
        .file_name()
        .map_or_else(|| "compare".into(), |n| n.to_string_lossy());
    folder.with_file_name(format!(".{name}.compare"))
}

/// What a measured network depends on: both files and every setting.
fn key(entry: &Entry, data: &Dataset, config: &Config) -> String {
    let mut settings = config.clone();
    // Neither changes what is measured of one network.
    settings.audit.command.clear();
    settings.reference = None;
    // The other split is of the same file.
    settings.audit.discover = None;
    settings.matching = Matching::Activations;
    let text = format!(
        "{} {} {} {} {:?} {} {} {settings:?}",
        env!("CARGO_PKG_VERSION"),
        entry.name,
        entry.checkpoint.sha256,
        entry.group,
        entry.seed,
        data.sha256,
        data.split,
    );
    sha256(text.as_bytes())
}

/// A kept network; one that cannot be read is measured again.
fn read(path: &Path) -> Option<Part> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Keeps a network, whole or not at all.
fn keep(part: &Part, path: &Path) -> Result<()> {
    let failed = |source: io::Error| Error::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let text = serde_json::to_vec(part).map_err(|error| failed(io::Error::other(error)))?;
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(failed)
}

fn progress(common: &Common, networks: usize) -> ProgressBar {
    if common.quiet || common.json {
        return ProgressBar::hidden();
    }
    let template = "{bar:30} {pos}/{len} networks, {eta} left · {msg}";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::new(networks as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The verdicts in words, or the whole result as JSON.
pub(super) fn print(
    common: &Common,
    result: &Comparison,
    folder: Option<&Path>,
) -> anyhow::Result<()> {
    let mut out: Vec<u8> = Vec::new();
    if common.json {
        report::json::write(result, &mut out)?;
    } else if !common.quiet {
        output::write_summary(&mut out, &result.summary)?;
        if let Some(folder) = folder {
            writeln!(
                out,
                "\nreport: {}",
                output::shown(&folder.join("index.html"))
            )?;
        }
    }
    Ok(output::to_stdout(&out)?)
}
