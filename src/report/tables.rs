//! Results as CSV: one file per table, every row, full precision.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::error::{ErrorKind, Result};
pub use crate::report::sheet::{Rows, Sheet};
use crate::report::sheet::{some, word};
use crate::report::sites::{Place, Sites};
use crate::result::{Audit, Circuit, Extreme, Extremes, Modules};

/// Writes every table that the result has rows for.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub fn write(audit: &Audit, dir: &Path) -> Result<()> {
    let all = sheets(audit);
    crate::report::latex::write(&all, dir)?;
    save_all(&all, dir)
}

/// Writes tables as `NAME.csv`.
///
/// # Errors
/// [`ErrorKind::Write`] with the file that could not be written.
pub(in crate::report) fn save_all(sheets: &[Sheet], dir: &Path) -> Result<()> {
    for sheet in sheets {
        let path = dir.join(format!("{}.csv", sheet.name));
        save(sheet, &path).map_err(|source| ErrorKind::Write { source }.at(path))?;
    }
    Ok(())
}

fn save(sheet: &Sheet, path: &Path) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(io::BufWriter::new(File::create(path)?));
    writer.write_record(&sheet.columns)?;
    for row in sheet.rows.iter() {
        writer.write_record(row)?;
    }
    writer.flush()
}

/// Every table of a result that has rows.
#[must_use]
pub fn sheets(audit: &Audit) -> Vec<Sheet> {
    let mut all = vec![
        sites(audit),
        edges(audit),
        tensors(audit),
        findings(audit),
        ablation(audit),
        prompts(audit),
        samples(audit),
        crate::report::subgroups::sheet(audit),
    ];
    if audit.prune.is_some() {
        all.extend([curve(audit), outputs(audit), layers(audit)]);
        all.extend([certificate(audit), attribution(audit)]);
        all.push(crate::report::pruning::needed::sheet(audit));
        all.push(crate::report::pruning::apart::sheet(audit));
    }
    if let Some(modules) = &audit.modules {
        all.extend([
            partition(modules),
            lesions(modules),
            splits(modules),
            bridges(modules),
            null(modules),
        ]);
        all.extend(crate::report::modules::tables::sheets(modules));
    }
    all.extend([
        circuits(audit),
        circuit_edges(audit),
        sweeps(audit),
        roc(audit),
    ]);
    all.retain(|sheet| !sheet.rows.is_empty());
    all
}

fn sites(audit: &Audit) -> Sheet {
    let row = |layer: &str, s: &crate::result::Site| {
        vec![
            word(layer),
            word(&s.site),
            word(&s.name),
            s.x.to_string(),
            s.y.to_string(),
            some(s.bias),
            some(s.mean),
            some(s.sd),
        ]
    };
    let layers = audit.network.layers.iter();
    Sheet {
        name: "sites",
        columns: vec![
            "layer",
            "site",
            "name",
            "x",
            "y",
            "bias",
            "activation_mean",
            "activation_sd",
        ],
        rows: layers
            .flat_map(|l| l.sites.iter().map(move |s| row(&l.name, s)))
            .collect(),
    }
}

fn edges(audit: &Audit) -> Sheet {
    let index = Sites::new(&audit.network);
    let threshold = crate::report::network::figure::drawn_threshold(audit);
    let name = |place: Place| index.at(place).map_or_else(String::new, |s| word(&s.site));
    let row = |w: crate::report::sites::Wire| {
        vec![
            name(w.from),
            name(w.to),
            w.weight.to_string(),
            (w.weight.abs() >= threshold).to_string(),
        ]
    };
    Sheet {
        name: "edges",
        columns: vec!["from", "to", "weight", "kept"],
        rows: index.wires().map(row).collect(),
    }
}

/// Tokens are joined as they follow one another.
fn prompts(audit: &Audit) -> Sheet {
    let row = |prompt: &crate::result::Prompt| {
        vec![
            word(&prompt.clean.concat()),
            word(&prompt.corrupted.concat()),
            word(&prompt.answer),
            word(&prompt.foil),
            prompt.clean.len().to_string(),
        ]
    };
    Sheet {
        name: "prompts",
        columns: vec!["clean", "corrupted", "answer", "foil", "tokens"],
        rows: audit.prompts.iter().map(row).collect(),
    }
}

/// The samples at either end of every site; ranks from 1.
fn samples(audit: &Audit) -> Sheet {
    let row = |site: &str, end: &str, rank: usize, e: &Extreme| {
        vec![
            word(site),
            end.to_owned(),
            (rank + 1).to_string(),
            e.sample.to_string(),
            some(e.position),
            e.value.to_string(),
        ]
    };
    let rows = |ends: &Extremes| {
        let both = [("largest", &ends.largest), ("smallest", &ends.smallest)];
        let rows = both.map(|(end, list)| {
            let ranked = list.iter().enumerate();
            let rows = ranked.map(|(rank, extreme)| row(&ends.site, end, rank, extreme));
            rows.collect::<Vec<_>>()
        });
        rows.concat()
    };
    let strongest = audit.strongest.iter();
    Sheet {
        name: "samples",
        columns: vec!["site", "end", "rank", "sample", "position", "value"],
        rows: strongest.flat_map(|s| &s.sites).flat_map(rows).collect(),
    }
}

fn tensors(audit: &Audit) -> Sheet {
    let shape = |shape: &[usize]| {
        shape
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join("×")
    };
    let row = |t: &crate::result::TensorInfo| {
        vec![
            word(&t.name),
            word(&t.dtype),
            shape(&t.shape),
            word(&t.role),
        ]
    };
    Sheet {
        name: "tensors",
        columns: vec!["tensor", "dtype", "shape", "role"],
        rows: audit.checkpoint.tensors.used.iter().map(row).collect(),
    }
}

fn findings(audit: &Audit) -> Sheet {
    let row = |f: &crate::result::Finding| {
        vec![
            word(f.status.words()),
            word(&f.kind),
            word(&f.subjects.join(" ")),
            word(&f.text),
        ]
    };
    Sheet {
        name: "findings",
        columns: vec!["status", "kind", "subjects", "text"],
        rows: audit.findings.iter().map(row).collect(),
    }
}

fn ablation(audit: &Audit) -> Sheet {
    let rows = audit.nodes.iter().flat_map(|ablation| {
        ablation.effects.iter().flat_map(move |effect| {
            effect.outputs.iter().map(move |output| {
                vec![
                    word(ablation.fill.name()),
                    ablation.metric.map_or_else(String::new, |m| word(m.name())),
                    word(&effect.site),
                    word(&output.output),
                    output.effect.to_string(),
                ]
            })
        })
    });
    Sheet {
        name: "ablation",
        columns: vec!["fill", "metric", "site", "output", "effect"],
        rows: rows.collect(),
    }
}

fn curve(audit: &Audit) -> Sheet {
    let row = |p: &crate::result::CurvePoint| {
        vec![
            p.threshold.to_string(),
            p.edges_kept.to_string(),
            p.max_abs_change.to_string(),
            p.change_over_tolerance.to_string(),
            some(p.loss),
            some(p.bound),
        ]
    };
    Sheet {
        name: "curve",
        columns: vec![
            "threshold",
            "edges_kept",
            "max_abs_change",
            "change_over_tolerance",
            "loss",
            "bound",
        ],
        rows: audit.prune.iter().flat_map(|p| &p.curve).map(row).collect(),
    }
}

fn certificate(audit: &Audit) -> Sheet {
    let row = |o: &crate::result::OutputBound| {
        let at: Vec<String> = o.at.iter().map(ToString::to_string).collect();
        vec![
            word(&o.output),
            o.tolerance.to_string(),
            o.found.to_string(),
            o.bound.to_string(),
            at.join(" "),
        ]
    };
    let certificates = audit.prune.iter().flat_map(|p| &p.certificate);
    Sheet {
        name: "certificate",
        columns: vec!["output", "tolerance", "found", "bound", "at"],
        rows: certificates.flat_map(|c| &c.outputs).map(row).collect(),
    }
}

fn attribution(audit: &Audit) -> Sheet {
    let row = |s: &crate::result::WeightShare| {
        vec![
            word(&s.output),
            word(&s.from),
            word(&s.to),
            s.weight.to_string(),
            s.change.to_string(),
        ]
    };
    let certificates = audit.prune.iter().flat_map(|p| &p.certificate);
    Sheet {
        name: "attribution",
        columns: vec!["output", "from", "to", "weight", "change"],
        rows: certificates.flat_map(|c| &c.attribution).map(row).collect(),
    }
}

fn outputs(audit: &Audit) -> Sheet {
    let row = |o: &crate::result::OutputChange| {
        vec![
            word(&o.output),
            word(&o.name),
            o.sd.to_string(),
            o.tolerance.to_string(),
            o.max_abs_change.to_string(),
        ]
    };
    Sheet {
        name: "outputs",
        columns: vec!["output", "name", "sd", "tolerance", "max_abs_change"],
        rows: audit
            .prune
            .iter()
            .flat_map(|p| &p.outputs)
            .map(row)
            .collect(),
    }
}

fn layers(audit: &Audit) -> Sheet {
    let row = |l: &crate::result::LayerCount| {
        vec![
            word(&l.tensor),
            l.edges_total.to_string(),
            l.edges_kept.to_string(),
        ]
    };
    Sheet {
        name: "layers",
        columns: vec!["tensor", "edges_total", "edges_kept"],
        rows: audit
            .prune
            .iter()
            .flat_map(|p| &p.layers)
            .map(row)
            .collect(),
    }
}

fn partition(modules: &Modules) -> Sheet {
    let row = |scope: &str, a: &crate::result::Assignment| {
        vec![scope.to_owned(), word(&a.site), a.module.to_string()]
    };
    let whole = modules.partition.iter().map(|a| row("all", a));
    let inner = modules
        .without_outputs
        .iter()
        .flat_map(|p| &p.partition)
        .map(|a| row("without-outputs", a));
    Sheet {
        name: "modules",
        columns: vec!["scope", "site", "module"],
        rows: whole.chain(inner).collect(),
    }
}

fn lesions(modules: &Modules) -> Sheet {
    let row = |l: &crate::result::Lesion| {
        let numbers = [
            l.effect,
            l.metric_full,
            l.metric_lesioned,
            l.metric_alone,
            l.random_mean,
            l.random_sd,
            l.p,
            l.p_holm.unwrap_or(f64::NAN),
        ];
        let words = [
            word(l.scope.name()),
            l.module.to_string(),
            word(l.fill.name()),
            word(&l.metric),
        ];
        let tail = [l.samples.to_string()];
        words
            .into_iter()
            .chain(numbers.map(|n| n.to_string()))
            .chain(tail)
            .collect()
    };
    Sheet {
        name: "lesions",
        columns: vec![
            "scope",
            "module",
            "fill",
            "metric",
            "effect",
            "metric_full",
            "metric_lesioned",
            "metric_alone",
            "random_mean",
            "random_sd",
            "p",
            "p_holm",
            "random_sets",
        ],
        rows: modules.lesions.iter().map(row).collect(),
    }
}

fn splits(modules: &Modules) -> Sheet {
    let rows = modules.independence.splits.iter().flat_map(|split| {
        split.components.iter().enumerate().map(move |(k, part)| {
            vec![
                split.threshold.to_string(),
                split.edges_kept.to_string(),
                split.max_abs_change.to_string(),
                split.change_over_tolerance.to_string(),
                some(split.loss),
                split.verified.to_string(),
                k.to_string(),
                word(&part.inputs.join(" ")),
                word(&part.hidden.join(" ")),
                word(&part.outputs.join(" ")),
                part.edges.to_string(),
            ]
        })
    });
    Sheet {
        name: "splits",
        columns: vec![
            "threshold",
            "edges_kept",
            "max_abs_change",
            "change_over_tolerance",
            "loss",
            "verified",
            "part",
            "inputs",
            "hidden",
            "outputs",
            "edges",
        ],
        rows: rows.collect(),
    }
}

fn bridges(modules: &Modules) -> Sheet {
    let rows = modules.independence.splits.iter().flat_map(|split| {
        split.bridges.iter().map(|b| {
            vec![
                split.threshold.to_string(),
                word(&b.from),
                word(&b.to),
                b.weight.to_string(),
            ]
        })
    });
    Sheet {
        name: "bridges",
        columns: vec!["threshold", "from", "to", "weight"],
        rows: rows.collect(),
    }
}

fn null(modules: &Modules) -> Sheet {
    let rows = modules.null.iter().flat_map(|n| {
        n.draws
            .iter()
            .map(|q| vec![word(n.model.name()), q.to_string()])
    });
    Sheet {
        name: "null",
        columns: vec!["model", "modularity"],
        rows: rows.collect(),
    }
}

/// A column: its name and what stands in it.
type Column = (&'static str, fn(&Circuit) -> String);

/// The columns of the circuits' sheet.
const CIRCUIT: [Column; 32] = [
    ("output", |c| word(&c.output)),
    ("output_name", |c| word(&c.output_name)),
    ("method", |c| word(c.method.name())),
    ("fill", |c| word(c.fill.name())),
    ("metric", |c| word(c.metric.name())),
    ("direction", |c| word(c.direction.name())),
    ("sign", |c| word(c.sign.name())),
    ("selection", |c| word(&c.selection)),
    ("parameter", |c| c.parameter.to_string()),
    ("samples", |c| c.samples.to_string()),
    ("edges_total", |c| c.edges_total.to_string()),
    ("edges_kept", |c| c.edges_kept.to_string()),
    ("sparsity", |c| c.sparsity.to_string()),
    ("metric_full", |c| c.metric_full.to_string()),
    ("metric_circuit", |c| c.metric_circuit.to_string()),
    ("metric_corrupted", |c| c.metric_corrupted.to_string()),
    ("logit_difference_full", |c| {
        some(c.logit_difference.as_ref().map(|l| l.full))
    }),
    ("logit_difference_circuit", |c| {
        some(c.logit_difference.as_ref().map(|l| l.circuit))
    }),
    ("logit_difference_gap", |c| {
        some(c.logit_difference.as_ref().map(|l| l.gap))
    }),
    ("faithfulness", |c| some(c.faithfulness)),
    ("interval_low", |c| some(c.interval.map(|i| i[0]))),
    ("interval_high", |c| some(c.interval.map(|i| i[1]))),
    ("completeness", |c| some(c.completeness)),
    ("minimality", |c| some(c.minimality)),
    ("level", |c| word(c.level.name())),
    ("cpr", |c| some(c.curve.as_ref().map(|curve| curve.cpr))),
    ("cmd", |c| some(c.curve.as_ref().map(|curve| curve.cmd))),
    ("known_precision", |c| {
        some(c.recovery.as_ref().map(|known| known.precision))
    }),
    ("known_recall", |c| {
        some(c.recovery.as_ref().map(|known| known.recall))
    }),
    ("roc_area", |c| {
        some(c.recovery.as_ref().and_then(|known| known.roc_area))
    }),
    ("evaluations", |c| c.evaluations.to_string()),
    ("seconds", |c| c.seconds.to_string()),
];

fn circuits(audit: &Audit) -> Sheet {
    let row = |c: &Circuit| CIRCUIT.iter().map(|(_, of)| of(c)).collect();
    Sheet {
        name: "circuits",
        columns: CIRCUIT.iter().map(|(name, _)| *name).collect(),
        rows: audit.circuits.iter().map(row).collect(),
    }
}

/// The corners of every curve against a known circuit.
fn roc(audit: &Audit) -> Sheet {
    let rows = audit.circuits.iter().flat_map(|c| {
        let corners = c.recovery.iter().flat_map(|known| &known.roc);
        corners.map(|[others, known]| {
            let (output, method) = (word(&c.output), word(c.method.name()));
            vec![output, method, others.to_string(), known.to_string()]
        })
    });
    Sheet {
        name: "roc",
        columns: vec!["output", "method", "share_of_others", "share_of_known"],
        rows: rows.collect(),
    }
}

fn circuit_edges(audit: &Audit) -> Sheet {
    let index = Sites::new(&audit.network);
    let weight = |from: &str, to: &str| index.weight(index.place(from)?, index.place(to)?);
    let rows = audit.circuits.iter().flat_map(|c| {
        c.edges.iter().map(move |e| {
            vec![
                word(&c.output),
                word(c.method.name()),
                word(&e.from),
                word(&e.to),
                some(weight(&e.from, &e.to)),
                e.effect.to_string(),
            ]
        })
    });
    Sheet {
        name: "circuit-edges",
        columns: vec!["output", "method", "from", "to", "weight", "effect"],
        rows: rows.collect(),
    }
}

fn sweeps(audit: &Audit) -> Sheet {
    let rows = audit.circuits.iter().flat_map(|c| {
        c.sweep.iter().map(|s| {
            vec![
                word(&c.output),
                word(c.method.name()),
                s.parameter.to_string(),
                s.edges_kept.to_string(),
                s.metric.to_string(),
                some(s.faithfulness),
            ]
        })
    });
    Sheet {
        name: "sweeps",
        columns: vec![
            "output",
            "method",
            "parameter",
            "edges_kept",
            "metric",
            "faithfulness",
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_row_has_every_column() {
        let all = sheets(&sample::thorough());
        assert!(all.len() >= 12, "{}", all.len());
        for sheet in all {
            assert!(
                sheet
                    .rows
                    .iter()
                    .all(|row| row.len() == sheet.columns.len()),
                "{}",
                sheet.name
            );
        }
    }

    #[test]
    fn numbers_keep_their_bits() {
        let sheet = edges(&sample::audit());
        let weight: f64 = sheet.rows.iter().next().expect("a row")[2]
            .parse()
            .expect("a number");
        assert_eq!(Some(weight), sample::audit().network.weights[0][0]);
    }
}
