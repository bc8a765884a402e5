//! The page of the lenses.

use askama::Template;

use super::words;
use crate::report::attention::CHOSEN;
use crate::report::figures::canvas::{Figure, PHONE};
use crate::report::format::{number, percent};
use crate::report::page::blocks::{
    Block, Cell, Section, Shown, Table, numbers, words as column_of_words,
};
use crate::report::page::opening::Opening;
use crate::report::page::{Page, Run};
use crate::report::sites::clean;
use crate::result::{Lens, Scored, Sentence};

/// Renders the page.
pub fn render(result: &Lens, figures: &[Figure]) -> askama::Result<String> {
    let run = Run {
        kind: "A transformer through lenses",
        checkpoint: &result.checkpoint,
        data: &result.data,
        tool: &result.tool,
        command: &result.command,
        json: "lens.json",
    };
    let said = words::summary(result);
    let mut page = Page {
        opening: Some(opening(result, figures, &said)),
        sections: sections(result, figures, said),
        carried: crate::report::page::carried(result).map_err(askama::Error::custom)?,
        ..Page::of_run(&run)
    };
    let read = clean(&result.transformer.read);
    page.subtitle = format!("{} · answers read at {read}", page.subtitle);
    page.render()
}

/// The parts of the answer, and what each lens says.
fn opening(result: &Lens, figures: &[Figure], said: &[Sentence]) -> Opening {
    let drawn = |name: &str| figures.iter().find(|figure| figure.name == name);
    let figure = drawn("attribution").or_else(|| drawn("logit-lens"));
    let narrow = drawn("attribution").and_then(|_| super::figure::parts(result, PHONE));
    let short = |said: &&Sentence| !said.evidence.iter().any(|of| of == "/neurons");
    let shown: Vec<Sentence> = said.iter().filter(short).cloned().collect();
    Opening {
        sentences: said.len(),
        ..Opening::told(words::headline(result), figure, &shown, anchor)
    }
    .for_phones(narrow)
}

/// The part of the page that a sentence stands on.
fn anchor(said: &Sentence) -> &'static str {
    let pointer = said.evidence.first().map_or("", String::as_str);
    let begins = |part: &str| pointer.starts_with(part);
    match () {
        () if begins("/logit_lens") => "logit-lens",
        () if begins("/attribution") || begins("/neurons") => "attribution",
        () => "weights",
    }
}

fn sections(result: &Lens, figures: &[Figure], said: Vec<Sentence>) -> Vec<Section> {
    let shown = |prefix: &str, caption: &str| -> Vec<Block> {
        let found = figures.iter().filter(|f| f.name.starts_with(prefix));
        let caption = |figure: &Figure| match figure.name.strip_prefix("logit-lens-") {
            Some(sample) => format!(
                "Sample {sample}: how sure the first guess is, at every point and position."
            ),
            None => caption.to_owned(),
        };
        found
            .map(|figure| Block::Figure(Shown::new(figure, caption(figure))))
            .collect()
    };
    let lens = "The stream at each point read as if it were the last, over all readings.";
    let parts = "What each writer adds to the logit difference by itself, the final norm's scale \
                 held as it is in the run.";
    let mut attention = shown("attention", "Rows ask, columns are read.");
    if !attention.is_empty() {
        attention.insert(0, CHOSEN);
    }
    let section = |id, title, mut blocks: Vec<Block>, tables: Vec<Table>| {
        blocks.extend(tables.into_iter().map(Block::Table));
        Section { id, title, blocks }
    };
    vec![
        section(
            "logit-lens",
            "The logit lens",
            shown("logit-lens", lens),
            vec![points(result)],
        ),
        section(
            "attribution",
            "Who writes the answer",
            shown("attribution", parts),
            vec![attribution(result), neurons(result)],
        ),
        section("attention", "What heads attend to", attention, Vec::new()),
        section(
            "weights",
            "What weights say by themselves",
            Vec::new(),
            vec![heads(result), cosines(result)],
        ),
        Section::evidence(vec![Block::every_sentence(said, anchor)]),
    ]
    .into_iter()
    .filter(|section| !section.blocks.is_empty())
    .collect()
}

fn value(x: f64) -> Cell {
    Cell::shown(number(x), x)
}

fn ends(interval: Option<[f64; 2]>) -> Cell {
    match interval {
        Some([low, high]) => Cell::shown(format!("{} to {}", number(low), number(high)), low),
        None => Cell::word("–"),
    }
}

/// Outputs with their spaces to be seen.
fn listed(scored: &[Scored]) -> Cell {
    let visible = |s: &Scored| clean(&s.output.replace('\n', "↵").replace(' ', "·"));
    let names: Vec<String> = scored.iter().map(visible).collect();
    Cell::word(names.join("  "))
}

fn points(result: &Lens) -> Table {
    let columns = vec![
        column_of_words("point"),
        column_of_words("after"),
        numbers("decisions of the outputs"),
        numbers("divergence, nats"),
        numbers("logit difference"),
        numbers("95 %"),
        numbers("probability of the answer"),
    ];
    let row = |point: &crate::result::LensPoint| {
        vec![
            Cell::word(clean(&point.point)),
            Cell::word(clean(&point.after)),
            Cell::shown(percent(point.agreement), point.agreement),
            value(point.divergence),
            value(point.logit_difference),
            ends(point.interval),
            value(point.probability),
        ]
    };
    let rows = result.logit_lens.iter().map(row).collect();
    Table::new("By point, over all readings", "logit_lens", columns, rows)
}

fn attribution(result: &Lens) -> Table {
    let columns = vec![column_of_words("writer"), numbers("part"), numbers("95 %")];
    let row = |part: &crate::result::Attributed| {
        vec![
            Cell::word(clean(&part.writer)),
            value(part.mean),
            ends(part.interval),
        ]
    };
    let rows = result.attribution.parts.iter().map(row).collect();
    Table::new(
        "Parts of the logit difference, in the order of computation",
        "attribution",
        columns,
        rows,
    )
}

fn neurons(result: &Lens) -> Table {
    let columns = vec![
        column_of_words("neuron"),
        numbers("part"),
        numbers("cosine of read and written"),
        column_of_words("raises"),
        column_of_words("lowers"),
    ];
    let row = |neuron: &crate::result::NeuronWeights| {
        vec![
            Cell::word(clean(&neuron.neuron)),
            value(neuron.mean),
            value(neuron.cosine),
            listed(&neuron.largest),
            listed(&neuron.smallest),
        ]
    };
    let rows = result.neurons.iter().map(row).collect();
    Table::new(
        "Neurons of the largest direct parts",
        "neurons",
        columns,
        rows,
    )
}

fn heads(result: &Lens) -> Table {
    let columns = vec![
        column_of_words("head"),
        numbers("‖QK‖"),
        numbers("‖OV‖"),
        numbers("copying"),
        numbers("first direction's share"),
        column_of_words("one end"),
        column_of_words("other end"),
    ];
    let row = |head: &crate::result::HeadWeights| {
        vec![
            Cell::word(clean(&head.head)),
            value(head.qk),
            value(head.ov),
            head.copying.map_or_else(|| Cell::word("–"), value),
            Cell::shown(percent(head.first), head.first),
            listed(&head.largest),
            listed(&head.smallest),
        ]
    };
    let rows = result.heads.iter().map(row).collect();
    Table::new("Heads, by their weights", "heads", columns, rows)
}

fn cosines(result: &Lens) -> Table {
    let columns = vec![
        numbers("block"),
        column_of_words("reads through"),
        numbers("neurons"),
        numbers("mean cosine"),
        numbers("deviation"),
        numbers("enriched, ≥ ½"),
        numbers("depleted, ≤ −½"),
    ];
    let row = |layer: &crate::result::LayerCosines| {
        vec![
            Cell::count(layer.layer),
            Cell::word(clean(&layer.reads)),
            Cell::count(layer.neurons),
            value(layer.mean),
            value(layer.deviation),
            Cell::count(layer.enriched),
            Cell::count(layer.depleted),
        ]
    };
    let rows = result.cosines.iter().map(row).collect();
    Table::new(
        "Cosines of what neurons read and write, by block",
        "cosines",
        columns,
        rows,
    )
}
