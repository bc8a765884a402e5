//! The card of a stability run for a paper's appendix: what was varied and what came of it,
//! on a few lines, as a figure and as a table in LaTeX.

use super::figure::middle;
use super::words::{cut, edges_along, name, named, sites_along};
use crate::escape::latex as escaped;
use crate::order;
use crate::report::english::joined;
use crate::report::figures::canvas::{Figure, line, text, text_width};
use crate::report::format::{count, percent, short};
use crate::report::page::name_of;
use crate::report::sites::{clean, shortened};
use crate::result::{Analysed, Certified, Claim, Multiverse, Nonsense, OfSize};

const WIDTH: f64 = 760.0;
const ROW: f64 = 22.0;
const VALUES: f64 = 250.0;

/// Answers on the card; the tables have all.
const MOST: usize = 4;

/// Longest value of a row, in characters, before it goes on in the next.
const LONGEST: usize = 80;

/// A line of the card: what, and its value. No value: a heading.
type Row = (String, Option<String>);

fn row(term: &str, value: impl Into<String>) -> Row {
    (term.to_owned(), Some(value.into()))
}

fn rows(result: &Multiverse) -> Vec<Row> {
    let axes = &result.axes;
    let all =
        |term: &str, names: Vec<String>| (!names.is_empty()).then(|| row(term, joined(&names)));
    let mut rows = vec![row("network", name_of(&result.checkpoint.path))];
    let varied = [
        all("methods", named(&axes.methods)),
        all("fills", named(&axes.fills)),
        all("metrics", named(&axes.metrics)),
        all("selection", named(&axes.selections)),
        all("order", named(&axes.orders)),
        all("granularity", named(&axes.granularities)),
        all(
            "edges of a circuit",
            axes.sizes.iter().map(|size| count(*size)).collect(),
        ),
        all(
            "or faithfulness",
            axes.faithfulness.iter().copied().map(short).collect(),
        ),
        (axes.seeds > 1).then(|| row("draws of fills", count(axes.seeds))),
        Some(row(
            "sets of samples",
            format!(
                "{} (bootstrap), seed {}",
                count(axes.sample_sets),
                result.seed
            ),
        )),
    ];
    rows.extend(varied.into_iter().flatten());
    rows.extend(
        result
            .answers
            .iter()
            .take(MOST)
            .flat_map(|answer| of_answer(result, answer)),
    );
    rows.push(row(
        "made by",
        format!("{} {}", result.tool.name, result.tool.version),
    ));
    rows
}

/// What the analyses of one answer say, of the middle size.
fn of_answer(result: &Multiverse, answer: &Analysed) -> Vec<Row> {
    let Some(of) = middle(answer) else {
        return Vec::new();
    };
    let analyses = format!(
        "{}, of {} edges, on {} samples",
        count(answer.specifications),
        count(answer.edges_total),
        count(answer.samples)
    );
    let mut rows = vec![(name(result, answer), None), row("analyses", analyses)];
    rows.extend(agreement(of));
    let mut along: Vec<_> = edges_along(answer).collect();
    order::ascending(&mut along, |one| one.jaccard);
    let along: Vec<String> = along
        .iter()
        .map(|a| format!("{} {}", a.axis, percent(a.jaccard)))
        .collect();
    rows.extend((!along.is_empty()).then(|| row("shared along one axis", joined(&along))));
    let sites = sites_along(answer).map(percent);
    rows.extend(sites.map(|shared| row("sites shared by granularities", shared)));
    rows.extend(held_against(answer));
    rows.extend(of.certified.as_ref().map(certified));
    let share = |claim: &Claim| {
        let found = percent(claim.share);
        row(
            "claim",
            format!("{}: {found} of analyses", clean(&claim.claim)),
        )
    };
    rows.extend(answer.claims.iter().map(share));
    rows
}

/// The same analyses where there is nothing to find, and circuits on other samples.
fn held_against(answer: &Analysed) -> impl Iterator<Item = Row> {
    let arm = |term: &str, found: &Option<Nonsense>| {
        let found = found.as_ref()?;
        Some(row(term, percent(found.jaccard)))
    };
    let transfer = answer.transfer.as_ref().map(|transfer| {
        let same = format!(
            "{} of {} pairs do the same on {} samples held out",
            count(transfer.same),
            count(transfer.pairs),
            count(transfer.samples[2])
        );
        row("transfer", same)
    });
    let rows = [
        arm("shared, labels of others", &answer.nonsense),
        arm("shared, weights shuffled", &answer.shuffled),
        transfer,
    ];
    rows.into_iter().flatten()
}

fn certified(certified: &Certified) -> Row {
    let sides = format!(
        "{} edges in, {} out, {} abstained; confidence {}",
        count(certified.inside),
        count(certified.outside),
        count(certified.abstained),
        percent(certified.confidence)
    );
    row("certified", sides)
}

fn agreement(of: &OfSize) -> [Row; 2] {
    let term = match of.faithfulness {
        None => format!("of {}", cut(of)),
        Some(level) => format!("of faithfulness {}", short(level)),
    };
    let shared = format!(
        "two analyses share {} (mean Jaccard index {})",
        percent(of.jaccard),
        short(of.jaccard)
    );
    let edges = format!(
        "{} in ≥ 95 %, {} in ≥ 5 %; the modal circuit is that of {}",
        count(of.core),
        count(of.possible),
        percent(of.modal_share)
    );
    [row(&term, shared), row("edges", edges)]
}

/// The card as a figure.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "a few dozen rows")]
pub fn draw(result: &Multiverse) -> Figure {
    let rows = rows(result);
    let height = ROW * rows.len() as f64 + 50.0;
    let label = "What was varied, and what the analyses agree on";
    let mut figure = Figure::new("card", label, WIDTH, height);
    figure.add(text(
        10.0,
        24.0,
        "strong",
        "Would another analyst have found it?",
    ));
    for (k, (term, value)) in rows.iter().enumerate() {
        let y = 48.0 + ROW * k as f64;
        let Some(value) = value else {
            figure.add(line((10.0, y - 16.0), (WIDTH - 10.0, y - 16.0), "base"));
            figure.add(text(10.0, y, "strong", &shortened(term, LONGEST)));
            continue;
        };
        figure.add(text(10.0, y, "quiet", term));
        let room = WIDTH - VALUES - 10.0;
        let most = (LONGEST as f64 * room / text_width(value, 13.0).max(room)) as usize;
        figure.add(text(VALUES, y, "", &shortened(value, most.max(20))));
    }
    figure
}

/// The card as a table in LaTeX, `booktabs`.
#[must_use]
pub fn latex(result: &Multiverse) -> String {
    let line = |(term, value): &Row| match value {
        Some(value) => format!("{} & {} \\\\\n", escaped(term), escaped(value)),
        None => format!(
            "\\midrule\n\\multicolumn{{2}}{{l}}{{\\textbf{{{}}}}} \\\\\n",
            escaped(term)
        ),
    };
    let body: String = rows(result).iter().map(line).collect();
    format!(
        "% \\usepackage{{booktabs}}\n\\begin{{table}}\n\\caption{{Analyses of one circuit: what was varied, and what they agree on. Shared: edges of either of two that are in both.}}\n\\label{{tab:stability}}\n\\begin{{tabular}}{{lp{{0.68\\linewidth}}}}\n\\toprule\n{body}\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n"
    )
}
