//! Gradients of layered networks against differences of patched runs.

use super::{Attributable, Attribution, Maskable};
use crate::metric::Metric;
use crate::model::layered::tests::everything;
use crate::patch::layered::tests::engine;
use crate::patch::{Fill, Patchable};

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
