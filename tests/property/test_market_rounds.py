"""Rounds of few pools without a time axis: found among prices, proved by ordinary levels."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solver.fewpools
from benchmarks.few_pools import gavel_like, many_levels
from scheduler.policy import parse_policy
from solver.checking.duality import check_levels
from solver.checking.stakes import stakes
from solver.entitle import entitle, fellow_weights, group_weights
from solver.plan import Entitlement
from solver.problem import MILLI, NO_CAP, GroupWeight, Problem, Rules, Unit
from solver.verify import verify
from tests.builders import a_problem
from tests.exact import entitlements
from tests.plain import claimed, plain_round
from tests.proofs import prove
from tests.rounds import a_round

GAINS = 'name = "gains"\n[fairness]\nunit = "reference_hours"\n'
SPEEDS = st.sampled_from([0, 0, 800, 1000, 1600, 2000, 4000])


@st.composite
def markets(draw: st.DrawFn, *, small: bool = False) -> Problem:
    """Draw a round of one ask per group in which nothing tells the slots apart."""
    requests, pools, slots = (
        draw(st.integers(1, most)) for most in ((4, 2, 1) if small else (6, 3, 2))
    )

    def some(values: st.SearchStrategy[int], length: int) -> list[int]:
        return draw(st.lists(values, min_size=length, max_size=length))

    supply = np.array(some(st.sampled_from([0, 1, 3, 8, 20, 60]), pools)) * MILLI
    speed = np.array([some(SPEEDS, pools) for _ in range(requests)])
    speed[speed.max(axis=1) == 0, 0] = MILLI
    return a_problem(
        requests,
        pools,
        slots,
        supply=np.repeat(supply[:, None], slots, axis=1),
        slot_hours=5 * MILLI,
        max_gpus=some(st.integers(1, 4), requests),
        ask=[MILLI * ask for ask in some(st.integers(0, 60), requests)],
        speed=speed,
        group_weight=some(st.sampled_from([0, 500, 1000, 2000, 3000]), requests),
        group_cap=some(st.sampled_from([NO_CAP, NO_CAP, NO_CAP, 6000, 17000]), requests),
        fellow_cap=some(st.sampled_from([NO_CAP, NO_CAP, 5000]), requests),
        rules=Rules(unit=Unit.REFERENCE_HOURS, group_weight=draw(st.sampled_from(GroupWeight))),
    )


def drawn(instance: tuple[np.ndarray, ...], seed: int = 0) -> Problem:
    """Return an instance of the few-pools generators as a round; a third asks for less."""
    speeds, gpus, weights, supply = instance
    speed = np.maximum(np.round(speeds / speeds.max() * 4 * MILLI), speeds > 0)
    most = gpus * 720 * speed.max(axis=1)
    rng = np.random.default_rng(seed)
    part = np.where(rng.random(gpus.shape[0]) < 1 / 3, rng.uniform(0.2, 0.9, gpus.shape[0]), 2.0)
    return a_problem(
        gpus.shape[0],
        supply.shape[0],
        1,
        supply=(supply * 720 * MILLI)[:, None],
        slot_hours=720 * MILLI,
        max_gpus=gpus,
        ask=np.maximum(most * part, 1),
        speed=speed,
        group_weight=weights * MILLI,
        rules=Rules(unit=Unit.REFERENCE_HOURS),
    )


def by_program(problem: Problem) -> Entitlement:
    """Return what linear programs find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.entitle.is_few_pools", lambda _merged, _group: False)
        return entitle(problem)


def by_prices(problem: Problem) -> Entitlement:
    """Return what the prices give, having made sure that nothing else was asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.entitle._Entitling._program", None)
        return entitle(problem)


def faults(problem: Problem, answer: Entitlement) -> list[Any]:
    """Return what the checker says of the levels."""
    return check_levels(stakes(plain_round(problem)), claimed(answer), answer.levels)


@settings(max_examples=60, deadline=None)
@given(markets())
def test_prices_and_programs_agree_and_the_levels_prove_it(problem: Problem) -> None:
    """Prices give what linear programs give, and ordinary levels prove it."""
    answer = by_prices(problem)
    assert by_program(problem).groups.tolist() == pytest.approx(answer.groups.tolist(), abs=1)
    assert answer.groups.tolist() == answer.fellows.tolist()
    assert faults(problem, answer) == []


@settings(max_examples=25, deadline=None)
@given(markets(small=True))
def test_prices_give_the_exact_leximin(problem: Problem) -> None:
    """Exact rational programs, one question per agent, give the same amounts."""
    weights = group_weights(problem).tolist(), fellow_weights(problem).tolist()
    exact = [float(amount) for amount in entitlements(problem, *weights)[0]]
    assert exact == pytest.approx(by_prices(problem).groups.tolist(), abs=1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("draw", [gavel_like, many_levels])
def test_bigger_rounds_agree_too(draw: Any, seed: int) -> None:
    """Rounds of one and of many levels get the amounts of the programs, to the thousandth."""
    problem = drawn(draw(80, seed), seed)
    answer = by_prices(problem)
    assert by_program(problem).groups.tolist() == pytest.approx(answer.groups.tolist(), abs=1)
    assert faults(problem, answer) == []


@settings(max_examples=30, deadline=None)
@given(markets())
def test_the_division_keeps_the_supply_and_gives_the_amounts(problem: Problem) -> None:
    """What the prices lead to can be had, and everyone gets the entitlement but for rounding."""
    answer = by_prices(problem)
    r, p, t, hours = answer.fluid.T
    used, got = np.zeros_like(problem.supply), np.zeros(problem.fellows, dtype=np.int64)
    np.add.at(used, (p, t), hours)
    np.add.at(got, problem.fellow[r], hours * problem.speed[r, p])
    assert (used <= problem.supply).all()
    rounding = problem.pools * problem.slots * 4
    assert np.abs(got // MILLI - answer.fellows).max() <= rounding + 2


def test_who_is_kept_to_the_free_pool_has_a_level_of_its_own() -> None:
    """Two who cannot pay for the fast pool rise on the free one, each to its own end."""
    problem = a_problem(
        4,
        2,
        1,
        supply=[[8000], [90000]],
        speed=[[1000, 0], [1000, 0], [4000, 1000], [4000, 2000]],
        ask=[90000] * 4,
        max_gpus=[1] * 4,
        rules=Rules(unit=Unit.REFERENCE_HOURS),
    )
    answer = by_prices(problem)
    assert answer.groups.tolist() == [4000, 4000, 10000, 20000]
    assert [float(level.value) for level in answer.levels][:3] == [4.0, 10.0, 20.0]
    assert faults(problem, answer) == []


def test_programs_take_over_where_the_search_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that the prices do not prove is not used."""
    problem = drawn(gavel_like(12))
    expected = entitle(problem).groups.tolist()
    found = solver.fewpools.leximin

    def wrong(*given: np.ndarray) -> Any:
        answer = found(*given)
        answer.amounts[0] *= 0.5
        return answer

    monkeypatch.setattr("solver.fewpools.leximin", wrong)
    assert entitle(problem).groups.tolist() == pytest.approx(expected, abs=1)


def test_a_round_in_a_file_is_solved_by_prices_and_verified() -> None:
    """The door is open to files: the certificate of such a round holds, a changed one does not."""
    names = [f"g{n}" for n in range(6)]
    pools = [
        {
            "id": pool,
            "gpu_type": pool,
            "nodes": 2,
            "gpus_per_node": 4,
            "supply_gpu_hours": [hours] * 2,
        }
        for pool, hours in (("a", 30), ("b", 50))
    ]
    requests = [
        {
            "id": f"r{n}",
            "fellow": f"f-{group}",
            "gpu_hours": 60,
            "max_gpus": 2 + n % 3,
            "window": [0, 2],
            "speeds": {"a": 1 + n / 4, "b": 0.5},
        }
        for n, group in enumerate(names)
    ]
    round_ = a_round(
        groups=[{"id": name, "weight": 1 + n % 2} for n, name in enumerate(names)],
        fellows=[{"id": f"f-{name}", "group": name} for name in names],
        pools=pools,
        requests=requests,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.entitle._Entitling._program", None)
        proof = prove(round_, parse_policy(GAINS).document)
    assert proof is not None
    assert verify(proof.round, proof.plan, proof.certificate).holds
    priced = next(level for level in proof.certificate["levels"] if level["prices"])
    priced["prices"][0][3] = "1/7"
    assert not verify(proof.round, proof.plan, proof.certificate).holds
