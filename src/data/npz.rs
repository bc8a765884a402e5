//! NumPy archives: `.npy` holds the inputs, `.npz` named arrays.

use std::io::{Cursor, Read as _};
use std::path::Path;

use zip::ZipArchive;

use super::arrays::{NamedArrays, Numbers};
use super::npy::array;
use super::roles::Role;
use crate::{ErrorKind, Result};

/// All arrays together may unpack to this many bytes: an archive can be far
/// larger than its file.
const LARGEST_UNPACKED: u64 = 2 << 30;

/// Reads an archive of arrays.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    let fault = |error: &dyn ToString| {
        ErrorKind::NumPy {
            detail: error.to_string(),
        }
        .at(path)
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(&e))?;
    // The archive keeps one member of each name.
    if let Some(listed) = members(bytes).filter(|listed| *listed != archive.len()) {
        let detail = format!(
            "{listed} members are listed, of which {} have a name of their own",
            archive.len()
        );
        return Err(fault(&detail));
    }
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
        if result.arrays.insert(name.clone(), array).is_some() {
            return Err(ErrorKind::Duplicate {
                what: "array",
                detail: format!("as `{name}` and as `{name}.npy`"),
                name,
            }
            .at(path));
        }
    }
    Ok(result)
}

/// How many members the end of an archive says it has: 22 bytes before its
/// comment, of which 10 and 11 are the number; 0xFFFF stands for one that does not fit.
fn members(bytes: &[u8]) -> Option<usize> {
    let place = bytes.windows(4).rposition(|four| four == b"PK\x05\x06")?;
    let [low, high] = bytes.get(place + 10..place + 12)?.try_into().ok()?;
    let count = u16::from_le_bytes([low, high]);
    (count != u16::MAX).then_some(count.into())
}

/// Reads one array: integers are tokens, floats inputs.
pub(super) fn read_one(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    let array = array(bytes).map_err(|detail| ErrorKind::NumPy { detail }.at(path))?;
    let role = match array.numbers {
        Numbers::Floats(_) => Role::Inputs,
        Numbers::Integers(_) => Role::Tokens,
    };
    let mut result = NamedArrays::default();
    result.add(role.name(), array);
    Ok(result)
}
