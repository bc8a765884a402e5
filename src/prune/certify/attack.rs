//! Attacks on the soundness of the bounds.
//!
//! Random small networks, prunings and boxes; then whatever finds changes
//! (points, corners, gradient ascent) tries to exceed the bound. What is found
//! is itself only counted with its rounding taken off. That the attack is strong
//! enough is shown by two bounds made wrong on purpose, which it must catch.

use ndarray::{Array1, Array2};
use proptest::prelude::*;
use pulp::Arch;

use super::bound::Bounder;
use super::curve::{Curve, Extreme, Jet, Range, Silu};
use super::forward::Pass;
use super::pair::Pair;
use super::search::{Found, Search};
use crate::model::{Linear, Mlp};
use crate::numeric::{Activation, LANES, Lanes, Parameter, Rng};

const ACTIVATIONS: [Activation; 12] = [
    Activation::Identity,
    Activation::Relu,
    Activation::Silu,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus,
    Activation::Mish,
    Activation::Elu(Parameter::new(1.0)),
    Activation::Softsign,
    Activation::SquaredRelu,
];

/// Two networks and a box.
struct Case {
    original: Mlp<f64>,
    pruned: Mlp<f64>,
    domain: Vec<[f64; 2]>,
}

/// A random case: depth 1 to 4, widths 1 to 6, weights of magnitude 10^`scale`.
fn case(seed: u64, activation: Activation, scale: f64, width: f64) -> Case {
    let mut rng = Rng::new(seed, 7);
    let depth = 1 + rng.below(4);
    let widths: Vec<usize> = (0..=depth).map(|_| 1 + rng.below(6)).collect();
    let size = 10_f64.powf(scale);
    let layers = widths.windows(2).map(|pair| Linear {
        weight: Array2::from_shape_simple_fn((pair[1], pair[0]), || size * rng.normal()),
        bias: Array1::from_shape_simple_fn(pair[1], || size * rng.normal()),
    });
    let layers: Vec<Linear<f64>> = layers.collect();
    let original = Mlp {
        embedding: None,
        in_perm: (0..widths[0]).collect(),
        folds: 1,
        layers,
        activation: activation.into(),
        out_perm: (0..widths[depth]).collect(),
    };
    let mut pruned = original.clone();
    let rate = rng.uniform();
    for layer in &mut pruned.layers {
        let numbers = layer.weight.iter_mut().chain(&mut layer.bias);
        for w in numbers.filter(|_| rng.uniform() < rate) {
            *w = 0.0;
        }
    }
    let domain = (0..widths[0])
        .map(|_| {
            let (centre, half) = (2.0 * rng.normal(), width * rng.uniform());
            [centre - half, centre + half]
        })
        .collect();
    Case {
        original,
        pruned,
        domain,
    }
}

/// The largest changes that trying finds, per output.
fn found(case: &Case, seed: u64) -> Found {
    let networks = (&case.original, &case.pruned);
    let search = Search::new(networks, &case.domain, f64::INFINITY);
    search.begin(None, seed)
}

/// How far, if at all, the change at the points found exceeds the bounds.
fn excess(pair: &Pair, domain: &[[f64; 2]], found: &Found, bounds: &[f64]) -> f64 {
    let mut worst = f64::NEG_INFINITY;
    for (output, point) in found.at.iter().enumerate() {
        let at = Bounder::new(pair, domain.to_vec());
        let point = at.symbols.iter().map(|i| [point[*i], point[*i]]).collect();
        let [lo, hi] = at.bound_all(&[point], &vec![1.0; bounds.len()])[0].change[output];
        worst = worst.max(lo.max(-hi) - bounds[output]);
    }
    worst
}

fn bounds(pair: &Pair, domain: &[[f64; 2]]) -> Vec<f64> {
    let bounder = Bounder::new(pair, domain.to_vec());
    let root = bounder.symbols.iter().map(|i| domain[*i]).collect();
    let scale = vec![1.0; pair.outputs()];
    let bounded = bounder.bound_all(&[root], &scale);
    (0..scale.len()).map(|k| bounded[0].upper(k)).collect()
}

/// The change at a point in plain floating point, with a generous allowance for
/// its rounding: `[outputs]` of (|change|, allowance).
fn plain(case: &Case, point: &[f64]) -> Vec<(f64, f64)> {
    let column = Array2::from_shape_fn((point.len(), 1), |(i, _)| point[i]);
    let (a, b) = (
        case.original.outputs(column.view()),
        case.pruned.outputs(column.view()),
    );
    let size = |model: &Mlp<f64>| {
        let mut magnitude = point.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        for layer in &model.layers {
            let row =
                |k: usize| layer.weight.row(k).iter().map(|w| w.abs()).sum::<f64>() * magnitude;
            let read = |k: usize| row(k) + layer.bias[k].abs();
            magnitude = (0..layer.bias.len()).map(read).fold(1e-300, f64::max);
        }
        magnitude
    };
    let allowance = 1e-12 * size(&case.original) + 1e-300;
    a.iter()
        .zip(&b)
        .map(|(a, b)| ((a - b).abs(), allowance))
        .collect()
}

fn attack(seed: u64, activation: Activation, scale: f64, width: f64) -> Result<(), TestCaseError> {
    let case = case(seed, activation, scale, width);
    let pair = Pair::new(&case.original, &case.pruned).unwrap();
    let bounds = bounds(&pair, &case.domain);
    let found = found(&case, seed);
    for (output, point) in found.at.iter().enumerate() {
        let (change, allowance) = plain(&case, point)[output];
        // Where all overflows there is nothing to compare, and the bound is infinite.
        let exceeds = change - allowance > bounds[output];
        prop_assert!(
            !exceeds,
            "{activation} seed {seed} scale {scale} width {width} output {output}: {change} > {}",
            bounds[output]
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn nothing_found_exceeds_the_bound(
        seed in any::<u64>(), kind in 0..ACTIVATIONS.len(), scale in -1.0..0.7_f64, width in -3.0..1.0_f64,
    ) {
        attack(seed, ACTIVATIONS[kind], scale, 10_f64.powf(width))?;
    }

    #[test]
    fn nor_at_extreme_magnitudes(
        seed in any::<u64>(), kind in 0..ACTIVATIONS.len(), scale in -160.0..160.0_f64, width in -300.0..300.0_f64,
    ) {
        attack(seed, ACTIVATIONS[kind], scale, 10_f64.powf(width))?;
    }
}

/// SiLU whose slopes and bends are taken at the ends of the range alone.
struct EndsOnly;

impl Curve for EndsOnly {
    const VALUE: &'static [Extreme] = &[];
    const SLOPE: &'static [Extreme] = &[];
    const BEND: &'static [Extreme] = &[];
    const THIRD: f64 = 0.309;
    fn jet(x: Lanes) -> Jet {
        Silu::jet(x)
    }
}

/// SiLU whose slopes are taken over the original's range alone, without the hull.
struct NoHull;

impl Curve for NoHull {
    const VALUE: &'static [Extreme] = Silu::VALUE;
    const SLOPE: &'static [Extreme] = Silu::SLOPE;
    const BEND: &'static [Extreme] = Silu::BEND;
    const THIRD: f64 = 0.0;
    fn jet(x: Lanes) -> Jet {
        Silu::jet(x)
    }
    fn hull(z: Range, _: Range) -> Range {
        z
    }
}

/// How many of many cases break the forward bounds of a curve.
fn caught<C: Curve>() -> usize {
    let breaks = |seed: &u64| {
        let case = case(
            *seed,
            Activation::Silu,
            0.4,
            if seed.is_multiple_of(2) { 0.01 } else { 2.0 },
        );
        let pair = Pair::new(&case.original, &case.pruned).unwrap();
        let mut pass = Pass::new(&pair, &[]);
        let inputs: Vec<Range> = case
            .domain
            .iter()
            .map(|side| Range {
                lo: Lanes::splat(side[0]),
                hi: Lanes::splat(side[1]),
            })
            .collect();
        Arch::new().dispatch(|| {
            pass.set_inputs(&inputs);
            pass.run_smooth::<C>(&pair);
        });
        let last = &pass.layers[pair.layers.len()].read_change;
        let bounds: Vec<f64> = (0..pair.outputs())
            .map(|k| {
                let range = last.range_of(k);
                range.hi.0[0].max(-range.lo.0[LANES - 1])
            })
            .collect();
        excess(&pair, &case.domain, &found(&case, *seed), &bounds) > 0.0
    };
    (0..400).filter(breaks).count()
}

#[test]
fn bounds_made_wrong_on_purpose_are_caught() {
    assert_eq!(caught::<Silu>(), 0);
    let (ends, hull) = (caught::<EndsOnly>(), caught::<NoHull>());
    println!("caught of 400: {ends} with slopes at the ends only, {hull} without the hull");
    assert!(ends > 0 && hull > 0);
}
