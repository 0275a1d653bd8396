"""Levels checked by weak duality: plain integers and fractions, standard library only.

For prices on pools and slots and multipliers on holders (a group, a fellow, an institute, a track)
every division of the fluid round keeps

    Σ multiplier · amount  ≤  Σ price · supply + Σ_r (best profit of request r at these prices),

since a request's multipliers pay for what it takes and the prices charge for it. What a request can
earn at most has a closed form: its slots are filled best earning per asked hour first.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from typing import Protocol, TypeAlias

MILLI = 1000
Holder: TypeAlias = tuple[str, int]
"""Kind (``group``, ``fellow``, ``institute``, ``track``) and index."""
BEYOND = 1 << 200
"""A price that no multiplier pays."""
Prices: TypeAlias = Mapping[int, Sequence[int]]
"""Price of each slot by pool; a pool without entry is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidRequest:
    """A request as the fluid round knows it.

    Attributes:
        pools: (pool, factor, speed) of the acceptable pools: thousandths of the unit and of a
            reference GPU-hour per GPU-hour.
        ask: thousandths of a reference GPU-hour.
        limit: most thousandths of a GPU-hour in one slot.
        joint: whether `limit` holds over all pools together or on each alone.
        first, end: window in slots.
        holders: who it belongs to.
    """

    pools: tuple[tuple[int, int, int], ...]
    ask: int
    limit: int
    joint: bool
    first: int
    end: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FluidRound:
    """Requests that may take hours, and the supply.

    Attributes:
        supply: thousandths of a GPU-hour by pool and slot.
        lengths: slots that each entry of the calendar stands for (all 1 unless slots are merged).
    """

    requests: tuple[FluidRequest, ...]
    supply: tuple[tuple[int, ...], ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stakes:
    """What levels are checked against.

    Attributes:
        fluid: the round with the requests that take part.
        weights: by stage; amounts are counted per these.
        parents: group of each fellow.
        most_alone: thousandths of the unit that a group or fellow can take at most.
        least, most: effective floors and stated caps.
    """

    fluid: FluidRound
    weights: Mapping[str, Sequence[int]]
    parents: Sequence[int]
    most_alone: Mapping[Holder, int]
    least: Mapping[Holder, int] = field(default_factory=dict)
    most: Mapping[Holder, int] = field(default_factory=dict)


def most_together(fluid: FluidRound, prices: Prices, multipliers: Mapping[Holder, int]) -> Fraction:
    """Return an upper bound of Σ multiplier · amount over all divisions of the fluid round.

    Args:
        fluid: the round.
        prices: non-negative integers, unit per GPU-hour.
        multipliers: integers.

    Returns:
        Thousandths of the unit.

    Raises:
        ValueError: If a price is negative.
    """
    if any(price < 0 for row in prices.values() for price in row):
        raise ValueError("A price is negative.")
    paid = sum(
        price * hours
        for pool, row in prices.items()
        for price, hours in zip(row, fluid.supply[pool], strict=True)
    )
    charged = _charged(fluid, prices)
    earned = Fraction(0)
    for request in fluid.requests:
        worth = sum(multipliers.get(holder, 0) for holder in request.holders)
        if worth > 0:
            rows = [charged[pool] for pool, _, _ in request.pools]
            earned += _profit(request, worth, rows, fluid.lengths)
    return paid + earned / MILLI


def _charged(fluid: FluidRound, prices: Prices) -> list[list[int]]:
    """Return prices by pool and slot; where there is no supply nobody can pay."""
    free = [0] * len(fluid.lengths)
    return [
        [price if hours else BEYOND for price, hours in zip(prices.get(pool, free), row, strict=True)]
        for pool, row in enumerate(fluid.supply)
    ]


def _profit(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Fraction | int:
    """Return the most a request earns, in thousandths of the bound's unit."""
    steps = _joint_steps if request.joint and len(rows) > 1 else _single_steps
    offers = steps(request, worth, rows, lengths)
    wanted = sum(speed * hours for (_, speed), hours in offers.items())
    left = request.ask * MILLI
    if wanted <= left:
        return sum(margin * hours for (margin, _), hours in offers.items())
    earned = 0
    best_first = sorted(offers, key=lambda offer: Fraction(offer[0], offer[1]), reverse=True)
    for margin, speed in best_first:
        hours = offers[margin, speed]
        if speed * hours > left:
            return earned + Fraction(margin * left, speed)
        earned += margin * hours
        left -= speed * hours
    return earned


def _single_steps(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Counter[tuple[int, int]]:
    """Return hours on offer by (margin, speed) where every pool has a limit of its own."""
    offers: Counter[tuple[int, int]] = Counter()
    window = lengths[request.first : request.end]
    for (_, factor, speed), row in zip(request.pools, rows, strict=True):
        for price, length in zip(row[request.first : request.end], window, strict=True):
            margin = worth * factor - MILLI * price
            if margin > 0:
                offers[margin, speed] += request.limit * length
    return offers


def _joint_steps(
    request: FluidRequest, worth: int, rows: Sequence[Sequence[int]], lengths: Sequence[int]
) -> Counter[tuple[int, int]]:
    """Return hours on offer by (margin, speed) steps where the pools share one limit.

    In a slot the choice between pools is the upper hull of their (speed, margin) points; moving
    on from one to the next is an offer of its own, and later steps never pay better.
    """
    alike: Counter[tuple[int, ...]] = Counter()
    window = range(request.first, request.end)
    for slot in window:
        alike[tuple(row[slot] for row in rows)] += lengths[slot]
    offers: Counter[tuple[int, int]] = Counter()
    for slot_prices, length in alike.items():
        points = [
            (speed, worth * factor - MILLI * price)
            for (_, factor, speed), price in zip(request.pools, slot_prices, strict=True)
        ]
        for speed, margin in _hull_steps(points):
            offers[margin, speed] += request.limit * length
    return offers


def _hull_steps(points: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the rising steps of the upper hull of (0, 0) and the points."""
    hull = [(0, 0)]
    for x, y in sorted(points):
        if y <= hull[-1][1]:
            continue
        while len(hull) > 1 or hull[-1][0] == x:
            if hull[-1][0] == x:
                hull.pop()
                continue
            (x0, y0), (x1, y1) = hull[-2], hull[-1]
            if (y1 - y0) * (x - x1) > (y - y1) * (x1 - x0):
                break
            hull.pop()
        hull.append((x, y))
    return [(b[0] - a[0], b[1] - a[1]) for a, b in zip(hull, hull[1:], strict=False)]


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


def _near(amount: int | Fraction) -> Fraction:
    """Return how far a published amount may be from the exact one."""
    return ROUNDING + Fraction(abs(amount)) / PRECISION


def _check_totals(case: Stakes, claimed: Mapping[Holder, int]) -> list[Fault]:
    """Fellows share what their group holds."""
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
        if abs(total - claimed["group", group])
        > members[group] * ROUNDING + _near(claimed["group", group])
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
            self.expect("amount", -1, agent, self.have(agent), self.low(agent))
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

    def wants(self, agent: int, value: Fraction) -> Fraction:
        """Return what an agent holds at a level."""
        raised = value * self.case.weights[self.stage][agent]
        return min(Fraction(self.high(agent)), max(Fraction(self.low(agent)), raised))

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
        for agent in level.agents:
            wanted = self.wants(agent, level.value)
            self.expect("amount", at, agent, self.have(agent), wanted)
            full = agent in level.saturated
            if full and wanted < self.high(agent):
                self.fault("freedom", at, agent, wanted, self.high(agent))
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
        held, slack = Fraction(0), Fraction(0)
        for holder, multiplier in multipliers.items():
            amount = self.rests_on(holder, multiplier, level.value)
            held += multiplier * amount
            slack += abs(multiplier) * _near(amount)
        if bound > held + slack:
            self.fault("bound", at, -1, held / whole, bound / whole)

    def rests_on(self, holder: Holder, multiplier: int, value: Fraction) -> Fraction:
        """Return the amount that a multiplier's row is at least, or at most."""
        kind, agent = holder
        if multiplier < 0:
            return Fraction(self.most.get(holder, 1 << 200))
        if kind != self.kind:
            return Fraction(self.least.get(holder, 0))
        if agent in self.frozen:
            return Fraction(self.have(agent))
        return self.wants(agent, value)

    def expect(
        self, rule: str, at: int, agent: int, stated: int, allowed: int | Fraction
    ) -> None:
        """Note a fault unless two amounts are as near as rounding leaves them."""
        if abs(stated - allowed) > _near(allowed):
            self.fault(rule, at, agent, stated, allowed)

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
