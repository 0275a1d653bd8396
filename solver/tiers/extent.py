"""How much a request may get in all, and which slots are alike: before any program is built."""

from dataclasses import dataclass
from math import prod

import numpy as np

from solver.audit import kept_amounts
from solver.placing.placement import most_gpus, whole_step
from solver.problem import MILLI, NOBODY, BoolArray, FloatArray, IntArray, Problem, Shape, ValueOf

TRIES = 10_000
"""Numbers of steps in several pools that are tried out at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spans:
    """Runs of slots that no window and no change of supply tells apart.

    Attributes:
        start: ``(i + 1,)`` first slots; span i is ``[start[i], start[i + 1])``.
        supply: ``(p, i)`` whole GPU-hours over all slots of the span.
    """

    start: IntArray
    supply: IntArray

    @property
    def lengths(self) -> IntArray:
        """``(i,)`` slots in each span."""
        return np.diff(self.start)

    def of(self, slots: IntArray) -> IntArray:
        """Return the spans that begin at the slots (which are first slots of spans)."""
        return np.searchsorted(self.start, slots).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Extent:
    """How much a request may get in all, as shares of its ask.

    Attributes:
        low, top: ``(r,)`` least when funded, most.
        last: ``(r,)`` share that the last gang-hour of a plain request brings, 0 where the ask is
            a whole number of gang-hours or speeds differ.
        kept: ``(r,)`` requests that must be funded.
        counted: ``(r,)`` requests for which being funded is a question of its own.
        reachable: ``(r,)`` requests that can get their least at all.
    """

    low: FloatArray
    top: FloatArray
    last: FloatArray
    kept: BoolArray
    counted: BoolArray
    reachable: BoolArray


def find_spans(problem: Problem) -> Spans:
    """Merge slots that no window and no change of supply tells apart.

    Blocks and chains need every slot by itself.
    """
    supply = problem.supply // MILLI
    eligible = problem.eligible
    fine = (problem.shape == Shape.BLOCK) | (problem.after != NOBODY)
    start = np.zeros(problem.slots + 1, dtype=np.bool_)
    start[[0, problem.slots]] = True
    start[problem.first[eligible]] = True
    start[problem.end[eligible]] = True
    start[1:-1] |= (supply[:, 1:] != supply[:, :-1]).any(axis=0)
    if (fine & eligible).any():
        start[:] = True
    begins = np.flatnonzero(start)
    return Spans(start=begins, supply=np.add.reduceat(supply, begins[:-1], axis=1))


def find_extent(problem: Problem) -> Extent:
    """Work out least and most amounts, rounded to whole gang-hours where that is certain."""
    ask = problem.ask.astype(np.float64)
    kept = problem.must_fund | (kept_amounts(problem) > 0)
    chained = problem.after != NOBODY
    chained[problem.after[chained]] = True
    by_project = problem.rules.value_of is not ValueOf.HOURS
    least = np.maximum(problem.minimum, kept_amounts(problem))
    counted = (least > 0) | kept | chained | by_project | (problem.shape != Shape.FLEXIBLE)
    fastest = problem.gang * problem.speed.max(axis=1)
    slowest = np.where(problem.speed > 0, problem.speed, np.iinfo(np.int64).max).min(axis=1)
    # Who is funded has a gang-hour; a code takes what is less for nothing.
    gang_hour = np.minimum(problem.gang * slowest, np.maximum(problem.ask, 1))
    least = np.where(counted & (least == 0), gang_hour, least)
    plain = (fastest == problem.gang * slowest) & (problem.shape == Shape.FLEXIBLE)
    step = np.maximum(fastest, 1)
    low = np.where(plain, -(-least // step) * step, least)
    top = np.where(plain, -(-problem.ask // step) * step, problem.ask + step - 1)
    top = np.maximum(top, low)
    split = plain & (top > problem.ask) & (low < top)
    reachable = np.ones(problem.requests, dtype=np.bool_)
    for request in np.flatnonzero(_takes_steps(problem)).tolist():
        smallest = _smallest(problem, request, int(low[request]), int(top[request]))
        reachable[request], low[request] = smallest is not None, smallest or low[request]
    return Extent(
        low=low / np.maximum(ask, 1),
        top=top / np.maximum(ask, 1),
        last=np.where(split, step, 0) / np.maximum(ask, 1),
        kept=kept,
        counted=counted,
        reachable=reachable,
    )


def step_hours(problem: Problem, request: int, slots: int) -> int:
    """Return thousandths of a GPU-hour that one step of a block or constant takes in all."""
    return whole_step(problem, request) * problem.slot_hours * slots


def shape_slots(problem: Problem, request: int) -> int:
    """Return how many slots a block or constant touches."""
    if problem.shape[request] == Shape.BLOCK:
        return int(problem.block_slots[request])
    return int(problem.end[request] - problem.first[request])


def _takes_steps(problem: Problem) -> BoolArray:
    """Return ``(r,)`` blocks and constants: they get whole steps in each pool."""
    return np.asarray((problem.shape != Shape.FLEXIBLE) & problem.eligible & (problem.ask > 0))


def _smallest(problem: Problem, request: int, low: int, top: int) -> int | None:
    """Return the smallest amount from `low` to `top` that whole steps make, or None.

    In one pool, or for constants that may lie in several in all of them together.
    """
    slots = shape_slots(problem, request)
    hours, step = step_hours(problem, request, slots), whole_step(problem, request)
    pools = np.flatnonzero(problem.speed[request] > 0).tolist()
    each = [hours * int(problem.speed[request, pool]) for pool in pools]
    most = [most_gpus(problem, request, pool, slots) // step for pool in pools]
    sums = {
        one * count for one, steps in zip(each, most, strict=True) for count in range(steps + 1)
    }
    if problem.shape[request] == Shape.CONSTANT and not problem.single_pool[request]:
        if prod(steps + 1 for steps in most) > TRIES:
            return min(max(low, min(each) // MILLI), top)
        sums = {0}
        for one, steps in zip(each, most, strict=True):
            sums = {held + one * count for held in sums for count in range(steps + 1)}
    past = int(problem.ask[request] + problem.gang[request] * problem.speed[request].max())
    fitting = (held // MILLI for held in sums if 0 < held < past * MILLI)
    return min((min(held, top) for held in fitting if held >= low), default=None)
