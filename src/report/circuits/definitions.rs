//! How circuits are found and what they are judged by.

use crate::choice::{Method, Origin};
use crate::report::page::terms::{Term, always};
use crate::result::Audit;

pub(in crate::report) const TERMS: &[Term] = &[
    Term {
        name: "Effect of an edge",
        text: "metric(as is) − metric(edge patched). Its sign depends on the metric's direction, which stands beside every metric.",
        applies: always,
    },
    Term {
        name: "Exact effects",
        text: "Every edge is patched alone.",
        applies: by_exact,
    },
    Term {
        name: "ACDC",
        text: "Conmy et al., 2023: sites in reverse order, each incoming edge patched for good if the metric worsens by less than τ.",
        applies: by_acdc,
    },
    Term {
        name: "Attribution",
        text: "The first-order estimate of the effect: the message difference times the gradient at the reader. EAP takes the gradient at the run as it is, EAP-IG averages it over runs between fill and clean. RelP takes relevance instead, which holds the scales of norms fixed, multiplies by f(x)/x at an activation f and halves at gates. EAP with recomputed attention (the QK fix of AtP*) computes what a head would see, and is linear from there on; AtP* does so with the gradient through each sublayer dropped in turn, and adds up sizes, so that what two paths cancel shows.",
        applies: by_attribution,
    },
    Term {
        name: "Screened effects",
        text: "Every edge is estimated by the gradients at the run as it is and at the run with its writer's group filled; their difference is the estimate's curvature. How many curvatures estimates are off is measured on edges drawn at random, and every edge that may then lie on either side of the cut is patched.",
        applies: by_screen,
    },
    Term {
        name: "An ensemble's score",
        text: "One less the edge's mean rank over EAP, RelP, clean-corrupted attribution and both EAP-IGs, as a share of all edges, with the sign of most of them: no effect in units of the metric.",
        applies: by_ensemble,
    },
    Term {
        name: "Learned mask",
        text: "A gate for every edge, open with a learned probability; the score is that probability.",
        applies: by_mask,
    },
    Term {
        name: "Logit difference, gap",
        text: "logit(answer) − logit(foil), mean over the samples; the answer is the label, the foil the largest other logit of the full network unless the data name one. Gap: mean over the samples of |circuit − full|.",
        applies: has_logits,
    },
    Term {
        name: "Faithfulness",
        text: "(circuit − all patched) ÷ (full − all patched): 1 if the circuit alone scores like the network, 0 if like nothing; not bound to [0, 1].",
        applies: always,
    },
    Term {
        name: "Interval",
        text: "95 % interval of the faithfulness over the samples it is judged on, by the jackknife and Student's t; none where the samples are too few for it to hold the truth 95 % of the time.",
        applies: has_interval,
    },
    Term {
        name: "Completeness",
        text: "1 − faithfulness of everything but the circuit: 1 if nothing is left outside it.",
        applies: always,
    },
    Term {
        name: "Minimality",
        text: "Share of the circuit's edges that matter more to it than 95 % of the edges of random circuits of the same size matter to theirs.",
        applies: always,
    },
    Term {
        name: "Patched runs",
        text: "Runs of the network that finding the circuit took.",
        applies: always,
    },
];

fn found_by(audit: &Audit, wanted: impl Fn(Method) -> bool) -> bool {
    let found = |origin: Origin| matches!(origin, Origin::Found(method) if wanted(method));
    audit.circuits.iter().any(|circuit| found(circuit.method))
}

fn by_exact(audit: &Audit) -> bool {
    found_by(audit, |method| method == Method::Exact)
}

fn by_acdc(audit: &Audit) -> bool {
    found_by(audit, |method| method == Method::Acdc)
}

fn by_mask(audit: &Audit) -> bool {
    found_by(audit, |method| method == Method::Mask)
}

fn by_screen(audit: &Audit) -> bool {
    found_by(audit, |method| method == Method::Screened)
}

fn by_ensemble(audit: &Audit) -> bool {
    found_by(audit, |method| method == Method::Ensemble)
}

fn by_attribution(audit: &Audit) -> bool {
    found_by(audit, |method| match method {
        Method::Eap
        | Method::Relp
        | Method::EapQk
        | Method::AtpStar
        | Method::EapIgInputs
        | Method::EapIgActivations
        | Method::CleanCorrupted => true,
        Method::Exact
        | Method::Acdc
        | Method::Screened
        | Method::Ensemble
        | Method::Mask
        | Method::Proved
        | Method::Random => false,
    })
}

fn has_logits(audit: &Audit) -> bool {
    audit.circuits.iter().any(|c| c.logit_difference.is_some())
}

fn has_interval(audit: &Audit) -> bool {
    audit.circuits.iter().any(|c| c.interval.is_some())
}
