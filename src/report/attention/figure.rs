//! What heads attend to: a matrix for every head, a figure for every sample.

use crate::report::figures::canvas::{Figure, text};
use crate::report::figures::matrix::{Frame, Matrix};
use crate::report::sites::clean;
use crate::result::{Attention, Audit, Prompt};

const WIDTH: f64 = 1040.0;
const COLUMNS: usize = 4;
const CELL: f64 = WIDTH / 4.0;

/// Most heads that a figure shows.
const MOST: usize = 24;

/// Room for the names of tokens to the left of a matrix.
const NAMES: f64 = 84.0;

/// One figure per sample with patterns.
#[must_use]
pub fn draw(audit: &Audit) -> Vec<Figure> {
    draw_patterns(&audit.attention, &audit.prompts)
}

/// One figure per sample, with the tokens of its prompt where there is one.
#[must_use]
pub fn draw_patterns(patterns: &[Attention], prompts: &[Prompt]) -> Vec<Figure> {
    let mut samples: Vec<usize> = patterns.iter().map(|a| a.sample).collect();
    samples.sort_unstable();
    samples.dedup();
    samples
        .into_iter()
        .filter_map(|sample| one(patterns, prompts, sample))
        .collect()
}

fn one(patterns: &[Attention], prompts: &[Prompt], sample: usize) -> Option<Figure> {
    let mine = patterns.iter().filter(|a| a.sample == sample);
    let heads: Vec<(&Attention, Matrix)> = mine
        .filter_map(|a| Some((a, matrix(prompts, a)?)))
        .take(MOST)
        .collect();
    let rows = heads.len().div_ceil(COLUMNS);
    let (_, first) = heads.first()?;
    let most = heads
        .iter()
        .map(|(_, m)| m.columns.len().max(m.rows.len()))
        .max()?;
    let cell = ((CELL - NAMES - 16.0) / count(most.max(1))).min(22.0);
    let frame = |k: usize, height: f64| Frame {
        left: count(k % COLUMNS) * CELL + NAMES,
        top: count(k / COLUMNS) * height + 26.0,
        cell,
        numbers: false,
    };
    let height = first.height(frame(0, 0.0)) + 44.0;
    let label = format!("What each head attends to in sample {sample}: rows ask, columns are read");
    let name = format!("attention-{}", sample.saturating_add(1));
    let mut figure = Figure::new(name, label, WIDTH, count(rows) * height);
    for (k, (attention, matrix)) in heads.iter().enumerate() {
        let frame = frame(k, height);
        let title = format!("a{}.h{}", attention.layer, attention.head);
        figure.add(text(frame.left, frame.top - 8.0, "strong", &title));
        for element in matrix.draw(frame) {
            figure.add(element);
        }
    }
    Some(figure)
}

/// The pattern of a head, unless its sizes do not fit together.
fn matrix(prompts: &[Prompt], attention: &Attention) -> Option<Matrix> {
    let queries = attention.queries.len();
    let positions = attention.pattern.len().checked_div(queries)?;
    if positions == 0 || positions * queries != attention.pattern.len() {
        return None;
    }
    let tokens = prompts.get(attention.sample).map(|p| p.clean.as_slice());
    let name = |position: usize| match tokens.and_then(|t| t.get(position)) {
        Some(token) => visible(token),
        None => position.to_string(),
    };
    Some(Matrix {
        rows: attention.queries.iter().map(|q| name(*q)).collect(),
        columns: (0..positions).map(name).collect(),
        values: attention.pattern.clone(),
        joins: "attends to",
    })
}

/// A token with its spaces to be seen.
fn visible(token: &str) -> String {
    clean(&token.replace('\n', "↵").replace(' ', "·"))
}

#[allow(clippy::cast_precision_loss, reason = "numbers of positions are small")]
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::{self, well_formed};

    #[test]
    fn tokens_name_rows_and_columns() {
        let mut audit = sample::transformer();
        audit.prompts = vec![Prompt {
            clean: ["<a>", " b", "\n"].map(str::to_owned).to_vec(),
            ..Prompt::default()
        }];
        let pattern = |values: Vec<f64>| Attention {
            queries: vec![1, 2],
            pattern: values,
            ..Attention::default()
        };
        audit.attention = vec![
            pattern(vec![0.5, 0.5, 0.0, 0.2, 0.2, 0.6]),
            pattern(vec![1.0; 5]),
        ];
        let figures = draw(&audit);
        assert_eq!(figures.len(), 1);
        let drawn = figures[0].file(&Print::default());
        assert_eq!(well_formed(&drawn), Ok(()));
        assert!(drawn.contains("↵ attends to &lt;a&gt;: 0.2"), "{drawn}");
        // A pattern whose sizes do not fit is not drawn.
        assert_eq!(drawn.matches("class=\"heat more\"").count(), 6);
    }
}
