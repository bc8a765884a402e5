"""One comparison of all networks of a sweep, each measured where there is room.

The parts that workers leave are those that `modscope compare --from` reads, whoever made them.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._result import Result
from .._run import Error, call, flags
from .places import Place
from .plan import COMPARISON, PARTS, absolute, result_name
from .work import Measurement, Task, measure


def compared(tasks: Sequence[Task], options: Mapping[str, Any], place: Place) -> Result:
    """Measures every network on the same samples, and sets all of them side by side.

    Raises:
        Error: as the program on one machine, where networks cannot stand side by side.
    """
    if not tasks:
        raise Error("no network is left to be compared", remedy="the rows say what each lacks")
    paths = [task.network.path for task in tasks]
    options = {**options, "data": options.get("data") or _data_beside(paths[0])}
    words = tuple(flags(absolute(options)))
    for _, outcome in place.run(measure, _measurements(tasks, words)):
        if isinstance(outcome, Error):
            raise outcome
    out = Path(tasks[0].out)
    folder = out / COMPARISON
    gathered = _gather(out / PARTS, [task.network.name for task in tasks])
    more = [f"--from={gathered}", f"--out={folder}", "--quiet"]
    more += ["--force"] if folder.exists() else []
    code = call(["compare", *paths, *words, *more])
    return Result("compare", folder, code, None, None)


def _measurements(tasks: Sequence[Task], words: tuple[str, ...]) -> list[Measurement]:
    named = defaultdict(list)
    for task in tasks:
        named[result_name(task.network.path)].append(task.network.path)
    names = [tuple(named[result_name(task.network.path)]) for task in tasks]
    return [Measurement(task, some, words) for task, some in zip(tasks, names)]


def _data_beside(path: str) -> str | None:
    """The samples that the program takes where none are named: those beside the first."""
    folder = Path(path) if os.path.isdir(path) else Path(path).parent
    data = folder / "data.safetensors"
    return str(data) if data.is_file() else None


def _gather(parts: Path, names: Sequence[str]) -> Path:
    """Brings the parts into one folder, as links where the file system has them.

    A worker reads every part of its folder before it begins: in one folder for all, the work of
    reading would grow with the square of their number.
    """
    for name in names:
        for part in (parts / name).glob("*.part"):
            target = parts / part.name
            try:
                os.link(part, target)
            except FileExistsError:
                pass
            except OSError:
                shutil.copyfile(part, target)
    return parts
