//! Equivalences held against hand-worked answers, and attacked.

use ndarray::{Array2, ArrayView1, array};
use proptest::prelude::*;

use super::*;
use crate::metric::decision;
use crate::model::Linear;
use crate::model::mlp::tests::random_mlp;
use crate::numeric::Rng;
use crate::prune::apply;

fn budget(boxes: u64) -> Budget {
    Budget {
        seconds: 60.0,
        boxes,
    }
}

/// Whether two networks are equivalent on boxes, at confidence `confidence`.
fn asked(
    networks: (&Mlp<f64>, &Mlp<f64>),
    regions: &Regions,
    equivalence: Equivalence,
    confidence: f64,
    tolerance: &[f64],
) -> Equivalent {
    let points = no_points(networks.0);
    let question = Question {
        original: networks.0,
        changed: networks.1,
        free: &[],
        regions,
        equivalence,
        tolerance,
        confidence,
        arithmetic: Arithmetic::F64,
        points: points.view(),
        one_is_enough: false,
    };
    equivalent(&question, &budget(500)).unwrap()
}

/// Logits (x, 0.1) and, without the bias, (x, 0): x from 0 to 0.1 decides otherwise.
#[test]
fn equivalences_worked_out_by_hand() {
    let original = Mlp {
        embedding: None,
        in_perm: vec![0],
        folds: 1,
        layers: vec![Linear {
            weight: array![[1.0], [0.0]],
            bias: array![0.0, 0.1],
        }],
        activation: Activation::Relu.into(),
        out_perm: vec![0, 1],
    };
    let pruned = apply(&original, 0.2, true);
    let on = |sides: &[[f64; 2]], equivalence, confidence| {
        let regions = Regions::Boxes(sides.iter().map(|side| vec![*side]).collect());
        asked(
            (&original, &pruned),
            &regions,
            equivalence,
            confidence,
            &[0.05; 2],
        )
    };
    use Equivalence::{DeltaTop1, Epsilon, Top1};
    let all = [[-1.0, 1.0]];
    let known = |told: &Equivalent| told.known();
    assert_eq!(known(&on(&all, Top1, 0.5)), Known::Refuted);
    assert_eq!(known(&on(&all, Epsilon, 0.5)), Known::Refuted);
    let apart = on(&[[-1.0, -0.01], [0.11, 1.0]], Top1, 0.5);
    assert_eq!((apart.proved, known(&apart)), (2, Known::Proved));
    // Of two regions one is refuted.
    let one = on(&[[-1.0, -0.01], [0.0, 1.0]], Top1, 0.5);
    assert_eq!((one.proved, one.refuted), (1, 1));
    // Class 1 is confident at 0.1 − x ≥ ln(δ/(1−δ)): 0.405 at δ = 0.6, where both decide
    // for it; 0.04 at 0.51, where at x from 0 to 0.06 only the first does.
    let sure = on(&all, DeltaTop1, 0.6);
    assert_eq!((known(&sure), sure.boxes), (Known::Proved, 1));
    let unsure = on(&all, DeltaTop1, 0.51);
    assert_eq!(known(&unsure), Known::Refuted);
    let Some(Input::Features(at)) = unsure.example else {
        panic!("an example")
    };
    assert!(0.0 <= at[0] && at[0] <= 0.06, "{at:?}");
}

/// The same of one logit: x + 0.1 and x.
#[test]
fn one_logit_has_two_classes() {
    let original = Mlp {
        embedding: Some(array![[-1.0], [-0.05], [1.0]]),
        in_perm: vec![0],
        folds: 1,
        layers: vec![Linear {
            weight: array![[1.0]],
            bias: array![0.1],
        }],
        activation: Activation::Relu.into(),
        out_perm: vec![0],
    };
    let pruned = apply(&original, 0.2, true);
    let on = |equivalence, confidence| {
        asked(
            (&original, &pruned),
            &Regions::Tokens,
            equivalence,
            confidence,
            &[0.2],
        )
    };
    assert_eq!(on(Equivalence::Epsilon, 0.5).known(), Known::Proved);
    let top = on(Equivalence::Top1, 0.5);
    assert_eq!((top.proved, top.refuted), (2, 1));
    assert_eq!(top.example, Some(Input::Tokens(vec![1])));
    // The logit there is 0.05: a confidence of 0.5125.
    assert_eq!(on(Equivalence::DeltaTop1, 0.6).known(), Known::Proved);
    assert_eq!(on(Equivalence::DeltaTop1, 0.505).known(), Known::Refuted);
}

fn softmax(outputs: ArrayView1<'_, f64>, class: usize) -> f64 {
    let sum: f64 = outputs.iter().map(|x| (x - outputs[class]).exp()).sum();
    1.0 / sum
}

/// Whether a claim is broken by the outputs at one point, beyond all doubt.
fn broken(
    equivalence: Equivalence,
    before: ArrayView1<'_, f64>,
    after: ArrayView1<'_, f64>,
    tolerance: f64,
    confidence: f64,
) -> bool {
    let (a, b) = (decision(before), decision(after));
    let clear = after[b] - after[a] > 1e-9;
    match equivalence {
        Equivalence::Epsilon => {
            let mut pairs = before.iter().zip(after);
            pairs.any(|(x, y)| (x - y).abs() > tolerance + 1e-9)
        }
        Equivalence::Top1 => a != b && clear,
        Equivalence::DeltaTop1 => a != b && clear && softmax(before, a) > confidence + 1e-9,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn no_point_breaks_what_is_proved(
        seed in 0_u64..10_000, kind in 0..3_usize, width in -2.0..0.5_f64, cut in 0.05..0.5_f64,
    ) {
        let equivalence = Equivalence::each().nth(kind).unwrap();
        let activation = [Activation::Silu, Activation::Relu, Activation::Tanh][seed as usize % 3];
        let original = random_mlp(&[3, 5, 4, 3], 1, activation, seed);
        let pruned = apply(&original, cut, false);
        let mut rng = Rng::new(seed, 3);
        let half = 10_f64.powf(width);
        let sides: Vec<[f64; 2]> = (0..3)
            .map(|_| rng.normal())
            .map(|centre| [centre - half, centre + half])
            .collect();
        let (tolerance, confidence) = (0.2, 0.6);
        let regions = Regions::Boxes(vec![sides.clone()]);
        let told =
            asked((&original, &pruned), &regions, equivalence, confidence, &[tolerance; 3]);
        let breaks = |points: &Array2<f64>| {
            let (before, after) = (original.outputs(points.view()), pruned.outputs(points.view()));
            (0..points.ncols()).any(|s| {
                broken(equivalence, before.column(s), after.column(s), tolerance, confidence)
            })
        };
        let points = Array2::from_shape_fn((3, 400), |(i, _)| {
            sides[i][0] + (sides[i][1] - sides[i][0]) * rng.uniform()
        });
        match (told.known(), &told.example) {
            (Known::Proved, _) => prop_assert!(!breaks(&points)),
            (Known::Refuted, Some(input)) => {
                let at = physical_point(&original, input);
                let at = Array2::from_shape_fn((3, 1), |(i, _)| at[i]);
                let (before, after) = (original.outputs(at.view()), pruned.outputs(at.view()));
                let exact = broken(equivalence, before.column(0), after.column(0), tolerance - 2e-9, confidence - 2e-9);
                prop_assert!(exact || decision(before.column(0)) != decision(after.column(0)));
            }
            (Known::Refuted, None) => prop_assert!(false, "{told:?}"),
            (Known::Undecided, _) => {}
        }
    }

    /// Whatever of the ranges is put in place of messages, no site leaves its own.
    #[test]
    fn ranges_hold_whatever_is_filled_in(seed in 0_u64..10_000) {
        let activation = [Activation::Silu, Activation::Relu, Activation::Gelu][seed as usize % 3];
        let model = random_mlp(&[3, 5, 4, 2], 1, activation, seed);
        let mut rng = Rng::new(seed, 4);
        let sides = vec![[-1.0, 0.5]; 3];
        let found = ranges(&model, &sides).unwrap();
        let drawn = |rng: &mut Rng, [lo, hi]: [f64; 2]| lo + (hi - lo) * rng.uniform();
        let mut values: Vec<f64> = sides.iter().map(|side| drawn(&mut rng, *side)).collect();
        for (layer, linear) in model.layers.iter().enumerate() {
            let last = layer + 1 == model.layers.len();
            let mut read = |row: ArrayView1<'_, f64>, bias: f64| {
                row.iter().enumerate().fold(bias, |sum, (from, w)| {
                    let filled = rng.uniform() < 0.5;
                    let end = found[layer][from][rng.below(2)];
                    sum + w * if filled { end } else { values[from] }
                })
            };
            let reads: Vec<f64> = linear
                .weight
                .rows()
                .into_iter()
                .zip(&linear.bias)
                .map(|(row, bias)| read(row, *bias))
                .collect();
            let read = Array2::from_shape_fn((reads.len(), 1), |(i, _)| reads[i]);
            let written = if last { read } else { model.activation.written(layer, &read) };
            values = written.column(0).to_vec();
            for (value, [lo, hi]) in values.iter().zip(&found[layer + 1]) {
                prop_assert!(lo - 1e-9 <= *value && *value <= hi + 1e-9);
            }
        }
    }
}

/// What a second network may read besides is bounded in: y = x against x + u, |u| ≤ 0.5.
#[test]
fn free_readings_count_with_their_whole_width() {
    let model = Mlp {
        embedding: None,
        in_perm: vec![0],
        folds: 1,
        layers: vec![
            Linear {
                weight: array![[1.0]],
                bias: array![0.0],
            },
            Linear {
                weight: array![[2.0]],
                bias: array![0.0],
            },
        ],
        activation: Activation::Identity.into(),
        out_perm: vec![0],
    };
    let regions = Regions::Boxes(vec![vec![[-1.0, 1.0]]]);
    let free = [vec![0.5], vec![0.0]];
    let points = no_points(&model);
    let known = |tolerance: f64| {
        let question = Question {
            original: &model,
            changed: &model,
            free: &free,
            regions: &regions,
            equivalence: Equivalence::Epsilon,
            tolerance: &[tolerance],
            confidence: 0.5,
            arithmetic: Arithmetic::Real,
            points: points.view(),
            one_is_enough: true,
        };
        equivalent(&question, &budget(100)).unwrap().known()
    };
    assert_eq!(
        (known(1.001), known(0.999)),
        (Known::Proved, Known::Undecided)
    );
}
