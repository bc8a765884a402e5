//! How far a network, evaluated in floating point, may be from the same network as a
//! function of real numbers.
//!
//! The bound holds for every order of summation, with or without fused
//! multiplication, for every input of a box whose numbers are of the type: it is the
//! classical forward error analysis (Higham, Accuracy and Stability of Numerical
//! Algorithms, 2002, section 3.1) over magnitudes that the box allows. It
//! deliberately does not look at the signs of weights: it is simple, and loose where
//! magnitudes are.

use super::Inputs;
use crate::choice::Arithmetic;
use crate::model::Mlp;
use crate::numeric::Activation;

/// Units of rounding that an implementation of an activation may be off by.
const ACTIVATION_UNITS: f64 = 16.0;

/// The bound itself is summed in f64: this covers its own rounding.
const OUTWARD: f64 = 1.0 + 1e-6;

impl Arithmetic {
    /// Half the distance of two neighbouring numbers near 1; 0 for real numbers.
    #[must_use]
    pub fn unit(self) -> f64 {
        match self {
            Self::Real => 0.0,
            Self::F32 => f64::from(f32::EPSILON) / 2.0,
            Self::F64 => f64::EPSILON / 2.0,
        }
    }

    /// The smallest magnitude above which numbers have all their digits.
    fn least_normal(self) -> f64 {
        match self {
            Self::Real => 0.0,
            Self::F32 => f64::from(f32::MIN_POSITIVE),
            Self::F64 => f64::MIN_POSITIVE,
        }
    }
}

/// A neuron's value: how large it may be, and how far off it may be computed.
#[derive(Debug, Clone, Copy)]
struct Value {
    most: f64,
    error: f64,
}

/// Per output, an upper bound on |computed − exact| over the physical box `inputs`.
///
/// Infinite where numbers may overflow.
#[must_use]
pub fn rounding(model: &Mlp<f64>, inputs: &Inputs, arithmetic: Arithmetic) -> Vec<f64> {
    if arithmetic == Arithmetic::Real {
        return vec![0.0; model.out_perm.len()];
    }
    let mut values: Vec<Value> = inputs
        .iter()
        .map(|[lo, hi]| Value {
            most: lo.abs().max(hi.abs()),
            error: 0.0,
        })
        .collect();
    for (place, layer) in model.layers.iter().enumerate() {
        let last = place + 1 == model.layers.len();
        let rows = layer.weight.rows().into_iter().zip(&layer.bias);
        values = rows
            .enumerate()
            .map(|(neuron, (weights, bias))| {
                let sum = summed(weights.iter().copied(), *bias, &values, arithmetic);
                match last {
                    true => sum,
                    false => activated(sum, model.activation.of(place, neuron), arithmetic),
                }
            })
            .collect();
    }
    values.iter().map(|value| value.error * OUTWARD).collect()
}

/// A weighted sum of values, with a bias.
fn summed(
    weights: impl Iterator<Item = f64>,
    bias: f64,
    values: &[Value],
    arithmetic: Arithmetic,
) -> Value {
    let (mut most, mut inherited) = (bias.abs(), 0.0);
    // What is times 0, or is 0, is added exactly; so is a value times 1 that stands alone.
    let (mut terms, mut copied) = (f64::from(u8::from(bias != 0.0)), bias == 0.0);
    for (weight, value) in weights.zip(values).filter(|(weight, _)| *weight != 0.0) {
        most += weight.abs() * value.most;
        inherited += weight.abs() * value.error;
        terms += 1.0;
        copied &= weight.abs() == 1.0 && terms == 1.0;
    }
    // γ_n = n u / (1 − n u), and what underflow may take from each product.
    let units = terms * arithmetic.unit();
    let gamma = match units < 1.0 {
        _ if copied => 0.0,
        true => units / (1.0 - units),
        false => f64::INFINITY,
    };
    let underflow = 2.0 * terms * arithmetic.least_normal();
    Value {
        most,
        error: inherited + gamma * (most + inherited) + underflow,
    }
}

/// A value after an activation: none of them is steeper than its slope here.
fn activated(value: Value, activation: Activation, arithmetic: Arithmetic) -> Value {
    let reach = value.most + value.error;
    let (slope, most, computed) = match activation {
        Activation::Identity | Activation::Relu => (1.0, value.most, false),
        Activation::Silu => (1.1, value.most, true),
        Activation::Gelu | Activation::GeluTanh => (1.13, value.most, true),
        Activation::Mish => (1.09, value.most, true),
        Activation::Tanh | Activation::Softsign => (1.0, value.most.min(1.0), true),
        Activation::Sigmoid => (0.25, 1.0, true),
        // ln(1 + eˣ) is at most ln 2 above |x|.
        Activation::Softplus => (1.0, value.most + 0.7, true),
        Activation::Elu(alpha) if alpha.value() == 1.0 => (1.0, value.most, true),
        Activation::SquaredRelu => (2.0 * reach, reach * reach, true),
        // No certificate is given of them: what can be is a sum of others.
        Activation::LeakyRelu(_)
        | Activation::Relu6
        | Activation::Elu(_)
        | Activation::Selu
        | Activation::Hardtanh
        | Activation::Hardsigmoid
        | Activation::Hardswish
        | Activation::QuickGelu => (f64::INFINITY, f64::INFINITY, true),
    };
    // eˣ − 1 may be computed as it stands.
    let least = match activation {
        Activation::Elu(_) | Activation::Mish => 1.0,
        _ => 0.0,
    };
    let own = match computed {
        true => {
            // |x| and not |f(x)|: a cancellation inside may lose digits of the former.
            let scale = most.max(reach).max(least);
            ACTIVATION_UNITS * arithmetic.unit() * scale + arithmetic.least_normal()
        }
        false => 0.0,
    };
    Value {
        most,
        error: slope * value.error + own,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};
    use proptest::prelude::*;

    use super::*;
    use crate::model::Linear;
    use crate::numeric::{Parameter, Rng};

    fn network(seed: u64, activation: Activation) -> Mlp<f32> {
        let mut rng = Rng::new(seed, 0);
        let widths = [3, 7, 5, 2];
        let layers = widths.windows(2).map(|w| Linear {
            weight: Array2::from_shape_fn((w[1], w[0]), |_| (3.0 * rng.normal()) as f32),
            bias: Array1::from_shape_fn(w[1], |_| rng.normal() as f32),
        });
        Mlp {
            embedding: None,
            in_perm: vec![0, 1, 2],
            folds: 1,
            layers: layers.collect(),
            activation: activation.into(),
            out_perm: vec![0, 1],
        }
    }

    #[test]
    fn a_sum_worked_out_by_hand() {
        // 2 x + 1 on [-1, 1]: of two terms, at most 3 in size; one times 0 is none.
        let value = Value {
            most: 1.0,
            error: 0.0,
        };
        let sum = summed([2.0, 0.0].into_iter(), 1.0, &[value; 2], Arithmetic::F32);
        let unit = f64::from(f32::EPSILON) / 2.0;
        assert_eq!(sum.most, 3.0);
        assert!(
            (sum.error / (2.0 * unit * 3.0) - 1.0).abs() < 1e-6,
            "{sum:?}"
        );
        let copy = summed([0.0, -1.0].into_iter(), 0.0, &[value; 2], Arithmetic::F32);
        assert_eq!(copy.error, 2.0 * f64::from(f32::MIN_POSITIVE));
        assert_eq!(
            rounding(
                &network(1, Activation::Relu).widened(),
                &vec![[0.0; 2]; 3],
                Arithmetic::Real
            ),
            [0.0, 0.0]
        );
    }

    proptest! {
        #[test]
        fn no_evaluation_is_further_off(seed in 0_u64..200, kind in 0_usize..12) {
            let activations = [
                Activation::Identity, Activation::Relu, Activation::Silu, Activation::Gelu,
                Activation::GeluTanh, Activation::Tanh, Activation::Sigmoid,
                Activation::Softplus, Activation::Mish, Activation::Softsign,
                Activation::Elu(Parameter::new(1.0)), Activation::SquaredRelu,
            ];
            let model = network(seed, activations[kind]);
            let exact = model.widened();
            let bounds = rounding(&exact, &vec![[-1.0, 1.0]; 3], Arithmetic::F32);
            let mut rng = Rng::new(seed, 1);
            let inputs = Array2::from_shape_fn((3, 50), |_| (2.0 * rng.uniform() - 1.0) as f32);
            let computed = model.outputs(inputs.view());
            let truth = exact.outputs(inputs.mapv(f64::from).view());
            for ((output, sample), value) in computed.indexed_iter() {
                let off = (f64::from(*value) - truth[[output, sample]]).abs();
                prop_assert!(off <= bounds[output], "{off} > {}", bounds[output]);
            }
        }
    }
}
