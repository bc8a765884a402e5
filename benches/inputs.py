"""Writes inputs that commands are timed on, the same ones whenever it is run.

    python3 benches/inputs.py FOLDER [EDGES ...]

Networks of 64 inputs, 1, 2, 4 or 8 hidden layers 100 wide and ten classes, with random weights,
SiLU and 500 samples (`FOLDER/d1` to `d8`), and for every number of edges a graph of a tenth as
many nodes in 20 groups, 60 % of its edges within them, with log-normal weights
(`FOLDER/gEDGES.csv`; a million take some minutes). Needs numpy and safetensors.
"""

import pathlib
import sys

import numpy as np
from safetensors.numpy import save_file

GROUPS = 20
WITHIN = 0.6


def network(folder: pathlib.Path, hidden: int) -> None:
    """A network and its data, labels being what it decides itself."""
    rng = np.random.default_rng(hidden)
    widths = [64] + [100] * hidden + [10]
    tensors = {}
    for layer, (before, after) in enumerate(zip(widths, widths[1:])):
        bound = 1 / np.sqrt(before)
        weight = rng.uniform(-bound, bound, (after, before)) * 1.7
        tensors[f"fc{layer}.weight"] = weight.astype("f4")
        tensors[f"fc{layer}.bias"] = rng.uniform(-bound, bound, after).astype("f4")
    inputs = rng.normal(size=(500, 64)).astype("f4")
    values = inputs
    for layer in range(hidden + 1):
        values = values @ tensors[f"fc{layer}.weight"].T + tensors[f"fc{layer}.bias"]
        if layer < hidden:
            values = values / (1 + np.exp(-values))
    labels = values.argmax(1).astype("i8")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    save_file({"inputs": inputs, "labels": labels}, folder / "data.safetensors")


def graph(path: pathlib.Path, count: int) -> None:
    """Edges drawn one by one, each pair once."""
    rng = np.random.default_rng(count)
    nodes = count // 10
    group = rng.integers(0, GROUPS, nodes)
    members = [np.where(group == k)[0] for k in range(GROUPS)]
    edges: set[tuple[int, int]] = set()
    while len(edges) < count:
        one = int(rng.integers(0, nodes))
        own = members[group[one]]
        other = int(rng.choice(own)) if rng.random() < WITHIN else int(rng.integers(0, nodes))
        if one != other:
            edges.add((min(one, other), max(one, other)))
    with path.open("w") as file:
        file.write("source,target,weight\n")
        for (one, other), weight in zip(sorted(edges), rng.lognormal(size=count)):
            file.write(f"v{one},v{other},{weight:.5f}\n")


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for hidden in (1, 2, 4, 8):
        network(folder / f"d{hidden}", hidden)
    for count in map(int, sys.argv[2:]):
        graph(folder / f"g{count}.csv", count)


if __name__ == "__main__":
    main()
