//! A `tokenizer.json`: text → token ids.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::checkpoint::limited_read;
use crate::{Error, Result};

/// A tokenizer and where it was read from.
pub(super) struct Tokenizer {
    path: PathBuf,
    inner: tokenizers::Tokenizer,
    /// What stands for text that the tokenizer does not know, if anything does.
    unknown: Option<u32>,
}

/// A text as tokens, as many ids as words.
pub(super) struct Tokens {
    pub ids: Vec<u32>,
    /// As a person reads them: with the space before a word, where there is one.
    pub words: Vec<String>,
    /// Whether one of them stands for text that the tokenizer does not know.
    pub unknown: bool,
}

impl Tokenizer {
    /// Reads a `tokenizer.json` as the `tokenizers` library writes it.
    pub fn open(path: &Path) -> Result<Self> {
        let fault = |error: &dyn ToString| Error::Tokenizer {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let bytes = limited_read(path)?;
        let json: Value = serde_json::from_slice(&bytes).map_err(|e| fault(&e))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| fault(&e))?;
        // Prompts are padded by whoever knows where their answers are read.
        inner.with_truncation(None).map_err(|e| fault(&e))?;
        inner.with_padding(None);
        let unknown = json["model"]["unk_token"].as_str();
        Ok(Self {
            path: path.to_owned(),
            unknown: unknown.and_then(|token| inner.token_to_id(token)),
            inner,
        })
    }

    /// The tokens of a text; `whole` where it is a prompt, to which the tokenizer
    /// may add a beginning.
    pub fn tokens(&self, text: &str, whole: bool) -> Result<Tokens> {
        let encoded = self.inner.encode(text, whole);
        let encoded = encoded.map_err(|error| Error::Tokenizer {
            path: self.path.clone(),
            detail: error.to_string(),
        })?;
        let named = encoded.get_ids().iter().zip(encoded.get_tokens());
        Ok(Tokens {
            ids: encoded.get_ids().to_vec(),
            words: named.map(|(id, token)| self.word(*id, token)).collect(),
            unknown: encoded.get_ids().iter().any(|id| Some(*id) == self.unknown),
        })
    }

    /// The text of one token, or its name where it is no text of its own.
    fn word(&self, id: u32, token: &str) -> String {
        let text = self.inner.decode(&[id], false).unwrap_or_default();
        if text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER) {
            token.to_owned()
        } else {
            text
        }
    }
}
