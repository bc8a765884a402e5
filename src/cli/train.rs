//! `modscope train`: brain-inspired modular training, one network or a sweep.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::args::{Columns, bytes, count};
use super::fronts::{self, Trained};
use super::interrupt::{self, EndsItself};
use super::recipe_args::RecipeArgs;
use super::whole;
use super::{output, pick};
use crate::audit::memory::{Budget, peak_bytes, resident_bytes};
use crate::checkpoint::{Checkpoint, sha256};
use crate::choice::Pick;
use crate::data::{Dataset, Reading, idx};
use crate::escape::visible;
use crate::report;
use crate::report::figures::Print;
use crate::report::ranking::sentence;
use crate::result::Status;
use crate::train::output::Tensors;
use crate::train::recipe::{Attention, Loss};
use crate::train::run::{self, Finished, Job, Moment, Observer};
use crate::train::summary::{COLUMNS, Summary, cells};
use crate::train::task::own;
use crate::train::{Problem, Recipe, Regime, Task, memory, snapshot};
use crate::{ErrorKind, Result};

/// Train networks the brain-inspired way (BIMT), or in ways to set beside it
#[derive(Debug, clap::Args)]
#[command(after_help = "Tasks:
  independence, feature_sharing, compositionality   symbolic formulas
  two_moon                                          two interleaving half circles
  modular_addition, permutation                     group tables as pairs of tokens
  incontext                                         linear regression in context, by a transformer
  glyphs                                            8x8 images drawn in code
  images                                            images of your own (--data, --labels)
  data                                              data of your own (--data)

Examples:
  modscope train independence --regime bimt --seed 0 --film
  modscope train modular_addition --modulus 113 --out runs/mod113
  modscope train two_moon --seeds 0..10 --regimes all --out runs/moons
  modscope train feature_sharing --seeds 0..20 --pick modular --out runs/sharing
  modscope train two_moon --lambda 1e-4..1e-1 --seeds 0..3 --out runs/by-lambda
  modscope train images --data train-images-idx3-ubyte --labels train-labels-idx1-ubyte")]
pub(super) struct Args {
    /// What to learn
    #[arg(value_name = "TASK", value_parser = KINDS)]
    task: String,
    /// vanilla, l1, local (l1 by distance), swap (l1 and swaps) or bimt (all of them)
    #[arg(long, default_value = "bimt", value_name = "R")]
    regime: Regime,
    /// Several regimes in one sweep: names with commas, or `all`
    #[arg(long, value_name = "LIST", conflicts_with = "regime", value_parser = regimes)]
    regimes: Option<Regimes>,
    /// Seed of samples, fresh weights and batches
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,
    /// Several seeds in one sweep: FROM..TO (without TO)
    #[arg(long, value_name = "A..B", conflicts_with = "seed", value_parser = seeds)]
    seeds: Option<Seeds>,
    /// Audit the networks of a sweep, rank them and name the first in `pick.json`: `modular`, by the
    /// nats that blocks gain, the selectivity of the modules and the loss, each counted by rank
    #[arg(long, value_name = "BY")]
    pick: Option<Pick>,
    /// Folder for the network; of a sweep, for its folders [default: runs/TASK-REGIME-sSEED, or runs]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace existing results
    #[arg(long)]
    force: bool,
    /// Threads to use [default: all]
    #[arg(long, value_name = "N", value_parser = count(1, 1024))]
    threads: Option<usize>,
    /// The most memory the process may take, as 500M or 2G: an error before the work if it
    /// is not enough [default: what the machine has]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_memory: Option<u64>,
    /// Print errors only
    #[arg(short, long)]
    quiet: bool,
    /// Samples of your own, for `images` and `data` or in place of a task's: .safetensors, .npz,
    /// .csv, .jsonl, or images as IDX files
    #[arg(short, long, value_name = "FILE", help_heading = "Data")]
    data: Option<PathBuf>,
    /// The labels of IDX images
    #[arg(long, value_name = "FILE", requires = "data", help_heading = "Data")]
    labels: Option<PathBuf>,
    /// Samples to test on [default: the file's test split, or a fifth held out]
    #[arg(long, value_name = "FILE", requires = "data", help_heading = "Data")]
    test_data: Option<PathBuf>,
    /// The labels of IDX images to test on
    #[arg(
        long,
        value_name = "FILE",
        requires = "test_data",
        help_heading = "Data"
    )]
    test_labels: Option<PathBuf>,
    #[command(flatten)]
    columns: Columns,
    /// Number of tokens of modular addition
    #[arg(long, default_value_t = 59, value_name = "P", value_parser = clap::value_parser!(u64).range(2..=2000), help_heading = "Data")]
    modulus: u64,
    /// Number of things permuted
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=6), help_heading = "Data")]
    degree: u64,
    /// Write a snapshot every so many steps, beside the result's folder
    #[arg(long, value_name = "STEPS", value_parser = count(1, 1_000_000_000), help_heading = "Course")]
    snapshot_every: Option<usize>,
    /// Go on from a snapshot of the same training
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "regimes"], help_heading = "Course")]
    resume: Option<PathBuf>,
    /// Write film.html, in which the network takes shape
    #[arg(long, help_heading = "Course")]
    film: bool,
    /// Steps from one frame of the film to the next [default: a hundredth of all]
    #[arg(long, value_name = "STEPS", value_parser = count(1, 1_000_000_000), requires = "film", help_heading = "Course")]
    film_every: Option<usize>,
    #[command(flatten)]
    recipe: RecipeArgs,
}

/// The tasks by name.
const KINDS: [&str; 10] = [
    "independence",
    "feature_sharing",
    "compositionality",
    "two_moon",
    "modular_addition",
    "permutation",
    "incontext",
    "glyphs",
    "images",
    "data",
];

/// Regimes in the order they were named.
#[derive(Debug, Clone)]
struct Regimes(Vec<Regime>);

/// Seeds in growing order.
#[derive(Debug, Clone)]
struct Seeds(std::ops::Range<u64>);

fn regimes(text: &str) -> Result<Regimes, String> {
    if text == "all" {
        return Ok(Regimes(
            Regime::ALL.iter().map(|(regime, _)| *regime).collect(),
        ));
    }
    text.split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map(Regimes)
}

fn seeds(text: &str) -> Result<Seeds, String> {
    let ends = text
        .split_once("..")
        .and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    const MOST: u64 = 10_000;
    match ends {
        Some((from, to)) if from < to && to - from <= MOST => Ok(Seeds(from..to)),
        Some((from, to)) if from < to => Err(format!("a sweep has at most {MOST} seeds")),
        _ => Err("expected FROM..TO, as in 0..10 for ten seeds".to_owned()),
    }
}

/// One network of a sweep.
struct Planned {
    problem: Problem,
    recipe: Recipe,
    seed: u64,
    /// The largest λ.
    lambda: f64,
    folder: PathBuf,
    /// Which training it is: task, recipe and seed.
    identity: String,
    /// Its summary, where an interrupted sweep has finished it.
    done: Option<Summary>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    if args.pick.is_some() && !is_sweep(args) {
        anyhow::bail!("`--pick` is for several networks: name `--seeds A..B` or `--regimes LIST`");
    }
    if args.resume.is_some() && args.recipe.lambdas().is_some() {
        anyhow::bail!("`--resume` goes on with one network, and `--lambda A..B` trains several");
    }
    let plan = plan(args)?;
    plan.iter()
        .try_for_each(|planned| check_transformer(&planned.recipe))?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads.unwrap_or(0))
        .build()?;
    check_memory(args, &plan, pool.current_num_threads())?;
    let resume = args.resume.as_deref().map(Checkpoint::open).transpose()?;
    let bar = progress(args, &plan);
    let ends_itself = EndsItself::new();
    let train = |planned: &Planned| one(args, planned, resume.as_ref(), &bar);
    let summaries: Result<Vec<Summary>> = pool.install(|| plan.par_iter().map(train).collect());
    drop(ends_itself);
    bar.finish_and_clear();
    let summaries = summaries?;
    if is_sweep(args) {
        whole::file(&table(args), true, csv(&summaries).as_bytes())?;
    }
    if !args.quiet {
        print(args, &plan, &summaries)?;
    }
    if let Some(pick) = args.pick {
        pool.install(|| picked(args, pick, &plan))?;
    }
    if args.recipe.lambdas().is_some() {
        pool.install(|| compared(args, &plan))?;
    }
    // What was kept for an interruption is in the tables now.
    if is_sweep(args) {
        interrupt::remove(&work_folder(args));
    }
    Ok(Status::Holds)
}

/// Ranks the networks, writes the ranking and says which is the first.
fn picked(args: &Args, pick: Pick, plan: &[Planned]) -> anyhow::Result<()> {
    let folders: Vec<&Path> = plan
        .iter()
        .map(|planned| planned.folder.as_path())
        .collect();
    let ranking = pick::rank(pick, &folders)?;
    let (path, text) = pick::file(&parent(args), &ranking)?;
    whole::file(&path, true, &text)?;
    let first = ranking.networks.first().filter(|_| !args.quiet);
    if let (Some(first), Some(said)) = (first, sentence(&ranking)) {
        let (network, path) = (visible(&first.path), output::shown(&path));
        let text = format!("{}\npicked: {network}\nranking: {path}\n", said.sentence);
        output::to_stdout(visible(&text).as_bytes())?;
    }
    Ok(())
}

/// Sets the networks of a sweep over λ beside each other, and says which no other beats.
fn compared(args: &Args, plan: &[Planned]) -> anyhow::Result<()> {
    let networks = plan.iter().map(|planned| Trained {
        folder: &planned.folder,
        regime: planned.recipe.regime,
        seed: planned.seed,
        lambda: planned.lambda,
    });
    let networks: Vec<Trained<'_>> = networks.collect();
    let fronts = fronts::fronts(&args.task, &networks)?;
    let folder = fronts_folder(args);
    whole::folder(&folder, args.force, |dir| {
        report::write_fronts(&fronts, dir, &Print::default())
    })?;
    if !args.quiet {
        let said = fronts
            .summary
            .iter()
            .map(|said| format!("{}\n", said.sentence));
        let page = output::shown(&folder.join("index.html"));
        let text = format!("{}fronts: {page}\n", said.collect::<String>());
        output::to_stdout(visible(&text).as_bytes())?;
    }
    Ok(())
}

/// The page of the fronts of a sweep over λ.
fn fronts_folder(args: &Args) -> PathBuf {
    parent(args).join("fronts")
}

/// Refuses a plan that takes more memory than there is: networks train side by side, as
/// many as there are threads.
fn check_memory(args: &Args, plan: &[Planned], threads: usize) -> Result<()> {
    let of = |p: &Planned| memory::bytes(&p.problem, &p.recipe, threads);
    let mut needed: Vec<(u64, &Path)> = plan.iter().map(|p| (of(p), &*p.folder)).collect();
    needed.sort_unstable_by_key(|one| std::cmp::Reverse(one.0));
    let sum = |sum: u64, (bytes, _): &(u64, &Path)| sum.saturating_add(*bytes);
    let all = needed.iter().take(threads).fold(resident_bytes(), sum);
    let largest = needed.first().map_or(Path::new(""), |(_, folder)| folder);
    Budget::new(args.max_memory).check(all, largest)
}

/// Trains one network, unless an interrupted sweep has done so.
fn one(
    args: &Args,
    planned: &Planned,
    resume: Option<&Checkpoint>,
    bar: &ProgressBar,
) -> Result<Summary> {
    if let Some(summary) = &planned.done {
        bar.inc(planned.recipe.steps as u64);
        return Ok(summary.clone());
    }
    let interrupted = match resume {
        Some(_) => None,
        None => left(args, planned),
    };
    let summary = train(args, planned, resume.or(interrupted.as_ref()), bar)?;
    interrupt::remove(&snapshot_path(&planned.folder, Moment::Interrupted));
    // Gone only if it is empty: snapshots that were asked for stay.
    let _ = fs::remove_dir(snapshots(&planned.folder));
    if is_sweep(args) {
        let text = serde_json::to_vec(&summary).unwrap_or_default();
        whole::file(&kept(args, &planned.identity), true, &text)?;
    }
    Ok(summary)
}

/// The snapshot that an interruption of the same training has left. A film needs its
/// frames from the beginning.
fn left(args: &Args, planned: &Planned) -> Option<Checkpoint> {
    let path = snapshot_path(&planned.folder, Moment::Interrupted);
    let found = Checkpoint::open(&path).ok().filter(|_| !args.film)?;
    snapshot::check(&planned.identity, &found)
        .is_ok()
        .then_some(found)
}

/// Everything that is to be trained, refused here if it cannot be written.
fn plan(args: &Args) -> Result<Vec<Planned>> {
    let regimes = args
        .regimes
        .as_ref()
        .map_or(vec![args.regime], |regimes| regimes.0.clone());
    let seeds = args
        .seeds
        .as_ref()
        .map_or(args.seed..args.seed + 1, |seeds| seeds.0.clone());
    if args.recipe.lambdas().is_some() {
        output::check_replaceable(&fronts_folder(args), args.force)?;
    }
    let mut plan = Vec::new();
    for regime in regimes {
        for seed in seeds.clone() {
            let (problem, recipe) = problem(args, regime, seed)?;
            for recipe in by_lambda(args, args.recipe.apply(recipe)) {
                plan.push(planned(args, problem.clone(), recipe, seed)?);
            }
        }
    }
    Ok(plan)
}

/// The recipe at each λ of a sweep; as it is where none was asked for, or where connections
/// cost nothing.
fn by_lambda(args: &Args, recipe: Recipe) -> Vec<Recipe> {
    let lambdas = args
        .recipe
        .lambdas()
        .filter(|_| recipe.cost.lambda.peak() > 0.0);
    let Some(lambdas) = lambdas else {
        return vec![recipe];
    };
    let at = |lambda: &f64| {
        let mut recipe = recipe.clone();
        recipe.cost.lambda = recipe.cost.lambda.peaking_at(*lambda);
        recipe
    };
    lambdas.iter().map(at).collect()
}

/// One network with its folder, which must be free unless an interrupted sweep has filled it.
fn planned(args: &Args, problem: Problem, recipe: Recipe, seed: u64) -> Result<Planned> {
    let lambda = recipe.cost.lambda.peak();
    let at = match args.recipe.lambdas() {
        Some(_) => format!("-lambda{lambda}"),
        None => String::new(),
    };
    let name = format!("{}-{}{at}-s{seed}", problem.name, recipe.regime);
    let folder = match &args.out {
        Some(out) if !is_sweep(args) => out.clone(),
        _ => parent(args).join(name),
    };
    whole::recover(&folder);
    let identity = snapshot::identity(&problem, &recipe, seed);
    let done = finished(args, &identity).filter(|_| folder.exists());
    if done.is_none() {
        output::check_replaceable(&folder, args.force)?;
    }
    Ok(Planned {
        problem,
        recipe,
        seed,
        lambda,
        folder,
        identity,
        done,
    })
}

/// Refuses a transformer that cannot be built, or a loss that it is not trained on.
fn check_transformer(recipe: &Recipe) -> anyhow::Result<()> {
    let Some(Attention { blocks, heads }) = recipe.attention else {
        return Ok(());
    };
    let width = recipe.embedding;
    if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
        anyhow::bail!(
            "--heads {heads} does not divide the width of the stream, --embedding {width}"
        );
    }
    if blocks == 0 || recipe.hidden.len() != 1 || recipe.hidden == [0] {
        anyhow::bail!("a transformer needs --blocks of at least 1, and one width in --hidden");
    }
    if recipe.loss != Loss::Mse {
        anyhow::bail!(
            "transformers are trained with the loss mse, not {}",
            recipe.loss
        );
    }
    Ok(())
}

fn is_sweep(args: &Args) -> bool {
    args.seeds.is_some() || args.regimes.is_some() || args.recipe.lambdas().is_some()
}

/// The folder of a sweep's folders.
fn parent(args: &Args) -> PathBuf {
    args.out.clone().unwrap_or_else(|| PathBuf::from("runs"))
}

/// The table of a sweep.
fn table(args: &Args) -> PathBuf {
    parent(args).join("sweep.csv")
}

/// Where summaries of finished networks are kept until a sweep has all of them.
fn work_folder(args: &Args) -> PathBuf {
    parent(args).join(".sweep")
}

fn kept(args: &Args, identity: &str) -> PathBuf {
    work_folder(args).join(format!("{}.json", sha256(identity.as_bytes())))
}

/// The summary of a network that an interrupted sweep has finished.
fn finished(args: &Args, identity: &str) -> Option<Summary> {
    let text = fs::read(kept(args, identity))
        .ok()
        .filter(|_| is_sweep(args))?;
    serde_json::from_slice(&text).ok()
}

/// The samples and the published recipe of a task.
fn problem(args: &Args, regime: Regime, seed: u64) -> Result<(Problem, Recipe)> {
    let Some(task) = generated(args) else {
        let mut problem = own_problem(args, seed)?;
        if args.task == "images" {
            own::scale_pixels(&mut problem);
            return Ok((problem, Recipe::images(regime)));
        }
        let recipe = own::recipe(&problem, regime);
        return Ok((problem, recipe));
    };
    let usual = task.problem(seed);
    let problem = match &args.data {
        Some(path) => own::for_task(usual, own_problem(args, seed)?, path)?,
        None => usual,
    };
    Ok((problem, task.recipe(regime)))
}

/// The task, if it is one that is generated in code.
fn generated(args: &Args) -> Option<Task> {
    Some(match args.task.as_str() {
        "independence" => Task::Independence,
        "feature_sharing" => Task::FeatureSharing,
        "compositionality" => Task::Compositionality,
        "two_moon" => Task::TwoMoon,
        "modular_addition" => Task::ModularAddition {
            modulus: args.modulus as usize,
        },
        "permutation" => Task::Permutation {
            degree: args.degree as usize,
        },
        "incontext" => Task::InContext,
        "glyphs" => Task::Glyphs,
        _ => return None,
    })
}

/// The problem in the files that were named.
fn own_problem(args: &Args, seed: u64) -> Result<Problem> {
    let Some(path) = &args.data else {
        return Err(ErrorKind::NoData.at(PathBuf::from(&args.task)));
    };
    let open = |path: &Path, labels: &Option<PathBuf>, split: Option<&str>| match labels {
        Some(labels) => idx::open(path, labels),
        None => {
            let split = split.map(str::to_owned);
            let reading = Reading {
                split,
                ..args.columns.reading()
            };
            Dataset::read(path, &reading)
        }
    };
    if let Some(test) = &args.test_data {
        let train = open(path, &args.labels, None)?;
        return own::from_parts(&args.task, train, open(test, &args.test_labels, None)?);
    }
    let data = open(path, &args.labels, None)?;
    if data.split == "all" {
        own::holding_out(&args.task, data, seed)
    } else {
        own::from_parts(
            &args.task,
            open(path, &None, Some("train"))?,
            open(path, &None, Some("test"))?,
        )
    }
}

/// Trains one network and writes its folder.
fn train(
    args: &Args,
    planned: &Planned,
    resume: Option<&Checkpoint>,
    bar: &ProgressBar,
) -> Result<Summary> {
    let Planned {
        problem,
        recipe,
        folder,
        ..
    } = planned;
    let film_every = args.film_every.unwrap_or((recipe.steps / 100).max(1));
    let job = Job {
        place: folder,
        problem,
        recipe,
        seed: planned.seed,
        resume,
        snapshot_every: args.snapshot_every,
        film_every: args.film.then_some(film_every),
    };
    let told = std::sync::atomic::AtomicUsize::new(0);
    let progress = |step: usize| {
        let before = told.swap(step, std::sync::atomic::Ordering::Relaxed);
        bar.inc(step.saturating_sub(before) as u64);
    };
    let observer = Observer {
        progress: &progress,
        snapshot: &|moment, tensors| write_snapshot(planned, moment, tensors),
        interrupted: interrupt::asked,
        peak_memory: peak_bytes,
    };
    let finished = run::run(&job, &observer)?;
    output::check_replaceable(folder, args.force)?;
    whole::folder(folder, args.force, |dir| write(dir, &finished, planned))?;
    Ok(finished.summary)
}

/// Writes a snapshot and says where.
fn write_snapshot(planned: &Planned, moment: Moment, tensors: Tensors) -> Result<PathBuf> {
    let path = snapshot_path(&planned.folder, moment);
    let mut checkpoint = checkpoint(tensors);
    checkpoint.metadata = snapshot::metadata(&checkpoint.tensors, &planned.identity);
    let bytes = checkpoint.to_bytes().map_err(|error| {
        ErrorKind::Write {
            source: io::Error::other(error),
        }
        .at(&path)
    })?;
    whole::file(&path, true, &bytes)?;
    Ok(path)
}

/// `DIR.snapshots`
fn snapshots(folder: &Path) -> PathBuf {
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".snapshots");
    folder.with_file_name(name)
}

/// `DIR.snapshots/005000.safetensors`
fn snapshot_path(folder: &Path, moment: Moment) -> PathBuf {
    snapshots(folder).join(match moment {
        Moment::Due(step) => format!("{step:06}.safetensors"),
        Moment::Interrupted => "interrupted.safetensors".to_owned(),
    })
}

/// The files of a finished training.
fn write(dir: &Path, finished: &Finished, planned: &Planned) -> Result<()> {
    checkpoint(finished.model.clone()).write(&dir.join("model.safetensors"))?;
    let mut data = checkpoint(finished.data.clone());
    data.metadata = run::data_metadata(&planned.problem, &planned.recipe);
    data.write(&dir.join("data.safetensors"))?;
    let config = serde_json::to_string_pretty(&finished.config).unwrap_or_default();
    write_text(&dir.join("config.json"), &(config + "\n"))?;
    write_text(&dir.join("curve.csv"), &finished.curve)?;
    match &finished.film {
        Some(film) => write_text(&dir.join("film.html"), film),
        None => Ok(()),
    }
}

fn checkpoint(tensors: Tensors) -> Checkpoint {
    Checkpoint {
        path: PathBuf::new(),
        sha256: String::new().into(),
        tensors,
        metadata: std::collections::BTreeMap::new(),
        config: serde_json::Map::new(),
    }
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(|source| ErrorKind::Write { source }.at(path))
}

/// A bar over the steps of all networks, with the time left.
fn progress(args: &Args, plan: &[Planned]) -> ProgressBar {
    if args.quiet {
        return ProgressBar::hidden();
    }
    let steps: usize = plan.iter().map(|planned| planned.recipe.steps).sum();
    let template = "{bar:40} {human_pos}/{human_len} steps, {eta} left";
    let style = ProgressStyle::with_template(template);
    ProgressBar::new(steps as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn csv(summaries: &[Summary]) -> String {
    let rows = summaries
        .iter()
        .map(|summary| cells(summary).join(",") + "\n");
    COLUMNS.join(",") + "\n" + &rows.collect::<String>()
}

/// The table, and where the networks are.
fn print(args: &Args, plan: &[Planned], summaries: &[Summary]) -> io::Result<()> {
    let rows: Vec<Vec<String>> = std::iter::once(COLUMNS.map(str::to_owned).to_vec())
        .chain(summaries.iter().map(|summary| cells(summary).to_vec()))
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, w)| format!("{cell:>w$}"))
            .collect();
        out += &(visible(&cells.join("  ")).into_owned() + "\n");
    }
    let _ = match plan {
        [one] if !is_sweep(args) => writeln!(out, "\nnetwork: {}", output::shown(&one.folder)),
        _ => writeln!(out, "\ntable: {}", output::shown(&table(args))),
    };
    output::to_stdout(out.as_bytes())
}
