"""Networks' surviving weights as graphs for `examples/blocks.rs` and graph-tool.

    modscope modules NETWORK --out REPORTS/NAME        (transformers: --granularity neuron)
    python3 benches/blocks_graphs.py FOLDER REPORTS/NAME...

writes each as `FOLDER/NAME.csv` (`from,to`, nodes by number in the order of the sites), without
directions or weights, parallel edges once. As in the graph of the modules, a value that is only
handed on is one node: a channel of the residual stream, a head's value and what attention
gathers of it.
"""

import csv
import pathlib
import re
import sys


def node(site):
    """The name of a site's node: `r3.5` is channel 5 of the stream, `b0.o7` is `b0.v7`."""
    return re.sub(r"^(b\d+)\.o(\d+)$", r"\1.v\2", re.sub(r"^r\d+\.", "r.", site))


def edges(report):
    with open(report / "tables" / "sites.csv") as file:
        names = dict.fromkeys(node(row["site"]) for row in csv.DictReader(file))
    number = {name: k for k, name in enumerate(names)}
    with open(report / "tables" / "edges.csv") as file:
        kept = [row for row in csv.DictReader(file) if row["kept"] == "true"]
    ends = ((number[node(row["from"])], number[node(row["to"])]) for row in kept)
    return sorted({(min(a, b), max(a, b)) for a, b in ends if a != b})


folder = pathlib.Path(sys.argv[1])
for report in map(pathlib.Path, sys.argv[2:]):
    rows = edges(report)
    with open(folder / f"{report.name}.csv", "w") as file:
        file.writelines(["from,to\n", *(f"{a},{b}\n" for a, b in rows)])
    print(report.name, len(rows), "edges")
