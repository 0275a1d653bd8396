"""The round as a mixed-integer program: its columns, and one method per rule."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from solver.fluid.merging import reach
from solver.placing.board import buckets, caps, floors, in_order, most_hours
from solver.problem import (
    MILLI,
    NOBODY,
    BoolArray,
    FloatArray,
    IntArray,
    Problem,
    Shape,
    Unit,
)
from solver.tiers.columns import Columns
from solver.tiers.places import touched
from solver.tiers.program import Effort
from solver.tiers.relaxation import Relaxation, Vertex
from solver.worth import asked_value, merit_points, value_parts

if TYPE_CHECKING:
    from solver.tiers.due import Due

SOME = 1e-6
"""Shares of an ask, or of a step, from which on a place counts as used."""
COARSE = 0.02
"""Part of an ask from which on it matters on which pool the last gang-hour lies."""
OPEN_CAP = np.iinfo(np.int64).max // 8


class RoundModel(Columns):
    """The program of a round, without a goal.

    Args:
        problem: the round.
        margin: gang-hours by which floors are exceeded, to be kept by whole gang-hours too.

    Attributes:
        award: ``(r,)`` column of the awarded share of the ask, or -1: then it is Σ share.
        turns: predecessor, successor, and the columns that say slot by slot whose turn it is.
        has_floors: whether anyone holds a floor.
        due: what is due to fellows, where fairness is measured.
    """

    def __init__(self, problem: Problem, *, margin: int = 0) -> None:
        super().__init__(problem)
        self.margin = margin
        self.turns: list[tuple[int, int, IntArray]] = []
        self.due: Due | None = None
        self.keep_supply()
        self.keep_totals()
        self.keep_last_gang_hours()
        self.award = self._add_awards()
        self.keep_slot_limits()
        self.keep_caps_and_floors()
        self.keep_order()

    @property
    def picks_only_pools(self) -> bool:
        """Whether all that is whole from the start is which pool a flexible request lies in."""
        chained = (self.problem.after != NOBODY) & self.problem.eligible
        return not self.most_steps and not chained.any()

    def relaxation(self, effort: Effort) -> Relaxation:
        """Return the linear relaxation."""
        return Relaxation(self.program, effort)

    def solved(self, relaxation: Relaxation, weights: FloatArray) -> Vertex | None:
        """Solve a relaxation for a goal; None where it has no solution, or was not solved."""
        relaxation.aim(weights)
        vertex = relaxation.solve()
        if vertex is None:
            return None
        return replace(vertex, values=self.completed(vertex.values))

    def fluid(self, values: FloatArray, funded: BoolArray) -> IntArray:
        """Return ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour, spans spread evenly.

        Args:
            values: ``(columns,)`` a solution.
            funded: ``(r,)`` who counts.
        """
        places, spans = self.places, self.spans
        used = np.flatnonzero((values[places.column] > SOME / 10) & funded[places.request])
        first = spans.start[places.span[used]]
        lengths = spans.start[places.span[used] + places.spans[used]] - first
        place = np.repeat(used, lengths)
        slot = np.repeat(first, lengths) + np.arange(place.size)
        slot -= np.repeat(np.cumsum(lengths) - lengths, lengths)
        hours = np.round(values[places.column[place]] * places.slot_hours[place] * MILLI)
        cells = np.stack([places.request[place], places.pool[place], slot, hours], axis=1)
        return in_order(cells[hours > 0].astype(np.int64))

    def lost(self, _values: FloatArray) -> float:
        """Return which share of a solution's hours finds no slot: none, every slot is here."""
        return 0.0

    @property
    def turn_columns(self) -> IntArray:
        """Return the columns of all turns."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(turn for *_, turn in self.turns)])

    def owner_of_columns(self) -> IntArray:
        """Return ``(columns,)`` the request that each column is about, or `NOBODY`."""
        owner = np.full(self.program.columns, NOBODY)
        columns, owners = self.choices()
        owner[self.funded] = np.arange(self.problem.requests)
        owner[columns] = owners
        owner[self.places.column] = self.places.request
        own = np.flatnonzero(self.award >= 0)
        owner[self.award[own]] = own
        return owner

    def completed(self, values: FloatArray) -> FloatArray:
        """Return a solution of the relaxation with the choices that its hours stand for."""
        result = values.copy()
        for chosen, columns in self.ways:
            np.maximum.at(result, chosen, values[columns] > SOME)
        for before, _, turn in self.turns:
            mine = self.places_of(before)
            used = mine[values[self.places.column[mine]] > SOME]
            end = int((self.places.span[used] + self.places.spans[used]).max(initial=0))
            result[turn] = np.arange(turn.size) >= end
        return result

    def keep_supply(self) -> None:
        """No pool gives more than it has in a span."""
        places, spans = self.places, self.spans
        place, span = touched(places)
        where = places.pool[place] * spans.lengths.size + span
        hours = places.slot_hours[place] * spans.lengths[span]
        supply = spans.supply.reshape(-1)
        upper = self.program.column_bounds()[1][places.column[place]]
        most = np.bincount(where, weights=hours * upper, minlength=supply.size)
        scarce = np.flatnonzero(most > supply)
        self.supply_rows = np.full(supply.size, -1, dtype=np.int64)
        self.supply_rows[scarce] = self.program.add_rows(scarce.size, -np.inf, 1.0)
        inside = self.supply_rows[where] >= 0
        rows = self.supply_rows[where][inside]
        scaled = (hours / np.maximum(supply[where], 1))[inside]
        self.program.add_terms(rows, places.column[place][inside], scaled)

    def keep_totals(self) -> None:
        """An award is nothing, or between its least and its most."""
        places, extent = self.places, self.extent
        everyone = np.unique(places.request)
        exact = everyone[extent.low[everyone] >= extent.top[everyone] - 1e-12]
        rest = np.setdiff1d(everyone, exact)
        low = rest[extent.low[rest] > 0]
        for members, bounds, amount in (
            (exact, (0.0, 0.0), extent.top),
            (rest, (-np.inf, 0.0), extent.top),
            (low, (0.0, np.inf), extent.low),
        ):
            at = np.full(self.problem.requests, -1, dtype=np.int64)
            at[members] = self.program.add_rows(members.size, *bounds)
            inside = at[places.request] >= 0
            rows = at[places.request][inside]
            self.program.add_terms(rows, places.column[inside], places.share[inside])
            self.program.add_terms(at[members], self.funded[members], -amount[members])
        idle = np.setdiff1d(np.flatnonzero(self.extent.counted), everyone)
        rows = self.program.add_rows(idle.size, -np.inf, 0.0)
        self.program.add_terms(rows, self.funded[idle], 1.0)

    def keep_last_gang_hours(self) -> None:
        """What goes beyond the ask is less than a gang-hour on the fastest pool used.

        A pool that is used holds a gang-hour at least, so with speeds s and hours h, for each pool
        j: Σ min(s, s[j])·h < ask + gang·s[j]. For the fastest pool `keep_totals` says it.
        """
        problem, places = self.problem, self.places
        speed, fastest = problem.speed, problem.speed.max(axis=1)
        loose = (problem.shape == Shape.FLEXIBLE) & problem.eligible & (problem.ask > 0)
        matters = problem.gang[:, None] * (fastest[:, None] - speed) > problem.ask[:, None] * COARSE
        owner, slower = np.nonzero((speed > 0) & matters & loose[:, None])
        ask = problem.ask[owner]
        most = (ask + problem.gang[owner] * speed[owner, slower] - 1) / ask
        rows = self.program.add_rows(owner.size, -np.inf, 0.0)
        self.program.add_terms(rows, self.funded[owner], -most)
        for row, request, pool in zip(rows.tolist(), owner.tolist(), slower.tolist(), strict=True):
            mine = self.places_of(request)
            counted = np.minimum(speed[request, pool] / speed[request, places.pool[mine]], 1.0)
            self.program.add_terms(row, places.column[mine], counted)

    def _add_awards(self) -> IntArray:
        """What is awarded stops at the ask; the last gang-hour of a plain request counts less.

        It is no less than what is used where a cap counts it, up to what may lie beyond the ask.
        """
        extent, places = self.extent, self.places
        award = np.full(self.problem.requests, -1, dtype=np.int64)
        whole = extent.low >= 1.0
        award[whole] = self.funded[whole]
        over = np.flatnonzero((extent.top > 1.0 + 1e-12) & ~whole)
        award[over] = self.program.add_columns(over.size, 0.0, 1.0)
        at = np.full(self.problem.requests, -1, dtype=np.int64)
        spare = np.where(extent.last[over] > 0, 0.0, extent.top[over] - 1.0)
        least = np.where(self._counts_for_a_cap()[over], -spare, -np.inf)
        at[over] = self.program.add_rows(over.size, least, 0.0)
        inside = at[places.request] >= 0
        rows = at[places.request][inside]
        self.program.add_terms(rows, places.column[inside], -places.share[inside])
        self.program.add_terms(at[over], award[over], 1.0)
        counted = over[extent.counted[over]]
        rows = self.program.add_rows(counted.size, -np.inf, 0.0)
        self.program.add_terms(rows, award[counted], 1.0)
        self.program.add_terms(rows, self.funded[counted], -1.0)
        self._add_last_gangs(over[extent.last[over] > 0], at)
        return award

    def _counts_for_a_cap(self) -> BoolArray:
        """Return ``(r,)`` whose awards a cap limits."""
        bucket = buckets(self.problem)
        limited = np.append(caps(self.problem) < OPEN_CAP, False)  # NOBODY is the last one
        by_award = self.problem.rules.unit is Unit.REFERENCE_HOURS
        return np.asarray(limited[bucket].any(axis=1) & by_award)

    def _add_last_gangs(self, split: IntArray, award_row: IntArray) -> None:
        """The last gang-hour is used only as a whole and brings only the rest of the ask."""
        extent, places = self.extent, self.places
        last = self.program.add_columns(split.size, 0.0, 1.0)
        self.program.add_terms(award_row[split], last, extent.top[split] - 1.0)
        at = np.full(self.problem.requests, -1, dtype=np.int64)
        at[split] = self.program.add_rows(
            split.size, -np.inf, extent.top[split] - extent.last[split]
        )
        inside = at[places.request] >= 0
        rows = at[places.request][inside]
        self.program.add_terms(rows, places.column[inside], places.share[inside])
        self.program.add_terms(at[split], last, -extent.last[split])

    def keep_slot_limits(self) -> None:
        """A flexible request uses at most its most GPUs over all its pools in a span."""
        problem, places, spans = self.problem, self.places, self.spans
        many = (problem.speed > 0).sum(axis=1) > 1
        mine = many[places.request] & (problem.shape[places.request] == Shape.FLEXIBLE)
        if not mine.any():
            return
        where = places.request[mine] * spans.lengths.size + places.span[mine]
        limit = (most_hours(problem) // problem.gang * problem.gang)[places.request[mine]]
        part = places.slot_hours[mine] / np.maximum(limit, 1)
        upper = self.program.column_bounds()[1][places.column[mine]]
        keys, at = np.unique(where, return_inverse=True)
        most = np.bincount(at, weights=part * upper)
        scarce = most > 1.0 + 1e-12
        rows = np.full(keys.size, -1, dtype=np.int64)
        # Who picks one pool keeps its own limit there. Beside other choices they are seldom broken
        # and half of all rows: 4.1 s against 9.5 s at 1,200 requests, for 0.004 % of the bound.
        picks = problem.single_pool[keys[scarce] // spans.lengths.size]
        chosen = bool(self._hard) and not self.picks_only_pools
        rows[scarce] = self.program.add_rows(
            int(scarce.sum()), -np.inf, 1.0, whole_only=picks | chosen
        )
        inside = rows[at] >= 0
        self.program.add_terms(rows[at][inside], places.column[mine][inside], part[inside])

    def keep_caps_and_floors(self) -> None:
        """Fellows, groups, institutes and tracks stay between their floors and caps."""
        problem = self.problem
        bucket, cap, floor = buckets(problem), caps(problem), floors(problem)
        self.has_floors = bool((floor > 0).any())
        most = np.where(problem.eligible, reach(problem), 0)
        for each in np.flatnonzero((cap < OPEN_CAP) | (floor > 0)).tolist():
            members = (bucket == each).any(axis=1)
            can = int(most[members].sum())
            gangs = (problem.gang * problem.factor.max(axis=1))[members]
            spare = self.margin * int(gangs.max(initial=0)) if floor[each] else 0
            low, high = min(int(floor[each]) + spare, can), int(cap[each])
            low = min(low, high)
            scale = float(max(low, min(high, can), 1))
            row = self.program.add_rows(1, low / scale, high / scale if high < OPEN_CAP else np.inf)
            self.add_units(row, members, scale)

    def add_units(self, row: IntArray, members: BoolArray, scale: float) -> None:
        """Add to a row what the members receive in the policy's unit, divided by a scale."""
        columns, amounts, owner = self.unit_terms()
        inside = members[owner]
        self.program.add_terms(row, columns[inside], amounts[inside] / scale)

    def unit_terms(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return columns, thousandths of the unit they bring when 1, and their requests."""
        if self.problem.rules.unit is Unit.REFERENCE_HOURS:
            columns, shares, owner = self.award_terms()
            return columns, shares * self.problem.ask[owner], owner
        return self.places.column, self.places.units, self.places.request

    def units_of(self, request: int) -> tuple[IntArray, FloatArray]:
        """Return columns of one request and the thousandths of the unit they bring when 1."""
        mine = self.places_of(request)
        columns = self.places.column[mine]
        if self.problem.rules.unit is not Unit.REFERENCE_HOURS:
            return columns, self.places.units[mine]
        ask = float(self.problem.ask[request])
        if self.award[request] >= 0:
            return self.award[request : request + 1], np.array([ask])
        return columns, self.places.share[mine] * ask

    def award_terms(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return columns, shares of the ask they award when 1, and their requests."""
        own = np.flatnonzero(self.award >= 0)
        plain = self.award[self.places.request] < 0
        columns = np.concatenate([self.award[own], self.places.column[plain]])
        shares = np.concatenate([np.ones(own.size), self.places.share[plain]])
        return columns, shares, np.concatenate([own, self.places.request[plain]])

    def value_goal(self) -> FloatArray:
        """Return ``(columns,)`` the policy's value of each column."""
        problem, goal = self.problem, np.zeros(self.program.columns)
        merit = merit_points(problem) / MILLI
        hours, projects = map(float, value_parts(problem))
        columns, shares, owner = self.award_terms()
        np.add.at(goal, columns, hours * shares * (merit * problem.ask / MILLI)[owner])
        if projects:
            np.add.at(goal, self.funded, projects * merit)
        return goal

    def most_value(self) -> float:
        """Return the value of everything that is asked: no plan has more."""
        return float(asked_value(self.problem))

    def keep_order(self) -> None:
        """A request comes after its predecessor, and only if that one is funded."""
        problem = self.problem
        linked = np.flatnonzero((problem.after != NOBODY) & problem.eligible)
        for request in linked.tolist():
            before = int(problem.after[request])
            row = self.program.add_rows(1, -np.inf, 0.0)
            self.program.add_terms(row, [self.funded[request], self.funded[before]], [1.0, -1.0])
            turn = self.program.add_columns(problem.slots, 0.0, 1.0, whole_only=True)
            self._hard.append((turn, np.full(turn.size, request)))
            self.turns.append((before, request, turn))
            rows = self.program.add_rows(problem.slots - 1, -np.inf, 0.0)
            self.program.add_terms(rows, turn[:-1], 1.0)
            self.program.add_terms(rows, turn[1:], -1.0)
            self._stay(before, turn, later=False)
            self._stay(request, turn, later=True)

    def _stay(self, request: int, turn: IntArray, *, later: bool) -> None:
        """Tie a request's columns to its side of the turn; every span is one slot here."""
        places = self.places
        upper = self.program.column_bounds()[1]
        for at in np.flatnonzero(places.request == request).tolist():
            column, first = int(places.column[at]), int(places.span[at])
            most = float(upper[column])
            last = first + int(places.spans[at]) - 1
            row = self.program.add_rows(1, -np.inf, 0.0 if later else most)
            side = int(turn[first if later else last])
            self.program.add_terms(row, [column, side], [1.0, -most if later else most])
