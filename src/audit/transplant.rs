//! Whether a module does what another does: its weights are put in the other's place, and
//! the network is run.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::subject::Subject;
use crate::choice::Scope;
use crate::model::{Linear, Mlp};
use crate::modules::copies::{Inside, Match, matched, p_of_match};
use crate::modules::lesions::Measured;
use crate::numeric::{Activation, Scalar, inverse, parallel, statistics};
use crate::prune::{Reference, Tolerance};
use crate::result::{Assignment, Modules, Transplant};

/// Modules of each partition that are put in each other's place: the largest.
const MOST: usize = 12;

/// Modules with more sites in a layer are not matched.
const WIDEST: usize = 64;

/// Every two modules of the pruned network of which one fits into the other's place: each in
/// that of the other, of all sites and of all but the outputs.
pub fn transplants<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    found: &Modules,
    measured: &Measured,
    (tolerance, seed): (Tolerance, u64),
) -> Vec<Transplant> {
    let classifies = subject.classifies();
    let inputs = subject.batch.inputs.clone();
    let trial = Trial {
        subject,
        wide: pruned.widened(),
        reference: Reference::new(pruned, inputs, tolerance, classifies),
        measured,
        seed,
    };
    let without = found.without_outputs.as_ref();
    let without = without.map(|part| (Scope::WithoutOutputs, &part.partition));
    let scopes = [(Scope::All, &found.partition)].into_iter().chain(without);
    scopes
        .flat_map(|(scope, partition)| trial.scope(scope, partition))
        .collect()
}

/// What transplants are made of and measured by.
struct Trial<'t, 'a, T: Scalar> {
    subject: &'t Subject<'a, T>,
    /// The same network in f64.
    wide: Mlp<f64>,
    reference: Reference<Mlp<T>>,
    measured: &'t Measured,
    seed: u64,
}

/// A module's sites and what is inside.
#[derive(Debug)]
struct Part {
    module: usize,
    /// By layer of the network, positions, ascending.
    sites: Vec<Vec<usize>>,
    /// By layer, what a site's values are divided by: its length of weights where the
    /// activation keeps positive factors, so that these do not count; else 1.
    factors: Vec<Vec<f64>>,
    /// Its weights with values so divided.
    inside: Inside,
}

impl<T: Scalar> Trial<'_, '_, T> {
    fn scope(&self, scope: Scope, partition: &[Assignment]) -> Vec<Transplant> {
        let parts = self.parts(partition);
        let pairs = parts.iter().enumerate();
        let pairs =
            pairs.flat_map(|(at, one)| parts[at + 1..].iter().map(move |other| (one, other)));
        let fitting: Vec<(&Part, &Part)> = pairs
            .filter(|(one, other)| one.inside.fits(&other.inside))
            .collect();
        let both = |(one, other): &(&Part, &Part)| {
            let found = matched(&one.inside, &other.inside, self.seed);
            let p = p_of_match(&one.inside, &other.inside, found.likeness, self.seed);
            let back = Match {
                order: found.order.iter().map(|o| inverse(o)).collect(),
                ..found
            };
            [
                self.transplant(scope, (one, other), &found, p),
                self.transplant(scope, (other, one), &back, p),
            ]
        };
        let found: Vec<[Transplant; 2]> = parallel::map(&fitting, both);
        // One test for each pair.
        let ps: Vec<f64> = found.iter().map(|[one, _]| one.p).collect();
        let corrected = found.into_iter().zip(statistics::holm(&ps));
        corrected
            .flat_map(|(both, p_holm)| both.map(|one| Transplant { p_holm, ..one }))
            .collect()
    }

    /// The largest modules that are not too wide to be matched.
    fn parts(&self, partition: &[Assignment]) -> Vec<Part> {
        let sites = &self.subject.sites;
        let widths = sites.widths();
        let places = widths
            .iter()
            .enumerate()
            .flat_map(|(l, n)| (0..*n).map(move |p| (l, p)));
        let places: BTreeMap<String, (usize, usize)> = places
            .map(|(layer, place)| (sites.name(layer, place), (layer, place)))
            .collect();
        let mut members = vec![vec![Vec::new(); widths.len()]; MOST];
        for assignment in partition.iter().filter(|a| a.module < MOST) {
            if let Some((layer, place)) = places.get(&assignment.site) {
                members[assignment.module][*layer].push(*place);
            }
        }
        let narrow = |sites: &Vec<Vec<usize>>| sites.iter().all(|layer| layer.len() <= WIDEST);
        let parts = members
            .into_iter()
            .enumerate()
            .filter(|(_, sites)| narrow(sites));
        parts
            .map(|(module, sites)| part(&self.wide, module, sites))
            .collect()
    }

    /// The donor in the host's place.
    fn transplant(
        &self,
        scope: Scope,
        (host, donor): (&Part, &Part),
        found: &Match,
        p: f64,
    ) -> Transplant {
        let scales = Scales::new(host, donor, found, &self.wide);
        let with = transplanted(&self.wide, (host, donor), &found.order, &scales);
        let run = |model: &Mlp<f64>| self.reference.change(&narrowed(model));
        let (change, without) = (run(&with), run(&emptied(&self.wide, host)));
        let metric = |outputs: &Array2<T>| self.measured.mean(outputs.view());
        let full = self.measured.mean(self.reference.outputs());
        let (metric_transplanted, metric_without) =
            (metric(&change.outputs), metric(&without.outputs));
        Transplant {
            scope,
            host: host.module,
            donor: donor.module,
            sites: self.names(host, donor, &found.order),
            likeness: found.likeness,
            p,
            p_holm: p,
            scales: scales.weights,
            metric: self.measured.name.clone(),
            metric_full: full,
            metric_transplanted,
            metric_without,
            restored: restored(full, metric_transplanted, metric_without),
            max_abs_difference: change.largest(),
            difference_over_tolerance: self.reference.change_over_tolerance(&change),
            copy: self.reference.verifies(&change) && !self.reference.verifies(&without),
        }
    }

    /// Host's and donor's sites that stand beside each other.
    fn names(&self, host: &Part, donor: &Part, order: &[Vec<usize>]) -> Vec<[String; 2]> {
        let pair = |layer: usize, at: usize| {
            let stand_in = donor.sites[layer].get(order[layer][at])?;
            let name = |place: usize| self.subject.sites.name(layer, place);
            Some([name(host.sites[layer][at]), name(*stand_in)])
        };
        let layers = host.sites.iter().enumerate();
        let pairs = layers
            .flat_map(|(layer, sites)| (0..sites.len()).filter_map(move |at| pair(layer, at)));
        pairs.collect()
    }
}

/// A module's weights.
fn part(model: &Mlp<f64>, module: usize, sites: Vec<Vec<usize>>) -> Part {
    let layers = model.layers.iter().zip(sites.windows(2));
    let mut weights: Vec<Array2<f64>> = layers
        .map(|(linear, ends)| linear.selected(&ends[1], &ends[0]).weight)
        .collect();
    let mut factors: Vec<Vec<f64>> = sites.iter().map(|layer| vec![1.0; layer.len()]).collect();
    for hidden in 0..model.layers.len() - 1 {
        for (at, site) in sites[hidden + 1].iter().enumerate() {
            if !keeps_factors(model.activation.of(hidden, *site)) {
                continue;
            }
            let mut read = weights[hidden].row_mut(at);
            let length = read.dot(&read).sqrt();
            if length > 0.0 {
                read /= length;
                weights[hidden + 1]
                    .column_mut(at)
                    .map_inplace(|w| *w *= length);
                factors[hidden + 1][at] = length;
            }
        }
    }
    Part {
        module,
        sites,
        factors,
        inside: Inside { weights },
    }
}

/// Whether `f(c x) = c f(x)` for every positive c.
fn keeps_factors(activation: Activation) -> bool {
    matches!(
        activation,
        Activation::Relu | Activation::LeakyRelu(_) | Activation::Identity
    )
}

/// What the donor's weights and biases are multiplied by, by linear layer.
struct Scales {
    weights: Vec<f64>,
    biases: Vec<f64>,
}

impl Scales {
    /// The factors that bring the donor's weights nearest to the host's, at least squares:
    /// those of the inputs and of the outputs. Others would make another function of it,
    /// unless the activation keeps factors; then neurons are of one size already, and the
    /// inputs' factor shows in the biases alone.
    fn new(host: &Part, donor: &Part, found: &Match, model: &Mlp<f64>) -> Self {
        let last = model.layers.len() - 1;
        let keeps = |layer: usize, site: &usize| keeps_factors(model.activation.of(layer, *site));
        let is_free = (0..last).all(|l| donor.sites[l + 1].iter().all(|site| keeps(l, site)));
        let (mut weights, mut biases) = (vec![1.0; last + 1], vec![1.0; last + 1]);
        match is_free {
            true => biases.fill(of_biases((host, donor), &found.order, model)),
            false => weights[0] = of_weights((host, donor), &found.order, 0),
        }
        weights[last] = of_weights((host, donor), &found.order, last);
        biases[last] *= weights[last];
        Self { weights, biases }
    }
}

/// The factor of a layer's weights.
fn of_weights((host, donor): (&Part, &Part), order: &[Vec<usize>], layer: usize) -> f64 {
    let (mine, theirs) = (&host.inside.weights[layer], &donor.inside.weights[layer]);
    least_squares(
        mine.indexed_iter()
            .filter_map(|((reader, writer), weight)| {
                let beside = [order[layer + 1][reader], order[layer][writer]];
                Some((*weight, *theirs.get(beside)?))
            }),
    )
}

/// The factor of the hidden sites' biases.
fn of_biases((host, donor): (&Part, &Part), order: &[Vec<usize>], model: &Mlp<f64>) -> f64 {
    let bias = |part: &Part, layer: usize, at: usize| {
        let site = part.sites[layer].get(at)?;
        Some(model.layers[layer - 1].bias[*site] / part.factors[layer][at])
    };
    let sites =
        (1..model.layers.len()).flat_map(|l| (0..host.sites[l].len()).map(move |at| (l, at)));
    least_squares(sites.filter_map(|(layer, at)| {
        Some((
            bias(host, layer, at)?,
            bias(donor, layer, order[layer][at])?,
        ))
    }))
}

/// The positive factor of the second ones that brings them nearest to the first; 1 where
/// there is none.
fn least_squares(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let sum =
        |(product, square), (mine, theirs)| (product + mine * theirs, square + theirs * theirs);
    let (product, square): (f64, f64) = pairs.fold((0.0, 0.0), sum);
    let factor = product / square;
    if factor > 0.0 { factor } else { 1.0 }
}

/// Where a site of the donor stands in the network that is made.
#[derive(Debug, Clone, Copy)]
struct Seat {
    /// Its position there.
    at: usize,
    /// The position of the host's site that it takes the place of.
    instead_of: Option<usize>,
    /// What its values are multiplied by, to be of that site's size.
    factor: f64,
}

/// The network with the donor's weights and biases, scaled, inside the host.
///
/// The donor's hidden sites are added once more, behind the others. What joined a site of
/// the host with the rest joins the one that takes its place; sites of the host that none
/// takes the place of keep what joined them with the rest, and nothing else.
fn transplanted(
    model: &Mlp<f64>,
    (host, donor): (&Part, &Part),
    order: &[Vec<usize>],
    scales: &Scales,
) -> Mlp<f64> {
    let widths = model.widths();
    let last = model.layers.len();
    let added = |layer: usize| match layer == 0 || layer == last {
        true => &[],
        false => donor.sites[layer].as_slice(),
    };
    let orders = (0..=last).map(|layer| {
        (0..widths[layer])
            .chain(added(layer).iter().copied())
            .collect()
    });
    let mut made = model.rearranged(&orders.collect::<Vec<Vec<usize>>>());
    let seats: Vec<Vec<Seat>> = (0..=last)
        .map(|layer| {
            let first = (!added(layer).is_empty()).then_some(widths[layer]);
            seats(
                (&host.sites[layer], &host.factors[layer]),
                &order[layer],
                donor.sites[layer].len(),
                first,
            )
        })
        .collect();
    for (layer, linear) in made.layers.iter_mut().enumerate() {
        let ends = (seats[layer].as_slice(), seats[layer + 1].as_slice());
        clear(linear, &host.sites[layer], &host.sites[layer + 1]);
        hand_over(linear, ends);
        let bias = |reader: usize| {
            let site = donor.sites[layer + 1][reader];
            scales.biases[layer] * model.layers[layer].bias[site] / donor.factors[layer + 1][reader]
        };
        fill(
            linear,
            ends,
            &donor.inside.weights[layer],
            scales.weights[layer],
            bias,
        );
    }
    made
}

/// The seats of a layer's donor sites: new ones from `first`, or at an end of the network
/// those of the host.
fn seats(
    (sites, factors): (&[usize], &[f64]),
    order: &[usize],
    donors: usize,
    first: Option<usize>,
) -> Vec<Seat> {
    let back = inverse(order);
    let seat = |donor: usize| {
        let instead_of = sites.get(back[donor]).copied();
        Seat {
            at: first.map_or_else(|| sites[back[donor]], |first| first + donor),
            instead_of,
            factor: factors.get(back[donor]).copied().unwrap_or(1.0),
        }
    };
    (0..donors).map(seat).collect()
}

/// Takes the weights inside a module out of a layer.
fn clear(linear: &mut Linear<f64>, writers: &[usize], readers: &[usize]) {
    for reader in readers {
        writers
            .iter()
            .for_each(|writer| linear.weight[[*reader, *writer]] = 0.0);
    }
}

/// Gives each seat the weights of the site that it takes the place of, which loses them.
fn hand_over(linear: &mut Linear<f64>, (writers, readers): (&[Seat], &[Seat])) {
    let moved = |seats: &[Seat]| -> Vec<(usize, Option<usize>)> {
        let new = seats.iter().filter(|seat| seat.instead_of != Some(seat.at));
        new.map(|seat| (seat.at, seat.instead_of)).collect()
    };
    let (readers, writers) = (moved(readers), moved(writers));
    readers
        .iter()
        .for_each(|(at, _)| linear.weight.row_mut(*at).fill(0.0));
    writers
        .iter()
        .for_each(|(at, _)| linear.weight.column_mut(*at).fill(0.0));
    for (at, old) in readers.iter().filter_map(|(at, old)| Some((*at, (*old)?))) {
        let row = linear.weight.row(old).to_owned();
        linear.weight.row_mut(at).assign(&row);
        linear.weight.row_mut(old).fill(0.0);
        linear.bias[old] = 0.0;
    }
    for (at, old) in writers.iter().filter_map(|(at, old)| Some((*at, (*old)?))) {
        let column = linear.weight.column(old).to_owned();
        linear.weight.column_mut(at).assign(&column);
        linear.weight.column_mut(old).fill(0.0);
    }
}

/// Puts weights and biases between seats.
fn fill(
    linear: &mut Linear<f64>,
    (writers, readers): (&[Seat], &[Seat]),
    weights: &Array2<f64>,
    scale: f64,
    bias: impl Fn(usize) -> f64,
) {
    for (r, reader) in readers.iter().enumerate() {
        for (w, writer) in writers.iter().enumerate() {
            let factor = scale * reader.factor / writer.factor;
            linear.weight[[reader.at, writer.at]] = factor * weights[[r, w]];
        }
        linear.bias[reader.at] = bias(r) * reader.factor;
    }
}

/// The network without what is inside a module, and without its hidden sites' biases.
fn emptied(model: &Mlp<f64>, host: &Part) -> Mlp<f64> {
    let mut emptied = model.clone();
    let last = model.layers.len() - 1;
    for (layer, linear) in emptied.layers.iter_mut().enumerate() {
        clear(linear, &host.sites[layer], &host.sites[layer + 1]);
        if layer < last {
            host.sites[layer + 1]
                .iter()
                .for_each(|site| linear.bias[*site] = 0.0);
        }
    }
    emptied
}

/// The share of what the metric loses without the host that the donor brings back.
fn restored(full: f64, with: f64, without: f64) -> Option<f64> {
    let lost = full - without;
    (lost != 0.0).then(|| (with - without) / lost)
}

/// The network in the precision of its file.
fn narrowed<T: Scalar>(model: &Mlp<f64>) -> Mlp<T> {
    let linear = |linear: &Linear<f64>| Linear {
        weight: linear.weight.mapv(T::from_f64),
        bias: linear.bias.mapv(T::from_f64),
    };
    Mlp {
        embedding: model
            .embedding
            .as_ref()
            .map(|table| table.mapv(T::from_f64)),
        in_perm: model.in_perm.clone(),
        folds: model.folds,
        layers: model.layers.iter().map(linear).collect(),
        activation: model.activation.clone(),
        out_perm: model.out_perm.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::mlp::tests::random_inputs;
    use ndarray::{Array1, array};

    /// y0 = f(x0) by h0, h1 and y1 = 6 f(x1 / 2) by h3, h2: the same two neurons, in the
    /// other order; a weak weight joins x1 with h0, and h2 with y0.
    fn twins(activation: Activation) -> Mlp<f64> {
        Mlp {
            embedding: None,
            in_perm: vec![0, 1],
            folds: 1,
            layers: vec![
                Linear {
                    weight: array![[2.0, 0.1], [-1.0, 0.0], [0.0, -0.5], [0.0, 1.0]],
                    bias: array![0.5, 0.25, 0.25, 0.5],
                },
                Linear {
                    weight: array![[1.0, 3.0, 0.2, 0.0], [0.0, 0.0, 18.0, 6.0]],
                    bias: array![0.125, 0.75],
                },
            ],
            activation: activation.into(),
            out_perm: vec![0, 1],
        }
    }

    fn both(model: &Mlp<f64>) -> [Part; 2] {
        let sites = [
            vec![vec![0], vec![0, 1], vec![0]],
            vec![vec![1], vec![2, 3], vec![1]],
        ];
        let mut module = 0..;
        sites.map(|sites| part(model, module.next().unwrap(), sites))
    }

    /// The network with the second module in the first one's place.
    fn second_for_first(model: &Mlp<f64>) -> (Mlp<f64>, f64) {
        let [host, donor] = both(model);
        let found = matched(&host.inside, &donor.inside, 0);
        let scales = Scales::new(&host, &donor, &found, model);
        let made = transplanted(model, (&host, &donor), &found.order, &scales);
        (made, found.likeness)
    }

    fn difference(one: &Mlp<f64>, other: &Mlp<f64>) -> f64 {
        let inputs = random_inputs(one, 50, 1);
        let change = one.outputs(inputs.view()) - other.outputs(inputs.view());
        change.iter().fold(0.0, |most: f64, c| most.max(c.abs()))
    }

    /// Whatever the activation, inputs and outputs may have factors of their own.
    #[test]
    fn a_copy_in_the_originals_place_changes_nothing() {
        for activation in [Activation::Silu, Activation::Relu, Activation::Tanh] {
            let model = twins(activation);
            let (made, likeness) = second_for_first(&model);
            assert!((likeness - 1.0).abs() < 1e-12, "{likeness}");
            assert_eq!(made.widths(), [2, 6, 2]);
            assert!(difference(&model, &made) < 1e-12, "{activation}");
        }
    }

    /// Where the activation keeps factors, each neuron may have its own.
    #[test]
    fn neurons_of_other_sizes_are_copies_under_relu_alone() {
        for (activation, same) in [(Activation::Relu, true), (Activation::Silu, false)] {
            let mut model = twins(activation);
            for (neuron, factor) in [(2, 5.0), (3, 0.5)] {
                model.layers[0]
                    .weight
                    .row_mut(neuron)
                    .map_inplace(|w| *w *= factor);
                model.layers[0].bias[neuron] *= factor;
                model.layers[1]
                    .weight
                    .column_mut(neuron)
                    .map_inplace(|w| *w /= factor);
            }
            let (made, likeness) = second_for_first(&model);
            assert_eq!(
                (likeness - 1.0).abs() < 1e-12,
                same,
                "{activation}: {likeness}"
            );
            assert_eq!(difference(&model, &made) < 1e-12, same, "{activation}");
        }
    }

    #[test]
    fn another_function_is_no_copy() {
        let mut model = twins(Activation::Silu);
        model.layers[0].weight[[3, 1]] = -1.0;
        let (made, likeness) = second_for_first(&model);
        assert!(
            likeness < 0.99 && difference(&model, &made) > 0.1,
            "{likeness}"
        );
    }

    /// A third neuron, which does nothing, is added with the donor, or has no seat with the host.
    #[test]
    fn modules_of_other_sizes_can_take_each_others_place() {
        let small = twins(Activation::Silu);
        let mut model = small.rearranged(&[vec![0, 1], vec![0, 1, 2, 3, 3], vec![0, 1]]);
        model.layers[0].weight.row_mut(4).fill(0.0);
        model.layers[0].weight[[4, 1]] = 1e-9;
        model.layers[1].weight[[1, 4]] = 1e-9;
        let parts = [
            vec![vec![0], vec![0, 1], vec![0]],
            vec![vec![1], vec![2, 3, 4], vec![1]],
        ];
        let [host, donor] = parts.map(|sites| part(&model, 0, sites));
        for (host, donor) in [(&host, &donor), (&donor, &host)] {
            let found = matched(&host.inside, &donor.inside, 0);
            let scales = Scales::new(host, donor, &found, &model);
            let made = transplanted(&model, (host, donor), &found.order, &scales);
            assert!(difference(&model, &made) < 1e-6);
        }
    }

    /// Nothing there: y0 is its bias and what the other module adds.
    #[test]
    fn an_emptied_place_keeps_what_joins_it() {
        let model = twins(Activation::Identity);
        let [host, _] = both(&model);
        let emptied = emptied(&model, &host);
        // h2 = -0.5 x1 + 0.25; h0 = 0.1 x1 is no longer read.
        let outputs = emptied.outputs(array![[7.0], [1.0]].view());
        assert!((outputs[[0, 0]] - (0.125 - 0.2 * 0.25)).abs() < 1e-12);
        assert_eq!(
            emptied.layers[0].bias,
            Array1::from(vec![0.0, 0.0, 0.25, 0.5])
        );
        assert_eq!(restored(1.0, 0.5, 0.0), Some(0.5));
        assert_eq!(restored(1.0, 0.5, 1.0), None);
    }
}
