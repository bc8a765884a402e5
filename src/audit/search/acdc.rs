//! ACDC along its threshold, from the largest down to one whose circuit is faithful.

use std::time::{Duration, Instant};

use super::choose::{Chosen, How};
use super::scores::Scores;
use super::{Answer, Found, Search};
use crate::Result;
use crate::audit::methods::Method;
use crate::choice::Origin;
use crate::circuit::{Acdc, Found as Swept, acdc, acdc_in_order};
use crate::evaluate::{Choice, Judge, choose, thresholds};
use crate::numeric::{Scalar, parallel};
use crate::patch::{EdgeSet, PatchableExt as _};

/// Thresholds of an answer that are tried side by side, on any number of threads, where there
/// are too few answers for that: a threshold below a faithful one is tried in vain.
const AT_A_TIME: usize = 2;

/// Answers that are searched side by side: enough for many threads, and few enough that
/// their trials take little memory.
const ANSWERS: usize = 4;

/// The search for the circuit of an answer.
struct Sweep<'s, T> {
    answer: &'s Answer<'s, T>,
    judge: Judge<'s, T>,
    /// The thresholds to try, from large to small.
    taus: Vec<f64>,
    /// What was found at the first of them.
    swept: Vec<Swept>,
    seconds: f64,
    is_done: bool,
}

impl<T: Scalar> Search<'_, T> {
    /// The circuits of all answers by ACDC, each at the threshold asked for or at the one
    /// whose circuit is the smallest faithful of those tried.
    pub fn by_acdc(&self) -> Result<Vec<Found>> {
        let begun = Instant::now();
        let mut all = Vec::with_capacity(self.answers.len());
        for some in self.answers.chunks(ANSWERS) {
            let first = all.len();
            let mut sweeps: Vec<_> = some.iter().map(|answer| self.sweep(answer)).collect();
            while self.goes_on(first, &mut sweeps)? {}
            for (index, sweep) in sweeps.into_iter().enumerate() {
                all.push(self.of_sweep(first + index, sweep)?);
            }
            let share = all.len() as f64 / self.answers.len() as f64;
            self.tell(Method::Acdc, begun, share);
        }
        Ok(all)
    }

    /// Tries the next thresholds of answers from `first` on, until one gives a faithful
    /// circuit, or to the last where all are wanted; `false` where nothing is left to try.
    fn goes_on(&self, first: usize, sweeps: &mut [Sweep<'_, T>]) -> Result<bool> {
        let next = |(index, sweep): (usize, &Sweep<'_, T>)| -> Vec<(usize, usize, f64)> {
            let untried = sweep.taus.iter().enumerate().skip(sweep.swept.len());
            let some = untried.take(self.at_a_time()).filter(|_| !sweep.is_done);
            some.map(|(place, tau)| (first + index, place, *tau))
                .collect()
        };
        let tasks: Vec<_> = sweeps.iter().enumerate().flat_map(next).collect();
        let found = self.tried(&tasks)?;
        for ((index, ..), (swept, took)) in tasks.iter().zip(found) {
            let sweep = &mut sweeps[index - first];
            sweep.seconds += took.as_secs_f64();
            sweep.swept.push(swept);
        }
        for sweep in sweeps.iter_mut().filter(|sweep| !sweep.is_done) {
            let last = sweep.swept.len().saturating_sub(self.at_a_time());
            sweep.is_done = !self.config.whole_sweep && sweep.is_faithful(last, self.config.within);
        }
        Ok(!tasks.is_empty())
    }

    /// Thresholds of an answer that are tried side by side.
    fn at_a_time(&self) -> usize {
        match self.answers.len() {
            0..ANSWERS => AT_A_TIME,
            ANSWERS.. => 1,
        }
    }

    /// An answer at which nothing has been tried.
    fn sweep<'s>(&'s self, answer: &'s Answer<'_, T>) -> Sweep<'s, T> {
        let judge = self.judge(answer);
        let taus = match self.config.threshold {
            Some(tau) => vec![tau],
            None => thresholds(judge.scale()),
        };
        Sweep {
            answer,
            judge,
            taus,
            swept: Vec::new(),
            seconds: 0.0,
            is_done: false,
        }
    }

    /// What ACDC does for answers at thresholds, `(answer, number of the threshold, τ)`, and
    /// how long it took.
    fn tried(&self, tasks: &[(usize, usize, f64)]) -> Result<Vec<(Swept, Duration)>> {
        let (answers, candidates) = (&self.answers, &self.candidates);
        let (sign, order, journal) = (self.config.sign, &self.published_order, self.journal);
        let search = |index: usize, threshold: f64| {
            let answer = &answers[index];
            let (network, metric) = (answer.network.as_ref(), answer.metric());
            let config = Acdc { threshold, sign };
            match order {
                Some(order) => {
                    acdc_in_order(network, &metric, candidates, config, order.iter().cloned())
                }
                None => acdc(network, &metric, candidates, config),
            }
        };
        let at = |(index, place, tau): &(usize, usize, f64)| {
            let (started, piece) = (Instant::now(), format!("{}/{index}/{place}", Method::Acdc));
            let found = journal.piece(&piece, || Ok(search(*index, *tau)));
            found.map(|found| (found, started.elapsed()))
        };
        parallel::map(tasks, at).into_iter().collect()
    }

    /// The circuit of an answer: a threshold that was not asked for is chosen by judging.
    fn of_sweep(&self, index: usize, sweep: Sweep<'_, T>) -> Result<Found> {
        let mut circuits = sweep.circuits(0);
        let judged = self.config.judge || self.config.threshold.is_none();
        let choice = judged.then(|| sweep.choice(0, &circuits, self.config.within));
        let choice = choice.flatten();
        let place = choice.as_ref().map_or(0, |choice| choice.index);
        let how = match (self.config.threshold, &choice) {
            (None, Some(choice)) => How::of(choice, false),
            _ => How::Asked,
        };
        let chosen = Chosen {
            parameter: sweep.taus[place],
            ranked: None,
            edges: circuits.swap_remove(place),
            how,
            sweep: choice.map_or_else(Vec::new, |choice| choice.points),
        };
        let scores = Scores {
            seconds: sweep.seconds,
            ..of_trials(self.network.edge_count(), &sweep.swept[place])
        };
        let judge = self.config.judge.then_some(sweep.judge);
        self.found(index, judge, Origin::Found(Method::Acdc), chosen, &scores)
    }
}

impl<T: Scalar> Sweep<'_, T> {
    /// The circuits from the threshold of this number on.
    fn circuits(&self, from: usize) -> Vec<EdgeSet> {
        let network = self.answer.network.as_ref();
        let kept = |swept: &Swept| network.edges(swept.kept().map(|(edge, _)| edge));
        self.swept[from..].iter().map(kept).collect()
    }

    /// The smallest faithful of the circuits from the threshold of this number on.
    fn choice(&self, from: usize, circuits: &[EdgeSet], within: f64) -> Option<Choice> {
        let taus = self.taus[from..].iter().copied();
        let tried: Vec<(f64, &EdgeSet)> = taus.zip(circuits).collect();
        choose(&self.judge, &tried, within)
    }

    /// Whether one of the circuits from the threshold of this number on is faithful.
    fn is_faithful(&self, from: usize, within: f64) -> bool {
        let choice = self.choice(from, &self.circuits(from), within);
        choice.is_some_and(|choice| choice.faithful)
    }
}

/// The effects that trials had, after so many runs; 0 for edges that were not tried.
fn of_trials(edges: usize, swept: &Swept) -> Scores {
    let mut effects = vec![0.0; edges];
    for trial in &swept.trials {
        if let Some(edge) = trial.tried.edge() {
            effects[edge] = trial.effect;
        }
    }
    Scores::new(effects, swept.trials.len() as u64)
}
