"""What the fluid round can give at most at given prices; exact, standard library only.

For prices on pools and slots and multipliers on holders (a group, a fellow, an institute, a track)
every division of the fluid round keeps

    Σ multiplier · amount  ≤  Σ price · supply + Σ_r (best profit of request r at these prices),

since a request's multipliers pay for what it takes and the prices charge for it. What a request can
earn at most has a closed form: its slots are filled best earning per asked hour first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

MILLI = 1000
Holder: TypeAlias = tuple[str, int]
"""Kind (``group``, ``fellow``, ``institute``, ``track``) and index."""
BEYOND = 1 << 200
"""A price that no multiplier pays."""
Prices: TypeAlias = Mapping[int, Sequence[int]]
"""Price of each slot by pool; a pool without entry is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidRequest:
    """A request as the fluid round knows it.

    Attributes:
        pools: (pool, factor, speed) of the acceptable pools: thousandths of the unit and of a
            reference GPU-hour per GPU-hour.
        ask: thousandths of a reference GPU-hour.
        limit: most thousandths of a GPU-hour in one slot.
        joint: whether `limit` holds over all pools together or on each alone.
        first, end: window in slots.
        holders: who it belongs to.
    """

    pools: tuple[tuple[int, int, int], ...]
    ask: int
    limit: int
    joint: bool
    first: int
    end: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidRound:
    """Requests that may take hours, and the supply.

    Attributes:
        supply: thousandths of a GPU-hour by pool and slot.
        lengths: slots that each entry of the calendar stands for (all 1 unless slots are merged).
    """

    requests: tuple[FluidRequest, ...]
    supply: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]

    def earned(
        self, charged: Sequence[Sequence[int]], multipliers: Mapping[Holder, int]
    ) -> Fraction | int:
        """Return the most that all requests earn together, in thousandths of the bound's unit.

        Args:
            charged: price by pool and slot.
            multipliers: integers.
        """
        total: Fraction | int = 0
        worths: dict[tuple[Holder, ...], int] = {}
        for request in self.requests:
            worth = worths.get(request.holders)
            if worth is None:
                worth = sum(multipliers.get(holder, 0) for holder in request.holders)
                worths[request.holders] = worth
            if worth > 0:
                rows = [charged[pool] for pool, _, _ in request.pools]
                total += _profit(request, worth, rows, self.lengths)
        return total


def most_together(fluid: FluidRound, prices: Prices, multipliers: Mapping[Holder, int]) -> Fraction:
    """Return an upper bound of Σ multiplier · amount over all divisions of the fluid round.

    Args:
        fluid: the round.
        prices: non-negative integers, unit per GPU-hour.
        multipliers: integers.

    Returns:
        Thousandths of the unit.

    Raises:
        ValueError: If a price is negative.
    """
    if any(price < 0 for row in prices.values() for price in row):
        raise ValueError("A price is negative.")
    paid = sum(
        price * hours
        for pool, row in prices.items()
        for price, hours in zip(row, fluid.supply[pool], strict=True)
    )
    earned = fluid.earned(_charged(fluid, prices), multipliers)
    return paid + Fraction(earned) / MILLI


def _charged(fluid: FluidRound, prices: Prices) -> list[list[int]]:
    """Return prices by pool and slot; where there is no supply nobody can pay."""
    free = [0] * len(fluid.lengths)
    return [
        [
            price if hours else BEYOND
            for price, hours in zip(prices.get(pool, free), row, strict=True)
        ]
        for pool, row in enumerate(fluid.supply)
    ]


def _profit(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Fraction | int:
    """Return the most a request earns, in thousandths of the bound's unit."""
    steps = _joint_steps if request.joint and len(rows) > 1 else _single_steps
    offers = steps(request, worth, rows, lengths)
    wanted = sum(speed * hours for (_, speed), hours in offers.items())
    left = request.ask * MILLI
    if wanted <= left:
        return sum(margin * hours for (margin, _), hours in offers.items())
    earned = 0
    best_first = sorted(offers, key=lambda offer: Fraction(offer[0], offer[1]), reverse=True)
    for margin, speed in best_first:
        hours = offers[margin, speed]
        if speed * hours > left:
            return earned + Fraction(margin * left, speed)
        earned += margin * hours
        left -= speed * hours
    return earned


def _single_steps(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Counter[tuple[int, int]]:
    """Return hours on offer by (margin, speed) where every pool has a limit of its own."""
    offers: Counter[tuple[int, int]] = Counter()
    window = lengths[request.first : request.end]
    for (_, factor, speed), row in zip(request.pools, rows, strict=True):
        for price, length in zip(row[request.first : request.end], window, strict=True):
            margin = worth * factor - MILLI * price
            if margin > 0:
                offers[margin, speed] += request.limit * length
    return offers


def _joint_steps(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Counter[tuple[int, int]]:
    """Return hours on offer by (margin, speed) steps where the pools share one limit.

    In a slot the choice between pools is the upper hull of their (speed, margin) points; moving
    on from one to the next is an offer of its own, and later steps never pay better.
    """
    alike: Counter[tuple[int, ...]] = Counter()
    window = range(request.first, request.end)
    for slot in window:
        alike[tuple(row[slot] for row in rows)] += lengths[slot]
    offers: Counter[tuple[int, int]] = Counter()
    for slot_prices, length in alike.items():
        points = [
            (speed, worth * factor - MILLI * price)
            for (_, factor, speed), price in zip(request.pools, slot_prices, strict=True)
        ]
        for speed, margin in _hull_steps(points):
            offers[margin, speed] += request.limit * length
    return offers


def _hull_steps(points: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the rising steps of the upper hull of (0, 0) and the points."""
    hull = [(0, 0)]
    for x, y in sorted(points):
        if y <= hull[-1][1]:
            continue
        while len(hull) > 1 or hull[-1][0] == x:
            if hull[-1][0] == x:
                hull.pop()
                continue
            (x0, y0), (x1, y1) = hull[-2], hull[-1]
            if (y1 - y0) * (x - x1) > (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(hull)]
