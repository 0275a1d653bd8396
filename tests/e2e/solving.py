"""A worker that solves in the test's own process, with the real solver."""

import secrets
from typing import Any

from api.solve_child import solve
from api.trades import TRADES
from scheduler.operations import jobs
from scheduler.ports.store import Transaction
from scheduler.storage.ids import Uuid7Ids
from tests.e2e.center import Center


def work_one(center: Center, *, lines: int = 2) -> dict[str, Any]:
    """Work off the oldest job, telling some lines of progress, and return its result."""
    hand = jobs.Hand(worker="test", now=center.clock.now, ids=Uuid7Ids(secrets.token_bytes))
    job = center.store.write(lambda tx: jobs.claim(tx, hand, list(TRADES)))
    assert job is not None, "a job waits"
    told = [{"stage": "value", "objective": each} for each in range(lines)]
    center.store.write(lambda tx: jobs.heartbeat(tx, hand, job.lease, told))
    trade = TRADES[job.kind]
    with center.store.read() as tx:
        task = trade.prepare(tx, job)
    made = solve(task, lambda _line: None)

    def conclude(tx: Transaction) -> dict[str, Any]:
        result = trade.conclude(tx, hand, job, made)
        return dict(jobs.finish(tx, hand, job.lease, result).result or {})

    return center.store.write(conclude)


def solve_one(center: Center) -> str:
    """Work off the oldest solve and return the id of its scenario."""
    return str(work_one(center)["scenario"])
