//! The task itself: how well the network does it, beside knowing nothing.

pub(in crate::report) mod words;
