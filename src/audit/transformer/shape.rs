//! What a result says of a transformer beside its circuits: shape and attention.

use super::Subject;
use crate::model::Transformer;
use crate::model::transformer::SequenceTrace;
use crate::numeric::Scalar;
use crate::result;

/// Samples whose attention is shown.
const SHOWN: usize = 3;

/// Sequences longer than this are not shown.
const LONGEST_SHOWN: usize = 64;

impl<T: Scalar> Subject<'_, T> {
    /// Its shape, and where its answers are read.
    pub fn shape(&self, split_input: bool) -> result::Transformer {
        let model = self.model;
        result::Transformer {
            layers: model.blocks.len(),
            heads: model.head_count(),
            width: model.width(),
            hidden: model.hidden(),
            inputs: model.inputs(),
            outputs: model.outputs(),
            causal: model.is_causal(),
            norms: model
                .blocks
                .iter()
                .any(|b| b.attention.norms.before.is_some()),
            split_input,
            length: self.batch.length(),
            read: self.read(),
            loss: self.loss.as_ref().map(|loss| loss.mean(self.clean.view())),
        }
    }

    /// Where answers are read, in words.
    fn read(&self) -> String {
        let answers = &self.batch.answers;
        let row = |sample: usize| -> Vec<usize> {
            (0..answers.per_sample())
                .map(|wanted| answers.position(sample, wanted))
                .collect()
        };
        let same = (1..answers.samples()).all(|sample| row(sample) == row(0));
        let length = self.batch.length();
        match (same, answers.per_sample()) {
            _ if answers.is_mean() => "the mean over all positions".to_owned(),
            (_, wanted) if wanted == length => "every position".to_owned(),
            (true, 1) if answers.position(0, 0) + 1 == length => "the last position".to_owned(),
            (true, _) => {
                let positions: Vec<String> = row(0).iter().map(ToString::to_string).collect();
                format!("positions {} of {length}", positions.join(", "))
            }
            (false, 1) => "one position, each sample its own".to_owned(),
            (false, wanted) => format!("{wanted} positions, each sample its own"),
        }
    }

    /// Attention patterns of the pruned network on the first samples.
    pub fn attention(&self, pruned: &Transformer<T>) -> Vec<result::Attention> {
        let first: Vec<usize> = (0..self.batch.samples().min(SHOWN)).collect();
        self.attention_on(pruned, &first)
    }

    /// The same on these samples.
    pub fn attention_on(
        &self,
        model: &Transformer<T>,
        samples: &[usize],
    ) -> Vec<result::Attention> {
        let length = self.batch.length();
        if length > LONGEST_SHOWN {
            return Vec::new();
        }
        let part = self.batch.select(samples);
        let trace = model.forward(&part.inputs, &part.answers, length);
        let layers = 0..model.blocks.len();
        let mut patterns: Vec<_> = layers
            .flat_map(|layer| self.patterns(&trace, layer))
            .collect();
        for pattern in &mut patterns {
            pattern.sample = samples[pattern.sample];
        }
        patterns
    }

    /// The patterns of one block.
    fn patterns(&self, trace: &SequenceTrace<T>, layer: usize) -> Vec<result::Attention> {
        let queries = trace.queries(layer, self.model.blocks.len());
        let (asked, heads) = (
            queries.per_sample(),
            self.model.blocks[layer].attention.heads.count,
        );
        let pattern = &trace.attention[layer].pattern;
        let of = |sample: usize, head: usize| {
            let first = (sample * heads + head) * asked;
            let rows = pattern.slice(ndarray::s![first..first + asked, ..]);
            result::Attention {
                sample,
                layer,
                head,
                queries: (0..asked).map(|q| queries.position(sample, q)).collect(),
                pattern: rows.iter().map(|share| share.widen()).collect(),
            }
        };
        (0..queries.samples())
            .flat_map(|sample| (0..heads).map(move |head| (sample, head)))
            .map(|(sample, head)| of(sample, head))
            .collect()
    }
}
