//! The samples at which the nodes of the view are strongest.

use std::collections::BTreeMap;

use crate::choice::SiteMeasure;
use crate::report::format::short;
use crate::report::packed::{floats, wholes};
use crate::report::sites::{clean, plain};
use crate::report::view::{Node, Samples, Shown};
use crate::result::{Audit, Extreme, Extremes, Sample, Strongest};

/// What stands where a node has fewer samples than others: no whole number of a page is as large.
const NONE: usize = u32::MAX as usize;

/// The samples of these nodes; `None` where the result has none of them.
pub(super) fn samples(audit: &Audit, nodes: &[Node]) -> Option<Samples> {
    let strongest = audit.strongest.as_ref()?;
    let site = |ends: &'_ Extremes| clean(&ends.site);
    let known: BTreeMap<String, &Extremes> = strongest.sites.iter().map(|e| (site(e), e)).collect();
    let samples = strongest.samples.iter().enumerate();
    let index: BTreeMap<usize, usize> = samples.map(|(k, s)| (s.sample, k)).collect();
    let listed: Vec<Option<Extreme>> = nodes
        .iter()
        .flat_map(|node| ends(known.get(&node.site).copied(), strongest.each))
        .collect();
    let sample = |e: &Extreme| index.get(&e.sample).copied();
    let is_placed = listed.iter().flatten().any(|e| e.position.is_some());
    let positions = listed.iter().filter(|_| is_placed);
    let carried = strongest
        .samples
        .iter()
        .take_while(|s| !s.inputs.is_empty());
    listed.iter().any(Option::is_some).then(|| Samples {
        measure: strongest.measure.to_string(),
        each: strongest.each,
        sample: wholes(
            listed
                .iter()
                .map(|e| e.as_ref().and_then(sample).unwrap_or(NONE)),
        ),
        position: wholes(positions.map(|e| e.and_then(|e| e.position).unwrap_or(NONE))),
        value: floats(listed.iter().map(|e| e.map_or(f64::NAN, |e| e.value))),
        image: strongest.image,
        features: strongest.features.iter().map(|name| clean(name)).collect(),
        width: strongest.samples.first().map_or(0, |s| s.inputs.len()),
        inputs: floats(carried.flat_map(|s| s.inputs.iter().copied())),
        list: strongest.samples.iter().map(shown).collect(),
    })
}

/// Both ends of a node, filled up to so many each.
fn ends(ends: Option<&Extremes>, each: usize) -> Vec<Option<Extreme>> {
    let empty = Extremes::default();
    let ends = ends.unwrap_or(&empty);
    let filled = |list: &[Extreme]| -> Vec<Option<Extreme>> {
        (0..each).map(|k| list.get(k).copied()).collect()
    };
    [filled(&ends.largest), filled(&ends.smallest)].concat()
}

/// A sample in words.
fn shown(sample: &Sample) -> Shown {
    let numbers = |values: &mut dyn Iterator<Item = Option<f64>>| {
        let all: Vec<String> = values.map(|v| v.map_or("–".to_owned(), short)).collect();
        all.join(", ")
    };
    let word = |class: &Option<String>| class.as_ref().map(|class| plain(class));
    let targets = || numbers(&mut sample.targets.iter().copied().map(Some));
    let outputs = || numbers(&mut sample.outputs.iter().copied());
    Shown {
        sample: sample.sample,
        label: word(&sample.label).unwrap_or_else(targets),
        output: word(&sample.decision).unwrap_or_else(outputs),
        tokens: sample.tokens.iter().map(|token| plain(token)).collect(),
    }
}

/// What a page says of the samples that a pinned site shows.
#[must_use]
pub fn words(strongest: &Strongest) -> String {
    let mut words = format!(
        "A site that is pinned shows the {} samples with its largest and its smallest {}",
        strongest.each, strongest.measure
    );
    if strongest.sites.len() < strongest.sites_total {
        words += &format!(
            " ({} of {} sites, those nearest to the outputs)",
            strongest.sites.len(),
            strongest.sites_total
        );
    }
    if strongest.measure == SiteMeasure::OutputNorm {
        words += "; the norm is the Euclidean one of what a component writes into the stream at one position";
    }
    let is_bare = |s: &&Sample| s.inputs.is_empty() && s.tokens.is_empty();
    let bare = strongest.samples.iter().filter(is_bare).count();
    if bare > 0 {
        words += &format!(
            "; of {bare} of these {} samples the inputs are left out for their size",
            strongest.samples.len()
        );
    }
    words + "."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn nodes_have_their_own_samples_in_order() {
        let audit = sample::audit();
        let node = |site: &str| Node {
            site: site.to_owned(),
            ..Node::default()
        };
        let found = samples(&audit, &[node("y9"), node("h1.0")]).expect("there are samples");
        // Two at either end: none of y9; of h1.0 the samples 7 and 3, then 3 and 7.
        assert_eq!(found.each, 2);
        assert_eq!(found.sample, wholes([NONE, NONE, NONE, NONE, 0, 1, 1, 0]));
        assert_eq!(found.list[0].sample, 7);
        assert_eq!(found.list[0].label, "0.5, 1.25");
        assert_eq!((found.position.as_str(), found.width), ("", 4));
        assert_eq!(
            found.inputs,
            floats([0.5, -0.5, 1.0, 0.0, -1.0, 0.25, 0.0, 0.75])
        );
    }

    #[test]
    fn what_is_left_out_is_said() {
        let mut strongest = sample::audit().strongest.expect("there are samples");
        assert!(
            words(&strongest)
                .ends_with("smallest activation (2 of 10 sites, those nearest to the outputs).")
        );
        strongest.samples[1].inputs.clear();
        assert!(
            words(&strongest)
                .ends_with("; of 1 of these 2 samples the inputs are left out for their size.")
        );
    }
}
