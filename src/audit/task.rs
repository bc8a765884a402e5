//! Does the network do its task better than networks and labels that know nothing?
//!
//! Circuits of a network that does not are circuits of nothing, however faithful
//! they are to it. Each control is a permutation test: were the network one of the
//! controls, it would be the best of all with a chance of 1 in `DRAWS + 1`.

use ndarray::Array2;

use super::files::Files;
use super::subject::Subject;
use crate::choice::ControlKind;
pub use crate::choice::LEVEL;
use crate::circuit::Goal;
use crate::data::Dataset;
use crate::metric::{Direction, Metric, MetricKind};
use crate::model::{Architecture, Loaded, Network, Options};
use crate::numeric::{Rng, Scalar};
use crate::result::ControlTest;
use crate::{Result, checkpoint::Checkpoint};

/// Draws of each control.
pub const DRAWS: usize = 19;

/// The controls that are about the network as a whole.
#[derive(Debug, Clone, Default)]
pub struct TaskControls {
    /// The same weights in other places.
    pub shuffled: Option<ControlTest>,
    /// Fresh weights.
    pub untrained: Option<ControlTest>,
    /// Permuted labels.
    pub nonsense: Option<ControlTest>,
}

/// How often `draws` are at least as good as `own`, as a test.
pub fn tested(own: f64, draws: &[f64], direction: Direction) -> ControlTest {
    let as_good = |draw: &&f64| match direction {
        Direction::HigherIsBetter => **draw >= own,
        Direction::LowerIsBetter => **draw <= own,
    };
    let as_good = draws.iter().filter(as_good).count();
    let p = (as_good + 1) as f64 / (draws.len() + 1) as f64;
    ControlTest {
        draws: draws.len(),
        p,
        // 1/20 is at the level, whatever the division rounds to.
        beaten: p <= LEVEL * (1.0 + 1e-9),
    }
}

/// Whether the metric is better with the labels as they are than with labels of
/// other samples; `None` for a metric that has none.
pub fn nonsense<T: Scalar>(metric: &Metric, outputs: &Array2<T>, seed: u64) -> Option<ControlTest> {
    if metric.kind() == MetricKind::Output {
        return None;
    }
    let mut rng = Rng::new(seed, 41);
    let draw = |_| {
        let order = rng.permutation(outputs.ncols());
        metric.select(&order).mean(outputs.view())
    };
    let draws: Vec<f64> = (0..DRAWS).map(draw).collect();
    let own = metric.mean(outputs.view());
    Some(tested(own, &draws, metric.kind().direction()))
}

/// The controls of every answer of an MLP on the samples of `subject`; none where
/// the data have no labels.
pub fn of_mlp<T: Scalar>(
    subject: &Subject<'_, T>,
    goals: &[Goal],
    options: &Options,
    seed: u64,
) -> Result<Vec<TaskControls>> {
    let labelled = subject.batch.classes.is_some() || subject.batch.targets.is_some();
    if !labelled {
        return Ok(vec![TaskControls::default(); goals.len()]);
    }
    let drawn = |kind: ControlKind| -> Result<Vec<Array2<f64>>> {
        let one = |draw| {
            let mut rng = Rng::new(seed + draw as u64, 50);
            let checkpoint = kind.network(subject.files.checkpoint, subject.files.loaded, &mut rng);
            outputs(&checkpoint, subject.files.data, options)
        };
        (0..DRAWS).map(one).collect()
    };
    let (shuffled, untrained) = (
        drawn(ControlKind::Shuffled)?,
        drawn(ControlKind::Untrained)?,
    );
    let of_goal = |goal: &Goal| {
        let metric = task_metric(subject, goal);
        let own = metric.mean(subject.clean.view());
        let against = |networks: &[Array2<f64>]| {
            let draws: Vec<f64> = networks.iter().map(|o| metric.mean(o.view())).collect();
            tested(own, &draws, metric.kind().direction())
        };
        TaskControls {
            shuffled: Some(against(&shuffled)),
            untrained: Some(against(&untrained)),
            nonsense: nonsense(&metric, &subject.clean, seed),
        }
    };
    Ok(goals.iter().map(of_goal).collect())
}

/// What the task asks of an answer: right decisions over all classes (the samples of
/// one class say nothing of a network that always decides for it), or its own targets.
fn task_metric<T: Scalar>(subject: &Subject<'_, T>, goal: &Goal) -> Metric {
    let targets = subject.truth().targets.cloned();
    match (&subject.batch.classes, targets) {
        (Some(classes), _) => Metric::Accuracy {
            classes: classes.clone(),
        },
        (None, Some(targets)) => Metric::Mse {
            targets,
            output: Some(goal.output),
        },
        (None, None) => goal.metric.clone(),
    }
}

/// The outputs `[outputs, samples]` of an MLP on data.
fn outputs(checkpoint: &Checkpoint, data: &Dataset, options: &Options) -> Result<Array2<f64>> {
    let loaded = Loaded::from_checkpoint(checkpoint, options.clone())?;
    let files = Files {
        checkpoint,
        loaded: &loaded,
        data,
    };
    Ok(match &loaded.network {
        Network::F32(Architecture::Mlp(model)) => {
            Subject::new(files, model)?.clean.mapv(Scalar::widen)
        }
        Network::F64(Architecture::Mlp(model)) => {
            Subject::new(files, model)?.clean.mapv(Scalar::widen)
        }
        _ => unreachable!("a control has the architecture of what it controls"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_twenty_is_at_the_level() {
        let draws = vec![0.1; 19];
        let best = tested(0.2, &draws, Direction::HigherIsBetter);
        assert!(best.beaten && (best.p - 0.05).abs() < 1e-12);
        assert!(!tested(0.1, &draws, Direction::HigherIsBetter).beaten);
        assert!(tested(0.05, &draws, Direction::LowerIsBetter).beaten);
    }

    #[test]
    fn labels_of_other_samples_are_beaten_by_a_network_that_reads_them() {
        let classes: Vec<usize> = (0..40).map(|s| s % 2).collect();
        let outputs = Array2::from_shape_fn((2, 40), |(o, s)| f64::from(u8::from(o == s % 2)));
        let metric = Metric::Accuracy { classes };
        assert!(nonsense(&metric, &outputs, 1).is_some_and(|test| test.beaten));
        let constant = Array2::from_shape_fn((2, 40), |(o, _)| o as f64);
        assert!(nonsense(&metric, &constant, 1).is_some_and(|test| !test.beaten));
    }
}
