//! Runs in which ever more edges are kept: one is a few steps from the last.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::engine::Engine;
use super::patchable::Patchable as _;
use super::ripple::Ripple;
use crate::numeric::Scalar;

/// Up to so many edges are brought back one by one, more by a run.
const STEPS: usize = 8;

/// Sizes between two runs afresh, so that rounding does not build up.
const STRIDE: usize = 256;

/// What the network does with all edges patched but the first `n` of `order`, for
/// every n of `sizes`, which ascend.
///
/// Sizes that lie close are one stride, which begins with a run and goes on by
/// single edges; strides run in parallel.
pub(super) fn each<T: Scalar, R: Send>(
    engine: &Engine<'_, T>,
    order: &[usize],
    sizes: &[usize],
    measure: impl Fn(ArrayView2<'_, T>) -> R + Sync,
) -> Vec<R> {
    let near: Vec<&[usize]> = sizes.chunk_by(|a, b| b - a <= STEPS).collect();
    let strides: Vec<&[usize]> = near.into_iter().flat_map(|s| s.chunks(STRIDE)).collect();
    let found: Vec<Vec<R>> = strides
        .into_par_iter()
        .map(|sizes| along(engine, order, sizes, &measure))
        .collect();
    found.into_iter().flatten().collect()
}

fn along<T: Scalar, R>(
    engine: &Engine<'_, T>,
    order: &[usize],
    sizes: &[usize],
    measure: &impl Fn(ArrayView2<'_, T>) -> R,
) -> Vec<R> {
    let mut at = sizes.first().copied().unwrap_or(0);
    let kept = engine.edges(order[..at].iter().copied());
    let mut state = engine.run(&engine.all_but(&kept));
    let mut ripple = None;
    let step = |size: &usize| {
        for edge in &order[at..*size] {
            let ripple = ripple.get_or_insert_with(|| Ripple::new(engine));
            ripple.toggle(engine, &state, *edge);
            ripple.commit(engine, &mut state, *edge);
        }
        at = *size;
        measure(state.outputs())
    };
    sizes.iter().map(step).collect()
}
