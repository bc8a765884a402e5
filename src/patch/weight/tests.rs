//! Properties of the engine that hold for every transformer, in f64.

use ndarray::{Array2, Axis};

use super::WeightEngine;
use crate::model::Sequences;
use crate::model::transformer::tests::{Naive, assert_close, naive};
use crate::model::transformer::{Embedding, Matrix};
use crate::numeric::Rng;
use crate::patch::component::tests::{batch, mean_by_position, models, pairs, setup};
use crate::patch::{EdgeSet, Fill, Patchable, PatchableExt as _};

/// A patched run message by message, `[outputs, readings]`.
fn by_definition(
    engine: &WeightEngine<'_, f64>,
    batch: &Sequences<f64>,
    fill: Fill,
    patched: &EdgeSet,
) -> Array2<f64> {
    let model = engine.model();
    let (inputs, corrupted) = pairs(batch);
    let mut fills = naive(model, inputs).read;
    match fill {
        Fill::Corrupted => fills = naive(model, corrupted).read,
        Fill::Zero => fills.values_mut().for_each(|x| x.fill(0.0)),
        _ => fills.values_mut().for_each(|x| *x = mean_by_position(x)),
    }
    let linear = |matrix: Matrix, x: &Array2<f64>| {
        let (fill, weight) = (&fills[&matrix], model.weight(matrix));
        let span = engine.sites().spans().iter().find(|s| s.matrix == matrix);
        let span = span.unwrap();
        Array2::from_shape_fn((x.nrows(), weight.ncols()), |(row, to)| {
            let message = |from: usize| {
                let edge = span.first + to * span.inputs + from;
                let source = if patched.contains(edge) { fill } else { x };
                weight[[from, to]] * source[[row, from]]
            };
            model.bias(matrix)[to] + (0..span.inputs).map(message).sum::<f64>()
        })
    };
    let run = Naive {
        model,
        read: &|_, stream, _| stream.clone(),
        linear: &linear,
        edit: &|_, _| (),
    };
    let outputs = run.run(inputs).outputs;
    outputs
        .select(Axis(0), &batch.answers.rows())
        .reversed_axes()
}

#[test]
fn runs_agree_with_the_definition() {
    for (name, model) in models() {
        for positions in [vec![3], vec![1, 2]] {
            let batch = batch(&positions, 1.0);
            for fill in [Fill::Zero, Fill::Mean, Fill::Corrupted] {
                let engine = WeightEngine::new(&model, &batch, setup(fill, false)).unwrap();
                let edges = engine.edge_count();
                let mut rng = Rng::new(9, 0);
                for share in [0.0, 0.002, 0.3, 1.0] {
                    let set = engine.edges((0..edges).filter(|_| rng.uniform() < share));
                    let expected = by_definition(&engine, &batch, fill, &set);
                    assert_close(name, &engine.outputs(&set), &expected);
                    assert_close(
                        name,
                        &engine.each_set(&[set], |o| o.to_owned())[0],
                        &expected,
                    );
                }
            }
        }
    }
}

/// A run that begins at each linear layer in turn.
#[test]
fn single_edges_agree_with_the_definition() {
    for (name, model) in models() {
        let batch = batch(&[1, 3], 1.0);
        let engine = WeightEngine::new(&model, &batch, setup(Fill::Mean, false)).unwrap();
        let middle: Vec<usize> = (engine.sites().spans().iter())
            .map(|span| span.first + span.inputs * span.outputs / 2)
            .collect();
        let found = engine.each_edge(&engine.edges([]), &middle, |o| o.to_owned());
        for (edge, found) in middle.into_iter().zip(found) {
            let set = engine.edges([edge]);
            let expected = by_definition(&engine, &batch, Fill::Mean, &set);
            assert_close(name, &found, &expected);
        }
    }
}

#[test]
fn filling_with_zero_is_pruning() {
    for (name, model) in models() {
        let batch = batch(&[0, 3], 1.0);
        let engine = WeightEngine::new(&model, &batch, setup(Fill::Zero, false)).unwrap();
        let threshold = 0.2;
        let small = |edge: &usize| {
            let (span, from, to) = engine.sites().edge_at(*edge);
            let weight = model.weight(engine.sites().spans()[span].matrix)[[from, to]];
            weight.abs() < threshold
        };
        let set = engine.edges((0..engine.edge_count()).filter(small));
        let mut pruned = model.clone();
        pruned.map_weights(false, |w| if w.abs() < threshold { 0.0 } else { w });
        assert_close(name, &engine.outputs(&set), &pruned.outputs_of(&batch));
    }
}

#[test]
fn resampling_everything_gives_other_samples() {
    let model = &models()[0].1;
    let batch = batch(&[3], 1.0);
    let engine = WeightEngine::new(model, &batch, setup(Fill::Resample, false)).unwrap();
    let clean = engine.outputs(&engine.edges([]));
    let all = engine.outputs(&engine.all());
    for (sample, column) in all.columns().into_iter().enumerate() {
        let distance = |other: usize| {
            let difference = &column - &clean.column(other);
            difference.iter().fold(0.0_f64, |m, d| m.max(d.abs()))
        };
        let nearest = (0..6).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        assert!(nearest != Some(sample) && distance(nearest.unwrap()) < 1e-10);
    }
}

#[test]
fn sites_have_names_and_edges_lead_onwards() {
    let model = &models()[0].1;
    assert!(matches!(model.embedding, Embedding::Values { .. }));
    let batch = batch(&[3], 1.0);
    let engine = WeightEngine::new(model, &batch, setup(Fill::Zero, false)).unwrap();
    let sites = engine.sites();
    let name = |edge| {
        let (from, to) = engine.edge_names(edge);
        format!("{from}->{to}")
    };
    assert_eq!(name(0), "x0->r0.0");
    let firsts: Vec<String> = sites.spans()[1..8].iter().map(|s| name(s.first)).collect();
    let expected = [
        "r0.0->b0.q0",
        "r0.0->b0.k0",
        "r0.0->b0.v0",
        "b0.o0->r1.0",
        "r1.0->b0.h0",
        "b0.h0->r2.0",
        "r2.0->b1.q0",
    ];
    assert_eq!(firsts, expected);
    assert_eq!(name(engine.edge_count() - 1), "r6.4->y2");
    let onwards = |(from, to): (usize, usize)| from < to && to < sites.site_count();
    assert!((0..engine.edge_count()).all(|edge| onwards(sites.ends(edge))));
    assert!(engine.links().into_iter().all(onwards));
    // From q0 to all four channels of its head, from v0 to its own.
    let held = |of: &str| {
        let links = engine.links().into_iter();
        links.filter(|(from, _)| sites.name(*from) == of).count()
    };
    assert_eq!(
        (held("b0.q0"), held("b0.v0"), held("r0.1"), held("r6.1")),
        (4, 1, 1, 0)
    );
}
