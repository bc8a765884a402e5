//! `modscope report`: draws a saved result again.

use std::path::{Path, PathBuf};

use super::args::{self, Common};
use super::output::{self, Finished};
use super::whole;
use crate::audit::memory::{self, Budget};
use crate::checkpoint::limited_read;
use crate::result::{Audit, Saved, Status, fails};
use crate::{ErrorKind, Result, report};

/// Draw a saved result again; of several, one page with a row for each
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  modscope report reports/a/audit.json --out reports/a-again
  modscope report reports/a/audit.json reports/b/audit.json --out reports/both --open
  modscope report reports/compare/compare.json --out reports/compare-again
  modscope report reports/a/stability.json --open
  modscope report reports/a/audit.json --brief --out reports/a-to-sign")]
pub(super) struct Args {
    /// Results this tool has written
    #[arg(required = true, value_name = "RESULT")]
    results: Vec<PathBuf>,
    /// A short page to be read and signed, brief.html, and a part of a model card,
    /// model-card.md, in place of the report
    #[arg(long)]
    brief: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let results: Vec<&Path> = args.results.iter().map(PathBuf::as_path).collect();
    memory::before_loading(Budget::new(args.common.max_memory), &results)?;
    match args.results.as_slice() {
        [result] if args.brief => brief(args, result),
        _ if args.brief => anyhow::bail!("--brief is of one result; name one"),
        [result] => one(args, result),
        several => all(args, several),
    }
}

fn one(args: &Args, path: &Path) -> anyhow::Result<Status> {
    let name = format!("{}-report", args::result_name(path));
    output::check_free(&args.common, &name, false)?;
    let result = match open(path)? {
        Saved::Audit(audit) => *audit,
        saved => return again(args, &name, &saved),
    };
    let command = path
        .file_stem()
        .map_or_else(|| "audit".into(), |stem| stem.to_string_lossy());
    let written = output::write(
        &args.common,
        Finished::alone(&args.common, (&command, &name), result),
    )?;
    output::print(&args.common, &written)
}

/// A few pages and a part of a model card.
fn brief(args: &Args, path: &Path) -> anyhow::Result<Status> {
    let name = format!("{}-brief", args::result_name(path));
    let Saved::Audit(audit) = open(path)? else {
        anyhow::bail!("--brief is of an audit, and this result is none");
    };
    let folder = output::folder(&args.common, &name);
    let Some(folder) = folder else {
        anyhow::bail!("`--brief` writes a folder, and `--json` makes none: name one with `--out`");
    };
    output::place(&args.common, Some(&folder), |dir| {
        report::write_brief(&audit, dir)
    })?;
    if !args.common.quiet {
        let page = folder.join("brief.html").display().to_string();
        output::to_stdout(format!("{}\n", crate::escape::visible(&page)).as_bytes())?;
    }
    Ok(if fails(&audit.summary) {
        Status::Fails
    } else {
        Status::Holds
    })
}

/// Draws a result again that has a page of its own.
fn again(args: &Args, name: &str, result: &Saved) -> anyhow::Result<Status> {
    let folder = output::folder(&args.common, name);
    output::place(&args.common, folder.as_deref(), |dir| {
        report::write_saved(result, name, dir, &args.common.figures.print())
    })?;
    output::told(&args.common, result, result.summary(), folder.as_deref())?;
    Ok(match fails(result.summary()) {
        true => Status::Fails,
        false => Status::Holds,
    })
}

/// An index over several results; it holds if all of them do.
fn all(args: &Args, paths: &[PathBuf]) -> anyhow::Result<Status> {
    if args.common.json {
        anyhow::bail!("--json prints one result; name one, or leave --json out");
    }
    let default = Path::new("reports").join("index");
    let folder = args.common.out.clone().unwrap_or(default);
    output::check_replaceable(&folder, args.common.force)?;
    let mut results: Vec<(String, Audit)> = Vec::new();
    for path in paths {
        match open(path)? {
            Saved::Audit(audit) => results.push((folder_name(path, &results), *audit)),
            _ => anyhow::bail!(
                "{} is not of one network alone: draw it again by itself, with `modscope report {}`",
                path.display(),
                path.display()
            ),
        }
    }
    whole::folder(&folder, args.common.force, |dir| {
        report::write_index(&results, dir, &args.common.figures.print())
    })?;
    if !args.common.quiet {
        let page = folder.join("index.html");
        output::to_stdout(format!("index: {}\n", output::shown(&page)).as_bytes())?;
    }
    output::show(&args.common, &folder);
    let outcomes = results.iter().map(|(_, audit)| output::outcome(audit));
    Ok(
        match outcomes.into_iter().any(|outcome| outcome == Status::Fails) {
            true => Status::Fails,
            false => Status::Holds,
        },
    )
}

/// The name of the folder a result comes from, with a number where it is taken.
fn folder_name(path: &Path, taken: &[(String, Audit)]) -> String {
    let folder = path.parent().and_then(Path::file_name);
    let name = folder.or(path.file_stem());
    let name: String = name
        .map_or_else(|| "result".into(), |n| n.to_string_lossy())
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let is_free = |name: &String| !taken.iter().any(|(other, _)| other == name);
    std::iter::once(name.clone())
        .chain((2..).map(|k| format!("{name}-{k}")))
        .find(is_free)
        .unwrap_or(name)
}

/// Reads a result, and says which of its parts is not as it should be; told in the words
/// of this version.
fn open(path: &Path) -> Result<Saved> {
    let bytes = limited_read(path)?;
    if bytes.is_empty() {
        return Err(ErrorKind::EmptyFile.at(path));
    }
    let mut saved = Saved::from_json(path, &bytes)?;
    report::retell(&mut saved);
    Ok(saved)
}
