//! Inputs of balls at which a network decides otherwise than at the middle: where one is found,
//! that the decision is the same everywhere cannot be proved of that network, and between it
//! and the middle the two networks may decide differently.

use ndarray::{Array2, ArrayView1, ArrayView2, s};

use super::bound::Inputs;
use super::decisions::{Ball, Judge, Room, decisions};
use super::{Deadline, Input, features};
use crate::model::Mlp;

/// Steps from the middle against the lead, each along the signs of its gradient, in half widths.
const STEPS: [f64; 6] = [2.0, 1.0, 0.5, 0.5, 0.25, 0.25];
/// Halvings of the way between two decisions.
const HALVINGS: usize = 40;

impl Judge<'_> {
    /// Per ball, with the class at its middle `[inputs, balls]`, an input where one of the
    /// networks decides otherwise, if steps lead to one in time.
    pub(super) fn astray(
        &self,
        balls: &[(&Inputs, usize)],
        middles: ArrayView2<'_, f64>,
        deadline: Deadline,
    ) -> Vec<Option<Vec<f64>>> {
        let mut found = vec![None; balls.len()];
        for model in [self.original, self.pruned] {
            for other in 0..self.pair.outputs().max(2) {
                let mut points = middles.to_owned();
                for step in STEPS {
                    if deadline.is_over() {
                        return found;
                    }
                    against(model, balls, &mut points, other, step);
                    let now = decisions(model, points.view());
                    for (ball, found) in found.iter_mut().enumerate() {
                        if found.is_none() && now[ball] != balls[ball].1 {
                            *found = Some(points.column(ball).to_vec());
                        }
                    }
                }
            }
        }
        found
    }

    /// Whether on the way from a middle to an input gone astray the networks are proved to decide
    /// differently.
    pub(super) fn parted(
        &self,
        room: &mut Room,
        middle: ArrayView1<'_, f64>,
        astray: &[f64],
        class: usize,
    ) -> Ball {
        let at = |t: f64| -> Vec<f64> {
            let pairs = middle.iter().zip(astray);
            pairs.map(|(from, to)| from + t * (to - from)).collect()
        };
        let decided = |model: &Mlp<f64>, t: f64| {
            let point = Array2::from_shape_vec((middle.len(), 1), at(t));
            point.map_or(class, |point| decisions(model, point.view())[0])
        };
        let turn = |model| {
            let (mut same, mut other) = (0.0, 1.0);
            for _ in 0..HALVINGS {
                let half = 0.5 * (same + other);
                match decided(model, half) == class {
                    true => same = half,
                    false => other = half,
                }
            }
            0.5 * (same + other)
        };
        let between = 0.5 * (turn(self.original) + turn(self.pruned));
        for t in [between, 1.0] {
            let (before, after) = (decided(self.original, t), decided(self.pruned, t));
            let point = at(t);
            if before != after
                && self.proved_to_differ(room, ArrayView1::from(&point), before, after)
            {
                return Ball::Differs(Input::Features(features(self.original, &point)));
            }
        }
        Ball::Undecided
    }
}

/// Moves each ball's point against the lead of its class over another, within the ball.
fn against(
    model: &Mlp<f64>,
    balls: &[(&Inputs, usize)],
    points: &mut Array2<f64>,
    other: usize,
    step: f64,
) {
    let mut lead = Array2::zeros((model.out_perm.len(), balls.len()));
    for (ball, (_, class)) in balls.iter().enumerate() {
        match model.out_perm.len() {
            1 => lead[[0, ball]] = if *class == 1 { 1.0 } else { -1.0 },
            _ => {
                lead[[*class, ball]] += 1.0;
                lead[[other, ball]] -= 1.0;
            }
        }
    }
    let trace = model.forward(points.clone());
    let gradient = model.backward(&trace, lead).values.swap_remove(0);
    for (ball, (sides, _)) in balls.iter().enumerate() {
        let slopes = gradient.slice(s![.., ball]);
        let mut point = points.slice_mut(s![.., ball]);
        for ((x, slope), [lo, hi]) in point.iter_mut().zip(slopes).zip(sides.iter()) {
            let moved = *x - step * 0.5 * (hi - lo) * slope.signum();
            *x = moved.clamp(*lo, *hi);
        }
    }
}
