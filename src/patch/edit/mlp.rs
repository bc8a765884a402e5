//! An MLP with edits: a group is a layer of sites.

use std::ops::Range;

use ndarray::{Array2, Axis};

use super::{Carrier, Editable, Ledger, Rows, Source, Spot};
use crate::model::{Mlp, PassHooks, Sites};
use crate::numeric::Scalar;

/// An MLP on its samples.
#[derive(Debug, Clone)]
pub struct MlpEdits<'m, T> {
    model: &'m Mlp<T>,
    sites: Sites,
    inputs: &'m Array2<T>,
    pairs: Option<&'m Array2<T>>,
}

impl<'m, T: Scalar> MlpEdits<'m, T> {
    /// On physical inputs and their corrupted pairs, both `[width, samples]`.
    #[must_use]
    pub fn new(model: &'m Mlp<T>, inputs: &'m Array2<T>, pairs: Option<&'m Array2<T>>) -> Self {
        Self {
            model,
            sites: model.sites(),
            inputs,
            pairs,
        }
    }

    /// The number of the site of a name.
    fn number(&self, name: &str) -> Option<usize> {
        let is_it = |site: &usize| {
            let (layer, position) = self.sites.place(*site);
            self.sites.name(layer, position) == name
        };
        (0..self.sites.site_count()).find(is_it)
    }
}

impl<T: Scalar> Editable for MlpEdits<'_, T> {
    type Number = T;
    type Group = usize;
    /// Layer and position of a site that reads.
    type Reader = (usize, usize);

    fn sites(&self) -> Vec<(String, Vec<Spot<usize>>)> {
        let site = |site: usize| {
            let (group, at) = self.sites.place(site);
            let columns = at..at + 1;
            (self.sites.name(group, at), vec![Spot { group, columns }])
        };
        (0..self.sites.site_count()).map(site).collect()
    }

    fn carriers(&self, from: &str, to: &str) -> Vec<Carrier<usize, (usize, usize)>> {
        let place = |name| self.number(name).map(|site| self.sites.place(site));
        match (place(from), place(to)) {
            (Some((group, at)), Some(to)) if to.0 == group + 1 => {
                let columns = at..at + 1;
                let from = Spot { group, columns };
                vec![Carrier { from, to }]
            }
            _ => Vec::new(),
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn samples(&self) -> usize {
        self.inputs.ncols()
    }

    fn per_sample(&self) -> usize {
        1
    }

    fn has_pairs(&self) -> bool {
        self.pairs.is_some()
    }

    fn parts(&self) -> usize {
        1
    }

    fn run(
        &self,
        _: usize,
        source: Source,
        ledger: &mut Ledger<'_, T, usize, (usize, usize)>,
    ) -> Array2<T> {
        let values = match source {
            Source::Clean => self.inputs.clone(),
            Source::Corrupted => self.pairs.unwrap_or(self.inputs).clone(),
        };
        let mut pass = Pass {
            model: self.model,
            samples: 0..values.ncols(),
            ledger,
        };
        self.model.outputs_with(values, &mut pass)
    }
}

/// What a pass is changed by.
struct Pass<'p, 'l, T> {
    model: &'p Mlp<T>,
    samples: Range<usize>,
    ledger: &'p mut Ledger<'l, T, usize, (usize, usize)>,
}

impl<T: Scalar> PassHooks<T> for Pass<'_, '_, T> {
    fn written(&mut self, value: usize, values: &mut Array2<T>) {
        let rows = Rows::alone(&self.samples);
        let values = values.view_mut().reversed_axes();
        self.ledger.written(value, values, rows);
    }

    fn read(&mut self, layer: usize, read: &mut Array2<T>) {
        let rows = Rows::alone(&self.samples);
        let weights = &self.model.layers[layer].weight;
        for (to, mut read) in read.rows_mut().into_iter().enumerate() {
            for edit in self.ledger.edits_to((layer + 1, to)) {
                let weight = weights[[to, edit.carrier.from.columns.start]];
                let change = self
                    .ledger
                    .difference(edit, (rows, rows), |x| x.mapv(|x| x * weight));
                read += &change.index_axis(Axis(1), 0);
            }
        }
    }
}
