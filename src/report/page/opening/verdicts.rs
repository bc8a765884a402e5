//! At most five verdicts: what was asked, what came of it, a small picture, the evidence.

use std::collections::BTreeSet;

use crate::choice::Scope;
use crate::report::circuits::words as circuits;
use crate::report::format::{count, p_of_draws, short};
use crate::report::modules::lesions::is_of_one_output;
use crate::report::page::opening::miniature;
use crate::report::sites::{Sites, clean, plain};
use crate::report::words::LEVEL;
use crate::result::{Audit, Certificate, Lesion, Modules, Prune, Status};

/// Most verdicts on the first screen.
pub const MOST: usize = 5;

/// A module serves an output when removing it does at least this share of what the removal
/// of any module does to it.
const SERVES: f64 = 0.1;

/// One verdict.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it says of its claim.
    pub status: Status,
    /// The claim, in a few words.
    pub title: String,
    /// Its numbers.
    pub text: String,
    /// A small drawing; empty where there is nothing to draw.
    pub miniature: String,
    /// Whether the drawing needs the width of the column.
    pub is_wide: bool,
    /// Anchor of its evidence on the page.
    pub evidence: &'static str,
}

/// The verdicts that a result has something for, in the order people ask.
pub(super) fn all(audit: &Audit, sites: &Sites<'_>) -> Vec<Verdict> {
    let prune = audit.prune.as_ref();
    let modules = audit.modules.as_ref();
    let all = [
        prune.map(same_outputs),
        modules.and_then(|modules| served(modules, sites)),
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
            (gone, true) => format!("Same outputs without {} weights", count(gone)),
            (gone, false) => format!("Not the same without {} weights", count(gone)),
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
    let title = match each_serves_one(&lesions) {
        true => "Each module serves one output",
        false => "What each module serves",
    };
    Some(Verdict {
        status: Status::Note,
        title: title.to_owned(),
        text: format!("{} without it ({} fill)", clean(metric), first.fill),
        miniature: miniature::lesions(&lesions, sites),
        is_wide: true,
        evidence: "lesions",
    })
}

/// Whether there are several modules and none serves several outputs.
fn each_serves_one(lesions: &[&Lesion]) -> bool {
    let modules: BTreeSet<usize> = lesions.iter().map(|l| l.module).collect();
    let largest = |metric: &str| {
        let of_it = lesions.iter().filter(|l| l.metric == metric);
        of_it.map(|l| l.effect.abs()).fold(0.0, f64::max)
    };
    let serves = |module: usize| {
        let mine = lesions.iter().filter(|l| l.module == module);
        mine.filter(|l| l.effect.abs() > SERVES * largest(&l.metric))
            .count()
    };
    modules.len() > 1 && modules.iter().all(|module| serves(*module) == 1)
}

fn chance(modules: &Modules) -> Option<Verdict> {
    let null = modules.null.as_ref()?;
    let (status, title) = match null.p <= LEVEL {
        true => (Status::Holds, "More modular than chance"),
        false => (Status::NotShown, "More modular than chance?"),
    };
    let told = if status == Status::NotShown {
        "cannot tell: "
    } else {
        ""
    };
    Some(Verdict {
        status,
        title: title.to_owned(),
        text: format!(
            "{told}Q {}, shuffled {} ± {}, {}",
            short(modules.modularity),
            short(null.mean),
            short(null.sd),
            p_of_draws(null.p, null.samples)
        ),
        miniature: miniature::null(modules.modularity, null),
        is_wide: false,
        evidence: "chance",
    })
}

fn circuit(audit: &Audit) -> Option<Verdict> {
    let first = circuits::first(&audit.circuits)?;
    let unit = match audit.network.layers.is_empty() {
        true => "edges",
        false => "weights",
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
    use crate::report::sample;

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
    fn one_output_each_is_said_where_it_is_so() {
        let lesion = |module: usize, output: &str, effect: f64| Lesion {
            module,
            metric: format!("mse of {output}"),
            effect,
            scope: Scope::All,
            ..sample::audit().modules.expect("there").lesions[0].clone()
        };
        let apart = [
            lesion(0, "y0", -9.0),
            lesion(0, "y1", 0.01),
            lesion(1, "y0", 0.1),
            lesion(1, "y1", -2.0),
        ];
        assert!(each_serves_one(&apart.iter().collect::<Vec<_>>()));
        let shared = [
            lesion(0, "y0", -9.0),
            lesion(0, "y1", -2.0),
            lesion(1, "y0", 0.0),
            lesion(1, "y1", -2.0),
        ];
        assert!(!each_serves_one(&shared.iter().collect::<Vec<_>>()));
        let one = [lesion(0, "y0", -9.0)];
        assert!(!each_serves_one(&one.iter().collect::<Vec<_>>()));
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
