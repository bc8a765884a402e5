//! A `tokenizer.json`: text → token ids, with or without a token that stands
//! for the beginning.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Bos;
use crate::checkpoint::{json, limited_read, sibling};
use crate::{ErrorKind, Result};

/// Runs the tokenizer's own crate: where that panics over a file, the file is refused.
fn bordered<R>(path: &Path, work: impl FnOnce() -> Result<R>) -> Result<R> {
    crate::error::caught(work).unwrap_or_else(|said| {
        Err(ErrorKind::Tokenizer {
            detail: format!("the tokenizer's own code fails over it: {said}"),
        }
        .at(path))
    })
}

/// A tokenizer and where it was read from.
pub(super) struct Tokenizer {
    path: PathBuf,
    inner: tokenizers::Tokenizer,
    /// What stands for text that the tokenizer does not know, if anything does.
    unknown: Option<u32>,
    beginning: Beginning,
}

/// How prompts begin.
enum Beginning {
    /// As the tokenizer's own post-processor has it.
    OfPostProcessor,
    /// With this token.
    Token(u32),
    /// As the text does.
    Nothing,
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
    /// Reads a `tokenizer.json` as the `tokenizers` library writes it, and what
    /// lies beside it of how prompts begin.
    ///
    /// # Errors
    /// If it is none, or prompts shall begin with a token that it does not have.
    pub fn open(path: &Path, bos: Bos) -> Result<(Self, Option<String>)> {
        let fault = |error: &dyn ToString| {
            ErrorKind::Tokenizer {
                detail: error.to_string(),
            }
            .at(path)
        };
        let bytes = limited_read(path)?;
        let parsed: Value = serde_json::from_slice(&bytes).map_err(|e| fault(&e))?;
        let inner = bordered(path, || {
            let mut inner = tokenizers::Tokenizer::from_bytes(&bytes).map_err(|e| fault(&e))?;
            // Prompts are padded by whoever knows where their answers are read.
            inner.with_truncation(None).map_err(|e| fault(&e))?;
            inner.with_padding(None);
            Ok(inner)
        })?;
        let said = Said::beside(path)?;
        let token = said.token(&inner);
        let (beginning, note) = said.beginning(bos, token.as_ref()).map_err(|e| fault(&e))?;
        let unknown = parsed["model"]["unk_token"].as_str();
        let tokenizer = Self {
            path: path.to_owned(),
            unknown: unknown.and_then(|token| inner.token_to_id(token)),
            inner,
            beginning,
        };
        let of_its_own = || tokenizer.post_processor_note(token.as_ref());
        let note = match note {
            Some(note) => Some(note),
            None => bordered(path, || Ok(of_its_own()))?,
        };
        Ok((tokenizer, note))
    }

    /// The tokens of a text; `whole` where it is a prompt, which may be given a beginning.
    pub fn tokens(&self, text: &str, whole: bool) -> Result<Tokens> {
        bordered(&self.path, || self.encoded(text, whole))
    }

    fn encoded(&self, text: &str, whole: bool) -> Result<Tokens> {
        let special = whole && matches!(self.beginning, Beginning::OfPostProcessor);
        let encoded = self.inner.encode(text, special);
        let encoded = encoded.map_err(|error| {
            ErrorKind::Tokenizer {
                detail: error.to_string(),
            }
            .at(&self.path)
        })?;
        let named = encoded.get_ids().iter().zip(encoded.get_tokens());
        let mut tokens = Tokens {
            ids: encoded.get_ids().to_vec(),
            words: named.map(|(id, token)| self.word(*id, token)).collect(),
            unknown: encoded.get_ids().iter().any(|id| Some(*id) == self.unknown),
        };
        match self.beginning {
            Beginning::Token(id) if whole && tokens.ids.first() != Some(&id) => {
                let name = self.inner.id_to_token(id).unwrap_or_default();
                tokens.ids.insert(0, id);
                tokens.words.insert(0, name);
            }
            _ => {}
        }
        Ok(tokens)
    }

    /// What the tokenizer's own post-processor puts before a prompt, or that it
    /// puts nothing there though there is a token for it.
    fn post_processor_note(&self, token: Option<&(String, u32)>) -> Option<String> {
        let first = |special| {
            self.inner
                .encode("a", special)
                .ok()?
                .get_ids()
                .first()
                .copied()
        };
        let (plain, whole) = (first(false), first(true));
        match (whole.filter(|_| whole != plain), token) {
            (Some(id), _) => {
                let name = self.inner.id_to_token(id).unwrap_or_default();
                Some(format!(
                    "prompts begin with the token `{name}`, which the tokenizer's post-processor adds"
                ))
            }
            (None, Some((name, _))) => Some(format!(
                "prompts begin without the token `{name}`, as the tokenizer has it; `--bos yes` if the network was trained with it"
            )),
            (None, None) => None,
        }
    }

    /// The text of every token, by id.
    pub fn vocabulary(&self) -> Result<Vec<String>> {
        bordered(&self.path, || {
            let ids = 0..self.inner.get_vocab_size(true);
            let word = |id: usize| {
                let id = u32::try_from(id).unwrap_or(u32::MAX);
                let token = self.inner.id_to_token(id).unwrap_or_default();
                self.word(id, &token)
            };
            Ok(ids.map(word).collect())
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

/// What the files beside a tokenizer say of how prompts begin.
struct Said {
    /// `tokenizer_config.json`, else null.
    tokenizer: Value,
    /// `config.json`, else null.
    network: Value,
}

/// Names that tokens of the beginning go by, where no file names one.
const USUAL: [&str; 5] = [
    "<bos>",
    "<s>",
    "<|begin_of_text|>",
    "[BOS]",
    "<|endoftext|>",
];

impl Said {
    fn beside(path: &Path) -> Result<Self> {
        let read = |name: &str| -> Result<Value> {
            let text = sibling(path, name)?;
            let value = text.map(|text| {
                json::value(&text).map_err(|error| {
                    ErrorKind::Json {
                        detail: error.to_string(),
                    }
                    .at(path.with_file_name(name))
                })
            });
            Ok(value.transpose()?.unwrap_or(Value::Null))
        };
        Ok(Self {
            tokenizer: read("tokenizer_config.json")?,
            network: read("config.json")?,
        })
    }

    /// The token of the beginning, and its id.
    fn token(&self, inner: &tokenizers::Tokenizer) -> Option<(String, u32)> {
        let of = |name: &str| Some((name.to_owned(), inner.token_to_id(name)?));
        let said = &self.tokenizer["bos_token"];
        match said.as_str().or_else(|| said["content"].as_str()) {
            Some(name) => of(name),
            None => USUAL.iter().find_map(|name| of(name)),
        }
    }

    /// How prompts begin, and the note that says so where the post-processor is not asked.
    fn beginning(
        &self,
        bos: Bos,
        token: Option<&(String, u32)>,
    ) -> Result<(Beginning, Option<String>), String> {
        let (wanted, who) = match (
            bos,
            self.tokenizer["add_bos_token"].as_bool(),
            self.network["default_prepend_bos"].as_bool(),
        ) {
            (Bos::Yes, ..) => (true, "--bos yes"),
            (Bos::No, ..) => (false, "--bos no"),
            (Bos::Auto, Some(wanted), _) => (wanted, "`add_bos_token` in tokenizer_config.json"),
            (Bos::Auto, None, Some(wanted)) => (wanted, "`default_prepend_bos` in config.json"),
            (Bos::Auto, None, None) => return Ok((Beginning::OfPostProcessor, None)),
        };
        match (wanted, token) {
            (true, Some((name, id))) => {
                let note = format!("prompts begin with the token `{name}` ({who})");
                Ok((Beginning::Token(*id), Some(note)))
            }
            (true, None) => Err(format!(
                "by {who} prompts begin with a token of their own; the tokenizer has none that is named \
                 `bos_token` in tokenizer_config.json, nor {}",
                USUAL.join(", ")
            )),
            (false, Some((name, _))) => {
                let note = format!("prompts begin without the token `{name}` ({who})");
                Ok((Beginning::Nothing, Some(note)))
            }
            (false, None) => Ok((Beginning::Nothing, None)),
        }
    }
}
