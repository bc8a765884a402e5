"""leidenalg and infomap on the graphs that `examples/communities.rs` writes.

    cargo run --release --example communities -- FOLDER
    python3 benches/communities_reference.py FOLDER [NAME...]

Medians over 20 seeds, one thread: modularity of leidenalg run to convergence,
codelength of two-level Infomap with one trial, mutual information with the
planted groups (node v is in group v mod 8), wall-clock milliseconds.
"""

import csv
import pathlib
import statistics
import sys
import time

import igraph
import infomap
import leidenalg

SEEDS = 20
GROUPS = 8


def read(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    edges = [(int(r["from"]), int(r["to"])) for r in rows]
    weights = [float(r["weight"]) for r in rows]
    nodes = 1 + max(max(e) for e in edges)
    return igraph.Graph(n=nodes, edges=edges, edge_attrs={"weight": weights})


def by_leiden(graph, seed):
    started = time.perf_counter()
    found = leidenalg.find_partition(
        graph,
        leidenalg.RBConfigurationVertexPartition,
        weights="weight",
        n_iterations=-1,
        seed=seed,
    )
    ms = (time.perf_counter() - started) * 1e3
    return graph.modularity(found.membership, weights="weight"), found.membership, ms


def by_infomap(graph, seed):
    search = infomap.Infomap(silent=True, two_level=True, num_trials=1, seed=seed + 1)
    for edge in graph.es:
        search.add_link(edge.source, edge.target, edge["weight"])
    started = time.perf_counter()
    search.run()
    ms = (time.perf_counter() - started) * 1e3
    modules = search.get_modules()
    alone = 1 + max(modules.values())
    membership = [modules.get(v, alone + v) for v in range(graph.vcount())]
    return search.codelength, membership, ms


def medians(graph, planted, find):
    runs = [find(graph, seed) for seed in range(SEEDS)]
    agree = [
        igraph.compare_communities(planted, m, method="nmi") if planted else float("nan")
        for _, m, _ in runs
    ]
    return (
        statistics.median(r[0] for r in runs),
        statistics.median(agree),
        statistics.median(r[2] for r in runs),
    )


def main():
    folder = pathlib.Path(sys.argv[1])
    names = sys.argv[2:] or sorted(p.stem for p in folder.glob("*.csv"))
    print("| graph | leidenalg: Q | NMI | ms | infomap: bits | NMI | ms |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        graph = read(folder / f"{name}.csv")
        planted = [v % GROUPS for v in range(graph.vcount())] if "planted" in name else None
        q, q_nmi, q_ms = medians(graph, planted, by_leiden)
        bits, i_nmi, i_ms = medians(graph, planted, by_infomap)
        print(
            f"| {name} | {q:.5f} | {q_nmi:.3f} | {q_ms:.1f} | {bits:.5f} | {i_nmi:.3f} | {i_ms:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
