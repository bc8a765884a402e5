//! How circuits are found and chosen: what the command line can ask for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::circuit::Known;
use crate::circuit::{Attribution, MaskConfig, Path, Sign};
use crate::metric::MetricKind;
use crate::patch::{EdgeSet, Fill, Patchable};
use crate::{Error, Result as Outcome};

/// How circuits are found and chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitsConfig {
    /// The methods, in the order of the results.
    pub methods: Vec<Method>,
    /// The metric, or `None` for the logit difference of classes and the
    /// squared error of targets.
    pub metric: Option<MetricKind>,
    /// What stands in for a patched message; `None`: the corrupted pair of each
    /// sample where the data have pairs, else the mean.
    pub fill: Option<Fill>,
    /// Which effects count for ACDC.
    pub sign: Sign,
    /// ACDC's τ, or the least |score| of a circuit from scores; `None` sweeps it.
    pub threshold: Option<f64>,
    /// The number of edges of circuits from scores; `None` sweeps it.
    pub top: Option<usize>,
    /// How edges are taken from scores.
    pub selection: Selection,
    /// Whether edges on no path from an input to an output are taken out of
    /// circuits from scores.
    pub connected: bool,
    /// Runs of a path of integrated gradients.
    pub ig_steps: usize,
    /// A circuit to hold scores against, as it stands in its file.
    pub known: Option<Reference>,
    /// A circuit found elsewhere, to be judged besides.
    pub given: Option<Reference>,
    /// What edges are; `None` for a network's own: weights of MLPs, components
    /// of transformers.
    pub granularity: Option<Granularity>,
    /// Whether circuits are of edges or of nodes.
    pub level: Level,
    /// How masks are learned; their seed is the run's.
    pub mask: MaskConfig,
    /// Whether circuits from scores are judged at all of MIB's sizes.
    pub curve: bool,
    /// A circuit is faithful when |1 − faithfulness| is at most this.
    pub within: f64,
    /// The most memory that a transformer's runs may take, in bytes.
    pub max_memory: Option<u64>,
    /// Whether a transformer's token and position embedding are told apart.
    pub split_input: bool,
}

/// A way to find a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The edges of the largest exact effects.
    Exact,
    /// Recursive activation patching.
    Acdc,
    /// Attribution patching.
    Eap,
    /// Integrated gradients along the inputs.
    EapIgInputs,
    /// Integrated gradients along every group of writers' own activations.
    EapIgActivations,
    /// The mean of the gradients at the clean and at the filled run.
    CleanCorrupted,
    /// Learned gates.
    Mask,
    /// Random scores: a control.
    Random,
}

/// A circuit in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub value: serde_json::Value,
}

/// What the edges of a network are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// The entries of its linear layers.
    Weight,
    /// What heads and MLPs of a transformer read of each other.
    Component,
}

/// What circuits are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Edges.
    Edge,
    /// Nodes, each with all edges out of it.
    Node,
}

/// How edges are taken from scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The largest |scores|.
    Top,
    /// Grown from the outputs backwards.
    Greedy,
}

impl CircuitsConfig {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self {
            methods: vec![Method::Exact, Method::Acdc],
            metric: None,
            fill: None,
            sign: Sign::Absolute,
            threshold: None,
            top: None,
            selection: Selection::Top,
            connected: true,
            ig_steps: 5,
            granularity: None,
            known: None,
            given: None,
            level: Level::Edge,
            mask: MaskConfig::default(),
            curve: false,
            within: 0.05,
            max_memory: None,
            split_input: false,
        }
    }
}

impl Reference {
    /// The circuit for use with a fill.
    ///
    /// # Errors
    /// If it is none.
    pub fn known(&self, fill: Fill) -> Outcome<Known> {
        Known::from_json(&self.value, fill).map_err(|detail| self.wrong(detail))
    }

    /// The circuit and the edges that are neither in it nor out of it, in a network.
    ///
    /// # Errors
    /// If it is none, or of another network.
    pub fn sets<P: Patchable>(&self, network: &P, fill: Fill) -> Outcome<(EdgeSet, EdgeSet)> {
        let sets = self.known(fill)?.sets(network);
        sets.map_err(|name| self.wrong(format!("this network has no edge `{name}`")))
    }

    fn wrong(&self, detail: String) -> Error {
        Error::NotACircuit {
            path: self.path.clone(),
            detail,
        }
    }
}

impl CircuitsConfig {
    /// The fill for data with or without `pairs`.
    #[must_use]
    pub fn fill(&self, pairs: bool) -> Fill {
        let usual = match pairs {
            true => Fill::Corrupted,
            false => Fill::Mean,
        };
        self.fill.unwrap_or(usual)
    }
}

impl Default for CircuitsConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Method {
    /// Every method and its name on the command line and in results.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::Exact, "exact"),
        (Self::Acdc, "acdc"),
        (Self::Eap, "eap"),
        (Self::EapIgInputs, "eap-ig-inputs"),
        (Self::EapIgActivations, "eap-ig-activations"),
        (Self::CleanCorrupted, "clean-corrupted"),
        (Self::Mask, "mask"),
        (Self::Random, "random"),
    ];

    /// The name on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(method, _)| *method == self);
        found.map_or("unknown", |(_, name)| name)
    }

    /// The attribution that it is, if it is one.
    #[must_use]
    pub fn attribution(self, steps: usize) -> Option<Attribution> {
        match self {
            Self::Eap => Some(Attribution::Eap),
            Self::EapIgInputs => Some(Attribution::IgInputs {
                steps,
                path: Path::Midpoints,
            }),
            Self::EapIgActivations => Some(Attribution::IgActivations {
                steps,
                own_source: true,
            }),
            Self::CleanCorrupted => Some(Attribution::CleanCorrupted),
            Self::Exact | Self::Acdc | Self::Mask | Self::Random => None,
        }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(method, _)| *method).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|(_, name)| *name).collect();
            format!("known: {}", known.join(", "))
        })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Top => "top",
            Self::Greedy => "greedy",
        })
    }
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "top" => Ok(Self::Top),
            "greedy" => Ok(Self::Greedy),
            _ => Err("known: top, greedy".to_owned()),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edge => "edge",
            Self::Node => "node",
        })
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "edge" => Ok(Self::Edge),
            "node" => Ok(Self::Node),
            _ => Err("known: edge, node".to_owned()),
        }
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight => "weight",
            Self::Component => "component",
        })
    }
}

impl FromStr for Granularity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "weight" => Ok(Self::Weight),
            "component" => Ok(Self::Component),
            _ => Err("known: weight, component".to_owned()),
        }
    }
}
