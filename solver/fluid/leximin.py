"""Weighted leximin by cuts: fill up below the cuts known, ask whether that can be had, repeat.

An oracle is asked whether given amounts can be had together; if not, it answers with cuts, valid
inequalities that they break. The leximin below all cuts known so far has a closed form. Once it can
be had it is the leximin of the round: everyone below its own most is in a full cut where nobody
has more per weight. One question so settles many levels at once. The search is in floating point;
the levels of the cuts that bind in the end are then worked out exactly.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Protocol, TypeAlias

import numpy as np

from solver.budget import Budget
from solver.checking.pricing import Holder
from solver.fluid.filling import Filled, fill, rows_of
from solver.fluid.flow import ENDLESS
from solver.fluid.rational import Rows, raised, weighted_sum
from solver.plan import Level
from solver.problem import NOBODY, FloatArray, IntArray

FINEST = 10**6
"""Most grains in a thousandth of the unit: what amounts are counted in while levels are sought."""
NOISE = 1e-12
"""Part of an amount that the search leaves out, so that rounding alone breaks no cut."""

Proof: TypeAlias = tuple[
    tuple[tuple[int, int, Fraction], ...], tuple[tuple[str, int, Fraction], ...]
]
"""Prices and multipliers, as in `Level`."""
PATIENCE = 4
"""Broken trials of all levels together before fewer are tried at a time."""
FEWEST = 6
"""Levels tried at a time at least, if there are as many: a broken trial tells of one at least."""
PATIENT = 40
"""As `PATIENCE`, where somebody quick is asked first: programs that held then start anew."""
MANY = 100_000
"""Agents in all cuts together from which on only cuts stay that bind."""
CLOSE = 1e-9
"""Part of a level that two levels differ by at least."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A valid inequality: Σ lift·amount ≤ room for whatever the agents can have together.

    Attributes:
        agents: ``(n,)`` ascending; lifts: ``(n,)`` positive integers.
        room: integer, in grains.
        unit: what lifts and multipliers are divided by.
        prices: ``(m, 3)`` pool, slot or span, price: unit per GPU-hour times `price_unit`.
        holders: (kind, index, integer) of the other rows that the inequality rests on.
        nodes: ascending, the oracle's own picture of the cut.
    """

    agents: IntArray
    lifts: IntArray
    room: int
    unit: int = 1
    prices: IntArray = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int64))
    price_unit: int = 1
    holders: tuple[tuple[str, int, int], ...] = ()
    nodes: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


class Oracle(Protocol):
    """Who can say what is out of reach."""

    @property
    def work(self) -> int:
        """Return the questions answered."""

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:
        """Return cuts that the amounts (grains) break, none if they can be had together.

        Args:
            amounts: grains of each agent.
            full: cuts that the amounts fill, lowest level first, by whose levels broken cuts are
                taken apart.
        """


class Quick(Protocol):
    """Who can say at once, of some amounts, what is out of reach; an oracle has the last word."""

    def cuts(self, rising: "Rising") -> list[Cut]:
        """Return cuts that amounts break, none if it has nothing to say."""

    def learn(self, cuts: Iterable[Cut]) -> None:
        """Take in what an oracle answered."""


class Unasked:
    """An oracle that lets everything pass: what its leximin is has still to be asked for."""

    work = 0

    def cuts(self, amounts: IntArray, full: Sequence[Cut] = ()) -> list[Cut]:  # noqa: ARG002
        """Return no cut."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Agents:
    """Who shares: one entry each.

    Attributes:
        stage: ``groups`` or ``fellows``.
        parent: ``(n,)`` the group that each is in, `NOBODY` for groups.
        weight: ``(n,)`` positive integers, or 0 for who gets no more than `low`.
        low, high: ``(n,)`` least and most grains.
        grain: grains in a thousandth of the unit.
        known: cuts known beforehand.
    """

    stage: str
    parent: IntArray
    weight: IntArray
    low: IntArray
    high: IntArray
    grain: int
    known: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rising:
    """Agents on their way up to amounts.

    Attributes:
        weight, low: ``(n,)`` as in `Agents`, in floating point.
        amounts: ``(n,)`` grains of each in the end.
        top: level at which all have these.
    """

    weight: FloatArray
    low: FloatArray
    amounts: FloatArray
    top: float

    def up_to(self, level: float) -> FloatArray:
        """Return ``(n,)`` amounts, of which nobody has more than at a level."""
        return np.minimum(self.amounts, np.maximum(self.low, self.weight * level))

    def reaching(self, lifts: FloatArray, room: float, level: float) -> float:
        """Return the level below another at which Σ lift·amount is a room, as floats find it."""
        below, above = 0.0, level
        while below < (middle := (below + above) / 2.0) < above:
            over = float(lifts @ self.up_to(middle)) > room
            below, above = (below, middle) if over else (middle, above)
        return above


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every division has to keep beside the fluid round itself.

    Attributes:
        members: ``(c,)`` index of the class's holder, by kind; -1 where there is none.
        least, most: thousandths of the unit by holder.
    """

    members: dict[str, IntArray]
    least: dict[Holder, Fraction]
    most: dict[Holder, Fraction]


def grains(whole: int) -> int:
    """Return how finely amounts are counted so that several times the whole stays in 64 bits.

    Args:
        whole: thousandths of the unit that nobody exceeds.
    """
    grain = FINEST
    while grain > 1 and 8 * whole * grain >= ENDLESS:
        grain //= 10
    return grain


def leximin(
    agents: Agents,
    oracle: Oracle,
    budget: Budget | None = None,
    seek: Callable[[int], Sequence[Cut]] | None = None,
    quick: Quick | None = None,
) -> tuple[IntArray, tuple[Level, ...]]:
    """Return everyone's grains in the weighted leximin, and the levels that prove it.

    Args:
        agents: weights and own limits.
        oracle: says what can be had together.
        budget: what the whole solve may still spend; None without a limit.
        seek: looks for all cuts that bind, told how many trials broke; none if that is too few.
        quick: asked before the oracle is, of all levels together.

    Raises:
        BudgetSpentError: If a limit comes first.
    """
    pool = _Pool(agents)
    pool.takes_all(agents.known)
    reached, stride, misses = 0.0, len(agents.weight), 0
    patience = PATIENCE if quick is None else PATIENT
    while True:
        if budget is not None:
            budget.insist()
        filled = _filled(pool, quick, len(agents.known), budget)
        ahead = filled.level[filled.level > reached * (1.0 + CLOSE)]
        last = ahead.shape[0] < stride
        rising = pool.rising(filled.amount)
        trial = rising.amounts if last else rising.up_to(ahead[stride - 1])
        full = [pool.cuts[row] for row in filled.row.tolist()]
        found = oracle.cuts(np.floor(trial * (1.0 - NOISE)).astype(np.int64), full)
        if quick is not None:
            quick.learn(found)
        if pool.takes(found, trial):
            misses += 1
            if misses > patience:
                stride = max(FEWEST, min(stride, ahead.shape[0]) // 2)
            if seek is not None and (cuts := seek(misses)):
                pool.takes_all(cuts)
                stride, seek = len(agents.weight), None
        elif last:
            with _uncollected():
                return _Ladder(agents, filled, pool.cuts).climb()
        else:
            reached = ahead[stride - 1]
            stride *= 2


def _filled(pool: "_Pool", quick: Quick | None, known: int, budget: Budget | None) -> Filled:
    """Fill up below the cuts so far and those that somebody quick finds; `known` always stay."""
    filled = pool.fill()
    if quick is None:
        return filled
    while pool.takes(quick.cuts(pool.rising(filled.amount)), filled.amount):
        if budget is not None:
            budget.insist()
        filled = pool.fill()
    if pool.entries > MANY:
        pool.forget(filled.row, known)
        filled = pool.fill()
    return filled


@contextmanager
def _uncollected() -> Iterator[None]:
    """Leave cyclic garbage alone for a while.

    Levels share rows by the million and make no cycles; going through them again and again took a
    tenth of the time of a round with many levels.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def is_broken(cut: Cut, amounts: FloatArray) -> bool:
    """Say whether amounts break a cut by more than rounding."""
    sum_ = float((cut.lifts / cut.unit) @ amounts[cut.agents])
    return sum_ > cut.room / cut.unit + 2.0 * NOISE * sum_


class _Pool:
    """The cuts known so far, as objects and as rows of numbers."""

    def __init__(self, agents: Agents) -> None:
        self.cuts: list[Cut] = []
        self._limits = _floats(agents)
        self._lifts: list[IntArray | FloatArray] = []
        self._rooms: list[float] = []

    def add(self, cut: Cut) -> None:
        """Take a cut in."""
        self.cuts.append(cut)
        self._lifts.append(cut.lifts if cut.unit == 1 else cut.lifts / cut.unit)
        self._rooms.append(cut.room / cut.unit)

    def takes_all(self, cuts: Iterable[Cut]) -> None:
        """Take in cuts that are known to hold."""
        for cut in cuts:
            self.add(cut)

    def takes(self, cuts: Iterable[Cut], amounts: FloatArray) -> bool:
        """Take in the cuts that amounts break by more than rounding; say whether there was one."""
        before = len(self.cuts)
        self.takes_all(cut for cut in cuts if is_broken(cut, amounts))
        return len(self.cuts) > before

    def forget(self, rows: IntArray, first: int) -> None:
        """Leave out cuts that are in none of some rows, but for the first ones."""
        kept = sorted({*range(first), *rows.tolist()})
        self.cuts = [self.cuts[at] for at in kept]
        self._lifts = [self._lifts[at] for at in kept]
        self._rooms = [self._rooms[at] for at in kept]

    @property
    def entries(self) -> int:
        """Return how many agents stand in all cuts together."""
        return sum(cut.agents.shape[0] for cut in self.cuts)

    def rising(self, amounts: FloatArray) -> Rising:
        """Return the agents on their way to amounts."""
        weight, low, high = self._limits
        top = float((high[weight > 0] / weight[weight > 0]).max(initial=0.0))
        return Rising(weight=weight, low=low, amounts=amounts, top=top)

    def fill(self) -> Filled:
        """Fill up below all cuts."""
        rows = rows_of([cut.agents for cut in self.cuts], self._lifts, self._rooms)
        return fill(rows, *self._limits)


def _floats(agents: Agents) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights and own limits as the search counts them."""
    weight, low, high = (
        each.astype(np.float64) for each in (agents.weight, agents.low, agents.high)
    )
    return weight, low, high


class _Ladder:
    """The exact levels, one by one, of the cuts that bind."""

    def __init__(self, agents: Agents, filled: Filled, cuts: Sequence[Cut]) -> None:
        self.agents, self.filled, self.cuts = agents, filled, cuts
        self.held = agents.low.copy()
        moving = (agents.weight > 0) & (agents.low < agents.high)
        self.free = moving
        self.event = np.where(moving, filled.event, NOBODY)
        full = np.flatnonzero(moving & (filled.event < 0))
        ends = agents.high[full] / agents.weight[full]
        order = np.argsort(ends, kind="stable")
        self.waiting, self.ends = full[order], ends[order]
        self.first = 0
        spans = 1 + max((int(cut.prices[:, 1].max(initial=0)) for cut in cuts), default=0)
        kind = agents.stage.removesuffix("s")
        self.spans = spans
        self.rational = cache(Fraction)
        self.priced: Rows[int] = Rows(lambda key: divmod(key, spans), self.rational)
        self.lifted: Rows[str] = Rows(lambda key: (kind, key), self.rational)

    def climb(self) -> tuple[IntArray, tuple[Level, ...]]:
        """Return everyone's grains and the levels."""
        levels = []
        last = Fraction(0)
        events = self.filled.row.shape[0]
        order = np.argsort(self.event, kind="stable")
        bounds = np.searchsorted(self.event[order], np.arange(events + 1))
        for at, row in enumerate(self.filled.row.tolist()):
            blocked: IntArray = order[bounds[at] : bounds[at + 1]]
            last = max(last, self._exact(self.cuts[row], at))
            levels.append(self._freeze(last, self.cuts[row], blocked))
        if self.first < self.waiting.shape[0]:
            rest = self.waiting[self.first :]
            pairs = zip(self.agents.high[rest], self.agents.weight[rest], strict=True)
            last = max(last, *(Fraction(int(high), int(weight)) for high, weight in pairs))
            levels.append(self._freeze(last, None, np.zeros(0, dtype=np.int64)))
        return self.held, tuple(levels)

    def _exact(self, cut: Cut, at: int) -> Fraction:
        """Return the level at which a cut is full, given who is frozen and who has its most."""
        free = self.free[cut.agents]
        agents, frozen, lifts = cut.agents[free], cut.agents[~free], cut.lifts[free]
        wanted = self.agents.weight[agents] * float(self.filled.level[at])
        most, least = self.agents.high[agents], self.agents.low[agents]
        full, rising = wanted >= most, (wanted < most) & (wanted >= least)
        weight = weighted_sum(lifts[rising], self.agents.weight[agents[rising]])
        if weight == 0:  # who is blocked is on its floor: full since the last of the others was
            pairs = zip(most[full], self.agents.weight[agents[full]], strict=True)
            return max((Fraction(int(high), int(each)) for high, each in pairs), default=Fraction())
        amount = np.where(full, most, least)
        fixed = weighted_sum(cut.lifts[~free], self.held[frozen]) + weighted_sum(
            lifts[~rising], amount[~rising]
        )
        return Fraction(cut.room - fixed, weight)

    def _freeze(self, level: Fraction, cut: Cut | None, agents: IntArray) -> Level:
        """Freeze who is blocked, and who has all it can take, at an exact level."""
        own = self.agents
        wanted = raised(own.weight[agents], level)
        reaches = wanted >= own.high[agents]
        self.held[agents] = np.clip(wanted, own.low[agents], own.high[agents])
        near = int(np.searchsorted(self.ends, float(level) * (1.0 + CLOSE), side="right"))
        near = max(near, self.first)
        filled = self.waiting[self.first : near]
        short = np.flatnonzero(raised(own.weight[filled], level) < own.high[filled])
        filled = filled[: short[0]] if short.shape[0] else filled
        self.first += filled.shape[0]
        self.held[filled] = own.high[filled]
        full: list[int] = agents[reaches].tolist() + filled.tolist()
        blocked: list[int] = agents[~reaches].tolist()
        self.free[agents] = False
        self.free[full] = False
        frozen = tuple(sorted(blocked + full))
        prices, multipliers = self._proof(cut) if cut is not None and blocked else ((), ())
        return Level(
            stage=own.stage,
            parent=self._parent(frozen),
            value=level / own.grain,
            agents=frozen,
            saturated=tuple(full),
            pool_slots=prices,
            multipliers=multipliers,
        )

    def _parent(self, agents: Sequence[int]) -> int:
        """Return the group that all agents are in, `NOBODY` if there is none such."""
        groups = set(self.agents.parent[list(agents)].tolist())
        return groups.pop() if len(groups) == 1 else NOBODY

    def _proof(self, cut: Cut) -> Proof:
        """Return the prices and multipliers of a cut."""
        pool, span, price = cut.prices.T
        prices = self.priced.of(pool * self.spans + span, price, cut.price_unit)
        lifted = self.lifted.of(cut.agents, cut.lifts, cut.unit)
        others = (
            (kind, index, self.rational(value, cut.unit)) for kind, index, value in cut.holders
        )
        return tuple(prices), (*lifted, *others)
