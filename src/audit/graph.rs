//! The modules of a weighted graph from elsewhere, as a result like any other.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::{Config, describe, memory};
use crate::checkpoint::sha256;
use crate::choice::Layout;
use crate::graph::{NamedGraph, read};
use crate::modules::{NullKind, find_graph};
use crate::prune::Threshold;
use crate::result::{self, PassedOver};
use crate::{ErrorKind, Result};

pub use crate::graph::read::is_graph;

/// What the largest file of a graph may have, in bytes.
const LARGEST: u64 = 4 << 30;

/// The modules of the graph in a file, and how they stand against chance.
///
/// # Errors
/// If the file is no graph, or something was asked for that only a network has.
pub fn graph(path: &Path, config: &Config) -> Result<result::Audit> {
    let started = Instant::now();
    let size = fs::metadata(path).map_err(|source| ErrorKind::Read { source }.at(path))?;
    if size.len() > LARGEST {
        let (size, limit) = (size.len(), LARGEST);
        return Err(ErrorKind::FileTooLarge { size, limit }.at(path));
    }
    let bytes = fs::read(path).map_err(|source| ErrorKind::Read { source }.at(path))?;
    let found = read::read(path, &bytes)?;
    asked(config).map_err(|detail| ErrorKind::OnlyNetworks { detail }.at(path))?;
    let info = info(path, &sha256(&bytes), &found);
    let mut result = describe::audit(info, None, config);
    result.costs.seconds.load = started.elapsed().as_secs_f64();
    let (threshold, graph) = match config.prune.threshold {
        Threshold::At(threshold) => (threshold, found.graph.at_least(threshold)),
        _ => (0.0, found.graph),
    };
    let search = config.modules_at(threshold);
    result.modules = Some(find_graph(&graph, &found.names, &search));
    let seconds = &mut result.costs.seconds;
    seconds.total = started.elapsed().as_secs_f64();
    seconds.modules = seconds.total - seconds.load;
    result.costs.peak_memory_bytes = memory::peak_bytes();
    Ok(result)
}

/// That nothing was asked for that a graph does not have; what that is, if so.
fn asked(config: &Config) -> Result<(), &'static str> {
    let modules = &config.modules;
    let mut nulls = modules.more_nulls.iter().map(|(kind, _)| *kind);
    let is_other = |kind: NullKind| kind != NullKind::Degree;
    let is_searched = matches!(config.prune.threshold, Threshold::Usual | Threshold::At(_));
    let is_null = modules.null_samples > 0 && is_other(modules.null) || nulls.any(is_other);
    let beyond = [
        (!is_searched, "a threshold that is searched"),
        (is_null, "a null model of layers"),
        (modules.scan, "--scan"),
        (modules.hierarchy, "--hierarchy"),
        (modules.motifs, "--motifs"),
        (modules.path, "--path"),
        (modules.per_layer, "--per-layer"),
        (modules.edge_weight.is_some(), "--edge-weight"),
    ];
    let first = beyond.into_iter().find(|(is_asked, _)| *is_asked);
    first.map_or(Ok(()), |(_, what)| Err(what))
}

fn info(path: &Path, sha256: &str, found: &NamedGraph) -> result::CheckpointInfo {
    let unused = |name: &String| PassedOver {
        name: name.clone(),
        why: "says nothing of an edge's weight".to_owned(),
    };
    result::CheckpointInfo {
        path: path.display().to_string(),
        sha256: sha256.to_owned(),
        layout: Layout::Graph,
        family: None,
        dtype: "f64".to_owned(),
        parameters: found.listed,
        activation: String::new(),
        activation_source: String::new(),
        layers: vec![found.names.len()],
        folds: 1,
        task: None,
        regime: None,
        training_seed: None,
        tensors: result::Tensors {
            harmless: found.unused.iter().map(unused).collect(),
            ..result::Tensors::default()
        },
        config: result::Settings::default(),
    }
}
