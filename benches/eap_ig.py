"""The EAP-IG library and this program on the same network and pairs: the scores of all edges,
and the seconds of both.

    pip install torch transformers 'transformer_lens<4' ./python
    pip install --no-deps git+https://github.com/hannamw/EAP-IG
    python3 benches/eap_ig.py FOLDER...      # a GPT-2 or a Llama beside its data.safetensors

Pairs are those of the data, or made of their tokens; the metric is the logit
difference at the last position. The library asks for a GPU by name: here its tensors are made
on the CPU. It divides scores by the number of samples, so that the metric is a sum. Of heads
that share keys and values its scores are added up, as `modscope.from_eap_ig` does. This
program takes the library's paths (`conventions="published"`), and all samples.
"""

import json
import pathlib
import sys
import tempfile
import time

import modscope
import torch
from safetensors.torch import load_file
from torch.overrides import TorchFunctionMode

METHODS = {"eap": {"method": "EAP"}, "eap-ig-inputs": {"method": "EAP-IG-inputs", "ig_steps": 5}}


class OnCpu(TorchFunctionMode):
    """Makes on the CPU what a library makes on a GPU."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if kwargs.get("device") == "cuda":
            kwargs["device"] = "cpu"
        return function(*args, **kwargs)


def hooked(folder):
    """The network as a HookedTransformer, its weights as they are."""
    import transformers
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained import weight_conversions as convert

    network = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    said = network.config
    sizes = {"n_layers": said.num_hidden_layers, "d_model": said.hidden_size, "n_heads": said.num_attention_heads}
    sizes |= {"d_head": said.hidden_size // said.num_attention_heads, "d_vocab": said.vocab_size, "device": "cpu"}
    if said.model_type == "gpt2":
        form = {"act_fn": "gelu_new", "normalization_type": "LN", "eps": said.layer_norm_epsilon}
        form |= {"d_mlp": said.n_inner or 4 * said.hidden_size, "n_ctx": said.n_positions}
        weights = convert.convert_gpt2_weights
    elif said.model_type == "llama":
        rope = said.rope_parameters
        form = {"act_fn": "silu", "normalization_type": "RMS", "eps": said.rms_norm_eps, "gated_mlp": True}
        form |= {"d_mlp": said.intermediate_size, "n_ctx": said.max_position_embeddings, "final_rms": True}
        form |= {"positional_embedding_type": "rotary", "rotary_dim": sizes["d_head"], "rotary_base": rope["rope_theta"]}
        form |= {"n_key_value_heads": said.num_key_value_heads, "rotary_adjacent_pairs": False}
        weights = convert.convert_llama_weights
    else:
        sys.exit(f"{folder}: neither a GPT-2 nor a Llama")
    cfg = HookedTransformerConfig(**sizes, **form)
    model = HookedTransformer(cfg)
    model.load_state_dict(weights(network, cfg), strict=False)
    model.set_use_attn_result(True)
    model.set_use_split_qkv_input(True)
    model.set_use_hook_mlp_in(True)
    if cfg.n_key_value_heads not in (None, cfg.n_heads):
        model.set_ungroup_grouped_query_attention(True)
    return model


def pairs_of(data, model):
    """The data; where they hold no pairs, each sample with another token at its third place,
    and the model's two favourites as answer and foil."""
    if "corrupted_tokens" in data:
        return data
    tokens = data["tokens"]
    other = tokens.clone()
    other[:, 2] = (other[:, 2] + 5) % model.cfg.d_vocab
    with torch.no_grad():
        best = model(tokens)[:, -1].argsort(-1)
    answers, foils = best[:, -1].contiguous(), best[:, -2].contiguous()
    return {"tokens": tokens, "corrupted_tokens": other, "answers": answers, "foils": foils}


def as_tokens(model, tokens, max_length=None):
    """In place of the library's tokenizer: what it gets are tokens."""
    ones = torch.ones_like(tokens)
    return tokens, ones, ones.sum(1), tokens.shape[1]


def for_library(data):
    """The pairs as the library takes them: clean, corrupted, and where which answers are read."""
    last = torch.full_like(data["answers"], data["tokens"].shape[1] - 1)
    label = data["answers"], data["foils"], data.get("positions", last).flatten()
    return [(data["tokens"], data["corrupted_tokens"], label)]


def difference(logits, clean_logits, lengths, label):
    """The logit difference of every pair."""
    answers, foils, positions = label
    rows = torch.arange(len(answers))
    return logits[rows, positions, answers] - logits[rows, positions, foils]


def library(model, data, how):
    """The library's graph with its scores, and the seconds that they took."""
    import eap.attribute
    from eap.graph import Graph

    def metric(*run):
        return -difference(*run).sum()

    eap.attribute.tokenize_plus = as_tokens
    graph = Graph.from_model(model)
    started = time.perf_counter()
    with OnCpu():
        eap.attribute.attribute(model, graph, for_library(data), metric, quiet=True, **how)
    return graph, time.perf_counter() - started


def compared(folder):
    """By method, the largest difference of scores by the largest score."""
    folder = pathlib.Path(folder)
    model = hooked(folder)
    data = pairs_of(load_file(folder / "data.safetensors"), model)
    keys = model.cfg.n_key_value_heads
    print(f"{folder.name}: {len(data['tokens'])} pairs of {data['tokens'].shape[1]} tokens")
    found = {}
    for method, how in METHODS.items():
        graph, theirs = library(model, data, how)
        started = time.perf_counter()
        ours = modscope.circuit(
            folder, data, method=method, metric="logit-diff", fill="corrupted",
            ig_steps=how.get("ig_steps"), conventions="published", judge_on="same", no_judge=True, top=10,
        )
        seconds = time.perf_counter() - started
        ours = json.loads((ours.folder / "circuit.json").read_text())["edges"]
        with tempfile.TemporaryDirectory() as temporary:
            path = modscope.from_eap_ig(graph, pathlib.Path(temporary) / "theirs.json", keys)
            library_says = json.loads(path.read_text())["edges"]
        assert library_says.keys() == ours.keys(), "the same edges"
        largest = max(abs(edge["score"]) for edge in ours.values())
        off = max(abs(edge["score"] - library_says[name]["score"]) for name, edge in ours.items())
        found[method] = off / largest
        print(
            f"  {method:14} {len(ours)} edges, difference {off:.1e} of {largest:.3g} "
            f"({off / largest:.1e}); EAP-IG {theirs:.2f} s, the whole command {seconds:.2f} s"
        )
    return found


if __name__ == "__main__":
    for one in sys.argv[1:]:
        compared(one)
