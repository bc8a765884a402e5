"""What is done to one network, on whatever machine: training, a result, a part of a comparison.

The program makes its folders in one step, so that one which is there is whole. Where a worker is
taken for lost and still at work, two runs make the same folder: the first one's stands.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._run import Error, binary, call
from .columns import figures
from .places import Unseen
from .plan import PARTS, RECORD, Network


@dataclass(frozen=True)
class Task:
    """A network and all that a worker needs to know of the sweep."""

    network: Network
    #: The sweep's folder, by a path that all workers have.
    out: str
    command: str | None
    flags: tuple[str, ...]
    threads: int


@dataclass(frozen=True)
class Measurement:
    """A network's part of a comparison, among the networks of its name."""

    task: Task
    #: The program tells networks of one name apart by their paths: it must see them together.
    namesakes: tuple[str, ...]
    flags: tuple[str, ...]


def result(task: Task) -> dict[str, Any]:
    """Trains the network where that is asked for and runs the command; its figures."""
    _see(task.out)
    if task.network.training:
        _train(task)
    if task.command is None:
        return {}
    done = Path(task.out) / task.network.name / f"{task.command}.json"
    fields = _read(done)
    stale = fields is not None and _is_stale(done, fields)
    if fields is None or stale:
        more = ["--force"] if stale else []
        words = [task.command, task.network.path, *task.flags, *more, f"--out={done.parent}"]
        _make(done, words, task.threads)
        fields = _read(done)
    return figures(fields or {})


def measure(measurement: Measurement) -> None:
    """Measures a network into a folder of its own: what is there already is taken from there."""
    task = measurement.task
    _see(task.out)
    own = Path(task.out) / PARTS / task.network.name
    names = measurement.namesakes
    turn = f"--only={names.index(task.network.path) + 1}/{len(names)}"
    call(_words(["compare", *names, *measurement.flags, f"--from={own}", turn], task.threads))


def _see(out: str) -> None:
    """Tells a worker without the sweep's folder or without the program from a bad network."""
    host = socket.gethostname()
    if not (Path(out) / RECORD).is_file():
        said = f"the worker on {host} does not see the sweep's folder"
        remedy = "an `out` on storage that all nodes share, at the same path on each"
        raise Unseen(said, out, remedy)
    try:
        binary()
    except Error as error:
        raise Unseen(f"{error.message} on {host}", remedy=error.remedy) from None


def _train(task: Task) -> None:
    done = Path(task.network.path) / "config.json"
    if not done.is_file():
        _make(done, [*task.network.training, f"--out={done.parent}"], task.threads)


def _make(done: Path, words: Sequence[str], threads: int) -> None:
    """Runs the program, unless another run has made the same meanwhile."""
    try:
        call(_words(words, threads))
    except Error:
        if "--force" in words or not done.is_file():
            raise


def _words(words: Sequence[str], threads: int) -> list[str]:
    return [*words, f"--threads={threads}", "--quiet"]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def _is_stale(done: Path, fields: Mapping[str, Any]) -> bool:
    """Whether the network or its data were written since, and are others than they were."""
    made = done.stat().st_mtime_ns
    for source in (fields.get("checkpoint"), fields.get("data")):
        file = Path(source["path"]) if source else done
        if not file.is_file() or file.stat().st_mtime_ns <= made:
            continue
        if hashlib.sha256(file.read_bytes()).hexdigest() != source["sha256"]:
            return True
    return False
