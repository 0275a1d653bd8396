"""The timetable on rounds by chance."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.formula import rank
from solver.plan import NO_CELLS, awarded_reference
from solver.problem import MILLI, BoolArray, IntArray, Problem
from solver.timetable import Timetable, timetable
from tests.plans import as_parsed
from tests.rounds import Document, rounds
from tests.rules import broken_rules


def _problem(document: Document) -> Problem:
    return formulate(read_round(as_parsed(document)), find_policy("entitlement")).problem


def _funded(problem: Problem, cells: IntArray) -> BoolArray:
    funded = np.zeros(problem.requests, dtype=np.bool_)
    funded[cells[:, 0]] = True
    return funded


def _timetable(problem: Problem, fluid: IntArray, funded: BoolArray) -> Timetable:
    return timetable(problem, fluid, funded, np.zeros(problem.requests, dtype=np.int64))


@settings(max_examples=60, deadline=None)
@given(document=rounds(), milli=st.integers(0, 999))
def test_a_shaved_plan_comes_back_valid_with_nobody_lost(document: Document, milli: int) -> None:
    """A whole plan less some thousandths gives a valid timetable in which all funded get awards."""
    problem = _problem(document)
    cells = rank(problem).cells
    fluid = cells * np.array([1, 1, 1, MILLI]) - np.array([0, 0, 0, milli])
    answer = _timetable(problem, fluid, _funded(problem, cells))
    assert [] == broken_rules(problem, answer.cells)
    assert () == answer.unplaced
    assert set(cells[:, 0].tolist()) == set(answer.cells[:, 0].tolist())


@settings(max_examples=60, deadline=None)
@given(document=rounds())
def test_needs_find_a_place_without_any_division_to_follow(document: Document) -> None:
    """Told only who is funded, and that they fit, the timetable finds everyone a place."""
    problem = _problem(document)
    funded = _funded(problem, rank(problem).cells)
    answer = _timetable(problem, NO_CELLS, funded)
    assert [] == broken_rules(problem, answer.cells)
    assert () == answer.unplaced


@settings(max_examples=30, deadline=None)
@given(document=rounds())
def test_a_timetable_repeats_and_does_not_fall_behind_its_division(document: Document) -> None:
    """The same input gives the same cells; from whole cells no value is lost."""
    problem = _problem(document)
    cells = rank(problem).cells
    fluid = cells * np.array([1, 1, 1, MILLI])
    answers = [_timetable(problem, fluid, _funded(problem, cells)) for _ in range(2)]
    assert (answers[0].cells == answers[1].cells).all()
    before, after = (awarded_reference(problem, each) for each in (cells, answers[0].cells))
    assert (before * problem.score).sum() <= (after * problem.score).sum()
