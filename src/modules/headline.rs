//! The one test of modularity whose verdict is told.
//!
//! It was chosen by its power at calibrated size on drawn networks, before any trained one was
//! looked at: `cargo run --release --example headline`, with its table in `docs/measured.md`.
//! Everything else that is measured of a partition is exploratory.

use super::{Algorithm, ModulesConfig, NullKind, Quality};
use crate::choice::{MeasureKind, Null};
use crate::result::{HeadlineTest, Measure};

/// The measure, and the null model that it is held against.
pub const HEADLINE: (MeasureKind, NullKind) = (MeasureKind::Modularity, NullKind::Degree);

/// How often it rejects at 0.05 where one edge of ten leaves its group, two groups in all: of
/// networks of at most so many edges, from [`FEWEST`] on.
const POWER: [(usize, f64); 3] = [(90, 0.19), (180, 0.34), (360, 0.88)];

/// Of smaller networks, as of larger ones, the power was not measured.
const FEWEST: usize = 40;

/// The headline test, where the null model was asked for.
pub(super) fn headline(
    measures: &[Measure],
    edges: usize,
    config: &ModulesConfig,
) -> Option<HeadlineTest> {
    let (name, kind) = HEADLINE;
    let measure = measures.iter().find(|measure| measure.name == name)?;
    let is_its = |null: &&crate::result::NullModel| null.model == Null::Network(kind);
    let null = measure.nulls.iter().find(is_its)?;
    let power = POWER
        .iter()
        .find(|(most, _)| (FEWEST..=*most).contains(&edges));
    Some(HeadlineTest {
        measure: name,
        null: null.model,
        observed: measure.value,
        mean: null.mean,
        sd: null.sd,
        samples: null.samples,
        p: null.p,
        power: power
            .filter(|_| is_as_measured(config))
            .map(|(_, power)| *power),
    })
}

/// Whether modules were searched as they were where the power was measured.
fn is_as_measured(config: &ModulesConfig) -> bool {
    config.algorithm == Algorithm::Leiden
        && config.quality == Quality::Modularity
        && config.resolution == 1.0
}
