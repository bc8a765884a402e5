//! Samples in the order of a network's sites, in blocks that fit the cache.
//!
//! The split depends on the number of samples alone, so that sums over blocks
//! have the same bits whatever the number of threads.

use ndarray::Array2;

use super::loss::Truth;
use super::parameters::Parameters;
use super::task::Samples;
use crate::data::{Inputs, Labels};
use crate::numeric::Scalar;

/// The most samples of a block.
pub(super) const LARGEST: usize = 384;

/// Some samples as a network sees them.
#[derive(Debug, Clone)]
pub struct Block<T> {
    /// Inputs.
    pub source: Source<T>,
    /// What the outputs should be.
    pub truth: Truth<T>,
}

/// Inputs by physical position.
#[derive(Debug, Clone)]
pub enum Source<T> {
    /// `[inputs + 1, samples]`, the last row all ones.
    Values(Array2<T>),
    /// Per fold, the token of each sample.
    Tokens(Vec<Vec<usize>>),
}

impl<T> Block<T> {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.source {
            Source::Values(values) => values.ncols(),
            Source::Tokens(folds) => folds[0].len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Blocks of the samples with these numbers, in the order of `parameters`' permutations.
#[must_use]
pub fn blocks<T: Scalar>(
    samples: &Samples,
    chosen: &[usize],
    parameters: &Parameters<T>,
) -> Vec<Block<T>> {
    let count = chosen.len().div_ceil(LARGEST).max(1);
    let size = chosen.len().div_ceil(count).max(1);
    let block = |chosen: &[usize]| Block {
        source: source(&samples.inputs, chosen, parameters),
        truth: truth(&samples.labels, chosen, &parameters.out_perm),
    };
    chosen.chunks(size).map(block).collect()
}

fn source<T: Scalar>(inputs: &Inputs, chosen: &[usize], parameters: &Parameters<T>) -> Source<T> {
    let (fold, width) = (parameters.form.fold(), parameters.form.widths[0]);
    match inputs {
        Inputs::Values(values) => {
            let value = |(q, sample): (usize, usize)| {
                if q == width {
                    return T::one();
                }
                let feature = q / fold * fold + parameters.in_perm[q % fold];
                T::from_f64(values[[chosen[sample], feature]])
            };
            Source::Values(Array2::from_shape_fn((width + 1, chosen.len()), value))
        }
        Inputs::Tokens(tokens) => {
            let of_fold = |fold| {
                chosen
                    .iter()
                    .map(|sample| tokens[[*sample, fold]])
                    .collect()
            };
            Source::Tokens((0..parameters.form.folds).map(of_fold).collect())
        }
    }
}

fn truth<T: Scalar>(labels: &Labels, chosen: &[usize], out_perm: &[usize]) -> Truth<T> {
    match labels {
        Labels::Classes(classes) => {
            let mut row_of = vec![0; out_perm.len()];
            for (row, class) in out_perm.iter().enumerate() {
                row_of[*class] = row;
            }
            Truth::Rows(
                chosen
                    .iter()
                    .map(|sample| row_of[classes[*sample]])
                    .collect(),
            )
        }
        Labels::Targets(targets) => {
            let shape = (out_perm.len(), chosen.len());
            Truth::Targets(Array2::from_shape_fn(shape, |(row, sample)| {
                T::from_f64(targets[[chosen[sample], out_perm[row]]])
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::Rng;
    use crate::train::parameters::Form;
    use ndarray::array;

    #[test]
    fn samples_stand_in_physical_order() {
        let form = Form {
            widths: vec![2, 3, 2],
            folds: 1,
            tokens: None,
        };
        let mut parameters = Parameters::<f64>::fresh(form, &mut Rng::new(0, 0));
        parameters.in_perm = vec![1, 0];
        parameters.out_perm = vec![1, 0];
        let samples = Samples {
            inputs: Inputs::Values(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
            labels: Labels::Classes(vec![0, 1, 1]),
        };
        let blocks = blocks(&samples, &[2, 0], &parameters);
        let Source::Values(values) = &blocks[0].source else {
            panic!("values")
        };
        assert_eq!(values, array![[6.0, 2.0], [5.0, 1.0], [1.0, 1.0]]);
        assert_eq!(blocks[0].truth, Truth::Rows(vec![0, 1]));
    }

    #[test]
    fn blocks_are_even_and_cover_all() {
        let form = Form {
            widths: vec![4, 3, 2],
            folds: 2,
            tokens: Some(2),
        };
        let parameters = Parameters::<f32>::fresh(form, &mut Rng::new(0, 0));
        let samples = Samples {
            inputs: Inputs::Tokens(Array2::zeros((1000, 2))),
            labels: Labels::Classes(vec![0; 1000]),
        };
        let all: Vec<usize> = (0..1000).collect();
        let sizes: Vec<usize> = blocks(&samples, &all, &parameters)
            .iter()
            .map(Block::len)
            .collect();
        assert_eq!(sizes, [334, 334, 332]);
    }
}
