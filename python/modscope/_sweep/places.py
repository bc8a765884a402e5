"""Where tasks run: in threads that wait for programs here, or on a Ray cluster.

Both give outcomes as they come and run a task again whose worker or program was lost. What a
task does is not known here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, TypeVar

from .._run import Error, Lost

Job = TypeVar("Job")
Done = TypeVar("Done")


class Unseen(Error):
    """A worker lacks what all need: no fault of one task, and the end of the sweep."""


@dataclass(frozen=True)
class Place:
    """How many at a time, or a cluster; and how often a lost task is tried again."""

    ray: bool
    workers: int
    threads: int
    retries: int

    def run(
        self, work: Callable[[Job], Done], jobs: Sequence[Job]
    ) -> Iterator[tuple[int, Done | Error]]:
        """Each job's place in the order given and its outcome, the first that is done first.

        A task that raises `Error` has it for an outcome. `Unseen` and whatever is no `Error`
        is raised here, and what has not begun then never does.
        """
        return self._on_ray(work, jobs) if self.ray else self._here(work, jobs)

    def _here(self, work: Callable[[Any], Any], jobs: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        pool = ThreadPoolExecutor(self.workers)
        try:
            tasks = {pool.submit(_tried, work, job, self.retries): n for n, job in enumerate(jobs)}
            for task in as_completed(tasks):
                try:
                    yield tasks[task], task.result()
                except Unseen:
                    raise
                except Error as error:
                    yield tasks[task], error
        finally:
            pool.shutdown(cancel_futures=True)

    def _on_ray(
        self, work: Callable[[Any], Any], jobs: Sequence[Any]
    ) -> Iterator[tuple[int, Any]]:
        import ray

        remote = ray.remote(num_cpus=self.threads, max_retries=self.retries)(_tried)
        places = {remote.remote(work, job, self.retries): n for n, job in enumerate(jobs)}
        pending = list(places)
        try:
            while pending:
                ray.wait(pending, num_returns=1)
                # All that are there: to ask for one is as long as to ask for every one.
                ready, pending = ray.wait(pending, num_returns=len(pending), timeout=0)
                for task in ready:
                    yield places.pop(task), _from_ray(task)
        finally:
            for task in pending:
                ray.cancel(task)


def uses_ray(asked: bool | None) -> bool:
    """Whether a cluster is asked for, or one is initialised and not declined."""
    if asked is None:
        ray = sys.modules.get("ray")
        return ray is not None and bool(ray.is_initialized())
    if asked:
        try:
            import ray  # noqa: F401
        except ImportError:
            remedy = "pip install ray; without `ray=True` a sweep runs on this machine"
            raise Error("Ray is not installed", remedy=remedy) from None
    return asked


def _tried(work: Callable[[Any], Any], job: Any, retries: int) -> Any:
    """A task's result; where its program is ended from outside, it is run again."""
    for _ in range(retries):
        try:
            return work(job)
        except Lost:
            continue
    return work(job)


def _from_ray(task: Any) -> Any:
    """A task's result, or the `Error` that it comes to."""
    import ray

    try:
        return ray.get(task)
    except ray.exceptions.RayTaskError as raised:
        cause = raised.cause
        if isinstance(cause, Error) and not isinstance(cause, Unseen):
            return cause
        raise cause from None
    except ray.exceptions.TaskCancelledError:
        raise
    except ray.exceptions.RayError as lost:
        said = f"its worker was lost too often ({type(lost).__name__})"
        return Lost(said, remedy="the same sweep again goes on with what is missing")
