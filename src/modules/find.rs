//! The modules of a network as a result: found, measured, set against chance.

use super::assigned::{assignments, labels_of};
use super::blocks::told;
use super::course::along_threshold;
use super::detect::{detect, detect_in};
use super::headline::headline;
use super::hierarchy::hierarchy;
use super::independence::{name, named_components};
use super::living::{dead_parts, living};
use super::measures::{conductance, measured, measures, observed};
use super::motifs::{self, motifs};
use super::null::rewired;
use super::quality::modularity;
use super::scan::scan;
use super::{Communities, EdgeWeight, ModulesConfig, stability};
use crate::choice::MeasureKind;
use crate::graph::{Adjacency, Layered};
use crate::numeric::parallel;
use crate::result::{AtThreshold, Independence, Measure, Modules, Motif, Partition};

/// Other thresholds that the partition is compared at, as shares of the one in use.
const BESIDE: [f64; 4] = [0.25, 0.5, 2.0, 4.0];

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
    if config.path {
        found.courses.push(along_threshold(network, names, config));
    }
    found
}

/// The modules of a network whose weights are edge weights already, whatever they mean.
///
/// The threshold of `config` is only recorded, and nothing is said of others.
#[must_use]
pub fn find_in(network: &Layered, names: &[String], config: &ModulesConfig) -> Modules {
    let dead = dead_parts(network, config);
    let network = &*living(network, config);
    let graph = network.adjacency();
    let communities = detect(network, &graph, config, config.seed);
    let observed = observed(Some(network), &graph, &communities, config);
    let measures = measures(network, observed, config);
    let again = |seed| detect(network, &graph, config, seed);
    Modules {
        isolated: isolated(&communities, &dead, names),
        dead: dead
            .iter()
            .map(|part| part.iter().map(|node| name(names, *node)).collect())
            .collect(),
        scan: config.scan.then(|| scan(network, &graph, names, config)),
        hierarchy: levels(network, &graph, &communities, names, config),
        blocks: (graph.edge_count() <= config.most_block_edges)
            .then(|| told(network, &communities, names, config))
            .flatten(),
        motifs: small_circuits(network, names, config),
        without_outputs: without_outputs(network, names, config),
        independence: Independence {
            components: named_components(network, names),
            splits: Vec::new(),
        },
        ..partitioned(&graph, &communities, measures, again, names, config)
    }
}

/// The modules of a graph that is no network, whose nodes have these names.
///
/// What layers tell is not there: layered modularity, blocks, motifs, dead parts. Its null
/// model keeps degrees. O(searches · edges).
#[must_use]
pub fn find_graph(graph: &Adjacency, names: &[String], config: &ModulesConfig) -> Modules {
    let search = |graph: &Adjacency, seed| detect_in(graph, config, seed);
    let communities = search(graph, config.seed);
    let seen = observed(None, graph, &communities, config);
    let statistics = |shuffled: &Adjacency, draw: u64| {
        let communities = search(shuffled, config.seed.wrapping_add(draw));
        observed(None, shuffled, &communities, config).map(|o| o.value)
    };
    let mut measures = measured(seen, config, |_, rng| rewired(graph, rng), statistics);
    measures.retain(|measure| measure.name != MeasureKind::LayeredModularity);
    Modules {
        isolated: isolated(&communities, &[], names),
        ..partitioned(
            graph,
            &communities,
            measures,
            |seed| search(graph, seed),
            names,
            config,
        )
    }
}

/// What a partition of any graph says, `again` being a search with another seed.
fn partitioned(
    graph: &Adjacency,
    communities: &Communities,
    measures: Vec<Measure>,
    again: impl Fn(u64) -> Communities + Sync,
    names: &[String],
    config: &ModulesConfig,
) -> Modules {
    let stability = stability_of(communities.clone(), again, config);
    Modules {
        algorithm: config.algorithm,
        edge_weight: config.edge_weight.unwrap_or_default(),
        per_layer: config.per_layer,
        resolution: config.resolution,
        threshold: config.threshold,
        nodes: communities.assigned(),
        edges: graph.edge_count(),
        isolated: Vec::new(),
        dead: Vec::new(),
        modularity: measures[0].value,
        count: communities.count,
        partition: assignments(communities, names),
        null: measures[0].nulls.first().cloned(),
        headline: headline(&measures, graph.edge_count(), config),
        conductance: conductance(graph, communities, &measures[measures.len() - 1]),
        measures,
        stability: stability::mean_agreement(&stability),
        stability_nmi: stability::mean_information(&stability),
        bootstrap: None,
        measured_on: None,
        granularity: None,
        along_threshold: Vec::new(),
        courses: Vec::new(),
        scan: None,
        hierarchy: Vec::new(),
        wiring: None,
        placement: None,
        lesions: Vec::new(),
        selectivity: Vec::new(),
        coalitions: Vec::new(),
        agreement: Vec::new(),
        insight: None,
        blocks: None,
        motifs: Vec::new(),
        transplants: Vec::new(),
        unmatched: None,
        without_outputs: None,
        independence: Independence {
            components: Vec::new(),
            splits: Vec::new(),
        },
    }
}

/// The motifs, where they were asked for and edges are weights.
fn small_circuits(network: &Layered, names: &[String], config: &ModulesConfig) -> Vec<Motif> {
    match config.edge_weight.unwrap_or_default() {
        EdgeWeight::AbsWeight if config.motifs => {
            motifs(network, names, motifs::DRAWS, config.seed)
        }
        EdgeWeight::AbsWeight
        | EdgeWeight::Spread
        | EdgeWeight::Effect
        | EdgeWeight::Attribution => Vec::new(),
    }
}

/// The partition of a network pruned elsewhere, compared with the one reported.
fn beside(
    pruned: &Layered,
    threshold: f64,
    reported: &Communities,
    config: &ModulesConfig,
) -> AtThreshold {
    let pruned = &*living(pruned, config);
    let graph = pruned.adjacency();
    let communities = detect(pruned, &graph, config, config.seed);
    AtThreshold {
        threshold,
        count: communities.count,
        modularity: modularity(&graph, &communities, config.reported_resolution()),
        rand_index: stability::adjusted_rand_index(&communities, reported),
        nmi: stability::normalised_mutual_information(&communities, reported),
    }
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

/// The sites that no edge begins or ends at.
fn isolated(communities: &Communities, dead: &[Vec<usize>], names: &[String]) -> Vec<String> {
    let is_dead = |node: usize| dead.iter().any(|part| part.contains(&node));
    let aside = communities
        .of
        .iter()
        .enumerate()
        .filter(|(node, module)| module.is_none() && !is_dead(*node));
    aside.map(|(node, _)| name(names, node)).collect()
}

/// The modules below the output layer; `None` where no edges are left.
fn without_outputs(
    network: &Layered,
    names: &[String],
    config: &ModulesConfig,
) -> Option<Partition> {
    let below = network.without_last_layer();
    let graph = below.adjacency();
    let communities = detect(&below, &graph, config, config.seed);
    (graph.edge_count() > 0).then(|| Partition {
        modularity: modularity(&graph, &communities, config.reported_resolution()),
        count: communities.count,
        partition: assignments(&communities, names),
    })
}

/// The partition of `config.seed` and those of the seeds after it.
fn stability_of(
    first: Communities,
    again: impl Fn(u64) -> Communities + Sync,
    config: &ModulesConfig,
) -> Vec<Communities> {
    let others = 1..config.stability_seeds as u64;
    let mut partitions = parallel::map(others, |step| again(config.seed.wrapping_add(step)));
    partitions.push(first);
    partitions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Algorithm;
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
            all_draws: true,
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
            (found.algorithm, found.count, found.modularity),
            (Algorithm::Components, 2, 0.5)
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
