//! How a module and its partition stand in a table.

use crate::choice::Scope;
use crate::report::figures::palette::module_class;
use crate::report::page::blocks::Cell;

/// A module by its number, with its colour where the pictures show it.
pub(in crate::report) fn name(module: usize, is_drawn: bool) -> Cell {
    let cell = Cell::count(module);
    if is_drawn {
        cell.with_class(format!("module {}", module_class(module)))
    } else {
        cell
    }
}

/// Which partition a module belongs to.
pub(in crate::report) fn scope_words(scope: Scope) -> &'static str {
    match scope {
        Scope::WithoutOutputs => "without outputs",
        Scope::All => "all sites",
    }
}
