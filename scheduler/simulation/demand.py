"""Rounds that look like a given one: the same seed gives the same round."""

import copy
from decimal import Decimal

import numpy as np

from scheduler.document import Document
from scheduler.domain.amounts import MILLI

BEST_SCORE = Decimal(100)
STRETCH = 0.2
"""Spread of the lognormal factor by which an ask differs from the one it resamples."""


def resampled(model: Document, fellows: int, seed: int, *, name: str) -> Document:
    """Return a `dure-round/1` document that resamples another.

    Fellows are drawn with all their requests, group by group, with replacement; asks and minimums
    are then stretched by one lognormal factor per request and scores shifted by up to two points.
    Supply grows with the number of fellows.
    """
    rng = np.random.default_rng(seed)
    requests_of: dict[str, list[Document]] = {each["id"]: [] for each in model["fellows"]}
    for request in model["requests"]:
        requests_of[request["fellow"]].append(request)
    drawn_fellows: list[Document] = []
    drawn_requests: list[Document] = []
    for at in range(fellows):
        group = model["groups"][at % len(model["groups"])]["id"]
        members = [each for each in model["fellows"] if each["group"] == group]
        chosen = members[int(rng.integers(len(members)))]
        drawn_fellows.append({**chosen, "id": f"f{at:05}"})
        for request in requests_of[chosen["id"]]:
            label = f"q{len(drawn_requests):05}"
            drawn_requests.append(_stretched(request, label, f"f{at:05}", rng))
    times = Decimal(fellows) / len(model["fellows"])
    return {
        **model,
        "id": name,
        "title": name,
        "fellows": drawn_fellows,
        "requests": drawn_requests,
        "pools": [_bigger(pool, times) for pool in model["pools"]],
    }


def _stretched(request: Document, label: str, fellow: str, rng: np.random.Generator) -> Document:
    """Return a request with another name, another ask and another score."""
    times = Decimal(round(float(rng.lognormal(0.0, STRETCH)) * MILLI)) / MILLI
    drawn = copy.deepcopy(request) | {"id": label, "fellow": fellow}
    for key in ("gpu_hours", "minimum_gpu_hours"):
        drawn[key] = max(_thousandths(Decimal(request[key]) * times), Decimal(1))
    drawn["minimum_gpu_hours"] = min(drawn["minimum_gpu_hours"], drawn["gpu_hours"])
    shifted = Decimal(request["score"]) + Decimal(int(rng.integers(-20, 21))) / 10
    drawn["score"] = min(max(shifted, Decimal(1)), BEST_SCORE)
    return drawn


def _bigger(pool: Document, times: Decimal) -> Document:
    """Return a pool with more nodes and supply."""
    return {
        **pool,
        "nodes": max(1, int(pool["nodes"] * times)),
        "supply_gpu_hours": [_thousandths(Decimal(s) * times) for s in pool["supply_gpu_hours"]],
    }


def _thousandths(number: Decimal) -> Decimal:
    """Return a number with three places."""
    return number.quantize(Decimal("0.001"))
