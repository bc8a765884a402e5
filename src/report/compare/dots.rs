//! The first figure of a comparison: a row per regime with one of its networks, a panel per
//! claim with every network as a dot.

use svg::node::element::Element;

use super::claims::{CLAIMS, Claim};
use super::shown::Shown;
use super::small::{Cell, strongest};
use crate::report::english::counted;
use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, PHONE, disc, line, text, tip, titled};
use crate::report::format::{count, significant};
use crate::report::sites::{plain, shortened};
use crate::result::{ComparedMeasure, ComparedNetwork, Comparison};

const WIDTH: f64 = 860.0;
/// Room for the names and the small networks.
const LEFT: f64 = 190.0;
/// Between panels.
const GAP: f64 = 34.0;
const TOP: f64 = 30.0;
const ROW: f64 = 76.0;
const NARROW_ROW: f64 = 26.0;

/// The longest name of a regime, in characters.
const LONGEST: usize = 10;

/// How the figure is read, in lines for phones.
const READING: [&str; 3] = [
    "A dot is a network, the bar their mean.",
    "Against the first: ✓ shown, ? not shown,",
    "⇄ the reverse, – not tested.",
];

/// Values whose largest is so many times the smallest have a logarithmic axis.
const WIDE: f64 = 10.0;

/// What can be asked of these networks.
fn asked(comparison: &Comparison) -> Option<Vec<(&'static Claim, &ComparedMeasure)>> {
    let claims = CLAIMS.iter();
    let asked = claims.filter_map(|claim| Some((claim, claim.measure(comparison)?)));
    let asked: Vec<_> = asked.collect();
    (!asked.is_empty() && comparison.groups.len() > 1).then_some(asked)
}

/// The same for phones: the panels below one another, without the networks.
#[must_use]
pub fn narrow(comparison: &Comparison) -> Option<Figure> {
    let asked = asked(comparison)?;
    let rows = comparison.groups.len() as f64;
    let each = TOP + rows * NARROW_ROW + 44.0;
    let label = "Every network a dot, at what decides each claim; the bar is their mean";
    let height = asked.len() as f64 * each + 50.0;
    let mut figure = Figure::new("claims-narrow", label, PHONE, height);
    for (place, asked) in asked.into_iter().enumerate() {
        let frame = Frame {
            left: 84.0,
            top: TOP + place as f64 * each,
            width: PHONE - 104.0,
            row: NARROW_ROW,
        };
        for (row, group) in comparison.groups.iter().enumerate() {
            let name = shortened(&plain(&group.name), LONGEST);
            figure.add(text(0.0, frame.middle(row) + 4.0, "strong", &name));
        }
        panel(&mut figure, comparison, asked, frame);
    }
    for (line, words) in READING.into_iter().enumerate() {
        let y = height - 38.0 + 16.0 * line as f64;
        figure.add(text(0.0, y, "quiet small", words));
    }
    Some(figure)
}

/// Every network at what decides each claim; `None` without a claim that they can be asked.
#[must_use]
pub fn dots(comparison: &Comparison) -> Option<Figure> {
    let asked = asked(comparison)?;
    let rows = comparison.groups.len() as f64;
    let label = format!(
        "{} by regime: every network a dot, at what decides each claim; the bar is their mean",
        counted(comparison.networks.len(), "network", "networks"),
    );
    let mut figure = Figure::new("claims", label, WIDTH, TOP + rows * ROW + 72.0);
    figure.add(text(
        0.0,
        TOP + rows * ROW + 64.0,
        "quiet",
        &READING.join(" "),
    ));
    names(&mut figure, comparison);
    let width = (WIDTH - LEFT) / asked.len() as f64;
    for (place, (claim, measure)) in asked.into_iter().enumerate() {
        let frame = Frame {
            left: LEFT + place as f64 * width,
            top: TOP,
            width: width - GAP - 16.0,
            row: ROW,
        };
        panel(&mut figure, comparison, (claim, measure), frame);
    }
    Some(figure)
}

/// The regimes, each with its first network.
fn names(figure: &mut Figure, comparison: &Comparison) {
    let strongest = strongest(comparison);
    for (row, group) in comparison.groups.iter().enumerate() {
        let top = TOP + row as f64 * ROW;
        let name = shortened(&plain(&group.name), LONGEST);
        figure.add(text(0.0, top + ROW / 2.0 - 2.0, "strong", &name));
        let mut mine = of_group(comparison, &group.name);
        let Some(network) = mine.next() else { continue };
        let cell = Cell {
            left: LEFT - 106.0,
            top: top + 4.0,
            width: 86.0,
            height: ROW - 12.0,
        };
        cell.network(figure, network, &comparison.places, strongest);
        let (drawn, all) = (network.picture.edges.len(), network.picture.surviving);
        let words = match drawn < all {
            true => format!("{} of {}", count(drawn), count(all)),
            false => counted(all, "edge", "edges"),
        };
        let said = format!("{}: {words} drawn, the strongest", plain(&network.name));
        let element = text(0.0, top + ROW / 2.0 + 13.0, "tick small", &words);
        figure.add(titled(element, &said));
    }
}

fn of_group<'c>(
    comparison: &'c Comparison,
    group: &'c str,
) -> impl Iterator<Item = &'c ComparedNetwork> {
    comparison.networks.iter().filter(move |n| n.group == group)
}

/// Where a panel lies.
#[derive(Clone, Copy)]
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    /// Height of a regime's row.
    row: f64,
}

impl Frame {
    fn middle(self, row: usize) -> f64 {
        self.top + (row as f64 + 0.5) * self.row
    }
}

/// One claim: its axis below, a row of dots per regime, and what is shown to the right.
fn panel(
    figure: &mut Figure,
    comparison: &Comparison,
    (claim, measure): (&Claim, &ComparedMeasure),
    frame: Frame,
) {
    let value = |n: &ComparedNetwork| n.values.get(&measure.info.key).copied().flatten();
    let values = comparison.networks.iter().filter_map(value);
    let values: Vec<f64> = values.filter(|v| v.is_finite()).collect();
    let panel = Panel {
        left: frame.left,
        top: frame.top,
        width: frame.width,
        height: comparison.groups.len() as f64 * frame.row,
        x: axis(&values, &plain(&measure.info.title)),
        y: Axis::linear([0.0], ""),
    };
    figure.add(text(frame.left, frame.top - 12.0, "strong", claim.words));
    panel.frame_x(figure);
    let judged = claim.judged(comparison);
    for (row, group) in comparison.groups.iter().enumerate() {
        let y = frame.middle(row);
        figure.add(line((frame.left, y), (panel.right(), y), "grid"));
        for network in of_group(comparison, &group.name) {
            let Some(at) = value(network) else { continue };
            let said = format!("{}: {}", plain(&network.name), significant(at, 4));
            let class = if row == 0 { "mark a" } else { "mark" };
            figure.add(
                disc((panel.px(at), y), 3.2, class)
                    .set("fill-opacity", 0.55)
                    .add(tip(&said)),
            );
        }
        if let Some(mean) = measure.groups.get(row).and_then(|group| group.mean) {
            let x = panel.px(mean);
            figure.add(line((x, y - 9.0), (x, y + 9.0), "chosen"));
        }
        let found = row
            .checked_sub(1)
            .and_then(|other| judged.get(other).copied().flatten());
        if let Some((shown, _)) = found {
            figure.add(mark(shown, (panel.right() + 6.0, y)));
        }
    }
}

/// Logarithmic where one regime dwarfs the others.
fn axis(values: &[f64], label: &str) -> Axis {
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
    match low > 0.0 && high > WIDE * low {
        true => Axis::log(values.iter().copied(), label),
        false => Axis::from_zero(values.iter().copied(), label),
    }
}

/// What the test against a regime shows.
fn mark(shown: Shown, (x, y): (f64, f64)) -> Element {
    let (mark, said) = match shown {
        Shown::Better => ("✓", "shown"),
        Shown::Worse => ("⇄", "the reverse is shown"),
        Shown::Nothing => ("?", "neither this nor the reverse is shown"),
        Shown::NoTest => ("–", "not tested"),
    };
    titled(text(x, y + 5.0, "strong", mark), said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_is_logarithmic_where_one_value_dwarfs_the_others() {
        let half = |axis: &Axis| axis.fraction(100.0);
        assert!((half(&axis(&[10.0, 1000.0], "")) - 0.5).abs() < 1e-9);
        assert!(half(&axis(&[100.0, 800.0], "")) < 0.2);
        assert!(half(&axis(&[0.0, 800.0], "")) < 0.2);
    }
}
