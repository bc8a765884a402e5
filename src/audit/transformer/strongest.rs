//! The samples at which a transformer's channels or components are strongest.

use ndarray::{Array1, Array2, ArrayView2};

use super::Subject;
use crate::audit::strongest::{extremes, finite, listed, numbers};
use crate::choice::SiteMeasure;
use crate::model::transformer::{Answers, SequenceTrace, Writer};
use crate::model::{Components, Sequences, Transformer};
use crate::numeric::{Scalar, parallel};
use crate::result::{Extreme, Extremes, Sample, Strongest};

impl<T: Scalar> Subject<'_, T> {
    /// Of the channels that are drawn, or else of the components.
    pub fn strongest(
        &self,
        pruned: &Transformer<T>,
        channels: Vec<Extremes>,
        split_input: bool,
    ) -> Strongest {
        let is_drawn = !channels.is_empty();
        let (measure, sites) = match is_drawn {
            true => (SiteMeasure::Activation, channels),
            false => (
                SiteMeasure::OutputNorm,
                self.components(pruned, split_input),
            ),
        };
        Strongest {
            measure,
            sites_total: sites.len(),
            ..listed(self.files.data, sites.into_iter().rev(), |sample| {
                self.described(sample)
            })
        }
    }

    /// The ends of one column of values, whose rows are these positions; padding does not count.
    pub fn extremes<'v>(
        &self,
        site: String,
        rows: &Answers,
        values: impl Iterator<Item = &'v T>,
    ) -> Extremes {
        let prompts = &self.files.data.prompts;
        let is_there = |e: &Extreme| {
            let prompt = prompts.get(e.sample);
            prompt.is_none_or(|prompt| e.position < Some(prompt.clean.len()))
        };
        let value = |(row, x): (usize, &T)| {
            let (sample, wanted) = (row / rows.per_sample(), row % rows.per_sample());
            Extreme {
                sample,
                position: Some(rows.position(sample, wanted)),
                value: x.widen(),
            }
        };
        extremes(site, values.enumerate().map(value).filter(is_there))
    }

    /// The Euclidean norm of what every component writes into the stream.
    fn components(&self, pruned: &Transformer<T>, split_input: bool) -> Vec<Extremes> {
        let sites = pruned.components(split_input);
        let parts = self.batch.parts();
        let norms: Vec<Vec<Array1<T>>> = parallel::map(&parts, |part| norms(pruned, part, &sites));
        let everywhere = Answers::everywhere(self.batch.samples(), self.batch.length());
        let writer = |writer: usize| {
            // From the queries of the last block on, only readings are computed.
            let rows = match sites.writes_answers_only(writer) {
                true => &self.batch.answers,
                false => &everywhere,
            };
            let values = norms.iter().flat_map(|part| part[writer].iter());
            self.extremes(sites.writer_name(writer), rows, values)
        };
        (0..sites.writer_count()).map(writer).collect()
    }

    /// What should come out where the sample is read last, and what does.
    fn described(&self, sample: usize) -> Sample {
        let each = self.batch.answers.readings_per_sample();
        let reading = (sample + 1) * each - 1;
        let name = |output: usize| {
            // A class of one logit is no output.
            match self.model.outputs() {
                1 => self.files.data.class_name(output, 1),
                _ => self.output_name(output),
            }
        };
        let outputs = self.clean.column(reading);
        let targets = self.batch.targets.as_ref();
        let is_class = targets.is_none();
        let label = self.batch.correct.as_ref();
        let text = self
            .files
            .data
            .prompts
            .get(sample)
            .map(|p| p.answer.clone());
        Sample {
            label: label.map(|ids| text.unwrap_or_else(|| name(ids[reading]))),
            decision: is_class.then(|| name(self.decisions[reading])),
            targets: numbers(targets.iter().flat_map(|t| t.column(reading).to_vec())),
            outputs: finite(outputs.iter().filter(|_| !is_class)),
            ..Sample::default()
        }
    }
}

/// Per writer the norms of what it writes, row by row.
fn norms<T: Scalar>(
    model: &Transformer<T>,
    part: &Sequences<T>,
    sites: &Components,
) -> Vec<Array1<T>> {
    let trace = model.forward(&part.inputs, &part.answers, part.length());
    let writer = |writer: usize| norm(written(model, part, &trace, sites.writer_at(writer)).view());
    (0..sites.writer_count()).map(writer).collect()
}

/// What a component writes, `[rows, d]`.
fn written<T: Scalar>(
    model: &Transformer<T>,
    part: &Sequences<T>,
    trace: &SequenceTrace<T>,
    writer: Writer,
) -> Array2<T> {
    let tokens = || model.embed(&part.inputs);
    let positions = || model.position_rows(part.samples(), part.length());
    match writer {
        Writer::TokenEmbedding => tokens(),
        Writer::PositionEmbedding => positions().unwrap_or_else(|| Array2::zeros(tokens().dim())),
        Writer::Input => trace.stream_before(0).clone(),
        Writer::Head { layer, head } => {
            let attention = &model.blocks[layer].attention;
            let columns = attention.heads.head_columns(head);
            let held = trace.attention[layer].held.slice(ndarray::s![.., columns]);
            held.dot(&attention.head_out(head))
        }
        Writer::Heads { layer } => model.message(trace, 2 * layer),
        Writer::Mlp { layer } => model.message(trace, 2 * layer + 1),
        Writer::Norm { sublayer } => trace.sum(model, sublayer),
    }
}

/// The norm of each row.
fn norm<T: Scalar>(rows: ArrayView2<'_, T>) -> Array1<T> {
    let of = |row: ndarray::ArrayView1<'_, T>| {
        let squares: f64 = row.iter().map(|x| x.widen().powi(2)).sum();
        T::from_f64(squares.sqrt())
    };
    rows.rows().into_iter().map(of).collect()
}
