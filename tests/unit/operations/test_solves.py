"""Solves: ordered on a frozen round, kept as scenarios once."""

from datetime import timedelta
from decimal import Decimal

import pytest

from scheduler.document import parse_document
from scheduler.domain.access import Scope
from scheduler.domain.errors import (
    AlreadyExists,
    InvalidTransition,
    InvalidValue,
    LeaseLost,
    NotFound,
)
from scheduler.domain.jobs import SOLVE, Job, JobState
from scheduler.operations.decisions import select_scenario
from scheduler.operations.evidence import evidence_of
from scheduler.operations.jobs import Hand, claim, expect, finish
from scheduler.operations.rounds import create_round
from scheduler.operations.scenarios import explain_request, export_plan, list_scenarios
from scheduler.operations.solves import (
    SolveOrder,
    cancel_solve,
    get_solve,
    keep_scenario,
    list_solves,
    solve_progress,
    solve_task,
    start_solve,
)
from scheduler.policy import read_policy
from scheduler.ports.store import Transaction
from solver.canonical import canonical, digest
from tests.unit.operations.center import (
    ALL,
    CLOSES,
    IDS,
    a_frozen_round,
    a_submitted_request,
    act,
    an_open_call,
    seen,
)

MERIT = SolveOrder(policy="merit")


def a_hand(worker: str = "worker-1", seconds: int = 0) -> Hand:
    """A worker acting some seconds after the freeze."""
    return Hand(worker=worker, now=CLOSES + timedelta(seconds=seconds), ids=IDS)


def what_is_made(label: str) -> dict:
    """A plan that funds one request."""
    plan = {
        "schema": "dure-plan/1",
        "status": "optimal",
        "stages": [{"name": "value", "objective": 1.5, "bound": 1.5, "gap": 0.0}],
        "awards": [{"request": label, "gpu_hours": 800.5, "service_units": 801, "cells": []}],
        "measures": {"funded": 1, "jain": 0.5},
    }
    return {
        "plan": canonical(plan).decode(),
        "certificate": '{"schema":"dure-certificate/1"}',
        "explanations": {label: {"asked": 1200.125}},
        "seconds": 1.5,
    }


def kept(tx: Transaction, hand: Hand, job: Job, label: str) -> dict:
    """Keep what a worker made and end its job, as one transaction does."""
    expect(tx, job.lease)
    told = keep_scenario(tx, hand, job, what_is_made(label))
    finish(tx, hand, job.lease, told)
    return told


def test_a_finished_solve_becomes_one_scenario(tx: Transaction) -> None:
    """The scenario names every document by digest, who started it and who wrote its policy."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    order = SolveOrder(policy="entitlement", policy_version=1, seed=7, work=100)
    job = start_solve(tx, act("starter"), round_.id, order)
    claimed = claim(tx, a_hand(), [SOLVE])
    task = solve_task(tx, claimed)
    assert digest(parse_document(task["round"].encode())) == round_.snapshot
    assert (7, 100, None) == (task["seed"], task["work"], task["seconds"])
    told = kept(tx, a_hand(), claimed, mina.id)
    (scenario,) = list_scenarios(tx, ALL, round_=round_.id).items

    assert (job.id, "starter", "operator", 1, 7) == (
        scenario.solve,
        scenario.started_by,
        scenario.policy_author,
        scenario.policy_version,
        scenario.seed,
    )
    assert scenario.digest == digest(
        {
            "round": round_.snapshot,
            "policy": scenario.policy_digest,
            "plan": scenario.plan,
            "certificate": scenario.certificate,
        }
    )
    assert (0.0, {"funded": 1, "jain": 0.5}) == (scenario.gap, scenario.measures)
    assert get_solve(tx, ALL, job.id).result == told
    assert (scenario.id, scenario.digest) == (told["scenario"], told["digest"])
    assert explain_request(tx, ALL, scenario.id, mina.id) == {"asked": 1200.125}
    plan = parse_document(export_plan(tx, ALL, scenario.id).encode())
    assert (Decimal("800.5"), scenario.plan) == (plan["awards"][0]["gpu_hours"], digest(plan))
    evidence = evidence_of(tx, scenario)
    assert read_policy(evidence.policy).name == "entitlement"
    assert digest(evidence.snapshot) == round_.snapshot
    assert select_scenario(tx, act(), round_.id, scenario.id, "Only one.")[0].scenario


def test_a_solve_is_kept_at_most_once(tx: Transaction) -> None:
    """A worker that lost its lease keeps nothing; the one after it does."""
    call = an_open_call(tx)
    mina = a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    start_solve(tx, act(), round_.id, MERIT)
    first = claim(tx, a_hand(), [SOLVE])
    second = claim(tx, a_hand("worker-2", 60), [SOLVE])
    with pytest.raises(LeaseLost):
        kept(tx, a_hand(seconds=61), first, mina.id)
    told = kept(tx, a_hand("worker-2", 62), second, mina.id)
    with pytest.raises((LeaseLost, InvalidTransition)):
        kept(tx, a_hand("worker-2", 63), second, mina.id)
    (scenario,) = list_scenarios(tx, ALL).items
    assert scenario.id == told["scenario"]
    assert ("merit", None, None) == (
        scenario.policy,
        scenario.policy_author,
        scenario.policy_version,
    )


def test_solves_are_ordered_on_frozen_rounds_once_at_a_time(tx: Transaction) -> None:
    """The same order waits once; other seeds are other solves; an open round has none."""
    call = an_open_call(tx)
    a_submitted_request(tx, call)
    open_ = create_round(tx, act(), call.id)
    with pytest.raises(InvalidTransition) as refusal:
        start_solve(tx, act(), open_.id, MERIT)
    assert refusal.value.fields["allowed"] == ["review"]
    round_ = a_frozen_round(tx, call)
    job = start_solve(tx, act(), round_.id, MERIT)
    with pytest.raises(AlreadyExists):
        start_solve(tx, act(), round_.id, MERIT)
    other = start_solve(tx, act(), round_.id, SolveOrder(policy="merit", seed=1))
    cancel_solve(tx, act(), job.id, "Wrong seed.")
    assert get_solve(tx, ALL, job.id).state is JobState.CANCELLED
    assert list_solves(tx, ALL, round_.id, state=JobState.QUEUED).items == (other,)
    assert not solve_progress(tx, ALL, other.id)
    with pytest.raises(InvalidTransition):
        cancel_solve(tx, act(), job.id, "Again.")
    with pytest.raises(NotFound):
        get_solve(tx, seen(Scope()), other.id)


@pytest.mark.parametrize(
    "order",
    [
        SolveOrder(policy="none"),
        SolveOrder(policy="../secrets"),
        SolveOrder(policy="entitlement", policy_version=9),
    ],
)
def test_an_unknown_policy_is_not_found(tx: Transaction, order: SolveOrder) -> None:
    """A solve names a stored policy version or a preset, and nothing else."""
    call = an_open_call(tx)
    a_submitted_request(tx, call)
    round_ = a_frozen_round(tx, call)
    with pytest.raises(NotFound):
        start_solve(tx, act(), round_.id, order)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 1 << 31}, {"gap": 1.0}, {"work": 1, "seconds": 1.0}]
)
def test_an_order_checks_itself(wrong: dict) -> None:
    """A seed that fits, a gap below one, one kind of limit."""
    with pytest.raises(InvalidValue):
        SolveOrder(policy="merit", **wrong)
