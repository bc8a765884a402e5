//! What ablating a site is.

use crate::report::page::terms::{Term, always};

pub(in crate::report) const TERMS: &[Term] = &[Term {
    name: "Node ablation",
    text: "All messages a site writes are replaced by the fill. Effect = metric(as is) − metric(site ablated).",
    applies: always,
}];
