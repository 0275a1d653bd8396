"""The checker's own reading of a round: plain integers, standard library only.

Written apart from the reading that feeds the prover, so that one mistake is not made twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from solver.checking.rows import MILLI, Cell, Row, Unreadable, read_cells, thousandths, whole

REQUEST = (
    "id fellow gpu_hours max_gpus window speeds",
    (
        "minimum_gpu_hours gang_gpus shape block_slots single_pool score guaranteed after track "
        "urgency value value_steps pinned vetoed"
    ),
)
"""Keys of a request: those that have to be there, and the others."""
FELLOW = ("id group", "institute weight cap_gpu_hours")
"""The same of a fellow."""
SHAPES = ("flexible", "block", "constant")
POINTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool: charge and supply per slot in thousandths."""

    id: str
    charge: int
    supply: tuple[int, ...]

    def whole(self, slot: int) -> int:
        """Return the whole GPU-hours of a slot."""
        return self.supply[slot] // MILLI


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group: weight, floor and cap in thousandths."""

    id: str
    weight: int
    institute: str | None
    floor: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fellow:
    """A fellow: weight and cap in thousandths."""

    id: str
    group: str
    institute: str | None
    weight: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Institute:
    """What a round limits an institute to: floor and cap in thousandths."""

    id: str
    floor: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track: floor and cap in thousandths."""

    id: str
    floor: int
    cap: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request: amounts, speeds and score in thousandths; the window half open."""

    id: str
    fellow: str
    ask: int
    minimum: int
    gang: int
    max_gpus: int
    first: int
    end: int
    speeds: Mapping[str, int]
    shape: str
    block_slots: int
    single_pool: bool
    score: int
    guaranteed: bool
    pinned: bool
    vetoed: bool
    after: str | None
    track: str | None

    @property
    def must_fund(self) -> bool:
        """Whether every plan has to fund it."""
        return (self.guaranteed or self.pinned) and not self.vetoed


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier round: by id, what each was entitled to and what each got, in thousandths."""

    id: str
    age_days: int
    groups: Mapping[str, tuple[int, int]]
    fellows: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Round:
    """A round as written, by id, in the order of the document."""

    id: str
    slot_hours: int
    slots: int
    pools: Mapping[str, Pool]
    groups: Mapping[str, Group]
    fellows: Mapping[str, Fellow]
    institutes: Mapping[str, Institute]
    tracks: Mapping[str, Track]
    requests: Mapping[str, Request]
    previous: Mapping[str, tuple[Cell, ...]]
    line: tuple[str, ...]
    past: tuple[Past, ...]

    @cached_property
    def total_units(self) -> int:
        """Thousandths of service units in the whole supply, rounded down."""
        return sum(pool.charge * sum(pool.supply) for pool in self.pools.values()) // MILLI

    def group_of(self, request: Request) -> str:
        """Return the group whose share a request draws on."""
        return self.fellows[request.fellow].group

    def institute_of(self, fellow: Fellow) -> str | None:
        """Return a fellow's own institute, or else the group's."""
        return fellow.institute or self.groups[fellow.group].institute

    def released(self) -> "Round":
        """Return the round without the promises to those who hold hours: they may be cut."""
        requests = {
            name: replace(each, guaranteed=False, minimum=0) if name in self.previous else each
            for name, each in self.requests.items()
        }
        return replace(self, requests=requests)

    def slot_limit(self, request: Request) -> int:
        """Return the most whole GPU-hours that a request may use in one slot."""
        return request.max_gpus * self.slot_hours // MILLI


def read_round(document: object) -> Round:
    """Return a `dure-round/1` document in plain integers.

    Raises:
        Unreadable: With the place and the rule.
    """
    top = Row(
        document,
        "round",
        "schema id calendar groups fellows pools requests",
        "title source licence real assumed published_outcome institutes tracks previous past",
    )
    if top.value["schema"] != "dure-round/1":
        raise Unreadable(f"round.schema: must be 'dure-round/1', not {top.value['schema']!r}.")
    calendar = Row(top.value["calendar"], "round.calendar", "slot_hours slots", "starts_on")
    slots = calendar.count("slots", least=1)
    requests = _by_id(
        read_request(each, f"round.requests[{i}]", slots) for i, each in top.numbered("requests")
    )
    round_ = Round(
        id=top.text("id"),
        slot_hours=calendar.milli("slot_hours"),
        slots=slots,
        pools=_by_id(_pool(each, f"round.pools[{i}]", slots) for i, each in top.numbered("pools")),
        groups=_by_id(_group(each, f"round.groups[{i}]") for i, each in top.numbered("groups")),
        fellows=_by_id(
            read_fellow(each, f"round.fellows[{i}]") for i, each in top.numbered("fellows")
        ),
        institutes=_institutes(top),
        tracks=_tracks(top, requests),
        requests=requests,
        previous=_previous(top),
        line=_line(top),
        past=_past(top),
    )
    _refer(round_)
    return round_


def _by_id(rows: Iterable[Any]) -> dict[str, Any]:
    """Return rows by id, refusing an id that stands twice."""
    table: dict[str, Any] = {}
    for row in rows:
        if row.id in table:
            raise Unreadable(f"round: the id {row.id!r} stands twice.")
        table[row.id] = row
    return table


def _group(value: object, path: str) -> Group:
    """Read a group."""
    row = Row(value, path, "id", "weight institute floor_gpu_hours cap_gpu_hours")
    return Group(
        id=row.text("id"),
        weight=row.milli("weight", default=MILLI),
        institute=row.maybe_text("institute"),
        floor=row.milli("floor_gpu_hours"),
        cap=row.maybe_milli("cap_gpu_hours"),
    )


def read_fellow(value: object, path: str) -> Fellow:
    """Read a fellow."""
    row = Row(value, path, *FELLOW)
    return Fellow(
        id=row.text("id"),
        group=row.text("group"),
        institute=row.maybe_text("institute"),
        weight=row.milli("weight", default=MILLI),
        cap=row.maybe_milli("cap_gpu_hours"),
    )


def _pool(value: object, path: str, slots: int) -> Pool:
    """Read a pool."""
    row = Row(value, path, "id gpu_type nodes gpus_per_node supply_gpu_hours", "su_per_gpu_hour")
    supply = row.items("supply_gpu_hours")
    if len(supply) != slots:
        raise Unreadable(f"{path}.supply_gpu_hours: must have {slots} numbers, not {len(supply)}.")
    return Pool(
        id=row.text("id"),
        charge=row.milli("su_per_gpu_hour", default=MILLI),
        supply=tuple(thousandths(each, path) for each in supply),
    )


def _institutes(top: Row) -> dict[str, Institute]:
    """Read the institutes that are limited."""
    if not top.has("institutes"):
        return {}
    rows = (
        Row(each, f"round.institutes[{i}]", "id", "floor_gpu_hours cap_gpu_hours")
        for i, each in top.numbered("institutes")
    )
    return _by_id(
        Institute(
            id=row.text("id"),
            floor=row.milli("floor_gpu_hours"),
            cap=row.maybe_milli("cap_gpu_hours"),
        )
        for row in rows
    )


def _track(value: object, path: str) -> Track:
    """Read a track."""
    row = Row(value, path, "id", "floor_gpu_hours cap_gpu_hours")
    return Track(
        id=row.text("id"), floor=row.milli("floor_gpu_hours"), cap=row.maybe_milli("cap_gpu_hours")
    )


def _past(top: Row) -> tuple[Past, ...]:
    """Read what earlier rounds entitled to and gave."""
    found = []
    for i, each in top.numbered("past") if top.has("past") else ():
        row = Row(each, f"round.past[{i}]", "id age_days groups fellows")
        found.append(
            Past(
                id=row.text("id"),
                age_days=row.count("age_days"),
                groups=_rights(row, "groups"),
                fellows=_rights(row, "fellows"),
            )
        )
    if len({each.id for each in found}) != len(found):
        raise Unreadable("round.past: an id stands twice.")
    return tuple(found)


def _rights(top: Row, name: str) -> dict[str, tuple[int, int]]:
    """Read what some were entitled to and got."""
    found: dict[str, tuple[int, int]] = {}
    for i, each in top.numbered(name):
        row = Row(each, f"{top.path}.{name}[{i}]", "id entitlement awarded")
        if row.text("id") in found:
            raise Unreadable(f"{row.path}: the id {row.text('id')!r} stands twice.")
        found[row.text("id")] = row.milli("entitlement"), row.milli("awarded")
    return found


def _tracks(top: Row, requests: Mapping[str, Request]) -> dict[str, Track]:
    """Read the tracks; without a list, those that requests name are unlimited."""
    if top.has("tracks"):
        return _by_id(_track(each, f"round.tracks[{i}]") for i, each in top.numbered("tracks"))
    named = {each.track for each in requests.values() if each.track is not None}
    return {name: Track(id=name, floor=0, cap=None) for name in sorted(named)}


def read_request(value: object, path: str, slots: int) -> Request:
    """Read a request."""
    row = Row(value, path, *REQUEST)
    shape = row.choice("shape", SHAPES, "flexible")
    first, end = _window(row, slots)
    request = Request(
        id=row.text("id"),
        fellow=row.text("fellow"),
        ask=row.milli("gpu_hours"),
        minimum=row.milli("minimum_gpu_hours"),
        gang=row.count("gang_gpus", least=1, default=1),
        max_gpus=row.count("max_gpus", least=1),
        first=first,
        end=end,
        speeds={
            pool: thousandths(speed, f"{path}.speeds.{pool}")
            for pool, speed in row.table("speeds").items()
        },
        shape=shape,
        block_slots=row.count("block_slots", least=1) if shape == "block" else 0,
        single_pool=row.flag("single_pool"),
        score=row.milli("score", default=POINTS * MILLI // 2),
        guaranteed=row.flag("guaranteed"),
        pinned=row.flag("pinned"),
        vetoed=row.flag("vetoed"),
        after=row.maybe_text("after"),
        track=row.maybe_text("track"),
    )
    if request.minimum > request.ask:
        raise Unreadable(f"{path}: the minimum lies above gpu_hours.")
    if request.score > POINTS * MILLI:
        raise Unreadable(f"{path}.score: must lie in 0 … {POINTS}.")
    return request


def _window(row: Row, slots: int) -> tuple[int, int]:
    """Read a half-open window inside the calendar."""
    window = [whole(each, row.at("window")) for each in row.items("window")]
    if len(window) != 2 or not window[0] < window[1] <= slots:  # noqa: PLR2004 - first and end
        raise Unreadable(f"{row.at('window')}: must be [first, end) inside {slots} slots.")
    return window[0], window[1]


def _previous(top: Row) -> dict[str, tuple[Cell, ...]]:
    """Read the cells of the earlier plan, by request."""
    if not top.has("previous"):
        return {}
    previous = top.table("previous")
    awards = Row({"awards": previous.get("awards")}, "round.previous", "awards")
    cells = {}
    for index, award in awards.numbered("awards"):
        path = f"round.previous.awards[{index}]"
        row = Row(award, path, "request cells", "gpu_hours service_units")
        cells[row.text("request")] = read_cells(row.value["cells"], f"{path}.cells")
    return cells


def _line(top: Row) -> tuple[str, ...]:
    """Read the earlier plan's reserve list, by rank."""
    if not top.has("previous"):
        return ()
    listed = top.table("previous").get("reserve") or []
    places = Row({"reserve": listed}, "round.previous", "reserve")
    found = []
    for index, place in places.numbered("reserve"):
        row = Row(place, f"round.previous.reserve[{index}]", "request rank")
        found.append((whole(row.value["rank"], row.at("rank")), row.text("request")))
    return tuple(name for _, name in sorted(found))


def _refer(round_: Round) -> None:
    """Refuse names that nothing bears."""
    for fellow in round_.fellows.values():
        _known(fellow.group, round_.groups, f"fellow {fellow.id}")
    for request in round_.requests.values():
        who = f"request {request.id}"
        _known(request.fellow, round_.fellows, who)
        for pool in request.speeds:
            _known(pool, round_.pools, who)
        if request.track is not None:
            _known(request.track, round_.tracks, who)
        if request.after is not None:
            _known(request.after, round_.requests, who)


def _known(name: str, table: Mapping[str, object], who: str) -> None:
    """Refuse a name outside a table."""
    if name not in table:
        raise Unreadable(f"round: {who} names {name!r}, which the round does not have.")
