"""Solved rounds with their plan and certificate, as read back from files."""

import json
from dataclasses import dataclass
from decimal import Decimal

from scheduler.formulate import formulate
from scheduler.plan_file import plan_document
from scheduler.policy import read_policy
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.certificate import Documents, certificate
from solver.measures import measure
from solver.pipeline import solve
from solver.plan import SolveStatus
from tests.plans import as_parsed
from tests.rounds import Document


@dataclass(frozen=True)
class Proof:
    """The documents of a solved round, as read back."""

    round: Document
    plan: Document
    certificate: Document


def prove(round_: Document, policy: Document) -> Proof | None:
    """Solve a round and write everything down; nothing when there is no plan."""
    parsed = json.loads(canonical(round_), parse_float=Decimal)
    formulation = formulate(read_round(parsed), read_policy(policy))
    plan = solve(formulation.problem)
    if plan.status not in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE):
        return None
    measures = measure(formulation.problem, plan)
    written = as_parsed(plan_document(formulation, plan, measures, {}))
    documents = Documents(round=parsed, policy=policy, plan=written)
    proof = json.loads(json.dumps(certificate(documents, plan, formulation.names)))
    return Proof(parsed, written, as_parsed(proof))
