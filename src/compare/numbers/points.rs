//! The numbers at equal operating points.

use super::{Numbers, Source};
use crate::audit::Method;
use crate::audit::searched::exact;
use crate::choice::Origin;
use crate::compare::points::{self as at, mean};
use crate::result::Better::Lower;
use crate::result::{Circuit, SweepPoint};

/// Shares of |full − corrupted| at which ACDC is compared at an equal τ.
const TAUS: [f64; 2] = [0.01, 0.001];

/// Faithfulness errors at which circuits are compared.
const ERRORS: [f64; 3] = [0.1, 0.05, 0.01];

pub fn equal_size(numbers: &mut Numbers, source: &Source<'_>) {
    let all = exact(source.audit);
    let total = source.audit.prune.as_ref().map_or(0, |p| p.edges_total);
    let kept = source.audit.prune.as_ref().map_or(0, |p| p.edges_kept);
    for size in at::sizes(total) {
        let point = format!("equal size: {size} edges per circuit");
        // Of as many edges as the network has there is one circuit: itself.
        let smaller = size < kept;
        let gap = mean(
            all.iter()
                .map(|c| at::relative(c, at::at_size(c, size)?.gap)),
        )
        .filter(|_| smaller);
        let error = mean(all.iter().map(|c| at::error_at_size(c, size))).filter(|_| smaller);
        let key = |what: &str| format!("{what}_at_{size}_edges");
        numbers.add(&key("gap"), "relative gap", &point, Lower, gap);
        numbers.add(&key("error"), "|1 − faithfulness|", &point, Lower, error);
    }
}

pub fn equal_faithfulness(numbers: &mut Numbers, source: &Source<'_>) {
    let all = exact(source.audit);
    for error in ERRORS {
        let percent = (100.0 * error).round();
        let point = format!("equal faithfulness: within {percent} %");
        let key = |what: &str| format!("{what}_within_{percent}_percent");
        let edges = |c: &&Circuit| at::edges_for(c, error).map(|p| p.edges_kept as f64);
        let gap = |c: &&Circuit| at::relative(c, at::edges_for(c, error)?.gap);
        let edges = mean(all.iter().map(edges));
        let gap = mean(all.iter().map(gap));
        numbers.add(&key("edges"), "edges per circuit", &point, Lower, edges);
        numbers.add(&key("gap"), "relative gap", &point, Lower, gap);
    }
}

/// ACDC at the same τ, as a share of each network's own |full − corrupted|.
pub fn equal_tau(numbers: &mut Numbers, source: &Source<'_>) {
    let circuits = &source.config.audit.circuits;
    if !circuits.methods.contains(&Method::Acdc) || circuits.threshold.is_some() {
        return;
    }
    let by_acdc = |c: &&Circuit| c.method == Origin::Found(Method::Acdc);
    let all: Vec<&Circuit> = source.audit.circuits.iter().filter(by_acdc).collect();
    for tau in TAUS {
        let point = format!("equal ACDC threshold: τ = {tau} of the metric's range");
        let at = |f: fn(&Circuit, &SweepPoint) -> Option<f64>| {
            mean(all.iter().map(|c| at::at_tau(c, tau).and_then(|p| f(c, p))))
        };
        let key = |what: &str| format!("acdc_{what}_at_tau_{tau}");
        let edges = at(|_, p| Some(p.edges_kept as f64));
        let gap = at(|c, p| at::relative(c, p.gap));
        let error = at(|_, p| Some((1.0 - p.faithfulness?).abs()));
        numbers.add(&key("edges"), "edges per circuit", &point, Lower, edges);
        numbers.add(&key("gap"), "relative gap", &point, Lower, gap);
        numbers.add(&key("error"), "|1 − faithfulness|", &point, Lower, error);
    }
}
