//! Properties of the engine that hold for every transformer, in f64.

use ndarray::{Array1, Array2, Axis, s};

use super::WeightEngine;
use crate::model::Transformer;
use crate::model::transformer::{Embedding, Letter, Matrix, SequenceInputs};
use crate::numeric::Rng;
use crate::patch::component::tests::{batch, models, setup};
use crate::patch::{EdgeSet, Fill, Patchable};

const LENGTH: usize = 4;

/// What a linear layer writes, given the layer and what it reads.
type Linear<'a> = &'a dyn Fn(Matrix, &Array2<f64>) -> Array2<f64>;

/// A run at all positions in which `linear` computes the linear layers, and
/// what each of them has read.
fn run(
    model: &Transformer<f64>,
    inputs: &Array2<f64>,
    linear: Linear<'_>,
) -> (Vec<(Matrix, Array2<f64>)>, Array2<f64>) {
    let norm = |norm: &Option<crate::model::transformer::Norm<f64>>, x: &Array2<f64>| match norm {
        Some(norm) => norm.forward(x).0,
        None => x.clone(),
    };
    let mut read = Vec::new();
    let mut pass = |matrix: Matrix, x: &Array2<f64>| {
        read.push((matrix, x.clone()));
        linear(matrix, x)
    };
    let positions = model
        .position_rows(inputs.nrows() / LENGTH, LENGTH)
        .unwrap();
    let mut stream = pass(Matrix::Input, inputs) + positions;
    for (layer, block) in model.blocks.iter().enumerate() {
        let x = norm(&block.norm1, &stream);
        let [q, k, v] = Letter::ALL.map(|letter| pass(Matrix::Projection { layer, letter }, &x));
        let held = attention(model, &q, &k, &v);
        stream += &pass(Matrix::Out(layer), &held);
        let x = norm(&block.norm2, &stream);
        let mut hidden = pass(Matrix::Up(layer), &x);
        model.activation.apply(hidden.as_slice_mut().unwrap());
        stream += &pass(Matrix::Down(layer), &hidden);
    }
    let x = norm(&model.final_norm, &stream);
    let outputs = pass(Matrix::Unembedding, &x);
    (read, outputs)
}

fn attention(
    model: &Transformer<f64>,
    q: &Array2<f64>,
    k: &Array2<f64>,
    v: &Array2<f64>,
) -> Array2<f64> {
    let width = model.heads.width;
    Array2::from_shape_fn(q.raw_dim(), |(row, column)| {
        let (first, position) = (row / LENGTH * LENGTH, row % LENGTH);
        let head = column / width * width;
        let seen = if model.heads.causal {
            position + 1
        } else {
            LENGTH
        };
        let of_head = |x: &Array2<f64>, row: usize| -> Array1<f64> {
            x.slice(s![row, head..head + width]).to_owned()
        };
        let score = |p: usize| {
            let product = of_head(q, row).dot(&of_head(k, first + p));
            (product * model.heads.scale).exp()
        };
        let total: f64 = (0..seen).map(score).sum();
        (0..seen)
            .map(|p| score(p) / total * v[[first + p, column]])
            .sum()
    })
}

/// A patched run message by message, `[outputs, readings]`.
fn by_definition(
    engine: &WeightEngine<'_, f64>,
    batch: &crate::model::Sequences<f64>,
    fill: Fill,
    patched: &EdgeSet,
) -> Array2<f64> {
    let model = engine.model();
    let (SequenceInputs::Values(inputs), Some(SequenceInputs::Values(corrupted))) =
        (&batch.inputs, &batch.corrupted)
    else {
        panic!("numbers");
    };
    let whole = |matrix: Matrix, x: &Array2<f64>| x.dot(&model.weight(matrix)) + model.bias(matrix);
    let clean = run(model, inputs, &whole).0;
    let fills: Vec<(Matrix, Array2<f64>)> = match fill {
        Fill::Corrupted => run(model, corrupted, &whole).0,
        Fill::Zero => {
            let zeros = |(m, x): &(Matrix, Array2<f64>)| (*m, Array2::zeros(x.raw_dim()));
            clean.iter().map(zeros).collect()
        }
        _ => {
            let mean = |(m, x): &(Matrix, Array2<f64>)| (*m, mean_by_position(x));
            clean.iter().map(mean).collect()
        }
    };
    let linear = |matrix: Matrix, x: &Array2<f64>| {
        let fill = &fills.iter().find(|(m, _)| *m == matrix).unwrap().1;
        let span = engine.sites().spans().iter().find(|s| s.matrix == matrix);
        let (span, weight) = (span.unwrap(), model.weight(matrix));
        Array2::from_shape_fn((x.nrows(), weight.ncols()), |(row, to)| {
            let message = |from: usize| {
                let edge = span.first + to * span.inputs + from;
                let source = if patched.contains(edge) { fill } else { x };
                weight[[from, to]] * source[[row, from]]
            };
            model.bias(matrix)[to] + (0..span.inputs).map(message).sum::<f64>()
        })
    };
    let outputs = run(model, inputs, &linear).1;
    outputs
        .select(Axis(0), &batch.answers.rows())
        .reversed_axes()
}

fn mean_by_position(x: &Array2<f64>) -> Array2<f64> {
    Array2::from_shape_fn(x.raw_dim(), |(row, column)| {
        let values = x.slice(s![row % LENGTH..;LENGTH, column]);
        values.mean().unwrap()
    })
}

#[track_caller]
fn assert_close(a: &Array2<f64>, b: &Array2<f64>) {
    assert_eq!(a.dim(), b.dim());
    let largest = (a - b).iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    assert!(largest < 1e-10, "largest difference {largest:e}");
}

#[test]
fn runs_agree_with_the_definition() {
    for model in models() {
        for positions in [vec![3], vec![1, 2]] {
            let batch = batch(&positions, 1.0);
            for fill in [Fill::Zero, Fill::Mean, Fill::Corrupted] {
                let engine = WeightEngine::new(&model, &batch, setup(fill, false)).unwrap();
                let edges = engine.edge_count();
                let mut rng = Rng::new(9, 0);
                for share in [0.0, 0.002, 0.3, 1.0] {
                    let set = engine.edges((0..edges).filter(|_| rng.uniform() < share));
                    let expected = by_definition(&engine, &batch, fill, &set);
                    assert_close(&engine.outputs(&set), &expected);
                    assert_close(&engine.each_set(&[set], |o| o.to_owned())[0], &expected);
                }
            }
        }
    }
}

/// A run that begins at each linear layer in turn.
#[test]
fn single_edges_agree_with_the_definition() {
    for model in models() {
        let batch = batch(&[1, 3], 1.0);
        let engine = WeightEngine::new(&model, &batch, setup(Fill::Mean, false)).unwrap();
        let middle: Vec<usize> = (engine.sites().spans().iter())
            .map(|span| span.first + span.inputs * span.outputs / 2)
            .collect();
        let found = engine.each_edge(&engine.edges([]), &middle, |o| o.to_owned());
        for (edge, found) in middle.into_iter().zip(found) {
            let set = engine.edges([edge]);
            let expected = by_definition(&engine, &batch, Fill::Mean, &set);
            assert_close(&found, &expected);
        }
    }
}

#[test]
fn filling_with_zero_is_pruning() {
    for model in models() {
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
        assert_close(&engine.outputs(&set), &pruned.outputs_of(&batch));
    }
}

#[test]
fn resampling_everything_gives_other_samples() {
    let model = &models()[0];
    let batch = batch(&[3], 1.0);
    let engine = WeightEngine::new(model, &batch, setup(Fill::Resample, false)).unwrap();
    let clean = engine.outputs(&engine.edges([]));
    let all = engine.outputs(&engine.all());
    for (sample, column) in all.columns().into_iter().enumerate() {
        let distance = |other: usize| {
            let difference = &column - &clean.column(other);
            difference.iter().fold(0.0_f64, |m, d| m.max(d.abs()))
        };
        let nearest = (0..70).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        assert!(nearest != Some(sample) && distance(nearest.unwrap()) < 1e-10);
    }
}

#[test]
fn sites_have_names_and_edges_lead_onwards() {
    let model = &models()[0];
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
    // From q0 to all three channels of its head, from v0 to its own.
    let held = |of: &str| {
        let links = engine.links().into_iter();
        links.filter(|(from, _)| sites.name(*from) == of).count()
    };
    assert_eq!(
        (held("b0.q0"), held("b0.v0"), held("r0.1"), held("r6.1")),
        (3, 1, 1, 0)
    );
}
