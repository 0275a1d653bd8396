"""Reallocation in small rounds, against brute force: what is held stays, the line goes by rank."""

from functools import cache
from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduler.document import parse_document
from scheduler.formulate import Formulation, formulate
from scheduler.plan_file import plan_document
from scheduler.policy import find_policy, parse_policy
from scheduler.round_file import read_round
from solver.canonical import canonical
from solver.certificate import Documents, certificate
from solver.explain import explain
from solver.measures import measure
from solver.pipeline import solve
from solver.plan import Plan, SolveStatus
from solver.reasons import Outcome, Why
from solver.verify import verify
from tests.rounds import a_request, a_round

CUTTING = """
name = "cutting"
[select]
method = "reallocate"
[stability]
cut = "by_rank"
"""
HOURS = 4
"""GPU-hours that a slot of a pool has at most, in these rounds."""


@st.composite
def mid_rounds(draw: st.DrawFn, *, lost: bool) -> dict[str, Any]:
    """Draw a round in which up to three awards hold hours and up to three requests wait.

    Args:
        draw: of Hypothesis.
        lost: whether nodes may be lost, so that the supply no longer carries what is held.
    """
    slots, pools = draw(st.integers(1, 2)), ["a", "b"][: draw(st.integers(1, 2))]
    left = {(pool, slot): HOURS for pool in pools for slot in range(slots)}
    requests, awards = [], []
    for number in range(draw(st.integers(1, 3))):
        gang = draw(st.integers(1, 2))
        cells = []
        for place in draw(st.permutations(sorted(left)))[: draw(st.integers(1, 2))]:
            hours = min(gang * draw(st.integers(1, 2)), left[place] // gang * gang)
            if hours:
                left[place] -= hours
                cells.append([*place, hours])
        if cells:
            name, total = f"h{number}", sum(hours for _, _, hours in cells)
            row = {"gpu_hours": total, "minimum_gpu_hours": total, "guaranteed": True}
            requests.append(_asked(name, pools, slots, draw, gang_gpus=gang, **row))
            awards.append({"request": name, "cells": sorted(cells)})
    line = [f"w{number}" for number in range(draw(st.integers(0, 3)))]
    for name in line:
        least, more = draw(st.integers(1, 4)), draw(st.integers(0, 3))
        row = {"gpu_hours": least + more, "minimum_gpu_hours": least}
        requests.append(_asked(name, pools, slots, draw, **row))
    assume(requests)
    supply = {
        pool: [draw(st.integers(0, HOURS)) if lost else HOURS for _ in range(slots)]
        for pool in pools
    }
    reserve = [{"request": name, "rank": rank} for rank, name in enumerate(line, start=1)]
    return a_round(
        calendar={"starts_on": None, "slot_hours": 1, "slots": slots},
        pools=[
            {
                "id": pool,
                "gpu_type": pool,
                "nodes": 1,
                "gpus_per_node": HOURS,
                "supply_gpu_hours": supply[pool],
            }
            for pool in pools
        ],
        requests=requests,
        previous={"awards": awards, "reserve": reserve},
    )


def _asked(name: str, pools: list[str], slots: int, draw: st.DrawFn, **row: Any) -> dict[str, Any]:
    return a_request(
        id=name,
        fellow=draw(st.sampled_from(["f1", "f2"])),
        max_gpus=2 * HOURS,
        window=[0, slots],
        speeds=dict.fromkeys(pools, 1),
        score=draw(st.integers(0, 3)) * 10,
        **row,
    )


def solved(document: dict[str, Any], policy: str = "reallocation") -> tuple[Formulation, Plan]:
    """Solve a round and let the checker look at plan and certificate."""
    rules = parse_policy(CUTTING) if policy == "cutting" else find_policy(policy)
    formulation = formulate(read_round(document), rules)
    plan = solve(formulation.problem)
    if plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}:
        stated = plan_document(formulation, plan, measure(formulation.problem, plan), {})
        parts = Documents(round=document, policy=rules.document, plan=stated)
        proof = certificate(parts, plan, formulation.names)
        read = [parse_document(canonical(each)) for each in (document, stated, proof)]
        assert () == verify(*read).witnesses
    return formulation, plan


def stage(plan: Plan, name: str) -> tuple[float, float]:
    """Return objective and bound of a stage."""
    return next((each.objective, each.bound) for each in plan.stages if each.name == name)


def amounts(formulation: Formulation, plan: Plan) -> dict[str, int]:
    """Return GPU-hours by request."""
    found: dict[str, int] = {}
    for request, _, _, hours in plan.cells.tolist():
        name = formulation.names.requests[request]
        found[name] = found.get(name, 0) + hours
    return found


def least_moved(document: dict[str, Any]) -> int | None:
    """Return by brute force the fewest GPU-hours that must move; None where nothing fits."""
    held = {each["request"]: each["cells"] for each in document["previous"]["awards"]}
    supply = {
        (pool["id"], slot): hours
        for pool in document["pools"]
        for slot, hours in enumerate(pool["supply_gpu_hours"])
    }
    places = sorted(supply)
    asked = {each["id"]: each for each in document["requests"]}

    @cache
    def best(names: tuple[str, ...], left: tuple[int, ...]) -> float:
        if not names:
            return 0
        gang = asked[names[0]]["gang_gpus"]
        before = {(pool, slot): hours for pool, slot, hours in held[names[0]]}
        total, found = sum(before.values()), float("inf")
        for hours in product(*(range(0, free + 1, gang) for free in left)):
            if sum(hours) == total:
                gone = sum(
                    max(0, before.get(place, 0) - each)
                    for place, each in zip(places, hours, strict=True)
                )
                rest = tuple(free - each for free, each in zip(left, hours, strict=True))
                found = min(found, gone + best(names[1:], rest))
        return found

    found = best(tuple(sorted(held)), tuple(supply[place] for place in places))
    return None if found == float("inf") else int(found)


@settings(max_examples=60, deadline=None)
@given(mid_rounds(lost=False))
def test_nothing_moves_and_the_line_is_served_in_rank(document: dict[str, Any]) -> None:
    """Where the supply carries all, moved is 0 and proved; who is passed over fitted in no way."""
    formulation, plan = solved(document)
    got = amounts(formulation, plan)
    assert (0.0, 0.0) == stage(plan, "moved")
    for award in document["previous"]["awards"]:
        assert sum(hours for _, _, hours in award["cells"]) == got[award["request"]]
    free = sum(sum(pool["supply_gpu_hours"]) for pool in document["pools"])
    free -= sum(hours for each in document["previous"]["awards"] for _, _, hours in each["cells"])
    minimum = {each["id"]: each["minimum_gpu_hours"] for each in document["requests"]}
    asked = {each["id"]: each["gpu_hours"] for each in document["requests"]}
    told = {
        formulation.names.requests[each.request]: each for each in explain_all(formulation, plan)
    }
    for place in document["previous"]["reserve"]:
        name = place["request"]
        if name in got:
            free -= got[name]
            assert minimum[name] <= got[name] <= asked[name]
        else:
            (reason, *_) = told[name].reasons
            assert reason.why in {Why.PASSED_OVER, Why.NEVER_FITS}
            assert dict(reason.numbers)["minimum"] > dict(reason.numbers).get("left", 0)
            assert Outcome.RESERVE is told[name].outcome
            assert free < minimum[name]  # gangs of one, GPUs enough: nothing else is in the way


def explain_all(formulation: Formulation, plan: Plan) -> list[Any]:
    """Return all explanations."""
    return explain(formulation.problem, plan)


@settings(max_examples=40, deadline=None)
@given(mid_rounds(lost=True))
def test_lost_nodes_move_as_little_as_can_be(document: dict[str, Any]) -> None:
    """What moves is the least there is by brute force, and never less than the bound."""
    least = least_moved(document)
    _, plan = solved(document)
    if least is None:
        assert plan.status in {SolveStatus.INFEASIBLE, SolveStatus.UNKNOWN}
        return
    moved, bound = stage(plan, "moved")
    assert bound <= least == moved
    assert 0.0 == stage(plan, "cut")[0]


@settings(max_examples=40, deadline=None)
@given(mid_rounds(lost=True))
def test_a_rule_may_cut_what_no_supply_carries(document: dict[str, Any]) -> None:
    """With the rule there is always a plan; it cuts only where no plan keeps everything."""
    formulation, plan = solved(document, "cutting")
    assert plan.status in {SolveStatus.OPTIMAL, SolveStatus.FEASIBLE}
    cut = stage(plan, "cut")[0]
    assert (least_moved(document) is None) == (cut > 0)
    got = amounts(formulation, plan)
    held = {
        each["request"]: sum(hours for _, _, hours in each["cells"])
        for each in document["previous"]["awards"]
    }
    assert cut == sum(max(0, hours - got.get(name, 0)) for name, hours in held.items())


def test_the_order_of_a_line_is_part_of_the_round() -> None:
    """Two requests that differ in rank alone are told apart, whatever they are called."""
    waiting = [a_request(id=name, minimum_gpu_hours=40, max_gpus=6) for name in ("x", "y")]
    document = a_round(requests=waiting, previous={"awards": []})
    for first, second in (("x", "y"), ("y", "x")):
        line = [{"request": first, "rank": 1}, {"request": second, "rank": 2}]
        round_ = {**document, "previous": {"awards": [], "reserve": line}}
        formulation, plan = solved(round_)
        assert {first: 40} == amounts(formulation, plan)


def a_pool(name: str, *supply: int) -> dict[str, Any]:
    """Return a pool of four GPUs."""
    return {
        "id": name,
        "gpu_type": name,
        "nodes": 1,
        "gpus_per_node": HOURS,
        "supply_gpu_hours": list(supply),
    }


def test_those_drawn_make_room_for_the_next() -> None:
    """The first in line may lie in two pools, the second in one; both are funded."""
    for free_pool in ("a", "b"):
        first = a_request(id="w1", gpu_hours=4, minimum_gpu_hours=4, speeds={"a": 1, "b": 1})
        second = a_request(id="w2", gpu_hours=4, minimum_gpu_hours=4, speeds={free_pool: 1})
        line = [{"request": "w1", "rank": 1}, {"request": "w2", "rank": 2}]
        document = a_round(
            calendar={"starts_on": None, "slot_hours": 1, "slots": 2},
            pools=[a_pool("a", 4, 0), a_pool("b", 4, 0)],
            requests=[first, second],
            previous={"awards": [], "reserve": line},
        )
        assert {"w1": 4, "w2": 4} == amounts(*solved(document))


def test_a_shape_moves_whole() -> None:
    """A constant that lost its pool lies in the other one, as the same GPUs in every slot."""
    held = a_request(
        gpu_hours=4,
        minimum_gpu_hours=4,
        guaranteed=True,
        shape="constant",
        single_pool=True,
        speeds={"a": 1, "b": 1},
    )
    document = a_round(
        calendar={"starts_on": None, "slot_hours": 1, "slots": 2},
        pools=[a_pool("a", 4, 1), a_pool("b", 4, 4)],
        requests=[held],
        previous={"awards": [{"request": "r1", "cells": [["a", 0, 2], ["a", 1, 2]]}]},
    )
    formulation, plan = solved(document)
    cells = [
        (formulation.names.pools[pool], slot, hours) for _, pool, slot, hours in plan.cells.tolist()
    ]
    assert [("b", 0, 2), ("b", 1, 2)] == cells
    assert (4.0, 1.0) == stage(plan, "moved")
    assert SolveStatus.FEASIBLE is plan.status
