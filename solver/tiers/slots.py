"""Slots: whether amounts that are known only by request and pool find room in the calendar.

In one pool that is a flow from requests through the spans of their windows. Where it cannot carry
everything, the smallest cut names spans S and requests R: what R cannot lie outside S has to lie
inside, Σ (hours − most hours outside S) ≤ supply of S. Every plan keeps this row (Hoffman's
circulation theorem), and together such rows say all that the slots say.
"""

from typing import NamedTuple

import numpy as np

from solver.fluid.flow import SINK, SOURCE, Network, augment, network, reached
from solver.placing.board import in_order
from solver.problem import MILLI, BoolArray, FloatArray, IntArray, NarrowArray
from solver.tiers.extent import Spans
from solver.tiers.places import Places, Seats
from solver.tiers.relaxation import Cut

MISSED = 1e-6
"""Part of a pool's supply that may find no room."""


class _Flow(NamedTuple):
    """What goes from the amounts of one pool into its spans.

    Attributes:
        net: node 2 + k is place ``own[k]``, node ``first + i`` span i.
        seats: ``(n,)`` which seats there are; arcs: ``(n,)`` where they stand in the network.
        lost: thousandths of a GPU-hour that found no room.
    """

    net: Network
    own: IntArray
    first: int
    seats: IntArray
    arcs: NarrowArray
    lost: int


class Slots:
    """The calendar behind columns that stand for hours anywhere in a window.

    Args:
        spans: of the calendar.
        places: one for each request and pool; j.
        seats: the spans of each, place by place.
    """

    def __init__(self, spans: Spans, places: Places, seats: Seats) -> None:
        self.spans, self.places, self.seats = spans, places, seats
        new = (np.diff(seats.request, prepend=-1) != 0) | (np.diff(seats.pool, prepend=-1) != 0)
        self._place = np.cumsum(new) - 1
        lengths = spans.start[places.span + places.spans] - spans.start[places.span]
        self._hours = places.slot_hours * lengths
        self._most = seats.hours * MILLI

    def cuts(self, values: FloatArray) -> list[Cut]:
        """Return a row for each pool whose slots cannot hold what a solution puts there.

        Args:
            values: ``(columns,)``.
        """
        amounts = self._amounts(values)
        pools = range(self.spans.supply.shape[0])
        flows = ((pool, self._flow(pool, amounts, self._most)) for pool in pools)
        return [
            self._cut(pool, flow)
            for pool, flow in flows
            if flow.lost > MISSED * MILLI * float(self.spans.supply[pool].sum())
        ]

    def fluid(self, values: FloatArray, funded: BoolArray) -> IntArray:
        """Return ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.

        One pool after the other, so that a request in several stays within its most GPUs; what then
        finds no room any more is left out.

        Args:
            values: ``(columns,)`` a solution.
            funded: ``(r,)`` who counts.
        """
        seats, spans = self.seats, self.spans
        amounts = np.where(funded[self.places.request], self._amounts(values), 0)
        seat = seats.request * spans.lengths.size + seats.span
        used = np.zeros(funded.size * spans.lengths.size, dtype=np.int64)
        parts = [np.zeros((0, 4), dtype=np.int64)]
        for pool in range(spans.supply.shape[0]):
            flow = self._flow(pool, amounts, np.maximum(self._most - used[seat], 0))
            carried = flow.net.residual[flow.net.mate[flow.arcs]]
            used[seat[flow.seats]] += carried
            parts.append(self._cells(flow.seats[carried > 0], carried[carried > 0]))
        return in_order(np.concatenate(parts))

    def lost(self, values: FloatArray) -> float:
        """Return which share of all hours `fluid` leaves out.

        Args:
            values: ``(columns,)`` a solution.
        """
        everyone = np.ones(int(self.places.request.max(initial=-1)) + 1, dtype=np.bool_)
        whole = int(self._amounts(values).sum())
        return 1.0 - int(self.fluid(values, everyone)[:, 3].sum()) / max(whole, 1)

    def _amounts(self, values: FloatArray) -> IntArray:
        """Return ``(j,)`` thousandths of a GPU-hour."""
        hours = np.round(values[self.places.column] * self._hours * MILLI)
        return np.asarray(np.maximum(hours, 0.0).astype(np.int64))

    def _flow(self, pool: int, amounts: IntArray, most: IntArray) -> _Flow:
        """Send what a pool holds into its spans.

        Args:
            pool: index.
            amounts: ``(j,)`` thousandths of a GPU-hour.
            most: ``(n,)`` the same that each seat takes.
        """
        seats = np.flatnonzero((self.seats.pool == pool) & (amounts[self._place] > 0))
        own, node = np.unique(self._place[seats], return_inverse=True)
        spans, first = np.arange(self.spans.lengths.size), own.size + 2
        supply = self.spans.supply[pool] * MILLI
        net, (_, arcs, _) = network(
            first + spans.size,
            [
                (np.full(own.size, SOURCE), np.arange(own.size) + 2, amounts[own]),
                (node + 2, self.seats.span[seats] + first, most[seats]),
                (spans + first, np.full(spans.size, SINK), supply),
            ],
        )
        lost = int(amounts[own].sum()) - augment(net)
        return _Flow(net=net, own=own, first=first, seats=seats, arcs=arcs, lost=lost)

    def _cut(self, pool: int, flow: _Flow) -> Cut:
        """Return the row that says what the smallest cut of a flow does."""
        seen, places = reached(flow.net), self.places
        inside = seen[flow.first :]
        outside = self.seats.hours * ~inside[self.seats.span]
        room = np.bincount(self._place, outside, places.column.size)
        chosen = (places.pool == pool) & (room == 0.0)
        chosen[flow.own[seen[2 : flow.first]]] = True
        most = float(self.spans.supply[pool, inside].sum()) + float(room[chosen].sum())
        part = self._hours[chosen] / max(most, 1.0 / MILLI)
        return Cut(columns=places.column[chosen], coefficients=part)

    def _cells(self, seats: IntArray, amounts: IntArray) -> IntArray:
        """Return the cells of seats, the amount of a span spread evenly over its slots."""
        lengths = self.spans.lengths[self.seats.span[seats]]
        row = np.repeat(np.arange(seats.size), lengths)
        within = np.arange(row.size) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        slot = self.spans.start[self.seats.span[seats[row]]] + within
        hours = amounts[row] // lengths[row] + (within < amounts[row] % lengths[row])
        request, pool = self.seats.request[seats[row]], self.seats.pool[seats[row]]
        return np.stack([request, pool, slot, hours], axis=1)[hours > 0]
