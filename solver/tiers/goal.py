"""What one tier wants of a program."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray

STEP = 16.0
"""How much more an earlier tier counts than the next one in the goal of all of them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Goal:
    """One tier's goal: least Σ weight · column.

    Attributes:
        weights: ``(columns,)``.
        unit: what 1 of the goal is in the tier's own unit; negative when the tier wants most.
        floor: what no plan can go below, by plain arithmetic.
        scale: size of the goal that a gap is measured against; None: its own objective.
    """

    name: str
    weights: FloatArray
    unit: float
    floor: float = -np.inf
    scale: float | None = None

    @property
    def size(self) -> float:
        """About how large the goal can be."""
        return max(self.scale or float(np.abs(self.weights).sum()) / 10, 1e-12)


def in_one(goals: Sequence[Goal], columns: int) -> FloatArray:
    """Return ``(columns,)`` weights of all tiers together, the earlier ones first."""
    weights = np.zeros(columns)
    for power, goal in enumerate(reversed(goals)):
        weights[: goal.weights.size] += goal.weights / goal.size * STEP**power
    return weights
