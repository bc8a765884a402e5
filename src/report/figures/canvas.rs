//! A drawing under way: size, name, words for those who cannot see it, elements.
//!
//! Text reaches the drawing through [`text`] and [`tip`] alone, which strip what
//! XML forbids; the `svg` crate escapes what remains.

use svg::node::element::{Circle, Element, Line, Path, Rectangle, Text, Title};

use crate::escape::markup;
use crate::report::figures::{Print, palette};
use crate::report::sites::plain;

/// Width of a figure on a phone's first screen, in pixels.
pub const PHONE: f64 = 336.0;

/// A figure: drawn once, then shown in the page and saved as a file.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The file's name without `.svg`.
    pub name: String,
    /// What it shows, in one sentence for a screen reader.
    pub label: String,
    /// Width in user units, pixels at full size.
    pub width: f64,
    /// Height in the same units.
    pub height: f64,
    body: String,
}

impl Figure {
    /// An empty figure.
    #[must_use]
    pub fn new(name: impl Into<String>, label: impl Into<String>, width: f64, height: f64) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            width,
            height,
            body: String::new(),
        }
    }

    /// Draws an element on top of what is there.
    pub fn add(&mut self, element: impl Into<Element>) {
        self.body.push_str(&element.into().to_string());
        self.body.push('\n');
    }

    /// Opens a group of a class; every group must be closed.
    pub fn open(&mut self, class: &str) {
        self.body.push_str(&format!("<g class=\"{class}\">\n"));
    }

    /// Opens a group that is moved down; every group must be closed.
    pub fn open_below(&mut self, y: f64) {
        let y = round(y);
        self.body
            .push_str(&format!("<g transform=\"translate(0 {y})\">\n"));
    }

    /// Closes the group opened last.
    pub fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// The figure as part of a page, whose style sheet gives the colours.
    #[must_use]
    pub fn inline(&self) -> String {
        let (width, height) = self.size();
        self.document("", "", (&width.to_string(), &height.to_string()))
    }

    /// The figure as a file of its own, set as `print` says.
    #[must_use]
    pub fn file(&self, print: &Print) -> String {
        let (css, font) = (palette::standalone_css(), print.rule());
        let style = format!("<style>{css}{font}</style>\n");
        let (width, height) = print.size(self);
        let namespace = " xmlns=\"http://www.w3.org/2000/svg\"";
        self.document(namespace, &style, (&width, &height))
    }

    /// Width and height in user units.
    pub(super) fn size(&self) -> (f64, f64) {
        (round(self.width), round(self.height))
    }

    /// Bytes the figure takes in a page.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    fn document(&self, namespace: &str, style: &str, (wide, tall): (&str, &str)) -> String {
        let (width, height) = self.size();
        let label = markup(&self.label);
        format!(
            "<svg{namespace} class=\"fig\" viewBox=\"0 0 {width} {height}\" width=\"{wide}\" height=\"{tall}\" role=\"img\" aria-label=\"{label}\">\n{style}<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// A coordinate to a tenth of a pixel; what is not finite is drawn at 0.
#[must_use]
pub fn round(value: f64) -> f64 {
    if value.is_finite() {
        (value * 10.0).round() / 10.0 + 0.0
    } else {
        0.0
    }
}

/// Text at a point; `class` gives size and anchor.
#[must_use]
pub fn text(x: f64, y: f64, class: &str, content: &str) -> Element {
    Text::new(plain(content))
        .set("x", round(x))
        .set("y", round(y))
        .set("class", class)
        .into()
}

/// Text at a point, turned by so many degrees around it.
#[must_use]
pub fn turned(x: f64, y: f64, degrees: f64, class: &str, content: &str) -> Element {
    let (x, y) = (round(x), round(y));
    let turn = format!("rotate({} {x} {y})", round(degrees));
    let mut element = text(x, y, class, content);
    svg::Node::assign(&mut element, "transform", turn);
    element
}

/// The tooltip of an element.
#[must_use]
pub fn tip(content: &str) -> Title {
    Title::new(plain(content))
}

/// A text with a tooltip.
#[must_use]
pub fn titled(mut text: Element, tooltip: &str) -> Element {
    svg::Node::append(&mut text, tip(tooltip));
    text
}

/// A straight line.
#[must_use]
pub fn line(from: (f64, f64), to: (f64, f64), class: &str) -> Line {
    Line::new()
        .set("x1", round(from.0))
        .set("y1", round(from.1))
        .set("x2", round(to.0))
        .set("y2", round(to.1))
        .set("class", class)
}

/// A disc.
#[must_use]
pub fn disc(center: (f64, f64), radius: f64, class: &str) -> Circle {
    Circle::new()
        .set("cx", round(center.0))
        .set("cy", round(center.1))
        .set("r", round(radius))
        .set("class", class)
}

/// Discs of one class as one element: strokes of no length with round ends.
#[must_use]
pub fn dots(centers: &[(f64, f64)], radius: f64, class: &str) -> Path {
    let mut data = String::new();
    for (x, y) in centers {
        data.push_str(&format!("M{} {}h0", round(*x), round(*y)));
    }
    path(data, class).set("stroke-width", round(2.0 * radius))
}

/// A rectangle from its left upper corner.
#[must_use]
pub fn bar(x: f64, y: f64, width: f64, height: f64, class: &str) -> Rectangle {
    Rectangle::new()
        .set("x", round(x))
        .set("y", round(y))
        .set("width", round(width.max(0.0)))
        .set("height", round(height.max(0.0)))
        .set("class", class)
}

/// A path from its data.
#[must_use]
pub fn path(data: String, class: &str) -> Path {
    Path::new().set("d", data).set("class", class)
}

/// A path through points, in order; empty for fewer than two.
#[must_use]
pub fn through(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (k, (x, y)) in points.iter().enumerate() {
        let letter = if k == 0 { 'M' } else { 'L' };
        data.push_str(&format!("{letter}{} {}", round(*x), round(*y)));
    }
    data
}

/// The width of a text in pixels, a little on the large side.
#[must_use]
pub fn text_width(content: &str, font: f64) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ' ' | '(' | ')' | '|' | '\'' => 0.36,
        'm' | 'w' | 'M' | 'W' => 0.9,
        c if c.is_ascii() => 0.6,
        c if (c as u32) < 0x2e80 => 0.64,
        _ => 1.05,
    };
    font * content.chars().map(em).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::well_formed;

    #[test]
    fn hostile_words_stay_words() {
        let hostile = "</style><script>alert(1)</script>\"'&\u{1}";
        let mut figure = Figure::new("x", hostile, 10.0, 10.0);
        figure.add(text(1.0, 2.0, "t", hostile));
        figure.add(disc((1.0, f64::NAN), 2.0, "d").add(tip(hostile)));
        for drawn in [figure.inline(), figure.file(&Print::default())] {
            assert!(!drawn.contains("<script"));
            assert_eq!(well_formed(&drawn), Ok(()));
        }
    }

    #[test]
    fn coordinates_are_rounded_once() {
        assert_eq!(through(&[(0.04, 1.0), (2.25, -0.01)]), "M0 1L2.3 0");
    }
}
