//! NumPy files: `.npy` holds the inputs, `.npz` named arrays.

use std::io::{Cursor, Read as _};
use std::path::Path;

use ndarray::ArrayD;
use ndarray_npy::{ReadNpyExt, ReadableElement};
use zip::ZipArchive;

use super::arrays::{NamedArray, NamedArrays, Numbers};
use crate::{Error, Result};

/// One array may unpack to this many bytes: an archive can be far larger than its file.
const LARGEST_UNPACKED: u64 = 2 << 30;

/// Reads an archive of arrays.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    let fault = |error: &dyn ToString| Error::NumPy {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(&e))?;
    let mut result = NamedArrays::default();
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|e| fault(&e))?;
        let name = file.name().trim_end_matches(".npy").to_owned();
        let mut unpacked = Vec::new();
        file.take(LARGEST_UNPACKED + 1)
            .read_to_end(&mut unpacked)
            .map_err(|e| fault(&e))?;
        if unpacked.len() as u64 > LARGEST_UNPACKED {
            return Err(fault(&format!("array `{name}` unpacks to more than 2 GiB")));
        }
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
    // The library makes room for the shape that the header declares before it
    // reads on, so a header that lies is caught here.
    let declared = declared_elements(bytes).ok_or("no NumPy header")?;
    if declared > bytes.len() as u64 {
        return Err(format!(
            "{declared} elements are declared; there are {} bytes",
            bytes.len()
        ));
    }
    floats::<f64>(bytes)
        .or_else(|| floats::<f32>(bytes))
        .or_else(|| integers::<i64>(bytes))
        .or_else(|| integers::<i32>(bytes))
        .or_else(|| integers::<u8>(bytes))
        .ok_or_else(|| "it is none of f64, f32, i64, i32, u8, or is cut short".to_owned())
}

/// The product of the header's shape.
fn declared_elements(bytes: &[u8]) -> Option<u64> {
    const HEADER_WITHIN: usize = 4096;
    let header = String::from_utf8_lossy(&bytes[..bytes.len().min(HEADER_WITHIN)]);
    let shape = header
        .split_once("'shape':")?
        .1
        .split_once('(')?
        .1
        .split_once(')')?
        .0;
    shape
        .split(',')
        .map(str::trim)
        .filter(|d| !d.is_empty())
        .try_fold(1_u64, |product, d| product.checked_mul(d.parse().ok()?))
}

fn floats<T: ReadableElement + Copy + Into<f64>>(bytes: &[u8]) -> Option<NamedArray> {
    let array = ArrayD::<T>::read_npy(bytes).ok()?;
    Some(NamedArray {
        shape: array.shape().to_vec(),
        numbers: Numbers::Floats(array.iter().map(|x| (*x).into()).collect()),
    })
}

fn integers<T: ReadableElement + Copy + Into<i64>>(bytes: &[u8]) -> Option<NamedArray> {
    let array = ArrayD::<T>::read_npy(bytes).ok()?;
    Some(NamedArray {
        shape: array.shape().to_vec(),
        numbers: Numbers::Integers(array.iter().map(|x| (*x).into()).collect()),
    })
}
