"""Rounds for tests: one small by hand, many by chance."""

from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]


def a_request(**changes: Any) -> Document:
    """Return a request of fellow f1 for 40 GPU-hours of pool a."""
    request = {
        "id": "r1",
        "fellow": "f1",
        "gpu_hours": 40,
        "minimum_gpu_hours": 10,
        "gang_gpus": 1,
        "max_gpus": 4,
        "window": [0, 2],
        "speeds": {"a": 1},
        "score": 70,
    }
    return request | changes


def a_round(**changes: Any) -> Document:
    """Return a round of two groups, two fellows, two requests and one pool of 4 GPUs."""
    document = {
        "schema": "dure-round/1",
        "id": "small",
        "calendar": {"starts_on": None, "slot_hours": 10, "slots": 2},
        "groups": [{"id": "g1"}, {"id": "g2"}],
        "fellows": [{"id": "f1", "group": "g1"}, {"id": "f2", "group": "g2"}],
        "pools": [
            {
                "id": "a",
                "gpu_type": "H200",
                "nodes": 1,
                "gpus_per_node": 4,
                "supply_gpu_hours": [30, 30],
            }
        ],
        "requests": [a_request(), a_request(id="r2", fellow="f2", score=60)],
    }
    return document | changes


@st.composite
def rounds(draw: st.DrawFn, *, most_requests: int = 6) -> Document:
    """Draw a small round that keeps the format."""
    slots = draw(st.integers(1, 4))
    pools = [
        {
            "id": name,
            "gpu_type": name,
            "nodes": 2,
            "gpus_per_node": 4,
            "su_per_gpu_hour": draw(st.sampled_from([1, 1.6, 0.5])),
            "supply_gpu_hours": draw(st.lists(st.integers(0, 16), min_size=slots, max_size=slots)),
        }
        for name in ("a", "b")[: draw(st.integers(1, 2))]
    ]
    groups = [
        {"id": f"g{index}", "weight": draw(st.sampled_from([1, 2, 0.5]))}
        for index in range(draw(st.integers(1, 3)))
    ]
    fellows = [
        {"id": f"f{index}", "group": draw(st.sampled_from(groups))["id"]}
        for index in range(draw(st.integers(1, 4)))
    ]
    count = draw(st.integers(1, most_requests))
    requests = [draw(_requests(index, slots, pools, fellows)) for index in range(count)]
    return {
        "schema": "dure-round/1",
        "id": "drawn",
        "calendar": {"starts_on": None, "slot_hours": 2, "slots": slots},
        "groups": groups,
        "fellows": fellows,
        "pools": pools,
        "requests": requests,
    }


@st.composite
def _requests(
    draw: st.DrawFn,
    index: int,
    slots: int,
    pools: list[Document],
    fellows: list[Document],
) -> Document:
    """Draw one request."""
    first = draw(st.integers(0, slots - 1))
    end = draw(st.integers(first + 1, slots))
    gang = draw(st.sampled_from([1, 1, 2, 4]))
    ask = draw(st.integers(1, 24))
    shape = draw(st.sampled_from(["flexible", "flexible", "block", "constant"]))
    chosen = draw(st.lists(st.sampled_from(pools), min_size=1, unique_by=lambda pool: pool["id"]))
    request = {
        "id": f"r{index}",
        "fellow": draw(st.sampled_from(fellows))["id"],
        "gpu_hours": ask,
        "minimum_gpu_hours": draw(st.sampled_from([0, ask // 2, ask])),
        "gang_gpus": gang,
        "max_gpus": gang * draw(st.integers(1, 3)),
        "window": [first, end],
        "speeds": {pool["id"]: draw(st.sampled_from([1, 1.6, 0.8])) for pool in chosen},
        "shape": shape,
        "single_pool": draw(st.booleans()),
        "score": draw(st.sampled_from([0, 40, 70, 70.5, 100])),
    }
    if shape == "block":
        request["block_slots"] = draw(st.integers(1, end - first))
    return request
