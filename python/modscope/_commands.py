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
    config: Mapping[str, Any] | None,
    out: Out,
    verbose: bool,
    options: dict[str, Any],
) -> Result:
    inputs = tempfile.TemporaryDirectory(prefix="modscope-")
    folder = Path(inputs.name)
    checkpoint = _files.model_path(model, config, folder / "model", data)
    samples = _files.data_path(data, model, folder)
    given = dict(options) if samples is None else {"data": samples, **options}
    return run(command, [str(checkpoint)], given, out, inputs, verbose)


def audit(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
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
        options: flags of the command line, `threshold="auto"`, `certify=True`, `seed=1`.

    Raises:
        Error: what is wrong with the files, with its remedy.
    """
    return _of_one("audit", model, data, config, out, verbose, options)


def prune(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Prunes below a threshold and verifies that outputs stay; see `audit`."""
    return _of_one("prune", model, data, config, out, verbose, options)


def certify(model: Any, data: Any = None, **options: Any) -> Result:
    """`prune` with a proof that outputs stay, for every input of the domain."""
    return prune(model, data, certify=True, **options)


def modules(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Finds modules and tests them against chance; see `audit`."""
    return _of_one("modules", model, data, config, out, verbose, options)


def circuit(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Discovers circuits and judges them: `method="eap"`, `top=200`; see `audit`."""
    return _of_one("circuit", model, data, config, out, verbose, options)


def stability(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Would another honest analyst have found the same circuit; see `audit`."""
    return _of_one("stability", model, data, config, out, verbose, options)


def intervene(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Runs the network with an edit, `ablate="h0.3"`, `set="x1=0.5"`: what moved."""
    return _of_one("intervene", model, data, config, out, verbose, options)


def lens(
    model: Any,
    data: Any = None,
    *,
    config: Mapping[str, Any] | None = None,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Logit lens, direct logit attribution, attention of a transformer; see `audit`."""
    return _of_one("lens", model, data, config, out, verbose, options)


def compare(
    models: Sequence[Any],
    data: Any = None,
    *,
    out: Out = None,
    verbose: bool = False,
    **options: Any,
) -> Result:
    """Training regimes over seeds: a checkpoint of each, as paths or in memory."""
    inputs = tempfile.TemporaryDirectory(prefix="modscope-")
    folder = Path(inputs.name)
    paths = [
        str(_files.model_path(model, None, folder / f"model-{n}", data))
        for n, model in enumerate(models)
    ]
    samples = _files.data_path(data, None, folder)
    given = options if samples is None else {"data": samples, **options}
    return run("compare", paths, dict(given), out, inputs, verbose)


def diff(
    old: Any, new: Any, data: Any = None, *, out: Out = None, verbose: bool = False, **options: Any
) -> Result:
    """Two versions of one network: what changed."""
    inputs = tempfile.TemporaryDirectory(prefix="modscope-")
    folder = Path(inputs.name)
    paths = [
        str(_files.model_path(model, None, folder / name, data))
        for name, model in (("old", old), ("new", new))
    ]
    samples = _files.data_path(data, None, folder)
    given = options if samples is None else {"data": samples, **options}
    return run("diff", paths, dict(given), out, inputs, verbose)


def train(task: str, *, out: str | os.PathLike[str], verbose: bool = False, **options: Any) -> Path:
    """Trains a task, `regime="bimt"`, `seed=0`; the folder with the checkpoint and its data."""
    words = ["train", task, *flags(options), f"--out={out}"]
    call([*words, "--verbose" if verbose else "--quiet"], verbose)
    return Path(out)


def report(result: str | os.PathLike[str], *, out: str | os.PathLike[str], **options: Any) -> Path:
    """The page, figures and tables of a result's JSON; the folder."""
    call(["report", str(result), *flags(options), f"--out={out}", "--quiet"])
    return Path(out)
