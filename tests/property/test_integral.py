"""Small rounds on whole gang-hours: every tier is the best of all plans, found by trying all."""

from fractions import Fraction
from itertools import product
from math import prod

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from solver import integer_aims, integral
from solver.audit import is_lawful
from solver.integral import EFFORT, improve, is_small
from solver.pipeline import solve
from solver.plan import NO_CELLS, SolveStatus
from solver.problem import MILLI, IntArray, Merit, Problem, Rules, Shape, Tier, Unit, ValueOf
from solver.rights import rights
from solver.stages import exact_objectives, scales
from solver.tiers.program import Effort
from tests.builders import a_problem

SLIGHT = 2e-6
"""Shares of an entitlement are counted in millionths."""
MOST_PLANS = 1_500
FORMS = [
    {"tiers": tuple(Tier)},
    {"tiers": (Tier.VALUE,)},
    {"tiers": (Tier.FELLOWS, Tier.VALUE)},
    {"tiers": tuple(Tier), "weights": (500, 300, 200)},
    {"tiers": (Tier.GROUPS, Tier.VALUE), "weights": (1, 3)},
]
ALL_RULES = st.builds(
    lambda form, **others: Rules(**form, **others),
    form=st.sampled_from(FORMS),
    unit=st.sampled_from(Unit),
    merit=st.sampled_from(Merit),
    value_of=st.sampled_from(ValueOf),
)
MOST_WANTED = {"value", "weighted"}


@st.composite
def coarse_problems(draw: st.DrawFn) -> Problem:
    """Draw two or three requests for a supply of a few GPU-hours, one hour a slot."""
    count, pools, slots = draw(st.integers(2, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    supply = draw(st.lists(st.integers(0, 3), min_size=pools * slots, max_size=pools * slots))
    each = {"min_size": count, "max_size": count}
    ask = np.array(draw(st.lists(st.integers(1, 16), **each))) * MILLI // 2
    part = np.array(draw(st.lists(st.integers(0, 2), **each)))
    shape = np.array(draw(st.lists(st.sampled_from(Shape), **each)))
    length = np.where(shape == Shape.BLOCK, draw(st.integers(1, slots)), 0)
    speed = st.sampled_from([500, MILLI, 1_750])
    after = np.full(count, -1)
    after[-1] = draw(st.sampled_from([-1, -1, -1, 0]))
    return a_problem(
        requests=count,
        pools=pools,
        slots=slots,
        slot_hours=MILLI,
        supply=np.array(supply).reshape(pools, slots) * MILLI,
        charge=draw(st.lists(speed, min_size=pools, max_size=pools)),
        speed=[draw(st.lists(speed, min_size=pools, max_size=pools)) for _ in range(count)],
        ask=ask,
        minimum=ask * part // 2,
        gang=draw(st.lists(st.sampled_from([1, 1, 2]), **each)),
        max_gpus=[draw(st.integers(2, 4))] * count,
        shape=shape,
        block_slots=length,
        single_pool=draw(st.lists(st.booleans(), **each)),
        after=after,
        score=np.array(draw(st.lists(st.integers(0, 100), **each))) * MILLI,
        fellow=[0, *draw(st.lists(st.integers(0, 1), min_size=count - 1, max_size=count - 1))],
        rules=draw(ALL_RULES),
    )


def all_plans(problem: Problem) -> list[IntArray]:
    """Return the cells of every plan that keeps every rule."""
    places = [
        (request, pool, slot)
        for request, pool, slot in np.ndindex(problem.requests, problem.pools, problem.slots)
        if problem.supply[pool, slot] >= MILLI
    ]
    choices = [range(int(problem.supply[pool, slot]) // MILLI + 1) for _, pool, slot in places]
    assume(prod(len(each) for each in choices) <= MOST_PLANS)
    plans = []
    for hours in product(*choices):
        rows = [(*place, each) for place, each in zip(places, hours, strict=True) if each]
        cells = np.array(rows, dtype=np.int64).reshape(-1, 4)
        if is_lawful(problem, cells):
            plans.append(cells)
    return plans


@settings(max_examples=60, deadline=None)
@given(problem=coarse_problems())
def test_every_tier_is_the_best_of_all_plans(problem):
    """Tier after tier the plan reaches what the best of the plans left reaches, and proves it."""
    plans = all_plans(problem)
    entitlement = rights(problem) if problem.rules.is_fair else None
    found = improve(problem, entitlement, NO_CELLS, effort=EFFORT, seed=0)
    assert is_lawful(problem, found.cells)
    figures = [exact_objectives(problem, entitlement, cells) for cells in plans]
    reached = exact_objectives(problem, entitlement, found.cells)
    for tier in found.tiers:
        sign = -1 if tier.name in MOST_WANTED else 1
        best = min(sign * each[tier.name] for each in figures)
        room = Fraction(SLIGHT) * max(abs(best), 1)
        assert sign * reached[tier.name] <= best + room
        assert sign * tier.bound <= best + room
        assert sign * tier.bound >= sign * tier.objective - room
        figures = [each for each in figures if sign * each[tier.name] <= best + room]


@settings(max_examples=60, deadline=None)
@given(problem=coarse_problems(), data=st.data())
def test_branching_and_cutting_tells_the_best_of_all_plans(problem, data):
    """From any plan the mixed-integer program finds the best one, and bounds it there."""
    plans = all_plans(problem)
    entitlement = rights(problem) if problem.rules.is_fair else None
    model = integral.Arrangement(integral._task(problem, entitlement))
    aim = next(integer_aims.aims_of(model, entitlement))
    figures = [exact_objectives(problem, entitlement, cells)[aim.name] for cells in plans]
    model.cp.minimize(aim.least)
    integral._hint(model, data.draw(st.sampled_from(plans)))
    begun = integral.repeating_solver(0, 1.0, 1)
    begun.parameters.fix_variables_to_their_hinted_value = True
    known = integral._solved(model, begun)[0]._replace(bound=-(10**18))
    code = integral._Code(Effort(), scales(entitlement))
    found = integral._branched(model, aim, known, code)
    sign = -1 if aim.name in MOST_WANTED else 1
    best, near = min(sign * each for each in figures), sign * aim.read(code.near(aim, 0))
    room = max(abs(near), integral.NEAR * abs(best)) + Fraction(SLIGHT)
    assert sign * aim.read(found.objective) <= best + room
    assert best - room <= sign * aim.read(found.bound - aim.loose)
    assert sign * aim.read(found.bound - aim.loose) <= best + Fraction(SLIGHT)


@settings(max_examples=60, deadline=None)
@given(problem=coarse_problems())
def test_small_rounds_are_solved_to_the_end(problem):
    """Where supply is a few gang-hours, no gap is left that whole gang-hours explain."""
    assert is_small(problem)
    assert SolveStatus.OPTIMAL is solve(problem).status
