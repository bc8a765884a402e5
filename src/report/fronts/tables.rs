//! The table of a sweep over λ.

use crate::report::sheet::{Sheet, some, word};
use crate::result::{Fronts, OnFronts};

/// `fronts`: a row for each network.
pub fn sheets(fronts: &Fronts) -> Vec<Sheet> {
    let row = |n: &OnFronts| {
        vec![
            word(&n.name),
            n.regime.to_string(),
            n.seed.to_string(),
            n.lambda.to_string(),
            some(n.loss),
            some(n.value),
            some(n.edges),
            some(n.modules),
            some(n.description_length_gained),
            n.on_front_of_edges.to_string(),
            n.on_front_of_blocks.to_string(),
        ]
    };
    vec![Sheet {
        name: "fronts",
        columns: vec![
            "network",
            "regime",
            "seed",
            "lambda",
            "loss",
            "value",
            "edges",
            "modules",
            "description_length_gained",
            "on_front_of_edges",
            "on_front_of_blocks",
        ],
        rows: fronts.front.iter().map(row).collect(),
    }]
}
