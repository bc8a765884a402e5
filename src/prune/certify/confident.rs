//! Decisions where the original is confident: δ-top-1 equivalence (Teuber et al. 2025,
//! Revisiting Differential Verification: Equivalence Verification with Confidence).
//!
//! Where the softmax of the original gives class a at least δ, a leads every other class by
//! at least m = ln(δ / (1 − δ)). So a box is done where every class either cannot lead some
//! other by m in the original, or leads all others in the pruned; the lead in the pruned is
//! bounded by itself and as m with what it may change. Boxes that hold a border between two
//! classes need not be split to it.

use ndarray::ArrayView1;
use pulp::Arch;

use super::curve::Range;
use super::decisions::{Judge, Room};
use crate::numeric::{LANES, Lanes};

/// Roundings of a logarithm and of sums of exponentials are covered by this.
const OUTWARD: f64 = 1e-12;

/// Of the lead of one class over another: in the original, in the pruned, and what it changes.
struct Lead {
    classes: [usize; 2],
    original: Range,
    pruned: Range,
    change: Range,
}

/// The least lead of a class whose softmax is at least `confidence`, a little less.
fn margin(confidence: f64) -> f64 {
    let margin = (confidence / (1.0 - confidence)).ln();
    margin - OUTWARD * margin.abs().max(1.0)
}

impl Judge<'_> {
    /// Whether, in each of the boxes that the room's pass was run on, the pruned decides as
    /// the original wherever that is confident.
    pub(super) fn kept(&self, room: &mut Room, confidence: f64) -> [bool; LANES] {
        let least = margin(confidence);
        let leads = self.all_leads(room);
        let classes = self.pair.outputs().max(2);
        let of = |class: usize, lane: usize| {
            let both = leads.iter().filter(|lead| lead.classes.contains(&class));
            let each = both.map(|lead| self.of_class(lead, class, lane, least));
            each.fold((false, true), |(never, always), (cannot, leads)| {
                (never || cannot, always && leads)
            })
        };
        std::array::from_fn(|lane| {
            (0..classes).all(|class| {
                let (never_confident, always_leads) = of(class, lane);
                never_confident || always_leads
            })
        })
    }

    /// Whether a class cannot lead the other by the margin in the original, and whether it
    /// leads it in the pruned if it does.
    fn of_class(&self, lead: &Lead, class: usize, lane: usize, least: f64) -> (bool, bool) {
        let [a, b] = lead.classes;
        let down = class == b;
        let ends = |range: &Range| match down {
            true => (-range.hi.0[lane], -range.lo.0[lane]),
            false => (range.lo.0[lane], range.hi.0[lane]),
        };
        let (before, after) = (self.slack(0, a, b), self.slack(1, a, b));
        let cannot = ends(&lead.original).1 + before < least;
        let by_itself = ends(&lead.pruned).0 - after > 0.0;
        let by_change = least - before + ends(&lead.change).0 - after > 0.0;
        (cannot, by_itself || by_change)
    }

    /// The leads of every two classes.
    fn all_leads(&self, room: &mut Room) -> Vec<Lead> {
        let outputs = self.pair.outputs();
        let pairs: Vec<[usize; 2]> = match outputs {
            1 => vec![[1, 0]],
            _ => (0..outputs)
                .flat_map(|a| (a + 1..outputs).map(move |b| [a, b]))
                .collect(),
        };
        let lead = |classes: [usize; 2]| {
            let mut of = |value, change| self.combined(room, classes, value, change);
            Lead {
                classes,
                original: of(1.0, 0.0),
                pruned: of(1.0, 1.0),
                change: of(0.0, 1.0),
            }
        };
        pairs.into_iter().map(lead).collect()
    }

    /// So much of the lead in the original, and so much of its change.
    fn combined(&self, room: &mut Room, classes: [usize; 2], value: f64, change: f64) -> Range {
        let weights = room.descent.start(self.pair.outputs());
        for (class, sign) in classes.into_iter().zip([1.0, -1.0]) {
            // The logit of class 0 beside a single one is 0.
            let place = match self.pair.outputs() {
                1 if class == 0 => continue,
                1 => 0,
                _ => class,
            };
            weights.value[place] = Lanes::splat(sign * value);
            weights.change[place] = Lanes::splat(sign * change);
        }
        Arch::new().dispatch(|| room.descent.run(self.pair, &room.pass, false));
        room.descent.line.range()
    }

    /// Whether, at the point that the room's pass was run on, the original's softmax is sure to
    /// give a class at least `confidence`.
    pub(super) fn is_confident(&self, room: &mut Room, class: usize, confidence: f64) -> bool {
        let others = (0..self.pair.outputs().max(2)).filter(|other| *other != class);
        let mut sum = 0.0;
        for other in others {
            let lead = self.combined(room, [class, other], 1.0, 0.0).lo.0[0];
            sum += (-(lead - self.slack(0, class, other))).exp();
        }
        sum * (1.0 + OUTWARD) <= (1.0 / confidence - 1.0) * (1.0 - OUTWARD)
    }
}

/// The softmax of the largest of these outputs is at least `confidence`, as far as is known:
/// `None` where rounding leaves a doubt. Of one output the logistic function.
pub(super) fn confident(outputs: &[[f64; 2]], class: usize, confidence: f64) -> Option<bool> {
    let (own, others): ([f64; 2], Vec<[f64; 2]>) = match outputs {
        [[lo, hi]] => match class {
            1 => ([*lo, *hi], vec![[0.0, 0.0]]),
            _ => ([0.0, 0.0], vec![[*lo, *hi]]),
        },
        _ => {
            let others = outputs.iter().enumerate().filter(|(k, _)| *k != class);
            (outputs[class], others.map(|(_, side)| *side).collect())
        }
    };
    let least: f64 = others.iter().map(|[lo, _]| (lo - own[1]).exp()).sum();
    let most: f64 = others.iter().map(|[_, hi]| (hi - own[0]).exp()).sum();
    let limit = 1.0 / confidence - 1.0;
    match (
        most * (1.0 + OUTWARD) <= limit * (1.0 - OUTWARD),
        least * (1.0 - OUTWARD) > limit * (1.0 + OUTWARD),
    ) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// The same of a point as evaluated, without regard to rounding.
pub(super) fn seems_confident(outputs: ArrayView1<'_, f64>, class: usize, confidence: f64) -> bool {
    let outputs: Vec<[f64; 2]> = outputs.iter().map(|x| [*x, *x]).collect();
    confident(&outputs, class, confidence) != Some(false)
}
