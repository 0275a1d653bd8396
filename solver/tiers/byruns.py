"""An engine for large rounds with shapes: every tier by runs of slots, the slots at the end.

The program by runs is a third of the round's, and groups share only a few of its rows. So each
tier is decided in steps. At the prices of the relaxation, and then at better ones, every group is
solved by itself, which gives a bound and a plan of each group. Choices that the plans at the best
prices, the one known and, before anything is kept, the relaxation agree on are held, and a
mixed-integer code decides the rest of all groups together (restricted master with whole columns:
Desaulniers, Desrosiers, Solomon 2005, section 1.6). A small program the code decides at once, from
the plan known on. After the last tier, and only then, hours and blocks find their slots.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solver.plan import Limit
from solver.problem import BoolArray, FloatArray, IntArray, Shape
from solver.tiers.aim import Aim, Found
from solver.tiers.branching import Settled
from solver.tiers.dual import Dual
from solver.tiers.engines import GOAL_SIZE
from solver.tiers.goal import Goal
from solver.tiers.model import RoundModel
from solver.tiers.parts import Parts
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
NEAR = 0.002
"""Relative gap up to which the first plan of all is near enough."""
BEST = 2
"""Plans of the groups at that many of the best prices say what is decided."""
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

    def share(self, values: FloatArray) -> float:
        """Return what a solution of the round's program has of the goal, in shares of its scale."""
        return float(self.goal.weights @ values[: self.goal.weights.size]) / self.scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proof:
    """What the bound of a tier holds for.

    Attributes:
        caps: of groups; most: of each tier kept before, in shares of its scale.
        dual: prices whose bounds can be told for other `most`; None where there are none.
        factor: by which the goal was multiplied there.
    """

    caps: FloatArray
    most: FloatArray
    dual: Dual | None = None
    factor: float = 1.0


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
        self._proved: dict[str, Proof] = {}
        self._within: IntArray = self.capped
        self._beyond: IntArray = self.capped
        self._furthest: IntArray = self.capped
        self._core: CoreEngine | None = None
        self._linear: Relaxation | None = None
        self._known: list[FloatArray] = []
        self._lacking = self._used = self._caps

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
        weights, factor = self._weights(goal)
        relaxed = self._solve(weights)
        if relaxed.values is None:
            return Settled(values=None, bound=-np.inf, infeasible=relaxed.infeasible, work=1)
        aim = _aim(goal, weights, factor, relaxed.objective, gap)
        found = Found(aim=aim, bound=relaxed.objective)
        first = None if known is None else self._completed(aim, self.runs.summed(known))
        found.offer(first)
        dual = self._by_groups(found, relaxed)
        self._proved[goal.name] = replace(self._proof(), dual=dual, factor=factor)
        climbed = self._climb(found, dual)
        if not found.infeasible:
            self._decide(found, self._plans(found, dual, relaxed.values))
        far = found.gap > NEAR and not self.is_small and not self._lacks(found.values)
        if far and not climbed and self._climb(found, dual):
            self._decide(found, self._plans(found, dual, relaxed.values))
        self._known = [] if dual is None else dual.best(len(dual.tried))
        self._decide_everything(found)
        return Settled(
            values=None if found.values is None else self.runs.spread(found.values),
            bound=found.bound / factor,
            objective=found.objective / factor,
            infeasible=found.infeasible,
            work=found.work,
            limit=self._limit() if found.gap > gap else Limit.NONE,
        )

    def _proof(self) -> Proof:
        """Return what a bound found now holds for."""
        return Proof(caps=self._caps, most=self.high[[each.column for each in self.kept]])

    def _weights(self, goal: Goal) -> tuple[FloatArray, float]:
        """Return the goal by runs, brought to a healthy size, and by what it was multiplied."""
        factor = GOAL_SIZE / goal.size
        weights = self.runs.goal(goal.weights) * factor
        weights[self._beyond] = DEAR * GOAL_SIZE
        weights[self._furthest] = EVENLY * GOAL_SIZE
        return weights, factor

    def _by_groups(self, found: Found, relaxed: Answer) -> Dual | None:
        """Solve the groups one by one; None with one group only.

        Args:
            found: gets the bounds.
            relaxed: the relaxation, whose prices are taken; where a tier is kept, dearer ones.
        """
        assert relaxed.values is not None
        aim, high = found.aim, self._highest()
        dual, prices = self._dual(aim, high), relaxed.row_prices
        if dual.parts.count <= 1:
            return None
        if self.kept:
            prices = self._dearer(aim.weights, prices, high)
        for plan in self._known:
            dual.add(self._padded(plan))
        dual.solve(prices)
        found.work += dual.work
        found.infeasible |= dual.infeasible
        found.prove(dual.bound)
        return dual

    def _padded(self, plan: FloatArray) -> FloatArray:
        """Return a solution with 0 for the columns that the program has got since."""
        return np.pad(plan, (0, self.program.columns - plan.size))

    def _climb(self, found: Found, dual: Dual | None) -> bool:
        """Move the prices from where they are; say whether that was of any use.

        Without a plan that is known cuts say little, and what a group has to lack beyond its cap
        counts for more than prices.
        """
        if dual is None or found.values is None or not dual.tried:
            return False
        if self._lacks(dual.tried[0].values):
            return False
        before = dual.work
        dual.add(found.values)
        dual.climb(found.values, found.aim.size, found.objective)
        found.work += dual.work - before
        found.prove(dual.bound)
        return True

    def _plans(self, found: Found, dual: Dual | None, relaxed: FloatArray) -> list[FloatArray]:
        """Return the plans of the groups, and with them the one known and the relaxation.

        Args:
            found: what is known.
            dual: the groups, and the prices tried.
            relaxed: the relaxation; it has a say where nothing is kept.
        """
        plans = [] if dual is None else [*dual.best(BEST), *dual.mixed()]
        if plans and found.values is not None:
            plans.append(found.values)
        if plans and (found.values is None or not self.kept):
            plans.append(relaxed)
        return plans

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

    def _lacks(self, values: FloatArray | None) -> bool:
        """Return whether a group lacks more than its cap, so that the gap is what that costs."""
        return values is None or bool((values[self._beyond] > MISSED).any())

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
        answer = self._solve(weights, high)
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

    def _search(self, found: Found, low: FloatArray, high: FloatArray) -> Answer:
        """Let the code decide what bounds leave open."""
        aim = found.aim
        effort = replace(
            self.effort,
            gap=ROUGH * aim.gap * aim.size,
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

    def _solve(self, weights: FloatArray, high: FloatArray | None = None) -> Answer:
        """Solve the relaxation from its last basis on, or with another code where that fails.

        Args:
            weights: ``(columns,)`` of the goal.
            high: ``(columns,)`` upper bounds; without, those that bounds hold for.
        """
        high = self._highest() if high is None else high
        linear = self._linear
        if linear is None:
            linear = self._linear = Relaxation(self.program, self.effort)
        begun = linear.solves > 0
        linear.extend()
        linear.aim(weights)
        for column in np.flatnonzero((linear.lower != self.low) | (linear.upper != high)).tolist():
            linear.bound(column, self.low[column], high[column])
        if not begun:
            linear.begin_anew()
        vertex = linear.solve()
        if vertex is None:
            return solve_program(self.program, weights, self.effort, lower=self.low, upper=high)
        reached = vertex.objective
        return Answer(
            values=vertex.values, objective=reached, bound=reached, row_prices=vertex.row_prices
        )

    def _highest(self) -> FloatArray:
        """Return upper bounds with grace for caps."""
        high = self.high.copy()
        high[self._within] = np.minimum(self._caps + GRACE, 1.0)
        return high

    def _whole(self) -> BoolArray:
        """Return ``(columns,)`` which columns have to be whole."""
        return self.runs.whole(self.model.choices()[0])

    def least(self, goal: Goal) -> float:
        """Return a bound of a goal under the present caps."""
        self._proved[goal.name] = self._proof()
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
        self._lacking = slotted.values[self.capped]
        self.cap(self.capped, np.maximum(self._lacking, self._caps))
        self._used = np.array([each.share(slotted.values) for each in self.kept])
        return slotted.values

    def bound_after(self, goal: Goal, bound: float, used: dict[str, float]) -> float:
        """Return a bound of a tier for all plans as fair as the one in the slots.

        Args:
            goal: the tier's.
            bound: that was found before.
            used: what a plan uses of the goals of tiers, in their own weights' measure; those that
                are not named use what the one in the slots does.
        """
        proof = self._proved[goal.name]
        at, high = proof.most.size, self._highest()
        for each, share in zip(self.kept, self._used.tolist(), strict=True):
            high[each.column] = max(share, used.get(each.goal.name, -np.inf) / each.scale)
        most = high[[each.column for each in self.kept[:at]]]
        high[[each.column for each in self.kept[at:]]] = np.inf
        holds = bool((most <= proof.most + MISSED).all())
        grace = LESS_GRACE if self.is_small else GRACE
        within = not proof.caps.size or bool((self._lacking <= proof.caps + grace).all())
        if not within or (self.is_small and not holds):
            return self._bound(goal, high, proof)
        if proof.dual is not None and proof.dual.tried:
            return max(proof.dual.restated(high) / proof.factor, bound if holds else -np.inf)
        return bound if holds else self._bound(goal, high, proof)

    def _bound(self, goal: Goal, high: FloatArray, proof: Proof | None = None) -> float:
        """Return a bound of a goal: the relaxation's, or that of the groups one by one.

        Args:
            goal: a tier's.
            high: ``(columns,)`` upper bounds.
            proof: prices that are known.
        """
        weights, factor = self._weights(goal)
        bound, prices = -np.inf, self._prices_of(proof)
        if proof is not None and proof.dual is not None and prices is not None:
            aim = _aim(goal, weights, factor, proof.dual.bound, GAP)
            bound = self._at_prices(aim, prices, high)
        if np.isfinite(bound):
            return bound / factor
        relaxed = self._solve(weights, high)
        if relaxed.values is None:
            return -np.inf
        bound = relaxed.objective
        aim = _aim(goal, weights, factor, bound, GAP)
        if self.is_small:
            bound = max(bound, self._everything(aim, ROUGH * GAP, high).bound)
        elif abs(bound) > MISSED * GOAL_SIZE:
            bound = max(bound, self._at_prices(aim, relaxed.row_prices, high))
        return bound / factor

    def _at_prices(self, aim: Aim, prices: FloatArray, high: FloatArray) -> float:
        """Return the bound of the groups one by one, infinite where one is not solved."""
        dual = self._dual(aim, high)
        for plan in self._known:
            dual.add(self._padded(plan))
        dual.solve(prices)
        return dual.bound

    def _prices_of(self, proof: Proof | None) -> FloatArray | None:
        """Return the best prices known of a large program, 0 in rows it has got since."""
        if self.is_small or proof is None or proof.dual is None or not proof.dual.tried:
            return None
        prices = proof.dual.tried[0].prices
        return np.pad(prices, (0, self.program.rows - prices.size))

    def _dual(self, aim: Aim, high: FloatArray) -> Dual:
        """Return the groups, and prices to be tried for a goal."""
        parts, whole = self._parts(), self._whole()
        allowed = aim.allowed / max(parts.count, 1)
        effort = replace(self.effort, gap=allowed, nodes=PART_NODES, scip=True)
        return Dual(parts, aim.weights, (self.low, high), whole, effort)


def _aim(goal: Goal, weights: FloatArray, factor: float, relaxed: float, gap: float) -> Aim:
    """Return a goal by runs as an aim; without a scale its size is what the relaxation reaches."""
    size = GOAL_SIZE if goal.scale is not None else max(abs(relaxed), 1e-9)
    return Aim(weights=weights, factor=factor, size=size, gap=gap)
