//! Does the circuit win against the network as often as it loses?

use super::binomial::masses;
use crate::metric::Direction;

/// How far from one half the chance to win may be and still count as equal.
pub const EPSILON: f64 = 0.1;

/// Values closer than this share of their size are a tie: rounding.
const TIE: f64 = 1e-6;

/// Samples on which the circuit does better than the network, and the test of
/// |P(win) − ½| < ε.
#[derive(Debug, Clone, PartialEq)]
pub struct Equivalence {
    /// Samples on which the circuit scores better.
    pub wins: usize,
    /// Samples on which both score the same.
    pub ties: usize,
    /// Samples.
    pub samples: usize,
    /// Fraction of wins, ties counting half.
    pub fraction: f64,
    /// Of a fraction at least as far from one half, were the chance to win ½ + ε.
    pub p: f64,
}

/// Tests the fraction of wins of `circuit` against `full`, sample by sample.
/// A small p speaks against equivalence.
#[must_use]
pub fn equivalence(circuit: &[f64], full: &[f64], direction: Direction) -> Equivalence {
    let (mut wins, mut ties) = (0_usize, 0_usize);
    for (c, f) in circuit.iter().zip(full) {
        let better = match direction {
            Direction::HigherIsBetter => c - f,
            Direction::LowerIsBetter => f - c,
        };
        if better.abs() <= TIE * c.abs().max(f.abs()) {
            ties += 1;
        } else if better > 0.0 {
            wins += 1;
        }
    }
    let samples = circuit.len();
    let halves = 2 * wins + ties;
    // In half wins, so that no rounding decides: |k/n − ½| ≥ t is |2k − n| ≥ |halves − n|.
    let distance = halves.abs_diff(samples);
    let far = |k: usize| (2 * k).abs_diff(samples) >= distance;
    let p = masses(samples, 0.5 + EPSILON)
        .iter()
        .enumerate()
        .filter(|(k, _)| far(*k))
        .map(|(_, mass)| mass)
        .sum::<f64>();
    Equivalence {
        wins,
        ties,
        samples,
        fraction: halves as f64 / (2 * samples.max(1)) as f64,
        p: p.min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_everywhere_is_equivalent() {
        let values = [1.0, 2.0, -3.0];
        let found = equivalence(&values, &values, Direction::HigherIsBetter);
        assert_eq!((found.wins, found.ties, found.fraction), (0, 3, 0.5));
        assert!((found.p - 1.0).abs() < 1e-12);
    }

    /// Always losing: k ∈ {0, 20} is as far from one half: 0.4²⁰ + 0.6²⁰.
    #[test]
    fn what_always_loses_is_not() {
        let (circuit, full) = (vec![0.0; 20], vec![1.0; 20]);
        let found = equivalence(&circuit, &full, Direction::HigherIsBetter);
        assert_eq!((found.wins, found.fraction), (0, 0.0));
        let by_hand = 0.4_f64.powi(20) + 0.6_f64.powi(20);
        assert!((found.p - by_hand).abs() < 1e-15, "{}", found.p);
        let other_way = equivalence(&circuit, &full, Direction::LowerIsBetter);
        assert_eq!(other_way.wins, 20);
    }

    #[test]
    fn the_size_of_a_difference_does_not_matter() {
        // The mean difference is huge, and the wins are even.
        let circuit = [1.0, 1.0, 1.0, -1e6];
        let found = equivalence(&circuit, &[0.0, 2.0, 0.0, 0.0], Direction::HigherIsBetter);
        assert_eq!((found.fraction, found.wins), (0.5, 2));
        assert!((found.p - 1.0).abs() < 1e-12);
    }
}
