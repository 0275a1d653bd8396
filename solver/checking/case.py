"""A plan beside its round, with the sums that the rules look at; standard library only."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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

    @cached_property
    def rights(self) -> Mapping[str, int]:
        """What counts as all of a fellow's share, for fellows who have one.

        The entitlement; or, when nobody has one, the least that the eligible asks can cost, for
        fellows of positive weight.
        """
        entitled = {name: amount for name, amount in self.plan.fellows.items() if amount}
        if entitled:
            return entitled
        asks: dict[str, int] = {}
        for request in self.round.requests.values():
            costs = [
                request.ask * self.factor(request, pool) // speed
                for pool, speed in request.speeds.items()
                if speed
            ]
            if not request.vetoed and costs and self.round.fellows[request.fellow].weight:
                asks[request.fellow] = asks.get(request.fellow, 0) + min(costs)
        return {name: amount for name, amount in asks.items() if amount}

    @cached_property
    def last_gangs(self) -> Mapping[str, int]:
        """Thousandths of the unit in the largest gang-hour of each fellow."""
        last = dict.fromkeys(self.round.fellows, 0)
        for request in self.round.requests.values():
            if not request.vetoed:
                dearest = max((self.factor(request, pool) for pool in request.speeds), default=0)
                last[request.fellow] = max(last[request.fellow], request.gang * dearest)
        return last

    @cached_property
    def met(self) -> int:
        """How many awards reach the minimum."""
        return sum(self.awarded[each.id] >= each.minimum for each, _ in self.funded)

    @cached_property
    def obliged(self) -> int:
        """How many requests are funded that every plan has to fund."""
        return sum(each.must_fund for each, _ in self.funded)

    @cached_property
    def worth(self) -> tuple[int, int]:
        """Merit × thousandths of reference hours over all awards, and merit alone."""
        hours = sum(self.merit(each) * self.awarded[each.id] for each, _ in self.funded)
        return hours, sum(self.merit(each) for each, _ in self.funded)

    @cached_property
    def asking(self) -> frozenset[str]:
        """Fellows with an eligible request."""
        return frozenset(each.fellow for each in self.round.requests.values() if not each.vetoed)

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """What the policy counts fellows' amounts per.

        By score: the ask-weighted mean score of the eligible requests in thousandths, at least 1.
        """
        assert self.policy is not None
        fellows = self.round.fellows
        if self.policy.fellow_weight == "weight":
            return {each.id: each.weight for each in fellows.values()}
        if self.policy.fellow_weight == "equal":
            return dict.fromkeys(fellows, 1)
        asked = dict.fromkeys(fellows, 0)
        points = dict.fromkeys(fellows, 0)
        for request in self.round.requests.values():
            if not request.vetoed:
                asked[request.fellow] += request.ask
                points[request.fellow] += request.ask * request.score
        return {name: max(1, _mean(points[name], asked[name])) for name in fellows}

    @cached_property
    def caps(self) -> Mapping[str, int]:
        """Caps of fellows who have one: their own or the policy's, whichever is less."""
        shared = self.part(self.policy.fellow_cap) if self.policy else None
        both = {each.id: (each.cap, shared) for each in self.round.fellows.values()}
        some = {name: [cap for cap in caps if cap is not None] for name, caps in both.items()}
        return {name: min(caps) for name, caps in some.items() if caps}

    @cached_property
    def served(self) -> tuple[int, int, int]:
        """How many fellows have their entitlement, half of it, and nothing.

        One gang-hour short still counts as having it; without entitlements the whole ask stands in.
        """
        received, last = self.held["fellow"], self.last_gangs
        most = half = none = 0
        for name, right in self.rights.items():
            got = received.get(name, 0)
            enough = right - last[name] if right > last[name] else right - 1
            most += got > enough or got >= right
            half += 2 * got >= right
            none += got == 0
        return most, half, none

    @cached_property
    def shares(self) -> Mapping[str, Sequence[float]]:
        """What fellows receive by group, per unit of entitlement or, without, of weight."""
        entitled = any(self.plan.fellows.values())
        received, found = self.held["fellow"], defaultdict[str, list[float]](list)
        for name, right in self.rights.items():
            fellow = self.round.fellows[name]
            per = right if entitled else fellow.weight
            found[fellow.group].append(received.get(name, 0) / per)
        return found

    @cached_property
    def missed(self) -> tuple[int, int]:
        """Σ weight · shortfall and Σ weight of the fellows who ask, in thousandths."""
        weights, received = self.weights, self.held["fellow"]
        missing = sum(
            weights[name] * max(0, entitled - received.get(name, 0))
            for name, entitled in self.plan.fellows.items()
            if name in self.asking
        )
        return missing, sum(weights[name] for name in self.asking)

    def merit(self, request: Request) -> int:
        """Return what multiplies a request's value, in thousandths."""
        assert self.policy is not None
        return request.score if self.policy.merit == "score" else MILLI

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


def _mean(points: int, asked: int) -> int:
    """Return the mean rounded to the nearest thousandth, halves up."""
    return (2 * points + asked) // (2 * asked) if asked else 0


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
