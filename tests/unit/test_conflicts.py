"""Conflicts: named before any solve, with the smallest set that makes them."""

import pytest

from solver.conflicts import find_conflicts
from solver.problem import MILLI, Rules, Shape
from tests.builders import a_problem


def test_a_plain_round_has_none() -> None:
    """A round without guarantees, floors and links has no conflict."""
    assert find_conflicts(a_problem()) == ()


def test_guarantees_that_fit_have_none() -> None:
    """Guarantees that supply can meet are no conflict."""
    assert find_conflicts(a_problem(guaranteed=[1, 1], minimum=[100_000, 100_000])) == ()


def test_pinned_and_vetoed() -> None:
    """Pinned and vetoed at once is a conflict of one request."""
    (found,) = find_conflicts(a_problem(pinned=[1, 0], vetoed=[1, 0]))
    assert (found.code, found.requests) == ("pinned_and_vetoed", (0,))


def test_a_cycle() -> None:
    """Requests that wait for each other are named, each once."""
    (found,) = find_conflicts(a_problem(requests=4, after=[2, 0, 1, 0]))
    assert found.code == "precedence_cycle"
    assert set(found.requests) == {0, 1, 2}


def test_a_guarantee_behind_a_veto() -> None:
    """A guarantee cannot wait for a vetoed request, however far up the chain."""
    problem = a_problem(requests=3, guaranteed=[1, 0, 0], after=[1, 2, -1], vetoed=[0, 0, 1])
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests) == ("predecessor_vetoed", (1, 2))


def test_a_minimum_beyond_its_window() -> None:
    """A guarantee that its own window and GPUs cannot bring is named with both numbers."""
    problem = a_problem(guaranteed=[1, 0], minimum=[90_000, 0], first=[0, 0], end=[1, 4])
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests, found.pools) == ("guarantee_beyond_reach", (0,), (0,))
    assert dict(found.numbers) == {"minimum": 90 * MILLI, "reach": 80 * MILLI}


def test_a_gang_beyond_every_pool() -> None:
    """A guaranteed gang that no pool holds is named with both sizes."""
    problem = a_problem(guaranteed=[1, 0], gang=[100, 1], max_gpus=[100, 8])
    (found,) = find_conflicts(problem)
    assert found.code == "gang_beyond_pools"
    assert dict(found.numbers) == {"gang": 100 * MILLI, "largest": 80 * MILLI}


def test_a_block_beyond_its_window() -> None:
    """A guaranteed block that is longer than its window is named with both lengths."""
    problem = a_problem(guaranteed=[1, 0], shape=[Shape.BLOCK, 0], block_slots=[3, 0], end=[2, 4])
    (found,) = find_conflicts(problem)
    assert found.code == "block_beyond_window"
    assert dict(found.numbers) == {"block_slots": 3, "window_slots": 2}


def test_no_room_after_the_predecessor() -> None:
    """A guarantee needs a slot after the last one that its predecessors take."""
    problem = a_problem(guaranteed=[0, 1], after=[-1, 0], first=[2, 0], end=[4, 3])
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests) == ("no_room_after", (1, 0))
    assert dict(found.numbers) == {"earliest_slot": 3, "slots": 1, "end_slot": 3}


def test_guarantees_together_beyond_supply() -> None:
    """Of guarantees that exceed supply together only those are named that do so."""
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
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests, found.pools) == ("guarantees_beyond_supply", (0, 1), (0,))
    assert dict(found.numbers) == {"needed": 120 * MILLI, "reach": 80 * MILLI}


def test_a_guarantee_beyond_a_cap() -> None:
    """A guarantee above the fellow's cap names both."""
    problem = a_problem(guaranteed=[1, 0], minimum=[50_000, 0], fellow_cap=[40_000, -1])
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests, found.fellows) == ("guarantees_beyond_caps", (0,), (0,))
    assert dict(found.numbers)["cap_fellow"] == 40 * MILLI


def test_the_smallest_shape_of_a_guarantee_beyond_a_cap() -> None:
    """A guaranteed constant whose one gang of GPUs exceeds the fellow's cap names both."""
    problem = a_problem(
        guaranteed=[1, 0], shape=[Shape.CONSTANT, 0], gang=[2, 1], fellow_cap=[70_000, -1]
    )
    (found,) = find_conflicts(problem)
    assert (found.code, found.requests, found.fellows) == ("guarantees_beyond_caps", (0,), (0,))
    assert dict(found.numbers) == {
        "needed": 80 * MILLI,
        "reach": 70 * MILLI,
        "cap_fellow": 70 * MILLI,
    }


def test_floors_together_beyond_supply() -> None:
    """Floors that exceed supply together are a conflict of their groups."""
    problem = a_problem(requests=3, group_floor=[200_000, 200_000, 1_000], ask=[300_000] * 3)
    (found,) = find_conflicts(problem)
    assert (found.code, found.groups) == ("floors_beyond_supply", (0, 1))
    assert dict(found.numbers)["reach"] == 320 * MILLI


def test_a_floor_above_its_cap() -> None:
    """A group's floor above the caps of its fellows names them all."""
    problem = a_problem(fellow_group=[0, 0], group_floor=[150_000], fellow_cap=[60_000, 60_000])
    (found,) = find_conflicts(problem)
    assert (found.code, found.groups, found.fellows) == ("floors_beyond_caps", (0,), (0, 1))


def test_a_floor_reaches_as_far_as_its_requests() -> None:
    """A floor above what the group asks is met by all it asks."""
    assert find_conflicts(a_problem(group_floor=[900_000, 0])) == ()


@pytest.mark.parametrize(
    ("rules", "codes"),
    [
        (Rules(keep_accepted=True), ["guarantees_beyond_supply"]),
        (Rules(keep_accepted=False), []),
    ],
)
def test_promises_of_the_previous_plan(rules: Rules, codes: list[str]) -> None:
    """What was awarded before counts as guaranteed where the policy keeps it."""
    problem = a_problem(
        slots=1,
        supply=[[80_000]],
        max_gpus=[16, 16],
        previous=[[0, 0, 0, 50], [1, 0, 0, 50]],
        rules=rules,
    )
    assert [each.code for each in find_conflicts(problem)] == codes
