//! Single weights by the names of their ends, and where they are in the file.

use super::layered::LayeredSites;
use super::transformer::Channels;
use super::{Architecture, Layered, Loaded, Mlp, Network, Role, Transformer};
use crate::numeric::Scalar;

/// A weight.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The tensor that holds it, in [`Loaded::editable`]; `None` where none does by itself.
    pub tensor: Option<String>,
    /// Its place in the tensor.
    pub index: usize,
    /// Its value in the network.
    pub value: f64,
}

impl Loaded {
    /// The weights of the edge between two sites at the granularity of weights: one, or those
    /// of a kernel; none where there is no such edge.
    #[must_use]
    pub fn weights_between(&self, from: &str, to: &str) -> Vec<Entry> {
        match &self.network {
            Network::F32(network) => self.between(network, from, to),
            Network::F64(network) => self.between(network, from, to),
        }
    }

    fn between<T: Scalar>(&self, network: &Architecture<T>, from: &str, to: &str) -> Vec<Entry> {
        match network {
            Architecture::Mlp(model) => self.of_mlp(model, (from, to)).into_iter().collect(),
            Architecture::Layered(model) => of_layers(model, (from, to)),
            Architecture::Transformer(model) => {
                self.of_transformer(model, (from, to)).into_iter().collect()
            }
        }
    }

    fn of_mlp<T: Scalar>(&self, model: &Mlp<T>, ends: (&str, &str)) -> Option<Entry> {
        let sites = model.sites();
        let mut edges = 0..sites.edge_count();
        let is_it = |edge: &usize| {
            let (from, to) = sites.edge_names(*edge);
            (from.as_str(), to.as_str()) == ends
        };
        let edge = sites.edge_at(edges.find(is_it)?);
        let weight = &model.layers[edge.layer].weight;
        Some(Entry {
            tensor: self
                .tensor_name(Role::Weight(edge.layer))
                .map(str::to_owned),
            index: edge.to * weight.ncols() + edge.from,
            value: weight[[edge.to, edge.from]].widen(),
        })
    }

    fn of_transformer<T: Scalar>(
        &self,
        model: &Transformer<T>,
        (from, to): (&str, &str),
    ) -> Option<Entry> {
        let channels = Channels::new(model);
        let mut sites = 0..channels.site_count();
        let from = sites.find(|site| channels.name(*site) == from)?;
        let to = sites.find(|site| channels.name(*site) == to)?;
        for span in channels.spans() {
            let (writers, readers) = (channels.sites_of(span.from), channels.sites_of(span.to));
            if !writers.contains(&from) || !readers.contains(&to) {
                continue;
            }
            let (from, to) = (from - writers.start, to - readers.start);
            let weight = model.weight(span.matrix);
            let place = self.places.iter().find(|p| p.matrix == span.matrix);
            let at = place.map(|place| place.at(weight.nrows(), from, to));
            return Some(Entry {
                tensor: at.map(|(tensor, _)| tensor.to_owned()),
                index: at.map_or(0, |(_, index)| index),
                value: weight[[from, to]].widen(),
            });
        }
        None
    }
}

fn of_layers<T: Scalar>(model: &Layered<T>, ends: (&str, &str)) -> Vec<Entry> {
    let sites = LayeredSites::new(model);
    let is_it = |edge: &usize| {
        let (from, to) = sites.ends(model, *edge);
        (sites.name(from), sites.name(to)) == ends
    };
    let mut found: Vec<Entry> = Vec::new();
    for edge in (0..sites.edge_count()).filter(is_it) {
        let at = sites.edge_at(edge);
        let layer = sites.affine()[at.affine].layer;
        let Some((_, terms)) = model.affine().find(|(number, _)| *number == layer) else {
            continue;
        };
        let parameter = &model.parameters[terms[at.term].parameter];
        let columns = at.from * parameter.taps..(at.from + 1) * parameter.taps;
        let first = (parameter.first_row + at.to) * parameter.weight.ncols();
        let entries = columns.map(|column| Entry {
            tensor: Some(parameter.tensor.clone()),
            index: first + column,
            value: parameter.weight[[at.to, column]].widen(),
        });
        // Two places may share their weights.
        for entry in entries {
            if !found.contains(&entry) {
                found.push(entry);
            }
        }
    }
    found
}
