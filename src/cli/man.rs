//! `modscope man`: the manual pages.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use super::{Cli, output};
use crate::result::Status;
use crate::{Error, ErrorKind, Result};

/// Print the manual page, or write one per command
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope man | man -l -
  modscope man --out ~/.local/share/man/man1")]
pub(super) struct Args {
    /// Write modscope.1 and one page per command into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let mut command = Cli::command();
    command.build();
    match &args.out {
        None => output::to_stdout(&page(&command, "modscope")?)?,
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|source| refused(folder, source))?;
            write(&command, "modscope", folder)?;
            for part in command.get_subcommands() {
                let name = format!("modscope-{}", part.get_name());
                write(part, &name, folder)?;
            }
        }
    }
    Ok(Status::Holds)
}

/// The page of a command under this name.
fn page(command: &clap::Command, name: &str) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let page = clap_mangen::Man::new(command.clone()).title(name);
    page.render(&mut text)?;
    Ok(text)
}

fn write(command: &clap::Command, name: &str, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{name}.1"));
    let written = page(command, name).and_then(|text| fs::write(&path, text));
    written.map_err(|source| refused(&path, source))
}

fn refused(path: &Path, source: std::io::Error) -> Error {
    ErrorKind::Write { source }.at(path)
}
