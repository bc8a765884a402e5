//! Runs in which ever more edges are kept: one is a few steps from the last.

use super::engine::Engine;
use super::patchable::{PatchableExt as _, See};
use super::ripple::Ripple;
use crate::numeric::{Scalar, parallel};

/// Up to so many edges are brought back one by one, more by a run.
const STEPS: usize = 8;

/// Sizes between two runs afresh, so that rounding does not build up.
const STRIDE: usize = 256;

/// What the network does with all edges patched but the first `n` of `order`, for
/// every n of `sizes`, which ascend: `see` gets its place and the outputs.
///
/// Sizes that lie close are one stride, which begins with a run and goes on by
/// single edges; strides run in parallel.
pub(super) fn each<T: Scalar>(
    engine: &Engine<'_, T>,
    order: &[usize],
    sizes: &[usize],
    see: &See<'_, T>,
) {
    let near = sizes.chunk_by(|a, b| b - a <= STEPS);
    let mut strides: Vec<(usize, &[usize])> = Vec::new();
    let mut first = 0;
    for stride in near.flat_map(|sizes| sizes.chunks(STRIDE)) {
        strides.push((first, stride));
        first += stride.len();
    }
    parallel::map(strides, |(first, sizes)| {
        along(engine, order, (first, sizes), see);
    });
}

/// One stride of sizes, the first of which stands in place `first`.
fn along<T: Scalar>(
    engine: &Engine<'_, T>,
    order: &[usize],
    (first, sizes): (usize, &[usize]),
    see: &See<'_, T>,
) {
    let mut at = sizes.first().copied().unwrap_or(0);
    let kept = engine.edges(order[..at].iter().copied());
    let mut state = engine.run(&engine.all_but(&kept));
    let mut ripple = None;
    for (place, size) in (first..).zip(sizes) {
        for edge in &order[at..*size] {
            let ripple = ripple.get_or_insert_with(|| Ripple::new(engine));
            ripple.toggle(engine, &state, *edge);
            ripple.commit(engine, &mut state, *edge);
        }
        at = *size;
        see(place, state.outputs());
    }
}
