//! The modules of a network as a result: found, measured, set against chance.

use rayon::prelude::*;

use super::components::components;
use super::independence::{name, named_components};
use super::quality::modularity;
use super::{Communities, LeidenConfig, NullKind, leiden, null, stability};
use crate::graph::{Adjacency, Layered};
use crate::result::{Assignment, Independence, Modules, Partition};

/// How modules are found. Each is one arm of [`detect`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// Communities of the highest modularity.
    #[default]
    Leiden,
    /// Connected components: parts that share no edge.
    Components,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Self; 2] = [Self::Leiden, Self::Components];

    /// The name on the command line and in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Leiden => "leiden",
            Self::Components => "components",
        }
    }
}

/// What to look for, and against what to set it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModulesConfig {
    /// How modules are found.
    pub algorithm: Algorithm,
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
    /// Partitions compared for the stability; below 2 for none.
    pub stability_seeds: usize,
}

impl Default for ModulesConfig {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            resolution: 1.0,
            threshold: 0.0,
            seed: 0,
            restarts: 1,
            null: NullKind::default(),
            null_samples: 100,
            stability_seeds: 20,
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
    let graph = pruned.adjacency();
    let communities = detect(&graph, config, config.seed);
    let quality = modularity(&graph, &communities, config.resolution);
    Modules {
        algorithm: config.algorithm.name().to_owned(),
        edge_weight: "abs-weight".to_owned(),
        resolution: config.resolution,
        threshold: config.threshold,
        nodes: communities.assigned(),
        edges: graph.edge_count(),
        isolated: isolated(&communities, names),
        modularity: quality,
        count: communities.count,
        partition: assignments(&communities, names),
        null: null_of(&pruned, quality, config),
        stability: stability_of(&graph, communities, config),
        wiring: None,
        lesions: Vec::new(),
        without_outputs: without_outputs(&pruned, names, config),
        independence: Independence {
            components: named_components(&pruned, names),
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
                seed,
                restarts: config.restarts,
                ..LeidenConfig::default()
            };
            leiden(graph, &search)
        }
        Algorithm::Components => components(graph),
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
fn assignments(communities: &Communities, names: &[String]) -> Vec<Assignment> {
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
        modularity: modularity(&graph, &communities, config.resolution),
        count: communities.count,
        partition: assignments(&communities, names),
    })
}

/// The modularity against shuffles that are searched exactly as the network was.
fn null_of(
    network: &Layered,
    observed: f64,
    config: &ModulesConfig,
) -> Option<crate::result::NullModel> {
    let statistic = |shuffled: &Layered, draw: u64| {
        let graph = shuffled.adjacency();
        let communities = detect(&graph, config, config.seed.wrapping_add(draw));
        modularity(&graph, &communities, config.resolution)
    };
    null::null_model(
        network,
        config.null,
        config.null_samples,
        config.seed,
        observed,
        statistic,
    )
}

/// The agreement of the partition of `config.seed` and those of the seeds after it.
fn stability_of(graph: &Adjacency, first: Communities, config: &ModulesConfig) -> Option<f64> {
    let others = (1..config.stability_seeds as u64).into_par_iter();
    let others = others.map(|step| detect(graph, config, config.seed.wrapping_add(step)));
    let mut partitions: Vec<Communities> = others.collect();
    partitions.push(first);
    stability::mean_agreement(&partitions)
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
