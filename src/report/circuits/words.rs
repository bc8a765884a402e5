//! How small the circuits are and how much of each output they keep.

use std::collections::{BTreeMap, BTreeSet};

use super::group::{Group, groups, range, withheld};
use super::proved;
use crate::choice::{Against, ControlKind, Level, Method, Origin};
use crate::report::english::{counted, joined, plural};
use crate::report::format::{count, count_words, percent, short, typed};
use crate::report::sites::{Sites, clean};
use crate::result::{
    Audit, Circuit, CircuitStability, Control, Screening, Sentence, Status, UnderFill,
};

const TOPIC: &str = "Circuits";

pub(in crate::report) fn sentences(audit: &Audit, sites: &Sites<'_>) -> Vec<Sentence> {
    if audit.circuits.is_empty() {
        return vec![Sentence::new(
            TOPIC,
            Status::NotRun,
            "No circuits were looked for.",
        )];
    }
    let mut said = Vec::new();
    for group in groups(&audit.circuits) {
        said.push(sizes(&group));
        let proved = group.circuits.iter().flat_map(|c| proved::sentences(c));
        said.extend(proved.map(|(status, text)| {
            Sentence::new(TOPIC, status, text).from(group.evidence(&["proved"]))
        }));
        said.extend(established(&group));
        said.extend(searched(&group));
        said.extend(fills(&group));
        said.extend(screened(&group));
        said.extend(stable(&group));
        said.extend(decision(&group, audit, sites));
    }
    said
}

fn sizes(group: &Group<'_>) -> Sentence {
    let circuits = &group.circuits;
    let total = circuits.first().map_or(0, |c| c.edges_total);
    let size = group.size();
    let same = if group.methods.len() > 1 {
        "the same "
    } else {
        ""
    };
    let outputs = match circuits.len() {
        1 if same.is_empty() => "a circuit".to_owned(),
        1 => format!("{same}circuit"),
        n => format!("{same}{} circuits, one per output,", count_words(n)),
    };
    let verb = match group.methods[..] {
        [Origin::Given] => "is",
        [Origin::Found(Method::Exact | Method::Random)] => "give",
        [_] => "gives",
        _ => "give",
    };
    let unit = match circuits.first().map_or(Level::Edge, |c| c.level) {
        Level::Node => plural(total, "node", "nodes"),
        Level::Edge => plural(total, "edge", "edges"),
    };
    let text = format!(
        "{}{} {verb} {outputs} of {size} of {} {unit}{}{}{}{}.",
        group.name(),
        tau(group),
        count(total),
        kept_share(circuits),
        judged(circuits),
        agreement(circuits),
        recovered(circuits)
    );
    let fields = ["edges_kept", "faithfulness", "samples"];
    Sentence::new(TOPIC, Status::Note, text).from(group.evidence(&fields))
}

/// The threshold of ACDC, and what it is.
fn tau(group: &Group<'_>) -> String {
    if !group.methods.contains(&Origin::Found(Method::Acdc)) {
        return String::new();
    }
    let taus = group
        .circuits
        .iter()
        .filter(|c| c.method == Origin::Found(Method::Acdc) && c.parameter.is_finite());
    if taus.clone().next().is_none() {
        return String::new();
    }
    let taus = range(taus.map(|c| c.parameter), typed);
    format!(" (an edge stays if patching it moves the metric by at least τ = {taus})")
}

/// On which samples, and whether these are others than those of the discovery.
fn judged(circuits: &[&Circuit]) -> String {
    let Some(first) = circuits.first().filter(|c| !c.judged_on.is_empty()) else {
        return String::new();
    };
    let samples = range(circuits.iter().map(|c| c.samples as f64), |n| {
        count(n as usize)
    });
    let on = clean(&first.judged_on);
    match circuits.iter().all(|c| c.discovered_on == c.judged_on) {
        true => format!(
            ", on the same {samples} samples ({on}) that {} discovered on",
            they(circuits)
        ),
        false => format!(
            ", judged on {samples} other samples ({on}) than those {} discovered on ({})",
            they(circuits),
            clean(&first.discovered_on)
        ),
    }
}

fn they(circuits: &[&Circuit]) -> &'static str {
    plural(circuits.len(), "it was", "they were")
}

/// The share of decisions that circuits keep.
fn agreement(circuits: &[&Circuit]) -> String {
    let shares = circuits.iter().filter_map(|c| c.decision_agreement);
    if shares.clone().next().is_none() {
        return String::new();
    }
    format!("; decisions kept: {}", range(shares, percent))
}

/// Which circuits are established, and what that means.
fn established(group: &Group<'_>) -> Option<Sentence> {
    let circuits = &group.circuits;
    // What is proved for every input needs no other samples.
    if circuits
        .iter()
        .all(|c| c.controls.is_none() || c.proved.is_some())
    {
        return None;
    }
    let told: Vec<bool> = circuits.iter().filter_map(|c| c.established).collect();
    let (status, text, from) = match told.is_empty() {
        true => (Status::NotRun, not_judged(circuits), "judged_on"),
        false => {
            let yes = told.iter().filter(|yes| **yes).count();
            let (status, text) = verdict(circuits, yes);
            (status, text, "established")
        }
    };
    Some(Sentence::new(TOPIC, status, text).from(group.evidence(&[from])))
}

/// Why nothing is known of circuits on other samples.
fn not_judged(circuits: &[&Circuit]) -> String {
    match circuits.iter().find(|c| withheld(c)) {
        None => "Whether they stand on other samples was not judged: no samples were held out."
            .to_owned(),
        Some(circuit) => format!(
            "No interval is given and nothing established: on {}, 95 % intervals of this \
             metric ({}, {} fill) were found to hold the truth less often than that.",
            counted(circuit.samples, "sample", "samples"),
            circuit.metric,
            circuit.fill
        ),
    }
}

/// How many circuits are established, and what that means.
fn verdict(circuits: &[&Circuit], yes: usize) -> (Status, String) {
    let of = match circuits.len() {
        1 => "The circuit".to_owned(),
        n => format!("Of these {} circuits", count_words(n)),
    };
    let band = circuits
        .iter()
        .find_map(|c| c.band)
        .unwrap_or([f64::NAN; 2]);
    let means = format!(
        "the 95 % interval of the faithfulness lies within {} to {}, and every control is beaten",
        short(band[0]),
        short(band[1])
    );
    let missed = missed(circuits);
    match (yes, circuits.len()) {
        (1, 1) => (Status::Holds, format!("{of} is established: {means}.")),
        (0, 1) => (
            Status::NotShown,
            format!("{of} is not established: that asks that {means}{missed}."),
        ),
        (0, _) => (
            Status::NotShown,
            format!("{of} none is established: that asks that {means}{missed}."),
        ),
        (yes, n) => {
            let status = if yes == n {
                Status::Holds
            } else {
                Status::NotShown
            };
            let number = match yes {
                2 if n == 2 => "both".to_owned(),
                yes if yes == n => "all".to_owned(),
                yes => count_words(yes),
            };
            let verb = plural(yes, "is", "are");
            (
                status,
                format!("{of}, {number} {verb} established: {means}{missed}."),
            )
        }
    }
}

/// What circuits that are not established did not meet.
fn missed(circuits: &[&Circuit]) -> String {
    let not = circuits.iter().filter(|c| c.established != Some(true));
    let wide = |c: &&&Circuit| match (c.interval, c.band) {
        (Some([low, high]), Some([least, most])) => low < least || high > most,
        _ => false,
    };
    let beyond = not.clone().filter(wide).count();
    let mut parts = Vec::new();
    if beyond > 0 {
        parts.push(format!("interval beyond the band: {}", count(beyond)));
    }
    let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
    for circuit in not {
        let controls = circuit.controls.iter().flat_map(|controls| controls.run());
        for (name, _) in controls.filter(|(_, test)| !test.beaten) {
            *lost.entry(name).or_default() += 1;
        }
    }
    parts.extend(
        lost.iter()
            .map(|(name, n)| format!("not beyond {name}: {}", count(*n))),
    );
    if parts.is_empty() {
        return String::new();
    }
    format!(" ({})", parts.join("; "))
}

/// What the circuits are worth under other fills than their own.
fn fills(group: &Group<'_>) -> Option<Sentence> {
    let all: Vec<&Circuit> = group
        .circuits
        .iter()
        .copied()
        .filter(|c| !c.fills.is_empty())
        .collect();
    let first = all.first()?;
    let of_fill = |of: &UnderFill| {
        let under = all.iter().flat_map(|circuit| &circuit.fills);
        let known = under
            .filter(|under| (under.fill, under.draws) == (of.fill, of.draws))
            .filter_map(|u| u.faithfulness);
        let known: Vec<f64> = known.collect();
        let fill = match of.draws {
            1 => of.fill.to_string(),
            draws => format!(
                "{}, of {} the worst for each sample",
                of.fill,
                count_words(draws)
            ),
        };
        (!known.is_empty()).then(|| format!("{} under {fill}", range(known.into_iter(), short)))
    };
    let each: Vec<String> = first.fills.iter().filter_map(of_fill).collect();
    let kind = all
        .iter()
        .filter(|circuit| holds_for_a_kind_fill(circuit))
        .count();
    let verdict = match (kind, all.len()) {
        (0, _) => String::new(),
        (1, 1) => " It holds for a kind fill alone: within the band under its own, outside it \
                   under another."
            .to_owned(),
        (kind, all) => format!(
            " {} of {} hold for a kind fill alone: within the band under their own, outside it \
             under another.",
            count(kind),
            count(all)
        ),
    };
    let text = format!("Faithfulness by fill: {}.{verdict}", joined(&each));
    Some(Sentence::new(TOPIC, Status::Note, text).from(group.evidence(&["fills"])))
}

/// Whether a circuit is within its band under the fill it was found with, and not under
/// some other.
fn holds_for_a_kind_fill(circuit: &Circuit) -> bool {
    let Some([low, high]) = circuit.band else {
        return false;
    };
    let within = |f: f64| low <= f && f <= high;
    let under = |own: bool| {
        let fills = circuit
            .fills
            .iter()
            .filter(move |u| (u.fill == circuit.fill && u.draws == 1) == own);
        fills.filter_map(|u| u.faithfulness)
    };
    under(true).any(within) && under(false).any(|f| !within(f))
}

/// How many edges were settled by what, where they were screened.
fn screened(group: &Group<'_>) -> Option<Sentence> {
    let all = group.circuits.iter().filter_map(|c| c.screening.as_ref());
    let first = all.clone().next()?;
    let whole = |n: f64| count(n as usize);
    let of = |number: fn(&Screening) -> usize| range(all.clone().map(|s| number(s) as f64), whole);
    let each = match group.circuits.len() {
        1 => String::new(),
        n => format!(" for each of the {}", count_words(n)),
    };
    let text = format!(
        "Screened: {} edges{each} are settled by their estimate, {} by a patch, {} of which were \
         drawn at random to hold estimates against; an estimate is {} curvatures wide on either \
         side, beyond which an edge drawn likewise lies with a probability of at most {}. {} \
         estimates may be off by more than 20 %.",
        of(|s| s.estimated),
        of(|s| s.patched),
        of(|s| s.drawn),
        range(all.clone().map(|s| s.factor), short),
        percent(first.risk),
        of(|s| s.flagged),
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(group.evidence(&["screening"])))
}

/// Circuits of the same search where there is nothing to find, where they were asked for.
fn searched(group: &Group<'_>) -> Option<Sentence> {
    let controls = group.circuits.iter().filter_map(|c| c.controls.as_ref());
    let beside: Vec<&Control> = controls.flat_map(|c| &c.searched).collect();
    let first = beside.first()?;
    let of_kind = |kind: ControlKind| {
        let mine = beside
            .iter()
            .filter(|c| c.name == Against::Control(kind) && c.beaten.is_some());
        let all = mine.clone().count();
        let beaten = mine.filter(|c| c.beaten == Some(true)).count();
        let what = match kind {
            ControlKind::Shuffled => "shuffled weights",
            ControlKind::Untrained => "an untrained network",
            ControlKind::Nonsense => "permuted labels",
        };
        format!("{what} {} of {}", count(beaten), count(all))
    };
    let kinds: Vec<String> = ControlKind::each().map(of_kind).collect();
    let text = format!(
        "More faithful than the circuits of as many edges that the same search finds in {} of \
         each control: {}.",
        counted(first.errors.len(), "draw", "draws"),
        joined(&kinds)
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(group.evidence(&["controls/searched"])))
}

/// Whether other samples would have given the same circuits.
fn stable(group: &Group<'_>) -> Option<Sentence> {
    let stable = group.circuits.iter().filter_map(|c| c.stability.as_ref());
    let first = stable.clone().next()?;
    let whole = |n: f64| count(n as usize);
    let of = |number: fn(&CircuitStability) -> usize| {
        range(stable.clone().map(|s| number(s) as f64), whole)
    };
    let shared = range(stable.clone().map(|s| s.jaccard), percent);
    let each = match group.circuits.len() {
        1 => String::new(),
        n => format!(" of each of the {}", count_words(n)),
    };
    let text = format!(
        "Discovered again on {} resamples of the samples; edges{each} that are there in at least \
         95 % of them (the core): {}, in at least 5 %: {}; two resamples share {shared} of their \
         edges on average.",
        count(first.resamples),
        of(|s| s.core),
        of(|s| s.possible),
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(group.evidence(&["stability"])))
}

fn kept_share(circuits: &[&Circuit]) -> String {
    let known: Vec<f64> = circuits
        .iter()
        .filter_map(|c| c.faithfulness)
        .filter(|f| f.is_finite())
        .collect();
    let unknown = circuits.len() - known.len();
    let low = known.iter().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = match known.len() {
        0 => String::new(),
        _ if short(low) == short(high) => format!(", with a faithfulness of {}", short(low)),
        1 | 2 => format!(", with a faithfulness of {} to {}", short(low), short(high)),
        _ => format!(
            ", with a median faithfulness of {} ({} to {})",
            short(median(known)),
            short(low),
            short(high)
        ),
    };
    if unknown == 0 {
        return range;
    }
    if circuits.iter().all(|c| c.metric_full.is_nan()) {
        return ", not judged".to_owned();
    }
    let has = plural(unknown, "has", "have");
    format!(
        "{range}; {} {has} none, because patching everything changes nothing there",
        count_words(unknown)
    )
}

/// How a single circuit agrees with a known one.
fn recovered(circuits: &[&Circuit]) -> String {
    let [circuit] = circuits else {
        return String::new();
    };
    let Some(recovery) = &circuit.recovery else {
        return String::new();
    };
    let area = recovery.roc_area.map_or_else(String::new, |area| {
        format!(", area under the ROC curve {}", short(area))
    });
    format!(
        "; of the known circuit's {} edges it has {} %, and {} % of its own are known{area}",
        count(recovery.known),
        short(100.0 * recovery.recall),
        short(100.0 * recovery.precision)
    )
}

/// The middle value; of an even number, the upper of the two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// For classifiers: the outputs at which all circuits of a method end, where these are not all.
fn decision(group: &Group<'_>, audit: &Audit, sites: &Sites<'_>) -> Option<Sentence> {
    let circuits = &group.circuits;
    let is_classifier = circuits.iter().all(|c| c.metric.is_difference());
    let outputs: Vec<&String> = audit
        .network
        .layers
        .last()?
        .sites
        .iter()
        .map(|s| &s.site)
        .collect();
    let read: BTreeSet<&String> = circuits
        .iter()
        .flat_map(|c| &c.edges)
        .map(|e| &e.to)
        .filter(|to| outputs.contains(to))
        .collect();
    let silent: Vec<String> = outputs
        .iter()
        .filter(|o| !read.contains(*o))
        .map(|o| sites.name(o))
        .collect();
    if !is_classifier || silent.is_empty() || read.is_empty() || silent.len() > 6 {
        return None;
    }
    let carrying: Vec<String> = read.iter().map(|o| sites.name(o)).collect();
    let text = format!(
        "{}: no circuit has an edge into {}; within them {} alone {} the decision.",
        group.name(),
        joined(&silent),
        joined(&carrying),
        plural(carrying.len(), "carries", "carry")
    );
    Some(Sentence::new(TOPIC, Status::Note, text).from(["/circuits"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn said(change: impl FnOnce(&mut Audit)) -> Vec<String> {
        let mut audit = sample::audit();
        change(&mut audit);
        let sites = Sites::new(&audit.network);
        sentences(&audit, &sites)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn sizes_and_faithfulness_are_ranges_over_outputs() {
        assert_eq!(
            said(|_| ()),
            [
                "• Circuits: ACDC (an edge stays if patching it moves the metric by at least τ = 0.01) gives two circuits, one per output, of 3 to 4 of 24 edges, with a faithfulness of 0.98 to 1."
            ]
        );
    }

    #[test]
    fn faithfulness_that_cannot_be_had_is_told() {
        let text = said(|audit| audit.circuits[1].faithfulness = None);
        assert_eq!(
            text[0],
            "• Circuits: ACDC (an edge stays if patching it moves the metric by at least τ = 0.01) gives two circuits, one per output, of 3 to 4 of 24 edges, with a faithfulness of 0.98; one has none, because patching everything changes nothing there."
        );
    }

    #[test]
    fn one_logit_that_carries_the_decision_is_told() {
        let text = said(|audit| {
            for circuit in &mut audit.circuits {
                circuit.metric = crate::choice::MetricKind::LogitDiff;
                circuit.edges.retain(|edge| edge.to != "y0");
            }
        });
        assert_eq!(
            text[1],
            "• Circuits: ACDC: no circuit has an edge into x2² + sin(πx4); within them (x1 + x3)³ alone carries the decision."
        );
    }

    #[test]
    fn equal_circuits_are_said_once_with_both_names() {
        let text = said(|audit| {
            let again = audit.circuits.clone();
            audit.circuits.extend(again.into_iter().map(|c| Circuit {
                method: Origin::Found(Method::Exact),
                ..c
            }));
        });
        assert_eq!(text.len(), 1, "{text:?}");
        assert!(text[0].contains("ACDC and Exact effects"), "{}", text[0]);
        assert!(
            text[0].contains("give the same two circuits"),
            "{}",
            text[0]
        );
    }

    #[test]
    fn what_is_established_says_on_which_samples_and_what_was_missed() {
        let test = |beaten| {
            Some(crate::result::ControlTest {
                draws: 39,
                p: 0.025,
                beaten,
            })
        };
        let judged = |audit: &mut Audit, beaten: [bool; 2], held: bool| {
            for (circuit, beaten) in audit.circuits.iter_mut().zip(beaten) {
                circuit.discovered_on = "train".to_owned();
                circuit.judged_on = if held { "test" } else { "train" }.to_owned();
                circuit.band = Some([0.95, 1.05]);
                circuit.controls = Some(crate::result::CircuitControls {
                    random: test(beaten),
                    ..Default::default()
                });
                circuit.established = held.then_some(beaten);
            }
        };
        let text = said(|audit| judged(audit, [true, false], true));
        assert!(
            text[0].contains(
                "judged on 100 other samples (test) than those they were discovered on (train)"
            ),
            "{}",
            text[0]
        );
        assert_eq!(
            text[1],
            "? Circuits: Of these two circuits, one is established: the 95 % interval of the faithfulness lies within 0.95 to 1.05, and every control is beaten (not beyond random circuits: 1)."
        );
        let text = said(|audit| judged(audit, [true, true], true));
        assert!(
            text[1].starts_with("✓ Circuits: Of these two circuits, both are established"),
            "{}",
            text[1]
        );
        let text = said(|audit| judged(audit, [false, false], true));
        assert!(
            text[1].starts_with("? Circuits: Of these two circuits none is established"),
            "{}",
            text[1]
        );
        let text = said(|audit| judged(audit, [true, true], false));
        assert!(
            text[1].starts_with("– Circuits: Whether they stand"),
            "{}",
            text[1]
        );
    }
}
