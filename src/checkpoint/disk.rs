//! Files as bytes, and what is said where they cannot be read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// Files larger than this are refused: they would not fit in memory beside
/// what is computed from them.
pub(super) const LARGEST_FILE: u64 = 8 << 30;

/// The bytes of a file of a size that memory can hold.
pub(crate) fn limited_read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| read_error(path, source);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    within(path, size, LARGEST_FILE)?;
    let mut bytes = Vec::new();
    // Devices and pipes do not tell their size beforehand.
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    within(path, bytes.len() as u64, LARGEST_FILE)?;
    Ok(bytes)
}

/// The text of a file beside `path`, if there is one.
pub(crate) fn sibling(path: &Path, name: &str) -> Result<Option<String>> {
    let beside = path.with_file_name(name);
    if !beside.is_file() {
        return Ok(None);
    }
    match String::from_utf8(limited_read(&beside)?) {
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(ErrorKind::NotUtf8 {
            position: error.utf8_error().valid_up_to(),
        }
        .at(beside)),
    }
}

/// That a file of this size is not too large to be read whole.
pub(super) fn within(path: &Path, size: u64, limit: u64) -> Result<()> {
    match size > limit {
        false => Ok(()),
        true => Err(ErrorKind::FileTooLarge { size, limit }.at(path)),
    }
}

pub(super) fn read_error(path: &Path, source: std::io::Error) -> Error {
    ErrorKind::Read { source }.at(path)
}

/// Whether a name is that of a file in the same folder: nothing that leads elsewhere.
pub(super) fn is_plain_name(name: &str) -> bool {
    let elsewhere = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    !name.is_empty() && !name.starts_with('.') && !name.contains(elsewhere)
}
