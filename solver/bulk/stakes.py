"""What is at stake in the fluid round, and what requests earn at prices, over arrays.

Earnings are added up in doubles and rounded up by more than their error: a bound of a bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import EXACT, SAFE, distinct, indices, product, ranked, sums
from solver.bulk.documents import Doubt
from solver.bulk.tables import Requests
from solver.checking.limits import limits
from solver.checking.pricing import MILLI
from solver.problem import NOBODY, BoolArray, FloatArray, IntArray

AT_ONCE = 1 << 22
"""So many hours on offer are looked at at once."""
ERROR = 2.0**-40
"""Sums of doubles miss by far less than this part of the sum of their sizes."""
UNCAPPED = np.inf
MOST_POOLS = 62
"""Sets of so many pools fit into 64 bits."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BulkFluid:
    """The fluid round of a case, its requests as arrays.

    Attributes:
        case: whose round it is; taking: ``(r,)`` requests that take part; limit: ``(r,)``
            thousandths of a GPU-hour a slot; joint: ``(r,)`` whether it holds over all pools.
    """

    case: BulkCase
    taking: BoolArray
    limit: IntArray
    joint: BoolArray

    def most_together(self, prices: FloatArray, rates: Mapping[str, FloatArray]) -> float:
        """Return no less than Σ multiplier · amount of any division, in thousandths of the unit.

        Args:
            prices: ``(p, t)`` unit per GPU-hour, none negative.
            rates: multipliers by kind, with an entry more, 0, for nobody.
        """
        supply = self.case.table.supply
        paid = float((prices * supply).sum())
        return (paid + self._earned(np.where(supply > 0, prices, np.inf), rates) / MILLI) * (
            1 + ERROR
        )

    def _earned(self, prices: FloatArray, rates: Mapping[str, FloatArray]) -> float:
        """Return no less than all requests earn together, in thousandths of the bound's unit."""
        above = {kind: each + ERROR * np.abs(each) for kind, each in rates.items()}
        worth = self._over(above)
        rich = np.flatnonzero((worth > 0) & self.taking)
        pools = (self.case.factors[rich] > 0).sum(axis=1)
        shared = self.joint[rich] & (pools > 1)
        most = 0.0
        for some, together in ((rich[shared], True), (rich[~shared], False)):
            for part in np.array_split(some, max(1, some.size * prices.size // AT_ONCE)):
                profits = self._profits(part, worth[part], prices, together=together)
                most += float(profits.sum())
        return most * (1 + ERROR)

    def _over(self, per: Mapping[str, FloatArray]) -> FloatArray:
        """Return ``(r,)`` sums over the holders of each request; the last entry is nobody's."""
        table = self.case.table
        of_fellows = per["fellow"][:-1] + per["group"][table.fellows.group]
        of_fellows += per["institute"][table.institute]
        worth: FloatArray = of_fellows[table.requests.fellow] + per["track"][table.requests.track]
        return worth

    def _profits(
        self, rich: IntArray, worth: FloatArray, prices: FloatArray, *, together: bool
    ) -> FloatArray:
        """Return ``(n,)`` the most each of some requests earns: best-earning hours first.

        Slots at one price of every pool count as one kind. Where pools that are equally fast share
        a limit, a slot's hours go to the best of them.
        """
        requests = self.case.table.requests
        kinds, kind = np.unique(prices, axis=1, return_inverse=True)
        passed = np.zeros((kind.size + 1, kinds.shape[1]), dtype=np.int64)
        np.cumsum(kind[:, None] == np.arange(kinds.shape[1]), axis=0, out=passed[1:])
        slots = (passed[requests.end[rich]] - passed[requests.first[rich]])[:, None]
        factor, speed = self.case.factors[rich], requests.speed[rich]
        margin = worth[:, None, None] * factor[:, :, None] - MILLI * kinds[None]
        paying = (slots > 0) & (speed > 0)[:, :, None] & (margin > 0)
        if together:
            fast = speed.max(axis=1, initial=0, keepdims=True)
            if ((speed > 0) & (speed != fast)).any():
                raise Doubt("Unlike pools share a limit; the plain checker knows their hull.")
            margin = np.where(paying, margin, 0.0).max(axis=1, keepdims=True)
            speed, paying = fast, margin > 0
        margin = np.where(paying, margin, 0.0)
        hours = np.where(paying, self.limit[rich, None, None] * slots.astype(np.float64), 0.0)
        asked: FloatArray = hours * speed[:, :, None].astype(np.float64)
        if rich.size and float(asked.sum(axis=(1, 2)).max()) >= SAFE:
            raise Doubt("Hours are more than doubles count exactly.")
        left = requests.ask[rich].astype(np.float64) * MILLI
        earned: FloatArray = (margin * hours).sum(axis=(1, 2))
        short = np.flatnonzero(asked.sum(axis=(1, 2)) * (1 + ERROR) > left)
        if short.size:
            each: FloatArray = margin[short] / np.maximum(speed[short, :, None], 1)
            earned[short] = _best_first(
                each.reshape(short.size, -1), asked[short].reshape(short.size, -1), left[short]
            )
        return earned


def _best_first(per_hour: FloatArray, asked: FloatArray, left: FloatArray) -> FloatArray:
    """Return what the best-earning asked hours earn, up to what is left of the ask."""
    order = np.argsort(-per_hour, axis=1)
    rates = np.take_along_axis(per_hour, order, axis=1)
    hours = np.take_along_axis(asked, order, axis=1)
    before = np.cumsum(hours, axis=1) - hours
    found: FloatArray = (rates * np.clip(left[:, None] - before, 0, hours)).sum(axis=1)
    return found * (1 + ERROR)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BulkStakes:
    """What levels are checked against; amounts in thousandths of the unit.

    Attributes:
        fluid: the round with the requests that take part.
        weights: by kind, groups and fellows: ``(n,)`` what amounts are counted per.
        alone: by kind, groups and fellows: ``(n,)`` what each can take at most.
        least, most: by kind: ``(n,)`` effective floors, and caps, which may be infinite.
    """

    fluid: BulkFluid
    weights: Mapping[str, IntArray]
    alone: Mapping[str, IntArray]
    least: Mapping[str, FloatArray]
    most: Mapping[str, FloatArray]


def bulk_stakes(case: BulkCase) -> BulkStakes:
    """Return what levels are checked against, derived from the round's arrays."""
    reached, group = reach(case), case.table.fellows.group
    weights = {"group": _group_weights(case, reached), "fellow": case.weight}
    floors, most = _limits(case)
    holds = ((weights["group"] > 0) | (floors["group"] > 0))[group]
    fellow = case.table.requests.fellow
    taking = case.eligible & ((case.weight > 0) & holds)[fellow]
    sums_of = _sums_of(case, np.where(taking, reached, 0))
    alone = {"fellow": _at_most(sums_of["fellow"], most["fellow"])}
    alone["group"] = _at_most(sums(group, alone["fellow"], most["group"].size), most["group"])
    reachable = sums_of | alone
    return BulkStakes(
        fluid=BulkFluid(case=case, taking=taking, limit=_limit(case), joint=case.joint),
        weights=weights,
        alone=alone,
        least={kind: np.minimum(each, reachable[kind]) for kind, each in floors.items()},
        most=most,
    )


def _at_most(amounts: IntArray, caps: FloatArray) -> IntArray:
    """Return amounts that doubles can hold, cut at caps."""
    if amounts.max(initial=0) >= SAFE:
        raise Doubt("Amounts are more than doubles count exactly.")
    return np.minimum(amounts, caps).astype(np.int64)


def _limits(case: BulkCase) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return stated floors and caps by kind; the format keeps both where doubles are exact."""
    stated, table = limits(case), case.table
    floors, caps = {}, {}
    for kind, at in (
        ("fellow", table.fellows.at),
        ("group", indices(list(case.round.groups))),
        ("institute", table.institutes),
        ("track", indices(list(case.round.tracks))),
    ):
        floors[kind], caps[kind] = np.zeros(len(at)), np.full(len(at), UNCAPPED)
        for name, share in stated[kind].items():
            if name in at:
                floors[kind][at[name]] = share.floor
                caps[kind][at[name]] = UNCAPPED if share.cap is None else share.cap
    return floors, caps


def _limit(case: BulkCase) -> IntArray:
    """Return ``(r,)`` thousandths of a GPU-hour that a request can take in a slot."""
    gpus = case.table.requests.max_gpus
    return product(gpus, np.full_like(gpus, case.round.slot_hours))


def reach(case: BulkCase) -> IntArray:
    """Return ``(r,)`` the most each request alone can take: thousandths of the unit."""
    requests, factors, shared = case.table.requests, case.factors, case.joint
    if len(case.round.pools) > MOST_POOLS:
        raise Doubt("Sets of pools are more than fit into 64 bits.")
    left = product(requests.ask, np.full_like(requests.ask, MILLI))
    units, before, filled = np.zeros((3, left.size), dtype=np.int64)
    done, rows = np.zeros(left.size, dtype=np.bool_), np.arange(left.size)
    for pool in _filling(requests, factors).T:
        speed, factor = requests.speed[rows, pool], factors[rows, pool]
        filled = np.where(shared, filled, 0) + np.where(speed > 0, 1 << pool, 0)
        upto = _room(case, filled)
        hours, before = upto - np.where(shared, before, 0), upto
        needs, brings = product(hours, speed), product(hours, factor)
        last = ~done & (needs > left)
        part = product(left, factor) // np.maximum(speed, 1)
        units += np.where(done, 0, np.where(last, part, brings))
        done |= last
        left = np.where(done, left, left - needs)
    return units // MILLI


def _room(case: BulkCase, pools: IntArray) -> IntArray:
    """Return ``(r,)`` thousandths of a GPU-hour that each request's window offers it in some pools.

    Args:
        case: round and plan.
        pools: ``(r,)`` sets of pools as bits; their most GPUs hold over all of them together.
    """
    requests, supply = case.table.requests, case.table.supply
    limits, limit = ranked(_limit(case))
    sets, chosen = ranked(pools)
    kinds, kind = ranked(chosen * limits.size + limit)
    bits = (sets[:, None] >> np.arange(supply.shape[0])) & 1
    offered = np.minimum((bits @ supply)[kinds // limits.size], limits[kinds % limits.size, None])
    passed = np.zeros((kinds.size, supply.shape[1] + 1), dtype=np.int64)
    np.cumsum(offered, axis=1, out=passed[:, 1:])
    return passed[kind, requests.end] - passed[kind, requests.first]


def _filling(requests: Requests, factors: IntArray) -> IntArray:
    """Return ``(r, p)`` pools in the order of filling: what an asked hour brings, then speed."""
    speed = requests.speed
    worth = np.where(speed > 0, -factors / np.maximum(speed, 1), np.inf)
    return np.lexsort((-speed, worth), axis=1)


def _sums_of(case: BulkCase, reached: IntArray) -> dict[str, IntArray]:
    """Return by kind what the requests of each holder reach together."""
    table = case.table
    fellow = table.requests.fellow
    found = {}
    for kind, whose, count in (
        ("fellow", fellow, len(table.fellows.at)),
        ("group", table.fellows.group[fellow], len(case.round.groups)),
        ("institute", table.institute[fellow], len(table.institutes)),
        ("track", table.requests.track, len(case.round.tracks)),
    ):
        some = whose != NOBODY
        found[kind] = sums(whose[some], reached[some], count)
    return found


def _group_weights(case: BulkCase, alone: IntArray) -> IntArray:
    """Return ``(g,)`` what amounts of groups are counted per."""
    if case.policy is None:
        raise Doubt("Weights are a policy's.")
    groups, table, some = list(case.round.groups.values()), case.table, case.eligible
    rule = case.policy.group_weight
    if rule == "weight":
        return np.array([group.weight for group in groups], dtype=np.int64)
    fellow = table.requests.fellow[some]
    if rule == "fellows":
        group = table.fellows.group[distinct(fellow)]
        return np.bincount(group, minlength=len(groups)).astype(np.int64)
    demand = alone if case.plan.unit == "service_units" else table.requests.ask
    if float(demand.sum(dtype=np.float64)) >= EXACT:
        raise Doubt("Demand is too large.")
    return sums(table.fellows.group[fellow], demand[some], len(groups))
