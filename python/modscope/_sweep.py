"""Many checkpoints, each in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ._result import Result, Rows, _typed
from ._run import Error, run


def _one(command: str, path: str, folder: str, options: dict[str, Any]) -> dict[str, Any]:
    """One checkpoint's result, computed once: a folder that is there is whole."""
    out = Path(folder)
    done = out / f"{command}.json"
    if not done.is_file():
        run(command, [path], options, out, None, False)
    fields = json.loads(done.read_text(encoding="utf-8"))
    summary = {s["subject"]: s["status"] for s in fields.get("summary", [])}
    return {"checkpoint": path, "folder": folder, "status": summary}


def _kept(command: str, path: str, folder: str, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return {**_one(command, path, folder, options), "error": None}
    except Error as error:
        return {"checkpoint": path, "folder": folder, "status": {}, "error": str(error)}


def sweep(
    checkpoints: Iterable[Any],
    *,
    out: str | Path,
    command: str = "audit",
    workers: int = 2,
    ray: bool | None = None,
    **options: Any,
) -> Rows:
    """Runs a command on every checkpoint; a row for each, in the order given.

    A result that is there already is not computed again, so that a sweep that was
    interrupted goes on; a checkpoint that is refused is a row with its error, and the
    others go on. On a Ray cluster (`ray=True`, or one that is initialised) each runs as a
    task that is retried where a worker is lost; else in `workers` processes here.

    Args:
        checkpoints: paths.
        out: the folder of all results, one folder inside for each checkpoint.
        options: flags of the command line, for every checkpoint.
    """
    paths = [str(path) for path in checkpoints]
    names: dict[str, int] = {}
    jobs = []
    for path in paths:
        name = Path(path).stem if Path(path).is_file() else Path(path).name
        names[name] = names.get(name, 0) + 1
        name = name if names[name] == 1 else f"{name}-{names[name]}"
        jobs.append((command, path, str(Path(out) / name), dict(options)))
    Path(out).mkdir(parents=True, exist_ok=True)
    rows = _on_ray(jobs) if _uses_ray(ray) else _here(jobs, workers)
    (Path(out) / "sweep.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Rows(_typed(row) for row in rows)


def _uses_ray(asked: bool | None) -> bool:
    if asked is False:
        return False
    try:
        import ray
    except ImportError:
        if asked:
            raise
        return False
    return bool(asked) or bool(ray.is_initialized())


def _here(jobs: list[tuple[str, str, str, dict[str, Any]]], workers: int) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda job: _kept(*job), jobs))


def _on_ray(jobs: list[tuple[str, str, str, dict[str, Any]]]) -> list[dict[str, Any]]:
    import ray

    task = ray.remote(max_retries=3)(_kept)
    found: list[dict[str, Any]] = ray.get([task.remote(*job) for job in jobs])
    return found


__all__ = ["Result", "sweep"]
