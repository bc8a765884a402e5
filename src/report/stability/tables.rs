//! The tables of a multiverse.

use crate::report::sheet::{Sheet, word};
use crate::result::Multiverse;

/// `edges` (support of every edge, by answer and size) and `analyses` (a row each).
pub fn sheets(result: &Multiverse) -> Vec<Sheet> {
    vec![edges(result), analyses(result)]
}

fn edges(result: &Multiverse) -> Sheet {
    let mut rows = Vec::new();
    for answer in &result.answers {
        for of in &answer.sizes {
            rows.extend(of.edges.iter().map(|edge| {
                vec![
                    word(&answer.output),
                    of.size.to_string(),
                    word(&edge.from),
                    word(&edge.to),
                    edge.share.to_string(),
                    edge.modal.to_string(),
                ]
            }));
        }
    }
    Sheet {
        name: "edges",
        columns: vec!["output", "size", "from", "to", "share", "modal"],
        rows,
    }
}

fn analyses(result: &Multiverse) -> Sheet {
    let mut rows = Vec::new();
    for answer in &result.answers {
        rows.extend(answer.curve.iter().map(|one| {
            vec![
                word(&answer.output),
                one.method.to_string(),
                one.fill.to_string(),
                one.metric.to_string(),
                one.size.to_string(),
                one.samples.to_string(),
                one.overlap.to_string(),
            ]
        }));
    }
    Sheet {
        name: "analyses",
        columns: vec![
            "output", "method", "fill", "metric", "size", "samples", "overlap",
        ],
        rows,
    }
}
