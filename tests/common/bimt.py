"""Loads a network in BIMT's layout with torch and prints the largest difference
of its outputs on the test samples from those stored beside it."""
import sys

import torch
from safetensors.torch import load_file

model = load_file(sys.argv[1] + "/model.safetensors")
data = load_file(sys.argv[1] + "/data.safetensors")
in_perm, out_perm = model["in_perm"].long(), model["out_perm"].long()
if "embedding" in model:
    x = torch.cat(list(model["embedding"][data["test_tokens"]].unbind(1)), dim=1)
else:
    x = data["test_inputs"]
n = len(x)
x = x.reshape(n, -1, len(in_perm))[:, :, in_perm].reshape(n, -1)
depth = sum(name.endswith("linear.weight") for name in model)
for i in range(depth):
    layer = torch.nn.Linear(1, 1)
    layer.weight = torch.nn.Parameter(model[f"linears.{i}.linear.weight"])
    layer.bias = torch.nn.Parameter(model[f"linears.{i}.linear.bias"])
    x = layer(x)
    if i + 1 < depth:
        x = torch.nn.functional.silu(x)
x = x[:, torch.argsort(out_perm)]
print((x - data["test_outputs"]).abs().max().item())
