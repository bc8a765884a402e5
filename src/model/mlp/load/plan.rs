//! What is done to the inputs one after another, from `config.json`, flags or names.

use std::collections::BTreeMap;

use serde_json::Value;

use super::modules::{self, Kind, Stored, fault};
use super::order::{self, Doubt, Named};
use super::place;
use super::steps::{Between, Step};
use crate::checkpoint::{Account, Settings};
use crate::model::Meaning;
use crate::model::options::Options;
use crate::model::readout::Readout;
use crate::numeric::Activation;
use crate::{Error, ErrorKind, Result};

/// The steps, and where the activations are known from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plan {
    pub steps: Vec<Step>,
    pub source: &'static str,
}

impl Plan {
    /// Whether no chain of linear layers has it: a norm goes over the neurons of every
    /// sample, or a function of every output alone stands at the end.
    pub fn is_layered(&self) -> bool {
        let is_norm = |step: &Step| matches!(step, Step::LayerNorm { .. });
        let ends = match self.steps.last() {
            Some(Step::Activation(Activation::Sigmoid | Activation::Identity)) => false,
            last => matches!(last, Some(Step::Activation(_))),
        };
        ends || self.steps.iter().any(is_norm)
    }

    /// The steps as `layers` of a `config.json`.
    pub fn operations(&self) -> Vec<Value> {
        self.steps.iter().map(Step::operation).collect()
    }
}

/// Where `config.json` names one activation for all layers.
const ONE: [&str; 5] = [
    "activation",
    "act_fn",
    "hidden_act",
    "activation_function",
    "hidden_activation",
];
/// PyTorch's ε of batch norms.
const EPSILON: f64 = 1e-5;

/// The steps of a checkpoint.
///
/// # Errors
/// If order, activations or the kind of a module are not certain, or something is
/// named that is not computed.
pub(super) fn plan(account: &Account<'_>, options: &Options) -> Result<Plan> {
    computed(account)?;
    let settings = account.settings();
    let told = settings.list("layers")?;
    let ops: Option<&Vec<Value>> = told.filter(|list| list.iter().any(Value::is_object));
    let plan = match ops {
        Some(ops) if options.layers.is_empty() => Plan {
            steps: from_config(account, ops)?,
            source: settings.source(),
        },
        _ => from_names(account, options)?,
    };
    if let Some(widths) = told.filter(|list| list.iter().all(Value::is_number)) {
        account.tell(format!(
            "`layers` of config.json, {}, was taken for widths and is not needed",
            Value::Array(widths.clone())
        ));
    }
    with_readout(account, plan)
}

/// Endings of names, and what networks that have them do.
const NOT_COMPUTED: [(&str, &str); 5] = [
    ("weight_hh_l", "recurrent layers are not computed yet"),
    (
        "in_proj_weight",
        "attention is computed in transformers' layouts alone",
    ),
    (
        "self_attn.q_proj.weight",
        "transformers of this family are not computed yet",
    ),
    (
        "attention.self.query.weight",
        "transformers of this family are not computed yet",
    ),
    ("weight_u", "spectral norm is not computed yet"),
];

/// That no tensor is of a layer that a chain does not have.
fn computed(account: &Account<'_>) -> Result<()> {
    for name in account.names() {
        let known = NOT_COMPUTED.iter().find(|(part, _)| name.contains(part));
        if let Some((_, why)) = known {
            return Err(fault(account, name, why));
        }
        let dimensions = account.look(name).map_or(0, |tensor| tensor.shape.len());
        if dimensions > 2 && name.ends_with("weight") {
            return Err(fault(account, name, "convolutions are not computed yet"));
        }
    }
    let settings = account.settings();
    match settings.word("architecture")? {
        Some(word)
            if !["mlp", "chain", "feedforward"].contains(&word.to_ascii_lowercase().as_str()) =>
        {
            Err(settings.unsupported("architecture", word))
        }
        _ => Ok(()),
    }
}

fn with_readout(account: &Account<'_>, mut plan: Plan) -> Result<Plan> {
    let settings = account.settings();
    let Some(word) = settings.word("output_activation")? else {
        return Ok(plan);
    };
    match (word.parse::<Readout>(), word.parse::<Activation>()) {
        (Ok(readout), _) => plan.steps.push(Step::Readout(readout)),
        (_, Ok(activation)) => plan.steps.push(Step::Activation(activation)),
        _ => return Err(settings.unsupported("output_activation", word)),
    }
    Ok(plan)
}

/// Whether a chain has an operation that `layers` of a `config.json` calls so.
pub(in crate::model) fn has_operation(op: &str) -> bool {
    const BESIDE: [&str; 7] = [
        "linear",
        "batch_norm",
        "batch_norm1d",
        "prelu",
        "affine",
        "dropout",
        "flatten",
    ];
    BESIDE.contains(&op) || op.parse::<Readout>().is_ok() || op.parse::<Activation>().is_ok()
}

/// The steps that `config.json` lists.
fn from_config(account: &Account<'_>, ops: &[Value]) -> Result<Vec<Step>> {
    let settings = account.settings();
    let mut steps = Vec::new();
    for (place, op) in ops.iter().enumerate() {
        let Some(op) = settings.entry(&format!("layers[{place}]"), op) else {
            return Err(settings.wrong(&format!("layers[{place}]"), &op.to_string(), "an object"));
        };
        steps.extend(step(&op)?);
        op.all_used()?;
    }
    Ok(steps)
}

fn step(op: &Settings<'_>) -> Result<Option<Step>> {
    let kind = op.word("op")?.ok_or_else(|| op.missing("op"))?;
    let name = || -> Result<String> {
        Ok(op
            .word("name")?
            .ok_or_else(|| op.missing("name"))?
            .to_owned())
    };
    Ok(Some(match kind {
        "linear" => Step::Linear {
            name: name()?,
            biased: op.flag("bias")?,
        },
        "batch_norm" | "batch_norm1d" => Step::BatchNorm {
            name: name()?,
            epsilon: op.positive("eps")?.unwrap_or(EPSILON),
        },
        "prelu" => Step::Slopes(name()?),
        "affine" => Step::Affine(name()?),
        "dropout" => {
            op.number("p")?;
            return Ok(None);
        }
        "flatten" => return Ok(None),
        word => match (word.parse::<Readout>(), word.parse::<Activation>()) {
            (_, Ok(activation)) => Step::Activation(with_parameters(op, activation)?),
            (Ok(readout), _) => Step::Readout(readout),
            _ => return Err(op.unsupported("op", word)),
        },
    }))
}

/// An activation with the slope or α that a configuration gives.
fn with_parameters(settings: &Settings<'_>, activation: Activation) -> Result<Activation> {
    let key = match activation {
        Activation::LeakyRelu(_) => "negative_slope",
        Activation::Elu(_) => "alpha",
        _ => return Ok(activation),
    };
    let usual = activation.to_string().contains(':');
    let said = settings.number(key)?.filter(|_| !usual);
    Ok(said
        .and_then(|value| activation.with_parameter(value))
        .unwrap_or(activation))
}

/// The steps that names and a list of activations give.
fn from_names(account: &Account<'_>, options: &Options) -> Result<Plan> {
    let kinds = modules::kinds(account);
    let chain = if options.layers.is_empty() {
        in_order(account, &kinds)?
    } else {
        as_told(account, &kinds, &options.layers)?
    };
    let (between, source) = between(account, options, chain.len() - 1)?;
    let is_layer_norm = layer_norms(account, options, &kinds)?;
    let settings = account.settings();
    let epsilons = ["batch_norm_eps", "layer_norm_eps"].map(|key| settings.positive(key));
    let [of_batch, of_layer] = epsilons;
    let (of_batch, of_layer) = (of_batch?.unwrap_or(EPSILON), of_layer?.unwrap_or(EPSILON));
    let norm = |name: String| match kinds.get(&name) {
        Some(Kind::Norm | Kind::Vector) => Step::LayerNorm {
            name,
            epsilon: of_layer,
        },
        _ => Step::BatchNorm {
            name,
            epsilon: of_batch,
        },
    };
    let placed = place::placed(account, &kinds, &chain, &between, is_layer_norm)?;
    let mut steps = Vec::from_iter(placed.inputs.clone().map(norm));
    for (index, name) in chain.iter().enumerate() {
        steps.push(Step::Linear {
            name: name.clone(),
            biased: None,
        });
        let (before, act, after) = placed.gap(index, &between);
        steps.extend(before.map(norm));
        steps.extend(act);
        steps.extend(after.map(norm));
    }
    Ok(Plan { steps, source })
}

/// Whether norms without statistics are LayerNorms, as `config.json`, a flag or the
/// framework's outputs say.
fn layer_norms(
    account: &Account<'_>,
    options: &Options,
    kinds: &BTreeMap<String, Kind>,
) -> Result<bool> {
    let norms = kinds.iter().filter(|(_, kind)| **kind == Kind::Norm);
    let names: Vec<&str> = norms.map(|(name, _)| name.as_str()).collect();
    let settings = account.settings();
    let by_word = match settings.word("norm")? {
        None => false,
        Some("layer_norm" | "layernorm" | "LayerNorm") => true,
        Some("batch_norm" | "batchnorm" | "BatchNorm") if names.is_empty() => false,
        Some(other) => return Err(settings.unsupported("norm", other)),
    };
    let by_config = by_word || settings.flag("layer_norm")? == Some(true);
    let is_told = by_config || options.reads(Meaning::LayerNorm);
    if is_told && !names.is_empty() {
        let who = match by_config {
            true => "config.json says so",
            false => options.who(),
        };
        account.tell(format!(
            "the norms `{}` are LayerNorms: {who}",
            names.join("`, `")
        ));
    }
    Ok(is_told)
}

/// The linear layers in the order that names and widths give.
fn in_order(account: &Account<'_>, kinds: &BTreeMap<String, Kind>) -> Result<Vec<String>> {
    let mut layers = Vec::new();
    for (name, kind) in kinds {
        let Kind::Linear(stored) = kind else { continue };
        layers.push(named(account, name, *stored)?);
    }
    if layers.is_empty() {
        return Err(crate::model::options::unknown_layout(account.checkpoint()));
    }
    let ordered = order::order(&layers).map_err(|doubt| doubtful(account, &layers, doubt))?;
    let names: Vec<String> = ordered.into_iter().map(|layer| layer.name).collect();
    if names
        .iter()
        .any(|name| !name.chars().all(|c| c.is_ascii_digit()))
    {
        account.tell(format!("layers in this order: {}", names.join(", ")));
    }
    Ok(names)
}

fn named(account: &Account<'_>, name: &str, stored: Stored) -> Result<Named> {
    match modules::widths(account, name, stored) {
        Some((reads, writes)) => Ok(Named {
            name: name.to_owned(),
            reads,
            writes,
        }),
        // Says which tensor has which shape.
        None => modules::linear(account, name, stored, 0).map(|_| Named {
            name: name.to_owned(),
            reads: 0,
            writes: 0,
        }),
    }
}

/// The layers that `--layers` names.
fn as_told(
    account: &Account<'_>,
    kinds: &BTreeMap<String, Kind>,
    layers: &[String],
) -> Result<Vec<String>> {
    for (place, name) in layers.iter().enumerate() {
        let known = || {
            let linear = kinds
                .iter()
                .filter(|(_, kind)| matches!(kind, Kind::Linear(_)));
            linear
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
                .join(", ")
        };
        if !matches!(kinds.get(name), Some(Kind::Linear(_))) {
            return Err(fault(
                account,
                name,
                &format!(
                    "`--layers` names no linear layer by this; there are {}",
                    known()
                ),
            ));
        }
        if layers[..place].contains(name) {
            return Err(fault(account, name, "`--layers` names it twice"));
        }
    }
    Ok(layers.to_vec())
}

fn doubtful(account: &Account<'_>, layers: &[Named], doubt: Doubt) -> Error {
    let list = || {
        let one = |l: &Named| format!("`{}` {}→{}", l.name, l.reads, l.writes);
        layers.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let detail = match doubt {
        Doubt::Several(orders) => {
            let orders: Vec<String> = orders.iter().map(|order| order.join(",")).collect();
            format!(
                "the order of the layers is not in their names and shapes: {} all fit",
                orders.join(" and ")
            )
        }
        Doubt::Beside(names) => format!(
            "`{}` is used by no layer of the chain; the layers are {}",
            names.join("`, `"),
            list()
        ),
        Doubt::Gap { before, after } => format!(
            "`{}` reads {} values and `{}` before it writes {}: a layer is missing between them, \
             or they do not follow each other",
            after.name, after.reads, before.name, before.writes
        ),
        Doubt::None => format!("no order of the layers fits their widths: {}", list()),
        Doubt::Foreign { name, why } => format!("`{name}`: {why}"),
    };
    ErrorKind::Chain { detail }.at(account.checkpoint().path.clone())
}

/// What stands in each of `gaps` gaps, and who says so.
fn between(
    account: &Account<'_>,
    options: &Options,
    gaps: usize,
) -> Result<(Vec<Between>, &'static str)> {
    let configured = configured(account)?;
    let (said, source) = match options.activation.as_slice() {
        [] => (configured, account.settings().source()),
        flags => {
            let settings = account.settings();
            let one = |a: &Activation| Ok(Between::Activation(with_parameters(settings, *a)?));
            (
                flags.iter().map(one).collect::<Result<_>>()?,
                "--activation",
            )
        }
    };
    match said.as_slice() {
        [] if gaps == 0 => Ok((said, "layout")),
        [] => Err(unknown(account, None)),
        [one] => Ok((vec![*one; gaps], source)),
        _ if said.len() == gaps => Ok((said, source)),
        _ => Err(fault(
            account,
            source,
            &format!(
                "{} activations are named; the layers have {gaps} gaps",
                said.len()
            ),
        )),
    }
}

/// The activations that `config.json` names: one for all, one per gap, or none.
fn configured(account: &Account<'_>) -> Result<Vec<Between>> {
    let settings = account.settings();
    let mut one: Option<(&str, &str)> = None;
    for key in ONE {
        let Some(word) = settings.word(key)? else {
            continue;
        };
        match one {
            Some((first, other)) if other != word => {
                return Err(settings.disagrees(key, word, &format!("`{first}` says {other}")));
            }
            _ => one = Some((key, word)),
        }
    }
    let Some(list) = settings.list("activations")? else {
        return one
            .map(|(_, word)| parsed(account, word))
            .into_iter()
            .collect();
    };
    if let Some((key, word)) = one.filter(|(_, word)| !list.iter().all(|v| v == word)) {
        let list = Value::Array(list.clone()).to_string();
        return Err(settings.disagrees(key, word, &format!("`activations` says {list}")));
    }
    let word = |value: &Value| match value.as_str() {
        Some(word) => parsed(account, word),
        None => Err(unknown(account, Some(value.to_string()))),
    };
    list.iter().map(word).collect()
}

fn parsed(account: &Account<'_>, word: &str) -> Result<Between> {
    if word.eq_ignore_ascii_case("prelu") {
        return Ok(Between::Prelu);
    }
    let activation = word
        .parse()
        .map_err(|_| unknown(account, Some(word.to_owned())))?;
    Ok(Between::Activation(with_parameters(
        account.settings(),
        activation,
    )?))
}

fn unknown(account: &Account<'_>, name: Option<String>) -> Error {
    ErrorKind::ActivationUnknown {
        name,
        known: Activation::names().collect::<Vec<_>>().join(", "),
    }
    .at(account.checkpoint().path.clone())
}
