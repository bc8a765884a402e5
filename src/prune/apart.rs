//! A network run as modules: each is a network of its own, a joiner carries what
//! passes between them.
//!
//! Modules have their own copies of the inputs that they read. Where no edge leads
//! from one module to another, each is run whole and by itself; where some do, the
//! modules go layer by layer and the joiner adds what they read of each other. It
//! does not choose modules.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::model::Mlp;
use crate::numeric::{Scalar, parallel};

/// Which module each output is of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outputs<'a> {
    /// One each, or none.
    Owned(&'a [Option<usize>]),
    /// Of every module that writes to it: what they give is added.
    Shared,
}

/// A network as modules.
#[derive(Debug, Clone, PartialEq)]
pub struct Apart<T> {
    /// The modules.
    pub modules: Vec<ModuleNetwork<T>>,
    /// Per linear layer, the edges from one module to another; none before the first
    /// hidden layer.
    pub joiner: Vec<Vec<Joining<T>>>,
    /// The outputs that are in no module, by physical position, with their one value.
    pub constants: Vec<(usize, T)>,
}

/// One module as a network of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleNetwork<T> {
    /// What it computes of its inputs.
    pub model: Mlp<T>,
    /// Per layer of sites, inputs first, where each of its sites stands in the network.
    pub kept: Vec<Vec<usize>>,
}

/// An edge from a neuron of one module to one of another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joining<T> {
    /// The writer: its module, and its place in its layer there.
    pub from: (usize, usize),
    /// The reader, likewise.
    pub to: (usize, usize),
    /// Its weight.
    pub weight: T,
}

impl<T: Scalar> Apart<T> {
    /// Takes a network apart: `of[layer][neuron]` is the module of each neuron of hidden
    /// layer `layer`; a neuron that is in none is left out.
    ///
    /// # Panics
    /// If not every hidden layer has its modules.
    #[must_use]
    pub fn new(model: &Mlp<T>, of: &[&[Option<usize>]], outputs: Outputs<'_>) -> Self {
        let last = model.layers.len() - 1;
        assert_eq!(of.len(), last, "every hidden layer has its modules");
        let owned = match outputs {
            Outputs::Owned(of) => of,
            Outputs::Shared => &[],
        };
        let all = of.iter().copied().chain([owned]).flatten().flatten();
        let count = all.max().map_or(0, |largest| largest + 1);
        let own = |module: usize| -> Vec<usize> {
            let is_own = |output: &usize| match (outputs, of.last()) {
                (Outputs::Owned(of), _) => of[*output] == Some(module),
                (Outputs::Shared, Some(of)) => writes(model, of, module, *output),
                (Outputs::Shared, None) => false,
            };
            (0..model.out_perm.len()).filter(is_own).collect()
        };
        let mut modules: Vec<ModuleNetwork<T>> = (0..count)
            .map(|module| ModuleNetwork::new(model, of, module, own(module)))
            .collect();
        let constants = once_each(&mut modules, &model.layers[last].bias);
        Self {
            joiner: joiner(model, &[of, &[owned]].concat(), &modules),
            modules,
            constants,
        }
    }

    /// Whether modules read each other.
    #[must_use]
    pub fn is_joined(&self) -> bool {
        self.joiner.iter().any(|edges| !edges.is_empty())
    }

    /// Physical outputs `[outputs, samples]` of physical inputs `[inputs, samples]`, the
    /// modules side by side on as many threads as there are.
    #[must_use]
    pub fn outputs(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        match self.is_joined() {
            true => self.joined(inputs),
            false => self.alone(inputs),
        }
    }

    /// The same without what the joiner carries: every module by itself.
    #[must_use]
    pub fn alone(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        let outputs = parallel::map(&self.modules, |module| {
            module.model.outputs(module.inputs(inputs).view())
        });
        self.gathered(&outputs, inputs.ncols())
    }

    /// Layer by layer, with what the joiner carries.
    fn joined(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        let mut values: Vec<Array2<T>> =
            parallel::map(&self.modules, |module| module.inputs(inputs));
        for (layer, edges) in self.joiner.iter().enumerate() {
            let modules = self.modules.iter().enumerate();
            values = parallel::map(modules, |(module, network)| {
                let mut read = network.model.layers[layer].read(values[module].view());
                for edge in edges.iter().filter(|edge| edge.to.0 == module) {
                    let writer = values[edge.from.0].row(edge.from.1);
                    read.row_mut(edge.to.1).scaled_add(edge.weight, &writer);
                }
                if layer + 1 < self.joiner.len() {
                    network.model.activation.apply(layer, &mut read);
                }
                read
            });
        }
        self.gathered(&values, inputs.ncols())
    }

    /// The modules' outputs at their places in the network.
    fn gathered(&self, outputs: &[Array2<T>], samples: usize) -> Array2<T> {
        let own = self.modules.iter().flat_map(ModuleNetwork::outputs);
        let places = own.chain(self.constants.iter().map(|(place, _)| place));
        let count = places.max().map_or(0, |last| last + 1);
        let mut all = Array2::zeros((count, samples));
        for (output, value) in &self.constants {
            all.row_mut(*output).fill(*value);
        }
        for (module, outputs) in self.modules.iter().zip(outputs) {
            for (place, row) in module.outputs().iter().zip(outputs.rows()) {
                all.row_mut(*place).scaled_add(T::one(), &row);
            }
        }
        all
    }
}

impl<T: Scalar> ModuleNetwork<T> {
    fn new(model: &Mlp<T>, of: &[&[Option<usize>]], module: usize, outputs: Vec<usize>) -> Self {
        let is_own = |of: &Option<usize>| *of == Some(module);
        let own = |layer: &&[Option<usize>]| -> Vec<usize> {
            (0..layer.len()).filter(|n| is_own(&layer[*n])).collect()
        };
        let mut kept: Vec<Vec<usize>> = vec![Vec::new()];
        kept.extend(of.iter().map(own));
        kept.push(outputs);
        let places = places_read(model, &kept[1]);
        let fold = model.in_perm.len();
        kept[0] = (0..model.folds)
            .flat_map(|f| places.iter().map(move |place| f * fold + place))
            .collect();
        let features: Vec<usize> = places.iter().map(|place| model.in_perm[*place]).collect();
        let outputs = kept.last().into_iter().flatten();
        let targets: Vec<usize> = outputs.map(|place| model.out_perm[*place]).collect();
        let embedding = model.embedding.as_ref();
        let layers = model.layers.iter().zip(kept.windows(2));
        Self {
            model: Mlp {
                embedding: embedding.map(|table| table.select(Axis(1), &sorted(&features))),
                in_perm: ranks(&features),
                folds: model.folds,
                layers: layers
                    .map(|(linear, ends)| linear.selected(&ends[1], &ends[0]))
                    .collect(),
                activation: model
                    .activation
                    .selected(kept.iter().skip(1).map(Vec::as_slice)),
                out_perm: ranks(&targets),
            },
            kept,
        }
    }

    /// Where its outputs stand in the network.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        self.kept.last().map_or(&[], Vec::as_slice)
    }

    /// Its own of the network's physical inputs.
    fn inputs(&self, inputs: ArrayView2<'_, T>) -> Array2<T> {
        inputs.select(Axis(0), &self.kept[0])
    }
}

/// Whether a neuron of `module` in the last hidden layer writes to an output.
fn writes<T: Scalar>(model: &Mlp<T>, of: &[Option<usize>], module: usize, output: usize) -> bool {
    let weights = model.layers[model.layers.len() - 1].weight.row(output);
    let mut own = of
        .iter()
        .zip(weights)
        .filter(|(of, _)| **of == Some(module));
    own.any(|(_, weight)| !weight.is_zero())
}

/// Leaves the bias of every output with the first module that has it alone, so that it is
/// added once; the outputs that no module has, with theirs.
fn once_each<T: Scalar>(modules: &mut [ModuleNetwork<T>], bias: &Array1<T>) -> Vec<(usize, T)> {
    let mut is_had = vec![false; bias.len()];
    for module in modules {
        let outputs = module.kept.last().into_iter().flatten();
        let own = module.model.layers.last_mut().into_iter();
        for (output, bias) in outputs.zip(own.flat_map(|layer| &mut layer.bias)) {
            if std::mem::replace(&mut is_had[*output], true) {
                *bias = T::zero();
            }
        }
    }
    let outputs = bias.iter().copied().enumerate();
    outputs.filter(|(output, _)| !is_had[*output]).collect()
}

/// The places within a fold of which any of these neurons reads some fold's input; the
/// first where they read none, for a network has inputs.
fn places_read<T: Scalar>(model: &Mlp<T>, neurons: &[usize]) -> Vec<usize> {
    let fold = model.in_perm.len();
    let weight = &model.layers[0].weight;
    let is_read = |place: &usize| {
        let mut inputs = (*place..weight.ncols()).step_by(fold);
        inputs.any(|input| neurons.iter().any(|n| !weight[[*n, input]].is_zero()))
    };
    let read: Vec<usize> = (0..fold).filter(is_read).collect();
    match read.is_empty() {
        true => vec![0],
        false => read,
    }
}

/// The edges between modules, by linear layer. Inputs are in no module, nor outputs that
/// are shared.
fn joiner<T: Scalar>(
    model: &Mlp<T>,
    of: &[&[Option<usize>]],
    modules: &[ModuleNetwork<T>],
) -> Vec<Vec<Joining<T>>> {
    let place = |layer: usize, neuron: usize| {
        let module = (*of[layer].get(neuron)?)?;
        let place = modules[module].kept[layer + 1].binary_search(&neuron);
        Some((module, place.ok()?))
    };
    let edges = |layer: usize| -> Vec<Joining<T>> {
        let entries = model.layers[layer].weight.indexed_iter();
        let edges = entries.filter(|(_, weight)| !weight.is_zero());
        let edges = edges.filter_map(|((reader, writer), weight)| {
            let (from, to) = (place(layer - 1, writer)?, place(layer, reader)?);
            let weight = *weight;
            (from.0 != to.0).then_some(Joining { from, to, weight })
        });
        edges.collect()
    };
    let behind_inputs = (1..model.layers.len()).map(edges);
    std::iter::once(Vec::new()).chain(behind_inputs).collect()
}

/// Of distinct numbers, how many of them are smaller than each.
fn ranks(numbers: &[usize]) -> Vec<usize> {
    let order = sorted(numbers);
    let rank = |number: &usize| order.partition_point(|other| other < number);
    numbers.iter().map(rank).collect()
}

fn sorted(numbers: &[usize]) -> Vec<usize> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Linear;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;
    use ndarray::array;
    use proptest::prelude::*;

    /// h0 reads x0, h1 reads x0 and x1; y0 reads h0, y1 reads h1 and 0.5 · h0; y2 is 7.
    fn two_modules() -> Mlp<f64> {
        Mlp {
            embedding: None,
            in_perm: vec![1, 0],
            folds: 1,
            layers: vec![
                Linear {
                    weight: array![[1.0, 0.0], [2.0, 3.0]],
                    bias: array![0.0, 1.0],
                },
                Linear {
                    weight: array![[4.0, 0.0], [0.5, 5.0], [0.0, 0.0]],
                    bias: array![0.0, 2.0, 7.0],
                },
            ],
            activation: Activation::Relu.into(),
            out_perm: vec![2, 0, 1],
        }
    }

    #[test]
    fn modules_and_joiner_worked_out_by_hand() {
        let model = two_modules();
        let owned = Outputs::Owned(&[Some(0), Some(1), None]);
        let apart = Apart::new(&model, &[&[Some(0), Some(1)]], owned);
        let [first, second] = apart.modules.as_slice() else {
            panic!("{apart:?}")
        };
        assert_eq!(first.kept, [vec![0], vec![0], vec![0]]);
        assert_eq!(second.kept, [vec![0, 1], vec![1], vec![1]]);
        // Physical input 0 is feature 1: alone, it is feature 0 of one.
        assert_eq!(
            (&first.model.in_perm, &first.model.out_perm),
            (&vec![0], &vec![0])
        );
        assert_eq!(second.model.in_perm, [1, 0]);
        let edge = Joining {
            from: (0, 0),
            to: (1, 0),
            weight: 0.5,
        };
        assert_eq!(apart.joiner, [vec![], vec![edge]]);
        assert_eq!(apart.constants, [(2, 7.0)]);
        // x = (1, 2): h = (1, 9), y = (4, 0.5 + 45 + 2, 7); alone the second is 47.
        let inputs = array![[1.0], [2.0]];
        assert_eq!(apart.outputs(inputs.view()), array![[4.0], [47.5], [7.0]]);
        assert_eq!(apart.alone(inputs.view()), array![[4.0], [47.0], [7.0]]);

        // With shared outputs the first has y0 and its part of y1, where the bias stays.
        let shared = Apart::new(&model, &[&[Some(0), Some(1)]], Outputs::Shared);
        assert_eq!(shared.modules[0].kept[2], [0, 1]);
        assert_eq!(shared.modules[1].model.layers[1].bias, array![0.0]);
        assert!(!shared.is_joined() && shared.constants == [(2, 7.0)]);
        assert_eq!(shared.outputs(inputs.view()), array![[4.0], [47.5], [7.0]]);
    }

    proptest! {
        #[test]
        fn any_modules_and_their_joiner_do_what_the_network_does(seed in any::<u64>(), count in 1..4_usize) {
            let model = random_mlp(&[4, 7, 6, 3], 2, Activation::Silu, seed);
            let of = |width: usize, shift: usize| -> Vec<Option<usize>> {
                (0..width).map(|n| Some((n * 5 + shift) % count)).collect()
            };
            let layers = [of(7, seed as usize % 5), of(6, 1)];
            let owned = of(3, 0);
            for outputs in [Outputs::Owned(&owned), Outputs::Shared] {
                let apart = Apart::new(&model, &layers.each_ref().map(Vec::as_slice), outputs);
                let inputs = random_inputs(&model, 20, seed);
                let change = apart.outputs(inputs.view()) - model.outputs(inputs.view());
                prop_assert!(change.iter().all(|c| c.abs() < 1e-10), "{change}");
                prop_assert_eq!(apart.is_joined(), count > 1);
            }
        }
    }
}
