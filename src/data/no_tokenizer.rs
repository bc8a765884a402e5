//! What stands for the tokenizer where the crate is built without the feature `text`.

use std::path::Path;

use super::Bos;
use crate::{ErrorKind, Result};

/// A tokenizer, of which there is none.
pub(super) enum Tokenizer {}

/// A text as tokens, as many ids as words.
pub(super) struct Tokens {
    pub ids: Vec<u32>,
    pub words: Vec<String>,
    pub unknown: bool,
}

impl Tokenizer {
    /// Refuses: text needs the feature.
    pub fn open(path: &Path, _bos: Bos) -> Result<(Self, Option<String>)> {
        Err(ErrorKind::Tokenizer {
            detail: "this build reads no text: the feature `text` is off".to_owned(),
        }
        .at(path))
    }

    /// The text of every token, of which there is none.
    pub fn vocabulary(&self) -> Result<Vec<String>> {
        match *self {}
    }

    /// The tokens of a text, which a tokenizer that is not there never gives.
    pub fn tokens(&self, _text: &str, _whole: bool) -> Result<Tokens> {
        match *self {}
    }
}
