//! Runs with edits: any site, message or path of messages of a network made something else.
//!
//! A network writes *groups* of values, `[rows, columns]`: a layer of an MLP, a value of a
//! layered network, what a head or an MLP of a transformer writes, its stream, its hidden
//! neurons. A site is some columns of a group, or of several. A *carrier* brings what a site
//! writes to one reader. An edit of a site changes its columns as they are written, so that
//! all that reads them reads the change; an edit of an edge changes what one carrier brings;
//! an edit of a path changes one carrier after the other and nothing else that any of them
//! reads. [`Ledger`] holds the edits and is asked at the hooks of the one pass; what is
//! [`Editable`] says which group is where, and knows nothing of edits.
//!
//! Values of other samples, means and corrupted values are those of the network as it is.

mod layered;
mod ledger;
mod mlp;
mod names;
mod run;
#[cfg(test)]
mod tests;
mod transformer;

use std::fmt;

use ndarray::Array2;

pub use layered::LayeredEdits;
pub use ledger::{Act, CarrierEdit, Ledger, Rows, SiteEdit};
pub use mlp::MlpEdits;
pub use names::nearest;
pub use run::{Editor, Prepared};
pub use transformer::{Group, TransformerEdits};

use super::Fill;
use crate::Result;
use crate::numeric::Scalar;

/// What is changed, and to what.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// Where.
    pub at: At,
    /// To what.
    pub change: Change,
    /// The positions of a transformer's samples at which, or the steps of a recurrence, from
    /// 0; `None` for all.
    pub positions: Option<Vec<usize>>,
}

/// Where a network is edited, by the names of its sites.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// What a site writes; what it reads, of a site that only reads.
    Site(String),
    /// The message from one site to another.
    Edge(String, String),
    /// The messages along a path of three sites or more: each is what the site before it
    /// writes when only the message before is changed.
    Path(Vec<String>),
}

impl At {
    /// The site whose position counts: what is edited, or reads first.
    fn placed(&mut self) -> &mut String {
        match self {
            Self::Site(site) | Self::Edge(_, site) => site,
            Self::Path(sites) => &mut sites[1],
        }
    }
}

/// What becomes of a value or a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// This: one number for all entries, or a number for each.
    Set(Vec<f64>),
    /// It and this.
    Add(Vec<f64>),
    /// So many times it.
    Scale(f64),
    /// What this sample has there, for every sample.
    Sample(usize),
    /// A fill.
    Fill(Fill),
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site(site) => f.write_str(site),
            Self::Edge(from, to) => write!(f, "{from}->{to}"),
            Self::Path(sites) => f.write_str(&sites.join("->")),
        }
    }
}

/// Columns of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<G> {
    /// The group.
    pub group: G,
    /// The columns.
    pub columns: std::ops::Range<usize>,
}

/// What brings a spot's values to a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier<G, R> {
    /// Where they are written.
    pub from: Spot<G>,
    /// How they are read: the network knows.
    pub to: R,
}

/// Which inputs a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The samples.
    Clean,
    /// Their corrupted pairs.
    Corrupted,
}

/// A network on its samples, whose pass asks a [`Ledger`] wherever something is written or read.
pub trait Editable: Sync {
    /// What it computes in.
    type Number: Scalar;
    /// What values are written in.
    type Group: Copy + Ord + Send + Sync + fmt::Debug;
    /// What reads them.
    type Reader: Copy + Ord + Send + Sync + fmt::Debug;

    /// Every site by name, with its columns.
    fn sites(&self) -> Vec<(String, Vec<Spot<Self::Group>>)>;

    /// What carries messages from one site to another; empty where nothing does.
    fn carriers(&self, from: &str, to: &str) -> Vec<Carrier<Self::Group, Self::Reader>>;

    /// Entries of a message.
    fn message_width(&self, carrier: &Carrier<Self::Group, Self::Reader>) -> usize {
        carrier.from.columns.len()
    }

    /// The sites that write what a site reads.
    fn writers_of(&self, name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    /// Positions of a sample, where samples have some.
    fn length(&self) -> Option<usize>;

    /// Samples.
    fn samples(&self) -> usize;

    /// Outputs of a sample: one, or one for each position at which answers are read.
    fn per_sample(&self) -> usize;

    /// Whether samples have corrupted pairs.
    fn has_pairs(&self) -> bool;

    /// Whether these samples can be filled so.
    ///
    /// # Errors
    /// If they are of different lengths and the fill mixes them.
    fn allows(&self, _fill: Fill) -> Result<()> {
        Ok(())
    }

    /// Parts in which samples are run.
    fn parts(&self) -> usize;

    /// The outputs of a part, `[outputs, readings]`, as the ledger has them.
    fn run(
        &self,
        part: usize,
        source: Source,
        ledger: &mut Ledger<'_, Self::Number, Self::Group, Self::Reader>,
    ) -> Array2<Self::Number>;
}
