"""An engine for large rounds with shapes: every tier by runs of slots, the slots at the end.

The program by runs is a third of the round's, and groups share only a few of its rows. So each
tier is decided in steps. At the prices of the relaxation, and then at better ones, every group is
solved by itself, which gives a bound and a plan of each group. Choices that the plans at the best
prices, the one known and, before anything is kept, the relaxation agree on are held, and a
mixed-integer code decides the rest of all groups together (restricted master with whole columns:
Desaulniers, Desrosiers, Solomon 2005, section 1.6). A small program the code decides at once, from
the plan known on. After the last tier, and only then, hours and blocks find their slots.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from solver.plan import Limit
from solver.problem import FloatArray, IntArray, Shape
from solver.tiers.aim import Aim, Found
from solver.tiers.branching import Settled
from solver.tiers.dual import Dual
from solver.tiers.frame import LESS_GRACE, MISSED, ROUGH, WHOLE_NODES, Frame, aim_at
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.program import Answer, Effort, solve_program
from solver.tiers.proofs import Proofs
from solver.tiers.relaxation import Relaxation
from solver.tiers.slotted import Caps, Keeping, find_slots

if TYPE_CHECKING:
    from solver.tiers.core import CoreEngine

LARGE = 8_000
"""Columns from which on rounds are decided by runs."""
FEWEST = 5
"""Spans from which on there is anything to add up."""
NODES = 1_500_000
"""Nodes times columns after which a code's search ends in any case."""
NEAR = 0.002
"""Relative gap up to which the first plan of all is near enough."""
BEST = 2
"""Plans of the groups at that many of the best prices say what is decided."""
STEEP = 2.0
"""How much dearer than by the relaxation a tier kept is for whole choices, about."""
HELD = 0.8
"""How near the best prices are to those of a plan whose choices are held, about."""
WHOLE = 1e-6
"""How far apart values of a choice still count as the same."""


class RunsEngine:
    """Settles tiers by runs of slots."""

    restate: Callable[[FloatArray], FloatArray]

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.restate = lambda values: values
        self.model, self.frame = model, Frame(model, effort)
        self.proofs = Proofs(self.frame)
        self._core: CoreEngine | None = None

    @staticmethod
    def suits(model: RoundModel) -> bool:
        """Return whether a round is large, with choices and many spans to add up.

        What constants take cannot be added up.
        """
        constant = model.problem.shape[model.places.request] == Shape.CONSTANT
        many = model.spans.lengths.size >= FEWEST and 2 * int(constant.sum()) < constant.size
        return many and not model.picks_only_pools and model.program.columns > LARGE

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Each tier finds a plan of its own: there is nothing to prepare."""
        del goals, gap
        return None

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Decide by runs; values lie evenly over each run, whether or not that has slots."""
        weights, factor = self.frame.weights(goal)
        relaxed = self.frame.solve(weights)
        if relaxed.values is None:
            return Settled(values=None, bound=-np.inf, infeasible=relaxed.infeasible, work=1)
        aim = aim_at(goal, weights, factor, relaxed.objective, gap)
        found = Found(aim=aim, bound=relaxed.objective)
        first = None if known is None else self._completed(aim, self.frame.runs.summed(known))
        found.offer(first)
        dual = self._by_groups(found, relaxed)
        self.proofs.note(goal, dual)
        climbed = self._climb(found, dual)
        if not found.infeasible:
            self._decide(found, self._plans(found, dual, relaxed.values))
        far = found.gap > NEAR and not self.frame.is_small and not self.frame.lacks(found.values)
        if far and not climbed and dual is not None and found.values is not None:
            dual.solve(self._nearer(weights, relaxed.row_prices, found.values))
        if far and not climbed and self._climb(found, dual):
            self._decide(found, self._plans(found, dual, relaxed.values))
        self.proofs.plans = [] if dual is None else dual.best(len(dual.tried))
        self._decide_everything(found)
        return Settled(
            values=None if found.values is None else self.frame.runs.spread(found.values),
            bound=found.bound / factor,
            objective=found.objective / factor,
            infeasible=found.infeasible,
            work=found.work,
            limit=self.frame.effort.budget.ended() if found.gap > gap else Limit.NONE,
        )

    def _by_groups(self, found: Found, relaxed: Answer) -> Dual | None:
        """Solve the groups one by one; None with one group only.

        Args:
            found: gets the bounds.
            relaxed: the relaxation, whose prices are taken; where a tier is kept, others.
        """
        assert relaxed.values is not None
        dual = self.frame.dual(found.aim, self.frame.highest())
        if dual.parts.count <= 1:
            return None
        for plan in self.proofs.plans:
            dual.add(self.frame.padded(plan))
        prices = relaxed.row_prices
        if found.values is not None:
            dual.add(found.values)
            prices = self._nearer(found.aim.weights, prices, found.values)
        dual.solve(prices)
        found.work += dual.work
        found.infeasible |= dual.infeasible
        found.prove(dual.bound)
        return dual

    def _climb(self, found: Found, dual: Dual | None) -> bool:
        """Move the prices from where they are; say whether that was of any use.

        Without a plan that is known cuts say little, and what a group has to lack beyond its cap
        counts for more than prices.
        """
        if dual is None or found.values is None or not dual.tried:
            return False
        if self.frame.lacks(dual.tried[0].values):
            return False
        before = dual.work
        dual.add(found.values)
        dual.climb(found.values, found.aim.size, found.objective)
        found.work += dual.work - before
        found.prove(dual.bound)
        return True

    def _plans(self, found: Found, dual: Dual | None, relaxed: FloatArray) -> list[FloatArray]:
        """Return the plans of the groups, and with them the one known and the relaxation.

        Args:
            found: what is known.
            dual: the groups, and the prices tried.
            relaxed: the relaxation; it has a say where nothing is kept.
        """
        plans = [] if dual is None else [*dual.best(BEST), *dual.mixed()]
        if plans and found.values is not None:
            plans.append(found.values)
        if plans and (found.values is None or not self.frame.kept):
            plans.append(relaxed)
        return plans

    def _decide_everything(self, found: Found) -> None:
        """Let the code decide a small program at once, from what is found on.

        Its bound is for plans that leave of what is kept as much as searches do: where slots take
        more it does not count (`bound_after`).
        """
        near = ROUGH * found.aim.gap
        if not self.frame.is_small or found.infeasible or found.gap <= near:
            return
        bounds = self.frame.low, self.frame.highest(LESS_GRACE)
        answer = self.frame.decide(found.aim, near, WHOLE_NODES, bounds, found.values)
        found.work += answer.work
        found.offer(answer.values)
        found.prove(answer.bound)

    def _nearer(self, weights: FloatArray, prices: FloatArray, values: FloatArray) -> FloatArray:
        """Return prices between the relaxation's and those of a plan, tiers kept at more than both.

        Hours are cheap where choices are fractions and dear where they are held; the prices that
        bound best lie between.

        Args:
            weights: ``(columns,)`` of the goal.
            prices: the relaxation's.
            values: a plan.
        """
        frame, weights = self.frame, weights.copy()
        low, most = frame.holding(frame.whole(), values)
        high = frame.highest()
        for each in frame.kept:
            weights[each.column] = STEEP * abs(prices[each.row])
            high[each.column] = most[each.column] = np.inf
        relaxed = frame.solve(weights, high)
        held = solve_program(frame.program, weights, frame.effort, lower=low, upper=most)
        if relaxed.values is None or held.values is None:
            return prices
        return HELD * held.row_prices + (1 - HELD) * relaxed.row_prices

    def _decide(self, found: Found, plans: Sequence[FloatArray]) -> None:
        """Decide what plans see differently, or everything where that leads nowhere."""
        low, high = self.frame.low, self.frame.high
        if plans:
            seen = np.array(plans)
            same = seen.max(axis=0) - seen.min(axis=0) < WHOLE
            low, high = self.frame.holding(self.frame.whole() & same, seen[0])
        answer = self._search(found, low, high)
        if found.values is None and plans:
            answer = self._search(found, self.frame.low, self.frame.high)
        found.infeasible = answer.infeasible and found.values is None

    def _search(self, found: Found, low: FloatArray, high: FloatArray) -> Answer:
        """Let the code decide what bounds leave open."""
        aim = found.aim
        answer = self.frame.decide(aim, ROUGH * aim.gap, NODES, (low, high), found.values)
        found.work += answer.work
        found.offer(answer.values)
        return answer

    def _completed(self, aim: Aim, known: FloatArray) -> FloatArray | None:
        """Return the best solution with the choices of a known one."""
        low, high = self.frame.holding(self.frame.whole(), known)
        answer = solve_program(
            self.frame.program, aim.weights, self.frame.effort, lower=low, upper=high
        )
        return answer.values

    def least(self, goal: Goal) -> float:
        """Return a bound of a goal under the present caps."""
        return self.proofs.least(goal)

    def let_lack(self, worst: Goal, total: Goal, columns: IntArray, trifle: float) -> float:
        """Cap what each group lacks at what it has to lack in the relaxation, or more.

        Args:
            worst: the largest shortfall of a group.
            total: those of all.
            columns: of the groups' shortfalls.
            trifle: share that every group may lack.

        Returns:
            What the worst group has to lack.
        """
        self.frame.cap(columns, np.ones(columns.size))
        least, short = max(self.least(worst), 0.0), np.zeros(columns.size)
        if least > trifle:
            self.frame.cap(columns, np.full(columns.size, min(least + MISSED, 1.0)))
            values = self.frame.solve(self.frame.weights(total)[0]).values
            short = short if values is None else self.frame.runs.spread(values)[columns]
        self.frame.cap(columns, np.minimum(short + trifle, 1.0))
        return least

    def possible(self) -> bool:
        """Solve the relaxation; what is left unsolved counts as possible."""
        return not self.frame.solve(np.zeros(self.frame.program.columns)).infeasible

    def keep(self, goal: Goal, most: float) -> None:
        """From now on the goal stays at most this, some leeway for the slots aside."""
        self.frame.keep(goal, most)

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """From now on the columns, always the same, stay at most this; beyond it costs dear."""
        self.frame.cap(columns, upper)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, the pools, starts and GPU numbers of a plan that was laid out."""
        assert self._core is not None
        return self._core.chosen(values)

    def laid_out(self, values: FloatArray, goal: Goal) -> FloatArray | None:
        """Find slots for hours and blocks; None where there are none.

        Args:
            values: a solution, its hours evenly over each run.
            goal: the last one.
        """
        kept = [
            Keeping(each.goal.weights / each.scale, each.most + self.frame.laid)
            for each in self.frame.kept
            if each.goal.name != goal.name
        ]
        caps = Caps(self.frame.capped, self.frame.caps)
        slotted = find_slots(self.model, values, goal, kept, caps, self.frame.effort)
        if slotted is None:
            return None
        self._core = slotted.core
        return slotted.values
