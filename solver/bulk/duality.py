"""Entitlements checked by weak duality over arrays: surely right, or in doubt.

The story is that of `solver.checking.duality`. Amounts are compared in doubles, whose errors are a
small part of what a stated amount may miss anyway; whatever is not clear beyond them is in doubt.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import SAFE, distinct, indices, places, rows_of, sums, texts, whole
from solver.bulk.documents import Doubt
from solver.bulk.stakes import BulkStakes, bulk_stakes
from solver.checking.duality import PRECISION, ROUNDING
from solver.checking.levels import StatedEntitlement, by_market
from solver.problem import BoolArray, FloatArray, IntArray

RATIO = re.compile(r"-?[0-9]+/[0-9]+")
MISSED = 2.0**-50
"""A rounded product of two rounded numbers misses by less than this part of itself."""
ADDED = 2.0**-32
"""Sums of many of them miss by less than this part of the sum of their sizes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """A level as a certificate states it.

    Attributes:
        kind: ``group`` or ``fellow``; agents, saturated: indices of those frozen there.
        prices: ``(p, t)`` unit per GPU-hour; rates: multipliers by kind, with one entry more.
    """

    kind: str
    value: Fraction
    agents: IntArray
    saturated: BoolArray
    prices: FloatArray
    rates: Mapping[str, FloatArray]


def levels(case: BulkCase, stated: StatedEntitlement) -> int:
    """Return how many checks the plain rule of this name makes, all of which hold."""
    if by_market(case) or (not case.plan.groups and not stated.levels):
        return 0
    groups = list(case.round.groups)
    claimed = {
        "group": np.array([case.plan.groups.get(name, 0) for name in groups], dtype=np.int64),
        "fellow": case.answer.right,
    }
    if max(int(each.max(initial=0)) for each in claimed.values()) >= SAFE:
        raise Doubt("Entitlements are more than doubles count exactly.")
    read = list(_read(case, stated))
    stakes = bulk_stakes(case)
    _totals(case, claimed)
    for kind in ("group", "fellow"):
        _Stage(stakes, kind, claimed, case.table.fellows.group).run(
            [level for level in read if level.kind == kind]
        )
    return len(groups) + claimed["fellow"].size + len(read)


def _read(case: BulkCase, stated: StatedEntitlement) -> Iterator[Level]:
    """Read the levels."""
    at = {
        "group": indices(list(case.round.groups)),
        "fellow": case.table.fellows.at,
        "institute": case.table.institutes,
        "track": indices(list(case.round.tracks)),
        "pool": indices(list(case.round.pools)),
    }
    for document in stated.levels:
        row: Mapping[str, Any] = document
        if row["stage"] not in {"groups", "fellows"}:
            raise Doubt("A stage has no levels.")
        kind = row["stage"].removesuffix("s")
        saturated = np.zeros(len(at[kind]), dtype=np.bool_)
        saturated[_listed(row["saturated"], at[kind])] = True
        yield Level(
            kind=kind,
            value=Fraction(_rational(row["value"])),
            agents=_listed(row["agents"], at[kind]),
            saturated=saturated,
            prices=_prices(row["prices"], at["pool"], case.round.slots),
            rates=_rates(row["multipliers"], at),
        )


def _listed(names: object, at: Mapping[str, int]) -> IntArray:
    """Return the indices of names in a list."""
    if not isinstance(names, list):
        raise Doubt("No list of names.")
    return places(names, at)


def _rational(text: object) -> str:
    """Return the text of an exact rational."""
    if not (isinstance(text, str) and RATIO.fullmatch(text)):
        raise Doubt("A number is no ratio.")
    return text


def _doubles(numbers: list[Any]) -> list[float]:
    """Return the doubles nearest to exact rationals; most of them are few."""
    near = {}
    for text in set(texts(numbers)):
        above, _, below = _rational(text).partition("/")
        near[text] = int(above) / int(below)
    return [near[text] for text in numbers]


def _prices(rows: object, pools: Mapping[str, int], slots: int) -> FloatArray:
    """Return ``(p, t)`` prices; where a slot is named twice, the last one."""
    flat = rows_of(rows, 4)
    pool, first, end = places(flat[0::4], pools), whole(flat[1::4]), whole(flat[2::4])
    if not ((first < end) & (end <= slots)).all():
        raise Doubt("A price is of no slots.")
    prices = np.zeros((len(pools), slots))
    for at, price in enumerate(_doubles(flat[3::4])):
        prices[pool[at], first[at] : end[at]] = price
    if (prices < 0).any():
        raise Doubt("A price is negative.")
    return prices


def _rates(rows: object, at: Mapping[str, Mapping[str, int]]) -> dict[str, FloatArray]:
    """Return multipliers by kind, each holder's stated once."""
    flat = rows_of(rows, 3)
    kinds, names = texts(flat[0::3]), flat[1::3]
    numbers = np.array(_doubles(flat[2::3]))
    rates = {kind: np.zeros(len(known) + 1) for kind, known in at.items() if kind != "pool"}
    if not set(kinds) <= rates.keys():
        raise Doubt("A multiplier is of no kind.")
    which = np.array(kinds)
    for kind in set(kinds):
        some = np.flatnonzero(which == kind)
        holder = places([names[each] for each in some.tolist()], at[kind])
        if distinct(holder).size < holder.size:
            raise Doubt("A holder has two multipliers.")
        rates[kind][holder] = numbers[some]
    return rates


def _totals(case: BulkCase, claimed: Mapping[str, IntArray]) -> None:
    """Fellows share what their group holds, but for rounding."""
    group, held = case.table.fellows.group, claimed["group"].tolist()
    shared = sums(group, claimed["fellow"], len(held)).tolist()
    members = np.bincount(group, minlength=len(held)).tolist()
    for total, own, count in zip(shared, held, members, strict=True):
        least = -count * ROUNDING - _near(sum(held))
        _sure(least <= total - own <= count * ROUNDING + _near(own))


def _near(amount: int) -> Fraction:
    """Return how far a published amount may be from the exact one."""
    return ROUNDING + Fraction(amount, PRECISION)


def _sure(truth: object) -> None:
    """Go on only if something is true."""
    if not truth:
        raise Doubt("A level does not surely hold.")


class _Stage:
    """One stage under check."""

    def __init__(
        self, stakes: BulkStakes, kind: str, claimed: Mapping[str, IntArray], group: IntArray
    ) -> None:
        self.stakes, self.kind = stakes, kind
        self.have, self.weight = claimed[kind], stakes.weights[kind]
        self.least, self.most = dict(stakes.least), dict(stakes.most)
        self.low, self.high = stakes.least[kind].astype(np.int64), stakes.alone[kind]
        if kind == "fellow":
            self.least["group"] = self.most["group"] = claimed["group"].astype(np.float64)
            self.high = np.minimum(self.high, claimed["group"][group])
        self.frozen = (self.weight == 0) | (self.low >= self.high)

    def run(self, stated: list[Level]) -> None:
        """Check the stage."""
        self.check_amounts(np.flatnonzero(self.frozen), self.low.astype(np.float64))
        before = Fraction(0)
        for level in stated:
            _sure(level.value >= before)
            _sure(distinct(level.agents).size == level.agents.size)
            _sure(not self.frozen[level.agents].any())
            wanted = self.wants(level.value)
            self.check_amounts(level.agents, wanted)
            self.check_freedom(level)
            if not level.saturated[level.agents].all():
                self.check_bound(level, wanted)
            self.frozen[level.agents] = True
            before = level.value
        _sure(self.frozen.all())

    def wants(self, value: Fraction) -> FloatArray:
        """Return ``(n,)`` what agents that are not frozen hold at a level."""
        return np.clip(float(value) * self.weight, self.low, self.high)

    def check_amounts(self, agents: IntArray, wanted: FloatArray) -> None:
        """Agents hold what they should, as near as rounding leaves it."""
        size = wanted[agents]
        off = np.abs(self.have[agents] - size) + MISSED * size
        _sure((off <= ROUNDING + size * ((1 - ADDED) / PRECISION)).all())

    def check_freedom(self, level: Level) -> None:
        """Who is said to be full has all there is, who is not is priced."""
        full = level.saturated[level.agents]
        _sure((level.rates[self.kind][level.agents[~full]] > 0).all())
        some = level.agents[full]
        above, below = level.value.numerator, level.value.denominator
        unclear = some[(float(level.value) * self.weight * (1 - MISSED))[some] < self.high[some]]
        for weight, high in zip(
            self.weight[unclear].tolist(), self.high[unclear].tolist(), strict=True
        ):
            _sure(above * weight >= high * below)

    def check_bound(self, level: Level, wanted: FloatArray) -> None:
        """At the level's prices nobody still free can have more."""
        most = self.stakes.fluid.most_together(level.prices, level.rates)
        held = near = listed = 0.0
        for kind, rates in level.rates.items():
            some = np.flatnonzero(rates)
            rate, least = rates[some], self.least[kind]
            if kind == self.kind:
                least = np.where(self.frozen, self.have, wanted)
            amounts = rate * np.where(rate > 0, least[some], self.most[kind][some])
            held += float(amounts.sum())
            near += float(np.abs(amounts).sum())
            listed += float(np.abs(rate).sum())
        slack = ROUNDING * listed + near / PRECISION
        _sure(most + ADDED * (near + most) <= held + slack)
