"""An engine for large rounds with shapes: every tier by runs of slots, the slots at the end.

The program by runs is a third of the round's, and groups share only a few of its rows. So each
tier is decided in steps. At the prices of the relaxation every group is solved by itself, which
gives a bound and one plan of each group; where a tier is kept, at dearer prices too. Choices that
these plans, the one known and, before anything is kept, the relaxation agree on are held, and a
mixed-integer code decides the rest of all groups together (restricted master with whole columns:
Desaulniers, Desrosiers, Solomon 2005, section 1.6). Where that is far from the bound, the groups
that are furthest from what they do by themselves are decided anew, a few at a time, all others
held (large neighbourhoods: Shaw 1998, section 3). A small program the code decides at once, from
the plan known on. After the last tier, and only then, hours and blocks find their slots.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from solver.plan import Limit
from solver.problem import BoolArray, FloatArray, IntArray, Shape
from solver.tiers.aim import Aim, Found
from solver.tiers.branching import Settled
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.parts import Parted, Parts
from solver.tiers.program import Answer, Effort, solve_program
from solver.tiers.relaxation import Relaxation
from solver.tiers.runs import Runs
from solver.tiers.slotted import DEAR, EVENLY, Caps, Keeping, find_slots

if TYPE_CHECKING:
    from solver.tiers.core import CoreEngine

LARGE = 8_000
"""Columns from which on rounds are decided by runs."""
FEWEST = 5
"""Spans from which on there is anything to add up."""
NODES = 1_500_000
"""Nodes times columns after which a code's search ends in any case."""
WHOLLY = 7_500
"""Columns by runs up to which the code may decide all of them at once."""
WHOLE_NODES = 4_000_000
"""Nodes times columns of such a search."""
PART_NODES = 200
"""The same of one group, in nodes."""
ROUGH = 0.5
"""Part of the gap asked for at which it ends."""
NEAR = 0.0015
"""Relative gap from which on groups that are far from their best are decided anew."""
FINE = 0.2
"""Part of the usual gap at which these searches end."""
MENDS, MENDED = 3, 3
"""How often at most, and how many groups at a time."""
LITTLE = 5e-4
"""Relative gain below which one of them is the last."""
STEEP = 1.5
"""How much dearer than by the relaxation a tier kept is for whole choices, about."""
YIELDING = 0.02
"""What a group may lack beyond its cap, at a cost: the code finds plans sooner."""
GRACE, LESS_GRACE = 3e-4, 1e-5
"""What a group may lack beyond its cap all the same: bounds hold for that much; less in small
programs."""
LEEWAY = 0.002
"""Share of its scale that a tier kept leaves to the later ones and to their slots."""
SEARCHED, LAID = 0.8, 0.95
"""Parts of the leeway that are used before slots are found, and in slots without a cost."""
WHOLE = 1e-6
"""How far apart values of a choice still count as the same."""
GAP = 1e-3
"""Relative gap to which groups are solved for a bound alone."""
MISSED = 1e-6
"""Shares by which something kept may be missed all the same."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kept:
    """A tier that later ones leave as it is.

    Attributes:
        column: of the program by runs: the goal divided by its scale; row: that says so.
        most: of that, for plans and for bounds.
    """

    goal: Goal
    scale: float
    column: int
    row: int
    most: float


class RunsEngine:
    """Settles tiers by runs of slots.

    Attributes:
        kept: the tiers so far.
        is_small: whether the code may decide all of it at once.
    """

    restate: Callable[[FloatArray], FloatArray]

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.restate = lambda values: values
        self.model, self.effort = model, replace(effort, barrier=True)
        count = model.spans.lengths.size
        self.runs = Runs(model, np.array([0, 1, count // 2, count - 1]))
        self.program = self.runs.program
        self.is_small = self.program.columns <= WHOLLY
        self._laid = LEEWAY * (SEARCHED if self.is_small else LAID)
        self.low, self.high = self.runs.bounds(*model.program.column_bounds())
        self.kept: list[Kept] = []
        self.capped: IntArray = np.zeros(0, dtype=np.int64)
        self._caps: FloatArray = np.zeros(0)
        self._proved: dict[str, FloatArray] = {}
        self._within: IntArray = self.capped
        self._beyond: IntArray = self.capped
        self._furthest: IntArray = self.capped
        self._core: CoreEngine | None = None
        self._missed = 0
        self._lacking = self._caps

    @staticmethod
    def suits(model: RoundModel) -> bool:
        """Return whether a round is large, with choices and many spans to add up.

        What constants take cannot be added up.
        """
        constant = model.problem.shape[model.places.request] == Shape.CONSTANT
        many = model.spans.lengths.size >= FEWEST and 2 * int(constant.sum()) < constant.size
        return many and not model.picks_only_pools and model.program.columns > LARGE

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Each tier finds a plan of its own: there is nothing to prepare."""
        del goals, gap
        return None

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Decide by runs; values lie evenly over each run, whether or not that has slots."""
        self._proved[goal.name] = self._caps
        weights, factor = self._weights(goal)
        relaxed = self._solve(weights)
        if relaxed.values is None:
            return Settled(values=None, bound=-np.inf, infeasible=relaxed.infeasible, work=1)
        aim = _aim(goal, weights, factor, relaxed.objective, gap)
        found = Found(aim=aim, bound=relaxed.objective)
        first = None if known is None else self._completed(aim, self.runs.summed(known))
        found.offer(first)
        parted = self._by_groups(found, relaxed.row_prices)
        if not found.infeasible:
            plans = [each.values for each in parted if each.values is not None]
            if plans and first is not None:
                plans.append(first)
            if plans and (first is None or not self.kept):
                plans.append(relaxed.values)
            self._decide(found, plans)
        if parted and not self.is_small:
            self._mend(found, parted[0])
        self._decide_everything(found)
        return Settled(
            values=None if found.values is None else self.runs.spread(found.values),
            bound=found.bound / factor,
            objective=found.objective / factor,
            infeasible=found.infeasible,
            work=found.work,
            limit=self._limit() if found.gap > gap else Limit.NONE,
        )

    def _weights(self, goal: Goal) -> tuple[FloatArray, float]:
        """Return the goal by runs, brought to a healthy size, and by what it was multiplied."""
        factor = GOAL_SIZE / goal.size
        weights = self.runs.goal(goal.weights) * factor
        weights[self._beyond] = DEAR * GOAL_SIZE
        weights[self._furthest] = EVENLY * GOAL_SIZE
        return weights, factor

    def _by_groups(self, found: Found, prices: FloatArray) -> list[Parted]:
        """Solve the groups one by one at some prices; return what they do, and keep the bounds."""
        every: list[Parted] = []
        for parted in self._parted(found.aim, prices, self._highest()):
            found.work += parted.work
            found.infeasible |= parted.infeasible
            if parted.values is None:
                break
            found.prove(parted.bound)
            every.append(parted)
        return every

    def _mend(self, found: Found, parted: Parted) -> None:
        """Decide anew in the groups that are furthest from their best at the prices.

        All other choices are held. Whoever was looked at waits while others are.
        """
        parts, waits = self._parts(), np.zeros(0, dtype=np.int64)
        gain = np.inf
        for _ in range(MENDS):
            if found.values is None or found.gap <= NEAR or gain < LITTLE:
                return
            if self._lacks(found.values):
                return
            before = found.gap
            regrets = parts.regrets(found.values, parted)
            regrets[waits] = 0.0
            waits = np.argsort(-regrets, kind="stable")[:MENDED]
            held = self._whole() & ~parts.of(waits)
            self._search(found, *self._holding(held, found.values), fine=FINE)
            gain = before - found.gap

    def _decide_everything(self, found: Found) -> None:
        """Let the code decide a small program at once, from what is found on.

        Its bound is for plans that leave of what is kept as much as searches do: where slots take
        more it does not count (`bound_after`).
        """
        near = ROUGH * found.aim.gap
        if not self.is_small or found.infeasible or found.gap <= near:
            return
        high = self.high.copy()
        high[self._within] = np.minimum(self._caps + LESS_GRACE, 1.0)
        answer = self._everything(found.aim, near, high, found.values)
        found.work += answer.work
        found.offer(answer.values)
        found.prove(answer.bound)

    def _everything(
        self, aim: Aim, gap: float, high: FloatArray, known: FloatArray | None = None
    ) -> Answer:
        """Let the code decide all there is, to a relative gap."""
        nodes = max(WHOLE_NODES // self.program.columns, 1)
        effort = replace(self.effort, gap=gap * aim.size, nodes=nodes, scip=True)
        return solve_program(
            self.program,
            aim.weights,
            effort,
            integer=self._whole(),
            lower=self.low,
            upper=high,
            hint=known,
        )

    def _lacks(self, values: FloatArray) -> bool:
        """Return whether a group lacks more than its cap, so that the gap is what that costs."""
        return bool((values[self._beyond] > MISSED).any())

    def _parted(self, aim: Aim, prices: FloatArray, high: FloatArray) -> Iterator[Parted]:
        """Solve the groups one by one, at the prices of the relaxation.

        Where a tier is kept, first at those at which that one is dearer: what whole choices give up
        of it buys more of the goal than fractions do.
        """
        parts = self._parts()
        if parts.count <= 1:
            return
        effort = replace(self.effort, gap=aim.allowed / parts.count, nodes=PART_NODES, scip=True)
        dearer = [self._dearer(aim.weights, prices, high)] if self.kept else []
        for each in (*dearer, prices):
            yield parts.solve(aim.weights, each, (self.low, high), self._whole(), effort)

    def _parts(self) -> Parts:
        """Return the groups, each with its part of the program."""
        model = self.model
        return Parts(self.program, self.runs.part(model.owner_of_columns(), model.problem.group))

    def _holding(self, held: BoolArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds that hold some columns where a solution has them, in whole numbers."""
        low, high, at = self.low.copy(), self.high.copy(), np.flatnonzero(held)
        low[at] = high[at] = np.clip(np.round(values[at]), low[at], high[at])
        return low, high

    def _dearer(self, weights: FloatArray, prices: FloatArray, high: FloatArray) -> FloatArray:
        """Return the relaxation's prices where every tier kept costs more than at its bound."""
        columns, rows = (
            np.array([getattr(e, name) for e in self.kept]) for name in ("column", "row")
        )
        weights, high = weights.copy(), high.copy()
        weights[columns], high[columns] = STEEP * np.abs(prices[rows]), np.inf
        answer = solve_program(self.program, weights, self.effort, lower=self.low, upper=high)
        return prices if answer.values is None else answer.row_prices

    def _decide(self, found: Found, plans: Sequence[FloatArray]) -> None:
        """Decide what plans see differently, or everything where that leads nowhere."""
        low, high = self.low, self.high
        if plans:
            seen = np.array(plans)
            same = seen.max(axis=0) - seen.min(axis=0) < WHOLE
            low, high = self._holding(self._whole() & same, seen[0])
        answer = self._search(found, low, high)
        if found.values is None and plans:
            answer = self._search(found, self.low, self.high)
        found.infeasible = answer.infeasible and found.values is None

    def _search(
        self, found: Found, low: FloatArray, high: FloatArray, *, fine: float = 1.0
    ) -> Answer:
        """Let the code decide what bounds leave open, to a part of the gap it usually ends at."""
        aim = found.aim
        effort = replace(
            self.effort,
            gap=fine * ROUGH * aim.gap * aim.size,
            nodes=max(NODES // self.program.columns, 1),
            scip=True,
        )
        answer = solve_program(
            self.program,
            aim.weights,
            effort,
            integer=self._whole(),
            lower=low,
            upper=high,
            hint=found.values,
        )
        found.work += answer.work
        found.offer(answer.values)
        return answer

    def _completed(self, aim: Aim, known: FloatArray) -> FloatArray | None:
        """Return the best solution with the choices of a known one."""
        low, high = self._holding(self._whole(), known)
        return solve_program(self.program, aim.weights, self.effort, lower=low, upper=high).values

    def _solve(self, weights: FloatArray) -> Answer:
        """Solve the program for a bound: what is kept leaves all that it may."""
        high = self._highest()
        return solve_program(self.program, weights, self.effort, lower=self.low, upper=high)

    def _highest(self) -> FloatArray:
        """Return upper bounds with all of the leeway of what is kept, and grace for caps."""
        high = self.high.copy()
        for each in self.kept:
            high[each.column] = each.most + LEEWAY
        high[self._within] = np.minimum(self._caps + GRACE, 1.0)
        return high

    def _whole(self) -> BoolArray:
        """Return ``(columns,)`` which columns have to be whole."""
        return self.runs.whole(self.model.choices()[0])

    def least(self, goal: Goal) -> float:
        """Return a bound of a goal under the present caps."""
        self._proved[goal.name] = self._caps
        return self._bound(goal, self._highest())

    def let_lack(self, worst: Goal, total: Goal, columns: IntArray, trifle: float) -> float:
        """Cap what each group lacks at what it has to lack in the relaxation, or more.

        Args:
            worst: the largest shortfall of a group.
            total: those of all.
            columns: of the groups' shortfalls.
            trifle: share that every group may lack.

        Returns:
            What the worst group has to lack.
        """
        self.cap(columns, np.ones(columns.size))
        least, short = max(self.least(worst), 0.0), np.zeros(columns.size)
        if least > trifle:
            self.cap(columns, np.full(columns.size, min(least + MISSED, 1.0)))
            values = self._solve(self._weights(total)[0]).values
            short = short if values is None else self.runs.spread(values)[columns]
        self.cap(columns, np.minimum(short + trifle, 1.0))
        return least

    def possible(self) -> bool:
        """Solve the relaxation; what is left unsolved counts as possible."""
        return not self._solve(np.zeros(self.program.columns)).infeasible

    def _limit(self) -> Limit:
        """Return the limit that ended a search: the solve's, or that of its own work."""
        reached = self.effort.budget.reached()
        return Limit.WORK if reached is Limit.NONE else reached

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale; some of its leeway is for the slots."""
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        weights = self.runs.goal(goal.weights) / scale
        used = np.flatnonzero(weights)
        column = self._add_columns(-np.inf, most / scale + LEEWAY * SEARCHED)
        row = self.program.add_rows(1, -np.inf, 0.0)
        self.program.add_terms(row, used, weights[used])
        self.program.add_terms(row, column, -1.0)
        self.kept.append(
            Kept(goal=goal, scale=scale, column=int(column[0]), row=int(row[0]), most=most / scale)
        )

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds, always of the same columns; beyond them it costs dear."""
        here = self.runs.column[columns]
        if not self.capped.size:
            self.capped = columns
            self._within = self._add_columns(np.zeros(columns.size), upper)
            self._beyond = self._add_columns(np.zeros(columns.size), YIELDING)
            rows = self.program.add_rows(columns.size, -np.inf, 0.0)
            self.program.add_terms(rows, here, 1.0)
            self.program.add_terms(rows, self._within, -1.0)
            self.program.add_terms(rows, self._beyond, -1.0)
            self._furthest = self._add_columns(np.zeros(1), YIELDING)
            rows = self.program.add_rows(columns.size, -np.inf, 0.0)
            self.program.add_terms(rows, self._beyond, 1.0)
            self.program.add_terms(rows, self._furthest, -1.0)
        self._caps, self.high[self._within], self.high[here] = upper, upper, upper + YIELDING

    def _add_columns(self, low: FloatArray | float, high: FloatArray | float) -> IntArray:
        """Add columns to the program by runs, and to the bounds."""
        columns = self.program.add_columns(np.size(low), low, high)
        self.low, self.high = np.append(self.low, low), np.append(self.high, np.zeros_like(low))
        self.high[columns] = high
        return columns

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, the pools, starts and GPU numbers of a plan that was laid out."""
        assert self._core is not None
        return self._core.chosen(values)

    def laid_out(self, values: FloatArray, goal: Goal) -> FloatArray | None:
        """Find slots for hours and blocks; None where there are none.

        Args:
            values: a solution, its hours evenly over each run.
            goal: the last one.
        """
        kept = [
            Keeping(each.goal.weights / each.scale, each.most + self._laid)
            for each in self.kept
            if each.goal.name != goal.name
        ]
        caps = Caps(self.capped, self._caps)
        slotted = find_slots(self.model, values, goal, kept, caps, self.effort)
        if slotted is None:
            return None
        self._core = slotted.core
        self._note_missed(slotted.beyond, slotted.values[self.capped])
        return slotted.values

    def _note_missed(self, beyond: FloatArray, lacks: FloatArray) -> None:
        """Let tiers and caps leave what the slots took beyond them, for the bounds of later tiers.

        Args:
            beyond: how far each tier kept went beyond what slots may use of its leeway.
            lacks: ``(capped,)`` what is there.
        """
        extra = np.maximum(beyond - (LEEWAY - self._laid), 0.0)
        missed = np.flatnonzero((beyond if self.is_small else extra) > MISSED)
        self._missed = int(missed[0]) + 1 if missed.size else len(self.kept) + 1
        self.cap(self.capped, np.maximum(lacks, self._caps))
        self._lacking = lacks
        self.kept = [
            replace(each, most=each.most + more)
            for each, more in zip(self.kept, (*extra.tolist(), 0.0), strict=False)
        ]

    def bound_after(self, goal: Goal) -> float:
        """Return a bound of a goal that holds for the slots too, or infinity where the old does."""
        names = [each.goal.name for each in self.kept]
        at = names.index(goal.name) if goal.name in names else 0
        proved = self._proved.get(goal.name, self._caps[:0])
        grace = LESS_GRACE if self.is_small else GRACE
        within = not proved.size or (self._lacking <= proved + grace).all()
        if at < self._missed and within:
            return np.inf
        kept, self.kept = self.kept, self.kept[:at]
        high = self._highest()
        high[[each.column for each in kept[at:]]] = np.inf
        bound = self._bound(goal, high)
        self.kept = kept
        return bound

    def _bound(self, goal: Goal, high: FloatArray) -> float:
        """Return a bound of a goal: the relaxation's, or that of the groups one by one.

        Args:
            goal: a tier's.
            high: ``(columns,)`` upper bounds.
        """
        weights, factor = self._weights(goal)
        relaxed = solve_program(self.program, weights, self.effort, lower=self.low, upper=high)
        if relaxed.values is None:
            return -np.inf
        bound = relaxed.objective
        if self.is_small:
            aim = _aim(goal, weights, factor, bound, GAP)
            bound = max(bound, self._everything(aim, ROUGH * GAP, high).bound)
        elif abs(bound) > MISSED * GOAL_SIZE:
            aim = _aim(goal, weights, factor, relaxed.objective, GAP)
            parted = self._parted(aim, relaxed.row_prices, high)
            bound = max([bound, *(each.bound for each in islice(parted, 1))])
        return bound / factor


def _aim(goal: Goal, weights: FloatArray, factor: float, relaxed: float, gap: float) -> Aim:
    """Return a goal by runs as an aim; without a scale its size is what the relaxation reaches."""
    size = GOAL_SIZE if goal.scale is not None else max(abs(relaxed), 1e-9)
    return Aim(weights=weights, factor=factor, size=size, gap=gap)
