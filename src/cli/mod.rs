//! The command line: one file per subcommand.
//!
//! What was typed is parsed here and turned into the configurations of the
//! library; files are written by `output`; nothing is computed.

mod args;
mod audit;
mod axes;
mod certify;
mod circuit;
mod compare;
mod completions;
mod diff;
mod example;
mod fronts;
mod inspect;
mod interrupt;
mod intervene;
mod journal;
mod lens;
mod man;
mod members;
mod modules;
mod output;
mod over;
mod pick;
mod pipeline;
mod progress;
mod proof;
mod proof_args;
mod prune;
mod recipe_args;
mod report;
mod stability;
mod train;
mod training;
mod whole;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::result::Status;

/// Exit code of a run that found a promise broken.
const BROKEN: u8 = 1;

/// Exit code of a wrong command or input, and of a result that cannot be written.
const WRONG: u8 = 2;

/// Exit code of an interrupted run that can be gone on with.
const INTERRUPTED: u8 = 130;

/// Opens a trained neural network: which connections matter, whether it does the
/// same without the others, which modules it falls into, which circuit computes
/// each answer.
#[derive(Debug, Parser)]
#[command(
    name = "modscope",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 done, and no promise failed; 1 done, but something that was \
    promised does not hold; 2 the command or its input is wrong; \
    130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Audit(audit::Args),
    Inspect(inspect::Args),
    Prune(prune::Args),
    Modules(modules::Args),
    Circuit(circuit::Args),
    Stability(stability::Args),
    Intervene(Box<intervene::Args>),
    Lens(lens::Args),
    Compare(Box<compare::Args>),
    Diff(diff::Args),
    Train(Box<train::Args>),
    Report(report::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return print_of_clap(&error);
        }
    };
    interrupt::listen();
    let outcome = match cli.command {
        Command::Audit(args) => audit::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Prune(args) => prune::run(&args),
        Command::Modules(args) => modules::run(&args),
        Command::Circuit(args) => circuit::run(&args),
        Command::Stability(args) => stability::run(&args),
        Command::Intervene(args) => intervene::run(&args),
        Command::Lens(args) => lens::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match outcome {
        Ok(Status::Fails) => ExitCode::from(BROKEN),
        Ok(Status::Holds | Status::NotShown | Status::NotRun | Status::Note) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&error);
            ExitCode::from(code(&error))
        }
    }
}

/// Help and version come this way too; clap knows which stream is theirs.
fn print_of_clap(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    let lost = printed.is_err_and(|e| e.kind() != std::io::ErrorKind::BrokenPipe);
    ExitCode::from(if error.use_stderr() || lost { WRONG } else { 0 })
}

/// The exit code of an error: most are of the input.
fn code(error: &anyhow::Error) -> u8 {
    match error
        .downcast_ref::<crate::Error>()
        .map(|error| &error.kind)
    {
        Some(crate::ErrorKind::Diverged { .. }) => BROKEN,
        Some(crate::ErrorKind::Interrupted { .. }) => INTERRUPTED,
        _ => WRONG,
    }
}

/// How many networks a manifest of `compare` names: what the fuzzer calls.
///
/// # Errors
/// If it is no manifest.
#[doc(hidden)]
pub fn manifest(path: &std::path::Path) -> crate::Result<usize> {
    members::named(path)
}

/// What, where, what to do.
fn print_error(error: &anyhow::Error) {
    let Some(known) = error.downcast_ref::<crate::Error>() else {
        say(&format!("error: {error:#}"));
        return;
    };
    // Its own words say what its source says.
    say(&format!("error: {known}"));
    say(&format!("  in: {}", known.path.display()));
    if let Some(remedy) = known.remedy() {
        say(&format!("  try: {remedy}"));
    }
}

/// A line on standard error, in which nothing steers the terminal; one that cannot be
/// written is no reason to panic.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", crate::escape::visible(line));
}
