"""Pace: how many GPUs an award may hold at once, so that its hours last until its end.

Queues of a cluster bound GPUs at once, not hours. So at the begin of every period the books say
what is left of an award, and the pace of that period follows. What is used in a period is at most
its pace times its length. Then

* used ≤ granted + one period at its pace, whatever the demand: a period opens only while
  something is left, and is sized to what is left, up to the last gang;
* everything granted is used by the end if demand is there: what is left per second left never
  rises while at least the even pace is used, so it stays at or below the most GPUs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from scheduler.domain.amounts import MILLI
from scheduler.domain.errors import InvalidValue
from scheduler.domain.limits import AwardLimit

PERCENT: Final = 100
SHORTEST_PERIOD: Final = 60
LONGEST_PERIOD: Final = 7 * 86_400
LARGEST_BURST: Final = 10_000
SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """How often the pace is set anew, and how far above the even pace it may go.

    Attributes:
        period_seconds: from one decision to the next.
        burst_percent: most GPUs at once in percent of the even pace, with what others lend.
    """

    period_seconds: int = 3600
    burst_percent: int = 200

    def __post_init__(self) -> None:
        if not SHORTEST_PERIOD <= self.period_seconds <= LONGEST_PERIOD:
            rule = f"{SHORTEST_PERIOD} to {LONGEST_PERIOD}"
            raise InvalidValue(field="/period_seconds", value=self.period_seconds, rule=rule)
        if not PERCENT <= self.burst_percent <= LARGEST_BURST:
            rule = f"{PERCENT} to {LARGEST_BURST}"
            raise InvalidValue(field="/burst_percent", value=self.burst_percent, rule=rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """GPUs that an award may hold at once until the next decision.

    Attributes:
        even: GPUs of its own: they use up evenly what is left.
        most: GPUs in all, with what others lend.
    """

    even: int
    most: int

    @property
    def rests(self) -> bool:
        """Whether nothing may start."""
        return self.most == 0


RESTING: Final = Pace(even=0, most=0)


def pace(limit: AwardLimit, pacing: Pacing, now: datetime, *, unmetered: int = 0) -> Pace:
    """Return the pace of the period that begins now.

    Args:
        limit: of an award on one GPU type.
        pacing: period and burst.
        now: the instant of the decision.
        unmetered: GPU-seconds that may have been used since the books were told; they are taken
            as used until the books say otherwise.

    Raises:
        InvalidValue: If the calendar has no first day: hours without dates have no pace.
    """
    if limit.window is None:
        raise InvalidValue(field="/calendar/starts_on", value=None, rule="a first day")
    begins_at, ends_at = limit.window
    seconds, gang = (ends_at - now) // SECOND, limit.gang_gpus
    left = limit.left_gpu_seconds - unmetered
    if now < begins_at or seconds <= 0 or left <= 0:
        return RESTING
    period = min(pacing.period_seconds, seconds)
    even = _up(left, seconds)
    burst = gang * _up(left * pacing.burst_percent, seconds * PERCENT * gang)
    payable = gang * _up(left, period * gang)
    most = min(limit.gpus or gang, burst, payable)
    return Pace(even=min(even, most), most=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedAward:
    """An award with its pace on each GPU type.

    Attributes:
        group: of its fellow, if any; institute: of the group, if any.
        weight: of the group, in thousandths.
    """

    award: str
    group: str | None
    institute: str | None
    weight: int
    paces: Mapping[str, Pace]

    @property
    def rests(self) -> bool:
        """Whether nothing of it may start on any GPU type."""
        return all(each.rests for each in self.paces.values())


def paced_awards(
    limits: Iterable[AwardLimit],
    pacing: Pacing,
    now: datetime,
    *,
    weights: Mapping[str, int] | None = None,
    unmetered: Mapping[tuple[str, str], int] | None = None,
) -> tuple[PacedAward, ...]:
    """Return awards at the pace of the period that begins now, in order of their ids.

    Args:
        limits: of awards, by GPU type.
        pacing: period and burst.
        now: the instant of the decision.
        weights: of groups, in thousandths; 1 where nothing is said.
        unmetered: see `pace`, by award and GPU type.

    Raises:
        InvalidValue: If the calendar has no first day.
    """
    weighed, unknown = weights or {}, unmetered or {}
    ordered = sorted(limits, key=lambda each: (each.award, each.gpu_type))
    return tuple(
        PacedAward(
            award=award,
            group=ours[0].group,
            institute=ours[0].institute,
            weight=weighed.get(ours[0].group or "", MILLI),
            paces={
                each.gpu_type: pace(
                    each, pacing, now, unmetered=unknown.get((award, each.gpu_type), 0)
                )
                for each in ours
            },
        )
        for award, ours in (
            (award, tuple(some)) for award, some in groupby(ordered, key=lambda each: each.award)
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """GPUs that an award was let hold from an instant on, by GPU type, until the next step."""

    since: datetime
    gpus: Mapping[str, int]


def exposed(steps: Sequence[Step], gpu_type: str, since: datetime, until: datetime) -> int:
    """Return the most GPU-seconds that may have been used of a GPU type in a span of time.

    Args:
        steps: oldest first.
        gpu_type: which GPUs.
        since: the begin of the span.
        until: its end.
    """
    total, end = 0, until
    for step in reversed(steps):
        begin = max(step.since, since)
        seconds = -((begin - end) // SECOND)  # a begun second counts
        total += max(seconds, 0) * step.gpus.get(gpu_type, 0)
        end = min(end, step.since)
    return total


def recent(steps: Sequence[Step], since: datetime) -> tuple[Step, ...]:
    """Return the steps without those that had ended by an instant."""
    ends = [each.since for each in steps[1:]]
    ended = sum(end <= since for end in ends)
    return tuple(steps[ended:])


def _up(amount: int, divisor: int) -> int:
    """Divide, rounding up."""
    return -(-amount // divisor)
