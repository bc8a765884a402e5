//! The page of an intervention.

use askama::Template;

use super::words;
use crate::report::figures::Figure;
use crate::report::format::{count, number};
use crate::report::page::blocks::{Block, Cell, Section, Table, numbers, words as column_of_words};
use crate::report::page::opening::Opening;
use crate::report::page::{Page, Run};
use crate::report::sites::clean;
use crate::result::{Intervention, MovedOutput, Sentence, Swept};

/// Renders the page.
pub fn render(result: &Intervention, figures: &[Figure]) -> askama::Result<String> {
    let run = Run {
        kind: "A network run with edits",
        checkpoint: &result.checkpoint,
        data: &result.data,
        tool: &result.tool,
        command: &result.command,
        json: "intervene.json",
    };
    let said = words::summary(result);
    let page = Page {
        opening: Some(Opening::told(
            words::headline(result),
            figures.first(),
            &said,
            anchor,
        )),
        sections: sections(result, said),
        carried: crate::report::page::carried(result).map_err(askama::Error::custom)?,
        ..Page::of_run(&run)
    };
    page.render()
}

/// The part of the page that a sentence stands on.
fn anchor(said: &Sentence) -> &'static str {
    match said.evidence.first().map_or("", String::as_str) {
        "/sweep" => "sweep",
        "/edits" | "/written" => "edits",
        _ => "outputs",
    }
}

fn sections(result: &Intervention, said: Vec<Sentence>) -> Vec<Section> {
    let mut sections = Vec::new();
    if let Some(swept) = &result.sweep {
        let reading = "The metric with the edits by the value that was swept; in the figure above \
                       the level line is the network as it is.";
        sections.push(Section {
            id: "sweep",
            title: "The sweep",
            blocks: vec![
                Block::Text(reading.to_owned()),
                Block::Table(sweep(result, swept)),
            ],
        });
    }
    sections.push(Section {
        id: "outputs",
        title: "What moved",
        blocks: vec![Block::Table(outputs(result))],
    });
    sections.push(Section {
        id: "edits",
        title: "The edits",
        blocks: vec![Block::Table(edits(result))],
    });
    let every = Block::every_sentence(said, anchor);
    sections.push(Section::evidence(vec![every]));
    sections
}

fn ends(interval: Option<[f64; 2]>) -> Cell {
    match interval {
        Some([low, high]) => Cell::shown(format!("{} to {}", number(low), number(high)), low),
        None => Cell::word("–"),
    }
}

fn value(x: f64) -> Cell {
    Cell::shown(number(x), x)
}

fn outputs(result: &Intervention) -> Table {
    let columns = vec![
        column_of_words("output"),
        numbers("before"),
        numbers("after"),
        numbers("change"),
        numbers("95 %"),
        numbers("largest of a sample"),
    ];
    let row = |moved: &MovedOutput| {
        vec![
            Cell::word(clean(&moved.name)),
            value(moved.before),
            value(moved.after),
            value(moved.change),
            ends(moved.interval),
            value(moved.largest),
        ]
    };
    let title = match result.outputs_total > result.outputs.len() {
        true => format!(
            "Means over samples; the {} of {} outputs that moved most",
            count(result.outputs.len()),
            count(result.outputs_total)
        ),
        false => "Means over samples, those that moved most first".to_owned(),
    };
    let rows = result.outputs.iter().map(row).collect();
    Table::new(title, "outputs", columns, rows).open()
}

fn edits(result: &Intervention) -> Table {
    let columns = vec![column_of_words("edit"), column_of_words("of")];
    let row = |made: &crate::result::EditMade| {
        vec![Cell::word(words::edit(made)), Cell::word(made.of.name())]
    };
    let rows = result.edits.iter().map(row).collect();
    Table::new("All at once", "edits", columns, rows).open()
}

fn sweep(result: &Intervention, swept: &Swept) -> Table {
    let columns = vec![
        numbers("value"),
        numbers(result.metric.metric.name()),
        numbers("effect"),
        numbers("95 %"),
        numbers("decisions changed"),
    ];
    let row = |row: &crate::result::SweptRow| {
        let decisions = row.decisions.as_ref();
        vec![
            value(row.value),
            value(row.metric.after),
            value(row.metric.effect),
            ends(row.metric.interval),
            decisions.map_or_else(|| Cell::word("–"), |d| Cell::count(d.changed)),
        ]
    };
    let rows = swept.rows.iter().map(row).collect();
    Table::new("A run for each value", "sweep", columns, rows).open()
}
