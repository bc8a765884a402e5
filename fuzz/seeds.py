#!/usr/bin/env python3
"""Makes the seeds of every target from the fixtures; run from the root of the repository.

`python3 fuzz/seeds.py PATH/TO/modscope`: the program makes the results and the snapshot.
"""
import json, os, shutil, struct, subprocess, sys, tempfile

program = os.path.abspath(sys.argv[1])
out = "fuzz/seeds"
shutil.rmtree(out, ignore_errors=True)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def seed(target, name, data):
    os.makedirs(f"{out}/{target}", exist_ok=True)
    with open(f"{out}/{target}/{name}", "wb") as f:
        f.write(data)


def with_text(kind, text, rest):
    return bytes([kind]) + struct.pack("<H", len(text)) + text + rest


good = "fixtures/broken/good"
bimt = read(f"{good}/bimt/model.safetensors")
seed("checkpoint", "bimt", with_text(0, b'{"activation": "silu"}', bimt))
seed("checkpoint", "torch", with_text(1, b"", read("fixtures/torch/sequential.pt")))
for name in ["sequential.pt", "sequential-legacy.pt", "nested.pth", "protocol4.pt", "tensors.pt"]:
    seed("torch", name, read(f"fixtures/torch/{name}"))
for name in ["onnx-mlp-mixed", "onnx-mlp-batchnorm", "keras-batchnorm", "sklearn-regressor"]:
    seed("onnx", name, read(f"fixtures/zoo/{name}/model.onnx"))
seed("data", "safetensors", b"\0" + read(f"{good}/data.safetensors"))
seed("data", "targets", b"\0" + read(f"{good}/targets.safetensors"))
seed("data", "npz", b"\1" + read("fixtures/broken/data/npz-cut-short/data.npz"))
head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }".ljust(117) + b"\n"
npy = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + struct.pack("<4d", 1, 2, 3, 4)
seed("data", "npy", b"\2" + npy)
seed("data", "csv", b"\3a,b,label\n0,1,0\n1.5,-2,1\n1e3,4,1\n")
seed("data", "jsonl", b'\4{"inputs": [0.1, 2], "label": 1}\n{"inputs": [1, 2], "label": 0}\n')
tokenizer = json.dumps({
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
    "normalizer": None, "pre_tokenizer": {"type": "WhitespaceSplit"},
    "post_processor": None, "decoder": None,
    "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1, "b": 2, "c": 3}, "unk_token": "[UNK]"},
}).encode()
lines = b'{"clean": "a b", "corrupted": "b a", "answer": "c", "foil": "a"}\n'
seed("prompts", "words", with_text(0, tokenizer, lines * 2))
seed("circuit", "list", b'["embed->m0", ["a1.0", "output"], ["m0", "a1.0.q"]]')
seed("circuit", "graph", b'{"cfg": {}, "nodes": {}, "edges": {"input->m0": {"score": 1.0, "in_graph": true}}}')
seed("circuit", "truth", json.dumps({
    "edges": [["embed", "m0.in"], ["m0", "output"]],
    "effective_single": {"main.zero": [["m0", "output"]]},
    "minimal_circuits": {"main.resample": [["m0", "output"]]},
}).encode())
seed("task", "task", b'{"name": "t", "inputs": ["a", "b"], "outputs": ["y"], "loss": "mse", "domain": {"box": [[-1, 1], [0, 2]]}, "read": {"at": [0]}, "trained": [0]}')
seed("manifest", "three", b"path,group,seed\na,b,1\nc,,\n\"d e\",f,x\n")
with tempfile.TemporaryDirectory() as folder:
    # All paths in the results are below the folder: none of a machine's own.
    def run(*words):
        subprocess.run([os.path.abspath(program), *words, "--quiet"], check=True, cwd=folder)
    for name in ["n", "n-l1-s1", "n-bimt-s1"]:
        shutil.copytree("fixtures/broken/good/bimt", f"{folder}/{name}")
    shutil.copy("fixtures/broken/good/data.safetensors", folder)
    data = ["--data", "data.safetensors"]
    run("audit", "n", *data, "--out", "a", "--null", "layer:2")
    seed("result", "audit", read(f"{folder}/a/audit.json"))
    run("compare", "n-l1-s1", "n-bimt-s1", *data, "--out", "c",
        "--null", "layer:2", "--control-draws", "1", "--method", "exact")
    seed("result", "compare", read(f"{folder}/c/compare.json"))
    shutil.copytree("fixtures/gpt2", f"{folder}/g")
    prompts = ["--data", "g/prompts.jsonl"]
    for words in [
        ["diff", "n-l1-s1", "n-bimt-s1", *data],
        ["intervene", "n", *data, "--set", "h1.0=1"],
        ["lens", "g", *prompts],
        ["stability", "n", *data],
    ]:
        run(*words, "--out", f"of-{words[0]}")
        seed("result", words[0], read(f"{folder}/of-{words[0]}/{words[0]}.json"))
    run("train", "two_moon", "--steps", "4", "--hidden", "3", "--snapshot-every", "2", "--out", "t")
    seed("snapshot", "two_moon", read(f"{folder}/t.snapshots/000002.safetensors"))
