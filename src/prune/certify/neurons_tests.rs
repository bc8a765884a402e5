//! What is proved of balls by neurons is attacked, and worked out by hand.

use ndarray::{Array2, array};
use proptest::prelude::*;

use super::bound::Inputs;
use super::cut::Cut;
use super::decisions::{Ball, Judge, around, decisions};
use super::pair::Pair;
use super::{Arithmetic, Budget, Deadline};
use crate::model::{Linear, Mlp};
use crate::numeric::{Activation, Lanes, Rng};

const BUDGET: Budget = Budget {
    seconds: 60.0,
    boxes: 300,
};

fn network(layers: Vec<Linear<f64>>, activation: Activation) -> Mlp<f64> {
    let inputs = layers[0].weight.ncols();
    let outputs = layers[layers.len() - 1].bias.len();
    Mlp {
        embedding: None,
        in_perm: (0..inputs).collect(),
        folds: 1,
        layers,
        activation: activation.into(),
        out_perm: (0..outputs).collect(),
    }
}

fn random(seed: u64, activation: Activation, outputs: usize) -> Mlp<f64> {
    let mut rng = Rng::new(seed, 3);
    let widths = [4, 6, 5, outputs];
    let layers = widths.windows(2).map(|w| Linear {
        weight: Array2::from_shape_simple_fn((w[1], w[0]), || 1.5 * rng.normal()),
        bias: ndarray::Array1::from_shape_simple_fn(w[1], || rng.normal()),
    });
    network(layers.collect(), activation)
}

/// Which of the balls around points are proved, and how many points of them decide otherwise.
fn attacked(model: &Mlp<f64>, seed: u64, radius: f64) -> (usize, usize) {
    let pair = Pair::new(model, model).unwrap();
    let mut rng = Rng::new(seed, 4);
    let centres = Array2::from_shape_simple_fn((4, 11), || rng.normal());
    let side = |x: &f64| [x - radius, x + radius];
    let balls: Vec<Inputs> = centres
        .columns()
        .into_iter()
        .map(|c| c.iter().map(side).collect())
        .collect();
    let judge = Judge::new(&pair, (model, model), &balls, Arithmetic::Real);
    let open: Vec<(&Inputs, usize)> = balls.iter().zip(decisions(model, centres.view())).collect();
    let proved = judge
        .closely(&open, BUDGET.boxes, Deadline::after(BUDGET.seconds))
        .unwrap();
    let astray = judge.astray(&open, centres.view(), Deadline::after(BUDGET.seconds));
    let mut otherwise = 0;
    for (ball, (sides, class)) in open.iter().enumerate().filter(|(ball, _)| proved[*ball]) {
        let points = Array2::from_shape_fn((4, 400), |(input, point)| {
            let [lo, hi] = sides[input];
            match point {
                0..16 => sides[input][point >> input & 1],
                _ => lo + (hi - lo) * rng.uniform(),
            }
        });
        let differ = decisions(model, points.view())
            .into_iter()
            .filter(|now| now != class);
        otherwise += differ.count() + usize::from(astray[ball].is_some());
    }
    (proved.iter().filter(|proved| **proved).count(), otherwise)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn no_input_of_a_proved_ball_decides_otherwise(seed in 0_u64..10_000, kind in 0_usize..7, outputs in 1_usize..4) {
        let activations = [
            Activation::Identity, Activation::Relu, Activation::Silu, Activation::Gelu,
            Activation::GeluTanh, Activation::Tanh, Activation::Sigmoid,
        ];
        let model = random(seed, activations[kind], outputs);
        let radius = [0.02, 0.1, 0.4][seed as usize % 3];
        prop_assert_eq!(attacked(&model, seed, radius).1, 0);
    }

    #[test]
    fn what_a_cut_leaves_is_within_its_range(seed in 0_u64..10_000) {
        let mut rng = Rng::new(seed, 5);
        let lanes = |rng: &mut Rng| Lanes::splat(rng.normal());
        let slopes: Vec<Lanes> = (0..5).map(|_| lanes(&mut rng)).collect();
        let cut = Cut { at: lanes(&mut rng), slopes: (0..5).map(|_| lanes(&mut rng)).collect() };
        let (centre, radius) = (lanes(&mut rng), lanes(&mut rng).abs());
        let range = cut.range(centre, &slopes, radius);
        for _ in 0..2_000 {
            let at: Vec<f64> = (0..5).map(|_| (3.0 * rng.uniform() - 1.5).clamp(-1.0, 1.0)).collect();
            let on = |slopes: &[Lanes]| -> f64 { slopes.iter().zip(&at).map(|(s, x)| s.0[0] * x).sum() };
            if cut.at.0[0] + on(&cut.slopes) <= 0.0 {
                let value = centre.0[0] + on(&slopes);
                prop_assert!(range.lo.0[0] <= value - radius.0[0] && value + radius.0[0] <= range.hi.0[0]);
            }
        }
    }
}

/// Without a fault of these attacks nothing would be learned: most small balls are proved.
#[test]
fn most_small_balls_are_proved() {
    let all: usize = (0..5)
        .map(|seed| attacked(&random(seed, Activation::Silu, 3), seed, 0.05).0)
        .sum();
    assert!(all > 35, "{all} of 55");
}

#[test]
fn a_cut_worked_out_by_hand() {
    // ε₁ + ε₂ where 0.5 − ε₁ ≤ 0: from 0.5 − 1 to 1 + 1.
    let one = Lanes::splat(1.0);
    let cut = Cut {
        at: Lanes::splat(0.5),
        slopes: vec![-one, Lanes::ZERO],
    };
    let range = cut.range(Lanes::ZERO, &[one, one], Lanes::ZERO);
    assert!(
        (range.lo.0[0] + 0.5).abs() < 0.01 && range.lo.0[0] <= -0.5,
        "{range:?}"
    );
    assert!(
        (range.hi.0[0] - 2.0).abs() < 1e-9 && range.hi.0[0] >= 2.0,
        "{range:?}"
    );
}

/// Of two equal ReLUs that cancel only their two phases tell that the lead is 0.05.
#[test]
fn a_ball_that_needs_the_phases_of_a_neuron() {
    let model = network(
        vec![
            Linear {
                weight: array![[1.0], [1.0]],
                bias: array![0.0, 0.0],
            },
            Linear {
                weight: array![[1.0, -1.0]],
                bias: array![0.05],
            },
        ],
        Activation::Relu,
    );
    let samples = array![[0.0]];
    let told = |boxes| {
        let budget = Budget { boxes, ..BUDGET };
        around(
            &model,
            &model,
            samples.view(),
            0.9,
            None,
            Arithmetic::Real,
            &budget,
        )
        .unwrap()
    };
    assert_eq!(told(300), [Ball::Same(1)]);
    assert_eq!(told(1), [Ball::Undecided]);
}

/// Logits (x, 0) and (x, 10⁻⁶): a step over the border and back finds where they differ.
#[test]
fn networks_part_between_two_borders() {
    let line = |bias: f64| {
        network(
            vec![Linear {
                weight: array![[1.0], [0.0]],
                bias: array![0.0, bias],
            }],
            Activation::Relu,
        )
    };
    let samples = array![[0.3]];
    let told = around(
        &line(0.0),
        &line(1e-6),
        samples.view(),
        0.7,
        None,
        Arithmetic::Real,
        &BUDGET,
    )
    .unwrap();
    let [Ball::Differs(super::Input::Features(at))] = &told[..] else {
        panic!("{told:?}")
    };
    assert!(0.0 < at[0] && at[0] < 1e-6, "{at:?}");
}
