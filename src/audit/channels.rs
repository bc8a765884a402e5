//! A layered network as it is drawn: channels by layer, and the kernels between them.
//!
//! A kernel is drawn by its largest entry, so that it is there exactly as long as a
//! threshold leaves one of its entries.

use std::collections::BTreeMap;
use std::ops::Range;

use super::network::LARGEST_DRAWN;
use super::weighing::wide;
use crate::data::Dataset;
use crate::graph::places::layer_places;
use crate::model::Layered;
use crate::model::layered::{LayeredSites, Op, Record};
use crate::numeric::{Scalar, statistics};
use crate::result::{Arrangement, Layer, Link, LinkKind, Network, Site, Skip};

/// The drawing of a network, with what sites write in `record`; empty for one that is too
/// large. `outputs` are the outputs' sites and own names.
pub fn network<T: Scalar>(
    model: &Layered<T>,
    record: &Record<T>,
    data: &Dataset,
    outputs: &[(String, String)],
) -> Network {
    let sites = LayeredSites::new(model);
    if sites.edge_count() > LARGEST_DRAWN {
        return Network::default();
    }
    let drawing = Drawing {
        model,
        sites,
        data,
        outputs,
    };
    let mut blocks = drawing.blocks();
    let layers = drawing.layers(record);
    let next = |from: usize| blocks.remove(&(from, from + 1)).unwrap_or_default();
    let weights = (0..layers.len().saturating_sub(1)).map(next).collect();
    let skips = blocks
        .into_iter()
        .map(|((from_layer, to_layer), weights)| Skip {
            from_layer,
            to_layer,
            weights,
        });
    Network {
        skips: skips.collect(),
        links: drawing.links(),
        layers,
        weights,
    }
}

struct Drawing<'d, T> {
    model: &'d Layered<T>,
    sites: LayeredSites,
    data: &'d Dataset,
    outputs: &'d [(String, String)],
}

/// Weights from one layer of sites to another, `[readers, writers]` row by row.
type Blocks = BTreeMap<(usize, usize), Vec<Option<f64>>>;

impl<T: Scalar> Drawing<'_, T> {
    /// The layer of a site, and its position there.
    fn place(&self, site: usize) -> (usize, usize) {
        let layer = self.sites.group_of(site);
        (layer, site - self.sites.groups()[layer].start)
    }

    /// Every edge's largest entry, in the block of its ends; 0 where there is no edge.
    fn blocks(&self) -> Blocks {
        let groups = self.sites.groups();
        let mut blocks = Blocks::new();
        for edge in 0..self.sites.edge_count() {
            let (writer, reader) = self.sites.ends(self.model, edge);
            let ((from, column), (to, row)) = (self.place(writer), self.place(reader));
            let (width, height) = (groups[from].len(), groups[to].len());
            let block = blocks
                .entry((from, to))
                .or_insert_with(|| vec![Some(0.0); width * height]);
            block[row * width + column] = largest(&self.sites.weight_of(self.model, edge));
        }
        blocks
    }

    /// Groups of sites whose values are added or taken apart, without a weight.
    fn links(&self) -> Vec<Link> {
        let mut pairs: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for (before, after) in self.sites.links() {
            let ((from, i), (to, j)) = (self.place(*before), self.place(*after));
            pairs.entry((from, to)).or_default().push((i, j));
        }
        let groups = self.sites.groups();
        let link = |((from, to), pairs): ((usize, usize), Vec<(usize, usize)>)| {
            let entries = (groups[to].len() / groups[from].len()).max(1);
            let kind = match pairs.iter().all(|(i, j)| *i == j / entries) {
                true if entries == 1 => LinkKind::Identity,
                true => LinkKind::Spread,
                // Every site is made of all: lines would tell nothing.
                false => return None,
            };
            Some(Link {
                from_layer: from,
                to_layer: to,
                kind,
            })
        };
        pairs.into_iter().filter_map(link).collect()
    }

    fn layers(&self, record: &Record<T>) -> Vec<Layer> {
        let groups = self.sites.groups().iter();
        let layer = |group: &Range<usize>| {
            let (made, values) = (self.made(group), self.values(group, record));
            let places = layer_places(Arrangement::Line, group.len(), 1);
            let site = |(position, place): (usize, crate::graph::Place)| Site {
                site: self.sites.name(group.start + position).to_owned(),
                name: self.own_name(group.start + position),
                x: place.x,
                y: place.y,
                bias: made.and_then(|layer| self.bias(layer, position)),
                mean: Some(statistics::mean(&values[position])),
                sd: Some(statistics::population_sd(&values[position])),
            };
            Layer {
                name: self.layer_name(made),
                arrangement: Arrangement::Line,
                sites: places.into_iter().enumerate().map(site).collect(),
            }
        };
        groups.map(layer).collect()
    }

    /// The layer that first writes to a group of sites; `None` for inputs.
    fn made(&self, group: &Range<usize>) -> Option<usize> {
        let is_of = |value: &usize| self.is_of(group, *value);
        (0..=self.model.layers.len()).find(is_of)?.checked_sub(1)
    }

    fn is_of(&self, group: &Range<usize>, value: usize) -> bool {
        self.sites.of_value(value).first() == Some(&group.start)
    }

    /// What each site of a group writes last, over all its entries, steps and samples.
    fn values(&self, group: &Range<usize>, record: &Record<T>) -> Vec<Vec<f64>> {
        let is_of = |value: &usize| {
            self.sites
                .of_value(*value)
                .iter()
                .copied()
                .eq(group.clone())
        };
        let Some(last) = (0..=self.model.layers.len()).rev().find(is_of) else {
            return vec![Vec::new(); group.len()];
        };
        let cell = |value: usize| Some(self.model.layers.get(value.checked_sub(1)?)?.step?.cell);
        let same =
            |value: &usize| *value == last || cell(last).is_some_and(|c| cell(*value) == Some(c));
        let values: Vec<usize> = (0..=self.model.layers.len()).filter(same).collect();
        let of = |channel: usize| {
            let entries = values.iter().flat_map(|value| {
                let positions = self.model.shape(*value).positions();
                let rows = channel * positions..(channel + 1) * positions;
                rows.map(|row| record.values[*value].row(row))
            });
            entries.flat_map(wide).collect()
        };
        (0..group.len()).map(of).collect()
    }

    fn bias(&self, layer: usize, position: usize) -> Option<f64> {
        match &self.model.layers[layer].op {
            Op::Affine { bias, .. } => bias.get(position).map(|b| b.widen()),
            _ => None,
        }
    }

    /// The feature's or target's own name, else the site.
    fn own_name(&self, site: usize) -> String {
        let name = self.sites.name(site);
        let output = self.outputs.iter().find(|(of, _)| of == name);
        // Names are of the features of every step, or of entries of maps.
        let are_sites = self.model.input.features() == self.sites.groups()[0].len();
        let input = || {
            self.data
                .task
                .inputs
                .get(site)
                .filter(|_| are_sites)
                .cloned()
        };
        let own = output.map(|(_, own)| own.clone()).or_else(input);
        own.unwrap_or_else(|| name.to_owned())
    }

    fn layer_name(&self, made: Option<usize>) -> String {
        let Some(layer) = made else {
            return "inputs".to_owned();
        };
        let is_last = self.sites.outputs().first() == self.sites.of_value(layer + 1).first();
        let kind = match &self.model.layers[layer].op {
            _ if is_last => return "outputs".to_owned(),
            Op::Affine { terms, .. } => match terms.iter().any(|term| term.window.is_some()) {
                true => "channels",
                false => "neurons",
            },
            Op::Flatten(_) => "entries",
            Op::Sum(_) => "sums",
            Op::Gate(..) => "products",
            Op::Norm(..) => "norm",
            Op::Activate(..)
            | Op::Scale { .. }
            | Op::MaxPool(..)
            | Op::AveragePool(..)
            | Op::Slice(..)
            | Op::Join(_) => "values",
        };
        let first = self.sites.of_value(layer + 1)[0];
        let name = self.sites.name(first);
        let (group, _) = name.split_once('.').unwrap_or((name, ""));
        format!("{group} {kind}")
    }
}

/// The entry of a kernel that is largest in size; `None` where that is no finite number.
fn largest<T: Scalar>(kernel: &[T]) -> Option<f64> {
    let entries = kernel.iter().map(|w| w.widen());
    let largest = entries.reduce(|one, other| if other.abs() > one.abs() { other } else { one });
    largest.filter(|w| w.is_finite())
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, array};

    use super::*;
    use crate::model::layered::{Layer as Step, Parameter, Shape, Term, Window};

    fn parameter(weight: Array2<f64>, taps: usize) -> Parameter<f64> {
        Parameter {
            weight,
            taps,
            groups: 1,
            tensor: String::new(),
            first_row: 0,
        }
    }

    fn affine(terms: &[(usize, usize)], window: Option<Window>, shape: Shape) -> Step<f64> {
        let term = |(read, parameter): &(usize, usize)| Term {
            read: *read,
            parameter: *parameter,
            window,
        };
        let terms = terms.iter().map(term).collect();
        let bias = Array1::zeros(shape.channels);
        Step {
            op: Op::Affine { terms, bias },
            shape,
            step: None,
        }
    }

    /// Of one map of 2 × 2 two channels of two entries each, as a vector; a neuron that reads
    /// it, and an output that reads both.
    fn small() -> Layered<f64> {
        let map = |channels, height, width| Shape {
            channels,
            height,
            width,
        };
        let pair = Window {
            stride: [1, 1],
            ..Window::apart([1, 2])
        };
        Layered {
            input: map(1, 2, 2),
            parameters: vec![
                parameter(array![[3.0, -5.0], [0.5, 0.25]], 2),
                parameter(array![[1.0, 0.0, -1.0, 2.0]], 1),
                parameter(array![[7.0]], 1),
                parameter(array![[0.1, 0.2, 0.3, 0.4]], 1),
            ],
            layers: vec![
                affine(&[(0, 0)], Some(pair), map(2, 2, 1)),
                Step {
                    op: Op::Flatten(1),
                    shape: Shape::vector(4),
                    step: None,
                },
                affine(&[(2, 1)], None, Shape::vector(1)),
                affine(&[(3, 2), (2, 3)], None, Shape::vector(1)),
            ],
        }
    }

    #[test]
    fn channels_and_kernels_worked_by_hand() {
        let model = small();
        let inputs = array![[1.0], [0.0], [0.0], [1.0]];
        let data = Dataset::from_arrays("data", inputs.t().to_owned(), None).unwrap();
        let outputs = [("y0".to_owned(), "height".to_owned())];
        let drawn = network(&model, &model.forward(inputs), &data, &outputs);
        let names: Vec<&str> = drawn.layers.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "inputs",
                "h1 channels",
                "h2 entries",
                "h3 neurons",
                "outputs"
            ]
        );
        // Kernels by their largest entries; a vector of a map's entries has no weights.
        assert_eq!(drawn.weights[0], [Some(-5.0), Some(0.5)]);
        assert_eq!(drawn.weights[1], []);
        assert_eq!(
            drawn.weights[2],
            [Some(1.0), Some(0.0), Some(-1.0), Some(2.0)]
        );
        assert_eq!(drawn.weights[3], [Some(7.0)]);
        let [skip] = drawn.skips.as_slice() else {
            panic!("one skip: {:?}", drawn.skips);
        };
        assert_eq!((skip.from_layer, skip.to_layer), (2, 4));
        assert_eq!(skip.weights, [0.1, 0.2, 0.3, 0.4].map(Some));
        let [link] = drawn.links.as_slice() else {
            panic!("one link: {:?}", drawn.links);
        };
        assert_eq!((link.from_layer, link.to_layer), (1, 2));
        assert_eq!(link.kind, LinkKind::Spread);
        // The first channel writes 3 and −5 over its two entries.
        let first = &drawn.layers[1].sites[0];
        assert_eq!((first.mean, first.sd), (Some(-1.0), Some(4.0)));
        assert_eq!(drawn.layers[4].sites[0].name, "height");
    }
}
