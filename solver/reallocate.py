"""Reallocate: a plan goes on in mid-round; what is held stays, then the line is served in rank."""

from dataclasses import dataclass, field, replace

import numpy as np

from solver.placing.arrange import Task, arrange
from solver.placing.board import caps, free_supply, holdings, in_order, most_hours
from solver.placing.desk import Desk
from solver.placing.outline import fellow_merit
from solver.placing.placement import place, total_reference
from solver.placing.room import fits, least_needed
from solver.plan import NO_CELLS
from solver.problem import MILLI, NOBODY, Cut, IntArray, Problem, Shape

PLACES = 6_000
"""Places (request, pool, slot) up to which requests are arranged together by CP-SAT."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reallocation:
    """What a reallocation proposes.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours; sorted.
        moved: GPU-hours of the earlier plan that lie elsewhere now, or nowhere.
        least_moved: GPU-hours that no plan could leave where they were.
        cut: thousandths of reference hours that were held and no longer are.
        waiting: who is still in line, in rank.
    """

    cells: IntArray
    moved: int
    least_moved: int
    cut: int
    waiting: tuple[int, ...]


def reallocate(problem: Problem, *, seed: int = 0) -> Reallocation | None:
    """Keep what the earlier plan laid, then serve the line in rank.

    Where the supply still carries everything, nothing moves. Where it does not, as little as can be
    moves, and what finds no place is cut only if a rule says so: the worst score first. Then each
    request in line gets its ask, or the most not below its minimum that fits; who cannot be funded
    beside those before is passed over.

    Args:
        problem: its `previous` is what is held, its `line` who comes next.
        seed: of the searches by CP-SAT.

    Returns:
        None when what is held finds no place and nothing may be cut.
    """
    cells = _stay(problem, seed)
    if cells is None and problem.rules.cut is Cut.BY_RANK:
        cells = _cut(problem)
    if cells is None:
        return None
    draw = _Draw(problem=problem, held=cells, seed=seed)
    draw.serve()
    return Reallocation(
        cells=draw.desk.cells(),
        moved=moved_hours(problem, cells),
        least_moved=least_moved(problem),
        cut=_cut_amount(problem, cells),
        waiting=tuple(each for each in problem.line if each not in draw.desk.given),
    )


def least_moved(problem: Problem) -> int:
    """Return the GPU-hours that no plan can leave where they were: held beyond the supply."""
    return int(_crowded(problem).sum())


def moved_hours(problem: Problem, cells: IntArray) -> int:
    """Return GPU-hours of the earlier plan that are not where they were."""
    now = {(r, p, t): hours for r, p, t, hours in cells.tolist()}
    return sum(max(0, row[3] - now.get(tuple(row[:3]), 0)) for row in problem.previous.tolist())


def _crowded(problem: Problem) -> IntArray:
    """Return ``(p, t)`` GPU-hours held beyond the supply."""
    held = np.zeros_like(problem.supply)
    np.add.at(held, (problem.previous[:, 1], problem.previous[:, 2]), problem.previous[:, 3])
    over: IntArray = np.maximum(held - problem.supply // MILLI, 0)
    return over


def _cut_amount(problem: Problem, cells: IntArray) -> int:
    """Return thousandths of reference hours that are held no longer."""
    return int(np.maximum(_totals(problem, problem.previous) - _totals(problem, cells), 0).sum())


def _totals(problem: Problem, cells: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of reference hours, at most the ask."""
    totals = np.zeros(problem.requests, dtype=np.int64)
    np.add.at(totals, cells[:, 0], cells[:, 3] * problem.speed[cells[:, 0], cells[:, 1]])
    return np.minimum(totals, problem.ask)


def _stay(problem: Problem, seed: int) -> IntArray | None:
    """Return the cells of all that is held, moved as little as is needed; None without a place."""
    over, previous = _crowded(problem), problem.previous
    if not over.any():
        return previous
    touched = np.unique(previous[over[previous[:, 1], previous[:, 2]] > 0, 0])
    best: IntArray | None = None
    for members in (_linked(problem, touched), np.unique(previous[:, 0])):
        if _places(problem, members) > PLACES:
            continue
        outside = previous[~np.isin(previous[:, 0], members)]
        task = _task(problem, members, outside, need=_totals(problem, previous))
        found = arrange(task, seed=seed)
        if found is None:
            continue
        cells = in_order(np.concatenate([outside, found]))
        if best is None or moved_hours(problem, cells) < moved_hours(problem, best):
            best = cells
        if moved_hours(problem, best) == int(over.sum()):
            break
    return _shifted(problem) if best is None else best


def _linked(problem: Problem, members: IntArray) -> IntArray:
    """Return the members with all that comes before and after them and holds something."""
    holds = np.zeros(problem.requests, dtype=np.bool_)
    holds[problem.previous[:, 0]] = True
    inside = np.zeros(problem.requests, dtype=np.bool_)
    inside[members] = True
    linked = np.flatnonzero(problem.after != NOBODY)
    while True:
        before = inside.copy()
        for request in linked.tolist():
            pair = [request, int(problem.after[request])]
            if inside[pair].any():
                inside[pair] |= holds[pair]
        if (before == inside).all():
            return np.flatnonzero(inside)


def _places(problem: Problem, members: IntArray) -> int:
    """Return how many places the members may use."""
    lengths = problem.end - problem.first
    return int((lengths * (problem.speed > 0).sum(axis=1))[members].sum())


def _task(problem: Problem, members: IntArray, outside: IntArray, *, need: IntArray) -> Task:
    """Return the task of placing the members, none left out, beside what lies fixed."""
    must = np.zeros(problem.requests, dtype=np.bool_)
    must[members] = True
    chained = np.where(np.isin(problem.after, members), problem.after, NOBODY)
    return Task(
        problem=replace(problem, after=chained),
        members=members,
        windows=_windows(problem, outside),
        pools=problem.speed > 0,
        chained=True,
        need=np.maximum(need, 1),
        goal=np.maximum(need, 1),
        free=free_supply(problem, outside),
        reserved=np.zeros_like(problem.supply),
        cap=caps(problem),
        floor=np.zeros_like(caps(problem)),
        target=np.zeros(0, dtype=np.int64),
        held=holdings(problem, outside),
        merit=np.zeros(problem.requests, dtype=np.int64),
        fellow_merit=fellow_merit(problem),
        keep=problem.previous,
        must=must,
    )


def _windows(problem: Problem, fixed: IntArray) -> IntArray:
    """Return ``(r, 2)`` windows between what lies fixed before and after each request."""
    windows = np.stack([problem.first, problem.end], axis=1)
    first = np.full(problem.requests, problem.slots, dtype=np.int64)
    last = np.full(problem.requests, -1, dtype=np.int64)
    np.minimum.at(first, fixed[:, 0], fixed[:, 2])
    np.maximum.at(last, fixed[:, 0], fixed[:, 2])
    for request in np.flatnonzero(problem.after != NOBODY).tolist():
        before = int(problem.after[request])
        windows[request, 0] = max(windows[request, 0], last[before] + 1)
        windows[before, 1] = min(windows[before, 1], first[request])
    return windows


def _shifted(problem: Problem) -> IntArray | None:
    """Return what `_cut` finds, if it cuts nothing."""
    cells = _cut(problem)
    return None if _cut_amount(problem, cells) else cells


def _cut(problem: Problem) -> IntArray:
    """Return what is held as far as it finds a place, the best score first.

    Each keeps its place as far as the supply carries it after those with a better score; then,
    in the same order, what lost its place is laid where there is room.
    """
    previous, free = problem.previous, problem.supply // MILLI
    held = np.unique(previous[:, 0])
    order = held[np.lexsort((held, -problem.score[held]))].tolist()
    given: dict[int, IntArray] = {}
    for request in order:
        given[request] = _staying(problem, free, previous[previous[:, 0] == request])
        free[given[request][:, 1], given[request][:, 2]] -= given[request][:, 3]
    wanted = _totals(problem, previous)
    for request in order:
        parts = [NO_CELLS, *(cells for who, cells in given.items() if who != request)]
        window = _windows(problem, np.concatenate(parts))[request]
        more = _elsewhere(problem, free, request, given[request], (int(wanted[request]), window))
        free[more[:, 1], more[:, 2]] -= more[:, 3]
        given[request] = np.concatenate([given[request], more])
    return _joined(problem, np.concatenate([NO_CELLS, *given.values()]))


def _staying(problem: Problem, free: IntArray, cells: IntArray) -> IntArray:
    """Return which cells of a request the supply carries: a shape whole or not at all."""
    request = int(cells[0, 0])
    left = np.minimum(free[cells[:, 1], cells[:, 2]], cells[:, 3])
    if problem.shape[request] != Shape.FLEXIBLE:
        return cells if (left == cells[:, 3]).all() else NO_CELLS
    gang = int(problem.gang[request])
    kept = cells.copy()
    kept[:, 3] = left // gang * gang
    return kept[kept[:, 3] > 0]


def _elsewhere(
    problem: Problem,
    free: IntArray,
    request: int,
    own: IntArray,
    wish: tuple[int, IntArray],
) -> IntArray:
    """Return the cells that bring a request up to what it held, as far as there is room."""
    wanted, (first, end) = wish
    missing = wanted - total_reference(problem, own)
    if missing <= 0 or first >= end:
        return NO_CELLS
    if problem.shape[request] != Shape.FLEXIBLE:
        return place(problem, free, request, wanted, window=(int(first), int(end)))
    pools = np.flatnonzero(problem.speed[request] > 0)
    if problem.single_pool[request] and own.size:
        pools = np.unique(own[:, 1])
    gang, limit = int(problem.gang[request]), int(most_hours(problem)[request])
    seated = np.bincount(own[:, 2], weights=own[:, 3], minlength=problem.slots).astype(np.int64)
    rows = []
    for pool in pools.tolist():
        for slot in sorted(range(int(first), int(end)), key=lambda each: -free[pool, each]):
            each = gang * int(problem.speed[request, pool])
            gangs = min(
                int(min(free[pool, slot], limit - seated[slot])) // gang, -(-missing // each)
            )
            if gangs > 0 and missing > 0:
                rows.append((request, pool, slot, gangs * gang))
                seated[slot] += gangs * gang
                missing -= gangs * each
    return np.array(rows, dtype=np.int64).reshape(len(rows), 4)


def _joined(problem: Problem, cells: IntArray) -> IntArray:
    """Return the cells sorted, those of one place added up."""
    keys = (cells[:, 0] * problem.pools + cells[:, 1]) * problem.slots + cells[:, 2]
    found, at = np.unique(keys, return_inverse=True)
    hours = np.bincount(at, weights=cells[:, 3], minlength=found.size).astype(np.int64)
    place_, slot = np.divmod(found, problem.slots)
    request, pool = np.divmod(place_, problem.pools)
    return np.stack([request, pool, slot, hours], axis=1)


@dataclass(slots=True, kw_only=True, eq=False)
class _Draw:
    """The line being served beside what is held, which stays where it is."""

    problem: Problem
    held: IntArray
    seed: int
    desk: Desk = field(init=False)
    drawn: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        rank = {request: at for at, request in enumerate(self.problem.line)}
        self.desk = Desk.opened(self.problem, lambda each: (rank[each],), thorough=True)
        for request in np.unique(self.held[:, 0]).tolist():
            self.desk.lay(request, self.held[self.held[:, 0] == request])
        self.desk.windows = _windows(self.problem, self.held)

    def serve(self) -> None:
        """Serve the best in rank whose turn can come, again and again."""
        waiting = list(self.problem.line)
        while True:
            ready = next((each for each in waiting if self._may_start(each)), None)
            if ready is None:
                return
            waiting.remove(ready)
            self.desk.settle(ready, int(self.problem.ask[ready]))
            if ready not in self.desk.given:
                self._make_room(ready)
            if ready in self.desk.given:
                self.drawn.append(ready)
                lying = np.concatenate([self.held, *(self.desk.given[each] for each in self.drawn)])
                self.desk.windows = _windows(self.problem, lying)

    def _may_start(self, request: int) -> bool:
        """Return whether what comes before a request is funded."""
        before = int(self.problem.after[request])
        return before == NOBODY or before in self.desk.given

    def _make_room(self, request: int) -> None:
        """Place those drawn so far anew, none of them with less, so that one more fits."""
        problem = self.problem
        members = np.array(sorted([*self.drawn, request]), dtype=np.int64)
        beside = free_supply(problem, self.held)
        if not self.drawn or _places(problem, members) > PLACES:
            return
        if not fits(problem, request, beside):
            return
        need = _totals(problem, self.desk.cells())
        need[request] = least_needed(problem, request)
        found = arrange(_task(problem, members, self.held, need=need), seed=self.seed)
        if found is not None:
            for each in members.tolist():
                self.desk.lay(each, found[found[:, 0] == each])
