//! A network taking shape, as one page that plays offline.
//!
//! Every frame holds the connections that can be seen, |w| at least 2 % of the
//! largest weight of their layer, as BIMT's figures draw them: width by |w| over
//! the layer's largest, blue for positive and red for negative.

use serde_json::json;

use super::cost::places;
use super::parameters::Parameters;
use super::recipe::{Recipe, Space};
use super::task::Problem;
use super::trainer::Measure;
use crate::escape;
use crate::numeric::Scalar;
use crate::result::Film;

/// The network at one step.
pub use crate::result::FilmFrame as Frame;

/// Connections below this share of their layer's largest weight are not drawn.
const VISIBLE: f64 = 0.02;

/// Most connections of a frame; the strongest are kept.
const MOST: usize = 3000;

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
        lines: lines.into_flattened(),
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
    let film = Film {
        title: format!(
            "{} · {} · seed {seed}",
            escape::visible(&problem.name),
            recipe.regime
        ),
        places: points(problem, recipe),
        rows: rows(recipe),
        inputs: seen(&problem.inputs),
        outputs: seen(&problem.outputs),
        tokens: problem.tokens.is_some(),
        frames: frames.to_vec(),
    };
    // A name could hold `</script>`; a `<` inside JSON strings may be written so.
    let data = json!(film).to_string().replace('<', "\\u003c");
    let script = format!("\"use strict\";\n{}{}{START}", helpers(), player());
    include_str!("film.html")
        .replace("{{policy}}", &escape::policy(&script))
        .replace("{{style}}", include_str!("../../templates/film.css"))
        .replace("{{script}}", &script)
        .replace("{{title}}", &escape::markup(&film.title))
        .replace("{{data}}", &data)
}

/// What the page does once it is there.
const START: &str = "playFilm(document.querySelector(\"main\"), \
    JSON.parse(document.getElementById(\"film-data\").textContent));\n";

fn helpers() -> &'static str {
    include_str!("../../templates/view/dom.js")
}

fn player() -> &'static str {
    include_str!("../../templates/view/film.js")
}

/// Names with nothing in them that steers.
fn seen(names: &[String]) -> Vec<String> {
    let visible = |name: &String| escape::visible(name).into_owned();
    names.iter().map(visible).collect()
}

/// The film in a page that this tool has written; `None` in any other text.
#[must_use]
pub fn read(page: &str) -> Option<Film> {
    let (_, data) = page.split_once(DATA)?;
    let (data, _) = data.split_once("</script>")?;
    serde_json::from_str(data).ok().filter(fits)
}

/// What stands before the data of a page.
const DATA: &str = "<script type=\"application/json\" id=\"film-data\">";

/// Whether every site that a frame names has a place, and inputs and outputs names.
fn fits(film: &Film) -> bool {
    let has = |layer: i64, site: i64| {
        let sites = usize::try_from(layer).ok().and_then(|l| film.places.get(l));
        usize::try_from(site).is_ok_and(|site| sites.is_some_and(|s| site < s.len()))
    };
    let line = |line: &[i64]| match line {
        [layer, reader, writer, _] => {
            layer.checked_add(1).is_some_and(|next| has(next, *reader)) && has(*layer, *writer)
        }
        _ => false,
    };
    let names = |order: &[usize], names: &[String]| order.iter().all(|i| *i < names.len());
    let frame = |frame: &Frame| {
        let inputs = film.tokens || names(&frame.in_perm, &film.inputs);
        inputs && names(&frame.out_perm, &film.outputs) && frame.lines.chunks(4).all(line)
    };
    !film.frames.is_empty() && film.frames.iter().all(frame)
}

/// The names of a transformer's rows, from below.
fn rows(recipe: &Recipe) -> Vec<String> {
    let Some(attention) = recipe.attention else {
        return Vec::new();
    };
    let block = |b: usize| {
        let halves = [format!("heads of block {b}"), format!("MLP of block {b}")];
        halves.map(|half| [half, "stream".to_owned()]).concat()
    };
    let middle = (0..attention.blocks).flat_map(block);
    let ends = |name: &str| name.to_owned();
    std::iter::once(ends("inputs"))
        .chain([ends("stream")])
        .chain(middle)
        .chain([ends("outputs")])
        .collect()
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
        let strengths: Vec<i64> = frame.lines.chunks(4).map(|line| line[3].abs()).collect();
        assert!(strengths.len() > 300 && strengths.is_sorted_by(|a, b| a >= b));
        let page = page(&problem, &recipe, 0, std::slice::from_ref(&frame));
        assert_eq!(page.matches("</script>").count(), 2);
        let text = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("http://") && !text.contains("https://"));

        let script = page.rsplit_once("<script>").unwrap().1;
        let script = script.split_once("</script>").unwrap().0;
        assert!(
            page.contains(&escape::policy(script)),
            "the policy is of the script"
        );

        let film = read(&page).unwrap();
        assert_eq!(film.frames, [frame]);
        // The network has four layers, and none comes after the last.
        let beyond = page.replacen("\"lines\":[", "\"lines\":[3,0,0,50,", 1);
        assert_eq!(beyond.len(), page.len() + 9);
        assert!(read(&beyond).is_none() && read("<html>").is_none());
    }

    #[test]
    fn every_row_of_a_transformer_has_a_name() {
        let task = Task::InContext;
        let (problem, recipe) = (task.problem(0), task.recipe(Regime::Bimt));
        assert_eq!(rows(&recipe).len(), points(&problem, &recipe).len());
    }
}
