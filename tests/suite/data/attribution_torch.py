"""References for tests/suite/attribution.rs: EAP, EAP-IG and exact effects by plain PyTorch,
in f64, of networks with grouped keys, gates, rotary positions, norms of queries and keys,
and blocks in parallel.

    python tests/suite/data/attribution_torch.py > tests/suite/data/attribution_torch.json

Needs torch and safetensors, and nothing of this project. A forward pass of its own, which
must give the framework's outputs that lie beside the network; a tap (zeros that are added)
at the input of every reader, so that a derivative with respect to it is what the reader is
given, and a tap that holds a shift is an edge patched.

eap             -(corrupted message - clean message) times the gradient of the clean run
eap-ig-inputs   the same at the mean gradient of 5 runs whose inputs lie at (k + 1/2) / 5 of
                the way from the corrupted to the clean ones
exact           metric as it is - metric with the edge's message that of the corrupted run

The metric is the mean difference of the logits of answer and foil at the last position.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
STEPS = 5


class Network:
    """Qwen 3 or GPT-NeoX, with the names of Hugging Face."""

    def __init__(self, folder):
        self.cfg = json.loads((folder / "config.json").read_text())
        prefixes = ("model.", "gpt_neox.")
        strip = lambda name: next((name[len(p):] for p in prefixes if name.startswith(p)), name)
        weights = load_file(folder / "model.safetensors")
        self.w = {strip(name): values.double() for name, values in weights.items()}
        self.neox = self.cfg["model_type"] == "gpt_neox"
        self.layers, self.heads = self.cfg["num_hidden_layers"], self.cfg["num_attention_heads"]
        self.keys = self.cfg.get("num_key_value_heads") or self.heads
        self.size = self.cfg.get("head_dim") or self.cfg["hidden_size"] // self.heads
        self.parallel = self.neox and self.cfg["use_parallel_residual"]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def norm(self, x, name):
        weight = self.w[name + ".weight"]
        if self.neox:
            return F.layer_norm(x, weight.shape, weight, self.w[name + ".bias"], self.cfg["layer_norm_eps"])
        return x / (x.pow(2).mean(-1, keepdim=True) + self.cfg["rms_norm_eps"]).sqrt() * weight

    def project(self, x, layer, letter, head):
        """Queries, keys or values of a head or key-value head, turned."""
        size, name = self.size, f"layers.{layer}."
        if self.neox:
            first = (3 * head + "qkv".index(letter)) * size
            x = self.linear(x, name + "attention.query_key_value")[..., first:first + size]
        else:
            x = self.linear(x, name + f"self_attn.{letter}_proj")[..., head * size:(head + 1) * size]
            if letter != "v":
                x = self.norm(x, name + f"self_attn.{letter}_norm")
        return x if letter == "v" else self.turn(x)

    def turn(self, x):
        rope = self.cfg["rope_parameters"]
        width = int(self.size * rope.get("partial_rotary_factor", 1.0))
        half = width // 2
        frequencies = rope["rope_theta"] ** (-torch.arange(half) / half)
        angles = torch.arange(x.shape[1])[:, None] * frequencies
        a, b, rest = x[..., :half], x[..., half:width], x[..., width:]
        cos, sin = angles.cos(), angles.sin()
        return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], -1)

    def held(self, q, k, v):
        scores = q @ k.mT / self.size**0.5
        hidden = torch.ones(scores.shape[1:]).triu(1).bool()
        return scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v

    def out(self, held, layer, head):
        name = "attention.dense" if self.neox else "self_attn.o_proj"
        columns = slice(head * self.size, (head + 1) * self.size)
        return held @ self.w[f"layers.{layer}.{name}.weight"][:, columns].T

    def mlp(self, x, layer):
        name = f"layers.{layer}.mlp."
        if self.neox:
            hidden = F.gelu(self.linear(x, name + "dense_h_to_4h"))
            return self.linear(hidden, name + "dense_4h_to_h")
        gate = F.silu(self.linear(x, name + "gate_proj"))
        return self.linear(gate * self.linear(x, name + "up_proj"), name + "down_proj")

    def embed(self, tokens):
        return self.w[("embed_in" if self.neox else "embed_tokens") + ".weight"][tokens]

    def forward(self, stream, taps):
        """Logits at the last position, what writers write, what readers read."""
        writes, reads = {"input": stream}, {}

        def read(name, stream, norm):
            reads[name] = stream
            return self.norm(stream + taps.get(name, 0.0), norm)

        for layer in range(self.layers):
            norms = [f"layers.{layer}.{n}" for n in ("input_layernorm", "post_attention_layernorm")]
            ask = lambda letter, head: self.project(
                read(f"a{layer}.h{head}<{letter}>", stream, norms[0]), layer, letter, head)
            keys = [ask("k", head) for head in range(self.keys)]
            values = [ask("v", head) for head in range(self.keys)]
            share, after = self.heads // self.keys, stream
            for head in range(self.heads):
                of = head // share
                held = self.held(ask("q", head), keys[of], values[of])
                writes[f"a{layer}.h{head}"] = self.out(held, layer, head)
                after = after + writes[f"a{layer}.h{head}"]
            if self.neox:
                after = after + self.w[f"layers.{layer}.attention.dense.bias"]
            seen = stream if self.parallel else after
            writes[f"m{layer}"] = self.mlp(read(f"m{layer}", seen, norms[1]), layer)
            stream = after + writes[f"m{layer}"]
        last = read("logits", stream, "final_layer_norm" if self.neox else "norm")
        head = self.w["embed_out.weight" if self.neox else "lm_head.weight"]
        return (last @ head.T)[:, -1], writes, reads

    def reads(self, reader, writer):
        """Whether a reader reads what a writer writes: the order of computation."""
        place = lambda name: -1 if name == "input" else (
            2 * self.layers if name == "logits" else 2 * int(name[1:].split(".")[0]))
        before = place(reader) + (reader[0] == "m" and not self.parallel)
        return place(writer) + (writer[0] == "m") < before


def scores(folder):
    network, data = Network(folder), load_file(folder / "data.safetensors")
    rows = torch.arange(len(data["tokens"]))
    clean, corrupted = network.embed(data["tokens"]), network.embed(data["corrupted_tokens"])

    def metric(embedded, taps):
        logits = network.forward(embedded, taps)[0]
        return (logits[rows, data["answers"]] - logits[rows, data["foils"]]).mean()

    logits, writes, reads = network.forward(clean, {})
    assert (logits - data["outputs"]).abs().max() < 1e-5 * logits.abs().max()
    other = network.forward(corrupted, {})[1]

    def gradients(embedded):
        taps = {name: torch.zeros_like(x, requires_grad=True) for name, x in reads.items()}
        return dict(zip(taps, torch.autograd.grad(metric(embedded, taps), taps.values())))

    at_clean = gradients(clean)
    runs = [gradients(corrupted + (clean - corrupted) * (k + 0.5) / STEPS) for k in range(STEPS)]
    as_is, edges = metric(clean, {}), {}
    for reader in reads:
        for writer in filter(lambda writer: network.reads(reader, writer), writes):
            shift = other[writer] - writes[writer]
            mean = sum(run[reader] for run in runs) / STEPS
            edges[f"{writer}->{reader}"] = {
                "eap": -(shift * at_clean[reader]).sum().item(),
                "eap-ig-inputs": -(shift * mean).sum().item(),
                "exact": (as_is - metric(clean, {reader: shift})).item(),
            }
    return edges


def main():
    names = ["hf-made-qwen3-grouped", "hf-made-neox-parallel"]
    folders = {f"fixtures/zoo/{name}": Path("fixtures/zoo") / name for name in names}
    print(json.dumps([{"network": n, "edges": scores(f)} for n, f in folders.items()], indent=0))


if __name__ == "__main__":
    main()
