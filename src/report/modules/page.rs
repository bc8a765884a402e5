//! The modules: what is in them, whether they are more than chance, what each does.

use std::collections::BTreeMap;

use crate::choice::{Granularity, MetricKind, Scope};
use crate::report::english::counted;
use crate::report::figures::{Figure, Gallery};
use crate::report::format::{count, number, p_value, percent};
use crate::report::modules::blocks;
use crate::report::modules::cards;
use crate::report::modules::cell::name;
use crate::report::modules::cell::scope_words;
use crate::report::modules::course;
use crate::report::modules::lesions::is_of_one_output;
use crate::report::modules::margins;
use crate::report::modules::motifs;
use crate::report::modules::qualities;
use crate::report::modules::transplants;
use crate::report::modules::words::{null_words, selective, what_moves};
use crate::report::page::blocks::{Block, Cell, Fact, Section, Shown, Table, numbers, words};
use crate::report::sites::{Place, Sites, Wire, clean};
use crate::result::{
    Assignment, Audit, Bootstrap, Lesion, Modules, NullModel, Selectivity, Wiring,
};

pub(in crate::report) fn section(audit: &Audit, gallery: &Gallery, sites: &Sites<'_>) -> Section {
    let Some(modules) = &audit.modules else {
        return Section {
            id: "modules",
            title: "Modules",
            blocks: Vec::new(),
        };
    };
    let mut blocks = vec![cards::cards(modules, sites)];
    blocks.extend(measured(modules, gallery, sites).into_iter().flatten());
    blocks.push(table(
        "Modules of the surviving network",
        &modules.partition,
        modules,
        sites,
    ));
    if let Some(inner) = &modules.without_outputs {
        let caption = format!(
            "Modules when the output sites are left out (modularity {})",
            number(inner.modularity)
        );
        blocks.push(table(&caption, &inner.partition, modules, sites));
    }
    blocks.extend(motifs::table(modules, sites));
    blocks.extend(transplants::table(modules, sites));
    blocks.extend(qualities::blocks(modules, gallery));
    let moved = drawn(gallery.relocated.as_ref(), RELOCATED);
    blocks.extend(folded(
        "relocated",
        "The network with its wiring shortened",
        moved,
    ));
    blocks.extend(qualities::function(modules, sites));
    blocks.extend(crate::report::insight::page::blocks(modules, gallery));
    Section {
        id: "modules",
        title: "Modules",
        blocks,
    }
}

/// What was measured of the modules, each in a drawer of its own.
fn measured(modules: &Modules, gallery: &Gallery, sites: &Sites<'_>) -> [Option<Block>; 5] {
    let found = vec![Block::Facts(facts(modules))];
    let mut chance = drawn(gallery.null.as_ref(), &null_caption(modules));
    chance.extend((!modules.measures.is_empty()).then(|| qualities::measures(modules)));
    let mut effects = drawn(gallery.lesions.as_ref(), lesion_caption());
    if let Some(first) = selective(modules).first() {
        effects.push(selectivity(modules, first, sites));
    }
    if !modules.lesions.is_empty() {
        effects.push(lesions(modules, sites));
    }
    let course = gallery.courses.iter();
    let course = course.map(|f| Block::Figure(Shown::new(f, course::caption(&f.name))));
    let course = course.collect();
    effects.extend(drawn(gallery.margins.as_ref(), margins::CAPTION));
    let between = drawn(gallery.module_matrix.as_ref(), matrix_caption());
    [
        folded(
            "found",
            "How they were found, and how stable they are",
            found,
        ),
        folded("chance", "Modularity against shuffled networks", chance),
        folded("lesions", "What removing each module does", effects),
        folded("course", "Modules from stage to stage", course),
        folded("between", "Weight within and between modules", between),
    ]
}

/// A drawer, where it holds something.
fn folded(id: &'static str, title: &'static str, blocks: Vec<Block>) -> Option<Block> {
    let is_there = !blocks.is_empty();
    is_there.then_some(Block::Drawer(Section { id, title, blocks }))
}

fn drawn(figure: Option<&Figure>, caption: &str) -> Vec<Block> {
    let shown = figure.map(|f| Block::Figure(Shown::new(f, caption)));
    shown.into_iter().collect()
}

fn facts(modules: &Modules) -> Vec<Fact> {
    let mut facts = vec![
        Fact::new(
            "Found by",
            format!(
                "{} on {}, resolution {}",
                modules.algorithm.name(),
                edges(modules),
                number(modules.resolution)
            ),
        ),
        Fact::new(
            "Graph",
            format!(
                "{} and {} at the threshold {}; set aside: {} without edges, {} without an input or without an output",
                counted(modules.nodes, "site", "sites"),
                counted(modules.edges, "edge", "edges"),
                number(modules.threshold),
                counted(modules.isolated.len(), "site", "sites"),
                counted(modules.dead.len(), "part", "parts")
            ),
        ),
        Fact::new("Modularity Q", number(modules.modularity)),
    ];
    let null = modules.null.as_ref();
    facts.extend(null.map(|null| Fact::new("Against chance", chance(null))));
    facts.extend(modules.stability.map(|index| {
        Fact::new(
            "Stability",
            format!(
                "mean adjusted Rand index between partitions of different seeds: {}",
                number(index)
            ),
        )
    }));
    let bootstrap = modules.bootstrap.as_ref();
    facts.extend(bootstrap.map(|found| Fact::new("Over resamples", resamples(found))));
    facts.extend(modules.blocks.iter().flat_map(blocks::facts));
    facts.extend(
        modules
            .wiring
            .as_ref()
            .map(|w| Fact::new("Wiring cost", wiring(w))),
    );
    facts
}

/// The modularity of null networks, and where this one's lies among them.
fn chance(null: &NullModel) -> String {
    let z = null.z.map_or_else(
        || "no z (all shuffles alike)".to_owned(),
        |z| format!("z = {}", number(z)),
    );
    format!(
        "{}: {} ± {}, {}, {}",
        null_words(null),
        number(null.mean),
        number(null.sd),
        whole(&z),
        whole(&p_value(null.p))
    )
}

/// How far the partitions of resampled data are this one.
fn resamples(found: &Bootstrap) -> String {
    let interval = |[lo, hi]: [f64; 2]| format!("{} to {}", number(lo), number(hi));
    format!(
        "agreement with the partitions of {} bootstrap resamples of the samples: adjusted Rand index {} \
         (95 % within {}), normalised mutual information {} ({})",
        count(found.draws.len()),
        number(found.rand_index),
        interval(found.rand_index_interval),
        number(found.nmi),
        interval(found.nmi_interval)
    )
}

/// Text that no line ends within.
fn whole(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

/// What the graph's edges weigh, in words.
fn edges(modules: &Modules) -> String {
    let weight = modules.edge_weight.name();
    let per_layer = match modules.per_layer {
        true => ", per layer",
        false => "",
    };
    let between = match modules.granularity {
        Some(Granularity::Component) => " between components",
        Some(Granularity::Neuron) => " between channels and neurons",
        Some(Granularity::Weight) | None => "",
    };
    let measured = modules.measured_on.as_ref();
    let measured = measured.map_or_else(String::new, |on| format!(" ({})", clean(on)));
    format!("{weight}{per_layer}{measured}{between}")
}

fn wiring(wiring: &Wiring) -> String {
    let relocated = wiring.cost_after_relocation.zip(wiring.relocation.as_ref());
    let after = relocated.map_or_else(
        || "relocation was not asked for".to_owned(),
        |(after, found)| {
            format!(
                "{} after relocation of {} by {} ({}; outputs move by at most {} on the samples)",
                number(after),
                what_moves(found),
                found.method.name(),
                counted(found.swaps, "swap", "swaps"),
                number(found.max_abs_change)
            )
        },
    );
    let (lambda, l0) = (number(wiring.lambda), number(wiring.l0));
    format!("{} (λ = {lambda}, l0 = {l0}); {after}", number(wiring.cost))
}

fn table(caption: &str, partition: &[Assignment], modules: &Modules, sites: &Sites<'_>) -> Block {
    let group: BTreeMap<Place, usize> = partition
        .iter()
        .filter_map(|a| Some((sites.place(&a.site)?, a.module)))
        .collect();
    let is_inside = |wire: &Wire| group.contains_key(&wire.from) && group.contains_key(&wire.to);
    let mut wires = sites.surviving(modules.threshold);
    wires.retain(is_inside);
    let is_drawn = std::ptr::eq(partition, modules.partition.as_slice());
    let mut members: BTreeMap<usize, Vec<&String>> = BTreeMap::new();
    for assignment in partition {
        members
            .entry(assignment.module)
            .or_default()
            .push(&assignment.site);
    }
    if group.is_empty() {
        return by_name(caption, &members, is_drawn, sites);
    }
    let rows = members
        .iter()
        .map(|(module, members)| {
            let mut cells = vec![name(*module, is_drawn)];
            cells.extend(row(*module, members, &group, &wires, sites));
            cells
        })
        .collect();
    let columns = vec![
        words("Module"),
        numbers("Sites"),
        words("Inputs"),
        words("Hidden"),
        words("Outputs"),
        numbers("Edges inside"),
        numbers("Edges out"),
        numbers("Share of |w| inside"),
    ];
    Block::Table(Table::new(caption, "modules", columns, rows))
}

/// Modules of sites that are not drawn: heads and MLPs, or those of a large network.
fn by_name(
    caption: &str,
    members: &BTreeMap<usize, Vec<&String>>,
    is_drawn: bool,
    sites: &Sites<'_>,
) -> Block {
    let row = |(module, members): (&usize, &Vec<&String>)| {
        vec![
            name(*module, is_drawn),
            Cell::count(members.len()),
            Cell::word(sites.list(members.iter().copied(), 40)),
        ]
    };
    let columns = vec![numbers("Module"), numbers("Sites"), words("Which")];
    let rows = members.iter().map(row).collect();
    Block::Table(Table::new(caption, "modules", columns, rows))
}

fn row(
    module: usize,
    members: &[&String],
    group: &BTreeMap<Place, usize>,
    wires: &[Wire],
    sites: &Sites<'_>,
) -> Vec<Cell> {
    let mine = |place: &Place| group.get(place) == Some(&module);
    let (mut inside, mut out) = ((0, 0.0), (0, 0.0));
    for wire in wires {
        let sum = match (mine(&wire.from), mine(&wire.to)) {
            (true, true) => &mut inside,
            (false, false) => continue,
            _ => &mut out,
        };
        sum.0 += 1;
        sum.1 += wire.weight.abs();
    }
    let last = sites.layers().len().saturating_sub(1);
    let in_layers = |wanted: fn(usize, usize) -> bool| {
        let here = members
            .iter()
            .copied()
            .filter(|site| sites.place(site).is_some_and(|p| wanted(p.layer, last)));
        sites.list(here, 12)
    };
    let share = inside.1 / (inside.1 + out.1);
    vec![
        Cell::count(members.len()),
        Cell::word(in_layers(|layer, _| layer == 0)),
        Cell::word(in_layers(|layer, last| layer > 0 && layer < last)),
        Cell::word(in_layers(|layer, last| layer == last)),
        Cell::count(inside.0),
        Cell::count(out.0),
        Cell::shown(percent(share), share),
    ]
}

const RELOCATED: &str = "The same network with its neurons where their wiring is shortest, as far as \
     swaps find it: the function is the one above. Sites keep their names.";

fn null_caption(modules: &Modules) -> String {
    let words = modules.null.as_ref().map_or_else(String::new, null_words);
    format!(
        "Modularity of {words} (grey), each partitioned by the same algorithm, and of this network (line)."
    )
}

fn matrix_caption() -> &'static str {
    "How much weight runs from module to module: Σ |w| over the surviving weights whose writer is in the \
     row's module and whose reader is in the column's. What is off the diagonal joins modules."
}

fn lesion_caption() -> &'static str {
    "What ablating each module does to the network. Effect = metric(as is) − metric(module ablated); \
     random sets have as many sites in each layer as the module."
}

/// Module × output: what each module's ablation does to every output.
fn selectivity(modules: &Modules, first: &Selectivity, sites: &Sites<'_>) -> Block {
    let mut columns = vec![numbers("Module")];
    let names = first.outputs.iter().map(|site| sites.name(site));
    columns.extend(names.map(|name| numbers(&name)));
    columns.extend([
        words("Most"),
        numbers("Lead"),
        numbers("p"),
        numbers("p (Holm)"),
    ]);
    let row = |s: &&Selectivity| {
        let mut cells = vec![name(s.module, true)];
        cells.extend(
            s.effects
                .iter()
                .map(|effect| Cell::shown(percent(*effect), *effect)),
        );
        cells.extend([
            Cell::word(sites.name(&s.output)),
            Cell::shown(percent(s.lead), s.lead),
            Cell::number(s.p),
            Cell::number(s.p_holm),
        ]);
        cells
    };
    let unit = match first.metric {
        MetricKind::Accuracy => "accuracy lost",
        _ => "of what ablating all modules changes",
    };
    let caption = format!(
        "Harm of ablating each module to every output ({unit}, {} fill); lead: the output hurt most, \
         less the mean of the others, against {} random sets of as many sites per layer",
        first.fill,
        count(first.samples)
    );
    let rows = selective(modules).iter().map(row).collect();
    Block::Table(Table::new(caption, "selectivity", columns, rows))
}

fn lesions(modules: &Modules, sites: &Sites<'_>) -> Block {
    let row = |l: &Lesion| {
        vec![
            Cell::word(scope_words(l.scope)),
            name(l.module, l.scope == Scope::All),
            Cell::word(l.fill.name()),
            Cell::word(sites.metric(&l.metric)),
            Cell::number(l.metric_full),
            Cell::number(l.metric_lesioned),
            Cell::number(l.effect),
            Cell::shown(
                format!("{} ± {}", number(l.random_mean), number(l.random_sd)),
                l.random_mean,
            ),
            Cell::shown(
                p_value(l.p)
                    .trim_start_matches("p = ")
                    .trim_start_matches("p ")
                    .to_owned(),
                l.p,
            ),
            Cell::optional(l.p_holm),
            Cell::number(l.metric_alone),
        ]
    };
    let columns = vec![
        words("Partition"),
        numbers("Module"),
        words("Fill"),
        words("Metric"),
        numbers("As is"),
        numbers("Ablated"),
        numbers("Effect"),
        numbers("Random sets"),
        numbers("p"),
        numbers("p (Holm)"),
        numbers("Module alone"),
    ];
    let mut sorted: Vec<&Lesion> = modules.lesions.iter().collect();
    sorted.sort_by_key(|lesion| is_of_one_output(lesion));
    let draws = modules.lesions.first().map_or(0, |l| l.samples);
    let caption = format!(
        "Ablation of each module, against {} random sets of as many sites per layer (Holm: corrected for the modules of one partition, fill and metric)",
        count(draws)
    );
    Block::Table(Table::new(
        caption,
        "lesions",
        columns,
        sorted.into_iter().map(row).collect(),
    ))
}
