//! Assertions as boxes of inputs.

use std::collections::BTreeMap;

use super::Fault;
use super::expression::{Expression, expressions};

/// Numbers of all boxes together, at most.
const MOST_NUMBERS: usize = 16 << 20;
/// Boxes, at most.
const MOST_BOXES: usize = 4096;

/// What a text says.
#[derive(Debug, PartialEq)]
pub(super) struct Read {
    /// The boxes of inputs it allows, `[lo, hi]` per input.
    pub boxes: Vec<Vec<[f64; 2]>>,
    /// Outputs that are declared.
    pub outputs: usize,
    /// Assertions that speak of outputs.
    pub on_outputs: usize,
}

/// Bounds of some inputs; the others are free.
type Bounds = BTreeMap<usize, [f64; 2]>;

/// What an assertion asks of inputs, as alternatives, and whether it speaks of outputs.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    alternatives: Vec<Bounds>,
    outputs: bool,
}

/// The variables, with the lines that declare them.
#[derive(Debug, Default)]
struct Declared {
    inputs: BTreeMap<usize, usize>,
    outputs: BTreeMap<usize, usize>,
}

/// What a word stands for.
enum Operand {
    Number(f64),
    Input(usize),
    /// An output, or a sum of some.
    Outputs,
}

/// Reads a whole text.
pub(super) fn read(text: &str) -> Result<Read, Fault> {
    let mut declared = Declared::default();
    let (mut one, mut several, mut on_outputs) = (Bounds::new(), Vec::new(), 0);
    for expression in expressions(text)? {
        let line = expression.line();
        match expression.operation() {
            Some(("declare-const" | "declare-fun", rest)) => declared.declare(line, rest)?,
            // What a solver is told of the logic and when to begin changes no property.
            Some(("set-logic" | "set-info" | "set-option" | "check-sat" | "exit", _)) => {}
            Some(("assert", [formula])) => {
                let asked = declared.asked(formula)?;
                on_outputs += usize::from(asked.outputs);
                match <[Bounds; 1]>::try_from(asked.alternatives) {
                    Ok([bounds]) => narrow(&mut one, &bounds),
                    Err(alternatives) => several.push((line, alternatives)),
                }
            }
            _ => {
                let detail = format!("`{}` is no part of such a property", expression.text());
                return Fault::new(line, detail);
            }
        }
    }
    let inputs = Declared::count(&declared.inputs, "X")?;
    let outputs = Declared::count(&declared.outputs, "Y")?;
    let alternatives = all_of(one, several, inputs)?;
    Ok(Read {
        boxes: declared.boxes(alternatives)?,
        outputs,
        on_outputs,
    })
}

impl Declared {
    /// `X_0 Real` or `X_0 () Real`.
    fn declare(&mut self, line: usize, rest: &[Expression<'_>]) -> Result<(), Fault> {
        let name = match rest {
            [Expression::Word(_, name), Expression::Word(_, "Real")] => *name,
            [
                Expression::Word(_, name),
                Expression::List(_, none),
                Expression::Word(_, "Real"),
            ] if none.is_empty() => *name,
            _ => {
                return Fault::new(
                    line,
                    "a declaration has the form `(declare-const X_0 Real)`",
                );
            }
        };
        let (kind, place) = match variable(name) {
            Some(('X', place)) => (&mut self.inputs, place),
            Some((_, place)) => (&mut self.outputs, place),
            None => {
                let detail = format!("`{name}` is neither an input `X_0` nor an output `Y_0`");
                return Fault::new(line, detail);
            }
        };
        match kind.insert(place, line) {
            None => Ok(()),
            Some(first) => Fault::new(line, format!("`{name}` is declared on line {first} too")),
        }
    }

    /// How many there are: numbered from 0 without gaps.
    fn count(kind: &BTreeMap<usize, usize>, letter: &str) -> Result<usize, Fault> {
        for (expected, (place, line)) in kind.iter().enumerate() {
            if *place != expected {
                let detail =
                    format!("`{letter}_{place}` is declared, `{letter}_{expected}` is not");
                return Fault::new(*line, detail);
            }
        }
        match (kind.len(), letter) {
            (0, "X") => Fault::new(1, "no input `X_0` is declared"),
            (count, _) => Ok(count),
        }
    }

    /// What a formula asks of the inputs.
    fn asked(&self, formula: &Expression<'_>) -> Result<Asked, Fault> {
        let line = formula.line();
        match formula.operation() {
            Some(("and", parts)) => {
                let all = Asked {
                    alternatives: vec![Bounds::new()],
                    outputs: false,
                };
                parts.iter().try_fold(all, |all, part| {
                    let part = self.asked(part)?;
                    Ok(Asked {
                        alternatives: both(line, all.alternatives, &part.alternatives)?,
                        outputs: all.outputs || part.outputs,
                    })
                })
            }
            Some(("or", parts)) if !parts.is_empty() => {
                let parts = parts.iter().map(|part| self.asked(part));
                let parts: Vec<Asked> = parts.collect::<Result<_, _>>()?;
                Ok(any_of(parts))
            }
            Some((relation @ ("<=" | ">="), [left, right])) => match relation {
                "<=" => self.at_most(line, left, right),
                _ => self.at_most(line, right, left),
            },
            _ => {
                let detail = format!(
                    "`{}` is no `<=` or `>=` of two, and no `and` or `or` of such",
                    formula.text()
                );
                Fault::new(line, detail)
            }
        }
    }

    /// `left <= right`.
    fn at_most(
        &self,
        line: usize,
        left: &Expression<'_>,
        right: &Expression<'_>,
    ) -> Result<Asked, Fault> {
        let bound = |input, side| Asked {
            alternatives: vec![Bounds::from([(input, side)])],
            outputs: false,
        };
        match (self.operand(left)?, self.operand(right)?) {
            (Operand::Input(input), Operand::Number(hi)) => {
                Ok(bound(input, [f64::NEG_INFINITY, hi]))
            }
            (Operand::Number(lo), Operand::Input(input)) => Ok(bound(input, [lo, f64::INFINITY])),
            (Operand::Outputs, Operand::Outputs | Operand::Number(_))
            | (Operand::Number(_), Operand::Outputs) => Ok(Asked {
                alternatives: vec![Bounds::new()],
                outputs: true,
            }),
            (Operand::Number(_), Operand::Number(_)) => {
                Fault::new(line, "two numbers are compared")
            }
            (Operand::Input(_), _) | (_, Operand::Input(_)) => Fault::new(
                line,
                format!(
                    "`{}` and `{}`: an input is bounded by a number, not by another variable",
                    left.text(),
                    right.text()
                ),
            ),
        }
    }

    /// A number, an input, or a sum of multiples of outputs.
    fn operand(&self, of: &Expression<'_>) -> Result<Operand, Fault> {
        let line = of.line();
        if let Some(number) = number(of) {
            return match number.is_finite() {
                true => Ok(Operand::Number(number)),
                false => Fault::new(line, format!("`{}` is no finite number", of.text())),
            };
        }
        if let Expression::Word(_, name) = of {
            return match variable(name) {
                Some(('X', place)) if self.inputs.contains_key(&place) => Ok(Operand::Input(place)),
                Some(('Y', place)) if self.outputs.contains_key(&place) => Ok(Operand::Outputs),
                Some(_) => Fault::new(line, format!("`{name}` is not declared above")),
                None => Fault::new(line, format!("`{name}` is no number and no variable")),
            };
        }
        match of.operation() {
            Some(("+" | "-" | "*", parts)) if !parts.is_empty() => {
                for part in parts {
                    if let Operand::Input(_) = self.operand(part)? {
                        let detail = format!("`{}` is no bound of one input", of.text());
                        return Fault::new(line, detail);
                    }
                }
                Ok(Operand::Outputs)
            }
            _ => Fault::new(
                line,
                format!("`{}` is no number and no variable", of.text()),
            ),
        }
    }

    /// Boxes of alternatives, those without an input left out, each once.
    fn boxes(&self, alternatives: Vec<Bounds>) -> Result<Vec<Vec<[f64; 2]>>, Fault> {
        let mut boxes: Vec<Vec<[f64; 2]>> = Vec::new();
        let last = self.inputs.values().max().map_or(1, |line| *line);
        for bounds in alternatives {
            if bounds.values().any(|[lo, hi]| lo > hi) {
                continue;
            }
            for (input, line) in &self.inputs {
                let side = bounds.get(input).copied();
                let [lo, hi] = side.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
                let missing = match (lo.is_finite(), hi.is_finite()) {
                    (true, true) => continue,
                    (false, true) => "lower bound",
                    (true, false) => "upper bound",
                    (false, false) => "bound",
                };
                return Fault::new(*line, format!("`X_{input}` has no {missing}"));
            }
            let sides: Vec<[f64; 2]> = bounds.into_values().collect();
            if !boxes.contains(&sides) {
                boxes.push(sides);
            }
        }
        match boxes.is_empty() {
            true => Fault::new(last, "no input satisfies the assertions"),
            false => Ok(boxes),
        }
    }
}

/// `X_3` as its letter and number.
fn variable(name: &str) -> Option<(char, usize)> {
    let (letter, place) = name.split_once('_')?;
    let digits = !place.is_empty() && place.bytes().all(|b| b.is_ascii_digit());
    // `X_03` would be another name of `X_3`.
    let plain = digits && (place == "0" || !place.starts_with('0'));
    match letter {
        "X" | "Y" if plain => Some((letter.chars().next()?, place.parse().ok()?)),
        _ => None,
    }
}

/// `1.5`, `-1.5` or `(- 1.5)`.
fn number(of: &Expression<'_>) -> Option<f64> {
    match (of, of.operation()) {
        (Expression::Word(_, word), _) => {
            let begins = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.');
            word.starts_with(begins).then(|| word.parse().ok())?
        }
        (_, Some(("-", [one @ Expression::Word(..)]))) => number(one).map(|x| -x),
        _ => None,
    }
}

/// Narrows bounds by others.
fn narrow(bounds: &mut Bounds, by: &Bounds) {
    for (input, [lo, hi]) in by {
        let side = bounds
            .entry(*input)
            .or_insert([f64::NEG_INFINITY, f64::INFINITY]);
        *side = [side[0].max(*lo), side[1].min(*hi)];
    }
}

/// Alternatives of which one of each holds; those that contradict each other are left out.
fn both(line: usize, some: Vec<Bounds>, others: &[Bounds]) -> Result<Vec<Bounds>, Fault> {
    if let [only] = others {
        let narrowed = some.into_iter().map(|mut bounds| {
            narrow(&mut bounds, only);
            bounds
        });
        return Ok(narrowed.collect());
    }
    let mut all = Vec::new();
    for bounds in some {
        for other in others {
            let mut bounds = bounds.clone();
            narrow(&mut bounds, other);
            let is_empty = bounds.values().any(|[lo, hi]| lo > hi);
            if !is_empty {
                all.push(bounds);
            }
            let numbers: usize = all.len() * all.last().map_or(0, BTreeMap::len);
            if all.len() > MOST_BOXES || numbers > MOST_NUMBERS {
                return too_many(line);
            }
        }
    }
    Ok(all)
}

fn too_many<T>(line: usize) -> Result<T, Fault> {
    Fault::new(
        line,
        format!("the alternatives are over {MOST_BOXES} boxes, or over {MOST_NUMBERS} numbers"),
    )
}

/// The alternatives of all parts. Where one leaves the inputs free, so does the whole.
fn any_of(parts: Vec<Asked>) -> Asked {
    let outputs = parts.iter().any(|part| part.outputs);
    let mut alternatives: Vec<Bounds> = parts.into_iter().flat_map(|p| p.alternatives).collect();
    if alternatives.iter().any(BTreeMap::is_empty) {
        alternatives = vec![Bounds::new()];
    }
    Asked {
        alternatives,
        outputs,
    }
}

/// What all assertions ask together: those without a choice first.
fn all_of(
    one: Bounds,
    several: Vec<(usize, Vec<Bounds>)>,
    inputs: usize,
) -> Result<Vec<Bounds>, Fault> {
    let mut all = vec![one];
    for (line, alternatives) in several {
        all = both(line, all, &alternatives)?;
        if all.len() > MOST_BOXES || all.len() * inputs > MOST_NUMBERS {
            return too_many(line);
        }
    }
    Ok(all)
}
