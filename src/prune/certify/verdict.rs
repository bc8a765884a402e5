//! What a certificate comes to.

use crate::choice::CertificateMethod;
use serde::Serialize;

use super::Stop;

/// An input, as the domain has it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Input {
    /// A number per feature.
    Features(Vec<f64>),
    /// A token per position.
    Tokens(Vec<usize>),
}

/// An input at which an output changes by more than its tolerance.
#[derive(Debug, Clone, PartialEq)]
pub struct Counterexample {
    /// The input.
    pub input: Input,
    /// Physical position of the output.
    pub output: usize,
    /// |f − f_pruned| there is at least this; rounding is taken off.
    pub change: f64,
}

/// Whether the outputs stay within their tolerances on the whole domain.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// They do: proved.
    Holds,
    /// They do not: here is where.
    Refuted(Counterexample),
    /// The budget ended before either was known.
    Undecided,
}

/// Decisions of a finite domain, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    /// Cases in which both networks decide alike.
    pub same: u64,
    /// Cases in which they do not.
    pub changed: u64,
    /// Cases in which the two largest outputs of a network are equal to rounding.
    pub ties: u64,
    /// A case in which they do not.
    pub example: Option<Input>,
}

/// The result of certifying a pair of networks on a domain.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How the bounds were obtained.
    pub method: CertificateMethod,
    /// Whether the tolerances hold.
    pub outcome: Outcome,
    /// Why the search ended.
    pub stop: Stop,
    /// Per physical output, an upper bound on |f − f_pruned| over the domain.
    pub bounds: Vec<f64>,
    /// Per physical output, the largest |f − f_pruned| that was found.
    pub found: Vec<f64>,
    /// Per physical output, where it was found.
    pub found_at: Vec<Input>,
    /// Decisions, case by case, where the domain is finite.
    pub decisions: Option<Counted>,
    /// Cases or boxes examined.
    pub boxes: u64,
    /// Seconds it took.
    pub seconds: f64,
}

impl Verdict {
    /// Upper bound on the change of any output.
    #[must_use]
    pub fn bound(&self) -> f64 {
        self.bounds.iter().copied().fold(0.0, f64::max)
    }

    /// The largest change of any output that was found.
    #[must_use]
    pub fn best_found(&self) -> f64 {
        self.found.iter().copied().fold(0.0, f64::max)
    }

    /// What two searches on the same domain know together; the outcome is the first one's
    /// where that decided.
    #[must_use]
    pub(super) fn with(mut self, other: Self) -> Self {
        for output in 0..self.bounds.len() {
            self.bounds[output] = self.bounds[output].min(other.bounds[output]);
            if other.found[output] > self.found[output] {
                self.found[output] = other.found[output];
                self.found_at[output].clone_from(&other.found_at[output]);
            }
        }
        if self.outcome != Outcome::Holds && other.outcome != Outcome::Undecided {
            (self.outcome, self.stop) = (other.outcome, other.stop);
        }
        self.boxes += other.boxes;
        self.seconds += other.seconds;
        self
    }

    /// What verdicts on two parts of a domain say of both.
    #[must_use]
    pub(super) fn beside(mut self, other: Self) -> Self {
        for output in 0..self.bounds.len() {
            self.bounds[output] = self.bounds[output].max(other.bounds[output]);
            if other.found[output] > self.found[output] {
                self.found[output] = other.found[output];
                self.found_at[output].clone_from(&other.found_at[output]);
            }
        }
        // A refutation before a doubt before a proof; of equals the first.
        let weight = |outcome: &Outcome| match outcome {
            Outcome::Refuted(_) => 2,
            Outcome::Undecided => 1,
            Outcome::Holds => 0,
        };
        if weight(&other.outcome) > weight(&self.outcome) {
            (self.outcome, self.stop) = (other.outcome, other.stop);
        }
        self.boxes += other.boxes;
        self.seconds += other.seconds;
        self
    }

    /// Whether all tolerances hold on the whole domain.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.outcome == Outcome::Holds
    }
}
