//! Operating points: what a sweep of circuits says at a size, a faithfulness, a τ.

pub use crate::audit::searched::{at_size, edges_for, error_at_size};
use crate::choice::MetricKind;
use crate::evaluate::{Curve, faithfulness_curve};
use crate::result::{Circuit, SweepPoint};

/// Shares of the edges at which circuits of equal size are compared.
pub const SHARES: [f64; 6] = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1];

/// The circuit sizes of a network of so many edges, from small to large.
pub fn sizes(edges_total: usize) -> Vec<usize> {
    let mut sizes: Vec<usize> = SHARES
        .iter()
        .map(|share| (share * edges_total as f64).round() as usize)
        .filter(|size| *size > 0)
        .collect();
    sizes.dedup();
    sizes
}

/// The point of ACDC's sweep at τ = `share` of |full − corrupted|.
pub fn at_tau(circuit: &Circuit, share: f64) -> Option<&SweepPoint> {
    let tau = share * (circuit.metric_full - circuit.metric_corrupted).abs();
    let near = |point: &&SweepPoint| (point.parameter - tau).abs() <= 1e-6 * tau;
    circuit.sweep.iter().find(near).filter(|_| tau > 0.0)
}

/// A gap as a share of what the full network does; see [`scale_words`].
pub fn relative(circuit: &Circuit, gap: Option<f64>) -> Option<f64> {
    let scale = match circuit.metric.is_difference() {
        true => circuit.metric_full.abs(),
        false => (circuit.metric_full - circuit.metric_corrupted).abs(),
    };
    gap.filter(|_| scale > 0.0).map(|gap| gap / scale)
}

/// What gaps are divided by.
pub fn scale_words(metric: MetricKind) -> &'static str {
    match metric.is_difference() {
        true => "the full network's own mean difference",
        false => "the distance from the full network's metric to that with everything patched",
    }
}

/// CPR and CMD along the sweep.
pub fn curve(circuit: &Circuit) -> Option<Curve> {
    faithfulness_curve(circuit.edges_total, |sizes| {
        let at = |edges: &usize| at_size(circuit, *edges).map_or(Some(0.0), |p| p.faithfulness);
        sizes.iter().map(at).collect()
    })
}

/// Mean of those that are there; `None` if none is.
pub fn mean(values: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    let there: Vec<f64> = values
        .into_iter()
        .flatten()
        .filter(|x| x.is_finite())
        .collect();
    (!there.is_empty()).then(|| crate::numeric::statistics::mean(&there))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Direction, Fill, Level, Method, Origin, Sign};

    /// Ten edges; logit difference 4 at full, 0 with everything patched.
    fn circuit() -> Circuit {
        let point = |edges: usize, f: f64| SweepPoint {
            parameter: edges as f64,
            edges_kept: edges,
            metric: 4.0 * f,
            faithfulness: Some(f),
            gap: Some(4.0 * (1.0 - f).abs()),
        };
        Circuit {
            output: "y0".into(),
            output_name: "zero".into(),
            method: Origin::Found(Method::Exact),
            level: Level::Edge,
            curve: None,
            recovery: None,
            stability: None,
            screening: None,
            proved: None,
            fills: Vec::new(),
            fill: Fill::Mean,
            fill_reference: None,
            metric: MetricKind::LogitDiff,
            direction: Direction::HigherIsBetter,
            sign: Sign::Absolute,
            selection: String::new(),
            parameter: 4.0,
            samples: 3,
            edges_total: 10,
            edges_kept: 4,
            sparsity: 0.6,
            metric_full: 4.0,
            metric_circuit: 4.0,
            metric_corrupted: 0.0,
            logit_difference: None,
            faithfulness: Some(1.0),
            completeness: None,
            minimality: None,
            interval: None,
            interval_method: String::new(),
            gap: None,
            band: None,
            decision_agreement: None,
            controls: None,
            established: None,
            discovered_on: String::new(),
            judged_on: String::new(),
            edges: Default::default(),
            sweep: vec![point(1, 0.25), point(2, 0.75), point(4, 1.0)],
            evaluations: 10,
            seconds: 0.5,
        }
    }

    #[test]
    fn points_worked_out_by_hand() {
        let circuit = circuit();
        assert_eq!(at_size(&circuit, 3).map(|p| p.edges_kept), Some(2));
        assert_eq!(error_at_size(&circuit, 100), Some(0.0));
        assert_eq!(at_size(&circuit, 0), None);
        assert_eq!(edges_for(&circuit, 0.3).map(|p| p.edges_kept), Some(2));
        assert_eq!(relative(&circuit, Some(1.0)), Some(0.25));
        // τ = ½ of 4 is the parameter of the second point.
        assert_eq!(at_tau(&circuit, 0.5).map(|p| p.edges_kept), Some(2));
        // f = 0 up to .05, ¼ at .1, ¾ at .2, 1 at .5 and at 1.
        let by_hand = 0.05 * 0.125 + 0.1 * 0.5 + 0.3 * 0.875 + 0.5;
        assert!((curve(&circuit).unwrap().cpr - by_hand).abs() < 1e-12);
        assert_eq!(mean([None, Some(1.0), Some(3.0)]), Some(2.0));
        assert_eq!(mean([None, Some(f64::NAN)]), None);
    }

    #[test]
    fn sizes_are_shares_of_the_edges() {
        assert_eq!(sizes(17_400), [17, 87, 174, 348, 870, 1740]);
        assert_eq!(sizes(520), [1, 3, 5, 10, 26, 52]);
    }
}
