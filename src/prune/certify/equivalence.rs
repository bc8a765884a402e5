//! Equivalence of two networks on regions: ε, top-1 and δ-top-1.
//!
//! Boxes are halved, the largest first, until each is proved or an input is found that
//! refutes it; tuples of tokens are gone through one by one. What stands in for the second
//! network may be free to read anything within given widths (`Question::free`): then what is
//! proved holds whatever it reads, and what refutes does so whatever it reads.

use std::collections::VecDeque;
use std::time::Instant;

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::bound::{Bounder, Inputs};
use super::confident::{confident, seems_confident};
use super::decisions::{Ball, Judge, Judged, balls, decisions, halves, hull, middles};
use super::pair::Pair;
use super::rounding::rounding;
use super::tokens::{self, Case, largest, widened};
use super::{Arithmetic, Budget, Equivalence, Input, Known, Refusal, Stop, all_physical, features};
use crate::data::Domain;
use crate::model::Mlp;

/// Boxes judged in one round, at most.
const ROUND: usize = 512;
/// Smaller shares of a region are left undecided.
const SMALLEST: f64 = 1.0 / (1_u64 << 30) as f64;
/// Inputs that seem to refute and are looked at closely, at most.
const SUSPECTS: usize = 8;

/// For which inputs an answer is to speak.
#[derive(Debug, Clone, PartialEq)]
pub enum Regions {
    /// Every tuple of tokens.
    Tokens,
    /// All inputs of boxes, in physical order.
    Boxes(Vec<Vec<[f64; 2]>>),
}

/// Whether two networks are equivalent.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The first network.
    pub original: &'a Mlp<f64>,
    /// The second.
    pub changed: &'a Mlp<f64>,
    /// What each reader of the second may read more or less, `[layers][readers]`; nothing
    /// where it is empty.
    pub free: &'a [Vec<f64>],
    /// For which inputs.
    pub regions: &'a Regions,
    /// In which sense.
    pub equivalence: Equivalence,
    /// Per physical output: for ε.
    pub tolerance: &'a [f64],
    /// The least softmax of the first network's class: for δ-top-1.
    pub confidence: f64,
    /// What is compared.
    pub arithmetic: Arithmetic,
    /// Physical inputs `[inputs, n]` that are tried first; those in no box are passed over, and
    /// of tokens they are what tuples embed.
    pub points: ArrayView2<'a, f64>,
    /// Whether the first region that is not proved ends the search.
    pub one_is_enough: bool,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Equivalent {
    /// Boxes, balls or tuples that the question is of.
    pub regions: u64,
    /// Of these, proved.
    pub proved: u64,
    /// Of these, refuted.
    pub refuted: u64,
    /// An input that refutes, where it was found here.
    pub example: Option<Input>,
    /// Boxes examined.
    pub boxes: u64,
    /// Why the search ended.
    pub stop: Stop,
}

impl Regions {
    /// A domain as it is.
    ///
    /// # Errors
    /// A [`Refusal`] where it is none of the network.
    pub fn of_domain(model: &Mlp<f64>, domain: &Domain) -> Result<Self, Refusal> {
        match (domain.boxes(), &model.embedding) {
            (None, Some(_)) => Ok(Self::Tokens),
            (Some(boxes), None) => Ok(Self::Boxes(all_physical(model, boxes)?)),
            (Some(_), Some(_)) => Err(Refusal::DomainKind { tokens: false }),
            (None, None) => Err(Refusal::DomainKind { tokens: true }),
        }
    }

    /// All inputs within `radius` of samples `[inputs, n]` (in physical order) in every
    /// coordinate; where there is a domain, those within it.
    ///
    /// # Errors
    /// A [`Refusal`] where the network embeds tokens, or the domain is none of the network.
    pub fn around(
        model: &Mlp<f64>,
        samples: ArrayView2<'_, f64>,
        radius: f64,
        within: Option<&Domain>,
    ) -> Result<Self, Refusal> {
        match (within, within.and_then(Domain::boxes), &model.embedding) {
            (_, _, Some(_)) => Err(Refusal::DomainKind { tokens: false }),
            (Some(_), None, None) => Err(Refusal::DomainKind { tokens: true }),
            (_, boxes, None) => Ok(Self::Boxes(balls(model, samples, radius, boxes)?)),
        }
    }

    /// From where to where each physical input of a network may be.
    #[must_use]
    pub fn sides(&self, model: &Mlp<f64>) -> Vec<[f64; 2]> {
        match (self, &model.embedding) {
            (Self::Boxes(boxes), _) => hull(boxes),
            (Self::Tokens, None) => Vec::new(),
            (Self::Tokens, Some(table)) => (0..model.widths()[0])
                .map(|input| {
                    let tokens = 0..table.nrows();
                    let read = |token| {
                        let tuple = vec![token; model.widths()[0] / table.ncols()];
                        tokens::embedded(model, &tuple, input)
                    };
                    let values: Vec<f64> = tokens.map(read).collect();
                    let lo = values.iter().copied().fold(f64::INFINITY, f64::min);
                    [lo, values.into_iter().fold(f64::NEG_INFINITY, f64::max)]
                })
                .collect(),
        }
    }
}

impl Equivalent {
    /// What it comes to.
    #[must_use]
    pub fn known(&self) -> Known {
        match (self.refuted, self.proved == self.regions) {
            (0, true) => Known::Proved,
            (0, false) => Known::Undecided,
            _ => Known::Refuted,
        }
    }
}

/// Answers a question within a budget, of boxes and of seconds.
///
/// # Errors
/// A [`Refusal`] where the method does not apply.
pub fn equivalent(question: &Question<'_>, budget: &Budget) -> Result<Equivalent, Refusal> {
    let pair = Pair::new(question.original, question.changed)?.with_free(question.free);
    match question.regions {
        Regions::Tokens => of_tokens(question, &pair, budget),
        Regions::Boxes(boxes) => {
            let telling = telling(question, &pair, boxes);
            Ok(everywhere(telling.as_ref(), question, boxes, budget))
        }
    }
}

/// Boxes in which an input that refutes is looked for, after it is known that a region
/// cannot be proved: the point at which that shows may be one at which two outputs are equal.
const LOOKED_ON: u64 = 1000;

/// Who tells, in boxes, what is asked.
fn telling<'t>(
    question: &'t Question<'_>,
    pair: &'t Pair,
    boxes: &[Inputs],
) -> Box<dyn Telling + 't> {
    let networks = (question.original, question.changed);
    let judge = |confidence| Judge {
        confidence,
        ..Judge::new(pair, networks, boxes, question.arithmetic)
    };
    match question.equivalence {
        Equivalence::Epsilon => Box::new(Changes::new(question, pair, boxes)),
        Equivalence::Top1 => Box::new(judge(None)),
        Equivalence::DeltaTop1 => Box::new(judge(Some(question.confidence))),
    }
}

/// Tells boxes in which it is so from points at which it is not.
trait Telling {
    /// What is known of boxes, and where to halve them.
    fn told(&self, boxes: &[Inputs]) -> Vec<Judged>;

    /// Which of points `[inputs, n]` seem to refute, rounding aside.
    fn suspects(&self, points: ArrayView2<'_, f64>) -> Vec<usize>;

    /// Whether a point refutes, whatever rounding does.
    fn refutes(&self, point: ArrayView1<'_, f64>) -> bool;
}

/// How far outputs are apart.
struct Changes<'a, 'q> {
    question: &'a Question<'q>,
    bounder: Bounder<'a>,
    /// Per output, what rounding of both may add.
    rounding: Vec<f64>,
}

impl<'a, 'q> Changes<'a, 'q> {
    fn new(question: &'a Question<'q>, pair: &'a Pair, boxes: &[Inputs]) -> Self {
        let domain = hull(boxes);
        let each = [question.original, question.changed]
            .map(|model| rounding(model, &domain, question.arithmetic));
        Self {
            question,
            bounder: Bounder::new(pair, domain),
            rounding: each[0].iter().zip(&each[1]).map(|(a, b)| a + b).collect(),
        }
    }

    fn bounded(&self, boxes: &[Inputs]) -> Vec<super::bound::Bounded> {
        let symbols = |sides: &Inputs| -> Vec<[f64; 2]> {
            self.bounder.symbols.iter().map(|i| sides[*i]).collect()
        };
        let boxes: Vec<Vec<[f64; 2]>> = boxes.iter().map(symbols).collect();
        let scale = self.question.tolerance.iter();
        let scale: Vec<f64> = scale.map(|t| 1.0 / t.max(f64::MIN_POSITIVE)).collect();
        self.bounder.bound_all(&boxes, &scale)
    }
}

impl Telling for Changes<'_, '_> {
    fn told(&self, boxes: &[Inputs]) -> Vec<Judged> {
        let limits = self.question.tolerance.iter().zip(&self.rounding);
        let limits: Vec<f64> = limits.map(|(t, r)| t - r).collect();
        let bounded = self.bounded(boxes);
        let within = |b: &super::bound::Bounded| (0..limits.len()).all(|k| b.upper(k) <= limits[k]);
        let mut points = middles(boxes);
        for (mut point, bounded) in points.columns_mut().into_iter().zip(&bounded) {
            for (symbol, input) in self.bounder.symbols.iter().enumerate() {
                point[*input] = bounded.corner[symbol];
            }
        }
        let suspects = self.suspects(points.view());
        let judged = |(place, b): (usize, super::bound::Bounded)| Judged {
            ball: match within(&b) {
                true => Ball::Same(0),
                false if suspects.contains(&place) && self.refutes(points.column(place)) => {
                    let point = points.column(place).to_vec();
                    Ball::Differs(Input::Features(features(self.question.original, &point)))
                }
                false => Ball::Undecided,
            },
            split: self.bounder.symbols.get(b.split).copied().unwrap_or(0),
        };
        bounded.into_iter().enumerate().map(judged).collect()
    }

    fn suspects(&self, points: ArrayView2<'_, f64>) -> Vec<usize> {
        let apart = self.question.changed.outputs(points) - self.question.original.outputs(points);
        let over = |column: ArrayView1<'_, f64>| {
            let mut pairs = column.into_iter().zip(self.question.tolerance);
            pairs.any(|(change, tolerance)| change.abs() > *tolerance)
        };
        let columns = apart.columns().into_iter().enumerate();
        columns
            .filter(|(_, c)| over(*c))
            .map(|(place, _)| place)
            .collect()
    }

    fn refutes(&self, point: ArrayView1<'_, f64>) -> bool {
        let sides: Inputs = point.iter().map(|x| [*x, *x]).collect();
        let bounded = self.bounded(&[sides]);
        let change = bounded.first().map_or(&[][..], |b| &b.change);
        let limits = self.question.tolerance.iter().zip(&self.rounding);
        let mut over = change.iter().zip(limits);
        over.any(|([lo, hi], (t, r))| lo.max(-hi) > (t + r).next_up())
    }
}

impl Telling for Judge<'_> {
    fn told(&self, boxes: &[Inputs]) -> Vec<Judged> {
        self.all(boxes, middles(boxes).view())
    }

    fn suspects(&self, points: ArrayView2<'_, f64>) -> Vec<usize> {
        let (before, after) = (self.original.outputs(points), self.pruned.outputs(points));
        let differ = |column: &usize| {
            let [a, b] = [&before, &after].map(|out| crate::metric::decision(out.column(*column)));
            let outputs = before.column(*column);
            a != b
                && self
                    .confidence
                    .is_none_or(|c| seems_confident(outputs, a, c))
        };
        (0..points.ncols()).filter(differ).collect()
    }

    fn refutes(&self, point: ArrayView1<'_, f64>) -> bool {
        let column = point.insert_axis(ndarray::Axis(1));
        let of = |model: &Mlp<f64>| decisions(model, column)[0];
        let (before, after) = (of(self.original), of(self.pruned));
        before != after && self.proved_to_differ(&mut self.room(), point, before, after)
    }
}

/// A box that is part of a region, and how much of it.
struct Open {
    region: usize,
    sides: Inputs,
    share: f64,
}

/// What became of the regions so far.
struct Progress {
    refuted: Vec<bool>,
    /// In which nothing more is looked for.
    stuck: Vec<bool>,
    /// Boxes examined since a region is known not to be provable.
    lost: Vec<Option<u64>>,
    /// So many are, for an input that refutes.
    looked_on: u64,
    example: Option<Input>,
    boxes: u64,
}

/// Goes through regions, all of them at the same pace.
fn everywhere(
    telling: &dyn Telling,
    question: &Question<'_>,
    regions: &[Inputs],
    budget: &Budget,
) -> Equivalent {
    let started = Instant::now();
    let mut so_far = Progress {
        refuted: vec![false; regions.len()],
        stuck: vec![false; regions.len()],
        lost: vec![None; regions.len()],
        looked_on: match question.one_is_enough {
            true => 0,
            false => LOOKED_ON,
        },
        example: None,
        boxes: 0,
    };
    so_far.tried(telling, question, regions);
    let whole = |(region, sides): (usize, &Inputs)| Open {
        region,
        sides: sides.clone(),
        share: 1.0,
    };
    let mut open: VecDeque<Open> = regions.iter().enumerate().map(whole).collect();
    let stop = loop {
        open.retain(|part| !so_far.refuted[part.region] && !so_far.stuck[part.region]);
        let failed = so_far.refuted.contains(&true) || so_far.stuck.contains(&true);
        let left = budget.boxes.saturating_sub(so_far.boxes) as usize;
        match () {
            () if question.one_is_enough && failed => break Stop::Refuted,
            () if open.is_empty() => break Stop::Done,
            () if left == 0 => break Stop::Boxes,
            () if started.elapsed().as_secs_f64() > budget.seconds => break Stop::Seconds,
            () => {}
        }
        let round: Vec<Open> = open.drain(..open.len().min(ROUND).min(left)).collect();
        so_far.judge(telling, round, &mut open);
    };
    let mut unproved: Vec<bool> = so_far.refuted.clone();
    open.iter().for_each(|part| unproved[part.region] = true);
    for (region, unproved) in unproved.iter_mut().enumerate() {
        *unproved |= so_far.stuck[region] || so_far.lost[region].is_some();
    }
    let count = |flags: &[bool], of: bool| flags.iter().filter(|flag| **flag == of).count() as u64;
    Equivalent {
        regions: regions.len() as u64,
        proved: count(&unproved, false),
        refuted: count(&so_far.refuted, true),
        example: so_far.example,
        boxes: so_far.boxes,
        stop,
    }
}

impl Progress {
    /// Tries the points that were given, in the regions that hold them.
    fn tried(&mut self, telling: &dyn Telling, question: &Question<'_>, regions: &[Inputs]) {
        let points = question.points;
        for place in telling.suspects(points).into_iter().take(SUSPECTS) {
            let point = points.column(place);
            let holds = |sides: &Inputs| {
                let mut pairs = sides.iter().zip(point);
                pairs.all(|([lo, hi], x)| lo <= x && x <= hi)
            };
            let inside: Vec<usize> = (0..regions.len()).filter(|r| holds(&regions[*r])).collect();
            if !inside.is_empty() && telling.refutes(point) {
                inside
                    .into_iter()
                    .for_each(|region| self.refuted[region] = true);
                let input = features(question.original, &point.to_vec());
                self.example.get_or_insert(Input::Features(input));
            }
        }
    }

    /// Boxes that no halving will prove: it is not proved of their middles alone.
    fn hopeless(&self, telling: &dyn Telling, boxes: &[Inputs], told: &[Judged]) -> Vec<usize> {
        let undecided = |place: &usize| told[*place].ball == Ball::Undecided;
        let places: Vec<usize> = (0..boxes.len()).filter(undecided).collect();
        if places.is_empty() {
            return places;
        }
        let middle = |place: &usize| -> Inputs {
            let middle = |[lo, hi]: &[f64; 2]| [0.5 * lo + 0.5 * hi; 2];
            boxes[*place].iter().map(middle).collect()
        };
        let points: Vec<Inputs> = places.iter().map(middle).collect();
        let told = telling.told(&points).into_iter().zip(places);
        let lost = told.filter(|(judged, _)| judged.ball == Ball::Undecided);
        lost.map(|(_, place)| place).collect()
    }

    fn judge(&mut self, telling: &dyn Telling, round: Vec<Open>, open: &mut VecDeque<Open>) {
        let sides: Vec<Inputs> = round.iter().map(|part| part.sides.clone()).collect();
        self.boxes += sides.len() as u64;
        let told = telling.told(&sides);
        let hopeless = self.hopeless(telling, &sides, &told);
        for (place, (part, judged)) in round.into_iter().zip(told).enumerate() {
            match judged.ball {
                Ball::Same(_) => continue,
                Ball::Differs(input) => {
                    self.refuted[part.region] = true;
                    self.example.get_or_insert(input);
                    continue;
                }
                Ball::Undecided => {}
            }
            let lost = &mut self.lost[part.region];
            match lost {
                Some(boxes) => *boxes += 1,
                None if hopeless.contains(&place) => *lost = Some(0),
                None => {}
            }
            let is_over = lost.is_some_and(|boxes| boxes >= self.looked_on);
            let share = 0.5 * part.share;
            let [lo, hi] = part.sides.get(judged.split).copied().unwrap_or([0.0, 0.0]);
            let middle = 0.5 * lo + 0.5 * hi;
            if share < SMALLEST || !(lo < middle && middle < hi) || is_over {
                self.stuck[part.region] = true;
                continue;
            }
            let region = part.region;
            let half = |sides| Open {
                region,
                sides,
                share,
            };
            open.extend(halves(part.sides, judged.split).map(half));
        }
    }
}

/// Goes through tuples of tokens.
fn of_tokens(question: &Question<'_>, pair: &Pair, budget: &Budget) -> Result<Equivalent, Refusal> {
    let networks = (question.original, question.changed);
    let sides = |model: &Mlp<f64>| question.regions.sides(model);
    let rounding = [question.original, question.changed]
        .map(|model| rounding(model, &sides(model), question.arithmetic));
    if question.one_is_enough && given_refute(question, pair) {
        return Ok(Equivalent {
            regions: budget.boxes.max(1),
            proved: 0,
            refuted: 1,
            example: None,
            boxes: 0,
            stop: Stop::Refuted,
        });
    }
    let told = |case: Case| told_case(question, &rounding, &case);
    let cases = tokens::every_case(pair, networks, budget.boxes, told)?;
    let count = |known: Known| cases.iter().filter(|(_, k)| *k == known).count() as u64;
    let example = cases.iter().find(|(_, known)| *known == Known::Refuted);
    Ok(Equivalent {
        regions: cases.len() as u64,
        proved: count(Known::Proved),
        refuted: count(Known::Refuted),
        example: example.map(|(tuple, _)| Input::Tokens(tuple.clone())),
        boxes: cases.len() as u64,
        stop: Stop::Done,
    })
}

/// Whether one of the points that were given refutes.
fn given_refute(question: &Question<'_>, pair: &Pair) -> bool {
    let whole = vec![question.regions.sides(question.original)];
    let telling = telling(question, pair, &whole);
    let suspects = telling.suspects(question.points).into_iter().take(SUSPECTS);
    let mut points = suspects.map(|place| question.points.column(place));
    points.any(|point| telling.refutes(point))
}

/// What is known of one tuple.
fn told_case(question: &Question<'_>, rounding: &[Vec<f64>; 2], case: &Case) -> Known {
    if question.equivalence == Equivalence::Epsilon {
        let added = rounding[0].iter().zip(&rounding[1]).map(|(a, b)| a + b);
        let limits = question.tolerance.iter().zip(added);
        let each = case.change.iter().zip(limits);
        let each = each.map(|([lo, hi], (t, r))| match () {
            () if hi.max(-lo) <= t - r => Known::Proved,
            () if lo.max(-hi) > (t + r).next_up() => Known::Refuted,
            () => Known::Undecided,
        });
        return each.fold(Known::Proved, worst);
    }
    let [before, after] = [0, 1].map(|of| widened(&case.outputs[of], &rounding[of]));
    let classes = (largest(&before), largest(&after));
    let sure = match (classes.0, question.equivalence) {
        (Some(class), Equivalence::DeltaTop1) => confident(&before, class, question.confidence),
        (None, Equivalence::DeltaTop1) => {
            // Two outputs that may be equal leave no class over a half.
            let most = |class| confident(&before, class, question.confidence);
            let classes = 0..before.len().max(2);
            classes
                .into_iter()
                .all(|c| most(c) == Some(false))
                .then_some(false)
        }
        _ => Some(true),
    };
    match (sure, classes) {
        (Some(false), _) => Known::Proved,
        (_, (Some(a), Some(b))) if a == b => Known::Proved,
        (Some(true), (Some(_), Some(_))) => Known::Refuted,
        _ => Known::Undecided,
    }
}

/// A refutation before a doubt before a proof.
fn worst(a: Known, b: Known) -> Known {
    match (a, b) {
        (Known::Refuted, _) | (_, Known::Refuted) => Known::Refuted,
        (Known::Undecided, _) | (_, Known::Undecided) => Known::Undecided,
        (Known::Proved, Known::Proved) => Known::Proved,
    }
}

/// From where to where every site of a network may write, `[layers][sites]`, inputs first and
/// outputs last, whatever of what is within these ranges stands in for any messages.
///
/// # Errors
/// A [`Refusal`] where the network's activations are not bounded, or values overflow.
pub fn ranges(model: &Mlp<f64>, sides: &[[f64; 2]]) -> Result<Vec<Vec<[f64; 2]>>, Refusal> {
    let pair = Pair::new(model, model)?;
    // Without inputs that vary together every quantity is bounded by itself alone.
    let found = super::forward::interval_ranges(&pair, sides);
    let finite = found.iter().flatten().flatten().all(|end| end.is_finite());
    match finite {
        true => Ok(found),
        false => Err(Refusal::Unbounded),
    }
}

/// An empty set of points, `[inputs, 0]`.
#[must_use]
pub fn no_points(model: &Mlp<f64>) -> Array2<f64> {
    Array2::zeros((model.widths()[0], 0))
}
