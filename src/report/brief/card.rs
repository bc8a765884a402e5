//! A part of a model card: Markdown that wikis and hubs show as text.

use std::fmt::Write as _;

use super::{groups, identity};
use crate::escape::markdown as escaped;
use crate::report::sites::plain;
use crate::result::Audit;

/// The result as a part of a model card.
#[must_use]
pub fn markdown(audit: &Audit) -> String {
    let mut text = "## Audit of the weights\n\n| | |\n|---|---|\n".to_owned();
    for (term, value, _) in identity(audit, &plain(&audit.command.join(" "))) {
        let _ = writeln!(text, "| {term} | {} |", escaped(&value));
    }
    for (title, said) in groups(&audit.summary) {
        let _ = writeln!(text, "\n### {title}\n");
        for sentence in said {
            let _ = writeln!(text, "- {}", escaped(&sentence.sentence));
        }
    }
    text
}
