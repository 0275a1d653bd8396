"""Conflicts of whole gang-hours: small sets that fluid hours would not show."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.budget import Budget
from solver.canonical import canonical
from solver.conflicts import find_conflicts
from solver.pipeline import solve
from solver.plan import SolveStatus
from solver.problem import MILLI, NO_CAP, Problem, Shape
from solver.relaxations import Change, ways_out
from solver.whole_conflicts import whole_conflicts
from tests.builders import a_problem
from tests.property.test_pipeline import ruled_rounds


def gangs_of_eight(**changes) -> Problem:
    """Return a track whose one request, 12 GPU-hours, comes in blocks of 80 and so never."""
    fields = {
        "shape": [Shape.BLOCK, Shape.FLEXIBLE],
        "block_slots": [1, 0],
        "gang": [8, 1],
        "ask": [12 * MILLI, 100 * MILLI],
        "track": [0, -1],
        "track_floor": [10 * MILLI],
        "track_cap": [NO_CAP],
    }
    return a_problem(**(fields | changes))


def test_a_floor_that_only_blocks_could_serve() -> None:
    """The fluid round shows nothing; the track alone is named, and its floor can only go."""
    problem = gangs_of_eight()
    assert find_conflicts(problem) == ()
    plan = solve(problem)
    assert plan.status is SolveStatus.INFEASIBLE
    (conflict,) = plan.conflicts
    assert (conflict.code, conflict.tracks, conflict.requests) == ("beyond_whole_hours", (0,), ())
    ways = ways_out(problem, conflicts=plan.conflicts)
    lowered = [way.steps[0] for way in ways if way.steps[0].change is Change.LOWER_FLOOR]
    assert [(each.kind, each.index, each.after) for each in lowered] == [("track", 0, 0)]


def test_a_cap_that_bars_a_minimum_is_named() -> None:
    """A floor, a minimum and a cap of one fellow: the cap belongs to the smallest set."""
    problem = a_problem(
        minimum=[60 * MILLI, 0],
        fellow_cap=[50 * MILLI, NO_CAP],
        group_floor=[10 * MILLI, 0],
    )
    (conflict,) = solve(problem).conflicts
    assert (conflict.code, conflict.groups, conflict.fellows) == ("beyond_whole_hours", (0,), (0,))


def test_when_the_time_is_over_nothing_is_claimed() -> None:
    """Without time no set of rules is called impossible."""
    ticks = iter(range(1000))
    over = Budget(clock=lambda: float(next(ticks)), seconds=0.5)
    assert whole_conflicts(gangs_of_eight(), over, seed=0) == ()


@settings(max_examples=40, deadline=None)
@given(document=ruled_rounds())
def test_what_is_named_is_impossible_and_smallest(document) -> None:
    """No plan keeps what a conflict names; without any one of its floors a plan is found."""
    snapshot = read_round(parse_document(canonical(document)))
    problem = formulate(snapshot, find_policy("merit")).problem
    for conflict in whole_conflicts(problem, Budget(), seed=0):
        floors = {kind: getattr(conflict, f"{kind}s") for kind in ("group", "institute", "track")}
        owed = [(kind, index) for kind, each in floors.items() for index in each]
        owed = [
            (kind, index) for kind, index in owed if getattr(problem, f"{kind}_floor")[index] > 0
        ]
        bare = without_promises(problem)
        held = with_floors(with_guarantees(bare, conflict.requests), problem, owed)
        assert solve(held).status is SolveStatus.INFEASIBLE
        if len(owed) == 1 and not conflict.requests:
            assert solve(bare).status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}


def without_promises(problem: Problem) -> Problem:
    """Return the round with its caps, without guarantees and floors."""
    nobody = np.zeros(problem.requests, dtype=np.bool_)
    floors = {
        f"{kind}_floor": np.zeros_like(getattr(problem, f"{kind}_floor"))
        for kind in ("group", "institute", "track")
    }
    return replace(problem, guaranteed=nobody, pinned=nobody, **floors)


def with_guarantees(problem: Problem, requests) -> Problem:
    """Return the round with some guarantees."""
    return replace(problem, guaranteed=np.isin(np.arange(problem.requests), list(requests)))


def with_floors(bare: Problem, problem: Problem, owed) -> Problem:
    """Return the bare round with some floors of the other."""
    for kind, index in owed:
        name = f"{kind}_floor"
        floors = getattr(bare, name).copy()
        floors[index] = getattr(problem, name)[index]
        bare = replace(bare, **{name: floors})
    return bare
