//! A network taking shape, as one page that plays offline.
//!
//! Every frame holds the connections that can be seen, |w| at least 2 % of the
//! largest weight of their layer, as BIMT's figures draw them: width by |w| over
//! the layer's largest, blue for positive and red for negative.

use serde_json::{Value, json};

use super::cost::places;
use super::parameters::Parameters;
use super::recipe::{Recipe, Space};
use super::task::Problem;
use super::trainer::Measure;
use crate::numeric::Scalar;

/// Connections below this share of their layer's largest weight are not drawn.
const VISIBLE: f64 = 0.02;

/// Most connections of a frame; the strongest are kept.
const MOST: usize = 3000;

/// The network at one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    step: usize,
    loss: f64,
    edges: usize,
    in_perm: Vec<usize>,
    out_perm: Vec<usize>,
    /// Layer, reader, writer, and the weight over the layer's largest in hundredths.
    lines: Vec<[i64; 4]>,
}

/// The frame of a network as it stands.
#[must_use]
pub fn frame<T: Scalar>(parameters: &Parameters<T>, measure: &Measure) -> Frame {
    let mut lines: Vec<[i64; 4]> = (0..parameters.form.depth())
        .flat_map(|layer| lines_of(parameters, layer))
        .collect();
    lines.sort_by_key(|line| (-line[3].abs(), line[0], line[1], line[2]));
    lines.truncate(MOST);
    Frame {
        step: measure.step,
        loss: measure.test_loss,
        edges: measure.edges,
        in_perm: parameters.in_perm.clone(),
        out_perm: parameters.out_perm.clone(),
        lines,
    }
}

fn lines_of<T: Scalar>(parameters: &Parameters<T>, layer: usize) -> Vec<[i64; 4]> {
    let weights = parameters.weights(layer);
    let largest = weights.fold(0.0_f64, |m, w| m.max(w.widen().abs()));
    let share = |w: &T| w.widen() / largest.max(f64::MIN_POSITIVE);
    let line = |((reader, writer), w): ((usize, usize), &T)| {
        let hundredths = (share(w) * 100.0).round() as i64;
        [layer as i64, reader as i64, writer as i64, hundredths]
    };
    weights
        .indexed_iter()
        .filter(|(_, w)| share(w).abs() >= VISIBLE)
        .map(line)
        .collect()
}

/// The page.
#[must_use]
pub fn page(problem: &Problem, recipe: &Recipe, seed: u64, frames: &[Frame]) -> String {
    let title = format!("{} · {} · seed {seed}", problem.name, recipe.regime);
    let data = json!({
        "title": title,
        "places": points(problem, recipe),
        "inputs": problem.inputs,
        "outputs": problem.outputs,
        "tokens": problem.tokens.is_some(),
        "frames": frames.iter().map(as_json).collect::<Vec<_>>(),
    });
    // A name could hold `</script>`; a `<` inside JSON strings may be written so.
    let data = data.to_string().replace('<', "\\u003c");
    let escaped = title.replace('&', "&amp;").replace('<', "&lt;");
    include_str!("film.html")
        .replace("{{title}}", &escaped)
        .replace("{{data}}", &data)
}

fn as_json(frame: &Frame) -> Value {
    let flat: Vec<i64> = frame.lines.iter().flatten().copied().collect();
    json!({
        "step": frame.step,
        "loss": format!("{:.3e}", frame.loss),
        "edges": frame.edges,
        "in": frame.in_perm,
        "out": frame.out_perm,
        "lines": flat,
    })
}

/// Where every neuron is drawn, per layer `[x, y]` in the unit square, inputs at
/// the bottom; sheets are seen from the side and above.
fn points(problem: &Problem, recipe: &Recipe) -> Vec<Vec<[f64; 2]>> {
    let form = problem.form(recipe);
    let places = places(&form, recipe.space);
    let height = |layer: usize| 1.0 - layer as f64 / form.depth() as f64;
    let fold_shift = |layer: usize, index: usize| match layer {
        0 if form.folds > 1 => (index / form.fold()) as f64 * 0.04,
        _ => 0.0,
    };
    let point = |layer: usize, index: usize, x: f64, y: f64| match recipe.space {
        Space::Line => [x, height(layer) - fold_shift(layer, index)],
        Space::Sheet => [0.8 * x + 0.2 * y, 0.8 * height(layer) + 0.2 * (1.0 - y)],
    };
    places
        .iter()
        .enumerate()
        .map(|(layer, places)| {
            let rounded = |p: [f64; 2]| p.map(|x| (x * 1e4).round() / 1e4);
            let points = places.iter().enumerate();
            points
                .map(|(index, place)| rounded(point(layer, index, place.x, place.y)))
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Regime, Task, Trainer};

    #[test]
    fn a_film_holds_its_frames_and_nothing_foreign() {
        let task = Task::Independence;
        let (mut problem, recipe) = (task.problem(0), task.recipe(Regime::Bimt).in_steps(4));
        problem.name = "</script>".into();
        let trainer = Trainer::<f32>::new(&problem, &recipe, 0);
        let frame = frame(trainer.state().0, &trainer.measure());
        assert!(
            frame.lines.len() > 300 && frame.lines.is_sorted_by(|a, b| a[3].abs() >= b[3].abs())
        );
        let page = page(&problem, &recipe, 0, &[frame]);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("http://") && !page.contains("https://"));
    }
}
