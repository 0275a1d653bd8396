"""What whole gang-hours lose is won back, and nothing else is lost for it."""

import numpy as np

from solver import whole_hours
from solver.audit import is_lawful
from solver.mend import Wanted, mend
from solver.plan import Plan, SolveStatus, Stage
from solver.problem import MILLI, Problem, Rules, as_int
from solver.rights import rights
from solver.select import Reached
from solver.stages import objectives
from solver.tiers.program import Effort
from tests.builders import a_problem

TIERS = ("groups", "groups_total", "fellows", "value")


def uneven(**changes) -> Problem:
    """Return two groups and two pools, of which one counts five times as much."""
    ask = [80 * MILLI] * changes.get("requests", 2)
    return a_problem(pools=2, slots=1, charge=[200, MILLI], ask=ask, **changes)


def wanted(problem: Problem, cells: np.ndarray) -> Wanted:
    """Return what the tiers want if nothing stands in the way."""
    due = rights(problem)
    reached = objectives(problem, due, cells)
    tiers = tuple(
        Stage(
            name=name,
            status=SolveStatus.FEASIBLE,
            objective=reached[name],
            bound=reached[name] if name == "value" else 0.0,
            gap=0.0 if name == "value" else 1.0,
        )
        for name in TIERS
    )
    return Wanted(problem=problem, entitlement=due, tiers=tiers, gap=0.001)


def test_two_groups_share_the_better_pool():
    """Who lay on the lesser pool alone gets half of the better one."""
    problem = uneven()
    cells = as_int([[0, 0, 0, 80], [1, 1, 0, 80]])
    found, spent = mend(wanted(problem, cells), cells, effort=5.0, seed=0)
    assert is_lawful(problem, found)
    assert objectives(problem, rights(problem), cells)["groups"] > 0.6
    assert 0.0 == objectives(problem, rights(problem), found)["groups"]
    assert spent < 5.0


def test_chains_and_what_is_near_enough_are_left_alone():
    """A request of a chain stays where it is, and a plan without a lack is not touched."""
    cells = as_int([[0, 0, 0, 80], [1, 1, 0, 80]])
    chained = uneven(requests=3, after=[-1, -1, 0], fellow=[0, 1, 1])
    found, _ = mend(wanted(chained, cells), cells, effort=5.0, seed=0)
    assert [[0, 0, 0, 80]] == found[found[:, 0] == 0].tolist()
    fair = as_int([[0, 0, 0, 40], [0, 1, 0, 40], [1, 0, 0, 40], [1, 1, 0, 40]])
    found, spent = mend(wanted(uneven(), fair), fair, effort=5.0, seed=0)
    assert fair.tolist() == found.tolist()
    assert 0.0 == spent


def test_only_what_whole_gang_hours_lost_is_mended(monkeypatch):
    """A lack that the fluid plan had already is the choice of requests; it is not looked at."""
    monkeypatch.setattr(whole_hours, "is_small", lambda _: False)
    problem = uneven()
    cells = as_int([[0, 0, 0, 80], [1, 1, 0, 80]])
    plan = Plan(
        status=SolveStatus.FEASIBLE,
        cells=cells,
        stages=wanted(problem, cells).tiers,
        entitlement=rights(problem),
    )
    for share, least in ((1.0, 0.6), (0.0, 0.0)):
        fluid = tuple(
            Reached(name=each.name, objective=share * each.objective, bound=0.0, work=0)
            for each in plan.stages
        )
        mended = whole_hours.mended(problem, plan, fluid, gap=0.001, effort=Effort())
        assert least <= objectives(problem, plan.entitlement, mended.cells)["groups"] <= least + 0.3


def test_a_weighted_goal_is_mended_where_groups_lack_most(monkeypatch):
    """The lesser pool's group gets a part of the better one, and the one goal has more of all."""
    monkeypatch.setattr(whole_hours, "is_small", lambda _: False)
    problem = uneven(rules=Rules(weights=(1, 1, 1)))
    cells, due = as_int([[0, 0, 0, 80], [1, 1, 0, 80]]), rights(problem)
    before = objectives(problem, due, cells)["weighted"]
    stage = Stage(
        name="weighted", status=SolveStatus.FEASIBLE, objective=before, bound=1.0, gap=1.0 - before
    )
    plan = Plan(status=SolveStatus.FEASIBLE, cells=cells, stages=(stage,), entitlement=due)
    fluid = (Reached(name="weighted", objective=1.0, bound=1.0, work=0),)
    mended = whole_hours.mended(problem, plan, fluid, gap=0.001, effort=Effort())
    assert is_lawful(problem, mended.cells)
    assert before < objectives(problem, due, mended.cells)["weighted"] == mended.stages[0].objective
    assert 0.0 == objectives(problem, due, mended.cells)["groups"]
