//! Irreducible representations of the symmetric groups: how much of a function of the
//! permutations lies in each.
//!
//! Characters by the rule of Murnaghan and Nakayama (James & Kerber 1981, 2.4). A
//! representation's part of a function is the same whether permutations act from the left or
//! from the right, so that nothing is assumed of how products are written.

use crate::numeric::statistics::beta_above;
use crate::numeric::{inverse, permutations};

/// The symmetric group of so many things, permutations in lexicographic order.
#[derive(Debug, Clone, PartialEq)]
pub struct Symmetric {
    /// The partitions that name its representations and its classes: `[4]`, `[3, 1]`, ….
    pub partitions: Vec<Vec<usize>>,
    /// `characters[representation][class]`
    characters: Vec<Vec<i64>>,
    /// By permutation, its images.
    elements: Vec<Vec<usize>>,
}

impl Symmetric {
    /// The group of `degree` things; meant for small ones: degree! permutations.
    ///
    /// ```
    /// use modscope::modules::representations::Symmetric;
    /// let group = Symmetric::new(4);
    /// let degrees: Vec<usize> = (0..5).map(|k| group.dimension(k)).collect();
    /// assert_eq!((degrees, group.partitions[1].as_slice()), (vec![1, 3, 2, 3, 1], [3, 1].as_slice()));
    /// ```
    #[must_use]
    pub fn new(degree: usize) -> Self {
        let partitions = partitions(degree, degree);
        let row = |shape: &Vec<usize>| {
            partitions
                .iter()
                .map(|class| character(shape, class))
                .collect()
        };
        let characters = partitions.iter().map(row).collect();
        Self {
            elements: permutations(degree),
            characters,
            partitions,
        }
    }

    /// The dimension of a representation: its character at the identity, which is the last class.
    #[must_use]
    pub fn dimension(&self, representation: usize) -> usize {
        let row = self.characters.get(representation);
        row.and_then(|row| row.last())
            .map_or(0, |dimension| dimension.unsigned_abs() as usize)
    }

    /// The share of a function's squares about its mean that lies in each representation, in
    /// their order; 0 for the trivial one, which is the mean, and everywhere for a constant.
    ///
    /// `values[g]` is its value at permutation g. O(permutations²).
    ///
    /// # Panics
    /// If there is not one value for each permutation.
    #[must_use]
    pub fn shares(&self, values: &[f64]) -> Vec<f64> {
        let order = self.elements.len();
        assert_eq!(values.len(), order, "a value for each permutation");
        let mean = values.iter().sum::<f64>() / order as f64;
        let mut by_class = vec![0.0; self.partitions.len()];
        for (g, one) in self.elements.iter().zip(values) {
            for (h, other) in self.elements.iter().zip(values) {
                by_class[self.class(g, h)] += (one - mean) * (other - mean);
            }
        }
        let all = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let share = |(representation, row): (usize, &Vec<i64>)| {
            let sum: f64 = row.iter().zip(&by_class).map(|(x, s)| *x as f64 * s).sum();
            let part = self.dimension(representation) as f64 / order as f64 * sum;
            if all > 0.0 {
                (part / all).max(0.0)
            } else {
                0.0
            }
        };
        self.characters.iter().enumerate().map(share).collect()
    }

    /// How likely a share as large is of normal noise: it has a beta distribution, as the
    /// representation is d² of the |G| − 1 dimensions about the mean.
    #[must_use]
    pub fn p(&self, representation: usize, share: f64) -> f64 {
        let inside = self.dimension(representation).pow(2) as f64;
        let outside = self.elements.len() as f64 - 1.0 - inside;
        beta_above(share, inside / 2.0, outside / 2.0)
    }

    /// The class of g h⁻¹: how long its cycles are.
    fn class(&self, g: &[usize], h: &[usize]) -> usize {
        let back = inverse(h);
        let mut seen = vec![false; h.len()];
        let mut cycles = Vec::new();
        for first in 0..h.len() {
            let (mut at, mut length) = (first, 0);
            while !seen[at] {
                seen[at] = true;
                (at, length) = (g[back[at]], length + 1);
            }
            cycles.extend((length > 0).then_some(length));
        }
        cycles.sort_unstable_by(|a, b| b.cmp(a));
        let class = self
            .partitions
            .iter()
            .position(|partition| *partition == cycles);
        class.unwrap_or_default()
    }
}

/// The partitions of a number into parts of at most `most`, from `[n]` to `[1, …, 1]`.
fn partitions(number: usize, most: usize) -> Vec<Vec<usize>> {
    if number == 0 {
        return vec![Vec::new()];
    }
    let first = (1..=number.min(most)).rev();
    let with = |part: usize| {
        let rest = partitions(number - part, part).into_iter();
        rest.map(move |rest| [vec![part], rest].concat())
    };
    first.flat_map(with).collect()
}

/// The character of the representation `shape` at the class `cycles`: rim hooks of the
/// cycles' lengths are taken off the shape, in all ways.
fn character(shape: &[usize], cycles: &[usize]) -> i64 {
    let rows = shape.len();
    let beads: Vec<usize> = shape
        .iter()
        .enumerate()
        .map(|(row, part)| part + rows - 1 - row)
        .collect();
    without(&beads, cycles)
}

/// The same of a shape by its beads: its rows' lengths, each with the number of rows below.
fn without(beads: &[usize], cycles: &[usize]) -> i64 {
    let Some((cycle, rest)) = cycles.split_first() else {
        return 1;
    };
    let slide = |(row, bead): (usize, &usize)| {
        let to = bead.checked_sub(*cycle).filter(|to| !beads.contains(to))?;
        let between = beads
            .iter()
            .filter(|other| to < **other && *other < bead)
            .count();
        let mut left = beads.to_vec();
        left[row] = to;
        let sign = if between % 2 == 0 { 1 } else { -1 };
        Some(sign * without(&left, rest))
    };
    beads.iter().enumerate().filter_map(slide).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::embeddings::permutation_signs;
    use crate::numeric::Rng;

    /// The character table of S₄; classes from the 4-cycles to the identity.
    #[test]
    fn characters_of_four_things() {
        let group = Symmetric::new(4);
        assert_eq!(group.partitions[2], [2, 2]);
        assert_eq!(
            group.characters,
            [
                [1, 1, 1, 1, 1],
                [-1, 0, -1, 1, 3],
                [0, -1, 2, 0, 2],
                [1, 0, -1, -1, 3],
                [-1, 1, 1, -1, 1],
            ]
        );
    }

    #[test]
    fn squares_of_dimensions_add_up_to_the_order() {
        for (degree, order) in [(2, 2), (3, 6), (5, 120), (6, 720)] {
            let group = Symmetric::new(degree);
            let squares = (0..group.partitions.len()).map(|k| group.dimension(k).pow(2));
            assert_eq!(squares.sum::<usize>(), order);
        }
    }

    /// The sign is the last representation; whether thing 0 stays is the mean and a part of
    /// the standard one, `[3, 1]`.
    #[test]
    fn functions_that_are_known_lie_where_they_should() {
        let group = Symmetric::new(4);
        let sign = group.shares(&permutation_signs(4));
        assert!((sign[4] - 1.0).abs() < 1e-12, "{sign:?}");
        let fixed: Vec<f64> = group
            .elements
            .iter()
            .map(|g| 3.0 + f64::from(u8::from(g[0] == 0)))
            .collect();
        let fixed = group.shares(&fixed);
        assert!((fixed[1] - 1.0).abs() < 1e-12, "{fixed:?}");
        assert!(group.p(1, fixed[1]) < 1e-9 && group.p(4, 0.0) == 1.0);
        assert_eq!(group.shares(&[2.0; 24]), [0.0; 5]);
    }

    /// Of noise all shares add up to 1, and p is below 0.1 a tenth of the time.
    #[test]
    fn shares_add_up_and_noise_is_told_as_noise() {
        let group = Symmetric::new(4);
        let mut rng = Rng::new(1, 0);
        let mut below = 0;
        for _ in 0..1_000 {
            let noise: Vec<f64> = (0..24).map(|_| rng.normal()).collect();
            let shares = group.shares(&noise);
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            below += usize::from(group.p(1, shares[1]) <= 0.1);
        }
        assert!((70..=130).contains(&below), "{below} of 1000");
    }
}
