//! How good a partition is, by several measures, each against every null model.

use super::detect::detect;
use super::living::living;
use super::null::{Draws, NullKind, Observed, null_models_of, p_value, shuffled};
use super::quality::{Boundary, boundaries, layered_modularity, modularity, n_cut};
use super::{Communities, ModulesConfig};
use crate::choice::MeasureKind;
use crate::graph::{Adjacency, Layered};
use crate::numeric::Rng;
use crate::numeric::statistics::holm;
use crate::result::{Conductance, Measure, NullModel};

/// Numbers of measures, the last of which is compared with single modules too.
const MEASURES: usize = MeasureKind::ALL.len();

/// How good a partition is, by every measure.
///
/// Without a network there are no layers, and layered modularity is the plain one.
pub(super) fn observed(
    network: Option<&Layered>,
    graph: &Adjacency,
    communities: &Communities,
    config: &ModulesConfig,
) -> [Observed; MEASURES] {
    let resolution = config.reported_resolution();
    let cut = n_cut(graph, communities);
    let twice = 2.0 * graph.total();
    let lowest = boundaries(graph, communities)
        .iter()
        .map(|module| module.conductance(twice))
        .fold(1.0, f64::min);
    let value = |kind: MeasureKind| match kind {
        MeasureKind::Modularity => modularity(graph, communities, resolution),
        MeasureKind::LayeredModularity => network.map_or_else(
            || modularity(graph, communities, resolution),
            |network| layered_modularity(network, communities, resolution),
        ),
        MeasureKind::NCut => cut,
        MeasureKind::NCutPerModule => cut / communities.count.max(1) as f64,
        MeasureKind::LowestConductance => lowest,
    };
    MeasureKind::ALL.map(|(kind, _)| Observed {
        value: value(kind),
        higher_is_better: kind.higher_is_better(),
    })
}

/// Every measure against every null model; shuffles are searched exactly as the network was.
pub(super) fn measures(
    network: &Layered,
    observed_here: [Observed; MEASURES],
    config: &ModulesConfig,
) -> Vec<Measure> {
    let statistics = |shuffled: &Layered, draw: u64| {
        let shuffled = &*living(shuffled, config);
        let graph = shuffled.adjacency();
        let communities = detect(shuffled, &graph, config, config.seed.wrapping_add(draw));
        observed(Some(shuffled), &graph, &communities, config).map(|o| o.value)
    };
    let shuffle = |kind, rng: &mut Rng| shuffled(network, kind, rng);
    measured(observed_here, config, shuffle, statistics)
}

/// The same of anything that can be shuffled.
pub(super) fn measured<W>(
    observed_here: [Observed; MEASURES],
    config: &ModulesConfig,
    shuffle: impl Fn(NullKind, &mut Rng) -> W + Sync,
    statistics: impl Fn(&W, u64) -> [f64; MEASURES] + Sync,
) -> Vec<Measure> {
    let kinds = std::iter::once((config.null, config.null_samples));
    let kinds = kinds.chain(config.more_nulls.iter().copied());
    let by_kind: Vec<Vec<NullModel>> = kinds
        .map(|(kind, samples)| {
            let seed = config.seed;
            let shuffle = |rng: &mut Rng| shuffle(kind, rng);
            corrected(null_models_of(
                kind,
                Draws {
                    most: samples,
                    all: config.all_draws,
                },
                seed,
                observed_here,
                shuffle,
                &statistics,
            ))
        })
        .collect();
    let measure = |(k, name): (usize, MeasureKind)| Measure {
        name,
        value: observed_here[k].value,
        higher_is_better: name.higher_is_better(),
        nulls: by_kind
            .iter()
            .filter_map(|nulls| nulls.get(k).cloned())
            .collect(),
    };
    MeasureKind::each().enumerate().map(measure).collect()
}

/// With Holm's correction for the number of measures.
fn corrected(mut nulls: Vec<NullModel>) -> Vec<NullModel> {
    let ps: Vec<f64> = nulls.iter().map(|null| null.p).collect();
    for (null, p_holm) in nulls.iter_mut().zip(holm(&ps)) {
        null.p_holm = Some(p_holm);
    }
    nulls
}

/// The conductance of every module, against the lowest of each shuffle.
pub(super) fn conductance(
    graph: &Adjacency,
    communities: &Communities,
    lowest: &Measure,
) -> Vec<Conductance> {
    let twice = 2.0 * graph.total();
    let of = |(module, boundary): (usize, &Boundary)| {
        let observed = Observed {
            value: boundary.conductance(twice),
            higher_is_better: false,
        };
        Conductance {
            module,
            value: observed.value,
            p: lowest
                .nulls
                .first()
                .map(|null| p_value(observed, &null.draws)),
        }
    };
    boundaries(graph, communities)
        .iter()
        .enumerate()
        .map(of)
        .collect()
}
