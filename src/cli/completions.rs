//! `modscope completions`: shell completions on standard output.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, output};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  modscope completions bash > ~/.local/share/bash-completion/completions/modscope")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "modscope", &mut script);
    output::to_stdout(&script)?;
    Ok(Status::Holds)
}
use crate::result::Status;
