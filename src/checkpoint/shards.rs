//! Checkpoints in several safetensors files, with an index of what is where.
//!
//! `{"weight_map": {"wte.weight": "model-00001-of-00002.safetensors", …}}`. Index
//! and shards must agree in every tensor. It deliberately writes none: what is
//! written is one file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::Map;

use super::disk::is_plain_name;
use super::parse::{Parts, parse_shared};
use super::{Bytes, Content, Sum};
use crate::{Error, ErrorKind, Result};

/// How the name of an index ends.
pub(super) const ENDING: &str = ".safetensors.index.json";

/// What is read of an index.
#[derive(Deserialize)]
struct Index {
    /// The shard of each tensor.
    weight_map: BTreeMap<String, String>,
}

/// The tensors of all shards of the index at `path`.
pub(super) fn read(path: &Path, index: &Bytes) -> Result<Parts> {
    let not_json = |error: serde_json::Error| {
        ErrorKind::Json {
            detail: error.to_string(),
        }
        .at(path)
    };
    let Index { weight_map } = serde_json::from_slice(index).map_err(not_json)?;
    let shards: BTreeSet<&str> = weight_map.values().map(String::as_str).collect();
    if let Some(bad) = shards.iter().find(|name| !is_shard(name)) {
        let detail = format!("`{bad}` is no name of a safetensors file beside the index");
        return Err(fault(path, detail));
    }
    let own = path.file_name().unwrap_or_default().to_string_lossy();
    let mut files = vec![(own.into_owned(), index.clone())];
    let (mut tensors, mut metadata) = (BTreeMap::new(), BTreeMap::new());
    for name in shards {
        let file = path.with_file_name(name);
        if !file.is_file() {
            return Err(fault(path, format!("shard `{name}` is not there")));
        }
        let bytes = Bytes::of_file(&file)?;
        Content::check(&file, &bytes, &[Content::Safetensors])?;
        let (found, described) = parse_shared(&file, &bytes)?;
        files.push((name.to_owned(), bytes));
        if let Some(tensor) = found
            .keys()
            .find(|tensor| weight_map.get(*tensor).is_none_or(|shard| shard != name))
        {
            return Err(fault(path, misplaced(&weight_map, tensor, name)));
        }
        tensors.extend(found);
        metadata.extend(described);
    }
    if let Some((tensor, shard)) = weight_map.iter().find(|(t, _)| !tensors.contains_key(*t)) {
        let detail = format!("tensor `{tensor}` is not in `{shard}`, where the index has it");
        return Err(fault(path, detail));
    }
    Ok(Parts {
        sha256: Sum::of_files(files),
        config: Map::new(),
        tensors,
        metadata,
    })
}

fn is_shard(name: &str) -> bool {
    name.ends_with(".safetensors") && is_plain_name(name)
}

/// A tensor that `shard` holds and the index does not have there.
fn misplaced(weight_map: &BTreeMap<String, String>, tensor: &str, shard: &str) -> String {
    match weight_map.get(tensor) {
        Some(other) => {
            format!("tensor `{tensor}` is in `{shard}`; the index has it in `{other}`")
        }
        None => format!("tensor `{tensor}` is in `{shard}`; the index does not have it"),
    }
}

fn fault(path: &Path, detail: String) -> Error {
    ErrorKind::Shards { detail }.at(path)
}

#[cfg(test)]
mod tests {
    #[test]
    fn shards_lie_beside_their_index() {
        assert!(super::is_shard("model-00001-of-00002.safetensors"));
        for name in [
            "../x.safetensors",
            "/x.safetensors",
            "a\\x.safetensors",
            "C:x.safetensors",
            ".safetensors",
            "x.bin",
            "",
        ] {
            assert!(!super::is_shard(name), "{name}");
        }
    }
}
