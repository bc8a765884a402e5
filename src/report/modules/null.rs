//! The modularity of shuffled networks, and that of the network itself.

use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, bar, line, text};
use crate::report::format::number;
use crate::result::Modules;

const BINS: usize = 24;

/// A histogram of the null draws with the observed value; `None` without draws.
#[must_use]
pub fn draw(modules: &Modules) -> Option<Figure> {
    let null = modules.null.as_ref()?;
    let draws: Vec<f64> = null
        .draws
        .iter()
        .copied()
        .filter(|q| q.is_finite())
        .collect();
    if draws.is_empty() {
        return None;
    }
    let x = Axis::linear(
        draws.iter().copied().chain([modules.modularity]),
        "modularity Q",
    );
    let (edges, counts) = histogram(&draws, BINS);
    let y = Axis::counts(counts.iter().copied(), "shuffled networks");
    let panel = Panel {
        left: 70.0,
        top: 30.0,
        width: 430.0,
        height: 190.0,
        x,
        y,
    };
    let label = format!(
        "Modularity of {} shuffled networks as a histogram; the network itself has {}",
        null.samples,
        number(modules.modularity)
    );
    let mut figure = Figure::new("null-modularity", label, 520.0, 270.0);
    panel.frame(&mut figure);
    for (pair, count) in edges.windows(2).zip(&counts) {
        if let [low, high] = pair {
            let (left, right, top) = (panel.px(*low), panel.px(*high), panel.py(*count));
            figure.add(bar(
                left + 0.5,
                top,
                (right - left - 1.0).max(1.0),
                panel.bottom() - top,
                "gone",
            ));
        }
    }
    observed(&mut figure, &panel, modules.modularity);
    Some(figure)
}

fn observed(figure: &mut Figure, panel: &Panel, modularity: f64) {
    let x = panel.px(modularity);
    figure.add(line((x, panel.top - 6.0), (x, panel.bottom()), "observed"));
    let class = if x > panel.left + panel.width * 0.6 {
        "strong end"
    } else {
        "strong"
    };
    let words = format!("this network: {}", number(modularity));
    figure.add(text(x, panel.top - 12.0, class, &words));
}

/// Equal bins over the range of the values: their edges, and counts.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "drawn to a pixel"
)]
pub fn histogram(values: &[f64], bins: usize) -> (Vec<f64>, Vec<f64>) {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = if high > low {
        (high - low) / bins as f64
    } else {
        0.01 * low.abs().max(0.1)
    };
    let mut counts = vec![0.0; bins];
    for value in values {
        let bin = (((value - low) / width) as usize).min(bins.saturating_sub(1));
        if let Some(count) = counts.get_mut(bin) {
            *count += 1.0;
        }
    }
    let edges = (0..=bins).map(|k| low + width * k as f64).collect();
    (edges, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_in_a_bin() {
        let (edges, counts) = histogram(&[0.0, 0.1, 0.5, 1.0], 4);
        assert_eq!(edges, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(counts, [2.0, 0.0, 1.0, 1.0]);
        let (_, same) = histogram(&[0.3; 5], 4);
        assert_eq!(same, [5.0, 0.0, 0.0, 0.0]);
    }
}
