"""What sharing work costs and brings: one process, fresh processes, a Dask cluster."""

import importlib
import importlib.util
import os
import resource
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from api.solving import Question, answer
from benchmarks.instances import table
from benchmarks.rounds_like import innocore_like
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.counterfactuals import Explorer, counterfactuals
from solver.pipeline import Limits
from solver.plan import Plan
from solver.problem import Problem
from solver.spread import Crew, cluster, here, processes

FELLOWS = int(os.environ.get("DURE_SPREAD_FELLOWS", "60"))
WORKERS = 2


def main() -> None:
    """Explain every request of one plan by several crews; the answers have to be the same."""
    print("### Scale-out\n")
    formulation = formulate(read_round(innocore_like(FELLOWS)), find_policy("rank_and_fund"))
    limits = Limits(time_seconds=None, work=None, clock=time.process_time)
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=limits)
    problem, plan = formulation.problem, answer(question, lambda _: None).plan
    rows: list[list[object]] = []
    alone = 0.0, 0.0
    expected = shown(problem, plan, here())  # compiles what is not compiled yet
    for name, opened in crews():
        wall, cpu = time.perf_counter(), spent()
        with opened as crew:
            assert shown(problem, plan, crew) == expected, f"{name} answers otherwise"
        wall, cpu = time.perf_counter() - wall, spent() - cpu
        alone = alone if alone[0] else (wall, cpu)
        figures = f"{cpu:.1f}", f"{cpu - alone[1]:+.1f}", f"{alone[0] / wall:.2f}x"
        rows.append([name, problem.requests, *figures])
    table(["crew", "requests", "CPU s", "more than alone", "speed-up by the wall clock"], rows)


def shown(problem: Problem, plan: Plan, crew: Crew) -> list[list[bytes]]:
    """Return the plans that are shown for every request."""
    found = counterfactuals(Explorer(problem, plan), range(problem.requests), crew)
    return [[each.delta.tobytes() for each in mine] for mine in found]


def crews() -> Iterator[tuple[str, AbstractContextManager[Crew]]]:
    """Yield the crews to compare; a cluster of this machine's own where Dask is installed."""
    yield "this process", nullcontext(here())
    yield "one fresh process", nullcontext(processes(1))
    yield f"{WORKERS} fresh processes", nullcontext(processes(WORKERS))
    if importlib.util.find_spec("distributed"):
        yield f"Dask, {WORKERS} workers", local_cluster()


@contextmanager
def local_cluster() -> Iterator[Crew]:
    """Run a Dask cluster of processes on this machine."""
    dask = importlib.import_module("distributed")
    with dask.LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, dashboard_address=None
    ) as running:
        yield cluster(running.scheduler_address)


def spent() -> float:
    """Return CPU seconds of this process and of all that have ended under it."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


if __name__ == "__main__":
    main()
