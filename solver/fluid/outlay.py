"""What fellows' amounts cost at least at given prices, in machine code.

A unit that is worth something is taken where its hours cost less than that. What a fellow takes so
grows with the worth in steps: where they lie and how large they are is all there is to know about a
fellow at these prices, and amounts are then looked up.
"""

from typing import NamedTuple, TypeAlias

import numpy as np

from solver.kernels import kernel
from solver.problem import BoolArray, FloatArray, IntArray, NarrowArray

STEEPEST = 2.0**20
"""Worth of a unit at most, where the dearest hour costs 1."""
STEPS = 100
"""Steps towards the best price of an ask, or towards the best bound of a fellow; few are taken."""
ROUNDING = 1e-14
"""Part of what a class earns that floats miss."""
NOISE = 1e-12
"""Part of an amount that is no reason to look for a dearer step."""
SAME = 1e-7
"""Worths nearer to each other, in parts and in dearest hours, are one."""
FLAT = 1e-9
"""Part of an amount that a smaller worth has to gain."""
Line: TypeAlias = tuple[float, float]
"""What is taken at a worth, in units, and what that costs."""


class Market(NamedTuple):
    """The columns of the merged round by class, and the classes by fellow.

    Attributes:
        order: ``(c,)`` classes by fellow; start: ``(f + 1,)`` first place of each fellow's there.
        first: ``(c + 1,)`` first column of each class.
        span: ``(k,)``; factor, speed: ``(k,)`` per hour; hours: ``(k,)`` that slots allow.
        ask: ``(c,)``; joint: ``(c,)`` as in `Merged`.
    """

    order: IntArray
    start: IntArray
    first: IntArray
    span: NarrowArray
    factor: FloatArray
    speed: FloatArray
    hours: FloatArray
    ask: FloatArray
    joint: BoolArray


class Curves(NamedTuple):
    """What fellows take at which worth.

    Attributes:
        start: ``(f + 1,)`` first step of each fellow; the first is at worth 0.
        worth: ``(n,)`` of a unit, ascending for each fellow.
        units: ``(n,)`` taken from there on; cost: ``(n,)`` of these.
    """

    start: IntArray
    worth: FloatArray
    units: FloatArray
    cost: FloatArray


@kernel
def curves(market: Market, price: FloatArray, offset: FloatArray, most: FloatArray) -> Curves:
    """Return what fellows take at prices.

    Args:
        market: the round.
        price: ``(k,)`` of an hour in each column, 1 at most.
        offset: ``(c,)`` what a unit is worth beside what its fellow's units are.
        most: ``(f,)`` units at which each fellow stops, unless it takes more at worth 0.
    """
    fellows = market.start.shape[0] - 1
    start = np.zeros(fellows + 1, dtype=np.int64)
    begins = np.zeros((fellows, 2))
    steps = [(0.0, 0.0)]
    steps.pop()
    for f in range(fellows):
        for at in range(market.start[f], market.start[f + 1]):
            c = market.order[at]
            units, cost = _taken(market, price, c, 0.0, offset[c])
            begins[f, 0] += units
            begins[f, 1] += cost
            _add_steps(market, price, c, offset[c], steps)
        start[f + 1] = len(steps)
    worth, units, cost = np.empty((3, len(steps) + fellows))
    n = 0
    for f in range(fellows):
        own = steps[start[f] : start[f + 1]]
        start[f] = n
        worth[n], units[n], cost[n] = 0.0, begins[f, 0], begins[f, 1]
        n += 1
        own.sort()
        for where, more in own:
            if units[n - 1] >= most[f]:
                break
            jump = min(more, most[f] - units[n - 1])
            worth[n], units[n] = where, units[n - 1] + jump
            cost[n] = cost[n - 1] + where * jump
            n += 1
    start[fellows] = n
    return Curves(start, worth[:n], units[:n], cost[:n])


@kernel
def _add_steps(market: Market, price: FloatArray, c: int, offset: float, steps: list[Line]) -> None:
    """Add the worths at which a class takes more, and how much more.

    What it earns is convex in the worth: the lines at two worths meet where to look next, or at the
    only step between them.
    """
    waiting = [
        (
            0.0,
            _taken(market, price, c, 0.0, offset),
            STEEPEST,
            _taken(market, price, c, STEEPEST, offset),
        )
    ]
    while waiting:
        low, less, high, more = waiting.pop()
        jump = more[0] - less[0]
        if jump <= ROUNDING * more[0]:
            continue
        middle = min(max((more[1] - less[1]) / jump, low), high)
        own = _taken(market, price, c, middle, offset)
        beyond = middle * (own[0] - less[0]) - (own[1] - less[1])
        if beyond <= ROUNDING * middle * more[0] or not low < middle < high:
            steps.append((middle, jump))
        else:
            waiting.append((low, less, middle, own))
            waiting.append((middle, own, high, more))


@kernel
def _taken(market: Market, price: FloatArray, c: int, worth: float, offset: float) -> Line:
    """Return the units that a class takes, and their cost beyond what the offset pays."""
    best = 0.0
    own = worth + offset
    for k in range(market.first[c], market.first[c + 1]):
        best = max(best, (own * market.factor[k] - price[k]) / market.speed[k])
    if best <= 0.0:
        return 0.0, 0.0
    units, cost = _at_best_price(market, price, c, own, best)
    return units, cost - offset * units


@kernel
def _at_best_price(market: Market, price: FloatArray, c: int, worth: float, best: float) -> Line:
    """Return units and their cost where an asked hour has the price at which a class earns least.

    What it takes there is a mixture of what it takes a little above and a little below.
    """
    low, high = 0.0, best
    value, slope, units, cost = _at_price(market, price, c, worth, low)
    if slope >= 0.0:
        return units, cost
    lower = value, slope, units, cost
    upper = best * market.ask[c], market.ask[c], 0.0, 0.0
    for _ in range(STEPS):
        middle = (upper[0] - upper[1] * high - lower[0] + lower[1] * low) / (lower[1] - upper[1])
        middle = min(max(middle, low), high)
        expected = lower[0] + lower[1] * (middle - low)
        here = _at_price(market, price, c, worth, middle)
        if here[0] <= expected + 1e-15 * abs(expected) or not low < middle < high:
            break
        if here[1] < 0.0:
            low, lower = middle, here
        else:
            high, upper = middle, here
    part = upper[1] / (upper[1] - lower[1])
    return (
        part * lower[2] + (1.0 - part) * upper[2],
        part * lower[3] + (1.0 - part) * upper[3],
    )


@kernel
def _at_price(
    market: Market, price: FloatArray, c: int, worth: float, asked: float
) -> tuple[float, float, float, float]:
    """Return what a class earns where an asked hour has a price, how that grows, units and cost."""
    value, slope, units, cost = asked * market.ask[c], market.ask[c], 0.0, 0.0
    k, end, joint = market.first[c], market.first[c + 1], market.joint[c]
    while k < end:
        at, best, most = k, k, 0.0
        while k < end and market.span[k] == market.span[at] and (joint or k == at):
            left = worth * market.factor[k] - price[k] - asked * market.speed[k]
            if left > most:
                best, most = k, left
            k += 1
        if most > 0.0:
            hours = market.hours[at]
            value += most * hours
            slope -= market.speed[best] * hours
            units += market.factor[best] * hours
            cost += price[best] * hours
    return value, slope, units, cost


@kernel
def _earned(curve: Curves, f: int, worth: float) -> Line:
    """Return the units that a fellow takes at a worth, and what it earns."""
    low, high = curve.start[f], curve.start[f + 1]
    at = low + np.searchsorted(curve.worth[low:high], worth, side="right") - 1
    return curve.units[at], worth * curve.units[at] - curve.cost[at]


@kernel
def _worth_of(curve: Curves, f: int, amount: float) -> Line:
    """Return the least worth at which a fellow takes an amount, and the amount's cost."""
    low, high = curve.start[f], curve.start[f + 1]
    at = low + np.searchsorted(curve.units[low:high], amount * (1.0 - NOISE))
    worth = STEEPEST
    if at == high:
        at -= 1
    else:
        worth = curve.worth[at]
    return worth, worth * (amount - curve.units[at]) + curve.cost[at]


@kernel
def worths(curve: Curves, amounts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return ``(f,)`` what a unit has to be worth for fellows to take amounts, and their cost."""
    worth, cost = np.empty((2, amounts.shape[0]))
    for f in range(amounts.shape[0]):
        worth[f], cost[f] = _worth_of(curve, f, amounts[f])
    return worth, cost


@kernel
def group_worths(  # noqa: PLR0913, PLR0917 - a round's fellows and groups
    curve: Curves,
    amounts: FloatArray,
    worth: FloatArray,
    cost: FloatArray,
    group: IntArray,
    totals: FloatArray,
) -> tuple[FloatArray, float]:
    """Return ``(g,)`` what units of groups have to be worth for them to take their totals.

    Args:
        curve: of the fellows.
        amounts: ``(f,)`` that fellows have at least.
        worth: ``(f,)`` of a unit at which these are taken.
        cost: ``(f,)`` of these.
        group: ``(f,)`` of each fellow.
        totals: ``(g,)`` units.

    Returns:
        The worths; what totals and amounts cost together.
    """
    own = np.zeros(totals.shape[0])
    sum_ = 0.0
    for g in range(totals.shape[0]):
        members = np.flatnonzero(group == g)
        spare = totals[g] - amounts[members].sum()
        own[g] = _needed(curve, amounts, worth, members, spare, NOISE * totals[g])
        sum_ += own[g] * spare
        for f in members:
            sum_ += cost[f]
            if worth[f] < own[g]:
                sum_ += own[g] * amounts[f] - _earned(curve, int(f), own[g])[1] - cost[f]
    return own, sum_


@kernel
def _needed(  # noqa: PLR0913, PLR0917 - a group's fellows
    curve: Curves,
    amounts: FloatArray,
    worth: FloatArray,
    members: IntArray,
    spare: float,
    noise: float,
) -> float:
    """Return the least worth of a group's units at which it lacks no more than noise.

    Args:
        curve: of the fellows.
        amounts: ``(f,)`` that fellows have at least.
        worth: ``(f,)`` of their units.
        members: the group's fellows.
        spare: what the group has beyond their amounts.
        noise: units.
    """
    if spare <= noise or _missing(curve, amounts, worth, members, 0.0, spare) <= noise:
        return 0.0
    steps = [STEEPEST]
    for f in members:
        steps.extend(curve.worth[curve.start[f] : curve.start[f + 1]])
    steps.sort()
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high) // 2
        if _missing(curve, amounts, worth, members, steps[middle], spare) > noise:
            low = middle + 1
        else:
            high = middle
    return steps[low]


@kernel
def _missing(  # noqa: PLR0913, PLR0917 - a group's fellows
    curve: Curves,
    amounts: FloatArray,
    worth: FloatArray,
    members: IntArray,
    own: float,
    spare: float,
) -> float:
    """Return what a group still lacks of its total where its units have a worth."""
    for f in members:
        if worth[f] <= own:
            spare -= _earned(curve, int(f), own)[0] - amounts[f]
    return spare


@kernel
def ceiling_worths(
    curve: Curves, amounts: FloatArray, least: FloatArray, asking: BoolArray
) -> FloatArray:
    """Return ``(f,)`` the worth that bounds a fellow best, 0 where its amount may stand.

    Args:
        curve: of the fellows.
        amounts: ``(f,)``.
        least: ``(f,)`` worth of its group's units.
        asking: ``(f,)`` whom to look at.
    """
    worth = np.zeros(amounts.shape[0])
    for f in np.flatnonzero(asking & (amounts > 0.0)):
        base = _earned(curve, int(f), least[f])[1]
        amount = amounts[f]
        for _ in range(STEPS):
            own, cost = _worth_of(curve, int(f), amount)
            if own <= least[f] * (1.0 + SAME) + SAME:
                break
            bound = (own * amount - cost - base) / (own - least[f])
            if bound >= amount * (1.0 - FLAT):
                break
            worth[f], amount = own, bound
    return worth
