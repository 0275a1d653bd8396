"""Explanations: every request has a reason with its numbers, in two languages."""

from dataclasses import replace
from string import Formatter
from typing import Any

import numpy as np
import pytest

from scheduler.domain.messages import Language
from scheduler.export.sentences import CONFLICTS, HEADINGS, REASONS
from scheduler.export.wording import Wording
from scheduler.formulate import Names
from solver.explain import explain
from solver.plan import Conflict, Entitlement, Plan, SolveStatus
from solver.problem import MILLI, Lottery, Method, Problem, Rules, Shape, Unit, as_int
from solver.reasons import Explanation, Outcome, Why
from solver.stages import reserve
from tests.builders import a_problem


def a_plan(problem: Problem, cells: list[list[int]], entitled: list[int] | None = None) -> Plan:
    """Return a plan with these cells; entitlements are one per group and fellow."""
    entitlement = None
    if entitled is not None:
        entitlement = Entitlement(
            groups=as_int(entitled), fellows=as_int(entitled), fluid=np.zeros((0, 4), np.int64)
        )
    rows = as_int(sorted(cells)).reshape(len(cells), 4)
    funded = set(rows[:, 0].tolist())
    waiting = np.flatnonzero(problem.eligible).tolist()
    return Plan(
        status=SolveStatus.FEASIBLE,
        cells=rows,
        reserve=tuple(each for each in waiting if each not in funded),
        entitlement=entitlement,
    )


def whys(explanation: Explanation) -> list[Why]:
    """Return the codes of the reasons."""
    return [reason.why for reason in explanation.reasons]


DRAWN = Rules(method=Method.LOTTERY, lottery=Lottery(top=80_000, bottom=20_000))
GOING_ON = Rules(method=Method.REALLOCATE)
FULL = [[1, 0, slot, 80] for slot in range(4)]
CASES: list[tuple[Why, dict[str, Any], list[list[int]], list[int] | None]] = [
    (Why.ASK_REACHED, {}, [[0, 0, 0, 80], [0, 0, 1, 20]], None),
    (Why.VETOED, {"vetoed": [1, 0]}, [], None),
    (Why.NEVER_FITS, {"minimum": [90_000, 0], "end": [1, 4]}, [], None),
    (Why.NEVER_FITS, {"gang": [100, 1], "max_gpus": [100, 8]}, [], None),
    (Why.PREDECESSOR, {"after": [1, -1]}, [], None),
    (Why.FELLOW_CAP, {"fellow_cap": [50_000, -1]}, [[0, 0, 0, 50]], None),
    (Why.GROUP_CAP, {"group_cap": [50_000, -1]}, [[0, 0, 0, 50]], None),
    (
        Why.INSTITUTE_CAP,
        {"fellow_institute": [0, -1], "institute_cap": [50_000]},
        [[0, 0, 0, 50]],
        None,
    ),
    (Why.TRACK_CAP, {"track": [0, -1], "track_cap": [50_000]}, [[0, 0, 0, 50]], None),
    (Why.OWN_LIMIT, {"end": [1, 4]}, [[0, 0, 0, 80]], None),
    (
        Why.SUPPLY_FULL,
        {"ask": [100_000, 300_000]},
        [[0, 0, 0, 80], *[[1, 0, slot, 80] for slot in (1, 2, 3)]],
        None,
    ),
    (
        Why.SINGLE_POOL,
        {
            "pools": 2,
            "single_pool": [1, 0],
            "supply": [[80_000] * 4, [20_000, 0, 0, 0]],
        },
        [[0, 0, 0, 60], *[[1, 0, slot, 80] for slot in (1, 2, 3)], [1, 0, 0, 20]],
        None,
    ),
    (
        Why.WHOLE_SHAPE,
        {"shape": [Shape.CONSTANT, 0], "ask": [200_000, 100_000]},
        [*[[0, 0, slot, 40] for slot in range(4)], [1, 0, 3, 40]],
        None,
    ),
    (Why.MINIMUM_ABOVE_REST, {"minimum": [50_000, 0], "ask": [100_000, 320_000]}, FULL, None),
    (
        Why.OUTRANKED,
        {"minimum": [50_000, 0], "ask": [100_000, 320_000], "score": [40_000, 60_000]},
        FULL,
        None,
    ),
    (
        Why.LOWEST_BAND,
        {"rules": DRAWN, "tickets": ["a", "b"], "score": [10_000, 60_000]},
        FULL,
        None,
    ),
    (Why.DRAWN_LATE, {"rules": DRAWN, "tickets": ["a", "b"]}, FULL, None),
    (Why.FELLOW_SHARE, {}, [[0, 0, 0, 50]], [50_000, 50_000]),
    (Why.GROUP_SHARE, {}, [[0, 0, 0, 50]], [50_000, 50_000]),
    (Why.MINIMUM_ABOVE_SHARE, {"minimum": [60_000, 0]}, [], [50_000, 50_000]),
    (Why.GOALS_FIRST, {}, [], None),
    (Why.HELD, {"rules": GOING_ON, "previous": [[0, 0, 0, 80]]}, [[0, 0, 1, 80]], None),
    (Why.CUT, {"rules": GOING_ON, "previous": [[0, 0, 0, 80]]}, [[0, 0, 0, 40]], None),
    (
        Why.PASSED_OVER,
        {"rules": GOING_ON, "line": [0, 1], "minimum": [90_000, 0], "end": [2, 4]},
        [[1, 0, 0, 80], [1, 0, 1, 20]],
        None,
    ),
]


@pytest.mark.parametrize(("why", "changes", "cells", "entitled"), CASES)
def test_each_reason(
    why: Why, changes: dict[str, Any], cells: list[list[int]], entitled: list[int] | None
) -> None:
    """Each rule that binds is named as a reason of the request that it binds."""
    problem = a_problem(**changes)
    assert why in whys(explain(problem, a_plan(problem, cells, entitled))[0])


def test_every_reason_has_a_case() -> None:
    """No reason is left without a case above."""
    assert {why for why, *_ in CASES} | {Why.BEYOND_RESERVE} == set(Why)


def test_who_stands_behind_the_reserve_list_is_declined_and_told() -> None:
    """The list ends at a tenth of what is awarded, by score; the rest is declined with its end."""
    problem = a_problem(
        requests=4,
        ask=[320_000, 100_000, 100_000, 100_000],
        minimum=[0, 20_000, 10_000, 10_000],
        score=[90_000, 80_000, 70_000, 60_000],
    )
    cells = [[0, 0, slot, 80] for slot in range(4)]
    plan = replace(a_plan(problem, cells), reserve=reserve(problem, None, as_int(cells)))
    found = explain(problem, plan)
    assert plan.reserve == (1, 2)
    assert [each.rank for each in found] == [0, 1, 2, 0]
    assert found[3].outcome is Outcome.DECLINED
    assert Why.BEYOND_RESERVE in whys(found[3])
    assert Why.BEYOND_RESERVE not in whys(found[2])


def test_outcomes_and_ranks() -> None:
    """Funded, waiting and declined requests say so, with a rank where they wait."""
    problem = a_problem(requests=3, vetoed=[0, 0, 1])
    found = explain(problem, a_plan(problem, [[0, 0, 0, 80]]))
    assert [each.outcome for each in found] == [
        Outcome.FUNDED,
        Outcome.RESERVE,
        Outcome.DECLINED,
    ]
    assert [each.rank for each in found] == [0, 1, 0]


def test_the_numbers_of_a_full_pool() -> None:
    """A request that finds its window full is told supply, rest, minimum and what was left."""
    problem = a_problem(minimum=[50_000, 0], ask=[100_000, 320_000])
    reason = explain(problem, a_plan(problem, FULL))[0].reasons[0]
    assert dict(reason.numbers) == {
        "minimum": 50 * MILLI,
        "left": 0,
        "supply": 320 * MILLI,
        "free": 0,
    }
    assert reason.pools == (0,)


NAMES = Names(
    requests=("R-1", "R-2"),
    fellows=("kim", "lee"),
    groups=("LLM", "space"),
    institutes=("KAIST",),
    tracks=("industry",),
    pools=("h200", "b200"),
)
WORDING = Wording(names=NAMES, unit=Unit.SERVICE_UNITS)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize(("why", "changes", "cells", "entitled"), CASES)
def test_each_reason_has_a_text(
    why: Why,
    changes: dict[str, Any],
    cells: list[list[int]],
    entitled: list[int] | None,
    language: Language,
) -> None:
    """Every explanation becomes complete sentences in both languages."""
    problem = a_problem(**changes)
    explanation = explain(problem, a_plan(problem, cells, entitled))[0]
    lines = WORDING.explanation_lines(explanation, language)
    assert len(lines) == len(explanation.reasons) + (1 if entitled is None else 2)
    assert "R-1" in lines[0]
    assert all(line.endswith(".") for line in lines)
    document = WORDING.explanation_document(problem, explanation)
    assert why.value in {reason["code"] for reason in document["reasons"]}
    assert document["gpu_hours"]["asked"] == explanation.asked / MILLI


def test_an_explanation_in_words() -> None:
    """The sentences name thing, value and rule."""
    problem = a_problem(minimum=[50_000, 0], ask=[100_000, 320_000])
    explanation = explain(problem, a_plan(problem, FULL))[0]
    assert WORDING.explanation_lines(explanation, Language.ENGLISH) == [
        (
            "Request R-1: none of the 100 GPU-hours asked are awarded; it is number 1 on the "
            "reserve list (minimum 50, score 50)."
        ),
        (
            "Of the 320 GPU-hours of its pools (h200) in its window 0 are left; it could use 0, "
            "less than its minimum of 50."
        ),
    ]


def test_both_languages_use_the_same_fields() -> None:
    """A Korean sentence states the same figures as the English one."""
    for sentence in (*REASONS.values(), *CONFLICTS.values(), *HEADINGS.values()):
        fields = [
            {name for _, name, _, _ in Formatter().parse(text) if name}
            for text in (sentence.ko, sentence.en)
        ]
        assert fields[0] == fields[1]


def test_a_conflict_in_words() -> None:
    """A conflict names the request, what is guaranteed and what there is."""
    conflict = Conflict(
        code="guarantee_beyond_reach",
        requests=(0,),
        pools=(0,),
        numbers=(("minimum", 1_200_000), ("reach", 1_000_000)),
    )
    assert WORDING.conflict_text(conflict, Language.ENGLISH) == (
        "Request R-1 is guaranteed 1,200 GPU-hours; alone in its pools (h200) and window it "
        "reaches 1,000."
    )
    document = WORDING.conflict_document(conflict)
    assert document["numbers"] == {"minimum": 1200, "reach": 1000}
    assert "R-1" in document["text"]["ko"]
