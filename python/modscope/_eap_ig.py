"""Circuits as the graphs of the EAP-IG library, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: What EAP-IG's graph wants to know of a network.
_CONFIG = ("n_layers", "n_heads", "parallel_attn_mlp", "d_model")


def to_eap_ig(circuit: Any) -> Any:
    """A circuit as an `eap.graph.Graph`: every edge's score, and whether it was kept.

    Args:
        circuit: a result of `circuit` or `audit` on a transformer, the path of its
            `circuit.json`, or what stands in one.

    Scores are positive where patching the edge worsens the metric, as in EAP-IG with
    `loss=True`. Where heads share keys and values, EAP-IG has an edge to each head's key and
    this program one to the key-value head: each of theirs gets an equal share of its score.

    Raises:
        ImportError: where EAP-IG is not installed.
        ValueError: where the circuit has an edge that EAP-IG's graph cannot have: of single
            positions, of norms between blocks, or of token and position embedding apart.
    """
    from eap.graph import Graph

    said = _graph(circuit)
    graph = Graph.from_model({key: said["cfg"][key] for key in _CONFIG})
    for name, edge in said["edges"].items():
        theirs = list(_theirs(name, _share(said["cfg"])))
        for other in theirs:
            if other not in graph.edges:
                raise ValueError(
                    f"EAP-IG's graph has no edge `{other}`: find the circuit without "
                    "`positions` and `split_input`, on a network without norms after its blocks"
                )
            graph.edges[other].score = edge["score"] / len(theirs)
            graph.edges[other].in_graph = edge["in_graph"]
    for edge in graph.edges.values():
        if edge.in_graph:
            for node in (edge.parent, edge.child):
                if node.name != "logits":
                    node.in_graph = True
    return graph


def from_eap_ig(
    graph: Any, path: str | os.PathLike[str], key_value_heads: int | None = None
) -> Path:
    """Writes a graph of EAP-IG as a file that `circuit(…, circuit=path)` judges.

    Args:
        graph: an `eap.graph.Graph`, or the path of one that its `to_json` wrote.
        path: where the file goes; an existing one is replaced.
        key_value_heads: how many heads have keys and values, where others share them. An edge
            to a key-value head has the sum of the scores of those to its heads, and is kept
            where one of them is.
    """
    said = _of_library(graph)
    cfg = {key: said["cfg"][key] for key in _CONFIG}
    if key_value_heads is not None and key_value_heads != cfg["n_heads"]:
        cfg["n_key_value_heads"] = key_value_heads
    edges: dict[str, dict[str, Any]] = {}
    for name, edge in said["edges"].items():
        ours = edges.setdefault(_ours(name, _share(cfg)), {"score": 0.0, "in_graph": False})
        ours["score"] += edge["score"]
        ours["in_graph"] |= edge["in_graph"]
    nodes = {name: {"in_graph": node["in_graph"]} for name, node in said["nodes"].items()}
    path = Path(path)
    path.write_text(json.dumps({"cfg": cfg, "nodes": nodes, "edges": edges}), encoding="utf-8")
    return path


def _graph(circuit: Any) -> Mapping[str, Any]:
    """What `circuit.json` says of the graph."""
    if isinstance(circuit, (str, os.PathLike)):
        circuit = json.loads(Path(circuit).read_text(encoding="utf-8"))
    if not isinstance(circuit, Mapping):
        file = circuit.folder / "circuit.json"
        if not file.is_file():
            raise ValueError(f"this result of `{circuit.command}` has no `circuit.json`")
        circuit = json.loads(file.read_text(encoding="utf-8"))
    if not circuit.get("cfg") or "edges" not in circuit:
        raise ValueError("only circuits of components of a transformer are EAP-IG's graphs")
    return circuit


def _of_library(graph: Any) -> Mapping[str, Any]:
    """A graph of EAP-IG as its `to_json` has it."""
    if isinstance(graph, (str, os.PathLike)):
        return json.loads(Path(graph).read_text(encoding="utf-8"))
    return {
        "cfg": dict(graph.cfg),
        "nodes": {name: {"in_graph": bool(node.in_graph)} for name, node in graph.nodes.items()},
        "edges": {
            name: {"score": float(edge.score), "in_graph": bool(edge.in_graph)}
            for name, edge in graph.edges.items()
        },
    }


def _share(cfg: Mapping[str, Any]) -> int:
    """Heads for each that has keys and values."""
    return cfg["n_heads"] // (cfg.get("n_key_value_heads") or cfg["n_heads"])


def _theirs(name: str, share: int) -> Iterator[str]:
    """The edges of EAP-IG that an edge of ours stands for."""
    block, key = _key_head(name)
    if key is None:
        yield name
        return
    letter = name[-3:]
    for head in range(key * share, (key + 1) * share):
        yield f"{block}.h{head}{letter}"


def _ours(name: str, share: int) -> str:
    """The edge of ours that stands for an edge of EAP-IG."""
    block, head = _key_head(name)
    return name if head is None else f"{block}.h{head // share}{name[-3:]}"


def _key_head(name: str) -> tuple[str, int | None]:
    """Of an edge to a key or a value, what is before the head's number, and that number."""
    if not name.endswith(("<k>", "<v>")):
        return name, None
    block, _, head = name[:-3].rpartition(".h")
    return block, int(head)
