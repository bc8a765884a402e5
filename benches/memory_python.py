"""Peak memory of the Python package beside a state dict of 537 MB.

    $ python3 benches/memory_python.py

Each line is a process of its own: the peak of its resident memory as the system counts it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

WIDE, DEEP = 4096, 8


def model():
    """A random MLP of float32 whose weights fill 537 MB, and four samples."""
    import numpy as np

    rng = np.random.default_rng(0)
    tensors = {}
    for layer in range(DEEP):
        weight = rng.standard_normal((WIDE, WIDE), dtype=np.float32)
        weight *= WIDE**-0.5
        tensors[f"{2 * layer}.weight"] = weight
    return tensors, {"inputs": rng.standard_normal((4, WIDE), dtype=np.float32)}


def peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss * 1024 / 1e6


def told(what: str) -> None:
    own, child = peak(resource.RUSAGE_SELF), peak(resource.RUSAGE_CHILDREN)
    print(f"{what:<52} this process {own:7.0f} MB, the program {child:7.0f} MB", flush=True)


def only_made() -> None:
    model()
    told("the state dict alone")


def in_memory() -> None:
    import modscope

    tensors, data = model()
    network = modscope.Network(tensors, data, config={"activation": "relu"})
    network.run(ablate=["h1.0"])
    told("modscope.Network, run once")


def as_a_file() -> None:
    from modscope import _files

    tensors, _ = model()
    with tempfile.TemporaryDirectory() as folder:
        _files.write_safetensors(Path(folder) / "model.safetensors", tensors)
    told("written as the file that the program maps")


def by_the_program() -> None:
    import modscope

    tensors, data = model()
    with tempfile.TemporaryDirectory() as out:
        options = {"ablate": "h1.0", "max_memory": "8G"}
        config = {"activation": "relu"}
        modscope.intervene(tensors, data, config=config, out=f"{out}/r", **options)
    told("modscope.intervene, the program in a process")


STEPS = {f.__name__: f for f in (only_made, in_memory, as_a_file, by_the_program)}

if __name__ == "__main__":
    if len(sys.argv) > 1:
        STEPS[sys.argv[1]]()
    else:
        for name in STEPS:
            subprocess.run([sys.executable, __file__, name], check=False)
