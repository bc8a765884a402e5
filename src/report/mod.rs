//! Results → JSON, CSV tables, SVG figures and one self-contained HTML page.
//!
//! Everything here reads `result` alone: it knows no models and computes no
//! result, so that a saved result can be drawn again. Text that came from files
//! is escaped wherever it is written. It deliberately replaces nothing: the
//! caller hands a fresh folder and moves it into place when all is written.

pub mod ablation;
pub mod attention;
mod attribution_graph;
pub mod brief;
pub mod circuits;
pub mod compare;
pub mod diff;
mod english;
mod equivalence;
pub mod exports;
pub mod figures;
pub mod format;
pub mod fronts;
pub mod independence;
pub mod insight;
pub mod intervene;
mod latex;
pub mod lens;
pub mod modules;
pub mod network;
mod packed;
mod page;
pub mod parity;
pub mod pruning;
pub mod ranking;
#[cfg(test)]
mod sample;
mod sheet;
pub mod sites;
pub mod stability;
mod subgroups;
pub mod tables;
pub mod task;
pub mod training;
pub mod view;
pub mod words;

use std::fs;
use std::io::{self, BufWriter};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::result::{Audit, Comparison, Diff, Fronts, Intervention, Lens, Multiverse, Saved, json};
use figures::press::Press;
use figures::{Gallery, Print};

/// Writes a result into a folder: `index.html`, `COMMAND.json`, `figures/*.svg`, `tables/*.csv`.
///
/// `dir` must exist and should be empty; what has the name of a written file is
/// replaced. `print` sets the font and the width of the figures' files.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
///
/// # Example
///
/// ```no_run
/// # fn save(audit: &modscope::result::Audit) -> modscope::Result<()> {
/// let dir = std::path::Path::new("reports/independence.part");
/// modscope::report::write(audit, "audit", dir, &Default::default())
/// # }
/// ```
pub fn write(audit: &Audit, command: &str, dir: &Path, print: &Print) -> Result<()> {
    let gallery = Gallery::new(audit);
    let files = || {
        write_json(audit, command, dir)?;
        tables::write(audit, &folder(dir, "tables")?)?;
        save_figures(gallery.all(), dir, print)
    };
    let page = || {
        let page = page::render(audit, command, &gallery);
        save_page(page, &dir.join("index.html"))
    };
    let (files, page) = rayon::join(files, page);
    files.and(page)
}

/// Writes a result on a few pages, `brief.html`, and as a part of a model card,
/// `model-card.md`, beside its report.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub fn write_brief(audit: &Audit, dir: &Path) -> Result<()> {
    save_page(brief::render(audit), &dir.join("brief.html"))?;
    save(&dir.join("model-card.md"), brief::markdown(audit))
}

/// Writes several results into one folder: a report in a folder of its own for each,
/// and `index.html` over all of them.
///
/// Each result comes with the name of its folder, which must be one name without
/// separators.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_index(results: &[(String, Audit)], dir: &Path, print: &Print) -> Result<()> {
    for (name, audit) in results {
        write(audit, "audit", &folder(dir, name)?, print)?;
    }
    save_page(page::index::render(results), &dir.join("index.html"))
}

/// Writes a comparison into a folder: `index.html`, `compare.json`, `figures/*.svg`,
/// `tables/*.csv`, `tables/compare.md` and `tables/compare.tex`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_comparison(comparison: &Comparison, dir: &Path, print: &Print) -> Result<()> {
    save_json(comparison, &dir.join("compare.json"))?;
    let tables = folder(dir, "tables")?;
    compare::tables::write(comparison, &tables)?;
    save(
        &tables.join("compare.md"),
        compare::tables::markdown(comparison),
    )?;
    save(
        &tables.join("compare.tex"),
        compare::tables::latex(comparison),
    )?;
    let figures = compare::figures::all(comparison);
    save_figures(&figures, dir, print)?;
    save_page(
        compare::page::render(comparison, &figures),
        &dir.join("index.html"),
    )
}

/// Writes a multiverse of analyses into a folder: `index.html`, `stability.json`,
/// `figures/*.svg`, `tables/edges.csv`, `tables/analyses.csv`, and a card for an appendix,
/// `figures/card.svg` and `tables/card.tex`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_multiverse(result: &Multiverse, dir: &Path, print: &Print) -> Result<()> {
    save_json(result, &dir.join("stability.json"))?;
    tables::save_all(&stability::tables::sheets(result), &folder(dir, "tables")?)?;
    save(
        &dir.join("tables").join("card.tex"),
        stability::card::latex(result),
    )?;
    let figures = stability::page::figures(result);
    save_figures(&figures, dir, print)?;
    save_page(
        stability::page::render(result, &figures),
        &dir.join("index.html"),
    )
}

/// Writes a sweep over λ into a folder: `index.html`, `fronts.json`, `figures/*.svg` and
/// `tables/fronts.csv`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_fronts(result: &Fronts, dir: &Path, print: &Print) -> Result<()> {
    save_json(result, &dir.join("fronts.json"))?;
    tables::save_all(&fronts::tables::sheets(result), &folder(dir, "tables")?)?;
    let figures = fronts::all(result);
    save_figures(&figures, dir, print)?;
    save_page(
        fronts::page::render(result, &figures),
        &dir.join("index.html"),
    )
}

/// Writes an intervention into a folder: `index.html`, `intervene.json`, `tables/*.csv` and,
/// of a sweep, `figures/sweep.svg`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_intervention(result: &Intervention, dir: &Path, print: &Print) -> Result<()> {
    save_json(result, &dir.join("intervene.json"))?;
    tables::save_all(&intervene::tables::sheets(result), &folder(dir, "tables")?)?;
    let figures: Vec<_> = intervene::sweep(result).into_iter().collect();
    save_figures(&figures, dir, print)?;
    save_page(
        intervene::page::render(result, &figures),
        &dir.join("index.html"),
    )
}

/// Writes what lenses show into a folder: `index.html`, `lens.json`, `figures/*.svg` and
/// `tables/*.csv`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_lens(result: &Lens, dir: &Path, print: &Print) -> Result<()> {
    save_json(result, &dir.join("lens.json"))?;
    tables::save_all(&lens::tables::sheets(result), &folder(dir, "tables")?)?;
    let figures = lens::all(result);
    save_figures(&figures, dir, print)?;
    save_page(
        lens::page::render(result, &figures),
        &dir.join("index.html"),
    )
}

/// Writes what changed between two versions into a folder: `index.html`, `diff.json`,
/// `figures/network.svg` and `tables/*.csv`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_diff(result: &Diff, dir: &Path, print: &Print) -> Result<()> {
    save_json(result, &dir.join("diff.json"))?;
    tables::save_all(&diff::tables::sheets(result), &folder(dir, "tables")?)?;
    let figure = diff::figure::draw(result, network::scene::MEDIUM);
    save_figures(&figure, dir, print)?;
    save_page(
        diff::page::render(result, figure.as_ref()),
        &dir.join("index.html"),
    )
}

/// Writes a result that was read back as the command that made it does; an audit as
/// `COMMAND.json`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file or folder that could not be written.
pub fn write_saved(saved: &Saved, command: &str, dir: &Path, print: &Print) -> Result<()> {
    match saved {
        Saved::Audit(result) => write(result, command, dir, print),
        Saved::Comparison(result) => write_comparison(result, dir, print),
        Saved::Diff(result) => write_diff(result, dir, print),
        Saved::Fronts(result) => write_fronts(result, dir, print),
        Saved::Intervention(result) => write_intervention(result, dir, print),
        Saved::Lens(result) => write_lens(result, dir, print),
        Saved::Stability(result) => write_multiverse(result, dir, print),
    }
}

/// Tells a result that was read back in the words of this version.
pub fn retell(saved: &mut Saved) {
    match saved {
        Saved::Audit(result) => result.summary = words::summary(result),
        Saved::Comparison(result) => result.summary = compare::words::summary(result),
        Saved::Diff(result) => result.summary = diff::words::summary(result),
        Saved::Fronts(result) => result.summary = fronts::words::summary(result),
        Saved::Intervention(result) => result.summary = intervene::words::summary(result),
        Saved::Lens(result) => result.summary = lens::words::summary(result),
        Saved::Stability(result) => result.summary = stability::words::summary(result),
    }
}

/// Writes the result alone: `COMMAND.json`, as [`write()`] does.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub fn write_json(audit: &Audit, command: &str, dir: &Path) -> Result<()> {
    save_json(audit, &dir.join(format!("{command}.json")))
}

fn save_json(result: &impl serde::Serialize, path: &Path) -> Result<()> {
    let write = || json::write(result, BufWriter::new(fs::File::create(path)?));
    write().map_err(|source| write_error(path, source))
}

/// Whether figures can be set so.
///
/// # Errors
/// [`ErrorKind::Press`] where the system lacks the font, or the build a format.
pub fn check(print: &Print) -> Result<()> {
    press(print).map(drop)
}

/// What sets figures in other formats, where some are asked for.
fn press(print: &Print) -> Result<Option<Press>> {
    let is_asked = !print.formats.is_empty();
    is_asked.then(|| Press::of(print)).transpose()
}

/// `figures/NAME.svg` of each, and the same in other formats that are asked for.
fn save_figures<'f>(
    all: impl IntoIterator<Item = &'f figures::Figure>,
    dir: &Path,
    print: &Print,
) -> Result<()> {
    let drawings = folder(dir, "figures")?;
    let press = press(print)?;
    for figure in all {
        let drawn = figure.file(print);
        let path = |ending: &str| drawings.join(format!("{}.{ending}", figure.name));
        save(&path("svg"), &drawn)?;
        if let Some(press) = &press {
            for format in &print.formats {
                save(&path(format.name()), press.set(&drawn, *format)?)?;
            }
        }
    }
    Ok(())
}

fn folder(dir: &Path, name: &str) -> Result<std::path::PathBuf> {
    let path = dir.join(name);
    fs::create_dir_all(&path).map_err(|source| write_error(&path, source))?;
    Ok(path)
}

fn save(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    fs::write(path, text).map_err(|source| write_error(path, source))
}

/// A page that was rendered.
fn save_page(page: askama::Result<String>, path: &Path) -> Result<()> {
    let page = page.map_err(|source| write_error(path, io::Error::other(source)))?;
    save(path, &page)
}

fn write_error(path: &Path, source: io::Error) -> Error {
    ErrorKind::Write { source }.at(path)
}
