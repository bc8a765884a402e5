//! The small GPT-2 of the reference material: scores, circuits and judgements
//! of the peers' libraries.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use crate::common;

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};
use std::time::Instant;

use common::shared;
use modscope::checkpoint::Checkpoint;
use modscope::circuit::{
    Acdc, Attributable, Attribution, Path, Sign, Try, acdc_in_order, authors_order, connected,
    effects_on, greedy, strongest,
};
use modscope::data::Dataset;
use modscope::metric::Metric;
use modscope::model::{Architecture, Loaded, Network, Options, Sequences, Transformer};
use modscope::patch::{ComponentEngine, EdgeSet, Fill, Patchable, PatchableExt as _, Setup};
use serde_json::Value;

struct Toy {
    folder: PathBuf,
    model: Transformer<f32>,
    batch: Sequences<f32>,
}

impl Toy {
    fn open() -> Option<Self> {
        let folder = shared("peers/toy-ioi")?;
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let loaded = Loaded::from_checkpoint(&checkpoint, Options::default()).unwrap();
        let Network::F32(Architecture::Transformer(model)) = loaded.network else {
            panic!("a transformer in f32");
        };
        let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
        let batch = Sequences::new(&model, &data, None).unwrap();
        Some(Self {
            folder,
            model: *model,
            batch,
        })
    }

    fn engine(&self) -> ComponentEngine<'_, f32> {
        let setup = Setup {
            fill: Fill::Corrupted,
            seed: 0,
            split_input: false,
        };
        ComponentEngine::new(&self.model, &self.batch, setup).unwrap()
    }

    fn logit_difference(&self) -> Metric {
        Metric::LogitDiff {
            answers: self.batch.correct.clone().unwrap(),
            foils: self.batch.foils.clone().unwrap(),
        }
    }

    /// Scores by the names of edges.
    fn golden(&self, file: &str) -> BTreeMap<String, f64> {
        let golden = json(&self.folder.join(file));
        let pairs = golden.as_object().unwrap().iter();
        pairs
            .map(|(n, v)| (n.clone(), v.as_f64().unwrap()))
            .collect()
    }
}

fn json(path: &FilePath) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Compares scores by edge with those of a file, times `sign`.
fn assert_scores(
    toy: &Toy,
    engine: &ComponentEngine<'_, f32>,
    ours: &[f64],
    file: &str,
    sign: f64,
) {
    let golden = toy.golden(file);
    assert_eq!(golden.len(), ours.len());
    let scale = golden.values().fold(0.0_f64, |m, x| m.max(x.abs()));
    let worst = ours.iter().enumerate().fold(0.0_f64, |m, (edge, score)| {
        m.max((score - sign * golden[&engine.sites().edge_name(edge)]).abs())
    });
    println!(
        "{file}: largest error {worst:.1e} of {scale:.3} ({:.1e})",
        worst / scale
    );
    assert!(worst <= 1e-4 * scale, "{file}: {worst:e}");
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn attributions_are_the_library_s() {
    let Some(toy) = Toy::open() else { return };
    let (engine, metric) = (toy.engine(), toy.logit_difference());
    let steps = 5;
    let methods = [
        (Attribution::Eap, "golden_EAP_mean_per_example.json"),
        (
            Attribution::IgInputs {
                steps,
                path: Path::Library,
            },
            "golden_EAP-IG-inputs_5_mean_per_example.json",
        ),
        (
            Attribution::IgActivations {
                steps,
                own_source: false,
            },
            "golden_EAP-IG-activations_5_mean_per_example.json",
        ),
        (
            Attribution::IgActivations {
                steps,
                own_source: true,
            },
            "reference_IG-activations_5_own_source_mean_per_example.json",
        ),
    ];
    for (method, file) in methods {
        let started = Instant::now();
        let scores = engine.attribute(&metric, method);
        println!("{method:?}: {:.3} s", started.elapsed().as_secs_f64());
        assert_scores(&toy, &engine, &scores, file, 1.0);
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn exact_effects_are_the_library_s() {
    let Some(toy) = Toy::open() else { return };
    let engine = toy.engine();
    let kl = Metric::kl(engine.clean().view());
    // Theirs is the patched metric less the clean one.
    for (metric, file) in [
        (toy.logit_difference(), "golden_exact_patching.json"),
        (kl, "golden_exact_patching_kl.json"),
    ] {
        let started = Instant::now();
        let effects = effects_on(&engine, &metric);
        println!("exact: {:.3} s", started.elapsed().as_secs_f64());
        assert_scores(&toy, &engine, &effects, file, -1.0);
    }
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn the_authors_acdc_keeps_the_same_edges_at_every_threshold() {
    let Some(toy) = Toy::open() else { return };
    let engine = toy.engine();
    let golden = json(&toy.folder.join("acdc_authors.json"));
    for run in golden["runs"].as_array().unwrap() {
        let threshold = run["threshold"].as_f64().unwrap();
        let metric = match run["metric"].as_str().unwrap() {
            "kl_div" => Metric::kl(engine.clean().view()),
            _ => toy.logit_difference(),
        };
        let rule = Acdc {
            threshold,
            sign: Sign::Signed,
        };
        let started = Instant::now();
        let order = authors_order(engine.sites());
        let found = acdc_in_order(&engine, &metric, &engine.all(), rule, order);
        let seconds = started.elapsed().as_secs_f64();
        let kept = engine.edges(found.kept().map(|(edge, _)| edge));
        let names: Vec<String> = names(&engine, &kept);
        let theirs: Vec<&str> = run["kept"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        println!(
            "ACDC {} {threshold}: {} edges, {} trials, {seconds:.3} s",
            run["metric"],
            names.len(),
            found.trials.len(),
        );
        assert_eq!(names, theirs);
        let projections = found
            .trials
            .iter()
            .filter(|trial| trial.kept && matches!(trial.tried, Try::Reader(_)))
            .count();
        assert_eq!(
            projections as u64,
            run["n_kept_direct_qkv_projection_edges"].as_u64().unwrap()
        );
    }
}

/// Names of edges, sorted.
fn names(engine: &ComponentEngine<'_, f32>, set: &EdgeSet) -> Vec<String> {
    let mut names: Vec<String> = set.ones().map(|e| engine.sites().edge_name(e)).collect();
    names.sort();
    names
}

#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn circuits_score_as_in_the_library() {
    let Some(toy) = Toy::open() else { return };
    let engine = toy.engine();
    let (difference, kl) = (toy.logit_difference(), Metric::kl(engine.clean().view()));
    let golden = json(&toy.folder.join("golden_evaluate_graph.json"));
    let mut worst = 0.0_f64;
    for (method, circuits) in golden["methods"].as_object().unwrap() {
        // Information flow routes are not among our methods.
        let Some(scores) = scores_of(&toy, &engine, method) else {
            continue;
        };
        for circuit in circuits.as_array().unwrap() {
            let count = circuit["n"].as_u64().unwrap() as usize;
            let chosen = match circuit["select"].as_str().unwrap() {
                "topn" => strongest(&scores, count),
                _ => {
                    let grown = greedy(&engine, &scores, &engine.all());
                    engine.edges(grown.into_iter().take(count))
                }
            };
            let kept = connected(&engine, &chosen);
            let theirs: EdgeSet = circuit["edges"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| engine.sites().edge_named(name.as_str().unwrap()).unwrap())
                .collect();
            // Of equal scores the library takes another.
            let others: Vec<f64> = kept
                .symmetric_difference(&theirs)
                .map(|edge| scores[edge].abs())
                .collect();
            assert!(
                others.windows(2).all(|w| w[0] == w[1]) && others.len() != 1,
                "{method} {count}: {others:?}"
            );
            let kept = theirs;
            let outputs = engine.outputs(&engine.all_but(&kept));
            for (metric, key) in [(&difference, "mean_logit_diff"), (&kl, "mean_kl")] {
                let error = (metric.mean(outputs.view()) - circuit[key].as_f64().unwrap()).abs();
                worst = worst.max(error);
                assert!(error < 1e-4, "{method} {count} {key}: {error:e}");
            }
        }
    }
    println!("evaluated circuits: largest error {worst:.1e}");
}

/// The scores that the library selected by.
fn scores_of(toy: &Toy, engine: &ComponentEngine<'_, f32>, method: &str) -> Option<Vec<f64>> {
    let file = match method {
        "exact" => "golden_exact.json".to_owned(),
        "clean-corrupted" => {
            let metric = toy.logit_difference();
            return Some(engine.attribute(&metric, Attribution::CleanCorrupted));
        }
        "information-flow-routes" => return None,
        _ => format!("golden_{method}_mean_per_example.json"),
    };
    let golden = toy.golden(&file);
    let score = |edge| golden[&engine.sites().edge_name(edge)];
    Some((0..engine.sites().edge_count()).map(score).collect())
}
