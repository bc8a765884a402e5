//! What data say of the task: names, loss, domain.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::checkpoint::{Checkpoint, json, limited_read, sibling};
use crate::choice::LossKind;
use crate::{ErrorKind, Result};

/// What the file's metadata or the `task.json` beside it say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Name of the task.
    pub name: Option<String>,
    /// Names of the features, or of the token positions.
    #[serde(alias = "input_names")]
    pub inputs: Vec<String>,
    /// Names of the outputs or classes.
    #[serde(alias = "output_names")]
    pub outputs: Vec<String>,
    /// `mse`, `cross-entropy`, `mse-onehot`.
    #[serde(deserialize_with = "loss")]
    pub loss: Option<LossKind>,
    /// All inputs for which a certificate may speak.
    pub domain: Option<Domain>,
    /// At which positions of a sequence answers are read, where the data name none.
    pub read: Option<ReadAt>,
    /// The outputs that were trained, where not all were.
    pub trained: Option<Vec<usize>>,
}

/// Positions of a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadAt {
    /// The last one.
    Last,
    /// Every one.
    All,
    /// These, from 0.
    At(Vec<usize>),
}

/// A set of inputs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// `[lo, hi]` per feature.
    Box(Vec<[f64; 2]>),
    /// Several boxes, each `[lo, hi]` per feature: what is in any of them.
    Boxes(Vec<Vec<[f64; 2]>>),
    /// Every tuple of tokens.
    Tokens,
}

impl Domain {
    /// Its boxes; `None` of tokens.
    #[must_use]
    pub fn boxes(&self) -> Option<&[Vec<[f64; 2]>]> {
        match self {
            Self::Box(sides) => Some(std::slice::from_ref(sides)),
            Self::Boxes(boxes) => Some(boxes),
            Self::Tokens => None,
        }
    }
}

impl Task {
    /// This task, with what it leaves open taken from `other`.
    pub(super) fn or(self, other: Self) -> Self {
        let names = |mine: Vec<String>, theirs| if mine.is_empty() { theirs } else { mine };
        Self {
            name: self.name.or(other.name),
            inputs: names(self.inputs, other.inputs),
            outputs: names(self.outputs, other.outputs),
            loss: self.loss.or(other.loss),
            domain: self.domain.or(other.domain),
            read: self.read.or(other.read),
            trained: self.trained.or(other.trained),
        }
    }

    /// The published BIMT task of this name: what its inputs and outputs are.
    ///
    /// Source: Liu, Gan & Tegmark 2023, arXiv 2305.08746; the formulas were
    /// checked against the reference data.
    ///
    /// ```
    /// use modscope::data::Task;
    /// let task = Task::published("independence").unwrap();
    /// assert_eq!(task.outputs, ["(x1 + x3)³", "x2² + sin(πx4)"]);
    /// ```
    #[must_use]
    pub fn published(name: &str) -> Option<Self> {
        let named = |inputs: &[&str], outputs: &[&str], loss: LossKind, domain| Self {
            name: Some(name.to_owned()),
            inputs: inputs.iter().map(|s| (*s).to_owned()).collect(),
            outputs: outputs.iter().map(|s| (*s).to_owned()).collect(),
            loss: Some(loss),
            domain,
            ..Self::default()
        };
        let cube = |d: usize| Some(Domain::Box(vec![[-1.0, 1.0]; d]));
        let xs = ["x1", "x2", "x3", "x4"];
        Some(match name {
            "independence" => named(
                &xs,
                &["(x1 + x3)³", "x2² + sin(πx4)"],
                LossKind::Mse,
                cube(4),
            ),
            "feature_sharing" => {
                let outputs = ["x1²", "x1² + x2²", "x1² + x2² + x3²"];
                named(&xs[..3], &outputs, LossKind::Mse, cube(3))
            }
            "compositionality" => {
                named(&xs, &["√((x1 − x2)² + (x3 − x4)²)"], LossKind::Mse, cube(4))
            }
            "two_moon" => named(
                &["x", "y"],
                &["moon 0", "moon 1"],
                LossKind::CrossEntropy,
                None,
            ),
            "modular_addition" | "permutation_S4" => named(
                &["a", "b"],
                &[],
                LossKind::CrossEntropy,
                Some(Domain::Tokens),
            ),
            "digits" => Self {
                inputs: (0..64)
                    .map(|i| format!("pixel {},{}", i / 8, i % 8))
                    .collect(),
                outputs: (0..10).map(|digit| format!("digit {digit}")).collect(),
                ..named(&[], &[], LossKind::MseOnehot, None)
            },
            // Pairs (x, y) in turn; y is asked for at every second position, and
            // the first answer cannot be known.
            "incontext" => Self {
                read: Some(ReadAt::Last),
                trained: Some(vec![0]),
                ..named(&[], &["y"], LossKind::Mse, None)
            },
            _ => return None,
        })
    }
}

impl std::str::FromStr for ReadAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let position = |word: &str| {
            word.trim()
                .parse()
                .map_err(|_| "expected last, all, or positions from 0 with commas".to_owned())
        };
        match text {
            "last" => Ok(Self::Last),
            "all" => Ok(Self::All),
            _ => Ok(Self::At(
                text.split(',').map(position).collect::<Result<_, _>>()?,
            )),
        }
    }
}

/// A box from a file with a line `lo,hi` per feature.
///
/// # Errors
/// If the file cannot be read, or a line is no pair of numbers in order.
pub fn read_box(path: &Path) -> Result<Domain> {
    let bytes = limited_read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let side = |(number, line): (usize, &str)| {
        let pair = line.split_once(',');
        let pair =
            pair.and_then(|(lo, hi)| Some([lo.trim().parse().ok()?, hi.trim().parse().ok()?]));
        pair.filter(|[lo, hi]: &[f64; 2]| lo <= hi).ok_or_else(|| {
            ErrorKind::Table {
                detail: format!(
                    "line {}: `{line}` is no pair `lo,hi` with lo ≤ hi",
                    number + 1
                ),
            }
            .at(path)
        })
    };
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    Ok(Domain::Box(lines.map(side).collect::<Result<_>>()?))
}

/// A `task.json`.
pub(super) fn from_json(path: &Path, text: &str) -> Result<Task> {
    let fault = |detail| ErrorKind::Json { detail }.at(path);
    let value = json::value(text).map_err(|e| fault(e.to_string()))?;
    if !value.is_object() {
        return Err(fault(
            "expected an object like {\"name\": \"moons\"}".to_owned(),
        ));
    }
    serde_json::from_value(value).map_err(|e| fault(e.to_string()))
}

/// The names that a network's own files give its inputs and outputs: its
/// configuration, else the `task.json` beside it.
///
/// # Errors
/// If they are no lists of words, or the file cannot be read.
pub fn names_of(checkpoint: &Checkpoint) -> Result<Task> {
    let config = names(
        &checkpoint.path.with_file_name("config.json"),
        &checkpoint.config,
    )?;
    let beside = match sibling(&checkpoint.path, "task.json")? {
        Some(text) => from_json(&checkpoint.path.with_file_name("task.json"), &text)?,
        None => Task::default(),
    };
    Ok(config.or(Task {
        inputs: beside.inputs,
        outputs: beside.outputs,
        ..Task::default()
    }))
}

/// The `input_names` and `output_names` of a configuration.
fn names(path: &Path, config: &serde_json::Map<String, Value>) -> Result<Task> {
    let list = |key: &str| -> Result<Vec<String>> {
        let Some(value) = config.get(key) else {
            return Ok(Vec::new());
        };
        let words: Result<Vec<String>, _> = serde_json::from_value(value.clone());
        words.map_err(|_| {
            ErrorKind::Json {
                detail: format!("`{key}` is {value}; a list of names is expected"),
            }
            .at(path)
        })
    };
    Ok(Task {
        inputs: list("input_names")?,
        outputs: list("output_names")?,
        ..Task::default()
    })
}

/// What a `config.json` beside the data says: names, and the task if it is a published one.
pub(super) fn from_config(path: &Path, text: &str) -> Result<Task> {
    let Ok(Value::Object(config)) = serde_json::from_str(text) else {
        // What is wrong with it is told by whoever opens the checkpoint.
        return Ok(Task::default());
    };
    let word = |key: &str| config.get(key).and_then(Value::as_str);
    let published = word("task").and_then(Task::published).unwrap_or_default();
    let named = names(path, &config)?;
    Ok(named.or(Task {
        loss: word("loss").and_then(loss_name).or(published.loss),
        ..published
    }))
}

/// Header metadata: strings, of which lists and objects are JSON.
pub(super) fn from_metadata(path: &Path, metadata: &BTreeMap<String, String>) -> Result<Task> {
    let known = [
        "name",
        "inputs",
        "input_names",
        "outputs",
        "output_names",
        "loss",
        "domain",
        "read",
        "trained",
    ];
    let value =
        |text: &String| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    let object: serde_json::Map<String, Value> = metadata
        .iter()
        .filter(|(key, _)| known.contains(&key.as_str()))
        // Metadata are anyone's: a loss there may be a number.
        .filter(|(key, text)| *key != "loss" || loss_name(text).is_some())
        .map(|(key, text)| (key.clone(), value(text)))
        .collect();
    from_json(path, &Value::Object(object).to_string())
}

/// A loss by the names that files give it; `None` for one that is not ours.
fn loss_name(name: &str) -> Option<LossKind> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    name.parse().ok()
}

/// A loss in a file, of those that are known.
fn loss<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> std::result::Result<Option<LossKind>, D::Error> {
    let Some(name) = <Option<String> as Deserialize>::deserialize(from)? else {
        return Ok(None);
    };
    let known = || {
        let known = [LossKind::Mse, LossKind::CrossEntropy, LossKind::MseOnehot];
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        format!("the loss `{name}` is none of {}", known.join(", "))
    };
    let loss = loss_name(&name).ok_or_else(|| serde::de::Error::custom(known()))?;
    Ok(Some(loss))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_reads_from_json_and_fills_gaps() {
        let text = r#"{"name": "t", "inputs": ["a"], "loss": "cross_entropy", "domain": {"box": [[-1, 1]]}}"#;
        let task = from_json(Path::new("task.json"), text).unwrap();
        assert_eq!(task.loss, Some(LossKind::CrossEntropy));
        assert_eq!(task.domain, Some(Domain::Box(vec![[-1.0, 1.0]])));
        let filled = task.or(Task::published("two_moon").unwrap());
        assert_eq!((filled.inputs.len(), filled.outputs.len()), (1, 2));
        let tokens = from_json(Path::new("task.json"), r#"{"domain": "tokens"}"#).unwrap();
        assert_eq!(tokens.domain, Some(Domain::Tokens));
    }

    #[test]
    fn metadata_holds_json_in_strings() {
        let metadata = BTreeMap::from([
            ("inputs".to_owned(), r#"["a", "b"]"#.to_owned()),
            ("loss".to_owned(), "mse".to_owned()),
            ("format".to_owned(), "pt".to_owned()),
        ]);
        let task = from_metadata(Path::new("x"), &metadata).unwrap();
        assert_eq!((task.inputs.len(), task.loss), (2, Some(LossKind::Mse)));
    }
}
