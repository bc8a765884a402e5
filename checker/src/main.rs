//! `modscope-check certificate.json`: proved, or where it is not.
//!
//! Exit code 0: proved. 1: not proved. 2: a file or the command is wrong.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

const USAGE: &str = "usage: modscope-check certificate.json [--original FILE] [--pruned FILE] \
                     [--activation NAME[,NAME…]]

Verifies a proof log of `modscope prune --certify` against its two checkpoint files.
Exit code 0: proved. 1: not proved. 2: a file or the command is wrong.";

/// The command line.
#[derive(Default)]
struct Args {
    log: Option<PathBuf>,
    original: Option<PathBuf>,
    pruned: Option<PathBuf>,
    activations: Option<Vec<String>>,
}

fn main() -> ExitCode {
    match run() {
        Ok((code, sentence)) => {
            // Who reads no more has no use for the rest.
            let _ = writeln!(std::io::stdout(), "{sentence}");
            ExitCode::from(code)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The exit code, and what is printed.
fn run() -> Result<(u8, String), String> {
    let started = Instant::now();
    let mut words = std::env::args().skip(1);
    let mut args = Args::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value\n{USAGE}"));
        match word.as_str() {
            "--original" => args.original = Some(value()?.into()),
            "--pruned" => args.pruned = Some(value()?.into()),
            "--activation" => {
                args.activations = Some(value()?.split(',').map(str::to_owned).collect());
            }
            "--help" | "-h" => return Ok((0, USAGE.to_owned())),
            _ if !word.starts_with('-') && args.log.is_none() => args.log = Some(word.into()),
            _ => return Err(format!("`{word}` is not understood\n{USAGE}")),
        }
    }
    let path = args.log.ok_or(USAGE)?;
    let log = read(&path)?;
    let named = match modscope_check::paths(&log) {
        Ok(named) => named,
        Err(fault) => return Ok((1, format!("not proved: {fault}"))),
    };
    let beside = |name: &String| {
        let here = path.parent().unwrap_or(Path::new("")).join(name);
        if here.exists() { here } else { name.into() }
    };
    let original = args.original.unwrap_or_else(|| beside(&named[0]));
    let pruned = args.pruned.unwrap_or_else(|| beside(&named[1]));
    let config = std::fs::read(original.with_file_name("config.json")).ok();
    let (before, after) = (read(&original)?, read(&pruned)?);
    let files = modscope_check::Files {
        original: &before,
        pruned: &after,
        config: config.as_deref(),
        activations: args.activations.as_deref(),
    };
    let verdict = modscope_check::check(&log, &files);
    let seconds = started.elapsed().as_secs_f64();
    Ok(match verdict {
        Ok(what) => {
            let size = log.len().div_ceil(1000);
            (0, format!("proved: {what} ({seconds:.1} s, log of {size} kB)"))
        }
        Err(fault) => (1, format!("not proved: {fault}")),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
