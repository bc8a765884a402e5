//! A result as JSON that people can read and that any parser reads back.
//!
//! The outer levels are indented; whatever lies deeper stands on one line, so
//! that a matrix or an edge takes a line and not a page.

use std::io::{self, Write};

use crate::escape::steers;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

/// Levels that are indented.
const INDENTED: usize = 3;

/// Writes a result as JSON, with a line break at the end.
///
/// # Errors
/// What the writer says.
pub fn write(result: &impl Serialize, mut to: impl Write) -> io::Result<()> {
    indented(result, INDENTED, &mut to)?;
    to.write_all(b"\n")?;
    to.flush()
}

/// JSON on one line, without a line break.
///
/// # Errors
/// If there is something in it that JSON has not.
pub fn line(result: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    indented(result, 0, &mut line)?;
    Ok(line)
}

/// One kind of writer for all: what a type is written by is compiled once.
fn indented(result: &impl Serialize, levels: usize, to: &mut dyn Write) -> io::Result<()> {
    let outline = Outline {
        levels,
        depth: 0,
        pretty: PrettyFormatter::new(),
    };
    result.serialize(&mut serde_json::Serializer::with_formatter(to, outline))?;
    Ok(())
}

/// Indents down to so many levels and is compact below.
struct Outline<'a> {
    levels: usize,
    depth: usize,
    pretty: PrettyFormatter<'a>,
}

impl Outline<'_> {
    fn is_pretty(&self) -> bool {
        self.depth <= self.levels
    }
}

impl Formatter for Outline<'_> {
    /// JSON lets control characters above 0x7f and marks of direction stand; a terminal
    /// that is shown the file would obey them, so that they are escaped too.
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        to: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(place) = rest.find(steers) {
            let (before, from) = rest.split_at(place);
            to.write_all(before.as_bytes())?;
            let mut chars = from.chars();
            if let Some(c) = chars.next() {
                // All of them are below 0x10000: one unit of UTF-16.
                write!(to, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        to.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_pretty() {
            self.pretty.begin_array(to)
        } else {
            CompactFormatter.begin_array(to)
        }
    }

    fn end_array<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        let is_pretty = self.is_pretty();
        self.depth -= 1;
        if is_pretty {
            self.pretty.end_array(to)
        } else {
            CompactFormatter.end_array(to)
        }
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() {
            self.pretty.begin_array_value(to, first)
        } else {
            CompactFormatter.begin_array_value(to, first)
        }
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        if self.is_pretty() {
            self.pretty.end_array_value(to)
        } else {
            CompactFormatter.end_array_value(to)
        }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        self.depth += 1;
        if self.is_pretty() {
            self.pretty.begin_object(to)
        } else {
            CompactFormatter.begin_object(to)
        }
    }

    fn end_object<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        let is_pretty = self.is_pretty();
        self.depth -= 1;
        if is_pretty {
            self.pretty.end_object(to)
        } else {
            CompactFormatter.end_object(to)
        }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, to: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() {
            self.pretty.begin_object_key(to, first)
        } else {
            CompactFormatter.begin_object_key(to, first)
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        if self.is_pretty() {
            self.pretty.begin_object_value(to)
        } else {
            CompactFormatter.begin_object_value(to)
        }
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, to: &mut W) -> io::Result<()> {
        if self.is_pretty() {
            self.pretty.end_object_value(to)
        } else {
            CompactFormatter.end_object_value(to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_levels_stand_on_one_line() {
        let mut bytes = Vec::new();
        let nested = serde_json::json!({"a": {"b": [[1, 2], {"c": 3}], "e": []}});
        let flat = b"{\"a\":{\"b\":[[1,2],{\"c\":3}],\"e\":[]}}";
        assert_eq!(line(&nested).expect("memory takes it"), flat);
        write(&nested, &mut bytes).expect("memory takes it");
        let text = String::from_utf8(bytes).expect("it is UTF-8");
        let expect = "{\n  \"a\": {\n    \"b\": [\n      [1,2],\n      {\"c\":3}\n    ],\n    \"e\": []\n  }\n}\n";
        assert_eq!(text, expect);
    }
}
