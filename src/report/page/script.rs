//! The page's script: one text, so that one hash in the policy allows it and nothing else.

/// What a page runs beyond what every page does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The interactive view of a network.
    View,
    /// The film of a training.
    Film,
    /// Attention by sample and head.
    Attention,
    /// Two networks of a comparison under one threshold.
    Pair,
}

impl Part {
    const fn text(self) -> &'static str {
        match self {
            Self::View => VIEW,
            Self::Film => FILM,
            Self::Attention => include_str!("../../../templates/view/attention.js"),
            Self::Pair => include_str!("../../../templates/view/pair.js"),
        }
    }
}

/// The script of a page with these parts, without the comments and indentation that those
/// read who change it.
pub fn of(parts: &[Part]) -> String {
    let parts = parts.iter().map(|part| part.text());
    let texts: Vec<&str> = [COMMON].into_iter().chain(parts).chain([START]).collect();
    enclosed(&texts)
}

/// Files in a function of their own.
fn enclosed(parts: &[&str]) -> String {
    let lines = parts.iter().flat_map(|part| part.lines());
    let is_code = |line: &&str| {
        let is_note = line.starts_with("//") || (line.starts_with("/**") && line.ends_with("*/"));
        !line.is_empty() && !is_note
    };
    let code = lines.map(str::trim_start).filter(is_code);
    let code: String = code.flat_map(|line| [line, "\n"]).collect();
    format!("(() => {{\n\"use strict\";\n{code}}})();\n")
}

/// What every page has.
const COMMON: &str = concat!(
    include_str!("../../../templates/view/dom.js"),
    include_str!("../../../templates/view/tables.js"),
    include_str!("../../../templates/view/downloads.js"),
    include_str!("../../../templates/view/scrolls.js"),
    include_str!("../../../templates/view/evidence.js"),
);

const VIEW: &str = concat!(
    include_str!("../../../templates/view/graph.js"),
    include_str!("../../../templates/view/layout.js"),
    include_str!("../../../templates/view/camera.js"),
    include_str!("../../../templates/view/looks.js"),
    include_str!("../../../templates/view/strokes.js"),
    include_str!("../../../templates/view/discs.js"),
    include_str!("../../../templates/view/legend.js"),
    include_str!("../../../templates/view/names.js"),
    include_str!("../../../templates/view/samples.js"),
    include_str!("../../../templates/view/units.js"),
    include_str!("../../../templates/view/detail.js"),
    include_str!("../../../templates/view/controls.js"),
    include_str!("../../../templates/view/pointer.js"),
    include_str!("../../../templates/view/view.js"),
    include_str!("../../../templates/view/live.js"),
    include_str!("../../../templates/view/link.js"),
    include_str!("../../../templates/view/kept.js"),
    include_str!("../../../templates/view/begin.js"),
);

const FILM: &str = concat!(
    include_str!("../../../templates/view/film.js"),
    include_str!("../../../templates/view/begin-film.js"),
);

/// What runs when the page is there.
const START: &str = include_str!("../../../templates/view/start.js");

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Part; 4] = [Part::View, Part::Film, Part::Attention, Part::Pair];

    #[test]
    fn text_from_files_can_only_become_text() {
        for door in [
            "innerHTML",
            "outerHTML =",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "fetch(",
            "XMLHttpRequest",
            "http:",
            "https:",
        ] {
            let text = of(&ALL).replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains(door), "{door}");
        }
    }

    #[test]
    fn lines_stand_for_themselves() {
        // No text goes over lines, and no comment is left.
        let texts = [COMMON, START].into_iter().chain(ALL.map(Part::text));
        let mut lines = texts.flat_map(str::lines);
        assert!(lines.all(|line| line.matches('`').count() % 2 == 0));
        let script = of(&ALL);
        assert!(!script.contains("\n//") && !script.contains("/**"));
    }

    #[test]
    fn nothing_in_it_ends_its_element() {
        let script = of(&ALL);
        assert!(!script.contains("</script") && !script.contains("<!--"));
    }

    #[test]
    fn a_page_runs_what_it_has_a_place_for() {
        assert!(of(&[Part::Pair]).contains("readyPair();\n"));
        for part in ["readyPair", "readyAttention", "playFilm", "showView"] {
            assert!(!of(&[]).contains(part), "{part}");
        }
    }
}
