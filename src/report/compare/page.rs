//! The page of a comparison.

use askama::Template;

use super::claims::{self, CLAIMS, Claim, Sorted};
use crate::choice::{Against, MetricKind};
use crate::report::compare::tables::mark;
use crate::report::compare::tables::mean_words;
use crate::report::compare::tables::test_words;
use crate::report::compare::words::{self as compared, Called};
use crate::report::english::sampled;
use crate::report::english::{counted, joined};
use crate::report::figures::Figure;
use crate::report::format::{count, percent, short};
use crate::report::page::Page;
use crate::report::page::blocks::{
    Block, Cell, Column, Fact, Section, Shown, Table, numbers, words as text,
};
use crate::report::page::opening::{Opening, Verdict};
use crate::report::ranking;
use crate::report::sites::{clean, plain};
use crate::result::{Better, ComparedMeasure, ComparedNetwork, Comparison, Sentence};

/// Renders the page.
pub fn render(comparison: &Comparison, figures: &[Figure]) -> askama::Result<String> {
    let said = compared::summary(comparison);
    let page = Page {
        kind: "Comparison",
        title: title(comparison),
        subtitle: subtitle(comparison),
        opening: Some(opening(comparison, figures, said.len())),
        sections: sections(comparison, figures, said),
        json: "compare.json".to_owned(),
        tool: format!(
            "{} {}",
            clean(&comparison.tool.name),
            clean(&comparison.tool.version)
        ),
        command: plain(&comparison.command.join(" ")),
        carried: crate::report::page::carried(comparison).map_err(askama::Error::custom)?,
        ..Page::bare()
    };
    page.render()
}

fn title(comparison: &Comparison) -> String {
    let regimes = counted(comparison.groups.len(), "regime", "regimes");
    match &comparison.task {
        Some(task) => format!("{}: {regimes}", clean(task)),
        None => regimes,
    }
}

fn subtitle(comparison: &Comparison) -> String {
    let widths: Vec<String> = comparison.layers.iter().map(ToString::to_string).collect();
    format!(
        "{} · {} · {}",
        counted(comparison.networks.len(), "network", "networks"),
        widths.join("–"),
        sampled(&comparison.data)
    )
}

/// What is shown of each claim, the networks, and how many circuits stand.
fn opening(comparison: &Comparison, figures: &[Figure], sentences: usize) -> Opening {
    let verdict = |(claim, sorted): &(&Claim, Sorted)| Verdict {
        status: sorted.status(),
        title: claim.title(),
        text: format!("{}.", sorted.words()),
        miniature: String::new(),
        is_wide: true,
        evidence: "claims",
    };
    let mut verdicts: Vec<Verdict> = claims::sorted(comparison).iter().map(verdict).collect();
    verdicts.extend(Called::of(comparison).map(|called| Verdict {
        status: called.status,
        title: format!("{} circuits stand their controls", called.counts),
        text: format!("{}.", joined(&called.shares)),
        miniature: String::new(),
        is_wide: true,
        evidence: "controls",
    }));
    let figure = figures.iter().find(|figure| figure.name == "claims");
    let figure = figure.or_else(|| figures.iter().find(|figure| figure.name == "networks"));
    let narrow = figure.and_then(|_| super::dots::narrow(comparison));
    Opening::of(claims::headline(comparison), figure, verdicts, sentences).for_phones(narrow)
}

fn sections(comparison: &Comparison, figures: &[Figure], said: Vec<Sentence>) -> Vec<Section> {
    let all = [
        claims(comparison),
        networks(figures),
        ranking::section(comparison.ranking.as_ref()),
        measures(comparison),
        fronts(figures),
        differences(figures),
        controls(comparison),
        hypotheses(comparison),
        overlap(comparison),
        each(comparison),
        evidence(comparison, said),
    ];
    all.into_iter().filter(|s| !s.blocks.is_empty()).collect()
}

/// Regime × claim: what was published of the reference, and whether it is shown here.
fn claims(comparison: &Comparison) -> Section {
    let reference = claims::reference(comparison);
    let row = |(regime, cells): (String, Vec<claims::Judged>)| {
        let judged = cells.into_iter().map(|cell| {
            let class = cell.status.class();
            // No line ends within "n = 8".
            Cell::word(cell.text.replace(" = ", "\u{a0}=\u{a0}")).with_class(class)
        });
        std::iter::once(Cell::word(regime)).chain(judged).collect()
    };
    let rows: Vec<Vec<Cell>> = claims::matrix(comparison).into_iter().map(row).collect();
    let mut columns = vec![text(&format!("{reference} against"))];
    columns.extend(CLAIMS.iter().map(|claim| text(claim.words)));
    let reading = format!(
        "Each cell: mean difference ({reference} less the other) with its 95 % interval, the permutation test \
         corrected over the regimes, and the number of networks or pairs. ✓ shown, ? not shown, – not tested."
    );
    let table = Table {
        csv: "",
        ..Table::new("Claims by regime", "", columns, rows.clone()).open()
    };
    Section {
        id: "claims",
        title: "What is shown",
        blocks: match rows.is_empty() {
            true => Vec::new(),
            false => vec![Block::Table(table), Block::Text(reading)],
        },
    }
}

/// Every sentence and what was held equal, folded away.
fn evidence(comparison: &Comparison, said: Vec<Sentence>) -> Section {
    let first = |said: &Sentence| said.evidence.first().map_or("", |pointer| anchor(pointer));
    Section::evidence(vec![
        Block::every_sentence(said, first),
        Block::Drawer(conventions(comparison)),
    ])
}

/// The part of the page that shows what a pointer leads to.
fn anchor(pointer: &str) -> &'static str {
    match pointer.starts_with("/measures") {
        true => "numbers",
        false => "",
    }
}

fn figure(figures: &[Figure], name: &str, caption: &str) -> Option<Block> {
    let found = figures.iter().find(|f| f.name == name)?;
    Some(Block::Figure(Shown::new(found, caption)))
}

fn networks(figures: &[Figure]) -> Section {
    let caption = "Every network at the threshold where it is verified unchanged on the samples; at \
                   most its strongest edges are drawn (below it, how many of how many), all networks \
                   at one scale. Blue is positive, \
                   red negative; inputs below, outputs above.";
    Section {
        id: "networks",
        title: "The networks",
        blocks: figure(figures, "networks", caption)
            .into_iter()
            .chain([Block::Place("pair-view", "")])
            .collect(),
    }
}

/// Every number by regime: one table per kind of operating point.
fn measures(comparison: &Comparison) -> Section {
    let mut kinds: Vec<&str> = Vec::new();
    for measure in &comparison.measures {
        let (kind, _) = kind_and_rest(measure);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let reference = comparison.groups.first().map_or("", |g| g.name.as_str());
    let intro = format!(
        "Means over seeds ± half the 95 % interval of the mean (Student's t). ▲ {} is better than \
         this regime, ▼ worse: two-sided permutation test, paired by seed where seeds agree, Holm \
         within each row, at most {}. ↓ lower is better, ↑ higher is. The same as tables for a \
         paper: tables/compare.md and tables/compare.tex.",
        clean(reference),
        comparison.settings.level
    );
    let mut blocks = vec![Block::Text(intro)];
    blocks.extend(kinds.iter().map(|kind| {
        let of_kind = |m: &&ComparedMeasure| kind_and_rest(m).0 == *kind;
        let rows: Vec<&ComparedMeasure> = comparison.measures.iter().filter(of_kind).collect();
        by_regime(comparison, kind, &rows)
    }));
    blocks.push(tests(comparison));
    Section {
        id: "numbers",
        title: "Numbers by regime",
        blocks,
    }
}

/// The kind of a measure's operating point, and which one of it.
fn kind_and_rest(measure: &ComparedMeasure) -> (&str, &str) {
    let point = measure.info.point.as_str();
    point.split_once(": ").unwrap_or((point, ""))
}

fn by_regime(comparison: &Comparison, kind: &str, measures: &[&ComparedMeasure]) -> Block {
    let mut columns = vec![text("measure")];
    columns.extend(comparison.groups.iter().map(|g| numbers(&clean(&g.name))));
    let row = |m: &&ComparedMeasure| {
        let arrow = match m.info.better {
            Better::Lower => " ↓",
            Better::Higher => " ↑",
            Better::Neither => "",
        };
        let rest = match kind_and_rest(m).1 {
            "" => String::new(),
            rest => format!("{}: ", plain(rest)),
        };
        let title = format!("{rest}{}{arrow}", plain(&m.info.title));
        let mut cells = vec![Cell::word(title)];
        cells.extend(m.groups.iter().enumerate().map(|(place, group)| {
            let test = place.checked_sub(1).and_then(|t| m.tests.get(t));
            let level = comparison.settings.level;
            let mark = test.map_or("", |t| mark(m.info.better, t, level));
            Cell::shown(
                format!("{}{mark}", mean_words(group)),
                group.mean.unwrap_or(f64::NEG_INFINITY),
            )
        }));
        cells
    };
    let rows = measures.iter().map(row).collect();
    Block::Table(Table::whole(plain(kind), "measures", columns, rows))
}

/// The differences with their tests, folded away.
fn tests(comparison: &Comparison) -> Block {
    let others = comparison.groups.iter().skip(1);
    let mut columns = vec![text("measure"), text("at")];
    columns.extend(others.map(|g| numbers(&format!("less {}", clean(&g.name)))));
    let rows = comparison.measures.iter().map(|m| {
        let mut row = vec![
            Cell::word(clean(&m.info.title)),
            Cell::word(clean(&m.info.point)),
        ];
        row.extend(
            m.tests
                .iter()
                .map(|t| Cell::shown(test_words(t), t.difference.unwrap_or(f64::NEG_INFINITY))),
        );
        row
    });
    let table = Table::whole(
        "Differences of the reference from each regime: mean, 95 % interval, p after Holm",
        "tests",
        columns,
        rows.collect(),
    );
    Block::Folded(
        "All differences with their tests".to_owned(),
        vec![Block::Table(table)],
    )
}

fn fronts(figures: &[Figure]) -> Section {
    let gap = "Gap against sparsity: means over each regime's networks, for circuits by exact \
               effects of the same number of edges. The line joins what no regime beats on both.";
    let faithful = "Faithfulness against edges, in the same way.";
    let second = figure(figures, "front-faithfulness", faithful)
        .map(|block| Block::Folded("By faithfulness".to_owned(), vec![block]));
    let first = figure(figures, "front-gap", gap);
    Section {
        id: "fronts",
        title: "Fronts",
        blocks: first.into_iter().chain(second).collect(),
    }
}

/// Differences that are shown at once.
const UNFOLDED: usize = 3;

fn differences(figures: &[Figure]) -> Section {
    let plots = figures.iter().filter(|f| f.name.starts_with("difference-"));
    let caption = "Left of 0: the reference has the lower number.";
    let mut blocks: Vec<Block> = plots
        .map(|f| Block::Figure(Shown::new(f, caption)))
        .collect();
    if blocks.len() > UNFOLDED {
        let rest = blocks.split_off(UNFOLDED);
        blocks.push(Block::Folded("More differences".to_owned(), rest));
    }
    Section {
        id: "differences",
        title: "Differences",
        blocks,
    }
}

fn controls(comparison: &Comparison) -> Section {
    let mut columns = vec![
        text("network"),
        text("output"),
        numbers("edges"),
        numbers("|1 − faithfulness|"),
    ];
    columns.extend(Against::each().map(|against| numbers(against.name())));
    columns.push(text("called a circuit"));
    let circuits = comparison
        .networks
        .iter()
        .flat_map(|n| n.circuits.iter().map(move |c| (n, c)));
    let rows = circuits.map(|(n, c)| {
        let mut row = vec![
            Cell::word(clean(&n.name)),
            Cell::word(clean(&c.output_name)),
            Cell::count(c.edges_kept),
            Cell::optional(c.faithfulness.map(|f| (1.0 - f).abs())),
        ];
        row.extend(Against::each().map(|name| {
            let control = c.controls.iter().find(|k| k.name == name);
            let error = control.and_then(|k| k.errors.iter().flatten().copied().reduce(f64::min));
            let class = match control.and_then(|k| k.beaten) {
                Some(true) => "holds",
                Some(false) => "fails",
                None => "",
            };
            Cell::optional(error).with_class(class)
        }));
        let called = if c.is_circuit { "yes" } else { "no" };
        row.push(Cell::word(called));
        row
    });
    let intro = "A sparse set of edges can look faithful where there is nothing to find. Each circuit \
                 stands beside the best of its controls at its own size: random circuits made of \
                 paths, circuits by the same search in the same weights shuffled within each layer, \
                 in a network that was never trained, and for labels permuted over the samples. \
                 Green is beaten (of random circuits: 95 % of them), red is not.";
    let table = Table::new(
        "Circuits beside the best draw of each control: |1 − faithfulness|",
        "controls",
        columns,
        rows.collect(),
    );
    Section {
        id: "controls",
        title: "Controls",
        blocks: if table.rows.is_empty() {
            Vec::new()
        } else {
            vec![Block::Text(intro.to_owned()), Block::Table(table)]
        },
    }
}

/// The tests of the first network of each regime in sentences; all are in the JSON.
fn hypotheses(comparison: &Comparison) -> Section {
    let intro = "Claims about a circuit, each with its test (Shi et al. 2024). That a claim stands \
                 means that these samples do not speak against it (equivalence, independence), or that \
                 the test is passed (the others). Level 0.05; minimality is corrected over edges.";
    let mut blocks = vec![Block::Text(intro.to_owned())];
    for group in &comparison.groups {
        let Some(network) = comparison.networks.iter().find(|n| n.group == group.name) else {
            continue;
        };
        if !network.circuits.is_empty() {
            let summary = format!("What the tests say of {}", clean(&network.name));
            blocks.push(Block::Folded(summary, vec![sentences(network)]));
        }
    }
    Section {
        id: "hypotheses",
        title: "Hypothesis tests",
        blocks: if blocks.len() > 1 { blocks } else { Vec::new() },
    }
}

fn sentences(network: &ComparedNetwork) -> Block {
    let columns = vec![
        text("output"),
        text("claim"),
        text("stands"),
        text("what it says"),
    ];
    let rows = network.circuits.iter().flat_map(|c| {
        c.hypotheses.iter().map(|h| {
            let (word, class) = match h.stands {
                Some(true) => ("yes", "holds"),
                Some(false) => ("no", "fails"),
                None => ("not tested", ""),
            };
            vec![
                Cell::word(clean(&c.output_name)),
                Cell::word(h.name.name().replace('-', " ")),
                Cell::word(word).with_class(class),
                Cell::word(plain(&h.sentence)),
            ]
        })
    });
    let rows: Vec<Vec<Cell>> = rows.collect();
    Block::Table(Table::whole(
        clean(&network.name),
        "hypotheses",
        columns,
        rows,
    ))
}

fn overlap(comparison: &Comparison) -> Section {
    let mut blocks = Vec::new();
    if let Some(overlap) = &comparison.overlap {
        let intro = format!(
            "Neurons are matched {}. The Jaccard index of two circuits is the share of the edges (or \
             hidden neurons) in either that are in both; by chance: with neurons matched at random. A \
             neuron is universal if every other network of its regime has one with a {} of \
             at least {}.",
            plain(&overlap.matching),
            plain(&overlap.likeness),
            overlap.universal_from
        );
        blocks.push(Block::Text(intro));
        let columns: Vec<Column> = std::iter::once(text("regime"))
            .chain(
                [
                    "pairs",
                    "likeness",
                    "edges",
                    "by chance",
                    "hidden neurons",
                    "by chance",
                    "live neurons a network",
                    "universal",
                ]
                .map(numbers),
            )
            .collect();
        let rows = overlap.groups.iter().map(|g| {
            let live: usize = g.universal.iter().map(|u| u.live).sum();
            let same: usize = g.universal.iter().map(|u| u.universal.len()).sum();
            #[allow(clippy::cast_precision_loss, reason = "shown rounded")]
            let (live, same, networks) = (live as f64, same as f64, g.universal.len() as f64);
            let share = same / live.max(1.0);
            vec![
                Cell::word(clean(&g.group)),
                Cell::count(g.pairs),
                Cell::optional(g.correlation),
                Cell::optional(g.edges),
                Cell::optional(g.edges_by_chance),
                Cell::optional(g.nodes),
                Cell::optional(g.nodes_by_chance),
                Cell::shown(short(live / networks.max(1.0)), live),
                Cell::shown(percent(share), share),
            ]
        });
        let rows: Vec<Vec<Cell>> = rows.collect();
        blocks.push(Block::Table(Table::whole(
            "Circuits of the same answer, across the seeds of a regime",
            "overlap",
            columns,
            rows,
        )));
    }
    Section {
        id: "overlap",
        title: "Overlap",
        blocks,
    }
}

/// Every network with the numbers that the summary speaks of.
fn each(comparison: &Comparison) -> Section {
    const KEYS: [&str; 9] = [
        "loss",
        "accuracy",
        "edges_at_tolerance",
        "modularity",
        "exact_edges",
        "exact_gap",
        "acdc_edges",
        "acdc_seconds",
        "circuits_called",
    ];
    let shown: Vec<&ComparedMeasure> = KEYS
        .iter()
        .filter_map(|key| comparison.measures.iter().find(|m| m.info.key == *key))
        .collect();
    let mut columns = vec![text("network"), text("regime"), numbers("seed")];
    columns.extend(shown.iter().map(|m| numbers(&clean(&m.info.title))));
    let rows = comparison.networks.iter().map(|n| {
        let mut row = vec![
            Cell::word(clean(&n.name)),
            Cell::word(clean(&n.group)),
            Cell::shown(
                n.seed.map_or_else(|| "–".to_owned(), |s| s.to_string()),
                0.0,
            ),
        ];
        let value = |m: &&ComparedMeasure| {
            let value = n.values.get(&m.info.key).copied().flatten();
            match (value, n.intervals.get(&m.info.key)) {
                (Some(value), Some([low, high])) => {
                    let text = format!("{} [{}, {}]", short(value), short(*low), short(*high));
                    Cell::shown(text, value)
                }
                _ => Cell::optional(value),
            }
        };
        row.extend(shown.iter().map(value));
        row
    });
    let caption = "Every network; in brackets 95 % bootstrap intervals over the samples";
    let table = Table::new(caption, "networks", columns, rows.collect());
    Section {
        id: "each",
        title: "Each network",
        blocks: vec![Block::Table(table)],
    }
}

fn conventions(comparison: &Comparison) -> Section {
    let fact = |(term, text): (&'static str, String)| Fact::new(term, text);
    let meant = MEANT.map(|(term, text)| (term, text.to_owned()));
    let drawn = format!(
        "{} draws of each of shuffled, untrained and nonsense; 199 random circuits",
        comparison.settings.control_draws
    );
    let last = [
        ("controls", drawn),
        ("seed", comparison.seed.to_string()),
        ("not compared", NOT_COMPARED.to_owned()),
    ];
    let all = held(comparison).into_iter().chain(meant).chain(last);
    Section {
        id: "conventions",
        title: "What was held equal",
        blocks: vec![Block::Facts(all.map(fact).collect())],
    }
}

const NOT_COMPARED: &str = "inference and discovery times are of this machine and this run; training \
     times and memory are what the configurations say; the memory of this run is that of all networks \
     together and not told apart";

/// What measures mean.
const MEANT: [(&str, &str); 3] = [
    (
        "polysemanticity",
        "in how many outputs' circuits a neuron that is in any takes part; 1 is one each",
    ),
    (
        "n-cut",
        "Σ over modules of the weight that leaves it over the weight at its sites",
    ),
    (
        "wiring cost",
        "Σ |w| (distance + 0.1), the same for all regimes, at the places of training",
    ),
];

/// What was the same for all networks.
fn held(comparison: &Comparison) -> Vec<(&'static str, String)> {
    let settings = &comparison.settings;
    vec![
        (
            "samples",
            format!(
                "{} of {}, the same for all networks",
                count(comparison.data.samples),
                plain(&comparison.data.path)
            ),
        ),
        (
            "equal tolerance",
            format!(
                "threshold {}; unchanged: {}",
                clean(&settings.threshold),
                clean(&settings.tolerance)
            ),
        ),
        (
            "equal threshold",
            format!(
                "weights below {} pruned in all networks",
                settings.equal_threshold
            ),
        ),
        (
            "circuits",
            format!(
                "metric {}, fill {}; faithful: |1 − faithfulness| ≤ {}; sizes by exact effects of the \
                 pruned network",
                settings.metric.map_or("none", MetricKind::name),
                settings.fill.name(),
                settings.within
            ),
        ),
        (
            "relative gap",
            format!("mean |circuit − network| over {}", settings.scale),
        ),
    ]
}
