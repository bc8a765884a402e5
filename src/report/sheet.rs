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
    pub rows: Vec<Vec<String>>,
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
    fn formulas_become_words() {
        assert_eq!(word("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(word("x2²"), "x2²");
    }
}
