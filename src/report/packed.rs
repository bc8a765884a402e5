//! Numbers and texts as a page carries them: base64 of little-endian bytes, and gzip.

use std::io::{self, Write as _};

use flate2::{Compression, GzBuilder};

/// Bytes as base64 (RFC 4648, with padding).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            let sextet = (word >> (18 - 6 * k)) & 63;
            let letter = ALPHABET.get(sextet as usize).copied().unwrap_or(b'=');
            text.push(if k <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

/// 32-bit floats as base64; what is drawn needs no more.
#[must_use]
pub fn floats(values: impl IntoIterator<Item = f64>) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "drawn, not computed with")]
    let bytes = values.into_iter().flat_map(|v| (v as f32).to_le_bytes());
    base64(&bytes.collect::<Vec<u8>>())
}

/// 32-bit whole numbers as base64; what does not fit is the largest that does.
#[must_use]
pub fn wholes(values: impl IntoIterator<Item = usize>) -> String {
    let narrow = |v: usize| u32::try_from(v).unwrap_or(u32::MAX).to_le_bytes();
    base64(&values.into_iter().flat_map(narrow).collect::<Vec<u8>>())
}

/// Gzip without name and time, so that the same text gives the same bytes.
///
/// # Errors
/// None in practice: the bytes go to memory.
pub fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::best());
    writer.write_all(text)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn numbers_are_little_endian() {
        assert_eq!(floats([1.0]), base64(&[0, 0, 0x80, 0x3f]));
        assert_eq!(
            wholes([258, usize::MAX]),
            base64(&[2, 1, 0, 0, 255, 255, 255, 255])
        );
    }

    #[test]
    fn the_same_text_gives_the_same_gzip() {
        let (a, b) = (gzip(b"abc").expect("memory"), gzip(b"abc").expect("memory"));
        assert_eq!(a, b);
        assert_eq!(a[..4], [0x1f, 0x8b, 8, 0]);
    }
}
