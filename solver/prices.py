"""Prices that prove the value of a plan: the duals of the value tier as a linear program."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from solver.plan import Entitlement, ValueDual, per_fellow, per_group, received
from solver.problem import MILLI, BoolArray, FloatArray, IntArray, Problem, Shape
from solver.stages import mean_one_weights
from solver.tiers.extent import find_spans
from solver.tiers.program import Effort, Program, solve_program
from solver.worth import merit_points, value_parts

GRAIN = 10**6
"""Prices are whole numbers of millionths, or less: the checker's arithmetic stays short."""
DIGITS = 6
"""Places that the mean price has at least."""
MANY_COLUMNS = 10_000
"""From this size on a program with blocks and constants has no rows for slots of a request."""
LARGE = 30_000
"""From this size on interior points solve the program: of 32,500 to 69,000 columns in 0.2 to 0.4 of
the time of the dual simplex method.
"""
MOST_COLUMNS = 150_000
"""Beyond this size the program takes longer than the solve itself; then there are no prices."""


def value_dual(
    problem: Problem, entitlement: Entitlement | None, cells: IntArray
) -> ValueDual | None:
    """Return prices that bound the value of every plan as fair as this one.

    As fair: every group receives what it receives here, up to its entitlement, and the weighted
    shortfall of the fellows is no larger. The program is the fluid round with those rows, and with
    room for the last gang-hour of each request, so that the plan itself solves it; its prices are
    rounded, and hold as a proof whatever they are.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        cells: ``(n, 4)`` of the plan.

    Returns:
        None when the round is too large, or no code solved the program.
    """
    pricing = ValueProgram(problem)
    if pricing.request.size > MOST_COLUMNS:
        return None
    if entitlement is not None:
        pricing.keep_groups(entitlement, cells)
        pricing.keep_fellows(entitlement, cells)
    return pricing.solve()


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows of holders: who they are, where their rows begin, least thousandths of the unit."""

    who: IntArray
    rows: IntArray
    least: IntArray


NOBODY_KEPT = Kept(*(np.zeros(0, dtype=np.int64) for _ in range(3)))


class ValueProgram:
    """The fluid round with the policy's value as its goal; hours are parts of the ask."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.structured = bool((problem.shape != Shape.FLEXIBLE).any())
        self.spans = find_spans(problem)
        self.program = Program()
        self.request, self.pool, self.first, self.count = self._places()
        self.hours = problem.ask[self.request] * MILLI / problem.speed[self.request, self.pool]
        gang = problem.gang * problem.speed.max(axis=1, initial=0)
        self.most = 1.0 + gang / problem.ask
        self.columns = self.program.add_columns(self.request.size, 0.0, self.most[self.request])
        self.place, self.span, self.part = self._touched()
        self.supply_rows = self._supply()
        self._limits()
        self.award = self._award()
        self.funded = self._funded()
        self.groups = self.fellows = NOBODY_KEPT
        self.lack_row, self.grain = -1, GRAIN
        self.shortfall = Fraction(0)

    def _places(self) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Return request, pool, first span and number of spans of every column."""
        problem = self.problem
        rows = [
            (request, pool, first, count)
            for request in np.flatnonzero(problem.eligible).tolist()
            for first, count in self._stays(request)
            for pool in np.flatnonzero(problem.speed[request]).tolist()
            if self.spans.supply[pool, first : first + count].all()
        ]
        table = np.array(rows, dtype=np.int64).reshape(len(rows), 4)
        return table[:, 0], table[:, 1], table[:, 2], table[:, 3]

    def _stays(self, request: int) -> list[tuple[int, int]]:
        """Return the runs of spans in which the hours of a request may lie evenly."""
        problem, start = self.problem, self.spans.start
        window = [int(problem.first[request]), int(problem.end[request])]
        first, end = np.searchsorted(start, window).tolist()
        if problem.shape[request] == Shape.CONSTANT:
            return [(first, end - first)]
        if problem.shape[request] == Shape.BLOCK:  # then every span is one slot
            length = int(problem.block_slots[request])
            return [(each, length) for each in range(first, end - length + 1)]
        return [(each, 1) for each in range(first, end)]

    def _touched(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Return place, span and part of the place's hours there, wherever hours may lie."""
        place = np.repeat(np.arange(self.request.size), self.count)
        before = np.cumsum(self.count) - self.count
        span = self.first[place] + np.arange(place.size) - before[place]
        lengths = self.spans.lengths[span].astype(np.float64)
        whole = np.bincount(place, weights=lengths, minlength=self.request.size)
        return place, span, lengths / whole[place]

    def _supply(self) -> IntArray:
        """Add a row per pool and span, in parts of its supply; return ``(p, i)`` their numbers."""
        supply = self.spans.supply
        rows = self.program.add_rows(supply.size, -np.inf, 1.0).reshape(supply.shape)
        pool = self.pool[self.place]
        hours = self.hours[self.place] * self.part / MILLI
        self.program.add_terms(
            rows[pool, self.span], self.columns[self.place], hours / supply[pool, self.span]
        )
        return rows

    def _limits(self) -> None:
        """No request passes its ask by a gang-hour, nor runs on more GPUs at once than it can.

        In a large round with blocks and constants no column alone does: what columns of a request
        use together in a slot is left out there: three fifths of the time on 1,200 requests, for a
        bound that is a millionth weaker.
        """
        problem = self.problem
        asks = self.program.add_rows(problem.requests, -np.inf, self.most)
        self.program.add_terms(asks[self.request], self.columns, 1.0)
        request = self.request[self.place]
        most = (problem.max_gpus * problem.slot_hours)[request] * self.spans.lengths[self.span]
        part = self.hours[self.place] * self.part / most
        if self.structured and self.request.size >= MANY_COLUMNS:
            alone = np.zeros(self.request.size)
            np.maximum.at(alone, self.place, part)
            rows = self.program.add_rows(self.request.size, -np.inf, 1.0)
            self.program.add_terms(rows, self.columns, alone)
            return
        where, row = np.unique(request * self.spans.lengths.size + self.span, return_inverse=True)
        rows = self.program.add_rows(where.size, -np.inf, 1.0)
        self.program.add_terms(rows[row], self.columns[self.place], part)

    def _award(self) -> IntArray:
        """Add the part of each ask that is awarded: what is taken, but no more than all."""
        columns = self.program.add_columns(self.problem.requests, 0.0, 1.0)
        rows = self.program.add_rows(self.problem.requests, 0.0, np.inf)
        self.program.add_terms(rows[self.request], self.columns, 1.0)
        self.program.add_terms(rows, columns, -1.0)
        return columns

    def _funded(self) -> IntArray:
        """Add the part of each request that counts as a project, where projects count."""
        problem = self.problem
        _, by_projects = value_parts(problem)
        if not by_projects:
            return np.zeros(0, dtype=np.int64)
        columns = self.program.add_columns(problem.requests, 0.0, 1.0)
        rows = self.program.add_rows(problem.requests, 0.0, np.inf)
        self.program.add_terms(rows[self.request], self.columns, 1.0)
        self.program.add_terms(rows, columns, -np.maximum(problem.minimum, 1) / problem.ask)
        return columns

    def amounts(self) -> FloatArray:
        """Return thousandths of the unit that every column brings when it is 1."""
        return np.asarray(self.hours * self.problem.factor[self.request, self.pool] / MILLI)

    def keep_groups(self, entitlement: Entitlement, cells: IntArray) -> None:
        """Every group receives at least what it does in the plan, up to its entitlement."""
        got = per_group(self.problem, received(self.problem, cells))
        least = np.minimum(got, entitlement.groups)
        who = np.flatnonzero(least)
        rows = self.holder_rows(self.problem.group[self.request], least, who)
        self.groups = Kept(who, rows, least[who])

    def keep_fellows(self, entitlement: Entitlement, cells: IntArray) -> None:
        """The weighted shortfall of the fellows is at most the plan's."""
        problem, due = self.problem, entitlement.fellows
        weights = mean_one_weights(problem)
        lacks = np.maximum(due - per_fellow(problem, received(problem, cells)), 0).tolist()
        self.shortfall = sum(
            (weight * lack for weight, lack in zip(weights, lacks, strict=True)), Fraction(0)
        )
        who = np.flatnonzero(due)
        rows = self.holder_rows(problem.fellow[self.request], due, who)
        lack = self.program.add_columns(who.size, 0.0, 1.0)
        self.program.add_terms(rows, lack, 1.0)
        scale = max(float(due.sum()), 1.0)
        self.lack_row = int(self.program.add_rows(1, -np.inf, float(self.shortfall) / scale)[0])
        by_weight = np.array([float(weights[each]) for each in who])
        self.program.add_terms(self.lack_row, lack, by_weight * due[who] / scale)
        self.fellows = Kept(who, rows, due[who])

    def holder_rows(self, holder: IntArray, least: IntArray, who: IntArray) -> IntArray:
        """Add a row per holder with a least amount, in parts of that amount."""
        at = np.full(least.size, -1, dtype=np.int64)
        at[who] = self.program.add_rows(who.size, 1.0, np.inf)
        inside: BoolArray = np.asarray(at[holder] >= 0)
        part = self.amounts()[inside] / least[holder[inside]]
        self.program.add_terms(at[holder[inside]], self.columns[inside], part)
        return at[who]

    def solve(self) -> ValueDual | None:
        """Solve for the prices and round them."""
        goal = self.goal()
        size = max(float(np.abs(goal).max(initial=0.0)), 1e-12)
        barrier = self.structured or self.request.size >= LARGE
        answer = solve_program(self.program, goal / size, Effort(barrier=barrier))
        if answer.values is None or not answer.row_prices.size:
            return None
        objective = -answer.objective * size
        self.grain = _grain(self.problem, abs(objective))
        return self.to_dual(answer.row_prices * size, objective)

    def goal(self) -> FloatArray:
        """Return ``(columns,)`` what is to be least: the value, negative."""
        problem = self.problem
        by_hours, by_projects = value_parts(problem)
        points = merit_points(problem) / MILLI
        goal = np.zeros(self.program.columns)
        goal[self.award] = -float(by_hours) * points * problem.ask / MILLI
        goal[self.funded] = -float(by_projects) * points[: self.funded.size]
        return goal

    def supply_prices(self, row_prices: FloatArray) -> tuple[tuple[int, int, Fraction], ...]:
        """Return pool, slot and price of a thousandth of a GPU-hour wherever it is not 0."""
        lengths = self.spans.lengths
        supply = np.maximum(self.spans.supply, 1) * MILLI
        per_hour = -row_prices[self.supply_rows] / supply
        prices = [
            (int(pool), int(slot), rounded(per_hour[pool, span], self.grain))
            for pool, span in zip(*np.nonzero(per_hour > 0), strict=True)
            for slot in range(self.spans.start[span], self.spans.start[span] + lengths[span])
        ]
        return tuple(each for each in prices if each[2])

    def to_dual(self, row_prices: FloatArray, objective: float) -> ValueDual:
        """Read prices of supply, groups and fellows from the rows."""
        per_shortfall = Fraction(0)
        fellows: tuple[tuple[int, Fraction, int], ...] = ()
        if self.lack_row >= 0:
            due = max(float(self.fellows.least.sum()), 1.0)
            per_shortfall = rounded(-row_prices[self.lack_row] / due, self.grain)
            fellows = self._fellow_prices(row_prices, per_shortfall)
        return ValueDual(
            pool_slots=self.supply_prices(row_prices),
            groups=tuple(self.holder_prices(self.groups, row_prices)),
            bound=Fraction(objective),
            fellows=fellows,
            shortfall=(per_shortfall, self.shortfall),
        )

    def _fellow_prices(
        self, row_prices: FloatArray, per_shortfall: Fraction
    ) -> tuple[tuple[int, Fraction, int], ...]:
        """Return fellows' multipliers, none above what a lack of theirs costs."""
        weights = mean_one_weights(self.problem)
        return tuple(
            (fellow, min(rate, per_shortfall * weights[fellow]), least)
            for fellow, rate, least in self.holder_prices(self.fellows, row_prices)
        )

    def holder_prices(self, kept: Kept, row_prices: FloatArray) -> list[tuple[int, Fraction, int]]:
        """Return holders with a positive multiplier and their least amounts."""
        rates = row_prices[kept.rows] / np.maximum(kept.least, 1)
        rows = zip(kept.who.tolist(), rates.tolist(), kept.least.tolist(), strict=True)
        priced = [(who, rounded(rate, self.grain), least) for who, rate, least in rows]
        return [each for each in priced if each[1]]


def _grain(problem: Problem, most: float) -> int:
    """Return how many parts of a unit prices are counted in.

    Args:
        problem: for its supply.
        most: about what all of it earns.
    """
    hours = max(float(problem.supply.sum()) / MILLI, 1.0)
    places = math.ceil(DIGITS - math.log10(max(most, 1e-12) / hours))
    return max(GRAIN, int(10**places) if places > 0 else 1)


def rounded(price: float, grain: int) -> Fraction:
    """Return a price per thousandth, in whole parts of a grain per whole unit; none negative."""
    return Fraction(max(round(price * MILLI * grain), 0), grain * MILLI)
