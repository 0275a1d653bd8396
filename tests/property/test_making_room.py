"""Making room for what first fit left out, against the linear program and the round's own rules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solver.fluid.chosen import ChosenModel, asked_of
from solver.fluid.first_fit import Fitted, first_fit
from solver.fluid.leximin import Terms
from solver.fluid.making_room import make_room
from solver.fluid.merging import Merged, merge, reach
from solver.problem import MILLI, FloatArray, IntArray, Problem, Rules, Unit
from tests.builders import a_problem
from tests.property.test_entitle import problems

NEAR = 1e-9
"""Part of a limit that floats may miss."""


def fitted_into(merged: Merged, agent: IntArray, wanted: FloatArray) -> tuple[Fitted, bool]:
    """Return what is taken in the end, and whether no supply is exceeded."""
    every = np.ones(merged.columns.cls.shape[0], dtype=np.bool_)
    places, fitted = first_fit(merged, agent, wanted, every)
    return fitted, make_room(places, fitted)


def assert_allowed(merged: Merged, hours: FloatArray) -> None:
    """Check supply, asks and slot limits, hour by hour."""
    columns = merged.columns
    used = np.zeros(merged.supply.shape)
    asked = np.zeros(merged.classes)
    at_once: dict[tuple[int, ...], float] = {}
    for k, taken in enumerate(hours.tolist()):
        c, p, s = (int(each[k]) for each in (columns.cls, columns.pool, columns.span))
        assert taken >= 0.0
        used[p, s] += taken
        asked[c] += taken * merged.speed[c, p] / MILLI
        shared = (c, s) if merged.joint[c] else (c, s, p)
        at_once[shared] = at_once.get(shared, 0.0) + taken
    assert (used <= merged.supply * (1.0 + NEAR) + NEAR).all()
    assert (asked <= merged.ask * (1.0 + NEAR) + NEAR).all()
    for (c, s, *_), taken in at_once.items():
        assert taken <= merged.limit[c] * merged.span_slots[s] * (1.0 + NEAR)


@settings(max_examples=150, deadline=None)
@given(problems(), st.integers(1, 8))
def test_what_finds_room_is_a_division_that_the_program_knows(
    problem: Problem, eighths: int
) -> None:
    """Where all finds room, every rule is kept and all is there; what is missing is said truly."""
    merged = merge(problem, problem.eligible)
    alone = np.bincount(problem.fellow, reach(problem), problem.fellows).astype(np.int64)
    asked = asked_of("fellow", alone, Terms(members={"fellow": merged.fellow}, least={}, most={}))
    parts = np.full(asked.scales.shape[0], eighths / 8)
    wanted = np.append(parts * asked.scales, 0.0)

    fitted, found = fitted_into(merged, asked.row, wanted)

    columns = merged.columns
    units = fitted.hours * merged.factor[columns.cls, columns.pool] / MILLI
    held = np.bincount(asked.row[columns.cls], units, wanted.shape[0])
    assert held + fitted.missing == pytest.approx(wanted, rel=NEAR, abs=NEAR)
    if found:
        assert_allowed(merged, fitted.hours)
    if found and not fitted.missing.any():
        every = np.arange(columns.cls.shape[0])
        cost = ChosenModel(merged, every, asked).solve(parts)[0].cost
        assert cost == pytest.approx(0.0, abs=1e-8)


def a_chain() -> Merged:
    """Return a round where all find room only if each passes on what it took first."""
    problem = a_problem(
        requests=4,
        pools=4,
        slots=1,
        supply=[[4000], [4000], [8000], [4000]],
        slot_hours=4000,
        ask=[4000, 8000, 8000, 4000],
        speed=[[1000, 1000, 0, 0], [0, 2000, 1000, 0], [0, 0, 1000, 2000], [1000, 1000, 0, 0]],
        rules=Rules(unit=Unit.REFERENCE_HOURS),
    )
    return merge(problem, problem.eligible)


def test_hours_are_passed_on_along_a_chain_at_other_speeds() -> None:
    """The fourth request takes a pool of the second, which moves, and so makes the third move."""
    merged = a_chain()
    fitted, found = fitted_into(merged, merged.fellow, np.append(merged.ask, 0).astype(np.float64))

    assert found
    assert not fitted.missing.any()
    assert [0, 0, 0, 0] == fitted.free.tolist()
    columns = merged.columns
    assert [(1, 2), (2, 3)] == [
        (int(columns.cls[k]), int(columns.pool[k]))
        for k in np.flatnonzero(fitted.hours)
        if columns.cls[k] in (1, 2)
    ]


def test_without_free_supply_nothing_is_claimed() -> None:
    """Where the chain ends in a pool that is too small, it is not said that all has room."""
    merged = a_chain()
    merged.supply[3] -= 10
    _, found = fitted_into(merged, merged.fellow, np.append(merged.ask, 0).astype(np.float64))

    assert not found
