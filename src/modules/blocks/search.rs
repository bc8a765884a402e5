//! The search for the groups with the shortest description.
//!
//! From many groups to few: nodes move, first by chance (heat bath at the temperature of
//! the posterior), then downhill; then the groups whose merging costs least are merged, and
//! so on down to one. The shortest description on the way is polished by splits and merges.
//! Source of the way: Peixoto (2014), arXiv 1310.4378; of the splits: Peixoto (2020),
//! arXiv 2003.07070, here downhill only.

use super::grouping::Grouping;
use crate::numeric::Rng;

/// A node, or a group to be merged, is tried in all groups where they are this few …
const FEW: usize = 10;

/// … else in as many that its neighbours lead to.
const TRIED: usize = 6;

/// Groups are merged until this share is left, …
const SHRINK: f64 = 0.7;

/// … or one by one from here on.
const SLOW: usize = 6;

/// Sweeps downhill between merges, at most.
const SWEEPS: usize = 8;

/// Rounds of splits and merges, at most.
const ROUNDS: usize = 12;

/// Temperatures that the best groups are cooled through again, as multiples of that of the
/// posterior; two sweeps at each.
const COOLING: [f64; 9] = [0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05];

/// Coolings that find nothing shorter, after which they end.
const PATIENCE: usize = 3;

/// Changes smaller than this are rounding.
const LEAST: f64 = 1e-7;

/// Groups and the length of the description by them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    pub(super) length: f64,
    pub(super) labels: Vec<u32>,
    /// The groups after each merging on the way, from many to few.
    pub(super) path: Vec<Vec<u32>>,
}

/// The best of a walk from the groups of `grouping` to as few as there can be.
pub(super) fn search<G: Grouping>(mut grouping: G, rng: &mut Rng) -> Found {
    let nodes: Vec<u32> = (0..grouping.wiring().len() as u32).collect();
    let kinds = grouping.labels().kinds();
    let mut length = grouping.length();
    let mut best = (f64::INFINITY, Vec::new());
    let mut path = Vec::new();
    loop {
        length += settle(&mut grouping, &nodes, rng);
        path.push(grouping.labels().of.clone());
        if length < best.0 - LEAST {
            best = (length, grouping.labels().of.clone());
        }
        let count = grouping.labels().count();
        if count <= kinds {
            break;
        }
        let target = match count - kinds {
            extra if extra <= SLOW => count - 1,
            _ => (count as f64 * SHRINK) as usize,
        };
        length += merge_to(&mut grouping, target.max(kinds), rng);
    }
    restore(&mut grouping, &nodes, &best.1);
    polish(&mut grouping, &nodes, rng);
    Found {
        length: grouping.length(),
        labels: grouping.labels().of.clone(),
        path,
    }
}

/// Heats the best groups of all searches and cools them slowly, as long as that finds shorter
/// descriptions: what no single move, split or merge leads to downhill.
pub(super) fn cool<G: Grouping>(grouping: &mut G, rng: &mut Rng) -> f64 {
    let nodes: Vec<u32> = (0..grouping.wiring().len() as u32).collect();
    let mut best = (grouping.length(), grouping.clone());
    let mut idle = 0;
    while idle < PATIENCE {
        for heat in COOLING.iter().flat_map(|heat| [heat, heat]) {
            sweep(grouping, &nodes, Some(*heat), rng);
        }
        settle_down(grouping, &nodes, rng);
        polish(grouping, &nodes, rng);
        let length = grouping.length();
        idle += 1;
        if length < best.0 - LEAST {
            best = (length, grouping.clone());
            idle = 0;
        }
    }
    *grouping = best.1;
    best.0
}

/// Moves nodes downhill, then splits and merges groups: what was found under one description,
/// taken up under another. Tells the length.
pub(super) fn settle_from<G: Grouping>(grouping: &mut G, rng: &mut Rng) -> f64 {
    let nodes: Vec<u32> = (0..grouping.wiring().len() as u32).collect();
    settle_down(grouping, &nodes, rng);
    polish(grouping, &nodes, rng);
    grouping.length()
}

/// Moves nodes by chance once, then downhill until few move.
fn settle<G: Grouping>(grouping: &mut G, nodes: &[u32], rng: &mut Rng) -> f64 {
    sweep(grouping, nodes, Some(1.0), rng) + settle_down(grouping, nodes, rng)
}

/// Moves nodes downhill until few move.
fn settle_down<G: Grouping>(grouping: &mut G, nodes: &[u32], rng: &mut Rng) -> f64 {
    let mut change = 0.0;
    for _ in 0..SWEEPS {
        let gained = sweep(grouping, nodes, None, rng);
        change += gained;
        if gained > -LEAST {
            break;
        }
    }
    change
}

/// Moves every node once, in random order, by chance at a heat or else downhill, and tells
/// what that changed.
fn sweep<G: Grouping>(grouping: &mut G, nodes: &[u32], heat: Option<f64>, rng: &mut Rng) -> f64 {
    let mut order = nodes.to_vec();
    rng.shuffle(&mut order);
    let mut change = 0.0;
    for node in order {
        let open = candidates(grouping, node, rng);
        if open.len() < 2 {
            continue;
        }
        let changes = grouping.changes(node, &open);
        let chosen = match heat {
            Some(heat) => by_heat(&changes.iter().map(|c| c / heat).collect::<Vec<_>>(), rng),
            None => lowest(&changes),
        };
        if open[chosen] != grouping.labels().of[node as usize]
            && (heat.is_some() || changes[chosen] < -LEAST)
        {
            grouping.put(node, open[chosen]);
            change += changes[chosen];
        }
    }
    change
}

/// The group of a node and those that it may move to.
fn candidates<G: Grouping>(grouping: &G, node: u32, rng: &mut Rng) -> Vec<u32> {
    let labels = grouping.labels();
    let used = labels.used(labels.kind(node));
    if used.len() <= FEW {
        return used.to_vec();
    }
    let mut open = vec![labels.of[node as usize], used[rng.below(used.len())]];
    open.extend((0..TRIED).map(|_| led_to(grouping, node, rng)));
    open.sort_unstable();
    open.dedup();
    open
}

/// A group that a neighbour, or a neighbour's neighbour, of a node is in.
fn led_to<G: Grouping>(grouping: &G, node: u32, rng: &mut Rng) -> u32 {
    let (wiring, labels) = (grouping.wiring(), grouping.labels());
    let kind = labels.kind(node);
    let mut at = node;
    for step in 0..6 {
        let near = wiring.at(at);
        at = near[rng.below(near.len())].node;
        let is_open = labels.kind(at) == kind && at != node;
        if is_open && (step > 0 || rng.below(2) == 0) {
            break;
        }
    }
    match labels.kind(at) == kind {
        true => labels.of[at as usize],
        false => labels.of[node as usize],
    }
}

fn lowest(changes: &[f64]) -> usize {
    let each = changes.iter().enumerate();
    each.min_by(|a, b| a.1.total_cmp(b.1))
        .map_or(0, |(at, _)| at)
}

/// One of the changes, with a probability that falls as exp(−change).
pub(super) fn by_heat(changes: &[f64], rng: &mut Rng) -> usize {
    let least = changes.iter().copied().fold(f64::INFINITY, f64::min);
    let chances: Vec<f64> = changes
        .iter()
        .map(|change| (least - change).exp())
        .collect();
    let mut left = rng.uniform() * chances.iter().sum::<f64>();
    for (at, chance) in chances.iter().enumerate() {
        left -= chance;
        if left < 0.0 {
            return at;
        }
    }
    changes.len() - 1
}

/// The nodes of every group.
fn members<G: Grouping>(grouping: &G) -> Vec<Vec<u32>> {
    let labels = grouping.labels();
    let mut members = vec![Vec::new(); labels.slots()];
    for (node, label) in labels.of.iter().enumerate() {
        members[*label as usize].push(node as u32);
    }
    members
}

/// Merges groups, those first whose merging costs least, until `target` are left.
fn merge_to<G: Grouping>(grouping: &mut G, target: usize, rng: &mut Rng) -> f64 {
    let mut change = 0.0;
    while grouping.labels().count() > target {
        let members = members(grouping);
        let merges = cheapest(grouping, &members, rng);
        let mut touched = vec![false; members.len()];
        for (_, group, to) in merges {
            let is_touched = touched[group as usize] || touched[to as usize];
            if is_touched || grouping.labels().count() <= target {
                continue;
            }
            (touched[group as usize], touched[to as usize]) = (true, true);
            change += move_all(grouping, &members[group as usize], to);
        }
    }
    change
}

/// For every group what merging it costs least, and with which; the least first.
fn cheapest<G: Grouping>(
    grouping: &mut G,
    members: &[Vec<u32>],
    rng: &mut Rng,
) -> Vec<(f64, u32, u32)> {
    let mut merges: Vec<(f64, u32, u32)> = Vec::new();
    for (group, nodes) in members.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
        let tried = partners(grouping, group as u32, nodes, rng);
        let costs = tried
            .iter()
            .map(|to| (merging(grouping, nodes, *to), group as u32, *to));
        merges.extend(costs.min_by(|a, b| a.0.total_cmp(&b.0)));
    }
    merges.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    merges
}

/// The groups that one may be merged with.
fn partners<G: Grouping>(grouping: &G, group: u32, nodes: &[u32], rng: &mut Rng) -> Vec<u32> {
    let labels = grouping.labels();
    let used = labels.used(labels.kind(nodes[0]));
    let mut tried = used.to_vec();
    if used.len() > FEW {
        tried = vec![used[rng.below(used.len())]];
        tried.extend((0..TRIED).map(|_| led_to(grouping, nodes[rng.below(nodes.len())], rng)));
    }
    tried.retain(|to| *to != group);
    tried.sort_unstable();
    tried.dedup();
    tried
}

/// What merging a group into another would change.
fn merging<G: Grouping>(grouping: &mut G, nodes: &[u32], to: u32) -> f64 {
    let from = grouping.labels().of[nodes[0] as usize];
    let change = move_all(grouping, nodes, to);
    nodes.iter().for_each(|node| grouping.put(*node, from));
    change
}

/// Moves nodes to a group, and tells what that changed.
fn move_all<G: Grouping>(grouping: &mut G, nodes: &[u32], to: u32) -> f64 {
    let mut change = 0.0;
    for node in nodes {
        change += grouping.changes(*node, &[to])[0];
        grouping.put(*node, to);
    }
    change
}

fn restore<G: Grouping>(grouping: &mut G, nodes: &[u32], labels: &[u32]) {
    for (node, label) in nodes.iter().zip(labels) {
        if grouping.labels().of[*node as usize] != *label {
            grouping.put(*node, *label);
        }
    }
}

/// Splits and merges groups as long as that shortens the description.
fn polish<G: Grouping>(grouping: &mut G, nodes: &[u32], rng: &mut Rng) {
    for _ in 0..ROUNDS {
        let mut gained = 0.0;
        for group in 0..grouping.labels().slots() as u32 {
            gained += split(grouping, group, rng);
        }
        gained += merge(grouping, nodes, rng);
        gained += settle_down(grouping, nodes, rng);
        if gained > -LEAST {
            break;
        }
    }
}

/// Splits a group in two where that helps.
fn split<G: Grouping>(grouping: &mut G, group: u32, rng: &mut Rng) -> f64 {
    let labels = grouping.labels();
    let of = labels.of.iter().enumerate();
    let nodes = of.filter(|(_, label)| **label == group);
    let mut nodes: Vec<u32> = nodes.map(|(node, _)| node as u32).collect();
    if nodes.len() < 2 {
        return 0.0;
    }
    let Some(spare) = labels.spare(labels.kind(nodes[0])) else {
        return 0.0;
    };
    rng.shuffle(&mut nodes);
    let half = nodes[..nodes.len() / 2].to_vec();
    let mut change = move_all(grouping, &half, spare);
    for _ in 0..SWEEPS {
        let mut moved = 0.0;
        for node in &nodes {
            let here = grouping.labels().of[*node as usize];
            let there = if here == group { spare } else { group };
            let gain = grouping.changes(*node, &[there])[0];
            if gain < -LEAST {
                grouping.put(*node, there);
                moved += gain;
            }
        }
        change += moved;
        if moved > -LEAST {
            break;
        }
    }
    if change < -LEAST {
        return change;
    }
    for node in nodes {
        if grouping.labels().of[node as usize] != group {
            grouping.put(node, group);
        }
    }
    0.0
}

/// Merges groups where that helps once nodes have moved downhill: the [`FEW`] merges that cost
/// least are tried.
fn merge<G: Grouping>(grouping: &mut G, nodes: &[u32], rng: &mut Rng) -> f64 {
    let members = members(grouping);
    let merges = cheapest(grouping, &members, rng);
    for (_, group, to) in merges.into_iter().take(FEW) {
        let before = grouping.clone();
        let change = move_all(grouping, &members[group as usize], to);
        let change = change + settle_down(grouping, nodes, rng);
        if change < -LEAST {
            return change;
        }
        *grouping = before;
    }
    0.0
}
