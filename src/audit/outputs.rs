//! The outputs of a network on data, and nothing else of it.

use ndarray::{Array2, Axis};

use crate::Result;
use crate::audit::files::Files;
use crate::audit::subject::Subject;
use crate::audit::{Config, fitted, layered, transformer};
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::model::{Architecture, Loaded, Network};
use crate::numeric::Scalar;

/// The outputs `[outputs, samples]` in the order of the data's classes or targets, whatever
/// places the network gives them; in units of the network's own outputs.
///
/// # Errors
/// If the checkpoint is no network this tool knows, or the data do not fit it.
pub fn outputs(checkpoint: &Checkpoint, data: &Dataset, config: &Config) -> Result<Array2<f64>> {
    let options = config.model.settled(checkpoint, data);
    let loaded = Loaded::from_checkpoint(checkpoint, options)?;
    let data = &*fitted(data, &loaded);
    let files = Files {
        checkpoint,
        loaded: &loaded,
        data,
    };
    match &loaded.network {
        Network::F32(network) => of(files, network, config),
        Network::F64(network) => of(files, network, config),
    }
}

fn of<T: Scalar>(
    files: Files<'_>,
    network: &Architecture<T>,
    config: &Config,
) -> Result<Array2<f64>> {
    let clean = match network {
        Architecture::Mlp(model) => {
            let clean = Subject::new(files, model)?.clean;
            clean.select(Axis(0), &places(&model.out_perm))
        }
        Architecture::Transformer(model) => {
            transformer::Subject::new(files, model, config.read.as_ref())?.clean
        }
        Architecture::Layered(model) => layered::Subject::new(files, model)?.clean,
    };
    Ok(clean.mapv(Scalar::widen))
}

/// Where each target stands, of which target stands where.
fn places(targets: &[usize]) -> Vec<usize> {
    let mut places = vec![0; targets.len()];
    for (place, target) in targets.iter().enumerate() {
        places[*target] = place;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn a_target_stands_where_it_was_put() {
        assert_eq!(places(&[2, 0, 1]), [1, 2, 0]);
    }
}
