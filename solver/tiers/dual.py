"""The prices of shared rows at which the parts of a program bound it best.

The relaxation's prices know nothing of whole choices. Whatever a part does at some prices is a cut
of what it can reach at any other; the prices that are best by all cuts so far are tried next (cuts:
Kelley 1960; Geoffrion 1974, section 2). To begin with they stay near the best ones known: a price
pays for moving away, and ever less of it (du Merle, Villeneuve, Desrosiers, Hansen 1999, section
3), and after a step that led nowhere the next one is shorter (Wentges 1997, section 2). Solutions
of the parts at such prices are near those of the best plan, too.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray
from solver.tiers.parts import WITHIN, Parted, Parts
from solver.tiers.program import Effort, Program, solve_program

STEPS = 24
"""How many times all parts are solved at most, after the first. Steps end sooner where they gain
little; eight left the value of rounds of 500 requests 0.013 and 0.018 from its bound, which these
bring to 0.003.
"""
WIDTH = 0.01
"""Part of what a plan has in a row that may be missed by it where prices stay: to begin with."""
LEAST = 0.01
"""Part of the largest row's size that every row has at least."""
NARROWER = 0.5
"""What becomes of that where prices got better, or are not to get much better any more."""
SHORTER, SHORTEST = 0.6, 0.2
"""What becomes of a step after one that led nowhere, and its least part of the way."""
MUCH = 0.15
"""Part of the distance between bound and plan that counts as much."""
LITTLE = 0.001
"""Relative gain below which prices stay as they are, once the width is small."""
FINE = 1 / 16
"""Part of the first width that is small."""
FAR, NEARBY = 10.0, 1.5
"""How many times the largest price a price may be after a step, and where no plan is known."""


class Dual:
    """A program in parts, and what its parts did at the prices tried so far.

    Args:
        parts: the program.
        goal: ``(columns,)``, to be least.
        bounds: ``(columns,)`` least and most.
        whole: ``(columns,)`` which columns have to be whole.
        effort: of each part.
        plans: whether plans of the parts are known that hardly miss a bound: parts that cannot gain
            are left out then, and prices may move far.

    Attributes:
        tried: what the parts did, the best bound first.
        infeasible: whether a part has no solution; work: spent so far; solved: parts so far.
    """

    def __init__(  # noqa: PLR0913 - a program, its goal, and by name what is known
        self,
        parts: Parts,
        goal: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        whole: BoolArray,
        effort: Effort,
        *,
        plans: bool = True,
    ) -> None:
        self._plans = plans
        self.parts, self.goal, self.bounds = parts, goal, bounds
        self._whole, self._effort = whole, effort
        self.tried: list[Parted] = []
        self.infeasible, self.work, self.solved = False, 0, 0
        self._known: list[FloatArray] = []
        self._costs: list[FloatArray] = []
        self._use: list[FloatArray] = []
        self._order = list(range(parts.count))
        self._shares: FloatArray = np.zeros(0)

    @property
    def bound(self) -> float:
        """The best bound so far."""
        return self.tried[0].bound if self.tried else -np.inf

    def add(self, values: FloatArray) -> None:
        """Take in a solution of every part: each is a cut, unless it is beyond the bounds.

        Args:
            values: ``(columns,)``; columns of no part do not matter.
        """
        low, high = self.bounds
        beyond = (values < low - WITHIN) | (values > high + WITHIN)
        costs = np.where(beyond, np.inf, self.goal * values)
        self._known.append(values)
        self._costs.append(self.parts.sums(costs))
        self._use.append(self.parts.use(values))

    def solve(self, prices: FloatArray, looser: Parted | None = None) -> bool:
        """Solve the parts at some prices; say whether that was better than all before.

        Where it cannot be, parts are left out, those that were looked at last.

        Args:
            prices: ``(rows,)`` duals, or near them.
            looser: what the parts gave at these prices under looser bounds.
        """
        effort = replace(self._effort, lean=bool(self._known))
        parted = self.parts.solve(
            self.goal,
            prices,
            self.bounds,
            self._whole,
            effort,
            known=self._known,
            order=self._order,
            least=self.bound if self._plans else -np.inf,
            looser=looser,
        )
        self.work += parted.work
        self.solved += len(parted.solved)
        if parted.values is None:
            self.infeasible |= parted.infeasible
            return False
        self.add(parted.values)
        last = set(parted.solved)
        self._order = [each for each in self._order if each not in last] + list(parted.solved)
        better = parted.bound > self.bound
        if np.isfinite(parted.bound):
            self.tried.append(parted)
            self.tried.sort(key=lambda each: -each.bound)
        return better

    def climb(self, plan: FloatArray, scale: float, reached: float, little: float = LITTLE) -> None:
        """Move the prices while that promises something.

        Args:
            plan: ``(columns,)`` a solution, or near one: what it has of each row is the row's size.
            scale: of the goal: what gains are measured against.
            reached: the goal of the best plan known.
            little: relative gain that is not worth a step once the width is small.
        """
        size = np.abs(self.parts.use(plan)).sum(axis=0)
        size = np.maximum(size, LEAST * size.max(initial=0.0))
        width, way, end = WIDTH, 1.0, self.solved + STEPS * self.parts.count
        while self.solved < end and self.tried and self.bound < reached:
            prices, gain = self._next(width * size)
            poor = gain < little * scale
            if prices is None or (poor and width <= FINE * WIDTH):
                return
            distance, centre = min(reached - self.bound, scale), self.tried[0].prices
            better = not poor and self.solve(way * prices + (1.0 - way) * centre)
            way = 1.0 if better or poor else max(SHORTER * way, SHORTEST)
            if better or poor or gain < MUCH * distance:
                width *= NARROWER

    def _next(self, widths: FloatArray) -> tuple[FloatArray | None, float]:
        """Return the best prices by all cuts, and what they promise to gain; None without.

        Args:
            widths: ``(shared rows,)`` what a price pays for moving by one.
        """
        parts, rows = self.parts, np.flatnonzero(self.parts.shared)
        centre = self.tried[0].prices[rows]
        low, high = (each[rows] for each in parts.program.row_bounds())
        program, most = Program(), FAR if self._plans else NEARBY
        far = most * np.abs(centre).max(initial=WITHIN)
        under = program.add_columns(rows.size, np.where(np.isfinite(high), -far, 0.0), 0.0)
        over = program.add_columns(rows.size, 0.0, np.where(np.isfinite(low), far, 0.0))
        goal = np.concatenate([-np.where(np.isfinite(end), end, 0.0) for end in (high, low)])
        moved = program.add_columns(rows.size, 0.0, np.inf)
        goal = np.append(goal, widths)
        for sign in (1.0, -1.0):
            row = program.add_rows(rows.size, -np.inf, sign * centre)
            program.add_terms(row, under, sign)
            program.add_terms(row, over, sign)
            program.add_terms(row, moved, -1.0)
        for costs, use in ((np.array(self._costs), np.array(self._use)), *self._alone()):
            reached = program.add_columns(costs.shape[1], -np.inf, np.inf)
            goal = np.append(goal, np.full(reached.size, -1.0))
            cuts = program.add_rows(costs.size, -np.inf, costs.reshape(-1))
            program.add_terms(cuts, np.tile(reached, costs.shape[0]), 1.0)
            uses = use.reshape(cuts.size, -1)
            cut, at = np.nonzero(uses)
            for side in (under, over):
                program.add_terms(cuts[cut], side[at], uses[cut, at])
        answer = solve_program(program, goal, self._effort)
        if answer.values is None:
            return None, 0.0
        self._shares = np.abs(answer.row_prices[2 * rows.size :][: np.size(self._costs)])
        prices = np.zeros(parts.program.rows)
        prices[rows] = answer.values[under] + answer.values[over]
        paid = float(widths @ np.abs(prices[rows] - centre))
        return prices, paid - answer.objective - self.bound

    def best(self, count: int) -> list[FloatArray]:
        """Return what the parts did at the best prices tried, at most so many."""
        return [each.values for each in self.tried[:count] if each.values is not None]

    def mixed(self) -> list[FloatArray]:
        """Return solutions that mix to the best one by all cuts, each part's main one elsewhere."""
        if not self._shares.size:
            return []
        shares = self._shares.reshape(-1, self.parts.count)
        main = np.zeros_like(self.goal)
        for number, plan in enumerate(shares.argmax(axis=0).tolist()):
            columns = self.parts.of(number)
            main[columns] = self._known[plan][columns]
        plans = []
        for share, known in zip(shares, self._known, strict=False):
            plan = main.copy()
            for number in np.flatnonzero(share > WITHIN).tolist():
                columns = self.parts.of(number)
                plan[columns] = known[columns]
            if (share > WITHIN).any():
                plans.append(plan)
        return plans

    def _alone(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield costs and use of each column of no part, at either end, as of a part."""
        for column in np.flatnonzero(self.parts.part == NOBODY).tolist():
            ends = np.array([each[column] for each in self.bounds])
            ends = ends[np.isfinite(ends), None]
            use = self.parts.use_of(column)
            yield ends * self.goal[column], ends[:, :, None] * use
