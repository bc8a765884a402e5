//! CSV: a header row names the columns; commas, semicolons or tabs part them.
//!
//! What a column is for is never guessed. `--target`, `--label` and `--drop`
//! say it; else `label` or `labels` holds classes, `target`, `targets` or `y`
//! targets, and every other column is an input, which the network's own names
//! of its inputs must confirm where they are known. Columns come in the
//! network's order. Classes may be words.

use std::path::Path;

use ::csv::StringRecord;

use super::arrays::{NamedArray, NamedArrays};
use super::classes::{Written, classes};
use super::{Groups, Reading, Used};
use crate::{Error, ErrorKind, Result};

/// What parts the fields.
const SEPARATORS: [(u8, &str); 3] = [(b',', "comma"), (b';', "semicolon"), (b'\t', "tab")];

/// Lines by which separators are told apart.
const SNIFFED: usize = 20;

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Input,
    Target,
    Label,
    /// What parts the samples, and nothing else.
    Group,
    Dropped,
}

/// Reads the table.
pub(super) fn read(path: &Path, bytes: &[u8], reading: &Reading) -> Result<NamedArrays> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        ErrorKind::NotUtf8 {
            position: error.valid_up_to(),
        }
        .at(path)
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(separator(path, text)?)
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| unreadable(path, &e))?;
    let names: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
    let table = Table {
        path,
        columns: columns(path, &names, reading)?,
        by: names
            .iter()
            .position(|name| Some(name) == reading.by.as_ref()),
        names,
    };
    let mut filled = Filled::default();
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|e| unreadable(path, &e))?
    {
        table.add(&record, &mut filled)?;
    }
    table.arrays(filled, reading)
}

/// The separator that parts every line into as many fields as the header.
fn separator(path: &Path, text: &str) -> Result<u8> {
    let fields = |separator: u8| -> Option<usize> {
        let mut lines = ::csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut lines = lines.records().take(SNIFFED);
        let count = lines.next()?.ok()?.len();
        let alike = lines.all(|line| line.is_ok_and(|line| line.len() == count));
        (count > 1 && alike).then_some(count)
    };
    let found: Vec<(u8, &str)> = SEPARATORS
        .into_iter()
        .filter(|(s, _)| fields(*s).is_some())
        .collect();
    match found.as_slice() {
        [(one, _)] => Ok(*one),
        // One column, or a fault that the parser tells with its line.
        [] => Ok(most_frequent(text)),
        several => {
            let names: Vec<&str> = several.iter().map(|(_, name)| *name).collect();
            Err(table_fault(
                path,
                format!(
                    "{} each part all lines into fields; which is meant cannot be told",
                    names.join(" and ")
                ),
            ))
        }
    }
}

/// The separator that stands in the header most often; the comma of equals.
fn most_frequent(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let count = |separator: u8| header.bytes().filter(|b| *b == separator).count();
    let mut best = b',';
    for (separator, _) in SEPARATORS {
        if count(separator) > count(best) {
            best = separator;
        }
    }
    best
}

/// What each column is for.
fn columns(path: &Path, names: &[String], reading: &Reading) -> Result<Vec<Column>> {
    check_header(path, names)?;
    let flags = reading.targets.iter().map(|name| ("--target", name));
    let flags = flags.chain(reading.label.iter().map(|name| ("--label", name)));
    let flags = flags.chain(reading.by.iter().map(|name| ("--by", name)));
    let mut flags = flags.chain(reading.drop.iter().map(|name| ("--drop", name)));
    if let Some((flag, name)) = flags.find(|(_, name)| !names.contains(name)) {
        return Err(ErrorKind::NoSuchColumn {
            flag,
            name: name.clone(),
            found: names.to_vec(),
        }
        .at(path));
    }
    let told = !reading.targets.is_empty() || reading.label.is_some();
    let by_name = (!told).then(|| by_name(path, names, reading)).transpose()?;
    let of = |name: &String| {
        if reading.drop.contains(name) {
            Column::Dropped
        } else if reading.targets.contains(name) {
            Column::Target
        } else if reading.label.as_ref() == Some(name) {
            Column::Label
        } else {
            let known = by_name
                .as_ref()
                .map_or(Column::Input, |by_name| by_name(name));
            let is_own = known == Column::Input && !reading.network.inputs.contains(name);
            match is_own && reading.by.as_ref() == Some(name) {
                true => Column::Group,
                false => known,
            }
        }
    };
    let columns: Vec<Column> = names.iter().map(of).collect();
    match_inputs(path, names, &columns, &reading.network.inputs)?;
    if !columns.contains(&Column::Input) {
        let detail = format!("no column is an input; there are {}", listed(names));
        return Err(table_fault(path, detail));
    }
    Ok(columns)
}

/// What a name alone says: classes, else targets, else an input. The network's
/// own names go first.
fn by_name(path: &Path, names: &[String], reading: &Reading) -> Result<impl Fn(&String) -> Column> {
    let network = reading.network.clone();
    let is_input = move |name: &String| network.inputs.contains(name);
    let dropped = |name: &&String| !reading.drop.contains(name);
    let among = |known: &[&str]| -> Vec<String> {
        let named = names
            .iter()
            .filter(dropped)
            .filter(|name| known.contains(&name.as_str()));
        named.filter(|name| !is_input(name)).cloned().collect()
    };
    let labels = among(&["label", "labels"]);
    let mut targets = among(&["target", "targets"]);
    if labels.is_empty() && targets.is_empty() {
        targets = among(&["y"]);
    }
    if labels.is_empty() && targets.is_empty() && !reading.network.inputs.is_empty() {
        targets = names
            .iter()
            .filter(dropped)
            .filter(|name| reading.network.outputs.contains(name))
            .cloned()
            .collect();
        targets.retain(|name| !is_input(name));
    }
    if labels.len() + targets.len().min(1) > 1 {
        let both = [labels, targets].concat();
        return Err(table_fault(
            path,
            format!(
                "the columns {} may each be what the network should give; `--label COL` or `--target COL` says which",
                listed(&both)
            ),
        ));
    }
    Ok(move |name: &String| {
        if labels.contains(name) {
            Column::Label
        } else if targets.contains(name) {
            Column::Target
        } else {
            Column::Input
        }
    })
}

/// Holds the input columns against the names that the network gives its inputs.
fn match_inputs(path: &Path, names: &[String], columns: &[Column], known: &[String]) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let inputs = || {
        names
            .iter()
            .zip(columns)
            .filter(|(_, column)| **column == Column::Input)
    };
    let missing: Vec<String> = known
        .iter()
        .filter(|name| !inputs().any(|(other, _)| other == *name))
        .cloned()
        .collect();
    let unused: Vec<String> = inputs()
        .map(|(name, _)| name)
        .filter(|name| !known.contains(name))
        .cloned()
        .collect();
    if missing.is_empty() && unused.is_empty() {
        return Ok(());
    }
    Err(ErrorKind::ColumnsOfInputs { missing, unused }.at(path))
}

/// A header names every column, each by a name of its own, and is not a row of numbers.
fn check_header(path: &Path, names: &[String]) -> Result<()> {
    if let Some(place) = names.iter().position(String::is_empty) {
        let detail = format!(
            "column {} has no name; is it an index (`index=False` leaves it out)?",
            place + 1
        );
        return Err(table_fault(path, detail));
    }
    if !names.is_empty() && names.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(table_fault(
            path,
            "the first row holds numbers; the names of the columns are expected there".to_owned(),
        ));
    }
    for (place, name) in names.iter().enumerate() {
        if let Some(first) = names[..place].iter().position(|other| other == name) {
            return Err(ErrorKind::Duplicate {
                what: "column",
                name: name.clone(),
                detail: format!("columns {} and {}", first + 1, place + 1),
            }
            .at(path));
        }
    }
    Ok(())
}

fn table_fault(path: &Path, detail: String) -> Error {
    ErrorKind::Table { detail }.at(path)
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// What the parser met, where it knows more than we want to print.
fn unreadable(path: &Path, error: &::csv::Error) -> Error {
    let detail = match error.kind() {
        ::csv::ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => {
            let line = pos.as_ref().map_or(0, ::csv::Position::line);
            format!("line {line} has {len} fields; the header has {expected_len}")
        }
        _ => error.to_string(),
    };
    table_fault(path, detail)
}

/// A table whose header was read.
struct Table<'a> {
    path: &'a Path,
    names: Vec<String>,
    columns: Vec<Column>,
    /// The column whose values part the samples, whatever else it is for.
    by: Option<usize>,
}

/// The numbers and classes of the lines, in the order of the columns.
#[derive(Default)]
struct Filled {
    rows: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    labels: Vec<Written>,
    groups: Vec<String>,
}

impl Table<'_> {
    /// Adds a line.
    fn add(&self, record: &StringRecord, to: &mut Filled) -> Result<()> {
        let line = record
            .position()
            .map_or(to.rows as u64 + 2, ::csv::Position::line);
        for (place, column) in self.columns.iter().enumerate() {
            let text = record.get(place).unwrap_or_default().trim();
            if self.by == Some(place) {
                to.groups.push(text.to_owned());
            }
            match column {
                // Of whom nothing is known are a group too.
                Column::Dropped | Column::Group => continue,
                _ if text.is_empty() => {
                    return Err(ErrorKind::EmptyCell {
                        line,
                        column: self.names[place].clone(),
                    }
                    .at(self.path));
                }
                Column::Input => to.inputs.push(self.number(line, place, text)?),
                Column::Target => to.targets.push(self.number(line, place, text)?),
                Column::Label => to.labels.push(Written {
                    line,
                    text: text.to_owned(),
                }),
            }
        }
        to.rows += 1;
        Ok(())
    }

    /// A finite number; `True` and `False`, as pandas writes them, are 1 and 0.
    fn number(&self, line: u64, place: usize, text: &str) -> Result<f64> {
        let number = match text {
            "True" | "true" | "TRUE" => Some(1.0),
            "False" | "false" | "FALSE" => Some(0.0),
            _ => text.parse::<f64>().ok().filter(|x| x.is_finite()),
        };
        number.ok_or_else(|| {
            ErrorKind::NotANumber {
                line,
                column: self.names[place].clone(),
                text: text.to_owned(),
            }
            .at(self.path)
        })
    }

    /// The names of the columns of this kind.
    fn named(&self, kind: Column) -> Vec<String> {
        let columns = self.names.iter().zip(&self.columns);
        columns
            .filter(|(_, column)| **column == kind)
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn arrays(&self, filled: Filled, reading: &Reading) -> Result<NamedArrays> {
        let mut result = NamedArrays::default();
        let network = &reading.network;
        let (names, order) = in_order(self.named(Column::Input), &network.inputs);
        if !order.is_sorted() {
            result.notes.push(
                "the columns of the data were put into the order of the network's inputs, by name"
                    .to_owned(),
            );
        }
        let inputs = rearranged(filled.inputs, &order);
        result.add(
            "inputs",
            NamedArray::floats(filled.rows, names.len(), inputs),
        );
        result.task.inputs = names;
        let (names, order) = in_order(self.named(Column::Target), &network.outputs);
        if !names.is_empty() {
            if !order.is_sorted() {
                result.notes.push("the columns of targets were put into the order of the network's outputs, by name".to_owned());
            }
            let targets = rearranged(filled.targets, &order);
            result.add(
                "labels",
                NamedArray::floats(filled.rows, names.len(), targets),
            );
            result.task.outputs = names;
        }
        if let [label] = self.named(Column::Label).as_slice() {
            let found = classes(self.path, label, &filled.labels, &network.outputs)?;
            result.name_classes(label, &found);
            result.add("labels", NamedArray::integers(filled.rows, 1, found.ids));
        }
        if let Some(place) = self.by {
            let groups = Groups {
                column: self.names[place].clone(),
                values: filled.groups,
            };
            result.groups = Some(groups.checked(self.path)?);
        }
        result.used = self.used();
        Ok(result)
    }

    /// What each column is used for.
    fn used(&self) -> Vec<Used> {
        let purpose = |column: &Column| match column {
            Column::Input => "input",
            Column::Target => "target",
            Column::Label => "class",
            Column::Group => "subgroups (--by)",
            Column::Dropped => "left out by --drop",
        };
        let columns = self.names.iter().zip(&self.columns);
        let used = columns.map(|(name, column)| Used {
            name: name.clone(),
            purpose: purpose(column).to_owned(),
        });
        used.collect()
    }
}

/// Names in the order of `known`, where all of them are known, and the place
/// that each had; else as they are.
fn in_order(names: Vec<String>, known: &[String]) -> (Vec<String>, Vec<usize>) {
    let places: Option<Vec<usize>> = known
        .iter()
        .map(|name| names.iter().position(|other| other == name))
        .collect();
    match places {
        Some(places) if places.len() == names.len() => (
            places.iter().map(|place| names[*place].clone()).collect(),
            places,
        ),
        _ => {
            let places = (0..names.len()).collect();
            (names, places)
        }
    }
}

/// Rows of values in another order of columns.
fn rearranged(values: Vec<f64>, order: &[usize]) -> Vec<f64> {
    if order.is_sorted() {
        return values;
    }
    let row = |row: &[f64]| order.iter().map(|place| row[*place]).collect::<Vec<_>>();
    values.chunks_exact(order.len()).flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Task;
    use crate::data::arrays::Numbers;

    fn parsed_with(text: &str, reading: &Reading) -> Result<NamedArrays, String> {
        read(Path::new("t.csv"), text.as_bytes(), reading).map_err(|error| error.to_string())
    }

    fn parsed(text: &str) -> Result<NamedArrays, String> {
        parsed_with(text, &Reading::default())
    }

    fn network(inputs: &[&str], outputs: &[&str]) -> Reading {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Reading {
            network: Task {
                inputs: owned(inputs),
                outputs: owned(outputs),
                ..Task::default()
            },
            ..Reading::default()
        }
    }

    fn floats(of: &NamedArrays, name: &str) -> Vec<f64> {
        match &of.arrays[name].numbers {
            Numbers::Floats(values) => values.clone(),
            Numbers::Integers(values) => values.iter().map(|v| *v as f64).collect(),
        }
    }

    #[test]
    fn whole_names_decide_what_columns_are_and_first_letters_never() {
        let table = parsed("a,y,label\n1,2,0\n3,4,1\n").unwrap();
        assert_eq!(
            table.task.inputs,
            ["a", "y"],
            "with labels there are no targets"
        );
        assert!(matches!(&table.arrays["labels"].numbers, Numbers::Integers(l) if *l == [0, 1]));
        let table = parsed("year_built,yield,target\n1,2,3\n").unwrap();
        assert_eq!(table.task.inputs, ["year_built", "yield"]);
        assert_eq!(table.task.outputs, ["target"]);
        assert!(
            parsed("a,label,target\n1,2,3\n")
                .unwrap_err()
                .contains("`label`, `target`")
        );
    }

    #[test]
    fn flags_decide_before_names() {
        let reading = Reading {
            targets: vec!["b".into(), "c".into()],
            drop: vec!["id".into()],
            ..Reading::default()
        };
        let table = parsed_with("id,a,b,c,label\nx,1,2,3,9\n", &reading).unwrap();
        assert_eq!(table.task.inputs, ["a", "label"]);
        assert_eq!(floats(&table, "labels"), [2.0, 3.0]);
        let wrong = Reading {
            drop: vec!["d".into()],
            ..Reading::default()
        };
        assert!(
            parsed_with("a\n1\n", &wrong)
                .unwrap_err()
                .contains("`--drop d`")
        );
    }

    #[test]
    fn columns_come_in_the_networks_order() {
        let table =
            parsed_with("b,cost,a\n1,2,3\n4,5,6\n", &network(&["a", "b"], &["cost"])).unwrap();
        assert_eq!(floats(&table, "inputs"), [3.0, 1.0, 6.0, 4.0]);
        assert_eq!(floats(&table, "labels"), [2.0, 5.0]);
        assert_eq!(table.notes.len(), 1);
        let fault = parsed_with("b,d\n1,2\n", &network(&["a", "b"], &[])).unwrap_err();
        assert!(fault.contains("`a`") && fault.contains("`d`"), "{fault}");
    }

    #[test]
    fn separators_are_told_by_every_line() {
        for text in [
            "a,b\n1,2\n",
            "a;b\n1;2\n",
            "a\tb\n1\t2\n",
            "\u{feff}a;b\r\n1;2\r\n",
        ] {
            assert_eq!(
                floats(&parsed(text).unwrap(), "inputs"),
                [1.0, 2.0],
                "{text:?}"
            );
        }
        assert_eq!(
            floats(&parsed("a, x;b\n1;2\n").unwrap(), "inputs"),
            [1.0, 2.0]
        );
        assert!(
            parsed("a,b;c\n1,2;3\n")
                .unwrap_err()
                .contains("comma and semicolon")
        );
    }

    #[test]
    fn cells_are_refused_with_line_and_column() {
        assert!(
            parsed("a,b\n1,\n")
                .unwrap_err()
                .contains("line 2, column `b`")
        );
        assert!(
            parsed("a,b\n1,2\n1,nan\n")
                .unwrap_err()
                .contains("line 3, column `b`")
        );
        assert_eq!(
            floats(&parsed("a,b\nTrue,False\n").unwrap(), "inputs"),
            [1.0, 0.0]
        );
        assert!(
            parsed("a,a\n1,2\n")
                .unwrap_err()
                .contains("columns 1 and 2")
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
        assert!(parsed("a\nx\n").unwrap_err().contains("\"x\""));
    }

    #[test]
    fn classes_may_be_words() {
        let table = parsed("a,label\n1,yes\n2,no\n").unwrap();
        assert_eq!(floats(&table, "labels"), [1.0, 0.0]);
        assert_eq!(table.task.outputs, ["no", "yes"]);
        assert_eq!(table.alphabetical, Some(2));
    }
}
