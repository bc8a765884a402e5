//! Activation functions and their derivatives.

use std::fmt;
use std::str::FromStr;

use pulp::{Arch, Simd, WithSimd};

use super::Scalar;

/// An element-wise activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x`
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `x · sigmoid(x)`, as BIMT's networks have it.
    Silu,
    /// `x · Φ(x)` through the error function.
    Gelu,
    /// GELU in its tanh form (`gelu_new`), computed as `x · sigmoid(2u)`,
    /// `u = √(2/π) (x + 0.044715 x³)`, which is the same function.
    GeluTanh,
    /// `tanh(x)`
    Tanh,
    /// `1 / (1 + e^{-x})`
    Sigmoid,
}

/// Every activation, with the names it goes by in configuration files; the
/// first is ours.
const NAMES: [(Activation, &[&str]); 7] = [
    (Activation::Identity, &["identity", "linear", "none"]),
    (Activation::Relu, &["relu"]),
    (Activation::Silu, &["silu", "swish"]),
    (Activation::Gelu, &["gelu", "gelu_erf"]),
    (
        Activation::GeluTanh,
        &["gelu_tanh", "gelu_new", "gelu_pytorch_tanh", "gelu_fast"],
    ),
    (Activation::Tanh, &["tanh"]),
    (Activation::Sigmoid, &["sigmoid", "logistic"]),
];

impl Activation {
    /// Our name of every activation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, names)| names[0])
    }

    /// Applies the function to every element, in place.
    pub fn apply<T: Scalar>(self, xs: &mut [T]) {
        match self {
            Self::Identity => {}
            Self::Relu => xs.iter_mut().for_each(|x| *x = x.max(T::zero())),
            Self::Silu => by_blocks(xs, |x, s| x * s, |x| x),
            Self::GeluTanh => by_blocks(xs, |x, s| x * s, gelu_argument),
            Self::Sigmoid => by_blocks(xs, |_, s| s, |x| x),
            Self::Gelu => xs.iter_mut().for_each(|x| *x = *x * normal_cdf(*x)),
            Self::Tanh => xs.iter_mut().for_each(|x| *x = x.tanh()),
        }
    }

    /// Applies the function to every element, in place, and writes its derivative
    /// there into `derivatives`, which is as long.
    pub fn apply_with_derivative<T: Scalar>(self, xs: &mut [T], derivatives: &mut [T]) {
        let one = T::one();
        if self == Self::Silu {
            let pairs = |x: T, s: T| (x * s, s * (one + x * (one - s)));
            return with_sigmoid(xs, derivatives, pairs);
        }
        for (derivative, x) in derivatives.iter_mut().zip(&*xs) {
            *derivative = self.derivative(*x);
        }
        self.apply(xs);
    }

    /// The function at one point.
    pub fn at<T: Scalar>(self, x: T) -> T {
        let mut one = [x];
        self.apply(&mut one);
        one[0]
    }

    /// Multiplies every gradient by the derivative at its `x`; both of the same length.
    pub fn multiply_by_derivative<T: Scalar>(self, gradients: &mut [T], xs: &[T]) {
        let one = T::one();
        match self {
            Self::Silu => with_sigmoids(gradients, xs, |x| x, |x, s| s * (one + x * (one - s))),
            Self::GeluTanh => with_sigmoids(gradients, xs, gelu_argument, |x, s| {
                s + x * s * (one - s) * gelu_argument_slope(x)
            }),
            _ => gradients
                .iter_mut()
                .zip(xs)
                .for_each(|(g, x)| *g *= self.derivative(*x)),
        }
    }

    /// The derivative at `x`; at a kink, the value from the left.
    pub fn derivative<T: Scalar>(self, x: T) -> T {
        let one = T::one();
        match self {
            Self::Identity => one,
            Self::Relu => {
                if x > T::zero() {
                    one
                } else {
                    T::zero()
                }
            }
            Self::Silu => {
                let s = sigmoid(x);
                s * (one + x * (one - s))
            }
            Self::Gelu => normal_cdf(x) + x * normal_density(x),
            Self::GeluTanh => {
                let s = sigmoid(gelu_argument(x));
                s + x * s * (one - s) * gelu_argument_slope(x)
            }
            Self::Tanh => one - x.tanh() * x.tanh(),
            Self::Sigmoid => sigmoid(x) * (one - sigmoid(x)),
        }
    }
}

/// Numbers whose exponentials are computed together, in cache.
const BLOCK: usize = 256;

/// Computes `combine(x, sigmoid(argument(x)))` over `xs`, a block at a time so
/// that the exponential vectorises and stays in cache.
fn by_blocks<T: Scalar>(xs: &mut [T], combine: impl Fn(T, T) -> T, argument: impl Fn(T) -> T) {
    let mut exponentials = [T::zero(); BLOCK];
    for block in xs.chunks_mut(BLOCK) {
        let exponentials = &mut exponentials[..block.len()];
        for (e, x) in exponentials.iter_mut().zip(&*block) {
            *e = -argument(*x);
        }
        T::exp_in_place(exponentials);
        for (x, e) in block.iter_mut().zip(&*exponentials) {
            *x = combine(*x, T::one() / (T::one() + *e));
        }
    }
}

/// Computes a value and a derivative from `x` and `sigmoid(x)`.
fn with_sigmoid<T: Scalar>(xs: &mut [T], derivatives: &mut [T], pair: impl Fn(T, T) -> (T, T)) {
    for (x, derivative) in xs.iter().zip(&mut *derivatives) {
        *derivative = -*x;
    }
    T::exp_in_place(derivatives);
    Arch::new().dispatch(Pairs {
        xs,
        derivatives,
        pair,
    });
}

/// The part of [`with_sigmoid`] after the exponentials.
struct Pairs<'v, T, F> {
    xs: &'v mut [T],
    derivatives: &'v mut [T],
    pair: F,
}

impl<T: Scalar, F: Fn(T, T) -> (T, T)> WithSimd for Pairs<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (x, derivative) in self.xs.iter_mut().zip(self.derivatives) {
            (*x, *derivative) = (self.pair)(*x, T::one() / (T::one() + *derivative));
        }
    }
}

/// Multiplies gradients by `slope(x, sigmoid(argument(x)))`, a block at a time.
fn with_sigmoids<T: Scalar>(
    gradients: &mut [T],
    xs: &[T],
    argument: impl Fn(T) -> T,
    slope: impl Fn(T, T) -> T,
) {
    let mut exponentials = [T::zero(); BLOCK];
    for (gradients, xs) in gradients.chunks_mut(BLOCK).zip(xs.chunks(BLOCK)) {
        let exponentials = &mut exponentials[..xs.len()];
        for (e, x) in exponentials.iter_mut().zip(xs) {
            *e = -argument(*x);
        }
        T::exp_in_place(exponentials);
        for ((g, x), e) in gradients.iter_mut().zip(xs).zip(&*exponentials) {
            *g *= slope(*x, T::one() / (T::one() + *e));
        }
    }
}

fn sigmoid<T: Scalar>(x: T) -> T {
    T::one() / (T::one() + (-x).exp())
}

/// `2 √(2/π) (x + 0.044715 x³)`
fn gelu_argument<T: Scalar>(x: T) -> T {
    T::from_f64(2.0 * SQRT_2_OVER_PI) * (x + T::from_f64(0.044_715) * x * x * x)
}

fn gelu_argument_slope<T: Scalar>(x: T) -> T {
    T::from_f64(2.0 * SQRT_2_OVER_PI) * (T::one() + T::from_f64(3.0 * 0.044_715) * x * x)
}

const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;

fn normal_cdf<T: Scalar>(x: T) -> T {
    T::from_f64(0.5) * (T::one() + (x * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erf())
}

fn normal_density<T: Scalar>(x: T) -> T {
    T::from_f64(0.5 * SQRT_2_OVER_PI) * (-x * x * T::from_f64(0.5)).exp()
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = NAMES.iter().find(|(activation, _)| activation == self);
        f.write_str(found.map_or("unknown", |(_, names)| names[0]))
    }
}

impl FromStr for Activation {
    type Err = UnknownActivation;

    fn from_str(text: &str) -> Result<Self, UnknownActivation> {
        let wanted = text.to_ascii_lowercase().replace('-', "_");
        NAMES
            .iter()
            .find(|(_, names)| names.contains(&wanted.as_str()))
            .map(|(activation, _)| *activation)
            .ok_or_else(|| UnknownActivation(text.to_owned()))
    }
}

/// A name that no activation goes by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an activation this tool knows (known: {known})", known = Activation::names().collect::<Vec<_>>().join(", "))]
pub struct UnknownActivation(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = Activation> {
        NAMES.iter().map(|(activation, _)| *activation)
    }

    #[test]
    fn values_worked_out_by_hand() {
        let check = |activation: Activation, x: f64, expected: f64| {
            let got = activation.at(x);
            assert!((got - expected).abs() < 1e-12, "{activation}({x}) = {got}");
            let single = activation.at(x as f32);
            assert!(
                (f64::from(single) - expected).abs() < 1e-6,
                "{activation}({x}) = {single}"
            );
        };
        check(Activation::Identity, -1.5, -1.5);
        check(Activation::Relu, -1.5, 0.0);
        check(Activation::Silu, 1.0, 0.731_058_578_630_004_9);
        check(Activation::Silu, -1000.0, 0.0);
        check(Activation::Gelu, 1.0, 0.841_344_746_068_542_9);
        check(Activation::GeluTanh, 1.0, 0.841_191_990_608_276_7);
        check(Activation::Tanh, 0.5, 0.462_117_157_260_009_8);
        check(Activation::Sigmoid, 0.0, 0.5);
    }

    #[test]
    fn derivatives_are_the_slopes() {
        for activation in all() {
            for i in -40..=40 {
                let x = f64::from(i) * 0.1 + 0.03;
                let slope = (activation.at(x + 1e-6) - activation.at(x - 1e-6)) / 2e-6;
                let derivative = activation.derivative(x);
                assert!(
                    (slope - derivative).abs() < 1e-8,
                    "{activation}'({x}): {derivative} against {slope}"
                );
            }
        }
    }

    #[test]
    fn values_and_derivatives_together_are_the_same() {
        for activation in all() {
            let mut xs: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.1).collect();
            let expected: Vec<f64> = xs.iter().map(|x| activation.at(*x)).collect();
            let slopes: Vec<f64> = xs.iter().map(|x| activation.derivative(*x)).collect();
            let mut derivatives = vec![0.0; xs.len()];
            activation.apply_with_derivative(&mut xs, &mut derivatives);
            assert_eq!(xs, expected, "{activation}");
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-14;
            assert!(derivatives.iter().zip(&slopes).all(close), "{activation}");
        }
    }

    #[test]
    fn names_round_trip() {
        for activation in all() {
            assert_eq!(activation.to_string().parse(), Ok(activation));
        }
        assert_eq!("GELU-new".parse(), Ok(Activation::GeluTanh));
        assert!("bogus".parse::<Activation>().is_err());
    }
}
