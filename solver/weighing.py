"""Prices that prove the weighted goal: the duals of its linear program."""

from fractions import Fraction

import numpy as np

from solver.plan import Entitlement, ValueDual
from solver.prices import MOST_COLUMNS, NOBODY_KEPT, Kept, ValueProgram, rounded
from solver.problem import MILLI, FloatArray, IntArray, Problem, Tier
from solver.stages import mean_one_weights, weighed_due
from solver.worth import asked_value


def weighted_dual(problem: Problem, entitlement: Entitlement | None) -> ValueDual | None:
    """Return prices that bound the weighted goal of every plan.

    The program is the fluid round with that goal: what groups and fellows lack is part of it, so
    their multipliers are at most what it costs to lack a unit.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.

    Returns:
        None when the round is too large, or no code solved the program.
    """
    pricing = WeightedProgram(problem)
    if pricing.request.size > MOST_COLUMNS:
        return None
    if entitlement is not None:
        pricing.weigh_groups(entitlement)
        pricing.weigh_fellows(entitlement)
    return pricing.solve()


class WeightedProgram(ValueProgram):
    """The same with the weighted goal: what is lacked costs, what is worth something counts."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.costs: list[tuple[IntArray, FloatArray]] = []
        self.least_cost = self.spread = Fraction(0)
        self.most_cost: dict[int, Fraction] = {}
        self.covering = NOBODY_KEPT

    def weigh_groups(self, entitlement: Entitlement) -> None:
        """Half of what groups count is what the worst one lacks, half what all of them do."""
        part, due = self.problem.rules.part(Tier.GROUPS) / 2, entitlement.groups
        who = np.flatnonzero(due)
        if not part or not who.size:
            return
        rows = self.holder_rows(self.problem.group[self.request], due, who)
        lack = self.program.add_columns(who.size, 0.0, 1.0)
        worst = self.program.add_columns(1, 0.0, 1.0)
        self.program.add_terms(rows, lack, 1.0)
        above = self.program.add_rows(who.size, 0.0, np.inf)
        self.program.add_terms(above, worst, 1.0)
        self.program.add_terms(above, lack, -1.0)
        self.costs += [(lack, float(part) * due[who] / due.sum()), (worst, np.full(1, float(part)))]
        self.least_cost, self.spread = part / int(due.sum()), part
        self.groups = Kept(who, rows, due[who])

    def weigh_fellows(self, entitlement: Entitlement) -> None:
        """What fellows count is what they lack, weighed by merit."""
        part, due = self.problem.rules.part(Tier.FELLOWS), entitlement.fellows
        weights, whole = mean_one_weights(self.problem), weighed_due(self.problem, entitlement)
        who = np.flatnonzero(due)
        if not part or not who.size:
            return
        rows = self._covered_rows(due, who)
        lack = self.program.add_columns(who.size, 0.0, 1.0)
        self.program.add_terms(rows, lack, 1.0)
        self.most_cost = {each: part * weights[each] / (whole * MILLI) for each in who.tolist()}
        costs = [float(self.most_cost[each]) for each in who.tolist()]
        self.costs.append((lack, np.array(costs) * due[who]))
        self.fellows = Kept(who, rows, due[who])

    def _covered_rows(self, due: IntArray, who: IntArray) -> IntArray:
        """Add a row per fellow for what requests cover of what is due.

        A request covers no more than it gets, and no more of the whole than it gets of its
        minimum: pieces that nobody can start cover only in part.
        """
        problem, program = self.problem, self.program
        owed = due[problem.fellow]
        asking = np.flatnonzero((owed > 0) & problem.eligible)
        cover = program.add_columns(asking.size, 0.0, 1.0)
        at = np.full(due.size, -1, dtype=np.int64)
        at[who] = program.add_rows(who.size, 1.0, np.inf)
        program.add_terms(at[problem.fellow[asking]], cover, 1.0)
        self.covering = Kept(asking, program.add_rows(asking.size, -np.inf, 0.0), owed[asking])
        whole = program.add_rows(asking.size, -np.inf, 0.0)
        amounts = self.amounts() / np.maximum(owed[self.request], 1)
        shares = problem.ask[self.request] / np.maximum(problem.minimum[self.request], 1)
        for rows, part in ((self.covering.rows, amounts), (whole, shares)):
            tie = np.full(problem.requests, -1, dtype=np.int64)
            tie[asking] = rows
            program.add_terms(rows, cover, 1.0)
            inside = tie[self.request] >= 0
            program.add_terms(tie[self.request[inside]], self.columns[inside], -part[inside])
        return at[who]

    def goal(self) -> FloatArray:
        """Return ``(columns,)`` what is to be least: what is lacked less what is attained."""
        asked = asked_value(self.problem)
        part = self.problem.rules.part(Tier.VALUE) / asked if asked else Fraction(0)
        goal = super().goal() * float(part)
        for columns, cost in self.costs:
            goal[columns] = cost
        return goal

    def constant(self) -> Fraction:
        """Return what is attained where nothing is lacked and nothing has value."""
        part = self.problem.rules.part
        no_value = Fraction(0) if asked_value(self.problem) else part(Tier.VALUE)
        return part(Tier.GROUPS) + part(Tier.FELLOWS) + no_value

    def to_dual(self, row_prices: FloatArray, objective: float) -> ValueDual:
        """Read the prices; no multiplier is above what lacking a unit costs."""
        groups = self.holder_prices(self.groups, row_prices)
        fellows = tuple(
            (each, self._floored(min(rate, self.most_cost[each])), due)
            for each, rate, due in self.holder_prices(self.fellows, row_prices)
        )
        above = sum(max(rate - self.least_cost, Fraction(0)) * due for _, rate, due in groups)
        shrink = min(self.spread / above, Fraction(1)) if above else Fraction(1)

        def lowered(rate: Fraction) -> Fraction:
            """Return a group's rate with what is above the least cost shrunk."""
            return min(rate, self.least_cost + shrink * (rate - self.least_cost))

        return ValueDual(
            pool_slots=self.supply_prices(row_prices),
            groups=tuple((each, self._floored(lowered(rate)), due) for each, rate, due in groups),
            fellows=fellows,
            covers=self._covers(row_prices, fellows),
            bound=Fraction(objective) + self.constant(),
        )

    def _covers(
        self, row_prices: FloatArray, fellows: tuple[tuple[int, Fraction, int], ...]
    ) -> tuple[tuple[int, Fraction], ...]:
        """Return what a unit of a request is worth, where that is less than to its fellow."""
        worth = {each: rate for each, rate, _ in fellows}
        rates = -row_prices[self.covering.rows] / np.maximum(self.covering.least, 1)
        return tuple(
            (request, rounded(rate, self.grain))
            for request, rate in zip(self.covering.who.tolist(), rates.tolist(), strict=True)
            if rounded(rate, self.grain) < worth.get(int(self.problem.fellow[request]), 0)
        )

    def _floored(self, price: Fraction) -> Fraction:
        """Return a price rounded down to the grain."""
        return Fraction(price * MILLI * self.grain // 1, MILLI * self.grain)
