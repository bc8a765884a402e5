"""References for tests/suite/attribution.rs: EAP, RelP, the QK fix of AtP*, and AtP* by
automatic differentiation, in f64.

    python tests/suite/data/attribution.py ../shared > tests/suite/data/attribution.json

Needs numpy, safetensors and jax. A forward pass of its own, with a tap (a zero that is added)
at the input of every reader and at every pattern: derivatives with respect to taps are what
readers are given. Rules of relevance are `stop_gradient`s: a norm's scale is a constant, an
activation f is x times the constant f(x)/x, a product is half itself and half a constant.
Scores are -(what the writer writes in the corrupted run - in the clean run) times what the
reader is given, summed; of queries and keys under the QK fix -(pattern with the reader's input
shifted - clean pattern) times the derivative at the pattern. AtP* takes these with what one
sublayer writes held constant, each in turn: sizes sample by sample, summed over sublayers and
samples, over one number less than there are sublayers. The metric is the mean logit
difference of answer and foil where the data say, else at the last position.
"""

import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient as fixed
from safetensors.numpy import load_file

jax.config.update("jax_enable_x64", True)


class Network:
    """Pre-norm GPT-2 or Llama, with the names of Hugging Face."""

    def __init__(self, folder):
        self.cfg = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        self.w = {k.removeprefix("transformer.").removeprefix("model."): jnp.asarray(v, jnp.float64)
                  for k, v in weights.items()}
        self.gpt2 = self.cfg["model_type"] == "gpt2"
        get = self.cfg.get
        self.layers = get("n_layer") or get("num_hidden_layers")
        self.heads = get("n_head") or get("num_attention_heads")
        self.keys = get("num_key_value_heads") or self.heads
        width = get("n_embd") or get("hidden_size")
        self.size = get("head_dim") or width // self.heads
        self.relevance = False
        self.dropped = None

    def norm(self, x, name):
        if self.gpt2:
            x = x - x.mean(-1, keepdims=True)
        epsilon = self.cfg.get("layer_norm_epsilon") or self.cfg.get("rms_norm_eps")
        scale = jnp.sqrt((x * x).mean(-1, keepdims=True) + epsilon)
        x = x / (fixed(scale) if self.relevance else scale) * self.w[name + ".weight"]
        return x + self.w[name + ".bias"] if self.gpt2 else x

    def activation(self, x):
        if self.gpt2:
            f = x * 0.5 * (1 + jnp.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        else:
            f = x * jax.nn.sigmoid(x)
        return x * fixed(f / x) if self.relevance else f

    def product(self, a, b):
        return 0.5 * (a * b) + 0.5 * fixed(a * b) if self.relevance else a * b

    def project(self, x, layer, letter, head):
        """Queries, keys or values of a head or key-value head."""
        size = self.size
        if self.gpt2:
            width = self.heads * size
            at = "qkv".index(letter) * width + head * size
            name = f"h.{layer}.attn.c_attn."
            return x @ self.w[name + "weight"][:, at:at + size] + self.w[name + "bias"][at:at + size]
        rows = slice(head * size, (head + 1) * size)
        return x @ self.w[f"layers.{layer}.self_attn.{letter}_proj.weight"][rows].T

    def turn(self, x):
        if self.gpt2:
            return x
        half = self.size // 2
        theta = self.cfg["rope_parameters"]["rope_theta"]
        angle = np.arange(x.shape[1])[:, None] * theta ** (-np.arange(half) / half)
        cos, sin = np.cos(angle), np.sin(angle)
        a, b = x[..., :half], x[..., half:]
        return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)

    def pattern(self, q, k):
        """[samples, queries, keys]"""
        scores = self.turn(q) @ self.turn(k).swapaxes(1, 2) / np.sqrt(self.size)
        seen = np.tril(np.ones(scores.shape[1:], bool))
        return jax.nn.softmax(jnp.where(seen, scores, -jnp.inf), -1)

    def out(self, held, layer, head):
        rows = slice(head * self.size, (head + 1) * self.size)
        if self.gpt2:
            return held @ self.w[f"h.{layer}.attn.c_proj.weight"][rows]
        return held @ self.w[f"layers.{layer}.self_attn.o_proj.weight"][:, rows].T

    def mlp(self, x, layer):
        w = self.w
        if self.gpt2:
            h = self.activation(x @ w[f"h.{layer}.mlp.c_fc.weight"] + w[f"h.{layer}.mlp.c_fc.bias"])
            return h @ w[f"h.{layer}.mlp.c_proj.weight"] + w[f"h.{layer}.mlp.c_proj.bias"]
        name = f"layers.{layer}.mlp."
        gate = self.activation(x @ w[name + "gate_proj.weight"].T)
        return self.product(gate, x @ w[name + "up_proj.weight"].T) @ w[name + "down_proj.weight"].T

    def forward(self, tokens, taps):
        """Logits at all positions, what writers write, what readers read."""
        tap = lambda name, x: x + taps.get(name, 0.0)
        passed = lambda sublayer, x: fixed(x) if sublayer == self.dropped else x
        ln = ("h.{}.ln_1", "h.{}.ln_2") if self.gpt2 else (
            "layers.{}.input_layernorm", "layers.{}.post_attention_layernorm")
        stream = self.w["wte.weight" if self.gpt2 else "embed_tokens.weight"][tokens]
        if self.gpt2:
            stream = stream + self.w["wpe.weight"][: tokens.shape[1]]
        writes, reads, seen = {"input": stream}, {}, {}
        for layer in range(self.layers):
            share = self.heads // self.keys

            def read(letter, head):
                name = f"a{layer}.h{head}<{letter}>"
                reads[name] = stream
                return self.project(self.norm(tap(name, stream), ln[0].format(layer)),
                                    layer, letter, head)

            keys = [read("k", head) for head in range(self.keys)]
            values = [read("v", head) for head in range(self.keys)]
            for head in range(self.heads):
                name = f"a{layer}.h{head}"
                pattern = tap(name, self.pattern(read("q", head), keys[head // share]))
                seen[name] = pattern
                writes[name] = self.out(pattern @ values[head // share], layer, head)
            for head in range(self.heads):
                stream = stream + passed(f"a{layer}", writes[f"a{layer}.h{head}"])
            if self.gpt2:
                stream = stream + self.w[f"h.{layer}.attn.c_proj.bias"]
            name = f"m{layer}"
            reads[name] = stream
            writes[name] = self.mlp(self.norm(tap(name, stream), ln[1].format(layer)), layer)
            stream = stream + passed(name, writes[name])
        reads["logits"] = stream
        last = self.norm(tap("logits", stream), "ln_f" if self.gpt2 else "norm")
        table = self.w.get("lm_head.weight")
        if table is None:
            table = self.w["wte.weight" if self.gpt2 else "embed_tokens.weight"]
        return last @ table.T, writes, reads, seen


def read(logits, data):
    """Logits where answers are read, `[samples, vocabulary]`."""
    place = data["positions"][:, 0] if "positions" in data else -1
    return logits[np.arange(len(logits)), place]


def difference(logits, data):
    rows, logits = np.arange(len(logits)), read(logits, data)
    return (logits[rows, data["answers"]] - logits[rows, data["foils"]]).mean()


def upstream(network, reader, writer):
    """Whether a reader reads what a writer writes: the order of computation."""
    place = lambda name: -1 if name == "input" else (
        2 * network.layers if name == "logits" else 2 * int(name[1:].split(".")[0]) + (name[0] == "m"))
    return place(writer) < place(reader)


def scores(folder):
    network, data = Network(folder), load_file(folder / "data.safetensors")
    logits, clean, reads, seen = network.forward(data["tokens"], {})
    if "outputs" in data:
        assert abs(read(logits, data) - data["outputs"]).max() < 1e-4
    _, corrupted, _, _ = network.forward(data["corrupted_tokens"], {})
    zeros = {name: jnp.zeros_like(x) for name, x in {**reads, **seen}.items()}
    given = lambda: jax.grad(
        lambda taps: difference(network.forward(data["tokens"], taps)[0], data))(zeros)
    gradients = given()
    network.relevance = True
    relevance = given()
    network.relevance = False

    sublayers = [f"{half}{layer}" for layer in range(network.layers) for half in "am"]
    without = []
    for network.dropped in sublayers:
        without.append(given())
    network.dropped = None

    def each(x):
        """Sample by sample."""
        return x.reshape(len(x), -1).sum(1)

    def shown(reader, shift):
        """How patterns change with the reader's input shifted, by name."""
        _, _, _, other = network.forward(data["tokens"], {**zeros, reader: shift})
        layer, head = reader[1:].split("<")[0].split(".h")
        share = network.heads // network.keys if reader.endswith("<k>") else 1
        heads = range(int(head) * share, (int(head) + 1) * share)
        names = [f"a{layer}.h{head}" for head in heads]
        return {name: other[name] - seen[name] for name in names}

    edges = {}
    for reader in reads:
        for writer in clean:
            if upstream(network, reader, writer):
                shift = corrupted[writer] - clean[writer]
                asks = reader.endswith("<q>") or reader.endswith("<k>")
                changes = shown(reader, shift) if asks else {reader: shift}
                by = lambda at: -sum(each(change * at[name]) for name, change in changes.items())
                sizes = sum(abs(by(at)).sum() for at in without) / (len(sublayers) - 1)
                edges[f"{writer}->{reader}"] = {
                    "eap": float(-(shift * gradients[reader]).sum()),
                    "relp": float(-(shift * relevance[reader]).sum()),
                    "eap-qk": float(by(gradients).sum()),
                    "atp-star": float(sizes),
                }
    return edges


def main():
    folders = {"fixtures/gpt2": Path("fixtures/gpt2")}
    for name in ["zoo/gpt2-tied", "zoo/llama-gqa-tied"]:
        folders[name] = Path(sys.argv[1]) / name
    result = [{"network": name, "edges": scores(folder)} for name, folder in folders.items()]
    print(json.dumps(result, indent=0))


if __name__ == "__main__":
    main()
