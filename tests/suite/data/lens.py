"""References for tests/suite/lens.rs: lenses of TransformerLens on zoo members of its own.

    python tests/suite/data/lens.py ZOO > tests/suite/data/lens.json

Needs transformer-lens 3 and safetensors. Logit differences are answer less foil at the last
position, means over samples; the logit lens and direct attribution are those of its
ActivationCache, weights those of its FactoredMatrix with the norms' weights folded in.
"""

import json
import sys
from dataclasses import fields
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformer_lens import FactoredMatrix, HookedTransformer, HookedTransformerConfig


def member(zoo, name):
    folder = zoo / name
    cfg = json.loads((folder / "config.json").read_text())
    known = {field.name for field in fields(HookedTransformerConfig)}
    cfg = {k: v for k, v in cfg.items() if v is not None and k in known}
    cfg["dtype"] = torch.float64
    model = HookedTransformer(HookedTransformerConfig(**cfg)).double()
    state = {k: v.double() if v.is_floating_point() else v
             for k, v in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(state, strict=False)
    data = load_file(folder / "data.safetensors")
    tokens, answers, foils = data["tokens"], data["answers"], data["foils"]
    rows = torch.arange(len(tokens))
    with torch.no_grad():
        logits, cache = model.run_with_cache(tokens)
        assert (logits[:, -1] - data["outputs"]).abs().max() < 1e-4

        def difference(logits):
            return (logits[rows, answers] - logits[rows, foils]).mean().item()

        lens = []
        for layer in range(model.cfg.n_layers):
            lens.append(cache["resid_pre", layer])
            if not model.cfg.attn_only:
                lens.append(cache["resid_mid", layer])
        lens.append(cache["resid_post", model.cfg.n_layers - 1])
        lens = [difference(model.unembed(model.ln_final(x))[:, -1]) for x in lens]

        cache.compute_head_results()
        w = model.ln_final.w if hasattr(model.ln_final, "w") else torch.ones(model.cfg.d_model).double()
        direction = (model.W_U[:, answers] - model.W_U[:, foils]).T * w
        parts, labels = [cache["embed"][:, -1]], ["embed"]
        if "hook_pos_embed" in cache:
            parts.append(cache["pos_embed"][:, -1])
            labels.append("pos_embed")
        else:
            labels = ["input"]
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):
                parts.append(cache["result", layer][:, -1, head])
                labels.append(f"a{layer}.h{head}")
            if not model.cfg.attn_only:
                parts.append(cache["mlp_out", layer][:, -1])
                labels.append(f"m{layer}")
        stack = cache.apply_ln_to_stack(torch.stack(parts), layer=-1, pos_slice=-1)
        each = (stack * direction).sum(-1).mean(-1)

        heads = {}
        for layer in range(model.cfg.n_layers):
            block = model.blocks[layer]
            ln = block.ln1.w[:, None] if hasattr(block.ln1, "w") else 1.0
            for head in range(model.cfg.n_heads):
                q, k, v = (m[layer, head] * ln for m in (model.W_Q, model.W_K, model.W_V))
                ov = FactoredMatrix(v, model.W_O[layer, head])
                full = FactoredMatrix(model.W_E @ v, model.W_O[layer, head] @ (w[:, None] * model.W_U))
                values = full.eigenvalues
                heads[f"a{layer}.h{head}"] = {
                    "qk": FactoredMatrix(q, k.T).norm().item(),
                    "ov": ov.norm().item(),
                    "copying": (values.sum().real / values.abs().sum()).item(),
                }
    return {"network": f"zoo/{name}", "logit_lens": lens,
            "attribution": dict(zip(labels, each.tolist())), "heads": heads}


def main():
    names = ["tl-ln", "tl-rms", "tl-gated", "tl-attn-only-ln", "tl-rotary"]
    result = [member(Path(sys.argv[1]), name) for name in names]
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
