"""Formula methods on rounds by chance."""

import numpy as np
from hypothesis import given, settings

from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.formula import Formula, apply_formula, proportional, rac, rank
from solver.plan import awarded_reference
from solver.problem import Problem
from tests.plans import as_parsed
from tests.rounds import Document, rounds
from tests.rules import broken_rules

FORMULAS = (rank, proportional, rac)


def _problem(document: Document, policy: str = "rank_and_fund") -> Problem:
    return formulate(read_round(as_parsed(document)), find_policy(policy)).problem


@settings(max_examples=60, deadline=None)
@given(document=rounds())
def test_every_formula_keeps_every_rule(document: Document) -> None:
    """Whatever the round, what a formula hands out is a valid plan."""
    problem = _problem(document)
    assert [] == [each for f in FORMULAS for each in broken_rules(problem, f(problem).cells)]


@settings(max_examples=40, deadline=None)
@given(document=rounds())
def test_formulas_cut_nobody_below_the_minimum(document: Document) -> None:
    """A target is nothing or at least the minimum, and never more than the ask."""
    problem = _problem(document)
    for formula in FORMULAS:
        target = formula(problem).target
        assert ((target == 0) | (target >= problem.minimum)).all()
        assert (target <= problem.ask).all()


@settings(max_examples=30, deadline=None)
@given(document=rounds())
def test_an_ample_supply_serves_everyone_who_fits_alone(document: Document) -> None:
    """With a thousandfold supply rank and fund leaves out only who cannot be placed at all."""
    for pool in document["pools"]:
        pool["supply_gpu_hours"] = [1000 for _ in pool["supply_gpu_hours"]]
    problem = _problem(document)
    awards = awarded_reference(problem, rank(problem).cells)
    for request in np.nonzero(awards == 0)[0].tolist():
        alone = _alone(problem, request)
        assert 0 == awarded_reference(problem, alone.cells)[request]


def _alone(problem: Problem, request: int) -> Formula:
    """Return rank and fund when everyone else is vetoed."""
    others = np.arange(problem.requests) != request
    fields = {name: getattr(problem, name) for name in problem.__slots__}
    return apply_formula(Problem(**fields | {"vetoed": others}), seed=0)
