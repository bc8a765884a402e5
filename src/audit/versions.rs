//! Whether two versions of a network are equivalent on a domain.

use super::certify::{Certifiable, CertifyConfig, Sampled, own_arithmetic};
use super::equivalence::between;
use super::files::Files;
use super::proved::unprovable;
use super::subject::Subject;
use super::{Config, fitted, layered};
use crate::checkpoint::Checkpoint;
use crate::choice::Arithmetic;
use crate::data::Dataset;
use crate::model::{Architecture, Loaded, Mlp, Network};
use crate::numeric::Scalar;
use crate::prune::Tolerance;
use crate::prune::certify::Refusal;
use crate::result::NetworkEquivalence;
use crate::{Error, Result};

/// Whether two versions of a network are equivalent, as `config.certify` asks.
///
/// # Errors
/// If either cannot be bounded, or they are not of one shape.
pub fn equivalence(
    old: &Checkpoint,
    new: &Checkpoint,
    data: &Dataset,
    config: &Config,
    tolerance: Tolerance,
) -> Result<Option<NetworkEquivalence>> {
    let Some(asked) = &config.certify else {
        return Ok(None);
    };
    let opened = |checkpoint: &Checkpoint| {
        let options = config.model.settled(checkpoint, data);
        Loaded::from_checkpoint(checkpoint, options)
    };
    let (before, after) = (opened(old)?, opened(new)?);
    let (changed, second) = match &after.network {
        Network::F32(network) => (as_mlp(network), Arithmetic::F32),
        Network::F64(network) => (as_mlp(network), Arithmetic::F64),
    };
    let changed = changed.map_err(|refusal| unprovable(&new.path, refusal.to_string()))?;
    let data = &*fitted(data, &before);
    let files = Files {
        checkpoint: old,
        loaded: &before,
        data,
    };
    let found = match &before.network {
        Network::F32(network) => of(files, network, &changed, second, tolerance, asked),
        Network::F64(network) => of(files, network, &changed, second, tolerance, asked),
    };
    found.map(Some)
}

/// A network as an MLP that can be bounded.
fn as_mlp<T: Scalar>(network: &Architecture<T>) -> Result<Mlp<f64>, Refusal> {
    match network {
        Architecture::Mlp(model) => model.as_mlp(),
        Architecture::Layered(model) => model.as_mlp(),
        Architecture::Transformer(_) => Err(Refusal::Transformer),
    }
}

fn of<T: Scalar>(
    files: Files<'_>,
    network: &Architecture<T>,
    changed: &Mlp<f64>,
    second: Arithmetic,
    tolerance: Tolerance,
    asked: &CertifyConfig,
) -> Result<NetworkEquivalence> {
    let refused =
        |refusal: Refusal| -> Error { unprovable(&files.checkpoint.path, refusal.to_string()) };
    let original = as_mlp(network).map_err(refused)?;
    let (batch, tolerances) = match network {
        Architecture::Mlp(model) => {
            let subject = Subject::new(files, model)?;
            let tolerances = subject.reference(tolerance).tolerances().to_vec();
            (subject.batch, tolerances)
        }
        Architecture::Layered(model) => {
            let subject = layered::Subject::new(files, model)?;
            let tolerances = subject.reference(tolerance).tolerances().to_vec();
            (subject.into_batch(), tolerances)
        }
        Architecture::Transformer(_) => return Err(refused(Refusal::Transformer)),
    };
    // Two types: each network is within what the coarser one may round.
    let own = match (own_arithmetic::<T>(), second) {
        (Arithmetic::F64, Arithmetic::F64) => Arithmetic::F64,
        _ => Arithmetic::F32,
    };
    let arithmetic = asked.arithmetic.unwrap_or(own);
    let sampled = Sampled::new(files.data, &batch);
    between(
        &sampled,
        (&original, changed),
        &tolerances,
        arithmetic,
        asked,
    )
    .map_err(refused)
}
