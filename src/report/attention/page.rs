//! What the heads of a transformer attend to.

use crate::report::figures::Gallery;
use crate::report::page::blocks::{Block, Section, Shown};

/// Where the script lets readers choose a sample and a head.
pub(in crate::report) const CHOSEN: Block = Block::Place("attention-view", "");

pub(in crate::report) fn section(gallery: &Gallery) -> Section {
    let shown = |(k, figure)| Block::Figure(Shown::new(figure, caption(k)));
    let all: Vec<Block> = gallery.attention.iter().enumerate().map(shown).collect();
    let blocks = match all.is_empty() {
        true => Vec::new(),
        false => vec![
            CHOSEN,
            Block::Folded("All heads, sample by sample".to_owned(), all),
        ],
    };
    Section {
        id: "attention",
        title: "Attention",
        blocks,
    }
}

fn caption(index: usize) -> String {
    let opening = "A row is a position that asks, a column one that is read; rows sum to 1, and darker is more. \
        Spaces are shown as ·.";
    if index == 0 {
        opening.to_owned()
    } else {
        String::new()
    }
}
