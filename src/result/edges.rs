//! The edges of a circuit, and how a file holds many of them.

use std::io::Read as _;
use std::ops::{Deref, DerefMut};

use flate2::read::{GzDecoder, GzEncoder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::escape::base64;

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

/// How often an edge is in a resampled circuit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeInclusion {
    /// Writer site.
    pub from: String,
    /// Reader site.
    pub to: String,
    /// Share of resamples.
    #[serde(deserialize_with = "super::number")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub share: f64,
    /// 95 % interval of the share, for the number of resamples (Wilson).
    pub interval: [f64; 2],
}

/// An edge as a line of a packed list; names of sites have no comma.
pub trait Packed: Clone + Serialize + DeserializeOwned {
    /// Its names and numbers, with commas between.
    fn line(&self) -> String;

    /// The edge of names and of the numbers behind them.
    fn of(from: &str, to: &str, numbers: &[f64]) -> Option<Self>;
}

impl Packed for CircuitEdge {
    fn line(&self) -> String {
        format!("{},{},{}", self.from, self.to, self.effect)
    }

    fn of(from: &str, to: &str, numbers: &[f64]) -> Option<Self> {
        let [effect] = *numbers else { return None };
        Some(Self {
            from: from.to_owned(),
            to: to.to_owned(),
            effect,
        })
    }
}

impl Packed for EdgeInclusion {
    fn line(&self) -> String {
        let [low, high] = self.interval;
        format!("{},{},{},{low},{high}", self.from, self.to, self.share)
    }

    fn of(from: &str, to: &str, numbers: &[f64]) -> Option<Self> {
        let [share, low, high] = *numbers else {
            return None;
        };
        Some(Self {
            from: from.to_owned(),
            to: to.to_owned(),
            share,
            interval: [low, high],
        })
    }
}

/// A file lists so many edges one by one.
const LISTED: usize = 1_000;

/// A packed list of more bytes than this is none that was written.
const LARGEST: u64 = 1 << 32;

/// Edges, the first of which count most.
///
/// In a file the first 1,000 are listed as `edges`; the others, where there are more, are
/// `further_edges`, so that the result of a dense network stays short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored<E>", into = "Stored<E>", bound = "E: Packed")]
pub struct Edges<E: Packed>(Vec<E>);

impl<E: Packed> Default for Edges<E> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<E: Packed> From<Vec<E>> for Edges<E> {
    fn from(edges: Vec<E>) -> Self {
        Self(edges)
    }
}

impl<E: Packed> FromIterator<E> for Edges<E> {
    fn from_iter<I: IntoIterator<Item = E>>(edges: I) -> Self {
        Self(edges.into_iter().collect())
    }
}

impl<E: Packed> Deref for Edges<E> {
    type Target = Vec<E>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<E: Packed> DerefMut for Edges<E> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<'e, E: Packed> IntoIterator for &'e Edges<E> {
    type Item = &'e E;
    type IntoIter = std::slice::Iter<'e, E>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Edges as a file holds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "E: Packed")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(super) struct Stored<E> {
    /// The edges, the strongest or most frequent first, at most 1,000.
    edges: Vec<E>,
    /// The other edges, where there are more: a line each, names and numbers in the order of
    /// the fields with commas between, as base64 of gzip. `tables/circuit-edges.csv` has all
    /// of a circuit's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    further_edges: Option<String>,
}

impl<E: Packed> From<Edges<E>> for Stored<E> {
    fn from(Edges(mut edges): Edges<E>) -> Self {
        let further = edges.split_off(edges.len().min(LISTED));
        Self {
            edges,
            further_edges: (!further.is_empty()).then(|| packed(&further)),
        }
    }
}

impl<E: Packed> TryFrom<Stored<E>> for Edges<E> {
    type Error = String;

    fn try_from(stored: Stored<E>) -> Result<Self, String> {
        let mut edges = stored.edges;
        if let Some(text) = stored.further_edges {
            let further = unpacked(&text).ok_or("further_edges are no packed list of edges")?;
            edges.extend(further);
        }
        Ok(Self(edges))
    }
}

fn packed<E: Packed>(edges: &[E]) -> String {
    let lines: String = edges.iter().map(|edge| edge.line() + "\n").collect();
    let mut bytes = Vec::new();
    let read =
        GzEncoder::new(lines.as_bytes(), flate2::Compression::default()).read_to_end(&mut bytes);
    debug_assert!(read.is_ok(), "memory is read from");
    base64(bytes)
}

fn unpacked<E: Packed>(text: &str) -> Option<Vec<E>> {
    let bytes = ::base64::decode(text).ok()?;
    let mut lines = String::new();
    let mut decoder = GzDecoder::new(bytes.as_slice()).take(LARGEST);
    decoder.read_to_string(&mut lines).ok()?;
    lines.lines().map(edge).collect()
}

fn edge<E: Packed>(line: &str) -> Option<E> {
    let mut parts = line.split(',');
    let (from, to) = (parts.next()?, parts.next()?);
    let numbers: Result<Vec<f64>, _> = parts.map(str::parse).collect();
    E::of(from, to, &numbers.ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(count: usize) -> Edges<CircuitEdge> {
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
            let read: Edges<CircuitEdge> = serde_json::from_value(written).expect("it is read");
            assert_eq!(read, edges(count));
        }
    }

    #[test]
    fn shares_have_their_intervals_when_they_are_read_again() {
        let one = |k: usize| EdgeInclusion {
            from: "x0".to_owned(),
            to: format!("h1.{k}"),
            share: 1.0 / (k as f64 + 1.0),
            interval: [0.1, 1.0 / 3.0],
        };
        let all: Edges<EdgeInclusion> = (0..LISTED + 2).map(one).collect();
        let written = serde_json::to_string(&all).expect("it is written");
        let read: Edges<EdgeInclusion> = serde_json::from_str(&written).expect("it is read");
        assert_eq!(read, all);
    }

    #[test]
    fn a_broken_list_is_refused() {
        for broken in ["", "!", "AAAA"] {
            let stored = serde_json::json!({"edges": [], "further_edges": broken});
            let read = serde_json::from_value::<Edges<CircuitEdge>>(stored);
            assert!(
                read.unwrap_err().to_string().contains("further_edges"),
                "{broken}"
            );
        }
    }
}
