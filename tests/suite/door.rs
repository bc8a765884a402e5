//! The door: every tensor and every key of small good checkpoints is removed, renamed,
//! doubled, given another type or added in turn, and none is accepted with other outputs
//! and no word.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use modscope::checkpoint::{Checkpoint, Dtype, IntegerKind, Tensor};
use modscope::data::{Dataset, Inputs};
use modscope::model::transformer::weights::Embedding;
use modscope::model::{Architecture, Batch, Loaded, Network, Options, Sequences};
use modscope::numeric::{Rng, Scalar};
use ndarray::Array2;
use serde_json::{Map, Value, json};

use crate::common::shared;

/// A good checkpoint of random weights.
fn made(config: Value, tensors: &[(&str, &[usize])]) -> Checkpoint {
    let mut rng = Rng::new(7, 1);
    let mut tensor = |shape: &[usize]| {
        let values: Vec<f32> = (0..shape.iter().product())
            .map(|_| 0.5 * rng.normal() as f32)
            .collect();
        Tensor::of_floats(shape, &values)
    };
    let config = config.as_object().unwrap().clone();
    Checkpoint {
        path: PathBuf::from("model.safetensors"),
        sha256: String::new().into(),
        tensors: tensors
            .iter()
            .map(|(name, shape)| ((*name).to_owned(), tensor(shape)))
            .collect(),
        metadata: Default::default(),
        config,
    }
}

fn llama() -> Checkpoint {
    let mut tensors: Vec<(&str, &[usize])> = vec![
        ("model.embed_tokens.weight", &[11, 8]),
        ("model.norm.weight", &[8]),
        ("lm_head.weight", &[11, 8]),
    ];
    for (weight, shape) in [
        ("model.layers.0.input_layernorm.weight", &[8][..]),
        ("model.layers.0.post_attention_layernorm.weight", &[8]),
        ("model.layers.0.self_attn.q_proj.weight", &[8, 8]),
        ("model.layers.0.self_attn.k_proj.weight", &[4, 8]),
        ("model.layers.0.self_attn.v_proj.weight", &[4, 8]),
        ("model.layers.0.self_attn.o_proj.weight", &[8, 8]),
        ("model.layers.0.mlp.gate_proj.weight", &[6, 8]),
        ("model.layers.0.mlp.up_proj.weight", &[6, 8]),
        ("model.layers.0.mlp.down_proj.weight", &[8, 6]),
    ] {
        tensors.push((weight, shape));
    }
    let config = json!({
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": 4, "intermediate_size": 6, "vocab_size": 11, "rms_norm_eps": 1e-6,
        "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
        "tie_word_embeddings": false, "max_position_embeddings": 16, "initializer_range": 0.02,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}, "use_cache": true,
    });
    made(config, &tensors)
}

fn neox() -> Checkpoint {
    let config = json!({
        "model_type": "gpt_neox", "architectures": ["GPTNeoXForCausalLM"], "hidden_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 6,
        "vocab_size": 11, "layer_norm_eps": 1e-5, "hidden_act": "gelu", "rotary_pct": 0.5,
        "rotary_emb_base": 10000, "use_parallel_residual": true, "tie_word_embeddings": false,
        "attention_bias": true,
    });
    made(
        config,
        &[
            ("gpt_neox.embed_in.weight", &[11, 8]),
            ("gpt_neox.final_layer_norm.weight", &[8]),
            ("gpt_neox.final_layer_norm.bias", &[8]),
            ("embed_out.weight", &[11, 8]),
            ("gpt_neox.layers.0.input_layernorm.weight", &[8]),
            ("gpt_neox.layers.0.input_layernorm.bias", &[8]),
            ("gpt_neox.layers.0.post_attention_layernorm.weight", &[8]),
            ("gpt_neox.layers.0.post_attention_layernorm.bias", &[8]),
            (
                "gpt_neox.layers.0.attention.query_key_value.weight",
                &[24, 8],
            ),
            ("gpt_neox.layers.0.attention.query_key_value.bias", &[24]),
            ("gpt_neox.layers.0.attention.dense.weight", &[8, 8]),
            ("gpt_neox.layers.0.attention.dense.bias", &[8]),
            ("gpt_neox.layers.0.mlp.dense_h_to_4h.weight", &[6, 8]),
            ("gpt_neox.layers.0.mlp.dense_h_to_4h.bias", &[6]),
            ("gpt_neox.layers.0.mlp.dense_4h_to_h.weight", &[8, 6]),
            ("gpt_neox.layers.0.mlp.dense_4h_to_h.bias", &[8]),
        ],
    )
}

/// The names of a GPT-2 block; `transposed` for nanoGPT.
fn nano() -> Checkpoint {
    let config = json!({
        "n_layer": 1, "n_head": 2, "n_embd": 8, "block_size": 6, "vocab_size": 11,
        "bias": true, "dropout": 0.0,
    });
    let mut made = made(
        config,
        &[
            ("transformer.wte.weight", &[11, 8]),
            ("transformer.wpe.weight", &[6, 8]),
            ("transformer.ln_f.weight", &[8]),
            ("transformer.ln_f.bias", &[8]),
            ("transformer.h.0.ln_1.weight", &[8]),
            ("transformer.h.0.ln_1.bias", &[8]),
            ("transformer.h.0.ln_2.weight", &[8]),
            ("transformer.h.0.ln_2.bias", &[8]),
            ("transformer.h.0.attn.c_attn.weight", &[24, 8]),
            ("transformer.h.0.attn.c_attn.bias", &[24]),
            ("transformer.h.0.attn.c_proj.weight", &[8, 8]),
            ("transformer.h.0.attn.c_proj.bias", &[8]),
            ("transformer.h.0.mlp.c_fc.weight", &[32, 8]),
            ("transformer.h.0.mlp.c_fc.bias", &[32]),
            ("transformer.h.0.mlp.c_proj.weight", &[8, 32]),
            ("transformer.h.0.mlp.c_proj.bias", &[8]),
        ],
    );
    let tied = made.tensors["transformer.wte.weight"].clone();
    made.tensors.insert("lm_head.weight".to_owned(), tied);
    made
}

fn lens() -> Checkpoint {
    let config = json!({
        "d_model": 8, "d_head": 4, "n_heads": 2, "n_layers": 1, "n_ctx": 6, "d_vocab": 11,
        "d_vocab_out": 11, "d_mlp": 16, "act_fn": "relu", "eps": 1e-5, "normalization_type": "LN",
        "positional_embedding_type": "standard", "attention_dir": "causal", "attn_only": false,
        "use_attn_scale": true, "attn_scale": 2.0, "gated_mlp": false, "rotary_dim": null,
        "parallel_attn_mlp": false, "use_local_attn": false, "seed": 0, "device": "cpu",
        "n_key_value_heads": null, "attn_scores_soft_cap": -1.0, "final_rms": false,
        "scale_attn_by_inverse_layer_idx": false, "use_qk_norm": false,
    });
    made(
        config,
        &[
            ("embed.W_E", &[11, 8]),
            ("pos_embed.W_pos", &[6, 8]),
            ("unembed.W_U", &[8, 11]),
            ("unembed.b_U", &[11]),
            ("ln_final.w", &[8]),
            ("ln_final.b", &[8]),
            ("blocks.0.ln1.w", &[8]),
            ("blocks.0.ln1.b", &[8]),
            ("blocks.0.ln2.w", &[8]),
            ("blocks.0.ln2.b", &[8]),
            ("blocks.0.attn.W_Q", &[2, 8, 4]),
            ("blocks.0.attn.W_K", &[2, 8, 4]),
            ("blocks.0.attn.W_V", &[2, 8, 4]),
            ("blocks.0.attn.W_O", &[2, 4, 8]),
            ("blocks.0.attn.b_Q", &[2, 4]),
            ("blocks.0.attn.b_K", &[2, 4]),
            ("blocks.0.attn.b_V", &[2, 4]),
            ("blocks.0.attn.b_O", &[8]),
            ("blocks.0.mlp.W_in", &[8, 16]),
            ("blocks.0.mlp.b_in", &[16]),
            ("blocks.0.mlp.W_out", &[16, 8]),
            ("blocks.0.mlp.b_out", &[8]),
        ],
    )
}

fn bimt_transformer() -> Checkpoint {
    let config = json!({"n_head": 2, "n_layer": 1, "n_embed": 8});
    let mut made = made(
        config,
        &[
            ("l_i.linear.weight", &[8, 3]),
            ("l_i.linear.bias", &[8]),
            ("l_f.linear.weight", &[2, 8]),
            ("l_f.linear.bias", &[2]),
            ("blocks.0.ln_1.weight", &[8]),
            ("blocks.0.ln_1.bias", &[8]),
            ("blocks.0.attn.l_attn.linear.weight", &[24, 8]),
            ("blocks.0.attn.l_attn.linear.bias", &[24]),
            ("blocks.0.attn.l_proj.linear.weight", &[8, 8]),
            ("blocks.0.attn.l_proj.linear.bias", &[8]),
            ("blocks.0.mlp.linears.0.linear.weight", &[12, 8]),
            ("blocks.0.mlp.linears.0.linear.bias", &[12]),
            ("blocks.0.mlp.linears.1.linear.weight", &[8, 12]),
            ("blocks.0.mlp.linears.1.linear.bias", &[8]),
        ],
    );
    for (name, order) in [
        ("in_perm", vec![2.0_f32, 0.0, 1.0]),
        ("out_perm", vec![1.0, 0.0]),
    ] {
        let tensor = Tensor::of_floats(&[order.len()], &order);
        made.tensors.insert(name.to_owned(), tensor);
    }
    made
}

fn fixture(name: &str) -> Checkpoint {
    Checkpoint::open(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name),
    )
    .unwrap()
}

/// Good checkpoints of every layout and, where the zoo is there, of every family.
fn good() -> Vec<(String, Checkpoint)> {
    let mut all = vec![
        ("llama".to_owned(), llama()),
        ("gpt_neox".to_owned(), neox()),
        ("nanogpt".to_owned(), nano()),
        ("transformer-lens".to_owned(), lens()),
        ("bimt-transformer".to_owned(), bimt_transformer()),
    ];
    for name in [
        "gpt2",
        "two_moon-bimt",
        "zoo/mlp-batchnorm",
        "zoo/mlp-encoder-decoder",
        "zoo/mlp-prelu",
        "zoo/mlp-prune-mask",
        "zoo/mlp-residual",
        "zoo/mlp-softmax-out",
        "zoo/mlp-weight-norm",
        "zoo/sklearn-coefs",
    ] {
        all.push((name.to_owned(), fixture(name)));
    }
    let Some(zoo) = shared("zoo") else { return all };
    for name in [
        "bert-mlm",
        "bloom-alibi",
        "bridge-gpt2",
        "cnn-residual",
        "distilbert-mlm",
        "falcon-rotary-mqa",
        "gemma3-local-rope",
        "gpt_neo-local",
        "gptj-interleaved",
        "olmo2-post-norm",
        "opt-post-norm-projected",
        "opt-pre-norm",
        "phi-partial-parallel",
        "phi3-fused",
        "qwen2-qkv-bias",
        "qwen3-qk-norm",
        "rnn-gru",
        "rnn-relu-features",
        "roberta-mlm",
        "stablelm-parallel-qknorm",
        "starcoder2-layernorm",
        "tl-before-after",
        "tl-gated",
        "tl-llama-like",
        "tl-rotary-adjacent",
    ] {
        all.push((name.to_owned(), Checkpoint::open(&zoo.join(name)).unwrap()));
    }
    all
}

/// What a network gives for a few samples, and what is said of its file.
struct Seen {
    /// Data of another width are refused.
    width: usize,
    outputs: Vec<f64>,
    words: BTreeSet<String>,
}

impl Seen {
    fn is_like(&self, other: &Self) -> bool {
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * (1.0 + b.abs());
        self.outputs.len() == other.outputs.len()
            && self.outputs.iter().zip(&other.outputs).all(close)
    }
}

fn seen(checkpoint: &Checkpoint) -> modscope::Result<Seen> {
    let loaded = Loaded::from_checkpoint(checkpoint, Options::default())?;
    let account = loaded.account;
    let words = account.told.into_iter().chain(account.keys_unknown);
    let outputs = match &loaded.network {
        Network::F32(architecture) => run(architecture)?,
        Network::F64(architecture) => run(architecture)?,
    };
    let width = match &loaded.network {
        Network::F32(architecture) => architecture.widths()[0],
        Network::F64(architecture) => architecture.widths()[0],
    };
    Ok(Seen {
        width,
        outputs,
        words: words.collect(),
    })
}

fn run<T: Scalar>(architecture: &Architecture<T>) -> modscope::Result<Vec<f64>> {
    Ok(match architecture {
        Architecture::Transformer(model) if matches!(model.embedding, Embedding::Values { .. }) => {
            let rows = Array2::from_shape_fn((4, 15), |(i, j)| (i as f64 - 1.5) * (j as f64 + 0.3));
            let mut data = data(Inputs::Values(rows));
            data.input_shape = vec![5, 3];
            let batch = Sequences::new(model, &data, None)?;
            let trace = model.forward(&batch.inputs, &batch.answers, batch.length());
            trace.outputs().iter().map(|x| x.widen()).collect()
        }
        Architecture::Transformer(model) => {
            let tokens = Array2::from_shape_fn((4, 5), |(i, j)| 2 + (3 * i + 7 * j + i * j) % 9);
            let batch = Sequences::new(model, &data(Inputs::Tokens(tokens)), None)?;
            let trace = model.forward(&batch.inputs, &batch.answers, batch.length());
            trace.outputs().iter().map(|x| x.widen()).collect()
        }
        Architecture::Layered(model) => {
            let inputs = Array2::from_shape_fn((model.input.features(), 6), |(j, i)| {
                T::from_f64((i as f64 - 2.5) * (j as f64 + 0.3))
            });
            model.outputs(inputs).iter().map(|x| x.widen()).collect()
        }
        Architecture::Mlp(model) => {
            let width = model.in_perm.len() * model.folds;
            let values =
                Array2::from_shape_fn((6, width), |(i, j)| (i as f64 - 2.5) * (j as f64 + 0.3));
            let batch = Batch::new(model, &data(Inputs::Values(values)))?;
            model
                .outputs(batch.inputs.view())
                .iter()
                .map(|x| x.widen())
                .collect()
        }
    })
}

fn data(inputs: Inputs) -> Dataset {
    let csv = tempfile::tempdir().unwrap();
    let path = csv.path().join("data.csv");
    std::fs::write(&path, "x0,label\n0.5,1\n").unwrap();
    let mut data = Dataset::open(&path, None).unwrap();
    data.labels = None;
    data.input_shape = match &inputs {
        Inputs::Values(values) => vec![values.ncols()],
        Inputs::Tokens(tokens) => vec![tokens.ncols()],
    };
    data.inputs = inputs;
    data
}

/// Every case of one checkpoint: what was done, and the result.
fn mutations(good: &Checkpoint) -> Vec<(String, Checkpoint)> {
    let mut all = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Checkpoint)| {
        let mut changed = good.clone();
        change(&mut changed);
        all.push((what, changed));
    };
    for (name, tensor) in &good.tensors {
        add(format!("{name} removed"), &|c| {
            c.tensors.remove(name);
        });
        add(format!("{name} transposed"), &|c| {
            let shape: Vec<usize> = tensor.shape.iter().rev().copied().collect();
            let tensor = Tensor {
                shape,
                ..tensor.clone()
            };
            c.tensors.insert(name.clone(), tensor);
        });
        for other in [
            format!("{name}x"),
            format!("x.{name}"),
            name.replace('0', "1"),
            name.replace("bias", "weight2"),
        ] {
            if good.tensors.contains_key(&other) {
                continue;
            }
            add(format!("{name} renamed {other}"), &|c| {
                let tensor = c.tensors.remove(name).unwrap();
                c.tensors.insert(other.clone(), tensor);
            });
            add(format!("{name} doubled as {other}"), &|c| {
                c.tensors.insert(other.clone(), tensor.clone());
            });
        }
        add(format!("{name} of integers"), &|c| {
            let whole = |x: &f64| (*x as i8).to_le_bytes()[0];
            let integers = Tensor {
                dtype: Dtype::Integer(IntegerKind::I8),
                shape: tensor.shape.clone(),
                bytes: tensor
                    .to_f64()
                    .iter()
                    .map(whole)
                    .collect::<Vec<u8>>()
                    .into(),
            };
            c.tensors.insert(name.clone(), integers);
        });
        add(format!("{name} longer"), &|c| {
            let mut shape = tensor.shape.clone();
            if let Some(first) = shape.first_mut() {
                *first += 1;
            }
            let values = vec![0.1_f32; shape.iter().product()];
            c.tensors
                .insert(name.clone(), Tensor::of_floats(&shape, &values));
        });
    }
    for (at, value) in keys(&good.config) {
        let key = at.join(".");
        add(format!("key {key} removed"), &|c| {
            put(&mut c.config, &at, None);
        });
        add(format!("key {key} renamed"), &|c| {
            let mut other = at.clone();
            let last = other.last_mut().unwrap();
            *last = format!("{last}_of_old");
            let value = put(&mut c.config, &at, None);
            put(&mut c.config, &other, value);
        });
        let numbers = [json!(1), json!(3), json!(7.5), json!(-1), json!(0)];
        let others = [
            json!(null),
            json!(value.to_string()),
            json!(true),
            json!(false),
            json!([]),
            json!({}),
            json!("x"),
        ];
        for other in numbers.into_iter().chain(others) {
            if other == value {
                continue;
            }
            add(format!("key {key} = {other}"), &|c| {
                put(&mut c.config, &at, Some(other.clone()));
            });
        }
        if let Some(number) = value.as_u64() {
            add(format!("key {key} = {number}.0"), &|c| {
                put(&mut c.config, &at, Some(json!(number as f64)));
            });
        }
    }
    for (key, value) in [
        ("residual_multiplier", json!(0.5)),
        ("use_qk_norm", json!(true)),
        ("rope_scaling", json!({"type": "linear", "factor": 2.0})),
        ("attn_logit_softcapping", json!(2.0)),
        ("sliding_window", json!(2)),
        ("a_note", json!("of the author")),
    ] {
        add(format!("key {key} added"), &|c| {
            c.config.insert(key.to_owned(), value.clone());
        });
    }
    all
}

/// Every key of a configuration, those of objects within it too, with its value.
fn keys(config: &Map<String, Value>) -> Vec<(Vec<String>, Value)> {
    let mut all = Vec::new();
    for (key, value) in config {
        all.push((vec![key.clone()], value.clone()));
        let inner = value.as_object().map(keys).unwrap_or_default();
        all.extend(inner.into_iter().map(|(at, value)| {
            let at = std::iter::once(key.clone()).chain(at).collect();
            (at, value)
        }));
    }
    all
}

/// Sets or removes the key at this place; what was there before.
fn put(config: &mut Map<String, Value>, at: &[String], value: Option<Value>) -> Option<Value> {
    match (at, value) {
        ([key], Some(value)) => config.insert(key.clone(), value),
        ([key], None) => config.remove(key),
        ([key, rest @ ..], value) => put(config.get_mut(key)?.as_object_mut()?, rest, value),
        ([], _) => None,
    }
}

#[test]
fn no_change_is_accepted_with_other_outputs_and_no_word() {
    let mut silent = Vec::new();
    let mut counted = 0;
    for (layout, good) in good() {
        let expected = seen(&good).unwrap_or_else(|error| panic!("{layout}: {error}"));
        for (what, changed) in mutations(&good) {
            counted += 1;
            let Ok(seen) = seen(&changed) else {
                continue;
            };
            let fits = seen.width == expected.width;
            let told = !seen.words.is_subset(&expected.words);
            if fits && !told && !seen.is_like(&expected) {
                silent.push(format!("{layout}: {what}"));
            }
        }
    }
    println!("{counted} cases, {} silent: {silent:#?}", silent.len());
    let unused: Vec<&str> = SAYS_ANOTHER
        .into_iter()
        .filter(|key| !silent.iter().any(|case| says_another(case) == Some(key)))
        .collect();
    silent.retain(|case| says_another(case).is_none());
    assert!(silent.is_empty(), "{silent:#?}");
    assert!(unused.is_empty() || shared("zoo").is_none(), "{unused:?}");
}

/// Settings that alone say what is computed: another well-formed value of theirs is
/// another network of the same tensors, which nothing in the file contradicts and
/// nothing makes unusual.
const SAYS_ANOTHER: [&str; 19] = [
    "alibi",
    "attn_scores_soft_cap",
    "clip_qkv",
    "final_logit_softcapping",
    "n_head",
    "n_heads",
    "num_attention_heads",
    "num_heads",
    "output_logits_soft_cap",
    "parallel_attn_mlp",
    "query_pre_attn_scalar",
    "rope_parameters.full_attention.factor",
    "rope_parameters.partial_rotary_factor",
    "rope_scaling",
    "rotary_pct",
    "scale_attn_by_inverse_layer_idx",
    "sliding_window",
    "use_parallel_residual",
    "window_size",
];

/// The key of a case that gives one of these another value of its own type.
fn says_another(case: &str) -> Option<&'static str> {
    let (_, what) = case.split_once("key ")?;
    let (key, value) = match what.strip_suffix(" added") {
        Some(key) => (key, json!(1)),
        None => {
            let (key, value) = what.split_once(" = ")?;
            (key, serde_json::from_str(value).ok()?)
        }
    };
    let of_its_type = value.is_number() || value.is_boolean();
    let known = SAYS_ANOTHER.into_iter().find(|known| *known == key);
    known.filter(|_| of_its_type)
}

/// Frequencies that older versions saved are compared, not passed over.
#[test]
fn saved_frequencies_are_held_against_the_configuration() {
    let name = "model.layers.0.self_attn.rotary_emb.inv_freq";
    // Pairs of a head of 4: 10000^0 and 10000^(-1/2).
    for (saved, is_same) in [([1.0_f32, 0.01], true), ([1.0, 0.001], false)] {
        let mut file = llama();
        file.tensors
            .insert(name.to_owned(), Tensor::of_floats(&[2], &saved));
        match seen(&file) {
            Ok(_) => assert!(is_same),
            Err(error) => assert!(
                !is_same && error.to_string().contains("rope_theta"),
                "{error}"
            ),
        }
    }
}
