"""Mend: what whole gang-hours lose of a tier is won back, a few requests at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from solver.integral import Part, improve_part
from solver.plan import Entitlement, Stage, per_fellow, per_group, received
from solver.problem import NOBODY, FloatArray, IntArray, Problem
from solver.stages import SHORTFALLS, exact_objectives, scales

PLACES = 600
"""Places (request, pool, slot) of the requests that are placed anew together."""
OWN = 400
"""Those of them that may belong to whom it is about; the rest is of those beside them."""
MOMENT = 0.5
"""CP-SAT's deterministic time for one search, about seconds."""
TURNS = 6
"""Times that the turn of everyone who lacks something comes, beside others each time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """What the tiers want of a plan.

    Attributes:
        entitlement: what groups and fellows hold by right.
        tiers: what each reached, and how far it can go at most.
        gap: relative gap at which one is near enough.
    """

    problem: Problem
    entitlement: Entitlement
    tiers: tuple[Stage, ...]
    gap: float

    @property
    def enough(self) -> float:
        """Share of its entitlement that a group may lack: some group lacks as much in any plan."""
        return next((each.bound for each in self.tiers if each.name == "groups"), 0.0)

    def figures(self, cells: IntArray) -> list[Fraction]:
        """Return what is to be least, the more important first.

        After the largest share that a group lacks comes what all groups lack beyond `enough`.
        """
        reached = exact_objectives(self.problem, self.entitlement, cells)
        found = []
        for tier in self.tiers:
            found.append(reached[tier.name] * (1 if tier.name in SHORTFALLS else -1))
            if tier.name == "groups":
                over = np.maximum(self.lacking(cells, tier.name) - self.enough, 0.0)
                found.append(Fraction(float(over.sum())))
        return found

    def lacking(self, cells: IntArray, tier: str) -> FloatArray:
        """Return ``(g,)`` or ``(f,)`` what groups or fellows lack; in the first tier as shares."""
        amounts = received(self.problem, cells)
        if tier == "fellows":
            held, due = per_fellow(self.problem, amounts), self.entitlement.fellows
        else:
            held, due = per_group(self.problem, amounts), self.entitlement.groups
        lack = np.maximum(due - held, 0).astype(np.float64)
        return np.asarray(lack / np.maximum(due, 1)) if tier == "groups" else lack

    def lackers(self, cells: IntArray) -> Iterator[IntArray]:
        """Return the requests of each group or fellow who lacks something, who lacks most first.

        It is the first tier that is not near enough that tells who; of a weighted goal its groups.
        """
        reached = exact_objectives(self.problem, self.entitlement, cells)
        for tier in self.tiers:
            size = max(float(reached[tier.name]), scales(self.entitlement)[tier.name])
            off = abs(float(reached[tier.name]) - tier.bound)
            if tier.name not in {*SHORTFALLS, "weighted"} or off <= self.gap * size:
                continue
            owner = self.problem.fellow if tier.name == "fellows" else self.problem.group
            lack = self.lacking(cells, "groups" if tier.name == "weighted" else tier.name)
            least = self.enough if tier.name == "groups" else 0.0
            order = np.argsort(-lack, kind="stable")
            for each in order[lack[order] > least].tolist():
                yield np.flatnonzero(owner == each)
            return


def mend(wanted: Wanted, cells: IntArray, *, effort: float, seed: int) -> tuple[IntArray, float]:
    """Place those anew who lack most of what the tiers want, with some of those beside them.

    Args:
        wanted: of the plan.
        cells: ``(n, 4)`` of a plan that keeps every rule.
        effort: CP-SAT's deterministic time for all searches.
        seed: of the searches, and of who is chosen.

    Returns:
        Cells that reach no less, and the deterministic time it took.
    """
    chance, best, spent = np.random.default_rng(seed), wanted.figures(cells), 0.0
    for _ in range(TURNS):
        for own in list(wanted.lackers(cells)):
            members = _around(wanted.problem, cells, own, chance)
            part = Part(members, wanted.enough)
            found, work = improve_part(
                wanted.problem, wanted.entitlement, cells, part, effort=MOMENT, seed=seed
            )
            spent += work
            figures = wanted.figures(found)
            if figures < best:
                cells, best = found, figures
            if spent >= effort:
                return cells, spent
    return cells, spent


def _around(
    problem: Problem, cells: IntArray, own: IntArray, chance: np.random.Generator
) -> IntArray:
    """Return some requests, and some of those that lie where they may lie; nobody in a chain.

    Those come first who have nothing.
    """
    chained = problem.after != NOBODY
    chained[problem.after[chained]] = True
    free = problem.eligible & (problem.ask > 0) & ~chained
    sizes = (problem.end - problem.first) * (problem.speed > 0).sum(axis=1)
    own = chance.permutation(own[free[own]])
    own = _some(own[np.argsort(np.isin(own, cells[:, 0]), kind="stable")], sizes, OWN)
    near = np.zeros(problem.supply.shape, dtype=np.bool_)
    for request in own.tolist():
        near[problem.speed[request] > 0, problem.first[request] : problem.end[request]] = True
    beside = np.setdiff1d(cells[near[cells[:, 1], cells[:, 2]], 0], own)
    beside = chance.permutation(beside[free[beside]])
    beside = _some(beside, sizes, PLACES - int(sizes[own].sum()))
    return np.sort(np.concatenate([own, beside]))


def _some(requests: IntArray, sizes: IntArray, places: int) -> IntArray:
    """Return the first of the requests that have so many places together."""
    return requests[np.cumsum(sizes[requests]) <= places]
