"""A large round with runs of slots taken as one: small enough for a code to decide all of it.

Most columns of such a round say in which slot flexible hours or blocks lie, and most of those are
alike: an hour of a pool costs the same in nearly every slot. Added up over runs of slots they leave
a program that a mixed-integer code brings near its best; what is chosen there is laid out slot by
slot afterwards. Whatever solves the program of the round solves this one too, so that its bounds
hold for both. The first and the last slots, in which few requests may lie, stay by themselves.
"""

from itertools import combinations

import numpy as np

from solver.placing.board import most_hours
from solver.problem import NOBODY, BoolArray, FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel
from solver.tiers.places import touched
from solver.tiers.program import Program
from solver.tiers.together import cover_together

ALIKE = 1e-9
"""Relative difference of coefficients that count as the same."""
MANY = 1 / 3
"""Part of all requests that are constants from which on these are held slot by slot."""


class Runs:
    """The program of a round in which hours lie in runs of spans.

    Limits of a request in a slot are left out. Requests that come one after the other keep their
    slots: in which order they may lie is decided here.

    Attributes:
        program: the columns and rows.
        column: ``(columns,)`` the column that each one of the round's program is part of.
    """

    def __init__(self, model: RoundModel, edges: IntArray) -> None:
        """Take the spans from each edge to the next as one.

        Args:
            model: the program of the round.
            edges: ``(n,)`` first spans of the runs, rising from 0.
        """
        self.model = model
        self.program = Program()
        spans = np.arange(model.spans.lengths.size)
        self._run = np.searchsorted(edges, spans, side="right") - 1
        self._count = edges.size
        self._flexible = model.problem.shape[model.places.request] == Shape.FLEXIBLE
        self._block = model.problem.shape[model.places.request] == Shape.BLOCK
        paired = [request for *pair, _ in model.turns for request in pair]
        self._joined = ~np.isin(model.places.request, paired)
        self.column = self._columns()
        size = int(self.column.max()) + 1
        self._summed = np.zeros(size, dtype=np.bool_)
        self._summed[self.column[model.places.column[self._flexible]]] = True
        self._members = np.bincount(self.column, minlength=size)
        self._first = np.zeros(self.column.size, dtype=np.bool_)
        self._first[np.unique(self.column, return_index=True)[1]] = True
        self.program.add_columns(size, *self.bounds(*model.program.column_bounds()))
        self._add_rows()
        self._add_supply()
        self._limit_constants()
        self._limit_slots()
        self._tie_blocks()
        if model.due is not None:
            cover_together(model, model.due, self.program, self.column)

    def bounds(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds of the columns here, from bounds of the round's columns."""
        size = self._summed.size
        least, most = np.full(size, -np.inf), np.full(size, -np.inf)
        for bound, own in ((least, low), (most, high)):
            np.maximum.at(bound, self.column, own)
            total = np.bincount(self.column, own, size)
            bound[self._summed] = total[self._summed]
        rest = self.program.columns - size
        if rest <= 0:
            return least, most
        own_low, own_high = self.program.column_bounds()
        return np.append(least, own_low[size:]), np.append(most, own_high[size:])

    def goal(self, weights: FloatArray) -> FloatArray:
        """Return the goal here: hours of one request in a pool and run weigh the same."""
        used = np.flatnonzero(weights)
        goal = np.zeros(self.program.columns)
        goal[self.column[used]] = weights[used]
        return goal

    def whole(self, columns: IntArray) -> BoolArray:
        """Return ``(columns,)`` which columns have to be whole here.

        Args:
            columns: those of the round's program.
        """
        whole = np.zeros(self.program.columns, dtype=np.bool_)
        whole[self.column[columns]] = True
        return whole

    def spread(self, values: FloatArray) -> FloatArray:
        """Return a solution as one of the round's columns: hours lie evenly over each run.

        A block stands at the first start of its run.
        """
        summed = self._summed[self.column]
        high = np.where(summed, self.model.program.column_bounds()[1][: summed.size], 0.0)
        total = np.bincount(self.column, high, self._summed.size)[self.column]
        part = np.where(summed, high / np.where(total > 0.0, total, 1.0), self._first)
        return np.asarray(values[self.column] * part)

    def summed(self, values: FloatArray) -> FloatArray:
        """Return a solution of the round's program as one of this one, without joint columns."""
        return np.bincount(self.column, values, self._summed.size).astype(np.float64)

    def part(self, owner: IntArray, part: IntArray) -> IntArray:
        """Return ``(columns,)`` the part of each column here, or `NOBODY`.

        Args:
            owner: ``(columns,)`` the request that each of the round's columns is about, if one.
            part: ``(r,)`` the part of each request.
        """
        parts = np.full(self.program.columns, NOBODY)
        owner = owner[: self.column.size]  # the round's program may have grown since
        some = owner != NOBODY
        parts[self.column[some]] = part[owner[some]]
        return parts

    def _columns(self) -> IntArray:
        """Number the columns anew: those of one request, pool and run by one number."""
        model, places = self.model, self.model.places
        first = np.arange(model.program.columns)
        key = (places.request * model.problem.pools + places.pool) * self._count
        key += self._run[places.span]
        for kind in (self._flexible & self._joined, self._block & self._joined):
            columns = places.column[kind]
            _, one, where = np.unique(key[kind], return_index=True, return_inverse=True)
            first[columns] = columns[one][where]
        for chosen, columns in self._starts():
            _, one, where = np.unique(first[columns], return_index=True, return_inverse=True)
            first[chosen] = chosen[one][where]
        return np.unique(first, return_inverse=True)[1]

    def _starts(self) -> list[tuple[IntArray, IntArray]]:
        """Return choices of a pool and start, and the columns of steps that they allow."""
        block = np.zeros(self.model.program.columns, dtype=np.bool_)
        block[self.model.places.column[self._block]] = True
        return [way for way in self.model.ways if block[way[1]].all()]

    def _add_rows(self) -> None:
        """Add every row but those of single slots and turns.

        In a row that bounds a sum from above, columns that are one now count what the least of
        them does, in one from below what the most does: neither takes a solution away.
        """
        whole = self.model.program
        row, column, value = whole.matrix()
        here = self.column[column]
        single = np.zeros(whole.columns, dtype=np.bool_)
        single[self.model.places.column[self._flexible]] = True
        kept = whole.relaxed()[1]
        kept[row[~single[column]]] = True
        kept[self.model.supply_rows[self.model.supply_rows != NOBODY]] = False
        inside = kept[row]
        size = self._summed.size
        place, where = np.unique(row[inside] * size + here[inside], return_inverse=True)
        least, most = np.full(place.size, np.inf), np.full(place.size, -np.inf)
        np.minimum.at(least, where, value[inside])
        np.maximum.at(most, where, value[inside])
        absent = np.bincount(where, minlength=place.size) < self._members[place % size]
        least[absent], most[absent] = np.minimum(least[absent], 0), np.maximum(most[absent], 0)
        low, high = whole.row_bounds()
        at = place // size
        unlike = at[most - least > ALIKE * np.maximum(np.abs(most), 1.0)]
        kept[unlike[np.isfinite(low[unlike]) & np.isfinite(high[unlike])]] = False
        number = np.cumsum(kept) - 1
        self.program.add_rows(int(kept.sum()), low[kept], high[kept])
        inside = kept[at]
        part = np.where(np.isfinite(high[at]), least, most)
        self.program.add_terms(number[at[inside]], place[inside] % size, part[inside])

    def _add_supply(self) -> None:
        """No pool gives more than it has in a run, nor in several runs one after the other.

        Blocks that are one now count what the one of them does that lies there least: in one run
        that may be nothing, in several it is most of a block.
        """
        model, places = self.model, self.model.places
        place, span = touched(places)
        hours = np.zeros((places.column.size, self._count))
        amounts = places.slot_hours[place] * model.spans.lengths[span]
        np.add.at(hours, (place, self._run[span]), amounts)
        edges = np.searchsorted(self._run, np.arange(self._count))
        supply = np.add.reduceat(model.spans.supply, edges, axis=1).astype(np.float64)
        ranges = [(first, first + 1) for first in range(self._count)]
        if self._block.any():
            ranges = list(combinations(range(self._count + 1), 2))
        for first, end in ranges:
            self._limit(hours[:, first:end].sum(axis=1), supply[:, first:end].sum(axis=1))

    def _limit_constants(self) -> None:
        """In no slot do constants alone take more than a pool has, where there are many of them.

        Hours make way for them within a run, but nothing makes way for what they take there.
        """
        model, places = self.model, self.model.places
        constant = model.problem.shape == Shape.CONSTANT
        if constant[model.problem.eligible].mean() < MANY:
            return
        place, span = touched(places)
        inside = constant[places.request[place]]
        place, span = place[inside], span[inside]
        supply = model.spans.supply / model.spans.lengths
        rows = self.program.add_rows(supply.size, -np.inf, 1.0)
        part = places.slot_hours[place] / np.maximum(supply[places.pool[place], span], 1.0)
        at = places.pool[place] * supply.shape[1] + span
        self.program.add_terms(rows[at], self.column[places.column[place]], part)

    def _limit(self, hours: FloatArray, supply: FloatArray) -> None:
        """Bound hours of each pool.

        Args:
            hours: ``(j,)`` of each place.
            supply: ``(p,)``.
        """
        here, size = self.column[self.model.places.column], self._summed.size
        least, pool = np.full(size, np.inf), np.zeros(size, dtype=np.int64)
        np.minimum.at(least, here, hours)
        pool[here] = self.model.places.pool
        some = np.flatnonzero(np.isfinite(least) & (least > 0.0))
        rows = self.program.add_rows(supply.size, -np.inf, 1.0)
        part = least[some] / np.maximum(supply, 1.0)[pool[some]]
        self.program.add_terms(rows[pool[some]], some, part)

    def _limit_slots(self) -> None:
        """A flexible request uses at most its most GPUs over all its pools, on a mean of a run.

        One that comes before or after another one does so in every slot.
        """
        problem, places = self.model.problem, self.model.places
        many = ((problem.speed > 0).sum(axis=1) > 1) & ~problem.single_pool
        mine = np.flatnonzero(self._flexible & many[places.request])
        column, first = np.unique(self.column[places.column[mine]], return_index=True)
        place = mine[first]
        spans = self._members[column]
        gangs = (most_hours(problem) // problem.gang * problem.gang)[places.request[place]]
        piece = self._run[places.span[place]]
        alone = ~self._joined[place]
        piece[alone] = self._count + places.span[place[alone]]
        key = places.request[place] * (self._count + self._run.size) + piece
        runs, at = np.unique(key, return_inverse=True)
        rows = self.program.add_rows(runs.size, -np.inf, 1.0)
        part = places.slot_hours[place] / (np.maximum(gangs, 1) * spans)
        self.program.add_terms(rows[at], column, part)

    def _tie_blocks(self) -> None:
        """Steps are taken where a pool and a start are chosen, between the least and the most."""
        model = self.model
        for chosen, columns in self._starts():
            steps = self.column[columns]
            most = np.array([model.most_steps[each] for each in columns.tolist()])
            least = np.array([model.least_steps[each] for each in columns.tolist()])
            one, first, at = np.unique(steps, return_index=True, return_inverse=True)
            highest = np.zeros(one.size)
            np.maximum.at(highest, at, most)
            choice = self.column[chosen[first]]
            for bounds, part in (((-np.inf, 0.0), highest), ((0.0, np.inf), least[first])):
                rows = self.program.add_rows(one.size, *bounds)
                self.program.add_terms(rows, one, 1.0)
                self.program.add_terms(rows, choice, -part)
