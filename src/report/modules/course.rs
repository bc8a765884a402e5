//! Modules from stage to stage: blocks as high as they have sites, and bands between them as
//! wide as they share sites (an alluvial diagram).

use std::collections::BTreeMap;

use crate::choice::{CoursePath, Turn};
use crate::report::english::{counted, joined};
use crate::report::figures::canvas::{Figure, bar, path, round, text, tip};
use crate::report::figures::palette::module_class;
use crate::report::format::{count, count_words, short};
use crate::result::{Course, Modules, Sentence, Stage, Status, TurningPoint};

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 30.0;
const TOP: f64 = 40.0;

/// Width of a block, and room between blocks of one stage.
const BLOCK: f64 = 16.0;
const GAP: f64 = 5.0;

/// Most turns that are told.
const MOST: usize = 4;

/// One figure for each course.
#[must_use]
pub fn all(modules: &Modules) -> Vec<Figure> {
    modules.courses.iter().filter_map(draw).collect()
}

/// The name of the file, without its ending.
fn name(along: CoursePath) -> &'static str {
    match along {
        CoursePath::Threshold => "modules-along-threshold",
        CoursePath::Steps => "modules-along-training",
    }
}

/// What stands below a figure of this name.
pub(super) fn caption(figure: &str) -> String {
    let along = match figure == name(CoursePath::Steps) {
        true => "over the snapshots of the training",
        false => "along the pruning threshold",
    };
    format!(
        "Modules {along}: blocks are as high as they have sites, bands as wide as they share sites. \
         Modules are found at every stage anew; colours are those of the modules of this network."
    )
}

/// One stage of the picture: where every site's band begins.
struct Column {
    x: f64,
    /// By line, top and height.
    blocks: BTreeMap<usize, (f64, f64)>,
    /// By site, its line.
    of: BTreeMap<String, usize>,
}

#[allow(clippy::cast_precision_loss, reason = "sites and stages are few")]
fn draw(course: &Course) -> Option<Figure> {
    let most = course
        .stages
        .iter()
        .map(|stage| stage.partition.len())
        .max()?;
    let lines = course.stages.iter().map(|stage| stage.lines.len()).max()?;
    if course.stages.len() < 2 || most == 0 {
        return None;
    }
    let label = "Modules from stage to stage, and the sites that they share";
    let mut figure = Figure::new(name(course.along), label, WIDTH, TOP + HEIGHT + 60.0);
    let unit = (HEIGHT - GAP * lines as f64).max(HEIGHT / 2.0) / most as f64;
    let step = (WIDTH - 2.0 * LEFT - BLOCK) / (course.stages.len() - 1) as f64;
    let columns: Vec<Column> = course
        .stages
        .iter()
        .enumerate()
        .map(|(k, stage)| column(stage, LEFT + k as f64 * step, unit))
        .collect();
    for pair in columns.windows(2) {
        bands(&mut figure, &pair[0], &pair[1], unit);
    }
    for (column, stage) in columns.iter().zip(&course.stages) {
        blocks(&mut figure, column, unit);
        heading(&mut figure, column, stage);
    }
    let axis = match course.along {
        CoursePath::Threshold => "threshold",
        CoursePath::Steps => "step of the training",
    };
    let below = TOP + HEIGHT;
    figure.add(text(
        LEFT,
        below + 48.0,
        "axis",
        &format!("above: modules; below: {axis}, and edges left"),
    ));
    Some(figure)
}

#[allow(clippy::cast_precision_loss, reason = "sites are few")]
fn column(stage: &Stage, x: f64, unit: f64) -> Column {
    let lines = stage.partition.iter().filter_map(|a| {
        let line = stage.lines.get(a.module)?;
        Some((a.site.clone(), *line))
    });
    let of: BTreeMap<String, usize> = lines.collect();
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    of.values()
        .for_each(|line| *sizes.entry(*line).or_default() += 1);
    let mut top = TOP;
    let blocks = sizes.into_iter().map(|(line, size)| {
        let height = size as f64 * unit;
        top += height + GAP;
        (line, (top - height - GAP, height))
    });
    Column {
        x,
        blocks: blocks.collect(),
        of,
    }
}

/// The bands between two stages, from each line's block downwards.
#[allow(clippy::cast_precision_loss, reason = "sites are few")]
fn bands(figure: &mut Figure, one: &Column, other: &Column, unit: f64) {
    let mut shared: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for (site, from) in &one.of {
        if let Some(to) = other.of.get(site) {
            *shared.entry((*from, *to)).or_default() += 1;
        }
    }
    let top = |column: &Column, line: &usize| column.blocks.get(line).map_or(TOP, |block| block.0);
    let mut left: BTreeMap<usize, f64> = BTreeMap::new();
    let mut right: BTreeMap<usize, f64> = BTreeMap::new();
    for ((from, to), sites) in shared {
        let height = sites as f64 * unit;
        let begin = left.entry(from).or_insert_with(|| top(one, &from));
        let end = right.entry(to).or_insert_with(|| top(other, &to));
        let ends = ((one.x + BLOCK, *begin), (other.x, *end));
        let words = match from == to {
            true => format!("{} stay in module {from}", counted(sites, "site", "sites")),
            false => format!(
                "{} from module {from} to {to}",
                counted(sites, "site", "sites")
            ),
        };
        let class = format!("level {}", module_class(from));
        let band = path(band(ends, height), &class)
            .set("fill-opacity", 0.35)
            .add(tip(&words));
        figure.add(band);
        *begin += height;
        *end += height;
    }
}

/// An area between two heights, level at both ends.
fn band(((x, y), (u, v)): ((f64, f64), (f64, f64)), height: f64) -> String {
    let middle = round(f64::midpoint(x, u));
    let [x, u] = [round(x), round(u)];
    let [y, v, below, beyond] = [round(y), round(v), round(y + height), round(v + height)];
    format!(
        "M{x} {y}C{middle} {y} {middle} {v} {u} {v}L{u} {beyond}C{middle} {beyond} {middle} {below} {x} {below}Z"
    )
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sites are few"
)]
fn blocks(figure: &mut Figure, column: &Column, unit: f64) {
    for (line, (top, height)) in &column.blocks {
        let sites = (height / unit).round() as usize;
        let words = format!("module {line}: {}", counted(sites, "site", "sites"));
        let class = format!("node {}", module_class(*line));
        figure.add(bar(column.x, *top, BLOCK, *height, &class).add(tip(&words)));
        if *height >= 12.0 {
            let middle = top + height / 2.0 + 4.0;
            figure.add(text(
                column.x + BLOCK / 2.0,
                middle,
                "number",
                &line.to_string(),
            ));
        }
    }
}

/// Where a stage is, and how many modules and edges it has.
fn heading(figure: &mut Figure, column: &Column, stage: &Stage) {
    let x = column.x + BLOCK / 2.0;
    let modules = stage.lines.len();
    figure.add(text(x, TOP - 14.0, "tick mid", &modules.to_string()));
    figure.add(text(x, TOP + HEIGHT + 14.0, "tick mid", &short(stage.at)));
    figure.add(text(
        x,
        TOP + HEIGHT + 29.0,
        "tick mid",
        &stage.edges.to_string(),
    ));
}

/// When modules come and go.
pub(super) fn sentences(modules: &Modules) -> Vec<Sentence> {
    let of = |course| sentence(course, modules.count);
    modules.courses.iter().filter_map(of).collect()
}

/// The turns of the `modules` that the network has.
fn sentence(course: &Course, modules: usize) -> Option<Sentence> {
    let (first, last) = (course.stages.first()?, course.stages.last()?);
    let (along, unit) = match course.along {
        CoursePath::Threshold => ("Along the pruning threshold", ""),
        CoursePath::Steps => ("Over the training", "step "),
    };
    let own = course.turns.iter().filter(|turn| turn.line < modules);
    let told: Vec<String> = own.take(MOST).map(|t| turn(t, unit)).collect();
    let more = course.turns.len() - told.len();
    let more = match more {
        0 => String::new(),
        more => format!(
            "; {} in all",
            counted(
                told.len() + more,
                "module comes or goes",
                "modules come or go"
            )
        ),
    };
    let turns = match told.is_empty() {
        true => "those of this network stay".to_owned(),
        false => joined(&told),
    };
    let text = format!(
        "{along}, from {unit}{} to {}, {} of {} edges become {} of {}: {turns}{more}.",
        short(first.at),
        short(last.at),
        counted(first.lines.len(), "module", "modules"),
        count(first.edges),
        count_words(last.lines.len()),
        count(last.edges),
    );
    let pointer = "/modules/courses";
    Some(Sentence::new("Course of the modules", Status::Note, text).from([pointer]))
}

/// `module 2 splits from module 0 at 0.01`
fn turn(turn: &TurningPoint, unit: &str) -> String {
    let other = turn
        .other
        .map_or_else(String::new, |other| format!(" module {other}"));
    let how = match turn.turn {
        Turn::Splits => format!("splits from{other}"),
        Turn::Appears => "appears".to_owned(),
        Turn::Merges => format!("merges into{other}"),
        Turn::Disappears => "disappears".to_owned(),
    };
    format!("module {} {how} at {unit}{}", turn.line, short(turn.at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Print;
    use crate::report::sample::well_formed;
    use crate::result::Assignment;

    fn stage(at: f64, modules: [usize; 4], lines: &[usize]) -> Stage {
        let sites = modules.iter().enumerate();
        let partition = sites.map(|(k, module)| Assignment {
            site: format!("s{k}"),
            module: *module,
        });
        Stage {
            at,
            edges: 8,
            modularity: 0.25,
            partition: partition.collect(),
            lines: lines.to_vec(),
        }
    }

    fn course() -> Course {
        Course {
            along: CoursePath::Threshold,
            stages: vec![stage(0.0, [0; 4], &[0]), stage(0.1, [0, 0, 1, 1], &[0, 1])],
            turns: vec![TurningPoint {
                at: 0.1,
                line: 1,
                turn: Turn::Splits,
                other: Some(0),
            }],
        }
    }

    #[test]
    fn a_band_for_every_two_modules_that_share_sites() {
        let drawn = draw(&course()).expect("two stages");
        assert_eq!(well_formed(&drawn.file(&Print::default())), Ok(()));
        let inline = drawn.inline();
        assert_eq!(inline.matches("<path").count(), 2);
        assert_eq!(inline.matches("class=\"node m").count(), 3);
        assert!(inline.contains("2 sites from module 0 to 1"), "{inline}");
    }

    #[test]
    fn turns_are_told_with_where_they_are() {
        let said = sentence(&course(), 2).expect("two stages").sentence;
        assert_eq!(
            said,
            "Along the pruning threshold, from 0 to 0.1, 1 module of 8 edges become two of 8: module 1 splits from module 0 at 0.1."
        );
    }
}
