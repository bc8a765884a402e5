//! Properties of the engine that hold for every network.

use ndarray::{Array2, Axis};

use super::{EdgeSet, Engine, Fills, Patchable, PatchableExt as _, Readout};
use crate::metric::Metric;
use crate::model::Mlp;
use crate::model::mlp::tests::{random_inputs, random_mlp};
use crate::numeric::{Activation, Rng};

/// Computes a patched run the long way: message by message.
fn by_definition(engine: &Engine<'_, f64>, fill: &[Array2<f64>], patched: &EdgeSet) -> Array2<f64> {
    let (model, sites) = (engine.model(), engine.sites());
    let mut values = engine.clean().values[0].clone();
    for (layer, linear) in model.layers.iter().enumerate() {
        let shape = (linear.bias.len(), engine.samples());
        values = Array2::from_shape_fn(shape, |(to, s)| {
            let message = |from: usize| {
                let edge = sites.edge(crate::model::Edge { layer, to, from });
                let writer = if patched.contains(edge) {
                    &fill[layer]
                } else {
                    &values
                };
                linear.weight[[to, from]] * writer[[from, s]]
            };
            let read = linear.bias[to] + (0..linear.weight.ncols()).map(message).sum::<f64>();
            if layer + 1 == model.layers.len() {
                read
            } else {
                model.activation.of(layer, to).at(read)
            }
        });
    }
    values
}

struct Case {
    model: Mlp<f64>,
    inputs: Array2<f64>,
    other: Array2<f64>,
}

fn cases() -> Vec<Case> {
    [
        vec![3, 2],
        vec![4, 6, 3],
        vec![4, 5, 5, 2],
        vec![2, 7, 3, 6, 3],
    ]
    .iter()
    .enumerate()
    .map(|(seed, widths)| {
        let seed = seed as u64;
        let mut model = random_mlp(widths, 1, Activation::Silu, seed);
        if seed % 2 == 1 {
            // A sparse one, so that the row-by-row path is taken.
            let mut rng = Rng::new(seed, 9);
            for layer in &mut model.layers {
                layer.weight.mapv_inplace(|w| {
                    if rng.uniform() < [0.8, 0.93][seed as usize / 2] {
                        0.0
                    } else {
                        w
                    }
                });
            }
        }
        let inputs = random_inputs(&model, 5, seed);
        let other = random_inputs(&model, 5, seed + 100);
        Case {
            model,
            inputs,
            other,
        }
    })
    .collect()
}

/// Every fill, with the values it should write, layer by layer.
fn fills(case: &Case) -> Vec<(Fills<f64>, Vec<Array2<f64>>)> {
    let clean = case.model.forward(case.inputs.clone());
    let corrupted = case.model.forward(case.other.clone());
    let zero = clean
        .values
        .iter()
        .map(|v| Array2::zeros(v.raw_dim()))
        .collect();
    let mean = |v: &Array2<f64>| {
        let means = v.mean_axis(Axis(1)).unwrap();
        Array2::from_shape_fn(v.raw_dim(), |(site, _)| means[site])
    };
    let means = clean.values.iter().map(mean).collect();
    vec![
        (Fills::zero(), zero),
        (Fills::mean(&clean), means),
        (Fills::corrupted(corrupted.clone()), corrupted.values),
    ]
}

fn random_set(engine: &Engine<'_, f64>, share: f64, seed: u64) -> EdgeSet {
    let mut rng = Rng::new(seed, 3);
    engine.edges((0..engine.sites().edge_count()).filter(|_| rng.uniform() < share))
}

#[track_caller]
fn assert_close(a: &Array2<f64>, b: &Array2<f64>) {
    let largest = (a - b).iter().fold(0.0_f64, |m, d| m.max(d.abs()));
    assert!(largest < 1e-12, "largest difference {largest:e}");
}

#[test]
fn runs_agree_with_the_definition() {
    for case in cases() {
        for (fill, values) in fills(&case) {
            let engine = Engine::new(&case.model, case.inputs.clone(), fill);
            for seed in 0..6 {
                let set = random_set(&engine, 0.3, seed);
                let expected = by_definition(&engine, &values, &set);
                assert_close(&engine.run(&set).outputs().to_owned(), &expected);
            }
        }
    }
}

#[test]
fn single_edges_agree_with_runs() {
    for case in cases() {
        for (fill, _) in fills(&case) {
            let engine = Engine::new(&case.model, case.inputs.clone(), fill);
            let patched = random_set(&engine, 0.2, 1);
            let edges: Vec<usize> = (0..engine.sites().edge_count()).collect();
            let singles = engine.each_edge(&patched, &edges, |outputs| outputs.to_owned());
            for (edge, outputs) in edges.iter().zip(&singles) {
                let mut set = patched.clone();
                set.toggle(*edge);
                assert_close(outputs, &engine.run(&set).outputs().to_owned());
            }
        }
    }
}

#[test]
fn steps_agree_with_runs_and_attempts_leave_no_trace() {
    for case in cases() {
        for (fill, _) in fills(&case) {
            let engine = Engine::new(&case.model, case.inputs.clone(), fill);
            let mut patched = engine.edges([]);
            let mut walk = engine.walk(patched.clone());
            let mut rng = Rng::new(8, 0);
            for step in 0..30 {
                let first = rng.below(engine.edge_count());
                walk.attempt(0..first);
                let last = match step % 5 {
                    0 => (first + 3).min(engine.edge_count()),
                    _ => first + 1,
                };
                let attempted = walk.attempt(first..last).to_owned();
                walk.take();
                assert_close(&walk.outputs().to_owned(), &attempted);
                patched.extend(first..last);
                let expected = engine.run(&patched);
                assert_close(&attempted, &expected.outputs().to_owned());
                if step % 7 == 0 {
                    walk.settle();
                }
            }
        }
    }
}

#[test]
fn patching_nothing_reproduces_the_model_and_a_selection_its_rows() {
    for case in cases() {
        for (fill, _) in fills(&case) {
            let engine = Engine::new(&case.model, case.inputs.clone(), fill);
            let none = engine.run(&engine.edges([]));
            assert_eq!(none.outputs(), case.model.outputs(case.inputs.view()));
            let set = random_set(&engine, 0.5, 4);
            let whole = engine.run(&set).outputs().select(Axis(1), &[3, 1]);
            let part = engine.select(&[3, 1]).run(&set);
            assert_close(&whole, &part.outputs().to_owned());
        }
    }
}

#[test]
fn zero_filling_edges_is_pruning_their_weights() {
    for case in cases() {
        let engine = Engine::new(&case.model, case.inputs.clone(), Fills::zero());
        let set = random_set(&engine, 0.4, 2);
        let mut pruned = case.model.clone();
        for number in set.ones() {
            let edge = engine.sites().edge_at(number);
            pruned.layers[edge.layer].weight[[edge.to, edge.from]] = 0.0;
        }
        let expected = pruned.outputs(case.inputs.view());
        assert_close(&engine.run(&set).outputs().to_owned(), &expected);
    }
}

#[test]
fn resampling_takes_every_sample_from_another() {
    let case = &cases()[1];
    let clean = case.model.forward(case.inputs.clone());
    let engine = Engine::new(&case.model, case.inputs.clone(), Fills::resample(&clean, 7));
    let all = engine.all_but(&engine.edges([]));
    assert_eq!(all.count_ones(..), engine.sites().edge_count());
    // With every edge patched an output reads only its own writers' fills, so
    // that outputs are those of the other sample.
    let outputs = engine.run(&all).outputs().to_owned();
    let clean_outputs = &clean.values[clean.values.len() - 1];
    for (sample, column) in outputs.columns().into_iter().enumerate() {
        let distance = |other: usize| {
            (&column - &clean_outputs.column(other))
                .iter()
                .fold(0.0_f64, |m, d| m.max(d.abs()))
        };
        let nearest = (0..5)
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
            .unwrap();
        assert_ne!(nearest, sample);
        assert!(distance(nearest) < 1e-12);
    }
}

/// A table of what lies downstream gives what runs give, edge by edge and in a walk;
/// of eight, four, two runs side by side and of one.
#[test]
fn tables_agree_with_runs() {
    for (activation, widths, samples) in [
        (Activation::Silu, vec![80, 12, 9, 3], 21),
        (Activation::Silu, vec![40, 9, 9, 3], 100),
        (Activation::Silu, vec![40, 9, 4, 3], 250),
        (Activation::Silu, vec![40, 9, 4, 3], 600),
        (Activation::Tanh, vec![80, 3], 21),
        (Activation::Relu, vec![40, 6, 6, 2], 21),
    ] {
        let model = scaled(&widths, activation);
        let inputs = random_inputs(&model, samples, 4);
        let engine = Engine::new(&model, inputs.clone(), Fills::mean(&model.forward(inputs)));
        let classes: Vec<usize> = (0..samples).map(|s| s % 2).collect();
        let metrics = [
            Metric::CrossEntropy { classes },
            Metric::Output { output: 1 },
        ];
        let rows: [Vec<usize>; 2] = [(0..samples).step_by(2).collect(), (0..samples).collect()];
        let readouts = [0, 1].map(|k| Readout {
            metric: &metrics[k],
            rows: &rows[k],
        });
        let patched = engine.edges([1, 44]);
        let edges: Vec<usize> = (0..engine.edge_count()).collect();
        let tabulated = engine.each_edge_means(&patched, &edges, &readouts);
        let run = engine.each_edge(&patched, &edges, |outputs| {
            readouts.map(|r| r.mean(outputs))
        });
        let mut largest = 0.0_f64;
        for (a, b) in tabulated.iter().flatten().zip(run.iter().flatten()) {
            largest = largest.max((a - b).abs());
        }
        println!("{activation:?}: largest difference {largest:e}");
        assert!(largest < 1e-8, "{activation:?}: {largest:e}");
        // Runs differ from each other by less: where there are tables, they were used.
        assert_eq!(largest > 0.0, activation != Activation::Relu);
        values_agree(&engine, &patched, &metrics[0]);
        walk_agrees(&engine, &metrics[0]);
    }
}

/// Weights as of a trained network, so that what is read stays moderate.
fn scaled(widths: &[usize], activation: Activation) -> Mlp<f64> {
    let mut model = random_mlp(widths, 1, activation, 5);
    for layer in &mut model.layers {
        let scale = 1.0 / (layer.weight.ncols() as f64).sqrt();
        layer.weight.mapv_inplace(|w| w * scale);
    }
    model
}

/// A metric sample by sample is that of a run for every edge.
fn values_agree(engine: &Engine<'_, f64>, patched: &EdgeSet, metric: &Metric) {
    let edges: Vec<usize> = (0..engine.edge_count()).collect();
    let found = engine.each_edge_values(patched, &edges, metric);
    let run = engine.each_edge(patched, &edges, |outputs| metric.values(outputs));
    for (found, run) in found.iter().flatten().zip(run.iter().flatten()) {
        assert!((found - run).abs() < 1e-7, "{found} {run}");
    }
}

/// Every third edge goes for good, reader by reader.
fn walk_agrees(engine: &Engine<'_, f64>, metric: &Metric) {
    let mut walk = engine.walk(engine.edges([]));
    let mut gone = engine.edges([]);
    for reader in engine.readers() {
        walk.settle();
        let stands = metric.mean(engine.outputs(&gone).view());
        assert!((metric.mean(walk.outputs()) - stands).abs() < 1e-7);
        for edge in reader.rev() {
            let mean = walk.attempt_mean(edge..edge + 1, metric);
            let mut tried = gone.clone();
            tried.insert(edge);
            let run = metric.mean(engine.outputs(&tried).view());
            assert!((mean - run).abs() < 1e-7, "{edge}: {mean} for {run}");
            if edge % 3 == 0 {
                walk.take();
                gone = tried;
            }
        }
    }
}

#[test]
fn edges_come_back_one_by_one() {
    for case in cases() {
        let engine = Engine::new(&case.model, case.inputs.clone(), Fills::zero());
        let order = Rng::new(1, 1).permutation(engine.edge_count());
        let sizes: Vec<usize> = (0..=order.len()).filter(|n| n % 7 != 3).collect();
        let found = engine.each_kept(&order, &sizes, |outputs| outputs.to_owned());
        for (size, outputs) in sizes.iter().zip(found) {
            let kept = engine.edges(order[..*size].iter().copied());
            let run = engine.outputs(&engine.all_but(&kept));
            assert!((&run - &outputs).iter().all(|d| d.abs() < 1e-9), "{size}");
        }
    }
}

#[test]
fn ablated_sites_are_all_their_edges_patched() {
    for case in cases() {
        let clean = case.model.forward(case.inputs.clone());
        let other = case.model.forward(case.other.clone());
        for fills in [Fills::zero(), Fills::mean(&clean), Fills::corrupted(other)] {
            let engine = Engine::new(&case.model, case.inputs.clone(), fills);
            let out = engine.edges_by_writer();
            for step in 1..5 {
                let sites: Vec<usize> = (0..out.len()).step_by(step).collect();
                let mut edges = engine.edges([]);
                sites.iter().for_each(|site| edges.union_with(&out[*site]));
                let without = engine.outputs_without(&sites, &|| panic!("edges are not needed"));
                let run = engine.outputs(&edges);
                assert!(
                    (&run - &without).iter().all(|d| d.abs() < 1e-9),
                    "{sites:?}"
                );
            }
        }
    }
}
