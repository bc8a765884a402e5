//! ACDC: automated circuit discovery by recursive activation patching.
//!
//! Sites are visited in reverse topological order: outputs first, then hidden
//! layers from the last to the first, by position within a layer; a site's
//! incoming edges from the last writer to the first. Each edge is patched
//! besides those already gone, and stays gone if the metric worsens by less
//! than τ (`signed`), or moves by less than τ either way (`absolute`). A site
//! from which no kept path leads to the outputs that the metric reads cannot
//! matter; its incoming edges go without a run.
//!
//! Source: Conmy et al. 2023, arXiv 2304.14997, algorithm 1.

use fixedbitset::FixedBitSet;

use super::Sign;
use crate::metric::{Direction, Metric};
use crate::model::Sites;
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Engine};

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Acdc {
    /// τ, in units of the metric.
    pub threshold: f64,
    /// Which changes count.
    pub sign: Sign,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Kept edges in the order of the visit, with their effects when visited:
    /// `metric(without those gone before) − metric(without this one too)`.
    pub kept: Vec<(usize, f64)>,
    /// Patched runs it took.
    pub evaluations: u64,
}

/// Finds the circuit for `metric` among `candidates` (edge numbers; all other
/// edges stay as they are).
#[must_use]
pub fn acdc<T: Scalar>(
    engine: &Engine<'_, T>,
    metric: &Metric,
    candidates: &EdgeSet,
    config: Acdc,
) -> Found {
    let sites = engine.sites();
    let mut found = Found {
        kept: Vec::new(),
        evaluations: 0,
    };
    let mut gone = engine.edges([]);
    let mut reaching = outputs_read(sites, metric);
    let mut stepper = engine.stepper();
    for layer in (0..sites.depth()).rev() {
        for to in 0..sites.widths()[layer + 1] {
            let incoming = sites
                .edges_into(layer, to)
                .filter(|edge| candidates.contains(*edge));
            if !reaching.contains(sites.site(layer + 1, to)) {
                gone.extend(incoming);
                continue;
            }
            // A fresh run per site, so that rounding does not build up over steps.
            let mut state = engine.run(&gone);
            let mut current = metric.mean(state.outputs());
            for edge in incoming.rev() {
                let without = metric.mean(stepper.attempt(&state, edge));
                found.evaluations += 1;
                if config.drops(metric.kind().direction(), current, without) {
                    stepper.take(&mut state, edge);
                    gone.insert(edge);
                    current = without;
                } else {
                    found.kept.push((edge, current - without));
                    reaching.insert(sites.site(layer, sites.edge_at(edge).from));
                }
            }
        }
    }
    found
}

impl Acdc {
    /// Whether an edge goes, given the metric with and without it.
    pub(super) fn drops(self, direction: Direction, with: f64, without: f64) -> bool {
        let worsening = match (self.sign, direction) {
            (Sign::Absolute, _) => (with - without).abs(),
            (Sign::Signed, Direction::HigherIsBetter) => with - without,
            (Sign::Signed, Direction::LowerIsBetter) => without - with,
        };
        worsening < self.threshold
    }
}

/// The sites of the outputs that a metric reads.
fn outputs_read(sites: &Sites, metric: &Metric) -> FixedBitSet {
    let last = sites.depth();
    let mut set = FixedBitSet::with_capacity(sites.site_count());
    set.extend(
        metric
            .outputs_read(sites.widths()[last])
            .into_iter()
            .map(|o| sites.site(last, o)),
    );
    set
}
