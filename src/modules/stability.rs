//! How far two partitions agree.
//!
//! Both measures look only at the nodes that are in a module of both.

use std::collections::BTreeMap;

use super::Communities;

/// Adjusted Rand index: 1 is the same partition, 0 what chance gives; can be below 0.
///
/// `(Σ C(n_ij, 2) − E) / (½ (A + B) − E)` with A = Σ C(a_i, 2), B = Σ C(b_j, 2),
/// E = A B / C(n, 2); 1 where both are trivial. Source: Hubert & Arabie (1985).
/// O(nodes · log nodes).
#[must_use]
pub fn adjusted_rand_index(one: &Communities, other: &Communities) -> f64 {
    let table = Table::new(one, other);
    let pairs_of = |sizes: &mut dyn Iterator<Item = f64>| sizes.map(pairs).sum::<f64>();
    let together = pairs_of(&mut table.cells.values().copied());
    let (a, b) = (
        pairs_of(&mut table.rows.into_iter()),
        pairs_of(&mut table.columns.into_iter()),
    );
    let all = pairs(table.total);
    let expected = if all == 0.0 { 0.0 } else { a * b / all };
    let most = (a + b) / 2.0;
    if most == expected {
        1.0
    } else {
        (together - expected) / (most - expected)
    }
}

/// Normalised mutual information, in [0, 1]: 1 is the same partition.
///
/// `2 I(X; Y) / (H(X) + H(Y))`; 1 where both are a single module. Unlike the
/// adjusted Rand index it is above 0 by chance, more so with many modules.
/// Source: Danon et al. (2005). O(nodes · log nodes).
#[must_use]
pub fn normalised_mutual_information(one: &Communities, other: &Communities) -> f64 {
    let table = Table::new(one, other);
    let entropy = |sizes: &[f64]| -> f64 {
        let shares = sizes
            .iter()
            .filter(|size| **size > 0.0)
            .map(|size| size / table.total);
        shares.map(|share| -share * share.ln()).sum()
    };
    let entropies = entropy(&table.rows) + entropy(&table.columns);
    if entropies == 0.0 {
        1.0
    } else {
        (2.0 * table.information() / entropies).clamp(0.0, 1.0)
    }
}

/// Mean adjusted Rand index over all pairs; `None` for fewer than two partitions.
#[must_use]
pub fn mean_agreement(partitions: &[Communities]) -> Option<f64> {
    mean_of_pairs(partitions, adjusted_rand_index)
}

/// Mean normalised mutual information over all pairs; `None` for fewer than two partitions.
#[must_use]
pub fn mean_information(partitions: &[Communities]) -> Option<f64> {
    mean_of_pairs(partitions, normalised_mutual_information)
}

fn mean_of_pairs(
    partitions: &[Communities],
    agreement: fn(&Communities, &Communities) -> f64,
) -> Option<f64> {
    let pairs = partitions.iter().enumerate().flat_map(|(index, one)| {
        partitions[index + 1..]
            .iter()
            .map(move |other| agreement(one, other))
    });
    let agreements: Vec<f64> = pairs.collect();
    let mean = agreements.iter().sum::<f64>() / agreements.len() as f64;
    (!agreements.is_empty()).then_some(mean)
}

/// n (n − 1) / 2.
fn pairs(n: f64) -> f64 {
    n * (n - 1.0) / 2.0
}

/// How many nodes are in module i of the one and j of the other.
struct Table {
    cells: BTreeMap<(usize, usize), f64>,
    rows: Vec<f64>,
    columns: Vec<f64>,
    total: f64,
}

impl Table {
    fn new(one: &Communities, other: &Communities) -> Self {
        let mut table = Self {
            cells: BTreeMap::new(),
            rows: vec![0.0; one.count],
            columns: vec![0.0; other.count],
            total: 0.0,
        };
        let both = one.of.iter().zip(&other.of).filter_map(|(a, b)| a.zip(*b));
        for (row, column) in both {
            *table.cells.entry((row, column)).or_insert(0.0) += 1.0;
            table.rows[row] += 1.0;
            table.columns[column] += 1.0;
            table.total += 1.0;
        }
        table
    }

    /// Mutual information in nats.
    fn information(&self) -> f64 {
        let terms = self.cells.iter().map(|((row, column), size)| {
            let independent = self.rows[*row] * self.columns[*column];
            size / self.total * (size * self.total / independent).ln()
        });
        terms.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[usize]) -> Communities {
        let labels: Vec<_> = labels.iter().map(|label| Some(*label)).collect();
        Communities::from_labels(&labels)
    }

    /// By hand: cells 2, 1, 0, 3 give 1 + 0 + 3 = 4 pairs; A = 3 + 3, B = 1 + 6,
    /// E = 6 · 7 / 15 = 2.8: (4 − 2.8) / (6.5 − 2.8).
    #[test]
    fn rand_index_by_hand() {
        let index = adjusted_rand_index(&labels(&[0, 0, 0, 1, 1, 1]), &labels(&[0, 0, 1, 1, 1, 1]));
        assert!((index - 1.2 / 3.7).abs() < 1e-12, "{index}");
    }

    /// igraph 1.0: `compare_communities([0,0,0,1,1,1], [0,0,1,1,1,1], method="nmi")`.
    #[test]
    fn mutual_information_as_elsewhere() {
        let one = labels(&[0, 0, 0, 1, 1, 1]);
        let nmi = normalised_mutual_information(&one, &labels(&[0, 0, 1, 1, 1, 1]));
        assert!((nmi - 0.478_704_3).abs() < 1e-6, "{nmi}");
    }

    #[test]
    fn the_extremes() {
        let (halves, whole) = (labels(&[0, 0, 1, 1]), labels(&[0, 0, 0, 0]));
        assert_eq!(adjusted_rand_index(&halves, &halves), 1.0);
        assert_eq!(adjusted_rand_index(&whole, &whole), 1.0);
        assert_eq!(adjusted_rand_index(&halves, &whole), 0.0);
        assert_eq!(normalised_mutual_information(&halves, &halves), 1.0);
        assert_eq!(normalised_mutual_information(&halves, &whole), 0.0);
        assert_eq!(
            mean_agreement(&[halves.clone(), whole, halves]),
            Some(1.0 / 3.0)
        );
        assert_eq!(mean_agreement(&[]), None);
    }
}
