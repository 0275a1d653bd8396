"""The fluid round made small: identical requests and slots merged, nothing lost.

A division of the merged round spreads back evenly over the merged requests and slots, so both
have the same totals: the fluid set is convex and does not change when like is swapped for like.
"""

from dataclasses import dataclass

import numpy as np

from solver.kernels import kernel
from solver.likeness import alike
from solver.problem import MILLI, BoolArray, IntArray, NarrowArray, Problem, Unit


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Where a class can take hours; axes are k column. Sorted by class, span, pool.

    Attributes:
        cls, pool, span: ``(k,)`` indices.
        most: ``(k,)`` thousandths of a GPU-hour that limit and ask allow the class there.
        supply: ``(p, s)`` as in `Merged`.
    """

    cls: NarrowArray
    pool: NarrowArray
    span: NarrowArray
    most: IntArray
    supply: IntArray

    @property
    def size(self) -> IntArray:
        """``(k,)`` what is allowed there, at most the supply."""
        return np.minimum(self.most, self.supply[self.pool, self.span])

    def only(self, chosen: IntArray) -> "Columns":
        """Return some of them; `chosen` ascends."""
        return Columns(
            cls=self.cls[chosen],
            pool=self.pool[chosen],
            span=self.span[chosen],
            most=self.most[chosen],
            supply=self.supply,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merged:
    """The fluid round in classes of requests (c) and spans of slots (s).

    Attributes:
        supply: ``(p, s)`` thousandths of a GPU-hour in all slots of the span.
        span: ``(t,)`` span of each slot; span_slots: ``(s,)`` slots in each.
        cls: ``(r,)`` class of each request, -1 for those who take no part.
        part: ``(r,)`` its part of the class, in units of `whole` ``(c,)``.
        fellow, track: ``(c,)`` as in the problem.
        speed, factor: ``(c, p)`` thousandths, 0 where a pool is not acceptable.
        ask: ``(c,)`` thousandths of a reference GPU-hour.
        limit: ``(c,)`` thousandths of a GPU-hour in one slot; joint: ``(c,)`` whether over all
            pools together or on each pool alone.
        first, end: ``(c,)`` window in spans.
    """

    supply: IntArray
    span: IntArray
    span_slots: IntArray
    cls: IntArray
    part: IntArray
    whole: IntArray
    fellow: IntArray
    track: IntArray
    speed: IntArray
    factor: IntArray
    ask: IntArray
    limit: IntArray
    joint: BoolArray
    first: IntArray
    end: IntArray
    columns: Columns

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.ask.shape[0])

    @property
    def spans(self) -> int:
        """Number of spans."""
        return int(self.span_slots.shape[0])


def slot_limit(problem: Problem) -> IntArray:
    """Return ``(r,)`` thousandths of a GPU-hour that a request can take in one slot.

    Lowered to what the supply of a slot still cannot fill, so that products stay small.
    """
    beyond = 2 * int(problem.supply.sum(axis=0).max(initial=0)) // problem.slot_hours + 1
    return np.minimum(problem.max_gpus, beyond) * problem.slot_hours


def is_joint(problem: Problem) -> BoolArray:
    """Return ``(r,)`` whether `max_gpus` binds over all pools together in the fluid round.

    With unlike charges it is relaxed to each pool alone, so that an hour stays a plain flow.
    """
    if problem.rules.unit is Unit.REFERENCE_HOURS:
        return np.ones(problem.requests, dtype=np.bool_)
    return _one_charge(np.ascontiguousarray(problem.speed), problem.charge)


@kernel
def _one_charge(speed: IntArray, charge: IntArray) -> BoolArray:
    """Return ``(r,)`` whether an hour costs the same in all acceptable pools."""
    requests, pools = speed.shape
    alike = np.ones(requests, dtype=np.bool_)
    for r in range(requests):
        known = -1
        for p in range(pools):
            if speed[r, p] > 0:
                alike[r] &= known in (-1, charge[p])
                known = charge[p]
    return alike


def reach(problem: Problem) -> IntArray:
    """Return ``(r,)`` the most a request alone can take in the fluid round.

    Thousandths of the unit, rounded down. Hours are taken where an asked hour brings most of the
    unit: greedy is exact, since within a slot the pools' hours form a polymatroid.
    """
    order = np.argsort(-_worth(problem), axis=1, kind="stable")
    return (
        _reach(
            order,
            np.ascontiguousarray(problem.speed),
            np.ascontiguousarray(problem.factor),
            np.ascontiguousarray(problem.supply),
            problem.ask,
            slot_limit(problem),
            is_joint(problem),
            problem.first,
            problem.end,
        )
        * problem.eligible
    )


def _worth(problem: Problem) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return ``(r, p)`` the order of filling: unit per reference hour, then speed."""
    speed = np.maximum(problem.speed, 1)
    worth: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.where(
        problem.speed > 0, problem.factor / speed + speed / 1e9, -1.0
    )
    return worth


@kernel
def _reach(  # noqa: PLR0913, PLR0917 - arrays of one round
    order: IntArray,
    speed: IntArray,
    factor: IntArray,
    supply: IntArray,
    ask: IntArray,
    limit: IntArray,
    joint: BoolArray,
    first: IntArray,
    end: IntArray,
) -> IntArray:
    """Fill each request alone, best pool first, slot by slot."""
    requests, pools = speed.shape
    most = np.zeros(requests, dtype=np.int64)
    for r in range(requests):
        left = ask[r] * 1000
        used = np.zeros(end[r] - first[r], dtype=np.int64)
        units = 0
        for rank in range(pools):
            p = order[r, rank]
            if speed[r, p] == 0:
                continue
            hours = 0
            for t in range(first[r], end[r]):
                room = limit[r] - used[t - first[r]] if joint[r] else limit[r]
                take = min(room, supply[p, t])
                used[t - first[r]] += take
                hours += take
            need = hours * speed[r, p]
            if need <= left:
                units += hours * factor[r, p]
                left -= need
            else:
                full, rest = divmod(left, speed[r, p])
                units += full * factor[r, p] + rest * factor[r, p] // speed[r, p]
                left = 0
                break
        most[r] = units // 1000
    return most


def merge(problem: Problem, taking_part: BoolArray) -> Merged:
    """Merge identical requests of a fellow, and slots that nothing tells apart.

    Args:
        problem: the round.
        taking_part: ``(r,)`` requests that may take hours; the others are left out.
    """
    chosen = np.flatnonzero(taking_part & (problem.ask > 0) & (problem.speed > 0).any(axis=1))
    span, span_slots, supply = _spans(problem, chosen)
    joint = is_joint(problem)
    ask, limit = _tight(problem, chosen, joint[chosen])
    whole = np.gcd(ask, np.maximum(limit, 1))
    keys = np.column_stack(
        (
            problem.fellow[chosen],
            problem.track[chosen],
            _span_at(problem.first, span)[chosen],
            _span_end(problem.end, span)[chosen],
            problem.speed[chosen],
            ask // whole,
            limit // whole,
        )
    )
    example, member = _kinds(keys)
    count = example.shape[0]
    cls = np.full(problem.requests, -1, dtype=np.int64)
    cls[chosen] = member
    part = np.zeros(problem.requests, dtype=np.int64)
    part[chosen] = whole
    model = chosen[example]
    class_limit = _sums(member, limit, count)
    class_ask = _sums(member, ask, count)
    first, end = keys[example, 2], keys[example, 3]
    speed = problem.speed[model]
    return Merged(
        supply=supply,
        span=span,
        span_slots=span_slots,
        cls=cls,
        part=part,
        whole=_sums(member, whole, count),
        fellow=problem.fellow[model],
        track=problem.track[model],
        speed=speed,
        factor=problem.factor[model],
        ask=class_ask,
        limit=class_limit,
        joint=joint[model],
        first=first,
        end=end,
        columns=columns_of(supply, span_slots, speed, (class_ask, class_limit), (first, end)),
    )


def _kinds(keys: IntArray) -> tuple[IntArray, IntArray]:
    """Return ``(k,)`` the first row of each kind, kinds ascending, and ``(n,)`` each row's kind."""
    example, kind = alike(np.ascontiguousarray(keys))
    order = np.lexsort(keys[example].T[::-1])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.shape[0])
    return example[order], rank[kind]


def _sums(index: IntArray, values: IntArray, count: int) -> IntArray:
    """Return exact sums of integers by index."""
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, index, values)
    return sums


def _spans(problem: Problem, chosen: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Group slots between the same windows' edges that have the same supply."""
    edges = np.zeros(problem.slots + 1, dtype=np.int64)
    edges[problem.first[chosen]] = 1
    edges[problem.end[chosen]] = 1
    segment = np.cumsum(edges)[: problem.slots]
    keys = np.column_stack((segment, problem.supply.T))
    example, span = _kinds(keys)
    size = np.bincount(span).astype(np.int64)
    return span, size, np.ascontiguousarray(problem.supply[:, example] * size)


def _span_at(first: IntArray, span: IntArray) -> IntArray:
    """Return the smallest span at or after a slot; spans follow the order of segments."""
    smallest = np.minimum.accumulate(span[::-1])[::-1]
    return smallest[first]


def _span_end(end: IntArray, span: IntArray) -> IntArray:
    """Return one past the largest span before a slot."""
    return np.maximum.accumulate(span)[end - 1] + 1


def _tight(problem: Problem, chosen: IntArray, joint: BoolArray) -> tuple[IntArray, IntArray]:
    """Lower asks and slot limits of those chosen to what matters, so that more are alike."""
    speed = problem.speed[chosen]
    slowest = np.where(speed > 0, speed, speed.max(axis=1, keepdims=True)).min(axis=1)
    ask = np.minimum(problem.ask[chosen], _beyond(problem))
    limit = np.minimum(slot_limit(problem)[chosen], -(-ask * MILLI // slowest))
    fastest = np.where(joint, speed.max(axis=1), speed.sum(axis=1))
    slots = (problem.end - problem.first)[chosen]
    most = -(-limit * slots * fastest // MILLI)
    return np.minimum(ask, most), limit


def _beyond(problem: Problem) -> int:
    """Return thousandths of a reference GPU-hour that the whole supply still cannot give."""
    hours, fastest = int(problem.supply.sum()), int(problem.speed.max(initial=0))
    return min(2 * hours * fastest // MILLI + 1, np.iinfo(np.int64).max)


def columns_of(
    supply: IntArray,
    span_slots: IntArray,
    speed: IntArray,
    bounds: tuple[IntArray, IntArray],
    window: tuple[IntArray, IntArray],
) -> Columns:
    """List where each class can take hours."""
    cls, span, pool, most = _listed(
        np.ascontiguousarray(speed), np.ascontiguousarray(supply), span_slots, *bounds, *window
    )
    return Columns(cls=cls, pool=pool, span=span, most=most, supply=supply)


@kernel
def _listed(  # noqa: PLR0913, PLR0917 - arrays of one round
    speed: IntArray,
    supply: IntArray,
    span_slots: IntArray,
    ask: IntArray,
    limit: IntArray,
    first: IntArray,
    end: IntArray,
) -> tuple[NarrowArray, NarrowArray, NarrowArray, IntArray]:
    """Return class, span, pool and most hours of every place with supply where a class may run."""
    classes, pools = speed.shape
    open_pools = np.empty(pools, dtype=np.int64)
    by_ask = np.empty(pools, dtype=np.int64)
    count = 0
    for c in range(classes):
        count += (end[c] - first[c]) * np.count_nonzero(speed[c])
    cls = np.empty(count, dtype=np.int32)
    span = np.empty(count, dtype=np.int32)
    pool = np.empty(count, dtype=np.int32)
    most = np.empty(count, dtype=np.int64)
    n = 0
    for c in range(classes):
        count = 0
        for p in range(pools):
            if speed[c, p] > 0:
                open_pools[count] = p
                by_ask[count] = -(-ask[c] * 1000 // speed[c, p])
                count += 1
        for s in range(first[c], end[c]):
            in_slots = limit[c] * span_slots[s]
            for at in range(count):
                if supply[open_pools[at], s] > 0:
                    cls[n] = c
                    span[n] = s
                    pool[n] = open_pools[at]
                    most[n] = min(in_slots, by_ask[at])
                    n += 1
    return cls[:n], span[:n], pool[:n], most[:n]
