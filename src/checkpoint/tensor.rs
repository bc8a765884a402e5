//! One tensor as it stands in a file.

use std::num::FpCategory;

use half::{bf16, f16};

use super::Bytes;
use crate::numeric::Scalar;

/// The element type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dtype {
    /// IEEE double.
    F64,
    /// IEEE single.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single.
    Bf16,
    /// Signed or unsigned integers and booleans.
    Integer(IntegerKind),
}

/// The integer types a file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum IntegerKind {
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
}

/// One tensor: little-endian bytes, row-major.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Element type.
    pub dtype: Dtype,
    /// Shape, outermost dimension first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements as they stand in the file.
    pub bytes: Bytes,
}

impl Dtype {
    /// `f32`, `i64`, ...
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Integer(kind) => match kind {
                IntegerKind::I64 => "i64",
                IntegerKind::I32 => "i32",
                IntegerKind::I16 => "i16",
                IntegerKind::I8 => "i8",
                IntegerKind::U64 => "u64",
                IntegerKind::U32 => "u32",
                IntegerKind::U16 => "u16",
                IntegerKind::U8 => "u8",
                IntegerKind::Bool => "bool",
            },
        }
    }

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::Integer(IntegerKind::I64 | IntegerKind::U64) => 8,
            Self::F32 | Self::Integer(IntegerKind::I32 | IntegerKind::U32) => 4,
            Self::F16 | Self::Bf16 | Self::Integer(IntegerKind::I16 | IntegerKind::U16) => 2,
            Self::Integer(IntegerKind::I8 | IntegerKind::U8 | IntegerKind::Bool) => 1,
        }
    }
}

impl Tensor {
    /// A tensor of numbers in their own precision.
    #[must_use]
    pub fn of_floats<T: Scalar>(shape: &[usize], values: &[T]) -> Self {
        let double = |x: &T| x.widen().to_le_bytes();
        let single = |x: &T| (x.widen() as f32).to_le_bytes();
        let (dtype, bytes): (_, Vec<u8>) = if T::NAME == f64::NAME {
            (Dtype::F64, values.iter().flat_map(double).collect())
        } else {
            (Dtype::F32, values.iter().flat_map(single).collect())
        };
        Self {
            dtype,
            shape: shape.to_vec(),
            bytes: bytes.into(),
        }
    }

    /// A tensor of integers.
    #[must_use]
    pub fn of_integers(shape: &[usize], values: &[usize]) -> Self {
        Self {
            dtype: Dtype::Integer(IntegerKind::I64),
            shape: shape.to_vec(),
            bytes: values
                .iter()
                .flat_map(|i| (*i as i64).to_le_bytes())
                .collect(),
        }
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The elements as f64, row by row; exact but for integers beyond 2^53.
    ///
    /// ```
    /// use modscope::checkpoint::{Dtype, Tensor};
    /// let tensor = Tensor { dtype: Dtype::F16, shape: vec![2], bytes: vec![0x00, 0x3c, 0x00, 0xc0].into() };
    /// assert_eq!(tensor.to_f64(), [1.0, -2.0]);
    /// ```
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        self.numbers()
    }

    /// The elements as the numbers that are computed with, row by row. Of a mapped file,
    /// no more than a piece is in memory at a time beside them.
    #[must_use]
    pub fn numbers<T: Scalar>(&self) -> Vec<T> {
        match self.dtype {
            Dtype::F64 => self.decoded(|x| T::from_f64(f64::from_le_bytes(x))),
            Dtype::F32 => self.decoded(|x| T::from_f64(f32::from_le_bytes(x).into())),
            Dtype::F16 => self.decoded(|x| T::from_f64(f16::from_le_bytes(x).to_f64())),
            Dtype::Bf16 => self.decoded(|x| T::from_f64(bf16::from_le_bytes(x).to_f64())),
            Dtype::Integer(IntegerKind::U64) => {
                self.decoded(|x| T::from_f64(u64::from_le_bytes(x) as f64))
            }
            Dtype::Integer(_) => {
                let integers = self.to_i64().into_iter().flatten();
                integers.map(|x| T::from_f64(x as f64)).collect()
            }
        }
    }

    fn decoded<const N: usize, T>(&self, read: impl Fn([u8; N]) -> T) -> Vec<T> {
        let mut numbers = Vec::with_capacity(self.bytes.len() / N);
        for piece in self.bytes.pieces() {
            numbers.extend(piece.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)));
        }
        numbers
    }

    /// The elements of an integer tensor; `None` for other types and for values
    /// beyond the range of `i64`.
    #[must_use]
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        let Dtype::Integer(kind) = self.dtype else {
            return None;
        };
        let b = &self.bytes;
        Some(match kind {
            IntegerKind::I64 => elements(b, i64::from_le_bytes),
            IntegerKind::I32 => elements(b, |x| i32::from_le_bytes(x).into()),
            IntegerKind::I16 => elements(b, |x| i16::from_le_bytes(x).into()),
            IntegerKind::I8 => elements(b, |x| i8::from_le_bytes(x).into()),
            IntegerKind::U32 => elements(b, |x| u32::from_le_bytes(x).into()),
            IntegerKind::U16 => elements(b, |x| u16::from_le_bytes(x).into()),
            IntegerKind::U8 | IntegerKind::Bool => elements(b, |x| u8::from_le_bytes(x).into()),
            IntegerKind::U64 => {
                let values: Vec<u64> = elements(b, u64::from_le_bytes);
                return values.into_iter().map(|x| i64::try_from(x).ok()).collect();
            }
        })
    }

    /// The elements as indices: integers, or numbers that are integral, as
    /// BIMT stores its permutations. `None` if any is negative or not integral.
    #[must_use]
    pub fn to_indices(&self) -> Option<Vec<usize>> {
        // Up to here every integer is a number of its own in f64.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let index = |x: &f64| (*x >= 0.0 && *x < EXACT && x.fract() == 0.0).then_some(*x as usize);
        self.to_f64().iter().map(index).collect()
    }

    /// Sets one element to zero; nothing for an index beyond the end.
    pub fn set_zero(&mut self, index: usize) {
        let size = self.dtype.size();
        if let Some(element) = self.bytes.to_mut().chunks_exact_mut(size).nth(index) {
            element.fill(0);
        }
    }

    /// Gives one element a value, rounded to the tensor's type; false for integers and for an
    /// element that there is not.
    pub fn set(&mut self, index: usize, value: f64) -> bool {
        let bytes: &[u8] = match self.dtype {
            Dtype::F64 => &value.to_le_bytes(),
            Dtype::F32 => &(value as f32).to_le_bytes(),
            Dtype::F16 => &f16::from_f64(value).to_le_bytes(),
            Dtype::Bf16 => &bf16::from_f64(value).to_le_bytes(),
            Dtype::Integer(_) => return false,
        };
        let element = self.bytes.to_mut().chunks_exact_mut(bytes.len()).nth(index);
        element
            .map(|element| element.copy_from_slice(bytes))
            .is_some()
    }

    /// The same tensor with its rows and columns in another order; a vector has one column.
    ///
    /// `rows[k]` is the old number of the row that becomes row k.
    #[must_use]
    pub fn reordered(&self, rows: &[usize], columns: &[usize]) -> Self {
        let old: Vec<&[u8]> = self.bytes.chunks_exact(self.dtype.size()).collect();
        let element = |row: usize, column: &usize| old.get(row * columns.len() + column).copied();
        let new = rows
            .iter()
            .flat_map(|row| columns.iter().filter_map(|column| element(*row, column)));
        Self {
            bytes: new.flatten().copied().collect::<Vec<u8>>().into(),
            ..self.clone()
        }
    }

    /// How many elements are NaN, and how many infinite.
    #[must_use]
    pub fn non_finite(&self) -> (usize, usize) {
        match self.dtype {
            Dtype::F64 => self.not_finite(|b| f64::from_le_bytes(b).classify()),
            Dtype::F32 => self.not_finite(|b| f32::from_le_bytes(b).classify()),
            Dtype::F16 => self.not_finite(|b| f16::from_le_bytes(b).classify()),
            Dtype::Bf16 => self.not_finite(|b| bf16::from_le_bytes(b).classify()),
            Dtype::Integer(_) => (0, 0),
        }
    }

    /// How many elements are NaN, and how many infinite, without a copy of them.
    fn not_finite<const N: usize>(&self, kind: impl Fn([u8; N]) -> FpCategory) -> (usize, usize) {
        let pieces = self.bytes.pieces();
        let each = pieces.flat_map(|piece| piece.as_chunks::<N>().0.iter().map(|b| kind(*b)));
        each.fold((0, 0), |(nan, infinite), kind| match kind {
            FpCategory::Nan => (nan + 1, infinite),
            FpCategory::Infinite => (nan, infinite + 1),
            FpCategory::Zero | FpCategory::Subnormal | FpCategory::Normal => (nan, infinite),
        })
    }
}

fn elements<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|chunk| read(*chunk))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_reads_its_own_numbers() {
        let check = |dtype: Dtype, bytes: &[u8], expected: &[f64]| {
            let tensor = Tensor {
                dtype,
                shape: vec![expected.len()],
                bytes: bytes.to_vec().into(),
            };
            assert_eq!(tensor.to_f64(), expected, "{}", dtype.name());
            assert_eq!(tensor.len(), expected.len());
        };
        check(Dtype::F64, &(-1.5_f64).to_le_bytes(), &[-1.5]);
        check(Dtype::F32, &0.25_f32.to_le_bytes(), &[0.25]);
        check(Dtype::Bf16, &[0x80, 0x3f], &[1.0]);
        check(
            Dtype::Integer(IntegerKind::I16),
            &(-2_i16).to_le_bytes(),
            &[-2.0],
        );
        check(Dtype::Integer(IntegerKind::Bool), &[1, 0], &[1.0, 0.0]);
        check(
            Dtype::Integer(IntegerKind::U64),
            &3_u64.to_le_bytes(),
            &[3.0],
        );
    }

    #[test]
    fn indices_are_whole_and_not_negative() {
        let floats = |values: &[f32]| Tensor {
            dtype: Dtype::F32,
            shape: vec![values.len()],
            bytes: values
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<u8>>()
                .into(),
        };
        assert_eq!(floats(&[2.0, 0.0]).to_indices(), Some(vec![2, 0]));
        assert_eq!(floats(&[0.5]).to_indices(), None);
        assert_eq!(floats(&[-1.0]).to_indices(), None);
        assert_eq!(floats(&[f32::NAN]).to_indices(), None);
    }

    #[test]
    fn rows_and_columns_change_places() {
        let tensor = Tensor::of_floats(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let other = tensor.reordered(&[1, 0], &[2, 0, 1]);
        assert_eq!(other.to_f64(), [6.0, 4.0, 5.0, 3.0, 1.0, 2.0]);
        assert_eq!((other.shape, other.dtype), (vec![2, 3], Dtype::F32));
        let vector = Tensor::of_floats(&[2], &[1.0_f64, 2.0]).reordered(&[1, 0], &[0]);
        assert_eq!(vector.to_f64(), [2.0, 1.0]);
    }

    #[test]
    fn zeroing_touches_one_element() {
        let mut tensor = Tensor {
            dtype: Dtype::F32,
            shape: vec![2],
            bytes: [1.0_f32, f32::INFINITY]
                .iter()
                .flat_map(|v| v.to_le_bytes())
                .collect::<Vec<u8>>()
                .into(),
        };
        assert_eq!(tensor.non_finite(), (0, 1));
        tensor.set_zero(1);
        tensor.set_zero(7);
        assert_eq!(tensor.to_f64(), [1.0, 0.0]);
    }
}
