"""Decide a frozen round of a simulated center: solve, select, sign, check, publish."""

from collections.abc import Iterator
from datetime import datetime

from scheduler.domain.jobs import REALLOCATE, SOLVE
from scheduler.operations import jobs
from scheduler.operations.decisions import approve_round, publish_round, select_scenario
from scheduler.operations.evidence import approved_documents, check_documents
from scheduler.operations.solves import SolveOrder, keep_scenario, solve_task, start_solve
from scheduler.operations.upkeep import go_on
from scheduler.ports.store import Transaction
from scheduler.simulation.founding import POLICY, REALLOCATION
from scheduler.simulation.world import APPROVER, OPERATOR, SECOND_OPERATOR, World


def decide(tx: Transaction, world: World, round_id: str, now: datetime) -> None:
    """Solve a frozen round and publish what came out, by two people.

    It holds the writer while it solves: in virtual time nobody waits.
    """
    start_solve(tx, world.act(OPERATOR, now), round_id, _order(world, POLICY))
    _decide(tx, world, round_id, now)


def _decide(tx: Transaction, world: World, round_id: str, now: datetime) -> None:
    scenario, digest = _solved(tx, world, now)
    operator, approver = world.act(OPERATOR, now), world.act(APPROVER, now)
    select_scenario(tx, operator, round_id, scenario, "The only one.")
    approve_round(tx, approver, round_id, digest, "Seen.")
    kept = approved_documents(tx, round_id)
    assert kept is not None, "the round has just been approved"
    checked = check_documents(kept, verify=world.verify, verifier=world.verifier)
    publish_round(tx, world.act(SECOND_OPERATOR, now), round_id, digest, checked=checked)


def reallocate(tx: Transaction, world: World, now: datetime) -> Iterator[str]:
    """Decide the reallocations that are due, and yield their calls."""
    hand = _hand(world, now)
    while (job := jobs.claim(tx, hand, (REALLOCATE,))) is not None:
        assert job.lease is not None, "a claimed job has a lease"
        done = go_on(tx, hand, job, _order(world, REALLOCATION))
        jobs.finish(tx, hand, job.lease, done)
        if done["round"] is not None:
            _decide(tx, world, str(done["round"]), now)
            yield job.subject


def _hand(world: World, now: datetime) -> jobs.Hand:
    return jobs.Hand(worker="simulation", now=now, ids=world.ids)


def _order(world: World, policy: str) -> SolveOrder:
    options = world.options
    return SolveOrder(
        policy=policy, policy_version=1, seed=options.seed, gap=options.gap, work=options.work
    )


def _solved(tx: Transaction, world: World, now: datetime) -> tuple[str, str]:
    """Return id and digest of the scenario of the solve that waits."""
    hand = _hand(world, now)
    job = jobs.claim(tx, hand, (SOLVE,))
    assert job is not None, "the solve has just been queued"
    assert job.lease is not None, "a claimed job has a lease"
    result = keep_scenario(tx, hand, job, world.solve(solve_task(tx, job)))
    jobs.finish(tx, hand, job.lease, result)
    return str(result["scenario"]), str(result["digest"])
