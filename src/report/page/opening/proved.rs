//! The first screen of a circuit of which something is proved: the proof leads, and what it
//! does not speak of is named.

use super::miniature;
use super::said::{Headline, Verdict};
use crate::choice::{Arithmetic, Equivalence, LowerBound, Rest};
use crate::report::circuits::proved::{domain, fill};
use crate::report::english::{counted, plural};
use crate::report::format::{count, percent, short};
use crate::result::{Audit, Circuit, ProvedCircuit, Prune, Status};

/// The first circuit of which something is proved.
pub(super) fn first(audit: &Audit) -> Option<(&Circuit, &ProvedCircuit)> {
    let proved = audit.circuits.iter();
    proved.flat_map(|c| Some((c, c.proved.as_ref()?))).next()
}

/// What is proved, over which inputs, of how many edges.
pub(super) fn headline(circuit: &Circuit, proved: &ProvedCircuit, audit: &Audit) -> Headline {
    let text = format!(
        "{} of {} {} proved to {}, for every input {}.",
        count(circuit.edges_kept),
        counted(circuit.edges_total, "edge", "edges"),
        plural(circuit.edges_kept, "is", "are"),
        kept(proved),
        domain(proved)
    );
    let rest = match circuit.edges_total - circuit.edges_kept.min(circuit.edges_total) {
        0 => "No edge could go.".to_owned(),
        1 => format!("The other edge carries {}.", fill(circuit, proved)),
        _ => format!("All other edges carry {}.", fill(circuit, proved)),
    };
    let of = match pruned(audit) {
        None => String::new(),
        Some(prune) => format!(
            " It is of the network that was pruned to {} of {} before.",
            count(prune.edges_kept),
            counted(prune.edges_total, "weight", "weights")
        ),
    };
    Headline {
        text,
        caveat: format!("{rest}{of}"),
        status: Status::Holds,
    }
}

fn kept(proved: &ProvedCircuit) -> String {
    match proved.equivalence {
        Equivalence::Epsilon => "keep every output within its tolerance".to_owned(),
        Equivalence::Top1 => "keep every decision".to_owned(),
        Equivalence::DeltaTop1 => format!(
            "keep every decision that the network is at least {} sure of",
            percent(proved.confidence.unwrap_or(f64::NAN))
        ),
    }
}

/// The pruning that came before, if any weight went.
fn pruned(audit: &Audit) -> Option<&Prune> {
    let gone = |p: &&Prune| p.edges_kept < p.edges_total;
    audit.prune.as_ref().filter(gone)
}

/// What is proved, how small it is, what samples say, and what is not proved.
pub(super) fn verdicts(circuit: &Circuit, proved: &ProvedCircuit, audit: &Audit) -> Vec<Verdict> {
    vec![
        minimal(proved),
        smallest(circuit, proved),
        measured(circuit),
        open(proved, audit),
    ]
}

fn verdict(status: Status, title: String, text: String) -> Verdict {
    Verdict {
        status,
        title,
        text,
        miniature: String::new(),
        is_wide: false,
        evidence: "circuits",
    }
}

fn minimal(proved: &ProvedCircuit) -> Verdict {
    if !proved.minimal {
        let text = "the time for proofs was over".to_owned();
        return verdict(Status::NotShown, "Could more edges go?".to_owned(), text);
    }
    let text = format!(
        "without {} an input breaks the claim{}",
        match proved.undecided {
            0 => "any".to_owned(),
            _ => count(proved.refuted),
        },
        match proved.undecided {
            0 => String::new(),
            more => format!(", without {} that is undecided", count(more)),
        }
    );
    let title = "No single edge more can go".to_owned();
    verdict(Status::Holds, title, text)
}

fn smallest(circuit: &Circuit, proved: &ProvedCircuit) -> Verdict {
    let least = proved.lower_bound;
    let edges = counted(least, "edge", "edges");
    let because = match proved.lower_bound_by {
        LowerBound::Unknown => {
            let text = "no lower bound was found".to_owned();
            return verdict(Status::NotShown, "The smallest?".to_owned(), text);
        }
        LowerBound::Indispensable => "these are in every such circuit",
        LowerBound::SmallerSets => "every smaller set fails",
        LowerBound::Paths => "by the paths that its outputs need",
    };
    let title = match least >= circuit.edges_kept {
        true => format!("The smallest: any has {edges} or more"),
        false => format!("Any such circuit has at least {edges}"),
    };
    Verdict {
        miniature: miniature::sizes(circuit, least),
        ..verdict(Status::Holds, title, because.to_owned())
    }
}

fn measured(circuit: &Circuit) -> Verdict {
    let kept = circuit.faithfulness.filter(|f| f.is_finite());
    let title = match kept {
        Some(kept) => format!("Measured: faithfulness {}", short(kept)),
        None => "Measured too".to_owned(),
    };
    let decisions = circuit
        .decision_agreement
        .map_or_else(String::new, |share| {
            format!(", {} of decisions kept", percent(share))
        });
    let text = format!(
        "on {}{decisions}",
        counted(circuit.samples, "sample", "samples")
    );
    Verdict {
        miniature: miniature::faithfulness(&[circuit]),
        ..verdict(Status::Note, title, text)
    }
}

/// What the proof says nothing of.
fn open(proved: &ProvedCircuit, audit: &Audit) -> Verdict {
    let mut without = vec!["inputs outside of that".to_owned()];
    if proved.left_out > 0 {
        let balls = counted(
            usize::try_from(proved.left_out).unwrap_or(usize::MAX),
            "sample",
            "samples",
        );
        without.push(format!("{balls} near a border of the network’s own"));
    }
    if proved.arithmetic == Arithmetic::Real {
        without.push("rounding".to_owned());
    }
    if proved.rest == Rest::Fill {
        without.push("another fill".to_owned());
    }
    let certified = |p: &Prune| p.certificate.as_ref().is_some_and(|c| c.holds && c.sound);
    if pruned(audit).is_some_and(|prune| !certified(prune)) {
        without.push("the pruning before, checked on samples alone".to_owned());
    }
    let title = "Not part of the proof".to_owned();
    verdict(Status::NotRun, title, without.join("; "))
}

#[cfg(test)]
mod tests {
    use super::super::opening;
    use super::*;
    use crate::choice::{CertificateMethod, Requested};
    use crate::report::sample;

    fn claim() -> ProvedCircuit {
        ProvedCircuit {
            equivalence: Equivalence::Epsilon,
            confidence: None,
            tolerance: Some(0.008),
            rest: Rest::Fill,
            domain: "box:-1,1".to_owned(),
            domain_file: None,
            radius: None,
            method: CertificateMethod::BranchAndBound,
            arithmetic: Arithmetic::Real,
            regions: 19,
            left_out: 0,
            minimal: true,
            refuted: 3,
            undecided: 0,
            lower_bound: 2,
            lower_bound_by: LowerBound::Paths,
        }
    }

    fn proved(change: impl FnOnce(&mut Audit)) -> Audit {
        let mut audit = sample::audit();
        audit.modules = None;
        audit.circuits.truncate(1);
        audit.circuits[0].proved = Some(claim());
        audit.circuits[0].established = None;
        audit.circuits[0].edges_kept = 3;
        let prune = audit.prune.as_mut().expect("pruned");
        prune.edges_kept = prune.edges_total;
        prune.requested = Requested::At(0.0);
        change(&mut audit);
        audit
    }

    fn said(audit: &Audit) -> Vec<String> {
        let opening = opening(audit, None, 1);
        let first = [opening.headline.text, opening.headline.caveat];
        let verdicts = opening.verdicts.into_iter();
        let verdicts = verdicts.map(|v| format!("{} {}: {}", v.status.mark(), v.title, v.text));
        first.into_iter().chain(verdicts).collect()
    }

    #[test]
    fn the_proof_leads_and_what_it_leaves_open_is_named() {
        let total = proved(|_| ()).circuits[0].edges_total;
        let all = said(&proved(|_| ()));
        assert_eq!(
            all[0],
            format!(
                "3 of {total} edges are proved to keep every output within its tolerance, for every input of box:-1,1."
            )
        );
        assert_eq!(all[1], "All other edges carry zero.");
        assert_eq!(
            all[2..],
            [
                "✓ No single edge more can go: without any an input breaks the claim",
                "✓ Any such circuit has at least 2 edges: by the paths that its outputs need",
                all[4].as_str(),
                "– Not part of the proof: inputs outside of that; rounding; another fill",
            ]
        );
        assert!(all[4].starts_with("• Measured: faithfulness"), "{all:?}");
        let whole = all.join(" ");
        assert!(!whole.contains("not judged") && !whole.contains("Other inputs"));
        assert!(whole.split_whitespace().count() < 100, "{whole}");
    }

    #[test]
    fn a_pruning_before_it_is_not_part_of_the_proof() {
        let all = said(&proved(|audit| {
            audit.prune.as_mut().expect("pruned").edges_kept = 9;
        }));
        assert!(
            all[1].contains("pruned to 9 of 24 weights before"),
            "{all:?}"
        );
        let last = all.last().expect("verdicts");
        assert!(
            last.ends_with("the pruning before, checked on samples alone"),
            "{last}"
        );
    }

    #[test]
    fn no_bound_and_no_time_are_no_claims() {
        let all = said(&proved(|audit| {
            let proved = audit.circuits[0].proved.as_mut().expect("proved");
            (proved.minimal, proved.lower_bound_by) = (false, LowerBound::Unknown);
        }));
        assert!(all[2].starts_with("? Could more edges go?"), "{all:?}");
        assert!(all[3].starts_with("? The smallest?"), "{all:?}");
    }

    #[test]
    fn a_broken_promise_still_comes_first() {
        let all = said(&proved(|audit| {
            let prune = audit.prune.as_mut().expect("pruned");
            (prune.edges_kept, prune.verified) = (9, false);
        }));
        assert_eq!(all[0], "With 9 of 24 weights it is not the same network.");
    }
}
