//! What a transformer's stream says on the way to the outputs, and what writes it.
//!
//! *Logit lens*: the stream at a point is read as if it were the last (nostalgebraist 2020).
//! *Direct logit attribution*: what each writer adds to the logit difference, the scale of
//! the final norm held as it is in the run (Elhage et al. 2021). *Weights*: what heads and
//! neurons read and write by their weights alone.

mod attribution;
mod stream;
mod weights;

use std::time::Instant;

use super::files::Files;
use super::pipeline::Audited;
use super::{Config, on_files, transformer};
use crate::checkpoint::Checkpoint;
use crate::choice::MetricKind;
use crate::data::Dataset;
use crate::evaluate::stability::RESAMPLES;
use crate::metric::Metric;
use crate::model::{Architecture, Network, Transformer};
use crate::numeric::Scalar;
use crate::numeric::statistics::{bootstrap_interval, mean};
use crate::result::{Lens, SCHEMA, Tool};
use crate::{ErrorKind, Result};

/// Fewer samples have no interval.
const FEWEST: usize = 10;

/// What to show.
#[derive(Debug, Clone)]
pub struct LensSettings {
    /// The samples that are shown position by position; those that there are not are refused.
    pub samples: Vec<usize>,
    /// Outputs told of each direction.
    pub top: usize,
    /// Neurons told.
    pub neurons: usize,
    /// The text of every token, where it is known.
    pub vocabulary: Vec<String>,
}

impl Default for LensSettings {
    fn default() -> Self {
        Self {
            samples: vec![0, 1, 2],
            top: 5,
            neurons: 30,
            vocabulary: Vec::new(),
        }
    }
}

/// Looks through every lens at a transformer.
///
/// # Errors
/// If the network is no transformer, a sample is not there, and as [`super::audit`].
pub fn lens(
    checkpoint: &Checkpoint,
    data: &Dataset,
    config: &Config,
    settings: &LensSettings,
    progress: &dyn Fn(&str),
) -> Result<Lens> {
    let started = Instant::now();
    let config = &config.settled(checkpoint, data);
    let work = |files: Files<'_>| match &files.loaded.network {
        Network::F32(Architecture::Transformer(model)) => {
            of(files, model, config, settings, progress)
        }
        Network::F64(Architecture::Transformer(model)) => {
            of(files, model, config, settings, progress)
        }
        _ => Err(ErrorKind::NoStream {
            layout: files.loaded.layout.name().to_owned(),
        }
        .at(&checkpoint.path)),
    };
    let mut result = on_files(checkpoint, data, config, progress, work)?;
    result.seconds = started.elapsed().as_secs_f64();
    Ok(result)
}

/// A transformer with its data, and what is asked of it.
struct Looked<'a, T> {
    subject: &'a transformer::Subject<'a, T>,
    model: &'a Transformer<T>,
    settings: &'a LensSettings,
    /// Per reading, the outputs that count positive and negative.
    pairs: (Vec<usize>, Vec<usize>),
    seed: u64,
}

fn of<T: Scalar>(
    files: Files<'_>,
    model: &Transformer<T>,
    config: &Config,
    settings: &LensSettings,
    progress: &dyn Fn(&str),
) -> Result<Lens> {
    let subject = transformer::Subject::new(files, model, config.read.as_ref())?;
    let count = subject.batch().samples();
    let mut settings = settings.clone();
    if settings.samples == LensSettings::default().samples {
        settings.samples.retain(|sample| *sample < count);
    }
    if let Some(sample) = settings.samples.iter().find(|sample| **sample >= count) {
        return Err(ErrorKind::WrongEdit {
            edit: format!("sample {sample}"),
            detail: format!("there are {count} samples, from 0"),
        }
        .at(&files.data.path));
    }
    let pairs = match subject.truth().metric(MetricKind::LogitDiff, None)? {
        Metric::LogitDiff { answers, foils } => (answers, foils),
        _ => Default::default(),
    };
    let looked = Looked {
        subject: &subject,
        model,
        settings: &settings,
        pairs,
        seed: config.seed,
    };
    progress("reading the stream");
    let logit_lens = looked.points();
    let samples = looked.samples();
    progress("attributing the logits");
    let (attribution, neurons) = looked.attribution();
    progress("looking at the weights");
    Ok(Lens {
        schema: SCHEMA.to_owned(),
        tool: Tool::this(),
        command: config.command.clone(),
        seed: config.seed,
        summary: Vec::new(),
        checkpoint: subject.checkpoint_info(),
        data: subject.data_info(),
        task: subject.task(),
        transformer: subject.shape(model.positions.is_some()),
        logit_lens,
        samples,
        attribution,
        heads: looked.heads(),
        neurons,
        cosines: looked.cosines(),
        attention: subject.attention_on(model, &settings.samples),
        prompts: files.data.prompts.clone(),
        seconds: 0.0,
    })
}

impl<T: Scalar> Looked<'_, T> {
    /// The name of an output: its own, its token's text, or its number.
    fn name(&self, output: usize) -> String {
        let target = self.model.out_perm[output];
        let text = self.settings.vocabulary.get(target).cloned();
        text.unwrap_or_else(|| self.subject.output_name(output))
    }

    /// 95 % interval of a mean over readings: those of a sample are drawn together.
    fn interval(&self, values: &[f64]) -> Option<[f64; 2]> {
        let of_sample = self.subject.batch().answers.readings_per_sample().max(1);
        let by_sample: Vec<f64> = values.chunks(of_sample).map(mean).collect();
        if by_sample.len() < FEWEST {
            return None;
        }
        bootstrap_interval(by_sample.len(), RESAMPLES, self.seed, |rows| {
            let sum: f64 = rows.iter().map(|row| by_sample[*row]).sum();
            Some(sum / rows.len() as f64)
        })
    }

    /// Whether one logit tells two classes apart.
    fn is_one_logit(&self) -> bool {
        self.model.outputs() == 1
    }

    /// The logit difference of a reading, by this logit of each output.
    fn difference(&self, reading: usize, logit: impl Fn(usize) -> f64) -> f64 {
        let (answers, foils) = &self.pairs;
        match self.is_one_logit() {
            true if answers[reading] == 1 => logit(0),
            true => -logit(0),
            false => logit(answers[reading]) - logit(foils[reading]),
        }
    }
}
