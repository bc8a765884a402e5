//! Opens a trained neural network after the fact: which connections matter, does it
//! really do the same without the others, which modules does it fall into, and which
//! circuit computes each answer.
//!
//! A checkpoint and data go in, a plain result comes out:
//!
//! ```no_run
//! use modscope::audit::{Config, audit};
//! use modscope::{checkpoint::Checkpoint, data::Dataset};
//! use std::path::Path;
//!
//! let checkpoint = Checkpoint::open(Path::new("runs/a"))?;
//! let data = Dataset::open(Path::new("runs/a/data.safetensors"), None)?;
//! let outcome = audit(&checkpoint, &data, &Config::new(Vec::new()), &|stage| eprintln!("{stage}"))?;
//! println!("{:?}", outcome.result.prune.map(|prune| prune.edges_kept));
//! # Ok::<(), modscope::Error>(())
//! ```
//!
//! Weights and samples in memory serve as well: [`Checkpoint::from_tensors`] and
//! [`Dataset::from_arrays`]. The modules stand in the order of the pipeline, and each
//! uses only those before it:
//!
//! | module | what |
//! |---|---|
//! | [`error`] | one variant per cause, with both values and the remedy |
//! | [`numeric`] | matrix products, activations with derivatives, statistics, seeded randomness |
//! | [`choice`] | methods, metrics, fills, null models, … as enums, each name written once |
//! | [`result`] | the plain results that are saved and drawn |
//! | [`checkpoint`], [`data`] | files → named tensors; inputs, targets, pairs, domain |
//! | [`model`] | checkpoint → network: layouts, sites, forward, backward |
//! | [`metric`], [`graph`] | outputs → a number with a direction; weights as graphs with places |
//! | [`patch`] | the operation that all else is made of: messages on edges replaced by a fill |
//! | [`prune`], [`modules`], [`circuit`] | thresholds and certificates; communities; discovery |
//! | [`evaluate`] | what circuits are worth |
//! | [`audit`] | the whole pipeline as one function |
//! | [`compare`], [`train`] | networks side by side; the BIMT trainer |
//! | [`report`] | results → words, SVG, CSV, one HTML page |
//!
//! # Features
//!
//! `cli` (default) is the binary's command line, `text` (default) reads prompts by a
//! network's `tokenizer.json`. A library needs neither.
//!
//! [`Checkpoint::from_tensors`]: checkpoint::Checkpoint::from_tensors
//! [`Dataset::from_arrays`]: data::Dataset::from_arrays

#[macro_use]
mod named;

pub mod error;
pub mod escape;
pub mod numeric;
pub mod order;

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

#[cfg(feature = "cli")]
pub mod cli;

pub use error::{Error, ErrorKind, Result};

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's.
#[cfg(doctest)]
#[doc = include_str!("../docs/guide.md")]
struct Guide;
