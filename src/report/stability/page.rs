//! The page of a multiverse.

use askama::Template;

use super::figure::{specification_curve, support};
use super::words;
use crate::report::figures::Figure;
use crate::report::format::{count, percent};
use crate::report::page::blocks::{
    Block, Cell, Section, Shown, Table, numbers, words as column_of_words,
};
use crate::report::page::{Page, Run};
use crate::report::sites::clean;
use crate::result::{Analysed, Multiverse};

/// Answers whose figures stand on the page.
const MOST_ANSWERS: usize = 4;

/// Every figure of a multiverse.
pub fn figures(result: &Multiverse) -> Vec<Figure> {
    let of = |answer: &Analysed| {
        let curve = specification_curve(&curve_name(answer), answer);
        let edges = middle(answer).and_then(|of| support(&support_name(answer), of));
        [curve, edges]
    };
    result.answers.iter().flat_map(of).flatten().collect()
}

fn curve_name(answer: &Analysed) -> String {
    format!("specification-curve-{}", answer.output)
}

fn support_name(answer: &Analysed) -> String {
    format!("support-{}", answer.output)
}

/// The analyses of the middle size.
fn middle(answer: &Analysed) -> Option<&crate::result::OfSize> {
    answer.sizes.get(answer.sizes.len() / 2)
}

/// Renders the page.
pub fn render(result: &Multiverse, figures: &[Figure]) -> askama::Result<String> {
    let run = Run {
        kind: "Many analyses of one network",
        checkpoint: &result.checkpoint,
        data: &result.data,
        tool: &result.tool,
        command: &result.command,
        json: "stability.json",
    };
    let page = Page {
        verdicts: words::summary(result),
        sections: sections(result, figures),
        carried: crate::report::page::carried(result).map_err(askama::Error::custom)?,
        ..Page::of_run(&run)
    };
    page.render()
}

fn sections(result: &Multiverse, figures: &[Figure]) -> Vec<Section> {
    let shown = |name: &str, caption: &str| {
        let found = figures.iter().find(|figure| figure.name == name)?;
        Some(Block::Figure(Shown::new(found, caption)))
    };
    let mut curves = Vec::new();
    let mut edges = Vec::new();
    for answer in result.answers.iter().take(MOST_ANSWERS) {
        let name = clean(&answer.output_name);
        let caption = format!(
            "{name}: every analysis by what it shares with the most frequent circuit of its size; \
             below, which choices it made (faint: some of the analyses there)."
        );
        curves.extend(shown(&curve_name(answer), &caption));
        if let Some(of) = middle(answer) {
            let caption = format!(
                "{name}: the edges that analyses of {} edges have, by how many have them; filled \
                 are those of the most frequent circuit.",
                count(of.size)
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
    ]
}

fn by_size(result: &Multiverse) -> Table {
    let columns = vec![
        column_of_words("answer"),
        numbers("edges"),
        numbers("analyses"),
        numbers("shared by two"),
        numbers("most frequent"),
        numbers("core"),
        numbers("possible"),
    ];
    let of_answer = |answer: &Analysed| {
        let name = clean(&answer.output_name);
        let row = move |of: &crate::result::OfSize| {
            vec![
                Cell::word(name.clone()),
                Cell::count(of.size),
                Cell::count(of.analyses),
                Cell::shown(percent(of.jaccard), of.jaccard),
                Cell::shown(percent(of.modal_share), of.modal_share),
                Cell::count(of.core),
                Cell::count(of.possible),
            ]
        };
        answer.sizes.iter().map(row).collect::<Vec<_>>()
    };
    let rows = result.answers.iter().flat_map(of_answer).collect();
    Table::new("Analyses by answer and size", "edges", columns, rows)
}
