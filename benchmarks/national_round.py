"""A national round under every rule at once: the same seed gives the same round."""

from typing import Any

import numpy as np

Document = dict[str, Any]
WEEK = 168
SLOTS = 26
POOLS = (("h200", 1.0, 8), ("b200", 1.6, 8), ("a100", 0.5, 8), ("l40s", 0.3, 4))
SHAPES, SHAPE_SHARES = ("flexible", "block", "constant"), (0.7, 0.15, 0.15)
SCARCITY = 2.5
"""How many times its supply a round asks for."""


def national_round(requests: int = 1_200, seed: int = 0) -> Document:
    """Return a `dure-round/1` document with every rule of the format in it.

    Weeks are slots, over half a year. Of the requests seven in ten are flexible, the rest blocks
    and constants in equal parts; one in five wants a single pool, one in six everything or
    nothing, one in fifty is guaranteed, one in thirty comes after another one of its fellow, a few
    are pinned or vetoed. Groups have floors and caps, fellows and tracks caps, one track a floor,
    and a pool is down in some weeks. Floors are low enough to be kept: at most a tenth of what the
    group asks, and small beside the supply.
    """
    rng = np.random.default_rng(seed)
    fellows = max(requests * 2 // 3, 4)
    groups = min(max(fellows // 40, 2), 20)
    owner = np.concatenate((np.arange(fellows), rng.integers(0, fellows, requests - fellows)))
    group_of = rng.integers(0, groups, fellows)
    group_of[:groups] = np.arange(groups)
    drawn = [_request(rng, at, int(owner[at])) for at in range(requests)]
    _link(rng, drawn)
    asked = sum(each["gpu_hours"] for each in drawn)
    supply = asked / SCARCITY
    pools = _pools(rng, supply)
    return {
        "schema": "dure-round/1",
        "id": f"national-{requests}-{seed}",
        "title": f"A national round of {requests} requests",
        "calendar": {"starts_on": "2027-01-04", "slot_hours": WEEK, "slots": SLOTS},
        "groups": _groups(rng, drawn, group_of, supply),
        "fellows": [
            {
                "id": f"f{at:04}",
                "group": f"g{group_of[at]:02}",
                "weight": 1,
                "cap_gpu_hours": max(int(supply) // 20, 20_000),
            }
            for at in range(fellows)
        ],
        "tracks": [
            {"id": "industry", "floor_gpu_hours": int(supply * 0.02)},
            {"id": "student", "cap_gpu_hours": int(supply * 0.2)},
        ],
        "pools": pools,
        "requests": drawn,
    }


def _request(rng: np.random.Generator, at: int, fellow: int) -> Document:
    """Draw one request; a guaranteed one is small and flexible, so that all of them fit."""
    guaranteed = bool(rng.random() < 0.02)
    shape = "flexible" if guaranteed else str(rng.choice(SHAPES, p=SHAPE_SHARES))
    length = int(rng.integers(4, SLOTS + 1))
    first = int(rng.integers(0, SLOTS - length + 1))
    accepted = rng.permutation(len(POOLS))[: int(rng.integers(1, len(POOLS) + 1))]
    speeds = {POOLS[p][0]: round(POOLS[p][1] * float(rng.uniform(0.8, 1.2)), 2) for p in accepted}
    gang = int(2 ** rng.integers(0, 4))
    gpus = gang * int(rng.integers(1, 5))
    block = int(rng.integers(1, max(2, length // 2) + 1))
    slots = {"flexible": length, "block": block, "constant": length}[shape]
    most = gpus * WEEK * slots * min(speeds.values())
    ask = max(round(most * float(rng.uniform(0.2, 0.9) if shape == "flexible" else 1.0)), 1)
    part = 1.0 if rng.random() < 1 / 6 else float(rng.choice([0.0, 0.25, 0.5]))
    request: Document = {
        "id": f"q{at:05}",
        "fellow": f"f{fellow:04}",
        "gpu_hours": ask,
        "minimum_gpu_hours": int(ask * (0.1 if guaranteed else part)),
        "gang_gpus": gang,
        "max_gpus": gpus,
        "window": [first, first + length],
        "speeds": speeds,
        "shape": shape,
        "single_pool": bool(rng.random() < 0.2),
        "score": round(float(rng.uniform(40, 100)), 1),
    }
    if shape == "block":
        request["block_slots"] = block
    if guaranteed:
        request["guaranteed"] = True
    elif rng.random() < 0.01:
        request["vetoed"] = True
    if rng.random() < 0.3:
        request["track"] = str(rng.choice(["industry", "student"]))
    return request


def _link(rng: np.random.Generator, drawn: list[Document]) -> None:
    """Let some requests come after an earlier one of the same fellow that ends before they do."""
    last: dict[str, Document] = {}
    for request in drawn:
        before = last.get(request["fellow"])
        if before is not None and before["window"][0] < request["window"][1] - 8:
            free = not request.get("guaranteed") and request["shape"] != "constant"
            if free and before["shape"] != "constant" and rng.random() < 0.1:
                request["after"] = before["id"]
        last[request["fellow"]] = request


def _pools(rng: np.random.Generator, supply: float) -> list[Document]:
    """Split the supply over the pools; each is down in part for a week or two."""
    parts = rng.dirichlet(np.full(len(POOLS), 4.0))
    pools = []
    for (name, charge, per_node), part in zip(POOLS, parts, strict=True):
        gpus = supply * part / charge / SLOTS / WEEK
        nodes = max(round(gpus / per_node), 4)
        hours = np.full(SLOTS, nodes * per_node * WEEK)
        hours[rng.integers(0, SLOTS, 2)] -= max(nodes // 4, 1) * per_node * WEEK
        pools.append(
            {
                "id": name,
                "gpu_type": name,
                "nodes": nodes,
                "gpus_per_node": per_node,
                "su_per_gpu_hour": charge,
                "supply_gpu_hours": [int(each) for each in hours],
            }
        )
    return pools


def _groups(
    rng: np.random.Generator, drawn: list[Document], group_of: np.ndarray, supply: float
) -> list[Document]:
    """Give every group a weight, half of them a small floor, a quarter a cap."""
    count = int(group_of.max()) + 1
    asks = np.zeros(count)
    for request in drawn:
        asks[group_of[int(request["fellow"][1:])]] += request["gpu_hours"]
    groups = []
    for at in range(count):
        group: Document = {
            "id": f"g{at:02}",
            "weight": int(rng.integers(1, 5)),
            "institute": ("kaist", "gist", "dgist", "unist")[at % 4],
        }
        if rng.random() < 0.5:
            group["floor_gpu_hours"] = int(min(asks[at] * 0.05, supply * 0.2 / count))
        if rng.random() < 0.25:
            group["cap_gpu_hours"] = int(max(asks[at] * 0.3, supply / count))
        groups.append(group)
    return groups
