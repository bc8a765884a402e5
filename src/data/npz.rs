//! NumPy files: `.npy` holds the inputs, `.npz` named arrays.

use std::io::{Cursor, Read as _};
use std::path::Path;

use ndarray::ArrayD;
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};
use zip::ZipArchive;

use super::arrays::{NamedArray, NamedArrays, Numbers};
use crate::{Error, Result};

/// All arrays together may unpack to this many bytes: an archive can be far
/// larger than its file.
const LARGEST_UNPACKED: u64 = 2 << 30;

/// Reads an archive of arrays.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    let fault = |error: &dyn ToString| Error::NumPy {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(&e))?;
    let mut result = NamedArrays::default();
    let mut room = LARGEST_UNPACKED;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|e| fault(&e))?;
        let name = file.name().trim_end_matches(".npy").to_owned();
        let mut unpacked = Vec::new();
        file.take(room + 1)
            .read_to_end(&mut unpacked)
            .map_err(|e| fault(&e))?;
        room = room.checked_sub(unpacked.len() as u64).ok_or_else(|| {
            fault(&format!(
                "with array `{name}` it unpacks to more than 2 GiB"
            ))
        })?;
        let array =
            array(&unpacked).map_err(|detail| fault(&format!("array `{name}`: {detail}")))?;
        result.arrays.insert(name, array);
    }
    Ok(result)
}

/// Reads one array: integers are tokens, floats inputs.
pub(super) fn read_one(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    let array = array(bytes).map_err(|detail| Error::NumPy {
        path: path.to_owned(),
        detail,
    })?;
    let name = match array.numbers {
        Numbers::Floats(_) => "inputs",
        Numbers::Integers(_) => "tokens",
    };
    let mut result = NamedArrays::default();
    result.arrays.insert(name.to_owned(), array);
    Ok(result)
}

/// One array of any of the types that are read.
fn array(bytes: &[u8]) -> Result<NamedArray, String> {
    let declared = declared(bytes).ok_or("it has no NumPy header")?;
    let kind = declared.dtype.trim_start_matches(['<', '>', '=', '|']);
    let size = match kind {
        "f8" | "i8" => 8,
        "f4" | "i4" => 4,
        "u1" => 1,
        _ => {
            let dtype = declared.dtype;
            return Err(format!(
                "it holds `{dtype}`; f64, f32, i64, i32 and u8 are read"
            ));
        }
    };
    // The library makes room for the shape that the header declares before it
    // reads on, so a header that lies is caught here.
    let needed = elements(declared.shape).and_then(|n| n.checked_mul(size));
    if needed != Some(declared.bytes) {
        let needed =
            needed.map_or_else(|| "more than can be counted".to_owned(), |n| n.to_string());
        return Err(format!(
            "its shape ({}) of `{}` needs {needed} bytes; there are {}",
            declared.shape, declared.dtype, declared.bytes
        ));
    }
    let read = match kind {
        "f8" => floats::<f64>(bytes),
        "f4" => floats::<f32>(bytes),
        "i8" => integers::<i64>(bytes),
        "i4" => integers::<i32>(bytes),
        _ => integers::<u8>(bytes),
    };
    read.map_err(|error| error.to_string())
}

/// What the header of an array says.
struct Declared<'a> {
    /// `<f8`, `|u1`, ...
    dtype: &'a str,
    /// The shape without its brackets.
    shape: &'a str,
    /// Bytes behind the header.
    bytes: u64,
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
    let header = std::str::from_utf8(after.get(..length)?).ok()?;
    let dtype = header.split_once("'descr':")?.1.trim_start();
    let dtype = match dtype.strip_prefix('\'') {
        Some(quoted) => quoted.split_once('\'')?.0,
        // A list of named columns.
        None => dtype
            .split_once("'fortran_order'")?
            .0
            .trim_end_matches([',', ' ']),
    };
    let shape = header.split_once("'shape':")?.1.split_once('(')?.1;
    Some(Declared {
        dtype,
        shape: shape.split_once(')')?.0,
        bytes: (after.len() - length) as u64,
    })
}

/// The product of a shape like `100, 4`.
fn elements(shape: &str) -> Option<u64> {
    shape
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .try_fold(1_u64, |product, d| product.checked_mul(d.parse().ok()?))
}

fn floats<T: ReadableElement + Copy + Into<f64>>(bytes: &[u8]) -> Result<NamedArray, ReadNpyError> {
    let array = ArrayD::<T>::read_npy(bytes)?;
    Ok(NamedArray {
        shape: array.shape().to_vec(),
        numbers: Numbers::Floats(array.iter().map(|x| (*x).into()).collect()),
    })
}

fn integers<T: ReadableElement + Copy + Into<i64>>(
    bytes: &[u8],
) -> Result<NamedArray, ReadNpyError> {
    let array = ArrayD::<T>::read_npy(bytes)?;
    Ok(NamedArray {
        shape: array.shape().to_vec(),
        numbers: Numbers::Integers(array.iter().map(|x| (*x).into()).collect()),
    })
}
