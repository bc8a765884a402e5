//! Outputs of a framework that computed in a narrower type than this tool does.
//!
//! A network that ran in bf16 or f16 rounds after every layer, which arithmetic in
//! f32 cannot repeat: its outputs agree to a few units in the last place of that
//! type, at the scale of the outputs. Outputs that were only stored in it agree to
//! half a unit each.

use half::{bf16, f16};
use ndarray::Array2;

use crate::checkpoint::Dtype;
use crate::numeric::Scalar;
use crate::result::Parity;

/// Units in the last place, at the outputs' scale, that a network computed in the
/// type may be off by for every block that it has: one of the block's sum, and those that
/// its layers carry there.
const UNITS: f64 = 4.0;

/// Different numbers that a type must hold exactly before they are taken for its own.
const TELLING: usize = 8;

/// A type narrower than the one that is computed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Narrow {
    Bf16,
    F16,
    F32,
}

impl Narrow {
    const ALL: [Self; 3] = [Self::Bf16, Self::F16, Self::F32];

    fn name(self) -> &'static str {
        match self {
            Self::Bf16 => Dtype::Bf16.name(),
            Self::F16 => Dtype::F16.name(),
            Self::F32 => Dtype::F32.name(),
        }
    }

    /// Bits of the fraction.
    fn bits(self) -> i32 {
        match self {
            Self::Bf16 => 7,
            Self::F16 => 10,
            Self::F32 => 23,
        }
    }

    fn round(self, x: f64) -> f64 {
        match self {
            Self::Bf16 => bf16::from_f64(x).to_f64(),
            Self::F16 => f16::from_f64(x).to_f64(),
            Self::F32 => f64::from(x as f32),
        }
    }

    /// One unit in the last place of a number of this size.
    fn unit(self, size: f64) -> f64 {
        match size > 0.0 && size.is_finite() {
            true => (size.log2().floor() - f64::from(self.bits())).exp2(),
            false => 0.0,
        }
    }
}

/// The type that the framework's outputs are of, where it is narrower than `T`: as
/// they are stored, or as all of them, of which there are enough to tell, are numbers of it.
pub fn narrow<T: Scalar>(theirs: &Array2<f64>, stored: Option<Dtype>) -> Option<Narrow> {
    let own_bits = if T::NAME == f64::NAME { 52 } else { 23 };
    let narrower = |narrow: &Narrow| narrow.bits() < own_bits;
    let as_stored = Narrow::ALL
        .into_iter()
        .filter(narrower)
        .find(|narrow| stored.is_some_and(|dtype| dtype.name() == narrow.name()));
    let holds_all = |narrow: &Narrow| theirs.iter().all(|x| x.is_nan() || narrow.round(*x) == *x);
    as_stored.or_else(|| {
        is_telling(theirs).then_some(())?;
        Narrow::ALL.into_iter().filter(narrower).find(holds_all)
    })
}

/// Whether there are enough different numbers with a fraction that it is no accident
/// if a narrow type holds them all.
fn is_telling(theirs: &Array2<f64>) -> bool {
    let mut bits: Vec<u64> = theirs
        .iter()
        .filter(|x| x.is_finite() && (**x * 16.0).fract() != 0.0)
        .map(|x| x.to_bits())
        .collect();
    bits.sort_unstable();
    bits.dedup();
    bits.len() >= TELLING
}

/// The agreement of `own`, judged by the rounding of a narrow type in so many blocks.
pub fn judged_by<T: Scalar>(
    (narrow, blocks): (Narrow, usize),
    ours: &Array2<T>,
    theirs: &Array2<f64>,
    own: Parity,
) -> Parity {
    let unit = narrow.unit(own.output_scale);
    // Half a unit of each number, and what our own arithmetic is off by.
    let only_rounded = |(a, b): (&T, &f64)| {
        let size = a.widen().abs().max(b.abs());
        (a.widen() - b).abs() <= 0.5 * narrow.unit(size) + own.allowed
    };
    let allowed = UNITS * blocks.max(1) as f64 * unit;
    Parity {
        precision: narrow.name().to_owned(),
        units: (unit > 0.0).then(|| own.max_abs_difference / unit),
        rounded: ours.iter().zip(theirs).all(only_rounded),
        holds: own.max_abs_difference <= allowed,
        allowed,
        ..own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn units_in_the_last_place() {
        // bf16 has eight bits of precision: between 32 and 64 its numbers are 0.25 apart.
        assert_eq!(Narrow::Bf16.unit(40.0), 0.25);
        assert_eq!(Narrow::F16.unit(1.0), 2_f64.powi(-10));
        assert_eq!(Narrow::F32.unit(1.5), f64::from(f32::EPSILON));
        assert_eq!(Narrow::Bf16.unit(0.0), 0.0);
    }

    #[test]
    fn a_type_is_told_by_storage_or_by_enough_numbers() {
        let rounded = Array2::from_shape_fn((1, 20), |(_, k)| {
            bf16::from_f64(0.37 * (k as f64 + 1.0)).to_f64()
        });
        assert_eq!(narrow::<f32>(&rounded, None), Some(Narrow::Bf16));
        let few = array![[1.0, 0.0, 0.5]];
        assert_eq!(narrow::<f32>(&few, None), None);
        assert_eq!(narrow::<f32>(&few, Some(Dtype::F16)), Some(Narrow::F16));
        assert_eq!(narrow::<f32>(&few, Some(Dtype::F32)), None);
        let third = rounded.mapv(|x| f64::from((x / 3.0) as f32));
        assert_eq!(narrow::<f32>(&third, None), None);
        assert_eq!(narrow::<f64>(&third, None), Some(Narrow::F32));
    }

    #[test]
    fn what_was_only_rounded_is_told() {
        let ours = array![[40.1_f32, 3.3]];
        let theirs = ours.mapv(|x| Narrow::Bf16.round(f64::from(x)));
        let own = Parity {
            max_abs_difference: f64::from(ours[[0, 0]]) - theirs[[0, 0]],
            output_scale: 40.0,
            allowed: 1e-6,
            precision: "f32".into(),
            units: None,
            rounded: false,
            holds: false,
            samples: 2,
        };
        let judged = judged_by((Narrow::Bf16, 1), &ours, &theirs, own.clone());
        assert!(judged.holds && judged.rounded);
        let shifted = theirs.mapv(|x| x + 0.25);
        let further = Parity {
            max_abs_difference: 0.35,
            ..own.clone()
        };
        let judged = judged_by((Narrow::Bf16, 1), &ours, &shifted, further);
        assert!(judged.holds && !judged.rounded, "computed in bf16");
        let off = Parity {
            max_abs_difference: 1.25,
            ..own
        };
        assert!(!judged_by((Narrow::Bf16, 1), &ours, &shifted, off).holds);
    }
}
