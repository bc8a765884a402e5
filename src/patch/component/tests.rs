//! Properties of the engine that hold for every transformer, in f64.

use std::collections::HashSet;

use ndarray::{Array1, Array2, Axis, s};

use super::{ComponentEngine, Setup};
use crate::model::transformer::{
    Answers, Block, Embedding, Heads, Letter, Norm, SequenceInputs, Transformer,
};
use crate::model::{Components, Sequences};
use crate::numeric::{Activation, Rng};
use crate::patch::{Fill, Patchable};

const D: usize = 5;
pub(crate) const LENGTH: usize = 4;
const FEATURES: usize = 3;
const HEADS: Heads = Heads {
    count: 2,
    width: 3,
    scale: 0.6,
    causal: true,
};

fn random(rng: &mut Rng, rows: usize, columns: usize) -> Array2<f64> {
    Array2::from_shape_simple_fn((rows, columns), || 0.4 * rng.normal())
}

fn vector(rng: &mut Rng, width: usize) -> Array1<f64> {
    Array1::from_shape_simple_fn(width, || 0.3 * rng.normal())
}

fn norm(rng: &mut Rng) -> Option<Norm<f64>> {
    Some(Norm {
        weight: vector(rng, D) + 1.0,
        bias: vector(rng, D),
        epsilon: 1e-5,
    })
}

pub(crate) fn model(normed: bool, causal: bool, activation: Activation) -> Transformer<f64> {
    let mut rng = Rng::new(3, 0);
    let total = HEADS.total();
    let block = |rng: &mut Rng| Block {
        norm1: norm(rng).filter(|_| normed),
        qkv: random(rng, D, 3 * total),
        qkv_bias: vector(rng, 3 * total),
        out: random(rng, total, D),
        out_bias: vector(rng, D),
        norm2: norm(rng).filter(|_| normed),
        up: random(rng, D, 7),
        up_bias: vector(rng, 7),
        down: random(rng, 7, D),
        down_bias: vector(rng, D),
    };
    Transformer {
        embedding: Embedding::Values {
            weight: random(&mut rng, FEATURES, D),
            bias: vector(&mut rng, D),
            in_perm: (0..FEATURES).collect(),
        },
        positions: Some(random(&mut rng, 6, D)),
        blocks: vec![block(&mut rng), block(&mut rng), block(&mut rng)],
        final_norm: norm(&mut rng).filter(|_| normed),
        unembedding: Some(random(&mut rng, D, 3)),
        output_bias: vector(&mut rng, 3),
        out_perm: vec![0, 1, 2],
        heads: Heads { causal, ..HEADS },
        activation,
    }
}

pub(crate) fn models() -> Vec<Transformer<f64>> {
    vec![
        model(true, true, Activation::GeluTanh),
        model(false, false, Activation::Silu),
        model(true, false, Activation::Gelu),
    ]
}

/// More samples than one part holds; pairs differ by `distance`.
pub(crate) fn batch(positions: &[usize], distance: f64) -> Sequences<f64> {
    let samples = 70;
    let mut rng = Rng::new(4, 0);
    let values = random(&mut rng, samples * LENGTH, FEATURES);
    let corrupted = &values + &(random(&mut rng, samples * LENGTH, FEATURES) * distance);
    let positions = Array2::from_shape_fn((samples, positions.len()), |(_, p)| positions[p]);
    Sequences {
        path: "test".into(),
        inputs: SequenceInputs::Values(values),
        corrupted: Some(SequenceInputs::Values(corrupted)),
        answers: Answers::new(positions, LENGTH),
        correct: None,
        foils: None,
        targets: None,
        outputs: None,
        lengths: None,
    }
}

pub(crate) fn setup(fill: Fill, split_input: bool) -> Setup {
    Setup {
        fill,
        seed: 1,
        split_input,
    }
}

/// A reader's input, given what the writers before it write.
type Reads<'a> = &'a dyn Fn(usize, &[Array2<f64>]) -> Array2<f64>;

/// What every writer of a run writes, when readers read what `input` says.
fn writers_by_definition(
    model: &Transformer<f64>,
    sites: &Components,
    inputs: &Array2<f64>,
    input: Reads<'_>,
) -> (Vec<Array2<f64>>, Array2<f64>) {
    let Embedding::Values { weight, bias, .. } = &model.embedding else {
        panic!("numbers");
    };
    let tokens = inputs.dot(weight) + bias;
    let positions = model
        .position_rows(inputs.nrows() / LENGTH, LENGTH)
        .unwrap();
    let mut written = if sites.inputs() == 1 {
        vec![tokens + positions]
    } else {
        vec![tokens, positions]
    };
    for (layer, block) in model.blocks.iter().enumerate() {
        let before = written.clone();
        for head in 0..model.heads.count {
            let project = |letter: Letter| {
                let x = input(sites.head_reader(layer, letter, head), &before);
                model.read_head(layer, letter, head, &x).projected
            };
            let (q, k, v) = (project(Letter::Q), project(Letter::K), project(Letter::V));
            let held = attention_by_definition(model, &q, &k, &v);
            written.push(held.dot(&block.head_out(model.heads, head)));
        }
        let x = input(sites.mlp_reader(layer), &written);
        let hidden = model.mlp_half(block, x).hidden;
        written.push(hidden.dot(&block.down) + &block.down_bias);
    }
    let x = input(sites.logits_reader(), &written);
    (written, model.end(x).outputs)
}

pub(crate) fn attention_by_definition(
    model: &Transformer<f64>,
    q: &Array2<f64>,
    k: &Array2<f64>,
    v: &Array2<f64>,
) -> Array2<f64> {
    Array2::from_shape_fn(q.raw_dim(), |(row, column)| {
        let (first, position) = (row / LENGTH * LENGTH, row % LENGTH);
        let seen = if model.heads.causal {
            position + 1
        } else {
            LENGTH
        };
        let score = |p: usize| (q.row(row).dot(&k.row(first + p)) * model.heads.scale).exp();
        let total: f64 = (0..seen).map(score).sum();
        (0..seen)
            .map(|p| score(p) / total * v[[first + p, column]])
            .sum()
    })
}

/// Whether the edge from a writer to a reader is patched at a position.
type Patched<'a> = &'a dyn Fn(usize, usize, usize) -> bool;

/// A patched run the long way, `[outputs, readings]`.
fn by_definition(
    model: &Transformer<f64>,
    sites: &Components,
    batch: &Sequences<f64>,
    fill: Fill,
    patched: Patched<'_>,
) -> Array2<f64> {
    let (SequenceInputs::Values(inputs), Some(SequenceInputs::Values(corrupted))) =
        (&batch.inputs, &batch.corrupted)
    else {
        panic!("numbers");
    };
    let stream = |reader: usize, written: &[Array2<f64>]| {
        let halves = sites.layer_of_reader(reader);
        let after_attention = reader != sites.logits_reader() && sites.mlp_reader(halves) == reader;
        let mut sum = Array2::zeros((inputs.nrows(), D));
        written.iter().for_each(|w| sum += w);
        let blocks = halves + usize::from(after_attention);
        model.blocks[..blocks]
            .iter()
            .for_each(|b| sum += &b.out_bias);
        sum
    };
    let clean = writers_by_definition(model, sites, inputs, &stream).0;
    let fills: Vec<Array2<f64>> = match fill {
        Fill::Zero => clean.iter().map(|w| Array2::zeros(w.raw_dim())).collect(),
        Fill::Corrupted => writers_by_definition(model, sites, corrupted, &stream).0,
        _ => clean.iter().map(mean_by_position).collect(),
    };
    let input = |reader: usize, written: &[Array2<f64>]| {
        let mut x = stream(reader, written);
        for writer in 0..written.len() {
            let change = &fills[writer] - &written[writer];
            for (row, change) in change.rows().into_iter().enumerate() {
                if patched(writer, reader, row % LENGTH) {
                    let mut x = x.row_mut(row);
                    x += &change;
                }
            }
        }
        x
    };
    let outputs = writers_by_definition(model, sites, inputs, &input).1;
    outputs
        .select(Axis(0), &batch.answers.rows())
        .reversed_axes()
}

pub(crate) fn mean_by_position(written: &Array2<f64>) -> Array2<f64> {
    let mut result = written.clone();
    for position in 0..LENGTH {
        let rows = written.slice(s![position..;LENGTH, ..]);
        let mean = rows.mean_axis(Axis(0)).unwrap();
        result
            .slice_mut(s![position..;LENGTH, ..])
            .rows_mut()
            .into_iter()
            .for_each(|mut row| row.assign(&mean));
    }
    result
}

#[track_caller]
pub(crate) fn assert_close(a: &Array2<f64>, b: &Array2<f64>) {
    assert_eq!(a.dim(), b.dim());
    let largest = (a - b).iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    assert!(largest < 1e-10, "largest difference {largest:e}");
}

#[test]
fn runs_agree_with_the_definition() {
    for model in models() {
        for positions in [vec![3], vec![1, 2], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1.0);
            for (fill, split) in [
                (Fill::Zero, false),
                (Fill::Mean, true),
                (Fill::Corrupted, true),
            ] {
                let engine = ComponentEngine::new(&model, &batch, setup(fill, split)).unwrap();
                let edges = engine.sites().edge_count();
                let mut rng = Rng::new(9, 0);
                for share in [0.0, 0.01, 0.3, 0.8, 1.0] {
                    let set = engine.edges((0..edges).filter(|_| rng.uniform() < share));
                    let patched = |w, r, _| set.contains(engine.sites().edge(w, r));
                    let expected = by_definition(&model, engine.sites(), &batch, fill, &patched);
                    assert_close(&engine.outputs(&set), &expected);
                    assert_close(&engine.each_set(&[set], |o| o.to_owned())[0], &expected);
                }
            }
        }
    }
}

#[test]
fn at_positions_too_runs_agree_with_the_definition() {
    for model in models() {
        for positions in [vec![3], vec![1, 2], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1.0);
            let whole = ComponentEngine::new(&model, &batch, setup(Fill::Corrupted, true)).unwrap();
            let engine = whole.clone().at_positions(&batch).unwrap();
            let sites = engine.sites();
            let mut rng = Rng::new(9, 0);
            for share in [0.0, 0.01, 0.3, 0.8, 1.0] {
                let some = (0..sites.edge_count()).filter(|_| rng.uniform() < share);
                let set = engine.edges(some);
                let names: HashSet<String> = set.ones().map(|e| sites.edge_name(e)).collect();
                let patched = |writer, reader, position| {
                    let (from, to) = (sites.writer_name(writer), sites.reader_name(reader));
                    names.contains(&format!("{from}->{to}@{position}"))
                };
                let expected = by_definition(&model, sites, &batch, Fill::Corrupted, &patched);
                assert_close(&engine.outputs(&set), &expected);
            }
            // All positions of an edge are the edge.
            for share in [0.05, 0.5, 0.95] {
                let some = (0..whole.edge_count()).filter(|_| rng.uniform() < share);
                let set = whole.edges(some);
                let of_edge = |edge: usize| {
                    let (writer, reader) = whole.sites().ends(edge);
                    let first = sites.edge(writer, reader);
                    first..first + sites.positions_of(reader)
                };
                let everywhere = engine.edges(set.ones().flat_map(of_edge));
                assert_close(&engine.outputs(&everywhere), &whole.outputs(&set));
            }
        }
    }
}

#[test]
fn samples_that_are_read_at_different_positions_are_not_aligned() {
    let model = model(true, true, Activation::Relu);
    let mut batch = batch(&[3], 1.0);
    let positions = Array2::from_shape_fn((70, 1), |(sample, _)| 2 + sample / 69);
    batch.answers = Answers::new(positions, LENGTH);
    let engine = ComponentEngine::new(&model, &batch, setup(Fill::Zero, false)).unwrap();
    let error = engine.at_positions(&batch).unwrap_err();
    assert!(error.to_string().contains("not read at the same positions"));
}

#[test]
fn resampling_takes_every_sample_from_another_and_patching_nothing_changes_nothing() {
    let (model, batch) = (model(true, true, Activation::Relu), batch(&[3], 1.0));
    let engine = ComponentEngine::new(&model, &batch, setup(Fill::Resample, false)).unwrap();
    let clean = engine.clean();
    assert_eq!(engine.outputs(&engine.edges([])), clean);
    let all = engine.outputs(&engine.all_but(&engine.edges([])));
    for (sample, column) in all.columns().into_iter().enumerate() {
        let distance = |other: usize| {
            let difference = &column - &clean.column(other);
            difference.iter().fold(0.0_f64, |m, d| m.max(d.abs()))
        };
        let nearest = (0..70)
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
            .unwrap();
        assert_ne!(nearest, sample);
        assert!(distance(nearest) < 1e-10);
    }
}
