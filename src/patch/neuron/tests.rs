//! Properties of the engine that hold for every transformer, in f64.

use ndarray::{Array2, Axis};

use super::NeuronEngine;
use crate::model::transformer::{Embedding, Letter, SequenceInputs, Transformer};
use crate::numeric::Rng;
use crate::patch::component::tests::{
    LENGTH, assert_close, attention_by_definition, batch, mean_by_position, models,
};
use crate::patch::{EdgeSet, Fill, Patchable, Walk};

/// The values of all layers at all positions, replaced by `edit` as they come,
/// and the outputs.
fn values_by_definition(
    model: &Transformer<f64>,
    inputs: &Array2<f64>,
    edit: &dyn Fn(usize, &mut Array2<f64>),
) -> (Vec<Array2<f64>>, Array2<f64>) {
    let Embedding::Values { weight, bias, .. } = &model.embedding else {
        panic!("numbers");
    };
    let positions = model.position_rows(inputs.nrows() / LENGTH, LENGTH);
    let mut stream = inputs.dot(weight) + bias + positions.unwrap();
    let mut values = Vec::new();
    for (layer, block) in model.blocks.iter().enumerate() {
        edit(2 * layer, &mut stream);
        values.push(stream.clone());
        let before = stream.clone();
        for head in 0..model.heads.count {
            let read = |letter| model.read_head(layer, letter, head, &before).projected;
            let (q, k, v) = (read(Letter::Q), read(Letter::K), read(Letter::V));
            let held = attention_by_definition(model, &q, &k, &v);
            stream += &held.dot(&block.head_out(model.heads, head));
        }
        stream += &block.out_bias;
        let mut hidden = model.mlp_half(block, stream.clone()).hidden;
        edit(2 * layer + 1, &mut hidden);
        stream = stream + hidden.dot(&block.down) + &block.down_bias;
        values.push(hidden);
    }
    edit(2 * model.blocks.len(), &mut stream);
    values.push(stream.clone());
    (values, model.end(stream).outputs)
}

#[test]
fn runs_agree_with_the_definition() {
    for model in models() {
        for positions in [vec![3], vec![1, 2], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1.0);
            let (SequenceInputs::Values(inputs), Some(SequenceInputs::Values(corrupted))) =
                (&batch.inputs, &batch.corrupted)
            else {
                panic!("numbers");
            };
            let clean = values_by_definition(&model, inputs, &|_, _| ()).0;
            for fill in [Fill::Zero, Fill::Mean, Fill::Corrupted] {
                let fills: Vec<Array2<f64>> = match fill {
                    Fill::Zero => clean.iter().map(|v| v * 0.0).collect(),
                    Fill::Mean => clean.iter().map(mean_by_position).collect(),
                    _ => values_by_definition(&model, corrupted, &|_, _| ()).0,
                };
                let engine = NeuronEngine::new(&model, &batch, fill, 1).unwrap();
                let expected = |patched: &EdgeSet| {
                    let edit = |layer: usize, values: &mut Array2<f64>| {
                        for (column, neuron) in engine.neurons().of_layer(layer).enumerate() {
                            if patched.contains(neuron) {
                                let fill = fills[layer].column(column);
                                values.column_mut(column).assign(&fill);
                            }
                        }
                    };
                    let outputs = values_by_definition(&model, inputs, &edit).1;
                    let rows = batch.answers.rows();
                    outputs.select(Axis(0), &rows).reversed_axes()
                };
                let mut rng = Rng::new(9, 0);
                for share in [0.0, 0.02, 0.3, 0.9, 1.0] {
                    let some = (0..engine.edge_count()).filter(|_| rng.uniform() < share);
                    let set = engine.edges(some);
                    assert_close(&engine.outputs(&set), &expected(&set));
                    assert_close(
                        &engine.walk(set.clone()).outputs().to_owned(),
                        &expected(&set),
                    );
                }
                let edges: Vec<usize> = (0..engine.edge_count()).step_by(3).collect();
                let each = engine.each_edge(&engine.edges([]), &edges, |o| o.to_owned());
                for (edge, outputs) in edges.iter().zip(each) {
                    assert_close(&outputs, &expected(&engine.edges([*edge])));
                }
            }
        }
    }
}

#[test]
fn names_say_layer_and_column() {
    let model = &models()[0];
    let neurons = model.neurons();
    assert_eq!(neurons.count(), 4 * 5 + 3 * 7);
    let names = [0, 4, 5, 11, 12, 40].map(|neuron| neurons.name(neuron));
    assert_eq!(names, ["r0.0", "r0.4", "b0.h0", "b0.h6", "r2.0", "r6.4"]);
}

/// The last stream is all that the outputs read.
#[test]
fn the_last_stream_from_another_sample_gives_its_outputs() {
    let (model, batch) = (&models()[0], batch(&[3], 1.0));
    let engine = NeuronEngine::new(model, &batch, Fill::Resample, 1).unwrap();
    let clean = engine.outputs(&engine.edges([]));
    let last = engine.neurons().of_layer(engine.neurons().layers() - 1);
    let patched = engine.outputs(&engine.edges(last));
    assert_close(&patched, &engine.outputs(&engine.all()));
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
