//! JSON lines: one sample per line.
//!
//! `{"inputs": [0.1, 0.2], "label": 3}` or `{"tokens": [5, 7], "label": 12}`;
//! `label` is a class (a number or a word) or a list of targets. The keys are
//! those of arrays or their singular. Every line has the same keys and lengths.
//! Lines of text are for [`super::prompts`].

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::arrays::{NamedArray, NamedArrays};
use super::classes::{Written, classes};
use super::lines::{Line, fault};
use super::roles::{self, Role};
use super::{Reading, prompts};
use crate::checkpoint::json;
use crate::{ErrorKind, Result};

/// Reads the lines; text with the tokenizer that `reading` names.
pub(super) fn read(path: &Path, bytes: &[u8], reading: &Reading) -> Result<NamedArrays> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ErrorKind::NotUtf8 {
            position: error.valid_up_to(),
        }
        .at(path)
    })?;
    let mut lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| Ok((number, object(path, number, line)?)))
        .peekable();
    let Some(first) = lines.peek() else {
        return Ok(NamedArrays::default());
    };
    let first = match first {
        Ok((number, line)) => (*number, line.clone()),
        // The fault itself comes with the loop.
        Err(_) => (0, Map::new()),
    };
    if prompts::are_prompts(&first) {
        let lines = lines.collect::<Result<Vec<Line>>>()?;
        return prompts::read(path, &lines, reading);
    }
    let mut columns = columns(path, &first, reading)?;
    let mut rows = 0;
    for line in lines {
        add(path, &line?, &mut columns, reading)?;
        rows += 1;
    }
    arrays(path, columns, rows, reading)
}

/// One line as an object, every key of which stands once.
fn object(path: &Path, number: usize, line: &str) -> Result<Map<String, Value>> {
    match json::value(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(fault(path, number, "it is no object")),
        // Every line is parsed by itself, so that only the column says where.
        Err(error) => {
            let detail = error
                .to_string()
                .replace(" at line 1 column ", " at column ");
            Err(fault(path, number, &detail))
        }
    }
}

/// The values of one key on all lines.
struct Column {
    role: Role,
    width: usize,
    values: Values,
}

enum Values {
    Floats(Vec<f64>),
    Integers(Vec<i64>),
    Words(Vec<Written>),
}

impl Values {
    /// What a value of the first line says of all of them: ids are integers,
    /// labels classes or, in a list or with a fraction, targets.
    fn of(role: Role, value: &Value) -> Self {
        match role {
            Role::Inputs | Role::CorruptedInputs | Role::Outputs => Self::Floats(Vec::new()),
            Role::Labels if value.is_string() => Self::Words(Vec::new()),
            Role::Labels if !value.is_i64() => Self::Floats(Vec::new()),
            _ => Self::Integers(Vec::new()),
        }
    }
}

/// The columns that the keys of the first line make.
fn columns(
    path: &Path,
    (number, line): &Line,
    reading: &Reading,
) -> Result<BTreeMap<String, Column>> {
    let mut columns = BTreeMap::new();
    for (key, value) in line.iter().filter(|(key, _)| !reading.drop.contains(key)) {
        let role = role(path, *number, key)?;
        let first = |(_, other): &(&String, &Column)| other.role == role;
        if let Some((other, _)) = columns.iter().find(first) {
            return Err(fault(
                path,
                *number,
                &format!("`{other}` and `{key}` are both {role}"),
            ));
        }
        let column = Column {
            role,
            width: value.as_array().map_or(1, Vec::len),
            values: Values::of(role, value),
        };
        columns.insert(key.clone(), column);
    }
    Ok(columns)
}

/// What a key is for.
fn role(path: &Path, number: usize, key: &str) -> Result<Role> {
    Role::of_key(key).ok_or_else(|| {
        ErrorKind::UnknownArray {
            names: vec![format!("{key} (line {})", number + 1)],
            known: roles::known(),
        }
        .at(path)
    })
}

/// Adds a line to the columns.
fn add(
    path: &Path,
    (number, line): &Line,
    columns: &mut BTreeMap<String, Column>,
    reading: &Reading,
) -> Result<()> {
    let unknown = |key: &&String| !columns.contains_key(*key) && !reading.drop.contains(*key);
    if let Some(key) = line.keys().find(unknown) {
        role(path, *number, key)?;
        return Err(fault(
            path,
            *number,
            &format!("`{key}` stands on no line before"),
        ));
    }
    for (key, column) in columns {
        let value = line
            .get(key)
            .ok_or_else(|| fault(path, *number, &format!("`{key}` is missing")))?;
        let values = value
            .as_array()
            .map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        if values.len() != column.width {
            let detail = format!(
                "`{key}` has {} numbers, the lines before {}",
                values.len(),
                column.width
            );
            return Err(fault(path, *number, &detail));
        }
        for value in values {
            column.values.push(value, *number).map_err(|expected| {
                fault(
                    path,
                    *number,
                    &format!("`{key}` holds {value}, which is no {expected}"),
                )
            })?;
        }
    }
    Ok(())
}

impl Values {
    /// Adds a value, or says what was expected.
    fn push(&mut self, value: &Value, number: usize) -> Result<(), &'static str> {
        match self {
            Self::Floats(all) => all.push(value.as_f64().ok_or("number")?),
            Self::Integers(all) => all.push(value.as_i64().ok_or("integer")?),
            Self::Words(all) => all.push(Written {
                line: number as u64 + 1,
                text: value.as_str().ok_or("word")?.to_owned(),
            }),
        }
        Ok(())
    }
}

/// The columns as arrays, under the names of their roles.
fn arrays(
    path: &Path,
    columns: BTreeMap<String, Column>,
    rows: usize,
    reading: &Reading,
) -> Result<NamedArrays> {
    let mut result = NamedArrays::default();
    for (key, column) in columns {
        let array = match column.values {
            Values::Floats(values) => NamedArray::floats(rows, column.width, values),
            Values::Integers(values) => NamedArray::integers(rows, column.width, values),
            Values::Words(words) => {
                let found = classes(path, &key, &words, &reading.network.outputs)?;
                result.name_classes(&key, &found);
                NamedArray::integers(rows, column.width, found.ids)
            }
        };
        result.add(column.role.name(), array);
    }
    Ok(result)
}
