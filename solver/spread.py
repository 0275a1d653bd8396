"""Spread: many tasks over worker processes or a cluster; results do not show who did them."""

import importlib
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ParamSpec, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")
Inputs = ParamSpec("Inputs")

TRIES = 3
"""Rounds in which every unfinished task loses its worker before we give up."""


class WorkersLost(RuntimeError):  # noqa: N818 - named for what happened
    """Workers died again and again, and no task was finished in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Where tasks are done.

    Attributes:
        open: makes an executor that ends with its context; called again after a loss.
        lost: what an executor raises for a task whose worker died.
        workers: how many tasks are done at once.
    """

    open: Callable[[], AbstractContextManager[Executor]]
    lost: tuple[type[BaseException], ...] = (BrokenExecutor, CancelledError)
    workers: int = 1


def here() -> Crew:
    """Return a crew of this very process: one task after another."""
    return Crew(open=_Inline)


def processes(workers: int) -> Crew:
    """Return a crew of fresh processes, which inherit no threads and no locks of this one.

    Raises:
        ValueError: If there is to be no worker.
    """
    if workers < 1:
        raise ValueError(f"{workers} workers: must be 1 or more.")
    fresh = multiprocessing.get_context("spawn")
    return Crew(open=lambda: ProcessPoolExecutor(workers, mp_context=fresh), workers=workers)


def cluster(address: str) -> Crew:
    """Return the workers of a Dask cluster; needs the extra ``cluster``.

    Args:
        address: of its scheduler, such as ``tcp://head:8786``.

    Raises:
        ModuleNotFoundError: If the extra is not installed.
    """
    dask = importlib.import_module("distributed")
    killed = importlib.import_module("distributed.scheduler").KilledWorker
    with dask.Client(address) as client:
        workers = max(1, sum(client.nthreads().values()))
    return Crew(
        open=lambda: _OnCluster(dask, address),
        lost=(BrokenExecutor, CancelledError, killed),
        workers=workers,
    )


def spread(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    crew: Crew,
    *,
    tries: int = TRIES,
    done: Callable[[int], None] | None = None,
) -> list[Result]:
    """Return the results of tasks in the order of the tasks.

    A task whose worker dies is done again, so that a death costs time and changes nothing. Tasks
    therefore have to be pure: the same argument, the same result, no trace elsewhere.

    Args:
        work: a function that workers can import, so no closure.
        tasks: its arguments, one a task; they travel to the workers.
        crew: who does it.
        tries: rounds without one finished task after which we give up.
        done: told how many tasks are finished, whenever one is.

    Raises:
        WorkersLost: If the workers of all that is left died in `tries` rounds on end.
        Exception: What a task raised; of several the first in the order of the tasks.
    """
    board = _Board(tasks=tasks, results={}, failures={}, done=done)
    idle = 0
    while board.missing and not board.failures:
        before = len(board.results)
        with crew.open() as executor:
            board.one_round(executor, work, crew.lost)
        idle = 0 if len(board.results) > before else idle + 1
        if idle >= tries and not board.failures:
            raise WorkersLost(f"{len(board.missing)} tasks lost their worker {tries} times.")
    if board.failures:
        raise board.failures[min(board.failures)]
    return [board.results[index] for index in range(len(tasks))]


def chunks(count: int, workers: int, *, each: int = 4) -> list[range]:
    """Cut ``0 … count − 1`` into ranges that keep workers busy to the end.

    Args:
        count: how many there are.
        workers: who share them.
        each: ranges a worker gets on average; more even out work of uneven length.
    """
    parts = min(count, max(1, workers * each)) if workers > 1 else min(count, 1)
    edges = [count * part // parts for part in range(parts + 1)] if parts else [0]
    return [range(low, high) for low, high in pairwise(edges)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    """What is finished and what is not."""

    tasks: Sequence[Any]
    results: dict[int, Any]
    failures: dict[int, Exception]
    done: Callable[[int], None] | None

    @property
    def missing(self) -> list[int]:
        """Places of the tasks without a result."""
        return [index for index in range(len(self.tasks)) if index not in self.results]

    def one_round(
        self,
        executor: Executor,
        work: Callable[[Any], Any],
        lost: tuple[type[BaseException], ...],
    ) -> None:
        """Hand out what is missing and take in what comes back."""
        waiting: dict[Future[Any], int] = {}
        try:
            for index in self.missing:
                waiting[executor.submit(work, self.tasks[index])] = index
        except lost:
            pass  # what was handed out may still come back; the rest waits for the next round
        for future in as_completed(waiting):
            self.take(waiting[future], future, lost)

    def take(self, index: int, future: Future[Any], lost: tuple[type[BaseException], ...]) -> None:
        """Note how one task ended; a lost worker is no end."""
        try:
            self.results[index] = future.result()
        except lost:
            return
        except Exception as error:  # noqa: BLE001 - it is raised again when all have come back
            self.failures[index] = error
            return
        if self.done is not None:
            self.done(len(self.results))


class _Inline(Executor):
    """Does each task at once where it is handed in."""

    def submit(
        self, fn: Callable[Inputs, Result], /, *args: Inputs.args, **kwargs: Inputs.kwargs
    ) -> Future[Result]:
        """Return a future that is finished already."""
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - the future carries it, as executors do
            future.set_exception(error)
        return future


class _OnCluster(AbstractContextManager[Executor]):
    """A cluster's executor for as long as the context lasts."""

    def __init__(self, dask: Any, address: str) -> None:  # noqa: ANN401 - a module
        self.client = dask.Client(address)

    def __enter__(self) -> Executor:
        executor: Executor = self.client.get_executor()
        return executor

    def __exit__(self, *_: object) -> None:
        self.client.close()
