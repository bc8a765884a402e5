//! The options of each framework's configuration: computed, harmless, or refused.

use super::family::Family;
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

/// Hugging Face: what any of the families may have. What a family computes it asks for
/// itself; this says what becomes of the others.
const HUGGING_FACE: Rules = &[
    ("is_encoder_decoder", Refused(&[])),
    ("add_cross_attention", Refused(&[])),
    ("cross_attention_hidden_size", Refused(&[])),
    ("quantization_config", Refused(&[])),
    ("compression_config", Refused(&[])),
    ("rope_scaling", Refused(&[])),
    ("rope_parameters", Refused(&[])),
    ("layer_types", Refused(&[])),
    ("sliding_window", Refused(&[])),
    ("use_sliding_window", Refused(&[])),
    ("use_bidirectional_attention", Refused(&[])),
    ("apply_residual_connection_post_layernorm", Refused(&[])),
    ("scale_attn_by_inverse_layer_idx", Computed),
    ("qk_layernorm", Refused(&[])),
    ("use_qk_norm", Computed),
    ("attn_logit_softcapping", Refused(&[])),
    ("final_logit_softcapping", Refused(&[])),
    ("attention_multiplier", Refused(&[])),
    ("clip_qkv", Refused(&[])),
    ("embedding_fraction", Refused(&[1.0])),
    ("embedding_multiplier", Refused(&[])),
    ("logit_scale", Refused(&[])),
    ("logits_scaling", Refused(&[])),
    ("no_rope_layers", Refused(&[])),
    ("residual_multiplier", Refused(&[])),
    ("expansion_ratio", Computed),
    ("no_bias", Harmless("the tensors say it")),
    ("learned_pos_emb", Harmless("slopes stand in their place")),
    ("max_seq_len", Harmless("the length it was trained for")),
    ("emb_pdrop", TRAINING),
    ("summary_last_dropout", TRAINING),
    ("attention_softmax_in_fp32", NUMBERS),
    ("scale_attention_softmax_in_fp32", NUMBERS),
    ("verbose", NUMBERS),
    ("pruned_heads", Refused(&[])),
    (
        "chunk_size_feed_forward",
        Harmless("the same function in parts"),
    ),
    ("pretraining_tp", Harmless("the same function in parts")),
    (
        "slow_but_exact",
        Harmless("the same function in another order"),
    ),
    (
        "reorder_and_upcast_attn",
        Harmless("the same function in another order"),
    ),
    (
        "max_position_embeddings",
        Harmless("the length it was trained for"),
    ),
    ("n_positions", Harmless("the length it was trained for")),
    ("n_ctx", Harmless("the length it was trained for")),
    ("seq_length", Harmless("the length it was trained for")),
    ("max_window_layers", Harmless("of windows that are off")),
    ("hidden_act", Harmless("the framework reads another key")),
    ("window_size", Computed),
    ("num_kv_heads", Computed),
    ("head_dim", Computed),
    ("activation_dropout", TRAINING),
    ("mlp_dropout", TRAINING),
    ("initializer_cutoff_factor", TRAINING),
    ("sparse_prediction", TRAINING),
    ("sparse_pred_ignore_index", TRAINING),
    ("deterministic_flash_attn", NUMBERS),
    ("reference_compile", NUMBERS),
    ("repad_logits_with_grad", NUMBERS),
    ("classifier_activation", SUMMARY),
    ("classifier_bias", SUMMARY),
    ("classifier_pooling", SUMMARY),
    ("decoder_bias", SUMMARY),
    ("attention_dropout", TRAINING),
    ("attention_probs_dropout_prob", TRAINING),
    ("attn_pdrop", TRAINING),
    ("classifier_dropout", TRAINING),
    ("classifier_dropout_prob", TRAINING),
    ("dropout", TRAINING),
    ("embd_pdrop", TRAINING),
    ("embed_dropout", TRAINING),
    ("embedding_dropout", TRAINING),
    ("gradient_checkpointing", TRAINING),
    ("hidden_dropout", TRAINING),
    ("hidden_dropout_prob", TRAINING),
    ("init_std", TRAINING),
    ("initializer_range", TRAINING),
    ("layerdrop", TRAINING),
    ("output_router_logits", TRAINING),
    ("qa_dropout", TRAINING),
    ("resid_dropout", TRAINING),
    ("resid_pdrop", TRAINING),
    ("residual_dropout", TRAINING),
    ("router_aux_loss_coef", TRAINING),
    ("router_jitter_noise", TRAINING),
    ("seq_classif_dropout", TRAINING),
    ("bos_token_id", TOKENS),
    ("cls_token_id", TOKENS),
    ("decoder_start_token_id", TOKENS),
    ("eos_token_id", TOKENS),
    ("mask_token_id", TOKENS),
    ("pad_token_id", TOKENS),
    ("prefix", TOKENS),
    ("sep_token_id", TOKENS),
    ("tokenizer_class", TOKENS),
    ("unk_token_id", TOKENS),
    ("_attn_implementation", NUMBERS),
    ("_attn_implementation_autoset", NUMBERS),
    ("attn_implementation", NUMBERS),
    ("cache_implementation", NUMBERS),
    ("dtype", NUMBERS),
    ("is_decoder", NUMBERS),
    ("output_attentions", NUMBERS),
    ("output_hidden_states", NUMBERS),
    ("return_dict", NUMBERS),
    ("return_dict_in_generate", NUMBERS),
    ("torch_dtype", NUMBERS),
    ("torchscript", NUMBERS),
    ("use_bfloat16", NUMBERS),
    ("use_cache", NUMBERS),
    ("use_return_dict", NUMBERS),
    ("_commit_hash", RECORD),
    ("_name_or_path", RECORD),
    ("auto_map", RECORD),
    ("finetuning_task", RECORD),
    ("task_specific_params", RECORD),
    ("transformers.js_config", RECORD),
    ("transformers_version", RECORD),
    ("directionality", RECORD),
    ("pooler_act", SUMMARY),
    ("pooler_output_size", SUMMARY),
    ("encoder_stride", SUMMARY),
    ("pooler_fc_size", SUMMARY),
    ("pooler_num_attention_heads", SUMMARY),
    ("pooler_num_fc_layers", SUMMARY),
    ("pooler_size_per_head", SUMMARY),
    ("pooler_type", SUMMARY),
    ("id2label", SUMMARY),
    ("label2id", SUMMARY),
    ("num_labels", SUMMARY),
    ("problem_type", SUMMARY),
    ("summary_activation", SUMMARY),
    ("summary_first_dropout", SUMMARY),
    ("summary_proj_to_labels", SUMMARY),
    ("summary_type", SUMMARY),
    ("summary_use_proj", SUMMARY),
    // Of generation, which older versions wrote here too.
    ("begin_suppress_tokens", GENERATION),
    ("diversity_penalty", GENERATION),
    ("do_sample", GENERATION),
    ("early_stopping", GENERATION),
    ("forced_bos_token_id", GENERATION),
    ("forced_eos_token_id", GENERATION),
    ("length_penalty", GENERATION),
    ("max_length", GENERATION),
    ("max_new_tokens", GENERATION),
    ("min_length", GENERATION),
    ("no_repeat_ngram_size", GENERATION),
    ("num_beams", GENERATION),
    ("num_return_sequences", GENERATION),
    ("repetition_penalty", GENERATION),
    ("temperature", GENERATION),
    ("top_k", GENERATION),
    ("top_p", GENERATION),
    ("typical_p", GENERATION),
];

const GENERATION: KeyRule = Harmless("only in generating text");

/// nanoGPT's and minGPT's, with those of training that are saved beside them.
pub(super) const NANO: Rules = &[
    ("n_layer", Computed),
    ("n_head", Computed),
    ("n_embd", Computed),
    ("block_size", Computed),
    ("vocab_size", Computed),
    ("bias", Computed),
    ("activation_function", Computed),
    ("tie_word_embeddings", Computed),
    ("dropout", TRAINING),
    ("attn_pdrop", TRAINING),
    ("embd_pdrop", TRAINING),
    ("resid_pdrop", TRAINING),
];

/// TransformerLens's `HookedTransformerConfig`.
pub(super) const LENS: Rules = &[
    ("num_experts", Refused(&[])),
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
    ("attn_only", Computed),
    ("attn_scores_soft_cap", Computed),
    ("clip_qkv", Computed),
    ("experts_per_token", Refused(&[])),
    ("final_rms", Computed),
    ("gated_mlp", Computed),
    ("load_in_4bit", Refused(&[])),
    ("n_key_value_heads", Computed),
    ("output_logits_soft_cap", Computed),
    ("parallel_attn_mlp", Computed),
    ("post_embedding_ln", Computed),
    ("quantization_method", Refused(&[])),
    ("relative_attention_max_distance", Refused(&[])),
    ("relative_attention_num_buckets", Refused(&[])),
    ("scale_attn_by_inverse_layer_idx", Computed),
    ("use_NTK_by_parts_rope", Computed),
    ("use_attention_sinks", Refused(&[])),
    ("use_dynamic_ntk_rope", Refused(&[])),
    ("use_local_attn", Computed),
    ("use_logn_attn", Refused(&[])),
    ("use_normalization_before_and_after", Computed),
    ("use_qk_norm", Computed),
    ("use_yarn_rope", Computed),
    ("uses_rms_norm", Computed),
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
    ("attn_types", Computed),
    ("window_size", Computed),
    ("norm_topk_prob", Harmless("of experts that are not there")),
    (
        "rotary_adjacent_pairs",
        Harmless("of a rotation that is off"),
    ),
    ("rotary_base", Computed),
    ("rotary_base_local", Computed),
    ("rotary_dim", Computed),
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

/// What a network makes of the stream at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Logits of tokens.
    Tokens,
    /// Nothing: its outputs are the stream itself.
    Stream,
    /// Logits of classes, read at the first position.
    Classes,
    /// Logits of classes at every position.
    EachPosition,
}

/// What a configuration, where it names them, says of the model and of its head.
pub(super) fn purpose(settings: &Settings<'_>, kind: &str, family: &Family) -> Result<Purpose> {
    if let Some(found) = settings.word("model_type")?
        && found != kind
    {
        let tensors = format!("the tensors are named as those of `{kind}`");
        return Err(settings.disagrees("model_type", found, &tensors));
    }
    let mut purpose = None;
    for class in settings.list("architectures")?.into_iter().flatten() {
        let found = class.as_str().and_then(|name| family.purpose(name));
        match found.filter(|found| purpose.is_none_or(|other| other == *found)) {
            Some(found) => purpose = Some(found),
            None => return Err(settings.unsupported("architectures", &class.to_string())),
        }
    }
    let usual = match family.summaries {
        [] => Purpose::Tokens,
        _ => Purpose::Classes,
    };
    Ok(purpose.unwrap_or(usual))
}

impl Family {
    /// What the framework's class of this name makes of the stream.
    fn purpose(&self, class: &str) -> Option<Purpose> {
        let stem = self.stem()?;
        if class.strip_prefix(stem) == Some("ForImageClassification") {
            self.classifier.map(|_| Purpose::Classes)
        } else if self.classes.contains(&class) {
            Some(Purpose::Tokens)
        } else if class.strip_prefix(stem) == Some("Model") {
            Some(Purpose::Stream)
        } else if class.strip_prefix(stem) == Some("ForSequenceClassification") {
            self.classifier.map(|_| Purpose::Classes)
        } else if class.strip_prefix(stem) == Some("ForTokenClassification") {
            self.classifier?.each.map(|_| Purpose::EachPosition)
        } else {
            None
        }
    }

    /// What the names of its classes begin with.
    fn stem(&self) -> Option<&'static str> {
        const HEADS: [&str; 4] = [
            "LMHeadModel",
            "ForCausalLM",
            "ForMaskedLM",
            "ForImageClassification",
        ];
        let class = self.classes.first()?;
        HEADS.iter().find_map(|head| class.strip_suffix(head))
    }
}

/// What becomes of the keys that a family of Hugging Face's does not ask for.
pub(super) fn rules() -> Rules {
    HUGGING_FACE
}
