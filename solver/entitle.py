"""Entitlements: the weighted leximin of the fluid round, groups first, then their fellows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from solver.fluid.leximin import GRAIN, Agents, Cut, Oracle, Terms, leximin
from solver.fluid.merging import expand, merge, reach
from solver.fluid.shortage import ShortageProgram, kept
from solver.fluid.water import ShortageFlow, is_plain_flow
from solver.plan import NO_CELLS, Entitlement, Level
from solver.problem import (
    NO_CAP,
    NOBODY,
    FellowWeight,
    GroupWeight,
    IntArray,
    Problem,
    Tier,
    Unit,
    as_int,
)


def entitle(problem: Problem) -> Entitlement:
    """Return what each group and fellow holds by right, with the levels that prove it.

    Weighted leximin over the groups; then, group totals fixed, over all fellows at once. Floors
    raise a group's start, caps and own asks end its rise. A group or fellow of weight 0 gets
    nothing beyond its floor. Floors that cannot be met together count as far as they can.
    """
    if Tier.GROUPS not in problem.rules.tiers:
        nothing = as_int(np.zeros(problem.groups)), as_int(np.zeros(problem.fellows))
        return Entitlement(groups=nothing[0], fellows=nothing[1], fluid=NO_CELLS)
    return _Entitling(problem).solve()


def group_weights(problem: Problem) -> IntArray:
    """Return ``(g,)`` what the leximin of groups counts amounts per."""
    rule = problem.rules.group_weight
    if rule is GroupWeight.WEIGHT:
        return problem.group_weight
    if rule is GroupWeight.FELLOWS:
        asking = np.unique(problem.fellow[problem.eligible])
        return np.bincount(problem.fellow_group[asking], minlength=problem.groups).astype(np.int64)
    demand = reach(problem)
    if problem.rules.unit is Unit.REFERENCE_HOURS:
        demand = problem.ask * problem.eligible
    return _sums(problem.group, demand, problem.groups)


def fellow_weights(problem: Problem) -> IntArray:
    """Return ``(f,)`` what the leximin of fellows counts amounts per.

    By score: the ask-weighted mean of the eligible requests' scores in thousandths of a point,
    rounded; a fellow whose mean is 0 gets the smallest weight.
    """
    rule = problem.rules.fellow_weight
    if rule is FellowWeight.WEIGHT:
        return problem.fellow_weight
    if rule is FellowWeight.EQUAL:
        return np.ones(problem.fellows, dtype=np.int64)
    asked, points = [0] * problem.fellows, [0] * problem.fellows
    for r in np.flatnonzero(problem.eligible):
        fellow, ask = int(problem.fellow[r]), int(problem.ask[r])
        asked[fellow] += ask
        points[fellow] += ask * int(problem.score[r])
    means = ((2 * p + a) // (2 * a) if a else 0 for p, a in zip(points, asked, strict=True))
    return as_int([max(1, mean) for mean in means])


def _sums(index: IntArray, amounts: IntArray, count: int) -> IntArray:
    """Return exact sums by index."""
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, index, amounts)
    return sums


def _capped(amounts: IntArray, caps: IntArray) -> IntArray:
    """Return amounts lowered to their caps."""
    return np.where(caps == NO_CAP, amounts, np.minimum(amounts, caps))


def _held(index: IntArray, amounts: IntArray) -> IntArray:
    """Return exact sums by index, without those who have none."""
    some = index != NOBODY
    return _sums(index[some], amounts[some], int(index.max(initial=-1)) + 1)


def _grains(amounts: IntArray) -> tuple[int, ...]:
    """Return thousandths as grains."""
    return tuple(int(amount) * GRAIN for amount in amounts.tolist())


def _own_total(parent: IntArray, group: int, total: int) -> Cut:
    """Return the cut that fellows of a group share what the group holds."""
    lifts = tuple((int(fellow), 1) for fellow in np.flatnonzero(parent == group))
    return Cut(lifts=lifts, room=total, holders=(("group", group, -1),))


@dataclass(frozen=True, slots=True)
class _Alone:
    """What each can take alone: thousandths of the unit, caps counted."""

    fellows: IntArray
    groups: IntArray


class _Entitling:
    """One round on its way through the two stages."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.group_weight = group_weights(problem)
        self.fellow_weight = fellow_weights(problem)
        self.taking = self._taking_part()
        self.merged = merge(problem, self.taking)
        self.alone = self._alone()
        self.members = self._members()
        self.work = 0

    def _taking_part(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return the requests of those who can hold anything at all."""
        problem = self.problem
        group = (self.group_weight > 0) | (problem.group_floor > 0)
        fellow = (self.fellow_weight > 0) & group[problem.fellow_group]
        return problem.eligible & fellow[problem.fellow]

    def _alone(self) -> _Alone:
        """Sum up what each can take."""
        problem = self.problem
        units = reach(problem) * self.taking
        fellows = _capped(_sums(problem.fellow, units, problem.fellows), problem.fellow_cap)
        groups = _sums(problem.fellow_group, fellows, problem.groups)
        return _Alone(fellows, _capped(groups, problem.group_cap))

    def _members(self) -> dict[str, IntArray]:
        """Return the holders of each class."""
        fellow = self.merged.fellow
        return {
            "fellow": fellow,
            "group": self.problem.fellow_group[fellow],
            "institute": self.problem.fellow_institute[fellow],
            "track": self.merged.track,
        }

    def solve(self) -> Entitlement:
        """Go through both stages."""
        groups, group_levels = self._groups()
        fellows, fellow_levels, hours = self._fellows(groups)
        held = as_int([amount // GRAIN for amount in fellows])
        return Entitlement(
            groups=as_int([amount // GRAIN for amount in groups]),
            fellows=held,
            fluid=expand(self.problem, self.merged, hours, held),
            levels=tuple(self._by_slot(level) for level in group_levels + fellow_levels),
            work=self.work,
        )

    def _by_slot(self, level: Level) -> Level:
        """Return the level with prices by slot instead of by span, and the group it is in."""
        groups: set[int] = set()
        if level.stage == "fellows":
            groups.update(self.problem.fellow_group[list(level.agents)].tolist())
        slots = [np.flatnonzero(self.merged.span == s).tolist() for s in range(self.merged.spans)]
        rows = [(p, slot, price) for p, span, price in level.pool_slots for slot in slots[span]]
        parent = groups.pop() if len(groups) == 1 else NOBODY
        return replace(level, parent=parent, pool_slots=tuple(sorted(rows)))

    def _terms(self) -> Terms:
        """Return floors and caps that may bind."""
        problem = self.problem
        terms = Terms(members=self.members, least={}, most={})
        units = reach(problem) * self.taking
        sums = {
            "fellow": _sums(problem.fellow, units, problem.fellows),
            "group": _sums(problem.fellow_group, self.alone.fellows, problem.groups),
            "institute": _held(problem.fellow_institute[problem.fellow], units),
            "track": _held(problem.track, units),
        }
        stated = {
            "fellow": (None, problem.fellow_cap),
            "group": (None, problem.group_cap),
            "institute": (problem.institute_floor, problem.institute_cap),
            "track": (problem.track_floor, problem.track_cap),
        }
        for kind, (floors, caps) in stated.items():
            for index, cap in enumerate(caps.tolist()):
                total = int(sums[kind][index]) if index < len(sums[kind]) else 0
                if cap != NO_CAP and cap < total:
                    terms.most[kind, index] = Fraction(cap)
                if floors is not None and min(int(floors[index]), total) > 0:
                    terms.least[kind, index] = Fraction(min(int(floors[index]), total))
        return terms

    def _oracle(
        self, kind: str, high: Sequence[int], terms: Terms, totals: Sequence[int] | None = None
    ) -> ShortageFlow | ShortageProgram:
        """Return who answers what is out of reach: a flow where that is exact, else a program."""
        beyond_flow = any(
            holder[0] in {"institute", "track"} for holder in terms.least | terms.most
        )
        if not beyond_flow and is_plain_flow(self.merged):
            problem = self.problem
            return ShortageFlow(self.merged, problem.fellow_group, problem.groups, terms, totals)
        return self._program(kind, high, terms)

    def _program(self, kind: str, high: Sequence[int], terms: Terms) -> ShortageProgram:
        """Return the linear program, with floors that can be met together."""
        program = ShortageProgram(self.merged, kind, high, terms)
        if terms.least and program.cut([0] * len(high)) is not None:
            for holder, missing in program.shortages().items():
                terms.least[holder] -= missing
            self.work += program.work
            program = ShortageProgram(self.merged, kind, high, terms)
        return program

    def _groups(self) -> tuple[list[int], tuple[Level, ...]]:
        """Share among the groups."""
        high = self.alone.groups
        low = np.minimum(self.problem.group_floor, high)
        oracle = self._oracle("group", high.tolist(), self._terms())
        agents = Agents(
            stage="groups",
            weight=tuple(self.group_weight.tolist()),
            low=_grains(low),
            high=_grains(high),
        )
        held, levels = leximin(self._met_together(agents, oracle), oracle)
        self.work += oracle.work
        return held, levels

    def _met_together(self, agents: Agents, oracle: Oracle) -> Agents:
        """Return the agents with floors lowered, fairly, to what can be had together."""
        if not any(agents.low) or oracle.cut(agents.low) is None:
            return agents
        nothing = (0,) * len(agents.low)
        floors = replace(agents, weight=agents.low, low=nothing, high=agents.low)
        low, _ = leximin(floors, oracle)
        return replace(agents, low=tuple(oracle.kept(amount) for amount in low))

    def _fellows(self, groups: Sequence[int]) -> tuple[list[int], tuple[Level, ...], IntArray]:
        """Share each group's total among its fellows."""
        totals = np.array(groups, dtype=object) // GRAIN
        parent = self.problem.fellow_group
        high = np.minimum(self.alone.fellows, totals[parent].astype(np.int64))
        terms = self._terms()
        for group, total in enumerate(groups):
            terms.least["group", group] = Fraction(kept(total), GRAIN)
            terms.most["group", group] = Fraction(total, GRAIN)
        oracle = self._oracle("fellow", high.tolist(), terms, groups)
        agents = Agents(
            stage="fellows",
            weight=tuple(self.fellow_weight.tolist()),
            low=(0,) * self.problem.fellows,
            high=_grains(high),
            known=tuple(_own_total(parent, g, total) for g, total in enumerate(groups) if total),
        )
        held, levels = leximin(agents, oracle)
        oracle.cut([oracle.kept(amount) for amount in held])
        self.work += oracle.work
        return held, levels, oracle.hours()
