use ndarray::{Array1, Array2, array};

use super::*;
use crate::metric::Metric;
use crate::model::{Linear, Mlp};
use crate::numeric::Activation;
use crate::patch::{Engine, Fill, Fills, PatchableExt as _};

/// y = 3 x0 + 1 x1 + 0 x2, linear, one sample (1, 1, 1): y = 4.
fn model() -> Mlp<f64> {
    Mlp {
        embedding: None,
        in_perm: vec![0, 1, 2],
        folds: 1,
        layers: vec![Linear {
            weight: array![[3.0, 1.0, 0.0]],
            bias: Array1::zeros(1),
        }],
        activation: Activation::Identity.into(),
        out_perm: vec![0],
    }
}

fn engine(model: &Mlp<f64>) -> Engine<'_, f64> {
    Engine::new(model, Array2::ones((3, 1)), Fills::zero())
}

fn judge<'e, 'm>(engine: &'e Engine<'m, f64>) -> Judge<'e, f64> {
    Judge::new(engine, Metric::Output { output: 0 }, engine.edges([0, 1]))
}

#[test]
fn verdicts_worked_out_by_hand() {
    let model = model();
    let engine = engine(&model);
    let judge = judge(&engine);
    let verdict = judge.judge(&judge.network().edges([0]), Some(2));
    assert_eq!(
        (
            verdict.full,
            verdict.circuit,
            verdict.corrupted,
            verdict.gap
        ),
        (4.0, 3.0, 0.0, 1.0)
    );
    assert_eq!(verdict.faithfulness, Some(0.75));
    assert_eq!(
        verdict.completeness,
        Some(0.75),
        "the complement alone scores 1 of 4"
    );
    assert_eq!(verdict.interval, None, "one sample shows no spread");
    assert_eq!(verdict.decision_agreement, None, "numbers decide nothing");
    assert_eq!(judge.scale(), 4.0);
}

/// Where 95 % intervals were found not to hold the truth 95 % of the time there are none.
#[test]
fn intervals_are_withheld_where_they_are_too_narrow() {
    let of = |output| Metric::Mse {
        targets: Array2::zeros((1, 29)),
        output,
    };
    let classes = || vec![0; 29];
    let decided = Metric::Accuracy { classes: classes() };
    let logits = Metric::LogitDiff {
        answers: classes(),
        foils: classes(),
    };
    let divergence = Metric::Kl {
        reference: Array2::zeros((1, 29)),
    };
    let entropy = Metric::CrossEntropy { classes: classes() };
    for (metric, fill, fewest) in [
        (&entropy, Fill::Zero, None),
        (&logits, Fill::Mean, Some(30)),
        (&of(Some(0)), Fill::Mean, Some(30)),
        (&of(None), Fill::Zero, Some(30)),
        (&of(None), Fill::Mean, None),
        (&divergence, Fill::Corrupted, Some(300)),
        (&divergence, Fill::Mean, None),
        (&decided, Fill::Zero, None),
    ] {
        assert_eq!(fewest_judged(metric, fill), fewest, "{metric:?}");
    }
    let model = model();
    for (samples, given) in [(29, false), (30, true)] {
        let engine = Engine::new(&model, Array2::ones((3, samples)), Fills::zero());
        let metric = Metric::Output { output: 0 };
        let judge = Judge::new(&engine, metric, engine.edges([0, 1]));
        let verdict = judge.judge(&engine.edges([0]), Some(30));
        assert_eq!(verdict.faithfulness, Some(0.75));
        assert_eq!(verdict.interval, given.then_some([0.75; 2]));
        assert_eq!(judge.judge(&engine.edges([0]), None).interval, None);
    }
}

#[test]
fn the_whole_network_is_faithful_and_nothing_is_not() {
    let model = model();
    let engine = engine(&model);
    let judge = judge(&engine);
    let all = judge.judge(judge.candidates(), Some(2));
    assert_eq!(
        (
            all.faithfulness,
            all.completeness,
            minimality(&judge, judge.candidates(), 1)
        ),
        (Some(1.0), Some(1.0), None)
    );
    let none = judge.judge(&judge.network().edges([]), Some(2));
    assert_eq!(
        (
            none.faithfulness,
            none.completeness,
            minimality(&judge, &judge.network().edges([]), 1)
        ),
        (Some(0.0), Some(0.0), None)
    );
}

#[test]
fn faithfulness_is_undefined_where_patching_changes_nothing() {
    let mut model = model();
    model.layers[0].weight.fill(0.0);
    model.layers[0].bias.fill(2.0);
    let engine = engine(&model);
    let judge = judge(&engine);
    assert_eq!(
        judge
            .judge(&judge.network().edges([0]), Some(2))
            .faithfulness,
        None
    );
}

#[test]
fn the_smallest_faithful_circuit_is_chosen() {
    let model = model();
    let engine = engine(&model);
    let judge = judge(&engine);
    let circuit = |edges: &[usize]| {
        (
            edges.len() as f64,
            judge.network().edges(edges.iter().copied()),
        )
    };
    let circuits = [circuit(&[0, 1]), circuit(&[1]), circuit(&[0])];
    let circuits: Vec<_> = circuits.iter().map(|(size, set)| (*size, set)).collect();
    let choice = choose(&judge, &circuits, 0.3).unwrap();
    assert_eq!((choice.index, choice.faithful), (2, true));
    let choice = choose(&judge, &circuits, 0.0).unwrap();
    assert_eq!((choice.index, choice.faithful), (0, true));
    let choice = choose(&judge, &circuits[1..2], 0.1).unwrap();
    assert_eq!((choice.index, choice.faithful), (0, false));
    assert!(choose(&judge, &[], 0.1).is_none());
}

#[test]
fn sizes_and_thresholds_cover_the_range() {
    assert_eq!(sizes(3), [1, 2, 3]);
    let many = sizes(17_400);
    assert_eq!((many[31], many.last()), (32, Some(&17_400)));
    assert!(many.windows(2).all(|w| w[0] < w[1]) && many.len() < 90);
    let taus = thresholds(2.0);
    assert!((taus[0] - 0.2).abs() < 1e-12 && (taus[8] - 2e-5).abs() < 1e-12);
}
