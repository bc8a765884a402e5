//! One sentence that says what was found, and the limit that a reader must know with it.

use crate::choice::Requested;
use crate::report::circuits::group::{self, Group, range, withheld};
use crate::report::english::{LEVEL, capital, counted, joined, plural, samples};
use crate::report::format::{count, count_words, measured, percent, short, times};
use crate::report::modules::words::measure_words;
use crate::report::network::figure::{MOST_BRIDGES, bridge_count};
use crate::report::page::opening::proved;
use crate::report::page::opening::said::Headline;
use crate::report::page::opening::stretch::{Stretch, stretch};
use crate::report::sites::{Sites, clean, plain, shortened};
use crate::result::{Audit, Circuit, Component, HeadlineTest, Modules, Prune, Split, Status, Task};

/// Most blocks whose outputs are named.
const MOST_NAMED: usize = 3;

/// The longest name in a headline, in characters.
const LONGEST: usize = 26;

/// Blocks are called nearly separate where cutting them apart moves no output by more than
/// this many tolerances: 10 % of its standard deviation by the default tolerance.
const NEARLY: f64 = 10.0;

fn said(status: Status, text: impl Into<String>, caveat: impl Into<String>) -> Headline {
    Headline {
        text: text.into(),
        caveat: caveat.into(),
        status,
    }
}

/// The headline of a result: what is broken before what was found.
#[must_use]
pub fn headline(audit: &Audit, sites: &Sites<'_>) -> Headline {
    let found = broken(audit)
        .or_else(|| other_network(audit))
        .or_else(|| audit.task.as_ref().and_then(no_task))
        .or_else(|| changed(audit))
        .or_else(|| first_proved(audit))
        .or_else(|| super::cut(audit).map(|prune| pruned(prune, audit, sites)))
        .or_else(|| circuits(&audit.circuits))
        .or_else(|| audit.modules.as_ref().map(modules))
        .unwrap_or_else(|| nothing(audit));
    match audit.checkpoint.tensors.ignored.len() {
        0 => found,
        ignored => Headline {
            caveat: format!(
                "Without {} {} that --ignore left out. {}",
                count(ignored),
                plural(ignored, "tensor", "tensors"),
                found.caveat
            ),
            ..found
        },
    }
}

fn broken(audit: &Audit) -> Option<Headline> {
    let is_broken = |f: &&crate::result::Finding| f.status == Status::Fails;
    let first = audit.findings.iter().find(is_broken)?;
    let text = format!("{}.", plain(&first.text).trim_end_matches('.'));
    let caveat = "No number below can be trusted before this is mended.";
    Some(said(Status::Fails, text, caveat))
}

fn other_network(audit: &Audit) -> Option<Headline> {
    let parity = audit.parity.as_ref().filter(|parity| !parity.holds)?;
    let caveat = format!(
        "On {} they differ by up to {}; up to {} counts as rounding.",
        counted(parity.samples, "sample", "samples"),
        short(parity.max_abs_difference),
        short(parity.allowed)
    );
    let text = "These are not the outputs that the data say this network has.";
    Some(said(Status::Fails, text, caveat))
}

fn no_task(task: &Task) -> Option<Headline> {
    let text = "This network does not do the task of these data.";
    let caveat = format!(
        "{} {}, and {} gives {}: what follows describes a network that knows nothing of them.",
        capital(task.metric.in_words()),
        measured(task.metric, task.value),
        clean(&task.baseline_of),
        measured(task.metric, task.baseline)
    );
    (!task.does_task).then(|| said(Status::NotShown, text, caveat))
}

fn first_proved(audit: &Audit) -> Option<Headline> {
    let (circuit, proved) = proved::first(audit)?;
    Some(proved::headline(circuit, proved, audit))
}

fn pruned(prune: &Prune, audit: &Audit, sites: &Sites<'_>) -> Headline {
    let (kept, total) = (count(prune.edges_kept), count(prune.edges_total));
    if let Some(flat) = stretch(prune) {
        return few(&flat, prune);
    }
    if prune.edges_kept == prune.edges_total {
        let all = match prune.edges_total {
            1 => "the one weight is".to_owned(),
            _ => format!("all {total} weights are"),
        };
        let text = match prune.requested {
            Requested::At(_) => format!("Nothing was pruned: {all} above the threshold."),
            Requested::Auto | Requested::AutoCertified => {
                format!("{} needed to keep the outputs the same.", capital(&all))
            }
        };
        return said(Status::Note, text, limit(prune, audit));
    }
    let work = match 2 * prune.edges_kept <= prune.edges_total {
        true => format!("{kept} of {total} weights do all the work"),
        false => format!("{kept} of {total} weights keep the outputs the same"),
    };
    match blocks(audit) {
        Blocks::Apart(parts) => {
            let text = format!(
                "{work}, in {} blocks{}.",
                number(parts),
                named(parts, sites)
            );
            let caveat = format!("The blocks share no weight. {}", limit(prune, audit));
            said(Status::Holds, text, caveat)
        }
        Blocks::Nearly(split) => {
            let parts = &split.components;
            let text = format!(
                "{work}, in {} nearly separate blocks{}.",
                number(parts),
                named(parts, sites)
            );
            said(Status::Holds, text, joining(split))
        }
        Blocks::One => said(Status::Holds, format!("{work}."), limit(prune, audit)),
    }
}

/// Far fewer weights than the tolerance asks for, over a wide range of thresholds.
fn few(flat: &Stretch, prune: &Prune) -> Headline {
    let text = format!(
        "{} of {} weights do almost all the work.",
        count(flat.edges_kept),
        count(prune.edges_total)
    );
    let caveat = format!(
        "Outputs then move by up to {} and the loss is {}, before {}; the tolerance asks for {} weights.",
        short(flat.change),
        short(flat.loss),
        prune.loss_before.map_or_else(String::new, short),
        count(prune.edges_kept)
    );
    said(Status::Holds, text, caveat)
}

fn changed(audit: &Audit) -> Option<Headline> {
    let prune = audit.prune.as_ref().filter(|prune| !prune.verified)?;
    let text = format!(
        "With {} of {} weights it is not the same network.",
        count(prune.edges_kept),
        count(prune.edges_total)
    );
    let ratios = prune.outputs.iter().map(|o| o.max_abs_change / o.tolerance);
    let worst = ratios.filter(|r| r.is_finite()).fold(0.0, f64::max);
    let how = match (worst > 1.0, prune.decision_agreement) {
        (true, _) | (false, None) => format!("{} the tolerance", times(worst)),
        (false, Some(share)) => format!("and only {} of the decisions stay", percent(share)),
    };
    let caveat = format!(
        "On {} the outputs move by up to {}, {how}.",
        samples(audit.data.as_ref()),
        short(prune.max_abs_change)
    );
    Some(said(Status::Fails, text, caveat))
}

/// Into what the pruned network falls.
enum Blocks<'a> {
    Apart(&'a [Component]),
    Nearly(&'a Split),
    One,
}

fn blocks(audit: &Audit) -> Blocks<'_> {
    let Some(modules) = &audit.modules else {
        return Blocks::One;
    };
    let parts = &modules.independence.components;
    if parts.len() > 1 && serve(parts) {
        return Blocks::Apart(parts);
    }
    let is_near = |split: &&Split| {
        split.threshold > modules.threshold
            && split.change_over_tolerance <= NEARLY
            && (1..=MOST_BRIDGES).contains(&bridge_count(split))
            && split.components.len() > 1
            && serve(&split.components)
    };
    let near = modules.independence.splits.iter().find(is_near);
    near.map_or(Blocks::One, Blocks::Nearly)
}

/// Whether every part computes something.
fn serve(parts: &[Component]) -> bool {
    parts.iter().all(|part| !part.outputs.is_empty())
}

fn number(parts: &[Component]) -> String {
    count_words(parts.len())
}

/// What each part is for, where that fits: `: one for a, one for b and c`.
fn named(parts: &[Component], sites: &Sites<'_>) -> String {
    let outputs = |part: &Component| {
        let names = part
            .outputs
            .iter()
            .map(|o| shortened(&sites.name(o), LONGEST));
        format!("one for {}", joined(&names.collect::<Vec<_>>()))
    };
    let is_short = parts.len() <= MOST_NAMED && parts.iter().all(|p| p.outputs.len() <= MOST_NAMED);
    match is_short {
        true => format!(
            ": {}",
            parts.iter().map(outputs).collect::<Vec<_>>().join(", ")
        ),
        false => String::new(),
    }
}

/// What still joins blocks, and what cutting it does.
fn joining(split: &Split) -> String {
    let weights = split.bridges.iter().map(|b| b.weight.abs());
    let number = bridge_count(split);
    format!(
        "{} faint {} (≤ {}) still {} them; cutting those too moves outputs by {} the tolerance.",
        capital(&count_words(number)),
        plural(number, "weight", "weights"),
        short(weights.fold(0.0, f64::max)),
        plural(number, "joins", "join"),
        times(split.change_over_tolerance)
    )
}

/// For which inputs that is known.
fn limit(prune: &Prune, audit: &Audit) -> String {
    match &prune.certificate {
        Some(proof) if proof.holds && proof.sound => {
            format!("Proved for every input of {}.", plain(&proof.domain))
        }
        _ => format!(
            "Checked on {}; not proved for other inputs.",
            samples(audit.data.as_ref())
        ),
    }
}

/// The circuits of the first method, where nothing was pruned.
fn circuits(all: &[Circuit]) -> Option<Headline> {
    let group = group::first(all)?;
    match group.circuits.as_slice() {
        [one] => Some(circuit(one)),
        _ => several(&group),
    }
}

/// Circuits of as many outputs.
fn several(group: &Group<'_>) -> Option<Headline> {
    let first = group.circuits.first()?;
    let outputs = group.circuits.len();
    let size = format!(
        "For each of {} outputs, {} of {}",
        count_words(outputs),
        group.size(),
        counted(first.edges_total, "edge", "edges")
    );
    let kept = group.circuits.iter().filter_map(|c| c.faithfulness);
    let kept: Vec<f64> = kept.filter(|f| f.is_finite()).collect();
    let text = match kept.is_empty() {
        true => format!("{size} were found as circuits."),
        false => format!(
            "{size} reach {} of what the network does.",
            range(kept.into_iter(), percent)
        ),
    };
    let (status, standing) = group.standing();
    let caveat = match status {
        Status::NotRun => "Not judged on other samples than they were found on.".to_owned(),
        _ => format!("{}.", capital(&standing)),
    };
    Some(said(status, text, caveat))
}

/// A circuit, beside the network.
fn circuit(first: &Circuit) -> Headline {
    let size = format!(
        "{} of {}",
        count(first.edges_kept),
        counted(first.edges_total, "edge", "edges")
    );
    let verb = |one, many| plural(first.edges_kept, one, many);
    let kept = first.faithfulness.filter(|f| f.is_finite());
    let text = match (kept, first.established) {
        (Some(_), Some(true)) => format!("{size} {} this task.", verb("does", "do")),
        (Some(f), _) => format!(
            "{size} {} {} of what the network does.",
            verb("reaches", "reach"),
            percent(f)
        ),
        (None, _) => format!("A circuit of {size} was found."),
    };
    let caveat = match (first.established, first.interval) {
        (Some(true), Some([low, high])) => format!(
            "Faithfulness {} to {} (95 %) on {} samples it was not found on.",
            short(low),
            short(high),
            count(first.samples)
        ),
        (Some(false), Some([low, high])) => format!(
            "Not established: on other samples the faithfulness is {} to {} (95 %), or a control does as well.",
            short(low),
            short(high)
        ),
        _ if withheld(first) => format!(
            "Not established: no interval of this metric ({}) on {} could be relied on.",
            first.metric,
            counted(first.samples, "sample", "samples")
        ),
        _ => "Not judged on other samples than it was found on.".to_owned(),
    };
    let status = match first.established {
        Some(true) => Status::Holds,
        _ => Status::NotShown,
    };
    said(status, text, caveat)
}

fn modules(modules: &Modules) -> Headline {
    let found = format!(
        "{} {}",
        capital(&count_words(modules.count)),
        plural(modules.count, "module", "modules")
    );
    let beside = |test: &HeadlineTest| {
        format!(
            "{} {} against {} ± {} of shuffled networks.",
            capital(measure_words(test.measure)),
            short(test.observed),
            short(test.mean),
            short(test.sd)
        )
    };
    match &modules.headline {
        Some(test) if test.is_blind() => said(
            Status::NotRun,
            format!("{found}."),
            "Whether these are more than chance gives was not tested: so few sites leave nothing to shuffle.",
        ),
        Some(test) if test.p <= LEVEL => said(
            Status::Holds,
            format!("{found}, set apart more than chance does it."),
            beside(test),
        ),
        Some(test) => said(
            Status::NotShown,
            format!("{found}, which chance may explain."),
            beside(test),
        ),
        None => said(
            Status::NotRun,
            format!("{found}."),
            "Whether these are more than chance gives was not asked.",
        ),
    }
}

fn nothing(audit: &Audit) -> Headline {
    let text = format!(
        "A network of {} parameters.",
        count(audit.checkpoint.parameters)
    );
    said(Status::NotRun, text, "Nothing more was asked of it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::MetricKind;
    use crate::report::sample;

    fn of(change: impl FnOnce(&mut Audit)) -> Headline {
        let mut audit = sample::audit();
        change(&mut audit);
        let sites = Sites::new(&audit.network);
        headline(&audit, &sites)
    }

    #[test]
    fn blocks_that_faint_weights_join_are_nearly_separate() {
        let found = of(|audit| {
            let split = &mut audit.modules.as_mut().expect("there").independence.splits[0];
            split.change_over_tolerance = 4.1;
        });
        assert_eq!(
            found.text,
            "9 of 24 weights do all the work, in two nearly separate blocks: one for (x1 + x3)³, one for x2² + sin(πx4)."
        );
        assert_eq!(
            found.caveat,
            "One faint weight (≤ 0.0093) still joins them; cutting those too moves outputs by 4.1 times the tolerance."
        );
    }

    #[test]
    fn what_is_broken_comes_first() {
        let task = |does_task| Task {
            metric: MetricKind::Accuracy,
            value: 0.1,
            baseline: 0.1,
            baseline_of: "chance".to_owned(),
            does_task,
        };
        let found = of(|audit| audit.task = Some(task(false)));
        assert_eq!(
            found.text,
            "This network does not do the task of these data."
        );
        assert_eq!(found.status, Status::NotShown);
        let found = of(|audit| {
            audit.task = Some(task(false));
            audit.findings[0].status = Status::Fails;
        });
        assert_eq!(
            (found.status, found.text.as_str()),
            (Status::Fails, "Neuron h1.0 has no edges.")
        );
    }

    #[test]
    fn a_broken_promise_is_the_headline() {
        let found = of(|audit| audit.prune.as_mut().expect("pruned").verified = false);
        assert_eq!(found.status, Status::Fails);
        assert_eq!(
            found.text,
            "With 9 of 24 weights it is not the same network."
        );
    }

    #[test]
    fn nothing_is_claimed_of_what_was_not_asked() {
        let found = of(|audit| {
            (audit.prune, audit.modules) = (None, None);
            audit.circuits.clear();
        });
        assert_eq!(found.status, Status::NotRun);
        let found = of(|audit| (audit.prune, audit.modules) = (None, None));
        assert!(found.text.contains("edges reach"), "{}", found.text);
        assert_eq!(
            found.caveat,
            "Not judged on other samples than they were found on."
        );
    }

    #[test]
    fn what_was_left_out_is_said() {
        let found = of(|audit| audit.checkpoint.tensors.ignored.push("head".to_owned()));
        assert!(
            found
                .caveat
                .starts_with("Without 1 tensor that --ignore left out.")
        );
    }
}
