//! What changed, in sentences; only what was limited can hold or fail.

use crate::report::english::{capital, counted, plural, some_of};
use crate::report::equivalence;
use crate::report::format::{count, measured, percent, short, typed};
use crate::report::sites::clean;
use crate::result::{ChangedEdges, ChangedOutput, Diff, Sentence, Status, Task};

/// The sentences, in the order people ask.
#[must_use]
pub fn summary(diff: &Diff) -> Vec<Sentence> {
    let mut said: Vec<Sentence> = decisions(diff).into_iter().collect();
    said.extend(outputs(diff));
    let proof = diff.equivalence.as_ref();
    said.extend(proof.map(|found| equivalence::sentence("Equivalence", found, "/equivalence")));
    let beside = proof.and_then(|found| equivalence::beside(found.domain_file.as_ref()));
    let note = |text| Sentence::new("Equivalence", Status::Note, text);
    said.extend(beside.map(|text| note(text).from(["/equivalence/domain_file"])));
    said.extend(task(diff));
    said.push(weights(diff));
    said.extend(pruned(diff));
    said.extend(modules(diff));
    said.extend(circuits(diff));
    said
}

fn status(limit: Option<bool>) -> Status {
    match limit {
        Some(true) => Status::Holds,
        Some(false) => Status::Fails,
        None => Status::Note,
    }
}

fn decisions(diff: &Diff) -> Option<Sentence> {
    let Some(found) = &diff.decisions else {
        let text = "A limit on decisions was asked for, and these data have no classes.";
        let asked = diff.limits.max_changed.is_some();
        return asked.then(|| Sentence::new("Decisions", Status::NotRun, text));
    };
    let changed = found.changed.len();
    let limit = diff.limits.max_changed;
    let allowed = limit.map_or_else(String::new, |most| format!(" (allowed: {})", count(most)));
    let text = match changed {
        0 => all_the_same(found.samples, &allowed),
        n => format!(
            "{} of {} changed{allowed}: {} {} right now and {} before, {} the other way round.",
            count(n),
            counted(found.samples, "decision", "decisions"),
            count(found.mended),
            plural(found.mended, "is", "are"),
            plural(found.mended, "was wrong", "were wrong"),
            count(found.broken),
        ),
    };
    let status = status(limit.map(|most| changed <= most));
    Some(Sentence::new("Decisions", status, text).from(["/decisions/changed"]))
}

/// That no decision changed, of so many.
pub(super) fn all_the_same(decisions: usize, allowed: &str) -> String {
    match decisions {
        1 => format!("The one decision is the same{allowed}."),
        n => format!("All {} decisions are the same{allowed}.", count(n)),
    }
}

/// The output that moved most, in units of its own spread where it has one.
pub(super) fn largest(diff: &Diff) -> Option<&ChangedOutput> {
    let largest =
        |a: &&ChangedOutput, b: &&ChangedOutput| a.max_abs_change.total_cmp(&b.max_abs_change);
    diff.outputs.iter().max_by(largest)
}

fn outputs(diff: &Diff) -> Option<Sentence> {
    let found = largest(diff)?;
    let limit = diff.limits.tolerance;
    let allowed = limit.map_or_else(String::new, |most| format!(" (allowed: {})", typed(most)));
    let text = match found.max_abs_change == 0.0 {
        true => format!("No output moves at all{allowed}."),
        false => format!(
            "Outputs move by up to {}{allowed}: {} at sample {}, whose standard deviation over the samples is {}.",
            short(found.max_abs_change),
            clean(&found.name),
            count(found.sample),
            short(found.sd)
        ),
    };
    // What is not a number is within no limit.
    let status = status(limit.map(|most| found.max_abs_change <= most));
    Some(Sentence::new("Outputs", status, text).from(["/outputs"]))
}

fn task(diff: &Diff) -> Option<Sentence> {
    let (old, new) = diff.task.old.as_ref().zip(diff.task.new.as_ref())?;
    let value = |task: &Task| measured(task.metric, task.value);
    let lost = match old.does_task && !new.does_task {
        true => ": the new version does not do the task",
        false => "",
    };
    let text = format!(
        "{} goes from {} to {}{lost}.",
        capital(new.metric.in_words()),
        value(old),
        value(new)
    );
    let status = match lost.is_empty() {
        true => Status::Note,
        false => Status::NotShown,
    };
    Some(Sentence::new("Task", status, text).from(["/task/old", "/task/new"]))
}

fn weights(diff: &Diff) -> Sentence {
    let changed: usize = diff.tensors.iter().filter_map(|t| t.changed).sum();
    let elsewhere = diff.tensors.iter().filter(|t| t.changed.is_none()).count();
    let most = diff
        .tensors
        .iter()
        .filter_map(|t| Some((t, t.relative_change?)))
        .filter(|(_, relative)| *relative > 0.0)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let most = most.map_or_else(String::new, |(tensor, relative)| {
        format!(
            ", most in `{}` (by {} of its length)",
            clean(&tensor.tensor),
            percent(relative)
        )
    });
    let others = match elsewhere {
        0 => String::new(),
        n => format!(
            "; {} {} in one version only, or of another shape",
            count(n),
            plural(n, "tensor is", "tensors are")
        ),
    };
    let text = match (changed, elsewhere) {
        (0, 0) => "Every weight is the same.".to_owned(),
        _ => format!(
            "{} numbers of the files changed{most}{others}.",
            count(changed)
        ),
    };
    Sentence::new("Weights", Status::Note, text).from(["/tensors"])
}

/// `5 in both, 1 gained, 2 lost`
pub(super) fn of_edges(edges: &ChangedEdges) -> String {
    format!(
        "{} in both, {} gained, {} lost",
        count(edges.both),
        count(edges.gained.len()),
        count(edges.lost.len())
    )
}

fn pruned(diff: &Diff) -> Option<Sentence> {
    let found = diff.pruned.as_ref()?;
    let text = format!(
        "Of the weights that pruning leaves, {} (thresholds {} and {}).",
        of_edges(&found.edges),
        typed(found.thresholds.old),
        typed(found.thresholds.new),
    );
    Some(Sentence::new("Pruning", Status::Note, text).from(["/pruned/edges"]))
}

fn modules(diff: &Diff) -> Option<Sentence> {
    let found = diff.modules.as_ref()?;
    let text = format!(
        "{} before and {} now; of the {} in both, {} stayed in modules that match.",
        counted(found.counts.old, "module", "modules"),
        count(found.counts.new),
        counted(found.sites, "site", "sites"),
        count(found.stayed)
    );
    Some(Sentence::new("Modules", Status::Note, text).from(["/modules/matched"]))
}

fn circuits(diff: &Diff) -> Option<Sentence> {
    if diff.circuits.is_empty() {
        return None;
    }
    let is_same = |edges: &ChangedEdges| edges.gained.is_empty() && edges.lost.is_empty();
    let same = diff.circuits.iter().filter(|c| is_same(&c.edges)).count();
    let sum = |of: fn(&ChangedEdges) -> usize| diff.circuits.iter().map(|c| of(&c.edges)).sum();
    let text = format!(
        "{} {} the same edges; in all {} gained and {} lost.",
        capital(&some_of(same, diff.circuits.len(), "circuit", "circuits")),
        match (same, diff.circuits.len()) {
            (0, 1) => "does not have",
            (0 | 1, _) => "has",
            _ => "have",
        },
        counted(sum(|edges| edges.gained.len()), "edge is", "edges are"),
        count(sum(|edges| edges.lost.len()))
    );
    Some(Sentence::new("Circuits", Status::Note, text).from(["/circuits"]))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::{ChangedDecision, ChangedDecisions, DiffLimits, Versions};

    /// Two versions of the sample: one decision of three is broken, one output moves by 0.5.
    pub fn sample() -> Diff {
        let audit = sample::audit();
        Diff {
            schema: audit.schema,
            tool: audit.tool,
            command: Vec::new(),
            seed: 0,
            summary: Vec::new(),
            checkpoints: Versions {
                old: audit.checkpoint.clone(),
                new: audit.checkpoint,
            },
            data: audit.data,
            limits: DiffLimits::default(),
            task: Versions::default(),
            decisions: Some(ChangedDecisions {
                samples: 3,
                mended: 0,
                broken: 1,
                changed: vec![ChangedDecision {
                    sample: 2,
                    label: "<b>cat</b>".to_owned(),
                    old: "<b>cat</b>".to_owned(),
                    new: "dog".to_owned(),
                }],
            }),
            equivalence: None,
            outputs: vec![ChangedOutput {
                output: 0,
                name: "sum".to_owned(),
                max_abs_change: 0.5,
                sample: 2,
                mean_abs_change: 0.25,
                sd: 1.5,
            }],
            tensors: Vec::new(),
            pruned: None,
            modules: None,
            circuits: Vec::new(),
            network: audit.network,
        }
    }

    fn said(limits: DiffLimits) -> Vec<String> {
        let diff = Diff { limits, ..sample() };
        summary(&diff).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn nothing_is_promised_where_nobody_asked() {
        let said = said(DiffLimits::default());
        assert_eq!(
            said[0],
            "• Decisions: 1 of 3 decisions changed: 0 are right now and were wrong before, 1 the other way round."
        );
        assert_eq!(
            said[1],
            "• Outputs: Outputs move by up to 0.5: sum at sample 2, whose standard deviation over the samples is 1.5."
        );
        assert_eq!(said[2], "• Weights: Every weight is the same.");
    }

    #[test]
    fn a_limit_holds_up_to_its_value_and_fails_above() {
        let at = |max_changed, tolerance| DiffLimits {
            max_changed: Some(max_changed),
            tolerance: Some(tolerance),
        };
        let marks = |limits| -> Vec<char> {
            let said = said(limits);
            said.iter()
                .take(2)
                .filter_map(|s| s.chars().next())
                .collect()
        };
        assert_eq!(marks(at(1, 0.5)), ['✓', '✓']);
        assert_eq!(marks(at(0, 0.4)), ['✗', '✗']);
    }

    #[test]
    fn what_is_no_number_is_within_no_limit() {
        let mut diff = sample();
        diff.outputs[0].max_abs_change = f64::NAN;
        diff.limits.tolerance = Some(1.0);
        assert_eq!(summary(&diff)[1].status, Status::Fails);
    }
}
