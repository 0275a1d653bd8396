"""The highest level that everybody free can reach together, by prices that rule out what is higher.

At any prices the cheapest ways to a level cost so much; the level at which that is all the money
the supply is worth is a bound, whatever the prices. The prices that make the bound least are
sought as best answers in the game of `solver.pricespace.game`; once a mixture of the ways found
fits into the supply, the bound is reached.
"""

from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.pricespace.game import Game, new_game, play, price_of, restart, weights_of
from solver.pricespace.market import DONE, FREE, Choice, Market, Stand, choose, no_choice
from solver.problem import FloatArray, IntArray, NarrowArray

FITS = 1e-12
"""Part of a supply that a mixture may lack by rounding."""
NOTHING = 1e-10
"""Part of all money below which a price is rounding."""
SLACK = 1e-9
"""Part of a supply that counts as left free."""
COLUMNS = 400
"""Ways kept at a time."""
PATIENCE = 2_000
"""Prices tried; far fewer are, rounding must not keep us for ever."""
AHEAD = 2.0
"""Times a level that pools in proportion give, where looking for the highest begins."""
STEPS = 200
"""Steps to the level of a price."""
EQUAL = 4e-16
"""Part of a level that is rounding."""
ROUND_OFF = 1e-15
"""Part of all money that is rounding."""


class Ways(NamedTuple):
    """Ways to spend (axis q) that prices led to; changes in place.

    Attributes:
        used, growth: ``(q, p)`` as in `Choice`; price: ``(q, p)`` in parts of all money.
        low, high: ``(q, c)`` as in `Choice`.
        bend: ``(q,)`` level down to which nobody's way bends.
    """

    used: FloatArray
    growth: FloatArray
    price: FloatArray
    low: NarrowArray
    high: NarrowArray
    bend: FloatArray


class Found(NamedTuple):
    """The highest level.

    Attributes:
        level: amount; price: ``(p,)`` in parts of all money, exact zeros.
        ways: what is mixed; weights: ``(q,)`` of each, zeros included.
        work: times that everybody's cheapest way was worked out.
        short: part of a supply that the mixture lacks; rounding, or the search gave up.
    """

    level: float
    price: FloatArray
    ways: Ways
    weights: FloatArray
    work: int
    short: float


@kernel
def new_ways(classes: int, pools: int) -> Ways:
    """Return room for ways."""
    return Ways(
        np.empty((COLUMNS, pools)),
        np.empty((COLUMNS, pools)),
        np.empty((COLUMNS, pools)),
        np.empty((COLUMNS, classes), dtype=np.int32),
        np.empty((COLUMNS, classes), dtype=np.int32),
        np.empty(COLUMNS),
    )


@kernel
def highest(market: Market, stand: Stand, least: float, ways: Ways) -> Found:
    """Return the highest level.

    Args:
        market: who asks.
        stand: how far the leximin has come.
        least: a level that can be had.
        ways: room to work in.
    """
    pools = market.supply.shape[0]
    game = new_game(_taking_part(stand))
    choice = no_choice(market.unit.shape[0], pools)
    price = _by_speed(market, stand, game.rows)
    top = _highest_alone(stand)
    level = min(top, AHEAD * max(least, _shared(market, stand)))
    count, work, short = 0, 0, np.inf
    weights, ruling, spent, bend = np.zeros(0), price, 0.0, 0.0
    for _ in range(PATIENCE):
        spent, bend = choose(market, stand, price / market.supply, level, choice)
        over = _over(price, choice, stand)
        work += 1
        if count == 0 and over <= 0.0 and level < top:
            level = top
            continue
        if short <= FITS and (over >= -FITS or level == top):
            break
        if over > 0.0:
            start = least, level, over, spent, bend
            lower, bend, steps = _level_of(market, stand, price, start, choice)
            work += steps
            if count > 0 and lower < level:
                ways.used[:count] += (lower - level) * ways.growth[:count]
                restart(game, ways.used, count, stand.room)
            level, ruling = lower, price
        count = _keep(ways, count, price, choice, bend, weights)
        short = _mix(game, ways, count, stand)
        weights = weights_of(game, count)
        if short <= FITS and (ways.bend[:count][weights > 0.0] > level).any():
            count, renewed = _renew(market, stand, level, ways, weights, choice)
            work += renewed
            restart(game, ways.used, count, stand.room)
            short = play(game, ways.used, count, stand.room)
            weights = weights_of(game, count)
        price = price_of(game, pools)
    if spent * level <= NOTHING:
        price = _without_slack(ruling, ways, weights, stand.room)
    price[(price < NOTHING) | (level == top)] = 0.0
    return Found(level, price, ways, weights, work, short)


@kernel
def _without_slack(
    price: FloatArray, ways: Ways, weights: FloatArray, room: FloatArray
) -> FloatArray:
    """Return a price that rules out what is higher, without the pools that the mixture leaves free.

    Prices of an earlier level fit any later one too, but keep nobody down who is still free.
    """
    used = np.zeros_like(price)
    for q in range(weights.shape[0]):
        used += weights[q] * ways.used[q]
    return np.where(used < room - SLACK, 0.0, price)


@kernel
def _taking_part(stand: Stand) -> IntArray:
    """Return the pools that somebody may still take."""
    open_ = np.zeros(stand.room.shape[0], dtype=np.bool_)
    for c in range(stand.state.shape[0]):
        if stand.state[c] != DONE:
            for p in range(open_.shape[0]):
                open_[p] |= stand.allowed[c, p]
    return np.flatnonzero(open_)


@kernel
def _highest_alone(stand: Stand) -> float:
    """Return a level at which everybody free has the most."""
    most = 0.0
    for c in range(stand.state.shape[0]):
        if stand.state[c] == FREE:
            most = max(most, stand.most[c])
    return most


@kernel
def _by_speed(market: Market, stand: Stand, rows: IntArray) -> FloatArray:
    """Return ``(p,)`` the money on each pool if GPUs cost as they speed up who is free."""
    price = np.zeros(market.supply.shape[0])
    for p in rows:
        for c in range(stand.state.shape[0]):
            if stand.state[c] == FREE and stand.allowed[c, p]:
                price[p] += market.gpus[c] * market.speed[c, p]
        price[p] *= market.supply[p]
    price /= price.sum()
    return price


@kernel
def _shared(market: Market, stand: Stand) -> float:
    """Return the level of everybody free at its mean speed, if the room were theirs alone."""
    wanted = 0.0
    for c in range(stand.state.shape[0]):
        if stand.state[c] == FREE:
            wanted += market.gpus[c] / market.unit[c]
    return float((market.supply * stand.room).sum() / wanted)


@kernel
def _over(price: FloatArray, choice: Choice, stand: Stand) -> float:
    """Return by what part of all money the ways cost more than the room is worth."""
    return float((price * (choice.used - stand.room)).sum())


@kernel
def _level_of(
    market: Market,
    stand: Stand,
    price: FloatArray,
    start: tuple[float, float, float, float, float],
    choice: Choice,
) -> tuple[float, float, int]:
    """Return the level at which a price's ways cost what the room is worth, its bend, the steps.

    Newton inside a bracket: own limits bend the cost the wrong way. A step down to where nobody's
    way bends is known to be the last one, and where it leads.
    """
    below, above, over, slope, bend = start
    per_gpu = price / market.supply
    level = above
    for step in range(STEPS):
        if above - below <= EQUAL * above or abs(over) <= ROUND_OFF:
            return level, bend, step
        newton = level - over / slope if slope > 0.0 else -1.0
        if bend < newton <= level and below < newton:
            choice.used[:] += (newton - level) * choice.growth
            return newton, bend, step
        level = newton if below < newton < above else (below + above) / 2.0
        slope, bend = choose(market, stand, per_gpu, level, choice)
        over = _over(price, choice, stand)
        if over > 0.0:
            above = level
        else:
            below = level
    return level, bend, STEPS


@kernel
def _keep(  # noqa: PLR0913, PLR0917 - one search
    ways: Ways,
    count: int,
    price: FloatArray,
    choice: Choice,
    bend: float,
    weights: FloatArray,
) -> int:
    """Put a way down behind the others; when there is no room, only those in use stay."""
    if count == COLUMNS:
        count = 0
        for q in range(weights.shape[0]):
            if weights[q] > 0.0:
                _copy(ways, q, count)
                count += 1
    ways.used[count], ways.growth[count] = choice.used, choice.growth
    ways.price[count] = price
    ways.low[count], ways.high[count] = choice.low, choice.high
    ways.bend[count] = bend
    return count + 1


@kernel
def _copy(ways: Ways, source: int, to: int) -> None:
    """Copy a way."""
    ways.used[to], ways.growth[to] = ways.used[source], ways.growth[source]
    ways.price[to] = ways.price[source]
    ways.low[to], ways.high[to] = ways.low[source], ways.high[source]
    ways.bend[to] = ways.bend[source]


@kernel
def _mix(game: Game, ways: Ways, count: int, stand: Stand) -> float:
    """Find the best mixture, from the last one on if there was one."""
    if count <= game.rows.shape[0] or (game.basis >= count).any():
        restart(game, ways.used, count, stand.room)
    return play(game, ways.used, count, stand.room)


@kernel
def _renew(  # noqa: PLR0913, PLR0917 - one search
    market: Market,
    stand: Stand,
    level: float,
    ways: Ways,
    weights: FloatArray,
    choice: Choice,
) -> tuple[int, int]:
    """Work out anew the ways in use, and the last one; return how many there are, and the work."""
    count = 0
    for q in range(weights.shape[0]):
        if weights[q] > 0.0 or q == weights.shape[0] - 1:
            choice.low[:], choice.high[:] = ways.low[q], ways.high[q]
            _, bend = choose(market, stand, ways.price[q] / market.supply, level, choice)
            _copy(ways, q, count)
            ways.bend[count] = bend
            ways.used[count], ways.growth[count] = choice.used, choice.growth
            ways.low[count], ways.high[count] = choice.low, choice.high
            count += 1
    return count, count
