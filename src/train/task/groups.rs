//! Group tables as pairs of tokens: modular addition and composition of permutations.
//!
//! Four fifths of all pairs are trained on, the others test whether the group was
//! learned. Source: arXiv 2305.08746, section 3.3.

use std::collections::BTreeMap;

use super::{Problem, Task, split_pairs};
use crate::data::Domain;
use crate::numeric::{Rng, permutations};

/// (a + b) mod `modulus`.
pub fn modular_addition(task: Task, modulus: usize, rng: &mut Rng) -> Problem {
    let names = (0..modulus).map(|i| i.to_string()).collect();
    group(task, names, |a, b| (a + b) % modulus, rng)
}

/// a ∘ b of the permutations of `degree` things: first b, then a.
pub fn permutation(task: Task, degree: usize, rng: &mut Rng) -> Problem {
    let all = permutations(degree);
    let number: BTreeMap<&[usize], usize> = all
        .iter()
        .enumerate()
        .map(|(i, p)| (p.as_slice(), i))
        .collect();
    let compose = |a: usize, b: usize| -> usize {
        let composed: Vec<usize> = all[b].iter().map(|i| all[a][*i]).collect();
        number.get(composed.as_slice()).copied().unwrap_or(0)
    };
    let name = |p: &Vec<usize>| p.iter().map(usize::to_string).collect::<String>();
    group(task, all.iter().map(name).collect(), compose, rng)
}

fn group(
    task: Task,
    names: Vec<String>,
    operation: impl Fn(usize, usize) -> usize,
    rng: &mut Rng,
) -> Problem {
    let tokens = names.len();
    let pairs: Vec<(usize, usize)> = (0..tokens * tokens)
        .map(|i| (i / tokens, i % tokens))
        .collect();
    let (train, test) = split_pairs(&pairs, operation, rng);
    Problem {
        name: task.to_string(),
        train,
        test,
        inputs: vec!["a".into(), "b".into()],
        outputs: names,
        tokens: Some(tokens),
        domain: Some(Domain::Tokens),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Inputs, Labels};

    fn parts(problem: &Problem) -> Vec<(usize, usize, usize)> {
        [&problem.train, &problem.test]
            .iter()
            .flat_map(|samples| {
                let (Inputs::Tokens(tokens), Labels::Classes(classes)) =
                    (&samples.inputs, &samples.labels)
                else {
                    panic!("tokens and classes")
                };
                let row = |(s, class): (usize, &usize)| (tokens[[s, 0]], tokens[[s, 1]], *class);
                classes.iter().enumerate().map(row).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn every_pair_is_used_once() {
        let problem = Task::ModularAddition { modulus: 59 }.problem(1);
        assert_eq!((problem.train.len(), problem.test.len()), (2784, 697));
        let mut all = parts(&problem);
        assert!(all.iter().all(|(a, b, c)| (a + b) % 59 == *c));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3481);
    }

    #[test]
    fn permutations_are_ordered_and_compose() {
        let all = permutations(4);
        assert_eq!((all.len(), &all[1]), (24, &vec![0, 1, 3, 2]));
        assert!(all.is_sorted());
        let problem = Task::Permutation { degree: 4 }.problem(1);
        assert_eq!((problem.train.len(), problem.test.len()), (460, 116));
        for (a, b, c) in parts(&problem) {
            let composed: Vec<usize> = all[b].iter().map(|i| all[a][*i]).collect();
            assert_eq!(all[c], composed);
        }
    }
}
