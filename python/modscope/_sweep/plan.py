"""What a sweep consists of: its networks, what each is called, and the flags of all.

`sweep.json` in the folder of the sweep keeps both, so that the same sweep finds its results
again and another one is refused. Nothing is run here.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._run import Error, flags
from .rows import whole

RECORD = "sweep.json"
#: Folders of a sweep that no result may be called.
NETWORKS, PARTS, COMPARISON = "networks", "parts", "compare"

#: Flags whose values are files: a worker may stand in another folder.
_FILES = {"circuit", "data", "known", "labels", "test_data", "test_labels"}


@dataclass(frozen=True)
class Network:
    """A checkpoint, or a point of a training grid that becomes one."""

    name: str
    #: As it was given, for people.
    shown: str
    #: Where it is, for any process.
    path: str
    #: `["train", TASK, flags…]`, where it is trained first.
    training: tuple[str, ...] = ()
    #: What the grid says of it, by the names of columns.
    point: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """The folder of a sweep, what it runs on each network, and the networks."""

    out: Path
    command: str | None
    flags: tuple[str, ...]
    networks: tuple[Network, ...]


def of_checkpoints(
    out: Path, command: str | None, options: Mapping[str, Any], checkpoints: Iterable[Any]
) -> Plan:
    """A sweep over checkpoints that are there."""
    if isinstance(checkpoints, (str, os.PathLike)):
        raise TypeError(f"checkpoints are a list of paths: [{str(checkpoints)!r}]")
    shown = [str(path) for path in checkpoints]
    paths = [os.path.abspath(path) for path in shown]
    names = _names(out, [(result_name(path), path) for path in paths])
    networks = map(Network, names, shown, paths)
    return Plan(out, command, tuple(flags(absolute(options))), tuple(networks))


def of_grid(
    out: Path,
    command: str | None,
    options: Mapping[str, Any],
    task: str,
    grid: Mapping[str, Any],
) -> Plan:
    """A sweep over trainings: a list of the grid varies, any other value is that of all."""
    points = _points(grid)
    words = [("train", task, *flags(absolute(point))) for point in points]
    varied = [key for key, value in grid.items() if _is_list(value)]
    wanted = [_point_name(task, {key: point[key] for key in varied}) for point in points]
    names = _names(out, [(name, " ".join(said)) for name, said in zip(wanted, words)])
    networks = []
    for name, said, point in zip(names, words, points):
        folder = out / NETWORKS / name
        columns = tuple((f"train_{key}", value) for key, value in point.items())
        network = Network(name, str(folder), os.path.abspath(folder), said, columns)
        networks.append(network)
    return Plan(out, command, tuple(flags(absolute(options))), tuple(networks))


def begin(plan: Plan) -> None:
    """Makes the folder and its record, or refuses one that holds another sweep."""
    before = _record(plan.out)
    words = [plan.command or "", *plan.flags]
    if before and before["command"] != words:
        said = "results of other flags are there: `modscope " + " ".join(before["command"]) + "`"
        raise Error(said, str(plan.out), "another `out`, or remove this one")
    called = {network.name: " ".join(network.training) or network.path for network in plan.networks}
    networks = {**before.get("networks", {}), **called}
    plan.out.mkdir(parents=True, exist_ok=True)
    record = {"command": words, "networks": networks}
    whole(plan.out / RECORD, json.dumps(record, indent=1) + "\n")


def absolute(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options whose files any process finds."""
    return {key: _absolute(key, value) for key, value in options.items()}


def result_name(path: str) -> str:
    """What the program calls a network: its folder, or its file where that says more."""
    file = Path(path)
    if file.is_dir():
        return file.name or "network"
    usual = file.stem in ("model", "model.safetensors.index")
    return (file.parent.name if usual else file.stem) or "network"


def _absolute(key: str, value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_absolute(key, one) for one in value]
    is_file = isinstance(value, os.PathLike) or (
        key in _FILES and isinstance(value, str) and os.path.exists(value)
    )
    return os.path.abspath(value) if is_file else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, os.PathLike))


def _points(grid: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination, the last key's values beside each other."""
    values = [list(value) if _is_list(value) else [value] for value in grid.values()]
    plain = [[one.item() if hasattr(one, "item") else one for one in some] for some in values]
    return [dict(zip(grid, point)) for point in itertools.product(*plain)]


def _point_name(task: str, varied: Mapping[str, Any]) -> str:
    """`independence-bimt-hidden20-s3`: the seed last, as the program names networks."""
    words = [task]
    for key, value in varied.items():
        if key != "seed":
            words.append(str(value) if key == "regime" else f"{key.replace('_', '')}{value}")
    if "seed" in varied:
        words.append(f"s{varied['seed']}")
    name = "-".join(words)
    return "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in name)


def _names(out: Path, wanted: Sequence[tuple[str, str]]) -> list[str]:
    """A name of its own for each, the one it had before if the sweep is there already.

    Args:
        wanted: the name that each would have alone, and what it is.
    """
    before: dict[str, str] = _record(out).get("networks", {})
    taken = {NETWORKS, PARTS, COMPARISON}
    names = []
    for name, what in wanted:
        numbered = (name if n == 1 else f"{name}-{n}" for n in itertools.count(1))
        free = (one for one in numbered if one not in taken and before.get(one, what) == what)
        names.append(next(free))
        taken.add(names[-1])
    return names


def _record(out: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
