//! S-expressions with their lines.
//!
//! They are built on a stack of limited depth: no file makes the reader call itself deeply.

use super::Fault;

/// How deep lists may stand in each other: a property needs five.
const DEEPEST: usize = 32;
/// Words and lists of a file, at most.
const MOST: usize = 8 << 20;

/// A word or a list.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression<'t> {
    Word(usize, &'t str),
    List(usize, Vec<Expression<'t>>),
}

impl<'t> Expression<'t> {
    /// The line on which it begins, from 1.
    pub fn line(&self) -> usize {
        match self {
            Self::Word(line, _) | Self::List(line, _) => *line,
        }
    }

    /// The first word of a list and the rest of it.
    pub fn operation(&self) -> Option<(&'t str, &[Self])> {
        match self {
            Self::List(_, parts) => match parts.split_first()? {
                (Self::Word(_, name), rest) => Some((name, rest)),
                (Self::List(..), _) => None,
            },
            Self::Word(..) => None,
        }
    }

    /// It as it stood, cut short.
    pub fn text(&self) -> String {
        const SHOWN: usize = 60;
        let mut text = self.whole();
        if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
            text.truncate(cut);
            text.push('…');
        }
        text
    }

    fn whole(&self) -> String {
        match self {
            Self::Word(_, word) => (*word).to_owned(),
            Self::List(_, parts) => {
                let parts: Vec<String> = parts.iter().take(20).map(Self::whole).collect();
                format!("({})", parts.join(" "))
            }
        }
    }
}

/// All expressions of a text.
pub(super) fn expressions(text: &str) -> Result<Vec<Expression<'_>>, Fault> {
    let mut whole = Vec::new();
    // Lists that are not closed yet, and where they began.
    let mut open: Vec<(usize, Vec<Expression<'_>>)> = Vec::new();
    let mut count = 0;
    for (line, word) in words(text) {
        count += 1;
        if count > MOST {
            return Fault::new(line, format!("the file has over {MOST} words"));
        }
        let done = match word {
            "(" if open.len() == DEEPEST => {
                return Fault::new(line, format!("lists stand over {DEEPEST} deep"));
            }
            "(" => {
                open.push((line, Vec::new()));
                continue;
            }
            ")" => match open.pop() {
                Some((line, parts)) => Expression::List(line, parts),
                None => return Fault::new(line, "a `)` closes nothing"),
            },
            word => Expression::Word(line, word),
        };
        match open.last_mut() {
            Some((_, parts)) => parts.push(done),
            None => whole.push(done),
        }
    }
    match open.pop() {
        Some((line, _)) => Fault::new(line, "a `(` is not closed"),
        None => Ok(whole),
    }
}

/// Parentheses and words with their lines; comments are left out.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').enumerate();
    lines.flat_map(|(number, line)| {
        let code = line.split(';').next().unwrap_or_default();
        let mut rest = code;
        std::iter::from_fn(move || {
            rest = rest.trim_start();
            let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')');
            let length = match rest.chars().next()? {
                '(' | ')' => 1,
                _ => rest.find(ends).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(length);
            rest = after;
            Some((number + 1, word))
        })
    })
}
