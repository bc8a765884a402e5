use ndarray::array;

use super::*;
use crate::model::mlp::tests::{random_inputs, random_mlp};
use crate::model::{Linear, Mlp};
use crate::numeric::Activation;

/// y = (1 x0 + 0.1 x1, 0.01 x0), linear.
fn linear() -> Mlp<f64> {
    Mlp {
        embedding: None,
        in_perm: vec![0, 1],
        folds: 1,
        layers: vec![Linear {
            weight: array![[1.0, 0.1], [0.01, 0.0]],
            bias: array![0.001, 0.0],
        }],
        activation: Activation::Identity.into(),
        out_perm: vec![0, 1],
    }
}

fn reference(model: &Mlp<f64>, tolerance: Tolerance, classes: bool) -> Reference<Mlp<f64>> {
    Reference::new(model, array![[1.0, -1.0], [1.0, -1.0]], tolerance, classes)
}

fn setting() -> Setting<'static> {
    Setting {
        loss: None,
        tensors: &[],
        outputs: &[],
    }
}

#[test]
fn changes_worked_out_by_hand() {
    let model = linear();
    let reference = reference(&model, Tolerance::Absolute(0.05), false);
    let change = reference.change(&apply(&model, 0.1, false));
    assert_eq!(
        change.per_output,
        [0.0, 0.01],
        "weights equal to the threshold stay"
    );
    assert!(reference.verifies(&change));
    assert!((reference.change_over_tolerance(&change) - 0.2).abs() < 1e-12);
    let change = reference.change(&apply(&model, 0.11, false));
    assert!((change.largest() - 0.1).abs() < 1e-12);
    assert!(!reference.verifies(&change));
}

#[test]
fn auto_finds_the_largest_magnitude_that_holds() {
    let check = |tolerance: f64, expected: f64| {
        let model = linear();
        let reference = reference(&model, Tolerance::Absolute(tolerance), false);
        assert_eq!(
            largest_threshold(&model, &reference, false),
            expected,
            "at {tolerance}"
        );
    };
    check(0.001, 0.01);
    check(0.05, 0.1);
    check(0.5, 1.0);
    check(0.0, 0.01);
}

#[test]
fn a_decision_that_changes_is_not_verified() {
    let model = linear();
    let inputs = array![[1.0], [-11.0]];
    // Outputs (−0.099, 0.01): without the weight 0.1, (1.001, 0.01).
    let reference = Reference::new(&model, inputs, Tolerance::Absolute(2.0), true);
    let change = reference.change(&apply(&model, 0.11, false));
    assert_eq!(change.decision_agreement, Some(0.0));
    assert!(!reference.verifies(&change));
}

#[test]
fn nan_is_never_verified() {
    let mut model = linear();
    model.layers[0].weight[[0, 0]] = f64::NAN;
    let reference = reference(&model, Tolerance::Absolute(10.0), false);
    let change = reference.change(&apply(&model, 0.0, false));
    assert!(change.largest().is_nan() && !reference.verifies(&change));
}

#[test]
fn biases_stay_unless_asked_for() {
    let model = linear();
    assert_eq!(apply(&model, 0.05, false).layers[0].bias[0], 0.001);
    assert_eq!(apply(&model, 0.05, true).layers[0].bias[0], 0.0);
}

/// Trying a few hard samples first must not change the answer.
#[test]
fn auto_agrees_with_trying_everything() {
    for seed in 0..20 {
        let model = random_mlp(&[3, 6, 5, 2], 1, Activation::Silu, seed);
        let inputs = random_inputs(&model, 40, seed);
        let reference = Reference::new(&model, inputs, Tolerance::Relative(0.2), seed % 2 == 0);
        let verifies = |t: &f64| reference.verifies(&reference.change(&apply(&model, *t, false)));
        let plain = magnitudes(&model, false)
            .into_iter()
            .find(verifies)
            .unwrap_or(0.0);
        assert_eq!(largest_threshold(&model, &reference, false), plain);
    }
}

#[test]
fn the_result_adds_up() {
    let model = linear();
    let reference = reference(&model, Tolerance::Relative(0.01), false);
    let config = Config {
        threshold: Threshold::At(0.05),
        tolerance: Tolerance::Relative(0.01),
        biases: false,
        curve: true,
    };
    let tensors = ["w".to_owned()];
    let setting = Setting {
        tensors: &tensors,
        ..setting()
    };
    let (pruned, result) = prune(&model, &reference, setting, config);
    assert_eq!(pruned.layers[0].weight, array![[1.0, 0.1], [0.0, 0.0]]);
    assert_eq!(
        (result.edges_total, result.edges_kept, result.sparsity),
        (4, 2, 0.5)
    );
    assert_eq!(result.layers[0].edges_kept, 2);
    assert!(!result.verified, "0.01 is all of the second output");
    assert!(
        result
            .curve
            .iter()
            .any(|p| p.threshold == 0.05 && p.edges_kept == 2)
    );
    assert!(
        result
            .curve
            .windows(2)
            .all(|w| w[0].edges_kept >= w[1].edges_kept)
    );
}

#[test]
fn tolerances_parse() {
    assert_eq!("1%".parse(), Ok(Tolerance::Relative(0.01)));
    assert_eq!("0.5".parse(), Ok(Tolerance::Absolute(0.5)));
    assert!("-1".parse::<Tolerance>().is_err() && "x%".parse::<Tolerance>().is_err());
}
