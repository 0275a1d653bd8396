"""Scenarios: list, read, compare, their documents and explanations."""

from collections.abc import Mapping, Sequence

from scheduler.domain.access import Permit
from scheduler.domain.errors import InvalidValue, NotFound
from scheduler.domain.events import Json
from scheduler.domain.scenarios import Scenario
from scheduler.ports.paging import FIRST, Page, Slice
from scheduler.ports.store import Transaction


def get_scenario(tx: Transaction, permit: Permit, id_: str) -> Scenario:
    """Return a scenario, if visible."""
    return tx.scenarios.get(permit.scope, id_)


def list_scenarios(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, round_: str | None = None
) -> Page[Scenario]:
    """List visible scenarios, of one round or of all."""
    return tx.scenarios.list(permit.scope, slice_, round_=round_)


def compare_scenarios(
    tx: Transaction, permit: Permit, ids: Sequence[str], *, base: str | None = None
) -> tuple[Scenario, ...]:
    """Return visible scenarios side by side.

    Raises:
        InvalidValue: If they are not of one round and one snapshot, or the base is none of them.
    """
    if base is not None and base not in ids:
        raise InvalidValue(field="/base", value=base, rule="one of the scenarios")
    scenarios = tuple(tx.scenarios.get(permit.scope, id_) for id_ in ids)
    if len({(scenario.round, scenario.snapshot) for scenario in scenarios}) > 1:
        raise InvalidValue(field="/scenarios", value=list(ids), rule="of one round")
    return scenarios


def export_plan(tx: Transaction, permit: Permit, id_: str) -> str:
    """Return the `dure-plan/1` document of a visible scenario, as JSON text."""
    return tx.documents.text(tx.scenarios.get(permit.scope, id_).plan)


def export_certificate(tx: Transaction, permit: Permit, id_: str) -> str:
    """Return the `dure-certificate/1` document of a visible scenario, as JSON text."""
    return tx.documents.text(tx.scenarios.get(permit.scope, id_).certificate)


def export_verifier(tx: Transaction, permit: Permit, id_: str) -> str | None:
    """Return the program that was published with a visible scenario; nothing when it was not."""
    scenario = tx.scenarios.get(permit.scope, id_)
    for decision in tx.decisions.of(scenario.round):
        named = decision.facts.get("verifier")
        if decision.scenario == scenario.id and named is not None:
            return tx.documents.text(str(named))
    return None


def explain_request(tx: Transaction, permit: Permit, id_: str, request: str) -> Mapping[str, Json]:
    """Return what a visible scenario says about a request, by its id or label."""
    scenario = tx.scenarios.get(permit.scope, id_)
    known = tx.requests.find(request)
    explanation = tx.scenarios.explanation(
        scenario.id, known.label if known is not None else request
    )
    if explanation is None:
        raise NotFound(kind="explanation", id=request)
    return explanation
