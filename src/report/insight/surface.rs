//! Outputs and what modules write over one input as curves, over two as maps; decisions as
//! regions.

use crate::report::figures::axes::{Axis, Panel, Scale};
use crate::report::figures::canvas::{Figure, line, path, round, text, through, tip};
use crate::report::figures::palette::module_class;
use crate::report::format::short;
use crate::report::sites::{Sites, shortened};
use crate::result::{Modules, Surface};

const CELL: f64 = 320.0;
const COLUMNS: usize = 3;

/// Steps of colour on each side of the middle.
const STEPS: f64 = 6.0;

/// Most classes whose regions have names.
const MOST_NAMES: usize = 12;

/// Longest title, in characters.
const LONGEST: usize = 34;

/// One panel for each; `None` where no output depends on so few inputs.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a handful of panels")]
pub fn draw(modules: &Modules, sites: &Sites<'_>) -> Option<Figure> {
    let all = &modules.insight.as_ref()?.surfaces;
    let shown: Vec<&Surface> = all.iter().filter(|surface| is_whole(surface)).collect();
    if shown.is_empty() {
        return None;
    }
    let (columns, rows) = (shown.len().min(COLUMNS), shown.len().div_ceil(COLUMNS));
    let label = "Outputs of the pruned network over the inputs that they depend on";
    let (width, height) = (columns as f64 * CELL, rows as f64 * CELL);
    let mut figure = Figure::new("surfaces", label, width, height);
    for (k, surface) in shown.iter().enumerate() {
        let (column, row) = ((k % COLUMNS) as f64, (k / COLUMNS) as f64);
        panel(&mut figure, surface, sites, (column * CELL, row * CELL));
    }
    Some(figure)
}

/// Whether a surface has all that is drawn of it.
fn is_whole(surface: &Surface) -> bool {
    let inputs = surface.inputs.len();
    let points = surface.points.checked_pow(u32::from(inputs == 2) + 1);
    (1..=2).contains(&inputs)
        && surface.points > 1
        && points == Some(surface.values.len())
        && surface.range.len() == inputs
        && surface.domain.len() == inputs
}

fn panel(figure: &mut Figure, surface: &Surface, sites: &Sites<'_>, (left, top): (f64, f64)) {
    let name = |k: usize| shortened(&sites.name(&surface.inputs[k]), LONGEST);
    let axis = |k: usize| {
        let [low, high] = surface.range[k];
        Axis::new(Scale::Linear, low, high, &name(k))
    };
    let title = match (&surface.output, &surface.site) {
        (Some(output), _) => sites.name(output),
        (None, Some(site)) => {
            let module = surface
                .module
                .map_or_else(String::new, |m| format!(" of module {m}"));
            format!("{}{module}", sites.name(site))
        }
        (None, None) => "decision".to_owned(),
    };
    let y = match surface.inputs.len() {
        1 => Axis::linear(surface.values.iter().copied(), ""),
        _ => axis(1),
    };
    let panel = Panel {
        left: left + 66.0,
        top: top + 30.0,
        width: CELL - 80.0,
        height: CELL - 80.0,
        x: axis(0),
        y,
    };
    figure.add(text(
        panel.left,
        top + 18.0,
        "strong",
        &shortened(&title, LONGEST),
    ));
    match surface.inputs.len() {
        1 => curve(figure, surface, &panel),
        _ => map(figure, surface, &panel, sites),
    }
}

/// Where point `step` of the grid lies along input `k`.
#[allow(clippy::cast_precision_loss, reason = "points of a grid")]
fn place(surface: &Surface, k: usize, step: f64) -> f64 {
    let [low, high] = surface.range[k];
    low + (high - low) * step / (surface.points - 1) as f64
}

#[allow(clippy::cast_precision_loss, reason = "points of a grid")]
fn curve(figure: &mut Figure, surface: &Surface, panel: &Panel) {
    panel.frame(figure);
    let values = surface.values.iter().enumerate();
    let points: Vec<(f64, f64)> = values
        .map(|(step, value)| panel.point(place(surface, 0, step as f64), *value))
        .collect();
    figure.add(path(through(&points), "curve a"));
    for end in surface.domain[0] {
        let x = panel.px(end);
        figure.add(line((x, panel.top), (x, panel.bottom()), "split"));
    }
}

/// One area for each colour, made of stretches of the grid's rows.
#[allow(clippy::cast_precision_loss, reason = "points of a grid")]
fn map(figure: &mut Figure, surface: &Surface, panel: &Panel, sites: &Sites<'_>) {
    let [low, high] = extremes(&surface.values);
    let is_decision = surface.output.is_none() && surface.site.is_none();
    let shade = |value: f64| match is_decision {
        true => value,
        false => level(value, low, high),
    };
    let mut areas: Vec<Area> = Vec::new();
    for (row, values) in surface.values.chunks(surface.points).enumerate() {
        let mut first = 0;
        for stretch in values.chunk_by(|one, other| shade(*one) == shade(*other)) {
            let ends = [first as f64 - 0.5, (first + stretch.len()) as f64 - 0.5];
            first += stretch.len();
            let last = (surface.points - 1) as f64;
            let x = ends.map(|step| panel.px(place(surface, 0, step.clamp(0.0, last))));
            let rows = [row as f64 + 0.5, row as f64 - 0.5];
            let y = rows.map(|step| panel.py(place(surface, 1, step.clamp(0.0, last))));
            Area::of(&mut areas, shade(stretch[0])).add(stretch, x, y);
        }
    }
    for area in areas {
        let words = match is_decision {
            true => class_name(area.shade, sites),
            false => format!("{} to {}", short(area.low), short(area.high)),
        };
        let opacity = match is_decision {
            true => 0.55,
            false => area.shade.abs() / STEPS,
        };
        let drawn = path(area.data, &class(area.shade, is_decision))
            .set("fill-opacity", (opacity * 100.0).round() / 100.0);
        figure.add(drawn.add(tip(&words)));
    }
    panel.frame(figure);
    if is_decision {
        names(figure, surface, panel, sites);
    }
    let corners = [surface.domain[0], surface.domain[1]];
    let [left, right] = corners[0].map(|x| panel.px(x));
    let [bottom, top] = corners[1].map(|y| panel.py(y));
    let frame = [
        (left, top),
        (right, top),
        (right, bottom),
        (left, bottom),
        (left, top),
    ];
    figure.add(path(through(&frame), "split"));
}

/// The name of each class in the middle of what is decided for it.
#[allow(clippy::cast_precision_loss, reason = "points of a grid")]
fn names(figure: &mut Figure, surface: &Surface, panel: &Panel, sites: &Sites<'_>) {
    let mut classes = surface.values.clone();
    classes.sort_by(f64::total_cmp);
    classes.dedup();
    for class in classes.into_iter().take(MOST_NAMES) {
        let own = surface.values.iter().enumerate();
        let own = own.filter(|(_, value)| **value == class).map(|(at, _)| at);
        let count = own.clone().count() as f64;
        let middle = |k: usize, step: &dyn Fn(usize) -> usize| {
            let sum: usize = own.clone().map(step).sum();
            place(surface, k, sum as f64 / count)
        };
        let x = middle(0, &|at| at % surface.points);
        let y = middle(1, &|at| at / surface.points);
        let (x, y) = panel.point(x, y);
        figure.add(text(x, y, "mid small", &class_name(class, sites)));
    }
}

/// The smallest and the largest finite value.
fn extremes(values: &[f64]) -> [f64; 2] {
    let finite = values.iter().filter(|x| x.is_finite());
    finite.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| {
        [low.min(*x), high.max(*x)]
    })
}

/// How far a value lies from the middle, in steps of colour.
fn level(value: f64, low: f64, high: f64) -> f64 {
    let share = 2.0 * (value - low) / (high - low) - 1.0;
    match share.is_finite() {
        true => (share * STEPS).round(),
        false => 0.0,
    }
}

/// What has one colour.
struct Area {
    shade: f64,
    low: f64,
    high: f64,
    data: String,
}

impl Area {
    /// The one of this colour.
    fn of(areas: &mut Vec<Self>, shade: f64) -> &mut Self {
        let same = |area: &Self| area.shade.total_cmp(&shade).is_eq();
        let at = areas.iter().position(same).unwrap_or_else(|| {
            areas.push(Self {
                shade,
                low: f64::INFINITY,
                high: f64::NEG_INFINITY,
                data: String::new(),
            });
            areas.len() - 1
        });
        &mut areas[at]
    }

    /// Adds a stretch of a row, between two places each way.
    fn add(&mut self, values: &[f64], [left, right]: [f64; 2], [top, bottom]: [f64; 2]) {
        let [low, high] = extremes(values);
        (self.low, self.high) = (self.low.min(low), self.high.max(high));
        let [left, right, top, bottom] = [left, right, top, bottom].map(round);
        self.data
            .push_str(&format!("M{left} {top}H{right}V{bottom}H{left}"));
    }
}

/// The class of an area: its module's colour, or blue above the middle and red below.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a class's number"
)]
fn class(shade: f64, is_decision: bool) -> String {
    match (is_decision, shade < 0.0) {
        (true, _) => format!("level {}", module_class(shade.max(0.0) as usize)),
        (false, true) => "level less".to_owned(),
        (false, false) => "level more".to_owned(),
    }
}

/// The class that is decided for, by the output that stands for it, or by the sign of
/// the only one.
fn class_name(class: f64, sites: &Sites<'_>) -> String {
    let outputs = sites.layers().last().map_or(0, |layer| layer.sites.len());
    let name = match (outputs, class > 0.0) {
        (1, true) => format!("{} > 0", sites.name("y0")),
        (1, false) => format!("{} ≤ 0", sites.name("y0")),
        _ => sites.name(&format!("y{}", short(class))),
    };
    shortened(&name, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::Insight;

    /// Two inputs, 3 × 3 points: the decision is 1 on the right.
    fn drawn(output: Option<&str>, values: Vec<f64>) -> Option<String> {
        let mut audit = sample::audit();
        let modules = audit.modules.as_mut().expect("the sample has modules");
        modules.insight = Some(Insight {
            surfaces: vec![Surface {
                site: None,
                module: None,
                output: output.map(str::to_owned),
                inputs: vec!["x0".to_owned(), "x1".to_owned()],
                domain: vec![[0.0, 1.0]; 2],
                range: vec![[-0.5, 1.5]; 2],
                points: 3,
                values,
            }],
            ..Insight::default()
        });
        let modules = audit.modules.as_ref().expect("the sample has modules");
        draw(modules, &Sites::new(&audit.network)).map(|figure| figure.inline())
    }

    #[test]
    fn what_has_one_colour_is_one_area_of_a_stretch_for_each_row() {
        let right = [0.0, 0.5, 4.0].repeat(3);
        let output = drawn(Some("y0"), right).expect("it is whole");
        let areas = |of: &str, figure: &str| figure.matches(of).count();
        assert_eq!(areas("class=\"level less\"", &output), 2);
        assert_eq!(areas("class=\"level more\"", &output), 1);
        assert_eq!(areas("<title>4 to 4</title>", &output), 1);
        let decision = drawn(None, [0.0, 0.0, 1.0].repeat(3)).expect("it is whole");
        let [zero, one] = ["level m0", "level m1"].map(|class| {
            let area = decision.split("<path").find(|path| path.contains(class));
            area.map(|path| path.matches('M').count())
        });
        assert_eq!([zero, one], [Some(3), Some(3)]);
    }

    #[test]
    fn what_lacks_points_is_not_drawn() {
        assert_eq!(drawn(None, vec![0.0; 8]), None);
    }
}
