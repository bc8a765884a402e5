//! Where modules sit: whether each keeps together, and whether neighbours share one.
//!
//! Only places within a layer are compared, and only of sites that are in a module.

use super::assigned::labels_of;
use super::null::{Observed, summary};
use crate::choice::Null;
use crate::graph::Place;
use crate::numeric::{Rng, parallel, statistics};
use crate::result::{Assignment, Neighbours, Placement, Spread};

/// Distances closer than this are the same.
const SAME: f64 = 1e-9;

/// A layer: the place and the module of each site that is in one.
type Layer = (Vec<Place>, Vec<usize>);

/// How far the places in each layer agree with a partition of the sites, which
/// `names` lists layer by layer; `None` for no samples or no modules.
///
/// The null model hands the modules of a layer's sites out anew, so that every module
/// has as many sites in each layer as before. Distances are |Δx| + |Δy|, of layers one
/// unit wide. O(sites² per layer + samples · sites).
#[must_use]
pub fn placement(
    partition: &[Assignment],
    names: &[String],
    places: &[Vec<Place>],
    samples: usize,
    seed: u64,
) -> Option<Placement> {
    let labels = labels_of(partition, names);
    let layers = layers(&labels.of, places);
    let nearest: Vec<Vec<Vec<usize>>> = layers.iter().map(|(places, _)| nearest(places)).collect();
    let measure = |layers: &[Layer]| (spreads(layers, labels.count), share(layers, &nearest));
    let draw = |stream: u64| {
        let mut rng = Rng::new(seed, stream);
        let mut shuffled = layers.clone();
        shuffled
            .iter_mut()
            .for_each(|(_, modules)| rng.shuffle(modules));
        measure(&shuffled)
    };
    let draws = parallel::map(0..samples as u64, draw);
    if draws.is_empty() || labels.count == 0 {
        return None;
    }
    let (spread, shared) = measure(&layers);
    let of_module = |(module, distance): (usize, &Option<f64>)| {
        let value = (*distance)?;
        let observed = Observed {
            value,
            higher_is_better: false,
        };
        let draws = draws.iter().filter_map(|(spreads, _)| spreads[module]);
        Some(Spread {
            module,
            distance: value,
            null: summary(Null::Places, observed, draws.collect()),
            p_holm: 1.0,
        })
    };
    let mut spreads: Vec<Spread> = spread.iter().enumerate().filter_map(of_module).collect();
    let ps: Vec<f64> = spreads.iter().map(|spread| spread.null.p).collect();
    for (spread, p) in spreads.iter_mut().zip(statistics::holm(&ps)) {
        spread.p_holm = p;
    }
    let neighbours = shared.map(|value| {
        let observed = Observed {
            value,
            higher_is_better: true,
        };
        let draws = draws.iter().filter_map(|(_, share)| *share).collect();
        Neighbours {
            share: value,
            null: summary(Null::Places, observed, draws),
        }
    });
    Some(Placement {
        spreads,
        neighbours,
    })
}

/// The sites of every layer that are in a module; `labels` run on from layer to layer.
fn layers(labels: &[Option<usize>], places: &[Vec<Place>]) -> Vec<Layer> {
    let mut labels = labels.iter();
    let layer = |places: &Vec<Place>| {
        let sites = places.iter().zip(labels.by_ref());
        sites
            .filter_map(|(place, module)| Some((*place, (*module)?)))
            .unzip()
    };
    places.iter().map(layer).collect()
}

/// By module, the mean distance of its sites from the centre of those in their layer;
/// `None` where no layer has two of them.
fn spreads(layers: &[Layer], count: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0usize); count];
    for (places, modules) in layers {
        let mut members = vec![Vec::new(); count];
        let sites = places.iter().zip(modules);
        sites.for_each(|(place, module)| members[*module].push(*place));
        for (sum, places) in sums.iter_mut().zip(&members) {
            if places.len() > 1 {
                let centre = centre(places);
                sum.0 += places
                    .iter()
                    .map(|place| place.distance(centre))
                    .sum::<f64>();
                sum.1 += places.len();
            }
        }
    }
    let mean = |(sum, sites): (f64, usize)| (sites > 0).then(|| sum / sites as f64);
    sums.into_iter().map(mean).collect()
}

fn centre(places: &[Place]) -> Place {
    let mean = |of: fn(&Place) -> f64| statistics::mean(&places.iter().map(of).collect::<Vec<_>>());
    Place {
        x: mean(|place| place.x),
        y: mean(|place| place.y),
    }
}

/// Of each site, the others that no other is nearer than.
fn nearest(places: &[Place]) -> Vec<Vec<usize>> {
    let of = |(site, place): (usize, &Place)| {
        let others = (0..places.len()).filter(|other| *other != site);
        let distances: Vec<(usize, f64)> = others
            .map(|other| (other, place.distance(places[other])))
            .collect();
        let least = distances
            .iter()
            .map(|(_, d)| *d)
            .fold(f64::INFINITY, f64::min);
        let near = distances.into_iter().filter(|(_, d)| *d <= least + SAME);
        near.map(|(other, _)| other).collect()
    };
    places.iter().enumerate().map(of).collect()
}

/// The mean, over sites that have a neighbour, of the share of their nearest ones that
/// are in their module.
fn share(layers: &[Layer], nearest: &[Vec<Vec<usize>>]) -> Option<f64> {
    let mut shares = Vec::new();
    for ((_, modules), nearest) in layers.iter().zip(nearest) {
        for (module, near) in modules
            .iter()
            .zip(nearest)
            .filter(|(_, near)| !near.is_empty())
        {
            let same = near
                .iter()
                .filter(|other| modules[**other] == *module)
                .count();
            shares.push(same as f64 / near.len() as f64);
        }
    }
    (!shares.is_empty()).then(|| statistics::mean(&shares))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::places::layer_places;
    use crate::result::Arrangement;

    const DRAWS: usize = 3000;

    /// Four sites on a line, at ⅛, ⅜, ⅝, ⅞; and a layer of one, which says nothing.
    fn placed(modules: [usize; 4]) -> Placement {
        let names: Vec<String> = (0..5).map(|site| format!("x{site}")).collect();
        let partition: Vec<Assignment> = modules
            .into_iter()
            .chain([0])
            .zip(&names)
            .map(|(module, site)| Assignment {
                site: site.clone(),
                module,
            })
            .collect();
        let places = [4, 1].map(|width| layer_places(Arrangement::Line, width, 1));
        placement(&partition, &names, &places, DRAWS, 1).unwrap()
    }

    /// Halves: ⅛ from their centres. Of the six pairs of places three are ⅛ from
    /// theirs, two ¼ and one ⅜: mean 5/24. Neighbours: the outer sites have one,
    /// of their own module, the inner ones two, one of which is: ¾. Of the six
    /// ways to hand modules out two give ¾, two ¼, two 0: mean ⅓, sd √(7/72).
    #[test]
    fn halves_by_hand() {
        let found = placed([0, 0, 1, 1]);
        let within = |null: &crate::result::NullModel, mean: f64, sd: f64| {
            let error = sd / (DRAWS as f64).sqrt();
            assert!(
                (null.mean - mean).abs() < 4.0 * error,
                "{} {mean}",
                null.mean
            );
        };
        for spread in &found.spreads {
            assert!((spread.distance - 0.125).abs() < 1e-12);
            within(&spread.null, 5.0 / 24.0, 0.1);
            assert!((spread.null.p - 0.5).abs() < 0.04, "{}", spread.null.p);
        }
        let neighbours = found.neighbours.unwrap();
        assert!((neighbours.share - 0.75).abs() < 1e-12);
        within(&neighbours.null, 1.0 / 3.0, (7.0_f64 / 72.0).sqrt());
        assert!((neighbours.null.p - 1.0 / 3.0).abs() < 0.04);
    }

    /// One of each in turn: no neighbour shares a module, and every draw is as good.
    #[test]
    fn turns_are_no_neighbourhoods() {
        let found = placed([0, 1, 0, 1]);
        let neighbours = found.neighbours.unwrap();
        assert_eq!((neighbours.share, neighbours.null.p), (0.0, 1.0));
        assert!((found.spreads[0].distance - 0.25).abs() < 1e-12);
    }

    #[test]
    fn without_modules_there_are_no_places() {
        assert!(placement(&[], &[], &[], 10, 0).is_none());
    }
}
