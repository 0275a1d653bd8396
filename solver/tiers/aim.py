"""What one search is after, and what it has found so far."""

from dataclasses import dataclass

import numpy as np

from solver.problem import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Aim:
    """A goal brought to a healthy size.

    Attributes:
        weights: ``(columns,)`` of the goal, times `factor`.
        size: what gaps are measured against, times `factor`.
        gap: relative gap at which the goal counts as reached.
    """

    weights: FloatArray
    factor: float
    size: float
    gap: float

    @property
    def allowed(self) -> float:
        """Absolute gap, a quarter of what was asked: whole gang-hours take the rest."""
        return self.gap / 4 * self.size

    def at(self, values: FloatArray) -> float:
        """Return the goal of a solution."""
        return float(self.weights @ values[: self.weights.size])


@dataclass(slots=True, kw_only=True, eq=False)
class Found:
    """The best plan of a tier so far and the best bound; all goals times the aim's factor."""

    aim: Aim
    bound: float
    values: FloatArray | None = None
    objective: float = np.inf
    infeasible: bool = False
    work: int = 1

    def offer(self, values: FloatArray | None) -> None:
        """Keep a solution if it is the best one."""
        if values is not None and self.aim.at(values) < self.objective:
            self.values, self.objective = values, self.aim.at(values)

    def prove(self, bound: float) -> None:
        """Keep a bound if it is the best one."""
        self.bound = min(max(self.bound, bound), self.objective)

    @property
    def gap(self) -> float:
        """How far apart they are, relative to the aim's size."""
        return (self.objective - self.bound) / self.aim.size
