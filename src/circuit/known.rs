//! Circuits that are known: to hold scores against, or to be judged.
//!
//! Read are EAP-IG's graph JSON, lists of edges, and the `truth.json` of
//! programs compiled by tracr.

use serde_json::Value;

use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Fill, Patchable, PatchableExt as _};

/// The edges of a known circuit, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Writer and reader of every edge, as this tool names them.
    pub edges: Vec<(String, String)>,
    /// Edges that are neither in it nor out of it: they have no effect under
    /// the fill in use.
    pub left_out: Vec<(String, String)>,
}

impl Known {
    /// Reads a JSON value for use with a fill.
    ///
    /// - EAP-IG's graph: the edges with `in_graph`.
    /// - A list of `"a->b"` or `["a", "b"]`.
    /// - tracr's truth: `minimal_circuits` for the fill, else `edges` without
    ///   those that are not in `effective_single` for it.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    ///
    /// ```
    /// use modscope::circuit::Known;
    /// use modscope::patch::Fill;
    /// let list = serde_json::json!(["embed->m0", ["a1.0", "output"], ["m0", "a1.0.q"]]);
    /// let known = Known::from_json(&list, Fill::Zero).unwrap();
    /// let edge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    /// let expected = [edge("embed", "m0"), edge("a1.h0", "logits"), edge("m0", "a1.h0<q>")];
    /// assert_eq!(known.edges, expected);
    /// ```
    pub fn from_json(value: &Value, fill: Fill) -> Result<Self, String> {
        if let Some(list) = value.as_array() {
            return Self::of(edges(list)?, Vec::new());
        }
        if let Some(graph) = value.get("edges").and_then(Value::as_object) {
            let kept = |(_, entry): &(&String, &Value)| entry["in_graph"] == Value::Bool(true);
            let names = graph.iter().filter(kept).map(|(name, _)| arrow(name));
            return Self::of(names.collect::<Result<_, _>>()?, Vec::new());
        }
        let setting = match fill {
            Fill::Zero => "main.zero",
            _ => "main.resample",
        };
        let list = |value: &Value| value.as_array().map(|list| edges(list)).transpose();
        if let Some(minimal) = list(&value["minimal_circuits"][setting])? {
            return Self::of(minimal, Vec::new());
        }
        let Some(all) = list(&value["edges"])? else {
            return Err(
                "expected EAP-IG's graph, a list of edges, or a truth with `edges`".to_owned(),
            );
        };
        match list(&value["effective_single"][setting])? {
            None => Self::of(all, Vec::new()),
            Some(effective) => {
                let (inside, left_out) = all.into_iter().partition(|e| effective.contains(e));
                Self::of(inside, left_out)
            }
        }
    }

    fn of(edges: Vec<(String, String)>, left_out: Vec<(String, String)>) -> Result<Self, String> {
        match edges.is_empty() {
            true => Err("it has no edges".to_owned()),
            false => Ok(Self { edges, left_out }),
        }
    }

    /// Whether it tells token and position embedding apart.
    #[must_use]
    pub fn splits_input(&self) -> bool {
        let writers = self.edges.iter().map(|(from, _)| from.as_str());
        writers
            .into_iter()
            .any(|w| w == "embed" || w == "pos_embed")
    }

    /// The circuit and the edges that are left out, as sets of a network's edges.
    ///
    /// # Errors
    /// The name of an edge that the network does not have.
    pub fn sets<T: Scalar>(
        &self,
        network: &dyn Patchable<Number = T>,
    ) -> Result<(EdgeSet, EdgeSet), String> {
        let mut numbers = std::collections::HashMap::new();
        for edge in 0..network.edge_count() {
            numbers.insert(network.edge_names(edge), edge);
        }
        let set = |names: &[(String, String)]| -> Result<EdgeSet, String> {
            let number = |name: &(String, String)| {
                let found = numbers.get(name).copied();
                found.ok_or_else(|| format!("{}->{}", name.0, name.1))
            };
            let found: Result<Vec<usize>, String> = names.iter().map(number).collect();
            Ok(network.edges(found?))
        };
        Ok((set(&self.edges)?, set(&self.left_out)?))
    }
}

fn edges(list: &[Value]) -> Result<Vec<(String, String)>, String> {
    let edge = |value: &Value| match (value.as_str(), value.as_array().map(Vec::as_slice)) {
        (Some(name), _) => arrow(name),
        (None, Some([Value::String(from), Value::String(to)])) => Ok((node(from), node(to))),
        _ => Err(format!(
            "`{value}` is no edge: write \"a->b\" or [\"a\", \"b\"]"
        )),
    };
    list.iter().map(edge).collect()
}

/// The two ends of `a->b`.
fn arrow(name: &str) -> Result<(String, String), String> {
    let ends = name.split_once("->");
    ends.map(|(from, to)| (node(from), node(to)))
        .ok_or_else(|| format!("`{name}` is no edge: write \"a->b\""))
}

/// A node as this tool names it: tracr's truth has `a1.0.q`, `m0.in`, `output`.
fn node(name: &str) -> String {
    let parts: Vec<&str> = name.split('.').collect();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match parts.as_slice() {
        ["output"] => "logits".to_owned(),
        [head, n, letter] if head.starts_with('a') && number(n) => format!("{head}.h{n}<{letter}>"),
        [head, n] if head.starts_with('a') && number(n) => format!("{head}.h{n}"),
        [mlp, "in"] => (*mlp).to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_truth_is_read_for_the_fill_in_use() {
        let truth = json!({
            "edges": [["embed", "m0.in"], ["pos_embed", "m0.in"], ["m0", "output"]],
            "effective_single": {"main.zero": [["embed", "m0.in"], ["m0", "output"]]},
            "minimal_circuits": {"main.resample": [["m0", "output"]]},
        });
        let known = Known::from_json(&truth, Fill::Zero).unwrap();
        assert_eq!((known.edges.len(), known.left_out.len()), (2, 1));
        assert!(known.splits_input());
        let known = Known::from_json(&truth, Fill::Corrupted).unwrap();
        assert_eq!(known.edges, [("m0".to_owned(), "logits".to_owned())]);
    }

    #[test]
    fn what_is_no_circuit_is_refused_in_words() {
        for (value, words) in [
            (json!({}), "expected EAP-IG's graph"),
            (json!([]), "no edges"),
            (json!([["a"]]), "is no edge"),
            (json!({"edges": {"a-b": {"in_graph": true}}}), "is no edge"),
        ] {
            let error = Known::from_json(&value, Fill::Zero).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
