"""Small problems for tests, valid unless told otherwise."""

from typing import Any

import numpy as np

from solver.problem import MILLI, NO_CAP, NOBODY, Problem, Rules, as_int


def a_problem(requests: int = 2, pools: int = 1, slots: int = 4, **changes: Any) -> Problem:
    """Return a round of one fellow and one group per request, 10-hour slots, plain rules.

    Args:
        requests: how many.
        pools: how many.
        slots: how many.
        changes: fields of `Problem` to set, as anything numpy reads; `rules` as it is.
    """
    fellow = np.asarray(changes.get("fellow", range(requests)))
    fellows = int(fellow.max(initial=-1)) + 1
    fellow_group = np.asarray(changes.get("fellow_group", range(fellows)))
    groups = int(fellow_group.max(initial=-1)) + 1
    institutes = int(np.asarray(changes.get("fellow_institute", [NOBODY])).max()) + 1
    tracks = int(np.asarray(changes.get("track", [NOBODY])).max()) + 1
    fields: dict[str, Any] = {
        "supply": np.full((pools, slots), 80 * MILLI),
        "charge": np.full(pools, MILLI),
        "node_gpus": np.full(pools, 8),
        "ask": np.full(requests, 100 * MILLI),
        "minimum": np.zeros(requests),
        "gang": np.ones(requests),
        "max_gpus": np.full(requests, 8),
        "first": np.zeros(requests),
        "end": np.full(requests, slots),
        "speed": np.full((requests, pools), MILLI),
        "shape": np.zeros(requests),
        "block_slots": np.zeros(requests),
        "score": np.full(requests, 50 * MILLI),
        "after": np.full(requests, NOBODY),
        "fellow": fellow,
        "track": np.full(requests, NOBODY),
        "fellow_group": fellow_group,
        "fellow_institute": np.full(fellows, NOBODY),
        "fellow_weight": np.full(fellows, MILLI),
        "fellow_cap": np.full(fellows, NO_CAP),
        "group_weight": np.full(groups, MILLI),
        "group_floor": np.zeros(groups),
        "group_cap": np.full(groups, NO_CAP),
        "institute_floor": np.zeros(institutes),
        "institute_cap": np.full(institutes, NO_CAP),
        "track_floor": np.zeros(tracks),
        "track_cap": np.full(tracks, NO_CAP),
        "previous": np.zeros((0, 4)),
    }
    flags = ("single_pool", "guaranteed", "pinned", "vetoed")
    given = {name: as_int(changes.get(name, value)) for name, value in fields.items()}
    given |= {
        name: np.asarray(changes.get(name, np.zeros(requests)), dtype=np.bool_) for name in flags
    }
    slot_hours = int(changes.get("slot_hours", 10 * MILLI))
    tickets, line = (tuple(changes.get(name, ())) for name in ("tickets", "line"))
    rules = changes.get("rules", Rules())
    return Problem(slot_hours=slot_hours, rules=rules, tickets=tickets, line=line, **given)
