//! A file of axes for `modscope stability`: TOML whose keys are the command's flags and whose
//! values are strings, integers, and arrays of them.
//!
//! ```toml
//! method = ["eap", "relp", "eap-ig-inputs"]
//! fill = ["mean", "zero"]
//! top = [10, 20]
//! sample-sets = 50
//! ```

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, bail};

/// The values of every key, as they are typed on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Axes(Vec<(String, Vec<String>)>);

/// The keys.
const KEYS: [&str; 7] = [
    "method",
    "fill",
    "metric",
    "selection",
    "top",
    "sample-sets",
    "claim",
];

impl Axes {
    /// Reads a file.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`"))?;
        Self::parse(&text).with_context(|| format!("in: {shown}"))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut axes = Vec::new();
        let mut rest = Scanner { text, line: 1 };
        while let Some(key) = rest.key()? {
            if !KEYS.contains(&key.as_str()) {
                bail!(
                    "line {}: `{key}` is no axis; there are {}",
                    rest.line,
                    KEYS.join(", ")
                );
            }
            if axes.iter().any(|(other, _)| *other == key) {
                bail!("line {}: `{key}` is there twice", rest.line);
            }
            let values = rest.values()?;
            axes.push((key, values));
        }
        Ok(Self(axes))
    }

    /// The values of a key; none where it is not there.
    pub fn values<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> anyhow::Result<Vec<T>> {
        let values = self.0.iter().filter(|(other, _)| other == key);
        let parse = |text: &String| {
            let value = text.parse();
            value.map_err(|error| anyhow::anyhow!("{key} = `{text}`: {error}"))
        };
        values.flat_map(|(_, values)| values).map(parse).collect()
    }
}

/// What is left of a text.
struct Scanner<'t> {
    text: &'t str,
    line: usize,
}

impl Scanner<'_> {
    /// Passes over spaces, line ends and comments.
    fn skip(&mut self) {
        loop {
            let trimmed = self.text.trim_start();
            let passed = &self.text[..self.text.len() - trimmed.len()];
            self.line += passed.matches('\n').count();
            self.text = trimmed;
            match trimmed.strip_prefix('#') {
                Some(comment) => self.text = comment.find('\n').map_or("", |end| &comment[end..]),
                None => return,
            }
        }
    }

    /// Takes a sign that must come next.
    fn take(&mut self, sign: char) -> anyhow::Result<()> {
        self.skip();
        match self.text.strip_prefix(sign) {
            Some(rest) => self.text = rest,
            None => bail!("line {}: `{sign}` is missing", self.line),
        }
        Ok(())
    }

    /// The next key with its equals sign; `None` at the end.
    fn key(&mut self) -> anyhow::Result<Option<String>> {
        self.skip();
        if self.text.is_empty() {
            return Ok(None);
        }
        let key = self.word()?;
        self.take('=')?;
        Ok(Some(key))
    }

    /// A value, or an array of values.
    fn values(&mut self) -> anyhow::Result<Vec<String>> {
        self.skip();
        let Some(rest) = self.text.strip_prefix('[') else {
            return Ok(vec![self.value()?]);
        };
        self.text = rest;
        let mut values = Vec::new();
        loop {
            self.skip();
            if let Some(rest) = self.text.strip_prefix(']') {
                self.text = rest;
                return Ok(values);
            }
            values.push(self.value()?);
            self.skip();
            if !self.text.starts_with(']') {
                self.take(',')?;
            }
        }
    }

    /// A string in quotes without escapes, or an integer.
    fn value(&mut self) -> anyhow::Result<String> {
        let Some(quote) = self.text.chars().next().filter(|c| ['"', '\''].contains(c)) else {
            return self.word();
        };
        let inside = &self.text[1..];
        let end = inside
            .find([quote, '\n', '\\'])
            .filter(|end| inside[*end..].starts_with(quote));
        let Some(end) = end else {
            bail!(
                "line {}: a string without an end, or with an escape",
                self.line
            );
        };
        self.text = &inside[end + 1..];
        Ok(inside[..end].to_owned())
    }

    /// Letters, digits, and what stands between them in names.
    fn word(&mut self) -> anyhow::Result<String> {
        let is_of = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let end = self.text.find(|c| !is_of(c)).unwrap_or(self.text.len());
        if end == 0 {
            bail!("line {}: a name or a number is missing", self.line);
        }
        let (word, rest) = self.text.split_at(end);
        self.text = rest;
        Ok(word.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_strings_and_numbers_with_comments() {
        let text = "# axes\nmethod = [\"eap\", # first\n  'relp',\n]\nsample-sets = 50\ntop=[]\n";
        let axes = Axes::parse(text).unwrap();
        assert_eq!(axes.values::<String>("method").unwrap(), ["eap", "relp"]);
        assert_eq!(axes.values::<usize>("sample-sets").unwrap(), [50]);
        assert!(axes.values::<usize>("top").unwrap().is_empty());
        assert!(axes.values::<String>("fill").unwrap().is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = |text: &str| Axes::parse(text).unwrap_err().to_string();
        assert_eq!(
            wrong("\nsize = 3"),
            "line 2: `size` is no axis; there are method, fill, metric, selection, top, sample-sets, claim"
        );
        assert_eq!(wrong("top = 3\ntop = 4"), "line 2: `top` is there twice");
        assert_eq!(wrong("top 3"), "line 1: `=` is missing");
        assert!(wrong("method = [\"eap]").starts_with("line 1: a string without an end"));
        assert_eq!(
            wrong("method = [\"eap\" \"relp\"]"),
            "line 1: `,` is missing"
        );
        let axes = Axes::parse("top = many").unwrap();
        assert!(axes.values::<usize>("top").is_err());
    }
}
