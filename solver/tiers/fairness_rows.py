"""Shortfalls of groups and fellows against their entitlements, as columns and rows."""

from functools import cached_property

import numpy as np

from solver.fluid.merging import reach
from solver.plan import Entitlement
from solver.problem import MILLI, NOBODY, FellowWeight, FloatArray, IntArray, Problem, Unit
from solver.tiers.attainable import Amounts, attainable
from solver.tiers.due import Due
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel

WHOLE = 1e-9
"""How far from a whole number still counts as one."""


class FairRows:
    """What groups and fellows lack, and what the tiers want of it.

    Attributes:
        groups, fellows: indices of those with an entitlement.
        shortfall: ``(groups,)`` columns: share of the entitlement that the group lacks.
        lack: ``(fellows,)`` columns: the same of fellows.
        worst: column of the largest group shortfall.
        deepest: column of the largest lack; depth: ``(fellows,)`` the rows that keep it so.
        covering: ``(fellows,)`` the rows that say what covers a fellow.
        covered, cover: requests whose cover is a column, and those columns.
    """

    def __init__(self, model: RoundModel, entitlement: Entitlement) -> None:
        self.model, self.entitlement = model, entitlement
        self.program = model.program
        self.groups = np.flatnonzero(entitlement.groups > 0)
        self.fellows = np.flatnonzero(entitlement.fellows > 0)
        self.shortfall = self.program.add_columns(self.groups.size, 0.0, 1.0)
        self.worst = int(self.program.add_columns(1, 0.0, 1.0)[0])
        self.lack = self.program.add_columns(self.fellows.size, 0.0, 1.0)
        self.deepest = int(self.program.add_columns(1, 0.0, 1.0)[0])
        self.measure_groups()
        self.covering = self.program.add_rows(self.fellows.size, 1.0, np.inf)
        self.measure_fellows()
        self.depth = self.program.add_rows(self.fellows.size, 0.0, np.inf)
        self.program.add_terms(self.depth, self.lack, -1.0)
        self.program.add_terms(self.depth, self.deepest, 1.0)

    def measure_groups(self) -> None:
        """What a group receives and what it lacks make its entitlement or more."""
        due = self.entitlement.groups.astype(np.float64)
        rows = self.program.add_rows(self.groups.size, 1.0, np.inf)
        at = np.full(due.size, -1, dtype=np.int64)
        at[self.groups] = rows
        columns, amounts, owner = self.model.unit_terms()
        row = at[self.model.problem.group[owner]]
        inside = row >= 0
        share = amounts[inside] / due[self.model.problem.group[owner[inside]]]
        self.program.add_terms(row[inside], columns[inside], share)
        self.program.add_terms(rows, self.shortfall, 1.0)
        above = self.program.add_rows(self.groups.size, 0.0, np.inf)
        self.program.add_terms(above, self.worst, 1.0)
        self.program.add_terms(above, self.shortfall, -1.0)

    def measure_fellows(self) -> None:
        """A fellow is covered by what a funded request gets, up to what it could cover.

        The cover of a request that is only partly funded is bounded by that part: without this
        the relaxation would cover everyone with pieces of requests that nobody can start.
        """
        problem, model = self.model.problem, self.model
        due = self.entitlement.fellows.astype(np.float64)
        at = np.full(due.size, -1, dtype=np.int64)
        at[self.fellows] = self.covering
        self.program.add_terms(self.covering, self.lack, 1.0)
        most = reach_with_gangs(problem)
        least_units = least_unit_amount(model)
        owed = due[problem.fellow]
        asking = (owed > 0) & problem.eligible
        covered = asking & model.extent.counted & (least_units > owed * 1e-3)
        plain = asking & ~covered
        columns, amounts, owner = model.unit_terms()
        direct = plain[owner]
        row = at[problem.fellow[owner[direct]]]
        self.program.add_terms(row, columns[direct], amounts[direct] / owed[owner[direct]])
        who = np.flatnonzero(covered)
        cover = self.program.add_columns(who.size, 0.0, 1.0)
        self.covered, self.cover = who, cover
        self.program.add_terms(at[problem.fellow[who]], cover, 1.0)
        tie = np.full(problem.requests, -1, dtype=np.int64)
        tie[who] = self.program.add_rows(who.size, -np.inf, 0.0)
        inside = tie[owner] >= 0
        part = amounts[inside] / owed[owner[inside]]
        self.program.add_terms(tie[owner[inside]], columns[inside], -part)
        self.program.add_terms(tie[who], cover, 1.0)
        full = self.program.add_rows(who.size, -np.inf, 0.0)
        self.program.add_terms(full, cover, 1.0)
        self.program.add_terms(full, model.funded[who], -np.minimum(1.0, most[who] / owed[who]))
        self.round_covers(owed)
        lack = np.full(due.size, NOBODY)
        lack[self.fellows] = self.lack
        amounts_of = amounts_when_funded(model)
        model.due = Due(owed=due, lack=lack, least=amounts_of[0], most=amounts_of[1])
        if model.picks_only_pools:
            something = np.where(owed > 0, owed, 1.0)
            self.order_covers(np.minimum(1.0, most / something), least_units / something)

    def order_covers(self, most: FloatArray, least: FloatArray) -> None:
        """Of two funded requests of a fellow, that with the smaller least covers what is left.

        Let them cover one after the other, the largest least l first: beside b, q covers no more
        than max(0, 1 − l[b]), so cover[q] ≤ u[q] − (u[q] − max(0, 1 − l[b]))·funded[b]. Without
        this a piece of a request that nobody can start makes good what another one leaves open.

        Args:
            most: ``(r,)`` u, the share of the entitlement that each covers at most.
            least: ``(r,)`` l, the share that each has to take.
        """
        fellow = self.model.problem.fellow[self.covered]
        order = np.lexsort((-least[self.covered], fellow))
        first, second = [order[:0]], [order[:0]]
        for step in range(1, int(np.bincount(fellow).max(initial=0))):
            same = fellow[order[:-step]] == fellow[order[step:]]
            first.append(order[:-step][same])
            second.append(order[step:][same])
        large, small = self.covered[np.concatenate(first)], self.covered[np.concatenate(second)]
        lost = most[small] - np.maximum(1.0 - least[large], 0.0)
        some = lost > WHOLE
        rows = self.program.add_rows(int(some.sum()), -np.inf, most[small[some]])
        self.program.add_terms(rows, self.cover[np.concatenate(second)[some]], 1.0)
        self.program.add_terms(rows, self.model.funded[large[some]], lost[some])

    def round_covers(self, owed: FloatArray) -> None:
        """Between two whole numbers of steps a cover is no more than the line between theirs.

        s steps of u units cover min(1, s·u/e) of an entitlement e. For a request that takes steps
        in one place only, cover ≤ b·funded + Σ f·steps holds with any b, if each f is the largest
        (min(1, s·u/e) − b) / s; b is where the line through the two numbers around e/u starts.

        Args:
            owed: ``(r,)`` the entitlement that each request covers.
        """
        model, places, problem = self.model, self.model.places, self.model.problem
        by_award = problem.rules.unit is Unit.REFERENCE_HOURS
        for request, cover in zip(self.covered.tolist(), self.cover.tolist(), strict=True):
            mine = model.places_of(request)
            if by_award or not model.takes_steps(request) or not mine.size:
                continue
            part = places.units[mine] / owed[request]
            most = np.array([model.most_steps[each] for each in places.column[mine].tolist()])
            whole = np.floor(1.0 / part + WHOLE)
            starts = whole * ((whole + 1.0) * part - 1.0)
            between = (whole >= 1.0) & (whole < most) & (whole * part < 1.0 - WHOLE)
            for start in np.unique(np.round(starts[between], 9)).tolist():
                steps = np.arange(1.0, most.max() + 1.0)
                slope = (np.minimum(part[:, None] * steps, 1.0) - start) / steps
                slope = np.where(steps <= most[:, None], slope, 0.0).max(axis=1)
                row = self.program.add_rows(1, -np.inf, 0.0)
                self.program.add_terms(row, cover, 1.0)
                self.program.add_terms(row, model.funded[request], -start)
                self.program.add_terms(row, places.column[mine], -slope)

    def worst_goal(self) -> Goal:
        """Least largest shortfall of a group, relative to its entitlement."""
        weights = np.zeros(self.worst + 1)
        weights[self.worst] = 1.0
        return Goal(name="groups", weights=weights, unit=1.0, floor=0.0, scale=1.0)

    def total_goal(self) -> Goal:
        """Least shortfall of the groups in all, in the unit."""
        due = self.entitlement.groups[self.groups] / MILLI
        weights = np.zeros(self.worst)
        weights[self.shortfall] = due
        return Goal(
            name="groups_total", weights=weights, unit=1.0, floor=0.0, scale=float(due.sum())
        )

    def fellows_goal(self) -> Goal:
        """Least shortfall of the fellows, weighted by merit, in the unit."""
        due = self.entitlement.fellows[self.fellows] / MILLI
        weights = np.zeros(int(self.lack.max(initial=-1)) + 1)
        weights[self.lack] = due * fellow_weights(self.model.problem)[self.fellows]
        return Goal(name="fellows", weights=weights, unit=1.0, floor=0.0, scale=float(due.sum()))

    def lacking(self, groups: float, fellows: float) -> FloatArray:
        """Return ``(columns,)`` weights of all that is lacked, each as a share of all there is.

        Args:
            groups: what the groups' lack counts: half of it the worst one's, half that of all.
            fellows: what the fellows' lack, weighed by merit, counts.
        """
        weights = np.zeros(self.program.columns)
        worst, total, each = self.worst_goal(), self.total_goal(), self.fellows_goal()
        for goal, part in ((worst, groups / 2), (total, groups / 2), (each, fellows)):
            size = goal.weights.sum()
            weights[: goal.weights.size] += goal.weights * (part / size if size else 0.0)
        return weights

    def restated(self, values: FloatArray) -> FloatArray:
        """Return the solution with shortfalls and covers as its hours make them."""
        problem, entitlement = self.model.problem, self.entitlement
        result = values.copy()
        columns, amounts, owner = self.model.unit_terms()
        units = np.bincount(owner, weights=values[columns] * amounts, minlength=problem.requests)
        got = np.bincount(problem.group, weights=units, minlength=problem.groups)
        due = entitlement.groups[self.groups]
        result[self.shortfall] = np.maximum(1.0 - got[self.groups] / due, 0.0)
        result[self.worst] = result[self.shortfall].max(initial=0.0)
        owed = entitlement.fellows.astype(np.float64)
        part = units / np.maximum(owed[problem.fellow], 1.0)
        result[self.cover] = np.minimum(part[self.covered], 1.0)
        held = np.bincount(problem.fellow, weights=part, minlength=problem.fellows)
        result[self.lack] = np.maximum(1.0 - held[self.fellows], 0.0)
        result[self.deepest] = result[self.lack].max(initial=0.0)
        return result

    @cached_property
    def amounts(self) -> list[Amounts]:
        """What each group with an entitlement can hold at all."""
        due = self.entitlement.groups
        return [attainable(self.model, group, float(due[group])) for group in self.groups.tolist()]

    def most_short(self, worst: float) -> FloatArray:
        """Return ``(groups,)`` what each group lacks at most when none lacks more than `worst`.

        Who cannot hold just so much has to hold more. Below 0 where a group cannot hold enough.
        """
        least = np.array([each.from_on(1.0 - worst) for each in self.amounts])
        return np.where(np.isfinite(least), np.maximum(1.0 - least, 0.0), -1.0)

    def next_worst(self, worst: float) -> float:
        """Return what the worst group lacks at least when `most_short` of `worst` cannot be had."""
        held = [each.below(each.from_on(1.0 - worst)) for each in self.amounts]
        return 1.0 - max(held, default=1.0)

    def least_worst(self) -> float:
        """Return what the worst group lacks at least if every group holds the most it can."""
        return max((1.0 - float(each.ends[-1]) for each in self.amounts), default=0.0)

    def group_shortfalls(self, values: FloatArray) -> tuple[float, float]:
        """Return the largest relative shortfall and the sum of shortfalls in the unit."""
        short = values[self.shortfall]
        due = self.entitlement.groups[self.groups] / MILLI
        return float(short.max(initial=0.0)), float(short @ due)


def fellow_weights(problem: Problem) -> FloatArray:
    """Return ``(f,)`` merit weights of fellows with an eligible request, of mean 1."""
    weights = raw_fellow_weights(problem)
    asking = np.zeros(problem.fellows, dtype=np.bool_)
    asking[problem.fellow[problem.eligible]] = True
    mean = float(weights[asking].mean()) if asking.any() else 1.0
    return np.where(asking, weights / max(mean, 1e-9), 0.0)


def raw_fellow_weights(problem: Problem) -> FloatArray:
    """Return ``(f,)`` the weights that entitlements of fellows follow, in thousandths."""
    kind = problem.rules.fellow_weight
    if kind is FellowWeight.EQUAL:
        return np.ones(problem.fellows)
    if kind is FellowWeight.WEIGHT:
        return problem.fellow_weight.astype(np.float64)
    asks = np.where(problem.eligible, problem.ask, 0).astype(np.float64)
    sums = np.bincount(problem.fellow, weights=asks * problem.score, minlength=problem.fellows)
    total = np.bincount(problem.fellow, weights=asks, minlength=problem.fellows)
    return np.maximum(sums / np.maximum(total, 1.0), 1.0)


def least_unit_amount(model: RoundModel) -> FloatArray:
    """Return ``(r,)`` thousandths of the unit that the least award of a request brings."""
    problem = model.problem
    ratio = np.where(problem.speed > 0, problem.factor / np.maximum(problem.speed, 1), np.inf)
    cheapest = np.where(np.isfinite(ratio.min(axis=1)), ratio.min(axis=1), 0.0)
    return np.asarray(model.extent.low * problem.ask * cheapest)


def amounts_when_funded(model: RoundModel) -> tuple[FloatArray, FloatArray]:
    """Return ``(2, r)`` thousandths of the unit that a funded request brings at least, at most.

    What it gets beyond its ask brings most where a reference hour does, a gang-hour at least: what
    is rounded down elsewhere is made good by it.
    """
    problem, extent = model.problem, model.extent
    beyond = np.maximum(extent.top - 1.0, 0.0) * problem.ask
    if problem.rules.unit is Unit.REFERENCE_HOURS:
        gang_hour = problem.gang * problem.speed.max(axis=1)
        return extent.low * problem.ask, reach(problem) + np.maximum(beyond, gang_hour)
    dearest = (problem.factor / np.maximum(problem.speed, 1) * (problem.speed > 0)).max(axis=1)
    gang_hour = problem.gang * problem.factor.max(axis=1)
    return least_unit_amount(model), reach(problem) + np.maximum(beyond * dearest, gang_hour)


def reach_with_gangs(problem: Problem) -> IntArray:
    """Return ``(r,)`` the most units a request can take, the last gang-hour included."""
    return np.asarray(reach(problem) + problem.gang * problem.factor.max(axis=1))
