"""A whole round as one writes it down first: one integer program, given to plain solvers as it is.

No merging of slots or requests, no cuts, no starts, no search of our own: gang-hours of each
request in each pool and slot are whole numbers, being funded is a yes or no, and the tiers are
solved one after the other, each keeping what the ones before reached. Entitlements are given. Every
column and coefficient is a whole number, so that CP-SAT and MathOpt get the same program.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt
from ortools.math_opt.solvers.gscip import gscip_pb2
from ortools.sat.python import cp_model

from solver.entitle import fellow_weights
from solver.pipeline import GAP
from solver.placing.board import most_hours
from solver.problem import MILLI, NO_CAP, NOBODY, Shape, Tier
from solver.stages import mean_one_weights

PARTS = 10**6
"""What a share of an entitlement is counted in."""
EASE = 1e-7
"""Part by which a tier may slip below what was reached, for codes that reckon in floating point."""
WORKERS = 8
"""CP-SAT's own advice; two workers found no plan where eight did on the same two cores."""
MOST = 2**62


@dataclass(frozen=True)
class Goal:
    """What a tier wants least of.

    Attributes:
        unit: what one of the weighted sum is in the tier's own unit.
        near: absolute gap from which on the tier counts as proved; 0: a relative one.
    """

    name: str
    columns: np.ndarray
    weights: np.ndarray
    unit: float
    near: float = 0.0


@dataclass
class Textbook:
    """The program: columns with bounds, rows, goals, and where each cell's column stands."""

    lower: list[int] = field(default_factory=list)
    upper: list[int] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[tuple[np.ndarray, np.ndarray, int, int]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    cells: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Column, request, pool, slot, GPU-hours a step."""

    def column(self, upper, *, lower=0, whole=True):
        """Add a column and return its number."""
        self.lower.append(int(lower))
        self.upper.append(int(upper))
        self.whole.append(whole)
        return len(self.lower) - 1

    def row(self, terms, *, least=-MOST, most=MOST):
        """Add a row of (column, coefficient) pairs."""
        columns, weights = zip(*terms, strict=True)
        self.rows.append((np.array(columns), np.array(weights, dtype=np.int64), least, most))

    def plan(self, values):
        """Return the cells of a solution."""
        found = [
            (request, pool, slot, round(values[column]) * hours)
            for column, request, pool, slot, hours in self.cells
            if round(values[column]) > 0
        ]
        return np.array(sorted(found), dtype=np.int64).reshape(-1, 4)


def textbook(problem, entitlement):
    """Return the program of a round whose requests are flexible or constant.

    Raises:
        ValueError: If the round has rules that this formulation does not know.
    """
    unknown = (problem.shape == Shape.BLOCK).any() or (problem.after != NOBODY).any()
    limits = (problem.fellow_cap, problem.group_cap, problem.institute_cap, problem.track_cap)
    floors = (problem.group_floor, problem.institute_floor, problem.track_floor)
    if unknown or any((c != NO_CAP).any() for c in limits) or any(f.any() for f in floors):
        raise ValueError("Blocks, precedence, floors and caps are not in the textbook.")
    if problem.previous.size:
        raise ValueError("Rounds that stay near a previous plan are not in the textbook.")
    book = Textbook()
    writer = _Writer(problem, book)
    for request in range(problem.requests):
        writer.request(request)
    writer.supply()
    for tier in problem.rules.tiers:
        if tier is Tier.VALUE:
            writer.value()
        elif tier is Tier.GROUPS:
            writer.groups(entitlement.groups)
        else:
            writer.fellows(entitlement.fellows)
    return book


class _Writer:
    """One method a rule."""

    def __init__(self, problem, book):
        self.problem, self.book = problem, book
        self.units = [[] for _ in range(problem.requests)]
        """(column, thousandths of a service unit a step) of each request."""
        self.award = [0] * problem.requests
        self.free = problem.supply // MILLI
        self.limit = most_hours(problem)
        self.load = {}

    def request(self, r):
        """Hours by pool and slot; nothing, or from the minimum to a gang-hour over the ask."""
        problem, book = self.problem, self.book
        funded = book.column(int(problem.eligible[r]), lower=int(problem.must_fund[r]))
        pools = np.flatnonzero(problem.speed[r]).tolist()
        reference = {p: self._hours(r, p) for p in pools}
        ask, least = int(problem.ask[r]), max(int(problem.minimum[r]), 1)
        self.award[r] = book.column(ask, whole=False)
        total = [(c, h * int(problem.speed[r, p])) for p in pools for c, h in reference[p]]
        if not total:
            book.row([(funded, 1)], most=0)
            return
        book.row([*total, (funded, -least)], least=0)
        book.row([*total, (self.award[r], -1)], least=0)
        book.row([(self.award[r], 1), (funded, -ask)], most=0)
        for speed in {int(problem.speed[r, p]) for p in pools}:
            over = ask + self._step(r) * speed - 1
            part = [
                (c, h * min(int(problem.speed[r, p]), speed))
                for p in pools
                for c, h in reference[p]
            ]
            book.row([*part, (funded, -over)], most=0)
        if problem.single_pool[r] and len(pools) > 1:
            self._choose(reference, funded)

    def _step(self, r):
        """Return GPU-hours that one step takes in all: of a constant, a gang over its window."""
        problem = self.problem
        if problem.shape[r] != Shape.CONSTANT:
            return int(problem.gang[r])
        slots = int(problem.end[r] - problem.first[r])
        return int(problem.gang[r]) * problem.slot_hours // MILLI * slots

    def _hours(self, r, p):
        """Add the steps of a request in a pool; return columns and GPU-hours a step."""
        problem, book = self.problem, self.book
        slots = range(int(problem.first[r]), int(problem.end[r]))
        constant = problem.shape[r] == Shape.CONSTANT
        each = self._step(r) // (len(slots) if constant else 1)
        found = []
        for t in slots[:1] if constant else slots:
            there = slots if constant else (t,)
            room = min(int(self.limit[r]), *(int(self.free[p, s]) for s in there))
            if room < each:
                continue
            column = book.column(room // each)
            for s in there:
                book.cells.append((column, r, p, s, each))
                self.load.setdefault((p, s), []).append((column, each))
            hours = each * len(there)
            found.append((column, hours))
            self.units[r].append((column, hours * int(problem.factor[r, p])))
        return found

    def _choose(self, reference, funded):
        """A request of a single pool picks it."""
        book, chosen = self.book, []
        for columns in reference.values():
            pick = book.column(1)
            chosen.append((pick, 1))
            for column, _ in columns:
                book.row([(column, 1), (pick, -book.upper[column])], most=0)
        book.row([*chosen, (funded, -1)], most=0, least=0)

    def supply(self):
        """No pool gives more than it has; nobody runs on more GPUs at once than allowed."""
        for (p, t), terms in self.load.items():
            self.book.row(terms, most=int(self.free[p, t]))
        slots = {}
        for column, r, p, t, hours in self.book.cells:
            slots.setdefault((r, t), {})[p] = (column, hours)
        for (r, _), terms in slots.items():
            if len(terms) > 1:
                self.book.row(list(terms.values()), most=int(self.limit[r]))

    def groups(self, due):
        """The largest part of an entitlement that a group lacks; then what all lack together."""
        worst, lacks = self.book.column(PARTS, whole=False), []
        for group in np.flatnonzero(due > 0).tolist():
            owed = int(due[group])
            mine = np.flatnonzero(self.problem.group == group).tolist()
            terms = [term for r in mine for term in self.units[r]]
            lack = self.book.column(owed, whole=False)
            lacks.append(lack)
            self.book.row([*terms, (lack, 1)], least=owed)
            self.book.row([(lack, PARTS), (worst, -owed)], most=0)
        ones = np.ones(len(lacks), dtype=np.int64)
        self.book.goals.append(
            Goal("groups", np.array([worst]), np.array([1]), 1 / PARTS, GAP * PARTS)
        )
        near = GAP * float(due.sum())
        self.book.goals.append(Goal("groups_total", np.array(lacks), ones, 1 / MILLI, near))

    def fellows(self, due):
        """What fellows lack, weighted by merit."""
        weights, scaled = fellow_weights(self.problem).tolist(), mean_one_weights(self.problem)
        lacks, heavy, unit = [], [], 0.0
        for fellow in np.flatnonzero(due > 0).tolist():
            mine = np.flatnonzero(self.problem.fellow == fellow).tolist()
            terms = [term for r in mine for term in self.units[r]]
            lack = self.book.column(int(due[fellow]), whole=False)
            self.book.row([*terms, (lack, 1)], least=int(due[fellow]))
            lacks.append(lack)
            heavy.append(weights[fellow])
            unit = float(scaled[fellow]) / weights[fellow] / MILLI
        near = GAP * float(due.sum()) * float(np.mean(heavy))
        self.book.goals.append(Goal("fellows", np.array(lacks), np.array(heavy), unit, near))

    def value(self):
        """Most score times reference hours."""
        unit = -1 / MILLI**2
        self.book.goals.append(Goal("value", np.array(self.award), -self.problem.score, unit))


@dataclass
class Found:
    """The last solution, and name, objective and bound of each tier in its own unit."""

    values: np.ndarray | None = None
    tiers: list[tuple[str, float, float]] = field(default_factory=list)

    def note(self, goal, objective, bound):
        """Remember what a tier reached."""
        self.tiers.append((goal.name, objective * goal.unit, bound * goal.unit))


def by_mathopt(book, solver, seconds, *, stretch):
    """Solve tier after tier with a code of MathOpt; `stretch` is wall seconds per CPU second."""
    found, spent = Found(), time.process_time()
    kept = list(book.rows)
    for at, goal in enumerate(book.goals):
        left = seconds - (time.process_time() - spent)
        part = max(left / (len(book.goals) - at), 0.1)
        model = mathopt.Model.from_model_proto(_proto(book, kept, goal))
        hints = []
        if found.values is not None:
            known = zip(model.variables(), found.values.tolist(), strict=True)
            hints = [mathopt.SolutionHint(variable_values=dict(known))]
        result = mathopt.solve(
            model,
            solver,
            params=_parameters(solver, goal, part, stretch),
            model_params=mathopt.ModelSolveParameters(solution_hints=hints),
        )
        bound = result.termination.objective_bounds.dual_bound * size_of(goal)
        if not result.has_primal_feasible_solution():
            if found.values is None:
                return found
            objective = float(goal.weights @ found.values[goal.columns])
        else:
            values = result.variable_values()
            found.values = np.array([values[each] for each in model.variables()])
            objective = result.objective_value() * size_of(goal)
        found.note(goal, objective, bound)
        most = int(np.ceil(objective + EASE * max(abs(objective), 1.0)))
        kept.append((goal.columns, goal.weights, -MOST, most))
    return found


def size_of(goal):
    """Return what a goal's coefficients are divided by for codes that reckon in floating point."""
    return float(np.abs(goal.weights).max())


def _parameters(solver, goal, part, stretch):
    """Return the limit in CPU seconds, and our own gap; HiGHS knows no clock but the wall's."""
    gap = {
        "relative_gap_tolerance": 0.0 if goal.near else GAP,
        "absolute_gap_tolerance": goal.near / size_of(goal),
    }
    if solver is mathopt.SolverType.HIGHS:
        return mathopt.SolveParameters(time_limit=timedelta(seconds=part * stretch), **gap)
    cpu = gscip_pb2.GScipParameters()
    cpu.int_params["timing/clocktype"] = 1
    limit = timedelta(seconds=part)
    return mathopt.SolveParameters(time_limit=limit, gscip=cpu, threads=1, **gap)


def _proto(book, rows, goal):
    """Write the program for MathOpt, each row divided by its largest coefficient."""
    proto = model_pb2.ModelProto()
    count = len(book.lower)
    proto.variables.ids.extend(range(count))
    proto.variables.lower_bounds.extend(map(float, book.lower))
    proto.variables.upper_bounds.extend(map(float, book.upper))
    proto.variables.integers.extend(book.whole)
    order = np.argsort(goal.columns)
    proto.objective.linear_coefficients.ids.extend(goal.columns[order].tolist())
    proto.objective.linear_coefficients.values.extend(
        (goal.weights[order] / size_of(goal)).tolist()
    )
    proto.linear_constraints.ids.extend(range(len(rows)))
    matrix = proto.linear_constraint_matrix
    for number, (columns, weights, least, most) in enumerate(rows):
        size, order = float(np.abs(weights).max()), np.argsort(columns)
        bounds = [
            -np.inf if least == -MOST else least / size,
            np.inf if most == MOST else most / size,
        ]
        proto.linear_constraints.lower_bounds.append(bounds[0])
        proto.linear_constraints.upper_bounds.append(bounds[1])
        matrix.row_ids.extend([number] * columns.size)
        matrix.column_ids.extend(columns[order].tolist())
        matrix.coefficients.extend((weights[order] / size).tolist())
    return proto


def by_cpsat(book, seconds):
    """Solve tier after tier with CP-SAT; a tier is stopped when its CPU time is spent."""
    model = cp_model.CpModel()
    columns = [
        model.new_int_var(low, high, "") for low, high in zip(book.lower, book.upper, strict=True)
    ]
    for where, weights, least, most in book.rows:
        terms = cp_model.LinearExpr.weighted_sum([columns[c] for c in where], weights.tolist())
        model.add_linear_constraint(terms, least, most)
    found, spent = Found(), time.process_time()
    for at, goal in enumerate(book.goals):
        left = seconds - (time.process_time() - spent)
        part = max(left / (len(book.goals) - at), 0.1)
        terms = cp_model.LinearExpr.weighted_sum(
            [columns[c] for c in goal.columns], goal.weights.tolist()
        )
        model.minimize(terms)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = WORKERS
        solver.parameters.random_seed = 0
        solver.parameters.absolute_gap_limit = goal.near
        solver.parameters.relative_gap_limit = 0.0 if goal.near else GAP
        status = _stopped_in_time(solver, model, part)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            if found.values is None:
                return found
            found.note(goal, float(goal.weights @ found.values[goal.columns]), -np.inf)
            continue
        found.values = np.array([solver.value(each) for each in columns], dtype=float)
        found.note(goal, solver.objective_value, solver.best_objective_bound)
        model.add(terms <= round(solver.objective_value))
        model.clear_hints()
        for column, value in zip(columns, found.values.tolist(), strict=True):
            model.add_hint(column, round(value))
    return found


def _stopped_in_time(solver, model, seconds):
    """Solve, and stop when the process has spent so many CPU seconds."""
    done = threading.Event()

    def watch():
        until = time.process_time() + seconds
        while not done.wait(0.2):
            if time.process_time() > until:
                solver.stop_search()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return solver.solve(model)
    finally:
        done.set()
        watcher.join()
