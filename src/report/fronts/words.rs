//! What λ buys, in sentences.

use crate::report::english::{counted, joined};
use crate::report::format::{short, typed};
use crate::report::sites::clean;
use crate::result::{Fronts, OnFronts, Sentence, Status};

/// Most networks of a front that are named.
const MOST: usize = 5;

/// One sentence for each front.
#[must_use]
pub fn summary(fronts: &Fronts) -> Vec<Sentence> {
    let edges = |n: &OnFronts| Some(counted(n.edges?, "edge", "edges"));
    let nats = |n: &OnFronts| Some(format!("{} nats", short(n.description_length_gained?)));
    let all = [
        said(fronts, "edges left", |n| n.on_front_of_edges, edges),
        said(
            fronts,
            "nats that blocks gain",
            |n| n.on_front_of_blocks,
            nats,
        ),
    ];
    all.into_iter().flatten().collect()
}

fn said(
    fronts: &Fronts,
    what: &str,
    is_on: impl Fn(&OnFronts) -> bool,
    number: impl Fn(&OnFronts) -> Option<String>,
) -> Option<Sentence> {
    let on: Vec<&OnFronts> = fronts.front.iter().filter(|n| is_on(n)).collect();
    let named = on.iter().take(MOST).filter_map(|n| {
        let (name, loss) = (clean(&n.name), short(n.loss?));
        Some(format!(
            "{name} (λ {}, loss {loss}, {})",
            typed(n.lambda),
            number(n)?
        ))
    });
    let named: Vec<String> = named.collect();
    let more = on.len().saturating_sub(MOST);
    let more = match more {
        0 => String::new(),
        more => format!("; {more} more"),
    };
    let text = format!(
        "Of {}, {} on the front of loss and {what}: no other is as good by both and better by one: {}{more}. \
         That was found by looking at all of them.",
        counted(fronts.front.len(), "network", "networks"),
        match on.len() {
            1 => "one is".to_owned(),
            n => format!("{n} are"),
        },
        joined(&named),
    );
    (!named.is_empty()).then(|| Sentence::new("Front", Status::Note, text).from(["/front"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Regime;
    use crate::result::Tool;

    pub(in crate::report::fronts) fn sample() -> Fronts {
        let network = |seed: u64, lambda: f64, loss: f64, edges: usize, on: bool| OnFronts {
            name: format!("n{seed}"),
            path: String::new(),
            regime: Regime::Bimt,
            seed,
            lambda,
            loss: Some(loss),
            value: None,
            edges: Some(edges),
            modules: Some(2),
            description_length_gained: None,
            on_front_of_edges: on,
            on_front_of_blocks: false,
        };
        Fronts {
            schema: String::new(),
            tool: Tool::this(),
            command: Vec::new(),
            summary: Vec::new(),
            task: "two_moon".to_owned(),
            metric: None,
            front: vec![
                network(0, 0.001, 0.125, 40, true),
                network(1, 0.001, 0.5, 41, false),
                network(2, 0.01, 0.25, 12, true),
            ],
        }
    }

    #[test]
    fn a_front_names_its_networks_with_both_numbers() {
        let said: Vec<String> = summary(&sample()).into_iter().map(|s| s.sentence).collect();
        assert_eq!(
            said,
            [
                "Of 3 networks, 2 are on the front of loss and edges left: no other is as good by both and better by one: n0 (λ 0.001, loss 0.125, 40 edges) and n2 (λ 0.01, loss 0.25, 12 edges). That was found by looking at all of them."
            ]
        );
    }

    #[test]
    fn fronts_are_drawn_where_there_are_numbers() {
        let names: Vec<String> = super::super::all(&sample())
            .into_iter()
            .map(|f| f.name)
            .collect();
        assert_eq!(names, ["front-of-edges", "against-lambda"]);
    }
}
