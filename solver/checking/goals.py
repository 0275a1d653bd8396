"""The goals that a plan says it reaches, worked out anew; standard library only."""

from collections.abc import Mapping
from fractions import Fraction

from solver.checking.case import Case, broken, is_close
from solver.checking.rows import MILLI
from solver.checking.stability import cut, promised
from solver.checking.verdict import Checks, Witness

PLAIN = frozenset({"entitle", "guarantees", "divide", "timetable", "formula", "cut", "line"})
"""Stages without a goal of their own: what they state is its own bound."""


def stages(case: Case) -> Checks:
    """Forbids objectives that the awards do not give, and gaps that bound and objective do not."""
    truths = objectives(case)
    for stage in case.plan.stages:
        truth = truths.get(stage.name)
        if truth is not None:
            yield _figure(stage.name, "an objective", stage.objective, truth)
        if stage.name in PLAIN:
            yield _figure(stage.name, "a bound", stage.bound, stage.objective)
        size = max(abs(stage.bound), abs(stage.objective), gap_scale(case, stage.name))
        gap = abs(stage.bound - stage.objective) / size if size else Fraction(0)
        yield _figure(stage.name, "a gap", stage.gap, gap)
    weakest = all(stage.status == "optimal" for stage in case.plan.stages)
    yield (
        None
        if weakest or case.plan.status != "optimal"
        else broken("stages", "The plan is called optimal; not all of its stages are.")
    )


LEAST_SHARE = Fraction(1, 1000)
"""Share of all there is that a gap of the weighted goal is measured against at least."""


def gap_scale(case: Case, stage: str) -> Fraction:
    """Return what a gap is measured against at least: a shortfall against all entitlements."""
    if stage == "groups":
        return Fraction(1)
    if stage == "weighted":
        return LEAST_SHARE
    if stage == "moved":
        return Fraction(sum(hours for _, _, hours in promised(case)))
    entitled = Fraction(sum(case.plan.groups.values()), MILLI)
    return entitled if stage in {"groups_total", "fellows"} else Fraction(0)


def _figure(stage: str, what: str, stated: Fraction, truth: Fraction) -> Witness | None:
    """Check a figure of a stage."""
    if is_close(stated, truth):
        return None
    text = f"Stage {stage} has {what} of {float(truth):,.9g}; the plan states {float(stated):,.9g}."
    return broken("stages", text)


def objectives(case: Case) -> dict[str, Fraction]:
    """Return the goals that the final plan reaches, as far as round, plan and policy tell."""
    received = case.held["group"]
    short = {
        name: (max(0, entitled - received.get(name, 0)), entitled)
        for name, entitled in case.plan.groups.items()
    }
    parts = [Fraction(missing, entitled) for missing, entitled in short.values() if entitled]
    found = {
        "entitle": Fraction(sum(case.plan.groups.values()), MILLI),
        "groups": max(parts, default=Fraction(0)),
        "groups_total": Fraction(sum(missing for missing, _ in short.values()), MILLI),
        "guarantees": Fraction(case.obliged),
        "timetable": Fraction(moved(case)),
        "moved": Fraction(moved(case)),
        "cut": Fraction(cut(case), MILLI),
        "line": Fraction(sum(name in case.awards for name in case.round.line)),
    }
    if case.policy is not None:
        found["value"] = found["formula"] = value(case)
        found["fellows"] = fellow_shortfall(case)
        if case.policy.weights:
            found["weighted"] = attained(case, found)
    return found


def parts(case: Case) -> dict[str, Fraction]:
    """Return what part of the weighted goal each tier makes; together they are 1."""
    assert case.policy is not None
    weights = case.policy.weights
    return {name: Fraction(each, sum(weights.values())) for name, each in weights.items()}


def attained(case: Case, found: Mapping[str, Fraction]) -> Fraction:
    """Return the weighted mean of what each tier attains, as a share of all there is of it.

    Groups attain what is left of 1 by the mean of the largest share that one of them lacks and
    the share that they lack together; fellows what is left by the share that they lack, weighed by
    merit; value its share of what everything that is asked would be worth.
    """
    entitled, asked = Fraction(sum(case.plan.groups.values()), MILLI), asked_value(case)
    lacked = {
        "groups": (found["groups"] + found["groups_total"] / (entitled or 1)) / 2,
        "fellows": found["fellows"] / (weighed_due(case) or 1),
        "value": 1 - found["value"] / asked if asked else Fraction(0),
    }
    return 1 - sum((part * lacked[name] for name, part in parts(case).items()), Fraction(0))


def asked_value(case: Case) -> Fraction:
    """Return the value of everything that is asked."""
    by_hours, by_projects = value_parts(case)
    eligible = [each for each in case.round.requests.values() if not each.vetoed]
    hours = sum(case.merit(each) * each.ask for each in eligible)
    projects = sum(case.merit(each) for each in eligible)
    return by_hours * hours / MILLI**2 + by_projects * projects / MILLI


def weighed_due(case: Case) -> Fraction:
    """Return the entitlements of the fellows, each times the weight over the mean weight."""
    weights = mean_one_weights(case)
    due = (weights[name] * entitled for name, entitled in case.plan.fellows.items())
    return sum(due, Fraction(0)) / MILLI


def moved(case: Case) -> int:
    """Return the GPU-hours of the previous plan that are not where they were."""
    total = 0
    for name, earlier in case.round.previous.items():
        award = case.awards.get(name)
        now = {(pool, slot): hours for pool, slot, hours in award.cells} if award else {}
        if name in case.round.requests:
            total += sum(
                max(0, hours - now.get((pool, slot), 0))
                for pool, slot, hours in earlier
                if pool in case.round.pools
            )
    return total


def value_parts(case: Case) -> tuple[Fraction, Fraction]:
    """Return the weights of merit × hours and of merit × projects in the value.

    A mix is half the share of hours and half the share of projects, each of what is asked.
    """
    assert case.policy is not None
    if case.policy.value_of != "mix":
        by_hours = case.policy.value_of == "hours"
        return Fraction(by_hours), Fraction(not by_hours)
    eligible = [each for each in case.round.requests.values() if not each.vetoed]
    hours = sum(case.merit(each) * each.ask for each in eligible)
    projects = sum(case.merit(each) for each in eligible)
    return (
        Fraction(MILLI * MILLI, 2 * hours) if hours else Fraction(0),
        Fraction(MILLI, 2 * projects) if projects else Fraction(0),
    )


def value(case: Case) -> Fraction:
    """Return the policy's value of the awards: points × GPU-hours, points × projects, or shares."""
    by_hours, by_projects = value_parts(case)
    hours, projects = case.worth
    return by_hours * hours / MILLI**2 + by_projects * projects / MILLI


def fellow_shortfall(case: Case) -> Fraction:
    """Return Σ weight · shortfall of the fellows in units, weights with mean 1."""
    missing, together = case.missed
    return Fraction(missing * len(case.asking), together * MILLI) if together else Fraction(0)


def mean_one_weights(case: Case) -> dict[str, Fraction]:
    """Return the fellows' weights, scaled to mean 1 over those with an eligible request."""
    weights, asking = case.weights, case.asking
    together = sum(weights[name] for name in asking)
    none = dict.fromkeys(weights, Fraction(0))
    return none | {
        name: Fraction(weights[name] * len(asking), together) for name in asking if together
    }
