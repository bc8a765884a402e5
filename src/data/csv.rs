//! CSV: a header row names the columns.
//!
//! `label` or `labels` holds classes (integers); `target*` and `y*` hold
//! targets; every other column is a feature. Feature and target columns give
//! inputs and outputs their names.

use std::path::Path;
use std::str::FromStr;

use ::csv::{ErrorKind, StringRecord};

use super::Task;
use super::arrays::{NamedArray, NamedArrays};
use crate::{Error, Result};

/// Reads the table.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<NamedArrays> {
    std::str::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        path: path.to_owned(),
        position: error.valid_up_to(),
    })?;
    let mut reader = ::csv::Reader::from_reader(bytes);
    let fault = |error: &::csv::Error| Error::Table {
        path: path.to_owned(),
        detail: described(error),
    };
    let header = reader.headers().map_err(|e| fault(&e))?.clone();
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let records: Vec<StringRecord> = reader
        .records()
        .collect::<Result<_, _>>()
        .map_err(|e| fault(&e))?;
    let rows = records.len();
    let is_label = |name: &str| name == "label" || name == "labels";
    let is_target = |name: &str| name.starts_with("target") || name.starts_with('y');
    let chosen = |wanted: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..names.len())
            .filter(|column| wanted(&names[*column]))
            .collect()
    };
    let numbers = |places: &[usize]| table(path, &names, &records, places);
    let features = chosen(&|name| !is_label(name) && !is_target(name));
    let targets = chosen(&is_target);
    let mut result = NamedArrays {
        task: Task {
            inputs: features.iter().map(|c| names[*c].clone()).collect(),
            outputs: targets.iter().map(|c| names[*c].clone()).collect(),
            ..Task::default()
        },
        ..NamedArrays::default()
    };
    result
        .arrays
        .insert("inputs".to_owned(), numbers(&features)?);
    if let Some(label) = chosen(&is_label).first() {
        let classes = classes(path, &names[*label], &records, *label)?;
        result
            .arrays
            .insert("labels".to_owned(), NamedArray::integers(rows, 1, classes));
    } else if !targets.is_empty() {
        result
            .arrays
            .insert("labels".to_owned(), numbers(&targets)?);
    }
    Ok(result)
}

/// What the parser met, where it knows more than we want to print.
fn described(error: &::csv::Error) -> String {
    match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, ::csv::Position::line);
            format!("line {line} has {len} fields; the header has {expected_len}")
        }
        _ => error.to_string(),
    }
}

/// The numbers of some of the columns, row by row.
fn table(
    path: &Path,
    names: &[String],
    records: &[StringRecord],
    places: &[usize],
) -> Result<NamedArray> {
    let mut values = Vec::with_capacity(records.len() * places.len());
    for (row, record) in records.iter().enumerate() {
        for place in places {
            values.push(field(
                path,
                &names[*place],
                row,
                record,
                *place,
                "no number",
            )?);
        }
    }
    Ok(NamedArray::floats(records.len(), places.len(), values))
}

fn classes(path: &Path, name: &str, records: &[StringRecord], place: usize) -> Result<Vec<i64>> {
    let expected = "no class (an integer from 0); name the column `target` if it holds targets";
    let class = |(row, record)| field(path, name, row, record, place, expected);
    records.iter().enumerate().map(class).collect()
}

/// One field as a number.
fn field<T: FromStr>(
    path: &Path,
    name: &str,
    row: usize,
    record: &StringRecord,
    place: usize,
    otherwise: &str,
) -> Result<T> {
    let text = record.get(place).unwrap_or_default().trim();
    let line = record
        .position()
        .map_or(row as u64 + 2, ::csv::Position::line);
    text.parse().map_err(|_| Error::Table {
        path: path.to_owned(),
        detail: format!("line {line}, column `{name}`: `{text}` is {otherwise}"),
    })
}
