//! The modules of a network over the checkpoints of its training.

use crate::checkpoint::Checkpoint;
use crate::choice::CoursePath;
use crate::data::Dataset;
use crate::model::{Architecture, Loaded, Mlp, Network, Options};
use crate::modules::ModulesConfig;
use crate::modules::copies::{Inside, followed};
use crate::modules::course::joined;
use crate::numeric::inverse;
use crate::prune::Threshold;
use crate::result::{self, Stage};
use crate::{ErrorKind, Result};

use super::network::layered;
use super::written::relocated;
use super::{Config, Stages, audit};

/// A checkpoint, and the step of the training at which it was taken.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Updates made.
    pub step: usize,
    /// The network then.
    pub checkpoint: Checkpoint,
}

/// A training: a network, and others of its checkpoints with every site where it is in the
/// network.
#[derive(Debug, Clone)]
pub struct Training {
    own: usize,
    others: Vec<Snapshot>,
}

impl Training {
    /// Trainings swap neurons: those of an MLP are followed from checkpoint to checkpoint by
    /// their weights, its inputs and outputs by what they are. Others keep their places.
    ///
    /// # Errors
    /// If a checkpoint cannot be opened or is of another shape, or two are of one step.
    pub fn new(own: &Snapshot, others: &[Snapshot], options: &Options) -> Result<Self> {
        let mut others: Vec<&Snapshot> = others.iter().filter(|o| o.step != own.step).collect();
        others.sort_by_key(|other| other.step);
        steps_differ(&others)?;
        let (before, after) = others.split_at(others.partition_point(|o| o.step < own.step));
        let mut found = in_place(own, before.iter().rev().copied(), options)?;
        found.reverse();
        found.extend(in_place(own, after.iter().copied(), options)?);
        Ok(Self {
            own: own.step,
            others: found,
        })
    }
}

/// Adds to the audit of a network by `config` the course of its modules over the training:
/// those found in the same way, at the same threshold, in its other checkpoints.
///
/// # Errors
/// If one of them cannot be searched.
pub fn over_training(
    training: &Training,
    told: &mut result::Audit,
    data: &Dataset,
    config: &Config,
    progress: &dyn Fn(&str),
) -> Result<()> {
    let config = &at_a_stage(config, told);
    let mut stages = Vec::new();
    for one in &training.others {
        progress(&format!("finding modules at step {}", one.step));
        let told = audit(&one.checkpoint, data, config, &|_| ())?.result;
        stages.push(stage(one.step, &told));
    }
    let own = stage(training.own, told);
    let at = own.at;
    stages.insert(stages.partition_point(|stage| stage.at < at), own);
    if let Some(modules) = &mut told.modules {
        modules.courses.push(joined(CoursePath::Steps, stages, at));
    }
    Ok(())
}

/// Refuses two checkpoints of one step.
fn steps_differ(sorted: &[&Snapshot]) -> Result<()> {
    let same = sorted.windows(2).find(|pair| pair[0].step == pair[1].step);
    match same {
        None => Ok(()),
        Some(pair) => Err(ErrorKind::SameStep {
            step: pair[0].step,
            other: pair[0].checkpoint.path.clone(),
        }
        .at(&pair[1].checkpoint.path)),
    }
}

/// What was found at a step; without modules where the network gave no finite numbers.
fn stage(step: usize, told: &result::Audit) -> Stage {
    let modules = told.modules.as_ref();
    Stage {
        at: step as f64,
        edges: modules.map_or(0, |m| m.edges),
        modularity: modules.map_or(0.0, |m| m.modularity),
        partition: modules.map_or_else(Vec::new, |m| m.partition.clone()),
        lines: Vec::new(),
    }
}

/// The same search at the threshold that was told, and nothing besides.
fn at_a_stage(config: &Config, told: &result::Audit) -> Config {
    let mut config = config.clone();
    if let Some(prune) = &told.prune {
        config.prune.threshold = Threshold::At(prune.threshold);
    }
    config.prune.curve = false;
    Config {
        certify: None,
        apart: false,
        stages: Stages {
            modules: true,
            circuits: false,
        },
        relocate: None,
        lesion_samples: 0,
        shapley: false,
        modules: ModulesConfig {
            null_samples: 0,
            more_nulls: Vec::new(),
            stability_seeds: 0,
            resamples: 0,
            scan: false,
            path: false,
            hierarchy: false,
            most_block_edges: 0,
            motifs: false,
            ..config.modules
        },
        ..config
    }
}

/// The checkpoints with every site where it is in the one before, the first of them where it
/// is in `own`.
fn in_place<'s>(
    own: &Snapshot,
    others: impl Iterator<Item = &'s Snapshot>,
    options: &Options,
) -> Result<Vec<Snapshot>> {
    let mut beside = own.checkpoint.clone();
    let next = |other: &Snapshot| {
        beside = beside_it(&other.checkpoint, &beside, options)?;
        Ok(Snapshot {
            step: other.step,
            checkpoint: beside.clone(),
        })
    };
    others.map(next).collect()
}

/// A checkpoint with its sites where they are in another.
fn beside_it(other: &Checkpoint, own: &Checkpoint, options: &Options) -> Result<Checkpoint> {
    let opened = |checkpoint| Loaded::from_checkpoint(checkpoint, options.clone());
    let (theirs, mine) = (opened(other)?, opened(own)?);
    let (found, expected) = (widths(&theirs.network), widths(&mine.network));
    if found != expected {
        return Err(ErrorKind::NotComparable {
            what: "shape".to_owned(),
            found: format!("{found:?}"),
            expected: format!("{expected:?}"),
        }
        .at(&other.path));
    }
    Ok(match (as_mlp(&theirs.network), as_mlp(&mine.network)) {
        (Some(model), Some(mine)) => relocated(other, &theirs, &model, &orders(&model, &mine)),
        _ => other.clone(),
    })
}

fn widths(network: &Network) -> Vec<usize> {
    match network {
        Network::F32(network) => network.widths(),
        Network::F64(network) => network.widths(),
    }
}

fn as_mlp(network: &Network) -> Option<Mlp<f64>> {
    match network {
        Network::F32(Architecture::Mlp(model)) => Some(model.widened()),
        Network::F64(Architecture::Mlp(model)) => Some(model.clone()),
        Network::F32(_) | Network::F64(_) => None,
    }
}

/// By layer, the place in `other` of each site of `own`.
fn orders(other: &Mlp<f64>, own: &Mlp<f64>) -> Vec<Vec<usize>> {
    let place = inverse(&other.in_perm);
    let fold = place.len();
    let input = |at: usize| at / fold * fold + place[own.in_perm[at % fold]];
    let inputs = (0..own.widths()[0]).map(input).collect();
    let place = other.position_of_target();
    let outputs = own.out_perm.iter().map(|target| place[*target]).collect();
    let inside = |model| Inside {
        weights: layered(model).weights,
    };
    followed(&inside(own), &inside(other), inputs, outputs, 0)
}
