//! Pruning a transformer's linear layers, and holding it against itself.

use std::borrow::Cow;

use super::{Subject, trained};
use crate::audit::{Config, findings};
use crate::model::Transformer;
use crate::numeric::Scalar;
use crate::prune::certify::Refusal;
use crate::prune::{self, Prunable, Reference, Setting, Threshold};
use crate::result::{Finding, Prune, Status};

/// Transformers of more weights than this are not pruned unasked: every
/// threshold that is tried is a run of the whole network.
const LARGEST_UNASKED: usize = 200_000;

impl<'a, T: Scalar> Subject<'a, T> {
    /// The pruned network and what pruning did; the network as it is, where
    /// nothing was to be pruned.
    pub fn pruned(&self, config: &Config) -> (Cow<'a, Transformer<T>>, Option<Prune>) {
        if self.left_whole(config) {
            return (Cow::Borrowed(self.model), None);
        }
        let reference = self.reference(config);
        let places = self.files.loaded.places.iter();
        let tensors: Vec<String> = places.map(|place| place.tensor.clone()).collect();
        let outputs = self.outputs();
        let setting = Setting {
            loss: self.loss.as_ref(),
            tensors: &tensors,
            outputs: &outputs,
        };
        let (pruned, mut prune) = prune::prune(self.model, &reference, setting, config.prune);
        let counting = trained(self.model, self.files.data);
        let left_out = (0..outputs.len()).filter(|q| !counting.contains(q));
        for output in left_out {
            prune.tolerance_rule += &format!("; y{output} was not trained and does not count");
        }
        prune.not_certified = config
            .certify
            .is_some()
            .then(|| Refusal::Transformer.to_string());
        (Cow::Owned(pruned), Some(prune))
    }

    /// The network as it is, to hold pruned ones against.
    pub fn reference(&self, config: &Config) -> Reference<Transformer<T>> {
        let (batch, classes) = (self.batch.clone(), self.batch.correct.is_some());
        let reference = Reference::new(self.model, batch, config.prune.tolerance, classes);
        reference.counting(&trained(self.model, self.files.data))
    }

    /// Site and own name of each output, by physical position.
    pub fn outputs(&self) -> Vec<(String, String)> {
        let named = |q: usize| (format!("y{q}"), self.output_name(q));
        (0..self.model.outputs()).map(named).collect()
    }

    /// NaN and infinite weights; and, where nothing was pruned unasked, that.
    pub fn findings(&self, config: &Config) -> Vec<Finding> {
        let mut all = findings::of_the_file(self.files.checkpoint, self.files.loaded);
        if self.left_whole(config) {
            let text = format!(
                "not pruned: it has {} weights, more than {LARGEST_UNASKED}; `--threshold X` \
                 prunes it at X, and `--threshold auto` looks for the largest that verifies",
                self.weights()
            );
            all.push(findings::finding(
                Status::Note,
                "not-pruned",
                Vec::new(),
                text,
            ));
        }
        all
    }

    /// Whether the network is large, and nothing was to be pruned.
    fn left_whole(&self, config: &Config) -> bool {
        let nothing = match config.prune.threshold {
            Threshold::Usual => true,
            Threshold::At(threshold) => threshold == 0.0,
            Threshold::Auto | Threshold::Certified(_) => false,
        };
        nothing && self.weights() > LARGEST_UNASKED
    }

    /// Entries of the linear layers.
    pub fn weights(&self) -> usize {
        self.model.weights().iter().map(|w| w.len()).sum()
    }
}
