"""What if a request were otherwise: the changed round, and how two plans of it compare, exactly."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from solver.audit import is_lawful
from solver.entitle import fellow_weights
from solver.placing.board import added_up
from solver.plan import Entitlement, awarded_reference, per_fellow, per_group, received
from solver.problem import IntArray, Problem, Tier, as_int, dot
from solver.stages import exact_objectives, value


class Lever(StrEnum):
    """What a fellow could have stated otherwise."""

    NOTHING = "nothing"
    """Nothing at all: what it would cost the goals to fund it as it is."""
    ASK = "ask"
    """GPU-hours asked."""
    MINIMUM = "minimum"
    """The least that is of use."""
    WINDOW = "window"
    """First slot and end."""
    POOL = "pool"
    """One more acceptable pool."""
    GPUS = "gpus"
    """Most GPUs at once."""
    GANG = "gang"
    """GPUs that have to be used together."""
    SCORE = "score"
    """The panel's score."""
    BOTH = "score_and_minimum"
    """The score, and a minimum that the fellow's entitlement reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One request, otherwise than it is; what is not stated stays.

    Attributes:
        ask, minimum, score: thousandths; first, end: slots; gpus: most at once; gang: together.
        pool, speed: a pool's index and the request's speed there, thousandths.
    """

    request: int
    lever: Lever
    ask: int | None = None
    minimum: int | None = None
    first: int | None = None
    end: int | None = None
    gpus: int | None = None
    gang: int | None = None
    pool: int | None = None
    speed: int | None = None
    score: int | None = None


Rerun: TypeAlias = Callable[[Change], IntArray]
"""What a policy's formula gives after a change: cells as a plan holds them."""
FIELDS: Mapping[str, str] = {
    "ask": "ask",
    "minimum": "minimum",
    "first": "first",
    "end": "end",
    "gpus": "max_gpus",
    "gang": "gang",
    "score": "score",
}
"""Numbers of a change and the arrays of a problem that hold them."""
WANTED_MOST = frozenset({"value", "weighted"})
"""Goals of which more is better; of all others less is."""
UNWEIGHED = frozenset({Lever.NOTHING, Lever.MINIMUM, Lever.GANG})
"""Levers that no entitlement depends on: the fluid round has no minimums and no gangs."""


def changed(problem: Problem, change: Change) -> Problem:
    """Return the round with one request otherwise.

    Raises:
        ValueError: If the change contradicts itself, such as a minimum above the ask.
    """
    arrays: dict[str, Any] = {}
    for name, field in FIELDS.items():
        stated = getattr(change, name)
        if stated is not None:
            arrays[field] = _with(getattr(problem, field), change.request, stated)
    if change.pool is not None and change.speed is not None:
        speed = problem.speed.copy()
        speed[change.request, change.pool] = change.speed
        arrays["speed"] = speed
    return replace(problem, **arrays) if arrays else problem


def _with(values: IntArray, index: int, stated: int) -> IntArray:
    """Return a copy with one value otherwise."""
    other = values.copy()
    other[index] = stated
    return other


@dataclass(frozen=True, slots=True)
class Goals:
    """What a plan reaches in each goal of its policy, exactly.

    Attributes:
        figures: by name in the order of the policy: ``groups`` is the largest share of an
            entitlement that a group lacks, ``groups_total`` thousandths of the unit that groups
            lack together, ``fellows`` the same of fellows, each times the weight over the mean
            weight, ``value`` the policy's value; in the weighted form ``weighted`` alone, the
            share attained.
    """

    figures: Mapping[str, Fraction]

    def losses(self, before: "Goals") -> dict[str, Fraction]:
        """Return by goal how much worse this is than before; negative where it is better."""
        return {
            name: (before.figures[name] - figure) * (1 if name in WANTED_MOST else -1)
            for name, figure in self.figures.items()
        }


def goals(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> Goals:
    """Return what cells reach in each goal that the policy has."""
    if problem.rules.weights:
        return Goals({"weighted": exact_objectives(problem, entitlement, cells)["weighted"]})
    found: dict[str, Fraction] = {}
    amounts = received(problem, cells)
    for tier in problem.rules.tiers:
        if tier is Tier.VALUE:
            found["value"] = value(problem, cells)
        elif entitlement is not None and tier is Tier.GROUPS:
            found |= _group_goals(entitlement.groups, per_group(problem, amounts))
        elif entitlement is not None:
            lacks = np.maximum(entitlement.fellows - per_fellow(problem, amounts), 0)
            found["fellows"] = _weighted(problem, lacks)
    return Goals(found)


def _group_goals(due: IntArray, got: IntArray) -> dict[str, Fraction]:
    """Return the largest relative lack and the sum of lacks."""
    short = np.maximum(due - got, 0)
    lacking = np.flatnonzero(short)
    parts = [Fraction(int(short[each]), int(due[each])) for each in lacking]
    return {
        "groups": max(parts, default=Fraction(0)),
        "groups_total": Fraction(int(short.sum())),
    }


def _weighted(problem: Problem, lacks: IntArray) -> Fraction:
    """Return the sum of lacks, each times the fellow's weight over the mean weight."""
    weights = fellow_weights(problem)
    asking = np.unique(problem.fellow[problem.eligible])
    together = int(weights[asking].sum())
    if not together:
        return Fraction(0)
    return Fraction(dot(weights, lacks) * asking.size, together)


class Claim(StrEnum):
    """What has been checked of a plan for the changed round, set against the plan as it stands."""

    BETTER = "better"
    """It keeps every rule, some goal is reached better and none worse."""
    EQUAL = "equal"
    """It keeps every rule and reaches every goal exactly as well."""
    WITHIN_GAP = "within_gap"
    """It keeps every rule; what a goal loses is less than the gap left open when it was proved."""
    AT_A_COST = "at_a_cost"
    """It keeps every rule; some goals are reached worse, by the losses that are stated."""
    SAME_PLAN = "same_plan"
    """The award stays, cell by cell, and no goal is reached worse than it was."""
    FORMULA = "formula"
    """The policy's formula gives it when it is run on the changed round."""


NO_WORSE = frozenset({Claim.BETTER, Claim.EQUAL})
"""Every rule is kept and no goal reached worse."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counterfactual:
    """A change, and the plan that shows what it would have brought.

    Attributes:
        awarded: thousandths of reference GPU-hours that the request gets there.
        delta: ``(n, 4)`` request, pool, slot, GPU-hours more (or, negative, less) than in the plan.
        losses: by goal, how much worse it is reached than by the plan as it stands.
        open: by goal, how far the plan as it stands may be from the best, as far as is proved.
        sizes: by goal, what losses are a share of: 1 for ``groups`` and ``weighted``, all that
            groups are entitled to for the other shortfalls, the value of the plan as it stands.
    """

    change: Change
    claim: Claim
    awarded: int
    delta: IntArray
    losses: Mapping[str, Fraction]
    open: Mapping[str, Fraction]
    sizes: Mapping[str, Fraction]


class Silence(StrEnum):
    """Why fewer than two counterfactuals of a request are shown."""

    VETOED = "vetoed"
    """The operator's veto stands whatever is stated."""
    MID_ROUND = "mid_round"
    """Who is in line, and what is held, are facts that no ask would change."""
    NEVER_FITS = "never_fits"
    """Even alone in the round it cannot reach its minimum, and few changes would let it."""
    NOT_FOUND = "not_found"
    """No further change was found that a plan shows to cost less than funding it as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """What a plan for the changed round has to reach.

    Attributes:
        before: goals of the plan as it stands, in the changed round.
        least: thousandths of reference hours that the request has to get.
        open: by goal, what the proof of the plan as it stands leaves open.
        accept: claims that are enough.
    """

    before: Goals
    least: int
    open: Mapping[str, Fraction]
    accept: frozenset[Claim]


def judge(
    problem: Problem, entitlement: Entitlement | None, cells: IntArray, change: Change, bar: Bar
) -> tuple[Claim, dict[str, Fraction]] | None:
    """Return what can be claimed of cells in the changed round, or None when it is not enough.

    Args:
        problem: the round with the change made.
        entitlement: of that round.
        cells: ``(n, 4)``, sorted.
        change: what was changed.
        bar: what the cells have to reach.
    """
    if int(awarded_reference(problem, cells)[change.request]) < bar.least:
        return None
    losses = goals(problem, entitlement, cells).losses(bar.before)
    claim = _claim(losses, bar.open)
    if claim not in bar.accept or not is_lawful(problem, cells):
        return None
    return claim, losses


def sizes(entitlement: Entitlement | None, reached: Goals) -> dict[str, Fraction]:
    """Return by goal what its losses are measured against; 1 where there is nothing."""
    due = 0 if entitlement is None else int(entitlement.groups.sum())
    found = {"groups": Fraction(1), "groups_total": Fraction(due), "fellows": Fraction(due)}
    found |= {"value": reached.figures.get("value", Fraction(0)), "weighted": Fraction(1)}
    return {name: found[name] or Fraction(1) for name in reached.figures}


def _claim(losses: Mapping[str, Fraction], open_: Mapping[str, Fraction]) -> Claim:
    """Return what the losses amount to."""
    if all(loss <= 0 for loss in losses.values()):
        return Claim.BETTER if any(loss < 0 for loss in losses.values()) else Claim.EQUAL
    if all(loss <= open_.get(name, 0) for name, loss in losses.items()):
        return Claim.WITHIN_GAP
    return Claim.AT_A_COST


GIVEN = as_int([1, 1, 1, -1])
"""Turns cells into what is taken away."""


def difference(before: IntArray, after: IntArray) -> IntArray:
    """Return ``(n, 4)`` request, pool, slot and how many GPU-hours more there are after."""
    rows = added_up(np.concatenate([before * GIVEN, after]))
    moved: IntArray = rows[rows[:, 3] != 0]
    return moved


def apply(cells: IntArray, delta: IntArray) -> IntArray:
    """Return the cells after a difference: what `difference` undone gives back."""
    return difference(delta * GIVEN, cells)


def likely_speed(problem: Problem, request: int, pool: int) -> int:
    """Return a request's speed on another pool in proportion to what the pools charge.

    That is the speed at which an hour of either pool is worth its charge to the request.
    """
    stated = np.flatnonzero(problem.speed[request] > 0)
    best = int(stated[np.argmax(problem.speed[request, stated] / problem.charge[stated])])
    speed = int(problem.speed[request, best]) * int(problem.charge[pool])
    return max(1, speed // int(problem.charge[best]))
