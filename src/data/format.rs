//! Which format data come in: by name, and by content where there is no name.

use std::path::Path;

use crate::{ErrorKind, Result};

/// A format of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Safetensors,
    Npz,
    Npy,
    Csv,
    Jsonl,
}

impl Format {
    /// The format that a name asks for, which the content may not contradict.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Self> {
        let named = Self::of_name(path).ok_or_else(|| ErrorKind::DataFormat.at(path))?;
        match Self::of_content(bytes) {
            // Text may be anything, a damaged archive too.
            Self::Csv | Self::Jsonl => Ok(named),
            found if found == named => Ok(named),
            found => Err(ErrorKind::OtherFormat {
                named: named.name(),
                found: found.name(),
            }
            .at(path)),
        }
    }

    fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_string_lossy().to_ascii_lowercase();
        Some(match extension.as_str() {
            "safetensors" => Self::Safetensors,
            "npz" => Self::Npz,
            "npy" => Self::Npy,
            "csv" | "tsv" => Self::Csv,
            "jsonl" => Self::Jsonl,
            _ => return None,
        })
    }

    /// What bytes are by themselves; a table where they are nothing else.
    pub fn of_content(bytes: &[u8]) -> Self {
        let text = bytes.trim_ascii_start();
        if bytes.starts_with(b"PK\x03\x04") {
            Self::Npz
        } else if bytes.starts_with(b"\x93NUMPY") {
            Self::Npy
        } else if bytes.get(8) == Some(&b'{') && bytes.get(4..8) == Some(&[0; 4]) {
            // The length of the header is below 2^32, its first byte a brace.
            Self::Safetensors
        } else if text.starts_with(b"{") {
            Self::Jsonl
        } else {
            Self::Csv
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::Npz => "a zip archive, as `.npz` are",
            Self::Npy => "a NumPy array",
            Self::Csv => "a table",
            Self::Jsonl => "JSON lines",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_tells_formats_apart() {
        let of = Format::of_content;
        assert_eq!(of(b"PK\x03\x04.."), Format::Npz);
        assert_eq!(of(b"\x93NUMPY\x01\x00"), Format::Npy);
        assert_eq!(of(b"\x10\0\0\0\0\0\0\0{\"inputs\""), Format::Safetensors);
        assert_eq!(of(b"\n {\"inputs\": [1]}"), Format::Jsonl);
        assert_eq!(of(b"a,b\n1,2\n"), Format::Csv);
    }

    #[test]
    fn a_name_that_its_content_contradicts_is_refused() {
        let wrong = Format::of(Path::new("d.csv"), b"PK\x03\x04..");
        let kind = wrong.unwrap_err().kind;
        assert!(matches!(kind, ErrorKind::OtherFormat { .. }));
        assert_eq!(
            Format::of(Path::new("d.tsv"), b"a\tb\n").unwrap(),
            Format::Csv
        );
        assert!(Format::of(Path::new("d.txt"), b"a").is_err());
    }
}
