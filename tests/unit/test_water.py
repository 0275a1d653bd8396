"""Questions to the flow of a round."""

import numpy as np
import pytest

from benchmarks.rounds_like import Temper, big_round
from solver.fluid.leximin import FINEST, Cut, Terms
from solver.fluid.merging import merge
from solver.fluid.water import ShortageFlow
from solver.problem import IntArray, Problem


def a_flow(problem: Problem, totals: IntArray) -> ShortageFlow:
    """Return the flow of a round whose groups hold totals."""
    merged = merge(problem, problem.eligible)
    terms = Terms(members={}, least={}, most={})
    flow = ShortageFlow(merged, problem.fellow_group, problem.groups, terms, FINEST)
    flow.share(totals)
    return flow


def sides(cuts: list[Cut]) -> list[tuple[list[int], int]]:
    """Return whom cuts bind and what they leave them."""
    return [(cut.agents.tolist(), cut.room) for cut in cuts]


@pytest.mark.parametrize("seed", range(6))
def test_an_answer_does_not_depend_on_questions_before(seed: int) -> None:
    """Fellows rise and fall within what their groups hold; a new network says the same of them."""
    size = {"requests": 60, "pools": 8, "slots": 6, "fellows": 15, "groups": 3}
    problem = big_round(Temper.BOTTLENECKS, seed, **size)
    rng = np.random.default_rng(seed)
    supply = int((problem.supply.sum(axis=1) * problem.charge).sum()) // 1000
    totals = rng.integers(supply // 40, supply // 6, 3) * FINEST
    known, answers = a_flow(problem, totals), []
    for _ in range(12):
        part = rng.random(15) * rng.random()
        of_group = np.bincount(problem.fellow_group, part, 3)[problem.fellow_group]
        wanted = totals[problem.fellow_group] * (rng.random() * part / of_group)
        amounts = wanted.astype(np.int64)
        answers.append(sides(known.cuts(amounts)))
        assert sides(a_flow(problem, totals).cuts(amounts)) == answers[-1]
    assert known.work == 12
    assert any(answers)
    assert not all(answers)
