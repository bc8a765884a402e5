//! How strong the weights are: a histogram of log |w|, kept and pruned apart.

use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, bar, line, text};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::format::number;
use crate::report::modules::null::histogram;
use crate::report::network::figure::drawn_threshold;
use crate::report::sites::Sites;
use crate::result::Audit;

const BINS: usize = 48;

/// The histogram of magnitudes; `None` where no weight is other than zero.
#[must_use]
pub fn draw(audit: &Audit) -> Option<Figure> {
    let sites = Sites::new(&audit.network);
    let magnitudes: Vec<f64> = sites
        .wires()
        .map(|w| w.weight.abs())
        .filter(|w| *w > 0.0)
        .collect();
    if magnitudes.is_empty() {
        return None;
    }
    let threshold = drawn_threshold(audit);
    let logs: Vec<f64> = magnitudes.iter().map(|w| w.log10()).collect();
    let (edges, counts) = histogram(&logs, BINS);
    let x = Axis::log(magnitudes.iter().copied(), "magnitude |w|");
    let y = Axis::counts(counts.iter().copied(), "weights");
    let panel = Panel {
        left: 70.0,
        top: 30.0,
        width: 430.0,
        height: 190.0,
        x,
        y,
    };
    let label =
        "The weights by magnitude on a logarithmic axis; those below the threshold are pale";
    let mut figure = Figure::new("weights", label, 520.0, 290.0);
    panel.frame(&mut figure);
    for (pair, count) in edges.windows(2).zip(&counts) {
        if let [low, high] = pair {
            column(
                &mut figure,
                &panel,
                [10f64.powf(*low), 10f64.powf(*high)],
                *count,
                threshold,
            );
        }
    }
    mark(&mut figure, &panel, threshold);
    key(&mut figure);
    Some(figure)
}

/// One bin; the bin that the threshold cuts is cut where it does.
fn column(figure: &mut Figure, panel: &Panel, [low, high]: [f64; 2], count: f64, threshold: f64) {
    let top = panel.py(count);
    let height = panel.bottom() - top;
    let (left, right) = (panel.px(low), panel.px(high));
    let cut = if threshold > 0.0 {
        panel.px(threshold).clamp(left, right)
    } else {
        left
    };
    figure.add(bar(left, top, cut - left, height, "gone"));
    figure.add(bar(cut, top, right - cut - 0.6, height, "kept"));
}

fn mark(figure: &mut Figure, panel: &Panel, threshold: f64) {
    if threshold <= 0.0 {
        return;
    }
    let x = panel.px(threshold);
    figure.add(line((x, panel.top - 6.0), (x, panel.bottom()), "chosen"));
    let class = if x > panel.left + panel.width * 0.6 {
        "strong end"
    } else {
        "strong"
    };
    figure.add(text(
        x,
        panel.top - 12.0,
        class,
        &format!("threshold {}", number(threshold)),
    ));
}

fn key(figure: &mut Figure) {
    let square = |class: &str| Sample::Disc(class.to_owned(), None);
    let entries = [
        Entry::new(square("gone"), "set to zero"),
        Entry::new(square("kept"), "kept"),
    ];
    let (drawn, _) = legend::draw(&entries, 70.0, 262.0, 500.0);
    for element in drawn {
        figure.add(element);
    }
}
