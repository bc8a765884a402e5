//! Runs of a transformer whose components' edges carry shares of their messages.

use super::{Loss, Maskable, over_parts};
use crate::numeric::Scalar;
use crate::patch::ComponentEngine;
use crate::patch::component::{Mixed, Part};

impl<T: Scalar> Maskable for ComponentEngine<'_, T> {
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        let of_part = |part: &Part<T>| {
            let run = Mixed::new(self, part, shares);
            let readings: Vec<usize> = part.readings.clone().collect();
            let (value, at_outputs) = loss(run.outputs(), &readings);
            (value, run.backward(at_outputs.t()))
        };
        over_parts(self, of_part)
    }
}
