//! Compaction: the same function without the neurons that pruning left idle.
//!
//! A neuron that reads nothing that varies writes a constant, which its readers
//! can have in their biases; a neuron that nothing reads can go. Inputs and
//! outputs stay as they are. What is left computes the same up to the rounding of
//! the folded sums.

use ndarray::Array1;

use crate::model::{Linear, Mlp};
use crate::numeric::Scalar;

/// A network without idle neurons.
#[derive(Debug, Clone, PartialEq)]
pub struct Compacted<T> {
    /// The smaller network.
    pub model: Mlp<T>,
    /// Per layer of sites, inputs first, the old position of each site that is left.
    pub kept: Vec<Vec<usize>>,
}

/// Folds constant neurons into biases and drops those that nothing reads.
///
/// A hidden layer of which nothing would be left keeps its first neuron, with
/// weights of zero, so that every layer has a width.
///
/// ```
/// use modscope::model::{Linear, Mlp};
/// use modscope::numeric::Activation;
/// use modscope::prune::compact::compact;
/// use ndarray::array;
///
/// // The second hidden neuron reads nothing and writes relu(4) = 4; the third is not read.
/// let model = Mlp {
///     embedding: None,
///     in_perm: vec![0],
///     folds: 1,
///     layers: vec![
///         Linear { weight: array![[1.0], [0.0], [2.0]], bias: array![0.0, 4.0, 0.0] },
///         Linear { weight: array![[1.0, 0.5, 0.0]], bias: array![0.1] },
///     ],
///     activation: Activation::Relu.into(),
///     out_perm: vec![0],
/// };
/// let compacted = compact(&model);
/// assert_eq!(compacted.kept, [vec![0], vec![0], vec![0]]);
/// assert_eq!(compacted.model.layers[1].bias, array![2.1]);
/// ```
#[must_use]
pub fn compact<T: Scalar>(model: &Mlp<T>) -> Compacted<T> {
    let mut folded = model.clone();
    let constant = fold_constants(&mut folded);
    let mut kept: Vec<Vec<usize>> = model
        .widths()
        .into_iter()
        .map(|n| (0..n).collect())
        .collect();
    for layer in (1..folded.layers.len()).rev() {
        let read = is_read(&folded.layers[layer], &kept[layer + 1]);
        let stays = |neuron: &usize| read[*neuron] && !constant[layer - 1][*neuron];
        kept[layer].retain(stays);
        if kept[layer].is_empty() {
            kept[layer].push(0);
        }
    }
    for (layer, linear) in folded.layers.iter_mut().enumerate() {
        *linear = linear.selected(&kept[layer + 1], &kept[layer]);
    }
    folded.activation = folded
        .activation
        .selected(kept.iter().skip(1).map(Vec::as_slice));
    Compacted {
        model: folded,
        kept,
    }
}

/// Moves what constant neurons write into their readers' biases and sets the
/// weights out of them to zero; says per hidden layer which are constant.
fn fold_constants<T: Scalar>(model: &mut Mlp<T>) -> Vec<Vec<bool>> {
    let mut constant = Vec::new();
    for layer in 0..model.layers.len().saturating_sub(1) {
        let reads = &model.layers[layer];
        let is_constant: Vec<bool> = reads
            .weight
            .rows()
            .into_iter()
            .map(|row| row.iter().all(|w| w.is_zero()))
            .collect();
        let biases = reads.bias.iter().enumerate();
        let values: Array1<T> = biases
            .map(|(neuron, bias)| model.activation.of(layer, neuron).at(*bias))
            .collect();
        let reader = &mut model.layers[layer + 1];
        for (neuron, _) in is_constant.iter().enumerate().filter(|(_, yes)| **yes) {
            reader
                .bias
                .scaled_add(values[neuron], &reader.weight.column(neuron));
            reader.weight.column_mut(neuron).fill(T::zero());
        }
        constant.push(is_constant);
    }
    constant
}

/// Which writers some reader that is kept reads.
fn is_read<T: Scalar>(linear: &Linear<T>, kept: &[usize]) -> Vec<bool> {
    let read =
        |column: ndarray::ArrayView1<'_, T>| kept.iter().any(|reader| !column[*reader].is_zero());
    linear.weight.columns().into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::{random_inputs, random_mlp};
    use crate::numeric::Activation;
    use crate::prune::apply;
    use proptest::prelude::*;

    /// As a share of the outputs' scale: squared ReLUs reach far.
    fn largest_difference(a: &Mlp<f64>, b: &Mlp<f64>, seed: u64) -> f64 {
        let inputs = random_inputs(a, 50, seed);
        let largest = |of: &ndarray::Array2<f64>| of.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let outputs = a.outputs(inputs.view());
        largest(&(&outputs - &b.outputs(inputs.view()))) / largest(&outputs).max(1.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn outputs_stay_the_same(seed in any::<u64>(), threshold in 0.0..3.5_f64, kind in 0..7_usize) {
            let names: Vec<&str> = Activation::names().collect();
            let activation = names[kind].parse().unwrap();
            let pruned = apply(&random_mlp(&[4, 7, 6, 5, 3], 2, activation, seed), threshold, false);
            let compacted = compact(&pruned);
            prop_assert!(largest_difference(&pruned, &compacted.model, seed) < 1e-9);
            let widths: Vec<usize> = compacted.kept.iter().map(Vec::len).collect();
            prop_assert_eq!(&widths, &compacted.model.widths());
            prop_assert_eq!((widths[0], widths[4]), (4, 3));
            // What is compact stays as it is.
            prop_assert_eq!(compact(&compacted.model).model.widths(), widths);
        }
    }

    #[test]
    fn a_chain_of_constants_collapses() {
        let mut model = random_mlp(&[2, 3, 3, 1], 1, Activation::Silu, 5);
        model.layers[0].weight.fill(0.0);
        let compacted = compact(&model);
        assert_eq!(compacted.model.widths(), [2, 1, 1, 1]);
        assert!(largest_difference(&model, &compacted.model, 1) < 1e-12);
    }
}
