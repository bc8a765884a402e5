//! Weights as lines: blue or red by sign, as wide as they are strong, the strongest on top.
//!
//! Up to [`SINGLE`] lines each have their own element and tooltip; beyond, lines
//! of one sign and similar width become one path, because browsers draw a few
//! long paths faster than thousands of short ones.

use svg::node::Node as _;
use svg::node::element::Element;

use crate::order;
use crate::report::figures::canvas::{line, path, round, tip};

/// Most lines that are elements of their own.
pub const SINGLE: usize = 1500;

/// Width classes of merged paths, for each sign.
const CLASSES: usize = 20;

/// A line's way from its writer to its reader: straight, or round where it leads to the next
/// step of a recurrence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Way {
    /// From the writer.
    pub from: (f64, f64),
    /// To the reader.
    pub to: (f64, f64),
    /// Whether it leads to the next step.
    pub recurs: bool,
}

/// How far the way of a line to the next step rises above its layer: at least, and with its
/// length; and how wide that of a site to itself is at least.
const RISE: f64 = 24.0;
const STEEPNESS: f64 = 0.22;
const LOOP: f64 = 32.0;

/// One line to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// From writer to reader.
    pub way: Way,
    /// The weight it stands for.
    pub weight: f64,
    /// Class that gives the colour.
    pub class: &'static str,
    /// Tooltip.
    pub tip: String,
}

/// How magnitude becomes width.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pen {
    /// Width of the strongest line.
    pub widest: f64,
    /// Width of the weakest line.
    pub thinnest: f64,
    /// The magnitude drawn at full width.
    pub strongest: f64,
    /// Opacity of the weakest line; the strongest is opaque.
    pub faintest: f64,
    /// Width grows with this power of the magnitude.
    pub power: f64,
}

impl Pen {
    /// A pen for these strokes: the more there are, the more the weak ones recede.
    #[must_use]
    pub fn for_strokes(strokes: &[Stroke], widest: f64) -> Self {
        let strongest = strokes.iter().map(|s| s.weight.abs()).fold(0.0, f64::max);
        let (power, thinnest, faintest, widest) = match strokes.len() {
            0..=200 => (0.5, 0.8, 0.75, widest),
            201..=1500 => (0.75, 0.5, 0.4, widest),
            1501..=6000 => (1.0, 0.3, 0.2, widest * 0.7),
            _ => (1.0, 0.15, 0.08, widest * 0.6),
        };
        Self {
            widest,
            thinnest,
            strongest,
            faintest,
            power,
        }
    }

    /// 0 for no weight, 1 for the strongest.
    fn share(&self, weight: f64) -> f64 {
        let share = (weight.abs() / self.strongest).powf(self.power);
        if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    fn width(&self, share: f64) -> f64 {
        self.thinnest + (self.widest - self.thinnest) * share
    }

    fn opacity(&self, share: f64) -> f64 {
        let opacity = self.faintest + (1.0 - self.faintest) * share;
        (opacity * 100.0).round() / 100.0
    }
}

/// Draws strokes with a pen.
#[must_use]
pub fn draw(mut strokes: Vec<Stroke>, pen: Pen, single: usize) -> Vec<Element> {
    order::ascending(&mut strokes, |one| one.weight.abs());
    if strokes.len() <= single {
        strokes.iter().map(|stroke| alone(stroke, pen)).collect()
    } else {
        merged(&strokes, pen)
    }
}

fn alone(stroke: &Stroke, pen: Pen) -> Element {
    let share = pen.share(stroke.weight);
    let mut drawn = stroke.way.element(stroke.class);
    drawn.assign("stroke-width", round(pen.width(share)));
    drawn.assign("stroke-opacity", pen.opacity(share));
    if !stroke.tip.is_empty() {
        drawn.append(tip(&stroke.tip));
    }
    drawn
}

/// One path per class and colour, weak classes first.
fn merged(strokes: &[Stroke], pen: Pen) -> Vec<Element> {
    let mut colours: Vec<&'static str> = Vec::new();
    for stroke in strokes {
        if !colours.contains(&stroke.class) {
            colours.push(stroke.class);
        }
    }
    let mut drawn = Vec::new();
    for class in 0..CLASSES {
        // Colours take turns at being on top, so that none hides the other.
        colours.reverse();
        for colour in &colours {
            let mine =
                |s: &&Stroke| s.class == *colour && width_class(pen.share(s.weight)) == class;
            let mine = strokes.iter().filter(mine);
            let data: String = mine.map(|stroke| stroke.way.data()).collect();
            if !data.is_empty() {
                drawn.push(bundle(data, colour, class, pen));
            }
        }
    }
    drawn
}

fn bundle(data: String, colour: &str, class: usize, pen: Pen) -> Element {
    #[allow(clippy::cast_precision_loss, reason = "a handful of classes")]
    let share = (class as f64 + 0.5) / CLASSES as f64;
    path(data, colour)
        .set("stroke-width", round(pen.width(share)))
        .set("stroke-opacity", pen.opacity(share))
        .into()
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "share is in [0, 1]"
)]
fn width_class(share: f64) -> usize {
    ((share * CLASSES as f64) as usize).min(CLASSES - 1)
}

impl Way {
    /// The line by itself.
    #[must_use]
    pub fn element(&self, class: &str) -> Element {
        match self.recurs {
            false => line(self.from, self.to, class).into(),
            true => path(self.data(), class).into(),
        }
    }

    /// The data of one line, in whole pixels: thousands of them are the bulk of a page.
    fn data(&self) -> String {
        let whole = |(x, y): (f64, f64)| {
            let [x, y] = [x, y].map(|v| round(v).round() + 0.0);
            format!("{x} {y}")
        };
        let (from, to) = (whole(self.from), whole(self.to));
        if !self.recurs {
            return format!("M{from}L{to}");
        }
        let across = self.to.0 - self.from.0;
        let rise = RISE + STEEPNESS * across.abs();
        let aside = (LOOP - across.abs()).max(0.0) / 2.0;
        let first = whole((self.from.0 - aside, self.from.1 - rise));
        let last = whole((self.to.0 + aside, self.to.1 - rise));
        format!("M{from}C{first} {last} {to}")
    }
}

/// Many lines of one class and width in one path.
#[must_use]
pub fn flat(lines: impl IntoIterator<Item = Way>, class: &'static str, width: f64) -> Element {
    let data: String = lines.into_iter().map(|way| way.data()).collect();
    path(data, class).set("stroke-width", width).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strokes(count: u32) -> Vec<Stroke> {
        let stroke = |k: u32| Stroke {
            way: Way {
                from: (f64::from(k), 0.0),
                to: (0.0, 10.0),
                recurs: false,
            },
            weight: f64::from(k) - 20.0,
            class: if k < 20 { "neg" } else { "pos" },
            tip: "a → b".to_owned(),
        };
        (0..count).map(stroke).collect()
    }

    #[test]
    fn few_lines_have_tooltips_and_the_strongest_is_last() {
        let few = strokes(30);
        let drawn = draw(few.clone(), Pen::for_strokes(&few, 5.0), SINGLE);
        assert_eq!(drawn.len(), 30);
        let last = drawn[29].to_string();
        assert!(
            last.contains("stroke-width=\"5\"") && last.contains("<title>"),
            "{last}"
        );
    }

    #[test]
    fn thousands_of_lines_become_a_few_paths() {
        let many = strokes(20_000);
        let drawn = draw(many.clone(), Pen::for_strokes(&many, 5.0), SINGLE);
        assert!(drawn.len() <= 2 * CLASSES, "{} paths", drawn.len());
        let lines: usize = drawn
            .iter()
            .map(|p| p.to_string().matches('M').count())
            .sum();
        assert_eq!(lines, 20_000);
    }

    /// 32 wide and 24 high, from a site to itself.
    #[test]
    fn what_leads_to_the_next_step_goes_round() {
        let way = Way {
            from: (100.0, 50.0),
            to: (100.0, 50.0),
            recurs: true,
        };
        assert_eq!(way.data(), "M100 50C84 26 116 26 100 50");
    }

    #[test]
    fn weights_of_zero_do_not_divide() {
        let pen = Pen::for_strokes(&[], 5.0);
        assert_eq!(pen.share(0.0), 0.0);
    }
}
