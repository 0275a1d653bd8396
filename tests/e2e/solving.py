"""A worker that solves in the test's own process, with the real solver."""

import secrets
from typing import Any

import pytest

from api.solve_child import NoPlan, solve
from api.trades import TRADES, trades
from scheduler.domain.jobs import REALLOCATE, SOLVE
from scheduler.operations import jobs
from scheduler.operations.upkeep import lapse_late_offers
from scheduler.ports.store import Transaction
from scheduler.storage.ids import Uuid7Ids
from tests.e2e.center import Center


def hand_of(center: Center) -> jobs.Hand:
    """Return the worker as it acts now."""
    return jobs.Hand(worker="test", now=center.clock.now, ids=Uuid7Ids(secrets.token_bytes))


def work_one(
    center: Center, *, lines: int = 2, kinds: tuple[str, ...] = tuple(TRADES)
) -> dict[str, Any]:
    """Work off the oldest job, telling some lines of progress, and return its result."""
    hand = hand_of(center)
    job = center.store.write(lambda tx: jobs.claim(tx, hand, kinds))
    assert job is not None, "a job waits"
    told = [{"stage": "value", "objective": each} for each in range(lines)]
    center.store.write(lambda tx: jobs.heartbeat(tx, hand, job.lease, told))
    trade = trades()[job.kind]
    with center.store.read() as tx:
        task = trade.prepare(tx, job)
    made = task if trade.command is None else solve(task, lambda _line: None)

    def conclude(tx: Transaction) -> dict[str, Any]:
        result = trade.conclude(tx, hand, job, made)
        return dict(jobs.finish(tx, hand, job.lease, result).result or {})

    return center.store.write(conclude)


def solve_one(center: Center) -> str:
    """Work off the oldest solve and return the id of its scenario."""
    return str(work_one(center)["scenario"])


def fail_one(center: Center) -> str:
    """Work off the oldest solve, which has no plan, as a worker does; return its id."""
    hand = hand_of(center)
    job = center.store.write(lambda tx: jobs.claim(tx, hand, (SOLVE,)))
    assert job is not None, "a job waits"
    with center.store.read() as tx:
        task = trades()[job.kind].prepare(tx, job)
    with pytest.raises(NoPlan) as refusal:
        solve(task, lambda _line: None)
    said = {**refusal.value.fields, "code": refusal.value.code}
    center.store.write(lambda tx: jobs.fail(tx, hand, job.lease, said))
    return job.id


def go_on_one(center: Center) -> dict[str, Any]:
    """Work off the reallocation that is due, and return what became of it."""
    return work_one(center, lines=0, kinds=(REALLOCATE,))


def look_after(center: Center) -> list[str]:
    """Let the worker look at the clock, and return the awards whose offers lapsed."""
    hand = hand_of(center)
    lapsed = center.store.write(lambda tx: lapse_late_offers(tx, hand))
    return [each.id for each in lapsed]
