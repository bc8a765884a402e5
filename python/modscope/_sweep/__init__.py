"""Many networks, each in a process of its own: here, or on a Ray cluster.

The rows are the results' figures; the results are the program's. Nothing is computed here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from .. import _files
from .._result import Result, Rows, _typed
from .._run import Error
from . import plan as plans
from .columns import ABOUT, FIGURES, Column, of_point, row
from .comparison import compared
from .places import Place, uses_ray
from .rows import Lines, Table, check
from .work import Task, result

#: Commands of one checkpoint.
COMMANDS = ("audit", "prune", "modules", "circuit", "stability", "intervene", "lens")


class Sweep(Rows):
    """The rows of a sweep, in the order given, and the comparison where one was asked for."""

    comparison: Result | None = None


def sweep(
    checkpoints: Iterable[Any] | None = None,
    *,
    out: str | os.PathLike[str],
    command: str | None = "audit",
    train: str | None = None,
    grid: Mapping[str, Any] | None = None,
    compare: bool | Mapping[str, Any] = False,
    rows: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    ray: bool | None = None,
    retries: int = 3,
    **options: Any,
) -> Sweep:
    """Runs a command on every checkpoint, or on every network of a training grid.

        modscope.sweep(paths, out="audits", threshold="auto")
        modscope.sweep(train="independence", out="grid", compare=True,
                       grid={"regime": ["bimt", "vanilla"], "seed": range(5), "steps": 4000})

    What is there already is not computed again, so that a sweep that was interrupted goes on;
    a checkpoint that is refused is a row with its error, and the others go on.

    Args:
        checkpoints: paths of files or folders.
        out: the folder of the sweep. Inside, a folder for each result; `sweep.jsonl`, a line
            for each row as soon as it is there, in the order given at the end; `networks/`,
            what was trained; `compare/`, the comparison.
        command: one of `COMMANDS`; `None` to train or compare alone.
        train: a task of `modscope train`, for a grid in place of checkpoints.
        grid: flags of `train`. A list or range varies, any other value is that of all.
        compare: ends in one comparison of the networks whose rows have no error, by the same
            flags or, in a dict, by these besides; samples are `data`, else those beside the first.
        rows: a `.parquet` or `.arrow` file that the rows go to as well (needs pyarrow).
        workers: programs at a time on this machine; as many as it has processors, by default.
        ray: whether tasks run on a Ray cluster; by default where one is initialised. `out` and
            checkpoints must then be on storage that all nodes see, by the same paths.
        retries: how often a task is run again whose worker or program was lost.
        options: flags of the command line, for every checkpoint. `threads`, 1 by default, is
            also how many processors a task of Ray takes.

    Raises:
        Error: what is wrong with the sweep as a whole, or with its comparison.
    """
    if command is not None and command not in COMMANDS:
        remedy = "one of " + ", ".join(COMMANDS)
        raise Error(f"`{command}` is no command of one checkpoint", remedy=remedy)
    table = None if rows is None else Path(rows)
    if table:
        check(table)
    threads = int(options.pop("threads", None) or 1)
    local = workers or max(1, (os.cpu_count() or 1) // threads)
    place = Place(uses_ray(ray), local, threads, retries)
    folder = Path(out)
    options["data"] = _files.data_path(options.get("data"), None, folder)
    plan = _plan(folder, command, options, checkpoints, train, grid)
    plans.begin(plan)
    at = os.path.abspath(folder)
    tasks = [Task(network, at, command, plan.flags, threads) for network in plan.networks]
    found = _rows(plan, tasks, place, table)
    answer = Sweep(_typed(one) for one in found)
    if compare:
        more = compare if isinstance(compare, Mapping) else {}
        whole = [task for task, one in zip(tasks, found) if one["error"] is None]
        answer.comparison = compared(whole, {**options, **more}, place)
    return answer


def _plan(
    out: Path,
    command: str | None,
    options: dict[str, Any],
    checkpoints: Iterable[Any] | None,
    train: str | None,
    grid: Mapping[str, Any] | None,
) -> plans.Plan:
    if (checkpoints is None) == (train is None) or (train is None) != (grid is None):
        raise TypeError("a sweep is over checkpoints, or over a grid of what to `train`")
    if train is not None and grid is not None:
        return plans.of_grid(out, command, options, train, grid)
    return plans.of_checkpoints(out, command, options, checkpoints or [])


def _rows(
    plan: plans.Plan, tasks: Sequence[Task], place: Place, table: Path | None
) -> list[dict[str, Any]]:
    """Runs the tasks; the rows in the order given, each written as it comes."""
    points = [dict(network.point) for network in plan.networks]
    columns = (ABOUT[0], *of_point(points), *ABOUT[1:], *FIGURES)
    found: list[dict[str, Any]] = [{} for _ in tasks]
    with ExitStack() as files:
        lines = files.enter_context(Lines(plan.out / "sweep.jsonl"))
        writers: list[Lines | Table] = [lines]
        if table:
            writers.append(files.enter_context(Table(table, columns)))
        outcomes = files.enter_context(closing(place.run(result, tasks)))
        for n, outcome in outcomes:
            found[n] = _row(columns, plan, plan.networks[n], outcome)
            for writer in writers:
                writer.add(n, found[n])
    return found


def _row(
    columns: Sequence[Column],
    plan: plans.Plan,
    network: plans.Network,
    outcome: dict[str, Any] | Error,
) -> dict[str, Any]:
    failed = isinstance(outcome, Error)
    known = {} if isinstance(outcome, Error) else outcome
    folder = None if failed or plan.command is None else str(plan.out / network.name)
    error = str(outcome) if failed else None
    about = {"checkpoint": network.shown, "folder": folder, "error": error}
    return row(columns, {**known, **about, **dict(network.point)})


__all__ = ["Sweep", "sweep"]
