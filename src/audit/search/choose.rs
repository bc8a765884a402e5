//! The circuit that a ranking gives: of the size or threshold asked for, else the
//! smallest faithful one.

use super::scores::{FOLDS, Scores};
use super::{Answer, Search};
use crate::audit::methods::{Method, Selection};
use crate::circuit::{Connection, greedy, strongest_first, strongest_of};
use crate::evaluate::{Choice, Judge, Nested, choose, choose_held_out, choose_nested};
use crate::numeric::Scalar;
use crate::patch::{EdgeSet, Patchable, PatchableExt as _};
use crate::result::SweepPoint;
use crate::{ErrorKind, Result};

/// The circuit that a method gives, with the parameter that gave it.
pub struct Chosen {
    pub parameter: f64,
    /// How many edges of a ranking were taken, where it is of a ranking.
    pub ranked: Option<usize>,
    pub edges: EdgeSet,
    pub how: How,
    /// Others that were tried, from few edges to many.
    pub sweep: Vec<SweepPoint>,
}

/// How edges are taken from scores.
pub struct Rule<'r, T> {
    network: &'r dyn Patchable<Number = T>,
    candidates: Vec<usize>,
    /// The same as a set.
    set: &'r EdgeSet,
    selection: Selection,
    /// Where circuits are to be connected.
    connection: Option<Connection<'r, T>>,
}

impl<T: Scalar> Rule<'_, T> {
    /// The candidates, the strongest first or as a greedy circuit grows.
    pub fn ranked(&self, effects: &[f64]) -> Vec<usize> {
        let of_candidates = self.candidates.iter().map(|edge| effects[*edge]);
        let of_candidates: Vec<f64> = of_candidates.collect();
        match self.selection {
            Selection::Top => strongest_first(&self.candidates, &of_candidates)
                .into_iter()
                .map(|(edge, _)| edge)
                .collect(),
            Selection::Greedy => greedy(self.network, effects, self.set),
        }
    }

    /// The circuit of the first so many.
    pub fn circuit(&self, effects: &[f64], size: usize) -> EdgeSet {
        let taken = match self.selection {
            Selection::Top => strongest_of(self.candidates.clone(), effects, size),
            Selection::Greedy => {
                let mut ranked = self.ranked(effects);
                ranked.truncate(size);
                ranked
            }
        };
        self.kept(taken)
    }

    /// These edges, without those on no path from an input to an output.
    pub fn kept(&self, edges: impl IntoIterator<Item = usize>) -> EdgeSet {
        let set = self.network.edges(edges);
        match &self.connection {
            Some(connection) => connection.of(&set),
            None => set,
        }
    }
}

/// Why it is this circuit.
pub enum How {
    /// Its size or threshold was asked for.
    Asked,
    /// The smallest of those tried that is faithful.
    Smallest,
    /// None was faithful; it is the one nearest to it.
    Nearest,
    /// Of the smallest size that is faithful on samples that took no part in its ranking.
    Calibrated,
    /// None was; it is of the size nearest to it.
    NearestCalibrated,
    /// No size was asked for, and none was to be judged.
    Unchosen,
    /// No further edge can go under the same proof.
    Minimal,
    /// Proofs were tried until the time was over.
    Unfinished,
}

impl How {
    /// Of a choice, by the samples of the ranking or by others.
    pub fn of(choice: &Choice, calibrated: bool) -> Self {
        match (choice.faithful, calibrated) {
            (true, false) => Self::Smallest,
            (false, false) => Self::Nearest,
            (true, true) => Self::Calibrated,
            (false, true) => Self::NearestCalibrated,
        }
    }
}

impl<T: Scalar> Search<'_, T> {
    /// The circuit of scores: of the size or threshold asked for, else the smallest faithful.
    /// `None` for no candidates.
    pub fn of_ranking(
        &self,
        judge: Option<&Judge<'_, T>>,
        method: Method,
        scores: &Scores,
    ) -> Result<Option<Chosen>> {
        let (rule, effects) = (self.rule(), &scores.effects);
        let ranked = rule.ranked(effects);
        let above = |tau: f64| ranked.iter().filter(|e| effects[**e].abs() >= tau).count();
        let (parameter, size) = match (self.config.top, self.config.threshold, judge) {
            (Some(top), _, _) => (top as f64, top),
            (None, Some(tau), _) => (tau, above(tau)),
            (None, None, Some(judge)) if self.config.calibrate => {
                let folds = self.folds(&rule, method, scores)?;
                return Ok(self.smallest(judge, &ranked, Some(&folds)));
            }
            (None, None, Some(judge)) => return Ok(self.smallest(judge, &ranked, None)),
            (None, None, None) => {
                return Ok(Some(Chosen {
                    parameter: 0.0,
                    ranked: None,
                    edges: self.network.edges([]),
                    how: How::Unchosen,
                    sweep: Vec::new(),
                }));
            }
        };
        let edges = rule.kept(ranked.iter().take(size).copied());
        Ok(Some(Chosen {
            ranked: Some(size),
            ..self.asked(judge, parameter, edges)
        }))
    }

    /// The circuits of the rankings without each fold.
    fn folds(&self, rule: &Rule<'_, T>, method: Method, scores: &Scores) -> Result<Vec<Nested>> {
        if scores.folds.is_empty() {
            return Err(ErrorKind::NoFolds {
                method: method.to_string(),
                folds: FOLDS,
            }
            .at(self.data));
        }
        let nested = |effects: &Vec<f64>| {
            Nested::new(self.network, &rule.ranked(effects), self.config.connected)
        };
        Ok(scores.folds.iter().map(nested).collect())
    }

    /// The smallest faithful circuit of a ranking; of a size that is calibrated on rankings
    /// without each fold, where there are some.
    fn smallest(
        &self,
        judge: &Judge<'_, T>,
        ranked: &[usize],
        folds: Option<&[Nested]>,
    ) -> Option<Chosen> {
        let nested = Nested::new(self.network, ranked, self.config.connected);
        let choice = match folds {
            Some(folds) => {
                let fold_of = self.fold_of(judge.network().samples())?;
                choose_held_out(judge, folds, &fold_of, self.config.within)?
            }
            None => choose_nested(judge, &nested, self.config.within)?,
        };
        // Rankings that are grown may end at sizes of their own.
        let size = choice.index.min(nested.largest());
        Some(Chosen {
            parameter: size as f64,
            ranked: Some(size),
            edges: nested.circuit(self.network, size),
            how: How::of(&choice, folds.is_some()),
            sweep: choice.points,
        })
    }

    /// A circuit that needs no choice.
    pub fn asked(&self, judge: Option<&Judge<'_, T>>, parameter: f64, edges: EdgeSet) -> Chosen {
        let tried = [(parameter, &edges)];
        let choice = judge.and_then(|judge| choose(judge, &tried, self.config.within));
        Chosen {
            sweep: choice.map_or_else(Vec::new, |choice| choice.points),
            how: How::Asked,
            parameter,
            ranked: None,
            edges,
        }
    }

    pub fn rule(&self) -> Rule<'_, T> {
        let connection = || Connection::new(self.network);
        Rule {
            network: self.network,
            candidates: self.candidates.ones().collect(),
            set: &self.candidates,
            selection: self.config.selection,
            connection: self.config.connected.then(connection),
        }
    }

    pub fn judge<'j>(&self, answer: &'j Answer<'_, T>) -> Judge<'j, T> {
        Judge::new(
            answer.network.as_ref(),
            answer.metric(),
            self.candidates.clone(),
        )
    }

    pub fn selection(&self, how: &How) -> String {
        let within = self.config.within;
        match how {
            How::Asked => "as asked for".to_owned(),
            How::Smallest => {
                format!("the smallest of those tried with |1 − faithfulness| ≤ {within}")
            }
            How::Nearest => {
                format!("the most faithful of the sweep; none had |1 − faithfulness| ≤ {within}")
            }
            How::Calibrated => format!(
                "of the smallest size tried with |1 − faithfulness| ≤ {within} on samples that \
                 took no part in the ranking ({FOLDS} folds)"
            ),
            How::NearestCalibrated => format!(
                "of the most faithful size on samples that took no part in the ranking \
                 ({FOLDS} folds); none had |1 − faithfulness| ≤ {within}"
            ),
            How::Unchosen => "none: scores alone, not judged".to_owned(),
            How::Minimal => "no further edge can go under the same proof".to_owned(),
            How::Unfinished => "what was left when the time for proofs was over".to_owned(),
        }
    }
}
