//! What changed as CSV files.

use crate::report::sheet::{Sheet, some, word};
use crate::result::{ChangedEdges, Diff};

/// One file per kind of change.
pub(in crate::report) fn sheets(diff: &Diff) -> Vec<Sheet> {
    vec![
        decisions(diff),
        outputs(diff),
        tensors(diff),
        pruned(diff),
        circuits(diff),
    ]
}

fn decisions(diff: &Diff) -> Sheet {
    let changed = diff.decisions.iter().flat_map(|d| &d.changed);
    let row = |c: &crate::result::ChangedDecision| {
        vec![
            c.sample.to_string(),
            word(&c.label),
            word(&c.old),
            word(&c.new),
        ]
    };
    Sheet {
        name: "decisions",
        columns: vec!["sample", "label", "old", "new"],
        rows: changed.map(row).collect(),
    }
}

fn outputs(diff: &Diff) -> Sheet {
    let row = |o: &crate::result::ChangedOutput| {
        vec![
            o.output.to_string(),
            word(&o.name),
            o.max_abs_change.to_string(),
            o.sample.to_string(),
            o.mean_abs_change.to_string(),
            o.sd.to_string(),
        ]
    };
    Sheet {
        name: "outputs",
        columns: vec![
            "output",
            "name",
            "max_abs_change",
            "sample",
            "mean_abs_change",
            "sd",
        ],
        rows: diff.outputs.iter().map(row).collect(),
    }
}

fn tensors(diff: &Diff) -> Sheet {
    let row = |t: &crate::result::ChangedTensor| {
        vec![
            word(&t.tensor),
            some(t.changed),
            some(t.max_abs_change),
            some(t.relative_change),
        ]
    };
    Sheet {
        name: "tensors",
        columns: vec!["tensor", "changed", "max_abs_change", "relative_change"],
        rows: diff.tensors.iter().map(row).collect(),
    }
}

/// The edges of one version alone, with what names the set before them.
fn edges(of: &[String], edges: &ChangedEdges) -> Vec<Vec<String>> {
    let all = |list: &[[String; 2]], what: &str| -> Vec<Vec<String>> {
        let row = |[from, to]: &[String; 2]| {
            let mut row = of.to_vec();
            row.extend([what.to_owned(), word(from), word(to)]);
            row
        };
        list.iter().map(row).collect()
    };
    [all(&edges.gained, "gained"), all(&edges.lost, "lost")].concat()
}

fn pruned(diff: &Diff) -> Sheet {
    Sheet {
        name: "pruned",
        columns: vec!["change", "from", "to"],
        rows: diff
            .pruned
            .iter()
            .flat_map(|p| edges(&[], &p.edges))
            .collect(),
    }
}

fn circuits(diff: &Diff) -> Sheet {
    let rows = diff.circuits.iter().flat_map(|c| {
        let of = [word(&c.output), c.method.name().to_owned()];
        edges(&of, &c.edges)
    });
    Sheet {
        name: "circuits",
        columns: vec!["output", "method", "change", "from", "to"],
        rows: rows.collect(),
    }
}
