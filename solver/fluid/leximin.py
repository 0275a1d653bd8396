"""Weighted leximin by cuts: raise everyone together, freeze who is provably blocked, repeat.

An oracle is asked whether given amounts can be had together; if not, it answers with a cut, a
valid inequality that they break. The highest level a cut allows has a closed form, so a level
takes a few questions (discrete Newton), and cuts are kept: the next level starts from the lowest
level that all cuts known so far allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from solver.checking.pricing import Holder
from solver.plan import Level
from solver.problem import NOBODY, IntArray

FINE = 96
"""Binary places by which the bends of a cut are put in order."""
GRAIN = 10**6
"""Grains in a thousandth of the unit: what amounts are counted in while levels are searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A valid inequality: Σ lift·amount ≤ room for whatever the agents can have together.

    Attributes:
        lifts: (agent, positive integer) rows.
        room: integer, in grains.
        unit: what lifts, prices and multipliers are divided by.
        prices: (pool, slot or span, integer) rows, unit per GPU-hour times `unit`.
        holders: (kind, index, integer) of the other rows that the inequality rests on.
    """

    lifts: tuple[tuple[int, int], ...]
    room: int
    unit: int = 1
    prices: tuple[tuple[int, int, int], ...] = ()
    holders: tuple[tuple[str, int, int], ...] = ()


class Oracle(Protocol):
    """Who can say what is out of reach."""

    work: int
    """Questions answered."""

    def cut(self, amounts: Sequence[int]) -> Cut | None:
        """Return a cut that the amounts (grains) break, or None if they can be had together."""

    def settle(self, cut: Cut) -> Cut:
        """Return the cut with exact room and the prices as the certificate states them."""

    def kept(self, amount: int) -> int:
        """Return what is asked for an agent once frozen: the amount less numerical noise."""

    def firm(self, lifts: Mapping[int, int]) -> set[int]:
        """Return the agents whose lift is beyond numerical noise; at least one of any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """Who shares: one entry each.

    Attributes:
        stage: ``groups`` or ``fellows``.
        weight: positive integers, or 0 for who gets no more than `low`.
        low, high: least and most grains.
        known: cuts known beforehand.
    """

    stage: str
    weight: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    known: tuple[Cut, ...] = ()

    def amount(self, agent: int, level: Fraction) -> int:
        """Return the grains an agent wants at a level, rounded down."""
        raised = self.weight[agent] * level.numerator // level.denominator
        return min(self.high[agent], max(self.low[agent], raised))


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


@dataclass(slots=True)
class _Search:
    """The state between levels: amounts of the frozen, cuts known so far."""

    agents: Agents
    oracle: Oracle
    frozen: list[int | None]
    cuts: list[tuple[Cut, Fraction | None]]
    levels: list[Level] = field(default_factory=list)
    last: Fraction = Fraction(0)

    def amounts(self, level: Fraction | None) -> list[int]:
        """Return everyone's grains at a level; None is beyond every limit."""
        wanted = []
        for agent, amount in enumerate(self.frozen):
            if amount is not None:
                wanted.append(self.oracle.kept(amount))
            elif level is None:
                wanted.append(self.agents.high[agent])
            else:
                wanted.append(self.agents.amount(agent, level))
        return wanted

    def highest(self, cut: Cut) -> Fraction | None:
        """Return the highest level that a cut allows; None when it allows every level.

        The left side grows with the level, piecewise linearly; each agent bends it twice, where
        it leaves its least amount and where it reaches its most.
        """
        constant, slope = -cut.room, 0
        bends: list[tuple[int, int, int, int, int]] = []
        for agent, lift in cut.lifts:
            amount, weight = self.frozen[agent], self.agents.weight[agent]
            if amount is not None:
                constant += lift * self.oracle.kept(amount)
                continue
            low, high = self.agents.low[agent], self.agents.high[agent]
            constant += lift * low
            bends.append(((low << FINE) // weight, low, weight, lift * weight, -lift * low))
            bends.append(((high << FINE) // weight, high, weight, -lift * weight, lift * high))
        if not bends:
            return None
        if constant > 0:
            return Fraction(0)
        bends.sort()
        for _, amount, weight, steeper, shift in bends:
            if constant * weight + slope * amount > 0:
                return Fraction(-constant, slope)
            slope += steeper
            constant += shift
        return None

    def next_level(self) -> tuple[Fraction, Cut] | None:
        """Return the highest level everyone still free can have, and the cut that stops it."""
        level: Fraction | None = None
        stop: Cut | None = None
        for cut, found in self.cuts:
            if found is not None and (level is None or found < level):
                level, stop = found, cut
        while True:
            cut_or_none = self.oracle.cut(self.amounts(level))
            if cut_or_none is None:
                break
            found = self.highest(cut_or_none)
            self.cuts.append((cut_or_none, found))
            if found is None or (level is not None and found >= level):
                break  # only rounding is left
            level, stop = found, cut_or_none
        if level is None or stop is None:
            return None
        return self._settled(stop)

    def _settled(self, stop: Cut) -> tuple[Fraction, Cut]:
        """Return the exact level of a cut; levels that differ by rounding alone are one."""
        exact = self.oracle.settle(stop)
        level = self.highest(exact)
        if level is None:  # by less than rounding; the cut itself stops something
            level = self.highest(stop) or self.last
        slope = _slope(exact, self.agents, self.frozen)
        rounding = Fraction(2 * sum(lift for _, lift in exact.lifts), slope)
        if level <= self.last + rounding + self.last / 10**12:
            level = self.last
        return level, exact

    def freeze(self, level: Fraction, cut: Cut | None) -> None:
        """Freeze who is blocked by the cut, and who has all it can take."""
        blocked, full = [], []
        lifts = dict(cut.lifts) if cut is not None else {}
        stopped = self.oracle.firm({a: m for a, m in lifts.items() if self.frozen[a] is None})
        for agent, amount in enumerate(self.frozen):
            if amount is not None:
                continue
            wanted = self.agents.amount(agent, level)
            if wanted == self.agents.high[agent]:
                full.append(agent)
            elif agent in stopped:
                blocked.append(agent)
            else:
                continue
            self.frozen[agent] = wanted
        self.last = level
        self._refresh({*blocked, *full})
        self.levels.append(_level(self.agents.stage, level, cut, blocked, full))

    def _refresh(self, newly: set[int]) -> None:
        """Forget cuts with nobody free; find the level of those where someone was frozen."""
        kept = []
        for cut, level in self.cuts:
            if any(agent in newly for agent, _ in cut.lifts):
                if any(self.frozen[agent] is None for agent, _ in cut.lifts):
                    kept.append((cut, self.highest(cut)))
            else:
                kept.append((cut, level))
        self.cuts = kept


def _slope(cut: Cut, agents: Agents, frozen: Sequence[int | None]) -> int:
    """Return how fast the left side of a cut can grow at most."""
    free = ((agent, lift) for agent, lift in cut.lifts if frozen[agent] is None)
    return sum(lift * agents.weight[agent] for agent, lift in free)


def _level(
    stage: str, level: Fraction, cut: Cut | None, blocked: list[int], full: list[int]
) -> Level:
    """Write a level down as the plan states it."""
    prices: tuple[tuple[int, int, Fraction], ...] = ()
    multipliers: tuple[tuple[str, int, Fraction], ...] = ()
    if cut is not None and blocked:
        own = stage.removesuffix("s")
        rows = [(own, agent, lift) for agent, lift in cut.lifts]
        rows += cut.holders
        multipliers = tuple((kind, index, Fraction(value, cut.unit)) for kind, index, value in rows)
        prices = tuple((pool, slot, Fraction(value, cut.unit)) for pool, slot, value in cut.prices)
    return Level(
        stage=stage,
        parent=NOBODY,
        value=level / GRAIN,
        agents=tuple(sorted(blocked + full)),
        saturated=tuple(full),
        pool_slots=prices,
        multipliers=multipliers,
    )


def leximin(agents: Agents, oracle: Oracle) -> tuple[list[int], tuple[Level, ...]]:
    """Return everyone's grains in the weighted leximin, and the levels that prove it.

    Args:
        agents: weights and own limits.
        oracle: says what can be had together.
    """
    idle = [not weight or low >= high for weight, low, high in _limits(agents)]
    frozen = [low if still else None for still, low in zip(idle, agents.low, strict=True)]
    search = _Search(agents=agents, oracle=oracle, frozen=frozen, cuts=[])
    search.cuts = [(cut, search.highest(cut)) for cut in agents.known]
    while any(amount is None for amount in search.frozen):
        found = search.next_level()
        if found is None:
            rest = [agent for agent, amount in enumerate(search.frozen) if amount is None]
            top = max(Fraction(agents.high[agent], agents.weight[agent]) for agent in rest)
            search.freeze(max(top, search.last), None)
        else:
            search.freeze(*found)
    return [amount or 0 for amount in search.frozen], tuple(search.levels)


def _limits(agents: Agents) -> list[tuple[int, int, int]]:
    """Return (weight, low, high) of each agent."""
    return list(zip(agents.weight, agents.low, agents.high, strict=True))
