//! The tables of a multiverse.

use crate::report::sheet::{Rows, Sheet, word};
use crate::result::{Analysed, Multiverse, OfSize};

/// `edges` (support of every edge, by answer and size), `analyses` (a row each), and
/// `certified` (edges that are certified to be in, or abstained from).
pub fn sheets(result: &Multiverse) -> Vec<Sheet> {
    vec![edges(result), analyses(result), certified(result)]
}

fn edges(result: &Multiverse) -> Sheet {
    let mut rows = Rows::default();
    for answer in &result.answers {
        for of in &answer.sizes {
            rows.extend(of.edges.iter().map(|edge| {
                let of_edge = vec![
                    word(&edge.from),
                    word(&edge.to),
                    edge.share.to_string(),
                    edge.modal.to_string(),
                ];
                [of_cut(answer, of), of_edge].concat()
            }));
        }
    }
    Sheet {
        name: "edges",
        columns: vec![
            "output",
            "granularity",
            "size",
            "faithfulness",
            "from",
            "to",
            "share",
            "modal",
        ],
        rows,
    }
}

fn certified(result: &Multiverse) -> Sheet {
    let mut rows = Rows::default();
    for answer in &result.answers {
        for of in &answer.sizes {
            let edges = of.certified.iter().flat_map(|certified| &certified.edges);
            rows.extend(edges.map(|edge| {
                let side = match edge.inside {
                    Some(true) => "in",
                    Some(false) => "out",
                    None => "abstained",
                };
                let of_edge = vec![
                    word(&edge.from),
                    word(&edge.to),
                    edge.share.to_string(),
                    side.to_owned(),
                    edge.deleted.to_string(),
                    edge.replaced.to_string(),
                ];
                [of_cut(answer, of), of_edge].concat()
            }));
        }
    }
    Sheet {
        name: "certified",
        columns: vec![
            "output",
            "granularity",
            "size",
            "faithfulness",
            "from",
            "to",
            "share",
            "side",
            "deleted",
            "replaced",
        ],
        rows,
    }
}

fn analyses(result: &Multiverse) -> Sheet {
    let mut rows = Rows::default();
    for answer in &result.answers {
        rows.extend(answer.curve.iter().map(|one| {
            vec![
                word(&answer.output),
                granularity(answer),
                one.method.to_string(),
                one.fill.to_string(),
                one.metric.to_string(),
                one.selection.to_string(),
                one.order.to_string(),
                one.seed.to_string(),
                one.size.to_string(),
                level(one.faithfulness),
                one.samples.to_string(),
                one.overlap.to_string(),
            ]
        }));
    }
    Sheet {
        name: "analyses",
        columns: vec![
            "output",
            "granularity",
            "method",
            "fill",
            "metric",
            "selection",
            "order",
            "seed",
            "size",
            "faithfulness",
            "samples",
            "overlap",
        ],
        rows,
    }
}

/// Which answer's circuits, and which of them.
fn of_cut(answer: &Analysed, of: &OfSize) -> Vec<String> {
    vec![
        word(&answer.output),
        granularity(answer),
        of.size.to_string(),
        level(of.faithfulness),
    ]
}

/// How fine the network was taken apart; empty as it is unasked.
fn granularity(answer: &Analysed) -> String {
    answer
        .granularity
        .map_or_else(String::new, |of| of.to_string())
}

/// The faithfulness that was to be reached; empty where a number of edges decides.
fn level(of: Option<f64>) -> String {
    of.map_or_else(String::new, |level| level.to_string())
}
