//! How circuits are found and chosen: what the command line can ask for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use super::certify::DomainChoice;
pub use crate::choice::{Conventions, Granularity, Level, Method, Selection};
use crate::choice::{Equivalence, Rest};
use crate::choice::{Fill, MetricKind, Sign};
use crate::circuit::{Attribution, Known, MaskConfig, Path};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable};
use crate::prune::Tolerance;
use crate::prune::certify::Budget;
use crate::{Error, ErrorKind, Result as Outcome};

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
    /// Whether the size of a circuit from scores is chosen by samples that took no part in
    /// its ranking.
    pub calibrate: bool,
    /// Whether edges on no path from an input to an output are taken out of
    /// circuits from scores.
    pub connected: bool,
    /// Whether ACDC and integrated gradients do as the published code does.
    pub conventions: Conventions,
    /// Runs of a path of integrated gradients.
    pub ig_steps: usize,
    /// A circuit to hold scores against, as it stands in its file.
    pub known: Option<Reference>,
    /// A circuit found elsewhere, to be judged besides.
    pub given: Option<Reference>,
    /// Whether circuits are of edges or of nodes.
    pub level: Level,
    /// How fine a network is taken apart; `None`: an MLP into weights, a
    /// transformer into components.
    pub granularity: Option<Granularity>,
    /// Whether a transformer's edges are told apart by position.
    pub positions: bool,
    /// How masks are learned; their seed is the run's.
    pub mask: MaskConfig,
    /// Whether the scores of all edges are kept, for files.
    pub scores: bool,
    /// Whether a method that gives every edge an effect of exactly 0 is an
    /// error; else it is a finding.
    pub strict: bool,
    /// Whether circuits are judged; else there are scores, and the circuit of a
    /// size that was asked for.
    pub judge: bool,
    /// Whether the minimality of every circuit is measured; else only where that
    /// takes less than discovery does.
    pub minimality: bool,
    /// Whether discoveries are repeated over resamples of their samples.
    pub stability: bool,
    /// Whether effects sample by sample are handed on.
    pub keep_samples: bool,
    /// What is proved of circuits by proof.
    pub proof: ProofConfig,
    /// Circuits that are run besides on the samples of the judgement, by the site of their
    /// answer. What they do is handed on with the effects.
    pub measure: BTreeMap<String, Vec<Subset>>,
    /// Whether circuits are run under every fill that the data allow.
    pub every_fill: bool,
    /// Which samples stand in for which under the fill `resample`; by the seed of the run
    /// where nothing is said.
    pub fill_seed: Option<u64>,
    /// Whether every node is ablated.
    pub nodes: bool,
    /// Whether circuits are held against networks and labels that know nothing.
    pub controls: bool,
    /// How often circuits are searched in each kind of control; 0: not at all.
    pub control_draws: usize,
    /// Whether intervals are given of however few samples, and where they are known not to
    /// hold the truth 95 % of the time: to measure how often they do.
    pub all_intervals: bool,
    /// Whether circuits from scores are judged at all of MIB's sizes.
    pub curve: bool,
    /// Whether ACDC goes on to smaller thresholds where one has given a faithful circuit.
    pub whole_sweep: bool,
    /// A circuit is faithful when |1 − faithfulness| is at most this.
    pub within: f64,
    /// The most memory that a transformer's runs may take, in bytes.
    pub max_memory: Option<u64>,
    /// Whether a transformer's token and position embedding are told apart.
    pub split_input: bool,
    /// Whether each head has keys and values of its own where several share them.
    pub ungroup: bool,
    /// What circuits are judged on; `None`: the test split where the discovery has
    /// another, else half of the samples.
    pub judge_on: Option<JudgeOn>,
}

/// What is proved of circuits, and how long is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct ProofConfig {
    /// What stands in for all but the circuit.
    pub rest: Rest,
    /// What a circuit keeps; `None`: decisions of classes where all inputs are run or balls
    /// are asked for, else outputs.
    pub equivalence: Option<Equivalence>,
    /// The least confidence at which decisions count, for `delta-top1`.
    pub confidence: f64,
    /// What outputs may move by.
    pub tolerance: Tolerance,
    /// All inputs for which circuits are to be proved; `None`: what the data say, of
    /// transformers every sequence of the tokens seen at each position.
    pub domain: Option<DomainChoice>,
    /// Balls of this radius around the samples, in place of the whole domain.
    pub radius: Option<f64>,
    /// Boxes of each proof, or inputs that may be run; seconds of the whole search.
    pub budget: Budget,
}

impl Default for ProofConfig {
    fn default() -> Self {
        Self {
            rest: Rest::default(),
            equivalence: None,
            confidence: 0.9,
            tolerance: Tolerance::Relative(0.01),
            domain: None,
            radius: None,
            budget: Budget {
                seconds: 600.0,
                boxes: 20_000,
            },
        }
    }
}

/// What circuits are judged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JudgeOn {
    /// The data's `test_` samples; discovery has those of `train_`.
    Test,
    /// A half of the samples, drawn at random; discovery has the other.
    Half,
    /// The samples of the discovery.
    Same,
}

/// Some of the edges that circuits are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subset {
    /// By writer and reader.
    ByName(Vec<(String, String)>),
    /// By their places among all of these edges.
    ByPlace(EdgeSet),
}

/// A circuit in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub value: serde_json::Value,
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
            calibrate: false,
            connected: true,
            conventions: Conventions::Own,
            ig_steps: 5,
            known: None,
            given: None,
            level: Level::Edge,
            granularity: None,
            positions: false,
            mask: MaskConfig::default(),
            scores: false,
            strict: false,
            judge: true,
            minimality: false,
            stability: true,
            keep_samples: false,
            measure: BTreeMap::new(),
            proof: ProofConfig::default(),
            every_fill: false,
            fill_seed: None,
            nodes: true,
            controls: true,
            control_draws: 0,
            all_intervals: false,
            curve: false,
            whole_sweep: false,
            within: 0.05,
            max_memory: None,
            split_input: false,
            ungroup: false,
            judge_on: None,
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
    pub fn sets<T: Scalar>(
        &self,
        network: &dyn Patchable<Number = T>,
        fill: Fill,
    ) -> Outcome<(EdgeSet, EdgeSet)> {
        let sets = self.known(fill)?.sets(network);
        sets.map_err(|name| self.wrong(format!("this network has no edge `{name}`")))
    }

    fn wrong(&self, detail: String) -> Error {
        ErrorKind::NotACircuit { detail }.at(&self.path)
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

    /// This configuration where neurons are asked for as circuits of nodes, which they are of
    /// a network whose edges are single weights or kernels.
    #[must_use]
    pub fn at_its_granularity(&self) -> Cow<'_, Self> {
        match self.granularity {
            Some(Granularity::Neuron) => Cow::Owned(self.of_nodes()),
            None | Some(Granularity::Component | Granularity::Weight) => Cow::Borrowed(self),
        }
    }

    /// This configuration, for circuits of nodes.
    #[must_use]
    pub fn of_nodes(&self) -> Self {
        Self {
            level: Level::Node,
            ..self.clone()
        }
    }
}

/// What is said where edges have no positions.
#[must_use]
pub fn no_positions(path: &std::path::Path, detail: &str) -> Error {
    ErrorKind::Positions {
        detail: detail.to_owned(),
    }
    .at(path)
}

impl Default for CircuitsConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Granularity {
    /// What is said where a kind of network cannot be taken apart so.
    #[must_use]
    pub fn refused(self, path: &std::path::Path, network: &str) -> Error {
        ErrorKind::Granularity {
            granularity: self.to_string(),
            network: network.to_owned(),
        }
        .at(path)
    }
}

impl Method {
    /// The attribution that it is, if it is one.
    #[must_use]
    pub fn attribution(self, steps: usize, conventions: Conventions) -> Option<Attribution> {
        let own = conventions == Conventions::Own;
        match self {
            Self::Eap => Some(Attribution::Eap),
            Self::Relp => Some(Attribution::Relp),
            Self::EapQk => Some(Attribution::EapQk),
            Self::AtpStar => Some(Attribution::AtpStar),
            Self::EapIgInputs => Some(Attribution::IgInputs {
                steps,
                path: match own {
                    true => Path::Midpoints,
                    false => Path::Library,
                },
            }),
            Self::EapIgActivations => Some(Attribution::IgActivations {
                steps,
                own_source: own,
            }),
            Self::CleanCorrupted => Some(Attribution::CleanCorrupted),
            Self::Exact
            | Self::Acdc
            | Self::Screened
            | Self::Ensemble
            | Self::Mask
            | Self::Proved
            | Self::Random => None,
        }
    }
}

/// The methods whose ranks an ensemble is the mean of.
pub const ENSEMBLE: [Method; 5] = [
    Method::Eap,
    Method::Relp,
    Method::CleanCorrupted,
    Method::EapIgInputs,
    Method::EapIgActivations,
];

named! {
    JudgeOn: "set to judge on" { Test = "test", Half = "half", Same = "same" }
}
