"""The tiers of a round of blocks, decided by combinations: one for each fellow, slots at the end.

Of each pool only its hours in all count here, so that bounds hold wherever blocks start. The
relaxation mixes combinations, as few of them as there are pools and groups, which makes it a near
one. A mixed-integer code decides among those that cost least by its prices; what is left out costs
more than the last of them (Balas, Zemel 1980).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.plan import Entitlement, Limit
from solver.problem import MILLI, NOBODY, BoolArray, FloatArray, IntArray, Problem, Tier
from solver.tiers.combinations import Combinations
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.fairness_rows import fellow_weights
from solver.tiers.program import Answer, Effort, Program, solve_program

CORES = ((2_000, 30),)
"""Combinations that the code decides among, beside one for every owner, and nodes of its search;
its root finds most. Every search begins at what the one before has found.
"""
ROUGH = 0.5
"""Part of the gap asked for at which it ends."""
LEEWAY = 0.0015
"""Share of its scale that a tier kept leaves to the later ones."""
WIDER = (1, 4, 16)
"""How many times the gap groups may lack beyond what they have to, if less leads to no plan."""
CHOSEN = 0.5
"""From here on a combination is chosen."""
OFF = 1e-5
"""Part of its size by which a code's bound may be off: it was by 3e-6 where choices were whole but
for a millionth.
"""
TRIFLE = 1e-6
"""Shares that do not count."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """What a tier wants: least weights · columns, of the size of `GOAL_SIZE`.

    Attributes:
        unit: what 1 of it is in the tier's own unit; negative when the tier wants most.
    """

    name: str
    weights: FloatArray
    unit: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """A tier, and what its bound holds for.

    Attributes:
        bound: of what is wanted; reached: what is chosen has of it.
        high: ``(columns,)`` upper bounds of groups' shortfalls and of the tiers kept.
        column: what is kept of the tier from then on, `NOBODY` where nothing is.
    """

    wanted: Wanted
    bound: float
    high: FloatArray
    work: int
    limit: Limit
    reached: float = np.nan
    column: int = NOBODY


class Combined:
    """The program of a round's combinations, and its tiers.

    Attributes:
        settled: the tiers so far; chosen: ``(owners,)`` combinations of the last one, or None.
        lying: columns of requests in several pools, what part lies in each; parts: ``(j,)`` those.
        least: share of its entitlement that the worst group has to lack.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        problem: Problem,
        entitlement: Entitlement | None,
        combinations: Combinations,
        *,
        gap: float,
        effort: Effort,
        cores: Sequence[tuple[int, int]] = CORES,
        spare: float = 0.0,
    ) -> None:
        self.problem, self.entitlement, self.found = problem, entitlement, combinations
        self.gap, self.effort, self.cores = gap, effort, cores
        self.settled: dict[str, Settled] = {}
        self.chosen: IntArray | None = None
        self.least, self._wider = 0.0, 0
        self.program = Program()
        self.size = combinations.owner.size
        self.program.add_columns(self.size, 0.0, 1.0)
        self._choose_one()
        spread = combinations.ways.spread
        self.lying = self.program.add_columns(spread.request.size, 0.0, 1.0)
        self.parts = np.zeros(spread.request.size)
        self._keep_supply(spare)
        self._spread()
        due = np.zeros(0, dtype=np.int64) if entitlement is None else entitlement.groups
        self.groups = np.flatnonzero(due > 0)
        self.short = self.program.add_columns(self.groups.size, 0.0, 1.0)
        self.worst = int(self.program.add_columns(1, 0.0, 1.0)[0])
        self._group_rows = np.zeros(0, dtype=np.int64)
        if entitlement is not None:
            self._measure_groups(due.astype(np.float64))
        self.high = self.program.column_bounds()[1]

    def _choose_one(self) -> None:
        """Everyone has one combination, which may be that of nothing."""
        owner = self.found.owner
        rows = self.program.add_rows(int(owner.max(initial=-1)) + 1, 1.0, 1.0)
        self.program.add_terms(rows[owner], np.arange(self.size), 1.0)

    def _keep_supply(self, spare: float) -> None:
        """No pool gives more hours than it has, but for a spare share."""
        supply = np.maximum((self.problem.supply // MILLI).sum(axis=1), 1)
        rows = self.program.add_rows(supply.size, -np.inf, 1.0 - spare)
        at, pool = np.nonzero(self.found.hours)
        self.program.add_terms(rows[pool], at, self.found.hours[at, pool] / supply[pool])
        spread = self.found.ways.spread
        self.program.add_terms(rows[spread.pool], self.lying, spread.hours / supply[spread.pool])

    def _spread(self) -> None:
        """Who may lie in several pools lies in them if he is in what his owner has."""
        spread, at = self.found.ways.spread, np.full(self.problem.requests, NOBODY)
        own = np.unique(spread.request)
        at[own] = self.program.add_rows(own.size, 0.0, 0.0)
        self.program.add_terms(at[spread.request], self.lying, 1.0)
        request = np.append(self.found.ways.request, NOBODY)  # NOBODY is the last one
        for column in self.found.way.T:
            row = np.append(at, NOBODY)[request[column]]
            inside = np.flatnonzero(row != NOBODY)
            self.program.add_terms(row[inside], inside, -1.0)

    def _measure_groups(self, due: FloatArray) -> None:
        """What a group receives and what it lacks make its entitlement or more."""
        rows = self._group_rows = self.program.add_rows(self.groups.size, 1.0, np.inf)
        at = np.full(due.size, NOBODY)
        at[self.groups] = rows
        group = self.problem.fellow_group[self.found.owner]
        inside = np.flatnonzero((at[group] != NOBODY) & (self.found.units > 0))
        share = self.found.units[inside] / due[group[inside]]
        self.program.add_terms(at[group[inside]], inside, share)
        self.program.add_terms(rows, self.short, 1.0)
        above = self.program.add_rows(self.groups.size, 0.0, np.inf)
        self.program.add_terms(above, self.worst, 1.0)
        self.program.add_terms(above, self.short, -1.0)

    def run(self) -> bool:
        """Decide tier by tier; say whether there is a plan."""
        for tier in self.problem.rules.tiers:
            if tier is Tier.GROUPS:
                self._cap_groups()
                continue
            wanted = self._fellows() if tier is Tier.FELLOWS else self._value()
            if not self._settle(wanted):
                return False
        return True

    def follow(self, found: "Combined") -> bool:
        """Bound the tiers for all plans about as fair as what another search has found.

        Says whether all of them were bounded before a limit.

        Args:
            found: the same tiers over other combinations, with a plan.
        """
        for name, other in found.settled.items():
            if name in self.settled:
                continue
            if name == "groups":
                self._cap_groups()
                if found.least > self.least + self.gap:
                    self._settle_groups()
                self.high[self.short] = np.maximum(self.high[self.short], found.high[found.short])
                continue
            wanted, relaxed = self._sized(self._fellows() if name == "fellows" else self._value())
            if relaxed.values is None:
                return False
            answer, bound = self._decided(wanted, relaxed)
            reached = other.reached * other.wanted.unit / wanted.unit
            self.settled[name] = Settled(
                wanted=wanted,
                bound=bound,
                high=self.high.copy(),
                work=answer.work,
                limit=other.limit,
                reached=reached,
                column=self._keep(wanted, reached),
            )
        return True

    def _cap_groups(self) -> None:
        """Bound what the worst group lacks, and all groups; the next tier finds a plan for it."""
        assert self.entitlement is not None
        weights = np.zeros(self.program.columns)
        weights[self.worst] = GOAL_SIZE
        worst = self._bounded(Wanted(name="groups", weights=weights, unit=1.0 / GOAL_SIZE))
        self.least = max(worst.bound / GOAL_SIZE, 0.0)
        self.high[self.short] = min(self.least + self.gap, 1.0)
        due = self.entitlement.groups[self.groups] / MILLI
        weights = np.zeros(self.program.columns)
        weights[self.short] = due * (GOAL_SIZE / max(due.sum(), 1.0 / MILLI))
        self._bounded(
            Wanted(name="groups_total", weights=weights, unit=float(due.sum()) / GOAL_SIZE)
        )

    def _bounded(self, wanted: Wanted) -> Settled:
        """Note a tier of which nothing but the relaxation is known."""
        answer = self._relaxed(wanted, self.high)
        bound = max(answer.objective, 0.0) if answer.values is not None else 0.0
        found = Settled(
            wanted=wanted,
            bound=bound,
            high=self.high.copy(),
            work=answer.work,
            limit=Limit.NONE,
        )
        self.settled[wanted.name] = found
        return found

    def _fellows(self) -> Wanted:
        """Least shortfall of the fellows, weighted by merit."""
        assert self.entitlement is not None
        due = self.entitlement.fellows
        lack = np.maximum(due[self.found.owner] - self.found.units, 0) / MILLI
        scale = max(float(due.sum()) / MILLI, 1.0 / MILLI)
        weights = np.zeros(self.program.columns)
        merit = fellow_weights(self.problem)[self.found.owner]
        weights[: self.size] = lack * merit * (GOAL_SIZE / scale)
        return Wanted(name="fellows", weights=weights, unit=scale / GOAL_SIZE)

    def _value(self) -> Wanted:
        """Most of the policy's value."""
        weights = np.zeros(self.program.columns)
        weights[: self.size] = -self.found.value
        return Wanted(name="value", weights=weights, unit=-1.0)

    def _settle(self, wanted: Wanted) -> bool:
        """Decide a tier and keep it; where groups are to lack too little, they lack more."""
        answer, bound = Answer(values=None), -np.inf
        for times in WIDER[self._wider :] if "groups" in self.settled else WIDER[:1]:
            if "groups" in self.settled:
                self._wider = WIDER.index(times)
                self.high[self.short] = min(self.least + times * self.gap, 1.0)
            wanted, relaxed = self._sized(wanted)
            if relaxed.values is None:
                continue
            answer, bound = self._decided(wanted, relaxed)
            if answer.values is not None:
                break
        undecided = answer.values is None and self.chosen is None and "groups" in self.settled
        if undecided and self._settle_groups():
            answer, bound = self._decided(*self._sized(wanted))
        if answer.values is None:
            return False
        self._choose(answer.values)
        high, reached = self.high.copy(), float(wanted.weights @ answer.values)
        self.settled[wanted.name] = Settled(
            wanted=wanted,
            bound=bound,
            high=high,
            work=answer.work,
            limit=Limit.WORK if reached - bound > self.gap * GOAL_SIZE else Limit.NONE,
            reached=reached,
            column=self._keep(wanted, reached),
        )
        return True

    def _settle_groups(self) -> bool:
        """Decide what the worst group lacks, before any other tier; say whether that is known.

        The others may lack the gap asked for beyond that.
        """
        tier = self.settled["groups"]
        self.high[self.short] = 1.0
        answer, bound = self._decided(tier.wanted, self._relaxed(tier.wanted, self.high))
        if answer.values is None:
            return False
        self._choose(answer.values)
        self.least, self._wider = float(answer.values[self.worst]), 0
        self.settled["groups"] = replace(tier, bound=max(bound, 0.0), high=self.high.copy())
        self.high[self.short] = min(self.least + self.gap, 1.0)
        return True

    def _choose(self, values: FloatArray) -> None:
        """Note what a solution chooses."""
        self.chosen = np.flatnonzero(values[: self.size] > CHOSEN)
        self.parts = values[self.lying]

    def _keep(self, wanted: Wanted, reached: float) -> int:
        """Keep a tier; return the column of what it uses, in shares of its size."""
        column = int(self.program.add_columns(1, -np.inf, np.inf)[0])
        row = self.program.add_rows(1, -np.inf, 0.0)
        used = np.flatnonzero(wanted.weights)
        self.program.add_terms(row, used, wanted.weights[used] / GOAL_SIZE)
        self.program.add_terms(row, [column], -1.0)
        self.high = np.append(self.high, reached / GOAL_SIZE + LEEWAY)
        return column

    def _sized(self, wanted: Wanted) -> tuple[Wanted, Answer]:
        """Return what is wanted, where most is of the size of the best mixture, and that."""
        relaxed = self._relaxed(wanted, self.high)
        if wanted.unit > 0.0 or relaxed.values is None:
            return wanted, relaxed
        return _resized(wanted, relaxed)

    def _relaxed(self, wanted: Wanted, high: FloatArray) -> Answer:
        """Return the best mixture of combinations."""
        more = np.full(self.program.columns - high.size, np.inf)
        return solve_program(
            self.program, wanted.weights, self.effort, upper=np.concatenate([high, more])
        )

    def _decided(self, wanted: Wanted, relaxed: Answer) -> tuple[Answer, float]:
        """Let the code decide among what costs least; return its answer and a bound of all."""
        if relaxed.values is None:
            return relaxed, -np.inf
        known = None if self.chosen is None else self._plan(self.chosen)
        best, bound, work = Answer(values=None), relaxed.objective, 0
        for size, nodes in self.cores:
            kept, width = self._core(wanted, relaxed, size, known)
            answer = solve_program(
                self.program.around(kept, np.zeros(kept.size)),
                wanted.weights[kept],
                replace(self.effort, gap=ROUGH * self.gap * GOAL_SIZE, nodes=nodes),
                integer=np.arange(kept.size)[kept] < self.size,
                lower=self.program.column_bounds()[0][kept],
                upper=self.high[kept],
                hint=None if known is None else known[kept],
            )
            work += answer.work
            if np.isfinite(answer.bound):
                own = answer.bound - OFF * GOAL_SIZE
                bound = max(bound, min(own, relaxed.objective + width))
            if answer.values is not None:
                known = np.zeros(kept.size)
                known[kept] = answer.values
                best = replace(answer, values=known)
        return replace(best, work=work), bound

    def _core(
        self, wanted: Wanted, relaxed: Answer, size: int, known: FloatArray | None
    ) -> tuple[BoolArray, float]:
        """Return which columns are decided about, and what all others cost at least.

        What is mixed is among them, and what is chosen so far: it is a plan.

        Args:
            wanted: of the tier.
            relaxed: its best mixture.
            size: how many combinations, beside one for every owner.
            known: ``(columns,)`` a plan, None without one.
        """
        row, column, value = self.program.matrix()
        kept: BoolArray = np.ones(self.program.columns, dtype=np.bool_)
        paid = np.bincount(column, value * relaxed.row_prices[row], minlength=kept.size)
        cost = (wanted.weights - paid)[: self.size]
        count = size + int(self.found.owner.max(initial=-1)) + 1
        if count >= cost.size:
            return kept, np.inf
        assert relaxed.values is not None
        order = np.argsort(cost, kind="stable")
        kept[order[count:]] = False
        kept[: self.size] |= relaxed.values[: self.size] > 0.0
        if known is not None:
            kept[: self.size] |= known[: self.size] > CHOSEN
        return kept, float(cost[order[count]])

    def _plan(self, chosen: IntArray) -> FloatArray:
        """Return ``(columns,)`` what is chosen as a solution."""
        values = np.zeros(self.program.columns)
        values[chosen], values[self.lying] = 1.0, self.parts
        row, column, value = self.program.matrix()
        given = np.bincount(row, value * values[column], self.program.rows)
        values[self.short] = np.clip(1.0 - given[self._group_rows], 0.0, 1.0)
        values[self.worst] = values[self.short].max(initial=0.0)
        for each in self.settled.values():
            if each.column != NOBODY:
                reached = each.wanted.weights @ values[: each.wanted.weights.size]
                values[each.column] = reached / GOAL_SIZE
        return values

    def bound_of(self, name: str, lacks: FloatArray, used: dict[str, float]) -> float | None:
        """Return a tier's bound for all plans as fair as a final one; None where none is known.

        Args:
            name: of the tier.
            lacks: ``(groups,)`` shares that each lacks in that plan.
            used: what it has of each tier; as the bound in the tier's own unit.
        """
        tier = self.settled[name]
        high = tier.high.copy()
        high[self.short] = np.maximum(high[self.short], lacks)
        for each in self.settled.values():
            if NOBODY < each.column < high.size:
                share = used[each.wanted.name] / each.wanted.unit / GOAL_SIZE
                high[each.column] = max(high[each.column], share)
        if (high <= tier.high + TRIFLE).all():
            return tier.bound * tier.wanted.unit
        answer = self._relaxed(tier.wanted, high)
        return None if answer.values is None else answer.objective * tier.wanted.unit


def _resized(wanted: Wanted, relaxed: Answer) -> tuple[Wanted, Answer]:
    """Return what is wanted, of the size of what the relaxation reaches, and that."""
    factor = GOAL_SIZE / max(abs(relaxed.objective), TRIFLE)
    return (
        replace(wanted, weights=wanted.weights * factor, unit=wanted.unit / factor),
        replace(
            relaxed,
            objective=relaxed.objective * factor,
            row_prices=relaxed.row_prices * factor,
        ),
    )
