//! Certificates under attack in the arithmetic that they speak of: random networks of every
//! activation, in f32 and f64, pruned; what the two computed outputs differ by at most, as
//! proved, against what is found.
//!
//! ```console
//! $ cargo run --release --example attacked -- 200 500000
//! ```
//!
//! So many networks of so many evaluations of each pair: of random points and corners, along
//! differences, by single inputs, and of neighbours in the last place of the best. Sums run
//! forward, backward and by halves, each with and without fused multiplication.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an example prints, and fails by panicking"
)]

use modscope::data::Domain;
use modscope::model::{Linear, Mlp};
use modscope::numeric::{Activation, Parameter, Rng, Scalar};
use modscope::prune::apply;
use modscope::prune::certify::{
    Arithmetic, Budget, Goal, Options, certify, lowered_mlp, rounding_of_both,
};
use ndarray::{Array1, Array2};
use rayon::prelude::*;

const ACTIVATIONS: [Activation; 18] = [
    Activation::Relu,
    Activation::LeakyRelu(Parameter::new(0.1)),
    Activation::Relu6,
    Activation::SquaredRelu,
    Activation::Elu(Parameter::new(0.7)),
    Activation::Selu,
    Activation::Softplus,
    Activation::Softsign,
    Activation::Mish,
    Activation::Hardtanh,
    Activation::Hardsigmoid,
    Activation::Hardswish,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::QuickGelu,
    Activation::Tanh,
    Activation::Sigmoid,
];

/// What became of one network.
struct Attacked {
    evaluations: u64,
    /// By output, what was found over what is proved.
    reached: Vec<f64>,
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|n| n.parse::<u64>().unwrap());
    let (networks, evaluations) = (numbers.next().unwrap(), numbers.next().unwrap());
    let of = |seed: u64| match seed % 2 {
        0 => attacked::<f32>(seed, Arithmetic::F32, evaluations),
        _ => attacked::<f64>(seed, Arithmetic::F64, evaluations),
    };
    let all: Vec<Attacked> = (0..networks).into_par_iter().filter_map(of).collect();
    let total: u64 = all.iter().map(|one| one.evaluations).sum();
    let mut reached: Vec<f64> = all.iter().flat_map(|one| one.reached.clone()).collect();
    reached.sort_by(f64::total_cmp);
    let violations = reached.iter().filter(|share| **share > 1.0).count();
    println!(
        "{} networks, {} bounds, {total} evaluations: {violations} violations; found ÷ proved: \
         median {:.4}, largest {:.6}",
        all.len(),
        reached.len(),
        reached[reached.len() / 2],
        reached.last().unwrap(),
    );
    assert_eq!(violations, 0, "a certificate was broken");
}

/// A network of numbers of its type, pruned, certified on a box and attacked there; `None`
/// where nothing was pruned.
fn attacked<T: Scalar>(seed: u64, arithmetic: Arithmetic, evaluations: u64) -> Option<Attacked> {
    let mut rng = Rng::new(seed, 0);
    let activation = ACTIVATIONS[seed as usize / 2 % ACTIVATIONS.len()];
    let widths = [
        1 + rng.below(4),
        2 + rng.below(6),
        2 + rng.below(5),
        1 + rng.below(3),
    ];
    let original = random::<T>(&mut rng, &widths, activation);
    let pruned = apply(&original, [0.1, 0.3, 0.6][rng.below(3)], false);
    if pruned == original {
        return None;
    }
    let side = |_| {
        let (a, width) = (2.0 * rng.normal(), 10.0_f64.powi(rng.below(4) as i32 - 2));
        let [lo, hi] = [a, a + width].map(|x| T::from_f64(x).widen());
        [lo, hi]
    };
    let sides: Vec<[f64; 2]> = (0..widths[0]).map(side).collect();
    let domain = Domain::Box(sides.clone());
    let outputs = widths[3];
    let options = Options {
        budget: Budget {
            seconds: 1.0,
            boxes: 20_000,
        },
        goal: Goal::Narrow(1.01),
        arithmetic,
        ..Options::default()
    };
    let [bounded, of_pruned] = [&original, &pruned].map(|m| lowered_mlp(m.clone()).unwrap());
    let tolerance = vec![1.0; outputs];
    let verdict = certify(&bounded, &of_pruned, &domain, &tolerance, &options).unwrap();
    let rounding = rounding_of_both(&bounded, &of_pruned, &domain, arithmetic).unwrap();
    let proved = verdict.bounds.iter().zip(&rounding).map(|(a, b)| a + b);
    let proved: Vec<f64> = proved.collect();
    let pair = [Computed::<T>::new(&original), Computed::new(&pruned)];
    let mut attack = Attack {
        pair,
        sides: sides.iter().map(|s| s.map(T::from_f64)).collect(),
        rng,
        evaluations: 0,
        best: vec![(vec![T::zero(); widths[0]], -1.0); outputs],
    };
    attack.run(evaluations);
    let reached = attack
        .best
        .iter()
        .zip(&proved)
        .map(|((_, found), most)| found / most);
    Some(Attacked {
        evaluations: attack.evaluations,
        reached: reached.collect(),
    })
}

fn random<T: Scalar>(rng: &mut Rng, widths: &[usize], activation: Activation) -> Mlp<f64> {
    let of_type = |x: f64| T::from_f64(x).widen();
    let layer = |pair: &[usize]| Linear {
        weight: Array2::from_shape_simple_fn((pair[1], pair[0]), || of_type(rng.normal())),
        bias: Array1::from_shape_simple_fn(pair[1], || of_type(0.3 * rng.normal())),
    };
    let layers = widths.windows(2).map(layer).collect();
    Mlp {
        embedding: None,
        in_perm: (0..widths[0]).collect(),
        folds: 1,
        layers,
        activation: activation.into(),
        out_perm: (0..widths[widths.len() - 1]).collect(),
    }
}

/// A network as it is computed in a type.
struct Computed<T> {
    /// Rows of weights, and biases.
    layers: Vec<Vec<(Vec<T>, T)>>,
    activation: Activation,
}

impl<T: Scalar> Computed<T> {
    fn new(model: &Mlp<f64>) -> Self {
        let of_type = |x: &f64| T::from_f64(*x);
        let row = |(weights, bias): (ndarray::ArrayView1<'_, f64>, &f64)| {
            (weights.iter().map(of_type).collect(), of_type(bias))
        };
        let layers = model.layers.iter().map(|layer| {
            let rows = layer.weight.rows().into_iter().zip(&layer.bias);
            rows.map(row).collect()
        });
        Self {
            layers: layers.collect(),
            activation: model.activation.of(0, 0),
        }
    }

    /// The outputs; sums in one of six ways.
    fn outputs(&self, input: &[T], way: usize) -> Vec<T> {
        let mut values = input.to_vec();
        for (place, rows) in self.layers.iter().enumerate() {
            let sums = rows
                .iter()
                .map(|(weights, bias)| summed(weights, &values, *bias, way));
            let mut sums: Vec<T> = sums.collect();
            if place + 1 < self.layers.len() {
                self.activation.apply(&mut sums);
            }
            values = sums;
        }
        values
    }
}

/// A weighted sum with a bias: forward, backward or by halves, with fused multiplication or
/// without.
fn summed<T: Scalar>(weights: &[T], values: &[T], bias: T, way: usize) -> T {
    let fused = way % 2 == 1;
    let add = |sum: T, (w, x): (&T, &T)| {
        if fused {
            w.mul_add(*x, sum)
        } else {
            sum + *w * *x
        }
    };
    match way / 2 {
        0 => weights.iter().zip(values).fold(bias, add),
        1 => weights.iter().zip(values).rev().fold(T::zero(), add) + bias,
        _ => {
            let middle = weights.len() / 2;
            let left = weights[..middle].iter().zip(&values[..middle]);
            let right = weights[middle..].iter().zip(&values[middle..]);
            left.fold(T::zero(), add) + (right.fold(T::zero(), add) + bias)
        }
    }
}

/// A search for the largest difference of two networks.
struct Attack<T> {
    pair: [Computed<T>; 2],
    sides: Vec<[T; 2]>,
    rng: Rng,
    evaluations: u64,
    /// By output, where the largest difference was found, and how large it is.
    best: Vec<(Vec<T>, f64)>,
}

impl<T: Scalar> Attack<T> {
    fn run(&mut self, evaluations: u64) {
        while self.evaluations < evaluations {
            let output = self.rng.below(self.best.len());
            let begun = self.best[output].1 >= 0.0;
            let point = match self.rng.below(8) {
                0 | 1 => self.anywhere(),
                2 => self.corner(),
                3 if begun => self.along_the_differences(output),
                4 if begun => self.next_in_the_last_place(output),
                _ if begun => self.near(output),
                _ => self.anywhere(),
            };
            self.run_at(point);
        }
    }

    /// Both networks in all ways of summation, each against each.
    fn run_at(&mut self, point: Vec<T>) {
        let ways = [self.rng.below(6), self.rng.below(6)];
        let [one, other] = [0, 1].map(|net| self.pair[net].outputs(&point, ways[net]));
        self.evaluations += 1;
        for (output, (a, b)) in one.into_iter().zip(other).enumerate() {
            // In f64: of f32 exact.
            let difference = (a.widen() - b.widen()).abs();
            if difference > self.best[output].1 {
                self.best[output] = (point.clone(), difference);
            }
        }
    }

    fn inside(&self, input: usize, x: T) -> T {
        let [lo, hi] = self.sides[input];
        x.max(lo).min(hi)
    }

    fn anywhere(&mut self) -> Vec<T> {
        let inputs = 0..self.sides.len();
        let of = |input: usize| {
            let [lo, hi] = self.sides[input].map(Scalar::widen);
            let x = T::from_f64(lo + (hi - lo) * self.rng.uniform());
            self.inside(input, x)
        };
        inputs.map(of).collect()
    }

    fn corner(&mut self) -> Vec<T> {
        let sides = self.sides.clone();
        sides.iter().map(|side| side[self.rng.below(2)]).collect()
    }

    /// One input of the best moved by a part of its side.
    fn near(&mut self, output: usize) -> Vec<T> {
        let mut point = self.best[output].0.clone();
        let input = self.rng.below(point.len());
        let [lo, hi] = self.sides[input].map(Scalar::widen);
        let share = 10.0_f64.powi(-(self.rng.below(7) as i32));
        let step = (hi - lo) * share * self.rng.normal();
        point[input] = self.inside(input, T::from_f64(point[input].widen() + step));
        point
    }

    /// One or all inputs of the best, a few numbers further.
    fn next_in_the_last_place(&mut self, output: usize) -> Vec<T> {
        let mut point = self.best[output].0.clone();
        for (input, number) in point.iter_mut().enumerate() {
            let steps = self.rng.below(7) as f64 - 3.0;
            let x = number.widen();
            let place = x.abs().max(f64::MIN_POSITIVE) * T::epsilon().widen();
            *number = self.inside(input, T::from_f64(x + steps * place));
        }
        point
    }

    /// The best moved along the differences of the difference.
    fn along_the_differences(&mut self, output: usize) -> Vec<T> {
        let (at, _) = self.best[output].clone();
        let change = |attack: &mut Self, point: &[T]| {
            attack.evaluations += 1;
            let [one, other] = [0, 1].map(|net| attack.pair[net].outputs(point, 0)[output]);
            one.widen() - other.widen()
        };
        let here = change(self, &at);
        let mut point = at.clone();
        let length = 10.0_f64.powi(-(self.rng.below(5) as i32));
        for input in 0..at.len() {
            let [lo, hi] = self.sides[input].map(Scalar::widen);
            let mut moved = at.clone();
            moved[input] = self.inside(input, T::from_f64(at[input].widen() + 1e-3 * (hi - lo)));
            let slope = (change(self, &moved) - here) * here.signum();
            let step = length * (hi - lo) * slope.signum();
            point[input] = self.inside(input, T::from_f64(at[input].widen() + step));
        }
        point
    }
}
