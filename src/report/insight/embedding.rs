//! Token embeddings along their first two principal components, module by module.

use crate::report::figures::axes::{Axis, Panel};
use crate::report::figures::canvas::{Figure, disc, path, text, through, tip};
use crate::report::format::percent;
use crate::result::{Embedding, Modules};

const CELL: f64 = 260.0;
const COLUMNS: usize = 4;

/// Most panels.
const MOST: usize = 8;

/// One panel per module; `None` where inputs are no tokens.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a handful of panels")]
pub fn draw(modules: &Modules) -> Option<Figure> {
    let all = &modules.insight.as_ref()?.embeddings;
    let shown: Vec<&Embedding> = all.iter().take(MOST).collect();
    if shown.is_empty() {
        return None;
    }
    let rows = shown.len().div_ceil(COLUMNS);
    let columns = shown.len().min(COLUMNS);
    let label = "Tokens along the first two principal components of their embedding, in the dimensions of each module";
    let (width, height) = (columns as f64 * CELL, rows as f64 * CELL);
    let mut figure = Figure::new("embedding", label, width, height);
    for (k, embedding) in shown.iter().enumerate() {
        let (column, row) = ((k % COLUMNS) as f64, (k / COLUMNS) as f64);
        panel(&mut figure, embedding, column * CELL, row * CELL);
    }
    Some(figure)
}

fn panel(figure: &mut Figure, embedding: &Embedding, left: f64, top: f64) {
    let reach = embedding
        .points
        .iter()
        .flatten()
        .fold(0.0_f64, |most, x| most.max(x.abs()));
    let axis = || Axis::linear([-reach, reach], "");
    let panel = Panel {
        left: left + 10.0,
        top: top + 34.0,
        width: CELL - 40.0,
        height: CELL - 64.0,
        x: axis(),
        y: axis(),
    };
    let module = match embedding.module {
        Some(module) => format!("module {module}"),
        None => "all dimensions".to_owned(),
    };
    let two: f64 = embedding.variance.iter().take(2).sum();
    let title = format!("{module}: {} of variance", percent(two));
    figure.add(text(panel.left, panel.top - 14.0, "strong", &title));
    let at = |token: usize| {
        let [x, y] = embedding.points.get(token).copied().unwrap_or_default();
        panel.point(x, y)
    };
    let circle: Vec<(f64, f64)> = order(embedding).into_iter().map(at).collect();
    if !circle.is_empty() {
        figure.add(path(through(&circle), "curve a thin"));
    }
    for token in 0..embedding.points.len() {
        figure.add(disc(at(token), 3.0, "mark a").add(tip(&format!("token {token}"))));
    }
}

/// The tokens in the order in which the strongest frequency goes round, closed;
/// empty where there are no frequencies or it never meets them all.
fn order(embedding: &Embedding) -> Vec<usize> {
    let tokens = embedding.points.len();
    let shares = embedding.frequencies.iter().enumerate();
    let Some((k, _)) = shares.max_by(|a, b| a.1.total_cmp(b.1)) else {
        return Vec::new();
    };
    let frequency = k + 1;
    let step = (1..tokens).find(|step| step * frequency % tokens == 1);
    step.map_or_else(Vec::new, |step| {
        (0..=tokens).map(|n| n * step % tokens).collect()
    })
}
