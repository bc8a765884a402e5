//! `modscope compare`: any number of checkpoints on the same work.

use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{self, Common, DataArgs, ModelArgs, ModulesArgs, PruneArgs, count};
use super::certify::CertifyArgs;
use super::circuit::CircuitArgs;
use super::journal::{self, OnDisk};
use super::members::{self, Grouping};
use super::output;
use crate::audit::memory::{self, Budget};
use crate::audit::{self, CONTROL_DRAWS, Journal, Level};
use crate::choice::Pick;
use crate::compare::matching::Matching;
use crate::compare::{self, Config, Entry, Part};
use crate::data::Dataset;
use crate::escape::visible;
use crate::report;
use crate::result::Status;

/// Set checkpoints side by side: regimes over seeds, with controls and tests
///
/// All are audited on the same samples. Regime and seed come from --group, the
/// manifest, config.json, or a folder's name (task-regime-s1).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope compare runs --data held-out.safetensors
  modscope compare a/digits-*-s* --data a/digits-bimt-s1/data.safetensors --out reports/digits
  modscope compare nets/*.safetensors --data d.npz --group sparse='*-l1-*' --group dense='*-plain-*'
  modscope compare --manifest networks.csv --data d.npz --reference bimt

On many machines, each network measured once, then compared:
  modscope compare nets/* --data d.npz --from parts --only $SLURM_ARRAY_TASK_ID/40
  modscope compare nets/* --data d.npz --from parts --out reports/nets")]
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
    /// Rank the networks: `modular` by the nats that blocks gain, the selectivity of the modules and
    /// the loss, each counted by rank
    #[arg(
        long,
        value_name = "BY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = Pick::Modular.name(),
        help_heading = "Regimes"
    )]
    rank: Option<Pick>,
    /// Draws of every control: shuffled, untrained, nonsense
    #[arg(long, default_value_t = CONTROL_DRAWS, value_name = "N", value_parser = count(1, 1000), help_heading = "Circuits")]
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
    /// Take networks that were measured elsewhere from this folder, and add those that were
    /// not; files and flags must be the same
    #[arg(long, value_name = "DIR", help_heading = "Many machines")]
    from: Option<PathBuf>,
    /// Measure every N-th network from the I-th on into --from DIR, and compare nothing
    #[arg(long, value_name = "I/N", requires = "from", value_parser = turn, help_heading = "Many machines")]
    only: Option<Turn>,
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

/// The I-th of N runs that share the work, I from 1.
#[derive(Debug, Clone, Copy)]
struct Turn {
    run: usize,
    of: usize,
}

fn turn(text: &str) -> Result<Turn, String> {
    let parts = text.split_once('/');
    let parts = parts.and_then(|(run, of)| Some((run.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((run, of)) if (1..=of).contains(&run) => Ok(Turn { run, of }),
        _ => Err("expected I/N, as 3/40: the third of forty runs".to_owned()),
    }
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
    config.audit.discover = args::open_discovery(&data, |split| {
        args::open_split(&args.data, beside, split, None)
    })?;
    for entry in &entries {
        memory::before_audit(budget, &entry.checkpoint, &data)?;
    }
    if let (Some(folder), Some(turn)) = (&args.from, args.only) {
        return measure_only(args, &entries, &data, &config, folder, turn);
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
    // A network that is finished stays so whatever others it stands beside.
    let kept = OnDisk::open(folder.as_deref(), &journal::hashed("compare"));
    let journal = match &args.from {
        Some(folder) => journal::shared(folder)?,
        None => kept.journal.clone(),
    };
    let parts = measured(args, &entries, &data, &config, &journal)?;
    let mut result = args
        .common
        .in_pool(|| compare::join(&entries, parts, &data, &config))??;
    result.summary = report::compare::words::summary(&result);
    output::place(&args.common, folder.as_deref(), |dir| {
        report::write_comparison(&result, dir, &args.common.figures.print())
    })?;
    kept.done(folder.as_deref());
    output::told(&args.common, &result, &result.summary, folder.as_deref())?;
    Ok(Status::Holds)
}

/// Measures the networks whose turn it is, for a comparison that is made later.
fn measure_only(
    args: &Args,
    entries: &[Entry],
    data: &Dataset,
    config: &Config,
    folder: &Path,
    turn: Turn,
) -> anyhow::Result<Status> {
    let mine = entries.iter().skip(turn.run - 1).step_by(turn.of);
    let mine: Vec<Entry> = mine.cloned().collect();
    measured(args, &mine, data, config, &journal::shared(folder)?)?;
    for entry in &mine {
        let path = journal::part(folder, &key(entry, data, config));
        if !path.is_file() {
            anyhow::bail!(
                "{} could not be written",
                visible(&path.display().to_string())
            );
        }
    }
    if !args.common.quiet {
        let (measured, all) = (mine.len(), entries.len());
        let folder = folder.display().to_string();
        let said = format!("{measured} of {all} networks are in {}\n", visible(&folder));
        output::to_stdout(said.as_bytes())?;
    }
    Ok(Status::Note)
}

fn config(args: &Args) -> anyhow::Result<Config> {
    let mut config = Config::new(args::command_words());
    config.audit.seed = args.common.seed;
    config.audit.circuits.max_memory = Some(Budget::new(args.common.max_memory).limit());
    config.audit.model = args.model.options();
    args.prune.apply(&mut config.audit);
    args.certify.apply(&mut config.audit)?;
    args.modules.apply(&mut config.audit);
    // Networks are held against each other by as many draws each.
    config.audit.modules.all_draws = true;
    args.circuits.apply(&mut config.audit)?;
    // Of each network alone: `modscope circuit` tells it.
    config.audit.circuits.stability = false;
    config.audit.circuits.whole_sweep = true;
    // A comparison searches controls of every network by itself.
    config.audit.circuits.control_draws = 0;
    if config.audit.circuits.level == Level::Node {
        anyhow::bail!("circuits of nodes are not compared yet; leave `--level node` out");
    }
    config.equal_threshold = args.equal_threshold;
    config.control_draws = args.control_draws;
    config.matching = args.matching;
    config.reference.clone_from(&args.reference);
    config.rank = args.rank;
    Ok(config)
}

/// Measures every network, or takes what an interrupted run has left of it.
fn measured(
    args: &Args,
    entries: &[Entry],
    data: &Dataset,
    config: &Config,
    journal: &Journal,
) -> anyhow::Result<Vec<Part>> {
    let bar = progress(&args.common, entries.len());
    let mut parts = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = visible(&entry.name);
        bar.set_message(name.clone().into_owned());
        let step = |step: &str| bar.set_message(format!("{name}: {step}"));
        let key = key(entry, data, config);
        let mut config = config.clone();
        config.audit.journal = journal.within(&key);
        let measure = || compare::measure(entry, data, &config, &step);
        let piece = || journal.piece(&key, measure);
        parts.push(args.common.in_pool(piece)??);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(parts)
}

/// What a measured network depends on: both files and every setting.
fn key(entry: &Entry, data: &Dataset, config: &Config) -> String {
    let mut settings = config.clone();
    // None of these changes what is measured of one network.
    settings.reference = None;
    settings.rank = None;
    settings.matching = Matching::Activations;
    let audit = std::mem::replace(&mut settings.audit, audit::Config::new(Vec::new()));
    journal::hashed(&format!(
        "{} {} {} {:?} {settings:?}",
        journal::key(&entry.checkpoint, data, &audit),
        entry.name,
        entry.group,
        entry.seed,
    ))
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
