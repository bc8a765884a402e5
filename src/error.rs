//! One variant per cause, with the values that disagree and the remedy.
//!
//! The library returns these; the command line prints them as what, where and
//! what to do:
//!
//! ```text
//! error: tensor `linears.1.linear.weight` has shape [20, 32]; the layer before it is 20 wide
//!   in: runs/a/model.safetensors
//!   try: `modscope inspect runs/a/model.safetensors` lists every tensor
//! ```

use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with what a user gave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that the system does not let us read.
    #[error("cannot read the file: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file or folder that the system does not let us write.
    #[error("cannot write: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// The file the error is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Read { path, .. } | Self::Write { path, .. } => Some(path),
        }
    }

    /// What to do about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        None
    }
}
