"""Sizes of circuits that are chosen on the samples of their ranking, beside sizes that are
calibrated by folds: faithfulness on samples held out from both.

    python3 benches/calibrated.py target/release/modscope FOLDER...
"""

import json
import pathlib
import statistics
import subprocess
import sys

METHODS = ["eap", "eap-ig-inputs", "ensemble"]
WITHIN = 0.05


def circuits(program, folder, method, *more):
    line = [program, "circuit", folder, "--prune-threshold", "0", "--method", method]
    line += ["--judge-on", "half", "--json", "--quiet", *more]
    run = subprocess.run(line, capture_output=True, text=True)
    if run.returncode == 2:
        sys.exit(run.stderr)
    return json.loads(run.stdout)["circuits"]


def main():
    program, *folders = sys.argv[1:]
    pairs = []
    for folder in folders:
        for method in METHODS:
            usual, calibrated = (circuits(program, folder, method, *more) for more in ((), ("--calibrate",)))
            pairs += zip(usual, calibrated, strict=True)
        print(pathlib.Path(folder).name, file=sys.stderr)
    told = [pair for pair in pairs if all(one["faithfulness"] is not None for one in pair)]
    print(f"{len(told)} circuits, judged on samples held out; usual | calibrated")
    sides = list(zip(*told, strict=True))
    off = [[abs(1 - one["faithfulness"]) for one in side] for side in sides]
    rows = {
        f"|1 − faithfulness| at most {WITHIN}": [sum(x <= WITHIN for x in side) for side in off],
        "median of |1 − faithfulness|": [f"{statistics.median(side):.2g}" for side in off],
        "established": [sum(bool(one["established"]) for one in side) for side in sides],
        "median edges": [statistics.median(one["edges_kept"] for one in side) for side in sides],
    }
    for name, values in rows.items():
        print(f"  {name}: {values[0]} | {values[1]}")


if __name__ == "__main__":
    main()
