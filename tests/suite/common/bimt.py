"""Loads a network in BIMT's layout with torch and prints the largest difference
of its outputs on the test samples from those stored beside it."""
import math
import sys

import torch
from safetensors.torch import load_file
from torch.nn.functional import gelu, silu

model = load_file(sys.argv[1] + "/model.safetensors")
data = load_file(sys.argv[1] + "/data.safetensors")
in_perm, out_perm = model["in_perm"].long(), model["out_perm"].long()


def linear(name, x):
    layer = torch.nn.Linear(1, 1)
    layer.weight = torch.nn.Parameter(model[f"{name}.linear.weight"])
    layer.bias = torch.nn.Parameter(model[f"{name}.linear.bias"])
    return layer(x)


def mlp():
    if "embedding" in model:
        x = torch.cat(list(model["embedding"][data["test_tokens"]].unbind(1)), dim=1)
    else:
        x = data["test_inputs"]
    n = len(x)
    x = x.reshape(n, -1, len(in_perm))[:, :, in_perm].reshape(n, -1)
    depth = sum(name.endswith("linear.weight") for name in model)
    for i in range(depth):
        x = linear(f"linears.{i}", x)
        if i + 1 < depth:
            x = silu(x)
    return x


def transformer():
    """One head; the layer norms are stored and never applied."""
    x = linear("l_i", data["test_inputs"][:, :, in_perm])
    for block in range(sum(name.endswith("l_attn.linear.weight") for name in model)):
        q, k, v = linear(f"blocks.{block}.attn.l_attn", x).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        later = torch.ones(scores.shape[1:], dtype=torch.bool).triu(1)
        pattern = scores.masked_fill(later, -math.inf).softmax(-1)
        x = x + linear(f"blocks.{block}.attn.l_proj", pattern @ v)
        hidden = gelu(linear(f"blocks.{block}.mlp.linears.0", x), approximate="tanh")
        x = x + linear(f"blocks.{block}.mlp.linears.1", hidden)
    return linear("l_f", x)


outputs = transformer() if "l_i.linear.weight" in model else mlp()
outputs = outputs[..., torch.argsort(out_perm)]
print((outputs - data["test_outputs"]).abs().max().item())
