"""Prices that bound the value of a plan."""

import json

import pytest

from benchmarks.national_round import national_round
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver import prices
from solver.plan import NO_CELLS
from solver.prices import ValueProgram, value_dual
from solver.problem import Problem
from solver.rights import rights
from solver.worth import asked_value


def a_national_round() -> Problem:
    """Return a round of 60 requests under every rule."""
    document = parse_document(json.dumps(national_round(60, 1)).encode())
    return formulate(read_round(document), find_policy("entitlement")).problem


def test_a_large_round_with_blocks_has_no_rows_for_slots_of_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its program has a fraction of the terms, and its bound is hardly any weaker."""
    problem = a_national_round()
    entitlement = rights(problem)
    exact, small = value_dual(problem, entitlement, NO_CELLS), ValueProgram(problem)
    monkeypatch.setattr(prices, "MANY_COLUMNS", 0)
    rough, large = value_dual(problem, entitlement, NO_CELLS), ValueProgram(problem)
    assert exact is not None
    assert rough is not None
    assert exact.bound * (1 - 1e-6) <= rough.bound <= exact.bound * 1.001
    assert rough.bound <= asked_value(problem)
    assert large.program.matrix()[0].size < small.program.matrix()[0].size
