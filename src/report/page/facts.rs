//! Remarks on the checkpoint, where everything came from, and what it cost.

use crate::report::format::{bytes, count, seconds};
use crate::report::page::blocks::{Block, Cell, Fact, Section, Table, numbers, words};
use crate::report::sites::{clean, plain, shortened};
use crate::result::{Audit, CheckpointInfo, DataInfo, Finding};

fn code(term: &str, text: &str) -> Fact {
    Fact {
        term: term.to_owned(),
        text: plain(text),
        is_code: true,
    }
}

pub(in crate::report) fn findings(audit: &Audit) -> Section {
    let row = |f: &Finding| {
        let mark = format!("{} {}", f.status.mark(), f.status);
        vec![
            Cell::word(mark).with_class(f.status.class()),
            Cell::word(clean(&f.kind)),
            Cell::word(plain(&f.text)),
            Cell::word(shortened(&plain(&f.subjects.join(", ")), 160)),
        ]
    };
    let columns = vec![
        words("Status"),
        words("Kind"),
        words("What"),
        words("Where"),
    ];
    let rows: Vec<Vec<Cell>> = audit.findings.iter().map(row).collect();
    let blocks = if rows.is_empty() {
        Vec::new()
    } else {
        let table = Table::new("Remarks on the checkpoint", "findings", columns, rows);
        vec![Block::Table(table.open())]
    };
    Section {
        id: "findings",
        title: "Remarks on the checkpoint",
        blocks,
    }
}

pub(in crate::report) fn checkpoint(audit: &Audit) -> Section {
    let mut blocks = vec![
        Block::Facts(origin(audit)),
        Block::Folded("Tensors of the file".to_owned(), vec![tensors(audit)]),
    ];
    blocks.extend(passed_over(audit));
    Section {
        id: "facts",
        title: "Checkpoint, data, command and hashes",
        blocks,
    }
}

fn origin(audit: &Audit) -> Vec<Fact> {
    let info = &audit.checkpoint;
    let mut facts = vec![
        code("Checkpoint", &info.path),
        code("SHA-256", &info.sha256),
        Fact::new(
            "Layout",
            format!("{}, {} folds", info.layout.name(), count(info.folds)).replace(", 1 folds", ""),
        ),
        Fact::new(
            "Activation",
            format!(
                "{} (known from {})",
                clean(&info.activation),
                clean(&info.activation_source)
            ),
        ),
        Fact::new(
            "Parameters",
            format!("{} in {}", count(info.parameters), clean(&info.dtype)),
        ),
    ];
    facts.extend(training(info));
    facts.extend(audit.data.iter().flat_map(samples));
    facts.push(code("Command", &audit.command.join(" ")));
    facts.push(Fact::new("Seed", audit.seed.to_string()));
    facts.push(Fact::new(
        "Program",
        format!(
            "{} {}, result schema {}",
            clean(&audit.tool.name),
            clean(&audit.tool.version),
            clean(&audit.schema)
        ),
    ));
    facts
}

fn training(info: &CheckpointInfo) -> Option<Fact> {
    let told = [
        info.task.clone(),
        info.regime.clone(),
        info.training_seed.map(|seed| format!("seed {seed}")),
    ];
    let told: Vec<String> = told.into_iter().flatten().map(|t| clean(&t)).collect();
    (!told.is_empty()).then(|| Fact::new("Training, as its config says", told.join(", ")))
}

fn samples(data: &DataInfo) -> [Fact; 3] {
    let labels = data.labels.as_ref();
    let labels = labels.map_or_else(|| "no labels".to_owned(), |labels| clean(labels));
    let told = format!(
        "{}, split {}, {labels}, loss {}",
        count(data.samples),
        clean(&data.split),
        data.loss.name()
    );
    [
        code("Data", &data.path),
        code("SHA-256", &data.sha256),
        Fact::new("Samples", told),
    ]
}

fn tensors(audit: &Audit) -> Block {
    let row = |t: &crate::result::TensorInfo| {
        let shape: Vec<String> = t.shape.iter().map(ToString::to_string).collect();
        vec![
            Cell::word(clean(&t.name)).with_class("code"),
            Cell::word(clean(&t.dtype)),
            Cell::word(shape.join(" × ")),
            Cell::word(clean(&t.role)),
        ]
    };
    let columns = vec![
        words("Tensor"),
        words("Numbers"),
        words("Shape"),
        words("Role"),
    ];
    Block::Table(Table::new(
        "Every tensor of the checkpoint",
        "tensors",
        columns,
        audit.checkpoint.tensors.used.iter().map(row).collect(),
    ))
}

/// What the network was not made of, each with the reason; `None` where nothing was left.
fn passed_over(audit: &Audit) -> Option<Block> {
    let (tensors, config) = (&audit.checkpoint.tensors, &audit.checkpoint.config);
    let ignored_keys = config
        .ignored
        .iter()
        .map(|name| format!("`{name}` of config.json"));
    let ignored = tensors
        .ignored
        .iter()
        .cloned()
        .chain(ignored_keys)
        .map(|name| {
            let why = "left out by --ignore".to_owned();
            (name, why)
        });
    let harmless = tensors
        .harmless
        .iter()
        .map(|t| (t.name.clone(), t.why.clone()));
    let key = |name: &str| format!("`{name}` of config.json");
    let keys = config
        .harmless
        .iter()
        .map(|k| (key(&k.name), k.why.clone()));
    let unknown = config.unknown.iter().map(|name| {
        let why = "not known, and not used".to_owned();
        (key(name), why)
    });
    let all = ignored.chain(harmless).chain(unknown).chain(keys);
    let rows: Vec<Vec<Cell>> = all
        .map(|(name, why)| {
            vec![
                Cell::word(clean(&name)).with_class("code"),
                Cell::word(clean(&why)),
            ]
        })
        .collect();
    let title = "What the network was not made of";
    let table = Table {
        csv: "",
        ..Table::new(title, "", vec![words("What"), words("Why")], rows)
    };
    let is_empty = table.rows.is_empty();
    (!is_empty).then(|| Block::Folded(title.to_owned(), vec![Block::Table(table)]))
}

pub(in crate::report) fn costs(audit: &Audit) -> Section {
    let s = &audit.costs.seconds;
    let stages = [
        ("Reading and checking", s.load),
        ("Thresholds and verification", s.prune),
        ("Modules, null models, lesions", s.modules),
        ("Relocation", s.relocation),
        ("Ablation and circuits", s.circuits),
        ("Report", s.report),
        ("All", s.total),
    ];
    let row =
        |(stage, time): (&str, f64)| vec![Cell::word(stage), Cell::shown(seconds(time), time)];
    let rows = stages
        .into_iter()
        .filter(|(_, time)| *time > 0.0)
        .map(row)
        .collect();
    let memory = match audit.costs.peak_memory_bytes {
        0 => "Peak memory is not known on this system.".to_owned(),
        peak => match audit.costs.expected_memory_bytes {
            0 => format!("Peak memory of the process: {}.", bytes(peak)),
            expected => format!(
                "Peak memory of the process: {}; {} were expected.",
                bytes(peak),
                bytes(expected)
            ),
        },
    };
    let columns = vec![words("Stage"), numbers("Time")];
    let table = Table::new("Wall-clock time by stage", "", columns, rows).open();
    Section {
        id: "costs",
        title: "Time and memory",
        blocks: vec![Block::Table(table), Block::Text(memory)],
    }
}
