//! Analyses of one network taken apart at several granularities, beside each other.
//!
//! Edges of weights and of components are not the same things, but each leads out of a site,
//! and channels lie in components: two analyses are held together by the sites that an edge
//! of theirs leads out of, as the coarser of the two tells them apart. Channels of the
//! residual stream lie in no component, but those that the input writes.

use std::collections::{BTreeMap, BTreeSet};

use super::analyses::ByCut;
use crate::choice::Granularity;
use crate::patch::EdgeSet;

/// The analyses of one answer at a granularity.
pub struct At<'a> {
    /// How fine; `None` as a network is taken apart unasked.
    pub granularity: Option<Granularity>,
    /// Writer and reader of every edge.
    pub edges: &'a [(String, String)],
    /// Its analyses.
    pub by_cut: &'a ByCut,
}

/// The sites of an analysis.
type Sites = BTreeSet<String>;

/// Mean over cuts, over pairs of granularities and over analyses that are alike in all else
/// of the Jaccard index of their sites; `None` where there are none to hold together.
pub fn shared(all: &[At<'_>]) -> Option<f64> {
    let pairs = (0..all.len()).flat_map(|a| (a + 1..all.len()).map(move |b| (a, b)));
    let shared: Vec<f64> = pairs
        .flat_map(|(a, b)| of_pair(&all[a], &all[b], all))
        .collect();
    (!shared.is_empty()).then(|| shared.iter().sum::<f64>() / shared.len() as f64)
}

/// What the analyses of two granularities share.
fn of_pair(one: &At<'_>, other: &At<'_>, all: &[At<'_>]) -> Vec<f64> {
    let is_coarse = |at: &At<'_>| at.granularity == Some(Granularity::Component);
    let coarse = (is_coarse(one) || is_coarse(other)).then(|| Components::of(all));
    let [left, right] = [one, other].map(|at| sites_by_edge(at.edges, coarse.as_ref()));
    let mut shared = Vec::new();
    for (ones, others) in one.by_cut.iter().zip(other.by_cut) {
        let others = others.iter().map(|of| (of.at.as_slice(), &of.edges));
        let others: BTreeMap<&[usize], &EdgeSet> = others.collect();
        for analysis in ones {
            let Some(edges) = others.get(analysis.at.as_slice()) else {
                continue;
            };
            let (left, right) = (sites(&analysis.edges, &left), sites(edges, &right));
            let either = left.union(&right).count();
            if either > 0 {
                shared.push(left.intersection(&right).count() as f64 / either as f64);
            }
        }
    }
    shared
}

fn sites(edges: &EdgeSet, by_edge: &[Vec<String>]) -> Sites {
    edges
        .ones()
        .flat_map(|edge| by_edge[edge].iter().cloned())
        .collect()
}

/// Per edge, the sites it leads out of.
fn sites_by_edge(edges: &[(String, String)], coarse: Option<&Components>) -> Vec<Vec<String>> {
    let of = |(from, _): &(String, String)| match coarse {
        Some(components) => components.holding(from),
        None => vec![from.clone()],
    };
    edges.iter().map(of).collect()
}

/// How many heads a transformer's blocks have, and how many channels of each kind.
struct Components {
    heads: BTreeMap<usize, usize>,
    /// By block and letter.
    channels: BTreeMap<(usize, char), usize>,
}

/// A channel of a block: `b2.q31` is (2, 'q', 31).
fn channel(site: &str) -> Option<(usize, char, usize)> {
    let (block, rest) = site.strip_prefix('b')?.split_once('.')?;
    let letter = rest.chars().next()?;
    Some((block.parse().ok()?, letter, rest[1..].parse().ok()?))
}

/// The block and number of a head: `a2.h3` is (2, 3).
fn head(site: &str) -> Option<(usize, usize)> {
    let (block, head) = site.strip_prefix('a')?.split_once(".h")?;
    Some((block.parse().ok()?, head.parse().ok()?))
}

impl Components {
    /// As the names of all edges tell.
    fn of(all: &[At<'_>]) -> Self {
        let mut found = Self {
            heads: BTreeMap::new(),
            channels: BTreeMap::new(),
        };
        let edges = all.iter().flat_map(|at| at.edges);
        for site in edges.flat_map(|(from, to)| [from, to]) {
            if let Some((block, number)) = head(site.split('<').next().unwrap_or(site)) {
                let heads = found.heads.entry(block).or_default();
                *heads = number.saturating_add(1).max(*heads);
            }
            if let Some((block, letter, number)) = channel(site) {
                let channels = found.channels.entry((block, letter)).or_default();
                *channels = number.saturating_add(1).max(*channels);
            }
        }
        found
    }

    /// The components that a site lies in, or is: of a key or value that several heads read,
    /// all of these.
    fn holding(&self, site: &str) -> Vec<String> {
        if let Some((block, letter, number)) = channel(site) {
            return match letter {
                'g' | 'h' | 'm' => vec![format!("m{block}")],
                'q' | 'k' | 'v' | 'o' => self.heads_of(block, letter, number),
                _ => Vec::new(),
            };
        }
        match site.strip_prefix('r') {
            Some(stream) if stream.starts_with("0.") => vec!["input".to_owned()],
            Some(_) => Vec::new(),
            None => vec![site.to_owned()],
        }
    }

    /// Queries and what heads gather are as many as heads; keys and values may be fewer, each
    /// for as many heads next to each other.
    fn heads_of(&self, block: usize, letter: char, number: usize) -> Vec<String> {
        let heads = self.heads.get(&block).copied().unwrap_or(0);
        let channels = self.channels.get(&(block, letter)).copied().unwrap_or(0);
        let all = |letter| self.channels.get(&(block, letter)).copied();
        let each = all('q').or(all('o')).unwrap_or(channels) / heads.max(1);
        let held = channels / each.max(1);
        if heads == 0 || held == 0 {
            return Vec::new();
        }
        let together = heads / held.min(heads);
        let first = number / each.max(1) * together;
        (first..first + together)
            .map(|head| format!("a{block}.h{head}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::multiverse::Analysis;

    fn edges(names: &[&str]) -> Vec<(String, String)> {
        names
            .iter()
            .map(|from| ((*from).to_owned(), "y".to_owned()))
            .collect()
    }

    fn by_cut(edges: &[usize]) -> ByCut {
        vec![vec![Analysis {
            at: vec![0],
            edges: edges.iter().copied().collect(),
        }]]
    }

    /// Four heads of two channels, of which two each read one group of keys.
    #[test]
    fn channels_lie_in_heads_and_mlps() {
        let coarse = edges(&["a0.h3", "m0"]);
        let fine = edges(&["b0.q7", "b0.k3", "r1.0"]);
        let none = by_cut(&[]);
        let at = |edges| At {
            granularity: None,
            edges,
            by_cut: &none,
        };
        let components = Components::of(&[at(&coarse), at(&fine)]);
        assert_eq!(components.holding("b0.q5"), ["a0.h2"]);
        assert_eq!(components.holding("b0.k1"), ["a0.h0", "a0.h1"]);
        assert_eq!(components.holding("b0.h100"), ["m0"]);
        assert_eq!(components.holding("a0.h1"), ["a0.h1"]);
        assert_eq!(components.holding("r0.4"), ["input"]);
        assert!(components.holding("r1.4").is_empty());
    }

    /// By components, the MLP is in both, and one head in one of them: a half.
    #[test]
    fn granularities_share_the_components_that_write() {
        let (coarse, fine) = (
            edges(&["a0.h0", "m0", "m0"]),
            edges(&["b0.h1", "b0.h2", "b0.q0"]),
        );
        let (left, right) = (by_cut(&[0, 1, 2]), by_cut(&[0, 1]));
        let one = At {
            granularity: Some(Granularity::Component),
            edges: &coarse,
            by_cut: &left,
        };
        let other = At {
            granularity: Some(Granularity::Neuron),
            edges: &fine,
            by_cut: &right,
        };
        assert_eq!(shared(&[one, other]), Some(0.5));
        // Weights and neurons by the sites as they are called.
        let one = At {
            granularity: Some(Granularity::Weight),
            edges: &fine,
            by_cut: &left,
        };
        let other = At {
            granularity: Some(Granularity::Neuron),
            edges: &fine,
            by_cut: &right,
        };
        assert_eq!(shared(&[one, other]), Some(2.0 / 3.0));
    }
}
