"""Networks in memory against NumPy, and against the program's own runs."""

from __future__ import annotations

import json
from pathlib import Path

import modscope
import numpy as np
import pytest
from files import read_safetensors

WIDTHS = (3, 6, 5, 2)


def network(seed=0):
    """A random MLP of tanh, its samples, and its configuration."""
    rng = np.random.default_rng(seed)
    tensors = {}
    for layer, (wide, tall) in enumerate(zip(WIDTHS[:-1], WIDTHS[1:], strict=True)):
        tensors[f"{2 * layer}.weight"] = rng.normal(size=(tall, wide))
        tensors[f"{2 * layer}.bias"] = rng.normal(size=tall)
    return tensors, rng.normal(size=(40, WIDTHS[0])), {"activation": "tanh"}


def by_hand(tensors, inputs, edit):
    """The outputs where `edit(layer, values)` changes what each layer writes."""
    values = edit(0, inputs)
    for layer in range(len(WIDTHS) - 1):
        sums = values @ tensors[f"{2 * layer}.weight"].T + tensors[f"{2 * layer}.bias"]
        values = edit(layer + 1, sums if layer + 2 == len(WIDTHS) else np.tanh(sums))
    return values


def name(layer, index):
    return f"x{index}" if layer == 0 else f"h{layer}.{index}"


def test_two_hundred_random_edits_are_those_of_numpy():
    tensors, inputs, config = network()
    opened = modscope.Network(tensors, {"inputs": inputs}, config=config)
    as_it_is = by_hand(tensors, inputs, lambda _, values: values)
    np.testing.assert_allclose(opened.run().outputs, as_it_is, atol=1e-12)
    rng = np.random.default_rng(1)
    for _ in range(200):
        layer = int(rng.integers(len(WIDTHS) - 1))
        index = int(rng.integers(WIDTHS[layer]))
        kind = str(rng.choice(["set", "add", "scale", "patch", "zero", "mean"]))
        number = float(rng.normal())
        sample = int(rng.integers(len(inputs)))

        def edit(at, values, here=layer, index=index, kind=kind, number=number, sample=sample):
            if at != here:
                return values
            changed, own = values.copy(), values[:, index]
            changed[:, index] = {
                "set": number,
                "add": own + number,
                "scale": own * number,
                "patch": own[sample],
                "zero": 0.0,
                "mean": own.mean(),
            }[kind]
            return changed

        site = name(layer, index)
        if kind in ("zero", "mean"):
            run = opened.run(ablate=[site], fill=kind)
        else:
            run = opened.run(**{kind: {site: sample if kind == "patch" else number}})
        np.testing.assert_allclose(run.outputs, by_hand(tensors, inputs, edit), atol=1e-12)


ROOT = Path(__file__).parents[2]
REFERENCES = json.loads((ROOT / "tests/suite/data/interventions.json").read_text())


@pytest.mark.parametrize("member", REFERENCES, ids=lambda member: member["network"])
def test_two_hundred_random_edits_are_those_of_plain_hooks(member):
    """GPT-2s, Llamas and MLPs as PyTorch runs them: `tests/suite/data/interventions.py`."""
    name = member["network"]
    folder = ROOT / name if name.startswith("fixtures") else ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip("the reference material is not here")
    arrays = read_safetensors(folder / "data.safetensors")
    samples = {name: array[: member["samples"]] for name, array in arrays.items()}
    loaded = modscope.Network(folder, samples)
    for case in member["cases"]:
        given = {}
        for edit in case["edits"]:
            kind, value = edit["change"]
            word = {"sample": "patch", "fill": "ablate"}.get(kind, kind)
            at = "->".join(edit["at"])
            if edit.get("positions") is not None:
                at += "@" + ",".join(map(str, edit["positions"]))
            given.setdefault(word, {})[at] = value
        expected = np.array(case["outputs"])
        found = loaded.run(**given).outputs[: len(expected), : expected.shape[1]]
        scale = max(1.0, np.abs(expected).max())
        assert np.abs(found - expected).max() / scale < 1e-5, case["edits"]


def test_messages_paths_weights_and_values():
    tensors, inputs, config = network(2)
    opened = modscope.Network(tensors, {"inputs": inputs}, config=config)
    first = tensors["0.weight"]
    hidden = np.tanh(inputs @ first.T + tensors["0.bias"])

    run = opened.run(read=["h1.2", "h1.4"])
    np.testing.assert_allclose(run.values["h1.2"][:, 0], hidden[:, 2], atol=1e-12)
    assert list(run.values) == ["h1.2", "h1.4"] and run.values["h1.4"].shape == (40, 1)

    # Without one message a neuron reads the rest.
    without = hidden.copy()
    kept = inputs @ first.T + tensors["0.bias"] - np.outer(inputs[:, 1], first[:, 1])
    without[:, 3] = np.tanh(kept[:, 3])
    swapped = by_hand(tensors, inputs, lambda at, v: without if at == 1 else v)
    np.testing.assert_allclose(opened.run(ablate=["x1->h1.3"]).outputs, swapped, atol=1e-12)

    # A weight of zero is the same, and the network in memory stays as it was.
    np.testing.assert_allclose(opened.run(weights={"x1->h1.3": 0.0}).outputs, swapped, atol=1e-12)
    assert first[3, 1] != 0.0

    # Along a path only what lies on it changes.
    along = opened.run(ablate=["x1->h1.3->h2.0"]).outputs
    assert 0 < np.abs(along - opened.run().outputs).max() < np.inf
    assert not np.allclose(along, swapped)


def test_what_is_no_site_or_no_edit_is_told():
    tensors, inputs, config = network()
    opened = modscope.Network(tensors, {"inputs": inputs}, config=config)
    assert opened.sites[:3] == ["x0", "x1", "x2"] and "h2.4" in opened.sites
    with pytest.raises(modscope.Error, match="h1.9") as caught:
        opened.run(ablate="h1.9")
    assert "h1." in (caught.value.remedy or caught.value.message)
    with pytest.raises(modscope.Error, match="2 values"):
        opened.run(set={"h1.0": [1.0, 2.0]})
    with pytest.raises(ValueError, match="no such fill"):
        opened.run(ablate="h1.0", fill="nothing")
    with pytest.raises(modscope.Error, match="positions"):
        opened.run(set={"h1.0@2": 1.0})
    with pytest.raises(TypeError, match="give `data`"):
        modscope.Network(tensors, None, config=config)
    with pytest.raises(modscope.Error, match="activation"):
        modscope.Network(tensors, {"inputs": inputs})


def test_weights_are_read_where_they_lie():
    tensors, inputs, config = network()
    opened = modscope.Network(tensors, {"inputs": inputs}, config=config)
    before = opened.run().outputs
    weight = tensors["0.weight"]
    own = {"x0->h1.0": float(weight[0, 0])}
    # An edit of a weight reads the arrays again, which nobody copied: what was done to them
    # here, against all advice, shows.
    tensors["4.bias"] += 1.0
    np.testing.assert_array_equal(opened.run().outputs, before)
    np.testing.assert_allclose(opened.run(weights=own).outputs, before + 1.0, atol=1e-12)
    # They live as long as the network does.
    del tensors, weight
    np.testing.assert_allclose(opened.run(weights=own).outputs, before + 1.0, atol=1e-12)
