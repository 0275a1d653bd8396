"""Awards: list, read with their reason, accept, return; the reserve list."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.domain.access import Permit
from scheduler.domain.awards import Award, ReserveEntry
from scheduler.domain.errors import NotFound
from scheduler.domain.events import Event, Json
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.rounds import Decision, DecisionKind
from scheduler.operations.ledger import enter_acceptance, enter_return
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import ALL_AWARDS, FIRST, AwardFilter, Page, Slice
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardReceipt:
    """What a fellow can hold against the public log."""

    award: Award
    publication: Decision
    offered: Event


def get_award(tx: Transaction, permit: Permit, id_: str) -> Award:
    """Return an award, if visible."""
    return tx.awards.get(permit.scope, id_)


def list_awards(
    tx: Transaction, permit: Permit, slice_: Slice = FIRST, *, where: AwardFilter = ALL_AWARDS
) -> Page[Award]:
    """List visible awards."""
    return tx.awards.list(permit.scope, slice_, where=where)


def accept_award(tx: Transaction, act: Act, id_: str) -> tuple[Award, Event]:
    """Take an offer."""
    award = tx.awards.get(act.scope, id_)
    act.expect("award", id_, award.version)
    accepted, told = award.accept(act.person, act.now)
    tx.awards.save(accepted)
    event = record(tx, act, told)
    enter_acceptance(tx, act, accepted, event)
    return accepted, event


def return_award(
    tx: Transaction, act: Act, id_: str, *, reason: str, gpu_hours: int | None = None
) -> tuple[Award, Event]:
    """Return some or, without an amount in thousandths of GPU-hours, all of an award.

    Raises:
        ReturnTooLarge: If more is returned than is held.
    """
    award = tx.awards.get(act.scope, id_)
    act.expect("award", id_, award.version)
    returned, told = award.give_back(
        gpu_hours, why=stated_reason(reason), by=act.person, at=act.now
    )
    tx.awards.save(returned)
    event = record(tx, act, told)
    enter_return(tx, act, award, returned, event)
    return returned, event


def explain_award(tx: Transaction, permit: Permit, id_: str) -> Mapping[str, Json]:
    """Return why an award is what it is."""
    award = tx.awards.get(permit.scope, id_)
    return _explanation(tx, award.scenario, award.request)


def explain_outcome(tx: Transaction, permit: Permit, request_id: str) -> Mapping[str, Json]:
    """Return why a visible request got what it got, also when that is nothing.

    Raises:
        NotFound: If no round of its call is published.
    """
    request = tx.requests.get(permit.scope, request_id)
    for round_ in tx.rounds.of_call(request.call):
        if round_.is_public and round_.scenario is not None:
            return _explanation(tx, round_.scenario, request.id)
    raise NotFound(kind="explanation", id=request_id)


def award_receipt(tx: Transaction, permit: Permit, id_: str) -> AwardReceipt:
    """Return what ties a visible award to the log."""
    award = tx.awards.get(permit.scope, id_)
    publication = next(
        decision
        for decision in tx.decisions.of(award.round)
        if decision.kind is DecisionKind.PUBLICATION
    )
    offered = tx.events.of(id_)[0]
    return AwardReceipt(award=award, publication=publication, offered=offered)


def list_reserve(tx: Transaction, permit: Permit, round_id: str) -> tuple[ReserveEntry, ...]:
    """Return the visible part of a round's reserve list, by rank."""
    return tuple(tx.reserve.of(permit.scope, round_id))


def _explanation(tx: Transaction, scenario: str, request: str) -> Mapping[str, Json]:
    found = tx.requests.find(request)
    assert found is not None, "an award belongs to a request"
    explanation = tx.scenarios.explanation(scenario, found.label)
    if explanation is None:
        raise NotFound(kind="explanation", id=request)
    return explanation
