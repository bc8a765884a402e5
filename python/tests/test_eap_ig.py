"""Circuits as graphs of the EAP-IG library and back; with the library itself where it is
installed, on the same pairs:

    pip install torch transformers 'transformer_lens<4'
    pip install --no-deps git+https://github.com/hannamw/EAP-IG
"""

from __future__ import annotations

import json
from pathlib import Path

import modscope
import numpy as np
import pytest
from modscope import _eap_ig

FIXTURES = Path(__file__).parents[2] / "fixtures"
GROUPED = FIXTURES / "zoo" / "hf-made-qwen3-grouped"
PARALLEL = FIXTURES / "zoo" / "hf-made-neox-parallel"
HOW = {"method": "eap", "metric": "logit-diff", "fill": "corrupted", "no_judge": True, "top": 12}


def circuit(network, **more):
    return modscope.circuit(network, network / "data.safetensors", **{**HOW, **more})


def written(result):
    return json.loads((result.folder / "circuit.json").read_text())


def test_edges_of_shared_keys_stand_for_those_of_each_head():
    assert list(_eap_ig._theirs("m0->a1.h1<k>", 2)) == ["m0->a1.h2<k>", "m0->a1.h3<k>"]
    assert list(_eap_ig._theirs("a0.h3->a1.h3<q>", 2)) == ["a0.h3->a1.h3<q>"]
    assert _eap_ig._ours("input->a1.h3<v>", 2) == "input->a1.h1<v>"
    assert _eap_ig._ours("a0.h3->m1", 2) == "a0.h3->m1"


def test_a_graph_of_the_library_is_judged_as_it_is(tmp_path):
    """Its file, here with every head's own keys, is read with keys that are shared."""
    ours = written(circuit(GROUPED))
    cfg = ours["cfg"]
    assert cfg["n_heads"] == 2 * cfg["n_key_value_heads"] and not cfg["parallel_attn_mlp"]
    theirs = {"cfg": cfg, "nodes": ours["nodes"], "edges": {}}
    for name, edge in ours["edges"].items():
        for each in _eap_ig._theirs(name, 2):
            half = edge["score"] / len(list(_eap_ig._theirs(name, 2)))
            theirs["edges"][each] = {"score": half, "in_graph": edge["in_graph"]}
    (tmp_path / "theirs.json").write_text(json.dumps(theirs))
    path = modscope.from_eap_ig(tmp_path / "theirs.json", tmp_path / "back.json", 2)
    back = json.loads(path.read_text())
    assert back["edges"] == ours["edges"]
    judged = modscope.circuit(
        GROUPED, GROUPED / "data.safetensors", circuit=path, fill="corrupted", metric="logit-diff"
    )
    kept = {name for name, edge in ours["edges"].items() if edge["in_graph"]}
    # Edges that lead nowhere count in neither.
    found = {f"{edge['from']}->{edge['to']}" for edge in judged.circuits[0].edges}
    assert found == kept


def test_parallel_blocks_are_told():
    assert written(circuit(PARALLEL))["cfg"]["parallel_attn_mlp"]


def test_what_has_no_graph_is_told():
    result = modscope.circuit(FIXTURES / "independence-bimt", seed=1)
    with pytest.raises(ValueError, match="components of a transformer"):
        _eap_ig._graph(written(result))


@pytest.mark.parametrize("network", [FIXTURES / "gpt2", GROUPED, PARALLEL], ids=lambda p: p.name)
def test_the_library_holds_the_same_graph(network, tmp_path):
    pytest.importorskip("eap.graph", reason="the EAP-IG library is not installed")
    result = circuit(network)
    graph, ours = result.to_eap_ig(), written(result)
    kept = {name for name, edge in ours["edges"].items() if edge["in_graph"]}
    share = _eap_ig._share(ours["cfg"])
    assert {name for name, edge in graph.edges.items() if edge.in_graph} == {
        theirs for name in kept for theirs in _eap_ig._theirs(name, share)
    }
    # Nothing is without a partner: the library prunes no edge of the circuit away.
    graph.to_json(str(tmp_path / "library.json"))
    keys = ours["cfg"].get("n_key_value_heads")
    for source in (graph, tmp_path / "library.json"):
        path = modscope.from_eap_ig(source, tmp_path / "back.json", keys)
        back = json.loads(path.read_text())["edges"]
        assert back.keys() == ours["edges"].keys()
        names = list(back)
        scores = [np.array([of[name]["score"] for name in names]) for of in (back, ours["edges"])]
        # The library holds scores in f32.
        assert np.abs(scores[0] - scores[1]).max() <= 2e-7 * np.abs(scores[1]).max()
        assert {name for name in names if back[name]["in_graph"]} == kept


def test_scores_are_the_librarys():
    """EAP and EAP-IG on the inputs: of a GPT-2, and of a Llama with shared keys."""
    pytest.importorskip("eap.graph", reason="the EAP-IG library is not installed")
    benches = FIXTURES.parent / "benches"
    import sys

    sys.path.insert(0, str(benches))
    import eap_ig

    differences = eap_ig.compared(FIXTURES / "gpt2")
    print(differences)
    assert differences and max(differences.values()) <= 1e-5
