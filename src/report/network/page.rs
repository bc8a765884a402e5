//! The network at the threshold in use, as large as the page is wide.

use crate::choice::Layout;
use crate::report::format::{count, count_words, short};
use crate::report::network::component_graph::strongest;
use crate::report::network::figure::MOST_DRAWN;
use crate::report::network::figure::bridge_count;
use crate::report::network::figure::bridged_split;
use crate::report::network::figure::drawn_threshold;
use crate::report::page::blocks::{Block, Section};
use crate::report::sites::Sites;
use crate::report::view::sample_words;
use crate::result::{Audit, Network, Split};

/// What stands for kernels, or for the weights of a recurrence.
pub(in crate::report) fn drawn_as(network: &Network) -> &'static str {
    match network.has_steps() {
        true => {
            "A neuron is drawn once for all steps; what it leads to the next step is a curve over \
             its layer."
        }
        false => "A kernel is drawn by its largest entry.",
    }
}

/// What stands in the view's place until the script draws it.
const UNDRAWN: &str = "The interactive view is drawn by the page’s script; without it, the figure above \
     shows the same network.";

pub(in crate::report) fn section(audit: &Audit) -> Section {
    let strongest = audit.strongest.as_ref().map(sample_words);
    let strongest = strongest.map_or_else(String::new, |words| format!(" {words}"));
    let blocks = match is_drawn(audit) {
        true => vec![
            Block::Place("view", UNDRAWN),
            Block::Text(caption(audit) + &strongest),
        ],
        false => Vec::new(),
    };
    Section {
        id: "explore",
        title: "Explore",
        blocks,
    }
}

/// Whether there is something to draw: sites and weights, or edges between components.
pub(in crate::report) fn is_drawn(audit: &Audit) -> bool {
    !audit.network.layers.is_empty() || !strongest(&audit.circuits).is_empty()
}

fn caption(audit: &Audit) -> String {
    if audit.network.layers.is_empty() {
        return of_components(audit);
    }
    let threshold = drawn_threshold(audit);
    let wires = Sites::new(&audit.network).surviving(threshold).len();
    let kept = audit
        .prune
        .as_ref()
        .map(|prune| (prune.edges_kept, prune.edges_total));
    let which = match kept {
        Some((kept, total)) => format!(
            "The {} of {} weights with |w| ≥ {}",
            count(kept),
            count(total),
            short(threshold)
        ),
        None => format!("All {} weights other than zero", count(wires)),
    };
    let verified = match &audit.prune {
        Some(prune) if prune.verified => ", the network that was verified on the samples",
        Some(_) => ", at which the outputs are not unchanged",
        None => "",
    };
    let bridges = audit.modules.as_ref().and_then(bridged_split);
    let bridges = bridges.map_or_else(String::new, |split| format!(" Dotted: {}", dotted(split)));
    let most = if wires > MOST_DRAWN {
        format!(
            " The still figure shows the strongest {}.",
            count(MOST_DRAWN)
        )
    } else {
        String::new()
    };
    let kernels = match audit.checkpoint.layout {
        Layout::Layered => format!(" {}", drawn_as(&audit.network)),
        _ => String::new(),
    };
    format!(
        "{which}{verified}. Inputs are below and outputs on top; point at a site or an edge for its numbers.{kernels}{bridges}{most}"
    )
}

fn of_components(audit: &Audit) -> String {
    let edges = strongest(&audit.circuits).len();
    let total = audit.circuits.iter().map(|c| c.edges_total).max();
    format!(
        "The {} edges of the circuits, of {} between components. The input is below and the logits on top; \
         heads stand in rows by layer, with the MLP to their right. Edges are as wide as their effect is large; \
         into keys they are dashed, into values dotted.",
        count(edges),
        count(total.unwrap_or(0))
    )
}

fn dotted(split: &Split) -> String {
    let (edges, join) = match bridge_count(split) {
        1 => ("the one edge".to_owned(), "joins"),
        n => (format!("the {} edges", count_words(n)), "join"),
    };
    format!(
        "{edges} that still {join} the {} parts into which the network falls at {}.",
        count_words(split.components.len()),
        short(split.threshold)
    )
}
