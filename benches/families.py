"""Random options of the families of transformers: tiny random models, saved, opened, compared.

    pip install torch transformers safetensors
    cargo build --locked
    python3 benches/families.py --tries 20                 # all families
    python3 benches/families.py modernbert vit --seed 3    # some

Each try draws options of one family, saves a model with its own outputs, and has
`modscope prune --threshold 0` compute them again. An outcome is *same* (within the rounding of
f32: 1e-5 of the outputs' scale), *refused* with the option's name, or *other*, which is a fault:
exit code 1.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import torch
import transformers as T
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent.parent
VOCABULARY, LENGTH = 23, 9
TOKENS = {"vocab_size": VOCABULARY, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2}
SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4}
MORE = {"intermediate_size": 12, "max_position_embeddings": 24}
ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu", "gelu_pytorch_tanh", "tanh", "quick_gelu", "relu2"]
YES_NO = [True, False]
GROUPED = {"num_key_value_heads": [1, 2, 4]}
KINDS = ["sliding_attention", "full_attention"]


def rope(kind, **more):
    return {"rope_type": kind, "rope_theta": 50.0, **more}


YARN = rope("yarn", factor=4.0, original_max_position_embeddings=6)
LLAMA3 = rope("llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=2.0, original_max_position_embeddings=8)
ROPES = [rope("default"), rope("linear", factor=2.0), rope("dynamic", factor=2.0), YARN, LLAMA3]
ROTARY = {"rope_parameters": ROPES}
PARTLY = {"rope_parameters": [rope(k, partial_rotary_factor=f) for k in ("default",) for f in (0.5, 1.0)]}
WINDOWS = {"sliding_window": [2, 3, 6, None]}
HEADS = {"tie_word_embeddings": YES_NO}
PLAIN = {**TOKENS, **SIZES, **MORE}
ENCODER = {**PLAIN, "vocab_size": VOCABULARY}
BOTH_WAYS = {"hidden_act": ACTIVATIONS[:5], "layer_norm_eps": [1e-12, 0.01], **HEADS}
IMAGES = {**SIZES, "intermediate_size": 12, "image_size": 8, "patch_size": 4}
SEEN = {"image_size": [8, 9, [8, 12]], "patch_size": [2, 3, 4, [4, 2]], "num_channels": [1, 3]}
EXPERTS = {"num_experts_per_tok": [1, 2, 4]}
QWEN2_WINDOWS = {"use_sliding_window": YES_NO, "sliding_window": [2, 3], "max_window_layers": [0, 1, 2]}

# Per family: the configuration's class, the models' classes, what is fixed, what is drawn.
FAMILIES = {
    "vit": (T.ViTConfig, [T.ViTForImageClassification, T.ViTModel], IMAGES,
            {**SEEN, "qkv_bias": YES_NO, "hidden_act": ACTIVATIONS[:5], "layer_norm_eps": [1e-12, 0.01], "num_labels": [1, 2, 5]}),
    "deit": (T.DeiTConfig, [T.DeiTForImageClassification, T.DeiTModel], IMAGES,
             {**SEEN, "qkv_bias": YES_NO, "hidden_act": ACTIVATIONS[:5], "num_labels": [2, 5]}),
    "modernbert": (T.ModernBertConfig,
                   [T.ModernBertForMaskedLM, T.ModernBertModel, T.ModernBertForSequenceClassification, T.ModernBertForTokenClassification],
                   {**PLAIN, "cls_token_id": 0, "sep_token_id": 1},
                   {"norm_bias": YES_NO, "attention_bias": YES_NO, "mlp_bias": YES_NO, "decoder_bias": YES_NO,
                    "classifier_bias": YES_NO, "classifier_pooling": ["cls", "mean"], "norm_eps": [1e-5, 0.01],
                    "hidden_activation": ["gelu", "silu"], "classifier_activation": ["gelu", "relu"],
                    "local_attention": [2, 3, 4, 128], "global_attn_every_n_layers": [1, 2, 3],
                    "global_rope_theta": [160000.0, 100.0], "local_rope_theta": [10000.0, 50.0], **HEADS}),
    "xglm": (T.XGLMConfig, [T.XGLMForCausalLM, T.XGLMModel],
             {**TOKENS, "d_model": 16, "num_layers": 2, "attention_heads": 4, "ffn_dim": 12, "max_position_embeddings": 24},
             {"scale_embedding": YES_NO, "activation_function": ACTIVATIONS[:6], "d_model": [16, 20], **HEADS}),
    "electra": (T.ElectraConfig,
                [T.ElectraForMaskedLM, T.ElectraModel, T.ElectraForSequenceClassification, T.ElectraForTokenClassification],
                ENCODER, {**BOTH_WAYS, "embedding_size": [16, 8, 5], "type_vocab_size": [1, 2]}),
    "bert": (T.BertConfig,
             [T.BertForMaskedLM, T.BertModel, T.BertForSequenceClassification, T.BertForTokenClassification],
             ENCODER, {**BOTH_WAYS, "type_vocab_size": [1, 2]}),
    "roberta": (T.RobertaConfig,
                [T.RobertaForMaskedLM, T.RobertaModel, T.RobertaForSequenceClassification, T.RobertaForTokenClassification],
                ENCODER, {**BOTH_WAYS, "pad_token_id": [1, 2]}),
    "albert": (T.AlbertConfig,
               [T.AlbertForMaskedLM, T.AlbertModel, T.AlbertForSequenceClassification, T.AlbertForTokenClassification],
               ENCODER, {**BOTH_WAYS, "embedding_size": [16, 8, 5], "type_vocab_size": [1, 2], "num_hidden_groups": [1, 2, 3], "inner_group_num": [1, 1, 2]}),
    "distilbert": (T.DistilBertConfig,
                   [T.DistilBertForMaskedLM, T.DistilBertModel, T.DistilBertForSequenceClassification, T.DistilBertForTokenClassification],
                   {"vocab_size": VOCABULARY, "dim": 16, "n_layers": 2, "n_heads": 4, "hidden_dim": 12, "max_position_embeddings": 24},
                   {"activation": ["gelu", "relu"], "sinusoidal_pos_embds": YES_NO, **HEADS}),
    "gpt2": (T.GPT2Config, [T.GPT2LMHeadModel, T.GPT2Model],
             {**TOKENS, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 24},
             {"activation_function": ACTIVATIONS, "n_inner": [None, 12], "scale_attn_weights": YES_NO,
              "scale_attn_by_inverse_layer_idx": YES_NO, "layer_norm_epsilon": [1e-5, 0.01],
              "reorder_and_upcast_attn": YES_NO, **HEADS}),
    "gpt_neo": (T.GPTNeoConfig, [T.GPTNeoForCausalLM],
                {**TOKENS, "hidden_size": 16, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 24, "attention_types": [[["global", "local"], 1]]},
                {"activation_function": ACTIVATIONS[:4], "window_size": [2, 3, 256], "intermediate_size": [None, 12], **HEADS}),
    "gpt_neox": (T.GPTNeoXConfig, [T.GPTNeoXForCausalLM, T.GPTNeoXModel], PLAIN,
                 {"use_parallel_residual": YES_NO, "attention_bias": YES_NO, "hidden_act": ACTIVATIONS[:5], **PARTLY, **HEADS}),
    "gptj": (T.GPTJConfig, [T.GPTJForCausalLM], {**TOKENS, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 24},
             {"rotary_dim": [2, 4, 8, None], "activation_function": ACTIVATIONS[:5], "n_inner": [None, 12], **HEADS}),
    "codegen": (T.CodeGenConfig, [T.CodeGenForCausalLM], {**TOKENS, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 24},
                {"rotary_dim": [2, 4, 8], "activation_function": ACTIVATIONS[:5], "n_inner": [None, 12]}),
    "opt": (T.OPTConfig, [T.OPTForCausalLM, T.OPTModel],
            {**TOKENS, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "ffn_dim": 12, "max_position_embeddings": 24},
            {"do_layer_norm_before": YES_NO, "word_embed_proj_dim": [16, 16, 8], "enable_bias": YES_NO, "_remove_final_layer_norm": YES_NO,
             "layer_norm_elementwise_affine": YES_NO, "activation_function": ["relu", "gelu"], **HEADS}),
    "bloom": (T.BloomConfig, [T.BloomForCausalLM, T.BloomModel], {**TOKENS, "hidden_size": 16, "n_layer": 2, "n_head": 4},
              {"n_head": [1, 2, 4, 8], "apply_residual_connection_post_layernorm": YES_NO, "layer_norm_epsilon": [1e-5, 0.01], **HEADS}),
    "mpt": (T.MptConfig, [T.MptForCausalLM], {**TOKENS, "d_model": 16, "n_heads": 4, "n_layers": 2, "max_seq_len": 24},
            {"expansion_ratio": [1, 2, 4], "n_heads": [1, 2, 4], "no_bias": YES_NO, "layer_norm_epsilon": [1e-5, 0.01],
             "attn_config": [{}, {"clip_qkv": 0.5}, {"softmax_scale": 0.3}, {"alibi": False}, {"qk_ln": True}]}),
    "falcon": (T.FalconConfig, [T.FalconForCausalLM], {**TOKENS, **SIZES},
               {"alibi": YES_NO, "multi_query": YES_NO, "parallel_attn": YES_NO, "new_decoder_architecture": YES_NO, "bias": YES_NO,
                "num_kv_heads": [None, 2], "num_ln_in_parallel_attn": [None, 1, 2], "ffn_hidden_size": [None, 12], "activation": ["gelu", "relu"], **HEADS}),
    "llama": (T.LlamaConfig, [T.LlamaForCausalLM, T.LlamaModel], PLAIN,
              {**GROUPED, **ROTARY, **HEADS, "attention_bias": YES_NO, "mlp_bias": YES_NO, "head_dim": [4, 6, None], "hidden_act": ACTIVATIONS[:5], "rms_norm_eps": [1e-6, 0.01]}),
    "mistral": (T.MistralConfig, [T.MistralForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, **WINDOWS, "head_dim": [4, 6, None]}),
    "mixtral": (T.MixtralConfig, [T.MixtralForCausalLM], {**PLAIN, "num_local_experts": 4}, {**GROUPED, **HEADS, **WINDOWS, **EXPERTS, "hidden_act": ["silu", "gelu"]}),
    "qwen2": (T.Qwen2Config, [T.Qwen2ForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, **QWEN2_WINDOWS}),
    "qwen2_moe": (T.Qwen2MoeConfig, [T.Qwen2MoeForCausalLM],
                  {**PLAIN, "num_experts": 4, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 12},
                  {**GROUPED, **HEADS, **EXPERTS, **QWEN2_WINDOWS, "norm_topk_prob": YES_NO, "decoder_sparse_step": [1, 1, 2],
                   "mlp_only_layers": [[], [], [0], [1]], "qkv_bias": YES_NO}),
    "qwen3": (T.Qwen3Config, [T.Qwen3ForCausalLM], {**PLAIN, "head_dim": 4}, {**GROUPED, **ROTARY, **HEADS, **QWEN2_WINDOWS, "attention_bias": YES_NO}),
    "qwen3_moe": (T.Qwen3MoeConfig, [T.Qwen3MoeForCausalLM], {**PLAIN, "num_experts": 4, "moe_intermediate_size": 8, "head_dim": 4},
                  {**GROUPED, **HEADS, **EXPERTS, "norm_topk_prob": YES_NO, "decoder_sparse_step": [1, 1, 2],
                   "mlp_only_layers": [[], [], [0], [2]], "use_sliding_window": YES_NO, "sliding_window": [3]}),
    "olmoe": (T.OlmoeConfig, [T.OlmoeForCausalLM], {**PLAIN, "num_experts": 4}, {**GROUPED, **HEADS, **EXPERTS, "norm_topk_prob": YES_NO, "clip_qkv": [None, 0.5], "attention_bias": YES_NO}),
    "gemma": (T.GemmaConfig, [T.GemmaForCausalLM], {**PLAIN, "head_dim": 6}, {**GROUPED, **HEADS, "attention_bias": YES_NO, "hidden_act": ["gelu_pytorch_tanh", "gelu"]}),
    "gemma2": (T.Gemma2Config, [T.Gemma2ForCausalLM], {**PLAIN, "head_dim": 6},
               {**GROUPED, **HEADS, "sliding_window": [2, 4], "query_pre_attn_scalar": [4, 256], "attn_logit_softcapping": [None, 2.0], "final_logit_softcapping": [None, 3.0]}),
    "gemma3_text": (T.Gemma3TextConfig, [T.Gemma3ForCausalLM], {**PLAIN, "head_dim": 6},
                    {**GROUPED, **HEADS, "sliding_window": [2, 4], "layer_types": [[KINDS[0], KINDS[1], KINDS[0]], [KINDS[1]] * 3],
                     "query_pre_attn_scalar": [4, 256], "final_logit_softcapping": [None, 3.0], "use_bidirectional_attention": [False, False, True]}),
    "phi": (T.PhiConfig, [T.PhiForCausalLM], PLAIN, {**GROUPED, **PARTLY, **HEADS, "qk_layernorm": YES_NO, "hidden_act": ACTIVATIONS[:5]}),
    "phi3": (T.Phi3Config, [T.Phi3ForCausalLM], PLAIN, {**GROUPED, **PARTLY, **HEADS, **WINDOWS}),
    "stablelm": (T.StableLmConfig, [T.StableLmForCausalLM], PLAIN, {**GROUPED, **PARTLY, **HEADS, "qk_layernorm": YES_NO, "use_qkv_bias": YES_NO, "use_parallel_residual": YES_NO}),
    "starcoder2": (T.Starcoder2Config, [T.Starcoder2ForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, **WINDOWS, "use_bias": YES_NO, "norm_epsilon": [1e-5, 0.01]}),
    "olmo": (T.OlmoConfig, [T.OlmoForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, "clip_qkv": [None, 0.5], "attention_bias": YES_NO}),
    "olmo2": (T.Olmo2Config, [T.Olmo2ForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, "attention_bias": YES_NO}),
    "granite": (T.GraniteConfig, [T.GraniteForCausalLM], PLAIN,
                {**GROUPED, **HEADS, "embedding_multiplier": [1.0, 3.0], "logits_scaling": [1.0, 2.5], "residual_multiplier": [1.0, 0.4], "attention_multiplier": [1.0, 0.3], "mlp_bias": YES_NO}),
    "cohere": (T.CohereConfig, [T.CohereForCausalLM], {**PLAIN, "rope_parameters": rope("default")}, {**GROUPED, **HEADS, "use_qk_norm": YES_NO, "logit_scale": [0.0625, 1.0], "attention_bias": YES_NO}),
    "cohere2": (T.Cohere2Config, [T.Cohere2ForCausalLM], PLAIN,
                {**GROUPED, **HEADS, "sliding_window": [2, 4], "layer_types": [[KINDS[0], KINDS[1], KINDS[0]]], "logit_scale": [0.0625, 1.0], "attention_bias": YES_NO}),
    "smollm3": (T.SmolLM3Config, [T.SmolLM3ForCausalLM], {**PLAIN, "rope_parameters": rope("default")},
                {**GROUPED, **HEADS, "no_rope_layers": [[1, 0, 1], [1, 1, 1]], "layer_types": [[KINDS[0], KINDS[1], KINDS[0]]], "sliding_window": [3], "attention_bias": YES_NO, "mlp_bias": YES_NO}),
    "nemotron": (T.NemotronConfig, [T.NemotronForCausalLM], {**PLAIN, "rope_parameters": rope("default", partial_rotary_factor=0.5)},
                 {**GROUPED, **HEADS, "attention_bias": YES_NO, "mlp_bias": YES_NO, "hidden_act": ["relu2", "gelu"], "norm_eps": [1e-5, 0.01]}),
    "arcee": (T.ArceeConfig, [T.ArceeForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, "attention_bias": YES_NO, "mlp_bias": YES_NO}),
    "internlm3": (T.InternLM3Config, [T.LlamaForCausalLM], PLAIN, {**GROUPED, **ROTARY, **HEADS, "head_dim": [4, 6], "rms_norm_eps": [1e-5, 0.01]}),
    "glm": (T.GlmConfig, [T.GlmForCausalLM], {**PLAIN, "head_dim": 4, "rope_parameters": rope("default", partial_rotary_factor=0.5)}, {**GROUPED, **HEADS, "attention_bias": YES_NO}),
    "glm4": (T.Glm4Config, [T.Glm4ForCausalLM], {**PLAIN, "head_dim": 4, "rope_parameters": rope("default", partial_rotary_factor=0.5)}, {**GROUPED, **HEADS, "attention_bias": YES_NO}),
    "exaone4": (T.Exaone4Config, [T.Exaone4ForCausalLM, T.Exaone4Model], {**PLAIN, "head_dim": 4},
                {**GROUPED, **ROTARY, **HEADS, "sliding_window": [2, 4, None], "layer_types": [[KINDS[1], KINDS[0], KINDS[1]], [KINDS[1]] * 3], "head_dim": [4, 6], "sliding_window_pattern": [2, 3], "rms_norm_eps": [1e-5, 0.01]}),
    "persimmon": (T.PersimmonConfig, [T.PersimmonForCausalLM, T.PersimmonModel], PLAIN,
                  {**PARTLY, **HEADS, "qk_layernorm": YES_NO, "layer_norm_eps": [1e-5, 0.01], "hidden_act": ACTIVATIONS}),
    "gpt_bigcode": (T.GPTBigCodeConfig, [T.GPTBigCodeForCausalLM], {**TOKENS, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 24},
                    {"multi_query": YES_NO, "scale_attn_weights": YES_NO, "activation_function": ACTIVATIONS[:5], "n_inner": [None, 12], **HEADS}),
}
WITH_ONE_ADDED = ("gemma", "gemma2", "gemma3_text", "nemotron")


def scrambled(network, family):
    """Weights so wide that every option matters."""
    for name, values in network.named_parameters():
        is_norm = values.dim() == 1 and any(n in name.lower() for n in ("norm", "ln_"))
        is_norm = is_norm and name.endswith("weight")
        centre = 1.0 if is_norm and family not in WITH_ONE_ADDED else 0.0
        values.data.copy_(centre + 0.35 * torch.randn(values.shape))
    network.tie_weights()
    return network.eval()


def made(family, rng, folder):
    """A model of drawn options in a folder, with its outputs; the options."""
    config, classes, fixed, drawn = FAMILIES[family]
    options = {key: rng.choice(values) for key, values in drawn.items() if rng.random() < 0.5}
    torch.manual_seed(rng.randrange(1 << 30))
    kind = rng.choice(classes)
    settings = config(**{**fixed, **options})
    network = scrambled(kind(settings), family)
    network.save_pretrained(folder)
    if "patch_size" in drawn:
        sides = settings.image_size if isinstance(settings.image_size, (list, tuple)) else [settings.image_size] * 2
        name, inputs = "inputs", torch.randn(5, settings.num_channels, *sides)
    else:
        name, inputs = "tokens", torch.randint(3, VOCABULARY, (5, LENGTH))
    with torch.no_grad():
        out = network(inputs)
    values = out.logits if "logits" in out else out.last_hidden_state
    if values.dim() == 3 and name == "tokens":
        values = values[:, -1]
    save_file({name: inputs, "outputs": values.reshape(len(values), -1).contiguous()}, folder / "data.safetensors")
    return {"class": kind.__name__, **options}, values.abs().max().item()


def outcome(tool, folder, scale):
    """What became of it: same, refused, other; and a number or the message."""
    run = [tool, "prune", "--threshold", "0", "--json", "--quiet", folder]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        return "refused", done.stderr.strip().splitlines()[0]
    if not done.stdout:
        return "other", done.stderr
    parity = json.loads(done.stdout)["parity"]
    if parity is None:
        return "other", "no parity"
    relative = parity["max_abs_difference"] / scale
    return ("same" if relative <= 1e-5 else "other"), relative


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", default=[])
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tool", type=pathlib.Path, default=HERE / "target/debug/modscope")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for those that are other")
    asked = parser.parse_args()
    T.logging.set_verbosity_error()
    T.utils.logging.disable_progress_bar()
    faults = 0
    for family in asked.families or FAMILIES:
        counts, refusals, largest = collections.Counter(), collections.Counter(), 0.0
        for number in range(asked.tries):
            rng = random.Random(f"{family} {asked.seed} {number}")
            with tempfile.TemporaryDirectory() as temporary:
                folder = pathlib.Path(temporary)
                if asked.keep:
                    folder = asked.keep / f"{family}-{number}"
                    folder.mkdir(parents=True, exist_ok=True)
                try:
                    options, scale = made(family, rng, folder)
                except Exception as error:  # what the framework itself refuses or fails at
                    counts["not made"] += 1
                    print(f"  {family} {number}: not made: {str(error)[:90]}")
                    continue
                said, detail = outcome(asked.tool, folder, scale)
            counts[said] += 1
            if said == "refused":
                refusals[re.sub(r"\s+", " ", detail)[:110]] += 1
            elif said == "same":
                largest = max(largest, detail)
            else:
                print(f"  {family} {number}: OTHER {detail}: {options}")
        faults += counts["other"]
        print(f"{family}: {dict(counts)}, largest difference {largest:.1e} of the scale", flush=True)
        for message, times in refusals.most_common():
            print(f"    {times} x {message}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
