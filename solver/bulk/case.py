"""The sums that rules look at, added up over arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import mul

import numpy as np

from solver.bulk.columns import SAFE, Late, added, distinct, product, sums
from solver.bulk.documents import Doubt
from solver.bulk.tables import PlanTable, RoundTable
from solver.checking.case import Case
from solver.checking.claims import StatedAward
from solver.checking.rows import MILLI
from solver.problem import NO_CAP, NOBODY, BoolArray, IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class BulkCase(Case):
    """A case of the plain checker whose sums come from arrays.

    Attributes:
        table: the round; answer: the plan. Cells are sound and awards name each request once.
    """

    table: RoundTable
    answer: PlanTable

    @cached_property
    def names(self) -> list[str]:
        """Ids of the awarded requests, in the order of the plan."""
        ids = list(self.table.requests.at)
        return [ids[each] for each in self.answer.request.tolist()]

    @cached_property
    def cell_request(self) -> IntArray:
        """``(n,)`` whose each cell is."""
        return self.answer.request[self.answer.award]

    @cached_property
    def cell_speed(self) -> IntArray:
        """``(n,)`` thousandths of a reference hour in an hour of each cell."""
        return self.table.requests.speed[self.cell_request, self.answer.pool]

    @cached_property
    def factors(self) -> IntArray:
        """``(r, p)`` thousandths of the unit in an hour; 0 where a pool is not acceptable."""
        speed = self.table.requests.speed
        if self.plan.unit == "reference_hours":
            return speed
        return np.where(speed > 0, self.table.charge, 0)

    @cached_property
    def joint(self) -> BoolArray:
        """``(r,)`` whether the most GPUs hold over all pools together."""
        speed = self.table.requests.speed
        if self.plan.unit == "reference_hours":
            return np.ones(speed.shape[0], dtype=np.bool_)
        charge = np.broadcast_to(self.table.charge, speed.shape)
        dearest = np.where(speed > 0, charge, -1).max(axis=1)
        cheapest = np.where(speed > 0, charge, np.iinfo(np.int64).max).min(axis=1)
        alike: BoolArray = (dearest == cheapest) | (dearest < 0)
        return alike

    @cached_property
    def total(self) -> IntArray:
        """``(a,)`` thousandths of reference hours in the cells."""
        return self._per_award(product(self.answer.hours, self.cell_speed))

    @cached_property
    def charge(self) -> IntArray:
        """``(a,)`` thousandths of service units that the cells cost."""
        return self._per_award(product(self.answer.hours, self.table.charge[self.answer.pool]))

    def _per_award(self, amounts: IntArray) -> IntArray:
        """Add up cells by award."""
        return sums(self.answer.award, amounts, self.answer.request.size)

    @cached_property
    def given(self) -> IntArray:
        """``(a,)`` thousandths of reference hours that awards are worth."""
        return np.minimum(self.total, self.table.requests.ask[self.answer.request])

    @cached_property
    def units(self) -> IntArray:
        """``(a,)`` thousandths of the unit of each award."""
        return self.charge if self.plan.unit == "service_units" else self.given

    @cached_property
    def awards(self) -> Mapping[str, StatedAward]:
        """Awards by request."""
        at = {name: index for index, name in enumerate(self.names)}
        return Late(at, self.plan.awards.__getitem__)

    @cached_property
    def totals(self) -> Mapping[str, int]:
        """Thousandths of reference hours in the cells of each award."""
        return dict(zip(self.names, self.total.tolist(), strict=True))

    @cached_property
    def charges(self) -> Mapping[str, int]:
        """Thousandths of service units that the cells of each award cost."""
        return dict(zip(self.names, self.charge.tolist(), strict=True))

    @cached_property
    def awarded(self) -> Mapping[str, int]:
        """Thousandths of reference hours that each award is worth."""
        return dict(zip(self.names, self.given.tolist(), strict=True))

    @cached_property
    def used(self) -> Mapping[tuple[str, int], int]:
        """GPU-hours used of each pool and slot."""
        pools, slots = list(self.round.pools), self.round.slots
        place = self.answer.pool * slots + self.answer.slot
        hours = sums(place, self.answer.hours, len(pools) * slots).tolist()
        return {(pools[at // slots], at % slots): hours[at] for at in distinct(place).tolist()}

    @cached_property
    def held(self) -> Mapping[str, Mapping[str, int]]:
        """Thousandths of the unit that each fellow, group, institute and track receives."""
        fellow = self.table.requests.fellow[self.answer.request]
        track = self.table.requests.track[self.answer.request]
        return {
            "fellow": self._held(fellow, list(self.table.fellows.at)),
            "group": self._held(self.table.fellows.group[fellow], list(self.round.groups)),
            "institute": self._held(self.table.institute[fellow], list(self.table.institutes)),
            "track": self._held(track, list(self.round.tracks)),
        }

    def _held(self, whose: IntArray, ids: list[str]) -> Mapping[str, int]:
        """Add up awards by holder."""
        some = whose != NOBODY
        held = sums(whose[some], self.units[some], len(ids)).tolist()
        return {ids[each]: held[each] for each in distinct(whose[some]).tolist()}

    @cached_property
    def eligible(self) -> BoolArray:
        """``(r,)`` who is not vetoed."""
        return ~self.table.requests.vetoed

    @cached_property
    def received_by(self) -> IntArray:
        """``(f,)`` thousandths of the unit that each fellow receives."""
        fellow = self.table.requests.fellow[self.answer.request]
        return sums(fellow, self.units, len(self.table.fellows.at))

    @cached_property
    def due(self) -> IntArray:
        """``(f,)`` what counts as all of a fellow's share; 0 for who has none."""
        if self.answer.right.any():
            return self.answer.right
        requests, fellows = self.table.requests, self.table.fellows
        speed = requests.speed
        costs = product(requests.ask[:, None], self.factors) // np.maximum(speed, 1)
        least = np.where(speed > 0, costs, np.iinfo(np.int64).max).min(axis=1)
        some = self.eligible & (speed > 0).any(axis=1) & (fellows.weight[requests.fellow] > 0)
        return sums(requests.fellow[some], least[some], len(fellows.at))

    @cached_property
    def served(self) -> tuple[int, int, int]:
        """How many fellows have their entitlement, half of it, and nothing."""
        requests = self.table.requests
        dearest = product(requests.gang, self.factors.max(axis=1, initial=0)) * self.eligible
        last = np.zeros_like(self.due)
        np.maximum.at(last, requests.fellow, dearest)
        right, got, some = self.due, self.received_by, self.due > 0
        enough = right - np.where(right > last, last, 1)
        most = some & ((got > enough) | (got >= right))
        counts = (most, some & (2 * got >= right), some & (got == 0))
        return int(counts[0].sum()), int(counts[1].sum()), int(counts[2].sum())

    @cached_property
    def shares(self) -> Mapping[str, Sequence[float]]:
        """What fellows receive by group, per unit of entitlement or, without, of weight."""
        per = self.due if self.answer.right.any() else self.table.fellows.weight
        some = np.flatnonzero(self.due > 0)
        if max(per.max(initial=0), self.received_by.max(initial=0)) >= SAFE:
            raise Doubt("Amounts are more than doubles count exactly.")
        share, group = self.received_by[some] / per[some], self.table.fellows.group[some]
        ids = list(self.round.groups)
        return {ids[each]: share[group == each].tolist() for each in distinct(group).tolist()}

    @cached_property
    def missed(self) -> tuple[int, int]:
        """Σ weight · shortfall and Σ weight of the fellows who ask, in thousandths."""
        asking = distinct(self.table.requests.fellow[self.eligible])
        short = np.maximum(self.answer.right - self.received_by, 0)[asking]
        weight = self.weight[asking].tolist()
        return sum(map(mul, weight, short.tolist())), sum(weight)

    @cached_property
    def caps(self) -> Mapping[str, int]:
        """Caps of fellows who have one: their own or the policy's, whichever is less."""
        shared = self.part(self.policy.fellow_cap) if self.policy else None
        ids, own = list(self.table.fellows.at), self.table.fellows.cap
        some = np.flatnonzero(own != NO_CAP) if shared is None else np.arange(own.size)
        stated = {ids[each]: int(own[each]) for each in some.tolist() if own[each] != NO_CAP}
        if shared is None:
            return stated
        return {name: min(stated.get(name, shared), shared) for name in ids}

    @cached_property
    def met(self) -> int:
        """How many awards reach the minimum."""
        return int((self.given >= self.table.requests.minimum[self.answer.request]).sum())

    @cached_property
    def obliged(self) -> int:
        """How many requests are funded that every plan has to fund."""
        return int(self.table.requests.must_fund[self.answer.request].sum())

    @cached_property
    def worth(self) -> tuple[int, int]:
        """Merit × thousandths of reference hours over all awards, and merit alone."""
        if self.policy is None:
            raise Doubt("Merit is a policy's.")
        points = self.table.requests.score[self.answer.request]
        if self.policy.merit != "score":
            points = np.full_like(points, MILLI)
        return added(product(points, self.given)), added(points)

    @cached_property
    def asking(self) -> frozenset[str]:
        """Fellows with an eligible request."""
        ids = list(self.table.fellows.at)
        found = distinct(self.table.requests.fellow[self.eligible]).tolist()
        return frozenset(ids[each] for each in found)

    @cached_property
    def weight(self) -> IntArray:
        """``(f,)`` what the policy counts fellows' amounts per."""
        if self.policy is None:
            raise Doubt("Weights are a policy's.")
        fellows, requests = self.table.fellows, self.table.requests
        if self.policy.fellow_weight == "weight":
            return fellows.weight
        if self.policy.fellow_weight == "equal":
            return np.ones_like(fellows.weight)
        ask = requests.ask * self.eligible
        asked = sums(requests.fellow, ask, fellows.weight.size)
        points = sums(requests.fellow, product(ask, requests.score), fellows.weight.size)
        mean: IntArray = (2 * points + asked) // np.maximum(2 * asked, 1)
        return np.maximum(mean, 1)

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """What the policy counts fellows' amounts per, by id."""
        return dict(zip(self.table.fellows.at, self.weight.tolist(), strict=True))
