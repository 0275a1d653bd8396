"""What reclaim rules know of awards and their use, and what lies ahead of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from scheduler.domain.access import Permit
from scheduler.domain.awards import Award, Cell
from scheduler.domain.burn import Basis, even_line
from scheduler.domain.changes import AwardChange, AwardChangeKind
from scheduler.domain.errors import NotFound, UndatedRound
from scheduler.domain.ledger import SECONDS_PER_HOUR
from scheduler.domain.pools import Calendar
from scheduler.domain.reclaim import (
    Checkpoint,
    ReclaimRule,
    Taking,
    UseRecord,
    ahead,
    grown,
    midnight,
    taking,
)
from scheduler.domain.rounds import Round
from scheduler.operations.burning import burns
from scheduler.operations.holdings import IN_USE
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardUse:
    """An award's hours of one GPU type before a reclaim rule."""

    award: Award
    group: str | None
    gpu_type: str
    use: UseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What a coming checkpoint will take of an award's hours of one GPU type.

    Attributes:
        takings: by what use goes by until then.
    """

    of: AwardUse
    day: date
    takings: dict[Basis, Taking]


def use_records(
    tx: Transaction, awards: Iterable[Award], *, exempt: frozenset[str] = frozenset()
) -> Iterator[AwardUse]:
    """Yield the use records of those awards that are in use, against their plan as it was granted.

    Raises:
        UndatedRound: If the calendar has no first day.
    """
    wanted = {award.id: award for award in awards if award.state in IN_USE}
    changes: dict[str, list[AwardChange]] = {id_: [] for id_ in wanted}
    for change in tx.awards.changes(wanted):
        changes[change.award].append(change)
    types = {pool.id: pool.gpu_type for pool in everything(tx.pools.list)}
    granted = (replace(each, cells=_granted(changes[id_])) for id_, each in wanted.items())
    for each in burns(tx, granted):
        initial = _seconds(each.award.cells, types, each.gpu_type)
        line = each.burn.line
        if not initial:  # a GPU type that came later: nothing was planned of it
            line = even_line(line.begins_at, line.ends_at, 0)
        yield AwardUse(
            award=wanted[each.award.id],
            group=each.group,
            gpu_type=each.gpu_type,
            use=UseRecord(
                initial=initial,
                burn=replace(each.burn, line=line),
                since=each.award.offered_at,
                taken=_taken(changes[each.award.id], types, each.gpu_type),
                exempt=each.award.id in exempt,
            ),
        )


def expected_taking(  # noqa: PLR0913 - a rule at a checkpoint, and what use goes by until then
    rule: ReclaimRule,
    checkpoint: Checkpoint,
    day: date,
    use: UseRecord,
    *,
    now: datetime,
    basis: Basis,
) -> Taking:
    """Return what a checkpoint will take, with the use that is expected until then."""
    at = max(midnight(day), now)
    return taking(rule, checkpoint, day, replace(use, burn=grown(use.burn, at, now, basis)))


def reclaims_ahead(
    tx: Transaction, permit: Permit, round_id: str, rule: ReclaimRule, now: datetime
) -> tuple[Ahead, ...]:
    """Return what the coming checkpoints of a rule will take of the visible awards of a round.

    Raises:
        NotFound: If the round does not exist, or is not published.
        UndatedRound: If its calendar has no first day.
    """
    round_ = tx.rounds.find(round_id)
    if round_ is None or not round_.is_public:
        raise NotFound(kind="round", id=round_id)
    days = rule.calendar(*span(round_, calendar_of(tx, round_)))
    where = AwardFilter(round=round_id)
    visible = everything(lambda part: tx.awards.list(permit.scope, part, where=where))
    found = []
    for each in use_records(tx, visible):
        by_basis = [list(ahead(rule, days, each.use, now=now, basis=basis)) for basis in Basis]
        for steps in zip(*by_basis, strict=True):
            takings = {basis: found for basis, (_, found) in zip(Basis, steps, strict=True)}
            found.append(Ahead(of=each, day=steps[0][0], takings=takings))
    return tuple(found)


def calendar_of(tx: Transaction, round_: Round) -> Calendar:
    """Return the calendar of a round's call."""
    call = tx.calls.find(round_.call)
    assert call is not None, "a round belongs to a call"
    return call.terms.calendar


def span(round_: Round, calendar: Calendar) -> tuple[date, date]:
    """Return the first day of a round and the day on which it is over.

    Raises:
        UndatedRound: If the calendar has no first day.
    """
    last = calendar.slot(calendar.slots - 1)
    if calendar.starts_on is None or last is None:
        raise UndatedRound(round=round_.id)
    return calendar.starts_on, last[1].date()


def _granted(changes: Iterable[AwardChange]) -> tuple[Cell, ...]:
    """Return the cells that were published."""
    return next(each.cells for each in changes if each.kind is AwardChangeKind.GRANTED)


def _taken(changes: Iterable[AwardChange], types: dict[str, str], gpu_type: str) -> dict[date, int]:
    """Return what reclaims took of a GPU type, by day."""
    taken: dict[date, int] = {}
    for change in changes:
        if change.kind is AwardChangeKind.RECLAIMED:
            amount = -_seconds(change.cells, types, gpu_type)
            taken[change.at.date()] = taken.get(change.at.date(), 0) + amount
    return {day: amount for day, amount in taken.items() if amount}


def _seconds(cells: Iterable[Cell], types: dict[str, str], gpu_type: str) -> int:
    hours = sum(cell.gpu_hours for cell in cells if types[cell.pool] == gpu_type)
    return hours * SECONDS_PER_HOUR
