//! Whether this tool computes what the source framework computed.

use crate::report::english::counted;
use crate::report::format::{short, times};
use crate::report::sites::clean;
use crate::result::{Audit, Parity};
use crate::result::{Sentence, Status};

const TOPIC: &str = "Parity";

const EVIDENCE: [&str; 2] = ["/parity/max_abs_difference", "/parity/allowed"];

pub(in crate::report) fn sentences(audit: &Audit) -> Vec<Sentence> {
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
        None => Sentence::new(TOPIC, Status::NotRun, missing(audit)),
    }]
}

/// What would show it, in three lines of Python.
fn missing(audit: &Audit) -> String {
    let used = audit.data.iter().flat_map(|data| &data.used);
    let (inputs, call) = match used.into_iter().any(|array| array.name.ends_with("tokens"))
        || !audit.prompts.is_empty()
    {
        true => ("tokens", "model(tokens).logits[:, -1]"),
        false => ("inputs", "model(inputs)"),
    };
    format!(
        "Nothing here shows that this is your network: the data hold no outputs of the framework that made it. Three lines save them: \
         `import torch; from safetensors.torch import save_file`, `with torch.no_grad(): outputs = {call}`, \
         `save_file({{\"{inputs}\": {inputs}, \"labels\": labels, \"outputs\": outputs}}, \"data.safetensors\")`."
    )
}

/// The type whose rounding a difference was held against.
fn precision(parity: &Parity, audit: &Audit) -> String {
    match parity.precision.is_empty() {
        true => clean(&audit.checkpoint.dtype),
        false => clean(&parity.precision),
    }
}

/// What units in the last place of a narrower type say.
fn in_units(parity: &Parity, units: f64) -> String {
    let by = clean(&parity.precision);
    let how = match parity.rounded {
        true => format!(
            "rounding this tool's outputs to {by} explains every difference: they were computed in a wider type and stored in {by}"
        ),
        false => format!(
            "they were computed in {by}, which this tool does not repeat: it computes with the same weights in a wider type"
        ),
    };
    format!(
        "On {} the outputs are those of the source framework within the rounding of {by}: they differ by up to {}, {} units in the last place where outputs reach {}. {}{}.",
        counted(parity.samples, "sample", "samples"),
        short(parity.max_abs_difference),
        short(units),
        short(parity.output_scale),
        how[..1].to_uppercase(),
        &how[1..]
    )
}

fn agrees(parity: &Parity, audit: &Audit) -> String {
    if let Some(units) = parity.units {
        return in_units(parity, units);
    }
    format!(
        "On {} the outputs are those of the source framework, to within {} (outputs reach {}; up to {} counts as rounding in {}).",
        counted(parity.samples, "sample", "samples"),
        short(parity.max_abs_difference),
        short(parity.output_scale),
        short(parity.allowed),
        precision(parity, audit)
    )
}

fn differs(parity: &Parity, audit: &Audit) -> String {
    format!(
        "On {} the outputs differ from those of the source framework by up to {}, {} what counts as rounding in {}. Everything below is about the network as this tool computes it.",
        counted(parity.samples, "sample", "samples"),
        short(parity.max_abs_difference),
        times(parity.max_abs_difference / parity.allowed),
        precision(parity, audit)
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
            "✓ Parity: On 100 samples the outputs are those of the source framework, to within 4.8 × 10⁻⁷ (outputs reach 8.1; up to 9.7 × 10⁻⁶ counts as rounding in f32)."
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
            "✗ Parity: On 100 samples the outputs differ from those of the source framework by up to 0.0097, 1000 times what counts as rounding in f32. Everything below is about the network as this tool computes it."
        );
    }

    #[test]
    fn a_narrow_type_is_told_in_its_units() {
        let mut audit = sample::audit();
        if let Some(parity) = &mut audit.parity {
            (parity.max_abs_difference, parity.output_scale) = (0.25, 40.0);
            (parity.precision, parity.units) = ("bf16".into(), Some(1.0));
        }
        let said = sentences(&audit)[0].to_string();
        assert!(
            said.contains("0.25, 1 units in the last place where outputs reach 40"),
            "{said}"
        );
        assert!(said.contains("They were computed in bf16"), "{said}");
        if let Some(parity) = &mut audit.parity {
            parity.rounded = true;
        }
        let said = sentences(&audit)[0].to_string();
        assert!(
            said.contains("computed in a wider type and stored in bf16"),
            "{said}"
        );
    }

    #[test]
    fn absence_is_explained() {
        let mut audit = sample::audit();
        audit.parity = None;
        let said = sentences(&audit).remove(0);
        assert_eq!(said.status, Status::NotRun);
        let begins = "Nothing here shows that this is your network: ";
        assert!(said.sentence.starts_with(begins), "{}", said.sentence);
        assert_eq!(
            said.sentence.matches('`').count(),
            6,
            "three lines of Python"
        );
        audit.data = None;
        assert_eq!(
            sentences(&audit)[0].sentence,
            "No parity check: no data were given."
        );
    }
}
