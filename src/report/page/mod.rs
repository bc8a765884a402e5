//! A result as one HTML page that needs nothing but itself.
//!
//! Sections are built from the result and the sentences of [`crate::report::words`];
//! the templates hold the markup and escape all text.

pub(super) mod blocks;
mod definitions;
pub(super) mod facts;
pub(super) mod index;
pub(super) mod opening;
mod script;
mod sentences;
pub(super) mod terms;

use askama::Template;

use super::pruning::{apart, certificate};

use crate::choice::Layout;
use crate::report::english::sampled;
use crate::report::figures::{Figure, Gallery, palette};
use crate::report::network::page::is_drawn;
use crate::report::packed;
use crate::report::page::opening::{Opening, opening};
use crate::report::sites::{Sites, clean, plain};
use crate::report::view;
use crate::report::words;
use crate::result::{Audit, CheckpointInfo, Circuit, DataInfo, Film, Sentence, Status, Tool, json};
use blocks::{Block, Section};
use script::Part;

/// Bytes that a page may have and still carry its result.
const LARGEST: usize = 3_900_000;

const STYLE: &str = include_str!("../../../templates/style.css");
const FILM: &str = include_str!("../../../templates/film.css");

/// The page as the template sees it.
#[derive(Template)]
#[template(path = "audit.html")]
pub(super) struct Page {
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) style: String,
    /// The first screen; `None` on pages that have a title instead.
    pub(super) opening: Option<Opening>,
    pub(super) sections: Vec<Section>,
    pub(super) json: String,
    pub(super) tool: String,
    pub(super) command: String,
    /// What the interactive view draws, as [`carried`]; empty where there is nothing.
    pub(super) view: String,
    /// The film of the training, as [`carried`]; empty where there is none.
    pub(super) film: String,
    /// The result itself, as [`carried`]; empty where the page would grow too large.
    pub(super) carried: String,
}

/// What a page of one network says of its run.
pub(super) struct Run<'r> {
    /// What the page is.
    pub kind: &'static str,
    pub checkpoint: &'r CheckpointInfo,
    pub data: &'r DataInfo,
    pub tool: &'r Tool,
    pub command: &'r [String],
    /// The file of the whole result.
    pub json: &'static str,
}

impl Page {
    /// The page of a run on one network, without its sections.
    pub(super) fn of_run(run: &Run<'_>) -> Self {
        Self {
            kind: run.kind,
            title: name_of(&run.checkpoint.path),
            subtitle: format!(
                "{} · {}",
                clean(run.checkpoint.layout.name()),
                sampled(run.data)
            ),
            json: run.json.to_owned(),
            tool: format!("{} {}", clean(&run.tool.name), clean(&run.tool.version)),
            command: plain(&run.command.join(" ")),
            ..Self::bare()
        }
    }

    /// Style and nothing else.
    pub(super) fn bare() -> Self {
        Self {
            kind: "",
            title: String::new(),
            subtitle: String::new(),
            style: [&palette::variables(), palette::FIGURE_CSS, STYLE, FILM].concat(),
            opening: None,
            sections: Vec::new(),
            json: String::new(),
            tool: String::new(),
            command: String::new(),
            view: String::new(),
            film: String::new(),
            carried: String::new(),
        }
    }

    /// The script, of the parts that the page has a place for.
    fn script(&self) -> String {
        let has_place = |id| self.sections.iter().any(|section| section.has_place(id));
        let parts = [
            (Part::View, !self.view.is_empty()),
            (Part::Film, !self.film.is_empty()),
            (Part::Attention, has_place("attention-view")),
            (Part::Pair, has_place("pair-view")),
        ];
        let had = parts.into_iter().filter(|(_, is_had)| *is_had);
        script::of(&had.map(|(part, _)| part).collect::<Vec<_>>())
    }

    /// The policy that lets it run its script and nothing else.
    fn policy(&self) -> String {
        crate::escape::policy(&self.script())
    }
}

/// Renders the page of a result.
pub(super) fn render(audit: &Audit, command: &str, gallery: &Gallery) -> askama::Result<String> {
    let said = words::summary(audit);
    let mut page = Page {
        kind: kind(command),
        title: title(audit),
        subtitle: subtitle(audit),
        opening: Some(opening(audit, drawn(audit, gallery), said.len())),
        sections: sections(audit, gallery, &said),
        json: format!("{command}.json"),
        tool: format!("{} {}", clean(&audit.tool.name), clean(&audit.tool.version)),
        command: plain(&audit.command.join(" ")),
        view: carried_if(view::view(audit)).map_err(askama::Error::custom)?,
        film: carried_if(film(audit)).map_err(askama::Error::custom)?,
        ..Page::bare()
    };
    let bare = page.render()?;
    page.carried = carried(audit).map_err(askama::Error::custom)?;
    if bare.len() + page.carried.len() > LARGEST {
        return Ok(bare);
    }
    page.render()
}

/// What a page is, by the command that made it.
fn kind(command: &str) -> &'static str {
    match command {
        "circuit" => "Circuits",
        "modules" => "Modules",
        "prune" => "Pruning",
        _ => "Audit",
    }
}

/// What the first screen draws: a circuit of which something is proved, or of components where
/// circuits are the headline, else the network.
fn drawn<'g>(audit: &Audit, gallery: &'g Gallery) -> Option<&'g Figure> {
    let mut circuits = audit.circuits.iter().zip(&gallery.circuits);
    let is_of_components = audit.transformer.is_some() && opening::cut(audit).is_none();
    let is_told = |(circuit, _): &(&Circuit, _)| is_of_components || circuit.proved.is_some();
    let network = is_drawn(audit).then_some(&gallery.network);
    circuits.find(is_told).map(|(_, figure)| figure).or(network)
}

fn film(audit: &Audit) -> Option<&Film> {
    audit.training.as_ref()?.film.as_ref()
}

/// What a page carries for its script: JSON, in base64 of gzip.
pub(super) fn carried(value: &impl serde::Serialize) -> std::io::Result<String> {
    let text = packed::gzip(|to| json::write(value, to))?;
    Ok(packed::base64(&text))
}

/// The same; empty where there is nothing.
fn carried_if(value: Option<impl serde::Serialize>) -> std::io::Result<String> {
    value.map_or_else(|| Ok(String::new()), |value| carried(&value))
}

/// The chapters that the result has something for, in reading order.
fn sections(audit: &Audit, gallery: &Gallery, said: &[Sentence]) -> Vec<Section> {
    let sites = Sites::new(&audit.network);
    let explore = chapter(
        super::network::page::section(audit),
        [super::training::page::section(audit, gallery)],
    );
    let pruning = chapter(
        super::pruning::page::section(audit, gallery),
        [
            certificate::section(audit, gallery),
            certificate::compaction(audit),
            apart::section(audit),
        ],
    );
    let modules = chapter(
        super::modules::page::section(audit, gallery, &sites),
        [super::independence::page::section(audit, gallery, &sites)],
    );
    let circuits = chapter(
        super::circuits::page::section(audit, gallery, &sites),
        [super::attention::page::section(gallery)],
    );
    let mut chapters: Vec<Section> = [explore, pruning, modules, circuits]
        .into_iter()
        .filter(|section| !section.blocks.is_empty())
        .collect();
    chapters.push(evidence(audit, said, &sites));
    chapters
}

/// A section with what belongs to it as parts.
fn chapter(mut section: Section, parts: impl IntoIterator<Item = Section>) -> Section {
    let parts = parts.into_iter().filter(|part| !part.blocks.is_empty());
    section.blocks.extend(parts.map(Block::Part));
    if !section.blocks.is_empty() {
        section.blocks.push(Block::Link(
            "#definitions",
            "How these numbers are computed",
        ));
    }
    section
}

/// Everything that the rest stands on, folded away.
fn evidence(audit: &Audit, said: &[Sentence], sites: &Sites<'_>) -> Section {
    let drawers = [
        facts::findings(audit),
        super::subgroups::section(audit),
        super::ablation::page::section(audit, sites),
        facts::checkpoint(audit),
        definitions::section(audit),
        facts::costs(audit),
    ];
    let drawers = drawers.into_iter().filter(|part| !part.blocks.is_empty());
    let every = sentences::every(said);
    Section::evidence(
        [every]
            .into_iter()
            .chain(drawers.map(Block::Drawer))
            .collect(),
    )
}

/// What the checkpoint is called: the folder of a `model.safetensors`, else the file.
fn title(audit: &Audit) -> String {
    name_of(&audit.checkpoint.path)
}

/// What people call the checkpoint at a path.
pub(super) fn name_of(path: &str) -> String {
    let path = path.trim_start_matches("embedded:");
    let mut parts = path.rsplit(['/', '\\']).filter(|part| !part.is_empty());
    let file = parts.next().unwrap_or("network");
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    match (stem, parts.next()) {
        ("model" | "pytorch_model" | "checkpoint", Some(folder)) => clean(folder),
        _ => clean(stem),
    }
}

fn subtitle(audit: &Audit) -> String {
    let info = &audit.checkpoint;
    let widths: Vec<String> = info.layers.iter().map(ToString::to_string).collect();
    let shape = match info.layout {
        Layout::Graph => format!(
            "a graph of {} nodes and {} edges",
            widths.concat(),
            info.parameters
        ),
        layout => format!("{layout} {}", widths.join("–")).trim().to_owned(),
    };
    let mut words = vec![shape];
    words.extend(audit.data.iter().map(sampled));
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn page(audit: &Audit) -> String {
        render(audit, "audit", &Gallery::new(audit)).expect("it renders")
    }

    /// What a browser would fetch or open, other than the report's own files.
    fn outside(html: &str) -> Vec<&str> {
        let inside = ["#", "tables/", "figures/", "audit.json"];
        let starts = [
            "src=\"",
            "href=\"",
            "url(",
            "@import",
            "http-equiv=\"refresh",
        ];
        let targets = starts.iter().flat_map(|start| html.split(start).skip(1));
        targets
            .filter(|t| !inside.iter().any(|own| t.starts_with(own)))
            .collect()
    }

    #[test]
    fn the_page_fetches_nothing() {
        let html = page(&sample::thorough());
        assert_eq!(outside(&html), Vec::<&str>::new());
        // The name of SVG's elements is no address that anything is fetched from.
        let text = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"));
        assert!(html.contains("default-src &#39;none&#39;") || html.contains("default-src 'none'"));
    }

    #[test]
    fn every_section_is_there_in_order() {
        let html = page(&sample::audit());
        let ids = [
            "summary",
            "explore",
            "pruning",
            "modules",
            "independence",
            "circuits",
            "evidence",
            "sentences",
            "findings",
            "nodes",
            "facts",
            "definitions",
            "costs",
        ];
        let places: Vec<Option<usize>> = ids
            .iter()
            .map(|id| html.find(&format!(" id=\"{id}\"")))
            .collect();
        assert!(places.iter().all(Option::is_some), "{places:?}");
        assert!(places.is_sorted(), "{places:?}");
        assert!(html.contains("<html lang=\"en\">"));
    }

    /// Every link within the page leads somewhere.
    #[test]
    fn every_anchor_is_there() {
        for audit in [sample::audit(), sample::thorough(), sample::transformer()] {
            let html = page(&audit);
            for target in html.split("href=\"#").skip(1) {
                let id = target.split('"').next().unwrap_or("");
                assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
            }
        }
    }

    #[test]
    fn everything_asked_of_modules_is_shown() {
        let html = page(&sample::thorough());
        for text in [
            "Quality of the partition",
            "Conductance of each module",
            "at other thresholds",
            "Ranges of the resolution",
            "Modules within modules",
            "Shapley value",
            "every subset of the modules",
            "Modules and the circuits found by exact",
            "1 + 2·silu(x0)",
            "Token embeddings",
            "sign of the permutation",
            "Polysemanticity",
        ] {
            assert!(html.contains(text), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let audit = sample::audit();
        let mut whole = Vec::new();
        json::write(&audit, &mut whole).expect("memory takes it");
        for bytes in [whole, json::line(&audit).expect("it is JSON")] {
            let read: Audit = serde_json::from_slice(&bytes).expect("it is JSON");
            assert_eq!(read, audit);
        }
    }

    #[test]
    fn hostile_words_stay_words() {
        let hostile = "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>";
        let text = serde_json::to_string(&sample::audit()).expect("it is JSON");
        let text = text
            .replace("x2² + sin(πx4)", hostile)
            .replace("two-functions", "</title><script>alert(1)</script>");
        let refused = serde_json::from_str::<Audit>(&text.replace("bimt-mlp", hostile));
        assert!(refused.is_err(), "a layout is one of those there are");
        let text = text
            .replace("Neuron h1.0", hostile)
            .replace("\"x0\"", &format!("\"{hostile}\""));
        let html = page(&serde_json::from_str(&text).expect("it is a result"));
        // The names, the view, the result, and the script.
        assert_eq!(html.matches("<script").count(), 4);
        assert_eq!(html.matches("</script").count(), 4);
        assert_eq!(html.matches("<style").count(), 1);
        assert!(!html.contains("<img"));
    }

    #[test]
    fn a_bare_result_makes_a_page() {
        let mut audit = sample::audit();
        (audit.data, audit.parity, audit.prune, audit.modules) = (None, None, None, None);
        audit.circuits.clear();
        audit.nodes.clear();
        audit.findings.clear();
        let html = page(&audit);
        assert!(html.contains("Modules were not looked for."));
        assert!(!html.contains("id=\"circuits\"") && !html.contains("id=\"modules\""));
    }

    #[test]
    fn titles_are_what_people_call_the_checkpoint() {
        let mut audit = sample::audit();
        assert_eq!(title(&audit), "two-functions");
        audit.checkpoint.path = "embedded:independence-bimt-s0".to_owned();
        assert_eq!(title(&audit), "independence-bimt-s0");
        audit.checkpoint.path = "nets/moon.safetensors".to_owned();
        assert_eq!(title(&audit), "moon");
    }
}
