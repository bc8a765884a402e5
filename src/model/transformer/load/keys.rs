//! The options of each framework's configuration: computed, harmless, or refused.

use crate::Result;
use crate::checkpoint::KeyRule::{self, Computed, Harmless, Refused};
use crate::checkpoint::Settings;

/// A table of keys.
pub(super) type Rules = &'static [(&'static str, KeyRule)];

const TRAINING: KeyRule = Harmless("only in training");
const TOKENS: KeyRule = Harmless("about tokens as text");
const NUMBERS: KeyRule = Harmless("how the framework runs it");
const RECORD: KeyRule = Harmless("a record of where it is from");
const SUMMARY: KeyRule = Harmless("of a head that is not in this network");

/// Hugging Face's GPT-2.
pub(super) const GPT2: Rules = &[
    ("model_type", Computed),
    ("architectures", Computed),
    ("activation_function", Computed),
    ("layer_norm_epsilon", Computed),
    ("n_embd", Computed),
    ("n_head", Computed),
    ("n_inner", Computed),
    ("n_layer", Computed),
    ("n_positions", Computed),
    ("n_ctx", Computed),
    ("vocab_size", Computed),
    ("scale_attn_weights", Computed),
    ("tie_word_embeddings", Computed),
    ("scale_attn_by_inverse_layer_idx", Refused(&[])),
    ("add_cross_attention", Refused(&[])),
    ("is_encoder_decoder", Refused(&[])),
    ("quantization_config", Refused(&[])),
    ("attn_pdrop", TRAINING),
    ("embd_pdrop", TRAINING),
    ("resid_pdrop", TRAINING),
    ("initializer_range", TRAINING),
    ("gradient_checkpointing", TRAINING),
    ("bos_token_id", TOKENS),
    ("eos_token_id", TOKENS),
    ("pad_token_id", TOKENS),
    ("dtype", NUMBERS),
    ("torch_dtype", NUMBERS),
    ("use_cache", NUMBERS),
    ("is_decoder", NUMBERS),
    ("reorder_and_upcast_attn", NUMBERS),
    ("transformers_version", RECORD),
    ("_name_or_path", RECORD),
    ("task_specific_params", RECORD),
    ("summary_activation", SUMMARY),
    ("summary_first_dropout", SUMMARY),
    ("summary_proj_to_labels", SUMMARY),
    ("summary_type", SUMMARY),
    ("summary_use_proj", SUMMARY),
    ("id2label", SUMMARY),
    ("label2id", SUMMARY),
    ("num_labels", SUMMARY),
    ("problem_type", SUMMARY),
];

/// TransformerLens's `HookedTransformerConfig`.
pub(super) const LENS: Rules = &[
    ("act_fn", Computed),
    ("attention_dir", Computed),
    ("attn_scale", Computed),
    ("d_head", Computed),
    ("d_mlp", Computed),
    ("d_model", Computed),
    ("d_vocab", Computed),
    ("d_vocab_out", Computed),
    ("eps", Computed),
    ("n_ctx", Computed),
    ("n_heads", Computed),
    ("n_layers", Computed),
    ("normalization_type", Computed),
    ("positional_embedding_type", Computed),
    ("use_attn_scale", Computed),
    ("attn_only", Refused(&[])),
    ("attn_scores_soft_cap", Refused(&[-1.0, 0.0])),
    ("clip_qkv", Refused(&[])),
    ("experts_per_token", Refused(&[])),
    ("final_rms", Refused(&[])),
    ("gated_mlp", Refused(&[])),
    ("load_in_4bit", Refused(&[])),
    ("n_key_value_heads", Refused(&[])),
    ("num_experts", Refused(&[])),
    ("output_logits_soft_cap", Refused(&[-1.0, 0.0])),
    ("parallel_attn_mlp", Refused(&[])),
    ("post_embedding_ln", Refused(&[])),
    ("quantization_method", Refused(&[])),
    ("relative_attention_max_distance", Refused(&[])),
    ("relative_attention_num_buckets", Refused(&[])),
    ("scale_attn_by_inverse_layer_idx", Refused(&[])),
    ("use_NTK_by_parts_rope", Refused(&[])),
    ("use_attention_sinks", Refused(&[])),
    ("use_dynamic_ntk_rope", Refused(&[])),
    ("use_local_attn", Refused(&[])),
    ("use_logn_attn", Refused(&[])),
    ("use_normalization_before_and_after", Refused(&[])),
    ("use_qk_norm", Refused(&[])),
    ("use_yarn_rope", Refused(&[])),
    ("uses_rms_norm", Refused(&[])),
    ("NTK_by_parts_factor", Harmless("of a rotation that is off")),
    (
        "NTK_by_parts_high_freq_factor",
        Harmless("of a rotation that is off"),
    ),
    (
        "NTK_by_parts_low_freq_factor",
        Harmless("of a rotation that is off"),
    ),
    (
        "NTK_original_ctx_len",
        Harmless("of a rotation that is off"),
    ),
    ("attn_types", Harmless("of windows that are off")),
    ("window_size", Harmless("of windows that are off")),
    ("norm_topk_prob", Harmless("of experts that are not there")),
    (
        "rotary_adjacent_pairs",
        Harmless("of a rotation that is off"),
    ),
    ("rotary_base", Harmless("of a rotation that is off")),
    ("rotary_base_local", Harmless("of a rotation that is off")),
    ("rotary_dim", Harmless("of a rotation that is off")),
    (
        "rotary_scaling_factor",
        Harmless("of a rotation that is off"),
    ),
    ("train_seq_length", Harmless("of a scaling that is off")),
    (
        "yarn_attention_factor",
        Harmless("of a rotation that is off"),
    ),
    ("yarn_beta_fast", Harmless("of a rotation that is off")),
    ("yarn_beta_slow", Harmless("of a rotation that is off")),
    ("yarn_factor", Harmless("of a rotation that is off")),
    (
        "yarn_global_attn_only",
        Harmless("of a rotation that is off"),
    ),
    (
        "yarn_original_max_position_embeddings",
        Harmless("of a rotation that is off"),
    ),
    ("yarn_truncate", Harmless("of a rotation that is off")),
    ("layer_norm_folding", Harmless("how the weights came to be")),
    (
        "tie_word_embeddings",
        Harmless("the state dict holds both matrices"),
    ),
    ("checkpoint_index", RECORD),
    ("checkpoint_label_type", RECORD),
    ("checkpoint_value", RECORD),
    ("from_checkpoint", RECORD),
    ("model_name", RECORD),
    ("n_params", RECORD),
    ("original_architecture", RECORD),
    ("init_mode", TRAINING),
    ("init_weights", TRAINING),
    ("initializer_range", TRAINING),
    ("seed", TRAINING),
    ("weight_init_mode", TRAINING),
    ("decoder_start_token_id", TOKENS),
    ("default_prepend_bos", TOKENS),
    ("tokenizer_name", TOKENS),
    ("tokenizer_prepends_bos", TOKENS),
    ("device", NUMBERS),
    ("dtype", NUMBERS),
    ("n_devices", NUMBERS),
    ("trust_remote_code", NUMBERS),
    ("ungroup_grouped_query_attention", NUMBERS),
    ("use_attn_in", NUMBERS),
    ("use_attn_result", NUMBERS),
    ("use_hook_mlp_in", NUMBERS),
    ("use_hook_tokens", NUMBERS),
    ("use_split_qkv_input", NUMBERS),
];

/// That a configuration, where it names them, is of this model and of a head that is
/// computed.
pub(super) fn is_model(settings: &Settings<'_>, kind: &str, heads: &[&str]) -> Result<()> {
    if let Some(found) = settings.word("model_type")?
        && found != kind
    {
        let tensors = format!("the tensors are named as those of `{kind}`");
        return Err(settings.disagrees("model_type", found, &tensors));
    }
    for head in settings.list("architectures")?.into_iter().flatten() {
        match head.as_str() {
            Some(name) if heads.contains(&name) => {}
            _ => return Err(settings.unsupported("architectures", &head.to_string())),
        }
    }
    Ok(())
}
