//! Decisions: that the largest output is the same one in both networks.
//!
//! Where the original decides for class a, what is bounded from below is the
//! lead of a over every other class, fₐ − f_b, as one line through the network,
//! in the original and, value and difference together, in the pruned. If all
//! leads are positive on a box, both networks decide for a everywhere in it. A
//! single output is the logit of class 1 over class 0, whose logit is 0. Leads
//! are those of the networks evaluated: what rounding may take is taken off.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use pulp::Arch;
use rayon::prelude::*;

use super::backward::{Descent, Weights};
use super::bound::{Inputs, sides_to_lanes};
use super::curve::Range;
use super::forward::Pass;
use super::pair::Pair;
use super::rounding::rounding;
use super::{Arithmetic, Budget, Deadline, Input, Refusal, all_physical, features};
use crate::model::Mlp;
use crate::numeric::{LANES, Lanes};

/// What is known of the decisions in one ball.
#[derive(Debug, Clone, PartialEq)]
pub enum Ball {
    /// Both networks decide for this physical output everywhere in it: proved.
    Same(usize),
    /// Here they decide differently: proved.
    Differs(Input),
    /// Neither is known.
    Undecided,
}

/// Decisions throughout a box.
#[derive(Debug, Clone, PartialEq)]
pub struct Decisions {
    /// Share of the domain's volume on which the decision is proved to be the same.
    pub same: f64,
    /// An input at which the decisions are proved to differ.
    pub differs: Option<Input>,
    /// Boxes examined.
    pub boxes: u64,
}

/// The decisions in balls around samples, `[inputs, n]` in physical order.
///
/// A ball is all inputs within `radius` of the sample in every coordinate; with
/// `within`, boxes of `[lo, hi]` per feature, only those in the box that holds the sample.
///
/// First both networks at once; the balls left are looked at closely, in each network by
/// itself and split by what neurons read, as far as the budget goes (its boxes count parts).
///
/// # Errors
/// A [`Refusal`] where the method does not apply.
pub fn around(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    samples: ArrayView2<'_, f64>,
    radius: f64,
    within: Option<&[Vec<[f64; 2]>]>,
    arithmetic: Arithmetic,
    budget: &Budget,
) -> Result<Vec<Ball>, Refusal> {
    let pair = Pair::new(original, pruned)?;
    let sides = balls(original, samples, radius, within)?;
    let judge = Judge::new(&pair, (original, pruned), &sides, arithmetic);
    let told = judge.all(&sides, samples).into_iter();
    let mut told: Vec<Ball> = told.map(|judged| judged.ball).collect();
    let left: Vec<usize> = (0..told.len())
        .filter(|ball| told[*ball] == Ball::Undecided)
        .collect();
    let closely = judge.in_balls(&left, &sides, samples, budget)?;
    for (ball, known) in left.into_iter().zip(closely) {
        told[ball] = known;
    }
    Ok(told)
}

/// The decisions throughout boxes, `[lo, hi]` per feature; where boxes overlap, shares count
/// what they have in common once for each.
///
/// Boxes are halved, the largest first, until both networks are proved to decide
/// alike on them or the budget ends. Along the border between two classes they
/// never are, so that a remainder is to be expected.
///
/// # Errors
/// A [`Refusal`] where the method does not apply.
pub fn throughout(
    original: &Mlp<f64>,
    pruned: &Mlp<f64>,
    boxes: &[Vec<[f64; 2]>],
    budget: &Budget,
    arithmetic: Arithmetic,
) -> Result<Decisions, Refusal> {
    let pair = Pair::new(original, pruned)?;
    let domain = all_physical(original, boxes)?;
    let judge = Judge::new(&pair, (original, pruned), &domain, arithmetic);
    let shares = judge.shares(&domain);
    Ok(judge.split(domain.into_iter().zip(shares).collect(), budget))
}

/// Balls around samples, `[inputs, n]`, in physical order; with `within`, what of them is in
/// the first of these boxes of features that holds the sample, or where none does the first.
pub(super) fn balls(
    model: &Mlp<f64>,
    samples: ArrayView2<'_, f64>,
    radius: f64,
    within: Option<&[Vec<[f64; 2]>]>,
) -> Result<Vec<Inputs>, Refusal> {
    let limits = match within {
        Some(boxes) => all_physical(model, boxes)?,
        None => vec![vec![[f64::NEG_INFINITY, f64::INFINITY]; model.widths()[0]]],
    };
    let first = limits.first().ok_or(Refusal::NoDomain)?;
    let ball = |sample: ArrayView1<'_, f64>| -> Inputs {
        let holds = |sides: &&Inputs| {
            let mut pairs = sides.iter().zip(&sample);
            pairs.all(|([lo, hi], x)| lo <= x && x <= hi)
        };
        let limits = limits.iter().find(holds).unwrap_or(first);
        let side = |(x, [lo, hi]): (&f64, &[f64; 2])| {
            let (below, above) = ((x - radius).next_down(), (x + radius).next_up());
            [below.max(*lo).min(*x), above.min(*hi).max(*x)]
        };
        sample.iter().zip(limits).map(side).collect()
    };
    Ok(samples.columns().into_iter().map(ball).collect())
}

/// The smallest box that holds all of some.
pub(super) fn hull(boxes: &[Inputs]) -> Inputs {
    let join = |mut all: Inputs, sides: &Inputs| {
        for (all, side) in all.iter_mut().zip(sides) {
            *all = [all[0].min(side[0]), all[1].max(side[1])];
        }
        all
    };
    let first = boxes.first().cloned().unwrap_or_default();
    boxes.iter().fold(first, join)
}

/// Judges boxes.
pub(super) struct Judge<'a> {
    pub pair: &'a Pair,
    pub original: &'a Mlp<f64>,
    pub pruned: &'a Mlp<f64>,
    pub symbols: Vec<usize>,
    /// Per network and output, how far it may be computed from what it is.
    pub rounding: [Vec<f64>; 2],
    /// Only where the original's softmax gives its class at least this; everywhere: `None`.
    pub confidence: Option<f64>,
}

/// What is known of a box, and the input to halve.
pub(super) struct Judged {
    pub ball: Ball,
    pub split: usize,
}

/// Room for one thread.
pub(super) struct Room {
    pub pass: Pass,
    pub descent: Descent,
}

/// Bounds of the leads of one class in eight boxes.
struct Leads {
    /// The least lead over any other class, in the original and in the pruned.
    least: [Lanes; 2],
    /// The corners where they are least, per symbol: the signs of the slopes.
    corners: [Vec<Lanes>; 2],
    /// Per symbol, how much halving promises.
    shares: Vec<Lanes>,
}

impl<'a> Judge<'a> {
    /// Of boxes within `regions`.
    pub fn new(
        pair: &'a Pair,
        (original, pruned): (&'a Mlp<f64>, &'a Mlp<f64>),
        regions: &[Inputs],
        arithmetic: Arithmetic,
    ) -> Self {
        let domain = hull(regions);
        Self {
            pair,
            original,
            pruned,
            symbols: (0..domain.len())
                .filter(|i| domain[*i][0] < domain[*i][1])
                .collect(),
            rounding: [original, pruned].map(|model| rounding(model, &domain, arithmetic)),
            confidence: None,
        }
    }

    pub fn room(&self) -> Room {
        self.room_for(self.pair)
    }

    /// Room for networks of the same inputs.
    pub fn room_for(&self, pair: &Pair) -> Room {
        Room {
            pass: Pass::new(pair, &self.symbols),
            descent: Descent::default(),
        }
    }

    /// Judges boxes, given a point of each, `[inputs, n]`.
    pub fn all(&self, boxes: &[Inputs], points: ArrayView2<'_, f64>) -> Vec<Judged> {
        let classes = decisions(self.original, points);
        let work: Vec<(&Inputs, usize)> = boxes.iter().zip(classes).collect();
        work.par_chunks(LANES)
            .map_init(|| self.room(), |room, some| self.some(room, some))
            .flatten_iter()
            .collect()
    }

    /// Of balls that are left, by numbers, around samples `[inputs, n]`: inputs that go astray
    /// are looked for, and where there are none a proof in each network by itself.
    fn in_balls(
        &self,
        left: &[usize],
        sides: &[Inputs],
        samples: ArrayView2<'_, f64>,
        budget: &Budget,
    ) -> Result<Vec<Ball>, Refusal> {
        let deadline = Deadline::after(budget.seconds);
        let middles = samples.select(Axis(1), left);
        let classes = decisions(self.original, middles.view());
        let balls: Vec<(&Inputs, usize)> =
            left.iter().map(|ball| &sides[*ball]).zip(classes).collect();
        let astray = self.astray(&balls, middles.view(), deadline);
        let safe: Vec<usize> = (0..balls.len())
            .filter(|ball| astray[*ball].is_none())
            .collect();
        let open: Vec<(&Inputs, usize)> = safe.iter().map(|ball| balls[*ball]).collect();
        let mut told = vec![Ball::Undecided; balls.len()];
        for (ball, proved) in safe
            .into_iter()
            .zip(self.closely(&open, budget.boxes, deadline)?)
        {
            if proved {
                told[ball] = Ball::Same(balls[ball].1);
            }
        }
        let mut room = self.room();
        for (ball, astray) in astray.iter().enumerate() {
            if let Some(astray) = astray {
                told[ball] = self.parted(&mut room, middles.column(ball), astray, balls[ball].1);
            }
        }
        Ok(told)
    }

    /// Judges up to eight boxes, each with the class the original decides for at a point of it.
    fn some(&self, room: &mut Room, work: &[(&Inputs, usize)]) -> Vec<Judged> {
        let boxes: Vec<&Inputs> = work.iter().map(|(sides, _)| *sides).collect();
        let class = |lane: usize| work[lane.min(work.len() - 1)].1;
        let classes: [usize; LANES] = std::array::from_fn(class);
        let leads = self.leads(room, &sides_to_lanes(&boxes), classes);
        let leading = |lane: usize| leads.least.iter().all(|least| least.0[lane] > 0.0);
        let kept = match self.confidence {
            Some(confidence) if !(0..work.len()).all(leading) => self.kept(room, confidence),
            _ => [false; LANES],
        };
        let judged = |lane: usize| {
            let ball = if leading(lane) || kept[lane] {
                Ball::Same(classes[lane])
            } else {
                self.try_corners(room, boxes[lane], &leads, lane)
            };
            let share = |symbol: &usize| leads.shares[*symbol].0[lane];
            let symbols = 0..self.symbols.len();
            let best = symbols.max_by(|a, b| share(a).total_cmp(&share(b)));
            Judged {
                ball,
                split: best.map_or(0, |symbol| self.symbols[symbol]),
            }
        };
        (0..work.len()).map(judged).collect()
    }

    /// Bounds the leads of a class per lane over all others.
    fn leads(&self, room: &mut Room, inputs: &[Range], classes: [usize; LANES]) -> Leads {
        let none = vec![Lanes::ZERO; self.symbols.len()];
        let mut leads = Leads {
            least: [Lanes::splat(f64::INFINITY); 2],
            corners: [none.clone(), none.clone()],
            shares: none,
        };
        room.pass.set_inputs(inputs);
        room.pass.run(self.pair);
        Arch::new().dispatch(|| {
            for other in 0..self.pair.outputs() {
                for pruned in [false, true] {
                    self.lead(room, &mut leads, classes, other, pruned);
                }
            }
        });
        leads
    }

    /// Bounds the lead over one other class in one network.
    #[inline(always)]
    fn lead(
        &self,
        room: &mut Room,
        leads: &mut Leads,
        classes: [usize; LANES],
        other: usize,
        pruned: bool,
    ) {
        let outputs = self.pair.outputs();
        let weights = room.descent.start(outputs);
        let mut itself = Lanes::ZERO;
        for (lane, class) in classes.into_iter().enumerate() {
            weigh(weights, lane, class, other);
            if class == other && outputs > 1 {
                itself.0[lane] = f64::INFINITY;
            }
        }
        if pruned {
            let value = weights.value.clone();
            weights.change = value;
        }
        room.descent.run(self.pair, &room.pass, true);
        let line = &room.descent.line;
        let side = usize::from(pruned);
        let mut least = line.range().lo + itself;
        for (lane, class) in classes.into_iter().enumerate() {
            least.0[lane] -= self.slack(side, class, other);
        }
        let before = leads.least[side];
        for symbol in 0..leads.shares.len() {
            let corner = &mut leads.corners[side][symbol];
            *corner = Lanes::where_less(least, before, line.slopes[symbol], *corner);
            let share = Lanes::where_less(least, Lanes::ZERO, line.shares[symbol], Lanes::ZERO);
            leads.shares[symbol] += share;
        }
        // What is no number stays: a lead that is not known is not positive.
        let smaller = |a: f64, b: f64| if a.is_nan() || a < b { a } else { b };
        leads.least[side] = before.zip(least, smaller);
    }

    /// What rounding may take from the lead of one class over another.
    pub fn slack(&self, side: usize, class: usize, other: usize) -> f64 {
        match &self.rounding[side][..] {
            [only] => *only,
            each => (each[class] + each[other]) * (1.0 + 4.0 * f64::EPSILON),
        }
    }

    /// Whether the networks differ at one of the corners where leads are least.
    fn try_corners(&self, room: &mut Room, sides: &Inputs, leads: &Leads, lane: usize) -> Ball {
        let mut points = Array2::zeros((sides.len(), 3));
        for (input, [lo, hi]) in sides.iter().enumerate() {
            points.row_mut(input).fill(0.5 * lo + 0.5 * hi);
        }
        for (column, corners) in leads.corners.iter().enumerate() {
            for (symbol, input) in self.symbols.iter().enumerate() {
                let up = corners[symbol].0[lane] < 0.0;
                points[[*input, column]] = sides[*input][usize::from(up)];
            }
        }
        let before = decisions(self.original, points.view());
        let after = decisions(self.pruned, points.view());
        let differs = |column: &usize| {
            before[*column] != after[*column]
                && self.proved_to_differ(
                    room,
                    points.column(*column),
                    before[*column],
                    after[*column],
                )
        };
        let column = (0..before.len()).find(differs);
        column.map_or(Ball::Undecided, |column| {
            let point = points.column(column).to_vec();
            Ball::Differs(Input::Features(features(self.original, &point)))
        })
    }

    /// Whether at a point the original decides for `before` and the pruned for
    /// `after`, rounding taken off; where a confidence is asked for, with that.
    pub fn proved_to_differ(
        &self,
        room: &mut Room,
        point: ArrayView1<'_, f64>,
        before: usize,
        after: usize,
    ) -> bool {
        let sides: Inputs = point.iter().map(|x| [*x, *x]).collect();
        let inputs = sides_to_lanes(&[&sides]);
        let original = self.leads(room, &inputs, [before; LANES]).least[0].0[0];
        let pruned = self.leads(room, &inputs, [after; LANES]).least[1].0[0];
        let sure = |confidence| self.is_confident(room, before, confidence);
        original > 0.0 && pruned > 0.0 && self.confidence.is_none_or(sure)
    }

    /// What share of the volume of all boxes each has; as many shares as boxes where none
    /// has a volume.
    fn shares(&self, boxes: &[Inputs]) -> Vec<f64> {
        let width = |sides: &Inputs, i: usize| sides[i][1] - sides[i][0];
        let volume = |sides: &Inputs| self.symbols.iter().map(|i| width(sides, *i)).product();
        let volumes: Vec<f64> = boxes.iter().map(volume).collect();
        let whole: f64 = volumes.iter().sum();
        let each = 1.0 / boxes.len().max(1) as f64;
        let share = |volume: f64| match whole > 0.0 && whole.is_finite() {
            true => volume / whole,
            false => each,
        };
        volumes.into_iter().map(share).collect()
    }

    /// Halves boxes, each a share of the domain, until they are proved or the budget ends.
    fn split(&self, domain: Vec<(Inputs, f64)>, budget: &Budget) -> Decisions {
        const ROUND: usize = 1024;
        /// Smaller shares of the domain are left undecided.
        const SMALLEST: f64 = 1.0 / (1_u64 << 24) as f64;
        let started = std::time::Instant::now();
        let (mut open, mut same, mut boxes) = (domain, 0.0, 0);
        let mut differs = None;
        while !open.is_empty()
            && boxes < budget.boxes
            && started.elapsed().as_secs_f64() < budget.seconds
        {
            // First in, first out: the largest come first.
            let rest = open.split_off(ROUND.min(open.len()));
            let sides: Vec<Inputs> = open.iter().map(|(sides, _)| sides.clone()).collect();
            boxes += sides.len() as u64;
            let judged = self.all(&sides, middles(&sides).view());
            let done = std::mem::replace(&mut open, rest);
            for ((sides, share), judged) in done.into_iter().zip(judged) {
                match judged.ball {
                    Ball::Same(_) => {
                        same += share;
                        continue;
                    }
                    Ball::Differs(input) => differs = differs.or(Some(input)),
                    Ball::Undecided => {}
                }
                if share > SMALLEST {
                    open.extend(halves(sides, judged.split).map(|half| (half, 0.5 * share)));
                }
            }
        }
        Decisions {
            same,
            differs,
            boxes,
        }
    }
}

/// Weighs outputs so that in one lane their sum is the lead of one class over another.
#[inline(always)]
pub(super) fn weigh(weights: &mut Weights, lane: usize, class: usize, other: usize) {
    if let [only] = &mut weights.value[..] {
        only.0[lane] += if class == 1 { 1.0 } else { -1.0 };
        return;
    }
    weights.value[class].0[lane] += 1.0;
    weights.value[other].0[lane] -= 1.0;
}

/// Both halves of a box along an input.
pub(super) fn halves(sides: Inputs, split: usize) -> impl Iterator<Item = Inputs> {
    let middle = sides.get(split).map(|[lo, hi]| 0.5 * lo + 0.5 * hi);
    let half = move |upper: usize| {
        let mut half = sides.clone();
        half[split][1 - upper] = middle?;
        Some(half)
    };
    [0, 1].into_iter().filter_map(half)
}

/// The middles of boxes, `[inputs, n]`.
pub(super) fn middles(boxes: &[Inputs]) -> Array2<f64> {
    let width = boxes.first().map_or(0, Vec::len);
    Array2::from_shape_fn((width, boxes.len()), |(input, column)| {
        let [lo, hi] = boxes[column][input];
        0.5 * lo + 0.5 * hi
    })
}

/// The largest output at each point, the first of equals.
pub(super) fn decisions(model: &Mlp<f64>, points: ArrayView2<'_, f64>) -> Vec<usize> {
    let outputs = model.outputs(points);
    outputs
        .columns()
        .into_iter()
        .map(crate::metric::decision)
        .collect()
}
