//! The backward pass.

use ndarray::{Array2, ArrayView2, Axis, s};

use super::forward::taken;
use super::{Layered, Op, Record, Replaced, Shape, Term, Window};
use crate::model::Rules;
use crate::numeric::{Activation, Scalar, matmul_into};

/// Takes an affine layer and the gradient at its readers, `[features, samples]`.
pub type AffineVisitor<'v, T> = dyn FnMut(usize, ArrayView2<'_, T>) + 'v;

impl<T: Scalar> Layered<T> {
    /// Follows gradients from the outputs, `at_outputs: [outputs, samples]`, to
    /// the input by `rules`; `replaced` are the weights of the run. `visit` gets the
    /// gradient at the readers of every affine layer, the last first.
    pub fn backward(
        &self,
        rules: Rules,
        run: &Record<T>,
        replaced: &Replaced<T>,
        at_outputs: Array2<T>,
        visit: &mut AffineVisitor<'_, T>,
    ) {
        let mut at: Vec<Option<Array2<T>>> = vec![None; self.layers.len()];
        at.push(Some(at_outputs));
        for layer in (0..self.layers.len()).rev() {
            // A value that nothing reads has no gradient.
            let Some(gradient) = at[layer + 1].take() else {
                continue;
            };
            if matches!(self.layers[layer].op, Op::Affine { .. }) {
                visit(layer, gradient.view());
            }
            for (read, part) in self.through(rules, layer, (run, replaced), &gradient) {
                match &mut at[read] {
                    Some(total) => *total += &part,
                    none => *none = Some(part),
                }
            }
        }
    }

    /// The gradient at every value that a layer reads.
    fn through(
        &self,
        rules: Rules,
        layer: usize,
        (run, replaced): (&Record<T>, &Replaced<T>),
        at: &Array2<T>,
    ) -> Vec<(usize, Array2<T>)> {
        let shape = self.layers[layer].shape;
        let x = |read: usize| run.values[read].as_ref();
        match &self.layers[layer].op {
            Op::Affine { terms, .. } => {
                let weights = replaced.get(&layer).map(|r| r.live.as_slice());
                let terms = terms.iter().enumerate();
                let back = |(index, term): (usize, &Term)| {
                    let own = &self.parameters[term.parameter].weight;
                    let weight = weights.map_or(own, |live| &live[index]);
                    (term.read, self.term_backward(term, shape, weight, at))
                };
                terms.map(back).collect()
            }
            Op::Sum(reads) => reads.iter().map(|read| (*read, at.clone())).collect(),
            Op::Activate(read, activation) => {
                vec![(*read, activated_backward(rules, *activation, x(*read), at))]
            }
            Op::Scale { read, weight, .. } => {
                let scaled = |(row, column): (usize, usize)| {
                    at[[row, column]] * weight[row / shape.positions()]
                };
                vec![(*read, Array2::from_shape_fn(at.raw_dim(), scaled))]
            }
            Op::Norm(read, norm) => vec![(*read, norm.backward(rules, x(*read), at))],
            Op::MaxPool(read, window) => {
                let gradient = max_backward(x(*read), self.shape(*read), *window, at);
                vec![(*read, gradient)]
            }
            Op::AveragePool(read, window) => {
                let gradient = mean_backward(x(*read), self.shape(*read), *window, at);
                vec![(*read, gradient)]
            }
            Op::Flatten(read) => vec![(*read, at.clone())],
            Op::Slice(read, from) => {
                let mut gradient = Array2::zeros(x(*read).raw_dim());
                let mut part = gradient.slice_mut(s![*from..from + shape.features(), ..]);
                part.assign(at);
                vec![(*read, gradient)]
            }
            Op::Join(reads) => self.apart(reads, at),
            Op::Gate(a, b) => {
                let at = at * rules.share_of_factor::<T>();
                vec![(*a, &at * x(*b)), (*b, &at * x(*a))]
            }
        }
    }

    fn apart(&self, reads: &[usize], at: &Array2<T>) -> Vec<(usize, Array2<T>)> {
        let mut first = 0;
        let mut part = |read: &usize| {
            let from = first;
            first += self.shape(*read).features();
            (*read, at.slice(s![from..first, ..]).to_owned())
        };
        reads.iter().map(&mut part).collect()
    }

    /// The gradient at what a term reads, given that at the readers, both
    /// `[features, samples]`.
    fn term_backward(
        &self,
        term: &Term,
        shape: Shape,
        weight: &Array2<T>,
        at: &Array2<T>,
    ) -> Array2<T> {
        let (read, samples) = (self.shape(term.read), at.ncols());
        let at = by_channel(at, shape);
        let mut gradient = Array2::zeros((read.features(), samples));
        for group in 0..self.parameters[term.parameter].groups {
            let (rows, channels) = (self.readers_of(term, group), self.channels_of(term, group));
            let (weight, at) = (weight.slice(s![rows.clone(), ..]), at.slice(s![rows, ..]));
            let mut seen = Array2::zeros((weight.ncols(), at.ncols()));
            matmul_into(seen.view_mut(), weight.t(), at, false);
            match term.window {
                Some(window) => window.add_patches(seen.view(), &mut gradient, read, channels),
                None => gradient.slice_mut(s![channels, ..]).assign(&seen),
            }
        }
        gradient
    }

    /// Gradients at the entries of a term's weights, `[readers, writers · taps]`:
    /// of `read: [features, samples]`, given those at the readers.
    #[must_use]
    pub fn weight_gradient(
        &self,
        layer: usize,
        term: &Term,
        read: ArrayView2<'_, T>,
        at: ArrayView2<'_, T>,
    ) -> Array2<T> {
        let at = by_channel(&at.to_owned(), self.layers[layer].shape);
        let parameter = &self.parameters[term.parameter];
        let mut gradient = Array2::zeros(parameter.weight.raw_dim());
        for group in 0..parameter.groups {
            let rows = self.readers_of(term, group);
            let seen = self.seen(term, group, read);
            let into = gradient.slice_mut(s![rows.clone(), ..]);
            matmul_into(into, at.slice(s![rows, ..]), seen.t(), false);
        }
        gradient
    }
}

/// `[features, samples]` as `[channels, positions · samples]`: the same numbers.
fn by_channel<T: Scalar>(at: &Array2<T>, shape: Shape) -> Array2<T> {
    let numbers: Vec<T> = at.iter().copied().collect();
    let columns = numbers.len() / shape.channels.max(1);
    Array2::from_shape_vec((shape.channels, columns), numbers)
        .unwrap_or_else(|_| unreachable!("a value has as many rows as its shape has features"))
}

/// The gradient at what an activation reads.
fn activated_backward<T: Scalar>(
    rules: Rules,
    activation: Activation,
    x: &Array2<T>,
    at: &Array2<T>,
) -> Array2<T> {
    let mut gradient = at.as_standard_layout().into_owned();
    let x = x.as_standard_layout();
    rules.through(
        activation,
        gradient.as_slice_mut().unwrap_or_default(),
        x.as_slice().unwrap_or_default(),
    );
    gradient
}

fn max_backward<T: Scalar>(
    maps: &Array2<T>,
    shape: Shape,
    window: Window,
    at: &Array2<T>,
) -> Array2<T> {
    let sources = window.sources(shape);
    let places = sources.len() / window.taps().max(1);
    let mut gradient = Array2::zeros(maps.raw_dim());
    for ((row, sample), g) in at.indexed_iter() {
        let first = row / places * shape.positions();
        let under = (0..window.taps()).filter_map(|tap| sources[tap * places + row % places]);
        if let Some(taken) = taken(maps, sample, under.map(|source| first + source)) {
            gradient[[taken, sample]] += *g;
        }
    }
    gradient
}

fn mean_backward<T: Scalar>(
    maps: &Array2<T>,
    shape: Shape,
    window: Window,
    at: &Array2<T>,
) -> Array2<T> {
    let (sources, counts) = (window.sources(shape), window.counts(shape));
    let places = sources.len() / window.taps().max(1);
    let mut gradient: Array2<T> = Array2::zeros(maps.raw_dim());
    for (row, at) in at.axis_iter(Axis(0)).enumerate() {
        let first = row / places * shape.positions();
        let under = (0..window.taps()).filter_map(|tap| sources[tap * places + row % places]);
        let share = T::from_f64(1.0 / counts[row % places].max(1) as f64);
        for source in under {
            gradient.row_mut(first + source).scaled_add(share, &at);
        }
    }
    gradient
}
