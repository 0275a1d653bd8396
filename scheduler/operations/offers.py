"""Offers that nobody answers lapse: foreseen, then carried out; their hours go back to the call."""

from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.access import Permit
from scheduler.domain.awards import Award, AwardState
from scheduler.domain.changes import AwardChangeKind, negative
from scheduler.domain.events import Event
from scheduler.operations.dues import reallocation_due
from scheduler.operations.holdings import Kept, awards_of_call, holding_of, keep_change
from scheduler.operations.ledger import enter_whole_return
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOffer:
    """An offer that waits for an answer.

    Attributes:
        answer_by: when it lapses.
        gpu_hours: on pools, that would go back to the call.
    """

    award: str
    fellow: str
    answer_by: datetime
    gpu_hours: int


def open_offers(tx: Transaction, permit: Permit, call: str) -> tuple[OpenOffer, ...]:
    """Return the visible offers of a call that would lapse, the next one first."""
    filters = [
        AwardFilter(round=each.id, state=AwardState.OFFERED) for each in tx.rounds.of_call(call)
    ]
    found = [
        OpenOffer(
            award=award.id,
            fellow=award.fellow,
            answer_by=award.answer_by,
            gpu_hours=sum(cell.gpu_hours for cell in award.cells),
        )
        for where in filters
        for award in everything(
            lambda part, where=where: tx.awards.list(permit.scope, part, where=where)  # type: ignore[misc]  # bound early
        )
        if award.answer_by is not None
    ]
    return tuple(sorted(found, key=lambda each: (each.answer_by, each.award)))


def expire_offers(tx: Transaction, act: Act, call: str) -> tuple[Award, ...]:
    """Let the offers of a call lapse that were not answered in time; again changes nothing.

    Their hours go back to the call, and a reallocation is queued if somebody is in line.
    """
    late = [each for each in awards_of_call(tx, call) if each.is_unanswered(act.now)]
    lapsed = [_lapse(tx, act, award) for award in late]
    for _, event in lapsed[:1]:
        reallocation_due(tx, act, call, event)
    return tuple(award for award, _ in lapsed)


def _lapse(tx: Transaction, act: Act, award: Award) -> tuple[Award, Event]:
    lapsed, told = award.lapse(act.now)
    tx.awards.save(lapsed)
    event = record(tx, act, told)
    kept = Kept(
        kind=AwardChangeKind.LAPSED,
        cells=negative(award.cells),
        reason="",
        event=event,
        gpu_hours=-award.held,
    )
    changed, _ = keep_change(tx, act, holding_of(tx, lapsed), kept)
    enter_whole_return(tx, act, changed, event=event.seq)
    return changed, event
