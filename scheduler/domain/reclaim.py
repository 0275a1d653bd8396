"""Reclaim: unused hours are taken back at announced checkpoints, by a rule that is data.

A rule compares use with a measure (the award, its own plan to date, an even pace to date), finds
the lowest band that the use stays below, and takes a part of something (what is unused, the
initial award, what is due, the shortfall). Whatever the rule says, never more is taken than is
unused, and never twice at one checkpoint. Everything is in whole GPU-seconds of one GPU type,
rounded in favour of the fellow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from scheduler.domain.amounts import MILLI
from scheduler.domain.burn import SECOND, Basis, Burn, even_line


class Measure(StrEnum):
    """What use is compared with."""

    AWARD = "award"
    """The whole award."""
    PLAN = "plan"
    """What the award's own plan has by now."""
    EVEN = "even"
    """What an even pace has by now."""


class Part(StrEnum):
    """What a part is taken of."""

    UNUSED = "unused"
    """What is left of the award now."""
    INITIAL = "initial"
    """The award as it was granted."""
    DUE = "due"
    """What the measured line has by now."""
    SHORTFALL = "shortfall"
    """What the measured line has by now, less what was used."""


class Counted(StrEnum):
    """Which amount is the award."""

    INITIAL = "initial"
    """As it was granted, without later supplements."""
    HELD = "held"
    """As it is now, used hours included."""


class Pass(StrEnum):
    """Why nothing is taken."""

    NEW = "new"
    """The award is younger than the grace."""
    EXEMPT = "exempt"
    """An exemption was granted."""
    ON_PACE = "on-pace"
    """Use stays below no band."""
    NOTHING_LEFT = "nothing-left"
    """Nothing is unused, or earlier takings and the floor cover it."""
    DONE = "done"
    """This checkpoint has taken already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Who used less than a share of the measure loses a part; both in thousandths."""

    below: int
    take: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """When a rule looks, and its bands, the lowest first.

    Attributes:
        on: month and day; or
        at_share: thousandths of the round that have passed.
    """

    bands: tuple[Band, ...]
    on: tuple[int, int] | None = None
    at_share: int | None = None

    def dates(self, begins_on: date, ends_on: date) -> Iterator[date]:
        """Yield the days within a round on which it falls; the first and the last day do not."""
        if self.at_share is not None:
            passed = timedelta(days=(ends_on - begins_on).days * self.at_share // MILLI)
            yield begins_on + passed
            return
        assert self.on is not None, "a checkpoint has a day or a share"
        for year in range(begins_on.year, ends_on.year + 1):
            day = date(year, *self.on)
            if begins_on < day < ends_on:
                yield day


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimRule:
    """How a center takes back unused hours.

    Attributes:
        cumulative: whether earlier takings count towards a later one, and do not compound.
        keep_even: whether the balance that even use would have left is never touched.
        grace_days: awards younger than this pass.
        notice_days: how long before a checkpoint holders are told.
        exemption_days: until how long before it they may ask to be exempt.
    """

    name: str
    title: str
    source: str
    measure: Measure
    of: Part
    counts: Counted
    cumulative: bool
    keep_even: bool
    grace_days: int
    notice_days: int
    exemption_days: int
    checkpoints: tuple[Checkpoint, ...]

    def calendar(self, begins_on: date, ends_on: date) -> tuple[tuple[date, Checkpoint], ...]:
        """Return the checkpoints of a round by day."""
        days = ((day, each) for each in self.checkpoints for day in each.dates(begins_on, ends_on))
        return tuple(sorted(days, key=lambda pair: pair[0]))

    def exemption_until(self, day: date) -> date:
        """Return the last day on which an exemption from a checkpoint may be asked."""
        return day - timedelta(days=self.exemption_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRecord:
    """What a rule knows of an award on the day of a checkpoint.

    Attributes:
        initial: GPU-seconds as granted.
        burn: what it may use in all now, use by day, and its own plan as granted.
        since: when it became an award.
        taken: GPU-seconds that earlier checkpoints took, by day.
        exempt: whether it is exempt from this one.
    """

    initial: int
    burn: Burn
    since: datetime
    taken: Mapping[date, int] = field(default_factory=dict)
    exempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """What a checkpoint takes of an award, and why.

    Attributes:
        measure: GPU-seconds that use was compared with.
        used, unused: GPU-seconds then.
        band: that applies, if any.
        target: what the band takes in all, before what limits it.
        gpu_seconds: what is taken.
        why_not: why nothing is.
    """

    measure: int
    used: int
    unused: int
    band: Band | None
    target: int
    gpu_seconds: int
    why_not: Pass | None


def taking(rule: ReclaimRule, checkpoint: Checkpoint, day: date, use: UseRecord) -> Taking:
    """Return what a checkpoint takes of an award."""
    at, burn = midnight(day), use.burn
    measure, due = _measured(rule, use, at)
    used, unused = burn.used, burn.left
    band = _band(checkpoint.bands, used, measure)
    target = _target(rule, band, use, due)
    earlier = sum(use.taken.values()) if rule.cumulative else 0
    floor = _even_balance(use, at) if rule.keep_even else 0
    limited = max(min(target - earlier, unused - floor, unused), 0)
    why_not = _passes(rule, use, day) or _finds_nothing(band, limited)
    return Taking(
        measure=measure,
        used=used,
        unused=unused,
        band=band,
        target=target,
        gpu_seconds=0 if why_not else limited,
        why_not=why_not,
    )


def midnight(day: date) -> datetime:
    """Return the instant at which a checkpoint looks: the day's beginning (UTC)."""
    return datetime.combine(day, time(), UTC)


def _measured(rule: ReclaimRule, use: UseRecord, at: datetime) -> tuple[int, int]:
    """Return what use is compared with, and what is due by then, on the measured line."""
    line = use.burn.line
    if rule.measure is Measure.EVEN:
        line = even_line(line.begins_at, line.ends_at, use.initial)
    due = line.due(at)
    if rule.measure is not Measure.AWARD:
        return due, due
    return use.initial if rule.counts is Counted.INITIAL else use.burn.held, due


def _band(bands: tuple[Band, ...], used: int, measure: int) -> Band | None:
    """Return the lowest band that use stays below; nothing is below a measure of nothing."""
    return next((each for each in bands if used * MILLI < each.below * measure), None)


def _target(rule: ReclaimRule, band: Band | None, use: UseRecord, due: int) -> int:
    """Return what a band takes in all, by this rule and its earlier checkpoints."""
    if band is None:
        return 0
    base = {
        Part.UNUSED: use.burn.left,
        Part.INITIAL: use.initial,
        Part.DUE: due,
        Part.SHORTFALL: max(due - use.burn.used, 0),
    }[rule.of]
    return base * band.take // MILLI


def _even_balance(use: UseRecord, at: datetime) -> int:
    """Return what even use of the initial award would have left, rounded up."""
    line = use.burn.line
    left = line.seconds - line.passed(at)
    return -(-use.initial * left // line.seconds)


def _passes(rule: ReclaimRule, use: UseRecord, day: date) -> Pass | None:
    if day in use.taken:
        return Pass.DONE
    if use.exempt:
        return Pass.EXEMPT
    began = max(use.since, use.burn.line.begins_at)
    return Pass.NEW if midnight(day) - began < timedelta(days=rule.grace_days) else None


def _finds_nothing(band: Band | None, limited: int) -> Pass | None:
    if band is None:
        return Pass.ON_PACE
    return None if limited else Pass.NOTHING_LEFT


def ahead(
    rule: ReclaimRule,
    days: tuple[tuple[date, Checkpoint], ...],
    use: UseRecord,
    *,
    now: datetime,
    basis: Basis,
) -> Iterator[tuple[date, Taking]]:
    """Yield what the coming checkpoints will take, each after the ones before it.

    Args:
        rule: of the round.
        days: its checkpoints; past ones are left out.
        use: as of now.
        now: the instant.
        basis: what use goes by until then.
    """
    for day, checkpoint in days:
        if midnight(day) < now:
            continue
        will = replace(use, burn=grown(use.burn, midnight(day), now, basis))
        found = taking(rule, checkpoint, day, will)
        yield day, found
        held = use.burn.held - found.gpu_seconds
        use = replace(
            use,
            burn=replace(use.burn, held=held),
            taken={**use.taken, day: found.gpu_seconds} if found.gpu_seconds else use.taken,
        )


def grown(burn: Burn, at: datetime, now: datetime, basis: Basis) -> Burn:
    """Return a burn with the use that is expected until an instant."""
    more = burn.used_by(at, now=now, basis=basis) - burn.used
    last = (at - SECOND).date()
    return replace(burn, daily={**burn.daily, last: burn.daily.get(last, 0) + more})
