//! Subgroups of the samples: a column or an array whose values part them.

use std::collections::BTreeSet;
use std::path::Path;

use super::arrays::{NamedArray, Numbers};
use crate::{Error, ErrorKind, Result};

/// Most subgroups: a column of more values is a measurement, which no table of groups tells.
pub const MOST_GROUPS: usize = 50;

/// The subgroup of each sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The column or array.
    pub column: String,
    /// Its value for each sample, as the file has it.
    pub values: Vec<String>,
}

impl Groups {
    /// Those of the first samples.
    pub(super) fn first(mut self, samples: usize) -> Self {
        self.values.truncate(samples);
        self
    }

    /// Those of these samples, in this order.
    pub(super) fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().map(|row| self.values[*row].clone());
        Self {
            column: self.column.clone(),
            values: values.collect(),
        }
    }

    /// Refuses a column that has a value of its own for (nearly) every sample.
    pub(super) fn checked(self, path: &Path) -> Result<Self> {
        let different: BTreeSet<&String> = self.values.iter().collect();
        match different.len() {
            found if found > MOST_GROUPS => Err(ErrorKind::TooManyGroups {
                column: self.column,
                found,
                most: MOST_GROUPS,
            }
            .at(path)),
            _ => Ok(self),
        }
    }

    /// The values of an array with one number per sample, of which there are `samples`.
    pub(super) fn of_array(
        path: &Path,
        column: &str,
        array: &NamedArray,
        samples: usize,
    ) -> Result<Self> {
        let wrong = || -> Error {
            ErrorKind::GroupsShape {
                name: column.to_owned(),
                shape: array.shape.clone(),
                samples,
            }
            .at(path)
        };
        if array.rows() != samples || array.columns() != 1 {
            return Err(wrong());
        }
        let values = match &array.numbers {
            Numbers::Floats(all) => all.iter().map(ToString::to_string).collect(),
            Numbers::Integers(all) => all.iter().map(ToString::to_string).collect(),
        };
        Self {
            column: column.to_owned(),
            values,
        }
        .checked(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_follow_their_samples() {
        let groups = Groups {
            column: "site".to_owned(),
            values: ["a", "b", "c"].map(str::to_owned).to_vec(),
        };
        assert_eq!(groups.select(&[2, 0]).values, ["c", "a"]);
        assert_eq!(groups.first(1).values, ["a"]);
    }

    #[test]
    fn a_measurement_makes_no_groups() {
        let path = Path::new("x");
        let ages = NamedArray::integers(60, 1, (0..60).collect());
        let refused = Groups::of_array(path, "age", &ages, 60).expect_err("too many");
        assert!(matches!(
            refused.kind,
            ErrorKind::TooManyGroups { found: 60, .. }
        ));
        let flags = NamedArray::floats(4, 1, vec![0.0, 1.0, 1.0, 0.5]);
        let groups = Groups::of_array(path, "flag", &flags, 4).expect("few");
        assert_eq!(groups.values, ["0", "1", "1", "0.5"]);
        assert!(Groups::of_array(path, "flag", &flags, 5).is_err());
    }
}
