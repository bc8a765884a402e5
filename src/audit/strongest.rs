//! The samples at which sites are strongest and weakest: what a reader looks at first.
//!
//! Of a sample that has a value at every position, the largest of them counts
//! at one end and the smallest at the other, so that no sample is listed twice.

use std::collections::BTreeSet;

use super::network;
use super::subject::Subject;
use crate::choice::SiteMeasure;
use crate::data::{Dataset, Inputs};
use crate::metric::decision;
use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::result::{Arrangement, Extreme, Extremes, Sample, Strongest};

/// Samples listed at either end.
const EACH: usize = 5;

/// Most sites that are listed; those nearest to the outputs come first.
const MOST_SITES: usize = 500;

/// Most numbers and tokens of inputs that a result carries.
const MOST_INPUTS: usize = 100_000;

/// More names than this are not read.
const MOST_FEATURES: usize = 16;

/// Sides shorter than this make no picture.
const SHORTEST_SIDE: usize = 3;

/// The activations of every site of the pruned network.
pub fn of_mlp<T: Scalar>(subject: &Subject<'_, T>, pruned: &Mlp<T>) -> Strongest {
    let trace = pruned.forward(subject.batch.inputs.clone());
    let widths = subject.sites.widths();
    let layers = (0..widths.len()).rev();
    let places = layers.flat_map(|layer| (0..widths[layer]).map(move |q| (layer, q)));
    let site = |(layer, position): (usize, usize)| {
        let row = trace.values[layer].row(position);
        let values = row.iter().enumerate().map(|(sample, x)| Extreme {
            sample,
            position: None,
            value: x.widen(),
        });
        extremes(subject.sites.name(layer, position), values)
    };
    let is_grid = network::arrangements(subject)[0] == Arrangement::Grid;
    let image = match subject.files.data.input_shape.as_slice() {
        [rows, columns] | [1, rows, columns] | [rows, columns, 1] => Some([*rows, *columns]),
        [numbers] if is_grid => Some([numbers.isqrt(); 2]),
        _ => None,
    };
    let finals = subject.final_outputs();
    Strongest {
        measure: SiteMeasure::Activation,
        sites_total: widths.iter().sum(),
        image: image.filter(|sides| sides.iter().all(|side| *side >= SHORTEST_SIDE)),
        ..listed(subject.files.data, places.map(site), |sample| {
            let outputs = subject.clean.column(sample);
            let (targets, classes) = (&subject.batch.targets, &subject.batch.classes);
            let name = |class: usize| subject.class_name(class);
            let is_class = classes.is_some();
            Sample {
                label: classes.as_ref().map(|classes| name(classes[sample])),
                decision: is_class.then(|| name(decision(outputs))),
                targets: numbers(targets.iter().flat_map(|t| t.column(sample).to_vec())),
                outputs: finite(finals.column(sample).iter().filter(|_| !is_class)),
                ..Sample::default()
            }
        })
    }
}

/// The ends of a site's values, which go sample by sample; ties keep that order.
pub fn extremes(site: String, values: impl Iterator<Item = Extreme>) -> Extremes {
    let (mut largest, mut smallest) = (Vec::new(), Vec::new());
    for found in values.filter(|found| found.value.is_finite()) {
        keep(&mut largest, found, |a, b| a > b);
        keep(&mut smallest, found, |a, b| a < b);
    }
    // Of a constant there is nothing to rank.
    let value = |list: &Vec<Extreme>| list.first().map(|e| e.value);
    if value(&largest) == value(&smallest) {
        (largest, smallest) = Default::default();
    }
    Extremes {
        site,
        largest,
        smallest,
    }
}

/// Puts a value in its place among the best, one of each sample.
fn keep(best: &mut Vec<Extreme>, found: Extreme, is_better: impl Fn(f64, f64) -> bool) {
    let place = best.partition_point(|other| !is_better(found.value, other.value));
    if place >= EACH {
        return;
    }
    match best.iter().position(|other| other.sample == found.sample) {
        Some(mine) if mine < place => return,
        Some(mine) => drop(best.remove(mine)),
        None => {}
    }
    best.insert(place, found);
    best.truncate(EACH);
}

/// The first sites of many and every sample that they name, with its inputs while there is room.
pub fn listed(
    data: &Dataset,
    sites: impl Iterator<Item = Extremes>,
    described: impl Fn(usize) -> Sample,
) -> Strongest {
    let sites: Vec<Extremes> = sites.take(MOST_SITES).collect();
    let mut seen = BTreeSet::new();
    let mut room = MOST_INPUTS;
    let mut samples = Vec::new();
    for extreme in sites
        .iter()
        .flat_map(|s| s.largest.iter().chain(&s.smallest))
    {
        if !seen.insert(extreme.sample) {
            continue;
        }
        let (tokens, inputs) = input(data, extreme.sample);
        // Once there is no room for one there is none for those after it either.
        room = room.saturating_sub(tokens.len() + inputs.len());
        let (tokens, inputs) = match room {
            0 => Default::default(),
            _ => (tokens, inputs),
        };
        samples.push(Sample {
            sample: extreme.sample,
            tokens,
            inputs,
            ..described(extreme.sample)
        });
    }
    let features = &data.task.inputs;
    let is_named = (1..=MOST_FEATURES).contains(&features.len());
    Strongest {
        each: EACH,
        sites,
        samples,
        features: features.iter().filter(|_| is_named).cloned().collect(),
        ..Strongest::default()
    }
}

/// What goes in: tokens as text, or numbers as the file has them.
fn input(data: &Dataset, sample: usize) -> (Vec<String>, Vec<f64>) {
    match (&data.inputs, data.prompts.get(sample)) {
        (Inputs::Tokens(_), Some(prompt)) => (prompt.clean.clone(), Vec::new()),
        (Inputs::Tokens(tokens), None) => {
            let ids = tokens.row(sample);
            (ids.iter().map(ToString::to_string).collect(), Vec::new())
        }
        (Inputs::Values(values), _) => (Vec::new(), values.row(sample).to_vec()),
    }
}

/// Numbers, as far as a line holds them.
pub fn numbers(values: impl Iterator<Item = f64>) -> Vec<f64> {
    values.take(MOST_FEATURES).collect()
}

/// Numbers as JSON can hold them: `None` where one is not finite.
pub fn finite<'x, T: Scalar>(values: impl Iterator<Item = &'x T>) -> Vec<Option<f64>> {
    let finite = |x: &T| Some(x.widen()).filter(|x| x.is_finite());
    values.take(MOST_FEATURES).map(finite).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values by sample and position.
    fn found(values: &[(usize, usize, f64)]) -> Extremes {
        let value = |(sample, position, value): &(usize, usize, f64)| Extreme {
            sample: *sample,
            position: Some(*position),
            value: *value,
        };
        extremes("h1.0".to_owned(), values.iter().map(value))
    }

    fn samples(list: &[Extreme]) -> Vec<usize> {
        list.iter().map(|e| e.sample).collect()
    }

    #[test]
    fn the_ends_are_those_of_a_sorted_list() {
        let values = [0.5, -1.0, 3.0, 2.0, 2.0, f64::NAN, 9.0, -4.0];
        let rows: Vec<_> = values.iter().enumerate().map(|(s, v)| (s, 0, *v)).collect();
        let ends = found(&rows);
        assert_eq!(samples(&ends.largest), [6, 2, 3, 4, 0]);
        assert_eq!(samples(&ends.smallest), [7, 1, 0, 3, 4]);
    }

    #[test]
    fn of_a_constant_nothing_is_listed() {
        let ends = found(&[(0, 0, 2.0), (1, 0, 2.0), (2, 0, 2.0)]);
        assert!(ends.largest.is_empty() && ends.smallest.is_empty());
    }

    #[test]
    fn a_sample_is_listed_once_with_its_best_position() {
        let ends = found(&[
            (0, 0, 1.0),
            (0, 1, 5.0),
            (0, 2, 2.0),
            (1, 0, 3.0),
            (1, 1, 3.0),
        ]);
        assert_eq!(samples(&ends.largest), [0, 1]);
        assert_eq!(ends.largest[0].position, Some(1));
        assert_eq!(ends.largest[1].position, Some(0));
        assert_eq!(samples(&ends.smallest), [0, 1]);
        assert_eq!(ends.smallest[0].value, 1.0);
    }
}
