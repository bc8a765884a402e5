//! Results in their places on disk, and in words on standard output.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::Common;
use super::whole::{self, Staged};
use crate::audit::memory;
use crate::checkpoint::Checkpoint;
use crate::choice::Layout;
use crate::escape::visible;
use crate::report::exports::{self, Export};
use crate::report::figures::Print;
use crate::report::words;
use crate::result::{Audit, CheckpointInfo, GraphJson, Sentence, Status, fails, json};
use crate::{ErrorKind, Result, report};

/// A finished run, ready to be written.
pub(super) struct Finished<'a> {
    /// The subcommand: `audit`, ...
    pub command: &'a str,
    /// The name of the folder under `reports/` if none was given.
    pub name: &'a str,
    pub result: Audit,
    /// Networks to be written beside the report, by the path of the file from there.
    pub networks: Vec<(&'a Path, &'a Checkpoint)>,
    /// Other files to be written beside the report, likewise.
    pub files: Vec<(PathBuf, Vec<u8>)>,
    /// A network to be written into a file elsewhere.
    pub file: Option<(&'a Path, &'a Checkpoint)>,
    /// The scores of all edges, one graph for each circuit.
    pub graphs: &'a [GraphJson],
    /// What is written of every circuit.
    pub exports: &'a [Export],
    /// Whether the result that is there may be replaced without `--force`.
    pub replace: bool,
    /// How the files of its figures are set.
    pub print: Print,
}

/// A result that has been written, and where.
pub(super) struct Written {
    result: Audit,
    folder: Option<PathBuf>,
}

/// Writes the report and the file beside it whole, both or neither.
pub(super) fn write(common: &Common, mut finished: Finished<'_>) -> Result<Written> {
    let folder = folder(common, finished.name);
    finished.result.summary = words::summary(&finished.result);
    let mut staged = Vec::new();
    if let Some(folder) = &folder {
        let replace = common.force || finished.replace;
        check_replaceable(folder, replace)?;
        staged.push(Staged::folder(folder, replace, |dir| finished.fill(dir))?);
    }
    if let Some((path, network)) = finished.file {
        let bytes = network.to_bytes().map_err(|error| {
            ErrorKind::Write {
                source: io::Error::other(error),
            }
            .at(path)
        })?;
        staged.push(Staged::file(path, common.force, &bytes)?);
    }
    whole::place(staged)?;
    Ok(Written {
        result: finished.result,
        folder,
    })
}

impl<'a> Finished<'a> {
    /// A result with nothing written beside its report.
    pub fn alone(common: &Common, (command, name): (&'a str, &'a str), result: Audit) -> Self {
        Self {
            command,
            name,
            result,
            networks: Vec::new(),
            files: Vec::new(),
            file: None,
            graphs: &[],
            exports: &[],
            replace: false,
            print: common.figures.print(),
        }
    }

    /// Everything that a report's folder holds.
    fn fill(&mut self, dir: &Path) -> Result<()> {
        let started = Instant::now();
        report::write(&self.result, self.command, dir, &self.print)?;
        exports::write(&self.result, self.graphs, self.exports, dir)?;
        for (name, network) in &self.networks {
            network.write(&beside(dir, name)?)?;
        }
        for (name, bytes) in &self.files {
            let path = beside(dir, name)?;
            fs::write(&path, bytes).map_err(|source| ErrorKind::Write { source }.at(path))?;
        }
        // The time and memory of the drawing go into the file that is read again.
        self.result.costs.peak_memory_bytes = memory::peak_bytes();
        let seconds = &mut self.result.costs.seconds;
        seconds.report = started.elapsed().as_secs_f64();
        seconds.total += seconds.report;
        report::write_json(&self.result, self.command, dir)
    }
}

/// A path within a report's folder, whose own folder is there.
fn beside(dir: &Path, name: &Path) -> Result<PathBuf> {
    let path = dir.join(name);
    let folder = path.parent().unwrap_or(dir);
    fs::create_dir_all(folder).map_err(|source| ErrorKind::Write { source }.at(folder))?;
    Ok(path)
}

/// Prints the summary or the JSON, and says whether all that was to be verified holds.
pub(super) fn print(common: &Common, written: &Written) -> anyhow::Result<Status> {
    print_to(common, &written.result, written.folder.as_deref())?;
    if let Some(folder) = &written.folder {
        show(common, folder);
    }
    Ok(outcome(&written.result))
}

/// Prints the sentences of a result that has a page of its own, or the whole result as
/// JSON, and opens the page where that was asked for.
pub(super) fn told(
    common: &Common,
    result: &impl serde::Serialize,
    summary: &[Sentence],
    folder: Option<&Path>,
) -> io::Result<()> {
    let mut out: Vec<u8> = Vec::new();
    if common.json {
        json::write(result, &mut out)?;
    } else if !common.quiet {
        write_summary(&mut out, summary)?;
        if let Some(folder) = folder {
            writeln!(out, "\nreport: {}", shown(&folder.join("index.html")))?;
        }
    }
    to_stdout(&out)?;
    folder.into_iter().for_each(|folder| show(common, folder));
    Ok(())
}

/// Opens a report in the browser where that was asked for. A machine without one
/// still has the report.
pub(super) fn show(common: &Common, folder: &Path) {
    if !common.open {
        return;
    }
    let page = folder.join("index.html");
    let page = page.canonicalize().unwrap_or(page);
    if let Err(error) = open::that_detached(&page) {
        super::say(&format!("note: no browser could be opened: {error}"));
    }
}

/// Refuses a folder that exists, and figures that cannot be set, before any work is done.
pub(super) fn check_free(common: &Common, name: &str, replace: bool) -> Result<()> {
    report::check(&common.figures.print())?;
    folder(common, name).map_or(Ok(()), |path| {
        whole::recover(&path);
        check_replaceable(&path, common.force || replace)
    })
}

/// Refuses a file that exists, before any work is done for it.
pub(super) fn check_free_file(common: &Common, path: &Path) -> Result<()> {
    if path.is_dir() || (path.exists() && !common.force) {
        return Err(ErrorKind::ResultExists.at(path));
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
    match parent.map(fs::metadata) {
        Some(Err(source)) => Err(ErrorKind::Write { source }.at(path)),
        _ => Ok(()),
    }
}

/// What is there may be replaced if that was asked for and it is a result:
/// `--force` must not take a folder of other things away.
pub(super) fn check_replaceable(path: &Path, replace: bool) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let path = path.to_owned();
    if !replace {
        return Err(ErrorKind::ResultExists.at(path));
    }
    let empty = fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_none());
    // A report has a page, a training its curve.
    let is_result = ["index.html", "curve.csv"]
        .iter()
        .any(|file| path.join(file).is_file());
    if empty || is_result {
        Ok(())
    } else {
        Err(ErrorKind::NoResultFolder.at(path))
    }
}

/// Where the report goes; nowhere for `--json` without `--out`.
pub(super) fn folder(common: &Common, name: &str) -> Option<PathBuf> {
    match (&common.out, common.json) {
        (Some(out), _) => Some(out.clone()),
        (None, true) => None,
        (None, false) => Some(Path::new("reports").join(name)),
    }
}

/// Makes the folder of a result, where it has one, whole or not at all.
pub(super) fn place(
    common: &Common,
    folder: Option<&Path>,
    fill: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let Some(folder) = folder else {
        return Ok(());
    };
    check_replaceable(folder, common.force)?;
    whole::folder(folder, common.force, fill)
}

/// Writes to standard output; a reader that wants no more is no error.
pub(super) fn to_stdout(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn print_to(common: &Common, result: &Audit, folder: Option<&Path>) -> anyhow::Result<()> {
    let mut out: Vec<u8> = Vec::new();
    if common.json {
        json::write(result, &mut out)?;
    } else if !common.quiet {
        writeln!(out, "{}\n", visible(&recognised(&result.checkpoint)))?;
        write_summary(&mut out, &result.summary)?;
        if let Some(folder) = folder {
            writeln!(out, "\nreport: {}", shown(&folder.join("index.html")))?;
        }
    }
    Ok(to_stdout(&out)?)
}

/// Width of the widest status.
const WIDEST: usize = "not shown".len();

/// Columns where the terminal does not tell how many it has.
const USUAL_COLUMNS: usize = 100;

/// The fewest columns that text is wrapped to.
const FEWEST_COLUMNS: usize = 40;

/// Status and sentence, wrapped so that the sentences stand in a column of their own.
pub(super) fn write_summary(out: &mut Vec<u8>, summary: &[Sentence]) -> io::Result<()> {
    let is_terminal = io::stdout().is_terminal();
    let colour = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let columns = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    let columns = match (is_terminal, columns) {
        (_, Some(columns)) => columns,
        (true, None) => USUAL_COLUMNS,
        // A file or a pipe has lines as long as they are.
        (false, None) => usize::MAX,
    };
    writeln!(out, "{}\n", counts(summary))?;
    for said in summary {
        let text = format!("{}: {}", said.subject, said.sentence);
        let text = visible(&text);
        let indented = wrapped(&text, WIDEST + 2, columns.max(FEWEST_COLUMNS));
        writeln!(out, "{}  {indented}", mark(said.status, colour))?;
    }
    Ok(())
}

/// How many sentences have each status, in one line; nothing failed is said too.
fn counts(summary: &[Sentence]) -> String {
    let of = |status: Status| summary.iter().filter(|said| said.status == status).count();
    let some = |status: Status| match (of(status), status) {
        (0, Status::Fails) => Some("none fails".to_owned()),
        (0, _) => None,
        (n, _) => Some(format!("{n} {status}")),
    };
    let all = [
        Status::Holds,
        Status::Fails,
        Status::NotShown,
        Status::NotRun,
        Status::Note,
    ];
    let counted: Vec<String> = all.into_iter().filter_map(some).collect();
    format!("Promises and tests: {}", counted.join(", "))
}

/// Text in lines of at most `columns`, each but the first indented by `indent`.
fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let mut out = String::new();
    let mut used = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > indent && used + 1 + length > columns {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        }
        if used > indent {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out
}

/// A path as a terminal may show it.
pub(super) fn shown(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// What the file was taken for, in one line.
fn recognised(checkpoint: &CheckpointInfo) -> String {
    let widths: Vec<String> = checkpoint.layers.iter().map(ToString::to_string).collect();
    if checkpoint.layout == Layout::Graph {
        let (path, nodes, edges) = (&checkpoint.path, widths.concat(), checkpoint.parameters);
        return format!("{path}: a graph of {nodes} nodes and {edges} edges");
    }
    format!(
        "{}: {}, {}, {} (from {}), {}, {} parameters",
        checkpoint.path,
        checkpoint.layout,
        widths.join("-"),
        checkpoint.activation,
        checkpoint.activation_source,
        checkpoint.dtype,
        checkpoint.parameters,
    )
}

/// A mark that does not rest on colour alone; red is for broken promises.
pub(super) fn mark(status: Status, colour: bool) -> String {
    let text = format!("{:WIDEST$}", status.words());
    let code = match status {
        Status::Holds => "32",
        Status::Fails => "31",
        Status::NotShown | Status::NotRun => "33",
        Status::Note => "36",
    };
    if colour {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text
    }
}

/// What a result comes to: whether a promise was broken.
pub(super) fn outcome(result: &Audit) -> Status {
    match fails(&words::summary(result)) {
        true => Status::Fails,
        false => Status::Holds,
    }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn sentences_hang_under_their_own_beginning() {
        let text = "one two three four";
        assert_eq!(wrapped(text, 2, 11), "one two\n  three\n  four");
        assert_eq!(wrapped(text, 2, usize::MAX), text);
        assert_eq!(wrapped("longerthanthat", 2, 5), "longerthanthat");
    }
}
