"""Whether a leximin over few pools without a time axis is one; exact, standard library only.

Four things together prove it. The division keeps the supply and gives the amounts. At the prices of
each event the cheapest ways to everybody's amounts cost all that the supply is worth. Whoever an
event keeps down would have to pay for more. And nobody who pays anything there has more than who is
kept down: who is to rise takes money from somebody who has no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import isinf

OWN_LIMIT = -1
ROUNDING = Fraction(1, 10**9)
"""Part of an amount, a supply or a price's money that the answer, in floating point, may miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FewPoolsRound:
    """What is shared; numbers as given, floats count for what they exactly are.

    Attributes:
        speeds: by request and pool; gpus, weights: by request; supply: GPUs by pool.
        most: by request, the amount that it wants at most; empty where nobody has such a limit.
    """

    speeds: Sequence[Sequence[float]]
    gpus: Sequence[float]
    weights: Sequence[float]
    supply: Sequence[float]
    most: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FewPoolsClaim:
    """What is said of it.

    Attributes:
        amounts: by request; shares: part of its time by request and pool.
        prices: per GPU by event and pool; kept_by: event by request, or `OWN_LIMIT`.
    """

    amounts: Sequence[float]
    shares: Sequence[Sequence[float]]
    prices: Sequence[Sequence[float]]
    kept_by: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FewPoolsFault:
    """What is wrong.

    Attributes:
        rule: ``supply``, ``time``, ``amount``, ``own_limit``, ``event``, ``price``, ``spent``,
            ``free`` or ``order``.
        index: request, pool or event that it is about.
        stated, allowed: the figures.
    """

    rule: str
    index: int
    stated: Fraction
    allowed: Fraction


def check_few_pools(round_: FewPoolsRound, claim: FewPoolsClaim) -> list[FewPoolsFault]:
    """Return what is wrong with a leximin; nothing if it is one, up to `ROUNDING`."""
    check = _Check(round_, claim)
    check.division()
    check.own_limits()
    for event in range(len(claim.prices)):
        check.event(event)
    return check.faults


class _Check:
    """One answer under check."""

    def __init__(self, round_: FewPoolsRound, claim: FewPoolsClaim) -> None:
        self.claim = claim
        self.faults: list[FewPoolsFault] = []
        self.supply = [Fraction(each) for each in round_.supply]
        self.gpus = [Fraction(each) for each in round_.gpus]
        self.speeds = [[Fraction(speed) for speed in row] for row in round_.speeds]
        whole = sum(self.supply)
        self.rates = []
        self.units = []
        for row, gpus, weight in zip(self.speeds, self.gpus, round_.weights, strict=True):
            total = sum(speed * most for speed, most in zip(row, self.supply, strict=True))
            self.units.append(gpus * whole / (Fraction(weight) * total) if total else Fraction(0))
        self.amounts = [Fraction(each) for each in claim.amounts]
        self.wanted = [None if isinf(each) else Fraction(each) for each in round_.most]
        self.wanted = self.wanted or [None] * len(self.amounts)
        for amount, unit, row in zip(self.amounts, self.units, self.speeds, strict=True):
            rate = amount / unit if unit else Fraction(0)
            most = max(row)
            self.rates.append(min(rate, most) if rate <= most * (1 + ROUNDING) else rate)

    def fault(self, rule: str, index: int, stated: Fraction | int, allowed: Fraction | int) -> None:
        """Note a fault."""
        self.faults.append(
            FewPoolsFault(
                rule=rule, index=index, stated=Fraction(stated), allowed=Fraction(allowed)
            )
        )

    def division(self) -> None:
        """Time, supply and amounts are kept."""
        used = [Fraction(0)] * len(self.supply)
        for request, parts in enumerate(self.claim.shares):
            shares = [Fraction(part) for part in parts]
            if min(shares) < 0 or sum(shares) > 1 + ROUNDING:
                self.fault("time", request, sum(shares), 1)
            rate = Fraction(0)
            for pool, share in enumerate(shares):
                used[pool] += self.gpus[request] * share
                rate += self.speeds[request][pool] * share
            given, stated = rate * self.units[request], self.amounts[request]
            if abs(given - stated) > ROUNDING * max(given, stated):
                self.fault("amount", request, stated, given)
        for pool, (hours, most) in enumerate(zip(used, self.supply, strict=True)):
            if hours > most * (1 + ROUNDING):
                self.fault("supply", pool, hours, most)

    def own_limits(self) -> None:
        """Whoever no event keeps down has what it wants, or all its time on its fastest pool."""
        for request, event in enumerate(self.claim.kept_by):
            most, wanted = max(self.speeds[request]), self.wanted[request]
            if wanted is not None and self.amounts[request] > wanted * (1 + ROUNDING):
                self.fault("own_limit", request, self.amounts[request], wanted)
            unit = self.units[request]
            if wanted is not None and unit:
                most = min(most, wanted / unit)
            if event == OWN_LIMIT and self.rates[request] < most * (1 - ROUNDING):
                self.fault("own_limit", request, self.rates[request], most)
            if not OWN_LIMIT <= event < len(self.claim.prices):
                self.fault("event", request, event, len(self.claim.prices) - 1)

    def event(self, event: int) -> None:
        """At an event's prices all is spent, and nobody who pays stands above who is kept down."""
        prices = [Fraction(price) for price in self.claim.prices[event]]
        if min(prices) < 0:
            self.fault("price", event, min(prices), 0)
            return
        slopes = {
            request: slope
            for request, by in enumerate(self.claim.kept_by)
            if by == event and (slope := self._slope(request, prices)) is not None
        }
        if not slopes:
            return
        lowest = min(self.amounts[request] for request in slopes)
        left = sum(price * most for price, most in zip(prices, self.supply, strict=True))
        rising = Fraction(0)
        for request, rate in enumerate(self.rates):
            hull = _hull(self.speeds[request], prices)
            left -= self.gpus[request] * _cost(hull, rate)
            pays = _cost(hull, rate * (1 - ROUNDING)) > 0
            if pays and self.amounts[request] > lowest * (1 + ROUNDING):
                self.fault("order", request, self.amounts[request], lowest)
        for request, slope in slopes.items():
            rising += self.gpus[request] * slope * self.rates[request]
            if slope <= 0:
                self.fault("free", request, slope, 0)
        if left > ROUNDING * rising:
            self.fault("spent", event, left, ROUNDING * rising)

    def _slope(self, request: int, prices: Sequence[Fraction]) -> Fraction | None:
        """Return what a little more costs a request per speed; None where there is no more."""
        hull = _hull(self.speeds[request], prices)
        rate = self.rates[request] * (1 + ROUNDING)
        for (low, paid), (high, price) in pairwise(hull):
            if low <= rate < high:
                return (price - paid) / (high - low)
        return None


def _hull(
    speeds: Sequence[Fraction], prices: Sequence[Fraction]
) -> list[tuple[Fraction, Fraction]]:
    """Return the lower hull of the origin and the points (speed, price), up to the fastest."""
    hull: list[tuple[Fraction, Fraction]] = [(Fraction(0), Fraction(0))]
    for x, y in sorted(zip(speeds, prices, strict=True)):
        if x <= hull[-1][0]:
            continue
        while len(hull) > 1:
            (x0, y0), (x1, y1) = hull[-2:]
            if (y1 - y0) * (x - x1) < (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return hull


def _cost(hull: Sequence[tuple[Fraction, Fraction]], rate: Fraction) -> Fraction:
    """Return what a speed costs at least."""
    for (low, paid), (high, price) in pairwise(hull):
        if rate <= high:
            return paid + (price - paid) * (rate - low) / (high - low)
    return hull[-1][1]
