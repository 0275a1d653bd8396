"""Decide a frozen round of a simulated center: solve, select, sign, check, publish."""

from datetime import datetime

from scheduler.domain.errors import NothingToFreeze
from scheduler.domain.jobs import SOLVE
from scheduler.operations import jobs
from scheduler.operations.decisions import approve_round, publish_round, select_scenario
from scheduler.operations.evidence import approved_documents, check_documents
from scheduler.operations.reallocations import start_reallocation
from scheduler.operations.solves import SolveOrder, keep_scenario, solve_task, start_solve
from scheduler.ports.store import Transaction
from scheduler.simulation.founding import POLICY, REALLOCATION
from scheduler.simulation.world import APPROVER, OPERATOR, SECOND_OPERATOR, World


def decide(
    tx: Transaction, world: World, round_id: str, now: datetime, *, policy: str = POLICY
) -> None:
    """Solve a frozen round and publish what came out, by two people.

    It holds the writer while it solves: in virtual time nobody waits.
    """
    scenario, digest = _solved(tx, world, round_id, now, policy)
    operator, approver = world.act(OPERATOR, now), world.act(APPROVER, now)
    select_scenario(tx, operator, round_id, scenario, "The only one.")
    approve_round(tx, approver, round_id, digest, "Seen.")
    kept = approved_documents(tx, round_id)
    assert kept is not None, "the round has just been approved"
    checked = check_documents(kept, verify=world.verify, verifier=world.verifier)
    publish_round(tx, world.act(SECOND_OPERATOR, now), round_id, digest, checked=checked)


def reallocate(tx: Transaction, world: World, call: str, now: datetime) -> bool:
    """Go on with the last published round of a call, and say whether there was anything to do."""
    last = [each for each in tx.rounds.of_call(call) if each.may_go_on][-1]
    try:
        made, _ = start_reallocation(tx, world.act(OPERATOR, now), last.id, "Hours came back.")
    except NothingToFreeze:
        return False
    decide(tx, world, made.id, now, policy=REALLOCATION)
    return True


def _solved(
    tx: Transaction, world: World, round_id: str, now: datetime, policy: str
) -> tuple[str, str]:
    """Return id and digest of the scenario of a new solve."""
    options = world.options
    order = SolveOrder(
        policy=policy, policy_version=1, seed=options.seed, gap=options.gap, work=options.work
    )
    start_solve(tx, world.act(OPERATOR, now), round_id, order)
    hand = jobs.Hand(worker="simulation", now=now, ids=world.ids)
    job = jobs.claim(tx, hand, (SOLVE,))
    assert job is not None, "the solve has just been queued"
    assert job.lease is not None, "a claimed job has a lease"
    result = keep_scenario(tx, hand, job, world.solve(solve_task(tx, job)))
    jobs.finish(tx, hand, job.lease, result)
    return str(result["scenario"]), str(result["digest"])
