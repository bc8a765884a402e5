"""The package against the program's own files and against PyTorch where it is installed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import modscope
import numpy as np
import pytest
from files import read_safetensors
from modscope import _files, _run

FIXTURES = Path(__file__).parents[2] / "fixtures"
BIMT = FIXTURES / "independence-bimt"


def line(weight=((1.0, 3.0),)):
    """y = 2 relu(x0 + 3 x1)"""
    return {
        "0.weight": np.array(weight, np.float32),
        "0.bias": np.zeros(1, np.float32),
        "2.weight": np.array([[2.0]], np.float32),
        "2.bias": np.zeros(1, np.float32),
    }


def samples(n=40):
    inputs = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    outputs = 2 * np.maximum(inputs @ np.array([[1.0], [3.0]], np.float32), 0)
    return {"inputs": inputs, "targets": outputs, "outputs": outputs}


def without_times(fields):
    """What must be the same from run to run."""
    if isinstance(fields, dict):
        left_out = {"seconds", "costs", "command", "path", "inference"}
        return {k: without_times(v) for k, v in fields.items() if k not in left_out}
    if isinstance(fields, list):
        return [without_times(one) for one in fields]
    return fields


def test_numbers_are_those_of_the_program(tmp_path):
    ours = modscope.audit(BIMT, out=tmp_path / "ours", seed=3)
    words = [_run.binary(), "audit", str(BIMT), f"--out={tmp_path / 'theirs'}", "--seed=3"]
    subprocess.run([*words, "--quiet"], check=True)
    theirs = json.loads((tmp_path / "theirs" / "audit.json").read_text())
    assert without_times(ours.to_dict()) == without_times(theirs)


def test_a_model_in_memory_is_the_network_that_it_is():
    result = modscope.circuit(line(), samples(), config={"activation": "relu"}, fill="zero")
    assert result.parity.holds and result.parity.samples == 40
    # Of the two inputs, the second carries three times as much.
    assert "x1" in {edge["from"] for edge in result.circuits[0].edges}
    assert result.holds and "modscope circuit" in repr(result)
    assert "<iframe srcdoc=" in result._repr_html_()
    assert all(text.lstrip().startswith("<") for text in result.figures.values())
    assert "circuits" in dir(result) and len(result.tables) == len(list(result.tables))


def test_a_broken_promise_is_told_and_no_exception():
    wrong = samples()
    wrong["outputs"] = wrong["outputs"] + 1
    result = modscope.prune(line(), wrong, config={"activation": "relu"}, threshold=0)
    assert not result.holds and not result.parity.holds


def test_errors_have_a_remedy():
    with pytest.raises(modscope.Error) as caught:
        modscope.audit(line(), samples())
    assert "activation" in caught.value.message and caught.value.remedy
    with pytest.raises(modscope.Error, match="No such file"):
        modscope.audit("nowhere.safetensors")
    with pytest.raises(modscope.Error):
        modscope.audit(BIMT, no_such_flag=1)
    with pytest.raises(TypeError, match="a model is"):
        modscope.audit(3)
    with pytest.raises(TypeError, match="data are"):
        modscope.audit(line(), 3)


def test_options_are_flags():
    assert _run.flags({"threshold": "auto", "certify": True, "open": False, "seed": None}) == [
        "--threshold=auto",
        "--certify",
    ]
    assert _run.flags({"ablate": ["h0.1", "h0.2"], "edge_weight": -1}) == [
        "--ablate=h0.1",
        "--ablate=h0.2",
        "--edge-weight=-1",
    ]


def test_arrays_are_written_as_they_are(tmp_path):
    strided = np.arange(12, dtype=np.float64).reshape(3, 4)[:, ::2]
    scalar = np.array(2.5, np.float16)
    big = np.array([1, 2], dtype=">i4")
    path = tmp_path / "a.safetensors"
    _files.write_safetensors(path, {"strided": strided, "scalar": scalar, "big": big})
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0
    back = read_safetensors(path)
    assert back["strided"].shape == (3, 2) and back["scalar"].shape == ()
    assert back["strided"].dtype == "<f8" and back["strided"].tolist() == strided.tolist()
    assert back["scalar"].dtype == "<f2" and back["scalar"].tolist() == 2.5
    assert back["big"].dtype == "<i4" and back["big"].tolist() == [1, 2]


def test_large_weights_are_not_copied_in_memory(tmp_path):
    tracemalloc = pytest.importorskip("tracemalloc")
    weights = {f"w{n}": np.zeros((1 << 20,), np.float32) for n in range(16)}
    tracemalloc.start()
    _files.write_safetensors(tmp_path / "a.safetensors", weights)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20, f"{peak} bytes beside 64 MiB of weights"


def test_a_sweep_goes_on_and_keeps_errors(tmp_path):
    good, broken = str(BIMT), str(FIXTURES / "zoo" / "trap-html")
    rows = modscope.sweep([good, broken, good], out=tmp_path, command="prune", threshold=0)
    assert [row.error is None for row in rows] == [True, False, True]
    assert len(set(row.folder for row in rows)) == 3
    first = Path(rows[0].folder) / "prune.json"
    before = first.stat().st_mtime_ns
    again = modscope.sweep([good, broken, good], out=tmp_path, command="prune", threshold=0)
    assert first.stat().st_mtime_ns == before
    assert [row.to_dict() for row in again] == [row.to_dict() for row in rows]


def test_dataframes_are_data():
    pandas = pytest.importorskip("pandas")
    given = samples()
    frame = pandas.DataFrame(given["inputs"], columns=["a", "b"])
    frame["kind"] = np.where(given["outputs"][:, 0] > 1, "high", "low")
    net = line()
    net["2.weight"], net["2.bias"] = np.array([[2.0], [0.0]], np.float32), np.array([0.0, 1.0], "f4")
    result = modscope.prune(net, frame, config={"activation": "relu"}, label="kind", threshold=0)
    assert result.task.value == 1
    assert list(result.prune.to_dict())
    assert len(result.summary.to_pandas()) == len(result.summary)


def test_modules_of_torch_bring_their_own_outputs():
    torch = pytest.importorskip("torch")
    from torch import nn

    torch.manual_seed(0)
    dense = nn.Sequential(
        nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3), nn.Softmax(-1)
    )
    labels = torch.arange(30) % 3
    given = torch.randn(30, 4)
    result = modscope.prune(dense, (given, labels), threshold=0)
    assert result.parity.holds and dense.training
    images = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ELU(0.5),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(36, 3),
    )
    result = modscope.prune(images, (torch.randn(30, 1, 8, 8), labels), threshold=0)
    assert result.parity.holds


def test_a_circuit_of_many_edges_is_one_list():
    rng = np.random.default_rng(0)
    widths = [30, 50, 3]
    model = {}
    for layer, (before, after) in enumerate(zip(widths, widths[1:])):
        model[f"fc{layer}.weight"] = rng.normal(size=(after, before)).astype("f4")
        model[f"fc{layer}.bias"] = np.zeros(after, "f4")
    data = {"inputs": rng.normal(size=(40, 30)).astype("f4")}
    data["targets"] = rng.normal(size=(40, 3)).astype("f4")
    options = {"config": {"activation": "tanh"}, "method": "eap-ig-inputs", "top": 1200}
    result = modscope.circuit(model, data, **options)
    circuit = result.circuits[0]
    assert circuit.edges_kept == len(circuit.edges) > 1000
    assert len({(edge["from"], edge.to) for edge in circuit.edges}) == len(circuit.edges)
    sizes = [abs(edge.effect) for edge in circuit.edges]
    assert sizes == sorted(sizes, reverse=True)
    resampled = circuit.stability.edges
    assert len(resampled) == circuit.stability.possible > 1000
    assert all(low <= edge.share <= high for edge in resampled for low, high in [edge.interval])
