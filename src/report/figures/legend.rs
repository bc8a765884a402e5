//! The key of a drawing: samples of lines and dots with their meaning, in rows.

use svg::node::element::Element;

use crate::report::figures::canvas::{disc, line, text, text_width};

/// One entry of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it looks like.
    pub sample: Sample,
    /// What it means.
    pub meaning: String,
}

/// How an entry looks.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A line of a class.
    Line(&'static str),
    /// A disc of a class with a number in it, if any.
    Disc(String, Option<usize>),
    /// Words alone.
    Words,
}

impl Entry {
    /// A new entry.
    #[must_use]
    pub fn new(sample: Sample, meaning: impl Into<String>) -> Self {
        Self {
            sample,
            meaning: meaning.into(),
        }
    }
}

/// Height of a row.
const ROW: f64 = 22.0;

/// Draws entries from left to right, breaking rows at the width; returns the height as well.
#[must_use]
pub fn draw(entries: &[Entry], left: f64, top: f64, width: f64) -> (Vec<Element>, f64) {
    let mut drawn = Vec::new();
    let (mut x, mut y) = (left, top + ROW / 2.0);
    for entry in entries {
        let room = room(&entry.sample) + text_width(&entry.meaning, 12.0);
        if x > left && x + room > width {
            (x, y) = (left, y + ROW);
        }
        drawn.extend(entry_at(entry, x, y));
        x += room + 20.0;
    }
    let height = if entries.is_empty() {
        0.0
    } else {
        y + ROW / 2.0 - top
    };
    (drawn, height)
}

fn room(sample: &Sample) -> f64 {
    match sample {
        Sample::Line(_) => 32.0,
        Sample::Disc(..) => 20.0,
        Sample::Words => 0.0,
    }
}

fn entry_at(entry: &Entry, x: f64, y: f64) -> Vec<Element> {
    let mut drawn = Vec::new();
    match &entry.sample {
        Sample::Line(class) => {
            drawn.push(
                line((x, y), (x + 26.0, y), class)
                    .set("stroke-width", 2.5)
                    .into(),
            );
        }
        Sample::Disc(class, number) => {
            drawn.push(disc((x + 7.0, y), 7.0, class).into());
            let number = number.map(|n| text(x + 7.0, y + 4.0, "number", &n.to_string()));
            drawn.extend(number);
        }
        Sample::Words => {}
    }
    drawn.push(text(
        x + room(&entry.sample),
        y + 4.0,
        "quiet",
        &entry.meaning,
    ));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_break_at_the_width() {
        let entries = vec![Entry::new(Sample::Line("pos"), "a positive weight"); 8];
        let (_, one) = draw(&entries[..1], 0.0, 0.0, 400.0);
        let (_, all) = draw(&entries, 0.0, 0.0, 400.0);
        assert_eq!((one, all), (ROW, 4.0 * ROW));
        assert_eq!(draw(&[], 0.0, 0.0, 400.0).1, 0.0);
    }
}
