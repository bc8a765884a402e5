//! Circuits that are known by construction.

use ndarray::{Array1, Array2, array};

use super::*;
use crate::choice::Sign;
use crate::metric::Metric;
use crate::model::{Edge, Linear, Mlp};
use crate::numeric::{Activation, Rng};
use crate::patch::{EdgeSet, Engine, Fills, PatchableExt as _};

/// Two parts that share nothing: y0 = relu(x0) + relu(x1), y1 = 2 relu(x2);
/// the fourth hidden neuron is fed but unread.
fn planted() -> Mlp<f64> {
    Mlp {
        embedding: None,
        in_perm: vec![0, 1, 2],
        folds: 1,
        layers: vec![
            Linear {
                weight: array![
                    [1.0, 0.0, 0.0],
                    [0.0, 1.0, 0.0],
                    [0.0, 0.0, 1.0],
                    [1.0, 1.0, 1.0]
                ],
                bias: Array1::zeros(4),
            },
            Linear {
                weight: array![[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]],
                bias: Array1::zeros(2),
            },
        ],
        activation: Activation::Relu.into(),
        out_perm: vec![0, 1],
    }
}

fn inputs(samples: usize) -> Array2<f64> {
    let mut rng = Rng::new(1, 0);
    Array2::from_shape_simple_fn((3, samples), || rng.uniform() + 0.1)
}

fn mse(model: &Mlp<f64>, output: usize) -> Metric {
    Metric::Mse {
        targets: model.outputs(inputs(20).view()),
        output: Some(output),
    }
}

fn surviving(engine: &Engine<'_, f64>) -> EdgeSet {
    let live = |number: &usize| {
        let edge = engine.sites().edge_at(*number);
        engine.model().layers[edge.layer].weight[[edge.to, edge.from]] != 0.0
    };
    engine.edges((0..engine.sites().edge_count()).filter(live))
}

#[test]
fn acdc_finds_exactly_the_planted_circuit() {
    let model = planted();
    let engine = Engine::new(&model, inputs(20), Fills::zero());
    let candidates = surviving(&engine);
    assert_eq!(candidates.count_ones(..), 9);
    for sign in [Sign::Signed, Sign::Absolute] {
        let config = Acdc {
            threshold: 1e-6,
            sign,
        };
        let found = acdc(&engine, &mse(&model, 0), &candidates, config);
        let names: Vec<_> = found
            .kept()
            .map(|(e, _)| engine.sites().edge_names(e))
            .collect();
        let expected = [
            ("h1.1", "y0"),
            ("h1.0", "y0"),
            ("x0", "h1.0"),
            ("x1", "h1.1"),
        ];
        let expected = expected.map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(names, expected);
        assert_eq!(found.trials.len(), 4, "unread sites are not tried");
        assert!(
            found.kept().all(|(_, effect)| effect < 0.0),
            "losses rise when edges go"
        );
    }
}

#[test]
fn a_threshold_above_every_effect_leaves_nothing() {
    let model = planted();
    let engine = Engine::new(&model, inputs(20), Fills::zero());
    let config = Acdc {
        threshold: 1e6,
        sign: Sign::Absolute,
    };
    let found = acdc(&engine, &mse(&model, 1), &surviving(&engine), config);
    assert_eq!(found.kept().count(), 0);
}

#[test]
fn exact_effects_are_those_of_whole_runs() {
    let model = planted();
    let engine = Engine::new(&model, inputs(20), Fills::mean(&model.forward(inputs(20))));
    let edges: Vec<usize> = (0..engine.sites().edge_count()).collect();
    let goal = |output| Goal {
        output,
        rows: (0..20).collect(),
        metric: mse(&model, output),
    };
    let effects = effects(&engine, &engine.edges([]), &edges, &[goal(0), goal(1)]);
    for (output, effects) in effects.iter().enumerate() {
        for (edge, effect) in edges.iter().zip(effects) {
            let patched = engine.run(&engine.edges([*edge]));
            let expected = -mse(&model, output).mean(patched.outputs());
            assert!((effect - expected).abs() < 1e-12);
        }
    }
    // y1 hears nothing of x0.
    let edge = engine.sites().edge(Edge {
        layer: 0,
        to: 0,
        from: 0,
    });
    assert_eq!(effects[1][edge], 0.0);
    let strongest = strongest_first(&edges, &effects[1]);
    assert_eq!(engine.sites().edge_names(strongest[0].0).0, "x2");
}

#[test]
fn ablating_a_node_is_patching_its_edges() {
    let model = planted();
    let engine = Engine::new(&model, inputs(20), Fills::zero());
    let goal = Goal {
        output: 1,
        rows: (0..20).collect(),
        metric: Metric::Output { output: 1 },
    };
    let effects = node_effects(&engine, &[goal]);
    assert_eq!(effects[0].len(), 9, "outputs write nothing");
    let mean_x2 = 2.0 * inputs(20).row(2).mean().unwrap();
    let expected = [0.0, 0.0, mean_x2, 0.0, 0.0, mean_x2, 0.0, 0.0, 0.0];
    for (effect, expected) in effects[0].iter().zip(expected) {
        assert!((effect - expected).abs() < 1e-12);
    }
}
