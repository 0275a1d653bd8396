"""Exact weighted leximin where there are few pools, no time axis, and speeds differ.

It applies to rounds of one slot (or where nothing tells the slots apart) in which every request
may run on any pool up to all of the time, GPUs of a pool are alike, and what counts is progress:

    amount_r = gpus_r / (weight_r · mean_r) · Σ_p speed_rp · share_rp,   Σ_p share_rp ≤ 1,
    Σ_r gpus_r · share_rp ≤ supply_p,   mean_r = Σ_p speed_rp · supply_p / Σ_p supply_p.

each amount at most what its request wants. Everybody rises together until prices on the pools show
that the supply is spent; those whom the prices keep down are held, the others go on, on the pools
that have no price yet. So there are no more levels than pools beside the requests' own limits, and
each is found among the prices of few pools instead of the amounts of many requests.
`solver.checking.fewpools` re-checks the answer.

Source:
    The setting: Narayanan et al., Heterogeneity-aware cluster scheduling policies for deep learning
    workloads, OSDI (2020), section 4.1. The method is our own.
"""

from dataclasses import dataclass

import numpy as np

from solver.kernels import kernel
from solver.pricespace.classes import classes_of
from solver.pricespace.freezing import freeze, mixture
from solver.pricespace.market import DONE, FREE, HELD, Market, Stand, choose, no_choice
from solver.pricespace.search import FITS, highest, new_ways
from solver.problem import FloatArray, IntArray

OWN_LIMIT = -1
"""Nothing keeps a request down but what it wants, or all its time on its fastest pool."""
PROVED = 1e-10
"""Part of all money by which composed prices may miss what is spent."""
STRONGER, TIMES = 4.0, 60
"""Earlier prices are multiplied by powers of it until nobody's choice changes, at most so often."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FewPools:
    """A leximin and its proof.

    Attributes:
        amounts: ``(r,)`` what each request has.
        shares: ``(r, p)`` part of its time on each pool.
        prices: ``(k, p)`` price per GPU at each event.
        kept_by: ``(r,)`` event whose prices keep a request down, `OWN_LIMIT` if none does.
        levels: ``(k,)`` amount at each event; work: times that everybody's way was worked out.
    """

    amounts: FloatArray
    shares: FloatArray
    prices: FloatArray
    kept_by: IntArray
    levels: FloatArray
    work: int


def leximin(
    speeds: FloatArray,
    gpus: FloatArray,
    weights: FloatArray,
    supply: FloatArray,
    most: FloatArray | None = None,
) -> FewPools:
    """Return the weighted leximin of progress.

    Args:
        speeds: ``(r, p)`` non-negative; a request without a speed gets nothing.
        gpus: ``(r,)`` positive, GPUs that a request runs on.
        weights: ``(r,)`` positive; amounts are counted per weight.
        supply: ``(p,)`` positive, GPUs.
        most: ``(r,)`` positive, the amount that each wants at most; nothing said, no limit.

    Raises:
        ValueError: If an axis disagrees, or a number is out of range.
        ArithmeticError: If rounding kept the search from its end.
    """
    wanted = np.full(np.shape(gpus), np.inf) if most is None else most
    given = tuple(
        np.ascontiguousarray(each, np.float64) for each in (speeds, gpus, weights, supply, wanted)
    )
    _check(*given)
    market, limit, cls = classes_of(*given)
    target, division, kept_by, prices, levels, work, short = _climb(market, limit)
    if short > FITS:
        raise ArithmeticError(f"The best division found is short by {short:.1e} of a supply.")
    return FewPools(
        amounts=target.take(cls),
        shares=division.take(cls, axis=0),
        prices=_composed(market, target, prices),
        kept_by=kept_by.take(cls),
        levels=levels,
        work=work,
    )


def _check(
    speeds: FloatArray, gpus: FloatArray, weights: FloatArray, supply: FloatArray, most: FloatArray
) -> None:
    """Refuse numbers that mean nothing."""
    requests, pools = speeds.shape
    by_request = all(each.shape == (requests,) for each in (gpus, weights, most))
    if not by_request or supply.shape != (pools,):
        raise ValueError("The axes of the round disagree.")
    finite = all(np.isfinite(each).all() for each in (speeds, gpus, weights, supply))
    positive = all((each > 0).all() for each in (gpus, weights, supply, most))
    if not (finite and positive and (speeds >= 0).all()):
        raise ValueError("Speeds are at least 0; GPUs, weights, supplies and limits are above 0.")


@kernel
def _climb(
    market: Market, limit: FloatArray
) -> tuple[FloatArray, FloatArray, IntArray, FloatArray, FloatArray, int, float]:
    """Go from level to level; return what `FewPools` states, by class, and what is short."""
    classes, pools = market.speed.shape
    stand = _start(market, limit)
    division = np.zeros((classes, pools))
    kept_by = np.full(classes, OWN_LIMIT, dtype=np.int64)
    prices, levels = np.zeros((pools + 1, pools)), np.zeros(pools + 1)
    ways = new_ways(classes, pools)
    least, work, short, events = 0.0, 0, 0.0, 0
    left = int((stand.state == FREE).sum())
    while left and events <= pools:
        found = highest(market, stand, least, ways)
        share = mixture(market, stand, found)
        left = freeze(market, stand, found, share, division, kept_by, events)
        prices[events], levels[events] = found.price / market.supply, found.level
        least, short = found.level, max(short, found.short)
        work += found.work
        events += 1
        if not left:
            for c in range(classes):
                if stand.state[c] == HELD:
                    division[c] = share[c]
    return stand.target, division, kept_by, prices[:events], levels[:events], work, short


@kernel
def _start(market: Market, limit: FloatArray) -> Stand:
    """Return where everybody stands before the first level."""
    classes, pools = market.speed.shape
    most = np.zeros(classes)
    state = np.full(classes, DONE, dtype=np.int64)
    for c in range(classes):
        most[c] = min(market.speed[c].max() * market.unit[c], limit[c])
        if most[c] > 0.0:
            state[c] = FREE
    return Stand(market.speed > 0.0, most, np.zeros(classes), state, np.ones(pools))


def _composed(market: Market, target: FloatArray, prices: FloatArray) -> FloatArray:
    """Return prices that hold on all pools: the earlier ones on top, strong enough to be kept to.

    Found on the pools left, the prices of an event say nothing of those that were spent before.
    """
    whole = np.zeros_like(prices)
    for event, price in enumerate(prices):
        if not price.any():
            continue
        whole[event] = _on_top(market, target, whole[:event].sum(axis=0), price)
    return whole


def _on_top(
    market: Market, target: FloatArray, before: FloatArray, price: FloatArray
) -> FloatArray:
    """Return the price plus the least multiple of those before at which all money is spent."""
    if not before.any():
        return price
    best, missed = price, np.inf
    for strength in (0.0, *(STRONGER**power for power in range(TIMES))):
        tried = price + strength * before
        unspent = abs(_unspent(market, target, tried))
        if unspent < missed:
            best, missed = tried, unspent
        if missed <= PROVED:
            break
    return best


@kernel
def _unspent(market: Market, target: FloatArray, price: FloatArray) -> float:
    """Return what the supply is worth beyond the cheapest ways to the amounts."""
    classes, pools = market.speed.shape
    state = np.where(target > 0.0, HELD, DONE)
    stand = Stand(market.speed > 0.0, target, target, state, np.ones(pools))
    choice = no_choice(classes, pools)
    choose(market, stand, price, 0.0, choice)
    return float((price * market.supply * (1.0 - choice.used)).sum())
