"""Entitlements: the weighted leximin of the fluid round, groups first, then their fellows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from solver.budget import Budget
from solver.fewpools import Priced, few_pools, is_few_pools
from solver.fluid.chosen import SPARED, SPARED_LEAST
from solver.fluid.coarsening import CoarseProgram
from solver.fluid.expanding import expand
from solver.fluid.leximin import Agents, Cut, Oracle, Terms, Unasked, grains, leximin
from solver.fluid.merging import merge, reach
from solver.fluid.rational import EXACT
from solver.fluid.repricing import Repricing
from solver.fluid.shortage import ShortageProgram
from solver.fluid.water import ShortageFlow, is_plain_flow, whole_supply
from solver.plan import NO_CELLS, Entitlement, Level
from solver.problem import (
    NO_CAP,
    NOBODY,
    FellowWeight,
    GroupWeight,
    IntArray,
    Problem,
    Unit,
    as_int,
)


def entitle(problem: Problem, budget: Budget | None = None) -> Entitlement:
    """Return what each group and fellow holds by right, with the levels that prove it.

    Weighted leximin over the groups; then, group totals fixed, over all fellows at once. Floors
    raise a group's start, caps and own asks end its rise. A group or fellow of weight 0 gets
    nothing beyond its floor. Floors that cannot be met together count as far as they can.

    Args:
        problem: the round.
        budget: what the whole solve may still spend; None without a limit.

    Raises:
        BudgetSpentError: If a limit comes first.
    """
    if not problem.rules.is_fair:
        nothing = as_int(np.zeros(problem.groups)), as_int(np.zeros(problem.fellows))
        return Entitlement(groups=nothing[0], fellows=nothing[1], fluid=NO_CELLS)
    return _Entitling(problem, budget).solve()


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
    scored = problem.score * problem.eligible
    ask = problem.ask * problem.eligible
    if float(ask.sum(dtype=np.float64)) * 4.0 * float(scored.max(initial=1)) >= EXACT:
        ask = ask.astype(object)
    asked, points = np.zeros((2, problem.fellows), dtype=ask.dtype)
    np.add.at(asked, problem.fellow, ask)
    np.add.at(points, problem.fellow, ask * scored)
    means: IntArray = ((2 * points + asked) // np.maximum(2 * asked, 1)).astype(np.int64)
    return np.maximum(means, 1)


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


def _own_totals(parent: IntArray, totals: IntArray) -> tuple[Cut, ...]:
    """Return the cuts that fellows of a group share what the group holds."""
    order = np.argsort(parent, kind="stable")
    bounds = np.searchsorted(parent[order], np.arange(totals.shape[0] + 1))
    return tuple(
        Cut(
            agents=order[bounds[group] : bounds[group + 1]],
            lifts=np.ones(bounds[group + 1] - bounds[group], dtype=np.int64),
            room=total,
            holders=(("group", group, -1),),
        )
        for group, total in enumerate(totals.tolist())
        if total
    )


_Shared: TypeAlias = tuple[IntArray, IntArray, tuple[Level, ...], IntArray]
"""Grains of groups and fellows, the levels, hours of the merged round's columns."""


@dataclass(frozen=True, slots=True)
class _Alone:
    """What each can take alone: thousandths of the unit, caps counted."""

    fellows: IntArray
    groups: IntArray


class _Entitling:
    """One round on its way through the two stages."""

    def __init__(self, problem: Problem, budget: Budget | None) -> None:
        self.problem, self.budget = problem, budget
        self.group_weight = group_weights(problem)
        self.fellow_weight = fellow_weights(problem)
        self.taking = self._taking_part()
        self.units = reach(problem) * self.taking
        self.merged = merge(problem, self.taking)
        self.alone = self._alone()
        self.grain = grains(max(whole_supply(self.merged), int(self.alone.fellows.sum())))
        self.members = self._members()
        self.terms = self._terms()
        self.direct = self._as_flow(self.terms) or self._as_few_pools(self.terms)
        self.work = 0
        self.known: tuple[Cut, ...] = ()
        self.tried: tuple[IntArray, ShortageProgram] | None = None

    def _taking_part(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Return the requests of those who can hold anything at all."""
        problem = self.problem
        group = (self.group_weight > 0) | (problem.group_floor > 0)
        fellow = (self.fellow_weight > 0) & group[problem.fellow_group]
        return problem.eligible & fellow[problem.fellow]

    def _alone(self) -> _Alone:
        """Sum up what each can take."""
        problem = self.problem
        fellows = _capped(_sums(problem.fellow, self.units, problem.fellows), problem.fellow_cap)
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
        if self.direct is not None:
            groups, fellows, levels, hours = self._direct(self.direct)
        else:
            groups, fellows, levels, hours = self._below_coarse_cuts() or self._asked()
        held = as_int(fellows // self.grain)
        return Entitlement(
            groups=as_int(groups // self.grain),
            fellows=held,
            fluid=expand(self.problem, self.merged, hours, held),
            levels=self._by_slot(levels),
            work=self.work,
        )

    def _asked(self) -> _Shared:
        """Share stage by stage; whatever is out of reach is cut off."""
        by_group = self._group_program()
        groups, above = self._leximin(self._met_together(self._group_agents(), by_group), by_group)
        by_fellow = self._fellow_program(groups)
        agents = self._fellow_agents(groups, by_fellow.ceilings(above, self._most(groups)))
        fellows, levels = self._leximin(agents, Unasked())
        self.work += by_group.work
        if by_group.gives(fellows):
            return groups, fellows, above + levels, by_group.hours()
        quick = Repricing(
            self.merged, self._fellow_terms(groups), self.problem.fellow_group, self.grain
        )
        fellows, levels = leximin(agents, by_fellow, self.budget, quick=quick)
        self.work += by_fellow.work
        if not by_fellow.gave_all:
            agents = replace(agents, known=(*agents.known, *by_fellow.found))
            by_fellow = self._fellow_program(groups, SPARED)
            fellows, levels = leximin(agents, by_fellow, self.budget, quick=quick)
            self.work += by_fellow.work
        return groups, fellows, above + levels, by_fellow.hours()

    def _direct(self, oracle: ShortageFlow | Priced) -> _Shared:
        """Share stage by stage where the round is a flow or a market."""
        if isinstance(oracle, ShortageFlow):
            self.known = (oracle.whole(),)
        groups, above = self._leximin(self._met_together(self._group_agents(), oracle), oracle)
        self.work, oracle.work = oracle.work, 0
        oracle.share(groups)
        agents = self._fellow_agents(groups, ())
        seek = None
        if isinstance(oracle, ShortageFlow):
            seek = partial(oracle.bottlenecks, agents, self.budget)
        fellows, levels = leximin(agents, oracle, self.budget, seek)
        oracle.cuts(fellows)
        self.work += oracle.work
        return groups, fellows, above + levels, oracle.hours()

    def _leximin(self, agents: Agents, oracle: Oracle) -> tuple[IntArray, tuple[Level, ...]]:
        """Return the leximin, within what may be spent."""
        return leximin(agents, oracle, self.budget)

    def _below_coarse_cuts(self) -> _Shared | None:
        """Share below the cuts of the coarse round; None where the round cannot give that.

        What one program of the fellows says can be had then proves both stages at once.
        """
        stated = (self.merged, self.alone.groups.tolist(), self.terms, self.grain)
        coarse = CoarseProgram(*stated, self.budget)
        groups, above = self._leximin(self._met_together(self._group_agents(), coarse), coarse)
        if not coarse.gave_all:  # floors are out of reach, and cuts rest on them
            return None
        self.known = tuple(coarse.found)
        program = self._fellow_program(groups)
        agents = self._fellow_agents(groups, program.ceilings(above, self._most(groups)))
        fellows, levels = self._leximin(agents, Unasked())
        met = program.can(fellows)
        self.work += coarse.work + program.work
        program.work = 0
        return (groups, fellows, above + levels, program.hours()) if met else None

    def _by_slot(self, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        """Return the levels with prices by slot instead of by span."""
        span = self.merged.span
        if (span == np.arange(span.shape[0])).all():
            return levels
        slots = [np.flatnonzero(span == s).tolist() for s in range(self.merged.spans)]
        return tuple(
            replace(
                level,
                pool_slots=tuple(
                    sorted(
                        ((p, slot, price) for p, s, price in level.pool_slots for slot in slots[s]),
                        key=itemgetter(0, 1),
                    )
                ),
            )
            for level in levels
        )

    def _terms(self) -> Terms:
        """Return floors and caps that may bind."""
        problem = self.problem
        terms = Terms(members=self.members, least={}, most={})
        units = self.units
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
            total = np.zeros(caps.shape[0], dtype=np.int64)
            total[: sums[kind].shape[0]] = sums[kind]
            for index in np.flatnonzero((caps != NO_CAP) & (caps < total)).tolist():
                terms.most[kind, index] = Fraction(int(caps[index]))
            least = np.minimum(floors, total) if floors is not None else np.zeros_like(total)
            for index in np.flatnonzero(least > 0).tolist():
                terms.least[kind, index] = Fraction(int(least[index]))
        return terms

    def _group_program(self) -> ShortageProgram:
        """Return a program of what is out of reach of the groups; floors no longer are."""
        program = self._program("group", self.alone.groups, self.terms)
        least = self.terms.least
        if least and (missing := program.shortages()):
            least |= {holder: least[holder] - short for holder, short in missing.items()}
            self.work += program.work
            self.known, self.tried = (), None  # both rest on the floors as stated
            program = self._program("group", self.alone.groups, self.terms)
        return program

    def _program(
        self, kind: str, high: IntArray, terms: Terms, spared: float = SPARED
    ) -> ShortageProgram:
        """Return a program of what is out of reach of groups or fellows."""
        stated = (self.merged, kind, high.tolist(), terms, self.grain)
        return ShortageProgram(*stated, self.budget, spared)

    def _as_flow(self, terms: Terms) -> ShortageFlow | None:
        """Return the round as a plain flow, if it is one."""
        beyond_flow = any(
            holder[0] in {"institute", "track"} for holder in terms.least | terms.most
        )
        if beyond_flow or not is_plain_flow(self.merged, self.grain):
            return None
        parent, groups = self.problem.fellow_group, self.problem.groups
        return ShortageFlow(self.merged, parent, groups, terms, self.grain)

    def _as_few_pools(self, terms: Terms) -> Priced | None:
        """Return the round as a market of few pools, if it is one."""
        limited = any(holder[0] in {"institute", "track"} for holder in terms.most)
        group = self.members["group"]
        if limited or terms.least or self.problem.group_floor.any():
            return None
        if not is_few_pools(self.merged, group):
            return None
        return few_pools(self.merged, group, self.group_weight, self.alone.groups, self.grain)

    def _group_agents(self) -> Agents:
        """Return the groups as those who share."""
        high = self.alone.groups
        return Agents(
            stage="groups",
            parent=np.full(high.shape[0], NOBODY),
            weight=self.group_weight,
            low=np.minimum(self.problem.group_floor, high) * self.grain,
            high=high * self.grain,
            grain=self.grain,
            known=self.known,
        )

    def _met_together(self, agents: Agents, oracle: Oracle) -> Agents:
        """Return the agents with floors lowered, fairly, to what can be had together."""
        if not agents.low.any() or not oracle.cuts(agents.low):
            return agents
        nothing = np.zeros(agents.low.shape[0], dtype=np.int64)
        floors = replace(agents, weight=agents.low, low=nothing, high=agents.low)
        low, _ = self._leximin(floors, oracle)
        return replace(agents, low=low)

    def _most(self, groups: IntArray) -> IntArray:
        """Return ``(f,)`` grains that each fellow can have at most of its group's."""
        totals = (groups // self.grain)[self.problem.fellow_group]
        most: IntArray = np.minimum(self.alone.fellows, totals) * self.grain
        return most

    def _fellow_agents(self, groups: IntArray, ceilings: Sequence[Cut]) -> Agents:
        """Return the fellows as those who share what their groups hold."""
        high = self._most(groups)
        return Agents(
            stage="fellows",
            parent=self.problem.fellow_group,
            weight=self.fellow_weight,
            low=np.zeros_like(high),
            high=high,
            grain=self.grain,
            known=(*_own_totals(self.problem.fellow_group, groups), *ceilings),
        )

    def _fellow_program(self, groups: IntArray, spared: float = SPARED_LEAST) -> ShortageProgram:
        """Return a program of what fellows cannot reach while groups keep their totals.

        Where it is the one that was asked last, it goes on from there.
        """
        if self.tried and spared == SPARED_LEAST and (self.tried[0] == groups).all():
            return self.tried[1]
        high, terms = self._most(groups) // self.grain, self._fellow_terms(groups)
        self.tried = groups, self._program("fellow", high, terms, spared)
        return self.tried[1]

    def _fellow_terms(self, groups: IntArray) -> Terms:
        """Return floors and caps where groups keep their totals."""
        totals = {
            ("group", group): Fraction(total, self.grain)
            for group, total in enumerate(groups.tolist())
        }
        least, most = self.terms.least | totals, self.terms.most | totals
        return replace(self.terms, least=least, most=most)
