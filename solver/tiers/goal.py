"""What one tier wants of a program."""

from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray


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
