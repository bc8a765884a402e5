//! How far modules hang on the samples that the edge weights were measured on.

use super::assigned::labels_of;
use super::detect::detect;
use super::living::living;
use super::quality::modularity;
use super::{ModulesConfig, stability};
use crate::graph::Layered;
use crate::numeric::{parallel, statistics};
use crate::result::{Assignment, Bootstrap, Resample};

/// The modules of the same network weighed on resamples, beside those `reported`.
///
/// Every resample is searched with the seed of `config`, so that only the data differ.
/// `None` without resamples. O(searches · edges).
#[must_use]
pub fn bootstrap(
    resampled: &[Layered],
    reported: &[Assignment],
    names: &[String],
    config: &ModulesConfig,
) -> Option<Bootstrap> {
    let reported = &labels_of(reported, names);
    let resample = |network: &Layered| {
        let network = &*living(network, config);
        let graph = network.adjacency();
        let communities = detect(network, &graph, config, config.seed);
        Resample {
            count: communities.count,
            modularity: modularity(&graph, &communities, config.reported_resolution()),
            rand_index: stability::adjusted_rand_index(&communities, reported),
            nmi: stability::normalised_mutual_information(&communities, reported),
        }
    };
    let draws = parallel::map(resampled, resample);
    let of = |value: fn(&Resample) -> f64| -> Vec<f64> {
        let mut values: Vec<f64> = draws.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (indices, nmi) = (of(|draw| draw.rand_index), of(|draw| draw.nmi));
    let interval = |values: &[f64]| {
        let at = |q| statistics::quantile(values, q);
        at(0.025).zip(at(0.975)).map(<[f64; 2]>::from)
    };
    Some(Bootstrap {
        rand_index: statistics::mean(&indices),
        rand_index_interval: interval(&indices)?,
        nmi: statistics::mean(&nmi),
        nmi_interval: interval(&nmi)?,
        draws,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// By hand: the pairs 0–2, 1–3 again, and once the pairs 0–3, 1–2, which share no
    /// pair with them: adjusted Rand index (0 − ⅔) / (2 − ⅔) = −½.
    #[test]
    fn other_pairs_disagree() {
        let names = ["x0", "x1", "y0", "y1"].map(String::from);
        let straight = Layered::new(vec![array![[1.0, 0.0], [0.0, 1.0]]]);
        let crossed = Layered::new(vec![array![[0.0, 1.0], [1.0, 0.0]]]);
        let config = ModulesConfig::default();
        let reported = super::super::find_in(&straight, &names, &config).partition;
        let found = bootstrap(&[straight, crossed], &reported, &names, &config).unwrap();
        assert!((found.rand_index - 0.25).abs() < 1e-12);
        assert!((found.nmi - 0.5).abs() < 1e-12);
        assert_eq!(
            (found.draws[0].rand_index, found.draws[0].modularity),
            (1.0, 0.5)
        );
        assert!((found.draws[1].rand_index + 0.5).abs() < 1e-12);
        assert!(bootstrap(&[], &reported, &names, &config).is_none());
    }
}
