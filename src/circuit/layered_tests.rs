//! Gradients of layered networks against differences of patched runs.

use super::{Acdc, Attributable, Attribution, Maskable, Sign, acdc, connected};
use crate::metric::Metric;
use crate::model::layered::tests::{elman, everything};
use crate::patch::layered::tests::{engine, on_steps};
use crate::patch::{Fill, LayeredEngine, Patchable, PatchableExt as _};

#[test]
fn attribution_is_the_slope_of_a_small_share() {
    let model = everything();
    let metric = Metric::Output { output: 1 };
    for fill in [Fill::Zero, Fill::Mean, Fill::Corrupted, Fill::Resample] {
        let engine = engine(&model, fill);
        let scores = engine.attribute(&metric, Attribution::Eap);
        let all: Vec<usize> = (0..engine.sites().affine().len()).collect();
        for edge in (0..engine.edge_count()).step_by(3) {
            let step = 1e-6;
            let share = |by: f64| move |e: usize| if e == edge { 1.0 - by } else { 1.0 };
            let value = |by: f64| {
                let replaced = engine.sharing(&all, &share(by));
                let run = model.resume(engine.clean(), 0, &replaced);
                metric.mean(run.outputs().view())
            };
            let slope = (value(-step) - value(step)) / (2.0 * step);
            assert!(
                (slope - scores[edge]).abs() < 1e-7,
                "{fill} {edge}: {slope} {}",
                scores[edge]
            );
        }
    }
}

#[test]
fn gradients_at_shares_are_differences() {
    let model = everything();
    let engine = engine(&model, Fill::Corrupted);
    let shares: Vec<f64> = (0..engine.edge_count())
        .map(|e| 0.3 + 0.1 * (e % 7) as f64)
        .collect();
    let loss = |outputs: ndarray::ArrayView2<'_, f64>, _: &[usize]| {
        (outputs.mapv(|x| x * x).sum(), outputs.mapv(|x| 2.0 * x))
    };
    let (_, gradient) = engine.mixed(&shares, &loss);
    for edge in (0..engine.edge_count()).step_by(5) {
        let at = |by: f64| {
            let mut shares = shares.clone();
            shares[edge] += by;
            engine.mixed(&shares, &loss).0
        };
        let numeric = (at(1e-6) - at(-1e-6)) / 2e-6;
        assert!((numeric - gradient[edge]).abs() < 1e-5);
    }
}

/// Scores of first order add up over the steps.
#[test]
fn a_score_is_the_sum_over_the_steps() {
    let model = elman();
    let (one, apart) = (on_steps(&model, false), on_steps(&model, true));
    let metric = Metric::Output { output: 0 };
    let scores = |engine: &LayeredEngine<'_, f64>| engine.attribute(&metric, Attribution::Eap);
    let name = |engine: &LayeredEngine<'_, f64>, edge: usize| {
        let whole = |name: String| name.split('@').next().unwrap_or("").to_owned();
        let (from, to) = engine.edge_names(edge);
        (whole(from), whole(to))
    };
    let of_steps = scores(&apart);
    for (edge, score) in scores(&one).into_iter().enumerate() {
        let same = |other: &usize| name(&apart, *other) == name(&one, edge);
        let sum: f64 = (0..apart.edge_count())
            .filter(same)
            .map(|e| of_steps[e])
            .sum();
        assert!((sum - score).abs() < 1e-12, "{edge}: {sum} {score}");
    }
}

/// `x0 → h1.0 → h1.1 → y0`, through two steps: the neuron that nothing but the next step reads
/// is not passed over, and the path is a path.
#[test]
fn acdc_and_paths_lead_through_steps() {
    let model = elman();
    let network = on_steps(&model, false);
    let all = network.all();
    let metric = Metric::Output { output: 0 };
    let config = Acdc {
        threshold: 0.2,
        sign: Sign::Absolute,
    };
    let found = acdc(&network, &metric, &all, config);
    let circuit = network.edges(found.kept().map(|(edge, _)| edge));
    assert_eq!(circuit.ones().collect::<Vec<_>>(), [0, 4, 7]);
    assert_eq!(connected(&network, &circuit), circuit);
    let without = network.edges([0, 7]);
    assert_eq!(connected(&network, &without).count_ones(..), 0);
}
