"""Awards: list, read with their reason, accept, return; the reserve list."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler.domain.access import Permit
from scheduler.domain.amounts import number
from scheduler.domain.awards import Award, AwardState, ReserveEntry
from scheduler.domain.changes import AwardChange, AwardChangeKind, negative
from scheduler.domain.errors import NotFound, ReturnTooLarge
from scheduler.domain.events import Event, Json
from scheduler.domain.names import reason as stated_reason
from scheduler.domain.rounds import Decision, DecisionKind
from scheduler.operations.dues import reallocation_due
from scheduler.operations.holdings import Kept, holding_of, keep_change, running_slot
from scheduler.operations.ledger import (
    GIVEN_BACK,
    call_of,
    enter_acceptance,
    enter_change,
    enter_whole_return,
    gpu_seconds,
)
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


def list_changes(tx: Transaction, permit: Permit, id_: str) -> tuple[AwardChange, ...]:
    """Return what a visible award got and lost since its publication, oldest first."""
    return tuple(tx.awards.changes([tx.awards.get(permit.scope, id_).id]))


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

    The latest slots go first, whole gang-hours, and what is past stays: the fellow keeps up to a
    gang-hour more than what is held then.

    Raises:
        ReturnTooLarge: If more is returned than is held, or than lies in the slots to come.
        BalanceTooSmall: If a part of what is returned is used already.
    """
    award, why = tx.awards.get(act.scope, id_), stated_reason(reason)
    act.expect("award", id_, award.version)
    returned, told = award.give_back(gpu_hours, why=why, by=act.person, at=act.now)
    tx.awards.save(returned)
    event = record(tx, act, told)
    holding = holding_of(tx, returned)
    given, since = award.held - returned.held, running_slot(tx, act, award)
    ahead, whole = holding.since(since), returned.state is AwardState.RETURNED
    if not whole and given > holding.reference(ahead):
        left = number(holding.reference(ahead))
        raise ReturnTooLarge(award=id_, held=left, returned=number(given))
    gone = ahead if whole else holding.take_down_to(returned.held, since=since)
    kept = Kept(
        kind=AwardChangeKind.RETURNED,
        cells=negative(gone),
        reason=why,
        event=event,
        gpu_hours=-given,
    )
    changed, change = keep_change(tx, act, holding, kept)
    if whole:
        enter_whole_return(tx, act, changed, event=event.seq)
    else:
        amounts = gpu_seconds(change.cells, holding.gpu_types)
        enter_change(tx, act, changed, amounts, route=GIVEN_BACK, event=event.seq)
    reallocation_due(tx, act, call_of(tx, award), event)
    return changed, event


def suspend_award(tx: Transaction, act: Act, id_: str, reason: str) -> tuple[Award, Event]:
    """Let an award not be used for now; limits fall to nothing, and nothing is taken."""
    award, why = tx.awards.get(act.scope, id_), stated_reason(reason)
    act.expect("award", id_, award.version)
    suspended, told = award.suspend(why=why)
    tx.awards.save(suspended)
    return suspended, record(tx, act, told)


def resume_award(tx: Transaction, act: Act, id_: str, reason: str) -> tuple[Award, Event]:
    """Let a suspended award be used again."""
    award, why = tx.awards.get(act.scope, id_), stated_reason(reason)
    act.expect("award", id_, award.version)
    resumed, told = award.resume(why=why)
    tx.awards.save(resumed)
    return resumed, record(tx, act, told)


def explain_award(tx: Transaction, permit: Permit, id_: str) -> Mapping[str, Json]:
    """Return why an award is what it is."""
    award = tx.awards.get(permit.scope, id_)
    return _explanation(tx, award.scenario, award.request)


def explain_outcome(tx: Transaction, permit: Permit, request_id: str) -> Mapping[str, Json]:
    """Return why a visible request got what it got last, also when that is nothing.

    Raises:
        NotFound: If no round of its call is published.
    """
    request = tx.requests.get(permit.scope, request_id)
    for round_ in reversed(tx.rounds.of_call(request.call)):
        if round_.is_public and round_.scenario is not None:
            found = tx.scenarios.explanation(round_.scenario, request.label)
            if found is not None:
                return found
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
