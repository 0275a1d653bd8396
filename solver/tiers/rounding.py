"""A plan near a solution in fractions: what is funded, where and in how many steps, bit by bit."""

from copy import copy

import numpy as np

from solver.problem import NOBODY, BoolArray, FloatArray, IntArray, Shape
from solver.tiers.model import RoundModel

HALFWAY = 0.5
"""From here on a fraction is nearer to 1."""
CLOSE = 1e-9
"""How far from a whole number still counts as one."""
FAR = 1e3
"""Shares of an ask that a boundary without room counts for."""


class Bounds:
    """Bounds of a program's columns, in which choices are made one after the other.

    Args:
        model: the program of the round.
        low, high: ``(columns,)`` bounds to start from; copied.
    """

    def __init__(self, model: RoundModel, low: FloatArray, high: FloatArray) -> None:
        self.model, self.free_low, self.free_high = model, low, high
        self.low, self.high = low.copy(), high.copy()
        columns, owners = model.choices()
        order = np.argsort(owners, kind="stable")
        self._own = columns[order]
        self._first = np.searchsorted(owners[order], np.arange(model.problem.requests + 1))
        self.choice_of = np.full(model.program.columns, NOBODY)
        for chosen, places in model.ways:
            self.choice_of[places] = chosen

    def copy(self) -> "Bounds":
        """Return the same with choices of its own from now on."""
        twin = copy(self)
        twin.low, twin.high = self.low.copy(), self.high.copy()
        return twin

    def hold(self, columns: IntArray, values: FloatArray) -> None:
        """Hold whole columns as a solution has them."""
        whole = np.clip(np.round(values[columns]), self.free_low[columns], self.free_high[columns])
        self.low[columns] = self.high[columns] = whole

    def decide(self, request: int, values: FloatArray, least: float) -> None:
        """Fund a request in one way, the one that has most of it, or do not fund it.

        Args:
            request: index.
            values: what a relaxation has.
            least: the part from which on it is funded.
        """
        funded = int(self.model.funded[request])
        must = self.free_low[funded] > HALFWAY
        wanted = values[funded] >= least or must
        mine = self._own[self._first[request] : self._first[request + 1]]
        mine = mine[~np.isin(mine, self.model.turn_columns)]
        self.low[mine], self.high[mine] = 0.0, 0.0
        if wanted and not self._fund(request, values) and must:
            self.low[mine], self.high[mine] = self.free_low[mine], self.free_high[mine]

    def start(self, request: int, place: int) -> None:
        """Leave a block to one of its places; whether it is funded, and its steps, stay open."""
        column = int(self.model.places.column[place])
        kept = [column, self.choice_of[column], self.model.funded[request]]
        mine = self._own[self._first[request] : self._first[request + 1]]
        rest = mine[~np.isin(mine, kept) & ~np.isin(mine, self.model.turn_columns)]
        self.low[rest], self.high[rest] = 0.0, 0.0

    def turn(self, before: int, after: int, turn: IntArray, values: FloatArray) -> None:
        """Draw a boundary between two requests where least lies on its wrong side.

        Both find room for their least on their sides where that is possible.
        """
        wrong = np.zeros(turn.size + 1)
        for request, late in ((before, False), (after, True)):
            edge, part = self._sides(request, values, late=late)
            for at, amount in zip(edge.tolist(), part.tolist(), strict=True):
                if late:
                    wrong[at + 1 :] += amount
                else:
                    wrong[:at] += amount
            wrong[~self._has_room(request, turn.size, late=late)] += FAR
        self.low[turn] = self.high[turn] = np.arange(turn.size) >= int(np.argmin(wrong))

    def _sides(
        self, request: int, values: FloatArray, *, late: bool
    ) -> tuple[IntArray, FloatArray]:
        """Return where each place of a request meets a boundary, and its share of the ask."""
        places, mine = self.model.places, self.model.places_of(request)
        edge = places.span[mine] if late else places.span[mine] + places.spans[mine]
        return edge, values[places.column[mine]] * places.share[mine]

    def _has_room(self, request: int, slots: int, *, late: bool) -> BoolArray:
        """Return ``(slots + 1,)`` which boundaries leave a funded request room for its least.

        In a slot it may take what it takes at most in one pool; a block lies on one side whole.
        """
        model = self.model
        if self.low[model.funded[request]] < HALFWAY:
            return np.ones(slots + 1, dtype=np.bool_)
        edge, most = self._sides(request, self.free_high, late=late)
        room = np.zeros(slots + 1)
        np.maximum.at(room, edge, most)
        held = np.cumsum(room[::-1])[::-1] if late else np.cumsum(room)
        if model.problem.shape[request] != Shape.FLEXIBLE:
            held = np.maximum.accumulate(room[::-1])[::-1] if late else np.maximum.accumulate(room)
        return np.asarray(held >= model.extent.low[request] - CLOSE)

    def _fund(self, request: int, values: FloatArray) -> bool:
        """Fund a request on the places of its best choice; say whether there is one."""
        model, places = self.model, self.model.places
        mine = model.places_of(request)
        mine = mine[self.allowed(request, mine)]
        if not mine.size:
            return False
        columns = places.column[mine]
        part = values[columns] * places.share[mine]
        choice = self.choice_of[columns]
        choices, at = np.unique(choice, return_inverse=True)
        best = int(choices[np.argmax(np.bincount(at, weights=part))])
        if best != NOBODY:
            self.low[best] = self.high[best] = 1.0
        if model.problem.shape[request] != Shape.FLEXIBLE:
            inside = np.flatnonzero(choice == best)
            place = int(mine[inside[np.argmax(part[inside])]])
            steps = self._steps(request, place, float(part.sum()))
            column = places.column[place]
            self.low[column] = self.high[column] = steps
            if steps == 0.0:
                return False
        funded = model.funded[request]
        self.low[funded] = self.high[funded] = 1.0
        return True

    def _steps(self, request: int, place: int, share: float) -> float:
        """Return the whole number of steps that makes a share of the ask, 0 if none may."""
        model = self.model
        each = float(model.places.share[place])
        least = max(np.ceil(model.extent.low[request] / each - CLOSE), 1.0)
        most = model.most_steps[int(model.places.column[place])]
        return float(np.clip(np.round(share / each), least, most)) if least <= most else 0.0

    def allowed(self, request: int, mine: IntArray) -> BoolArray:
        """Return which places the boundaries drawn so far leave to a request."""
        places, allowed = self.model.places, np.ones(mine.size, dtype=np.bool_)
        for before, after, turn in self.model.turns:
            drawn = self.low[turn] == self.high[turn]
            if not drawn.all() or request not in {before, after}:
                continue
            first = int((self.low[turn] < HALFWAY).sum())
            last = places.span[mine] + places.spans[mine]
            allowed &= last <= first if request == before else places.span[mine] >= first
        return allowed
