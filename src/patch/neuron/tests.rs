//! Properties of the engine that hold for every transformer, in f64.

use ndarray::{Array2, Axis};

use super::NeuronEngine;
use crate::model::transformer::Matrix;
use crate::model::transformer::tests::{Naive, assert_close, naive, whole};
use crate::numeric::Rng;
use crate::patch::component::tests::{batch, mean_by_position, models, pairs};
use crate::patch::{EdgeSet, Fill, Patchable, PatchableExt as _};

#[test]
fn runs_agree_with_the_definition() {
    for (name, model) in models() {
        for positions in [vec![3], vec![1, 2], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1.0);
            let (inputs, corrupted) = pairs(&batch);
            for fill in [Fill::Zero, Fill::Mean, Fill::Corrupted] {
                let mut fills = naive(&model, inputs).values;
                match fill {
                    Fill::Corrupted => fills = naive(&model, corrupted).values,
                    Fill::Zero => fills.values_mut().for_each(|x| x.fill(0.0)),
                    _ => fills.values_mut().for_each(|x| *x = mean_by_position(x)),
                }
                let engine = NeuronEngine::new(&model, &batch, fill, 1).unwrap();
                let expected = |patched: &EdgeSet| {
                    let edit = |layer: usize, values: &mut Array2<f64>| {
                        for (column, neuron) in engine.neurons().of_layer(layer).enumerate() {
                            if patched.contains(neuron) {
                                let fill = fills[&layer].column(column);
                                values.column_mut(column).assign(&fill);
                            }
                        }
                    };
                    let linear = |matrix: Matrix, x: &Array2<f64>| whole(&model, matrix, x);
                    let run = Naive {
                        model: &model,
                        read: &|_, stream, _| stream.clone(),
                        linear: &linear,
                        edit: &edit,
                    };
                    let outputs = run.run(inputs).outputs;
                    let rows = batch.answers.rows();
                    outputs.select(Axis(0), &rows).reversed_axes()
                };
                let mut rng = Rng::new(9, 0);
                for share in [0.0, 0.02, 0.3, 0.9, 1.0] {
                    let some = (0..engine.edge_count()).filter(|_| rng.uniform() < share);
                    let set = engine.edges(some);
                    assert_close(name, &engine.outputs(&set), &expected(&set));
                    assert_close(
                        name,
                        &engine.walk(set.clone()).outputs().to_owned(),
                        &expected(&set),
                    );
                }
                let edges: Vec<usize> = (0..engine.edge_count()).step_by(3).collect();
                let each = engine.each_edge(&engine.edges([]), &edges, |o| o.to_owned());
                for (edge, outputs) in edges.iter().zip(each) {
                    assert_close(name, &outputs, &expected(&engine.edges([*edge])));
                }
            }
        }
    }
}

#[test]
fn names_say_layer_and_column() {
    let model = &models()[0].1;
    let neurons = model.neurons();
    assert_eq!(neurons.count(), 4 * 5 + 3 * 7);
    let names = [0, 4, 5, 11, 12, 40].map(|neuron| neurons.name(neuron));
    assert_eq!(names, ["r0.0", "r0.4", "b0.h0", "b0.h6", "r2.0", "r6.4"]);
}

/// The last stream is all that the outputs read.
#[test]
fn the_last_stream_from_another_sample_gives_its_outputs() {
    let (name, model) = &models()[0];
    let batch = batch(&[3], 1.0);
    let engine = NeuronEngine::new(model, &batch, Fill::Resample, 1).unwrap();
    let clean = engine.outputs(&engine.edges([]));
    let last = engine.neurons().of_layer(engine.neurons().layers() - 1);
    let patched = engine.outputs(&engine.edges(last));
    assert_close(name, &patched, &engine.outputs(&engine.all()));
    for (sample, column) in patched.columns().into_iter().enumerate() {
        let same = |other: &usize| {
            (&column - &clean.column(*other))
                .iter()
                .all(|d| d.abs() < 1e-10)
        };
        let from = (0..clean.ncols()).find(same);
        assert!(from.is_some_and(|from| from != sample));
    }
}
