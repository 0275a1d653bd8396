"""A round and a plan as arrays, beside the plain checker's own objects made when asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from solver.bulk.columns import (
    Late,
    LateList,
    Row,
    flags,
    indices,
    milli,
    opened,
    places,
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
    Fellow,
    Round,
    read_request,
    read_round,
)
from solver.checking.rows import MILLI
from solver.problem import NO_CAP, NOBODY, BoolArray, IntArray


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
    """

    plain: StatedPlan
    request: IntArray
    gpu_hours: IntArray
    service_units: IntArray
    award: IntArray
    pool: IntArray
    slot: IntArray
    hours: IntArray


def round_table(document: Mapping[str, Any]) -> RoundTable:
    """Read a `dure-round/1` document.

    Raises:
        Doubt: If anything in its requests and fellows is not plainly as the format wants it.
        Unreadable: If something else is not.
    """
    plain = read_round({**document, "requests": [], "fellows": []})
    listed = opened(document.get("fellows"), *FELLOW)
    fellows = _fellows(listed, plain)
    rows = opened(document.get("requests"), *REQUEST)
    tracks = sorted({each for each in stated(rows, "track") if each is not None})
    if tracks and not plain.tracks:
        raise Doubt("Tracks are named and not listed.")
    requests = _requests(rows, plain, fellows)
    named = stated(listed, "institute")
    of_groups = [group.institute for group in plain.groups.values()]
    own = [
        name or of_groups[group] for name, group in zip(named, fellows.group.tolist(), strict=True)
    ]
    if not all(name is None or (type(name) is str and name) for name in named):
        raise Doubt("An institute is no text.")
    institutes = indices(sorted({name for name in own if name is not None}))
    return RoundTable(
        plain=replace(
            plain,
            requests=Late(
                requests.at, lambda at: read_request(rows[at], f"request {at}", plain.slots)
            ),
            fellows=_plain_fellows(listed, fellows),
        ),
        requests=requests,
        fellows=fellows,
        supply=np.array([pool.supply for pool in plain.pools.values()], dtype=np.int64),
        charge=np.array([pool.charge for pool in plain.pools.values()], dtype=np.int64),
        institutes=institutes,
        institute=np.array(
            [NOBODY if name is None else institutes[name] for name in own], dtype=np.int64
        ),
    )


def _fellows(rows: list[Row], plain: Round) -> Fellows:
    """Read the fellows."""
    names = texts([row["id"] for row in rows])
    caps = stated(rows, "cap_gpu_hours")
    some = [cap for cap in caps if cap is not None]
    cap = np.full(len(rows), NO_CAP)
    cap[[cap is not None for cap in caps]] = milli(some)
    return Fellows(
        at=indices(names),
        group=places([row["group"] for row in rows], indices(list(plain.groups))),
        weight=milli(stated(rows, "weight", 1)),
        cap=cap,
    )


def _plain_fellows(rows: list[Row], fellows: Fellows) -> dict[str, Fellow]:
    """Return the fellows as the plain checker's own."""
    caps = [None if cap == NO_CAP else cap for cap in fellows.cap.tolist()]
    return {
        row["id"]: Fellow(
            id=row["id"], group=row["group"], institute=row.get("institute"), weight=weight, cap=cap
        )
        for row, weight, cap in zip(rows, fellows.weight.tolist(), caps, strict=True)
    }


def _requests(rows: list[Row], plain: Round, fellows: Fellows) -> Requests:
    """Read the requests."""
    at = indices(texts([row["id"] for row in rows]))
    shape = places(stated(rows, "shape", SHAPES[0]), indices(SHAPES))
    block = shape == SHAPES.index("block")
    lengths = np.zeros(len(rows), dtype=np.int64)
    lengths[block] = whole([rows[each].get("block_slots") for each in np.flatnonzero(block)], 1)
    windows = _windows(rows, plain.slots)
    found = Requests(
        at=at,
        fellow=places([row["fellow"] for row in rows], fellows.at),
        ask=milli(stated(rows, "gpu_hours", 0)),
        minimum=milli(stated(rows, "minimum_gpu_hours", 0)),
        gang=whole(stated(rows, "gang_gpus", 1), 1),
        max_gpus=whole([row["max_gpus"] for row in rows], 1),
        first=windows[:, 0],
        end=windows[:, 1],
        speed=_speeds(rows, indices(list(plain.pools))),
        shape=shape,
        block_slots=lengths,
        single_pool=flags(stated(rows, "single_pool", default=False)),
        score=milli(stated(rows, "score", POINTS / 2)),
        guaranteed=flags(stated(rows, "guaranteed", default=False)),
        pinned=flags(stated(rows, "pinned", default=False)),
        vetoed=flags(stated(rows, "vetoed", default=False)),
        after=_maybe(stated(rows, "after"), at),
        track=_maybe(stated(rows, "track"), indices(list(plain.tracks))),
    )
    if (found.minimum > found.ask).any() or (found.score > POINTS * MILLI).any():
        raise Doubt("A minimum or a score is too high.")
    return found


def _windows(rows: list[Row], slots: int) -> IntArray:
    """Read ``(r, 2)`` windows."""
    windows = [row["window"] for row in rows]
    if not all(type(window) is list and len(window) == 2 for window in windows):  # noqa: PLR2004 - first and end
        raise Doubt("A window is none.")
    array = whole(list(chain.from_iterable(windows))).reshape(-1, 2)
    if not ((array[:, 0] < array[:, 1]) & (array[:, 1] <= slots)).all():
        raise Doubt("A window is out of the calendar.")
    return array


def _speeds(rows: list[Row], pools: Mapping[str, int]) -> IntArray:
    """Read ``(r, p)`` speeds."""
    tables = stated(rows, "speeds", {})
    if not all(type(table) is dict for table in tables):
        raise Doubt("Speeds are no table.")
    counts = np.fromiter(map(len, tables), np.int64, len(tables))
    pool = places(chain.from_iterable(tables), pools)
    speed = np.zeros((len(rows), len(pools)), dtype=np.int64)
    values = list(chain.from_iterable(table.values() for table in tables))
    speed[np.repeat(np.arange(len(rows)), counts), pool] = milli(values)
    return speed


def _maybe(names: list[Any], at: Mapping[str, int]) -> IntArray:
    """Return indices of names, -1 where there is none."""
    found = np.full(len(names), NOBODY)
    some = [index for index, name in enumerate(names) if name is not None]
    found[some] = places([names[index] for index in some], at)
    return found


def plan_table(document: Mapping[str, Any], table: RoundTable) -> PlanTable:
    """Read a `dure-plan/1` document that names only what the round has.

    Raises:
        Doubt: If anything in its awards and entitlements is not plainly as it should be.
        Unreadable: If something else is not.
    """
    rows = opened(document.get("awards"), AWARD)
    rights = document.get("entitlements")
    if not isinstance(rights, dict) or not isinstance(rights.get("fellows"), dict):
        raise Doubt("Entitlements are no table.")
    plain = read_plan({**document, "awards": [], "entitlements": {**rights, "fellows": {}}})
    fellows = rights["fellows"]
    amounts = milli(list(fellows.values()))
    cells = [row["cells"] for row in rows]
    if not all(type(each) is list for each in cells):
        raise Doubt("Cells are no list.")
    flat: list[Any] = list(chain.from_iterable(cells))
    if not all(type(each) is list and len(each) == 3 for each in flat):  # noqa: PLR2004 - pool, slot, hours
        raise Doubt("A cell is none.")
    pool, slot, hours = zip(*flat, strict=True) if flat else ((), (), ())
    counts = np.fromiter(map(len, cells), np.int64, len(cells))
    return PlanTable(
        plain=replace(
            plain,
            awards=LateList(len(rows), lambda at: read_award(rows[at], f"plan.awards[{at}]")),
            fellows=dict(zip(fellows, amounts.tolist(), strict=True)),
        ),
        request=places([row["request"] for row in rows], table.requests.at),
        gpu_hours=milli(stated(rows, "gpu_hours", 0)),
        service_units=milli(stated(rows, "service_units", 0)),
        award=np.repeat(np.arange(len(rows)), counts),
        pool=places(pool, indices(list(table.plain.pools))),
        slot=whole(slot),
        hours=whole(hours),
    )
