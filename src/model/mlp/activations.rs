//! What stands between the linear layers of an MLP: one activation everywhere,
//! one per layer, or one per neuron where each has a slope of its own.

use std::fmt;

use ndarray::{Array2, ArrayViewMut1, Axis, Zip};

use crate::model::Rules;
use crate::numeric::{Activation, Scalar};

/// The activations between an MLP's linear layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activations {
    /// The same everywhere.
    Same(Activation),
    /// Of every hidden layer, the one next to the inputs first.
    Layers(Vec<OfLayer>),
}

/// The activations of one hidden layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OfLayer {
    /// The same for every neuron.
    Same(Activation),
    /// One per neuron, by physical position.
    Neurons(Vec<Activation>),
}

impl Activations {
    /// Of these layers; `Same` where nothing tells them apart.
    #[must_use]
    pub fn of_layers(layers: Vec<OfLayer>) -> Self {
        match layers.split_first() {
            Some((OfLayer::Same(first), rest))
                if rest.iter().all(|layer| *layer == OfLayer::Same(*first)) =>
            {
                Self::Same(*first)
            }
            _ => Self::Layers(layers),
        }
    }

    /// Of neuron `neuron` of hidden layer `layer`, counted from 0.
    ///
    /// # Panics
    /// If the network has no such neuron.
    #[must_use]
    pub fn of(&self, layer: usize, neuron: usize) -> Activation {
        match self {
            Self::Same(activation) => *activation,
            Self::Layers(layers) => layers[layer].of(neuron),
        }
    }

    /// The one activation of hidden layer `layer`, where its neurons have one.
    ///
    /// # Panics
    /// If the network has no such layer.
    #[must_use]
    pub fn of_layer(&self, layer: usize) -> Option<Activation> {
        match self {
            Self::Same(activation) => Some(*activation),
            Self::Layers(layers) => match &layers[layer] {
                OfLayer::Same(activation) => Some(*activation),
                OfLayer::Neurons(_) => None,
            },
        }
    }

    /// Whether every one of them is smooth.
    #[must_use]
    pub fn are_smooth(&self) -> bool {
        match self {
            Self::Same(activation) => activation.is_smooth(),
            Self::Layers(layers) => layers.iter().all(|layer| match layer {
                OfLayer::Same(activation) => activation.is_smooth(),
                OfLayer::Neurons(neurons) => neurons.iter().all(|a| a.is_smooth()),
            }),
        }
    }

    /// What hidden layer `layer` writes, given what it reads, both `[width, samples]`.
    #[must_use]
    pub fn written<T: Scalar>(&self, layer: usize, reads: &Array2<T>) -> Array2<T> {
        let mut values = reads.clone();
        self.apply(layer, &mut values);
        values
    }

    /// Applies those of hidden layer `layer` to what it reads, `[width, samples]`.
    pub fn apply<T: Scalar>(&self, layer: usize, values: &mut Array2<T>) {
        match (self.of_layer(layer), values.as_slice_memory_order_mut()) {
            (Some(activation), Some(slice)) => activation.apply(slice),
            _ => {
                for (neuron, row) in values.axis_iter_mut(Axis(0)).enumerate() {
                    apply_to_row(self.of(layer, neuron), row);
                }
            }
        }
    }

    /// Multiplies gradients by the derivatives at what hidden layer `layer` reads,
    /// both `[width, samples]`.
    pub fn multiply_by_derivative<T: Scalar>(
        &self,
        layer: usize,
        gradients: &mut Array2<T>,
        reads: &Array2<T>,
    ) {
        Zip::indexed(gradients)
            .and(reads)
            .for_each(|(neuron, _), g, x| *g *= self.of(layer, neuron).derivative(*x));
    }

    /// Turns gradients at what hidden layer `layer` writes into those at what it reads,
    /// both `[width, samples]`, by `rules`.
    pub fn through<T: Scalar>(
        &self,
        rules: Rules,
        layer: usize,
        gradients: &mut Array2<T>,
        reads: &Array2<T>,
    ) {
        if rules == Rules::Derivatives {
            return self.multiply_by_derivative(layer, gradients, reads);
        }
        Zip::indexed(gradients)
            .and(reads)
            .for_each(|(neuron, _), g, x| {
                let activation = self.of(layer, neuron);
                rules.through(activation, std::slice::from_mut(g), std::slice::from_ref(x));
            });
    }

    /// The same with the neurons of every hidden layer in another order, or only
    /// some of them: `orders[layer][p]` is the old position of the neuron at p.
    #[must_use]
    pub fn selected<'o>(&self, orders: impl Iterator<Item = &'o [usize]>) -> Self {
        match self {
            Self::Same(activation) => Self::Same(*activation),
            Self::Layers(layers) => {
                let pairs = layers.iter().zip(orders);
                Self::Layers(pairs.map(|(layer, order)| layer.selected(order)).collect())
            }
        }
    }
}

impl OfLayer {
    fn of(&self, neuron: usize) -> Activation {
        match self {
            Self::Same(activation) => *activation,
            Self::Neurons(neurons) => neurons[neuron],
        }
    }

    fn selected(&self, order: &[usize]) -> Self {
        match self {
            Self::Same(activation) => Self::Same(*activation),
            Self::Neurons(neurons) => {
                Self::Neurons(order.iter().map(|old| neurons[*old]).collect())
            }
        }
    }
}

fn apply_to_row<T: Scalar>(activation: Activation, mut row: ArrayViewMut1<'_, T>) {
    match row.as_slice_mut() {
        Some(slice) => activation.apply(slice),
        None => row.mapv_inplace(|x| activation.at(x)),
    }
}

impl From<Activation> for Activations {
    fn from(activation: Activation) -> Self {
        Self::Same(activation)
    }
}

impl fmt::Display for Activations {
    /// `relu`, or `tanh, relu`, or `tanh, leaky_relu per neuron`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(activation) => activation.fmt(f),
            Self::Layers(layers) => {
                for (index, layer) in layers.iter().enumerate() {
                    if index > 0 {
                        f.write_str(", ")?;
                    }
                    match layer {
                        OfLayer::Same(activation) => activation.fmt(f)?,
                        OfLayer::Neurons(_) => f.write_str("prelu")?,
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn slopes() -> Activations {
        let leaky = |text: &str| text.parse().unwrap();
        Activations::Layers(vec![
            OfLayer::Same(Activation::Relu),
            OfLayer::Neurons(vec![leaky("leaky_relu:0.5"), leaky("leaky_relu:0.25")]),
        ])
    }

    #[test]
    fn every_neuron_has_its_own() {
        let mut values = array![[-1.0_f64, 2.0], [-1.0, 2.0]];
        slopes().apply(1, &mut values);
        assert_eq!(values, array![[-0.5, 2.0], [-0.25, 2.0]]);
        let mut values = array![[-1.0_f64, 2.0], [-1.0, 2.0]];
        slopes().apply(0, &mut values);
        assert_eq!(values, array![[0.0, 2.0], [0.0, 2.0]]);
        let mut gradients = array![[1.0, 1.0], [1.0, 1.0]];
        slopes().multiply_by_derivative(1, &mut gradients, &array![[-1.0, 2.0], [-1.0, 2.0]]);
        assert_eq!(gradients, array![[0.5, 1.0], [0.25, 1.0]]);
    }

    #[test]
    fn they_move_with_their_neurons() {
        let orders = [vec![0], vec![1, 0]];
        let moved = slopes().selected(orders.iter().map(Vec::as_slice));
        assert_eq!(moved.of(1, 0), slopes().of(1, 1));
        assert_eq!(moved.to_string(), "relu, prelu");
    }

    #[test]
    fn one_kind_everywhere_is_one() {
        let same = || OfLayer::Same(Activation::Tanh);
        let all = Activations::of_layers(vec![same(), same()]);
        assert_eq!(all, Activation::Tanh.into());
    }
}
