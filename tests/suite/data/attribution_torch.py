"""References for tests/suite/attribution.rs: EAP, EAP-IG and exact effects by plain PyTorch,
in f64, of networks with grouped keys, gates, rotary positions, norms of queries and keys, and
blocks in parallel; of windows, caps of scores and of logits, norms on what is written, ALiBi,
and encoders: with norms on the sums, blocks that share weights, and a head on the mean.

    python tests/suite/data/attribution_torch.py > tests/suite/data/attribution_torch.json

Needs torch and safetensors, and nothing of this project. A forward pass of its own, which
must give the framework's outputs that lie beside the network; a tap (zeros that are added)
at the input of every reader, so that a derivative with respect to it is what the reader is
given, and a tap that holds a shift is an edge patched. A reader reads the writers whose sum
the stream is where it reads: a norm of what heads write is written by all of them as one, and
a norm of the stream is a reader of all in it, and the one writer of what is in it afterwards.

eap             -(corrupted message - clean message) times the gradient of the clean run
eap-ig-inputs   the same at the mean gradient of 5 runs whose inputs lie at (k + 1/2) / 5 of
                the way from the corrupted to the clean ones
exact           metric as it is - metric with the edge's message that of the corrupted run

The metric is the mean difference of the logits of answer and foil at the last position, or of
the network's one answer.
"""

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
STEPS = 5


class Network:
    """Qwen 3, with the names of Hugging Face; what others do otherwise they say below."""

    base = "model."
    block = "layers.{}."
    token_names, last_norm, head_name = "embed_tokens", "norm", "lm_head"
    out_name, before = "self_attn.o_proj", ("input_layernorm", "post_attention_layernorm")
    after = on_sum = (None, None)
    parallel, causal = False, True

    def __init__(self, folder):
        self.cfg = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        self.w = {name.removeprefix(self.base): values.double() for name, values in weights.items()}
        said = lambda *keys: next(self.cfg[key] for key in keys if key in self.cfg)
        self.layers, self.heads = said("num_hidden_layers", "n_layer"), said("num_attention_heads", "n_head")
        self.keys = self.cfg.get("num_key_value_heads") or self.heads
        self.size = self.cfg.get("head_dim") or said("hidden_size") // self.heads

    def named(self, layer, part):
        return self.block.format(layer) + part

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def rms(self, x, name, plus=0.0):
        return x / (x.pow(2).mean(-1, keepdim=True) + self.cfg["rms_norm_eps"]).sqrt() * (self.w[name + ".weight"] + plus)

    def layer_norm(self, x, name):
        epsilon = self.cfg.get("layer_norm_eps") or self.cfg["layer_norm_epsilon"]
        return F.layer_norm(x, x.shape[-1:], self.w[name + ".weight"], self.w[name + ".bias"], epsilon)

    norm = rms

    def embed(self, tokens):
        return self.w[self.token_names + ".weight"][tokens]

    def project(self, x, layer, letter, head):
        """Queries, keys or values of a head or key-value head, before they are turned."""
        x = self.linear(x, self.named(layer, f"self_attn.{letter}_proj"))
        x = x[..., head * self.size:(head + 1) * self.size]
        return x if letter == "v" else self.norm(x, self.named(layer, f"self_attn.{letter}_norm"))

    def rope(self, layer):
        return self.cfg["rope_parameters"]

    def turn(self, x, layer):
        rope = self.rope(layer)
        width = int(self.size * rope.get("partial_rotary_factor", 1.0))
        half = width // 2
        frequencies = rope["rope_theta"] ** (-torch.arange(half) / half)
        angles = torch.arange(x.shape[1])[:, None] * frequencies
        a, b, rest = x[..., :half], x[..., half:width], x[..., width:]
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)

    def scores(self, q, k, layer, head):
        return q @ k.mT / self.size**0.5

    def window(self, layer):
        """How many positions a block sees, its own among them."""
        return None

    def held(self, q, k, v, layer, head):
        scores = self.scores(q, k, layer, head)
        sees = torch.ones(scores.shape[1:]).bool()
        window = self.window(layer) or len(sees)
        sees = sees.triu(1 - window) & sees.tril(0 if self.causal else window - 1)
        return scores.masked_fill(~sees, -torch.inf).softmax(-1) @ v

    def out(self, held, layer, head):
        columns = slice(head * self.size, (head + 1) * self.size)
        return held @ self.w[self.named(layer, self.out_name) + ".weight"][:, columns].T

    def mlp(self, x, layer):
        at = lambda part: self.named(layer, f"mlp.{part}_proj")
        return self.linear(F.silu(self.linear(x, at("gate"))) * self.linear(x, at("up")), at("down"))

    def logits(self, x):
        return self.norm(x, self.last_norm) @ self.w[self.head_name + ".weight"].T

    def forward(self, stream, taps):
        """Logits at the last position, what writers write, what readers read, and which
        writers are in it."""
        run = Run(self, stream, taps)
        for layer in range(self.layers):
            run.layer(layer)
        return self.logits(run.read("logits"))[:, -1], run.writes, run.reads, run.sources


class Run:
    """A pass under way: the stream, and the writers whose sum it is."""

    def __init__(self, network, stream, taps):
        self.network, self.stream, self.taps = network, stream, taps
        self.live, self.writes, self.reads, self.sources = ["input"], {"input": stream}, {}, {}

    def read(self, name):
        self.reads[name], self.sources[name] = self.stream, list(self.live)
        return self.stream + self.taps.get(name, 0.0)

    def normed(self, x, layer, name):
        return x if name is None else self.network.norm(x, self.network.named(layer, name))

    def join(self, messages, bias, norm, layer, name):
        """Adds what a sublayer writes, and normalises the sum where the network does."""
        self.writes |= messages
        self.live += messages
        self.stream = self.stream + sum(messages.values()) + bias
        if norm is not None:
            whole = self.normed(self.read(f"{name}.norm"), layer, norm)
            self.stream, self.live, self.writes[f"{name}.norm"] = whole, [f"{name}.norm"], whole

    def layer(self, l):
        net = self.network

        def ask(letter, head):
            x = net.project(self.normed(self.read(f"a{l}.h{head}<{letter}>"), l, net.before[0]), l, letter, head)
            return x if letter == "v" else net.turn(x, l)

        keys, values = [[ask(letter, head) for head in range(net.keys)] for letter in "kv"]
        of = lambda head: head // (net.heads // net.keys)
        held = lambda head: net.held(ask("q", head), keys[of(head)], values[of(head)], l, head)
        messages = {f"a{l}.h{head}": net.out(held(head), l, head) for head in range(net.heads)}
        bias = net.w.get(net.named(l, net.out_name) + ".bias", 0.0)
        if net.after[0]:
            messages = {f"a{l}": self.normed(sum(messages.values()) + bias, l, net.after[0])}
            bias = 0.0
        mlp = lambda: {f"m{l}": self.normed(net.mlp(self.normed(self.read(f"m{l}"), l, net.before[1]), l), l, net.after[1])}
        if net.parallel:
            return self.join(messages | mlp(), bias, None, l, None)
        self.join(messages, bias, net.on_sum[0], l, f"a{l}")
        self.join(mlp(), 0.0, net.on_sum[1], l, f"m{l}")


class ByHead(Network):
    """Queries, keys and values head by head in one tensor."""

    norm = Network.layer_norm
    base, fused = "transformer.", "self_attention.query_key_value"

    def project(self, x, layer, letter, head):
        first = (3 * head + "qkv".index(letter)) * self.size
        return self.linear(x, self.named(layer, self.fused))[..., first:first + self.size]

    def mlp(self, x, layer):
        hidden = F.gelu(self.linear(x, self.named(layer, "mlp.dense_h_to_4h")), approximate=self.gelu)
        return self.linear(hidden, self.named(layer, "mlp.dense_4h_to_h"))


class NeoX(ByHead):
    base, token_names, head_name, last_norm = "gpt_neox.", "embed_in", "embed_out", "final_layer_norm"
    fused, out_name, gelu, parallel = "attention.query_key_value", "attention.dense", "none", True


class Bloom(ByHead):
    block, token_names, head_name, last_norm = "h.{}.", "word_embeddings", "word_embeddings", "ln_f"
    out_name, gelu = "self_attention.dense", "tanh"

    def embed(self, tokens):
        return self.norm(super().embed(tokens), "word_embeddings_layernorm")

    def turn(self, x, layer):
        return x

    def slope(self, head):
        """Powers of one number; of heads beyond a power of two, every second of the next ones."""
        power = 2 ** math.floor(math.log2(self.heads))
        if head < power:
            return 2.0 ** (-8 * (head + 1) / power)
        return 2.0 ** (-4 * (2 * (head - power) + 1) / power)

    def scores(self, q, k, layer, head):
        return super().scores(q, k, layer, head) + self.slope(head) * torch.arange(k.shape[1])


class Gemma2(Network):
    head_name, after = "embed_tokens", ("post_attention_layernorm", "post_feedforward_layernorm")
    before = ("input_layernorm", "pre_feedforward_layernorm")

    def norm(self, x, name):
        return self.rms(x, name, 1.0)

    def embed(self, tokens):
        return super().embed(tokens) * self.cfg["hidden_size"] ** 0.5

    def project(self, x, layer, letter, head):
        x = self.linear(x, self.named(layer, f"self_attn.{letter}_proj"))
        return x[..., head * self.size:(head + 1) * self.size]

    def scores(self, q, k, layer, head):
        cap = self.cfg["attn_logit_softcapping"]
        return cap * (q @ k.mT * self.cfg["query_pre_attn_scalar"] ** -0.5 / cap).tanh()

    def window(self, layer):
        return self.cfg["sliding_window"] if self.cfg["layer_types"][layer] == "sliding_attention" else None

    def mlp(self, x, layer):
        at = lambda part: self.named(layer, f"mlp.{part}_proj")
        gate = F.gelu(self.linear(x, at("gate")), approximate="tanh")
        return self.linear(gate * self.linear(x, at("up")), at("down"))

    def logits(self, x):
        cap = self.cfg["final_logit_softcapping"]
        return cap * (super().logits(x) / cap).tanh()


class Bert(Network):
    norm = Network.layer_norm
    base, block, causal = "bert.", "encoder.layer.{}.", False
    out_name, before = "attention.output.dense", (None, None)
    on_sum = ("attention.output.LayerNorm", "output.LayerNorm")
    letters, hidden_names = "attention.self.", ("intermediate.dense", "output.dense")
    transform, bias = "cls.predictions.transform.", "cls.predictions.bias"

    def table(self, name):
        return self.w[f"embeddings.{name}_embeddings.weight"]

    def embed(self, tokens):
        rows = self.table("word")[tokens] + self.table("position")[:tokens.shape[1]] + self.table("token_type")[0]
        return self.norm(rows, "embeddings.LayerNorm")

    def project(self, x, layer, letter, head):
        name = {"q": "query", "k": "key", "v": "value"}[letter]
        x = self.linear(x, self.named(layer, self.letters + name))
        return x[..., head * self.size:(head + 1) * self.size]

    def turn(self, x, layer):
        return x

    def mlp(self, x, layer):
        up, down = (self.named(layer, name) for name in self.hidden_names)
        return self.linear(self.activation(self.linear(x, up)), down)

    def activation(self, x):
        return F.gelu(x, approximate="tanh" if self.cfg["hidden_act"] == "gelu_new" else "none")

    def logits(self, x):
        x = self.activation(self.linear(x, self.transform + "dense"))
        return self.norm(x, self.transform + "LayerNorm") @ self.table("word").T + self.w[self.bias]


class Albert(Bert):
    base, out_name, letters = "albert.", "attention.dense", "attention."
    on_sum, hidden_names = ("attention.LayerNorm", "full_layer_layer_norm"), ("ffn", "ffn_output")
    transform, bias = "predictions.", "predictions.bias"

    def named(self, layer, part):
        group = layer * self.cfg["num_hidden_groups"] // self.layers
        return f"encoder.albert_layer_groups.{group}.albert_layers.0.{part}"

    def embed(self, tokens):
        return self.linear(super().embed(tokens), "encoder.embedding_hidden_mapping_in")


class ModernBert(Network):
    """With a head on the mean over positions of what comes out of the last norm."""

    token_names, last_norm, causal = "embeddings.tok_embeddings", "final_norm", False
    out_name, before = "attn.Wo", ("attn_norm", "mlp_norm")

    def norm(self, x, name):
        # What is embedded has been normalised: the first block has no norm of its own.
        weight = self.w.get(name + ".weight")
        return x if weight is None else F.layer_norm(x, weight.shape, weight, None, self.cfg["norm_eps"])

    def embed(self, tokens):
        return self.norm(super().embed(tokens), "embeddings.norm")

    def project(self, x, layer, letter, head):
        first = ("qkv".index(letter) * self.heads + head) * self.size
        return self.linear(x, self.named(layer, "attn.Wqkv"))[..., first:first + self.size]

    def rope(self, layer):
        return self.cfg["rope_parameters"][self.cfg["layer_types"][layer]]

    def window(self, layer):
        is_local = self.cfg["layer_types"][layer] == "sliding_attention"
        return self.cfg["local_attention"] // 2 + 1 if is_local else None

    def mlp(self, x, layer):
        gate, up = self.linear(x, self.named(layer, "mlp.Wi")).chunk(2, -1)
        return self.linear(F.gelu(gate) * up, self.named(layer, "mlp.Wo"))

    def logits(self, x):
        x = self.norm(x, self.last_norm).mean(1, keepdim=True)
        return self.linear(self.norm(F.gelu(self.linear(x, "head.dense")), "head.norm"), "classifier")


def scores(folder, kind):
    network, data = kind(folder), load_file(folder / "data.safetensors")
    rows = torch.arange(len(data["tokens"]))
    clean, corrupted = network.embed(data["tokens"]), network.embed(data["corrupted_tokens"])

    def metric(embedded, taps):
        logits = network.forward(embedded, taps)[0]
        return (logits[rows, data["answers"]] - logits[rows, data["foils"]]).mean()

    logits, writes, reads, sources = network.forward(clean, {})
    assert (logits - data["outputs"]).abs().max() < 1e-5 * logits.abs().max(), folder
    other = network.forward(corrupted, {})[1]

    def gradients(embedded):
        taps = {name: torch.zeros_like(x, requires_grad=True) for name, x in reads.items()}
        return dict(zip(taps, torch.autograd.grad(metric(embedded, taps), taps.values())))

    at_clean = gradients(clean)
    runs = [gradients(corrupted + (clean - corrupted) * (k + 0.5) / STEPS) for k in range(STEPS)]
    as_is, edges = metric(clean, {}), {}
    for reader in reads:
        for writer in sources[reader]:
            shift = other[writer] - writes[writer]
            mean = sum(run[reader] for run in runs) / STEPS
            edges[f"{writer}->{reader}"] = {
                "eap": -(shift * at_clean[reader]).sum().item(),
                "eap-ig-inputs": -(shift * mean).sum().item(),
                "exact": (as_is - metric(clean, {reader: shift})).item(),
            }
    return edges


MEMBERS = {
    "hf-made-qwen3-grouped": Network,
    "hf-made-neox-parallel": NeoX,
    "hf-made-gemma2-windows": Gemma2,
    "hf-made-bloom-pairs": Bloom,
    "hf-made-bert-pairs": Bert,
    "hf-made-albert": Albert,
    "hf-made-modernbert-mean": ModernBert,
}


def main():
    of = lambda name, kind: {"network": f"fixtures/zoo/{name}", "edges": scores(Path("fixtures/zoo") / name, kind)}
    print(json.dumps([of(*member) for member in MEMBERS.items()], indent=0))


if __name__ == "__main__":
    main()
