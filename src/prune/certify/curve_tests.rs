//! Where slope and bend turn, proved by interval arithmetic; jets beside the activations.

use super::*;
use crate::numeric::{Activation, Interval, Parameter};

fn sigmoid(x: Interval) -> [Interval; 2] {
    let one = Interval::point(1.0);
    [(one + (-x).exp()).recip(), (one + x.exp()).recip()]
}

fn times(x: Interval, by: f64) -> Interval {
    x * Interval::point(by)
}

fn plus(x: Interval, by: f64) -> Interval {
    x + Interval::point(by)
}

/// First, second and third derivative over an interval, written out for
/// interval arithmetic.
type Derivatives = fn(Interval) -> [Interval; 3];

fn silu(x: Interval) -> [Interval; 3] {
    // σ′ = s + x sq, σ″ = sq (2 + x t), σ‴ = sq (t (3 + x t) − 2 x sq), t = q − s.
    let [s, q] = sigmoid(x);
    let (sq, t) = (s * q, q - s);
    let third = t * plus(x * t, 3.0) - times(x * sq, 2.0);
    [s + x * sq, sq * plus(x * t, 2.0), sq * third]
}

fn sigmoid_derivatives(x: Interval) -> [Interval; 3] {
    let [s, q] = sigmoid(x);
    let (sq, t) = (s * q, q - s);
    [sq, sq * t, sq * (t * t - times(sq, 2.0))]
}

fn tanh(x: Interval) -> [Interval; 3] {
    let [first, second, third] = sigmoid_derivatives(times(x, 2.0));
    [times(first, 4.0), times(second, 8.0), times(third, 16.0)]
}

fn softplus(x: Interval) -> [Interval; 3] {
    let [s, _] = sigmoid(x);
    let [first, second, _] = sigmoid_derivatives(x);
    [s, first, second]
}

/// With t the tangent, g = (1 − t²) s, h = q − 2 t s: σ′ = t + x g, σ″ = g (2 + x h),
/// σ‴ = g (3 h + x (h² + h′)), h′ = −s q − 2 (g s + t s q).
fn mish(x: Interval) -> [Interval; 3] {
    let [s, q] = sigmoid(x);
    let e = x.exp();
    let inverse = plus(e * plus(e, 2.0), 2.0).recip();
    let t = e * plus(e, 2.0) * inverse;
    let root = times(plus(e, 1.0) * inverse, 2.0);
    let g = root * root * s;
    let h = q - times(t * s, 2.0);
    let dh = -(s * q) - times(g * s + t * s * q, 2.0);
    let third = times(h, 3.0) + x * (h * h + dh);
    [t + x * g, g * plus(x * h, 2.0), g * third]
}

/// Up to the positive factor φ, save for the first.
fn gelu(x: Interval) -> [Interval; 3] {
    let square = x * x;
    let density = times(times(square, -0.5).exp(), 0.398_942_280_401_432_7);
    let cdf = Interval::new(
        0.5 * libm::erfc(-x.lo * std::f64::consts::FRAC_1_SQRT_2) * (1.0 - 1e-14),
        0.5 * libm::erfc(-x.hi * std::f64::consts::FRAC_1_SQRT_2) * (1.0 + 1e-14),
    );
    let second = plus(-square, 2.0);
    [
        cdf + x * density,
        second * density,
        x * plus(square, -4.0) * density,
    ]
}

fn gelu_tanh(x: Interval) -> [Interval; 3] {
    const K: f64 = 2.0 * 0.797_884_560_802_865_4;
    const C: f64 = 0.044_715;
    let square = x * x;
    let u = times(x * plus(times(square, C), 1.0), K);
    let du = times(plus(times(square, 3.0 * C), 1.0), K);
    let ddu = times(x, 6.0 * C * K);
    let dddu = Interval::point(6.0 * C * K);
    let [g, gg, ggg] = sigmoid_derivatives(u);
    let [s, _] = sigmoid(u);
    // With S(x) = s(u(x)): σ = x S, σ′ = S + x S′, σ″ = 2 S′ + x S″, σ‴ = 3 S″ + x S‴.
    let first = g * du;
    let second = gg * du * du + g * ddu;
    let third = ggg * du * du * du + times(gg * du * ddu, 3.0) + g * dddu;
    [
        s + x * first,
        times(first, 2.0) + x * second,
        times(second, 3.0) + x * third,
    ]
}

/// Proves that a derivative has no root in [lo, hi], walking away from `lo`
/// or `hi` in steps that grow with the distance to them.
fn prove_no_root(of: impl Fn(Interval) -> Interval, lo: f64, hi: f64) {
    let middle = 0.5 * (lo + hi);
    for (from, toward) in [(lo, 1.0), (hi, -1.0)] {
        let mut distance = HAIR;
        while distance < (middle - from).abs() {
            let next = (distance * 1.02).min(distance + 1.0 / 2048.0);
            let (a, b) = (from + toward * distance, from + toward * next);
            let value = of(Interval::new(a.min(b), a.max(b)));
            assert!(!value.contains(0.0), "{value:?} near {a}");
            distance = next;
        }
    }
}

/// Proves that the places given are, up to a hair, the roots in [-`end`, `end`],
/// and that the function before has the values given there.
fn prove_roots(
    before: impl Fn(Interval) -> Option<Interval>,
    of: impl Fn(Interval) -> Interval,
    places: &[Extreme],
    end: f64,
) {
    let mut from = -end;
    for place in places {
        prove_no_root(&of, from, place.at);
        from = place.at;
        let (left, right) = (
            of(Interval::point(from - HAIR)),
            of(Interval::point(from + HAIR)),
        );
        assert!(
            left.lo.signum() != right.lo.signum(),
            "no change of sign at {from}"
        );
        if let Some(value) = before(Interval::point(from)) {
            assert!(
                (value.mid() - place.value).abs() < 1e-14,
                "{value:?} at {from}"
            );
        }
    }
    prove_no_root(&of, from, end);
}

fn prove<C: Curve>(of: Derivatives, end: f64) {
    prove_roots(|_| None, |x| of(x)[0], C::VALUE, end);
    prove_roots(|x| Some(of(x)[0]), |x| of(x)[1], C::SLOPE, end);
    prove_roots(|x| Some(of(x)[1]), |x| of(x)[2], C::BEND, end);
    for place in C::VALUE {
        let value = C::jet(Lanes::splat(place.at)).value.0[0];
        assert!((value - place.value).abs() < 1e-15);
    }
    let steps = (2.0 * end * 4096.0) as i32;
    for i in 0..steps {
        let x = -end + f64::from(i) / 4096.0;
        let third = of(Interval::new(x, x + 1.0 / 4096.0))[2];
        assert!(
            third.magnitude() <= C::THIRD,
            "third derivative at {x}: {third:?}"
        );
    }
}

/// Beyond these ends value, slope and bend are within 1e-14 of their limits.
#[test]
fn the_extremes_are_all_there_are() {
    prove::<Silu>(silu, 36.0);
    prove::<Gelu>(gelu, 9.0);
    prove::<GeluTanh>(gelu_tanh, 8.0);
    prove::<Tanh>(tanh, 17.0);
    prove::<Sigmoid>(sigmoid_derivatives, 34.0);
    prove::<Softplus>(softplus, 34.0);
    prove::<Mish>(mish, 36.0);
}

/// On either side of the place where their bend jumps, slope and bend are monotone and the
/// bend is the slope of the slope: eˣ, (1 ± x)⁻², 2 x.
#[test]
fn where_a_bend_jumps_both_sides_are_its_extremes() {
    fn holds<C: Curve>() {
        let jets = |x: f64| C::jet(Lanes::splat(x));
        for (from, toward) in [(-1e-9, -1.0), (1e-9, 1.0)] {
            let near = jets(from).bend.0[0];
            assert!(
                C::BEND
                    .iter()
                    .any(|extreme| (extreme.value - near).abs() < 1e-8),
                "{near}"
            );
            let mut before = (jets(from), from);
            let mut turns = [0.0; 2];
            for step in 1..4000 {
                let x = from + toward * 0.005 * f64::from(step);
                let jet = jets(x);
                let rises = [
                    jet.slope.0[0] - before.0.slope.0[0],
                    jet.bend.0[0] - before.0.bend.0[0],
                ];
                for (turn, rise) in turns.iter_mut().zip(rises) {
                    assert!(*turn * rise >= 0.0, "monotone on a side: {x}");
                    *turn = if rise == 0.0 { *turn } else { rise };
                }
                before = (jet, x);
            }
        }
        let over = |lo: f64, hi: f64| {
            let [lo, hi] = [lo, hi].map(Lanes::splat);
            C::ranges(Range { lo, hi }).bend
        };
        let both = over(-0.5, 0.5);
        for side in [-0.25, -1e-12, 1e-12, 0.25] {
            let bend = jets(side).bend.0[0];
            assert!(both.lo.0[0] <= bend && bend <= both.hi.0[0]);
        }
    }
    holds::<Elu>();
    holds::<Softsign>();
    holds::<SquaredRelu>();
}

fn agree<C: Curve>(activation: Activation) {
    agree_near::<C>(activation);
    for x in [1e3, 1e30, 1e300, f64::INFINITY] {
        let (left, right) = (C::jet(Lanes::splat(-x)), C::jet(Lanes::splat(x)));
        for jet in [left, right] {
            assert!(!jet.value.0[0].is_nan() && jet.slope.0[0].is_finite());
            assert!(jet.bend.0[0].abs() < 1e-8, "{activation}''({x})");
        }
        let limit: f64 = activation.at(x);
        let value = right.value.0[0];
        let near = (value - limit).abs() <= VALUE_ERROR * (1.0 + limit.abs());
        assert!(
            limit.is_nan() || value == limit || near,
            "{activation}({x})"
        );
    }
}

fn agree_near<C: Curve>(activation: Activation) {
    for i in -400..400 {
        let x = f64::from(i) * 0.05 + 0.013;
        let jet = C::jet(Lanes::splat(x));
        let (value, slope): (f64, f64) = (activation.at(x), activation.derivative(x));
        assert!(
            (jet.value.0[0] - value).abs() <= VALUE_ERROR * (1.0 + value.abs()),
            "{activation}({x})"
        );
        assert!(
            (jet.slope.0[0] - slope).abs() <= SLOPE_ERROR,
            "{activation}'({x})"
        );
        let bend = (activation.derivative(x + 1e-5) - activation.derivative(x - 1e-5)) / 2e-5;
        assert!((jet.bend.0[0] - bend).abs() < 1e-8, "{activation}''({x})");
    }
}

#[test]
fn jets_agree_with_the_activations() {
    agree::<Silu>(Activation::Silu);
    agree::<Gelu>(Activation::Gelu);
    agree::<GeluTanh>(Activation::GeluTanh);
    agree::<Tanh>(Activation::Tanh);
    agree::<Sigmoid>(Activation::Sigmoid);
    agree::<Softplus>(Activation::Softplus);
    agree::<Mish>(Activation::Mish);
    agree::<Elu>(Activation::Elu(Parameter::new(1.0)));
    agree::<Softsign>(Activation::Softsign);
    agree_near::<SquaredRelu>(Activation::SquaredRelu);
}

#[test]
fn ranges_hold_every_value() {
    let over = Range {
        lo: Lanes::splat(-3.0),
        hi: Lanes::splat(2.0),
    };
    let ranges = Silu::ranges(over);
    for i in 0..=5000 {
        let jet = Silu::jet(Lanes::splat(-3.0 + f64::from(i) * 1e-3));
        for (range, value) in [
            (ranges.value, jet.value),
            (ranges.slope, jet.slope),
            (ranges.bend, jet.bend),
        ] {
            assert!(range.lo.0[0] <= value.0[0] && value.0[0] <= range.hi.0[0]);
        }
    }
}
