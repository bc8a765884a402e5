"""Certificates beside alpha-beta-CROWN: the same questions, one thread each, one limit.

    git clone --recurse-submodules https://github.com/Verified-Intelligence/alpha-beta-CROWN
    pip install numpy safetensors torch                # and what that repository asks for
    python3 benches/verifiers.py --modscope target/release/modscope --abcrown alpha-beta-CROWN --rows table

Is |f_k(x) - g_k(x)| within the tolerance of every output k of two networks for all x of a box? Of
`digits`: do both keep the class of a ball's middle throughout? A refutation counts once its input
is run through both in f64; proofs are held against 20,000 samples. Neither is asked of rounding.

    table    the reference networks, pruned where `auto` prunes them. Modular addition is left out:
             its domain is pairs of tokens, which are gone through
    twins    small networks of the same tasks with GELU, tanh and ReLU, trained here
    acas     random ReLU pairs of ACAS Xu's shape, 1, 5 and 10 % of each layer's weights pruned
    digits   ReLU networks of the 8x8 digits, trained here, in balls around test samples

Seconds of modscope are those of the whole process; those of alpha-beta-CROWN those of its `solve`,
without imports and loading, after a first question has compiled what stays compiled. Up to 20
inputs are split (of `acas` as its own configuration for ACAS Xu does it), of more the neurons.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1", TQDM_DISABLE="1")
import numpy as np
import torch
from safetensors.numpy import load_file, save_file

TASKS = {"independence": 0, "feature_sharing": 4, "compositionality": 3}
TABLE = [f"{task}-{regime}-s{seed}" for task, seed in TASKS.items() for regime in ("bimt", "l1", "vanilla")]
TABLE += ["two_moon-bimt-s1", "two_moon-vanilla-s1"]
ACAS, PAIRS, SHARES, HALF_WIDTH = (5, *[50] * 6, 5), 20, (0.01, 0.05, 0.10), 0.05
# Tolerances over the largest change that samples show: broken, tight, and two that leave room.
FACTORS = (0.9, 1.2, 4.0, 12.0)
# Of digits only decisions are asked: a tolerance that everything keeps.
RADII, BALLS, THRESHOLD, ANYTHING = (0.01, 0.03, 0.05), 20, 0.01, "1000"
SAMPLES, FEW_INPUTS, GRACE = 20_000, 20, 5.0
ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "silu": lambda x: x * torch.sigmoid(x), "gelu": torch.nn.functional.gelu}


@dataclass
class Network:
    """A chain of linear layers in f64, `weights[l]: [out, in]`, in the order of its data."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    activation: str

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Outputs `[n, outputs]` of inputs `[n, inputs]`."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1]):
            x = ACTIVATIONS[self.activation](torch.from_numpy(x @ weight.T + bias)).numpy()
        return x @ self.weights[-1].T + self.biases[-1]

    def pruned(self, thresholds: Iterable[float]) -> Network:
        return Network([np.where(np.abs(w) >= t, w, 0.0) for w, t in zip(self.weights, thresholds)], self.biases, self.activation)


@dataclass
class Instance:
    """Two networks, a box `[inputs, 2]`, and tolerances per output, or a ball's class."""

    name: str
    before: Network
    after: Network
    box: np.ndarray
    command: list[str]
    tolerance: np.ndarray | None = None
    label: int = 0
    split: str = "sb"  # how alpha-beta-CROWN chooses among inputs

    def refuted_by(self, x: np.ndarray) -> bool:
        """Whether one of `[n, inputs]` breaks what is asked, in f64."""
        f, g = self.before(x), self.after(x)
        return bool((f.argmax(1) != g.argmax(1) if self.tolerance is None else np.abs(f - g) > self.tolerance).any())

    def refuted_by_samples(self) -> bool:
        """Half of them anywhere in the box, half at its corners."""
        draw = np.random.default_rng(1).random((SAMPLES, len(self.box)))
        draw[::2] = draw[::2].round()
        return self.refuted_by(self.box[:, 0] + draw * np.ptp(self.box, 1))

    def confirms(self, x: list[float]) -> bool:
        """Whether an input refutes; of decisions, or one on the way to it from the middle."""
        way = np.linspace(1.0, 0.0, 1000 if self.tolerance is None else 1)[:, None]
        return self.refuted_by(way * np.clip(x, *self.box.T) + (1.0 - way) * self.box.mean(1))


@dataclass
class Answer:
    said: str
    wall: float
    cpu: float
    example: list[float] | None = None

    def decides(self) -> bool:
        return self.said in ("proved", "refuted")


def opened(folder: pathlib.Path) -> Network:
    """A network that `modscope train` or the reference wrote, its neurons' permutations undone."""
    tensors = {name: t.astype(float) for name, t in load_file(folder / "model.safetensors").items()}
    layers = range((len(tensors) - 2) // 2)
    weights, biases = ([tensors[f"linears.{i}.linear.{kind}"] for i in layers] for kind in ("weight", "bias"))
    inputs, outputs = (np.argsort(tensors[name].astype(int)) for name in ("in_perm", "out_perm"))
    weights[0] = weights[0][:, inputs]
    weights[-1], biases[-1] = weights[-1][outputs], biases[-1][outputs]
    return Network(weights, biases, json.loads((folder / "config.json").read_text())["activation"])


def asked(options: argparse.Namespace, name: str, before: Network, after: Network, box: np.ndarray,
          arrays: dict[str, np.ndarray], *words: str, **more) -> Instance:
    """An instance, and its files: `words` are what modscope is told beside them."""
    folder = options.keep / name
    for which, network in (("before", before), ("after", after)):
        (folder / which).mkdir(parents=True, exist_ok=True)
        (folder / which / "config.json").write_text(json.dumps({"activation": network.activation}))
        weights = {f"layers.{i}.weight": w.copy() for i, w in enumerate(network.weights)}
        biases = {f"layers.{i}.bias": b.copy() for i, b in enumerate(network.biases)}
        save_file(weights | biases, folder / which / "model.safetensors")
    save_file(arrays, folder / "data.safetensors")
    (folder / "box").write_text("".join(f"{lo!r},{hi!r}\n" for lo, hi in box.tolist()))
    command = ["diff", f"{folder}/before", f"{folder}/after", "--no-circuits", "--threshold", "0", "--domain", f"box:{folder}/box", *words]
    if words[:1] == ("prune",):
        command = ["prune", f"{folder}/before", *words[1:]]
    command += ["--data", f"{folder}/data.safetensors", "--certify", "--arithmetic", "real", "--boxes", "1000000000"]
    return Instance(name, before, after, box, [*command, "--threads", "1", "--json"], **more)


def modscope(options: argparse.Namespace, *words: str) -> bytes:
    return subprocess.run([options.modscope, *words, "--threads", "1", "--quiet"], stdout=subprocess.PIPE).stdout


def trained(options: argparse.Namespace, task: str, name: str, *words: str) -> pathlib.Path:
    folder = options.keep / "trained" / name
    if not folder.exists():
        modscope(options, "train", task, *words, "--steps", "3000", "--out", str(folder))
    return folder


def at_auto(options: argparse.Namespace, folder: pathlib.Path) -> Instance:
    """A network and itself pruned at `auto`: 1 % of each output's standard deviation, as is usual with `diff`."""
    threshold = json.loads(modscope(options, "prune", str(folder), "--json"))["prune"]["threshold"]
    before, x = opened(folder), load_file(folder / "data.safetensors")["test_inputs"]
    after = before.pruned(itertools.repeat(threshold))
    box = np.stack([x.min(0), x.max(0)], 1) if "two_moon" in folder.name else np.tile([-1.0, 1.0], (x.shape[1], 1))
    return asked(options, folder.name, before, after, box.astype(float), {"inputs": x}, tolerance=0.01 * before(x.astype(float)).std(0))


def twins(options: argparse.Namespace) -> Iterator[Instance]:
    for activation, task, regime in itertools.product(("gelu", "tanh", "relu"), TASKS, ("bimt", "vanilla")):
        name = f"{task}-{regime}-{activation}"
        yield at_auto(options, trained(options, task, name, "--activation", activation, "--regime", regime))


def acas(options: argparse.Namespace) -> Iterator[Instance]:
    for pair, (place, share) in itertools.product(range(PAIRS), enumerate(SHARES)):
        rng = np.random.default_rng(pair)
        drawn = lambda sd, *shape: rng.normal(0.0, sd, shape).astype(np.float32).astype(float)
        weights = [drawn(np.sqrt(2.0 / into), out, into) for into, out in zip(ACAS, ACAS[1:])]
        before = Network(weights, [drawn(0.1, out) for out in ACAS[1:]], "relu")
        middle = rng.uniform(HALF_WIDTH - 0.5, 0.5 - HALF_WIDTH, ACAS[0])
        box = np.stack([middle - HALF_WIDTH, middle + HALF_WIDTH], 1).astype(np.float32).astype(float)
        x = rng.uniform(*box.T, (10_000, ACAS[0]))
        after = before.pruned([np.quantile(np.abs(w), share) for w in weights])
        factor = FACTORS[(pair + place) % len(FACTORS)]
        tolerance = float(np.float32(factor * np.abs(before(x) - after(x)).max()))
        yield asked(options, f"pair {pair}, {share:.0%} pruned, {factor:g} of what samples show", before, after, box, {"inputs": x[:100].copy()},
                    "--tolerance", repr(tolerance), tolerance=np.full(ACAS[-1], tolerance), split="naive")


def digits(options: argparse.Namespace) -> Iterator[Instance]:
    arrays = load_file(data := options.shared / "checkpoints" / "digits-vanilla-s1" / "data.safetensors")
    for regime in ("bimt", "vanilla"):
        words = ("--data", str(data), "--activation", "relu", "--regime", regime)
        before = opened(trained(options, "images", f"digits-{regime}-relu", *words))
        after = before.pruned(itertools.repeat(THRESHOLD))
        for radius, place in itertools.product(RADII, range(BALLS)):
            x = arrays["test_inputs"][place].astype(float)
            box = np.clip(np.stack([x - radius, x + radius], 1), 0.0, 1.0)
            one = {k: arrays[f"test_{k}"][place : place + 1].copy() for k in ("inputs", "labels")}
            words = ("prune", "--threshold", str(THRESHOLD), "--domain", "box:0,1", "--radius", str(radius), "--tolerance", ANYTHING)
            yield asked(options, f"{regime}, radius {radius}, sample {place}", before, after, box, one, *words,
                        label=int(before(x[None]).argmax()))


def ask_modscope(instance: Instance, options: argparse.Namespace) -> Answer:
    started = time.perf_counter()
    process = subprocess.Popen([options.modscope, *instance.command, "--budget", str(options.limit)], stdout=subprocess.PIPE)
    end = threading.Timer(options.limit + GRACE, os.kill, (process.pid, 9))
    end.start()
    text = process.stdout.read()
    _, process.returncode, used = os.wait4(process.pid, 0)
    took = (time.perf_counter() - started, used.ru_utime + used.ru_stime)
    end.cancel()
    if not text:
        return Answer("undecided (ended)", *took)
    result = json.loads(text)
    if instance.tolerance is not None:
        return Answer(result["equivalence"]["known"], *took, result["equivalence"]["example"])
    decisions = result["prune"]["certificate"]["decisions"]
    said = "proved" if decisions["same"] == 1.0 else "refuted" if decisions["changed"] else "undecided"
    return Answer(said, *took, decisions.get("example"))


class Joined(torch.nn.Module):
    """Both networks of an instance: the difference over the tolerance, or leads of a class."""

    def __init__(self, instance: Instance, gelu: torch.nn.Module) -> None:
        super().__init__()
        self.activation = gelu if instance.before.activation == "gelu" else ACTIVATIONS[instance.before.activation]
        self.decides = instance.tolerance is None
        outputs = np.eye(len(instance.before.biases[-1]))
        leads = np.delete(outputs[instance.label] - outputs, instance.label, 0)
        scale = leads if self.decides else outputs / instance.tolerance
        self.before, self.after = torch.nn.ModuleList(), torch.nn.ModuleList()
        for layers, network in ((self.before, instance.before), (self.after, instance.after)):
            weights, biases = ([*arrays[:-1], scale @ arrays[-1]] for arrays in (network.weights, network.biases))
            for weight, bias in zip(weights, biases):
                layers.append(torch.nn.Linear(weight.shape[1], weight.shape[0]))
                layers[-1].weight.data, layers[-1].bias.data = torch.tensor(weight), torch.tensor(bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        f = g = x
        for before, after in zip(self.before[:-1], self.after[:-1]):
            f, g = self.activation(before(f)), self.activation(after(g))
        f, g = self.before[-1](f), self.after[-1](g)
        return torch.cat([f, g], 1) if self.decides else f - g


class Crown:
    """alpha-beta-CROWN, imported once; every question is asked in a child of its own."""

    def __init__(self, options: argparse.Namespace) -> None:
        sys.path[:0] = [str(options.abcrown.resolve() / "complete_verifier")]
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        import api
        from auto_LiRPA.operators.gelu import GELU
        self.api, self.gelu, self.options = api, GELU(), options

    def solved(self, instance: Instance) -> Answer:
        few, model = len(instance.box) <= FEW_INPUTS, Joined(instance, self.gelu)
        method = instance.split if few else "kfsb" if instance.before.activation == "relu" else "nonlinear"
        settings = {
            "general": {"device": "cpu", "seed": 0, "double_fp": True, "conv_mode": "matrix", "complete_verifier": "bab", "save_adv_example": True},
            "solver": {"batch_size": 512, "auto_enlarge_batch_size": False, "bound_prop_method": "crown" if few else "alpha-crown"},
            "bab": {"timeout": self.options.limit, "clip_n_verify": {"clip_input_domain": {"enabled": few}},
                    "branching": {"method": method, "input_split": {"enable": few, "reorder_bab": few}}},
        }
        lower, upper = (torch.tensor(side)[None] for side in instance.box.T)
        outputs = torch.eye(model(lower).shape[1])
        signs, rhs = ([1.0], torch.zeros(1)) if model.decides else ([1.0, -1.0], -torch.ones(1))
        unsafe = [(sign * row[None], rhs) for row in outputs for sign in signs]  # where one of C y <= rhs holds
        spec = self.api.VerificationSpec.build_from_input_bounds(lower, upper, unsafe)
        with tempfile.TemporaryDirectory() as folder:
            example = pathlib.Path(folder) / "example.txt"
            config = self.api.ConfigBuilder().update(settings, attack__cex_path=str(example))()
            solver = self.api.ABCrownSolver(spec, model, config=config)
            wall, cpu = time.perf_counter(), time.process_time()
            status = solver.solve(return_reference=False).status
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            found = re.findall(r"\(X_\d+\s+([-+.\de]+)\)", example.read_text()) if example.exists() else []
        said = "refuted" if status.startswith("unsafe") else "proved" if status.startswith("safe") else "undecided"
        return Answer(said, wall, cpu, [float(value) for value in found])

    def __call__(self, instance: Instance) -> Answer:
        fork = multiprocessing.get_context("fork")
        told, telling = fork.Pipe(duplex=False)
        child = fork.Process(target=lambda: telling.send(self.solved(instance)))
        child.start()
        telling.close()
        most = self.options.limit + GRACE
        try:
            return told.recv() if told.poll(most) else Answer("undecided (ended)", most, most)
        except EOFError:
            return Answer("undecided (failed)", most, most)
        finally:
            child.kill()
            child.join()


def run(options: argparse.Namespace, out) -> int:
    """Prints the table; how many instances the two disagree on, or samples refute."""
    ask_crown, rows, wrong = Crown(options), [], 0
    print("| instance | modscope | s | CPU s | α,β-CROWN | s | CPU s |\n|---|---|---|---|---|---|---|", file=out)
    every = ((group, instance) for group in options.rows or GROUPS for instance in GROUPS[group](options))
    for group, instance in (each for each in every if options.only.search(each[1].name)):
        if not rows:
            ask_crown.solved(instance)
        both = [ask_modscope(instance, options), ask_crown(instance)]
        for answer in both:
            if answer.said == "refuted" and not (answer.example and instance.confirms(answer.example)):
                answer.said = "undecided (its input does not refute)"
            elif answer.decides() and answer.wall > options.limit:
                answer.said = "undecided (too late)"
        cells = [f"{a.said} | {a.wall:.2f} | {a.cpu:.2f}" for a in both]
        print(f"| {group}: {instance.name}", *cells, sep=" | ", end=" |\n", file=out, flush=True)
        if "proved" in (said := [a.said for a in both]) and ("refuted" in said or instance.refuted_by_samples()):
            print(f"\nDISAGREEMENT: {instance.name}: {both}\n", file=out, flush=True)
            wrong += 1
        rows.append(both)
    ours, theirs = (sum(both[tool].decides() for both in rows) for tool in (0, 1))
    ratios = np.array([b.wall / a.wall for a, b in rows if a.decides() and b.decides()])
    print(f"\n{len(rows)} instances. Decided by modscope: {ours}, by α,β-CROWN: {theirs}, by both: {len(ratios)}. Disagreements: {wrong}.",
          f"Seconds of α,β-CROWN over those of modscope where both decide: median {np.median(ratios):.3g}.", file=out)
    return wrong


GROUPS = {"table": lambda options: (at_auto(options, options.shared / "checkpoints" / name) for name in TABLE),
           "twins": twins, "acas": acas, "digits": digits}


def main() -> None:
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--modscope", type=os.path.abspath, required=True, help="the binary")
    flags.add_argument("--abcrown", type=pathlib.Path, required=True, help="a clone of alpha-beta-CROWN with auto_LiRPA in it")
    flags.add_argument("--rows", choices=GROUPS, action="append", help="a group, or several: all without it")
    flags.add_argument("--only", type=re.compile, default=re.compile(""), help="instances whose names hold this expression")
    flags.add_argument("--limit", type=float, default=60.0, help="seconds for each answer")
    flags.add_argument("--shared", type=pathlib.Path, default=pathlib.Path("../shared"), help="the folder of `checkpoints`")
    flags.add_argument("--keep", type=pathlib.Path, help="a folder for the networks, used again if they are there")
    options = flags.parse_args()
    # The verifier prints what it does: only the table goes to standard output.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with out, tempfile.TemporaryDirectory() as folder:
        options.keep = (options.keep or pathlib.Path(folder)).resolve()
        options.keep.mkdir(parents=True, exist_ok=True)
        sys.exit(1 if run(options, out) else 0)


if __name__ == "__main__":
    main()
