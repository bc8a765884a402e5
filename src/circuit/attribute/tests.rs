//! First-order estimates against exact effects.

use ndarray::Axis;

use super::{Attributable, Attribution, Blocks, Path};
use crate::circuit::{Goal, effects_on, node_effects};
use crate::metric::Metric;
use crate::model::mlp::tests::{random_inputs, random_mlp};
use crate::numeric::Activation;
use crate::patch::component::tests::{batch, models, setup};
use crate::patch::{
    ComponentEngine, EdgeSet, Engine, Fill, Fills, NeuronEngine, Patchable as _, PatchableExt as _,
    WeightEngine,
};

#[test]
fn small_patches_have_their_first_order_effect_at_every_edge() {
    for (like, model) in models() {
        for positions in [vec![3], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1e-7);
            let engine =
                ComponentEngine::new(&model, &batch, setup(Fill::Corrupted, false)).unwrap();
            let edges: Vec<usize> = (0..engine.sites().edge_count()).collect();
            let classes = (0..engine.readings()).map(|r| r % 3).collect();
            let metric = Metric::CrossEntropy { classes };
            let exact = effects_on(&engine, &metric);
            let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
            for method in [Attribution::Eap, Attribution::EapQk] {
                let first_order = engine.attribute(&metric, method);
                for edge in &edges {
                    let error = (exact[*edge] - first_order[*edge]).abs() / scale;
                    let name = engine.sites().edge_name(*edge);
                    assert!(
                        error < 1e-4,
                        "{like} {method:?} {name}: {error:e} of {scale:e}"
                    );
                }
            }
        }
    }
}

#[test]
fn small_patches_have_their_first_order_effect_at_every_channel_and_neuron() {
    let (steps, path) = (3, Path::Midpoints);
    let own_source = true;
    for (like, model) in models() {
        for positions in [vec![3], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1e-7);
            let engine = NeuronEngine::new(&model, &batch, Fill::Corrupted, 0).unwrap();
            let classes = (0..engine.samples()).map(|r| r % 3).collect();
            let metric = Metric::CrossEntropy { classes };
            let exact = effects_on(&engine, &metric);
            let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
            for method in [
                Attribution::Eap,
                Attribution::CleanCorrupted,
                Attribution::IgInputs { steps, path },
                Attribution::IgActivations { steps, own_source },
            ] {
                let estimates = engine.attribute(&metric, method);
                for (neuron, (exact, estimate)) in exact.iter().zip(estimates).enumerate() {
                    let error = (exact - estimate).abs() / scale;
                    let name = engine.neurons().name(neuron);
                    assert!(
                        error < 1e-4,
                        "{like} {method:?} {name}: {error:e} of {scale:e}"
                    );
                }
            }
        }
    }
}

/// At every edge and position, and over all positions those of the edge.
#[test]
fn attributions_at_positions_add_up_to_the_edge_s() {
    let (steps, path, own_source) = (3, Path::Midpoints, true);
    for (like, model) in models() {
        for positions in [vec![3], vec![1, 2]] {
            let batch = batch(&positions, 1e-7);
            let setup = setup(Fill::Corrupted, false);
            let whole = ComponentEngine::new(&model, &batch, setup).unwrap();
            let engine = whole.clone().at_positions(&batch).unwrap();
            let classes = (0..engine.readings()).map(|r| r % 3).collect();
            let metric = Metric::CrossEntropy { classes };
            let exact = effects_on(&engine, &metric);
            let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
            for method in [
                Attribution::Eap,
                Attribution::IgInputs { steps, path },
                Attribution::IgActivations { steps, own_source },
            ] {
                let estimates = engine.attribute(&metric, method);
                for (edge, (exact, estimate)) in exact.iter().zip(&estimates).enumerate() {
                    let error = (exact - estimate).abs() / scale;
                    let name = engine.sites().edge_name(edge);
                    assert!(
                        error < 1e-4,
                        "{like} {method:?} {name}: {error:e} of {scale:e}"
                    );
                }
                for (edge, expected) in whole.attribute(&metric, method).iter().enumerate() {
                    let (writer, reader) = whole.sites().ends(edge);
                    let first = engine.sites().edge(writer, reader);
                    let all = first..first + engine.sites().positions_of(reader);
                    let sum: f64 = estimates[all].iter().sum();
                    assert!(
                        (sum - expected).abs() < 1e-10 * scale,
                        "{like}: {sum:e}, {expected:e}"
                    );
                }
            }
        }
    }
}

/// With large patches: the path from the fill to the clean value of one layer
/// adds up to what patching the layer does.
#[test]
fn own_paths_add_up_to_the_effects_of_whole_layers() {
    let (model, batch) = (&models()[1].1, batch(&[3], 0.5));
    let engine = NeuronEngine::new(model, &batch, Fill::Corrupted, 0).unwrap();
    let metric = Metric::Output { output: 1 };
    let mean = |layer: Option<usize>| {
        let neurons = layer
            .into_iter()
            .flat_map(|layer| engine.neurons().of_layer(layer));
        metric.mean(engine.outputs(&engine.edges(neurons)).view())
    };
    let method = |steps| Attribution::IgActivations {
        steps,
        own_source: true,
    };
    let [coarse, fine] = [50, 100].map(|steps| engine.attribute(&metric, method(steps)));
    for layer in 0..engine.neurons().layers() {
        // Right ends of the steps are off by about 1/steps: twice the finer
        // sum less the coarser is off by about 1/steps².
        let sum = |effects: &[f64]| {
            effects[engine.neurons().of_layer(layer)]
                .iter()
                .sum::<f64>()
        };
        let estimate = 2.0 * sum(&fine) - sum(&coarse);
        let effect = mean(None) - mean(Some(layer));
        assert!(effect.abs() > 1e-3, "layer {layer}: {effect}");
        let error = (estimate - effect).abs() / effect.abs();
        assert!(error < 1e-3, "layer {layer}: {estimate} and {effect}");
    }
}

#[test]
fn small_patches_have_their_first_order_effect_at_every_weight() {
    let own_source = true;
    let (steps, path) = (2, Path::Midpoints);
    for (like, model) in models() {
        let batch = batch(&[1, 3], 1e-7);
        let engine = WeightEngine::new(&model, &batch, setup(Fill::Corrupted, false)).unwrap();
        let classes = (0..engine.samples()).map(|r| r % 3).collect();
        let metric = Metric::CrossEntropy { classes };
        let exact = effects_on(&engine, &metric);
        let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
        for method in [
            Attribution::Eap,
            Attribution::CleanCorrupted,
            Attribution::IgInputs { steps, path },
            Attribution::IgActivations { steps, own_source },
        ] {
            let estimates = engine.attribute(&metric, method);
            for (edge, (exact, estimate)) in exact.iter().zip(estimates).enumerate() {
                let error = (exact - estimate).abs() / scale;
                let (from, to) = engine.edge_names(edge);
                assert!(
                    error < 1e-4,
                    "{like} {method:?} {from}->{to}: {error:e} of {scale:e}"
                );
            }
        }
    }
}

#[test]
fn the_last_mlp_as_a_node_is_its_only_edge() {
    let model = &models()[0].1;
    let batch = batch(&[1, 3], 1.0);
    let engine = ComponentEngine::new(model, &batch, setup(Fill::Corrupted, true)).unwrap();
    let sites = engine.sites();
    let metric = Metric::Output { output: 1 };
    let nodes = &node_effects(&engine, &[Goal::of_all(metric.clone(), engine.samples())])[0];
    assert_eq!(nodes.len(), sites.writer_count() + 1);
    let edge = sites.edge_named("m2->logits").unwrap();
    let effect = effects_on(&engine, &metric)[edge];
    assert!(effect.abs() > 1e-3);
    assert_eq!(nodes[sites.writer_count() - 1], effect);
}

#[test]
fn in_an_mlp_small_patches_have_their_first_order_effect_too() {
    let model = random_mlp(&[3, 5, 4, 2], 1, Activation::Silu, 11);
    let inputs = random_inputs(&model, 6, 12);
    let corrupted = model.forward(inputs.mapv(|x| x + 1e-6 * x.sin()));
    let engine = Engine::new(&model, inputs, Fills::corrupted(corrupted));
    let metric = Metric::CrossEntropy {
        classes: vec![0, 1, 1, 0, 1, 0],
    };
    let exact = effects_on(&engine, &metric);
    let scale = exact.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
    let (steps, path) = (3, Path::Midpoints);
    let own_source = true;
    for method in [
        Attribution::Eap,
        Attribution::CleanCorrupted,
        Attribution::IgInputs { steps, path },
        Attribution::IgActivations { steps, own_source },
    ] {
        for (exact, estimate) in exact.iter().zip(engine.attribute(&metric, method)) {
            let error = (exact - estimate).abs() / scale;
            assert!(error < 1e-4, "{method:?}: {exact:e} and {estimate:e}");
        }
    }
}

/// y = (2 x)², patched to x = 0: the first order at x = 1 says 8, the effect is
/// 4, and the mean of the slopes along the path gives it exactly.
#[test]
fn integrated_gradients_add_up_to_the_effect() {
    let model = crate::model::Mlp {
        embedding: None,
        in_perm: vec![0],
        folds: 1,
        layers: vec![crate::model::Linear {
            weight: ndarray::array![[2.0]],
            bias: ndarray::Array1::zeros(1),
        }],
        activation: Activation::Identity.into(),
        out_perm: vec![0],
    };
    let engine = Engine::new(&model, ndarray::array![[1.0]], Fills::zero());
    let metric = Metric::Mse {
        targets: ndarray::array![[0.0]],
        output: None,
    };
    assert_eq!(engine.attribute(&metric, Attribution::Eap), [8.0]);
    let (steps, path) = (4, Path::Midpoints);
    let inputs = Attribution::IgInputs { steps, path };
    assert_eq!(engine.attribute(&metric, inputs), [4.0]);
    // Right ends of four steps: 2/4 · 8 · (1/4 + 2/4 + 3/4 + 1) / 2.
    let activations = Attribution::IgActivations {
        steps,
        own_source: true,
    };
    assert_eq!(engine.attribute(&metric, activations), [5.0]);
}

/// A row is what patching moves the sample's own share of the metric by, and the rows
/// add up to the effects.
fn rows_are_of_samples(like: &str, network: &dyn Attributable<Number = f64>, samples: usize) {
    let readings = network.samples();
    let classes = (0..readings).map(|r| r % 3).collect();
    let metric = Metric::CrossEntropy { classes };
    let rows = network.attribute_by(&metric, Attribution::Eap, Blocks::Samples);
    assert_eq!(rows.dim(), (samples, network.edge_count()), "{like}");
    let of_samples = |patched: &EdgeSet| -> Vec<f64> {
        let values = metric.values(network.outputs(patched).view());
        let own = values.chunks(readings / samples);
        own.map(|own| own.iter().sum::<f64>() / readings as f64)
            .collect()
    };
    let before = of_samples(&network.edges([]));
    for edge in (0..network.edge_count()).step_by(7) {
        let after = of_samples(&network.edges([edge]));
        let exact: Vec<f64> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
        let scale = exact.iter().fold(1e-12_f64, |m, e| m.max(e.abs()));
        for (row, exact) in rows.column(edge).iter().zip(&exact) {
            assert!(
                (row - exact).abs() < 1e-3 * scale,
                "{like} {edge}: {row:e}, {exact:e}"
            );
        }
    }
    let whole = network.attribute(&metric, Attribution::Eap);
    for (sum, effect) in rows.sum_axis(Axis(0)).iter().zip(&whole) {
        assert!(
            (sum - effect).abs() <= 1e-9 * effect.abs() + 1e-18,
            "{like}: {sum:e}, {effect:e}"
        );
    }
}

#[test]
fn every_sample_has_effects_of_its_own() {
    for (like, model) in models() {
        for positions in [vec![3], vec![0, 1, 2, 3]] {
            let batch = batch(&positions, 1e-6);
            let setup = setup(Fill::Corrupted, false);
            let components = ComponentEngine::new(&model, &batch, setup).unwrap();
            rows_are_of_samples(like, &components, batch.samples());
            let weights = WeightEngine::new(&model, &batch, setup).unwrap();
            rows_are_of_samples(like, &weights, batch.samples());
            let neurons = NeuronEngine::new(&model, &batch, Fill::Corrupted, 0).unwrap();
            rows_are_of_samples(like, &neurons, batch.samples());
        }
    }
    let model = random_mlp(&[4, 6, 5, 3], 1, Activation::Silu, 3);
    let inputs = random_inputs(&model, 20, 5);
    let near = inputs.mapv(|x| x + 1e-6);
    let fills = Fills::corrupted(model.forward(near));
    rows_are_of_samples("an MLP", &Engine::new(&model, inputs, fills), 20);
}
