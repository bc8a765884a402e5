//! Node ablation under every fill, and the circuit of every answer by every method.

use std::collections::BTreeMap;

use super::Config;
use super::files::Files;
use super::held::{Held, held, of_both};
use super::methods::{CircuitsConfig, no_positions};
use super::proved::{self, Bounds};
use super::search::{self, Answer, Found, Part, Search, Searchable, ablation};
use super::subject::Subject;
use super::task::{self, TaskControls};
use crate::choice::MetricKind;
use crate::circuit::Goal;
use crate::data::Dataset;
use crate::model::{Mlp, Trace};
use crate::numeric::Scalar;
use crate::patch::{Engine, Fill, Fills};
use crate::result::NodeAblation;
use crate::{ErrorKind, Result};

/// Where an answer is read that all outputs take part in.
const WHOLE: &str = "outputs";

/// The ablations and circuits of the pruned network.
pub fn circuits<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
    let settings = config.circuits.at_its_granularity();
    if settings.positions {
        return Err(no_positions(&subject.files.data.path, "an MLP has none"));
    }
    if proved::is_asked(&settings, &subject.files.data.path)? {
        return by_proof(subject, pruned, config, &settings, progress);
    }
    let held = held(subject.files.data, config, subject.classifies())?;
    let fill = config.circuits.fill(subject.batch.corrupted.is_some());
    let files = |data| Files {
        data,
        ..subject.files
    };
    let on = |data| Subject::new(files(data), subject.model);
    let other = of_both(held.as_ref(), on)?;
    let (discover, judge) = match &other {
        Some((discover, judge)) => (discover, judge),
        None => (subject, subject),
    };
    let seed = config.fill_seed();
    let network = engine(discover, pruned, fill, seed)?;
    let judging = engine(judge, pruned, fill, seed)?;
    let answers = answers(discover, &network, config)?;
    let mut judges = match &held {
        Some(held) => held_out(self::answers(judge, &judging, config)?, held, subject.model),
        None => BTreeMap::new(),
    };
    let mut controls = match settings.controls {
        true => controls(judge, config)?,
        false => BTreeMap::new(),
    };
    let outputs: Vec<usize> = answers.iter().map(|answer| answer.goal.output).collect();
    let controls = outputs.iter().map(|o| controls.remove(o));
    let search = Search {
        answers,
        judges: outputs.iter().map(|o| judges.remove(o)).collect(),
        sets: set_names(held.as_ref(), subject.files.data),
        controls: controls.map(Option::unwrap_or_default).collect(),
        fill_reference: fill_reference(discover, fill),
        ..Search::new(
            &network,
            subject.files.data,
            &settings,
            (fill, config),
            progress,
        )
    };
    let ablated = match config.circuits.nodes {
        true => nodes(subject, pruned, &subject.goals(&config.circuits)?, config)?,
        false => Vec::new(),
    };
    Ok((ablated, search.at_its_level()?))
}

/// The circuit of all outputs together that proofs leave.
fn by_proof<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    config: &Config,
    settings: &CircuitsConfig,
    progress: &dyn Fn(&str),
) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
    let fill = settings.fill.unwrap_or(Fill::Mean);
    let prover = Bounds::new(subject, pruned, fill, config)?;
    // What stands in for the rest on samples, where that may be anything.
    let shown = match fill {
        Fill::Corrupted | Fill::Resample => Fill::Mean,
        Fill::Zero | Fill::Mean => fill,
    };
    let network = engine(subject, pruned, shown, config.seed)?;
    let kind = settings.metric.unwrap_or(match subject.classifies() {
        true => MetricKind::LogitDiff,
        false => MetricKind::Mse,
    });
    let single = subject.outputs.len() == 1;
    let (site, name) = match single {
        true => subject.outputs[0].clone(),
        false => (WHOLE.to_owned(), "all outputs".to_owned()),
    };
    let answer = Answer {
        goal: Goal::of_all(
            subject.truth().metric(kind, single.then_some(0))?,
            subject.batch.len(),
        ),
        network: Part::All(&network),
        site,
        name,
    };
    let data = subject.files.data;
    let search = Search {
        fill_reference: fill_reference(subject, shown),
        prover: Some(&prover),
        ..Search::new(&network, data, settings, (shown, config), progress).of_one(answer)
    };
    Ok((Vec::new(), search.at_its_level()?))
}

/// The answers that are judged on samples of their own, by output: not those of classes
/// all of whose samples are in both sets.
fn held_out<'e, T: Scalar>(
    answers: Vec<Answer<'e, T>>,
    held: &Held<'_>,
    model: &Mlp<T>,
) -> BTreeMap<usize, Answer<'e, T>> {
    let apart = |answer: &Answer<'_, T>| {
        let class = model.out_perm[answer.goal.output];
        !held.in_both.contains(&class)
    };
    let answers = answers.into_iter().filter(apart);
    answers.map(|answer| (answer.goal.output, answer)).collect()
}

/// What circuits are held against besides random ones, by output.
fn controls<T: Scalar>(
    judge: &Subject<'_, T>,
    config: &Config,
) -> Result<BTreeMap<usize, TaskControls>> {
    let goals = judge.goals(&config.circuits)?;
    let controls = task::of_mlp(judge, &goals, &config.model, config.seed)?;
    let outputs = goals.iter().map(|goal| goal.output);
    Ok(outputs.zip(controls).collect())
}

/// The answers that are sought, on the samples of a subject.
fn answers<'e, T: Scalar>(
    subject: &Subject<'_, T>,
    engine: &'e Engine<'e, T>,
    config: &Config,
) -> Result<Vec<Answer<'e, T>>> {
    let goals = subject.goals(&config.circuits)?;
    let select =
        |rows: &[usize]| -> Box<dyn Searchable<Number = T> + 'e> { Box::new(engine.select(rows)) };
    Ok(search::answers(engine, goals, &subject.outputs, select))
}

/// The names of the samples of the discovery and of the judgement.
pub fn set_names(held: Option<&Held<'_>>, data: &Dataset) -> [String; 2] {
    match held {
        Some(held) => [held.discover.1.clone(), held.judge.1.clone()],
        None => [data.split.clone(), data.split.clone()],
    }
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
                return Err(ErrorKind::NoCorruptedInputs.at(&subject.files.data.path));
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
        subject.files.data.split
    );
    match fill {
        Fill::Zero => None,
        Fill::Mean | Fill::Resample => Some(set),
        Fill::Corrupted => Some("each sample's own pair".to_owned()),
    }
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
