//! The modules of a network as a result: found, measured, set against chance.

use rayon::prelude::*;

use super::components::components;
use super::hierarchy::hierarchy;
use super::independence::{name, named_components};
use super::infomap::infomap;
use super::label_propagation::label_propagation;
use super::louvain::louvain;
use super::null::{Observed, null_models, p_value};
use super::quality::{boundaries, layered_modularity, modularity, n_cut};
use super::scan::scan;
use super::spectral::spectral;
use super::{Communities, LeidenConfig, NullKind, Quality, leiden, stability};
use crate::graph::{Adjacency, Layered};
use crate::result::{
    Assignment, AtThreshold, Conductance, Independence, Measure, Modules, NullModel, Partition,
};

/// Other thresholds that the partition is compared at, as shares of the one in use.
const BESIDE: [f64; 4] = [0.25, 0.5, 2.0, 4.0];

/// How modules are found. Each is one arm of [`detect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Communities of the highest modularity, always connected.
    #[default]
    Leiden,
    /// The same by the older Louvain algorithm.
    Louvain,
    /// Small normalised cut, by eigenvectors.
    Spectral,
    /// Communities in which a random walk stays long.
    Infomap,
    /// Every node takes the label that is strongest around it.
    LabelPropagation,
    /// Connected components: parts that share no edge.
    Components,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 6] = [
        Self::Leiden,
        Self::Louvain,
        Self::Spectral,
        Self::Infomap,
        Self::LabelPropagation,
        Self::Components,
    ];

    /// The name on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leiden => "leiden",
            Self::Louvain => "louvain",
            Self::Spectral => "spectral",
            Self::Infomap => "infomap",
            Self::LabelPropagation => "label-propagation",
            Self::Components => "components",
        }
    }
}

/// What an edge weighs in the graph of the modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EdgeWeight {
    /// |w|
    #[default]
    AbsWeight,
    /// |w| · the standard deviation of what the writer writes, over the data.
    Spread,
    /// |effect of patching the edge on the loss|.
    Effect,
}

impl EdgeWeight {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AbsWeight, Self::Spread, Self::Effect];

    /// The name on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AbsWeight => "abs-weight",
            Self::Spread => "spread",
            Self::Effect => "effect",
        }
    }
}

/// What to look for, and against what to set it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModulesConfig {
    /// How modules are found.
    pub algorithm: Algorithm,
    /// What Leiden makes large.
    pub quality: Quality,
    /// Number of modules of the spectral algorithm; `None` for the eigengap's choice.
    pub clusters: Option<usize>,
    /// What an edge weighs.
    pub edge_weight: EdgeWeight,
    /// Whether the weights of every layer are divided by their mean.
    pub per_layer: bool,
    /// γ: higher gives more and smaller modules; 1 is Newman's modularity.
    pub resolution: f64,
    /// Weights with |w| below this are no edges.
    pub threshold: f64,
    /// Of everything that is drawn at random.
    pub seed: u64,
    /// Searches of which the best counts, for the network and for each shuffle alike.
    pub restarts: usize,
    /// What the shuffles keep.
    pub null: NullKind,
    /// Shuffles; 0 for none.
    pub null_samples: usize,
    /// Further null models and their numbers of draws.
    pub more_nulls: Vec<(NullKind, usize)>,
    /// Partitions compared for the stability; below 2 for none.
    pub stability_seeds: usize,
    /// Whether modules are followed along the resolution.
    pub scan: bool,
    /// Whether modules are divided further.
    pub hierarchy: bool,
}

impl Default for ModulesConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            quality: Quality::default(),
            clusters: None,
            edge_weight: EdgeWeight::default(),
            per_layer: false,
            resolution: 1.0,
            threshold: 0.0,
            seed: 0,
            restarts: 1,
            null: NullKind::default(),
            null_samples: 100,
            more_nulls: Vec::new(),
            stability_seeds: 20,
            scan: false,
            hierarchy: false,
        }
    }
}

impl ModulesConfig {
    /// The resolution at which modularity is reported: that of the search, where it has one.
    fn reported_resolution(&self) -> f64 {
        match (self.algorithm, self.quality) {
            (Algorithm::Leiden, Quality::Modularity) | (Algorithm::Louvain, _) => self.resolution,
            _ => 1.0,
        }
    }
}

/// The modules of |w| where |w| is at least the threshold, as far as the graph tells.
///
/// `names[node]` is the name of each node. Lesions, wiring and the splits of the
/// independence scan are left empty: they need the model or places. The
/// modularity reported, and compared with the shuffles, is Newman's at the
/// resolution of the search. O(entries + searches · edges).
#[must_use]
pub fn find(network: &Layered, names: &[String], config: &ModulesConfig) -> Modules {
    let pruned = network.pruned(config.threshold);
    let mut found = find_in(&pruned, names, config);
    let reported = labels_of(&found.partition, names);
    found.along_threshold = BESIDE
        .iter()
        .map(|share| share * config.threshold)
        .filter(|threshold| *threshold > 0.0)
        .map(|threshold| beside(&network.pruned(threshold), threshold, &reported, config))
        .collect();
    found
}

/// The same of a network whose weights are edge weights already, whatever they mean.
///
/// The threshold of `config` is only recorded, and nothing is said of others.
#[must_use]
pub fn find_in(network: &Layered, names: &[String], config: &ModulesConfig) -> Modules {
    let graph = network.adjacency();
    let communities = detect(&graph, config, config.seed);
    let observed = observed(network, &graph, &communities, config);
    let measures = measures(network, observed, config);
    let stability = stability_of(&graph, communities.clone(), config);
    Modules {
        algorithm: config.algorithm.name().to_owned(),
        edge_weight: edge_weight_name(config),
        resolution: config.resolution,
        threshold: config.threshold,
        nodes: communities.assigned(),
        edges: graph.edge_count(),
        isolated: isolated(&communities, names),
        modularity: observed[0].value,
        count: communities.count,
        partition: assignments(&communities, names),
        null: measures[0].nulls.first().cloned(),
        conductance: conductance(&graph, &communities, &measures[measures.len() - 1]),
        measures,
        stability: stability::mean_agreement(&stability),
        stability_nmi: stability::mean_information(&stability),
        along_threshold: Vec::new(),
        scan: config.scan.then(|| scan(&graph, names, config)),
        hierarchy: levels(network, &graph, &communities, names, config),
        wiring: None,
        lesions: Vec::new(),
        coalitions: Vec::new(),
        agreement: Vec::new(),
        insight: None,
        without_outputs: without_outputs(network, names, config),
        independence: Independence {
            components: named_components(network, names),
            splits: Vec::new(),
        },
    }
}

/// The communities of a graph by the algorithm and resolution of `config`.
///
/// The seed is given apart, since null models and stability vary it.
#[must_use]
pub fn detect(graph: &Adjacency, config: &ModulesConfig, seed: u64) -> Communities {
    match config.algorithm {
        Algorithm::Leiden => {
            let search = LeidenConfig {
                resolution: config.resolution,
                quality: config.quality,
                seed,
                restarts: config.restarts,
                ..LeidenConfig::default()
            };
            leiden(graph, &search)
        }
        Algorithm::Louvain => louvain(graph, config.resolution, config.restarts, seed),
        Algorithm::Spectral => spectral(graph, config.clusters, seed),
        Algorithm::Infomap => infomap(graph, config.restarts, seed),
        Algorithm::LabelPropagation => label_propagation(graph, seed),
        Algorithm::Components => components(graph),
    }
}

/// The names of the measures; the last is compared with single modules too.
const MEASURES: [(&str, bool); 5] = [
    ("modularity", true),
    ("layered-modularity", true),
    ("n-cut", false),
    ("n-cut-per-module", false),
    ("lowest-conductance", false),
];

/// How good a partition is, by every measure.
fn observed(
    network: &Layered,
    graph: &Adjacency,
    communities: &Communities,
    config: &ModulesConfig,
) -> [Observed; MEASURES.len()] {
    let resolution = config.reported_resolution();
    let cut = n_cut(graph, communities);
    let twice = 2.0 * graph.total();
    let lowest = boundaries(graph, communities)
        .iter()
        .map(|module| module.conductance(twice))
        .fold(1.0, f64::min);
    let values = [
        modularity(graph, communities, resolution),
        layered_modularity(network, communities, resolution),
        cut,
        cut / communities.count.max(1) as f64,
        lowest,
    ];
    let mut k = 0;
    values.map(|value| {
        k += 1;
        Observed {
            value,
            higher_is_better: MEASURES[k - 1].1,
        }
    })
}

/// Every measure against every null model; shuffles are searched exactly as the network was.
fn measures(
    network: &Layered,
    observed_here: [Observed; MEASURES.len()],
    config: &ModulesConfig,
) -> Vec<Measure> {
    let statistics = |shuffled: &Layered, draw: u64| {
        let graph = shuffled.adjacency();
        let communities = detect(&graph, config, config.seed.wrapping_add(draw));
        observed(shuffled, &graph, &communities, config).map(|o| o.value)
    };
    let kinds = std::iter::once((config.null, config.null_samples));
    let kinds = kinds.chain(config.more_nulls.iter().copied());
    let by_kind: Vec<Vec<NullModel>> = kinds
        .map(|(kind, samples)| {
            null_models(
                network,
                kind,
                samples,
                config.seed,
                observed_here,
                statistics,
            )
        })
        .collect();
    let measure = |(k, (name, higher_is_better)): (usize, (&str, bool))| Measure {
        name: name.to_owned(),
        value: observed_here[k].value,
        higher_is_better,
        nulls: by_kind
            .iter()
            .filter_map(|nulls| nulls.get(k).cloned())
            .collect(),
    };
    MEASURES.into_iter().enumerate().map(measure).collect()
}

/// The conductance of every module, against the lowest of each shuffle.
fn conductance(graph: &Adjacency, communities: &Communities, lowest: &Measure) -> Vec<Conductance> {
    let twice = 2.0 * graph.total();
    let of = |(module, boundary): (usize, &super::quality::Boundary)| {
        let observed = Observed {
            value: boundary.conductance(twice),
            higher_is_better: false,
        };
        Conductance {
            module,
            value: observed.value,
            p: lowest
                .nulls
                .first()
                .map(|null| p_value(observed, &null.draws)),
        }
    };
    boundaries(graph, communities)
        .iter()
        .enumerate()
        .map(of)
        .collect()
}

/// The partition of a network pruned elsewhere, compared with the one reported.
fn beside(
    pruned: &Layered,
    threshold: f64,
    reported: &Communities,
    config: &ModulesConfig,
) -> AtThreshold {
    let graph = pruned.adjacency();
    let communities = detect(&graph, config, config.seed);
    AtThreshold {
        threshold,
        count: communities.count,
        modularity: modularity(&graph, &communities, config.reported_resolution()),
        rand_index: stability::adjusted_rand_index(&communities, reported),
        nmi: stability::normalised_mutual_information(&communities, reported),
    }
}

/// Communities from a partition by names.
fn labels_of(partition: &[Assignment], names: &[String]) -> Communities {
    let of: std::collections::BTreeMap<&str, usize> = partition
        .iter()
        .map(|a| (a.site.as_str(), a.module))
        .collect();
    let labels: Vec<Option<usize>> = names.iter().map(|n| of.get(n.as_str()).copied()).collect();
    Communities::from_labels(&labels)
}

/// The finer partitions, where asked for.
fn levels(
    network: &Layered,
    graph: &Adjacency,
    first: &Communities,
    names: &[String],
    config: &ModulesConfig,
) -> Vec<Partition> {
    if !config.hierarchy {
        return Vec::new();
    }
    let level = |communities: &Communities| Partition {
        modularity: modularity(graph, communities, config.reported_resolution()),
        count: communities.count,
        partition: assignments(communities, names),
    };
    hierarchy(network, first, config)
        .iter()
        .map(level)
        .collect()
}

fn edge_weight_name(config: &ModulesConfig) -> String {
    let name = config.edge_weight.name();
    if config.per_layer {
        format!("{name}, per layer")
    } else {
        name.to_owned()
    }
}

fn isolated(communities: &Communities, names: &[String]) -> Vec<String> {
    let aside = communities
        .of
        .iter()
        .enumerate()
        .filter(|(_, module)| module.is_none());
    aside.map(|(node, _)| name(names, node)).collect()
}

/// By node.
pub(super) fn assignments(communities: &Communities, names: &[String]) -> Vec<Assignment> {
    let assigned = communities
        .of
        .iter()
        .enumerate()
        .filter_map(|(node, module)| {
            module.map(|module| Assignment {
                site: name(names, node),
                module,
            })
        });
    assigned.collect()
}

/// The modules below the output layer; `None` where no edges are left.
fn without_outputs(
    network: &Layered,
    names: &[String],
    config: &ModulesConfig,
) -> Option<Partition> {
    let graph = network.without_last_layer().adjacency();
    let communities = detect(&graph, config, config.seed);
    (graph.edge_count() > 0).then(|| Partition {
        modularity: modularity(&graph, &communities, config.reported_resolution()),
        count: communities.count,
        partition: assignments(&communities, names),
    })
}

/// The partition of `config.seed` and those of the seeds after it.
fn stability_of(graph: &Adjacency, first: Communities, config: &ModulesConfig) -> Vec<Communities> {
    let others = (1..config.stability_seeds as u64).into_par_iter();
    let others = others.map(|step| detect(graph, config, config.seed.wrapping_add(step)));
    let mut partitions: Vec<Communities> = others.collect();
    partitions.push(first);
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    /// Two wires x0 → h2 → y4 and x1 → h3 → y5; h-nodes joined by a weak weight.
    fn two_wires() -> (Layered, Vec<String>) {
        let weights = vec![
            array![[1.0, 0.01], [0.0, 1.0]],
            array![[1.0, 0.0], [0.0, -1.0], [0.001, 0.0]],
        ];
        let names = ["x0", "x1", "h1.0", "h1.1", "y0", "y1", "y2"].map(String::from);
        (Layered::new(weights), names.to_vec())
    }

    #[test]
    fn a_result_says_what_the_graph_tells() {
        let (network, names) = two_wires();
        let config = ModulesConfig {
            threshold: 0.005,
            ..ModulesConfig::default()
        };
        let found = find(&network, &names, &config);
        assert_eq!((found.count, found.nodes, found.edges), (2, 6, 5));
        assert_eq!(found.isolated, ["y2"]);
        let modules: Vec<usize> = found.partition.iter().map(|site| site.module).collect();
        assert_eq!(modules, [0, 1, 0, 1, 0, 1]);
        assert_eq!(found.partition[2].site, "h1.0");
        assert_eq!(found.stability, Some(1.0));
        assert_eq!(found.without_outputs.map(|below| below.count), Some(2));
        assert_eq!(found.independence.components.len(), 1);
        assert!(
            found
                .null
                .is_some_and(|null| null.samples == 100 && null.p > 0.01)
        );
    }

    #[test]
    fn components_are_an_algorithm() {
        let (network, names) = two_wires();
        let algorithm = Algorithm::Components;
        let config = ModulesConfig {
            algorithm,
            threshold: 0.1,
            ..ModulesConfig::default()
        };
        let found = find(&network, &names, &config);
        assert_eq!(
            (found.algorithm.as_str(), found.count, found.modularity),
            ("components", 2, 0.5)
        );
    }

    #[test]
    fn a_network_without_edges_has_no_modules() {
        let (network, names) = two_wires();
        let config = ModulesConfig {
            threshold: 9.0,
            ..ModulesConfig::default()
        };
        let found = find(&network, &names, &config);
        assert_eq!((found.count, found.nodes, found.modularity), (0, 0, 0.0));
        assert_eq!((found.isolated.len(), found.without_outputs), (7, None));
    }
}
