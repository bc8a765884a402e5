//! Names beside sites, so placed that none covers another.
//!
//! A layer's names are written level when they all fit, else turned; where even
//! turned ones would touch, the names of the weaker sites are left out.

use svg::node::element::Element;

use crate::order;
use crate::report::figures::canvas::{text, text_width, turned};
use crate::report::sites::shortened;

/// The longest name beside a site, in characters.
const LONGEST: usize = 26;

/// A name that wants a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Place of the site.
    pub point: (f64, f64),
    /// The name.
    pub name: String,
    /// Sites of larger importance are named first.
    pub importance: f64,
}

/// The side of the sites on which names stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Above, as for outputs.
    Above,
    /// Below, as for inputs.
    Below,
}

/// How names are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lettering {
    /// From a site's middle to its name, in pixels.
    pub offset: f64,
    /// Font size in pixels.
    pub font: f64,
    /// Width of the drawing, which no level name leaves.
    pub width: f64,
}

/// Names of one layer, placed.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// What to draw.
    pub elements: Vec<Element>,
    /// Room they take above or below the sites, in pixels.
    pub room: f64,
    /// Names left out.
    pub left_out: usize,
}

/// Places the names of sites that share a line.
#[must_use]
pub fn on_line(mut wanted: Vec<Wanted>, side: Side, how: Lettering) -> Names {
    for label in &mut wanted {
        label.name = shortened(&label.name, LONGEST);
    }
    if level_fits(&wanted, how) {
        return Names {
            elements: wanted.iter().map(|w| level(w, side, how)).collect(),
            room: if wanted.is_empty() {
                0.0
            } else {
                how.offset + how.font + 4.0
            },
            left_out: 0,
        };
    }
    turned_names(wanted, side, how)
}

fn level_fits(wanted: &[Wanted], how: Lettering) -> bool {
    let mut spans: Vec<(f64, f64)> = wanted.iter().map(|w| span(w, how)).collect();
    order::ascending(&mut spans, |one| one.0);
    spans
        .iter()
        .zip(spans.iter().skip(1))
        .all(|(a, b)| a.1 < b.0)
}

/// From where to where a level name reaches.
fn span(wanted: &Wanted, how: Lettering) -> (f64, f64) {
    let half = text_width(&wanted.name, how.font) / 2.0 + 3.0;
    let middle = middle(wanted, how);
    (middle - half, middle + half)
}

/// The middle of a level name: its site's, but inside the drawing.
fn middle(wanted: &Wanted, how: Lettering) -> f64 {
    let half = text_width(&wanted.name, how.font) / 2.0 + 1.0;
    wanted.point.0.min(how.width - half).max(half)
}

fn level(wanted: &Wanted, side: Side, how: Lettering) -> Element {
    let y = match side {
        Side::Above => wanted.point.1 - how.offset,
        Side::Below => wanted.point.1 + how.offset + how.font * 0.72,
    };
    sized(
        text(middle(wanted, how), y, "mid halo", &wanted.name),
        how.font,
    )
}

fn turned_names(mut wanted: Vec<Wanted>, side: Side, how: Lettering) -> Names {
    let Lettering { offset, font, .. } = how;
    order::descending(&mut wanted, |one| one.importance);
    let mut placed: Vec<Wanted> = Vec::new();
    let mut left_out = 0;
    for label in wanted {
        let near = |other: &Wanted| (other.point.0 - label.point.0).abs() < font * 1.02;
        if placed.iter().any(near) {
            left_out += 1;
        } else {
            placed.push(label);
        }
    }
    order::ascending(&mut placed, |one| one.point.0);
    let longest = placed
        .iter()
        .map(|w| text_width(&w.name, font))
        .fold(0.0, f64::max);
    Names {
        elements: placed.iter().map(|w| upright(w, side, how)).collect(),
        room: offset + longest + 6.0,
        left_out,
    }
}

fn upright(wanted: &Wanted, side: Side, how: Lettering) -> Element {
    let Lettering { offset, font, .. } = how;
    let (x, y) = wanted.point;
    let x = x + font * 0.36;
    let element = match side {
        Side::Above => turned(x, y - offset, -90.0, "halo", &wanted.name),
        Side::Below => turned(x, y + offset, -90.0, "end halo", &wanted.name),
    };
    sized(element, font)
}

fn sized(mut element: Element, font: f64) -> Element {
    svg::Node::assign(&mut element, "style", format!("font-size:{font}px"));
    element
}

/// Places names in the open: above their sites, else beside or below them, where
/// no other name or site stands; the most important first.
#[must_use]
pub fn in_the_open(mut wanted: Vec<Wanted>, how: Lettering) -> Names {
    let Lettering {
        offset,
        font,
        width,
    } = how;
    order::descending(&mut wanted, |one| one.importance);
    let mut boxes: Vec<[f64; 4]> = Vec::new();
    let room = |(x, y): (f64, f64)| [x - 3.0, y - 3.0, x + 3.0, y + 3.0];
    let sites: Vec<[f64; 4]> = wanted.iter().map(|label| room(label.point)).collect();
    let mut names = Names {
        room: offset + font,
        ..Names::default()
    };
    for mut label in wanted {
        label.name = shortened(&label.name, LONGEST);
        let places = around(&label, offset, font);
        let is_free = |place: &&(Spot, [f64; 4])| {
            let taken = boxes.iter().chain(&sites);
            let inside = place.1[0] >= 0.0 && place.1[2] <= width;
            inside && !taken.into_iter().any(|other| overlap(other, &place.1))
        };
        if let Some((spot, area)) = places.iter().find(is_free) {
            boxes.push(*area);
            let (x, y, class) = *spot;
            names
                .elements
                .push(sized(text(x, y, class, &label.name), font));
        } else {
            names.left_out += 1;
        }
    }
    names
}

/// Where a name is anchored, and its class.
type Spot = (f64, f64, &'static str);

/// The spots around a site with the room a name takes there.
fn around(label: &Wanted, offset: f64, font: f64) -> [(Spot, [f64; 4]); 4] {
    let (x, y) = label.point;
    let width = text_width(&label.name, font) + 4.0;
    let area = |left: f64, base: f64| [left, base - font, left + width, base + 3.0];
    let (above, below, level) = (y - offset, y + offset + font * 0.8, y + font * 0.35);
    let middle = x - width / 2.0;
    [
        ((x, above, "mid halo strong"), area(middle, above)),
        (
            (x + offset, level, "halo strong"),
            area(x + offset - 2.0, level),
        ),
        (
            (x - offset, level, "end halo strong"),
            area(x - offset - width + 2.0, level),
        ),
        ((x, below, "mid halo strong"), area(middle, below)),
    ]
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: Lettering = Lettering {
        offset: 10.0,
        font: 13.0,
        width: 1000.0,
    };

    fn wanted(count: u32, step: f64, name: &str) -> Vec<Wanted> {
        let one = |k: u32| Wanted {
            point: (f64::from(k) * step + 60.0, 0.0),
            name: name.to_owned(),
            importance: f64::from(k),
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn few_names_stand_level() {
        let names = on_line(wanted(4, 100.0, "x1"), Side::Below, HOW);
        assert_eq!((names.elements.len(), names.left_out), (4, 0));
        assert!(!names.elements[0].to_string().contains("rotate"));
    }

    #[test]
    fn many_names_turn() {
        let names = on_line(wanted(59, 15.0, "class 17"), Side::Above, HOW);
        assert_eq!((names.elements.len(), names.left_out), (59, 0));
        assert!(names.elements[0].to_string().contains("rotate(-90"));
    }

    #[test]
    fn too_many_names_thin_out_and_the_strong_ones_stay() {
        let names = on_line(wanted(64, 7.0, "x"), Side::Above, HOW);
        assert_eq!((names.elements.len(), names.left_out), (32, 32));
    }

    #[test]
    fn long_names_are_cut() {
        let names = on_line(wanted(1, 1.0, &"long ".repeat(30)), Side::Above, HOW);
        assert!(names.elements[0].to_string().contains('…'));
    }

    #[test]
    fn names_in_the_open_do_not_cover_each_other() {
        let names = in_the_open(wanted(7, 5.0, "seven"), HOW);
        assert_eq!((names.elements.len(), names.left_out), (3, 4));
        let alone = in_the_open(wanted(7, 100.0, "seven"), HOW);
        assert_eq!((alone.elements.len(), alone.left_out), (7, 0));
    }

    #[test]
    fn names_at_the_edges_stay_inside() {
        let narrow = Lettering {
            width: 120.0,
            ..HOW
        };
        let mut ends = wanted(2, 59.0, "class 23");
        ends[0].point = (0.0, 40.0);
        for (label, place) in ends
            .iter()
            .zip([middle(&ends[0], narrow), middle(&ends[1], narrow)])
        {
            let half = text_width(&label.name, narrow.font) / 2.0;
            assert!(place >= half && place + half <= 120.0, "{place}");
        }
        let names = in_the_open(ends, narrow);
        assert_eq!((names.elements.len(), names.left_out), (2, 0));
    }
}
