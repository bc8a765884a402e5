//! How much weight runs from each module to each other, as a matrix.

use std::collections::BTreeMap;

use crate::report::figures::canvas::{Figure, text, turned};
use crate::report::figures::matrix::{Frame, Matrix};
use crate::report::sites::{Place, Sites};
use crate::result::Audit;

/// Most modules that are drawn.
const MOST: usize = 24;

/// Up to so many modules every square shows its number.
const WITH_NUMBERS: usize = 8;

const WIDTH: f64 = 520.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 30.0;

/// Σ |w| of the surviving weights from module to module; `None` for fewer than two modules
/// or where their sites are not drawn: components, or a large network.
#[must_use]
pub fn draw(audit: &Audit) -> Option<Figure> {
    let modules = audit.modules.as_ref()?;
    let count = modules.count.min(MOST);
    let values = sums(audit, count);
    if count < 2 || values.iter().all(|sum| *sum == 0.0) {
        return None;
    }
    let matrix = Matrix {
        rows: (0..count).map(|m| m.to_string()).collect(),
        columns: (0..count).map(|m| m.to_string()).collect(),
        values,
        joins: "→",
    };
    #[allow(clippy::cast_precision_loss, reason = "at most 24")]
    let side = count as f64;
    let frame = Frame {
        left: LEFT,
        top: TOP,
        cell: (380.0 / side).min(52.0),
        numbers: count <= WITH_NUMBERS,
    };
    let label = "The summed |w| of the surviving weights from each module to each other";
    let size = side * frame.cell;
    let height = TOP + matrix.height(frame) + 30.0;
    let mut figure = Figure::new("module-matrix", label, WIDTH, height);
    for element in matrix.draw(frame) {
        figure.add(element);
    }
    figure.add(text(
        LEFT + size / 2.0,
        height - 12.0,
        "axis mid",
        "to module",
    ));
    figure.add(turned(
        22.0,
        TOP + size / 2.0,
        -90.0,
        "axis mid",
        "from module",
    ));
    figure.add(text(LEFT, 18.0, "quiet", "Σ |w| of the surviving weights"));
    Some(figure)
}

fn sums(audit: &Audit, count: usize) -> Vec<f64> {
    let sites = Sites::new(&audit.network);
    let mut sums = vec![0.0; count * count];
    let Some(modules) = &audit.modules else {
        return sums;
    };
    let placed = modules.partition.iter();
    let module: BTreeMap<Place, usize> = placed
        .filter_map(|a| Some((sites.place(&a.site)?, a.module)))
        .filter(|(_, module)| *module < count)
        .collect();
    for wire in sites.surviving(modules.threshold) {
        if let (Some(from), Some(to)) = (module.get(&wire.from), module.get(&wire.to))
            && let Some(sum) = sums.get_mut(from * count + to)
        {
            *sum += wire.weight.abs();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn all_surviving_weight_between_modules_is_counted_once() {
        let audit = sample::audit();
        let modules = audit.modules.as_ref().expect("it has modules");
        let sites = Sites::new(&audit.network);
        let wires = sites.surviving(modules.threshold);
        let all: f64 = wires.iter().map(|w| w.weight.abs()).sum();
        let counted: f64 = sums(&audit, modules.count).iter().sum();
        assert!((all - counted).abs() < 1e-12, "{all} {counted}");
        assert!(draw(&audit).is_some());
    }
}
