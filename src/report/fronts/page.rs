//! The page of a sweep over λ.

use askama::Template;

use super::words;
use crate::report::english::{capital, counted, plural, some_of};
use crate::report::figures::canvas::{Figure, PHONE};
use crate::report::format::typed;
use crate::report::page::Page;
use crate::report::page::blocks::{Block, Cell, Section, Shown, Table, numbers, words as text};
use crate::report::page::opening::{Headline, Opening, Verdict};
use crate::report::sites::{clean, plain};
use crate::result::{Fronts, OnFronts, Sentence, Status};

/// Renders the page.
pub fn render(fronts: &Fronts, figures: &[Figure]) -> askama::Result<String> {
    let said = words::summary(fronts);
    let page = Page {
        kind: "What the cost of connections buys",
        title: format!("{}: λ against edges and loss", clean(&fronts.task)),
        subtitle: counted(fronts.front.len(), "network", "networks"),
        opening: Some(opening(fronts, figures, &said)),
        sections: sections(fronts, figures, said),
        json: "fronts.json".to_owned(),
        tool: format!(
            "{} {}",
            clean(&fronts.tool.name),
            clean(&fronts.tool.version)
        ),
        command: plain(&fronts.command.join(" ")),
        carried: crate::report::page::carried(fronts).map_err(askama::Error::custom)?,
        ..Page::bare()
    };
    page.render()
}

/// How many networks no other beats, and what they cost.
fn opening(fronts: &Fronts, figures: &[Figure], said: &[Sentence]) -> Opening {
    let on = |is_on: fn(&OnFronts) -> bool| fronts.front.iter().filter(|n| is_on(n)).count();
    let edges = on(|n| n.on_front_of_edges);
    let headline = Headline {
        text: format!(
            "{} {} beaten by none at both loss and edges left.",
            capital(&some_of(edges, fronts.front.len(), "network", "networks")),
            plural(edges, "is", "are")
        ),
        caveat: "That was found by looking at all of them: it is no estimate of what another \
                 training would give."
            .to_owned(),
        status: Status::Note,
    };
    let verdict = |(sentence, title): (&Sentence, &str)| Verdict {
        status: sentence.status,
        title: title.to_owned(),
        text: sentence.sentence.clone(),
        miniature: String::new(),
        is_wide: true,
        evidence: "networks",
    };
    let titles = ["Loss and edges left", "Loss and nats that blocks gain"];
    let verdicts = said.iter().zip(titles).map(verdict).collect();
    let figure = figures
        .iter()
        .find(|figure| figure.name == "front-of-edges");
    let narrow = figure.and_then(|_| super::figures::front_of_edges(fronts, PHONE));
    Opening::of(headline, figure, verdicts, said.len()).for_phones(narrow)
}

fn sections(fronts: &Fronts, figures: &[Figure], said: Vec<Sentence>) -> Vec<Section> {
    let shown = |name: &str, caption: &str| {
        let found = figures.iter().find(|figure| figure.name == name)?;
        Some(Block::Figure(Shown::new(found, caption)))
    };
    let edges = "Loss on the test samples against the edges that are left at the largest threshold that \
                 verifies; the line joins the networks that no other beats at both.";
    let blocks = "Loss on the test samples against the nats by which blocks shorten the description of \
                  these edges.";
    let against = "Every network against the largest λ of its schedule; the line goes through the means \
                   over seeds.";
    let drawn = [
        shown("front-of-edges", edges),
        shown("front-of-blocks", blocks),
        shown("against-lambda", against),
    ];
    vec![
        Section {
            id: "fronts",
            title: "Fronts",
            blocks: drawn.into_iter().flatten().collect(),
        },
        Section {
            id: "networks",
            title: "Networks",
            blocks: vec![Block::Table(table(fronts))],
        },
        Section::evidence(vec![Block::every_sentence(said, |_| "networks")]),
    ]
}

fn table(fronts: &Fronts) -> Table {
    let value = fronts.metric.map_or("Metric", |metric| metric.name());
    let columns = vec![
        text("Network"),
        text("Regime"),
        numbers("λ"),
        numbers("Seed"),
        numbers("Test loss"),
        numbers(value),
        numbers("Edges left"),
        numbers("Modules"),
        numbers("Nats gained"),
        text("On the front of"),
    ];
    let counted = |n: Option<usize>| n.map_or_else(|| Cell::word("–"), Cell::count);
    let row = |n: &OnFronts| {
        let on = [
            (n.on_front_of_edges, "edges"),
            (n.on_front_of_blocks, "blocks"),
        ];
        let on: Vec<&str> = on
            .into_iter()
            .filter_map(|(is_on, name)| is_on.then_some(name))
            .collect();
        vec![
            Cell::word(clean(&n.name)),
            Cell::word(n.regime.name()),
            Cell::shown(typed(n.lambda), n.lambda),
            Cell::word(n.seed.to_string()),
            Cell::optional(n.loss),
            Cell::optional(n.value),
            counted(n.edges),
            counted(n.modules),
            Cell::optional(n.description_length_gained),
            Cell::word(on.join(", ")),
        ]
    };
    let rows = fronts.front.iter().map(row).collect();
    Table::new("Networks by λ", "fronts", columns, rows)
}
