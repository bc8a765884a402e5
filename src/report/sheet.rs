//! A table as it is saved.
//!
//! Text from files that a spreadsheet would run as a formula gets an apostrophe
//! in front; numbers are written as Rust prints them, so that reading them back
//! gives the same bits.

/// A table: the file's name without `.csv`, its columns and its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Name of the file without `.csv`.
    pub name: &'static str,
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Rows,
}

/// Rows of cells in one text, so that a table of many takes little more memory than its file.
///
/// ```
/// use modscope::report::tables::Rows;
/// let rows: Rows = [vec!["h1.0".to_owned(), "0.5".to_owned()]].into_iter().collect();
/// assert_eq!(rows.iter().next(), Some(vec!["h1.0", "0.5"]));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    text: String,
    /// Where in the text each cell ends.
    cells: Vec<usize>,
    /// Where in the cells each row ends.
    rows: Vec<usize>,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in order, each as its cells.
    pub fn iter(&self) -> impl Iterator<Item = Vec<&str>> {
        let row = |row: usize| {
            let cells = before(&self.rows, row)..self.rows[row];
            cells.map(|cell| &self.text[before(&self.cells, cell)..self.cells[cell]])
        };
        (0..self.rows.len()).map(move |at| row(at).collect())
    }
}

/// Where the one before ends.
fn before(ends: &[usize], at: usize) -> usize {
    at.checked_sub(1).map_or(0, |one| ends[one])
}

impl Extend<Vec<String>> for Rows {
    fn extend<I: IntoIterator<Item = Vec<String>>>(&mut self, rows: I) {
        for row in rows {
            for cell in row {
                self.text.push_str(&cell);
                self.cells.push(self.text.len());
            }
            self.rows.push(self.cells.len());
        }
    }
}

impl FromIterator<Vec<String>> for Rows {
    fn from_iter<I: IntoIterator<Item = Vec<String>>>(rows: I) -> Self {
        let mut all = Self::default();
        all.extend(rows);
        all
    }
}

/// Text that no spreadsheet takes for a formula.
pub(in crate::report) fn word(text: &str) -> String {
    crate::escape::cell(text)
}

pub(in crate::report) fn some<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_collected() {
        let lines = [vec!["a", "", "µ"], vec![], vec!["b"]];
        let text = |line: &Vec<&str>| line.iter().map(|cell| (*cell).to_owned()).collect();
        let rows: Rows = lines.iter().map(text).collect();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows.iter().collect::<Vec<_>>(), lines);
    }

    #[test]
    fn formulas_become_words() {
        assert_eq!(word("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(word("x2²"), "x2²");
    }
}
