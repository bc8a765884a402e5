//! What modules are measured by.

use crate::report::page::terms::{Term, always};
use crate::result::{Audit, Modules};

pub(in crate::report) const TERMS: &[Term] = &[
    Term {
        name: "Part, split, bridge",
        text: "Parts are connected components that reach an output. A split is a threshold at which there are more parts than below it. Bridges are the edges that survive at the threshold of the graph and join two parts of the split.",
        applies: has_splits,
    },
    Term {
        name: "Modularity Q",
        text: "Newman's: the share of |w| inside modules minus the share expected from the sites' strengths, on the symmetrised graph of |w|; below 1, higher is more modular.",
        applies: always,
    },
    Term {
        name: "Null, z, p",
        text: "The same algorithm run on networks with shuffled weights. z = (Q − mean) ÷ standard deviation of theirs. p = (r + 1) ÷ (n + 1), r of n shuffles being at least as modular; it is never 0.",
        applies: has_null,
    },
    Term {
        name: "Blocks",
        text: "Groups of sites by which the edges take the fewest nats to tell: the groups, how many edges they exchange, each site's degree, then the edges and the ranks of their |w| (degree-corrected block model). Blocks within a layer may have any pattern; blocks across layers have their edges more often, or less often, inside than chance has it. Fewer nats than one block per layer is evidence for groups; few edges can support few. How sure the number of blocks and a site's block are is read from four chains over partitions; where they do not agree (R̂ above 1.05) they tell nothing.",
        applies: has_blocks,
    },
    Term {
        name: "Lesion",
        text: "Effect = metric(as is) − metric(module ablated). p = (r + 1) ÷ (n + 1), r of n random sets with as many sites per layer having an |effect| at least as large.",
        applies: has_lesions,
    },
    Term {
        name: "Module alone",
        text: "The metric when every other module is ablated and this one stays.",
        applies: has_lesions,
    },
    Term {
        name: "Copy",
        text: "A module in whose place another's weights, matched site by site within each layer and scaled by one factor for each, leave every output within its tolerance and every decision on these samples. Likeness: mean over the layers of the cosine of the matched weights; p = (r + 1) ÷ (n + 1), r of n shuffles of one module's weights within its layers matching as well.",
        applies: has_transplants,
    },
    Term {
        name: "Wiring cost",
        text: "Σ |w| (λ · distance + l0) over the surviving edges, as in Brain-Inspired Modular Training; lower is more local.",
        applies: has_wiring,
    },
];

fn of(audit: &Audit, has: impl Fn(&Modules) -> bool) -> bool {
    audit.modules.as_ref().is_some_and(has)
}

fn has_null(audit: &Audit) -> bool {
    of(audit, |m| m.null.is_some())
}

fn has_blocks(audit: &Audit) -> bool {
    of(audit, |m| m.blocks.is_some())
}

fn has_lesions(audit: &Audit) -> bool {
    of(audit, |m| !m.lesions.is_empty())
}

fn has_transplants(audit: &Audit) -> bool {
    of(audit, |m| !m.transplants.is_empty())
}

fn has_wiring(audit: &Audit) -> bool {
    of(audit, |m| m.wiring.is_some())
}

fn has_splits(audit: &Audit) -> bool {
    of(audit, |m| !m.independence.splits.is_empty())
}
