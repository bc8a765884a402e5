"""MIB's own evaluator on folders that this program writes for it: faithfulness at its ten sizes,
CPR and CMD, beside those that `modscope circuit --curve` gives.

    pip install torch transformers 'transformer_lens<4' ./python
    git clone --recurse-submodules https://github.com/hannamw/MIB-circuit-track
    pip install matplotlib && pip install --no-deps MIB-circuit-track/EAP-IG   # as its evaluator pins it
    python3 benches/mib.py MIB-circuit-track FOLDER...     # a GPT-2 or a Llama beside its data

The evaluator reads `importances.json` as any submission, keeps the edges of the largest
|score| (`absolute`), patches the others with the corrupted prompts, and integrates; both
judge on all samples.
"""

import contextlib
import io
import json
import pathlib
import sys

import eap.evaluate
import modscope
import torch
from eap.graph import Graph
from eap_ig import OnCpu, as_tokens, difference, for_library, hooked, pairs_of
from safetensors.torch import load_file

METHODS = ["eap", "eap-ig-inputs", "ensemble"]


def evaluated(evaluate, model, path, data):
    """The evaluator's CPR, CMD and faithfulness by size of a file as it lies in the folder,
    without what it prints."""
    eap.evaluate.tokenize_plus = as_tokens
    graph = Graph.from_json(str(path))
    with OnCpu(), torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        found = evaluate(model, graph, for_library(data), difference, quiet=True, absolute=True)
    _, cpr, cmd, _, faithfulness = found
    return cpr, cmd, faithfulness


def compared(evaluate, folder):
    """The largest difference of a faithfulness, by method."""
    folder = pathlib.Path(folder)
    model = hooked(folder)
    data = pairs_of(load_file(folder / "data.safetensors"), model)
    print(f"{folder.name}: {len(data['tokens'])} pairs of {data['tokens'].shape[1]} tokens")
    found = {}
    for method in METHODS:
        ours = modscope.circuit(
            folder, data, method=method, metric="logit-diff", fill="corrupted",
            judge_on="same", curve=True, export="mib", ungroup=True,
        )
        curve = json.loads((ours.folder / "circuit.json").read_text())["circuits"][0]["curve"]
        [path] = (ours.folder / "mib").glob("*/*/importances.json")
        cpr, cmd, faithfulness = evaluated(evaluate, model, path, data)
        off = max(abs(mine[1] - theirs) for mine, theirs in zip(curve["points"], faithfulness, strict=True))
        found[method] = off
        print(
            f"  {method:14} CPR {cpr:.4f}, ours {curve['cpr']:.4f}; CMD {cmd:.4f}, ours {curve['cmd']:.4f}; "
            f"faithfulness at ten sizes: at most {off:.1e} apart"
        )
    return found


if __name__ == "__main__":
    track, *folders = sys.argv[1:]
    sys.path.insert(0, track)
    from MIB_circuit_track.evaluation import evaluate_area_under_curve

    for one in folders:
        compared(evaluate_area_under_curve, one)
