//! The tables of an intervention.

use crate::report::sheet::{Sheet, some, word};
use crate::result::{Intervention, Moved, MovedDecisions};

/// `outputs` (a row each), `edits` and, of a sweep, `sweep` (a row for each value).
pub fn sheets(result: &Intervention) -> Vec<Sheet> {
    let mut all = vec![outputs(result), edits(result)];
    all.extend(sweep(result));
    all
}

fn ends(interval: Option<[f64; 2]>) -> [String; 2] {
    [0, 1].map(|end| some(interval.map(|ends| ends[end])))
}

fn outputs(result: &Intervention) -> Sheet {
    let row = |moved: &crate::result::MovedOutput| {
        let [low, high] = ends(moved.interval);
        vec![
            word(&moved.output),
            word(&moved.name),
            moved.before.to_string(),
            moved.after.to_string(),
            moved.change.to_string(),
            low,
            high,
            moved.largest.to_string(),
        ]
    };
    Sheet {
        name: "outputs",
        columns: vec![
            "output", "name", "before", "after", "change", "low", "high", "largest",
        ],
        rows: result.outputs.iter().map(row).collect(),
    }
}

fn edits(result: &Intervention) -> Sheet {
    let list = |values: Vec<String>| values.join(" ");
    let row = |edit: &crate::result::EditMade| {
        let values = edit.values.iter().map(ToString::to_string).collect();
        let positions = edit.positions.iter().flatten();
        vec![
            word(&edit.at),
            word(edit.of.name()),
            word(edit.change.name()),
            list(values),
            some(edit.sample),
            some(edit.fill),
            list(positions.map(ToString::to_string).collect()),
        ]
    };
    Sheet {
        name: "edits",
        columns: vec![
            "at",
            "of",
            "change",
            "values",
            "sample",
            "fill",
            "positions",
        ],
        rows: result.edits.iter().map(row).collect(),
    }
}

fn sweep(result: &Intervention) -> Option<Sheet> {
    let swept = result.sweep.as_ref()?;
    let measured = |metric: &Moved, decisions: Option<&MovedDecisions>| {
        let [low, high] = ends(metric.interval);
        vec![
            metric.before.to_string(),
            metric.after.to_string(),
            metric.effect.to_string(),
            low,
            high,
            some(decisions.map(|decisions| decisions.changed)),
        ]
    };
    let row = |row: &crate::result::SweptRow| {
        let mut cells = vec![row.value.to_string()];
        cells.extend(measured(&row.metric, row.decisions.as_ref()));
        cells
    };
    Some(Sheet {
        name: "sweep",
        columns: vec![
            "value",
            "before",
            "after",
            "effect",
            "low",
            "high",
            "decisions_changed",
        ],
        rows: swept.rows.iter().map(row).collect(),
    })
}
