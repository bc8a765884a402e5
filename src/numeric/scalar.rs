//! The two precisions in which networks are computed.

use ndarray::NdFloat;

use super::exp;

/// `f32` or `f64`.
pub trait Scalar: NdFloat + Default + std::iter::Sum {
    /// The name a tensor of this type has in a file: `f32`, `f64`.
    const NAME: &'static str;

    /// Rounds to this precision.
    fn from_f64(x: f64) -> Self;

    /// Exact.
    fn widen(self) -> f64;

    /// `e^x` of every element, in place, within 2 units in the last place;
    /// vectorised, and the same bits on every machine.
    fn exp_in_place(xs: &mut [Self]);

    /// The error function.
    fn erf(self) -> Self;
}

impl Scalar for f32 {
    const NAME: &'static str = "f32";

    fn from_f64(x: f64) -> Self {
        x as Self
    }

    fn widen(self) -> f64 {
        f64::from(self)
    }

    fn exp_in_place(xs: &mut [Self]) {
        exp::f32_in_place(xs);
    }

    fn erf(self) -> Self {
        libm::erff(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "f64";

    fn from_f64(x: f64) -> Self {
        x
    }

    fn widen(self) -> f64 {
        self
    }

    fn exp_in_place(xs: &mut [Self]) {
        exp::f64_in_place(xs);
    }

    fn erf(self) -> Self {
        libm::erf(self)
    }
}
