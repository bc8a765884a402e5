//! Recognising a network from the names and shapes of a checkpoint's tensors.
//!
//! | layout | recognised by |
//! |---|---|
//! | `bimt-mlp` | `linears.{i}.linear.weight`, with `in_perm` and `out_perm` |
//! | `plain-mlp` | any chain of linear layers: see [`super::mlp`] |
//! | `layered` | a `config.json` that lists layers, or names a recurrent cell |
//! | `bimt-transformer`, `transformer-lens`, `gpt2`, `hugging-face`, `nanogpt` | see `transformer::load` |
//!
//! What names cannot say (the activation of a plain MLP, ...) comes from
//! `config.json` or a flag, and is otherwise asked for, never guessed.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use ndarray::{Array1, Array2};
use serde_json::Value;

use super::layered::{self, Layered};
use super::mlp::load::{self, Rewritten};
use super::options::{Options, Role, unknown_layout};
use super::transformer::{self, Place, Transformer};
use super::{Activations, Linear, Mlp, Readout};
use crate::checkpoint::{Account, Checkpoint, Dtype, KeyRule, Tally, Tensor, Unknown};
pub use crate::choice::Layout;
use crate::numeric::{Activation, Scalar};
use crate::{Error, ErrorKind, Result};

/// A network in the precision it is stored in; halves are computed in f32.
#[derive(Debug, Clone)]
pub enum Network {
    /// From f32, f16 and bf16 tensors.
    F32(Architecture<f32>),
    /// From f64 tensors.
    F64(Architecture<f64>),
}

/// The kinds of network.
#[derive(Debug, Clone)]
pub enum Architecture<T> {
    /// Multi-layer perceptron.
    Mlp(Mlp<T>),
    /// Transformer.
    Transformer(Box<Transformer<T>>),
    /// Layers over sums of earlier values.
    Layered(Box<Layered<T>>),
}

/// A network and how it was recognised.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The network.
    pub network: Network,
    /// The layout.
    pub layout: Layout,
    /// The family by its `model_type`, where it is one of Hugging Face's.
    pub family: Option<&'static str>,
    /// The number type of the weights.
    pub dtype: Dtype,
    /// Where the activation is known from: `layout`, `config.json`, `--activation`.
    pub activation_source: &'static str,
    /// What the tensors of the network are, by their names in the file.
    ///
    /// Where the network was rewritten, by their names in [`Loaded::editable`].
    pub roles: BTreeMap<String, Role>,
    /// What the network applies to its outputs last; outputs are what it reads.
    pub readout: Option<Readout>,
    /// The network in plain tensors, where the file holds it otherwise.
    pub rewritten: Option<Rewritten>,
    /// Where each of a transformer's linear layers is in the file, in the order of
    /// [`Transformer::matrices`]; empty for others.
    pub places: Vec<Place>,
    /// What every tensor and every key of the configuration was used for.
    pub account: Tally,
}

impl Network {
    /// The network, where it computes in these numbers.
    #[must_use]
    pub fn computing_in<T: Scalar>(&self) -> Option<&Architecture<T>> {
        let network: &dyn Any = match self {
            Self::F32(network) => network,
            Self::F64(network) => network,
        };
        network.downcast_ref()
    }
}

impl<T: Scalar> Architecture<T> {
    /// Width of every layer of an MLP, inputs first; of a transformer, its
    /// features or tokens, then the stream after every block, then its outputs.
    #[must_use]
    pub fn widths(&self) -> Vec<usize> {
        match self {
            Self::Mlp(model) => model.widths(),
            Self::Transformer(model) => model.widths(),
            Self::Layered(model) => model.widths(),
        }
    }

    /// Trained numbers.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        match self {
            Self::Mlp(model) => model.parameter_count(),
            Self::Transformer(model) => model.parameter_count(),
            Self::Layered(model) => model.parameter_count(),
        }
    }

    /// Between linear layers.
    #[must_use]
    pub fn activation(&self) -> Activations {
        match self {
            Self::Mlp(model) => model.activation.clone(),
            Self::Transformer(model) => model.activation.into(),
            Self::Layered(model) => model.activation().into(),
        }
    }
}

/// What a snapshot of `modscope train` keeps beside the network is no part of it.
fn snapshot(account: &Account<'_>) {
    let is_kept = |name: &&str| name.starts_with("adamw.") || name.starts_with("training.");
    if account.has("training.step") {
        let kept: Vec<&str> = account.names().filter(is_kept).collect();
        let why = "kept to go on with the training";
        kept.iter().for_each(|name| account.harmless(name, why));
    }
}

impl Loaded {
    /// Checks a checkpoint into a network.
    ///
    /// # Errors
    /// If no layout fits, a tensor is missing, shapes disagree, permutations are
    /// none, or the activation is not known.
    pub fn from_checkpoint(checkpoint: &Checkpoint, options: Options) -> Result<Self> {
        checkpoint.refuse_foreign()?;
        let mut account = Account::open(checkpoint, &options.ignore)?;
        snapshot(&account);
        let layout = match options.layout {
            Some(layout) => layout,
            None => recognise(&mut account)?,
        };
        match layout {
            Layout::PlainMlp => Self::chain(account, &options),
            Layout::BimtMlp => Self::bimt(account, &options),
            Layout::Layered => Self::layered(account, None),
            _ => {
                let activation = one_activation(&account, &options)?;
                Self::transformer(account, layout, activation, &options)
            }
        }
    }

    /// The checkpoint in plain tensors, as networks are changed and written back.
    #[must_use]
    pub fn editable(&self, checkpoint: &Checkpoint) -> Checkpoint {
        match &self.rewritten {
            None => checkpoint.clone(),
            Some(rewritten) => Checkpoint {
                tensors: rewritten.tensors.clone(),
                config: rewritten.config.clone(),
                ..checkpoint.clone()
            },
        }
    }

    fn chain(account: Account<'_>, options: &Options) -> Result<Self> {
        let found = match load::read(&account, options)? {
            load::Read::Chain(found) => found,
            load::Read::Layers(layers, source) => {
                return Self::layered(account, Some((layers, source)));
            }
        };
        let network = match found.dtype {
            Dtype::F64 => Network::F64(Architecture::Mlp(found.mlp())),
            _ => Network::F32(Architecture::Mlp(found.mlp())),
        };
        Ok(Self {
            network,
            layout: Layout::PlainMlp,
            family: None,
            dtype: found.dtype,
            activation_source: found.source,
            roles: found.roles,
            readout: found.readout,
            rewritten: found.rewritten,
            places: Vec::new(),
            account: account.settle(&load::KEYS, Unknown::Noted)?,
        })
    }

    fn bimt(account: Account<'_>, options: &Options) -> Result<Self> {
        let layout = Layout::BimtMlp;
        let asked = one_activation(&account, options)?;
        let names = linear_names(&account)?;
        let (activation, activation_source) = activation(&account, layout, asked)?;
        let dtype = weight_dtype(&account, &names)?;
        let network = match dtype {
            Dtype::F64 => Network::F64(Architecture::Mlp(build(&account, &names, activation)?)),
            _ => Network::F32(Architecture::Mlp(build(&account, &names, activation)?)),
        };
        Ok(Self {
            network,
            layout,
            dtype,
            activation_source,
            family: None,
            roles: roles(&account, &names),
            readout: None,
            rewritten: None,
            places: Vec::new(),
            account: account.settle(&BIMT_KEYS, Unknown::Noted)?,
        })
    }

    /// A network of the layers that the configuration lists, or of these, with whoever says
    /// their activations.
    fn layered(account: Account<'_>, told: Option<(Vec<Value>, &'static str)>) -> Result<Self> {
        match layered::dtype(&account)? {
            Dtype::F64 => Self::of_layers(account, Dtype::F64, told, Network::F64),
            dtype => Self::of_layers(account, dtype, told, Network::F32),
        }
    }

    fn of_layers<T: Scalar>(
        account: Account<'_>,
        dtype: Dtype,
        told: Option<(Vec<Value>, &'static str)>,
        network: fn(Architecture<T>) -> Network,
    ) -> Result<Self> {
        let configured = account.settings().source();
        let (layers, source) = told.map_or((None, configured), |(l, who)| (Some(l), who));
        let (model, readout): (Layered<T>, _) = layered::load(&account, layers)?;
        Ok(Self {
            layout: Layout::Layered,
            family: None,
            readout,
            rewritten: None,
            dtype,
            activation_source: source,
            roles: BTreeMap::new(),
            network: network(Architecture::Layered(Box::new(model))),
            places: Vec::new(),
            account: account.settle(layered::KEYS, Unknown::Noted)?,
        })
    }

    fn transformer(
        account: Account<'_>,
        layout: Layout,
        activation: Option<Activation>,
        options: &Options,
    ) -> Result<Self> {
        let asked = (activation, options);
        match transformer::dtype(&account) {
            Dtype::F64 => Self::built(account, layout, Dtype::F64, asked, Network::F64),
            dtype => Self::built(account, layout, dtype, asked, Network::F32),
        }
    }

    fn built<T: Scalar>(
        account: Account<'_>,
        layout: Layout,
        dtype: Dtype,
        (asked, options): (Option<Activation>, &Options),
        network: fn(Architecture<T>) -> Network,
    ) -> Result<Self> {
        let read = transformer::read(&account, layout, asked, options)?;
        let (activation, activation_source) = match read.activation() {
            Some(known) => known,
            None => activation(&account, layout, asked)?,
        };
        let (model, places) = read.build::<T>(&account, activation)?;
        let (rules, unknown) = read.rules();
        Ok(Self {
            layout,
            family: read.family(),
            dtype,
            activation_source,
            roles: read.roles(&places, &account),
            readout: None,
            rewritten: read.rewritten(&account, &model),
            network: network(Architecture::Transformer(Box::new(model))),
            places,
            account: account.settle(rules, unknown)?,
        })
    }

    /// The name of the tensor with a role.
    #[must_use]
    pub fn tensor_name(&self, role: Role) -> Option<&str> {
        let found = self.roles.iter().find(|(_, r)| **r == role);
        found.map(|(name, _)| name.as_str())
    }
}

/// Tensor names of one linear layer.
struct LinearNames {
    weight: String,
    bias: String,
}

impl Layout {
    /// Whether networks of this layout are transformers.
    #[must_use]
    pub fn is_transformer(self) -> bool {
        !matches!(self, Self::BimtMlp | Self::PlainMlp | Self::Layered)
    }
}

/// The linear layers of BIMT's layout, which are counted without a gap.
fn linear_names(account: &Account<'_>) -> Result<Vec<LinearNames>> {
    let number = |name: &str| -> Option<usize> {
        let name = name.strip_prefix("linears.")?;
        let digits = name
            .strip_suffix(".linear.weight")
            .or(name.strip_suffix(".linear.bias"))?;
        let number: usize = digits.parse().ok()?;
        // `01` and `+1` are not how a framework writes a layer's number.
        (number.to_string() == digits).then_some(number)
    };
    let mut numbers: Vec<usize> = account.names().filter_map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return Err(unknown_layout(account.checkpoint()));
    }
    if let Some(missing) = (0..numbers.len()).find(|place| numbers[*place] != *place) {
        let name = format!("linears.{missing}.linear.weight");
        return Err(missing_tensor(account, &name));
    }
    let names = |i| LinearNames {
        weight: format!("linears.{i}.linear.weight"),
        bias: format!("linears.{i}.linear.bias"),
    };
    Ok(numbers.into_iter().map(names).collect())
}

/// What BIMT's layout does not have.
const BIMT_KEYS: [(&str, KeyRule); 3] = [
    ("output_activation", KeyRule::Refused(&[])),
    ("activations", KeyRule::Refused(&[])),
    ("residual", KeyRule::Refused(&[0.0])),
];

/// The one activation that `--activation` names, if any; `--layers` is not given.
fn one_activation(account: &Account<'_>, options: &Options) -> Result<Option<Activation>> {
    let detail = match (options.activation.as_slice(), options.layers.as_slice()) {
        ([], []) => return Ok(None),
        ([one], []) => return Ok(Some(*one)),
        (_, []) => "`--activation` names several; this layout has one for all layers",
        _ => "`--layers` puts plain MLPs in order; this layout has an order of its own",
    };
    Err(ErrorKind::Chain {
        detail: detail.to_owned(),
    }
    .at(account.checkpoint().path.clone()))
}

/// What a class puts before the names of the network that it holds.
const HOLDERS: [&str; 2] = ["model.", "net."];

/// The layout whose tensor names a checkpoint has: a chain of linear layers where it
/// is no other.
fn recognise(account: &mut Account<'_>) -> Result<Layout> {
    if layered::is_layered(account) {
        return Ok(Layout::Layered);
    }
    let bimt = account.names().any(|name| name.starts_with("linears."));
    match transformer::is_transformer(account) {
        Ok(Some(layout)) => Ok(layout),
        Ok(None) if bimt => Ok(Layout::BimtMlp),
        _ if HOLDERS.iter().any(|holder| account.strip(holder)) => recognise(account),
        Ok(None) => Ok(Layout::PlainMlp),
        Err(error) => Err(error),
    }
}

/// The activation, and where it is known from.
fn activation(
    account: &Account<'_>,
    layout: Layout,
    asked: Option<Activation>,
) -> Result<(Activation, &'static str)> {
    let settings = account.settings();
    // All are looked at: two that differ are refused.
    let configured: Vec<_> = ["activation", "act_fn", "hidden_act", "activation_function"]
        .into_iter()
        .filter(|key| settings.has(key))
        .filter_map(|key| Some((key, settings.value(key)?)))
        .collect();
    if let Some(activation) = asked {
        return Ok((activation, "--activation"));
    }
    let unknown = |name: Option<String>| {
        ErrorKind::ActivationUnknown {
            name,
            known: Activation::names().collect::<Vec<_>>().join(", "),
        }
        .at(account.checkpoint().path.clone())
    };
    if let [(_, first), .., (key, last)] = configured.as_slice()
        && first != last
    {
        return Err(settings.disagrees(
            key,
            &last.to_string(),
            &format!("another key says {first}"),
        ));
    }
    match (configured.first(), layout) {
        (Some((_, name)), _) => match name.as_str().map(str::parse) {
            Some(Ok(activation)) => Ok((activation, settings.source())),
            _ => Err(unknown(Some(name.to_string()))),
        },
        (None, Layout::BimtMlp) => Ok((Activation::Silu, "layout")),
        (None, Layout::BimtTransformer) => Ok((Activation::GeluTanh, "layout")),
        (None, _) => Err(unknown(None)),
    }
}

/// The number type of the weights: floating point, and the same in all of them.
fn weight_dtype(account: &Account<'_>, names: &[LinearNames]) -> Result<Dtype> {
    let mut found: Option<(Dtype, &str)> = None;
    for name in names.iter().flat_map(|n| [&n.weight, &n.bias]) {
        let Some(tensor) = account.look(name) else {
            continue;
        };
        let mismatch = |expected: String| {
            ErrorKind::WeightDtype {
                tensor: name.clone(),
                dtype: tensor.dtype.name(),
                expected,
            }
            .at(account.checkpoint().path.clone())
        };
        if matches!(tensor.dtype, Dtype::Integer(_)) {
            return Err(mismatch("f64, f32, f16 or bf16".into()));
        }
        match found {
            Some((dtype, first)) if dtype != tensor.dtype => {
                return Err(mismatch(format!("{} like `{first}`", dtype.name())));
            }
            _ => found = Some((tensor.dtype, name)),
        }
    }
    Ok(found.map_or(Dtype::F32, |(dtype, _)| dtype))
}

/// Checks tensors into an MLP.
fn build<T: Scalar>(
    account: &Account<'_>,
    names: &[LinearNames],
    activation: Activation,
) -> Result<Mlp<T>> {
    let biased = names.iter().any(|name| account.has(&name.bias));
    if !biased {
        account.tell("the layers have no biases".to_owned());
    }
    let mut layers: Vec<Linear<T>> = Vec::new();
    for name in names {
        let layer = linear(account, biased, name, layers.last().map(|l| l.bias.len()))?;
        layers.push(layer);
    }
    let inputs = layers.first().map_or(0, |l| l.weight.ncols());
    let outputs = layers.last().map_or(0, |l| l.bias.len());
    let embedding = embedding(account)?;
    let in_perm = permutation(account, "in_perm", None)?;
    let out_perm = permutation(account, "out_perm", Some(outputs))?;
    let folds = folds(
        account,
        &names[0].weight,
        inputs,
        in_perm.len(),
        embedding.as_ref(),
    )?;
    Ok(Mlp {
        embedding,
        in_perm,
        folds,
        layers,
        activation: activation.into(),
        out_perm,
    })
}

/// One linear layer, whose input width the layer before gives.
fn linear<T: Scalar>(
    account: &Account<'_>,
    biased: bool,
    names: &LinearNames,
    width_before: Option<usize>,
) -> Result<Linear<T>> {
    let weight = account.take(&names.weight, "weights of a linear layer")?;
    let &[readers, writers] = weight.shape.as_slice() else {
        return Err(shape_error(
            account,
            &names.weight,
            weight,
            "a weight has two dimensions, [out, in]",
        ));
    };
    if let Some(width) = width_before.filter(|width| *width != writers) {
        let expected = format!("the layer before it is {width} wide");
        return Err(shape_error(account, &names.weight, weight, &expected));
    }
    if readers == 0 || writers == 0 {
        return Err(shape_error(
            account,
            &names.weight,
            weight,
            "a layer needs inputs and outputs",
        ));
    }
    if account.has(&names.bias) {
        account.take(&names.bias, "biases of a linear layer")?;
    }
    let bias = match account.look(&names.bias) {
        None if biased => return Err(missing_tensor(account, &names.bias)),
        None => Array1::zeros(readers),
        Some(bias) if bias.shape == [readers] => Array1::from(numbers(bias)),
        Some(bias) => {
            let expected = format!("`{}` has {readers} rows", names.weight);
            return Err(shape_error(account, &names.bias, bias, &expected));
        }
    };
    Ok(Linear {
        weight: matrix(account, &names.weight, weight)?,
        bias,
    })
}

/// A two-dimensional tensor as a matrix.
fn matrix<T: Scalar>(account: &Account<'_>, name: &str, tensor: &Tensor) -> Result<Array2<T>> {
    let expected = "two dimensions are expected";
    let &[rows, columns] = tensor.shape.as_slice() else {
        return Err(shape_error(account, name, tensor, expected));
    };
    Array2::from_shape_vec((rows, columns), numbers(tensor))
        .map_err(|_| shape_error(account, name, tensor, expected))
}

fn embedding<T: Scalar>(account: &Account<'_>) -> Result<Option<Array2<T>>> {
    if !account.has("embedding") {
        return Ok(None);
    }
    let tensor = account.take("embedding", "embedding")?;
    matrix(account, "embedding", tensor).map(Some)
}

/// A permutation that is stored as numbers of any type.
fn permutation(account: &Account<'_>, name: &str, width: Option<usize>) -> Result<Vec<usize>> {
    let tensor = account.take(name, "permutation")?;
    if let Some(width) = width.filter(|width| tensor.shape != [*width]) {
        let expected = format!("the network has {width} outputs");
        return Err(shape_error(account, name, tensor, &expected));
    }
    indices(tensor).map_err(|fault| {
        ErrorKind::NotAPermutation {
            tensor: name.to_owned(),
            length: tensor.len(),
            fault,
        }
        .at(account.checkpoint().path.clone())
    })
}

/// The entries of a permutation, or the first that does not fit.
fn indices(tensor: &Tensor) -> Result<Vec<usize>, String> {
    let values = tensor.to_f64();
    let mut place_of = vec![None; values.len()];
    let mut order = Vec::with_capacity(values.len());
    for (place, value) in values.iter().enumerate() {
        let index = *value as usize;
        if index as f64 != *value || index >= values.len() {
            return Err(format!("entry {place} is {value}"));
        }
        if let Some(other) = place_of[index].replace(place) {
            return Err(format!("entries {other} and {place} are both {index}"));
        }
        order.push(index);
    }
    if order.is_empty() {
        return Err("it is empty".to_owned());
    }
    Ok(order)
}

/// How many times `in_perm` goes into the input width.
fn folds<T>(
    account: &Account<'_>,
    weight: &str,
    inputs: usize,
    fold: usize,
    embedding: Option<&Array2<T>>,
) -> Result<usize> {
    let tensor = required(account, weight)?;
    if !inputs.is_multiple_of(fold) {
        let expected =
            format!("`in_perm` has length {fold}, which does not divide its {inputs} inputs");
        return Err(shape_error(account, weight, tensor, &expected));
    }
    match embedding {
        Some(table) if table.ncols() != fold => {
            let tensor = required(account, "embedding")?;
            let expected =
                format!("`in_perm` has length {fold}, one entry per embedding dimension");
            Err(shape_error(account, "embedding", tensor, &expected))
        }
        _ => Ok(inputs / fold),
    }
}

fn required<'c>(account: &Account<'c>, name: &str) -> Result<&'c Tensor> {
    account
        .look(name)
        .ok_or_else(|| missing_tensor(account, name))
}

fn missing_tensor(account: &Account<'_>, name: &str) -> Error {
    ErrorKind::MissingTensor {
        tensor: account.stored(name),
    }
    .at(account.checkpoint().path.clone())
}

fn shape_error(account: &Account<'_>, name: &str, tensor: &Tensor, expected: &str) -> Error {
    ErrorKind::TensorShape {
        tensor: name.to_owned(),
        shape: tensor.shape.clone(),
        expected: expected.to_owned(),
    }
    .at(account.checkpoint().path.clone())
}

fn numbers<T: Scalar>(tensor: &Tensor) -> Vec<T> {
    tensor.numbers()
}

fn roles(account: &Account<'_>, names: &[LinearNames]) -> BTreeMap<String, Role> {
    let mut roles = BTreeMap::new();
    for (layer, names) in names.iter().enumerate() {
        roles.insert(account.stored(&names.weight), Role::Weight(layer));
        if account.has(&names.bias) {
            roles.insert(account.stored(&names.bias), Role::Bias(layer));
        }
    }
    let others = [
        ("in_perm", Role::Permutation),
        ("out_perm", Role::Permutation),
        ("embedding", Role::Embedding),
    ];
    let there = others.into_iter().filter(|(name, _)| account.has(name));
    roles.extend(there.map(|(name, role)| (account.stored(name), role)));
    roles
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Weight(_) => "weight",
            Self::Bias(_) => "bias",
            Self::Slopes(_) => "slopes",
            Self::Embedding => "embedding",
            Self::Permutation => "permutation",
        })
    }
}
