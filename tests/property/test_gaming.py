"""The gaming audit: what lies bring, and where a theorem says that they bring nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from api.commands.audit import fitting
from scheduler.formulate import formulate
from scheduler.policy import presets, read_policy
from scheduler.round_file import read_round
from solver.gaming import Effect, Lie, Solving, awarded, entitled, sample, tallies, told, useful
from solver.pipeline import Limits
from solver.problem import MILLI, GroupWeight, Method, Problem, Rules, as_int
from solver.spread import here, processes
from tests.builders import a_problem
from tests.plans import as_parsed
from tests.rounds import Document, a_round, rounds

HOW = Solving(seed=0, gap=0.001, limits=Limits())
ROUNDING = 2
"""Thousandths by which two roundings of entitlements may differ."""


def _of(effects: list[Effect], lie: Lie) -> list[Effect]:
    """Return the effects of one lie."""
    return [each for each in effects if each.lie is lie]


def _weighed(document: Document, **groups: str) -> Problem:
    """Return a round under weights that nobody's ask moves, unless told otherwise."""
    policy = {"name": "x", "groups": {"weight": "weight"} | groups, "fellows": {"weight": "weight"}}
    return formulate(read_round(as_parsed(document)), read_policy(policy)).problem


@settings(max_examples=60, deadline=None)
@given(document=rounds())
def test_a_larger_ask_never_brings_a_useful_hour(document: Document) -> None:
    """Under weights that no ask moves, who asks once cannot gain entitlement by asking for more.

    Where the ask does not bind, the leximin is the same without it, for the set of divisions is
    convex; where it binds, all that is useful is there already, if hours are worth the same in all
    pools of the request.
    """
    problem = _weighed(document)
    alone = np.bincount(problem.fellow, minlength=problem.fellows)[problem.fellow] == 1
    worth = problem.factor / np.maximum(problem.speed, 1)
    least = np.where(problem.speed > 0, worth, np.inf).min(axis=1)
    same = np.where(problem.speed > 0, worth, 0.0).max(axis=1) == least
    asking = np.flatnonzero(problem.eligible & alone & same).tolist()
    assume(asking)
    found = _of(entitled(problem, asking, here()), Lie.ASK)
    assert all(each.gain <= ROUNDING for each in found)


def test_a_larger_ask_brings_a_right_to_dearer_hours() -> None:
    """One request needs the dear pool; the other has its hour, most of it in the cheap one."""
    problem = a_problem(
        slots=1,
        supply=np.full((2, 1), MILLI),
        charge=[MILLI, MILLI // 2],
        ask=[MILLI, MILLI],
        speed=[[MILLI, 0], [MILLI, MILLI]],
        max_gpus=[1, 1],
    )
    (effect,) = _of(entitled(problem, [1], here()), Lie.ASK)
    assert [667, 750] == pytest.approx([effect.before, effect.after], abs=1)


@settings(max_examples=40, deadline=None)
@given(document=rounds())
def test_who_has_all_gains_nothing_by_asking_for_more(document: Document) -> None:
    """In a group that holds all that it asks for a larger ask brings nobody anything useful."""
    problem = _weighed(document, weight="demand")
    asking = np.flatnonzero(problem.eligible).tolist()
    found = [each for each in _of(entitled(problem, asking, here()), Lie.ASK) if each.saturated]
    assert all(each.gain <= MILLI for each in found)


def test_weights_by_demand_reward_a_larger_ask() -> None:
    """The known weak spot is seen: where demand is weight, a larger ask brings more."""
    rules = Rules(group_weight=GroupWeight.DEMAND)
    supply = np.full((1, 4), 40 * MILLI)
    problem = a_problem(rules=rules, max_gpus=[80, 80], supply=supply)
    (effect,) = _of(entitled(problem, [0], here()), Lie.ASK)
    assert (80_000, 160_000 * 160 // 260) == (effect.before, effect.after)


def test_weights_by_demand_reward_a_split_where_supply_limits_a_request() -> None:
    """Two halves that each reach the supply weigh twice as much as the whole that reaches it."""
    rules = Rules(group_weight=GroupWeight.DEMAND)
    problem = a_problem(rules=rules, max_gpus=[80, 80], ask=[900 * MILLI, 320 * MILLI])
    (effect,) = _of(entitled(problem, [0], here()), Lie.SPLIT)
    assert effect.gain > 0
    stated = replace(problem, rules=Rules())
    assert [0] == [each.gain for each in _of(entitled(stated, [0], here()), Lie.SPLIT)]


def test_proportional_cuts_reward_a_larger_ask() -> None:
    """Who asks for twice as much under a proportional cut gets more useful hours."""
    rules = Rules(method=Method.PROPORTIONAL)
    problem = a_problem(rules=rules, max_gpus=[80, 80], ask=[400 * MILLI, 400 * MILLI])
    (effect,) = _of(awarded(problem, [0], HOW, here()), Lie.ASK)
    assert (160 * MILLI, 213 * MILLI) == (effect.before, effect.after)


def test_useful_hours_are_counted_by_the_truth() -> None:
    """At true speeds, up to the true ask, and nothing below the true minimum."""
    problem = a_problem(pools=2, speed=[[1000, 500], [1000, 1000]], minimum=[40 * MILLI, 0])
    cells = as_int([[0, 0, 0, 30], [0, 1, 0, 30]])
    assert 45 * MILLI == useful(problem, 0, cells)
    assert 0 == useful(problem, 0, cells[1:])
    assert 100 * MILLI == useful(problem, 0, as_int([[0, 0, 0, 150]]))


def test_each_lie_changes_its_own_field() -> None:
    """Nothing else of the round is told otherwise; a split adds one request of the same fellow."""
    problem = a_problem(2, 2, tickets=("a", "b"))
    assert 200 * MILLI == told(problem, Lie.ASK, 0).ask[0]
    assert 100 * MILLI == told(problem, Lie.MINIMUM, 0).minimum[0]
    assert [1000, 0] == told(problem, Lie.POOLS, 0).speed[0].tolist()
    assert [2000, 2000] == told(problem, Lie.FASTER, 0).speed[0].tolist()
    assert [500, 500] == told(problem, Lie.SLOWER, 0).speed[0].tolist()
    split = told(problem, Lie.SPLIT, 0)
    assert ([50_000, 100_000, 50_000], [0, 1, 0]) == (split.ask.tolist(), split.fellow.tolist())
    assert ("a", "b", "a+") == split.tickets
    assert told(a_problem(), Lie.POOLS, 0) is None
    assert told(a_problem(minimum=[100_000, 0]), Lie.MINIMUM, 0) is None


def test_workers_find_what_one_finds() -> None:
    """The audit is the same whoever does it."""
    problem = a_problem(3, ask=[100_000, 200_000, 300_000])
    alone = entitled(problem, [0, 1, 2], here()), awarded(problem, [1], HOW, here())
    crew = processes(2)
    assert alone == (entitled(problem, [0, 1, 2], crew), awarded(problem, [1], HOW, crew))


def test_tallies_count_by_lie() -> None:
    """Gains, losses, the mean in parts of the truth and the largest gain."""
    base = {"request": 0, "lie": Lie.ASK, "saturated": False}
    effects = [Effect(before=10, after=30, **base), Effect(before=30, after=20, **base)]
    (tally,) = [each for each in tallies(effects) if each.lie is Lie.ASK]
    assert (2, 1, 1, 0.25, 20) == (
        tally.count,
        tally.gains,
        tally.losses,
        tally.mean,
        tally.largest,
    )


def test_a_policy_without_entitlements_has_none_to_audit() -> None:
    """The value tier alone gives nobody a right."""
    with pytest.raises(ValueError, match="entitlements"):
        entitled(a_problem(rules=Rules(tiers=())), [0], here())


def test_a_sample_is_drawn_by_seed_among_the_eligible() -> None:
    """The same seed takes the same requests, and no vetoed one."""
    problem = a_problem(9, vetoed=[True] + [False] * 8)
    assert sample(problem, 4, 1) == sample(problem, 4, 1) != sample(problem, 4, 2)
    assert list(range(1, 9)) == sample(problem, 99, 1)


def test_every_preset_that_fits_is_audited() -> None:
    """Going on with an earlier plan fits only a round that has one."""
    awards = [{"request": "r1", "cells": [["a", 0, 5]]}]
    going_on = a_round(previous={"awards": awards})
    assert {"reallocation"} == set(presets()) - set(fitting(read_round(as_parsed(a_round()))))
    assert [*presets()] == fitting(read_round(as_parsed(going_on)))
