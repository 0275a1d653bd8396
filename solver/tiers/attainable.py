"""Which amounts a group's awards can add up to at all: what its shortfall can and cannot be.

Requests are nothing or at least their minimum, and blocks and constants come in whole steps; so a
group with few requests can hold only some amounts. Between two of them a shortfall cannot lie,
whatever the supply: rounding a covering row up to the next amount is the strengthening of Crowder,
Johnson and Padberg (1983) carried out on sums instead of single rows.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np

from solver.placing.board import most_hours
from solver.problem import FloatArray, Problem, Shape, Unit
from solver.tiers.model import RoundModel

COARSE = 1e-4
"""Part of an entitlement: amounts that lie nearer to each other count as everything between."""
EXACT = 1e-9
"""Part of an entitlement that floating point may miss."""
TRIES = 200
"""Numbers of gang-hours in pools that are tried for a request before a plain bound stands in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Amounts:
    """Closed intervals, in rising order, whose union holds every amount that a group can have.

    Attributes:
        starts, ends: ``(n,)`` shares of the entitlement, at most 1: more than all counts as all.
    """

    starts: FloatArray
    ends: FloatArray

    def from_on(self, share: float) -> float:
        """Return the smallest share there is from a share on; infinite when there is none."""
        at = int(np.searchsorted(self.ends, share - EXACT))
        return max(share, float(self.starts[at])) if at < self.ends.size else np.inf

    def below(self, share: float) -> float:
        """Return the largest share there is that is smaller than a share; 0 is always there."""
        at = int(np.searchsorted(self.starts, share - EXACT)) - 1
        return min(share, float(self.ends[at])) if at >= 0 else 0.0


def attainable(model: RoundModel, group: int, due: float) -> Amounts:
    """Return what a group can hold, as shares of what is due to it.

    Args:
        model: the program of the round, for who can get how much.
        group: index.
        due: thousandths of the unit.
    """
    problem = model.problem
    members = np.flatnonzero((problem.group == group) & problem.eligible & (problem.ask > 0))
    options = [_options(model, request) / due for request in members.tolist()]
    options = sorted((each for each in options if each.size), key=lambda each: each.max())
    starts = ends = np.zeros(1)
    for each in options:
        starts = np.concatenate([starts, (starts[:, None] + each[:, 0]).ravel()])
        ends = np.concatenate([ends, (ends[:, None] + each[:, 1]).ravel()])
        starts, ends = _merged(np.minimum(starts, 1.0), np.minimum(ends, 1.0))
        if starts.size == 1 and ends[0] >= 1.0:
            break
    return Amounts(starts=starts, ends=ends)


def _merged(starts: FloatArray, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the intervals in order, those that touch nearly made one."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    apart = starts[1:] > ends[:-1] + COARSE
    return starts[np.append(True, apart)], ends[np.append(apart, True)]


def _options(model: RoundModel, request: int) -> FloatArray:
    """Return ``(n, 2)`` least and most thousandths of the unit that a request may be funded with.

    What whole steps in one pool make is known one by one; of all else only the two ends.
    """
    problem, extent, places = model.problem, model.extent, model.places
    mine = model.places_of(request)
    if not mine.size:
        return np.zeros((0, 2))
    awarded = problem.rules.unit is Unit.REFERENCE_HOURS
    brings = places.share[mine] * problem.ask[request] if awarded else places.units[mine]
    if model.takes_steps(request):
        upper = [model.most_steps[column] for column in places.column[mine].tolist()]
        made = [
            unit * np.arange(max(np.ceil(extent.low[request] / share - EXACT), 1.0), most + 1.0)
            for unit, share, most in zip(brings, places.share[mine], upper, strict=True)
        ]
        amounts = np.unique(np.concatenate(made))
        return np.stack([amounts, amounts], axis=1)
    per_share = brings / places.share[mine]
    most = per_share.max() * (1.0 if awarded else extent.top[request])
    if not awarded and problem.shape[request] == Shape.FLEXIBLE:
        most = min(most, _most_units(problem, request))
    return np.array([[min(per_share.min() * extent.low[request], most), most]])


def _most_units(problem: Problem, request: int) -> float:
    """Return the most thousandths of the unit that whole gang-hours of a request can bring.

    All but one gang-hour on the fastest pool used total less than the ask; none is faster. And
    every slot of the window has only the hours of the most GPUs.
    """
    pools = np.flatnonzero(problem.speed[request] > 0).tolist()
    gang, ask = int(problem.gang[request]), int(problem.ask[request])
    hours = [(gang * int(problem.speed[request, each]), each) for each in pools]
    units = {each: gang * int(problem.factor[request, each]) for each in pools}
    best = 0.0
    for fastest, last in hours:
        items = [
            (weight, units[each])
            for weight, each in hours
            if weight <= fastest and (each == last or not problem.single_pool[request])
        ]
        items.sort(key=lambda item: -item[1] / item[0])
        best = max(best, units[last] + _Knapsack(items).fill(ask - 1))
    seats = (
        int(most_hours(problem)[request])
        // gang
        * int(problem.end[request] - problem.first[request])
    )
    return min(best, float(seats * max(units.values())))


class _Knapsack:
    """Any numbers of items, of most value within a weight, tried out by ratio.

    Args:
        items: weight and value, the best ratio first.
    """

    def __init__(self, items: list[tuple[int, int]]) -> None:
        self.items, self.best, self.tries = items, 0, 0
        self.grain = gcd(*(value for _, value in items))

    def fill(self, room: int) -> float:
        """Return the most value, or a bound on it where there is too much to try."""
        self._take(0, room, 0)
        weight, value = self.items[0]
        return float(self.best) if self.tries < TRIES else room * value / weight

    def _take(self, at: int, room: int, value: int) -> None:
        """Take some of an item, most first, then of those after it."""
        weight, worth = self.items[at]
        for count in range(room // weight, -1, -1):
            left, held = room - count * weight, value + count * worth
            self.best = max(self.best, held)
            self.tries += 1
            if at + 1 == len(self.items) or self.tries >= TRIES:
                return
            after, more = self.items[at + 1]
            most = held + left * more // after
            if most // self.grain * self.grain <= self.best:
                return
            self._take(at + 1, left, held)
