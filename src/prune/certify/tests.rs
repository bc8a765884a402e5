use ndarray::array;

use super::*;
use crate::model::Linear;
use crate::model::mlp::tests::random_mlp;
use crate::prune::apply;

/// y = relu(x) + 0.5 relu(-x) and the same without the 0.5.
fn two_ramps() -> (Mlp<f64>, Mlp<f64>) {
    let original = Mlp {
        embedding: None,
        in_perm: vec![0],
        folds: 1,
        layers: vec![
            Linear {
                weight: array![[1.0], [-1.0]],
                bias: array![0.0, 0.0],
            },
            Linear {
                weight: array![[1.0, 0.5]],
                bias: array![0.0],
            },
        ],
        activation: Activation::Relu.into(),
        out_perm: vec![0],
    };
    let pruned = apply(&original, 0.6, false);
    (original, pruned)
}

fn on_box(tolerance: f64, sides: Vec<[f64; 2]>, goal: Goal) -> Verdict {
    let (original, pruned) = two_ramps();
    let options = Options {
        goal,
        ..Options::default()
    };
    certify(
        &original,
        &pruned,
        &Domain::Box(sides),
        &[tolerance],
        &options,
    )
    .unwrap()
}

#[test]
fn two_ramps_worked_out_by_hand() {
    // The change is 0.5 relu(-x): at most 1 on [-2, 3], at x = -2.
    let verdict = on_box(1.1, vec![[-2.0, 3.0]], Goal::Narrow(1.001));
    assert!(verdict.holds() && verdict.stop == Stop::Done);
    assert!(
        1.0 <= verdict.bound() && verdict.bound() < 1.0011,
        "{verdict:?}"
    );
    assert_eq!(verdict.best_found(), 1.0);
    assert_eq!(verdict.found_at[0], Input::Features(vec![-2.0]));
    // Nothing changes on the right.
    let verdict = on_box(1e-9, vec![[0.5, 3.0]], Goal::Decide);
    assert!(verdict.holds() && verdict.bound() < 1e-12, "{verdict:?}");
}

/// Networks of the shape of ACAS Xu's and with weights of He's scale: where hidden neurons are
/// bounded backward, bounds hold at points and corners all the same, and are much narrower; of
/// a shallow pair they are not.
#[test]
fn hidden_neurons_are_bounded_backward_where_it_pays() {
    for (seed, activation) in [
        (1, Activation::Relu),
        (2, Activation::Silu),
        (3, Activation::Tanh),
    ] {
        let mut original = random_mlp(&[5, 50, 50, 50, 50, 50, 50, 5], 1, activation, seed);
        for layer in &mut original.layers {
            layer.weight *= (2.0 / layer.weight.ncols() as f64).sqrt();
        }
        let order: Vec<usize> = (0..5).collect();
        (original.in_perm, original.out_perm) = (order.clone(), order);
        let pruned = apply(&original, 0.025, false);
        let sides = vec![[0.1, 0.2]; 5];
        let pair = Pair::new(&original, &pruned).unwrap();
        let bounder = Bounder::new(&pair, sides.clone());
        assert!(bounder.narrows || activation != Activation::Relu);
        let [plain, narrow] = [false, true].map(|narrows| {
            let mut bounder = bounder.clone();
            bounder.narrows = narrows;
            let all = bounder.bound_all(std::slice::from_ref(&sides), &[1.0; 5]);
            all.into_iter().next().unwrap()
        });
        let mut rng = crate::numeric::Rng::new(seed, 1);
        let inputs = Array2::from_shape_fn((5, 2000), |(_, column)| match column % 2 {
            0 => 0.1 + 0.1 * rng.uniform(),
            _ => [0.1, 0.2][rng.below(2)],
        });
        let change = pruned.outputs(inputs.view()) - original.outputs(inputs.view());
        for (output, row) in change.rows().into_iter().enumerate() {
            let [lo, hi] = narrow.change[output];
            assert!(row.iter().all(|x| lo <= *x && *x <= hi), "{activation}");
            let ratio = narrow.upper(output) / plain.upper(output);
            println!("{activation}: {ratio:.3} as wide");
            assert!(ratio <= 1.0, "{activation}: {ratio}");
            assert!(ratio < 0.2 || activation != Activation::Relu, "{ratio}");
        }
    }
    let (original, pruned) = two_ramps();
    let pair = Pair::new(&original, &pruned).unwrap();
    assert!(!Bounder::new(&pair, vec![[-1.0, 1.0]]).narrows);
}

#[test]
fn what_breaks_is_shown() {
    let verdict = on_box(0.9, vec![[-2.0, 3.0]], Goal::Decide);
    let Outcome::Refuted(found) = &verdict.outcome else {
        panic!("{verdict:?}")
    };
    let Input::Features(at) = &found.input else {
        panic!("{found:?}")
    };
    assert!(found.change > 0.9 && (-0.5 * at[0] - found.change).abs() < 1e-9);
    assert!(verdict.bound() >= 1.0);
}

#[test]
fn a_budget_of_no_boxes_leaves_it_undecided() {
    let original = random_mlp(&[4, 8, 8, 1], 1, Activation::Silu, 3);
    let pruned = apply(&original, 0.4, false);
    let domain = Domain::Box(vec![[-1.0, 1.0]; 4]);
    let narrow = |boxes| Options {
        budget: Budget {
            seconds: 60.0,
            boxes,
        },
        goal: Goal::Narrow(1.05),
        ..Options::default()
    };
    let run = |tolerance: f64, boxes| {
        certify(&original, &pruned, &domain, &[tolerance], &narrow(boxes)).unwrap()
    };
    let (few, many) = (run(1e-9, 1), run(1e-9, 20_000));
    assert!(!few.holds() && !many.holds());
    let between = 0.5 * (few.bound() + many.best_found());
    let undecided = run(between, 1);
    assert_eq!(
        (&undecided.outcome, undecided.stop),
        (&Outcome::Undecided, Stop::Boxes)
    );
    assert!(many.best_found() <= many.bound() && many.bound() < few.bound());
}

/// Two logits, linear in the embeddings of two of three tokens; one weight goes.
#[test]
fn tokens_are_enumerated_exactly() {
    let original = Mlp {
        embedding: Some(array![[0.0], [1.0], [-2.0]]),
        in_perm: vec![0],
        folds: 2,
        layers: vec![Linear {
            weight: array![[1.0, 0.25], [0.0, 3.0]],
            bias: array![0.0, 0.5],
        }],
        activation: Activation::Silu.into(),
        out_perm: vec![0, 1],
    };
    let pruned = apply(&original, 0.3, false);
    let run = |tolerance: f64, boxes| {
        let options = Options {
            budget: Budget {
                seconds: 1.0,
                boxes,
            },
            ..Options::default()
        };
        certify(
            &original,
            &pruned,
            &Domain::Tokens,
            &[tolerance; 2],
            &options,
        )
    };
    // y0 changes by −0.25 e(b), at most 0.5; y1 does not change.
    let verdict = run(0.51, 100).unwrap();
    assert!(verdict.holds() && verdict.boxes == 9);
    assert!(
        (verdict.bound() - 0.5).abs() < 1e-12 && verdict.found_at[0] == Input::Tokens(vec![0, 2])
    );
    // Logits (a + b/4, 3b + 1/2) against (a, 3b + 1/2): no decision changes.
    let counted = verdict.decisions.unwrap();
    assert_eq!((counted.same, counted.changed, counted.ties), (9, 0, 0));
    let Outcome::Refuted(found) = run(0.4, 100).unwrap().outcome else {
        panic!("0.5 is over 0.4")
    };
    assert_eq!((found.input, found.output), (Input::Tokens(vec![0, 2]), 0));
    assert!(matches!(
        run(0.5, 8),
        Err(Refusal::TooManyTuples {
            tokens: 3,
            positions: 2,
            limit: 8
        })
    ));
}

#[test]
fn what_is_outside_the_method_is_refused() {
    let (original, pruned) = two_ramps();
    let unit = Domain::Box(vec![[-1.0, 1.0]]);
    let refusal = |a: &Mlp<f64>, b: &Mlp<f64>, domain: &Domain, tolerance: &[f64]| {
        certify(a, b, domain, tolerance, &Options::default()).unwrap_err()
    };
    let mut other = pruned.clone();
    other.activation = Activation::Tanh.into();
    assert!(matches!(
        refusal(&original, &other, &unit, &[1.0]),
        Refusal::Activations { .. }
    ));
    other = pruned.clone();
    other.layers[0].weight[[0, 0]] = f64::NAN;
    assert_eq!(
        refusal(&original, &other, &unit, &[1.0]),
        Refusal::NotFinite { pruned: true }
    );
    other.layers.pop();
    assert!(matches!(
        refusal(&original, &other, &unit, &[1.0]),
        Refusal::Shapes { .. }
    ));
    assert!(matches!(
        refusal(&original, &pruned, &unit, &[]),
        Refusal::Tolerances { .. }
    ));
    assert!(matches!(
        refusal(&original, &pruned, &Domain::Tokens, &[1.0]),
        Refusal::DomainKind { tokens: true }
    ));
    let wide = Domain::Box(vec![[-1.0, 1.0]; 2]);
    assert!(matches!(
        refusal(&original, &pruned, &wide, &[1.0]),
        Refusal::DomainWidth { .. }
    ));
    let wrong = Domain::Box(vec![[1.0, f64::INFINITY]]);
    assert!(matches!(
        refusal(&original, &pruned, &wrong, &[1.0]),
        Refusal::DomainSide { .. }
    ));
    let mut huge = original;
    huge.layers[0].weight.fill(1e300);
    let far = Domain::Box(vec![[-1e300, 1e300]]);
    assert_eq!(
        refusal(&huge, &apply(&huge, 0.6, false), &far, &[1.0]),
        Refusal::Unbounded
    );
}

#[test]
fn permuted_inputs_keep_their_sides() {
    let mut original = random_mlp(&[3, 5, 2], 1, Activation::Tanh, 9);
    original.in_perm = vec![2, 0, 1];
    let pruned = apply(&original, 0.7, false);
    let sides = vec![[0.0, 0.1], [1.0, 1.5], [-3.0, -2.0]];
    let domain = Domain::Box(sides.clone());
    let verdict = certify(&original, &pruned, &domain, &[1.0; 2], &Options::default()).unwrap();
    for (output, input) in verdict.found_at.iter().enumerate() {
        let Input::Features(at) = input else {
            panic!("features")
        };
        assert!(
            at.iter()
                .zip(&sides)
                .all(|(x, [lo, hi])| lo <= x && x <= hi)
        );
        let point = physical_point(&original, input);
        let column = Array2::from_shape_fn((3, 1), |(i, _)| point[i]);
        let change = pruned.outputs(column.view()) - original.outputs(column.view());
        // A product of one column may be rounded otherwise than one of many.
        assert!((change[[output, 0]].abs() - verdict.found[output]).abs() < 1e-12);
    }
}

/// Small balls round a point are decided; across the border they differ.
#[test]
fn decisions_worked_out_by_hand() {
    // Logits (x, 0.1): the border is at 0.1; without the small bias at 0.
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
    let samples = array![[1.0, -1.0, 0.05]];
    let balls = decisions::around(
        &original,
        &pruned,
        samples.view(),
        0.5,
        None,
        Arithmetic::Real,
        &Budget::default(),
    )
    .unwrap();
    assert_eq!(
        balls[..2],
        [decisions::Ball::Same(0), decisions::Ball::Same(1)]
    );
    assert!(matches!(balls[2], decisions::Ball::Differs(_)), "{balls:?}");
    let budget = Budget {
        seconds: 60.0,
        boxes: 10_000,
    };
    let all = decisions::throughout(
        &original,
        &pruned,
        &[vec![[-1.0, 1.0]]],
        &budget,
        Arithmetic::Real,
    )
    .unwrap();
    assert!(
        (all.same - 0.95).abs() < 1e-4 && all.differs.is_some(),
        "{all:?}"
    );
}

/// The same function of real numbers, computed once with weights of a thousandth and once
/// with weights of a million that cancel: rounding is the second network's.
#[test]
fn rounding_is_that_of_both_networks() {
    let network = |hidden: Array2<f64>, out: Array2<f64>| Mlp {
        embedding: None,
        in_perm: vec![0, 1],
        folds: 1,
        layers: vec![
            Linear {
                weight: hidden,
                bias: array![0.0, 0.0],
            },
            Linear {
                weight: out,
                bias: array![0.0],
            },
        ],
        activation: Activation::Identity.into(),
        out_perm: vec![0],
    };
    let small = f64::from(1e-3_f32);
    let old = network(array![[0.0, small], [0.0, 0.0]], array![[1.0, 0.0]]);
    let new = network(array![[1e6, small], [1e6, 0.0]], array![[1.0, -1.0]]);
    let domain = Domain::Box(vec![[-1.0, 1.0]; 2]);
    let of_old = rounding_of(&old, &domain, Arithmetic::F32).unwrap()[0];
    let options = Options {
        arithmetic: Arithmetic::F32,
        ..Options::default()
    };
    let certified = |original, pruned| {
        let request = Request {
            original,
            pruned,
            domain: &domain,
            tolerance: &[1.0],
            classifies: false,
            samples: ndarray::ArrayView2::from_shape((2, 0), &[]).unwrap(),
            radius: None,
        };
        certificate(&request, &options).unwrap()
    };
    let single = |model: &Mlp<f64>, points: &Array2<f32>| {
        let layer = |layer: &Linear<f64>| Linear {
            weight: layer.weight.mapv(|w| w as f32),
            bias: layer.bias.mapv(|b| b as f32),
        };
        let model = Mlp {
            embedding: None,
            in_perm: model.in_perm.clone(),
            folds: 1,
            layers: model.layers.iter().map(layer).collect(),
            activation: model.activation.clone(),
            out_perm: vec![0],
        };
        model.outputs(points.view())
    };
    let mut rng = crate::numeric::Rng::new(1, 0);
    let points = Array2::from_shape_fn((2, 1000), |_| (2.0 * rng.uniform() - 1.0) as f32);
    let apart = (single(&new, &points) - single(&old, &points)).mapv(f32::abs);
    let apart = apart.fold(0.0_f64, |most, x| most.max(f64::from(*x)));
    assert!(apart > 1e3 * of_old, "{apart} and {of_old}");
    for (original, pruned) in [(&old, &new), (&new, &old)] {
        let certificate = certified(original, pruned);
        assert!(apart <= certificate.bound, "{apart} > {certificate:?}");
        assert!(certificate.best_found < 1e-6, "{certificate:?}");
    }
}
