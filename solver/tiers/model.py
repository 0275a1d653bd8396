"""The round as a mixed-integer program: where requests may lie, and one method per rule."""

from dataclasses import dataclass

import numpy as np

from solver.fluid.merging import reach
from solver.placing.board import buckets, caps, floors, in_order, most_hours
from solver.placing.placement import most_gpus, whole_step
from solver.problem import (
    MILLI,
    NOBODY,
    BoolArray,
    FloatArray,
    IntArray,
    Merit,
    Problem,
    Shape,
    Unit,
    ValueOf,
)
from solver.tiers.extent import find_extent, find_spans
from solver.tiers.program import Effort, Program
from solver.tiers.relaxation import Relaxation

SOME = 1e-6
"""Shares of an ask, or of a step, from which on a place counts as used."""
COARSE = 0.02
"""Part of an ask from which on it matters on which pool the last gang-hour lies."""
OPEN_CAP = np.iinfo(np.int64).max // 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Columns that put hours somewhere; axis j.

    Attributes:
        column: ``(j,)`` in the program; request, pool: ``(j,)``.
        span: ``(j,)`` first span touched; spans: ``(j,)`` how many.
        slot_hours: ``(j,)`` GPU-hours in each slot touched when the column is 1.
        share: ``(j,)`` share of the ask that the column brings when it is 1.
        units: ``(j,)`` thousandths of a service unit, or of what the unit is.
    """

    column: IntArray
    request: IntArray
    pool: IntArray
    span: IntArray
    spans: IntArray
    slot_hours: FloatArray
    share: FloatArray
    units: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seats:
    """Where flexible requests may lie.

    Attributes:
        request, pool, span: ``(n,)``, in this order.
        hours: ``(n,)`` most GPU-hours there, a whole number of gang-hours in every slot.
    """

    request: IntArray
    pool: IntArray
    span: IntArray
    hours: IntArray


class RoundModel:
    """The program of a round, without a goal.

    Args:
        problem: the round.
        margin: gang-hours by which floors are exceeded, to be kept by whole gang-hours too.

    Attributes:
        funded: ``(r,)`` column of each request: 1 when it is funded.
        award: ``(r,)`` column of the awarded share of the ask, or -1: then it is Σ share.
        hard: ``(columns,)`` columns that are whole from the start: pools, starts, GPU numbers.
        most_steps: most steps of each column that counts steps of a block or constant.
        least_steps: least steps of each of them that is a way, if it is taken.
        ways: columns of choices (a pool, a start) and, for each, a column of hours it allows.
        turns: predecessor, successor, and the columns that say slot by slot whose turn it is.
        has_floors: whether anyone holds a floor.
    """

    def __init__(self, problem: Problem, *, margin: int = 0) -> None:
        self.problem, self.margin = problem, margin
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
        self.turns: list[tuple[int, int, IntArray]] = []
        self._lay_flexible(eligible)
        self._lay_constants(eligible)
        self._lay_blocks(eligible)
        self.places = _joined(self._parts)
        self._by_request = np.argsort(self.places.request, kind="stable")
        owners = self.places.request[self._by_request]
        self._first_of = np.searchsorted(owners, np.arange(problem.requests + 1))
        self.keep_supply()
        self.keep_totals()
        self.keep_last_gang_hours()
        self.award = self._add_awards()
        self.keep_slot_limits()
        self.keep_caps_and_floors()
        self.keep_order()

    @property
    def hard(self) -> BoolArray:
        """``(columns,)`` columns that have to be whole from the start."""
        mask = np.zeros(self.program.columns, dtype=np.bool_)
        for columns, _ in self._hard:
            mask[columns] = True
        return mask

    @property
    def picks_only_pools(self) -> bool:
        """Whether all that is whole from the start is which pool a flexible request lies in."""
        chained = (self.problem.after != NOBODY) & self.problem.eligible
        return not self.most_steps and not chained.any()

    def relaxation(self, effort: Effort) -> Relaxation:
        """Return the linear relaxation."""
        return Relaxation(self.program, effort)

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

    def places_of(self, request: int) -> IntArray:
        """Return the places of a request."""
        return self._by_request[self._first_of[request] : self._first_of[request + 1]]

    def choices(self) -> tuple[IntArray, IntArray]:
        """Return the columns that have to be whole in a plan, and the request each belongs to."""
        counted = np.flatnonzero(self.extent.counted)
        parts = [(self.funded[counted], counted), *self._hard]
        columns, owners = (np.concatenate(part) for part in zip(*parts, strict=True))
        return columns, owners

    @property
    def turn_columns(self) -> IntArray:
        """Return the columns of all turns."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(turn for *_, turn in self.turns)])

    def takes_steps(self, request: int) -> bool:
        """Return whether a request takes whole steps in one place: one pool, and one start."""
        problem = self.problem
        if problem.shape[request] == Shape.CONSTANT:
            return bool(problem.single_pool[request] or self.places_of(request).size == 1)
        return bool(problem.shape[request] == Shape.BLOCK)

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

    def _lay_flexible(self, eligible: BoolArray) -> None:
        """One column per request, pool and span: the share of the ask served there."""
        problem, spans = self.problem, self.spans
        free = eligible & (problem.shape == Shape.FLEXIBLE)
        seats = self.seats(free)
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

    def seats(self, free: BoolArray) -> "Seats":
        """Return where flexible requests may lie, by request, pool and span.

        Args:
            free: ``(r,)`` those requests.
        """
        problem, spans = self.problem, self.spans
        owner, pool = np.nonzero((problem.speed > 0) & free[:, None])
        begin = spans.of(problem.first[owner])
        lengths = spans.of(problem.end[owner]) - begin
        request, pool = np.repeat(owner, lengths), np.repeat(pool, lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        span = np.repeat(begin, lengths) + within
        slots, gang = spans.lengths[span], problem.gang[request]
        most = most_hours(problem)[request] // gang * gang
        most = np.minimum(most, spans.supply[pool, span] // slots // gang * gang)
        return Seats(request=request, pool=pool, span=span, hours=most * slots)

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
        """What is awarded stops at the ask; the last gang-hour of a plain request counts less."""
        extent, places = self.extent, self.places
        award = np.full(self.problem.requests, -1, dtype=np.int64)
        whole = extent.low >= 1.0
        award[whole] = self.funded[whole]
        over = np.flatnonzero((extent.top > 1.0 + 1e-12) & ~whole)
        award[over] = self.program.add_columns(over.size, 0.0, 1.0)
        at = np.full(self.problem.requests, -1, dtype=np.int64)
        at[over] = self.program.add_rows(over.size, -np.inf, 0.0)
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

    def award_terms(self) -> tuple[IntArray, FloatArray, IntArray]:
        """Return columns, shares of the ask they award when 1, and their requests."""
        own = np.flatnonzero(self.award >= 0)
        plain = self.award[self.places.request] < 0
        columns = np.concatenate([self.award[own], self.places.column[plain]])
        shares = np.concatenate([np.ones(own.size), self.places.share[plain]])
        return columns, shares, np.concatenate([own, self.places.request[plain]])

    def value_goal(self) -> FloatArray:
        """Return ``(columns,)`` the policy's value of each column."""
        problem, rules = self.problem, self.problem.rules
        merit = merits(problem)
        goal = np.zeros(self.program.columns)
        hours, projects = value_parts(problem)
        columns, shares, owner = self.award_terms()
        np.add.at(goal, columns, hours * shares * (merit * problem.ask / MILLI)[owner])
        if rules.value_of is not ValueOf.HOURS:
            np.add.at(goal, self.funded, projects * merit)
        return goal

    def most_value(self) -> float:
        """Return the value of everything that is asked: no plan has more."""
        hours, projects = value_parts(self.problem)
        each = merits(self.problem) * (hours * self.problem.ask / MILLI + projects)
        return float(each[self.problem.eligible].sum())

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


def merits(problem: Problem) -> FloatArray:
    """Return ``(r,)`` what multiplies each unit of value: points, or 1."""
    if problem.rules.merit is Merit.NONE:
        return np.ones(problem.requests)
    return problem.score / MILLI


def value_parts(problem: Problem) -> tuple[float, float]:
    """Return the weights of awarded hours and of funded projects in the value.

    A mix adds half the share of hours and half the share of projects, each of what is asked.
    """
    if problem.rules.value_of is ValueOf.HOURS:
        return 1.0, 0.0
    if problem.rules.value_of is ValueOf.PROJECTS:
        return 0.0, 1.0
    merit = np.where(problem.eligible, merits(problem), 0.0)
    hours = float((merit * problem.ask / MILLI).sum())
    return 0.5 / max(hours, 1e-9), 0.5 / max(float(merit.sum()), 1e-9)


def touched(places: Places) -> tuple[IntArray, IntArray]:
    """Return place and span of everything that places touch, each ``(n,)``."""
    place = np.repeat(np.arange(places.column.size), places.spans)
    first = np.cumsum(places.spans) - places.spans
    span = places.span[place] + np.arange(place.size) - first[place]
    return place, span


def _joined(parts: list[Places]) -> Places:
    """Join lists of places."""
    names = ("column", "request", "pool", "span", "spans", "slot_hours", "share", "units")
    return Places(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})
