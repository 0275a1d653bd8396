"""Moves on the board against a recount from scratch and a search that tries everything."""

from typing import NamedTuple

import numpy as np
import pytest

from solver.placing.board import (
    GANG,
    OPEN,
    SLOT,
    Arms,
    Board,
    lay_arms,
    put,
    read_cells,
    room,
    set_up,
)
from solver.placing.neighbourhood import (
    STAY,
    Search,
    add_one,
    bring_up,
    clear,
    lay,
    lift_bucket,
    lift_groups,
    make_way,
    open_search,
)
from solver.placing.placement import Spot, spread
from solver.plan import NO_CELLS, received
from solver.problem import MILLI, NO_CAP, NOBODY, Problem, Rules, Unit
from tests.builders import a_problem
from tests.rules import broken_rules

WORK = 10**9


def _search(problem: Problem, need: object = None) -> Search:
    """Return an empty board with every request on it."""
    arms = lay_arms(
        problem,
        ~problem.vetoed,
        problem.minimum if need is None else np.asarray(need),
        np.stack([problem.first, problem.end], axis=1),
        problem.speed > 0,
    )
    board = set_up(problem, arms, NO_CELLS)
    return open_search(arms, board, np.zeros_like(arms.arm[0]), problem.score, WORK)


def _arm(arms: Arms, request: int, pool: int, slot: int) -> int:
    wanted = np.array([[request], [pool], [slot]])
    found = (arms.arm[: SLOT + 1] == wanted).all(axis=0)
    return int(np.nonzero(found)[0][0])


def _lay_out(search: Search, cells: list[tuple[int, int, int, int]]) -> None:
    """Put GPU-hours on arms."""
    for request, pool, slot, hours in cells:
        arm = _arm(search.arms, request, pool, slot)
        put(search.arms, search.board, arm, hours // int(search.arms.asker[GANG, request]))


class _Recount(NamedTuple):
    free: list[int]
    total: list[int]
    held: list[int]


def _recounted(problem: Problem, arms: Arms, board: Board) -> _Recount:
    """Count everything again from the cells, in plain Python."""
    free = (problem.supply // MILLI).reshape(-1).tolist()
    total = [0] * problem.requests
    held = [0] * arms.cap.shape[0]
    cells = read_cells(arms, board, NO_CELLS)
    for request, pool, slot, hours in cells.tolist():
        free[pool * problem.slots + slot] -= hours
        total[request] += hours * int(problem.speed[request, pool])
    for request, amount in enumerate(received(problem, cells).tolist()):
        for bucket in arms.bucket[request].tolist():
            if bucket != NOBODY:
                held[bucket] += amount
    return _Recount(free, total, held)


def _assert_sound(problem: Problem, search: Search) -> None:
    board = search.board
    recount = _recounted(problem, search.arms, board)
    assert recount == _Recount(board.free.tolist(), board.total.tolist(), board.held.tolist())
    cells = read_cells(search.arms, board, NO_CELLS)
    assert [] == [each for each in broken_rules(problem, cells) if "total" not in each]


def _a_busy_problem(seed: int, unit: Unit = Unit.SERVICE_UNITS) -> Problem:
    """Return a crowded round by chance."""
    chance = np.random.default_rng(seed)
    first = chance.integers(0, 4, 12)
    return a_problem(
        12,
        2,
        6,
        supply=chance.integers(5, 40, (2, 6)) * MILLI,
        charge=[1000, 1600],
        speed=np.where(chance.random((12, 2)) < 0.8, chance.choice([800, 1000, 1500], (12, 2)), 0)
        | np.array([[1000, 0]]) * (chance.random((12, 1)) < 0.1),
        gang=chance.choice([1, 2, 4, 8], 12),
        max_gpus=np.full(12, 8),
        ask=chance.integers(10, 120, 12) * MILLI + 333,
        score=chance.integers(1, 100, 12) * MILLI,
        first=first,
        end=first + chance.integers(1, 3, 12),
        fellow=np.arange(12) // 2,
        fellow_group=[0, 0, 1, 1, 2, 2],
        fellow_cap=[NO_CAP, 60 * MILLI, NO_CAP, NO_CAP, 30 * MILLI, NO_CAP],
        rules=Rules(unit=unit),
    )


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("seed", range(12))
def test_after_many_moves_the_board_is_as_a_recount_finds_it(seed: int, unit: Unit) -> None:
    """Incremental counts equal a recount and every rule holds after adds, shifts and cuts."""
    problem = _a_busy_problem(seed, unit)
    search = _search(problem)
    chance = np.random.default_rng(seed)
    for request in chance.integers(0, problem.requests, 150).tolist():
        add_one(search, request, int(chance.choice([0, 10**9, OPEN])))
    _assert_sound(problem, search)
    bring_up(search, np.arange(problem.requests), problem.ask.copy(), NOBODY)
    _assert_sound(problem, search)
    clear(search, 3)
    assert 0 == search.board.total[3]
    _assert_sound(problem, search)


def test_room_is_what_supply_gpus_ask_and_caps_leave() -> None:
    """Each limit in turn is the one that binds."""
    cases = [
        ({"supply": [[33 * MILLI] * 4]}, 8),
        ({"max_gpus": [1, 8]}, 2),
        ({"ask": [9_500, 100_000]}, 3),
        ({"fellow_cap": [21 * MILLI, NO_CAP]}, 5),
        ({"group_cap": [7 * MILLI, NO_CAP]}, 1),
    ]
    for changes, expected in cases:
        search = _search(a_problem(gang=[4, 1], **changes))
        assert expected == room(search.arms, search.board, 0)


def test_a_chain_of_shifts_frees_a_gang_hour() -> None:
    """A request bound to a full slot gets in because two others move one slot on."""
    problem = a_problem(
        3, slots=3, supply=[[10_000, 10_000, 10_000]], end=[1, 2, 3], first=[0, 0, 1]
    )
    search = _search(problem)
    _lay_out(search, [(1, 0, 0, 10), (2, 0, 1, 10)])
    assert make_way(search, 0, 0)
    _assert_sound(problem, search)
    assert [1, 10, 10] == (search.board.total // MILLI).tolist()
    assert 9 == search.board.hours[_arm(search.arms, 1, 0, 0)]


def test_a_failed_search_leaves_the_board_as_it_was() -> None:
    """Where no chain ends in room, nothing has moved."""
    problem = a_problem(slots=1, supply=[[10_000]])
    search = _search(problem)
    _lay_out(search, [(1, 0, 0, 10)])
    before = search.board.hours.copy()
    assert not make_way(search, 0, 0)
    assert (before == search.board.hours).all()


def test_a_cut_takes_from_less_merit_and_never_from_needs() -> None:
    """With a gain, the lesser value gives way; a need or equal value does not."""
    for score, need, expected in (([9, 5], 0, True), ([5, 5], 0, False), ([9, 5], 10_000, False)):
        problem = a_problem(slots=1, supply=[[10_000]], score=score)
        search = _search(problem, [0, need])
        _lay_out(search, [(1, 0, 0, 10)])
        assert expected == make_way(search, 0, score[0] * MILLI)
        assert expected == (search.board.total[0] > 0)


def test_a_cut_leaves_buckets_what_they_have_to_keep() -> None:
    """A group at what it has to keep gives nothing, unless the hour stays in the group."""
    for group, expected in (([0, 1], False), ([0, 0], True)):
        problem = a_problem(slots=1, supply=[[10_000]], fellow_group=group)
        search = _search(problem)
        _lay_out(search, [(1, 0, 0, 10)])
        search.keep[problem.fellows + group[1]] = 10_000
        assert expected == make_way(search, 0, OPEN)


def test_hours_that_have_to_stay_are_not_shifted() -> None:
    """A chain does not use what an earlier plan laid there."""
    problem = a_problem(slots=2, supply=[[10_000, 10_000]], end=[1, 2])
    search = _search(problem)
    _lay_out(search, [(1, 0, 0, 10)])
    search.marks[STAY] = search.board.hours
    assert not make_way(search, 0, OPEN)
    search.marks[STAY] = 0
    assert make_way(search, 0, 0)


def test_the_work_limit_ends_the_search() -> None:
    """Beyond the limit no chain is looked for."""
    problem = a_problem(slots=2, supply=[[10_000, 10_000]], end=[1, 2])
    search = _search(problem)
    _lay_out(search, [(1, 0, 0, 10)])
    search.work[:] = (2, 1)
    assert not make_way(search, 0, 0)


def test_laying_a_division_rounds_down_to_gangs() -> None:
    """Each arm gets the whole gang-hours of its share, none past the goal."""
    problem = a_problem(gang=[4, 1])
    search = _search(problem)
    laid = np.zeros_like(search.arms.arm[0])
    laid[_arm(search.arms, 0, 0, 1)] = 11_900
    laid[_arm(search.arms, 1, 0, 1)] = 11_900
    lay(search, laid, np.array([100_000, 5_000]))
    assert [[0, 0, 1, 8], [1, 0, 1, 5]] == read_cells(search.arms, search.board, NO_CELLS).tolist()


def test_the_group_that_lacks_most_is_lifted_first() -> None:
    """Scarce hours go to the larger relative shortfall until both lack the same share."""
    problem = a_problem(slots=1, supply=[[12_000]], ask=[20_000, 10_000])
    search = _search(problem)
    target = np.concatenate([problem.ask, problem.ask])
    target = np.append(target, np.zeros(search.arms.cap.shape[0] - target.size, dtype=np.int64))
    search.keep[:] = target
    lift_groups(search, np.array([0, 1]), target)
    assert [8, 4] == (search.board.total // MILLI).tolist()


def test_a_bucket_is_lifted_to_its_goal_and_no_further() -> None:
    """Requests are filled in turn until the bucket holds enough."""
    problem = a_problem(fellow=[0, 0], ask=[30_000, 30_000])
    search = _search(problem)
    assert lift_bucket(search, np.array([1, 0]), 0, 40_000)
    assert [10, 30] == (search.board.total // MILLI).tolist()


def _slow_spread(spot: Spot, free: np.ndarray) -> list[list[int]]:
    """Place gang-hour by gang-hour as `spread` says it does."""
    slots = range(spot.first, spot.end)
    hours = {(int(pool), slot): 0 for pool in spot.pools for slot in slots}
    missing = spot.amount
    for pool, speed in zip(spot.pools.tolist(), spot.speed.tolist(), strict=True):
        for slot in sorted(slots, key=lambda slot: -int(free[pool, slot])):
            while missing > 0:
                seated = sum(each for (_, at), each in hours.items() if at == slot)
                over = hours[pool, slot] + spot.gang > free[pool, slot]
                if over or seated + spot.gang > spot.limit:
                    break
                hours[pool, slot] += spot.gang
                missing -= spot.gang * speed
    return [[hours[int(pool), slot] for slot in slots] for pool in spot.pools]


@pytest.mark.parametrize("seed", range(20))
def test_spreading_agrees_with_placing_one_gang_hour_at_a_time(seed: int) -> None:
    """The kernel in bulk does what single gang-hours do."""
    chance = np.random.default_rng(seed)
    spot = Spot(
        pools=chance.permutation(3).astype(np.int64)[: seed % 3 + 1],
        speed=chance.choice([500, 1000, 1600], seed % 3 + 1).astype(np.int64),
        first=int(chance.integers(0, 3)),
        end=6,
        gang=int(chance.choice([1, 2, 5])),
        limit=20,
        amount=int(chance.integers(1, 200)) * MILLI,
    )
    free = chance.integers(0, 30, (3, 6))
    assert _slow_spread(spot, free) == spread(spot, free).tolist()
