//! The signs of an image network's weights by layer: whether layers match patterns, or rule
//! them out.

use crate::report::english::joined;
use crate::report::format::percent;
use crate::result::{Arrangement, Audit, Layer, Sentence, Status};

/// A layer has one sign where so much of its |w| has: where the words change is ours, the
/// shares are beside them.
const ONE_SIGN: f64 = 0.8;

/// What share of the surviving |w| into each layer is positive, of networks whose inputs are an
/// image.
pub(in crate::report) fn sentence(audit: &Audit) -> Option<Sentence> {
    let (first, readers) = audit.network.layers.split_first()?;
    let threshold = audit.prune.as_ref().map_or(0.0, |prune| prune.threshold);
    let weights = audit.network.weights.iter();
    let shares: Option<Vec<f64>> = weights.map(|layer| positive(layer, threshold)).collect();
    let shares = shares.filter(|shares| shares.len() == readers.len())?;
    (first.arrangement == Arrangement::Grid).then(|| {
        let named: Vec<(f64, &Layer)> = shares.into_iter().zip(readers).collect();
        Sentence::new("Signs by layer", Status::Note, told(&named)).from(["/network/weights"])
    })
}

/// The share of |w| that is positive; `None` where no weight is left.
fn positive(weights: &[Option<f64>], threshold: f64) -> Option<f64> {
    let kept = weights.iter().flatten().filter(|w| w.abs() >= threshold);
    let (mut above, mut all) = (0.0, 0.0);
    for weight in kept {
        above += weight.max(0.0);
        all += weight.abs();
    }
    (all > 0.0).then_some(above / all)
}

fn told(layers: &[(f64, &Layer)]) -> String {
    let shares = layers
        .iter()
        .map(|(share, layer)| format!("{} into {}", percent(*share), layer.name));
    let of_sign = |is: &dyn Fn(f64) -> bool, does: &str| {
        let mine = layers.iter().filter(|(share, _)| is(*share));
        let names: Vec<String> = mine.map(|(_, layer)| layer.name.clone()).collect();
        (!names.is_empty()).then(|| format!("the weights into {} {does}", joined(&names)))
    };
    let against = of_sign(&|share| share <= 1.0 - ONE_SIGN, "rule patterns out");
    let matched = of_sign(&|share| share >= ONE_SIGN, "add up patterns that are there");
    let said: Vec<String> = against.into_iter().chain(matched).collect();
    let verdict = match said.is_empty() {
        true => "no layer matches patterns or rules them out by its signs alone".to_owned(),
        false => joined(&said),
    };
    format!(
        "Of the |w| that is left, {} is positive: {verdict} (at least {} of one sign).",
        joined(&shares.collect::<Vec<_>>()),
        percent(ONE_SIGN)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Network;

    /// 3 and −1 into the hidden layer, below the threshold −0.1; −2 into the outputs.
    fn audit(arrangement: Arrangement) -> Audit {
        let layer = |name: &str| Layer {
            name: name.to_owned(),
            arrangement,
            sites: Vec::new(),
        };
        let mut audit = crate::report::sample::audit();
        if let Some(prune) = &mut audit.prune {
            prune.threshold = 0.5;
        }
        audit.network = Network {
            layers: ["inputs", "hidden 1", "outputs"].map(layer).to_vec(),
            weights: vec![vec![Some(3.0), Some(-1.0), Some(-0.1)], vec![Some(-2.0)]],
            ..Network::default()
        };
        audit
    }

    #[test]
    fn shares_are_by_size_and_of_what_is_left() {
        let said = sentence(&audit(Arrangement::Grid)).map(|s| s.sentence);
        assert_eq!(
            said.as_deref(),
            Some(
                "Of the |w| that is left, 75 % into hidden 1 and 0 % into outputs is positive: the \
                 weights into outputs rule patterns out (at least 80 % of one sign)."
            )
        );
        assert_eq!(sentence(&audit(Arrangement::Line)), None);
    }
}
