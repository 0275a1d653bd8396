"""A plan file read back: what it holds, and what is refused."""

import copy
from typing import Any

import pytest

from scheduler.document import InvalidRound
from scheduler.formulate import Formulation, formulate
from scheduler.plan_reading import read_plan
from scheduler.policy import find_policy
from scheduler.round_file import read_round

ROUND: dict[str, Any] = {
    "schema": "dure-round/1",
    "id": "small",
    "calendar": {"starts_on": None, "slot_hours": 10, "slots": 2},
    "groups": [{"id": "g"}],
    "fellows": [{"id": "f", "group": "g"}, {"id": "h", "group": "g"}],
    "pools": [
        {
            "id": "a",
            "gpu_type": "H200",
            "nodes": 1,
            "gpus_per_node": 4,
            "supply_gpu_hours": [40, 40],
        }
    ],
    "requests": [
        {
            "id": name,
            "fellow": fellow,
            "gpu_hours": 20,
            "max_gpus": 4,
            "window": [0, 2],
            "speeds": {"a": 1},
        }
        for name, fellow in (("q", "f"), ("r", "h"))
    ],
}
PLAN: dict[str, Any] = {
    "schema": "dure-plan/1",
    "seed": 3,
    "stages": [{"name": "value", "status": "optimal", "objective": 7, "bound": 7, "gap": 0}],
    "awards": [{"request": "q", "cells": [["a", 1, 20]]}],
    "reserve": [{"request": "r", "rank": 1}],
    "entitlements": {"groups": {"g": 40}, "fellows": {"f": 20, "h": 20}},
}


def a_formulation() -> Formulation:
    """Return the small round under the default policy."""
    return formulate(read_round(ROUND), find_policy("entitlement"))


def test_a_plan_file_is_read_back() -> None:
    """Names become indices; amounts become thousandths."""
    plan = read_plan(a_formulation(), PLAN)

    assert (3, [[0, 0, 1, 20]], (1,)) == (plan.seed, plan.cells.tolist(), plan.reserve)
    assert ["value"] == [stage.name for stage in plan.stages]
    assert plan.entitlement is not None
    assert [20_000, 20_000] == plan.entitlement.fellows.tolist()


def test_a_plan_without_a_fairness_tier_entitles_nobody() -> None:
    """A formula's plan states no amounts by right."""
    without = {**PLAN, "entitlements": {"groups": {}, "fellows": {}}}

    assert read_plan(a_formulation(), without).entitlement is None


@pytest.mark.parametrize(
    ("place", "value", "pointer"),
    [
        (("seed",), "x", "#/seed"),
        (("stages",), 5, "#/stages"),
        (("stages", 0, "status"), "best", "#/stages/0/status"),
        (("stages", 0, "gap"), "small", "#/stages/0/gap"),
        (("awards",), {}, "#/awards"),
        (("awards", 0, "request"), "x", "#/awards"),
        (("awards", 0, "cells", 0), ["a", 1], "#/awards/0/cells/0"),
        (("awards", 0, "cells", 0, 0), "z", "#/awards"),
        (("awards", 0, "cells", 0, 1), 2, "#/awards/0/cells/0"),
        (("awards", 0, "cells", 0, 1), -1, "#/awards/0/cells/0/slot"),
        (("awards", 0, "cells", 0, 2), 10**30, "#/awards/0/cells/0/gpu_hours"),
        (("reserve", 0, "request"), "x", "#/reserve"),
        (("reserve", 0, "rank"), 0, "#/reserve/0/rank"),
        (("entitlements",), [], "#/entitlements"),
        (("entitlements", "groups"), "all", "#/entitlements/groups"),
        (("entitlements", "fellows"), [1], "#/entitlements/fellows"),
        (("entitlements", "fellows", "h"), -1, "#/entitlements/fellows/h"),
    ],
)
def test_what_is_no_plan_is_refused_by_its_field(
    place: tuple[str | int, ...], value: object, pointer: str
) -> None:
    """The refusal names the field, the value and the rule; nothing else ends the reading."""
    broken: Any = copy.deepcopy(PLAN)
    at = broken
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(InvalidRound) as refusal:
        read_plan(a_formulation(), broken)
    assert pointer == refusal.value.pointer
