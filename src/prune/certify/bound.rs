//! Eight boxes at a time: bounds on the change of every output.

use pulp::Arch;
use rayon::prelude::*;

use super::backward::{Descent, Reading};
use super::curve::Range;
use super::forward::{HEAD, Pass};
use super::pair::{Pair, PairLayer};
use crate::numeric::{LANES, Lanes};

/// Where inputs may be: `[lo, hi]` per input, in physical order.
pub(super) type Inputs = Vec<[f64; 2]>;

/// What is known of one box.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bounded {
    /// Per output, the least and the greatest change (pruned − original).
    pub change: Vec<[f64; 2]>,
    /// The corner where the output that matters most should change most, per symbol.
    pub corner: Vec<f64>,
    /// The symbol whose halving promises most.
    pub split: usize,
    /// Ranges and slopes of each neuron's lines, where the bounder keeps them.
    pub relaxations: Vec<[f32; 7]>,
}

impl Bounded {
    /// Bound on |change| of an output.
    pub fn upper(&self, output: usize) -> f64 {
        let [lo, hi] = self.change[output];
        hi.max(-lo)
    }
}

/// Bounds boxes that differ in some inputs, the symbols, and agree in the others.
#[derive(Debug, Clone)]
pub(super) struct Bounder<'a> {
    pub pair: &'a Pair,
    /// The whole domain.
    pub domain: Inputs,
    /// The inputs that vary in it, ascending.
    pub symbols: Vec<usize>,
    /// Whether ranges and slopes are numbers of f32, and kept: for proof logs.
    pub logged: bool,
    /// Whether what hidden neurons read is bounded backward too.
    pub narrows: bool,
}

/// Room for one thread.
struct Room {
    pass: Pass,
    descent: Descent,
    inputs: Vec<Range>,
    shares: Vec<Lanes>,
}

impl<'a> Bounder<'a> {
    pub fn new(pair: &'a Pair, domain: Inputs) -> Self {
        let varies = |i: &usize| domain[*i][0] < domain[*i][1];
        let symbols = (0..domain.len()).filter(varies).collect();
        let mut bounder = Self {
            pair,
            domain,
            symbols,
            logged: false,
            narrows: false,
        };
        bounder.narrows = bounder.narrowing_pays();
        bounder
    }

    /// Whether the domain as one box says that bounding hidden neurons backward costs less
    /// than the splitting that it saves: lines are off by the square of a box's width, so that
    /// for a bound of a fraction 1/r boxes are split into √r along each input.
    fn narrowing_pays(&self) -> bool {
        /// Hidden layers from which on the forward pass has lost much on the way.
        const DEEP: usize = 3;
        /// The most products of a box: a trial must not take longer than a search.
        const MOST: usize = 1 << 24;
        let (forward, backward) = self.products();
        if self.pair.layers.len() <= DEEP || backward > MOST {
            return false;
        }
        let root: Vec<[f64; 2]> = self.symbols.iter().map(|i| self.domain[*i]).collect();
        let scale = vec![1.0; self.pair.outputs()];
        let widest = |narrows: bool| {
            let mut bounder = self.clone();
            bounder.narrows = narrows;
            let mut room = bounder.room();
            let found = bounder.bound(&mut room, std::slice::from_ref(&root), &scale);
            let uppers = (0..scale.len()).map(|output| found[0].upper(output));
            uppers.fold(0.0, f64::max)
        };
        let gain = (widest(false) / widest(true)).powf(0.5 * self.symbols.len() as f64);
        gain > 1.0 + backward as f64 / forward.max(1) as f64
    }

    /// The products of the forward pass over a box, and of bounding hidden neurons backward.
    fn products(&self) -> (usize, usize) {
        let entries = |layer: &PairLayer| {
            layer.original.entries() + layer.pruned.entries() + layer.change.entries()
        };
        let (mut below, mut backward) = (0, 0);
        for (index, layer) in self.pair.layers.iter().enumerate() {
            below += entries(layer);
            if index > 0 && index + 1 < self.pair.layers.len() {
                backward += 2 * layer.bias.len() * below;
            }
        }
        (below * (self.symbols.len() + HEAD), backward)
    }

    /// Bounds of many boxes, each `[lo, hi]` per symbol, over the threads there
    /// are; `scale` says how much a change of each output matters.
    pub fn bound_all(&self, boxes: &[Vec<[f64; 2]>], scale: &[f64]) -> Vec<Bounded> {
        boxes
            .par_chunks(LANES)
            .map_init(|| self.room(), |room, some| self.bound(room, some, scale))
            .flatten_iter()
            .collect()
    }

    fn room(&self) -> Room {
        let mut pass = Pass::new(self.pair, &self.symbols);
        pass.rounded = self.logged;
        Room {
            pass,
            descent: Descent::default(),
            inputs: Vec::new(),
            shares: Vec::new(),
        }
    }

    /// Bounds of up to eight boxes.
    fn bound(&self, room: &mut Room, boxes: &[Vec<[f64; 2]>], scale: &[f64]) -> Vec<Bounded> {
        self.load(room, boxes);
        let outputs = self.pair.outputs();
        let mut ranges = Vec::with_capacity(outputs);
        let mut corners = vec![Lanes::ZERO; self.symbols.len()];
        room.pass.set_inputs(&room.inputs);
        if self.narrows && !self.logged {
            narrow(room, self.pair);
        } else {
            room.pass.run(self.pair);
        }
        Arch::new().dispatch(|| {
            let mut worst = Lanes::splat(-1.0);
            for (output, scale) in scale.iter().enumerate() {
                let range = self.output_range(room, output);
                worst = keep_corner(room, range, *scale, worst, &mut corners);
                for (sum, share) in room.shares.iter_mut().zip(&room.descent.line.shares) {
                    *sum += *share * *scale;
                }
                ranges.push(range);
            }
        });
        let lane = |lane: usize| self.read_lane(room, &boxes[lane], &ranges, &corners, lane);
        (0..boxes.len()).map(lane).collect()
    }

    /// Copies boxes into lanes; lanes without one repeat the first.
    fn load(&self, room: &mut Room, boxes: &[Vec<[f64; 2]>]) {
        let fixed = |side: [f64; 2]| Range {
            lo: Lanes::splat(side[0]),
            hi: Lanes::splat(side[1]),
        };
        room.inputs.clear();
        room.inputs
            .extend(self.domain.iter().map(|side| fixed(*side)));
        for (symbol, input) in self.symbols.iter().enumerate() {
            let range = &mut room.inputs[*input];
            for lane in 0..LANES {
                let side = boxes.get(lane).unwrap_or(&boxes[0])[symbol];
                (range.lo.0[lane], range.hi.0[lane]) = (side[0], side[1]);
            }
        }
        room.shares.clear();
        room.shares.resize(self.symbols.len(), Lanes::ZERO);
    }

    /// The tighter of what the forward and the backward pass know of an output.
    #[inline(always)]
    fn output_range(&self, room: &mut Room, output: usize) -> Range {
        let outputs = self.pair.outputs();
        let forward = room.pass.layers[self.pair.layers.len()]
            .read_change
            .range_of(output);
        room.descent.start(outputs).change[output] = Lanes::splat(1.0);
        room.descent.run(self.pair, &room.pass, true);
        let backward = room.descent.line.range();
        forward.within(backward)
    }

    fn read_lane(
        &self,
        room: &Room,
        sides: &[[f64; 2]],
        ranges: &[Range],
        corners: &[Lanes],
        lane: usize,
    ) -> Bounded {
        let finite = |x: f64, otherwise: f64| if x.is_finite() { x } else { otherwise };
        let shares = room.shares.iter().map(|share| share.0[lane]);
        let side = |(symbol, side): (usize, &[f64; 2])| {
            let up = corners[symbol].0[lane] > 0.0;
            side[usize::from(up)]
        };
        Bounded {
            change: ranges
                .iter()
                .map(|range| {
                    let (lo, hi) = (range.lo.0[lane], range.hi.0[lane]);
                    [finite(lo, f64::NEG_INFINITY), finite(hi, f64::INFINITY)]
                })
                .collect(),
            corner: sides.iter().enumerate().map(side).collect(),
            split: widest(sides, shares),
            relaxations: match self.logged {
                true => room.pass.relaxations(lane),
                false => Vec::new(),
            },
        }
    }
}

/// Runs the pass, with what hidden neurons read bounded backward too; those of the first
/// layer read lines as they are.
fn narrow(room: &mut Room, pair: &Pair) {
    let Room { pass, descent, .. } = room;
    pass.run_refined(pair, &mut |pass, index| {
        if index == 0 || index + 1 == pair.layers.len() {
            return;
        }
        let neurons = pass.layers[index + 1].lines.len();
        let mut range = |neuron: usize, reading: Reading| {
            let layer = &pass.layers[index + 1];
            let forward = match reading {
                Reading::Value => layer.read.range_of(neuron),
                Reading::Change => layer.read_change.range_of(neuron),
            };
            let line = descent.reading((pair, &*pass), (index, neuron), reading);
            forward.within(line.range())
        };
        let (mut known, mut known_change) = (Vec::new(), Vec::new());
        Arch::new().dispatch(|| {
            known.extend((0..neurons).map(|neuron| range(neuron, Reading::Value)));
            known_change.extend((0..neurons).map(|neuron| range(neuron, Reading::Change)));
        });
        let layer = &mut pass.layers[index + 1];
        (layer.known, layer.known_change) = (known, known_change);
    });
}

/// Remembers the line's slopes where this output matters more than those before.
#[inline(always)]
fn keep_corner(
    room: &Room,
    range: Range,
    scale: f64,
    worst: Lanes,
    corners: &mut [Lanes],
) -> Lanes {
    let (up, down) = (range.hi * scale, -range.lo * scale);
    let here = up.max(down);
    for (corner, slope) in corners.iter_mut().zip(&room.descent.line.slopes) {
        let toward = Lanes::where_less(down, up, *slope, -*slope);
        *corner = Lanes::where_less(worst, here, toward, *corner);
    }
    worst.max(here)
}

/// The symbol with the largest share, or the widest where the shares say nothing.
fn widest(sides: &[[f64; 2]], shares: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, -1.0);
    for (symbol, share) in shares.enumerate() {
        let width = sides[symbol][1] - sides[symbol][0];
        let promise = if share.is_finite() { share } else { width };
        if promise > best.1 && sides[symbol][0].next_up() < sides[symbol][1] {
            best = (symbol, promise);
        }
    }
    best.0
}

/// Up to eight boxes as ranges per input; lanes without one repeat the first.
pub(super) fn sides_to_lanes(boxes: &[&Inputs]) -> Vec<Range> {
    let zero = Range {
        lo: Lanes::ZERO,
        hi: Lanes::ZERO,
    };
    let mut ranges = vec![zero; boxes.first().map_or(0, |sides| sides.len())];
    for (input, range) in ranges.iter_mut().enumerate() {
        for lane in 0..LANES {
            let [lo, hi] = boxes.get(lane).unwrap_or(&boxes[0])[input];
            (range.lo.0[lane], range.hi.0[lane]) = (lo, hi);
        }
    }
    ranges
}
