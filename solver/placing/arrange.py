"""Arrange: requests placed by CP-SAT, any shape, in whole gang-hours; deterministic by work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple, TypeAlias

import numpy as np
from ortools.sat.python import cp_model

from solver.placing.board import OPEN, buckets, in_order, most_hours
from solver.placing.placement import most_gpus, whole_step
from solver.plan import NO_CELLS
from solver.problem import MILLI, NOBODY, BoolArray, IntArray, Problem, Shape, Unit

Expression: TypeAlias = cp_model.LinearExpr | cp_model.IntVar | int
WORKERS = 8
"""Searches that CP-SAT interleaves on one thread; a fixed number, so that solves repeat."""
HUNG = 60.0
"""Seconds on the clock, for each of deterministic time and once more, after which a search that
should have ended long ago is given up; what it found is kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """What is to be arranged.

    Attributes:
        members: ``(k,)`` request indices; others do not appear.
        windows: ``(r, 2)`` slots to use; pools: ``(r, p)`` pools to use.
        chained: whether predecessors are modelled; else the windows keep them apart.
        need: ``(r,)`` thousandths of reference hours of who is served; goal: what is aimed at.
        free: ``(p, t)`` whole GPU-hours for the members.
        reserved: ``(p, t)`` those of them that others would like to keep.
        cap, floor: ``(b,)`` what the buckets may and have to hold.
        target: ``(b,)`` what the tiers want them to hold; empty to aim at the goals only.
        held: ``(b,)`` what they hold without the members.
        merit: ``(r,)`` value of a thousandth of a reference hour.
        fellow_merit: ``(f,)`` integer weight of a fellow's shortfall.
        keep: ``(n, 4)`` cells that are best left as they are.
        must: ``(r,)`` who may not be left out.
    """

    problem: Problem
    members: IntArray
    windows: IntArray
    pools: BoolArray
    chained: bool
    need: IntArray
    goal: IntArray
    free: IntArray
    reserved: IntArray
    cap: IntArray
    floor: IntArray
    target: IntArray
    held: IntArray
    merit: IntArray
    fellow_merit: IntArray
    keep: IntArray
    must: BoolArray


class Part(NamedTuple):
    """A count of gangs, at most so many, and the GPU-hours one takes in one slot of a pool."""

    request: int
    pool: int
    slots: range
    gangs: cp_model.IntVar
    most: int
    hours: int


def arrange(
    task: Task, *, seed: int = 0, work_limit: float = 20.0, workers: int = WORKERS
) -> IntArray | None:
    """Place the members, lexicographically: leave nobody out, move little, lose little.

    Args:
        task: who, where and what for.
        seed: of the search.
        work_limit: CP-SAT's deterministic time for all goals together.
        workers: searches that are interleaved on one thread.

    Returns:
        ``(n, 4)`` sorted cells of those served, or None when nothing was found in the limit.
    """
    model = Arrangement(task)
    goals = model.goals()
    cells: IntArray | None = None
    for goal in goals:
        solver = repeating_solver(seed, work_limit / len(goals), workers)
        model.cp.minimize(goal)
        status = solver.solve(model.cp)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return cells
        cells = model.cells(solver.response_proto.solution)
        model.cp.clear_hints()  # type: ignore[no-untyped-call]  # ortools has no types here
        for index, value in enumerate(solver.response_proto.solution):
            model.cp.add_hint(model.cp.get_int_var_from_proto_index(index), value)
        model.cp.add(goal <= round(solver.objective_value))
    return cells


def repeating_solver(seed: int, work_limit: float, workers: int = WORKERS) -> cp_model.CpSolver:
    """Return a solver that repeats exactly.

    Probing between decisions is left out: on some small models, all solved but for one of the
    interleaved searches, that one went on for ever without any deterministic time passing
    (`tests/unit/test_integral.py` has one). So is the search by cores of the goal, which sums of
    wide integers are nothing for: where all others were done it went on for half a minute.
    """
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed
    solver.parameters.num_workers = workers
    solver.parameters.interleave_search = True
    solver.parameters.max_deterministic_time = work_limit
    solver.parameters.max_time_in_seconds = HUNG * (1 + work_limit)
    solver.parameters.inprocessing_probing_dtime = 0.0
    solver.parameters.ignore_subsolvers.extend(["core"])
    return solver


class Arrangement:
    """The rules of a plan for the members, one method each."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.problem = task.problem
        self.cp = cp_model.CpModel()
        self.buckets = buckets(task.problem)
        self.members: list[int] = task.members.tolist()
        self.served: dict[int, cp_model.IntVar] = {}
        self.parts: dict[int, list[Part]] = {}
        self.early: dict[int, list[cp_model.IntVar]] = {}
        for request in self.members:
            self.served[request] = self.cp.new_bool_var("")
            if task.must[request]:
                self.cp.add(self.served[request] == 1)
            self.parts[request] = self._parts(request)
        self.total = {request: self._total(request) for request in self.members}
        self.award = {request: self._award(request) for request in self.members}
        for request in self.members:
            self.minimum_or_nothing(request)
            self.at_most_one_gang_hour_past_the_ask(request)
            self.most_gpus_at_once(request)
            self.one_pool(request)
        self.after_the_predecessor()
        self.within_supply()
        self.held = {bucket: self._held(bucket) for bucket in self._buckets_in_use()}
        self.caps_and_floors()

    def _parts(self, request: int) -> list[Part]:
        """Return the counts that make up a request, by its shape."""
        problem, task = self.problem, self.task
        pools = np.nonzero(task.pools[request] & (problem.speed[request] > 0))[0].tolist()
        slots = range(*task.windows[request].tolist())
        if problem.shape[request] == Shape.FLEXIBLE:
            gang = int(problem.gang[request])
            limit = int(most_hours(problem)[request])
            spans = [range(slot, slot + 1) for slot in slots]
            most = {pool: min(limit // gang, self._most_gangs(request, pool)) for pool in pools}
            hours = gang
        else:
            whole = range(int(problem.first[request]), int(problem.end[request]))
            length = int(problem.block_slots[request]) or len(whole)
            spans = [
                range(start, start + length)
                for start in slots
                if start + length <= slots.stop and len(whole) >= length
            ]
            step = whole_step(problem, request)
            most = {pool: most_gpus(problem, request, pool, length) // step for pool in pools}
            hours = step * problem.slot_hours // MILLI
        parts = [
            self._part(request, pool, span, most[pool], hours)
            for pool, span in product(pools, spans)
        ]
        if problem.shape[request] == Shape.BLOCK:
            self._one_start(request, parts)
        return parts

    def _most_gangs(self, request: int, pool: int) -> int:
        """Return the gang-hours of a pool that do not pass the ask, and one more."""
        gang_hour = int(self.problem.gang[request] * self.problem.speed[request, pool])
        return (int(self.problem.ask[request]) - 1) // gang_hour + 1

    def _part(self, request: int, pool: int, span: range, most: int, hours: int) -> Part:
        """Return a count of gangs, at most what is free."""
        free = int(self.task.free[pool, span.start : span.stop].min())
        limit = max(0, min(most, free // hours))
        return Part(request, pool, span, self.cp.new_int_var(0, limit, ""), limit, hours)

    def _one_start(self, request: int, parts: Sequence[Part]) -> None:
        """Let a block use one pool and start, and serve its need there."""
        need, chosen = max(1, int(self.task.need[request])), list[cp_model.IntVar]()
        for part in parts:
            worth = part.hours * len(part.slots) * int(self.problem.speed[request, part.pool])
            least = -(-need // worth)
            if least > part.most:
                self.cp.add(part.gangs == 0)
                continue
            chosen.append(self.cp.new_bool_var(""))
            self.cp.add(part.gangs >= least * chosen[-1])
            self.cp.add(part.gangs <= part.most * chosen[-1])
        self.cp.add(sum(chosen) == self.served[request])

    def _total(self, request: int) -> cp_model.LinearExpr:
        """Return thousandths of reference hours."""
        return self._worth(self.parts[request])

    def _worth(self, parts: Sequence[Part]) -> cp_model.LinearExpr:
        """Return thousandths of reference hours of some parts of a request."""
        speed = self.problem.speed
        return cp_model.LinearExpr.weighted_sum(
            [part.gangs for part in parts],
            [part.hours * len(part.slots) * int(speed[part.request, part.pool]) for part in parts],
        )

    def _award(self, request: int) -> cp_model.IntVar:
        """Return min(total, ask), or less where nothing is won by less.

        As two cases: over a `add_min_equality` of such sums CP-SAT 9.15 presolves for seconds.
        """
        ask, total = int(self.problem.ask[request]), self.total[request]
        award = self.cp.new_int_var(0, ask, "")
        self.cp.add(award <= total)
        self.cp.add(award <= ask * self.served[request])
        if self.problem.rules.unit is Unit.REFERENCE_HOURS:
            full = self.cp.new_bool_var("")
            self.cp.add(award == ask).only_enforce_if(full)
            self.cp.add(award >= total).only_enforce_if(~full)
        return award

    def minimum_or_nothing(self, request: int) -> None:
        """A request gets nothing, or what it needs and more."""
        served, need = self.served[request], max(1, int(self.task.need[request]))
        self.cp.add(self.total[request] >= need * served)
        for part in self.parts[request]:
            self.cp.add(part.gangs <= part.most * served)

    def at_most_one_gang_hour_past_the_ask(self, request: int) -> None:
        """The total is less than the ask plus one gang-hour on the fastest pool used.

        A block's counts go no further.
        """
        problem, served = self.problem, self.served[request]
        if problem.shape[request] == Shape.BLOCK:
            return
        past = {
            part.pool: int(problem.gang[request] * problem.speed[request, part.pool])
            for part in self.parts[request]
        }
        ask, total = int(problem.ask[request]), self.total[request]
        self.cp.add(total <= (ask - 1 + max(past.values(), default=0)) * served)
        if problem.single_pool[request] or len(set(past.values())) < 2:  # noqa: PLR2004
            return
        tops = {pool: self.cp.new_bool_var("") for pool in past}
        self.cp.add(sum(tops.values()) == served)
        for pool, top in tops.items():
            own = [part.gangs for part in self.parts[request] if part.pool == pool]
            self.cp.add(sum(own) >= top)
        room = sum(past[pool] * top for pool, top in tops.items())
        self.cp.add(total <= (ask - 1) * served + room)

    def most_gpus_at_once(self, request: int) -> None:
        """In no slot do all pools together give more than the most GPUs."""
        if self.problem.shape[request] == Shape.BLOCK:
            return
        limit = int(most_hours(self.problem)[request])
        by_slot: dict[int, list[Part]] = {}
        for part in self.parts[request]:
            by_slot.setdefault(part.slots.start, []).append(part)
        for parts in by_slot.values():
            if len(parts) > 1:
                self.cp.add(sum(part.gangs * part.hours for part in parts) <= limit)

    def one_pool(self, request: int) -> None:
        """A request that has to stay in one pool does, with its need there; a block does anyway."""
        pools = sorted({part.pool for part in self.parts[request]})
        if not self.problem.single_pool[request] or self.problem.shape[request] == Shape.BLOCK:
            return
        need, stays = max(1, int(self.task.need[request])), list[cp_model.IntVar]()
        for pool in pools:
            stays.append(self.cp.new_bool_var(""))
            parts = [part for part in self.parts[request] if part.pool == pool]
            gang_hour = int(self.problem.gang[request] * self.problem.speed[request, pool])
            total = self._worth(parts)
            self.cp.add(total >= need * stays[-1])
            self.cp.add(total <= (int(self.problem.ask[request]) - 1 + gang_hour) * stays[-1])
            for part in parts:
                self.cp.add(part.gangs <= part.most * stays[-1])
        self.cp.add(sum(stays) == self.served[request])

    def after_the_predecessor(self) -> None:
        """A successor is served only with its predecessor, and begins after its end."""
        if not self.task.chained:
            return
        for request in self.members:
            before = int(self.problem.after[request])
            if before == NOBODY:
                continue
            if before not in self.served:
                self.cp.add(self.served[request] == 0)
                continue
            self.cp.add_implication(self.served[request], self.served[before])
            early = self._early(before)
            for part in self.parts[request]:
                self.cp.add(part.gangs == 0).only_enforce_if(
                    early[part.slots.start], self.served[request]
                )

    def _early(self, request: int) -> list[cp_model.IntVar]:
        """Return per slot whether a predecessor may still be at work there."""
        if request not in self.early:
            early = [self.cp.new_bool_var("") for _ in range(self.problem.slots)]
            for earlier, later in pairwise(early):
                self.cp.add_implication(later, earlier)
            for part in self.parts[request]:
                self.cp.add(part.gangs == 0).only_enforce_if(~early[part.slots[-1]])
            self.early[request] = early
        return self.early[request]

    def within_supply(self) -> None:
        """No slot of a pool gives more than it has."""
        self.used: dict[tuple[int, int], cp_model.LinearExpr] = {}
        by_node: dict[tuple[int, int], list[Part]] = {}
        for parts in self.parts.values():
            for part in parts:
                for slot in part.slots:
                    by_node.setdefault((part.pool, slot), []).append(part)
        for node, parts in by_node.items():
            used = cp_model.LinearExpr.weighted_sum(
                [part.gangs for part in parts], [part.hours for part in parts]
            )
            self.cp.add(used <= int(self.task.free[node]))
            self.used[node] = used

    def _buckets_in_use(self) -> Iterable[int]:
        """Return the buckets of the members that anything depends on."""
        task = self.task
        matters = (task.cap < OPEN) | (task.floor > 0)
        if task.target.size:
            matters = matters | (task.target > 0)
        mine = np.unique(self.buckets[task.members])
        return [bucket for bucket in mine.tolist() if bucket != NOBODY and matters[bucket]]

    def _held(self, bucket: int) -> Expression:
        """Return thousandths of the unit that a bucket holds."""
        return self._charged(self._holders(bucket)) + int(self.task.held[bucket])

    def _holders(self, bucket: int) -> list[int]:
        """Return the members whose awards a bucket holds."""
        inside = (self.buckets == bucket).any(axis=1)
        return [request for request in self.members if inside[request]]

    def _charged(self, members: Sequence[int]) -> Expression:
        """Return thousandths of the unit that members hold together."""
        if self.problem.rules.unit is Unit.REFERENCE_HOURS:
            return cp_model.LinearExpr.sum([self.award[request] for request in members])
        parts = [part for request in members for part in self.parts[request]]
        return cp_model.LinearExpr.weighted_sum(
            [part.gangs for part in parts],
            [part.hours * len(part.slots) * int(self.problem.charge[part.pool]) for part in parts],
        )

    def _most_charged(self, request: int) -> int:
        """Return thousandths of the unit that a member holds at most, roughly."""
        ask = int(self.problem.ask[request])
        if self.problem.rules.unit is Unit.REFERENCE_HOURS:
            return ask
        speed = self.problem.speed[request]
        return max(
            (
                ask * int(self.problem.charge[pool]) // int(speed[pool])
                + int(self.problem.gang[request] * self.problem.charge[pool])
                for pool in {part.pool for part in self.parts[request]}
            ),
            default=0,
        )

    def cover(self, bucket: int, due: int, lack: cp_model.IntVar) -> None:
        """Say again what a holder lacks, counting of each request no more than is due.

        Without whole numbers half a request that is served with twice what is due would be enough.
        """
        counted: list[Expression] = [int(self.task.held[bucket])]
        above = False
        for request in self._holders(bucket):
            charged, most = self._charged([request]), self._most_charged(request)
            if most <= due:
                counted.append(charged)
                continue
            above = True
            part = self.cp.new_int_var(0, due, "")
            self.cp.add(part <= charged)
            self.cp.add(part <= due * self.served[request])
            counted.append(part)
        if above:
            self.cp.add(lack + sum(counted) >= due)

    def caps_and_floors(self) -> None:
        """Caps hold; floors hold."""
        for bucket, held in self.held.items():
            if self.task.cap[bucket] < OPEN:
                self.cp.add(held <= int(self.task.cap[bucket]))
            if self.task.floor[bucket] > 0:
                self.cp.add(held >= int(self.task.floor[bucket]))

    def goals(self) -> list[Expression]:
        """Return what is minimised, the more important first."""
        left_out = sum(
            max(1, int(self.task.need[request])) * (1 - served)
            for request, served in self.served.items()
        )
        goals: list[Expression] = [left_out]
        if self.task.keep.size:
            goals.append(self._moved())
        if self.task.target.size:
            goals.extend(self._tiers())
        else:
            goals.append(self._lost())
        return [goal for goal in goals if not isinstance(goal, int)]

    def _moved(self) -> Expression:
        """Return GPU-hours that are no longer where they were."""
        keep = {(r, p, t): hours for r, p, t, hours in self.task.keep.tolist()}
        away: list[cp_model.IntVar] = []
        for request in self.members:
            lying: dict[tuple[int, int, int], list[Part]] = {}
            for part in self.parts[request]:
                for slot in part.slots:
                    lying.setdefault((request, part.pool, slot), []).append(part)
            for place, parts in lying.items():
                if place in keep:
                    gone = self.cp.new_int_var(0, keep[place], "")
                    now = sum(part.gangs * part.hours for part in parts)
                    self.cp.add(gone >= keep[place] - now)
                    away.append(gone)
        return sum(away)

    def _lost(self) -> Expression:
        """Return hours below the goals and hours of others pushed away."""
        lost: list[Expression] = []
        for request in self.members:
            goal = int(self.task.goal[request])
            short = self.cp.new_int_var(0, max(goal, 0), "")
            self.cp.add(short >= goal - self.award[request])
            lost.append(short)
        for node, used in self.used.items():
            reserved, free = int(self.task.reserved[node]), int(self.task.free[node])
            if reserved > 0:
                pushed = self.cp.new_int_var(0, reserved, "")
                self.cp.add(pushed >= used + reserved - free)
                lost.append(pushed * MILLI)
        return sum(lost)

    def _tiers(self) -> list[Expression]:
        """Return shortfall of groups, of fellows, and value lost, as the policy has them."""
        problem, task = self.problem, self.task
        short: dict[int, cp_model.IntVar] = {}
        for bucket, held in self.held.items():
            target = int(task.target[bucket])
            if target > 0:
                short[bucket] = self.cp.new_int_var(0, target, "")
                self.cp.add(short[bucket] >= target - held)
        groups = [bucket for bucket in short if bucket >= problem.fellows]
        fellows = [bucket for bucket in short if bucket < problem.fellows]
        goals: list[Expression] = []
        if groups:
            worst = self.cp.new_int_var(0, MILLI * MILLI, "")
            for bucket in groups:
                target = int(task.target[bucket])
                self.cp.add(worst * target >= short[bucket] * MILLI * MILLI - target)
            goals += [worst, sum(short[bucket] for bucket in groups)]
        if fellows:
            goals.append(sum(int(task.fellow_merit[each]) * short[each] for each in fellows))
        lost = sum(
            int(task.merit[request]) * (int(problem.ask[request]) - self.award[request])
            for request in self.members
        )
        return [*goals, lost]

    def cells(self, solution: Sequence[int]) -> IntArray:
        """Return the cells of a solution, a value for each variable."""
        hours: dict[tuple[int, int, int], int] = {}
        for parts in self.parts.values():
            for part in parts:
                count = solution[part.gangs.index]
                for slot in part.slots if count else ():
                    place = (part.request, part.pool, slot)
                    hours[place] = hours.get(place, 0) + count * part.hours
        rows = [(*place, each) for place, each in hours.items()]
        return in_order(np.array(rows, dtype=np.int64)) if rows else NO_CELLS
