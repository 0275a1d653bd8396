"""Integral: the tiers of a small round once more, on whole gang-hours instead of fluid hours.

Where supply is a few gang-hours, fluid hours say little about what whole ones can reach: the plan
loses in the rounding what the bound knows nothing of. There the rules of a plan fit into one
integer program, and every tier is improved and bounded on plans as they really are: by CP-SAT,
what that leaves open by a code that branches and cuts (`solver.mixed`), the rest by CP-SAT again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from ortools.sat.python import cp_model

from solver.audit import is_lawful, kept_amounts
from solver.budget import Budget
from solver.fluid.merging import reach
from solver.integer_aims import IntegerAim, aims_of, excess
from solver.leftover import use_leftover
from solver.mixed import as_program
from solver.placing.arrange import WORKERS, Arrangement, Task, repeating_solver
from solver.placing.board import buckets, caps, floors, free_supply, holdings, in_order
from solver.plan import NO_CELLS, Entitlement, Limit, per_fellow, received
from solver.problem import NOBODY, BoolArray, FloatArray, IntArray, Problem
from solver.select import Reached
from solver.stages import SHORTFALLS, exact_objectives, scales
from solver.tiers.program import Effort
from solver.worth import merit_points

SMALL = 1_000
"""Places (request, pool, slot) up to which a round is small."""
EFFORT = 1.5
"""CP-SAT's deterministic time for all tiers together; some twenty seconds of a core at most."""
FIRST = 0.25
"""Part of it before the code that branches and cuts; the rest is for what that leaves open."""
NODES = 1_000_000
"""Nodes times columns of a search by the code that branches and cuts."""
NEAR = 2.5e-4
"""Relative gap at which it may stop."""
ROUGH = 1e-9
"""Relative error of its bounds."""
UNITS_OF_WORK = 20
"""Linear programs or nodes that count as a second of it, where work is limited."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Integral:
    """A plan and what its tiers reach of what whole gang-hours can.

    Attributes:
        cells: ``(n, 4)`` request, pool, slot, whole GPU-hours.
        lowest: smallest share of the entitlement, at most 1, that a funded fellow gets.
    """

    cells: IntArray
    tiers: tuple[Reached, ...]
    lowest: float


class _Code(NamedTuple):
    """Limits of the code that branches and cuts, and what gaps are measured against at least."""

    effort: Effort
    scale: dict[str, float]

    def near(self, aim: IntegerAim, reached: int) -> float:
        """Return the difference from which on an aim is settled, in steps of its integer."""
        size = max(abs(aim.read(reached)), self.scale[aim.name])
        return NEAR * size / float(abs(aim.unit))


def is_small(problem: Problem) -> bool:
    """Return whether the whole round fits into one integer program that is solved in seconds."""
    lengths = problem.end - problem.first
    places = (lengths * (problem.speed > 0).sum(axis=1))[problem.eligible].sum()
    return int(places) <= SMALL and not problem.previous.size


def improve(  # noqa: PLR0913 - options by name
    problem: Problem,
    entitlement: Entitlement | None,
    cells: IntArray,
    *,
    effort: float,
    seed: int,
    budget: Budget | None = None,
    near: Collection[str] = (),
) -> Integral | None:
    """Improve a plan tier after tier and bound each tier by what whole gang-hours can reach.

    Without a plan to begin with it looks for one.

    Args:
        problem: a small round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        cells: ``(n, 4)`` of a plan that keeps every rule, or none where none is known.
        effort: CP-SAT's deterministic time for all tiers together.
        seed: of its search.
        budget: what the code that branches and cuts may still spend.
        near: the first tiers, in which the plan is near enough as it is.

    Returns:
        A plan that is no worse in those and the tier after them, figures and bounds of the others;
        None when a tier was not worked out, or none is left.
    """
    model = Arrangement(_task(problem, entitlement))
    aims = list(aims_of(model, entitlement))
    if cells.size:
        known = exact_objectives(problem, entitlement, cells)
        for aim in aims[: len(near) + 1]:
            model.cp.add(aim.least <= ceil(known[aim.name] / aim.unit) + aim.loose)
    aims = aims[len(near) :]
    code = _Code(Effort(seed=seed, budget=budget or Budget()), scales(entitlement))
    search = _search(model, aims, cells, effort=effort, seed=seed, code=code)
    if not search.bounds or len(search.bounds) < len(aims):
        return None
    cells = use_leftover(problem, entitlement, search.cells)
    if not is_lawful(problem, cells):
        return None
    tiers = tuple(_reached(problem, entitlement, cells, search.bounds))
    return Integral(cells=cells, tiers=tiers, lowest=lowest_share(problem, entitlement, cells))


class Part(NamedTuple):
    """A few requests of a plan, and how far the groups may fall short without anybody minding.

    Attributes:
        members: ``(k,)`` indices; nobody in a chain.
        enough: share of its entitlement that a group may lack.
    """

    members: IntArray
    enough: float


def improve_part(  # noqa: PLR0913 - options by name
    problem: Problem,
    entitlement: Entitlement | None,
    cells: IntArray,
    part: Part,
    *,
    effort: float,
    seed: int,
) -> tuple[IntArray, float]:
    """Place a few requests anew, all others fixed, tier after tier; return the cells and the work.

    Where groups count, what they lack together beyond `Part.enough` comes after the largest
    shortfall of one, which does not tell that the second largest became less.

    Args:
        problem: the round.
        entitlement: what groups and fellows hold by right; None without fairness tiers.
        cells: ``(n, 4)`` of a plan that keeps every rule.
        part: who is placed anew.
        effort: CP-SAT's deterministic time for all tiers together.
        seed: of its search.
    """
    inside = np.isin(cells[:, 0], part.members)
    fixed = cells[~inside]
    model = Arrangement(_part_task(problem, entitlement, fixed, part.members))
    aims = list(aims_of(model, entitlement, fixed))
    if aims and aims[0].name == "groups":
        aims.insert(1, excess(model, part.enough))
    search = _search(model, aims, cells[inside], effort=effort, seed=seed, workers=1)
    return in_order(np.concatenate([fixed, search.cells])), search.work


class _Searched(NamedTuple):
    """The cells of the members, a bound of each aim and whether it is the last word, the work."""

    cells: IntArray
    bounds: list[tuple[IntegerAim, float, bool]]
    work: float


class _Known(NamedTuple):
    """A solution of a model, and a bound of its objective: whole numbers."""

    solution: list[int]
    objective: int
    bound: int

    def with_bound(self, bound: int) -> "_Known":
        """Return the same with the better of both bounds."""
        return self._replace(bound=min(max(self.bound, bound), self.objective))


def _search(  # noqa: PLR0913 - options by name
    model: Arrangement,
    aims: list[IntegerAim],
    cells: IntArray,
    *,
    effort: float,
    seed: int,
    workers: int = WORKERS,
    code: _Code | None = None,
) -> _Searched:
    """Improve one aim after another, each kept from then on, while something is found."""
    if aims and cells.size:
        _hint(model, cells)
    bounds: list[tuple[IntegerAim, float, bool]] = []
    work = 0.0
    for aim in aims:
        share = effort / len(aims)
        model.cp.minimize(aim.least)
        first = repeating_solver(seed, share if code is None else share * FIRST, workers)
        found, spent = _solved(model, first)
        work += spent
        if code is not None and (found is None or found.bound < found.objective):
            longer = repeating_solver(seed, share * (1.0 - FIRST), workers)
            found, spent = _together(model, aim, found, code, longer)
            work += spent
        if found is None:
            break
        cells = model.cells(found.solution)
        _hint(model, cells)
        model.cp.add(aim.least <= _kept(aim, found, code))
        least = aim.read(found.bound - aim.loose)
        bounds.append((aim, least, found.bound >= found.objective))
    return _Searched(cells=cells, bounds=bounds, work=work)


def _kept(aim: IntegerAim, found: _Known, code: _Code | None) -> int:
    """Return what an aim may be at most from then on: what was found, or what is as near.

    What an aim reaches beyond that by chance would cost the next one much.
    """
    if code is None or found.bound >= found.objective:
        return found.objective
    return max(found.objective, found.bound + floor(code.near(aim, found.objective)))


def _solved(model: Arrangement, solver: cp_model.CpSolver) -> tuple[_Known | None, float]:
    """Return what CP-SAT found, and the deterministic time it took."""
    status, work = solver.solve(model.cp), solver.response_proto.deterministic_time
    if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None, work
    objective = round(solver.objective_value)
    bound = min(ceil(solver.best_objective_bound - 1e-6), objective)
    return _Known(list(solver.response_proto.solution), objective, bound), work


def _together(
    model: Arrangement,
    aim: IntegerAim,
    known: _Known | None,
    code: _Code,
    solver: cp_model.CpSolver,
) -> tuple[_Known | None, float]:
    """Branch and cut from what is known on; what that leaves open CP-SAT is asked once more."""
    if known is not None:
        known = _branched(model, aim, known, code)
        if known.objective - known.bound <= code.near(aim, known.objective):
            return known, 0.0
        _hint(model, model.cells(known.solution))
    found, work = _solved(model, solver)
    if known is None or found is None:
        return found or known, work
    best = found if found.objective < known.objective else known
    return best.with_bound(max(found.bound, known.bound)), work


def _branched(model: Arrangement, aim: IntegerAim, known: _Known, code: _Code) -> _Known:
    """Return what the code that branches and cuts makes of a solution and its bound.

    What it finds is taken in whole numbers and worked out by CP-SAT once more.
    """
    counts = {part.gangs.index for parts in model.parts.values() for part in parts}
    mixed = as_program(model.cp, counts)
    nodes = max(NODES // mixed.program.columns, 1)
    effort = replace(code.effort, gap=code.near(aim, known.objective), nodes=nodes)
    answer = mixed.minimise(np.array(known.solution, dtype=np.float64), effort)
    if answer.values is not None:
        better = _made_exact(model, np.rint(answer.values), mixed.whole)
        if better is not None and better.objective < known.objective:
            known = better._replace(bound=min(known.bound, better.objective))
    if np.isfinite(answer.bound):
        trifle = max(1e-6, ROUGH * abs(answer.bound))
        known = known.with_bound(ceil(answer.bound - trifle))
    return known


def _made_exact(model: Arrangement, values: FloatArray, whole: BoolArray) -> _Known | None:
    """Return the solution with these counts and choices, None where they keep not every rule."""
    model.cp.clear_hints()  # type: ignore[no-untyped-call]  # ortools has no types here
    for index in np.flatnonzero(whole).tolist():
        variable = model.cp.get_int_var_from_proto_index(index)
        model.cp.add_hint(variable, int(values[index]))
    solver = repeating_solver(0, 1.0, 1)
    solver.parameters.fix_variables_to_their_hinted_value = True
    found, _ = _solved(model, solver)
    return found


def is_impossible(problem: Problem, *, effort: float, seed: int) -> tuple[bool, float]:
    """Return whether it is proved that no plan of whole gang-hours keeps every rule, and the work.

    Args:
        problem: a small round.
        effort: CP-SAT's deterministic time.
        seed: of its search.
    """
    model, solver = Arrangement(_task(problem, None)), repeating_solver(seed, effort)
    proved = solver.solve(model.cp) == cp_model.INFEASIBLE
    return proved, solver.response_proto.deterministic_time


def _task(problem: Problem, entitlement: Entitlement | None) -> Task:
    """Return the task of arranging everyone who may be funded, anywhere."""
    members = np.flatnonzero(problem.eligible & (problem.ask > 0) & (problem.speed > 0).any(axis=1))
    kept = kept_amounts(problem)
    nobody = np.zeros(floors(problem).size, dtype=np.int64)
    return Task(
        problem=problem,
        members=members,
        windows=np.stack([problem.first, problem.end], axis=1),
        pools=problem.speed > 0,
        chained=True,
        need=np.maximum(np.maximum(problem.minimum, kept), 1),
        goal=problem.ask,
        free=free_supply(problem, NO_CELLS),
        reserved=np.zeros_like(problem.supply),
        cap=caps(problem),
        floor=_floors_in_reach(problem),
        target=nobody if entitlement is None else _due(problem, entitlement),
        held=nobody,
        merit=merit_points(problem),
        fellow_merit=np.ones(problem.fellows, dtype=np.int64),
        keep=NO_CELLS,
        must=problem.must_fund | (kept > 0),
    )


def _part_task(
    problem: Problem, entitlement: Entitlement | None, fixed: IntArray, members: IntArray
) -> Task:
    """Return the task of arranging some beside what is fixed."""
    return replace(
        _task(problem, entitlement),
        members=members,
        free=free_supply(problem, fixed),
        held=holdings(problem, fixed),
    )


def _floors_in_reach(problem: Problem) -> IntArray:
    """Return ``(b,)`` floors, no more than what the holder's requests can take."""
    can = np.zeros(floors(problem).size, dtype=np.int64)
    most = reach(problem)
    for column in buckets(problem).T:
        member = column != NOBODY
        np.add.at(can, column[member], most[member])
    return np.minimum(floors(problem), can)


def _due(problem: Problem, entitlement: Entitlement) -> IntArray:
    """Return ``(b,)`` entitlements of fellows and groups."""
    due = np.zeros(floors(problem).size, dtype=np.int64)
    due[: problem.fellows] = entitlement.fellows
    due[problem.fellows : problem.fellows + problem.groups] = entitlement.groups
    return due


def _hint(model: Arrangement, cells: IntArray) -> None:
    """Let the search begin at a plan that keeps every rule.

    A hint in a model without solutions ends the process: CP-SAT 9.15 with interleaved workers,
    "Check failed: heuristics.fixed_search".
    """
    hours = {(r, p, t): each for r, p, t, each in cells.tolist()}
    served = {request for request, _, _ in hours}
    model.cp.clear_hints()  # type: ignore[no-untyped-call]  # ortools has no types here
    for request, parts in model.parts.items():
        model.cp.add_hint(model.served[request], request in served)
        for part in parts:
            lying = min(hours.get((request, part.pool, slot), 0) for slot in part.slots)
            model.cp.add_hint(part.gangs, lying // part.hours)


def _reached(
    problem: Problem,
    entitlement: Entitlement | None,
    cells: IntArray,
    bounds: list[tuple[IntegerAim, float, bool]],
) -> Iterator[Reached]:
    """Set what the plan reaches against the bounds."""
    found = exact_objectives(problem, entitlement, cells)
    for aim, bound, proved in bounds:
        nothing = aim.name in SHORTFALLS and bound <= 0.0
        yield Reached(
            name=aim.name,
            objective=float(found[aim.name]),
            bound=max(bound, 0.0),
            work=1,
            limit=Limit.NONE if proved else Limit.WORK,
            evidence="arithmetic" if nothing else "solver",
        )


def lowest_share(problem: Problem, entitlement: Entitlement | None, cells: IntArray) -> float:
    """Return the smallest share of the entitlement that a funded fellow gets, at most 1."""
    if entitlement is None:
        return 1.0
    held, due = per_fellow(problem, received(problem, cells)), entitlement.fellows
    funded = np.zeros(problem.fellows, dtype=np.bool_)
    funded[problem.fellow[cells[:, 0]]] = True
    counts = funded & (due > 0)
    return float((held[counts] / due[counts]).min(initial=1.0))
