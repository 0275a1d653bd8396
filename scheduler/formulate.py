"""The only bridge to the solver: a snapshot and a policy become a Problem, with its names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from scheduler.carry import carried
from scheduler.order import Order, content_order
from scheduler.policy import Policy, Shares
from scheduler.snapshot import RoundInstitute, RoundRequest, RoundTrack, Snapshot
from solver.problem import MILLI, NO_CAP, NOBODY, Cut, IntArray, Problem, Shape, as_int

Limited: TypeAlias = RoundInstitute | RoundTrack
SHAPE_CODES = {"flexible": Shape.FLEXIBLE, "block": Shape.BLOCK, "constant": Shape.CONSTANT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The ids behind the indices of a Problem."""

    requests: tuple[str, ...]
    fellows: tuple[str, ...]
    groups: tuple[str, ...]
    institutes: tuple[str, ...]
    tracks: tuple[str, ...]
    pools: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Formulation:
    """A Problem and the names it was made from."""

    snapshot: Snapshot
    policy: Policy
    problem: Problem
    names: Names


def formulate(snapshot: Snapshot, policy: Policy) -> Formulation:
    """Turn a snapshot under a policy into integer arrays.

    Indices follow content, not ids, so that relabelling a round relabels its plan; between
    requests that nothing tells apart the order of the file decides.
    """
    snapshot = carried(snapshot, policy)
    order = content_order(snapshot)
    names = Names(
        requests=tuple(snapshot.requests[i].id for i in order.requests),
        fellows=tuple(snapshot.fellows[i].id for i in order.fellows),
        groups=tuple(snapshot.groups[i].id for i in order.groups),
        institutes=order.institutes,
        tracks=tuple(snapshot.tracks[i].id for i in order.tracks),
        pools=tuple(snapshot.pools[i].id for i in order.pools),
    )
    problem = _problem(snapshot, policy, order, names)
    return Formulation(snapshot=snapshot, policy=policy, problem=problem, names=names)


def _problem(snapshot: Snapshot, policy: Policy, order: Order, names: Names) -> Problem:
    """Fill the arrays."""
    requests = [snapshot.requests[i] for i in order.requests]
    fellows = [snapshot.fellows[i] for i in order.fellows]
    groups = [snapshot.groups[i] for i in order.groups]
    tracks = [snapshot.tracks[i] for i in order.tracks]
    pools = [snapshot.pools[i] for i in order.pools]
    fellow_at, group_at, pool_at, track_at, request_at, institute_at = (
        _positions(ids)
        for ids in (
            names.fellows,
            names.groups,
            names.pools,
            names.tracks,
            names.requests,
            names.institutes,
        )
    )
    supply = as_int([pool.supply_gpu_hours for pool in pools]).reshape(
        len(pools), snapshot.calendar.slots
    )
    charge = as_int([pool.su_per_gpu_hour for pool in pools])
    total = int((supply.sum(axis=1) * charge).sum()) // MILLI
    institute_of = {group.id: group.institute for group in groups}
    fellow_cap = _part(total, policy.fellow_cap_share)
    track_shares = [policy.tracks.get(track.id, Shares()) for track in tracks]
    institute_shares = [policy.institutes.get(name, Shares()) for name in names.institutes]
    limited = {each.id: each for each in snapshot.institutes}
    unlimited = RoundInstitute(id="", floor_gpu_hours=0, cap_gpu_hours=None)
    institutes = [limited.get(name, unlimited) for name in names.institutes]
    may_be_cut = _may_be_cut(snapshot, policy)
    return Problem(
        slot_hours=snapshot.calendar.slot_hours,
        supply=supply,
        charge=charge,
        node_gpus=as_int([pool.gpus_per_node for pool in pools]),
        ask=as_int([each.gpu_hours for each in requests]),
        minimum=as_int(
            [0 if each.id in may_be_cut else each.minimum_gpu_hours for each in requests]
        ),
        gang=as_int([each.gang_gpus for each in requests]),
        max_gpus=as_int([each.max_gpus for each in requests]),
        first=as_int([each.first for each in requests]),
        end=as_int([each.end for each in requests]),
        speed=_speed(requests, pool_at),
        shape=as_int([SHAPE_CODES[each.shape] for each in requests]),
        block_slots=as_int([each.block_slots for each in requests]),
        single_pool=np.array([each.single_pool for each in requests], dtype=np.bool_),
        guaranteed=np.array(
            [each.guaranteed and each.id not in may_be_cut for each in requests], dtype=np.bool_
        ),
        pinned=np.array([each.pinned for each in requests], dtype=np.bool_),
        vetoed=np.array([each.vetoed for each in requests], dtype=np.bool_),
        score=as_int([each.score for each in requests]),
        after=as_int([_at(request_at, each.after) for each in requests]),
        fellow=as_int([fellow_at[each.fellow] for each in requests]),
        track=as_int([_at(track_at, each.track) for each in requests]),
        fellow_group=as_int([group_at[each.group] for each in fellows]),
        fellow_institute=as_int(
            [_at(institute_at, each.institute or institute_of[each.group]) for each in fellows]
        ),
        fellow_weight=as_int([each.weight for each in fellows]),
        fellow_cap=as_int([_least(each.cap_gpu_hours, fellow_cap) for each in fellows]),
        group_weight=as_int([each.weight for each in groups]),
        group_floor=as_int([each.floor_gpu_hours for each in groups]),
        group_cap=as_int([_least(each.cap_gpu_hours) for each in groups]),
        institute_floor=_floors(total, institutes, institute_shares),
        institute_cap=_caps(total, institutes, institute_shares),
        track_floor=_floors(total, tracks, track_shares),
        track_cap=_caps(total, tracks, track_shares),
        previous=_previous(snapshot, request_at, pool_at),
        rules=policy.rules,
        tickets=names.requests,
        line=tuple(request_at[each] for each in snapshot.line if each in request_at),
    )


def _floors(total: int, limits: Sequence[Limited], shares: Sequence[Shares]) -> IntArray:
    """Return the floors of institutes or tracks: the round's, or the policy's if they are more."""
    pairs = zip(limits, shares, strict=True)
    return as_int([max(each.floor_gpu_hours, _part(total, own.floor) or 0) for each, own in pairs])


def _caps(total: int, limits: Sequence[Limited], shares: Sequence[Shares]) -> IntArray:
    """Return the caps of the same: the lower of the two."""
    pairs = zip(limits, shares, strict=True)
    return as_int([_least(each.cap_gpu_hours, _part(total, own.cap)) for each, own in pairs])


def _may_be_cut(snapshot: Snapshot, policy: Policy) -> frozenset[str]:
    """Return the requests whose promises a rule of the policy takes back: those that hold hours."""
    if policy.rules.cut is Cut.NEVER:
        return frozenset()
    return frozenset(request for request, _, _, _ in snapshot.previous)


def _positions(ids: Sequence[str]) -> dict[str, int]:
    """Return the index of each id."""
    return {each: index for index, each in enumerate(ids)}


def _at(positions: dict[str, int], name: str | None) -> int:
    """Return the index of a name, or `NOBODY`."""
    return NOBODY if name is None else positions[name]


def _part(total: int, millionths: int | None) -> int | None:
    """Return a part of the supply, rounded down to thousandths."""
    return None if millionths is None else total * millionths // 10**6


def _least(*caps: int | None) -> int:
    """Return the smallest stated cap, or `NO_CAP`."""
    return min((cap for cap in caps if cap is not None), default=NO_CAP)


def _speed(requests: Sequence[RoundRequest], pool_at: dict[str, int]) -> IntArray:
    """Return ``(r, p)`` speeds, 0 where a pool is not acceptable."""
    speed = np.zeros((len(requests), len(pool_at)), dtype=np.int64)
    for index, request in enumerate(requests):
        for pool, value in request.speeds:
            speed[index, pool_at[pool]] = value
    return as_int(speed)


def _previous(snapshot: Snapshot, request_at: dict[str, int], pool_at: dict[str, int]) -> IntArray:
    """Return the earlier plan's cells for the requests and pools that are still there."""
    cells = [
        (request_at[request], pool_at[pool], slot, hours)
        for request, pool, slot, hours in snapshot.previous
        if request in request_at and pool in pool_at
    ]
    return as_int(sorted(cells)).reshape(len(cells), 4)
