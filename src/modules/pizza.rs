//! Clock or pizza: how a network, or one module of it, adds numbers of a cycle.
//!
//! The *clock* multiplies the two angles together, so its gradients towards the two inputs
//! differ; the *pizza* reads the mean of the two embeddings, so its gradients are alike, and
//! its correct logits depend on how far the inputs are apart. Source of both measures: Zhong
//! et al. (2023), arXiv 2306.17844.

use ndarray::{Array2, Axis, s};

use crate::model::Mlp;
use crate::numeric::{Rng, statistics};
use crate::result::Addition;

/// Triples (a, b, c) that the symmetricity is a mean over, at most.
const TRIPLES: usize = 1_000;

/// Both measures of a network of two tokens of a cycle, with an output for each number, or of
/// a `module` that is left [`alone`] in it.
///
/// `None` where it is no such network. Triples are drawn from `seed`; O(tokens²) runs.
#[must_use]
pub fn addition(model: &Mlp<f64>, module: Option<usize>, seed: u64) -> Option<Addition> {
    let table = model.embedding.as_ref()?;
    let tokens = table.nrows();
    if model.folds != 2 || model.out_perm.len() != tokens || tokens < 2 {
        return None;
    }
    let all: Vec<[usize; 2]> = (0..tokens * tokens)
        .map(|n| [n / tokens, n % tokens])
        .collect();
    let outputs = model.outputs(inputs(model, table, &all).view());
    let position = model.position_of_target();
    let correct = Array2::from_shape_fn((tokens, tokens), |(a, b)| {
        outputs[[position[(a + b) % tokens], a * tokens + b]]
    });
    Some(Addition {
        module,
        gradient_symmetricity: symmetricity(model, table, seed),
        distance_irrelevance: irrelevance(&correct),
    })
}

/// A network whose messages out of all sites outside a module are zero: `is_in(layer,
/// position)`, inputs being layer 0.
#[must_use]
pub fn alone(model: &Mlp<f64>, is_in: impl Fn(usize, usize) -> bool) -> Mlp<f64> {
    let mut alone = model.clone();
    for (layer, linear) in alone.layers.iter_mut().enumerate() {
        for (writer, mut column) in linear.weight.axis_iter_mut(Axis(1)).enumerate() {
            if !is_in(layer, writer) {
                column.fill(0.0);
            }
        }
    }
    alone
}

/// Physical inputs `[width, samples]` of pairs of tokens.
fn inputs(model: &Mlp<f64>, table: &Array2<f64>, pairs: &[[usize; 2]]) -> Array2<f64> {
    let width = table.ncols();
    let features = Array2::from_shape_fn((pairs.len(), 2 * width), |(sample, k)| {
        table[[pairs[sample][k / width], k % width]]
    });
    model.arrange(features.view())
}

/// The mean cosine of the gradients of Q_abc towards the embeddings of a and of b.
fn symmetricity(model: &Mlp<f64>, table: &Array2<f64>, seed: u64) -> Option<f64> {
    let tokens = table.nrows();
    let mut rng = Rng::new(seed, 0);
    let count = TRIPLES.min(tokens.pow(3));
    let pairs: Vec<[usize; 2]> = (0..count)
        .map(|_| [rng.below(tokens), rng.below(tokens)])
        .collect();
    let outputs: Vec<usize> = (0..count).map(|_| rng.below(tokens)).collect();
    let gradients = gradients(model, inputs(model, table, &pairs), &outputs);
    let width = table.ncols();
    let (first, second) = (
        gradients.slice(s![..width, ..]),
        gradients.slice(s![width.., ..]),
    );
    let cosines = (0..count).filter_map(|sample| {
        let (a, b) = (first.column(sample), second.column(sample));
        let lengths = (a.dot(&a) * b.dot(&b)).sqrt();
        (lengths > 0.0).then(|| a.dot(&b) / lengths)
    });
    let cosines: Vec<f64> = cosines.collect();
    (!cosines.is_empty()).then(|| statistics::mean(&cosines))
}

/// The gradient of one output of each sample towards the inputs, `[inputs, samples]`.
fn gradients(model: &Mlp<f64>, inputs: Array2<f64>, outputs: &[usize]) -> Array2<f64> {
    let trace = model.forward(inputs);
    let mut at = Array2::zeros((model.out_perm.len(), outputs.len()));
    for (sample, output) in outputs.iter().enumerate() {
        at[[*output, sample]] = 1.0;
    }
    model.backward(&trace, at).values.swap_remove(0)
}

/// The mean over distances d of the spread of `correct[i][i + d]`, by the spread of all.
fn irrelevance(correct: &Array2<f64>) -> Option<f64> {
    let tokens = correct.nrows();
    let all: Vec<f64> = correct.iter().copied().collect();
    let spread = statistics::population_sd(&all);
    let at = |distance: usize| {
        let along: Vec<f64> = (0..tokens)
            .map(|i| correct[[i, (i + distance) % tokens]])
            .collect();
        statistics::population_sd(&along)
    };
    let mean = (0..tokens).map(at).sum::<f64>() / tokens as f64;
    (spread > 0.0).then(|| mean / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::Linear;
    use crate::numeric::Activation;
    use ndarray::{Array1, array};

    /// Logits that depend on the distance alone have no spread along it; those that depend on
    /// the first number alone have all of it there.
    #[test]
    fn irrelevance_by_hand() {
        let of_distance = Array2::from_shape_fn((5, 5), |(i, j)| ((j + 5 - i) % 5) as f64);
        assert_eq!(irrelevance(&of_distance), Some(0.0));
        let of_first = Array2::from_shape_fn((5, 5), |(i, _)| i as f64);
        assert!((irrelevance(&of_first).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(irrelevance(&Array2::ones((3, 3))), None);
        // Rows 0 1 and 1 1: along d = 0 are 0 1 (spread ½), along d = 1 are 1 1 (spread 0);
        // all four have mean ¾ and spread √3/4: ¼ by √3/4.
        let found = irrelevance(&array![[0.0, 1.0], [1.0, 1.0]]).unwrap();
        assert!((found - 1.0 / 3.0_f64.sqrt()).abs() < 1e-12);
    }

    /// A linear network that reads u·(first) ± v·(second): the cosine of its two gradients.
    fn linear(second: [f64; 2]) -> Mlp<f64> {
        let row = [1.0, 0.0, second[0], second[1]];
        Mlp {
            embedding: Some(array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
            in_perm: vec![0, 1],
            folds: 2,
            layers: vec![Linear {
                weight: Array2::from_shape_fn((3, 4), |(_, k)| row[k]),
                bias: Array1::zeros(3),
            }],
            activation: Activation::Silu.into(),
            out_perm: vec![0, 1, 2],
        }
    }

    #[test]
    fn symmetricity_by_hand() {
        for (second, cosine) in [([1.0, 0.0], 1.0), ([0.0, 2.0], 0.0), ([-3.0, 0.0], -1.0)] {
            let found = addition(&linear(second), None, 1).unwrap();
            assert!((found.gradient_symmetricity.unwrap() - cosine).abs() < 1e-12);
        }
        let off = alone(&linear([1.0, 0.0]), |_, position| position < 2);
        assert_eq!(off.layers[0].weight.row(0).to_vec(), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(addition(&off, None, 1).unwrap().gradient_symmetricity, None);
        let mut one_fold = linear([1.0, 0.0]);
        one_fold.out_perm.pop();
        assert_eq!(addition(&one_fold, None, 1), None);
    }

    /// The gradient of a network with a hidden layer, beside finite differences.
    #[test]
    fn gradients_are_slopes() {
        let model = crate::model::mlp::tests::random_mlp(&[4, 5, 3], 2, Activation::Silu, 3);
        let inputs = crate::model::mlp::tests::random_inputs(&model, 1, 4);
        let found = gradients(&model, inputs.clone(), &[2]);
        for at in 0..inputs.nrows() {
            let moved = |by: f64| {
                let mut moved = inputs.clone();
                moved[[at, 0]] += by;
                model.outputs(moved.view())[[2, 0]]
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - found[[at, 0]]).abs() < 1e-8, "{slope}");
        }
    }
}
