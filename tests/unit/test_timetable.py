"""The timetable on small rounds with every kind of rule, and on two real ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduler.document import load_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.formula import rank
from solver.plan import NO_CELLS, Entitlement, awarded_reference, received
from solver.problem import MILLI, NO_CAP, NOBODY, IntArray, Problem, Rules, Shape, Tier, as_int
from solver.timetable import Timetable, moved_hours, timetable
from tests.builders import a_problem
from tests.rules import broken_rules

ROUNDS = Path(__file__).parents[2] / "benchmarks" / "rounds"


def _timetable(problem: Problem, fluid: Any = NO_CELLS, **options: Any) -> Timetable:
    """Return the timetable of a division in which everyone not vetoed is funded."""
    least = np.zeros(problem.requests, dtype=np.int64)
    return timetable(problem, as_int(fluid).reshape(-1, 4), ~problem.vetoed, least, **options)


def _hours(answer: Timetable, problem: Problem) -> list[int]:
    return (awarded_reference(problem, answer.cells) // MILLI).tolist()


def _read(name: str, policy: str) -> Problem:
    return formulate(read_round(load_document(ROUNDS / name)), find_policy(policy)).problem


def _check_round(problem: Problem, cells: IntArray) -> tuple[Timetable, float]:
    """Return the timetable of shaved cells and its value over that of the cells."""
    funded = np.zeros(problem.requests, dtype=np.bool_)
    funded[cells[:, 0]] = True
    fluid = cells * np.array([1, 1, 1, MILLI]) - np.array([0, 0, 0, 7])
    least = np.zeros(problem.requests, dtype=np.int64)
    answer = timetable(problem, fluid, funded, least)
    before, after = (awarded_reference(problem, each) for each in (cells, answer.cells))
    return answer, (after * problem.score).sum() / (before * problem.score).sum()


def test_fractions_become_gangs_and_lose_next_to_nothing_on_innocore() -> None:
    """On the 400-fellow round a shaved plan comes back whole: nobody lost, value within 0.1 %."""
    problem = _read("innocore-400.json.gz", "entitlement")
    answer, value = _check_round(problem, rank(problem).cells)
    assert () == answer.unplaced
    assert not answer.cut_short
    assert 0.999 < value
    assert [] == broken_rules(problem, answer.cells)


def test_who_wants_one_pool_and_has_no_division_takes_the_one_with_room() -> None:
    """The first acceptable pool is empty, the second has an hour."""
    problem = a_problem(
        requests=1,
        pools=2,
        slots=2,
        supply=[[0, 0], [0, MILLI]],
        ask=[MILLI],
        single_pool=[True],
    )
    assert [[0, 1, 1, 1]] == _timetable(problem).cells.tolist()


def test_whole_servers_of_korea_2026_keep_their_shape() -> None:
    """Constants whose division has their shape are taken over without a search."""
    problem = _read("kr2026.json.gz", "whole_server")
    cells = rank(problem).cells
    answer, value = _check_round(problem, cells)
    assert () == answer.unplaced
    assert 1.0 <= value
    assert [] == broken_rules(problem, answer.cells)


def test_a_fraction_of_a_gang_hour_is_rounded_and_the_rest_is_used() -> None:
    """Gangs of four share a slot in multiples of four; what one loses another gets."""
    problem = a_problem(slots=1, gang=[4, 1], ask=[40 * MILLI, 60 * MILLI])
    answer = _timetable(problem, [[0, 0, 0, 30_500], [1, 0, 0, 49_500]])
    assert [] == broken_rules(problem, answer.cells)
    assert 80 == answer.cells[:, 3].sum()
    assert answer.cells[0, 3] in {28, 32}


def test_a_need_is_restored_by_moving_others() -> None:
    """A minimum that rounding broke is met because another request moves to a later slot."""
    problem = a_problem(
        supply=[[10_000, 10_000, 0, 0]], end=[1, 2], gang=[5, 1], minimum=[10_000, 10_000],
        ask=[10_000, 10_000],
    )  # fmt: skip
    answer = _timetable(problem, [[0, 0, 0, 9_999], [1, 0, 0, 1], [1, 0, 1, 9_999]])
    assert [10, 10] == _hours(answer, problem)


def test_least_amounts_are_kept_when_better_scores_want_them() -> None:
    """What a request gets at least stays with it although another is worth more."""
    problem = a_problem(slots=1, score=[99, 1])
    least = np.array([0, 30 * MILLI])
    answer = timetable(problem, NO_CELLS, np.ones(2, dtype=np.bool_), least)
    assert [50, 30] == _hours(answer, problem)


def test_who_cannot_be_placed_is_named() -> None:
    """A funded request that no slot can hold is reported, the others go on."""
    problem = a_problem(gang=[9, 1], max_gpus=[9, 8], supply=[[8_000] * 4])
    answer = _timetable(problem)
    assert (0,) == answer.unplaced
    assert 32 == _hours(answer, problem)[1]


def test_blocks_are_placed_side_by_side_where_greed_would_fail() -> None:
    """Three blocks fill two slots and two pools exactly."""
    problem = a_problem(
        3, 2, 2,
        supply=np.full((2, 2), 80 * MILLI),
        shape=np.full(3, Shape.BLOCK),
        block_slots=[2, 1, 1],
        ask=np.array([160, 80, 80]) * MILLI,
        minimum=np.array([160, 80, 80]) * MILLI,
    )  # fmt: skip
    answer = _timetable(problem)
    assert [160, 80, 80] == _hours(answer, problem)
    assert [] == broken_rules(problem, answer.cells)


def test_a_constant_uses_the_same_gpus_all_along() -> None:
    """A constant next to a flexible request keeps its GPUs in every slot."""
    problem = a_problem(
        shape=[Shape.CONSTANT, Shape.FLEXIBLE],
        gang=[4, 1],
        ask=[160 * MILLI, 400 * MILLI],
        minimum=[160 * MILLI, 0],
        max_gpus=[4, 40],
    )
    answer = _timetable(problem, [[0, 0, 0, 80_000], [0, 0, 1, 80_000], [1, 0, 2, 80_000]])
    assert [160, 160] == _hours(answer, problem)
    assert [] == broken_rules(problem, answer.cells)


def test_a_successor_begins_after_its_predecessor_ends() -> None:
    """Both of a chain are served, one after the other, though the division mixes them."""
    problem = a_problem(after=[NOBODY, 0], minimum=[80 * MILLI, 80 * MILLI])
    answer = _timetable(problem, [[0, 0, 3, 80_000], [1, 0, 0, 80_000]])
    assert () == answer.unplaced
    assert [] == broken_rules(problem, answer.cells)


def test_a_previous_plan_stays_where_it_was() -> None:
    """A division that would move everything does not: awards stay, new hours come on top."""
    previous = [(0, 0, 0, 40), (1, 0, 1, 40)]
    problem = a_problem(previous=previous, ask=[60 * MILLI, 60 * MILLI])
    answer = _timetable(problem, [[0, 0, 3, 60_000], [1, 0, 2, 60_000]])
    assert 0 == moved_hours(problem, answer.cells)
    assert [60, 60] == _hours(answer, problem)


def test_lost_supply_moves_only_what_was_there() -> None:
    """When a slot loses its GPUs, its hours move and the rest stays."""
    previous = [(0, 0, 0, 40), (1, 0, 1, 40)]
    problem = a_problem(previous=previous, ask=[40_000, 40_000], supply=[[0, 80_000, 80_000, 0]])
    answer = _timetable(problem, [[0, 0, 2, 40_000], [1, 0, 2, 40_000]])
    assert 40 == moved_hours(problem, answer.cells)
    assert [40, 40] == _hours(answer, problem)


def test_without_a_move_cost_the_previous_plan_is_no_guide() -> None:
    """A policy that does not mind moves gets the division as it is."""
    problem = a_problem(
        previous=[(0, 0, 0, 40)], ask=[40_000, 40_000], rules=Rules(move_cost=0)
    )  # fmt: skip
    answer = _timetable(problem, [[0, 0, 3, 40_000], [1, 0, 2, 40_000]])
    assert [[0, 0, 3, 40], [1, 0, 2, 40]] == answer.cells.tolist()


def test_one_pool_is_chosen_for_who_may_use_only_one() -> None:
    """A request bound to one pool does not end up in two."""
    problem = a_problem(2, 2, single_pool=[True, True])
    answer = _timetable(problem, [[0, 0, 0, 30_000], [0, 1, 1, 60_000], [1, 0, 1, 50_000]])
    assert [100, 100] == _hours(answer, problem)
    assert [] == broken_rules(problem, answer.cells)


def test_floors_are_met_and_caps_are_kept() -> None:
    """Leftover hours go to the track below its floor; nobody passes a cap."""
    problem = a_problem(
        slots=1,
        ask=[80 * MILLI, 80 * MILLI],
        score=[99, 1],
        track=[NOBODY, 0],
        track_floor=[30 * MILLI],
        track_cap=[NO_CAP],
        group_cap=[60 * MILLI, NO_CAP],
    )
    answer = _timetable(problem, [[0, 0, 0, 60_000], [1, 0, 0, 20_000]])
    amounts = received(problem, answer.cells)
    assert 30 * MILLI <= amounts[1]
    assert [] == broken_rules(problem, answer.cells)


def test_leftover_hours_go_to_the_group_that_lacks_most_of_its_entitlement() -> None:
    """With an entitlement, the group furthest below it is served before value."""
    problem = a_problem(slots=1, score=[99, 1])
    right = as_int([40 * MILLI, 40 * MILLI])
    entitlement = Entitlement(groups=right, fellows=right, fluid=NO_CELLS)
    answer = _timetable(problem, [[0, 0, 0, 40_000]], entitlement=entitlement)
    assert [40, 40] == _hours(answer, problem)


@pytest.mark.parametrize(
    ("divided", "hours"), [([50_000, 30_000], [50, 30]), ([40_005, 39_995], [40, 40])]
)
def test_nobody_is_cut_for_what_the_division_leaves_a_group_to_lack(
    divided: list[int], hours: list[int]
) -> None:
    """What the tiers left to value stays there; who lacks next to nothing gets all of the right."""
    problem = a_problem(slots=1, score=[99, 1], rules=Rules(tiers=(Tier.GROUPS, Tier.VALUE)))
    right = as_int([40 * MILLI, 40 * MILLI])
    entitlement = Entitlement(groups=right, fellows=right, fluid=NO_CELLS)
    cells = [[request, 0, 0, each] for request, each in enumerate(divided)]
    assert hours == _hours(_timetable(problem, cells, entitlement=entitlement), problem)


def test_the_same_seed_gives_the_same_cells() -> None:
    """Two runs of a round that CP-SAT arranges agree in every cell."""
    problem = a_problem(
        4, 2, shape=[0, 1, 2, 0], block_slots=[0, 2, 0, 0], after=[NOBODY, 0, NOBODY, NOBODY]
    )
    first, second = (_timetable(problem, seed=5) for _ in range(2))
    assert first.cells.tolist() == second.cells.tolist()
    assert [] == broken_rules(problem, first.cells)


def test_a_constant_gets_no_gang_hour_past_its_ask() -> None:
    """Its fastest pool has nothing, and on the slow one five GPU-hours are one too many."""
    problem = a_problem(
        requests=1,
        pools=2,
        slots=1,
        slot_hours=500,
        supply=[[0], [8 * MILLI]],
        speed=[[MILLI, 333]],
        ask=[MILLI],
        minimum=[MILLI],
        max_gpus=[16],
        shape=[Shape.CONSTANT],
    )
    answer = _timetable(problem, [0, 1, 0, 5 * MILLI])
    assert [[0, 1, 0, 4]] == answer.cells.tolist()
