//! Modules along the resolution: which partitions last over a range of it.

use super::assigned::assignments;
use super::detect::detect;
use super::quality::modularity;
use super::{Communities, ModulesConfig, stability};
use crate::graph::{Adjacency, Layered};
use crate::numeric::parallel;
use crate::order;
use crate::result::{Plateau, Scan, ScanPoint};

/// The scan goes from 1/10 to 10 in steps of 12 %.
const POINTS: usize = 41;
const LOWEST: f64 = 0.1;
const HIGHEST: f64 = 10.0;

/// Partitions compared for the stability at each resolution.
const SEEDS: u64 = 5;

/// A plateau is at least this many points with the same partition.
const LEAST: usize = 3;

/// Detects modules at resolutions from 0.1 to 10 and finds where they stay the same.
///
/// `graph` is the network's adjacency, `names[node]` the name of each node. O(points · seeds · edges), in parallel.
#[must_use]
pub fn scan(
    network: &Layered,
    graph: &Adjacency,
    names: &[String],
    config: &ModulesConfig,
) -> Scan {
    let found: Vec<(ScanPoint, Communities)> =
        parallel::map(0..POINTS, |k| at(network, graph, config, resolution(k)));
    let mut plateaus = Vec::new();
    let mut first = 0;
    for k in 1..=POINTS {
        if k < POINTS && found[k].1 == found[first].1 {
            continue;
        }
        if k - first >= LEAST {
            plateaus.push(Plateau {
                from: found[first].0.resolution,
                to: found[k - 1].0.resolution,
                count: found[first].1.count,
                partition: assignments(&found[first].1, names),
            });
        }
        first = k;
    }
    let length = |plateau: &Plateau| plateau.to / plateau.from;
    order::descending(&mut plateaus, length);
    Scan {
        points: found.into_iter().map(|(point, _)| point).collect(),
        plateaus,
    }
}

fn resolution(k: usize) -> f64 {
    LOWEST * (HIGHEST / LOWEST).powf(k as f64 / (POINTS - 1) as f64)
}

/// The modules at one resolution: those of the first seed, and how far others agree.
fn at(
    network: &Layered,
    graph: &Adjacency,
    config: &ModulesConfig,
    resolution: f64,
) -> (ScanPoint, Communities) {
    let config = ModulesConfig {
        resolution,
        ..config.clone()
    };
    let seeds =
        (0..SEEDS).map(|step| detect(network, graph, &config, config.seed.wrapping_add(step)));
    let partitions: Vec<Communities> = seeds.collect();
    let first = partitions.first().cloned().unwrap_or_default();
    let point = ScanPoint {
        resolution,
        count: first.count,
        modularity: modularity(graph, &first, 1.0),
        stability: stability::mean_agreement(&partitions),
    };
    (point, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four triangles in two pairs: two modules at low, four at high resolution.
    #[test]
    fn two_levels_are_two_plateaus() {
        let mut edges = Vec::new();
        for first in [0, 3, 6, 9] {
            edges.extend([(first, first + 1, 1.0), (first + 1, first + 2, 1.0)]);
            edges.push((first, first + 2, 1.0));
        }
        edges.extend([
            (0, 3, 0.9),
            (1, 4, 0.9),
            (6, 9, 0.9),
            (7, 10, 0.9),
            (2, 8, 0.1),
        ]);
        let graph = Adjacency::from_edges(12, &edges);
        let names: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
        let scan = scan(
            &Layered::default(),
            &graph,
            &names,
            &ModulesConfig::default(),
        );
        assert_eq!(scan.points.len(), POINTS);
        let counts: Vec<usize> = scan.plateaus.iter().map(|p| p.count).collect();
        assert!(counts.contains(&2) && counts.contains(&4), "{counts:?}");
        assert!(
            scan.plateaus
                .iter()
                .all(|p| p.to > p.from && p.partition.len() == 12)
        );
        assert!(
            scan.points
                .windows(2)
                .all(|p| p[0].resolution < p[1].resolution)
        );
    }
}
