//! Into which parts the network falls, with a picture of each split.

use crate::choice::Layout;
use crate::order;
use crate::report::figures::{Figure, Gallery};
use crate::report::format::{count, number};
use crate::report::independence::words::{caption as split_caption, no_split, part};
use crate::report::network::figure::MOST_BRIDGES;
use crate::report::network::figure::MOST_PALE;
use crate::report::network::figure::bridge_count;
use crate::report::page::blocks::{Block, Cell, Section, Shown, Table, numbers, words};
use crate::report::sites::Sites;
use crate::result::{Audit, Independence, Split};

/// Bytes of pictures of splits that a page carries; the rest are links to files.
const PICTURES: usize = 800_000;

pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery, sites: &Sites<'_>) -> Section {
    let independence = audit.modules.as_ref().map(|modules| &modules.independence);
    let blocks = match independence {
        None => Vec::new(),
        // Edges of a graph carry nothing from inputs to outputs.
        Some(_) if audit.checkpoint.layout == Layout::Graph => Vec::new(),
        Some(scan) if scan.splits.is_empty() => vec![Block::Text(no_split(audit).to_owned())],
        Some(scan) => {
            let mut blocks = vec![Block::Text(opening().to_owned())];
            blocks.push(table(scan, sites));
            blocks.extend(bridges(scan, sites));
            let pictures = pictures(scan, &gallery.splits);
            let summary = format!(
                "The network cut at each split, {} drawn",
                count(pictures.len())
            );
            blocks.push(Block::Folded(summary, pictures));
            blocks
        }
    };
    Section {
        id: "independence",
        title: "Independence",
        blocks,
    }
}

fn pictures(scan: &Independence, figures: &[Figure]) -> Vec<Block> {
    let mut bytes = 0;
    let show = |(split, figure): (&Split, &Figure)| {
        bytes += figure.bytes();
        let caption = caption(split);
        let is_inline = bytes <= PICTURES;
        Block::Figure(if is_inline {
            Shown::new(figure, caption)
        } else {
            Shown::linked(figure, caption)
        })
    };
    scan.splits.iter().zip(figures).map(show).collect()
}

fn opening() -> &'static str {
    "Raising the threshold removes weak weights until outputs no longer share a connection. \
     Each threshold at which that happens is listed with what it does to the outputs: parts \
     are independent only where the outputs are unchanged as well."
}

/// The words of the split, and what pale edges are where there are any.
fn caption(split: &Split) -> String {
    let live: usize = split.components.iter().map(|part| part.edges).sum();
    let dead = split.edges_kept.saturating_sub(live);
    let pale = if dead > MOST_PALE {
        " Edges on no path from an input to an output are not drawn."
    } else if dead > 0 {
        " Pale: edges on no path from an input to an output."
    } else {
        ""
    };
    format!("{}{pale}", split_caption(split))
}

fn table(independence: &Independence, sites: &Sites<'_>) -> Block {
    let rows = independence
        .splits
        .iter()
        .map(|split| row(split, sites))
        .collect();
    let columns = vec![
        numbers("Threshold"),
        numbers("Edges"),
        numbers("Parts"),
        words("What flows through each"),
        numbers("Largest change"),
        numbers("÷ tolerance"),
        numbers("Loss"),
        words("Outputs"),
        numbers("Bridges"),
    ];
    let caption = "Thresholds at which the outputs fall into more parts";
    Block::Table(Table::new(caption, "splits", columns, rows).open())
}

fn row(split: &Split, sites: &Sites<'_>) -> Vec<Cell> {
    let mut parts: Vec<String> = split
        .components
        .iter()
        .take(5)
        .map(|c| part(c, sites))
        .collect();
    if split.components.len() > 5 {
        parts.push(format!("{} more", split.components.len() - 5));
    }
    let verdict = if split.verified {
        ("✓ unchanged on the samples", "holds")
    } else {
        ("✗ not unchanged", "fails")
    };
    vec![
        Cell::number(split.threshold),
        Cell::count(split.edges_kept),
        Cell::count(split.components.len()),
        Cell::word(parts.join(" | ")),
        Cell::number(split.max_abs_change),
        Cell::number(split.change_over_tolerance),
        Cell::optional(split.loss),
        Cell::word(verdict.0).with_class(verdict.1),
        Cell::count(bridge_count(split)),
    ]
}

/// The bridges of the first split that has any.
fn bridges(independence: &Independence, sites: &Sites<'_>) -> Option<Block> {
    let split = independence
        .splits
        .iter()
        .find(|split| !split.bridges.is_empty())?;
    let mut sorted: Vec<_> = split.bridges.iter().collect();
    order::descending(&mut sorted, |one| one.weight.abs());
    let row = |b: &&crate::result::Bridge| {
        vec![
            Cell::word(sites.name(&b.from)),
            Cell::word(sites.name(&b.to)),
            Cell::number(b.weight),
        ]
    };
    let rows = sorted.iter().map(row).collect();
    let all = bridge_count(split);
    let listed = if all > sorted.len() {
        format!(" (the {} heaviest of {})", count(sorted.len()), count(all))
    } else {
        String::new()
    };
    let caption = format!(
        "Bridges{listed}: the edges at the threshold of the graph that join parts which the cut at {} separates",
        number(split.threshold)
    );
    let columns = vec![words("From"), words("To"), numbers("Weight")];
    let table = Block::Table(Table::new(caption, "bridges", columns, rows));
    Some(if all > MOST_BRIDGES {
        Block::Folded(
            format!("The {} bridges between these parts", count(all)),
            vec![table],
        )
    } else {
        table
    })
}
