"""What the bounds of tiers by runs hold for, and bounds for plans that use more than that.

Slots and whole gang-hours take some of what tiers have to keep, and some more of what groups may
lack. A later tier's bound is then stated anew for all plans that take as much.
"""

from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray
from solver.tiers.aim import Aim
from solver.tiers.dual import Dual
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.frame import GRACE, LESS_GRACE, MISSED, ROUGH, WHOLE_NODES, Frame, aim_at
from solver.tiers.goal import Goal

GAP = 1e-3
"""Relative gap to which groups are solved for a bound alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """What the bound of a tier holds for.

    Attributes:
        caps: of groups; most: of each tier kept before, in shares of its scale.
        dual: prices whose bounds can be told for other `most`; None where there are none.
        factor: by which the goal was multiplied there.
    """

    caps: FloatArray
    most: FloatArray
    dual: Dual | None = None
    factor: float = 1.0


class Proofs:
    """The bounds of tiers by runs.

    Attributes:
        plans: of all groups, from which groups are solved when a bound is found anew.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.plans: list[FloatArray] = []
        self._proved: dict[str, Proof] = {}
        self._lacking: FloatArray = np.zeros(0)
        self._used: FloatArray = np.zeros(0)

    def note(self, goal: Goal, dual: Dual | None = None, factor: float = 1.0) -> None:
        """Note what a bound found now holds for."""
        frame = self.frame
        most = frame.high[[each.column for each in frame.kept]]
        self._proved[goal.name] = Proof(caps=frame.caps, most=most, dual=dual, factor=factor)

    def lay(self, values: FloatArray) -> None:
        """Note what the plan in the slots lacks and uses; groups may lack that from now on."""
        frame = self.frame
        self._lacking = values[frame.capped]
        frame.cap(frame.capped, np.maximum(self._lacking, frame.caps))
        self._used = np.array([each.share(values) for each in frame.kept])

    def least(self, goal: Goal) -> float:
        """Return a bound of a goal under the present caps."""
        self.note(goal)
        return self._bound(goal, self.frame.highest())

    def bound_after(self, goal: Goal, bound: float, used: dict[str, float]) -> float:
        """Return a bound of a tier for all plans as fair as the one in the slots.

        Args:
            goal: the tier's.
            bound: that was found before.
            used: what a plan uses of the goals of tiers, in their own weights' measure; those that
                are not named use what the one in the slots does.
        """
        proof = self._proved[goal.name]
        at, high = proof.most.size, self.frame.highest()
        for each, share in zip(self.frame.kept, self._used.tolist(), strict=True):
            high[each.column] = max(share, used.get(each.goal.name, -np.inf) / each.scale)
        most = high[[each.column for each in self.frame.kept[:at]]]
        high[[each.column for each in self.frame.kept[at:]]] = np.inf
        holds = bool((most <= proof.most + MISSED).all())
        grace = LESS_GRACE if self.frame.is_small else GRACE
        within = not proof.caps.size or bool((self._lacking <= proof.caps + grace).all())
        if not within or (self.frame.is_small and not holds):
            return self._bound(goal, high, proof)
        if proof.dual is not None and proof.dual.tried:
            return max(proof.dual.restated(high) / proof.factor, bound if holds else -np.inf)
        return bound if holds else self._bound(goal, high, proof)

    def _bound(self, goal: Goal, high: FloatArray, proof: Proof | None = None) -> float:
        """Return a bound of a goal: the relaxation's, or that of the groups one by one.

        Args:
            goal: a tier's.
            high: ``(columns,)`` upper bounds.
            proof: prices that are known.
        """
        weights, factor = self.frame.weights(goal)
        bound, prices = -np.inf, self._prices_of(proof)
        if proof is not None and proof.dual is not None and prices is not None:
            aim = aim_at(goal, weights, factor, proof.dual.bound, GAP)
            bound = self._at_prices(aim, prices, high)
        if np.isfinite(bound):
            return bound / factor
        relaxed = self.frame.solve(weights, high)
        if relaxed.values is None:
            return -np.inf
        bound = relaxed.objective
        aim = aim_at(goal, weights, factor, bound, GAP)
        if self.frame.is_small:
            bounds = self.frame.low, high
            bound = max(bound, self.frame.decide(aim, ROUGH * GAP, WHOLE_NODES, bounds).bound)
        elif abs(bound) > MISSED * GOAL_SIZE:
            bound = max(bound, self._at_prices(aim, relaxed.row_prices, high))
        return bound / factor

    def _at_prices(self, aim: Aim, prices: FloatArray, high: FloatArray) -> float:
        """Return the bound of the groups one by one, infinite where one is not solved."""
        dual = self.frame.dual(aim, high)
        for plan in self.plans:
            dual.add(self.frame.padded(plan))
        dual.solve(prices)
        return dual.bound

    def _prices_of(self, proof: Proof | None) -> FloatArray | None:
        """Return the best prices known of a large program, 0 in rows it has got since."""
        if self.frame.is_small or proof is None or proof.dual is None or not proof.dual.tried:
            return None
        prices = proof.dual.tried[0].prices
        return np.pad(prices, (0, self.frame.program.rows - prices.size))
