//! A circuit as EAP-IG's graph JSON, which its tools and MIB's read.
//!
//! Source: the `Graph.to_json` of the EAP-IG library (Hanna, Pezzelle &
//! Belinkov 2024). A score says by how much patching the edge worsens the
//! metric; every edge is listed, kept or not.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// `circuit.json`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphJson {
    /// The transformer; absent for an MLP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cfg: Option<GraphConfig>,
    /// By name: `input`, `a0.h1`, `m2`, `logits`; in order.
    pub nodes: IndexMap<String, GraphNode>,
    /// By name: `a0.h1->a1.h0<q>`; in order.
    pub edges: IndexMap<String, GraphEdge>,
}

/// The network that a graph belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphConfig {
    /// Blocks.
    pub n_layers: usize,
    /// Heads per block.
    pub n_heads: usize,
    /// Whether MLPs read the stream before attention.
    pub parallel_attn_mlp: bool,
    /// Key-value heads per block, where several heads share one: edges to keys and values are
    /// then those of key-value heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_key_value_heads: Option<usize>,
    /// Width of the residual stream.
    pub d_model: usize,
}

/// A node.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphNode {
    /// Whether an edge of the circuit touches it.
    pub in_graph: bool,
    /// Its own score, where nodes were scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

/// An edge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GraphEdge {
    /// By how much patching it worsens the metric.
    #[serde(default, deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub score: f64,
    /// Whether it is part of the circuit.
    pub in_graph: bool,
}
