"""Watch balances and deadlines: whoever they concern is told once, and again after a change.

What is told is an event of the log like any other. What was told last is kept by name: a balance
that was topped up, or a deadline that was moved, is told of anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from scheduler.domain.access import EVERYTHING, Permit
from scheduler.domain.awards import AwardState
from scheduler.domain.calls import CallState
from scheduler.domain.events import Document, Event, Happening
from scheduler.domain.limits import USABLE, AwardLimit
from scheduler.domain.reclaim import midnight
from scheduler.operations.limits import award_limits
from scheduler.operations.reclaims import exemptions_open
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

LOW_PERCENT: Final = 10
LOW: Final = "low"
EMPTY: Final = "empty"
"""States of a balance; from the second one every way leads up and is told of by what gave it."""
AHEAD: Final = timedelta(days=3)
"""How long before a deadline it is told of."""
ENDING: Final = timedelta(days=14)
"""How long before the last hours of an award lie behind what is left of it is told of."""
CENTER: Final = Permit(action="usage.read", person="center", scope=EVERYTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A state that is another than the one that was told of last.

    Attributes:
        name: of what is watched.
        told: the event, if the new state is worth one.
    """

    name: str
    state: str
    told: Happening | None


def tell_changes(tx: Transaction, act: Act) -> tuple[Event, ...]:
    """Tell of balances that fell and deadlines that come near; again tells nothing."""
    events = []
    for change in changes(tx, act.now):
        tx.watches.put(change.name, change.state)
        if change.told is not None:
            events.append(record(tx, act, change.told))
    return tuple(events)


def changes(tx: Transaction, now: datetime) -> tuple[Change, ...]:
    """Return what is otherwise than it was told of last."""
    known = tx.watches.all()
    limits = award_limits(tx, CENTER)
    found = (
        *_balances(limits),
        *_endings(limits, now),
        *_answers(tx, now),
        *_closings(tx, now),
        *_exemptions(tx, now),
    )
    changed = (each for each in found if known.get(each.name, "") != each.state)
    return tuple(
        replace(each, told=None) if known.get(each.name) == EMPTY else each for each in changed
    )


def balance_state(granted: int, left: int) -> str:
    """Return `empty`, `low` at a tenth or less, or nothing to tell of.

    Args:
        granted: GPU-seconds in all, used ones too.
        left: of them; less than nothing when overspent.
    """
    if granted <= 0:
        return ""
    if left <= 0:
        return EMPTY
    return LOW if left * 100 <= granted * LOW_PERCENT else ""


def _balances(limits: Iterable[AwardLimit]) -> Iterator[Change]:
    severity = {LOW: "award.balance_low", EMPTY: "award.balance_empty"}
    for each in limits:
        if each.state not in USABLE:
            continue
        state = balance_state(each.granted_gpu_seconds, each.left_gpu_seconds)
        told = None
        if state:
            body: Document = {"gpu_type": each.gpu_type, "left_gpu_seconds": each.left_gpu_seconds}
            told = Happening(kind=severity[state], subject=each.award, body=body)
        yield Change(name=f"balance/{each.award}/{each.gpu_type}", state=state, told=told)


def _endings(limits: Iterable[AwardLimit], now: datetime) -> Iterator[Change]:
    """Yield awards whose last hours are near while more than a tenth is left."""
    for each in limits:
        if each.state not in USABLE or each.window is None:
            continue
        ends = each.window[1]
        unused = balance_state(each.granted_gpu_seconds, each.left_gpu_seconds) == ""
        if now < ends <= now + ENDING and unused and each.granted_gpu_seconds > 0:
            body = {"gpu_type": each.gpu_type, "ends_at": ends.isoformat()}
            told = Happening(kind="award.ending", subject=each.award, body=body)
            name = f"ending/{each.award}/{each.gpu_type}"
            yield Change(name=name, state=ends.isoformat(), told=told)


def _answers(tx: Transaction, now: datetime) -> Iterator[Change]:
    """Yield offers that lapse soon."""
    where = AwardFilter(state=AwardState.OFFERED)
    for award in everything(lambda part: tx.awards.list(EVERYTHING, part, where=where)):
        until = award.answer_by
        if until is not None and now < until <= now + AHEAD:
            body = {"answer_by": until.isoformat()}
            told = Happening(kind="award.answer_due", subject=award.id, body=body)
            yield Change(name=f"answer/{award.id}", state=until.isoformat(), told=told)


def _closings(tx: Transaction, now: datetime) -> Iterator[Change]:
    """Yield calls that close soon."""
    for call in everything(lambda part: tx.calls.list(part, state=CallState.OPEN)):
        until = call.terms.closes_at
        if now < until <= now + AHEAD:
            told = Happening(
                kind="call.closing", subject=call.id, body={"closes_at": until.isoformat()}
            )
            yield Change(name=f"closing/{call.id}", state=until.isoformat(), told=told)


def _exemptions(tx: Transaction, now: datetime) -> Iterator[Change]:
    """Yield awards that may soon no longer ask to be exempt from a reclaim.

    A notice of the reclaim as late as that has told of the day already.
    """
    for reclaim, award in exemptions_open(tx, now):
        until = midnight(reclaim.exemption_until + timedelta(days=1))
        if reclaim.proposal.proposed_at < until - AHEAD <= now:
            body: Document = {
                "reclaim": reclaim.proposal.id,
                "exemption_until": reclaim.exemption_until.isoformat(),
            }
            told = Happening(kind="award.exemption_due", subject=award, body=body)
            name = f"exemption/{reclaim.proposal.id}/{award}"
            yield Change(name=name, state=until.isoformat(), told=told)
