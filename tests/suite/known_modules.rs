//! The modules of trained networks whose structure is known, where the reference checkpoints are there.

#![allow(clippy::unwrap_used, clippy::panic)] // A broken reference file should fail loudly.

use modscope::graph::Layered;
use modscope::modules::{Change, ModulesConfig, find, independence};
use modscope::result::{Assignment, Component, Independence, Modules};
use ndarray::Array2;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeSet;
use std::path::Path;

/// A BIMT network's weights, its permutations and names such as `x0`, `h1.4`, `y1`.
struct Reference {
    network: Layered,
    names: Vec<String>,
    in_perm: Vec<usize>,
    out_perm: Vec<usize>,
}

impl Reference {
    /// `None`, with a word on standard error, where the checkpoints are not there.
    fn open(run: &str) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let path = root
            .join("../shared/checkpoints")
            .join(run)
            .join("model.safetensors");
        let Ok(bytes) = std::fs::read(&path) else {
            eprintln!("skipped: {} is not there", path.display());
            return None;
        };
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let weights = (0..).map_while(|layer| {
            let name = format!("linears.{layer}.linear.weight");
            tensors.tensor(&name).ok().map(|tensor| matrix(&tensor))
        });
        let network = Layered::new(weights.collect());
        let permutation = |name| {
            let values = numbers(&tensors.tensor(name).unwrap());
            values.iter().map(|value| *value as usize).collect()
        };
        let (in_perm, out_perm) = (permutation("in_perm"), permutation("out_perm"));
        Some(Self {
            names: names(&network),
            network,
            in_perm,
            out_perm,
        })
    }

    fn modules(&self, threshold: f64) -> Modules {
        find(
            &self.network,
            &self.names,
            &ModulesConfig {
                threshold,
                ..Default::default()
            },
        )
    }

    fn independence(&self, threshold: f64) -> Independence {
        independence(&self.network, &self.names, threshold, |_| Change {
            max_abs_change: 0.0,
            change_over_tolerance: 0.0,
            loss: None,
            verified: true,
        })
    }
}

fn matrix(tensor: &TensorView<'_>) -> Array2<f64> {
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), numbers(tensor)).unwrap()
}

fn numbers(tensor: &TensorView<'_>) -> Vec<f64> {
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F32 => {
            let chunks = data.chunks_exact(4);
            chunks
                .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
                .collect()
        }
        Dtype::F64 => {
            let chunks = data.chunks_exact(8);
            chunks
                .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn names(network: &Layered) -> Vec<String> {
    let last = network.widths.len() - 1;
    let name = |layer: usize, position: usize| match layer {
        0 => format!("x{position}"),
        _ if layer == last => format!("y{position}"),
        _ => format!("h{layer}.{position}"),
    };
    let layers = network.widths.iter().enumerate();
    layers
        .flat_map(|(layer, width)| (0..*width).map(move |at| name(layer, at)))
        .collect()
}

/// The positions in names of one letter: `{1, 3}` of `x1`, `h1.7`, `x3` for `x`.
fn positions<'a>(letter: char, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<usize> {
    names
        .into_iter()
        .filter_map(|name| name.strip_prefix(letter)?.parse().ok())
        .collect()
}

/// Positions under their own names: features or targets.
fn renamed(positions: &BTreeSet<usize>, permutation: &[usize]) -> BTreeSet<usize> {
    positions
        .iter()
        .map(|position| permutation[*position])
        .collect()
}

/// The names of the sites of each module.
fn members(partition: &[Assignment]) -> Vec<Vec<String>> {
    let count = partition
        .iter()
        .map(|site| site.module + 1)
        .max()
        .unwrap_or(0);
    let mut members = vec![Vec::new(); count];
    for site in partition {
        members[site.module].push(site.site.clone());
    }
    members
}

/// Features x1 and x3 make the first target, x2 and x4 the second; no edge joins them.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_falls_into_two_halves() {
    let Some(run) = Reference::open("independence-bimt-s0") else {
        return;
    };
    let found = run.modules(0.01);
    let half = |half: &Component| {
        let features = positions('x', half.inputs.iter().map(String::as_str));
        let targets = positions('y', half.outputs.iter().map(String::as_str));
        (
            renamed(&features, &run.in_perm),
            renamed(&targets, &run.out_perm),
        )
    };
    let halves: BTreeSet<_> = found.independence.components.iter().map(half).collect();
    let expected = [([0, 2].into(), [0].into()), ([1, 3].into(), [1].into())];
    let edges: usize = found
        .independence
        .components
        .iter()
        .map(|half| half.edges)
        .sum();
    assert_eq!((found.edges, edges), (19, 19));
    assert_eq!(halves, BTreeSet::from(expected));
}

/// The optimum of modularity splits one half in two, and no module straddles the halves.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_has_three_modules_within_the_halves() {
    let Some(run) = Reference::open("independence-bimt-s0") else {
        return;
    };
    let found = run.modules(0.01);
    assert_eq!((found.count, found.stability), (3, Some(1.0)));
    let halves = run.modules(0.01).independence.components;
    let sites = |half: &Component| [&half.inputs[..], &half.hidden, &half.outputs].concat();
    for module in members(&found.partition) {
        let inside = |half: &&Component| module.iter().all(|site| sites(half).contains(site));
        assert_eq!(halves.iter().filter(inside).count(), 1, "{module:?}");
    }
}

/// At a lower resolution the modules are the two halves, even while weak edges join them.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_has_two_modules_at_lower_resolution() {
    let Some(run) = Reference::open("independence-bimt-s0") else {
        return;
    };
    for (threshold, resolution) in [(0.0015, 0.3), (0.0015, 0.5), (0.01, 0.3), (0.01, 0.5)] {
        let config = ModulesConfig {
            threshold,
            resolution,
            ..Default::default()
        };
        let found = find(&run.network, &run.names, &config);
        let inputs = |sites: Vec<String>| positions('x', sites.iter().map(String::as_str));
        let halves: BTreeSet<_> = members(&found.partition).into_iter().map(inputs).collect();
        assert_eq!(
            halves,
            BTreeSet::from([[0, 1].into(), [2, 3].into()]),
            "{config:?}"
        );
    }
}

/// The halves part at 0.0103; at 0.0015, about where outputs are unchanged, six weak edges join them.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn independence_scan_finds_the_split_and_its_bridges() {
    let Some(run) = Reference::open("independence-bimt-s0") else {
        return;
    };
    let scan = run.independence(0.0015);
    assert_eq!(scan.components.len(), 1);
    let [split] = scan.splits.as_slice() else {
        panic!("{:?}", scan.splits)
    };
    assert!(
        (0.008..0.0104).contains(&split.threshold),
        "{}",
        split.threshold
    );
    assert_eq!(
        (
            split.edges_kept,
            split.components.len(),
            split.bridges_total
        ),
        (19, 2, 6)
    );
    assert!(split.bridges.iter().all(|edge| edge.weight.abs() < 0.01));
}

/// Three modules, each of which reads the same few embedding dimensions in both folds.
#[test]
#[cfg_attr(not(references), ignore = "needs the reference networks in ../shared")]
fn modular_addition_has_three_modules() {
    let Some(run) = Reference::open("modular_addition-bimt-s4") else {
        return;
    };
    let expected = BTreeSet::from([[10, 11].into(), [16, 17].into(), [20, 21, 22].into()]);
    for threshold in [0.0005, 0.001, 0.01, 0.05, 0.1, 0.2] {
        let found = run.modules(threshold);
        let below = found.without_outputs.expect("edges below the outputs");
        assert_eq!((found.count, below.count), (3, 3), "{threshold}");
        assert_eq!(
            dimensions(&found.partition),
            expected,
            "whole graph at {threshold}"
        );
        assert_eq!(
            dimensions(&below.partition),
            expected,
            "below the outputs at {threshold}"
        );
    }
}

/// The embedding dimensions that each module reads, by position in a fold of 32.
fn dimensions(partition: &[Assignment]) -> BTreeSet<BTreeSet<usize>> {
    let modules = members(partition).into_iter();
    modules
        .map(|sites| {
            let inputs = positions('x', sites.iter().map(String::as_str));
            inputs.into_iter().map(|position| position % 32).collect()
        })
        .collect()
}
