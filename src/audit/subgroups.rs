//! What holds of the samples as a whole, subgroup by subgroup: the task's metric, and what
//! pruning changes.
//!
//! It runs both networks once more and tests nothing: of a few samples a difference may be chance.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::outputs::outputs;
use super::truth::Truth;
use super::{Config, Outcome, fitted};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::data::{Dataset, Labels};
use crate::metric::decision;
use crate::model::Loaded;
use crate::result::{self, Subgroup, Subgroups};

/// Up to this share a metric of all samples may differ from the task's own by rounding.
const ROUNDING: f64 = 1e-4;

/// Outputs `[outputs, samples]` in the order of the data's targets.
struct Run {
    /// As decisions read them.
    read: Array2<f64>,
    /// As targets are of them: behind a softmax or sigmoid at the end, if there is one.
    finals: Array2<f64>,
}

/// The groups of the samples; `None` where no column parts them.
///
/// # Errors
/// If the network or the data cannot be read, which the audit has done before.
pub(super) fn subgroups(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    outcome: &Outcome,
) -> Result<Option<Subgroups>> {
    let Some(groups) = &data.groups else {
        return Ok(None);
    };
    let loaded = Loaded::from_checkpoint(checkpoint, config.model.clone())?;
    let data = &*fitted(data, &loaded);
    let run = |network: &Checkpoint| -> Result<Run> {
        let read = outputs(network, data, config)?;
        let finals = match loaded.readout {
            Some(readout) => readout.of(&read),
            None => read.clone(),
        };
        Ok(Run { read, finals })
    };
    let whole = run(checkpoint)?;
    let pruned = outcome.pruned.as_ref().map(run).transpose()?;
    let all: Vec<usize> = (0..data.len()).collect();
    let task = outcome.result.task.as_ref();
    let task = task.filter(|task| is_same(task, metric(&whole, data, &all).as_ref()));
    let one = |(value, rows): (String, Vec<usize>)| {
        let of = |run: &Run| metric(run, data, &rows).map(|task| task.value);
        let told = |run: &Run| task.and_then(|_| of(run));
        Subgroup {
            value,
            samples: rows.len(),
            metric_full: told(&whole),
            metric_pruned: pruned.as_ref().and_then(told),
            decisions_changed: pruned
                .as_ref()
                .and_then(|p| changed(&whole, p, data, &rows)),
            max_abs_change: pruned.as_ref().map(|p| moved(&whole, p, &rows)),
        }
    };
    Ok(Some(Subgroups {
        column: groups.column.clone(),
        metric: task.map(|task| task.metric),
        groups: parted(&groups.values).into_iter().map(one).collect(),
    }))
}

/// The samples of each value: numbers by size, then words by the alphabet.
fn parted(values: &[String]) -> Vec<(String, Vec<usize>)> {
    let mut by_value: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        by_value.entry(value).or_default().push(row);
    }
    let mut groups: Vec<(String, Vec<usize>)> = by_value
        .into_iter()
        .map(|(value, rows)| (value.clone(), rows))
        .collect();
    let number = |value: &String| value.parse::<f64>().unwrap_or(f64::INFINITY);
    groups.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)));
    groups
}

/// The task's metric over these samples.
fn metric(run: &Run, data: &Dataset, rows: &[usize]) -> Option<result::Task> {
    let some = |list: &Vec<usize>| rows.iter().map(|row| list[*row]).collect::<Vec<usize>>();
    let (classes, targets) = match &data.labels {
        None => (None, None),
        Some(Labels::Classes(classes)) => (Some(some(classes)), None),
        Some(Labels::Targets(targets)) => {
            let of_rows = targets.select(Axis(0), rows).reversed_axes();
            (None, Some(of_rows))
        }
    };
    let (answers, foils) = (
        data.answers.as_ref().map(some),
        data.foils.as_ref().map(some),
    );
    let clean = match targets {
        Some(_) => &run.finals,
        None => &run.read,
    };
    let fits = |t: &Array2<f64>| t.nrows() == clean.nrows();
    if targets.as_ref().is_some_and(|t| !fits(t)) {
        return None;
    }
    let clean = clean.select(Axis(1), rows);
    Truth {
        path: &data.path,
        clean: &clean,
        classes: classes.as_ref(),
        answers: answers.as_ref(),
        foils: foils.as_ref(),
        targets: targets.as_ref(),
        framework: None,
    }
    .task(None)
}

/// Whether the metric of all samples is the one that the result tells.
fn is_same(task: &result::Task, own: Option<&result::Task>) -> bool {
    own.is_some_and(|own| {
        let near = (own.value - task.value).abs() <= ROUNDING * task.value.abs().max(ROUNDING);
        own.metric == task.metric && near
    })
}

/// On how many samples the pruned network decides otherwise.
fn changed(whole: &Run, pruned: &Run, data: &Dataset, rows: &[usize]) -> Option<usize> {
    let decides = matches!(data.labels, Some(Labels::Classes(_))) || data.answers.is_some();
    let other =
        |row: &&usize| decision(whole.read.column(**row)) != decision(pruned.read.column(**row));
    decides.then(|| rows.iter().filter(other).count())
}

/// The largest change of an output.
fn moved(whole: &Run, pruned: &Run, rows: &[usize]) -> f64 {
    let change = |row: &usize| {
        let pairs = whole.read.column(*row);
        let pairs = pairs.iter().zip(pruned.read.column(*row));
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    rows.iter().map(change).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_by_size_and_words_by_the_alphabet() {
        let values = ["10", "b", "9", "a", "9", ""].map(str::to_owned);
        let parted = parted(&values);
        let told: Vec<(&str, &[usize])> = parted
            .iter()
            .map(|(value, rows)| (value.as_str(), rows.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("9", [2, 4].as_slice()),
                ("10", &[0]),
                ("", &[5]),
                ("a", &[3]),
                ("b", &[1])
            ]
        );
    }
}
