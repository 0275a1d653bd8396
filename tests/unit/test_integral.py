"""What counts as small, and which of two plans is kept."""

from pathlib import Path

import pytest

from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver import integral
from solver.integral import EFFORT, improve, is_small
from solver.pipeline import Limits, solve
from solver.plan import NO_CELLS, SolveStatus, Stage
from solver.problem import MILLI, Problem, Rules, Tier, as_int
from solver.rights import rights
from solver.stages import exact_objectives
from tests.builders import a_problem

RECORDED = Path(__file__).parent.parent / "recorded"


def coarse(**changes) -> Problem:
    """Return three GPU-hours for two groups that need two at a time."""
    supply = [[3 * MILLI]]
    return a_problem(slots=1, slot_hours=MILLI, supply=supply, gang=[2, 2], **changes)


def stage(problem: Problem, name: str, **limits) -> Stage:
    """Return one stage of a solve."""
    plan = solve(problem, limits=Limits(**limits))
    return next(each for each in plan.stages if each.name == name)


def test_a_group_of_large_gangs_is_not_left_short():
    """One group gets two GPU-hours, the other none, and it is proved that nothing else can be."""
    worst = stage(coarse(), "groups")
    assert SolveStatus.OPTIMAL is worst.status
    assert 1.0 == worst.objective == pytest.approx(worst.bound, abs=2e-6)
    assert 2 == solve(coarse()).cells[:, 3].sum()


def test_without_effort_nothing_is_claimed():
    """Where no work is left there is no better plan, and no bound."""
    assert improve(coarse(), rights(coarse()), NO_CELLS, effort=0.0, seed=0) is None


def test_tiers_that_are_near_enough_are_kept_and_not_searched():
    """Told that groups are near enough, it improves the tiers after them only, at no group's cost.

    One group holds two GPU-hours, whichever; more fellows' merit lies with the other one.
    """
    problem = coarse(score=[40 * MILLI, 90 * MILLI])
    right = rights(problem)
    begun = as_int([[0, 0, 0, 2]])
    near = ("groups", "groups_total")
    found = improve(problem, right, begun, effort=EFFORT, seed=0, near=near)
    before, after = (exact_objectives(problem, right, each) for each in (begun, found.cells))
    assert ["fellows", "value"] == [each.name for each in found.tiers]
    assert all(after[each] <= before[each] for each in near)
    assert [1] == found.cells[:, 0].tolist()


def test_a_search_comes_to_an_end():
    """Six requests of which one of the interleaved searches used to go on for ever.

    With probing between decisions it ended at the guard on the clock only, minutes later.
    """
    document = load_document(RECORDED / "never_ending.json")
    problem = formulate(read_round(document), find_policy("entitlement")).problem
    assert SolveStatus.OPTIMAL is solve(problem).status


def test_only_plans_are_hinted_at(monkeypatch):
    """From nothing the search has no hint: one in a model without solutions ends the process."""
    hinted = []
    monkeypatch.setattr(integral, "_hint", lambda _model, cells: hinted.append(cells.shape[0]))
    asked = {"effort": EFFORT, "seed": 0}
    nobody = coarse(guaranteed=[True, True], minimum=[2 * MILLI, 2 * MILLI])
    assert improve(nobody, None, NO_CELLS, **asked) is None
    assert hinted == []
    assert improve(coarse(), rights(coarse()), NO_CELLS, **asked) is not None
    assert hinted


def test_a_work_limit_leaves_the_gap():
    """A solve whose work is spent keeps the plan it has and says how far it may be off."""
    worst = stage(coarse(), "groups", work=1)
    assert SolveStatus.FEASIBLE is worst.status
    assert worst.bound < worst.objective == 1.0


@pytest.mark.parametrize(
    ("changes", "small"),
    [
        ({}, True),
        ({"requests": 700, "slots": 4}, False),
        ({"requests": 700, "slots": 4, "vetoed": [True] * 699 + [False]}, True),
        ({"previous": as_int([[0, 0, 0, 1]])}, False),
        ({"rules": Rules(tiers=(Tier.VALUE,), weights=(1,))}, True),
    ],
)
def test_what_is_small(changes, small):
    """Rounds of few places are, unless a previous plan asks for something else."""
    assert small is is_small(a_problem(**changes))


def test_where_nobody_can_be_served_the_weighted_goal_has_no_gap():
    """The empty plan attains nothing, and it is proved that no plan does."""
    rules = Rules(tiers=tuple(Tier), weights=(1, 1, 1))
    problem = a_problem(
        slots=1, slot_hours=MILLI, supply=[[MILLI]], ask=[2 * MILLI] * 2, gang=[8, 8], rules=rules
    )
    plan = solve(problem)
    assert 0 == plan.cells.size
    assert SolveStatus.OPTIMAL is plan.status
