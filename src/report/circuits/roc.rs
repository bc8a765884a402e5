//! How well scores rank the edges of a known circuit: one curve per output and method.

use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, line, path, text, through, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::format::{optional, significant};
use crate::report::sites::shortened;
use crate::result::{Circuit, Recovery};

const WIDTH: f64 = 640.0;
const SIDE: f64 = 270.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 20.0;

/// Colour and dashes of each curve; more are in the table alone.
const LINES: [&str; 6] = [
    "curve a", "curve b", "curve c", "curve d", "curve e", "curve f",
];

/// The curves of all circuits that have one; `None` where none has.
#[must_use]
pub fn draw(circuits: &[Circuit]) -> Option<Figure> {
    let curve = |c: &'_ Circuit| Some(c.recovery.clone()?).filter(|r| r.roc.len() > 1);
    let curves: Vec<(&Circuit, Recovery)> = circuits
        .iter()
        .filter_map(|c| Some((c, curve(c)?)))
        .collect();
    if curves.is_empty() {
        return None;
    }
    let label = "Receiver operating characteristic of edge scores against the known circuit, with the area under each curve";
    let mut figure = Figure::new("roc", label, WIDTH, TOP + SIDE + 50.0);
    let panel = Panel {
        left: LEFT,
        top: TOP,
        width: SIDE,
        height: SIDE,
        x: Axis::new(
            Scale::Linear,
            0.0,
            1.0,
            "share of other edges above the cut",
        ),
        y: Axis::new(Scale::Linear, 0.0, 1.0, "share of known edges above it"),
    };
    panel.frame(&mut figure);
    figure.add(line(panel.point(0.0, 0.0), panel.point(1.0, 1.0), "base"));
    let is_one_output = curves.iter().all(|(c, _)| c.output == curves[0].0.output);
    let mut entries = Vec::new();
    for ((circuit, recovery), class) in curves.iter().zip(LINES) {
        let words = words(circuit, recovery, is_one_output);
        let points = recovery.roc.iter();
        let places: Vec<(f64, f64)> = points.map(|[x, y]| panel.point(*x, *y)).collect();
        figure.add(path(through(&places), class).add(tip(&words)));
        entries.push(Entry::new(Sample::Line(class), words));
    }
    key(&mut figure, entries, curves.len());
    Some(figure)
}

fn words(circuit: &Circuit, recovery: &Recovery, is_one_output: bool) -> String {
    let area = recovery.roc_area.map(|area| significant(area, 3));
    let area = area.unwrap_or_else(|| optional(None));
    let method = match is_one_output {
        true => circuit.method.to_string(),
        false => format!("{}, {}", circuit.output_name, circuit.method),
    };
    format!("{}: {area}", shortened(&method, 28))
}

/// One entry to a row, beside the panel.
fn key(figure: &mut Figure, mut entries: Vec<Entry>, curves: usize) {
    let left = LEFT + SIDE + 34.0;
    entries.push(Entry::new(Sample::Line("base"), "scores at random: 0.5"));
    if curves > LINES.len() {
        let rest = format!("{} more in the table", curves - LINES.len());
        entries.push(Entry::new(Sample::Words, rest));
    }
    figure.add(text(left, TOP + 10.0, "strong", "Area under the curve"));
    for element in legend::draw(&entries, left, TOP + 20.0, left).0 {
        figure.add(element);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_method_that_scores_has_a_line_with_its_area() {
        let mut circuits = sample::audit().circuits;
        assert!(draw(&circuits).is_none());
        let recovery = Recovery {
            known: 2,
            left_out: 0,
            precision: 1.0,
            recall: 0.5,
            roc_area: Some(0.875),
            roc: vec![[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]],
        };
        circuits[0].recovery = Some(recovery);
        let drawn = draw(&circuits).expect("there is a curve").inline();
        assert!(drawn.contains(&format!("{}: 0.875", circuits[0].method)));
        // Of a side of 270 from (64, 290): half way up, then half way across to the top.
        assert!(drawn.contains("M64 290L64 155L199 20L334 20"), "{drawn}");
        let circuits = vec![circuits[0].clone(); 8];
        let drawn = draw(&circuits).expect("there are curves").inline();
        assert_eq!(drawn.matches("<path").count(), 6);
        assert!(drawn.contains("2 more in the table"));
    }
}
