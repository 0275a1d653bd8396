"""Plan documents for tests, computed the long way round."""

import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import numpy as np

from solver.canonical import digest
from solver.fairness import atkinson, gini, jain_index, theil

Document = dict[str, Any]
Cells = dict[str, list[tuple[str, int, int]]]


def as_parsed(document: Document) -> Document:
    """Return a document as it is after being written and read: decimals for doubles."""
    return json.loads(json.dumps(document), parse_float=Decimal)


def a_plan(round_: Document, cells: Cells, **changes: Any) -> Document:
    """Return an honest plan of the cells, counted in service units, without entitlements.

    With another unit, groups and indices are counted in it; how many fellows have what is not.
    """
    counted = "gpu_hours" if changes.get("unit") == "reference_hours" else "service_units"
    requests = {each["id"]: each for each in round_["requests"]}
    pools = {each["id"]: each for each in round_["pools"]}
    awards = [_award(requests[name], pools, rows) for name, rows in sorted(cells.items())]
    document = {
        "schema": "dure-plan/1",
        "round": {"id": round_["id"], "digest": digest(round_)},
        "policy": {"name": "entitlement", "digest": "0" * 64},
        "seed": 0,
        "versions": {"dure": "0"},
        "status": "feasible",
        "stages": [],
        "awards": awards,
        "reserve": [],
        "unit": "service_units",
        "entitlements": {"groups": {}, "fellows": {}},
        "measures": _measures(round_, requests, pools, awards, counted),
    }
    return as_parsed(document | changes)


def _award(request: Document, pools: Document, rows: list[tuple[str, int, int]]) -> Document:
    """Return one award."""
    speeds = request["speeds"]
    total = sum(Decimal(str(speeds.get(pool, 0))) * hours for pool, _, hours in rows)
    charges = [
        Decimal(str(pools[pool].get("su_per_gpu_hour", 1))) * hours
        for pool, _, hours in rows
        if pool in pools
    ]
    return {
        "request": request["id"],
        "gpu_hours": float(min(total, Decimal(str(request["gpu_hours"])))),
        "service_units": float(sum(charges)),
        "cells": [list(row) for row in rows],
    }


def _measures(
    round_: Document, requests: Document, pools: Document, awards: list[Document], counted: str
) -> Document:
    """Return the measures of some awards; envy is not computed."""
    group_of = {each["id"]: each["group"] for each in round_["fellows"]}
    by_group: defaultdict[str, float] = defaultdict(float)
    by_pool: defaultdict[str, int] = defaultdict(int)
    for award in awards:
        by_group[group_of[requests[award["request"]]["fellow"]]] += award[counted]
        for pool, _, hours in award["cells"]:
            by_pool[pool] += hours
    return {
        "awarded_gpu_hours": round(sum(award["gpu_hours"] for award in awards), 3),
        "utilization": {
            name: by_pool[name] / (sum(pool["supply_gpu_hours"]) or 1)
            for name, pool in pools.items()
        },
        "groups": [
            {
                "id": each["id"],
                "awarded": round(by_group[each["id"]], 3),
                "entitlement": 0,
                "shortfall": 0,
            }
            for each in round_["groups"]
        ],
        "fellows": _fellow_counts(round_, pools, requests, awards),
        **_indices(round_, requests, awards, counted),
        "envy": 0,
        "funded": len(awards),
        "minimum_met": sum(
            award["gpu_hours"] >= requests[award["request"]].get("minimum_gpu_hours", 0)
            for award in awards
        ),
    }


def _indices(
    round_: Document, requests: Document, awards: list[Document], counted: str
) -> Document:
    """Return the indices of inequality of what is counted per weight, over those who ask."""
    asking = {
        each["fellow"]
        for each in round_["requests"]
        if not each.get("vetoed") and each["speeds"] and each["gpu_hours"]
    }
    fellows = [each for each in round_["fellows"] if each["id"] in asking and each.get("weight", 1)]
    got: defaultdict[str, float] = defaultdict(float)
    for award in awards:
        got[requests[award["request"]]["fellow"]] += award[counted]
    shares = np.array([got[each["id"]] / each.get("weight", 1) for each in fellows])
    groups = sorted({each["group"] for each in fellows})
    split = theil(shares, np.array([groups.index(each["group"]) for each in fellows], dtype=int))
    return {
        "jain": jain_index(shares),
        "gini": gini(shares),
        "theil": {"between": split.between, "within": split.within},
        "atkinson": atkinson(shares),
    }


def _fellow_counts(
    round_: Document, pools: Document, requests: Document, awards: list[Document]
) -> Document:
    """Return how many fellows have all, half or nothing of what they ask, in service units."""
    asked: defaultdict[str, float] = defaultdict(float)
    last: defaultdict[str, float] = defaultdict(float)
    got: defaultdict[str, float] = defaultdict(float)
    for request in round_["requests"]:
        if not request.get("vetoed"):
            charges = {name: pools[name].get("su_per_gpu_hour", 1) for name in request["speeds"]}
            costs = [charges[name] / speed for name, speed in request["speeds"].items()]
            gang = request.get("gang_gpus", 1) * max(charges.values())
            asked[request["fellow"]] += request["gpu_hours"] * min(costs)
            last[request["fellow"]] = max(last[request["fellow"]], gang)
    for award in awards:
        got[requests[award["request"]]["fellow"]] += award["service_units"]
    near = {name: all_ - last[name] if all_ > last[name] else all_ for name, all_ in asked.items()}
    return {
        "at_entitlement": sum(
            got[name] > near[name] or got[name] >= all_ for name, all_ in asked.items()
        ),
        "at_half": sum(2 * got[name] >= all_ for name, all_ in asked.items()),
        "at_zero": sum(got[name] == 0 for name in asked),
    }
