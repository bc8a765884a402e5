//! Spectral clustering for the normalised cut: eigenvectors of the normalised graph, then k-means.
//!
//! Sources: Shi & Malik (2000) for the cut, Ng, Jordan & Weiss (2002) for the rows,
//! von Luxburg (2007) for the eigengap; Filan et al. (2021) use it on neural networks.
//! The whole matrix is decomposed: O(nodes³), meant for up to a few thousand nodes.

use nalgebra::{DMatrix, SymmetricEigen};

use super::Communities;
use crate::graph::Adjacency;
use crate::numeric::Rng;
use crate::order;

/// Most clusters that the eigengap may choose.
const MOST_CLUSTERS: usize = 20;

/// Starts of k-means, of which the best counts.
const STARTS: usize = 10;

/// Steps of k-means from one start.
const MOST_STEPS: usize = 300;

/// Communities with a small normalised cut; isolated nodes are in none.
///
/// `clusters` of them, or as many as the largest gap between the 2nd to 21st
/// eigenvalues of D^-½ A D^-½ suggests, up to half the nodes. Seeded; k-means starts as k-means++.
///
/// ```
/// use modscope::{graph::Adjacency, modules::spectral::spectral};
/// let edges = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (3, 5, 1.0), (2, 3, 0.1)];
/// let found = spectral(&Adjacency::from_edges(6, &edges), None, 0);
/// assert_eq!(found.of, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(1)]);
/// ```
#[must_use]
pub fn spectral(graph: &Adjacency, clusters: Option<usize>, seed: u64) -> Communities {
    let nodes: Vec<usize> = (0..graph.node_count())
        .filter(|node| !graph.is_isolated(*node))
        .collect();
    if nodes.is_empty() {
        return Communities::from_labels(&vec![None; graph.node_count()]);
    }
    let (values, vectors) = spectrum(graph, &nodes);
    let clusters = clusters
        .unwrap_or_else(|| eigengap(&values))
        .clamp(1, nodes.len().max(1));
    let rows: Vec<Vec<f64>> = (0..nodes.len())
        .map(|row| unit(vectors.iter().take(clusters).map(|v| v[row]).collect()))
        .collect();
    let mut rng = Rng::new(seed, 0);
    let best = (0..STARTS)
        .map(|_| k_means(&rows, clusters, &mut rng))
        .reduce(|best, next| if next.1 < best.1 { next } else { best });
    let mut labels = vec![None; graph.node_count()];
    for (node, label) in nodes.iter().zip(best.unwrap_or_default().0) {
        labels[*node] = Some(label);
    }
    Communities::from_labels(&labels)
}

/// Eigenvalues of D^-½ A D^-½, largest first, and their eigenvectors.
fn spectrum(graph: &Adjacency, nodes: &[usize]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut row_of = vec![usize::MAX; graph.node_count()];
    for (row, node) in nodes.iter().enumerate() {
        row_of[*node] = row;
    }
    let scale: Vec<f64> = nodes
        .iter()
        .map(|node| graph.strength(*node).sqrt().recip())
        .collect();
    let mut matrix = DMatrix::zeros(nodes.len(), nodes.len());
    for (row, node) in nodes.iter().enumerate() {
        matrix[(row, row)] = 2.0 * graph.self_loop(*node) * scale[row] * scale[row];
        for (other, weight) in graph.neighbours(*node) {
            let column = row_of[other];
            matrix[(row, column)] = weight * scale[row] * scale[column];
        }
    }
    let eigen = SymmetricEigen::new(matrix);
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order::descending(&mut order, |index| eigen.eigenvalues[*index]);
    let value = |k: &usize| eigen.eigenvalues[*k];
    let vector = |k: &usize| eigen.eigenvectors.column(*k).iter().copied().collect();
    (
        order.iter().map(value).collect(),
        order.iter().map(vector).collect(),
    )
}

/// The number k ≥ 2 of eigenvalues before the largest gap; at least two nodes per cluster.
fn eigengap(values: &[f64]) -> usize {
    let last = MOST_CLUSTERS.min(values.len() / 2);
    let gap = |k: &usize| values[k - 1] - values[*k];
    (2..=last)
        .max_by(|a, b| gap(a).total_cmp(&gap(b)).then(b.cmp(a)))
        .unwrap_or(1)
}

/// A vector of length 1 in the same direction; zero stays.
fn unit(mut row: Vec<f64>) -> Vec<f64> {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|x| *x /= length);
    }
    row
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

/// The nearest centre and the squared distance to it.
fn nearest(row: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (k, centre) in centres.iter().enumerate() {
        let away = distance(row, centre);
        if away < best.1 {
            best = (k, away);
        }
    }
    best
}

/// Labels of one k-means, and the sum of squared distances to the centres.
fn k_means(rows: &[Vec<f64>], clusters: usize, rng: &mut Rng) -> (Vec<usize>, f64) {
    let mut centres = first_centres(rows, clusters, rng);
    let mut labels = Vec::new();
    for _ in 0..MOST_STEPS {
        let next: Vec<usize> = rows.iter().map(|row| nearest(row, &centres).0).collect();
        if next == labels {
            break;
        }
        labels = next;
        move_centres(&mut centres, rows, &labels);
    }
    let cost = rows.iter().map(|row| nearest(row, &centres).1).sum();
    (labels, cost)
}

/// k-means++: each next centre is drawn in proportion to its squared distance from the others.
///
/// Source: Arthur & Vassilvitskii (2007).
fn first_centres(rows: &[Vec<f64>], clusters: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let mut centres: Vec<Vec<f64>> = Vec::new();
    for _ in 0..clusters.min(rows.len()) {
        let away: Vec<f64> = rows
            .iter()
            .map(|row| {
                if centres.is_empty() {
                    1.0
                } else {
                    nearest(row, &centres).1
                }
            })
            .collect();
        let mut drawn = rng.uniform() * away.iter().sum::<f64>();
        let chosen = away.iter().position(|share| {
            drawn -= share;
            drawn < 0.0
        });
        centres.push(rows[chosen.unwrap_or(0)].clone());
    }
    centres
}

/// Every centre to the mean of its rows; one without rows stays.
fn move_centres(centres: &mut [Vec<f64>], rows: &[Vec<f64>], labels: &[usize]) {
    for (k, centre) in centres.iter_mut().enumerate() {
        let mine: Vec<&Vec<f64>> = rows
            .iter()
            .zip(labels)
            .filter(|(_, label)| **label == k)
            .map(|(row, _)| row)
            .collect();
        if mine.is_empty() {
            continue;
        }
        for (axis, value) in centre.iter_mut().enumerate() {
            *value = mine.iter().map(|row| row[axis]).sum::<f64>() / mine.len() as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three cliques of four in a ring of weak edges.
    fn cliques() -> Adjacency {
        let mut edges = Vec::new();
        for first in [0, 4, 8] {
            for a in first..first + 4 {
                edges.extend((a + 1..first + 4).map(|b| (a, b, 1.0)));
            }
            edges.push((first + 3, (first + 4) % 12, 0.1));
        }
        Adjacency::from_edges(13, &edges)
    }

    #[test]
    fn the_eigengap_counts_cliques() {
        let found = spectral(&cliques(), None, 1);
        assert_eq!(found.count, 3);
        assert_eq!(found.of[12], None);
        assert!((0..3).all(|k| (0..4).all(|j| found.of[4 * k + j] == found.of[4 * k])));
    }

    #[test]
    fn as_many_as_asked_for_where_there_are_nodes() {
        assert_eq!(spectral(&cliques(), Some(2), 1).count, 2);
        let pair = Adjacency::from_edges(2, &[(0, 1, 1.0)]);
        assert!(spectral(&pair, Some(5), 0).count <= 2);
        assert_eq!(spectral(&Adjacency::from_edges(3, &[]), None, 0).count, 0);
    }
}
