//! Text from files as it is shown: one escape for each language it is written in.
//!
//! What steers a terminal, turns the direction of reading or breaks a line is shown
//! as an escape, in every language; each language then quotes what it would run.
//! JSON for programs deliberately does not come through here: it holds names as they
//! are, in escapes of its own.

mod policy;

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes as base64 (RFC 4648, with padding).
pub use base64::encode as base64;
pub use policy::policy;

/// Whether a character steers instead of being seen.
///
/// These are Unicode's control characters, line and paragraph separators, marks and
/// overrides of direction (UAX 9), and the byte order mark and non-characters.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(
            c,
            '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}'
        )
}

/// One line in which everything can be seen.
///
/// ```
/// use modscope::escape::visible;
/// assert_eq!(visible("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
/// assert_eq!(visible("β = 0.5"), "β = 0.5");
/// ```
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Text of HTML, XML or SVG, or a value in quotes there.
#[must_use]
pub fn markup(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A cell that no spreadsheet runs as a formula: an apostrophe stands before what
/// begins like one. Source: OWASP, CSV Injection.
#[must_use]
pub fn cell(text: &str) -> String {
    let text = visible(text);
    let first = text.trim_start().chars().next();
    match first {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{text}"),
        _ => text.into_owned(),
    }
}

/// A cell of a Markdown table that no wiki takes for a link, an image or markup.
/// Source: CommonMark 0.31, backslash escapes.
#[must_use]
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let visible = visible(text);
    let mut chars = visible.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            // Bare addresses become links in many wikis.
            ':' if chars.peek() == Some(&'/') => out.push_str("\\:"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '!' | '#' | '~' | '$' | '>' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text that LaTeX prints as it is; the signs of reports as commands.
#[must_use]
pub fn latex(text: &str) -> String {
    let mut out = String::new();
    for c in visible(text).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '±' => out.push_str("$\\pm$"),
            '−' => out.push_str("$-$"),
            '≤' => out.push_str("$\\leq$"),
            '≥' => out.push_str("$\\geq$"),
            '<' | '>' => {
                out.push('$');
                out.push(c);
                out.push('$');
            }
            '×' => out.push_str("$\\times$"),
            '∞' => out.push_str("$\\infty$"),
            'τ' => out.push_str("$\\tau$"),
            'µ' => out.push_str("$\\mu$"),
            '↓' => out.push_str("$\\downarrow$"),
            '↑' => out.push_str("$\\uparrow$"),
            '▲' => out.push_str("$\\blacktriangle$"),
            '▼' => out.push_str("$\\blacktriangledown$"),
            '–' => out.push_str("--"),
            c => match superscript(c) {
                Some(digit) => {
                    let _ = write!(out, "$^{{{digit}}}$");
                }
                None => out.push(c),
            },
        }
    }
    out
}

/// The digit or sign that stands raised.
fn superscript(c: char) -> Option<char> {
    let place = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻".chars().position(|raised| raised == c)?;
    "0123456789-".chars().nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_in_any_language() {
        let text: String = (0..=0x3000).filter_map(char::from_u32).collect();
        for escaped in [markup(&text), cell(&text), markdown(&text), latex(&text)] {
            assert!(!escaped.contains(steers));
        }
    }

    #[test]
    fn cells_are_no_formulas_and_wikis_run_nothing() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell(" @x"), "' @x");
        assert_eq!(cell("\t=1"), "\\t=1");
        assert_eq!(cell("x=1"), "x=1");
        assert_eq!(markdown("http://a"), "http\\://a");
        assert_eq!(
            markdown("[a](javascript:b) <img>|"),
            "\\[a\\](javascript:b) &lt;img\\>\\|"
        );
    }

    #[test]
    fn latex_prints_what_was_written() {
        assert_eq!(latex("a_b & 5 % ± 2"), "a\\_b \\& 5 \\% $\\pm$ 2");
        assert_eq!(latex("10⁻³"), "10$^{-}$$^{3}$");
        assert_eq!(latex("\\x"), "\\textbackslash{}x");
    }
}
