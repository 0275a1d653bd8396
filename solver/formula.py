"""Formula methods: by rank, by one cut, by Canada's scaling, by lot; nothing is optimised."""

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from solver.lottery import hand_out
from solver.placing.board import OPEN
from solver.placing.desk import Desk
from solver.placing.placement import whole_step
from solver.problem import MILLI, BoolArray, IntArray, Method, Problem, Shape

if TYPE_CHECKING:
    from collections.abc import Callable

RAC_SMALL_SHARE = Fraction(318, 1000)
RAC_LARGE_SHARE = Fraction(166, 1000)
"""Shares of requests below the first and above the second bracket edge.

The 2021 competition cut nothing of the part of an ask below 100 core-years, 24 % of the part up to
999 and 38 % of the part above; 31.8 % of its requests lay in the first bracket and 16.6 % in the
last. Core-years say nothing about GPUs, so the edges here are the asks with the same ranks.

Source: Digital Research Alliance of Canada, Resource Allocation Competition results 2021.
"""
RAC_CUTS = (Fraction(0), Fraction(24, 100), Fraction(38, 100))
"""What each bracket loses; the same source."""
FACTOR_STEPS = 1 << 30
"""Resolution of the overall factor of `rac`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Formula:
    """What a formula hands out.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted.
        target: ``(r,)`` thousandths of reference hours that the formula gives each request before
            supply, shape and caps are looked at.
        factor: the common factor it found.
    """

    cells: IntArray
    target: IntArray
    factor: Fraction


def apply_formula(problem: Problem, *, seed: int) -> Formula:
    """Select and divide by the formula that the policy names.

    Args:
        problem: the round.
        seed: of the draw, where there is one.

    Raises:
        ValueError: If the policy asks for the optimising method.
    """
    formulas: dict[Method, Callable[[Problem], Formula]] = {
        Method.RANK: rank,
        Method.PROPORTIONAL: proportional,
        Method.RAC: rac,
        Method.LOTTERY: partial(lottery, seed=seed),
    }
    if problem.rules.method not in formulas:
        raise ValueError(f"Method {problem.rules.method} is not a formula.")
    return formulas[problem.rules.method](problem)


def rank(problem: Problem) -> Formula:
    """Fund by score, each in full, until the supply ends.

    The best score comes first; between equals the larger minimum, which is harder to place, then
    content. Each request gets its ask if that fits, else the largest amount not below its minimum
    that fits, else nothing, and the next one is tried. Where several pools or starts hold as much,
    the one with most room is taken.
    """
    target = np.where(problem.vetoed, 0, problem.ask)
    return Formula(cells=_hand_out(problem, target), target=target, factor=Fraction(1))


def proportional(problem: Problem) -> Formula:
    """Cut everyone by one factor: the share of all asks that the whole supply covers.

    Cut asks are rounded down to whole gangs; a request whose cut lies below its minimum gets
    nothing. Where windows or pools do not hold every cut ask, the better score goes first.
    """
    factor = min(Fraction(1), _covered(problem))
    cut = problem.ask * factor.numerator // factor.denominator
    target = np.array([_whole_gangs(problem, r, int(cut[r])) for r in range(problem.requests)])
    target = np.where(problem.vetoed | (target < problem.minimum), 0, target).astype(np.int64)
    return Formula(cells=_hand_out(problem, target), target=target, factor=factor)


def rac(problem: Problem) -> Formula:
    """Scale as Canada's competition: score percentile times progressive size brackets.

    A request gets its bracketed ask times the share of scores not above its own times one overall
    factor, never less than its minimum and never more than its ask; the factor is the largest for
    which the supply suffices in total.

    Source: Digital Research Alliance of Canada, Resource Allocation Competition results 2021; the
    published curve parameters are incomplete, so this is the shape, not the competition's figures.
    """
    eligible = problem.eligible
    bracketed = _bracketed(problem.ask, eligible)
    scores = np.sort(problem.score[eligible])
    not_above = np.searchsorted(scores, problem.score, side="right")
    weighed = bracketed * not_above // max(scores.size, 1)
    supply = _supply_units(problem)

    def scaled(step: int) -> IntArray:
        amounts = np.array([value * step // FACTOR_STEPS for value in weighed.tolist()])
        amounts = np.clip(amounts, problem.minimum, problem.ask)
        return np.where(eligible, amounts, 0).astype(np.int64)

    low, high = 0, 64 * FACTOR_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        fits = int(_asked_units(problem, scaled(middle)).sum()) <= supply
        low, high = (middle, high) if fits else (low, middle)
    amounts = scaled(low)
    whole = [_whole_gangs(problem, r, int(amounts[r])) for r in range(problem.requests)]
    target = np.where(eligible, np.maximum(whole, problem.minimum), 0).astype(np.int64)
    factor = Fraction(low, FACTOR_STEPS)
    return Formula(cells=_hand_out(problem, target), target=target, factor=factor)


def lottery(problem: Problem, *, seed: int) -> Formula:
    """Fund the best tier, draw in the middle one, leave the lowest (`solver.lottery`)."""
    cells, target = hand_out(problem, seed)
    return Formula(cells=cells, target=target, factor=Fraction(1))


def _covered(problem: Problem) -> Fraction:
    """Return the share of the eligible asks that the supply covers, in service units."""
    asked = int(_asked_units(problem, np.where(problem.eligible, problem.ask, 0)).sum())
    return Fraction(_supply_units(problem), asked) if asked else Fraction(1)


def _supply_units(problem: Problem) -> int:
    """Return the whole supply in thousandths of a service unit."""
    return int((problem.supply.sum(axis=1) * problem.charge).sum()) // MILLI


def _asked_units(problem: Problem, amounts: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of service units of reference hours on the cheapest pool."""
    speed = np.maximum(problem.speed, 1)
    units = amounts[:, None] * problem.charge[None, :] // speed
    cheapest: IntArray = np.where(problem.speed > 0, units, OPEN).min(axis=1)
    return cheapest


def _bracketed(ask: IntArray, eligible: BoolArray) -> IntArray:
    """Return ``(r,)`` asks after the progressive cuts."""
    ranked = np.sort(ask[eligible])
    if not ranked.size:
        return ask
    small = int(ranked[int(RAC_SMALL_SHARE * ranked.size)])
    large = int(ranked[max(0, ranked.size - 1 - int(RAC_LARGE_SHARE * ranked.size))])
    edges = (0, small, max(small, large), int(ranked[-1]))
    kept = np.zeros_like(ask)
    for low, high, cut in zip(edges, edges[1:], RAC_CUTS, strict=False):
        part = np.clip(ask, low, max(high, low)) - low
        left = 1 - cut
        kept += part * left.numerator // left.denominator
    return kept


def _whole_gangs(problem: Problem, request: int, amount: int) -> int:
    """Return the amount rounded down to whole gangs on the request's fastest pool."""
    speed = int(problem.speed[request].max())
    slots = {
        Shape.FLEXIBLE: 0,
        Shape.BLOCK: int(problem.block_slots[request]),
        Shape.CONSTANT: int(problem.end[request] - problem.first[request]),
    }[Shape(problem.shape[request])]
    if slots:
        gpus = whole_step(problem, request)
        step = max(gpus * problem.slot_hours * slots * speed // MILLI, 1)
    else:
        step = max(int(problem.gang[request]) * speed, 1)
    if amount >= problem.ask[request]:
        return int(problem.ask[request])
    return amount // step * step


def _hand_out(problem: Problem, target: IntArray) -> IntArray:
    """Place the targets in order: what was promised, then what floors need, then everyone."""
    desk = Desk.opened(problem, partial(_turn, problem))
    promised = np.where(problem.must_fund, np.maximum(problem.minimum, 1), 0)
    desk.keep_previous()
    desk.in_turn(promised, np.nonzero(promised)[0].tolist())
    wanted = np.maximum(target, promised)
    for bucket in np.nonzero(desk.floor)[0].tolist():
        members = np.nonzero((desk.bucket == bucket).any(axis=1) & (wanted > 0))[0].tolist()
        desk.in_turn(wanted, members, until=bucket)
    desk.in_turn(wanted, np.nonzero(wanted)[0].tolist())
    return desk.cells()


def _turn(problem: Problem, request: int) -> tuple[int, int, int]:
    """Return what orders requests: score, then the larger minimum, then content."""
    return (-int(problem.score[request]), -int(problem.minimum[request]), request)
