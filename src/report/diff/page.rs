//! The page of two versions.

use askama::Template;

use crate::report::diff::words::{all_the_same, largest, of_edges};
use crate::report::english::counted;
use crate::report::english::sampled;
use crate::report::figures::Figure;
use crate::report::format::{count, short};
use crate::report::network::scene::NARROW;
use crate::report::page::Page;
use crate::report::page::blocks::{Block, Cell, Section, Table, numbers, words};
use crate::report::page::opening::{Headline, Opening};
use crate::report::sites::{Sites, clean, plain};
use crate::result::{ChangedEdges, CheckpointInfo, Diff, Status};

/// Renders the page.
pub(in crate::report) fn render(diff: &Diff, figure: Option<&Figure>) -> askama::Result<String> {
    let page = Page {
        kind: "Two versions",
        title: format!(
            "{} → {}",
            name(&diff.checkpoints.old),
            name(&diff.checkpoints.new)
        ),
        subtitle: diff.data.as_ref().map_or_else(String::new, sampled),
        opening: Some(opening(diff, figure)),
        sections: sections(diff),
        json: "diff.json".to_owned(),
        tool: format!("{} {}", clean(&diff.tool.name), clean(&diff.tool.version)),
        command: plain(&diff.command.join(" ")),
        carried: crate::report::page::carried(diff).map_err(askama::Error::custom)?,
        ..Page::bare()
    };
    page.render()
}

/// The folder of a checkpoint and its file.
fn name(checkpoint: &CheckpointInfo) -> String {
    let path = checkpoint.path.trim_end_matches("/model.safetensors");
    clean(path.rsplit('/').next().unwrap_or(path))
}

fn opening(diff: &Diff, figure: Option<&Figure>) -> Opening {
    let told = Opening::told(headline(diff), figure, &diff.summary, |said| {
        anchor(&said.subject)
    });
    told.for_phones(figure.and_then(|_| super::figure::draw(diff, NARROW)))
}

/// The part of the page that a sentence stands on.
fn anchor(subject: &str) -> &'static str {
    let all = [
        ("Decisions", "decisions"),
        ("Outputs", "outputs"),
        ("Weights", "weights"),
        ("Pruning", "pruning"),
        ("Modules", "modules"),
        ("Circuits", "circuits"),
    ];
    let found = all.into_iter().find(|(of, _)| *of == subject);
    found.map_or("evidence", |(_, anchor)| anchor)
}

fn headline(diff: &Diff) -> Headline {
    let moved = largest(diff).map_or(0.0, |o| o.max_abs_change);
    let text = match &diff.decisions {
        Some(found) if found.changed.is_empty() => all_the_same(found.samples, ""),
        Some(found) => format!(
            "{} of {} changed: {} mended, {} broken.",
            count(found.changed.len()),
            counted(found.samples, "decision", "decisions"),
            count(found.mended),
            count(found.broken)
        ),
        None if moved == 0.0 => "No output moves.".to_owned(),
        None => format!("Outputs move by up to {}.", short(moved)),
    };
    let is_broken = diff.summary.iter().any(|said| said.status == Status::Fails);
    let limited = diff.limits.max_changed.is_some() || diff.limits.tolerance.is_some();
    let caveat = match (is_broken, limited) {
        (true, _) => "More than was allowed.",
        (false, true) => "Within what was allowed, on these samples.",
        (false, false) => "On these samples; no limit was set.",
    };
    Headline {
        text,
        caveat: caveat.to_owned(),
        status: match is_broken {
            true => Status::Fails,
            false => Status::Note,
        },
    }
}

fn sections(diff: &Diff) -> Vec<Section> {
    let sites = Sites::new(&diff.network);
    let all = [
        ("decisions", "Decisions", decisions(diff)),
        ("outputs", "Outputs", vec![outputs(diff)]),
        ("weights", "Weights", vec![tensors(diff)]),
        ("pruning", "Pruning", pruned(diff, &sites)),
        ("modules", "Modules", modules(diff)),
        ("circuits", "Circuits", circuits(diff, &sites)),
        ("evidence", "Evidence", evidence(diff)),
    ];
    let section = |(id, title, blocks)| Section { id, title, blocks };
    let all = all.into_iter().map(section);
    all.filter(|section| !section.blocks.is_empty()).collect()
}

fn decisions(diff: &Diff) -> Vec<Block> {
    let Some(found) = &diff.decisions else {
        return Vec::new();
    };
    let row = |c: &crate::result::ChangedDecision| {
        let (was, is) = (c.old == c.label, c.new == c.label);
        let verdict = match (was, is) {
            (true, false) => Cell::word("✗ broken").with_class("fails"),
            (false, true) => Cell::word("✓ mended").with_class("holds"),
            _ => Cell::word("wrong both times"),
        };
        vec![
            Cell::count(c.sample),
            Cell::word(clean(&c.label)),
            Cell::word(clean(&c.old)),
            Cell::word(clean(&c.new)),
            verdict,
        ]
    };
    let columns = vec![
        numbers("Sample"),
        words("Class"),
        words("Old"),
        words("New"),
        words("Now"),
    ];
    let rows = found.changed.iter().map(row).collect();
    let table = Table::new("Decisions that changed", "decisions", columns, rows);
    vec![Block::Table(table.open())]
}

fn outputs(diff: &Diff) -> Block {
    let row = |o: &crate::result::ChangedOutput| {
        vec![
            Cell::word(clean(&o.name)),
            Cell::number(o.max_abs_change),
            Cell::count(o.sample),
            Cell::number(o.mean_abs_change),
            Cell::number(o.sd),
        ]
    };
    let columns = vec![
        words("Output"),
        numbers("Largest change"),
        numbers("At sample"),
        numbers("Mean |change|"),
        numbers("Standard deviation, old"),
    ];
    let rows = diff.outputs.iter().map(row).collect();
    Block::Table(Table::new("How far each output moved", "outputs", columns, rows).open())
}

fn tensors(diff: &Diff) -> Block {
    let shape = |shape: &Option<Vec<usize>>| {
        let sizes = shape.iter().flatten().map(ToString::to_string);
        let sizes: Vec<String> = sizes.collect();
        match shape {
            Some(_) => sizes.join(" × "),
            None => "not there".to_owned(),
        }
    };
    let row = |t: &crate::result::ChangedTensor| {
        let (old, new) = (shape(&t.shapes.old), shape(&t.shapes.new));
        let shapes = if old == new {
            old
        } else {
            format!("{old} → {new}")
        };
        vec![
            Cell::word(clean(&t.tensor)).with_class("code"),
            Cell::word(shapes),
            t.changed.map_or_else(|| Cell::optional(None), Cell::count),
            Cell::optional(t.max_abs_change),
            Cell::optional(t.relative_change),
        ]
    };
    let columns = vec![
        words("Tensor"),
        words("Shape"),
        numbers("Numbers changed"),
        numbers("Largest change"),
        numbers("‖new − old‖ ÷ ‖old‖"),
    ];
    let rows = diff.tensors.iter().map(row).collect();
    Block::Table(Table::new("Weights by tensor", "tensors", columns, rows).open())
}

/// A table of edges gained and lost.
fn edges(caption: &str, csv: &'static str, edges: &ChangedEdges, sites: &Sites<'_>) -> Block {
    let gained = edges.gained.iter().map(|edge| (edge, "gained"));
    let all = gained.chain(edges.lost.iter().map(|edge| (edge, "lost")));
    let row = |([from, to], what): (&[String; 2], &str)| {
        vec![
            Cell::word(what),
            Cell::word(sites.name(from)),
            Cell::word(sites.name(to)),
        ]
    };
    let columns = vec![words("Change"), words("From"), words("To")];
    Block::Table(Table::new(caption, csv, columns, all.map(row).collect()))
}

fn pruned(diff: &Diff, sites: &Sites<'_>) -> Vec<Block> {
    let Some(found) = &diff.pruned else {
        return Vec::new();
    };
    let caption = format!("Weights that pruning leaves: {}", of_edges(&found.edges));
    vec![edges(&caption, "pruned", &found.edges, sites)]
}

fn modules(diff: &Diff) -> Vec<Block> {
    let Some(found) = &diff.modules else {
        return Vec::new();
    };
    let row = |m: &crate::result::MatchedModules| {
        vec![
            Cell::count(m.old),
            Cell::count(m.new),
            Cell::count(m.shared),
            Cell::count(m.sizes[0]),
            Cell::count(m.sizes[1]),
        ]
    };
    let columns = vec![
        numbers("Module, old"),
        numbers("Module, new"),
        numbers("Sites in both"),
        numbers("Sites, old"),
        numbers("Sites, new"),
    ];
    let rows = found.matched.iter().map(row).collect();
    let caption = "Modules one to one, so that they share the most sites";
    vec![Block::Table(Table::new(caption, "", columns, rows).open())]
}

fn circuits(diff: &Diff, sites: &Sites<'_>) -> Vec<Block> {
    let row = |c: &crate::result::ChangedCircuit| {
        vec![
            Cell::word(clean(&c.name)),
            Cell::word(c.method.name()),
            Cell::count(c.edges.both),
            Cell::count(c.edges.gained.len()),
            Cell::count(c.edges.lost.len()),
            Cell::optional(c.faithfulness.old),
            Cell::optional(c.faithfulness.new),
        ]
    };
    let columns = vec![
        words("Output"),
        words("Method"),
        numbers("Edges in both"),
        numbers("Gained"),
        numbers("Lost"),
        numbers("Faithfulness, old"),
        numbers("Faithfulness, new"),
    ];
    let rows: Vec<Vec<Cell>> = diff.circuits.iter().map(row).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table::new("Circuits of both versions", "circuits", columns, rows);
    let mut blocks = vec![Block::Table(table.open())];
    let others =
        |c: &&crate::result::ChangedCircuit| !c.edges.gained.is_empty() || !c.edges.lost.is_empty();
    blocks.extend(diff.circuits.iter().filter(others).map(|c| {
        let caption = format!("{}, {}: {}", clean(&c.name), c.method, of_edges(&c.edges));
        edges(&caption, "circuits", &c.edges, sites)
    }));
    blocks
}

fn evidence(diff: &Diff) -> Vec<Block> {
    let row = |(version, c): (&str, &CheckpointInfo)| {
        vec![
            Cell::word(version),
            Cell::word(plain(&c.path)),
            Cell::word(clean(&c.sha256)).with_class("code"),
        ]
    };
    let both = [
        ("old", &diff.checkpoints.old),
        ("new", &diff.checkpoints.new),
    ];
    let mut rows: Vec<Vec<Cell>> = both.into_iter().map(row).collect();
    rows.extend(diff.data.iter().map(|data| {
        vec![
            Cell::word("data"),
            Cell::word(plain(&data.path)),
            Cell::word(clean(&data.sha256)).with_class("code"),
        ]
    }));
    let columns = vec![words("Which"), words("Path"), words("SHA-256")];
    let files = Section {
        id: "facts",
        title: "Files and hashes",
        blocks: vec![Block::Table(Table::new("Files", "", columns, rows).open())],
    };
    let every = Block::every_sentence(diff.summary.clone(), |_| "");
    vec![every, Block::Drawer(files)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diff::words::{summary, tests::sample};

    #[test]
    fn the_page_says_which_samples_and_every_link_leads_somewhere() {
        let mut diff = sample();
        diff.summary = summary(&diff);
        let html = render(&diff, None).expect("it renders");
        assert!(html.contains("1 of 3 decisions changed: 0 mended, 1 broken."));
        assert!(html.contains("✗ broken") && !html.contains("<b>cat"));
        for target in html.split("href=\"#").skip(1) {
            let id = target.split('"').next().unwrap_or("");
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        }
    }
}
