//! A matrix as squares: blue positive, red negative, the stronger the larger the value.

use svg::node::element::Element;

use crate::report::figures::canvas::{bar, text, tip, turned};
use crate::report::format::{number, significant};
use crate::report::sites::shortened;

/// A matrix with names for its rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// Names of the rows, from above.
    pub rows: Vec<String>,
    /// Names of the columns, from the left.
    pub columns: Vec<String>,
    /// Row by row `[rows, columns]`.
    pub values: Vec<f64>,
    /// What joins a row and a column in words: `from`, `to`, `attends to`.
    pub joins: &'static str,
}

/// Where and how large a matrix is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Left end of the squares.
    pub left: f64,
    /// Upper end of the squares.
    pub top: f64,
    /// Side of a square.
    pub cell: f64,
    /// Whether every square shows its number.
    pub numbers: bool,
}

/// Squares smaller than this have no names beside them, but at the ends.
const NAMED: f64 = 9.0;

/// A share of the largest value that a square shows as 0.
const NOTHING: f64 = 1e-3;

/// Column names of so many letters stand upright.
const UPRIGHT: usize = 2;

/// The longest name, in characters.
const LONGEST: usize = 14;

#[allow(clippy::cast_precision_loss, reason = "numbers of cells are small")]
fn at(index: usize) -> f64 {
    index as f64
}

impl Matrix {
    /// The squares with a tooltip each, and the names to the left and below.
    #[must_use]
    pub fn draw(&self, frame: Frame) -> Vec<Element> {
        let mut drawn = Vec::new();
        let largest = self
            .values
            .iter()
            .filter(|v| v.is_finite())
            .fold(0.0, |m: f64, v| m.max(v.abs()));
        let columns = self.columns.len();
        for (k, value) in self
            .values
            .iter()
            .enumerate()
            .take(self.rows.len() * columns)
        {
            let (row, column) = (k / columns.max(1), k % columns.max(1));
            drawn.extend(self.square(frame, (row, column), *value, largest));
        }
        drawn.extend(self.row_names(frame));
        drawn.extend(self.column_names(frame));
        drawn
    }

    /// Height of the squares and of the names below.
    #[must_use]
    pub fn height(&self, frame: Frame) -> f64 {
        at(self.rows.len()) * frame.cell + 12.0 + at(self.longest(&self.columns)) * 6.4
    }

    fn longest(&self, names: &[String]) -> usize {
        names
            .iter()
            .map(|n| n.chars().count().min(LONGEST))
            .max()
            .unwrap_or(0)
    }

    fn square(
        &self,
        frame: Frame,
        (row, column): (usize, usize),
        value: f64,
        largest: f64,
    ) -> Vec<Element> {
        let (x, y) = (
            frame.left + at(column) * frame.cell,
            frame.top + at(row) * frame.cell,
        );
        let share = (value.abs() / largest).clamp(0.0, 1.0);
        let share = if share.is_finite() { share } else { 0.0 };
        let name = |names: &[String], k: usize| names.get(k).cloned().unwrap_or_default();
        let words = format!(
            "{} {} {}: {}",
            name(&self.rows, row),
            self.joins,
            name(&self.columns, column),
            number(value)
        );
        let class = if value < 0.0 {
            "heat less"
        } else {
            "heat more"
        };
        let mut drawn: Vec<Element> = vec![
            bar(x, y, frame.cell, frame.cell, class)
                .set("fill-opacity", (share * 100.0).round() / 100.0)
                .add(tip(&words))
                .into(),
        ];
        if frame.numbers {
            let middle = (x + frame.cell / 2.0, y + frame.cell / 2.0 + 4.0);
            let class = if share > 0.55 {
                "mid small onheat"
            } else {
                "mid small"
            };
            // Beside the largest nothing: its own number is in the tooltip.
            let shown = if share < NOTHING {
                "0".to_owned()
            } else {
                significant(value, 3)
            };
            drawn.push(text(middle.0, middle.1, class, &shown));
        }
        drawn
    }

    fn row_names(&self, frame: Frame) -> Vec<Element> {
        let name = |(k, name): (usize, &String)| {
            let y = frame.top + (at(k) + 0.5) * frame.cell + 4.0;
            text(
                frame.left - 6.0,
                y,
                "tick small end",
                &shortened(name, LONGEST),
            )
        };
        let named = self.rows.iter().enumerate();
        named
            .filter(|(k, _)| is_named(*k, self.rows.len(), frame.cell))
            .map(name)
            .collect()
    }

    fn column_names(&self, frame: Frame) -> Vec<Element> {
        let y = frame.top + at(self.rows.len()) * frame.cell + 8.0;
        let is_short = self.columns.iter().all(|name| name.len() <= UPRIGHT);
        let name = |(k, name): (usize, &String)| {
            let x = frame.left + (at(k) + 0.5) * frame.cell;
            if is_short {
                return text(x, y + 8.0, "tick small mid", name);
            }
            turned(
                x + 4.0,
                y,
                -90.0,
                "tick small end",
                &shortened(name, LONGEST),
            )
        };
        let named = self.columns.iter().enumerate();
        named
            .filter(|(k, _)| is_named(*k, self.columns.len(), frame.cell))
            .map(name)
            .collect()
    }
}

fn is_named(index: usize, count: usize, cell: f64) -> bool {
    cell >= NAMED || index == 0 || index + 1 == count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_opaque_and_the_sign_is_a_class() {
        let matrix = Matrix {
            rows: vec!["a".to_owned(), "b".to_owned()],
            columns: vec!["c".to_owned()],
            values: vec![0.5, -2.0],
            joins: "to",
        };
        let frame = Frame {
            left: 0.0,
            top: 0.0,
            cell: 10.0,
            numbers: false,
        };
        let drawn: String = matrix.draw(frame).iter().map(ToString::to_string).collect();
        assert!(drawn.contains("b to c: −2") && drawn.contains("heat less"));
        assert_eq!(drawn.matches("<rect").count(), 2);
        assert!(drawn.contains("fill-opacity=\"0.25\"") && drawn.contains("fill-opacity=\"1\""));
    }
}
