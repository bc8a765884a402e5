//! Activation functions and their derivatives.
//!
//! A value that is not a number stays one through all of them, as in IEEE
//! arithmetic: a damaged weight is never made whole by a `max`.

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
    /// `max(x, 0)²`
    SquaredRelu,
    /// `x` above 0, a slope times `x` below.
    LeakyRelu(Parameter),
    /// `min(max(x, 0), 6)`
    Relu6,
    /// `x` above 0, `α (e^x − 1)` below.
    Elu(Parameter),
    /// ELU with the fixed scale and α of self-normalising networks.
    Selu,
    /// `ln(1 + e^x)`
    Softplus,
    /// `x / (1 + |x|)`
    Softsign,
    /// `x · tanh(softplus(x))`
    Mish,
    /// `x` between −1 and 1, and these beyond.
    Hardtanh,
    /// `min(max(x + 3, 0), 6) / 6`
    Hardsigmoid,
    /// `x · hardsigmoid(x)`
    Hardswish,
    /// `x · sigmoid(x)`, as BIMT's networks have it.
    Silu,
    /// `x · Φ(x)` through the error function.
    Gelu,
    /// GELU in its tanh form (`gelu_new`), computed as `x · sigmoid(2u)`,
    /// `u = √(2/π) (x + 0.044715 x³)`, which is the same function.
    GeluTanh,
    /// `x · sigmoid(1.702 x)`
    QuickGelu,
    /// `tanh(x)`
    Tanh,
    /// `1 / (1 + e^{-x})`
    Sigmoid,
}

/// A number of an activation's own: a slope or an α. Two are equal where their
/// bits are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameter(u64);

impl Parameter {
    /// PyTorch's slope of a leaky ReLU.
    pub const LEAK: f64 = 0.01;
    /// PyTorch's α of an ELU.
    pub const ALPHA: f64 = 1.0;

    /// A parameter of this value.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self(value.to_bits())
    }

    /// Its value.
    #[must_use]
    pub const fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

/// Every activation, with the names it goes by in configuration files; the
/// first is ours. Those with a parameter have PyTorch's default here.
const NAMES: [(Activation, &[&str]); 19] = [
    (Activation::Identity, &["identity", "linear", "none"]),
    (Activation::Relu, &["relu"]),
    (
        Activation::LeakyRelu(Parameter::new(Parameter::LEAK)),
        &["leaky_relu", "leakyrelu"],
    ),
    (Activation::Relu6, &["relu6"]),
    (Activation::SquaredRelu, &["squared_relu", "relu2"]),
    (Activation::Elu(Parameter::new(Parameter::ALPHA)), &["elu"]),
    (Activation::Selu, &["selu"]),
    (Activation::Softplus, &["softplus"]),
    (Activation::Softsign, &["softsign"]),
    (Activation::Mish, &["mish"]),
    (Activation::Hardtanh, &["hardtanh", "hard_tanh"]),
    (Activation::Hardsigmoid, &["hardsigmoid", "hard_sigmoid"]),
    (
        Activation::Hardswish,
        &["hardswish", "hard_swish", "hardsilu"],
    ),
    (Activation::Silu, &["silu", "swish"]),
    (Activation::Gelu, &["gelu", "gelu_erf", "gelu_python"]),
    (
        Activation::GeluTanh,
        &[
            "gelu_tanh",
            "gelu_new",
            "gelu_pytorch_tanh",
            "gelu_fast",
            "gelu_accurate",
            "gelu_python_tanh",
        ],
    ),
    (Activation::QuickGelu, &["quick_gelu", "gelu_quick"]),
    (Activation::Tanh, &["tanh"]),
    (Activation::Sigmoid, &["sigmoid", "logistic"]),
];

/// The scale and α of Klambauer et al. 2017.
pub(crate) const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
pub(crate) const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const QUICK: f64 = 1.702;

impl Activation {
    /// Our name of every activation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, names)| names[0])
    }

    /// The same function with another slope or α; `None` where it has none.
    #[must_use]
    pub fn with_parameter(self, value: f64) -> Option<Self> {
        match self {
            Self::LeakyRelu(_) => Some(Self::LeakyRelu(Parameter::new(value))),
            Self::Elu(_) => Some(Self::Elu(Parameter::new(value))),
            _ => None,
        }
    }

    /// Its slope or α, where it has one.
    #[must_use]
    pub fn parameter(self) -> Option<f64> {
        match self {
            Self::LeakyRelu(parameter) | Self::Elu(parameter) => Some(parameter.value()),
            _ => None,
        }
    }

    /// Whether all its derivatives are continuous: no kink, and no bend of a kink.
    #[must_use]
    pub fn is_smooth(self) -> bool {
        match self {
            Self::Identity
            | Self::Softplus
            | Self::Mish
            | Self::Silu
            | Self::Gelu
            | Self::GeluTanh
            | Self::QuickGelu
            | Self::Tanh
            | Self::Sigmoid => true,
            Self::Relu
            | Self::SquaredRelu
            | Self::LeakyRelu(_)
            | Self::Relu6
            | Self::Elu(_)
            | Self::Selu
            | Self::Softsign
            | Self::Hardtanh
            | Self::Hardsigmoid
            | Self::Hardswish => false,
        }
    }

    /// Applies the function to every element, in place.
    pub fn apply<T: Scalar>(self, xs: &mut [T]) {
        let (zero, one) = (T::zero(), T::one());
        let each = |xs: &mut [T], f: &dyn Fn(T) -> T| xs.iter_mut().for_each(|x| *x = f(*x));
        match self {
            Self::Identity => {}
            Self::Relu => xs.iter_mut().for_each(|x| *x = above(*x, zero)),
            Self::SquaredRelu => each(xs, &|x| above(x, zero) * above(x, zero)),
            Self::LeakyRelu(slope) => {
                let slope = T::from_f64(slope.value());
                each(xs, &|x| if x < zero { slope * x } else { x });
            }
            Self::Relu6 => each(xs, &|x| clamped(x, zero, T::from_f64(6.0))),
            Self::Elu(alpha) => {
                let alpha = T::from_f64(alpha.value());
                each(xs, &|x| if x < zero { alpha * x.exp_m1() } else { x });
            }
            Self::Selu => each(xs, &selu),
            Self::Softplus => each(xs, &softplus),
            Self::Softsign => each(xs, &|x| x / (one + x.abs())),
            Self::Mish => each(xs, &|x| x * softplus(x).tanh()),
            Self::Hardtanh => each(xs, &|x| clamped(x, -one, one)),
            Self::Hardsigmoid => each(xs, &hardsigmoid),
            Self::Hardswish => each(xs, &|x| x * hardsigmoid(x)),
            Self::Silu => by_blocks(xs, |x, s| x * s, |x| x),
            Self::GeluTanh => by_blocks(xs, |x, s| x * s, gelu_argument),
            Self::QuickGelu => by_blocks(xs, |x, s| x * s, |x| T::from_f64(QUICK) * x),
            Self::Sigmoid => by_blocks(xs, |_, s| s, |x| x),
            Self::Gelu => each(xs, &|x| x * normal_cdf(x)),
            Self::Tanh => each(xs, &|x| x.tanh()),
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

    /// What no derivative exceeds in size; `None` where they grow without end.
    #[must_use]
    pub fn steepest(self) -> Option<f64> {
        Some(match self {
            Self::SquaredRelu => return None,
            Self::LeakyRelu(slope) => slope.value().abs().max(1.0),
            Self::Elu(alpha) => alpha.value().abs().max(1.0),
            Self::Selu => SELU_SCALE * SELU_ALPHA,
            Self::Mish => 1.0885,
            Self::Hardsigmoid => 1.0 / 6.0,
            Self::Hardswish => 1.5,
            Self::Silu | Self::QuickGelu => 1.0999,
            Self::Gelu => 1.1290,
            Self::GeluTanh => 1.1291,
            Self::Sigmoid => 0.25,
            Self::Identity
            | Self::Relu
            | Self::Relu6
            | Self::Softplus
            | Self::Softsign
            | Self::Hardtanh
            | Self::Tanh => 1.0,
        })
    }

    /// The derivative at `x`; at a kink, the value from the left.
    pub fn derivative<T: Scalar>(self, x: T) -> T {
        let (zero, one) = (T::zero(), T::one());
        let between = |low: T, high: T| if x > low && x <= high { one } else { zero };
        match self {
            Self::Identity => one,
            Self::Relu => above_slope(x, zero),
            Self::SquaredRelu => T::from_f64(2.0) * above(x, zero),
            Self::LeakyRelu(slope) => above_slope(x, T::from_f64(slope.value())),
            Self::Relu6 => between(zero, T::from_f64(6.0)),
            Self::Elu(alpha) => above_slope(x, T::from_f64(alpha.value()) * x.exp()),
            Self::Selu => {
                let scale = T::from_f64(SELU_SCALE);
                scale * above_slope(x, T::from_f64(SELU_ALPHA) * x.exp())
            }
            Self::Softplus => sigmoid(x),
            Self::Softsign => {
                let size = one + x.abs();
                one / (size * size)
            }
            Self::Mish => {
                let t = softplus(x).tanh();
                t + x * (one - t * t) * sigmoid(x)
            }
            Self::Hardtanh => between(-one, one),
            Self::Hardsigmoid => hardsigmoid_slope(x),
            Self::Hardswish => hardsigmoid(x) + x * hardsigmoid_slope(x),
            Self::Silu => {
                let s = sigmoid(x);
                s * (one + x * (one - s))
            }
            Self::Gelu => normal_cdf(x) + x * normal_density(x),
            Self::GeluTanh => {
                let s = sigmoid(gelu_argument(x));
                s + x * s * (one - s) * gelu_argument_slope(x)
            }
            Self::QuickGelu => {
                let quick = T::from_f64(QUICK);
                let s = sigmoid(quick * x);
                s * (one + quick * x * (one - s))
            }
            Self::Tanh => one - x.tanh() * x.tanh(),
            Self::Sigmoid => sigmoid(x) * (one - sigmoid(x)),
        }
    }
}

/// The larger of `x` and `low`, and `x` where it is not a number.
fn above<T: Scalar>(x: T, low: T) -> T {
    if x < low { low } else { x }
}

/// `x` within bounds, and itself where it is not a number.
fn clamped<T: Scalar>(x: T, low: T, high: T) -> T {
    let x = above(x, low);
    if x > high { high } else { x }
}

/// 1 above 0, `below` elsewhere.
fn above_slope<T: Scalar>(x: T, below: T) -> T {
    if x > T::zero() { T::one() } else { below }
}

fn selu<T: Scalar>(x: T) -> T {
    let below = T::from_f64(SELU_ALPHA) * x.exp_m1();
    T::from_f64(SELU_SCALE) * if x < T::zero() { below } else { x }
}

/// `max(x, 0) + ln(1 + e^{−|x|})`: the same function, and nothing overflows.
fn softplus<T: Scalar>(x: T) -> T {
    above(x, T::zero()) + (-x.abs()).exp().ln_1p()
}

fn hardsigmoid<T: Scalar>(x: T) -> T {
    let six = T::from_f64(6.0);
    clamped(x + T::from_f64(3.0), T::zero(), six) / six
}

fn hardsigmoid_slope<T: Scalar>(x: T) -> T {
    let three = T::from_f64(3.0);
    if x > -three && x <= three {
        T::from_f64(1.0 / 6.0)
    } else {
        T::zero()
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
    /// The name, and behind a colon a parameter that is not PyTorch's default.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let same_kind = |other: Self| match self.parameter() {
            Some(value) => other.with_parameter(value) == Some(*self),
            None => other == *self,
        };
        let Some((usual, names)) = NAMES.iter().find(|(other, _)| same_kind(*other)) else {
            unreachable!("every activation is in the table of names: a test goes through them");
        };
        f.write_str(names[0])?;
        match self.parameter().filter(|_| usual != self) {
            Some(value) => write!(f, ":{value}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Activation {
    type Err = UnknownActivation;

    /// A name, in any case, with `-` for `_`; `leaky_relu:0.2` and `elu:1.5` have
    /// another parameter than PyTorch's.
    fn from_str(text: &str) -> Result<Self, UnknownActivation> {
        let unknown = || UnknownActivation(text.to_owned());
        let (name, parameter) = match text.split_once(':') {
            Some((name, value)) => (name, Some(value.parse::<f64>().map_err(|_| unknown())?)),
            None => (text, None),
        };
        let wanted = name.trim().to_ascii_lowercase().replace('-', "_");
        let found = NAMES
            .iter()
            .find(|(_, names)| names.contains(&wanted.as_str()))
            .map(|(activation, _)| *activation)
            .ok_or_else(unknown)?;
        match parameter {
            Some(value) if value.is_finite() => found.with_parameter(value).ok_or_else(unknown),
            Some(_) => Err(unknown()),
            None => Ok(found),
        }
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
        let named = |name: &str| name.parse::<Activation>().unwrap();
        check(named("leaky_relu:0.2"), -1.5, -0.3);
        check(named("elu:1.5"), -1.0, 1.5 * ((-1.0_f64).exp() - 1.0));
        check(named("selu"), 2.0, 2.0 * SELU_SCALE);
        check(named("softplus"), 0.0, std::f64::consts::LN_2);
        check(named("softplus"), 1000.0, 1000.0);
        check(named("softsign"), -3.0, -0.75);
        check(named("mish"), 1.0, 0.865_098_388_267_226_4);
        check(named("relu6"), 7.0, 6.0);
        check(named("hardtanh"), -1.5, -1.0);
        check(named("hardsigmoid"), 1.5, 0.75);
        check(named("hardswish"), 1.5, 1.125);
        check(named("quick_gelu"), 1.0, 1.0 / (1.0 + (-1.702_f64).exp()));
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        fn check<T: Scalar>(activation: Activation) {
            // Long enough for the vectorised paths, and in every place of them.
            for place in 0..40 {
                let mut xs = vec![T::one(); 40];
                xs[place] = T::nan();
                activation.apply(&mut xs);
                assert!(xs[place].is_nan(), "{activation} in {}", T::NAME);
                let others = xs.iter().enumerate().filter(|(other, _)| *other != place);
                assert!(others.map(|(_, x)| *x).all(|x| x.is_finite()));
            }
        }
        for activation in all() {
            check::<f32>(activation);
            check::<f64>(activation);
        }
    }

    /// No slope is steeper, and the steepest is nearly so.
    #[test]
    fn the_steepest_slope_is_that() {
        for activation in all() {
            let Some(steepest) = activation.steepest() else {
                assert_eq!(activation, Activation::SquaredRelu);
                continue;
            };
            let slopes = (-40_000..=40_000).map(|i| activation.derivative(f64::from(i) * 1e-3));
            let found = slopes.map(f64::abs).fold(0.0, f64::max);
            assert!(
                found <= steepest && found > 0.999 * steepest,
                "{activation} {found}"
            );
        }
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
        for text in ["leaky_relu:0.2", "elu:1.5", "elu:-0.5"] {
            assert_eq!(text.parse::<Activation>().unwrap().to_string(), text);
        }
        for wrong in ["relu:0.2", "elu:", "elu:nan", "leaky_relu:inf", ""] {
            assert!(wrong.parse::<Activation>().is_err(), "{wrong}");
        }
        assert_eq!("GELU-new".parse(), Ok(Activation::GeluTanh));
        assert!("bogus".parse::<Activation>().is_err());
    }
}
