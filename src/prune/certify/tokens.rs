//! Finite domains: every tuple of tokens, one by one.
//!
//! Each tuple is a box of width zero, so its bound is the change itself with the
//! rounding error of computing it, some 1e-13 wide.

use rayon::prelude::*;

use super::curve::Range;
use super::forward::Pass;
use super::pair::Pair;
use super::verdict::Counted;
use super::{CertificateMethod, Counterexample, Input, Outcome, Refusal, Stop, Verdict};
use crate::model::Mlp;
use crate::numeric::{LANES, Lanes};

/// The tuples of a network's tokens and what it reads for each.
struct Tuples<'a> {
    original: &'a Mlp<f64>,
    pruned: &'a Mlp<f64>,
    tokens: usize,
    positions: usize,
    count: usize,
}

/// What one tuple does to every output, each from `lo` to `hi`.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// Pruned − original.
    pub change: Vec<[f64; 2]>,
    /// The outputs of the original and of the pruned.
    pub outputs: [Vec<[f64; 2]>; 2],
}

/// A case whose outputs were read.
struct Read {
    change: Vec<[f64; 2]>,
    /// The largest output in the original and in the pruned, where rounding leaves no doubt.
    decisions: [Option<usize>; 2],
}

/// Certifies the outputs of two networks for every tuple of tokens; decisions are those of
/// the networks evaluated, each output up to its own `rounding` from that of real numbers.
pub(super) fn certify(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    tolerance: &[f64],
    rounding: &[Vec<f64>; 2],
    limit: u64,
) -> Result<Verdict, Refusal> {
    let pair = Pair::new(original, pruned)?;
    let tuples = Tuples::new(original, pruned, limit)?;
    let cases = tuples.all(&pair, |case| Read {
        decisions: [0, 1].map(|of| largest(&widened(&case.outputs[of], &rounding[of]))),
        change: case.change,
    });
    let outputs = tolerance.len();
    let (mut bounds, mut found, mut at) =
        (vec![0.0_f64; outputs], vec![0.0; outputs], vec![0; outputs]);
    for (number, case) in cases.iter().enumerate() {
        for (output, [lo, hi]) in case.change.iter().enumerate() {
            bounds[output] = bounds[output].max(hi.max(-lo));
            let least = lo.max(-hi);
            if least > found[output] {
                (found[output], at[output]) = (least, number);
            }
        }
    }
    let over = (0..outputs).find(|k| found[*k] > tolerance[*k]);
    let input = |number: usize| Input::Tokens(tuples.tuple(number));
    let outcome = match over {
        Some(output) => Outcome::Refuted(Counterexample {
            input: input(at[output]),
            output,
            change: found[output],
        }),
        None if bounds.iter().zip(tolerance).all(|(b, t)| b <= t) => Outcome::Holds,
        None => Outcome::Undecided,
    };
    let decisions = count(&cases, |number| tuples.tuple(number));
    Ok(Verdict {
        method: CertificateMethod::Enumeration,
        decisions: Some(decisions),
        outcome,
        stop: Stop::Done,
        bounds,
        found_at: at.into_iter().map(input).collect(),
        found,
        boxes: tuples.count as u64,
        seconds: 0.0,
    })
}

/// How many tuples keep their decision.
fn count(cases: &[Read], tuple: impl Fn(usize) -> Vec<usize>) -> Counted {
    let mut counted = Counted::default();
    for (number, case) in cases.iter().enumerate() {
        match case.decisions {
            [Some(before), Some(after)] if before == after => counted.same += 1,
            [Some(_), Some(_)] => {
                counted.changed += 1;
                counted
                    .example
                    .get_or_insert_with(|| Input::Tokens(tuple(number)));
            }
            _ => counted.ties += 1,
        }
    }
    counted
}

/// Every case of two networks, the second with the free readings of the pair, by what `read`
/// makes of it.
pub(super) fn every_case<R: Send>(
    pair: &Pair,
    (original, pruned): (&Mlp<f64>, &Mlp<f64>),
    limit: u64,
    read: impl Fn(Case) -> R + Sync,
) -> Result<Vec<(Vec<usize>, R)>, Refusal> {
    let tuples = Tuples::new(original, pruned, limit)?;
    let read = tuples.all(pair, read).into_iter().enumerate();
    Ok(read.map(|(n, read)| (tuples.tuple(n), read)).collect())
}

/// Ranges moved outward by what rounding may add.
pub(super) fn widened(ranges: &[[f64; 2]], rounding: &[f64]) -> Vec<[f64; 2]> {
    let wider = |([lo, hi], r): (&[f64; 2], &f64)| match *r > 0.0 {
        true => [(lo - r).next_down(), (hi + r).next_up()],
        false => [*lo, *hi],
    };
    ranges.iter().zip(rounding).map(wider).collect()
}

/// The output that is larger than every other whatever the rounding did; of a
/// single output its sign.
pub(super) fn largest(outputs: &[[f64; 2]]) -> Option<usize> {
    if let [[lo, hi]] = outputs {
        return match (*lo > 0.0, *hi < 0.0) {
            (true, _) => Some(1),
            (_, true) => Some(0),
            _ => None,
        };
    }
    let best = (0..outputs.len()).max_by(|a, b| outputs[*a][0].total_cmp(&outputs[*b][0]))?;
    let behind = |other: usize| other == best || outputs[other][1] < outputs[best][0];
    (0..outputs.len()).all(behind).then_some(best)
}

impl<'a> Tuples<'a> {
    fn new(original: &'a Mlp<f64>, pruned: &'a Mlp<f64>, limit: u64) -> Result<Self, Refusal> {
        let (Some(table), Some(other)) = (&original.embedding, &pruned.embedding) else {
            return Err(Refusal::DomainKind { tokens: true });
        };
        if table.dim() != other.dim() || table.is_empty() {
            return Err(Refusal::Outside("the embeddings differ in shape".into()));
        }
        let (tokens, positions) = (table.nrows(), original.widths()[0] / table.ncols());
        let count = (tokens as u64).checked_pow(positions as u32);
        match count {
            Some(count) if count <= limit => Ok(Self {
                original,
                pruned,
                tokens,
                positions,
                count: count as usize,
            }),
            _ => Err(Refusal::TooManyTuples {
                tokens,
                positions,
                limit,
            }),
        }
    }

    /// The tokens of a tuple, by its number.
    fn tuple(&self, number: usize) -> Vec<usize> {
        let digit =
            |p: usize| number / self.tokens.pow((self.positions - 1 - p) as u32) % self.tokens;
        (0..self.positions).map(digit).collect()
    }

    /// What is read of all tuples, in order.
    fn all<R: Send>(&self, pair: &Pair, read: impl Fn(Case) -> R + Sync) -> Vec<R> {
        let numbers: Vec<usize> = (0..self.count).collect();
        numbers
            .par_chunks(LANES)
            .map_init(
                || Pass::new(pair, &[]),
                |pass, some| -> Vec<R> {
                    let cases = self.some(pair, pass, some).into_iter();
                    cases.map(&read).collect()
                },
            )
            .flatten_iter()
            .collect()
    }

    /// The changes of up to eight tuples.
    fn some(&self, pair: &Pair, pass: &mut Pass, numbers: &[usize]) -> Vec<Case> {
        let (inputs, changes) = self.load(pair, numbers);
        pass.set_inputs(&inputs);
        pass.set_input_changes(&changes);
        pass.run(pair);
        (0..numbers.len())
            .map(|lane| read_case(pair, pass, lane))
            .collect()
    }

    /// What the original reads for each tuple, and by how much the pruned reads another.
    fn load(&self, pair: &Pair, numbers: &[usize]) -> (Vec<Range>, Vec<Range>) {
        let zero = Range {
            lo: Lanes::ZERO,
            hi: Lanes::ZERO,
        };
        let (mut inputs, mut changes) = (vec![zero; pair.inputs], vec![zero; pair.inputs]);
        for lane in 0..LANES {
            let tuple = self.tuple(numbers[lane.min(numbers.len() - 1)]);
            for input in 0..pair.inputs {
                let value = embedded(self.original, &tuple, input);
                let change = embedded(self.pruned, &tuple, input) - value;
                (inputs[input].lo.0[lane], inputs[input].hi.0[lane]) = (value, value);
                let exact = change == 0.0 || change == -value;
                let (lo, hi) = if exact {
                    (change, change)
                } else {
                    (change.next_down(), change.next_up())
                };
                (changes[input].lo.0[lane], changes[input].hi.0[lane]) = (lo, hi);
            }
        }
        (inputs, changes)
    }
}

/// Reads one lane's outputs.
fn read_case(pair: &Pair, pass: &Pass, lane: usize) -> Case {
    let outputs = &pass.layers[pair.layers.len()];
    let side = |range: Range| {
        let (lo, hi) = (range.lo.0[lane], range.hi.0[lane]);
        let sound = pass.poison.0[lane] == 0.0 && lo <= hi;
        if sound {
            [lo, hi]
        } else {
            [f64::NEG_INFINITY, f64::INFINITY]
        }
    };
    let count = pair.outputs();
    let change: Vec<[f64; 2]> = (0..count)
        .map(|k| side(outputs.read_change.range_of(k)))
        .collect();
    let value: Vec<[f64; 2]> = (0..count).map(|k| side(outputs.read.range_of(k))).collect();
    let sum = |(v, c): (&[f64; 2], &[f64; 2])| [(v[0] + c[0]).next_down(), (v[1] + c[1]).next_up()];
    let pruned: Vec<[f64; 2]> = value.iter().zip(&change).map(sum).collect();
    Case {
        change,
        outputs: [value, pruned],
    }
}

/// What a physical input of a network reads for a tuple; 0 without an embedding.
pub(super) fn embedded(model: &Mlp<f64>, tuple: &[usize], input: usize) -> f64 {
    let Some(table) = &model.embedding else {
        return 0.0;
    };
    let (fold, d) = (model.in_perm.len(), table.ncols());
    let feature = input / fold * fold + model.in_perm[input % fold];
    table[[tuple[feature / d], feature % d]]
}
