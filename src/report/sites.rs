//! Looks up sites by name: where they are, what they are called, what joins them.
//!
//! A result may come from a file, so no name, layer or weight is taken on trust:
//! what is not there is `None`, never a panic.

use std::collections::{BTreeMap, BTreeSet};

use crate::choice::MetricKind;
use crate::result::{Layer, Network, Site};

/// The longest name that is shown in full.
const LONGEST: usize = 60;

/// The layer of a site and its position in the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The layer, inputs first.
    pub layer: usize,
    /// The position in the layer.
    pub index: usize,
}

impl Place {
    /// Whether an edge from here leads to the next step of a recurrence: its reader's layer is
    /// not above this one.
    #[must_use]
    pub fn recurs_to(self, reader: Self) -> bool {
        reader.layer <= self.layer
    }
}

/// One weight and the two sites it joins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wire {
    /// The writer.
    pub from: Place,
    /// The reader.
    pub to: Place,
    /// The weight.
    pub weight: f64,
}

/// A network with its sites by name.
#[derive(Debug, Clone)]
pub struct Sites<'a> {
    network: &'a Network,
    places: BTreeMap<&'a str, Place>,
    /// Names that more than one site has.
    shared: BTreeSet<&'a str>,
}

impl<'a> Sites<'a> {
    /// Indexes the sites of a network.
    #[must_use]
    pub fn new(network: &'a Network) -> Self {
        let mut places = BTreeMap::new();
        let (mut seen, mut shared) = (BTreeSet::new(), BTreeSet::new());
        for (layer, sites) in network.layers.iter().enumerate() {
            for (index, site) in sites.sites.iter().enumerate() {
                places.insert(site.site.as_str(), Place { layer, index });
                if !seen.insert(site.name.as_str()) {
                    shared.insert(site.name.as_str());
                }
            }
        }
        Self {
            network,
            places,
            shared,
        }
    }

    /// The layers, inputs first.
    #[must_use]
    pub fn layers(&self) -> &'a [Layer] {
        &self.network.layers
    }

    /// Where a site is; at a step of a recurrence (`h1.3@4`) where it is at all of them.
    #[must_use]
    pub fn place(&self, site: &str) -> Option<Place> {
        let whole = self.at_a_step(site).map_or(site, |(whole, _)| whole);
        self.places.get(whole).copied()
    }

    /// A site that is drawn once for all steps, and the step.
    fn at_a_step<'s>(&self, site: &'s str) -> Option<(&'s str, &'s str)> {
        let parts = site.rsplit_once('@')?;
        let is_one = self.places.contains_key(parts.0) && !self.places.contains_key(site);
        is_one.then_some(parts)
    }

    /// The site at a place.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&'a Site> {
        self.network.layers.get(place.layer)?.sites.get(place.index)
    }

    /// What a site is called wherever a person reads: the feature's or target's own name,
    /// else the site itself; names that several sites have get the site beside them.
    #[must_use]
    pub fn name(&self, site: &str) -> String {
        if let Some((whole, step)) = self.at_a_step(site) {
            return format!("{}@{step}", self.name(whole));
        }
        match self.place(site).and_then(|place| self.at(place)) {
            Some(found) if found.name.trim().is_empty() => clean(site),
            Some(found) if self.shared.contains(found.name.as_str()) => {
                format!("{} [{}]", clean(&found.name), clean(site))
            }
            Some(found) => clean(&found.name),
            None => clean(site),
        }
    }

    /// A metric as a person reads it: `mse of y0` by the output's own name.
    #[must_use]
    pub fn metric(&self, metric: &str) -> String {
        match metric.split_once(" of ") {
            Some((metric, site)) => format!("{} of {}", clean(metric), self.name(site)),
            None => clean(metric),
        }
    }

    /// The same in words: the mean squared error of an output by its own name.
    #[must_use]
    pub fn metric_in_words(&self, metric: &str) -> String {
        let read = self.metric(metric);
        let (name, of) = read.split_once(' ').unwrap_or((&read, ""));
        match name.parse::<MetricKind>() {
            Ok(kind) => format!("{} {of}", kind.in_words()).trim().to_owned(),
            Err(_) => read,
        }
    }

    /// Names of many sites in natural order, cut after `most`.
    #[must_use]
    pub fn list<'s>(&self, sites: impl IntoIterator<Item = &'s String>, most: usize) -> String {
        let mut names: Vec<String> = sites.into_iter().map(|site| self.name(site)).collect();
        names.sort_by_key(|name| natural(name));
        let comma = if names.iter().any(|name| name.contains(',')) {
            "; "
        } else {
            ", "
        };
        let left_out = names.len().saturating_sub(most);
        if left_out < 2 {
            return names.join(comma);
        }
        names.truncate(most);
        format!("{} and {left_out} more", names.join(comma))
    }

    /// The weight from one place to another.
    #[must_use]
    pub fn weight(&self, from: Place, to: Place) -> Option<f64> {
        let ends = (from.layer, to.layer);
        let (_, matrix) = self.matrices().find(|(of, _)| *of == ends)?;
        let width = self.network.layers.get(from.layer)?.sites.len();
        let row = to.index.checked_mul(width)?;
        *matrix.get(row + from.index)?
    }

    /// All matrices of weights, with the layers that they join.
    fn matrices(&self) -> impl Iterator<Item = ((usize, usize), &'a [Option<f64>])> {
        let next = self.network.weights.iter().enumerate();
        let next = next.map(|(layer, weights)| ((layer, layer + 1), weights.as_slice()));
        let skips = self.network.skips.iter();
        next.chain(skips.map(|skip| ((skip.from_layer, skip.to_layer), skip.weights.as_slice())))
    }

    /// The weights that are not zero and not below the threshold, in the network's order.
    #[must_use]
    pub fn surviving(&self, threshold: f64) -> Vec<Wire> {
        self.wires()
            .filter(|wire| wire.weight != 0.0 && wire.weight.abs() >= threshold)
            .collect()
    }

    /// Every finite weight, in the network's order.
    pub fn wires(&self) -> impl Iterator<Item = Wire> + '_ {
        self.matrices().flat_map(move |((layer, next), matrix)| {
            let sites = |layer: usize| self.network.layers.get(layer).map_or(0, |l| l.sites.len());
            let (width, height) = (sites(layer), sites(next));
            let entries = matrix.iter().take(width * height).enumerate();
            entries.filter_map(move |(k, weight)| {
                let weight = (*weight)?;
                let from = Place {
                    layer,
                    index: k % width,
                };
                let to = Place {
                    layer: next,
                    index: k / width,
                };
                weight.is_finite().then_some(Wire { from, to, weight })
            })
        })
    }
}

/// Text from a file with what steers shown as escapes.
#[must_use]
pub fn plain(text: &str) -> String {
    crate::escape::visible(text).into_owned()
}

/// A name from a file, harmless and no longer than 60 characters.
#[must_use]
pub fn clean(name: &str) -> String {
    shortened(&plain(name), LONGEST)
}

/// Text cut to so many characters, the last of them an ellipsis.
#[must_use]
pub fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A key that sorts `x2` before `x10`.
#[must_use]
pub fn natural(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text: String = rest.chars().take_while(|c| !c.is_ascii_digit()).collect();
        rest = rest.get(text.len()..).unwrap_or("");
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        rest = rest.get(digits.len()..).unwrap_or("");
        parts.push((0, text));
        parts.push((digits.parse().unwrap_or(u64::MAX), String::new()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn names_sort_as_people_sort_them() {
        let mut names = ["x10", "x2", "x1", "a"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["a", "x1", "x2", "x10"]);
    }

    #[test]
    fn text_loses_what_could_disturb_a_page() {
        assert_eq!(clean("a\u{0}b\n\u{202e}c"), "a\\u{0}b\\n\\u{202e}c");
        assert_eq!(clean(&"é".repeat(100)).chars().count(), LONGEST);
        assert_eq!(clean(&"é".repeat(LONGEST)).chars().count(), LONGEST);
    }

    #[test]
    fn weights_are_found_by_row_of_the_reader() {
        let audit = sample::audit();
        let sites = Sites::new(&audit.network);
        let (from, to) = (sites.place("x1"), sites.place("h1.2"));
        let weight = sites.weight(from.expect("there"), to.expect("there"));
        assert_eq!(weight, Some(-0.75));
        assert_eq!(sites.place("nowhere"), None);
    }

    #[test]
    fn a_name_that_two_sites_have_says_which() {
        let mut audit = sample::audit();
        audit.network.layers[0].sites[1].name = audit.network.layers[0].sites[0].name.clone();
        let sites = Sites::new(&audit.network);
        assert_eq!(sites.name("x0"), "x4 [x0]");
        assert_ne!(sites.name("x0"), sites.name("x1"));
        assert_eq!(
            sites.metric("mse of y0"),
            format!("mse of {}", sites.name("y0"))
        );
        assert_eq!(sites.metric("loss"), "loss");
    }

    #[test]
    fn matrices_of_the_wrong_size_do_no_harm() {
        let mut audit = sample::audit();
        audit.network.weights[0].truncate(3);
        audit.network.weights[1].extend([Some(1.0); 9]);
        audit.network.weights.push(vec![Some(1.0); 4]);
        let sites = Sites::new(&audit.network);
        assert!(sites.wires().all(|wire| sites.at(wire.to).is_some()));
    }
}
