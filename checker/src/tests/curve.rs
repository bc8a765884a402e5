use super::*;

const SMOOTH: [Curve; 5] = [Curve::Silu, Curve::Gelu, Curve::GeluTanh, Curve::Tanh, Curve::Sigmoid];

/// Derivatives over an interval by formula; of GELU beyond the first up to a positive factor.
fn derivatives(curve: Curve, x: I) -> [I; 3] {
    if curve == Curve::Gelu {
        let [low, high] = [normal(x.lo), normal(x.hi)];
        let slope = low[1].hull(high[1])
            + x * (x.square() * -0.5).exp() * I::new(0.398_942_280_401_432_6, 0.398_942_280_401_432_8);
        let square = x.square();
        return [slope, I::point(2.0) - square, x * (square - I::point(4.0))];
    }
    let [_, slope, bend] = curve.over(x);
    let [s, q] = sigmoids(if curve == Curve::Tanh { x * 2.0 } else { x });
    let (sq, t) = (s * q, q - s);
    let third = match curve {
        Curve::Silu => sq * (t * (x * t + I::point(3.0)) - x * sq * 2.0),
        Curve::Sigmoid => sq * (t.square() - sq * 2.0),
        Curve::Tanh => sq * (t.square() - sq * 2.0) * 16.0,
        _ => {
            let ([_, du, ddu, dddu], [g, gg, ggg], _) = gelu_tanh(x);
            let second = gg * du * du + g * ddu;
            let third = ggg * du * du * du + gg * du * ddu * 3.0 + g * dddu;
            second * 3.0 + x * third
        }
    };
    [slope, bend, third]
}

/// Walks from `from` to `to` in steps that grow with the distance; over none of them
/// the derivative may be 0.
fn no_root(of: &dyn Fn(I) -> I, from: f64, to: f64) {
    let (sign, mut distance) = ((to - from).signum(), HAIR);
    while distance < (to - from).abs() {
        let next = (distance * 1.02).min(distance + 1.0 / 1024.0);
        let (a, b) = (from + sign * distance, from + sign * next);
        let value = of(I::new(a.min(b), a.max(b)));
        assert!(value.lo > 0.0 || value.hi < 0.0, "{value:?} near {a}");
        distance = next;
    }
}

#[test]
fn there_are_no_other_turns() {
    for (curve, end) in SMOOTH.into_iter().zip([36.0, 9.0, 8.0, 17.0, 34.0]) {
        for (k, places) in curve.turns().into_iter().enumerate() {
            let of = |x: I| derivatives(curve, x)[k];
            let mut ends = vec![-end];
            ends.extend(places);
            ends.push(end);
            for pair in ends.windows(2) {
                let middle = 0.5 * (pair[0] + pair[1]);
                no_root(&of, pair[0], middle);
                no_root(&of, pair[1], middle);
            }
            for place in places {
                let [a, b] = [place - HAIR, place + HAIR].map(|x| of(I::point(x)));
                assert!(a.lo.signum() != b.lo.signum(), "{curve:?}: no turn at {place}");
            }
        }
    }
}

#[test]
fn third_derivatives_are_within_their_bounds() {
    for curve in SMOOTH {
        for i in -10_000..10_000 {
            let x = f64::from(i) / 1000.0;
            let x = I::new(x, x + 0.001);
            let mut third = derivatives(curve, x)[2];
            if curve == Curve::Gelu {
                third = third * (x.square() * -0.5).exp() * 0.399;
            }
            assert!(third.magnitude() <= curve.third(), "{curve:?} at {x:?}: {third:?}");
        }
    }
}

#[test]
fn values_worked_out_elsewhere() {
    // By mpmath, to 17 digits.
    for (curve, x, value, slope) in [
        (Curve::Silu, 1.0, 0.731_058_578_630_004_9, 0.927_670_511_871_486_7),
        (Curve::Gelu, 1.0, 0.841_344_746_068_542_9, 1.083_315_470_587_686_3),
        (Curve::Gelu, -7.0, -8.958_687_807_200_845e-12, -6.266_323_031_466_632e-11),
        (Curve::Tanh, 0.5, 0.462_117_157_260_009_8, 0.786_447_732_965_927_4),
        (Curve::Sigmoid, -2.0, 0.119_202_922_022_117_56, 0.104_993_585_403_506_5),
    ] {
        let [v, s, _] = curve.at(x);
        for (bound, near) in [(v, value), (s, slope)] {
            let near: f64 = near;
            let room = 1e-13 * near.abs().max(1e-3);
            assert!(bound.lo <= near + room && near - room <= bound.hi, "{curve:?}({x}): {bound:?}");
            assert!(bound.hi - bound.lo < 1e-12, "{curve:?}({x}): {bound:?}");
        }
    }
    let far = Curve::Silu.at(1e30);
    assert!(far[0].lo < 1e30 && far[0].hi == 1e30 && far[1].hi < 1.0 + 1e-15);
}

#[test]
fn ranges_hold_every_value() {
    for curve in SMOOTH {
        let ranges = curve.range(I::new(-3.0, 2.0));
        for i in 0..=5000 {
            let jet = curve.at(-3.0 + f64::from(i) * 1e-3);
            for (range, value) in ranges.iter().zip(jet) {
                assert!(range.lo <= value.hi && value.lo <= range.hi, "{curve:?}");
            }
        }
    }
}
