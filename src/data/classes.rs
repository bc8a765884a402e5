//! Classes as numbers or as words → class ids.

use std::collections::BTreeSet;
use std::path::Path;

use crate::{ErrorKind, Result};

/// No network has so many classes or tokens; a larger number is a mistake, and
/// whoever made room for it would take all memory.
pub(super) const MOST_CLASSES: usize = 1 << 24;

/// One class as it stands in a file.
pub(super) struct Written {
    /// The line, from 1.
    pub line: u64,
    /// What stands there.
    pub text: String,
}

/// Class ids, and the names of the classes where they are words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Classes {
    pub ids: Vec<i64>,
    /// Empty where classes are numbers.
    pub names: Vec<String>,
    /// Whether the order of the names is that of the alphabet, for want of another.
    pub alphabetical: bool,
}

/// Numbers as they are; words by their place among `known`, or, where that is
/// empty, in the order of the alphabet, as scikit-learn's `LabelEncoder` has it.
pub(super) fn classes(
    path: &Path,
    column: &str,
    written: &[Written],
    known: &[String],
) -> Result<Classes> {
    let is_known = |w: &Written| known.contains(&w.text);
    if !known.is_empty() && written.iter().all(is_known) {
        return by_name(path, column, written, known.to_vec(), false);
    }
    match written.iter().find(|w| whole(&w.text).is_none()) {
        None => Ok(Classes {
            ids: written.iter().filter_map(|w| whole(&w.text)).collect(),
            names: Vec::new(),
            alphabetical: false,
        }),
        Some(word) if word.text.parse::<f64>().is_ok() => Err(ErrorKind::Table { detail: format!(
                "line {}, column `{column}`: `{}` is no class (an integer from 0); \
                 `--target {column}` if it holds targets",
                word.line, word.text
            ) }.at(path)),
        Some(word) => match written.iter().find(|w| whole(&w.text).is_some()) {
            Some(number) if known.is_empty() => Err(ErrorKind::Table { detail: format!(
                    "column `{column}` holds the word `{}` on line {} and the number `{}` on line {}; \
                     classes are all words or all numbers",
                    word.text, word.line, number.text, number.line
                ) }.at(path)),
            _ => {
                let all: BTreeSet<&String> = written.iter().map(|w| &w.text).collect();
                let (names, alphabetical) = match known.is_empty() {
                    true => (all.into_iter().cloned().collect(), true),
                    false => (known.to_vec(), false),
                };
                by_name(path, column, written, names, alphabetical)
            }
        },
    }
}

/// The place of each word among the names.
fn by_name(
    path: &Path,
    column: &str,
    written: &[Written],
    names: Vec<String>,
    alphabetical: bool,
) -> Result<Classes> {
    let place = |w: &Written| {
        let place = names.iter().position(|name| *name == w.text);
        place.map(|place| place as i64).ok_or_else(|| {
            ErrorKind::UnknownClass {
                line: w.line,
                column: column.to_owned(),
                word: w.text.clone(),
                known: names.clone(),
            }
            .at(path)
        })
    };
    if names.len() > MOST_WORDS {
        return Err(ErrorKind::Table { detail: format!(
                "column `{column}` holds {} different words; at most {MOST_WORDS} are read as classes",
                names.len()
            ) }.at(path));
    }
    Ok(Classes {
        ids: written.iter().map(place).collect::<Result<_>>()?,
        names,
        alphabetical,
    })
}

/// Of more words than this, a column holds texts rather than classes.
const MOST_WORDS: usize = 10_000;

/// A whole number, also as `3.0`, which is what pandas makes of integers.
fn whole(text: &str) -> Option<i64> {
    let exact = |x: &f64| x.fract() == 0.0 && x.abs() < 9e15;
    let float = || text.parse::<f64>().ok().filter(exact).map(|x| x as i64);
    text.parse().ok().or_else(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], known: &[&str]) -> Result<Classes, String> {
        let written: Vec<Written> = (2..)
            .zip(texts)
            .map(|(line, text)| Written {
                line,
                text: (*text).to_owned(),
            })
            .collect();
        let known: Vec<String> = known.iter().map(|k| (*k).to_owned()).collect();
        classes(Path::new("t.csv"), "kind", &written, &known).map_err(|e| e.to_string())
    }

    #[test]
    fn numbers_stay_what_they_are() {
        assert_eq!(read(&["2", "0", "1.0"], &[]).unwrap().ids, [2, 0, 1]);
        assert!(
            read(&["2", "0.5"], &[])
                .unwrap_err()
                .contains("`0.5` is no class")
        );
    }

    #[test]
    fn words_go_by_the_networks_names_or_the_alphabet() {
        let found = read(&["dog", "cat", "dog"], &[]).unwrap();
        assert_eq!((found.ids, found.alphabetical), (vec![1, 0, 1], true));
        assert_eq!(found.names, ["cat", "dog"]);
        let found = read(&["dog", "cat"], &["dog", "eel", "cat"]).unwrap();
        assert_eq!((found.ids, found.alphabetical), (vec![0, 2], false));
        let fault = read(&["dog", "cow"], &["dog", "eel"]).unwrap_err();
        assert!(
            fault.contains("line 3") && fault.contains("\"cow\""),
            "{fault}"
        );
    }

    #[test]
    fn words_among_numbers_are_refused() {
        let fault = read(&["1", "two"], &[]).unwrap_err();
        assert!(
            fault.contains("`two` on line 3") && fault.contains("`1` on line 2"),
            "{fault}"
        );
    }
}
