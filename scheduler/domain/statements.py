"""Statements: what whoever pays owes for a month, from the ledger alone.

A month is told by when use was entered in the ledger, not by when it happened: what comes late,
and what is corrected, stands in a later month, and a month that is over never changes. Of what an
award has used from its first second on, the won are rounded down; a line is the difference of two
such sums. So lines add up, over any months, to the won of what the ledger says was used.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import Final

from scheduler.domain.errors import InvalidValue
from scheduler.domain.ledger import CENTER, SECONDS_PER_HOUR

MONTHS: Final = 12


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year, in UTC as all time in the books."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= MONTHS and 1 <= self.year < MAXYEAR):
            raise InvalidValue(field="/month", value=f"{self.year}-{self.month}", rule="YYYY-MM")

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def begins_at(self) -> datetime:
        """The first instant of the month."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant after the month."""
        return self.next.begins_at

    @property
    def next(self) -> "Month":
        """The month after."""
        last = self.month == MONTHS
        return Month(self.year + 1, 1) if last else Month(self.year, self.month + 1)


def month_of(at: datetime) -> Month:
    """Return the month of an instant."""
    utc = at.astimezone(UTC)
    return Month(utc.year, utc.month)


def read_month(text: str) -> Month:
    """Return the month that a text like ``2027-01`` names.

    Raises:
        InvalidValue: If it names none.
    """
    year, _, month = text.partition("-")
    if not (len(year), len(month)) == (4, 2) or not (year + month).isdecimal():
        raise InvalidValue(field="/month", value=text, rule="YYYY-MM")
    return Month(int(year), int(month))


class PayerKind(StrEnum):
    """Who pays."""

    INSTITUTE = "institute"
    """The university, institute or company of the group."""
    GROUP = "group"
    """The group, where it belongs to no institute."""
    CENTER = "center"
    """The center: use outside any award."""


@dataclass(frozen=True, slots=True, order=True)
class Payer:
    """Whoever pays for what fellows use."""

    kind: PayerKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


THE_CENTER: Final = Payer(PayerKind.CENTER, CENTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What an hour costs.

    Attributes:
        track: that the request was made in, if any.
        won: for a service unit.
        charge: service units for a GPU-hour.
    """

    track: str | None
    won: int
    charge: Fraction

    def cost(self, gpu_seconds: int) -> int:
        """Return the won of GPU-seconds that were used in all, rounded down."""
        return int(gpu_seconds * self.won * self.charge // SECONDS_PER_HOUR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What the ledger says was used of an award on one GPU type, and who pays at which tariff.

    Attributes:
        before, after: GPU-seconds that had been entered by the begin and by the end of a month.
    """

    payer: Payer
    award: str
    fellow: str
    group: str
    gpu_type: str
    tariff: Tariff
    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What was entered of one meter in a month, and what it costs; below nothing for refunds."""

    meter: Meter
    gpu_seconds: int
    won: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a payer owes for a month."""

    payer: Payer
    month: Month
    lines: tuple[Line, ...]

    @property
    def gpu_seconds(self) -> int:
        """GPU-seconds of all lines."""
        return sum(each.gpu_seconds for each in self.lines)

    @property
    def won(self) -> int:
        """Won of all lines."""
        return sum(each.won for each in self.lines)


def statements(meters: Iterable[Meter], month: Month) -> tuple[Statement, ...]:
    """Return the statements of a month, by payer; a meter that stands still has no line.

    Args:
        meters: as they stood at the begin and at the end of the month.
        month: that month.
    """
    moved = (each for each in meters if each.before != each.after)
    ordered = sorted(moved, key=lambda each: (each.payer, each.award, each.gpu_type))
    return tuple(
        Statement(payer=payer, month=month, lines=tuple(map(_line, ours)))
        for payer, ours in groupby(ordered, key=lambda each: each.payer)
    )


def _line(meter: Meter) -> Line:
    before, after, cost = meter.before, meter.after, meter.tariff.cost
    return Line(meter=meter, gpu_seconds=after - before, won=cost(after) - cost(before))
