//! Modules in each other's place: whether one is another over again.

use crate::choice::{Scope, Unmatched};
use crate::order;
use crate::report::english::{joined, plural};
use crate::report::format::{count, count_words, number, p_value, percent, short};
use crate::report::modules::cell::{name, scope_words};
use crate::report::page::blocks::{Block, Cell, Table, numbers, words};
use crate::report::sites::Sites;
use crate::result::{Modules, Sentence, Status, Transplant};

/// Most pairs that are named.
const MOST: usize = 4;

/// Which modules are copies of each other, or which comes nearest.
pub(super) fn sentence(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    if let Some(why) = modules.unmatched.filter(|_| modules.count > 1) {
        return Some(
            Sentence::new("Copies", Status::NotRun, unmatched(why)).from(["/modules/unmatched"]),
        );
    }
    let all = &modules.transplants;
    let copies: Vec<&Transplant> = all.iter().filter(|t| t.copy).collect();
    let text = match copies.is_empty() {
        false => copied(&copies),
        true => nearest(all, sites)?,
    };
    Some(Sentence::new("Copies", Status::Note, text).from(["/modules/transplants"]))
}

/// Why no module was put in another's place.
fn unmatched(why: Unmatched) -> String {
    let many = format!(
        "more than {} edges are left, too many to match against shuffled ones",
        count(Unmatched::MOST_EDGES)
    );
    let why = match why {
        Unmatched::Shapes => {
            "no two have as many inputs and outputs of the network and edges between the same layers"
        }
        Unmatched::Edges => &many,
        Unmatched::Kernels => {
            "sites are matched by the single weights between them, and here kernels, norms, gates or steps join them"
        }
        Unmatched::Attention => {
            "sites are matched by the weights between them, and attention joins sites by products, \
             which stay the same in any other basis of queries and keys"
        }
    };
    format!("No module was put in another's place: {why}.")
}

fn copied(copies: &[&Transplant]) -> String {
    let named = copies.iter().take(MOST).map(|t| {
        format!(
            "module {} for module {}{} (likeness of their weights {}, {})",
            t.donor,
            t.host,
            aside(t.scope),
            short(t.likeness),
            p_value(t.p_holm)
        )
    });
    let more = match copies.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {} more", count_words(more)),
    };
    format!(
        "{} stand in for {}, its weights in the other's place, and every output stays within its \
         tolerance on these samples: {}{more}.",
        match copies.len() {
            1 => "One module can",
            _ => "Modules can",
        },
        plural(copies.len(), "another", "others"),
        joined(&named.collect::<Vec<_>>()),
    )
}

/// That none is a copy, and the one that brings back the most.
fn nearest(all: &[Transplant], sites: &Sites<'_>) -> Option<String> {
    let back = |t: &Transplant| t.restored.unwrap_or(f64::NEG_INFINITY);
    let best = all.iter().max_by(|a, b| back(a).total_cmp(&back(b)))?;
    let brought = match best.restored {
        Some(share) if share > 0.0 => {
            format!("brings back {} of what is lost without it", percent(share))
        }
        _ => "is no better than nothing there".to_owned(),
    };
    Some(format!(
        "No module can stand in for another: the nearest, module {} in the place of module {}{}, {brought} \
         ({} {} as is, {} so; likeness of their weights {}, {}).",
        best.donor,
        best.host,
        aside(best.scope),
        sites.metric_in_words(&best.metric),
        short(best.metric_full),
        short(best.metric_transplanted),
        short(best.likeness),
        p_value(best.p_holm)
    ))
}

fn aside(scope: Scope) -> &'static str {
    match scope {
        Scope::All => "",
        Scope::WithoutOutputs => " of those without outputs",
    }
}

/// What comes of the best of the others in a module's place, on its card.
pub(super) fn on_card(module: usize, modules: &Modules, sites: &Sites<'_>) -> Option<String> {
    let all = modules.transplants.iter();
    let mut mine: Vec<&Transplant> = all
        .filter(|t| t.host == module && t.scope == Scope::All)
        .collect();
    order::ascending(&mut mine, |t| t.difference_over_tolerance);
    let best = mine.first()?;
    let verdict = match best.copy {
        true => "a copy: every output stays within its tolerance",
        false => "no copy",
    };
    Some(format!(
        "module {}: {} {} → {} ({} with nothing there), {verdict}",
        best.donor,
        sites.metric(&best.metric),
        short(best.metric_full),
        short(best.metric_transplanted),
        short(best.metric_without)
    ))
}

/// Every transplant.
pub(super) fn table(modules: &Modules, sites: &Sites<'_>) -> Option<Block> {
    let columns = [
        words("Partition"),
        words("In the place of"),
        words("Stands"),
        numbers("Likeness"),
        numbers("p (Holm)"),
        words("Metric"),
        numbers("As is"),
        numbers("So"),
        numbers("Nothing there"),
        numbers("Brought back"),
        numbers("Largest difference ÷ tolerance"),
        words("Copy"),
    ];
    let row = |t: &Transplant| {
        let is_drawn = t.scope == Scope::All;
        vec![
            Cell::word(scope_words(t.scope)),
            name(t.host, is_drawn),
            name(t.donor, is_drawn),
            Cell::number(t.likeness),
            Cell::number(t.p_holm),
            Cell::word(sites.metric(&t.metric)),
            Cell::number(t.metric_full),
            Cell::number(t.metric_transplanted),
            Cell::number(t.metric_without),
            t.restored.map_or_else(
                || Cell::word("–"),
                |share| Cell::shown(percent(share), share),
            ),
            Cell::shown(
                number(t.difference_over_tolerance),
                t.difference_over_tolerance,
            ),
            Cell::word(if t.copy { "yes" } else { "no" }),
        ]
    };
    let rows: Vec<_> = modules.transplants.iter().map(row).collect();
    let caption = "Modules in each other's place: weights matched site by site, those of one put where the \
                   other's were; likeness against the same weights shuffled within each layer";
    let table = Table::new(caption, "transplants", columns.to_vec(), rows);
    (!modules.transplants.is_empty()).then_some(Block::Table(table))
}
