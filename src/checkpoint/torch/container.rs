//! Where the pickle and the storages stand in a file.
//!
//! Since PyTorch 1.6 a file is a zip archive of stored entries: `NAME/data.pkl`
//! and `NAME/data/KEY` for each storage. Before, it was five pickles (a magic
//! number, a version, what the machine was like, the object, the storages' keys)
//! and then each storage behind its length.

use std::collections::BTreeMap;
use std::io::Cursor;

use flate2::Crc;
use zip::{CompressionMethod, ZipArchive};

use super::value::{Value, Values};
use super::view::Storages;
use super::{Fault, machine};

/// A pickle of more bytes than this is refused.
const LARGEST_PICKLE: usize = 64 << 20;

/// The magic number as a pickle, without the protocol in front.
const LEGACY: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// What a file holds.
pub(super) struct Contents<'b> {
    pub values: Values,
    pub storages: Storages<'b>,
}

/// Opens a file of either format.
pub(super) fn open(bytes: &[u8]) -> Result<Contents<'_>, Fault> {
    if bytes.starts_with(b"PK") {
        return archive(bytes);
    }
    match bytes.split_at_checked(2 + LEGACY.len()) {
        Some((start, rest)) if start.starts_with(b"\x80") && start.ends_with(LEGACY) => {
            legacy(rest)
        }
        _ => Err(broken("it does not begin as files of `torch.save` do")),
    }
}

fn broken(detail: &str) -> Fault {
    Fault::Broken(detail.to_owned())
}

fn archive(bytes: &[u8]) -> Result<Contents<'_>, Fault> {
    let entries = entries(bytes)?;
    let mut pickles = entries
        .iter()
        .filter_map(|(name, bytes)| Some((name.strip_suffix("data.pkl")?, *bytes)))
        .filter(|(folder, _)| folder.is_empty() || folder.ends_with('/'));
    let (Some((folder, pickle)), None) = (pickles.next(), pickles.next()) else {
        return Err(broken("the archive does not hold one `data.pkl`"));
    };
    let order = entries.get(&format!("{folder}byteorder"));
    if order.is_some_and(|order| *order != b"little") {
        return Err(broken("its numbers are big-endian"));
    }
    let key = |name: &str| Some(name.strip_prefix(folder)?.strip_prefix("data/")?.to_owned());
    let storages = entries
        .iter()
        .filter_map(|(name, bytes)| Some((key(name)?, *bytes)))
        .collect();
    let (values, _) = pickled(pickle)?;
    Ok(Contents { values, storages })
}

/// The entries of an archive as parts of its bytes: nothing is unpacked.
fn entries(bytes: &[u8]) -> Result<BTreeMap<String, &[u8]>, Fault> {
    let fault = |error| Fault::Broken(format!("its archive is damaged ({error})"));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(fault)?;
    let mut entries = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(fault)?;
        let name = entry.name().to_owned();
        if name.contains("/code/") || name.ends_with("/constants.pkl") {
            return Err(Fault::Script);
        }
        if entry.compression() != CompressionMethod::Stored || entry.encrypted() {
            let detail = format!("entry `{name}` is compressed, which `torch.save` never does");
            return Err(Fault::Broken(detail));
        }
        let start = usize::try_from(entry.data_start()).ok();
        let size = usize::try_from(entry.size()).ok();
        let content = start
            .zip(size)
            .and_then(|(start, size)| bytes.get(start..start.checked_add(size)?));
        let content = content.ok_or_else(|| {
            Fault::Broken(format!("entry `{name}` goes beyond the end of the file"))
        })?;
        let mut sum = Crc::new();
        sum.update(content);
        if sum.sum() != entry.crc32() {
            return Err(Fault::Broken(format!(
                "entry `{name}` has the checksum {:08x}; the archive says {:08x}",
                sum.sum(),
                entry.crc32()
            )));
        }
        entries.insert(name, content);
    }
    match members(bytes) {
        Some(members) if members != entries.len() as u64 => Err(Fault::Broken(format!(
            "its archive lists {members} entries, {} of them by names of their own",
            entries.len()
        ))),
        _ => Ok(entries),
    }
}

/// How many entries the end of an archive says there are.
fn members(bytes: &[u8]) -> Option<u64> {
    let last = |signature: &[u8; 4]| bytes.windows(4).rposition(|four| four == signature);
    let number = |at: usize, width: usize| {
        let bytes = bytes.get(at..at + width)?;
        let digits = bytes.iter().rev();
        Some(digits.fold(0_u64, |n, byte| n << 8 | u64::from(*byte)))
    };
    let short = number(last(b"PK\x05\x06")? + 10, 2)?;
    match short {
        0xffff => number(last(b"PK\x06\x06")? + 32, 8),
        _ => Some(short),
    }
}

/// The pickle at the start of `bytes`, and what follows it.
fn pickled(bytes: &[u8]) -> Result<(Values, &[u8]), Fault> {
    let within = bytes.get(..LARGEST_PICKLE).unwrap_or(bytes);
    let (values, length) = machine::run(within)?;
    Ok((values, bytes.get(length..).unwrap_or_default()))
}

/// What follows the magic number.
fn legacy(rest: &[u8]) -> Result<Contents<'_>, Fault> {
    let (_version, rest) = pickled(rest)?;
    let (machine, rest) = pickled(rest)?;
    if let Value::Dict(pairs) = machine.get(machine.root) {
        let order = pairs
            .iter()
            .find(|(key, _)| machine.text(*key) == Some("little_endian"));
        if order.is_some_and(|(_, value)| *value == Values::FALSE) {
            return Err(broken("its numbers are big-endian"));
        }
    }
    let (values, rest) = pickled(rest)?;
    let (keys, mut rest) = pickled(rest)?;
    let sizes = values.storage_sizes();
    let mut storages = Storages::new();
    for key in keys.members(keys.root).unwrap_or_default() {
        let key = keys.text(*key).unwrap_or_default();
        let (bytes, after) = sizes
            .get(key)
            .and_then(|size| rest.split_at_checked(8)?.1.split_at_checked(*size))
            .ok_or_else(|| Fault::Broken(format!("storage `{key}` is cut short or unknown")))?;
        storages.insert(key.to_owned(), bytes);
        rest = after;
    }
    Ok(Contents { values, storages })
}
