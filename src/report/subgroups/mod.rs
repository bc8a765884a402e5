//! The samples by a column of the data: the task's metric and what pruning changes.

mod page;
pub(in crate::report) mod words;

pub(in crate::report) use page::{section, sheet, table};
