//! Activations as functions of real numbers: value, slope and bend, and their ranges.
//!
//! Slope and bend of each smooth activation turn at a few places and are monotone between,
//! so that a range is the hull of the ends and of the turns inside. The places stand in
//! [`Curve::turns`]; a test proves by interval arithmetic that there are no others.

use crate::interval::I;

/// What a neuron computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    Identity,
    Relu,
    Silu,
    Gelu,
    GeluTanh,
    Tanh,
    Sigmoid,
}

/// Value, slope and bend at a place, or their ranges over an interval.
pub(crate) type Jet = [I; 3];

/// Places are known to this, and values at a turn to its square.
const HAIR: f64 = 1e-12;
const AT_A_TURN: f64 = 1e-20;

fn one() -> I {
    I::point(1.0)
}

/// 1 / (1 + e⁻ˣ) and 1 / (1 + eˣ)
fn sigmoids(x: I) -> [I; 2] {
    [(one() + (-x).exp()).recip(), (one() + x.exp()).recip()]
}

/// The standard normal density, and the probability of less than x.
fn normal(x: f64) -> [I; 2] {
    let square = I::point(x).square();
    // 1 / √(2π)
    let density = (square * -0.5).exp() * I::new(0.398_942_280_401_432_6, 0.398_942_280_401_432_8);
    if x.abs() < 6.0 {
        // Φ(x) = ½ + φ(x) Σ x^(2n+1) / (1·3·5 … (2n+1)); after 80 terms a term is under half of
        // the one before, for x² < 36 and 2n + 3 > 163.
        let (mut term, mut sum) = (I::point(x), I::point(x));
        for n in 1..80 {
            term = (term * square).over(f64::from(2 * n + 1));
            sum = sum + term;
        }
        sum = sum + I::around_zero(term.magnitude());
        return [density, I::point(0.5) + density * sum];
    }
    // Φ(−x) = φ(x) / x · (1 − 1/x² + 1·3/x⁴ − …), between any two neighbouring partial sums.
    let inverse = I::point(x.abs()).recip();
    let (mut term, mut sum, mut before) = (one(), one(), one());
    for n in 1..16 {
        term = term * -(inverse.square() * f64::from(2 * n - 1));
        (before, sum) = (sum, sum + term);
    }
    let tail = density * inverse * sum.hull(before);
    let tail = I::new(tail.lo.max(0.0), tail.hi);
    [density, if x < 0.0 { tail } else { one() - tail }]
}

impl Curve {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "identity" | "linear" | "none" => Self::Identity,
            "relu" => Self::Relu,
            "silu" | "swish" => Self::Silu,
            "gelu" | "gelu_erf" => Self::Gelu,
            "gelu_tanh" | "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Self::GeluTanh,
            "tanh" => Self::Tanh,
            "sigmoid" | "logistic" => Self::Sigmoid,
            _ => return None,
        })
    }

    /// Beyond ± this, value, slope and bend are within 1e-200 · (1 + |x|) of their limits.
    fn end(self) -> f64 {
        match self {
            Self::Identity | Self::Relu => f64::INFINITY,
            Self::Silu | Self::Sigmoid => 690.0,
            Self::Gelu => 37.0,
            Self::GeluTanh => 20.0,
            Self::Tanh => 345.0,
        }
    }

    /// Where value, slope and bend turn.
    fn turns(self) -> [&'static [f64]; 3] {
        const ROOT: f64 = std::f64::consts::SQRT_2;
        match self {
            Self::Identity | Self::Relu => [&[], &[], &[]],
            Self::Silu => [
                &[-1.278_464_542_761_074],
                &[-2.399_357_280_515_467_7, 2.399_357_280_515_467_7],
                &[-3.435_840_993_535_11, 0.0, 3.435_840_993_535_11],
            ],
            Self::Gelu => [&[-0.751_791_524_693_564_5], &[-ROOT, ROOT], &[-2.0, 0.0, 2.0]],
            Self::GeluTanh => [
                &[-0.752_461_422_071_016_3],
                &[-1.418_504_008_790_828_4, 1.418_504_008_790_828_4],
                &[-2.013_480_724_624_258, 0.0, 2.013_480_724_624_258],
            ],
            Self::Tanh => [&[], &[0.0], &[-0.658_478_948_462_408_4, 0.658_478_948_462_408_4]],
            Self::Sigmoid => [&[], &[0.0], &[-1.316_957_896_924_816_7, 1.316_957_896_924_816_7]],
        }
    }

    /// A bound on the third derivative everywhere: proved in a test.
    pub fn third(self) -> f64 {
        match self {
            Self::Identity | Self::Relu => 0.0,
            Self::Silu => 0.31,
            Self::Gelu | Self::GeluTanh => 0.78,
            Self::Tanh => 2.01,
            Self::Sigmoid => 0.126,
        }
    }

    /// At a place.
    pub fn at(self, x: f64) -> Jet {
        if self == Self::Relu {
            return [I::point(x.max(0.0)), I::new(0.0, 1.0), I::WHOLE];
        }
        if x.abs() > self.end() {
            return self.beyond(x);
        }
        if self == Self::Gelu {
            let [density, below] = normal(x);
            let bend = density * (I::point(2.0) - I::point(x).square());
            return [below * x, below + density * x, bend];
        }
        let mut jet = self.over(I::point(x));
        if self != Self::Tanh && self != Self::Sigmoid {
            return jet;
        }
        // Two formulas for one value: near 0 the difference, and never beyond the limits.
        let least = if self == Self::Tanh { -1.0 } else { 0.0 };
        jet[0] = jet[0].meet(I::new(least, 1.0));
        jet
    }

    /// Formulas over an interval: sound, and narrow where that is.
    fn over(self, x: I) -> Jet {
        let [s, q] = sigmoids(if self == Self::Tanh { x * 2.0 } else { x });
        let (sq, t) = (s * q, q - s);
        match self {
            Self::Silu => [x * s, s + x * sq, sq * (x * t + I::point(2.0))],
            Self::Sigmoid => [s, sq, sq * t],
            Self::Tanh => [s - q, sq * 4.0, sq * t * 8.0],
            Self::GeluTanh => {
                let ([_, du, ddu, _], [g, gg, _], s) = gelu_tanh(x);
                let first = g * du;
                let second = gg * du * du + g * ddu;
                [x * s, s + x * first, first * 2.0 + x * second]
            }
            Self::Identity => [x, one(), I::ZERO],
            Self::Relu | Self::Gelu => [I::WHOLE; 3],
        }
    }

    fn beyond(self, x: f64) -> Jet {
        let small = I::around_zero(1e-200);
        let up = x > 0.0;
        match self {
            Self::Tanh => [I::point(x.signum()) + small, small, small],
            Self::Sigmoid => [I::point(f64::from(u8::from(up))) + small, small, small],
            _ if up => [I::new(x.next_down(), x), one() + small, small],
            _ => [small, small, small],
        }
    }

    /// Ranges over an interval.
    pub fn range(self, x: I) -> Jet {
        match self {
            Self::Identity => return [x, one(), I::ZERO],
            Self::Relu => {
                return [I::new(x.lo.max(0.0), x.hi.max(0.0)), I::new(0.0, 1.0), I::WHOLE];
            }
            _ if !(x.lo.is_finite() && x.hi.is_finite()) => return [I::WHOLE; 3],
            _ => {}
        }
        let (low, high) = (self.at(x.lo), self.at(x.hi));
        let turns = self.turns();
        std::array::from_fn(|k| {
            let inside = |at: &&f64| x.lo <= **at + HAIR && **at - HAIR <= x.hi;
            turns[k].iter().filter(inside).fold(low[k].hull(high[k]), |found, at| {
                found.hull(self.at(*at)[k] + I::around_zero(AT_A_TURN))
            })
        })
    }
}

/// u with GELU = x · s(u) and its derivatives, the first three of s at u, and s.
fn gelu_tanh(x: I) -> ([I; 4], [I; 3], I) {
    // 2 √(2/π)
    let k = I::new(1.595_769_121_605_730_3, 1.595_769_121_605_731);
    let c = I::new(0.044_714_999_999_999_99, 0.044_715_000_000_000_01);
    let square = x.square();
    let u = k * x * (c * square + one());
    let du = k * (c * square * 3.0 + one());
    let ddu = k * c * x * 6.0;
    let [s, q] = sigmoids(u);
    let (sq, t) = (s * q, q - s);
    let third = sq * (t.square() - sq * 2.0);
    ([u, du, ddu, k * c * 6.0], [sq, sq * t, third], s)
}

#[cfg(test)]
#[path = "tests/curve.rs"]
mod tests;
