//! At most five verdicts: what was asked, what came of it, a small picture, the evidence.

use crate::choice::{Level, Scope};
use crate::report::circuits::group as circuits;
use crate::report::english::{LEVEL, capital, counted, joined, plural};
use crate::report::format::{count_words, p_of_draws, short};
use crate::report::insight::words::frequencies;
use crate::report::modules::function::Together;
use crate::report::modules::lesions::is_of_one_output;
use crate::report::modules::words::{measure_words, selective};
use crate::report::page::opening::said::Verdict;
use crate::report::page::opening::{miniature, proved};
use crate::report::sites::{Sites, clean, plain};
use crate::result::{Audit, Certificate, HeadlineTest, Lesion, Modules, Prune, Status};

/// Most verdicts on the first screen.
pub const MOST: usize = 5;

/// The verdicts that a result has something for, in the order people ask.
pub(super) fn all(audit: &Audit, sites: &Sites<'_>) -> Vec<Verdict> {
    let (prune, modules) = (super::cut(audit), audit.modules.as_ref());
    if let Some((circuit, found)) = proved::first(audit) {
        let of_proof = proved::verdicts(circuit, found, audit);
        return prune
            .map(same_outputs)
            .into_iter()
            .chain(of_proof)
            .collect();
    }
    let all = [
        prune.map(same_outputs),
        modules.and_then(|modules| served(modules, sites).or_else(|| together(modules, sites))),
        modules.and_then(chance),
        circuit(audit),
        prune.map(proof),
    ];
    all.into_iter().flatten().take(MOST).collect()
}

fn same_outputs(prune: &Prune) -> Verdict {
    let gone = prune.edges_total.saturating_sub(prune.edges_kept);
    let ratios = prune.outputs.iter().map(|o| o.max_abs_change / o.tolerance);
    let worst = ratios.filter(|r| r.is_finite()).fold(0.0, f64::max);
    let decisions = match prune.decision_agreement {
        Some(share) if share >= 1.0 => ", same decisions",
        Some(_) => ", decisions not all the same",
        None => "",
    };
    Verdict {
        status: match prune.verified {
            true => Status::Holds,
            false => Status::Fails,
        },
        title: match (gone, prune.verified) {
            (0, _) => "Nothing pruned".to_owned(),
            (gone, true) => format!("Same outputs without {}", weights(gone)),
            (gone, false) => format!("Not the same without {}", weights(gone)),
        },
        text: format!(
            "largest change {} × tolerance{decisions}, on these samples",
            short(worst)
        ),
        miniature: miniature::changes(prune),
        is_wide: false,
        evidence: "pruning",
    }
}

fn weights(number: usize) -> String {
    counted(number, "weight", "weights")
}

/// Lesions of the drawn modules on single outputs, under the first fill.
fn of_outputs(modules: &Modules) -> Vec<&Lesion> {
    let of_one = |l: &&Lesion| l.scope == Scope::All && is_of_one_output(l);
    let fill = modules.lesions.iter().find(of_one).map(|l| l.fill);
    let same = |l: &&Lesion| Some(l.fill) == fill;
    modules.lesions.iter().filter(of_one).filter(same).collect()
}

fn served(modules: &Modules, sites: &Sites<'_>) -> Option<Verdict> {
    let lesions = of_outputs(modules);
    let first = lesions.first()?;
    let (metric, _) = first.metric.split_once(" of ")?;
    let title = match each_serves_one(modules) {
        true => "Each module serves one output",
        false => "What each module serves",
    };
    Some(Verdict {
        status: Status::Note,
        title: title.to_owned(),
        text: format!("{} without it ({} fill)", clean(metric), first.fill),
        miniature: super::lesions::lesions(&lesions, sites),
        is_wide: true,
        evidence: "lesions",
    })
}

/// A module has one frequency where this share of its embedding's variance is at it.
const ONE_FREQUENCY: f64 = 0.8;

/// What modules give together, and what tells them apart, where outputs are too many to be
/// told one by one.
fn together(modules: &Modules, sites: &Sites<'_>) -> Option<Verdict> {
    let found = Together::of(modules)?;
    let several = count_words(found.of.shares.len());
    let own = modules.insight.as_ref().map_or_else(Vec::new, frequencies);
    let is_own = own.len() == found.of.shares.len()
        && own.len() > 1
        && own.iter().all(|(.., share)| *share >= ONE_FREQUENCY);
    let numbers = |(_, frequency, _): &(usize, usize, f64)| frequency.to_string();
    let (title, told) = match is_own {
        true => (
            format!("{} modules, one frequency each", capital(&several)),
            format!(
                "frequencies {}; ",
                joined(&own.iter().map(numbers).collect::<Vec<_>>())
            ),
        ),
        false => (format!("What {several} modules do together"), String::new()),
    };
    let mut words = found.words();
    words.pop();
    Some(Verdict {
        status: Status::Note,
        title,
        text: format!(
            "{told}{} {}",
            sites.metric_in_words(&found.of.metric),
            joined(&words)
        ),
        miniature: miniature::together(&found.values),
        is_wide: false,
        evidence: "modules",
    })
}

/// Whether there are several modules, and each is shown to serve one output more than the others.
fn each_serves_one(modules: &Modules) -> bool {
    let tested = selective(modules);
    tested.len() > 1 && tested.iter().all(|module| module.p_holm <= LEVEL)
}

fn chance(modules: &Modules) -> Option<Verdict> {
    let test = modules.headline.as_ref()?;
    let asked = "More modular than chance?";
    let (status, title, told) = match (test.is_blind(), test.p <= LEVEL) {
        (true, _) => (Status::NotRun, asked, "nothing to shuffle: "),
        (false, true) => (Status::Holds, "More modular than chance", ""),
        (false, false) => (Status::NotShown, asked, "cannot tell: "),
    };
    Some(Verdict {
        status,
        title: title.to_owned(),
        text: format!(
            "{told}{} {}, shuffled {} ± {}, {}",
            measure_words(test.measure),
            short(test.observed),
            short(test.mean),
            short(test.sd),
            p_of_draws(test.p, test.samples)
        ),
        miniature: drawn(modules, test),
        is_wide: false,
        evidence: "chance",
    })
}

/// The null networks of the headline test, and this one among them.
fn drawn(modules: &Modules, test: &HeadlineTest) -> String {
    let measures = modules.measures.iter().filter(|m| m.name == test.measure);
    let mut nulls = measures.flat_map(|m| &m.nulls);
    let null = nulls.find(|null| null.model == test.null);
    null.map_or_else(String::new, |null| miniature::null(test.observed, null))
}

fn circuit(audit: &Audit) -> Option<Verdict> {
    let first = circuits::first(&audit.circuits)?;
    let many = if first.size() == "1" { 1 } else { 2 };
    let level = first.circuits.first()?.level;
    let unit = match level {
        Level::Edge => plural(many, "edge", "edges"),
        Level::Node => plural(many, "node", "nodes"),
    };
    let (status, standing) = first.standing();
    let title = match first.circuits.len() {
        1 => format!("A circuit of {} {unit}", first.size()),
        _ => format!("Circuits of {} {unit}", first.size()),
    };
    let kept = first
        .kept()
        .map_or_else(String::new, |kept| format!("faithfulness {kept}; "));
    Some(Verdict {
        status,
        title,
        text: format!("{kept}{standing}"),
        miniature: miniature::faithfulness(&first.circuits),
        is_wide: false,
        evidence: "circuits",
    })
}

fn proof(prune: &Prune) -> Verdict {
    let verdict = |status, title: &str, text: String| Verdict {
        status,
        title: title.to_owned(),
        text,
        miniature: prune
            .certificate
            .as_ref()
            .map_or_else(String::new, miniature::bounds),
        is_wide: false,
        evidence: "pruning",
    };
    let Some(found) = &prune.certificate else {
        let why = prune.not_certified.as_ref().map(|reason| plain(reason));
        let text = why.unwrap_or_else(|| "ask with --certify".to_owned());
        return verdict(Status::NotRun, "Other inputs: not proved", text);
    };
    let verdict = match (found.holds && found.sound, &found.counterexample) {
        (true, _) => verdict(
            Status::Holds,
            "Proved for other inputs too",
            format!(
                "every input of {}: at most {}",
                plain(&found.domain),
                short(found.bound)
            ),
        ),
        (false, Some(input)) => verdict(
            Status::Fails,
            "Refuted: an input changes too much",
            format!(
                "by {}, allowed {}",
                short(input.change),
                short(input.tolerance)
            ),
        ),
        (false, None) => verdict(
            Status::NotShown,
            "Other inputs: not proved",
            undecided(found),
        ),
    };
    Verdict {
        evidence: "certificate",
        ..verdict
    }
}

fn undecided(found: &Certificate) -> String {
    format!(
        "largest change between {} and {}",
        short(found.best_found),
        short(found.bound)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::{Fill, MetricKind};
    use crate::report::sample;
    use crate::result::Selectivity;

    fn titles(change: impl FnOnce(&mut Audit)) -> Vec<(Status, String)> {
        let mut audit = sample::audit();
        change(&mut audit);
        let sites = Sites::new(&audit.network);
        let verdicts = all(&audit, &sites);
        verdicts.into_iter().map(|v| (v.status, v.title)).collect()
    }

    #[test]
    fn verdicts_are_of_what_was_asked_alone() {
        let bare = titles(|audit| {
            (audit.prune, audit.modules) = (None, None);
            audit.circuits.clear();
        });
        assert_eq!(bare, []);
        let whole = titles(|_| ());
        assert_eq!(
            whole[0],
            (Status::Holds, "Same outputs without 15 weights".to_owned())
        );
        assert!(whole.iter().any(|(status, _)| *status == Status::Holds));
    }

    #[test]
    fn one_output_each_is_said_where_it_is_shown() {
        let mut modules = sample::thorough().modules.expect("there");
        let found = |p_holm: f64, module: usize| Selectivity {
            module,
            scope: Scope::All,
            fill: Fill::Zero,
            metric: MetricKind::Mse,
            outputs: vec!["y0".to_owned(), "y1".to_owned()],
            effects: vec![0.9, 0.1],
            output: "y0".to_owned(),
            lead: 0.8,
            p: 0.01,
            p_holm,
            samples: 100,
        };
        modules.selectivity = vec![found(0.02, 0), found(0.02, 1)];
        assert!(each_serves_one(&modules));
        modules.selectivity[1].p_holm = 0.2;
        assert!(!each_serves_one(&modules));
        modules.selectivity.truncate(1);
        assert!(!each_serves_one(&modules), "one of one");
    }

    #[test]
    fn a_broken_promise_is_red() {
        let found = titles(|audit| audit.prune.as_mut().expect("pruned").verified = false);
        assert_eq!(
            found[0],
            (Status::Fails, "Not the same without 15 weights".to_owned())
        );
    }
}
