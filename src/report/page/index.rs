//! One page over several results: a row each, with a link to its own page.

use askama::Template as _;

use crate::report::format::{count, short};
use crate::report::page::blocks::{Block, Cell, Section, Table, numbers, words};
use crate::report::page::{Page, subtitle, title};
use crate::report::sites::clean;
use crate::result::{Audit, Tool};

/// Renders the index; each result stands with the folder of its page.
pub(in crate::report) fn render(results: &[(String, Audit)]) -> askama::Result<String> {
    let tool = Tool::this();
    let page = Page {
        kind: "Index",
        title: format!("{} results", count(results.len())),
        subtitle: "Each name leads to the whole report; columns sort.".to_owned(),
        sections: vec![Section {
            id: "results",
            title: "Results",
            blocks: vec![table(results), Block::Text(READING.to_owned())],
        }],
        tool: format!("{} {}", tool.name, tool.version),
        command: format!("modscope report, {} results", count(results.len())),
        ..Page::bare()
    };
    page.render()
}

const READING: &str = "Kept: weights that survive the threshold. Change: the largest move of any output, as a \
    multiple of its tolerance, on the samples. Q: Newman's modularity of the surviving network, and p against \
    shuffled networks; different networks have different nulls, so that Q alone does not compare. Faithfulness: \
    the median over the circuits; 1 is the full network. Definitions and seeds are on each result's page.";

fn table(results: &[(String, Audit)]) -> Block {
    let columns = vec![
        words("Network"),
        words("Kind"),
        words("Trained as"),
        words("Verified"),
        numbers("Kept"),
        numbers("Change ÷ tolerance"),
        numbers("Loss"),
        numbers("Pruned"),
        numbers("Modules"),
        numbers("Q"),
        numbers("p"),
        numbers("Circuits"),
        numbers("Faithfulness"),
    ];
    let rows = results.iter().map(|(folder, audit)| row(folder, audit));
    let table = Table::whole("One row per result", "", columns, rows.collect());
    Block::Table(Table {
        is_open: true,
        ..table
    })
}

fn row(folder: &str, audit: &Audit) -> Vec<Cell> {
    let prune = audit.prune.as_ref();
    let modules = audit.modules.as_ref();
    let null = modules.and_then(|m| m.null.as_ref());
    let kind = subtitle(audit);
    let kind = kind.split(" · ").next().unwrap_or_default();
    let verified = match prune.map(|p| p.verified) {
        Some(true) => Cell::word("✓ holds").with_class("holds"),
        Some(false) => Cell::word("✗ fails").with_class("fails"),
        None => Cell::word("– not run"),
    };
    let whole = |n: Option<usize>| n.map_or_else(|| Cell::optional(None), Cell::count);
    let regime = audit
        .checkpoint
        .regime
        .as_deref()
        .map_or_else(String::new, clean);
    vec![
        Cell::word(title(audit)).with_link(format!("{folder}/index.html")),
        Cell::word(kind),
        Cell::word(regime),
        verified,
        prune.map_or_else(|| Cell::optional(None), kept),
        brief(prune.and_then(over_tolerance)),
        brief(prune.and_then(|p| p.loss_before)),
        brief(prune.and_then(|p| p.loss_after)),
        whole(modules.map(|m| m.count)),
        brief(modules.map(|m| m.modularity)),
        brief(null.map(|n| n.p)),
        Cell::count(audit.circuits.len()),
        median(audit),
    ]
}

/// A number short enough for a wide table.
fn brief(value: Option<f64>) -> Cell {
    let text = value.map_or_else(|| "–".to_owned(), short);
    Cell::shown(text, value.unwrap_or(f64::NEG_INFINITY))
}

fn kept(prune: &crate::result::Prune) -> Cell {
    let text = format!(
        "{} of {}",
        count(prune.edges_kept),
        count(prune.edges_total)
    );
    Cell {
        text,
        ..Cell::count(prune.edges_kept)
    }
}

fn over_tolerance(prune: &crate::result::Prune) -> Option<f64> {
    let ratios = prune.outputs.iter().map(|o| o.max_abs_change / o.tolerance);
    ratios.filter(|r| r.is_finite()).reduce(f64::max)
}

/// The median faithfulness of the circuits, the lower of two in the middle.
fn median(audit: &Audit) -> Cell {
    let mut all: Vec<f64> = audit
        .circuits
        .iter()
        .filter_map(|c| c.faithfulness)
        .collect();
    all.sort_by(f64::total_cmp);
    let middle = all.get(all.len().saturating_sub(1) / 2).copied();
    brief(middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_result_has_a_row_and_a_link() {
        let results = [
            ("a".to_owned(), sample::audit()),
            ("b".to_owned(), sample::transformer()),
        ];
        let html = render(&results).expect("it renders");
        assert!(html.contains("<a href=\"a/index.html\">") && html.contains("b/index.html"));
        assert_eq!(html.matches("<tr>").count(), 3);
        assert_eq!(html.matches("<script").count(), 2);
        assert!(html.contains("<details class=\"table\" open>"));
    }
}
