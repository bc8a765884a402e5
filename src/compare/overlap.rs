//! Which parts circuits share, after matching the neurons of two networks.
//!
//! Neurons have no names that two networks share: they are matched one to one
//! ([`super::matching`]). Inputs and outputs are what they stand for.

use std::collections::{BTreeMap, BTreeSet};

use ndarray::{Array2, Axis};

use super::matching::{self, Matching};
use super::numbers::jaccard;
use super::points::mean;
use super::{Config, Entry, Part};
use crate::Result;
use crate::data::Dataset;
use crate::model::{Architecture, Batch, Loaded, Mlp, Network};
use crate::numeric::{Rng, Scalar, parallel};
use crate::prune::apply;
use crate::result::{GroupOverlap, Overlap, OverlapPair, UniversalShare};

/// From this likeness on, two neurons are called the same.
const UNIVERSAL: f64 = 0.9;

/// Random matchings that give the chance level.
const RANDOM: usize = 20;

/// An edge by layer, writer and reader.
type Edge = (usize, usize, usize);

/// What one network brings to the comparison of parts.
struct Signals {
    name: String,
    group: String,
    seed: Option<u64>,
    /// Per hidden layer, activations with mean 0 and length 1, `[width, samples]`;
    /// rows of zeros where a neuron is dead.
    layers: Vec<Array2<f64>>,
    /// Of each layer the surviving weights `[readers, writers]`, inputs and outputs by
    /// what they stand for.
    weights: Vec<Array2<f64>>,
    /// The circuit of every target, inputs and outputs by what they stand for.
    circuits: BTreeMap<String, BTreeSet<Edge>>,
}

/// Two networks, matched.
struct Matched {
    pair: OverlapPair,
    /// Hidden neurons of either network with a match of at least [`UNIVERSAL`].
    same: [BTreeSet<(usize, usize)>; 2],
}

/// The overlap within regimes, and between regimes for networks of one seed;
/// `None` for a single network.
pub fn overlap(
    entries: &[Entry],
    parts: &[Part],
    data: &Dataset,
    config: &Config,
) -> Result<Option<Overlap>> {
    if entries.len() < 2 {
        return Ok(None);
    }
    let signals: Result<Vec<Signals>> = entries
        .iter()
        .zip(parts)
        .map(|(entry, part)| signals(entry, part, data, config))
        .collect();
    let signals = signals?;
    let wanted: Vec<(usize, usize)> = (0..signals.len())
        .flat_map(|b| (0..b).map(move |a| (a, b)))
        .filter(|(a, b)| {
            let (a, b) = (&signals[*a], &signals[*b]);
            a.group == b.group || (a.seed.is_some() && a.seed == b.seed)
        })
        .collect();
    let matched: Vec<((usize, usize), Matched)> = parallel::map(wanted, |(a, b)| {
        let seed = config.audit.seed;
        let matched = matched(&signals[a], &signals[b], config.matching, seed);
        ((a, b), matched)
    });
    let mut names: Vec<String> = signals.iter().map(|s| s.group.clone()).collect();
    names.sort();
    names.dedup();
    Ok(Some(Overlap {
        matching: config.matching.words().to_owned(),
        likeness: config.matching.likeness().to_owned(),
        universal_from: UNIVERSAL,
        groups: names
            .into_iter()
            .map(|name| group(name, &signals, &matched))
            .collect(),
        pairs: matched.into_iter().map(|(_, m)| m.pair).collect(),
    }))
}

fn signals(entry: &Entry, part: &Part, data: &Dataset, config: &Config) -> Result<Signals> {
    let loaded = Loaded::from_checkpoint(&entry.checkpoint, config.audit.model.clone())?;
    let threshold = part.network.values.get("pruning_threshold").copied();
    let threshold = threshold.flatten().unwrap_or(0.0);
    let data = Dataset {
        outputs: None,
        ..data.clone()
    };
    Ok(match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => of_model(entry, part, model, &data, threshold)?,
        Network::F64(Architecture::Mlp(model)) => of_model(entry, part, model, &data, threshold)?,
        _ => {
            return Err(crate::ErrorKind::TransformerNotYet.at(&entry.checkpoint.path));
        }
    })
}

fn of_model<T: Scalar>(
    entry: &Entry,
    part: &Part,
    model: &Mlp<T>,
    data: &Dataset,
    threshold: f64,
) -> Result<Signals> {
    let pruned = apply(model, threshold, false);
    let batch = Batch::new(model, data)?;
    let trace = pruned.forward(batch.inputs);
    let hidden = 1..trace.values.len().saturating_sub(1);
    let layers = hidden.map(|layer| {
        let mut values = trace.values[layer].mapv(T::widen);
        for (neuron, mut row) in values.axis_iter_mut(Axis(0)).enumerate() {
            let read = pruned.layers[layer].weight.column(neuron);
            let centre = row.mean().unwrap_or(0.0);
            row.mapv_inplace(|x| x - centre);
            let length = row.dot(&row).sqrt();
            let is_dead =
                read.iter().all(|w| w.is_zero()) || length <= 1e-6 * centre.abs().max(1e-6);
            row.mapv_inplace(|x| if is_dead { 0.0 } else { x / length });
        }
        values
    });
    let depth = model.layers.len();
    let fold = model.in_perm.len();
    let standing = |(layer, from, to): Edge| {
        let from = if layer == 0 {
            from / fold * fold + model.in_perm[from % fold]
        } else {
            from
        };
        let to = if layer + 1 == depth {
            model.out_perm[to]
        } else {
            to
        };
        (layer, from, to)
    };
    let sites = model.sites();
    let circuits = part.network.circuits.iter().map(|circuit| {
        let edges = circuit.edges.iter().map(|number| {
            let edge = sites.edge_at(*number);
            standing((edge.layer, edge.from, edge.to))
        });
        (circuit.output_name.clone(), edges.collect())
    });
    Ok(Signals {
        name: entry.name.clone(),
        group: entry.group.clone(),
        seed: entry.seed,
        layers: layers.collect(),
        weights: weights(&pruned),
        circuits: circuits.collect(),
    })
}

/// The weights of every layer, inputs and outputs by what they stand for.
fn weights<T: Scalar>(model: &Mlp<T>) -> Vec<Array2<f64>> {
    let fold = model.in_perm.len();
    let mut all: Vec<Array2<f64>> = model
        .layers
        .iter()
        .map(|layer| layer.weight.mapv(T::widen))
        .collect();
    if let Some(first) = all.first_mut() {
        let read = first.clone();
        for (position, column) in read.columns().into_iter().enumerate() {
            let feature = position / fold * fold + model.in_perm[position % fold];
            first.column_mut(feature).assign(&column);
        }
    }
    if let Some(last) = all.last_mut() {
        let written = last.clone();
        for (row, target) in written.rows().into_iter().zip(&model.out_perm) {
            last.row_mut(*target).assign(&row);
        }
    }
    all
}

/// Matches the neurons of two networks and compares their circuits.
fn matched(one: &Signals, other: &Signals, by: Matching, seed: u64) -> Matched {
    let matching::Matched { to, likeness } = match by {
        Matching::Activations => matching::by_activations(&one.layers, &other.layers),
        Matching::Weights => matching::by_weights(&one.weights, &other.weights),
    };
    let mut same = [BTreeSet::new(), BTreeSet::new()];
    let mut of_live = Vec::new();
    let mut live: Vec<Vec<usize>> = Vec::new();
    for (layer, (a, b)) in one.layers.iter().zip(&other.layers).enumerate() {
        for (neuron, (partner, alike)) in to[layer].iter().zip(&likeness[layer]).enumerate() {
            if is_live(a, neuron) || is_live(b, *partner) {
                of_live.push(Some(*alike));
            }
            if *alike >= UNIVERSAL {
                same[0].insert((layer + 1, neuron));
                same[1].insert((layer + 1, *partner));
            }
        }
        live.push((0..a.nrows()).filter(|n| is_live(a, *n)).collect());
    }
    let (edges, nodes) = shared(one, other, &to);
    let mut rng = Rng::new(seed, 31);
    let by_chance: Vec<(Option<f64>, Option<f64>)> = (0..RANDOM)
        .map(|_| shared(one, other, &at_random(&to, &live, &mut rng)))
        .collect();
    Matched {
        pair: OverlapPair {
            one: one.name.clone(),
            other: other.name.clone(),
            correlation: mean(of_live),
            edges,
            nodes,
            edges_by_chance: mean(by_chance.iter().map(|(edges, _)| *edges)),
            nodes_by_chance: mean(by_chance.iter().map(|(_, nodes)| *nodes)),
        },
        same,
    }
}

fn is_live(layer: &Array2<f64>, neuron: usize) -> bool {
    layer.row(neuron).iter().any(|x| *x != 0.0)
}

/// A matching with its live neurons dealt out anew.
fn at_random(to: &[Vec<usize>], live: &[Vec<usize>], rng: &mut Rng) -> Vec<Vec<usize>> {
    let mut dealt = to.to_vec();
    for (columns, live) in dealt.iter_mut().zip(live) {
        let mut partners: Vec<usize> = live.iter().map(|n| columns[*n]).collect();
        rng.shuffle(&mut partners);
        for (neuron, partner) in live.iter().zip(partners) {
            columns[*neuron] = partner;
        }
    }
    dealt
}

/// Edge and hidden-node Jaccard indices of the circuits of the same targets.
fn shared(one: &Signals, other: &Signals, to: &[Vec<usize>]) -> (Option<f64>, Option<f64>) {
    let depth = to.len() + 1;
    let there = |layer: usize, position: usize| match layer {
        0 => position,
        layer if layer == depth => position,
        layer => to[layer - 1][position],
    };
    let nodes = |edges: &BTreeSet<Edge>| -> BTreeSet<(usize, usize)> {
        let ends = edges
            .iter()
            .flat_map(|(l, from, to)| [(*l, *from), (l + 1, *to)]);
        ends.filter(|(layer, _)| *layer > 0 && *layer < depth)
            .collect()
    };
    let both: Vec<(Option<f64>, Option<f64>)> = one
        .circuits
        .iter()
        .filter_map(|(target, mine)| {
            let theirs = other.circuits.get(target)?;
            let mine: BTreeSet<Edge> = mine
                .iter()
                .map(|(l, from, to)| (*l, there(*l, *from), there(l + 1, *to)))
                .collect();
            Some((
                jaccard(&mine, theirs),
                jaccard(&nodes(&mine), &nodes(theirs)),
            ))
        })
        .collect();
    (
        mean(both.iter().map(|(edges, _)| *edges)),
        mean(both.iter().map(|(_, nodes)| *nodes)),
    )
}

/// A regime among itself.
fn group(name: String, signals: &[Signals], matched: &[((usize, usize), Matched)]) -> GroupOverlap {
    let inside: Vec<&((usize, usize), Matched)> = matched
        .iter()
        .filter(|((a, b), _)| signals[*a].group == name && signals[*b].group == name)
        .collect();
    let of = |f: fn(&OverlapPair) -> Option<f64>| mean(inside.iter().map(|(_, m)| f(&m.pair)));
    let members = signals.iter().enumerate().filter(|(_, s)| s.group == name);
    let universal = |(number, signals): (usize, &Signals)| {
        let mut all = live(signals);
        let count = all.len();
        for ((a, b), m) in inside.iter().copied() {
            if *a == number {
                all.retain(|n| m.same[0].contains(n));
            }
            if *b == number {
                all.retain(|n| m.same[1].contains(n));
            }
        }
        UniversalShare {
            network: signals.name.clone(),
            live: count,
            universal: all.iter().map(|(l, n)| format!("h{l}.{n}")).collect(),
        }
    };
    GroupOverlap {
        pairs: inside.len(),
        correlation: of(|p| p.correlation),
        edges: of(|p| p.edges),
        edges_by_chance: of(|p| p.edges_by_chance),
        nodes: of(|p| p.nodes),
        nodes_by_chance: of(|p| p.nodes_by_chance),
        universal: if inside.is_empty() {
            Vec::new()
        } else {
            members.map(universal).collect()
        },
        group: name,
    }
}

/// The hidden neurons that vary and are read.
fn live(signals: &Signals) -> BTreeSet<(usize, usize)> {
    let layers = signals.layers.iter().enumerate();
    layers
        .flat_map(|(l, values)| {
            let live = (0..values.nrows()).filter(move |n| is_live(values, *n));
            live.map(move |n| (l + 1, n))
        })
        .collect()
}
