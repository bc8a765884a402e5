//! Small circuits that the network has more often than chance would give.

use crate::choice::MotifKind;
use crate::report::english::{LEVEL, counted, joined, plural};
use crate::report::format::{count, short};
use crate::report::page::blocks::{Block, Cell, Table, numbers, words};
use crate::report::sites::Sites;
use crate::result::{Modules, Motif, Sentence, Status};

/// A motif in words.
fn what(kind: MotifKind) -> &'static str {
    match kind {
        MotifKind::Square => {
            "one site to two and on to one, of opposite signs at first and of one sign then, as an \
             even function takes it"
        }
        MotifKind::Diamond => "one site to two and on to one",
        MotifKind::Bifan => "two sites that both write to the same two",
    }
}

/// The motifs that are more frequent than in networks of the same degrees.
pub(super) fn sentence(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    let first = modules.motifs.first()?;
    let is_more = |m: &&Motif| m.null.p_holm.is_some_and(|p| p <= LEVEL);
    let more: Vec<String> = modules
        .motifs
        .iter()
        .filter(is_more)
        .map(|motif| {
            let at = motif.strongest.first().map_or_else(String::new, |place| {
                format!(", strongest at {}", path(motif.kind, place, sites))
            });
            format!(
                "the {} ({}) {} {} against {} ± {}{at}",
                motif.kind.name(),
                what(motif.kind),
                count(motif.count),
                plural(motif.count, "time", "times"),
                short(motif.null.mean),
                short(motif.null.sd)
            )
        })
        .collect();
    let networks = counted(first.null.samples, "network", "networks");
    let (status, text) = match more.is_empty() {
        true => (
            Status::NotShown,
            format!("No small circuit is more frequent than in {networks} of the same degrees."),
        ),
        false => (
            Status::Note,
            format!(
                "More frequent than in {networks} of the same degrees (p ≤ {LEVEL}, Holm): {}.",
                joined(&more)
            ),
        ),
    };
    Some(Sentence::new("Motifs", status, text).from(["/modules/motifs"]))
}

/// `x0 → h1.2, h1.3 → y0`, from writers to readers.
fn path(kind: MotifKind, place: &[String], sites: &Sites<'_>) -> String {
    let names: Vec<String> = place.iter().map(|site| sites.name(site)).collect();
    let [a, b, c, d] = names.as_slice() else {
        return names.join(", ");
    };
    match kind {
        MotifKind::Square | MotifKind::Diamond => format!("{a} → {b}, {c} → {d}"),
        MotifKind::Bifan => format!("{a}, {b} → {c}, {d}"),
    }
}

/// All motifs with their null networks.
pub(super) fn table(modules: &Modules, sites: &Sites<'_>) -> Option<Block> {
    if modules.motifs.is_empty() {
        return None;
    }
    let columns = [
        words("Motif"),
        numbers("Count"),
        numbers("Null mean"),
        numbers("sd"),
        numbers("p"),
        numbers("p (Holm)"),
        words("Strongest at"),
    ];
    let rows = modules.motifs.iter().map(|motif| {
        let p_holm = motif.null.p_holm.unwrap_or(motif.null.p);
        let places = motif
            .strongest
            .iter()
            .take(3)
            .map(|place| path(motif.kind, place, sites));
        vec![
            Cell::word(motif.kind.name()),
            Cell::count(motif.count),
            Cell::number(motif.null.mean),
            Cell::number(motif.null.sd),
            Cell::number(motif.null.p),
            Cell::number(p_holm),
            Cell::word(places.collect::<Vec<_>>().join("; ")),
        ]
    });
    let caption = "Small circuits, beside rewirings of the same degrees";
    Some(Block::Table(Table::new(
        caption,
        "motifs",
        columns.to_vec(),
        rows.collect(),
    )))
}
