//! Which weights cannot be pruned: how far the outputs move with each the other way.

use super::curve::tolerance;
use crate::report::english::counted;
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, disc, line, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::format::number;
use crate::report::sheet::{Sheet, word};
use crate::report::sites::Sites;
use crate::result::{Audit, WeightNeed};

const WIDTH: f64 = 1040.0;
/// Changes under this part of the tolerance are drawn there.
const LEAST: f64 = 1e-4;

/// What is known of one weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Kept, and some input shows that it must be.
    Needed,
    /// Kept, and proved that it need not be.
    Free,
    /// Kept, and neither is known.
    Unknown,
    /// Pruned.
    Pruned,
}

impl Need {
    fn of(one: &WeightNeed) -> Self {
        match one.kept {
            false => Self::Pruned,
            true if one.found > 1.0 => Self::Needed,
            true if one.bound <= 1.0 => Self::Free,
            true => Self::Unknown,
        }
    }

    const ALL: [Self; 4] = [Self::Needed, Self::Free, Self::Unknown, Self::Pruned];

    fn class(self) -> &'static str {
        match self {
            Self::Needed => "mark c",
            Self::Free => "mark b",
            Self::Unknown => "mark",
            Self::Pruned => "mark open",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Needed => "kept: cannot be pruned too",
            Self::Free => "kept: can be pruned too (proved)",
            Self::Unknown => "kept: not known",
            Self::Pruned => "pruned: put back",
        }
    }
}

fn weights(audit: &Audit) -> &[WeightNeed] {
    let certificate = audit.prune.as_ref().and_then(|p| p.certificate.as_ref());
    certificate.map_or(&[], |certificate| &certificate.weights)
}

/// Each weight by its magnitude, and from what was found to what is proved with it the other way;
/// `None` without weights.
#[must_use]
pub fn draw(audit: &Audit) -> Option<Figure> {
    let drawn: Vec<&WeightNeed> = weights(audit)
        .iter()
        .filter(|one| one.weight.abs() > 0.0 && one.found.is_finite() && one.bound.is_finite())
        .collect();
    if drawn.is_empty() {
        return None;
    }
    let ends = drawn.iter().flat_map(|one| [one.found, one.bound]);
    let panel = Panel {
        left: 84.0,
        top: 16.0,
        width: WIDTH - 108.0,
        height: 300.0,
        x: Axis::log(drawn.iter().map(|one| one.weight.abs()), "magnitude |w|"),
        y: Axis::log(
            ends.map(|end| end.max(LEAST)).chain([0.1, 10.0]),
            "change ÷ tolerance",
        ),
    };
    let label = "By magnitude of each weight: the largest change of an output over its tolerance, found and proved, with that weight the other way";
    let mut figure = Figure::new("needed-weights", label, WIDTH, panel.bottom() + 86.0);
    tolerance(&mut figure, &panel);
    panel.frame(&mut figure);
    let sites = Sites::new(&audit.network);
    for one in &drawn {
        mark(&mut figure, &panel, one, &sites);
    }
    key(&mut figure, &panel);
    Some(figure)
}

/// A weight: a disc at what was found, a line up to what is proved.
fn mark(figure: &mut Figure, panel: &Panel, one: &WeightNeed, sites: &Sites<'_>) {
    let magnitude = one.weight.abs();
    let found = panel.point(magnitude, one.found.max(LEAST));
    let bound = panel.point(magnitude, one.bound.max(LEAST));
    figure.add(line(found, bound, "base"));
    let need = Need::of(one);
    let words = format!(
        "{} → {}, {}; {}: from {} (found) to {} (proved) times the tolerance",
        sites.name(&one.from),
        sites.name(&one.to),
        number(one.weight),
        need.words(),
        number(one.found),
        number(one.bound)
    );
    figure.add(disc(found, 3.0, need.class()).add(tip(&words)));
}

fn key(figure: &mut Figure, panel: &Panel) {
    let entry = |need: Need| {
        let sample = Sample::Disc(need.class().to_owned(), None);
        Entry::new(sample, need.words())
    };
    let entries = Need::ALL.map(entry);
    let (drawn, _) = legend::draw(&entries, panel.left, panel.bottom() + 48.0, WIDTH);
    drawn.into_iter().for_each(|element| figure.add(element));
}

/// What the figure shows, in numbers.
#[must_use]
pub fn caption(audit: &Audit) -> String {
    let of = |need: Need| {
        let all = weights(audit).iter();
        all.filter(|one| Need::of(one) == need).count()
    };
    format!(
        "Which weights cannot be pruned, one at a time: what the outputs do where a kept weight is \
         pruned too, or a pruned one is put back. The disc is the largest change that was found, the \
         line reaches to what is proved with a few boxes, over the output's tolerance. Of {} nearest \
         the border {} cannot be pruned too, as an input shows, and {} can, as is proved. \
         Changes under {} are drawn there.",
        counted(
            weights(audit).iter().filter(|one| one.kept).count(),
            "kept weight",
            "kept weights"
        ),
        of(Need::Needed),
        of(Need::Free),
        number(LEAST)
    )
}

/// `tables/needed.csv`.
pub(in crate::report) fn sheet(audit: &Audit) -> Sheet {
    let row = |one: &WeightNeed| {
        vec![
            word(&one.from),
            word(&one.to),
            one.weight.to_string(),
            one.kept.to_string(),
            one.found.to_string(),
            one.bound.to_string(),
        ]
    };
    Sheet {
        name: "needed",
        columns: vec!["from", "to", "weight", "kept", "found", "bound"],
        rows: weights(audit).iter().map(row).collect(),
    }
}
