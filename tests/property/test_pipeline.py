"""Every plan obeys every rule, and no plan beats a bound: checked by trying all of them."""

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from api.solving import Question, answer, written
from scheduler.document import parse_document
from scheduler.formulate import formulate
from scheduler.policy import find_policy, presets
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.pipeline import Limits, solve
from solver.plan import SolveStatus
from solver.problem import MILLI, Merit, Problem, Rules, Shape, Tier, ValueOf
from solver.stages import objectives
from solver.verify import verify
from tests.builders import a_problem
from tests.rounds import Document, rounds

POLICIES = presets()


@st.composite
def ruled_rounds(draw: st.DrawFn) -> Document:
    """Draw a small round with guarantees, vetoes, chains, floors, caps and tracks."""
    document = draw(rounds())
    requests = document["requests"]
    document["tracks"] = [{"id": "k", "floor_gpu_hours": draw(st.sampled_from([0, 0, 3]))}]
    for group in document["groups"]:
        group["floor_gpu_hours"] = draw(st.sampled_from([0, 0, 0, 2]))
        if draw(st.booleans()):
            group["cap_gpu_hours"] = draw(st.integers(4, 30))
        group["institute"] = draw(st.sampled_from(["north", "south"]))
    for fellow in document["fellows"]:
        if draw(st.booleans()):
            fellow["cap_gpu_hours"] = draw(st.integers(2, 30))
    for index, request in enumerate(requests):
        flag = draw(st.sampled_from([None, None, None, "guaranteed", "pinned", "vetoed"]))
        if flag is not None:
            request[flag] = True
        if draw(st.booleans()):
            request["track"] = "k"
        if index and draw(st.integers(0, 3)) == 0:
            request["after"] = requests[draw(st.integers(0, index - 1))]["id"]
    return document


def broken_rules(document: Document, policy: str) -> list[str]:
    """Solve, write, read back and check a round; return what the checker says."""
    raw = canonical(document)
    formulation = formulate(read_round(parse_document(raw)), find_policy(policy))
    question = Question(formulation=formulation, seed=0, gap=0.001, limits=Limits())
    solution = answer(question, lambda _: None)
    if not solution.is_plan:
        return []
    documents = (raw, written(solution.document), written(solution.certificate))
    verdict = verify(*(parse_document(each) for each in documents))
    return [witness.text for witness in verdict.witnesses]


@settings(max_examples=30, deadline=None)
@given(document=rounds(), policy=st.sampled_from(POLICIES))
def test_the_checker_is_silent_on_every_plan(document, policy):
    """Whatever the round and the policy, the plan keeps every rule and every stated figure."""
    assert [] == broken_rules(document, policy)


@settings(max_examples=30, deadline=None)
@given(document=ruled_rounds(), policy=st.sampled_from(POLICIES))
def test_the_checker_is_silent_when_rules_pile_up(document, policy):
    """Guarantees, vetoes, chains, floors, caps and tracks are kept, or the round is refused."""
    assert [] == broken_rules(document, policy)


@st.composite
def one_slot_problems(draw: st.DrawFn, **changes: Any) -> Problem:
    """Draw up to four requests on one pool in one slot of ten hours."""
    count = draw(st.integers(1, 4))
    gang = np.array(draw(st.lists(st.sampled_from([1, 2, 4]), min_size=count, max_size=count)))
    ask = np.array(draw(st.lists(st.integers(1, 20), min_size=count, max_size=count))) * MILLI // 2
    part = np.array(draw(st.lists(st.sampled_from([0, 1, 2]), min_size=count, max_size=count)))
    score = draw(st.lists(st.integers(1, 100), min_size=count, max_size=count))
    fellow = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    fellow -= fellow.min()
    return a_problem(
        requests=count,
        slots=1,
        supply=[[draw(st.integers(0, 14)) * MILLI]],
        ask=ask,
        minimum=ask * part // 2,
        gang=gang,
        score=np.array(score) * MILLI,
        fellow=fellow,
        **changes,
    )


def all_plans(problem: Problem) -> list[np.ndarray]:
    """Return the cells of every plan that keeps minimum, ask, gang and supply."""
    choices = []
    for request in range(problem.requests):
        gang, ask = int(problem.gang[request]), int(problem.ask[request])
        least, most = int(problem.minimum[request]), int(problem.max_gpus[request]) * 10
        hours = range(gang, min(most, (ask - 1) // MILLI + gang) + 1, gang)
        choices.append([0, *(each for each in hours if least <= each * MILLI < ask + gang * MILLI)])
    supply = int(problem.supply[0, 0]) // MILLI
    plans = (each for each in product(*choices) if sum(each) <= supply)
    return [
        np.array([(r, 0, 0, each) for r, each in enumerate(plan) if each], dtype=np.int64).reshape(
            -1, 4
        )
        for plan in plans
    ]


@settings(max_examples=40, deadline=None)
@given(problem=one_slot_problems(rules=Rules(tiers=(Tier.VALUE,))))
def test_value_is_the_best_of_all_plans(problem):
    """No plan has more value than the bound, and one called optimal has as much as any."""
    best = max(objectives(problem, None, cells)["value"] for cells in all_plans(problem))
    plan = solve(problem)
    stage = next(each for each in plan.stages if each.name == "value")
    assert stage.bound >= best * (1 - 1e-6)
    assert stage.objective <= best * (1 + 1e-9)
    if plan.status is SolveStatus.OPTIMAL:
        assert stage.objective >= best * (1 - 0.0011)


@settings(max_examples=40, deadline=None)
@given(problem=one_slot_problems())
def test_no_plan_falls_less_short_than_the_bound_says(problem):
    """The bound on the worst group's shortfall holds for every plan there is."""
    plan = solve(problem)
    stage = next(each for each in plan.stages if each.name == "groups")
    best = min(
        objectives(problem, plan.entitlement, cells)["groups"] for cells in all_plans(problem)
    )
    assert stage.bound <= best + 1e-6
    assert stage.objective >= best - 1e-9


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_weighted_goal_is_the_best_of_all_plans(data):
    """No plan attains more than the bound; one called optimal attains as much as any."""
    tiers = tuple(data.draw(st.sampled_from([tuple(Tier), tuple(Tier)[:2], tuple(Tier)[1:]])))
    weights = tuple(data.draw(st.integers(1, 5)) for _ in tiers)
    value_of = data.draw(st.sampled_from(list(ValueOf)))
    rules = Rules(tiers=tiers, weights=weights, value_of=value_of)
    problem = data.draw(one_slot_problems(rules=rules))
    plan = solve(problem)
    stage = next(each for each in plan.stages if each.name == "weighted")
    best = max(
        objectives(problem, plan.entitlement, cells)["weighted"] for cells in all_plans(problem)
    )
    assert stage.bound >= best - 1e-6
    assert stage.objective <= best + 1e-9
    if plan.status is SolveStatus.OPTIMAL:
        assert stage.objective >= best * (1 - 0.0011)


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_a_pool_each_reaches_the_best_of_all_plans(data):
    """Where requests pick one of two pools no plan beats the bound, none is beaten if optimal."""
    count = data.draw(st.integers(1, 3))
    ask = np.array([data.draw(st.integers(1, 6)) for _ in range(count)])
    least = np.array([data.draw(st.sampled_from([0, each // 2, each])) for each in ask.tolist()])
    supply = [data.draw(st.integers(0, 7)) for _ in range(2)]
    problem = a_problem(
        requests=count,
        pools=2,
        slots=1,
        supply=np.array(supply).reshape(2, 1) * MILLI,
        ask=ask * MILLI,
        minimum=least * MILLI,
        score=np.array([data.draw(st.integers(1, 100)) for _ in range(count)]) * MILLI,
        single_pool=[1] * count,
        rules=Rules(tiers=(Tier.VALUE,)),
    )
    options = [
        [(0, 0), *((p, h) for p in (0, 1) for h in range(max(low, 1), most + 1))]
        for low, most in zip(least.tolist(), ask.tolist(), strict=True)
    ]
    best = 0.0
    for choice in product(*options):
        used = np.zeros(2, dtype=np.int64)
        for pool, hours in choice:
            used[pool] += hours
        if (used <= supply).all():
            cells = np.array([(r, p, 0, h) for r, (p, h) in enumerate(choice) if h], dtype=np.int64)
            best = max(best, objectives(problem, None, cells.reshape(-1, 4))["value"])
    plan = solve(problem)
    stage = next(each for each in plan.stages if each.name == "value")
    assert stage.objective - 1e-9 <= best <= stage.bound * (1 + 1e-6)
    if plan.status is SolveStatus.OPTIMAL:
        assert stage.objective >= best * (1 - 0.0011)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_constants_reach_the_best_of_all_plans(data):
    """On whole-server rounds the optimum of brute force is found and proved."""
    count = data.draw(st.integers(1, 4))
    first = [data.draw(st.integers(0, 2)) for _ in range(count)]
    end = [data.draw(st.integers(start + 1, 3)) for start in first]
    gpus = [4 * data.draw(st.integers(1, 3)) for _ in range(count)]
    ask = [10 * MILLI * g * (e - s) for g, s, e in zip(gpus, first, end, strict=True)]
    problem = a_problem(
        requests=count,
        pools=2,
        slots=3,
        supply=np.full((2, 3), 80 * MILLI),
        ask=ask,
        minimum=ask,
        gang=[4] * count,
        max_gpus=gpus,
        first=first,
        end=end,
        shape=[Shape.CONSTANT] * count,
        single_pool=[1] * count,
        rules=Rules(tiers=(Tier.VALUE,), merit=Merit.NONE),
    )
    best = Fraction(0)
    for choice in product((-1, 0, 1), repeat=count):
        used = np.zeros((2, 3), dtype=np.int64)
        for request, pool in enumerate(choice):
            if pool >= 0:
                used[pool, first[request] : end[request]] += gpus[request]
        if (used <= 8).all():
            worth = sum(a for a, pool in zip(ask, choice, strict=True) if pool >= 0)
            best = max(best, Fraction(worth, MILLI))
    plan = solve(problem)
    stage = next(each for each in plan.stages if each.name == "value")
    assert float(best) == stage.objective
    assert SolveStatus.OPTIMAL is plan.status
