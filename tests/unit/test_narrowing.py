"""What groups can hold at all, and the least largest shortfall between that and the supply."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from solver.entitle import entitle
from solver.plan import Limit
from solver.problem import MILLI, Problem, Rules, Shape, Tier, as_int
from solver.select import select
from solver.tiers.attainable import attainable
from solver.tiers.branching import Settled
from solver.tiers.fairness_rows import FairRows
from solver.tiers.model import RoundModel
from solver.tiers.narrowing import narrow
from solver.tiers.program import Effort
from tests.builders import a_problem

FAIR = Rules(tiers=(Tier.GROUPS,))


def whole_servers(asks: list[int], groups: list[int]) -> Problem:
    """Return a round of all-or-nothing constants on one pool of eight GPUs for one slot."""
    return a_problem(
        requests=len(asks),
        slots=1,
        ask=[each * 10 * MILLI for each in asks],
        minimum=[each * 10 * MILLI for each in asks],
        shape=[Shape.CONSTANT] * len(asks),
        fellow_group=groups,
        rules=FAIR,
    )


def test_a_group_holds_sums_of_whole_awards_and_nothing_between():
    """Two and three GPUs make 0, 2, 3 or 5, here as shares of what is due."""
    model = RoundModel(whole_servers([2, 3], [0, 0]))
    amounts = attainable(model, 0, 100.0 * MILLI)
    assert pytest.approx([0.0, 0.2, 0.3, 0.5]) == amounts.starts.tolist()
    assert pytest.approx(0.3) == amounts.from_on(0.25)
    assert pytest.approx(0.2) == amounts.below(0.3)
    assert np.isinf(amounts.from_on(0.51))


def test_a_flexible_request_holds_anything_from_its_minimum_on():
    """Between minimum and ask nothing is left out."""
    problem = a_problem(requests=1, ask=[100 * MILLI], minimum=[40 * MILLI], rules=FAIR)
    amounts = attainable(RoundModel(problem), 0, 100.0 * MILLI)
    assert pytest.approx(0.4) == amounts.from_on(0.1)
    assert pytest.approx(0.7) == amounts.from_on(0.7)


def test_whole_gang_hours_bound_what_a_flexible_request_can_hold():
    """Past the ask goes one gang-hour on the fastest pool used, and a request holds no more."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        gang, ask = int(rng.integers(1, 3)), int(rng.integers(1, 5_000))
        speed, charge = rng.integers(300, 2_001, 2), rng.integers(200, 2_001, 2)
        problem = a_problem(
            requests=1,
            pools=2,
            slots=1,
            ask=[ask],
            gang=[gang],
            speed=[speed],
            charge=charge,
            single_pool=[bool(rng.integers(0, 2))],
            rules=FAIR,
        )
        sums = [
            gang * (a * charge[0] + b * charge[1])
            for a, b in product(range(30), repeat=2)
            if (a + b) * gang <= 80
            and (not (a and b) or not problem.single_pool[0])
            and gang * (a * speed[0] + b * speed[1])
            < ask + gang * max(speed[0] * (a > 0), speed[1] * (b > 0))
        ]
        most = attainable(RoundModel(problem), 0, 1e9).ends[-1] * 1e9
        assert max(sums) == pytest.approx(most)


def least_worst(problem: Problem) -> float:
    """Return the least largest shortfall by trying everything."""
    due = entitle(problem).groups
    gpus = problem.ask // (10 * MILLI)
    best = 1.0
    for chosen in product((0, 1), repeat=problem.requests):
        used = gpus * np.array(chosen)
        if used.sum() <= 8:
            held = np.bincount(problem.group, used * 10 * MILLI, minlength=problem.groups)
            best = min(best, float(np.maximum(1.0 - held / due, 0.0).max()))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_the_least_largest_shortfall_is_found_and_proved(seed):
    """On whole servers it is what trying every choice finds, and the bound says the same."""
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(3), rng.integers(0, 3, 5)]).tolist()
    problem = whole_servers(rng.integers(1, 5, 8).tolist(), groups)
    selection = select(
        problem, entitle(problem), gap=1e-4, effort=Effort(nodes=500), report=lambda *_: None
    )
    tier = selection.tiers[0]
    assert pytest.approx(least_worst(problem), abs=1e-4) == tier.objective
    assert pytest.approx(tier.objective, abs=1e-4) == tier.bound


def test_what_no_gang_hours_make_up_is_known_to_be_lacked():
    """Fluid hours fill an ask of 2.5 hours on a pool whose gang-hours are 2: whole ones lack."""
    problem = a_problem(
        requests=1, slots=1, ask=[2_500], minimum=[2_500], gang=[2], speed=[[MILLI]], rules=FAIR
    )
    due = replace(entitle(problem), groups=as_int([6_000]), fellows=as_int([6_000]))
    selection = select(problem, due, gap=1e-4, effort=Effort(), report=lambda *_: None)
    assert pytest.approx(1 / 3) == selection.tiers[0].bound


class Undecided:
    """An engine whose searches end at their limit with nothing; counts them."""

    searches = 0

    def cap(self, columns, upper):
        """Take note of nothing."""

    def possible(self):
        """Exclude nothing."""
        return True

    def settle(self, *_):
        """Search for nothing."""
        self.searches += 1
        return Settled(values=None, bound=-np.inf, limit=Limit.WORK)


def test_searches_that_end_at_their_limit_are_not_tried_for_ever():
    """After two that say neither yes nor no the plan at hand is the answer, with its bound."""
    problem = whole_servers([2, 3, 3], [0, 1, 1])
    fair = FairRows(RoundModel(problem), entitle(problem))
    values = np.zeros(fair.program.columns)
    values[fair.shortfall] = 1.0
    engine = Undecided()
    narrowed = narrow(engine, fair, values, 1e-4)
    assert engine.searches == 2
    assert narrowed.high == 1.0
    assert narrowed.low < 1.0
