//! A term that a page defines, where its subject is there.

use crate::result::Audit;

/// A term and what it means.
pub(in crate::report) struct Term {
    pub name: &'static str,
    pub text: &'static str,
    /// Whether the result speaks of it.
    pub applies: fn(&Audit) -> bool,
}

/// Of a term that its subject always needs.
pub(in crate::report) fn always(_: &Audit) -> bool {
    true
}
