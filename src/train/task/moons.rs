//! Two interleaving half circles: 200 samples each to train and to test.
//!
//! The upper half circle of radius 1 around (0, 0) and the lower one around
//! (1, ½), evenly spaced, with normal noise of standard deviation 0.1, as
//! scikit-learn's `make_moons` has them. Source: arXiv 2305.08746, section 3.2.

use ndarray::Array2;

use super::{Problem, Samples, Task, published};
use crate::data::{Inputs, Labels};
use crate::numeric::Rng;

const SAMPLES: usize = 200;
const NOISE: f64 = 0.1;

/// The samples.
pub fn problem(task: Task, rng: &mut Rng) -> Problem {
    let about = published(task);
    Problem {
        name: task.to_string(),
        train: samples(rng),
        test: samples(rng),
        inputs: about.inputs,
        outputs: about.outputs,
        tokens: None,
        domain: None,
    }
}

fn samples(rng: &mut Rng) -> Samples {
    let half = SAMPLES / 2;
    let mut points: Vec<([f64; 2], usize)> = (0..SAMPLES)
        .map(|i| {
            (
                point(i / half, (i % half) as f64 / (half - 1) as f64),
                i / half,
            )
        })
        .collect();
    rng.shuffle(&mut points);
    for (point, _) in &mut points {
        point.iter_mut().for_each(|x| *x += NOISE * rng.normal());
    }
    Samples {
        inputs: Inputs::Values(Array2::from_shape_fn((SAMPLES, 2), |(s, x)| points[s].0[x])),
        labels: Labels::Classes(points.iter().map(|(_, class)| *class).collect()),
    }
}

/// The point of a moon at a share of its arc.
fn point(class: usize, share: f64) -> [f64; 2] {
    let (sin, cos) = libm::sincos(std::f64::consts::PI * share);
    if class == 0 {
        [cos, sin]
    } else {
        [1.0 - cos, 0.5 - sin]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moons_are_where_they_should_be() {
        let near = |p: [f64; 2], q: [f64; 2]| (p[0] - q[0]).abs() + (p[1] - q[1]).abs() < 1e-12;
        assert!(near(point(0, 0.5), [0.0, 1.0]) && near(point(1, 0.5), [1.0, -0.5]));
        let samples = samples(&mut Rng::new(0, 0));
        let Labels::Classes(classes) = samples.labels else {
            panic!("classes")
        };
        assert_eq!(classes.iter().sum::<usize>(), 100);
        assert!(classes[..100].iter().sum::<usize>() < 70, "not shuffled");
    }
}
