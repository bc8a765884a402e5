//! The door: every tensor and every key of small good checkpoints is removed, renamed,
//! doubled, given another type or added in turn, and none is accepted with other outputs
//! and no word.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::path::{Path, PathBuf};

use modscope::checkpoint::{Checkpoint, Dtype, IntegerKind, Tensor};
use modscope::data::{Dataset, Inputs};
use modscope::model::{Architecture, Batch, Loaded, Network, Options, Sequences};
use modscope::numeric::{Rng, Scalar};
use ndarray::Array2;
use serde_json::{Value, json};

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

fn fixture(name: &str) -> Checkpoint {
    Checkpoint::open(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures")
            .join(name),
    )
    .unwrap()
}

fn good() -> Vec<(&'static str, Checkpoint)> {
    vec![
        ("llama", llama()),
        ("gpt_neox", neox()),
        ("nanogpt", nano()),
        ("transformer-lens", lens()),
        ("gpt2", fixture("gpt2")),
        ("bimt-mlp", fixture("two_moon-bimt")),
    ]
}

/// The network's outputs on a few samples, and whether a word is said about the file.
fn outputs(checkpoint: &Checkpoint) -> modscope::Result<(Vec<f64>, bool)> {
    let loaded = Loaded::from_checkpoint(checkpoint, Options::default())?;
    let account = &loaded.account;
    let told = !account.told.is_empty() || !account.keys_unknown.is_empty();
    let outputs = match &loaded.network {
        Network::F32(architecture) => run(architecture)?,
        Network::F64(architecture) => run(architecture)?,
    };
    Ok((outputs, told))
}

fn run<T: Scalar>(architecture: &Architecture<T>) -> modscope::Result<Vec<f64>> {
    Ok(match architecture {
        Architecture::Transformer(model) => {
            let tokens = Array2::from_shape_fn((4, 5), |(i, j)| (3 * i + 7 * j + i * j) % 11);
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
            let ones = tensor.len();
            let integers = Tensor {
                dtype: Dtype::Integer(IntegerKind::I8),
                shape: tensor.shape.clone(),
                bytes: vec![1; ones].into(),
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
    for (key, value) in &good.config {
        add(format!("key {key} removed"), &|c| {
            c.config.remove(key);
        });
        let numbers = [json!(1), json!(3), json!(7.5), json!(-1), json!(0)];
        let others = [
            json!(null),
            json!(value.to_string()),
            json!(true),
            json!(false),
            json!([]),
            json!("x"),
        ];
        for other in numbers.into_iter().chain(others) {
            add(format!("key {key} = {other}"), &|c| {
                c.config.insert(key.clone(), other.clone());
            });
        }
        if let Some(number) = value.as_u64() {
            add(format!("key {key} = {number}.0"), &|c| {
                c.config.insert(key.clone(), json!(number as f64));
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

#[test]
fn no_change_is_accepted_with_other_outputs_and_no_word() {
    let mut silent = Vec::new();
    let mut counted = 0;
    for (layout, good) in good() {
        let (expected, _) = outputs(&good).unwrap_or_else(|error| panic!("{layout}: {error}"));
        for (what, changed) in mutations(&good) {
            counted += 1;
            let Ok((outputs, told)) = outputs(&changed) else {
                continue;
            };
            let same = outputs.len() == expected.len()
                && outputs
                    .iter()
                    .zip(&expected)
                    .all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + b.abs()));
            if !same && !told {
                silent.push(format!("{layout}: {what}"));
            }
        }
    }
    println!("{counted} cases, {} silent: {silent:#?}", silent.len());
    // A setting that is well-formed and that no tensor contradicts says another network.
    silent.retain(|case| {
        !SAYS_ANOTHER
            .iter()
            .any(|key| case.contains(&format!("key {key} ")))
    });
    assert!(silent.is_empty(), "{silent:#?}");
}

/// Settings that alone say what is computed: nothing else in the file can contradict them.
const SAYS_ANOTHER: [&str; 23] = [
    "act_fn",
    "activation",
    "activation_function",
    "attention_dir",
    "attn_scale",
    "attn_scores_soft_cap",
    "eps",
    "hidden_act",
    "layer_norm_eps",
    "layer_norm_epsilon",
    "max_position_embeddings",
    "n_head",
    "num_attention_heads",
    "parallel_attn_mlp",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rotary_emb_base",
    "rotary_pct",
    "scale_attn_by_inverse_layer_idx",
    "use_attn_scale",
    "use_parallel_residual",
    "final_rms",
];
