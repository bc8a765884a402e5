//! Does the network do the task, and how its data were read.

use crate::report::english::{capital, samples};
use crate::report::format::measured;
use crate::report::sites::{clean, plain};
use crate::result::{Audit, ComparedNetwork, Comparison, Sentence, Status, Task};

const TOPIC: &str = "Task";

/// The network's own metric beside that of knowing nothing; then what was done with the data.
pub(in crate::report) fn sentences(audit: &Audit) -> Vec<Sentence> {
    let mut all: Vec<Sentence> = audit.task.iter().map(|task| judged(task, audit)).collect();
    let notes = audit.data.iter().flat_map(|data| &data.notes).enumerate();
    all.extend(notes.map(|(place, note)| {
        let text = format!("{}.", capital(&plain(note)));
        Sentence::new("Data", Status::Note, text).from([format!("/data/notes/{place}")])
    }));
    all
}

fn judged(task: &Task, audit: &Audit) -> Sentence {
    let measured = format!(
        "{} of the network as it is: {} on {}; {} gives {}.",
        task.metric.in_words(),
        measured(task.metric, task.value),
        samples(audit.data.as_ref()),
        clean(&task.baseline_of),
        measured(task.metric, task.baseline)
    );
    match task.does_task {
        true => Sentence::new(TOPIC, Status::Note, capital(&measured)),
        false => {
            let text = format!(
                "THIS NETWORK DOES NOT DO THE TASK OF THESE DATA: {measured} What follows describes a network that knows nothing of these samples, or samples that are not its own."
            );
            Sentence::new(TOPIC, Status::NotShown, text)
        }
    }
    .from(["/task/value", "/task/baseline"])
}

/// The networks' own metric by group, beside that of knowing nothing.
pub(in crate::report) fn of_networks(comparison: &Comparison) -> Option<Sentence> {
    let first = comparison
        .networks
        .iter()
        .find_map(|network| network.task.as_ref())?;
    let of_group = |name: &str| -> Option<String> {
        let networks = comparison
            .networks
            .iter()
            .filter(|network| network.group == name);
        let values: Vec<f64> = networks
            .flat_map(|n| &n.task)
            .map(|task| task.value)
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (!values.is_empty()).then(|| format!("{} {}", clean(name), measured(first.metric, mean)))
    };
    let groups: Vec<String> = comparison
        .groups
        .iter()
        .filter_map(|g| of_group(&g.name))
        .collect();
    let measured = format!(
        "{} of the networks as they are, the mean of each group: {}; {} gives {}.",
        first.metric.in_words(),
        groups.join(", "),
        clean(&first.baseline_of),
        measured(first.metric, first.baseline)
    );
    let fails =
        |network: &&ComparedNetwork| network.task.as_ref().is_some_and(|task| !task.does_task);
    let failing: Vec<String> = comparison
        .networks
        .iter()
        .filter(fails)
        .map(|n| clean(&n.name))
        .collect();
    let evidence = ["/networks/0/task/value", "/networks/0/task/baseline"];
    let (status, text) = match failing.len() {
        0 => (Status::Note, capital(&measured)),
        _ => {
            let text = format!(
                "THESE DO NOT DO THE TASK OF THE DATA: {}. {}",
                failing.join(", "),
                capital(&measured)
            );
            (Status::NotShown, text)
        }
    };
    Some(Sentence::new(TOPIC, status, text).from(evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::MetricKind;
    use crate::report::sample;

    fn task(metric: MetricKind, value: f64, baseline: f64, does_task: bool) -> Audit {
        let mut audit = sample::audit();
        audit.task = Some(Task {
            metric,
            value,
            baseline,
            baseline_of: "always the most frequent class".into(),
            does_task,
        });
        audit
    }

    #[test]
    fn the_metric_stands_beside_knowing_nothing() {
        let said = sentences(&task(MetricKind::Accuracy, 0.97, 0.5, true)).remove(0);
        assert_eq!(
            said.to_string(),
            "• Task: Accuracy of the network as it is: 97 % on the 100 test samples; always the most frequent class gives 50 %."
        );
    }

    #[test]
    fn a_network_that_knows_nothing_is_not_missed() {
        let said = sentences(&task(MetricKind::LogitDiff, -0.79, 0.0, false)).remove(0);
        assert_eq!(said.status, Status::NotShown);
        assert!(
            said.sentence
                .starts_with("THIS NETWORK DOES NOT DO THE TASK")
        );
        assert!(
            said.sentence.contains("-0.79") || said.sentence.contains("−0.79"),
            "{}",
            said.sentence
        );
    }

    #[test]
    fn what_was_done_with_the_data_is_told() {
        let mut audit = sample::audit();
        if let Some(data) = &mut audit.data {
            data.notes
                .push("prompts begin with the token `<bos>`".into());
        }
        let said = sentences(&audit).remove(0);
        assert_eq!(
            said.to_string(),
            "• Data: Prompts begin with the token `<bos>`."
        );
    }
}
