//! What a result says of the files it was made from.

use std::collections::BTreeMap;

use super::Config;
use crate::checkpoint::{Checkpoint, Tally};
use crate::choice::LossKind;
use crate::data::{Dataset, Labels, Used};
use crate::model::{Architecture, Loaded, Network};
use crate::numeric::Scalar;
use crate::result;

/// A result that says what was audited and how, and nothing of it yet.
pub fn audit(
    checkpoint: result::CheckpointInfo,
    data: Option<result::DataInfo>,
    config: &Config,
) -> result::Audit {
    result::Audit {
        schema: result::SCHEMA.to_owned(),
        summary: Vec::new(),
        tool: result::Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        checkpoint,
        data,
        task: None,
        subgroups: None,
        parity: None,
        network: result::Network::default(),
        transformer: None,
        prompts: Vec::new(),
        attention: Vec::new(),
        training: None,
        strongest: None,
        replay: None,
        findings: Vec::new(),
        prune: None,
        modules: None,
        nodes: Vec::new(),
        circuits: Vec::new(),
        costs: result::Costs {
            seconds: result::Seconds::default(),
            inference: None,
            peak_memory_bytes: 0,
            expected_memory_bytes: 0,
        },
        graph: None,
    }
}

/// What was recognised in a checkpoint.
pub fn checkpoint(checkpoint: &Checkpoint, loaded: &Loaded) -> result::CheckpointInfo {
    let config = &checkpoint.config;
    let text = |key: &str| config.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let (parameters, activation, layers) = match &loaded.network {
        Network::F32(architecture) => shape(architecture),
        Network::F64(architecture) => shape(architecture),
    };
    result::CheckpointInfo {
        path: checkpoint.path.display().to_string(),
        sha256: checkpoint.sha256.to_string(),
        layout: loaded.layout,
        family: loaded.family.map(str::to_owned),
        dtype: loaded.dtype.name().to_owned(),
        parameters,
        activation,
        activation_source: loaded.activation_source.to_owned(),
        layers,
        folds: 1,
        task: text("task"),
        regime: text("regime"),
        training_seed: config.get("seed").and_then(serde_json::Value::as_u64),
        tensors: tensors(checkpoint, &loaded.account),
        config: settings(&loaded.account),
    }
}

/// What became of every tensor.
fn tensors(checkpoint: &Checkpoint, account: &Tally) -> result::Tensors {
    let used = |(name, what): (&String, &String)| {
        let tensor = checkpoint.tensors.get(name)?;
        Some(result::TensorInfo {
            name: name.clone(),
            dtype: tensor.dtype.name().to_owned(),
            shape: tensor.shape.clone(),
            role: what.clone(),
        })
    };
    result::Tensors {
        used: account.used.iter().filter_map(used).collect(),
        harmless: passed_over(&account.harmless),
        ignored: account.ignored.clone(),
    }
}

/// What became of every key of the configuration.
fn settings(account: &Tally) -> result::Settings {
    result::Settings {
        used: account.keys_used.clone(),
        harmless: passed_over(&account.keys_harmless),
        ignored: account.keys_ignored.clone(),
        unknown: account.keys_unknown.clone(),
    }
}

fn passed_over(reasons: &BTreeMap<String, String>) -> Vec<result::PassedOver> {
    let entry = |(name, why): (&String, &String)| result::PassedOver {
        name: name.clone(),
        why: why.clone(),
    };
    reasons.iter().map(entry).collect()
}

/// Parameters, activation and widths.
fn shape<T: Scalar>(architecture: &Architecture<T>) -> (usize, String, Vec<usize>) {
    (
        architecture.parameter_count(),
        architecture.activation().to_string(),
        architecture.widths(),
    )
}

fn used(used: &Used) -> result::UsedArray {
    result::UsedArray {
        name: used.name.clone(),
        purpose: used.purpose.clone(),
    }
}

/// What a network was run on.
pub fn data(data: &Dataset, loss: LossKind) -> result::DataInfo {
    let kind = |labels: &Labels| match labels {
        Labels::Classes(_) => "classes",
        Labels::Targets(_) => "targets",
    };
    result::DataInfo {
        path: data.path.display().to_string(),
        sha256: data.sha256.clone(),
        samples: data.len(),
        split: data.split.clone(),
        labels: data.labels.as_ref().map(|labels| kind(labels).to_owned()),
        loss,
        used: data.told.used.iter().map(used).collect(),
        notes: data.told.notes.clone(),
    }
}
