"""A worker that solves in the test's own process, with the real solver."""

import secrets
from typing import Any

from api.solving import Question, answer
from scheduler.domain.jobs import SOLVE
from scheduler.formulate import formulate
from scheduler.operations import jobs, solves
from scheduler.policy import read_policy
from scheduler.snapshot import parse_document, read_round
from scheduler.storage.ids import Uuid7Ids
from solver.canonical import canonical
from solver.pipeline import Limits
from tests.e2e.center import Center


def solve_one(center: Center, *, lines: int = 2) -> str:
    """Work off the oldest solve and return the id of its scenario."""
    hand = jobs.Hand(worker="test", now=center.clock.now, ids=Uuid7Ids(secrets.token_bytes))
    job = center.store.write(lambda tx: jobs.claim(tx, hand, [SOLVE]))
    assert job is not None, "a solve waits"
    told = [{"stage": "value", "objective": each} for each in range(lines)]
    center.store.write(lambda tx: jobs.heartbeat(tx, hand, job.lease, told))
    with center.store.read() as tx:
        made = _made(solves.solve_task(tx, job))
    kept: dict[str, Any] = center.store.write(
        lambda tx: dict(
            jobs.finish(tx, hand, job.lease, solves.keep_scenario(tx, hand, job, made)).result or {}
        )
    )
    return str(kept["scenario"])


def _made(task: dict[str, Any]) -> dict[str, Any]:
    snapshot = read_round(parse_document(task["round"].encode()))
    policy = read_policy(parse_document(task["policy"].encode()))
    question = Question(
        formulation=formulate(snapshot, policy),
        seed=task["seed"],
        gap=task["gap"],
        limits=Limits(),
    )
    solution = answer(question, lambda _line: None)
    texts = {"ko": "이유", "en": "because"}
    return {
        "plan": canonical(solution.document).decode(),
        "certificate": canonical(solution.certificate).decode(),
        "explanations": {each.id: {"text": texts} for each in snapshot.requests},
        "seconds": 0.1,
    }
