//! The memory that a training takes, from its sizes alone.

use super::blocks::LARGEST;
use super::recipe::{Precision, Recipe};
use super::task::Problem;

/// Bytes that a training of this recipe takes on so many threads, above what the
/// process and the samples as they were read take already.
///
/// Counted are the numbers of the network, the optimiser's two moments, the gradient and
/// the prices; a gradient and the layers' values for each block of samples; the samples
/// in the network's order; and the graph of the finished network.
#[must_use]
pub fn bytes(problem: &Problem, recipe: &Recipe, threads: usize) -> u64 {
    let wide = |n: usize| n as u128;
    let number = match recipe.precision {
        Precision::F32 => 4,
        Precision::F64 => 8,
    };
    let form = problem.form(recipe);
    let widths = form.widths.iter().copied().map(wide);
    let layers: u128 = widths.clone().sum();
    let pairs = form.widths.windows(2);
    let edges: u128 = pairs.map(|w| wide(w[0]) * wide(w[1])).sum();
    let embedding = form.tokens.map_or(0, |t| wide(t) * wide(recipe.embedding));
    let numbers = edges + layers + embedding;
    let samples = wide(problem.train.len() + problem.test.len());
    let at_once = recipe.batch.unwrap_or(problem.train.len());
    let blocks = wide(at_once.div_ceil(LARGEST).max(1));
    let block = numbers + 4 * layers * wide(LARGEST.min(at_once));
    let training = 5 * numbers + blocks * block + samples * wide(form.widths[0] + 1);
    let measuring = wide(threads) * block;
    // A graph of all edges: dense in 64 bits twice, and its ends and weights.
    let graph = 56 * edges;
    let all = number * (training + measuring).max(training) + graph;
    u64::try_from(all).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Regime, Task};

    #[test]
    fn a_wider_network_takes_more_and_the_widest_does_not_overflow() {
        let (problem, mut recipe) = (Task::TwoMoon.problem(0), Task::TwoMoon.recipe(Regime::Bimt));
        let small = bytes(&problem, &recipe, 2);
        assert!((100_000..10_000_000).contains(&small), "{small}");
        recipe.hidden = vec![1000, 1000];
        // A million edges: 76 bytes each without the blocks' gradients.
        assert!(bytes(&problem, &recipe, 2) > 76_000_000);
        recipe.hidden = vec![1_000_000; 3];
        assert!(bytes(&problem, &recipe, 2) > 1 << 46);
    }
}
