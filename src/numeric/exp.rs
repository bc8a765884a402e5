//! A branch-free exponential that the compiler vectorises.
//!
//! `e^x = 2^n · e^r` with `n = round(x / ln 2)` and |r| ≤ ln 2 / 2; `e^r` by its
//! Taylor polynomial, long enough that the remainder is below rounding; `2^n` in
//! two factors, so that results down to the subnormals come out. No fused
//! multiply-add: with it the bits would depend on the machine.

use pulp::Arch;

/// `e^x` of every element, in place.
pub fn f32_in_place(xs: &mut [f32]) {
    Arch::new().dispatch(|| {
        for x in &mut *xs {
            *x = exp_f32(*x);
        }
    });
}

/// `e^x` of every element, in place.
pub fn f64_in_place(xs: &mut [f64]) {
    Arch::new().dispatch(|| {
        for x in &mut *xs {
            *x = exp_f64(*x);
        }
    });
}

#[inline(always)]
fn exp_f32(x: f32) -> f32 {
    // Adding 1.5 · 2^23 leaves round(x / ln 2) in the low bits of the sum.
    const SHIFT: f32 = 12_582_912.0;
    const LN2_HI: f32 = 0.693_145_75;
    const LN2_LO: f32 = 1.428_606_8e-6;
    let bounded = x.clamp(-104.0, 89.0);
    let shifted = bounded * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (bounded - n * LN2_HI) - n * LN2_LO;
    let mut p = 1.0 / 5040.0;
    for c in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    let n = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    let half = n >> 1;
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    let result = p * power(half) * power(n - half);
    if x.is_nan() { x } else { result }
}

#[inline(always)]
pub(super) fn exp_f64(x: f64) -> f64 {
    // Adding 1.5 · 2^52 leaves round(x / ln 2) in the low bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    const LN2_HI: f64 = 0.693_147_180_369_123_8;
    const LN2_LO: f64 = 1.908_214_929_270_587_7e-10;
    let bounded = x.clamp(-746.0, 710.0);
    let shifted = bounded * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (bounded - n * LN2_HI) - n * LN2_LO;
    let mut p = 1.0 / 6_227_020_800.0;
    for c in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        p = p * r + c;
    }
    let n = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i64;
    let half = n >> 1;
    let power = |n: i64| f64::from_bits(((n + 1023) as u64) << 52);
    let result = p * power(half) * power(n - half);
    if x.is_nan() { x } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_is_within_two_units_in_the_last_place() {
        for i in -87_000..=88_000 {
            let x = i as f32 * 1e-3;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp_f32(x)) - exact).abs() / exact;
            assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}): {error:e}");
        }
    }

    #[test]
    fn f64_is_within_two_units_in_the_last_place() {
        for i in -70_000..=70_000 {
            let x = f64::from(i) * 1e-2;
            let error = (exp_f64(x) - x.exp()).abs() / x.exp();
            assert!(error < 2.0 * f64::EPSILON, "exp({x}): {error:e}");
        }
    }

    #[test]
    fn the_ends_are_zero_infinite_and_nan() {
        assert_eq!(exp_f32(-200.0), 0.0);
        assert_eq!(exp_f32(200.0), f32::INFINITY);
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert!(exp_f32(f32::NAN).is_nan());
        assert_eq!(exp_f64(-800.0), 0.0);
        assert_eq!(exp_f64(800.0), f64::INFINITY);
        assert!(exp_f64(f64::NAN).is_nan());
        assert_eq!(exp_f64(0.0), 1.0);
    }
}
