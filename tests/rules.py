"""The rules of a plan on the arrays of a Problem, checked the slow way, cell by cell."""

from collections import defaultdict

from solver.plan import received
from solver.problem import MILLI, NO_CAP, NOBODY, IntArray, Problem, Shape

Row = tuple[int, int, int, int]


def broken_rules(problem: Problem, cells: IntArray) -> list[str]:
    """Return a sentence per broken rule, floors and guarantees aside."""
    rows: list[Row] = [tuple(row) for row in cells.tolist()]
    by_request: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_request[row[0]].append(row)
    broken = [] if rows == sorted(rows) else ["The cells are not sorted."]
    broken += [f"Cell {row} twice." for row in rows if sum(r[:3] == row[:3] for r in rows) > 1]
    broken += _supply(problem, rows)
    for request, mine in by_request.items():
        broken += [f"Request {request}: {each}" for each in _one(problem, request, mine)]
        broken += _after(problem, request, by_request)
    return broken + _caps(problem, cells)


def _supply(problem: Problem, rows: list[Row]) -> list[str]:
    used: dict[tuple[int, int], int] = defaultdict(int)
    for _, pool, slot, hours in rows:
        used[pool, slot] += hours
    return [
        f"{place} gives {hours}."
        for place, hours in used.items()
        if hours * MILLI > problem.supply[place]
    ]


def _one(problem: Problem, request: int, mine: list[Row]) -> list[str]:
    broken = []
    gang, limit = int(problem.gang[request]), int(problem.max_gpus[request] * problem.slot_hours)
    by_slot: dict[int, int] = defaultdict(int)
    for _, pool, slot, hours in mine:
        by_slot[slot] += hours
        if hours <= 0 or hours % gang:
            broken.append(f"{hours} hours are no gang-hours.")
        if problem.speed[request, pool] == 0:
            broken.append(f"pool {pool} is not acceptable.")
        if not problem.first[request] <= slot < problem.end[request]:
            broken.append(f"slot {slot} lies outside the window.")
    if any(hours * MILLI > limit for hours in by_slot.values()):
        broken.append("too many GPUs at once.")
    total = sum(hours * int(problem.speed[request, pool]) for _, pool, _, hours in mine)
    fastest = max(int(problem.speed[request, pool]) for _, pool, _, _ in mine)
    if not problem.minimum[request] <= total < problem.ask[request] + gang * fastest:
        broken.append(f"total {total} for ask {problem.ask[request]}.")
    if problem.vetoed[request]:
        broken.append("is vetoed.")
    if problem.single_pool[request] and len({pool for _, pool, _, _ in mine}) > 1:
        broken.append("uses several pools.")
    return broken + _shape(problem, request, mine)


def _shape(problem: Problem, request: int, mine: list[Row]) -> list[str]:
    if problem.shape[request] == Shape.FLEXIBLE:
        return []
    pools = {pool for _, pool, _, _ in mine}
    window = list(range(int(problem.first[request]), int(problem.end[request])))
    for pool in pools:
        slots = [slot for _, where, slot, _ in mine if where == pool]
        hours = {each for _, where, _, each in mine if where == pool}
        if len(hours) > 1 or hours.pop() * MILLI % (problem.gang[request] * problem.slot_hours):
            return ["does not use the same whole gangs in each slot."]
        if problem.shape[request] == Shape.CONSTANT and slots != window:
            return ["is not constant over its window."]
        length = int(problem.block_slots[request])
        consecutive = slots == list(range(slots[0], slots[0] + length))
        if problem.shape[request] == Shape.BLOCK and not (consecutive and len(pools) == 1):
            return ["is no block."]
    return []


def _after(problem: Problem, request: int, by_request: dict[int, list[Row]]) -> list[str]:
    before = int(problem.after[request])
    if before == NOBODY:
        return []
    if before not in by_request:
        return [f"Request {request} goes without its predecessor."]
    last = max(slot for _, _, slot, _ in by_request[before])
    first = min(slot for _, _, slot, _ in by_request[request])
    return [] if last < first else [f"Request {request} begins before its predecessor ends."]


def _caps(problem: Problem, cells: IntArray) -> list[str]:
    amounts = received(problem, cells).tolist()
    fellow = problem.fellow.tolist()
    institute = problem.fellow_institute.tolist()
    holders = {
        "fellow": (fellow, problem.fellow_cap),
        "group": (problem.group.tolist(), problem.group_cap),
        "institute": ([institute[each] for each in fellow], problem.institute_cap),
        "track": (problem.track.tolist(), problem.track_cap),
    }
    broken = []
    for name, (holder, caps) in holders.items():
        for index, cap in enumerate(caps.tolist()):
            held = sum(a for a, each in zip(amounts, holder, strict=True) if each == index)
            if cap != NO_CAP and held > cap:
                broken.append(f"{name} {index} holds {held}, more than {cap}.")
    return broken
