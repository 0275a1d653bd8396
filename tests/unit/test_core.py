"""Rounds with GPU numbers, starts and pools to choose."""

import json

import numpy as np
import pytest

from benchmarks.national_round import national_round
from benchmarks.rounds_like import innocore_like, problem_of
from benchmarks.select import whole_servers
from benchmarks.shapes import shaped
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy
from scheduler.round_file import read_round
from solver.audit import keeps_hard_rules
from solver.pipeline import solve
from solver.plan import Entitlement, SolveStatus
from solver.problem import MILLI, Problem, Rules, Shape, Tier, as_int
from solver.rights import rights
from solver.select import Search, select
from solver.tiers import core
from solver.tiers.extent import find_extent
from solver.tiers.fairness_rows import FairRows
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation
from tests.builders import a_problem

BY_VALUE = Rules(tiers=(Tier.VALUE,))


def national(requests: int, seed: int) -> Problem:
    """Return a national round under the default policy."""
    document = parse_document(json.dumps(national_round(requests, seed)).encode())
    return formulate(read_round(document), find_policy("entitlement")).problem


def test_a_constant_that_whole_steps_overshoot_is_not_funded():
    """Four GPUs over fifty hours pass an ask of 100 hours by more than a gang-hour."""
    problem = a_problem(
        requests=1,
        slots=5,
        supply=np.full((1, 5), 80 * MILLI),
        ask=[100 * MILLI],
        minimum=[100 * MILLI],
        gang=[4],
        shape=[Shape.CONSTANT],
        rules=BY_VALUE,
    )
    assert not find_extent(problem).reachable[0]
    selection = select(problem, None, gap=1e-3, effort=Effort(), report=lambda *_: None)
    assert not selection.funded.any()


def test_the_least_of_a_block_is_a_whole_number_of_steps():
    """Two GPUs over twenty hours make 40 hours: a minimum of 50 means 80."""
    problem = a_problem(
        requests=1,
        slots=5,
        supply=np.full((1, 5), 80 * MILLI),
        ask=[100 * MILLI],
        minimum=[50 * MILLI],
        gang=[2],
        max_gpus=[8],
        shape=[Shape.BLOCK],
        block_slots=[2],
        rules=BY_VALUE,
    )
    assert pytest.approx(0.8) == find_extent(problem).low[0]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_national_round_gets_a_valid_plan_that_repeats(seed):
    """Every rule at once: the plan keeps them, bounds lie on the right side, bytes repeat."""
    problem = national(10, seed)
    plan, again = solve(problem), solve(problem)
    assert keeps_hard_rules(problem, plan.cells)
    assert plan.cells.tolist() == again.cells.tolist()
    for stage in plan.stages:
        sign = -1.0 if stage.name == "value" else 1.0
        assert sign * (stage.objective - stage.bound) >= -1e-6 * max(abs(stage.bound), 1.0)


def test_a_large_round_is_rounded_and_then_searched_part_by_part(monkeypatch):
    """What only large rounds go through gives a plan that keeps every rule and that repeats."""
    monkeypatch.setattr(core, "SMALL", 0)
    monkeypatch.setattr(core, "LARGE", 0)
    monkeypatch.setattr(core, "PART", 5)
    problem = national(10, 0)
    plan, again = solve(problem), solve(problem)
    assert plan.stages[0].name == "entitle"
    assert keeps_hard_rules(problem, plan.cells)
    assert plan.cells.tolist() == again.cells.tolist()
    assert {"groups", "value"} <= {stage.name for stage in plan.stages}


@pytest.mark.parametrize("problem", [national(10, 0), a_problem(minimum=[60 * MILLI] * 2)])
def test_what_a_code_gives_up_is_not_called_impossible(monkeypatch, problem):
    """Linear programs that end without an answer prove nothing: a valid plan comes by rank."""
    monkeypatch.setattr(Relaxation, "_run", lambda *_: None)
    plan = solve(problem)
    assert plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
    assert () == plan.conflicts
    assert keeps_hard_rules(problem, plan.cells)


def test_the_least_of_a_constant_in_several_pools_is_made_of_whole_steps():
    """Steps of 100 and of 50 hours make 250 of a minimum of 220; without one, a step is the least.

    A flexible request that has to be chosen has a gang-hour at least.
    """
    problem = a_problem(
        requests=3,
        pools=2,
        slots=5,
        ask=[400 * MILLI, 400 * MILLI, 40 * MILLI],
        minimum=[220 * MILLI, 0, 0],
        gang=[2, 2, 4],
        max_gpus=[8, 8, 8],
        speed=[[MILLI, MILLI // 2]] * 3,
        shape=[Shape.CONSTANT, Shape.CONSTANT, Shape.FLEXIBLE],
        after=[-1, -1, 1],
    )
    assert pytest.approx([250 / 400, 50 / 400, 2 / 40]) == find_extent(problem).low


def test_a_cover_lies_on_the_line_between_whole_steps():
    """Of an entitlement of one and a half steps half a step more covers a sixth, not a third."""
    problem = a_problem(
        requests=2,
        slots=1,
        supply=[[80 * MILLI]],
        ask=[200 * MILLI, 10 * MILLI],
        gang=[2, 1],
        max_gpus=[20, 1],
        shape=[Shape.CONSTANT, Shape.FLEXIBLE],
        fellow_group=[0, 0],
    )
    due = 30 * MILLI
    entitlement = Entitlement(
        groups=as_int([due]), fellows=as_int([due, 0]), fluid=as_int(np.zeros((0, 4)))
    )
    model = RoundModel(problem)
    fair = FairRows(model, entitlement)
    relaxation = Relaxation(model.program, Effort())
    steps = int(model.places.column[model.places_of(0)][0])
    relaxation.bound(steps, 1.5, 1.5)
    relaxation.aim(fair.fellows_goal().weights)
    vertex = relaxation.solve()
    assert vertex is not None
    assert pytest.approx(1.0 - (2 / 3 + 1 / 6)) == vertex.values[fair.lack[0]]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_costs_too_much_to_be_thought_of_first_changes_no_value(monkeypatch, seed):
    """Whatever is left out at first, plan and bound end where they would with nothing left out."""
    document = whole_servers(seed)
    document["requests"] = document["requests"][:60]
    for pool in document["pools"]:
        pool["supply_gpu_hours"] = [each // 9 for each in pool["supply_gpu_hours"]]
    problem = formulate(read_round(document), find_policy("whole_server")).problem
    values = []
    for width in (0.0, core.WIDTH, 0.02, np.inf):
        monkeypatch.setattr(core, "WIDTH", width)
        stage = next(each for each in solve(problem).stages if each.name == "value")
        assert SolveStatus.OPTIMAL is stage.status
        assert pytest.approx(stage.objective, rel=1e-5) == stage.bound
        values.append(stage.objective)
    assert [pytest.approx(values[-1], rel=1e-5)] * 4 == values


def test_constants_are_decided_around_one_slot_after_another(monkeypatch):
    """A plan of constants alone is better in all tiers together than where that is left out."""
    document = innocore_like(60, seed=1)
    problem = shaped(problem_of(document, find_policy("entitlement")), Shape.CONSTANT, 1.0)
    search = Search(
        RoundModel(problem),
        rights(problem, None),
        gap=1e-3,
        effort=Effort(nodes=100),
        report=lambda *_: None,
    )
    goals = search.goals()
    weighed = sum(
        np.pad(each.weights, (0, search.model.program.columns - each.weights.size))
        / (each.size * core.STEP**power)
        for power, each in enumerate(goals)
    )
    found = [search.engine.prepare(goals, 1e-3)]
    monkeypatch.setattr(core, "NEIGHBOURS", ())
    found.append(search.engine.prepare(goals, 1e-3))
    better, first = (float(weighed @ each) for each in found)
    assert better < first
