//! How the network was trained, as far as files beside the checkpoint tell.

use crate::report::figures::Gallery;
use crate::report::format::count;
use crate::report::page::blocks::{Block, Section, Shown};
use crate::result::{Audit, Training};

pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery) -> Section {
    let mut blocks = Vec::new();
    if let Some(figure) = &gallery.training {
        blocks.push(Block::Figure(Shown::new(figure, CURVE)));
    }
    if let Some(training) = &audit.training {
        blocks.extend(film(training));
    }
    Section {
        id: "training",
        title: "Training",
        blocks,
    }
}

const CURVE: &str = "The training, from curve.csv beside the checkpoint: loss (training samples solid, test samples \
     dashed), accuracy where there are classes, and the number of weights with |w| > 0.01, against the step.";

fn film(training: &Training) -> Option<Block> {
    let frames = training.film.as_ref()?.frames.len();
    let cut = training.film_cut.map_or_else(String::new, |most| {
        format!(
            " The strongest {} of each frame are kept here.",
            count(most)
        )
    });
    Some(Block::Text(format!(
        "The film of the training, from film.html beside the checkpoint: {} frames, played by the page\u{2019}s script. \
         Connections by |weight| over the largest of their layer, positive blue and negative red, \
         as the network is drawn while it is trained; inputs below, outputs above.{cut}",
        count(frames)
    )))
}
