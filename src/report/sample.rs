//! A small result for the tests of reports: two functions in one network, one weak edge between them.

use crate::choice::RelocationMethod;
use crate::result::*;

/// Two independent functions of four inputs, after pruning at 0.0015.
pub fn audit() -> Audit {
    let json = include_str!("../../tests/suite/data/report.json");
    serde_json::from_str(json).expect("the fixture is a result")
}

/// A result with everything that can be asked of modules.
pub fn thorough() -> Audit {
    let mut result = serde_json::to_value(audit()).expect("a result is JSON");
    let more = include_str!("../../tests/suite/data/modules.json");
    let more: serde_json::Value = serde_json::from_str(more).expect("the fixture is JSON");
    for (key, value) in more.as_object().expect("an object") {
        result["modules"][key] = value.clone();
    }
    let mut result: Audit = serde_json::from_value(result).expect("it is a result");
    if let Some(modules) = &mut result.modules {
        modules.wiring = Some(relocated(1, 0.0));
    }
    result
}

/// A transformer of two layers with a circuit, as its edges name it.
pub fn transformer() -> Audit {
    let mut audit = audit();
    audit.network.layers.clear();
    audit.network.weights.clear();
    (audit.prune, audit.modules) = (None, None);
    audit.nodes.clear();
    audit.circuits.truncate(1);
    let edges = [
        ("input", "a0.h1<q>", 0.5),
        ("input", "a0.h1<k>", 0.25),
        ("input", "m0", -0.4),
        ("a0.h1", "a1.h0<v>", 0.75),
        ("m0", "a1.h0<q>", -0.125),
        ("m1", "logits", 0.01),
        ("a1.h0", "logits", 1.5),
    ];
    audit.circuits[0].edges = edges
        .map(|(from, to, effect)| CircuitEdge {
            from: from.to_owned(),
            to: to.to_owned(),
            effect,
        })
        .into_iter()
        .collect();
    audit
}

/// A wiring cost of 3 that relocation lowers to 2.
pub fn relocated(swaps: usize, max_abs_change: f64) -> Wiring {
    Wiring {
        cost: 3.0,
        cost_after_relocation: Some(2.0),
        relocation: Some(Relocation {
            method: RelocationMethod::Descent,
            swaps,
            inputs_move: false,
            outputs_move: false,
            max_abs_change,
            allowed: 1e-6,
            holds: max_abs_change <= 1e-6,
            samples: 100,
            orders: vec![vec![0, 1, 2, 3], vec![1, 0, 2, 3], vec![0, 1]],
        }),
        lambda: 1.0,
        l0: 0.1,
    }
}

/// Whether text is one element of well-formed XML: tags nest, values are quoted, nothing raw.
pub fn well_formed(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text.trim();
    while let Some(start) = rest.find('<') {
        content(&rest[..start])?;
        let end = tag_end(&rest[start..]).ok_or("a tag without end")? + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim()) {
                return Err(format!("</{name}> closes nothing"));
            }
        } else {
            let name = tag.split([' ', '/', '\n']).next().unwrap_or("");
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
    }
    content(rest)?;
    if open.is_empty() {
        Ok(())
    } else {
        Err(format!("open: {open:?}"))
    }
}

fn tag_end(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    for (k, c) in text.char_indices().skip(1) {
        match c {
            '"' => is_quoted = !is_quoted,
            '<' => return None,
            '>' if !is_quoted => return Some(k),
            _ => {}
        }
    }
    None
}

fn content(text: &str) -> Result<(), String> {
    const ENTITIES: [&str; 5] = ["amp;", "lt;", "gt;", "quot;", "apos;"];
    for (k, _) in text.match_indices('&') {
        if !ENTITIES
            .iter()
            .any(|entity| text[k + 1..].starts_with(entity))
        {
            return Err(format!("a raw & in {text}"));
        }
    }
    match text.chars().find(|c| c.is_control() && *c != '\n') {
        Some(c) => Err(format!("a control character {c:?}")),
        None => Ok(()),
    }
}
