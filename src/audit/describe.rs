//! What a result says of the files it was made from.

use crate::checkpoint::{Checkpoint, Tensor};
use crate::data::{Dataset, Labels};
use crate::model::{Architecture, Loaded, Network};
use crate::numeric::Scalar;
use crate::result;

/// What was recognised in a checkpoint.
pub fn checkpoint(checkpoint: &Checkpoint, loaded: &Loaded) -> result::CheckpointInfo {
    let config = &checkpoint.config;
    let text = |key: &str| config.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let tensor = |(name, tensor): (&String, &Tensor)| result::TensorInfo {
        name: name.clone(),
        dtype: tensor.dtype.name().to_owned(),
        shape: tensor.shape.clone(),
        role: loaded
            .roles
            .get(name)
            .map_or_else(String::new, ToString::to_string),
    };
    let (parameters, activation, layers) = match &loaded.network {
        Network::F32(architecture) => shape(architecture),
        Network::F64(architecture) => shape(architecture),
    };
    result::CheckpointInfo {
        path: checkpoint.path.display().to_string(),
        sha256: checkpoint.sha256.clone(),
        layout: loaded.layout.to_string(),
        dtype: loaded.dtype.name().to_owned(),
        parameters,
        activation,
        activation_source: loaded.activation_source.to_owned(),
        layers,
        folds: 1,
        task: text("task"),
        regime: text("regime"),
        training_seed: config.get("seed").and_then(serde_json::Value::as_u64),
        tensors: checkpoint.tensors.iter().map(tensor).collect(),
    }
}

/// Parameters, activation and widths.
fn shape<T: Scalar>(architecture: &Architecture<T>) -> (usize, String, Vec<usize>) {
    (
        architecture.parameter_count(),
        architecture.activation().to_string(),
        architecture.widths(),
    )
}

/// What a network was run on.
pub fn data(data: &Dataset, loss_name: &str) -> result::DataInfo {
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
        loss: loss_name.to_owned(),
    }
}
