//! The results in `reports/gallery`: audits of the fixtures, without what differs from run to run.

use std::path::Path;

use modscope::audit::{Config, audit};
use modscope::checkpoint::Checkpoint;
use modscope::data::Dataset;
use modscope::result::{Audit, Costs};

/// The fixtures that the gallery shows.
pub const SHOWN: [&str; 2] = ["independence-bimt", "two_moon-bimt"];

/// Audits a fixture; paths are from the crate's root, where cargo runs tests and examples.
pub fn result(name: &str) -> modscope::Result<Audit> {
    let folder = Path::new("fixtures").join(name);
    let checkpoint = Checkpoint::open(&folder)?;
    let data = Dataset::open(&folder.join("data.safetensors"), None)?;
    let path = format!("fixtures/{name}");
    let command = ["modscope", "audit", &path].map(str::to_owned);
    let outcome = audit(&checkpoint, &data, &Config::new(command.to_vec()), &|_| ())?;
    Ok(masked(outcome.result))
}

/// A result without times and memory.
fn masked(mut result: Audit) -> Audit {
    result.costs = Costs::default();
    for circuit in &mut result.circuits {
        circuit.seconds = 0.0;
    }
    result
}
