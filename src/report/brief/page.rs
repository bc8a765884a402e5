//! The short page.

use askama::Template;

use super::{groups, identity};
use crate::report::page::Page;
use crate::report::page::blocks::{Block, Fact, Said, Section};
use crate::report::sites::{clean, plain};
use crate::report::subgroups;
use crate::result::{Audit, Sentence};

/// Renders the page.
pub(in crate::report) fn render(audit: &Audit) -> askama::Result<String> {
    let path = audit.checkpoint.path.trim_end_matches("/model.safetensors");
    let name = path.rsplit('/').next().unwrap_or(path);
    let page = Page {
        kind: "In brief",
        title: clean(name),
        subtitle: "to be read and signed; the report has figures, tables and numbers".to_owned(),
        sections: sections(audit),
        tool: format!("{} {}", clean(&audit.tool.name), clean(&audit.tool.version)),
        command: plain(&audit.command.join(" ")),
        ..Page::bare()
    };
    page.render()
}

fn sections(audit: &Audit) -> Vec<Section> {
    let facts = identity(audit, &plain(&audit.command.join(" ")));
    let fact = |(term, text, is_code): (&str, String, bool)| Fact {
        term: term.to_owned(),
        text,
        is_code,
    };
    let said = |sentence: &Sentence| Said {
        sentence: sentence.clone(),
        anchor: "",
    };
    let of_group = |(title, sentences): (&'static str, Vec<&Sentence>)| {
        let part = Section {
            id: sentences.first().map_or("", |said| said.status.class()),
            title,
            blocks: vec![Block::Sentences(sentences.into_iter().map(said).collect())],
        };
        Block::Part(part)
    };
    let line = |term: &str| fact((term, "\u{a0}".to_owned(), false));
    vec![
        Section {
            id: "examined",
            title: "What was examined",
            blocks: vec![Block::Facts(facts.into_iter().map(fact).collect())],
        },
        Section {
            id: "found",
            title: "What was found",
            blocks: groups(&audit.summary)
                .map(of_group)
                .chain(subgroups::table(audit, ""))
                .collect(),
        },
        Section {
            id: "signed",
            title: "Signature",
            blocks: vec![Block::Facts(vec![
                line("Name"),
                line("Date"),
                line("Signature"),
            ])],
        },
    ]
}
