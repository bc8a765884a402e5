//! What every threshold does, and what the one in use did to each output.

use crate::choice::Layout;
use crate::report::english::{counted, plural};
use crate::report::figures::Gallery;
use crate::report::format::{count, number, percent};
use crate::report::network::figure::drawn_threshold;
use crate::report::network::page::drawn_as;
use crate::report::page::blocks::{Block, Cell, Section, Shown, Table, numbers, words};
use crate::report::sites::{Sites, clean};
use crate::result::{Audit, Prune};

pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery) -> Section {
    let mut blocks = Vec::new();
    let curve = gallery.curve.as_ref();
    blocks.extend(curve.map(|figure| Block::Figure(Shown::new(figure, curve_caption()))));
    if let Some(prune) = &audit.prune {
        blocks.push(outputs(prune, &Sites::new(&audit.network)));
        blocks.push(layers(prune));
    }
    let weights = gallery.weights.as_ref();
    blocks.extend(weights.map(|figure| {
        let shown = Block::Figure(Shown::new(figure, weights_caption(audit)));
        Block::Folded("The weights by magnitude".to_owned(), vec![shown])
    }));
    Section {
        id: "pruning",
        title: "Pruning",
        blocks,
    }
}

fn curve_caption() -> &'static str {
    "What every threshold does: edges that survive, the largest change of any output as a multiple \
     of that output's tolerance (shaded: within), and the loss. The solid line marks the threshold \
     in use, dashed ones those at which the network falls into parts. Points at 0 are not drawn on \
     logarithmic axes."
}

fn weights_caption(audit: &Audit) -> String {
    let sites = Sites::new(&audit.network);
    let all = audit.network.weight_count();
    let zero = sites.wires().filter(|wire| wire.weight == 0.0).count();
    let broken = all - sites.wires().count().min(all);
    let mut caption = format!(
        "The weights by magnitude; the threshold is {}.",
        number(drawn_threshold(audit))
    );
    if audit.checkpoint.layout == Layout::Layered {
        return format!("{caption} {}", drawn_as(&audit.network));
    }
    if zero > 0 {
        caption.push_str(&format!(
            " {} {} exactly 0 and not drawn.",
            counted(zero, "weight", "weights"),
            plural(zero, "is", "are")
        ));
    }
    if broken > 0 {
        caption.push_str(&format!(
            " {} not {} and not drawn.",
            counted(broken, "weight is", "weights are"),
            plural(broken, "a finite number", "finite numbers")
        ));
    }
    caption
}

fn outputs(prune: &Prune, sites: &Sites<'_>) -> Block {
    let mut sorted: Vec<_> = prune.outputs.iter().collect();
    sorted.sort_by(|a, b| {
        (b.max_abs_change / b.tolerance).total_cmp(&(a.max_abs_change / a.tolerance))
    });
    let row = |o: &&crate::result::OutputChange| {
        let ratio = o.max_abs_change / o.tolerance;
        let verdict = if ratio <= 1.0 {
            ("✓ within", "holds")
        } else {
            ("✗ beyond", "fails")
        };
        vec![
            Cell::word(sites.name(&o.output)),
            Cell::number(o.sd),
            Cell::number(o.tolerance),
            Cell::number(o.max_abs_change),
            Cell::number(ratio),
            Cell::word(verdict.0).with_class(verdict.1),
        ]
    };
    let columns = vec![
        words("Output"),
        numbers("Standard deviation"),
        numbers("Tolerance"),
        numbers("Largest change"),
        numbers("÷ tolerance"),
        words("Verdict"),
    ];
    let caption = "What pruning did to each output, on the samples";
    let rows = sorted.iter().map(row).collect();
    Block::Table(Table::new(caption, "outputs", columns, rows).open())
}

fn layers(prune: &Prune) -> Block {
    let row = |l: &crate::result::LayerCount| {
        #[allow(clippy::cast_precision_loss, reason = "a percentage")]
        let share = l.edges_kept as f64 / (l.edges_total.max(1)) as f64;
        vec![
            Cell::word(clean(&l.tensor)),
            Cell::count(l.edges_total),
            Cell::count(l.edges_kept),
            Cell::shown(percent(share), share),
        ]
    };
    let biases = format!(
        "Weights that survive, by tensor ({} of {} biases are left as well)",
        count(prune.biases_kept),
        count(prune.biases_total)
    );
    let columns = vec![
        words("Tensor"),
        numbers("Weights"),
        numbers("Kept"),
        numbers("Share"),
    ];
    Block::Table(Table::new(
        biases,
        "layers",
        columns,
        prune.layers.iter().map(row).collect(),
    ))
}
