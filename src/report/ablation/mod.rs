//! What ablating each site does.

pub(in crate::report) mod definitions;
pub(in crate::report) mod page;
