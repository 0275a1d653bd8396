"""Fellows' hulls against everything that their requests can be."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.plan import Entitlement
from solver.problem import MILLI, Problem, as_int
from solver.tiers import hulls
from solver.tiers.amounts import AmountModel
from solver.tiers.fairness_rows import FairRows
from solver.tiers.hulls import Hulls
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation
from tests.builders import a_problem

CLOSE = 1e-6
PLENTY = 1_000
SCARCE = 4


def a_round(seed: int, *, fellows: int, gpus: int, single: bool) -> Problem:
    """Return a round of three requests, or two of each of several fellows, two pools of GPUs."""
    rng = np.random.default_rng(seed)
    each, pools = 3 if fellows == 1 else 2, 2
    requests = each * fellows
    ask = rng.integers(20, 200, requests) * MILLI
    speed = rng.choice([0, MILLI], (requests, pools))
    speed[np.arange(requests), rng.integers(0, pools, requests)] = MILLI
    return a_problem(
        requests=requests,
        fellow=np.repeat(np.arange(fellows), each),
        fellow_group=np.zeros(fellows),
        pools=pools,
        slots=2,
        ask=ask,
        minimum=ask // rng.integers(1, 4, requests),
        max_gpus=np.full(requests, 64),
        speed=speed,
        charge=[MILLI, 1600],
        supply=np.full((pools, 2), gpus * 10 * MILLI),
        score=rng.integers(50, 100, requests) * MILLI,
        single_pool=np.full(requests, single),
    )


def rows_and_goal(seed: int, problem: Problem) -> tuple[AmountModel, FairRows, np.ndarray]:
    """Return a round's program, what fellows lack, and a goal: that, and a price of each hour."""
    rng = np.random.default_rng(seed)
    due = as_int(rng.integers(30, 150, problem.fellows) * MILLI)
    entitlement = Entitlement(
        groups=as_int([due.sum()]), fellows=due, fluid=as_int(np.zeros((0, 4)))
    )
    model = AmountModel(problem)
    fair = FairRows(model, entitlement)
    goal = np.zeros(model.program.columns)
    goal[fair.lack] = fair.fellows_goal().weights[fair.lack]
    hours = model.places.units / MILLI
    goal[model.places.column] = rng.uniform(-0.2, 1.5, hours.size) * hours
    return model, fair, goal


def least(relaxation: Relaxation, goal: np.ndarray) -> float:
    """Return the least of a goal, infinite without a solution."""
    relaxation.aim(goal)
    vertex = relaxation.solve()
    return np.inf if vertex is None else vertex.objective


def least_of_all(model: AmountModel, goal: np.ndarray) -> float:
    """Return the least of a goal over everything that can be chosen, one by one."""
    best, relaxation = np.inf, model.relaxation(Effort())
    upper, places = relaxation.upper.copy(), model.places
    ways: list[list[list[int]]] = []
    for request, single in enumerate(model.problem.single_pool.tolist()):
        mine = places.column[model.places_of(request)].tolist()
        ways.append([[], *([each] for each in mine)] if single else [[], mine])
    for choice in product(*ways):
        for request, columns in enumerate(choice):
            relaxation.bound(int(model.funded[request]), *([float(bool(columns))] * 2))
            for column in places.column[model.places_of(request)].tolist():
                relaxation.bound(column, 0.0, float(upper[column]) * (column in columns))
        best = min(best, least(relaxation, goal))
    return best


def hulled(model: AmountModel, fair: FairRows, goal: np.ndarray, broken: np.ndarray) -> float:
    """Return the least of a goal when hulls have been added to a relaxation solved before."""
    relaxation = model.relaxation(Effort())
    least(relaxation, goal)
    assert Hulls(model, fair).add(broken)
    relaxation.extend()
    vertex = relaxation.solve()
    assert vertex is not None
    assert near(least(model.relaxation(Effort()), goal)) == vertex.objective
    return vertex.objective


def near(value: float) -> object:
    """Return what equals a value up to what codes may miss."""
    return pytest.approx(value, rel=CLOSE, abs=CLOSE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_with_supply_for_all_a_hull_is_the_best_of_all_choices(seed, single):
    """Nothing but the fellow's own choices matters, and of those the hull says everything."""
    model, fair, goal = rows_and_goal(seed, a_round(seed, fellows=1, gpus=PLENTY, single=single))
    best = least_of_all(model, goal)
    assert near(best) == hulled(model, fair, goal, np.arange(3))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([2, 4, 32]))
def test_hulls_leave_every_plan_and_are_no_looser(seed, single, most):
    """Where fellows compete the bound lies between the relaxation's and the best of all choices.

    So it does where too many choices would have to be told apart and some are not.
    """
    model, fair, goal = rows_and_goal(seed, a_round(seed, fellows=2, gpus=SCARCE, single=single))
    best, before = least_of_all(model, goal), least(model.relaxation(Effort()), goal)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hulls, "MOST_CHOICES", most)
        bound = hulled(model, fair, goal, np.array([0, 3]))
    slack = CLOSE * (1.0 + abs(best))
    assert before - slack <= bound <= best + slack


def test_a_hull_is_added_once():
    """The second time there is nothing to add, and so for fellows who are owed nothing."""
    model, fair, _ = rows_and_goal(0, a_round(0, fellows=2, gpus=SCARCE, single=False))
    added = Hulls(model, fair)
    assert added.add(np.array([0]))
    columns = model.program.columns
    assert not added.add(np.array([0, 1]))
    assert columns == model.program.columns
    assert added.add(np.array([2]))


def test_a_request_without_any_place_has_no_choice_to_tell_apart():
    """Its fellow's hull is that of the others."""
    problem = a_round(0, fellows=1, gpus=PLENTY, single=False)
    speed = problem.speed * (np.arange(3) != 1)[:, None]
    model, fair, goal = rows_and_goal(0, replace(problem, speed=speed))
    assert near(least_of_all(model, goal)) == hulled(model, fair, goal, np.arange(3))
