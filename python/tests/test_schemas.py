"""What commands write fits the JSON Schemas of docs/schema, and has no field beside them."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path

import pytest
from modscope import _run

jsonschema = pytest.importorskip("jsonschema")

REPOSITORY = Path(__file__).parents[2]
MLP = ["fixtures/independence-bimt", "--data", "fixtures/independence-bimt/data.safetensors"]
GPT2 = ["fixtures/gpt2", "--data", "fixtures/gpt2/prompts.jsonl"]

PRINTED = [
    ("audit", ["audit"]),
    ("audit", ["audit", *GPT2]),
    ("audit", ["prune", *MLP, "--certify"]),
    ("audit", ["modules", *MLP, "--null", "5"]),
    ("audit", ["circuit", *GPT2, "--method", "eap,exact"]),
    ("diff", ["diff", "fixtures/independence-bimt", *MLP]),
    ("intervene", ["intervene", *MLP, "--set", "h1.0=0"]),
    ("lens", ["lens", *GPT2]),
    ("stability", ["stability", *MLP, "--sample-sets", "2"]),
]


def closed(schema):
    """The schema with no other fields allowed than it names."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        return schema
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    return schema


def strict(name):
    text = (REPOSITORY / "docs" / "schema" / f"{name}.schema.json").read_text()
    return jsonschema.Draft202012Validator(closed(json.loads(text)))


def run(*words):
    done = subprocess.run([_run.binary(), *words], cwd=REPOSITORY, capture_output=True)
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.stdout


def assert_fits(name, result):
    errors = [f"{error.json_path}: {error.message}" for error in strict(name).iter_errors(result)]
    assert not errors, errors[:5]


@pytest.mark.parametrize(("name", "words"), PRINTED, ids=[" ".join(w[:2]) for _, w in PRINTED])
def test_what_commands_print_fits(name, words):
    assert_fits(name, json.loads(run(*words, "--json")))


def test_files_fit(tmp_path):
    run("circuit", *GPT2, "--method", "eap", "--top", "5", "--out", str(tmp_path / "c"))
    # The result, and EAP-IG's graph beside it in one file.
    written = json.loads((tmp_path / "c" / "circuit.json").read_text())
    assert_fits("circuit", {key: written.pop(key) for key in ["cfg", "nodes", "edges"]})
    assert_fits("audit", written)
    runs = tmp_path / "runs"
    run("train", "independence", "--seeds", "0..2", "--regimes", "bimt,vanilla",
        "--steps", "50", "--out", str(runs))
    data = runs / "independence-bimt-s0" / "data.safetensors"
    compared = run("compare", str(runs), "--data", str(data), "--json")
    assert_fits("compare", json.loads(compared))


def test_a_field_of_another_kind_or_name_does_not_fit():
    result = json.loads(run("audit", "--json"))
    validator = strict("audit")
    assert validator.is_valid(result)

    def with_change(change):
        other = copy.deepcopy(result)
        change(other)
        return other

    for wrong in [
        lambda r: r.update(seed="seven"),
        lambda r: r["summary"][0].update(status="perfect"),
        lambda r: r["prune"].update(treshold=1),
        lambda r: r.pop("modules"),
    ]:
        assert not validator.is_valid(with_change(wrong))
