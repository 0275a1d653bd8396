"""What we are measured against solves the same rounds: where it ends, it ends where we do."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from ortools.math_opt.python import mathopt

from benchmarks.charts import chart
from benchmarks.rounds_like import innocore_like, problem_of
from benchmarks.sequential_round import sequential_entitlement
from benchmarks.textbook import by_cpsat, by_mathopt, textbook
from scheduler.policy import find_policy
from solver.audit import is_lawful
from solver.entitle import entitle
from solver.pipeline import GAP, solve
from solver.stages import objectives

SECONDS = 30.0
NEAR = 1e-6


@pytest.mark.parametrize("code", [mathopt.SolverType.GLOP, mathopt.SolverType.HIGHS])
def test_sequential_programs_find_our_entitlements(code: mathopt.SolverType) -> None:
    """One linear program after the other ends at the amounts of `entitle`, groups and fellows."""
    problem = problem_of(innocore_like(12), find_policy("entitlement"))
    ours = entitle(problem)
    groups, fellows, programs = sequential_entitlement(problem, code)
    assert programs > 2
    np.testing.assert_allclose(ours.groups, groups, rtol=1e-6)
    np.testing.assert_allclose(ours.fellows, fellows, rtol=1e-6, atol=2.0)


@pytest.mark.parametrize("code", ["HiGHS", "CP-SAT"])
def test_the_textbook_program_is_the_same_round(code: str) -> None:
    """A plain solver's plan keeps every rule; neither plan passes what the other one proves."""
    problem = problem_of(innocore_like(4), find_policy("merit"))
    book = textbook(problem, None)
    found = (
        by_cpsat(book, SECONDS)
        if code == "CP-SAT"
        else by_mathopt(book, mathopt.SolverType.HIGHS, SECONDS, stretch=10.0)
    )
    assert found.values is not None
    cells, plan = book.plan(found.values), solve(problem)
    assert is_lawful(problem, cells)
    theirs = objectives(problem, None, cells)["value"]
    ((name, objective, bound),) = found.tiers
    ((ours, most),) = [(each.objective, each.bound) for each in plan.stages if each.name == "value"]
    assert ("value", pytest.approx(theirs, rel=GAP)) == (name, objective)
    assert theirs <= most * (1 + NEAR)
    assert ours <= bound * (1 + NEAR)


def test_a_chart_draws_each_curve_that_has_points() -> None:
    """The SVG is well-formed; a curve without points has neither line nor legend."""
    curves = {"ours <now>": [(200.0, 0.01), (50_000.0, 1.5)], "theirs": [(200.0, 3.0)], "none": []}
    drawn = ET.fromstring(  # noqa: S314 - our own text
        chart("Time", "requests", "CPU seconds", curves)
    )
    names = "{http://www.w3.org/2000/svg}"
    assert 2 == len(drawn.findall(f"{names}polyline"))
    assert 3 == len(drawn.findall(f"{names}circle"))
    texts = {each.text for each in drawn.findall(f"{names}text")}
    assert {"ours <now>", "theirs", "1,000", "0.01"} <= texts
    assert "none" not in texts
