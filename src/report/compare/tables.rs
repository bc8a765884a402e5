//! A comparison as CSV, and as tables for a paper in Markdown and LaTeX.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::error::{ErrorKind, Result};
use crate::escape;
use crate::report::compare::shown::{Shown, shown};
use crate::report::format::{self, p_value};
use crate::report::sheet::{some, word};
use crate::report::sites::plain;
use crate::result::{Better, ComparedMeasure, Comparison, GroupSummary, RankedNetwork, Test};

/// A table of any columns.
struct Table {
    name: &'static str,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

fn table(name: &'static str, columns: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table {
        name,
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        rows,
    }
}

/// Writes every table that has rows.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub fn write(comparison: &Comparison, dir: &Path) -> Result<()> {
    let all = [
        networks(comparison),
        ranking(comparison),
        measures(comparison),
        tests(comparison),
        circuits(comparison),
        controls(comparison),
        hypotheses(comparison),
        fronts(comparison),
        overlap(comparison),
        universal(comparison),
    ];
    for table in all.iter().filter(|t| !t.rows.is_empty()) {
        let path = dir.join(format!("{}.csv", table.name));
        save(table, &path).map_err(|source| ErrorKind::Write { source }.at(path))?;
    }
    Ok(())
}

fn save(table: &Table, path: &Path) -> io::Result<()> {
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(&table.columns)?;
    for row in &table.rows {
        writer.write_record(row)?;
    }
    writer.flush()
}

/// The networks in their order.
fn ranking(comparison: &Comparison) -> Table {
    let ranking = comparison.ranking.iter();
    let criteria = ranking.clone().flat_map(|r| &r.criteria);
    let mut columns = vec!["network", "mean_rank", "on_front"];
    columns.extend(criteria.map(|by| by.criterion.name()));
    let row = |n: &RankedNetwork| {
        let mut row = vec![
            word(&n.name),
            n.mean_rank.to_string(),
            n.on_front.to_string(),
        ];
        row.extend(n.values.iter().map(|value| some(*value)));
        row
    };
    let rows = ranking.flat_map(|r| &r.networks).map(row);
    table("ranking", &columns, rows.collect())
}

/// One row per network, one column per measure.
fn networks(comparison: &Comparison) -> Table {
    let keys: Vec<&String> = comparison.measures.iter().map(|m| &m.info.key).collect();
    let mut columns = ["network", "regime", "seed", "sha256"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(keys.iter().map(|key| word(key)));
    let over_samples: BTreeSet<&String> = comparison
        .networks
        .iter()
        .flat_map(|n| n.intervals.keys())
        .collect();
    for key in &over_samples {
        columns.extend([format!("{}_low", word(key)), format!("{}_high", word(key))]);
    }
    let rows = comparison.networks.iter().map(|n| {
        let mut row = vec![word(&n.name), word(&n.group), some(n.seed), word(&n.sha256)];
        let value = |key: &&String| some(n.values.get(*key).copied().flatten());
        row.extend(keys.iter().map(value));
        for key in &over_samples {
            let interval = n.intervals.get(*key);
            row.extend([some(interval.map(|i| i[0])), some(interval.map(|i| i[1]))]);
        }
        row
    });
    Table {
        name: "networks",
        rows: rows.collect(),
        columns,
    }
}

fn measures(comparison: &Comparison) -> Table {
    let rows = comparison.measures.iter().flat_map(|m| {
        m.groups.iter().map(|g| {
            vec![
                word(&m.info.key),
                word(&m.info.title),
                word(&m.info.point),
                word(&g.group),
                g.networks.to_string(),
                some(g.mean),
                some(g.sd),
                some(g.interval.map(|i| i[0])),
                some(g.interval.map(|i| i[1])),
            ]
        })
    });
    let columns = [
        "measure", "title", "point", "regime", "networks", "mean", "sd", "low", "high",
    ];
    table("measures", &columns, rows.collect())
}

fn tests(comparison: &Comparison) -> Table {
    let reference = comparison.groups.first().map_or("", |g| g.name.as_str());
    let rows = comparison.measures.iter().flat_map(|m| {
        m.tests.iter().map(|t| {
            vec![
                word(&m.info.key),
                word(&m.info.point),
                word(reference),
                word(&t.other),
                t.paired.to_string(),
                t.networks.to_string(),
                some(t.difference),
                some(t.interval.map(|i| i[0])),
                some(t.interval.map(|i| i[1])),
                some(t.p),
                some(t.corrected),
                some(t.smallest),
                some(t.cohen_d),
                some(t.cliff_delta),
                t.no_test.as_deref().map_or_else(String::new, word),
            ]
        })
    });
    let columns = [
        "measure",
        "point",
        "reference",
        "other",
        "paired",
        "networks",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
        "smallest_p",
        "cohen_d",
        "cliff_delta",
        "no_test",
    ];
    table("tests", &columns, rows.collect())
}

fn circuits(comparison: &Comparison) -> Table {
    let rows = comparison.networks.iter().flat_map(|n| {
        n.circuits.iter().map(|c| {
            vec![
                word(&n.name),
                word(&c.output),
                word(&c.output_name),
                c.edges_kept.to_string(),
                some(c.faithfulness),
                some(c.interval.map(|i| i[0])),
                some(c.interval.map(|i| i[1])),
                some(c.gap),
                c.is_circuit.to_string(),
            ]
        })
    });
    let columns = [
        "network",
        "output",
        "name",
        "edges",
        "faithfulness",
        "low",
        "high",
        "relative_gap",
        "called_a_circuit",
    ];
    table("circuits", &columns, rows.collect())
}

fn controls(comparison: &Comparison) -> Table {
    let circuits = comparison
        .networks
        .iter()
        .flat_map(|n| n.circuits.iter().map(move |c| (n, c)));
    let rows = circuits.flat_map(|(n, c)| {
        c.controls.iter().map(move |k| {
            let errors: Vec<String> = k.errors.iter().map(|e| some(*e)).collect();
            let edges: Vec<String> = k.edges_needed.iter().map(|e| some(*e)).collect();
            vec![
                word(&n.name),
                word(&c.output),
                word(k.name.name()),
                errors.join(" "),
                edges.join(" "),
                some(k.p),
                some(k.beaten),
            ]
        })
    });
    let columns = [
        "network",
        "output",
        "control",
        "errors",
        "edges_needed",
        "p",
        "beaten",
    ];
    table("controls", &columns, rows.collect())
}

fn hypotheses(comparison: &Comparison) -> Table {
    let circuits = comparison
        .networks
        .iter()
        .flat_map(|n| n.circuits.iter().map(move |c| (n, c)));
    let number = |x: f64| some(Some(x).filter(|x| x.is_finite()));
    let rows = circuits.flat_map(|(n, c)| {
        c.hypotheses.iter().map(move |h| {
            vec![
                word(&n.name),
                word(&c.output),
                word(h.name.name()),
                number(h.statistic),
                number(h.p),
                some(h.stands),
            ]
        })
    });
    let columns = ["network", "output", "test", "statistic", "p", "stands"];
    table("hypotheses", &columns, rows.collect())
}

fn fronts(comparison: &Comparison) -> Table {
    let rows = comparison.networks.iter().flat_map(|n| {
        n.front.iter().map(|p| {
            vec![
                word(&n.name),
                word(&n.group),
                p.edges.to_string(),
                p.kept.to_string(),
                some(p.gap),
                some(p.faithfulness),
            ]
        })
    });
    let columns = [
        "network",
        "regime",
        "edges",
        "kept",
        "relative_gap",
        "faithfulness",
    ];
    table("fronts", &columns, rows.collect())
}

fn overlap(comparison: &Comparison) -> Table {
    let pairs = comparison.overlap.iter().flat_map(|o| &o.pairs);
    let rows = pairs.map(|p| {
        vec![
            word(&p.one),
            word(&p.other),
            some(p.correlation),
            some(p.edges),
            some(p.edges_by_chance),
            some(p.nodes),
            some(p.nodes_by_chance),
        ]
    });
    let columns = [
        "one",
        "other",
        "correlation",
        "edges",
        "edges_by_chance",
        "nodes",
        "nodes_by_chance",
    ];
    table("overlap", &columns, rows.collect())
}

fn universal(comparison: &Comparison) -> Table {
    let groups = comparison.overlap.iter().flat_map(|o| &o.groups);
    let rows = groups.flat_map(|g| {
        g.universal.iter().map(|u| {
            vec![
                word(&g.group),
                word(&u.network),
                u.live.to_string(),
                u.universal.len().to_string(),
                word(&u.universal.join(" ")),
            ]
        })
    });
    let columns = ["regime", "network", "live", "universal", "neurons"];
    table("universal", &columns, rows.collect())
}

/// A regime's mean and the half width of its interval.
#[must_use]
pub fn mean_words(group: &GroupSummary) -> String {
    let Some(mean) = group.mean else {
        return "–".to_owned();
    };
    match group.interval {
        Some([low, high]) if high > low => format!(
            "{} ± {}",
            format::significant(mean, 3),
            format::significant((high - low) / 2.0, 2)
        ),
        _ => format::significant(mean, 3),
    }
}

/// The mark of a test: ▲ the reference is better, ▼ the other is; nothing otherwise.
#[must_use]
pub fn mark(better: Better, test: &Test, level: f64) -> &'static str {
    match shown(better, test, level) {
        Shown::Better => " ▲",
        Shown::Worse => " ▼",
        _ => "",
    }
}

/// The row of one measure, with the marks of the tests of the others.
fn cells(measure: &ComparedMeasure, level: f64) -> Vec<String> {
    let of = |(place, group): (usize, &GroupSummary)| {
        let test = place.checked_sub(1).and_then(|t| measure.tests.get(t));
        let mark = test.map_or("", |t| mark(measure.info.better, t, level));
        format!("{}{mark}", mean_words(group))
    };
    measure.groups.iter().enumerate().map(of).collect()
}

fn arrow(better: Better) -> &'static str {
    match better {
        Better::Lower => "↓",
        Better::Higher => "↑",
        Better::Neither => "",
    }
}

/// What the marks mean, in a sentence.
fn legend(comparison: &Comparison) -> String {
    let reference = comparison.groups.first().map_or("", |g| g.name.as_str());
    format!(
        "Means over seeds ± half the 95 % interval (Student's t). ▲: {reference} is better than \
         this regime, ▼: worse (permutation test, Holm within each row, p ≤ {}). ↓ lower is \
         better, ↑ higher is.",
        comparison.settings.level
    )
}

/// All measures as a Markdown table.
#[must_use]
pub fn markdown(comparison: &Comparison) -> String {
    let cell = escape::markdown;
    let names: Vec<String> = comparison.groups.iter().map(|g| cell(&g.name)).collect();
    let mut text = format!("| measure | at | {} |\n", names.join(" | "));
    text += &format!("|---|---|{}\n", "---:|".repeat(names.len()));
    for m in &comparison.measures {
        let values = cells(m, comparison.settings.level).join(" | ");
        text += &format!(
            "| {} {} | {} | {values} |\n",
            cell(&m.info.title),
            arrow(m.info.better),
            cell(&m.info.point)
        );
    }
    format!("{text}\n{}\n", escape::markdown(&legend(comparison)))
}

/// All measures as a LaTeX table, for `booktabs`.
#[must_use]
pub fn latex(comparison: &Comparison) -> String {
    let names: Vec<String> = comparison
        .groups
        .iter()
        .map(|g| escape::latex(&g.name))
        .collect();
    let mut text = format!(
        "% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{ll{}}}\n\\toprule\nmeasure & at & {} \\\\\n\\midrule\n",
        "r".repeat(names.len()),
        names.join(" & ")
    );
    for m in &comparison.measures {
        let values: Vec<String> = cells(m, comparison.settings.level)
            .iter()
            .map(|c| escape::latex(c))
            .collect();
        text += &format!(
            "{} {} & {} & {} \\\\\n",
            escape::latex(&m.info.title),
            escape::latex(arrow(m.info.better)),
            escape::latex(&m.info.point),
            values.join(" & ")
        );
    }
    format!(
        "{text}\\bottomrule\n\\end{{tabular}}\n% {}\n",
        escape::latex(&legend(comparison))
    )
}

/// A test in words: the difference, its interval and its p-value.
#[must_use]
pub fn test_words(test: &Test) -> String {
    if let Some(why) = &test.no_test {
        return plain(why);
    }
    let short = |x: f64| format::significant(x, 2);
    let interval = test.interval.map_or_else(String::new, |[l, h]| {
        format!(" [{}, {}]", short(l), short(h))
    });
    let p = test
        .corrected
        .map_or_else(String::new, |p| format!(", {}", p_value(p)));
    let difference = test.difference.map_or_else(|| "–".to_owned(), short);
    format!("{difference}{interval}{p}")
}
