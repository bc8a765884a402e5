//! CSV: a header row names the columns.
//!
//! `label` or `labels` holds classes (integers). Without such a column, those
//! named `target*` or `y*` hold targets. Every other column is a feature.
//! Feature and target columns give inputs and outputs their names.

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
    check_header(path, &names)?;
    let is_label = |name: &str| name == "label" || name == "labels";
    let labelled = names.iter().any(|name| is_label(name));
    let is_target = |name: &str| !labelled && (name.starts_with("target") || name.starts_with('y'));
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

/// A header names every column, and is not a row of numbers.
fn check_header(path: &Path, names: &[String]) -> Result<()> {
    let fault = |detail: String| Error::Table {
        path: path.to_owned(),
        detail,
    };
    if let Some(place) = names.iter().position(String::is_empty) {
        let detail = format!(
            "column {} has no name; is it an index (`index=False` leaves it out)?",
            place + 1
        );
        return Err(fault(detail));
    }
    if !names.is_empty() && names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(fault(
            "the first row holds numbers; the names of the columns are expected there".to_owned(),
        ));
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::arrays::Numbers;

    fn parsed(text: &str) -> Result<NamedArrays, String> {
        read(Path::new("t.csv"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn names_decide_what_columns_are() {
        let table = parsed("a,y,label\n1,2,0\n3,4,1\n").unwrap();
        assert_eq!(
            table.task.inputs,
            ["a", "y"],
            "with labels there are no targets"
        );
        assert!(matches!(&table.arrays["labels"].numbers, Numbers::Integers(l) if *l == [0, 1]));
        let table = parsed("a,y1,target2\n1,2,3\n").unwrap();
        assert_eq!(
            (table.task.inputs, table.task.outputs),
            (vec!["a".into()], vec!["y1".into(), "target2".into()])
        );
    }

    #[test]
    fn headers_that_are_none_are_refused() {
        assert!(
            parsed("1,2\n3,4\n")
                .unwrap_err()
                .contains("first row holds numbers")
        );
        assert!(
            parsed(",a\n0,1\n")
                .unwrap_err()
                .contains("column 1 has no name")
        );
        assert!(parsed("a\nx\n").unwrap_err().contains("`x`"));
    }
}
