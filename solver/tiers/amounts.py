"""The program of a round of flexible requests: how much in which pool, and not yet when.

A column per request and pool instead of one per span: of 235,000 columns at 4,000 fellows 39,000
are left. What the slots cannot hold is cut off where a solution asks it of them (`Slots.cuts`), so
the bounds are those of the program with every slot, or above where many requests need their most
GPUs in two pools at once.
"""

import numpy as np

from solver.placing.board import most_hours
from solver.problem import NOBODY, BoolArray, FloatArray, IntArray, Problem, Shape
from solver.tiers.model import RoundModel
from solver.tiers.places import Places, find_seats
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation
from solver.tiers.slots import Slots


def is_loose(problem: Problem) -> bool:
    """Return whether everyone who may be funded is flexible and in no chain."""
    asks = problem.eligible & (problem.ask > 0)
    chained = problem.eligible & (problem.after != NOBODY)
    return bool((problem.shape[asks] == Shape.FLEXIBLE).all()) and not chained.any()


class AmountModel(RoundModel):
    """The program of a round of flexible requests, without a goal and without slots.

    Attributes:
        slots: what the calendar can hold.
    """

    def relaxation(self, effort: Effort) -> Relaxation:
        """Return the linear relaxation, which learns of the slots by cuts."""
        return Relaxation(self.program, effort, cuts=self.slots.cuts)

    def fluid(self, values: FloatArray, funded: BoolArray) -> IntArray:
        """Return ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour; as `RoundModel`."""
        return self.slots.fluid(values, funded)

    def lost(self, values: FloatArray) -> float:
        """Return which share of a solution's hours finds no slot."""
        return self.slots.lost(values)

    def _lay_flexible(self, eligible: BoolArray) -> None:
        """One column per request and pool: the share of the ask served there."""
        problem, spans = self.problem, self.spans
        free = eligible & (problem.shape == Shape.FLEXIBLE)
        seats = find_seats(problem, spans, free)
        request, pool = np.nonzero((problem.speed > 0) & free[:, None])
        begin, end = spans.of(problem.first[request]), spans.of(problem.end[request])
        full = problem.ask[request] / problem.speed[request, pool]
        place = np.repeat(np.arange(request.size), end - begin)
        most = np.bincount(place, seats.hours, request.size)
        upper = np.minimum(most / full, self.extent.top[request])
        places = Places(
            column=self.program.add_columns(request.size, 0.0, upper),
            request=request,
            pool=pool,
            span=begin,
            spans=end - begin,
            slot_hours=full / (problem.end - problem.first)[request],
            share=np.ones(request.size),
            units=full * problem.factor[request, pool],
        )
        self._parts.append(places)
        self.slots = Slots(spans, places, seats)
        self._choose_pools(free)

    def keep_supply(self) -> None:
        """No pool gives more than it has in all its slots together."""
        places, supply = self.places, self.spans.supply.sum(axis=1)
        rows = self.program.add_rows(supply.size, -np.inf, 1.0)
        hours = self.window_hours() / np.maximum(supply, 1)[places.pool]
        self.program.add_terms(rows[places.pool], places.column, hours)

    def keep_slot_limits(self) -> None:
        """A request uses at most its most GPUs all through its window, over all its pools."""
        problem, places = self.problem, self.places
        gangs = most_hours(problem) // problem.gang * problem.gang
        limit = np.maximum(gangs * (problem.end - problem.first), 1)[places.request]
        part = self.window_hours() / limit
        upper = self.program.column_bounds()[1][places.column]
        most = np.bincount(places.request, part * upper, problem.requests)
        many = ((problem.speed > 0).sum(axis=1) > 1) & ~problem.single_pool & (most > 1.0 + 1e-12)
        rows = np.full(problem.requests, NOBODY)
        rows[many] = self.program.add_rows(int(many.sum()), -np.inf, 1.0)
        inside = many[places.request]
        self.program.add_terms(rows[places.request[inside]], places.column[inside], part[inside])

    def window_hours(self) -> FloatArray:
        """Return ``(j,)`` GPU-hours of a place when its column is 1."""
        places, start = self.places, self.spans.start
        slots = start[places.span + places.spans] - start[places.span]
        return np.asarray(places.slot_hours * slots)
