//! `modscope inspect`: what a checkpoint is, without data.

use std::path::PathBuf;

use super::args::{self, DataArgs, ModelArgs};
use super::output;
use crate::Error;
use crate::audit::memory::{self, Budget};
use crate::checkpoint::{Checkpoint, Settings, Tally, Tensor};
use crate::data::{Dataset, Used};
use crate::escape::visible;
use crate::model::{Architecture, Loaded, Network};
use crate::numeric::Scalar;
use crate::report::sites::{clean, shortened};
use crate::result::{Status, json};

/// Print what every tensor is used for, parameters and numeric hazards; with --data, every array too
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  modscope inspect runs/a/model.safetensors
  modscope inspect runs/a --data held-out.csv --label kind    # what every column is used for")]
pub(super) struct Args {
    /// A .safetensors, .pt or .pth file, an index of shards, or a folder that holds one
    checkpoint: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    data: DataArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The most memory the process may take, as 500M or 2G [default: what the machine has]
    #[arg(long, value_name = "BYTES", value_parser = args::bytes)]
    max_memory: Option<u64>,
    /// Read the weights of a file of more than 256 MiB too: what they are used for, SHA-256, NaN
    #[arg(long)]
    full: bool,
}

/// Of larger files, only what their headers say is looked at unless more is asked for.
const LARGE: u64 = 256 << 20;

pub(super) fn run(args: &Args) -> anyhow::Result<Status> {
    let budget = Budget::new(args.max_memory);
    let data = args.data.data.as_deref();
    memory::before_loading(budget, &data.into_iter().collect::<Vec<_>>())?;
    // The headers alone, where the file is mapped.
    let checkpoint = args::open_checkpoint(&args.checkpoint)?;
    let is_read = args.full || checkpoint.sha256.bytes() <= LARGE;
    if is_read {
        memory::before_loading(budget, &[&args.checkpoint])?;
    }
    let options = args.model.options();
    let loaded = is_read.then(|| Loaded::from_checkpoint(&checkpoint, options));
    let network = loaded.as_ref().and_then(|loaded| loaded.as_ref().ok());
    let refused = loaded.as_ref().and_then(|loaded| loaded.as_ref().err());
    let data = match args.data.data {
        Some(_) => Some(args::open_data(&args.data, &checkpoint)?),
        None => None,
    };
    // Tensors are listed even where no network can be made of them: that is
    // what one looks at then.
    if args.json {
        let mut summary = json(&checkpoint, network, is_read);
        if let Some(error) = refused {
            summary["checkpoint"]["no_network"] = refusal(error).into();
        }
        if let Some(data) = &data {
            summary["data"] = data_json(data);
        }
        let mut out = Vec::new();
        json::write(&summary, &mut out)?;
        output::to_stdout(&out)?;
    } else {
        let mut text = text(&checkpoint, network, is_read);
        text.extend(data.as_ref().map(arrays));
        text.extend(refused.map(|error| one_by_one(&[String::new(), refusal(error)])));
        output::to_stdout(text.as_bytes())?;
    }
    Ok(Status::Holds)
}

/// Why no network can be made of a file that can be read, and what to do.
fn refusal(error: &Error) -> String {
    const LONGEST: usize = 400;
    let remedy = error.remedy().map(|remedy| format!("; {remedy}"));
    let why = shortened(&error.to_string(), LONGEST);
    format!("no network  {why}{}", remedy.unwrap_or_default())
}

fn role(loaded: Option<&Loaded>, name: &str) -> String {
    loaded.map_or_else(|| "?".to_owned(), |l| l.account.of(name))
}

/// Widths, parameters and activation.
fn shape(loaded: &Loaded) -> (Vec<usize>, usize, String) {
    match &loaded.network {
        Network::F32(network) => shape_of(network),
        Network::F64(network) => shape_of(network),
    }
}

fn shape_of<T: Scalar>(network: &Architecture<T>) -> (Vec<usize>, usize, String) {
    (
        network.widths(),
        network.parameter_count(),
        network.activation().to_string(),
    )
}

fn text(checkpoint: &Checkpoint, loaded: Option<&Loaded>, is_read: bool) -> String {
    let mut lines = vec![
        format!("file        {}", checkpoint.path.display()),
        match is_read {
            true => format!("sha256      {}", checkpoint.sha256),
            false => {
                "sha256      not computed: of a large file, weights are read with --full".to_owned()
            }
        },
    ];
    if let Some(loaded) = loaded {
        let (widths, parameters, activation) = shape(loaded);
        let widths: Vec<String> = widths.iter().map(ToString::to_string).collect();
        lines.push(format!("layout      {}", loaded.layout));
        lines.extend(loaded.family.map(|family| format!("family      {family}")));
        lines.push(format!("layers      {}", widths.join(" → ")));
        lines.push(format!("parameters  {parameters}"));
        lines.push(format!(
            "activation  {activation} (from {})",
            loaded.activation_source
        ));
        lines.push(format!("dtype       {}", loaded.dtype.name()));
    }
    let source = Settings::of(checkpoint).source();
    lines.extend(
        loaded
            .map(|l| settings(source, &l.account))
            .unwrap_or_default(),
    );
    lines.push(String::new());
    let names = checkpoint.tensors.keys().map(|name| clean(name));
    let width = names.map(|n| n.chars().count()).max().unwrap_or(0);
    for (name, tensor) in &checkpoint.tensors {
        let (nan, infinite) = hazards(tensor, is_read);
        let hazard = if nan + infinite > 0 {
            format!("  {nan} NaN, {infinite} infinite")
        } else {
            String::new()
        };
        let (dtype, shape) = (tensor.dtype.name(), format!("{:?}", tensor.shape));
        lines.push(format!(
            "{:width$}  {dtype:>4}  {shape:<12}  {}{hazard}",
            clean(name),
            role(loaded, name)
        ));
    }
    one_by_one(&lines)
}

/// What every array or column of the data is used for.
fn arrays(data: &Dataset) -> String {
    let told = &data.told;
    let mut lines = vec![
        String::new(),
        format!("data        {}", data.path.display()),
        format!("samples     {} (split {})", data.len(), data.split),
    ];
    lines.extend(told.notes.iter().map(|note| format!("as read     {note}")));
    let width = told.used.iter().map(|used| used.name.chars().count()).max();
    let width = width.unwrap_or(0);
    let line = |used: &Used| format!("{:width$}  {}", used.name, used.purpose);
    lines.push(String::new());
    lines.extend(told.used.iter().map(line));
    one_by_one(&lines)
}

/// Lines in which nothing steers the terminal.
fn one_by_one(lines: &[String]) -> String {
    let shown = lines.iter().map(|line| visible(line));
    shown.collect::<Vec<_>>().join("\n") + "\n"
}

fn data_json(data: &Dataset) -> serde_json::Value {
    let used = |used: &Used| serde_json::json!({"name": used.name, "for": used.purpose});
    let used: Vec<_> = data.told.used.iter().map(used).collect();
    serde_json::json!({
        "path": data.path.display().to_string(), "sha256": data.sha256, "samples": data.len(),
        "split": data.split, "used": used, "notes": data.told.notes,
    })
}

/// What was told of the file, and what became of its configuration.
fn settings(source: &str, account: &Tally) -> Vec<String> {
    let mut lines: Vec<String> = account
        .told
        .iter()
        .map(|t| format!("as read     {t}"))
        .collect();
    let mut list = |what: &str, keys: Vec<&str>| {
        if !keys.is_empty() {
            lines.push(format!("{source} {what}: {}", keys.join(", ")));
        }
    };
    list(
        "used",
        account.keys_used.iter().map(String::as_str).collect(),
    );
    list(
        "harmless",
        account.keys_harmless.keys().map(String::as_str).collect(),
    );
    list(
        "left out by --ignore",
        account.keys_ignored.iter().map(String::as_str).collect(),
    );
    list(
        "not known",
        account.keys_unknown.iter().map(String::as_str).collect(),
    );
    lines
}

/// How many numbers are NaN and infinite, where weights are read.
fn hazards(tensor: &Tensor, is_read: bool) -> (usize, usize) {
    match is_read {
        true => tensor.non_finite(),
        false => (0, 0),
    }
}

/// What became of every key of the configuration.
fn config(account: &Tally) -> serde_json::Value {
    serde_json::json!({
        "used": account.keys_used, "harmless": account.keys_harmless,
        "ignored": account.keys_ignored, "unknown": account.keys_unknown, "told": account.told,
    })
}

fn json(checkpoint: &Checkpoint, loaded: Option<&Loaded>, is_read: bool) -> serde_json::Value {
    let sum = is_read.then(|| checkpoint.sha256.to_string());
    let tensors: Vec<_> = checkpoint
        .tensors
        .iter()
        .map(|(name, tensor)| {
            let (nan, infinite) = hazards(tensor, is_read);
            let hazard = |count: usize| is_read.then_some(count);
            serde_json::json!({
                "name": name, "dtype": tensor.dtype.name(), "shape": tensor.shape,
                "role": role(loaded, name), "nan": hazard(nan), "infinite": hazard(infinite),
            })
        })
        .collect();
    let mut summary = serde_json::json!({
        "schema": crate::result::SCHEMA,
        "checkpoint": { "path": checkpoint.path.display().to_string(), "sha256": sum, "tensors": tensors },
    });
    if let Some(loaded) = loaded {
        let (layers, parameters, activation) = shape(loaded);
        let known = [
            ("layout", serde_json::json!(loaded.layout.to_string())),
            ("layers", serde_json::json!(layers)),
            ("parameters", serde_json::json!(parameters)),
            ("activation", serde_json::json!(activation)),
            ("config", config(&loaded.account)),
            (
                "activation_source",
                serde_json::json!(loaded.activation_source),
            ),
            ("dtype", serde_json::json!(loaded.dtype.name())),
        ];
        for (key, value) in known {
            summary["checkpoint"][key] = value;
        }
    }
    summary
}
