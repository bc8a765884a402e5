//! A figure's file as PDF and PNG, set in the fonts of the system.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::fontdb::{Database, Family, Query};
use resvg::usvg::{Options, Tree};
use svg2pdf::{ConversionOptions, PageOptions};

use super::print::{Font, Format, Print};
use crate::{ErrorKind, Result};

/// Pixels of a CSS inch.
const PER_INCH: f32 = 96.0;

/// Dots per inch of a PNG that has a width on paper.
const PRINTED: f32 = 300.0;

/// Sans-serif fonts, of which the first that is there stands for the system's.
const PLAIN: [&str; 6] = [
    "Helvetica",
    "Arial",
    "Liberation Sans",
    "DejaVu Sans",
    "Noto Sans",
    "Segoe UI",
];

/// The fonts of the system, and how sharp a picture is.
pub(in crate::report) struct Press {
    options: Options<'static>,
    scale: f32,
}

impl Press {
    /// Looks up the fonts.
    ///
    /// # Errors
    /// [`ErrorKind::Press`] where the font that is asked for is not there, or none is.
    pub fn of(print: &Print) -> Result<Self> {
        let mut fonts = Database::new();
        fonts.load_system_fonts();
        let plain = plain(&fonts)?;
        fonts.set_sans_serif_family(&plain);
        let asked = print.font.as_ref().map(Font::name);
        if let Some(name) = asked.filter(|name| !has(&fonts, name)) {
            return Err(refused(format!("the system has no font called `{name}`")));
        }
        let options = Options {
            fontdb: Arc::new(fonts),
            font_family: plain,
            ..Options::default()
        };
        let scale = print.width.map_or(1.0, |_| PRINTED / PER_INCH);
        Ok(Self { options, scale })
    }

    /// A figure's file in a format.
    ///
    /// # Errors
    /// [`ErrorKind::Press`] where the figure cannot be set.
    pub fn set(&self, svg: &str, format: Format) -> Result<Vec<u8>> {
        let tree = Tree::from_str(svg, &self.options).map_err(refused)?;
        match format {
            Format::Pdf => {
                let page = PageOptions { dpi: PER_INCH };
                svg2pdf::to_pdf(&tree, ConversionOptions::default(), page).map_err(refused)
            }
            Format::Png => self.picture(&tree),
        }
    }

    fn picture(&self, tree: &Tree) -> Result<Vec<u8>> {
        let size = tree.size().to_int_size().scale_by(self.scale);
        let picture = size.and_then(|size| Pixmap::new(size.width(), size.height()));
        let mut picture = picture.ok_or_else(|| refused("a picture of that size does not fit"))?;
        let scale = Transform::from_scale(self.scale, self.scale);
        resvg::render(tree, scale, &mut picture.as_mut());
        picture.encode_png().map_err(refused)
    }
}

/// A sans-serif font that is there.
fn plain(fonts: &Database) -> Result<String> {
    let first = fonts
        .faces()
        .find_map(|face| Some(&face.families.first()?.0));
    let known = PLAIN.into_iter().find(|name| has(fonts, name));
    let plain = known.map(str::to_owned).or(first.cloned());
    plain.ok_or_else(|| refused("the system has no fonts"))
}

fn has(fonts: &Database, name: &str) -> bool {
    let families = &[Family::Name(name)];
    let query = Query {
        families,
        ..Query::default()
    };
    fonts.query(&query).is_some()
}

fn refused(detail: impl ToString) -> crate::Error {
    let detail = detail.to_string();
    ErrorKind::Press { detail }.at("figures")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figures::Figure;
    use crate::report::figures::canvas::text;

    fn press(width: Option<&str>, font: Option<&str>) -> (Print, Result<Press>) {
        let print = Print {
            width: width.map(|width| width.parse().unwrap()),
            font: font.map(|font| font.parse().unwrap()),
            ..Print::default()
        };
        let press = Press::of(&print);
        (print, press)
    }

    fn figure() -> Figure {
        let mut figure = Figure::new("a", "a", 192.0, 96.0);
        figure.add(text(10.0, 50.0, "", "weights"));
        figure
    }

    #[test]
    fn a_pdf_is_as_wide_as_asked_for_and_has_its_font_within() {
        let (print, press) = press(Some("3.25in"), None);
        let pdf = press
            .unwrap()
            .set(&figure().file(&print), Format::Pdf)
            .unwrap();
        let text = String::from_utf8_lossy(&pdf);
        // 3.25 inches are 234 points, and half of that is its height.
        assert!(text.contains("/MediaBox [0 0 234 117]"), "{text}");
        assert!(text.contains("/FontFile") && text.contains("/ToUnicode"));
    }

    #[test]
    fn a_png_has_300_dots_an_inch_of_paper_and_its_words_are_drawn() {
        for (width, pixels) in [(None, 192), (Some("1in"), 300)] {
            let (print, press) = press(width, None);
            let png = press
                .unwrap()
                .set(&figure().file(&print), Format::Png)
                .unwrap();
            let picture = Pixmap::decode_png(&png).unwrap();
            assert_eq!(picture.width(), pixels);
            assert!(picture.pixels().iter().any(|p| p.red() < 100));
        }
    }

    #[test]
    fn a_font_that_is_not_there_is_refused() {
        let (_, press) = press(None, Some("No Such Font"));
        let error = press.err().expect("refused").to_string();
        assert!(error.contains("no font called `No Such Font`"), "{error}");
    }
}
