//! Operators that are one activation together, however an exporter writes it: they are computed
//! at points of the line, and are the activation that has those values there.

use std::collections::{BTreeMap, BTreeSet};

use super::chain::Chain;
use super::graph::Node;
use crate::numeric::{Activation, Scalar};

/// More operators than any activation is written as.
const MOST: usize = 24;

/// How far the values may be apart, of their size or of 1: constants are of f32. Two
/// activations differ by more than a hundred times that somewhere on the line.
const APART: f64 = 1e-6;

/// Operators that are one activation.
pub(super) struct Found {
    pub nodes: BTreeSet<usize>,
    /// The one that writes its value.
    pub last: usize,
    pub activation: &'static str,
}

/// Points that tell activations apart: the middle of the line close by, its ends far.
fn points() -> Vec<f64> {
    let middle = (-30 * 64..=30 * 64).map(|k| f64::from(k) / 64.0);
    middle.chain([-80.0, -50.0, 50.0, 80.0]).collect()
}

impl Chain<'_> {
    /// What the readers of a value do together, where that is an activation of it and
    /// nothing else reads what they write in between.
    pub(super) fn pointwise(&self, value: &str, readers: &[usize]) -> Option<Found> {
        let points = points();
        let mut known = BTreeMap::from([(value.to_owned(), points.clone())]);
        let mut makers: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for &last in self.within.iter().filter(|n| !self.used.contains(*n)) {
            let node = &self.graph.nodes[last];
            let ([output], Some(values)) = (node.outputs.as_slice(), self.computed(node, &known))
            else {
                continue;
            };
            let made = node.inputs.iter().filter_map(|i| makers.get(i.as_str()));
            let mut nodes: BTreeSet<usize> = made.flatten().copied().collect();
            nodes.insert(last);
            if nodes.len() > MOST {
                return None;
            }
            if self.is_closed(&nodes, last, readers)
                && let Some(activation) = named(&points, &values)
            {
                return Some(Found {
                    nodes,
                    last,
                    activation,
                });
            }
            known.insert(output.clone(), values);
            makers.insert(output, nodes);
        }
        None
    }

    /// Whether nodes read a value alone, and nobody else reads what all but the last write.
    fn is_closed(&self, nodes: &BTreeSet<usize>, last: usize, readers: &[usize]) -> bool {
        let inner = |n: &&usize| **n != last;
        let is_kept = |n: &usize| {
            self.graph.nodes[*n].outputs.iter().all(|output| {
                let mut all = self.graph.nodes.iter().enumerate();
                let reads = |node: &Node| node.inputs.contains(output);
                !self.graph.outputs.contains(output)
                    && all.all(|(other, node)| !reads(node) || nodes.contains(&other))
            })
        };
        readers.iter().all(|n| nodes.contains(n)) && nodes.iter().filter(inner).all(is_kept)
    }

    /// What a node writes at every point, if that follows from its inputs there.
    fn computed(&self, node: &Node, known: &BTreeMap<String, Vec<f64>>) -> Option<Vec<f64>> {
        let read: Vec<Input<'_>> = node.inputs.iter().map(|i| self.input(i, known)).collect();
        let is_plain = node.operator == "HardSigmoid" || node.attributes().next().is_none();
        let is_of_it = read.iter().any(|input| matches!(input, Input::Values(_)));
        if !is_plain || !is_of_it {
            return None;
        }
        let count = known.values().next().map_or(0, Vec::len);
        let at = |point: usize| {
            let numbers: Option<Vec<f64>> = read.iter().map(|input| input.at(point)).collect();
            operator(node, &numbers?)
        };
        (0..count).map(at).collect()
    }

    fn input<'v>(&self, name: &str, known: &'v BTreeMap<String, Vec<f64>>) -> Input<'v> {
        if let Some(values) = known.get(name) {
            return Input::Values(values);
        }
        let constant = self.graph.constants.get(name);
        match constant.filter(|tensor| tensor.len() == 1) {
            Some(tensor) => Input::Constant(tensor.to_f64()[0]),
            None => Input::Other,
        }
    }
}

/// What an operator reads.
enum Input<'v> {
    /// A number at every point.
    Values(&'v [f64]),
    Constant(f64),
    Other,
}

impl Input<'_> {
    fn at(&self, point: usize) -> Option<f64> {
        match self {
            Self::Values(values) => values.get(point).copied(),
            Self::Constant(number) => Some(*number),
            Self::Other => None,
        }
    }
}

/// An operator at one point; truth is 1, untruth 0.
fn operator(node: &Node, read: &[f64]) -> Option<f64> {
    let truth = |is: bool| f64::from(u8::from(is));
    Some(match (node.operator.as_str(), read) {
        ("Abs", [x]) => x.abs(),
        ("Erf", [x]) => Scalar::erf(*x),
        ("Exp", [x]) => x.exp(),
        ("HardSigmoid", [x]) => {
            let line = node.number("alpha", 0.2) * x + node.number("beta", 0.5);
            line.clamp(0.0, 1.0)
        }
        ("Identity", [x]) => *x,
        ("Log", [x]) => x.ln(),
        ("Neg", [x]) => -x,
        ("Reciprocal", [x]) => 1.0 / x,
        ("Relu", [x]) => x.max(0.0),
        ("Sigmoid", [x]) => Activation::Sigmoid.at(*x),
        ("Softplus", [x]) => Activation::Softplus.at(*x),
        ("Sqrt", [x]) => x.sqrt(),
        ("Tanh", [x]) => x.tanh(),
        ("Add", [x, y]) => x + y,
        ("Sub", [x, y]) => x - y,
        ("Mul", [x, y]) => x * y,
        ("Div", [x, y]) => x / y,
        ("Pow", [x, y]) => x.powf(*y),
        ("Max", [x, y]) => x.max(*y),
        ("Min", [x, y]) => x.min(*y),
        ("Greater", [x, y]) => truth(x > y),
        ("GreaterOrEqual", [x, y]) => truth(x >= y),
        ("Less", [x, y]) => truth(x < y),
        ("LessOrEqual", [x, y]) => truth(x <= y),
        ("Where", [is, x, y]) => {
            if *is == 1.0 {
                *x
            } else {
                *y
            }
        }
        ("Clip", [x, low, high]) => x.max(*low).min(*high),
        _ => return None,
    })
}

/// The activation that has these values at these points.
fn named(points: &[f64], values: &[f64]) -> Option<&'static str> {
    let is_it = |activation: Activation| {
        points.iter().zip(values).all(|(x, y)| {
            let expected = activation.at(*x);
            (y - expected).abs() <= APART * expected.abs().max(1.0)
        })
    };
    let known = |name: &&str| {
        let activation = name.parse::<Activation>().ok();
        activation.is_some_and(|a| a != Activation::Identity && is_it(a))
    };
    Activation::names().find(known)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn values(f: impl Fn(f64) -> f64) -> Vec<f64> {
        points().into_iter().map(f).collect()
    }

    /// No two activations have the same values at the points, and each is known by its own.
    #[test]
    fn every_activation_is_known_by_its_values() {
        for name in Activation::names().filter(|name| *name != "identity") {
            let activation: Activation = name.parse().unwrap();
            let own = values(|x| activation.at(x));
            assert_eq!(named(&points(), &own), Some(name));
        }
    }

    #[test]
    fn what_is_no_activation_has_no_name() {
        assert_eq!(named(&points(), &values(|x| x)), None);
        assert_eq!(named(&points(), &values(|x| 2.0 * x.max(0.0))), None);
        // GELU by tanh with another constant.
        let close = |x: f64| 0.5 * x * (1.0 + (0.797_884_56 * (x + 0.05 * x.powi(3))).tanh());
        assert_eq!(named(&points(), &values(close)), None);
        // PyTorch's softplus is the line above 20.
        let soft = |x: f64| if x > 20.0 { x } else { x.exp().ln_1p() };
        assert_eq!(named(&points(), &values(soft)), Some("softplus"));
    }
}
