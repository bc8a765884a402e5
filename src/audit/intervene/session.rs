//! A network opened once, and run with edits as often as one likes.

use ndarray::Array2;

use super::{Edited, Plan, WeightEdit, Work, with_weights};
use crate::Result;
use crate::audit::files::Files;
use crate::audit::subject::Subject;
use crate::audit::{Config, fitted, layered, transformer};
use crate::checkpoint::Checkpoint;
use crate::data::Dataset;
use crate::model::{Architecture, Loaded, Network};
use crate::numeric::Scalar;
use crate::patch::edit::{Edit, Editable, Editor};

/// A network with its samples, held in memory between runs.
///
/// ```
/// use modscope::audit::{Config, Plan, Session};
/// use modscope::checkpoint::{Checkpoint, Tensor};
/// use modscope::data::Dataset;
/// use modscope::patch::edit::{At, Change, Edit};
/// use ndarray::array;
///
/// let tensors = [
///     ("0.weight", Tensor::of_floats(&[2, 1], &[1.0, 2.0])),
///     ("2.weight", Tensor::of_floats(&[1, 2], &[1.0, 1.0])),
/// ];
/// let config = r#"{"activation": "identity"}"#;
/// let checkpoint = Checkpoint::from_tensors("line", tensors, Some(config))?;
/// let data = Dataset::from_arrays("data.safetensors", array![[3.0]], None)?;
/// let session = Session::new(checkpoint, data, Config::new(Vec::new()))?;
///
/// let edit = Edit { at: At::Site("h1.1".into()), change: Change::Set(vec![0.0]), positions: None };
/// let plan = Plan { edits: vec![edit], ..Plan::default() };
/// let seen = session.run(&plan, &["h1.0".to_owned()])?;
/// assert_eq!((seen.outputs, &seen.values[0]), (array![[3.0]], &array![[3.0]]));
/// # Ok::<(), modscope::Error>(())
/// ```
#[derive(Debug)]
pub struct Session {
    checkpoint: Checkpoint,
    data: Dataset,
    config: Config,
    loaded: Loaded,
}

/// What a run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// `[readings, outputs]`: a reading is a sample, or a position at which its answer is read.
    pub outputs: Array2<f64>,
    /// What each site that was asked for writes, `[rows, values]`: a row is a sample, or a
    /// position of one.
    pub values: Vec<Array2<f64>>,
}

impl Session {
    /// Reads the network, as `config.model` says, and the data as it needs them.
    ///
    /// # Errors
    /// If the checkpoint is no network this tool knows.
    pub fn new(checkpoint: Checkpoint, data: Dataset, config: Config) -> Result<Self> {
        let config = config.settled(&checkpoint, &data);
        let loaded = Loaded::from_checkpoint(&checkpoint, config.model.clone())?;
        let data = fitted(&data, &loaded).into_owned();
        Ok(Self {
            checkpoint,
            data,
            config,
            loaded,
        })
    }

    /// The names of all sites, in order.
    ///
    /// # Errors
    /// If the data do not fit the network.
    pub fn sites(&self) -> Result<Vec<String>> {
        self.with(&[], Names)
    }

    /// Runs all samples with the edits of a plan, its sweep left aside.
    ///
    /// # Errors
    /// If the data do not fit the network, or a site, an edge, a weight or a value is none of
    /// the network's.
    pub fn run(&self, plan: &Plan, read: &[String]) -> Result<Seen> {
        let edits = plan.edits.as_slice();
        self.with(&plan.weights, Look { edits, read })
    }

    fn with<W>(&self, weights: &[WeightEdit], work: W) -> Result<<W as Work<f64>>::Done>
    where
        W: Work<f64> + Work<f32, Done = <W as Work<f64>>::Done>,
    {
        match &self.loaded.network {
            Network::F32(network) => self.of(network, weights, work),
            Network::F64(network) => self.of(network, weights, work),
        }
    }

    fn of<T: Scalar, W: Work<T>>(
        &self,
        network: &Architecture<T>,
        weights: &[WeightEdit],
        work: W,
    ) -> Result<W::Done> {
        let files = Files {
            checkpoint: &self.checkpoint,
            loaded: &self.loaded,
            data: &self.data,
        };
        match network {
            Architecture::Mlp(model) => self.on(&Subject::new(files, model)?, weights, work),
            Architecture::Transformer(model) => {
                let subject = transformer::Subject::new(files, model, self.config.read.as_ref())?;
                self.on(&subject, weights, work)
            }
            Architecture::Layered(model) => {
                self.on(&layered::Subject::new(files, model)?, weights, work)
            }
        }
    }

    fn on<S: Edited, W: Work<S::Number>>(
        &self,
        subject: &S,
        weights: &[WeightEdit],
        work: W,
    ) -> Result<W::Done> {
        Ok(with_weights(subject, &self.config, weights, work)?.0)
    }
}

/// The names of all sites.
struct Names;

impl<T: Scalar> Work<T> for Names {
    type Done = Vec<String>;

    fn with<E: Editable<Number = T>>(self, editor: &Editor<'_, E>) -> Result<Vec<String>> {
        Ok(editor.names().to_vec())
    }
}

/// Outputs, and what sites write.
struct Look<'a> {
    edits: &'a [Edit],
    read: &'a [String],
}

impl<T: Scalar> Work<T> for Look<'_> {
    type Done = Seen;

    fn with<E: Editable<Number = T>>(self, editor: &Editor<'_, E>) -> Result<Seen> {
        let ready = editor.prepare(self.edits)?;
        let widened = |values: Array2<T>| values.mapv(T::widen);
        let values = match self.read {
            [] => Vec::new(),
            read => editor.read(&ready, read)?,
        };
        Ok(Seen {
            outputs: widened(ready.outputs().reversed_axes()),
            values: values.into_iter().map(widened).collect(),
        })
    }
}
