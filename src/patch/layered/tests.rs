//! Patched runs against networks whose weights were changed by hand.

use std::path::Path;

use ndarray::Array2;

use super::LayeredEngine;
use crate::model::Layered;
use crate::model::layered::LayeredSites;
use crate::model::layered::tests::{elman, everything};
use crate::numeric::Rng;
use crate::patch::{Fill, Patchable, PatchableExt as _};

fn inputs(seed: u64) -> Array2<f64> {
    let mut rng = Rng::new(seed, 1);
    Array2::from_shape_fn((50, 4), |_| rng.uniform() * 2.0 - 1.0)
}

pub(crate) fn engine(model: &Layered<f64>, fill: Fill) -> LayeredEngine<'_, f64> {
    let corrupted = inputs(8);
    LayeredEngine::new(
        model,
        LayeredSites::new(model),
        (&inputs(7), Some(&corrupted)),
        fill,
        0,
        Path::new("none"),
    )
    .unwrap()
}

fn close(a: &Array2<f64>, b: &Array2<f64>) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10)
}

#[test]
fn patching_by_zero_is_a_network_without_those_weights() {
    let model = everything();
    let engine = engine(&model, Fill::Zero);
    for edge in 0..engine.edge_count() {
        let at = engine.sites().edge_at(edge);
        let term = &engine
            .model()
            .terms(engine.sites().affine()[at.affine].layer)[at.term];
        // The parameter of both terms of one layer is shared: only whole uses are compared.
        if model
            .affine()
            .flat_map(|(_, terms)| terms)
            .filter(|t| t.parameter == term.parameter)
            .count()
            > 1
        {
            continue;
        }
        let mut other = model.clone();
        let taps = model.parameters[term.parameter].taps;
        for column in at.from * taps..(at.from + 1) * taps {
            other.parameters[term.parameter].weight[[at.to, column]] = 0.0;
        }
        assert!(close(
            &engine.outputs(&engine.edges([edge])),
            &other.outputs(inputs(7))
        ));
    }
}

#[test]
fn patching_everything_into_the_first_layer_by_pairs_is_the_corrupted_run() {
    let model = everything();
    let engine = engine(&model, Fill::Corrupted);
    let first = engine.sites().affine()[0].edges();
    // The residual sum reads the first activation, which follows.
    assert!(close(
        &engine.outputs(&engine.edges(first)),
        &model.outputs(inputs(8))
    ));
}

pub(crate) fn on_steps(model: &Layered<f64>, steps_apart: bool) -> LayeredEngine<'_, f64> {
    let inputs = Array2::from_shape_fn((3, 40), |(step, sample)| {
        ((step + 1) * sample) as f64 / 40.0
    });
    let sites = LayeredSites::at(model, steps_apart);
    let nowhere = Path::new("none");
    LayeredEngine::new(model, sites, (&inputs, None), Fill::Zero, 0, nowhere).unwrap()
}

/// A weight that is patched at all steps by zero is a weight of 0.
#[test]
fn an_edge_at_all_steps_is_the_weight() {
    let model = elman();
    let one = on_steps(&model, false);
    assert_eq!((one.edge_count(), one.node_count()), (8, 4));
    for edge in 0..one.edge_count() {
        let at = one.sites().edge_at(edge);
        let term = &model.terms(one.sites().affine()[at.affine].layer)[at.term];
        let mut other = model.clone();
        other.parameters[term.parameter].weight[[at.to, at.from]] = 0.0;
        let expected = other.outputs(one.clean().values[0].as_ref().clone());
        assert!(close(&one.outputs(&one.edges([edge])), &expected));
    }
}
