//! What is proved of circuits, in words no stronger than that.

use crate::choice::{Arithmetic, CertificateMethod, Equivalence, Fill, LowerBound, Rest};
use crate::report::english::{counted, plural};
use crate::report::equivalence;
use crate::report::format::{count, short, typed};
use crate::report::sites::clean;
use crate::result::{Circuit, ProvedCircuit, Status};

/// The claim of a circuit that was proved, whether it is minimal, and how small any can be.
pub(super) fn sentences(circuit: &Circuit) -> Vec<(Status, String)> {
    let Some(proved) = &circuit.proved else {
        return Vec::new();
    };
    let beside = equivalence::beside(proved.domain_file.as_ref());
    [
        (Status::Holds, claim(circuit, proved)),
        (Status::Note, minimal(proved)),
        (Status::Note, smallest(circuit, proved)),
    ]
    .into_iter()
    .chain(beside.map(|text| (Status::Note, text)))
    .collect()
}

fn claim(circuit: &Circuit, proved: &ProvedCircuit) -> String {
    let rest = match proved.rest {
        Rest::Fill => format!("the value of the fill `{}`", circuit.fill),
        Rest::Any => "any value that it can take over the domain, message by message".to_owned(),
    };
    let kept = match (proved.equivalence, proved.tolerance, proved.confidence) {
        (Equivalence::Epsilon, Some(tolerance), _) => {
            format!(
                "no output moves by more than its tolerance ({} at least)",
                short(tolerance)
            )
        }
        (Equivalence::Epsilon, None, _) => "no output moves by more than its tolerance".to_owned(),
        (Equivalence::Top1, ..) => "the decision stays".to_owned(),
        (Equivalence::DeltaTop1, _, confidence) => format!(
            "the decision stays wherever the network's softmax gives it at least {}",
            typed(confidence.unwrap_or(f64::NAN))
        ),
    };
    format!(
        "Proved for every input {}: with every other edge at {rest}, {kept}; {}.",
        inputs(proved),
        how(proved)
    )
}

/// What stands in for the rest, in a word or a few.
pub(in crate::report) fn fill(circuit: &Circuit, proved: &ProvedCircuit) -> String {
    match (proved.rest, circuit.fill) {
        (Rest::Any, _) => "any value that is possible there".to_owned(),
        (Rest::Fill, Fill::Zero) => "zero".to_owned(),
        (Rest::Fill, Fill::Mean) => "the mean over the samples".to_owned(),
        (Rest::Fill, fill @ (Fill::Corrupted | Fill::Resample)) => format!("the fill `{fill}`"),
    }
}

/// The inputs of which something is proved, after `every input`.
pub(in crate::report) fn domain(proved: &ProvedCircuit) -> String {
    let name = clean(&proved.domain);
    let Some(radius) = proved.radius else {
        return format!("of {name}");
    };
    let balls = usize::try_from(proved.regions).unwrap_or(usize::MAX);
    format!(
        "within {} of {}",
        typed(radius),
        counted(balls, "sample", "samples")
    )
}

fn inputs(proved: &ProvedCircuit) -> String {
    let name = clean(&proved.domain);
    let Some(radius) = proved.radius else {
        return format!("of the domain `{name}`");
    };
    let (balls, out) = (proved.regions, proved.left_out);
    let left = match out {
        0 => String::new(),
        _ => format!(
            " (nothing is claimed of {} more, where the same is not proved of the network itself)",
            count(out as usize)
        ),
    };
    format!(
        "within {} of {} {} in every coordinate and in `{name}`{left}",
        typed(radius),
        count(balls as usize),
        plural(balls as usize, "sample", "samples")
    )
}

fn how(proved: &ProvedCircuit) -> String {
    let inputs = count(proved.regions as usize);
    match (proved.method, proved.arithmetic) {
        (CertificateMethod::Enumeration, Arithmetic::Real) => {
            format!("all {inputs} inputs were bounded one by one, as functions of real numbers")
        }
        (CertificateMethod::Enumeration, type_of) => {
            format!("all {inputs} inputs were run, in {type_of}")
        }
        (CertificateMethod::BranchAndBound, _) => {
            "by bounds, of network and circuit as functions of real numbers".to_owned()
        }
    }
}

fn minimal(proved: &ProvedCircuit) -> String {
    if !proved.minimal {
        return "Whether further edges could go is not known: the time for proofs was over."
            .to_owned();
    }
    let because = match (proved.refuted, proved.undecided) {
        (_, 0) => "without any of them the claim is refuted by an input that was run".to_owned(),
        (0, _) => "without any of them the claim is neither proved nor refuted".to_owned(),
        (refuted, undecided) => format!(
            "without {} of them the claim is refuted by an input that was run, without {} it is \
             neither proved nor refuted",
            count(refuted),
            count(undecided)
        ),
    };
    format!("None of its edges can go under the same proof: {because}.")
}

fn smallest(circuit: &Circuit, proved: &ProvedCircuit) -> String {
    let is_smallest = proved.lower_bound == circuit.edges_kept && proved.minimal;
    let because = match (proved.lower_bound_by, is_smallest) {
        (LowerBound::Unknown, _) => {
            return "No lower bound on the size of such circuits was found.".to_owned();
        }
        (LowerBound::Indispensable, true) => {
            "none of its edges can go even with all others in place, so that it is in every such \
             circuit"
        }
        (LowerBound::Indispensable, false) => {
            "so many of its edges cannot go even with all others in place, so that they are in \
             every such circuit"
        }
        (LowerBound::SmallerSets, _) => {
            "every smaller set was run and refuted, or leaves no path from the input to the outputs"
        }
        (LowerBound::Paths, _) => {
            "where the outputs must differ between inputs, every layer has an edge, the first for \
             each input and the last for each output"
        }
    };
    format!(
        "No such circuit has fewer than {} {}: {because}.",
        count(proved.lower_bound),
        plural(proved.lower_bound, "edge", "edges")
    )
}
