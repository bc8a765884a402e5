//! `modscope completions`: shell completions on standard output.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, Verdict};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  modscope completions bash > ~/.local/share/bash-completion/completions/modscope")]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args) -> Verdict {
    clap_complete::generate(
        args.shell,
        &mut Cli::command(),
        "modscope",
        &mut std::io::stdout(),
    );
    Verdict::Holds
}
