//! The pruned network as modules, each a network of its own; that these do the same is
//! shown with the networks as they are written.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::subject::Subject;
use super::written::timed;
use crate::Result;
use crate::checkpoint::{Checkpoint, Tensor};
use crate::choice::Layout;
use crate::graph::Layered;
use crate::model::{Architecture, Loaded, Mlp, Options};
use crate::modules::apart::{WEAKLY_JOINED, modules_apart};
use crate::numeric::Scalar;
use crate::prune::apart::{Apart, Joining, ModuleNetwork, Outputs};
use crate::result::{self, Component, ConstantOutput, Inference, ModulesApart};

/// The file of the edges between modules.
const JOINER: &str = "modules/joiner.safetensors";

/// The modules of a pruned network, of which `compact` is what is not idle and `kept` where
/// that stood: what is told of them, and their files by path. How fast they run is added to `inference`.
///
/// # Errors
/// If a module's file cannot be read back as the network that it is.
pub fn apart<T: Scalar>(
    subject: &Subject<'_, T>,
    pruned: &Mlp<T>,
    (compact, kept): (&Mlp<T>, &[Vec<usize>]),
    inference: &mut Inference,
) -> Result<(ModulesApart, Vec<Checkpoint>)> {
    let (mut parts, added) = taken_apart(compact);
    let layout = subject.files.loaded.layout;
    let written = parts.modules.iter().enumerate();
    let written = written.map(|(at, module)| file(at, &module.model, layout));
    let mut files: Vec<Checkpoint> = written.collect();
    for (module, file) in parts.modules.iter_mut().zip(&files) {
        module.model = read_back(file)?;
    }
    let inputs = subject.batch.inputs.view();
    let theirs = pruned.outputs(inputs).mapv(T::widen);
    let (outputs, parallel) = timed(|| parts.outputs(inputs));
    inference.modules_parallel = Some(parallel);
    inference.modules = one_thread(|| timed(|| parts.outputs(inputs)).1);
    let same = subject.truth_of(&outputs).agreement(&theirs);
    let alone = parts.is_joined().then(|| parts.alone(inputs));
    let alone = alone.map(|outputs| subject.truth_of(&outputs).agreement(&theirs));
    files.extend(parts.is_joined().then(|| joiner(&parts)));
    let modules = parts.modules.iter().zip(&files);
    let told = ModulesApart {
        modules: modules
            .map(|(module, file)| told(subject, kept, module, file))
            .collect(),
        joining: parts.joiner.iter().map(Vec::len).sum(),
        joiner: parts.is_joined().then(|| JOINER.to_owned()),
        added,
        constants: constants(subject, &parts),
        max_abs_difference: same.max_abs_difference,
        allowed: same.allowed,
        holds: same.holds,
        samples: same.samples,
        alone: alone.map(|same| same.max_abs_difference),
    };
    Ok((told, files))
}

/// A compact network as its modules: with the outputs among them, or where that is one
/// module, without.
fn taken_apart<T: Scalar>(model: &Mlp<T>) -> (Apart<T>, bool) {
    let whole = found(model, model.layers.len());
    let last = model.layers.len() - 1;
    let count = whole.iter().flatten().flatten().max();
    if count == Some(&0) && model.layers.len() > 2 {
        let shared = found(model, last);
        if shared.iter().flatten().flatten().any(|module| *module > 0) {
            return (Apart::new(model, &slices(&shared), Outputs::Shared), true);
        }
    }
    (
        Apart::new(model, &slices(&whole[..last]), Outputs::Owned(&whole[last])),
        false,
    )
}

/// The module of every neuron of the first `layers` layers behind the inputs. Where that
/// is one layer, every neuron is a module: no edge joins them.
fn found<T: Scalar>(model: &Mlp<T>, layers: usize) -> Vec<Vec<Option<usize>>> {
    let widths = &model.widths()[1..=layers];
    if layers == 1 {
        return vec![(0..widths[0]).map(Some).collect()];
    }
    let behind_inputs = model.layers[1..layers].iter();
    let network = Layered::new(behind_inputs.map(|l| l.weight.mapv(T::widen)).collect());
    let modules = modules_apart(&network, WEAKLY_JOINED);
    let mut rest = modules.of.into_iter();
    let layer = |width: &usize| rest.by_ref().take(*width).collect();
    widths.iter().map(layer).collect()
}

fn slices(layers: &[Vec<Option<usize>>]) -> Vec<&[Option<usize>]> {
    layers.iter().map(Vec::as_slice).collect()
}

/// The file of a module: in BIMT's layout where the network came in it, else plain layers.
fn file<T: Scalar>(at: usize, model: &Mlp<T>, layout: Layout) -> Checkpoint {
    let (tensors, config) = match (layout, model.activation.of_layer(0)) {
        (Layout::BimtMlp, Some(activation)) => {
            let name = Value::from(activation.to_string());
            let config = Map::from_iter([("activation".to_owned(), name)]);
            (model.to_bimt(), config)
        }
        _ => model.to_chain(),
    };
    checkpoint(&format!("modules/{at}/model.safetensors"), tensors, config)
}

fn checkpoint(
    path: &str,
    tensors: BTreeMap<String, Tensor>,
    config: Map<String, Value>,
) -> Checkpoint {
    Checkpoint {
        path: path.into(),
        sha256: Default::default(),
        tensors,
        metadata: BTreeMap::new(),
        config,
    }
}

/// The network that a file holds, as whoever opens it reads it.
fn read_back<T: Scalar>(file: &Checkpoint) -> Result<Mlp<T>> {
    let loaded = Loaded::from_checkpoint(file, Options::default())?;
    match loaded.network.computing_in() {
        Some(Architecture::Mlp(model)) => Ok(model.clone()),
        _ => unreachable!("an MLP is written as an MLP of its own precision"),
    }
}

/// The edges between modules, by linear layer: `from` and `to` are `[edges, 2]`, a module
/// and a place in its layer there.
fn joiner<T: Scalar>(parts: &Apart<T>) -> Checkpoint {
    let mut tensors = BTreeMap::new();
    let layers = parts.joiner.iter().enumerate();
    for (layer, edges) in layers.filter(|(_, edges)| !edges.is_empty()) {
        let ends = |end: fn(&Joining<T>) -> (usize, usize)| {
            let ends = edges.iter().map(end);
            let both: Vec<usize> = ends.flat_map(|(module, place)| [module, place]).collect();
            Tensor::of_integers(&[edges.len(), 2], &both)
        };
        let weights: Vec<T> = edges.iter().map(|edge| edge.weight).collect();
        let weights = Tensor::of_floats(&[weights.len()], &weights);
        tensors.insert(format!("layers.{layer}.from"), ends(|edge| edge.from));
        tensors.insert(format!("layers.{layer}.to"), ends(|edge| edge.to));
        tensors.insert(format!("layers.{layer}.weight"), weights);
    }
    checkpoint(JOINER, tensors, Map::new())
}

/// What is told of a module.
fn told<T: Scalar>(
    subject: &Subject<'_, T>,
    kept: &[Vec<usize>],
    module: &ModuleNetwork<T>,
    file: &Checkpoint,
) -> result::ModuleNetwork {
    let model = subject.model;
    let name = |layer: usize| {
        let places = module.kept[layer].iter();
        let old = places.map(move |place| kept[layer][*place]);
        old.map(move |place| subject.sites.name(layer, place))
    };
    let last = model.layers.len();
    let fold = model.in_perm.len();
    let is_embedded = model.embedding.is_some();
    let features = module.kept[0].iter().map(|place| {
        let first = if is_embedded { 0 } else { place / fold * fold };
        first + model.in_perm[place % fold]
    });
    let mut features: Vec<usize> = features.collect();
    features.sort_unstable();
    features.dedup();
    let mut targets: Vec<usize> = module
        .outputs()
        .iter()
        .map(|q| model.out_perm[*q])
        .collect();
    targets.sort_unstable();
    let weights = module.model.layers.iter().flat_map(|l| &l.weight);
    result::ModuleNetwork {
        path: file.path.display().to_string(),
        sites: Component {
            inputs: name(0).collect(),
            hidden: (1..last).flat_map(name).collect(),
            outputs: name(last).collect(),
            edges: weights.filter(|w| !w.is_zero()).count(),
        },
        layers: module.model.widths(),
        parameters: module.model.parameter_count(),
        features,
        targets,
    }
}

/// The outputs that are in no module.
fn constants<T: Scalar>(subject: &Subject<'_, T>, parts: &Apart<T>) -> Vec<ConstantOutput> {
    let constants = parts.constants.iter();
    let constants = constants.map(|(place, value)| ConstantOutput {
        output: subject.outputs[*place].0.clone(),
        value: value.widen(),
    });
    constants.collect()
}

/// What comes of it on one thread, where one can be had.
fn one_thread<R: Send>(run: impl FnOnce() -> R + Send) -> Option<R> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    pool.ok().map(|pool| pool.install(run))
}
