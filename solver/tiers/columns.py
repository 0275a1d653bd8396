"""The columns of a round: where requests may lie, and what of that is a choice."""

import numpy as np

from solver.placing.placement import most_gpus, whole_step
from solver.problem import MILLI, BoolArray, IntArray, Problem, Shape
from solver.tiers.extent import find_extent, find_spans
from solver.tiers.places import Places, find_seats, joined
from solver.tiers.program import Program


class Columns:
    """Who is funded and what lies where, as columns of a program.

    Args:
        problem: the round.

    Attributes:
        funded: ``(r,)`` column of each request: 1 when it is funded.
        places: everything that puts hours somewhere.
        hard: ``(columns,)`` columns that are whole from the start: pools, starts, GPU numbers.
        most_steps: most steps of each column that counts steps of a block or constant.
        least_steps: least steps of each of them that is a way, if it is taken.
        ways: columns of choices (a pool, a start) and, for each, a column of hours it allows.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.program = Program()
        self.spans = find_spans(problem)
        self.extent = find_extent(problem)
        eligible = problem.eligible & (problem.ask > 0)
        lower = np.where(eligible & (self.extent.kept | ~self.extent.counted), 1.0, 0.0)
        upper = np.maximum(lower, eligible & self.extent.reachable)
        self.funded = self.program.add_columns(problem.requests, lower, upper)
        self._hard: list[tuple[IntArray, IntArray]] = []
        self._parts: list[Places] = []
        self.most_steps: dict[int, float] = {}
        self.least_steps: dict[int, float] = {}
        self.ways: list[tuple[IntArray, IntArray]] = []
        self._lay_flexible(eligible)
        self._lay_constants(eligible)
        self._lay_blocks(eligible)
        self.places = joined(self._parts)
        self._by_request = np.argsort(self.places.request, kind="stable")
        owners = self.places.request[self._by_request]
        self._first_of = np.searchsorted(owners, np.arange(problem.requests + 1))

    @property
    def hard(self) -> BoolArray:
        """``(columns,)`` columns that have to be whole from the start."""
        mask = np.zeros(self.program.columns, dtype=np.bool_)
        for columns, _ in self._hard:
            mask[columns] = True
        return mask

    def places_of(self, request: int) -> IntArray:
        """Return the places of a request."""
        return self._by_request[self._first_of[request] : self._first_of[request + 1]]

    def choices(self) -> tuple[IntArray, IntArray]:
        """Return the columns that have to be whole in a plan, and the request each belongs to."""
        counted = np.flatnonzero(self.extent.counted)
        parts = [(self.funded[counted], counted), *self._hard]
        columns, owners = (np.concatenate(part) for part in zip(*parts, strict=True))
        return columns, owners

    def takes_steps(self, request: int) -> bool:
        """Return whether a request takes whole steps in one place: one pool, and one start."""
        problem = self.problem
        if problem.shape[request] == Shape.CONSTANT:
            return bool(problem.single_pool[request] or self.places_of(request).size == 1)
        return bool(problem.shape[request] == Shape.BLOCK)

    def _lay_flexible(self, eligible: BoolArray) -> None:
        """One column per request, pool and span: the share of the ask served there."""
        problem, spans = self.problem, self.spans
        free = eligible & (problem.shape == Shape.FLEXIBLE)
        seats = find_seats(problem, spans, free)
        request, pool = seats.request, seats.pool
        full = problem.ask[request] / problem.speed[request, pool]
        upper = np.minimum(seats.hours / full, self.extent.top[request])
        column = self.program.add_columns(request.size, 0.0, upper)
        self._parts.append(
            Places(
                column=column,
                request=request,
                pool=pool,
                span=seats.span,
                spans=np.ones_like(seats.span),
                slot_hours=full / spans.lengths[seats.span],
                share=np.ones(request.size),
                units=full * problem.factor[request, pool],
            )
        )
        self._choose_pools(free)

    def _choose_pools(self, free: BoolArray) -> None:
        """A flexible request of a single pool picks it."""
        problem, part = self.problem, self._parts[-1]
        many = (problem.speed > 0).sum(axis=1) > 1
        owner, pool = np.nonzero((problem.speed > 0) & (free & problem.single_pool & many)[:, None])
        if not owner.size:
            return
        chosen = self.program.add_columns(owner.size, 0.0, 1.0, whole_only=True)
        self._hard.append((chosen, owner))
        at = np.full(problem.speed.shape, -1, dtype=np.int64)
        at[owner, pool] = np.arange(owner.size)
        mine = at[part.request, part.pool]
        inside = mine >= 0
        self.ways.append((chosen[mine[inside]], part.column[inside]))
        most = self.program.add_rows(owner.size, -np.inf, 0.0)
        self.program.add_terms(most[mine[inside]], part.column[inside], 1.0)
        self.program.add_terms(most, chosen, -self.extent.top[owner])
        least = self.program.add_rows(owner.size, 0.0, np.inf)
        self.program.add_terms(least[mine[inside]], part.column[inside], 1.0)
        self.program.add_terms(least, chosen, -self.extent.low[owner])
        one, where = np.unique(owner, return_inverse=True)
        rows = self.program.add_rows(one.size, 0.0, 0.0)
        self.program.add_terms(rows[where], chosen, 1.0)
        self.program.add_terms(rows, self.funded[one], -1.0)

    def _lay_constants(self, eligible: BoolArray) -> None:
        """The same GPUs all through the window: a whole number of steps per pool."""
        problem = self.problem
        for request in np.flatnonzero(eligible & (problem.shape == Shape.CONSTANT)).tolist():
            window = (int(problem.first[request]), int(problem.end[request]))
            pools = np.flatnonzero(problem.speed[request] > 0).tolist()
            steps = [self._lay_steps(request, pool, window) for pool in pools]
            self._choose_one(request, [each for each in steps if each is not None])
            self._share_gpus(request, [each for each in steps if each is not None])

    def _lay_blocks(self, eligible: BoolArray) -> None:
        """The same GPUs over some slots: a whole number of steps per pool and start."""
        problem = self.problem
        for request in np.flatnonzero(eligible & (problem.shape == Shape.BLOCK)).tolist():
            length = int(problem.block_slots[request])
            starts = range(int(problem.first[request]), int(problem.end[request]) - length + 1)
            steps = [
                self._lay_steps(request, pool, (start, start + length))
                for pool in np.flatnonzero(problem.speed[request] > 0).tolist()
                for start in starts
            ]
            self._choose_one(request, [each for each in steps if each is not None], always=True)

    def _lay_steps(self, request: int, pool: int, window: tuple[int, int]) -> int | None:
        """Add the column for GPUs of a pool over a window; None when not one step can fit."""
        problem, slots = self.problem, window[1] - window[0]
        step = whole_step(problem, request)
        free = int(problem.supply[pool, window[0] : window[1]].min())
        most = min(most_gpus(problem, request, pool, slots), free // problem.slot_hours) // step
        if most < 1:
            return None
        column = int(self.program.add_columns(1, 0.0, float(most))[0])
        self.most_steps[column] = float(most)
        self._hard.append((np.array([column]), np.array([request])))
        hours = step * problem.slot_hours / MILLI
        total = hours * slots
        span = int(np.searchsorted(self.spans.start, window[0]))
        end = int(np.searchsorted(self.spans.start, window[1]))
        speed, factor = int(problem.speed[request, pool]), int(problem.factor[request, pool])
        self._parts.append(
            Places(
                column=np.array([column]),
                request=np.array([request]),
                pool=np.array([pool]),
                span=np.array([span]),
                spans=np.array([end - span]),
                slot_hours=np.array([hours]),
                share=np.array([total * speed / problem.ask[request]]),
                units=np.array([total * factor]),
            )
        )
        return column

    def _choose_one(self, request: int, columns: list[int], *, always: bool = False) -> None:
        """At most one pool (and start) is used, when the request wants only one."""
        if not (always or self.problem.single_pool[request]) or not columns:
            return
        chosen = self.program.add_columns(len(columns), 0.0, 1.0, whole_only=True)
        self._hard.append((chosen, np.full(chosen.size, request)))
        self.ways.append((chosen, np.array(columns)))
        row = self.program.add_rows(1, 0.0, 0.0)
        self.program.add_terms(row, chosen, 1.0)
        self.program.add_terms(row, self.funded[request], -1.0)
        share = np.array([float(part.share[0]) for part in self._parts[-len(columns) :]])
        least = np.maximum(np.ceil(self.extent.low[request] / share - 1e-9), 1.0)
        self.least_steps.update(zip(columns, least.tolist(), strict=True))
        most = np.array([self.most_steps[column] for column in columns])
        rows = self.program.add_rows(len(columns), -np.inf, 0.0)
        self.program.add_terms(rows, columns, 1.0)
        self.program.add_terms(rows, chosen, -most)
        rows = self.program.add_rows(len(columns), 0.0, np.inf)
        self.program.add_terms(rows, columns, 1.0)
        self.program.add_terms(rows, chosen, -least)
        # The same without the choices: what their best fractions leave to the relaxation.
        rows = self.program.add_rows(2, [-np.inf, 0.0], [0.0, np.inf])
        self.program.add_terms(rows[0], columns, 1.0 / most)
        self.program.add_terms(rows[1], columns, 1.0 / least)
        self.program.add_terms(rows, self.funded[request], -1.0)

    def _share_gpus(self, request: int, columns: list[int]) -> None:
        """The most GPUs of a request count over all its pools."""
        if len(columns) < 2:  # noqa: PLR2004 - one pool is bounded by its column
            return
        row = self.program.add_rows(1, -np.inf, float(self.problem.max_gpus[request]))
        self.program.add_terms(row, columns, float(whole_step(self.problem, request)))
