//! The page of a multiverse.

use askama::Template;

use super::card;
use super::figure::{WIDTH, figure_name, middle, specification_curve, support, support_name};
use super::opening::opening;
use super::words;
use crate::report::figures::Figure;
use crate::report::format::{count, percent, short};
use crate::report::page::blocks::{
    Block, Cell, Section, Shown, Table, numbers, words as column_of_words,
};
use crate::report::page::{Page, Run};
use crate::result::{Analysed, Multiverse, Nonsense, Sentence};

/// Answers whose figures stand on the page.
const MOST_ANSWERS: usize = 4;

/// Edges that are drawn.
const MOST_EDGES: usize = 40;

/// Every figure of a multiverse.
pub fn figures(result: &Multiverse) -> Vec<Figure> {
    let of = |answer: &Analysed| {
        let curve = specification_curve(&curve_name(answer), answer);
        let edges = support(result, answer, MOST_EDGES, WIDTH);
        [curve, edges]
    };
    let drawn = result.answers.iter().flat_map(of).flatten();
    drawn.chain([card::draw(result)]).collect()
}

fn curve_name(answer: &Analysed) -> String {
    figure_name("specification-curve", answer)
}

/// Renders the page.
pub fn render(result: &Multiverse, figures: &[Figure]) -> askama::Result<String> {
    let run = Run {
        kind: "Many analyses",
        checkpoint: &result.checkpoint,
        data: &result.data,
        tool: &result.tool,
        command: &result.command,
        json: "stability.json",
    };
    let said = words::summary(result);
    let page = Page {
        opening: Some(opening(result, said.len())),
        sections: sections(result, figures, said),
        carried: crate::report::page::carried(result).map_err(askama::Error::custom)?,
        ..Page::of_run(&run)
    };
    page.render()
}

fn sections(result: &Multiverse, figures: &[Figure], said: Vec<Sentence>) -> Vec<Section> {
    let shown = |name: &str, caption: &str| {
        let found = figures.iter().find(|figure| figure.name == name)?;
        Some(Block::Figure(Shown::new(found, caption)))
    };
    let mut curves = Vec::new();
    let mut edges = Vec::new();
    for answer in result.answers.iter().take(MOST_ANSWERS) {
        let name = words::name(result, answer);
        let caption = format!(
            "{name}: every analysis by what it shares with the most frequent circuit of its size; \
             below, which choices it made (faint: some of the analyses there)."
        );
        curves.extend(shown(&curve_name(answer), &caption));
        if let Some(of) = middle(answer) {
            let caption = format!(
                "{name}: the edges that analyses of {} have, by how many have them; filled are \
                 those of the most frequent circuit.",
                words::cut(of)
            );
            edges.extend(shown(&support_name(answer), &caption));
        }
    }
    edges.push(Block::Folded(
        "Numbers by size".to_owned(),
        vec![Block::Table(by_size(result))],
    ));
    vec![
        Section {
            id: "analyses",
            title: "Every analysis",
            blocks: curves,
        },
        Section {
            id: "edges",
            title: "What they agree on",
            blocks: edges,
        },
        Section {
            id: "held-against",
            title: "What the agreement is worth",
            blocks: held_against(result),
        },
        Section {
            id: "card",
            title: "For an appendix",
            blocks: shown(
                "card",
                "The whole on a card; `tables/card.tex` has it for LaTeX.",
            )
            .into_iter()
            .collect(),
        },
        Section::evidence(vec![Block::every_sentence(said, anchor)]),
    ]
}

/// The part of the page that a sentence stands on.
fn anchor(said: &Sentence) -> &'static str {
    match said.subject.as_str() {
        "Transfer" | "Certified" => "held-against",
        "Analyses" => "analyses",
        _ => "edges",
    }
}

/// Nothing to find, other samples, fewer samples.
fn held_against(result: &Multiverse) -> Vec<Block> {
    let tables = [nulls(result), transfers(result), certificates(result)];
    let blocks: Vec<Block> = tables.into_iter().flatten().map(Block::Table).collect();
    match blocks.is_empty() {
        true => vec![Block::Text(
            "Nothing was run to hold it against.".to_owned(),
        )],
        false => blocks,
    }
}

/// The same analyses where there is nothing to find.
fn nulls(result: &Multiverse) -> Option<Table> {
    let columns = vec![
        column_of_words("answer"),
        column_of_words("the same analyses of"),
        numbers("shared by two"),
        numbers("shared with the network's own"),
        column_of_words("core edges by size"),
    ];
    let of = |answer: &Analysed| {
        let name = words::name(result, answer);
        let own = Nonsense {
            jaccard: answer.sizes.iter().map(|of| of.jaccard).sum::<f64>()
                / answer.sizes.len().max(1) as f64,
            with_own: None,
            core: answer.sizes.iter().map(|of| of.core).collect(),
        };
        let arms = [
            ("the network as it is", Some(&own)),
            ("labels of other samples", answer.nonsense.as_ref()),
            ("weights in other places", answer.shuffled.as_ref()),
        ];
        let row = |(arm, found): (&str, Option<&Nonsense>)| {
            let found = found?;
            let core: Vec<String> = found.core.iter().map(|core| count(*core)).collect();
            Some(vec![
                Cell::word(name.clone()),
                Cell::word(arm.to_owned()),
                Cell::shown(percent(found.jaccard), found.jaccard),
                found.with_own.map_or_else(
                    || Cell::word(String::new()),
                    |shared| Cell::shown(percent(shared), shared),
                ),
                Cell::word(core.join(", ")),
            ])
        };
        arms.into_iter().filter_map(row).collect::<Vec<_>>()
    };
    let is_there = |answer: &Analysed| answer.nonsense.is_some() || answer.shuffled.is_some();
    let shown: Vec<&Analysed> = result.answers.iter().filter(|a| is_there(a)).collect();
    let rows: Vec<_> = shown.into_iter().flat_map(of).collect();
    let title = "The same analyses where there is nothing to find";
    (!rows.is_empty()).then(|| Table::new(title, "rows", columns, rows))
}

/// Circuits of two discoveries on each other's samples.
fn transfers(result: &Multiverse) -> Option<Table> {
    let columns = vec![
        column_of_words("answer"),
        numbers("edges"),
        numbers("pairs"),
        numbers("edges shared"),
        numbers("pairs that do the same"),
        numbers("decided equally"),
        numbers("faithfulness, own samples"),
        numbers("the other's"),
        numbers("held out"),
    ];
    let row = |answer: &Analysed| {
        let transfer = answer.transfer.as_ref()?;
        let nothing = || Cell::word(String::new());
        let faithful = |place: usize| {
            let all = transfer.faithfulness;
            all.map_or_else(nothing, |all| Cell::shown(short(all[place]), all[place]))
        };
        let agreement = transfer.agreement;
        Some(vec![
            Cell::word(words::name(result, answer)),
            Cell::count(transfer.size),
            Cell::count(transfer.pairs),
            Cell::shown(percent(transfer.jaccard), transfer.jaccard),
            Cell::count(transfer.same),
            agreement.map_or_else(nothing, |share| Cell::shown(percent(share), share)),
            faithful(0),
            faithful(1),
            faithful(2),
        ])
    };
    let rows: Vec<_> = result.answers.iter().filter_map(row).collect();
    let title = "Circuits of two discoveries on each other's samples";
    (!rows.is_empty()).then(|| Table::new(title, "rows", columns, rows))
}

/// What stays whatever few samples are deleted or replaced.
fn certificates(result: &Multiverse) -> Option<Table> {
    let columns = vec![
        column_of_words("answer"),
        numbers("edges"),
        numbers("certified in"),
        numbers("half of them, whatever so many samples are deleted"),
        numbers("or replaced"),
        numbers("certified out"),
        numbers("abstained"),
    ];
    let of_answer = |answer: &Analysed| {
        let name = words::name(result, answer);
        let row = move |of: &crate::result::OfSize| {
            let certified = of.certified.as_ref()?;
            Some(vec![
                Cell::word(name.clone()),
                Cell::count(of.size),
                Cell::count(certified.inside),
                Cell::count(words::half_of_them(certified, |edge| edge.deleted)),
                Cell::count(words::half_of_them(certified, |edge| edge.replaced)),
                Cell::count(certified.outside),
                Cell::count(certified.abstained),
            ])
        };
        answer.sizes.iter().filter_map(row).collect::<Vec<_>>()
    };
    let rows: Vec<_> = result.answers.iter().flat_map(of_answer).collect();
    let title = "Edges certified to stay on their side";
    (!rows.is_empty()).then(|| Table::new(title, "rows", columns, rows))
}

fn by_size(result: &Multiverse) -> Table {
    let levels = !result.axes.faithfulness.is_empty();
    let mut columns = vec![column_of_words("answer"), numbers("edges")];
    columns.extend(levels.then(|| numbers("faithfulness at least")));
    columns.extend([
        numbers("analyses"),
        numbers("shared by two"),
        numbers("most frequent"),
        numbers("core"),
        numbers("possible"),
    ]);
    let of_answer = |answer: &Analysed| {
        let name = words::name(result, answer);
        let row = move |of: &crate::result::OfSize| {
            let level = of.faithfulness.map_or_else(
                || Cell::word(String::new()),
                |level| Cell::shown(short(level), level),
            );
            let mut cells = vec![Cell::word(name.clone()), Cell::count(of.size)];
            cells.extend(levels.then_some(level));
            cells.extend([
                Cell::count(of.analyses),
                Cell::shown(percent(of.jaccard), of.jaccard),
                Cell::shown(percent(of.modal_share), of.modal_share),
                Cell::count(of.core),
                Cell::count(of.possible),
            ]);
            cells
        };
        answer.sizes.iter().map(row).collect::<Vec<_>>()
    };
    let rows = result.answers.iter().flat_map(of_answer).collect();
    Table::new("Analyses by answer and size", "edges", columns, rows)
}
