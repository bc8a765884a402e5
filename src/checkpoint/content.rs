//! What a file is by its first bytes, whatever its name says.
//!
//! People rename files, downloads fail half way and large files are replaced by
//! pointers: each is known by its content and named, with the way out.

use std::fmt;
use std::path::Path;

use crate::{Error, ErrorKind, Result};

/// What the beginning of a file shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A header's length and a JSON object.
    Safetensors,
    /// A zip archive.
    Zip,
    /// A pickle of Python objects.
    Pickle,
    /// The formats that are recognised in order to be refused by name.
    Foreign(Foreign),
    /// Nothing that is known.
    Unknown,
}

/// A format that holds no checkpoint, or none that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// llama.cpp's format.
    Gguf,
    /// Keras' older format.
    Hdf5,
    /// The pointer that git-LFS leaves in place of a large file.
    LfsPointer,
    /// A page of the web.
    Html,
    /// A JSON text.
    Json,
    /// A gzip archive.
    Gzip,
    /// NumPy's format of one array.
    Npy,
    /// A tar archive, as PyTorch's first versions wrote.
    Tar,
}

/// How much of a file is looked at.
const LOOKED_AT: usize = 512;

impl Content {
    /// Of the beginning of a file.
    ///
    /// ```
    /// use modscope::checkpoint::{Content, Foreign};
    /// assert_eq!(Content::of(b"GGUF\x03\0\0\0"), Content::Foreign(Foreign::Gguf));
    /// ```
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let start = bytes.get(..LOOKED_AT).unwrap_or(bytes);
        let text = start.trim_ascii_start().to_ascii_lowercase();
        let foreign = |foreign| Self::Foreign(foreign);
        if start.get(8) == Some(&b'{') && start.get(6..8) == Some(&[0, 0]) {
            Self::Safetensors
        } else if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
            Self::Zip
        } else if start.starts_with(b"GGUF") {
            foreign(Foreign::Gguf)
        } else if start.starts_with(b"\x89HDF\r\n") {
            foreign(Foreign::Hdf5)
        } else if start.starts_with(b"\x1f\x8b") {
            foreign(Foreign::Gzip)
        } else if start.starts_with(b"\x93NUMPY") {
            foreign(Foreign::Npy)
        } else if start.get(257..262) == Some(b"ustar") {
            foreign(Foreign::Tar)
        } else if text.starts_with(b"version https://git-lfs") {
            foreign(Foreign::LfsPointer)
        } else if text.starts_with(b"<!doctype") || text.starts_with(b"<html") {
            foreign(Foreign::Html)
        } else if text.starts_with(b"{") || text.starts_with(b"[") {
            foreign(Foreign::Json)
        } else if matches!(start, [0x80, 2..=5, ..]) {
            Self::Pickle
        } else {
            Self::Unknown
        }
    }

    /// That a file which is read as `expected` is not something else.
    ///
    /// # Errors
    /// If its content is another format's.
    pub(super) fn check(path: &Path, bytes: &[u8], expected: &[Self]) -> Result<()> {
        let found = Self::of(bytes);
        if found == Self::Unknown || expected.contains(&found) {
            return Ok(());
        }
        Err(found.error(path))
    }

    /// That a file is this by its content, and not what its name says.
    pub(super) fn error(self, path: &Path) -> Error {
        ErrorKind::OtherContent {
            content: self.to_string(),
            remedy: self.remedy(),
        }
        .at(path)
    }

    /// What to do with such a file.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Safetensors => "rename it to end in `.safetensors`",
            Self::Zip => {
                "if `torch.save` wrote it, rename it to end in `.pt`; of another archive, save the \
                 weights as safetensors"
            }
            Self::Pickle => {
                "if `torch.save` wrote it, rename it to end in `.pt`; of other objects, save the \
                 weights as safetensors (of scikit-learn `coefs_` and `intercepts_`, or ONNX): \
                 nothing of a pickle is executed"
            }
            Self::Foreign(Foreign::LfsPointer) => "`git lfs pull` fetches the weights themselves",
            Self::Foreign(Foreign::Html) => {
                "the download failed or asked to log in: fetch the file itself"
            }
            Self::Foreign(Foreign::Gguf) => {
                "its weights are quantised for llama.cpp: take the safetensors they were made from"
            }
            Self::Foreign(Foreign::Gzip) => "unpack it",
            Self::Foreign(_) | Self::Unknown => {
                "save the weights as safetensors: \
                 `safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")`"
            }
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "a safetensors file",
            Self::Zip => "a zip archive, as `torch.save` writes",
            Self::Pickle => "a pickle of Python objects",
            Self::Unknown => "of no format that is known",
            Self::Foreign(foreign) => match foreign {
                Foreign::Gguf => "a GGUF file",
                Foreign::Hdf5 => "an HDF5 file",
                Foreign::LfsPointer => "a git-LFS pointer, not the weights",
                Foreign::Html => "an HTML page",
                Foreign::Json => "a JSON text",
                Foreign::Gzip => "a gzip archive",
                Foreign::Npy => "a NumPy array",
                Foreign::Tar => "a tar archive",
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_beginning() {
        for (bytes, said) in [
            (&b"\x08\0\0\0\0\0\0\0{}      "[..], "a safetensors file"),
            (b"PK\x03\x04....", "a zip archive, as `torch.save` writes"),
            (b"\x80\x02}q\0.", "a pickle of Python objects"),
            (
                b"version https://git-lfs.github.com/spec/v1\noid",
                "a git-LFS pointer, not the weights",
            ),
            (b"\n <!DOCTYPE html><html>", "an HTML page"),
            (b"{\"error\": 1}", "a JSON text"),
            (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
            (b"", "of no format that is known"),
        ] {
            assert_eq!(Content::of(bytes).to_string(), said);
        }
    }
}
