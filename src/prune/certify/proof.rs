//! Proof logs: what `certificate.json` holds, for a checker that trusts nothing of it.
//!
//! The format is described in `docs/proofs.md`. The log names ranges, slopes, splits and claims;
//! that they prove what is claimed is for the checker to find out.

use std::io::Write as _;
use std::time::Instant;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};

use super::bound::Bounder;
use super::leaves::{Leaves, Node, claimed, leaves};
use super::pair::{Bounded, Pair, bounded};
use super::{
    Budget, CertificateMethod, NotLogged, Options, Refusal, Request, feature, physical,
    rounding_of_both,
};
use crate::choice::Arithmetic;
use crate::data::Domain;
use crate::escape::base64;
use crate::model::Mlp;
use crate::result::{Certificate, Counterexample};

/// The name and version of the format.
const FORMAT: &str = "modscope-proof/1";
/// What the allowance for rounding is over our own, for those who sum it otherwise.
const ALLOWED: f64 = 1.0 + 1e-9;
/// A leaf in a packed tree.
const LEAF: u16 = u16::MAX;

/// A proof that can be written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    arithmetic: Arithmetic,
    tolerance: Vec<f64>,
    rounding: Vec<f64>,
    domain: Value,
    activations: Vec<String>,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Leaves {
        bounds: Vec<f64>,
        leaves: usize,
        neurons: usize,
        tree: Vec<u8>,
        relaxations: Vec<u8>,
    },
    Enumeration {
        bounds: Vec<f64>,
        cases: u64,
    },
    Refuted {
        output: usize,
        input: Vec<f64>,
    },
}

/// A file that a log speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its path, as seen from the log.
    pub path: String,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Path and hash of what it was written from, where that is another file.
    pub from: Option<(String, String)>,
}

/// The tensors of a layer: its weight and its bias, if it has one.
pub type LayerNames = (String, Option<String>);

/// Writes a certificate's proof down, in the budget of the options anew.
///
/// # Errors
/// A [`NotLogged`] where nothing is proved, or the proof is too large.
pub fn proof(
    request: &Request<'_>,
    options: &Options,
    certificate: &Certificate,
) -> Result<Proof, NotLogged> {
    let model = request.original;
    let hidden = 0..model.layers.len().saturating_sub(1);
    for layer in hidden.clone() {
        let activation = model.activation.of_layer(layer);
        if bounded(activation.ok_or(NotLogged::Layers)?) != Bounded::Checked {
            return Err(NotLogged::Activation);
        }
    }
    let refused = |_: Refusal| NotLogged::Undecided;
    let rounding = rounding_of_both(
        request.original,
        request.pruned,
        request.domain,
        options.arithmetic,
    );
    let rounding: Vec<f64> = rounding
        .map_err(refused)?
        .iter()
        .map(|r| r * ALLOWED)
        .collect();
    let tokens = certificate.method == CertificateMethod::Enumeration;
    let body = match &certificate.counterexample {
        Some(found) => refuted(found)?,
        None if !certificate.holds => return Err(NotLogged::Undecided),
        None if tokens => enumerated(certificate, &rounding, &enough(request, &rounding)),
        None => split(request, &rounding, &options.budget)?,
    };
    Ok(Proof {
        arithmetic: options.arithmetic,
        tolerance: request.tolerance.to_vec(),
        rounding,
        domain: domain(model, request.domain),
        activations: hidden
            .map(|layer| model.activation.of(layer, 0).to_string())
            .collect(),
        body,
    })
}

fn refuted(found: &Counterexample) -> Result<Body, NotLogged> {
    let output = found.output.strip_prefix('y').and_then(|k| k.parse().ok());
    Ok(Body::Refuted {
        output: output.ok_or(NotLogged::Undecided)?,
        input: found.input.clone(),
    })
}

/// What is left to the change of real functions, per output.
fn enough(request: &Request<'_>, rounding: &[f64]) -> Vec<f64> {
    let left = request.tolerance.iter().zip(rounding);
    left.map(|(t, r)| (t - r) - 4.0 * f64::EPSILON * t)
        .collect()
}

fn enumerated(certificate: &Certificate, rounding: &[f64], enough: &[f64]) -> Body {
    // The bounds that stand there hold what rounding may add.
    let bounds = certificate.outputs.iter().zip(rounding).zip(enough);
    let bounds = bounds.map(|((output, rounding), enough)| {
        let own = (output.bound - rounding / ALLOWED).max(0.0);
        (claimed(own, *enough) + enough * 1e-3).min(*enough)
    });
    Body::Enumeration {
        bounds: bounds.collect(),
        cases: certificate.boxes,
    }
}

/// Proves the tolerances leaf by leaf.
fn split(request: &Request<'_>, rounding: &[f64], budget: &Budget) -> Result<Body, NotLogged> {
    let boxes = request.domain.boxes().ok_or(NotLogged::Undecided)?;
    let model = request.original;
    let refused = |_: Refusal| NotLogged::Undecided;
    let pair = Pair::new(model, request.pruned).map_err(refused)?;
    let (started, mut found) = (Instant::now(), Leaves::default());
    for sides in boxes {
        let mut bounder = Bounder::new(&pair, physical(model, sides).map_err(refused)?);
        bounder.logged = true;
        let left = Budget {
            seconds: budget.seconds - started.elapsed().as_secs_f64(),
            boxes: budget.boxes.saturating_sub(found.tree.len() as u64),
        };
        let more = leaves(
            &bounder,
            &enough(request, rounding),
            &left,
            found.relaxations.len(),
        )?;
        found.extend(more);
    }
    Ok(Body::Leaves {
        leaves: found.relaxations.len(),
        neurons: found.relaxations.first().map_or(0, Vec::len),
        tree: packed_tree(model, &found.tree),
        relaxations: packed_relaxations(&found),
        bounds: found.bounds,
    })
}

fn domain(model: &Mlp<f64>, domain: &Domain) -> Value {
    match (domain, &model.embedding) {
        (Domain::Tokens, Some(table)) => json!({"tokens": {
            "tokens": table.nrows(),
            "positions": model.widths()[0] / table.ncols().max(1),
        }}),
        (Domain::Box(sides), _) => json!({"boxes": [sides]}),
        (Domain::Boxes(boxes), _) => json!({"boxes": boxes}),
        (Domain::Tokens, None) => Value::Null,
    }
}

/// Per split its feature and place, in preorder.
fn packed_tree(model: &Mlp<f64>, tree: &[Node]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for node in tree {
        match node {
            Node::Leaf => bytes.extend(LEAF.to_le_bytes()),
            Node::Split { input, at } => {
                bytes.extend((feature(model, *input) as u16).to_le_bytes());
                bytes.extend(at.to_le_bytes());
            }
        }
    }
    bytes
}

/// One number of one neuron in all leaves after another, and of all numbers the lowest
/// bytes first: neighbouring leaves have like numbers, which then pack well.
fn packed_relaxations(found: &Leaves) -> Vec<u8> {
    let neurons = found.relaxations.first().map_or(0, Vec::len);
    let mut numbers = Vec::with_capacity(found.relaxations.len() * neurons * 7);
    for neuron in 0..neurons {
        for which in 0..7 {
            numbers.extend(found.relaxations.iter().map(|leaf| leaf[neuron][which]));
        }
    }
    let bytes: Vec<[u8; 4]> = numbers.into_iter().map(f32::to_le_bytes).collect();
    (0..4)
        .flat_map(|plane| bytes.iter().map(move |four| four[plane]))
        .collect()
}

impl Proof {
    /// The leaves of the proof, or its cases.
    #[must_use]
    pub fn parts(&self) -> u64 {
        match &self.body {
            Body::Leaves { leaves, .. } => *leaves as u64,
            Body::Enumeration { cases, .. } => *cases,
            Body::Refuted { .. } => 1,
        }
    }

    /// The log as JSON.
    ///
    /// # Errors
    /// If packing fails.
    pub fn to_json(
        &self,
        original: &Logged,
        pruned: &Logged,
        layers: &[LayerNames],
    ) -> std::io::Result<Vec<u8>> {
        let tolerance = &self.tolerance;
        let (claim, proof) = match &self.body {
            Body::Leaves {
                bounds,
                leaves,
                neurons,
                tree,
                relaxations,
            } => {
                let proof = json!({
                    "kind": "leaves", "leaves": leaves, "neurons": neurons,
                    "tree": packed(tree)?, "relaxations": packed(relaxations)?,
                });
                (epsilon(tolerance, bounds), proof)
            }
            Body::Enumeration { bounds, cases } => {
                let proof = json!({"kind": "enumeration", "cases": cases});
                (epsilon(tolerance, bounds), proof)
            }
            Body::Refuted { output, input } => (
                json!({"kind": "refuted", "tolerance": tolerance, "output": output, "input": input}),
                json!({"kind": "counterexample"}),
            ),
        };
        let layer = |(weight, bias): &LayerNames| json!({"weight": weight, "bias": bias});
        let log = json!({
            "format": FORMAT,
            "tool": concat!("modscope ", env!("CARGO_PKG_VERSION")),
            "claim": claim,
            "arithmetic": self.arithmetic.to_string(),
            "rounding": self.rounding,
            "original": original.to_json(),
            "pruned": pruned.to_json(),
            "network": {
                "layers": layers.iter().map(layer).collect::<Vec<_>>(),
                "activations": self.activations,
            },
            "domain": self.domain,
            "proof": proof,
        });
        let mut bytes = serde_json::to_vec_pretty(&log)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl Logged {
    fn to_json(&self) -> Value {
        let mut file = json!({"path": self.path, "sha256": self.sha256});
        if let Some((path, sha256)) = &self.from {
            file["from"] = json!({"path": path, "sha256": sha256});
        }
        file
    }
}

fn epsilon(tolerance: &[f64], bounds: &[f64]) -> Value {
    json!({"kind": "epsilon", "tolerance": tolerance, "bounds": bounds})
}

/// Base64 of zlib.
fn packed(bytes: &[u8]) -> std::io::Result<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(base64(&encoder.finish()?))
}
