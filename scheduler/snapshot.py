"""A round as a file: `dure-round/1`, read into frozen values with exact thousandths."""

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
SCHEMA = "dure-round/1"
MOST = 10**12
"""No number in a round may exceed this; it keeps every product inside 64 bits or exact floats."""
MOST_SHOWN = 80
"""Characters of a wrong value that a refusal repeats."""
SHAPES = ("flexible", "block", "constant")
URGENCIES = ("strict", "soft", "best")


class InvalidRound(ValueError):  # noqa: N818 - a refusal, named as the rule names it
    """A round file breaks a rule of the format.

    Attributes:
        pointer: JSON pointer of the field, such as ``#/requests/3/gpu_hours``.
        value: what stands there.
        rule: what should.
    """

    def __init__(self, pointer: str, value: object, rule: str) -> None:
        super().__init__(f"{pointer}: {_as_written(value)}: {rule}")
        self.pointer = pointer
        self.value = value
        self.rule = rule


def _as_written(value: object) -> str:
    """Return a value as a file would have it, cut where it grows long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, Decimal):
        text = str(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The round's units of time; `slot_hours` in thousandths of an hour."""

    starts_on: date | None
    slot_hours: int
    slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundGroup:
    """A group in the round; amounts and weight in thousandths."""

    id: str
    weight: int
    institute: str | None
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFellow:
    """A fellow in the round; weight and cap in thousandths."""

    id: str
    group: str
    institute: str | None
    weight: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundInstitute:
    """What a round limits an institute to; floor and cap in thousandths."""

    id: str
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrack:
    """A track in the round; floor and cap in thousandths."""

    id: str
    floor_gpu_hours: int
    cap_gpu_hours: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPool:
    """A pool in the round; charge and supply per slot in thousandths."""

    id: str
    gpu_type: str
    nodes: int
    gpus_per_node: int
    su_per_gpu_hour: int
    supply_gpu_hours: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRequest:
    """A request in the round; amounts, speeds and score in thousandths."""

    id: str
    fellow: str
    gpu_hours: int
    minimum_gpu_hours: int
    gang_gpus: int
    max_gpus: int
    first: int
    end: int
    speeds: tuple[tuple[str, int], ...]
    shape: str
    block_slots: int
    single_pool: bool
    score: int
    guaranteed: bool
    after: str | None
    track: str | None
    pinned: bool
    vetoed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRound:
    """An earlier round: by id, what each was entitled to and what each got, in thousandths."""

    id: str
    age_days: int
    groups: Mapping[str, tuple[int, int]]
    fellows: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen round: what a solve reads and nothing else.

    Attributes:
        document: the file as parsed, for its digest.
        previous: (request, pool, slot, whole GPU-hours) of the plan to stay close to.
        line: requests of that plan's reserve list, by rank.
        past: earlier rounds, for policies that carry what they left owing.
    """

    id: str
    title: str
    calendar: Calendar
    groups: tuple[RoundGroup, ...]
    fellows: tuple[RoundFellow, ...]
    institutes: tuple[RoundInstitute, ...]
    tracks: tuple[RoundTrack, ...]
    pools: tuple[RoundPool, ...]
    requests: tuple[RoundRequest, ...]
    previous: tuple[tuple[str, str, int, int], ...]
    line: tuple[str, ...]
    past: tuple[PastRound, ...]
    document: Document


def load_document(path: Path | str) -> Document:
    """Read a JSON document, gzipped or not, with exact decimals.

    Raises:
        InvalidRound: If it is not a JSON object, or a key stands twice in one object.
        OSError: If it cannot be read.
    """
    return parse_document(Path(path).read_bytes())


def parse_document(raw: bytes) -> Document:
    """Parse JSON bytes, gzipped or not, with exact decimals.

    Raises:
        InvalidRound: If they are not a JSON object, or a key stands twice in one object.
    """
    try:
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
        document = json.loads(
            text, parse_float=Decimal, parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except (ValueError, EOFError, OSError, RecursionError) as error:
        if isinstance(error, InvalidRound):
            raise
        raise InvalidRound(
            "#", _short(raw), f"Must be JSON in UTF-8, gzipped or not: {error}"
        ) from error
    if not isinstance(document, dict):
        raise InvalidRound("#", _short(raw), "Must be a JSON object.")
    return document


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
    previous = () if plan is None else _previous(plan)
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
        line=() if plan is None else _line(plan),
        past=_past(top),
        document=document,
    )
    top.finish()
    _check_references(snapshot)
    return snapshot


class Fields:
    """One JSON object being read: each key once, unknown keys refused at the end."""

    def __init__(self, value: object, pointer: str) -> None:
        if not isinstance(value, dict):
            raise InvalidRound(pointer, value, "Must be an object.")
        self.value: Mapping[str, Any] = value
        self.pointer = pointer
        self.read: set[str] = set()

    def take(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return a required value."""
        self.read.add(name)
        if name not in self.value:
            raise InvalidRound(self.at(name), None, "Is required.")
        return self.value[name]

    def has(self, name: str) -> bool:
        """Say whether a key is present and not null."""
        self.read.add(name)
        return self.value.get(name) is not None

    def ignore(self, name: str) -> None:
        """Allow a key whose value is text about the round."""
        self.read.add(name)

    def at(self, name: str) -> str:
        """Return the JSON pointer of a key."""
        return f"{self.pointer}/{name}"

    def text(self, name: str) -> str:
        """Return a non-empty text."""
        value = self.take(name)
        if not isinstance(value, str) or not value:
            raise InvalidRound(self.at(name), value, "Must be a non-empty text.")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text or nothing."""
        return self.text(name) if self.has(name) else None

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Return one of the allowed words."""
        value = self.take(name) if self.has(name) else default
        if value not in allowed:
            raise InvalidRound(self.at(name), value, f"Must be one of {', '.join(allowed)}.")
        return str(value)

    def flag(self, name: str) -> bool:
        """Return true or false; false when absent."""
        value = self.take(name) if self.has(name) else False
        if not isinstance(value, bool):
            raise InvalidRound(self.at(name), value, "Must be true or false.")
        return value

    def count(self, name: str, *, least: int = 0, default: int | None = None) -> int:
        """Return a whole number."""
        value = default if default is not None and not self.has(name) else self.take(name)
        if isinstance(value, Decimal) and value == value.to_integral_value():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
            raise InvalidRound(
                self.at(name), value, f"Must be a whole number from {least} to {MOST}."
            )
        return value

    def milli(self, name: str, *, default: int | None = None, positive: bool = False) -> int:
        """Return a number as thousandths; `default` in thousandths too."""
        if default is not None and not self.has(name):
            return default
        return as_milli(self.take(name), self.at(name), positive=positive)

    def optional_milli(self, name: str) -> int | None:
        """Return a number as thousandths, or nothing."""
        return self.milli(name) if self.has(name) else None

    def fields(self, name: str) -> "Fields":
        """Return an object to be read."""
        return Fields(self.take(name), self.at(name))

    def rows(self, name: str) -> list["Fields"]:
        """Return a list of objects to be read."""
        value = self.items(name)
        return [Fields(each, f"{self.at(name)}/{index}") for index, each in enumerate(value)]

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        value = self.take(name)
        if not isinstance(value, list):
            raise InvalidRound(self.at(name), value, "Must be a list.")
        return value

    def finish(self) -> None:
        """Refuse keys that nobody asked for."""
        for name in self.value:
            if name not in self.read:
                raise InvalidRound(self.at(name), self.value[name], "Is not a key of the format.")


def as_milli(value: object, pointer: str, *, positive: bool = False) -> int:
    """Return a JSON number as exact thousandths.

    Raises:
        InvalidRound: If it is no number, negative, too large, or has more than three places.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidRound(pointer, value, "Must be a number.")
    scaled = Decimal(value) * 1000
    if not 0 <= scaled <= MOST * 1000 or (positive and scaled == 0):
        low = "above 0" if positive else "0 or more"
        raise InvalidRound(pointer, str(value), f"Must be {low} and at most {MOST}.")
    if scaled != scaled.to_integral_value():
        raise InvalidRound(pointer, str(value), "Must have at most three decimal places.")
    return int(scaled)


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
    institutes = []
    for row in rows:
        institutes.append(
            RoundInstitute(
                id=row.text("id"),
                floor_gpu_hours=row.milli("floor_gpu_hours", default=0),
                cap_gpu_hours=row.optional_milli("cap_gpu_hours"),
            )
        )
        row.finish()
    return tuple(institutes)


def _tracks(rows: list[Fields] | None, requests: Iterable[RoundRequest]) -> tuple[RoundTrack, ...]:
    """Read the tracks; without a list, those that requests name have neither floor nor cap."""
    if rows is None:
        names = dict.fromkeys(each.track for each in requests if each.track is not None)
        return tuple(RoundTrack(id=name, floor_gpu_hours=0, cap_gpu_hours=None) for name in names)
    tracks = []
    for row in rows:
        tracks.append(
            RoundTrack(
                id=row.text("id"),
                floor_gpu_hours=row.milli("floor_gpu_hours", default=0),
                cap_gpu_hours=row.optional_milli("cap_gpu_hours"),
            )
        )
        row.finish()
    return tuple(tracks)


def _previous(row: Fields) -> tuple[tuple[str, str, int, int], ...]:
    """Read the cells of the plan to stay close to; its other keys are a plan's own."""
    cells = []
    for award in row.rows("awards"):
        request = award.text("request")
        for index, cell in enumerate(award.items("cells")):
            pointer = f"{award.at('cells')}/{index}"
            if not isinstance(cell, list) or len(cell) != 3:  # noqa: PLR2004 - pool, slot, hours
                raise InvalidRound(pointer, cell, "Must be [pool, slot, gpu_hours].")
            pool, slot, hours = cell
            if not isinstance(pool, str) or not isinstance(slot, int) or not isinstance(hours, int):
                raise InvalidRound(pointer, cell, "Must be [text, whole number, whole number].")
            cells.append((request, pool, slot, hours))
    return tuple(cells)


def _line(row: Fields) -> tuple[str, ...]:
    """Read who was next in line, by rank."""
    if not row.has("reserve"):
        return ()
    places = [
        (place.count("rank", least=1), place.text("request")) for place in row.rows("reserve")
    ]
    names = [name for _, name in sorted(places)]
    if len(set(names)) != len(names):
        raise InvalidRound(row.at("reserve"), names, "Must name each request once.")
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


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    """Build an object, refusing a key that stands twice."""
    document = dict(pairs)
    if len(document) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidRound(f"#/…/{twice}", twice, "A key stands twice in one object.")
    return document


def _no_constant(text: str) -> None:
    """Refuse NaN and infinities, which JSON does not have."""
    raise InvalidRound("#", text, "Is not a JSON number.")


def _short(raw: bytes) -> str:
    """Return the beginning of what was read."""
    return raw[:40].decode("utf-8", "replace")
