"""What is at stake in the fluid round, and what requests earn at prices, over arrays.

Earnings are added up in doubles and rounded up by more than their error: a bound of a bound. Where
that is too coarse to show that a level holds, the plain checker works it out in exact rationals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.bulk.case import BulkCase
from solver.bulk.columns import EXACT, SAFE, product, sums
from solver.bulk.documents import Doubt
from solver.bulk.tables import Requests
from solver.checking.levels import plain_round
from solver.checking.pricing import BEYOND, MILLI, FluidRound, Holder
from solver.checking.stakes import Stakes, derived
from solver.problem import BoolArray, FloatArray, IntArray

AT_ONCE = 1 << 22
"""So many hours on offer are looked at at once."""
ERROR = 2.0**-40
"""Sums of doubles miss by far less than this part of the sum of their sizes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BulkFluid(FluidRound):
    """The fluid round of a case, its requests as arrays.

    Attributes:
        case: whose round it is; taking: ``(r,)`` requests that take part; limit: ``(r,)``
            thousandths of a GPU-hour a slot; joint: ``(r,)`` whether it holds over all pools.
    """

    case: BulkCase
    taking: BoolArray
    limit: IntArray
    joint: BoolArray

    def earned(self, charged: Sequence[Sequence[int]], multipliers: Mapping[Holder, int]) -> int:
        """Return no less than all requests earn together, in thousandths of the bound's unit."""
        worth, scale = self._worth(multipliers)
        prices = np.array(
            [[np.inf if price >= BEYOND else price / scale for price in row] for row in charged]
        )
        rich = np.flatnonzero((worth > 0) & self.taking)
        pools = (self.case.factors[rich] > 0).sum(axis=1)
        shared = self.joint[rich] & (pools > 1)
        most = 0.0
        for some, together in ((rich[shared], True), (rich[~shared], False)):
            for part in np.array_split(some, max(1, some.size * prices.size // AT_ONCE)):
                profits = self._profits(part, worth[part], prices, together=together)
                most += float(profits.sum())
        return int(np.ceil(most * (1 + ERROR))) * scale + scale

    def _worth(self, multipliers: Mapping[Holder, int]) -> tuple[FloatArray, int]:
        """Return ``(r,)`` what a unit is worth to each request, in a scale that doubles bear."""
        largest = max(map(abs, multipliers.values()), default=1)
        scale = max(largest >> 40, 1)
        table = self.case.table
        per = {
            kind: np.zeros(size + 1)
            for kind, size in (
                ("fellow", len(table.fellows.at)),
                ("group", len(self.case.round.groups)),
                ("institute", len(table.institutes)),
                ("track", len(self.case.round.tracks)),
            )
        }
        for (kind, index), multiplier in multipliers.items():
            per[kind][index] = multiplier / scale
        worth = self._over(per)
        size = self._over({kind: np.abs(each) for kind, each in per.items()})
        return worth + ERROR * size, scale

    def _over(self, per: Mapping[str, FloatArray]) -> FloatArray:
        """Return ``(r,)`` sums over the holders of each request; the last entry is nobody's."""
        table = self.case.table
        fellow = table.requests.fellow
        worth: FloatArray = (
            per["fellow"][fellow]
            + per["group"][table.fellows.group[fellow]]
            + per["institute"][table.institute[fellow]]
            + per["track"][table.requests.track]
        )
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


def bulk_stakes(case: BulkCase, names: Mapping[str, Sequence[str]]) -> Stakes:
    """Return what levels are checked against, derived from the round's arrays."""
    if list(case.table.institutes) != list(names["institute"]):
        raise Doubt("Institutes are in another order.")
    alone = reach(case)
    plain = replace(plain_round(_without_requests(case), names), requests=())
    group_weight = _group_weights(case, alone)
    group = case.table.fellows.group[case.table.requests.fellow]
    floors = np.array([each.floor for each in plain.groups])
    holds = ((group_weight > 0) | (floors > 0))[group]
    taking = case.eligible & (case.weight > 0)[case.table.requests.fellow] & holds
    units = _sums_of(case, alone, taking)
    fluid = BulkFluid(
        requests=(),
        supply=plain.supply,
        lengths=(1,) * len(plain.supply[0]),
        case=case,
        taking=taking,
        limit=_limit(case),
        joint=joint(case),
    )
    return derived(plain, fluid, group_weight.tolist(), case.weight.tolist(), units)


def _without_requests(case: BulkCase) -> BulkCase:
    """Return the case without its requests, which nobody has to read one by one."""
    return replace(case, round=replace(case.round, requests={}))


def _limit(case: BulkCase) -> IntArray:
    """Return ``(r,)`` thousandths of a GPU-hour that a request can take in a slot."""
    gpus = case.table.requests.max_gpus
    return product(gpus, np.full_like(gpus, case.round.slot_hours))


def joint(case: BulkCase) -> BoolArray:
    """Return ``(r,)`` whether the most GPUs hold over all pools together."""
    requests = case.table.requests
    if case.plan.unit == "reference_hours":
        return np.ones(len(requests.at), dtype=np.bool_)
    charge = np.broadcast_to(case.table.charge, requests.speed.shape)
    dearest = np.where(requests.speed > 0, charge, -1).max(axis=1)
    cheapest = np.where(requests.speed > 0, charge, np.iinfo(np.int64).max).min(axis=1)
    alike: BoolArray = (dearest == cheapest) | (dearest < 0)
    return alike


def reach(case: BulkCase) -> IntArray:
    """Return ``(r,)`` the most each request alone can take: thousandths of the unit."""
    requests, supply, factors = case.table.requests, case.table.supply, case.factors
    limit, shared = _limit(case), joint(case)
    left, units = product(requests.ask, np.full_like(requests.ask, MILLI)), np.zeros_like(limit)
    used = np.zeros((limit.size, supply.shape[1]), dtype=np.int64)
    inside = _inside(requests, supply.shape[1])
    done = np.zeros(limit.size, dtype=np.bool_)
    rows = np.arange(limit.size)
    for pool in _filling(requests, factors).T:
        speed, factor = requests.speed[rows, pool], factors[rows, pool]
        room = np.where(shared[:, None], limit[:, None] - used, limit[:, None])
        take = np.where(inside & (speed > 0)[:, None], np.minimum(room, supply[pool]), 0)
        used += take
        hours = take.sum(axis=1)
        needs, brings = product(hours, speed), product(hours, factor)
        last = ~done & (needs > left)
        part = product(left, factor) // np.maximum(speed, 1)
        units += np.where(done, 0, np.where(last, part, brings))
        done |= last
        left = np.where(done, left, left - needs)
    return units // MILLI


def _inside(requests: Requests, slots: int) -> BoolArray:
    """Return ``(r, t)`` which slots lie in the window."""
    at = np.arange(slots)
    inside: BoolArray = (at >= requests.first[:, None]) & (at < requests.end[:, None])
    return inside


def _filling(requests: Requests, factors: IntArray) -> IntArray:
    """Return ``(r, p)`` pools in the order of filling: what an asked hour brings, then speed."""
    speed = requests.speed
    worth = np.where(speed > 0, -factors / np.maximum(speed, 1), np.inf)
    return np.lexsort((-speed, worth), axis=1)


def _sums_of(case: BulkCase, alone: IntArray, taking: BoolArray) -> dict[Holder, int]:
    """Return what the requests of each holder that take part can take, each alone."""
    table = case.table
    fellow, units = table.requests.fellow[taking], alone[taking]
    track = table.requests.track[taking]
    found: dict[Holder, int] = {}
    for kind, whose in (
        ("fellow", fellow),
        ("group", table.fellows.group[fellow]),
        ("institute", table.institute[fellow]),
        ("track", track),
    ):
        some = whose >= 0
        amounts = sums(whose[some], units[some], int(whose.max(initial=-1)) + 1).tolist()
        found |= {(kind, each): amounts[each] for each in np.unique(whose[some]).tolist()}
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
        group = table.fellows.group[np.unique(fellow)]
        return np.bincount(group, minlength=len(groups)).astype(np.int64)
    demand = alone if case.plan.unit == "service_units" else table.requests.ask
    if float(demand.sum(dtype=np.float64)) >= EXACT:
        raise Doubt("Demand is too large.")
    return sums(table.fellows.group[fellow], demand[some], len(groups))
