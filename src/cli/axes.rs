//! A file of axes for `modscope stability`: TOML whose keys are the command's flags and whose
//! values are strings, numbers, and arrays of them.
//!
//! ```toml
//! method = ["eap", "relp", "eap-ig-inputs"]
//! fill = ["mean", "zero"]
//! top = [10, 20]
//! sample-sets = 50
//! ```

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The values of every key, as they are typed on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Axes(BTreeMap<String, Vec<String>>);

/// The keys.
const KEYS: [&str; 11] = [
    "method",
    "fill",
    "metric",
    "selection",
    "order",
    "top",
    "faithfulness",
    "seeds",
    "granularity",
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
        let table: BTreeMap<String, Value> = basic_toml::from_str(text)?;
        let mut axes = BTreeMap::new();
        for (key, value) in table {
            if !KEYS.contains(&key.as_str()) {
                bail!("`{key}` is no axis; there are {}", KEYS.join(", "));
            }
            let values = match value {
                Value::Array(values) => values,
                one => vec![one],
            };
            let typed: anyhow::Result<Vec<String>> =
                values.into_iter().map(|value| typed(&key, value)).collect();
            axes.insert(key, typed?);
        }
        Ok(Self(axes))
    }

    /// The values of a key, as its flag reads them; none where it is not there.
    pub fn values<T, E: Display>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> anyhow::Result<Vec<T>> {
        let read = |text: &String| {
            read(text).map_err(|error| anyhow::anyhow!("{key} = `{text}`: {error}"))
        };
        self.0.get(key).into_iter().flatten().map(read).collect()
    }
}

/// A value as it is typed on the command line.
fn typed(key: &str, value: Value) -> anyhow::Result<String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            bail!("{key} = {value}: a string, a number, or an array of them is wanted")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_strings_and_numbers_with_comments() {
        let text = "# axes\nmethod = [\"eap\", # first\n  'relp',\n]\nsample-sets = 50\n\
                    top=[]\nfaithfulness = [0.8, 0.95]\n";
        let axes = Axes::parse(text).unwrap();
        let words = |key: &str| axes.values(key, str::parse::<String>).unwrap();
        assert_eq!(words("method"), ["eap", "relp"]);
        assert_eq!(
            axes.values("sample-sets", str::parse::<usize>).unwrap(),
            [50]
        );
        assert_eq!(words("faithfulness"), ["0.8", "0.95"]);
        assert!(words("top").is_empty());
        assert!(words("fill").is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = |text: &str| Axes::parse(text).unwrap_err().to_string();
        assert_eq!(
            wrong("\nsize = 3"),
            "`size` is no axis; there are method, fill, metric, selection, order, top, \
             faithfulness, seeds, granularity, sample-sets, claim"
        );
        assert_eq!(
            wrong("top = [[3]]"),
            "top = [3]: a string, a number, or an array of them is wanted"
        );
        for text in [
            "top = 3\ntop = 4",
            "top 3",
            "method = [\"eap]",
            "method = [\"eap\" \"relp\"]",
        ] {
            assert!(wrong(text).contains("line "), "{text}: {}", wrong(text));
        }
        let axes = Axes::parse("top = \"many\"").unwrap();
        assert!(axes.values("top", str::parse::<usize>).is_err());
    }
}
