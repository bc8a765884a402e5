//! What the first screen says: its headline and its verdicts, as they are shown.

use crate::result::Status;

/// What was found and its limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// One sentence.
    pub text: String,
    /// The limit that a reader must know with it; never empty.
    pub caveat: String,
    /// Whether a promise was broken.
    pub status: Status,
}

impl Headline {
    /// The sentence for large letters: no line ends between a number and its percent sign.
    #[must_use]
    pub fn unbroken(&self) -> String {
        self.text.replace(" %", "\u{a0}%")
    }
}

/// One verdict.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it says of its claim.
    pub status: Status,
    /// The claim, in a few words.
    pub title: String,
    /// Its numbers.
    pub text: String,
    /// A small drawing; empty where there is nothing to draw.
    pub miniature: String,
    /// Whether the drawing needs the width of the column.
    pub is_wide: bool,
    /// Anchor of its evidence on the page.
    pub evidence: &'static str,
}
