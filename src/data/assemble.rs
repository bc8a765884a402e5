//! Named arrays → a data set whose parts agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ndarray::{Array2, Axis};

use super::arrays::{NamedArray, NamedArrays, Numbers};
use super::classes::MOST_CLASSES;
use super::roles::{Meaning, Role, known, meaning};
use super::{Dataset, Domain, Groups, Inputs, Labels, Reading, Told, Used};
use crate::{Error, ErrorKind, Result};

/// The arrays of one split.
struct Part<'a> {
    path: &'a Path,
    /// The array of each role, with its name in the file.
    arrays: BTreeMap<Role, (&'a str, &'a NamedArray)>,
    domain: Option<&'a Domain>,
    split: String,
    rows: usize,
}

/// Makes a data set of the split asked for, by default `test` where there is one.
pub(super) fn assemble(
    path: &Path,
    sha256: String,
    mut arrays: NamedArrays,
    reading: &Reading,
) -> Result<Dataset> {
    let (notes, prompts) = (
        std::mem::take(&mut arrays.notes),
        std::mem::take(&mut arrays.prompts),
    );
    let columns = arrays.groups.take();
    // Of a table the column is found; of arrays the one of that name.
    let by = reading.by.as_deref().filter(|_| columns.is_none());
    let sorted = Sorted::new(path, &arrays, &reading.drop, by)?;
    let split = sorted.choose(path, reading.split.as_deref())?;
    let used = match arrays.used.is_empty() {
        true => sorted.used(&split),
        false => arrays.used.clone(),
    };
    let mut part = Part {
        path,
        arrays: sorted.of(&split),
        domain: arrays.task.domain.as_ref(),
        split,
        rows: 0,
    };
    let (role, input_shape) = part.find_inputs(&sorted)?;
    let inputs = part.inputs(role)?;
    part.rows = inputs.len();
    part.check_domain(&inputs)?;
    let groups = match (columns, by) {
        (Some(columns), _) => Some(columns),
        (None, None) => None,
        (None, Some(name)) => Some(sorted.groups(path, &arrays, &part, name)?),
    };
    let mut data = Dataset {
        path: path.to_owned(),
        sha256,
        labels: part.labels()?,
        answers: part.classes(Role::Answers)?,
        foils: part.classes(Role::Foils)?,
        positions: part.positions()?,
        outputs: part.outputs()?,
        corrupted: part.corrupted(&inputs)?,
        groups,
        told: Told {
            used,
            notes,
            alphabetical: arrays.alphabetical,
            outputs_dtype: part.optional(Role::Outputs).and_then(|array| array.dtype),
        },
        split: part.split,
        inputs,
        input_shape,
        task: arrays.task.clone(),
        prompts,
    };
    match_names(&mut data, &reading.network.inputs)?;
    Ok(data)
}

/// The arrays of a file by split and role.
struct Sorted<'a> {
    splits: BTreeMap<&'static str, BTreeMap<Role, (&'a str, &'a NamedArray)>>,
    /// What nothing is done with, and why.
    idle: Vec<Used>,
    names: Vec<String>,
}

impl<'a> Sorted<'a> {
    /// Every array has a role, is harmless, or is left out on purpose.
    fn new(
        path: &Path,
        arrays: &'a NamedArrays,
        drop: &[String],
        by: Option<&str>,
    ) -> Result<Self> {
        let mut sorted = Self {
            splits: BTreeMap::new(),
            idle: Vec::new(),
            names: arrays.arrays.keys().cloned().collect(),
        };
        let mut unknown = Vec::new();
        for (name, array) in &arrays.arrays {
            let idle = |why: &str| Used {
                name: name.clone(),
                purpose: format!("not used: {why}"),
            };
            match meaning(name) {
                _ if drop.contains(name) => sorted.idle.push(idle("left out by --drop")),
                Meaning::Harmless(_) | Meaning::Unknown if is_of(name, by) => {
                    sorted.idle.push(Used {
                        name: name.clone(),
                        purpose: "subgroups (--by)".to_owned(),
                    });
                }
                Meaning::Harmless(why) => sorted.idle.push(idle(why)),
                Meaning::Unknown => unknown.push(name.clone()),
                Meaning::Known(split, role) => {
                    let before = sorted
                        .splits
                        .entry(split)
                        .or_default()
                        .insert(role, (name, array));
                    if let Some((first, _)) = before {
                        return Err(ErrorKind::Duplicate {
                            what: "array",
                            name: role.name().to_owned(),
                            detail: format!("as `{first}` and as `{name}`"),
                        }
                        .at(path));
                    }
                }
            }
        }
        if !unknown.is_empty() {
            return Err(ErrorKind::UnknownArray {
                names: unknown,
                known: format!("{}; each also after train_ or test_", known()),
            }
            .at(path));
        }
        Ok(sorted)
    }

    /// The subgroups that the array of this name, or of the part's split, tells.
    fn groups(
        &self,
        path: &Path,
        arrays: &NamedArrays,
        part: &Part<'_>,
        name: &str,
    ) -> Result<Groups> {
        let of_split = format!("{}_{name}", part.split);
        let found = arrays.arrays.get(&of_split);
        let array = found.or_else(|| arrays.arrays.get(name)).ok_or_else(|| {
            ErrorKind::NoSuchColumn {
                flag: "--by",
                name: name.to_owned(),
                found: self.names.clone(),
            }
            .at(path)
        })?;
        Groups::of_array(path, name, array, part.rows)
    }

    fn of(&self, split: &str) -> BTreeMap<Role, (&'a str, &'a NamedArray)> {
        self.splits.get(split).cloned().unwrap_or_default()
    }

    /// The split asked for, else `test`, else what has no split, else `train`.
    fn choose(&self, path: &Path, asked: Option<&str>) -> Result<String> {
        let found: BTreeSet<&str> = self.splits.keys().copied().collect();
        let wanted = asked.or_else(|| {
            ["test", "all", "train"]
                .into_iter()
                .find(|split| found.contains(split))
        });
        let wanted = wanted.unwrap_or("all");
        if asked.is_some() && !found.contains(wanted) {
            return Err(ErrorKind::NoSuchSplit {
                asked: wanted.to_owned(),
                found: found.into_iter().map(str::to_owned).collect(),
            }
            .at(path));
        }
        Ok(wanted.to_owned())
    }

    /// What every array is used for where this split is.
    fn used(&self, split: &str) -> Vec<Used> {
        let of_split = |(other, arrays): (&&str, &BTreeMap<Role, (&str, &NamedArray)>)| {
            let purpose = |role: &Role| match *other == split {
                true => role.purpose().to_owned(),
                false => format!("not used: of split {other}"),
            };
            let used = arrays.iter().map(|(role, (name, _))| Used {
                name: (*name).to_owned(),
                purpose: purpose(role),
            });
            used.collect::<Vec<_>>()
        };
        let mut used: Vec<Used> = self.splits.iter().flat_map(of_split).collect();
        used.extend(self.idle.iter().cloned());
        used
    }
}

/// Whether an array is the one that parts the samples, of any split.
fn is_of(name: &str, by: Option<&str>) -> bool {
    let rest = |split: &str| name.strip_prefix(split)?.strip_prefix('_');
    by.is_some_and(|by| [Some(name), rest("train"), rest("test")].contains(&Some(by)))
}

/// Puts inputs that have names into the order of the network's, where those are known.
fn match_names(data: &mut Dataset, known: &[String]) -> Result<()> {
    let own = &data.task.inputs;
    let Inputs::Values(values) = &data.inputs else {
        return Ok(());
    };
    if known.is_empty() || own.len() != values.ncols() || own == known {
        return Ok(());
    }
    let absent = |names: &[String], among: &[String]| -> Vec<String> {
        names
            .iter()
            .filter(|name| !among.contains(name))
            .cloned()
            .collect()
    };
    let (missing, unused) = (absent(known, own), absent(own, known));
    if !missing.is_empty() || !unused.is_empty() {
        return Err(ErrorKind::ColumnsOfInputs { missing, unused }.at(&data.path));
    }
    let order: Vec<usize> = known
        .iter()
        .filter_map(|name| own.iter().position(|o| o == name))
        .collect();
    for inputs in std::iter::once(&mut data.inputs).chain(&mut data.corrupted) {
        if let Inputs::Values(values) = inputs {
            *values = values.select(Axis(1), &order);
        }
    }
    data.task.inputs = known.to_vec();
    let note = "the columns of the data were put into the order of the network's inputs, by name";
    data.told.notes.push(note.to_owned());
    Ok(())
}

impl<'a> Part<'a> {
    fn optional(&self, role: Role) -> Option<&'a NamedArray> {
        self.arrays.get(&role).map(|(_, array)| *array)
    }

    /// What the inputs are, and the shape of one sample.
    fn find_inputs(&self, sorted: &Sorted<'_>) -> Result<(Role, Vec<usize>)> {
        let found = |role| Some((role, self.optional(role)?));
        match (found(Role::Inputs), found(Role::Tokens)) {
            (Some(_), Some(_)) => Err(self.shape_fault(
                Role::Tokens,
                "samples are either `inputs` or `tokens`, and both are there",
            )),
            (Some((role, array)), None) | (None, Some((role, array))) => {
                Ok((role, array.shape.get(1..).unwrap_or_default().to_vec()))
            }
            (None, None) => Err(ErrorKind::NoInputs {
                prefix: match self.split.as_str() {
                    "all" => String::new(),
                    split => format!("{split}_"),
                },
                found: sorted.names.clone(),
            }
            .at(self.path)),
        }
    }

    fn inputs(&self, role: Role) -> Result<Inputs> {
        let array = self
            .optional(role)
            .ok_or_else(|| self.shape_fault(role, "missing"))?;
        if array.shape.is_empty() {
            return Err(self.shape_fault(role, "one row per sample is expected"));
        }
        if array.rows() == 0 {
            return Err(ErrorKind::NoSamples {
                tensor: self.full_name(role),
                shape: array.shape.clone(),
            }
            .at(self.path));
        }
        let is_tokens = matches!(role, Role::Tokens | Role::CorruptedTokens);
        match (&array.numbers, is_tokens) {
            (Numbers::Integers(_), true) => {
                let ids = self.indices(role, array)?;
                Ok(Inputs::Tokens(self.matrix(role, array, ids)?))
            }
            (Numbers::Floats(_), true) => {
                Err(self.integers_expected(role, "token ids are integers"))
            }
            _ => Ok(Inputs::Values(self.floats(role, array)?)),
        }
    }

    /// The pairs, of the same kind and shape as the inputs.
    fn corrupted(&self, inputs: &Inputs) -> Result<Option<Inputs>> {
        let (role, other) = match inputs {
            Inputs::Values(_) => (Role::CorruptedInputs, Role::CorruptedTokens),
            Inputs::Tokens(_) => (Role::CorruptedTokens, Role::CorruptedInputs),
        };
        if self.optional(other).is_some() {
            return Err(
                self.shape_fault(other, "pairs are of the kind of the samples they belong to")
            );
        }
        let name = role;
        if self.optional(role).is_none() {
            return Ok(None);
        }
        let corrupted = self.inputs(name)?;
        let same = match (inputs, &corrupted) {
            (Inputs::Values(a), Inputs::Values(b)) => a.dim() == b.dim(),
            (Inputs::Tokens(a), Inputs::Tokens(b)) => a.dim() == b.dim(),
            _ => false,
        };
        if same {
            Ok(Some(corrupted))
        } else {
            Err(self.shape_fault(name, "pairs have the shape of the samples they belong to"))
        }
    }

    fn labels(&self) -> Result<Option<Labels>> {
        let Some(array) = self.optional(Role::Labels) else {
            return Ok(None);
        };
        Ok(Some(match array.numbers {
            Numbers::Integers(_) => Labels::Classes(self.one_per_row(Role::Labels, array)?),
            Numbers::Floats(_) => Labels::Targets(self.floats(Role::Labels, array)?),
        }))
    }

    fn classes(&self, name: Role) -> Result<Option<Vec<usize>>> {
        self.optional(name)
            .map(|array| self.one_per_row(name, array))
            .transpose()
    }

    /// `[n, p]`, `[n]` or, for all samples alike, `[p]`.
    fn positions(&self) -> Result<Option<Array2<usize>>> {
        let Some(array) = self.optional(Role::Positions) else {
            return Ok(None);
        };
        let per_sample = array.rows() == self.rows;
        if array.shape.len() > 2 || array.shape.is_empty() || (!per_sample && array.columns() != 1)
        {
            return Err(self.shape_fault(Role::Positions, "[p], [n] or [n, p] is expected"));
        }
        let ids = self.indices(Role::Positions, array)?;
        let rows = if per_sample { array.rows() } else { 1 };
        let shape = (rows, ids.len() / rows.max(1));
        Array2::from_shape_vec(shape, ids)
            .map(Some)
            .map_err(|_| self.shape_fault(Role::Positions, "its shape and its contents disagree"))
    }

    /// One index per sample.
    fn one_per_row(&self, name: Role, array: &NamedArray) -> Result<Vec<usize>> {
        if array.rows() != self.rows || array.columns() != 1 {
            let expected = format!("one per sample is expected, of {} samples", self.rows);
            return Err(self.shape_fault(name, &expected));
        }
        self.indices(name, array)
    }

    fn indices(&self, name: Role, array: &NamedArray) -> Result<Vec<usize>> {
        let Numbers::Integers(values) = &array.numbers else {
            return Err(self.integers_expected(name, "classes are integers"));
        };
        let columns = array.columns().max(1);
        let index = |(place, value): (usize, &i64)| match usize::try_from(*value) {
            Err(_) => Err(ErrorKind::NegativeIndex {
                tensor: self.full_name(name),
                sample: place / columns,
                found: *value,
            }
            .at(self.path)),
            Ok(index) if index >= MOST_CLASSES => Err(ErrorKind::IndexTooLarge {
                tensor: self.full_name(name),
                sample: place / columns,
                found: index,
                limit: MOST_CLASSES,
            }
            .at(self.path)),
            Ok(index) => Ok(index),
        };
        values.iter().enumerate().map(index).collect()
    }

    /// The framework's own outputs; NaN where they are.
    fn outputs(&self) -> Result<Option<Array2<f64>>> {
        let of = |array: &NamedArray| {
            let values = self.rows_of_floats(Role::Outputs, array)?;
            self.matrix(Role::Outputs, array, values)
        };
        self.optional(Role::Outputs).map(of).transpose()
    }

    /// Finite numbers, one row per sample.
    fn floats(&self, name: Role, array: &NamedArray) -> Result<Array2<f64>> {
        let values = self.rows_of_floats(name, array)?;
        if let Some(place) = values.iter().position(|x| !x.is_finite()) {
            let columns = array.columns().max(1);
            return Err(ErrorKind::NonFiniteData {
                tensor: self.full_name(name),
                found: values[place],
                row: place / columns,
                column: place % columns,
            }
            .at(self.path));
        }
        self.matrix(name, array, values)
    }

    /// Numbers, one row per sample.
    fn rows_of_floats(&self, name: Role, array: &NamedArray) -> Result<Vec<f64>> {
        if self.rows > 0 && array.rows() != self.rows {
            let expected = format!("the inputs have {} rows", self.rows);
            return Err(self.shape_fault(name, &expected));
        }
        Ok(match &array.numbers {
            Numbers::Floats(values) => values.clone(),
            Numbers::Integers(values) => values.iter().map(|x| *x as f64).collect(),
        })
    }

    fn matrix<T>(&self, name: Role, array: &NamedArray, values: Vec<T>) -> Result<Array2<T>> {
        Array2::from_shape_vec((array.rows(), array.columns()), values)
            .map_err(|_| self.shape_fault(name, "its shape and its contents disagree"))
    }

    /// One interval per feature, from lower to upper; published tasks know theirs.
    fn check_domain(&self, inputs: &Inputs) -> Result<()> {
        let (Some(boxes), Inputs::Values(values)) = (self.domain.and_then(Domain::boxes), inputs)
        else {
            return Ok(());
        };
        if boxes.is_empty() {
            let detail = "is empty".to_owned();
            return Err(ErrorKind::Domain { detail }.at(self.path));
        }
        boxes
            .iter()
            .try_for_each(|intervals| self.check_box(intervals, values.ncols()))
    }

    fn check_box(&self, intervals: &[[f64; 2]], features: usize) -> Result<()> {
        let reversed = intervals.iter().position(|[lo, hi]| lo > hi);
        let detail = match reversed {
            Some(place) => {
                let [lo, hi] = intervals[place];
                format!("has an interval from {lo} to {hi} for feature {place} (counted from 0)")
            }
            None if intervals.len() != features => format!(
                "has {} intervals; the data have {} features",
                intervals.len(),
                features
            ),
            None => return Ok(()),
        };
        Err(ErrorKind::Domain { detail }.at(self.path))
    }

    /// The name of an array in the file.
    fn full_name(&self, role: Role) -> String {
        let name = self.arrays.get(&role).map_or(role.name(), |(name, _)| name);
        name.to_owned()
    }

    fn integers_expected(&self, name: Role, expected: &'static str) -> Error {
        ErrorKind::IntegersExpected {
            tensor: self.full_name(name),
            expected,
        }
        .at(self.path)
    }

    fn shape_fault(&self, name: Role, expected: &str) -> Error {
        ErrorKind::DataShape {
            tensor: self.full_name(name),
            shape: self
                .optional(name)
                .map(|a| a.shape.clone())
                .unwrap_or_default(),
            expected: expected.to_owned(),
        }
        .at(self.path)
    }
}
