//! The network as it is drawn.

use serde_json::Value;

use super::subject::Subject;
use crate::graph::places::{layer_places, places};
use crate::graph::{Layered, Place};
use crate::model::Mlp;
use crate::numeric::{Scalar, statistics};
use crate::result::{Arrangement, Layer, Network, Site};

/// Networks of more weights than this are not drawn weight by weight.
pub const LARGEST_DRAWN: usize = 100_000;

/// Sites at their places with activation statistics of the pruned network, and
/// the weights as they were before pruning.
pub fn network<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Network {
    let arrangements = arrangements(subject);
    let trace = pruned.forward(subject.batch.inputs.clone());
    let widths = subject.sites.widths();
    let layers = widths.iter().enumerate().map(|(layer, width)| Layer {
        name: layer_name(layer, widths.len()),
        arrangement: arrangements[layer],
        sites: (0..*width)
            .map(|position| {
                let place = drawn_at(subject, arrangements[layer], layer, position);
                let row = trace.values[layer].row(position);
                let values: Vec<f64> = row.iter().map(|x| x.widen()).collect();
                Site {
                    site: subject.sites.name(layer, position),
                    name: own_name(subject, layer, position),
                    x: place.x,
                    y: place.y,
                    bias: (layer > 0)
                        .then(|| subject.model.layers[layer - 1].bias[position].widen()),
                    mean: Some(statistics::mean(&values)),
                    sd: Some(statistics::population_sd(&values)),
                }
            })
            .collect(),
    });
    let weight = |w: &T| Some(w.widen()).filter(|w| w.is_finite());
    Network {
        layers: layers.collect(),
        weights: subject
            .model
            .layers
            .iter()
            .map(|l| l.weight.iter().map(weight).collect())
            .collect(),
        skips: Vec::new(),
        links: Vec::new(),
    }
}

/// The weights as a layered graph.
pub fn layered<T: Scalar>(model: &Mlp<T>) -> Layered {
    Layered::new(
        model
            .layers
            .iter()
            .map(|l| l.weight.mapv(Scalar::widen))
            .collect(),
    )
}

/// How each layer is laid out: on grids and a ring where the configuration says
/// `"coordinates": "2d"` and the widths are squares, else on lines.
pub fn arrangements<T: Scalar>(subject: &Subject<'_, T>) -> Vec<Arrangement> {
    let widths = subject.sites.widths();
    let flat = subject
        .files
        .checkpoint
        .config
        .get("coordinates")
        .and_then(Value::as_str)
        != Some("2d");
    let square = |width: usize| width.isqrt().pow(2) == width;
    let of = |(layer, width): (usize, &usize)| {
        if flat {
            Arrangement::Line
        } else if layer + 1 == widths.len() {
            Arrangement::Ring
        } else if square(*width) {
            Arrangement::Grid
        } else {
            Arrangement::Line
        }
    };
    widths.iter().enumerate().map(of).collect()
}

/// The places that count for wiring, where folds lie over one another.
pub fn wiring_places<T: Scalar>(subject: &Subject<'_, T>) -> Vec<Vec<Place>> {
    places(
        subject.sites.widths(),
        &arrangements(subject),
        subject.model.folds,
    )
}

/// Where a site is drawn: at its place, the folds of the inputs below each other.
fn drawn_at<T: Scalar>(
    subject: &Subject<'_, T>,
    arrangement: Arrangement,
    layer: usize,
    position: usize,
) -> Place {
    let folds = if layer == 0 { subject.model.folds } else { 1 };
    let width = subject.sites.widths()[layer];
    let place = layer_places(arrangement, width, folds)[position];
    match arrangement {
        Arrangement::Line => Place {
            y: (position * folds / width) as f64,
            ..place
        },
        _ => place,
    }
}

fn own_name<T: Scalar>(subject: &Subject<'_, T>, layer: usize, position: usize) -> String {
    if layer == 0 {
        subject.input_name(position)
    } else if layer == subject.sites.depth() {
        subject.outputs[position].1.clone()
    } else {
        subject.sites.name(layer, position)
    }
}

fn layer_name(layer: usize, layers: usize) -> String {
    if layer == 0 {
        "inputs".to_owned()
    } else if layer + 1 == layers {
        "outputs".to_owned()
    } else {
        format!("hidden {layer}")
    }
}
