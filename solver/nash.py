"""Entitlements of a market: the proportionally fair division of the fluid round, with its prices.

Logarithms are laid out as chords, finer round after round where the last solution lies; each round
is a linear program, and its prices bound how far from the best the division still is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from solver.budget import Budget
from solver.checking.market import MARKET_STAGE, Market, market, proved_mean
from solver.checking.stakes import stakes
from solver.fluid.expanding import expand
from solver.fluid.linear import INFINITE, FluidModel, LinearSolution, LinearSolver
from solver.fluid.merging import Merged, merge
from solver.plain import plain_round
from solver.plan import NO_CELLS, Entitlement, Level, SolveStatus, Stage
from solver.problem import MILLI, NOBODY, BoolArray, FloatArray, IntArray, Problem, as_int

ENOUGH = Fraction(1, 10**5)
"""Distance of the logarithm of the mean at which the search ends."""
MOST_PROGRAMS = 10
COARSE = 2.0 ** -np.arange(25)
"""Chords that cover what a fellow can take alone, halving by halving."""
FINE = np.array([-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0])
"""Steps around the last solution."""
FIRST_STEP = 0.25
SHRINK = 3.0
"""Less than the four steps that the chords reach on either side: the solution stays in view."""
SCALE = 1e3
"""Size of the goal, so that a code's tolerances are small beside it."""
MISSING = 1e4
"""What it costs to miss a floor, far above what anything is worth."""
NEARLY = 1e-4
"""Thousandths by which hours may miss a whole number and count as it."""
DIGITS = 12
"""Significant digits of the smallest price or multiplier."""


def equilibrium(problem: Problem, budget: Budget | None = None) -> Entitlement:
    """Return what each fellow can buy with a part of the group's weight, and the prices.

    The weighted geometric mean Π held^money over the fellows who can get anything lies as near its
    bound as stated. Floors and caps are kept; a floor beyond reach as far as it goes.

    Raises:
        BudgetSpentError: If a limit of the budget comes first.

    Source:
        Eisenberg and Gale, Consensus of Subjective Probabilities: the Pari-Mutuel Method, Annals of
        Mathematical Statistics 30 (1959).
    """
    case = stakes(plain_round(problem))
    money = market(case)
    taking = _taking_part(problem, case.weights)
    merged = merge(problem, taking)
    if not money.money or not merged.columns.size.size:
        nothing = as_int(np.zeros(problem.groups)), as_int(np.zeros(problem.fellows))
        return Entitlement(
            groups=nothing[0], fellows=nothing[1], fluid=NO_CELLS, proportional=(0.0, 0.0)
        )
    best = _Trading(problem, merged, money, budget).run()
    groups = np.zeros(problem.groups, dtype=np.int64)
    np.add.at(groups, problem.fellow_group, best.held)
    bound = proved_mean(money, best.held.tolist(), best.distance)
    return Entitlement(
        groups=as_int(groups),
        fellows=as_int(best.held),
        fluid=expand(problem, merged, best.hours, best.held),
        levels=(best.prices,),
        work=best.work,
        proportional=(money.mean(best.held.tolist()), float(bound)),
    )


def market_stage(entitlement: Entitlement | None, *, gap: float) -> tuple[Stage, ...]:
    """Return how near the entitlements are to the fairest of their kind, if a market's."""
    if entitlement is None or entitlement.proportional is None:
        return ()
    mean, bound = entitlement.proportional
    best = max(mean, bound)
    off = (best - mean) / best if best else 0.0
    status = SolveStatus.OPTIMAL if off <= gap else SolveStatus.FEASIBLE
    return (
        Stage(
            name=MARKET_STAGE,
            status=status,
            objective=mean,
            bound=best,
            gap=off,
            work=entitlement.work,
            evidence="dual",
        ),
    )


def _taking_part(problem: Problem, weights: Mapping[str, Sequence[int]]) -> BoolArray:
    """Return the requests of those who can hold anything at all."""
    group = (np.array(weights["groups"]) > 0) | (problem.group_floor > 0)
    fellow = (np.array(weights["fellows"]) > 0) & group[problem.fellow_group]
    return np.asarray(problem.eligible & fellow[problem.fellow])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Traded:
    """A division with its prices.

    Attributes:
        hours: ``(k,)`` thousandths of a GPU-hour by merged column.
        held: ``(f,)`` thousandths of the unit.
        prices: of supply and of what fellows hold, as a level of everyone with money.
        distance: proved distance to the best; None when nothing is proved.
    """

    hours: IntArray
    held: IntArray
    prices: Level
    distance: Fraction | None
    work: int


class _Trading:
    """The market on its way to equilibrium."""

    def __init__(
        self, problem: Problem, merged: Merged, money: Market, budget: Budget | None
    ) -> None:
        self.problem, self.merged, self.money, self.budget = problem, merged, money, budget
        self.who = np.array(list(money.money), dtype=np.int64)
        self.part = np.array([float(each) for each in money.money.values()])
        alone = [money.case.most_alone["fellow", fellow] for fellow in money.money]
        self.top = np.maximum(np.array(alone, dtype=np.float64), 1.0)
        fellow = merged.fellow
        self.members = {
            "fellow": fellow,
            "group": problem.fellow_group[fellow],
            "institute": problem.fellow_institute[fellow],
            "track": merged.track,
        }

    def run(self) -> _Traded:
        """Return the best division found."""
        step, best = FIRST_STEP, None
        center: FloatArray | None = None
        for work in range(1, MOST_PROGRAMS + 1):
            found = self.trade(center, step, work)
            if best is None or _far(found) <= _far(best):
                best = found
            if _far(best) <= ENOUGH:
                break
            last, center = center, np.clip(found.held[self.who] / self.top, COARSE[-1], 1.0)
            if last is not None and (np.abs(center / last - 1.0) <= 2.0 * step).all():
                step /= SHRINK
        assert best is not None
        return best

    def trade(self, center: FloatArray | None, step: float, work: int) -> _Traded:
        """Solve one program."""
        fluid = FluidModel(self.merged)
        own = self._add_fellows(fluid, self._points(center, step))
        terms = self._add_terms(fluid)
        solution = LinearSolver(fluid.program(), self.budget).solve()
        exact = fluid.hours(solution.values)
        nearly = min(NEARLY, 0.5 / exact.size)  # supply is whole: the sum of all still fits
        hours = np.floor(exact + nearly).astype(np.int64)
        held = self._held(np.minimum(exact, hours + 1.0) * (hours > 0))
        prices = self._prices(fluid, solution, own, terms)
        distance = self.money.distance(held.tolist(), prices)
        return _Traded(hours=hours, held=held, prices=prices, distance=distance, work=work)

    def _points(self, center: FloatArray | None, step: float) -> FloatArray:
        """Return ``(n, m)`` where the chords of each fellow meet, rising, as parts of the top."""
        coarse = np.broadcast_to(COARSE, (self.who.size, COARSE.size))
        if center is None:
            return np.sort(coarse, axis=1)
        fine = np.clip(center[:, None] * (1.0 + step) ** FINE, COARSE[-1], 1.0)
        return np.sort(np.concatenate((coarse, fine), axis=1), axis=1)

    def _add_fellows(self, fluid: FluidModel, points: FloatArray) -> IntArray:
        """Add what each holds, worth as much as the chords of its logarithm; return the rows."""
        before = np.concatenate((np.zeros((self.who.size, 1)), points[:, :-1]), axis=1)
        width = points - before
        rise = np.log(points / np.maximum(before, points / 2.0))
        slope = np.where(width > points * 1e-12, rise / np.maximum(width, 1e-300), 1.0 / points)
        slope[:, 0] = 2.0 / points[:, 0]
        worth = slope * self.part[:, None] * SCALE
        columns = fluid.add_columns(np.zeros(width.size), width.ravel(), -worth.ravel())
        row_of = np.full(self.problem.fellows, NOBODY, dtype=np.int64)
        row_of[self.who] = np.arange(self.who.size)
        row = row_of[self.merged.fellow[self.merged.columns.cls]]
        mine = np.flatnonzero(row >= 0)
        share = fluid.amounts()[mine] / self.top[row[mine]]
        chord = np.repeat(np.arange(self.who.size), points.shape[1])
        return fluid.add_rows(
            np.zeros(self.who.size),
            np.zeros(self.who.size),
            (
                np.concatenate((row[mine], chord)),
                np.concatenate((mine, columns)),
                np.concatenate((share, np.full(columns.size, -1.0))),
            ),
        )

    def _add_terms(self, fluid: FluidModel) -> list[tuple[str, int, int, float]]:
        """Add floors, which may be missed at a cost, and caps; return (kind, index, row, scale)."""
        case, terms = self.money.case, []
        listed = [(holder, amount, 1) for holder, amount in case.least.items() if amount > 0]
        free = [each for each in case.most.items() if not self._buys(each[0])]
        listed += [(holder, amount, -1) for holder, amount in free]
        for (kind, index), amount, side in listed:
            columns = np.flatnonzero(self.members[kind][self.merged.columns.cls] == index)
            scale = float(max(amount, 1))
            shares = fluid.amounts()[columns] / scale
            if side > 0:
                missing = fluid.add_columns([0.0], [1.0], [MISSING * SCALE])
                columns, shares = np.append(columns, missing), np.append(shares, 1.0)
            bounds = (amount / scale, INFINITE) if side > 0 else (-INFINITE, amount / scale)
            entries = (np.zeros(columns.size, dtype=np.int64), columns, shares)
            (row,) = fluid.add_rows([bounds[0]], [bounds[1]], entries).tolist()
            terms.append((kind, index, row, scale))
        return terms

    def _buys(self, holder: tuple[str, int]) -> bool:
        """Say whether the holder is a fellow with money; whose cap ends the chords."""
        return holder[0] == "fellow" and holder[1] in self.money.money

    def _held(self, hours: FloatArray) -> IntArray:
        """Return ``(f,)`` thousandths of the unit, rounded down once for all columns of a fellow.

        Hours that were rounded down to nothing do not count: no row of the division has them.
        """
        columns = self.merged.columns
        units = hours * self.merged.factor[columns.cls, columns.pool]
        held = np.bincount(
            self.merged.fellow[columns.cls], weights=units, minlength=self.problem.fellows
        )
        return as_int(np.floor(held / MILLI + NEARLY))

    def _prices(
        self,
        fluid: FluidModel,
        solution: LinearSolution,
        own: IntArray,
        terms: list[tuple[str, int, int, float]],
    ) -> Level:
        """Read prices and multipliers off the dual values."""
        duals = solution.duals / SCALE
        lifts = np.maximum(duals[own], 0.0) / self.top
        rates = [("fellow", int(f), lift) for f, lift in zip(self.who, lifts, strict=True)]
        extra = [(kind, index, float(duals[row]) / scale) for kind, index, row, scale in terms]
        rows = fluid.supply_row
        pool, span = np.nonzero(rows >= 0)
        paid = np.maximum(-duals[rows[pool, span]], 0.0) / self.merged.supply[pool, span]
        digits = _digits(lifts)
        slots = [np.flatnonzero(self.merged.span == s).tolist() for s in range(self.merged.spans)]
        pool_slots = sorted(
            (int(p), slot, _exact(price, digits))
            for p, s, price in zip(pool, span, paid.tolist(), strict=True)
            for slot in slots[s]
            if _exact(price, digits)
        )
        return Level(
            stage="fellows",
            parent=NOBODY,
            value=Fraction(1),
            agents=tuple(self.who.tolist()),
            pool_slots=tuple(pool_slots),
            multipliers=_together(rates + extra, digits),
        )


def _together(
    rates: list[tuple[str, int, float]], digits: int
) -> tuple[tuple[str, int, Fraction], ...]:
    """Return exact multipliers, one a holder: rows of the same holder add up."""
    sums: dict[tuple[str, int], Fraction] = {}
    for kind, index, rate in rates:
        sums[kind, index] = sums.get((kind, index), Fraction(0)) + _exact(rate, digits)
    return tuple((kind, index, rate) for (kind, index), rate in sums.items() if rate)


def _far(found: _Traded) -> Fraction:
    """Return the proved distance, or a large number without one."""
    return Fraction(10**9) if found.distance is None else found.distance


def _digits(lifts: FloatArray) -> int:
    """Return decimal places that leave even the smallest multiplier its digits."""
    smallest = float(lifts[lifts > 0].min(initial=1.0))
    return DIGITS + max(0, int(np.ceil(-np.log10(smallest))))


def _exact(number: float, digits: int) -> Fraction:
    """Return a number with so many decimal places."""
    return Fraction(int(Fraction(number) * 10**digits), 10**digits)
