//! The reference checkpoints: parity with the framework that trained them, and
//! the answers that are known.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use common::{REFERENCE_MLPS, reference};
use modscope::audit::{Config, Stages, audit};
use modscope::checkpoint::Checkpoint;
use modscope::choice::{Fill, Scope};
use modscope::data::{Dataset, ReadAt};
use modscope::prune::Threshold;
use modscope::result::Audit;

/// Audits a reference checkpoint, where it is there.
fn audited(name: &str, adjust: impl FnOnce(&mut Config)) -> Option<Audit> {
    let folder = reference(name)?;
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let mut config = Config::new(vec!["test".into()]);
    adjust(&mut config);
    Some(audit(&checkpoint, &data, &config, &|_| ()).unwrap().result)
}

fn only_pruning(config: &mut Config) {
    config.stages = Stages {
        modules: false,
        circuits: false,
    };
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn every_mlp_reproduces_its_framework() {
    for name in REFERENCE_MLPS {
        let Some(result) = audited(name, only_pruning) else {
            return;
        };
        let parity = result
            .parity
            .expect("the data hold the framework's outputs");
        println!(
            "{name}: {:.1e} of {:.1} ({} samples), threshold {:.3e}, kept {} of {}",
            parity.max_abs_difference,
            parity.output_scale,
            parity.samples,
            result.prune.as_ref().unwrap().threshold,
            result.prune.as_ref().unwrap().edges_kept,
            result.prune.as_ref().unwrap().edges_total,
        );
        assert!(parity.holds, "{name}: {parity:?}");
        let relative = parity.max_abs_difference / parity.output_scale;
        let expected = if result.checkpoint.dtype == "f64" {
            1e-13
        } else {
            2e-6
        };
        assert!(relative < expected, "{name}: {relative:e}");
    }
}

/// The thresholds file says what the authors' framework does at a threshold, over
/// all positions and outputs; there biases are pruned too.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn transformers_are_pruned_as_by_their_framework() {
    for name in ["incontext-bimt-s1", "incontext-vanilla-s1"] {
        let Some(folder) = reference(name) else {
            return;
        };
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let mut data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
        data.task.trained = None;
        let text = std::fs::read_to_string(folder.join("thresholds.json")).unwrap();
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        for threshold in ["0.001", "0.01", "0.03", "0.1"] {
            let mut config = Config::new(vec!["test".into()]);
            only_pruning(&mut config);
            config.prune.threshold = Threshold::At(threshold.parse().unwrap());
            config.prune.biases = true;
            config.read = Some(ReadAt::All);
            let outcome = audit(&checkpoint, &data, &config, &|_| ()).unwrap();
            let (ours, theirs) = (outcome.result.prune.unwrap(), &theirs[threshold]);
            let change = theirs["max_abs_output_change"].as_f64().unwrap();
            let error = (ours.max_abs_change - change).abs();
            println!(
                "{name} at {threshold}: {} kept, change {change:.3}, error {error:.1e}",
                ours.edges_kept
            );
            assert!(error < 1e-10, "{name} at {threshold}");
            assert_eq!(ours.edges_kept as u64, theirs["weights_surviving"]);
            assert_eq!(ours.edges_total as u64, theirs["weights_total"]);
            assert_eq!(ours.biases_kept as u64, theirs["biases_surviving"]);
            for layer in &ours.layers {
                let surviving = &theirs["surviving_by_tensor"][&layer.tensor];
                assert_eq!(layer.edges_kept as u64, *surviving, "{}", layer.tensor);
            }
            // What is written is the network that was verified.
            let mut whole = config.clone();
            whole.prune.threshold = Threshold::At(0.0);
            let again = audit(&outcome.pruned.unwrap(), &data, &whole, &|_| ()).unwrap();
            assert_eq!(again.result.prune.unwrap().edges_kept, ours.edges_kept);
            let difference = again.result.parity.unwrap().max_abs_difference;
            assert!((difference - change).abs() < 1e-10, "{difference}");
        }
    }
}

/// Only the trained output counts, at the last position.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn auto_prunes_a_bimt_transformer_and_verifies() {
    let Some(result) = audited("incontext-bimt-s1", only_pruning) else {
        return;
    };
    let prune = result.prune.unwrap();
    println!(
        "threshold {:.3e}, kept {} of {}",
        prune.threshold, prune.edges_kept, prune.edges_total
    );
    assert!(prune.verified && prune.edges_total == 24_704);
    assert_eq!(prune.outputs.len(), 1);
    assert!(prune.edges_kept < 2_000);
}

fn at_threshold(threshold: f64) -> impl FnOnce(&mut Config) {
    move |config| {
        config.prune.threshold = Threshold::At(threshold);
        config.stages.circuits = false;
    }
}

/// The input positions of each module, by module.
fn inputs_by_module(partition: &[modscope::result::Assignment]) -> Vec<Vec<usize>> {
    let modules = partition.iter().map(|a| a.module + 1).max().unwrap_or(0);
    let mut inputs = vec![Vec::new(); modules];
    for assignment in partition {
        if let Some(position) = assignment.site.strip_prefix('x') {
            inputs[assignment.module].push(position.parse().unwrap());
        }
    }
    inputs
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_falls_in_two_where_its_outputs_have_moved() {
    let Some(result) = audited("independence-bimt-s0", at_threshold(0.01)) else {
        return;
    };
    let (prune, modules) = (result.prune.unwrap(), result.modules.unwrap());
    assert_eq!((prune.edges_kept, prune.verified), (19, false));
    assert!(
        (prune.max_abs_change - 0.0644).abs() < 1e-3,
        "{}",
        prune.max_abs_change
    );
    assert_eq!(modules.count, 3, "one half is split in two at resolution 1");
    let parts: Vec<(&[String], &[String])> = modules
        .independence
        .components
        .iter()
        .map(|c| (c.inputs.as_slice(), c.outputs.as_slice()))
        .collect();
    // in_perm is 3, 1, 2, 0 and out_perm 1, 0: x0, x1 read x4, x2 and y0 is x2² + sin(πx4).
    let names = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let (left, right) = (names(&["x0", "x1"]), names(&["x2", "x3"]));
    assert_eq!(
        parts,
        [
            (&left[..], &names(&["y0"])[..]),
            (&right[..], &names(&["y1"])[..])
        ]
    );
    for module in inputs_by_module(&modules.partition) {
        let straddles = module.iter().any(|x| *x < 2) && module.iter().any(|x| *x >= 2);
        assert!(!straddles, "{module:?} straddles the halves");
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_holds_at_auto_where_weak_edges_still_join_the_halves() {
    let Some(result) = audited("independence-bimt-s0", |_| ()) else {
        return;
    };
    let (prune, modules) = (result.prune.unwrap(), result.modules.unwrap());
    assert!(prune.verified && prune.threshold > 0.001 && prune.threshold < 0.002);
    assert_eq!(modules.independence.components.len(), 1, "still one");
    let split = &modules.independence.splits[0];
    assert_eq!(
        (split.edges_kept, split.components.len(), split.verified),
        (19, 2, false)
    );
    assert!(!split.bridges.is_empty());
    assert!(
        split
            .bridges
            .iter()
            .all(|bridge| bridge.weight.abs() < split.threshold)
    );
    // The circuit of each output keeps to its own half.
    for circuit in &result.circuits {
        let inputs = if circuit.output == "y0" {
            ["x0", "x1"]
        } else {
            ["x2", "x3"]
        };
        let foreign = circuit
            .edges
            .iter()
            .find(|e| e.from.starts_with('x') && !inputs.contains(&e.from.as_str()));
        assert_eq!(foreign, None, "{} by {}", circuit.output, circuit.method);
        assert!((circuit.faithfulness.unwrap() - 1.0).abs() < 0.05);
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn modular_addition_votes_in_three_modules() {
    for threshold in [None, Some(0.01)] {
        let adjust = |config: &mut Config| {
            config.prune.threshold = threshold.map_or(Threshold::Auto, Threshold::At);
            config.stages.circuits = false;
            config.lesion_samples = 10;
        };
        let Some(result) = audited("modular_addition-bimt-s4", adjust) else {
            return;
        };
        let modules = result.modules.unwrap();
        let below = modules.without_outputs.as_ref().unwrap();
        for (scope, count, partition) in [
            ("all", modules.count, &modules.partition),
            ("without-outputs", below.count, &below.partition),
        ] {
            assert_eq!(count, 3, "{scope} at {threshold:?}");
            // Two folds of 32 positions; dimensions counted from 1 after `in_perm`.
            let mut dimensions: Vec<Vec<usize>> = inputs_by_module(partition)
                .into_iter()
                .map(|xs| {
                    let mut dimensions: Vec<usize> = xs.iter().map(|x| x % 32 + 1).collect();
                    dimensions.sort_unstable();
                    dimensions.dedup();
                    dimensions
                })
                .collect();
            dimensions.sort();
            assert_eq!(dimensions, [vec![11, 12], vec![17, 18], vec![21, 22, 23]]);
        }
        let accuracy: Vec<_> = modules
            .lesions
            .iter()
            .filter(|l| l.metric == "accuracy")
            .collect();
        if threshold.is_none() {
            assert!(accuracy.iter().all(|l| l.metric_full == 1.0));
        }
        let alone = accuracy
            .iter()
            .filter(|l| l.scope == Scope::All && l.fill == Fill::Mean);
        for lesion in alone {
            println!(
                "module {}: {:.3} without it, {:.3} alone",
                lesion.module, lesion.metric_lesioned, lesion.metric_alone
            );
            assert!(lesion.metric_alone < 0.5, "no module decides alone");
        }
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_digits_regimes_keep_edges_in_the_expected_order() {
    let kept = |regime: &str| {
        let result = audited(&format!("digits-{regime}-s1"), only_pruning)?;
        let prune = result.prune.unwrap();
        assert!(prune.verified);
        Some(prune.edges_kept)
    };
    let Some(vanilla) = kept("vanilla") else {
        return;
    };
    for regime in ["bimt", "l1", "local", "swap"] {
        let kept = kept(regime).unwrap();
        println!("{regime}: {kept} of 17400, vanilla {vanilla}");
        assert!(
            kept * 10 < vanilla,
            "{regime} keeps {kept}, vanilla {vanilla}"
        );
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn one_logit_carries_the_decision_of_two_moons() {
    let Some(result) = audited("two_moon-bimt-s1", |_| ()) else {
        return;
    };
    assert_eq!(result.circuits.len(), 4);
    for circuit in &result.circuits {
        let read: Vec<&str> = circuit
            .edges
            .iter()
            .map(|e| e.to.as_str())
            .filter(|to| to.starts_with('y'))
            .collect();
        assert!(
            !read.is_empty() && read.iter().all(|to| *to == "y1"),
            "{}: {read:?}",
            circuit.method
        );
    }
}
