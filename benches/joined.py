"""How much of a graph's modularity joined searches find, beside the best of twenty apart.

    python3 benches/joined.py MODSCOPE GRAPH.csv [SEEDS]

Runs `modscope modules` without null networks: per seed twenty searches apart (`--restarts 1`,
seeds of their own), and 2, 3 and 5 that are joined. Prints means over the seeds.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

APART = 20
JOINED = (2, 3, 5)


def modularity(program: str, graph: str, restarts: int, seed: int) -> float:
    """Of the modules that are found."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        options = ["--null", "degree:0", "--restarts", str(restarts), "--seed", str(seed)]
        command = [program, "modules", graph, *options, "--out", str(out)]
        subprocess.run(command, check=True, capture_output=True)
        return json.loads((out / "modules.json").read_text())["modules"]["modularity"]


def main() -> None:
    program, graph = sys.argv[1:3]
    seeds = range(int(sys.argv[3]) if len(sys.argv) > 3 else 10)
    apart = [
        [modularity(program, graph, 1, APART * seed + one) for one in range(APART)]
        for seed in seeds
    ]
    print(f"one search       {statistics.mean(map(statistics.mean, apart)):.5f}")
    print(f"best of {APART}       {statistics.mean(map(max, apart)):.5f}")
    for joined in JOINED:
        found = [modularity(program, graph, joined, seed) for seed in seeds]
        print(f"{joined} joined         {statistics.mean(found):.5f}")


if __name__ == "__main__":
    main()
