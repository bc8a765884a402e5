//! Where nodes sit, and what their connections cost by length, as in BIMT.
//!
//! Checkpoints do not store places: they follow from the arrangement of each
//! layer. Source: Liu, Gan & Tegmark (2023), arXiv 2305.08746, and its code.

use ndarray::Array2;

use super::Layered;
use crate::result::Arrangement;

/// A place in the unit square; `y` is 0 on a line.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Place {
    /// Across, in [0, 1].
    pub x: f64,
    /// In depth, in [0, 1].
    pub y: f64,
}

impl Place {
    /// |Δx| + |Δy|, the distance BIMT charges for; on a line it is |Δx|.
    ///
    /// ```
    /// use modscope::graph::Place;
    /// let distance = Place { x: 0.25, y: 0.0 }.distance(Place { x: 0.5, y: 1.0 });
    /// assert_eq!(distance, 1.25);
    /// ```
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).abs() + (self.y - other.y).abs()
    }
}

/// The places of a layer of `width` nodes in `folds` copies of one row of places.
///
/// * `Line`: node k of n at ((k + ½)/n, 0); with folds, n is the width of a
///   fold and k the position in it, so that folds lie over one another.
/// * `Grid`: index = row · side + column, side = ⌈√n⌉, at ((column + ½)/side, (row + ½)/side).
/// * `Ring`: (½, ½) + (cos θ, sin θ)/4 at the half-step angles θ = 2π (k + ½)/n.
///
/// ```
/// use modscope::{graph::places::layer_places, result::Arrangement};
/// let xs: Vec<f64> = layer_places(Arrangement::Line, 4, 2).iter().map(|p| p.x).collect();
/// assert_eq!(xs, [0.25, 0.75, 0.25, 0.75]);
/// ```
#[must_use]
pub fn layer_places(arrangement: Arrangement, width: usize, folds: usize) -> Vec<Place> {
    let period = width.div_ceil(folds.max(1)).max(1);
    (0..width)
        .map(|index| place(arrangement, index % period, period))
        .collect()
}

/// The places of all layers; `folds` concerns the first layer only.
#[must_use]
pub fn places(widths: &[usize], arrangements: &[Arrangement], folds: usize) -> Vec<Vec<Place>> {
    let layers = widths.iter().zip(arrangements).enumerate();
    layers
        .map(|(layer, (width, arrangement))| {
            layer_places(*arrangement, *width, if layer == 0 { folds } else { 1 })
        })
        .collect()
}

fn place(arrangement: Arrangement, k: usize, n: usize) -> Place {
    let half_step = |k: usize, n: usize| (k as f64 + 0.5) / n as f64;
    match arrangement {
        Arrangement::Line => Place {
            x: half_step(k, n),
            y: 0.0,
        },
        Arrangement::Grid => {
            let side = (n as f64).sqrt().ceil() as usize;
            Place {
                x: half_step(k % side, side),
                y: half_step(k / side, side),
            }
        }
        Arrangement::Ring => {
            let (sin, cos) = (std::f64::consts::TAU * half_step(k, n)).sin_cos();
            Place {
                x: 0.5 + cos / 4.0,
                y: 0.5 + sin / 4.0,
            }
        }
    }
}

/// Wiring cost Σ |w| (λ · distance + l0) over all edges.
///
/// `places[l]` are the places of layer l. BIMT sums it for the symbolic tasks;
/// for others it takes the mean per matrix, and for images it charges the last
/// layer without its distance: add up [`layer_wiring_cost`] for these.
/// Source: arXiv 2305.08746, equation 2.
#[must_use]
pub fn wiring_cost(layered: &Layered, places: &[Vec<Place>], lambda: f64, l0: f64) -> f64 {
    let layers = layered.weights.iter().zip(places.windows(2));
    layers
        .map(|(weights, ends)| layer_wiring_cost(weights, &ends[0], &ends[1], lambda, l0))
        .sum()
}

/// Wiring cost of one matrix, `weights: [readers, writers]`; NaN costs nothing.
#[must_use]
pub fn layer_wiring_cost(
    weights: &Array2<f64>,
    writers: &[Place],
    readers: &[Place],
    lambda: f64,
    l0: f64,
) -> f64 {
    let mut cost = 0.0;
    for (row, reader) in weights.rows().into_iter().zip(readers) {
        for (weight, writer) in row.iter().zip(writers) {
            if !weight.is_nan() {
                cost += weight.abs() * (lambda * reader.distance(*writer) + l0);
            }
        }
    }
    cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_grid_is_read_row_by_row() {
        let grid = layer_places(Arrangement::Grid, 4, 1);
        assert_eq!(grid[1], Place { x: 0.75, y: 0.25 });
        assert_eq!(grid[2], Place { x: 0.25, y: 0.75 });
    }

    #[test]
    fn a_ring_of_four_stands_on_the_diagonals() {
        let ring = layer_places(Arrangement::Ring, 4, 1);
        let step = 0.125 * 2.0_f64.sqrt();
        assert!((ring[0].x - 0.5 - step).abs() < 1e-12 && (ring[0].y - 0.5 - step).abs() < 1e-12);
        assert!((ring[2].x - 0.5 + step).abs() < 1e-12);
    }

    #[test]
    fn only_inputs_are_folded() {
        let all = places(&[4, 4], &[Arrangement::Line; 2], 2);
        assert_eq!((all[0][2].x, all[1][2].x), (0.25, 0.625));
        assert!(places(&[0], &[Arrangement::Grid], 0)[0].is_empty());
    }

    /// By hand: inputs at ¼ and ¾, output at ½, so both lengths are ¼:
    /// (2 + 1)(2 · ¼ + 0.1) = 1.8.
    #[test]
    fn wiring_cost_by_hand() {
        let network = Layered::new(vec![array![[2.0, -1.0]]]);
        let places = places(&network.widths, &[Arrangement::Line; 2], 1);
        assert!((wiring_cost(&network, &places, 2.0, 0.1) - 1.8).abs() < 1e-12);
    }
}
