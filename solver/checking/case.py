"""A plan beside its round, with the sums that the rules look at; standard library only."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from solver.checking.claims import MILLIONTHS, Policy, StatedAward, StatedPlan
from solver.checking.reading import Request, Round
from solver.checking.rows import MILLI, Cell
from solver.checking.verdict import Number, Witness

CLOSE = Fraction(1, 10**9)
"""Figures that a plan states in floating point may differ by this part of themselves."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A round, the plan stated for it, and the policy when a certificate carries it."""

    round: Round
    plan: StatedPlan
    policy: Policy | None = None

    @cached_property
    def awards(self) -> Mapping[str, StatedAward]:
        """Awards by request."""
        return {award.request: award for award in self.plan.awards}

    @cached_property
    def funded(self) -> tuple[tuple[Request, StatedAward], ...]:
        """Each award with its request."""
        requests = self.round.requests
        return tuple((requests[award.request], award) for award in self.plan.awards)

    @cached_property
    def totals(self) -> Mapping[str, int]:
        """Thousandths of reference GPU-hours in the cells of each award."""
        return {request.id: total(request, award.cells) for request, award in self.funded}

    @cached_property
    def charges(self) -> Mapping[str, int]:
        """Thousandths of service units that the cells of each award cost."""
        pools = self.round.pools
        return {
            award.request: sum(hours * pools[pool].charge for pool, _, hours in award.cells)
            for award in self.plan.awards
        }

    @cached_property
    def awarded(self) -> Mapping[str, int]:
        """Thousandths of reference GPU-hours that each award is worth: at most the ask."""
        return {each.id: min(self.totals[each.id], each.ask) for each, _ in self.funded}

    @cached_property
    def received(self) -> Mapping[str, int]:
        """Thousandths of the policy's unit of each award."""
        return self.charges if self.plan.unit == "service_units" else self.awarded

    @cached_property
    def used(self) -> Mapping[tuple[str, int], int]:
        """GPU-hours used of each pool and slot."""
        used: dict[tuple[str, int], int] = defaultdict(int)
        for award in self.plan.awards:
            for pool, slot, hours in award.cells:
                used[pool, slot] += hours
        return used

    @cached_property
    def holders(self) -> Mapping[str, Callable[[Request], str | None]]:
        """Who may have floors, caps and entitlements, and whose a request counts as."""
        fellows = self.round.fellows
        return {
            "fellow": lambda request: request.fellow,
            "group": self.round.group_of,
            "institute": lambda request: self.round.institute_of(fellows[request.fellow]),
            "track": lambda request: request.track,
        }

    @cached_property
    def held(self) -> Mapping[str, Mapping[str, int]]:
        """Thousandths of the unit that each fellow, group, institute and track receives."""
        return {what: self.sums(key) for what, key in self.holders.items()}

    def sums(self, key: Callable[[Request], str | None]) -> Mapping[str, int]:
        """Return what is received per group, fellow, institute or track."""
        sums: dict[str, int] = defaultdict(int)
        for request, _ in self.funded:
            whose = key(request)
            if whose is not None:
                sums[whose] += self.received[request.id]
        return sums

    def factor(self, request: Request, pool: str) -> int:
        """Return the thousandths of the unit in a GPU-hour; 0 where the pool is not acceptable."""
        speed = request.speeds.get(pool, 0)
        if self.plan.unit == "reference_hours":
            return speed
        return self.round.pools[pool].charge if speed else 0

    def part(self, millionths: int | None) -> int | None:
        """Return a part of the whole supply in thousandths, rounded down."""
        return None if millionths is None else self.round.total_units * millionths // MILLIONTHS


def total(request: Request, cells: Iterable[Cell]) -> int:
    """Return the thousandths of reference GPU-hours in some cells."""
    return sum(hours * request.speeds.get(pool, 0) for pool, _, hours in cells)


def is_close(stated: Fraction, truth: Fraction) -> bool:
    """Say whether a figure in floating point is the exact one."""
    return abs(stated - truth) <= CLOSE * max(Fraction(1), abs(truth))


def broken(
    rule: str,
    text: str,
    request: str | None = None,
    cell: tuple[str | None, int | None] = (None, None),
    **numbers: Number,
) -> Witness:
    """Return a witness with its figures by name."""
    return Witness(
        rule=rule,
        text=text,
        request=request,
        pool=cell[0],
        slot=cell[1],
        numbers=tuple(numbers.items()),
    )


def most_units(round_: Round, request: Request, unit: str) -> int:
    """Return the most a request alone can take of the fluid round, in thousandths, rounded down.

    Pools are filled in the order of what an asked hour brings there. `max_gpus` binds over all
    pools where an hour counts alike on each, or counts by speed; else on each pool alone.
    """
    by_speed = unit == "reference_hours"
    worth = {
        name: (speed if by_speed else round_.pools[name].charge, speed)
        for name, speed in request.speeds.items()
        if speed
    }
    joint = by_speed or len({factor for factor, _ in worth.values()}) == 1
    limit = request.max_gpus * round_.slot_hours
    used: dict[int, int] = defaultdict(int)
    left, units = request.ask * MILLI, 0
    for pool, (factor, speed) in sorted(worth.items(), key=_brings, reverse=True):
        hours = 0
        for slot in range(request.first, request.end):
            take = min(round_.pools[pool].supply[slot], limit - used[slot] if joint else limit)
            used[slot] += take
            hours += take
        if hours * speed >= left:
            return (units + left * factor // speed) // MILLI
        units += hours * factor
        left -= hours * speed
    return units // MILLI


def _brings(pool: tuple[str, tuple[int, int]]) -> tuple[Fraction, int]:
    """Return what pools are filled by: the unit per asked hour, then speed."""
    _, (factor, speed) = pool
    return Fraction(factor, speed), speed
