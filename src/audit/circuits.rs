//! Node ablation under every fill, and the circuit of every answer by every method.

use std::borrow::Cow;

use super::Config;
use super::methods::{Granularity, no_positions};
use super::search::{Answer, Found, Search, ablation};
use super::subject::Subject;
use crate::circuit::Goal;
use crate::model::{Mlp, Trace};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Engine, Fill, Fills, Patchable};
use crate::result::NodeAblation;
use crate::{Error, Result};

/// The ablations and circuits of the pruned network.
pub fn circuits<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
    let settings = match config.circuits.granularity {
        Some(Granularity::Neuron) => Cow::Owned(config.circuits.of_nodes()),
        _ => Cow::Borrowed(&config.circuits),
    };
    if settings.positions {
        return Err(no_positions(&subject.data.path, "an MLP has none"));
    }
    let goals = subject.goals(&config.circuits)?;
    let fill = config.circuits.fill(subject.batch.corrupted.is_some());
    let engine = engine(subject, pruned, fill, config.seed)?;
    let answer = |goal: &Goal| {
        let (site, name) = subject.outputs[goal.output].clone();
        Answer {
            goal: goal.clone(),
            // Goals of targets count every sample, those of classes their own.
            network: match goal.rows.len() == engine.samples() {
                true => Cow::Borrowed(&engine),
                false => Cow::Owned(engine.select(&goal.rows)),
            },
            site,
            name,
        }
    };
    let search = Search {
        network: &engine,
        data: &subject.data.path,
        candidates: surviving(&engine),
        answers: goals.iter().map(answer).collect(),
        config: &settings,
        fill,
        seed: config.seed,
        progress,
        fill_reference: fill_reference(subject, fill),
        published_order: None,
        cfg: None,
    };
    Ok((
        nodes(subject, pruned, &goals, config)?,
        search.at_its_level()?,
    ))
}

/// An engine on the whole batch with a fill.
pub fn engine<'m, T: Scalar>(
    subject: &Subject<'_, T>,
    model: &'m Mlp<T>,
    fill: Fill,
    seed: u64,
) -> Result<Engine<'m, T>> {
    let inputs = subject.batch.inputs.clone();
    let clean: Trace<T> = model.forward(inputs.clone());
    let fills = match fill {
        Fill::Zero => Fills::zero(),
        Fill::Mean => Fills::mean(&clean),
        Fill::Resample => Fills::resample(&clean, seed),
        Fill::Corrupted => match &subject.batch.corrupted {
            Some(corrupted) => Fills::corrupted(model.forward(corrupted.clone())),
            None => {
                return Err(Error::NoCorruptedInputs {
                    path: subject.data.path.clone(),
                });
            }
        },
    };
    Ok(Engine::new(model, inputs, fills))
}

/// The set a fill is taken from, in words.
fn fill_reference<T: Scalar>(subject: &Subject<'_, T>, fill: Fill) -> Option<String> {
    let set = format!(
        "the {} samples of split `{}`",
        subject.batch.len(),
        subject.data.split
    );
    match fill {
        Fill::Zero => None,
        Fill::Mean | Fill::Resample => Some(set),
        Fill::Corrupted => Some("each sample's own pair".to_owned()),
    }
}

/// The edges whose weights are not zero.
pub fn surviving<T: Scalar>(engine: &Engine<'_, T>) -> EdgeSet {
    let weights = engine.model().layers.iter().flat_map(|l| &l.weight);
    engine.edges(
        weights
            .enumerate()
            .filter(|(_, w)| !w.is_zero())
            .map(|(number, _)| number),
    )
}

/// Node ablation under every fill that the data allow.
fn nodes<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    goals: &[Goal],
    config: &Config,
) -> Result<Vec<NodeAblation>> {
    let outputs: Vec<String> = goals
        .iter()
        .map(|goal| subject.outputs[goal.output].0.clone())
        .collect();
    let allowed = |fill: &Fill| *fill != Fill::Corrupted || subject.batch.corrupted.is_some();
    Fill::ALL
        .iter()
        .map(|(fill, _)| *fill)
        .filter(allowed)
        .map(|fill| {
            let engine = engine(subject, pruned, fill, config.seed)?;
            let reference = fill_reference(subject, fill);
            Ok(ablation(&engine, goals, &outputs, fill, reference))
        })
        .collect()
}
