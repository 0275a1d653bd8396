"""The lottery: replayable, uniform, blind to names beyond the draw, and checked turn by turn."""

import copy
import hashlib
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler.formulate import formulate
from scheduler.plan_file import plan_document
from scheduler.policy import read_policy
from scheduler.round_file import read_round
from solver.canonical import digest
from solver.certificate import Documents, certificate
from solver.draw import draw_key, draw_order, seal
from solver.lottery import Band, bands, hand_out
from solver.measures import measure
from solver.pipeline import solve
from solver.plan import Plan, SolveStatus, awarded_reference
from solver.problem import MILLI, Lottery, Method, Rules
from solver.verify import verify
from tests.builders import a_problem
from tests.plans import as_parsed
from tests.rounds import Document, a_request, a_round, rounds
from tests.rules import broken_rules

POLICY: Document = {
    "name": "drawn",
    "select": {"method": "lottery"},
    "lottery": {"top_score": 80, "bottom_score": 20},
}
CRITICAL_23_DEGREES = 49.728
"""The value that χ² with 23 degrees of freedom exceeds once in a thousand times."""


def _solved(round_: Document, seed: int, policy: Document = POLICY) -> tuple[Document, Document]:
    """Return plan and certificate of a round, as read back from their files."""
    found = _answer(round_, seed, policy)
    assert found is not None, "the round has a plan"
    return found


def _answer(
    round_: Document, seed: int, policy: Document = POLICY
) -> tuple[Document, Document] | None:
    """Return plan and certificate of a round that may have none."""
    parsed, stated = as_parsed(round_), as_parsed(policy)
    formulation = formulate(read_round(parsed), read_policy(stated))
    plan = solve(formulation.problem, seed=seed)
    if plan.status not in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE):
        return None
    written = as_parsed(plan_document(formulation, plan, measure(formulation.problem, plan), {}))
    documents = Documents(round=parsed, policy=stated, plan=written)
    return written, as_parsed(certificate(documents, plan, formulation.names))


def _rivals(count: int, **changes: Any) -> Document:
    """Return a round in which one request fits and `count` ask for the same."""
    asks = [
        a_request(id=f"r{at}", gpu_hours=60, minimum_gpu_hours=60, score=50) | changes
        for at in range(count)
    ]
    return a_round(requests=asks)


def test_the_draw_is_sha256_of_seed_and_label() -> None:
    """Anyone with a SHA-256 can say where a request stands."""
    expected = hashlib.sha256(b"dure-draw/1\n7\nR-217").hexdigest()
    assert expected == draw_key(7, "R-217")
    assert hashlib.sha256(b"dure-seed/1\npepper\n7").hexdigest() == seal(7, "pepper")


@given(
    seed=st.integers(0, 2**31 - 1),
    labels=st.sets(st.text(max_size=4), max_size=12),
    more=st.sets(st.text(max_size=4), max_size=4),
)
def test_the_order_of_two_depends_on_nobody_else(
    seed: int, labels: set[str], more: set[str]
) -> None:
    """Whoever joins, those who were there keep their order."""
    joined = [each for each in draw_order(seed, labels | more) if each in labels]
    assert draw_order(seed, labels) == joined


def test_every_order_is_as_likely_as_any_other() -> None:
    """Over 24,000 seeds the 24 orders of four labels pass the χ² test at one in a thousand."""
    labels, seeds = ("R-1", "R-2", "R-3", "R-4"), 24_000
    counts = dict.fromkeys(permutations(labels), 0)
    for seed in range(seeds):
        counts[tuple(draw_order(seed, labels))] += 1
    mean = seeds / len(counts)
    assert sum((each - mean) ** 2 / mean for each in counts.values()) < CRITICAL_23_DEGREES


def test_only_who_is_drawn_first_wins_what_one_can_have() -> None:
    """Of equals who want the whole supply the first of the draw has it, under every seed."""
    round_ = _rivals(5)
    labels = [each["id"] for each in round_["requests"]]
    for seed in range(12):
        plan, _ = _solved(round_, seed)
        assert [draw_order(seed, labels)[0]] == [each["request"] for each in plan["awards"]]


def test_the_best_band_goes_by_score_and_the_lowest_gets_nothing() -> None:
    """A better score in the top band beats any draw; below the bottom nobody is funded."""
    round_ = _rivals(4)
    for request, score in zip(round_["requests"], (81, 90, 50, 19), strict=True):
        request["score"] = score
        request["minimum_gpu_hours"] = request["gpu_hours"] = 25
    for seed in range(6):
        plan, _ = _solved(round_, seed)
        assert ["r0", "r1"] == sorted(each["request"] for each in plan["awards"])[:2]
        assert "r3" not in [each["request"] for each in plan["awards"]]


def test_parts_keep_equals_together() -> None:
    """A score is in the top band only where all that have it or a better one fit into the part."""
    rules = Rules(method=Method.LOTTERY, lottery=Lottery(by_part=True, top=400_000, bottom=200_000))
    score = np.array([90, 80, 80, 50, 10]) * MILLI
    found = bands(a_problem(5, score=score, rules=rules))
    assert [Band.TOP, Band.MIDDLE, Band.MIDDLE, Band.MIDDLE, Band.LOWEST] == found.tolist()


def test_a_track_has_one_budget() -> None:
    """What a track's requests receive together stays within its share of the supply."""
    round_ = _rivals(4, minimum_gpu_hours=5, track="health")
    policy = POLICY | {"tracks": {"health": {"cap_share": 0.5}}}
    plan, proof = _solved(round_, 3, policy)
    assert 30 == sum(each["service_units"] for each in plan["awards"])
    assert verify(as_parsed(round_), plan, proof).holds


@settings(max_examples=60, deadline=None)
@given(document=rounds(), seed=st.integers(0, 2**31 - 1))
def test_every_lottery_keeps_every_rule_and_is_checked(document: Document, seed: int) -> None:
    """Whatever the round, what was drawn is lawful and the checker finds that turns were kept."""
    found = _answer(document, seed)
    assume(found is not None)
    plan, proof = found
    verdict = verify(as_parsed(document), plan, proof)
    assert [] == [each.text for each in verdict.witnesses]
    assert {"lowest_band", "turns"} <= {each.rule for each in verdict.rules}


@settings(max_examples=60, deadline=None)
@given(document=rounds(), seed=st.integers(0, 2**31 - 1), data=st.data())
def test_names_matter_by_the_draw_alone(document: Document, seed: int, data: st.DataObject) -> None:
    """New labels that are drawn in the order of the old ones change nothing but the labels."""
    old = [each["id"] for each in document["requests"]]
    fresh = data.draw(
        st.lists(
            st.text("abcxyz", min_size=3, max_size=9),
            min_size=len(old),
            max_size=len(old),
            unique=True,
        )
    )
    new_of = dict(zip(draw_order(seed, old), draw_order(seed, fresh), strict=True))
    relabelled = copy.deepcopy(document)
    for each in relabelled["requests"]:
        each["id"] = new_of[each["id"]]
        if each.get("after") is not None:
            each["after"] = new_of[each["after"]]
    relabelled["requests"].reverse()
    found = _answer(document, seed)
    assume(found is not None)
    (before, _), (after, _) = found, _solved(relabelled, seed)
    assert {new_of[each["request"]]: each["cells"] for each in before["awards"]} == {
        each["request"]: each["cells"] for each in after["awards"]
    }


def test_the_checker_refuses_a_plan_that_skips_the_draw() -> None:
    """A lawful plan for another winner than the drawn one breaks the rule of turns."""
    round_ = _rivals(4)
    winners = {}
    for seed in range(12):
        plan, _ = _solved(round_, seed)
        winners.setdefault(plan["awards"][0]["request"], (seed, plan))
    (seed, _), (_, other) = list(winners.values())[:2]
    forged = other | {"seed": seed}
    assert ["turns"] == _broken(round_, forged)


def test_the_checker_refuses_the_lowest_band() -> None:
    """A plan that funds a score below the bottom breaks the rule of the lowest band."""
    round_ = _rivals(2)
    high, _ = _solved(round_, 0)
    for request in round_["requests"]:
        request["score"] = 10
    forged = high | {"round": {"id": round_["id"], "digest": digest(as_parsed(round_))}}
    assert "lowest_band" in _broken(round_, forged)


def _broken(round_: Document, plan: Document) -> list[str]:
    """Return the rules that a plan breaks under a certificate made out for it."""
    parsed, stated = as_parsed(round_), as_parsed(POLICY)
    formulation = formulate(read_round(parsed), read_policy(stated))
    solved = Plan(status=SolveStatus.FEASIBLE, cells=np.zeros((0, 4), dtype=np.int64), seed=0)
    proof = certificate(
        Documents(round=parsed, policy=stated, plan=plan), solved, formulation.names
    )
    found = verify(parsed, plan, as_parsed(proof)).witnesses
    return sorted({each.rule for each in found} - {"measures", "stages"})


def test_a_large_round_ends() -> None:
    """2,000 requests of three minimums and two pools are handed out, each placed a few times."""
    count = 2_000
    rules = Rules(method=Method.LOTTERY, lottery=Lottery(by_part=True, top=250_000, bottom=250_000))
    problem = a_problem(
        count,
        2,
        slots=8,
        supply=np.full((2, 8), 9_000 * MILLI),
        ask=np.arange(count) % 90 * MILLI + 10 * MILLI,
        minimum=np.arange(count) % 3 * 4 * MILLI,
        score=np.arange(count) * 7 % 100 * MILLI,
        rules=rules,
        tickets=tuple(f"r{at}" for at in range(count)),
    )
    cells, _ = hand_out(problem, 5)
    assert [] == broken_rules(problem, cells)
    assert 0 < (awarded_reference(problem, cells) > 0).sum() < count


def test_a_lottery_without_tickets_is_our_mistake() -> None:
    """Without labels nothing can be drawn."""
    with pytest.raises(ValueError, match="ticket"):
        hand_out(a_problem(rules=Rules(method=Method.LOTTERY)), 1)
