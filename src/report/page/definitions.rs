//! What every quantity on the page means, with its sign and direction.

use super::blocks::{Block, Fact, Section};
use super::facts::{self, fact};
use crate::result::Audit;

const GENERAL: [(&str, &str); 3] = [
    (
        "Site, edge, message",
        "A site is an input, a neuron or an output. An edge is one weight w[j,i]; its message is w[j,i] times what site i writes. Biases, embeddings and permutations are no edges.",
    ),
    (
        "Names",
        "x3 is the input at physical position 3, h2.7 neuron 7 of the second hidden layer, y0 the output at physical position 0, all counted from 0. Where the network permutes its inputs or outputs, the feature's or target's own name stands first.",
    ),
    (
        "Patching and fill",
        "Running the network while the messages of some edges are replaced: by nothing (zero), by their mean over a named set (mean), by those of a paired input (corrupted) or of another sample (resample).",
    ),
];

const PRUNING: [(&str, &str); 6] = [
    (
        "Threshold",
        "Weights with |w| below it are set to zero. auto is the largest threshold, over the distinct weight magnitudes, at which the network is verified.",
    ),
    ("Sparsity", "1 − edges kept ÷ edges in all; in [0, 1]."),
    (
        "Change",
        "|f − f pruned|, in units of the output; the largest is over all samples and outputs.",
    ),
    (
        "Tolerance",
        "The change that is allowed, for each output its own; by default 1 % of the output's standard deviation over the samples.",
    ),
    (
        "Verified",
        "On the samples, every change is within tolerance and, for classifiers, every decision is the same. It says nothing about inputs that are not among the samples; a certificate would.",
    ),
    ("Loss", "Mean over the samples; lower is better."),
];

const MODULES: [(&str, &str); 6] = [
    (
        "Part, split, bridge",
        "Parts are connected components that reach an output. A split is a threshold at which there are more parts than below it. Bridges are the edges that survive at the threshold of the graph and join two parts of the split.",
    ),
    (
        "Modularity Q",
        "Newman's: the share of |w| inside modules minus the share expected from the sites' strengths, on the symmetrised graph of |w|; below 1, higher is more modular.",
    ),
    (
        "Null, z, p",
        "The same algorithm run on networks with shuffled weights. z = (Q − mean) ÷ standard deviation of theirs. p = (r + 1) ÷ (n + 1), r of n shuffles being at least as modular; it is never 0.",
    ),
    (
        "Lesion",
        "Effect = metric(as is) − metric(module ablated). p = (r + 1) ÷ (n + 1), r of n random sets with as many sites per layer having an |effect| at least as large.",
    ),
    (
        "Module alone",
        "The metric when every other module is ablated and this one stays.",
    ),
    (
        "Wiring cost",
        "Σ |w| (λ · distance + l0) over the surviving edges, as in Brain-Inspired Modular Training; lower is more local.",
    ),
];

const CIRCUITS: [(&str, &str); 8] = [
    (
        "Effect of an edge",
        "metric(as is) − metric(edge patched). Its sign depends on the metric's direction, which stands beside every metric.",
    ),
    (
        "Exact, ACDC",
        "Exact: every edge is patched alone. ACDC (Conmy et al., 2023): sites in reverse order, each incoming edge patched for good if the metric worsens by less than τ.",
    ),
    (
        "Logit difference, gap",
        "logit(answer) − logit(foil), mean over the samples; the answer is the label, the foil the largest other logit of the full network unless the data name one. Gap: mean over the samples of |circuit − full|.",
    ),
    (
        "Faithfulness",
        "(circuit − all patched) ÷ (full − all patched): 1 if the circuit alone scores like the network, 0 if like nothing; not bound to [0, 1].",
    ),
    (
        "Interval",
        "95 % percentile interval of the faithfulness, by bootstrap over the samples, seeded.",
    ),
    (
        "Completeness",
        "1 − faithfulness of everything but the circuit: 1 if nothing is left outside it.",
    ),
    (
        "Minimality",
        "Share of the circuit's edges that matter more to it than 95 % of the edges of random circuits of the same size matter to theirs.",
    ),
    (
        "Patched runs",
        "Runs of the network that finding the circuit took.",
    ),
];

const NODES: [(&str, &str); 1] = [(
    "Node ablation",
    "All messages a site writes are replaced by the fill. Effect = metric(as is) − metric(site ablated).",
)];

fn definition((term, text): &(&str, &str)) -> Fact {
    fact(term, *text)
}

/// How the numbers of a section came about: what they mean, and what they were
/// computed from. `None` for sections without numbers of their own.
pub(super) fn how(audit: &Audit, section: &str) -> Option<Block> {
    let groups: &[&[(&str, &str)]] = match section {
        "network" => &[&GENERAL, &PRUNING],
        "pruning" | "certificate" | "compaction" => &[&PRUNING],
        "independence" => &[&PRUNING, &MODULES],
        "modules" => &[&MODULES],
        "circuits" | "attention" => &[&GENERAL, &CIRCUITS],
        "nodes" => &[&NODES, &GENERAL],
        _ => return None,
    };
    let terms = groups.iter().flat_map(|group| group.iter());
    let mut facts: Vec<Fact> = terms.map(definition).collect();
    facts.extend(facts::run(audit));
    let summary = "How these numbers are computed".to_owned();
    Some(Block::Folded(summary, vec![Block::Facts(facts)]))
}

pub(super) fn section(audit: &Audit) -> Section {
    let groups: [(bool, &[(&str, &str)]); 5] = [
        (true, &GENERAL),
        (audit.prune.is_some(), &PRUNING),
        (audit.modules.is_some(), &MODULES),
        (!audit.circuits.is_empty(), &CIRCUITS),
        (!audit.nodes.is_empty(), &NODES),
    ];
    let used = groups
        .into_iter()
        .filter(|(is_used, _)| *is_used)
        .flat_map(|(_, terms)| terms);
    Section {
        id: "definitions",
        title: "Definitions",
        blocks: vec![Block::Facts(used.map(definition).collect())],
    }
}
