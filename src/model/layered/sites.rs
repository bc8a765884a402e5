//! The sites of a layered network and the edges between them.
//!
//! A site is a feature of the input, a channel that an affine layer writes (it
//! keeps its name through activations, pools and other steps that go channel by
//! channel), or a channel that several others are gathered into: a sum, a gate,
//! a normalised value, an entry of a flattened map. An edge is one entry of a
//! linear layer, or one kernel of a convolution; gathering is carried by *links*,
//! which nothing can patch.
//!
//! The edges of an affine layer are numbered reader by reader; those of one
//! reader term by term. Sites are numbered in the order of computation.

use std::ops::Range;

use super::{Layered, Op, Shape, Term};
use crate::numeric::Scalar;

/// Sites and edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayeredSites {
    /// By site.
    names: Vec<String>,
    /// Sites that stand side by side, group by group.
    groups: Vec<Range<usize>>,
    /// Per value and channel of it, its site.
    of_value: Vec<Vec<usize>>,
    affine: Vec<AffineSites>,
    links: Vec<(usize, usize)>,
}

/// The edges into one affine layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffineSites {
    /// The layer, by number.
    pub layer: usize,
    /// The first of its edges.
    pub first: usize,
    /// Its readers, the channels it writes.
    pub readers: usize,
    /// Per term, the edges from it into each reader.
    pub writers: Vec<usize>,
}

/// One edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayeredEdge {
    /// The affine layer, by its place among them.
    pub affine: usize,
    /// The reader, a channel of the layer.
    pub to: usize,
    /// The term, by its place in the layer.
    pub term: usize,
    /// The writer, among those that the reader is connected to.
    pub from: usize,
}

impl AffineSites {
    /// Edges into each reader.
    #[must_use]
    pub fn fan_in(&self) -> usize {
        self.writers.iter().sum()
    }

    /// The edges of the layer.
    #[must_use]
    pub fn edges(&self) -> Range<usize> {
        self.first..self.first + self.readers * self.fan_in()
    }

    /// The number of an edge.
    #[must_use]
    pub fn edge(&self, to: usize, term: usize, from: usize) -> usize {
        let before: usize = self.writers[..term].iter().sum();
        self.first + to * self.fan_in() + before + from
    }
}

impl LayeredSites {
    /// The sites and edges of a network.
    #[must_use]
    pub fn new<T: Scalar>(network: &Layered<T>) -> Self {
        let mut sites = Self {
            names: Vec::new(),
            groups: Vec::new(),
            of_value: Vec::new(),
            affine: Vec::new(),
            links: Vec::new(),
        };
        let inputs = sites.group("x", network.input.channels);
        sites.of_value.push(inputs);
        for (number, layer) in network.layers.iter().enumerate() {
            let written = sites.written(network, number, &layer.op, layer.shape);
            sites.of_value.push(written);
        }
        sites.name_outputs();
        sites
    }

    /// Outputs that no other site writes too are called `y`.
    fn name_outputs(&mut self) {
        let outputs = self.of_value[self.of_value.len() - 1].clone();
        let inputs = self.groups[0].end;
        let own =
            |(place, site): (usize, &usize)| *site >= inputs && !outputs[..place].contains(site);
        if outputs.iter().enumerate().all(own) {
            for (output, site) in outputs.iter().enumerate() {
                self.names[*site] = format!("y{output}");
            }
        }
    }

    /// The sites of what a layer writes, by channel.
    fn written<T: Scalar>(
        &mut self,
        network: &Layered<T>,
        number: usize,
        op: &Op<T>,
        shape: Shape,
    ) -> Vec<usize> {
        match op {
            Op::Affine { terms, .. } => self.readers(network, number, terms, shape),
            Op::Activate(read, _)
            | Op::Scale { read, .. }
            | Op::MaxPool(read, _)
            | Op::AveragePool(read, _) => self.of_value[*read].clone(),
            Op::Slice(read, from) => self.of_value[*read][*from..from + shape.channels].to_vec(),
            Op::Join(reads) => reads
                .iter()
                .flat_map(|read| self.of_value[*read].clone())
                .collect(),
            Op::Flatten(read) => {
                let (channels, positions) = (
                    self.of_value[*read].clone(),
                    network.shape(*read).positions(),
                );
                match positions {
                    1 => channels,
                    _ => self.gathered(shape, |entry| vec![channels[entry / positions]]),
                }
            }
            Op::Sum(reads) => {
                let of: Vec<Vec<usize>> = reads.iter().map(|r| self.of_value[*r].clone()).collect();
                self.gathered(shape, |channel| of.iter().map(|of| of[channel]).collect())
            }
            Op::Gate(a, b) => {
                let of = [self.of_value[*a].clone(), self.of_value[*b].clone()];
                self.gathered(shape, |channel| of.iter().map(|of| of[channel]).collect())
            }
            Op::Norm(read, _) => {
                let all = self.of_value[*read].clone();
                self.gathered(shape, |_| all.clone())
            }
        }
    }

    /// New sites, one per reader of an affine layer.
    fn readers<T: Scalar>(
        &mut self,
        network: &Layered<T>,
        layer: usize,
        terms: &[Term],
        shape: Shape,
    ) -> Vec<usize> {
        let of = |term: &Term| network.parameters[term.parameter].writers();
        self.affine.push(AffineSites {
            layer,
            first: self.edge_count(),
            readers: shape.channels,
            writers: terms.iter().map(of).collect(),
        });
        self.hidden(shape.channels)
    }

    /// New sites, each with links from those that `from` names for its channel.
    fn gathered(&mut self, shape: Shape, from: impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
        let sites = self.hidden(shape.channels);
        for (channel, site) in sites.iter().enumerate() {
            self.links
                .extend(from(channel).into_iter().map(|before| (before, *site)));
        }
        sites
    }

    fn hidden(&mut self, count: usize) -> Vec<usize> {
        let number = self.groups.len();
        self.group(&format!("h{number}."), count)
    }

    /// New sites by this name and their number in the group.
    fn group(&mut self, name: &str, count: usize) -> Vec<usize> {
        let first = self.names.len();
        self.names.extend((0..count).map(|i| format!("{name}{i}")));
        self.groups.push(first..first + count);
        (first..first + count).collect()
    }

    /// Number of sites.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The name of a site: `x2`, `h3.0`, `y1`.
    #[must_use]
    pub fn name(&self, site: usize) -> &str {
        &self.names[site]
    }

    /// Sites that stand side by side, in the order of computation.
    #[must_use]
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// The site of every channel of a value.
    #[must_use]
    pub fn of_value(&self, value: usize) -> &[usize] {
        &self.of_value[value]
    }

    /// The site of every output.
    #[must_use]
    pub fn outputs(&self) -> &[usize] {
        self.of_value(self.of_value.len() - 1)
    }

    /// The affine layers, in the order of computation.
    #[must_use]
    pub fn affine(&self) -> &[AffineSites] {
        &self.affine
    }

    /// The edges into an affine layer, by its number.
    ///
    /// # Panics
    /// If the layer is not affine.
    #[must_use]
    pub fn of_layer(&self, layer: usize) -> &AffineSites {
        let place = self.affine.partition_point(|sites| sites.layer < layer);
        let sites = &self.affine[place];
        assert_eq!(sites.layer, layer, "only affine layers have edges");
        sites
    }

    /// What carries values on besides edges, from a lower site to a higher one.
    #[must_use]
    pub fn links(&self) -> &[(usize, usize)] {
        &self.links
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.affine.last().map_or(0, |last| last.edges().end)
    }

    /// The edge with a number.
    #[must_use]
    pub fn edge_at(&self, number: usize) -> LayeredEdge {
        let affine = self.affine.partition_point(|a| a.edges().end <= number);
        let sites = &self.affine[affine];
        let (to, mut from) = (
            (number - sites.first) / sites.fan_in(),
            (number - sites.first) % sites.fan_in(),
        );
        let mut term = 0;
        while from >= sites.writers[term] {
            from -= sites.writers[term];
            term += 1;
        }
        LayeredEdge {
            affine,
            to,
            term,
            from,
        }
    }

    /// The weights of an edge: one, or those of a kernel.
    #[must_use]
    pub fn weight_of<T: Scalar>(&self, network: &Layered<T>, number: usize) -> Vec<T> {
        let edge = self.edge_at(number);
        let term = &network.terms(self.affine[edge.affine].layer)[edge.term];
        let parameter = &network.parameters[term.parameter];
        let columns = edge.from * parameter.taps..(edge.from + 1) * parameter.taps;
        columns
            .map(|column| parameter.weight[[edge.to, column]])
            .collect()
    }

    /// Writer and reader of an edge, by site.
    #[must_use]
    pub fn ends<T: Scalar>(&self, network: &Layered<T>, number: usize) -> (usize, usize) {
        let edge = self.edge_at(number);
        let layer = self.affine[edge.affine].layer;
        let reader = self.of_value[layer + 1][edge.to];
        let term = &network.terms(layer)[edge.term];
        let group = edge.to / network.parameters[term.parameter].readers_per_group();
        let channel = network.channels_of(term, group).start + edge.from;
        (self.of_value[term.read][channel], reader)
    }
}
