"""Whole gang-hours first, slots after."""

import numpy as np

from solver import large_timetable as large
from solver.audit import keeps_hard_rules
from solver.problem import MILLI, Shape
from tests.builders import a_problem


def test_gang_hours_are_laid_where_most_is_free():
    """Who has least room to spare comes first, and what finds no place is named."""
    problem = a_problem(
        requests=3, slots=2, end=[1, 2, 2], gang=[4, 4, 8], supply=[[80 * MILLI, 60 * MILLI]]
    )
    cells = np.array([[0, 0, 0, 80], [1, 0, 0, 40], [2, 0, 0, 24]])
    laid, rest = large.lay_out(problem, cells, np.zeros(3, dtype=np.int64))
    assert [[0, 0, 0, 80], [1, 0, 1, 40], [2, 0, 1, 16]] == laid.tolist()
    assert [[2, 0, 0, 8]] == rest.tolist()


def test_who_found_no_place_goes_first_the_next_time():
    """One who takes single hours leaves no slot to a gang, unless the gang comes first."""
    problem = a_problem(
        requests=2, slots=2, gang=[1, 8], max_gpus=[8, 80], supply=[[12 * MILLI, 12 * MILLI]]
    )
    cells = np.array([[0, 0, 0, 8], [1, 0, 0, 16]])
    assert large.lay_out(problem, cells, np.zeros(2, dtype=np.int64))[1].size
    none = np.zeros(2, dtype=np.int64)
    laid = large.laid_out(problem, cells, none, (np.ones(2, dtype=np.bool_), none))
    assert [[0, 0, 0, 4], [0, 0, 1, 4], [1, 0, 0, 8], [1, 0, 1, 8]] == laid.tolist()


def test_who_needs_it_counts_more_than_hours():
    """Of two ways to lay out the one that leaves nobody short is taken, at 4 hours fewer."""
    problem = a_problem(
        requests=2, slots=1, gang=[8, 4], max_gpus=[24, 28], supply=[[44 * MILLI]], slot_hours=MILLI
    )
    cells, need = np.array([[0, 0, 0, 24], [1, 0, 0, 24]]), np.array([8, 24]) * MILLI
    laid = large.laid_out(problem, cells, need, (np.ones(2, dtype=np.bool_), need))
    assert [[0, 0, 0, 16], [1, 0, 0, 24]] == laid.tolist()


def test_one_slot_holds_what_all_slots_do():
    """Supply and the most GPU-hours of a request are those of the calendar and the window."""
    one = large.in_one_slot(a_problem(requests=2, slots=4, first=[0, 1], end=[4, 3], gang=[1, 3]))
    assert [[320 * MILLI]] == one.supply.tolist()
    assert [320, 156] == one.max_gpus.tolist()


def test_a_division_becomes_whole_gang_hours():
    """The plan keeps every rule, and uses the supply up to what no gang-hour fits into."""
    problem = a_problem(
        requests=6,
        slots=4,
        gang=[1, 2, 4, 4, 8, 1],
        first=[0, 0, 0, 2, 2, 0],
        end=[4, 4, 2, 4, 4, 4],
        fellow=[0, 0, 1, 1, 2, 2],
    )
    amounts = [70_300, 55_500, 51_200, 49_100, 53_300, 40_600]
    fluid = np.array([[who, 0, problem.first[who], each] for who, each in enumerate(amounts)])
    funded, least = np.ones(6, dtype=np.bool_), np.full(6, 16 * MILLI)
    schedule = large.large_timetable(problem, fluid, funded, least)
    assert keeps_hard_rules(problem, schedule.cells)
    assert () == schedule.unplaced
    assert schedule.cells[:, 3].sum() >= 320 - 8


def test_only_flexible_rounds_count_as_large(monkeypatch):
    """Blocks and constants have no hours without slots."""
    monkeypatch.setattr(large, "PLACES", 0)
    assert not large.is_large(a_problem(requests=2, shape=[Shape.FLEXIBLE, Shape.CONSTANT]))
