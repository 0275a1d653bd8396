"""Ways out: what they change is enough, and no more than needed."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scheduler.domain.messages import Language
from scheduler.export.ways_out import STEPS, WaysOut
from scheduler.formulate import Names
from solver.budget import Budget
from solver.conflicts import find_conflicts
from solver.pipeline import solve
from solver.plan import SolveStatus
from solver.problem import MILLI, Problem, Shape, Unit
from solver.relaxations import Change, Relaxation, WayOut, ways_out
from tests.builders import a_problem


def changed(  # noqa: PLR0911 - one return a change
    problem: Problem, step: Relaxation, back: int = 0
) -> Problem:
    """Return the problem after a step, or after all but `back` of its amount."""

    def put(name, value):
        array = getattr(problem, name).copy()
        array[step.index] = value
        return replace(problem, **{name: array})

    after = step.after + (back if step.after < step.before else -back)
    if step.change is Change.RELEASE:
        kept = problem.previous[problem.previous[:, 0] != step.index]
        problem = replace(put("guaranteed", value=False), previous=kept)
        return put("pinned", value=False)
    if step.change is Change.LIFT_VETO:
        return put("vetoed", value=False)
    if step.change is Change.DROP_LINK:
        return put("after", -1)
    if step.change is Change.LOWER_MINIMUM:
        return put("minimum", after)
    if step.change is Change.WIDEN_WINDOW:
        first, end = int(problem.first[step.index]), int(problem.end[step.index])
        later = min(problem.slots, end + after - step.before)
        problem = put("end", later)
        return put("first", first - (after - step.before - (later - end)))
    if step.change is Change.ADD_SUPPLY:
        hours = np.zeros_like(problem.supply)
        hours[step.index] = after
        return replace(problem, supply=problem.supply + hours)
    side = "floor" if step.change is Change.LOWER_FLOOR else "cap"
    return put(f"{step.kind}_{side}", after)


def steps_of(problem: Problem) -> set[tuple[Change, int, int, int]]:
    """Return the ways of one step: change, index, amount after, cost."""
    ways = ways_out(problem)
    return {
        (way.steps[0].change, way.steps[0].index, way.steps[0].after, way.cost)
        for way in ways
        if len(way.steps) == 1
    }


def test_when_the_time_is_over_the_ways_found_so_far_are_told() -> None:
    """The clock goes on by a second each time it is looked at; less time, no more ways."""
    problem = a_problem(
        slots=1, supply=[[60 * MILLI]], minimum=[40 * MILLI, 40 * MILLI], guaranteed=[True, True]
    )
    every = ways_out(problem)
    assert every
    found = []
    for seconds in (0.5, 3.0, 30.0, 1e6):
        ticks = itertools.count()
        budget = Budget(clock=lambda ticks=ticks: float(next(ticks)), seconds=seconds)
        found.append(len(ways_out(problem, budget)))
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, len(every))


def test_a_round_without_conflicts_has_none() -> None:
    """Where every rule can hold there is no way out to look for."""
    assert () == ways_out(a_problem())


def test_pinned_and_vetoed() -> None:
    """One of the two goes."""
    found = steps_of(a_problem(pinned=[1, 0], vetoed=[1, 0]))
    assert {Change.LIFT_VETO, Change.RELEASE} == {change for change, *_ in found}


def test_a_cycle_is_opened_anywhere() -> None:
    """Each link of a cycle is a way out by itself; the one outside of it is none."""
    found = steps_of(a_problem(requests=4, after=[2, 0, 1, 0]))
    assert {(Change.DROP_LINK, request, 0, 0) for request in (0, 1, 2)} == found


def test_a_minimum_beyond_its_window() -> None:
    """The window grows by a slot, or the minimum falls to what the window gives."""
    problem = a_problem(guaranteed=[1, 0], minimum=[90_000, 0], first=[0, 0], end=[1, 4])
    assert {
        (Change.WIDEN_WINDOW, 0, 2, 0),
        (Change.LOWER_MINIMUM, 0, 80 * MILLI, 10 * MILLI),
        (Change.RELEASE, 0, 0, 90 * MILLI),
    } == steps_of(problem)


def test_a_block_beyond_its_window() -> None:
    """A block that is longer than its window gets the slots it needs."""
    problem = a_problem(guaranteed=[1, 0], shape=[Shape.BLOCK, 0], block_slots=[3, 0], end=[2, 4])
    assert (Change.WIDEN_WINDOW, 0, 3, 0) in steps_of(problem)


def test_guarantees_beyond_supply() -> None:
    """Supply, a minimum or a window gives what is missing; nothing else is touched."""
    problem = a_problem(
        requests=4,
        slots=2,
        guaranteed=[1, 1, 1, 1],
        ask=[80_000] * 4,
        minimum=[60_000, 60_000, 60_000, 20_000],
        end=[1, 1, 2, 2],
        max_gpus=[16] * 4,
        supply=[[80_000, 400_000]],
    )
    found = steps_of(problem)
    assert (Change.ADD_SUPPLY, 0, 40 * MILLI, 40 * MILLI) in found
    assert (Change.LOWER_MINIMUM, 1, 20 * MILLI, 40 * MILLI) in found
    assert {0, 1} == {index for change, index, *_ in found if change is not Change.ADD_SUPPLY}


def test_a_cap_is_raised_to_what_is_guaranteed() -> None:
    """A guarantee above a cap: the cap rises to it, or the minimum falls to the cap."""
    problem = a_problem(guaranteed=[1, 0], minimum=[50_000, 0], fellow_cap=[40_000, -1])
    found = steps_of(problem)
    assert (Change.RAISE_CAP, 0, 50 * MILLI, 10 * MILLI) in found
    assert (Change.LOWER_MINIMUM, 0, 40 * MILLI, 10 * MILLI) in found


def test_several_steps_where_one_is_not_enough() -> None:
    """Three floors beyond supply: every way gives up 81 in all, and says each floor once."""
    problem = a_problem(requests=3, group_floor=[200_000, 200_000, 1_000], ask=[300_000] * 3)
    ways = ways_out(problem)
    assert {81 * MILLI} == {way.cost for way in ways}
    for way in ways:
        assert len(way.steps) == len({(step.kind, step.index) for step in way.steps})


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_way_out_is_enough_and_none_too_much(data: st.DataObject) -> None:
    """After its steps there is a plan; one unit less of the only step, and there is none."""
    small = st.integers(0, 1)
    amounts = st.sampled_from([20_000, 60_000, 90_000, 130_000])
    problem = a_problem(
        requests=3,
        slots=2,
        ask=[140_000] * 3,
        fellow_group=[0, 0, 1],
        guaranteed=[data.draw(small) for _ in range(3)],
        minimum=[data.draw(amounts) for _ in range(3)],
        max_gpus=[16] * 3,
        end=[data.draw(st.integers(1, 2)) for _ in range(3)],
        group_floor=[data.draw(st.sampled_from([0, 90_000, 150_000])) for _ in range(2)],
        fellow_cap=[data.draw(st.sampled_from([-1, 50_000])) for _ in range(3)],
    )
    assume(find_conflicts(problem))
    for way in ways_out(problem):
        after = problem
        for step in way.steps:
            after = changed(after, step)
        assert solve(after).status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
        (*_, last) = way.steps
        counted = last.change in {Change.LOWER_MINIMUM, Change.LOWER_FLOOR, Change.RAISE_CAP}
        if len(way.steps) == 1 and counted:
            assert find_conflicts(changed(problem, last, back=1)) != ()


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("change", list(Change))
def test_every_change_has_words(change: Change, language: Language) -> None:
    """Every change is a sentence in both languages that names what it is about."""
    names = Names(requests=("r",), fellows=(), groups=(), institutes=(), tracks=(), pools=("p",))
    kind, name = ("pool", "p") if change is Change.ADD_SUPPLY else ("request", "r")
    step = Relaxation(change=change, kind=kind, index=0, before=2, after=1_500, cost=2_000)
    words = WaysOut(names=names, unit=Unit.SERVICE_UNITS).text(WayOut(steps=(step,)), language)
    assert name in words.replace(STEPS[change].in_language(language), "")
    assert "{" not in words
