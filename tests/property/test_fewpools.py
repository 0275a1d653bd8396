"""Leximin over few pools, against exact rational programs, sequential programs and the checker."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.few_pools import gavel_like, many_levels
from benchmarks.sequential import sequential
from solver.checking.fewpools import (
    OWN_LIMIT,
    FewPoolsClaim,
    FewPoolsFault,
    FewPoolsRound,
    check_few_pools,
)
from solver.pricespace.leximin import FewPools, leximin
from tests import exact

Instance = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Draw a small round of small whole numbers, so that ties are many."""
    requests, pools = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    speed = st.sampled_from([0, 0, 1, 2, 3, 6])
    rows = st.lists(speed, min_size=pools, max_size=pools)
    few = st.integers(1, 4)
    return (
        np.array([draw(rows) for _ in range(requests)], dtype=float),
        np.array([draw(few) for _ in range(requests)], dtype=float),
        np.array([draw(few) for _ in range(requests)], dtype=float),
        np.array([draw(few) for _ in range(pools)], dtype=float),
    )


def exactly(instance: Instance) -> list[Fraction]:
    """Return the leximin by exact rational programs, one question per request."""
    speeds, gpus, weights, supply = (
        [*map(Fraction, each.reshape(-1).tolist())] for each in instance
    )
    requests, pools = instance[0].shape
    columns = requests * pools
    rows: list[exact.Row] = [
        ({r * pools + p: gpus[r] for r in range(requests)}, supply[p]) for p in range(pools)
    ]
    amounts: list[dict[int, Fraction]] = []
    for r in range(requests):
        own = range(r * pools, r * pools + pools)
        rows.append(({column: Fraction(1) for column in own}, Fraction(1)))
        mean = sum(speeds[r * pools + p] * supply[p] for p in range(pools)) / sum(supply)
        amounts.append({c: gpus[r] / (weights[r] * mean) * speeds[c] for c in own if speeds[c]})
    return exact.leximin(rows, amounts, [1] * requests, [0] * requests, columns)


def faults(instance: Instance, answer: FewPools) -> list[FewPoolsFault]:
    """Return what the checker says."""
    return check_few_pools(round_of(instance), claim_of(answer))


def round_of(instance: Instance) -> FewPoolsRound:
    """Return a round as the checker reads it."""
    speeds, gpus, weights, supply = (each.tolist() for each in instance)
    return FewPoolsRound(speeds=speeds, gpus=gpus, weights=weights, supply=supply)


def claim_of(answer: FewPools) -> FewPoolsClaim:
    """Return an answer as the checker reads it."""
    return FewPoolsClaim(
        amounts=answer.amounts.tolist(),
        shares=answer.shares.tolist(),
        prices=answer.prices.tolist(),
        kept_by=answer.kept_by.tolist(),
    )


@settings(max_examples=80, deadline=None)
@given(instances())
def test_amounts_are_the_exact_leximin_and_proved(instance: Instance) -> None:
    """Exact rational programs give the same amounts, and the checker accepts the proof."""
    answer = leximin(*instance)
    expected = [float(amount) for amount in exactly(instance)]
    assert expected == pytest.approx(answer.amounts.tolist(), rel=1e-9, abs=1e-12)
    assert faults(instance, answer) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("draw", [gavel_like, many_levels])
def test_who_wants_less_leaves_the_rest_to_the_others(draw, seed: int) -> None:
    """A limit of one's own ends a rise there, the lowest amount falls for nothing else; proved."""
    instance = draw(60, seed)
    free = leximin(*instance)
    most = np.full(60, np.inf)
    most[::3] = free.amounts[::3] * np.random.default_rng(seed).uniform(0.3, 1.5, 20)
    answer = leximin(*instance, most)
    least = np.minimum(free.amounts, most)
    assert (answer.amounts <= most * (1 + 1e-12)).all()
    assert answer.amounts.min() >= least.min() * (1 - 1e-9)
    round_ = replace(round_of(instance), most=most.tolist())
    assert check_few_pools(round_, claim_of(answer)) == []
    assert check_few_pools(round_, claim_of(free)) != []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("draw", [gavel_like, many_levels])
def test_sequential_programs_agree(draw, seed: int) -> None:
    """On rounds of one and of many levels GLOP, program by program, gives the same amounts."""
    instance = draw(60, seed)
    answer = leximin(*instance)
    assert sequential(instance).amounts.tolist() == pytest.approx(answer.amounts.tolist(), rel=1e-6)
    assert faults(instance, answer) == []


def test_many_levels_have_many() -> None:
    """The generator of many levels gives rounds with several events."""
    assert max(len(np.unique(leximin(*many_levels(60, seed)).kept_by)) for seed in range(6)) > 2


def test_no_more_events_than_pools() -> None:
    """Each event puts a price on a pool that had none."""
    for seed in range(6):
        answer = leximin(*many_levels(200, seed))
        assert len(answer.levels) <= 10
        assert (np.diff(answer.levels) >= 0).all()


@settings(max_examples=40, deadline=None)
@given(instances(), st.randoms(use_true_random=False))
def test_the_order_of_requests_and_pools_does_not_matter(instance: Instance, chance) -> None:
    """Relabelling requests and pools relabels the amounts."""
    speeds, gpus, weights, supply = instance
    rows = chance.sample(range(len(gpus)), len(gpus))
    columns = chance.sample(range(len(supply)), len(supply))
    other = leximin(speeds[rows][:, columns], gpus[rows], weights[rows], supply[columns])
    assert leximin(*instance).amounts[rows].tolist() == pytest.approx(
        other.amounts.tolist(), rel=1e-9, abs=1e-12
    )


def test_enough_for_all_gives_everyone_the_fastest_pool() -> None:
    """Where nothing is scarce each has all its time on its fastest pool, and no price proves it."""
    instance = np.array([[1.0, 2.0], [3.0, 1.0]]), np.ones(2), np.ones(2), np.array([5.0, 5.0])
    answer = leximin(*instance)
    assert answer.shares.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert answer.kept_by.tolist() == [OWN_LIMIT, OWN_LIMIT]


def test_a_request_without_a_speed_gets_nothing() -> None:
    """It has amount 0 and keeps nobody down."""
    instance = np.array([[0.0], [1.0], [1.0]]), np.ones(3), np.ones(3), np.array([1.0])
    answer = leximin(*instance)
    assert answer.amounts.tolist() == pytest.approx([0.0, 0.5, 0.5])
    assert faults(instance, answer) == []


def _less(answer: FewPools) -> FewPoolsClaim:
    lower = answer.amounts.copy()
    lower[0] *= 0.99
    return replace(claim_of(answer), amounts=lower.tolist())


def _all_less(answer: FewPools) -> FewPoolsClaim:
    claim = claim_of(answer)
    return replace(
        claim,
        amounts=(answer.amounts * 0.99).tolist(),
        shares=(answer.shares * 0.99).tolist(),
    )


def _swapped(answer: FewPools) -> FewPoolsClaim:
    shares = answer.shares.copy()
    shares[[0, 1]] = shares[[1, 0]]
    return replace(claim_of(answer), shares=shares.tolist())


def _free(answer: FewPools) -> FewPoolsClaim:
    return replace(claim_of(answer), prices=(answer.prices * 0.0).tolist())


def _owed_to_itself(answer: FewPools) -> FewPoolsClaim:
    return replace(claim_of(answer), kept_by=[OWN_LIMIT] * len(answer.kept_by))


def _unknown_event(answer: FewPools) -> FewPoolsClaim:
    return replace(claim_of(answer), kept_by=[len(answer.prices)] * len(answer.kept_by))


def _negative(answer: FewPools) -> FewPoolsClaim:
    return replace(claim_of(answer), prices=(-answer.prices).tolist())


@pytest.mark.parametrize(
    "tamper", [_less, _all_less, _swapped, _free, _owed_to_itself, _unknown_event, _negative]
)
def test_the_checker_refuses_what_was_tampered_with(tamper) -> None:
    """Amounts, shares, prices and events that do not prove a leximin are refused."""
    instance = many_levels(60, 1)
    assert check_few_pools(round_of(instance), tamper(leximin(*instance))) != []


@pytest.mark.parametrize(
    "wrong",
    [
        (np.ones((2, 2)), np.ones(3), np.ones(2), np.ones(2)),
        (np.ones((2, 2)), np.zeros(2), np.ones(2), np.ones(2)),
        (-np.ones((2, 2)), np.ones(2), np.ones(2), np.ones(2)),
        (np.ones((2, 2)), np.ones(2), np.ones(2), np.array([1.0, np.inf])),
    ],
)
def test_numbers_without_meaning_are_refused(wrong: Instance) -> None:
    """Axes that disagree, and speeds, GPUs or supplies out of range, are no round."""
    with pytest.raises(ValueError, match=r"disagree|above 0"):
        leximin(*wrong)
