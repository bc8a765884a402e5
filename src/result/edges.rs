//! The edges of a circuit, and how a file holds many of them.

use std::io::Read as _;
use std::ops::{Deref, DerefMut};

use flate2::read::{GzDecoder, GzEncoder};
use serde::{Deserialize, Serialize};

/// One edge of a circuit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CircuitEdge {
    /// Writer site.
    pub from: String,
    /// Reader site.
    pub to: String,
    /// `metric(as is) - metric(edge patched)`.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub effect: f64,
}

/// A file lists so many edges of a circuit one by one.
const LISTED: usize = 1_000;

/// A packed list of more bytes than this is none that was written.
const LARGEST: u64 = 1 << 32;

/// The edges of a circuit, strongest first.
///
/// In a file the first 1,000 are listed as `edges`; the others, where there are more, are
/// `further_edges`, so that the result of a dense network stays short.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct CircuitEdges(Vec<CircuitEdge>);

impl From<Vec<CircuitEdge>> for CircuitEdges {
    fn from(edges: Vec<CircuitEdge>) -> Self {
        Self(edges)
    }
}

impl FromIterator<CircuitEdge> for CircuitEdges {
    fn from_iter<I: IntoIterator<Item = CircuitEdge>>(edges: I) -> Self {
        Self(edges.into_iter().collect())
    }
}

impl Deref for CircuitEdges {
    type Target = Vec<CircuitEdge>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for CircuitEdges {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'e> IntoIterator for &'e CircuitEdges {
    type Item = &'e CircuitEdge;
    type IntoIter = std::slice::Iter<'e, CircuitEdge>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Edges as a file holds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Stored {
    /// The circuit's edges, strongest first, at most 1,000.
    edges: Vec<CircuitEdge>,
    /// Its other edges, where it has more: lines of the form `from,to,effect`, strongest
    /// first, as base64 of gzip. `tables/circuit-edges.csv` has all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    further_edges: Option<String>,
}

impl From<CircuitEdges> for Stored {
    fn from(CircuitEdges(mut edges): CircuitEdges) -> Self {
        let further = edges.split_off(edges.len().min(LISTED));
        Self {
            edges,
            further_edges: (!further.is_empty()).then(|| packed(&further)),
        }
    }
}

impl TryFrom<Stored> for CircuitEdges {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut edges = stored.edges;
        if let Some(text) = stored.further_edges {
            edges.extend(unpacked(&text).ok_or("further_edges are no packed list of edges")?);
        }
        Ok(Self(edges))
    }
}

fn packed(edges: &[CircuitEdge]) -> String {
    let line = |edge: &CircuitEdge| format!("{},{},{}\n", edge.from, edge.to, edge.effect);
    let lines: String = edges.iter().map(line).collect();
    let mut bytes = Vec::new();
    let read =
        GzEncoder::new(lines.as_bytes(), flate2::Compression::default()).read_to_end(&mut bytes);
    debug_assert!(read.is_ok(), "memory is read from");
    base64::encode(bytes)
}

fn unpacked(text: &str) -> Option<Vec<CircuitEdge>> {
    let bytes = base64::decode(text).ok()?;
    let mut lines = String::new();
    let mut decoder = GzDecoder::new(bytes.as_slice()).take(LARGEST);
    decoder.read_to_string(&mut lines).ok()?;
    lines.lines().map(edge).collect()
}

/// Names of sites have no comma.
fn edge(line: &str) -> Option<CircuitEdge> {
    let mut parts = line.split(',');
    let (from, to, effect) = (parts.next()?, parts.next()?, parts.next()?);
    Some(CircuitEdge {
        from: from.to_owned(),
        to: to.to_owned(),
        effect: effect.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(count: usize) -> CircuitEdges {
        let edge = |k: usize| CircuitEdge {
            from: format!("x{k}"),
            to: format!("a1.h{}<q>@{k}", k % 7),
            effect: 1.0 / (k as f64 + 3.0),
        };
        (0..count).map(edge).collect()
    }

    #[test]
    fn what_is_written_is_read_again_to_the_last_bit() {
        for count in [0, 3, LISTED, LISTED + 1, 5 * LISTED] {
            let written = serde_json::to_value(edges(count)).expect("it is written");
            let listed = written["edges"].as_array().map(Vec::len);
            assert_eq!(listed, Some(count.min(LISTED)));
            assert_eq!(written.get("further_edges").is_some(), count > LISTED);
            let read: CircuitEdges = serde_json::from_value(written).expect("it is read");
            assert_eq!(read, edges(count));
        }
    }

    #[test]
    fn a_broken_list_is_refused() {
        for broken in ["", "!", "AAAA"] {
            let stored = serde_json::json!({"edges": [], "further_edges": broken});
            let read = serde_json::from_value::<CircuitEdges>(stored);
            assert!(
                read.unwrap_err().to_string().contains("further_edges"),
                "{broken}"
            );
        }
    }
}
