//! The tables of the lenses.

use crate::report::sheet::{Rows, Sheet, some, word};
use crate::result::{Lens, Scored};

/// `logit_lens`, `positions`, `attribution`, `heads`, `neurons` and `cosines`.
pub fn sheets(result: &Lens) -> Vec<Sheet> {
    vec![
        points(result),
        positions(result),
        attribution(result),
        heads(result),
        neurons(result),
        cosines(result),
    ]
}

fn ends(interval: Option<[f64; 2]>) -> [String; 2] {
    [0, 1].map(|end| some(interval.map(|ends| ends[end])))
}

/// Outputs, the strongest first.
fn listed(scored: &[Scored]) -> String {
    let names: Vec<String> = scored.iter().map(|s| format!("{:?}", s.output)).collect();
    word(&names.join(" "))
}

fn points(result: &Lens) -> Sheet {
    let row = |point: &crate::result::LensPoint| {
        let [low, high] = ends(point.interval);
        vec![
            word(&point.point),
            word(&point.after),
            point.agreement.to_string(),
            point.divergence.to_string(),
            point.logit_difference.to_string(),
            low,
            high,
            point.probability.to_string(),
        ]
    };
    Sheet {
        name: "logit_lens",
        columns: vec![
            "point",
            "after",
            "agreement",
            "divergence",
            "logit_difference",
            "low",
            "high",
            "probability",
        ],
        rows: result.logit_lens.iter().map(row).collect(),
    }
}

fn positions(result: &Lens) -> Sheet {
    let mut rows = Rows::default();
    for sample in &result.samples {
        for (reads, point) in sample.points.iter().zip(&result.logit_lens) {
            for (position, (read, token)) in reads.iter().zip(&sample.tokens).enumerate() {
                rows.extend([vec![
                    sample.sample.to_string(),
                    word(&point.point),
                    position.to_string(),
                    word(token),
                    word(&read.output),
                    read.probability.to_string(),
                    read.divergence.to_string(),
                ]]);
            }
        }
    }
    Sheet {
        name: "positions",
        columns: vec![
            "sample",
            "point",
            "position",
            "token",
            "output",
            "probability",
            "divergence",
        ],
        rows,
    }
}

fn attribution(result: &Lens) -> Sheet {
    let row = |part: &crate::result::Attributed| {
        let [low, high] = ends(part.interval);
        vec![word(&part.writer), part.mean.to_string(), low, high]
    };
    Sheet {
        name: "attribution",
        columns: vec!["writer", "mean", "low", "high"],
        rows: result.attribution.parts.iter().map(row).collect(),
    }
}

fn heads(result: &Lens) -> Sheet {
    let row = |head: &crate::result::HeadWeights| {
        vec![
            word(&head.head),
            head.qk.to_string(),
            head.ov.to_string(),
            some(head.copying),
            head.first.to_string(),
            listed(&head.largest),
            listed(&head.smallest),
        ]
    };
    Sheet {
        name: "heads",
        columns: vec![
            "head", "qk", "ov", "copying", "first", "largest", "smallest",
        ],
        rows: result.heads.iter().map(row).collect(),
    }
}

fn neurons(result: &Lens) -> Sheet {
    let row = |neuron: &crate::result::NeuronWeights| {
        vec![
            word(&neuron.neuron),
            neuron.mean.to_string(),
            neuron.cosine.to_string(),
            listed(&neuron.largest),
            listed(&neuron.smallest),
        ]
    };
    Sheet {
        name: "neurons",
        columns: vec!["neuron", "mean", "cosine", "largest", "smallest"],
        rows: result.neurons.iter().map(row).collect(),
    }
}

fn cosines(result: &Lens) -> Sheet {
    let row = |layer: &crate::result::LayerCosines| {
        vec![
            layer.layer.to_string(),
            word(&layer.reads),
            layer.neurons.to_string(),
            layer.mean.to_string(),
            layer.deviation.to_string(),
            layer.enriched.to_string(),
            layer.depleted.to_string(),
        ]
    };
    Sheet {
        name: "cosines",
        columns: vec![
            "layer",
            "reads",
            "neurons",
            "mean",
            "deviation",
            "enriched",
            "depleted",
        ],
        rows: result.cosines.iter().map(row).collect(),
    }
}
