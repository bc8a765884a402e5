//! What the heads of a transformer attend to.

use crate::report::figures::Gallery;
use crate::report::page::blocks::{Block, Section, Shown};

/// Samples shown at once; the rest are folded away.
const UNFOLDED: usize = 1;

pub(in crate::report) fn section(gallery: &Gallery) -> Section {
    let shown = |(k, figure)| Block::Figure(Shown::new(figure, caption(k)));
    let mut blocks: Vec<Block> = gallery.attention.iter().enumerate().map(shown).collect();
    if blocks.len() > UNFOLDED {
        let folded = blocks.split_off(UNFOLDED);
        blocks.push(Block::Folded("More samples".to_owned(), folded));
    }
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
