"""Burn: how fast an award is used, where it should stand by now, and what will be left of it.

Everything is in whole GPU-seconds of one GPU type. A forecast mixes two views of the time that is
left, in proportion to the part of the award's window that has passed:

    used(τ) = used + (passed · present rate · (τ − now) + left · held · (u(τ) − u(now))) / length

where u is the use curve of other centers. Before the window begins that is the curve alone, at
its end the award's own rate alone; in between each counts as much as it has been seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

SECOND: Final = timedelta(seconds=1)
DAY_SECONDS: Final = 86_400
RECENT: Final = timedelta(days=28)
"""How far back the present rate looks; four weeks hold every weekday equally often."""
PPM: Final = 10**6
"""Millionths: shares of an award on the use curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCurve:
    """The share of an award that is used when a share of its window has passed.

    Attributes:
        scale: share used at the end.
        power: 1 is even use; above it use comes late.
    """

    scale: float
    power: float

    def share(self, passed: int, length: int) -> int:
        """Return the millionths used after `passed` of `length` seconds."""
        part: float = (min(max(passed, 0), length) / length) ** self.power
        return round(self.scale * part * PPM)


NERSC: Final = UseCurve(scale=0.77, power=2.18)
"""How the median project of a large center used its award.

Source:
    Fit to the medians that NERSC published of its allocation year 2023: 0.5 % used after 20.7 %
    of the year, 21.3 % after 54.3 %, 46.5 % after 79.6 %; root mean square error 0.013.
"""


@dataclass(frozen=True, slots=True)
class DueLine:
    """What should have been used by each instant; straight between its points.

    Attributes:
        points: (instant, GPU-seconds by then), both rising.
    """

    points: tuple[tuple[datetime, int], ...]

    @property
    def begins_at(self) -> datetime:
        """The first instant at which something may be used."""
        return self.points[0][0]

    @property
    def ends_at(self) -> datetime:
        """The instant by which everything is due."""
        return self.points[-1][0]

    @property
    def seconds(self) -> int:
        """Length of the window."""
        return (self.ends_at - self.begins_at) // SECOND

    def passed(self, at: datetime) -> int:
        """Return the seconds of the window that have passed."""
        return min(max((at - self.begins_at) // SECOND, 0), self.seconds)

    def due(self, at: datetime) -> int:
        """Return the GPU-seconds that should have been used by an instant, rounded down."""
        before = self.points[0]
        for after in self.points:
            if at < after[0]:
                length, part = (after[0] - before[0]) // SECOND, (at - before[0]) // SECOND
                return before[1] + max(part, 0) * (after[1] - before[1]) // max(length, 1)
            before = after
        return before[1]


def even_line(begins_at: datetime, ends_at: datetime, gpu_seconds: int) -> DueLine:
    """Return the line of who uses the same every second."""
    return DueLine(((begins_at, 0), (ends_at, gpu_seconds)))


def own_line(steps: Iterable[tuple[datetime, datetime, int]]) -> DueLine:
    """Return the line of an award's own plan.

    Args:
        steps: (beginning, end, GPU-seconds) of each slot with cells; at least one, none overlap.
    """
    total, points = 0, list[tuple[datetime, int]]()
    for begins, ends, gpu_seconds in sorted(steps):
        if not points or points[-1][0] < begins:
            points.append((begins, total))
        total += gpu_seconds
        points.append((ends, total))
    return DueLine(tuple(points))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """GPU-seconds used in some seconds; both nothing when nothing has been seen."""

    gpu_seconds: int
    seconds: int

    def over(self, seconds: int) -> int:
        """Return what the same pace uses in some seconds, rounded down."""
        return self.gpu_seconds * seconds // self.seconds if self.seconds else 0

    @property
    def per_day(self) -> int:
        """GPU-seconds a day."""
        return self.over(DAY_SECONDS)


class Basis(StrEnum):
    """What a forecast goes by."""

    RATE = "rate"
    """The award's own present rate: what happens if nothing changes."""
    CURVE = "curve"
    """The use curve of other centers."""
    BLEND = "blend"
    """Both, the more its own the more of its window has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """What is known of the use of an award.

    Attributes:
        held: GPU-seconds that it may use in all, used ones included.
        daily: GPU-seconds used, by day (UTC).
        line: what should have been used by when.
    """

    held: int
    daily: Mapping[date, int]
    line: DueLine
    curve: UseCurve = NERSC

    @property
    def used(self) -> int:
        """GPU-seconds used so far."""
        return sum(self.daily.values())

    @property
    def left(self) -> int:
        """GPU-seconds that may still be used."""
        return max(self.held - self.used, 0)

    def rate(self, now: datetime) -> Rate:
        """Return the present rate: of the last four weeks, or of what has passed of the window."""
        since = max(self.line.begins_at, now - RECENT).date()
        seconds = (now - datetime.combine(since, time(), UTC)) // SECOND
        if seconds <= 0:
            return Rate(gpu_seconds=0, seconds=0)
        seen = sum(each for day, each in self.daily.items() if since <= day <= now.date())
        return Rate(gpu_seconds=seen, seconds=seconds)

    def used_by(self, at: datetime, *, now: datetime, basis: Basis) -> int:
        """Return what will be used by an instant that is not past, at most what is held."""
        passed, length = self.line.passed(now), self.line.seconds
        own = self.rate(now).over((at - now) // SECOND)
        until, so_far = (self.curve.share(self.line.passed(each), length) for each in (at, now))
        usual = self.held * (until - so_far) // PPM
        more = {
            Basis.RATE: own,
            Basis.CURVE: usual,
            Basis.BLEND: (passed * own + (length - passed) * usual) // length,
        }[basis]
        return max(min(self.used + more, self.held), self.used)

    def exhausts_at(self, *, now: datetime, basis: Basis) -> datetime | None:
        """Return the first second at which nothing will be left, if it comes within the window."""
        low, high = 0, (self.line.ends_at - now) // SECOND
        if self.used >= self.held:
            return now
        end = now + max(high, 0) * SECOND
        if self.used_by(end, now=now, basis=basis) < self.held:
            return None
        while low < high:
            middle = (low + high) // 2
            full = self.used_by(now + middle * SECOND, now=now, basis=basis) >= self.held
            low, high = (low, middle) if full else (middle + 1, high)
        return now + low * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What will be, going by one basis.

    Attributes:
        used: by the end of the window.
        unused: left over at the end.
        exhausts_at: when nothing will be left, if that comes before the end.
    """

    basis: Basis
    used: int
    unused: int
    exhausts_at: datetime | None


def forecasts(burn: Burn, now: datetime) -> tuple[Forecast, ...]:
    """Return the forecast of each basis, for the end of the window."""
    end = max(burn.line.ends_at, now)
    found = []
    for basis in Basis:
        used = burn.used_by(end, now=now, basis=basis)
        found.append(
            Forecast(
                basis=basis,
                used=used,
                unused=max(burn.held - used, 0),
                exhausts_at=burn.exhausts_at(now=now, basis=basis),
            )
        )
    return tuple(found)
