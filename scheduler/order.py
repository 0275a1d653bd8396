"""An order of a round's rows that depends on what they say, not on what they are called."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from scheduler.snapshot import Snapshot

Key: TypeAlias = tuple[Any, ...]
ROUNDS = 8
"""Refinements after which ranks are taken as they are; real rounds settle in three or four."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """File positions of each kind of row in content order; institutes by name."""

    requests: tuple[int, ...]
    fellows: tuple[int, ...]
    groups: tuple[int, ...]
    tracks: tuple[int, ...]
    pools: tuple[int, ...]
    institutes: tuple[str, ...]


def content_order(snapshot: Snapshot) -> Order:
    """Return the order, refined until nothing more can be told apart.

    Each row gets a rank by its own numbers; then, again and again, by those and the ranks of the
    rows it touches. Comparing tuples of numbers keeps the order when all amounts are scaled.

    Source:
        Weisfeiler and Leman (1968), colour refinement.
    """
    ranks = _Ranks(snapshot)
    for _ in range(ROUNDS):
        if not ranks.refine():
            break
    return Order(
        requests=_sorted(ranks.requests),
        fellows=_sorted(ranks.fellows),
        groups=_sorted(ranks.groups),
        tracks=_sorted(ranks.tracks),
        pools=_sorted(ranks.pools),
        institutes=ranks.institute_order(),
    )


class _Ranks:
    """The ranks of every row and what they are refined by."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        at = {
            name: {row.id: index for index, row in enumerate(getattr(snapshot, name))}
            for name in ("requests", "fellows", "groups", "tracks", "pools")
        }
        group_institute = {group.id: group.institute for group in snapshot.groups}
        institutes = [
            fellow.institute or group_institute[fellow.group] for fellow in snapshot.fellows
        ]
        self.institute_names = list(dict.fromkeys(each for each in institutes if each is not None))
        place = {name: index for index, name in enumerate(self.institute_names)}
        self.fellow_institute = [-1 if each is None else place[each] for each in institutes]
        self.fellow_group = [at["groups"][fellow.group] for fellow in snapshot.fellows]
        self.request_fellow = [at["fellows"][each.fellow] for each in snapshot.requests]
        self.request_track = [_index(at["tracks"], each.track) for each in snapshot.requests]
        self.request_after = [_index(at["requests"], each.after) for each in snapshot.requests]
        self.request_speeds = [
            [(at["pools"][pool], speed) for pool, speed in each.speeds]
            for each in snapshot.requests
        ]
        self.previous: list[list[tuple[int, int, int]]] = [[] for _ in snapshot.requests]
        for request, pool, slot, hours in snapshot.previous:
            if request in at["requests"] and pool in at["pools"]:
                cell = (at["pools"][pool], slot, hours)
                self.previous[at["requests"][request]].append(cell)
        self.line = {request: rank for rank, request in enumerate(snapshot.line, start=1)}
        self._own_ranks()

    def _own_ranks(self) -> None:
        """Rank every row by its own numbers."""
        shot = self.snapshot
        self.pools = _rank(
            (p.su_per_gpu_hour, p.nodes, p.gpus_per_node, p.supply_gpu_hours) for p in shot.pools
        )
        self.groups = _rank(
            (-g.weight, g.floor_gpu_hours, _cap(g.cap_gpu_hours)) for g in shot.groups
        )
        self.tracks = _rank((k.floor_gpu_hours, _cap(k.cap_gpu_hours)) for k in shot.tracks)
        self.fellows = _rank((-f.weight, _cap(f.cap_gpu_hours)) for f in shot.fellows)
        limits = {i.id: (i.floor_gpu_hours, _cap(i.cap_gpu_hours)) for i in shot.institutes}
        self.institutes = _rank(limits.get(i, (0, _cap(None))) for i in self.institute_names)
        shapes = ("flexible", "block", "constant")
        self.requests = _rank(
            (
                -r.score,
                r.gpu_hours,
                r.minimum_gpu_hours,
                r.first,
                r.end,
                r.gang_gpus,
                r.max_gpus,
                shapes.index(r.shape),
                r.block_slots,
                (r.single_pool, r.guaranteed, r.pinned, r.vetoed),
                self.line.get(r.id, 0),
            )
            for r in shot.requests
        )

    def refine(self) -> bool:
        """Rank every row by its rank and its neighbours'; say whether that told more apart."""
        before = self._classes()
        of_pool = _gather(
            len(self.pools),
            (
                (pool, (self.requests[r], speed))
                for r, speeds in enumerate(self.request_speeds)
                for pool, speed in speeds
            ),
        )
        of_track = _gather(len(self.tracks), zip(self.request_track, self.requests, strict=True))
        of_fellow = _gather(len(self.fellows), zip(self.request_fellow, self.requests, strict=True))
        self.pools = _rank(zip(self.pools, of_pool, strict=True))
        self.tracks = _rank(zip(self.tracks, of_track, strict=True))
        self.fellows = _rank(
            (rank, of_fellow[f], self.groups[self.fellow_group[f]], self._institute_rank(f))
            for f, rank in enumerate(self.fellows)
        )
        of_group = _gather(len(self.groups), zip(self.fellow_group, self.fellows, strict=True))
        of_institute = _gather(
            len(self.institutes), zip(self.fellow_institute, self.fellows, strict=True)
        )
        self.groups = _rank(zip(self.groups, of_group, strict=True))
        self.institutes = _rank(zip(self.institutes, of_institute, strict=True))
        self.requests = _rank(self._request_key(r) for r in range(len(self.requests)))
        return self._classes() > before

    def institute_order(self) -> tuple[str, ...]:
        """Return the institutes' names by rank."""
        return tuple(self.institute_names[i] for i in _sorted(self.institutes))

    def _request_key(self, r: int) -> Key:
        """Return what tells a request from another now."""
        track, after = self.request_track[r], self.request_after[r]
        return (
            self.requests[r],
            self.fellows[self.request_fellow[r]],
            sorted((self.pools[pool], speed) for pool, speed in self.request_speeds[r]),
            -1 if track < 0 else self.tracks[track],
            -1 if after < 0 else self.requests[after],
            sorted((self.pools[pool], slot, hours) for pool, slot, hours in self.previous[r]),
        )

    def _institute_rank(self, fellow: int) -> int:
        """Return the rank of a fellow's institute, -1 without one."""
        index = self.fellow_institute[fellow]
        return -1 if index < 0 else self.institutes[index]

    def _classes(self) -> int:
        """Count what can be told apart."""
        kinds = (self.requests, self.fellows, self.groups, self.tracks, self.pools)
        return sum(len(set(kind)) for kind in (*kinds, self.institutes))


def _rank(keys: Iterable[Key]) -> list[int]:
    """Return the rank of each key among the distinct keys."""
    listed = [_hashable(key) for key in keys]
    place = {key: rank for rank, key in enumerate(sorted(set(listed)))}  # type: ignore[type-var]  # tuples of one shape
    return [place[key] for key in listed]


def _hashable(key: Key) -> Hashable:
    """Return the key with lists turned into tuples."""
    return tuple(tuple(each) if isinstance(each, list) else each for each in key)


def _gather(size: int, pairs: Iterable[tuple[int, Any]]) -> list[tuple[Any, ...]]:
    """Return the sorted values that belong to each index; those of index -1 belong nowhere."""
    values: list[list[Any]] = [[] for _ in range(size)]
    for index, value in pairs:
        if index >= 0:
            values[index].append(value)
    return [tuple(sorted(each)) for each in values]


def _sorted(ranks: Sequence[int]) -> tuple[int, ...]:
    """Return file positions by rank; equal ranks keep the order of the file."""
    return tuple(sorted(range(len(ranks)), key=ranks.__getitem__))


def _index(positions: dict[str, int], name: str | None) -> int:
    """Return the position of a name, -1 for none."""
    return -1 if name is None else positions[name]


def _cap(cap: int | None) -> tuple[bool, int]:
    """Return a cap so that no cap sorts last."""
    return (cap is None, cap or 0)
