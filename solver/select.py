"""Select: which requests are funded, tier by tier, each tier with a bound of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from solver.plan import Entitlement, Limit
from solver.problem import BoolArray, FloatArray, IntArray, Problem, Tier
from solver.tiers.amounts import AmountModel, is_loose
from solver.tiers.byruns import RunsEngine
from solver.tiers.core import CoreEngine
from solver.tiers.engines import Engine, LinearEngine, enough
from solver.tiers.fairness_rows import FairRows
from solver.tiers.goal import Goal
from solver.tiers.hulls import Hulls
from solver.tiers.kernel import KernelEngine, model_of
from solver.tiers.model import RoundModel
from solver.tiers.narrowing import SLACK, narrow
from solver.tiers.program import Effort

if TYPE_CHECKING:
    from solver.tiers.branching import Settled


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a tier reached in the fluid program with whole choices.

    Attributes:
        objective, bound: in the tier's own unit.
    """

    name: str
    objective: float
    bound: float
    work: int
    limit: Limit = Limit.NONE
    evidence: str = "solver"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Selection:
    """Who is funded, and a fluid division that shows it can be.

    Attributes:
        funded: ``(r,)``; least: ``(r,)`` thousandths each funded request gets at least.
        fluid: ``(n, 4)`` request, pool, slot, thousandths of a GPU-hour.
        tiers: what each tier reached.
        search: the program with every tier kept.
        infeasible: whether no plan keeps every rule.
    """

    funded: BoolArray
    least: IntArray
    fluid: IntArray
    tiers: tuple[Reached, ...]
    infeasible: bool = False
    search: "Search"


OFF = 0.004
"""Relative gap from which on a large round's bound is sought by cuts, too."""
LOST = 0.002
"""Share of the hours that may find no slot; beyond, slots are part of the program."""
FAR = 0.05
"""Relative gap of a tier from which on kernels were too small for a round."""
MANY = 100_000
"""Columns from which on slots are left out of the program whatever is lost."""
Report = Callable[[str, float, float], None]


def select(  # noqa: PLR0913 - options by name
    problem: Problem,
    entitlement: Entitlement | None,
    *,
    gap: float,
    effort: Effort,
    report: Report,
    margin: int = 0,
) -> Selection:
    """Choose who is funded.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        gap: relative gap at which a tier counts as proved.
        effort: limits of each program.
        report: told name, objective and bound of each tier.
        margin: gang-hours by which floors are exceeded.
    """

    def search_of(model: RoundModel, *, brief: bool) -> Search:
        """Return the tiers over a program."""
        return Search(model, entitlement, gap=gap, effort=effort, report=report, brief=brief)

    brief = True
    if is_loose(problem):
        search = search_of(model_of(problem, margin=margin), brief=True)
        selection = search.run(_most_lost(search.model))
        brief = not (isinstance(search.engine, KernelEngine) and search.is_far())
        if not brief:
            search = search_of(AmountModel(problem, margin=margin), brief=False)
            selection = search.run(_most_lost(search.model))
        if not search.misplaced:
            return selection
    return search_of(RoundModel(problem, margin=margin), brief=brief).run()


def _most_lost(model: RoundModel) -> float:
    """Return which share of the hours may find no slot."""
    cut = isinstance(model, AmountModel) and model.slots.seats.request.size <= MANY
    return LOST if cut else 1.0


class Search:
    """The tiers over one program: in their order, or weighed against each other.

    Its engine may be brief: leave slots to the end, or most requests to the relaxation.

    Attributes:
        reached: what each tier reached; searched: the same by runs, before slots were found.
        one: in the weighted form, a column that is 1: goals have no constant.
        misplaced: whether the first tier's plan found no room in the slots, and the rest was left.
    """

    def __init__(  # noqa: PLR0913 - options by name
        self,
        model: RoundModel,
        entitlement: Entitlement | None,
        *,
        gap: float,
        effort: Effort,
        report: Report,
        brief: bool = True,
    ) -> None:
        self.model, self.problem, self.gap, self.report = model, model.problem, gap, report
        self.fair = None if entitlement is None else FairRows(self.model, entitlement)
        if self.problem.rules.weights:
            self.one = int(self.model.program.add_columns(1, 1.0, 1.0)[0])
        self.effort = effort
        self.engine = self.chosen_engine(brief=brief)
        if isinstance(self.engine, LinearEngine) and self.fair is not None:
            self.engine.hulls = Hulls(self.model, self.fair)
        if isinstance(self.engine, CoreEngine) and self.problem.rules.weights:
            self.engine.weighed = self.fair
        self.values: FloatArray | None = None
        self.reached: list[Reached] = []
        self.searched: list[Reached] = []
        self.infeasible, self.misplaced = False, False
        self.head_start: Settled | None = None

    def chosen_engine(self, *, brief: bool) -> Engine:
        """Return a way to solve that suits the round.

        Args:
            brief: whether slots may be left to the end, and most requests to the relaxation.
        """
        kind: type[LinearEngine | RunsEngine | CoreEngine | KernelEngine] = CoreEngine
        if brief and KernelEngine.suits(self.model):
            kind = KernelEngine
        elif isinstance(self.model, AmountModel) or self._is_of_value_in_slots():
            kind = LinearEngine
        elif brief and RunsEngine.suits(self.model):
            kind = RunsEngine
        engine: Engine = kind(self.model, self.effort)
        if self.fair is not None:
            engine.restate = self.fair.restated
        return engine

    def _is_of_value_in_slots(self) -> bool:
        """Return whether value alone counts, and only pools are whole: linear programs bound it."""
        return self.model.picks_only_pools and self.fair is None

    def run(self, most_lost: float = 1.0) -> Selection:
        """Improve tier after tier, keeping the ones before.

        Args:
            most_lost: share of the first tier's hours that may find no slot; beyond, all is left.
        """
        self.values = self.engine.prepare(self.goals(), self.gap)
        if self.problem.rules.weights:
            self.improve(self.weighted_goal())
            self.misplaced = self.loses_more_than(most_lost)
            return self.finished()
        for tier in self.problem.rules.tiers:
            if self.infeasible or self.misplaced:
                break
            if tier is Tier.GROUPS and self.fair is not None:
                self.improve_groups(self.fair)
            elif tier is Tier.FELLOWS and self.fair is not None:
                self.improve(self.fair.fellows_goal())
            elif tier is Tier.VALUE:
                self.improve(self.value_goal())
            if tier is self.problem.rules.tiers[0]:
                self.misplaced = self.loses_more_than(most_lost)
        return self.finished()

    def finished(self) -> Selection:
        """Find the slots that are still open; where there are none, slots come first."""
        if not isinstance(self.engine, RunsEngine) or self.infeasible:
            return self.selection()
        goals = self.goals()
        laid = None if self.values is None else self.engine.laid_out(self.values, goals[-1])
        if laid is None:
            self.engine = self.chosen_engine(brief=False)
            self.reached, self.head_start = [], None
            return self.run()
        self.values, self.searched = laid, self.reached
        used = {each.name: float(each.weights @ laid[: each.weights.size]) for each in goals}
        lacks = np.zeros(0) if self.fair is None else laid[self.fair.shortfall]
        if "groups" in used:
            used["groups"] = float(lacks.max(initial=0.0))
        bounds = self.as_fair(used, lacks)
        self.reached = [
            replace(each, objective=used[goal.name] * goal.unit, bound=bound)
            for each, goal, bound in zip(self.reached, goals, bounds, strict=True)
        ]
        for each in self.reached:
            self.report(each.name, each.objective, each.bound)
        return self.selection()

    def is_far(self) -> bool:
        """Return whether there is no plan where one is possible, or a tier far from its bound.

        What a limit ended is as near as it comes: nobody begins again and loses the plan.
        """
        off = [
            abs(each.objective - each.bound) > FAR * max(abs(each.bound), abs(scale))
            for each, goal in zip(self.reached, self.goals(), strict=False)
            for scale in ((goal.scale or 0.0) * goal.unit,)
        ]
        stopped = self.effort.budget.reached() is not Limit.NONE
        return not self.infeasible and (self.values is None or (any(off) and not stopped))

    def as_fair(
        self, reached: dict[str, float], lacks: FloatArray, off: float = np.inf
    ) -> list[float]:
        """Return bounds of tiers decided by runs, for all plans as fair as one.

        Args:
            reached: what that plan has of each goal, in its own measure.
            lacks: ``(groups,)`` share of its entitlement that each group lacks there.
            off: relative gap from which on cuts are tried.
        """
        assert isinstance(self.engine, RunsEngine)
        bounds = list[float]()
        for before, goal in zip(self.searched, self.goals(), strict=True):
            objective, bound = reached[goal.name], before.bound / goal.unit
            if bound > goal.floor:
                wanted = objective - off * max(goal.scale or abs(objective), 1.0)
                bound = self.engine.proofs.bound_after(goal, bound, reached, lacks, wanted=wanted)
            bounds.append(min(max(bound, goal.floor), objective) * goal.unit)
        return bounds

    @property
    def is_bounded_anew(self) -> bool:
        """Whether bounds of a final plan are found by `as_fair_as`."""
        return isinstance(self.engine, RunsEngine) and not self.engine.frame.is_small

    def as_fair_as(self, reached: dict[str, float], lacks: FloatArray) -> tuple[Reached, ...]:
        """Return what tiers reached, with bounds that hold for all plans as fair as a final one.

        Whole gang-hours may take a little of what earlier tiers had in the slots, which the bounds
        of large rounds decided by runs count in.

        Args:
            reached: what the final plan has of each tier.
            lacks: ``(g,)`` share of its entitlement that each group lacks there.
        """
        if not self.is_bounded_anew:
            return tuple(self.reached)
        used = {goal.name: reached[goal.name] / goal.unit for goal in self.goals()}
        bounds = self.as_fair(used, lacks if self.fair is None else lacks[self.fair.groups], OFF)
        return tuple(
            replace(each, bound=bound) for each, bound in zip(self.reached, bounds, strict=True)
        )

    def loses_more_than(self, share: float) -> bool:
        """Return whether more than a share of the hours of the plan at hand finds no slot."""
        return self.values is not None and self.model.lost(self.values) > share

    def goals(self) -> list[Goal]:
        """Return what the tiers want, in their order, or all at once in the weighted form."""
        if self.problem.rules.weights:
            return [self.weighted_goal()]
        goals: list[Goal] = []
        for tier in self.problem.rules.tiers:
            if tier is Tier.VALUE:
                goals.append(self.value_goal())
            elif tier is Tier.GROUPS and self.fair is not None:
                goals += [self.fair.worst_goal(), self.fair.total_goal()]
            elif tier is Tier.FELLOWS and self.fair is not None:
                goals.append(self.fair.fellows_goal())
        return goals

    def improve_groups(self, fair: FairRows) -> None:
        """Least relative shortfall of any group, then least shortfall in all.

        Without a plan to start from it is first asked whether no group needs to fall short at all,
        or more than in the relaxation. Where none does, both are proved by arithmetic.
        """
        least, engine = 0.0, self.engine
        if isinstance(engine, RunsEngine):
            goals = fair.worst_goal(), fair.total_goal()
            least = engine.let_lack(*goals, fair.shortfall, self.gap / 10)
        elif self.values is None:
            engine.cap(fair.shortfall, np.full(fair.shortfall.size, self.gap / 10))
        if isinstance(engine, RunsEngine) or self.values is None:
            begun = engine.settle(fair.fellows_goal(), self.gap, known=self.values)
            if begun.values is not None:
                self.head_start, self.values = begun, begun.values
        lacks = self.worst(fair) > self.gap / 5
        if isinstance(engine, RunsEngine) and engine.frame.is_small and lacks:
            self.improve_groups_by_runs(engine, fair, least)
            return
        if self.worst(fair) <= least + self.gap or self.is_done_by_runs():
            self.note_groups(fair, least)
            return
        self.head_start = None
        engine.cap(fair.shortfall, np.ones(fair.shortfall.size))
        if self.values is None:
            first = engine.settle(fair.worst_goal(), self.gap)
            self.values = first.values
            self.infeasible = first.infeasible and first.values is None
            if self.is_done_by_runs():
                self.note_groups(fair, max(least, first.bound))
                return
        if self.values is None:
            return
        narrowed = narrow(self.engine, fair, self.values, self.gap)
        self.values = narrowed.values
        self.note(
            Reached(
                name="groups",
                objective=narrowed.high,
                bound=narrowed.low,
                work=narrowed.work,
                limit=Limit.NONE if narrowed.high - narrowed.low <= self.gap else Limit.WORK,
                evidence="arithmetic" if narrowed.low <= 0.0 else "solver",
            )
        )
        self.improve(fair.total_goal())
        least = self.gap / 10 if isinstance(self.engine, KernelEngine) else 0.0
        most = self.values[fair.shortfall] + SLACK
        self.engine.cap(fair.shortfall, np.clip(most, least, 1.0))

    def improve_groups_by_runs(self, engine: RunsEngine, fair: FairRows, least: float) -> None:
        """The same where the code may decide all at once: each of both as near as it comes.

        Args:
            engine: nothing that it found paid for is taken for a bound of the fellows.
            fair: the groups.
            least: what the worst one lacks in every plan.
        """
        self.head_start = None
        engine.cap(fair.shortfall, np.ones(fair.shortfall.size))
        first = engine.settle(fair.worst_goal(), self.gap, known=self.values)
        if first.values is not None:
            self.values = first.values
        if self.values is None:
            self.infeasible = first.infeasible
            return
        worst = self.worst(fair)
        bound = min(max(least, first.bound), worst)
        self.note(
            Reached(
                name="groups",
                objective=worst,
                bound=bound,
                work=first.work,
                limit=first.limit,
                evidence="solver" if bound > 0.0 else "arithmetic",
            )
        )
        engine.cap(fair.shortfall, np.full(fair.shortfall.size, min(worst + SLACK, 1.0)))
        self.improve(fair.total_goal())
        engine.cap(fair.shortfall, np.minimum(self.values[fair.shortfall] + self.gap, 1.0))

    def worst(self, fair: FairRows) -> float:
        """Return the largest share that a group lacks in the plan at hand; infinite without."""
        return np.inf if self.values is None else fair.group_shortfalls(self.values)[0]

    def is_done_by_runs(self) -> bool:
        """Return whether there is a plan by runs: nobody looks for one a little nearer."""
        return self.values is not None and isinstance(self.engine, RunsEngine)

    def note_groups(self, fair: FairRows, least: float) -> None:
        """Note what the groups lack in the plan at hand, and keep it.

        Args:
            fair: the groups.
            least: what the worst one lacks in every plan.
        """
        assert self.values is not None
        work = 1 if self.head_start is None else self.head_start.work
        reached, total = fair.group_shortfalls(self.values), 0.0
        most = np.full(fair.shortfall.size, reached[0] + SLACK)
        if isinstance(self.engine, RunsEngine) and reached[0] > self.gap / 10 + SLACK:
            self.head_start = None  # it paid for what the groups lack
            most = self.values[fair.shortfall] + self.gap / 4
            self.engine.cap(fair.shortfall, np.ones(fair.shortfall.size))
            total = max(self.engine.least(fair.total_goal()), 0.0)
        self.engine.cap(fair.shortfall, np.clip(most, self.gap / 10, 1.0))
        for name, objective, bound in (
            ("groups", reached[0], least),
            ("groups_total", reached[1], total),
        ):
            far = name == "groups" and objective - bound > self.gap
            self.note(
                Reached(
                    name=name,
                    objective=objective,
                    bound=min(bound, objective),
                    work=work,
                    limit=Limit.WORK if far else Limit.NONE,
                    evidence="solver" if bound > 0.0 else "arithmetic",
                )
            )

    def improve(self, goal: Goal) -> None:
        """Solve one tier, note what it reached and keep it."""
        if self.infeasible:
            return
        begun, self.head_start = self.head_start, None
        begun = begun if goal.name == "fellows" else None
        if begun is not None and begun.values is not None:
            settled = begun
        else:
            settled = self.engine.settle(goal, self.gap, known=self.values)
            if begun is not None:
                settled = replace(settled, bound=max(settled.bound, begun.bound))
        if settled.infeasible and settled.values is None and self.values is None:
            self.infeasible = True
        if settled.values is not None:
            self.values = settled.values
        if self.values is None:
            return
        objective = float(goal.weights @ self.values[: goal.weights.size])
        bound = max(min(settled.bound, objective), goal.floor)
        reached = Reached(
            name=goal.name,
            objective=objective * goal.unit,
            bound=bound * goal.unit,
            work=settled.work,
            limit=settled.limit,
            evidence="arithmetic" if goal.unit > 0 and bound <= goal.floor else "solver",
        )
        self.note(reached)
        self.engine.keep(goal, objective + SLACK * max(abs(objective), goal.scale or 0.0))

    def note(self, reached: Reached) -> None:
        """Remember and tell what a tier reached."""
        self.reached.append(reached)
        self.report(reached.name, reached.objective, reached.bound)

    def value_goal(self) -> Goal:
        """Most of the policy's value."""
        weights = -self.model.value_goal()
        return Goal(name="value", weights=weights, unit=-1.0, floor=-self.model.most_value())

    def weighted_goal(self) -> Goal:
        """Most of the weighted mean of what the tiers attain, each as a share of all there is."""
        rules, program = self.problem.rules, self.model.program
        weights = np.zeros(program.columns)
        groups, fellows, value = (float(rules.part(each)) for each in Tier)
        weights[self.one] = -(groups + fellows)
        if self.fair is not None:
            weights += self.fair.lacking(groups, fellows)
        most = self.model.most_value()
        if most > 0.0:
            weights -= value / most * self.model.value_goal()
        else:
            weights[self.one] -= value
        return Goal(name="weighted", weights=weights, unit=-1.0, floor=-1.0)

    def selection(self) -> Selection:
        """Read the last solution."""
        problem, extent = self.problem, self.model.extent
        if self.values is None:
            return Selection(
                funded=np.zeros(problem.requests, dtype=np.bool_),
                least=np.zeros(problem.requests, dtype=np.int64),
                fluid=np.zeros((0, 4), dtype=np.int64),
                tiers=tuple(self.reached),
                infeasible=self.infeasible,
                search=self,
            )
        funded = enough(self.model, self.values)
        least = np.ceil(extent.low * problem.ask - 1e-6).astype(np.int64)
        least = np.where(extent.counted, np.minimum(least, problem.ask), 0)
        return Selection(
            funded=funded,
            least=np.where(funded, least, 0),
            fluid=self.model.fluid(self.values, funded),
            tiers=tuple(self.reached),
            search=self,
        )
