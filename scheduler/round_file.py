"""A round as a file: `dure-round/1`, read into a snapshot."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, TypeVar

from scheduler.document import Document, Fields, InvalidRound, as_milli
from scheduler.snapshot import (
    Calendar,
    PastRound,
    RoundFellow,
    RoundGroup,
    RoundInstitute,
    RoundPool,
    RoundRequest,
    RoundTrack,
    Snapshot,
)

Limited = TypeVar("Limited", RoundInstitute, RoundTrack)
SCHEMA = "dure-round/1"
SHAPES = ("flexible", "block", "constant")
URGENCIES = ("strict", "soft", "best")


def read_round(document: Document) -> Snapshot:
    """Read a parsed `dure-round/1` document, refusing whatever breaks the format.

    Raises:
        InvalidRound: With the field, its value and the rule.
    """
    top = Fields(document, "#")
    if top.text("schema") != SCHEMA:
        raise InvalidRound("#/schema", document["schema"], f"Must be {SCHEMA!r}.")
    for name in ("title", "source", "licence", "published_outcome", "real", "assumed"):
        top.ignore(name)
    calendar = _calendar(top.fields("calendar"))
    groups = tuple(_group(each) for each in top.rows("groups"))
    fellows = tuple(_fellow(each) for each in top.rows("fellows"))
    pools = tuple(_pool(each, calendar.slots) for each in top.rows("pools"))
    listed = None if document.get("tracks") is None else top.rows("tracks")
    requests = tuple(_request(each, calendar.slots) for each in top.rows("requests"))
    tracks = _tracks(listed, requests)
    top.ignore("tracks")
    plan = top.fields("previous") if document.get("previous") is not None else None
    previous = () if plan is None else awarded_cells(plan, calendar.slots)
    top.ignore("previous")
    snapshot = Snapshot(
        id=top.text("id"),
        title=str(document.get("title", document["id"])),
        calendar=calendar,
        groups=groups,
        fellows=fellows,
        institutes=_institutes(top),
        tracks=tracks,
        pools=pools,
        requests=requests,
        previous=previous,
        line=() if plan is None else reserve_line(plan),
        past=_past(top),
        document=document,
    )
    top.finish()
    _check_references(snapshot)
    return snapshot


def _calendar(row: Fields) -> Calendar:
    """Read the calendar."""
    starts_on = row.optional_text("starts_on")
    try:
        first_day = None if starts_on is None else date.fromisoformat(starts_on)
    except ValueError as error:
        raise InvalidRound(
            row.at("starts_on"), starts_on, "Must be a date (YYYY-MM-DD)."
        ) from error
    calendar = Calendar(
        starts_on=first_day,
        slot_hours=row.milli("slot_hours", positive=True),
        slots=row.count("slots", least=1),
    )
    row.finish()
    return calendar


def _group(row: Fields) -> RoundGroup:
    """Read a group."""
    group = RoundGroup(
        id=row.text("id"),
        weight=row.milli("weight", default=1000),
        institute=row.optional_text("institute"),
        floor_gpu_hours=row.milli("floor_gpu_hours", default=0),
        cap_gpu_hours=row.optional_milli("cap_gpu_hours"),
    )
    row.finish()
    return group


def _fellow(row: Fields) -> RoundFellow:
    """Read a fellow."""
    fellow = RoundFellow(
        id=row.text("id"),
        group=row.text("group"),
        institute=row.optional_text("institute"),
        weight=row.milli("weight", default=1000),
        cap_gpu_hours=row.optional_milli("cap_gpu_hours"),
    )
    row.finish()
    return fellow


def _pool(row: Fields, slots: int) -> RoundPool:
    """Read a pool with one supply per slot."""
    supply = row.items("supply_gpu_hours")
    if len(supply) != slots:
        raise InvalidRound(
            row.at("supply_gpu_hours"), len(supply), f"Must have one number per slot ({slots})."
        )
    pool = RoundPool(
        id=row.text("id"),
        gpu_type=row.text("gpu_type"),
        nodes=row.count("nodes"),
        gpus_per_node=row.count("gpus_per_node", least=1),
        su_per_gpu_hour=row.milli("su_per_gpu_hour", default=1000, positive=True),
        supply_gpu_hours=tuple(
            as_milli(each, f"{row.at('supply_gpu_hours')}/{slot}")
            for slot, each in enumerate(supply)
        ),
    )
    row.finish()
    return pool


def _request(row: Fields, slots: int) -> RoundRequest:
    """Read a request."""
    first, end = _window(row, slots)
    shape = row.choice("shape", SHAPES, "flexible")
    request = RoundRequest(
        id=row.text("id"),
        fellow=row.text("fellow"),
        gpu_hours=row.milli("gpu_hours", positive=True),
        minimum_gpu_hours=row.milli("minimum_gpu_hours", default=0),
        gang_gpus=row.count("gang_gpus", least=1, default=1),
        max_gpus=row.count("max_gpus", least=1),
        first=first,
        end=end,
        speeds=_speeds(row.fields("speeds")),
        shape=shape,
        block_slots=row.count("block_slots", least=1) if shape == "block" else 0,
        single_pool=row.flag("single_pool"),
        score=row.milli("score", default=50_000),
        guaranteed=row.flag("guaranteed"),
        after=row.optional_text("after"),
        track=row.optional_text("track"),
        pinned=row.flag("pinned"),
        vetoed=row.flag("vetoed"),
    )
    if shape != "block" and row.has("block_slots"):
        raise InvalidRound(row.at("block_slots"), row.value["block_slots"], "Needs shape 'block'.")
    _check_carried_along(row, slots)
    row.finish()
    _check_request(row, request)
    return request


def _check_request(row: Fields, request: RoundRequest) -> None:
    """Refuse numbers that contradict each other."""
    if request.minimum_gpu_hours > request.gpu_hours:
        raise InvalidRound(
            row.at("minimum_gpu_hours"),
            str(row.value["minimum_gpu_hours"]),
            f"Must not exceed gpu_hours ({row.value['gpu_hours']}).",
        )
    if request.gang_gpus > request.max_gpus:
        raise InvalidRound(
            row.at("gang_gpus"),
            request.gang_gpus,
            f"Must not exceed max_gpus ({request.max_gpus}).",
        )
    if request.score > 100_000:  # noqa: PLR2004 - 100 points in thousandths
        raise InvalidRound(row.at("score"), str(row.value["score"]), "Must lie in 0 … 100.")
    if request.block_slots > request.end - request.first:
        raise InvalidRound(
            row.at("block_slots"),
            request.block_slots,
            f"Must fit the window of {request.end - request.first} slots.",
        )


def _window(row: Fields, slots: int) -> tuple[int, int]:
    """Read a half-open window inside the calendar."""
    value = row.items("window")
    rule = f"Must be [first, end) with 0 ≤ first < end ≤ {slots}."
    whole = all(isinstance(each, int) and not isinstance(each, bool) for each in value)
    if len(value) != 2 or not whole or not 0 <= value[0] < value[1] <= slots:  # noqa: PLR2004 - a pair
        raise InvalidRound(row.at("window"), value, rule)
    return value[0], value[1]


def _speeds(row: Fields) -> tuple[tuple[str, int], ...]:
    """Read the acceptable pools and their speeds."""
    if not row.value:
        raise InvalidRound(row.pointer, {}, "Must name at least one acceptable pool.")
    return tuple((pool, row.milli(pool, positive=True)) for pool in row.value)


def _check_carried_along(row: Fields, slots: int) -> None:
    """Check the keys that only some policies use."""
    row.choice("urgency", URGENCIES, "best")
    if row.has("value"):
        row.milli("value")
    if row.has("value_steps"):
        for index, step in enumerate(row.items("value_steps")):
            pair = isinstance(step, list) and len(step) == 2  # noqa: PLR2004 - slot and share
            if not pair or not isinstance(step[0], int) or not 0 <= step[0] <= slots:
                raise InvalidRound(
                    f"{row.at('value_steps')}/{index}", step, "Must be [slot, share]."
                )
            as_milli(step[1], f"{row.at('value_steps')}/{index}/1")


def _institutes(top: Fields) -> tuple[RoundInstitute, ...]:
    """Read the institutes that the round itself limits; most limits stand in the policy."""
    rows = top.rows("institutes") if top.has("institutes") else []
    return tuple(_limited(RoundInstitute, row) for row in rows)


def _tracks(rows: list[Fields] | None, requests: Iterable[RoundRequest]) -> tuple[RoundTrack, ...]:
    """Read the tracks; without a list, those that requests name have neither floor nor cap."""
    if rows is None:
        names = dict.fromkeys(each.track for each in requests if each.track is not None)
        return tuple(RoundTrack(id=name, floor_gpu_hours=0, cap_gpu_hours=None) for name in names)
    return tuple(_limited(RoundTrack, row) for row in rows)


def _limited(kind: type[Limited], row: Fields) -> Limited:
    """Read an institute or a track with its floor and cap."""
    limited = kind(
        id=row.text("id"),
        floor_gpu_hours=row.milli("floor_gpu_hours", default=0),
        cap_gpu_hours=row.optional_milli("cap_gpu_hours"),
    )
    row.finish()
    return limited


def awarded_cells(plan: Fields, slots: int) -> tuple[tuple[str, str, int, int], ...]:
    """Read the cells of a plan: (request, pool, slot, GPU-hours); its other keys are its own.

    Raises:
        InvalidRound: If a cell is none of a calendar of so many slots.
    """
    cells = []
    for award in plan.rows("awards"):
        request = award.text("request")
        for index, cell in enumerate(award.items("cells")):
            pointer = f"{award.at('cells')}/{index}"
            if not isinstance(cell, list) or len(cell) != 3:  # noqa: PLR2004 - pool, slot, hours
                raise InvalidRound(pointer, cell, "Must be [pool, slot, gpu_hours].")
            named = Fields(dict(zip(("pool", "slot", "gpu_hours"), cell, strict=True)), pointer)
            pool, slot = named.text("pool"), named.count("slot")
            if slot >= slots:
                raise InvalidRound(pointer, cell, f"The slot must be below {slots}.")
            cells.append((request, pool, slot, named.count("gpu_hours")))
    return tuple(cells)


def reserve_line(plan: Fields) -> tuple[str, ...]:
    """Read who is next in line in a plan, by rank."""
    if not plan.has("reserve"):
        return ()
    places = [
        (place.count("rank", least=1), place.text("request")) for place in plan.rows("reserve")
    ]
    names = [name for _, name in sorted(places)]
    if len(set(names)) != len(names):
        raise InvalidRound(plan.at("reserve"), names, "Must name each request once.")
    return tuple(names)


def _past(top: Fields) -> tuple[PastRound, ...]:
    """Read what earlier rounds entitled to and gave."""
    rounds = []
    for row in top.rows("past") if top.has("past") else []:
        rounds.append(
            PastRound(
                id=row.text("id"),
                age_days=row.count("age_days"),
                groups=_rights(row, "groups"),
                fellows=_rights(row, "fellows"),
            )
        )
        row.finish()
    return tuple(rounds)


def _rights(row: Fields, name: str) -> dict[str, tuple[int, int]]:
    """Read what some were entitled to and got, by id."""
    found: dict[str, tuple[int, int]] = {}
    for each in row.rows(name):
        id_ = each.text("id")
        if id_ in found:
            raise InvalidRound(each.at("id"), id_, "Stands twice.")
        found[id_] = each.milli("entitlement"), each.milli("awarded")
        each.finish()
    return found


def _check_references(snapshot: Snapshot) -> None:
    """Refuse ids that stand twice or name nothing."""
    groups = _ids(snapshot.groups, "groups")
    _ids(snapshot.institutes, "institutes")
    _ids(snapshot.past, "past")
    fellows = _ids(snapshot.fellows, "fellows")
    tracks = _ids(snapshot.tracks, "tracks")
    pools = _ids(snapshot.pools, "pools")
    requests = _ids(snapshot.requests, "requests")
    for index, fellow in enumerate(snapshot.fellows):
        _known(fellow.group, groups, f"#/fellows/{index}/group", "group")
    for index, request in enumerate(snapshot.requests):
        at = f"#/requests/{index}"
        _known(request.fellow, fellows, f"{at}/fellow", "fellow")
        for pool, _ in request.speeds:
            _known(pool, pools, f"{at}/speeds/{pool}", "pool")
        if request.track is not None:
            _known(request.track, tracks, f"{at}/track", "track")
        if request.after is not None:
            _known(request.after, requests - {request.id}, f"{at}/after", "other request")


def _ids(rows: Sequence[Any], name: str) -> set[str]:
    """Return the ids, refusing one that stands twice."""
    seen: set[str] = set()
    for index, row in enumerate(rows):
        if row.id in seen:
            raise InvalidRound(f"#/{name}/{index}/id", row.id, "Stands twice.")
        seen.add(row.id)
    return seen


def _known(value: str, known: set[str], pointer: str, what: str) -> None:
    """Refuse a name that nothing bears."""
    if value not in known:
        raise InvalidRound(pointer, value, f"Must name a {what} of the round.")
