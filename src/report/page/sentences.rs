//! Every sentence of the summary beside what it stands on: the part of the page that
//! shows its numbers, and their place in the result.

use crate::report::page::blocks::Block;
use crate::result::Sentence;

pub(super) fn every(said: &[Sentence]) -> Block {
    let first = |said: &Sentence| said.evidence.first().map_or("", |pointer| anchor(pointer));
    Block::every_sentence(said.to_vec(), first)
}

/// Parts of a result and the part of the page that shows each; the first that fits counts.
const ANCHORS: [(&str, &str); 12] = [
    ("/prune/certificate", "certificate"),
    ("/prune/", "pruning"),
    ("/modules/independence/splits", "independence"),
    ("/modules/lesions", "lesions"),
    ("/modules/headline", "chance"),
    ("/modules", "modules"),
    ("/circuits", "circuits"),
    ("/subgroups", "subgroups"),
    ("/findings", "findings"),
    ("/checkpoint", "facts"),
    ("/data", "facts"),
    ("/task", "summary"),
];

fn anchor(pointer: &str) -> &'static str {
    let fits = |(start, _): &&(&str, &'static str)| pointer.starts_with(start);
    ANCHORS.iter().find(fits).map_or("", |(_, anchor)| anchor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_to_the_part_that_shows_them() {
        assert_eq!(anchor("/prune/certificate"), "certificate");
        assert_eq!(anchor("/prune/verified"), "pruning");
        assert_eq!(anchor("/modules/independence/splits"), "independence");
        assert_eq!(anchor("/elsewhere"), "");
    }
}
