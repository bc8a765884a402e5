//! Properties of the engine that hold for every transformer, in f64.

use std::collections::{BTreeMap, HashSet};

use ndarray::{Array2, Axis, s};

use super::{ComponentEngine, Setup};
pub(crate) use crate::model::transformer::tests::{LENGTH, model, models};
use crate::model::transformer::tests::{Naive, assert_close, naive, values, whole};
use crate::model::transformer::{Answers, Matrix, Reader, SequenceInputs, Transformer, Writer};
use crate::model::{Components, Sequences};
use crate::numeric::{Activation, Rng};
use crate::patch::{Fill, Parted, Patchable, PatchableExt as _};

/// Few samples; pairs differ by `distance`.
pub(crate) fn batch(positions: &[usize], distance: f64) -> Sequences<f64> {
    batch_of(6, positions, distance)
}

fn batch_of(samples: usize, positions: &[usize], distance: f64) -> Sequences<f64> {
    let inputs = values(samples * LENGTH, 4);
    let corrupted = &inputs + &(values(samples * LENGTH, 14) * distance);
    let positions = Array2::from_shape_fn((samples, positions.len()), |(_, p)| positions[p]);
    Sequences {
        path: "test".into(),
        inputs: SequenceInputs::Values(inputs),
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

/// Whether the edge from a writer to a reader is patched at a position.
type Patched<'a> = &'a dyn Fn(usize, usize, usize) -> bool;

/// Numbers and their pairs.
pub(crate) fn pairs(batch: &Sequences<f64>) -> (&Array2<f64>, &Array2<f64>) {
    match (&batch.inputs, &batch.corrupted) {
        (SequenceInputs::Values(inputs), Some(SequenceInputs::Values(corrupted))) => {
            (inputs, corrupted)
        }
        _ => panic!("numbers"),
    }
}

/// A patched run the long way, `[outputs, readings]`.
fn by_definition(
    model: &Transformer<f64>,
    sites: &Components,
    batch: &Sequences<f64>,
    fill: Fill,
    patched: Patched<'_>,
) -> Array2<f64> {
    let (inputs, corrupted) = pairs(batch);
    let clean = naive(model, inputs).writers;
    let change = |of: &dyn Fn(&Array2<f64>) -> Array2<f64>| -> BTreeMap<Writer, Array2<f64>> {
        clean.iter().map(|(writer, x)| (*writer, of(x))).collect()
    };
    let fills = match fill {
        Fill::Zero => change(&|x| Array2::zeros(x.raw_dim())),
        Fill::Corrupted => naive(model, corrupted).writers,
        _ => change(&mean_by_position),
    };
    let read = |reader: Reader, stream: &Array2<f64>, written: &BTreeMap<Writer, Array2<f64>>| {
        let (mut x, reader) = (stream.clone(), sites.reader(reader));
        for writer in sites.writers_of(reader) {
            let site = sites.writer_at(writer);
            let change = &fills[&site] - &written[&site];
            for (row, change) in change.rows().into_iter().enumerate() {
                if patched(writer, reader, row % LENGTH) {
                    let mut x = x.row_mut(row);
                    x += &change;
                }
            }
        }
        x
    };
    let linear = |matrix: Matrix, x: &Array2<f64>| whole(model, matrix, x);
    let run = Naive {
        model,
        read: &read,
        linear: &linear,
        edit: &|_, _| (),
    };
    let outputs = run.run(inputs).outputs;
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

#[test]
fn runs_agree_with_the_definition() {
    for (name, model) in models() {
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
                for share in [0.0, 0.01, 0.3, 0.8, 0.95, 1.0] {
                    let set = engine.edges((0..edges).filter(|_| rng.uniform() < share));
                    let patched = |w, r, _| set.contains(engine.sites().edge(w, r));
                    let expected = by_definition(&model, engine.sites(), &batch, fill, &patched);
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

/// More samples than one part holds.
#[test]
fn runs_over_parts_agree_with_the_definition() {
    let (model, batch) = (
        model(true, true, Activation::Relu),
        batch_of(70, &[1, 3], 1.0),
    );
    let engine = ComponentEngine::new(&model, &batch, setup(Fill::Mean, false)).unwrap();
    assert_eq!(engine.parts().len(), 2);
    let set = engine.edges((0..engine.edge_count()).step_by(3));
    let patched = |w, r, _| set.contains(engine.sites().edge(w, r));
    let expected = by_definition(&model, engine.sites(), &batch, Fill::Mean, &patched);
    assert_close("parts", &engine.outputs(&set), &expected);
}

#[test]
fn at_positions_too_runs_agree_with_the_definition() {
    for (name, model) in models() {
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
                assert_close(name, &engine.outputs(&set), &expected);
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
                assert_close(name, &engine.outputs(&everywhere), &whole.outputs(&set));
            }
        }
    }
}

/// Edges are patched in any order, some steps are taken back, and by single edges, by whole
/// readers and with edges patched that already are.
#[test]
fn walks_stand_where_runs_of_the_same_edges_do() {
    for (name, model) in models() {
        let batch = batch(&[1, 3], 1.0);
        for (fill, split) in [(Fill::Mean, false), (Fill::Corrupted, true)] {
            let whole = ComponentEngine::new(&model, &batch, setup(fill, split)).unwrap();
            let placed = whole.clone().at_positions(&batch).unwrap();
            for engine in [whole, placed] {
                let mut rng = Rng::new(5, 0);
                let edges = engine.edge_count();
                let mut set = engine.edges((0..edges).filter(|_| rng.uniform() < 0.1));
                let mut walk = engine.walk(set.clone());
                assert_close(name, &walk.outputs().to_owned(), &engine.outputs(&set));
                for step in 0..20 {
                    let first = rng.below(edges);
                    let last = if step % 5 == 0 {
                        edges.min(first + 9)
                    } else {
                        first + 1
                    };
                    let mut with = set.clone();
                    with.extend(first..last);
                    let attempted = walk.attempt(first..last).to_owned();
                    assert_close(name, &attempted, &engine.outputs(&with));
                    if rng.uniform() < 0.7 {
                        walk.take();
                        set = with;
                    }
                    assert_close(name, &walk.outputs().to_owned(), &engine.outputs(&set));
                }
            }
        }
    }
}

/// With any share on every edge: at 0 and 1 the run is a patched one, and the
/// gradient at every share is the finite difference.
#[test]
fn shares_of_messages_and_their_gradients() {
    for (name, model) in models() {
        let batch = batch(&[1, 3], 1.0);
        let engine = ComponentEngine::new(&model, &batch, setup(Fill::Corrupted, true)).unwrap();
        let edges = engine.edge_count();
        let part = &engine.parts()[0];
        let mut rng = Rng::new(8, 0);
        let set = engine.edges((0..edges).filter(|_| rng.uniform() < 0.4));
        let gates: Vec<f64> = (0..edges).map(|e| f64::from(!set.contains(e))).collect();
        let run = super::Mixed::new(&engine, part, &gates)
            .outputs()
            .to_owned();
        assert_close(name, &run, &engine.outputs(&set));
        let mut shares: Vec<f64> = (0..edges).map(|_| rng.uniform()).collect();
        let weigh = Array2::from_shape_fn((12, 3), |(r, o)| ((r * 7 + o * 3) % 5) as f64 - 2.0);
        let value = |shares: &[f64]| {
            (super::Mixed::new(&engine, part, shares)
                .outputs()
                .to_owned()
                * weigh.t())
            .sum()
        };
        let found = super::Mixed::new(&engine, part, &shares).backward(weigh.view());
        for edge in (0..edges).step_by(3) {
            let (share, step) = (shares[edge], 1e-5);
            let mut at = |by: f64| {
                shares[edge] = share + by;
                value(&shares)
            };
            let slope = (at(step) - at(-step)) / (2.0 * step);
            at(0.0);
            let (edge, found) = (engine.sites().edge_name(edge), found[edge]);
            assert!(
                (slope - found).abs() < 1e-7,
                "{name} {edge}: {found} and {slope}"
            );
        }
    }
}

#[test]
fn grouped_heads_are_named_by_head_and_by_key_value_head() {
    let models = models();
    let (_, llama) = models.iter().find(|(name, _)| *name == "llama").unwrap();
    let sites = llama.components(false);
    let readers: Vec<String> = (0..9).map(|r| sites.reader_name(r)).collect();
    let expected = [
        "a0.h0<q>", "a0.h1<q>", "a0.h2<q>", "a0.h3<q>", "a0.h0<k>", "a0.h1<k>", "a0.h0<v>",
        "a0.h1<v>", "m0",
    ];
    assert_eq!(readers, expected);
    // Key-value head 1 is read by heads 2 and 3: its node is head 2, which leads to 3.
    let (_, bert) = models.iter().find(|(name, _)| *name == "bert").unwrap();
    assert_eq!(
        sites.writer_name(sites.writer_of_reader(5).unwrap()),
        "a0.h2"
    );
    let named = |(a, b): &(usize, usize)| (sites.writer_name(*a), sites.writer_name(*b));
    let second = named(&sites.links()[1]);
    assert_eq!(second, ("a0.h2".to_owned(), "a0.h3".to_owned()));
    let sites = bert.components(false);
    let last = sites.edges_into(sites.logits_reader());
    assert_eq!(sites.edge_name(last.start), "m2.norm->logits");
    assert_eq!(last.len(), 1);
}

#[test]
fn samples_that_are_read_at_different_positions_are_not_aligned() {
    let model = model(true, true, Activation::Relu);
    let mut batch = batch(&[3], 1.0);
    let positions = Array2::from_shape_fn((6, 1), |(sample, _)| 2 + sample / 5);
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
        let nearest = (0..6)
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
            .unwrap();
        assert_ne!(nearest, sample);
        assert!(distance(nearest) < 1e-10);
    }
}
