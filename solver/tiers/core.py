"""One engine for rounds with GPU numbers, starts or slots to choose: a compass, a core, a bound.

All tiers together make one linear program, the compass. What it leaves whole is held, what it
leaves in pieces is the core, and a mixed-integer code decides that (relaxation enforced
neighbourhood search: Berthold 2014, section 3). Each tier then starts from a plan. Its bound comes
from the relaxation, for small rounds from the code's own tree; where the plan is not near enough,
the code decides anew whatever plan and relaxation see differently (relaxation induced
neighbourhood search: Danna, Rothberg, Le Pape 2005, section 3).

In rounds of blocks and constants, where hours fill no hole, those whose windows lie around a slot
are decided anew, everyone else held, again and again (large neighbourhoods: Shaw 1998, section 3).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from solver.plan import Limit
from solver.problem import NOBODY, FloatArray, IntArray, Shape
from solver.tiers.aim import Aim, Found
from solver.tiers.branching import Settled
from solver.tiers.engines import GOAL_SIZE, broken, made_whole
from solver.tiers.goal import STEP, Goal, in_one
from solver.tiers.model import RoundModel
from solver.tiers.program import Answer, Effort, solve_program
from solver.tiers.ranges import Ranges
from solver.tiers.relaxation import Relaxation, Vertex
from solver.tiers.rounding import Bounds
from solver.tiers.vicinity import PART, Vicinity

if TYPE_CHECKING:
    from solver.tiers.fairness_rows import FairRows

SMALL = 8_000
"""Columns up to which the code may decide everything at once."""
NODES = 8_000_000
"""Nodes times columns of one search: small programs are searched longer."""
NEAR = 0.005
"""Relative gap from which on a large round's bound is worth cuts."""
LARGE = 15_000
"""Columns from which on the code decides a few requests at a time, and no cuts are worth it."""
MANY_STEPS = 2_000
"""Columns of blocks and constants beyond which a plan good in all fairness tiers is not sought anew
in each of them: in two minutes codes found none that kept the others, for 694 constants.
"""
GOOD = 0.1
"""Share of the first goal up to which that plan is good: of 514 all-or-nothing constants its worst
group lacks 0.70 at a bound of 0.22, and searches tier by tier prove 0.39.
"""
STEPS_NODES = 1_000_000
"""Nodes times columns of a search among blocks and constants: relaxations are slow there."""
WEIGHED_NODES = 300_000
"""Nodes times columns of a search for a weighted goal, which is split where that is too little."""
NEIGHBOURS = (60,) * 24 + (120,) * 8 + (160,) * 4
"""Requests around a slot that are decided together, turn by turn. Of 694 constants the first 24
turns took 3 s and brought the first goal from 0.029 to 0.012; 160 from the start did so in 20 s.
"""
SCATTERED = 10.0
"""Slots by which chance moves a request nearer or farther at most."""
FEW_NODES = 60
"""Nodes of one such search."""
LEAST_STEP = 16
"""Requests of a large round that are rounded at a time at least."""
FINE_PART = 20
"""How many times nearer than the whole round one part is brought to its best."""
TRIFLE = 1e-5
"""What a row may be missed by when choices are rounded that a code calls whole."""
MISSES = 3
"""Parts of a large round in a row that may gain less than `GAIN` of the gap before all is left."""
GAIN = 0.01
"""Part of the gap that deciding a part anew is worth."""
ENOUGH = (0.5, 0.7, 0.85, 1.0 - 1e-9)
"""Fractions from which on a request is rounded up, the next where that does not go together."""
SWEEPS = 20
"""Roundings of a large round before they are given up."""
FINER = 400
"""How many times nearer the code is asked to come where it may decide everything."""
WIDTH = 0.00025
"""Part of a value's size that a choice may cost in the relaxation to be thought of first."""
WHOLE = 1e-6
"""How far from a whole number still counts as one."""
NOTHING: IntArray = np.zeros(0, dtype=np.int64)


class CoreEngine:
    """Settles tiers by deciding only what is in question.

    Where most columns are hours SCIP decides: of 120 requests of every shape it proved all tiers in
    a tenth of the time that HiGHS had not proved the last one in. Where most are choices, as in
    rounds of whole servers, HiGHS is two to three times as fast.

    Attributes:
        of_steps: whether most places are those of blocks and constants.
        planned: whether a plan good in all tiers is at hand, and only bounds are sought then.
        keeps: whether a tier is kept.
        weighed: what groups lack, where one goal weighs it against all else.
    """

    restate: Callable[[FloatArray], FloatArray]

    def __init__(self, model: RoundModel, effort: Effort) -> None:
        self.restate = lambda values: values
        self.model, self.program = model, model.program
        self.columns, self.owners = model.choices()
        hours = 2 * self.columns.size < self.program.columns
        steps = model.problem.shape[model.places.request] != Shape.FLEXIBLE
        self.of_steps = 2 * int(steps.sum()) > steps.size
        self.planned, self.keeps = False, False
        self.weighed: FairRows | None = None
        self.effort = effort = replace(effort, barrier=True, scip=hours)
        self.relaxation = Relaxation(self.program, effort)
        self.large = self.program.columns > LARGE
        self._turns = np.isin(self.columns, model.turn_columns)
        self._owner = model.owner_of_columns()
        self.low, self.high = self.program.column_bounds()

    def prepare(self, goals: Sequence[Goal], gap: float) -> FloatArray | None:
        """Return a plan that is good in all tiers, the earlier ones first; None without one."""
        weights = in_one(goals, self.program.columns)
        factor = GOAL_SIZE / STEP ** max(len(goals) - 1, 0)
        aim = Aim(weights=weights * factor, factor=factor, size=factor, gap=max(gap, NEAR))
        root = self.model.solved(self.relaxation, aim.weights)
        plan = None if root is None else self._first_plan(aim, root)
        if plan is None or root is None or not self.of_steps:
            return plan
        found = Found(aim=aim, bound=root.objective)
        found.offer(plan)
        self._decide_by_time(found)
        many = self.program.columns > MANY_STEPS and not self.large
        self.planned = many and found.objective - found.bound <= GOOD * GOAL_SIZE
        return found.values

    def _first_plan(self, aim: Aim, root: Vertex) -> FloatArray | None:
        """Return a plan near a relaxation: the code's; without one, or if large, a rounded one."""
        found = None
        if not self.large:
            found = self._search(aim, root.values, self._pieces(root.values)).values
        return self._rounded(aim, root.values) if found is None else found

    def _rounded(self, aim: Aim, values: FloatArray) -> FloatArray | None:
        """Decide half of what is in pieces, the clearest first, and solve again, until nothing is.

        Where what was rounded up does not go together less is rounded up. Holding those who are
        whole where the relaxation has them would be three times faster, and leaves no plan.
        """
        bounds = Bounds(self.model, self.low, self.high)
        decided = np.zeros(self.model.problem.requests, dtype=np.bool_)
        bent = set(self._pieces(values).tolist())
        for before, after, turn in self.model.turns:
            if before in bent and after in bent:
                bounds.turn(before, after, turn, values)
            else:
                bounds.hold(turn, values)
        for _ in range(SWEEPS):
            pieces = self._pieces(values)
            bounds.hold(self.columns[~np.isin(self.owners, pieces) & ~self._turns], values)
            pieces = pieces[~decided[pieces]]
            part = values[self.model.funded[pieces]]
            order = np.argsort(np.minimum(part, 1.0 - part), kind="stable")
            chosen = pieces[order[: max(pieces.size // 2, LEAST_STEP)]]
            if not chosen.size and decided.any():
                return values
            decided[chosen] = True
            step = None
            for least in ENOUGH if chosen.size else ENOUGH[:1]:
                for request in chosen.tolist():
                    bounds.decide(request, values, least)
                step = self._solve(aim, bounds.low, bounds.high, self.effort, whole=NOTHING).values
                if step is not None:
                    break
            if step is None or not chosen.size:
                return step
            values = step
        return None

    def settle(self, goal: Goal, gap: float, known: FloatArray | None = None) -> Settled:
        """Improve the known plan until it is near the bound, or nothing helps."""
        factor = GOAL_SIZE / goal.size
        weights = np.pad(goal.weights, (0, self.program.columns - goal.weights.size)) * factor
        aim = Aim(weights=weights, factor=factor, size=GOAL_SIZE, gap=gap)
        found = Found(aim=aim, bound=-np.inf)
        if known is not None:
            found.offer(known)
            found.offer(self._search(aim, known, NOTHING).values)
        if goal.scale is None and np.isfinite(found.objective):
            found.aim = aim = replace(aim, size=max(abs(found.objective), 1e-9))
        root = self.model.solved(self.relaxation, aim.weights)
        if root is None and known is None:
            none = self.relaxation.infeasible
            return Settled(values=None, bound=-np.inf, infeasible=none, work=1)
        self._decide_from(found, root, by_value=goal.scale is None)
        return self._settled(found, gap)

    def _settled(self, found: Found, gap: float) -> Settled:
        """Return what was found, in the goal's own size."""
        factor = found.aim.factor
        return Settled(
            values=None if found.values is None else made_whole(self.model, found.values),
            bound=found.bound / factor,
            objective=found.objective / factor,
            infeasible=found.infeasible,
            work=found.work,
            limit=self.effort.budget.ended() if found.gap > gap else Limit.NONE,
        )

    def _decide_from(self, found: Found, root: Vertex | None, *, by_value: bool) -> None:
        """Improve what is found, or find something, from a relaxation of the whole program."""
        small = self.program.columns <= SMALL
        if root is not None:
            found.prove(root.objective)
        if root is not None and found.values is None and not small:
            found.offer(self._first_plan(found.aim, root))
        if self.of_steps:
            self._decide_by_time(found)
        if self.planned and (self.keeps or not by_value):
            self._look_for_bound(found)
        elif root is None or small:
            self._decide_all(found, root if by_value else None)
            self._decide_by_ranges(found)
        elif found.values is not None:
            self._decide_core(found, root)

    def _held(self, columns: IntArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return bounds of all columns, some held at what a solution has, rounded."""
        low, high = self.low.copy(), self.high.copy()
        low[columns] = high[columns] = np.clip(
            np.round(values[columns]), self.low[columns], self.high[columns]
        )
        return low, high

    def _decide_all(self, found: Found, root: Vertex | None) -> None:
        """Let the code decide everything, first what costs little by a relaxation's prices.

        The bound is the code's own; whatever is left out costs at least the width.
        """
        fine = replace(found.aim, gap=found.aim.gap / FINER)
        if root is not None and self.model.ways:
            width = WIDTH * fine.size
            answer = self._solve(fine, *self._worthwhile(root, width), self._brief())
            found.offer(answer.values)
            rest = root.objective + width
            found.prove(rest if answer.infeasible else min(answer.bound, rest))
            found.work += answer.work
        if found.gap <= fine.gap:
            return
        answer = self._solve(fine, self.low, self.high, self._brief())
        found.offer(answer.values)
        found.prove(answer.bound)
        found.work += answer.work
        found.infeasible = answer.infeasible and found.values is None

    def _decide_by_ranges(self, found: Found) -> None:
        """Split by the largest shortfall of a group where a goal weighs it and is not near."""
        if self.weighed is not None and found.gap * 4 > found.aim.gap:
            Ranges(self.model, self.weighed, found, self.effort).run()

    def _worthwhile(self, root: Vertex, width: float) -> tuple[FloatArray, FloatArray]:
        """Return bounds that leave out what costs more than a width (Balas, Zemel 1980).

        No plan with such a choice is as near to the relaxation as the width: reduced costs add up.
        A way funds its request and takes its least steps.
        """
        low, high, funded = self.low.copy(), self.high.copy(), self.model.funded
        price, steps = np.maximum(root.column_prices, 0.0), self.model.least_steps
        given = price[funded] * (1.0 - self.low[funded])
        kept = np.maximum(-root.column_prices[funded], 0.0) * self.high[funded]
        high[funded[given > width]] = 0.0
        low[funded[kept > width]] = 1.0
        for chosen, columns in self.model.ways:
            least = np.array([steps.get(column, 0.0) for column in columns.tolist()])
            taken = price[columns] * np.maximum(least - self.low[columns], 0.0)
            dear = given[self._owner[chosen]] + taken > width
            high[chosen[dear]] = 0.0
            high[columns[dear & (least > 0.0)]] = 0.0
        return low, high

    def _decide_core(self, found: Found, root: Vertex) -> None:
        """Decide what plan and relaxation see differently; then look for a better bound."""
        assert found.values is not None
        if self.large:
            self._decide_parts(found, root)
            return
        if found.gap * 4 > found.aim.gap:
            answer = self._search(found.aim, found.values, self._apart(found.values, root.values))
            found.offer(answer.values)
            found.work += answer.work
        if found.gap > NEAR:
            self._look_for_bound(found)

    def _look_for_bound(self, found: Found) -> None:
        """Let cuts at the root bound everything."""
        rough = replace(self.effort, bound_only=True)
        answer = self._solve(found.aim, self.low, self.high, rough)
        found.prove(answer.bound)
        found.work += answer.work

    def _decide_by_time(self, found: Found) -> None:
        """Decide those anew whose windows lie around a slot, at one slot after another."""
        problem, chance = self.model.problem, np.random.default_rng(self.effort.seed)
        middle = (problem.first + problem.end) / 2
        effort = replace(self._brief(), nodes=FEW_NODES, scip=True)
        fine = replace(found.aim, gap=found.aim.gap / FINE_PART)
        for count in NEIGHBOURS:
            done = found.values is None or found.gap * 4 <= found.aim.gap
            if done or self.effort.budget.reached() is not Limit.NONE:
                return
            away = np.abs(middle - chance.integers(problem.slots))
            away += chance.uniform(0.0, SCATTERED, problem.requests)
            near = np.argsort(away, kind="stable")[:count]
            known = found.values
            assert known is not None
            low, high = self._held(self.columns[~np.isin(self.owners, near)], known)
            answer = self._solve(fine, low, high, effort, anchor=known, hint=known)
            found.offer(answer.values)
            found.work += answer.work

    def _apart(self, plan: FloatArray, relaxed: FloatArray) -> IntArray:
        """Return the requests that plan and relaxation see differently."""
        apart = np.abs(plan - relaxed)[self.columns] > WHOLE
        return np.unique(self.owners[apart])

    def _decide_parts(self, found: Found, root: Vertex) -> None:
        """Decide a large round part by part, then lay everybody's hours out anew."""
        assert found.values is not None
        vicinity = Vicinity(self.model, self.effort.seed)
        apart = self._apart(found.values, root.values)
        misses = 0
        for part in vicinity.parts(found.values, root.values, apart):
            if found.gap * 4 <= found.aim.gap or self.effort.budget.reached() is not Limit.NONE:
                return
            gap = found.gap
            answer = self._decide_part(found.aim, found.values, part)
            found.offer(answer.values)
            found.work += answer.work
            misses = misses + 1 if found.gap > gap * (1.0 - GAIN) else 0
            if misses == MISSES:
                break
        found.offer(self._search(found.aim, found.values, NOTHING).values)

    def _decide_part(self, aim: Aim, plan: FloatArray, part: IntArray) -> Answer:
        """Decide the first requests of a part, lay the hours of all of it out anew."""
        low, high = np.minimum(self.low, plan), np.maximum(self.high, plan)
        rest = (self._owner != NOBODY) & ~np.isin(self._owner, part)
        low[rest] = high[rest] = plan[rest]
        held = self.columns[~np.isin(self.owners, part[:PART])]
        low[held] = high[held] = np.round(plan[held])
        fine = replace(aim, gap=aim.gap / FINE_PART)
        return self._solve(fine, low, high, self._brief(), anchor=plan)

    def _brief(self) -> Effort:
        """Return the effort of one search: small programs are searched longer."""
        nodes = STEPS_NODES if self.of_steps else NODES
        if self.weighed is not None and self.program.columns <= SMALL:
            nodes = WEIGHED_NODES
        most = max(nodes // max(self.program.columns, 1), 20)
        return replace(self.effort, nodes=min(self.effort.nodes or most, most))

    def _pieces(self, values: FloatArray) -> IntArray:
        """Return the requests of which something is chosen in part, or not as it has to be."""
        parts = np.abs(values - np.round(values))[self.columns] > WHOLE
        loose = np.flatnonzero(broken(self.model, values))
        row, column, value = self.program.matrix()
        sums = np.bincount(row, value * values[column], minlength=self.program.rows)
        least, most = self.program.row_bounds()
        missed = (sums < least - WHOLE) | (sums > most + WHOLE)
        bent = np.unique(self._owner[column[missed[row]]])
        return np.unique(np.concatenate([self.owners[parts], loose, bent[bent != NOBODY]]))

    def _search(self, aim: Aim, anchor: FloatArray, core: IntArray) -> Answer:
        """Decide the core, every other choice held as the anchor has it.

        In a round in which no plan has those choices, everything is decided.
        """
        held = self.columns[~np.isin(self.owners, core)]
        low, high = self._held(held, anchor)
        answer = self._solve(aim, low, high, self._brief(), anchor=anchor)
        if answer.values is None and held.size and core.size:
            answer = self._solve(aim, self.low, self.high, self._brief())
        return answer

    def _solve(  # noqa: PLR0913 - what is held, how, and around what
        self,
        aim: Aim,
        low: FloatArray,
        high: FloatArray,
        effort: Effort,
        *,
        whole: IntArray | None = None,
        anchor: FloatArray | None = None,
        hint: FloatArray | None = None,
    ) -> Answer:
        """Solve the program with whole choices; columns that can only be one thing are left out.

        Args:
            aim: what is wanted.
            low: ``(columns,)`` least.
            high: ``(columns,)`` most.
            effort: limits of the search.
            whole: columns that have to be whole; all choices without.
            anchor: a solution that, its choices rounded, is to count as one.
            hint: a solution to begin with.
        """
        free = low < high
        values = np.where(free, 0.0 if anchor is None else anchor, low)
        integer = np.zeros(self.program.columns, dtype=np.bool_)
        integer[self.columns if whole is None else whole] = True
        held = float(aim.weights[~free] @ values[~free])
        if not free.any():
            return Answer(values=values, objective=held, bound=held)
        answer = solve_program(
            self.program.around(free, values, 0.0 if anchor is None else TRIFLE),
            aim.weights[free],
            replace(effort, gap=max(aim.allowed, 1e-6)),
            integer=integer[free],
            lower=low[free],
            upper=high[free],
            hint=None if hint is None else hint[free],
        )
        if answer.values is None:
            return answer
        values[free] = answer.values
        bound, objective = answer.bound + held, answer.objective + held
        return replace(answer, values=values, bound=bound, objective=objective)

    def possible(self) -> bool:
        """Solve the relaxation; what is left unsolved counts as possible."""
        return self.relaxation.solve() is not None or not self.relaxation.infeasible

    def keep(self, goal: Goal, most: float) -> None:
        """Add the goal as a row, divided by its scale."""
        self.keeps = True
        scale = max(goal.scale or 0.0, abs(most), 1e-12)
        used = np.flatnonzero(goal.weights)
        row = self.program.add_rows(1, -np.inf, most / scale)
        self.program.add_terms(row, used, goal.weights[used] / scale)
        self.relaxation.add_row(used, goal.weights[used] / scale, -np.inf, most / scale)

    def cap(self, columns: IntArray, upper: FloatArray) -> None:
        """Lower or raise upper bounds."""
        self.high[columns] = upper
        for column, most in zip(columns.tolist(), upper.tolist(), strict=True):
            self.relaxation.bound(column, self.relaxation.lower[column], most)

    def chosen(self, values: FloatArray) -> Relaxation:
        """Hold who is funded, the pools, starts and GPU numbers."""
        low, high = self.low.copy(), self.high.copy()
        low[self.columns] = high[self.columns] = np.round(values[self.columns])
        every_row = np.ones(self.program.rows, dtype=np.bool_)
        here = (low != 0.0) | (high != 0.0)
        relaxation = Relaxation(self.program, self.effort, here, every_row)
        changed = np.flatnonzero((low != relaxation.lower) | (high != relaxation.upper))
        for column in changed.tolist():
            relaxation.bound(column, float(low[column]), float(high[column]))
        return relaxation
