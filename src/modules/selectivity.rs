//! Whether a module serves one output more than the others.
//!
//! Random sets of sites hurt everything a little, so that they often do more harm in all
//! than a module that does one thing alone; what tells a module is that its harm is uneven.

use super::lesions::Ablation;
use crate::choice::MetricKind;

/// What a module does to every output, and whether that is uneven.
#[derive(Debug, Clone, PartialEq)]
pub struct Selectivity {
    /// By output, the harm of ablating the module: of accuracies as it is, else as a share of
    /// the |effect| of ablating all modules; 0 for an output to which that does nothing.
    pub effects: Vec<f64>,
    /// The output that is hurt the most beyond the others.
    pub output: usize,
    /// Its harm less the mean of the others'.
    pub lead: f64,
    /// `(r + 1) / (n + 1)`, r = random sets with at least this lead, for any output.
    pub p: f64,
}

/// The selectivity of a module whose ablation is measured in `kinds` by output, beside what
/// ablating all modules makes of these metrics; `None` for fewer than two outputs.
#[must_use]
pub fn selectivity(
    ablations: &[&Ablation],
    all_ablated: &[f64],
    kinds: &[MetricKind],
) -> Option<Selectivity> {
    let outputs = ablations.iter().zip(all_ablated).zip(kinds);
    let outputs: Vec<Scale> = outputs
        .map(|((a, all), k)| Scale::new(a, *all, *k))
        .collect();
    let harms = |lesioned: &dyn Fn(&Ablation) -> f64| -> Vec<f64> {
        let both = ablations.iter().zip(&outputs);
        both.map(|(ablation, scale)| scale.harm(ablation.full - lesioned(ablation)))
            .collect()
    };
    let effects = harms(&|ablation| ablation.lesioned);
    let (output, lead) = leading(&effects)?;
    let draws = ablations.iter().map(|a| a.random.len()).min()?;
    let reached = (0..draws).filter(|draw| {
        let drawn = leading(&harms(&|ablation| ablation.random[*draw]));
        drawn.is_some_and(|(_, drawn)| drawn >= lead - SAME)
    });
    let p = (reached.count() + 1) as f64 / (draws + 1) as f64;
    Some(Selectivity {
        effects,
        output,
        lead,
        p,
    })
}

/// Leads closer than this are the same: sums in another order differ by less.
const SAME: f64 = 1e-9;

/// How the effects on one output are measured.
struct Scale {
    /// 1 where less of the metric is worse, −1 where more is.
    worse: f64,
    /// An effect of this size counts 1.
    unit: f64,
}

impl Scale {
    fn new(ablation: &Ablation, all_ablated: f64, kind: MetricKind) -> Self {
        let unit = match kind {
            // A share of decisions: what is left without any module depends on its bias.
            MetricKind::Accuracy => 1.0,
            _ => (ablation.full - all_ablated).abs(),
        };
        let worse = match kind.direction() {
            crate::choice::Direction::HigherIsBetter => 1.0,
            crate::choice::Direction::LowerIsBetter => -1.0,
        };
        Self { worse, unit }
    }

    fn harm(&self, effect: f64) -> f64 {
        match self.unit > 0.0 {
            true => self.worse * effect / self.unit,
            false => 0.0,
        }
    }
}

/// The output whose harm is the furthest above the mean of the others', and by how much;
/// the first of equals, `None` for fewer than two.
fn leading(harms: &[f64]) -> Option<(usize, f64)> {
    let others = harms.len().checked_sub(1).filter(|others| *others > 0)? as f64;
    let sum: f64 = harms.iter().sum();
    let lead = |harm: &f64| harm - (sum - harm) / others;
    let best = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
    harms.iter().map(lead).enumerate().reduce(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squared errors of two outputs, 0 as they are and 4 and 2 with everything ablated.
    fn ablated(first: f64, second: f64, random: &[[f64; 2]]) -> Selectivity {
        let of = |lesioned: f64, output: usize| Ablation {
            full: 0.0,
            lesioned,
            alone: 0.0,
            random: random.iter().map(|draw| draw[output]).collect(),
        };
        let (one, other) = (of(first, 0), of(second, 1));
        let kinds = [MetricKind::Mse; 2];
        selectivity(&[&one, &other], &[4.0, 2.0], &kinds).unwrap()
    }

    #[test]
    fn a_module_of_one_output_leads_though_random_sets_do_more_harm() {
        let random = [[4.0, 2.0], [4.0, 1.8], [3.0, 2.0]];
        let found = ablated(3.0, 0.1, &random);
        assert_eq!((found.effects, found.output), (vec![0.75, 0.05], 0));
        assert!((found.lead - 0.7).abs() < 1e-12);
        // The random sets' leads are 0, 0.1 and 0.25.
        assert_eq!(found.p, 0.25);
    }

    #[test]
    fn a_module_of_all_outputs_leads_nowhere() {
        let found = ablated(4.0, 2.0, &[[4.0, 2.0], [0.0, 0.2]]);
        assert_eq!((found.lead, found.p), (0.0, 1.0));
        let one = Ablation {
            full: 1.0,
            lesioned: 0.5,
            alone: 1.0,
            random: vec![1.0],
        };
        assert_eq!(selectivity(&[&one], &[0.0], &[MetricKind::Accuracy]), None);
    }
}
