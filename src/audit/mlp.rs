//! The stages of an audit, of an MLP.

use std::borrow::Cow;

use ndarray::Array2;

use super::files::Files;
use super::finite::not_finite;
use super::pipeline::{Audited, Pruned};
use super::search::Found;
use super::subject::{Subject, task_of};
use super::{
    Config, Granularity, Proved, apart, bounded, certify, circuits, findings, insight, memory,
    modules, network, replay, strongest, wiring, written,
};
use crate::Result;
use crate::checkpoint::Checkpoint;
use crate::model::Mlp;
use crate::numeric::Scalar;
use crate::prune;
use crate::result::{self, Finding, Modules, NodeAblation, Prune};

impl<T: Scalar> Audited for Subject<'_, T> {
    type Network = Mlp<T>;

    fn files(&self) -> Files<'_> {
        self.files
    }

    fn whole(&self) -> &Mlp<T> {
        self.model
    }

    fn not_finite(&self) -> Option<Finding> {
        not_finite(&self.clean)
    }

    fn checkpoint_info(&self) -> result::CheckpointInfo {
        Subject::checkpoint_info(self)
    }

    fn data_info(&self) -> result::DataInfo {
        Subject::data_info(self)
    }

    fn parity(&self) -> Option<result::Parity> {
        let outputs = self.final_outputs();
        self.truth_of(&outputs)
            .parity(self.files.data.told.outputs_dtype, 1)
    }

    fn task(&self) -> Option<result::Task> {
        task_of(self.files, &self.batch, &self.clean)
    }

    fn allows(&self, config: &Config) -> Result<()> {
        match config.circuits.granularity {
            Some(coarse @ Granularity::Component) => {
                Err(coarse.refused(&self.files.data.path, "an MLP"))
            }
            _ => Ok(()),
        }
    }

    fn expected_memory(&self, config: &Config) -> u64 {
        let sizes = memory::Sizes {
            samples: self.batch.len(),
            sites: self.model.widths().iter().sum(),
            edges: self.model.widths().windows(2).map(|w| w[0] * w[1]).sum(),
            heavy: self.model.layers.iter().map(|l| heavy(&l.weight)).sum(),
            outputs: self.outputs.len(),
            number: size_of::<T>(),
        };
        memory::of_layers(sizes, config)
    }

    fn prune(&self, config: &Config, progress: &dyn Fn(&str)) -> Result<Pruned<'_, Mlp<T>>> {
        let (pruned, mut told, proof) = pruning(self, config, progress);
        let (compact, compaction, mut inference) = written::compaction(self, &pruned);
        let mut modules = Vec::new();
        if config.apart {
            progress("taking the network apart");
            let left = (&compact, compaction.kept.as_slice());
            let (apart, files) = apart::apart(self, &pruned, left, &mut inference)?;
            (told.apart, modules) = (Some(apart), files);
        }
        told.compaction = Some(compaction);
        let Files {
            checkpoint, loaded, ..
        } = self.files;
        Ok(Pruned {
            network: Cow::Owned(pruned),
            told: Some(told),
            inference: Some(inference),
            compacted: Some(written::compacted(checkpoint, loaded, &compact)),
            modules,
            proof,
        })
    }

    fn modules(&self, pruned: &Mlp<T>, prune: Option<&Prune>, config: &Config) -> Result<Modules> {
        Ok(modules::modules(self, pruned, prune, config))
    }

    fn arrange(&self, pruned: &Mlp<T>, modules: &mut Modules, config: &Config) {
        let wiring = wiring::wiring(self, pruned, config.relocate, config.seed);
        modules.wiring = Some(wiring);
        modules.placement = wiring::placement(self, modules, config);
    }

    fn circuits(
        &self,
        pruned: &Mlp<T>,
        config: &Config,
        progress: &dyn Fn(&str),
    ) -> Result<(Vec<NodeAblation>, Vec<Found>)> {
        circuits::circuits(self, pruned, config, progress)
    }

    fn explain(&self, pruned: &Mlp<T>, modules: &mut Modules, nodes: &[NodeAblation]) {
        modules.insight = Some(insight::insight(self, pruned, modules, nodes));
    }

    fn remarks(&self, pruned: &Mlp<T>, prune: Option<&Prune>, _: &Config) -> Vec<Finding> {
        findings::findings(self, pruned, prune)
    }

    fn drawn(&self, pruned: &Mlp<T>) -> result::Network {
        network::network(self, pruned)
    }

    fn picture(&self, pruned: &Mlp<T>, _: &Config, result: &mut result::Audit) -> Result<()> {
        result.network = self.drawn(pruned);
        result.strongest = Some(strongest::of_mlp(self, pruned));
        result.replay = replay::replay(self);
        Ok(())
    }

    fn written(&self, pruned: &Mlp<T>) -> Checkpoint {
        written::pruned(self.files.checkpoint, self.files.loaded, pruned)
    }

    fn relocated(&self, modules: &Modules) -> Option<Checkpoint> {
        let Files {
            checkpoint, loaded, ..
        } = self.files;
        let found = modules.wiring.as_ref()?.relocation.as_ref()?;
        Some(written::relocated(
            checkpoint,
            loaded,
            self.model,
            &found.orders,
        ))
    }
}

/// Prunes, verifies, and certifies where asked to.
fn pruning<T: Scalar>(
    subject: &Subject<'_, T>,
    config: &Config,
    progress: &dyn Fn(&str),
) -> (Mlp<T>, Prune, Option<Proved>) {
    let reference = &subject.reference(config.prune.tolerance);
    let mut settings = config.prune;
    let sampled = &certify::Sampled::new(subject.files.data, &subject.batch);
    let network = subject.model;
    let held = certify::Subjected {
        network,
        sampled,
        reference,
    };
    settings.threshold = bounded::threshold(&held, settings, config, progress);
    let (pruned, mut prune) = prune::prune(network, reference, subject.prune_setting(), settings);
    let proof = bounded::certified(&held, &pruned, settings, config, &mut prune, progress);
    let proof = proof.map(|proof| Proved::of(subject, proof));
    (pruned, prune, proof)
}

/// Weights that circuits may keep: those of a hundredth of their layer's largest.
fn heavy<T: Scalar>(weight: &Array2<T>) -> usize {
    let size = |w: &T| w.widen().abs();
    let largest = weight.iter().map(size).fold(0.0, f64::max);
    weight.iter().filter(|w| size(w) > largest / 100.0).count()
}
