"""What the bounds of tiers by runs hold for, and bounds for plans that use more than that.

Slots and whole gang-hours take some of what tiers have to keep, and some more of what groups may
lack. A later tier's bound is then found anew for all plans that take as much and no more: a
thousandth that each group may lack is worth a hundredth of a later tier.
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
        dual: the groups at the best prices known; None where there are none.
    """

    caps: FloatArray
    most: FloatArray
    dual: Dual | None = None


class Proofs:
    """The bounds of tiers by runs.

    Attributes:
        plans: of all groups, from which groups are solved when a bound is found anew.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.plans: list[FloatArray] = []
        self._proved: dict[str, Proof] = {}

    def note(self, goal: Goal, dual: Dual | None = None) -> None:
        """Note what a bound found now holds for."""
        frame = self.frame
        most = frame.high[[each.column for each in frame.kept]]
        self._proved[goal.name] = Proof(caps=frame.caps, most=most, dual=dual)

    def least(self, goal: Goal) -> float:
        """Return a bound of a goal under the present caps."""
        self.note(goal)
        return self._bound(goal, self.frame.highest())

    def bound_after(
        self,
        goal: Goal,
        bound: float,
        used: dict[str, float],
        lacks: FloatArray,
        *,
        wanted: float = -np.inf,
    ) -> float:
        """Return a bound of a tier for all plans as fair as one.

        Args:
            goal: the tier's.
            bound: that was found before.
            used: what the plan uses of the goals of tiers, in their own weights' measure.
            lacks: ``(groups capped,)`` what each group lacks there, at most, of its entitlement.
            wanted: a bound that is near enough: below it cuts of a large program are tried.
        """
        proof = self._proved[goal.name]
        kept = self.frame.kept[: proof.most.size]
        most = np.array([used[each.goal.name] / each.scale for each in kept])
        grace = LESS_GRACE if self.frame.is_small else GRACE
        holds = bool((most <= proof.most + MISSED).all())
        holds &= not proof.caps.size or bool((lacks <= proof.caps + grace).all())
        if holds and (self.frame.is_small or proof.dual is None):
            return bound
        high = self.frame.as_fair(most + MISSED, lacks if proof.caps.size else None)
        found = max(self._bound(goal, high, proof), bound if holds else -np.inf)
        if found >= wanted or self.frame.is_small:
            return found
        weights, factor = self.frame.weights(goal)
        aim = aim_at(goal, weights, factor, found * factor, GAP)
        return max(found, self.frame.bounded(aim, high) / factor)

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
