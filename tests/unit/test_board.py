"""The scenario board: what its figures mean, on scenarios made by hand and by chance."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.export.board import (
    MOST_POINTS,
    Best,
    at_part,
    board_of_plans,
    front,
    lorenz,
    price_of_fairness,
    thinned,
    without_requests,
)
from scheduler.round_file import read_round
from tests.plans import a_plan, as_parsed
from tests.rounds import Document, a_request, a_round

SHARES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2), st.integers(1, 1000), min_size=1, max_size=8
)


def _stage(name: str, objective: float, bound: float) -> Document:
    size = max(abs(objective), abs(bound), 1)
    return {
        "name": name,
        "status": "feasible",
        "objective": objective,
        "bound": bound,
        "gap": abs(bound - objective) / size,
        "limit": "none",
        "work": 0,
    }


def _round() -> Document:
    """Three requests of two groups, with scores 70, 60 and 50."""
    return as_parsed(
        a_round(
            requests=[
                a_request(),
                a_request(id="r2", fellow="f2", score=60),
                a_request(id="r3", fellow="f2", score=50),
            ]
        )
    )


def _plans() -> list[tuple[str, Document, float | None]]:
    """A plan that keeps entitlements, and one that wants value alone."""
    round_ = _round()
    fair = a_plan(
        round_,
        {"r1": [("a", 0, 30)], "r2": [("a", 1, 30)]},
        entitlements={"groups": {"g1": 30, "g2": 30}, "fellows": {"f1": 30, "f2": 30}},
        stages=[_stage("groups", 0, 0), _stage("value", 3900, 3900)],
    )
    best = a_plan(
        round_,
        {"r1": [("a", 0, 30), ("a", 1, 10)], "r3": [("a", 1, 20)]},
        stages=[_stage("value", 3800, 4200)],
    )
    return [("fair", fair, 1.0), ("best", best, None)]


def _board(**options: Any) -> Document:
    return board_of_plans(read_round(_round()), _plans(), **options)


def test_gains_and_losses_are_against_the_base() -> None:
    """The same two scenarios tell the opposite when the other one is the base."""
    (told,), (other,) = _board()["differences"], _board(base="best")["differences"]
    assert ("best", "fair") == (told["name"], told["against"])
    assert [["r3", 20.0], ["r1", 10.0]] == told["gains"]
    assert [["r2", -30.0]] == told["losses"]
    assert {"g1": 10.0, "g2": -10.0} == told["groups"]
    assert told["losses"] == [[name, -hours] for name, hours in other["gains"]]


def test_every_scenario_is_held_against_the_same_entitlements() -> None:
    """The worst group's share is of the entitlements that some policy gave."""
    fair, best = _board()["scenarios"]
    assert (1.0, pytest.approx(20 / 30)) == (fair["worst_group_share"], best["worst_group_share"])


def test_the_price_of_fairness_is_an_interval() -> None:
    """The best value lies between the plan that was found and its bound, and so does the loss."""
    assert {"policy": "best", "value": 3800.0, "bound": 4200.0} == _board()["best"]
    fair, best = _board()["scenarios"]
    assert {"least": 0.0, "most": pytest.approx(1 - 3900 / 4200)} == fair["price_of_fairness"]
    assert {"least": pytest.approx(1 - 3800 / 3800), "most": pytest.approx(1 - 3800 / 4200)} == (
        best["price_of_fairness"]
    )


@given(value=st.integers(0, 10**6), found=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_the_price_holds_whatever_the_best_is(value: int, found: int, more: int) -> None:
    """For every best value between a plan and its bound the price lies inside the interval."""
    price = price_of_fairness(value, Best(name="x", value=found, bound=found + more))
    for truth in (max(found, value), max(found + more, value)):
        part = 1 - value / truth if truth else 0.0
        assert price.least - 1e-12 <= part <= price.most + 1e-12


@given(received=SHARES, rights=SHARES)
def test_a_lorenz_curve_rises_ever_steeper(
    received: dict[str, int], rights: dict[str, int]
) -> None:
    """From nothing to everything, below the diagonal, convex."""
    curve = lorenz(received, rights)
    assert ([0.0, 0.0], [1.0, 1.0]) == (curve[0], curve[-1])
    assert all(y <= x + 1e-12 for x, y in curve)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(curve) if b[0] > a[0]]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(slopes))


@given(rights=SHARES, per_unit=st.integers(1, 9))
def test_equal_shares_are_the_diagonal(rights: dict[str, int], per_unit: int) -> None:
    """Where everybody receives as much per unit of entitlement nobody lies below."""
    received = {name: right * per_unit for name, right in rights.items()}
    assert all(Fraction(x) == Fraction(y) for x, y in lorenz(received, rights))


def test_a_long_curve_is_told_in_a_hundred_steps() -> None:
    """The points kept lie on the curve."""
    rights = {str(at): 1.0 for at in range(1000)}
    curve = lorenz({name: float(at) for at, name in enumerate(rights)}, rights)
    short = thinned(curve)
    assert MOST_POINTS + 1 == len(short)
    assert all(point == at_part(curve, point[0]) for point in short)


def test_the_front_leaves_out_who_is_beaten_in_both() -> None:
    """A point stays where nobody has as much of both and more of one."""
    points = {"fair": (1.0, 5.0), "rich": (0.2, 9.0), "poor": (0.2, 4.0), "twin": (1.0, 5.0)}
    assert ["fair", "rich", "twin"] == front(points)


def test_a_board_without_requests_counts_them() -> None:
    """Who may not see names is told how many gain and lose, and nothing of single requests."""
    (told,) = without_requests(_board())["differences"]
    assert (2, 1) == (told["gains"], told["losses"])
