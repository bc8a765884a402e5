"""The commands, one function each; options are the flags of the command line."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import _files
from ._result import Result
from ._run import call, flags, run

Out = str | os.PathLike[str] | None


def _of_one(
    command: str,
    model: Any,
    data: Any,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    inputs = tempfile.TemporaryDirectory(prefix="modscope-")
    folder = Path(inputs.name)
    checkpoint = _files.model_path(model, config, folder / "model", data)
    return _run(command, [checkpoint], (data, model), inputs, out, verbose, options)


def _run(
    command: str,
    checkpoints: Sequence[Path],
    data_of: tuple[Any, Any],
    inputs: tempfile.TemporaryDirectory[str],
    out: Out,
    verbose: bool,
    options: dict[str, Any],
) -> Result:
    samples = _files.data_path(*data_of, Path(inputs.name))
    given = dict(options) if samples is None else {"data": samples, **options}
    return run(command, [str(path) for path in checkpoints], given, out, inputs, verbose)


def audit(model: Any, data: Any = None, **options: Any) -> Result:
    """Everything in one run: parity, pruning, modules, circuits.

    Args:
        model: a path, a dict of arrays (a `state_dict`), a `torch.nn.Module`, a
            `HookedTransformer` or a model of `transformers`.
        data: a path, `(inputs [n, …], labels [n])`, a dict of arrays, or a dataframe.
            Where the model is a module, its own outputs go with arrays, so that the
            first line says whether the program computes the same.
        config: what `config.json` beside the weights would say; of a `Sequential` of
            known layers, of a `HookedTransformer` and of `transformers` it is taken
            from the model.
        out: the folder of the report; without one it lives as long as the result.
        verbose: whether the program's lines are shown as it runs.
        options: flags of the command line, `threshold="auto"`, `certify=True`, `seed=1`.

    Raises:
        Error: what is wrong with the files, with its remedy.
    """
    return _of_one("audit", model, data, **options)


def prune(model: Any, data: Any = None, **options: Any) -> Result:
    """Prunes below a threshold and verifies that outputs stay; arguments as of `audit`."""
    return _of_one("prune", model, data, **options)


def certify(model: Any, data: Any = None, **options: Any) -> Result:
    """`prune` with a proof that outputs stay, for every input of the domain."""
    return prune(model, data, certify=True, **options)


def modules(model: Any, data: Any = None, **options: Any) -> Result:
    """Finds modules and tests them against chance; arguments as of `audit`."""
    return _of_one("modules", model, data, **options)


def circuit(model: Any, data: Any = None, **options: Any) -> Result:
    """Discovers circuits and judges them: `method="eap"`, `top=200`; see `audit`."""
    return _of_one("circuit", model, data, **options)


def stability(model: Any, data: Any = None, **options: Any) -> Result:
    """Would another honest analyst have found the same circuit; see `audit`."""
    return _of_one("stability", model, data, **options)


def intervene(model: Any, data: Any = None, **options: Any) -> Result:
    """Runs the network with an edit, `ablate="h0.3"`, `set="x1=0.5"`: what moved."""
    return _of_one("intervene", model, data, **options)


def lens(model: Any, data: Any = None, **options: Any) -> Result:
    """Logit lens, direct logit attribution, attention of a transformer; see `audit`."""
    return _of_one("lens", model, data, **options)


def compare(
    models: Sequence[Any],
    data: Any = None,
    *,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Training regimes over seeds: a checkpoint of each, as paths or in memory."""
    return _of_several(
        "compare",
        {f"model-{n}": model for n, model in enumerate(models)},
        data,
        out,
        verbose,
        options,
    )


def diff(
    old: Any, new: Any, data: Any = None, *, out: Out = None, verbose: bool = False, **options: Any
) -> Result:
    """Two versions of one network: what changed."""
    return _of_several("diff", {"old": old, "new": new}, data, out, verbose, options)


def _of_several(
    command: str,
    models: Mapping[str, Any],
    data: Any,
    out: Out,
    verbose: bool,
    options: dict[str, Any],
) -> Result:
    inputs = tempfile.TemporaryDirectory(prefix="modscope-")
    folder = Path(inputs.name)
    paths = [
        _files.model_path(model, None, folder / name, data) for name, model in models.items()
    ]
    return _run(command, paths, (data, None), inputs, out, verbose, options)


def train(task: str, *, out: str | os.PathLike[str], verbose: bool = False, **options: Any) -> Path:
    """Trains a task, `regime="bimt"`, `seed=0`; the folder with the checkpoint and its data."""
    words = ["train", task, *flags(options), f"--out={out}"]
    call([*words, "--verbose" if verbose else "--quiet"], verbose)
    return Path(out)


def report(result: str | os.PathLike[str], *, out: str | os.PathLike[str], **options: Any) -> Path:
    """The page, figures and tables of a result's JSON; the folder."""
    call(["report", str(result), *flags(options), f"--out={out}", "--quiet"])
    return Path(out)
