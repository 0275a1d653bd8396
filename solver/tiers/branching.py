"""Branch and bound over the few choices that the relaxation leaves broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from solver.budget import Budget
from solver.plan import Limit
from solver.problem import FloatArray, IntArray
from solver.tiers.relaxation import Relaxation, Vertex

SWEEPS = 25
"""Rounds of rounding in search of a first plan."""
CLEAR_SWEEPS = 80
"""The same where the clearest goes first: few choices are rounded at a time then."""
CLOSE = 2.0
"""Times the gap to stop at, what is near enough not to look further after such a rounding."""
LITTLE = 0.25
"""Part of the gap to stop at that the clearest choices may cost at a time."""
FEW = 4
"""Choices that are rounded at a time at least."""
Fixing = tuple[tuple[int, bool], ...]
LEAST_MOVED = 0.05
"""Part of a choice from which on a move tells what all of it costs."""
SAME = 1e-9
"""Share of an objective that floating point may miss."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Settled:
    """The best solution in which no choice is broken, and what no solution can beat.

    Attributes:
        values: ``(columns,)``, or None when none was found.
        infeasible: whether it was proved that there is no solution; `values` may then be one that
            misses what was to be kept.
    """

    values: FloatArray | None
    bound: float
    objective: float = np.inf
    infeasible: bool = False
    work: int = 0
    limit: Limit = Limit.NONE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choices:
    """What is chosen: yes or no, each by a number.

    Attributes:
        broken: which choices a solution leaves broken, and how near each is to yes.
        split: the same of choices that come last: most solutions can be finished without.
        bounds: the columns that make a choice, and what they are held at.
        finished: a solution with nothing broken, and then with nothing split; None without one.
        stakes: how much each choice decides, as long as no branch of it has been seen.
        without: a solution without what is broken, and by which share it misses what is to be kept.
    """

    broken: Callable[[FloatArray], tuple[IntArray, FloatArray]]
    split: Callable[[FloatArray], tuple[IntArray, FloatArray]]
    bounds: Callable[[int, bool], tuple[IntArray, float]]
    finished: Callable[[FloatArray], Vertex | None]
    stakes: FloatArray
    without: Callable[[FloatArray], tuple[FloatArray, float]]


class Branching:
    """One search: a rounding sweep for a first plan, then best-first with dives.

    Args:
        relaxation: the linear program, aimed at its goal.
        choices: what has to be whole.
        goal: what the relaxation is aimed at.
        root: its solution before any choice.
        start: a solution with whole choices, if one is known.
        allowed: absolute gap at which to stop.
        most: linear programs to solve at most.
        budget: what the whole solve may still spend.
        spare: by which share a solution may miss what is to be kept.
        clear: whether the clearest of what is broken is rounded first, as far as that goes.
    """

    def __init__(  # noqa: PLR0913 - the question, and by name how far to go
        self,
        relaxation: Relaxation,
        choices: Choices,
        goal: FloatArray,
        root: Vertex,
        *,
        start: Vertex | None,
        allowed: float,
        most: int,
        budget: Budget,
        spare: float,
        clear: bool = False,
    ) -> None:
        self.relaxation, self.choices = relaxation, choices
        self.goal, self.root, self.start = goal, root, start
        self.spare, self.clear = spare, clear
        self.last_resort: FloatArray | None = None
        self.least_missed = np.inf
        self.allowed, self.most, self.budget = allowed, most, budget
        self.free_lower, self.free_upper = relaxation.lower.copy(), relaxation.upper.copy()
        self.first_solve = relaxation.solves
        self.held: set[int] = set()
        self.best: FloatArray | None = None
        self.objective = self.given_up = np.inf
        self.open: list[tuple[float, int, Fixing]] = []
        self.pushed = 0
        self.rises = Rises(choices.stakes)

    def run(self) -> Settled:
        """Search until the gap is small enough or the limit comes."""
        root = self.root
        if self.start is not None:
            self._accept(self.start.values, self.start.objective)
        if self.clear and root.objective < self.objective - self.allowed:
            self._sweep(root, clear=True)
            self.allowed *= CLOSE
        if root.objective < self.objective - self.allowed:
            self._sweep(root, clear=False)
        self._push(root.objective, ())
        while self.open and self.open[0][0] < self.objective - self.allowed and not self._spent():
            known, _, fixing = heappop(self.open)
            self._dive(known, fixing)
        bound = min([self.objective, self.given_up, *(node[0] for node in self.open[:1])])
        self._hold(())
        proved = bound >= self.objective - self.allowed
        infeasible = self.best is None and not self.open and not np.isfinite(self.given_up)
        if self.best is None and self.last_resort is not None:
            self._accept(self.last_resort, float(self.goal @ self.last_resort[: self.goal.size]))
        return Settled(
            values=self.best,
            bound=max(bound, root.objective),
            objective=self.objective,
            infeasible=infeasible,
            work=self.relaxation.solves - self.first_solve,
            limit=Limit.NONE if proved else self._limit(),
        )

    def _sweep(self, vertex: Vertex, *, clear: bool) -> None:
        """Round what is broken, solve, and again, for a first solution.

        Where rounding what is clearest leads nowhere, the rest is rounded in the other ways.
        """
        fixing: Fixing = ()
        for _ in range(CLEAR_SWEEPS if clear else SWEEPS):
            broken, parts = self.choices.broken(vertex.values)
            if not broken.size:
                self._finish(vertex)
                return
            self._drop(vertex)
            if self._spent() or self.root.objective >= self.objective - self.allowed:
                return
            ways = self._clearest if clear else self._roundings
            near = vertex.objective + self.allowed * LITTLE if clear else np.inf
            step = self._step(ways(fixing, broken, parts), near)
            if step is not None:
                vertex, fixing = step
            elif clear:
                clear = False
            else:
                return

    def _step(self, ways: Iterator[Fixing], near: float) -> tuple[Vertex, Fixing] | None:
        """Return the first way whose bound is near enough, or the one with the least.

        None where every way is closed, or leads to nothing better than the best so far.
        """
        least: tuple[Vertex, Fixing] | None = None
        for way in ways:
            vertex = self._at(way)
            if vertex is None or vertex.objective >= self.objective:
                continue
            if least is None or vertex.objective < least[0].objective:
                least = vertex, way
            if vertex.objective <= near:
                break
        return least

    def _roundings(self, fixing: Fixing, broken: IntArray, parts: FloatArray) -> Iterator[Fixing]:
        """Yield ways to round what is broken, the next where the last one leads nowhere.

        All of it up: who gets a part of the least of one request for want of another one can often
        trade the two at no cost. Then the clearer half to where it is nearer, or with few programs
        to solve everything. Then all that was ever broken as the solution has it that is known from
        the start, which always goes together; without one, what is broken now down.
        """
        yield (*fixing, *((choice, True) for choice in broken.tolist()))
        clear = np.argsort(np.minimum(parts, 1.0 - parts), kind="stable")
        if self.most > 2 * SWEEPS:
            clear = clear[: max(broken.size // 2, FEW)]
        nearest = (parts[clear] > 0.5).tolist()  # noqa: PLR2004 - halfway
        yield (*fixing, *zip(broken[clear].tolist(), nearest, strict=True))
        if self.start is None:
            yield (*fixing, *((choice, False) for choice in broken.tolist()))
            return
        ever = (*(choice for choice, _ in fixing), *broken.tolist())
        yield tuple((choice, self._has(choice, self.start)) for choice in ever)

    def _clearest(self, fixing: Fixing, broken: IntArray, parts: FloatArray) -> Iterator[Fixing]:
        """Yield the clearer half rounded to where it is nearer, then one choice, either way."""
        clear = np.argsort(np.minimum(parts, 1.0 - parts), kind="stable")
        clear = clear[: max(broken.size // 2, 1)]
        rounded = list(zip(broken[clear].tolist(), (parts[clear] > 0.5).tolist(), strict=True))  # noqa: PLR2004 - halfway
        choice, nearer = rounded[0]
        yield (*fixing, *rounded)
        if len(rounded) > 1:
            yield (*fixing, (choice, nearer))
        yield (*fixing, (choice, not nearer))

    def _has(self, choice: int, known: Vertex) -> bool:
        """Return whether a known solution makes a choice."""
        columns, value = self.choices.bounds(choice, True)  # noqa: FBT003 - the choice made
        return bool(abs(known.values[columns[0]] - value) < 0.5)  # noqa: PLR2004 - halfway

    def _dive(self, known: float, fixing: Fixing) -> None:
        """Follow the nearer branch down, leaving the other ones for later."""
        while not self._spent():
            before, vertex = known, self._at(fixing)
            if vertex is None:
                if self.relaxation.stopped:
                    self._push(known, fixing)
                elif not self.relaxation.infeasible:
                    self.given_up = min(self.given_up, known)
                return
            known = vertex.objective
            if fixing:
                self.rises.note(*fixing[-1], known - before)
            if known >= self.objective - self.allowed:
                self._push(known, fixing)
                return
            broken, parts = self.choices.broken(vertex.values)
            if broken.size:
                self._drop(vertex)
            elif self._finish(vertex) <= known + SAME * abs(known):
                return
            else:
                broken, parts = self.choices.split(vertex.values)
            at = self.rises.best(broken, parts)
            choice, nearer = int(broken[at]), bool(parts[at] > 0.5)  # noqa: PLR2004 - halfway
            self._push(known, (*fixing, (choice, not nearer)))
            fixing = (*fixing, (choice, nearer))
        self._push(known, fixing)

    def _finish(self, vertex: Vertex) -> float:
        """Keep a solution with nothing broken if it is the best, nothing split; return its goal."""
        split = self.choices.split(vertex.values)[0].size > 0
        found = self.choices.finished(vertex.values) if split else vertex
        if found is None:
            return np.inf
        self._accept(found.values, found.objective)
        return found.objective

    def _accept(self, values: FloatArray, objective: float) -> None:
        """Keep a solution when it is the best so far."""
        if objective < self.objective:
            self.best, self.objective = values, objective

    def _drop(self, vertex: Vertex) -> None:
        """Try a solution without what is broken; remember the last one for want of better."""
        values, missed = self.choices.without(vertex.values)
        if missed <= self.spare:
            self._accept(values, float(self.goal @ values[: self.goal.size]))
        elif missed < self.least_missed:
            self.last_resort, self.least_missed = values, missed

    def _push(self, bound: float, fixing: Fixing) -> None:
        """Leave a node for later."""
        heappush(self.open, (bound, self.pushed, fixing))
        self.pushed += 1

    def _at(self, fixing: Fixing) -> Vertex | None:
        """Solve the relaxation with some choices made."""
        self._hold(fixing)
        return self.relaxation.solve()

    def _hold(self, fixing: Fixing) -> None:
        """Make exactly these choices."""
        wanted: dict[int, float] = {}
        for choice, yes in fixing:
            columns, value = self.choices.bounds(choice, yes)
            wanted |= dict.fromkeys(columns.tolist(), value)
        for column in sorted(self.held - wanted.keys()):
            self.relaxation.bound(column, self.free_lower[column], self.free_upper[column])
        for column, value in wanted.items():
            self.relaxation.bound(column, value, value)
        self.held = set(wanted)

    def _spent(self) -> bool:
        """Return whether the limit has come."""
        return self._limit() is not Limit.NONE

    def _limit(self) -> Limit:
        """Return the limit that has come."""
        if self.budget.reached() is not Limit.NONE:
            return self.budget.reached()
        solved = self.relaxation.solves - self.first_solve
        return Limit.WORK if solved >= self.most else Limit.NONE


class Rises:
    """By how much each choice raises the bound, learnt from the branches seen so far.

    Pseudo-costs with the product rule (Achterberg, Koch, Martin 2005, "Branching rules revisited"):
    the choice of which both branches raise the bound most. What has not been seen is judged by its
    stakes, at the mean rate of what has.

    Args:
        stakes: ``(choices,)``.
    """

    def __init__(self, stakes: FloatArray) -> None:
        self.stakes = stakes
        self.sums, self.seen = np.zeros((2, stakes.size)), np.zeros((2, stakes.size))
        self.part = np.full(stakes.size, 0.5)

    def note(self, choice: int, yes: bool, rise: float) -> None:  # noqa: FBT001 - a choice
        """Remember what a branch raised the bound by, as if all of the choice had been moved."""
        moved = 1.0 - self.part[choice] if yes else self.part[choice]
        self.sums[int(yes), choice] += max(rise, 0.0) / max(moved, LEAST_MOVED)
        self.seen[int(yes), choice] += 1.0

    def best(self, broken: IntArray, parts: FloatArray) -> int:
        """Return which of the broken choices to branch on; remember how near it is to yes."""
        no, yes = (self._expected(way, broken) for way in (0, 1))
        least = SAME * max(float(no.max()), float(yes.max()), SAME)
        score = np.maximum(no * parts, least) * np.maximum(yes * (1.0 - parts), least)
        at = int(np.argmax(score))
        self.part[broken[at]] = parts[at]
        return at

    def _expected(self, way: int, broken: IntArray) -> FloatArray:
        """Return what moving all of each choice one way is expected to raise the bound by."""
        sums, seen = self.sums[way], self.seen[way]
        weight = float(seen @ self.stakes)
        rate = float(sums.sum()) / weight if weight > 0.0 else 1.0
        known = sums[broken] / np.maximum(seen[broken], 1.0)
        return np.where(seen[broken] > 0.0, known, rate * self.stakes[broken])
