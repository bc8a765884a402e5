"""Writes inputs that commands are timed on, the same ones whenever it is run.

    python3 benches/inputs.py FOLDER [EDGES ...]

Networks of 64 inputs, 1, 2, 4 or 8 hidden layers 100 wide and ten classes, with random weights,
SiLU and 500 samples (`FOLDER/d1` to `d8`); two of 784 inputs, a fifth of them not 0, hidden
layers 100 or 200 and 100 wide and 1,000 samples (`FOLDER/p1`, `p2`); and for every number of edges a graph of a tenth as
many nodes in 20 groups, 60 % of its edges within them, with log-normal weights
(`FOLDER/gEDGES.csv`; a million take some minutes). Needs numpy and safetensors.
"""

import pathlib
import sys
from collections.abc import Callable

import numpy as np
from safetensors.numpy import save_file

GROUPS = 20
WITHIN = 0.6

Draw = Callable[[np.random.Generator], np.ndarray]


def network(folder: pathlib.Path, seed: int, widths: list[int], draw: Draw) -> None:
    """A network and its data, labels being what it decides itself."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer, (before, after) in enumerate(zip(widths, widths[1:])):
        bound = 1 / np.sqrt(before)
        weight = rng.uniform(-bound, bound, (after, before)) * 1.7
        tensors[f"fc{layer}.weight"] = weight.astype("f4")
        tensors[f"fc{layer}.bias"] = rng.uniform(-bound, bound, after).astype("f4")
    values = inputs = draw(rng)
    for layer in range(len(widths) - 1):
        values = values @ tensors[f"fc{layer}.weight"].T + tensors[f"fc{layer}.bias"]
        if layer < len(widths) - 2:
            values = values / (1 + np.exp(-values))
    labels = values.argmax(1).astype("i8")
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    save_file({"inputs": inputs, "labels": labels}, folder / "data.safetensors")


def normal(rng: np.random.Generator) -> np.ndarray:
    """500 samples of 64 numbers."""
    return rng.normal(size=(500, 64)).astype("f4")


def images(rng: np.random.Generator) -> np.ndarray:
    """1,000 samples of 784 numbers, a fifth of them not 0."""
    shape = (1000, 784)
    return (rng.random(shape) * (rng.random(shape) < 0.2)).astype("f4")


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
        network(folder / f"d{hidden}", hidden, [64] + [100] * hidden + [10], normal)
    for name, first in (("p1", 100), ("p2", 200)):
        network(folder / name, first, [784, first, 100, 10], images)
    for count in map(int, sys.argv[2:]):
        graph(folder / f"g{count}.csv", count)


if __name__ == "__main__":
    main()
