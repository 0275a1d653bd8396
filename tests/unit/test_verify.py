"""The checker: silent on honest plans, and one witness for every way to cheat."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from solver.verify import verify
from tests.plans import Cells, a_plan, as_parsed
from tests.rounds import Document, a_request, a_round

HONEST: Cells = {"r1": [("a", 0, 20), ("a", 1, 20)], "r2": [("a", 0, 10), ("a", 1, 10)]}


def broken_rules(round_: Document, plan: Document) -> set[str]:
    """Return the names of the rules that a plan breaks."""
    verdict = verify(as_parsed(round_), plan)
    assert verdict.holds == (not verdict.witnesses)
    return {witness.rule for witness in verdict.witnesses}


def test_an_honest_plan_holds() -> None:
    """A plan that keeps every rule leaves no witness, and every rule says how often it looked."""
    verdict = verify(as_parsed(a_round()), a_plan(a_round(), HONEST))
    assert verdict.witnesses == ()
    assert verdict.holds
    counts = {rule.rule: rule.checks for rule in verdict.rules}
    assert counts["supply"] == 2
    assert counts["windows"] == 4
    assert all(rule.meaning.startswith("Forbids") for rule in verdict.rules)


def test_the_checker_needs_no_library() -> None:
    """A fresh interpreter that imports the checker has loaded the standard library alone."""
    script = (
        "import sys; import solver.verify; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} "
        "- set(sys.stdlib_module_names) - {'solver', '__main__'}))"
    )
    command = [sys.executable, "-S", "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def with_requests(*requests: Document, **changes: Any) -> Document:
    """Return the small round with other requests."""
    return a_round(requests=list(requests), **changes)


TWO_POOLS = [
    {
        "id": name,
        "gpu_type": name,
        "nodes": 1,
        "gpus_per_node": 4,
        "su_per_gpu_hour": charge,
        "supply_gpu_hours": [30, 30],
    }
    for name, charge in (("a", 1), ("b", 1.6))
]
BOTH = {"a": 1, "b": 1}

CASES: list[tuple[str, Document, Cells]] = [
    ("pools", a_round(pools=TWO_POOLS), {"r1": [("a", 0, 20), ("b", 0, 10)]}),
    ("windows", with_requests(a_request(window=[0, 1])), {"r1": [("a", 1, 20)]}),
    ("gangs", with_requests(a_request(gang_gpus=4)), {"r1": [("a", 0, 18)]}),
    ("supply", a_round(), {"r1": [("a", 0, 20)], "r2": [("a", 0, 11)]}),
    ("max_gpus", with_requests(a_request(max_gpus=2)), {"r1": [("a", 0, 21)]}),
    (
        "max_gpus",
        with_requests(a_request(speeds=BOTH, max_gpus=2), pools=TWO_POOLS),
        {"r1": [("a", 0, 11), ("b", 0, 10)]},
    ),
    ("minimum", a_round(), {"r1": [("a", 0, 9)]}),
    ("ask", with_requests(a_request(gpu_hours=39)), {"r1": [("a", 0, 20), ("a", 1, 20)]}),
    (
        "single_pool",
        with_requests(a_request(speeds=BOTH, single_pool=True), pools=TWO_POOLS),
        {"r1": [("a", 0, 10), ("b", 0, 10)]},
    ),
    (
        "block",
        with_requests(a_request(shape="block", block_slots=2)),
        {"r1": [("a", 0, 20)]},
    ),
    (
        "block",
        with_requests(a_request(shape="block", block_slots=2)),
        {"r1": [("a", 0, 20), ("a", 1, 10)]},
    ),
    (
        "block",
        with_requests(a_request(shape="block", block_slots=2)),
        {"r1": [("a", 0, 15), ("a", 1, 15)]},
    ),
    (
        "block",
        with_requests(a_request(shape="block", block_slots=2, speeds=BOTH), pools=TWO_POOLS),
        {"r1": [("a", 0, 10), ("b", 1, 10)]},
    ),
    ("constant", with_requests(a_request(shape="constant")), {"r1": [("a", 0, 20)]}),
    (
        "constant",
        with_requests(a_request(shape="constant")),
        {"r1": [("a", 0, 20), ("a", 1, 10)]},
    ),
    ("guarantees", with_requests(a_request(guaranteed=True)), {}),
    ("guarantees", with_requests(a_request(pinned=True)), {}),
    ("vetoes", with_requests(a_request(vetoed=True)), {"r1": [("a", 0, 20)]}),
    (
        "after",
        with_requests(a_request(), a_request(id="r2", fellow="f2", after="r1")),
        {"r2": [("a", 0, 20)]},
    ),
    (
        "after",
        with_requests(a_request(), a_request(id="r2", fellow="f2", after="r1")),
        {"r1": [("a", 0, 15)], "r2": [("a", 0, 15)]},
    ),
    (
        "caps",
        a_round(groups=[{"id": "g1", "cap_gpu_hours": 19}, {"id": "g2"}]),
        {"r1": [("a", 0, 20)]},
    ),
    (
        "caps",
        a_round(
            fellows=[
                {"id": "f1", "group": "g1", "cap_gpu_hours": 19.5},
                {"id": "f2", "group": "g2"},
            ]
        ),
        {"r1": [("a", 0, 20)]},
    ),
    (
        "caps",
        with_requests(a_request(track="x"), tracks=[{"id": "x", "cap_gpu_hours": 19}]),
        {"r1": [("a", 0, 20)]},
    ),
    (
        "floors",
        a_round(groups=[{"id": "g1", "floor_gpu_hours": 40}, {"id": "g2"}]),
        {"r1": [("a", 0, 20), ("a", 1, 19)]},
    ),
    (
        "floors",
        with_requests(a_request(track="x"), tracks=[{"id": "x", "floor_gpu_hours": 50}]),
        {"r1": [("a", 0, 20), ("a", 1, 19)]},
    ),
]


@pytest.mark.parametrize(("rule", "round_", "cells"), CASES)
def test_each_rule_of_a_plan(rule: str, round_: Document, cells: Cells) -> None:
    """A plan that breaks one rule of the contract is refused by exactly that rule."""
    assert broken_rules(round_, a_plan(round_, cells)) == {rule}


def test_a_floor_reaches_as_far_as_its_requests() -> None:
    """A floor above what the group's requests can take counts only so far."""
    round_ = a_round(groups=[{"id": "g1", "floor_gpu_hours": 500}, {"id": "g2"}])
    assert broken_rules(round_, a_plan(round_, {"r1": [("a", 0, 20), ("a", 1, 20)]})) == set()


def test_an_ask_between_gang_hours_may_be_rounded_up() -> None:
    """Cells may pass the ask by less than a gang-hour; the award then states the ask."""
    round_ = with_requests(a_request(gang_gpus=4, gpu_hours=38.5))
    plan = a_plan(round_, {"r1": [("a", 0, 20), ("a", 1, 20)]})
    assert broken_rules(round_, plan) == set()
    assert float(plan["awards"][0]["gpu_hours"]) == 38.5


def test_blocks_and_constants_hold() -> None:
    """A block in one pool and a constant over its window are accepted."""
    round_ = with_requests(
        a_request(shape="block", block_slots=1),
        a_request(id="r2", fellow="f2", shape="constant", max_gpus=1),
    )
    plan = a_plan(round_, {"r1": [("a", 1, 20)], "r2": [("a", 0, 10), ("a", 1, 10)]})
    assert broken_rules(round_, plan) == set()


Tamper = Callable[[Document], object]

TAMPERS: list[tuple[str, Tamper]] = [
    ("formats", lambda plan: plan.update(extra=1)),
    ("formats", lambda plan: plan.pop("seed")),
    ("formats", lambda plan: plan.update(schema="dure-plan/2")),
    ("formats", lambda plan: plan["awards"][0].update(cells=[["a", 0]])),
    ("formats", lambda plan: plan["awards"][0].update(cells=[["a", 0, -20]])),
    ("formats", lambda plan: plan["awards"][0].update(gpu_hours="40")),
    ("formats", lambda plan: plan.update(measures={})),
    ("digests", lambda plan: plan["round"].update(digest="f" * 64)),
    ("names", lambda plan: plan["awards"][0].update(request="r9")),
    ("names", lambda plan: plan["awards"][0]["cells"][0].__setitem__(0, "z")),
    ("names", lambda plan: plan["awards"][0]["cells"][0].__setitem__(1, 2)),
    ("names", lambda plan: plan["reserve"].append({"request": "r9", "rank": 1})),
    ("names", lambda plan: plan["entitlements"].update(groups={"g9": 1})),
    ("cells", lambda plan: plan["awards"][0]["cells"].append(["a", 0, 1])),
    ("cells", lambda plan: plan["awards"][0]["cells"][0].__setitem__(2, 0)),
    ("cells", lambda plan: plan["awards"][0].update(cells=[])),
    ("awards", lambda plan: plan["awards"][0].update(gpu_hours=39)),
    ("awards", lambda plan: plan["awards"][0].update(service_units=39)),
    ("order", lambda plan: plan["awards"].reverse()),
    ("order", lambda plan: plan["awards"].append(plan["awards"][-1])),
    ("reserve", lambda plan: plan["reserve"].append({"request": "r1", "rank": 1})),
    ("reserve", lambda plan: plan["reserve"].append({"request": "r1", "rank": 2})),
    ("measures", lambda plan: plan["measures"].update(awarded_gpu_hours=61)),
    ("measures", lambda plan: plan["measures"].update(funded=3)),
    ("measures", lambda plan: plan["measures"].update(minimum_met=1)),
    ("measures", lambda plan: plan["measures"]["utilization"].update(a=0.5)),
    ("measures", lambda plan: plan["measures"]["groups"][0].update(awarded=41)),
    ("measures", lambda plan: plan["measures"]["groups"].pop()),
    ("measures", lambda plan: plan["measures"]["fellows"].update(at_zero=1)),
    ("stages", lambda plan: plan["stages"].append(a_stage(name="groups", objective=0.5))),
    ("stages", lambda plan: plan["stages"].append(a_stage(name="groups", gap=0.1))),
    ("nothing_proposed", lambda plan: plan.update(status="infeasible")),
]


def a_stage(**changes: Any) -> Document:
    """Return a stage that reached and proved 0."""
    stage = {"status": "optimal", "objective": 0, "bound": 0, "gap": 0, "limit": "none", "work": 1}
    return stage | changes


@pytest.mark.parametrize(("rule", "tamper"), TAMPERS)
def test_each_way_to_tamper(rule: str, tamper: Tamper) -> None:
    """Whoever changes a plan document is found out by the rule that looks there."""
    plan = a_plan(a_round(), HONEST)
    tamper(plan)
    assert rule in broken_rules(a_round(), plan)


def test_a_changed_round_is_found() -> None:
    """A plan does not pass for a round that differs in one number."""
    plan = a_plan(a_round(), HONEST)
    changed = a_round(requests=[a_request(score=71), a_request(id="r2", fellow="f2", score=60)])
    assert broken_rules(changed, plan) == {"digests"}


def test_an_unreadable_round_is_a_witness() -> None:
    """A round that breaks its format is reported, not raised."""
    verdict = verify({"schema": "dure-round/1"}, a_plan(a_round(), HONEST))
    assert [witness.rule for witness in verdict.witnesses] == ["formats"]
    assert "'calendar' is missing" in verdict.witnesses[0].text


def test_a_witness_carries_its_numbers() -> None:
    """A witness names request, pool, slot and figures, as data and in its sentence."""
    plan = a_plan(a_round(), {"r1": [("a", 0, 20)], "r2": [("a", 0, 11)]})
    (witness,) = verify(as_parsed(a_round()), plan).witnesses
    assert witness.text == "Pool a gives 31 GPU-hours in slot 0; it has 30."
    assert (witness.pool, witness.slot) == ("a", 0)
    assert dict(witness.numbers) == {"used": 31, "supply": 30}
