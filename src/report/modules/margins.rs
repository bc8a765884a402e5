//! Margins by class with every subset of the modules, drawn.

use crate::choice::Scope;
use crate::report::figures::canvas::{Figure, text};
use crate::report::figures::matrix::{Frame, Matrix};
use crate::report::sites::Sites;
use crate::result::{Coalitions, Margins, Modules};

/// The margins of the modules that pictures show, under the first fill.
pub(super) fn first(modules: &Modules) -> Option<(&Coalitions, &Margins)> {
    let of_all = modules.coalitions.iter().filter(|c| c.scope == Scope::All);
    of_all.filter_map(|c| Some((c, c.margins.as_ref()?))).next()
}

/// Mean margins, a row for each subset and a column for each class.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "subsets and classes are few")]
pub fn draw(modules: &Modules, sites: &Sites<'_>) -> Option<Figure> {
    let (_, margins) = first(modules)?;
    let matrix = Matrix {
        rows: margins
            .by_class
            .iter()
            .map(|row| named(&row.modules))
            .collect(),
        columns: margins
            .classes
            .iter()
            .map(|class| class_name(*class, sites))
            .collect(),
        values: margins
            .by_class
            .iter()
            .flat_map(|row| row.margins.iter().copied())
            .collect(),
        joins: "on",
    };
    if matrix.rows.is_empty() || matrix.values.len() != matrix.rows.len() * matrix.columns.len() {
        return None;
    }
    let frame = Frame {
        left: 110.0,
        top: 34.0,
        cell: 40.0,
        numbers: true,
    };
    let width = frame.left + frame.cell * matrix.columns.len() as f64 + 30.0;
    let label = "Mean margin of the right class with every subset of the modules";
    let mut figure = Figure::new(
        "margins",
        label,
        width.max(320.0),
        frame.top + matrix.height(frame) + 16.0,
    );
    figure.add(text(
        6.0,
        20.0,
        "axis",
        "modules that stay, and the mean margin by class",
    ));
    matrix
        .draw(frame)
        .into_iter()
        .for_each(|element| figure.add(element));
    Some(figure)
}

/// The output of a class; of a single output the class itself.
fn class_name(class: usize, sites: &Sites<'_>) -> String {
    match sites
        .layers()
        .last()
        .filter(|outputs| outputs.sites.len() > 1)
    {
        Some(outputs) => outputs
            .sites
            .get(class)
            .map_or_else(|| class.to_string(), |s| sites.name(&s.site)),
        None => class.to_string(),
    }
}

pub(super) fn named(modules: &[usize]) -> String {
    let names: Vec<String> = modules.iter().map(ToString::to_string).collect();
    match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(" + "),
    }
}

pub(super) const CAPTION: &str = "Margin: the logit of the right class less the largest other, on average over \
     the samples of a class; blue is right, red wrong. The messages of the modules that do not stay are filled.";
