//! Does a circuit hold under other fills than the one it was found with?
//!
//! A fill can be kind: what the mean leaves of a message may be enough for what a circuit
//! leaves out. Every circuit is run on the samples it is judged on under every fill that the
//! data allow, and with other samples for a fill that are chosen, sample by sample, to take it
//! furthest from the full network.

use super::methods::Subset;
use super::multiverse::running;
use super::search::{Measured, ScoredBySample};
use super::{Config, Outcome, audit};
use crate::checkpoint::Checkpoint;
use crate::choice::Fill;
use crate::data::Dataset;
use crate::evaluate::transfer::Done;
use crate::numeric::statistics::mean;
use crate::result::{Circuit, UnderFill};
use crate::{ErrorKind, Result};

/// Samples that stand in for a sample's rest, of which the worst is chosen.
const ADVERSARIES: usize = 8;

/// Runs the circuits of an outcome under every fill, and writes what they do there into
/// them.
pub fn under_every_fill(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    outcome: &mut Outcome,
    progress: &dyn Fn(&str),
) -> Result<()> {
    let circuits = &mut outcome.result.circuits;
    let Some(metric) = circuits.first().map(|circuit| circuit.metric) else {
        return Ok(());
    };
    for fill in Fill::each().filter(|f| *f != Fill::Corrupted || data.corrupted.is_some()) {
        progress(&format!("running circuits under the {fill} fill"));
        let mut runs = running(config, (fill, metric));
        runs.circuits.judge_on = config.circuits.judge_on;
        runs.discover.clone_from(&config.discover);
        for circuit in &*circuits {
            let edges = circuit.edges.iter().map(|e| (e.from.clone(), e.to.clone()));
            let of_answer = runs.circuits.measure.entry(circuit.output.clone());
            of_answer.or_default().push(Subset::ByName(edges.collect()));
        }
        let mut found = match audit(checkpoint, data, &runs, progress) {
            Ok(found) => found.by_sample,
            // Samples of several lengths have no mean.
            Err(error) if matches!(error.kind, ErrorKind::PromptLengths { .. }) => continue,
            Err(error) => return Err(error),
        };
        write(circuits, &found, fill, 1);
        if fill == Fill::Resample {
            for draw in 1..ADVERSARIES as u64 {
                runs.circuits.fill_seed = Some(config.seed.wrapping_add(draw));
                let other = audit(checkpoint, data, &runs, progress)?.by_sample;
                found.iter_mut().zip(&other).for_each(take_the_worse);
            }
            write(circuits, &found, fill, ADVERSARIES);
        }
    }
    circuits.iter_mut().for_each(sort);
    Ok(())
}

/// Writes into the circuits what they did under a fill, the worst of so many draws of it.
fn write(circuits: &mut [Circuit], found: &[ScoredBySample], fill: Fill, draws: usize) {
    for matrix in found {
        let Some(measured) = &matrix.measured else {
            continue;
        };
        let of_answer = circuits.iter_mut().filter(|c| c.output == matrix.output.0);
        for (circuit, done) in of_answer.zip(&measured.circuits) {
            circuit.fills.push(under(fill, draws, measured, done));
        }
    }
}

/// Sample by sample what one of two draws does that is further from the full network. The
/// ends of the scale stay those of the first draw.
fn take_the_worse((one, other): (&mut ScoredBySample, &ScoredBySample)) {
    let (Some(one), Some(other)) = (&mut one.measured, &other.measured) else {
        return;
    };
    for (mine, others) in one.circuits.iter_mut().zip(&other.circuits) {
        for (place, full) in one.full.values.iter().enumerate() {
            let far = |done: &Done| (done.values[place] - full).abs();
            if far(others) > far(mine) {
                mine.values[place] = others.values[place];
            }
        }
        let (Some(mine), Some(others)) = (&mut mine.decisions, &others.decisions) else {
            continue;
        };
        for (place, full) in one.full.decisions.iter().flatten().enumerate() {
            if mine[place] == *full {
                mine[place] = others[place];
            }
        }
    }
}

/// The fill it was found with first.
fn sort(circuit: &mut Circuit) {
    let own = circuit.fill;
    circuit
        .fills
        .sort_by_key(|under| (under.fill != own, under.fill, under.draws));
}

/// What a circuit does under a fill.
fn under(fill: Fill, draws: usize, measured: &Measured, done: &Done) -> UnderFill {
    let [full, patched, own] = [&measured.full, &measured.patched, done].map(|d| mean(&d.values));
    let range = full - patched;
    let scale = full.abs().max(patched.abs());
    let gaps = done.values.iter().zip(&measured.full.values);
    let gaps: Vec<f64> = gaps.map(|(circuit, full)| (circuit - full).abs()).collect();
    let both = done
        .decisions
        .as_ref()
        .zip(measured.full.decisions.as_ref());
    UnderFill {
        fill,
        draws,
        faithfulness: (range.abs() > scale * f64::from(f32::EPSILON))
            .then(|| (own - patched) / range),
        gap: mean(&gaps),
        decision_agreement: both.map(|(a, b)| {
            let same = a.iter().zip(b).filter(|(a, b)| a == b).count();
            same as f64 / a.len().max(1) as f64
        }),
    }
}
