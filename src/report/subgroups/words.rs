//! Where the network is better or worse, and where pruning changes decisions.

use crate::choice::Direction;
use crate::report::english::{counted, plural};
use crate::report::format::{count, measured};
use crate::report::sites::clean;
use crate::result::{Audit, Sentence, Status, Subgroup, Subgroups};

/// One sentence on the best and the worst subgroup, and one on what pruning changed.
pub(in crate::report) fn sentences(audit: &Audit) -> Vec<Sentence> {
    let Some(all) = &audit.subgroups else {
        return Vec::new();
    };
    let said =
        |text: String| Sentence::new("Subgroups", Status::Note, text).from(["/subgroups/groups"]);
    [spread(all), changed(all)]
        .into_iter()
        .flatten()
        .map(said)
        .collect()
}

/// The name of a subgroup.
pub(super) fn name(group: &Subgroup) -> String {
    match group.value.is_empty() {
        true => "(no value)".to_owned(),
        false => clean(&group.value),
    }
}

fn spread(all: &Subgroups) -> Option<String> {
    let metric = all.metric?;
    let column = clean(&all.column);
    let known = |g: &&Subgroup| g.metric_full.is_some_and(f64::is_finite);
    let mut groups: Vec<&Subgroup> = all.groups.iter().filter(known).collect();
    groups.sort_by(|a, b| {
        a.metric_full
            .unwrap_or(0.0)
            .total_cmp(&b.metric_full.unwrap_or(0.0))
    });
    if metric.direction() == Direction::LowerIsBetter {
        groups.reverse();
    }
    let (worst, best) = (groups.first()?, groups.last()?);
    let of = |group: &Subgroup| {
        format!(
            "{} for {} ({})",
            measured(metric, group.metric_full.unwrap_or(f64::NAN)),
            name(group),
            counted(group.samples, "sample", "samples")
        )
    };
    let said = metric.in_words();
    Some(match groups.len() {
        1 => format!(
            "All samples have one value of {column}; {said} is {}.",
            of(worst)
        ),
        n => format!(
            "By {column} ({} subgroups), the {said} of the network as it is goes from {} to {}; \
             whether that is more than chance was not tested.",
            count(n),
            of(worst),
            of(best)
        ),
    })
}

fn changed(all: &Subgroups) -> Option<String> {
    let column = clean(&all.column);
    let numbers = all.groups.iter().map(|g| g.decisions_changed);
    let total: usize = numbers.collect::<Option<Vec<usize>>>()?.into_iter().sum();
    if total == 0 {
        return Some(format!(
            "Pruning changes no decision in any subgroup by {column}."
        ));
    }
    let some = all.groups.iter().filter(|g| g.decisions_changed != Some(0));
    let each = some.map(|g| {
        let changed = g.decisions_changed.unwrap_or(0);
        format!("{} of {} for {}", count(changed), count(g.samples), name(g))
    });
    Some(format!(
        "Pruning changes {} {}, by {column}: {}.",
        count(total),
        plural(total, "decision", "decisions"),
        each.collect::<Vec<_>>().join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::MetricKind;
    use crate::report::sample;

    fn group(value: &str, samples: usize, accuracy: f64, changed: usize) -> Subgroup {
        Subgroup {
            value: value.to_owned(),
            samples,
            metric_full: Some(accuracy),
            metric_pruned: Some(accuracy),
            decisions_changed: Some(changed),
            max_abs_change: Some(0.1),
        }
    }

    fn said(groups: Vec<Subgroup>, metric: MetricKind) -> Vec<String> {
        let mut audit = sample::audit();
        audit.subgroups = Some(Subgroups {
            column: "site".to_owned(),
            metric: Some(metric),
            groups,
        });
        sentences(&audit).into_iter().map(|s| s.sentence).collect()
    }

    #[test]
    fn the_worst_and_the_best_are_named_with_their_numbers() {
        let groups = vec![group("a", 60, 0.97, 0), group("b", 1, 0.5, 1)];
        assert_eq!(
            said(groups.clone(), MetricKind::Accuracy),
            [
                "By site (2 subgroups), the accuracy of the network as it is goes from 50 % for b (1 sample) to 97 % for a (60 samples); whether that is more than chance was not tested.",
                "Pruning changes 1 decision, by site: 1 of 1 for b.",
            ]
        );
        // Of an error the largest is the worst.
        let first = &said(groups, MetricKind::Mse)[0];
        assert!(first.contains("goes from 0.97 for a"), "{first}");
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let mut unknown = group("", 3, f64::NAN, 0);
        (unknown.metric_full, unknown.decisions_changed) = (None, None);
        assert!(said(vec![unknown], MetricKind::Accuracy).is_empty());
        let whole = said(vec![group("", 3, 1.0, 0)], MetricKind::Accuracy);
        assert_eq!(
            whole,
            [
                "All samples have one value of site; accuracy is 100 % for (no value) (3 samples).",
                "Pruning changes no decision in any subgroup by site.",
            ]
        );
    }
}
