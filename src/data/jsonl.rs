//! JSON lines: one sample per line.
//!
//! `{"inputs": [0.1, 0.2], "label": 3}` or `{"tokens": [5, 7], "label": 12}`;
//! `label` is a class or a list of targets; `corrupted_inputs`,
//! `corrupted_tokens`, `answer` and `foil` as in the design. Every line has the
//! same keys and lengths. Lines of text are for [`super::prompts`].

use std::path::Path;

use serde_json::{Map, Value};

use super::arrays::{NamedArray, NamedArrays};
use super::prompts;
use crate::{Error, Result};

/// A key on a line, the array it goes to, and whether it is integers.
const KEYS: [(&str, &str, Kind); 8] = [
    ("inputs", "inputs", Kind::Floats),
    ("tokens", "tokens", Kind::Integers),
    ("corrupted_inputs", "corrupted_inputs", Kind::Floats),
    ("corrupted_tokens", "corrupted_tokens", Kind::Integers),
    ("label", "labels", Kind::Either),
    ("answer", "answers", Kind::Integers),
    ("foil", "foils", Kind::Integers),
    ("outputs", "outputs", Kind::Floats),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Floats,
    Integers,
    /// A list of numbers is targets, an integer alone a class.
    Either,
}

/// The number of a line, from 0, and the sample it holds.
pub(super) type Line = (usize, Map<String, Value>);

/// Reads the lines; text with the `tokenizer.json` at `tokenizer`.
pub(super) fn read(path: &Path, bytes: &[u8], tokenizer: Option<&Path>) -> Result<NamedArrays> {
    let lines = lines(path, bytes)?;
    if prompts::are_prompts(&lines) {
        return prompts::read(path, &lines, tokenizer);
    }
    let mut result = NamedArrays::default();
    for (key, array, kind) in KEYS {
        if lines.iter().any(|(_, line)| line.contains_key(key)) {
            result
                .arrays
                .insert(array.to_owned(), column(path, &lines, key, kind)?);
        }
    }
    Ok(result)
}

/// The objects that are not blank.
fn lines(path: &Path, bytes: &[u8]) -> Result<Vec<Line>> {
    let text = std::str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        position: error.valid_up_to(),
    })?;
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let object = match serde_json::from_str(line) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(fault(path, number, "it is no object")),
            // Every line is parsed by itself, so that only the column says where.
            Err(error) => {
                let detail = error
                    .to_string()
                    .replace(" at line 1 column ", " at column ");
                return Err(fault(path, number, &detail));
            }
        };
        lines.push((number, object));
    }
    Ok(lines)
}

/// The values of one key on all lines.
fn column(path: &Path, lines: &[Line], key: &str, kind: Kind) -> Result<NamedArray> {
    let integers = match kind {
        Kind::Either => lines
            .first()
            .is_some_and(|(_, line)| line.get(key).is_some_and(Value::is_i64)),
        other => other == Kind::Integers,
    };
    let (mut floats, mut whole, mut width) = (Vec::new(), Vec::new(), None);
    for (number, line) in lines {
        let number = *number;
        let value = line
            .get(key)
            .ok_or_else(|| fault(path, number, &format!("`{key}` is missing")))?;
        let values = value
            .as_array()
            .map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        if *width.get_or_insert(values.len()) != values.len() {
            let detail = format!(
                "`{key}` has {} numbers, the lines before {}",
                values.len(),
                width.unwrap_or(0)
            );
            return Err(fault(path, number, &detail));
        }
        for value in values {
            let wrong = || {
                fault(
                    path,
                    number,
                    &format!(
                        "`{key}` holds {value}, which is no {}",
                        if integers { "integer" } else { "number" }
                    ),
                )
            };
            if integers {
                whole.push(value.as_i64().ok_or_else(wrong)?);
            } else {
                floats.push(value.as_f64().ok_or_else(wrong)?);
            }
        }
    }
    let (rows, columns) = (lines.len(), width.unwrap_or(0));
    Ok(if integers {
        NamedArray::integers(rows, columns, whole)
    } else {
        NamedArray::floats(rows, columns, floats)
    })
}

pub(super) fn fault(path: &Path, number: usize, detail: &str) -> Error {
    Error::Table {
        path: path.to_owned(),
        detail: format!("line {}: {detail}", number + 1),
    }
}
