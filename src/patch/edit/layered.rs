//! A layered network with edits: a group is a value.
//!
//! A site keeps its columns through steps that go channel by channel; each of its values is
//! changed for what other sites read of it, so that a change is made once. In a recurrence
//! `h1.3` is a neuron at all steps, `h1.3@4` at step 4.

use std::collections::BTreeMap;
use std::ops::Range;

use ndarray::{Array2, ArrayView2, s};

use super::{Carrier, Editable, Ledger, Rows, Source, Spot};
use crate::model::layered::{LayeredSites, Op, Term};
use crate::model::{Layered, PassHooks};
use crate::numeric::Scalar;

/// A layered network on its samples.
#[derive(Debug, Clone)]
pub struct LayeredEdits<'m, T> {
    model: &'m Layered<T>,
    /// Steps apart.
    sites: LayeredSites,
    /// By site, its name with steps as one.
    at_all_steps: Vec<String>,
    inputs: &'m Array2<T>,
    pairs: Option<&'m Array2<T>>,
}

impl<'m, T: Scalar> LayeredEdits<'m, T> {
    /// On inputs and their corrupted pairs, both `[features, samples]`.
    #[must_use]
    pub fn new(model: &'m Layered<T>, inputs: &'m Array2<T>, pairs: Option<&'m Array2<T>>) -> Self {
        let (sites, one) = (LayeredSites::of_steps(model), LayeredSites::new(model));
        let mut at_all_steps = vec![String::new(); sites.count()];
        for value in 0..=model.layers.len() {
            for (site, name) in sites.of_value(value).iter().zip(one.of_value(value)) {
                one.name(*name).clone_into(&mut at_all_steps[*site]);
            }
        }
        Self {
            model,
            sites,
            at_all_steps,
            inputs,
            pairs,
        }
    }

    /// Whether a site is called so, at its step or at all.
    fn is_called(&self, site: usize, name: &str) -> bool {
        self.sites.name(site) == name || self.at_all_steps[site] == name
    }

    /// The columns of a channel of a value.
    fn spot(&self, value: usize, channel: usize) -> Spot<usize> {
        let positions = self.model.shape(value).positions();
        Spot {
            group: value,
            columns: channel * positions..(channel + 1) * positions,
        }
    }
}

/// Layer, term, and the channels that write and read.
fn ends<T: Scalar>(model: &Layered<T>, sites: &LayeredSites, edge: usize) -> End {
    let at = sites.edge_at(edge);
    let layer = sites.affine()[at.affine].layer;
    let term = terms(model, layer)[at.term].clone();
    let group = at.to / model.parameters[term.parameter].readers_per_group();
    let connected = model.parameters[term.parameter].writers();
    let writer = group * connected + at.from;
    End {
        layer,
        term,
        reader: at.to,
        writer,
        from: at.from,
    }
}

/// One edge, in full.
struct End {
    layer: usize,
    term: Term,
    reader: usize,
    /// A channel of the value that is read.
    writer: usize,
    /// The same, among those that the reader is connected to.
    from: usize,
}

fn terms<T: Scalar>(model: &Layered<T>, layer: usize) -> &[Term] {
    match &model.layers[layer].op {
        Op::Affine { terms, .. } => terms,
        _ => unreachable!("only affine layers have edges"),
    }
}

impl<T: Scalar> Editable for LayeredEdits<'_, T> {
    type Number = T;
    type Group = usize;
    /// The number of an edge.
    type Reader = usize;

    fn sites(&self) -> Vec<(String, Vec<Spot<usize>>)> {
        let mut spots = vec![Vec::new(); self.sites.count()];
        for value in 0..=self.model.layers.len() {
            for (channel, site) in self.sites.of_value(value).iter().enumerate() {
                spots[*site].push(self.spot(value, channel));
            }
        }
        let mut all: Vec<(String, Vec<Spot<usize>>)> = Vec::new();
        let mut place_of = BTreeMap::new();
        for (name, spots) in self.at_all_steps.iter().zip(&spots) {
            let place = *place_of.entry(name).or_insert(all.len());
            if place == all.len() {
                all.push((name.clone(), Vec::new()));
            }
            all[place].1.extend(spots.iter().cloned());
        }
        let of_a_step = |site: &usize| self.sites.name(*site) != self.at_all_steps[*site];
        let steps = (0..self.sites.count()).filter(of_a_step);
        all.extend(steps.map(|site| (self.sites.name(site).to_owned(), spots[site].clone())));
        all
    }

    fn carriers(&self, from: &str, to: &str) -> Vec<Carrier<usize, usize>> {
        let is_it = |edge: &usize| {
            let (writer, reader) = self.sites.ends(self.model, *edge);
            self.is_called(writer, from) && self.is_called(reader, to)
        };
        let carrier = |edge: usize| {
            let end = ends(self.model, &self.sites, edge);
            Carrier {
                from: self.spot(end.term.read, end.writer),
                to: edge,
            }
        };
        let edges = 0..self.sites.edge_count();
        edges.filter(is_it).map(carrier).collect()
    }

    fn message_width(&self, carrier: &Carrier<usize, usize>) -> usize {
        let end = ends(self.model, &self.sites, carrier.to);
        self.model.layers[end.layer].shape.positions()
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

    fn run(&self, _: usize, source: Source, ledger: &mut Ledger<'_, T, usize, usize>) -> Array2<T> {
        let values = match source {
            Source::Clean => self.inputs.clone(),
            Source::Corrupted => self.pairs.unwrap_or(self.inputs).clone(),
        };
        let mut pass = Pass {
            network: self,
            samples: 0..values.ncols(),
            ledger,
        };
        self.model.outputs_with(values, &mut pass)
    }
}

/// What a pass is changed by.
struct Pass<'p, 'l, 'm, T> {
    network: &'p LayeredEdits<'m, T>,
    samples: Range<usize>,
    ledger: &'p mut Ledger<'l, T, usize, usize>,
}

impl<T: Scalar> PassHooks<T> for Pass<'_, '_, '_, T> {
    fn touches(&self, value: usize) -> bool {
        self.ledger.wants(value)
    }

    fn written(&mut self, value: usize, values: &mut Array2<T>) {
        let rows = Rows::alone(&self.samples);
        let values = values.view_mut().reversed_axes();
        self.ledger.written(value, values, rows);
    }

    fn read(&mut self, layer: usize, read: &mut Array2<T>) {
        let rows = Rows::alone(&self.samples);
        let (model, sites) = (self.network.model, &self.network.sites);
        let edges = sites.of_layer(layer).edges();
        let positions = model.layers[layer].shape.positions();
        let here: Vec<usize> = self
            .ledger
            .readers()
            .filter(|e| edges.contains(e))
            .collect();
        for edge in here {
            let end = ends(model, sites, edge);
            let columns = end.reader * positions..(end.reader + 1) * positions;
            for edit in self.ledger.edits_to(edge) {
                let brought = |x: ArrayView2<'_, T>| message(model, &end, columns.clone(), x);
                let change = self.ledger.difference(edit, (rows, rows), brought);
                let mut read = read.slice_mut(s![columns.clone(), ..]);
                read += &change.t();
            }
        }
    }
}

/// What an edge brings of its writer's channel, `[samples, positions]` both.
fn message<T: Scalar>(
    model: &Layered<T>,
    end: &End,
    columns: Range<usize>,
    x: ArrayView2<'_, T>,
) -> Array2<T> {
    let parameter = &model.parameters[end.term.parameter];
    let taps = s![
        end.reader,
        end.from * parameter.taps..(end.from + 1) * parameter.taps
    ];
    let mut weight = Array2::zeros(parameter.weight.raw_dim());
    weight.slice_mut(taps).assign(&parameter.weight.slice(taps));
    let shape = model.shape(end.term.read);
    let mut read = Array2::zeros((shape.features(), x.nrows()));
    let first = end.writer * shape.positions();
    read.slice_mut(s![first..first + shape.positions(), ..])
        .assign(&x.t());
    let all = model.messages(end.layer, &end.term, weight.view(), read.view());
    all.slice(s![columns, ..]).t().to_owned()
}
