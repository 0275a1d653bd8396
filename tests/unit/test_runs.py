"""Runs of slots as one."""

import json

import numpy as np
import pytest

from benchmarks.national_round import national_round
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import keeps_hard_rules
from solver.pipeline import solve
from solver.problem import MILLI, Problem, Shape
from solver.tiers import core
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort, solve_program
from solver.tiers.runs import Runs
from tests.builders import a_problem


def national(requests: int, seed: int) -> Problem:
    """Return a national round under the default policy."""
    document = parse_document(json.dumps(national_round(requests, seed)).encode())
    return formulate(read_round(document), find_policy("entitlement")).problem


@pytest.mark.parametrize("seed", range(3))
def test_what_solves_the_round_solves_its_runs(seed):
    """A plan of the round, its hours added up over runs, keeps every row of the runs."""
    model = RoundModel(national(12, seed))
    runs, goal = Runs(model), -model.value_goal()
    whole = np.zeros(model.program.columns, dtype=np.bool_)
    whole[model.choices()[0]] = True
    plan = solve_program(model.program, goal, Effort(nodes=200), integer=whole)
    values = np.bincount(runs.column, plan.values, runs.program.columns)
    row, column, value = runs.program.matrix()
    sums = np.bincount(row, value * values[column], runs.program.rows)
    least, most = runs.program.row_bounds()
    assert (sums >= least - 1e-6).all()
    assert (sums <= most + 1e-6).all()
    low, high = model.program.column_bounds()
    answer = runs.decide(goal, low, high, np.flatnonzero(whole), Effort(nodes=200))
    assert answer.bound <= plan.objective + 1e-3


def test_hours_of_one_request_in_a_pool_are_one_column_for_each_run():
    """Ten slots are two runs; a block keeps its starts, and a supply counts all slots of a run."""
    problem = a_problem(
        requests=2,
        slots=10,
        ask=[400 * MILLI, 20 * MILLI],
        shape=[Shape.FLEXIBLE, Shape.BLOCK],
        block_slots=[0, 2],
        max_gpus=[8, 1],
    )
    model = RoundModel(problem)
    runs = Runs(model)
    flexible, block = (model.places.column[model.places_of(each)] for each in (0, 1))
    assert [7, 3] == np.unique(runs.column[flexible], return_counts=True)[1].tolist()
    assert block.size == np.unique(runs.column[block]).size
    _, column, value = runs.program.matrix()
    first = runs.column[flexible[0]]
    assert pytest.approx(400 / (7 * 80)) == value[column == first].min()


def test_a_round_too_large_for_runs_is_rounded_bit_by_bit(monkeypatch):
    """Without runs, what is in pieces is decided by halves; the plan keeps every rule."""
    monkeypatch.setattr(core, "SMALL", 0)
    monkeypatch.setattr(core, "LARGE", 0)
    monkeypatch.setattr(core, "MOST_OF_RUNS", 0)
    problem = national(10, 0)
    assert keeps_hard_rules(problem, solve(problem).cells)
