#![doc = include_str!("../README.md")]

#[macro_use]
mod named;

pub mod error;
pub mod numeric;

pub mod choice;
pub mod result;

pub mod checkpoint;
pub mod data;

pub mod model;

pub mod metric;

pub mod graph;

pub mod patch;

pub mod circuit;
pub mod modules;
pub mod prune;

pub mod evaluate;

pub mod audit;

pub mod compare;
pub mod train;

pub mod report;

pub mod cli;

pub use error::{Error, Result};
