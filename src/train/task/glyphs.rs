//! Images made in code: the ten digits as seven segments, 8 × 8 pixels, in grey.
//!
//! No image set is shipped; these take the place of one. Each sample draws its
//! digit at a random place and slant, with strokes of random strength and blur
//! and with noise, so that classes overlap and a linear reader is not enough.

use ndarray::Array2;

use super::{Problem, Samples, Task};
use crate::data::{Domain, Inputs, Labels};
use crate::numeric::Rng;

/// Pixels on a side.
const SIDE: usize = 8;
/// As many as scikit-learn's digits, split as BIMT's examples are.
const TRAIN: usize = 1437;
const TEST: usize = 360;

/// Ends of the segments a to g in a box of width 1 and height 2, `y` downwards.
const SEGMENTS: [[[f64; 2]; 2]; 7] = [
    [[0.0, 0.0], [1.0, 0.0]],
    [[1.0, 0.0], [1.0, 1.0]],
    [[1.0, 1.0], [1.0, 2.0]],
    [[0.0, 2.0], [1.0, 2.0]],
    [[0.0, 1.0], [0.0, 2.0]],
    [[0.0, 0.0], [0.0, 1.0]],
    [[0.0, 1.0], [1.0, 1.0]],
];

/// The segments of each digit, `a` the lowest bit.
const DIGITS: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];

/// The samples.
pub fn problem(task: Task, rng: &mut Rng) -> Problem {
    Problem {
        name: task.to_string(),
        train: samples(TRAIN, rng),
        test: samples(TEST, rng),
        inputs: (0..SIDE * SIDE)
            .map(|i| format!("pixel {},{}", i / SIDE, i % SIDE))
            .collect(),
        outputs: (0..10).map(|digit| digit.to_string()).collect(),
        tokens: None,
        domain: Some(Domain::Box(vec![[0.0, 1.0]; SIDE * SIDE])),
    }
}

fn samples(count: usize, rng: &mut Rng) -> Samples {
    let classes: Vec<usize> = (0..count).map(|_| rng.below(10)).collect();
    let images: Vec<[f64; SIDE * SIDE]> = classes.iter().map(|class| image(*class, rng)).collect();
    Samples {
        inputs: Inputs::Values(Array2::from_shape_fn((count, SIDE * SIDE), |(s, i)| {
            images[s][i]
        })),
        labels: Labels::Classes(classes),
    }
}

/// One drawn digit, pixels in [0, 1], row by row.
fn image(digit: usize, rng: &mut Rng) -> [f64; SIDE * SIDE] {
    let mut between = |lo: f64, hi: f64| lo + (hi - lo) * rng.uniform();
    let (left, top) = (between(1.6, 3.0), between(0.8, 1.8));
    let (width, height) = (between(2.0, 3.2), between(2.2, 2.7));
    let (slant, blur) = (between(-0.15, 0.35), between(0.45, 0.8));
    let strengths: Vec<f64> = (0..7).map(|_| between(0.7, 1.0)).collect();
    let at = |[x, y]: [f64; 2]| [left + width * x + slant * (2.0 - y), top + height * y];
    let mut pixels = [0.0; SIDE * SIDE];
    for (index, pixel) in pixels.iter_mut().enumerate() {
        let centre = [(index % SIDE) as f64 + 0.5, (index / SIDE) as f64 + 0.5];
        let ink = (0..7)
            .filter(|segment| DIGITS[digit] >> segment & 1 == 1)
            .map(|segment| {
                let off = distance(centre, SEGMENTS[segment].map(at)) / blur;
                strengths[segment] * libm::exp(-off * off)
            })
            .fold(0.0, f64::max);
        *pixel = (ink + 0.08 * rng.normal()).clamp(0.0, 1.0);
    }
    pixels
}

/// From a point to a segment.
fn distance([x, y]: [f64; 2], [from, to]: [[f64; 2]; 2]) -> f64 {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let share = ((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy);
    let share = share.clamp(0.0, 1.0);
    ((x - from[0] - share * dx).powi(2) + (y - from[1] - share * dy).powi(2)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_worked_out_by_hand() {
        let segment = [[0.0, 0.0], [2.0, 0.0]];
        assert_eq!(distance([1.0, 3.0], segment), 3.0);
        assert_eq!(distance([5.0, 4.0], segment), 5.0);
    }

    #[test]
    fn an_eight_has_more_ink_than_a_one() {
        let mut rng = Rng::new(0, 0);
        let mut ink = |digit| {
            (0..50)
                .map(|_| image(digit, &mut rng).iter().sum::<f64>())
                .sum::<f64>()
        };
        assert!(ink(8) > 1.5 * ink(1));
    }
}
