//! Prompts as text: one pair per line of a `.jsonl` file.
//!
//! `{"clean": "When Mary and John … to", "corrupted": "When Anna and John … to",
//! "answer": " Mary", "foil": " John"}`; all but `clean` may be left out, on all
//! lines alike. A pair aligns token by token, an answer is one token. Shorter
//! prompts are filled up on the right, and read at the last token of their own.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::arrays::{NamedArray, NamedArrays};
use super::lines::{Line, fault};
use super::roles::Role;
use super::tokenizer::{Tokenizer, Tokens};
use super::{Reading, Used};
use crate::result::Prompt;
use crate::{ErrorKind, Result};

/// What fills up shorter prompts: any token will do, as nothing that is read
/// comes after it.
const PADDING: i64 = 0;

/// The keys of a prompt; all but the first may be left out.
const KEYS: [&str; 4] = ["clean", "corrupted", "answer", "foil"];

/// Whether lines hold text, of which this is the first.
pub(super) fn are_prompts((_, line): &Line) -> bool {
    line.contains_key("clean")
}

/// One line as tokens.
struct Sample {
    clean: Tokens,
    corrupted: Option<Tokens>,
    answer: Option<Tokens>,
    foil: Option<Tokens>,
}

/// The tokens of all lines, and their words.
pub(super) fn read(path: &Path, lines: &[Line], reading: &Reading) -> Result<NamedArrays> {
    let tokenizer = reading
        .tokenizer
        .as_ref()
        .ok_or_else(|| ErrorKind::NoTokenizer.at(path))?;
    let unknown = |key: &&String| !KEYS.contains(&key.as_str()) && !reading.drop.contains(*key);
    for (number, line) in lines {
        if let Some(key) = line.keys().find(unknown) {
            return Err(ErrorKind::UnknownArray {
                names: vec![format!("{key} (line {})", number + 1)],
                known: KEYS.join(", "),
            }
            .at(path));
        }
    }
    let (tokenizer, note) = Tokenizer::open(tokenizer, reading.bos)?;
    let reader = Reader {
        path,
        tokenizer,
        keys: ["corrupted", "answer", "foil"]
            .into_iter()
            .filter(|key| lines.iter().any(|(_, line)| line.contains_key(*key)))
            .collect(),
    };
    let samples: Vec<Sample> = lines
        .iter()
        .map(|line| reader.sample(line))
        .collect::<Result<_>>()?;
    let mut result = arrays(samples);
    result.used = used(lines);
    result.notes.extend(note);
    Ok(result)
}

/// What each key is used for.
fn used(lines: &[Line]) -> Vec<Used> {
    let purpose = |key: &str| match Role::of_key(key) {
        _ if key == "clean" => "what the network is run on, as text".to_owned(),
        _ if key == "corrupted" => Role::CorruptedTokens.purpose().to_owned(),
        Some(role) => role.purpose().to_owned(),
        None => "not used: left out by --drop".to_owned(),
    };
    let keys = lines
        .iter()
        .flat_map(|(_, line)| line.keys())
        .collect::<BTreeSet<_>>();
    let used = keys.into_iter().map(|key| Used {
        name: key.clone(),
        purpose: purpose(key),
    });
    used.collect()
}

struct Reader<'a> {
    path: &'a Path,
    tokenizer: Tokenizer,
    /// Those of the keys that may be left out which are there.
    keys: Vec<&'static str>,
}

impl Reader<'_> {
    fn sample(&self, line: &Line) -> Result<Sample> {
        let clean = self.prompt(line, "clean")?;
        let corrupted = self.optional(line, "corrupted", Self::prompt)?;
        if let Some(corrupted) = corrupted
            .as_ref()
            .filter(|c| c.ids.len() != clean.ids.len())
        {
            return Err(ErrorKind::PromptPair {
                line: line.0 + 1,
                clean: clean.words,
                corrupted: corrupted.words.clone(),
            }
            .at(self.path));
        }
        Ok(Sample {
            clean,
            corrupted,
            answer: self.optional(line, "answer", Self::answer)?,
            foil: self.optional(line, "foil", Self::answer)?,
        })
    }

    /// What stands under a key that no line, or every line has.
    fn optional(
        &self,
        line: &Line,
        key: &'static str,
        read: impl Fn(&Self, &Line, &'static str) -> Result<Tokens>,
    ) -> Result<Option<Tokens>> {
        let present = self.keys.contains(&key);
        present.then(|| read(self, line, key)).transpose()
    }

    fn prompt(&self, line: &Line, key: &'static str) -> Result<Tokens> {
        self.tokens(line, key, true, |tokens| {
            tokens.ids.is_empty().then_some("a prompt has at least one")
        })
    }

    fn answer(&self, line: &Line, key: &'static str) -> Result<Tokens> {
        self.tokens(line, key, false, |tokens| {
            (tokens.ids.len() != 1).then_some("an answer is one token")
        })
    }

    /// The tokens of a text, of which `wrong` says what is expected otherwise.
    fn tokens(
        &self,
        (number, line): &Line,
        key: &'static str,
        whole: bool,
        wrong: impl Fn(&Tokens) -> Option<&'static str>,
    ) -> Result<Tokens> {
        let text = match line.get(key) {
            Some(Value::String(text)) => text,
            Some(other) => {
                let detail = format!("`{key}` holds {other}, which is no text");
                return Err(fault(self.path, *number, &detail));
            }
            None => return Err(fault(self.path, *number, &format!("`{key}` is missing"))),
        };
        let tokens = self.tokenizer.tokens(text, whole)?;
        let unknown = tokens
            .unknown
            .then_some("one stands for what the tokenizer does not know");
        match wrong(&tokens).or(unknown) {
            None => Ok(tokens),
            Some(expected) => Err(ErrorKind::PromptText {
                line: number + 1,
                key,
                text: text.clone(),
                tokens: tokens.words,
                expected,
            }
            .at(self.path)),
        }
    }
}

/// Token arrays of the length of the longest prompt.
fn arrays(samples: Vec<Sample>) -> NamedArrays {
    let longest = samples.iter().map(|s| s.clean.ids.len()).max().unwrap_or(0);
    let padded = |tokens: &Tokens| {
        let ids = tokens.ids.iter().map(|id| i64::from(*id));
        ids.chain(std::iter::repeat(PADDING))
            .take(longest)
            .collect::<Vec<_>>()
    };
    let rows = samples.len();
    let mut result = NamedArrays::default();
    let mut add = |name: &str, columns: usize, ids: Option<Vec<Vec<i64>>>| {
        if let Some(ids) = ids {
            let array = NamedArray::integers(rows, columns, ids.concat());
            result.arrays.insert(name.to_owned(), array);
        }
    };
    let last = |s: &Sample| Some(vec![s.clean.ids.len() as i64 - 1]);
    let all = |of: &dyn Fn(&Sample) -> Option<Vec<i64>>| samples.iter().map(of).collect();
    add("tokens", longest, all(&|s| Some(padded(&s.clean))));
    add(
        "corrupted_tokens",
        longest,
        all(&|s| s.corrupted.as_ref().map(padded)),
    );
    add("positions", 1, all(&last));
    let one = |tokens: &Tokens| tokens.ids.iter().map(|id| i64::from(*id)).collect();
    add("answers", 1, all(&|s| s.answer.as_ref().map(one)));
    add("foils", 1, all(&|s| s.foil.as_ref().map(one)));
    let words = |tokens: Option<Tokens>| tokens.map_or_else(Vec::new, |t| t.words);
    result.prompts = samples
        .into_iter()
        .map(|s| Prompt {
            clean: s.clean.words,
            corrupted: words(s.corrupted),
            answer: words(s.answer).concat(),
            foil: words(s.foil).concat(),
        })
        .collect();
    result
}
