//! Faithfulness against edges kept, per output and method, with the chosen circuit.

use crate::choice::Origin;
use crate::order;
use crate::report::english::counted;
use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, disc, line, path, text, through, tip};
use crate::report::figures::legend::{self, Entry, Sample};
use crate::report::format::number;
use crate::report::sites::shortened;
use crate::result::Circuit;

const WIDTH: f64 = 1040.0;
const COLUMNS: usize = 3;
const CELL: f64 = 340.0;
const ROW: f64 = 216.0;

/// From more outputs on, all share one panel per method.
const MOST_OUTPUTS: usize = 12;

/// Faithfulness beyond these ends is drawn at the end.
const ENDS: (f64, f64) = (-0.25, 1.25);

/// The sweeps of all circuits; `None` where no circuit was swept.
#[must_use]
pub fn draw(circuits: &[Circuit]) -> Option<Figure> {
    let swept: Vec<&Circuit> = circuits.iter().filter(|c| points(c).len() > 1).collect();
    let mut outputs: Vec<&str> = swept.iter().map(|c| c.output.as_str()).collect();
    outputs.dedup();
    outputs.sort_unstable();
    outputs.dedup();
    if outputs.is_empty() {
        return None;
    }
    let methods = methods(&swept);
    let panels = if outputs.len() > MOST_OUTPUTS {
        by_method(&swept, &methods)
    } else {
        by_output(&swept)
    };
    Some(grid(&panels, &methods))
}

/// A panel to be: its title and circuits.
struct Cell<'a> {
    title: String,
    circuits: Vec<&'a Circuit>,
}

fn points(circuit: &Circuit) -> Vec<(f64, f64)> {
    #[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
    let point = |s: &crate::result::SweepPoint| Some((s.edges_kept as f64, s.faithfulness?));
    let mut points: Vec<(f64, f64)> = circuit
        .sweep
        .iter()
        .filter_map(point)
        .filter(|p| p.0 > 0.0 && p.1.is_finite())
        .collect();
    order::ascending(&mut points, |one| one.0);
    points
}

fn methods(circuits: &[&Circuit]) -> Vec<Origin> {
    let mut methods = Vec::new();
    for circuit in circuits {
        if !methods.contains(&circuit.method) {
            methods.push(circuit.method);
        }
    }
    methods
}

fn by_output<'a>(circuits: &[&'a Circuit]) -> Vec<Cell<'a>> {
    let mut cells: Vec<Cell<'a>> = Vec::new();
    for &circuit in circuits {
        let mine = |cell: &&mut Cell<'a>| cell.circuits.iter().any(|c| c.output == circuit.output);
        match cells.iter_mut().find(mine) {
            Some(cell) => cell.circuits.push(circuit),
            None => cells.push(Cell {
                title: circuit.output_name.clone(),
                circuits: vec![circuit],
            }),
        }
    }
    cells
}

fn by_method<'a>(circuits: &[&'a Circuit], methods: &[Origin]) -> Vec<Cell<'a>> {
    let cell = |method: &Origin| {
        let circuits: Vec<&Circuit> = circuits
            .iter()
            .copied()
            .filter(|c| c.method == *method)
            .collect();
        Cell {
            title: format!("{method}, {}", counted(circuits.len(), "output", "outputs")),
            circuits,
        }
    };
    methods.iter().map(cell).collect()
}

#[allow(clippy::cast_precision_loss, reason = "a handful of panels")]
fn grid(cells: &[Cell<'_>], methods: &[Origin]) -> Figure {
    let rows = cells.len().div_ceil(COLUMNS) as f64;
    let label =
        "Faithfulness of circuits against the number of edges they keep, one panel per output";
    let mut figure = Figure::new("faithfulness", label, WIDTH, rows * ROW + 34.0);
    let sizes = cells
        .iter()
        .flat_map(|cell| &cell.circuits)
        .flat_map(|c| points(c))
        .map(|p| p.0);
    let x = Axis::log(sizes, "edges kept");
    for (k, cell) in cells.iter().enumerate() {
        let (column, row) = ((k % COLUMNS) as f64, (k / COLUMNS) as f64);
        let y = Axis::new(Scale::Linear, ENDS.0, ENDS.1, "faithfulness");
        let (left, top) = (column * CELL + 64.0, row * ROW + 26.0);
        let panel = Panel {
            left,
            top,
            width: CELL - 84.0,
            height: 130.0,
            x: x.clone(),
            y,
        };
        one(&mut figure, &panel, cell, methods);
    }
    let line = |k: usize| Sample::Line(["curve a", "curve b", "curve c"][k % 3]);
    let entries: Vec<Entry> = methods
        .iter()
        .enumerate()
        .map(|(k, m)| Entry::new(line(k), m.name()))
        .collect();
    let open = Entry::new(
        Sample::Disc("mark open".to_owned(), None),
        "the circuit reported, with its 95 % interval",
    );
    let entries: Vec<Entry> = entries.into_iter().chain([open]).collect();
    for element in legend::draw(&entries, 64.0, rows * ROW + 4.0, WIDTH).0 {
        figure.add(element);
    }
    figure
}

fn one(figure: &mut Figure, panel: &Panel, cell: &Cell<'_>, methods: &[Origin]) {
    figure.add(text(
        panel.left,
        panel.top - 10.0,
        "strong",
        &shortened(&cell.title, 34),
    ));
    panel.frame(figure);
    let whole = panel.py(1.0);
    figure.add(line((panel.left, whole), (panel.right(), whole), "limit"));
    let thin = if cell.circuits.len() > 6 { " thin" } else { "" };
    for circuit in &cell.circuits {
        let rank = methods
            .iter()
            .position(|m| *m == circuit.method)
            .unwrap_or(0);
        let letter = ["a", "b", "c"][rank % 3];
        let places: Vec<(f64, f64)> = points(circuit)
            .into_iter()
            .map(|(x, y)| panel.point(x, y))
            .collect();
        figure.add(path(through(&places), &format!("curve {letter}{thin}")));
        if thin.is_empty() {
            chosen(figure, panel, circuit, letter);
        }
    }
}

fn chosen(figure: &mut Figure, panel: &Panel, circuit: &Circuit, letter: &str) {
    let Some(faithfulness) = circuit.faithfulness.filter(|_| circuit.edges_kept > 0) else {
        return;
    };
    #[allow(clippy::cast_precision_loss, reason = "drawn to a pixel")]
    let at = panel.point(circuit.edges_kept as f64, faithfulness);
    if let Some([low, high]) = circuit.interval {
        figure.add(line(
            (at.0, panel.py(low)),
            (at.0, panel.py(high)),
            &format!("whisker {letter}"),
        ));
    }
    let words = format!(
        "{}: {}, faithfulness {}",
        circuit.method,
        counted(circuit.edges_kept, "edge", "edges"),
        number(faithfulness)
    );
    figure.add(disc(at, 4.5, &format!("mark open {letter}")).add(tip(&words)));
}
