//! Several checkpoints on the same work: numbers, controls, tests, overlap.
//!
//! Every network goes through the same audit on the same samples; what is said
//! of it is read from that audit, from audits of its controls (weights shuffled,
//! weights never trained, labels permuted) and from random circuits of the same
//! size. Regimes are then held against a reference, seed by seed. It deliberately
//! trains nothing, and prints no p-value where there is one seed.

mod bench;
mod diff;
pub mod matching;
mod numbers;
mod overlap;
mod points;
mod statistics;
mod tests_of_circuits;

pub use diff::diff;
use matching::Matching;
pub use statistics::{paired_permutation, student_interval, two_sample_permutation};

use serde::{Deserialize, Serialize};

use crate::audit::rank::{Candidate, ranked};
use crate::audit::{self, CONTROL_DRAWS};
use crate::checkpoint::Checkpoint;
use crate::choice::{Pick, Regime};
use crate::data::Dataset;
use crate::metric::MetricKind;
use crate::model::{Architecture, Loaded, Network};
use crate::result::{
    CompareSettings, ComparedGroup, ComparedNetwork, Comparison, DataInfo, MeasureInfo,
    PlacedLayer, Ranking, SCHEMA, Tool,
};
use crate::{ErrorKind, Result};

/// Weight of the distance, and cost of a connection of no length, in the wiring
/// cost of all networks: those of the published method for regression.
const WIRING: (f64, f64) = (1.0, 0.1);

/// How networks are compared.
#[derive(Debug, Clone)]
pub struct Config {
    /// How each of them is audited.
    pub audit: audit::Config,
    /// The pruning threshold of the equal-threshold numbers.
    pub equal_threshold: f64,
    /// Draws of the shuffled, untrained and nonsense controls each.
    pub control_draws: usize,
    /// What neurons of two networks are matched by.
    pub matching: Matching,
    /// The regime that the others are held against; `bimt` or else the first.
    pub reference: Option<String>,
    /// What networks are ranked for, if they are.
    pub rank: Option<Pick>,
}

/// A network to be compared.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Its regime.
    pub group: String,
    /// Its training seed.
    pub seed: Option<u64>,
    /// The network.
    pub checkpoint: Checkpoint,
}

/// What is measured of one network alone: it can be kept and joined later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The network.
    pub network: ComparedNetwork,
    /// What its values are, in the order of the tables.
    pub infos: Vec<MeasureInfo>,
    /// What it was run on.
    pub data: DataInfo,
    /// The metric its circuits keep.
    pub metric: Option<MetricKind>,
    /// Width of every layer.
    pub layers: Vec<usize>,
    /// Places of the sites.
    pub places: Vec<PlacedLayer>,
}

impl Config {
    /// The defaults, for a command line that is recorded as `command`.
    #[must_use]
    pub fn new(command: Vec<String>) -> Self {
        Self {
            audit: audit::Config::new(command),
            equal_threshold: 0.01,
            control_draws: CONTROL_DRAWS,
            matching: Matching::Activations,
            reference: None,
            rank: None,
        }
    }
}

/// Refuses networks that cannot stand side by side: other shapes or tasks.
///
/// # Errors
/// [`ErrorKind::NotComparable`] with both values.
pub fn check(entries: &[Entry], config: &Config) -> Result<()> {
    let mut first: Option<(Vec<usize>, Option<String>)> = None;
    for entry in entries {
        let loaded = Loaded::from_checkpoint(&entry.checkpoint, config.audit.model.clone())?;
        let widths = match &loaded.network {
            Network::F32(Architecture::Mlp(model)) => model.widths(),
            Network::F64(Architecture::Mlp(model)) => model.widths(),
            _ => {
                return Err(ErrorKind::TransformerNotYet.at(&entry.checkpoint.path));
            }
        };
        let task = word(entry, "task");
        let Some((layers, name)) = &first else {
            first = Some((widths, task));
            continue;
        };
        let refuse = |what: &str, found: String, expected: String| {
            ErrorKind::NotComparable {
                what: what.to_owned(),
                found,
                expected,
            }
            .at(&entry.checkpoint.path)
        };
        if *layers != widths {
            return Err(refuse("layers", in_words(&widths), in_words(layers)));
        }
        if let (Some(one), Some(other)) = (&task, name)
            && one != other
        {
            return Err(refuse("task", one.clone(), other.clone()));
        }
    }
    Ok(())
}

/// Measures one network; `progress` is told the step that begins.
///
/// # Errors
/// As [`audit::audit`].
pub fn measure(
    entry: &Entry,
    data: &Dataset,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<Part> {
    // Another network's outputs may be beside the samples.
    let data = Dataset {
        outputs: None,
        ..data.clone()
    };
    let entry = &wired_alike(entry);
    let loaded = Loaded::from_checkpoint(&entry.checkpoint, config.audit.model.clone())?;
    let data = audit::fitted(&data, &loaded);
    match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => {
            bench::measure(entry, &data, &loaded, model, config, progress)
        }
        Network::F64(Architecture::Mlp(model)) => {
            bench::measure(entry, &data, &loaded, model, config, progress)
        }
        _ => Err(ErrorKind::TransformerNotYet.at(&entry.checkpoint.path)),
    }
}

/// The same network with the distance weight and cost of no length that all have
/// in common: regimes without a price of distance are configured with 0, and
/// wiring costs by their own weights could not be compared.
fn wired_alike(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    let config = &mut entry.checkpoint.config;
    config.remove("relocate_weight_factor");
    config.insert("weight_factor".to_owned(), WIRING.0.into());
    config.insert("l0".to_owned(), WIRING.1.into());
    entry
}

/// Joins measured networks into a comparison; `parts` are those of `entries`.
///
/// # Errors
/// As [`audit::audit`].
pub fn join(
    entries: &[Entry],
    parts: Vec<Part>,
    data: &Dataset,
    config: &Config,
) -> Result<Comparison> {
    let overlap = overlap::overlap(entries, &parts, data, config)?;
    let Some(first) = parts.first() else {
        return Err(ErrorKind::NothingToCompare.at(&data.path));
    };
    let (info, metric) = (first.data.clone(), first.metric);
    let infos = first.infos.clone();
    let groups = groups(entries, config);
    let notes = notes(entries, &groups, metric);
    let (layers, places) = (first.layers.clone(), first.places.clone());
    let mut networks: Vec<ComparedNetwork> = parts.into_iter().map(|part| part.network).collect();
    for circuit in networks.iter_mut().flat_map(|n| &mut n.circuits) {
        circuit.edges.clear();
    }
    networks.sort_by_key(|n| {
        let group = groups.iter().position(|g| g.name == n.group);
        (group, n.seed, n.name.clone())
    });
    let measures = statistics::measures(infos, &networks, &groups, config.audit.seed);
    Ok(Comparison {
        schema: SCHEMA.to_owned(),
        summary: Vec::new(),
        tool: Tool::this(),
        command: config.audit.command.clone(),
        seed: config.audit.seed,
        task: entries
            .iter()
            .find_map(|entry| word(entry, "task"))
            .or_else(|| data.task.name.clone()),
        layers,
        data: info,
        settings: settings(config, data, metric),
        groups,
        ranking: config.rank.map(|pick| ranking(pick, &networks)),
        networks,
        measures,
        overlap,
        notes,
        places,
    })
}

/// The networks ranked by their own numbers, whose keys are the criteria's names.
fn ranking(pick: Pick, networks: &[ComparedNetwork]) -> Ranking {
    let candidate = |network: &ComparedNetwork| Candidate {
        name: network.name.clone(),
        path: network.path.clone(),
        values: pick
            .criteria()
            .iter()
            .map(|criterion| network.values.get(criterion.name()).copied().flatten())
            .collect(),
    };
    ranked(pick, networks.iter().map(candidate).collect())
}

/// The regimes in the order of their names, the reference first.
fn groups(entries: &[Entry], config: &Config) -> Vec<ComparedGroup> {
    let mut names: Vec<&str> = entries.iter().map(|e| e.group.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let reference = config.reference.as_deref().unwrap_or(Regime::Bimt.name());
    names.sort_by_key(|name| *name != reference);
    let members = |name: &str| {
        let of_group = entries.iter().filter(|e| e.group == name);
        of_group.map(|e| e.name.clone()).collect()
    };
    names
        .into_iter()
        .map(|name| ComparedGroup {
            name: name.to_owned(),
            networks: members(name),
        })
        .collect()
}

fn settings(config: &Config, data: &Dataset, metric: Option<MetricKind>) -> CompareSettings {
    let audit = &config.audit;
    CompareSettings {
        threshold: audit.prune.threshold.to_string(),
        tolerance: audit.prune.tolerance.to_string(),
        equal_threshold: config.equal_threshold,
        fill: audit.circuits.fill(data.corrupted.is_some()),
        metric,
        scale: metric.map_or_else(String::new, |m| points::scale_words(m).to_owned()),
        within: audit.circuits.within,
        control_draws: config.control_draws,
        level: statistics::LEVEL,
    }
}

/// What a reader must know before any number.
fn notes(entries: &[Entry], groups: &[ComparedGroup], metric: Option<MetricKind>) -> Vec<String> {
    let mut notes = Vec::new();
    let losses = distinct(entries, "loss");
    if metric == Some(MetricKind::LogitDiff) && losses.iter().any(|l| l.contains("mse")) {
        notes.push(
            "These networks were trained by squared error: their outputs are no log-odds, and a \
             difference of two outputs means nothing by itself. Gaps are therefore given as shares \
             of the full network's own mean difference."
                .to_owned(),
        );
    }
    for (key, words) in [
        ("loss", "losses"),
        ("steps", "numbers of steps"),
        ("dtype", "precisions"),
        ("activation", "activations"),
    ] {
        let found = distinct(entries, key);
        if found.len() > 1 {
            let list = found.join(", ");
            notes.push(format!(
                "The networks were trained with different {words} ({list}): what differs between \
                 regimes may be due to that."
            ));
        }
    }
    let smallest = groups.iter().map(|g| g.networks.len()).min().unwrap_or(0);
    if groups.len() > 1 && smallest < 2 {
        notes.push(
            "A regime has one seed: differences from it are differences of two networks, not of \
             regimes, and no test is made."
                .to_owned(),
        );
    }
    notes
}

/// The different values of a configuration's entry.
fn distinct(entries: &[Entry], key: &str) -> Vec<String> {
    let mut found: Vec<String> = entries.iter().filter_map(|e| word(e, key)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An entry of a network's configuration as text.
fn word(entry: &Entry, key: &str) -> Option<String> {
    match entry.checkpoint.config.get(key)? {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn in_words(widths: &[usize]) -> String {
    let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
    widths.join("-")
}
