//! Bounds over a box: of what every neuron reads, then of any sum of outputs and of their
//! changes, as lines in the inputs with everything else outward in the constant.

use crate::curve::Curve;
use crate::interval::I;
use crate::network::Network;
use crate::relax::{Hint, Relaxed, Slopes, relaxed};

/// Two networks, and what differs between them.
pub(crate) struct Pair<'a> {
    original: &'a Network,
    pruned: &'a Network,
    /// Pruned − original, per layer: `[readers][writers]` and `[readers]`.
    changes: Vec<(Vec<Vec<I>>, Vec<I>)>,
}

/// A line in the place of each input within its side (−1 to 1), and a range.
#[derive(Clone)]
struct Form {
    constant: I,
    slopes: Vec<I>,
    range: I,
}

/// What is known of a leaf.
pub(crate) struct Bounded<'a> {
    pair: &'a Pair<'a>,
    inputs: Vec<I>,
    /// Per hidden layer and neuron.
    neurons: Vec<Vec<(Slopes, Relaxed)>>,
    /// What the outputs read more in the pruned network.
    changes: Vec<I>,
}

fn difference(after: f64, before: f64) -> I {
    match () {
        () if after == before => I::ZERO,
        () if after == 0.0 => I::point(-before),
        () => I::point(after) - I::point(before),
    }
}

impl Form {
    fn constant(x: I, symbols: usize) -> Self {
        Self { constant: x, slopes: vec![I::ZERO; symbols], range: x }
    }

    /// Adds a multiple of another form, its range too.
    fn add(&mut self, by: I, other: &Self) {
        if by.is_zero() {
            return;
        }
        self.constant = self.constant + other.constant * by;
        for (slope, other) in self.slopes.iter_mut().zip(&other.slopes) {
            *slope = *slope + *other * by;
        }
        self.range = self.range + other.range * by;
    }

    /// Lets the range be no wider than the line allows.
    fn settle(&mut self) {
        let unit = I::new(-1.0, 1.0);
        let line = self.slopes.iter().fold(self.constant, |sum, slope| sum + *slope * unit);
        self.range = self.range.meet(line);
    }
}

impl<'a> Pair<'a> {
    pub fn new(original: &'a Network, pruned: &'a Network) -> Self {
        let layers = original.layers.iter().zip(&pruned.layers);
        let vector = |a: &Vec<f64>, b: &Vec<f64>| -> Vec<I> {
            a.iter().zip(b).map(|(a, b)| difference(*b, *a)).collect()
        };
        let changes = layers.map(|(a, b)| {
            let rows = a.weight.iter().zip(&b.weight);
            (rows.map(|(a, b)| vector(a, b)).collect(), vector(&a.bias, &b.bias))
        });
        Self { original, pruned, changes: changes.collect() }
    }

    /// Bounds over a box of physical inputs, with the hint given for each neuron; or which
    /// neuron may read what its hint does not hold.
    pub fn bounded(&'a self, inputs: &[I], hints: &dyn Fn(usize) -> Hint) -> Result<Bounded<'a>, String> {
        let mut values = forms_of_inputs(inputs);
        let mut moved = vec![Form::constant(I::ZERO, inputs.len()); inputs.len()];
        let (mut neurons, mut number) = (Vec::new(), 0);
        for (place, curve) in self.original.curves.iter().enumerate() {
            let (reads, changes) = self.read(place, &values, &moved);
            let mut layer = Vec::with_capacity(reads.len());
            (values, moved) = (Vec::new(), Vec::new());
            for (read, change) in reads.iter().zip(&changes) {
                let Hint { z, d, slopes: by } = hints(number);
                for (said, own) in [(z, read.range), (d, change.range)] {
                    if !said.holds(own) {
                        return Err(format!(
                            "neuron {number} reads from {:e} to {:e}, not within {:e} to {:e}",
                            own.lo, own.hi, said.lo, said.hi
                        ));
                    }
                }
                let relaxed = relaxed(*curve, z, d, by);
                let (value, difference) = written(read, change, by, &relaxed);
                values.push(value);
                moved.push(difference);
                layer.push((by, relaxed));
                number += 1;
            }
            neurons.push(layer);
        }
        let (_, changes) = self.read(self.original.curves.len(), &values, &moved);
        Ok(Bounded {
            pair: self,
            inputs: inputs.to_vec(),
            neurons,
            changes: changes.into_iter().map(|form| form.range).collect(),
        })
    }

    /// What a layer reads: W a + b, and W′ e + (W′ − W) a + (b′ − b) more.
    fn read(&self, place: usize, values: &[Form], moved: &[Form]) -> (Vec<Form>, Vec<Form>) {
        let (original, pruned) = (&self.original.layers[place], &self.pruned.layers[place]);
        let (weight_change, bias_change) = &self.changes[place];
        let symbols = values.first().map_or(0, |form| form.slopes.len());
        let reads = |reader: usize| {
            let mut read = Form::constant(I::point(original.bias[reader]), symbols);
            let mut change = Form::constant(bias_change[reader], symbols);
            for (writer, (value, moved)) in values.iter().zip(moved).enumerate() {
                read.add(I::point(original.weight[reader][writer]), value);
                change.add(I::point(pruned.weight[reader][writer]), moved);
                change.add(weight_change[reader][writer], value);
            }
            read.settle();
            change.settle();
            (read, change)
        };
        (0..original.bias.len()).map(reads).unzip()
    }
}

/// One form per input: its middle, and half its width along a symbol of its own.
fn forms_of_inputs(inputs: &[I]) -> Vec<Form> {
    let form = |(place, side): (usize, &I)| {
        let mid = side.mid();
        let half = (*side - I::point(mid)).magnitude();
        let mut form = Form::constant(I::point(mid), inputs.len());
        form.range = *side;
        form.slopes[place] = I::point(half);
        form
    };
    inputs.iter().enumerate().map(form).collect()
}

/// What a neuron writes, and by how much more in the pruned network.
fn written(read: &Form, change: &Form, by: Slopes, relaxed: &Relaxed) -> (Form, Form) {
    let symbols = read.slopes.len();
    let mut value = Form::constant(relaxed.value_rest, symbols);
    value.add(I::point(by.alpha), read);
    value.range = value.range.meet(relaxed.value);
    let mut moved = Form::constant(relaxed.change_rest, symbols);
    moved.add(I::point(by.p), change);
    moved.add(I::point(by.q), read);
    moved.range = moved.range.meet(relaxed.change);
    (value, moved)
}

impl Bounded<'_> {
    /// The range of every output's change.
    pub fn changes(&self) -> impl Iterator<Item = I> {
        let one = |output: usize| {
            let mut on_changes = vec![I::ZERO; self.changes.len()];
            on_changes[output] = I::point(1.0);
            self.sum(on_changes).meet(self.changes[output])
        };
        (0..self.changes.len()).map(one)
    }

    /// Σ c Δ over the changes Δ of the outputs, followed down to the inputs; on the way there
    /// are coefficients v on the values, too.
    fn sum(&self, mut c: Vec<I>) -> I {
        let mut v = vec![I::ZERO; c.len()];
        let (mut total, pair) = (I::ZERO, self.pair);
        for place in (0..pair.original.layers.len()).rev() {
            let (original, pruned) = (&pair.original.layers[place], &pair.pruned.layers[place]);
            let (weight_change, bias_change) = &pair.changes[place];
            let writers = original.weight[0].len();
            let (mut below_c, mut below_v) = (vec![I::ZERO; writers], vec![I::ZERO; writers]);
            for reader in 0..c.len() {
                let (on_change, on_value) = (c[reader], v[reader]);
                total = total + on_change * bias_change[reader] + on_value * original.bias[reader];
                for writer in 0..writers {
                    let (w, after) = (original.weight[reader][writer], pruned.weight[reader][writer]);
                    below_c[writer] = below_c[writer] + on_change * after;
                    let by_change = on_change * weight_change[reader][writer];
                    below_v[writer] = below_v[writer] + by_change + on_value * w;
                }
            }
            (c, v) = (below_c, below_v);
            let Some(place) = place.checked_sub(1) else {
                break;
            };
            for (neuron, (by, relaxed)) in self.neurons[place].iter().enumerate() {
                total = total + c[neuron] * relaxed.change_rest + v[neuron] * relaxed.value_rest;
                v[neuron] = c[neuron] * by.q + v[neuron] * by.alpha;
                c[neuron] = c[neuron] * by.p;
            }
        }
        // Both networks read the same inputs.
        v.iter().zip(&self.inputs).fold(total, |total, (v, x)| total + *v * *x)
    }
}

/// The outputs of a network at one input, physical.
pub(crate) fn outputs(network: &Network, input: &[f64]) -> Vec<I> {
    let mut values: Vec<I> = input.iter().map(|x| I::point(*x)).collect();
    for (place, layer) in network.layers.iter().enumerate() {
        let rows = layer.weight.iter().zip(&layer.bias);
        let reads = rows.map(|(row, bias)| {
            let terms = row.iter().zip(&values);
            terms.fold(I::point(*bias), |sum, (w, x)| sum + *x * *w)
        });
        values = reads
            .map(|read| match network.curves.get(place) {
                Some(curve) => value(*curve, read),
                None => read,
            })
            .collect();
    }
    values
}

fn value(curve: Curve, x: I) -> I {
    curve.range(x)[0]
}
