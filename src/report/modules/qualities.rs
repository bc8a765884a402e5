//! How good the partition is, how long it lasts, and what the modules do together.

use crate::choice::{MeasureKind, Scope};
use crate::order;
use crate::report::english::plural;
use crate::report::figures::Gallery;
use crate::report::format::{count, number, p_value};
use crate::report::modules::cell::{name, scope_words};
use crate::report::modules::needs;
use crate::report::page::blocks::{Block, Cell, Fact, Shown, Table, numbers, words};
use crate::report::sites::{Sites, clean};
use crate::result::{
    Agreement, Coalitions, Modules, NullModel, Partition, Placement, Plateau, Spread,
};

/// Everything that follows the table of modules, as far as the result has it.
pub(in crate::report) fn blocks(modules: &Modules, gallery: &Gallery) -> Vec<Block> {
    let mut blocks = Vec::new();
    blocks.extend((!modules.conductance.is_empty()).then(|| conductance(modules)));
    blocks.extend((!modules.along_threshold.is_empty()).then(|| along_threshold(modules)));
    blocks.extend(modules.placement.as_ref().map(placement));
    blocks.extend(
        gallery
            .scan
            .as_ref()
            .map(|figure| Block::Figure(Shown::new(figure, SCAN))),
    );
    if let Some(scan) = modules.scan.as_ref().filter(|s| !s.plateaus.is_empty()) {
        blocks.push(plateaus(&scan.plateaus));
    }
    blocks.extend((!modules.hierarchy.is_empty()).then(|| hierarchy(&modules.hierarchy)));
    blocks
}

/// Subsets of modules, and circuits beside modules.
pub(in crate::report) fn function(modules: &Modules, sites: &Sites<'_>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let all: Vec<&Coalitions> = modules.coalitions.iter().collect();
    if let Some(first) = all.first() {
        blocks.push(shares(first, &all, sites));
        let listed = all.iter().any(|c| !c.subsets.is_empty());
        blocks.extend(listed.then(|| subsets(&all, sites)));
        blocks.extend(needs::table(modules));
    }
    blocks.extend(modules.agreement.iter().map(agreement));
    blocks
}

const SCAN: &str = "Modules along the resolution γ of the search: their number (line, left), and how \
     far partitions of different seeds agree (dots, right; 1 is perfect). Grey: ranges where the partition stays the same.";

fn p_cell(p: f64) -> Cell {
    let text = p_value(p);
    let text = text.trim_start_matches("p = ").trim_start_matches("p ");
    Cell::shown(text.to_owned(), p)
}

fn optional_p(p: Option<f64>) -> Cell {
    p.map_or_else(|| Cell::optional(None), p_cell)
}

/// The quality of the partition by every measure, against every null model.
pub(in crate::report) fn measures(modules: &Modules) -> Block {
    let row = |measure: &crate::result::Measure, null: Option<&NullModel>| {
        let better = if measure.higher_is_better {
            "high"
        } else {
            "low"
        };
        let mut cells = vec![
            Cell::word(measure_words(measure.name)),
            Cell::word(better),
            Cell::number(measure.value),
        ];
        cells.extend(match null {
            None => vec![
                Cell::word("–"),
                Cell::optional(None),
                Cell::optional(None),
                Cell::optional(None),
                Cell::optional(None),
            ],
            Some(null) => vec![
                Cell::word(format!("{} ({})", null.model.name(), count(null.samples))),
                Cell::shown(
                    format!("{} ± {}", number(null.mean), number(null.sd)),
                    null.mean,
                ),
                Cell::optional(null.z),
                p_cell(null.p),
                optional_p(null.p_holm),
            ],
        });
        cells
    };
    let rows = modules.measures.iter().flat_map(|measure| {
        let nulls = measure.nulls.iter().map(Some);
        let alone = measure.nulls.is_empty().then_some(None);
        nulls.chain(alone).map(move |null| row(measure, null))
    });
    let columns = vec![
        words("Measure"),
        words("Modular is"),
        numbers("This network"),
        words("Null model (draws)"),
        numbers("Null networks"),
        numbers("z"),
        numbers("p"),
        numbers("p (Holm)"),
    ];
    Block::Table(Table::whole(
        "Quality of the partition, against null networks searched in the same way (p one-sided; Holm: corrected for the number of measures). All but the headline test are exploratory",
        "measures",
        columns,
        rows.collect(),
    ))
}

/// A measure in words.
fn measure_words(measure: MeasureKind) -> &'static str {
    match measure {
        MeasureKind::Modularity => "modularity (Newman)",
        MeasureKind::LayeredModularity => "layered modularity (Barber)",
        MeasureKind::NCut => "n-cut (grows with the number of modules)",
        MeasureKind::NCutPerModule => "n-cut per module",
        MeasureKind::LowestConductance => "lowest conductance of a module",
    }
}

fn conductance(modules: &Modules) -> Block {
    let row = |c: &crate::result::Conductance| {
        vec![name(c.module, true), Cell::number(c.value), optional_p(c.p)]
    };
    Block::Table(Table::new(
        "Conductance of each module: the share of its weight that leaves it (p against the lowest of every null network, which corrects for the number of modules)",
        "conductance",
        vec![numbers("Module"), numbers("Conductance"), numbers("p")],
        modules.conductance.iter().map(row).collect(),
    ))
}

fn along_threshold(modules: &Modules) -> Block {
    let row = |at: &crate::result::AtThreshold| {
        vec![
            Cell::number(at.threshold),
            Cell::count(at.count),
            Cell::number(at.modularity),
            Cell::number(at.rand_index),
            Cell::number(at.nmi),
        ]
    };
    Block::Table(Table::new(
        "The partition at other thresholds, beside the one above: agreement over the sites that are in both",
        "along_threshold",
        vec![
            numbers("Threshold"),
            numbers("Modules"),
            numbers("Modularity"),
            numbers("Adjusted Rand index"),
            numbers("Normalised mutual information"),
        ],
        modules.along_threshold.iter().map(row).collect(),
    ))
}

fn placement(found: &Placement) -> Block {
    let row = |what: Cell, value: f64, null: &NullModel, p_holm: Option<f64>| {
        vec![
            what,
            Cell::number(value),
            Cell::shown(
                format!("{} ± {}", number(null.mean), number(null.sd)),
                null.mean,
            ),
            Cell::optional(null.z),
            p_cell(null.p),
            optional_p(p_holm),
        ]
    };
    let spread = |s: &Spread| {
        let what = Cell::word(format!("spread of module {}", s.module));
        row(what, s.distance, &s.null, Some(s.p_holm))
    };
    let neighbours = found.neighbours.as_ref();
    let neighbours = neighbours.map(|n| {
        let what = Cell::word("neighbours in one module");
        row(what, n.share, &n.null, None)
    });
    let columns = vec![
        words("What"),
        numbers("This network"),
        numbers("Shuffled places"),
        numbers("z"),
        numbers("p"),
        numbers("p (Holm)"),
    ];
    Block::Table(Table::new(
        "Places: mean distance of a module's sites from the centre of those in their layer (layers are one unit wide), and the share of nearest sites that are in the same module, against modules handed out anew among each layer's sites (p one-sided: closer together, more often)",
        "placement",
        columns,
        neighbours
            .into_iter()
            .chain(found.spreads.iter().map(spread))
            .collect(),
    ))
}

fn plateaus(plateaus: &[Plateau]) -> Block {
    let row = |p: &Plateau| {
        vec![
            Cell::count(p.count),
            Cell::number(p.from),
            Cell::number(p.to),
            Cell::number(p.to / p.from),
        ]
    };
    Block::Table(Table::new(
        "Ranges of the resolution over which the partition stays the same, longest first",
        "plateaus",
        vec![
            numbers("Modules"),
            numbers("From"),
            numbers("To"),
            numbers("To ÷ from"),
        ],
        plateaus.iter().map(row).collect(),
    ))
}

fn hierarchy(levels: &[Partition]) -> Block {
    let facts = levels.iter().enumerate().map(|(k, level)| Fact {
        term: format!("Level {}", k + 2),
        text: format!(
            "{} {} (modularity {})",
            count(level.count),
            plural(level.count, "module", "modules"),
            number(level.modularity)
        ),
        is_code: false,
    });
    Block::Folded(
        "Modules within modules: a module is divided where its inside is more modular than its shuffles (p ≤ 0.05 each)".to_owned(),
        vec![Block::Facts(facts.collect())],
    )
}

fn shares(first: &Coalitions, all: &[&Coalitions], sites: &Sites<'_>) -> Block {
    let rows = all.iter().flat_map(|c| {
        c.shares.iter().map(|share| {
            let shapley = match share.standard_error {
                Some(error) => format!("{} ± {}", number(share.shapley), number(error)),
                None => number(share.shapley),
            };
            vec![
                Cell::word(scope_words(c.scope)),
                Cell::word(c.fill.name()),
                name(share.module, c.scope == Scope::All),
                Cell::number(share.alone),
                Cell::number(share.without),
                Cell::shown(shapley, share.shapley),
            ]
        })
    });
    let how = match first.orders {
        Some(orders) => format!("over {} sampled orders, ± standard error", count(orders)),
        None => "over all orders, exact".to_owned(),
    };
    let caption = format!(
        "What each module adds to the {}: alone, when it alone is missing, and on average over the orders of bringing modules back (Shapley value, {how})",
        sites.metric(&first.metric)
    );
    let columns = vec![
        words("Partition"),
        words("Fill"),
        numbers("Module"),
        numbers("Alone"),
        numbers("All but this"),
        numbers("Shapley value"),
    ];
    Block::Table(Table::new(caption, "shares", columns, rows.collect()))
}

fn subsets(all: &[&Coalitions], sites: &Sites<'_>) -> Block {
    let rows = all.iter().flat_map(|c| {
        c.subsets.iter().map(|subset| {
            let names: Vec<String> = subset.modules.iter().map(ToString::to_string).collect();
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(" + ")
            };
            vec![
                Cell::word(scope_words(c.scope)),
                Cell::word(c.fill.name()),
                Cell::word(names),
                Cell::number(subset.value),
            ]
        })
    });
    let metric = all
        .first()
        .map_or_else(String::new, |c| sites.metric(&c.metric));
    let columns = vec![
        words("Partition"),
        words("Fill"),
        words("Modules that stay"),
        numbers(&metric),
    ];
    let caption = format!(
        "The {metric} with every subset of the modules; the messages of the others are filled"
    );
    Block::Table(Table::whole(caption, "subsets", columns, rows.collect()))
}

fn agreement(found: &Agreement) -> Block {
    let mut pairs: Vec<_> = found.pairs.iter().collect();
    order::ascending(&mut pairs, |one| one.p);
    let row = |e: &&crate::result::Enrichment| {
        vec![
            Cell::word(clean(&e.output)),
            name(e.module, true),
            Cell::count(e.both),
            Cell::count(e.in_circuit),
            Cell::count(e.in_module),
            Cell::number(e.expected),
            p_cell(e.p),
            p_cell(e.p_holm),
        ]
    };
    let caption = format!(
        "Modules and the circuits found by {}: sites in both, beside chance (hypergeometric; Holm over all pairs). Normalised mutual information {}",
        found.method.name(),
        number(found.nmi)
    );
    let columns = vec![
        words("Circuit of"),
        numbers("Module"),
        numbers("Sites in both"),
        numbers("In the circuit"),
        numbers("In the module"),
        numbers("By chance"),
        numbers("p"),
        numbers("p (Holm)"),
    ];
    Block::Table(Table::new(
        caption,
        "agreement",
        columns,
        pairs.iter().map(row).collect(),
    ))
}
