//! Small drawings beside verdicts: no axes, one look each, the numbers in their tooltips.

use crate::order;
use crate::report::figures::axes::{Axis, Scale};
use crate::report::figures::canvas::{Figure, bar, disc, line, tip};
use crate::report::format::{count, short};
use crate::report::modules::null::histogram;
use crate::report::sites::clean;
use crate::result::{Certificate, Circuit, NullModel, Prune};

const WIDTH: f64 = 150.0;
const ROW: f64 = 11.0;

/// Most rows of a small drawing.
const MOST: usize = 5;

/// Most circuits, and the row of one where they are more than [`MOST`].
const CIRCUITS: usize = 24;
const NARROW: f64 = 7.0;

/// Bars of a small histogram.
const BINS: usize = 16;

/// The largest change of each output as a share of its tolerance; the line is the tolerance.
pub(super) fn changes(prune: &Prune) -> String {
    let outputs = prune.outputs.iter();
    let ratios = outputs.map(|o| (clean(&o.name), o.max_abs_change / o.tolerance));
    ratio_bars(
        "Largest change of each output as a share of its tolerance",
        ratios.collect(),
    )
}

/// The proved bound of each output as a share of its tolerance; the line is the tolerance.
pub(super) fn bounds(certificate: &Certificate) -> String {
    let outputs = certificate.outputs.iter();
    let ratios = outputs.map(|o| (clean(&o.output), o.bound / o.tolerance));
    ratio_bars(
        "Bound of each output as a share of its tolerance",
        ratios.collect(),
    )
}

/// The largest ratios as bars around the line at 1.
fn ratio_bars(label: &str, mut ratios: Vec<(String, f64)>) -> String {
    ratios.retain(|(_, ratio)| ratio.is_finite());
    order::descending(&mut ratios, |one| one.1);
    ratios.truncate(MOST);
    if ratios.is_empty() {
        return String::new();
    }
    let largest = ratios.first().map_or(1.0, |(_, ratio)| *ratio);
    let x = Axis::new(Scale::Linear, 0.0, largest.max(1.3), "");
    let at = |value: f64| x.fraction(value) * WIDTH;
    let height = ROW * rows(ratios.len()) + 4.0;
    let mut figure = Figure::new("", label, WIDTH, height);
    for (k, (name, ratio)) in ratios.iter().enumerate() {
        let class = if *ratio <= 1.0 { "kept" } else { "over" };
        let drawn = bar(
            0.0,
            ROW * rows(k) + 3.0,
            at(*ratio).max(1.0),
            ROW - 3.0,
            class,
        );
        figure.add(drawn.add(tip(&format!("{name}: {} × tolerance", short(*ratio)))));
    }
    figure.add(line((at(1.0), 0.0), (at(1.0), height), "limit"));
    figure.inline()
}

/// The modularity of shuffled networks as grey bars, that of the network as a line.
pub(super) fn null(observed: f64, null: &NullModel) -> String {
    let draws: Vec<f64> = null
        .draws
        .iter()
        .copied()
        .filter(|q| q.is_finite())
        .collect();
    if draws.is_empty() || !observed.is_finite() {
        return String::new();
    }
    let (height, (edges, counts)) = (40.0, histogram(&draws, BINS));
    let x = Axis::linear(edges.iter().copied().chain([observed]), "");
    let most = counts.iter().copied().fold(1.0, f64::max);
    let at = |value: f64| x.fraction(value) * WIDTH;
    let label = "Modularity of shuffled networks, and of this one as a line";
    let mut figure = Figure::new("", label, WIDTH, height);
    for (pair, count) in edges.windows(2).zip(&counts) {
        if let [low, high] = pair {
            let tall = (height - 4.0) * count / most;
            let wide = (at(*high) - at(*low) - 0.6).max(0.8);
            figure.add(bar(at(*low), height - tall, wide, tall, "gone"));
        }
    }
    figure.add(line((at(observed), 0.0), (at(observed), height), "chosen"));
    figure.inline()
}

/// A metric with all modules, the best of fewer, and none, as bars.
pub(super) fn together(values: &[(String, f64)]) -> String {
    let largest = values.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    if largest <= 0.0 || !largest.is_finite() {
        return String::new();
    }
    let label = "The metric with all modules, the best of fewer, and none";
    let mut figure = Figure::new("", label, WIDTH, ROW * rows(values.len()) + 4.0);
    for (k, (name, value)) in values.iter().enumerate() {
        let wide = (WIDTH * value / largest).max(1.0);
        let drawn = bar(0.0, ROW * rows(k) + 3.0, wide, ROW - 3.0, "kept");
        figure.add(drawn.add(tip(&format!("{name}: {}", short(*value)))));
    }
    figure.inline()
}

/// The interval of each circuit's faithfulness; the band is what was asked for, around 1.
pub(super) fn faithfulness(circuits: &[&Circuit]) -> String {
    let known = circuits.iter().filter_map(|c| Some((*c, c.faithfulness?)));
    let known = known.filter(|(_, f)| f.is_finite());
    let shown: Vec<(&Circuit, f64)> = known.take(CIRCUITS).collect();
    if shown.is_empty() {
        return String::new();
    }
    let band = shown
        .iter()
        .find_map(|(c, _)| c.band)
        .unwrap_or([0.95, 1.05]);
    let ends = shown
        .iter()
        .flat_map(|(c, f)| c.interval.unwrap_or([*f, *f]));
    let x = Axis::linear(ends.chain(band).map(|f| f.clamp(-0.25, 1.5)), "");
    let at = |value: f64| x.fraction(value) * WIDTH;
    let row = if shown.len() > MOST { NARROW } else { ROW };
    let height = row * rows(shown.len()) + 4.0;
    let label = "Faithfulness of each circuit with its 95 % interval, and the band asked for";
    let mut figure = Figure::new("", label, WIDTH, height);
    figure.add(bar(
        at(band[0]),
        0.0,
        at(band[1]) - at(band[0]),
        height,
        "within",
    ));
    for (k, (circuit, f)) in shown.iter().enumerate() {
        let y = row * (rows(k) + 0.5) + 2.0;
        if let Some([low, high]) = circuit.interval {
            figure.add(line((at(low), y), (at(high), y), "whisker"));
        }
        let words = format!("{}: {}", clean(&circuit.output_name), short(*f));
        figure.add(disc((at(*f), y), 3.2, "mark").add(tip(&words)));
    }
    figure.inline()
}

/// The edges of a proved circuit out of all; the line is how many any such circuit has.
pub(super) fn sizes(circuit: &Circuit, least: usize) -> String {
    let (kept, total) = (rows(circuit.edges_kept), rows(circuit.edges_total));
    if circuit.edges_total == 0 {
        return String::new();
    }
    let at = |edges: f64| WIDTH * (edges / total).min(1.0);
    let height = ROW + 4.0;
    let label = "Edges of the circuit out of all, and how many any such circuit has";
    let mut figure = Figure::new("", label, WIDTH, height);
    figure.add(bar(0.0, 3.0, WIDTH, ROW - 3.0, "gone"));
    let words = format!(
        "{} of {} edges; at least {}",
        count(circuit.edges_kept),
        count(circuit.edges_total),
        count(least)
    );
    figure.add(bar(0.0, 3.0, at(kept).max(1.0), ROW - 3.0, "kept").add(tip(&words)));
    figure.add(line(
        (at(rows(least)), 0.0),
        (at(rows(least)), height),
        "limit",
    ));
    figure.inline()
}

#[allow(clippy::cast_precision_loss, reason = "numbers of rows and edges")]
pub(super) fn rows(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, well_formed};

    #[test]
    fn what_is_beyond_the_tolerance_looks_it() {
        let mut prune = sample::audit().prune.expect("pruned");
        assert!(!changes(&prune).contains("over"));
        prune.outputs[0].max_abs_change = 9.0 * prune.outputs[0].tolerance;
        let drawn = changes(&prune);
        assert!(drawn.contains("class=\"over\""), "{drawn}");
        prune.outputs.clear();
        assert_eq!(changes(&prune), "");
    }

    #[test]
    fn small_drawings_are_well_formed_whatever_the_numbers() {
        let audit = sample::thorough();
        let modules = audit.modules.as_ref().expect("there");
        let circuits: Vec<&Circuit> = audit.circuits.iter().collect();
        let null_model = modules.null.as_ref().expect("there");
        let drawn = [
            faithfulness(&circuits),
            null(0.5, null_model),
            null(f64::NAN, null_model),
        ];
        for figure in drawn.iter().filter(|figure| !figure.is_empty()) {
            assert_eq!(well_formed(figure), Ok(()));
            assert!(!figure.contains("NaN"));
        }
    }
}
