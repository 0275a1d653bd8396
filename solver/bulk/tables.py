"""A round and a plan as arrays, beside the plain checker's own objects made when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from solver.bulk.columns import (
    Late,
    LateList,
    flags,
    indices,
    milli,
    opened,
    places,
    rows_of,
    stated,
    texts,
    whole,
)
from solver.bulk.documents import Doubt
from solver.checking.claims import AWARD, StatedPlan, read_award, read_plan
from solver.checking.reading import (
    FELLOW,
    POINTS,
    REQUEST,
    SHAPES,
    Round,
    read_fellow,
    read_request,
    read_round,
)
from solver.checking.rows import MILLI
from solver.problem import NO_CAP, NOBODY, BoolArray, IntArray

Columns = Mapping[str, list[Any]]
"""Values of objects by key."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requests:
    """Requests as arrays with an axis of requests; amounts, speeds and scores in thousandths.

    Attributes:
        at: index by id; fellow, after, track: indices, -1 where there is none.
        speed: ``(r, p)``, 0 where a pool is not acceptable; shape: place in `SHAPES`.
    """

    at: Mapping[str, int]
    fellow: IntArray
    ask: IntArray
    minimum: IntArray
    gang: IntArray
    max_gpus: IntArray
    first: IntArray
    end: IntArray
    speed: IntArray
    shape: IntArray
    block_slots: IntArray
    single_pool: BoolArray
    score: IntArray
    guaranteed: BoolArray
    pinned: BoolArray
    vetoed: BoolArray
    after: IntArray
    track: IntArray

    @property
    def must_fund(self) -> BoolArray:
        """Which requests every plan has to fund."""
        return (self.guaranteed | self.pinned) & ~self.vetoed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fellows:
    """Fellows as arrays; group: index; cap: thousandths of the unit or -1."""

    at: Mapping[str, int]
    group: IntArray
    weight: IntArray
    cap: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RoundTable:
    """A round: arrays, and the plain checker's round, whose requests and fellows are read late.

    Attributes:
        supply: ``(p, t)`` thousandths of a GPU-hour; charge: ``(p,)`` thousandths.
        institutes: index by id of the institutes that fellows have; institute: ``(f,)`` or -1.
    """

    plain: Round
    requests: Requests
    fellows: Fellows
    supply: IntArray
    charge: IntArray
    institutes: Mapping[str, int]
    institute: IntArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanTable:
    """A plan: arrays, and the plain checker's plan, whose awards are read late.

    Attributes:
        request: ``(a,)`` whose award it is; gpu_hours, service_units: ``(a,)`` thousandths.
        award, pool, slot, hours: ``(n,)`` of every cell, in the order of the document.
        waiting, rank: requests on the reserve list and the ranks stated there.
        right: ``(f,)`` thousandths of the unit that each fellow is entitled to.
    """

    plain: StatedPlan
    request: IntArray
    gpu_hours: IntArray
    service_units: IntArray
    award: IntArray
    pool: IntArray
    slot: IntArray
    hours: IntArray
    waiting: IntArray
    rank: IntArray
    right: IntArray


def round_table(document: Mapping[str, Any]) -> RoundTable:
    """Read a `dure-round/1` document.

    Raises:
        Doubt: If anything in its requests and fellows is not plainly as the format wants it.
        Unreadable: If something else is not.
    """
    plain = read_round({**document, "requests": [], "fellows": []})
    listed = opened(document.get("fellows"), *FELLOW)
    fellows = _fellows(listed, plain)
    rows: Any = document.get("requests")
    requests = _requests(opened(rows, *REQUEST), plain, fellows)
    institutes, institute = _institutes(listed["institute"], plain, fellows)
    return RoundTable(
        plain=replace(
            plain,
            requests=Late(
                requests.at, lambda at: read_request(rows[at], f"request {at}", plain.slots)
            ),
            fellows=Late(
                fellows.at, lambda at: read_fellow(document["fellows"][at], f"fellow {at}")
            ),
        ),
        requests=requests,
        fellows=fellows,
        supply=np.array([pool.supply for pool in plain.pools.values()], dtype=np.int64),
        charge=np.array([pool.charge for pool in plain.pools.values()], dtype=np.int64),
        institutes=institutes,
        institute=institute,
    )


def _fellows(columns: Columns, plain: Round) -> Fellows:
    """Read the fellows."""
    caps = columns["cap_gpu_hours"]
    some = [at for at, cap in enumerate(caps) if cap is not None]
    cap = np.full(len(caps), NO_CAP)
    cap[some] = milli([caps[at] for at in some])
    return Fellows(
        at=indices(texts(columns["id"])),
        group=places(columns["group"], indices(list(plain.groups))),
        weight=stated(columns["weight"], 1, milli),
        cap=cap,
    )


def _institutes(
    named: list[Any], plain: Round, fellows: Fellows
) -> tuple[dict[str, int], IntArray]:
    """Return the index of each institute, in order of ids, and ``(f,)`` of each fellow's or -1."""
    texts([name for name in set(named) if name is not None])
    of_groups = [group.institute for group in plain.groups.values()]
    own = [
        of_groups[group] if name is None else name
        for name, group in zip(named, fellows.group.tolist(), strict=True)
    ]
    at = indices(sorted(set(own) - {None}))
    return at, _maybe(own, at)


def _requests(columns: Columns, plain: Round, fellows: Fellows) -> Requests:
    """Read the requests."""
    at = indices(texts(columns["id"]))
    shape = stated(columns["shape"], SHAPES[0], partial(places, at=indices(SHAPES)))
    block = shape == SHAPES.index("block")
    lengths = np.zeros(len(at), dtype=np.int64)
    stays = columns["block_slots"]
    lengths[block] = whole([stays[each] for each in np.flatnonzero(block)], 1)
    windows = _windows(columns["window"], plain.slots)
    tracks = columns["track"]
    if not plain.tracks and set(tracks) - {None}:
        raise Doubt("Tracks are named and not listed.")
    found = Requests(
        at=at,
        fellow=places(columns["fellow"], fellows.at),
        ask=milli(columns["gpu_hours"]),
        minimum=stated(columns["minimum_gpu_hours"], 0, milli),
        gang=stated(columns["gang_gpus"], 1, partial(whole, least=1)),
        max_gpus=whole(columns["max_gpus"], 1),
        first=windows[:, 0],
        end=windows[:, 1],
        speed=_speeds(columns["speeds"], indices(list(plain.pools))),
        shape=shape,
        block_slots=lengths,
        single_pool=stated(columns["single_pool"], default=False, read=flags),
        score=stated(columns["score"], POINTS / 2, milli),
        guaranteed=stated(columns["guaranteed"], default=False, read=flags),
        pinned=stated(columns["pinned"], default=False, read=flags),
        vetoed=stated(columns["vetoed"], default=False, read=flags),
        after=_maybe(columns["after"], at),
        track=_maybe(tracks, indices(list(plain.tracks))),
    )
    if (found.minimum > found.ask).any() or (found.score > POINTS * MILLI).any():
        raise Doubt("A minimum or a score is too high.")
    return found


def _windows(windows: list[Any], slots: int) -> IntArray:
    """Read ``(r, 2)`` windows."""
    array = whole(rows_of(windows, 2)).reshape(-1, 2)
    if not ((array[:, 0] < array[:, 1]) & (array[:, 1] <= slots)).all():
        raise Doubt("A window is out of the calendar.")
    return array


def _speeds(tables: list[Any], pools: Mapping[str, int]) -> IntArray:
    """Read ``(r, p)`` speeds."""
    if not set(map(type, tables)) <= {dict}:
        raise Doubt("Speeds are no table.")
    counts = np.fromiter(map(len, tables), np.int64, len(tables))
    pool = places(chain.from_iterable(tables), pools)
    speed = np.zeros((len(tables), len(pools)), dtype=np.int64)
    values = list(chain.from_iterable(map(dict.values, tables)))
    speed[np.repeat(np.arange(len(tables)), counts), pool] = milli(values)
    return speed


def _maybe(names: list[Any], at: Mapping[str, int]) -> IntArray:
    """Return indices of names, -1 where there is none."""
    if set(map(type, names)) <= {type(None)}:
        return np.full(len(names), NOBODY)
    known: dict[Any, int] = {**at, None: NOBODY}
    return places(names, known)


def plan_table(document: Mapping[str, Any], table: RoundTable) -> PlanTable:
    """Read a `dure-plan/1` document that names only what the round has.

    Raises:
        Doubt: If anything in its awards, reserve list and entitlements is not plainly as it should
            be.
        Unreadable: If something else is not.
    """
    rows: Any = document.get("awards")
    columns = opened(rows, AWARD)
    rights = document.get("entitlements")
    if not isinstance(rights, dict) or not isinstance(rights.get("fellows"), dict):
        raise Doubt("Entitlements are no table.")
    bare = {"awards": [], "reserve": [], "entitlements": {**rights, "fellows": {}}}
    plain = read_plan({**document, **bare})
    waiting = opened(document.get("reserve"), "request rank")
    fellows = rights["fellows"]
    amounts = milli(list(fellows.values()))
    right = np.zeros(len(table.fellows.at), dtype=np.int64)
    right[places(fellows, table.fellows.at)] = amounts
    cells = columns["cells"]
    flat = rows_of(list(chain.from_iterable(cells)), 3)
    if not set(map(type, cells)) <= {list}:
        raise Doubt("Cells are no list.")
    counts = np.fromiter(map(len, cells), np.int64, len(cells))
    return PlanTable(
        plain=replace(
            plain,
            awards=LateList(len(cells), lambda at: read_award(rows[at], f"plan.awards[{at}]")),
            fellows=dict(zip(fellows, amounts.tolist(), strict=True)),
            reserve=tuple(zip(texts(waiting["request"]), waiting["rank"], strict=True)),
        ),
        request=places(columns["request"], table.requests.at),
        gpu_hours=milli(columns["gpu_hours"]),
        service_units=milli(columns["service_units"]),
        award=np.repeat(np.arange(len(cells)), counts),
        pool=places(flat[0::3], indices(list(table.plain.pools))),
        slot=whole(flat[1::3]),
        hours=whole(flat[2::3]),
        waiting=places(waiting["request"], table.requests.at),
        rank=whole(waiting["rank"]),
        right=right,
    )
