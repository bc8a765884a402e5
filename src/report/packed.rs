//! Numbers and texts as a page carries them: base64 of little-endian bytes, and gzip.

use std::io::{self, BufWriter, Write};

use flate2::{Compression, GzBuilder};

pub use crate::escape::base64;

/// 32-bit floats as base64; what is drawn needs no more.
#[must_use]
pub fn floats(values: impl IntoIterator<Item = f64>) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "drawn, not computed with")]
    let bytes = values.into_iter().flat_map(|v| (v as f32).to_le_bytes());
    base64(bytes.collect::<Vec<u8>>())
}

/// 32-bit whole numbers as base64; what does not fit is the largest that does.
#[must_use]
pub fn wholes(values: impl IntoIterator<Item = usize>) -> String {
    let narrow = |v: usize| u32::try_from(v).unwrap_or(u32::MAX).to_le_bytes();
    base64(values.into_iter().flat_map(narrow).collect::<Vec<u8>>())
}

/// Numbers become as small as at the highest level, in half the time.
const LEVEL: u32 = 7;

/// Gzip of what `write` writes, without name and time, so that the same text gives the
/// same bytes.
///
/// # Errors
/// Those of `write`.
pub fn gzip(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Vec<u8>> {
    let encoder = GzBuilder::new().write(Vec::new(), Compression::new(LEVEL));
    let mut writer = BufWriter::new(encoder);
    write(&mut writer)?;
    writer.into_inner()?.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(floats([1.0]), base64([0, 0, 0x80, 0x3f]));
        assert_eq!(
            wholes([258, usize::MAX]),
            base64([2, 1, 0, 0, 255, 255, 255, 255])
        );
    }

    #[test]
    fn the_same_text_gives_the_same_gzip() {
        let [a, b] = [(); 2].map(|()| gzip(|to| to.write_all(b"abc")).expect("memory"));
        assert_eq!(a, b);
        assert_eq!(a[..4], [0x1f, 0x8b, 8, 0]);
    }
}
