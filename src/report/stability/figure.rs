//! The specification curve, and the edges by their support.

use super::words::cut;
use crate::order;
use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, bar, path, text, through, tip};
use crate::report::format::{count, percent, short};
use crate::report::sites::{clean, shortened};
use crate::result::{Analysed, Multiverse, OfSize, Specified};

/// Width of every figure, but on phones.
pub(super) const WIDTH: f64 = 760.0;
const LEFT: f64 = 190.0;
const ROW: f64 = 15.0;

/// Columns of the curve: more analyses share one.
const COLUMNS: usize = 180;

/// What every analysis shares with the most frequent circuit of its size, in ascending
/// order, and below which choices it made. `None` without analyses.
#[must_use]
pub fn specification_curve(name: &str, answer: &Analysed) -> Option<Figure> {
    let mut all: Vec<&Specified> = answer.curve.iter().collect();
    order::ascending(&mut all, |one| one.overlap);
    let columns = columns(&all);
    let rows = rows(&all);
    let panel = Panel {
        left: LEFT,
        top: 16.0,
        width: WIDTH - LEFT - 20.0,
        height: 180.0,
        x: Axis::new(Scale::Linear, 0.0, all.len() as f64, ""),
        y: Axis::new(Scale::Linear, 0.0, 1.0, "shared with the most frequent"),
    };
    if all.is_empty() {
        return None;
    }
    let label = format!(
        "{} analyses by what they share with the most frequent circuit of their size, and the \
         choices of each",
        count(all.len())
    );
    let height = panel.bottom() + 26.0 + ROW * rows.len() as f64 + 24.0;
    let mut figure = Figure::new(name, label, WIDTH, height);
    panel.frame_y(&mut figure);
    let mean = |of: &[&Specified]| of.iter().map(|s| s.overlap).sum::<f64>() / of.len() as f64;
    let middle = |first: usize, of: &[&Specified]| first as f64 + of.len() as f64 / 2.0;
    let points = columns
        .iter()
        .map(|(first, of)| panel.point(middle(*first, of), mean(of)));
    figure.add(path(through(&points.collect::<Vec<_>>()), "curve"));
    for (line, (title, is_of)) in rows.iter().enumerate() {
        let top = panel.bottom() + 22.0 + ROW * line as f64;
        figure.add(text(8.0, top + ROW - 4.0, "quiet", &shortened(title, 30)));
        for (first, of) in &columns {
            let share = of.iter().filter(|s| is_of(s)).count() as f64 / of.len() as f64;
            let (left, right) = (panel.px(*first as f64), panel.px((first + of.len()) as f64));
            if share > 0.0 {
                let cell = bar(left, top + 2.0, right - left, ROW - 4.0, "kept");
                figure.add(cell.set("fill-opacity", share));
            }
        }
    }
    Some(figure)
}

/// Analyses in order, as many together as it takes, each with the number before it.
fn columns<'a, 's>(all: &'s [&'a Specified]) -> Vec<(usize, &'s [&'a Specified])> {
    let together = all.len().div_ceil(COLUMNS).max(1);
    let chunks = all.chunks(together).enumerate();
    chunks.map(|(k, of)| (k * together, of)).collect()
}

type Choice<'a> = (String, Box<dyn Fn(&Specified) -> bool + 'a>);

/// Every choice along every axis but the samples, with what tells whether it was made.
fn rows(all: &[&Specified]) -> Vec<Choice<'static>> {
    let mut rows: Vec<Choice<'static>> = Vec::new();
    let mut add = |title: String, is_of: Box<dyn Fn(&Specified) -> bool>| {
        if !rows.iter().any(|(there, _)| *there == title) {
            rows.push((title, is_of));
        }
    };
    for one in all {
        let method = one.method;
        add(method.to_string(), Box::new(move |s| s.method == method));
    }
    for one in all {
        let fill = one.fill;
        add(format!("{fill} fill"), Box::new(move |s| s.fill == fill));
    }
    for one in all {
        let metric = one.metric;
        add(metric.to_string(), Box::new(move |s| s.metric == metric));
    }
    for one in all
        .iter()
        .filter(|one| one.selection != all[0].selection)
        .take(1)
    {
        for selection in [all[0].selection, one.selection] {
            add(
                format!("{selection} effects"),
                Box::new(move |s| s.selection == selection),
            );
        }
    }
    for one in all.iter().filter(|one| one.order != all[0].order).take(1) {
        for order in [all[0].order, one.order] {
            add(
                format!("{order} edges"),
                Box::new(move |s| s.order == order),
            );
        }
    }
    let mut sizes: Vec<usize> = all
        .iter()
        .filter(|s| s.faithfulness.is_none())
        .map(|s| s.size)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        let is_of = move |s: &Specified| s.faithfulness.is_none() && s.size == size;
        add(format!("{} edges", count(size)), Box::new(is_of));
    }
    let mut levels: Vec<f64> = all.iter().filter_map(|s| s.faithfulness).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    for level in levels {
        let is_of = move |s: &Specified| s.faithfulness == Some(level);
        add(format!("faithfulness {}", short(level)), Box::new(is_of));
    }
    rows
}

/// Characters of a quiet text that fit into so many pixels.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few characters"
)]
fn characters(room: f64) -> usize {
    (room / 6.2) as usize
}

/// What a figure of an answer is called.
pub(super) fn figure_name(kind: &str, answer: &Analysed) -> String {
    match answer.granularity {
        Some(granularity) => format!("{kind}-{}-{granularity}", answer.output),
        None => format!("{kind}-{}", answer.output),
    }
}

/// What the figure of an answer's edges by their support is called.
pub(super) fn support_name(answer: &Analysed) -> String {
    figure_name("support", answer)
}

/// The analyses of the middle size.
pub(super) fn middle(answer: &Analysed) -> Option<&OfSize> {
    answer.sizes.get(answer.sizes.len() / 2)
}

/// The share of analyses of the middle size that have each edge, of at most so many, the most
/// frequent first; `None` without edges.
#[must_use]
pub fn support(result: &Multiverse, answer: &Analysed, most: usize, wide: f64) -> Option<Figure> {
    let of = middle(answer)?;
    let named = |site: &String| clean(result.names.get(site).unwrap_or(site));
    let edges = &of.edges[..of.edges.len().min(most)];
    if edges.is_empty() {
        return None;
    }
    let label = format!(
        "Edges by the share of the {} analyses of {} that have them",
        count(of.analyses),
        cut(of)
    );
    let left = LEFT.min(0.42 * wide);
    let panel = Panel {
        left,
        top: 12.0,
        width: wide - left - 26.0,
        height: ROW * edges.len() as f64,
        x: Axis::new(Scale::Linear, 0.0, 1.0, "share of the analyses"),
        y: Axis::new(Scale::Linear, 0.0, edges.len() as f64, ""),
    };
    let mut figure = Figure::new(support_name(answer), label, wide, panel.bottom() + 46.0);
    panel.frame_x(&mut figure);
    for (line, edge) in edges.iter().enumerate() {
        let top = panel.top + ROW * line as f64;
        // A node's edges are all that lead out of it.
        let title = match edge.to.as_str() {
            "*" => named(&edge.from),
            to => format!("{} → {}", named(&edge.from), named(&to.to_owned())),
        };
        let shown = shortened(&title, characters(left - 14.0));
        figure.add(text(8.0, top + ROW - 4.0, "quiet", &shown));
        let class = match edge.modal {
            true => "kept",
            false => "gone",
        };
        let width = panel.px(edge.share) - panel.left;
        let words = format!("{title}: {}", percent(edge.share));
        figure.add(bar(panel.left, top + 2.0, width, ROW - 4.0, class).add(tip(&words)));
    }
    Some(figure)
}
