"""The tiers of a policy as integers that are least, over plans of whole gang-hours."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import NamedTuple

import numpy as np
from ortools.sat.python import cp_model

from solver.placing.arrange import Arrangement, Expression
from solver.plan import NO_CELLS, Entitlement
from solver.problem import MILLI, IntArray, Tier
from solver.stages import mean_one_weights, value, weighed_due
from solver.worth import asked_value, merit_points, value_parts

SHARES = MILLI * MILLI
"""Parts that a share of an entitlement is counted in."""
DOUBLES = 1 << 50
"""Steps of the weighted goal; a double still counts them one by one."""


class Term(NamedTuple):
    """So many times a variable that is never more than `most`."""

    times: int
    variable: cp_model.IntVar
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerAim:
    """One tier as an integer that is least: a sum of terms, and `start`.

    Attributes:
        unit: what 1 of it is in the tier's own unit; negative where the tier wants most.
        loose: how much less than the integer the tier may truly be.
    """

    name: str
    terms: tuple[Term, ...]
    unit: Fraction
    start: int = 0
    loose: int = 0

    @property
    def least(self) -> Expression:
        """The sum."""
        total: Expression = self.start
        for term in self.terms:
            total += term.times * term.variable
        return total

    def read(self, value: int) -> float:
        """Return a value of the integer in the tier's own unit."""
        return float(value * self.unit)


def aims_of(
    model: Arrangement, entitlement: Entitlement | None, fixed: IntArray = NO_CELLS
) -> Iterator[IntegerAim]:
    """Return the tiers of the policy, in their order, or the one goal of the weighted form."""
    problem = model.problem
    if problem.rules.weights:
        yield _weighted(model, entitlement, fixed)
        return
    for tier in problem.rules.tiers:
        if tier is Tier.VALUE:
            yield _value(model, fixed)
        elif tier is Tier.GROUPS and entitlement is not None:
            yield from _groups(model)
        elif tier is Tier.FELLOWS and entitlement is not None:
            yield _fellows(model)


class _Lacks(NamedTuple):
    """By index, what holders lack: those whom the members change, and those whom they do not."""

    open: dict[int, cp_model.IntVar]
    fixed: dict[int, int]


def _lacks(model: Arrangement, first: int, count: int) -> _Lacks:
    """Return what holders whose buckets follow one another lack, thousandths."""
    task, lacks = model.task, _Lacks({}, {})
    for index in np.flatnonzero(task.target[first : first + count] > 0).tolist():
        due, bucket = int(task.target[first + index]), first + index
        if bucket in model.held:
            lacks.open[index] = model.cp.new_int_var(0, due, "")
            model.cp.add(lacks.open[index] >= due - model.held[bucket])
            model.cover(bucket, due, lacks.open[index])
        else:
            lacks.fixed[index] = max(due - int(task.held[bucket]), 0)
    return lacks


def _groups(model: Arrangement) -> Iterator[IntegerAim]:
    """The largest share of its entitlement that a group lacks, then what all of them lack."""
    problem = model.problem
    due = model.task.target[problem.fellows : problem.fellows + problem.groups].tolist()
    lacks = _lacks(model, problem.fellows, problem.groups)
    least = max((each * SHARES // due[at] for at, each in lacks.fixed.items()), default=0)
    worst = model.cp.new_int_var(least, SHARES, "")
    for index, lack in lacks.open.items():
        model.cp.add(worst * due[index] >= lack * SHARES)
    largest = (Term(1, worst, SHARES),)
    yield IntegerAim(name="groups", terms=largest, unit=Fraction(1, SHARES), loose=1)
    together = tuple(Term(1, lack, due[index]) for index, lack in lacks.open.items())
    fixed = sum(lacks.fixed.values())
    yield IntegerAim(name="groups_total", terms=together, unit=Fraction(1, MILLI), start=fixed)


def excess(model: Arrangement, enough: float) -> IntegerAim:
    """What the members' groups lack beyond what is enough, as shares of their entitlements."""
    problem, target = model.problem, model.task.target
    terms = []
    for index, lack in _lacks(model, problem.fellows, problem.groups).open.items():
        due = int(target[problem.fellows + index])
        over = model.cp.new_int_var(0, SHARES, "")
        model.cp.add(over * due >= lack * SHARES - int(enough * SHARES) * due)
        terms.append(Term(1, over, SHARES))
    return IntegerAim(name="excess", terms=tuple(terms), unit=Fraction(1, SHARES), loose=len(terms))


def _fellows(model: Arrangement) -> IntegerAim:
    """What the fellows lack, weighted by merit."""
    weights = mean_one_weights(model.problem)
    parts = lcm(*(each.denominator for each in weights))
    lacks = _lacks(model, 0, model.problem.fellows)
    terms = tuple(
        Term(int(weights[index] * parts), lack, int(model.task.target[index]))
        for index, lack in lacks.open.items()
    )
    fixed = sum(int(weights[index] * parts) * each for index, each in lacks.fixed.items())
    return IntegerAim(name="fellows", terms=terms, unit=Fraction(1, parts * MILLI), start=fixed)


def _value(model: Arrangement, fixed: IntArray) -> IntegerAim:
    """The policy's value, as what is least: its negative."""
    by_hours, by_projects = value_parts(model.problem)
    per_hour, per_project = by_hours / MILLI**2, by_projects / MILLI
    parts = lcm(per_hour.denominator, per_project.denominator)
    points, terms = merit_points(model.problem).tolist(), list[Term]()
    for request, award in model.award.items():
        hour, project = (int(each * parts) * points[request] for each in (per_hour, per_project))
        terms.append(Term(-hour, award, int(model.problem.ask[request])))
        terms.append(Term(-project, model.served[request], 1))
    start = -int(value(model.problem, fixed) * parts)
    return IntegerAim(name="value", terms=tuple(terms), unit=Fraction(-1, parts), start=start)


def _weighted(model: Arrangement, entitlement: Entitlement | None, fixed: IntArray) -> IntegerAim:
    """What the weighted goal leaves of 1 (`solver.stages`), in steps as fine as doubles count."""
    problem, rules = model.problem, model.problem.rules
    parts: list[tuple[Fraction, IntegerAim]] = []
    if entitlement is not None:
        due = Fraction(max(int(entitlement.groups.sum()), 1), MILLI)
        half, of_fellows = rules.part(Tier.GROUPS) / 2, rules.part(Tier.FELLOWS)
        worst, together = _groups(model)
        parts += [(half, worst), (half / due, together)]
        parts.append((of_fellows / weighed_due(problem, entitlement), _fellows(model)))
    asked = Fraction(asked_value(problem))
    if asked:
        parts.append((rules.part(Tier.VALUE) / asked, _value(model, fixed)))
    start = DOUBLES * (rules.part(Tier.VALUE) - 1 if asked else Fraction(-1))
    terms, loose = list[Term](), Fraction(1)
    for share, aim in parts:
        worth = DOUBLES * share * abs(aim.unit)
        loose += worth * aim.loose
        start += worth * aim.start
        for times, variable, most in aim.terms:
            terms.append(Term(round(worth * times), variable, most))
            loose += abs(worth * times - round(worth * times)) * most
    return IntegerAim(
        name="weighted",
        terms=tuple(terms),
        unit=Fraction(-1, DOUBLES),
        start=round(start),
        loose=ceil(loose),
    )
