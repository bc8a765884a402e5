//! An MLP as the tensors and the configuration of a file.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::Mlp;
use crate::checkpoint::Tensor;
use crate::numeric::Scalar;

/// Tensors by name.
pub type Tensors = BTreeMap<String, Tensor>;

impl<T: Scalar> Mlp<T> {
    /// The network in BIMT's layout, which has permutations and an embedding; they are
    /// float32 there. The activation is not in the tensors.
    #[must_use]
    pub fn to_bimt(&self) -> Tensors {
        let mut tensors = self.weights("");
        tensors.insert("in_perm".into(), permutation(&self.in_perm));
        tensors.insert("out_perm".into(), permutation(&self.out_perm));
        tensors
    }

    /// Its trained numbers alone, under BIMT's names with a prefix.
    #[must_use]
    pub fn weights(&self, prefix: &str) -> Tensors {
        let mut tensors = Tensors::new();
        if let Some(embedding) = &self.embedding {
            tensors.insert(format!("{prefix}embedding"), matrix(embedding));
        }
        for index in 0..self.layers.len() {
            self.layer(
                index,
                &format!("{prefix}linears.{index}.linear"),
                &mut tensors,
            );
        }
        tensors
    }

    /// The layers alone, as plain ones in a row, with the `config.json` that says their
    /// order and activations. Inputs and outputs are by place.
    #[must_use]
    pub fn to_chain(&self) -> (Tensors, Map<String, Value>) {
        let (mut tensors, mut steps) = (Tensors::new(), Vec::new());
        for (index, linear) in self.layers.iter().enumerate() {
            let name = format!("layers.{index}");
            self.layer(index, &name, &mut tensors);
            steps.push(json!({"op": "linear", "name": name}));
            if index + 1 == self.layers.len() {
                break;
            }
            steps.push(match self.activation.of_layer(index) {
                Some(activation) => json!({"op": activation.to_string()}),
                None => {
                    let slope = |n| self.activation.of(index, n).parameter();
                    let slopes = (0..linear.bias.len()).filter_map(slope).map(T::from_f64);
                    let slopes: Vec<T> = slopes.collect();
                    let name = format!("slopes.{index}");
                    let tensor = Tensor::of_floats(&[slopes.len()], &slopes);
                    tensors.insert(format!("{name}.weight"), tensor);
                    json!({"op": "prelu", "name": name})
                }
            });
        }
        let config = Map::from_iter([("layers".to_owned(), Value::Array(steps))]);
        (tensors, config)
    }

    /// Adds the weights and biases of one linear layer.
    fn layer(&self, index: usize, name: &str, tensors: &mut Tensors) {
        let linear = &self.layers[index];
        let bias = linear.bias.to_vec();
        tensors.insert(format!("{name}.weight"), matrix(&linear.weight));
        tensors.insert(
            format!("{name}.bias"),
            Tensor::of_floats(&[bias.len()], &bias),
        );
    }
}

/// A permutation as it is stored in BIMT's layout.
#[must_use]
pub fn permutation(order: &[usize]) -> Tensor {
    let numbers: Vec<f32> = order.iter().map(|i| *i as f32).collect();
    Tensor::of_floats(&[order.len()], &numbers)
}

/// A matrix as a tensor.
#[must_use]
pub fn matrix<T: Scalar>(values: &Array2<T>) -> Tensor {
    let numbers: Vec<T> = values.iter().copied().collect();
    Tensor::of_floats(&[values.nrows(), values.ncols()], &numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::model::mlp::tests::random_mlp;
    use crate::model::{Activations, Architecture, Loaded, Network, OfLayer};
    use crate::numeric::{Activation, Parameter};

    fn read(tensors: Tensors, config: &Map<String, Value>) -> Mlp<f64> {
        let config = Value::from(config.clone()).to_string();
        let checkpoint = Checkpoint::from_tensors("stored", tensors, Some(&config)).unwrap();
        match Loaded::from_checkpoint(&checkpoint, Default::default())
            .unwrap()
            .network
        {
            Network::F64(Architecture::Mlp(model)) => model,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let model = random_mlp(&[4, 3, 2, 2], 2, Activation::Tanh, 1);
        let config = json!({"activation": "tanh"});
        assert_eq!(read(model.to_bimt(), config.as_object().unwrap()), model);

        let slopes = [0.1, 0.2]
            .map(|slope| Activation::LeakyRelu(Parameter::new(slope)))
            .to_vec();
        let layers = vec![OfLayer::Same(Activation::Gelu), OfLayer::Neurons(slopes)];
        let plain = Mlp {
            in_perm: vec![0, 1, 2, 3],
            folds: 1,
            out_perm: vec![0, 1],
            activation: Activations::of_layers(layers),
            ..model
        };
        let (tensors, config) = plain.to_chain();
        assert_eq!(read(tensors, &config), plain);
    }
}
