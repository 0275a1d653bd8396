"""A policy's formula run on a round in which one request states something otherwise."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scheduler.formulate import Formulation, formulate
from solver.formula import apply_formula
from solver.problem import IntArray
from solver.whatif import Change


@dataclass(frozen=True, slots=True)
class FormulaAnew:
    """What the formula gives after a change, as if the changed round had been handed in.

    Who comes first among equals depends on what every request says (`scheduler.order`), so the
    changed round is put in order anew.

    Attributes:
        formulation: the round as it stands.
        seed: of the draw, where there is one.
    """

    formulation: Formulation
    seed: int

    def __call__(self, change: Change) -> IntArray:
        """Return ``(n, 4)`` request, pool, slot, GPU-hours, indices as in the unchanged round.

        Raises:
            ValueError: If the change contradicts itself, such as a minimum above the ask.
        """
        names, snapshot = self.formulation.names, self.formulation.snapshot
        name = names.requests[change.request]
        requests = tuple(
            replace(each, **self._stated(change, each.speeds)) if each.id == name else each
            for each in snapshot.requests
        )
        carried = replace(self.formulation.policy, carry=None)
        other = formulate(replace(snapshot, requests=requests), carried)
        cells = apply_formula(other.problem, seed=self.seed).cells.copy()
        cells[:, 0] = _places(other.names.requests, names.requests)[cells[:, 0]]
        cells[:, 1] = _places(other.names.pools, names.pools)[cells[:, 1]]
        return cells[np.lexsort(cells.T[::-1])]

    def _stated(self, change: Change, speeds: tuple[tuple[str, int], ...]) -> dict[str, Any]:
        """Return the fields of the request that the change states."""
        fields = {
            "gpu_hours": change.ask,
            "minimum_gpu_hours": change.minimum,
            "first": change.first,
            "end": change.end,
            "max_gpus": change.gpus,
            "gang_gpus": change.gang,
            "score": change.score,
        }
        stated: dict[str, Any] = {name: each for name, each in fields.items() if each is not None}
        if change.pool is not None and change.speed is not None:
            pool = self.formulation.names.pools[change.pool]
            stated["speeds"] = (*(each for each in speeds if each[0] != pool), (pool, change.speed))
        return stated


def _places(before: tuple[str, ...], after: tuple[str, ...]) -> IntArray:
    """Return where each id stands in another order."""
    place = {name: index for index, name in enumerate(after)}
    return np.array([place[name] for name in before], dtype=np.int64)
