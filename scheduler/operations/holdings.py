"""What awards hold: take hours off them or give them hours, in cells and in the ledger at once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scheduler.domain.access import EVERYTHING
from scheduler.domain.amounts import MILLI
from scheduler.domain.awards import Award, AwardState, Cell
from scheduler.domain.calls import Call
from scheduler.domain.changes import AwardChange, AwardChangeKind, Holding, fold_cells, negative
from scheduler.domain.errors import InvalidTransition, InvalidValue
from scheduler.domain.events import Event, Happening, Json
from scheduler.domain.ledger import SECONDS_PER_HOUR, AccountKind, account_id
from scheduler.domain.names import reason as stated_reason
from scheduler.operations.ledger import (
    BY_RESERVE,
    TAKEN_BACK,
    Route,
    call_of,
    enter_change,
    gpu_seconds,
)
from scheduler.operations.pools import supplies
from scheduler.operations.record import record
from scheduler.ports.acts import Act
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction

IN_USE = frozenset({AwardState.ACCEPTED, AwardState.ACTIVE})
"""States in which hours may be taken off an award or given to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """GPU-hours of a GPU type that an award is to lose or get, and why.

    Attributes:
        kind: what the change is called in the award's story.
        gpu_hours: at most; whole gang-hours move.
        least: fewer than these are refused.
        since: the first slot that may be touched; the one that is running now if not said.
        until: the slot before which hours are given; any if not said.
    """

    kind: AwardChangeKind
    gpu_type: str
    gpu_hours: int
    reason: str
    least: int = 1
    since: int | None = None
    until: int | None = None


def holding_of(tx: Transaction, award: Award) -> Holding:
    """Return an award with what its hours are worth to its request."""
    terms = terms_of(tx, award)
    request = tx.requests.find(award.request)
    assert request is not None, "an award belongs to a request"
    submission = tx.requests.submission(request.id, request.submitted)
    assert submission is not None, "what was awarded was submitted"
    return Holding(
        award=award,
        ask=submission.ask,
        gpu_types={pool.id: pool.gpu_type for pool in tx.pools.of(terms.terms.pools)},
        slot_hours=terms.terms.calendar.slot_hours,
    )


def terms_of(tx: Transaction, award: Award) -> Call:
    """Return the call that an award was granted in."""
    call = tx.calls.find(call_of(tx, award))
    assert call is not None, "a round belongs to a call"
    return call


def running_slot(tx: Transaction, act: Act, award: Award) -> int:
    """Return the slot of an award's calendar that is running now; earlier ones are past."""
    return terms_of(tx, award).terms.calendar.slot_at(act.now)


def take_hours(
    tx: Transaction, act: Act, award: Award, wanted: Wanted, *, route: Route = TAKEN_BACK
) -> tuple[Award, AwardChange]:
    """Take GPU-hours off an award: the latest slots first, whole gang-hours, never of the past.

    Raises:
        InvalidTransition: If the award is not in use.
        InvalidValue: If it does not hold as many in the slots to come.
        BalanceTooSmall: If a part of them is used already.
    """
    _refuse_unless_in_use(award)
    holding = holding_of(tx, award)
    since = running_slot(tx, act, award) if wanted.since is None else wanted.since
    gone = holding.take(wanted.gpu_hours, wanted.gpu_type, since=since)
    return _change(tx, act, holding, negative(gone), wanted, route=route)


def give_hours(
    tx: Transaction, act: Act, award: Award, wanted: Wanted, *, route: Route = BY_RESERVE
) -> tuple[Award, AwardChange]:
    """Give GPU-hours to an award where the supply is free: the earliest slots first.

    Raises:
        InvalidTransition: If the award is not in use.
        InvalidValue: If as many are not free where its request can use them.
        BalanceTooSmall: If the account that gives does not hold as much.
    """
    _refuse_unless_in_use(award)
    holding = holding_of(tx, award)
    open_ = _open(tx, act, award, wanted)
    come = holding.give(wanted.gpu_hours, wanted.gpu_type, open_)
    return _change(tx, act, holding, come, wanted, route=route)


def extend_hours(
    tx: Transaction, act: Act, award: Award, wanted: Wanted
) -> tuple[Award, AwardChange]:
    """Give unused GPU-hours of passed slots again in later ones; the ledger holds them anyway.

    Raises:
        InvalidTransition: If the award is not in use.
        InvalidValue: If as many are not left of passed slots, or not free in later ones.
    """
    _refuse_unless_in_use(award)
    holding, now = holding_of(tx, award), running_slot(tx, act, award)
    account = tx.ledger.find(account_id(AccountKind.AWARD, award.id, wanted.gpu_type))
    ahead = [
        cell.gpu_hours
        for cell in holding.since(now)
        if holding.gpu_types[cell.pool] == wanted.gpu_type
    ]
    unused = 0 if account is None else account.available // SECONDS_PER_HOUR - sum(ahead)
    come = holding.give(
        min(wanted.gpu_hours, max(unused, 0)), wanted.gpu_type, _open(tx, act, award, wanted)
    )
    gone = holding.past(_hours(come), wanted.gpu_type, before=now)
    return _shift(tx, act, holding, (gone, come), wanted)


def advance_hours(
    tx: Transaction, act: Act, award: Award, wanted: Wanted
) -> tuple[Award, AwardChange]:
    """Give GPU-hours of an award's latest slots in earlier ones; the ledger holds them anyway.

    Raises:
        InvalidTransition: If the award is not in use.
        InvalidValue: If as many are not free in earlier slots.
    """
    _refuse_unless_in_use(award)
    holding, now = holding_of(tx, award), running_slot(tx, act, award)
    gone = holding.take(wanted.gpu_hours, wanted.gpu_type, since=now)
    first = min((cell.slot for cell in gone), default=0)
    until = first if wanted.until is None else min(first, wanted.until)
    open_ = _open(tx, act, award, replace(wanted, until=until))
    come = holding.give(_hours(gone), wanted.gpu_type, open_)
    gone = holding.take(_hours(come), wanted.gpu_type, since=now)
    return _shift(tx, act, holding, (gone, come), wanted)


def _open(tx: Transaction, act: Act, award: Award, wanted: Wanted) -> dict[tuple[int, str], int]:
    """Return the free GPU-hours of the slots that hours may be given in, none of them past."""
    now = running_slot(tx, act, award)
    since = now if wanted.since is None else max(wanted.since, now)
    return {
        place: free
        for place, free in free_room(tx, terms_of(tx, award)).items()
        if place[0] >= since and (wanted.until is None or place[0] < wanted.until)
    }


def free_room(tx: Transaction, call: Call) -> dict[tuple[int, str], int]:
    """Return whole GPU-hours of a call's supply that no award holds, by slot and pool."""
    taken: Counter[tuple[int, str]] = Counter()
    for award in awards_of_call(tx, call.id):
        for cell in award.cells:
            taken[cell.slot, cell.pool] += cell.gpu_hours
    supplied = supplies(tx, call.terms.pools, call.terms.calendar)
    free = {
        (slot, pool): hours // MILLI - taken[slot, pool]
        for pool, each in supplied.items()
        for slot, hours in enumerate(each.gpu_hours)
    }
    return {place: hours for place, hours in free.items() if hours > 0}


def awards_of_call(tx: Transaction, call: str) -> tuple[Award, ...]:
    """Return every award of every round of a call, whoever asks."""
    filters = [AwardFilter(round=round_.id) for round_ in tx.rounds.of_call(call)]
    return tuple(
        award
        for where in filters
        for award in everything(
            lambda part, where=where: tx.awards.list(EVERYTHING, part, where=where)  # type: ignore[misc]  # bound early
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A change of cells as it is to be kept, and the event that tells of it.

    Attributes:
        gpu_hours: what it means for what is held, in thousandths; what the cells say if not said.
    """

    kind: AwardChangeKind
    cells: tuple[Cell, ...]
    reason: str
    event: Event
    gpu_hours: int | None = None


def keep_change(
    tx: Transaction, act: Act, holding: Holding, kept: Kept
) -> tuple[Award, AwardChange]:
    """Keep a change of an award's cells, and the award as it is after it."""
    change = AwardChange(
        id=act.new("awc"),
        award=holding.award.id,
        kind=kept.kind,
        cells=kept.cells,
        gpu_hours=holding.gained(kept.cells) if kept.gpu_hours is None else kept.gpu_hours,
        reason=kept.reason,
        by=act.person,
        at=act.now,
        event=kept.event.seq,
    )
    changed = holding.changed(change)
    tx.awards.add_changes([change])
    tx.awards.save(changed)
    return changed, change


def _change(  # noqa: PLR0913 - an act on one holding
    tx: Transaction,
    act: Act,
    holding: Holding,
    cells: tuple[Cell, ...],
    wanted: Wanted,
    *,
    route: Route,
) -> tuple[Award, AwardChange]:
    """Tell, keep and enter a change that someone wanted."""
    _refuse_too_little(holding, cells, wanted)
    changed, change = _kept(tx, act, holding, cells, wanted)
    amounts = gpu_seconds(cells, holding.gpu_types)
    enter_change(tx, act, changed, amounts, route=route, event=change.event)
    return changed, change


def _shift(
    tx: Transaction,
    act: Act,
    holding: Holding,
    sides: tuple[tuple[Cell, ...], tuple[Cell, ...]],
    wanted: Wanted,
) -> tuple[Award, AwardChange]:
    """Tell and keep that hours go from some cells to others; the ledger does not change."""
    gone, come = sides
    assert _hours(gone) == _hours(come), "hours that shift are as many as before"
    _refuse_too_little(holding, come, wanted)
    return _kept(tx, act, holding, fold_cells(negative(gone), come), wanted)


def _kept(
    tx: Transaction, act: Act, holding: Holding, cells: tuple[Cell, ...], wanted: Wanted
) -> tuple[Award, AwardChange]:
    """Tell and keep a change of cells."""
    why = stated_reason(wanted.reason)
    body: dict[str, Json] = {
        "gpu_type": wanted.gpu_type,
        "gpu_hours": _hours(cells),
        "reason": why,
    }
    told = Happening(kind=f"award.{wanted.kind}", subject=holding.award.id, body=body)
    event = record(tx, act, told)
    return keep_change(
        tx, act, holding, Kept(kind=wanted.kind, cells=cells, reason=why, event=event)
    )


def _hours(cells: Iterable[Cell]) -> int:
    return sum(cell.gpu_hours for cell in cells)


def _refuse_too_little(holding: Holding, cells: tuple[Cell, ...], wanted: Wanted) -> None:
    moved = sum(abs(cell.gpu_hours) for cell in cells)
    if moved < max(wanted.least, 1):
        raise InvalidValue(
            field="/gpu_hours",
            value=wanted.gpu_hours,
            rule=f"whole gang-hours of {holding.ask.gang_gpus}, at most {moved} of those slots",
        )


def _refuse_unless_in_use(award: Award) -> None:
    if award.state not in IN_USE:
        raise InvalidTransition(
            kind="award",
            id=award.id,
            state=award.state,
            action="change",
            allowed=list(award.allowed),
        )
