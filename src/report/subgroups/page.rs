//! The table of subgroups, in the page and as a file.

use super::words::name;
use crate::report::format::measured;
use crate::report::page::blocks::{Block, Cell, Section, Table, numbers, words};
use crate::report::sheet::{Sheet, some, word};
use crate::report::sites::clean;
use crate::result::{Audit, Subgroup, Subgroups};

/// The evidence; nothing where no column parts the samples.
pub(in crate::report) fn section(audit: &Audit) -> Section {
    Section {
        id: "subgroups",
        title: "Subgroups",
        blocks: table(audit, "subgroups").into_iter().collect(),
    }
}

/// One row per subgroup; `csv` is the file beside the page that has it too, if any.
pub(in crate::report) fn table(audit: &Audit, csv: &'static str) -> Option<Block> {
    let all = audit.subgroups.as_ref()?;
    let metric = all.metric.map_or("Metric", |metric| metric.name());
    let columns = vec![
        words(&clean(&all.column)),
        numbers("Samples"),
        numbers(&format!("{metric}, whole network")),
        numbers("Pruned"),
        numbers("Decisions changed"),
        numbers("Largest change of an output"),
    ];
    let rows = all.groups.iter().map(|group| row(all, group)).collect();
    let caption = format!(
        "Subgroups by {}: the task of these samples alone, and what pruning changes there",
        clean(&all.column)
    );
    Some(Block::Table(
        Table::whole(caption, csv, columns, rows).open(),
    ))
}

fn row(all: &Subgroups, group: &Subgroup) -> Vec<Cell> {
    let metric = |number: Option<f64>| match (all.metric, number) {
        (Some(metric), Some(number)) => Cell::shown(measured(metric, number), number),
        (None, _) | (_, None) => Cell::optional(number),
    };
    vec![
        Cell::word(name(group)),
        Cell::count(group.samples),
        metric(group.metric_full),
        metric(group.metric_pruned),
        match group.decisions_changed {
            Some(changed) => Cell::count(changed),
            None => Cell::optional(None),
        },
        Cell::optional(group.max_abs_change),
    ]
}

/// The same as a file.
pub(in crate::report) fn sheet(audit: &Audit) -> Sheet {
    let groups = audit.subgroups.iter().flat_map(|all| &all.groups);
    let row = |group: &Subgroup| {
        vec![
            word(&group.value),
            group.samples.to_string(),
            some(group.metric_full),
            some(group.metric_pruned),
            some(group.decisions_changed),
            some(group.max_abs_change),
        ]
    };
    Sheet {
        name: "subgroups",
        columns: vec![
            "value",
            "samples",
            "metric_full",
            "metric_pruned",
            "decisions_changed",
            "max_abs_change",
        ],
        rows: groups.map(row).collect(),
    }
}
