//! What was proved for every input of a domain, and what was not.

use crate::report::english::counted;
use crate::report::figures::Gallery;
use crate::report::format::{count, number, percent, seconds};
use crate::report::page::blocks::{Block, Cell, Fact, Section, Shown, Table, numbers, words};
use crate::report::pruning::needed;
use crate::report::pruning::words::examined;
use crate::report::sites::{Sites, plain};
use crate::result::{
    Audit, Certificate, CertifiedDecisions, Compaction, Inference, OutputBound, ProofLog,
    WeightShare,
};

/// The certificate, where one was asked for.
pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery) -> Section {
    let mut blocks = Vec::new();
    let sites = Sites::new(&audit.network);
    let prune = audit.prune.as_ref();
    if let Some(reason) = prune.and_then(|p| p.not_certified.as_ref()) {
        blocks.push(Block::Text(format!("Not certified: {}.", plain(reason))));
    }
    if let Some(certificate) = prune.and_then(|p| p.certificate.as_ref()) {
        blocks.push(Block::Facts(facts(certificate, &sites)));
        blocks.push(bounds(certificate, &sites));
        if !certificate.attribution.is_empty() {
            blocks.push(attribution(certificate, &sites));
        }
        let figure = gallery.needed.as_ref();
        blocks.extend(figure.map(|f| Block::Figure(Shown::new(f, needed::caption(audit)))));
    }
    Section {
        id: "certificate",
        title: "Certificate",
        blocks,
    }
}

/// What is left without idle neurons, and how fast it runs.
pub(in crate::report) fn compaction(audit: &Audit) -> Section {
    let found = audit.prune.as_ref().and_then(|p| p.compaction.as_ref());
    let mut blocks = Vec::new();
    if let Some(compaction) = found {
        blocks.push(Block::Facts(sizes(compaction)));
        blocks.extend(audit.costs.inference.as_ref().map(speeds));
    }
    Section {
        id: "compaction",
        title: "Without idle neurons",
        blocks,
    }
}

fn facts(certificate: &Certificate, sites: &Sites<'_>) -> Vec<Fact> {
    let boxes = usize::try_from(certificate.boxes).unwrap_or(usize::MAX);
    let cases = examined(certificate.method);
    let mut facts = vec![
        Fact::new("Domain", plain(&certificate.domain)),
        Fact::new("Outcome", plain(&certificate.outcome)),
        Fact::new(
            "Largest change",
            format!(
                "at most {} (proved), at least {} (found)",
                number(certificate.bound),
                number(certificate.best_found)
            ),
        ),
        Fact::new(
            "Method",
            format!(
                "{}, {} {cases}, {}{}",
                certificate.method.name(),
                count(boxes),
                seconds(certificate.seconds),
                if certificate.sound {
                    ", sound in floating point"
                } else {
                    ", not rounded soundly"
                }
            ),
        ),
    ];
    if let Some(found) = &certificate.counterexample {
        let text = format!(
            "{} moves by {}, over its tolerance {}, at {}",
            sites.name(&found.output),
            number(found.change),
            number(found.tolerance),
            point(&found.input)
        );
        facts.push(Fact::new("Counterexample", text));
    }
    facts.extend(
        certificate
            .log
            .as_ref()
            .map(|log| Fact::new("Proof", proof(log))),
    );
    facts.extend(
        (certificate.not_logged.as_ref())
            .map(|why| Fact::new("Proof", format!("not written down: {}", plain(why)))),
    );
    facts.extend(
        certificate
            .decisions
            .as_ref()
            .map(|d| Fact::new("Decisions", decisions(d))),
    );
    facts
}

/// Where the proof stands, and how large it is.
fn proof(log: &ProofLog) -> String {
    let parts = usize::try_from(log.parts).unwrap_or(usize::MAX);
    format!(
        "{}, {} kB, {}, written in {}: `modscope-check` verifies it",
        plain(&log.path),
        log.bytes.div_ceil(1000),
        counted(parts, "part", "parts"),
        seconds(log.seconds)
    )
}

fn decisions(found: &CertifiedDecisions) -> String {
    let radius = found
        .radius
        .map(|r| format!(" of radius {}", number(r)))
        .unwrap_or_default();
    let cases = usize::try_from(found.cases).unwrap_or(usize::MAX);
    let changed = match (found.changed, &found.example) {
        (0, _) | (_, None) => String::new(),
        (_, Some(example)) => format!("; it changes at {}", point(example)),
    };
    format!(
        "{}{radius} ({} examined): the same decision is proved on {}{changed}",
        plain(&found.scope),
        count(cases),
        percent(found.same)
    )
}

/// The first numbers of an input.
fn point(input: &[f64]) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = input.iter().take(SHOWN).map(|x| number(*x)).collect();
    if input.len() > SHOWN {
        words.push("…".to_owned());
    }
    format!("({})", words.join(", "))
}

fn bounds(certificate: &Certificate, sites: &Sites<'_>) -> Block {
    let row = |o: &OutputBound| {
        let verdict = if o.bound <= o.tolerance {
            ("✓ proved", "holds")
        } else if o.found > o.tolerance {
            ("✗ broken", "fails")
        } else {
            ("undecided", "note")
        };
        vec![
            Cell::word(sites.name(&o.output)),
            Cell::number(o.tolerance),
            Cell::number(o.found),
            Cell::number(o.bound),
            Cell::word(verdict.0).with_class(verdict.1),
        ]
    };
    let columns = vec![
        words("Output"),
        numbers("Tolerance"),
        numbers("Largest change found"),
        numbers("Proved bound"),
        words("Verdict"),
    ];
    Block::Table(Table::new(
        "What is proved of each output",
        "certificate",
        columns,
        certificate.outputs.iter().map(row).collect(),
    ))
}

fn attribution(certificate: &Certificate, sites: &Sites<'_>) -> Block {
    let row = |share: &WeightShare| {
        vec![
            Cell::word(sites.name(&share.output)),
            Cell::word(sites.name(&share.from)),
            Cell::word(sites.name(&share.to)),
            Cell::number(share.weight),
            Cell::number(share.change),
        ]
    };
    let columns = vec![
        words("Output"),
        words("From"),
        words("To"),
        numbers("Weight"),
        numbers("Adds to the change"),
    ];
    Block::Table(Table::new(
        "Pruned weights that change each output most, where its largest change was found",
        "attribution",
        columns,
        certificate.attribution.iter().map(row).collect(),
    ))
}

fn sizes(compaction: &Compaction) -> Vec<Fact> {
    let widths: Vec<String> = compaction.layers.iter().map(ToString::to_string).collect();
    vec![
        Fact::new("Layers", widths.join("–")),
        Fact::new(
            "Parameters",
            format!(
                "{} of {}",
                count(compaction.parameters_after),
                count(compaction.parameters_before)
            ),
        ),
        Fact::new(
            "Same outputs",
            format!(
                "to {} on the samples: rounding",
                number(compaction.max_abs_difference)
            ),
        ),
    ]
}

fn speeds(inference: &Inference) -> Block {
    let row = |(form, time): (&str, f64)| vec![Cell::word(form), Cell::shown(seconds(time), time)];
    let rows = [
        ("All weights, zeros too", inference.dense),
        ("Non-zero weights only", inference.sparse),
        ("Without idle neurons", inference.compact),
        (
            "Without idle neurons, non-zero weights only",
            inference.compact_sparse,
        ),
    ];
    let apart = [
        ("As modules, one after the other", inference.modules),
        ("As modules, on all threads", inference.modules_parallel),
    ];
    let apart = apart
        .into_iter()
        .filter_map(|(form, time)| Some((form, time?)));
    Block::Table(Table {
        csv: "",
        ..Table::new(
            format!(
                "One forward pass of {} samples, on one thread unless it says otherwise, fastest of five",
                count(inference.samples)
            ),
            "",
            vec![words("Form"), numbers("Time")],
            rows.into_iter().chain(apart).map(row).collect(),
        )
    })
}
