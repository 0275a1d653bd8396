"""The desk: supply handed out request by request, in turn, within caps and after predecessors."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TypeAlias

import numpy as np

from solver.placing.board import buckets, caps, floors, free_supply, in_order
from solver.placing.placement import place, total_reference, whole_step
from solver.placing.windows import tighten
from solver.plan import NO_CELLS
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape, Unit

Turn: TypeAlias = Callable[[int], tuple[int, ...]]
"""What orders requests: the least is served first."""


@dataclass(slots=True, kw_only=True, eq=False)
class Desk:
    """What is handed out so far.

    Attributes:
        turn: what orders requests; the least comes first, no two are alike, the index is last.
        thorough: whether every order of pools is tried before less than the target is given.
    """

    problem: Problem
    turn: Turn
    thorough: bool
    free: IntArray
    held: IntArray
    cap: IntArray
    floor: IntArray
    bucket: IntArray
    windows: IntArray
    given: dict[int, IntArray] = field(default_factory=dict)

    @classmethod
    def opened(cls, problem: Problem, turn: Turn, *, thorough: bool = False) -> "Desk":
        """Return a desk with everything still on it."""
        cap = caps(problem)
        return cls(
            problem=problem,
            turn=turn,
            thorough=thorough,
            free=free_supply(problem, NO_CELLS),
            held=np.zeros_like(cap),
            cap=cap,
            floor=floors(problem),
            bucket=buckets(problem),
            windows=tighten(problem, problem.eligible, problem.minimum),
        )

    def keep_previous(self) -> None:
        """Lay down what an earlier plan awarded, as far as the round still holds it."""
        problem = self.problem
        if not problem.rules.keep_accepted:
            return
        for request in np.unique(problem.previous[:, 0]).tolist():
            cells = problem.previous[problem.previous[:, 0] == request]
            if problem.vetoed[request]:
                continue
            held = self.free[cells[:, 1], cells[:, 2]]
            if (held >= cells[:, 3]).all() and self._within_caps(request, cells):
                self._swap(request, cells)
            else:
                kept = min(total_reference(problem, cells), int(problem.ask[request]))
                self.give(request, kept)

    def lay(self, request: int, cells: IntArray) -> None:
        """Lay a request down in these cells, in place of what it holds."""
        self._swap(request, cells)

    def in_turn(self, target: IntArray, members: Iterable[int], *, until: int = NOBODY) -> None:
        """Give members their targets in turn, never before their predecessor.

        Args:
            target: ``(r,)`` thousandths of reference hours.
            members: indices.
            until: a bucket; once it holds its floor, the rest gets nothing.
        """
        give = self.settle if self.thorough else self.give
        waiting: dict[int, list[int]] = {}
        among = set(members)
        heap = []
        for request in among:
            before = int(self.problem.after[request])
            if before in among:
                waiting.setdefault(before, []).append(request)
            else:
                heap.append(self.turn(request))
        heapify(heap)
        while heap:
            if until != NOBODY and self.held[until] >= self.floor[until]:
                return
            request = heappop(heap)[-1]
            give(request, int(target[request]))
            for after in waiting.get(request, ()):
                heappush(heap, self.turn(after))

    def give(self, request: int, amount: int, *, fastest: bool = False) -> None:
        """Give a request the amount, or the most that fits; nothing below its minimum.

        Args:
            request: index.
            amount: thousandths of reference GPU-hours.
            fastest: fill the fastest pools first, not those that charge least.
        """
        problem = self.problem
        before = int(problem.after[request])
        if problem.vetoed[request] or (before != NOBODY and before not in self.given):
            return
        window = (int(self.windows[request, 0]), int(self.windows[request, 1]))
        old = self.given.get(request, NO_CELLS)
        had = total_reference(problem, old)
        if amount <= had:
            return
        self._swap(request, NO_CELLS)
        cells = self._fitting(request, amount, window, fastest=fastest)
        least = max(int(problem.minimum[request]), 1, had + fastest)
        enough = total_reference(problem, cells) >= least
        self._swap(request, cells if enough else old)

    def settle(self, request: int, amount: int) -> None:
        """Give a request the most that fits, whichever pools that takes, or else its minimum.

        What `give` leaves out for the order of pools, or of cuts under a cap, is tried again.
        """
        self.give(request, amount)
        self.give(request, amount, fastest=True)
        if request not in self.given:
            self.give(request, max(int(self.problem.minimum[request]), 1), fastest=True)

    def served(self) -> BoolArray:
        """Return ``(r,)`` who holds something."""
        found = np.zeros(self.problem.requests, dtype=np.bool_)
        found[list(self.given)] = True
        return found

    def _fitting(
        self, request: int, amount: int, window: tuple[int, int], *, fastest: bool
    ) -> IntArray:
        """Return cells within the caps, as near the amount as they come."""
        while amount > 0:
            cells = place(self.problem, self.free, request, amount, window=window, fastest=fastest)
            total = total_reference(self.problem, cells)
            if not cells.size or self._within_caps(request, cells):
                return cells
            ours = self.bucket[request][self.bucket[request] != NOBODY]
            left = max(int((self.cap[ours] - self.held[ours]).min()), 0)
            counts = self._counts(request, cells)
            amount = min(total * left // counts, total - self._step(cells), amount - 1)
        return NO_CELLS

    def _step(self, cells: IntArray) -> int:
        """Return the thousandths of reference GPU-hours that these cells cannot lose a part of.

        A gang-hour on the fastest pool, or of a block or constant the GPUs of a step all along.
        """
        problem, request = self.problem, int(cells[0, 0])
        if problem.shape[request] == Shape.FLEXIBLE:
            return int(problem.gang[request] * problem.speed[request].max())
        slots = np.unique(cells[:, 2]).size
        hours = whole_step(problem, request) * problem.slot_hours // MILLI
        return int(hours * slots * problem.speed[request, cells[:, 1]].min())

    def _within_caps(self, request: int, cells: IntArray) -> bool:
        """Return whether no cap is broken when the request, now without any, gets these cells."""
        counts = self._counts(request, cells)
        ours = self.bucket[request][self.bucket[request] != NOBODY]
        return bool((self.held[ours] + counts <= self.cap[ours]).all())

    def _swap(self, request: int, cells: IntArray) -> None:
        """Replace what a request holds."""
        old = self.given.pop(request, NO_CELLS)
        if not old.size and not cells.size:
            return
        ours = self.bucket[request][self.bucket[request] != NOBODY]
        for each, sign in ((old, -1), (cells, 1)):
            if each.size:
                np.subtract.at(self.free, (each[:, 1], each[:, 2]), sign * each[:, 3])
                self.held[ours] += sign * self._counts(request, each)
        if cells.size:
            self.given[request] = cells

    def _counts(self, request: int, cells: IntArray) -> int:
        """Return the thousandths of the unit that a request receives by its cells."""
        problem = self.problem
        if problem.rules.unit is Unit.REFERENCE_HOURS:
            return min(total_reference(problem, cells), int(problem.ask[request]))
        return int((cells[:, 3] * problem.charge[cells[:, 1]]).sum())

    def cells(self) -> IntArray:
        """Return everything handed out."""
        return in_order(np.concatenate([NO_CELLS, *self.given.values()]))
