//! A forest plot: one row per thing compared, its estimate and its interval.

use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, disc, line, text, text_width, tip};
use crate::report::format::significant;
use crate::report::sites::shortened;

const WIDTH: f64 = 760.0;
const ROW: f64 = 26.0;
const TOP: f64 = 12.0;

/// The longest label, in characters.
const LONGEST: usize = 44;

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct ForestRow {
    /// What it is.
    pub label: String,
    /// The estimate, in the unit of the axis.
    pub estimate: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end of its interval.
    pub high: f64,
}

impl ForestRow {
    fn is_finite(&self) -> bool {
        [self.estimate, self.low, self.high]
            .iter()
            .all(|v| v.is_finite())
    }

    fn words(&self) -> String {
        let [e, l, h] = [self.estimate, self.low, self.high].map(|v| significant(v, 3));
        format!("{e} [{l}, {h}]")
    }
}

/// Rows from top to bottom over one axis, with the numbers to the right.
///
/// `reference` is a value to compare with, such as 0 for a difference: a line
/// from top to bottom. Rows that are not finite are named but not drawn.
/// `None` without rows.
#[must_use]
pub fn forest(
    name: &str,
    rows: &[ForestRow],
    axis_label: &str,
    reference: Option<f64>,
) -> Option<Figure> {
    if rows.is_empty() {
        return None;
    }
    let panel = panel(rows, axis_label, reference);
    let label = format!("{axis_label}: estimate and interval of {} rows", rows.len());
    let mut figure = Figure::new(name, label, WIDTH, panel.bottom() + 46.0);
    if let Some(value) = reference {
        let x = panel.px(value);
        figure.add(line((x, panel.top), (x, panel.bottom()), "limit"));
    }
    panel.frame_x(&mut figure);
    let mut y = panel.top + ROW / 2.0;
    for row in rows {
        draw(&mut figure, &panel, row, y);
        y += ROW;
    }
    Some(figure)
}

#[allow(clippy::cast_precision_loss, reason = "a handful of rows")]
fn panel(rows: &[ForestRow], axis_label: &str, reference: Option<f64>) -> Panel {
    let widest = |words: fn(&ForestRow) -> String| {
        rows.iter()
            .map(|row| text_width(&words(row), 13.0))
            .fold(0.0, f64::max)
    };
    let left = widest(name) + 22.0;
    let right = widest(ForestRow::words) + 20.0;
    let ends = rows
        .iter()
        .flat_map(|row| [row.low, row.estimate, row.high]);
    Panel {
        left,
        top: TOP,
        width: (WIDTH - left - right).max(160.0),
        height: rows.len() as f64 * ROW,
        x: Axis::linear(ends.chain(reference), axis_label),
        y: Axis::linear([0.0], ""),
    }
}

fn name(row: &ForestRow) -> String {
    shortened(&row.label, LONGEST)
}

fn draw(figure: &mut Figure, panel: &Panel, row: &ForestRow, y: f64) {
    figure.add(text(panel.left - 14.0, y + 4.5, "end", &name(row)));
    let numbers = if row.is_finite() {
        row.words()
    } else {
        "not a number".to_owned()
    };
    figure.add(text(panel.right() + 14.0, y + 4.5, "quiet", &numbers));
    if !row.is_finite() {
        return;
    }
    let (low, high) = (panel.px(row.low), panel.px(row.high));
    figure.add(line((low, y), (high, y), "whisker"));
    for end in [low, high] {
        figure.add(line((end, y - 4.0), (end, y + 4.0), "whisker"));
    }
    let words = format!("{}: {}", row.label, row.words());
    figure.add(disc((panel.px(row.estimate), y), 4.5, "mark").add(tip(&words)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::well_formed;

    fn row(label: &str, estimate: f64, low: f64, high: f64) -> ForestRow {
        ForestRow {
            label: label.to_owned(),
            estimate,
            low,
            high,
        }
    }

    #[test]
    fn a_row_has_its_estimate_between_its_ends() {
        let rows = [row("bimt", 0.5, 0.25, 1.0), row("<b>", f64::NAN, 0.0, 1.0)];
        let figure = forest("f", &rows, "modularity Q", Some(0.0)).expect("there are rows");
        let drawn = figure.file(&Print::default());
        assert_eq!(well_formed(&drawn), Ok(()));
        assert!(drawn.contains("0.5 [0.25, 1]") && drawn.contains("not a number"));
        assert_eq!(drawn.matches("<circle").count(), 1);
        assert_eq!(drawn.matches("class=\"whisker\"").count(), 3);
        assert!(!drawn.contains("NaN"));
        assert!(forest("f", &[], "x", None).is_none());
    }
}
