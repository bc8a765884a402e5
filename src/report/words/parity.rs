//! Whether this tool computes what the source framework computed.

use crate::report::format::{count, short, times};
use crate::report::sites::clean;
use crate::result::{Audit, Parity};
use crate::result::{Sentence, Status};

const TOPIC: &str = "Parity";

const EVIDENCE: [&str; 2] = ["/parity/max_abs_difference", "/parity/allowed"];

pub(super) fn sentences(audit: &Audit) -> Vec<Sentence> {
    vec![match &audit.parity {
        Some(parity) if parity.holds => {
            Sentence::new(TOPIC, Status::Holds, agrees(parity, audit)).from(EVIDENCE)
        }
        Some(parity) => Sentence::new(TOPIC, Status::Fails, differs(parity, audit)).from(EVIDENCE),
        None if audit.data.is_none() => Sentence::new(
            TOPIC,
            Status::NotRun,
            "No parity check: no data were given.",
        ),
        None => Sentence::new(
            TOPIC,
            Status::NotRun,
            "No parity check: the data hold no outputs of the source framework.",
        ),
    }]
}

fn agrees(parity: &Parity, audit: &Audit) -> String {
    format!(
        "On {} samples the outputs are those of the source framework, to within {} (outputs reach {}; rounding in {} explains {}).",
        count(parity.samples),
        short(parity.max_abs_difference),
        short(parity.output_scale),
        clean(&audit.checkpoint.dtype),
        short(parity.allowed)
    )
}

fn differs(parity: &Parity, audit: &Audit) -> String {
    format!(
        "On {} samples the outputs differ from those of the source framework by up to {}, {} what rounding in {} explains. Everything below is about the network as this tool computes it.",
        count(parity.samples),
        short(parity.max_abs_difference),
        times(parity.max_abs_difference / parity.allowed),
        clean(&audit.checkpoint.dtype)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn agreement_names_what_it_was_compared_with() {
        let audit = sample::audit();
        assert_eq!(
            sentences(&audit)[0].to_string(),
            "✓ Parity: On 100 samples the outputs are those of the source framework, to within 4.8 × 10⁻⁷ (outputs reach 8.1; rounding in f32 explains 9.7 × 10⁻⁶)."
        );
    }

    #[test]
    fn a_difference_is_told_with_its_size() {
        let mut audit = sample::audit();
        if let Some(parity) = &mut audit.parity {
            (parity.max_abs_difference, parity.holds) = (9.7e-3, false);
        }
        assert_eq!(
            sentences(&audit)[0].to_string(),
            "✗ Parity: On 100 samples the outputs differ from those of the source framework by up to 0.0097, 1000 times what rounding in f32 explains. Everything below is about the network as this tool computes it."
        );
    }

    #[test]
    fn absence_is_explained() {
        let mut audit = sample::audit();
        audit.parity = None;
        let said = sentences(&audit).remove(0);
        assert_eq!(said.status, Status::NotRun);
        assert_eq!(
            said.sentence,
            "No parity check: the data hold no outputs of the source framework."
        );
        audit.data = None;
        assert_eq!(
            sentences(&audit)[0].sentence,
            "No parity check: no data were given."
        );
    }
}
