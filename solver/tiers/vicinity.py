"""Which requests of a large round are decided together: those that can take from each other."""

from collections.abc import Iterator

import numpy as np

from solver.problem import FloatArray, IntArray
from solver.tiers.model import RoundModel
from solver.tiers.places import touched

PART = 60
"""Requests that are decided together."""
ROUND = 120
"""Requests whose hours are laid out anew with them."""
ELSEWHERE = 0.25
"""What a request of another group counts for: groups keep what they have, so few can give."""
APART = 2.0
"""What a request counts for that plan and relaxation see differently."""
SAME = 1e-6
"""Values nearer than this are the same."""


class Vicinity:
    """Who uses what others could: hours by request, and by pool and span as one axis.

    Args:
        model: the program of the round.
        seed: of the choice between neighbours that are about as near.
    """

    def __init__(self, model: RoundModel, seed: int) -> None:
        self.model = model
        self._rng = np.random.default_rng(seed)
        places, lengths = model.places, model.spans.lengths
        self._place, span = touched(places)
        self._cell = places.pool[self._place] * lengths.size + span
        self._hours = places.slot_hours[self._place] * lengths[span]
        self._shape = (model.problem.requests, model.problem.pools * lengths.size)
        self._reach = np.zeros(self._shape)
        self._reach[places.request[self._place], self._cell] = 1.0

    def parts(self, plan: FloatArray, relaxed: FloatArray, apart: IntArray) -> Iterator[IntArray]:
        """Yield `ROUND` requests, the first `PART` to decide, until everyone apart was among those.

        First around those whom the relaxation gives most beyond the plan.

        Args:
            plan: ``(columns,)`` a solution.
            relaxed: ``(columns,)`` one of the relaxation.
            apart: requests that they see differently.
        """
        held, wanted = self._used(plan), self._used(relaxed)
        lack = self._units(relaxed) - self._units(plan)
        used = np.maximum(held, wanted)
        weight = np.ones(self.model.problem.requests)
        weight[apart] = APART
        waiting = np.zeros(weight.size, dtype=np.bool_)
        waiting[apart] = True
        for center in apart[np.argsort(-lack[apart], kind="stable")].tolist():
            if waiting[center]:
                part = self._around(center, used, weight)
                waiting[part[:PART]] = False
                yield part

    def _around(self, center: int, used: FloatArray, weight: FloatArray) -> IntArray:
        """Return a request and those who use most of what it could, chance having a say."""
        group = self.model.problem.group
        near = (used @ self._reach[center]) * weight
        near *= np.where(group == group[center], 1.0, ELSEWHERE)
        near *= self._rng.uniform(0.5, 1.5, near.size)
        near[center] = np.inf
        first = np.argsort(-near, kind="stable")[:ROUND]
        kept: IntArray = first[near[first] > 0.0].astype(np.int64)
        return kept

    def _used(self, values: FloatArray) -> FloatArray:
        """Return ``(r, c)`` GPU-hours by request and cell."""
        places, used = self.model.places, np.zeros(self._shape)
        hours = self._hours * values[places.column[self._place]]
        np.add.at(used, (places.request[self._place], self._cell), hours)
        return used

    def _units(self, values: FloatArray) -> FloatArray:
        """Return ``(r,)`` what each receives, in the unit."""
        places = self.model.places
        units = values[places.column] * places.units
        sums = np.bincount(places.request, units, minlength=self.model.problem.requests)
        return sums.astype(np.float64)
