#![doc = include_str!("../README.md")]

pub mod error;
pub mod numeric;
pub mod result;

pub mod checkpoint;
pub mod data;

pub mod model;

pub mod prune;

pub use error::{Error, Result};
