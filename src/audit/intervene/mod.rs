//! Runs a network with edits and says what moved: outputs, metric and decisions.

mod measure;
mod session;
mod weights;

use std::time::Instant;

use ndarray::Array2;

use super::files::Files;
use super::pipeline::Audited;
use super::subject::Subject;
use super::{Config, layered, on_files, transformer};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::choice::{ChangeKind, EditedKind, MetricKind};
use crate::data::Dataset;
use crate::model::{Architecture, Layered, Loaded, Mlp, Network, Transformer};
use crate::numeric::Scalar;
use crate::patch::edit::{
    At, Change, Edit, Editable, Editor, LayeredEdits, MlpEdits, TransformerEdits,
};
use crate::result::{EditMade, Intervention, SCHEMA, Swept, SweptRow, Tool};
use measure::Measured;
pub(super) use measure::Measures;
pub use session::{Seen, Session};
use weights::rewritten;

/// What to change, all at once.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Sites, edges and paths.
    pub edits: Vec<Edit>,
    /// Single weights.
    pub weights: Vec<WeightEdit>,
    /// What the effect is on; `None` for the usual one.
    pub metric: Option<MetricKind>,
    /// One edit whose value goes through several.
    pub sweep: Option<Sweep>,
}

/// A weight and its new value.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightEdit {
    /// Its writer.
    pub from: String,
    /// Its reader.
    pub to: String,
    /// The value; all of a kernel get it.
    pub value: f64,
}

/// The values of one edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Its place among the edits, then among the weights.
    pub edit: usize,
    /// The values, at least one.
    pub values: Vec<f64>,
}

/// An intervention, and the network it is of where weights were edited and nothing else.
#[derive(Debug)]
pub struct Intervened {
    /// The result.
    pub result: Intervention,
    /// The checkpoint with its edited weights.
    pub edited: Option<Checkpoint>,
}

impl Plan {
    /// With the value of the sweep.
    fn at(&self, value: f64) -> Self {
        let mut plan = self.clone();
        let Some(sweep) = &self.sweep else {
            return plan;
        };
        match plan.edits.get_mut(sweep.edit) {
            Some(edit) => match &mut edit.change {
                Change::Set(values) | Change::Add(values) => *values = vec![value],
                Change::Scale(factor) => *factor = value,
                Change::Sample(_) | Change::Fill(_) => {}
            },
            None => {
                let weight = plan.weights.get_mut(sweep.edit - self.edits.len());
                weight.into_iter().for_each(|weight| weight.value = value);
            }
        }
        plan
    }

    /// One plan for each value.
    fn each(&self) -> Vec<Self> {
        match &self.sweep {
            None => vec![self.clone()],
            Some(sweep) => sweep.values.iter().map(|value| self.at(*value)).collect(),
        }
    }

    /// What is written of it.
    fn told(&self) -> Vec<EditMade> {
        let weight = |weight: &WeightEdit| EditMade {
            at: format!("{}->{}", weight.from, weight.to),
            of: EditedKind::Weight,
            change: ChangeKind::Set,
            values: vec![weight.value],
            sample: None,
            fill: None,
            positions: None,
        };
        let edits = self.edits.iter().map(told);
        edits.chain(self.weights.iter().map(weight)).collect()
    }
}

/// Numbers of a vector that are written down.
const MOST_VALUES: usize = 8;

fn told(edit: &Edit) -> EditMade {
    let of = match &edit.at {
        At::Site(_) => EditedKind::Site,
        At::Edge(..) => EditedKind::Edge,
        At::Path(_) => EditedKind::Path,
    };
    let (change, values, sample, fill) = match &edit.change {
        Change::Set(values) => (ChangeKind::Set, values.clone(), None, None),
        Change::Add(values) => (ChangeKind::Add, values.clone(), None, None),
        Change::Scale(factor) => (ChangeKind::Scale, vec![*factor], None, None),
        Change::Sample(sample) => (ChangeKind::Patch, Vec::new(), Some(*sample), None),
        Change::Fill(fill) => (ChangeKind::Fill, Vec::new(), None, Some(*fill)),
    };
    EditMade {
        at: edit.at.to_string(),
        of,
        change,
        values: values.into_iter().take(MOST_VALUES).collect(),
        sample,
        fill,
        positions: edit.positions.clone(),
    }
}

/// Runs a network with edits, and without.
///
/// # Errors
/// If a site, an edge, a weight, a value or a metric is none of the network's, and as
/// [`super::audit`].
pub fn intervene(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    plan: &Plan,
    progress: &dyn Fn(&str),
) -> Result<Intervened> {
    let started = Instant::now();
    let config = &config.settled(checkpoint, data);
    let work = |files: Files<'_>| match &files.loaded.network {
        Network::F32(network) => of(files, network, config, plan, progress),
        Network::F64(network) => of(files, network, config, plan, progress),
    };
    let mut outcome = on_files(checkpoint, data, config, progress, work)?;
    outcome.result.seconds = started.elapsed().as_secs_f64();
    Ok(outcome)
}

fn of<T: Scalar>(
    files: Files<'_>,
    network: &Architecture<T>,
    config: &Config,
    plan: &Plan,
    progress: &dyn Fn(&str),
) -> Result<Intervened> {
    match network {
        Architecture::Mlp(model) => run(&Subject::new(files, model)?, config, plan, progress),
        Architecture::Transformer(model) => {
            let subject = transformer::Subject::new(files, model, config.read.as_ref())?;
            run(&subject, config, plan, progress)
        }
        Architecture::Layered(model) => run(
            &layered::Subject::new(files, model)?,
            config,
            plan,
            progress,
        ),
    }
}

/// A network with its data that can be run with edits.
pub(super) trait Edited: Audited + Measures {
    /// Works with the network's sites by name; `seed` is of the fill `resample`.
    ///
    /// # Errors
    /// Those of the work.
    fn with_editor<W: Work<Self::Number>>(
        &self,
        network: &Self::Network,
        seed: u64,
        work: W,
    ) -> Result<W::Done>;

    /// The same network as it was read from another checkpoint.
    fn of_loaded(loaded: &Loaded) -> Option<&Self::Network>;
}

/// Works with a network whose weights are edited, and the checkpoint that it is then; of no
/// edits with the network as it is.
fn with_weights<S: Edited, W: Work<S::Number>>(
    subject: &S,
    config: &Config,
    weights: &[WeightEdit],
    work: W,
) -> Result<(W::Done, Option<Checkpoint>)> {
    if weights.is_empty() {
        let done = subject.with_editor(subject.whole(), config.seed, work)?;
        return Ok((done, None));
    }
    let (checkpoint, loaded) = rewritten(subject.files(), config, weights)?;
    let network = S::of_loaded(&loaded);
    let network = network.unwrap_or_else(|| unreachable!("weights alone are edited"));
    let done = subject.with_editor(network, config.seed, work)?;
    Ok((done, Some(checkpoint)))
}

/// What is done with a network whose sites can be edited.
pub(super) trait Work<T> {
    /// What comes of it.
    type Done;

    /// Does it.
    ///
    /// # Errors
    /// If a name or a value is none of the network's.
    fn with<E: Editable<Number = T>>(self, editor: &Editor<'_, E>) -> Result<Self::Done>;
}

/// The outputs with each of several sets of edits.
struct Each<'e>(&'e [&'e [Edit]]);

impl<T: Scalar> Work<T> for Each<'_> {
    type Done = Vec<Array2<T>>;

    fn with<E: Editable<Number = T>>(self, editor: &Editor<'_, E>) -> Result<Vec<Array2<T>>> {
        let outputs = |edits: &&[Edit]| Ok(editor.prepare(edits)?.outputs());
        self.0.iter().map(outputs).collect()
    }
}

/// The outputs of every plan, and the checkpoint with its last weights.
type Outputs<T> = (Vec<Array2<T>>, Option<Checkpoint>);

/// The outputs of every plan, and the checkpoint with the last plan's weights where
/// weights are edited.
fn outputs_of<S: Edited>(
    subject: &S,
    config: &Config,
    plans: &[Plan],
) -> Result<Outputs<S::Number>> {
    if plans.iter().all(|plan| plan.weights.is_empty()) {
        let sets: Vec<&[Edit]> = plans.iter().map(|plan| plan.edits.as_slice()).collect();
        return with_weights(subject, config, &[], Each(&sets));
    }
    let (mut all, mut edited) = (Vec::new(), None);
    for plan in plans {
        let work = Each(&[&plan.edits]);
        let (outputs, checkpoint) = with_weights(subject, config, &plan.weights, work)?;
        all.extend(outputs);
        edited = checkpoint;
    }
    Ok((all, edited))
}

fn run<S: Edited>(
    subject: &S,
    config: &Config,
    plan: &Plan,
    progress: &dyn Fn(&str),
) -> Result<Intervened> {
    let plans = plan.each();
    progress("running with edits");
    let (outputs, edited) = outputs_of(subject, config, &plans)?;
    let measured = Measured::new(subject, plan.metric, config.seed)?;
    let last = outputs
        .last()
        .unwrap_or_else(|| unreachable!("a plan is run"));
    let (numbers, moved) = measured.outputs(last);
    let row = |(value, outputs): (&f64, &Array2<S::Number>)| SweptRow {
        value: *value,
        metric: measured.metric(outputs),
        decisions: measured.decisions(outputs),
        changes: measured.changes(outputs, &numbers),
    };
    let sweep = plan.sweep.as_ref().map(|sweep| Swept {
        edit: sweep.edit,
        rows: sweep.values.iter().zip(&outputs).map(row).collect(),
    });
    let last_plan = plans.last().unwrap_or(plan);
    let result = Intervention {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        summary: Vec::new(),
        checkpoint: subject.checkpoint_info(),
        data: subject.data_info(),
        task: subject.task(),
        edits: last_plan.told(),
        metric: measured.metric(last),
        decisions: measured.decisions(last),
        outputs: moved,
        outputs_total: subject.clean().nrows(),
        sweep,
        written: None,
        seconds: 0.0,
    };
    Ok(Intervened {
        result,
        edited: edited.filter(|_| plan.edits.is_empty()),
    })
}

impl<T: Scalar> Edited for Subject<'_, T> {
    fn with_editor<W: Work<T>>(&self, network: &Mlp<T>, seed: u64, work: W) -> Result<W::Done> {
        let batch = &self.batch;
        let network = MlpEdits::new(network, &batch.inputs, batch.corrupted.as_ref());
        work.with(&Editor::new(&network, &self.files.checkpoint.path, seed))
    }

    fn of_loaded(loaded: &Loaded) -> Option<&Mlp<T>> {
        match loaded.network.computing_in()? {
            Architecture::Mlp(model) => Some(model),
            Architecture::Transformer(_) | Architecture::Layered(_) => None,
        }
    }
}

impl<T: Scalar> Edited for layered::Subject<'_, T> {
    fn with_editor<W: Work<T>>(&self, network: &Layered<T>, seed: u64, work: W) -> Result<W::Done> {
        let batch = self.batch();
        let network = LayeredEdits::new(network, &batch.inputs, batch.corrupted.as_ref());
        work.with(&Editor::new(&network, &self.files().checkpoint.path, seed))
    }

    fn of_loaded(loaded: &Loaded) -> Option<&Layered<T>> {
        match loaded.network.computing_in()? {
            Architecture::Layered(model) => Some(model),
            Architecture::Transformer(_) | Architecture::Mlp(_) => None,
        }
    }
}

impl<T: Scalar> Edited for transformer::Subject<'_, T> {
    fn with_editor<W: Work<T>>(
        &self,
        network: &Transformer<T>,
        seed: u64,
        work: W,
    ) -> Result<W::Done> {
        let network = TransformerEdits::new(network, self.batch());
        work.with(&Editor::new(&network, &self.files().checkpoint.path, seed))
    }

    fn of_loaded(loaded: &Loaded) -> Option<&Transformer<T>> {
        match loaded.network.computing_in()? {
            Architecture::Transformer(model) => Some(model),
            Architecture::Layered(_) | Architecture::Mlp(_) => None,
        }
    }
}
