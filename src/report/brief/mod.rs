//! A result on a few pages, to be read and signed, and as a part of a model card.

mod card;
mod page;

pub use card::markdown;
pub(in crate::report) use page::render;

use crate::report::format::count;
use crate::report::sites::clean;
use crate::result::{Audit, Sentence, Status};

/// What was examined: terms, what they are, and whether they are read letter by letter.
fn identity(audit: &Audit, command: &str) -> Vec<(&'static str, String, bool)> {
    let of = &audit.checkpoint;
    let mut all = vec![
        ("Network", clean(&of.path), true),
        ("SHA-256 of the network", of.sha256.clone(), true),
        (
            "What it is",
            format!(
                "{}, {} parameters in {}",
                of.layout,
                count(of.parameters),
                clean(&of.dtype)
            ),
            false,
        ),
    ];
    if let Some(data) = &audit.data {
        let samples = format!("{} ({})", count(data.samples), clean(&data.split));
        all.push(("Data", clean(&data.path), true));
        all.push(("SHA-256 of the data", data.sha256.clone(), true));
        all.push(("Samples", samples, false));
    }
    let tool = format!("{} {}", clean(&audit.tool.name), clean(&audit.tool.version));
    all.push(("Examined with", tool, false));
    all.push(("Command", command.to_owned(), true));
    all.push(("Seed", audit.seed.to_string(), false));
    all
}

/// The groups of sentences, by status, in the order in which they are read.
const GROUPS: [(Status, &str); 5] = [
    (Status::Fails, "Promises that are broken"),
    (Status::Holds, "What was verified"),
    (Status::NotShown, "What was tested and not shown"),
    (Status::NotRun, "What was not examined"),
    (Status::Note, "What was measured"),
];

/// Every group that has sentences.
fn groups(summary: &[Sentence]) -> impl Iterator<Item = (&'static str, Vec<&Sentence>)> {
    let of = |(status, title): (Status, &'static str)| {
        let said: Vec<&Sentence> = summary.iter().filter(|s| s.status == status).collect();
        (!said.is_empty()).then_some((title, said))
    };
    GROUPS.into_iter().filter_map(of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_sentence_and_every_hash_is_there_and_none_steers() {
        let mut audit = sample::audit();
        audit.checkpoint.path = "runs/<b>_x_|y/model.safetensors".to_owned();
        audit.summary = crate::report::words::summary(&audit);
        let card = markdown(&audit);
        let page = render(&audit).unwrap();
        assert!(card.contains(&audit.checkpoint.sha256) && page.contains(&audit.checkpoint.sha256));
        assert!(
            card.contains("runs/&lt;b\\>\\_x\\_\\|y/model.safetensors"),
            "{card}"
        );
        assert!(!page.contains("<b>_x_"));
        let said: usize = groups(&audit.summary).map(|(_, said)| said.len()).sum();
        assert_eq!(said, audit.summary.len());
        assert_eq!(card.matches("\n- ").count(), said);
        assert!(page.contains("Signature"));
    }
}
