//! The sites of a layered network and the edges between them.
//!
//! A site is a feature of the input, a channel that an affine layer writes (it
//! keeps its name through activations, pools and other steps that go channel by
//! channel), or a channel that several others are gathered into: a sum, a gate,
//! a normalised value, an entry of a flattened map. An edge is one entry of a
//! linear layer, or one kernel of a convolution; gathering is carried by *links*,
//! which nothing can patch.
//!
//! In a recurrence a neuron is one site and a weight one edge at all steps, or
//! steps are told apart: two tables of the same network. The edges into a layer
//! are numbered reader by reader; those of one reader term by term. Sites are
//! numbered in the order of computation, within a step of it where steps are one.

use std::collections::{BTreeMap, BTreeSet};
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
    tables: Vec<Table>,
    links: BTreeSet<(usize, usize)>,
}

/// The edges into one affine layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffineSites {
    /// The layer, by number.
    pub layer: usize,
    /// Its edges, and those of other steps with it.
    edges: Range<usize>,
    /// Edges into each reader.
    fan_in: usize,
    /// Per term, the first of its edges among those of a reader.
    terms: Vec<usize>,
}

/// The edges into the channels that a layer writes; of a recurrence, that it writes at all steps.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    first: usize,
    readers: usize,
    terms: Vec<Shared>,
}

/// A term, at one of the steps at which it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shared {
    parameter: usize,
    /// Edges from it into each reader.
    writers: usize,
    /// The affine layer by its place among them, and the term by its place in it.
    at: (usize, usize),
}

/// One edge, at one of the steps at which it carries a message.
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

impl Table {
    fn fan_in(&self) -> usize {
        self.terms.iter().map(|term| term.writers).sum()
    }

    fn edges(&self) -> Range<usize> {
        self.first..self.first + self.readers * self.fan_in()
    }

    /// The first edge of a term among those of a reader.
    fn before(&self, term: usize) -> usize {
        self.terms[..term].iter().map(|term| term.writers).sum()
    }

    /// The place of each of a layer's terms, those that are new added.
    fn take<T: Scalar>(
        &mut self,
        network: &Layered<T>,
        affine: usize,
        terms: &[Term],
    ) -> Vec<usize> {
        let mut taken = Vec::with_capacity(terms.len());
        for (place, term) in terms.iter().enumerate() {
            let known = self.terms.iter().enumerate();
            let mut known = known.filter(|(_, shared)| shared.parameter == term.parameter);
            let found = known.find(|(number, _)| !taken.contains(number));
            taken.push(found.map_or(self.terms.len(), |(number, _)| number));
            if taken[place] == self.terms.len() {
                self.terms.push(Shared {
                    parameter: term.parameter,
                    writers: network.parameters[term.parameter].writers(),
                    at: (affine, place),
                });
            }
        }
        taken
    }
}

impl AffineSites {
    /// Edges into each reader.
    #[must_use]
    pub fn fan_in(&self) -> usize {
        self.fan_in
    }

    /// The edges of the layer.
    #[must_use]
    pub fn edges(&self) -> Range<usize> {
        self.edges.clone()
    }

    /// The number of an edge.
    #[must_use]
    pub fn edge(&self, to: usize, term: usize, from: usize) -> usize {
        self.edges.start + to * self.fan_in + self.terms[term] + from
    }
}

/// Sites and edges while they are made.
struct Making<'n, T> {
    network: &'n Layered<T>,
    sites: LayeredSites,
    /// Per layer, the first at which the same is computed.
    cells: Vec<usize>,
    /// The table of each cell.
    table_of: BTreeMap<usize, usize>,
    /// Per affine layer, its number, its table, and the place of each of its terms in it.
    taken: Vec<(usize, usize, Vec<usize>)>,
}

impl LayeredSites {
    /// The sites and edges of a network, steps of a recurrence as one.
    #[must_use]
    pub fn new<T: Scalar>(network: &Layered<T>) -> Self {
        let cell =
            |(number, layer): (usize, &super::Layer<T>)| layer.step.map_or(number, |s| s.cell);
        let cells = network.layers.iter().enumerate().map(cell).collect();
        Making::new(network, cells).made()
    }

    /// The same with the steps apart: `h1.3@4` is `h1.3` at step 4.
    #[must_use]
    pub fn of_steps<T: Scalar>(network: &Layered<T>) -> Self {
        let mut apart = Making::new(network, (0..network.layers.len()).collect()).made();
        let one = Self::new(network);
        for (number, layer) in network.layers.iter().enumerate() {
            let step = layer
                .step
                .map_or_else(String::new, |step| format!("@{}", step.at));
            let both = apart.of_value[number + 1]
                .iter()
                .zip(one.of_value(number + 1));
            for (site, name) in both {
                apart.names[*site] = format!("{}{step}", one.name(*name));
            }
        }
        apart
    }

    /// The sites and edges with the steps of a recurrence apart, or as one.
    #[must_use]
    pub fn at<T: Scalar>(network: &Layered<T>, steps_apart: bool) -> Self {
        match steps_apart {
            true => Self::of_steps(network),
            false => Self::new(network),
        }
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
}

impl<'n, T: Scalar> Making<'n, T> {
    fn new(network: &'n Layered<T>, cells: Vec<usize>) -> Self {
        Self {
            network,
            sites: LayeredSites {
                names: Vec::new(),
                groups: Vec::new(),
                of_value: Vec::new(),
                affine: Vec::new(),
                tables: Vec::new(),
                links: BTreeSet::new(),
            },
            cells,
            table_of: BTreeMap::new(),
            taken: Vec::new(),
        }
    }

    fn made(mut self) -> LayeredSites {
        let inputs = self.inputs();
        self.sites.of_value.push(inputs);
        for (number, layer) in self.network.layers.iter().enumerate() {
            let written = self.written(number, &layer.op, layer.shape);
            self.sites.of_value.push(written);
        }
        self.number_edges();
        self.sites.name_outputs();
        self.sites
    }

    /// The sites of the inputs; what is read at another step in the same way is the same.
    fn inputs(&mut self) -> Vec<usize> {
        let mut first: Vec<usize> = (0..self.network.input.channels).collect();
        for (layer, cell) in self.network.layers.iter().zip(&self.cells) {
            let cell = &self.network.layers[*cell].op;
            if let (Op::Slice(0, from), Op::Slice(0, of_cell)) = (&layer.op, cell) {
                for channel in 0..layer.shape.channels {
                    first[from + channel] = first[of_cell + channel];
                }
            }
        }
        let mut own = first.clone();
        own.sort_unstable();
        own.dedup();
        self.group("x", own.len());
        let place = |input: &usize| own.partition_point(|other| other < input);
        first.iter().map(place).collect()
    }

    /// The sites of what a layer writes, by channel.
    fn written(&mut self, number: usize, op: &Op<T>, shape: Shape) -> Vec<usize> {
        let of_value = |value: usize| self.sites.of_value[value].clone();
        match op {
            Op::Affine { terms, .. } => self.readers(number, terms, shape),
            Op::Activate(read, _)
            | Op::Scale { read, .. }
            | Op::MaxPool(read, _)
            | Op::AveragePool(read, _) => of_value(*read),
            Op::Slice(read, from) => of_value(*read)[*from..from + shape.channels].to_vec(),
            Op::Join(reads) => reads.iter().flat_map(|read| of_value(*read)).collect(),
            Op::Flatten(read) => {
                let (channels, positions) =
                    (of_value(*read), self.network.shape(*read).positions());
                match positions {
                    1 => channels,
                    _ => self.gathered(number, shape, |entry| vec![channels[entry / positions]]),
                }
            }
            Op::Sum(reads) => {
                let of: Vec<Vec<usize>> = reads.iter().map(|read| of_value(*read)).collect();
                self.gathered(number, shape, |channel| {
                    of.iter().map(|of| of[channel]).collect()
                })
            }
            Op::Gate(a, b) => {
                let of = [of_value(*a), of_value(*b)];
                self.gathered(number, shape, |channel| {
                    of.iter().map(|of| of[channel]).collect()
                })
            }
            Op::Norm(read, _) => {
                let all = of_value(*read);
                self.gathered(number, shape, |_| all.clone())
            }
        }
    }

    /// One site per reader of an affine layer.
    fn readers(&mut self, layer: usize, terms: &[Term], shape: Shape) -> Vec<usize> {
        let tables = &mut self.sites.tables;
        let table = *self
            .table_of
            .entry(self.cells[layer])
            .or_insert(tables.len());
        if table == tables.len() {
            tables.push(Table {
                first: 0,
                readers: shape.channels,
                terms: Vec::new(),
            });
        }
        let places = tables[table].take(self.network, self.taken.len(), terms);
        self.taken.push((layer, table, places));
        self.hidden(layer, shape.channels)
    }

    /// Sites with links from those that `from` names for each channel.
    fn gathered(
        &mut self,
        layer: usize,
        shape: Shape,
        from: impl Fn(usize) -> Vec<usize>,
    ) -> Vec<usize> {
        let sites = self.hidden(layer, shape.channels);
        for (channel, site) in sites.iter().enumerate() {
            let links = from(channel).into_iter().map(|before| (before, *site));
            self.sites.links.extend(links);
        }
        sites
    }

    /// New sites, or those of the first step.
    fn hidden(&mut self, layer: usize, count: usize) -> Vec<usize> {
        match self.cells[layer] {
            cell if cell < layer => self.sites.of_value[cell + 1].clone(),
            _ => {
                let number = self.sites.groups.len();
                self.group(&format!("h{number}."), count)
            }
        }
    }

    /// New sites by this name and their number in the group.
    fn group(&mut self, name: &str, count: usize) -> Vec<usize> {
        let sites = &mut self.sites;
        let first = sites.names.len();
        sites.names.extend((0..count).map(|i| format!("{name}{i}")));
        sites.groups.push(first..first + count);
        (first..first + count).collect()
    }

    fn number_edges(&mut self) {
        let sites = &mut self.sites;
        let mut first = 0;
        for table in &mut sites.tables {
            table.first = first;
            first = table.edges().end;
        }
        let of_layer = |(layer, table, places): &(usize, usize, Vec<usize>)| {
            let table = &sites.tables[*table];
            AffineSites {
                layer: *layer,
                edges: table.edges(),
                fan_in: table.fan_in(),
                terms: places.iter().map(|term| table.before(*term)).collect(),
            }
        };
        sites.affine = self.taken.iter().map(of_layer).collect();
    }
}

impl LayeredSites {
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

    /// What carries values on besides edges; from a lower site to a higher one, but from
    /// a step to the next.
    #[must_use]
    pub fn links(&self) -> &BTreeSet<(usize, usize)> {
        &self.links
    }

    /// Number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.tables.last().map_or(0, |last| last.edges().end)
    }

    /// The edges into every site that has some, sites in the order of computation.
    pub fn readers(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + '_ {
        self.tables.iter().flat_map(|table| {
            let fan_in = table.fan_in();
            let of = move |to: usize| table.first + to * fan_in..table.first + (to + 1) * fan_in;
            (0..table.readers).map(of)
        })
    }

    /// The edge with a number.
    #[must_use]
    pub fn edge_at(&self, number: usize) -> LayeredEdge {
        let table = self
            .tables
            .partition_point(|table| table.edges().end <= number);
        let table = &self.tables[table];
        let fan_in = table.fan_in();
        let (to, mut from) = (
            (number - table.first) / fan_in,
            (number - table.first) % fan_in,
        );
        let mut term = 0;
        while from >= table.terms[term].writers {
            from -= table.terms[term].writers;
            term += 1;
        }
        let (affine, term) = table.terms[term].at;
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

    /// Whether an edge leads from a step of a recurrence to the next: what writes it stands not
    /// before what reads it.
    #[must_use]
    pub fn recurs<T: Scalar>(&self, network: &Layered<T>, number: usize) -> bool {
        let (writer, reader) = self.ends(network, number);
        self.group_of(writer) >= self.group_of(reader)
    }

    /// The group of a site, by number.
    #[must_use]
    pub fn group_of(&self, site: usize) -> usize {
        self.groups.partition_point(|group| group.end <= site)
    }
}
