//! What ablating each site does, as a table tinted by sign and size.

use crate::choice::MetricKind;
use crate::order;
use crate::report::english::{counted, plural};
use crate::report::format::{count, number};
use crate::report::page::blocks::{Block, Cell, Column, Section, Table, numbers, words};
use crate::report::sites::{Sites, plain};
use crate::result::{Audit, NodeAblation, NodeEffect, OutputEffect};

/// From more outputs on, a site shows its strongest effects only.
const MOST_OUTPUTS: usize = 12;

/// Effects below this share of the largest are rounding.
const NOTHING: f64 = 1e-6;

/// Steps of the tint, for each sign.
const TINTS: f64 = 5.0;

pub(in crate::report) fn section(audit: &Audit, sites: &Sites<'_>) -> Section {
    let mut blocks = Vec::new();
    let mut tables = audit.nodes.iter().filter(|a| !a.effects.is_empty());
    if let Some(first) = tables.next() {
        blocks.push(Block::Text(OPENING.to_owned()));
        blocks.push(table(first, sites));
    }
    blocks.extend(tables.map(|ablation| {
        Block::Folded(
            format!("The same with {} fill", ablation.fill.name()),
            vec![table(ablation, sites)],
        )
    }));
    Section {
        id: "nodes",
        title: "Node ablation",
        blocks,
    }
}

const OPENING: &str = "Each site is ablated alone: everything it writes is replaced by the fill. \
    Effect = metric(as is) − metric(site ablated). Where more of the metric is better, a positive \
    effect (blue) means that the site helps; where less is better, as with errors, a negative one \
    (red) does. Tints compare the sites within a column. Sites are ranked by the mean over samples of |effect|: \
    effects of either sign cancel in a mean, and a site may change many decisions with a mean \
    effect near 0.";

fn table(ablation: &NodeAblation, sites: &Sites<'_>) -> Block {
    let largest = ablation
        .effects
        .iter()
        .map(|e| strongest(e).1)
        .fold(0.0, f64::max);
    let matters = |e: &&NodeEffect| importance(e).max(strongest(e).1) > largest * NOTHING;
    let mut effects: Vec<&NodeEffect> = ablation.effects.iter().filter(matters).collect();
    order::descending(&mut effects, |one| importance(one));
    let outputs: Vec<&String> = effects
        .first()
        .map_or_else(Vec::new, |e| e.outputs.iter().map(|o| &o.output).collect());
    let is_wide = outputs.len() > MOST_OUTPUTS;
    let scales = scales(&effects, outputs.len());
    let rows = effects.iter().map(|e| {
        let mut row = if is_wide {
            brief(e, sites)
        } else {
            row(e, &scales, sites)
        };
        row.splice(1..1, matter(e));
        row
    });
    let rows = rows.collect();
    let mut columns = if is_wide {
        brief_columns()
    } else {
        columns(&outputs, sites)
    };
    let importance = [
        numbers("Mean |effect|, per sample"),
        numbers("Decisions changed"),
    ];
    columns.splice(1..1, importance);
    Block::Table(Table::new(
        caption(ablation, effects.len()),
        "ablation",
        columns,
        rows,
    ))
}

fn caption(ablation: &NodeAblation, with_effect: usize) -> String {
    let reference = ablation.fill_reference.as_ref();
    let reference = reference.map_or_else(String::new, |set| format!(" over {}", plain(set)));
    let without = match ablation.effects.len() - with_effect {
        0 => String::new(),
        n => format!(
            "; {} with less than a millionth of the largest effect {} left out",
            counted(n, "site", "sites"),
            plural(n, "is", "are")
        ),
    };
    format!(
        "Effect of ablating each site on {} ({} fill{reference}), the most important first{without}",
        ablation.metric.map_or("no output", MetricKind::name),
        ablation.fill.name()
    )
}

/// The largest effect in each column.
fn scales(effects: &[&NodeEffect], outputs: usize) -> Vec<f64> {
    let size =
        |effect: &&NodeEffect, k: usize| effect.outputs.get(k).map_or(0.0, |o| o.effect.abs());
    let largest = |k| {
        effects
            .iter()
            .map(|e| size(e, k))
            .filter(|s| s.is_finite())
            .fold(0.0, f64::max)
    };
    (0..outputs).map(largest).collect()
}

/// Mean over outputs of the mean |effect| over samples: what sites are ranked by. Results
/// that do not have it are ranked by their strongest mean effect.
fn importance(effect: &NodeEffect) -> f64 {
    let sizes: Option<Vec<f64>> = effect.outputs.iter().map(|o| o.mean_abs).collect();
    match sizes {
        Some(sizes) if sizes.iter().all(|s| s.is_finite()) => {
            sizes.iter().sum::<f64>() / sizes.len().max(1) as f64
        }
        _ => strongest(effect).1,
    }
}

/// How much a site matters, whatever the signs of its effects.
fn matter(effect: &NodeEffect) -> [Cell; 2] {
    let changed = effect.decisions_changed;
    [
        Cell::number(importance(effect)),
        changed.map_or_else(|| Cell::optional(None), Cell::count),
    ]
}

/// The output that a site moves most, and by how much; what is not finite comes last.
fn strongest(effect: &NodeEffect) -> (usize, f64) {
    let sizes = effect.outputs.iter().map(|o| {
        if o.effect.is_finite() {
            o.effect.abs()
        } else {
            0.0
        }
    });
    sizes.enumerate().fold(
        (0, 0.0),
        |best, (k, size)| if size > best.1 { (k, size) } else { best },
    )
}

fn columns(outputs: &[&String], sites: &Sites<'_>) -> Vec<Column> {
    let outputs = outputs.iter().map(|output| numbers(&sites.name(output)));
    std::iter::once(words("Site")).chain(outputs).collect()
}

fn row(effect: &NodeEffect, scales: &[f64], sites: &Sites<'_>) -> Vec<Cell> {
    let tinted = |(k, o): (usize, &OutputEffect)| {
        let scale = scales.get(k).copied().unwrap_or(0.0);
        Cell::number(o.effect).with_class(tint(o.effect, scale))
    };
    let cells = effect.outputs.iter().enumerate().map(tinted);
    std::iter::once(Cell::word(sites.name(&effect.site)))
        .chain(cells)
        .collect()
}

fn brief_columns() -> Vec<Column> {
    vec![
        words("Site"),
        words("Strongest on"),
        numbers("Effect there"),
        numbers("Mean over outputs of |effect|"),
        numbers("Outputs"),
    ]
}

#[allow(clippy::cast_precision_loss, reason = "numbers of outputs are small")]
fn brief(effect: &NodeEffect, sites: &Sites<'_>) -> Vec<Cell> {
    let (k, size) = strongest(effect);
    let output = effect.outputs.get(k);
    let mean = effect.outputs.iter().map(|o| o.effect.abs()).sum::<f64>()
        / effect.outputs.len().max(1) as f64;
    vec![
        Cell::word(sites.name(&effect.site)),
        Cell::word(output.map_or_else(String::new, |o| sites.name(&o.output))),
        Cell::shown(output.map_or_else(String::new, |o| number(o.effect)), size),
        Cell::number(mean),
        Cell::shown(count(effect.outputs.len()), effect.outputs.len() as f64),
    ]
}

/// A class for an effect: `t0` none, `tp5` strongly positive, `tn5` strongly negative.
fn tint(effect: f64, scale: f64) -> String {
    let share = effect.abs() / scale;
    if !share.is_finite() || share < 0.02 {
        return "t0".to_owned();
    }
    let step = (share.sqrt() * TINTS).ceil().clamp(1.0, TINTS);
    format!("{}{step}", if effect < 0.0 { "tn" } else { "tp" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tints_follow_sign_and_size() {
        assert_eq!(tint(1.0, 1.0), "tp5");
        assert_eq!(tint(-0.16, 1.0), "tn2");
        assert_eq!(tint(0.0, 0.0), "t0");
        assert_eq!(tint(f64::NAN, 1.0), "t0");
    }
}
