//! The log: what is claimed, of which files, and the proof.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use serde::Deserialize;

use crate::interval::I;
use crate::relax::{Hint, Slopes};
use crate::{Fault, fault};

/// `certificate.json`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub format: String,
    #[serde(rename = "tool")]
    pub _tool: String,
    pub claim: Claim,
    pub arithmetic: Arithmetic,
    /// Per output, what evaluating the networks adds to the bounds, at most.
    pub rounding: Vec<f64>,
    pub original: File,
    pub pruned: File,
    pub network: Described,
    pub domain: Domain,
    pub proof: Proof,
}

/// What is claimed for every input of the domain.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Claim {
    /// No output moves by more than its tolerance; as functions of real numbers, by no
    /// more than its bound.
    Epsilon { tolerance: Vec<f64>, bounds: Vec<f64> },
    /// At one input, one output moves by more than its tolerance.
    Refuted { tolerance: Vec<f64>, output: usize, input: Vec<f64> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arithmetic {
    Real,
    F32,
    F64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub path: String,
    pub sha256: String,
    /// What this file was written from, where that was another.
    #[serde(rename = "from", default)]
    pub _from: Option<serde_json::Value>,
}

/// How the log reads the files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Described {
    pub layers: Vec<LayerNames>,
    pub activations: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LayerNames {
    pub weight: String,
    pub bias: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Domain {
    /// `[lo, hi]` per feature, of one or more boxes.
    Boxes(Vec<Vec<[f64; 2]>>),
    /// Every tuple of this many tokens.
    Tokens { tokens: usize, positions: usize },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Proof {
    /// Binary trees of boxes; each leaf with the relaxation of each neuron. All packed: base64 of zlib.
    Leaves { leaves: usize, neurons: usize, tree: String, relaxations: String },
    /// Every case of a finite domain.
    Enumeration { cases: u64 },
    /// The input of the claim, evaluated.
    Counterexample,
}

/// A split, or a leaf.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    Leaf,
    Split { feature: usize, at: f64 },
}

const LEAF: u16 = u16::MAX;
/// Packed data are unpacked up to this size.
const MOST: usize = 1 << 32;

/// Trees in preorder: a `u16` feature and an `f64` place per split, a `u16` of ones per leaf.
pub(crate) fn tree(packed: &str) -> Result<Vec<Node>, Fault> {
    let bytes = unpacked(packed, MOST, "tree")?;
    let (mut rest, mut nodes) = (&bytes[..], Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<2>() {
        let feature = u16::from_le_bytes(*head);
        if feature == LEAF {
            nodes.push(Node::Leaf);
            rest = after;
        } else {
            let cut = || fault("the tree ends within a split".into());
            let (at, after) = after.split_first_chunk::<8>().ok_or_else(cut)?;
            let (feature, at) = (usize::from(feature), f64::from_le_bytes(*at));
            nodes.push(Node::Split { feature, at });
            rest = after;
        }
    }
    match rest.is_empty() {
        true => Ok(nodes),
        false => Err(fault("the tree ends within a number".into())),
    }
}

/// Numbers of a neuron in a leaf.
const NUMBERS: usize = 7;

/// The relaxations of all neurons in all leaves: from where to where z and δ may be, α, p, q,
/// as `f32`; in the file one number of one neuron in all leaves, then the next; and of all
/// these first all lowest bytes, and so on.
pub(crate) struct Hints {
    bytes: Vec<u8>,
    leaves: usize,
    neurons: usize,
}

impl Hints {
    pub fn new(packed: &str, leaves: usize, neurons: usize) -> Result<Self, Fault> {
        let expected = leaves.checked_mul(neurons).and_then(|n| n.checked_mul(4 * NUMBERS));
        let expected = expected.filter(|n| *n <= MOST);
        let expected = expected.ok_or_else(|| fault("the log has too many relaxations".into()))?;
        let bytes = unpacked(packed, expected, "relaxations")?;
        match bytes.len() == expected {
            true => Ok(Self { bytes, leaves, neurons }),
            false => Err(fault(format!(
                "{leaves} leaves of {neurons} neurons have {expected} bytes of relaxations, not {}",
                bytes.len()
            ))),
        }
    }

    pub fn of(&self, leaf: usize, neuron: usize) -> Hint {
        let count = self.leaves * self.neurons * NUMBERS;
        let one = |which: usize| {
            let index = (neuron * NUMBERS + which) * self.leaves + leaf;
            let byte = |plane: usize| self.bytes[plane * count + index];
            f64::from(f32::from_le_bytes(std::array::from_fn(byte)))
        };
        Hint {
            z: I { lo: one(0), hi: one(1) },
            d: I { lo: one(2), hi: one(3) },
            slopes: Slopes { alpha: one(4), p: one(5), q: one(6) },
        }
    }
}

fn unpacked(packed: &str, most: usize, what: &str) -> Result<Vec<u8>, Fault> {
    let broken = || fault(format!("the {what} cannot be unpacked"));
    let bytes = base64(packed).ok_or_else(broken)?;
    let mut out = Vec::new();
    let mut reader = ZlibDecoder::new(&bytes[..]).take(most as u64 + 1);
    reader.read_to_end(&mut out).map_err(|_| broken())?;
    Ok(out)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| {
        Some(u32::from(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        }))
    };
    let text = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for four in text.chunks(4) {
        let digits: Option<Vec<u32>> = four.iter().map(|c| digit(*c)).collect();
        let bits = digits?.iter().enumerate().fold(0, |bits, (i, d)| bits | d << (18 - 6 * i));
        let bytes: [u8; 4] = bits.to_be_bytes();
        out.extend(&bytes[1..four.len()]);
    }
    Some(out)
}
