"""Scenarios: read, compare, verify now, explain; plan and certificate as files."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api import checking
from api.body import StrictRoute
from api.door import Asking, Caller
from api.explaining import shown_explanation
from api.pagination import STANDARD, Cursor, Limit
from api.permissions import declared
from api.replies import PYTHON, Reply, document, reply, script
from api.schemas.awards import ExplanationOut
from api.schemas.common import Listing
from api.schemas.scenarios import (
    AllocationOut,
    ComparisonOut,
    ProvedOut,
    RuleOut,
    ScenarioOut,
    Verified,
)
from scheduler.document import Document, parse_document
from scheduler.domain.errors import Forbidden
from scheduler.domain.messages import Language
from scheduler.domain.scenarios import Scenario
from scheduler.export.board import board_of_plans, without_requests
from scheduler.operations import scenarios
from scheduler.operations.evidence import evidence_of
from scheduler.ports.paging import Page
from scheduler.ports.store import Transaction
from scheduler.round_file import read_round
from solver.standalone import program

READ: Final = "scenario.read"
ScenarioId = Annotated[str, Path(max_length=64)]
Lang = Annotated[Language | None, Query(description="In place of Accept-Language.")]
router = APIRouter(route_class=StrictRoute, prefix="/api/v1", tags=["scenarios"])


@router.get("/rounds/{round_id}/scenarios", **declared(READ, Listing[ScenarioOut], flags="L"))
def list_scenarios(
    caller: Asking,
    round_id: Annotated[str, Path(max_length=64)],
    cursor: Cursor = None,
    limit: Limit = STANDARD,
) -> Response:
    """List the scenarios of a round, discarded ones too."""
    part = caller.slice(cursor, limit)

    def query(tx: Transaction) -> Reply:
        tx.rounds.get(caller.permit.scope, round_id)
        found = scenarios.list_scenarios(tx, caller.permit, part, round_=round_id)
        return caller.listing(found, ScenarioOut.model_validate)

    return caller.show(query)


@router.get("/scenario-comparisons", **declared(READ, ComparisonOut))
def compare_scenarios(
    caller: Asking,
    scenario: Annotated[list[str], Query(min_length=2, max_length=10, description="Ids.")],
    base: Annotated[
        str | None, Query(max_length=64, description="Gains are against it; else the first.")
    ] = None,
) -> Response:
    """Show scenarios of one round side by side; single requests only to whoever may see names."""

    def query(tx: Transaction) -> Reply:
        found = scenarios.compare_scenarios(tx, caller.permit, scenario, base=base)
        shown = [ScenarioOut.model_validate(each) for each in found]
        board = _board(tx, found, base or found[0].id)
        if not caller.permit.scope.everything:
            board = without_requests(board)
        return reply(ComparisonOut(round=found[0].round, scenarios=shown, board=board))

    return caller.show(query)


@router.get("/scenarios/{scenario_id}", **declared(READ, ScenarioOut))
def read_scenario(caller: Asking, scenario_id: ScenarioId) -> Response:
    """Read one scenario with its stages, bounds and measures."""
    return caller.show(
        lambda tx: reply(
            ScenarioOut.model_validate(scenarios.get_scenario(tx, caller.permit, scenario_id)),
            version=1,
        )
    )


@router.get("/scenarios/{scenario_id}/plan", **declared(READ, dict[str, Any]))
def export_plan(caller: Asking, scenario_id: ScenarioId) -> Response:
    """Export the plan as a dure-plan/1 file; it names people."""
    if not caller.permit.scope.everything:
        raise Forbidden(action=READ)
    return caller.show(
        lambda tx: document(scenarios.export_plan(tx, caller.permit, scenario_id), scenario_id)
    )


@router.get(
    "/scenarios/{scenario_id}/allocations", **declared(READ, Listing[AllocationOut], flags="L")
)
def list_allocations(
    caller: Asking, scenario_id: ScenarioId, cursor: Cursor = None, limit: Limit = STANDARD
) -> Response:
    """List what the scenario gives each funded request, by pool and slot."""
    part = caller.slice(cursor, limit)

    def query(tx: Transaction) -> Reply:
        plan = parse_document(scenarios.export_plan(tx, caller.permit, scenario_id).encode())
        rows = [
            row for row in plan["awards"] if part.cursor is None or row["request"] > part.cursor
        ]
        rows = sorted(rows, key=lambda row: str(row["request"]))[: limit + 1]
        more = rows[limit - 1]["request"] if len(rows) > limit else None
        return caller.listing(Page(tuple(rows[:limit]), more), AllocationOut.model_validate)

    return caller.show(query)


@router.get("/scenarios/{scenario_id}/explanations/{request_id}", **declared(READ, ExplanationOut))
def explain_request(
    caller: Asking, scenario_id: ScenarioId, request_id: ScenarioId, lang: Lang = None
) -> Response:
    """Say why a request got what it got in this scenario, by its id or label."""

    def query(tx: Transaction) -> Reply:
        found = scenarios.explain_request(tx, caller.permit, scenario_id, request_id)
        return reply(shown_explanation(request_id, found, lang or caller.language))

    return caller.show(query)


@router.get("/scenarios/{scenario_id}/certificate", **declared("certificate.read", dict[str, Any]))
def export_certificate(caller: Asking, scenario_id: ScenarioId) -> Response:
    """Export the dure-certificate/1 document: evidence that needs no solver to check."""
    return caller.show(
        lambda tx: document(
            scenarios.export_certificate(tx, caller.permit, scenario_id),
            f"{scenario_id}-certificate",
        )
    )


@router.get(
    "/scenarios/{scenario_id}/verifier",
    **declared("certificate.read", responses={200: {"content": {PYTHON: {}}}}),
)
def export_verifier(caller: Asking, scenario_id: ScenarioId) -> Response:
    """Export the checker as one Python file that needs nothing else: `python dure-verify.py`.

    A published scenario has the file that was kept, and logged by digest, with its publication.
    """
    return caller.show(
        lambda tx: script(
            scenarios.export_verifier(tx, caller.permit, scenario_id) or program(), "dure-verify"
        )
    )


@router.post("/scenarios/{scenario_id}/verifications", **declared(READ, Verified))
def verify_scenario(caller: Asking, scenario_id: ScenarioId) -> Response:
    """Run the checker now, on the kept documents; changes nothing."""
    return caller.read(lambda tx: _verified(tx, caller, scenario_id)).response()


def _board(tx: Transaction, found: Sequence[Scenario], base: str) -> Document:
    """Return the board of scenarios of one snapshot, named by their ids."""

    def read(name: str) -> Document:
        return parse_document(tx.documents.text(name).encode())

    plans = [(each.id, read(each.plan), each.seconds) for each in found]
    return board_of_plans(read_round(read(found[0].snapshot)), plans, base=base)


def _verified(tx: Transaction, caller: Caller, scenario_id: str) -> Reply:
    scenario = scenarios.get_scenario(tx, caller.permit, scenario_id)
    evidence = evidence_of(tx, scenario)
    verdict = checking.verdict(evidence)
    altered = checking.altered(evidence, scenario)
    shown = Verified(
        scenario=scenario.id,
        digest=scenario.digest,
        verified=verdict.holds and not altered,
        altered=altered,
        proved=[ProvedOut.model_validate(each) for each in verdict.proved],
        rules=[RuleOut.model_validate(each) for each in verdict.rules],
        broken=[checking.witnessed(each) for each in verdict.witnesses],
        checked_at=caller.now,
    )
    return reply(shown)
