//! Which samples need which modules, and whether modules vote, in words and as a table.

use crate::report::english::{capital, counted, joined};
use crate::report::format::{count, short};
use crate::report::modules::cell::scope_words;
use crate::report::modules::margins::{first, named};
use crate::report::page::blocks::{Block, Cell, Table, numbers, words};
use crate::result::{Coalitions, Modules, Need, Sentence, Status};

/// Most sets of modules that a sentence names.
const MOST: usize = 3;

/// Votes: what modules add to a margin is nearly the sum of what each adds.
const VOTES: f64 = 0.9;

/// Whether modules vote or work together, and how many samples need which.
pub(super) fn sentence(modules: &Modules) -> Option<Sentence> {
    let (coalitions, margins) = first(modules)?;
    let right: usize = margins.needs.iter().map(|need| need.samples).sum();
    let needs: Vec<String> = margins.needs.iter().take(MOST).map(need).collect();
    let how = margins.additivity.map_or_else(String::new, |additivity| {
        let what = match additivity {
            a if a >= VOTES => "the modules vote: what they add to a margin is nearly the sum of what each adds alone",
            a if a <= 0.0 => "the modules work together: what each adds alone says nothing of what they add",
            _ => "the modules vote in part",
        };
        format!(" By their margins {what} (additivity {}).", short(additivity))
    });
    let text = format!(
        "Of {} decided rightly, {} ({} fill).{how}",
        counted(right, "sample", "samples"),
        joined(&needs),
        coalitions.fill.name()
    );
    let pointer = "/modules/coalitions";
    (!needs.is_empty())
        .then(|| Sentence::new("Samples and modules", Status::Note, text).from([pointer]))
}

/// `12 need each of 0 and 1`
fn need(need: &Need) -> String {
    let samples = count(need.samples);
    let names: Vec<String> = need.modules.iter().map(ToString::to_string).collect();
    match need.modules.as_slice() {
        [] => format!("{samples} need no single module"),
        [one] => format!("{samples} need module {one} alone"),
        _ => format!("{samples} need each of the modules {}", joined(&names)),
    }
}

/// Sets of modules, and the samples that need each of them.
pub(super) fn table(modules: &Modules) -> Option<Block> {
    let row = |c: &Coalitions, need: &Need| {
        let first: Vec<String> = need.first.iter().map(ToString::to_string).collect();
        let more = if need.samples > need.first.len() {
            ", …"
        } else {
            ""
        };
        vec![
            Cell::word(scope_words(c.scope)),
            Cell::word(c.fill.name()),
            Cell::word(capital(&named(&need.modules))),
            Cell::count(need.samples),
            Cell::word(format!("{}{more}", first.join(", "))),
        ]
    };
    let with = modules
        .coalitions
        .iter()
        .filter_map(|c| Some((c, c.margins.as_ref()?)));
    let rows: Vec<_> = with
        .flat_map(|(c, margins)| margins.needs.iter().map(move |n| row(c, n)))
        .collect();
    let columns = vec![
        words("Partition"),
        words("Fill"),
        words("Each is needed"),
        numbers("Samples"),
        words("Which"),
    ];
    let caption = "Samples decided rightly, by the modules without any one of which they are not";
    (!rows.is_empty()).then(|| Block::Table(Table::new(caption, "needs", columns, rows)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::modules::margins::draw;
    use crate::report::sample;
    use crate::report::sites::Sites;
    use crate::result::{Margins, MeanMargins};

    fn with_margins() -> Modules {
        let mut modules = sample::thorough().modules.expect("there");
        let of = |modules: &[usize], margin: f64| MeanMargins {
            modules: modules.to_vec(),
            margins: vec![margin, 1.0],
        };
        modules.coalitions[0].margins = Some(Margins {
            additivity: Some(0.95),
            wrong: 1,
            needs: vec![
                Need {
                    modules: vec![0, 1],
                    samples: 12,
                    first: (0..10).collect(),
                },
                Need {
                    modules: vec![],
                    samples: 1,
                    first: vec![3],
                },
            ],
            classes: vec![0, 1],
            by_class: vec![
                of(&[], -1.0),
                of(&[0], 0.5),
                of(&[1], 0.0),
                of(&[0, 1], 2.0),
            ],
        });
        modules
    }

    #[test]
    fn who_needs_whom_is_told_and_drawn() {
        let modules = with_margins();
        assert_eq!(
            sentence(&modules).expect("there").sentence,
            "Of 13 samples decided rightly, 12 need each of the modules 0 and 1 and 1 need no single module (zero fill). By their margins the modules vote: what they add to a margin is nearly the sum of what each adds alone (additivity 0.95)."
        );
        let audit = sample::thorough();
        let drawn = draw(&modules, &Sites::new(&audit.network))
            .expect("there")
            .inline();
        assert_eq!(drawn.matches("class=\"heat").count(), 8);
        assert!(table(&modules).is_some() && drawn.contains("0 + 1"));
    }
}
