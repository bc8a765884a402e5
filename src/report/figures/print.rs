//! How figures are set in print: their font and their width on paper.

use std::fmt;
use std::str::FromStr;

use crate::report::figures::canvas::Figure;

/// Most characters of a font's name.
const LONGEST: usize = 60;

/// The widest figure, in inches.
const WIDEST: f64 = 100.0;

/// What a figure's file says beyond its drawing; nothing by default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Print {
    /// The font of all text, which stays text.
    pub font: Option<Font>,
    /// The width on paper; the height follows, and text grows and shrinks with the figure.
    pub width: Option<Length>,
    /// What figures are written as beside SVG.
    pub formats: Vec<Format>,
}

/// A format of figures beside SVG, set in the fonts of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With its fonts within, and text that can be searched.
    Pdf,
    /// At 300 dots per inch of its width on paper; without one at 96 pixels an inch.
    Png,
}

named! {
    Format: "format of figures" {
        Pdf = "pdf",
        Png = "png",
    }
}

/// The name of a font, as the system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Font(String);

impl Font {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Font {
    type Err = String;

    /// Letters, digits, spaces, `-`, `_` and `.`, so that no name can end the style that it
    /// stands in.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_alphanumeric() || [' ', '-', '_', '.'].contains(&c);
        let name = text.trim();
        match !name.is_empty() && name.chars().count() <= LONGEST && name.chars().all(is_plain) {
            true => Ok(Self(name.to_owned())),
            false => Err("expected the name of one font, as \"Times New Roman\"".to_owned()),
        }
    }
}

/// A length on paper.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    number: f64,
    unit: Unit,
}

/// What a length is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Inches,
    Millimetres,
    Centimetres,
    Points,
}

impl Unit {
    const ALL: [Self; 4] = [
        Self::Inches,
        Self::Millimetres,
        Self::Centimetres,
        Self::Points,
    ];

    /// As SVG and CSS name it.
    const fn name(self) -> &'static str {
        match self {
            Self::Inches => "in",
            Self::Millimetres => "mm",
            Self::Centimetres => "cm",
            Self::Points => "pt",
        }
    }

    /// How many of it are an inch.
    const fn per_inch(self) -> f64 {
        match self {
            Self::Inches => 1.0,
            Self::Millimetres => 25.4,
            Self::Centimetres => 2.54,
            Self::Points => 72.0,
        }
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let parsed = Unit::ALL.into_iter().find_map(|unit| {
            let number: f64 = text.strip_suffix(unit.name())?.trim().parse().ok()?;
            let inches = number / unit.per_inch();
            (inches > 0.0 && inches <= WIDEST).then_some(Self { number, unit })
        });
        parsed.ok_or_else(|| {
            format!(
                "expected a length of up to {WIDEST} inches, as 3.25in, 82.5mm, 8.25cm or 234pt"
            )
        })
    }
}

impl fmt::Display for Length {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = (self.number * 10_000.0).round() / 10_000.0;
        write!(out, "{rounded}{}", self.unit.name())
    }
}

impl Print {
    /// Width and height of a figure's file: on paper, else in user units.
    pub(super) fn size(&self, figure: &Figure) -> (String, String) {
        let (width, height) = figure.size();
        match self.width {
            None => (width.to_string(), height.to_string()),
            Some(length) => {
                let tall = Length {
                    number: length.number * height / width,
                    ..length
                };
                (length.to_string(), tall.to_string())
            }
        }
    }

    /// The rule that sets the font; it stands behind all others.
    pub(super) fn rule(&self) -> String {
        let rule = |font: &Font| format!(".fig{{font-family:\"{}\",sans-serif}}\n", font.name());
        self.font.as_ref().map_or_else(String::new, rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_of_paper() {
        let size = |width: &str| {
            let width = Some(width.parse().expect("a length"));
            let figure = Figure::new("a", "a", 650.0, 325.0);
            let print = Print {
                width,
                ..Print::default()
            };
            print.size(&figure)
        };
        assert_eq!(size("3.25in"), ("3.25in".to_owned(), "1.625in".to_owned()));
        assert_eq!(size("90 mm"), ("90mm".to_owned(), "45mm".to_owned()));
        for wrong in [
            "3.25", "0in", "-1cm", "infpt", "NaNin", "in", "1e9in", "2em",
        ] {
            assert!(wrong.parse::<Length>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_font_is_a_name_and_nothing_else() {
        let font: Font = " CMU Serif ".parse().expect("a name");
        let print = Print {
            font: Some(font),
            ..Print::default()
        };
        let drawn = Figure::new("a", "a", 10.0, 10.0).file(&print);
        assert!(
            drawn.contains(".fig{font-family:\"CMU Serif\",sans-serif}"),
            "{drawn}"
        );
        for wrong in ["", " ", "a\"b", "x}</style><script>", "a;b", "a,b"] {
            assert!(wrong.parse::<Font>().is_err(), "{wrong}");
        }
    }
}
