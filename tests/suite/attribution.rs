//! Scores of edges against automatic differentiation: `data/attribution.py` by JAX,
//! `data/attribution_torch.py` by PyTorch.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use modscope::audit::{Config, Method, audit};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use serde::Deserialize;

use crate::common::shared;

#[derive(Deserialize)]
struct Member {
    network: String,
    /// Scores by edge, then by method.
    edges: BTreeMap<String, BTreeMap<String, f64>>,
}

/// Largest difference of a score in f32 from one in f64, relative to the largest score.
const ALLOWED: f64 = 1e-5;

/// The scores of all edges of a network, by name.
fn scores(folder: &Path, method: Method) -> BTreeMap<String, f64> {
    let checkpoint = Checkpoint::open(folder).unwrap();
    let data = Dataset::open(&folder.join("data.safetensors"), None).unwrap();
    let mut config = Config::new(Vec::new());
    config.stages.modules = false;
    config.prune.threshold = "0".parse().unwrap();
    config.circuits.methods = vec![method];
    config.circuits.judge = false;
    config.circuits.keep_samples = true;
    config.circuits.judge_on = Some(modscope::audit::JudgeOn::Same);
    let outcome = audit(&checkpoint, &data, &config, &|_| ()).unwrap();
    let found = &outcome.by_sample[0];
    // Exact effects are those of every sample, of which theirs is the mean.
    let shares = match method {
        Method::Exact => found.effects.nrows() as f64,
        _ => 1.0,
    };
    let named = |((from, to), column): (&(String, String), ndarray::ArrayView1<'_, f64>)| {
        (format!("{from}->{to}"), column.sum() / shares)
    };
    found
        .edges
        .iter()
        .zip(found.effects.columns())
        .map(named)
        .collect()
}

#[test]
fn scores_are_those_of_automatic_differentiation() {
    let members = include_str!("data/attribution.json");
    let methods = [Method::Eap, Method::Relp, Method::EapQk, Method::AtpStar];
    compared(members, &methods);
}

/// Grouped keys, gates, rotary positions, norms of queries and keys; blocks in parallel;
/// windows, caps of scores and of logits, norms on what is written; ALiBi; encoders.
#[test]
fn scores_and_effects_are_those_of_plain_pytorch() {
    let members = include_str!("data/attribution_torch.json");
    compared(members, &[Method::Eap, Method::EapIgInputs, Method::Exact]);
}

fn compared(members: &str, methods: &[Method]) {
    let members: Vec<Member> = serde_json::from_str(members).unwrap();
    for member in members {
        let folder = match member.network.strip_prefix("fixtures/") {
            Some(_) => Some(PathBuf::from(&member.network)),
            None => shared(&member.network),
        };
        let Some(folder) = folder else { continue };
        for method in methods {
            let own = scores(&folder, *method);
            assert_eq!(own.len(), member.edges.len(), "{}", member.network);
            let theirs = |edge: &str| member.edges[edge][method.name()];
            let scale = member
                .edges
                .keys()
                .map(|edge| theirs(edge).abs())
                .fold(0.0, f64::max);
            let far = |(edge, score): (&String, &f64)| (score - theirs(edge)).abs() / scale;
            let farthest = own.iter().map(far).fold(0.0, f64::max);
            println!(
                "{} {method}: {farthest:.1e} of the largest score",
                member.network
            );
            assert!(
                farthest < ALLOWED,
                "{} {method}: {farthest:e}",
                member.network
            );
        }
    }
}
