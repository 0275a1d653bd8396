"""A round that is solved for real and published, and one that goes on with it."""

from datetime import datetime

from api.checking import broken_rules
from api.solve_child import solve
from scheduler.domain.rounds import Round
from scheduler.domain.scenarios import Scenario
from scheduler.operations import jobs
from scheduler.operations.decisions import approve_round, select_scenario
from scheduler.operations.reallocations import start_reallocation
from scheduler.operations.solves import SolveOrder, keep_scenario, solve_task, start_solve
from scheduler.ports.store import Transaction
from tests.unit.operations.center import IDS, act, publish


def a_solved_scenario(tx: Transaction, round_: Round, policy: str, now: datetime) -> Scenario:
    """Solve a frozen round in this process and keep what comes out."""
    start_solve(tx, act("starter", now), round_.id, SolveOrder(policy=policy))
    hand = jobs.Hand(worker="test", now=now, ids=IDS)
    job = jobs.claim(tx, hand, ["solve"])
    made = solve(solve_task(tx, job), lambda _line: None)
    told = keep_scenario(tx, hand, job, made)
    jobs.finish(tx, hand, job.lease, told)
    return tx.scenarios.find(told["scenario"])


def signed(tx: Transaction, round_: Round, scenario: Scenario, now: datetime) -> Round:
    """Select, approve and publish a scenario, its plan checked for real."""
    select_scenario(tx, act("operator", now), round_.id, scenario.id, "The only one.")
    approve_round(tx, act("approver", now), round_.id, scenario.digest, "Agreed.")
    return publish(tx, act("operator", now), round_.id, scenario.digest, verify=broken_rules)[0]


def reallocate(
    tx: Transaction, round_: Round, now: datetime, policy: str = "reallocation"
) -> tuple[Round, Scenario]:
    """Go on with a published round, up to the publication of the next."""
    going, _ = start_reallocation(tx, act("operator", now), round_.id, "Hours came back.")
    scenario = a_solved_scenario(tx, going, policy, now)
    return signed(tx, going, scenario, now), scenario
