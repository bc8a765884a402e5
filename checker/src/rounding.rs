//! What evaluating a network in f32 or f64 may add, in any order of summation, with or
//! without fused multiplication: the classical bound (Higham 2002, section 3.1) over the
//! magnitudes that the domain allows. An activation is taken to be computed within
//! [`UNITS`] roundings of max(|x|, 1 where it is bounded): that is assumed, not proved.

use crate::curve::Curve;
use crate::interval::I;
use crate::log::Arithmetic;
use crate::network::Network;

const UNITS: f64 = 16.0;

/// The unit roundoff and the least normal number.
fn units(arithmetic: Arithmetic) -> Option<(f64, f64)> {
    match arithmetic {
        Arithmetic::Real => None,
        Arithmetic::F32 => Some((f64::from(f32::EPSILON) / 2.0, f64::from(f32::MIN_POSITIVE))),
        Arithmetic::F64 => Some((f64::EPSILON / 2.0, f64::MIN_POSITIVE)),
    }
}

/// Per output, an upper bound on |computed − exact| for inputs of these magnitudes.
pub(crate) fn rounding(network: &Network, inputs: &[f64], arithmetic: Arithmetic) -> Vec<f64> {
    let Some((unit, least)) = units(arithmetic) else {
        return vec![0.0; network.outputs()];
    };
    // Largest |value|, and largest error.
    let mut values: Vec<(f64, f64)> = inputs.iter().map(|most| (*most, 0.0)).collect();
    for (place, layer) in network.layers.iter().enumerate() {
        let reads = layer.weight.iter().zip(&layer.bias).map(|(row, bias)| {
            let (mut most, mut inherited) = (I::point(bias.abs()), I::ZERO);
            for (w, (value, error)) in row.iter().zip(&values) {
                most = most + I::point(*value) * w.abs();
                inherited = inherited + I::point(*error) * w.abs();
            }
            let terms = terms(row, *bias);
            // A value times 1 and nothing else is exact.
            let copied = *bias == 0.0 && terms == 1.0 && row.iter().all(|w| *w == 0.0 || w.abs() == 1.0);
            let gamma = match terms * unit < 0.5 {
                _ if copied => I::ZERO,
                true => I::point(terms * unit) * I::point((1.0 - terms * unit).next_down()).recip(),
                false => I::WHOLE,
            };
            let error = inherited + gamma * (most + inherited) + I::point(2.0 * terms * least);
            (most.hi, error.hi)
        });
        let curve = network.curves.get(place);
        values = reads.map(|read| curve.map_or(read, |curve| activated(*curve, read, unit, least))).collect();
    }
    values.into_iter().map(|(_, error)| error).collect()
}

/// The terms of a sum that round: what is times 0, or is 0, is added exactly.
fn terms(row: &[f64], bias: f64) -> f64 {
    (row.iter().filter(|w| **w != 0.0).count() + usize::from(bias != 0.0)) as f64
}

/// No activation is steeper than its slope here, or larger than |x| or 1.
fn activated(curve: Curve, (most, error): (f64, f64), unit: f64, least: f64) -> (f64, f64) {
    let (slope, value) = match curve {
        Curve::Identity | Curve::Relu => return (most, error),
        Curve::Silu => (1.1, most),
        Curve::Gelu | Curve::GeluTanh => (1.13, most),
        Curve::Tanh => (1.0, most.min(1.0)),
        Curve::Sigmoid => (0.25, 1.0),
    };
    let scale = value.max((most + error).next_up());
    let own = I::point(scale) * (UNITS * unit) + I::point(least);
    (value, (I::point(error) * slope + own).hi)
}
