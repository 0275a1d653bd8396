"""The value bound by weak duality, request by request, in exact numbers; standard library only.

ValuePrices on supply and multipliers on what holders receive turn the round into one question per
request: what can it earn at most when it pays for its hours? Hours are whole and supply is whole,
so for every plan that gives each holder at least its stated least

    value  ≤  Σ price · ⌊supply⌋ − Σ multiplier · least + Σ_r best profit of r at these prices.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import TypeAlias

from solver.checking.case import Case
from solver.checking.goals import value_parts
from solver.checking.reading import Request
from solver.checking.rows import MILLI

HolderName: TypeAlias = tuple[str, str]
"""Kind (``group``, ``fellow``, ``institute``, ``track``) and id."""
Step: TypeAlias = tuple[int, int]
"""What an hour more earns apart from the award, and the thousandths of a reference hour it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePrices:
    """A statement of prices.

    Attributes:
        supply: value per GPU-hour of a pool in a slot, none negative.
        holders: value per unit received and the least units received, none negative.
        covers: value per unit received of a request to its fellow; what the fellow's multiplier is
            beyond that counts on all that is due, once, when the request is funded.
    """

    supply: Mapping[tuple[str, int], Fraction]
    holders: Mapping[HolderName, tuple[Fraction, Fraction]]
    covers: Mapping[str, Fraction] = field(default_factory=dict)


def value_bound(case: Case, prices: ValuePrices, part: Fraction = Fraction(1)) -> Fraction:
    """Return what the value of no plan exceeds that gives each holder its least.

    Args:
        case: round, plan and policy.
        prices: whatever is stated.
        part: what value is multiplied by before it is set against the prices.

    Raises:
        ValueError: If a price or a multiplier is negative.
    """
    return _Pricing(case, prices, part).bound()


@dataclass(slots=True)
class _Pricing:
    """ValuePrices brought to one denominator, and what hours earn at them."""

    case: Case
    prices: ValuePrices
    part: Fraction
    scale: int = 1
    hour_price: dict[tuple[str, int], int] = field(default_factory=dict)
    worth: dict[HolderName, int] = field(default_factory=dict)
    steps: dict[tuple[object, ...], list[Step]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rates = [*self.prices.supply.values()]
        rates += [multiplier for multiplier, _ in self.prices.holders.values()]
        rates += self.prices.covers.values()
        if any(rate < 0 for rate in rates):
            raise ValueError("A price is negative.")
        parts = self.value_parts()
        self.scale = MILLI * MILLI * lcm(*(rate.denominator for rate in (*rates, *parts)))
        self.hour_price = {at: int(rate * self.scale) for at, rate in self.prices.supply.items()}
        self.worth = {
            holder: int(rate * self.scale) for holder, (rate, _) in self.prices.holders.items()
        }

    def bound(self) -> Fraction:
        """Add up supply, promises and profits."""
        pools = self.case.round.pools
        paid = sum(
            price * pools[pool].whole(slot) for (pool, slot), price in self.hour_price.items()
        )
        promised = sum(rate * least for rate, least in self.prices.holders.values())
        earned: Fraction | int = 0
        for request in self.case.round.requests.values():
            if not request.vetoed:
                earned += self.profit(request)
        return (paid + earned) / Fraction(self.scale) - promised

    def value_parts(self) -> tuple[Fraction, Fraction]:
        """Return what a unit of merit × hours and of merit × projects counts against prices."""
        by_hours, by_projects = value_parts(self.case)
        return by_hours * self.part, by_projects * self.part

    def profit(self, request: Request) -> Fraction | int:
        """Return the most a request earns: its value and its holders' worth less its hours' price.

        To a fellow no request is worth more than all that is due; so any part of the multiplier
        may count on the whole of that, whatever is received. Nothing, when the request need not
        be funded and would lose.
        """
        own = sum(self.worth.get(holder, 0) for holder in self.holders(request))
        whole: Fraction | int = 0
        if request.id in self.prices.covers:
            worth = self.worth.get(("fellow", request.fellow), 0)
            apart = max(worth - int(self.prices.covers[request.id] * self.scale), 0)
            own -= apart
            whole = apart * self.prices.holders["fellow", request.fellow][1] if apart else 0
        best = self.earned(request, own)
        if best is None:
            return 0
        return best + whole if request.must_fund else max(best + whole, 0)

    def earned(self, request: Request, own: int) -> Fraction | int | None:
        """Return the most a request earns where units are worth `own`, None if it cannot be."""
        by_hours, by_projects = self.value_parts()
        points = self.case.merit(request)
        award = int(by_hours * points * self.scale) // (MILLI * MILLI)
        funded = int(by_projects * points * self.scale) // MILLI
        if self.case.plan.unit == "reference_hours":
            award, own = award + own // MILLI, 0
        best: Fraction | int | None = None
        for steps in self.options(request, own):
            gained = _earned(steps, request, award, self.case.round.slot_limit(request))
            if gained is not None:
                best = gained + funded if best is None else max(best, gained + funded)
        return best

    def holders(self, request: Request) -> Iterator[HolderName]:
        """Return whom a request counts for."""
        fellow = self.case.round.fellows[request.fellow]
        yield "fellow", fellow.id
        yield "group", fellow.group
        institute = self.case.round.institute_of(fellow)
        if institute is not None:
            yield "institute", institute
        if request.track is not None:
            yield "track", request.track

    def options(self, request: Request, own: int) -> Iterator[list[Step]]:
        """Return the ways a request can lie: each as steps, best first, per hour of its limit."""
        pools = tuple(sorted(name for name, speed in request.speeds.items() if speed))
        apart = request.single_pool or request.shape == "block"
        for chosen in [(pool,) for pool in pools] if apart else [pools]:
            speeds = tuple((pool, request.speeds[pool]) for pool in chosen)
            for first, end in _stays(request):
                whole = request.shape != "flexible"
                yield self.cached(speeds, own, range(first, end), whole=whole)

    def cached(
        self, speeds: tuple[tuple[str, int], ...], own: int, slots: range, *, whole: bool
    ) -> list[Step]:
        """Return the steps of some slots, worked out once for requests alike."""
        key = (speeds, own, slots, whole)
        if key not in self.steps:
            parts = [slots] if whole else [range(slot, slot + 1) for slot in slots]
            steps = [step for part in parts for step in self.hull(speeds, own, part)]
            self.steps[key] = sorted(steps, key=_slope, reverse=True)
        return self.steps[key]

    def hull(self, speeds: Iterable[tuple[str, int]], own: int, slots: range) -> Iterable[Step]:
        """Return the steps of one GPU-hour in each of the slots over its pools."""
        points = []
        for pool, speed in speeds:
            supply = self.case.round.pools[pool]
            if all(supply.whole(slot) for slot in slots):
                price = sum(self.hour_price.get((pool, slot), 0) for slot in slots)
                charge = supply.charge * own // MILLI
                points.append((speed * len(slots), charge * len(slots) - price))
        return _upper_hull(points)


def _stays(request: Request) -> Iterator[tuple[int, int]]:
    """Return the slots that a request can lie in, as first and end."""
    if request.shape == "block":
        for first in range(request.first, request.end - request.block_slots + 1):
            yield first, first + request.block_slots
    else:
        yield request.first, request.end


def _slope(step: Step) -> Fraction:
    """Return what a step earns per thousandth of a reference hour."""
    return Fraction(step[0], step[1])


def _upper_hull(points: Sequence[tuple[int, int]]) -> list[Step]:
    """Return the steps of the upper hull of (0, 0) and the points, up to the rightmost."""
    hull = [(0, 0)]
    for x, y in sorted(points):
        while len(hull) > 1 and _is_below(hull[-2], hull[-1], (x, y)):
            hull.pop()
        if x > hull[-1][0]:
            hull.append((x, y))
    return [(b[1] - a[1], b[0] - a[0]) for a, b in pairwise(hull)]


def _is_below(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
    """Say whether b lies on or below the line from a to c, or straight under c."""
    if b[0] == c[0]:
        return b[1] <= c[1]
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def _earned(
    steps: Sequence[Step], request: Request, award: int, limit: int
) -> Fraction | int | None:
    """Return the most that steps of `limit` hours earn with the award, or None below the minimum.

    Steps are taken best first: up to the minimum whatever they cost, up to the ask while they and
    the award earn, up to one gang-hour beyond it while they earn by themselves.
    """
    beyond = request.ask + request.gang * max(request.speeds.values())
    taken = 0
    earned: Fraction | int = 0
    for gain, speed in steps:
        stop = request.minimum
        if gain > 0:
            stop = beyond
        elif gain + award * speed > 0:
            stop = request.ask
        part = min(limit * speed, stop - taken)
        if part <= 0:
            break
        earned += gain * limit if part == limit * speed else Fraction(gain * part, speed)
        taken += part
    if taken < request.minimum:
        return None
    return earned + award * min(taken, request.ask)
