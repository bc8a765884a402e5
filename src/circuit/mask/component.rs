//! Runs of a transformer whose components' edges carry shares of their messages.

use rayon::prelude::*;

use super::{Loss, Maskable};
use crate::numeric::Scalar;
use crate::patch::component::{Mixed, Part};
use crate::patch::{ComponentEngine, Patchable};

impl<T: Scalar> Maskable for ComponentEngine<'_, T> {
    /// Parts run in parallel.
    fn mixed(&self, shares: &[f64], loss: &Loss<'_, T>) -> (f64, Vec<f64>) {
        let of_part = |part: &Part<T>| {
            let run = Mixed::new(self, part, shares);
            let readings: Vec<usize> = part.readings.clone().collect();
            let (value, at_outputs) = loss(run.outputs(), &readings);
            (value, run.backward(at_outputs.t()))
        };
        let parts: Vec<(f64, Vec<f64>)> = self.parts().par_iter().map(of_part).collect();
        let mut gradient = vec![0.0; self.edge_count()];
        for (_, part) in &parts {
            gradient.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        (parts.iter().map(|(value, _)| value).sum(), gradient)
    }
}
