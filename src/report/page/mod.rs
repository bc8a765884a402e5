//! A result as one HTML page that needs nothing but itself.
//!
//! Sections are built from the result and the sentences of [`crate::report::words`];
//! the templates hold the markup and escape all text.

pub(super) mod blocks;
mod definitions;
pub(super) mod facts;
pub(super) mod index;
mod script;
pub(super) mod terms;

use askama::Template;

use super::pruning::certificate;

use crate::report::figures::{Gallery, palette};
use crate::report::format::count;
use crate::report::sites::{Sites, clean, plain};
use crate::report::view;
use crate::report::words;
use crate::report::{json, packed};
use crate::result::{Audit, Sentence};
use blocks::Section;

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
    pub(super) policy: String,
    pub(super) style: String,
    pub(super) script: &'static str,
    pub(super) verdicts: Vec<Sentence>,
    pub(super) sections: Vec<Section>,
    pub(super) json: String,
    pub(super) tool: String,
    pub(super) command: String,
    /// What the interactive view draws, as JSON; empty where there is nothing.
    pub(super) view: String,
    /// The film of the training, as JSON; empty where there is none.
    pub(super) film: String,
    /// The result itself, in base64 of gzip; empty where the page would grow too large.
    pub(super) carried: String,
}

impl Page {
    /// Style, script and policy, and nothing else.
    pub(super) fn bare() -> Self {
        Self {
            kind: "",
            title: String::new(),
            subtitle: String::new(),
            policy: crate::escape::policy(script::TEXT),
            style: [&palette::variables(), palette::FIGURE_CSS, STYLE, FILM].concat(),
            script: script::TEXT,
            verdicts: Vec::new(),
            sections: Vec::new(),
            json: String::new(),
            tool: String::new(),
            command: String::new(),
            view: String::new(),
            film: String::new(),
            carried: String::new(),
        }
    }
}

/// Renders the page of a result.
pub(super) fn render(audit: &Audit, command: &str, gallery: &Gallery) -> askama::Result<String> {
    let mut page = Page {
        kind: "Audit of a trained network",
        title: title(audit),
        subtitle: subtitle(audit),
        verdicts: words::summary(audit),
        sections: sections(audit, gallery),
        json: format!("{command}.json"),
        tool: format!("{} {}", clean(&audit.tool.name), clean(&audit.tool.version)),
        command: plain(&audit.command.join(" ")),
        view: view::view(audit)
            .map_or_else(|| Ok(String::new()), |view| view::embedded(&view))
            .map_err(askama::Error::custom)?,
        film: film(audit).map_err(askama::Error::custom)?,
        ..Page::bare()
    };
    let bare = page.render()?;
    page.carried = carried(audit).map_err(askama::Error::custom)?;
    if bare.len() + page.carried.len() > LARGEST {
        return Ok(bare);
    }
    page.render()
}

fn film(audit: &Audit) -> serde_json::Result<String> {
    let film = audit.training.as_ref().and_then(|t| t.film.as_ref());
    film.map_or_else(|| Ok(String::new()), view::embedded)
}

/// The result as the page carries it.
pub(super) fn carried(result: &impl serde::Serialize) -> std::io::Result<String> {
    let mut text = Vec::new();
    json::write(result, &mut text)?;
    Ok(packed::base64(&packed::gzip(&text)?))
}

/// The sections that the result has something for, in reading order.
fn sections(audit: &Audit, gallery: &Gallery) -> Vec<Section> {
    let sites = Sites::new(&audit.network);
    let all = [
        super::network::page::section(audit, gallery),
        super::independence::page::section(audit, gallery, &sites),
        super::pruning::page::section(audit, gallery),
        certificate::section(audit),
        certificate::compaction(audit),
        super::modules::page::section(audit, gallery, &sites),
        super::circuits::page::section(audit, gallery, &sites),
        super::attention::page::section(gallery),
        super::ablation::page::section(audit, &sites),
        super::training::page::section(audit, gallery),
        facts::findings(audit),
        facts::checkpoint(audit),
        definitions::section(audit),
        facts::costs(audit),
    ];
    let with_how = |mut section: Section| {
        section.blocks.extend(definitions::how(audit, section.id));
        section
    };
    all.into_iter()
        .filter(|section| !section.blocks.is_empty())
        .map(with_how)
        .collect()
}

/// What the checkpoint is called: the folder of a `model.safetensors`, else the file.
fn title(audit: &Audit) -> String {
    let path = audit.checkpoint.path.trim_start_matches("embedded:");
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
    let mut words = vec![
        info.layout.to_string(),
        widths.join("–"),
        clean(&info.activation),
        format!(
            "{} parameters in {}",
            count(info.parameters),
            clean(&info.dtype)
        ),
    ];
    words.extend(
        info.regime
            .iter()
            .map(|regime| format!("trained as {}", clean(regime))),
    );
    words.extend(audit.data.iter().map(|data| match data.split.as_str() {
        "all" => format!("{} samples", count(data.samples)),
        split => format!("{} {} samples", count(data.samples), clean(split)),
    }));
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
            "network",
            "independence",
            "pruning",
            "modules",
            "circuits",
            "nodes",
            "findings",
            "facts",
            "definitions",
            "costs",
        ];
        let places: Vec<Option<usize>> = ids
            .iter()
            .map(|id| html.find(&format!("<section id=\"{id}\"")))
            .collect();
        assert!(places.iter().all(Option::is_some), "{places:?}");
        assert!(places.is_sorted(), "{places:?}");
        assert!(html.contains("<html lang=\"en\">"));
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
        assert!(!html.contains("<section id=\"circuits\""));
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
