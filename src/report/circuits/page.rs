//! The circuits: one row each, a picture each, and their strongest edges.

use crate::choice::MetricKind;
use crate::report::circuits::figure::MOST_EDGES;
use crate::report::circuits::group::{Group, groups};
use crate::report::english::{counted, joined};
use crate::report::figures::{Figure, Gallery};
use crate::report::format::{count, optional, percent, significant};
use crate::report::page::blocks::{Block, Card, Cell, Fact, Section, Shown, Table, numbers, words};
use crate::report::sites::{Sites, natural, plain};
use crate::result::{Audit, Circuit, Prompt};

/// Bytes of pictures of circuits that a page carries; the rest are links to files.
const PICTURES: usize = 700_000;

/// Most circuits with pictures and edges beside each other; more are folded away.
const UNFOLDED: usize = 2;

const ROC: &str = "How well scores rank the edges of the known circuit (receiver operating characteristic): from the \
     highest |score| down, the share of the known edges that have come against the share of the others. \
     A curve along the upper left corner ranks all known edges first; ties are slanted.";

pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery, sites: &Sites<'_>) -> Section {
    let mut blocks = Vec::new();
    if !audit.circuits.is_empty() {
        let groups = groups(&audit.circuits);
        let folded = |summary: &str, blocks: Vec<Block>| Block::Folded(summary.to_owned(), blocks);
        let drawn =
            |figure: &Figure, caption: &str| vec![Block::Figure(Shown::new(figure, caption))];
        blocks.push(table(&groups, sites));
        blocks.extend(cards(audit, &groups, gallery, sites));
        let how = opening(&audit.circuits);
        blocks.push(folded("How they were found and are judged", how));
        let curve = gallery.faithfulness.as_ref();
        let sizes = "Faithfulness at every size";
        blocks.extend(curve.map(|f| folded(sizes, drawn(f, faithfulness_caption()))));
        blocks.extend(against_known(&audit.circuits, sites));
        let ranking = "How well scores rank the known circuit";
        blocks.extend(gallery.roc.as_ref().map(|f| folded(ranking, drawn(f, ROC))));
        blocks.extend(at_sizes(&audit.circuits, sites));
        blocks.extend(prompts(audit));
    }
    Section {
        id: "circuits",
        title: "Circuits",
        blocks,
    }
}

/// How each method chose, in words: the conventions that the numbers rest on.
fn opening(circuits: &[Circuit]) -> Vec<Block> {
    let text = "Effect of an edge = metric(as is) − metric(edge patched). A circuit is what stays as it is \
                while every other edge is patched; its metric stands beside that of the full network \
                and of the network with everything patched.";
    let mut facts: Vec<Fact> = Vec::new();
    for circuit in circuits {
        let term = circuit.method.to_string();
        if !facts.iter().any(|fact| fact.term == term) {
            facts.push(Fact {
                term,
                text: method(circuit),
                is_code: false,
            });
        }
    }
    vec![Block::Text(text.to_owned()), Block::Facts(facts)]
}

fn method(circuit: &Circuit) -> String {
    let reference = circuit.fill_reference.as_ref();
    let reference = reference.map_or_else(String::new, |set| format!(" over {}", plain(set)));
    format!(
        "{} ({}); fill {}{reference}; edges chosen by {} effect.",
        circuit.metric,
        circuit.direction.name().replace('-', " "),
        circuit.fill.name(),
        circuit.sign.name()
    )
}

fn faithfulness_caption() -> &'static str {
    "Faithfulness against the number of edges kept, for every size that was tried. 1 is the full network, \
     0 the network with everything patched; values beyond −0.25 and 1.25 are drawn at the edge."
}

/// A row for each output; methods that found the same share it.
fn table(groups: &[Group<'_>], sites: &Sites<'_>) -> Block {
    let circuits = || groups.iter().flat_map(|group| &group.circuits);
    let is_logits = circuits().all(|c| c.metric == MetricKind::LogitDiff);
    let metric = if is_logits {
        "Logit difference, full"
    } else {
        "Metric, full"
    };
    let columns = vec![
        words("Output"),
        words("Method"),
        numbers("Edges"),
        numbers("Sparsity"),
        numbers(metric),
        numbers("Circuit"),
        numbers("Gap"),
        numbers("All patched"),
        numbers("Faithfulness [95 %]"),
        numbers("Completeness"),
        numbers("Minimality"),
        numbers("Patched runs"),
    ];
    let rows = groups.iter().flat_map(|group| {
        let names: Vec<&str> = group.methods.iter().map(|m| m.name()).collect();
        let methods = names.join(", ");
        group
            .circuits
            .iter()
            .map(move |c| row(c, methods.clone(), sites))
    });
    let mut rows: Vec<Vec<Cell>> = rows.collect();
    rows.sort_by_key(|row| row.first().map(|output| natural(&output.text)));
    let caption = "Circuits: the metric of the full network, of the circuit alone and with everything patched";
    Block::Table(Table::whole(caption, "circuits", columns, rows).open())
}

fn row(c: &Circuit, methods: String, sites: &Sites<'_>) -> Vec<Cell> {
    let runs = usize::try_from(c.evaluations).unwrap_or(usize::MAX);
    vec![
        Cell::word(sites.name(&c.output)),
        Cell::word(methods),
        Cell::count(c.edges_kept),
        Cell::shown(percent(c.sparsity), c.sparsity),
        Cell::number(c.metric_full),
        Cell::number(c.metric_circuit),
        Cell::optional(c.logit_difference.as_ref().map(|l| l.gap)),
        Cell::number(c.metric_corrupted),
        Cell::shown(faithfulness(c), c.faithfulness.unwrap_or(f64::NEG_INFINITY)),
        Cell::optional(c.completeness),
        Cell::optional(c.minimality),
        Cell::count(runs),
    ]
}

/// How circuits and scores agree with a known circuit.
fn against_known(circuits: &[Circuit], sites: &Sites<'_>) -> Option<Block> {
    let row = |c: &Circuit| {
        let recovery = c.recovery.as_ref()?;
        Some(vec![
            Cell::word(sites.name(&c.output)),
            Cell::word(c.method.name()),
            Cell::count(recovery.known),
            Cell::count(recovery.left_out),
            Cell::number(recovery.precision),
            Cell::number(recovery.recall),
            Cell::optional(recovery.roc_area),
        ])
    };
    let rows: Vec<Vec<Cell>> = circuits.iter().filter_map(row).collect();
    let columns = vec![
        words("Output"),
        words("Method"),
        numbers("Known edges"),
        numbers("Left out"),
        numbers("Precision"),
        numbers("Recall"),
        numbers("Area under ROC"),
    ];
    let caption = "Against the known circuit: share of the found edges that are known, of the known \
                   ones that are found, and how well scores rank known edges first (both end points \
                   in, ties counting half)";
    (!rows.is_empty()).then(|| Block::Table(Table::whole(caption, "circuits", columns, rows)))
}

/// Areas of the faithfulness at MIB's sizes.
fn at_sizes(circuits: &[Circuit], sites: &Sites<'_>) -> Option<Block> {
    let row = |c: &Circuit| {
        let curve = c.curve.as_ref()?;
        let mut row = vec![
            Cell::word(sites.name(&c.output)),
            Cell::word(c.method.name()),
            Cell::number(curve.cpr),
            Cell::number(curve.cmd),
        ];
        row.extend(curve.points.iter().map(|[_, f]| Cell::number(*f)));
        Some(row)
    };
    let rows: Vec<Vec<Cell>> = circuits.iter().filter_map(row).collect();
    let sizes = circuits.iter().find_map(|c| c.curve.as_ref())?;
    let mut columns = vec![
        words("Output"),
        words("Method"),
        numbers("CPR"),
        numbers("CMD"),
    ];
    let sizes = sizes.points.iter();
    columns.extend(sizes.map(|[kept, _]| numbers(&format!("{} kept", percent(*kept)))));
    let caption = "Faithfulness of the strongest edges at MIB's sizes: CPR is the area below it (higher \
                   is better), CMD the area between it and 1 (lower is better)";
    Some(Block::Table(Table::whole(
        caption, "circuits", columns, rows,
    )))
}

/// The prompts with their tokens, folded away.
fn prompts(audit: &Audit) -> Option<Block> {
    let tokens = |tokens: &[String]| {
        let shown: Vec<String> = tokens.iter().map(|token| plain(token)).collect();
        shown.join("·")
    };
    let row = |prompt: &Prompt| {
        vec![
            Cell::word(tokens(&prompt.clean)),
            Cell::word(tokens(&prompt.corrupted)),
            Cell::word(plain(&prompt.answer)),
            Cell::word(plain(&prompt.foil)),
        ]
    };
    let rows: Vec<Vec<Cell>> = audit.prompts.iter().map(row).collect();
    let columns = vec![
        words("Clean"),
        words("Corrupted"),
        words("Answer"),
        words("Foil"),
    ];
    let caption = "The prompts; a dot stands between two tokens";
    let table = Block::Table(Table::new(caption, "prompts", columns, rows));
    let summary = format!("Prompts and their tokens ({})", count(audit.prompts.len()));
    (!audit.prompts.is_empty()).then(|| Block::Folded(summary, vec![table]))
}

fn faithfulness(c: &Circuit) -> String {
    match c.interval {
        Some([low, high]) => {
            let ends = [low, high].map(|end| significant(end, 3));
            format!("{} [{}, {}]", optional(c.faithfulness), ends[0], ends[1])
        }
        None => optional(c.faithfulness),
    }
}

/// Pictures of the first circuits, and folded away those of the rest and of methods that
/// found the same.
fn cards(audit: &Audit, groups: &[Group<'_>], gallery: &Gallery, sites: &Sites<'_>) -> Vec<Block> {
    let mut bytes = 0;
    let mut one = |(place, methods): (usize, String)| {
        let (circuit, figure) = (audit.circuits.get(place)?, gallery.circuits.get(place)?);
        bytes += figure.bytes();
        let is_inline = bytes <= PICTURES;
        let shown = shown(circuit, figure, is_inline, gallery.circuits_show_rest);
        Some(Card {
            title: format!("{}, {methods}", sites.name(&circuit.output)),
            shown,
            blocks: vec![edges(circuit, sites)],
        })
    };
    let of_group = |group: &Group<'_>| {
        let methods = group.methods.iter().map(|method| method.name().to_owned());
        let methods = joined(&methods.collect::<Vec<_>>());
        let places = group.places.clone().into_iter();
        places.map(move |place| (place, methods.clone()))
    };
    let first: Vec<(usize, String)> = groups.iter().flat_map(of_group).collect();
    let unfolded = first.len().min(UNFOLDED);
    let is_rest = |place: &usize| !first.iter().any(|(other, _)| other == place);
    let rest: Vec<usize> = (0..audit.circuits.len()).filter(is_rest).collect();
    let rest = rest
        .into_iter()
        .map(|place| (place, audit.circuits[place].method.name().to_owned()));
    let mut cards: Vec<Card> = first.into_iter().chain(rest).filter_map(&mut one).collect();
    let folded = cards.split_off(cards.len().min(unfolded));
    let mut blocks = vec![Block::Cards(cards)];
    if !folded.is_empty() {
        let summary = format!(
            "Pictures and edges of the other {}",
            counted(folded.len(), "circuit", "circuits")
        );
        blocks.push(Block::Folded(summary, vec![Block::Cards(folded)]));
    }
    blocks
}

fn shown(circuit: &Circuit, figure: &Figure, is_inline: bool, shows_rest: bool) -> Shown {
    let caption = caption(circuit, shows_rest);
    if is_inline {
        Shown::new(figure, caption)
    } else {
        Shown::linked(figure, caption)
    }
}

fn caption(circuit: &Circuit, shows_rest: bool) -> String {
    let size = format!(
        "{} of {}, faithfulness {} on {}: {}.",
        count(circuit.edges_kept),
        counted(circuit.edges_total, "edge", "edges"),
        faithfulness(circuit),
        counted(circuit.samples, "sample", "samples"),
        plain(&circuit.selection)
    );
    let rest = match (circuit.edges.len() > MOST_EDGES, shows_rest) {
        (true, _) => format!("The strongest {} are drawn.", count(MOST_EDGES)),
        (false, true) => "Other surviving edges are pale.".to_owned(),
        (false, false) => "Other surviving edges are not drawn.".to_owned(),
    };
    format!("{size} {rest}")
}

fn edges(circuit: &Circuit, sites: &Sites<'_>) -> Block {
    let weight = |from: &str, to: &str| sites.weight(sites.place(from)?, sites.place(to)?);
    let row = |e: &crate::result::CircuitEdge| {
        vec![
            Cell::word(sites.name(&e.from)),
            Cell::word(sites.name(&e.to)),
            Cell::optional(weight(&e.from, &e.to)),
            Cell::number(e.effect),
        ]
    };
    let rows: Vec<Vec<Cell>> = circuit.edges.iter().map(row).collect();
    let summary = format!("Edges of the circuit ({})", count(rows.len()));
    let columns = vec![
        words("From"),
        words("To"),
        numbers("Weight"),
        numbers("Effect"),
    ];
    Block::Folded(
        summary,
        vec![Block::Table(Table::new(
            "Edges, strongest first",
            "circuit-edges",
            columns,
            rows,
        ))],
    )
}
