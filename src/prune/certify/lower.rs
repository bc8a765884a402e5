//! Networks of sums, convolutions, pools, residual sums and recurrences as MLPs that compute
//! the same function of real numbers, which is what is then certified.
//!
//! Layers are gone through in order. Each becomes one matrix: a row for each number that it
//! writes and, beside these, a row that copies each earlier number that is still read. A
//! convolution is a sparse affine map so, a residual sum a row of ones, a flattening nothing
//! at all; the largest of several is a tournament of `max(a, b) = a + relu(b − a)`, and an
//! activation without bounds of its own, where it can be, a sum of those that have some.
//!
//! No two weights are multiplied: every entry is a number of the file, a whole number, or one
//! that stands in both networks alike (the 1/n of a mean). So the difference of two lowered
//! networks is that of the two. Rounding: an evaluation of the MLP does no fewer operations
//! than the network's own, on numbers as large, so that what it may be off by bounds what the
//! network may be off by.

use ndarray::{Array1, Array2};

use super::Refusal;
use super::pair::is_proved;
use crate::model::layered::{Op, Term, Window};
use crate::model::{Activations, Layered, Linear, Mlp, OfLayer};
use crate::numeric::{Activation, Parameter, SELU_ALPHA, SELU_SCALE, Scalar};

/// Numbers of all matrices together, at most.
const MOST_NUMBERS: usize = 8 << 20;
/// Sites times inputs, at most: bounds keep a slope of each by each.
const MOST_SLOPES: usize = 4 << 20;

/// A layered network as an MLP of the same function of real numbers.
///
/// # Errors
/// A [`Refusal`] that names the first layer that is no such sum, or the size that is too much.
pub fn lowered<T: Scalar>(network: &Layered<T>) -> Result<Mlp<f64>, Refusal> {
    let mut lowering = Lowering::new(network.input.features(), last_reads(network));
    let mut number = 0;
    while let Some(layer) = network.layers.get(number) {
        let rows = match lowering.step(network, number)? {
            Step::Same(places) => {
                lowering.values.push(places);
                number += 1;
                continue;
            }
            Step::Rows(rows) => rows,
        };
        // An activation that alone reads what is written is of the same step.
        let activation = match (
            &layer.op,
            network.layers.get(number + 1).map(|next| &next.op),
        ) {
            (Op::Activate(_, activation), _) => Some((*activation, 1)),
            (_, Some(Op::Activate(read, activation)))
                if *read == number + 1 && lowering.last[number + 1] == number + 1 =>
            {
                Some((*activation, 2))
            }
            _ => None,
        };
        let (activation, layers) = activation.unwrap_or((Activation::Identity, 1));
        let written = lowering.written(number, rows, &|_| activation)?;
        // What only the activation reads has no place of its own.
        lowering.values.extend(vec![Vec::new(); layers - 1]);
        lowering.values.push(written);
        number += layers;
    }
    lowering.finished()
}

/// An MLP with activations that have bounds, of the same function of real numbers; the network
/// itself where its own have.
///
/// # Errors
/// A [`Refusal`] where an activation has none.
pub fn lowered_mlp(network: Mlp<f64>) -> Result<Mlp<f64>, Refusal> {
    let hidden = 0..network.layers.len().saturating_sub(1);
    let of = |layer: usize, neuron| network.activation.of(layer, neuron);
    let is_proved = |layer: usize| {
        let neurons = 0..network.layers[layer].bias.len();
        neurons
            .into_iter()
            .all(|neuron| is_proved(of(layer, neuron)))
    };
    if network.embedding.is_some() || hidden.clone().all(is_proved) {
        return Ok(network);
    }
    let mut lowering = Lowering::new(network.widths()[0], vec![0; 1]);
    for (number, layer) in network.layers.iter().enumerate() {
        let rows = layer.weight.rows().into_iter().zip(&layer.bias);
        let rows = rows.map(|(row, bias)| {
            let terms = row.iter().copied().enumerate();
            Row::of(terms.filter(|(_, w)| *w != 0.0).collect(), *bias)
        });
        let activation = |neuron| match hidden.contains(&number) {
            true => of(number, neuron),
            false => Activation::Identity,
        };
        let written = lowering.written(number, rows.collect(), &activation)?;
        lowering.values = vec![written];
    }
    let lowered = lowering.finished()?;
    Ok(Mlp {
        in_perm: network.in_perm,
        folds: network.folds,
        out_perm: network.out_perm,
        ..lowered
    })
}

/// One number as a sum of numbers of the step before.
#[derive(Debug, Clone, Default, PartialEq)]
struct Row {
    /// Place and weight.
    terms: Vec<(usize, f64)>,
    bias: f64,
}

impl Row {
    fn of(terms: Vec<(usize, f64)>, bias: f64) -> Self {
        Self { terms, bias }
    }

    fn copy(place: usize) -> Self {
        Self::of(vec![(place, 1.0)], 0.0)
    }
}

/// What a layer comes to.
enum Step {
    /// The numbers at these places, which are there.
    Same(Vec<usize>),
    /// New numbers.
    Rows(Vec<Row>),
}

/// The network so far.
struct Lowering {
    layers: Vec<Linear<f64>>,
    activations: Vec<Vec<Activation>>,
    /// Numbers that the last step writes.
    width: usize,
    /// Of every value so far, where its numbers stand among these.
    values: Vec<Vec<usize>>,
    /// Of every value, the last layer that reads it.
    last: Vec<usize>,
}

/// The last layer that reads each value; none comes after the outputs' reader.
fn last_reads<T>(network: &Layered<T>) -> Vec<usize> {
    let mut last = vec![0; network.layers.len() + 1];
    for (number, layer) in network.layers.iter().enumerate() {
        layer
            .op
            .reads()
            .into_iter()
            .for_each(|value| last[value] = number);
    }
    last[network.layers.len()] = usize::MAX;
    last
}

impl Lowering {
    fn new(inputs: usize, last: Vec<usize>) -> Self {
        Self {
            layers: Vec::new(),
            activations: Vec::new(),
            width: inputs,
            values: vec![(0..inputs).collect()],
            last,
        }
    }

    /// What layer `number` writes, before an activation that follows it.
    fn step<T: Scalar>(&mut self, network: &Layered<T>, number: usize) -> Result<Step, Refusal> {
        let shape = network.layers[number].shape;
        let of = |value: usize| self.values[value].as_slice();
        Ok(Step::Rows(match &network.layers[number].op {
            Op::Flatten(read) => return Ok(Step::Same(of(*read).to_vec())),
            Op::Slice(read, from) => {
                let places = &of(*read)[*from..from + shape.features()];
                return Ok(Step::Same(places.to_vec()));
            }
            Op::Join(reads) => {
                let places = reads.iter().flat_map(|read| of(*read)).copied();
                return Ok(Step::Same(places.collect()));
            }
            Op::Activate(read, _) => of(*read).iter().map(|place| Row::copy(*place)).collect(),
            Op::Affine { terms, bias } => {
                let row = |row: usize| Row::of(Vec::new(), bias[row / shape.positions()].widen());
                let mut rows: Vec<Row> = (0..shape.features()).map(row).collect();
                let each = terms.iter();
                each.for_each(|term| self.add_term(network, term, &mut rows));
                rows
            }
            Op::Sum(reads) => {
                let places = |row: usize| reads.iter().map(move |read| (of(*read)[row], 1.0));
                let row = |row: usize| Row::of(places(row).collect(), 0.0);
                (0..shape.features()).map(row).collect()
            }
            Op::Scale { read, weight, bias } => {
                let row = |(row, place): (usize, &usize)| {
                    let channel = row / shape.positions();
                    let terms = vec![(*place, weight[channel].widen())];
                    Row::of(terms, bias[channel].widen())
                };
                of(*read).iter().enumerate().map(row).collect()
            }
            Op::AveragePool(read, window) => {
                let counts = window.counts(network.shape(*read));
                let under = self.under(network, *read, *window);
                let mean = |(row, places): (usize, Vec<usize>)| {
                    let part = 1.0 / counts[row % counts.len().max(1)] as f64;
                    let terms = places.into_iter().map(|place| (place, part));
                    Row::of(terms.collect(), 0.0)
                };
                under.into_iter().enumerate().map(mean).collect()
            }
            Op::MaxPool(read, window) => {
                let under = self.under(network, *read, *window);
                self.largest(number, under)?
            }
            Op::Norm(..) => {
                return Err(refused(number, "a normalisation of each sample by itself"));
            }
            Op::Gate(..) => return Err(refused(number, "a product of two values")),
        }))
    }

    /// Adds what a term brings to the rows of its layer.
    fn add_term<T: Scalar>(&self, network: &Layered<T>, term: &Term, rows: &mut [Row]) {
        let parameter = &network.parameters[term.parameter];
        let shape = network.shape(term.read);
        let sources = match term.window {
            Some(window) => window.sources(shape),
            None => vec![Some(0)],
        };
        let (readers, writers) = (parameter.weight.nrows(), parameter.writers());
        let places = rows.len() / readers.max(1);
        for ((reader, column), weight) in parameter.weight.indexed_iter() {
            let (writer, tap) = (column / parameter.taps, column % parameter.taps);
            let channel = reader / parameter.readers_per_group() * writers + writer;
            for place in 0..places {
                let Some(source) = sources[tap * places + place] else {
                    continue;
                };
                let from = self.values[term.read][channel * shape.positions() + source];
                rows[reader * places + place]
                    .terms
                    .push((from, weight.widen()));
            }
        }
    }

    /// The places under a window over maps, for each channel and place of it.
    fn under<T: Scalar>(
        &self,
        network: &Layered<T>,
        read: usize,
        window: Window,
    ) -> Vec<Vec<usize>> {
        let shape = network.shape(read);
        let sources = window.sources(shape);
        let places = sources.len() / window.taps().max(1);
        let one = |row: usize| {
            let (channel, place) = (row / places, row % places);
            let sources = (0..window.taps()).filter_map(|tap| sources[tap * places + place]);
            sources
                .map(|source| self.values[read][channel * shape.positions() + source])
                .collect()
        };
        (0..shape.channels * places).map(one).collect()
    }

    /// The largest of the numbers at some places, for each set of places.
    fn largest(&mut self, number: usize, sets: Vec<Vec<usize>>) -> Result<Vec<Row>, Refusal> {
        // Those that are left, each a sum of places.
        let mut sets: Vec<Vec<Vec<usize>>> = sets
            .into_iter()
            .map(|set| set.into_iter().map(|place| vec![place]).collect())
            .collect();
        let sum = |some: &[usize], sign: f64| -> Vec<(usize, f64)> {
            some.iter().map(|place| (*place, sign)).collect()
        };
        while sets.iter().any(|set| set.len() > 1) {
            let (mut rows, mut activations) = (Vec::new(), Vec::new());
            let mut row = |terms, activation| {
                rows.push(Row::of(terms, 0.0));
                activations.push(activation);
            };
            for pair in sets.iter().flat_map(|set| set.chunks(2)) {
                row(sum(&pair[0], 1.0), Activation::Identity);
                if let [a, b] = pair {
                    let beyond = [sum(b, 1.0), sum(a, -1.0)].concat();
                    row(beyond, Activation::Relu);
                }
            }
            let mut written = self
                .written(number, rows, &|row| activations[row])?
                .into_iter();
            for set in &mut sets {
                let pairs = set.chunks(2).map(<[_]>::len).collect::<Vec<_>>();
                *set = pairs
                    .into_iter()
                    .map(|n| written.by_ref().take(n).collect())
                    .collect();
            }
        }
        let row = |set: Vec<Vec<usize>>| {
            Row::of(set.first().map_or_else(Vec::new, |one| sum(one, 1.0)), 0.0)
        };
        Ok(sets.into_iter().map(row).collect())
    }

    /// Writes rows of layer `number` with the activation of each; where they stand then.
    fn written(
        &mut self,
        number: usize,
        rows: Vec<Row>,
        activation: &dyn Fn(usize) -> Activation,
    ) -> Result<Vec<usize>, Refusal> {
        let of: Vec<Activation> = (0..rows.len()).map(activation).collect();
        if of.iter().all(|activation| is_proved(*activation)) {
            return self.push(number, rows, of);
        }
        // The numbers, then the parts of their activations, then what these add up to.
        let parts: Vec<Parts> = of
            .iter()
            .map(|of| Parts::of(*of))
            .collect::<Result<_, _>>()?;
        let whole = vec![Activation::Identity; rows.len()];
        let read = self.push(number, rows, whole.clone())?;
        let (mut rows, mut activations) = (Vec::new(), Vec::new());
        for (place, parts) in read.iter().zip(&parts) {
            for part in &parts.parts {
                rows.push(Row::of(vec![(*place, part.scale)], part.shift));
                activations.push(part.activation);
            }
        }
        let written = self.push(number, rows, activations)?;
        let mut rest = written.as_slice();
        let mut sum = |parts: &Parts| {
            let (own, others) = rest.split_at(parts.parts.len());
            rest = others;
            let factors = parts.parts.iter().map(|part| part.factor);
            Row::of(own.iter().copied().zip(factors).collect(), parts.constant)
        };
        let rows = parts.iter().map(&mut sum).collect();
        self.push(number, rows, whole)
    }

    /// One step: what is read after layer `number` is copied, then come the rows.
    fn push(
        &mut self,
        number: usize,
        rows: Vec<Row>,
        activations: Vec<Activation>,
    ) -> Result<Vec<usize>, Refusal> {
        let live = |value: &usize| self.last.get(*value).is_some_and(|last| *last > number);
        let values: Vec<usize> = (0..self.values.len()).filter(live).collect();
        let mut kept: Vec<usize> = values
            .iter()
            .flat_map(|v| &self.values[*v])
            .copied()
            .collect();
        kept.sort_unstable();
        kept.dedup();
        let width = kept.len() + rows.len();
        self.fits(width)?;
        let mut weight = Array2::zeros((width, self.width));
        let mut bias = Array1::zeros(width);
        for (row, place) in kept.iter().enumerate() {
            weight[[row, *place]] = 1.0;
        }
        for (row, of) in rows.iter().enumerate() {
            bias[kept.len() + row] = of.bias;
            for (place, factor) in &of.terms {
                let entry = &mut weight[[kept.len() + row, *place]];
                *entry = exact_sum(*entry, *factor).ok_or_else(|| {
                    refused(number, "two weights of one number whose sum is not exact")
                })?;
            }
        }
        for (value, places) in self.values.iter_mut().enumerate() {
            match values.binary_search(&value) {
                Ok(_) => places.iter_mut().for_each(|place| {
                    *place = kept.partition_point(|kept| *kept < *place);
                }),
                Err(_) => places.clear(),
            }
        }
        self.layers.push(Linear { weight, bias });
        let copied = vec![Activation::Identity; kept.len()];
        self.activations.push([copied, activations].concat());
        self.width = width;
        Ok((kept.len()..width).collect())
    }

    /// Whether another step of so many numbers is not too much.
    fn fits(&self, width: usize) -> Result<(), Refusal> {
        let numbers: usize = self.layers.iter().map(|layer| layer.weight.len()).sum();
        let sites: usize = self.layers.iter().map(|layer| layer.bias.len()).sum();
        let inputs = self
            .layers
            .first()
            .map_or(self.width, |layer| layer.weight.ncols());
        let (numbers, slopes) = (numbers + width * self.width, (sites + width) * inputs);
        match numbers <= MOST_NUMBERS && slopes <= MOST_SLOPES {
            true => Ok(()),
            false => Err(Refusal::TooLarge { numbers, slopes }),
        }
    }

    /// The MLP: its last step has no activation and writes the outputs alone.
    fn finished(mut self) -> Result<Mlp<f64>, Refusal> {
        let outputs = self.values.pop().unwrap_or_default();
        let copied = |of: &Vec<Activation>| of.iter().all(|of| *of == Activation::Identity);
        let is_last = outputs.iter().copied().eq(0..self.width)
            && self.activations.last().is_some_and(copied);
        if !is_last {
            let rows: Vec<Row> = outputs.iter().map(|place| Row::copy(*place)).collect();
            let count = rows.len();
            (self.values, self.last) = (Vec::new(), Vec::new());
            self.push(0, rows, vec![Activation::Identity; count])?;
        }
        self.activations.pop();
        let inputs = self.layers.first().map_or(0, |layer| layer.weight.ncols());
        Ok(Mlp {
            embedding: None,
            in_perm: (0..inputs).collect(),
            folds: 1,
            layers: self.layers,
            activation: Activations::of_layers(
                self.activations.into_iter().map(of_layer).collect(),
            ),
            out_perm: (0..outputs.len()).collect(),
        })
    }
}

fn refused(number: usize, what: &'static str) -> Refusal {
    Refusal::Layer {
        layer: number,
        what,
    }
}

/// The sum of two numbers where no rounding is in it.
fn exact_sum(a: f64, b: f64) -> Option<f64> {
    let sum = a + b;
    let back = sum - a;
    let error = (a - (sum - back)) + (b - back);
    (error == 0.0).then_some(sum)
}

fn of_layer(activations: Vec<Activation>) -> OfLayer {
    match activations.split_first() {
        Some((first, rest)) if rest.iter().all(|of| of == first) => OfLayer::Same(*first),
        _ => OfLayer::Neurons(activations),
    }
}

/// An activation as a sum: constant + Σ factor · activation(scale · x + shift).
struct Parts {
    parts: Vec<Part>,
    constant: f64,
}

struct Part {
    factor: f64,
    activation: Activation,
    scale: f64,
    shift: f64,
}

impl Parts {
    fn of(activation: Activation) -> Result<Self, Refusal> {
        use Activation::{Identity, Relu, Silu, SquaredRelu};
        let part = |factor, activation, scale, shift| Part {
            factor,
            activation,
            scale,
            shift,
        };
        let ramp = |factor, from: f64| part(factor, Relu, 1.0, -from);
        let sum = |parts, constant| Ok(Self { parts, constant });
        let elu = |below: f64, above: f64| {
            let unit = Activation::Elu(Parameter::new(1.0));
            sum(
                vec![part(below, unit, 1.0, 0.0), ramp(above - below, 0.0)],
                0.0,
            )
        };
        match activation {
            proved if is_proved(proved) => sum(vec![part(1.0, proved, 1.0, 0.0)], 0.0),
            Activation::LeakyRelu(slope) => {
                let slope = slope.value();
                sum(
                    vec![part(slope, Identity, 1.0, 0.0), ramp(1.0 - slope, 0.0)],
                    0.0,
                )
            }
            Activation::Relu6 => sum(vec![ramp(1.0, 0.0), ramp(-1.0, 6.0)], 0.0),
            Activation::Hardtanh => sum(vec![ramp(1.0, -1.0), ramp(-1.0, 1.0)], -1.0),
            Activation::Hardsigmoid => {
                let sixth = 1.0 / 6.0;
                sum(vec![ramp(sixth, -3.0), ramp(-sixth, 3.0)], 0.0)
            }
            Activation::QuickGelu => {
                const QUICK: f64 = 1.702;
                sum(vec![part(1.0 / QUICK, Silu, QUICK, 0.0)], 0.0)
            }
            // e^x − 1 below 0 as often as it is there, and of the line above what is left.
            Activation::Elu(alpha) => elu(alpha.value(), 1.0),
            Activation::Selu => elu(SELU_SCALE * SELU_ALPHA, SELU_SCALE),
            // (x + 3)² − 3 (x + 3) is x² + 3 x; above 3 the same of x − 3 takes it to 6 x.
            Activation::Hardswish => {
                let sixth = 1.0 / 6.0;
                let square = |factor, from: f64| part(factor, SquaredRelu, 1.0, -from);
                let parts = vec![
                    square(sixth, -3.0),
                    ramp(-0.5, -3.0),
                    square(-sixth, 3.0),
                    ramp(-0.5, 3.0),
                ];
                sum(parts, 0.0)
            }
            activation => Err(Refusal::NoRelaxation { activation }),
        }
    }
}
