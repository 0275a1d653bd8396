"""Entitlements checked by weak duality: plain integers and fractions, standard library only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any, Protocol, TypeAlias

from solver.checking.pricing import Holder, most_together
from solver.checking.stakes import Stakes


class LevelLike(Protocol):
    """A level of a leximin, as the prover or a certificate states it."""

    @property
    def stage(self) -> str:
        """Return ``groups`` or ``fellows``."""

    @property
    def value(self) -> Fraction:
        """Return thousandths of the unit per weight."""

    @property
    def agents(self) -> tuple[int, ...]:
        """Return who is frozen there."""

    @property
    def saturated(self) -> tuple[int, ...]:
        """Return those of them who have all they can take."""

    @property
    def pool_slots(self) -> tuple[tuple[int, int, Fraction], ...]:
        """Return (pool, slot, price) rows."""

    @property
    def multipliers(self) -> tuple[tuple[str, int, Fraction], ...]:
        """Return (kind, index, multiplier) rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelClaim:
    """A level as a certificate states it; see `LevelLike`."""

    stage: str
    value: Fraction
    agents: tuple[int, ...]
    saturated: tuple[int, ...] = ()
    pool_slots: tuple[tuple[int, int, Fraction], ...] = ()
    multipliers: tuple[tuple[str, int, Fraction], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a claim of entitlements.

    Attributes:
        rule: ``coverage``, ``order``, ``amount``, ``total``, ``freedom`` or ``bound``.
        stage: ``groups`` or ``fellows``.
        level: position of the level in the list, -1 where it is about none.
        agent: index of the group or fellow, -1 where it is about none.
        stated, allowed: the two numbers that disagree.
    """

    rule: str
    stage: str
    level: int
    agent: int
    stated: Fraction
    allowed: Fraction


ROUNDING = 2
"""Thousandths of the unit by which a published amount may differ from the exact one."""
PRECISION = 10**7
"""A stated amount may miss the exact one by its part in this: what floating point leaves open."""
Ratio: TypeAlias = tuple[int, int]
"""A rational as numerator and positive denominator, not reduced: thousands are compared at once."""


def check_levels(
    case: Stakes, claimed: Mapping[Holder, int], levels: Sequence[LevelLike]
) -> list[Fault]:
    """Return what is wrong with stated entitlements; nothing when they are the leximin.

    Stage by stage and level by level: every agent is frozen once, levels rise, an amount is its
    level times its weight within its own limits, who is not held by an own limit is priced, and at
    the prices no division of the fluid round gives everyone still free more than the level while
    those frozen before keep theirs. Together this is the weighted leximin: an agent with a positive
    multiplier can get no more unless another falls below the level or below its frozen amount.

    Args:
        case: what the round puts at stake.
        claimed: thousandths of the unit of every group and fellow.
        levels: in order, groups first.
    """
    faults = _check_totals(case, claimed)
    for stage in ("groups", "fellows"):
        numbered = [(at, level) for at, level in enumerate(levels) if level.stage == stage]
        faults += _StageCheck(case, stage, claimed).run(numbered)
    return faults


def level_to_document(level: LevelLike, names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a level as a certificate states it: ids for indices, rationals as ``n/d``.

    Args:
        level: as the prover found it.
        names: ids by index for ``group``, ``fellow``, ``institute``, ``track`` and ``pool``.

    Returns:
        ``{stage, value, agents, saturated, prices, multipliers}``; prices are rows of pool, first
        slot, end slot (half open) and units per GPU-hour; multipliers rows of kind, id and number.
    """
    own = names[level.stage.removesuffix("s")]
    return {
        "stage": level.stage,
        "value": _ratio(level.value),
        "agents": sorted(own[agent] for agent in level.agents),
        "saturated": sorted(own[agent] for agent in level.saturated),
        "prices": [
            [names["pool"][pool], first, end, _ratio(price)]
            for pool, first, end, price in _ranges(level.pool_slots)
        ],
        "multipliers": sorted(
            [kind, names[kind][index], _ratio(number)] for kind, index, number in level.multipliers
        ),
    }


def level_from_document(
    document: Mapping[str, Any], indices: Mapping[str, Mapping[str, int]]
) -> LevelClaim:
    """Return the level that a certificate states; the inverse of `level_to_document`.

    Raises:
        ValueError: If a field is missing or a number, name or range makes no sense.
    """
    try:
        stage = str(document["stage"])
        own = indices[stage.removesuffix("s")]
        return LevelClaim(
            stage=stage,
            value=Fraction(document["value"]),
            agents=tuple(own[name] for name in document["agents"]),
            saturated=tuple(own[name] for name in document["saturated"]),
            pool_slots=tuple(
                (indices["pool"][pool], slot, Fraction(price))
                for pool, first, end, price in document["prices"]
                for slot in range(first, end)
            ),
            multipliers=tuple(
                (kind, indices[kind][name], Fraction(number))
                for kind, name, number in document["multipliers"]
            ),
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ValueError(f"A level of the certificate cannot be read: {error!r}.") from error


def _ratio(number: Fraction) -> str:
    """Return a rational as ``n/d``."""
    return f"{number.numerator}/{number.denominator}"


def _ranges(rows: Sequence[tuple[int, int, Fraction]]) -> list[tuple[int, int, int, Fraction]]:
    """Join slots of a pool that follow each other at one price."""
    ranges: list[tuple[int, int, int, Fraction]] = []
    for pool, slot, price in sorted(rows):
        if ranges and ranges[-1][0] == pool and ranges[-1][2:] == (slot, price):
            ranges[-1] = (pool, ranges[-1][1], slot + 1, price)
        else:
            ranges.append((pool, slot, slot + 1, price))
    return ranges


def _near(amount: int | Fraction) -> Fraction:
    """Return how far a published amount may be from the exact one."""
    return ROUNDING + Fraction(amount if amount >= 0 else -amount) / PRECISION


def _check_totals(case: Stakes, claimed: Mapping[Holder, int]) -> list[Fault]:
    """Fellows share what their group holds, but for rounding.

    Where hours count differently for each, keeping every group's total can trade at any rate
    between groups, so floating point may leave a part of the whole round's amount unshared.
    """
    whole = sum(claimed["group", group] for group in range(len(case.weights["groups"])))
    sums = [0] * len(case.weights["groups"])
    members = [0] * len(sums)
    for fellow, group in enumerate(case.parents):
        sums[group] += claimed["fellow", fellow]
        members[group] += 1
    return [
        Fault(
            rule="total",
            stage="fellows",
            level=-1,
            agent=group,
            stated=Fraction(total),
            allowed=Fraction(claimed["group", group]),
        )
        for group, total in enumerate(sums)
        if not -members[group] * ROUNDING - _near(whole)
        <= total - claimed["group", group]
        <= members[group] * ROUNDING + _near(claimed["group", group])
    ]


class _StageCheck:
    """One stage under check."""

    def __init__(self, case: Stakes, stage: str, claimed: Mapping[Holder, int]) -> None:
        self.case = case
        self.stage = stage
        self.kind = stage.removesuffix("s")
        self.claimed = claimed
        self.faults: list[Fault] = []
        self.least, self.most = dict(case.least), dict(case.most)
        if stage == "fellows":
            for group in range(len(case.weights["groups"])):
                self.least["group", group] = claimed["group", group]
                self.most["group", group] = claimed["group", group]
        self.frozen = {
            agent
            for agent, weight in enumerate(case.weights[stage])
            if not weight or self.low(agent) >= self.high(agent)
        }

    def low(self, agent: int) -> int:
        """Return the least an agent holds."""
        return self.case.least.get((self.kind, agent), 0)

    def high(self, agent: int) -> int:
        """Return the most an agent can hold."""
        alone = self.case.most_alone[self.kind, agent]
        if self.stage == "groups":
            return alone
        return min(alone, self.claimed["group", self.case.parents[agent]])

    def run(self, levels: Sequence[tuple[int, LevelLike]]) -> list[Fault]:
        """Check the stage."""
        for agent in sorted(self.frozen):
            self.expect("amount", -1, agent, (self.low(agent), 1))
        before = Fraction(0)
        for at, level in levels:
            self.check_order(at, level, before)
            self.check_amounts(at, level)
            self.check_bound(at, level)
            self.frozen.update(level.agents)
            before = level.value
        for agent in range(len(self.case.weights[self.stage])):
            if agent not in self.frozen:
                self.fault("coverage", -1, agent, 0, 1)
        return self.faults

    def have(self, agent: int) -> int:
        """Return what an agent is said to hold."""
        return self.claimed[self.kind, agent]

    def wants(self, agent: int, value: Fraction) -> Ratio:
        """Return what an agent holds at a level."""
        above = value.numerator * self.case.weights[self.stage][agent]
        below = value.denominator
        low, high = self.low(agent), self.high(agent)
        if above <= low * below:
            return min(low, high), 1
        return (high, 1) if above >= high * below else (above, below)

    def check_order(self, at: int, level: LevelLike, before: Fraction) -> None:
        """Levels rise, and freeze everyone once."""
        if level.value < before:
            self.fault("order", at, -1, level.value, before)
        for agent in level.agents:
            if agent in self.frozen or not 0 <= agent < len(self.case.weights[self.stage]):
                self.fault("coverage", at, agent, 2, 1)

    def check_amounts(self, at: int, level: LevelLike) -> None:
        """What is frozen is the level times the weight, within own limits."""
        priced = {index for kind, index, m in level.multipliers if kind == self.kind and m > 0}
        saturated = set(level.saturated)
        for agent in level.agents:
            wanted = self.wants(agent, level.value)
            self.expect("amount", at, agent, wanted)
            full = agent in saturated
            if full and wanted[0] < self.high(agent) * wanted[1]:
                self.fault("freedom", at, agent, Fraction(*wanted), self.high(agent))
            if not full and agent not in priced:
                self.fault("freedom", at, agent, 0, 1)

    def check_bound(self, at: int, level: LevelLike) -> None:
        """At the level's prices nobody still free can have more."""
        if set(level.agents) <= set(level.saturated):
            return
        whole = lcm(
            *(price.denominator for _, _, price in level.pool_slots),
            *(multiplier.denominator for _, _, multiplier in level.multipliers),
        )
        multipliers = {(kind, index): int(m * whole) for kind, index, m in level.multipliers}
        prices: dict[int, list[int]] = {}
        for pool, slot, price in level.pool_slots:
            row = prices.setdefault(pool, [0] * len(self.case.fluid.lengths))
            row[slot] = int(price * whole)
        if any(price < 0 for row in prices.values() for price in row):
            self.fault("bound", at, -1, -1, 0)
            return
        bound = most_together(self.case.fluid, prices, multipliers)
        held, near = self.resting(multipliers, level.value)
        slack = ROUNDING * sum(map(abs, multipliers.values())) + near / PRECISION
        if bound > held + slack:
            self.fault("bound", at, -1, held / whole, bound / whole)

    def resting(
        self, multipliers: Mapping[Holder, int], value: Fraction
    ) -> tuple[Fraction, Fraction]:
        """Return Σ multiplier · amount and Σ |multiplier · amount| over the rows of a level.

        The amounts have few denominators: each is added up by itself.
        """
        held: dict[int, int] = {}
        near: dict[int, int] = {}
        for holder, multiplier in multipliers.items():
            above, below = self.rests_on(holder, multiplier, value)
            held[below] = held.get(below, 0) + multiplier * above
            near[below] = near.get(below, 0) + abs(multiplier * above)
        together = (Fraction(above, below) for below, above in held.items())
        apart = (Fraction(above, below) for below, above in near.items())
        return sum(together, Fraction(0)), sum(apart, Fraction(0))

    def rests_on(self, holder: Holder, multiplier: int, value: Fraction) -> Ratio:
        """Return the amount that a multiplier's row is at least, or at most."""
        kind, agent = holder
        if multiplier < 0:
            return self.most.get(holder, 1 << 200), 1
        if kind != self.kind:
            return self.least.get(holder, 0), 1
        if agent in self.frozen:
            return self.have(agent), 1
        return self.wants(agent, value)

    def expect(self, rule: str, at: int, agent: int, allowed: Ratio) -> None:
        """Note a fault unless what an agent holds is as near as rounding leaves it (`_near`)."""
        above, below = allowed
        off = abs(self.have(agent) * below - above)
        if off * PRECISION > ROUNDING * PRECISION * below + abs(above):
            self.fault(rule, at, agent, self.have(agent), Fraction(above, below))

    def fault(
        self, rule: str, at: int, agent: int, stated: int | Fraction, allowed: int | Fraction
    ) -> None:
        """Note a fault."""
        self.faults.append(
            Fault(
                rule=rule,
                stage=self.stage,
                level=at,
                agent=agent,
                stated=Fraction(stated),
                allowed=Fraction(allowed),
            )
        )
