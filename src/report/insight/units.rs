//! What hidden neurons write against what comes in, module by module.

use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, dots, path, text, through};
use crate::report::figures::palette::module_class;
use crate::report::sites::{Sites, shortened};
use crate::result::{Modules, Unit};

const COLUMNS: usize = 4;
const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 190.0;

/// Longest title, in characters.
const LONGEST: usize = 24;

/// A row of panels for each module; `None` where no neuron is told.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a handful of panels")]
pub fn draw(modules: &Modules, sites: &Sites<'_>) -> Option<Figure> {
    let all = &modules.insight.as_ref()?.units;
    let shown: Vec<&Unit> = all.iter().filter(|unit| is_whole(unit)).collect();
    let of_module = shown.chunk_by(|one, other| one.module == other.module);
    let rows: Vec<&[&Unit]> = of_module.flat_map(|units| units.chunks(COLUMNS)).collect();
    if rows.is_empty() {
        return None;
    }
    let widest = rows.iter().map(|row| row.len()).max()?;
    let label = "What hidden neurons write against the sum that comes in";
    let (width, height) = (widest as f64 * WIDTH, rows.len() as f64 * HEIGHT);
    let mut figure = Figure::new("units", label, width, height);
    for (row, units) in rows.into_iter().enumerate() {
        for (column, unit) in units.iter().enumerate() {
            let corner = (column as f64 * WIDTH, row as f64 * HEIGHT);
            panel(&mut figure, unit, sites, corner);
        }
    }
    Some(figure)
}

fn is_whole(unit: &Unit) -> bool {
    unit.sums.len() > 1 && unit.sums.len() == unit.values.len()
}

fn panel(figure: &mut Figure, unit: &Unit, sites: &Sites<'_>, (left, top): (f64, f64)) {
    let panel = Panel {
        left: left + 52.0,
        top: top + 26.0,
        width: WIDTH - 66.0,
        height: HEIGHT - 62.0,
        x: Axis::linear(unit.sums.iter().copied(), ""),
        y: Axis::linear(unit.values.iter().copied(), ""),
    };
    let title = format!("{} of module {}", sites.name(&unit.site), unit.module);
    figure.add(text(
        panel.left,
        top + 16.0,
        "strong",
        &shortened(&title, LONGEST),
    ));
    panel.frame(figure);
    let points = unit.sums.iter().zip(&unit.values);
    let points: Vec<(f64, f64)> = points
        .map(|(sum, value)| panel.point(*sum, *value))
        .collect();
    figure.add(path(through(&points), "curve thin"));
    let class = format!("dots {}", module_class(unit.module));
    figure.add(dots(&points, 2.0, &class));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::{thorough, well_formed};
    use crate::result::Insight;

    #[test]
    fn a_row_for_each_module() {
        let mut audit = thorough();
        let unit = |site: &str, module| Unit {
            site: site.to_owned(),
            module,
            sums: vec![-1.0, 0.0, 2.0],
            values: vec![0.0, 0.0, 2.0],
        };
        let modules = audit.modules.as_mut().expect("modules");
        modules.insight = Some(Insight {
            units: vec![unit("h1.0", 0), unit("h1.1", 0), unit("h1.2", 1)],
            ..Insight::default()
        });
        let figure = draw(modules, &Sites::new(&audit.network)).expect("three neurons");
        let file = figure.file(&Print::default());
        assert_eq!(well_formed(&file), Ok(()));
        let panels = ["dots m0", "dots m1", "of module 0"].map(|of| file.matches(of).count());
        assert_eq!((panels, file.matches("h0").count()), ([2, 1, 2], 9));
    }
}
