//! What modules do together, how long they last, and which circuits they hold.

use crate::choice::{Direction, Scope};
use crate::report::english::LEVEL;
use crate::report::english::capital;
use crate::report::english::{joined, plural, some_of};
use crate::report::format::{count_words, short};
use crate::report::sites::Sites;
use crate::result::{Coalitions, Modules};
use crate::result::{Sentence, Status};

pub(in crate::report) fn sentences(modules: &Modules, sites: &Sites<'_>) -> Vec<Sentence> {
    let all = [
        together(modules, sites),
        plateau(modules),
        circuits_agree(modules),
    ];
    all.into_iter().flatten().collect()
}

/// A metric with modules left in, of up to five.
pub(in crate::report) struct Together<'m> {
    /// What was measured.
    pub of: &'m Coalitions,
    /// `all`, `the best two`, `none`, each with the metric.
    pub values: Vec<(String, f64)>,
}

impl<'m> Together<'m> {
    /// `None` where not every subset was run.
    pub fn of(modules: &'m Modules) -> Option<Self> {
        let of = modules.coalitions.iter().find(|c| c.scope == Scope::All)?;
        let higher = of.direction? == Direction::HigherIsBetter;
        let better = |a: f64, b: f64| if higher { a > b } else { a < b };
        let best_of = |size: usize| {
            let mine = of.subsets.iter().filter(|s| s.modules.len() == size);
            mine.map(|s| s.value)
                .reduce(|a, b| if better(b, a) { b } else { a })
        };
        let best = (1..of.shares.len()).rev();
        let best = best.filter_map(|n| Some((format!("the best {}", count_words(n)), best_of(n)?)));
        let fewer: Vec<(String, f64)> = best.collect();
        if fewer.is_empty() {
            return None;
        }
        let ends = [("all", of.all), ("none", of.none)];
        let [all, none] = ends.map(|(name, value)| (name.to_owned(), value));
        let values = [all].into_iter().chain(fewer).chain([none]).collect();
        Some(Self { of, values })
    }

    /// Each in words: `0.9 with the best one`.
    pub fn words(&self) -> Vec<String> {
        let words = |(name, value): &(String, f64)| format!("{} with {name}", short(*value));
        self.values.iter().map(words).collect()
    }
}

/// What one module does alone, and what the best of several do.
fn together(modules: &Modules, sites: &Sites<'_>) -> Option<Sentence> {
    let found = Together::of(modules)?;
    let text = format!(
        "Of {} modules together ({} fill), the {} is {}.",
        count_words(found.of.shares.len()),
        found.of.fill.name(),
        sites.metric_in_words(&found.of.metric),
        joined(&found.words())
    );
    Some(Sentence::new("Modules together", Status::Note, text).from(["/modules/coalitions"]))
}

fn plateau(modules: &Modules) -> Option<Sentence> {
    let scan = modules.scan.as_ref()?;
    let longest: Vec<String> = scan
        .plateaus
        .iter()
        .filter(|p| p.count > 1)
        .take(3)
        .map(|p| {
            format!(
                "{} {} from γ = {} to {}",
                count_words(p.count),
                plural(p.count, "module", "modules"),
                short(p.from),
                short(p.to)
            )
        })
        .collect();
    let text = if longest.is_empty() {
        "Along the resolution, no partition into several modules lasts.".to_owned()
    } else {
        format!(
            "Along the resolution, the partitions that last longest are {}.",
            joined(&longest)
        )
    };
    Some(Sentence::new("Resolution", Status::Note, text).from(["/modules/scan/plateaus"]))
}

/// How many circuits lie in a module more than chance puts them there.
fn circuits_agree(modules: &Modules) -> Option<Sentence> {
    let found = modules.agreement.first()?;
    let mut outputs: Vec<&str> = found.pairs.iter().map(|p| p.output.as_str()).collect();
    outputs.dedup();
    let enriched = found.pairs.iter().filter(|p| p.p_holm <= LEVEL);
    let mut in_module: Vec<&str> = enriched.map(|p| p.output.as_str()).collect();
    in_module.dedup();
    let text = format!(
        "{} found by {} {} more sites with one module than chance would give (p ≤ {LEVEL}, Holm); normalised mutual information of modules and circuits {}.",
        capital(&some_of(
            in_module.len(),
            outputs.len(),
            "circuit",
            "circuits"
        )),
        found.method.name(),
        match (in_module.len(), outputs.len()) {
            (0, 1) => "does not share",
            (0 | 1, _) => "shares",
            _ => "share",
        },
        short(found.nmi)
    );
    Some(Sentence::new("Modules and circuits", Status::Note, text).from(["/modules/agreement"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_modules_do_together_is_said_from_the_best_down() {
        let audit = sample::thorough();
        let said: Vec<String> = sentences(
            audit.modules.as_ref().expect("there"),
            &Sites::new(&audit.network),
        )
        .iter()
        .map(|s| s.sentence.clone())
        .collect();
        assert_eq!(
            said,
            [
                "Of two modules together (zero fill), the loss is 0.01 with all, 0.9 with the best one and 2 with none.",
                "Along the resolution, the partitions that last longest are two modules from γ = 0.3 to 1.5.",
                "One of the two circuits found by exact shares more sites with one module than chance would give (p ≤ 0.05, Holm); normalised mutual information of modules and circuits 0.7.",
            ]
        );
    }
}
