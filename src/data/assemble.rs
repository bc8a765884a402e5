//! Named arrays → a data set whose parts agree.

use std::collections::BTreeSet;
use std::path::Path;

use ndarray::Array2;

use super::arrays::{NamedArray, NamedArrays, Numbers};
use super::{Dataset, Domain, Inputs, Labels};
use crate::{Error, Result};

/// The splits that names may carry as a prefix.
const SPLITS: [&str; 2] = ["train", "test"];

/// The arrays of one split.
struct Part<'a> {
    path: &'a Path,
    arrays: &'a NamedArrays,
    /// `test_`, or nothing.
    prefix: String,
    rows: usize,
}

/// Makes a data set of `split`, by default `test` where there is one.
pub(super) fn assemble(
    path: &Path,
    sha256: String,
    arrays: NamedArrays,
    split: Option<&str>,
) -> Result<Dataset> {
    let split = choose_split(path, &arrays, split)?;
    let prefix = if split == "all" {
        String::new()
    } else {
        format!("{split}_")
    };
    let mut part = Part {
        path,
        arrays: &arrays,
        prefix,
        rows: 0,
    };
    let (name, input_shape) = part.find_inputs()?;
    let inputs = part.inputs(&name)?;
    part.rows = inputs.len();
    part.check_domain(&inputs)?;
    let corrupted = part.corrupted(&inputs)?;
    Ok(Dataset {
        path: path.to_owned(),
        sha256,
        labels: part.labels()?,
        answers: part.classes("answers")?,
        foils: part.classes("foils")?,
        positions: part.positions()?,
        outputs: part
            .optional("outputs")
            .map(|a| part.floats("outputs", a))
            .transpose()?,
        split,
        inputs,
        input_shape,
        corrupted,
        task: arrays.task.clone(),
        prompts: arrays.prompts.clone(),
    })
}

fn choose_split(path: &Path, arrays: &NamedArrays, asked: Option<&str>) -> Result<String> {
    let has = |split: &&str| {
        arrays
            .arrays
            .keys()
            .any(|name| name.starts_with(&format!("{split}_")))
    };
    let mut found: BTreeSet<String> = SPLITS
        .iter()
        .filter(|s| has(s))
        .map(|s| (*s).to_owned())
        .collect();
    if ["inputs", "tokens"]
        .iter()
        .any(|name| arrays.arrays.contains_key(*name))
    {
        found.insert("all".to_owned());
    }
    let wanted = match asked {
        Some(split) => split.to_owned(),
        None => ["test", "all", "train"]
            .iter()
            .find(|split| found.contains(**split))
            .map_or_else(|| "all".to_owned(), |s| (*s).to_owned()),
    };
    if asked.is_some() && !found.contains(&wanted) {
        return Err(Error::NoSuchSplit {
            path: path.to_owned(),
            asked: wanted,
            found: found.into_iter().collect(),
        });
    }
    Ok(wanted)
}

impl<'a> Part<'a> {
    fn optional(&self, name: &str) -> Option<&'a NamedArray> {
        self.arrays.arrays.get(&format!("{}{name}", self.prefix))
    }

    /// The name of the inputs, and the shape of one sample.
    fn find_inputs(&self) -> Result<(String, Vec<usize>)> {
        let found = ["inputs", "tokens"]
            .iter()
            .find_map(|name| Some((*name, self.optional(name)?)));
        let (name, array) = found.ok_or_else(|| Error::NoInputs {
            path: self.path.to_owned(),
            prefix: self.prefix.clone(),
            found: self.arrays.arrays.keys().cloned().collect(),
        })?;
        Ok((
            name.to_owned(),
            array.shape.get(1..).unwrap_or_default().to_vec(),
        ))
    }

    fn inputs(&self, name: &str) -> Result<Inputs> {
        let array = self
            .optional(name)
            .ok_or_else(|| self.shape_fault(name, "missing"))?;
        if array.shape.is_empty() {
            return Err(self.shape_fault(name, "one row per sample is expected"));
        }
        if array.rows() == 0 {
            return Err(Error::NoSamples {
                path: self.path.to_owned(),
                tensor: self.full_name(name),
                shape: array.shape.clone(),
            });
        }
        match (&array.numbers, name.ends_with("tokens")) {
            (Numbers::Integers(_), true) => {
                let ids = self.indices(name, array)?;
                Ok(Inputs::Tokens(self.matrix(name, array, ids)?))
            }
            (Numbers::Floats(_), true) => {
                Err(self.integers_expected(name, "token ids are integers"))
            }
            _ => Ok(Inputs::Values(self.floats(name, array)?)),
        }
    }

    /// The pairs, of the same kind and shape as the inputs.
    fn corrupted(&self, inputs: &Inputs) -> Result<Option<Inputs>> {
        let name = match inputs {
            Inputs::Values(_) => "corrupted_inputs",
            Inputs::Tokens(_) => "corrupted_tokens",
        };
        if self.optional(name).is_none() {
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
        let Some(array) = self.optional("labels") else {
            return Ok(None);
        };
        Ok(Some(match array.numbers {
            Numbers::Integers(_) => Labels::Classes(self.one_per_row("labels", array)?),
            Numbers::Floats(_) => Labels::Targets(self.floats("labels", array)?),
        }))
    }

    fn classes(&self, name: &str) -> Result<Option<Vec<usize>>> {
        self.optional(name)
            .map(|array| self.one_per_row(name, array))
            .transpose()
    }

    /// `[n, p]`, `[n]` or, for all samples alike, `[p]`.
    fn positions(&self) -> Result<Option<Array2<usize>>> {
        let Some(array) = self.optional("positions") else {
            return Ok(None);
        };
        let per_sample = array.rows() == self.rows;
        if array.shape.len() > 2 || array.shape.is_empty() || (!per_sample && array.columns() != 1)
        {
            return Err(self.shape_fault("positions", "[p], [n] or [n, p] is expected"));
        }
        let ids = self.indices("positions", array)?;
        let rows = if per_sample { array.rows() } else { 1 };
        let shape = (rows, ids.len() / rows.max(1));
        Array2::from_shape_vec(shape, ids)
            .map(Some)
            .map_err(|_| self.shape_fault("positions", "its shape and its contents disagree"))
    }

    /// One index per sample.
    fn one_per_row(&self, name: &str, array: &NamedArray) -> Result<Vec<usize>> {
        if array.rows() != self.rows || array.columns() != 1 {
            let expected = format!("one per sample is expected, of {} samples", self.rows);
            return Err(self.shape_fault(name, &expected));
        }
        self.indices(name, array)
    }

    fn indices(&self, name: &str, array: &NamedArray) -> Result<Vec<usize>> {
        let Numbers::Integers(values) = &array.numbers else {
            return Err(self.integers_expected(name, "classes are integers"));
        };
        let columns = array.columns().max(1);
        let index = |(place, value): (usize, &i64)| {
            usize::try_from(*value).map_err(|_| Error::NegativeIndex {
                path: self.path.to_owned(),
                tensor: self.full_name(name),
                sample: place / columns,
                found: *value,
            })
        };
        values.iter().enumerate().map(index).collect()
    }

    /// Finite numbers, one row per sample.
    fn floats(&self, name: &str, array: &NamedArray) -> Result<Array2<f64>> {
        if self.rows > 0 && array.rows() != self.rows {
            let expected = format!("the inputs have {} rows", self.rows);
            return Err(self.shape_fault(name, &expected));
        }
        let values: Vec<f64> = match &array.numbers {
            Numbers::Floats(values) => values.clone(),
            Numbers::Integers(values) => values.iter().map(|x| *x as f64).collect(),
        };
        if let Some(place) = values.iter().position(|x| !x.is_finite()) {
            let columns = array.columns().max(1);
            return Err(Error::NonFiniteData {
                path: self.path.to_owned(),
                tensor: self.full_name(name),
                found: values[place],
                row: place / columns,
                column: place % columns,
            });
        }
        self.matrix(name, array, values)
    }

    fn matrix<T>(&self, name: &str, array: &NamedArray, values: Vec<T>) -> Result<Array2<T>> {
        Array2::from_shape_vec((array.rows(), array.columns()), values)
            .map_err(|_| self.shape_fault(name, "its shape and its contents disagree"))
    }

    /// One interval per feature, from lower to upper; published tasks know theirs.
    fn check_domain(&self, inputs: &Inputs) -> Result<()> {
        let (Some(Domain::Box(intervals)), Inputs::Values(values)) =
            (&self.arrays.task.domain, inputs)
        else {
            return Ok(());
        };
        let reversed = intervals.iter().position(|[lo, hi]| lo > hi);
        let detail = match reversed {
            Some(place) => {
                let [lo, hi] = intervals[place];
                format!("has an interval from {lo} to {hi} for feature {place} (counted from 0)")
            }
            None if intervals.len() != values.ncols() => format!(
                "has {} intervals; the data have {} features",
                intervals.len(),
                values.ncols()
            ),
            None => return Ok(()),
        };
        Err(Error::Domain {
            path: self.path.to_owned(),
            detail,
        })
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn integers_expected(&self, name: &str, expected: &'static str) -> Error {
        Error::IntegersExpected {
            path: self.path.to_owned(),
            tensor: self.full_name(name),
            expected,
        }
    }

    fn shape_fault(&self, name: &str, expected: &str) -> Error {
        Error::DataShape {
            path: self.path.to_owned(),
            tensor: self.full_name(name),
            shape: self
                .optional(name)
                .map(|a| a.shape.clone())
                .unwrap_or_default(),
            expected: expected.to_owned(),
        }
    }
}
