"""How awards are used: what they hold, what is due by now, what will be left."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from scheduler.domain.access import Permit
from scheduler.domain.awards import Award
from scheduler.domain.burn import Basis, Burn, DueLine, Forecast, even_line, forecasts, own_line
from scheduler.domain.errors import NotFound, UndatedRound
from scheduler.domain.ledger import SECONDS_PER_HOUR, Account, AccountKind
from scheduler.domain.pools import Calendar
from scheduler.operations.ledger import call_of
from scheduler.ports.paging import AwardFilter, everything
from scheduler.ports.store import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardBurn:
    """An award's hours of one GPU type, and how they are used."""

    award: Award
    group: str | None
    gpu_type: str
    burn: Burn


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What will be used of an award, or of several together.

    Attributes:
        held, used, due: GPU-seconds; `due` is what the own plans have by now.
    """

    held: int
    used: int
    due: int
    forecasts: tuple[Forecast, ...]


def award_burns(tx: Transaction, permit: Permit, id_: str) -> tuple[AwardBurn, ...]:
    """Return how a visible award is used, by GPU type.

    Raises:
        NotFound: If the award is not visible.
        UndatedRound: If its calendar has no first day.
    """
    return tuple(burns(tx, [tx.awards.get(permit.scope, id_)]))


def round_burns(tx: Transaction, permit: Permit, round_id: str) -> tuple[AwardBurn, ...]:
    """Return how the visible awards of a published round are used.

    Raises:
        NotFound: If the round does not exist, or is not published.
        UndatedRound: If its calendar has no first day.
    """
    round_ = tx.rounds.find(round_id)
    if round_ is None or not round_.is_public:
        raise NotFound(kind="round", id=round_id)
    where = AwardFilter(round=round_id)
    found = everything(lambda part: tx.awards.list(permit.scope, part, where=where))
    return tuple(burns(tx, found))


def burns(tx: Transaction, awards: Iterable[Award]) -> Iterable[AwardBurn]:
    """Yield what awards hold by GPU type, in order of award and type.

    Raises:
        UndatedRound: If a calendar has no first day.
    """
    wanted = tuple(awards)
    types = {pool.id: pool.gpu_type for pool in everything(tx.pools.list)}
    groups = {each.id: each.group for each in tx.people.of({each.fellow for each in wanted})}
    accounts = _accounts(tx, wanted)
    days = tx.usage.by_day(each.id for each in wanted)
    calendars: dict[str, Calendar] = {}
    for award in wanted:
        if award.round not in calendars:
            calendars[award.round] = _calendar(tx, award)
        calendar = calendars[award.round]
        lines = due_lines(award, calendar, types)
        used = _daily(days.get(award.id, {}))
        for account in accounts.get(award.id, ()):
            daily = used.get(account.gpu_type, {})
            held = account.balance + account.credits_pending + sum(daily.values())
            line = lines.get(account.gpu_type) or _even(calendar, held, award)
            yield AwardBurn(
                award=award,
                group=groups.get(award.fellow),
                gpu_type=account.gpu_type,
                burn=Burn(held=held, daily=daily, line=line),
            )


def due_lines(award: Award, calendar: Calendar, gpu_types: Mapping[str, str]) -> dict[str, DueLine]:
    """Return an award's own plan by GPU type: its cells are GPU-hours per slot.

    Args:
        award: with its cells.
        calendar: of its call.
        gpu_types: GPU type of each pool.

    Raises:
        UndatedRound: If the calendar has no first day.
    """
    steps: dict[str, Counter[int]] = defaultdict(Counter)
    for cell in award.cells:
        steps[gpu_types[cell.pool]][cell.slot] += cell.gpu_hours * SECONDS_PER_HOUR
    return {
        gpu_type: own_line((*_slot(calendar, slot, award), amount) for slot, amount in own.items())
        for gpu_type, own in steps.items()
    }


def expected(each: AwardBurn, now: datetime) -> Expected:
    """Return what will be used of an award."""
    burn = each.burn
    return Expected(
        held=burn.held,
        used=burn.used,
        due=burn.line.due(now),
        forecasts=forecasts(burn, now),
    )


def together(parts: Iterable[Expected]) -> Expected:
    """Return several expectations as one; nothing says when all of it is used up."""
    all_ = tuple(parts)
    return Expected(
        held=sum(each.held for each in all_),
        used=sum(each.used for each in all_),
        due=sum(each.due for each in all_),
        forecasts=tuple(
            Forecast(
                basis=basis,
                used=sum(each.forecasts[at].used for each in all_),
                unused=sum(each.forecasts[at].unused for each in all_),
                exhausts_at=None,
            )
            for at, basis in enumerate(Basis)
        ),
    )


def _accounts(tx: Transaction, awards: Iterable[Award]) -> Mapping[str, list[Account]]:
    """Return what awards may use, by award, in order of GPU type."""
    found: dict[str, list[Account]] = defaultdict(list)
    for account in tx.ledger.of_owners(each.id for each in awards):
        if account.kind is AccountKind.AWARD:
            found[account.owner].append(account)
    return found


def _even(calendar: Calendar, held: int, award: Award) -> DueLine:
    """Return the line of an award that has no cells of a GPU type any more."""
    begins, _ = _slot(calendar, 0, award)
    _, ends = _slot(calendar, calendar.slots - 1, award)
    return even_line(begins, ends, held)


def _calendar(tx: Transaction, award: Award) -> Calendar:
    call = tx.calls.find(call_of(tx, award))
    assert call is not None, "a round belongs to a call"
    return call.terms.calendar


def _slot(calendar: Calendar, slot: int, award: Award) -> tuple[datetime, datetime]:
    span = calendar.slot(slot)
    if span is None:
        raise UndatedRound(round=award.round)
    return span


def _daily(by_day: Mapping[tuple[str, date], int]) -> dict[str, dict[date, int]]:
    used: dict[str, dict[date, int]] = {}
    for (gpu_type, day), amount in by_day.items():
        used.setdefault(gpu_type, {})[day] = amount
    return used
