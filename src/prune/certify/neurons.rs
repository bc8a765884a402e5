//! Decisions in balls of many inputs, where halving inputs leads nowhere: each network by itself,
//! split by what its neurons read.
//!
//! A ball, a network and two classes are one question: is there an input at which the second
//! class leads? Of such inputs more and more is known: the ranges of what every neuron reads,
//! found backward from each neuron, and the half-space ([`Cut`]) where the line under the lead
//! is not positive. Each narrows the other, until nothing is left, or no more is gained; then
//! the neuron whose lines leave most is split, a ReLU at 0, others in the middle, and both parts
//! are gone on with. Every range and every line holds at every input that would be a
//! counterexample in its part; the parts cover all of them.

use pulp::Arch;
use rayon::prelude::*;

use super::backward::Reading;
use super::bound::{Inputs, sides_to_lanes};
use super::curve::Range;
use super::cut::{Cut, at_most};
use super::decisions::{Judge, Room, weigh};
use super::pair::Pair;
use super::{Deadline, Refusal};
use crate::model::Mlp;
use crate::numeric::{Activation, LANES, Lanes};

/// Parts looked at in one round, at least where there are as many.
const ROUND: usize = 256;
/// Products of what a hidden neuron and what a weight is, at most: in larger networks, one part
/// alone would take many seconds.
const MOST_PRODUCTS: usize = 300_000_000;
/// A bound that rises by less than this part of itself is not narrowed again, but split.
const GAIN: f64 = 0.05;

/// What is known of the inputs of one part that would be counterexamples.
#[derive(Debug, Clone)]
struct Part {
    /// The classes that may lead.
    others: Vec<usize>,
    /// Of every hidden neuron, from where to where it reads.
    known: Vec<[f64; 2]>,
    /// Slopes and constant of the half-space.
    cut: Option<(Vec<f64>, f64)>,
    /// The least lead is at least this.
    bound: f64,
}

/// A ball and a network, and what is left to look at.
struct Open {
    ball: usize,
    pruned: bool,
    parts: Vec<Part>,
}

/// Room for one thread.
struct Closely {
    room: Room,
    cut: Cut,
}

impl Judge<'_> {
    /// In which balls both networks decide everywhere for the class that is given of each, as
    /// far as so many parts and the time tell.
    ///
    /// # Errors
    /// A [`Refusal`] where a network has no bounds.
    pub(super) fn closely(
        &self,
        balls: &[(&Inputs, usize)],
        boxes: u64,
        deadline: Deadline,
    ) -> Result<Vec<bool>, Refusal> {
        let alone = [Pair::alone(self.original)?, Pair::alone(self.pruned)?];
        if alone
            .iter()
            .any(|pair| hidden(self.original) * pair.weights() > MOST_PRODUCTS)
        {
            return Ok(vec![false; balls.len()]);
        }
        let mut open: Vec<Open> = (0..balls.len())
            .flat_map(|ball| [false, true].map(|pruned| self.begun(ball, balls[ball].1, pruned)))
            .collect();
        let mut lost = vec![false; balls.len()];
        let mut looked = 0;
        loop {
            open.retain(|one| !lost[one.ball] && !one.parts.is_empty());
            if open.is_empty() || deadline.is_over() || looked >= boxes {
                open.iter().for_each(|one| lost[one.ball] = true);
                return Ok(lost.into_iter().map(|lost| !lost).collect());
            }
            let each = ROUND.div_ceil(open.len());
            for (side, pair) in alone.iter().enumerate() {
                let work = taken(&mut open, side == 1, each);
                looked += work.len() as u64;
                let told = self.narrowed(pair, side, balls, &work, &open);
                for ((place, _), parts) in work.into_iter().zip(told) {
                    match parts {
                        Some(parts) => open[place].parts.extend(parts),
                        None => lost[open[place].ball] = true,
                    }
                }
            }
        }
    }

    /// A question at its beginning.
    fn begun(&self, ball: usize, class: usize, pruned: bool) -> Open {
        let classes = 0..self.pair.outputs().max(2);
        let whole = Part {
            others: classes.filter(|other| *other != class).collect(),
            known: vec![[f64::NEG_INFINITY, f64::INFINITY]; hidden(self.original)],
            cut: None,
            bound: f64::NEG_INFINITY,
        };
        let parts = vec![whole];
        Open {
            ball,
            pruned,
            parts,
        }
    }

    /// What is left of parts; `None` where one cannot be split further.
    fn narrowed(
        &self,
        pair: &Pair,
        side: usize,
        balls: &[(&Inputs, usize)],
        work: &[(usize, Part)],
        open: &[Open],
    ) -> Vec<Option<Vec<Part>>> {
        let begin = || Closely {
            room: self.room_for(pair),
            cut: Cut::default(),
        };
        let some = |room: &mut Closely, some: &[(usize, Part)]| {
            let ball = |(place, _): &(usize, Part)| balls[open[*place].ball];
            let lanes: Vec<Lane<'_>> = some
                .iter()
                .map(|one| Lane {
                    sides: ball(one).0,
                    class: ball(one).1,
                    part: &one.1,
                })
                .collect();
            self.step(room, (pair, side), &lanes)
        };
        work.par_chunks(LANES)
            .map_init(begin, some)
            .flatten_iter()
            .collect()
    }

    /// One round of narrowing for up to eight parts.
    fn step(
        &self,
        closely: &mut Closely,
        (pair, side): (&Pair, usize),
        lanes: &[Lane<'_>],
    ) -> Vec<Option<Vec<Part>>> {
        let Closely { room, cut } = closely;
        let boxes: Vec<&Inputs> = lanes.iter().map(|lane| lane.sides).collect();
        cut.clear(self.symbols.len());
        for (lane, of) in lanes.iter().enumerate() {
            if let Some((slopes, at)) = &of.part.cut {
                cut.set(lane, (slopes, *at));
            }
        }
        room.pass.set_inputs(&sides_to_lanes(&boxes));
        let mut empty = refine(room, pair, cut, lanes);
        empty
            .iter_mut()
            .zip(room.pass.poison.0)
            .for_each(|(empty, poison)| *empty &= poison == 0.0);
        let mut left: Vec<Vec<Part>> = vec![Vec::new(); lanes.len()];
        let mut stuck = vec![false; lanes.len()];
        let turns = lanes
            .iter()
            .map(|lane| lane.part.others.len())
            .max()
            .unwrap_or(0);
        for turn in 0..turns {
            let least = self.least_lead(room, (pair, side), cut, lanes, turn);
            for (lane, of) in lanes.iter().enumerate() {
                let Some(other) = of.part.others.get(turn).filter(|_| !empty[lane]) else {
                    continue;
                };
                if least.0[lane] > 0.0 {
                    continue;
                }
                let limit = self.slack(side, of.class, *other);
                let now = Part {
                    others: vec![*other],
                    known: known(room, lane),
                    cut: Some(at_most(&room.descent.line, lane, limit)),
                    bound: least.0[lane],
                };
                match gone_on(now, of.part, self.neuron_to_split(room, lane)) {
                    Some(parts) => left[lane].extend(parts),
                    None => stuck[lane] = true,
                }
            }
        }
        left.into_iter()
            .zip(stuck)
            .map(|(parts, stuck)| (!stuck).then_some(parts))
            .collect()
    }

    /// The least lead in each lane over the class whose turn it is, rounding taken off.
    fn least_lead(
        &self,
        room: &mut Room,
        (pair, side): (&Pair, usize),
        cut: &Cut,
        lanes: &[Lane<'_>],
        turn: usize,
    ) -> Lanes {
        let weights = room.descent.start(pair.outputs());
        let mut slack = Lanes::ZERO;
        for lane in 0..LANES {
            let of = &lanes[lane.min(lanes.len() - 1)];
            let others = &of.part.others;
            let other = others[turn.min(others.len() - 1)];
            weigh(weights, lane, of.class, other);
            slack.0[lane] = self.slack(side, of.class, other);
        }
        Arch::new().dispatch(|| {
            room.descent.run(pair, &room.pass, true);
            let line = &room.descent.line;
            cut.range(line.centre, &line.slopes, line.radius).lo - slack
        })
    }

    /// The hidden neuron whose lines leave most in a lane, and where to split it.
    fn neuron_to_split(&self, room: &Room, lane: usize) -> Option<(usize, f64)> {
        let weighed = &room.descent.line.weighed;
        let of = |layer: usize| (0..weighed[layer].len()).map(move |neuron| (layer, neuron));
        let neurons = (0..weighed.len()).flat_map(of).enumerate();
        let (place, (layer, neuron)) = neurons.max_by(|(_, a), (_, b)| {
            let radius = |(layer, neuron): (usize, usize)| weighed[layer][neuron].0[lane];
            radius(*a).total_cmp(&radius(*b))
        })?;
        let range = room.pass.layers[layer + 1].known.get(neuron)?;
        let (lo, hi) = (range.lo.0[lane], range.hi.0[lane]);
        let at = match self.original.activation.of(layer, neuron) {
            Activation::Relu if lo < 0.0 && 0.0 < hi => 0.0,
            _ => 0.5 * lo + 0.5 * hi,
        };
        (lo < at && at < hi).then_some((place, at))
    }
}

/// A ball, the class that should lead, and a part of it.
struct Lane<'a> {
    sides: &'a Inputs,
    class: usize,
    part: &'a Part,
}

/// The number of hidden neurons.
fn hidden(model: &Mlp<f64>) -> usize {
    let widths = model.widths();
    widths[1..widths.len() - 1].iter().sum()
}

/// Takes up to so many parts out of each question to one of the networks, with its place.
fn taken(open: &mut [Open], pruned: bool, each: usize) -> Vec<(usize, Part)> {
    let of_side = open
        .iter_mut()
        .enumerate()
        .filter(|(_, one)| one.pruned == pruned);
    let take = |(place, one): (usize, &mut Open)| {
        let from = one.parts.len().saturating_sub(each);
        one.parts
            .split_off(from)
            .into_iter()
            .map(move |part| (place, part))
    };
    of_side.flat_map(take).collect()
}

/// A part again where its bound rose enough, else both its halves.
fn gone_on(now: Part, before: &Part, split: Option<(usize, f64)>) -> Option<Vec<Part>> {
    let rose = now.bound >= before.bound + GAIN * before.bound.abs();
    if before.cut.is_none() || rose {
        return Some(vec![now]);
    }
    let (neuron, at) = split?;
    let (mut below, mut above) = (now.clone(), now);
    below.known[neuron][1] = at;
    above.known[neuron][0] = at;
    Some(vec![below, above])
}

/// Runs the pass, every neuron's range narrowed backward within the cut and by what is known;
/// where one is empty, nothing is left of the part.
fn refine(room: &mut Room, pair: &Pair, cut: &Cut, lanes: &[Lane<'_>]) -> [bool; LANES] {
    let Room { pass, descent } = room;
    let mut empty = [false; LANES];
    let mut place = 0;
    pass.run_refined(pair, &mut |pass, index| {
        if index + 1 == pair.layers.len() {
            return;
        }
        let neurons = pass.layers[index + 1].lines.len();
        let mut found = Vec::with_capacity(neurons);
        Arch::new().dispatch(|| {
            for neuron in 0..neurons {
                let read = &pass.layers[index + 1].read;
                let (forward, line) = (read.range_of(neuron), read.centre_and_radius(neuron));
                let backward = if index == 0 {
                    cut.range(line.0, read.slopes(neuron), line.1)
                } else {
                    let line = descent.reading((pair, &*pass), (index, neuron), Reading::Value);
                    cut.range(line.centre, &line.slopes, line.radius)
                };
                found.push(forward.within(backward));
            }
        });
        for range in &mut found {
            within_known(range, place, lanes, &mut empty);
            place += 1;
        }
        pass.layers[index + 1].known = found;
    });
    empty
}

/// Narrows a neuron's range by what each lane's part knows of it; a lane where nothing is left
/// is marked, and its range made a point.
fn within_known(range: &mut Range, neuron: usize, lanes: &[Lane<'_>], empty: &mut [bool; LANES]) {
    for lane in 0..LANES {
        let [lo, hi] = lanes[lane.min(lanes.len() - 1)].part.known[neuron];
        let (from, to) = (&mut range.lo.0[lane], &mut range.hi.0[lane]);
        if lo > *from {
            *from = lo;
        }
        if hi < *to {
            *to = hi;
        }
        if *from > *to {
            empty[lane] = true;
            *to = *from;
        }
    }
}

/// What is known of every hidden neuron in a lane.
fn known(room: &Room, lane: usize) -> Vec<[f64; 2]> {
    let layers = room.pass.layers.iter().flat_map(|layer| &layer.known);
    layers
        .map(|range| [range.lo.0[lane], range.hi.0[lane]])
        .collect()
}
