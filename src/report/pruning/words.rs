//! Whether the pruned network does the same, on the samples and beyond.

use crate::choice::{Arithmetic, CertificateMethod, LossKind};
use crate::report::english::{counted, plural, samples};
use crate::report::equivalence;
use crate::report::format::{count, percent, short, times, typed};
use crate::report::pruning::apart;
use crate::report::sites::{Sites, plain};
use crate::result::{Audit, Certificate, OutputBound, Prune};
use crate::result::{Sentence, Status};

const TOPIC: &str = "Pruning";

pub(in crate::report) fn sentences(audit: &Audit) -> Vec<Sentence> {
    let Some(prune) = &audit.prune else {
        return vec![Sentence::new(
            TOPIC,
            Status::NotRun,
            "Pruning was not asked for.",
        )];
    };
    let mut said = vec![verification(prune, audit)];
    said.extend(loss(prune, audit));
    said.extend(apart::sentence(audit));
    let has_proved = audit.circuits.iter().any(|c| c.proved.is_some());
    said.push(certificate(prune, has_proved, &Sites::new(&audit.network)));
    said.extend(beside(prune));
    said
}

/// No victory is told of a network that was left as it is.
fn nothing_pruned(prune: &Prune) -> Sentence {
    let text = format!(
        "Nothing was pruned: {} at or above the threshold {}.",
        match prune.edges_total {
            1 => "the one weight is".to_owned(),
            all => format!("all {} weights are", count(all)),
        },
        typed(prune.threshold)
    );
    Sentence::new(TOPIC, Status::Note, text).from(["/prune/edges_kept", "/prune/edges_total"])
}

fn verification(prune: &Prune, audit: &Audit) -> Sentence {
    if prune.verified && prune.edges_kept == prune.edges_total {
        return nothing_pruned(prune);
    }
    let evidence = ["/prune/verified", "/prune/max_abs_change", "/prune/outputs"];
    let kept = format!(
        "At the threshold {}, {} of {} {}",
        typed(prune.threshold),
        count(prune.edges_kept),
        counted(prune.edges_total, "weight", "weights"),
        plural(prune.edges_kept, "remains", "remain")
    );
    let change = short(prune.max_abs_change);
    let samples = samples(audit.data.as_ref());
    let tolerance = tolerance(prune);
    if prune.verified {
        let decisions = prune
            .decision_agreement
            .map_or("", |_| "; every decision is the same");
        let text = format!(
            "{kept} and no output moves by more than {change} on {samples} ({tolerance}){decisions}: unchanged, on these samples."
        );
        return Sentence::new(TOPIC, Status::Holds, text).from(evidence);
    }
    let worst = worst_ratio(prune);
    let text = if worst > 1.0 {
        format!(
            "{kept} and the outputs move by up to {change} on {samples}, up to {} the tolerance ({tolerance}){}: not unchanged.",
            times(worst),
            lost_decisions(prune)
        )
    } else {
        format!(
            "{kept} and no output moves by more than {change} on {samples} ({tolerance}){}: not unchanged.",
            lost_decisions(prune)
        )
    };
    Sentence::new(TOPIC, Status::Fails, text).from(evidence)
}

/// Largest over outputs of change / tolerance.
fn worst_ratio(prune: &Prune) -> f64 {
    let ratios = prune.outputs.iter().map(|o| o.max_abs_change / o.tolerance);
    let worst = ratios.filter(|r| r.is_finite()).fold(0.0, f64::max);
    if prune.outputs.is_empty() {
        prune.max_abs_change / prune.tolerance
    } else {
        worst
    }
}

fn lost_decisions(prune: &Prune) -> String {
    match prune.decision_agreement {
        Some(agreement) if agreement < 1.0 => {
            format!("; {} of the decisions stay the same", percent(agreement))
        }
        _ => String::new(),
    }
}

/// The tolerance, or the range of the outputs' own tolerances, with its rule.
fn tolerance(prune: &Prune) -> String {
    let all = prune.outputs.iter().map(|output| output.tolerance);
    let low = all.clone().fold(prune.tolerance, f64::min);
    let high = all.fold(prune.tolerance, f64::max);
    let rule = plain(&prune.tolerance_rule);
    let rule = if rule.is_empty() {
        rule
    } else {
        format!(", {rule}")
    };
    if short(low) == short(high) {
        format!("tolerance {}{rule}", short(low))
    } else {
        format!("tolerances {} to {}{rule}", short(low), short(high))
    }
}

fn loss(prune: &Prune, audit: &Audit) -> Option<Sentence> {
    let (before, after) = (prune.loss_before?, prune.loss_after?);
    let name = audit
        .data
        .as_ref()
        .map_or("loss", |data| loss_name(data.loss));
    let text = if short(before) == short(after) {
        format!("The loss ({name}) stays at {}.", short(before))
    } else {
        format!(
            "The loss ({name}) goes from {} to {}.",
            short(before),
            short(after)
        )
    };
    Some(
        Sentence::new("Loss", Status::Note, text).from(["/prune/loss_before", "/prune/loss_after"]),
    )
}

/// A loss as people call it.
pub(in crate::report) fn loss_name(loss: LossKind) -> &'static str {
    match loss {
        LossKind::Mse => "mean squared error",
        LossKind::MseOnehot => "mean squared error against one-hot targets",
        LossKind::CrossEntropy => "cross-entropy",
        LossKind::None => "none",
    }
}

fn certificate(prune: &Prune, has_proved: bool, sites: &Sites<'_>) -> Sentence {
    let topic = "Certificate";
    if let Some(reason) = &prune.not_certified {
        let text = format!("Not certified: {}.", plain(reason));
        return Sentence::new(topic, Status::NotRun, text);
    }
    if let Some(found) = &prune.equivalence {
        return equivalence::sentence(topic, found, "/prune/equivalence");
    }
    let Some(certificate) = &prune.certificate else {
        return uncertified(prune, has_proved);
    };
    let domain = plain(&certificate.domain);
    let (how, of) = (how(certificate), arithmetic(certificate));
    let bounds = bounds(certificate, prune, sites);
    let said = match (
        certificate.holds,
        certificate.sound,
        certificate.bound == 0.0,
    ) {
        (true, true, true) if prune.edges_kept == prune.edges_total => whole(prune),
        (true, true, _) => Sentence::new(
            topic,
            Status::Holds,
            format!("Proved for every input of the domain {domain}{of}: {bounds} ({how})."),
        ),
        (true, false, _) => Sentence::new(
            topic,
            Status::Note,
            format!(
                "For the domain {domain}, {bounds}; but this was not rounded soundly ({how}): an estimate, not a certificate."
            ),
        ),
        (false, ..) => {
            let status = match certificate.counterexample {
                Some(_) => Status::Fails,
                None => Status::NotShown,
            };
            Sentence::new(topic, status, uncertain(certificate, sites))
        }
    };
    said.from(["/prune/certificate"])
}

/// What the file of a domain says that is not proved.
fn beside(prune: &Prune) -> Option<Sentence> {
    let (file, evidence) = match (&prune.certificate, &prune.equivalence) {
        (Some(certificate), _) => (&certificate.domain_file, "/prune/certificate/domain_file"),
        (None, Some(found)) => (&found.domain_file, "/prune/equivalence/domain_file"),
        (None, None) => return None,
    };
    let text = equivalence::beside(file.as_ref())?;
    Some(Sentence::new("Certificate", Status::Note, text).from([evidence]))
}

/// Nobody asked for a certificate. A proof of a circuit is of the network as it was searched.
fn uncertified(prune: &Prune, has_proved: bool) -> Sentence {
    let is_whole = prune.verified && prune.edges_kept == prune.edges_total;
    let text = match (is_whole, has_proved) {
        (true, _) => return whole(prune),
        (false, false) => "Not certified: samples say nothing of other inputs.",
        (false, true) => {
            "Not certified: of the pruning, samples say nothing of other inputs; the proof of the \
             circuit is of the pruned network."
        }
    };
    Sentence::new("Certificate", Status::NotRun, text)
}

/// A network that was left as it is equals itself.
fn whole(prune: &Prune) -> Sentence {
    let text = "Nothing was pruned, so that nothing had to be proved.";
    let evidence = match prune.certificate {
        Some(_) => "/prune/certificate",
        None => "/prune/edges_kept",
    };
    Sentence::new("Certificate", Status::Note, text).from([evidence])
}

/// Each bound beside its own tolerance: of several outputs, the one that comes nearest.
fn bounds(certificate: &Certificate, prune: &Prune, sites: &Sites<'_>) -> String {
    let ratio = |o: &&OutputBound| o.bound / o.tolerance;
    let nearest = certificate
        .outputs
        .iter()
        .max_by(|a, b| ratio(a).total_cmp(&ratio(b)));
    match nearest {
        Some(o) if certificate.outputs.len() > 1 => format!(
            "no output moves by more than its own tolerance; {} comes nearest, with a bound of {} and a tolerance of {}",
            sites.name(&o.output),
            short(o.bound),
            short(o.tolerance)
        ),
        _ => format!(
            "no output moves by more than {} (tolerance {})",
            short(certificate.bound),
            short(prune.tolerance)
        ),
    }
}

/// What the claim speaks of.
fn arithmetic(certificate: &Certificate) -> String {
    match certificate.arithmetic {
        None => String::new(),
        Some(Arithmetic::Real) => {
            ", of the networks as functions of real numbers (as computed they are off by their rounding besides)".to_owned()
        }
        Some(computed @ (Arithmetic::F32 | Arithmetic::F64)) => format!(
            ", of both networks as computed in {computed} in any order of summation (rounding adds at most {})",
            short(certificate.rounding)
        ),
    }
}

/// A counterexample, or a search that ended undecided.
fn uncertain(certificate: &Certificate, sites: &Sites<'_>) -> String {
    let (domain, how) = (plain(&certificate.domain), how(certificate));
    if let Some(found) = &certificate.counterexample {
        let mut input: Vec<String> = found.input.iter().take(8).map(|x| short(*x)).collect();
        if found.input.len() > input.len() {
            input.push("…".to_owned());
        }
        return format!(
            "Not certified: in the domain {domain}, at the input ({}), {} moves by {}, over its tolerance {}.",
            input.join(", "),
            sites.name(&found.output),
            short(found.change),
            short(found.tolerance)
        );
    }
    let computed = match certificate.arithmetic {
        None | Some(Arithmetic::Real) => String::new(),
        Some(computed) => format!(" in {computed}"),
    };
    format!(
        "Not proved{computed}: for the domain {domain} the largest change lies between {} (found) and {} (bound), and tolerances are not all proved to hold ({how}; {}).",
        short(certificate.best_found),
        short(certificate.bound),
        plain(&certificate.outcome)
    )
}

fn how(certificate: &Certificate) -> String {
    let boxes = usize::try_from(certificate.boxes).unwrap_or(usize::MAX);
    let what = examined(certificate.method);
    format!("{} over {} {what}", certificate.method.name(), count(boxes))
}

/// What a certificate's search goes through.
#[must_use]
pub fn examined(method: CertificateMethod) -> &'static str {
    match method {
        CertificateMethod::Enumeration => "cases",
        CertificateMethod::BranchAndBound => "boxes",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use crate::result::{Counterexample, Prune};

    fn said(change: impl FnOnce(&mut Prune)) -> Vec<String> {
        let mut audit = sample::audit();
        change(audit.prune.as_mut().expect("the sample is pruned"));
        sentences(&audit).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_verified_holds_on_these_samples() {
        assert_eq!(
            said(|_| ()),
            [
                "✓ Pruning: At the threshold 0.0015, 9 of 24 weights remain and no output moves by more than 0.0061 on the 100 test samples (tolerance 0.0078, 1 % of each output's standard deviation): unchanged, on these samples.",
                "• Loss: The loss (mean squared error) goes from 0.00747 to 0.00743.",
                "– Certificate: Not certified: samples say nothing of other inputs.",
            ]
        );
    }

    #[test]
    fn what_moves_too_far_is_not_unchanged() {
        let text = said(|prune| {
            prune.verified = false;
            prune.max_abs_change = 0.064;
            prune.outputs[0].max_abs_change = 0.064;
        });
        assert_eq!(
            text[0],
            "✗ Pruning: At the threshold 0.0015, 9 of 24 weights remain and the outputs move by up to 0.064 on the 100 test samples, up to 8.2 times the tolerance (tolerance 0.0078, 1 % of each output's standard deviation): not unchanged."
        );
    }

    #[test]
    fn a_lost_decision_alone_is_enough() {
        let text = said(|prune| {
            prune.verified = false;
            prune.decision_agreement = Some(0.98);
        });
        assert!(
            text[0].ends_with("; 98 % of the decisions stay the same: not unchanged."),
            "{}",
            text[0]
        );
        assert!(text[0].contains("no output moves by more than"));
    }

    #[test]
    fn tolerances_that_differ_are_a_range() {
        let text = said(|prune| prune.outputs[1].tolerance = 0.02);
        assert!(
            text[0].contains("(tolerances 0.0078 to 0.02, 1 % of"),
            "{}",
            text[0]
        );
    }

    #[test]
    fn only_a_sound_bound_is_a_certificate() {
        let certificate = |holds, sound, bound| Certificate {
            domain: "box:-1,1".to_owned(),
            method: CertificateMethod::BranchAndBound,
            bound,
            holds,
            sound,
            boxes: 1200,
            seconds: 0.1,
            ..Certificate::default()
        };
        let last = |c: Certificate| said(|prune| prune.certificate = Some(c)).pop();
        assert_eq!(
            last(certificate(true, true, 0.0069)).as_deref(),
            Some(
                "✓ Certificate: Proved for every input of the domain box:-1,1: no output moves by more than 0.0069 (tolerance 0.0078) (differential branch and bound over 1200 boxes)."
            )
        );
        assert_eq!(
            last(certificate(true, false, 0.0069)).as_deref(),
            Some(
                "• Certificate: For the domain box:-1,1, no output moves by more than 0.0069 (tolerance 0.0078); but this was not rounded soundly (differential branch and bound over 1200 boxes): an estimate, not a certificate."
            )
        );
        let undecided = Certificate {
            best_found: 0.004,
            outcome: "undecided: the time was over".to_owned(),
            ..certificate(false, true, 0.5)
        };
        assert_eq!(
            last(undecided.clone()).as_deref(),
            Some(
                "? Certificate: Not proved: for the domain box:-1,1 the largest change lies between 0.004 (found) and 0.5 (bound), and tolerances are not all proved to hold (differential branch and bound over 1200 boxes; undecided: the time was over)."
            )
        );
        let refuted = Certificate {
            counterexample: Some(Counterexample {
                input: vec![0.5, 1.0],
                output: "y1".to_owned(),
                change: 0.02,
                tolerance: 0.01,
            }),
            ..undecided
        };
        assert_eq!(
            last(refuted).as_deref(),
            Some(
                "✗ Certificate: Not certified: in the domain box:-1,1, at the input (0.5, 1), (x1 + x3)³ moves by 0.02, over its tolerance 0.01."
            )
        );
    }
}
