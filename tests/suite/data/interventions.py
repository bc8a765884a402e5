"""References for tests/suite/intervene.rs: random edits of small networks by plain PyTorch
hooks on the frameworks' own modules.

    python tests/suite/data/interventions.py ZOO FIXTURES > tests/suite/data/interventions.json

Needs torch, transformers and safetensors. An edit is a site, an edge or a path, a change and,
at times, positions, as modscope names them; `outputs` are those of the first two samples.
"""

import json
import random
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

SAMPLES = 6
STORED = 2


def changed(x, change, other, positions=None):
    """x: [samples, ..., width] with a change; `other` has the same shape (values of the fill)."""
    kind = change[0]
    if kind == "set":
        y = torch.as_tensor(change[1], dtype=x.dtype).expand_as(x).clone()
    elif kind == "add":
        y = x + torch.as_tensor(change[1], dtype=x.dtype)
    elif kind == "scale":
        y = x * change[1]
    else:
        y = other
    if positions is not None:
        z = x.clone()
        z[:, positions] = y[:, positions]
        return z
    return y


def filled(clean, corrupted, change):
    """What stands in for a value: clean and corrupted are [samples, ...]."""
    kind = change[0]
    if kind == "sample":
        return clean[change[1]].unsqueeze(0).expand_as(clean)
    if kind == "fill" and change[1] == "zero":
        return torch.zeros_like(clean)
    if kind == "fill" and change[1] == "mean":
        return clean.mean(0, keepdim=True).expand_as(clean)
    if kind == "fill" and change[1] == "corrupted":
        return corrupted
    return None


class Lm:
    """A GPT-2 or Llama model whose sites are edited by hooks of its own modules."""

    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        from transformers import AutoConfig, GPT2LMHeadModel, LlamaForCausalLM

        self.gpt = config["model_type"] == "gpt2"
        kind = GPT2LMHeadModel if self.gpt else LlamaForCausalLM
        self.model = kind.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        self.model = self.model.double().eval()
        cfg = self.model.config
        self.layers = cfg.num_hidden_layers
        self.heads = cfg.num_attention_heads
        self.keys = self.heads if self.gpt else cfg.num_key_value_heads
        self.width = getattr(cfg, "head_dim", None) or cfg.hidden_size // self.heads
        self.d = cfg.hidden_size
        data = load_file(folder / "data.safetensors")
        self.tokens = data["tokens"][:SAMPLES]
        self.pairs = data["corrupted_tokens"][:SAMPLES]
        self.base = self.model.transformer if self.gpt else self.model.model
        self.blocks = self.base.h if self.gpt else self.base.layers
        self.final = self.base.ln_f if self.gpt else self.base.norm

    # The modules of a block.
    def ln(self, l, sub):
        b = self.blocks[l]
        if self.gpt:
            return b.ln_1 if sub == 0 else b.ln_2
        return b.input_layernorm if sub == 0 else b.post_attention_layernorm

    def attn(self, l):
        return self.blocks[l].attn if self.gpt else self.blocks[l].self_attn

    def out(self, l):
        return self.attn(l).c_proj if self.gpt else self.attn(l).o_proj

    def down(self, l):
        return self.blocks[l].mlp.c_proj if self.gpt else self.blocks[l].mlp.down_proj

    def w_out(self, l, h):
        w = self.out(l).weight if self.gpt else self.out(l).weight.T
        return w[h * self.width : (h + 1) * self.width]

    def columns(self, letter, h):
        """Columns of c_attn, or of the projection of a letter."""
        first = {"q": 0, "k": self.d, "v": 2 * self.d}[letter] if self.gpt else 0
        return slice(first + h * self.width, first + (h + 1) * self.width)

    def projection(self, l, letter):
        if self.gpt:
            return self.attn(l).c_attn
        return getattr(self.attn(l), letter + "_proj")

    def run(self, edits, tokens, wanted=(), fills=None):
        """edits: {("site", name): [fn], ("edge", a, b): [fn]}; fn(x) -> x. Returns logits, written."""
        written = {}
        handles = []
        state = {}

        def site(name, x):
            for fn in edits.get(("site", name), []):
                x = fn(x)
            x = x.contiguous()
            written[name] = x.clone()
            return x

        def read(reader, stream):
            x = stream
            for (key, fns) in edits.items():
                if key[0] == "edge" and key[2] == reader:
                    m = written[key[1]]
                    y = m
                    for fn in fns:
                        y = fn(y)
                    x = x + (y - m)
            for fn in edits.get(("site", reader), []) if reader not in self.writers() else []:
                x = fn(x)
            return x

        def touched(reader):
            own = ("site", reader) in edits and reader not in self.writers()
            return own or any(k[0] == "edge" and k[2] == reader for k in edits)

        def hook(module, fn, pre=False):
            if pre:
                handles.append(module.register_forward_pre_hook(fn))
            else:
                handles.append(module.register_forward_hook(fn))

        if self.gpt:
            hook(self.base.wte, lambda m, i, o: site("embed", o))
            hook(self.base.wpe, lambda m, i, o: site("pos_embed", o.expand(len(tokens), -1, -1)))

        for l in range(self.layers):
            def before(module, args, kwargs, l=l):
                x = args[0]
                if l == 0:
                    x = site("input", x)
                x = site(f"r{2 * l}", x)
                state[("s", l)] = x
                return (x, *args[1:]), kwargs

            handles.append(self.blocks[l].register_forward_pre_hook(before, with_kwargs=True))

            for letter in "qkv":
                def project(module, args, output, l=l, letter=letter):
                    count = self.heads if letter == "q" else self.keys
                    y = output.clone()
                    for h in range(count):
                        reader = f"a{l}.h{h}<{letter}>"
                        if touched(reader):
                            x = read(reader, state[("s", l)])
                            x = self.ln(l, 0)(x)
                            c = self.columns(letter, h)
                            if self.gpt:
                                y[..., c] = x @ module.weight[:, c] + module.bias[c]
                            else:
                                y[..., c] = x @ module.weight[c].T
                    first, last = self.columns(letter, 0).start, self.columns(letter, count - 1).stop
                    y[..., first:last] = site(f"b{l}.{letter}", y[..., first:last])
                    return y

                hook(self.projection(l, letter), project)

            def held(module, args, l=l):
                return (site(f"b{l}.o", args[0]),)

            hook(self.out(l), held, pre=True)

            def heads(module, args, output, l=l):
                z, y = args[0], output
                for h in range(self.heads):
                    m = z[..., h * self.width : (h + 1) * self.width] @ self.w_out(l, h)
                    y = y + (site(f"a{l}.h{h}", m) - m)
                x = state[("s", l)] + y
                x2 = site(f"r{2 * l + 1}", x)
                state[("m", l)] = x2
                return y + (x2 - x)

            hook(self.out(l), heads)

            def normed(module, args, output, l=l):
                if state.get("inside") or not touched(f"m{l}"):
                    return None
                state["inside"] = True
                y = module(read(f"m{l}", state[("m", l)]))
                state["inside"] = False
                return y

            hook(self.ln(l, 1), normed)
            hook(self.down(l), lambda m, a, l=l: (site(f"b{l}.h", a[0]),), pre=True)
            hook(self.down(l), lambda m, a, o, l=l: site(f"m{l}", o))

        def last(module, args):
            x = site(f"r{2 * self.layers}", args[0])
            return (read("logits", x),)

        hook(self.final, last, pre=True)
        with torch.no_grad():
            logits = self.model(tokens).logits[:, -1]
        for handle in handles:
            handle.remove()
        return logits, written

    def writers(self):
        names = ["input"] + (["embed", "pos_embed"] if self.gpt else [])
        for l in range(self.layers):
            names += [f"a{l}.h{h}" for h in range(self.heads)] + [f"m{l}"]
        return names

    def readers(self):
        names = []
        for l in range(self.layers):
            for letter in "qkv":
                count = self.heads if letter == "q" else self.keys
                names += [f"a{l}.h{h}<{letter}>" for h in range(count)]
            names.append(f"m{l}")
        return names + ["logits"]

    def order(self, name):
        if name in ("input", "embed", "pos_embed"):
            return -1
        if name == "logits":
            return 2 * self.layers
        l = int(name[1 : name.index(".")] if "." in name else name[1:])
        return 2 * l + (name[0] == "m")

    def outputs(self, edits):
        with torch.no_grad():
            _, clean = self.run({}, self.tokens)
            _, pairs = self.run({}, self.pairs)
        fns = {}
        for edit in edits:
            self.add(fns, edit, clean, pairs)
        return self.run(fns, self.tokens)[0]

    def add(self, fns, edit, clean, pairs):
        kind, change, positions = edit["of"], edit["change"], edit.get("positions")
        at = edit["at"]
        if kind == "site":
            name, column = at[0], None
            base = name
            if name not in clean and name not in self.readers():
                base, column = self.part(name)
            other = filled(clean[base], pairs[base], change) if base in clean and change[0] in ("fill", "sample") else None

            def fn(x):
                if column is None:
                    return changed(x, change, other, positions)
                y = x.clone()
                o = None if other is None else other[..., column : column + 1]
                y[..., column : column + 1] = changed(x[..., column : column + 1], change, o, positions)
                return y

            fns.setdefault(("site", base), []).append(fn)
        elif kind == "edge":
            other = filled(clean[at[0]], pairs[at[0]], change)
            key = ("edge", at[0], at[1])
            fns.setdefault(key, []).append(lambda m: changed(m, change, other, positions))
        else:
            now = {}
            self.add(now, {**edit, "of": "edge", "at": at[:2]}, clean, pairs)
            for via, to in zip(at[1:], at[2:]):
                _, shown = self.run(now, self.tokens)
                now = {}
                for writer in self.nodes(via):
                    now[("edge", writer, to)] = [lambda m, w=writer, s=shown: s[w]]
            for key, f in now.items():
                fns.setdefault(key, []).extend(f)

    def nodes(self, reader):
        if "<" not in reader:
            return [reader]
        name, letter = reader[:-3], reader[-2]
        l, h = int(name[1 : name.index(".")]), int(name[name.index("h") + 1 :])
        share = self.heads // (self.heads if letter == "q" else self.keys)
        return [f"a{l}.h{h * share + k}" for k in range(share)]

    def part(self, name):
        if name[0] == "r":
            base, column = name.split(".")
            return base, int(column)
        return name[: name.index(".") + 2], int(name[name.index(".") + 2 :])

    def random(self, rng):
        def change(width):
            kind = rng.choice(["set", "add", "scale", "sample", "fill", "fill"])
            number = lambda: round(rng.uniform(-1.5, 1.5), 3)
            if kind in ("set", "add"):
                # A stream of one number alone has no variance: a norm would make much of rounding.
                return [kind, [number() for _ in range(width if kind == "set" or rng.random() < 0.5 else 1)]]
            if kind == "scale":
                return [kind, number()]
            if kind == "sample":
                return [kind, rng.randrange(SAMPLES)]
            return [kind, rng.choice(["zero", "mean", "corrupted"])]

        length = self.tokens.shape[1]
        positions = sorted(rng.sample(range(length), 3)) if rng.random() < 0.3 else None
        of = rng.choice(["site", "site", "site", "edge", "edge", "path"])
        hidden = self.down(0).weight.shape[0 if self.gpt else 1]
        if of == "site":
            l, n = rng.randrange(self.layers), rng.randrange(2 * self.layers + 1)
            reader = rng.choice([r for r in self.readers() if r[0] == "a" or r == "logits"])
            wide = [(w, self.d) for w in rng.sample(self.writers(), 2)]
            wide += [(f"r{n}", self.d), (f"b{l}.h", hidden), (f"b{l}.o", self.heads * self.width)]
            one = [(f"r{n}.{rng.randrange(self.d)}", 1), (f"b{l}.h{rng.randrange(hidden)}", 1)]
            one += [(f"b{l}.{c}{rng.randrange(self.keys * self.width)}", 1) for c in "qkvo"]
            name, width = rng.choice(wide + one + [(reader, self.d)])
            chosen = change(width)
            if name == reader and chosen[0] in ("sample", "fill"):
                chosen = ["scale", 0.5]
            # The last block computes only where answers are read.
            return {"of": of, "at": [name], "change": chosen, "positions": positions}
        while True:
            count = 2 if of == "edge" else 3
            nodes = [rng.choice(self.writers())] + [rng.choice(self.readers()) for _ in range(count - 1)]
            orders = [self.order(n) for n in nodes]
            if all(a < b for a, b in zip(orders, orders[1:])):
                return {"of": of, "at": nodes, "change": change(self.d), "positions": positions}


class Mlp:
    """A chain of linear layers and activations of PyTorch, in the order of its tensors."""

    def __init__(self, folder):
        config = json.loads((folder / "config.json").read_text())
        tensors = load_file(folder / "model.safetensors")
        names = sorted((n[:-7] for n in tensors if n.endswith(".weight")), key=lambda n: int(n.split(".")[-1]))
        act = {"elu": lambda: torch.nn.ELU(config.get("alpha", 1.0)), "tanh": torch.nn.Tanh, "relu": torch.nn.ReLU,
               "gelu": torch.nn.GELU, "silu": torch.nn.SiLU}
        listed = config.get("activations") or [config["activation"]] * (len(names) - 1)
        self.acts = [act[a]() for a in listed]
        self.w = [tensors[n + ".weight"].double() for n in names]
        self.b = [tensors.get(n + ".bias", torch.zeros(len(w))).double() for n, w in zip(names, self.w)]
        self.inputs = load_file(folder / "data.safetensors")["inputs"][:SAMPLES].double()

    def name(self, layer, k):
        return f"x{k}" if layer == 0 else f"y{k}" if layer == len(self.w) else f"h{layer}.{k}"

    def run(self, edits):
        x, shown = self.inputs, {}
        for layer in range(len(self.w) + 1):
            x = x.clone()
            for k in range(x.shape[1]):
                for fn in edits.get(("site", self.name(layer, k)), []):
                    x[:, k] = fn(x[:, k])
                shown[self.name(layer, k)] = x[:, k].clone()
            if layer == len(self.w):
                return x, shown
            y = x @ self.w[layer].T + self.b[layer]
            for key, fns in edits.items():
                if key[0] != "edge":
                    continue
                for j in range(y.shape[1]):
                    for i in range(x.shape[1]):
                        if key[1:] == (self.name(layer, i), self.name(layer + 1, j)):
                            w = self.w[layer][j, i]
                            m = w * x[:, i]
                            for fn in fns:
                                m = fn(m, w)
                            y[:, j] += m - w * x[:, i]
            x = y if layer + 1 == len(self.w) else self.acts[layer](y)

    def outputs(self, edits):
        _, clean = self.run({})
        fns = {}
        for edit in edits:
            self.add(fns, edit, clean)
        return self.run(fns)[0]

    def add(self, fns, edit, clean):
        kind, change, at = edit["of"], edit["change"], edit["at"]
        other = filled(clean[at[0]], None, change)
        if kind == "site":
            fns.setdefault(("site", at[0]), []).append(lambda x: changed(x, change, other))
            return
        first = lambda m, w: w * other if other is not None else changed(m, change, None)
        now = {("edge", at[0], at[1]): [first]}
        for via, to in zip(at[1:], at[2:]):
            _, shown = self.run(now)
            now = {("edge", via, to): [lambda m, w, s=shown[via]: w * s]}
        for key, f in now.items():
            fns.setdefault(key, []).extend(f)

    def random(self, rng):
        widths = [w.shape[1] for w in self.w] + [len(self.b[-1])]
        number = lambda: round(rng.uniform(-2, 2), 3)
        change = rng.choice([["set", [number()]], ["add", [number()]], ["scale", number()],
                             ["sample", rng.randrange(SAMPLES)], ["fill", "zero"], ["fill", "mean"]])
        of = rng.choice(["site", "edge", "path"])
        length = {"site": 1, "edge": 2, "path": 3}[of]
        layer = rng.randrange(len(widths) - length + 1)
        at = [self.name(layer + k, rng.randrange(widths[layer + k])) for k in range(length)]
        return {"of": of, "at": at, "change": change, "positions": None}


def main():
    zoo, fixtures = Path(sys.argv[1]), Path(sys.argv[2])
    rng = random.Random(20)
    members = [(Lm, "zoo/gpt2-tied", 45), (Lm, "zoo/gpt2-untied", 25), (Lm, "zoo/llama-gqa-tied", 40),
               (Lm, "zoo/llama-mha", 30), (Mlp, "fixtures/zoo/mlp-elu", 30), (Mlp, "fixtures/zoo/mlp-mixed", 30)]
    result = []
    for kind, name, count in members:
        folder = zoo / name[4:] if name.startswith("zoo/") else fixtures / name[9:]
        network = kind(folder)
        cases = []
        while len(cases) < count:
            edits = [network.random(rng) for _ in range(rng.choice([1, 1, 1, 2]))]
            outputs = network.outputs(edits)
            stored = [[float(f"{x:.7g}") for x in row] for row in outputs[:STORED].tolist()]
            for edit in edits:
                if edit["positions"] is None:
                    del edit["positions"]
            cases.append({"edits": edits, "outputs": stored})
        result.append({"network": name, "samples": SAMPLES, "cases": cases})
    print("[")
    for k, member in enumerate(result):
        cases = ",\n  ".join(json.dumps(case) for case in member["cases"])
        end = "," if k + 1 < len(result) else ""
        print(f' {{"network": "{member["network"]}", "samples": {SAMPLES}, "cases": [\n  {cases}\n ]}}{end}')
    print("]")


if __name__ == "__main__":
    main()
