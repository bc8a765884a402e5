//! Modules from stage to stage: along the pruning threshold, or over the snapshots of a
//! training; which go on, which split, merge, come and go.
//!
//! Modules are found at every stage anew. One goes on as the module of the next stage with
//! which it shares the most sites, one to one; that makes a *line*. Lines are numbered as the
//! modules of one stage, from which they are followed both ways.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::assigned::assignments;
use super::detect::detect;
use super::living::living;
use super::quality::modularity;
use super::{Communities, ModulesConfig};
use crate::choice::{CoursePath, Turn};
use crate::graph::Layered;
use crate::numeric::{assign, parallel};
use crate::result::{Course, Stage, TurningPoint};

/// Stages of the pruning path beside the threshold in use.
const STAGES: usize = 12;

/// The path ends at a threshold that leaves about so many edges.
const FEWEST: f64 = 4.0;

/// The modules along the pruning threshold, from all edges to few, in equal ratios of the
/// edges left. `network` is whole; one of the stages is the threshold of `config`.
#[must_use]
pub fn along_threshold(network: &Layered, names: &[String], config: &ModulesConfig) -> Course {
    let mut thresholds = path(network);
    thresholds.push(config.threshold);
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let stage = |at: &f64| stage(*at, &network.pruned(*at), names, config);
    let stages = parallel::map(&thresholds, stage);
    joined(CoursePath::Threshold, stages, config.threshold)
}

/// Stages of one network joined to a course: lines are numbered as the modules of the stage
/// at `own`. Stages without modules are left out.
#[must_use]
pub fn joined(along: CoursePath, mut stages: Vec<Stage>, own: f64) -> Course {
    // Where no edge is left on a way through, there are no modules.
    stages.retain(|stage| !stage.partition.is_empty());
    let partitions = on_the_same_sites(&stages);
    let own = stages.iter().position(|stage| stage.at == own);
    let lines = lines(&partitions, own.unwrap_or(0));
    let turns = turns(&partitions, &lines);
    let turns = turns.into_iter().map(|(at, turn)| TurningPoint {
        at: stages[at].at,
        ..turn
    });
    let turns = turns.collect();
    for (stage, lines) in stages.iter_mut().zip(lines) {
        stage.lines = lines;
    }
    Course {
        along,
        stages,
        turns,
    }
}

/// The partitions of all stages, over the sites of any of them; modules keep their numbers.
fn on_the_same_sites(stages: &[Stage]) -> Vec<Communities> {
    let all = stages.iter().flat_map(|stage| &stage.partition);
    let mut sites: Vec<&str> = all.map(|assigned| assigned.site.as_str()).collect();
    sites.sort_unstable();
    sites.dedup();
    let partition = |stage: &Stage| {
        let modules = stage.partition.iter();
        let of: BTreeMap<&str, usize> = modules.map(|a| (a.site.as_str(), a.module)).collect();
        Communities {
            of: sites.iter().map(|site| of.get(site).copied()).collect(),
            count: of.values().max().map_or(0, |last| last + 1),
        }
    };
    stages.iter().map(partition).collect()
}

fn stage(at: f64, network: &Layered, names: &[String], config: &ModulesConfig) -> Stage {
    let network = &*living(network, config);
    let graph = network.adjacency();
    let found = detect(network, &graph, config, config.seed);
    Stage {
        at,
        edges: graph.edge_count(),
        modularity: modularity(&graph, &found, config.reported_resolution()),
        partition: assignments(&found, names),
        lines: Vec::new(),
    }
}

/// Thresholds that leave all edges, and ever fewer.
fn path(network: &Layered) -> Vec<f64> {
    let mut sizes: Vec<f64> = network.edges().map(|edge| edge.2.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let all = sizes.len() as f64;
    if all <= FEWEST {
        return Vec::new();
    }
    let left = |step: usize| all * (FEWEST / all).powf(step as f64 / (STAGES - 1) as f64);
    let threshold = |step| sizes[sizes.len() - (left(step).round() as usize).clamp(1, sizes.len())];
    (0..STAGES).map(threshold).collect()
}

/// By stage and module, its line.
fn lines(stages: &[Communities], own: usize) -> Vec<Vec<usize>> {
    let mut lines = vec![Vec::new(); stages.len()];
    let Some(first) = stages.get(own) else {
        return lines;
    };
    lines[own] = (0..first.count).collect();
    let mut next = first.count;
    for at in own + 1..stages.len() {
        lines[at] = followed(&stages[at - 1], &lines[at - 1], &stages[at], &mut next);
    }
    for at in (0..own).rev() {
        lines[at] = followed(&stages[at + 1], &lines[at + 1], &stages[at], &mut next);
    }
    lines
}

/// The lines of a stage's modules, given those of the stage beside it: one to one, so that
/// the sites that stay in their line are the most; a module that is no line's begins one.
fn followed(
    before: &Communities,
    lines: &[usize],
    after: &Communities,
    next: &mut usize,
) -> Vec<usize> {
    let shared = shared(after, before);
    // As many columns as rows at least: a column beyond the modules is no line.
    let wide = after.count.max(before.count);
    let score = Array2::from_shape_fn((after.count, wide), |at| {
        shared.get(at).copied().unwrap_or(0.0)
    });
    let best = assign(score.view());
    let line = |(module, old): (usize, &usize)| match lines.get(*old) {
        Some(line) if shared[[module, *old]] > 0.0 => *line,
        _ => {
            *next += 1;
            *next - 1
        }
    };
    best.iter().enumerate().map(line).collect()
}

/// Sites that a module of one partition shares with one of another.
fn shared(one: &Communities, other: &Communities) -> Array2<f64> {
    let mut shared = Array2::zeros((one.count, other.count));
    for (mine, theirs) in one.of.iter().zip(&other.of) {
        if let (Some(mine), Some(theirs)) = (mine, theirs) {
            shared[[*mine, *theirs]] += 1.0;
        }
    }
    shared
}

/// Where lines begin and end, with the stage from which that is so.
fn turns(stages: &[Communities], lines: &[Vec<usize>]) -> Vec<(usize, TurningPoint)> {
    let mut turns = Vec::new();
    for at in 1..stages.len() {
        let (before, after) = (&lines[at - 1], &lines[at]);
        let shared = shared(&stages[at - 1], &stages[at]);
        for (module, line) in only(after, before) {
            let from = most(shared.column(module).iter()).map(|old| before[old]);
            turns.push((at, turn(line, from, [Turn::Splits, Turn::Appears])));
        }
        for (module, line) in only(before, after) {
            let into = most(shared.row(module).iter()).map(|new| after[new]);
            turns.push((at, turn(line, into, [Turn::Merges, Turn::Disappears])));
        }
    }
    turns
}

/// Modules whose lines the others do not have, with these.
fn only<'l>(lines: &'l [usize], others: &'l [usize]) -> impl Iterator<Item = (usize, usize)> + 'l {
    let all = lines.iter().copied().enumerate();
    all.filter(|(_, line)| !others.contains(line))
}

/// What becomes of a line, with and without another that shares its sites.
fn turn(line: usize, other: Option<usize>, [shared, alone]: [Turn; 2]) -> TurningPoint {
    TurningPoint {
        at: 0.0,
        line,
        turn: if other.is_some() { shared } else { alone },
        other,
    }
}

/// Where the largest of these is, the first of equals; `None` where all are 0.
fn most<'s>(shared: impl Iterator<Item = &'s f64>) -> Option<usize> {
    let best = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    let (at, most) = shared.copied().enumerate().reduce(best)?;
    (most > 0.0).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn partition(labels: [i32; 6]) -> Communities {
        let label = |label: i32| usize::try_from(label).ok();
        Communities::from_labels(&labels.map(label))
    }

    /// One module of six falls in two; one of these goes, and two sites come back as a module.
    #[test]
    fn lines_split_end_and_begin() {
        let stages = [
            partition([0, 0, 0, 0, 0, 0]),
            partition([0, 0, 0, 0, 1, 1]),
            partition([0, 0, 0, 0, -1, -1]),
            partition([0, 0, 1, 1, 2, 2]),
        ];
        let lines = lines(&stages, 1);
        assert_eq!(lines, [vec![0], vec![0, 1], vec![0], vec![0, 2, 3]]);
        let told: Vec<(usize, usize, Turn, Option<usize>)> = turns(&stages, &lines)
            .into_iter()
            .map(|(at, turn)| (at, turn.line, turn.turn, turn.other))
            .collect();
        assert_eq!(
            told,
            [
                (1, 1, Turn::Splits, Some(0)),
                (2, 1, Turn::Disappears, None),
                (3, 2, Turn::Splits, Some(0)),
                (3, 3, Turn::Appears, None),
            ]
        );
    }

    #[test]
    fn a_line_that_merges_says_into_which() {
        let stages = [partition([0, 0, 0, 0, 1, 1]), partition([0, 0, 0, 0, 0, 0])];
        let lines = lines(&stages, 1);
        assert_eq!(lines, [vec![0, 1], vec![0]]);
        let turns = turns(&stages, &lines);
        assert_eq!(
            (turns[0].1.line, turns[0].1.turn, turns[0].1.other),
            (1, Turn::Merges, Some(0))
        );
    }

    /// Three wires, joined by weak weights.
    #[test]
    fn the_path_goes_from_all_edges_to_few_by_the_threshold_in_use() {
        let weights = vec![
            array![[1.0, 0.1, 0.0], [0.02, 1.1, 0.03], [0.01, 0.04, 1.2]],
            array![[2.0, 0.05, 0.0], [0.0, 2.1, 0.0], [0.0, 0.06, 2.2]],
        ];
        let network = Layered::new(weights);
        let names: Vec<String> = (0..9).map(|node| format!("s{node}")).collect();
        let config = ModulesConfig {
            threshold: 0.5,
            ..ModulesConfig::default()
        };
        let course = along_threshold(&network, &names, &config);
        let edges: Vec<usize> = course.stages.iter().map(|stage| stage.edges).collect();
        assert!(edges.is_sorted_by(|a, b| a >= b), "{edges:?}");
        // Of the last four edges two are on a way from an input to an output.
        assert_eq!((edges[0], *edges.last().unwrap()), (13, 2));
        let own = course.stages.iter().find(|stage| stage.at == 0.5).unwrap();
        assert_eq!((own.edges, own.lines.as_slice()), (6, [0, 1, 2].as_slice()));
    }
}
