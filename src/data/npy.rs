//! One NumPy array: a header as Python prints it, and the numbers.

use half::f16;

use super::arrays::{NamedArray, Numbers};
use crate::checkpoint::Dtype;

/// The kinds of number that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float(Dtype),
    Signed(usize),
    Unsigned(usize),
}

impl Kind {
    /// From `<f8`, `|u1`, ...
    fn of(dtype: &str) -> Option<Self> {
        Some(match dtype.trim_start_matches(['<', '>', '=', '|']) {
            "f8" => Self::Float(Dtype::F64),
            "f4" => Self::Float(Dtype::F32),
            "f2" => Self::Float(Dtype::F16),
            "i8" => Self::Signed(8),
            "i4" => Self::Signed(4),
            "i2" => Self::Signed(2),
            "i1" => Self::Signed(1),
            "u8" => Self::Unsigned(8),
            "u4" => Self::Unsigned(4),
            "u2" => Self::Unsigned(2),
            "u1" | "b1" => Self::Unsigned(1),
            _ => return None,
        })
    }

    fn size(self) -> usize {
        match self {
            Self::Float(dtype) => dtype.size(),
            Self::Signed(size) | Self::Unsigned(size) => size,
        }
    }
}

/// One array of any of the kinds that are read.
pub(super) fn array(bytes: &[u8]) -> Result<NamedArray, String> {
    let declared = declared(bytes).ok_or("it has no NumPy header")?;
    let Some(kind) = Kind::of(declared.dtype) else {
        let dtype = declared.dtype;
        return Err(format!(
            "it holds `{dtype}`; floats of 64, 32 and 16 bits, integers and booleans are read"
        ));
    };
    let shape = dimensions(declared.shape);
    let count = shape
        .as_ref()
        .and_then(|shape| shape.iter().try_fold(1_usize, |n, d| n.checked_mul(*d)));
    let needed = count.and_then(|n| n.checked_mul(kind.size()));
    let (Some(shape), true) = (shape, needed == Some(declared.bytes.len())) else {
        let needed = needed.map_or_else(|| "too many".to_owned(), |n| n.to_string());
        return Err(format!(
            "its shape ({}) of `{}` needs {needed} bytes; there are {}",
            declared.shape,
            declared.dtype,
            declared.bytes.len()
        ));
    };
    let big = declared.dtype.starts_with('>');
    let (numbers, dtype) = match kind {
        Kind::Float(dtype) => {
            let values = elements(declared.bytes, kind.size(), big).map(|raw| float(raw, dtype));
            (
                Numbers::Floats(rows_first(values.collect(), &shape, declared.fortran)),
                Some(dtype),
            )
        }
        Kind::Signed(size) => {
            let unused = 64 - 8 * size as u32;
            let values =
                elements(declared.bytes, size, big).map(|raw| ((raw << unused) as i64) >> unused);
            (
                Numbers::Integers(rows_first(values.collect(), &shape, declared.fortran)),
                None,
            )
        }
        Kind::Unsigned(size) => {
            let values = elements(declared.bytes, size, big).map(|raw| {
                i64::try_from(raw)
                    .map_err(|_| format!("it holds {raw}, which no class, token or position is"))
            });
            let values = values.collect::<Result<Vec<_>, _>>()?;
            (
                Numbers::Integers(rows_first(values, &shape, declared.fortran)),
                None,
            )
        }
    };
    Ok(NamedArray {
        shape,
        numbers,
        dtype,
    })
}

/// The bits of each element.
fn elements(bytes: &[u8], size: usize, big: bool) -> impl Iterator<Item = u64> {
    let bits = move |one: &[u8]| {
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        match big {
            true => one.iter().fold(0, join),
            false => one.iter().rev().fold(0, join),
        }
    };
    bytes.chunks_exact(size).map(bits)
}

/// The number with these bits.
fn float(bits: u64, dtype: Dtype) -> f64 {
    match dtype {
        Dtype::F16 => f16::from_bits(bits as u16).to_f64(),
        Dtype::F32 => f64::from(f32::from_bits(bits as u32)),
        Dtype::F64 | Dtype::Bf16 | Dtype::Integer(_) => f64::from_bits(bits),
    }
}

/// Values with the last dimension running fastest; in Fortran's order the first does.
fn rows_first<T: Copy>(values: Vec<T>, shape: &[usize], fortran: bool) -> Vec<T> {
    if !fortran || shape.len() < 2 {
        return values;
    }
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    let place = |mut index: usize| {
        let mut place = 0;
        for axis in (0..shape.len()).rev() {
            place += index % shape[axis] * strides[axis];
            index /= shape[axis];
        }
        place
    };
    (0..values.len())
        .map(|index| values[place(index)])
        .collect()
}

/// What the header of an array says, and what follows it.
struct Declared<'a> {
    /// `<f8`, `|u1`, ...
    dtype: &'a str,
    /// Whether the first dimension runs fastest.
    fortran: bool,
    /// The shape without its brackets.
    shape: &'a str,
    bytes: &'a [u8],
}

/// Reads the header: `\x93NUMPY`, two bytes of version, its length (two bytes
/// up to version 1, else four), and a dictionary as Python prints it.
fn declared(bytes: &[u8]) -> Option<Declared<'_>> {
    let after = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, after) = after.split_first_chunk::<2>()?;
    let (length, after) = if version[0] <= 1 {
        let (length, after) = after.split_first_chunk::<2>()?;
        (usize::from(u16::from_le_bytes(*length)), after)
    } else {
        let (length, after) = after.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_le_bytes(*length)).ok()?, after)
    };
    let (header, bytes) = after.split_at_checked(length)?;
    let header = std::str::from_utf8(header).ok()?;
    let dtype = header.split_once("'descr':")?.1.trim_start();
    let dtype = match dtype.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'')?.0,
        // A list of named columns.
        None => dtype
            .split_once("'fortran_order'")?
            .0
            .trim_end_matches([',', ' ']),
    };
    let order = header.split_once("'fortran_order':")?.1.trim_start();
    let shape = header.split_once("'shape':")?.1.split_once('(')?.1;
    Some(Declared {
        dtype,
        fortran: order.starts_with("True"),
        shape: shape.split_once(')')?.0,
        bytes,
    })
}

/// The dimensions of a shape like `100, 4`.
fn dimensions(shape: &str) -> Option<Vec<usize>> {
    let sides = shape.split(',').map(str::trim).filter(|d| !d.is_empty());
    sides.map(|d| d.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dtype: &str, fortran: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{dtype}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(bytes);
        file
    }

    #[test]
    fn every_kind_is_read_in_either_order_of_bytes() {
        let numbers = |dtype: &str, bytes: &[u8]| match array(&file(dtype, "False", "1,", bytes))
            .unwrap()
            .numbers
        {
            Numbers::Floats(values) => values[0],
            Numbers::Integers(values) => values[0] as f64,
        };
        assert_eq!(numbers("<f8", &(-1.5_f64).to_le_bytes()), -1.5);
        assert_eq!(numbers(">f4", &0.25_f32.to_be_bytes()), 0.25);
        assert_eq!(numbers("<f2", &[0x00, 0xc0]), -2.0);
        assert_eq!(numbers("<i2", &(-3_i16).to_le_bytes()), -3.0);
        assert_eq!(numbers(">i4", &(-70000_i32).to_be_bytes()), -70000.0);
        assert_eq!(numbers("<i8", &i64::MIN.to_le_bytes()), i64::MIN as f64);
        assert_eq!(numbers("|b1", &[1]), 1.0);
        assert!(array(&file("<u8", "False", "1,", &[255; 8])).is_err());
        assert!(array(&file("<U2", "False", "1,", &[0; 8])).is_err());
    }

    #[test]
    fn fortrans_order_is_turned() {
        // [[0, 1, 2], [3, 4, 5]], column by column.
        let turned = array(&file("|u1", "True", "2, 3", &[0, 3, 1, 4, 2, 5])).unwrap();
        assert!(matches!(turned.numbers, Numbers::Integers(v) if v == [0, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn a_shape_that_lies_is_told() {
        let fault = array(&file("<f8", "False", "2,", &[0; 8])).unwrap_err();
        assert!(fault.contains("needs 16 bytes; there are 8"), "{fault}");
        assert!(array(&file("<f8", "False", "99999999999, 99999999999", &[])).is_err());
    }
}
