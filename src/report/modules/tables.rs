//! The tables of modules beyond the partition: quality, resolution, subsets, circuits.

use crate::report::sheet::{Sheet, some, word};
use crate::result::Modules;

pub(in crate::report) fn sheets(modules: &Modules) -> Vec<Sheet> {
    vec![
        headline(modules),
        measures(modules),
        selectivity(modules),
        conductance(modules),
        along_threshold(modules),
        resamples(modules),
        placement(modules),
        scan(modules),
        plateaus(modules),
        hierarchy(modules),
        blocks(modules),
        motifs(modules),
        transplants(modules),
        exchange(modules),
        relocation(modules),
        shares(modules),
        subsets(modules),
        margins(modules),
        needs(modules),
        agreement(modules),
        formulas(modules),
        additions(modules),
        embeddings(modules),
        signs(modules),
        representations(modules),
        polysemanticity(modules),
    ]
}

fn sheet(
    name: &'static str,
    columns: &[&'static str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Sheet {
    Sheet {
        name,
        columns: columns.to_vec(),
        rows: rows.collect(),
    }
}

fn headline(modules: &Modules) -> Sheet {
    let rows = modules.headline.iter().map(|test| {
        vec![
            word(test.measure.name()),
            word(test.null.name()),
            test.observed.to_string(),
            test.mean.to_string(),
            test.sd.to_string(),
            test.samples.to_string(),
            test.p.to_string(),
            some(test.power),
        ]
    });
    let columns = [
        "measure", "null", "observed", "mean", "sd", "samples", "p", "power",
    ];
    sheet("headline", &columns, rows)
}

fn selectivity(modules: &Modules) -> Sheet {
    let rows = modules.selectivity.iter().flat_map(|s| {
        s.outputs.iter().zip(&s.effects).map(|(output, effect)| {
            vec![
                s.module.to_string(),
                word(s.scope.name()),
                word(s.fill.name()),
                word(s.metric.name()),
                word(output),
                effect.to_string(),
                (*output == s.output).to_string(),
                s.lead.to_string(),
                s.p.to_string(),
                s.p_holm.to_string(),
            ]
        })
    });
    let columns = [
        "module", "scope", "fill", "metric", "output", "effect", "most", "lead", "p", "p_holm",
    ];
    sheet("selectivity", &columns, rows)
}

fn measures(modules: &Modules) -> Sheet {
    let rows = modules.measures.iter().flat_map(|m| {
        m.nulls.iter().map(|null| {
            vec![
                word(m.name.name()),
                m.value.to_string(),
                m.higher_is_better.to_string(),
                word(null.model.name()),
                null.samples.to_string(),
                null.mean.to_string(),
                null.sd.to_string(),
                some(null.z),
                null.p.to_string(),
                some(null.p_holm),
            ]
        })
    });
    let columns = [
        "measure",
        "value",
        "higher_is_better",
        "null",
        "samples",
        "mean",
        "sd",
        "z",
        "p",
        "p_holm",
    ];
    sheet("measures", &columns, rows)
}

fn conductance(modules: &Modules) -> Sheet {
    let rows = modules
        .conductance
        .iter()
        .map(|c| vec![c.module.to_string(), c.value.to_string(), some(c.p)]);
    sheet("conductance", &["module", "conductance", "p"], rows)
}

fn along_threshold(modules: &Modules) -> Sheet {
    let rows = modules.along_threshold.iter().map(|at| {
        vec![
            at.threshold.to_string(),
            at.count.to_string(),
            at.modularity.to_string(),
            at.rand_index.to_string(),
            at.nmi.to_string(),
        ]
    });
    let columns = ["threshold", "modules", "modularity", "rand_index", "nmi"];
    sheet("along_threshold", &columns, rows)
}

fn resamples(modules: &Modules) -> Sheet {
    let draws = modules.bootstrap.iter().flat_map(|b| &b.draws);
    let rows = draws.map(|draw| {
        vec![
            draw.count.to_string(),
            draw.modularity.to_string(),
            draw.rand_index.to_string(),
            draw.nmi.to_string(),
        ]
    });
    let columns = ["modules", "modularity", "rand_index", "nmi"];
    sheet("resamples", &columns, rows)
}

fn placement(modules: &Modules) -> Sheet {
    let placed = modules.placement.iter();
    let rows = placed.flat_map(|found| {
        let neighbours = found.neighbours.iter();
        let neighbours = neighbours.map(|n| ("neighbours", None, n.share, &n.null, None));
        let spreads = found.spreads.iter();
        let spreads = spreads.map(|s| {
            (
                "spread",
                Some(s.module),
                s.distance,
                &s.null,
                Some(s.p_holm),
            )
        });
        neighbours.chain(spreads)
    });
    let rows = rows.map(|(what, module, value, null, p_holm)| {
        vec![
            what.to_owned(),
            some(module),
            value.to_string(),
            null.mean.to_string(),
            null.sd.to_string(),
            some(null.z),
            null.p.to_string(),
            some(p_holm),
        ]
    });
    let columns = ["what", "module", "value", "mean", "sd", "z", "p", "p_holm"];
    sheet("placement", &columns, rows)
}

fn scan(modules: &Modules) -> Sheet {
    let rows = modules.scan.iter().flat_map(|s| &s.points).map(|p| {
        vec![
            p.resolution.to_string(),
            p.count.to_string(),
            p.modularity.to_string(),
            some(p.stability),
        ]
    });
    let columns = ["resolution", "modules", "modularity", "stability"];
    sheet("resolution", &columns, rows)
}

fn plateaus(modules: &Modules) -> Sheet {
    let rows = modules
        .scan
        .iter()
        .flat_map(|s| &s.plateaus)
        .map(|p| vec![p.count.to_string(), p.from.to_string(), p.to.to_string()]);
    sheet("plateaus", &["modules", "from", "to"], rows)
}

fn hierarchy(modules: &Modules) -> Sheet {
    let rows = modules.hierarchy.iter().enumerate().flat_map(|(k, level)| {
        let row = move |a: &crate::result::Assignment| {
            vec![(k + 2).to_string(), word(&a.site), a.module.to_string()]
        };
        level.partition.iter().map(row)
    });
    sheet("hierarchy", &["level", "site", "module"], rows)
}

fn blocks(modules: &Modules) -> Sheet {
    let rows = modules.blocks.iter().flat_map(|blocks| &blocks.partition);
    let posterior = modules.blocks.iter().flat_map(|blocks| &blocks.posterior);
    let sure: std::collections::BTreeMap<&str, f64> = posterior
        .flat_map(|found| &found.membership)
        .map(|m| (m.site.as_str(), m.probability))
        .collect();
    let rows = rows.map(|a| {
        let sure = sure.get(a.site.as_str()).map(f64::to_string);
        vec![
            word(&a.site),
            a.module.to_string(),
            sure.unwrap_or_default(),
        ]
    });
    sheet("blocks", &["site", "block", "probability"], rows)
}

fn additions(modules: &Modules) -> Sheet {
    let rows = modules
        .insight
        .iter()
        .flat_map(|insight| &insight.additions);
    let rows = rows.map(|a| {
        let module = a.module.map(|module| module.to_string());
        vec![
            module.unwrap_or_default(),
            some(a.gradient_symmetricity),
            some(a.distance_irrelevance),
        ]
    });
    let columns = ["module", "gradient_symmetricity", "distance_irrelevance"];
    sheet("additions", &columns, rows)
}

fn motifs(modules: &Modules) -> Sheet {
    let rows = modules.motifs.iter().map(|motif| {
        let null = &motif.null;
        vec![
            word(motif.kind.name()),
            motif.count.to_string(),
            null.mean.to_string(),
            null.sd.to_string(),
            null.samples.to_string(),
            null.p.to_string(),
            some(null.p_holm),
        ]
    });
    let columns = [
        "motif",
        "count",
        "null_mean",
        "null_sd",
        "samples",
        "p",
        "p_holm",
    ];
    sheet("motifs", &columns, rows)
}

fn transplants(modules: &Modules) -> Sheet {
    let rows = modules.transplants.iter().map(|t| {
        let scales: Vec<String> = t.scales.iter().map(f64::to_string).collect();
        vec![
            word(t.scope.name()),
            t.host.to_string(),
            t.donor.to_string(),
            t.likeness.to_string(),
            t.p.to_string(),
            t.p_holm.to_string(),
            scales.join(" "),
            word(&t.metric),
            t.metric_full.to_string(),
            t.metric_transplanted.to_string(),
            t.metric_without.to_string(),
            some(t.restored),
            t.max_abs_difference.to_string(),
            t.difference_over_tolerance.to_string(),
            t.copy.to_string(),
        ]
    });
    let columns = [
        "partition",
        "host",
        "donor",
        "likeness",
        "p",
        "p_holm",
        "scales",
        "metric",
        "as_is",
        "transplanted",
        "without",
        "restored",
        "max_abs_difference",
        "difference_over_tolerance",
        "copy",
    ];
    sheet("transplants", &columns, rows)
}

fn margins(modules: &Modules) -> Sheet {
    let with = modules
        .coalitions
        .iter()
        .filter_map(|c| Some((c, c.margins.as_ref()?)));
    let rows = with.flat_map(|(c, margins)| {
        margins.by_class.iter().flat_map(move |subset| {
            let names: Vec<String> = subset.modules.iter().map(usize::to_string).collect();
            let of_class = margins.classes.iter().zip(&subset.margins);
            of_class.map(move |(class, margin)| {
                vec![
                    word(c.scope.name()),
                    word(c.fill.name()),
                    names.join(" "),
                    class.to_string(),
                    margin.to_string(),
                ]
            })
        })
    });
    let columns = ["partition", "fill", "modules", "class", "mean_margin"];
    sheet("margins", &columns, rows)
}

fn needs(modules: &Modules) -> Sheet {
    let with = modules
        .coalitions
        .iter()
        .filter_map(|c| Some((c, c.margins.as_ref()?)));
    let rows = with.flat_map(|(c, margins)| {
        margins.needs.iter().map(move |need| {
            let names: Vec<String> = need.modules.iter().map(usize::to_string).collect();
            vec![
                word(c.scope.name()),
                word(c.fill.name()),
                names.join(" "),
                need.samples.to_string(),
            ]
        })
    });
    sheet("needs", &["partition", "fill", "needed", "samples"], rows)
}

fn exchange(modules: &Modules) -> Sheet {
    let rows = modules.blocks.iter().flat_map(|blocks| &blocks.exchange);
    let rows = rows.map(|e| vec![e.from.to_string(), e.to.to_string(), e.edges.to_string()]);
    sheet("block-exchange", &["from", "to", "edges"], rows)
}

fn relocation(modules: &Modules) -> Sheet {
    let found = modules.wiring.iter().flat_map(|w| &w.relocation);
    let rows = found
        .flat_map(|r| &r.orders)
        .enumerate()
        .flat_map(|(layer, order)| {
            let row = move |(position, old): (usize, &usize)| {
                vec![layer.to_string(), position.to_string(), old.to_string()]
            };
            order.iter().enumerate().map(row)
        });
    sheet("relocation", &["layer", "position", "old_position"], rows)
}

fn shares(modules: &Modules) -> Sheet {
    let rows = modules.coalitions.iter().flat_map(|c| {
        c.shares.iter().map(move |share| {
            vec![
                word(c.scope.name()),
                word(c.fill.name()),
                word(&c.metric),
                share.module.to_string(),
                share.alone.to_string(),
                share.without.to_string(),
                share.shapley.to_string(),
                some(share.standard_error),
            ]
        })
    });
    let columns = [
        "scope",
        "fill",
        "metric",
        "module",
        "alone",
        "without",
        "shapley",
        "standard_error",
    ];
    sheet("shares", &columns, rows)
}

fn subsets(modules: &Modules) -> Sheet {
    let rows = modules.coalitions.iter().flat_map(|c| {
        c.subsets.iter().map(move |subset| {
            let stay: Vec<String> = subset.modules.iter().map(ToString::to_string).collect();
            vec![
                word(c.scope.name()),
                word(c.fill.name()),
                word(&c.metric),
                stay.join(" "),
                subset.value.to_string(),
            ]
        })
    });
    let columns = ["scope", "fill", "metric", "modules", "value"];
    sheet("subsets", &columns, rows)
}

fn agreement(modules: &Modules) -> Sheet {
    let rows = modules.agreement.iter().flat_map(|found| {
        found.pairs.iter().map(move |e| {
            vec![
                word(found.method.name()),
                word(&e.output),
                e.module.to_string(),
                e.both.to_string(),
                e.in_circuit.to_string(),
                e.in_module.to_string(),
                e.expected.to_string(),
                e.p.to_string(),
                e.p_holm.to_string(),
            ]
        })
    });
    let columns = [
        "method",
        "output",
        "module",
        "both",
        "in_circuit",
        "in_module",
        "expected",
        "p",
        "p_holm",
    ];
    sheet("agreement", &columns, rows)
}

fn formulas(modules: &Modules) -> Sheet {
    let all = modules.insight.iter().flat_map(|i| &i.formulas);
    let rows = all.map(|f| {
        vec![
            word(&f.output),
            word(&f.name),
            word(&f.text),
            word(&f.latex),
            f.max_abs_difference.to_string(),
        ]
    });
    let columns = ["output", "name", "formula", "latex", "max_abs_difference"];
    sheet("formulas", &columns, rows)
}

fn embeddings(modules: &Modules) -> Sheet {
    let all = modules.insight.iter().flat_map(|i| &i.embeddings);
    let rows = all.flat_map(|e| {
        let module = e.module.map_or_else(|| "all".to_owned(), |m| m.to_string());
        let row = move |(token, [x, y]): (usize, &[f64; 2])| {
            vec![
                module.clone(),
                token.to_string(),
                x.to_string(),
                y.to_string(),
            ]
        };
        e.points.iter().enumerate().map(row)
    });
    sheet("embeddings", &["module", "token", "first", "second"], rows)
}

fn representations(modules: &Modules) -> Sheet {
    let all = modules.insight.iter().flat_map(|i| &i.representations);
    let rows = all.map(|r| {
        let parts: Vec<String> = r.partition.iter().map(usize::to_string).collect();
        vec![
            r.dimension.to_string(),
            parts.join(" "),
            r.degree.to_string(),
            r.share.to_string(),
            r.p.to_string(),
            r.p_holm.to_string(),
            r.variance.to_string(),
            some(r.module),
        ]
    });
    let columns = [
        "dimension",
        "partition",
        "degree",
        "share",
        "p",
        "p_holm",
        "variance",
        "module",
    ];
    sheet("representations", &columns, rows)
}

fn signs(modules: &Modules) -> Sheet {
    let all = modules.insight.iter().flat_map(|i| &i.signs);
    let rows = all.map(|s| {
        vec![
            s.dimension.to_string(),
            s.correlation.to_string(),
            s.variance.to_string(),
            some(s.module),
            s.alone.to_string(),
        ]
    });
    let columns = ["dimension", "correlation", "variance", "module", "alone"];
    sheet("signs", &columns, rows)
}

fn polysemanticity(modules: &Modules) -> Sheet {
    let all = modules.insight.iter().flat_map(|i| &i.polysemanticity);
    let rows = all.map(|p| vec![word(&p.site), p.index.to_string()]);
    sheet("polysemanticity", &["site", "outputs"], rows)
}
