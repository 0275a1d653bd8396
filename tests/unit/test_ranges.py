"""Ranges of the largest shortfall, against trying everything."""

from itertools import product

import numpy as np
import pytest

from solver.entitle import entitle
from solver.problem import MILLI, Problem, Rules, Shape, Tier
from solver.select import Search
from solver.stages import exact_objectives
from solver.tiers.aim import Aim, Found
from solver.tiers.model import RoundModel
from solver.tiers.program import Effort, solve_program
from solver.tiers.ranges import Ranges
from tests.builders import a_problem

GPUS = 8


def whole_servers(rng: np.random.Generator) -> Problem:
    """Return a round of eight requests in three groups, all or nothing, over one slot."""
    gpus = rng.integers(1, 5, 8)
    return a_problem(
        requests=8,
        slots=1,
        supply=[[GPUS * 10 * MILLI]],
        ask=gpus * 10 * MILLI,
        minimum=gpus * 10 * MILLI,
        gang=gpus,
        shape=[Shape.CONSTANT] * 8,
        score=rng.integers(1, 100, 8) * MILLI,
        fellow_group=np.concatenate([np.arange(3), rng.integers(0, 3, 5)]),
        rules=Rules(tiers=tuple(Tier), weights=tuple(rng.integers(1, 4, 3).tolist())),
    )


def most(problem: Problem) -> float:
    """Return the most of the weighted goal by trying everything."""
    entitlement, gpus = entitle(problem), problem.gang
    best = 0.0
    for chosen in product((0, 1), repeat=problem.requests):
        mine = np.flatnonzero(chosen)
        if gpus[mine].sum() <= GPUS:
            cells = np.stack([mine, 0 * mine, 0 * mine, gpus[mine] * 10], axis=1)
            reached = exact_objectives(problem, entitlement, cells.astype(np.int64))
            best = max(best, float(reached["weighted"]))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_ranges_of_the_largest_shortfall_bound_the_weighted_goal(seed):
    """No choice of all reaches more than their bound, which is nearer than the relaxation's."""
    problem = whole_servers(np.random.default_rng(seed))
    search = Search(
        RoundModel(problem), entitle(problem), gap=1e-3, effort=Effort(), report=lambda *_: None
    )
    assert search.fair is not None
    weights = search.weighted_goal().weights
    relaxed = solve_program(search.model.program, weights, Effort())
    found = Found(aim=Aim(weights=weights, factor=1.0, size=1.0, gap=1e-3), bound=-np.inf)
    Ranges(search.model, search.fair, found, Effort()).run()
    best = most(problem)
    assert type(found.bound) is float
    assert -found.objective <= best + 1e-6
    assert best - 1e-6 <= -found.bound
    assert -found.bound - best <= (-relaxed.bound - best) / 2
