//! The colours, and the classes that carry them.
//!
//! Blue is positive and red is negative, as in the BIMT paper; modules take the
//! colours of Okabe and Ito, which people with any colour vision can tell apart.
//! On the page colours are CSS variables with a light and a dark value; a figure
//! saved as a file is drawn in the light ones, spelled out, so that programs
//! which know no variables draw it too.

/// A colour with its value on light and on dark ground.
struct Colour {
    name: &'static str,
    light: &'static str,
    dark: &'static str,
}

const fn colour(name: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { name, light, dark }
}

const COLOURS: [Colour; 24] = [
    colour("paper", "#ffffff", "#15181d"),
    colour("panel", "#f5f6f8", "#1d2127"),
    colour("ink", "#1a1d22", "#e6e8ec"),
    colour("quiet", "#59616d", "#a2abb7"),
    colour("rule", "#dadee4", "#343b45"),
    colour("link", "#0b57c2", "#8ab8ff"),
    colour("pos", "#1c4fd6", "#79a6ff"),
    colour("neg", "#d11f2a", "#ff7069"),
    colour("pale", "#c4cad3", "#4a525e"),
    colour("dot", "#a3abb6", "#5c6572"),
    colour("plane", "#eef0f4", "#20252c"),
    colour("bridge", "#a3007f", "#ff85dc"),
    colour("holds", "#0a7a4b", "#4fd39a"),
    colour("fails", "#b3261e", "#ff8a80"),
    colour("m0", "#e69f00", "#e69f00"),
    colour("m1", "#009e73", "#12b488"),
    colour("m2", "#56b4e9", "#56b4e9"),
    colour("m3", "#cc79a7", "#d98bb6"),
    colour("m4", "#d55e00", "#e8721a"),
    colour("m5", "#0072b2", "#3391cf"),
    colour("m6", "#f0e442", "#f0e442"),
    colour("m7", "#8a919c", "#8a919c"),
    colour("onmodule", "#16181c", "#16181c"),
    colour("band", "#e3e7ee", "#2a3039"),
];

/// Modules that have a colour of their own; later ones take them again as rings.
pub const MODULE_COLOURS: usize = 8;

/// The style sheet that every figure needs, with colours as variables.
pub const FIGURE_CSS: &str = include_str!("../../../templates/figure.css");

/// The variables for a page: light, and dark where the reader asked for it on a screen.
#[must_use]
pub fn variables() -> String {
    let block = |value: fn(&Colour) -> &'static str| -> String {
        let line = |c: &Colour| format!("--{}:{};", c.name, value(c));
        COLOURS.iter().map(line).collect()
    };
    format!(
        ":root{{color-scheme:light dark;{}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}\n",
        block(|c| c.light),
        block(|c| c.dark)
    )
}

/// The figures' style sheet with the light colours spelled out.
#[must_use]
pub fn standalone_css() -> String {
    COLOURS.iter().fold(FIGURE_CSS.to_owned(), |css, c| {
        css.replace(&format!("var(--{})", c.name), c.light)
    })
}

/// The class of what belongs to a module: `m3`, and `m3 ring` the second time round.
#[must_use]
pub fn module_class(module: usize) -> String {
    let hue = module % MODULE_COLOURS;
    if module < MODULE_COLOURS {
        format!("m{hue}")
    } else {
        format!("m{hue} ring")
    }
}

/// The class of a weight by its sign.
#[must_use]
pub fn sign_class(weight: f64) -> &'static str {
    if weight < 0.0 { "neg" } else { "pos" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_figure_needs_no_variables() {
        let css = standalone_css();
        assert!(!css.contains("var("), "left over in {css}");
        assert!(css.contains("#1c4fd6"));
    }

    #[test]
    fn more_modules_than_colours_stay_apart() {
        assert_eq!(module_class(3), "m3");
        assert_eq!(module_class(11), "m3 ring");
    }
}
