"""graph-tool's block models of the graphs that `examples/blocks.rs` writes.

    cargo run --release --example blocks -- FOLDER
    python3 benches/blocks_reference.py FOLDER [NAME...]

Degree-corrected, not nested, unweighted (`minimize_blockmodel_dl`), the best of ten, on one
thread, in seconds of the processor. Beside it graph-tool's description length of the partition that we found, in nats:
the model is the same one, so it is ours up to rounding and the approximation of partitions.
graph-tool is Debian's and Ubuntu's `python3-graph-tool`.
"""

import csv
import pathlib
import sys
import time

import graph_tool
import graph_tool.inference as inference

graph_tool.openmp_set_num_threads(1)
RUNS = 10


def read(path):
    """The graph of the nodes with edges, and the number of each."""
    with open(path) as file:
        edges = [(int(r["from"]), int(r["to"])) for r in csv.DictReader(file)]
    number = {node: k for k, node in enumerate(sorted({n for e in edges for n in e}))}
    graph = graph_tool.Graph(directed=False)
    graph.add_vertex(len(number))
    graph.add_edge_list([(number[a], number[b]) for a, b in edges])
    return graph, number


def ours(path, graph, number):
    block = graph.new_vertex_property("int")
    with open(path) as file:
        for row in csv.DictReader(file):
            block[graph.vertex(number[int(row["node"])])] = int(row["block"])
    return inference.BlockState(graph, b=block, deg_corr=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    chosen = sys.argv[2:]
    print("| graph | graph-tool of our blocks | graph-tool's best | its blocks | s |")
    print("|---|---|---|---|---|")
    for path in sorted(folder.glob("*.blocks.csv")):
        name = path.name.removesuffix(".blocks.csv")
        if chosen and name not in chosen:
            continue
        graph, number = read(folder / f"{name}.csv")
        state = ours(path, graph, number)
        started = time.process_time()
        runs = []
        for seed in range(RUNS):
            graph_tool.seed_rng(seed + 1)
            found = inference.minimize_blockmodel_dl(graph, state_args={"deg_corr": True})
            runs.append((found.entropy(), found.get_nonempty_B()))
        seconds = time.process_time() - started
        length, blocks = min(runs)
        print(f"| {name} | {state.entropy():.3f} | {length:.3f} | {blocks} | {seconds:.2f} |", flush=True)


main()
