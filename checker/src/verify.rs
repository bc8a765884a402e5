//! A log against its files: hashes, the networks, and every leaf or case.

use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest as _, Sha256};

use crate::bound::{Pair, outputs};
use crate::interval::I;
use crate::log::{self, Arithmetic, Claim, Domain, File, Hints, Log, Node, Proof};
use crate::network::{self, Network};
use crate::rounding::rounding;
use crate::{Fault, Files, fault};

const FORMAT: &str = "modscope-proof/1";

pub(crate) fn parsed(bytes: &[u8]) -> Result<Log, Fault> {
    let log: Log = serde_json::from_slice(bytes).map_err(|e| fault(format!("not a proof log: {e}")))?;
    match log.format == FORMAT {
        true => Ok(log),
        false => Err(fault(format!("the log is in format `{}`, not `{FORMAT}`", log.format))),
    }
}

/// The log, its networks, and what rounding may add to each output in both together.
struct Case<'a> {
    log: &'a Log,
    original: Network,
    pruned: Network,
    rounding: Vec<f64>,
    /// Boxes in physical order.
    boxes: Vec<Vec<I>>,
}

pub(crate) fn verify(log: &Log, files: &Files<'_>) -> Result<String, Fault> {
    hashed(&log.original, files.original)?;
    hashed(&log.pruned, files.pruned)?;
    let told = match files.activations {
        Some(given) => Some(given.to_vec()),
        None => network::told(files.config, &log.network),
    };
    let curves = network::curves(&log.network.activations)?;
    if told.as_ref().map(|names| network::curves(names)).transpose()?.is_some_and(|t| t != curves) {
        let told = told.unwrap_or_default().join(", ");
        let said = log.network.activations.join(", ");
        return Err(fault(format!("the activations are {told}, not {said} as the log has it")));
    }
    let ordered = network::ordered(files.config, &log.network);
    if ordered == Some(false) {
        return Err(fault("the layers are not in the order that their names or config.json say".into()));
    }
    let original = Network::read(files.original, &log.network)?;
    let pruned = Network::read(files.pruned, &log.network)?;
    if !original.like(&pruned) {
        return Err(fault("the two files hold networks of different shapes".into()));
    }
    let boxes = boxes(&log.domain, &original)?;
    let rounding = rounded(log, &original, &pruned, &boxes)?;
    let case = Case { log, original, pruned, rounding, boxes };
    let outputs = case.original.outputs();
    let lengths = match &log.claim {
        Claim::Epsilon { tolerance, bounds } => vec![tolerance.len(), bounds.len()],
        Claim::Refuted { tolerance, .. } => vec![tolerance.len()],
    };
    if lengths.iter().any(|length| *length != outputs) {
        return Err(fault(format!("the claim is not of {outputs} outputs")));
    }
    let mut sentence = case.verified()?;
    if told.is_none() {
        sentence += "; the activations are those that the log names";
    }
    if ordered.is_none() {
        sentence += "; the layers are in the order in which the log names them";
    }
    Ok(sentence)
}

fn hashed(file: &File, bytes: &[u8]) -> Result<(), Fault> {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    match hash == file.sha256 {
        true => Ok(()),
        false => Err(fault(format!("{} has the hash {hash}, not {}", file.path, file.sha256))),
    }
}

/// The domain's boxes, sides in the order in which the network reads them.
fn boxes(domain: &Domain, network: &Network) -> Result<Vec<Vec<I>>, Fault> {
    let (Domain::Boxes(boxes), None) = (domain, &network.embedding) else {
        return match (domain, &network.embedding) {
            (Domain::Tokens { tokens, positions }, Some(table))
                if *tokens == table.len() && positions * table[0].len() == network.inputs() =>
            {
                Ok(Vec::new())
            }
            _ => Err(fault("the domain is not one of this network".into())),
        };
    };
    let wrong = |side: &[f64; 2]| !(side[0] <= side[1] && side[0].is_finite() && side[1].is_finite());
    if boxes.iter().any(|sides| sides.len() != network.inputs() || sides.iter().any(wrong)) {
        return Err(fault("a box of the domain is not one of this network's inputs".into()));
    }
    let physical = |sides: &Vec<[f64; 2]>| -> Vec<I> {
        network.features.iter().map(|f| I::new(sides[*f][0], sides[*f][1])).collect()
    };
    match boxes.is_empty() {
        true => Err(fault("the domain is empty".into())),
        false => Ok(boxes.iter().map(physical).collect()),
    }
}

/// What the log allows for rounding, if that is enough.
fn rounded(log: &Log, original: &Network, pruned: &Network, boxes: &[Vec<I>]) -> Result<Vec<f64>, Fault> {
    let most: Vec<f64> = match &original.embedding {
        Some(_) => {
            let tables = [original, pruned].map(|n| n.embedding.iter().flatten().flatten());
            let most = tables.into_iter().flatten().fold(0.0_f64, |most, x| most.max(x.abs()));
            vec![most; original.inputs()]
        }
        None => (0..original.inputs())
            .map(|i| boxes.iter().fold(0.0_f64, |most, sides| most.max(sides[i].magnitude())))
            .collect(),
    };
    let each = [original, pruned].map(|network| rounding(network, &most, log.arithmetic));
    let both = each[0].iter().zip(&each[1]).map(|(a, b)| (I::point(*a) + I::point(*b)).hi);
    let enough = both.clone().zip(&log.rounding).all(|(own, said)| own <= *said);
    if log.rounding.len() != original.outputs() || !enough {
        let own: Vec<f64> = both.collect();
        return Err(fault(format!(
            "rounding may add {own:?} to the outputs; the log allows {:?}",
            log.rounding
        )));
    }
    Ok(log.rounding.clone())
}

impl Case<'_> {
    fn verified(&self) -> Result<String, Fault> {
        let (tolerance, bounds) = match &self.log.claim {
            Claim::Epsilon { tolerance, bounds } => (tolerance, bounds),
            Claim::Refuted { tolerance, output, input } => return self.refuted(tolerance, *output, input),
        };
        self.within_tolerance(tolerance, bounds)?;
        let by = match &self.log.proof {
            Proof::Leaves { leaves, neurons, tree, relaxations } => {
                let hints = Hints::new(relaxations, *leaves, *neurons)?;
                self.leaves(*leaves, *neurons, &log::tree(tree)?, &hints, bounds)?;
                format!("{leaves} leaves")
            }
            Proof::Enumeration { cases } => {
                self.enumerated(*cases, bounds)?;
                format!("{cases} cases")
            }
            Proof::Counterexample => return Err(fault("a counterexample proves no bound".into())),
        };
        let of = match self.log.arithmetic {
            Arithmetic::Real => "as functions of real numbers",
            Arithmetic::F32 => "however they are computed in f32",
            Arithmetic::F64 => "however they are computed in f64",
        };
        let parts = bounds.iter().zip(&self.rounding).zip(tolerance);
        let parts: Vec<String> = parts.map(|((b, r), t)| format!("{:.3e} ≤ {t:.3e}", b + r)).collect();
        Ok(format!(
            "no output moves by more than its tolerance ({}), for every input of the domain, {of}: {by} verified",
            parts.join(", ")
        ))
    }

    fn within_tolerance(&self, tolerance: &[f64], bounds: &[f64]) -> Result<(), Fault> {
        for (k, ((bound, rounding), tolerance)) in
            bounds.iter().zip(&self.rounding).zip(tolerance).enumerate()
        {
            let sum = (I::point(*bound) + I::point(*rounding)).hi;
            if !(0.0 <= *bound && sum <= *tolerance) {
                return Err(fault(format!(
                    "output {k}: the bound {bound:e} and the rounding {rounding:e} exceed the tolerance {tolerance:e}"
                )));
            }
        }
        Ok(())
    }

    /// Every leaf of the trees, which cover the boxes by construction.
    fn leaves(
        &self,
        leaves: usize,
        neurons: usize,
        tree: &[Node],
        hints: &Hints,
        bounds: &[f64],
    ) -> Result<(), Fault> {
        let expected: usize = self.original.layers.iter().rev().skip(1).map(|l| l.bias.len()).sum();
        if neurons != expected {
            return Err(fault(format!("the network has {expected} neurons, the log {neurons}")));
        }
        let boxes = self.split(tree)?;
        if boxes.len() != leaves {
            return Err(fault(format!("the trees have {} leaves, the log {leaves}", boxes.len())));
        }
        let pair = Pair::new(&self.original, &self.pruned);
        let one = |leaf: usize| {
            let at = |why| fault(format!("leaf {leaf} of {leaves}: {why}"));
            let bounded = pair.bounded(&boxes[leaf], &|neuron| hints.of(leaf, neuron));
            within(bounded.map_err(at)?.changes(), bounds).map_err(at)
        };
        all(leaves, &one)
    }

    /// The boxes of the leaves, in order.
    fn split(&self, tree: &[Node]) -> Result<Vec<Vec<I>>, Fault> {
        let mut place = vec![0; self.original.inputs()];
        for (q, feature) in self.original.features.iter().enumerate() {
            place[*feature] = q;
        }
        // The last comes first.
        let mut open: Vec<Vec<I>> = self.boxes.iter().rev().cloned().collect();
        let mut leaves = Vec::new();
        for (number, node) in tree.iter().enumerate() {
            let Some(sides) = open.pop() else {
                return Err(fault(format!("node {number} of the tree is beyond the domain")));
            };
            match *node {
                Node::Leaf => leaves.push(sides),
                Node::Split { feature, at } => {
                    let side = place.get(feature).map(|q| (*q, sides[*q]));
                    let Some((q, side)) = side.filter(|(_, side)| side.lo < at && at < side.hi) else {
                        return Err(fault(format!("node {number} of the tree does not split its box")));
                    };
                    let (mut left, mut right) = (sides.clone(), sides);
                    (left[q], right[q]) = (I::new(side.lo, at), I::new(at, side.hi));
                    open.extend([right, left]);
                }
            }
        }
        match open.is_empty() {
            true => Ok(leaves),
            false => Err(fault("the leaves do not cover the domain".into())),
        }
    }

    /// Every tuple of tokens.
    fn enumerated(&self, cases: u64, bounds: &[f64]) -> Result<(), Fault> {
        let Domain::Tokens { tokens, positions } = self.log.domain else {
            return Err(fault("boxes cannot be enumerated".into()));
        };
        let count = u32::try_from(positions).ok().and_then(|p| tokens.checked_pow(p));
        let Some(count) = count.filter(|count| *count as u64 == cases) else {
            return Err(fault(format!("{tokens} tokens at {positions} places are not {cases} cases")));
        };
        let one = |number: usize| {
            let digit = |p: usize| number / tokens.pow((positions - 1 - p) as u32) % tokens;
            let tuple: Vec<usize> = (0..positions).map(digit).collect();
            let at = |why| fault(format!("tokens {tuple:?}: {why}"));
            let read = |n: &Network| n.embedded(&tuple).map(|input| outputs(n, &input));
            let Some((before, after)) = read(&self.original).zip(read(&self.pruned)) else {
                return Err(at("the network cannot read it".into()));
            };
            within(after.iter().zip(&before).map(|(after, before)| *after - *before), bounds).map_err(at)
        };
        all(count, &one)
    }

    /// One input at which an output moves too far.
    fn refuted(&self, tolerance: &[f64], output: usize, input: &[f64]) -> Result<String, Fault> {
        let inside = |sides: &Vec<I>, point: &[f64]| {
            sides.iter().zip(point).all(|(side, x)| side.lo <= *x && *x <= side.hi)
        };
        let points = match (&self.log.domain, &self.log.proof) {
            (Domain::Boxes(_), Proof::Counterexample) if input.len() == self.original.inputs() => {
                let point: Vec<f64> = self.original.features.iter().map(|f| input[*f]).collect();
                let inside = self.boxes.iter().any(|sides| inside(sides, &point));
                inside.then(|| [point.clone(), point])
            }
            (Domain::Tokens { .. }, Proof::Counterexample) => {
                let tuple: Vec<usize> = input.iter().map(|x| *x as usize).collect();
                let exact = tuple.iter().zip(input).all(|(t, x)| *t as f64 == *x);
                let read = |n: &Network| n.embedded(&tuple).filter(|_| exact);
                read(&self.original).zip(read(&self.pruned)).map(|(a, b)| [a, b])
            }
            _ => None,
        };
        let Some([a, b]) = points.filter(|_| output < self.original.outputs()) else {
            return Err(fault("the input is not one of the domain".into()));
        };
        let change = outputs(&self.pruned, &b)[output] - outputs(&self.original, &a)[output];
        let least = change.lo.max(-change.hi);
        let (tolerance, rounding) = (tolerance[output], self.rounding[output]);
        if least <= (I::point(tolerance) + I::point(rounding)).hi {
            return Err(fault(format!("output {output} moves by {least:e} alone")));
        }
        Ok(format!(
            "refuted: output {output} moves by {least:.3e} at an input of the domain, over {tolerance:.3e}"
        ))
    }
}

/// Whether every change is within its bound.
fn within(changes: impl Iterator<Item = I>, bounds: &[f64]) -> Result<(), String> {
    for (output, (change, bound)) in changes.zip(bounds).enumerate() {
        let change = change.magnitude();
        if change.is_nan() || change > *bound {
            return Err(format!("output {output} may change by {change:e}, over {bound:e}"));
        }
    }
    Ok(())
}

/// Runs over all numbers below `count` on the threads there are; the first fault found.
fn all(count: usize, one: &(dyn Fn(usize) -> Result<(), Fault> + Sync)) -> Result<(), Fault> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            if let Err(fault) = one(number) {
                next.store(count, Ordering::Relaxed);
                return Err((number, fault));
            }
        }
    };
    let found = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let stopped = || (0, fault("a thread of the checker stopped".into()));
        running.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(stopped()))).collect::<Vec<_>>()
    });
    let first = found.into_iter().filter_map(Result::err).min_by_key(|(number, _)| *number);
    first.map_or(Ok(()), |(_, fault)| Err(fault))
}
