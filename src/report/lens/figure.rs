//! Figures of the lenses: the logit lens by point, direct attribution, attention.

use crate::order;
use crate::report::attention;
use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, bar, disc, path, text, through, tip};
use crate::report::figures::matrix::{Frame, Matrix};
use crate::report::format::number;
use crate::report::sites::{clean, shortened};
use crate::result::{Attributed, Lens, LensSample};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 110.0;
const ROW: f64 = 15.0;

/// Parts that are drawn.
const MOST_PARTS: usize = 40;

/// Every figure.
#[must_use]
pub fn all(result: &Lens) -> Vec<Figure> {
    let mut figures = Vec::new();
    figures.extend(points(result));
    figures.extend(parts(result, WIDTH));
    let samples = result.samples.iter();
    figures.extend(samples.filter_map(|sample| positions(result, sample)));
    figures.extend(attention::draw_patterns(&result.attention, &result.prompts));
    figures
}

#[allow(
    clippy::cast_precision_loss,
    reason = "numbers of points and parts are small"
)]
fn at(index: usize) -> f64 {
    index as f64
}

/// The logit difference by point of the stream.
fn points(result: &Lens) -> Option<Figure> {
    let all: Vec<(usize, f64)> = result
        .logit_lens
        .iter()
        .enumerate()
        .map(|(place, point)| (place, point.logit_difference))
        .filter(|(_, y)| y.is_finite())
        .collect();
    let ys = || all.iter().map(|(_, y)| *y).chain([0.0]);
    let (low, high) = (ys().fold(f64::INFINITY, f64::min), ys().fold(0.0, f64::max));
    if all.len() < 2 || high <= low {
        return None;
    }
    let last = at(result.logit_lens.len() - 1);
    let panel = Panel {
        left: LEFT,
        top: 14.0,
        width: WIDTH - LEFT - 30.0,
        height: 200.0,
        x: Axis::new(Scale::Linear, 0.0, last, "point of the stream"),
        y: Axis::new(Scale::Linear, low, high, "logit difference"),
    };
    let label = format!(
        "Logit difference read at each of {} points of the stream",
        all.len()
    );
    let mut figure = Figure::new("logit-lens", label, WIDTH, panel.bottom() + 46.0);
    panel.frame_x(&mut figure);
    panel.frame_y(&mut figure);
    let drawn: Vec<_> = all.iter().map(|(x, y)| panel.point(at(*x), *y)).collect();
    figure.add(path(through(&drawn), "curve"));
    for (place, (x, y)) in drawn.iter().zip(&all) {
        let point = &result.logit_lens[*x];
        let words = format!(
            "{} (after {}): {}",
            point.point,
            clean(&point.after),
            number(*y)
        );
        figure.add(disc(*place, 3.0, "mark b").add(tip(&words)));
    }
    Some(figure)
}

/// Direct attribution, the largest parts first.
pub(super) fn parts(result: &Lens, wide: f64) -> Option<Figure> {
    let mut parts: Vec<&Attributed> = result.attribution.parts.iter().collect();
    parts.retain(|part| part.mean.is_finite());
    order::descending(&mut parts, |one| one.mean.abs());
    parts.truncate(MOST_PARTS);
    let ends = || parts.iter().map(|part| part.mean).chain([0.0]);
    let (low, high) = (ends().fold(0.0, f64::min), ends().fold(0.0, f64::max));
    if high <= low {
        return None;
    }
    let panel = Panel {
        left: LEFT,
        top: 12.0,
        width: wide - LEFT - 40.0,
        height: ROW * at(parts.len()),
        x: Axis::new(Scale::Linear, low, high, "part of the logit difference"),
        y: Axis::new(Scale::Linear, 0.0, at(parts.len()), ""),
    };
    let label = format!(
        "The {} largest direct parts of the logit difference",
        parts.len()
    );
    let mut figure = Figure::new("attribution", label, wide, panel.bottom() + 46.0);
    panel.frame_x(&mut figure);
    for (line, part) in parts.iter().enumerate() {
        let top = panel.top + ROW * at(line);
        let name = clean(&part.writer);
        figure.add(text(8.0, top + ROW - 4.0, "quiet", &shortened(&name, 14)));
        let (from, to) = (panel.px(part.mean.min(0.0)), panel.px(part.mean.max(0.0)));
        let class = if part.mean > 0.0 { "kept" } else { "gone" };
        let words = format!("{name}: {}", number(part.mean));
        figure.add(bar(from, top + 2.0, to - from, ROW - 4.0, class).add(tip(&words)));
    }
    Some(figure)
}

/// The probability of what is read at every position and point of a sample.
fn positions(result: &Lens, sample: &LensSample) -> Option<Figure> {
    let columns = sample.tokens.len();
    let fits = sample.points.iter().all(|reads| reads.len() == columns);
    if columns == 0 || !fits || sample.points.len() != result.logit_lens.len() {
        return None;
    }
    // The end above, as a table of layers is read.
    let order = || sample.points.iter().zip(&result.logit_lens).rev();
    let matrix = Matrix {
        rows: order().map(|(_, point)| clean(&point.after)).collect(),
        columns: sample.tokens.iter().map(|token| visible(token)).collect(),
        values: order()
            .flat_map(|(reads, _)| reads.iter().map(|read| read.probability))
            .collect(),
        joins: "at",
    };
    let cell = ((WIDTH - LEFT - 20.0) / at(columns)).min(26.0);
    let frame = Frame {
        left: LEFT,
        top: 26.0,
        cell,
        numbers: false,
    };
    let name = format!("logit-lens-{}", sample.sample.saturating_add(1));
    let label = format!(
        "Probability of the output that is read, by point and position of sample {}",
        sample.sample
    );
    let mut figure = Figure::new(name, label, WIDTH, matrix.height(frame) + 60.0);
    for element in matrix.draw(frame) {
        figure.add(element);
    }
    Some(figure)
}

/// A token with its spaces to be seen.
fn visible(token: &str) -> String {
    clean(&token.replace('\n', "↵").replace(' ', "·"))
}
